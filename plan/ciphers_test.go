package plan

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// nest is a value at a path of names.
func nest(path string, v any) in {
	outer, inner, nested := strings.Cut(path, ".")
	if !nested {
		return in{outer: v}
	}
	return in{outer: nest(inner, v)}
}

// TestUnciphered: what is no longer encrypted is told of every type and input that is known here, whatever judges the
// type, in place or by a replacement.
func TestUnciphered(t *testing.T) {
	// noBooleans are names that say how, or by what, something is encrypted.
	noBooleans := func(path string) bool {
		last := path[strings.LastIndexByte(path, '.')+1:]
		return !slices.Contains([]string{"encrypted", "enabled", "inCluster"}, last) && !strings.HasSuffix(last,
			"Encrypted") &&
			!strings.HasSuffix(last, "Enabled")
	}
	count := 0
	for token, inputs := range replacements() {
		for path := range inputs {
			if _, is := encrypts(path); !is || noBooleans(path) {
				continue
			}
			count++
			told := func(was, is in) int {
				base, head := two(t, func(b *graphtest.Builder) { b.Add(token, "x", was) }, func(b *graphtest.Builder) {
					b.Remove(token, "x")
					b.Add(token, "x", is)
				})
				n := 0
				for _, d := range between(base, head).Environments[0].Dangers {
					if d.Kind == weakens && strings.Contains(d.What, "ncrypt") {
						n++
					}
				}
				return n
			}
			if n := told(nest(path, true), nest(path, false)); n != 1 {
				t.Errorf("%s %s: true → false is told %d times", token, path, n)
			}
			want := 1
			if unsetValues()[token+" "+path] == "true" {
				want = 0
			}
			if n := told(nest(path, true), in{}); n != want {
				t.Errorf("%s %s: true → not set is told %d times, want %d", token, path, n, want)
			}
			if n := told(nest(path, false), nest(path, true)) + told(in{}, nest(path, true)); n != 0 {
				t.Errorf("%s %s: encrypting is told %d times", token, path, n)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d inputs are known", count)
	}

	for _, c := range []struct {
		name, kind string
		was, is    in
		want       [][2]string
	}{
		{"what says that it does not", "codebuild/project:Project", in{"artifacts": in{"encryptionDisabled": false}},
			in{"artifacts": in{"encryptionDisabled": true}},
			[][2]string{{weakens, "no longer encrypts what it did (`artifacts.encryptionDisabled`: false → true)"}}},
		{"what says so, of something else", "codebuild/project:Project",
			in{"artifacts": in{"encryptionDisabled": true}},
			in{"artifacts": in{}}, nil},
		{"a disk", "ec2/spotInstanceRequest:SpotInstanceRequest",
			in{"ebsBlockDevices": several(in{"encrypted": "true"})},
			in{"ebsBlockDevices": several(in{"encrypted": "false"})},
			[][2]string{{weakens, "`ebsBlockDevices[0].encrypted`"}}},
		{"a disk less", "ec2/spotInstanceRequest:SpotInstanceRequest",
			in{"ebsBlockDevices": several(in{"encrypted": "true"}, in{"encrypted": "false"})},
			in{"ebsBlockDevices": several(in{"encrypted": "false"})}, nil},
		{"a type that nobody knows", "orbit/satellite:Satellite", in{"isEncrypted": true}, in{},
			[][2]string{{weakens, "`isEncrypted`: true → not set"}}},
		{"headers", "lb/loadBalancer:LoadBalancer", in{"enableTlsVersionAndCipherSuiteHeaders": true},
			in{"enableTlsVersionAndCipherSuiteHeaders": false}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) { b.Add(c.kind, "x", c.was) }, func(b *graphtest.Builder) {
				b.Remove(c.kind, "x")
				b.Add(c.kind, "x", c.is)
			})
			tells(t, unciphered(base, head), c.want)
		})
	}
}

// TestOpenedDomains: a search domain outside of a network, or without sign-in, though it is replaced.
func TestOpenedDomains(t *testing.T) {
	for _, kind := range []string{"opensearch/domain:Domain", "elasticsearch/domain:Domain"} {
		for _, c := range []struct {
			name    string
			was, is in
			want    string // empty: nothing is opened
		}{
			{"no network", in{"vpcOptions": in{"subnetIds": []string{"s"}}}, in{}, "an address on the internet"},
			{"into a network", in{}, in{"vpcOptions": in{"subnetIds": []string{"s"}}}, ""},
			{"no sign-in", in{"advancedSecurityOptions": in{"enabled": true}},
				in{"advancedSecurityOptions": in{"enabled": false}}, "signs in no longer"},
			{"no sign-in, not set", in{"advancedSecurityOptions": in{"enabled": true}}, in{}, "signs in no longer"},
			{"sign-in", in{}, in{"advancedSecurityOptions": in{"enabled": true}}, ""},
		} {
			t.Run(kind+" "+c.name, func(t *testing.T) {
				base, head := two(t, func(b *graphtest.Builder) { b.Add(kind, "x", c.was) },
					func(b *graphtest.Builder) {
						b.Remove(kind, "x")
						b.Add(kind, "x", c.is)
					})
				var want [][2]string
				if c.want != "" {
					want = [][2]string{{exposes, c.want}}
				}
				tells(t, slices.DeleteFunc(between(base, head).Environments[0].Dangers, func(d Danger) bool {
					return d.Kind != exposes
				}), want)
			})
		}
	}
}

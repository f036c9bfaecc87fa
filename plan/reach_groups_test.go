package plan

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestStrangeGroups: of security groups that the program does not make nobody knows whom they let in, in each type of
// which no rule judges them.
func TestStrangeGroups(t *testing.T) {
	for token, paths := range grouped {
		for _, path := range paths {
			t.Run(token+" "+path, func(t *testing.T) {
				outer, inner, nested := strings.Cut(path, ".")
				told := func(was, is []string) []Danger {
					inputs := func(ids []string) in {
						if nested {
							return in{outer: several(in{inner: ids})}
						}
						return in{path: ids}
					}
					base, head := two(t, func(b *graphtest.Builder) {
						b.Add("ec2/securityGroup:SecurityGroup", "own", in{})
						b.Add("ec2/securityGroup:SecurityGroup", "read", in{}).Read = true
						b.Add(token, "x", inputs(was))
					}, func(b *graphtest.Builder) {
						b.Remove(token, "x")
						b.Add(token, "x", inputs(is))
					})
					return slices.DeleteFunc(between(base, head).Environments[0].Dangers, func(d Danger) bool {
						return !strings.Contains(d.What, "does not make these")
					})
				}
				const own, read = "securitygroup-own", "securitygroup-read"
				tells(t, told([]string{"sg-1"}, []string{"sg-2"}),
					[][2]string{{notJudged, "gets `sg-2` and loses `sg-1` (`" + path + "`)"}})
				tells(t, told([]string{own}, []string{own, "sg-1"}), [][2]string{{notJudged, "gets `sg-1` (`"}})
				tells(t, told([]string{own, "sg-1"}, []string{own}), [][2]string{{notJudged, "loses `sg-1`"}})
				tells(t, told([]string{own}, []string{read}), [][2]string{{notJudged, "gets `" + read + "`"}})
				tells(t, told(nil, []string{own}), nil)
				tells(t, told([]string{own, "sg-1", "sg-2"}, []string{"sg-2", "sg-1", own}), nil)
				tells(t, told([]string{own, "sg-1"}, []string{"sg-1"}), nil)
			})
		}
	}
	// Each input that is neutral because who reaches whom tells of it is one of them.
	for token, paths := range neutral {
		for _, path := range paths {
			if strings.Contains(strings.ToLower(path), "securitygroup") && !slices.Contains(grouped[token], path) {
				t.Errorf("%s of %s is judged by nothing", path, token)
			}
		}
	}
}

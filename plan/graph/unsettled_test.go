package graph

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// TestUnsettled: what two runs give otherwise is named, and kept where it was so before and nothing else of it changed.
func TestUnsettled(t *testing.T) {
	// Each run has a number, which stands for the clock.
	record := func(run int, owner string, before Before) *Graph {
		t.Helper()
		g, err := RecordAfter(before, "test", "dev", nil, func(ctx *pulumi.Context) error {
			at := fmt.Sprintf("2026-11-%02dT10:00:%02dZ", run, run+10)
			topic := func(name string, in pulumi.Map, opts ...pulumi.ResourceOption) *pulumi.CustomResourceState {
				var r pulumi.CustomResourceState
				if err := ctx.RegisterResource("aws:sns/topic:Topic", name, in, &r, opts...); err != nil {
					t.Error(err)
				}
				return &r
			}
			first := topic("first", pulumi.Map{"name": pulumi.String("n-" + at),
				"tags":         pulumi.StringMap{"at": pulumi.String(at), "owner": pulumi.String(owner)},
				"list":         pulumi.StringArray{pulumi.String("same"), pulumi.String(at)},
				"longer":       pulumi.ToStringArray(slices.Repeat([]string{"x"}, run)),
				"secret":       pulumi.ToSecret(pulumi.String("hidden " + at)),
				"steadySecret": pulumi.ToSecret(pulumi.String("hidden")),
			})
			topic("second", pulumi.Map{"displayName": first.ID(), "text": pulumi.String("of " + owner + " at " + at)},
				pulumi.ReplacementTrigger(pulumi.Any(at)))
			topic(fmt.Sprint("named-", run), pulumi.Map{})
			ctx.Export("at", pulumi.String(at))
			ctx.Export("steady", pulumi.String(owner))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	names := func(all []Unsettled) (found []string) {
		for _, u := range all {
			if u.Output {
				continue
			}
			name := ""
			if u.URN != "" {
				name = u.URN[len("urn:pulumi:dev::test::aws:sns/topic:Topic::"):]
			}
			found = append(found, name+" "+u.Path)
		}
		return found
	}
	was, wasAgain := record(1, "one", Before{}), record(2, "one", Before{})
	renew := func(old, now *Resource) Renewal { return Renewal{Replaced: !old.Same(now, "name")} }
	before := Before{Graph: was, Renew: renew}
	is, isAgain := record(3, "two", before), record(4, "two", before)
	if got, want := names(was.Unsettled(wasAgain)), []string{" at", "first list[1]", "first longer", "first name",
		"first secret", "first tags.at", "named-1 ", "named-2 ", "second displayName", "second replacementTrigger",
		"second text"}; !slices.Equal(got, want) {
		t.Errorf("not settled are %q, want %q", got, want)
	}
	if got := was.Unsettled(was); len(got) > 0 {
		t.Errorf("not settled are %q of the same", names(got))
	}
	kept := Kept(was, wasAgain, is, isAgain)
	if got, want := names(kept), []string{" at", "first list[1]", "first longer", "first name", "first secret",
		"first tags.at", "second displayName", "second replacementTrigger"}; !slices.Equal(got, want) {
		t.Errorf("kept are %q, want %q", got, want)
	}
	before.Kept = kept
	now := record(5, "two", before)
	first, second := now.ByName("aws:sns/topic:Topic", "first"), now.ByName("aws:sns/topic:Topic", "second")
	for _, key := range []string{"list", "longer", "name", "secret"} {
		if !was.Was(first).Same(first, key) {
			t.Errorf("%s is %v, and not what it was", key, first.Inputs[key])
		}
	}
	if first.Input("tags.at") != "2026-11-01T10:00:11Z" || first.Input("tags.owner") != "two" ||
		was.Was(first).Same(first, "tags") || now.Exports["at"] != was.Exports["at"] || now.Exports["steady"] != "two" {
		t.Errorf("the tags are %v, the outputs %v", first.Input("tags"), now.Exports)
	}
	if second.Input("displayName") != was.Was(second).Input("displayName") || was.Was(second).Same(second, "text") ||
		second.Options.ReplacementTrigger != was.Was(second).Options.ReplacementTrigger {
		t.Errorf("what comes of a resource that stays is %+v", second)
	}
}

// TestAlike: of texts that are made anew each time, only what each making gives otherwise may differ.
func TestAlike(t *testing.T) {
	for _, c := range []struct {
		was, is [2]string
		want    bool
	}{
		{[2]string{"2026-11-29", "2028-01-03"}, [2]string{"2026-11-30", "2028-01-04"}, true},
		{[2]string{"a 1 b", "a 2 b"}, [2]string{"a 3 b", "a 4 b"}, true},
		{[2]string{"a 1 b", "a 2 b"}, [2]string{"a 3 c", "a 4 c"}, false},
		{[2]string{"a 1 b 5", "a 2 b 6"}, [2]string{"a 3 c 7", "a 4 c 8"}, false},
		{[2]string{"5b1c-77aa", "0f3e-91bc"}, [2]string{"c0de-1234", "beef-5678"}, true},
		{[2]string{"x=ab+/c", "x=q8Zt=="}, [2]string{"x=++++w", "x=abcde"}, true},
		{[2]string{"x=ab+/c;", "x=q8Zt==;"}, [2]string{"other=++++w;", "other=abcde;"}, false},
		{[2]string{"x=ab+/c;", "x=q8Zt==;"}, [2]string{"x=++++w and more;", "x=abcde and more;"}, false},
		{[2]string{"10:00:43", "17:14:43"}, [2]string{"10:01:02", "17:14:19"}, true},
	} {
		if got := alike(c.was, c.is); got != c.want {
			t.Errorf("%q and %q: %t", c.was, c.is, got)
		}
	}
}

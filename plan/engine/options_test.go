package engine

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/plan"
	"dossier.example/plan/graph"
)

// parameter registers a parameter; another name of its needs another resource, another value does not.
func parameter(ctx *pulumi.Context, resource, name, value string, opts ...pulumi.ResourceOption) (*ssm.Parameter,
	error) {
	return ssm.NewParameter(ctx, resource, &ssm.ParameterArgs{Name: pulumi.String(name),
		Type: pulumi.String("String"), Value: pulumi.String(value)}, opts...)
}

// topic registers a topic, of which nothing that is changed here needs another one.
func topic(ctx *pulumi.Context, resource, shown string, opts ...pulumi.ResourceOption) (*sns.Topic, error) {
	return sns.NewTopic(ctx, resource, &sns.TopicArgs{DisplayName: pulumi.String(shown)}, opts...)
}

// dependent is a parameter whose name comes from that of another one.
func dependent(ctx *pulumi.Context, resource string, of *ssm.Parameter, opts ...pulumi.ResourceOption) error {
	_, err := ssm.NewParameter(ctx, resource, &ssm.ParameterArgs{Name: pulumi.Sprintf("%s/child", of.Name),
		Type: pulumi.String("String"), Value: pulumi.String("v")}, opts...)
	return err
}

// shown gives topics another name to show.
func shown(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
	if args.Type == "aws:sns/topic:Topic" {
		args.Props["displayName"] = pulumi.String("of the transform")
	}
	return &pulumi.ResourceTransformResult{Props: args.Props, Opts: args.Opts}
}

type part struct{ pulumi.ResourceState }

// optionCases are a program before and after a change, for each way in which an option decides what becomes of it.
var optionCases = []struct {
	name         string
	before, head pulumi.RunFunc
	// refused tells that the engine fails.
	refused bool
}{
	{name: "ignoreChanges", before: one(topic, "a", "1"),
		head: one(topic, "a", "2", pulumi.IgnoreChanges([]string{"displayName"}))},
	{name: "ignoreChanges of all", before: one(topic, "a", "1"),
		head: one(topic, "a", "2", pulumi.IgnoreChanges([]string{"*"}))},
	{name: "replaceOnChanges", before: one(topic, "a", "1"),
		head: one(topic, "a", "2", pulumi.ReplaceOnChanges([]string{"displayName"}))},
	{name: "replaceOnChanges of all", before: one(topic, "a", "1"),
		head: one(topic, "a", "2", pulumi.ReplaceOnChanges([]string{"*"}))},
	{name: "replaceOnChanges of what is ignored", before: one(topic, "a", "1"), head: one(topic, "a", "2",
		pulumi.ReplaceOnChanges([]string{"displayName"}), pulumi.IgnoreChanges([]string{"displayName"}))},
	{name: "retainOnDelete", before: one(topic, "a", "1", pulumi.RetainOnDelete(true)), head: none},
	{name: "protect of what goes", before: one(topic, "a", "1", pulumi.Protect(true)), head: none, refused: true},
	{name: "protect of what is replaced", before: named("/a", pulumi.Protect(true)),
		head: named("/b", pulumi.Protect(true)), refused: true},
	{name: "protect that is taken away with a replacement", before: named("/a", pulumi.Protect(true)),
		head: named("/b")},
	{name: "deleteBeforeReplace", before: named("/a"), head: named("/b", pulumi.DeleteBeforeReplace(true))},
	{name: "alias of a name", before: one(topic, "a", "1"),
		head: one(topic, "b", "1", pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String("a")}}))},
	{name: "a name without an alias", before: one(topic, "a", "1"), head: one(topic, "b", "1")},
	{name: "a parent", before: one(topic, "a", "1"), head: inside("p", true)},
	{name: "a parent without an alias", before: one(topic, "a", "1"), head: inside("p", false)},
	{name: "alias of a parent", before: inside("p", false), head: inside("q", false,
		pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String("p")}}))},
	{name: "replaceWith", before: pair(false, "/a"), head: pair(true, "/b")},
	{name: "replacementTrigger", before: one(topic, "a", "1", pulumi.ReplacementTrigger(pulumi.String("1"))),
		head: one(topic, "a", "1", pulumi.ReplacementTrigger(pulumi.String("2")))},
	{name: "replacementTrigger that comes", before: one(topic, "a", "1"),
		head: one(topic, "a", "1", pulumi.ReplacementTrigger(pulumi.String("1")))},
	{name: "deletedWith", before: with(true), head: none},
	{name: "what the provider is", before: provided(false), head: provided(true)},
	{name: "hideDiffs and customTimeouts", before: one(topic, "a", "1"), head: one(topic, "a", "1",
		pulumi.HideDiffs([]string{"displayName"}), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "1m"}))},
	{name: "additionalSecretOutputs", before: one(topic, "a", "1"),
		head: one(topic, "a", "1", pulumi.AdditionalSecretOutputs([]string{"displayName"}))},
	{name: "a transform", before: one(topic, "a", "1"), head: func(ctx *pulumi.Context) error {
		if err := ctx.RegisterResourceTransform(shown); err != nil {
			return err
		}
		return one(topic, "a", "1")(ctx)
	}},
}

func none(*pulumi.Context) error { return nil }

func one[R any](of func(*pulumi.Context, string, string, ...pulumi.ResourceOption) (R, error), resource, value string,
	opts ...pulumi.ResourceOption) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		_, err := of(ctx, resource, value, opts...)
		return err
	}
}

// named has a parameter of a name, and another one whose name comes from it.
func named(name string, opts ...pulumi.ResourceOption) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		p, err := parameter(ctx, "a", name, "v", opts...)
		if err != nil {
			return err
		}
		return dependent(ctx, "child", p)
	}
}

// inside has a topic within a component.
func inside(parent string, alias bool, opts ...pulumi.ResourceOption) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		var p part
		if err := ctx.RegisterComponentResource("test:index:Part", parent, &p, opts...); err != nil {
			return err
		}
		own := []pulumi.ResourceOption{pulumi.Parent(&p)}
		if alias {
			own = append(own, pulumi.Aliases([]pulumi.Alias{{NoParent: pulumi.Bool(true)}}))
		}
		_, err := topic(ctx, "a", "1", own...)
		return err
	}
}

// pair has a topic that is replaced with a parameter, if it says so.
func pair(replaced bool, name string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		p, err := parameter(ctx, "p", name, "v")
		if err != nil {
			return err
		}
		var opts []pulumi.ResourceOption
		if replaced {
			opts = append(opts, pulumi.ReplaceWith([]pulumi.Resource{p}))
		}
		_, err = topic(ctx, "a", "1", opts...)
		return err
	}
}

// with has a topic that goes with a parameter.
func with(deleted bool) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		p, err := parameter(ctx, "p", "/a", "v")
		if err != nil {
			return err
		}
		_, err = topic(ctx, "a", "1", pulumi.DeletedWith(p))
		return err
	}
}

// provided has a topic of an explicit provider, or of the default one.
func provided(explicit bool) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		var opts []pulumi.ResourceOption
		if explicit {
			p, err := aws.NewProvider(ctx, "own", &aws.ProviderArgs{Region: pulumi.String("us-east-1")})
			if err != nil {
				return err
			}
			opts = append(opts, pulumi.Provider(p))
		}
		_, err := topic(ctx, "a", "1", opts...)
		return err
	}
}

// TestOptionsAgree holds plans against the engine: for each option that decides what becomes of a resource, both do the
// same to the same resources, and what the engine refuses the plan tells.
func TestOptionsAgree(t *testing.T) {
	config := map[string]string{"aws:region": "us-east-1"}
	for _, c := range optionCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := New(t, "example", "dev", config, c.before)
			if r := s.Up(); r.Err != nil {
				t.Fatal(r.Err)
			}
			s.Program(c.head)
			previewed := s.Preview()
			if (previewed.Err != nil) != c.refused {
				t.Fatalf("the engine says %v", previewed.Err)
			}
			base, err := graph.Record("example", "dev", config, c.before)
			if err != nil {
				t.Fatal(err)
			}
			head, err := graph.RecordAfter(plan.After(base), "example", "dev", config, c.head)
			if err != nil {
				t.Fatal(err)
			}
			made := plan.Make(plan.Revision{Stacks: map[string]plan.Stack{"dev": {Config: config, Graph: base}}},
				plan.Revision{Stacks: map[string]plan.Stack{"dev": {Config: config, Graph: head}}}).Environments[0]
			var changes []string
			for _, change := range made.Changes {
				changes = append(changes, string(change.Action)+" "+change.Type+" "+
					change.URN[strings.LastIndex(change.URN, ":")+1:])
			}
			slices.Sort(changes)
			// Components are the program's own, and nothing that AWS has.
			steps := slices.DeleteFunc(previewed.Changes, func(step string) bool {
				return strings.Contains(step, " test:index:Part ")
			})
			if !c.refused && !slices.Equal(changes, steps) {
				t.Errorf("the plan says %q, the engine %q", changes, steps)
			}
			if told := slices.ContainsFunc(made.Dangers, func(d plan.Danger) bool {
				return strings.Contains(d.What, "protect")
			}); c.refused && !told {
				t.Errorf("the engine refuses it (%v), and the plan says %+v", previewed.Err, made.Dangers)
			}
		})
	}
}

package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"dossier.example/plan/internal/apart"
)

// foreign has what programs of others have: transforms, files that it writes, another stack's outputs, functions and
// methods that nobody answers, a component that a plugin makes, and what hangs on all of them.
func foreign(ctx *pulumi.Context) error {
	tagged := func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		if !strings.HasPrefix(args.Type, "aws:") {
			return nil
		}
		args.Props["tags"] = pulumi.StringMap{"owner": pulumi.String("all")}
		args.Opts.RetainOnDelete = true
		return &pulumi.ResourceTransformResult{Props: args.Props, Opts: args.Opts}
	}
	if err := ctx.RegisterResourceTransform(tagged); err != nil {
		return err
	}
	other, err := pulumi.NewStackReference(ctx, "other", &pulumi.StackReferenceArgs{Name: pulumi.String("org/net/dev")})
	if err != nil {
		return err
	}
	var remote struct {
		pulumi.ResourceState
		VPC pulumi.StringOutput `pulumi:"vpcId"`
	}
	if err := ctx.RegisterRemoteComponentResource("awsx:ec2:Vpc", "net", pulumi.Map{}, &remote); err != nil {
		return err
	}
	var cluster struct {
		pulumi.CustomResourceState
		Unheard pulumi.StringOutput `pulumi:"unheardOf"`
	}
	if err := ctx.RegisterResource("aws:eks/cluster:Cluster", "cluster", pulumi.Map{"version": pulumi.String("1.31")},
		&cluster, pulumi.IgnoreChanges([]string{"version"})); err != nil {
		return err
	}
	kubeconfig, err := ctx.Call("eks:index:Cluster/getKubeconfig", pulumi.Map{}, pulumi.AnyOutput{}, &cluster)
	if err != nil {
		return err
	}
	found := ctx.InvokeOutput("aws:acm/getCertificate:getCertificate", map[string]any{"domain": "example.com"},
		pulumi.MapOutput{}, pulumi.InvokeOutputOptions{}).(pulumi.MapOutput)
	var plain struct {
		ID string `pulumi:"id"`
	}
	if err := ctx.Invoke("aws:ec2/getVpc:getVpc", map[string]any{"default": true}, &plain); err != nil {
		return err
	}
	parsed := cluster.Unheard.ApplyT(func(text string) (string, error) {
		var v map[string]any // as of a real answer, which a made up one is not
		return text, json.Unmarshal([]byte(text), &v)
	}).(pulumi.StringOutput)
	wrote := filepath.Join(os.TempDir(), "wrote")
	if err := os.WriteFile(wrote, []byte("by the program"), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile("here", []byte("by the program"), 0o600); err != nil {
		return err
	}
	var topic pulumi.CustomResourceState
	return ctx.RegisterResource("aws:sns/topic:Topic", "topic", pulumi.Map{
		"fromStack": other.GetStringOutput(pulumi.String("vpc")), "fromComponent": remote.VPC, "fromCluster": parsed,
		"fromMethod": kubeconfig, "fromFunction": found, "id": cluster.ID(), "plain": pulumi.String(plain.ID),
		"file": pulumi.NewFileAsset(wrote), "relative": pulumi.NewFileAsset("here"),
		"secret": config.New(ctx, "test").RequireSecret("word"),
	}, &topic)
}

// TestRecordForeign: what a program builds on and nobody here knows is unknown and told, and fails nothing.
func TestRecordForeign(t *testing.T) {
	settings := map[string]string{"test:word": "hidden", "test:bucket": "b"}
	run := func(t *testing.T) *Graph {
		p := self(t, "foreign")
		temp := t.TempDir()
		p.Env, p.Empty = append(p.Env, "TMPDIR="+temp), []string{temp}
		g, err := Run(t.Context(), p, Before{}, "test", "dev", settings, []string{"test:word"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(p.Dir, "here")); err == nil && apart.Isolated() == "" {
			t.Error("what it wrote is there after it")
		}
		return g
	}
	g := run(t)
	topic := g.ByName("aws:sns/topic:Topic", "topic")
	for key, want := range map[string]any{"fromStack": Unknown, "fromComponent": Unknown, "fromCluster": Unknown,
		"fromMethod": Unknown, "fromFunction": Unknown, "plain": Unknown, "secret": Secret} {
		if got := topic.Input(key); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"file", "relative"} {
		if file, is := topic.Input(key).(Asset); !is || len(file.SHA256) != 64 {
			t.Errorf("%s is %+v", key, topic.Input(key))
		}
	}
	cluster := g.ByName("aws:eks/cluster:Cluster", "cluster")
	if topic.Input("id") != cluster.ID || cluster.ID == "" || topic.Input("tags.owner") != "all" ||
		!topic.Options.RetainOnDelete {
		t.Errorf("the topic is %+v", topic)
	}
	if !slices.Contains(topic.PropertyDependencies["id"], cluster.URN) ||
		!slices.Contains(topic.Dependencies, cluster.URN) ||
		!slices.Equal(cluster.Options.IgnoreChanges, []string{"version"}) {
		t.Errorf("transforms took away what was there: %+v, %+v", topic, cluster.Options)
	}
	var gaps []string
	for _, gap := range g.Gaps {
		gaps = append(gaps, fmt.Sprint(gap.Kind, " ", gap.Name))
	}
	if want := []string{"component awsx:ec2:Vpc net", "function aws:acm/getCertificate:getCertificate",
		"function aws:ec2/getVpc:getVpc", "method eks:index:Cluster/getKubeconfig",
		"stack org/net/dev"}; !slices.Equal(gaps, want) {
		t.Errorf("gaps are %q, want %q", gaps, want)
	}
	again := run(t)
	if !slices.Equal(again.Gaps, g.Gaps) || !again.ByURN(topic.URN).Same(topic, "file") {
		t.Error("another run gives another graph")
	}
}

// TestAliases: an alias means the resource that the engine would find by it.
func TestAliases(t *testing.T) {
	part := func(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) (*component, error) {
		c := &component{}
		return c, ctx.RegisterComponentResource("test:index:Part", name, c, opts...)
	}
	topic := func(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) error {
		var r pulumi.CustomResourceState
		return ctx.RegisterResource("aws:sns/topic:Topic", name, pulumi.Map{}, &r, opts...)
	}
	old, err := Record("test", "dev", nil, func(ctx *pulumi.Context) error {
		app, err := part(ctx, "app")
		if err != nil {
			return err
		}
		for _, name := range []string{"app-child", "moved-out", "both-old"} {
			if err := topic(ctx, name, pulumi.Parent(app)); err != nil {
				return err
			}
		}
		for _, name := range []string{"renamed-old", "moved-in", "by-urn-old"} {
			if err := topic(ctx, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, specs := range map[string]string{"a program's own process": "", "another process": "aliases"} {
		t.Run(name, func(t *testing.T) {
			var now *Graph
			before := Before{Graph: old, Renew: func(*Resource, *Resource) Renewal { return Renewal{} }}
			if specs == "" {
				now, err = RecordAfter(before, "test", "dev", nil, aliased)
			} else {
				now, err = Run(t.Context(), self(t, specs), before, "test", "dev", nil, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"new-child": "app-child", "moved-out": "moved-out", "both-new": "both-old",
				"renamed-new": "renamed-old", "moved-in": "moved-in", "by-urn-new": "by-urn-old", "stranger": ""}
			for _, r := range now.ByType("aws:sns/topic:Topic") {
				was, name := old.Was(r), ""
				if was != nil {
					name = was.Name
				}
				if name != want[r.Name] {
					t.Errorf("%s was %q, want %q (%q)", r.Name, name, want[r.Name], r.Options.Aliases)
				}
			}
		})
	}
}

// aliased renames a component with what is in it, moves resources out of it and into it, and names one by its URN.
func aliased(ctx *pulumi.Context) error {
	app := &component{}
	if err := ctx.RegisterComponentResource("test:index:Part", "new", app,
		pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String("app")}})); err != nil {
		return err
	}
	topic := func(name string, opts ...pulumi.ResourceOption) error {
		var r pulumi.CustomResourceState
		return ctx.RegisterResource("aws:sns/topic:Topic", name, pulumi.Map{}, &r, opts...)
	}
	const urn = "urn:pulumi:dev::test::"
	for name, opts := range map[string][]pulumi.ResourceOption{
		"new-child":   {pulumi.Parent(app)},
		"stranger":    {pulumi.Parent(app)},
		"moved-out":   {pulumi.Aliases([]pulumi.Alias{{ParentURN: pulumi.URN(urn + "test:index:Part::app")}})},
		"both-new":    {pulumi.Parent(app), pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String("both-old")}})},
		"renamed-new": {pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String("renamed-old")}})},
		"moved-in":    {pulumi.Parent(app), pulumi.Aliases([]pulumi.Alias{{NoParent: pulumi.Bool(true)}})},
		"by-urn-new":  {pulumi.Aliases([]pulumi.Alias{{URN: pulumi.URN(urn + "aws:sns/topic:Topic::by-urn-old")}})},
	} {
		if err := topic(name, opts...); err != nil {
			return err
		}
	}
	return nil
}

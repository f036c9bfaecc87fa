package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
)

// TestSameNames: resources of one type and name below components of different types are two, with ids of their own, and
// no part of a plan takes one for the other.
func TestSameNames(t *testing.T) {
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":` +
		`"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	program := func(webMay, workerMay, tag string) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			for token, may := range map[string]string{"test:index:Web": webMay, "test:index:Worker": workerMay} {
				p := &renamedPart{}
				if err := ctx.RegisterComponentResource(token, "orders", p); err != nil {
					return err
				}
				var role, policy, queue pulumi.CustomResourceState
				in := pulumi.Map{}
				if token == "test:index:Worker" {
					in["tags"] = pulumi.StringMap{"a": pulumi.String(tag)}
				}
				if err := ctx.RegisterResource("aws:sqs/queue:Queue", "jobs", in, &queue,
					pulumi.Parent(p)); err != nil {
					return err
				}
				if err := ctx.RegisterResource("aws:iam/role:Role", "app", pulumi.Map{"assumeRolePolicy": pulumi.String(
					trust)}, &role, pulumi.Parent(p)); err != nil {
					return err
				}
				if err := ctx.RegisterResource("aws:iam/rolePolicy:RolePolicy", "app", pulumi.Map{"role": role.ID(),
					"policy": pulumi.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"%s",`+
						`"Resource":"%s"}]}`, may, queue.ID())}, &policy, pulumi.Parent(p)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	config := map[string]string{"aws:region": "us-east-1"}
	base, err := graph.Record("test", "dev", config, program("sqs:SendMessage", "sqs:ReceiveMessage", "1"))
	if err != nil {
		t.Fatal(err)
	}
	head, err := graph.RecordAfter(After(base), "test", "dev", config,
		program("sqs:SendMessage", "sqs:PurgeQueue", "2"))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []*graph.Graph{base, head} {
		for _, token := range []string{"aws:sqs/queue:Queue", "aws:iam/role:Role"} {
			if two := g.ByType(token); len(two) != 2 || two[0].ID == two[1].ID {
				t.Errorf("two %s have one id: %+v", token, two)
			}
		}
	}
	set := &policy.Set{Rules: []policy.Rule{{ID: "T.1", Says: "Queues are encrypted.", Check: policy.Each(queueType,
		func(_ *graph.Graph, _ policy.Environment, r *graph.Resource) []policy.Violation {
			return []policy.Violation{policy.At(r, "turn it on", "it is not")}
		})}}}
	p := Make(Revision{Stacks: map[string]Stack{"e": {Graph: base, Config: config, Policy: set}}},
		Revision{Stacks: map[string]Stack{"e": {Graph: head, Config: config, Policy: set}}})
	e := p.Environments[0]
	var names []string
	for _, role := range e.Roles {
		names = append(names, role.Name)
	}
	if want := []string{"app (Web orders)", "app (Worker orders)"}; !slices.Equal(names, want) ||
		e.Roles[0].Changed() || !e.Roles[1].Changed() {
		t.Errorf("the roles are %+v", e.Roles)
	}
	var changes, broken []string
	for _, c := range e.Changes {
		changes = append(changes, c.String())
	}
	if want := []string{"SQS Queue jobs (Worker orders)", "RolePolicy app (Worker orders)"}; !slices.Equal(changes,
		want) {
		t.Errorf("the changes are %q", changes)
	}
	for _, b := range e.Policy.Broken {
		broken = append(broken, b.Resource)
	}
	if want := []string{"SQS Queue jobs (Web orders)", "SQS Queue jobs (Worker orders)"}; !slices.Equal(broken, want) {
		t.Errorf("the rules are broken at %q", broken)
	}
	tells(t, e.Dangers, [][2]string{
		{"more rights", "Role `app (Worker orders)` gets rights to delete or stop: `sqs:PurgeQueue` on `{id of SQS " +
			"Queue jobs (Worker orders)}`"},
		{stops, "Role `app (Worker orders)` may no longer `sqs:ReceiveMessage`"}})
	if text := p.Markdown(); !strings.Contains(text, "app (Worker orders)") {
		t.Errorf("the comment is %s", text)
	}
}

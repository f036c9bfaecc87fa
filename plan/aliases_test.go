package plan

import (
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/plan/graph"
)

// renamedPart is a component with a role, its policy and an attachment in it.
type renamedPart struct{ pulumi.ResourceState }

// roleIn registers a role with rights: names derive from the component's.
func roleIn(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) error {
	var role, policy, queue pulumi.CustomResourceState
	if err := ctx.RegisterResource("aws:iam/role:Role", name+"-role", pulumi.Map{"assumeRolePolicy": pulumi.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},` +
			`"Action":"sts:AssumeRole"}]}`)}, &role, opts...); err != nil {
		return err
	}
	if err := ctx.RegisterResource("aws:sqs/queue:Queue", name+"-queue", pulumi.Map{}, &queue, opts...); err != nil {
		return err
	}
	return ctx.RegisterResource("aws:iam/rolePolicy:RolePolicy", name+"-rights", pulumi.Map{"role": role.ID(),
		"policy": pulumi.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage",`+
			`"Resource":"%s"}]}`, queue.ID())}, &policy, opts...)
}

// continued is a stack whose program becomes another one, which goes on with what is there.
func continued(t *testing.T, was, is pulumi.RunFunc) Environment {
	t.Helper()
	config := map[string]string{"aws:region": "us-east-1"}
	base, err := graph.Record("test", "dev", config, was)
	if err != nil {
		t.Fatal(err)
	}
	head, err := graph.RecordAfter(After(base), "test", "dev", config, is)
	if err != nil {
		t.Fatal(err)
	}
	return between(base, head).Environments[0]
}

// TestRenamed: what goes on under another name, by an alias of any form, of the resource or of the component that it is
// in, changes nothing, and no role gains or loses anything by it.
func TestRenamed(t *testing.T) {
	component := func(ctx *pulumi.Context, token, name string, opts ...pulumi.ResourceOption) (*renamedPart, error) {
		p := &renamedPart{}
		return p, ctx.RegisterComponentResource(token, name, p, opts...)
	}
	const at = "urn:pulumi:dev::test::"
	inside := func(token, name string, opts ...pulumi.ResourceOption) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			p, err := component(ctx, token, name, opts...)
			if err != nil {
				return err
			}
			return roleIn(ctx, name, pulumi.Parent(p))
		}
	}
	// nested has the part within another one.
	nested := func(outer, name string, opts ...pulumi.ResourceOption) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			o, err := component(ctx, "test:index:Outer", outer, opts...)
			if err != nil {
				return err
			}
			p, err := component(ctx, "test:index:Part", name, pulumi.Parent(o))
			if err != nil {
				return err
			}
			return roleIn(ctx, name, pulumi.Parent(p))
		}
	}
	alias := func(a ...pulumi.Alias) pulumi.ResourceOption { return pulumi.Aliases(a) }
	bare := func(name string, opts ...pulumi.ResourceOption) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error { return roleIn(ctx, name, opts...) }
	}
	// each gives the resources of a part aliases of their own.
	each := func(outer, name string, of func(child string) pulumi.Alias) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			var opts []pulumi.ResourceOption
			if outer != "" {
				p, err := component(ctx, "test:index:Part", outer)
				if err != nil {
					return err
				}
				opts = append(opts, pulumi.Parent(p))
			}
			var role, policy, queue pulumi.CustomResourceState
			own := func(child string) []pulumi.ResourceOption {
				return append([]pulumi.ResourceOption{alias(of(child))}, opts...)
			}
			if err := ctx.RegisterResource("aws:iam/role:Role", name+"-role",
				pulumi.Map{"assumeRolePolicy": pulumi.String(
					`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` +
						`{"Service":"lambda.amazonaws.com"},` +
						`"Action":"sts:AssumeRole"}]}`)}, &role, own("role")...); err != nil {
				return err
			}
			if err := ctx.RegisterResource("aws:sqs/queue:Queue", name+"-queue", pulumi.Map{}, &queue,
				own("queue")...); err != nil {
				return err
			}
			return ctx.RegisterResource("aws:iam/rolePolicy:RolePolicy", name+"-rights", pulumi.Map{"role": role.ID(),
				"policy": pulumi.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":`+
					`"sqs:SendMessage","Resource":"%s"}]}`, queue.ID())}, &policy, own("rights")...)
		}
	}
	types := map[string]string{"role": "aws:iam/role:Role", "queue": "aws:sqs/queue:Queue",
		"rights": "aws:iam/rolePolicy:RolePolicy"}
	const token = "test:index:Part"
	for _, c := range []struct {
		name      string
		was, is   pulumi.RunFunc
		different bool
	}{
		{"a component by its name", inside(token, "old"), inside(token, "new", alias(pulumi.Alias{
			Name: pulumi.String("old")})), false},
		{"a component by its type", inside("test:index:Was", "app"), inside(token, "app", alias(pulumi.Alias{
			Type: pulumi.String("test:index:Was")})), false},
		{"a component by type and name", inside("test:index:Was", "old"), inside(token, "new", alias(pulumi.Alias{
			Type: pulumi.String("test:index:Was"), Name: pulumi.String("old")})), false},
		{"a component by its URN", inside(token, "old"), inside(token, "new", alias(pulumi.Alias{
			URN: pulumi.URN(at + token + "::old")})), false},
		{"a component around a component", nested("old", "app"), nested("new", "app", alias(pulumi.Alias{
			Name: pulumi.String("old")})), false},
		{"a component around one that begins with its name", nested("old", "old-app"), nested("new", "new-app",
			alias(pulumi.Alias{Name: pulumi.String("old")})), false},
		{"a component moved into another, by no parent", inside(token, "app"), func(ctx *pulumi.Context) error {
			o, err := component(ctx, "test:index:Outer", "outer")
			if err != nil {
				return err
			}
			return inside(token, "app", pulumi.Parent(o), alias(pulumi.Alias{NoParent: pulumi.Bool(true)}))(ctx)
		}, false},
		{"a component moved out of another, by the parent's URN", nested("outer", "app"), inside(token, "app",
			alias(pulumi.Alias{ParentURN: pulumi.URN(at + "test:index:Outer::outer")})), false},
		{"a component moved from one to another, by the parent", func(ctx *pulumi.Context) error {
			if _, err := component(ctx, "test:index:Outer", "b"); err != nil {
				return err
			}
			return nested("a", "app")(ctx)
		}, func(ctx *pulumi.Context) error {
			a, err := component(ctx, "test:index:Outer", "a")
			if err != nil {
				return err
			}
			b, err := component(ctx, "test:index:Outer", "b")
			if err != nil {
				return err
			}
			return inside(token, "app", pulumi.Parent(b), alias(pulumi.Alias{Parent: a}))(ctx)
		}, false},
		{"resources by their names", bare("old"), each("", "new", func(child string) pulumi.Alias {
			return pulumi.Alias{Name: pulumi.String("old-" + child)}
		}), false},
		{"resources moved into a component, by no parent", bare("app"), each("part", "app", func(string) pulumi.Alias {
			return pulumi.Alias{NoParent: pulumi.Bool(true)}
		}), false},
		{"resources moved into a component, by name and no parent", bare("old"), each("part", "new",
			func(child string) pulumi.Alias {
				return pulumi.Alias{Name: pulumi.String("old-" + child), NoParent: pulumi.Bool(true)}
			}), false},
		{"resources moved out of a component, by the parent's URN", inside(token, "app"), each("", "app",
			func(string) pulumi.Alias { return pulumi.Alias{ParentURN: pulumi.URN(at + token + "::app")} }), false},
		{"resources by their URNs", inside(token, "old"), each("", "new", func(child string) pulumi.Alias {
			return pulumi.Alias{URN: pulumi.URN(at + token + "$" + types[child] + "::old-" + child)}
		}), false},
		{"resources by their type", bare("app"), each("", "app", func(child string) pulumi.Alias {
			return pulumi.Alias{Type: pulumi.String(types[child])}
		}), false},
		{"without an alias", inside(token, "old"), inside(token, "new"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := continued(t, c.was, c.is)
			if got := len(e.Changes)+len(e.Dangers) > 0; got != c.different {
				t.Errorf("changes %+v, dangers %+v", e.Changes, e.Dangers)
			}
			for _, r := range e.Roles {
				if r.Changed() != c.different || len(r.Grants) != 2 {
					t.Errorf("role %s: %+v", r.Name, r.Grants)
				}
			}
			if want := map[bool]int{false: 1, true: 2}[c.different]; len(e.Roles) != want {
				t.Errorf("there are %d roles", len(e.Roles))
			}
		})
	}
}

// TestRetypedBucket: version 7 of the Pulumi provider for AWS goes on with a bucket of version 6, which has another
// type there, and version 6 replaces one type by the other.
func TestRetypedBucket(t *testing.T) {
	const v1, v2 = "aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2"
	bucket := func(token, version string, inputs pulumi.Map, aliases ...string) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			opts := []pulumi.ResourceOption{pulumi.Version(version)}
			for _, was := range aliases {
				opts = append(opts, pulumi.Aliases([]pulumi.Alias{{Type: pulumi.String(was)}}))
			}
			var r pulumi.CustomResourceState
			return ctx.RegisterResource(token, "files", inputs, &r, opts...)
		}
	}
	named := func(name string) pulumi.Map { return pulumi.Map{"bucket": pulumi.String(name)} }
	for _, c := range []struct {
		name    string
		was, is pulumi.RunFunc
		action  Action // empty: nothing changes
	}{
		{"V2 of 6 to 7", bucket(v2, "6.83.2", named("a")), bucket(v1, "7.0.0", named("a"), v2), ""},
		{"V2 of 6 to 10", bucket(v2, "6.83.2", nil), bucket(v1, "10.1.0", nil, v2), ""},
		{"V2 of 6 to 7, under another name", bucket(v2, "6.83.2", named("a")), bucket(v1, "7.0.0", named("b"), v2),
			Replace},
		{"V2 of 6 to 7, emptied when it goes", bucket(v2, "6.83.2", nil),
			bucket(v1, "7.0.0", pulumi.Map{"forceDestroy": pulumi.Bool(true)}, v2), Update},
		{"classic of 6 to 7", bucket(v1, "6.83.2", named("a")), bucket(v1, "7.0.0", named("a"), v2), ""},
		{"classic to V2 in 6", bucket(v1, "6.83.2", named("a")), bucket(v2, "6.83.2", named("a"), v1), Replace},
		{"V2 to classic in 6", bucket(v2, "6.83.2", named("a")), bucket(v1, "6.83.2", named("a"), v2), Replace},
		{"V2 to classic, of a version that nobody tells", bucket(v2, "", named("a")), bucket(v1, "", named("a"), v2),
			Replace},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := continued(t, c.was, c.is)
			var got []Action
			for _, change := range e.Changes {
				got = append(got, change.Action)
			}
			var want []Action
			if c.action != "" {
				want = []Action{c.action}
			}
			lost := slices.ContainsFunc(e.Dangers, func(d Danger) bool { return d.Kind == "data replaced" })
			// A new version of a provider is told in any case.
			if !slices.Equal(got, want) || lost != (c.action == Replace) || c.action == "" && len(e.Dangers) > 1 {
				t.Errorf("changes %+v, dangers %+v", e.Changes, e.Dangers)
			}
		})
	}
}

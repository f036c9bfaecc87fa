package graph

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// echo is a model whose outputs are the inputs, an ARN, and for random ones a secret of their name.
var echo = model{
	compute: func(token, name string, inputs resource.PropertyMap) (string, resource.PropertyMap) {
		outputs := inputs.Copy()
		outputs["arn"] = resource.NewProperty("arn:" + name)
		if strings.HasPrefix(token, "random:") {
			outputs["result"] = resource.NewProperty("generated-for-" + name)
		}
		return "id-" + name, outputs
	},
	invoke: func(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
		if token != "aws:index/getRegion:getRegion" {
			return nil, errors.New("no such function: " + token)
		}
		return resource.PropertyMap{"name": resource.NewProperty("eu-central-1")}, nil
	},
}

type custom struct {
	pulumi.CustomResourceState
	Arn    pulumi.StringOutput `pulumi:"arn"`
	Result pulumi.StringOutput `pulumi:"result"`
}

type component struct{ pulumi.ResourceState }

func register(t *testing.T, ctx *pulumi.Context, token, name string, in pulumi.Map,
	opts ...pulumi.ResourceOption) *custom {
	t.Helper()
	r := &custom{}
	if err := ctx.RegisterResource(token, name, in, r, opts...); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecord(t *testing.T) {
	program := func(ctx *pulumi.Context) error {
		settings, _ := ctx.GetConfig("dossier:settings")
		net := &component{}
		if err := ctx.RegisterComponentResource("dossier:network:Network", "network", net); err != nil {
			return err
		}
		under := pulumi.Parent(net)
		vpc := register(t, ctx, "aws:ec2/vpc:Vpc", "vpc", pulumi.Map{"cidrBlock": pulumi.String(settings)}, under,
			pulumi.Protect(true))
		password := register(t, ctx, "random:index/randomPassword:RandomPassword", "password",
			pulumi.Map{"length": pulumi.Int(20)},
			pulumi.AdditionalSecretOutputs([]string{"result"}))
		group := register(t, ctx, "aws:autoscaling/group:Group", "group",
			pulumi.Map{"vpc": vpc.Arn, "list": pulumi.ToStringArray([]string{"a", "b"})},
			pulumi.DependsOn([]pulumi.Resource{password}), pulumi.IgnoreChanges([]string{"desiredCapacity"}),
			pulumi.ReplaceOnChanges([]string{"vpc"}),
			pulumi.DeleteBeforeReplace(true), pulumi.RetainOnDelete(true),
			pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String("old")}}))
		register(t, ctx, "aws:rds/instance:Instance", "db",
			pulumi.Map{"password": password.Result, "tags": pulumi.Map{"a": pulumi.String("b")}})
		register(t, ctx, "aws:ssm/parameter:Parameter", "open",
			pulumi.Map{"type": pulumi.String("String"), "value": pulumi.ToSecret("eu-central-1")},
			pulumi.AdditionalSecretOutputs([]string{"value"}))
		register(t, ctx, "aws:ssm/parameter:Parameter", "closed",
			pulumi.Map{"type": pulumi.String("SecureString"), "value": password.Result})
		register(t, ctx, "aws:s3/bucketObjectv2:BucketObjectv2", "object",
			pulumi.Map{"source": pulumi.NewStringAsset("text")})
		register(t, ctx, "command:remote:Command", "command", pulumi.Map{"connection": pulumi.ToSecret(pulumi.Map{
			"host": pulumi.String("192.0.2.1"), "privateKey": pulumi.String("key"),
			"proxy": pulumi.Map{"password": password.Result},
		})})
		ctx.Export("group", group.Arn)
		ctx.Export("password", password.Result)
		return nil
	}
	config := map[string]string{"dossier:settings": `{"network":{"cidr":"10.0.0.0/16"}}`}
	first, err := record("dossier", "dev", config, program, echo)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("the same each time", func(t *testing.T) {
		want, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			again, err := record("dossier", "dev", config, program, echo)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(again)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Fatalf("got\n%s\nwant\n%s", got, want)
			}
		}
	})

	vpc, group := first.ByName(tokenVPC, "vpc"), first.ByName(tokenGroup, "group")
	if vpc == nil || group == nil {
		t.Fatalf("not recorded: %v", first.Resources)
	}
	t.Run("URN, parents and configuration", func(t *testing.T) {
		if want := "urn:pulumi:dev::dossier::dossier:network:Network$aws:ec2/vpc:Vpc::vpc"; vpc.URN != want {
			t.Errorf("URN is %s, want %s", vpc.URN, want)
		}
		if chain := first.Ancestors(vpc); len(chain) != 1 || chain[0].Name != "network" || chain[0].Custom ||
			group.Parent != "" {
			t.Errorf("ancestors are %v, parent of the group is %q", chain, group.Parent)
		}
		if got := vpc.Input("cidrBlock"); got != config["dossier:settings"] {
			t.Errorf("the program was configured with %v", got)
		}
		if got := first.Counts(); got["aws:ssm/parameter:Parameter"] != 2 ||
			len(first.Resources) != 9 {
			t.Errorf("counts are %v", got)
		}
	})
	t.Run("dependencies", func(t *testing.T) {
		password := first.ByName("random:index/randomPassword:RandomPassword", "password")
		if got := group.PropertyDependencies; !reflect.DeepEqual(got, map[string][]string{"vpc": {vpc.URN}}) {
			t.Errorf("dependencies of inputs are %v", got)
		}
		if got := group.ExplicitDependencies(); !slices.Equal(got, []string{password.URN}) {
			t.Errorf("explicit dependencies are %v", got)
		}
		if !first.DependsOn(group, password) || !first.DependsOn(group, vpc) || first.DependsOn(vpc, group) ||
			first.DependsOn(vpc, vpc) {
			t.Error("order is not told")
		}
	})
	t.Run("options", func(t *testing.T) {
		if !vpc.Options.Protect || group.Options.Protect {
			t.Error("protect is not told")
		}
		want := Options{RetainOnDelete: true, DeleteBeforeReplace: true, IgnoreChanges: []string{"desiredCapacity"},
			ReplaceOnChanges: []string{"vpc"},
			Aliases:          []string{" old "}}
		got := group.Options
		if len(got.Aliases) != 1 || !strings.Contains(got.Aliases[0], "old") {
			t.Errorf("aliases are %q", got.Aliases)
		}
		got.Aliases = want.Aliases
		if !reflect.DeepEqual(got, want) {
			t.Errorf("options are %+v, want %+v", got, want)
		}
	})
	t.Run("values", func(t *testing.T) {
		if got := group.Input("list"); !reflect.DeepEqual(got, []any{"a", "b"}) {
			t.Errorf("list is %v", got)
		}
		if got := first.ByName(tokenDatabase, "db").Input("tags.a"); got != "b" {
			t.Errorf("nested value is %v", got)
		}
		object := first.ByName("aws:s3/bucketObjectv2:BucketObjectv2", "object").Input("source")
		if a, is := object.(Asset); !is ||
			a.SHA256 != "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1" {
			t.Errorf("asset is %#v", object)
		}
	})
	t.Run("secrets", func(t *testing.T) {
		text, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "generated-for-password") {
			t.Error("a secret stands in the graph")
		}
		if db := first.ByName(tokenDatabase, "db"); db.Input("password") != Secret || db.Output("password") != Secret ||
			db.Input("password.nested") != Secret {
			t.Error("the password of the database is not marked")
		}
		if first.Exports["password"] != Secret || first.Exports["group"] != "arn:group" {
			t.Errorf("exports are %v", first.Exports)
		}
		parameters := "aws:ssm/parameter:Parameter"
		if first.ByName(parameters, "open").Input("value") != "eu-central-1" ||
			first.ByName(parameters, "closed").Input("value") != Secret {
			t.Error("parameters: type String is shown, SecureString is not")
		}
		want := map[string]any{"host": "192.0.2.1", "privateKey": Secret, "proxy": map[string]any{"password": Secret}}
		if got := first.ByName("command:remote:Command", "command").Input("connection"); !reflect.DeepEqual(got, want) {
			t.Errorf("connection is %v, want %v", got, want)
		}
		if len(first.Leaks) != 0 {
			t.Errorf("leaks: %v", first.Leaks)
		}
	})
	t.Run("references", func(t *testing.T) {
		if first.Resolve("arn:vpc") != vpc || first.Resolve(vpc.ID, tokenVPC) != vpc ||
			first.Resolve(vpc.ID, tokenGroup) != nil || first.Resolve(Secret) != nil {
			t.Error("a resource is not found by its ARN or id")
		}
		if first.ByID(tokenVPC, "id-vpc") != vpc || first.ByURN(vpc.URN) != vpc ||
			first.ByName(tokenVPC, "other") != nil {
			t.Error("lookups fail")
		}
	})
}

func TestRecordFindsLeaks(t *testing.T) {
	g, err := record("dossier", "dev", nil, func(ctx *pulumi.Context) error {
		password := register(t, ctx, "random:index/randomPassword:RandomPassword", "password", nil,
			pulumi.AdditionalSecretOutputs([]string{"result"}))
		leaked := pulumi.Unsecret(password.Result).(pulumi.StringOutput)
		register(t, ctx, tokenInstance, "plain", pulumi.Map{"userData": pulumi.Sprintf("echo %s", leaked)})
		register(t, ctx, tokenLaunchTemplate, "encoded", pulumi.Map{"userData": leaked.ApplyT(func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte("echo " + s))
		}).(pulumi.StringOutput)})
		register(t, ctx, "aws:ssm/parameter:Parameter", "open",
			pulumi.Map{"type": pulumi.String("String"), "value": password.Result})
		ctx.Export("password", leaked)
		return nil
	}, echo)
	if err != nil {
		t.Fatal(err)
	}
	want := []Leak{
		{Property: "password"},
		{URN: "urn:pulumi:dev::dossier::" + tokenInstance + "::plain", Property: "userData"},
		{URN: "urn:pulumi:dev::dossier::" + tokenLaunchTemplate + "::encoded", Property: "userData"},
		{URN: "urn:pulumi:dev::dossier::aws:ssm/parameter:Parameter::open", Property: "value"},
	}
	if !reflect.DeepEqual(g.Leaks, want) {
		t.Errorf("leaks are %v, want %v", g.Leaks, want)
	}
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "generated-for-password") {
		t.Errorf("a leaked secret stands in the graph: %s", text)
	}
}

func TestRecordRefuses(t *testing.T) {
	cases := map[string]struct {
		program pulumi.RunFunc
		want    string
	}{
		"two resources of one name": {func(ctx *pulumi.Context) error {
			register(t, ctx, tokenVPC, "vpc", nil)
			register(t, ctx, tokenVPC, "vpc", nil)
			return nil
		}, "two resources have the URN urn:pulumi:dev::dossier::aws:ec2/vpc:Vpc::vpc"},
		"a failing program": {func(*pulumi.Context) error { return errors.New("no such setting") }, "no such setting"},
		"a file that is not there": {func(ctx *pulumi.Context) error {
			register(t, ctx, "aws:s3/bucketObjectv2:BucketObjectv2", "object",
				pulumi.Map{"source": pulumi.NewFileAsset("no/such/file")})
			return nil
		}, "no/such/file"},
		"an unknown function": {func(ctx *pulumi.Context) error {
			var out map[string]any
			return ctx.Invoke("aws:index/getMoon:getMoon", nil, &out)
		}, "getMoon"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := record("dossier", "dev", nil, c.program, echo)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "stack dev") {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestResolvePrefersTheSurerWay(t *testing.T) {
	g, err := New("dossier", "dev",
		&Resource{Token: tokenSecurityGroup, Name: "a", ID: "sg-1", Outputs: map[string]any{"name": "app"}},
		&Resource{Token: "aws:iam/role:Role", Name: "b", ID: "app", Outputs: map[string]any{"arn": "arn:role"}},
		&Resource{Token: "aws:iam/policy:Policy", Name: "c", ID: "c", Outputs: map[string]any{"name": "twice"}},
		&Resource{Token: "aws:iam/policy:Policy", Name: "d", ID: "d", Outputs: map[string]any{"name": "twice"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Resolve("app"); got == nil || got.Name != "b" {
		t.Errorf("an id is surer than a name, got %v", got)
	}
	if got := g.Resolve("app", tokenSecurityGroup); got == nil || got.Name != "a" {
		t.Errorf("types narrow the search, got %v", got)
	}
	if got := g.Resolve("twice"); got != nil {
		t.Errorf("two of one name are none, got %v", got)
	}
}

func TestDecode(t *testing.T) {
	if _, err := Decode("not base64!"); err == nil {
		t.Error("took what is not Base64")
	}
	if got, err := Decode(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh"))); err != nil || got != "#!/bin/sh" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Decode(base64.StdEncoding.EncodeToString([]byte{0x1f, 0x8b, 8})); err == nil {
		t.Error("took a broken gzip stream")
	}
}

// Record itself answers from the model of AWS, in the region of the configuration.
func TestRecordAnswersAsAWS(t *testing.T) {
	var region struct {
		Name string `pulumi:"name"`
	}
	g, err := Record("dossier", "dev", map[string]string{"aws:region": "eu-west-1"}, func(ctx *pulumi.Context) error {
		register(t, ctx, tokenVPC, "vpc", pulumi.Map{"cidrBlock": pulumi.String("10.0.0.0/16")})
		return ctx.Invoke("aws:index/getRegion:getRegion", nil, &region)
	})
	if err != nil {
		t.Fatal(err)
	}
	vpc := g.ByName(tokenVPC, "vpc")
	if region.Name != "eu-west-1" || !strings.HasPrefix(vpc.ID, "vpc-0") ||
		!strings.Contains(Text(vpc.Output("arn")), ":eu-west-1:") {
		t.Errorf("region %q, VPC %q, %v", region.Name, vpc.ID, vpc.Output("arn"))
	}
	if Text(vpc.Output("defaultSecurityGroupId")) == "" || Text(vpc.Output("defaultRouteTableId")) == "" {
		t.Error("the model gives a VPC no default group or route table, which reachability is read from")
	}
}

// TestRecordAfterFindsSubnets: a program that asks for the subnets that it has finds those of the deployment before,
// not those of an empty account.
func TestRecordAfterFindsSubnets(t *testing.T) {
	lookup := func(ctx *pulumi.Context) (ids []string, zone string) {
		var found struct {
			IDs []string `pulumi:"ids"`
		}
		filter := map[string]any{"name": "tag:Name", "values": []string{"x-private-1"}}
		if err := ctx.Invoke("aws:ec2/getSubnets:getSubnets", &map[string]any{"filters": []any{filter}},
			&found); err != nil {
			t.Fatal(err)
		}
		if len(found.IDs) == 0 {
			return nil, ""
		}
		var subnet struct {
			Zone string `pulumi:"availabilityZone"`
		}
		if err := ctx.Invoke("aws:ec2/getSubnet:getSubnet", &map[string]any{"id": found.IDs[0]}, &subnet); err != nil {
			t.Fatal(err)
		}
		return found.IDs, subnet.Zone
	}
	first, err := Record("x", "dev", nil, func(ctx *pulumi.Context) error {
		if ids, _ := lookup(ctx); ids != nil {
			t.Errorf("an empty account has the subnets %v", ids)
		}
		for _, name := range []string{"x-private-1", "x-public-1"} {
			register(t, ctx, tokenSubnet, name, pulumi.Map{
				"vpcId": pulumi.String("vpc-1"), "cidrBlock": pulumi.String("10.0.0.0/24"),
				"availabilityZone": pulumi.String("us-east-1c"),
				"tags":             pulumi.Map{"Name": pulumi.String(name)},
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	before := Before{Graph: first, Renew: func(_, _ *Resource) Renewal { return Renewal{} }}
	_, err = RecordAfter(before, "x", "dev", nil, func(ctx *pulumi.Context) error {
		ids, zone := lookup(ctx)
		if want := first.ByName(tokenSubnet, "x-private-1").ID; !slices.Equal(ids, []string{want}) ||
			zone != "us-east-1c" {
			t.Errorf("found %v in %q, expected %s in us-east-1c", ids, zone, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

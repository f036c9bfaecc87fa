package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// inNetwork looks for a network that is there, as programs do: outside of outputs, so that they count what they found,
// take some of it, and make texts of it.
func inNetwork(of string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		var vpc struct {
			ID    string `pulumi:"id"`
			ARN   string `pulumi:"arn"`
			Block string `pulumi:"cidrBlock"`
			State string `pulumi:"state"`
		}
		if err := ctx.Invoke("aws:ec2/getVpc:getVpc", map[string]any{"tags": map[string]any{"Name": of},
			"state": "available"}, &vpc); err != nil {
			return err
		}
		var subnets struct {
			IDs []string `pulumi:"ids"`
		}
		if err := ctx.Invoke(tokenGetSubnets, map[string]any{"filters": []any{
			map[string]any{"name": "vpc-id", "values": []any{vpc.ID}}}}, &subnets); err != nil {
			return err
		}
		if vpc.ID == "" || len(subnets.IDs) < 2 || vpc.State != "available" || len(strings.Split(vpc.ARN, ":")) < 6 {
			return errors.New("there is no network, or it has too few subnets")
		}
		var r pulumi.CustomResourceState
		return ctx.RegisterResource("aws:lb/loadBalancer:LoadBalancer", "web", pulumi.Map{
			"vpc": pulumi.String(vpc.ID), "arn": pulumi.String(vpc.ARN), "first": pulumi.String(subnets.IDs[0]),
			"all": pulumi.ToStringArray(subnets.IDs), "some": pulumi.ToStringArray(subnets.IDs[:2]),
			"each": pulumi.Array{pulumi.Map{"id": pulumi.String(subnets.IDs[1])}, pulumi.Map{"id": pulumi.String("x")}},
			"more": pulumi.ToStringArray(append(slices.Clone(subnets.IDs), "subnet-x")),
			"text": pulumi.String("in " + vpc.ID), "secret": pulumi.ToSecret(pulumi.String(vpc.Block)),
		}, &r)
	}
}

// TestAnswersStandIn: what a function answers and nobody knows is unknown also where a program asks outside of an
// output, and it goes on as with an answer.
func TestAnswersStandIn(t *testing.T) {
	record := func(of string) *Resource {
		g, err := Record("test", "dev", nil, inNetwork(of))
		if err != nil {
			t.Fatal(err)
		}
		var gaps []string
		for _, gap := range g.Gaps {
			gaps = append(gaps, gap.Name)
		}
		if !slices.Equal(gaps, []string{tokenGetSubnets, "aws:ec2/getVpc:getVpc"}) {
			t.Errorf("the gaps are %q", gaps)
		}
		return g.ByName("aws:lb/loadBalancer:LoadBalancer", "web")
	}
	web := record("main")
	for input, want := range map[string]any{"vpc": Unknown, "arn": Unknown, "first": Unknown, "all": Unknown,
		"some": []any{Unknown, Unknown}, "more": []any{Unknown, "subnet-x"},
		"each":   []any{map[string]any{"id": Unknown}, map[string]any{"id": "x"}},
		"secret": Secret} {
		if got := web.Input(input); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", input, got, want)
		}
	}
	if text := Text(web.Input("text")); !strings.HasPrefix(text, "in unknown-getvpc-id-") {
		t.Errorf("the text is %q", text)
	}
	same, other := record("main"), record("other")
	for _, input := range []string{"vpc", "all", "some", "more", "each"} {
		if !web.AsksAlike(same, input) || web.AsksAlike(other, input) {
			t.Errorf("%s: alike %t, of another network %t", input, web.AsksAlike(same, input),
				web.AsksAlike(other, input))
		}
	}
	if !web.Same(same, "secret") || web.Same(other, "secret") {
		t.Error("secrets of answers are not told apart by their questions")
	}
	if web.AsksAlike(same, "text") {
		t.Error("what is known is taken for an answer")
	}
	if web.Input("text") == other.Input("text") {
		t.Error("texts of two networks are the same")
	}
}

// TestQuestionsOfProviders: the same arguments are another question where another provider is asked, or another region.
func TestQuestionsOfProviders(t *testing.T) {
	record := func(region string, provider pulumi.Map, stack string) *Graph {
		g, err := Record("test", "dev", map[string]string{"aws:region": stack}, func(ctx *pulumi.Context) error {
			var opts []pulumi.InvokeOption
			if provider != nil {
				var p pulumi.ProviderResourceState
				if err := ctx.RegisterResource("pulumi:providers:aws", "other", provider, &p); err != nil {
					return err
				}
				opts = append(opts, pulumi.Provider(&p))
			}
			args := map[string]any{"default": true}
			if region != "" {
				args["region"] = region
			}
			var vpc struct {
				ID string `pulumi:"id"`
			}
			if err := ctx.Invoke("aws:ec2/getVpc:getVpc", args, &vpc, opts...); err != nil {
				return err
			}
			register(t, ctx, tokenSubnet, "s", pulumi.Map{"vpcId": pulumi.String(vpc.ID)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	const home, away = "eu-west-1", "eu-central-1"
	in := func(region string) pulumi.Map { return pulumi.Map{"region": pulumi.String(region)} }
	for name, c := range map[string]struct {
		was, is *Graph
		alike   bool
	}{
		"the same":                     {record("", nil, home), record("", nil, home), true},
		"the same of a provider":       {record("", in(home), home), record("", in(home), home), true},
		"of a provider":                {record("", nil, home), record("", in(home), home), false},
		"of another region":            {record(away, nil, home), record(home, nil, home), false},
		"of a stack in another region": {record("", nil, home), record("", nil, away), false},
		"of a provider that moved":     {record("", in(home), home), record("", in(away), home), false},
	} {
		was, is := c.was.ByName(tokenSubnet, "s"), c.is.ByName(tokenSubnet, "s")
		if was.AsksAlike(is, "vpcId") != c.alike || slices.Equal(c.was.Gaps, c.is.Gaps) != c.alike {
			t.Errorf("%s: alike is not %t, or the gaps are others: %v %v", name, c.alike, c.was.Gaps, c.is.Gaps)
		}
	}
}

// TestAnswersOfRegions: what is asked of a provider of another region, or for another region, is answered for that.
func TestAnswersOfRegions(t *testing.T) {
	const token = "aws:index/getRegion:getRegion"
	type region struct {
		Name   string `pulumi:"name"`
		Region string `pulumi:"region"`
	}
	g, err := Record("test", "dev", map[string]string{"aws:region": "eu-west-1"}, func(ctx *pulumi.Context) error {
		var far, unheard pulumi.ProviderResourceState
		if err := ctx.RegisterResource("pulumi:providers:aws", "far",
			pulumi.Map{"region": pulumi.String("us-gov-west-1")}, &far); err != nil {
			return err
		}
		other, err := pulumi.NewStackReference(ctx, "org/net/dev", nil)
		if err != nil {
			return err
		}
		if err := ctx.RegisterResource("pulumi:providers:aws", "unheard",
			pulumi.Map{"region": other.GetStringOutput(pulumi.String("region"))}, &unheard); err != nil {
			return err
		}
		for name, asked := range map[string]struct {
			args map[string]any
			opts []pulumi.InvokeOption
			want string
		}{
			"own":      {want: "eu-west-1"},
			"argument": {args: map[string]any{"region": "ca-central-1"}, want: "ca-central-1"},
			"provider": {opts: []pulumi.InvokeOption{pulumi.Provider(&far)}, want: "us-gov-west-1"},
		} {
			var r region
			if err := ctx.Invoke(token, asked.args, &r, asked.opts...); err != nil {
				return err
			}
			if r.Name != asked.want || r.Region != asked.want {
				t.Errorf("%s: the region is %+v, want %s", name, r, asked.want)
			}
		}
		var r region
		if err := ctx.Invoke(token, nil, &r, pulumi.Provider(&unheard)); err != nil {
			return err
		}
		if !strings.HasPrefix(r.Name, "unknown-getregion-name-") {
			t.Errorf("the region that is not known is %+v", r)
		}
		var writes struct {
			ARN string `pulumi:"arn"`
		}
		const account = "aws:elb/getServiceAccount:getServiceAccount"
		for of, want := range map[string]string{"": "arn:aws:iam::156460612806:root",
			"us-gov-west-1": "arn:aws-us-gov:iam::048591011584:root", "xx-far-1": "arn:aws:elb:xx-far-1:"} {
			args := map[string]any{}
			if of != "" {
				args["region"] = of
			}
			if err := ctx.Invoke(account, args, &writes); err != nil {
				return err
			}
			if !strings.HasPrefix(writes.ARN, want) {
				t.Errorf("load balancers of %q write as %s, want %s", of, writes.ARN, want)
			}
		}
		register(t, ctx, "aws:sns/topic:Topic", "own", nil)
		register(t, ctx, "aws:sns/topic:Topic", "argument", pulumi.Map{"region": pulumi.String("ca-central-1")})
		register(t, ctx, "aws:sns/topic:Topic", "provider", nil, pulumi.Provider(&far))
		register(t, ctx, "aws:sns/topic:Topic", "unheard", nil, pulumi.Provider(&unheard))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"own": "arn:aws:sns:eu-west-1:", "argument": "arn:aws:sns:ca-central-1:",
		"provider": "arn:aws-us-gov:sns:us-gov-west-1:"} {
		if arn := Text(g.ByName("aws:sns/topic:Topic", name).Output("arn")); !strings.HasPrefix(arn, want) {
			t.Errorf("%s has the ARN %s, want %s…", name, arn, want)
		}
	}
	if arn := g.ByName("aws:sns/topic:Topic", "unheard").Output("arn"); arn != Unknown {
		t.Errorf("the ARN in a region that is not known is %v", arn)
	}
}

// TestSubnetsOfOthers: only subnets that a program looks for by tags with its own name are known to be none before it
// makes them, and if it makes none, that is told.
func TestSubnetsOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		filter     map[string]any
		makes      string
		known, gap bool
	}{
		"its own":             {map[string]any{"name": "tag:Name", "values": []any{"shop-a"}}, "shop-a", true, false},
		"its own, not made":   {map[string]any{"name": "tag:Name", "values": []any{"shop-a"}}, "shop-b", true, true},
		"a pattern":           {map[string]any{"name": "tag:Name", "values": []any{"shop-*"}}, "shop-a", false, true},
		"another name":        {map[string]any{"name": "tag:Tier", "values": []any{"private"}}, "shop-a", false, true},
		"those of a network":  {map[string]any{"name": "vpc-id", "values": []any{"vpc-1"}}, "shop-a", false, true},
		"no value, any value": {map[string]any{"name": "tag:Name", "values": []any{}}, "shop-a", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var found struct {
				IDs []string `pulumi:"ids"`
			}
			g, err := Record("shop", "dev", nil, func(ctx *pulumi.Context) error {
				register(t, ctx, tokenSubnet, "subnet", pulumi.Map{"vpcId": pulumi.String("vpc-1"),
					"tags": pulumi.Map{"Name": pulumi.String(c.makes)}})
				return ctx.Invoke(tokenGetSubnets, map[string]any{"filters": []any{c.filter}}, &found)
			})
			if err != nil {
				t.Fatal(err)
			}
			if (len(found.IDs) == 0) != c.known || (len(g.Gaps) > 0) != c.gap {
				t.Errorf("found %q, and the gaps are %v", found.IDs, g.Gaps)
			}
		})
	}
}

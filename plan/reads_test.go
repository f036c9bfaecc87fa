package plan

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
	"dossier.example/plan/policy"
)

// TestOnlyRead: what the program only reads is others': no rule, danger or price is about it, whatever its type, and
// what the program gives of its state.
func TestOnlyRead(t *testing.T) {
	tokens := slices.Collect(maps.Keys(judgedTypes()))
	for _, rule := range policy.Catalogue() {
		tokens = append(tokens, rule.Needs...)
	}
	slices.Sort(tokens)
	tokens = slices.DeleteFunc(slices.Compact(tokens), func(token string) bool {
		return token == "" || strings.HasPrefix(token, "pulumi:")
	})
	build := func(of ...in) *graph.Graph {
		b := graphtest.New(t)
		for _, inputs := range of {
			for _, token := range tokens {
				r := b.Add(strings.TrimPrefix(token, "aws:"), "theirs", inputs)
				r.Token, r.Read = token, true
			}
		}
		return b.Graph()
	}
	set := &policy.Set{Rules: policy.Catalogue(), Environment: policy.Environment{Production: true}}
	state := func(on bool, number int) in {
		inputs := in{"tags": in{"a": "b"}, "instanceType": "t4g.nano", "instanceClass": "db.t4g.micro",
			"subnets": []string{"subnet-theirs"}, "vpcZoneIdentifiers": []string{"subnet-theirs"}, "minSize": number,
			"routeTableId": "routetable-theirs", "destinationCidrBlock": "0.0.0.0/0",
			"ingress": []any{in{"protocol": "tcp", "fromPort": number, "toPort": number,
				"cidrBlocks": []any{"0.0.0.0/0"}}},
			"policy":           statements(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`),
			"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`)}
		for _, g := range slices.Concat(guards, guardsEverywhere) {
			if !strings.Contains(g.path, ".") {
				inputs[g.path] = on
			}
		}
		return inputs
	}
	for name, c := range map[string][2]*graph.Graph{
		"newly read":    {build(), build(in{})},
		"read":          {build(in{}), build(in{})},
		"no longer":     {build(in{}), build()},
		"another state": {build(state(true, 22)), build(state(false, 23))},
		"a state":       {build(), build(state(false, 22))},
	} {
		t.Run(name, func(t *testing.T) {
			config := map[string]string{"aws:region": "us-east-1"}
			e := Make(Revision{Stacks: map[string]Stack{"e": {Graph: c[0], Config: config, Policy: set}}},
				Revision{Stacks: map[string]Stack{"e": {Graph: c[1], Config: config, Policy: set}}}).Environments[0]
			if len(e.Changes)+len(e.Dangers)+len(e.Policy.Broken)+len(e.Policy.Mended)+len(e.Cost.Lines)+
				len(e.Cost.Unpriced)+len(e.Roles)+len(e.Unjudged)+len(e.Ignored)+len(e.Options) > 0 ||
				e.fleet != noFleet {
				t.Errorf("it says %+v", e)
			}
		})
	}
}

// TestOnRead: a change that builds on what the program only reads says so, and rights that it gives are told.
func TestOnRead(t *testing.T) {
	const policyType = "s3/bucketPolicy:BucketPolicy"
	read := func(b *graphtest.Builder) {
		b.Add("s3/bucketV2:BucketV2", "theirs", in{}).Read = true
		b.Add("iam/role:Role", "theirs", in{}).Read = true
		b.Add("sqs/queue:Queue", "theirs", in{}).Read = true
		all := b.Add("iam/policy:Policy", "theirs", in{})
		all.Read, all.ID = true, "arn:aws:iam::aws:policy/AdministratorAccess"
	}
	on := func(r *graph.Resource, of *graph.Resource) { r.Dependencies = append(r.Dependencies, of.URN) }
	base, head := two(t, read, func(b *graphtest.Builder) {
		on(b.Add(policyType, "mine", in{"bucket": "bucketv2-theirs", "policy": statements(
			`{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject",` +
				`"Resource":"*"}`)}),
			b.Get("s3/bucketV2:BucketV2", "theirs"))
		on(b.Add("iam/rolePolicy:RolePolicy", "mine", in{"role": "role-theirs", "policy": statements(
			`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`)}), b.Get("iam/role:Role", "theirs"))
		b.Add("iam/rolePolicyAttachment:RolePolicyAttachment", "mine", in{"role": "role-theirs",
			"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"})
		b.Add("lambda/function:Function", "mine", in{"timeout": 60})
		on(b.Add("lambda/eventSourceMapping:EventSourceMapping", "mine", in{"functionName": "function-mine",
			"eventSourceArn": "queue-theirs"}), b.Get("sqs/queue:Queue", "theirs"))
	})
	p := between(base, head)
	e := p.Environments[0]
	reads := map[string][]string{}
	for _, c := range e.Changes {
		reads[c.String()] = c.Reads
	}
	for what, want := range map[string][]string{"S3 BucketPolicy mine": {"BucketV2 theirs"},
		"Lambda Function mine": nil} {
		if got, has := reads[what]; !has || !slices.Equal(got, want) {
			t.Errorf("%s builds on %q, not %q: %v", what, got, want, reads)
		}
	}
	if text := p.Markdown(); !strings.Contains(text,
		"`mine` (on `Role theirs` of others, which the program only reads)") {
		t.Errorf("the comment is %s", text)
	}
	tells(t, e.Dangers, [][2]string{{"more rights", "Role `theirs` gets rights to widen rights: `iam:PassRole`"},
		{"wide permission", "Role `theirs` may do **everything** in the account"}})
}

// TestReadBefore: what the program makes does not continue what it read, nor the other way round.
func TestReadBefore(t *testing.T) {
	bucket := func(read bool) *graph.Graph {
		b := graphtest.New(t)
		b.Add("s3/bucketV2:BucketV2", "files", in{}).Read = read
		return b.Graph()
	}
	for _, c := range []struct {
		was, is bool
		want    string
	}{{true, false, "create"}, {false, true, "delete"}, {true, true, ""}, {false, false, ""}} {
		got := ""
		for _, change := range between(bucket(c.was), bucket(c.is)).Environments[0].Changes {
			got += string(change.Action)
		}
		if got != c.want {
			t.Errorf("read before: %t, after: %t: it says %q, not %q", c.was, c.is, got, c.want)
		}
	}
}

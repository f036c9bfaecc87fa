package plan

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
	"dossier.example/plan/policy"
)

// TestInherited: what base breaks is told apart from what the change breaks, also where the resource has another name
// since, or a message stands twice; what is mended is told.
func TestInherited(t *testing.T) {
	rule := policy.Rule{ID: "T.1", Says: "Queues are encrypted.", Check: policy.Each(queueType,
		func(_ *graph.Graph, _ policy.Environment, r *graph.Resource) []policy.Violation {
			if graph.Is(r.Input("sqsManagedSseEnabled"), true) {
				return nil
			}
			v := policy.At(r, "turn it on", "sqsManagedSseEnabled is %s", policy.Shown(r.Input("sqsManagedSseEnabled")))
			return []policy.Violation{v, v} // as for two parts of one resource
		})}
	set := &policy.Set{Rules: []policy.Rule{rule}}
	queue := func(b *graphtest.Builder, name string, encrypted any) *graph.Resource {
		inputs := in{}
		if encrypted != nil {
			inputs["sqsManagedSseEnabled"] = encrypted
		}
		return b.Add("sqs/queue:Queue", name, inputs)
	}
	for _, c := range []struct {
		name                    string
		was, is                 func(b *graphtest.Builder)
		newly, inherited, fixed int
		row                     string
	}{
		{"broken before", func(b *graphtest.Builder) { queue(b, "a", nil) }, func(b *graphtest.Builder) {
			queue(b, "a",
				nil)
		},
			0, 1, 0, "none newly broken, 1 inherited"},
		{"one more", func(b *graphtest.Builder) { queue(b, "a", nil) }, func(b *graphtest.Builder) {
			queue(b, "a", nil)
			queue(b, "b", nil)
		}, 1, 1, 0, "**1 newly broken**, 1 inherited"},
		{"worse, in other words", func(b *graphtest.Builder) { queue(b, "a", nil) },
			func(b *graphtest.Builder) { queue(b, "a", false) }, 1, 0, 0, "**1 broken**"},
		{"mended", func(b *graphtest.Builder) { queue(b, "a", nil) }, func(b *graphtest.Builder) {
			queue(b, "a",
				true)
		},
			0, 0, 1, "all kept"},
		{"renamed by an alias", func(b *graphtest.Builder) { queue(b, "a", nil) }, func(b *graphtest.Builder) {
			r := queue(b, "b", nil)
			r.Options.Aliases = []string{strings.TrimSuffix(r.URN, "b") + "a"}
		}, 0, 1, 0, "none newly broken, 1 inherited"},
		{"renamed without one", func(b *graphtest.Builder) { queue(b, "a", nil) },
			func(b *graphtest.Builder) { queue(b, "b", nil) }, 0, 1, 0, "none newly broken, 1 inherited"},
		{"one renamed, and one more", func(b *graphtest.Builder) { queue(b, "a", nil) }, func(b *graphtest.Builder) {
			queue(b, "b", nil)
			queue(b, "c", nil)
		}, 1, 1, 0, "**1 newly broken**, 1 inherited"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := graphtest.New(t), graphtest.New(t)
			c.was(before)
			c.is(after)
			p := Make(Revision{Name: "base", Stacks: map[string]Stack{"e": {Graph: before.Graph(), Policy: set}}},
				Revision{Name: "head", Stacks: map[string]Stack{"e": {Graph: after.Graph(), Policy: set}}})
			got := p.Environments[0].Policy
			if got.Inherited() != c.inherited || len(got.Broken)-got.Inherited() != c.newly ||
				len(got.Mended) != c.fixed {
				t.Errorf("got %+v", got)
			}
			dangers := 0
			for _, d := range p.Environments[0].Dangers {
				if d.Kind == rulesBroken {
					dangers++
				}
			}
			text := p.Markdown()
			if dangers != c.newly || !strings.Contains(text, "| Rules | "+c.row) {
				t.Errorf("%d are told as dangers\n%s", dangers, text)
			}
			if c.inherited > 0 && !strings.Contains(text, "(inherited)") {
				t.Errorf("what is inherited is not told:\n%s", text)
			}
		})
	}
}

// TestUnlooked: resources that nothing judges are counted where they stay as they are, and no danger.
func TestUnlooked(t *testing.T) {
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("gamelift/fleet:Fleet", "old", in{})
		b.Add("gamelift/build:Build", "other", in{"operatingSystem": "a"})
		b.Add("sqs/queue:Queue", "known", in{})
	}, func(b *graphtest.Builder) {
		b.Set("gamelift/build:Build", "other", "operatingSystem", "b")
		b.Add("gamelift/alias:Alias", "new", in{})
	})
	p := between(base, head)
	if got := p.Environments[0].Unjudged; len(got) != 1 || got[0] != "GameLift Fleet old" {
		t.Errorf("got %q", got)
	}
	const said = "1 resource that does not change is of types that nothing here judges."
	if text := p.Markdown(); !strings.Contains(text, "## Plan: ❓ 2 changes that nothing here judges") ||
		!strings.Contains(text, "\nInherited from base: "+said) {
		t.Errorf("the comment is\n%s", text)
	}
	p.FailInherited = true
	if text := p.Markdown(); !strings.Contains(text, "**Inherited from base, and failing all the same** "+
		"(`failInherited`): "+said) {
		t.Errorf("the comment is\n%s", text)
	}
}

// TestSharedNotes: what is to be said of several stacks alike is said once.
func TestSharedNotes(t *testing.T) {
	made := func(gaps ...graph.Gap) Stack {
		b := graphtest.New(t)
		g := b.Graph()
		g.Gaps = gaps
		return Stack{Graph: g}
	}
	stack := graph.Gap{Kind: graph.GapStack, Name: "org/net/dev"}
	other := graph.Gap{Kind: graph.GapStack, Name: "org/net/prod"}
	fault := Stack{Fault: &Fault{FaultProgram, "it fails"}}
	p := Make(
		Revision{Name: "base", Stacks: map[string]Stack{"dev": made(stack), "prod": made(stack), "odd": made(other),
			"x": fault, "y": fault}},
		Revision{Name: "head", Stacks: map[string]Stack{"dev": made(stack), "prod": made(stack), "odd": made(other),
			"new-1": made(), "new-2": made(), "x": made(), "y": made()}})
	text := p.Markdown()
	for _, want := range []string{
		"> `dev`, `prod` build on what only a deployment knows: the outputs of stack `org/net/dev`.\n",
		"> `odd` builds on what only a deployment knows: the outputs of stack `org/net/prod`.\n",
		"> **new-1 and new-2 are new:** everything is created.\n",
		"> **x and y are not compared:** at base the program fails.\n",
	} {
		if strings.Count(text, want) != 1 {
			t.Errorf("the comment does not say once %q:\n%s", want, text)
		}
	}
}

// TestImport: what is taken over is not told as something new, and that nobody knows whether it agrees.
func TestImport(t *testing.T) {
	base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
		b.Add("sqs/queue:Queue", "legacy", in{"messageRetentionSeconds": 60}).Options.Import =
			"https://sqs.us-east-1.amazonaws.com/123456789012/legacy"
		b.Add("sqs/queue:Queue", "other", in{"messageRetentionSeconds": 60})
	})
	p := between(base, head)
	e := p.Environments[0]
	if len(e.Changes) != 2 || e.Changes[0].Action != Import || e.Changes[1].Action != Create ||
		e.Changes[0].Existing != "https://sqs.us-east-1.amazonaws.com/123456789012/legacy" {
		t.Errorf("changes %+v", e.Changes)
	}
	tells(t, e.Dangers, [][2]string{{notJudged, "takes over what exists as"}})
	text := p.Markdown()
	for _, want := range []string{"| Resources | **1 taken over**, 1 created |",
		"- **take over** (import) SQS Queue `legacy` ",
		"  - `messageRetentionSeconds`: `60`", "have to agree with that, or the deployment stops there",
		"- create SQS Queue `other` with `messageRetentionSeconds` `60`\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the comment lacks %q:\n%s", want, text)
		}
	}
	// Once it is there, the option says nothing.
	if again := between(head, head).Environments[0]; len(again.Changes)+len(again.Dangers) != 0 {
		t.Errorf("a resource that was taken over before: %+v, %+v", again.Changes, again.Dangers)
	}
}

// TestCreated: what is created of a kind that is known is told on one line with what it is like, several of a kind with
// what they have in common; of other kinds everything is told, and that a person has to look.
func TestCreated(t *testing.T) {
	base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
		b.Add("secretsmanager/secret:Secret", "token", in{"recoveryWindowInDays": 7, "description": "of a partner"})
		b.Add("kms/key:Key", "data", in{"deletionWindowInDays": 30, "enableKeyRotation": true, "tags": in{"a": "b"}})
		b.Add("ec2/subnet:Subnet", "a", in{"cidrBlock": "10.0.0.0/24", "vpcId": "vpc-1"})
		b.Add("ec2/subnet:Subnet", "b", in{"cidrBlock": "10.0.1.0/24", "vpcId": "vpc-1"})
		b.Add("elasticache/cluster:Cluster", "cache", in{"nodeType": "cache.t4g.micro"})
		b.Add("iam/accessKey:AccessKey", "robot", in{"user": "robot"})
	})
	p := between(base, head)
	tells(t, p.Environments[0].Dangers, [][2]string{
		{notJudged, "`cache` is created: nothing here judges whom a new one lets in, or what it costs"},
		{notJudged, "`robot` is created: nothing here judges whom a new one lets in, or what it costs"}})
	text := p.Markdown()
	for _, want := range []string{
		"- create Secret `token` with `recoveryWindowInDays` `7`\n",
		"- create KMS Key `data` with `deletionWindowInDays` `30`, `enableKeyRotation` `true`\n",
		"- create 2 Subnet `a`, `b` with `vpcId` `vpc-1`\n",
		"- create ElastiCache Cluster `cache`\n  - `nodeType`: `cache.t4g.micro`",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the comment lacks %q:\n%s", want, text)
		}
	}
}

// TestShared: a kind is told with its service where another service has one of that name, and not elsewhere.
func TestShared(t *testing.T) {
	services := map[string]map[string]bool{}
	for token := range replacements() {
		module, is := strings.CutPrefix(token, "aws:")
		if !is {
			continue
		}
		service, _, _ := strings.Cut(module, "/")
		if service == "alb" { // the older word for lb
			service = "lb"
		}
		name := token[strings.LastIndexByte(token, ':')+1:]
		if services[name] == nil {
			services[name] = map[string]bool{}
		}
		services[name][service] = true
	}
	for name, of := range services {
		if got, want := graph.Shared(name), len(of) > 1; got != want {
			t.Errorf("%s is of %d services, and told as shared: %t", name, len(of), got)
		}
	}
	if len(services) < 1000 {
		t.Fatalf("there are %d names", len(services))
	}
	for _, name := range []string{"RDS Instance db", "Auto Scaling Group app", "BucketV2 files"} {
		want := name[strings.LastIndexByte(name, ' ')+1:]
		if got := bareName(name); got != want {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := bareName("RDS Instance of old"); got != "of old" {
		t.Errorf("a name with a space: %q", got)
	}
}

// TestNotAsked: a plan says of which resources a rule is not asked, and why, in its comment and for programs.
func TestNotAsked(t *testing.T) {
	set := &policy.Set{Rules: slices.DeleteFunc(policy.Catalogue(), func(r policy.Rule) bool {
		return r.ID != "CKV2_AWS_69"
	})}
	base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
		b.Add("rds/instance:Instance", "asked", in{"engine": "mysql", "engineVersion": "9.7.0"})
		for _, name := range []string{"one", "two"} {
			b.Add("rds/instance:Instance", name, in{"engine": "oracle-se2"})
		}
	})
	p := Make(Revision{Stacks: map[string]Stack{"e": {Graph: base, Policy: set}}},
		Revision{Stacks: map[string]Stack{"e": {Graph: head, Policy: set}}})
	const why = "Oracle has no parameter that refuses connections without TLS"
	text := p.Markdown()
	if !strings.Contains(text, "<summary>Rules that are not asked") || strings.Count(text, why) != 1 {
		t.Errorf("the comment does not say it once:\n%s", text)
	}
	var of []string
	for _, n := range p.Environments[0].Policy.NotAsked {
		if strings.Contains(n.Why, why) {
			of = append(of, n.Resource)
		}
	}
	if want := []string{"RDS Instance one", "RDS Instance two"}; !slices.Equal(of, want) {
		t.Errorf("programs read that it is not asked of %q, want %q", of, want)
	}
	if row := "; 1 not asked of some resources"; !strings.Contains(strings.Split(text, "<details>")[0], row) {
		t.Errorf("the overview does not say %q", row)
	}
}

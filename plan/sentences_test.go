package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestSentences: what is said of a change is so, and of a harmless neighbor nothing is.
func TestSentences(t *testing.T) {
	const (
		task  = "ecs/taskDefinition:TaskDefinition"
		cache = "elasticache/parameterGroup:ParameterGroup"
		queue = "sqs/queue:Queue"
	)
	volume := func(transit string, more in) in {
		files := in{"fileSystemId": "fs-1", "transitEncryption": transit}
		for key, v := range more {
			files[key] = v
		}
		return in{"family": "a", "volumes": []any{in{"name": "v", "efsVolumeConfiguration": files}}}
	}
	evicting := func(policy string) in {
		if policy == "" {
			return in{"family": "redis7", "parameters": []any{in{"name": "timeout", "value": "60"}}}
		}
		return in{"family": "redis7", "parameters": []any{in{"name": "maxmemory-policy", "value": policy},
			in{"name": "timeout", "value": "60"}}}
	}
	for _, c := range []struct {
		name, kind   string
		old, now     in
		says, unsaid []string
	}{
		{"files of a volume in the clear", task, volume("ENABLED", nil), volume("DISABLED", nil),
			[]string{"what passes to and from volume `v` is no longer encrypted"}, []string{"another one"}},
		{"files of a volume encrypted", task, volume("DISABLED", nil), volume("ENABLED", nil), nil,
			[]string{"no longer encrypted", "another one"}},
		{"another volume in the clear", task, volume("ENABLED", nil), volume("DISABLED", in{"fileSystemId": "fs-2"}),
			[]string{"volume `v` is another one, or gone", "no longer encrypted"}, nil},
		{"another folder", task, volume("ENABLED", nil), volume("ENABLED", in{"rootDirectory": "/b"}),
			[]string{"volume `v` is another one, or gone"}, []string{"no longer encrypted"}},

		{"evicts by default", cache, evicting("noeviction"), evicting(""),
			[]string{"it may evict entries when its memory is full (noeviction → volatile-lru)",
				"its engine works otherwise: `maxmemory-policy` (noeviction → volatile-lru)"}, []string{"database"}},
		{"evicts what it does by default", cache, evicting(""), evicting("volatile-lru"), nil,
			[]string{"evict", "works otherwise"}},
		{"no longer evicts", cache, evicting(""), evicting("noeviction"),
			[]string{"works otherwise: `maxmemory-policy` (volatile-lru → noeviction)"}, []string{"may evict"}},
		{"evicts all", cache, evicting("volatile-ttl"), evicting("allkeys-lru"), []string{"it may evict"}, nil},
		{"evicts others of those with an end", cache, evicting("volatile-ttl"), evicting("volatile-lru"),
			[]string{"works otherwise"}, []string{"may evict"}},

		{"a standard queue", queue, in{"fifoQueue": true, "contentBasedDeduplication": true}, in{},
			[]string{"its messages with it"}, []string{"twice of"}},
		{"a queue that stays first in, first out", queue, in{"fifoQueue": true, "contentBasedDeduplication": true},
			in{"fifoQueue": true}, []string{"messages that do not say what they are twice of are refused"}, nil},

		{"an input that was not set", "rds/instance:Instance", in{"engine": "mysql"},
			in{"engine": "mysql", "storageType": "gp2"}, []string{"(`storageType`: not set → gp2)"}, nil},
		{"a key that is replaced", "kms/key:Key", in{"customerMasterKeySpec": "SYMMETRIC_DEFAULT"},
			in{"customerMasterKeySpec": "RSA_2048"}, []string{"and all that only the key decrypts with it"},
			[]string{"with it with it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := graphtest.New(t), graphtest.New(t)
			before.Add(c.kind, "x", c.old)
			after.Add(c.kind, "x", c.now)
			said := ""
			for _, d := range between(before.Graph(), after.Graph()).Environments[0].Dangers {
				said += d.What + "\n"
			}
			for _, want := range c.says {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			for _, not := range c.unsaid {
				if strings.Contains(said, not) {
					t.Errorf("it says %q:\n%s", not, said)
				}
			}
		})
	}
}

// TestProviderSentences: inputs of a provider are shown as a program has them, and of what changes hands no more is
// said than happens to it.
func TestProviderSentences(t *testing.T) {
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("pulumi:providers:aws", "a", in{"assumeRole": in{"roleArn": "arn:aws:iam::123456789012:role/a"}})
		b.Add("pulumi:providers:aws", "b", in{"region": "eu-west-1"})
		b.Add("sns/topic:Topic", "x", in{}).Options.Provider = b.Get("pulumi:providers:aws", "a").URN + "::1"
		b.Add("sns/topic:Topic", "y", in{}).Options.Provider = b.Get("pulumi:providers:aws", "a").URN + "::1"
		b.Add("pulumi:providers:aws", "c", in{})
	}, func(b *graphtest.Builder) {
		b.Set("pulumi:providers:aws", "a", "assumeRole.roleArn", "arn:aws:iam::123456789012:role/b")
		b.Set("pulumi:providers:aws", "c", "defaultTags", in{"tags": in{"a": "b"}})
		b.Get("sns/topic:Topic", "x").Options.Provider = b.Get("pulumi:providers:aws", "b").URN + "::2"
		b.Get("sns/topic:Topic", "y").Options.Provider = b.Get("pulumi:providers:aws", "c").URN + "::3"
	})
	said := ""
	for _, d := range between(base, head).Environments[0].Dangers {
		said += d.What + "\n"
	}
	for _, want := range []string{"has `Topic x`: that may replace what changes hands",
		"Another provider has `Topic y`: that replaces nothing if", "Pulumi is of February 2025 or later",
		"(`not set` → `{\"tags\":{\"a\":\"b\"}}`)"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	for _, not := range []string{"map[", "everything that it has"} {
		if strings.Contains(said, not) {
			t.Errorf("it says %q:\n%s", not, said)
		}
	}
}

// TestProgramFault: a program that fails in a plan need not fail in a deployment, and what it may lack is said.
func TestProgramFault(t *testing.T) {
	text := func(kind FaultKind) string {
		return Make(Revision{Name: "base"}, Revision{Name: "head", Stacks: map[string]Stack{
			"dev": {Fault: &Fault{Kind: kind, Said: "exec: git: not found"}}}}).Markdown()
	}
	program := text(FaultProgram)
	for _, want := range []string{"dev: the program fails**, so nothing else is known about it, but it need not " +
		"fail in a deployment",
		"no network, no .git, no variables and no artifacts", "environment and artifacts in stackplan.yaml"} {
		if !strings.Contains(program, want) {
			t.Errorf("it does not say %q:\n%s", want, program)
		}
	}
	if strings.Contains(program, "nothing can be deployed") {
		t.Errorf("it says that nothing can be deployed:\n%s", program)
	}
	if settings := text(FaultSettings); strings.Contains(settings, "no network") ||
		!strings.Contains(settings, "nothing can be deployed there") {
		t.Errorf("of settings it says %s", settings)
	}
}

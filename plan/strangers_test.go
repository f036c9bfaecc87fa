package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
	"dossier.example/plan/markdown/markdowntest"
	"dossier.example/plan/policy"
)

// strange makes a plan in which every text that a repository, its program or its tools can put into one is made by n
// from a name of its own.
func strange(t *testing.T, n func(string) string) Plan {
	t.Helper()
	// A value of several lines is shown by those that differ: in these, others stand for their ends.
	v := func(s string) string {
		first, rest, _ := strings.Cut(n(s), "\n")
		return first + "\n" + strings.ReplaceAll(rest, "\n", "\r")
	}
	build := func(b *graphtest.Builder) {
		b.Add("ec2/vpc:Vpc", n("vpc"), in{"cidrBlock": "10.0.0.0/16"})
		b.Add("rds/instance:Instance", n("database"), in{"engine": "mysql", "engineVersion": "8.4",
			"instanceClass": v("class"), "storageEncrypted": true, "deletionProtection": true,
			"tags": in{n("key"): v("old")}})
		b.Add("s3/bucketV2:BucketV2", n("bucket"), in{"bucket": v("first"), "forceDestroy": false})
		b.Add("s3/bucketV2:BucketV2", n("gone"), in{})
		b.Add("dynamodb/table:Table", n("kept"), in{"hashKey": n("a")}).Options.RetainOnDelete = true
		b.Add("ec2/instance:Instance", n("server"), in{"instanceType": v("small"), "userData": v("a before!")})
		b.Add("ssm/parameter:Parameter", n("parameter"), in{"name": v("/path"), "value": v("old"), "type": "String"})
		b.Add("cloudwatch/metricAlarm:MetricAlarm", n("alarm"), in{"threshold": 5, "alarmActions": []any{v("topic")},
			"alarmDescription": v("what")})
		b.Add("iam/role:Role", n("role"), in{"assumeRolePolicy": `{"Statement":[]}`})
		b.Add("sqs/queue:Queue", n("queue"), in{"policy": `{"Statement":[]}`})
		b.Add("foreign:a/b:"+n("Kind"), n("thing"), in{n("input"): v("old")})
		ignoring := b.Add("autoscaling/group:Group", n("group"), in{"maxSize": 1, "minSize": 1, "tag": v("old")})
		ignoring.Options.IgnoreChanges = []string{"tag"}
		b.Add("pulumi:providers:aws", n("provider"), in{"region": v("here"), n("setting"): v("old")})
	}
	quoted := func(s string) string { return strings.Trim(strings.ReplaceAll(fmt.Sprintf("%q", s), `\x`, `\\x`), `"`) }
	base, head := two(t, build, func(b *graphtest.Builder) {
		b.Set("rds/instance:Instance", n("database"), "instanceClass", v("other")).
			Set("rds/instance:Instance", n("database"), "deletionProtection", false).
			Set("rds/instance:Instance", n("database"), "engineVersion", "9.1").
			Set("rds/instance:Instance", n("database"), "tags", in{n("key"): v("new")})
		b.Set("s3/bucketV2:BucketV2", n("bucket"), "bucket", v("second"))
		b.Remove("s3/bucketV2:BucketV2", n("gone")).Remove("dynamodb/table:Table", n("kept"))
		b.Set("ec2/instance:Instance", n("server"), "userData", v("an after!"))
		b.Set("ssm/parameter:Parameter", n("parameter"), "value", v("new"))
		b.Set("cloudwatch/metricAlarm:MetricAlarm", n("alarm"), "alarmActions", []any{})
		b.Add("iam/rolePolicy:RolePolicy", n("policy"), in{"role": "role-" + n("role"),
			"policy": fmt.Sprintf(
				`{"Statement":[{"Sid":"%s","Effect":"Allow","Action":"iam:PutRolePolicy","Resource":"%s"}]}`,
				quoted(n("sid")), quoted(v("what")))})
		b.Set("sqs/queue:Queue", n("queue"), "policy", fmt.Sprintf(`{"Statement":[{"Effect":"Allow",
			"Principal":{"AWS":"%s"},"Action":"sqs:*","Resource":"*","Condition":{"StringLike":{"%s":"%s"}}}]}`,
			quoted(n("who")), quoted(n("key")), quoted(n("value"))))
		b.Get("foreign:a/b:"+n("Kind"), n("thing")).Inputs[n("input")] = v("new")
		b.Add("foreign:a/b:"+n("Other"), n("made"), in{n("input"): v("new")})
		b.Set("autoscaling/group:Group", n("group"), "tag", v("new"))
		b.Get("autoscaling/group:Group", n("group")).Options.ReplaceOnChanges = []string{n("path")}
		b.Set("pulumi:providers:aws", n("provider"), "region", v("there"))
		b.Get("pulumi:providers:aws", n("provider")).Inputs[n("setting")] = v("new")
		b.Add("vpc/securityGroupIngressRule:SecurityGroupIngressRule", n("rule"),
			in{"cidrIpv4": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 22, "toPort": 22})
		b.Add("ec2/instance:Instance", n("new server"), in{"instanceType": v("large")})
	})
	base.Exports, head.Exports = map[string]any{n("output"): v("old")}, map[string]any{n("output"): v("new")}
	rule := policy.Rule{ID: n("R1"), Says: n("says"), Check: policy.Each("aws:ec2/instance:Instance",
		func(_ *graph.Graph, _ policy.Environment, r *graph.Resource) []policy.Violation {
			return []policy.Violation{policy.At(r, n("mend"), "%s", n("message"))}
		})}
	excused := rule
	excused.ID = n("R2")
	excused.Exceptions = []policy.Exception{{Reason: n("reason"), Holds: func(*graph.Graph, policy.Environment,
		policy.Violation) bool {
		return true
	}}}
	set := &policy.Set{Environment: policy.Environment{Name: n("dev")}, Rules: []policy.Rule{rule, excused}}
	stacks := func(g *graph.Graph, value string) map[string]Stack {
		return map[string]Stack{
			n("dev"): {Project: n("project"), Graph: g, Policy: set,
				Config: map[string]string{"aws:region": n("region"),
					n("space") + ":" + n("key"): value}},
			n("bad"): {Fault: &Fault{Kind: FaultProgram, Said: n("panic") + "\n\n" + n("more")}},
		}
	}
	after := stacks(head, v("new"))
	after[n("new stack")] = Stack{Graph: head, Config: map[string]string{"aws:region": n("region")}}
	before := stacks(base, v("old"))
	before[n("late")] = Stack{Fault: &Fault{Kind: FaultSettings, Said: n("wrong") + "\n" + n("settings")}}
	after[n("late")] = Stack{Graph: head, Config: map[string]string{"aws:region": n("region")}}
	before[n("dropped")] = Stack{Graph: base}
	return Make(Revision{Name: n("base"), Stacks: before, Release: "a",
		Unread: []Unread{{Project: n("project"), Folder: n("dir"), Why: n("why"), Changed: true}}},
		Revision{Name: n("head"), Stacks: after, Release: "b", Left: map[string]string{n("dropped"): n("left")},
			Unread: []Unread{{Project: n("project"), Folder: n("dir"), Why: n("why"), Changed: true},
				{Project: n("project"), Folder: n("dir"), Stacks: []string{n("stack")}, Why: n("why")}},
			Migrations: []File{
				{n("db/1.sql"), "ALTER TABLE a DROP COLUMN `" + strings.ReplaceAll(n("column"), "`", "``") + "`;"},
				{n("db/2.sql"), n("nonsense") + "\n\n" + n("more")},
				{n("db/3.sql"), "CREATE TABLE b (id INT COMMENT '" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(
					n("comment")) + "');"},
			}}, n("note"), "**A note:** "+n("of a file"))
}

// strangers are what names are made of: each ends with the name itself, so that everything keeps its order.
var strangers = map[string]func(string) string{
	"headings": func(s string) string { return s + "\n# " + s + "\n\n## " + s + "\n===\n" },
	"carriage": func(s string) string { return s + "\r# " + s + "\r\r---\r> " + s },
	"images": func(s string) string {
		return s + " ![" + s + "](https://example.org/" + s + ".png) [x](//y) <https://z>"
	},
	"html": func(s string) string {
		return s + "</summary></details><img src=x><!-- " + s + " --><script>x</script>\n\n<b>"
	},
	"marks":     func(s string) string { return s + "** `" + s + "` ** ``` ~~~ `` " + s + " *a* _b_ ~~c~~" },
	"fences":    func(s string) string { return s + "\n```\n" + s + "\n````\n~~~\n</details>\n" },
	"one tick":  func(s string) string { return "`" + s },
	"bold":      func(s string) string { return s + "**" },
	"tables":    func(s string) string { return s + " | a \\| b\n--- | ---\n| " + s + " |" },
	"lists":     func(s string) string { return s + "\n- " + s + "\n1. " + s + "\n  * [ ] " + s },
	"first":     func(s string) string { return "- " + s },
	"alerts":    func(s string) string { return "[!NOTE]\n" + s },
	"footnotes": func(s string) string { return s + "[^1]\n\n[^1]: " + s },
	"open":      func(s string) string { return s + " `@octocat" },
	"calls": func(s string) string {
		return s + " @octocat @org/team a@example.org #1 octo/repo#2 GH-3 :tada: $`x`$"
	},
	"links": func(s string) string {
		return s + " https://example.org www.example.org mailto:a@example.org CVE-2024-1234"
	},
	"commits": func(s string) string { return s + " 0123456789abcdef0123456789abcdef01234567 a@0123456" },
	"hidden":  func(s string) string { return s + "\u202egnp\u202c\u200b\x00\x1b[31m\xff\u2028# a" },
	"long":    func(s string) string { return s + strings.Repeat("`@octocat` ", 300) },
}

// TestStrangers: whatever the texts are that a repository puts into a plan, the comment keeps its structure, calls
// nobody and links nowhere.
func TestStrangers(t *testing.T) {
	read := func(text string) markdowntest.Document {
		d, err := markdowntest.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	friendly := func(s string) string { return s }
	want := read(strange(t, friendly).Markdown())
	if len(want.Live) != 0 {
		t.Errorf("of friendly texts there is %q", want.Live)
	}
	for name, n := range strangers {
		t.Run(name, func(t *testing.T) {
			text := strange(t, n).Markdown()
			if n := size(text); n > Limit {
				t.Errorf("the comment has %d characters", n)
			}
			got := read(text)
			if !slices.Equal(got.Live, want.Live) {
				t.Errorf("it does more than the other: %q", got.Live)
			}
			if !slices.Equal(got.Outline, want.Outline) && name != "long" {
				i := 0
				for i < len(got.Outline) && i < len(want.Outline) && got.Outline[i] == want.Outline[i] {
					i++
				}
				t.Errorf("its structure differs from block %d on: %q, want %q\n%s", i, some(got.Outline, i),
					some(want.Outline, i), text)
			}
		})
	}
}

// TestManyStacks: hundreds of stacks with names of strangers are no reason for a comment that GitHub refuses.
func TestManyStacks(t *testing.T) {
	p := strange(t, strangers["long"])
	for i := range 400 {
		e := p.Environments[i%5]
		e.Name = fmt.Sprint(i, e.Name)
		p.Environments = append(p.Environments, e)
	}
	text := p.Markdown()
	if n := size(text); n > Limit {
		t.Errorf("the comment has %d characters", n)
	}
	d, err := markdowntest.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Live) > 0 || !strings.Contains(text, "stacks are too many for a comment") {
		t.Errorf("%q in\n%s", d.Live, cut(text, 4000))
	}
}

func some(list []string, from int) []string { return list[max(0, from-6):min(len(list), from+6)] }

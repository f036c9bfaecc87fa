package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/drawing"
	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// buckets adds so many, numbered from a number on, each with a policy that names it.
func buckets(b *graphtest.Builder, from, number int, inputs in) {
	for i := range number {
		name := fmt.Sprint("logs-", from+i)
		given := in{"bucket": name}
		for key, value := range inputs {
			given[key] = value
		}
		b.Add("s3/bucketV2:BucketV2", name, given)
	}
}

// TestAlike: what is done to many resources alike is one line, and the odd one is told apart.
func TestAlike(t *testing.T) {
	tests := []struct {
		name       string
		base, head func(b *graphtest.Builder)
		want       []string
		not        string
	}{
		{"created", func(*graphtest.Builder) {}, func(b *graphtest.Builder) { buckets(b, 0, 100, nil) },
			[]string{"\n- create 100 BucketV2 `logs-0` … `logs-99`\n"}, "`logs-1`,"},
		{"created, one of another kind", func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
			buckets(b, 0, 100, in{"tags": in{"owner": "a"}})
			b.Set("s3/bucketV2:BucketV2", "logs-57", "forceDestroy", true)
			b.Set("s3/bucketV2:BucketV2", "logs-58", "tags", nil)
			b.Set("s3/bucketV2:BucketV2", "logs-59", "tags.owner", "b")
		}, []string{
			"- create 97 BucketV2 `logs-0` … `logs-56`, `logs-60` … `logs-99`\n",
			"- create BucketV2 `logs-57`\n  - `forceDestroy`: `true`, which the others do not have\n",
			"- create BucketV2 `logs-58`\n  - `tags`: none, where the others have `{\"owner\":\"a\"}`\n",
			"- create BucketV2 `logs-59`\n  - `tags.owner`: `b`, where the others have `a`\n",
		}, ""},
		{"few of which none is usual", func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
			for _, name := range []string{"a", "b", "c", "d"} {
				b.Add("s3/bucketV2:BucketV2", name, in{"tags": in{"owner": name + name}})
			}
		}, []string{"- create 4 BucketV2 `a`, `b`, `c`, `d`\n"}, "the others"},
		{"updated, one otherwise", func(b *graphtest.Builder) { buckets(b, 1, 9, in{"tags": in{"owner": "a"}}) },
			func(b *graphtest.Builder) {
				buckets(b, 1, 9, in{"tags": in{"owner": "b"}})
				b.Set("s3/bucketV2:BucketV2", "logs-9", "tags.owner", "c")
			}, []string{
				"- update 8 BucketV2 `logs-1` … `logs-8`\n  - `tags.owner`: `a` → `b`\n",
				"- update BucketV2 `logs-9`\n  - `tags.owner`: `a` → `c`\n",
			}, ""},
		{"what differs in the own name alone", func(b *graphtest.Builder) {
			for _, name := range []string{"red", "blue"} {
				b.Add("s3/bucketV2:BucketV2", name, in{"tags": in{"of": "x-" + name}})
			}
		}, func(b *graphtest.Builder) {
			for _, name := range []string{"red", "blue"} {
				b.Add("s3/bucketV2:BucketV2", name, in{"tags": in{"of": name + ", once x-" + name}})
			}
		}, []string{"- update BucketV2 `blue`\n  - `tags.of`: `x-blue` → `blue, once x-blue`\n",
			"- update BucketV2 `red`\n"}, itsName},
		{"what stands for the own name", func(b *graphtest.Builder) {
			for _, name := range []string{"red", "blue"} {
				b.Add("s3/bucketV2:BucketV2", name, in{"tags": in{"of": "a"}})
			}
		}, func(b *graphtest.Builder) {
			for _, name := range []string{"red", "blue"} {
				b.Add("s3/bucketV2:BucketV2", name, in{"tags": in{"of": "/" + name + "/"}})
			}
		}, []string{"- update 2 BucketV2 `blue`, `red`\n  - `tags.of`: `a` → `/{its name}/`\n"}, ""},
		{"deleted, with one that is kept", func(b *graphtest.Builder) {
			buckets(b, 1, 50, nil)
			b.Get("s3/bucketV2:BucketV2", "logs-50").Options.RetainOnDelete = true
		}, func(*graphtest.Builder) {}, []string{
			"- **delete** 49 BucketV2 `logs-1` … `logs-49`\n",
			"- **delete** BucketV2 `logs-50`: Pulumi forgets it, AWS keeps it\n",
			"> - e: Each of 49 **BucketV2** (`logs-1` … `logs-49`) is deleted, and ",
			"> - e: **BucketV2** `logs-50` is no longer in the program; AWS keeps it with its objects",
		}, "**BucketV2** `logs-1"},
		{"dangers that differ", func(b *graphtest.Builder) {
			for i := range 4 {
				b.Add("cloudwatch/logGroup:LogGroup", fmt.Sprint("l", i), in{"retentionInDays": 30})
			}
		}, func(b *graphtest.Builder) {
			for i := range 4 {
				b.Add("cloudwatch/logGroup:LogGroup", fmt.Sprint("l", i), in{"retentionInDays": 7 - i/3})
			}
		}, []string{"> - e: Each of 3 **LogGroup** (`l0`, `l1`, `l2`): ", "> - e: **LogGroup** `l3`: "}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			build := func(f func(b *graphtest.Builder)) *graph.Graph {
				b := graphtest.New(t)
				f(b)
				return b.Graph()
			}
			text := between(build(test.base), build(test.head)).Markdown()
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("there is no %q in\n%s", want, text)
				}
			}
			if changes, _, _ := strings.Cut(text, "<details>"); test.not != "" && strings.Contains(changes, test.not) {
				t.Errorf("there is %q in\n%s", test.not, changes)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for names, want := range map[string]string{
		"a":                              "`a`",
		"a-2 a-1 a-3":                    "`a-1`, `a-2`, `a-3`",
		"a-1 a-10 a-2 a-3":               "`a-1`, `a-2`, `a-3`, `a-10`",
		"a-9 a-10 a-11 a-8":              "`a-8` … `a-11`",
		"a-1-x a-2-x a-3-x a-4-y":        "`a-1-x`, `a-2-x`, `a-3-x`, `a-4-y`",
		"a1 a2 a3 a4 b c7 c8 c9 c10 d e": "`a1` … `a4`, `b`, `c7` … `c10`, 2 more",
		"a-01 a-1 a-2 a-3 a-4":           "`a-01`, `a-1` … `a-4`",
		"a b c d e":                      "`a`, `b`, `c`, 2 more",
	} {
		most := 3
		if got := namesOf(strings.Fields(names), most); got != want {
			t.Errorf("%s: got %s, want %s", names, got, want)
		}
	}
}

// TestMarked: of the picture only what changes is marked, with the parts that have no place of their own; not what they
// read something of.
func TestMarked(t *testing.T) {
	build := func(policy, command string) *graph.Graph {
		b := graphtest.New(t)
		bucket := b.Add("s3/bucketV2:BucketV2", "files", in{})
		table := b.Add("dynamodb/table:Table", "limits", in{})
		b.Add("s3/bucketPolicy:BucketPolicy", "files", in{"bucket": bucket.ID, "policy": policy})
		b.Add("command:local:Command", "report", in{"create": command + table.ID}).PropertyDependencies =
			map[string][]string{"create": {table.URN, bucket.URN}}
		return b.Graph()
	}
	base := build("{}", "a")
	for _, test := range []struct {
		name string
		head *graph.Graph
		want []string
	}{
		{"nothing", build("{}", "a"), nil},
		{"a command that reads of both", build("{}", "b"), nil},
		{"the policy of one", build(`{"Version":"2012-10-17"}`, "a"), []string{"s3 changed"}},
	} {
		var got []string
		for _, n := range between(base, test.head).Environments[0].Drawing.Nodes {
			if n.Mark != drawing.Unmarked {
				got = append(got, n.ID+" "+string(n.Mark))
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestZoneNames: a zone that the program names is told as it is, though a database stands in it; one that only AWS
// knows is told by what it is of.
func TestZoneNames(t *testing.T) {
	for given, want := range map[bool]string{
		true: "`availabilityZone`: `eu-central-1a` → `eu-central-1b`", false: "`{availabilityZone of ",
	} {
		build := func(zone string) *graph.Graph {
			b := graphtest.New(t)
			d := b.Add("rds/instance:Instance", "db", in{})
			d.Outputs["availabilityZone"] = zone
			r := b.Add("ebs/volume:Volume", "v", in{"availabilityZone": zone})
			if !given {
				r.PropertyDependencies = map[string][]string{"availabilityZone": {d.URN}}
			}
			return b.Graph()
		}
		if text := between(build("eu-central-1a"), build("eu-central-1b")).Markdown(); !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
}

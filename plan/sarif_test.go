package plan

import (
	"encoding/json"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
	"dossier.example/plan/markdown/markdowntest"
	"dossier.example/plan/policy"
)

func readSARIF(t *testing.T, p Plan) sarifRun {
	t.Helper()
	raw, err := p.SARIF()
	if err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(raw, &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 {
		t.Fatalf("it is version %s with %d runs", log.Version, len(log.Runs))
	}
	return log.Runs[0]
}

// TestSARIF: each finding is a result at the line that registers the resource, once for all stacks that have it, and is
// known again when the line moves.
func TestSARIF(t *testing.T) {
	made := func(line int) Plan {
		base, head := two(t, func(b *graphtest.Builder) {
			b.Add("s3/bucketV2:BucketV2", "files", in{"bucket": "a"})
			b.Add("ec2/instance:Instance", "server", in{"instanceType": "a"})
		}, func(b *graphtest.Builder) {
			b.Set("s3/bucketV2:BucketV2", "files", "bucket", "b")
			b.Get("s3/bucketV2:BucketV2", "files").Source = graph.Source{File: "infra/a b/main.go", Line: line}
			b.Get("ec2/instance:Instance", "server").Source = graph.Source{File: "infra/server.go", Line: 3}
			b.Add("gamelift/fleet:Fleet", "games", in{})
		})
		set := &policy.Set{Rules: []policy.Rule{{ID: "R1", Says: "Servers are small",
			Check: policy.Each("aws:ec2/instance:Instance", func(_ *graph.Graph, _ policy.Environment,
				r *graph.Resource) []policy.Violation {
				return []policy.Violation{policy.At(r, "make it small", "it is large")}
			})}}}
		before, after := map[string]Stack{}, map[string]Stack{}
		for _, name := range []string{"dev", "prod"} {
			before[name] = Stack{Graph: base, Policy: set}
			after[name] = Stack{Graph: head, Policy: set, File: "infra/Pulumi.yaml"}
		}
		return Make(Revision{Stacks: before},
			Revision{Stacks: after, Migrations: []File{{"db/1.sql", "DROP TABLE a;"}}, Unread: []Unread{
				{Project: "site", Folder: "site", Why: "it is not in Go", Changed: true},
				{Project: "docs", Folder: "docs", Why: "it is not in Go"}}})
	}
	run := readSARIF(t, made(7))
	var got []string
	for _, r := range run.Results {
		at := r.Locations[0].Physical
		got = append(got, strings.Join([]string{r.Level, r.RuleID, at.Artifact.URI, r.Baseline,
			strings.Join(r.Properties.Stacks, "+")}, " "))
	}
	want := []string{
		"error R1 infra/server.go unchanged dev+prod", "error plan/data-replaced infra/a%20b/main.go new dev+prod",
		"error plan/migration-not-safe db/1.sql new ", "warning plan/not-judged site/Pulumi.yaml new ",
		"warning plan/not-judged infra/Pulumi.yaml new dev+prod",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if line := run.Results[1].Locations[0].Physical.Region.StartLine; line != 7 {
		t.Errorf("the bucket is registered in line %d, want 7", line)
	}
	for i, moved := range readSARIF(t, made(70)).Results {
		if !maps.Equal(moved.Fingerprints, run.Results[i].Fingerprints) {
			t.Errorf("%s is not known again after its line has moved", moved.RuleID)
		}
	}
}

// TestSARIFOfStrangers: results are whole, and texts in them are no links and no marks.
func TestSARIFOfStrangers(t *testing.T) {
	for name, n := range strangers {
		run := readSARIF(t, strange(t, n))
		if run.Invocations[0].Successful || len(run.Invocations[0].Notifications) == 0 {
			t.Errorf("%s: a program fails, and the run is called successful", name)
		}
		known := map[string]bool{}
		for _, r := range run.Results {
			at := r.Locations[0].Physical
			if u, err := url.Parse(at.Artifact.URI); err != nil || u.IsAbs() || path.IsAbs(u.Path) || u.Path == "" ||
				at.Region.StartLine < 1 {
				t.Errorf("%s: a result is at %+v: %v", name, at, err)
			}
			if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" {
				t.Errorf("%s: a result is not whole: %+v", name, r)
			}
			if key := r.Fingerprints["plan/v1"]; known[key] {
				t.Errorf("%s: two results are taken for one: %+v", name, r)
			} else {
				known[key] = true
			}
			d, err := markdowntest.Read(r.Message.Markdown)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Live) > 0 || !slices.Equal(d.Outline, []string{"p"}) {
				t.Errorf("%s: a message does more than say something: %q, %q", name, d.Live, r.Message.Markdown)
			}
		}
	}
}

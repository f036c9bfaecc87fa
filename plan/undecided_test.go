package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph"
)

// TestUndecided: inputs that are unknown on both sides are no news as long as the program and its configuration stay;
// where one of them changes, nobody knows whether they do, and the title says so.
func TestUndecided(t *testing.T) {
	made := func(subnets any) *graph.Graph {
		g, err := graph.New("p", "dev", &graph.Resource{Token: "aws:lb/loadBalancer:LoadBalancer", Name: "web",
			Custom: true,
			URN:    "urn:web", Inputs: map[string]any{"subnets": subnets, "idleTimeout": 60.0}})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	partly := []any{"subnet-1", graph.Unknown}
	for _, c := range []struct {
		name      string
		subnets   any
		rewritten bool
		size      string
		title     string
	}{
		{"the same program", graph.Unknown, false, "1", "nothing changes"},
		{"another program", graph.Unknown, true, "1", "❓ not known whether 1 input changes"},
		{"another configuration", graph.Unknown, false, "2", "❓ not known whether 1 input changes"},
		{"another program, and a part is unknown", partly, true, "1", "❓ not known whether 1 input changes"},
		{"another program, and nothing is unknown", []any{"subnet-1"}, true, "1", "nothing changes"},
	} {
		stack := func(size string) map[string]Stack {
			return map[string]Stack{"dev": {Project: "p", Graph: made(c.subnets), Rewritten: c.rewritten,
				Config: map[string]string{"p:size": size}}}
		}
		p := Make(Revision{Name: "base", Stacks: stack("1")}, Revision{Name: "head", Stacks: stack(c.size)})
		text := p.Markdown()
		if title, _, _ := strings.Cut(text, "\n"); title != "## Plan: "+c.title {
			t.Errorf("%s: the title is %q", c.name, title)
		}
		var want [][2]string
		if c.title != "nothing changes" {
			want = [][2]string{{notJudged, "Whether `ELB LoadBalancer web.subnets` changes is not known"}}
		}
		tells(t, p.Environments[0].Dangers, want)
	}
}

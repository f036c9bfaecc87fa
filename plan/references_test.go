package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph"
)

// TestReferred: a stack that reads the outputs of another one of the plan is told that those change, or are gone.
func TestReferred(t *testing.T) {
	stack := func(project string, exports map[string]any, reads ...string) Stack {
		g, err := graph.New(project, "dev", &graph.Resource{Token: "aws:sns/topic:Topic", Name: "topic", Custom: true})
		if err != nil {
			t.Fatal(err)
		}
		g.Exports = exports
		for _, name := range reads {
			g.Gaps = append(g.Gaps, graph.Gap{Kind: graph.GapStack, Name: name})
		}
		return Stack{Project: project, Graph: g}
	}
	was := map[string]any{"vpc": "vpc-1", "subnets": []any{"a", "b"}, "zone": "z", "list": "l"}
	is := map[string]any{"vpc": "vpc-1", "subnets": []any{"a", "c"}, "zone": "y", "new": "n"}
	for name, c := range map[string]struct {
		reader, reads, want string
	}{
		"in full": {"app", "org/net/dev",
			"stack `net/dev`, which has other values for `subnets`, `zone` and no longer has `list`:"},
		"of another organization": {"app", "net/dev", "stack `net/dev`"},
		"by its name":             {"net", "dev", "stack `net/dev`"},
		"another project's":       {"app", "dev", ""},
		"another stack":           {"app", "org/net/prod", ""},
		"another project":         {"app", "org/other/dev", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := Make(
				Revision{Stacks: map[string]Stack{"net/dev": stack("net", was), "z/x": stack(c.reader, nil, c.reads)}},
				Revision{Stacks: map[string]Stack{"net/dev": stack("net", is), "z/x": stack(c.reader, nil, c.reads)}})
			said := ""
			for _, d := range p.Environments[1].Dangers {
				said += d.Kind + ": " + d.What
			}
			if !strings.Contains(said, c.want) || c.want == "" && said != "" {
				t.Errorf("it says %q, want %q", said, c.want)
			}
			if len(p.Environments[0].Dangers) > 0 {
				t.Errorf("of the other one it says %q", p.Environments[0].Dangers)
			}
		})
	}
}

package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph"
)

// TestGaps: what a program builds on without that it is known is told in any plan, and as not judged where it is new.
func TestGaps(t *testing.T) {
	made := func(gaps ...graph.Gap) *graph.Graph {
		g, err := graph.New("p", "dev",
			&graph.Resource{Token: "aws:sns/topic:Topic", Name: "topic", Custom: true,
				Inputs: map[string]any{"displayName": map[string]any{"a": graph.Unknown}},
				// Something else is ignored, so that the graph is made once more of what is deployed.
				Options: graph.Options{IgnoreChanges: []string{"tags"}}})
		if err != nil {
			t.Fatal(err)
		}
		g.Gaps = gaps
		return g
	}
	stack := graph.Gap{Kind: graph.GapStack, Name: "org/net/dev"}
	function := graph.Gap{Kind: graph.GapFunction, Name: "aws:ec2/getVpc:getVpc", Of: "1"}
	another := graph.Gap{Kind: graph.GapFunction, Name: "aws:ec2/getVpc:getVpc", Of: "2"}
	component := graph.Gap{Kind: graph.GapComponent, Name: "awsx:ec2:Vpc net"}
	of := func(base, head *graph.Graph) (dangers, notes string) {
		p := Make(Revision{Name: "base", Stacks: map[string]Stack{"dev": {Graph: base}}},
			Revision{Name: "head", Stacks: map[string]Stack{"dev": {Graph: head}}})
		for _, d := range p.Environments[0].Dangers {
			if d.Kind != notJudged {
				t.Errorf("danger %+v", d)
			}
			dangers += d.What + "\n"
		}
		return dangers, strings.Join(p.Notes, "\n")
	}
	same, notes := of(made(stack, function), made(stack, function))
	if same != "" {
		t.Errorf("nothing changes, and it says %s", same)
	}
	for _, want := range []string{"`dev` builds on what only a deployment knows", "the outputs of stack `org/net/dev`",
		"what the function `aws:ec2/getVpc:getVpc` answers",
		"Whether these inputs change is not known: `Topic topic.displayName`"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes lack %q: %s", want, notes)
		}
	}
	changed, _ := of(made(stack, function), made(stack, another, component))
	if strings.Contains(changed, "org/net") || strings.Count(changed, "\n") != 2 ||
		!strings.Contains(changed, "getVpc") || !strings.Contains(changed, "component `awsx:ec2:Vpc net`") {
		t.Errorf("it says %s", changed)
	}
}

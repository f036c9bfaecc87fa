package plan

import (
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// TestFleeting: what only one of two runs has is deleted or created at some time, unless the other one has one of its
// type under another name.
func TestFleeting(t *testing.T) {
	const table, topic = "dynamodb/table:Table", "sns/topic:Topic"
	type resources map[string]string
	build := func(all resources) *graph.Graph {
		b := graphtest.New(t)
		b.Add("sqs/queue:Queue", "always", in{})
		for name, kind := range all {
			b.Add(kind, name, in{})
		}
		return b.Graph()
	}
	for _, c := range []struct {
		name       string
		now, later resources
		want       [][2]string
	}{
		{"a table that goes", resources{"t": table}, nil, [][2]string{{expires,
			"**DynamoDB Table** `t` is not there whenever the program runs: it reads the clock, or draws random " +
				"values, and a deployment at another time deletes it, and its records with it."}}},
		{"a topic that goes", resources{"t": topic}, nil, [][2]string{{notJudged, "at another time deletes it."}}},
		{"a table that comes", nil, resources{"t": table}, [][2]string{{notJudged, "at another time creates it"}}},
		{"a table of another name", resources{"a": table}, resources{"b": table},
			[][2]string{{notJudged, "the names of `DynamoDB Table a`"}}},
		{"a table in the place of a topic", resources{"a": topic}, resources{"b": table},
			[][2]string{{notJudged, "deletes it."}, {notJudged, "creates it"}}},
		{"the same", resources{"a": table}, resources{"a": table}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			head := build(c.now)
			p := Make(Revision{Name: "base", Stacks: map[string]Stack{"e": {Graph: head}}},
				Revision{Name: "head", Stacks: map[string]Stack{"e": {Graph: head,
					Again: Again{Unsettled: head.Unsettled(build(c.later))}}}})
			tells(t, p.Environments[0].Dangers, c.want)
		})
	}
}

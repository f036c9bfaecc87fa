package graph

import (
	"slices"
	"testing"
)

// TestDistinct: what is called the same gets the names of as many components as it takes, the same in all graphs.
func TestDistinct(t *testing.T) {
	const at = "urn:pulumi:dev::test::"
	component := func(types, token, name, parent string) *Resource {
		return &Resource{Token: token, Name: name, URN: at + types + "::" + name, Parent: parent}
	}
	queue := func(types, name, parent string) *Resource {
		return &Resource{Token: "aws:sqs/queue:Queue", Name: name, URN: at + types + "aws:sqs/queue:Queue::" + name,
			Parent: parent}
	}
	alike := func(types, parent string) *Resource {
		return &Resource{Token: "aws:sqs/x:Queue", Name: "a", URN: at + types + "aws:sqs/x:Queue::a", Parent: parent}
	}
	web, worker := component("a:b:Web", "a:b:Web", "orders", ""), component("a:b:Worker", "a:b:Worker", "orders", "")
	other := component("a:b:Worker", "a:b:Worker", "orders", "")
	other.Name = "billing"
	part := func(of *Resource, types string) *Resource {
		return component(types+"$a:b:Part", "a:b:Part", "part", of.URN)
	}
	webPart, workerPart := part(web, "a:b:Web"), part(worker, "a:b:Worker")
	for _, c := range []struct {
		name   string
		graphs [][]*Resource
		want   [][]string
	}{
		{"nothing", [][]*Resource{{queue("", "a", ""), queue("", "b", "")}}, [][]string{{"a", "b"}}},
		{"below the stack and a component", [][]*Resource{{queue("", "a", ""), web, queue("a:b:Web$", "a", web.URN)}},
			[][]string{{"a (Web orders)", "a"}}},
		{"parts that are called the same", [][]*Resource{{web, worker, webPart, workerPart,
			queue("a:b:Web$a:b:Part$", "a", webPart.URN), queue("a:b:Worker$a:b:Part$", "a", workerPart.URN)}},
			[][]string{{"a (Part part, Web orders)", "a (Part part, Worker orders)"}}},
		{"one in each graph, and another name of the component", [][]*Resource{
			{worker, queue("a:b:Worker$", "a", worker.URN)}, {other, queue("", "a", ""), queue("a:b:Worker$", "a",
				other.URN)}},
			[][]string{{"a (Worker billing)"}, {"a (Worker billing)", "a"}}},
		{"two types of one kind", [][]*Resource{{
			{Token: "aws:alb/listener:Listener", Name: "a"}, {Token: "aws:lb/listener:Listener", Name: "a"}}},
			[][]string{{"a (aws:alb/listener:Listener)", "a (aws:lb/listener:Listener)"}}},
		{"two types of one kind below two components", [][]*Resource{{web, worker,
			queue("a:b:Web$", "a", web.URN), alike("a:b:Web$", web.URN), queue("a:b:Worker$", "a", worker.URN),
			alike("a:b:Worker$", worker.URN)}},
			[][]string{{"a (Web orders, aws:sqs/queue:Queue)", "a (Web orders, aws:sqs/x:Queue)",
				"a (Worker orders, aws:sqs/queue:Queue)", "a (Worker orders, aws:sqs/x:Queue)"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			graphs := []*Graph{nil}
			for _, resources := range c.graphs {
				g, err := New("test", "dev", resources...)
				if err != nil {
					t.Fatal(err)
				}
				graphs = append(graphs, g)
			}
			for i, g := range Distinct(graphs...)[1:] {
				var names []string
				for _, r := range g.Resources {
					if r.Token[:4] == "aws:" {
						names = append(names, r.Name)
					}
				}
				if !slices.Equal(names, c.want[i]) {
					t.Errorf("graph %d has %q, not %q", i, names, c.want[i])
				}
			}
		})
	}
}

package graph

import (
	"cmp"
	"maps"
	"strings"
)

// Distinct returns graphs of one stack in which no two resources are called the same. What shares its kind and name
// with another is called after its type as well, where that is another, or else after the components that it is below,
// such as app (Worker orders): in all graphs as in the last that has it. A graph may be nil.
func Distinct(graphs ...*Graph) []*Graph {
	called := map[string]string{} // by URN, what has another name than in the program
	each := func(visit func(g *Graph, r *Resource, text string)) {
		for _, g := range graphs {
			if g == nil {
				continue
			}
			for _, r := range g.Resources {
				visit(g, r, r.Kind()+" "+cmp.Or(called[r.URN], r.Name))
			}
		}
	}
	for depth, longer := 1, true; longer; depth++ {
		alike := map[string]map[string]string{} // the types of what is called so, by URN
		each(func(_ *Graph, r *Resource, text string) {
			if alike[text] == nil {
				alike[text] = map[string]string{}
			}
			alike[text][r.URN] = r.Token
		})
		next := map[string]string{}
		each(func(g *Graph, r *Resource, text string) {
			same, within := alike[text], g.Ancestors(r)
			tokens := map[string]bool{}
			for _, token := range same {
				tokens[token] = true
			}
			byType := len(tokens) == len(same)
			if len(same) < 2 || !byType && depth > len(within) {
				return
			}
			if byType {
				within = within[:min(depth-1, len(within))]
			} else {
				within = within[:depth]
			}
			var names []string
			for _, c := range within {
				names = append(names, c.String())
			}
			if byType {
				names = append(names, r.Token)
			}
			next[r.URN] = r.Name + " (" + strings.Join(names, ", ") + ")"
		})
		maps.Copy(called, next)
		longer = len(next) > 0
	}
	if len(called) == 0 {
		return graphs
	}
	named := make([]*Graph, len(graphs))
	for i, g := range graphs {
		if g != nil {
			named[i] = g.called(called)
		}
	}
	return named
}

// called is the graph with other names of resources, by URN.
func (g *Graph) called(names map[string]string) *Graph {
	resources := make([]*Resource, len(g.Resources))
	for i, r := range g.Resources {
		resources[i] = r
		if name := names[r.URN]; name != "" {
			other := *r
			other.Name = name
			resources[i] = &other
		}
	}
	return g.of(resources)
}

package graph

import (
	"maps"
	"slices"
	"strings"
)

// As is the graph with the names of a later one: what that continues under another name, or below another parent, by an
// alias is called as it is there. Whatever compares the two by names then finds the same resource.
func (g *Graph) As(later *Graph) *Graph {
	continued := map[string]*Resource{}
	for _, now := range later.Resources {
		if old := g.Was(now); old != nil && old.URN != now.URN && continued[old.URN] == nil {
			continued[old.URN] = now
		}
	}
	if len(continued) == 0 {
		return g
	}
	urn := func(of string) string {
		if now := continued[of]; now != nil {
			return now.URN
		}
		return of
	}
	urns := func(of []string) []string {
		if of == nil {
			return nil
		}
		named := make([]string, len(of))
		for i, old := range of {
			named[i] = urn(old)
		}
		slices.Sort(named)
		return named
	}
	resources := make([]*Resource, len(g.Resources))
	for i, old := range g.Resources {
		r := *old
		if now := continued[old.URN]; now != nil {
			r.URN, r.Name = now.URN, now.Name
		}
		r.Parent, r.Dependencies = urn(r.Parent), urns(r.Dependencies)
		r.PropertyDependencies = maps.Clone(r.PropertyDependencies)
		for key, of := range r.PropertyDependencies {
			r.PropertyDependencies[key] = urns(of)
		}
		if i := strings.LastIndex(r.Options.Provider, "::"); i >= 0 {
			r.Options.Provider = urn(r.Options.Provider[:i]) + r.Options.Provider[i:]
		}
		r.Options.DeletedWith, r.Options.ReplaceWith = urn(r.Options.DeletedWith), urns(r.Options.ReplaceWith)
		resources[i] = &r
	}
	named, err := New(g.Project, g.Stack, resources...)
	if err != nil {
		return g // an alias that leads to what also has the name, which the engine refuses
	}
	named.take(g)
	named.Leaks = slices.Clone(g.Leaks)
	for i, leak := range named.Leaks {
		named.Leaks[i].URN = urn(leak.URN)
	}
	return named
}

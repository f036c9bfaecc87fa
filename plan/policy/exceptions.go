package policy

import (
	"path"
	"slices"

	"dossier.example/plan/graph"
)

// ExceptionAt is an exception for resources by name.
type ExceptionAt struct {
	// Rule is the rule's id.
	Rule string
	// Resource is the name of a resource in the program, or a pattern as of path.Match.
	Resource string
	// Type is the type of the resource; empty: any.
	Type string
	// Reason says why the rule is not kept.
	Reason string
}

// Except adds exceptions to the rules that they are of, and returns the ids of rules that the set does not have.
func (s *Set) Except(exceptions []ExceptionAt) (unknown []string) {
	for _, e := range exceptions {
		i := slices.IndexFunc(s.Rules, func(r Rule) bool { return r.ID == e.Rule })
		if i < 0 {
			unknown = append(unknown, e.Rule)
			continue
		}
		s.Rules[i].Exceptions = append(slices.Clone(s.Rules[i].Exceptions), Exception{
			Reason: e.Reason, When: "The resource is " + e.Resource + ".",
			Holds: func(g *graph.Graph, _ Environment, v Violation) bool {
				r := g.ByURN(v.URN)
				if r == nil || e.Type != "" && e.Type != r.Token {
					return false
				}
				is, err := path.Match(e.Resource, r.Name)
				return err == nil && is
			},
		})
	}
	return unknown
}

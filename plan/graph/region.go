package graph

import "strings"

// ProviderOf returns the explicit provider of a resource; nil where it has the default one.
func (g *Graph) ProviderOf(r *Resource) *Resource {
	reference := r.Options.Provider
	// A reference is the provider's URN and its id. That of the default provider has no URN here.
	if i := strings.LastIndex(reference, "::"); i >= 0 && strings.Count(reference, "::") > 3 {
		reference = reference[:i]
	}
	return g.byURN[reference]
}

// Region returns the AWS region of a resource, by its own input, by its provider, or else the given one, the stack's.
// It is empty where the program takes it from something that is not known.
func (g *Graph) Region(r *Resource, stack string) string {
	own := r.Input("region")
	if own == nil {
		p := g.ProviderOf(r)
		if p == nil || p.Input("region") == nil {
			return stack
		}
		own = p.Input("region")
	}
	text := Text(own)
	if strings.ContainsAny(text, "{}[]") {
		return ""
	}
	return text
}

package graph

import (
	"regexp"
	"slices"

	"dossier.example/plan/internal/awsmodel"
)

// InAccount is the graph with the model's account in the place of the one of that number, which is the stack's own:
// what the program writes out and what the model makes up are then of one account.
func (g *Graph) InAccount(number string) *Graph {
	if g == nil || number == "" || number == awsmodel.Account {
		return g
	}
	own := regexp.MustCompile(`\b` + regexp.QuoteMeta(number) + `\b`)
	resources := make([]*Resource, len(g.Resources))
	for i, r := range g.Resources {
		other := *r
		other.Inputs = renumbered(own, r.Inputs).(map[string]any)
		other.Outputs = renumbered(own, r.Outputs).(map[string]any)
		resources[i] = &other
	}
	other := g.of(resources)
	other.own = own
	return other
}

// forms are a text as the program has it, and as it is in the model's account.
func (g *Graph) forms(text string) []string {
	if g.own == nil {
		return []string{text}
	}
	return slices.Compact([]string{text, g.own.ReplaceAllString(text, awsmodel.Account)})
}

func renumbered(own *regexp.Regexp, v any) any {
	switch v := v.(type) {
	case string:
		return own.ReplaceAllString(v, awsmodel.Account)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = renumbered(own, e)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, e := range v {
			m[own.ReplaceAllString(key, awsmodel.Account)] = renumbered(own, e)
		}
		return m
	}
	return v
}

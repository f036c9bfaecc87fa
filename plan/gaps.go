package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// gapWords say what is not known, by the kind of gap.
var gapWords = map[graph.GapKind]string{
	graph.GapStack:     "the outputs of stack %s",
	graph.GapFunction:  "what the function %s answers",
	graph.GapComponent: "what a plugin makes of the component %s, and whether that changes",
	graph.GapMethod:    "what the method %s answers",
}

// gaps are the dangers of what head builds on anew without that it is known here. What it asks as base did is no
// change.
func gaps(base, head *graph.Graph) []Danger {
	var found []Danger
	said := map[string]bool{}
	for _, g := range head.Gaps {
		what := fmt.Sprintf(gapWords[g.Kind], code(g.Name))
		if said[what] || slices.Contains(base.Gaps, g) {
			continue
		}
		said[what] = true
		found = append(found, Danger{Kind: notJudged, Resource: g.Name,
			What: fmt.Sprintf("The change builds on what is not known here, nor what comes of it: %s.", what)})
	}
	return found
}

// unknowns says what head builds on without that it is known here, and which inputs are unknown on both sides, of which
// nobody can tell whether they change, as the end of a sentence; empty: there is nothing of that kind.
func unknowns(base, head *graph.Graph) string {
	var words []string
	for _, g := range head.Gaps {
		if text := fmt.Sprintf(gapWords[g.Kind], code(g.Name)); !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	inputs := undecided(base, head)
	if len(words)+len(inputs) == 0 {
		return ""
	}
	text := ""
	if len(words) > 0 {
		text += ": " + strings.Join(few(words), "; ")
	}
	text += "."
	if len(inputs) > 0 {
		text += fmt.Sprintf(" Whether these inputs change is not known: %s.", strings.Join(few(inputs), ", "))
	}
	return text
}

// undecided are the inputs that are unknown on both sides, but for those that are the same of answers to the same
// questions.
func undecided(base, head *graph.Graph) []string {
	if base == nil {
		return nil
	}
	var inputs []string
	for _, now := range head.Resources {
		old := base.Was(now)
		if old == nil || !now.Custom || now.Read {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(now.Inputs)) {
			if holdsUnknown(key, now.Inputs[key]) && holdsUnknown(key, old.Inputs[key]) && !now.AsksAlike(old, key) {
				inputs = append(inputs, code(now.String()+"."+key))
			}
		}
	}
	return inputs
}

// rewritten is the danger of inputs that are unknown on both sides where the program, or its configuration, is another
// one: it may make something else of the same outputs, or ask for others, and neither is seen.
func rewritten(base, head *graph.Graph) []Danger {
	inputs := undecided(base, head)
	if len(inputs) == 0 {
		return nil
	}
	return []Danger{{Kind: notJudged, undecided: inputs,
		What: fmt.Sprintf("Whether %s changes is not known: it comes of what only a deployment knows, and the program "+
			"or its configuration is another one.", strings.Join(few(inputs), ", "))}}
}

func holdsUnknown(path string, v any) bool {
	found := false
	graph.Walk(path, v, func(_ string, v any) { found = found || v == graph.Unknown })
	return found
}

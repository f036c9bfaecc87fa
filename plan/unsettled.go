package plan

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// Again is what another run of the program of a stack gave.
type Again struct {
	// Unsettled are what the two runs gave otherwise, Kept those of them that were so before the change: the stack's
	// graph has them as base's does.
	Unsettled, Kept []graph.Unsettled
	// Fault is why there was nothing to compare; empty: there was.
	Fault string
}

// unsettled are the dangers of values that the program gives otherwise each time it runs, of which nobody can tell what
// a deployment makes of them.
func unsettled(again Again, base, head *graph.Graph) []Danger {
	if again.Fault != "" {
		return []Danger{{Kind: notJudged, What: "Whether the program gives the same each time it runs is not known, " +
			"because it failed when it ran once more: " + code(cut(again.Fault, longest)) + "."}}
	}
	// One sentence tells of all resources with one path, of all names, and of all outputs.
	type group struct {
		output, name  bool
		path          string
		kept, created bool
	}
	found := fleeting(again, head)
	var groups []group
	of := map[group][]string{}
	for _, u := range again.Unsettled {
		in := group{path: u.Path, kept: slices.ContainsFunc(again.Kept, func(k graph.Unsettled) bool {
			return k.URN == u.URN && k.Path == u.Path && k.Output == u.Output
		})}
		name := u.Path
		if u.URN == "" {
			in.output, in.path, in.created = true, "", base == nil
		} else {
			r := head.ByURN(u.URN)
			if u.Output || r == nil || u.Path == "" && again.alone(head, u) {
				continue // it follows from an input, is the other half of a resource with a new name, or has no such
			}
			name = r.String()
			in.name = u.Path == ""
			in.created = in.name || base == nil || base.Was(r) == nil
		}
		if of[in] == nil {
			groups = append(groups, in)
		}
		if !slices.Contains(of[in], name) {
			of[in] = append(of[in], name)
		}
	}
	for _, in := range groups {
		names := strings.Join(few(spans(of[in])), ", ")
		what, resource := code(cut(in.path, longest))+" of "+names, of[in][0]
		switch {
		case in.output:
			what, resource = "the outputs "+names, ""
		case in.name:
			what = "the names of " + names
		}
		means := "This change makes it so, and each deployment changes it."
		switch {
		case in.name:
			means = "Each deployment deletes them and creates others."
		case in.kept:
			means = "It was so before this change, and as far as can be told nothing else of it changes."
		case in.created:
			means = "Each deployment changes it."
		}
		found = append(found, Danger{Kind: notJudged, Resource: resource,
			What: fmt.Sprintf("Not the same each time the program runs: %s. It reads the clock, draws random values, "+
				"or depends on the order of a map. %s", what, means)})
	}
	return found
}

// alone reports whether a resource that only one run has is of a type of which the other has fewer such: it is no half
// of one with a new name.
func (a Again) alone(head *graph.Graph, u graph.Unsettled) bool {
	balance := 0 // of this run and the other one
	for _, other := range a.Unsettled {
		if other.Path != "" || other.URN == "" || typeOf(other.URN) != typeOf(u.URN) {
			continue
		}
		if (head.ByURN(other.URN) != nil) == (head.ByURN(u.URN) != nil) {
			balance++
		} else {
			balance--
		}
	}
	return balance > 0
}

// typeOf is the type in a URN, after those of the components that the resource is in.
func typeOf(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	return parts[min(2, len(parts)-1)]
}

// fleeting are the dangers of resources that the program leaves out, or adds, at some time.
func fleeting(again Again, head *graph.Graph) []Danger {
	var found []Danger
	for _, u := range again.Unsettled {
		if u.URN == "" || u.Path != "" || !again.alone(head, u) {
			continue
		}
		r := head.ByURN(u.URN)
		if r == nil {
			found = append(found, Danger{Kind: notJudged, What: fmt.Sprintf("%s is not there whenever the program "+
				"runs: "+
				"it reads the clock, or draws random values, and a deployment at another time creates it.",
				code(cut(u.URN[strings.LastIndex(u.URN, "::")+2:], longest)))})
			continue
		}
		if strings.HasPrefix(r.Token, "pulumi:") || !r.Custom || r.Read {
			continue // what is in it is told
		}
		d := Danger{Kind: notJudged, Resource: r.String()}
		with := ""
		if holds, data := holding[r.Token]; data {
			d.Kind, with = expires, ", and "+holds+" with it"
		}
		d.What = fmt.Sprintf("**%s** %s is not there whenever the program runs: it reads the clock, or draws random "+
			"values, and a deployment at another time deletes it%s.", r.Kind(), code(r.Name), with)
		found = append(found, d)
	}
	return found
}

// spans are texts in code spans, each for itself.
func spans(texts []string) []string {
	shown := make([]string, len(texts))
	for i, text := range texts {
		shown[i] = code(cut(text, longest))
	}
	return shown
}

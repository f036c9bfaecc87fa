package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// referred adds to each stack that builds on the outputs of another one of the plan that those change, or are gone.
// What comes of it there is not seen: of another stack's outputs nothing is known.
func (p *Plan) referred(base, head map[string]Stack) {
	for i := range p.Environments {
		e := &p.Environments[i]
		reader := head[e.Name]
		if reader.Graph == nil {
			continue
		}
		for _, other := range p.Environments {
			of := head[other.Name]
			if other.Name == e.Name || of.Graph == nil || base[other.Name].Graph == nil ||
				!refers(reader, other.Name, of) {
				continue
			}
			changed, gone := changedOutputs(base[other.Name].Graph, of.Graph, other.Outputs)
			var words []string
			if len(changed) > 0 {
				words = append(words, "has other values for "+strings.Join(few(changed), ", "))
			}
			if len(gone) > 0 {
				words = append(words, "no longer has "+strings.Join(few(gone), ", "))
			}
			if len(words) == 0 {
				continue
			}
			e.Dangers = append(e.Dangers, Danger{Kind: notJudged, What: fmt.Sprintf("It builds on the outputs of "+
				"stack %s, which %s: what that does here, nobody knows before that one is deployed.",
				code(other.Name), strings.Join(words, " and "))})
		}
	}
}

// refers reports whether the program of a stack reads the outputs of another one: by its organization, project and
// stack, or by its stack alone within a project.
func refers(reader Stack, name string, of Stack) bool {
	stack := name[strings.LastIndexByte(name, '/')+1:]
	return slices.ContainsFunc(reader.Graph.Gaps, func(g graph.Gap) bool {
		parts := strings.Split(g.Name, "/")
		project := reader.Project
		if len(parts) > 1 {
			project = parts[len(parts)-2]
		}
		return g.Kind == graph.GapStack && parts[len(parts)-1] == stack && project == of.Project
	})
}

// changedOutputs are the names of the outputs that have another value, and of those that are gone.
func changedOutputs(base, head *graph.Graph, found []Property) (changed, gone []string) {
	for _, name := range slices.Sorted(maps.Keys(base.Exports)) {
		_, stays := head.Exports[name]
		differs := slices.ContainsFunc(found, func(p Property) bool {
			rest, is := strings.CutPrefix(p.Path, name)
			return is && (rest == "" || rest[0] == '.' || rest[0] == '[')
		})
		switch {
		case !stays:
			gone = append(gone, code(name))
		case differs:
			changed = append(changed, code(name))
		}
	}
	return changed, gone
}

package graph

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Unsettled is something that a program gives otherwise each time that it runs, because it reads the clock, draws lots
// or takes what has no order in the order in which it comes.
type Unsettled struct {
	// URN is that of the resource; empty: an output of the stack.
	URN string
	// Path is where the value is: names separated by dots, positions in brackets; empty: whether there is such a
	// resource.
	Path string
	// Output tells an output of the resource from an input.
	Output bool

	path resource.PropertyPath
}

// Unsettled compares the graphs of two runs of one program, sorted.
func (g *Graph) Unsettled(again *Graph) []Unsettled {
	var found []Unsettled
	for _, r := range g.Resources {
		other := again.ByURN(r.URN)
		if other == nil {
			found = append(found, Unsettled{URN: r.URN})
			continue
		}
		add := func(output bool) func(resource.PropertyPath) {
			return func(path resource.PropertyPath) {
				found = append(found, Unsettled{URN: r.URN, Path: written(path), Output: output, path: path})
			}
		}
		seen := len(found)
		differences(nil, r.Inputs, other.Inputs, add(false))
		for _, key := range slices.Sorted(maps.Keys(r.digests)) {
			if !r.Same(other, key) && !slices.ContainsFunc(found[seen:], func(u Unsettled) bool {
				return u.path[0] == key
			}) {
				add(false)(resource.PropertyPath{key}) // a secret
			}
		}
		if !reflect.DeepEqual(r.Options.ReplacementTrigger, other.Options.ReplacementTrigger) {
			found = append(found, Unsettled{URN: r.URN, Path: triggerPath})
		}
		differences(nil, r.Outputs, other.Outputs, add(true))
	}
	for _, r := range again.Resources {
		if g.ByURN(r.URN) == nil {
			found = append(found, Unsettled{URN: r.URN})
		}
	}
	differences(nil, g.Exports, again.Exports, func(path resource.PropertyPath) {
		found = append(found, Unsettled{Path: written(path), path: path})
	})
	slices.SortFunc(found, func(a, b Unsettled) int {
		return cmp.Or(cmp.Compare(a.URN, b.URN), cmp.Compare(a.Path, b.Path), compareBool(a.Output, b.Output))
	})
	return found
}

// triggerPath stands for the option of that name.
const triggerPath = "replacementTrigger"

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// differences visits where two values differ. Where a list has lost or won elements, that is the list.
func differences(path resource.PropertyPath, a, b any, visit func(resource.PropertyPath)) {
	below := func(key any) resource.PropertyPath { return append(slices.Clone(path), key) }
	switch x := a.(type) {
	case map[string]any:
		if y, is := b.(map[string]any); is {
			keys := maps.Clone(x)
			if keys == nil {
				keys = map[string]any{}
			}
			maps.Copy(keys, y)
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				differences(below(key), x[key], y[key], visit)
			}
			return
		}
	case []any:
		if y, is := b.([]any); is && len(x) == len(y) {
			for i := range x {
				differences(below(i), x[i], y[i], visit)
			}
			return
		}
	}
	if !reflect.DeepEqual(a, b) {
		visit(path)
	}
}

// written is a path as people write it.
func written(path resource.PropertyPath) string {
	text := ""
	for _, part := range path {
		switch part := part.(type) {
		case int:
			text += fmt.Sprintf("[%d]", part)
		case string:
			text = strings.TrimPrefix(text+"."+part, ".")
		}
	}
	return text
}

// Kept are the values that a program before a change gave otherwise each time that it ran, as it does after it, and of
// which nothing else is known to have changed: was and wasAgain are graphs of two runs before, is and isAgain of two
// after.
func Kept(was, wasAgain, is, isAgain *Graph) []Unsettled {
	before := was.Unsettled(wasAgain)
	var kept []Unsettled
	for _, u := range is.Unsettled(isAgain) {
		i := slices.IndexFunc(before, func(b Unsettled) bool {
			return b.URN == u.URN && b.Path == u.Path && b.Output == u.Output
		})
		if i < 0 || u.Path == "" {
			continue
		}
		texts := make([]string, 4)
		text := true
		for i, g := range []*Graph{was, wasAgain, is, isAgain} {
			value, is := g.value(u).(string)
			texts[i], text = value, text && is
		}
		if !text || alike([2]string(texts[:2]), [2]string(texts[2:])) {
			kept = append(kept, u)
		}
	}
	return kept
}

// value is what is unsettled.
func (g *Graph) value(u Unsettled) any {
	from := any(g.Exports)
	if r := g.ByURN(u.URN); r != nil {
		if from = r.Inputs; u.Output {
			from = r.Outputs
		}
	}
	for _, part := range u.path {
		switch key := part.(type) {
		case string:
			m, _ := from.(map[string]any)
			from = m[key]
		case int:
			list, _ := from.([]any)
			if key >= len(list) {
				return nil
			}
			from = list[key]
		}
	}
	return from
}

var words = regexp.MustCompile(`[\pL\pN]+|[^\pL\pN]`)

// alike reports whether texts of which each was made twice differ only in what each making gives otherwise.
func alike(was, is [2]string) bool {
	var split [4][]string
	for i, text := range []string{was[0], was[1], is[0], is[1]} {
		split[i] = words.FindAllString(text, -1)
		if len(split[i]) != len(split[0]) {
			return within(was, is)
		}
	}
	for i, word := range split[0] {
		if word == split[1][i] && split[2][i] == split[3][i] && word != split[2][i] {
			return false
		}
	}
	return true
}

// chance is how many letters of texts that nobody can foresee are the same by chance at most.
const chance = 4

// within is alike for texts of different words: what is around that which differs is the same.
func within(was, is [2]string) bool {
	fits := func(a, b string) bool {
		if len(a) > len(b) {
			a, b = b, a
		}
		return strings.HasPrefix(b, a) && len(b)-len(a) <= chance
	}
	backwards := func(texts [2]string) [2]string {
		for i, text := range texts {
			letters := []byte(text)
			slices.Reverse(letters)
			texts[i] = string(letters)
		}
		return texts
	}
	return fits(begins(was), begins(is)) && fits(begins(backwards(was)), begins(backwards(is)))
}

// begins is how both texts begin.
func begins(texts [2]string) string {
	n := 0
	for n < min(len(texts[0]), len(texts[1])) && texts[0][n] == texts[1][n] {
		n++
	}
	return texts[0][:n]
}

// keep gives a resource the values that are kept of it as they were before.
func (r *Resource) keep(old *Resource, kept []Unsettled) *Resource {
	var in, out []resource.PropertyPath
	now := r
	for _, u := range kept {
		switch {
		case u.URN != r.URN:
		case u.Path == triggerPath && u.path == nil:
			settled := *now
			settled.Options.ReplacementTrigger = old.Options.ReplacementTrigger
			now = &settled
		case u.Output:
			out = append(out, u.path)
		default:
			in = append(in, u.path)
		}
	}
	if len(in)+len(out) == 0 {
		return now
	}
	return now.with(old, in, out)
}

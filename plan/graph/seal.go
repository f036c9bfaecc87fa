package graph

import (
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Sealed begins a value of the configuration that a program finds in the place of an encrypted one.
const Sealed = "sealed "

// leastMarked is how long a text is at least that is shown nowhere because a program marks it as secret somewhere. A
// shorter one, such as a port or true, may stand elsewhere for good reason: it is masked where it was marked.
const leastMarked = 8

// Marked are the texts that must not be shown, of the graphs that Seal was given, the longest first.
func (g *Graph) Marked() []string {
	if g == nil {
		return nil
	}
	return g.marked
}

// Seal returns two graphs of a stack, of which the first may be nil, that show nothing of what one of them marks as
// secret, and the places at which the later one gives in plain what the earlier one marks. There the value is masked.
// The earlier graph has the names of the later one (As). The texts of also must not be shown, either.
func Seal(base, head *Graph, also ...string) (was, is *Graph, unsealed []Leak) {
	if head == nil {
		return base, nil, nil
	}
	known := marksOf(base, head)
	if base == nil {
		return nil, head.marking(known.texts(nil, head, also), head.Resources), nil
	}
	resources := slices.Clone(head.Resources)
	for i, now := range head.Resources {
		old := base.Was(now)
		if old == nil || old.raw == nil || now.raw == nil {
			continue
		}
		var found []resource.PropertyPath
		known.dropped(nil, resource.NewProperty(old.raw), resource.NewProperty(now.raw),
			func(path resource.PropertyPath) { found = append(found, path) })
		if len(found) == 0 {
			continue
		}
		masked := *now
		masked.Inputs, masked.Outputs = copied(now.Inputs).(map[string]any), copied(now.Outputs).(map[string]any)
		for _, path := range found {
			conceal(path, masked.Inputs)
			conceal(path, masked.Outputs)
			if !ignores(now.Options.IgnoreChanges, path) {
				unsealed = append(unsealed, Leak{URN: now.URN, Property: written(path)})
			}
		}
		resources[i] = &masked
	}
	exports, _ := copied(head.Exports).(map[string]any)
	known.dropped(nil, resource.NewProperty(base.raw), resource.NewProperty(head.raw),
		func(path resource.PropertyPath) {
			conceal(path, exports)
			unsealed = append(unsealed, Leak{Property: written(path)})
		})
	slices.SortFunc(unsealed, func(a, b Leak) int {
		return cmp.Or(cmp.Compare(a.URN, b.URN), cmp.Compare(a.Property, b.Property))
	})
	texts := known.texts(base, head, also)
	is = head.marking(texts, resources)
	is.Exports = exports
	return base.marking(texts, base.Resources), is, unsealed
}

// marking is the graph with other recordings of its resources and texts that must not be shown.
func (g *Graph) marking(texts []string, resources []*Resource) *Graph {
	other := g.of(resources)
	other.marked = texts
	return other
}

// ignores reports whether a program says to ignore changes of what is at a path, which then stays as it is marked.
func ignores(paths []string, at resource.PropertyPath) bool {
	return slices.ContainsFunc(paths, func(text string) bool {
		path, err := resource.ParsePropertyPath(text)
		return err == nil && len(path) > 0 && path.Contains(at)
	})
}

// conceal puts the mark in the place of the value at a path.
func conceal(path resource.PropertyPath, v any) {
	switch key := path[0].(type) {
	case int:
		if list, is := v.([]any); is && key < len(list) {
			if len(path) == 1 {
				list[key] = Secret
				return
			}
			conceal(path[1:], list[key])
		}
	case string:
		if m, is := v.(map[string]any); is && m[key] != nil {
			if len(path) == 1 {
				m[key] = Secret
				return
			}
			conceal(path[1:], m[key])
		}
	}
}

// marks are the texts that programs mark as secret, each with the inputs and outputs that it stands in.
type marks map[string]map[string]bool

func marksOf(graphs ...*Graph) marks {
	found := marks{}
	for _, g := range graphs {
		if g == nil {
			continue
		}
		add := func(text, at string) {
			if len(text) < leastMarked {
				return
			}
			for _, text := range g.forms(text) {
				if found[text] == nil {
					found[text] = map[string]bool{}
				}
				found[text][at] = true
			}
		}
		for _, text := range g.sealed {
			add(text, "configuration")
		}
		for key, v := range g.raw {
			inSecrets(v, func(text string) { add(text, "::"+string(key)) })
		}
		for _, r := range g.Resources {
			for key, v := range r.raw {
				inSecrets(v, func(text string) { add(text, r.URN+"::"+string(key)) })
			}
		}
	}
	return found
}

// texts are those that must not be shown: all but what names a resource, what AWS makes up, and what base gives in
// plain as well; and those of also.
func (m marks) texts(base, head *Graph, also []string) []string {
	plain := map[string]bool{}
	given := func(text string) {
		for _, text := range base.forms(text) {
			plain[text] = true
		}
	}
	for _, g := range []*Graph{base, head} {
		if g == nil {
			continue
		}
		for _, r := range g.Resources {
			plain[r.ID] = true
			for key, v := range r.Outputs {
				if text, is := v.(string); is && r.Inputs[key] == nil {
					plain[text] = true
				}
			}
			if g == base {
				inPlain(resource.NewProperty(r.raw), given)
			}
		}
	}
	if base != nil {
		inPlain(resource.NewProperty(base.raw), given)
	}
	return slices.SortedFunc(func(yield func(string) bool) {
		for _, text := range also {
			if !yield(text) {
				return
			}
		}
		for text := range m {
			named := slices.ContainsFunc(head.Resources, func(r *Resource) bool {
				return strings.Contains(r.URN, text)
			})
			if !plain[text] && !named && !yield(text) {
				return
			}
		}
	}, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
}

// dropped visits the places below a path at which was holds a secret that is holds in plain.
func (m marks) dropped(path resource.PropertyPath, was, is resource.PropertyValue,
	visit func(resource.PropertyPath)) {
	was, marked := opened(was)
	is, still := opened(is)
	if still || is.IsComputed() || is.IsNull() {
		return
	}
	below := func(key any) resource.PropertyPath { return append(slices.Clone(path), key) }
	switch {
	case marked:
		// Where a part of it is marked, the program marks what is secret of it instead of the whole.
		if !is.ContainsSecrets() && !m.explained(was, is) {
			visit(path)
		}
	case was.IsObject() && is.IsObject():
		for _, key := range slices.Sorted(maps.Keys(is.ObjectValue())) {
			m.dropped(below(string(key)), was.ObjectValue()[key], is.ObjectValue()[key], visit)
		}
	case was.IsArray() && is.IsArray():
		before := was.ArrayValue()
		for i, e := range is.ArrayValue() {
			// One that was in plain before has moved.
			if other, has := counterpart(before, is.ArrayValue(), i); has && !slices.ContainsFunc(before,
				func(b resource.PropertyValue) bool { return !b.ContainsSecrets() && reflect.DeepEqual(b, e) }) {
				m.dropped(below(i), other, e, visit)
			}
		}
	}
}

// named are the keys by which entries of a list are told apart.
var named = []resource.PropertyKey{"name", "id", "key", "sid", "deviceName"}

// counterpart is the entry of a list that one of a later list continues: that of its name, or else of its place.
func counterpart(before, after []resource.PropertyValue, i int) (resource.PropertyValue, bool) {
	name := func(v resource.PropertyValue, key resource.PropertyKey) string {
		v, _ = opened(v)
		if !v.IsObject() {
			return ""
		}
		inner, _ := opened(v.ObjectValue()[key])
		if !inner.IsString() {
			return ""
		}
		return inner.StringValue()
	}
	for _, key := range named {
		text := name(after[i], key)
		if text == "" {
			continue
		}
		at := slices.IndexFunc(before, func(b resource.PropertyValue) bool { return name(b, key) == text })
		if at < 0 {
			return resource.PropertyValue{}, false
		}
		return before[at], true
	}
	if i >= len(before) {
		return resource.PropertyValue{}, false
	}
	return before[i], true
}

// explained reports whether it is known why was is secret, because a part of it is marked elsewhere, too, and whether
// is holds no such part.
func (m marks) explained(was, is resource.PropertyValue) bool {
	before, after := texts(was), texts(is)
	why := false
	for text, at := range m {
		within := func(all []string) bool {
			return slices.ContainsFunc(all, func(one string) bool { return secretTexts{text}.within(one) })
		}
		part := slices.ContainsFunc(before, func(one string) bool {
			if one == text {
				return len(at) > 1 && !was.IsString()
			}
			return secretTexts{text}.within(one)
		})
		if part && within(after) {
			return false
		}
		why = why || part
	}
	return why
}

// texts are all texts within a value, secret or not.
func texts(v resource.PropertyValue) []string {
	var found []string
	eachText(v, false, func(text string, _ bool) { found = append(found, text) })
	return found
}

// opened is a value without its mark, and whether it has one.
func opened(v resource.PropertyValue) (resource.PropertyValue, bool) {
	marked := false
	for {
		switch {
		case v.IsSecret():
			v, marked = v.SecretValue().Element, true
		case v.IsOutput() && v.OutputValue().Known:
			marked = marked || v.OutputValue().Secret
			v = v.OutputValue().Element
		case v.IsOutput():
			return resource.MakeComputed(resource.NewProperty("")), marked || v.OutputValue().Secret
		default:
			return v, marked
		}
	}
}

// sealedTexts are the encrypted values in the configuration under keys of secrets.
func sealedTexts(config map[string]string, secretKeys []string) []string {
	found := map[string]bool{}
	for _, key := range secretKeys {
		text := config[key]
		var inner any
		if text == "" {
			continue
		}
		if !strings.HasPrefix(strings.TrimSpace(text), "{") && !strings.HasPrefix(strings.TrimSpace(text), "[") ||
			json.Unmarshal([]byte(text), &inner) != nil {
			found[text] = true
			continue
		}
		Walk("", inner, func(_ string, v any) {
			if text, is := v.(string); is && strings.HasPrefix(text, Sealed) {
				found[text] = true
			}
		})
	}
	return slices.Sorted(maps.Keys(found))
}

package moto

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
)

// names knows what AWS calls what the graph has made-up names for: ids, ARNs, addresses.
type names struct {
	real map[string]string
	// all is made anew when real has grown.
	all *strings.Replacer
}

func (n *names) set(made, real string) {
	if n.real == nil {
		n.real = map[string]string{}
	}
	if made != "" {
		n.real[made], n.all = real, nil
	}
}

// of is a text with the real names in it, wherever in a text (a policy, an address) the made-up ones stand. An ARN may
// contain another resource's whole name, so the longest goes first.
func (n *names) of(text string) string {
	if n.all == nil {
		made := slices.SortedFunc(maps.Keys(n.real), func(a, b string) int {
			if len(a) != len(b) {
				return len(b) - len(a)
			}
			return strings.Compare(a, b)
		})
		var pairs []string
		for _, m := range made {
			pairs = append(pairs, m, n.real[m])
		}
		n.all = strings.NewReplacer(pairs...)
	}
	return n.all.Replace(text)
}

// in is a value of the graph with real names, and with a made-up text where the graph shows no secret.
func (n *names) in(path string, v any) any {
	switch v := v.(type) {
	case string:
		return n.of(v)
	case graph.Mark:
		return "made-up-" + strings.NewReplacer(":", "-", ".", "-", "/", "-").Replace(path)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = n.in(fmt.Sprintf("%s-%d", path, i), e)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, e := range v {
			object[key] = n.in(path+"-"+key, e)
		}
		return object
	}
	return v
}

// within is in for a text in base64.
func (n *names) within(text string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString([]byte(n.of(string(raw)))), nil
}

// values are the inputs of a resource, or a part of them. What is absent is nil or empty, as the SDK's requests have
// it; so is what has another type, which then is missing in what is read back.
type values map[string]any

func (v values) text(path string) *string {
	switch at := graph.At(map[string]any(v), path).(type) {
	case string, float64, bool:
		text := graph.Text(at)
		return &text
	}
	return nil
}

// must is a text that is there in every use.
func (v values) must(path string) string {
	if text := v.text(path); text != nil {
		return *text
	}
	return ""
}

func (v values) flag(path string) *bool {
	text := v.text(path)
	if text == nil {
		return nil
	}
	flag, err := strconv.ParseBool(*text)
	if err != nil {
		return nil
	}
	return &flag
}

func (v values) float(path string) *float64 {
	number, is := graph.Number(graph.At(map[string]any(v), path))
	if !is {
		return nil
	}
	return &number
}

func (v values) number(path string) *int32 {
	float := v.float(path)
	if float == nil {
		return nil
	}
	number := int32(*float)
	return &number
}

func (v values) texts(path string) []string { return graph.Texts(graph.At(map[string]any(v), path)) }

// object is a part that is a map; nil when absent.
func (v values) object(path string) values {
	if object, is := graph.At(map[string]any(v), path).(map[string]any); is {
		return object
	}
	return nil
}

// list is a part that is a list of maps.
func (v values) list(path string) []values {
	var list []values
	for _, e := range graph.Items(graph.At(map[string]any(v), path)) {
		if object, is := e.(map[string]any); is {
			list = append(list, object)
		}
	}
	return list
}

// each makes a part of a request of each element of a list of maps.
func each[T any](list []values, of func(values) T) []T {
	var parts []T
	for _, e := range list {
		parts = append(parts, of(e))
	}
	return parts
}

// pairs makes a part of a request of each entry of a map of texts, such as a tag.
func pairs[T any](object values, of func(key, value *string) T) []T {
	var parts []T
	for _, key := range slices.Sorted(maps.Keys(object)) {
		parts = append(parts, of(&key, object.text(key)))
	}
	return parts
}

// fields is what was read, by the names of inputs. The values may be as the SDK has them.
type fields map[string]any

// byKey makes a map of a list of an answer, such as tags.
func byKey[T any](list []T, of func(T) (key, value *string)) fields {
	m := fields{}
	for _, e := range list {
		if key, value := of(e); key != nil && value != nil {
			m[*key] = *value
		}
	}
	return m
}

// plain turns what the SDK answers into the kinds of values that a graph has: nil, bool, float64, string, []any,
// map[string]any.
func plain(v any) any {
	at := reflect.ValueOf(v)
	for at.Kind() == reflect.Pointer || at.Kind() == reflect.Interface {
		if at.IsNil() {
			return nil
		}
		at = at.Elem()
	}
	switch at.Kind() {
	case reflect.Bool:
		return at.Bool()
	case reflect.String:
		return at.String()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return float64(at.Int())
	case reflect.Float32, reflect.Float64:
		return at.Float()
	case reflect.Slice:
		list := make([]any, at.Len())
		for i := range list {
			list[i] = plain(at.Index(i).Interface())
		}
		return list
	case reflect.Map:
		object := make(map[string]any, at.Len())
		for _, key := range at.MapKeys() {
			if e := plain(at.MapIndex(key).Interface()); e != nil {
				object[key.String()] = e
			}
		}
		return object
	}
	return nil
}

// difference is an input that was not read back as it was sent.
type difference struct {
	// path has the names of the input, separated by dots, without positions in lists.
	path      string
	want, got any
}

func (d difference) String() string {
	text := func(v any) string {
		out, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(out)
	}
	return fmt.Sprintf("%s is %s, not %s", d.path, text(d.got), text(d.want))
}

// compare visits every input that is no map with whether it was read back. AWS keeps lists as sets: their order does
// not count. What was read beyond the inputs does not count either.
func compare(path string, want, got any, visit func(difference, bool)) {
	switch w := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(w)) {
			compare(strings.TrimPrefix(path+"."+key, "."), w[key], object[key], visit)
		}
	case []any:
		list, _ := got.([]any)
		if len(w) == 1 && len(list) == 1 {
			compare(path, w[0], list[0], visit)
			return
		}
		visit(difference{path, want, got}, sameSet(w, list))
	case graph.Asset:
		visit(difference{path, w.SHA256, got}, w.SHA256 == got)
	default:
		visit(difference{path, want, got}, sameText(graph.Text(want), graph.Text(got)))
	}
}

func same(want, got any) bool {
	all := true
	compare("", want, got, func(_ difference, equal bool) { all = all && equal })
	return all
}

func sameSet(want, got []any) bool {
	if len(want) != len(got) {
		return false
	}
	left := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(left, func(g any) bool { return same(w, g) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

// sameText compares JSON by what it says.
func sameText(want, got string) bool {
	if want == got {
		return true
	}
	var w, g any
	return strings.HasPrefix(want, "{") && json.Unmarshal([]byte(want), &w) == nil && json.Unmarshal([]byte(got), &g) == nil && reflect.DeepEqual(w, g)
}

// put sets a field at a path of names separated by dots.
func (f fields) put(path string, v any) {
	name, rest, below := strings.Cut(path, ".")
	if !below {
		f[name] = v
		return
	}
	within, is := f[name].(fields)
	if !is {
		within = fields{}
		f[name] = within
	}
	within.put(rest, v)
}

// wasSent reports whether a request has a field of that name, at any depth, with that value.
func wasSent(requests []any, field string, want any) bool {
	found := false
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Struct:
			for _, f := range reflect.VisibleFields(v.Type()) {
				if !f.IsExported() {
					continue
				}
				at := v.FieldByIndex(f.Index)
				found = found || f.Name == field && same(want, plain(at.Interface()))
				visit(at)
			}
		}
	}
	visit(reflect.ValueOf(requests))
	return found
}

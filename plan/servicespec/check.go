package servicespec

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/internal/awsmodel"
	"dossier.example/plan/internal/cfn"
)

// Report is what the comparison of a graph finds.
type Report struct {
	// Findings are the points that disagree, each as "type input: what is wrong", once, sorted.
	Findings []string
	// Inputs counts the inputs of all resources, and Values what stands in them: texts, numbers, switches.
	Inputs, Values Count
}

// Count says of how many CloudFormation has a property.
type Count struct {
	// Compared were held against a property.
	Compared int
	// Absent are declared to have no property.
	Absent int
	// Unknown are neither.
	Unknown int
}

// All is the sum.
func (c Count) All() int { return c.Compared + c.Absent + c.Unknown }

// String implements fmt.Stringer.
func (c Count) String() string {
	return fmt.Sprintf("%d, of which CloudFormation lacks %d; %d of the other %d were compared (%.1f %%)",
		c.All(), c.Absent, c.Compared, c.All()-c.Absent, c.Percent())
}

// Percent is the share that was compared of those that CloudFormation has.
func (c Count) Percent() float64 {
	return 100 * float64(c.Compared) / float64(max(1, c.All()-c.Absent))
}

// Check holds every input of every resource of a graph against the specification.
func (s *Spec) Check(g *graph.Graph) Report {
	w := &walker{spec: s, found: map[string]bool{}}
	for _, r := range g.Resources {
		if r.Custom {
			w.resource(r)
		}
	}
	w.report.Findings = slices.Sorted(maps.Keys(w.found))
	return w.report
}

// walker compares one resource after the other.
type walker struct {
	spec   *Spec
	report Report
	found  map[string]bool

	token string
	m     mapping
	// given are the properties of the resource type that inputs account for.
	given map[string]bool
	// status is what has become of the values of the input that is looked at.
	status Count
}

func (w *walker) wrong(path, format string, args ...any) {
	w.found[w.token+" "+path+": "+fmt.Sprintf(format, args...)] = true
}

func (w *walker) resource(r *graph.Resource) {
	w.token, w.given = r.Token, map[string]bool{}
	inputs := maps.Clone(r.Inputs)
	// The provider names what the program does not.
	if name := awsmodel.Names(r.Token).Property; name != "" && inputs[name] == nil && r.Output(name) != nil {
		inputs[name] = r.Output(name)
	}
	if _, none := unknownToCloudFormation[r.Token]; none || !strings.HasPrefix(r.Token, "aws:") {
		for _, v := range inputs {
			w.report.Inputs.Absent++
			w.report.Values.Absent += leaves(v)
		}
		return
	}
	var mapped bool
	if w.m, mapped = mappings[r.Token]; !mapped {
		w.wrong("*", "no CloudFormation type is given for it in mappings of plan/servicespec")
		for _, v := range inputs {
			w.report.Inputs.Unknown++
			w.report.Values.Unknown += leaves(v)
		}
		return
	}
	start, err := w.spec.start(w.m)
	if err != nil {
		w.wrong("*", "%v", err)
		return
	}
	given := w.given
	if w.m.at != "" {
		given = map[string]bool{}
	}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		w.status = Count{}
		w.input(name, name, start, inputs[name], given)
		switch {
		case w.status.Unknown > 0:
			w.report.Inputs.Unknown++
		case w.status.Compared > 0:
			w.report.Inputs.Compared++
		default:
			w.report.Inputs.Absent++
		}
		w.report.Values.Compared += w.status.Compared
		w.report.Values.Absent += w.status.Absent
		w.report.Values.Unknown += w.status.Unknown
	}
	w.required("*", start, given)
}

// required tells which required properties of a type nothing accounts for.
func (w *walker) required(path string, t *cfn.Type, given map[string]bool) {
	for name, p := range t.Properties {
		if p.Required && !given[name] && w.m.made[name] == "" {
			w.wrong(path, "%s requires %s", t.Name, name)
		}
	}
}

// input finds the property of an input and looks at the value.
func (w *walker) input(path, name string, in *cfn.Type, v any, given map[string]bool) {
	if w.m.absent[path] != "" {
		w.status.Absent += leaves(v)
		return
	}
	at, err := w.spec.locate(w.m, path, name, in)
	if err != nil {
		w.wrong(path, "%v", err)
		w.status.Unknown += leaves(v)
		return
	}
	if at.root != nil {
		given = w.given
	}
	given[at.first] = true
	switch {
	case at.property == nil:
		for _, one := range elements(v) {
			object, is := one.(map[string]any)
			if !is {
				w.wrong(path, "is %s, and should be an object", kindOf(one))
				w.status.Unknown += leaves(one)
				continue
			}
			for _, key := range slices.Sorted(maps.Keys(object)) {
				w.input(join(path, key), key, in, object[key], given)
			}
		}
	case at.key != "":
		w.keyed(path, at, v)
	case at.one && at.property.Type == "array":
		w.value(path, at.property.Element, v)
	default:
		w.value(path, at.property, v)
	}
}

// keyed looks at a value of a list of keys and values, whose keys stand in its documentation.
func (w *walker) keyed(path string, at place, v any) {
	w.status.Compared += leaves(v)
	for _, t := range w.spec.Within(at.property) {
		key := t.Properties["Key"]
		if key == nil {
			continue
		}
		documented, known := key.Keys[at.key]
		if !known {
			w.wrong(path, "the documentation of %s names no %s", t.Name, at.key)
			return
		}
		w.documented(path, &documented, v)
		return
	}
	w.wrong(path, "it is mapped to a list of keys and values, and %s is none", at.first)
}

// value looks at a value and what is in it.
func (w *walker) value(path string, p *cfn.Property, v any) {
	if _, hidden := v.(graph.Mark); hidden || v == nil {
		w.status.Compared++
		return
	}
	switch p.Type {
	case "union":
		w.union(path, p, v)
	case "array":
		w.array(path, p, v)
	case "map":
		w.each(path, p.Element, v)
	case "tag":
		w.wrong(path, "is %s, and should be an object of tags", kindOf(v))
	case "ref":
		w.object(path, w.spec.Definitions[p.Ref], v)
	case "json":
		w.status.Compared += leaves(v)
		text, is := v.(string)
		if is && !json.Valid([]byte(text)) {
			w.wrong(path, "is no JSON")
		}
	default:
		w.scalar(path, p, v)
	}
}

// union accepts what one of the alternatives accepts, and else says what the first does not accept.
func (w *walker) union(path string, p *cfn.Property, v any) {
	json := slices.IndexFunc(p.Types, func(one *cfn.Property) bool { return one.Type == "json" })
	if _, text := v.(string); text && json >= 0 {
		w.value(path, p.Types[json], v) // a document as text is one all the same
		return
	}
	found, status := w.found, w.status
	var first map[string]bool
	for _, one := range p.Types {
		w.found, w.status = map[string]bool{}, status
		w.value(path, one, v)
		if len(w.found) == 0 {
			w.found = found
			return
		}
		if first == nil {
			first = w.found
		}
	}
	maps.Copy(found, first)
	w.found = found
}

func (w *walker) array(path string, p *cfn.Property, v any) {
	// Names and values, which CloudFormation has as a list of pairs.
	if object, is := v.(map[string]any); is && w.pairs(p.Element) {
		for _, value := range object {
			w.scalar(path, &cfn.Property{Type: "string"}, value)
		}
		return
	}
	switch v.(type) {
	case []any, map[string]any: // Pulumi has a list of at most one as that one
	default:
		w.wrong(path, "is %s, and should be a list", kindOf(v))
	}
	list := elements(v)
	for _, one := range list {
		if p.Documented != nil {
			w.documented(path, p.Documented, one)
		}
		w.value(path, p.Element, one)
	}
	if len(list) == 0 {
		w.status.Compared++
	}
}

// pairs reports whether the elements of a list are names with values.
func (w *walker) pairs(element *cfn.Property) bool {
	if element.Type == "tag" {
		return true
	}
	if element.Type != "ref" {
		return false
	}
	t := w.spec.Definitions[element.Ref]
	return t.Properties["Value"] != nil && (t.Properties["Key"] != nil || t.Properties["Name"] != nil)
}

func (w *walker) each(path string, element *cfn.Property, v any) {
	object, is := v.(map[string]any)
	if !is {
		w.wrong(path, "is %s, and should be an object", kindOf(v))
		return
	}
	for _, one := range object {
		w.value(path, element, one)
	}
}

func (w *walker) object(path string, t *cfn.Type, v any) {
	list := elements(v)
	if len(list) > 1 {
		w.wrong(path, "has %d elements, and %s is one", len(list), t.Name)
	}
	for _, one := range list {
		object, is := one.(map[string]any)
		if !is {
			w.wrong(path, "is %s, and should be an object", kindOf(one))
			w.status.Unknown += leaves(one)
			continue
		}
		given := map[string]bool{}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			w.input(join(path, key), key, t, object[key], given)
		}
		w.required(path, t, given)
	}
}

// scalar takes a text for a number or a switch and the other way round, as CloudFormation does
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html).
func (w *walker) scalar(path string, p *cfn.Property, v any) {
	w.status.Compared += leaves(v)
	text := fmt.Sprint(v)
	if f, is := v.(float64); is {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	switch v.(type) {
	case string, float64, bool:
	default:
		w.wrong(path, "is %s, and should be %s %s", kindOf(v), article(p.Type), p.Type)
		return
	}
	number, err := strconv.ParseFloat(text, 64)
	switch p.Type {
	case "integer":
		if err != nil || number != math.Trunc(number) {
			w.wrong(path, "%q is no integer", text)
		}
	case "number":
		if err != nil {
			w.wrong(path, "%q is no number", text)
		}
	case "boolean":
		if text != "true" && text != "false" {
			w.wrong(path, "%q is no boolean", text)
		}
	case "string", "date-time":
	default:
		w.wrong(path, "the type %s is not known here: add it to package servicespec", p.Type)
	}
	if len(p.Values) > 0 && !slices.ContainsFunc(p.Values, func(allowed any) bool { return fmt.Sprint(allowed) == text }) {
		w.wrong(path, "%q is none of %v", text, p.Values)
	}
	w.documented(path, p.Documented, v)
}

func (w *walker) documented(path string, d *cfn.Documented, v any) {
	if d == nil {
		return
	}
	text := fmt.Sprint(v)
	if len(d.Values) > 0 && !slices.Contains(d.Values, text) {
		w.wrong(path, "%q is none of the documented values %v", text, d.Values)
	}
	if d.Least == nil || d.Most == nil {
		return
	}
	if n, err := strconv.ParseFloat(text, 64); err != nil || n < *d.Least || n > *d.Most {
		w.wrong(path, "%s is outside the documented range, %v to %v", text, *d.Least, *d.Most)
	}
}

// elements are those of a list, or the one that is none.
func elements(v any) []any {
	if list, is := v.([]any); is {
		return list
	}
	return []any{v}
}

// leaves counts the texts, numbers and switches in a value. What holds none counts as one.
func leaves(v any) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			n += leaves(one)
		}
	case map[string]any:
		for _, one := range v {
			n += leaves(one)
		}
	}
	return max(n, 1)
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case float64:
		return "a number"
	case bool:
		return "a switch"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case graph.Asset:
		return "a file"
	}
	return fmt.Sprintf("%T", v)
}

func article(word string) string {
	if strings.ContainsRune("aeiou", rune(word[0])) {
		return "an"
	}
	return "a"
}

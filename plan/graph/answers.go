package graph

import (
	"errors"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"dossier.example/plan/internal/awsmodel"
)

// unknown is the answer of which nothing is known. The SDK makes an unknown output of it, whatever else it has.
func unknown() resource.PropertyMap {
	return resource.PropertyMap{unknownPart: resource.MakeComputed(resource.NewProperty(""))}
}

// unknownPart is the name of what no answer has: so that no part of an answer that is known takes its place.
const unknownPart = "unknown part"

// call is what a function answers. provider is the reference of the explicit provider that it is asked of.
func (rec *recorder) call(token, provider string, args resource.PropertyMap) (resource.PropertyMap, error) {
	m := rec.modelIn(provider, args["region"])
	asked := question{args: args, of: of(args, providerURN(provider), m.region)}
	if !resource.NewProperty(args).ContainsUnknowns() && !m.anywhere && rec.answerable(token, asked) {
		out, err := m.answer(token, args)
		if !errors.Is(err, awsmodel.ErrUnknown) {
			return out, err
		}
	}
	rec.gap(Gap{Kind: GapFunction, Name: token, Of: asked.of})
	return rec.standIn(m, token, asked), nil
}

// question is what a function is asked; of tells it from others: of other accounts and regions, too.
type question struct {
	args resource.PropertyMap
	of   string
}

// answerable reports whether what a function answers can follow from what the program registers. Whether subnets that
// it looks for are its own, it tells by their tags alone: if they have the project's name in them.
func (rec *recorder) answerable(token string, asked question) bool {
	if token != tokenGetSubnets {
		return true
	}
	own := false
	for _, filter := range elements(asked.args["filters"]) {
		object := awsmodel.Plain(filter).ObjectValue()
		if !strings.HasPrefix(awsmodel.Text(object["name"]), "tag:") {
			return false
		}
		for _, v := range elements(object["values"]) {
			text := awsmodel.Text(v)
			if strings.ContainsAny(text, "*?") {
				return false
			}
			own = own || strings.Contains(text, rec.project)
		}
	}
	if _, tags := asked.args["tags"]; tags || !own {
		return false
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.looked = append(rec.looked, asked)
	return true
}

const tokenGetSubnets = "aws:ec2/getSubnets:getSubnets"

// standIn is the answer to a question of which nothing is known. A program that asks for it as an output gets an
// unknown one. One that asks outside of an output cannot be told so: it would get empty texts and lists, which it takes
// for an answer. It gets texts that are known again where they come back (unknowns).
func (rec *recorder) standIn(m model, token string, asked question) resource.PropertyMap {
	out := unknown()
	if m.standIns == nil {
		return out
	}
	texts, lists := m.standIns(token, asked.of)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for name, text := range texts {
		rec.stoodIn[text] = true
		out[resource.PropertyKey(name)] = resource.NewProperty(text)
	}
	for name, list := range lists {
		values := make([]resource.PropertyValue, len(list))
		for i, text := range list {
			rec.stoodIn[text] = true
			values[i] = resource.NewProperty(text)
		}
		rec.listed[list[0]] = list
		out[resource.PropertyKey(name)] = resource.NewProperty(values)
	}
	// The provider's answers repeat the question.
	for key, v := range asked.args {
		if !v.ContainsUnknowns() {
			out[key] = v
		}
	}
	return out
}

// unknowns is a map in which every text that stands in for an answer is unknown, and so is a list that is all of one,
// or that part of it: how long it is, nobody knows. A text that has one in it stays: what else it says is known.
func (rec *recorder) unknowns(m resource.PropertyMap) resource.PropertyMap {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if len(rec.stoodIn) == 0 {
		return m
	}
	return rec.unknownIn(resource.NewProperty(m)).ObjectValue()
}

func (rec *recorder) unknownIn(v resource.PropertyValue) resource.PropertyValue {
	computed := resource.MakeComputed(resource.NewProperty(""))
	switch {
	case v.IsString() && rec.stoodIn[v.StringValue()]:
		return computed
	case v.IsSecret():
		return resource.MakeSecret(rec.unknownIn(v.SecretValue().Element))
	case v.IsOutput() && v.OutputValue().Known:
		out := v.OutputValue()
		if out.Element = rec.unknownIn(out.Element); out.Element.IsComputed() {
			out.Element, out.Known = resource.NewNullProperty(), false
		}
		return resource.NewProperty(out)
	case v.IsArray():
		list := make([]resource.PropertyValue, len(v.ArrayValue()))
		had := map[string]bool{}
		for i, e := range v.ArrayValue() {
			list[i] = rec.unknownIn(e)
			had[awsmodel.Text(e)] = true
		}
		// Of each list of stand-ins that is whole, its first stands for all, and what is beside it stays.
		left := make([]resource.PropertyValue, 0, len(list))
		for i, e := range v.ArrayValue() {
			if !slices.ContainsFunc(rec.whole(had), func(all []string) bool {
				return slices.Contains(all[1:], awsmodel.Text(e))
			}) {
				left = append(left, list[i])
			}
		}
		if len(left) == 1 && len(list) > 1 {
			return computed
		}
		return resource.NewProperty(left)
	case v.IsObject():
		object := make(resource.PropertyMap, len(v.ObjectValue()))
		for key, e := range v.ObjectValue() {
			object[key] = rec.unknownIn(e)
		}
		return resource.NewProperty(object)
	}
	return v
}

// whole are the lists of stand-ins of which every text is among some.
func (rec *recorder) whole(texts map[string]bool) [][]string {
	var found [][]string
	for text := range texts {
		if all := rec.listed[text]; all != nil && !slices.ContainsFunc(all, func(text string) bool {
			return !texts[text]
		}) {
			found = append(found, all)
		}
	}
	return found
}

// questions are hashes of the inputs that are unknown for what stands in for answers in them, and for nothing else, by
// their names: where they are the same, the same is made of answers to the same questions.
func questions(as, now resource.PropertyMap) map[string]string {
	var found map[string]string
	for key, v := range now {
		if was := as[key]; v.ContainsUnknowns() && !was.ContainsUnknowns() {
			if found == nil {
				found = map[string]string{}
			}
			found[string(key)] = of(resource.PropertyMap{key: was})
		}
	}
	return found
}

// AsksAlike reports whether an input is unknown for nothing but what functions answer, and another recording of the
// resource makes the same of answers to the same questions: then it changes only if what is asked about does.
func (r *Resource) AsksAlike(other *Resource, input string) bool {
	asked, is := r.asked[input]
	return is && asked == other.asked[input]
}

// unanswered are the functions that the program has asked and of which nobody here knows what they answer, sorted.
func (rec *recorder) unanswered() []string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	var names []string
	for g := range rec.gaps {
		if g.Kind == GapFunction {
			names = append(names, g.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// lookedFor are the gaps of subnets that the program looks for by its own tags and does not make.
func (rec *recorder) lookedFor(resources []*Resource) {
	for _, asked := range rec.looked {
		if !slices.ContainsFunc(resources, func(r *Resource) bool {
			return r.Token == tokenSubnet && matches(r, asked.args["filters"])
		}) {
			rec.gap(Gap{Kind: GapFunction, Name: tokenGetSubnets, Of: asked.of})
		}
	}
}

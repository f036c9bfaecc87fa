package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// GapKind tells gaps apart.
type GapKind string

// The kinds of gaps.
const (
	// GapStack are the outputs of another stack.
	GapStack GapKind = "stack"
	// GapFunction is what a function of a provider answers.
	GapFunction GapKind = "function"
	// GapComponent is what a plugin makes of a component, such as those of awsx.
	GapComponent GapKind = "component"
	// GapMethod is what a method of a resource answers.
	GapMethod GapKind = "method"
)

// Gap is something that a program builds on and that only a deployment knows. What comes of it is Unknown.
type Gap struct {
	Kind GapKind
	// Name is that of the other stack, the token of the function or the method, or the type and the name of the
	// component.
	Name string
	// Of is a hash of what was asked; empty where the name tells all.
	Of string
}

func (rec *recorder) gap(g Gap) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.gaps[g] = true
}

// of is a hash of arguments and of whom they are handed to.
func of(args resource.PropertyMap, by ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%#v %q", open(resource.NewProperty(args)), by))
	return hex.EncodeToString(sum[:8])
}

// unknownText stands for an unknown text in the inputs that the model computes from: what it makes of it is unknown,
// too.
const unknownText = "\x00unknown\x00"

// become is compute of inputs of which some may be unknown. An id that is not known is empty.
func (m model) become(qualified, name string, inputs resource.PropertyMap) (id string, outputs resource.PropertyMap) {
	if !m.anywhere && !resource.NewProperty(inputs).ContainsUnknowns() {
		return m.compute(qualified, name, inputs)
	}
	marked := replaceUnknown(resource.NewProperty(inputs)).ObjectValue()
	id, outputs = m.compute(qualified, name, marked)
	if strings.Contains(id, unknownText) {
		id = ""
	}
	return id, markUnknown(resource.NewProperty(outputs)).ObjectValue()
}

func replaceUnknown(v resource.PropertyValue) resource.PropertyValue {
	return mapValues(v, func(v resource.PropertyValue) resource.PropertyValue {
		if v.IsComputed() || v.IsOutput() && !v.OutputValue().Known {
			return resource.NewProperty(unknownText)
		}
		return v
	})
}

func markUnknown(v resource.PropertyValue) resource.PropertyValue {
	return mapValues(v, func(v resource.PropertyValue) resource.PropertyValue {
		if v.IsString() && strings.Contains(v.StringValue(), unknownText) {
			return resource.MakeComputed(resource.NewProperty(""))
		}
		return v
	})
}

// mapValues puts change(v) in the place of every value within v that holds no others.
func mapValues(v resource.PropertyValue,
	change func(resource.PropertyValue) resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsSecret():
		return resource.MakeSecret(mapValues(v.SecretValue().Element, change))
	case v.IsOutput() && v.OutputValue().Known:
		out := v.OutputValue()
		out.Element = mapValues(out.Element, change)
		return resource.NewProperty(out)
	case v.IsArray():
		list := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			list[i] = mapValues(e, change)
		}
		return resource.NewProperty(list)
	case v.IsObject():
		object := make(resource.PropertyMap, len(v.ObjectValue()))
		for key, e := range v.ObjectValue() {
			object[key] = mapValues(e, change)
		}
		return resource.NewProperty(object)
	}
	return change(v)
}

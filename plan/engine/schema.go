package engine

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/plan/internal/awsmodel"
)

// checkTypes refuses inputs that the type does not have, or that are of another type than the SDK declares. Real
// providers turn much into what they need; nothing is turned here, so that no program depends on it.
func checkTypes(k kind, inputs resource.PropertyMap, faults *faults) {
	checkStruct("", argsType(k.args), inputs, faults)
}

// argsType is the struct with the inputs' names and plain types that stands behind the SDK's arguments.
func argsType(args any) reflect.Type {
	if in, is := args.(pulumi.Input); is {
		return structType(in.ElementType())
	}
	t := reflect.TypeOf(args)
	if m, has := t.MethodByName("ElementType"); has { // resources' own arguments are no inputs
		return structType(reflect.Zero(t).Method(m.Index).Call(nil)[0].Interface().(reflect.Type))
	}
	return t
}

func structType(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// property is one input as the SDK declares it.
type property struct {
	kind     reflect.Type
	required bool
}

func properties(t reflect.Type) map[string]property {
	found := map[string]property{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("pulumi"), ",")
		if name == "" {
			continue
		}
		// A list or a map says nothing about whether it must be there; the SDK's constructors see to those.
		required := options == ""
		switch field.Type.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
			required = false
		}
		found[name] = property{kind: field.Type, required: required}
	}
	return found
}

func checkStruct(at string, t reflect.Type, inputs resource.PropertyMap, faults *faults) {
	declared := properties(t)
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		p, known := declared[string(key)]
		if !known {
			faults.add(join(at, string(key)), "is no input of this type, which has %s",
				strings.Join(slices.Sorted(maps.Keys(declared)), ", "))
			continue
		}
		checkValue(join(at, string(key)), p.kind, inputs[key], faults)
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if v, given := inputs[resource.PropertyKey(name)]; declared[name].required && (!given || v.IsNull()) {
			faults.add(join(at, name), "is required")
		}
	}
}

func checkValue(at string, t reflect.Type, v resource.PropertyValue, faults *faults) {
	v = awsmodel.Plain(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if v.IsComputed() || v.IsNull() {
		return
	}
	wrong := func(want string) { faults.add(at, "is %s, and has to be %s", v.TypeString(), want) }
	switch t.Kind() {
	case reflect.String:
		if !v.IsString() {
			wrong("a string")
		}
	case reflect.Bool:
		if !v.IsBool() {
			wrong("a bool")
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		if !v.IsNumber() {
			wrong("an integer")
		} else if n := v.NumberValue(); n != math.Trunc(n) {
			faults.add(at, "is %v, and has to be an integer", n)
		}
	case reflect.Float32, reflect.Float64:
		if !v.IsNumber() {
			wrong("a number")
		}
	case reflect.Slice:
		if !v.IsArray() {
			wrong("a list")
			return
		}
		for i, e := range v.ArrayValue() {
			checkValue(fmt.Sprintf("%s[%d]", at, i), t.Elem(), e, faults)
		}
	case reflect.Map:
		if !v.IsObject() {
			wrong("a map")
			return
		}
		for key, e := range v.ObjectValue() {
			checkValue(join(at, string(key)), t.Elem(), e, faults)
		}
	case reflect.Struct:
		if !v.IsObject() {
			wrong("an object")
			return
		}
		checkStruct(at, t, v.ObjectValue(), faults)
	case reflect.Interface:
		// Either an asset or, where the SDK takes a resource or its name, anything.
		if t.Name() == "AssetOrArchive" && !v.IsAsset() && !v.IsArchive() {
			wrong("an asset or an archive")
		}
	default:
		faults.add(at,
			"is declared as %s by the SDK, which is not known here: add it to checkValue in plan/engine/schema.go", t)
	}
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// Package graphtest builds resource graphs by hand, for tests of what reads graphs. Only tests import it.
package graphtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
)

// In are inputs of a resource. Values may be of any Go type that JSON has a form for; the builder brings them into the
// kinds of a graph.
type In map[string]any

// Builder collects resources. Its methods stop the test on a mistake of the test's own, such as a resource that is not
// there.
type Builder struct {
	t         *testing.T
	resources []*graph.Resource
	leaks     []graph.Leak
}

// New starts an empty graph.
func New(t *testing.T) *Builder { return &Builder{t: t} }

// Add puts in a resource of the token aws:<kind>, or of kind itself where it names a package, below the components
// given as a path of names. Id, ARN and the outputs that others refer to follow from kind and name.
func (b *Builder) Add(kind, name string, in In, components ...string) *graph.Resource {
	b.t.Helper()
	token := token(kind)
	short := strings.ToLower(token[strings.LastIndexByte(token, ':')+1:])
	id := short + "-" + name
	r := &graph.Resource{
		Token:  token,
		Name:   name,
		URN:    fmt.Sprintf("urn:pulumi:test::test::%s::%s", token, name),
		Custom: true,
		ID:     id,
		Inputs: plain(map[string]any(in)).(map[string]any),
		Outputs: map[string]any{
			"arn":                       "arn:aws:test:eu-central-1:123456789012:" + id,
			"defaultSecurityGroupId":    id + "-default-group",
			"defaultRouteTableId":       id + "-default-table",
			"primaryNetworkInterfaceId": id + "-interface",
			"prefixListId":              id + "-list",
		},
	}
	for _, component := range components {
		r.Parent = b.component(component, r.Parent)
	}
	if b.find(token, name) != nil {
		b.t.Fatalf("the test adds %s %s twice", token, name)
	}
	b.resources = append(b.resources, r)
	return r
}

func (b *Builder) component(name, parent string) string {
	urn := "urn:pulumi:test::test::test:component:" + name + "::" + name
	if !slices.ContainsFunc(b.resources, func(r *graph.Resource) bool { return r.URN == urn }) {
		b.resources = append(b.resources, &graph.Resource{Token: "test:component:" + name, Name: name, URN: urn, Parent: parent})
	}
	return urn
}

func token(kind string) string {
	if strings.Count(kind, ":") == 1 {
		return "aws:" + kind
	}
	return kind
}

func (b *Builder) find(kind, name string) *graph.Resource {
	i := slices.IndexFunc(b.resources, func(r *graph.Resource) bool { return r.Token == token(kind) && r.Name == name })
	if i < 0 {
		return nil
	}
	return b.resources[i]
}

// Get is the resource of that kind and name.
func (b *Builder) Get(kind, name string) *graph.Resource {
	b.t.Helper()
	r := b.find(kind, name)
	if r == nil {
		b.t.Fatalf("the test's graph has no %s %s", kind, name)
	}
	return r
}

// Set gives an input another value, at a path of names separated by dots; nil removes it.
func (b *Builder) Set(kind, name, path string, value any) *Builder {
	b.t.Helper()
	m := b.Get(kind, name).Inputs
	names := strings.Split(path, ".")
	for _, n := range names[:len(names)-1] {
		next, is := m[n].(map[string]any)
		if !is {
			b.t.Fatalf("%s %s has no map at %s of %s", kind, name, n, path)
		}
		m = next
	}
	last := names[len(names)-1]
	if value == nil {
		delete(m, last)
	} else {
		m[last] = plain(value)
	}
	return b
}

// Remove takes out a resource.
func (b *Builder) Remove(kind, name string) *Builder {
	b.t.Helper()
	r := b.Get(kind, name)
	b.resources = slices.DeleteFunc(b.resources, func(other *graph.Resource) bool { return other == r })
	return b
}

// Leak notes that the value of a secret stands in plain in an input of the resource.
func (b *Builder) Leak(kind, name, property string) *Builder {
	b.t.Helper()
	b.leaks = append(b.leaks, graph.Leak{URN: b.Get(kind, name).URN, Property: property})
	return b
}

// Graph is the graph of what was collected.
func (b *Builder) Graph() *graph.Graph {
	b.t.Helper()
	g, err := graph.New("test", "test", b.resources...)
	if err != nil {
		b.t.Fatal(err)
	}
	g.Leaks = b.leaks
	return g
}

// plain brings a value into the kinds that a recorded graph has.
func plain(v any) any {
	switch v := v.(type) {
	case nil, string, bool, float64, graph.Mark, graph.Asset:
		return v
	case In:
		return plain(map[string]any(v))
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Int, reflect.Int64:
		return float64(rv.Int())
	case reflect.Slice:
		list := make([]any, rv.Len())
		for i := range list {
			list[i] = plain(rv.Index(i).Interface())
		}
		return list
	case reflect.Map:
		m := map[string]any{}
		for it := rv.MapRange(); it.Next(); {
			m[it.Key().String()] = plain(it.Value().Interface())
		}
		return m
	}
	panic(fmt.Sprintf("graphtest: an input has type %T", v))
}

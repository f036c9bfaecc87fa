package graph

import (
	"maps"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Ignoring returns the resource with the inputs that an update from old deploys: what the program says to ignore
// (option ignoreChanges) stays as old has it, as far as the engine manages that. It follows the engine's
// PropertyPath.Reset: an element that only one of two lists has cannot be kept. A replacement takes the inputs as the
// program gives them.
func (r *Resource) Ignoring(old *Resource) *Resource {
	if len(r.Options.IgnoreChanges) == 0 {
		return r
	}
	var paths []resource.PropertyPath
	for _, text := range r.Options.IgnoreChanges {
		if path, err := resource.ParsePropertyPath(text); err == nil && len(path) > 0 { // the engine skips others, too
			paths = append(paths, path)
		}
	}
	return r.with(old, paths, paths)
}

// with is a copy of the resource with the inputs and outputs at paths as old has them.
func (r *Resource) with(old *Resource, in, out []resource.PropertyPath) *Resource {
	kept := *r
	kept.Inputs = copied(r.Inputs).(map[string]any)
	kept.Outputs = copied(r.Outputs).(map[string]any)
	kept.digests = maps.Clone(r.digests)
	for _, path := range out {
		reset(path, old.Outputs, kept.Outputs)
	}
	for _, path := range in {
		reset(path, old.Inputs, kept.Inputs)
		key, is := path[0].(string)
		switch {
		case !is || key == "*":
			kept.digests = maps.Clone(old.digests)
		case kept.digests == nil:
		case len(path) == 1 || reflect.DeepEqual(old.Inputs[key], kept.Inputs[key]):
			kept.digests[key] = old.digests[key]
		}
	}
	return &kept
}

// copied is a copy of a value down to its elements.
func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, e := range v {
			m[key] = copied(e)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = copied(e)
		}
		return list
	}
	return v
}

// reset gives what is at a path of now the value that it has in old.
func reset(path resource.PropertyPath, old, now any) {
	last := len(path) == 1
	switch key := path[0].(type) {
	case int:
		was, isOld := old.([]any)
		is, isNow := now.([]any)
		if !isOld || !isNow || key < 0 || key >= len(was) || key >= len(is) {
			return
		}
		if last {
			is[key] = copied(was[key])
			return
		}
		reset(path[1:], was[key], is[key])
	case string:
		if key == "*" {
			resetAll(path, old, now)
			return
		}
		was, _ := old.(map[string]any)
		is, isNow := now.(map[string]any)
		if !isNow {
			return
		}
		value, has := was[key]
		switch {
		case last && has:
			is[key] = copied(value)
		case last:
			delete(is, key)
		case has:
			reset(path[1:], value, is[key])
		}
	}
}

// resetAll is reset of every element that both have.
func resetAll(path resource.PropertyPath, old, now any) {
	switch is := now.(type) {
	case []any:
		was, _ := old.([]any)
		for i := range min(len(was), len(is)) {
			reset(append(resource.PropertyPath{i}, path[1:]...), old, now)
		}
	case map[string]any:
		was, isOld := old.(map[string]any)
		if !isOld {
			return
		}
		keys := map[string]bool{}
		for key := range was {
			keys[key] = true
		}
		for key := range is {
			keys[key] = true
		}
		for key := range keys {
			if key != "*" {
				reset(append(resource.PropertyPath{key}, path[1:]...), old, now)
			}
		}
	}
}

// Deployed returns the graph with what an update from base deploys in place of what the program asks for. updates
// reports whether a resource that was there is updated, or else replaced.
func (g *Graph) Deployed(base *Graph, updates func(old, now *Resource) bool) *Graph {
	resources := make([]*Resource, len(g.Resources))
	changed := false
	for i, now := range g.Resources {
		resources[i] = now
		if len(now.Options.IgnoreChanges) == 0 {
			continue
		}
		if old := base.Was(now); old != nil && updates(old, now) {
			resources[i] = now.Ignoring(old)
			changed = true
		}
	}
	if !changed {
		return g
	}
	deployed, err := New(g.Project, g.Stack, resources...)
	if err != nil {
		panic("graph: " + err.Error()) // the resources are those of a graph
	}
	deployed.take(g)
	return deployed
}

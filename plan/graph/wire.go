package graph

import (
	"encoding/json"
	"fmt"
	"slices"
)

// wire is a graph as JSON. What JSON has no form for is an object with the key tag.
type wire struct {
	Project, Stack string
	Resources      []*Resource
	Exports        any
	Leaks          []Leak
}

const tag = "$"

// Wire writes a graph as JSON for FromWire in another process: all of it but what tells secrets apart.
func (g *Graph) Wire() ([]byte, error) {
	w := wire{Project: g.Project, Stack: g.Stack, Exports: tagged(g.Exports), Leaks: g.Leaks}
	for _, r := range g.Resources {
		sent := *r
		sent.Inputs, sent.Outputs = nil, nil
		for to, from := range map[*map[string]any]map[string]any{&sent.Inputs: r.Inputs, &sent.Outputs: r.Outputs} {
			if from != nil {
				*to = taggedMap(from)
			}
		}
		w.Resources = append(w.Resources, &sent)
	}
	return json.Marshal(w)
}

// FromWire reads what Wire wrote.
func FromWire(text []byte) (*Graph, error) {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, fmt.Errorf("reading a graph: %w", err)
	}
	for _, r := range w.Resources {
		for _, at := range []*map[string]any{&r.Inputs, &r.Outputs} {
			if *at == nil {
				continue
			}
			for name, value := range *at {
				read, err := untagged(value)
				if err != nil {
					return nil, fmt.Errorf("reading a graph: %s: %w", r.URN, err)
				}
				(*at)[name] = read
			}
		}
	}
	g, err := New(w.Project, w.Stack, w.Resources...)
	if err != nil {
		return nil, fmt.Errorf("reading a graph: %w", err)
	}
	exports, err := untagged(w.Exports)
	if err != nil {
		return nil, fmt.Errorf("reading a graph: its outputs: %w", err)
	}
	if exports, is := exports.(map[string]any); is {
		g.Exports = exports
	}
	g.Leaks = w.Leaks
	return g, nil
}

func taggedMap(from map[string]any) map[string]any {
	to := make(map[string]any, len(from))
	for name, value := range from {
		to[name] = tagged(value)
	}
	return to
}

func tagged(value any) any {
	switch v := value.(type) {
	case Mark:
		return map[string]any{tag: "mark", "value": int(v)}
	case Asset:
		return map[string]any{tag: "asset", "value": v}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = tagged(e)
		}
		return list
	case map[string]any:
		if _, taken := v[tag]; taken {
			return map[string]any{tag: "map", "value": taggedMap(v)}
		}
		return taggedMap(v)
	}
	return value
}

func untagged(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case []any:
		list := slices.Clone(v)
		for i, e := range v {
			if list[i], err = untagged(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		kind, is := v[tag]
		if !is {
			return untaggedMap(v)
		}
		switch kind {
		case "mark":
			if n, is := v["value"].(float64); is {
				return Mark(n), nil
			}
		case "asset":
			raw, err := json.Marshal(v["value"])
			if err != nil {
				return nil, err
			}
			var a Asset
			err = json.Unmarshal(raw, &a)
			return a, err
		case "map":
			if inner, is := v["value"].(map[string]any); is {
				return untaggedMap(inner)
			}
		}
		return nil, fmt.Errorf("%v is no value", v)
	}
	return value, nil
}

func untaggedMap(from map[string]any) (any, error) {
	to := make(map[string]any, len(from))
	var err error
	for name, value := range from {
		if to[name], err = untagged(value); err != nil {
			return nil, err
		}
	}
	return to, nil
}

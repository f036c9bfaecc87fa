package servicespec

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"dossier.example/plan/internal/cfn"
)

// place is where an input stands in CloudFormation.
type place struct {
	// root is the resource type when the place is not below the type that the input belongs to.
	root *cfn.Type
	// first is the property of root, or of the type that the input belongs to, that leads there.
	first string
	// property is nil where the input's own inputs stand beside it: an object that CloudFormation does not have.
	property *cfn.Property
	// key is that of a list of keys and values.
	key string
	// one tells that the input is an element of the list that property is.
	one bool
	// replaces is the strongest word on the way: yes, maybe or nothing.
	replaces string
}

// locate finds an input by its path in the resource and its name in the type it belongs to.
func (s *Spec) locate(m mapping, path, name string, in *cfn.Type) (place, error) {
	target, renamed := m.names[path]
	if !renamed {
		if in == nil {
			return place{}, errors.New("it is part of a value that has no properties")
		}
		found, p := property(in, name)
		if p == nil {
			return place{}, fmt.Errorf("%s has no such property", in.Name)
		}
		return place{first: found, property: p, replaces: p.Replaces}, nil
	}
	if target == "." {
		return place{}, nil
	}
	var at place
	if other, rest, elsewhere := strings.Cut(target, "/"); elsewhere {
		at.root, target = s.Types[cmp.Or(other, m.cfn)], rest
		in = at.root
	}
	if in == nil {
		return place{}, fmt.Errorf("%s is mapped to %s, whose type is unknown", path, m.names[path])
	}
	target, at.key, _ = strings.Cut(target, "#")
	target, at.one = strings.CutSuffix(target, "[]")
	inside := []*cfn.Type{in}
	for step := range strings.SplitSeq(target, ".") {
		at.property = nil
		for _, t := range inside {
			if p := t.Properties[step]; p != nil {
				at.property = p
				break
			}
		}
		if at.property == nil {
			return place{}, fmt.Errorf("it is mapped to %s, and there is no %s", m.names[path], step)
		}
		at.first = cmp.Or(at.first, step)
		at.replaces = stronger(at.replaces, at.property.Replaces)
		inside = s.Within(at.property)
	}
	return at, nil
}

func stronger(a, b string) string {
	if a == "yes" || b == "yes" {
		return "yes"
	}
	return cmp.Or(a, b)
}

// Replaces reports what CloudFormation says of a change of an input, whose path has its names separated by dots: yes,
// maybe, or nothing for a change in place. known is false where CloudFormation does not have the input as such.
func (s *Spec) Replaces(token, path string) (replaces string, known bool) {
	m, mapped := mappings[token]
	if !mapped {
		return "", false
	}
	walked := ""
	for name := range strings.SplitSeq(path, ".") {
		if walked = join(walked, name); m.absent[walked] != "" {
			return "", false
		}
	}
	in, err := s.parent(m, path)
	if err != nil {
		return "", false
	}
	at, err := s.locate(m, path, path[strings.LastIndexByte(path, '.')+1:], in.inside)
	if err != nil || at.property == nil {
		return "", false
	}
	return stronger(in.replaces, at.replaces), true
}

// parent is where the inputs beside the one at the path belong.
type parent struct {
	inside   *cfn.Type
	replaces string
}

// parent finds it, from the resource down.
func (s *Spec) parent(m mapping, path string) (parent, error) {
	in, err := s.start(m)
	if err != nil {
		return parent{}, err
	}
	found, walked := parent{inside: in}, ""
	for {
		name, rest, more := strings.Cut(strings.TrimPrefix(path[len(walked):], "."), ".")
		if !more || rest == "" {
			return found, nil
		}
		walked = join(walked, name)
		at, err := s.locate(m, walked, name, found.inside)
		if err != nil {
			return parent{}, err
		}
		if at.property == nil {
			continue
		}
		found.replaces, found.inside = stronger(found.replaces, at.replaces), nil
		if inside := s.Within(at.property); len(inside) > 0 {
			found.inside = inside[0]
		}
	}
}

// start is the type that the inputs of a resource belong to.
func (s *Spec) start(m mapping) (*cfn.Type, error) {
	in := s.Types[m.cfn]
	if in == nil {
		return nil, fmt.Errorf("the type %s is not known", m.cfn)
	}
	if m.at == "" {
		return in, nil
	}
	for step := range strings.SplitSeq(m.at, ".") {
		p := in.Properties[step]
		if p == nil {
			return nil, fmt.Errorf("%s has no %s", in.Name, step)
		}
		inside := s.Within(p)
		if len(inside) == 0 {
			return nil, fmt.Errorf("%s of %s has no properties", step, in.Name)
		}
		in = inside[0]
	}
	return in, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

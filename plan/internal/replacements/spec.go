package main

import (
	"slices"
	"strings"

	"dossier.example/plan/internal/cfn"
)

// A spec is what AWS publishes about its types for CloudFormation.
type spec struct {
	*cfn.Spec
	// byName are the types by service and kind, folded.
	byName map[string]*cfn.Type
}

// published reads the npm package.
func published() (*spec, error) {
	all, err := cfn.Read("--all")
	if err != nil {
		return nil, err
	}
	s := &spec{all, map[string]*cfn.Type{}}
	for name, t := range s.Types {
		parts := strings.Split(name, "::")
		s.byName[strings.ToLower(parts[1])+" "+folded(parts[2])] = t
	}
	return s, nil
}

// opinion says what CloudFormation does when an input changes: those of paths that it has, with their marks.
func (s *spec) opinion(token string, paths []string) (found []string, name string) {
	t := s.match(token)
	if t == nil {
		return nil, ""
	}
	for _, path := range paths {
		if mark, known := s.walk(t, strings.Split(path, "."), inPlace); known {
			found = append(found, path+mark)
		}
	}
	return found, t.Name
}

func (s *spec) walk(t *cfn.Type, path []string, mark string) (string, bool) {
	for name, p := range t.Properties {
		if folded(name) != folded(path[0]) {
			continue
		}
		switch {
		case p.Replaces == "yes":
			mark = replaces
		case p.Replaces == "maybe" && mark != replaces:
			mark = mayReplace
		}
		if len(path) == 1 {
			return mark, true
		}
		for _, inner := range s.Within(p) {
			if found, known := s.walk(inner, path[1:], mark); known {
				return found, true
			}
		}
	}
	return "", false
}

// match finds the CloudFormation type of a token: that of the service with the same name.
func (s *spec) match(token string) *cfn.Type {
	if name, told := cfnNames[token]; told {
		return s.Types[name]
	}
	module, _, _ := strings.Cut(strings.TrimPrefix(token, "aws:"), "/")
	kind := token[strings.LastIndexByte(token, ':')+1:]
	if module == "s3" {
		kind = strings.TrimSuffix(kind, "V2")
	}
	for _, service := range append([]string{strings.ToLower(module)}, services[module]...) {
		kinds := []string{folded(kind)}
		for _, prefix := range cfnPrefixes {
			if rest, is := strings.CutPrefix(kind, prefix); is && rest != "" {
				kinds = append(kinds, folded(rest))
			}
		}
		for _, k := range slices.Compact(kinds) {
			if t := s.byName[service+" "+k]; t != nil {
				return t
			}
		}
	}
	return nil
}

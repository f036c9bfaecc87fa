package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"dossier.example/plan/internal/workspace"
)

// A spec is what AWS publishes about its types for CloudFormation.
type spec struct {
	Version     string
	Types       map[string]*cfnType
	Definitions map[string]*cfnType

	// byName are the types by service and kind, folded.
	byName map[string]*cfnType
}

// A cfnType is a resource type, or one of a property.
type cfnType struct {
	Name       string
	Properties map[string]*cfnProperty
}

// A cfnProperty is a property, or an element of one.
type cfnProperty struct {
	Element *cfnProperty
	Types   []*cfnProperty
	Ref     string
	// Replaces is yes, maybe, or empty.
	Replaces string
}

// published reads the npm package.
func published() (*spec, error) {
	script := filepath.Join(workspace.Root(), "tools", "servicespec.mjs")
	out, err := exec.Command("node", script, "--all").Output()
	if failed, is := errors.AsType[*exec.ExitError](err); is {
		return nil, fmt.Errorf("%s: %w: %s", script, err, failed.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", script, err)
	}
	s := &spec{byName: map[string]*cfnType{}}
	if err := json.Unmarshal(out, s); err != nil {
		return nil, fmt.Errorf("reading what %s prints: %w", script, err)
	}
	for name, t := range s.Types {
		parts := strings.Split(name, "::")
		s.byName[strings.ToLower(parts[1])+" "+folded(parts[2])] = t
	}
	return s, nil
}

// opinion says what CloudFormation does when an input changes: those of paths that it has, with their marks.
func (s *spec) opinion(token string, paths []string) (found []string, cfn string) {
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

func (s *spec) walk(t *cfnType, path []string, mark string) (string, bool) {
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
		for _, inner := range s.within(p) {
			if found, known := s.walk(inner, path[1:], mark); known {
				return found, true
			}
		}
	}
	return "", false
}

// within are the types whose properties can stand below a property.
func (s *spec) within(p *cfnProperty) []*cfnType {
	if p == nil {
		return nil
	}
	found := s.within(p.Element)
	if t := s.Definitions[p.Ref]; t != nil {
		found = append(found, t)
	}
	for _, one := range p.Types {
		found = append(found, s.within(one)...)
	}
	return found
}

// match finds the CloudFormation type of a token: that of the service with the same name.
func (s *spec) match(token string) *cfnType {
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

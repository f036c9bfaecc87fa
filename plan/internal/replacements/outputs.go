package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// outputsTable is the table of the texts that AWS adds to a resource of each type: its ARN, its address, and the name
// where the program gives none. A program whose plan is made gets something in their place for every type, so that what
// it makes of them differs where the resource is another one.
func outputsTable() ([]byte, error) {
	s, version, err := located()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Written by \"go generate\" from %s %s; do not edit.\n", sdkModule, version)
	for _, token := range slices.Sorted(maps.Keys(s.outputs)) {
		if added := s.added(token); len(added) > 0 {
			fmt.Fprintln(&out, token, strings.Join(added, " "))
		}
	}
	if lines := bytes.Count(out.Bytes(), []byte("\n")); lines < 1000 {
		return nil, fmt.Errorf("%s has outputs of %d types: is its code another by now?", sdkModule, lines)
	}
	return out.Bytes(), nil
}

// added are the outputs of a type that are a text and no input, and one called name that is always there although the
// program may leave it out.
func (s *sdk) added(token string) []string {
	var list []string
	for _, out := range s.outputs[token] {
		i := slices.IndexFunc(s.types[token], func(in input) bool { return in.name == out.name })
		if out.kind == "pulumi.StringOutput" &&
			(i < 0 || out.name == "name" && s.types[token][i].kind == "*string") {
			list = append(list, out.name)
		}
	}
	slices.Sort(list)
	return list
}

package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	answerType = regexp.MustCompile(`(?m)^\tvar rv ([A-Za-z0-9]+)$`)
	invoked    = regexp.MustCompile(`(?m)^\terr := ctx\.Invoke\("(aws:[A-Za-z0-9/]+:[A-Za-z0-9]+)"`)
)

// answersTable is the table of the texts that each function answers, and of the lists of texts, which end in []. A
// program whose plan is made gets something in their place where nobody knows what a deployment would answer.
func answersTable() ([]byte, error) {
	dir, version, err := sdkFolder()
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, pattern := range []string{"get*.go", "*/get*.go"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("reading the SDK: %w", err)
			}
			function, answer := invoked.FindSubmatch(text), answerType.FindSubmatch(text)
			if function == nil || answer == nil {
				continue
			}
			structs := map[string][]input{}
			if _, err := structures(file, structs); err != nil {
				return nil, fmt.Errorf("reading the SDK: %w", err)
			}
			found[string(function[1])] = answered(structs[string(answer[1])])
		}
	}
	if len(found) < 400 {
		return nil, fmt.Errorf("%s has %d functions: is its code another by now?", sdkModule, len(found))
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Written by \"go generate\" from %s %s; do not edit.\n", sdkModule, version)
	for _, token := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintln(&out, strings.Join(append([]string{token}, found[token]...), " "))
	}
	return out.Bytes(), nil
}

// answered are the texts and the lists of texts among members of a struct.
func answered(members []input) []string {
	var names []string
	for _, m := range members {
		switch m.kind {
		case "string":
			names = append(names, m.name)
		case "[]string":
			names = append(names, m.name+"[]")
		}
	}
	slices.Sort(names)
	return names
}

package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTable: what the generator reads of a small provider and a small SDK, in which each form stands that it knows.
func TestTable(t *testing.T) {
	resources, err := read("testdata/provider")
	if err != nil {
		t.Fatal(err)
	}
	s, err := declared("testdata/sdk")
	if err != nil {
		t.Fatal(err)
	}
	resourceNames["aws:orbit/satellite:Satellite"] = "aws_orbit_satellite"
	renamed["aws:orbit/satellite:Satellite name"] = "satellite_name"
	t.Cleanup(func() {
		delete(resourceNames, "aws:orbit/satellite:Satellite")
		delete(renamed, "aws:orbit/satellite:Satellite name")
	})
	for token, want := range map[string]string{
		// Of a set that is marked, elements come and go with the resource; what changes in one may.
		"aws:orbit/satellite:Satellite": "batteries! batteries.capacity? color! fuel fuel.amount? fuel.kind! height? " +
			"name! orbit- shield- tags!",
		// A block of the framework that is marked is marked with all that is in it.
		"aws:orbit/station:Station": "crew docks! flag? name! tags",
		"aws:orbit/moon:Moon":       "",
	} {
		name, got := match(token, s.types[token], resources), ""
		if name != "" {
			got = strings.Join(s.table(token, resources[name]).list, " ")
		}
		if got != want {
			t.Errorf("%s (%s): got\n%s\nwant\n%s", token, name, got, want)
		}
	}
}

// TestTableNamesTheSDK: the table in the repository has the types and inputs of the SDK in go.mod, and no others. A new
// version of it wants the table written anew.
func TestTableNamesTheSDK(t *testing.T) {
	table, err := os.ReadFile("../../replacements.txt")
	if err != nil {
		t.Fatal(err)
	}
	s, version, err := located()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(table), sdkModule+" "+version+".") {
		t.Errorf("plan/replacements.txt is not of %s: write it anew, as the comment of main.go says", version)
	}
	lines := map[string][]string{}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(strings.TrimPrefix(line, "cfn "))
		if len(fields) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if s.types[fields[0]] == nil {
			t.Errorf("the SDK has no type %s", fields[0])
			continue
		}
		lines[fields[0]] = append(lines[fields[0]], fields[1:]...)
	}
	if len(lines) < 1400 || len(s.types) < len(lines) {
		t.Errorf("the table has %d types, the SDK %d", len(lines), len(s.types))
	}
	for token, entries := range lines {
		for _, entry := range entries {
			path := strings.TrimRight(entry, replaces+mayReplace+unknown)
			name, _, _ := strings.Cut(path, ".")
			if !slices.ContainsFunc(s.types[token], func(in input) bool { return in.name == name }) {
				t.Errorf("%s has no input %s", token, name)
			}
		}
	}
}

// Package servicespec compares a program's graph with what AWS publishes about its resource types for CloudFormation:
// which properties there are, of which types, which are required, which values they take, and whether a change replaces
// the resource. The data comes from the npm package @aws-cdk/aws-service-spec, so it is an opinion that owes nothing to
// the rules of this module. Tests import it.
//
// The names of Pulumi's inputs are those of the Terraform provider. Most match CloudFormation's when case and plural
// are put aside; mappings has the rest. What CloudFormation lacks is declared there, too, so that every input is either
// compared or accounted for.
package servicespec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/plan/internal/workspace"
)

// Spec is what the package says of the types of mappings.
type Spec struct {
	// Version is that of the npm package, and Resources the number of resource types in it.
	Version     string
	Resources   int
	Types       map[string]*Type
	Definitions map[string]*Type
}

// Type is a resource type, or the type of a property that has properties of its own.
type Type struct {
	Name       string
	Properties map[string]*Property
}

// Property is a property, or an element of one.
type Property struct {
	// Type is string, integer, number, boolean, json, date-time, tag, array, map, union or ref.
	Type string
	// Element is what an array or a map holds.
	Element *Property
	// Types are the alternatives of a union.
	Types []*Property
	// Ref names the definition that a ref means.
	Ref string
	// Values are the only ones that are allowed, if there are any.
	Values   []any
	Required bool
	// Replaces is yes, maybe, or empty where a change of the property needs no other resource.
	Replaces string
	// Documented are the values that the property's documentation allows.
	Documented *Documented
	// Keys are the keys of a list of keys and values, with the values that their documentation allows.
	Keys map[string]Documented
}

// Documented are the values that a text allows: those of a list, or those of a range.
type Documented struct {
	Values      []string
	Least, Most *float64
}

// timeout is ample for a program that reads three megabytes.
const timeout = 5 * time.Minute

// load runs the script that prints the package's data.
func load(ctx context.Context, script string, types []string) (*Spec, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{script}, types...)...)
	out, err := cmd.Output()
	if failed, is := errors.AsType[*exec.ExitError](err); is {
		return nil, fmt.Errorf("%s: %w: %s", script, err, failed.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", script, err)
	}
	spec := &Spec{}
	if err := json.Unmarshal(out, spec); err != nil {
		return nil, fmt.Errorf("reading what %s prints: %w", script, err)
	}
	return spec, nil
}

var loaded = sync.OnceValues(func() (*Spec, error) {
	return load(context.Background(), filepath.Join(workspace.Root(), "tools", "servicespec.mjs"), types())
})

// Load returns the data for the types of mappings, which it reads once. Without Node.js or the npm package it ends the
// test: as failed where DOSSIER_TEST_REQUIRE=1 is set, else as skipped.
func Load(t testing.TB) *Spec {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "node is not installed"
	} else if _, err := os.Stat(filepath.Join(workspace.Root(), "tools", "node_modules", "@aws-cdk",
		"aws-service-spec")); err != nil {
		missing = "@aws-cdk/aws-service-spec is not installed"
	}
	if missing != "" {
		workspace.Missing(t, missing)
	}
	spec, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// types are the CloudFormation types that mappings speaks of.
func types() []string {
	found := map[string]bool{}
	for _, m := range mappings {
		found[m.cfn] = true
		for _, target := range m.names {
			if other, _, elsewhere := strings.Cut(target, "/"); elsewhere && other != "" {
				found[other] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// property is the one that an input's name means, with case and plural put aside.
func (t *Type) property(input string) (name string, p *Property) {
	if t == nil {
		return "", nil
	}
	for name, p := range t.Properties {
		if folded(name) == folded(input) {
			return name, p
		}
	}
	return "", nil
}

func folded(name string) string {
	name = strings.ToLower(name)
	if stem, plural := strings.CutSuffix(name, "ies"); plural {
		return stem + "y"
	}
	return strings.TrimSuffix(name, "s")
}

// within are the types whose properties can stand below a property.
func (s *Spec) within(p *Property) []*Type {
	switch p.Type {
	case "ref":
		return []*Type{s.Definitions[p.Ref]}
	case "array", "map":
		return s.within(p.Element)
	case "union":
		var found []*Type
		for _, one := range p.Types {
			found = append(found, s.within(one)...)
		}
		return found
	}
	return nil
}

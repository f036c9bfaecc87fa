// Package cfn reads what AWS publishes about its resource types for CloudFormation, from the npm package
// @aws-cdk/aws-service-spec. Package servicespec and the generator internal/replacements import it.
package cfn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"dossier.example/plan/internal/workspace"
)

// Spec is what the package says of the types that are asked for.
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

// Read runs the script that prints the package's data: of some types, or with --all.
func Read(types ...string) (*Spec, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	script := filepath.Join(workspace.Root(), "tools", "servicespec.mjs")
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

// Within are the types whose properties can stand below a property.
func (s *Spec) Within(p *Property) []*Type {
	switch p.Type {
	case "ref":
		return []*Type{s.Definitions[p.Ref]}
	case "array", "map":
		return s.Within(p.Element)
	case "union":
		var found []*Type
		for _, one := range p.Types {
			found = append(found, s.Within(one)...)
		}
		return found
	}
	return nil
}

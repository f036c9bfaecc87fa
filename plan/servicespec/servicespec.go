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
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"dossier.example/plan/internal/cfn"
	"dossier.example/plan/internal/workspace"
)

// Spec is what the package says of the types of mappings.
type Spec struct{ *cfn.Spec }

var loaded = sync.OnceValues(func() (*cfn.Spec, error) { return cfn.Read(types()...) })

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
	return &Spec{spec}
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
func property(t *cfn.Type, input string) (name string, p *cfn.Property) {
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

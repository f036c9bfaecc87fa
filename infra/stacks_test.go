package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"dossier.example/infra/host/release"
	"dossier.example/infra/settings"
	"dossier.example/plan/graph"
)

const repository = ".."

// documented is what a stack of the repository's own configuration is and creates.
type documented struct {
	settings settings.Settings
	graph    *graph.Graph
}

// noRelease stands in for the release: what is uploaded changes no document.
type noRelease struct{ path string }

func (noRelease) Preflight(context.Context, settings.Settings, string) ([]string, error) {
	return nil, nil
}
func (n noRelease) Release(context.Context) (release.Release, error) {
	hash := strings.Repeat("0123456789abcdef", 4)
	return release.Release{Path: n.path, SHA256: hash, Key: release.Key(hash), Size: 1}, nil
}
func (n noRelease) Migrations() (string, error) { return release.Migrations(repository) }

// recordStack runs the program of a stack with a configuration as Pulumi.<stack>.yaml holds it.
func recordStack(stackName string, config map[string]any) (documented, error) {
	var d documented
	flat := map[string]string{}
	for key, value := range config {
		text, is := value.(string)
		if !is {
			raw, err := json.Marshal(value)
			if err != nil {
				return d, err
			}
			text = string(raw)
		}
		flat[key] = text
	}
	dir, err := os.MkdirTemp("", "dossier-documents-")
	if err != nil {
		return d, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "release.tar.gz")
	if err := os.WriteFile(file, []byte("-"), 0o600); err != nil {
		return d, err
	}
	if d.settings, err = settings.Parse(stackName, flat["aws:region"], flat[settings.Key]); err != nil {
		return d, err
	}
	d.graph, err = graph.Record("dossier", stackName, flat, stack(noRelease{file}))
	return d, err
}

// documentedStacks are dev and prod, as the repository configures them.
var documentedStacks = sync.OnceValues(func() (map[string]documented, error) {
	all := map[string]documented{}
	for _, name := range []string{"dev", "prod"} {
		raw, err := os.ReadFile(filepath.Join(repository, "Pulumi."+name+".yaml"))
		if err != nil {
			return nil, err
		}
		var file struct{ Config map[string]any }
		if err := yaml.Unmarshal(raw, &file); err != nil {
			return nil, fmt.Errorf("Pulumi.%s.yaml: %w", name, err)
		}
		if all[name], err = recordStack(name, file.Config); err != nil {
			return nil, err
		}
	}
	return all, nil
})

func stacks(t *testing.T) (dev, prod documented) {
	t.Helper()
	all, err := documentedStacks()
	if err != nil {
		t.Fatal(err)
	}
	return all["dev"], all["prod"]
}

// withOperators is a stack named prod with operators, who make a few more resources.
func withOperators(t *testing.T) documented {
	t.Helper()
	d, err := recordStack("prod", map[string]any{"aws:region": "us-east-1", settings.Key: map[string]any{
		"jump": map[string]any{"operatorCIDRs": []string{"203.0.113.0/24"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

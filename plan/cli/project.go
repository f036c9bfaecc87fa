package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"dossier.example/plan/policy"
)

// Project is what a repository tells of itself beside what its Pulumi.yaml says. The zero Project is a repository that
// is held to the rules of policy.Catalogue, without exceptions, as a production environment.
type Project struct {
	// Policy returns what a stack is held to, by its configuration with full keys. It returns nil where the
	// configuration cannot be used: the program says what is wrong with it. Where Policy itself is nil, every stack is
	// held to policy.Catalogue.
	Policy func(stack string, config map[string]string) *policy.Set
	// SettingsFault returns what a program that failed says of its settings, and whether that is why it failed. Nil: no
	// failure is one of settings.
	SettingsFault func(said string) (fault string, is bool)
	// Migrations is a pattern, as of io/fs.Glob from the repository's root, of SQL files that a deployment runs on a
	// database in the order of their names. Empty: there are none.
	Migrations string
	// Artifact is what the program would build before it deploys it; nil: nothing.
	Artifact *Artifact
}

// Artifact is something that a program builds and deploys, such as a release. A plan does not build it: it compares the
// sources, and hands the program a file that stands in for what would be made of them.
type Artifact struct {
	// Variable is the variable of the environment by which the program takes the name of the file that stands in.
	Variable string
	// Output is the stack's output that is the SHA-256 of the artifact's bytes in hexadecimal, by which a program is
	// known to have taken the file.
	Output string
	// Sources returns a hash of what the artifact would be made of, in hexadecimal, from the repository's root folder.
	// The file that stands in holds it.
	Sources func(ctx context.Context, root string) (string, error)
}

// policyOf returns what a stack is held to; nil where its configuration cannot be used.
func (p Project) policyOf(stack string, config map[string]string) *policy.Set {
	if p.Policy != nil {
		return p.Policy(stack, config)
	}
	return &policy.Set{Environment: policy.Environment{Name: stack, Production: true}, Rules: policy.Catalogue()}
}

// pulumiProject is the part of a Pulumi.yaml that a plan needs.
type pulumiProject struct {
	Name string
	// Main is the folder of the program, relative to that of the file; empty: the same.
	Main string
}

// readProject reads the Pulumi.yaml of a revision.
func readProject(dir string) (pulumiProject, error) {
	var project pulumiProject
	raw, err := os.ReadFile(filepath.Join(dir, "Pulumi.yaml"))
	if err != nil {
		return project, fmt.Errorf("reading the Pulumi project: %w", err)
	}
	if err := yaml.Unmarshal(raw, &project); err != nil || project.Name == "" {
		return project, fmt.Errorf("reading Pulumi.yaml in %s: it names no project (%w)", dir, errors.Join(err))
	}
	project.Main = path.Clean(filepath.ToSlash(project.Main))
	if !filepath.IsLocal(project.Main) {
		return project, fmt.Errorf("reading Pulumi.yaml in %s: main, %s, is not below its folder", dir, project.Main)
	}
	return project, nil
}

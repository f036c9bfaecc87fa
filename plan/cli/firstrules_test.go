package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// excusing is a program with the rules of the catalogue, of which it excuses one, and one of its own.
const excusing = `package main

import (
	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
)

func main() {
	policy.Main(func(policy.Stack) (policy.Set, error) {
		rules := policy.Catalogue()
		for i := range rules {
			if rules[i].ID == "S3.9" {
				rules[i].Exceptions = []policy.Exception{{Reason: "Nobody reads logs here.", When: "Always.",
					Holds: func(*graph.Graph, policy.Environment, policy.Violation) bool { return true }}}
			}
		}
		return policy.Set{Rules: append(rules, policy.Rule{ID: "Sample.1", Says: "Buckets have a name of ours.",
			Check: policy.Each("aws:s3/bucketV2:BucketV2",
				func(_ *graph.Graph, _ policy.Environment, r *graph.Resource) []policy.Violation {
					if r.Name == "ours" {
						return nil
					}
					return []policy.Violation{policy.At(r, "call it ours", "it is called %s", r.Name)}
				}),
		})}, nil
	})
}
`

// TestFirstRules: a repository with old faults can begin to have rules of its own: what base breaks of them is
// inherited, and said to be asked by the change's rules. What the change breaks is not, and neither are exceptions.
func TestFirstRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		// config is base's, where it has one.
		config string
	}{
		{"a configuration without rules", "projects: [{folder: web, stacks: [dev]}]\n"},
		{"no configuration", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := checkout(t)
			gitIn(t, dir, "rm", "--quiet", "-r", "stackplan.yaml", "services", "site", "tools", "web/Pulumi.prod.yaml")
			write := func(name, text string) {
				t.Helper()
				file := filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if c.config != "" {
				write("stackplan.yaml", c.config)
			}
			gitIn(t, dir, "add", "-A")
			gitIn(t, dir, "commit", "--quiet", "--message", "second")
			const borrowed = "has no program with rules, so it was asked by those of the change"

			write("stackplan.yaml", c.config+"rules: tools/rules\n")
			write("tools/rules/main.go", excusing)
			status, out, log := planOf(t, dir)
			if status != StatusClean {
				t.Errorf("the program alone: status %d\n%s\n%s", status, log, out)
			}
			says(t, "the program alone", out, borrowed, "**(new)**", "Sample.1", "it is called files", "S3.8",
				"Nobody reads logs here.")
			for _, never := range []string{"is broken by", "rules dropped"} {
				if strings.Contains(out, never) {
					t.Errorf("the program alone: the plan says %q:\n%s", never, out)
				}
			}

			// The program holds the stack to one rule, and base was held to all, also without a configuration.
			write("tools/rules/main.go", strings.Replace(excusing, "append(rules, ", "append(rules[:0], ", 1))
			_, out, _ = planOf(t, dir)
			says(t, "a program without the catalogue", out, "rules dropped", borrowed, "it is called files")

			if c.config == "" {
				return // what follows is the same
			}

			write("tools/rules/main.go", excusing)
			write("names/names.go", "package names\n\nvar All = []string{\"files\", \"jobs\"}\n")
			status, out, log = planOf(t, dir)
			if status != StatusPolicy {
				t.Errorf("the program and a fault: status %d\n%s\n%s", status, log, out)
			}
			says(t, "the program and a fault", out, borrowed, "**7 newly broken**, 7 inherited",
				"is broken by `BucketV2 jobs`: it is called jobs")

			write("tools/rules/main.go", strings.Replace(excusing, "rules := policy", "rules := undefined", 1))
			if status, out, _ = planOf(t, dir); status != StatusProgram || strings.Contains(out, borrowed) {
				t.Errorf("a program that does not compile: status %d\n%s", status, out)
			}
		})
	}
}

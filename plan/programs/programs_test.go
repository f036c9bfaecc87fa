// Package programs tests plans on programs of kinds that others write, from the command line on: a static site, a
// service of containers, functions behind an API, and a network whose program is laid out another way. Each is a
// repository of its own in testdata. What a plan of a change says is held against what Pulumi's engine then does.
package programs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dossier.example/plan"
	"dossier.example/plan/cli"
	"dossier.example/plan/engine"
	"dossier.example/plan/internal/workspace"
)

// edit replaces a text in a file of the repository, everywhere in it.
type edit struct{ file, old, new string }

// change is one change of a program, and what has to be said of it.
type change struct {
	name  string
	edits []edit
	// dangers are the warnings, each by its kind and a part of its sentence; no other is given.
	dangers [][2]string
	// does is what happens to resources, in the engine's words.
	does []string
}

// program is a repository with a Pulumi program.
type program struct {
	stack, region, project, main string
	// config is what the engine gets beside the region, by full key.
	config map[string]string
	// replaces are the types that the double of AWS has no rules for, by the inputs whose change needs another
	// resource: those that the Terraform provider marks ForceNew
	// (https://github.com/hashicorp/terraform-provider-aws/tree/v5.100.0/internal/service).
	replaces map[string]string
	changes  []change
}

// TestPrograms plans each change by the command, and deploys it by the engine. Most of its time would go into linking
// the programs. So each program is in the same folder in each run of the test, with what the last run linked there for
// the change, and Go links again only what differs.
func TestPrograms(t *testing.T) {
	for name, p := range map[string]program{"site": site(), "events": events(), "fargate": fargate(),
		"network": network()} {
		t.Run(name, func(t *testing.T) {
			at := place(t, name)
			repository := p.repository(t, name, filepath.Join(at, "repository"))
			config := maps.Clone(p.config)
			config["aws:region"] = p.region
			s := engine.New(t, p.project, p.stack, config, nil)
			s.Cloud.Loosen(p.region, p.replaces)
			programs := t.TempDir()
			base := engine.Executable{Path: filepath.Join(programs, "base"), Dir: filepath.Join(repository, p.main)}
			s.Lend(base.Dir)
			for i, c := range p.changes {
				files := c.make(t, repository)
				work, before := filepath.Join(repository, ".stackplan"), filepath.Join(at, "linked", strconv.Itoa(i))
				lend(t, before, work)
				e := planned(t, repository, p.stack)
				lend(t, work, before)
				c.says(t, e)
				head := engine.Executable{Path: filepath.Join(programs, "head"), Dir: base.Dir}
				keep(t, repository, "head", head.Path)
				undo(t, files)
				if i == 0 {
					keep(t, repository, "base", base.Path)
					if r := s.UpExecutable(base); r.Err != nil {
						t.Fatal(r.Err)
					}
				}
				redo := c.make(t, repository)
				if stack := p.settings(t, repository, config); stack != nil {
					s.Configure(stack)
				}
				r := s.UpExecutable(head)
				undo(t, redo)
				if r.Err != nil {
					t.Fatalf("%s: %v", c.name, r.Err)
				}
				if said := spoken(e); !slices.Equal(r.Changes, said) || !slices.Equal(said, c.does) {
					t.Errorf("%s: the engine did\n%s\nthe plan says\n%s\nwanted\n%s", c.name,
						strings.Join(r.Changes, "\n"),
						strings.Join(said, "\n"), strings.Join(c.does, "\n"))
				}
				s.Configure(config)
				if r := s.UpExecutable(base); r.Err != nil {
					t.Fatalf("%s, back: %v", c.name, r.Err)
				}
			}
		})
	}
}

// place is the folder for a program: the same each time, where this module is in its workspace.
func place(t *testing.T, name string) string {
	t.Helper()
	if root := workspace.Root(); root != "" {
		return filepath.Join(root, "bin", "programs", name)
	}
	return t.TempDir()
}

// lend gives one folder the programs of another, as links to the same files.
func lend(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(from, "*-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range slices.DeleteFunc(found, func(path string) bool { return filepath.Ext(path) != "" }) {
		at := filepath.Join(to, filepath.Base(file))
		if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.Link(file, at); err != nil {
			t.Fatal(err)
		}
	}
}

// repository puts a program into a repository of git's, in place of one that is there.
func (p program) repository(t *testing.T, name, dir string) string {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("bin/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}, {"commit", "--quiet", "--message", "base"}} {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=test", "-c",
			"user.email=test@example.org", "-c", "commit.gpgsign=false"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

// settings is the configuration with the scalars of the stack's file as it is now, which a change may have edited.
func (p program) settings(t *testing.T, repository string, config map[string]string) map[string]string {
	t.Helper()
	changed := maps.Clone(config)
	for _, pattern := range []string{"Pulumi." + p.stack + ".yaml", "stacks/Pulumi." + p.stack + ".yaml"} {
		text, err := os.ReadFile(filepath.Join(repository, pattern))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			key, value, found := strings.Cut(strings.TrimSpace(line), ": ")
			if _, known := changed[key]; found && known {
				changed[key] = strings.Trim(value, `"`)
			}
		}
	}
	return changed
}

// make makes a change and returns the files as they were.
func (c change) make(t *testing.T, repository string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, e := range c.edits {
		path := filepath.Join(repository, e.file)
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), e.old) {
			t.Fatalf("%s: %s lacks %q: %v", c.name, e.file, e.old, err)
		}
		if _, edited := files[path]; !edited {
			files[path] = string(text)
		}
		write(t, path, strings.ReplaceAll(string(text), e.old, e.new))
	}
	return files
}

func undo(t *testing.T, files map[string]string) {
	t.Helper()
	for path, text := range files {
		write(t, path, text)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// planned is what the command says of a stack.
func planned(t *testing.T, repository, stack string) plan.Environment {
	t.Helper()
	var out, log bytes.Buffer
	cli.Run(t.Context(), cli.Project{}, []string{"--root", repository, "--base", "HEAD", "--format", "json"}, &out,
		&log)
	var made plan.Plan
	if err := json.Unmarshal(out.Bytes(), &made); err != nil {
		t.Fatalf("%v\n%s\n%s", err, log.String(), out.String())
	}
	for _, e := range made.Environments {
		if e.Name == stack {
			if e.Fault != nil || e.BaseFault != nil || e.New {
				t.Fatalf("%+v %+v", e.Fault, e.BaseFault)
			}
			return e
		}
	}
	t.Fatalf("no stack %s in\n%s", stack, out.String())
	return plan.Environment{}
}

// says checks the warnings.
func (c change) says(t *testing.T, e plan.Environment) {
	t.Helper()
	var left []plan.Danger
	found := make([]bool, len(c.dangers))
	for _, d := range e.Dangers {
		i := slices.IndexFunc(c.dangers, func(want [2]string) bool {
			return d.Kind == want[0] && strings.Contains(d.What, want[1])
		})
		if i < 0 {
			left = append(left, d)
		} else {
			found[i] = true
		}
	}
	if slices.Contains(found, false) || len(left) > 0 {
		t.Errorf("%s: got %q\nwant %q", c.name, e.Dangers, c.dangers)
	}
}

// spoken is what a plan says in the engine's words.
func spoken(e plan.Environment) []string {
	var said []string
	for _, c := range e.Changes {
		said = append(said, fmt.Sprintf("%s %s %s", c.Action, c.Type, c.URN[strings.LastIndex(c.URN, ":")+1:]))
	}
	slices.Sort(said)
	return said
}

// keep copies the program that the command built for a side: beside it is a note of what it is made of.
func keep(t *testing.T, repository, side, to string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(repository, ".stackplan", side+"-*.of"))
	if err != nil || len(found) != 1 {
		// One program serves both sides where only the configuration differs.
		if side == "base" {
			keep(t, repository, "head", to)
			return
		}
		t.Fatalf("the program of %s: %q, %v", side, found, err)
	}
	program, err := os.ReadFile(strings.TrimSuffix(found[0], ".of"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, program, 0o700); err != nil {
		t.Fatal(err)
	}
}

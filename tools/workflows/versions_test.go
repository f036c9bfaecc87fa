package workflows_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// only returns the one text that a pattern finds in a file.
func only(t *testing.T, file, pattern string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = true
	}
	if len(found) != 1 {
		t.Fatalf("%s: %s finds %v, want one text", file, pattern, found)
	}
	for one := range found {
		return one
	}
	return ""
}

// Another Go makes other bytes of the same source: a release that CI deploys and one from a laptop would differ, and be
// rolled out for nothing. The least version that a go.mod asks for has holes that later ones mended.
func TestOneGo(t *testing.T) {
	want := only(t, "infra/host/release/environment.go", `const Toolchain = "go(\d+\.\d+\.\d+)"`)
	if got := only(t, "Dockerfile", `(?m)^FROM golang:(\S+)`); got != want {
		t.Errorf("the Dockerfile builds with Go %s, and releases are built with %s", got, want)
	}
	if got := only(t, "plan/action.yml", `(?m)^  go-version:\n.*\n    default: (\S+)`); got != want {
		t.Errorf("plans are made with Go %s, and releases are built with %s", got, want)
	}
	for name, w := range workflows(t) {
		for job, j := range w.Jobs {
			for _, s := range j.Steps {
				if !strings.HasPrefix(s.Uses, "actions/setup-go@") {
					continue
				}
				if got := s.With["go-version"]; got != want || s.With["go-version-file"] != nil {
					t.Errorf("%s, %s: it installs Go %v (file %v), and releases are built with %s", name, job, got,
						s.With["go-version-file"], want)
				}
			}
		}
	}
}

// The engine that deploys is the one that the tests run.
func TestOnePulumi(t *testing.T) {
	want := only(t, "tools/pulumi/go.mod", `github\.com/pulumi/pulumi/pkg/v3 v(\S+)`)
	installs := 0
	for name, w := range workflows(t) {
		for job, j := range w.Jobs {
			installed := false
			for _, s := range j.Steps {
				if strings.HasPrefix(s.Uses, "pulumi/actions@") {
					installed = true
					installs++
					if got := s.With["pulumi-version"]; got != want || s.With["command"] != nil {
						t.Errorf("%s, %s: it installs Pulumi %v and runs %v, want %s and nothing", name, job, got,
							s.With["command"], want)
					}
				}
				for _, target := range []string{"preview", "deploy", "drift", "emulate"} {
					if strings.Contains(s.Run, "make "+target) && !installed {
						t.Errorf("%s, %s: make %s runs, and Pulumi's host for programs in Go is not installed", name,
							job, target)
					}
				}
			}
		}
	}
	if installs < 3 {
		t.Errorf("%d jobs install Pulumi", installs)
	}
}

// A CLI alone cannot run the program; that is said at once, and in one line.
func TestStackWithoutTheLanguageHost(t *testing.T) {
	dir := t.TempDir()
	for _, program := range []string{"bash", "go", "dirname", "git"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatalf("%s is not installed, and nothing here works without it", program)
		}
		if err := os.Symlink(path, filepath.Join(dir, program)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(root, "tools/stack"), "preview", "dev")
	cmd.Env = append(os.Environ(), "PATH="+dir, "GOWORK=", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "pulumi-language-go is not on PATH: install Pulumi as a whole") ||
		strings.Count(string(out), "\n") != 1 {
		t.Errorf("%v: %s", err, out)
	}
}

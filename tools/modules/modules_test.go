// Package modules_test checks the workspace's modules as a whole.
package modules_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// Pulumi's host for programs in Go lists all modules of the workspace, and Go writes into go.work.sum what that lacks:
// a deployment would leave the tree changed, and the next one a release of "dirty" sources.
func TestWorkspaceStaysClean(t *testing.T) {
	dir := t.TempDir()
	place := func(name string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.work", "go.work.sum"} {
		place(name)
	}
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		t.Fatal(err)
	}
	modules := 0
	for line := range strings.Lines(string(work)) {
		if module, is := strings.CutPrefix(strings.TrimSpace(line), "./"); is {
			place(module + "/go.mod")
			place(module + "/go.sum")
			modules++
		}
	}
	if modules < 3 {
		t.Fatalf("go.work uses %d modules", modules)
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "-json", "all")
	cmd.Dir = filepath.Join(dir, "infra")
	cmd.Env = append(os.Environ(), "GOWORK=", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	before, err := os.ReadFile(filepath.Join(root, "go.work.sum"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "go.work.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error(`go.work.sum lacks lines: run "go list -m -json all >/dev/null" in infra, and commit what changes`)
	}
}

package plan_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports: the module stands by itself, so that it can look at any repository's stacks. It imports nothing of this
// repository's other modules, not even in tests.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-test", "-f", `{{.ImportPath}} {{join .Imports " "}}`,
		"./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	path, err := exec.CommandContext(t.Context(), "go", "list", "-m").Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	// The modules of the workspace have paths below the same host; that of this module is the last word of its own.
	var module string
	for _, line := range strings.Fields(string(path)) {
		if strings.HasSuffix(line, "/plan") {
			module = line
		}
	}
	if module == "" {
		t.Fatalf("this module is not among %s", path)
	}
	workspace := strings.TrimSuffix(module, "plan")
	packages := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		packages++
		for _, imported := range fields[1:] {
			if strings.HasPrefix(imported, workspace) && imported != module && imported != module+"_test" &&
				!strings.HasPrefix(imported, module+"/") {
				t.Errorf("%s imports %s", fields[0], imported)
			}
		}
	}
	if packages < 10 {
		t.Fatalf("go list found %d packages", packages)
	}
}

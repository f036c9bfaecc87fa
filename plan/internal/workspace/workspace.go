// Package workspace finds what tests need of the repository that they run in. Only tests and generators may import it.
package workspace

import (
	"os"
	"path/filepath"
	"testing"
)

// Root is the folder of the workspace; empty when there is none.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// Missing ends the test because of what "make test-tools" would install: as failed where DOSSIER_TEST_REQUIRE=1 is set,
// else as skipped.
func Missing(t testing.TB, what string) {
	t.Helper()
	what += `; "make test-tools" installs it`
	if os.Getenv("DOSSIER_TEST_REQUIRE") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

//go:build unix

package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func authorityPEM(t *testing.T) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: strangerCertificate(t).Certificate[0]})
}

func mustMigrations(t *testing.T, root string) string {
	t.Helper()
	sum, err := Migrations(root)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
		t.Fatalf("%q is no SHA-256", sum)
	}
	return sum
}

func TestMigrations(t *testing.T) {
	root := copyApp(t, 0o600, time.Unix(1, 0))
	last := mustMigrations(t, root)
	if here := mustMigrations(t, repository); here != last {
		t.Errorf("a copy has %s, the original %s", last, here)
	}
	dir := filepath.Join(root, "app", "migrations")
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"lock.go", "provision_test.go", "catalog/00009_other.sql", "people/README", "../people/store.go"} {
		write(name, "-- other")
		if got := mustMigrations(t, root); got != last {
			t.Errorf("%s, which RDS does not get, changed the sum", name)
		}
	}
	for _, name := range []string{"people/00099_more.sql", "people/00001_create_people.sql", "provision.go", "migrations.go"} {
		write(name, "-- other")
		got := mustMigrations(t, root)
		if got == last {
			t.Errorf("%s changed, the sum did not", name)
		}
		last = got
	}
	if err := os.Rename(filepath.Join(dir, "people", "00099_more.sql"), filepath.Join(dir, "people", "00098_more.sql")); err != nil {
		t.Fatal(err)
	}
	if mustMigrations(t, root) == last {
		t.Error("a migration has another number, the sum is the same")
	}
	if _, err := Migrations(t.TempDir()); err == nil || !strings.Contains(err.Error(), "repository's root") {
		t.Errorf("an empty folder: error %v", err)
	}
}

// TestSchemaSources: whoever adds a file to the app's migrations has to say here whether RDS's schema depends on it.
func TestSchemaSources(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(repository, "app", "migrations", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		if name := filepath.Base(file); !strings.HasSuffix(name, "_test.go") {
			got = append(got, name)
		}
	}
	// The guards of audit.go are SQLite's.
	want := []string{"audit.go", "lock.go", "migrations.go", "provision.go"}
	if !slices.Equal(got, want) {
		t.Error(fmt.Sprintf("app/migrations holds %q, want %q: ", got, want) + "put new files into schemaSources if they change what is made in the database")
	}
}

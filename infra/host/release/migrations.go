package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// schemaSources are the files, below app/migrations, that decide what "dossier migrate up" makes on a MySQL server. The
// folder catalog is for the embedded store only, lock.go for how runs wait for each other, and audit.go for SQLite.
func schemaSources() []string {
	return []string{
		"people/*.sql",  // the tables
		"migrations.go", // how they are applied and where that is entered
		"provision.go",  // the database, the app's own user and its rights
	}
}

// Migrations returns the SHA-256, in hexadecimal, of what "dossier migrate up" of this source would apply to RDS: the
// migrations and what decides the app's user and rights, by name and bytes. While it stays the same there is nothing to
// apply.
func Migrations(root string) (string, error) {
	dir := filepath.Join(root, "app", "migrations")
	hash := sha256.New()
	for _, pattern := range schemaSources() {
		files, err := fs.Glob(os.DirFS(dir), pattern) // sorted
		if err != nil {
			return "", fmt.Errorf("finding the migrations: %w", err)
		}
		if len(files) == 0 {
			return "", fmt.Errorf("finding the migrations: there is no %s in %s; is %s the repository's root?", pattern,
				dir, root)
		}
		for _, name := range files {
			content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
			if err != nil {
				return "", fmt.Errorf("reading the migrations: %w", err)
			}
			// Lengths keep names and contents apart.
			fmt.Fprintf(hash, "%q %d\n", name, len(content))
			hash.Write(content)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

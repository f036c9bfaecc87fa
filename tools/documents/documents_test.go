// Package documents_test keeps the documents true in what they name: links, paths, commands, settings and the walk
// through the tree. It reads the repository's text alone, so that a changed document is checked in a second; the parts
// that programs generate are held by those programs' tests.
package documents_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
)

const root = "../.."

// skipped are folders that are built, installed or written while running, and what tests compare.
var skipped = []string{".git", ".stackplan", ".tools", "bin", "data", "node_modules", "testdata"}

// walk calls visit with every file and folder of the repository, by its path with slashes.
func walk(t *testing.T, visit func(name string, folder bool)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(skipped, entry.Name()):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil // a link to one
		}
		visit(name, entry.IsDir())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// documents are all Markdown files.
func documents(t *testing.T) (names []string) {
	t.Helper()
	walk(t, func(name string, folder bool) {
		if !folder && path.Ext(name) == ".md" {
			names = append(names, name)
		}
	})
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

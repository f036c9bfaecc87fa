package documents_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var treeRow = regexp.MustCompile("(?m)^\\| `([^`]+)/` \\| (.*) \\|$")

// TestTree: the walk through the tree has a line for each folder that holds files, and none for a folder that does not
// exist.
func TestTree(t *testing.T) {
	_, text, found := strings.Cut(read(t, "docs/README.md"), "\n## A walk through the tree\n")
	if !found {
		t.Fatal("docs/README.md has no walk through the tree")
	}
	var told []string
	for _, row := range treeRow.FindAllStringSubmatch(text, -1) {
		folder, says := row[1], row[2]
		if info, err := os.Stat(filepath.Join(root, filepath.FromSlash(folder))); err != nil || !info.IsDir() {
			t.Errorf("docs/README.md names the folder %s, which does not exist", folder)
		}
		if slices.Contains(told, folder) {
			t.Errorf("docs/README.md names the folder %s twice", folder)
		}
		if strings.TrimSpace(says) == "" {
			t.Errorf("docs/README.md says nothing of the folder %s", folder)
		}
		told = append(told, folder)
	}
	walked := folders(t)
	if len(walked) < 40 {
		t.Fatalf("the repository has the folders %q only", walked)
	}
	for _, folder := range walked {
		if !slices.Contains(told, folder) {
			t.Errorf("the walk through the tree in docs/README.md has no line for %s/", folder)
		}
	}
}

// folders are those that hold a file. Left out are hidden ones but GitHub's, and what is below a folder named internal,
// which serves the folder above.
func folders(t *testing.T) (all []string) {
	t.Helper()
	walk(t, func(name string, folder bool) {
		dir := path.Dir(name)
		hidden := strings.HasPrefix(dir, ".") && !strings.HasPrefix(dir, ".github") // the root among them
		if !folder && !hidden && !strings.Contains(dir+"/", "/internal/") && !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	})
	return all
}

package main

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/markdown"
)

// programFile is a source file of infra or plan.
type programFile struct {
	*ast.File
	// dir is its folder within the repository.
	dir string
}

func (f programFile) imports() (all []string) {
	for _, spec := range f.Imports {
		all = append(all, strings.Trim(spec.Path.Value, `"`))
	}
	return all
}

// programFiles reads the sources of infra and plan, but for tests, what is below a folder that is named internal or
// ends in "test", and the packages to leave out.
func programFiles(t *testing.T, without map[string]bool) (all []programFile) {
	t.Helper()
	return filesOf(t, without, "infra", "plan")
}

// filesOf are the files of the program in some folders and those within, without those called internal.
func filesOf(t *testing.T, without map[string]bool, folders ...string) (all []programFile) {
	t.Helper()
	for _, folder := range folders {
		err := fs.WalkDir(os.DirFS(repository), folder, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir():
				if entry.Name() == "testdata" || entry.Name() == "internal" ||
					strings.HasSuffix(entry.Name(), "test") || without[file] {
					return fs.SkipDir
				}
				return nil
			case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(repository, filepath.FromSlash(file)), nil,
				parser.ImportsOnly|parser.ParseComments)
			if err != nil {
				return err
			}
			all = append(all, programFile{f, path.Dir(file)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// workspace begins the paths of the packages of this repository's modules.
const workspace = "dossier.example/"

// testPackages are the packages that only tests import and whose names do not say so.
var testPackages = map[string]bool{"plan/engine": true, "plan/permissions": true}

// packageTable lists the packages of infra and plan that are not for tests alone: the first sentence of their
// documentation, and which of the others they import. A package stands before all that it imports.
func packageTable(t *testing.T) string {
	t.Helper()
	type pkg struct {
		says    string
		imports []string
	}
	packages := map[string]pkg{}
	for _, f := range programFiles(t, testPackages) {
		p := packages[f.dir]
		if doc := strings.Join(strings.Fields(f.Doc.Text()), " "); doc != "" {
			sentence, _, _ := strings.Cut(doc, ". ")
			sentence, _, _ = strings.Cut(sentence, ": ")
			p.says = strings.TrimPrefix(strings.TrimSuffix(sentence, "."), "Package "+f.Name.Name+" ")
		}
		for _, imported := range f.imports() {
			if other, ok := strings.CutPrefix(imported, workspace); ok && !slices.Contains(p.imports, other) {
				p.imports = append(p.imports, other)
			}
		}
		packages[f.dir] = p
	}
	depths := map[string]int{}
	var depth func(name string) int
	depth = func(name string) int {
		if _, known := depths[name]; !known {
			deepest := -1
			for _, other := range packages[name].imports {
				deepest = max(deepest, depth(other))
			}
			depths[name] = deepest + 1
		}
		return depths[name]
	}
	module := func(name string) string { first, _, _ := strings.Cut(name, "/"); return first }
	order := slices.Collect(maps.Keys(packages))
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(module(a), module(b)), cmp.Compare(depth(b), depth(a)), cmp.Compare(a, b))
	})
	table := markdown.NewTable("Package", "What it is", "Imports")
	for _, name := range order {
		p := packages[name]
		slices.Sort(p.imports)
		if p.says == "" {
			t.Errorf("package %s has no documentation", name)
		}
		var imports []string
		for _, other := range p.imports {
			imports = append(imports, strings.TrimPrefix(other, module(name)+"/"))
		}
		table.Row("`"+name+"`", p.says, strings.Join(imports, ", "))
	}
	return table.String()
}

// shared are the packages of the app that the stack's settings import. They import the standard library alone.
var shared = []string{"app/setting", "app/bounds"}

// TestImports keeps the rooms apart: what looks at stacks knows no stack, and the stack does not know what looks at it,
// so that a rule cannot share a component's mistake. The plan of Dossier's changes and its rules are where both meet.
// Markdown is written alike by all.
func TestImports(t *testing.T) {
	for _, f := range programFiles(t, testPackages) {
		for _, imported := range f.imports() {
			other, ours := strings.CutPrefix(imported, workspace)
			if !ours {
				continue
			}
			from, _, _ := strings.Cut(f.dir, "/")
			to, _, _ := strings.Cut(other, "/")
			switch {
			case from == to, f.dir == "infra/cmd/plan" || f.dir == "infra/rules", other == "plan/markdown":
			// what no two programs may say differently
			case f.dir == "infra/settings" && slices.Contains(shared, other):
			default:
				t.Errorf("%s imports %s", f.dir, imported)
			}
		}
	}
}

// TestDependencies: docs/architecture.md gives a reason for each module that infra and plan import outside of tests,
// and for no other.
func TestDependencies(t *testing.T) {
	_, table, found := strings.Cut(document(t, "docs/architecture.md"), "### Dependencies of the stack\n")
	if !found {
		t.Fatal("docs/architecture.md has no heading \"Dependencies of the stack\"")
	}
	table, _, _ = strings.Cut(table, "\n#")
	var named []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.Contains(cells[1], "/") {
			named = append(named, strings.Trim(cells[1], " `"))
		}
	}
	imported := map[string]bool{}
	for _, f := range append(programFiles(t, nil), filesOf(t, nil, "plan/internal/apart")...) {
		for _, name := range f.imports() {
			if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") &&
				!strings.HasPrefix(name, workspace) {
				imported[name] = true
			}
		}
	}
	used := map[string]bool{}
	for name := range imported {
		i := slices.IndexFunc(named, func(n string) bool { return strings.HasPrefix(name, n+"/") || name == n })
		if i < 0 {
			t.Errorf("%s is imported, and docs/architecture.md gives no reason for it", name)
			continue
		}
		used[named[i]] = true
	}
	for _, n := range named {
		if !used[n] {
			t.Errorf("docs/architecture.md gives a reason for %s, which nothing imports", n)
		}
	}
}

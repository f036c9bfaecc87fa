package cli

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"golang.org/x/mod/modfile"
)

// dir is the folder of a program on this machine.
func (of *program) dir() string { return filepath.Join(of.tree.dir, filepath.FromSlash(of.main)) }

// pkg is the folder of the package that a program is made of, relative to the root.
func (of *program) pkg() string { return cmp.Or(of.config.Package, of.main) }

// files are those of the tree, which no link leads out of: what is read of it may end in a comment.
func (t *tree) files() fs.FS { return rooted(t.dir) }

func rooted(dir string) fs.FS {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return absent{err}
	}
	return root.FS() // which closes it when nobody has it any more
}

// absent is a folder that cannot be opened.
type absent struct{ why error }

// Open implements fs.FS.
func (a absent) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: unplaced(a.why)}
}

// sameProgram reports whether the programs of two revisions are made of the same: then one build serves both.
func sameProgram(one, other *program) (bool, error) {
	a, err := one.fingerprint()
	b, otherErr := other.fingerprint()
	for _, err := range []error{err, otherErr} {
		if _, broken := errors.AsType[*moduleError](err); broken {
			return false, nil // whatever builds it says so
		}
	}
	return a == b, cmp.Or(err, otherErr)
}

// moduleError is what is wrong with a file of Go's that says what a program requires.
type moduleError struct{ error }

// fingerprint returns a hash of all that may be compiled into a program, and a little more: the Go files of the
// packages that it imports, directly or not, and all other files of their modules but those of stacks.
func (of *program) fingerprint() (string, error) {
	sum := sha256.New()
	root := of.tree.files()
	fmt.Fprintf(sum, "%q %q\n", of.pkg(), of.config.Tags)
	modules, err := of.modules()
	if err != nil {
		return "", err
	}
	files := slices.Clone(modules.files)
	for _, dir := range modules.all {
		files = append(files, path.Join(dir, "go.mod"))
	}
	for _, file := range files {
		if err := addFile(sum, root, file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("reading the sources of the program of %s: %w", of.tree.name, unplaced(err))
		}
	}
	for _, dir := range modules.compiled {
		if err := addFolder(sum, root, dir, modules.without); err != nil {
			return "", fmt.Errorf("reading the sources of the program of %s: %w", of.tree.name, unplaced(err))
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// addFile adds a file to a hash, a piece at a time.
func addFile(sum hash.Hash, root fs.FS, name string) error {
	file, err := root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "%q %d\n", name, info.Size())
	_, err = io.Copy(sum, file)
	return err
}

// addFolder adds the files of a folder to a hash, without those of other modules below it.
func addFolder(sum hash.Hash, root fs.FS, dir string, without func(file string) bool) error {
	return walkModule(root, dir, func(file string) error {
		if without(file) {
			return nil
		}
		return addFile(sum, root, file)
	})
}

// walkModule visits the files of a folder, without those of other modules below it.
func walkModule(root fs.FS, dir string, visit func(file string) error) error {
	return fs.WalkDir(root, dir, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if file != dir && (skippedFolder(entry.Name()) || exists(root, path.Join(file, "go.mod"))) {
				return fs.SkipDir
			}
			return nil
		case entry.Type()&fs.ModeSymlink != 0:
			return visitLink(root, file, visit)
		case !entry.Type().IsRegular():
			return nil
		}
		return visit(file)
	})
}

// visitLink visits the files that a link leads to: Go follows those of files, and of folders that are imported. Links
// within such a folder are not followed, so that it ends.
func visitLink(root fs.FS, link string, visit func(file string) error) error {
	info, err := fs.Stat(root, link)
	switch {
	case err != nil: // it leads nowhere, or out of the repository, where the compiler finds nothing
		return nil
	case info.Mode().IsRegular():
		return visit(link)
	case !info.IsDir():
		return nil
	}
	return fs.WalkDir(root, link, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != link && skippedFolder(entry.Name()):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		return visit(file)
	})
}

// skippedFolder reports whether a folder of that name holds nothing that is compiled.
func skippedFolder(name string) bool {
	return slices.Contains([]string{".git", ".stackplan", "bin", "node_modules"}, name)
}

// hashFolder returns a hash of a folder's files; empty where there is no such folder.
func hashFolder(dir, folder string) (string, error) {
	sum, root := sha256.New(), rooted(dir)
	if !exists(root, folder) {
		return "", nil
	}
	if err := addFolder(sum, root, folder, func(string) bool { return false }); err != nil {
		return "", fmt.Errorf("reading %s: %w", where(folder), unplaced(err))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// modules are the Go modules of a repository that concern a program, by their folders relative to its root.
type modules struct {
	// all are those of the workspace and that of the program; compiled those that the program may be compiled from.
	all, compiled []string
	// files are those of the workspace.
	files []string
	// packages are the folders with Go files of compiled; imported are those of them that the program is made of.
	packages map[string]*goPackage
	imported map[string]bool
}

// goPackage is what the Go files of a folder say: what they import, on whatever system, and whether they embed files.
type goPackage struct {
	imports []string
	embeds  bool
}

// without reports whether a file is no part of a program: a test, a Go file of a package that it does not import, and
// the file of a stack, of which it gets what it says. What may be embedded is a part.
func (m modules) without(file string) bool {
	base, dir := path.Base(file), path.Dir(file)
	switch {
	case strings.HasSuffix(base, "_test.go"):
		return true
	case path.Ext(base) == ".go":
		return !m.imported[dir] && !slices.Contains(strings.Split(dir, "/"), "vendor") && !m.embedded(dir)
	case stackFile.MatchString(base):
		return !m.embedded(dir)
	}
	return false
}

// stackFile is what the name of a stack's file looks like.
var stackFile = regexp.MustCompile(`^` + workspace.ProjectFile + `\..+\.(yaml|yml|json)$`)

// embedded reports whether the program may embed the files of a folder.
func (m modules) embedded(dir string) bool {
	for {
		if of := m.packages[dir]; of != nil && of.embeds && m.imported[dir] {
			return true
		}
		if dir == "." {
			return false
		}
		dir = path.Dir(dir)
	}
}

// follow finds the packages that a program is made of, from its own. dirs are the folders of modules by their paths.
func (m *modules) follow(main string, dirs map[string]string) {
	m.imported = map[string]bool{main: true}
	for next := []string{main}; len(next) > 0; next = next[1:] {
		of := m.packages[next[0]]
		if of == nil {
			continue
		}
		for _, name := range of.imports {
			for module, dir := range dirs {
				rest, is := strings.CutPrefix(name, module)
				if at := path.Join(dir, rest); is && (rest == "" || rest[0] == '/') && !m.imported[at] {
					m.imported[at] = true
					next = append(next, at)
				}
			}
		}
	}
}

// above returns the nearest folder, from one up to the root, that has a file; found is false where none has.
func above(root fs.FS, dir, file string) (nearest string, found bool) {
	for ; ; dir = path.Dir(dir) {
		if exists(root, path.Join(dir, file)) {
			return dir, true
		}
		if dir == "." {
			return "", false
		}
	}
}

// workspace is the value of GOWORK for a program: the file of its workspace, or off, so that Go does not find that of
// head for base, which is below it.
func (of *program) workspace() string {
	if of.work != "" {
		return of.work
	}
	if dir, has := above(of.tree.files(), of.pkg(), "go.work"); has {
		return filepath.Join(of.tree.dir, filepath.FromSlash(dir), "go.work")
	}
	return "off"
}

// modules finds the module of the program, and those of the repository that it requires or imports by a
// workspace or by replacements.
func (of *program) modules() (modules, error) {
	root := of.tree.files()
	var found modules
	own, has := above(root, of.pkg(), "go.mod")
	if !has {
		return found, fmt.Errorf("reading the Go modules of %s: there is no go.mod in %s or above", of.tree.name,
			where(of.pkg()))
	}
	found.all = []string{own}
	paths, requires := map[string]string{}, map[string][]string{}
	add := func(dir string) {
		if filepath.IsLocal(filepath.FromSlash(dir)) && !slices.Contains(found.all, dir) {
			found.all = append(found.all, dir)
		}
	}
	replace := func(dir string, replaced []*modfile.Replace) {
		for _, r := range replaced {
			if at := path.Join(dir, r.New.Path); modfile.IsDirectoryPath(r.New.Path) && !path.IsAbs(r.New.Path) {
				add(at)
				paths[r.Old.Path] = at
			}
		}
	}
	if dir, has := above(root, of.pkg(), "go.work"); has {
		found.files = []string{path.Join(dir, "go.work"), path.Join(dir, "go.work.sum")}
		text, err := fs.ReadFile(root, found.files[0])
		if err != nil {
			return found, fmt.Errorf("reading go.work of %s: %w", of.tree.name, unplaced(err))
		}
		work, err := modfile.ParseWork("go.work", text, nil)
		if err != nil {
			return found, &moduleError{err}
		}
		for _, use := range work.Use {
			add(path.Join(dir, filepath.ToSlash(use.Path)))
		}
		replace(dir, work.Replace)
	}
	for i := 0; i < len(found.all); i++ {
		dir := found.all[i]
		text, err := fs.ReadFile(root, path.Join(dir, "go.mod"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // Go says so itself, where it needs it
		}
		if err != nil {
			return found, fmt.Errorf("reading the Go module in %s of %s: %w", where(dir), of.tree.name, unplaced(err))
		}
		mod, err := modfile.ParseLax(path.Join(dir, "go.mod"), text, nil)
		if err != nil || mod.Module == nil {
			return found, &moduleError{cmp.Or(err, fmt.Errorf("%s names no module", path.Join(dir, "go.mod")))}
		}
		paths[mod.Module.Mod.Path] = dir
		for _, r := range mod.Require {
			requires[dir] = append(requires[dir], r.Mod.Path)
		}
		replaceLax, err := modfile.Parse(path.Join(dir, "go.mod"), text, nil)
		if err == nil {
			replace(dir, replaceLax.Replace) // ParseLax leaves them out
		}
	}
	found.compiled, found.packages = []string{own}, map[string]*goPackage{}
	for i := 0; i < len(found.compiled); i++ {
		// In a workspace, a module imports another one without requiring it.
		imported, err := found.read(root, found.compiled[i])
		if err != nil {
			return found, fmt.Errorf("reading the imports of %s of %s: %w", where(found.compiled[i]), of.tree.name,
				unplaced(err))
		}
		for _, module := range slices.Sorted(maps.Keys(paths)) {
			dir := paths[module]
			uses := slices.Contains(requires[found.compiled[i]], module) ||
				slices.ContainsFunc(imported, func(name string) bool {
					return name == module || strings.HasPrefix(name, module+"/")
				})
			if uses && slices.Contains(found.all, dir) && !slices.Contains(found.compiled, dir) {
				found.compiled = append(found.compiled, dir)
			}
		}
	}
	found.follow(of.pkg(), paths)
	return found, nil
}

// read reads the packages of a module, and returns the paths that they import. What does not parse is left to Go.
func (m *modules) read(root fs.FS, module string) (imported []string, err error) {
	err = walkModule(root, module, func(file string) error {
		if path.Ext(file) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		of := m.packages[path.Dir(file)]
		if of == nil {
			of = &goPackage{}
			m.packages[path.Dir(file)] = of
		}
		of.embeds = of.embeds || bytes.Contains(text, []byte("//go:embed"))
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			return nil
		}
		for _, spec := range parsed.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err == nil {
				imported = append(imported, name)
				if !strings.HasSuffix(file, "_test.go") {
					of.imports = append(of.imports, name)
				}
			}
		}
		return nil
	})
	return imported, err
}

// standIns are hashes of what each artifact is made of, by the artifact's full name.
func (of *program) standIns() (map[string]string, error) {
	root := of.tree.files()
	hashes := map[string]string{}
	for artifact, sources := range of.config.Artifacts {
		sum := sha256.New()
		var found []string
		for _, pattern := range sources {
			names, err := fs.Glob(root, pattern) // sorted
			if err != nil {
				return nil, fmt.Errorf("looking for what %s is made of: %s: %w", artifact, pattern, err)
			}
			found = append(found, names...)
		}
		if len(found) == 0 && !of.tree.past {
			return nil, fmt.Errorf("looking for what %s is made of: there is no %s", artifact,
				strings.Join(sources, ", "))
		}
		for _, name := range found {
			info, err := fs.Stat(root, name)
			if err == nil && info.IsDir() {
				err = addFolder(sum, root, name, func(string) bool { return false })
			} else if err == nil {
				err = addFile(sum, root, name)
			}
			if err != nil {
				return nil, fmt.Errorf("reading what %s is made of: %s: %w", artifact, name, unplaced(err))
			}
		}
		hashes[filepath.Join(of.tree.dir, filepath.FromSlash(artifact))] = hex.EncodeToString(sum.Sum(nil))
	}
	return hashes, nil
}

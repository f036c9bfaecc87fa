// Typecheck finds what does not compile in the workspace, without compiling it:
//
//	GOWORK=off go -C tools run ./typecheck ./app/... ./infra/...
//
// Go compiles a package again for each folder that it is in and for each change of what it imports, and once more for
// its tests. That is most of what a test costs that changes the repository; the types of all packages are checked in
// seconds. Package golang.org/x/tools/go/packages reads either all packages from their source, AWS's SDKs too, or has
// all compiled; this reads those of the workspace, and takes the others as they were compiled.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GOWORK=") || strings.HasPrefix(v, "PWD=")
	})
	err := check(ctx, "..", env, os.Args[1:]...)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// mostTold is how many errors are told of a package.
const mostTold = 10

// listed is a package as go list tells it. One that its own tests add to is listed again, under another path.
type listed struct {
	ImportPath, Dir, Export    string
	GoFiles, CgoFiles, Imports []string
	// ImportMap has the paths of the packages that are meant, by those that the files have, where they differ.
	ImportMap map[string]string
	Module    *struct {
		Main      bool
		GoVersion string
	}
}

// own reports whether the package is one of the modules that stand in the folder.
func (p *listed) own() bool { return p.Module != nil && p.Module.Main }

// check checks the packages that the patterns name, in a folder, with their tests and all that they import. What
// comes from other modules is compiled, unless it was before. The environment is that of the go command.
func check(ctx context.Context, dir string, env []string, patterns ...string) error {
	// Go looks for the files to embed only if it is asked for them.
	packages, err := list(ctx, dir, env, append([]string{"-deps", "-test",
		"-json=ImportPath,Dir,GoFiles,CgoFiles,EmbedFiles,Imports,ImportMap,Module", "--"}, patterns...)...)
	if err != nil {
		return err
	}
	var foreign []string
	// The program that go test makes of a package's tests, which is listed too, has no source yet.
	ours := slices.DeleteFunc(packages, func(p listed) bool {
		return !p.own() || strings.HasSuffix(p.ImportPath, ".test")
	})
	mine := map[string]bool{}
	for _, p := range ours {
		mine[p.ImportPath] = true
	}
	for _, p := range ours {
		for _, path := range p.Imports {
			if !mine[path] && path != "unsafe" {
				foreign = append(foreign, path)
			}
		}
	}
	slices.Sort(foreign)
	exports, err := list(ctx, dir, env, append([]string{"-export", "-json=ImportPath,Export", "--"},
		slices.Compact(foreign)...)...)
	if err != nil {
		return err
	}
	c := newChecker(exports)
	var faults []error
	// Each comes after what it imports.
	for _, p := range ours {
		faults = append(faults, c.one(p))
	}
	return errors.Join(faults...)
}

func list(ctx context.Context, dir string, env []string, args ...string) ([]listed, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list"}, args...)...)
	cmd.Dir, cmd.Env = dir, env
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w\n%s", dir, err, said.Bytes())
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("what go list in %s says: %w", dir, err)
		}
		packages = append(packages, p)
	}
}

type checker struct {
	files   *token.FileSet
	foreign types.Importer
	// done are the checked packages, by path.
	done map[string]*types.Package
}

func newChecker(exports []listed) *checker {
	from := map[string]string{}
	for _, p := range exports {
		from[p.ImportPath] = p.Export
	}
	c := &checker{files: token.NewFileSet(), done: map[string]*types.Package{}}
	c.foreign = importer.ForCompiler(c.files, "gc", func(path string) (io.ReadCloser, error) {
		file, err := os.Open(from[path])
		return file, err
	})
	return c
}

// one checks one package, all of whose imports were checked.
func (c *checker) one(p listed) error {
	if len(p.CgoFiles) > 0 {
		return fmt.Errorf("%s has files with C, which are not checked: %s", p.ImportPath,
			strings.Join(p.CgoFiles, ", "))
	}
	var faults []error
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(c.files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		faults = append(faults, err)
		files = append(files, file)
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	faults = nil
	config := types.Config{
		Importer:  importing{c, p.ImportMap},
		Sizes:     types.SizesFor("gc", cmp.Or(os.Getenv("GOARCH"), runtime.GOARCH)),
		GoVersion: "go" + p.Module.GoVersion,
		Error: func(err error) {
			if len(faults) < mostTold {
				faults = append(faults, err)
			}
		},
	}
	// Its path without the test that it is for, as its files would be compiled.
	path, _, _ := strings.Cut(p.ImportPath, " [")
	// The first of the errors is returned, too.
	c.done[p.ImportPath], _ = config.Check(path, c.files, files, nil)
	return errors.Join(faults...)
}

// importing finds what one package imports.
type importing struct {
	*checker
	meant map[string]string
}

// Import implements types.Importer.
func (i importing) Import(path string) (*types.Package, error) {
	path = cmp.Or(i.meant[path], path)
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if p, ours := i.done[path]; ours {
		return p, nil
	}
	return i.foreign.Import(path)
}

package cli

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"

	"dossier.example/plan"
)

// checkOut puts the files of the commit that the working tree left a revision at into a folder. It is always the same
// folder, so that Go finds again what it compiled there, and no work tree of git's, so that nothing is left registered
// where a plan is killed.
func checkOut(ctx context.Context, root, revision, dir string) (*tree, error) {
	commit, err := leftAt(ctx, root, revision)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s (%.10s)", revision, commit)
	if strings.HasPrefix(commit, revision) {
		name = revision[:min(len(revision), 10)]
	}
	done := filepath.Join(dir, ".commit")
	if was, err := os.ReadFile(done); err == nil && string(was) == commit {
		return &tree{name: name, dir: dir}, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "git", "-C", root, "archive", "--format=tar", commit)
	said := new(bytes.Buffer)
	cmd.Stderr = said
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("taking out %s: %w", revision, err)
	}
	unpackErr := unpack(pipe, dir)
	_, _ = io.Copy(io.Discard, pipe) // so that git ends
	if err := errors.Join(cmd.Wait(), unpackErr); err != nil {
		return nil, fmt.Errorf("taking out %s: %w: %s", revision, err, strings.TrimSpace(said.String()))
	}
	return &tree{name: name, dir: dir}, os.WriteFile(done, []byte(commit), 0o644)
}

// leftAt returns the commit at which the working tree left a revision. Where the history does not tell, nothing stands
// in for it: with the revision itself the commits of others would be taken for a part of the change.
func leftAt(ctx context.Context, root, revision string) (string, error) {
	commit, err := git(ctx, root, "merge-base", "HEAD", revision)
	if err == nil {
		return commit, nil
	}
	if _, inner := git(ctx, root, "rev-parse", "--verify", "--quiet", revision+"^{commit}"); inner != nil {
		return "", fmt.Errorf("there is no revision %q here: fetch it, or name another one with BASE", revision)
	}
	if exit, is := errors.AsType[*exec.ExitError](err); !is || exit.ExitCode() != 1 {
		return "", fmt.Errorf("asking git where the working tree left %s: %w", revision, err)
	}
	if shallow, err := git(ctx, root, "rev-parse", "--is-shallow-repository"); err == nil && shallow == "true" {
		return "", fmt.Errorf("this clone is shallow, and the commit at which the working tree left %s is not in it: run "+
			"git fetch --unshallow (in a workflow: fetch-depth: 0 for actions/checkout)", revision)
	}
	return "", fmt.Errorf("the working tree and %s have no commit in common: name a revision that it comes from with BASE",
		revision)
}

// unpack writes the files of an archive of git's.
func unpack(from io.Reader, dir string) error {
	root, err := os.OpenRoot(dir) // whatever the archive says, nothing is written outside
	if err != nil {
		return err
	}
	defer root.Close()
	for archive := tar.NewReader(from); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(strings.TrimSuffix(header.Name, "/"))
		switch header.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o755)
		case tar.TypeReg:
			err = root.MkdirAll(filepath.Dir(name), 0o755)
			if err == nil {
				err = writeFile(root, name, archive, header)
			}
		case tar.TypeSymlink:
			err = root.Symlink(header.Linkname, name)
		}
		if err != nil {
			return err
		}
	}
}

func writeFile(root *os.Root, name string, from io.Reader, header *tar.Header) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, fs.FileMode(header.Mode)&0o755|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...).Output()
	return strings.TrimSpace(string(out)), err
}

// sameProgram reports whether the programs of two trees are made of the same: then one build serves both.
func sameProgram(one, other *tree) (bool, error) {
	a, err := one.fingerprint()
	if err != nil {
		return false, err
	}
	b, err := other.fingerprint()
	return a == b, err
}

// fingerprint returns a hash of all that may be compiled into the program of a tree, and a little more: the module of
// the program, and those of the workspace that it requires, directly or not.
func (t *tree) fingerprint() (string, error) {
	hash := sha256.New()
	root := os.DirFS(t.dir)
	add := func(file string) error {
		text, err := fs.ReadFile(root, file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		fmt.Fprintf(hash, "%q %d\n", file, len(text))
		hash.Write(text)
		return nil
	}
	fmt.Fprintf(hash, "%q\n", t.pulumi.Main)
	modules, err := t.modules()
	if err != nil {
		return "", err
	}
	files := []string{"go.work", "go.work.sum"}
	for _, dir := range modules.all {
		files = append(files, path.Join(dir, "go.mod"))
	}
	for _, file := range files {
		if err := add(file); err != nil {
			return "", err
		}
	}
	for _, dir := range modules.compiled {
		err := fs.WalkDir(root, dir, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir():
				if file != dir &&
					(entry.Name() == "testdata" || entry.Name() == "bin" || strings.HasPrefix(entry.Name(), ".") ||
						slices.Contains(modules.all, file)) {
					return fs.SkipDir
				}
				return nil
			case strings.HasSuffix(file, "_test.go") || !entry.Type().IsRegular():
				return nil
			}
			return add(file)
		})
		if err != nil {
			return "", fmt.Errorf("reading the sources of the program of %s: %w", t.name, err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// modules are the Go modules of a tree, by their folders relative to its root.
type modules struct {
	// all are those of the workspace and that of the program; compiled those that the program may be compiled from.
	all, compiled []string
}

// modules finds the module of the program and those of the workspace that it requires.
func (t *tree) modules() (modules, error) {
	root := os.DirFS(t.dir)
	var found modules
	program := t.pulumi.Main
	for ; program != "."; program = path.Dir(program) {
		if _, err := fs.Stat(root, path.Join(program, "go.mod")); err == nil {
			break
		}
	}
	found.all = []string{program}
	if text, err := fs.ReadFile(root, "go.work"); err == nil {
		work, err := modfile.ParseWork("go.work", text, nil)
		if err != nil {
			return found, fmt.Errorf("reading go.work of %s: %w", t.name, err)
		}
		for _, use := range work.Use {
			if dir := path.Clean(use.Path); !slices.Contains(found.all, dir) && filepath.IsLocal(dir) {
				found.all = append(found.all, dir)
			}
		}
	}
	paths, requires := map[string]string{}, map[string][]string{}
	for _, dir := range found.all {
		text, err := fs.ReadFile(root, path.Join(dir, "go.mod"))
		if err != nil {
			return found, fmt.Errorf("reading the Go modules of %s: %w", t.name, err)
		}
		mod, err := modfile.ParseLax(path.Join(dir, "go.mod"), text, nil)
		if err != nil || mod.Module == nil {
			return found, fmt.Errorf("reading %s/go.mod of %s: it names no module (%w)", dir, t.name, errors.Join(err))
		}
		paths[mod.Module.Mod.Path] = dir
		for _, r := range mod.Require {
			requires[dir] = append(requires[dir], r.Mod.Path)
		}
	}
	found.compiled = []string{program}
	for i := 0; i < len(found.compiled); i++ {
		for _, required := range requires[found.compiled[i]] {
			if dir, ours := paths[required]; ours && !slices.Contains(found.compiled, dir) {
				found.compiled = append(found.compiled, dir)
			}
		}
	}
	return found, nil
}

// madeOf tells what a program would be made of, and by which Go.
func madeOf(ctx context.Context, t *tree) (string, error) {
	sources, err := t.fingerprint()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH", "GOFLAGS")
	cmd.Dir = t.dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking Go what it is: install Go 1.26 or newer (https://go.dev/dl/): %w", err)
	}
	return sources + " " + strings.Join(strings.Fields(string(out)), " "), nil
}

// compileTime bounds a build from empty caches.
const compileTime = 30 * time.Minute

// build compiles the program of a tree into a file, unless that is there already. Where it does not compile, the tree
// says why.
func build(ctx context.Context, t *tree, file string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, compileTime, fmt.Errorf("it took more than %v", compileTime))
	defer cancel()
	made, err := madeOf(ctx, t)
	if err != nil {
		return err
	}
	note := file + ".of"
	if was, err := os.ReadFile(note); err == nil && string(was) == made {
		if _, err := os.Stat(file); err == nil {
			t.program = file
			return nil
		}
	}
	if err := os.Remove(note); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// The state of git is no part of the program. What debuggers read takes a third of the time of linking.
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", file, ".")
	cmd.Dir = filepath.Join(t.dir, t.pulumi.Main)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GOWORK=") || strings.HasPrefix(v, "PWD=")
	})
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var out []byte
	out, err = cmd.CombinedOutput()
	switch {
	case err == nil:
		t.program = file
		return os.WriteFile(note, []byte(made), 0o644)
	case ctx.Err() != nil:
		return fmt.Errorf("building the program of %s: %w", t.name, context.Cause(ctx))
	}
	if _, is := errors.AsType[*exec.ExitError](err); !is {
		return fmt.Errorf("building the program of %s: install Go 1.26 or newer (https://go.dev/dl/): %w", t.name, err)
	}
	said := strings.TrimSpace(string(out))
	if len(said) > mostSaid {
		said = strings.ToValidUTF8(said[:mostSaid], "") + "\n(cut here)"
	}
	t.fault = &plan.Fault{Kind: plan.FaultBuild, Said: said}
	return nil
}

// mostSaid is how much of what the compiler says is shown: its first messages are those that count.
const mostSaid = 8 << 10

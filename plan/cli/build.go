package cli

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

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
	done := dir + ".commit" // beside it, so that both revisions have the same files
	if was, err := os.ReadFile(done); err == nil && string(was) == commit && exists(os.DirFS(dir), ".") {
		return &tree{name: name, dir: dir}, nil
	}
	if err := errors.Join(os.RemoveAll(done), os.RemoveAll(dir)); err != nil {
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
		return "", fmt.Errorf("this clone is shallow, and the commit at which the working tree left %s is not in "+
			"it: run "+
			"git fetch --unshallow (in a workflow: fetch-depth: 0 for actions/checkout)", revision)
	}
	return "", fmt.Errorf("the working tree and %s have no commit in common: name a revision that it comes from "+
		"with BASE",
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

// madeOf tells what a program would be made of, and by which Go.
func madeOf(ctx context.Context, of *program) (string, error) {
	sources, err := of.fingerprint()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH", "GOFLAGS")
	cmd.Dir = of.dir()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking Go what it is: install Go 1.26 or newer (https://go.dev/dl/): %w", err)
	}
	return sources + " " + strings.Join(strings.Fields(string(out)), " "), nil
}

// compileTime bounds a build from empty caches.
const compileTime = 30 * time.Minute

// build compiles a program into a file, unless that is there already. Where it does not compile, the program says why.
func build(ctx context.Context, of *program, file string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, compileTime, fmt.Errorf("it took more than %v", compileTime))
	defer cancel()
	made, err := madeOf(ctx, of)
	if err != nil {
		return err
	}
	note := file + ".of"
	if was, err := os.ReadFile(note); err == nil && string(was) == made {
		if _, err := os.Stat(file); err == nil {
			of.file = file
			return nil
		}
	}
	if err := os.Remove(note); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// The state of git is no part of the program. What debuggers read takes a third of the time of linking.
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-ldflags=-s -w",
		"-tags="+strings.Join(of.config.Tags, ","), "-o", file, ".")
	cmd.Dir = of.dir()
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "GOWORK=") || strings.HasPrefix(v, "PWD=")
	})
	cmd.Env = append(cmd.Env, "GOWORK="+of.workspace())
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var out []byte
	out, err = cmd.CombinedOutput()
	switch {
	case err == nil:
		of.file = file
		return os.WriteFile(note, []byte(made), 0o644)
	case ctx.Err() != nil:
		return fmt.Errorf("building the program of %s: %w", of.tree.name, context.Cause(ctx))
	}
	if _, is := errors.AsType[*exec.ExitError](err); !is {
		return fmt.Errorf("building the program of %s: install Go 1.26 or newer (https://go.dev/dl/): %w", of.tree.name,
			err)
	}
	said := strings.TrimSpace(string(out))
	if len(said) > mostSaid {
		said = strings.ToValidUTF8(said[:mostSaid], "") + "\n(cut here)"
	}
	of.fault = &plan.Fault{Kind: plan.FaultBuild, Said: said}
	return nil
}

// mostSaid is how much of what the compiler says is shown: its first messages are those that count.
const mostSaid = 8 << 10

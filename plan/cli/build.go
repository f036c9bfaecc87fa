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
	"strings"
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
	t := &tree{name: name, dir: dir}
	if all, err := git(ctx, root, "merge-base", "--all", "HEAD", revision); err == nil && strings.Contains(all, "\n") {
		t.notes = append(t.notes, fmt.Sprintf("The working tree and %s merged each other, so they have several last "+
			"commits in common, and what one took of the other may be told as of the change: merge %[1]s to have one.",
			quoted(revision)))
	}
	done := dir + ".commit" // beside it, so that both revisions have the same files
	thin := sparse(ctx, root)
	if was, err := os.ReadFile(done); err == nil && string(was) == commit && !thin && exists(rooted(dir), ".") {
		return t, nil
	}
	if err := errors.Join(os.RemoveAll(done), os.RemoveAll(dir)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	missing, pointers, err := extract(ctx, root, commit, dir)
	if err == nil && thin {
		t.outside, err = thinOut(ctx, root, commit, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("taking out %s: %w", revision, err)
	}
	for _, m := range missing {
		why := "is not in this clone, so that is without it: run git submodule update --init --recursive (in a " +
			"workflow: submodules: recursive for actions/checkout)."
		if m.refusal != nil {
			why = "cannot be read, so that is without it. Git says: " +
				quoted(strings.Join(strings.Fields(m.refusal.Error()), " "))
		}
		t.notes = append(t.notes, fmt.Sprintf("The submodule %s of %s %s", quoted(m.name), name, why))
	}
	if len(missing) > 0 || pointers || thin {
		return t, nil // what is here may be more or less another time
	}
	return t, os.WriteFile(done, []byte(commit), 0o644)
}

// lacking is a submodule whose commit is not here, or whose clone git refuses, such as that of another user.
type lacking struct {
	name    string
	refusal error
}

// extract puts the files of a commit into a folder, with those of its submodules as far as they are in the working
// tree's clones, and returns the others. pointers tells that Git LFS keeps some of the files.
func extract(ctx context.Context, root, commit, dir string) (missing []lacking, pointers bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, false, err
	}
	// Of the tree, not of the commit: then nothing about the commit is written into files (export-subst).
	cmd := gitCommand(ctx, root, "archive", "--format=tar", commit+"^{tree}")
	cmd.Env = append(os.Environ(), "GIT_LFS_SKIP_SMUDGE=1") // nothing of it is fetched: see storage
	said := new(bytes.Buffer)
	cmd.Stderr = said
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, false, err
	}
	if err := cmd.Start(); err != nil {
		return nil, false, err
	}
	store := storageOf(ctx, root)
	unpackErr := unpack(pipe, dir, store)
	_, _ = io.Copy(io.Discard, pipe) // so that git ends
	if err := errors.Join(cmd.Wait(), unpackErr); err != nil {
		return nil, false, fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	entries, err := listed(ctx, root, commit)
	if err != nil {
		return nil, false, err
	}
	if err := complete(ctx, root, dir, entries); err != nil {
		return nil, false, err
	}
	for _, e := range entries {
		if e.mode != modeModule {
			continue
		}
		name := e.name
		at := filepath.Join(root, filepath.FromSlash(name))
		// Without a clone there, git would take what else is there for one: a change may put a repository's files
		// into the folder, with settings that have git start programs.
		if _, err := os.Lstat(filepath.Join(at, ".git")); err != nil {
			missing = append(missing, lacking{name: name})
			continue
		}
		if _, err := git(ctx, at, "cat-file", "-e", e.object+"^{commit}"); err != nil {
			_, refusal := git(ctx, at, "rev-parse", "--git-dir")
			missing = append(missing, lacking{name, refusal})
			continue
		}
		more, inside, err := extract(ctx, at, e.object, filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, false, fmt.Errorf("the submodule %s: %w", name, err)
		}
		store.used = store.used || inside
		for _, inner := range more {
			missing = append(missing, lacking{name + "/" + inner.name, inner.refusal})
		}
	}
	return missing, store.used, nil
}

// leftAt returns the commit at which the working tree left a revision. Where the history does not tell, nothing stands
// in for it: with the revision itself the commits of others would be taken for a part of the change.
func leftAt(ctx context.Context, root, revision string) (string, error) {
	commit, err := git(ctx, root, "merge-base", "HEAD", revision)
	if err == nil {
		return commit, nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("there is no git on this system, which knows the revisions: install it " +
			"(https://git-scm.com/downloads)")
	}
	if _, inner := git(ctx, root, "rev-parse", "--git-dir"); inner != nil {
		return "", fmt.Errorf("the root folder is in no repository that git can use: name another one with --root, "+
			"or do what git says: %w", inner)
	}
	if _, inner := git(ctx, root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"); inner != nil {
		return "", errors.New("this repository has no commit yet, so there is nothing to compare with: make one")
	}
	if _, inner := git(ctx, root, "rev-parse", "--verify", "--quiet", revision+"^{commit}"); inner != nil {
		return "", fmt.Errorf("there is no revision %q here: fetch it (in a workflow: fetch-depth: 0 for "+
			"actions/checkout), or name another one with --base", revision)
	}
	if exit, is := errors.AsType[*exec.ExitError](err); !is || exit.ExitCode() != 1 {
		return "", fmt.Errorf("asking git where the working tree left %s: %w", revision, err)
	}
	if shallow, err := git(ctx, root, "rev-parse", "--is-shallow-repository"); err == nil && shallow == "true" {
		return "", fmt.Errorf("this clone is shallow, and the commit at which the working tree left %s is not in "+
			"it: run git fetch --unshallow (in a workflow: fetch-depth: 0 for actions/checkout)", revision)
	}
	return "", fmt.Errorf("the working tree and %s have no commit in common: name a revision that it comes from "+
		"with --base", revision)
}

// unpack writes the files of an archive of git's, with the content of those that Git LFS keeps, where it is here.
func unpack(from io.Reader, dir string, store *storage) error {
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
				var content io.ReadCloser
				if content, err = store.content(name, archive, header.Size); err == nil {
					err = errors.Join(writeFile(root, name, content, header), content.Close())
				}
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

// gitCommand is git in a folder, so that nothing of the change is taken for settings of git's, and none of its hooks
// runs: core.hooksPath may name a folder of the repository, and a folder may look like a repository without a work
// tree.
func gitCommand(ctx context.Context, root string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "git", append([]string{"-C", root, "-c", "core.hooksPath=" + os.DevNull, "-c",
		"core.fsmonitor=false", "-c", "safe.bareRepository=explicit"}, args...)...)
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	out, err := gitCommand(ctx, root, args...).Output()
	if exit, is := errors.AsType[*exec.ExitError](err); is && len(exit.Stderr) > 0 {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return strings.TrimSpace(string(out)), err
}

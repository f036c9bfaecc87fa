package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The kinds of entries of a commit, as git calls them.
const (
	modeExecutable = "100755"
	modeLink       = "120000"
	modeModule     = "160000"
)

// entry is a file, a link or a submodule of a commit.
type entry struct{ mode, object, name string }

// listed are the entries of a commit, by names within the folder.
func listed(ctx context.Context, root, commit string) ([]entry, error) {
	text, err := git(ctx, root, "ls-tree", "-r", "-z", commit)
	if err != nil {
		return nil, fmt.Errorf("listing its files: %w", err)
	}
	var entries []entry
	for line := range strings.SplitSeq(text, "\x00") {
		about, name, _ := strings.Cut(line, "\t")
		fields := strings.Fields(about)
		if len(fields) < 3 || !filepath.IsLocal(filepath.FromSlash(name)) {
			continue
		}
		entries = append(entries, entry{mode: fields[0], object: fields[2], name: name})
	}
	return entries, nil
}

// complete writes the files of a commit that git leaves out of archives (export-ignore).
func complete(ctx context.Context, root, dir string, entries []entry) (err error) {
	to, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer to.Close()
	var missing []entry
	var ask strings.Builder
	for _, e := range entries {
		if _, err := to.Lstat(filepath.FromSlash(e.name)); e.mode == modeModule || !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		missing = append(missing, e)
		ask.WriteString(e.object + "\n")
	}
	if len(missing) == 0 {
		return nil
	}
	cmd := gitCommand(ctx, root, "cat-file", "--batch")
	cmd.Stdin = strings.NewReader(ask.String())
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_, _ = io.Copy(io.Discard, pipe) // so that git ends
		err = errors.Join(err, cmd.Wait())
	}()
	from := bufio.NewReader(pipe)
	for _, e := range missing {
		if err := e.copy(from, to); err != nil {
			return fmt.Errorf("taking out %s: %w", e.name, err)
		}
	}
	return nil
}

// copy writes the entry's file from what git says of its object: a line with its size, and its bytes.
func (e entry) copy(from *bufio.Reader, to *os.Root) error {
	about, err := from.ReadString('\n')
	if err != nil {
		return err
	}
	about = strings.TrimSpace(about)
	size, err := strconv.ParseInt(about[strings.LastIndexByte(about, ' ')+1:], 10, 64)
	if err != nil {
		return fmt.Errorf("git says %q of it", about)
	}
	name := filepath.FromSlash(e.name)
	if err := to.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	bytes := io.LimitReader(from, size)
	if e.mode == modeLink {
		target, err := io.ReadAll(bytes)
		if err == nil {
			err = to.Symlink(string(target), name)
		}
		if err != nil {
			return err
		}
	} else {
		mode := fs.FileMode(0o644)
		if e.mode == modeExecutable {
			mode = 0o755
		}
		f, err := to.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, bytes); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	_, err = from.Discard(1) // the end of the line
	return err
}

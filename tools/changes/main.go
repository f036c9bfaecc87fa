// Changes opens one of the changes of docs/ten-changes.md in a copy of the tree, and keeps what was edited there.
//
//	go run ./changes open 04-throttle-alarm
//	go run ./changes keep 04-throttle-alarm
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, "..", os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "changes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, from string, args []string, out io.Writer) error {
	root, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, patches)); err != nil {
		return fmt.Errorf("run this in the folder tools: %w", err)
	}
	if len(args) != 2 {
		return errors.New("usage: open CHANGE, or keep CHANGE; " + example)
	}
	c, err := named(root, args[1])
	if err != nil {
		return err
	}
	t := &tree{dir: filepath.Join(root, "bin", "changes", "open", c.name), ctx: ctx}
	switch args[0] {
	case "open":
		return open(t, root, c, out)
	case "keep":
		return keep(t, root, c, out)
	}
	return fmt.Errorf("%q is neither open nor keep", args[0])
}

const example = "make change CHANGE=04-throttle-alarm"

// nameForm keeps the copy and the patch in their folders: a copy's folder is emptied before it is filled.
var nameForm = regexp.MustCompile(`\A[0-9]{2}-[a-z0-9-]+\z`)

// named returns the change of that name, or an error that lists those that exist.
func named(root, name string) (change, error) {
	c := change{name: name}
	if nameForm.MatchString(name) {
		if _, err := os.Stat(c.path(root)); err == nil {
			return c, nil
		}
	}
	all, err := filepath.Glob(filepath.Join(root, patches, "*.patch"))
	if err != nil {
		return c, err
	}
	list := "there is none in " + patches
	if len(all) > 0 {
		for i, path := range all {
			all[i] = strings.TrimSuffix(filepath.Base(path), ".patch")
		}
		list = "choose one of\n  " + strings.Join(all, "\n  ")
	}
	if name == "" {
		return c, fmt.Errorf("CHANGE is needed, as in %s; %s", example, list)
	}
	return c, fmt.Errorf("CHANGE=%s: not the name of a change; %s", name, list)
}

// open copies the tree and applies as much of the patch as fits, unless that would replace somebody's edits.
func open(t *tree, root string, c change, out io.Writer) error {
	if _, err := os.Lstat(t.dir); err == nil {
		if same, err := t.asOpened(); err != nil {
			return fmt.Errorf("%s is in the way, and whether anybody edited it is unknown; remove it (rm -r %s): %w",
				t.dir, t.dir, err)
		} else if !same {
			return fmt.Errorf("%s has edits, which opening it again would discard; keep them (make change CHANGE=%s "+
				"KEEP=yes), or throw them away (rm -r %s)", t.dir, c.name, t.dir)
		}
	}
	t, err := copyTree(t.ctx, root, t.dir)
	if err != nil {
		return err
	}
	_, misfit := t.git("apply", "--whitespace=nowarn", "--reject", c.path(root))
	if err := t.markOpened(); err != nil {
		return err
	}
	if misfit != nil {
		fmt.Fprintf(out, "%s has the tree and what of the change still fits; the rest is in files *.rej\n%v\n", t.dir,
			misfit)
		return nil
	}
	fmt.Fprintf(out, "%s has the tree with the change\n", t.dir)
	return nil
}

// keep writes the patch anew from what differs in the opened copy, if anybody edited it. Its head stays.
func keep(t *tree, root string, c change, out io.Writer) error {
	if _, err := os.Lstat(t.dir); err != nil {
		return fmt.Errorf("open the change first (make change CHANGE=%s): %w", c.name, err)
	}
	path := c.path(root)
	if same, err := t.asOpened(); err != nil {
		return fmt.Errorf("%s is no copy that was opened; remove it (rm -r %s), and open the change: %w", t.dir, t.dir,
			err)
	} else if same {
		rejected, err := t.git("ls-files", "*.rej")
		if err != nil {
			return err
		}
		if rejected != "" {
			return fmt.Errorf("%s lacks what did not fit and is in files *.rej; finish it there first:\n%s", t.dir,
				rejected)
		}
		fmt.Fprintf(out, "%s is as it was opened; the patch stays as it is\n", t.dir)
		return nil
	}
	diff, err := t.diff()
	if err != nil {
		return err
	}
	if diff == "" {
		return fmt.Errorf("nothing of the change is left in %s; a patch must change something", t.dir)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(header(text), diff...), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is written anew\n", path)
	return t.markOpened()
}

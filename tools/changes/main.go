// Changes opens one of the changes of docs/ten-changes.md in a copy of the tree, and keeps what was edited there.
//
//	go run ./changes open 04-throttle-alarm
//	go run ./changes keep 04-throttle-alarm
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "changes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, patches)); err != nil {
		return fmt.Errorf("run this in the folder tools: %w", err)
	}
	if len(args) != 2 {
		return errors.New("usage: open NAME, or keep NAME; NAME is that of a file in " + patches + ", without .patch")
	}
	c := change{name: args[1]}
	dir := filepath.Join(root, "bin", "changes", "open", c.name)
	switch args[0] {
	case "open":
		return open(ctx, root, dir, c)
	case "keep":
		return keep(ctx, root, dir, c)
	}
	return fmt.Errorf("%q is neither open nor keep", args[0])
}

// open copies the tree and applies as much of the patch as fits. A patch that does not exist yet is begun.
func open(ctx context.Context, root, dir string, c change) error {
	t, err := copyTree(ctx, root, dir)
	if err != nil {
		return err
	}
	path := c.path(root)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		fmt.Printf("%s has the tree; %s does not exist yet\n", dir, path)
		return nil
	}
	if _, err := t.git("apply", "--whitespace=nowarn", "--reject", path); err != nil {
		fmt.Printf("%s has the tree and what of the change still fits; the rest is in files *.rej\n%v\n", dir, err)
		return nil
	}
	fmt.Printf("%s has the tree with the change\n", dir)
	return nil
}

// keep writes the patch anew from what differs in the opened copy. Its head stays.
func keep(ctx context.Context, root, dir string, c change) error {
	t := &tree{dir: dir, ctx: ctx}
	diff, err := t.diff()
	if err != nil {
		return err
	}
	if diff == "" {
		return fmt.Errorf("nothing differs in %s", dir)
	}
	path := c.path(root)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte("Change: TITLE\nGoal: 1\nGenerate: COMMAND\nGenerated: FILES\nTest: COMMAND\n\n")
	} else if err != nil {
		return err
	}
	return os.WriteFile(path, append(header(text), diff...), 0o644)
}

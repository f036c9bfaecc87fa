// Command settingstable writes a table into a Markdown file, between the lines "<!-- TABLE -->" and "<!-- /TABLE -->":
// settings (all settings), limits (the settings that bound how much, how often and how long) or bounds (what runs at
// once). "make generate" runs it; a check fails when a table is stale.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"dossier.example/app/bounds"
	"dossier.example/app/config"
)

// tables are those that can be written.
var tables = map[string]func(io.Writer) error{
	"settings": config.Markdown,
	"limits":   config.LimitsMarkdown,
	"bounds": func(w io.Writer) error {
		_, err := io.WriteString(w, bounds.Markdown())
		return err
	},
}

func main() {
	if len(os.Args) != 3 || tables[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: settingstable settings|limits|bounds FILE.md")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "settingstable:", err)
		os.Exit(1)
	}
}

func run(table, path string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := []byte("<!-- "+table+" -->\n"), []byte("<!-- /"+table+" -->")
	i, j := bytes.Index(old, begin), bytes.Index(old, end)
	if i < 0 || j < i {
		return fmt.Errorf("%s has no lines %q and %q in this order", path, begin, end)
	}
	var b bytes.Buffer
	b.Write(old[:i+len(begin)])
	b.WriteString("\n")
	if err := tables[table](&b); err != nil {
		return err
	}
	b.WriteString("\n")
	b.Write(old[j:])
	if bytes.Equal(b.Bytes(), old) {
		return nil
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

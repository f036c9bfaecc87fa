// Command settingstable writes the table of settings into a Markdown file, between the lines "<!-- settings -->" and
// "<!-- /settings -->". "make generate" runs it; a check fails when the table is stale.
package main

import (
	"bytes"
	"fmt"
	"os"

	"dossier.example/app/config"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: settingstable FILE.md")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "settingstable:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := []byte("<!-- settings -->\n"), []byte("<!-- /settings -->")
	i, j := bytes.Index(old, begin), bytes.Index(old, end)
	if i < 0 || j < i {
		return fmt.Errorf("%s has no lines %q and %q in this order", path, begin, end)
	}
	var b bytes.Buffer
	b.Write(old[:i+len(begin)])
	b.WriteString("\n")
	if err := config.Markdown(&b); err != nil {
		return err
	}
	b.WriteString("\n")
	b.Write(old[j:])
	if bytes.Equal(b.Bytes(), old) {
		return nil
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

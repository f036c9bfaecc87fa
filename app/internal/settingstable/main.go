// Command settingstable writes a table into a Markdown file: that of the settings between the lines "<!-- settings -->"
// and "<!-- /settings -->", or that of the bounds between "<!-- bounds -->" and "<!-- /bounds -->". "make generate"
// runs it; a check fails when a table is stale.
package main

import (
	"bytes"
	"fmt"
	"os"

	"dossier.example/app/bounds"
	"dossier.example/app/config"
)

func main() {
	if len(os.Args) != 3 || (os.Args[1] != "settings" && os.Args[1] != "bounds") {
		fmt.Fprintln(os.Stderr, "usage: settingstable settings|bounds FILE.md")
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
	if table == "bounds" {
		b.WriteString(bounds.Markdown())
	} else if err := config.Markdown(&b); err != nil {
		return err
	}
	b.WriteString("\n")
	b.Write(old[j:])
	if bytes.Equal(b.Bytes(), old) {
		return nil
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

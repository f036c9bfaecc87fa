// Document writes the rules of package rules to the file that its argument names.
package main

import (
	"fmt"
	"os"

	"dossier.example/infra/rules"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: document <file>")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(rules.Document()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

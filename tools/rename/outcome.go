package main

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// outcome is what was done, and what is left to people.
type outcome struct {
	renaming
	changed, moved int
	// remain are the places that still have the old name, pictures the files that may show it.
	remain, pictures []string
	// there are the files that people have to edit.
	there []string
}

// persons are the files that no program can write for people.
var persons = []struct{ file, todo string }{
	{"LICENSE", "keeps its notice, as the license requires; add a line for your own work"},
	{"CHANGELOG.md", "lists the releases of the project you started from; begin your own"},
	{"SECURITY.md", "promises answers and fixes in your name; promise what you can keep"},
	{".github/CODEOWNERS", "is a sample; name who reviews what"},
	{"Pulumi.prod.yaml", "has an example's domain, hosted zone and mail address; replace them"},
}

// look adds a file to the outcome.
func (o *outcome) look(old, made file) {
	if old.path != made.path {
		o.moved++
	}
	if old.text != made.text {
		o.changed++
	}
	if slices.ContainsFunc(persons, func(p struct{ file, todo string }) bool { return p.file == made.path }) {
		o.there = append(o.there, made.path)
	}
	if path.Ext(made.path) == ".png" && strings.HasPrefix(made.path, "docs/") {
		o.pictures = append(o.pictures, made.path)
	}
	for range o.remains(made.path) {
		o.remain = append(o.remain, made.path)
	}
	for _, i := range o.remains(made.text) {
		o.remain = append(o.remain, place(made.path, made.text, i))
	}
}

// write reports the outcome.
func (o *outcome) write(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Renamed %s to %s, the modules below %s to %s, and %q to %q: %d files changed, %d moved.",
		o.from.name, o.to.name, o.from.module, o.to.module, o.from.title, o.to.title, o.changed, o.moved)
	if len(o.remain) > 0 {
		line("\nThe old name is still part of other words. Check each:")
		for _, at := range slices.Compact(o.remain) {
			line("  %s", at)
		}
	}
	line("\nLeft to you:")
	for _, p := range persons {
		if slices.Contains(o.there, p.file) {
			line("  %s %s.", p.file, p.todo)
		}
	}
	if len(o.pictures) > 0 {
		line("  %s may show the old name; run \"make pictures\".", strings.Join(o.pictures, ", "))
	}
	line("  Stacks, databases and data folders that exist under the old name are not migrated.")
	line("\nThen run \"make generate\", because hashes and shortened values in some generated files depend on the name;")
	line("run \"make test\", review \"git diff\", and commit with \"git add --all\".")
	_, err := io.WriteString(w, b.String())
	return err
}

// Package docstest keeps the generated parts of documents true: a test compares them with what the program gives, and
// writes that when it is run with -update.
package docstest

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated parts of documents anew")

// Section is the part of a file between the lines "<!-- name -->" and "<!-- /name -->".
func Section(t *testing.T, file, name, want string) {
	t.Helper()
	open, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	have := read(t, file)
	before, rest, opened := strings.Cut(have, open)
	_, after, closed := strings.Cut(rest, end)
	if !opened || !closed || strings.Contains(rest, open) || strings.Contains(after, end) {
		t.Fatalf("%s does not have one line %q, and then one %q", file, open, end)
	}
	compare(t, file, have, before+open+"\n"+want+"\n"+end+after)
}

// File is a whole file.
func File(t *testing.T, file, want string) {
	t.Helper()
	compare(t, file, read(t, file), want)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func compare(t *testing.T, file, have, want string) {
	t.Helper()
	switch {
	case have == want:
	case *update:
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the program gives; \"make generate\", or this test with -update, writes it anew. "+
			"It should say\n%s", file, difference(have, want))
	}
}

// difference returns the first line of what there should be that is not there.
func difference(have, want string) string {
	lines := strings.Split(have, "\n")
	for i, line := range strings.Split(want, "\n") {
		if i == len(lines) || line != lines[i] {
			return line
		}
	}
	return "nothing after line " + strconv.Itoa(strings.Count(want, "\n"))
}

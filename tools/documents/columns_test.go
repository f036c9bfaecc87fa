package documents_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The lengths of the names with which the lines were wrapped.
const (
	nameLength   = 7
	moduleLength = 15
)

// wrappedNames replaces the project's names by others of the lengths with which the lines were wrapped.
func wrappedNames(name, title, module string) *strings.Replacer {
	short, long := strings.Repeat("x", nameLength), strings.Repeat("x", moduleLength)
	return strings.NewReplacer(module, long, title, short, name, short, strings.ToUpper(name), short,
		strings.ToUpper(name[:1])+name[1:], short)
}

var (
	projectName   = regexp.MustCompile(`(?m)^name: (\S+)$`)
	projectTitle  = regexp.MustCompile(`(?m)^  title: (.+)$`)
	projectModule = regexp.MustCompile(`(?m)^module (\S+)/app$`)
)

// ownNames is wrappedNames for the names of this project, which "make new" may have changed.
func ownNames(t *testing.T) *strings.Replacer {
	t.Helper()
	first := func(form *regexp.Regexp, file string) string {
		t.Helper()
		m := form.FindStringSubmatch(read(t, file))
		if m == nil {
			t.Fatalf("%s has no line %s", file, form)
		}
		return m[1]
	}
	return wrappedNames(first(projectName, "Pulumi.yaml"), first(projectTitle, "app/api/openapi.yaml"),
		first(projectModule, "app/go.mod"))
}

// most is how many columns a line of a comment or of a document may have; a tab counts four.
const most = 120

// TestColumns: neither a comment nor a paragraph of a document is wider than an editor beside a terminal shows. No line
// gets too wide by a longer name of the project.
func TestColumns(t *testing.T) {
	names := ownNames(t)
	walk(t, func(name string, folder bool) {
		if folder || generatedFile(name) {
			return
		}
		var wide []string
		switch ext := path.Ext(name); {
		case ext == ".md":
			wide = wideProse(names, read(t, name))
		case slices.Contains([]string{".go", ".js", ".mjs"}, ext):
			wide = wideComments(names, read(t, name), "//", "*")
		case slices.Contains([]string{".sh", ".bash", ".yml", ".yaml"}, ext), path.Base(name) == "Makefile",
			path.Dir(name) == "tools" && ext == "":
			wide = wideComments(names, read(t, name), "#")
		}
		for _, line := range wide {
			t.Errorf("%s:%s", name, line)
		}
	})
}

// generatedFile reports whether a program writes a file, or others wrote it.
func generatedFile(name string) bool {
	return strings.HasPrefix(name, "app/web/static/") || strings.HasSuffix(name, ".gen.go")
}

// wideComments returns the comments wider than most, with their lines' numbers. A word that alone is too wide, such as
// an address, cannot be wrapped.
func wideComments(names *strings.Replacer, text string, marks ...string) (wide []string) {
	for i, line := range strings.Split(text, "\n") {
		begins := func(mark string) bool { return strings.HasPrefix(strings.TrimSpace(line), mark) }
		if !slices.ContainsFunc(marks, begins) || strings.HasPrefix(line, "//go:") || strings.HasPrefix(line, "#!") {
			continue
		}
		if tooWide(names, line) {
			wide = append(wide, fmt.Sprintf("%d: %s", i+1, line))
		}
	}
	return wide
}

// wideProse is wideComments for a Markdown document: its tables, blocks of code and generated parts are left out.
func wideProse(names *strings.Replacer, text string) (wide []string) {
	if strings.Contains(text, "<!-- Generated from ") {
		return nil
	}
	code, generated := false, ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```"):
			code = !code
		case strings.HasPrefix(trimmed, "<!-- /"):
			generated = ""
		case strings.HasPrefix(trimmed, "<!-- "):
			generated = trimmed
		case code, generated != "", strings.HasPrefix(trimmed, "|"), strings.HasPrefix(trimmed, "!["):
		case tooWide(names, line):
			wide = append(wide, fmt.Sprintf("%d: %s", i+1, line))
		}
	}
	return wide
}

func tooWide(names *strings.Replacer, line string) bool {
	if strings.Contains(line, "://") {
		return false
	}
	line = strings.ReplaceAll(line, "\t", "    ")
	return min(utf8.RuneCountInString(line), utf8.RuneCountInString(names.Replace(line))) > most
}

// TestTables: no table of a document was wrapped into a paragraph.
func TestTables(t *testing.T) {
	walk(t, func(name string, folder bool) {
		if folder || path.Ext(name) != ".md" {
			return
		}
		for i, line := range strings.Split(read(t, name), "\n") {
			if strings.Contains(line, "| --- |") && strings.Trim(line, "|-: ") != "" {
				t.Errorf("%s:%d: a table within a line: %s", name, i+1, line)
			}
		}
	})
}

func TestWideLines(t *testing.T) {
	names := wrappedNames("harborfile", "Harbor Files", "github.com/harbor/files")
	wide := strings.Repeat("word ", 25)
	for _, text := range []string{"// " + wide, "\t\t// " + strings.Repeat("x", 111), "x := 1\n// " + wide + "\ny := 2"} {
		if len(wideComments(names, text, "//")) != 1 {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{"x := 1 // " + wide, "//go:generate " + wide, "// https://example.org/" + wide,
		"// short"} {
		if found := wideComments(names, text, "//"); len(found) > 0 {
			t.Errorf("%q does not pass: %v", text, found)
		}
	}
	if len(wideProse(names, wide)) != 1 || len(wideProse(names, "- "+wide)) != 1 {
		t.Error("a wide paragraph or item passes")
	}
	for _, text := range []string{"| " + wide + "|", "```\n" + wide + "\n```",
		"<!-- costs -->\n" + wide + "\n<!-- /costs -->", "[" + wide + "](https://example.org)"} {
		if found := wideProse(names, text); len(found) > 0 {
			t.Errorf("%q does not pass: %v", text, found)
		}
	}
	// Lines that were wrapped with other names are not wider with these.
	for _, line := range []string{
		"// " + strings.Repeat("harborfile ", 14) + "wider",
		"// HarborfileLimits of Harbor Files: " + strings.Repeat("HARBORFILE ", 10),
		"// " + strings.Repeat("github.com/harbor/files/app ", 5),
	} {
		if found := wideComments(names, line, "//"); len(found) > 0 {
			t.Errorf("the names count as they are long in %q", found)
		}
	}
	if line := "// " + strings.Repeat("harborfile ", 15); len(wideComments(names, line, "//")) != 1 {
		t.Errorf("%q passes", line)
	}
}

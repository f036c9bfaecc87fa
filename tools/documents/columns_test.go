package documents_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// most is how many columns a line of a comment or of a document may have; a tab counts four.
const most = 120

// TestColumns: neither a comment nor a paragraph of a document is wider than an editor beside a terminal shows.
func TestColumns(t *testing.T) {
	walk(t, func(name string, folder bool) {
		if folder || generatedFile(name) {
			return
		}
		var wide []string
		switch ext := path.Ext(name); {
		case ext == ".md":
			wide = wideProse(read(t, name))
		case slices.Contains([]string{".go", ".js", ".mjs"}, ext):
			wide = wideComments(read(t, name), "//", "*")
		case slices.Contains([]string{".sh", ".bash", ".yml", ".yaml"}, ext), path.Base(name) == "Makefile",
			path.Dir(name) == "tools" && ext == "":
			wide = wideComments(read(t, name), "#")
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
func wideComments(text string, marks ...string) (wide []string) {
	for i, line := range strings.Split(text, "\n") {
		begins := func(mark string) bool { return strings.HasPrefix(strings.TrimSpace(line), mark) }
		if !slices.ContainsFunc(marks, begins) || strings.HasPrefix(line, "//go:") || strings.HasPrefix(line, "#!") {
			continue
		}
		if tooWide(line) {
			wide = append(wide, fmt.Sprintf("%d: %s", i+1, line))
		}
	}
	return wide
}

// wideProse is wideComments for a Markdown document: its tables, blocks of code and generated parts are left out.
func wideProse(text string) (wide []string) {
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
		case tooWide(line):
			wide = append(wide, fmt.Sprintf("%d: %s", i+1, line))
		}
	}
	return wide
}

func tooWide(line string) bool {
	return utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")) > most && !strings.Contains(line, "://")
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
	wide := strings.Repeat("word ", 25)
	for _, text := range []string{"// " + wide, "\t\t// " + strings.Repeat("x", 111), "x := 1\n// " + wide + "\ny := 2"} {
		if len(wideComments(text, "//")) != 1 {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{"x := 1 // " + wide, "//go:generate " + wide, "// https://example.org/" + wide,
		"// short"} {
		if found := wideComments(text, "//"); len(found) > 0 {
			t.Errorf("%q does not pass: %v", text, found)
		}
	}
	if len(wideProse(wide)) != 1 || len(wideProse("- "+wide)) != 1 {
		t.Error("a wide paragraph or item passes")
	}
	for _, text := range []string{"| " + wide + "|", "```\n" + wide + "\n```",
		"<!-- costs -->\n" + wide + "\n<!-- /costs -->", "[" + wide + "](https://example.org)"} {
		if found := wideProse(text); len(found) > 0 {
			t.Errorf("%q does not pass: %v", text, found)
		}
	}
}

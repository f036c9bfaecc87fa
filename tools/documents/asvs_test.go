package documents_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	asvsRow  = regexp.MustCompile(`^\| (\d+\.\d+\.\d+) \| ([a-z ]+) \| (.+) \|$`)
	asvsCode = regexp.MustCompile("`([^`]+)`")
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	pageLink = regexp.MustCompile(`\]\([\w./#-]+\)`)
)

// TestASVS: docs/asvs.md answers every requirement of its chapters once; what it calls met names tests that are there,
// or the page that the requirement asks for.
func TestASVS(t *testing.T) {
	var want []string
	for line := range strings.Lines(read(t, "tools/documents/testdata/asvs-5.0.0.txt")) {
		if !strings.HasPrefix(line, "#") {
			want = append(want, strings.TrimSpace(line))
		}
	}
	if len(want) < 100 {
		t.Fatalf("only %d requirements are listed", len(want))
	}
	tests := map[string][]string{}
	var got []string
	for line := range strings.Lines(read(t, "docs/asvs.md")) {
		m := asvsRow.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		id, state, words := m[1], m[2], m[3]
		got = append(got, id)
		folder, named := "", 0
		for _, code := range firsts(asvsCode, words) {
			switch {
			case strings.HasPrefix(code, "app") || strings.HasPrefix(code, "infra") || strings.HasPrefix(code, "tools"):
				folder = code
			case strings.HasPrefix(code, "Test"):
				if _, known := tests[folder]; !known {
					tests[folder] = testsOf(t, folder)
				}
				if !slices.Contains(tests[folder], code) {
					t.Errorf("%s: there is no %s in %q", id, code, folder)
				}
				named++
			}
		}
		switch state {
		case "met":
			if named == 0 && !pageLink.MatchString(words) {
				t.Errorf("%s is met, and names neither a test nor a page", id)
			}
		case "not applicable", "open":
			if len(strings.Fields(words)) < 3 {
				t.Errorf("%s is %s, and does not say why", id, state)
			}
		default:
			t.Errorf("%s: %q is no state", id, state)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the page answers\n%q\nwant\n%q", got, want)
	}
}

// testsOf returns the tests in a folder.
func testsOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Errorf("%q has no tests (%v)", folder, err)
	}
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, firsts(testFunc, read(t, name))...)
	}
	return names
}

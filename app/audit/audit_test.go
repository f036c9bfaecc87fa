package audit_test

import (
	"strings"
	"testing"

	"dossier.example/app/audit"
	"dossier.example/app/docstest"
)

func TestActions(t *testing.T) {
	seen := map[string]audit.Action{}
	for _, a := range audit.Actions() {
		if !a.Known() || len(a) > 32 || string(a) != strings.ToLower(string(a)) {
			t.Errorf("%q is no name of an action", a)
		}
		if other, there := seen[a.Text()]; there || a.Text() == "" || a.Text() == string(a) {
			t.Errorf("%q and %q say %q", a, other, a.Text())
		}
		seen[a.Text()] = a
	}
	if a := audit.Action("later.release"); a.Known() || a.Changes() || a.Text() != "later.release" {
		t.Errorf("an action of another release: %v, %v, %q", a.Known(), a.Changes(), a.Text())
	}
}

// The cursor of a page's link comes back from anybody.
func FuzzParseCursor(f *testing.F) {
	f.Add(audit.CursorOf(audit.Entry{Sequence: 3, Chain: audit.Chain{1}}).String())
	f.Add("")
	f.Add("1.1.x")
	f.Add("-9223372036854775808.1.00000000-0000-0000-0000-000000000000")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := audit.ParseCursor(text)
		if err == nil && c.String() != text {
			t.Errorf("%q is read as %q", text, c)
		}
	})
}

// Hashes and chains come from rows, and from the command line.
func FuzzParse(f *testing.F) {
	f.Add(audit.Hash{1}.String())
	f.Add(audit.Chain{2}.String())
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := audit.ParseHash(text); err == nil && h.String() != text {
			t.Errorf("%q is read as the hash %q", text, h)
		}
		if c, err := audit.ParseChain(text); err == nil && c.String() != text {
			t.Errorf("%q is read as the chain %q", text, c)
		}
	})
}

func TestDocuments(t *testing.T) {
	docstest.Section(t, "../../docs/audit.md", "actions", audit.Markdown())
}

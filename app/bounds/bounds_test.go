package bounds

import (
	"strings"
	"testing"

	"dossier.example/app/docstest"
)

func TestDocuments(t *testing.T) {
	docstest.Section(t, "../../docs/limits.md", "bounds", Markdown())
}

func TestSettings(t *testing.T) {
	var b Bounds
	seen := map[string]bool{}
	for i, s := range Settings() {
		if *s.Field(&b) != 0 {
			t.Errorf("%s: its field is that of another setting", s.Name)
		}
		*s.Field(&b) = i + 1
		if s.Preset < s.Least || s.Preset > s.Most || seen[s.Name] || !strings.HasSuffix(s.Doc, ".") ||
			!strings.HasSuffix(s.Why, ".") ||
			strings.Contains(s.Doc+s.Why, "|") {
			t.Errorf("%+v", s)
		}
		seen[s.Name] = true
	}
	d := Default()
	for name, share := range map[string]Share{"JSON": d.JSON, "forms": d.Forms, "archives": d.Archives,
		"completions": d.Completions} {
		// Else one client is all.
		if share.Client*2 > share.All {
			t.Errorf("%s: one client may have %d of %d", name, share.Client, share.All)
		}
	}
}

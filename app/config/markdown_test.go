package config

import (
	"strings"
	"testing"

	"dossier.example/app/bounds"
	"dossier.example/app/docstest"
	"dossier.example/app/setting"
)

func TestMarkdown(t *testing.T) {
	table := Markdown()
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	if len(lines) != 2+len(settings()) {
		t.Fatalf("%d lines for %d settings", len(lines), len(settings()))
	}
	for i, line := range lines {
		if strings.Count(line, "|") != 5 || strings.ContainsAny(line, "<>") || strings.Count(line, "`")%2 != 0 {
			t.Errorf("not a row of four cells: %s", line)
		}
		if i < 2 {
			continue
		}
		s := settings()[i-2]
		cells := strings.Split(line, " | ")
		if !strings.HasSuffix(cells[0], "`"+s.env+"`") || !strings.Contains(line, s.doc) ||
			!strings.Contains(line, s.Allowed) ||
			strings.Contains(line, "Secret.") != s.Secret {
			t.Errorf("%s: row %s", s.env, line)
		}
	}
	for _, want := range []string{
		"| `DOSSIER_MAX_FILE_SIZE` | `max-file-size` | `" + setting.Bytes(bounds.FileBytes) +
			"` | Size of the largest " +
			"file accepted. Allowed: a size such as 5GiB, 500MB or 1048576, from 1 byte to 48.8 GiB (10,000 parts " +
			"of 5 MiB). |",
		"| `DOSSIER_LISTEN` |  | `localhost:8080` |",
		"| `text`, with `DOSSIER_PARAMETERS` `json` |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %s in\n%s", want, table)
		}
	}
}

func TestDocuments(t *testing.T) {
	docstest.Section(t, "../../docs/app-settings.md", "settings", Markdown())
	docstest.Section(t, "../../docs/limits.md", "limits", LimitsMarkdown())
}

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPrices: prices are those of the flag, or of the configuration's file, which no link leads out of the repository.
func TestPrices(t *testing.T) {
	const good = `{"form": 1, "date": "2026-10", "source": "a test",
		"regions": {"eu-central-1": {"nat": 0.052}}}`
	elsewhere := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(elsewhere, []byte(strings.ReplaceAll(good, "2026-10", "2026-11")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, was, is, flag string
		link                bool
		date, note, wrong   string
	}{
		{name: "the built-in ones"},
		{name: "a file of the repository", was: good, is: good, date: "2026-10"},
		{name: "the flag comes first", is: good, flag: elsewhere, date: "2026-11"},
		{name: "a file that changes", was: "{}", is: good, date: "2026-10", note: "is part of the change"},
		{name: "a new file", is: good, date: "2026-10"},
		{name: "no prices", is: "{}", wrong: "prices.json: reading the prices: the file is of form 0"},
		{name: "a flag that leads nowhere", flag: filepath.Join(filepath.Dir(elsewhere), "none"),
			wrong: "no such file"},
		{name: "a link out of the repository", link: true, wrong: "reading the prices, prices.json: path escapes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := &tree{dir: t.TempDir()}, &tree{dir: t.TempDir(), over: overrides{prices: c.flag}}
			for dir, text := range map[string]string{base.dir: c.was, head.dir: c.is} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, "prices.json"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.link {
				if err := os.Symlink(elsewhere, filepath.Join(head.dir, "prices.json")); err != nil {
					t.Skipf("this system has no links: %v", err)
				}
			}
			if c.is != "" || c.link {
				head.config.Prices = "prices.json"
			}
			table, err := head.prices(base)
			switch {
			case c.wrong != "":
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Fatalf("got %v, want %q", err, c.wrong)
				}
				return
			case err != nil:
				t.Fatal(err)
			case (table == nil) != (c.date == "") || table != nil && table.Date != c.date:
				t.Errorf("got %+v, want those of %q", table, c.date)
			}
			if notes := strings.Join(head.notes, "\n"); !strings.Contains(notes, c.note) ||
				c.note == "" && notes != "" {
				t.Errorf("the notes are %q, want %q", notes, c.note)
			}
		})
	}
}

package people

import (
	"path/filepath"
	"testing"
	"unicode/utf8"

	"dossier.example/app/storetest"
)

func TestSuccessor(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"a", "b"},
		{"ann", "ano"},
		{"a\x7f", "a\u0080"},
		{"\u07ff", "\u0800"},
		{"a\uD7FF", "a\uE000"},
		{"\uFFFF", "\U00010000"},
		{"a\U0010FFFF", "b"},
		{"\uD7FF\U0010FFFF\U0010FFFF", "\uE000"},
		{"\U0010FFFF", ""},
	} {
		got := successor(c.in)
		if got != c.want || !utf8.ValidString(got) {
			t.Errorf("successor of %q: got %q, want %q", c.in, got, c.want)
		}
	}
}

// Whichever way a search finds its pages, it finds the same. The bounds decide on the way, and are small here.
func searchWays(t *testing.T, s *Store) {
	people := storetest.Listed(t, s)
	for _, bounds := range []searchBounds{
		defaultBounds,
		{sorted: 16, tested: 4, merged: 4, walked: 8, examined: 24},
		{sorted: 5, tested: 3, merged: 1, walked: 1000, examined: 1000},
		{sorted: 5, tested: 3, merged: 1, walked: 5, examined: 1000},
		{sorted: 1, tested: 1, merged: 100, walked: 1000, examined: 7},
	} {
		s.bounds = bounds
		t.Logf("%+v", bounds)
		people.Check(t, s, 20, bounds == defaultBounds)
	}
}

func TestSQLiteSearchWays(t *testing.T) {
	searchWays(t, openSQLite(t, filepath.Join(t.TempDir(), "people.db")))
}

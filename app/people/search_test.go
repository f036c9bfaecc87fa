package people

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"dossier.example/app"
	"dossier.example/app/storetest"
	"gorm.io/gorm"
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
		{sorted: 16, tested: 4, merged: 4, gathered: 30, walked: 8, examined: 24},
		{sorted: 5, tested: 3, merged: 1, gathered: 100, walked: 1000, examined: 1000},
		{sorted: 5, tested: 3, merged: 1, gathered: 5, walked: 5, examined: 1000},
		{sorted: 1, tested: 1, merged: 100, gathered: 9, walked: 1000, examined: 7},
	} {
		s.bounds = bounds
		t.Logf("%+v", bounds)
		people.Check(t, s, 20, bounds == defaultBounds)
	}
}

func TestSQLiteSearchWays(t *testing.T) {
	searchWays(t, openSQLite(t, filepath.Join(t.TempDir(), "people.db")))
}

// People are looked for by the time at which they were added, which may be that of many.
func TestSearchOfOneMoment(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
	s.bounds = searchBounds{sorted: 5, tested: 3, merged: 4, gathered: 5, walked: 1000, examined: 1000}
	var want []dossier.PersonID
	for i := range 40 {
		p := newPerson(dossier.PersonSubmitting)
		words := []string{fmt.Sprintf("@name>%02d", i), "all"}
		if i%2 == 0 {
			words = append(words, "even")
			want = append(want, p.ID)
		}
		err := s.Insert(t.Context(), p)
		if err == nil {
			err = s.Acknowledge(t.Context(), p.ID, p.UpdatedAt, words)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := s.Find(t.Context(), dossier.Search{Words: []dossier.SearchWord{{"even"}},
		Order: dossier.Order{By: "@name>", Ascending: true}, Limit: 100})
	var got []dossier.PersonID
	for _, p := range found.People {
		got = append(got, p.ID)
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Find: got %d people, error %v, want %d:\n%v\n%v", len(got), err, len(want), got, want)
	}
}

// What takes time is to look for one person after the other, so this counts whom statements name.
func TestSearchesLookUpFew(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
	const people = 4000
	fill(t, s.DB(), people, "DROP INDEX words_newest", "printf('%08x-0000-7000-8000-000000000000', i)")
	s.bounds = searchBounds{sorted: 400, tested: 50, merged: 4, gathered: 1000, walked: 1000, examined: 4000}
	named := 0
	if err := s.gorm.Callback().Query().After("gorm:query").Register("count", func(tx *gorm.DB) {
		named += max(0, len(tx.Statement.Vars)-8) // what is not a list has fewer
	}); err != nil {
		t.Fatal(err)
	}
	by := func(field string, words ...string) dossier.Search {
		q := dossier.Search{Order: dossier.Order{By: "@" + field + ">", Ascending: true}, Limit: 10,
			Count: dossier.MaxCount}
		for _, w := range words {
			q.Words = append(q.Words, dossier.SearchWord{w})
		}
		return q
	}
	days := by("name")
	days.From, days.Until = time.UnixMicro(1_000_000), time.UnixMicro(1_100_000)
	cities := by("name")
	cities.Order.Ascending = false
	cities.Ranges = []dossier.WordRange{{Low: "@location:city74", High: "@location:city8"}}
	for _, c := range []struct {
		name string
		q    dossier.Search
		most int
	}{
		// 44 are looked for at first, and then only those of the page.
		{"a filter that one in 33 passes, by name", cities, 80},
		{"a filter that one in 18 passes, by name", by("name", "@location:city7"), 200},
		{"a filter that many pass, by name", by("name", "@technology:go"), 80},
		{"some days, by name", days, 40},
		// The words of all 20 are looked up.
		{"a filter that one in 200 passes, by name", by("name", "@location:city77"), 60},
	} {
		named = 0
		found, err := s.Find(t.Context(), c.q)
		if err != nil || len(found.People) != c.q.Limit {
			t.Errorf("%s: got %d people, error %v, want %d", c.name, len(found.People), err, c.q.Limit)
		}
		t.Logf("%s: %d", c.name, named)
		if named > c.most {
			t.Errorf("%s: statements name %d people, want %d at most", c.name, named, c.most)
		}
	}
}

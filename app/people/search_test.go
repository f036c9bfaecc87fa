package people

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dossier.example/app"
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
	random := rand.New(rand.NewPCG(1, 2))
	vocabulary := []string{"a", "ab", "abc", "abd", "ac", "b", "ba", "bb", "bbb", "c", "ca", "太", "太郎"}
	type known struct {
		dossier.Person
		words []string
	}
	var all []known
	for i := range 60 {
		p := newPerson(dossier.PersonSubmitting)
		p.CreatedAt = p.CreatedAt.Add(time.Duration(i/3) * time.Second)
		k := known{Person: p}
		for _, w := range vocabulary {
			// c is only with the oldest.
			if random.IntN(4) == 0 && (w[0] != 'c' || i < 8) {
				k.words = append(k.words, w)
			}
		}
		if err := errors.Join(s.Insert(t.Context(), p),
			s.Acknowledge(t.Context(), p.ID, p.CreatedAt, k.words)); err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b known) int {
		return place{b.CreatedAt.UnixMicro(), b.ID.String()}.compare(place{a.CreatedAt.UnixMicro(), a.ID.String()})
	})
	for _, bounds := range []searchBounds{
		defaultBounds,
		{sorted: 16, tested: 4, merged: 4, walked: 8, examined: 24},
		{sorted: 5, tested: 3, merged: 1, walked: 1000, examined: 1000},
		{sorted: 5, tested: 3, merged: 1, walked: 5, examined: 1000},
		{sorted: 1, tested: 1, merged: 100, walked: 1000, examined: 7},
	} {
		s.bounds = bounds
		for range 10 {
			var words []dossier.SearchWord
			for range 1 + random.IntN(3) {
				var ways dossier.SearchWord
				for range 1 + random.IntN(5)/3 {
					w := []rune(vocabulary[random.IntN(len(vocabulary))])
					way := string(w[:1+random.IntN(len(w))])
					begins := func(v string) bool { return strings.HasPrefix(v, way) || strings.HasPrefix(way, v) }
					if !slices.ContainsFunc(ways, begins) {
						ways = append(ways, way)
					}
				}
				words = append(words, ways)
			}
			var want []dossier.PersonID
			for _, k := range all {
				if !slices.ContainsFunc(words, func(w dossier.SearchWord) bool {
					return !slices.ContainsFunc(k.words, func(has string) bool {
						return slices.ContainsFunc(w, func(way string) bool { return strings.HasPrefix(has, way) })
					})
				}) {
					want = append(want, k.ID)
				}
			}
			q := dossier.Search{Words: words, Limit: []int{1, 4, 200}[random.IntN(3)], Count: 12}
			for _, q.Before = range []dossier.Cursor{{},
				{CreatedAt: time.Unix(1, 0).UTC(), ID: dossier.NewPersonID()}} {
				up := !q.Before.IsZero()
				var got []dossier.PersonID
				for pages := 0; ; pages++ {
					found, err := s.Find(t.Context(), q)
					if err != nil || len(found.People) > q.Limit || pages > 1000 {
						t.Fatalf("%+v: Find %+v: %d persons, error %v, page %d", bounds, q, len(found.People), err,
							pages)
					}
					page := make([]dossier.PersonID, 0, q.Limit)
					for _, p := range found.People {
						page = append(page, p.ID)
					}
					if up {
						got, q.Before = append(page, got...), found.Further
					} else {
						got, q.After = append(got, page...), found.Further
					}
					exact := found.Matches == min(len(want), q.Count) && found.Capped == (len(want) > q.Count)
					early := found.Capped && found.Matches <= len(want)
					if !exact && (bounds == defaultBounds || !early) {
						t.Errorf("%+v: Find %+v: counted %d, capped %v, want %d", bounds, q, found.Matches,
							found.Capped,
							len(want))
					}
					if found.Further.IsZero() {
						break
					}
				}
				q.After = dossier.Cursor{}
				if !slices.Equal(got, want) {
					t.Errorf("%+v: Find %q, pages of %d, up %v: got %d, want %d:\n%v\n%v", bounds, words, q.Limit, up,
						len(got),
						len(want), got, want)
				}
			}
		}
	}
}

func TestSQLiteSearchWays(t *testing.T) {
	searchWays(t, openSQLite(t, filepath.Join(t.TempDir(), "people.db")))
}

package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

// Lists are people whom lists of every kind are compared with.
type Lists struct {
	random *rand.Rand
	all    []dossier.Worded
}

// listWords are what people of Lists have some of; c is only with the oldest.
var listWords = []string{"a", "ab", "abc", "abd", "ac", "b", "ba", "bb", "bbb", "c", "ca", "太", "太郎"}

// listNames are what the list by "@n>" is sorted by. Several people have each. Code points decide: not how a database
// collates, and not UTF-16, by which the last would come before the one before it.
var listNames = []string{"", "Z", "a", "a b", "ab", "b", "é", "\uE000", "\U00010000"}

// Listed adds people to a store that has none.
func Listed(t *testing.T, s dossier.People) *Lists {
	t.Helper()
	l := &Lists{random: rand.New(rand.NewPCG(1, 2))}
	for i := range 60 {
		p := peopleNew(dossier.PersonSubmitting, peopleEpoch.Add(time.Duration(i/3)*time.Second))
		w := dossier.Worded{Person: p}
		for _, word := range listWords {
			if l.random.IntN(4) == 0 && (word[0] != 'c' || i < 8) {
				w.Words = append(w.Words, word)
			}
		}
		w.Words = append(w.Words, fmt.Sprintf("@a>%03d", l.random.IntN(20)),
			"@n>"+listNames[l.random.IntN(len(listNames))])
		slices.Sort(w.Words)
		peopleInsert(t, s, p)
		wants(t, "Acknowledge", s.Acknowledge(t.Context(), p.ID, p.UpdatedAt, w.Words), nil)
		w.State = dossier.PersonSubmitted
		l.all = append(l.all, w)
	}
	return l
}

// is reports whether a search should find somebody.
func (l *Lists) is(q dossier.Search, w dossier.Worded) bool {
	has := func(want dossier.SearchWord) bool {
		return slices.ContainsFunc(w.Words, func(word string) bool {
			return slices.ContainsFunc(want, func(way string) bool { return strings.HasPrefix(word, way) })
		})
	}
	for _, want := range q.Words {
		if !has(want) {
			return false
		}
	}
	for _, r := range q.Ranges {
		if !slices.ContainsFunc(w.Words, func(word string) bool { return word >= r.Low && word < r.High }) {
			return false
		}
	}
	return !slices.ContainsFunc(q.Not, has) && (q.From.IsZero() || !w.CreatedAt.Before(q.From)) &&
		(q.Until.IsZero() || w.CreatedAt.Before(q.Until)) && (q.Among == nil || slices.Contains(q.Among, w.ID))
}

// at returns where somebody stands in a list.
func at(o dossier.Order, w dossier.Worded) dossier.Cursor {
	c := dossier.Cursor{CreatedAt: w.CreatedAt, ID: w.ID}
	for _, word := range w.Words {
		if key, ok := strings.CutPrefix(word, o.By); ok && o.By != "" {
			c.Key = key
		}
	}
	return c
}

// want returns what a search should find, on all its pages.
func (l *Lists) want(q dossier.Search) (list []dossier.Cursor) {
	for _, w := range l.all {
		if l.is(q, w) {
			list = append(list, at(q.Order, w))
		}
	}
	slices.SortFunc(list, func(a, b dossier.Cursor) int {
		c := cmp.Or(strings.Compare(a.Key, b.Key), a.CreatedAt.Compare(b.CreatedAt),
			strings.Compare(a.ID.String(), b.ID.String()))
		if !q.Order.Ascending {
			return -c
		}
		return c
	})
	return list
}

// search returns a search of any kind.
func (l *Lists) search() dossier.Search {
	var q dossier.Search
	word := func() (ways dossier.SearchWord) {
		for range 1 + l.random.IntN(5)/3 {
			w := []rune(listWords[l.random.IntN(len(listWords))])
			way := string(w[:1+l.random.IntN(len(w))])
			if !slices.ContainsFunc(ways, func(v string) bool {
				return strings.HasPrefix(v, way) || strings.HasPrefix(way, v)
			}) {
				ways = append(ways, way)
			}
		}
		return ways
	}
	for range l.random.IntN(3) {
		q.Words = append(q.Words, word())
	}
	if l.random.IntN(4) == 0 {
		q.Not = append(q.Not, word())
	}
	if l.random.IntN(4) == 0 {
		low := l.random.IntN(20)
		q.Ranges = append(q.Ranges, dossier.WordRange{Low: fmt.Sprintf("@a>%03d", low),
			High: fmt.Sprintf("@a>%03d", low+1+l.random.IntN(12))})
	}
	if l.random.IntN(4) == 0 {
		q.From = peopleEpoch.Add(time.Duration(l.random.IntN(20)) * time.Second)
	}
	if l.random.IntN(4) == 0 {
		// At the moment of some people, who are not among them, or just after.
		q.Until = peopleEpoch.Add(time.Duration(l.random.IntN(20))*time.Second +
			time.Duration(l.random.IntN(2))*time.Microsecond)
	}
	if l.random.IntN(5) == 0 {
		q.Among = []dossier.PersonID{dossier.NewPersonID()}
		for _, w := range l.all {
			if l.random.IntN(2) == 0 {
				q.Among = append(q.Among, w.ID, w.ID)
			}
		}
	}
	q.Order = dossier.Order{By: []string{"", "@a>", "@n>"}[l.random.IntN(3)], Ascending: l.random.IntN(2) == 0}
	q.Limit, q.Count = []int{1, 4, 200}[l.random.IntN(3)], 12
	return q
}

// Check makes n searches of any kind, and reads all pages of each, in both directions. If exact, everything is counted
// as far as was asked for.
func (l *Lists) Check(t *testing.T, s dossier.People, n int, exact bool) {
	t.Helper()
	for range n {
		q := l.search()
		want := l.want(q)
		for _, up := range []bool{false, true} {
			q.After, q.Before = dossier.Cursor{}, dossier.Cursor{}
			if up { // from beyond the end
				q.Before = dossier.Cursor{CreatedAt: time.Unix(1, 0).UTC(), ID: dossier.NewPersonID()}
				if q.Order.Ascending {
					q.Before.CreatedAt, q.Before.Key = peopleEpoch.Add(time.Hour), "\U0010FFFF"
				}
			}
			var got []dossier.Cursor
			for pages := 0; ; pages++ {
				found, err := s.Find(t.Context(), q)
				if err != nil || len(found.People) > q.Limit || len(found.Places) != len(found.People) || pages > 1000 {
					t.Fatalf("Find %+v: %d persons, %d places, error %v, page %d", q, len(found.People),
						len(found.Places), err, pages)
				}
				for i, p := range found.People {
					if at := found.Places[i]; at.ID != p.ID || !at.CreatedAt.Equal(p.CreatedAt) {
						t.Errorf("Find %+v: person %s of %v is at %+v", q, p.ID, p.CreatedAt, at)
					}
				}
				if up {
					got, q.Before = append(found.Places, got...), found.Further
				} else {
					got, q.After = append(got, found.Places...), found.Further
				}
				right := found.Matches == min(len(want), q.Count) && found.Capped == (len(want) > q.Count)
				if early := found.Capped && found.Matches <= len(want); !right && (exact || !early) {
					t.Errorf("Find %+v: counted %d, capped %v, want %d", q, found.Matches, found.Capped, len(want))
				}
				if found.Further.IsZero() {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("Find %+v, backwards %v: got %d, want %d:\n%v\n%v", q, up, len(got), len(want), got, want)
			}
		}
	}
}

func peopleLists(t *testing.T, s dossier.People) {
	Listed(t, s).Check(t, s, 40, true)
}

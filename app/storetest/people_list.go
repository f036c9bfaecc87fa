package storetest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

// peopleNewestFirst sorts as Find does.
func peopleNewestFirst(list []dossier.Person) []dossier.Person {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b dossier.Person) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(b.ID.String(), a.ID.String())
	})
	return list
}

// peopleFind returns a page and where the list goes on.
func peopleFind(t *testing.T, s dossier.People, words []string, after dossier.Cursor,
	limit int) ([]dossier.Person, dossier.Cursor) {
	t.Helper()
	found, err := s.Find(t.Context(), dossier.Search{Words: peopleWays(words...), After: after, Limit: limit})
	must(t, "Find", err)
	return found.People, found.Further
}

// peoplePages reads a whole list, a page at a time, and calls between after each page.
func peoplePages(t *testing.T, s dossier.People, words []string, limit int,
	between func(page []dossier.Person)) []dossier.Person {
	t.Helper()
	var all []dossier.Person
	var after dossier.Cursor
	for {
		page, further := peopleFind(t, s, words, after, limit)
		if len(page) > limit {
			t.Fatalf("Find: got %d persons, want %d at most", len(page), limit)
		}
		all = append(all, page...)
		if len(all) > 1000 { // more than any test inserts
			t.Fatalf("Find: the pages of %d do not end", limit)
		}
		if further.IsZero() {
			return all
		}
		if last := page[len(page)-1]; further != (dossier.Cursor{CreatedAt: last.CreatedAt, ID: last.ID}) {
			t.Fatalf("Find: the list goes on at %v, behind person %s", further, last.ID)
		}
		after = further
		if between != nil {
			between(page)
		}
	}
}

func peopleListOrder(t *testing.T, s dossier.People) {
	if got, _ := peopleFind(t, s, nil, dossier.Cursor{}, 10); len(got) != 0 {
		t.Fatalf("Find in an empty store: got %d persons, want none", len(got))
	}
	var submitted []dossier.Person
	for i := range 12 {
		// Four at each time, the times a microsecond apart: the id decides among equals.
		p := peopleNew(dossier.PersonSubmitted, peopleEpoch.Add(time.Duration(i%3)*time.Microsecond))
		p.UpdatedAt = peopleEpoch.Add(time.Duration(rand.IntN(1000)) * time.Second) // plays no part
		submitted = append(submitted, p)
	}
	peopleInsert(t, s, submitted...)
	peopleInsert(t, s, peopleNew(dossier.PersonSubmitting, peopleEpoch), peopleNew(dossier.PersonDeleting, peopleEpoch))

	want := peopleNewestFirst(submitted)
	for _, limit := range []int{1, 5, 12, 13, 1000} {
		got, _ := peopleFind(t, s, nil, dossier.Cursor{}, limit)
		if want := want[:min(limit, len(want))]; !slices.Equal(got, want) {
			t.Errorf("Find of %d: got %v, want %v", limit, peopleIDs(got), peopleIDs(want))
		}
	}
	if got, _ := peopleFind(t, s, nil, dossier.Cursor{}, 0); len(got) != 0 {
		t.Errorf("Find of 0: got %d persons, want none", len(got))
	}
	for i, p := range want {
		got, _ := peopleFind(t, s, nil, dossier.Cursor{CreatedAt: p.CreatedAt, ID: p.ID}, 1000)
		if want := want[i+1:]; !slices.Equal(got, want) {
			t.Errorf("Find after person %d: got %v, want %v", i, peopleIDs(got), peopleIDs(want))
		}
	}
	// Whoever the cursor names need not be there.
	got, _ := peopleFind(t, s, nil, dossier.Cursor{CreatedAt: peopleEpoch.Add(time.Microsecond)}, 1000)
	if want := want[8:]; !slices.Equal(got, want) {
		t.Errorf("Find after nobody: got %v, want %v", peopleIDs(got), peopleIDs(want))
	}
}

func peopleListPages(t *testing.T, s dossier.People) {
	var list []dossier.Person
	for i := range 57 {
		list = append(list, peopleNew(dossier.PersonSubmitted, peopleEpoch.Add(time.Duration(i/10)*time.Millisecond)))
	}
	peopleInsert(t, s, list...)
	want := peopleNewestFirst(list)
	for _, limit := range []int{1, 7, 19, 57, 100} {
		if got := peoplePages(t, s, nil, limit, nil); !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %v, want %v", limit, peopleIDs(got), peopleIDs(want))
		}
	}
}

// peopleListBackwards reads a list from its end to its beginning, and counts it.
func peopleListBackwards(t *testing.T, s dossier.People) {
	var list []dossier.Person
	for i := range 23 {
		list = append(list, peopleNew(dossier.PersonSubmitted, peopleEpoch.Add(time.Duration(i/4)*time.Millisecond)))
	}
	peopleInsert(t, s, append(list, peopleNew(dossier.PersonDeleting, peopleEpoch))...)
	want := peopleNewestFirst(list)
	for _, limit := range []int{1, 7, 22, 23, 100} {
		before := dossier.Cursor{CreatedAt: peopleEpoch.Add(-time.Hour), ID: dossier.NewPersonID()}
		var got []dossier.Person
		for !before.IsZero() {
			found, err := s.Find(t.Context(), dossier.Search{Before: before, Limit: limit})
			must(t, "Find", err)
			if len(found.People) > limit || found.Matches != 0 || found.Capped {
				t.Fatalf("Find: got %d persons, %d counted, want %d at most, none counted", len(found.People),
					found.Matches, limit)
			}
			got = append(found.People, got...)
			before = found.Further
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d from the end: got %v, want %v", limit, peopleIDs(got), peopleIDs(want))
		}
	}
	for most, capped := range map[int]bool{1: true, 22: true, 23: false, 24: false} {
		found, err := s.Find(t.Context(), dossier.Search{Limit: 3, Count: most,
			After: dossier.Cursor{CreatedAt: want[5].CreatedAt, ID: want[5].ID}})
		if err != nil || found.Matches != min(most, 23) || found.Capped != capped {
			t.Errorf("counted up to %d: got %d, capped %v, and error %v, want %d, %v", most, found.Matches,
				found.Capped, err, min(most, 23), capped)
		}
	}
}

func peopleListMeanwhile(t *testing.T, s dossier.People) {
	var list []dossier.Person
	for i := range 60 {
		list = append(list, peopleNew(dossier.PersonSubmitted, peopleEpoch.Add(time.Duration(i/6)*time.Millisecond)))
	}
	peopleInsert(t, s, list...)
	var seen []dossier.PersonID
	for _, p := range peoplePages(t, s, nil, 7, func(page []dossier.Person) {
		// Newer ones, one in the middle of the page just read, one that is not submitted, and the page's last leaves.
		middle := page[len(page)/2].CreatedAt
		peopleInsert(t, s,
			peopleNew(dossier.PersonSubmitted, peopleEpoch.Add(time.Hour)),
			peopleNew(dossier.PersonSubmitted, middle.Add(time.Microsecond)),
			peopleNew(dossier.PersonSubmitting, peopleEpoch.Add(-time.Hour)))
		last := page[len(page)-1]
		must(t, "Move", s.Move(t.Context(), last.ID, dossier.PersonDeleting, peopleEpoch, dossier.PersonSubmitted))
		must(t, "Delete", s.Delete(t.Context(), last))
	}) {
		seen = append(seen, p.ID)
	}
	if want := peopleIDs(peopleNewestFirst(list)); !slices.Equal(seen, want) {
		t.Errorf("pages while others came and went: got %v, want those who were there from the start, once each: %v",
			seen, want)
	}
}

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
func peopleFind(t *testing.T, s dossier.People, prefix string, after dossier.Cursor,
	limit int) ([]dossier.Person, dossier.Cursor) {
	t.Helper()
	found, err := s.Find(t.Context(), dossier.Search{Prefix: prefix, After: after, Limit: limit})
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	return found.People, found.Further
}

// peoplePages reads a whole list, a page at a time, and calls between after each page.
func peoplePages(t *testing.T, s dossier.People, prefix string, limit int,
	between func(page []dossier.Person)) []dossier.Person {
	t.Helper()
	var all []dossier.Person
	var after dossier.Cursor
	for {
		page, further := peopleFind(t, s, prefix, after, limit)
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
	if got, _ := peopleFind(t, s, "", dossier.Cursor{}, 10); len(got) != 0 {
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
		got, _ := peopleFind(t, s, "", dossier.Cursor{}, limit)
		if want := want[:min(limit, len(want))]; !slices.Equal(got, want) {
			t.Errorf("Find of %d: got %v, want %v", limit, peopleIDs(got), peopleIDs(want))
		}
	}
	if got, _ := peopleFind(t, s, "", dossier.Cursor{}, 0); len(got) != 0 {
		t.Errorf("Find of 0: got %d persons, want none", len(got))
	}
	for i, p := range want {
		got, _ := peopleFind(t, s, "", dossier.Cursor{CreatedAt: p.CreatedAt, ID: p.ID}, 1000)
		if want := want[i+1:]; !slices.Equal(got, want) {
			t.Errorf("Find after person %d: got %v, want %v", i, peopleIDs(got), peopleIDs(want))
		}
	}
	// Whoever the cursor names need not be there.
	got, _ := peopleFind(t, s, "", dossier.Cursor{CreatedAt: peopleEpoch.Add(time.Microsecond)}, 1000)
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
		if got := peoplePages(t, s, "", limit, nil); !slices.Equal(got, want) {
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
			if err != nil {
				t.Fatalf("Find: %v", err)
			}
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
	for _, p := range peoplePages(t, s, "", 7, func(page []dossier.Person) {
		// Newer ones, one in the middle of the page just read, one that is not submitted, and the page's last leaves.
		middle := page[len(page)/2].CreatedAt
		peopleInsert(t, s,
			peopleNew(dossier.PersonSubmitted, peopleEpoch.Add(time.Hour)),
			peopleNew(dossier.PersonSubmitted, middle.Add(time.Microsecond)),
			peopleNew(dossier.PersonSubmitting, peopleEpoch.Add(-time.Hour)))
		last := page[len(page)-1].ID
		if err := s.Move(t.Context(), last, dossier.PersonDeleting, peopleEpoch, dossier.PersonSubmitted); err != nil {
			t.Fatalf("Move: %v", err)
		}
		if err := s.Delete(t.Context(), last); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}) {
		seen = append(seen, p.ID)
	}
	if want := peopleIDs(peopleNewestFirst(list)); !slices.Equal(seen, want) {
		t.Errorf("pages while others came and went: got %v, want those who were there from the start, once each: %v",
			seen, want)
	}
}

func peopleListPrefix(t *testing.T, s dossier.People) {
	names := []string{
		"Ann", "anna", "ANNABEL", "Änne Ångström", "Ängström", "annz", "anm", "ano",
		"100% sure", "100x sure", "1001", "a_b", "axb", `back\slash`, "back/slash", "a!b", "a|b", "a*b", "a[b]c",
		"O'Brien", `O"Brien`,
		"İstanbul", "Istanbul", "ıstanbul", "istanbul",
		"Straße", "STRASSE", "Strasse", "Strase", "ﬁnn", "Finn", "FINN",
		"😀 one", "😁 two", "😀", "𠀀 three", "Zoë", "Zoe", "\u0130x", "각", "가나",
		"\uD7FF last before the surrogates 1", "\uE000 first after the surrogates 1", "\uFFFD1", "\U0010FFFF1",
		"\U0010FFFE1",
	}
	var list []dossier.Person
	for i, name := range names {
		p := peopleNew(dossier.PersonSubmitted, peopleEpoch.Add(time.Duration(i)*time.Second))
		p.Name = name
		list = append(list, p)
		q := peopleNew(dossier.PersonSubmitting, p.CreatedAt)
		q.Name = name
		peopleInsert(t, s, p, q)
	}

	// Spelled out, so that the expectation does not rest on SearchKey alone.
	for search, want := range map[string][]string{
		"ann":     {"annz", "Änne Ångström", "ANNABEL", "anna", "Ann"},
		"ÄNN":     {"annz", "Änne Ångström", "ANNABEL", "anna", "Ann"},
		"Angst":   {"Ängström"},
		"100%":    {"100% sure"},
		"%":       nil,
		"_":       nil,
		"a_":      {"a_b"},
		"a!":      {"a!b"},
		"a*":      {"a*b"},
		"a[":      {"a[b]c"},
		`back\`:   {`back\slash`},
		`\`:       nil,
		"o'":      {"O'Brien"},
		"istan":   {"istanbul", "Istanbul", "İstanbul"},
		"ıstan":   {"ıstanbul"},
		"strass":  {"Strasse", "STRASSE", "Straße"},
		"straß":   {"Strasse", "STRASSE", "Straße"},
		"fi":      {"FINN", "Finn", "ﬁnn"},
		"😀":       {"😀", "😀 one"},
		"zoe":     {"Zoe", "Zoë"},
		"\uD7FF":  {"\uD7FF last before the surrogates 1"},
		"nobody":  nil,
		"annabel": {"ANNABEL"},
	} {
		got, _ := peopleFind(t, s, dossier.SearchKey(search), dossier.Cursor{}, 1000)
		var found []string
		for _, p := range got {
			found = append(found, p.Name)
		}
		if !slices.Equal(found, want) {
			t.Errorf("Find by %q: got %q, want %q", search, found, want)
		}
	}

	// Every beginning of every name.
	searches := map[string]bool{"\U0010FFFF\U0010FFFF": true}
	for _, name := range names {
		key := []rune(dossier.SearchKey(name))
		for n := range len(key) + 1 {
			searches[string(key[:n])] = true
		}
	}
	for prefix := range searches {
		var want []dossier.Person
		for _, p := range list {
			if strings.HasPrefix(dossier.SearchKey(p.Name), prefix) {
				want = append(want, p)
			}
		}
		want = peopleNewestFirst(want)
		if got := peoplePages(t, s, prefix, 3, nil); !slices.Equal(got, want) {
			t.Errorf("pages by %q: got %d persons, want %d", prefix, len(got), len(want))
		}
	}

	if got, _ := peopleFind(t, s, "ann\xff", dossier.Cursor{}, 1000); len(got) != 0 {
		t.Errorf("Find by broken UTF-8: got %d persons, want none", len(got))
	}
}

func peopleListLongKeys(t *testing.T, s dossier.People) {
	// Each folds to 3600 code points, and they differ in the last few only.
	long := strings.Repeat("\uFDFA", dossier.MaxNameLength-1)
	var list []dossier.Person
	for i := range 12 {
		p := peopleNew(dossier.PersonSubmitted, peopleEpoch.Add(time.Duration(i)*time.Second))
		p.Name = long + string(rune('a'+i/3))
		list = append(list, p)
	}
	double := peopleNew(dossier.PersonSubmitted, peopleEpoch)
	double.Name = strings.Repeat("ß", dossier.MaxNameLength)
	peopleInsert(t, s, append(list, double)...)

	for i, last := range "abcd" {
		want := peopleNewestFirst(list[3*i : 3*i+3])
		prefix := dossier.SearchKey(long + string(last))
		for _, limit := range []int{1, 2, 5} {
			if got := peoplePages(t, s, prefix, limit, nil); !slices.Equal(got, want) {
				t.Errorf("pages of %d by a long prefix that ends in %c: got %v, want %v", limit, last, peopleIDs(got),
					peopleIDs(want))
			}
		}
	}
	if got := peoplePages(t, s, dossier.SearchKey(long), 5, nil); len(got) != len(list) {
		t.Errorf("pages by what all have in common: got %d persons, want %d", len(got), len(list))
	}
	if got := peoplePages(t, s, strings.Repeat("ss", dossier.MaxNameLength), 5, nil); len(got) != 1 {
		t.Errorf("pages by a prefix twice as long as the name: got %d persons, want 1", len(got))
	}
	if got := peoplePages(t, s, strings.Repeat("ss", dossier.MaxNameLength)+"s", 5, nil); len(got) != 0 {
		t.Errorf("pages by a prefix longer than the key: got %d persons, want none", len(got))
	}
}

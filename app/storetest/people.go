package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
)

// People checks that a store does what dossier.People promises. The open function returns an empty store that is closed with the
// test; it is called once for each part.
func People(t *testing.T, open func(t *testing.T) dossier.People) {
	for _, part := range []struct {
		name string
		test func(*testing.T, dossier.People)
	}{
		{"a person comes back as inserted", peopleRoundTrip},
		{"an absent person is not found", peopleAbsent},
		{"an id is inserted once", peopleInsertTwice},
		{"an id is inserted once by many at a time", peopleInsertAtOnce},
		{"a move asks for the state", peopleMove},
		{"one of many moves wins", peopleMoveAtOnce},
		{"only who is being deleted is deleted", peopleDelete},
		{"the list is newest first", peopleListOrder},
		{"pages show everybody once", peopleListPages},
		{"pages show everybody once while others come and go", peopleListMeanwhile},
		{"search by prefix", peopleListPrefix},
		{"search by prefix, with keys of any length", peopleListLongKeys},
		{"leftovers are the stale and the deleting", peopleLeftovers},
		{"a loop over leftovers may remove them", peopleLeftoversRemoved},
		{"a loop over leftovers may end early", peopleLeftoversBreak},
		{"existing", peopleExisting},
		{"a cancelled call does nothing", peopleCancelled},
		{"a call cancelled on its way is done or not acknowledged", peopleCancelledMeanwhile},
		{"a call past its deadline is unavailable", peopleDeadline},
		{"many at a time", peopleParallel},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, open(t)) })
	}
}

// peopleEpoch is the time that the tests count from; it has microseconds.
var peopleEpoch = time.Date(2026, time.March, 1, 12, 30, 15, 123456000, time.UTC)

// peopleNew returns a valid person.
func peopleNew(state dossier.PersonState, created time.Time) dossier.Person {
	r := dossier.NewReceipt()
	return dossier.Person{
		ID:          r.Person,
		Details:     dossier.Details{Name: "Ada Lovelace", Location: "London", Age: 36, Technology: "Analytical Engine"},
		ReceiptHash: r.Hash(),
		State:       state,
		CreatedAt:   created,
		UpdatedAt:   created,
	}
}

func peopleInsert(t *testing.T, s dossier.People, list ...dossier.Person) {
	t.Helper()
	var wg sync.WaitGroup
	const width = 8
	for chunk := range slices.Chunk(list, max(1, (len(list)+width-1)/width)) {
		wg.Go(func() {
			for _, p := range chunk {
				if err := s.Insert(t.Context(), p); err != nil {
					t.Errorf("Insert: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func peopleGet(t *testing.T, s dossier.People, id dossier.PersonID) dossier.Person {
	t.Helper()
	p, err := s.Person(t.Context(), id)
	if err != nil {
		t.Fatalf("Person(%s): %v", id, err)
	}
	return p
}

func peopleWant(t *testing.T, doing string, got, want error) {
	t.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", doing, got, want)
	}
}

func peopleIDs(list []dossier.Person) []dossier.PersonID {
	ids := make([]dossier.PersonID, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	return ids
}

// peopleNewestFirst sorts as List does.
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

// peoplePages reads a whole list, a page at a time, and calls between after each page.
func peoplePages(t *testing.T, s dossier.People, prefix string, limit int, between func(page []dossier.Person)) []dossier.Person {
	t.Helper()
	var all []dossier.Person
	var after dossier.Cursor
	for {
		page, err := s.List(t.Context(), prefix, after, limit)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if len(page) > limit {
			t.Fatalf("List: got %d persons, want %d at most", len(page), limit)
		}
		all = append(all, page...)
		if len(all) > 1000 { // more than any test inserts
			t.Fatalf("List: the pages of %d do not end", limit)
		}
		if len(page) < limit {
			return all
		}
		last := page[len(page)-1]
		after = dossier.Cursor{CreatedAt: last.CreatedAt, ID: last.ID}
		if between != nil {
			between(page)
		}
	}
}

func peopleRoundTrip(t *testing.T, s dossier.People) {
	long := strings.Repeat("\U00020000", dossier.MaxNameLength) // letters of four bytes each
	for name, change := range map[string]func(*dossier.Person){
		"ordinary": func(*dossier.Person) {},
		"longest":  func(p *dossier.Person) { p.Name, p.Location, p.Technology = long, long, long },
		"longest key": func(p *dossier.Person) {
			p.Name = strings.Repeat("\uFDFA", dossier.MaxNameLength) // folds to 18 code points each
		},
		"shortest":     func(p *dossier.Person) { p.Name, p.Location, p.Technology = "x", "y", "z" },
		"upper case":   func(p *dossier.Person) { p.Name, p.Location = "ADA", "LONDON" },
		"lower case":   func(p *dossier.Person) { p.Name, p.Location = "ada", "london" },
		"other script": func(p *dossier.Person) { p.Name, p.Location = "Ἀριστοτέλης", "北京 🏯" },
		"emoji":        func(p *dossier.Person) { p.Name = "Zoë 👩\u200d🔬 🇪🇺" },
		"SQL":          func(p *dossier.Person) { p.Name = `Robert'); DROP TABLE people;-- "\` + "`" },
		"youngest":     func(p *dossier.Person) { p.Age = dossier.MinAge },
		"oldest":       func(p *dossier.Person) { p.Age = dossier.MaxAge },
		"no hash bit":  func(p *dossier.Person) { p.ReceiptHash = [32]byte{} },
		"every hash bit": func(p *dossier.Person) {
			for i := range p.ReceiptHash {
				p.ReceiptHash[i] = 0xff
			}
		},
		"one microsecond": func(p *dossier.Person) { p.UpdatedAt = p.CreatedAt.Add(time.Microsecond) },
		"earliest":        func(p *dossier.Person) { p.CreatedAt, p.UpdatedAt = time.UnixMicro(0).UTC(), time.UnixMicro(1).UTC() },
		"latest": func(p *dossier.Person) {
			p.CreatedAt = time.Date(9999, time.December, 31, 23, 59, 59, 999999000, time.UTC)
			p.UpdatedAt = p.CreatedAt
		},
		"submitted": func(p *dossier.Person) { p.State = dossier.PersonSubmitted },
		"deleting":  func(p *dossier.Person) { p.State = dossier.PersonDeleting },
	} {
		t.Run(name, func(t *testing.T) {
			p := peopleNew(dossier.PersonSubmitting, peopleEpoch)
			change(&p)
			peopleInsert(t, s, p)
			if got := peopleGet(t, s, p.ID); got != p {
				t.Errorf("Person: got %+v, want %+v", got, p)
			}
		})
	}
}

func peopleAbsent(t *testing.T, s dossier.People) {
	peopleInsert(t, s, peopleNew(dossier.PersonSubmitted, peopleEpoch))
	_, err := s.Person(t.Context(), dossier.NewPersonID())
	peopleWant(t, "Person", err, dossier.ErrNotFound)
}

func peopleInsertTwice(t *testing.T, s dossier.People) {
	for _, state := range []dossier.PersonState{dossier.PersonSubmitting, dossier.PersonSubmitted, dossier.PersonDeleting} {
		p := peopleNew(state, peopleEpoch)
		peopleInsert(t, s, p)
		peopleWant(t, "the same person again", s.Insert(t.Context(), p), dossier.ErrExists)
		other := peopleNew(dossier.PersonSubmitting, peopleEpoch.Add(time.Hour))
		other.ID, other.Name = p.ID, "Charles Babbage"
		err := s.Insert(t.Context(), other)
		peopleWant(t, "another person by the same id", err, dossier.ErrExists)
		if err != nil && strings.Contains(err.Error(), "Babbage") {
			t.Errorf("the error tells a detail: %v", err)
		}
		if got := peopleGet(t, s, p.ID); got != p {
			t.Errorf("after refused inserts: got %+v, want %+v", got, p)
		}
	}
}

func peopleInsertAtOnce(t *testing.T, s dossier.People) {
	for range 5 {
		id := dossier.NewPersonID()
		var winners atomic.Int32
		var winner dossier.Person
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				p := peopleNew(dossier.PersonSubmitting, peopleEpoch)
				p.ID, p.Name = id, fmt.Sprintf("Submitter %d", i)
				<-start
				switch err := s.Insert(t.Context(), p); {
				case err == nil:
					if winners.Add(1) == 1 {
						winner = p
					}
				case !errors.Is(err, dossier.ErrExists):
					t.Errorf("Insert: got error %v, want nil or ErrExists", err)
				}
			})
		}
		close(start)
		wg.Wait()
		if n := winners.Load(); n != 1 {
			t.Fatalf("24 inserts of one id: %d returned nil, want 1", n)
		}
		if got := peopleGet(t, s, id); got != winner {
			t.Errorf("stored: %+v, want that of the insert that returned nil: %+v", got, winner)
		}
	}
}

func peopleMove(t *testing.T, s dossier.People) {
	const (
		submitting = dossier.PersonSubmitting
		submitted  = dossier.PersonSubmitted
		deleting   = dossier.PersonDeleting
	)
	states := []dossier.PersonState{submitting, submitted, deleting}
	froms := [][]dossier.PersonState{
		{submitting}, {submitted}, {deleting}, {submitting, submitted}, {submitted, deleting}, {deleting, submitting}, states, {},
	}
	at := peopleEpoch.Add(time.Hour + 7*time.Microsecond)
	bystander := peopleNew(submitting, peopleEpoch)
	peopleInsert(t, s, bystander)
	for _, is := range states {
		for _, to := range states {
			for _, from := range froms {
				doing := fmt.Sprintf("Move of a person in state %s to %s from %v", is, to, from)
				p := peopleNew(is, peopleEpoch)
				peopleInsert(t, s, p)
				want := p
				var wantErr error = dossier.ErrLost
				if slices.Contains(from, is) {
					want.State, want.UpdatedAt, wantErr = to, at, nil
				}
				peopleWant(t, doing, s.Move(t.Context(), p.ID, to, at, from...), wantErr)
				if got := peopleGet(t, s, p.ID); got != want {
					t.Errorf("%s: got %+v, want %+v", doing, got, want)
				}
				peopleWant(t, "the absent: "+doing, s.Move(t.Context(), dossier.NewPersonID(), to, at, from...), dossier.ErrNotFound)
			}
		}
	}

	p := peopleNew(submitting, peopleEpoch)
	peopleInsert(t, s, p)
	peopleWant(t, "Move that changes nothing", s.Move(t.Context(), p.ID, submitting, p.UpdatedAt, submitting), nil)
	if got := peopleGet(t, s, bystander.ID); got != bystander {
		t.Errorf("Moves changed another person: got %+v, want %+v", got, bystander)
	}
}

func peopleMoveAtOnce(t *testing.T, s dossier.People) {
	for range 5 {
		p := peopleNew(dossier.PersonSubmitting, peopleEpoch)
		peopleInsert(t, s, p)
		var winners atomic.Int32
		var winner dossier.PersonState
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range 16 {
			to := []dossier.PersonState{dossier.PersonSubmitted, dossier.PersonDeleting}[i%2]
			wg.Go(func() {
				<-start
				switch err := s.Move(t.Context(), p.ID, to, peopleEpoch.Add(time.Second), dossier.PersonSubmitting); {
				case err == nil:
					if winners.Add(1) == 1 {
						winner = to
					}
				case !errors.Is(err, dossier.ErrLost):
					t.Errorf("Move: got error %v, want nil or ErrLost", err)
				}
			})
		}
		close(start)
		wg.Wait()
		if n := winners.Load(); n != 1 {
			t.Fatalf("16 moves from one state: %d returned nil, want 1", n)
		}
		if got := peopleGet(t, s, p.ID).State; got != winner {
			t.Errorf("state is %s, want that of the move that returned nil: %s", got, winner)
		}
	}
}

func peopleDelete(t *testing.T, s dossier.People) {
	bystander := peopleNew(dossier.PersonDeleting, peopleEpoch)
	peopleInsert(t, s, bystander)
	for _, state := range []dossier.PersonState{dossier.PersonSubmitting, dossier.PersonSubmitted} {
		p := peopleNew(state, peopleEpoch)
		peopleInsert(t, s, p)
		peopleWant(t, "Delete in state "+string(state), s.Delete(t.Context(), p.ID), dossier.ErrLost)
		if got := peopleGet(t, s, p.ID); got != p {
			t.Errorf("a refused Delete changed the person: got %+v, want %+v", got, p)
		}
	}
	p := peopleNew(dossier.PersonDeleting, peopleEpoch)
	peopleInsert(t, s, p)
	peopleWant(t, "Delete", s.Delete(t.Context(), p.ID), nil)
	_, err := s.Person(t.Context(), p.ID)
	peopleWant(t, "Person after Delete", err, dossier.ErrNotFound)
	peopleWant(t, "Delete again", s.Delete(t.Context(), p.ID), nil)
	peopleWant(t, "Delete of nobody", s.Delete(t.Context(), dossier.NewPersonID()), nil)
	peopleWant(t, "Insert after Delete", s.Insert(t.Context(), p), nil)
	peopleGet(t, s, bystander.ID)
}

func peopleListOrder(t *testing.T, s dossier.People) {
	if got, err := s.List(t.Context(), "", dossier.Cursor{}, 10); err != nil || len(got) != 0 {
		t.Fatalf("List of an empty store: got %d persons and error %v, want none", len(got), err)
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
		got, err := s.List(t.Context(), "", dossier.Cursor{}, limit)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if want := want[:min(limit, len(want))]; !slices.Equal(got, want) {
			t.Errorf("List of %d: got %v, want %v", limit, peopleIDs(got), peopleIDs(want))
		}
	}
	if got, err := s.List(t.Context(), "", dossier.Cursor{}, 0); err != nil || len(got) != 0 {
		t.Errorf("List of 0: got %d persons and error %v, want none", len(got), err)
	}
	for i, p := range want {
		got, err := s.List(t.Context(), "", dossier.Cursor{CreatedAt: p.CreatedAt, ID: p.ID}, 1000)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if want := want[i+1:]; !slices.Equal(got, want) {
			t.Errorf("List after person %d: got %v, want %v", i, peopleIDs(got), peopleIDs(want))
		}
	}
	// Whoever the cursor names need not be there.
	got, err := s.List(t.Context(), "", dossier.Cursor{CreatedAt: peopleEpoch.Add(time.Microsecond), ID: dossier.PersonID{}}, 1000)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if want := want[8:]; !slices.Equal(got, want) {
		t.Errorf("List after nobody: got %v, want %v", peopleIDs(got), peopleIDs(want))
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
		t.Errorf("pages while others came and went: got %v, want those who were there from the start, once each: %v", seen, want)
	}
}

func peopleListPrefix(t *testing.T, s dossier.People) {
	names := []string{
		"Ann", "anna", "ANNABEL", "Änne Ångström", "Ängström", "annz", "anm", "ano",
		"100% sure", "100x sure", "1001", "a_b", "axb", `back\slash`, "back/slash", "a!b", "a|b", "a*b", "a[b]c", "O'Brien", `O"Brien`,
		"İstanbul", "Istanbul", "ıstanbul", "istanbul",
		"Straße", "STRASSE", "Strasse", "Strase", "ﬁnn", "Finn", "FINN",
		"😀 one", "😁 two", "😀", "𠀀 three", "Zoë", "Zoe", "\u0130x", "각", "가나",
		"\uD7FF last before the surrogates 1", "\uE000 first after the surrogates 1", "\uFFFD1", "\U0010FFFF1", "\U0010FFFE1",
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
		got, err := s.List(t.Context(), dossier.SearchKey(search), dossier.Cursor{}, 1000)
		if err != nil {
			t.Fatalf("List by %q: %v", search, err)
		}
		var found []string
		for _, p := range got {
			found = append(found, p.Name)
		}
		if !slices.Equal(found, want) {
			t.Errorf("List by %q: got %q, want %q", search, found, want)
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

	if got, err := s.List(t.Context(), "ann\xff", dossier.Cursor{}, 1000); err != nil || len(got) != 0 {
		t.Errorf("List by broken UTF-8: got %d persons and error %v, want none", len(got), err)
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
				t.Errorf("pages of %d by a long prefix that ends in %c: got %v, want %v", limit, last, peopleIDs(got), peopleIDs(want))
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

func peopleLeftovers(t *testing.T, s dossier.People) {
	before := peopleEpoch.Add(time.Hour)
	want := map[dossier.PersonID]dossier.Person{}
	for _, c := range []struct {
		state   dossier.PersonState
		updated time.Time
		left    bool
	}{
		{dossier.PersonSubmitting, before.Add(-24 * time.Hour), true},
		{dossier.PersonSubmitting, before.Add(-time.Microsecond), true},
		{dossier.PersonSubmitting, before, false},
		{dossier.PersonSubmitting, before.Add(time.Microsecond), false},
		{dossier.PersonSubmitted, before.Add(-24 * time.Hour), false},
		{dossier.PersonSubmitted, before.Add(time.Hour), false},
		{dossier.PersonDeleting, before.Add(-24 * time.Hour), true},
		{dossier.PersonDeleting, before, true},
		{dossier.PersonDeleting, before.Add(24 * time.Hour), true},
	} {
		p := peopleNew(c.state, before.Add(-48*time.Hour))
		p.UpdatedAt = c.updated
		peopleInsert(t, s, p)
		if c.left {
			want[p.ID] = p
		}
	}
	// A loop may be run again.
	leftovers := s.Leftovers(t.Context(), before)
	for range 2 {
		got := map[dossier.PersonID]dossier.Person{}
		for p, err := range leftovers {
			if err != nil {
				t.Fatalf("Leftovers: %v", err)
			}
			if _, twice := got[p.ID]; twice {
				t.Errorf("Leftovers yielded %s twice", p.ID)
			}
			got[p.ID] = p
			if p != want[p.ID] {
				t.Errorf("Leftovers: got %+v, want %+v", p, want[p.ID])
			}
		}
		if len(got) != len(want) {
			t.Errorf("Leftovers: got %d persons, want %d", len(got), len(want))
		}
	}
}

func peopleLeftoversRemoved(t *testing.T, s dossier.People) {
	var list []dossier.Person
	for i := range 330 {
		state := dossier.PersonSubmitting
		if i%3 == 0 {
			state = dossier.PersonDeleting
		}
		list = append(list, peopleNew(state, peopleEpoch))
	}
	stays := peopleNew(dossier.PersonSubmitted, peopleEpoch)
	peopleInsert(t, s, append(list, stays)...)
	before := peopleEpoch.Add(time.Hour)
	seen := map[dossier.PersonID]int{}
	for p, err := range s.Leftovers(t.Context(), before) {
		if err != nil {
			t.Fatalf("Leftovers: %v", err)
		}
		seen[p.ID]++
		err := s.Move(t.Context(), p.ID, dossier.PersonDeleting, before, dossier.PersonSubmitting, dossier.PersonDeleting)
		if err != nil {
			t.Fatalf("Move in the loop: %v", err)
		}
		if len(seen)%2 == 0 { // the others stay, being deleted
			if err := s.Delete(t.Context(), p.ID); err != nil {
				t.Fatalf("Delete in the loop: %v", err)
			}
		}
	}
	for _, p := range list {
		if seen[p.ID] != 1 {
			t.Errorf("Leftovers yielded person %s %d times, want once", p.ID, seen[p.ID])
		}
	}
	if len(seen) != len(list) {
		t.Errorf("Leftovers yielded %d persons, want %d", len(seen), len(list))
	}
	rest := 0
	for p, err := range s.Leftovers(t.Context(), before) {
		if err != nil {
			t.Fatalf("Leftovers: %v", err)
		}
		rest++
		if err := s.Delete(t.Context(), p.ID); err != nil {
			t.Fatalf("Delete in the loop: %v", err)
		}
	}
	if rest != len(list)/2 {
		t.Errorf("Leftovers of a second loop: got %d, want %d", rest, len(list)/2)
	}
	for p, err := range s.Leftovers(t.Context(), before) {
		t.Fatalf("Leftovers after all were deleted: got %v and error %v, want none", p.ID, err)
	}
	peopleGet(t, s, stays.ID)
}

func peopleLeftoversBreak(t *testing.T, s dossier.People) {
	peopleInsert(t, s, peopleNew(dossier.PersonDeleting, peopleEpoch), peopleNew(dossier.PersonDeleting, peopleEpoch))
	// More often than any pool has connections.
	for range 50 {
		n := 0
		for _, err := range s.Leftovers(t.Context(), peopleEpoch) {
			if err != nil {
				t.Fatalf("Leftovers: %v", err)
			}
			n++
			break
		}
		if n != 1 {
			t.Fatalf("a loop that ends at once got %d persons, want 1", n)
		}
	}
}

func peopleExisting(t *testing.T, s dossier.People) {
	if got, err := s.Existing(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("Existing of none: got %d and error %v, want none", len(got), err)
	}
	var ids []dossier.PersonID
	there := map[dossier.PersonID]bool{}
	states := []dossier.PersonState{dossier.PersonSubmitting, dossier.PersonSubmitted, dossier.PersonDeleting}
	for i := range 100 {
		p := peopleNew(states[i/2%3], peopleEpoch)
		ids = append(ids, p.ID)
		if i%2 == 0 {
			peopleInsert(t, s, p)
			there[p.ID] = true
		}
	}
	peopleInsert(t, s, peopleNew(dossier.PersonSubmitted, peopleEpoch)) // not asked for
	got, err := s.Existing(t.Context(), ids)
	if err != nil {
		t.Fatalf("Existing: %v", err)
	}
	for _, id := range ids {
		if got[id] != there[id] {
			t.Errorf("Existing says %v of %s, want %v", got[id], id, there[id])
		}
	}
	for id := range got {
		if !slices.Contains(ids, id) {
			t.Errorf("Existing names %s, which was not asked for", id)
		}
	}
	if got, err := s.Existing(t.Context(), []dossier.PersonID{ids[0], ids[0]}); err != nil || !got[ids[0]] {
		t.Errorf("Existing of one id twice: got %v and error %v", got, err)
	}
}

// peopleCalls is every call, on a person who is in state PersonDeleting and on a new one.
func peopleCalls(s dossier.People, deleting dossier.PersonID, fresh dossier.Person) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Insert": func(ctx context.Context) error { return s.Insert(ctx, fresh) },
		"Person": func(ctx context.Context) error { _, err := s.Person(ctx, deleting); return err },
		"Move": func(ctx context.Context) error {
			return s.Move(ctx, deleting, dossier.PersonSubmitted, peopleEpoch, dossier.PersonDeleting)
		},
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, deleting) },
		"List":   func(ctx context.Context) error { _, err := s.List(ctx, "", dossier.Cursor{}, 10); return err },
		"List by prefix": func(ctx context.Context) error {
			_, err := s.List(ctx, "ada", dossier.Cursor{CreatedAt: peopleEpoch, ID: deleting}, 10)
			return err
		},
		"Leftovers": func(ctx context.Context) error {
			for _, err := range s.Leftovers(ctx, peopleEpoch) {
				return err
			}
			return nil
		},
		"Existing": func(ctx context.Context) error { _, err := s.Existing(ctx, []dossier.PersonID{deleting}); return err },
	}
}

// peopleRefused makes every call with a context that has ended and checks the error, and that nothing was done.
func peopleRefused(t *testing.T, s dossier.People, ctx context.Context, want error) {
	t.Helper()
	p := peopleNew(dossier.PersonDeleting, peopleEpoch)
	peopleInsert(t, s, p)
	fresh := peopleNew(dossier.PersonSubmitting, peopleEpoch)
	for name, call := range peopleCalls(s, p.ID, fresh) {
		err := call(ctx)
		peopleWant(t, name, err, want)
		if err != nil && (strings.Contains(err.Error(), "Lovelace") || strings.Contains(err.Error(), "London")) {
			t.Errorf("%s: the error tells a detail: %v", name, err)
		}
	}
	if got := peopleGet(t, s, p.ID); got != p {
		t.Errorf("a call that failed changed the person: got %+v, want %+v", got, p)
	}
	_, err := s.Person(t.Context(), fresh.ID)
	peopleWant(t, "Person, after an Insert that failed", err, dossier.ErrNotFound)
}

func peopleCancelled(t *testing.T, s dossier.People) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	peopleRefused(t, s, ctx, context.Canceled)
}

func peopleDeadline(t *testing.T, s dossier.People) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	peopleRefused(t, s, ctx, dossier.ErrUnavailable)
}

func peopleCancelledMeanwhile(t *testing.T, s dossier.People) {
	for round := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		var acknowledged sync.Map
		var wg sync.WaitGroup
		var done atomic.Int32
		for range 8 {
			wg.Go(func() {
				for {
					p := peopleNew(dossier.PersonSubmitting, peopleEpoch)
					err := s.Insert(ctx, p)
					if err != nil {
						peopleWant(t, "Insert cancelled on its way", err, context.Canceled)
						return
					}
					acknowledged.Store(p.ID, p)
					if int(done.Add(1)) > round {
						cancel()
					}
				}
			})
		}
		wg.Wait()
		cancel()
		for id, p := range acknowledged.Range {
			if got := peopleGet(t, s, id.(dossier.PersonID)); got != p {
				t.Errorf("acknowledged: got %+v, want %+v", got, p)
			}
		}
		// A connection that was cut off must not spoil what comes next.
		p := peopleNew(dossier.PersonSubmitting, peopleEpoch)
		peopleInsert(t, s, p)
		if got := peopleGet(t, s, p.ID); got != p {
			t.Errorf("after a cancelled call: got %+v, want %+v", got, p)
		}
	}
}

func peopleParallel(t *testing.T, s dossier.People) {
	stays := peopleNew(dossier.PersonSubmitted, peopleEpoch)
	peopleInsert(t, s, stays)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 6 {
				p := peopleNew(dossier.PersonSubmitting, peopleEpoch.Add(time.Duration(rand.IntN(1000))*time.Microsecond))
				steps := []struct {
					name string
					do   func() error
				}{
					{"Insert", func() error { return s.Insert(t.Context(), p) }},
					{"Move to submitted", func() error {
						return s.Move(t.Context(), p.ID, dossier.PersonSubmitted, peopleEpoch, dossier.PersonSubmitting)
					}},
					{"List", func() error {
						list, err := s.List(t.Context(), "ada", dossier.Cursor{}, 1000)
						if ids := peopleIDs(list); err == nil && (!slices.Contains(ids, p.ID) || !slices.Contains(ids, stays.ID)) {
							return errors.New("somebody is missing")
						}
						return err
					}},
					{"Move to deleting", func() error {
						return s.Move(t.Context(), p.ID, dossier.PersonDeleting, peopleEpoch, dossier.PersonSubmitted)
					}},
					{"Leftovers", func() error {
						for q, err := range s.Leftovers(t.Context(), peopleEpoch) {
							if err != nil || q.ID == p.ID {
								return err
							}
						}
						return errors.New("a person in state deleting is missing")
					}},
					{"Delete", func() error { return s.Delete(t.Context(), p.ID) }},
					{"Existing", func() error {
						there, err := s.Existing(t.Context(), []dossier.PersonID{p.ID, stays.ID})
						if err == nil && (there[p.ID] || !there[stays.ID]) {
							return errors.New("wrong answer")
						}
						return err
					}},
				}
				for _, step := range steps {
					if err := step.do(); err != nil {
						t.Errorf("%s, among others: %v", step.name, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
)

// peopleWorded inserts persons in state PersonSubmitted, with a name of its words, the first being the oldest.
func peopleWorded(t *testing.T, s dossier.People, names ...string) []dossier.Person {
	t.Helper()
	var list []dossier.Person
	for i, name := range names {
		p := peopleNew(dossier.PersonSubmitting, peopleEpoch.Add(time.Duration(i/2)*time.Second))
		p.Name = name
		peopleInsert(t, s, p)
		words := strings.Fields(name)
		slices.Sort(words)
		wants(t, "Acknowledge", s.Acknowledge(t.Context(), p.ID, p.UpdatedAt, words), nil)
		p.State = dossier.PersonSubmitted
		list = append(list, p)
	}
	return list
}

// peopleHasWords checks what words a person has.
func peopleHasWords(t *testing.T, doing string, s dossier.People, id dossier.PersonID, want ...string) dossier.Worded {
	t.Helper()
	got, err := s.Words(t.Context(), id)
	if err != nil || !slices.Equal(got.Words, want) {
		t.Errorf("%s: the words are %q, error %v, want %q", doing, got.Words, err, want)
	}
	return got
}

// peopleWays returns the words of a search; | stands between the ways of one.
func peopleWays(words ...string) []dossier.SearchWord {
	var all []dossier.SearchWord
	for _, w := range words {
		all = append(all, strings.Split(w, "|"))
	}
	return all
}

func peopleNames(list []dossier.Person) []string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Name
	}
	return names
}

func peopleSearch(t *testing.T, s dossier.People) {
	peopleWorded(t, s, "ada lovelace", "grace hopper", "ada yonath", "adam", "obrien brien", "山田太郎 太郎 郎",
		"😀 one", "😁 two", "\uD7FF\uD7FF", "\uE000x", "\U0010FFFF", "c++", "c#", "c", "lo ve")
	hidden := peopleNew(dossier.PersonSubmitting, peopleEpoch)
	peopleInsert(t, s, hidden)
	for search, want := range map[string][]string{
		"ada":          {"adam", "ada yonath", "ada lovelace"},
		"adam":         {"adam"},
		"lovelace":     {"ada lovelace"},
		"love":         {"ada lovelace"},
		"lo":           {"lo ve", "ada lovelace"},
		"ada lovelace": {"ada lovelace"},
		"a l":          {"ada lovelace"},
		"ve lo":        {"lo ve"},
		"ada hopper":   nil,
		"a b c":        nil,
		"love|hop":     {"grace hopper", "ada lovelace"},
		"ada lov|yo":   {"ada yonath", "ada lovelace"},
		"ada x|lov":    {"ada lovelace"},
		"ada x|y1":     nil,
		"ada|adam|gr":  {"adam", "ada yonath", "grace hopper", "ada lovelace"},
		"太":            {"山田太郎 太郎 郎"},
		"😀":            {"😀 one"},
		"\uD7FF":       {"\uD7FF\uD7FF"},
		"\uE000":       {"\uE000x"},
		"\U0010FFFF":   {"\U0010FFFF"},
		"c":            {"c", "c#", "c++"},
		"c#":           {"c#"},
		"c+":           {"c++"},
		"_":            nil,
		"%":            nil,
		`\`:            nil,
		"x\xff":        nil,
	} {
		found, err := s.Find(t.Context(), dossier.Search{Words: peopleWays(strings.Fields(search)...),
			Limit: 100, Count: 100})
		if got := peopleNames(found.People); err != nil || !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("Find %q: got %q and error %v, want %q", search, got, err, want)
		}
		if found.Matches != len(want) || found.Capped || !found.Further.IsZero() {
			t.Errorf("Find %q: counted %d, capped %v, further %v, want %d", search, found.Matches, found.Capped,
				found.Further, len(want))
		}
	}
}

func peopleSearchPages(t *testing.T, s dossier.People) {
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("go%d person%d", i%7, i), "rust")
	}
	all := peopleNewestFirst(peopleWorded(t, s, names...))
	for _, search := range []string{"go", "go3", "go person", "person1 go", "rust", "r", "none go", "go1|rust",
		"go person1|person2|none", "none|go person|rust"} {
		words := strings.Fields(search)
		var want []dossier.Person
		for _, p := range all {
			if !slices.ContainsFunc(peopleWays(words...), func(w dossier.SearchWord) bool {
				return !slices.ContainsFunc(w, func(way string) bool { return strings.Contains(" "+p.Name, " "+way) })
			}) {
				want = append(want, p)
			}
		}
		for _, limit := range []int{1, 3, 7, 100} {
			if got := peoplePages(t, s, words, limit, nil); !slices.Equal(peopleIDs(got), peopleIDs(want)) {
				t.Errorf("pages of %d by %q: got %q, want %q", limit, search, peopleNames(got), peopleNames(want))
			}
			var got []dossier.Person
			before := dossier.Cursor{CreatedAt: peopleEpoch.Add(-time.Hour), ID: dossier.NewPersonID()}
			for !before.IsZero() {
				found, err := s.Find(t.Context(),
					dossier.Search{Words: peopleWays(words...), Before: before, Limit: limit,
						Count: 5})
				must(t, "Find", err)
				if found.Matches != min(5, len(want)) || found.Capped != (len(want) > 5) {
					t.Errorf("counted %d by %q, capped %v, want %d at most", found.Matches, search, found.Capped,
						len(want))
				}
				got, before = append(found.People, got...), found.Further
			}
			if !slices.Equal(peopleIDs(got), peopleIDs(want)) {
				t.Errorf("pages of %d from the end by %q: got %q, want %q", limit, search, peopleNames(got),
					peopleNames(want))
			}
		}
	}
}

func peopleAcknowledge(t *testing.T, s dossier.People) {
	p := peopleNew(dossier.PersonSubmitting, peopleEpoch)
	peopleInsert(t, s, p)
	at := peopleEpoch.Add(time.Hour)
	wants(t, "AddWords before", s.AddWords(t.Context(), p.ID, []string{"early"}), dossier.ErrLost)
	wants(t, "Acknowledge", s.Acknowledge(t.Context(), p.ID, at, []string{"lovelace", "ada"}), nil)
	want := p
	want.State, want.UpdatedAt = dossier.PersonSubmitted, at
	peopleIs(t, s, "after Acknowledge", want)
	if w := peopleHasWords(t, "after Acknowledge", s, p.ID, "ada", "lovelace"); w.Person != want ||
		w.Version != dossier.WordsVersion {
		t.Errorf("Words: got %+v", w)
	}
	wants(t, "Acknowledge again", s.Acknowledge(t.Context(), p.ID, at, []string{"more"}), dossier.ErrLost)
	peopleHasWords(t, "after a second Acknowledge", s, p.ID, "ada", "lovelace")
	none := peopleNew(dossier.PersonSubmitting, peopleEpoch)
	peopleInsert(t, s, none)
	wants(t, "Acknowledge without words", s.Acknowledge(t.Context(), none.ID, at, nil), nil)
	peopleHasWords(t, "after Acknowledge without words", s, none.ID)
	wants(t, "Acknowledge of nobody",
		s.Acknowledge(t.Context(), dossier.NewPersonID(), at, []string{"ada"}), dossier.ErrNotFound)
	going := peopleNew(dossier.PersonDeleting, peopleEpoch)
	peopleInsert(t, s, going)
	wants(t, "Acknowledge of who is deleted", s.Acknowledge(t.Context(), going.ID, at, []string{"ada"}),
		dossier.ErrLost)
	peopleHasWords(t, "after a refused Acknowledge", s, going.ID)
}

func peopleAddWords(t *testing.T, s dossier.People) {
	list := peopleWorded(t, s, "ada", "bystander")
	before := peopleHasWords(t, "at first", s, list[0].ID, "ada")
	wants(t, "AddWords", s.AddWords(t.Context(), list[0].ID, []string{"pdf", "ada", "report"}), nil)
	after := peopleHasWords(t, "after AddWords", s, list[0].ID, "ada", "pdf", "report")
	if after.Revision == before.Revision || after.Person != before.Person || after.Version != before.Version {
		t.Errorf("AddWords made %+v of %+v", after, before)
	}
	wants(t, "AddWords again", s.AddWords(t.Context(), list[0].ID, []string{"pdf"}), nil)
	wants(t, "AddWords of none", s.AddWords(t.Context(), list[0].ID, nil), nil)
	peopleHasWords(t, "after AddWords again", s, list[0].ID, "ada", "pdf", "report")
	peopleHasWords(t, "a bystander", s, list[1].ID, "bystander")
	wants(t, "AddWords of nobody", s.AddWords(t.Context(), dossier.NewPersonID(), []string{"x"}),
		dossier.ErrNotFound)
	_, err := s.Words(t.Context(), dossier.NewPersonID())
	wants(t, "Words of nobody", err, dossier.ErrNotFound)
}

func peopleSetWords(t *testing.T, s dossier.People) {
	list := peopleWorded(t, s, "ada lovelace", "bystander")
	id := list[0].ID
	seen := peopleHasWords(t, "at first", s, id, "ada", "lovelace")
	wants(t, "SetWords", s.SetWords(t.Context(), seen, []string{"zebra", "ada", "ada", "new"}), nil)
	peopleHasWords(t, "after SetWords", s, id, "ada", "new", "zebra")
	wants(t, "SetWords by who saw what was before", s.SetWords(t.Context(), seen, []string{"old"}),
		dossier.ErrLost)
	seen = peopleHasWords(t, "after a refused SetWords", s, id, "ada", "new", "zebra")
	wants(t, "AddWords", s.AddWords(t.Context(), id, []string{"added"}), nil)
	wants(t, "SetWords after AddWords", s.SetWords(t.Context(), seen, nil), dossier.ErrLost)
	seen = peopleHasWords(t, "what was added stays", s, id, "ada", "added", "new", "zebra")
	wants(t, "SetWords to none", s.SetWords(t.Context(), seen, nil), nil)
	seen = peopleHasWords(t, "after SetWords to none", s, id)
	if err := s.Move(t.Context(), id, dossier.PersonDeleting, peopleEpoch, dossier.PersonSubmitted); err != nil {
		t.Fatal(err)
	}
	wants(t, "SetWords of who is deleted", s.SetWords(t.Context(), seen, []string{"x"}), dossier.ErrLost)
	seen.ID = dossier.NewPersonID()
	wants(t, "SetWords of nobody", s.SetWords(t.Context(), seen, []string{"x"}), dossier.ErrLost)
	peopleHasWords(t, "a bystander", s, list[1].ID, "bystander")
}

func peopleWordsGo(t *testing.T, s dossier.People) {
	list := peopleWorded(t, s, "ada lovelace", "bystander")
	id := list[0].ID
	wants(t, "RemoveWords of who is there", s.RemoveWords(t.Context(), id), dossier.ErrLost)
	peopleHasWords(t, "after a refused RemoveWords", s, id, "ada", "lovelace")
	if err := s.Move(t.Context(), id, dossier.PersonDeleting, peopleEpoch, dossier.PersonSubmitted); err != nil {
		t.Fatal(err)
	}
	peopleHasWords(t, "after Move to deleting", s, id)
	if found, _ := peopleFind(t, s, []string{"lovelace"}, dossier.Cursor{}, 10); len(found) != 0 {
		t.Error("who is being deleted is found")
	}
	wants(t, "AddWords of who is deleted", s.AddWords(t.Context(), id, []string{"x"}), dossier.ErrLost)
	wants(t, "Delete", s.Delete(t.Context(), list[0]), nil)
	wants(t, "RemoveWords of nobody", s.RemoveWords(t.Context(), id), nil)
	for id, err := range s.StrayWords(t.Context()) {
		t.Errorf("StrayWords: got %s and error %v, want none", id, err)
	}
	peopleHasWords(t, "a bystander", s, list[1].ID, "bystander")
}

func peopleUnworded(t *testing.T, s dossier.People) {
	peopleWorded(t, s, "ada")
	want := map[dossier.PersonID]bool{}
	for range 250 {
		p := peopleNew(dossier.PersonSubmitted, peopleEpoch)
		want[p.ID] = true
		peopleInsert(t, s, p)
	}
	moved := peopleNew(dossier.PersonSubmitting, peopleEpoch)
	peopleInsert(t, s, moved, peopleNew(dossier.PersonSubmitting, peopleEpoch),
		peopleNew(dossier.PersonDeleting, peopleEpoch))
	if err := s.Move(t.Context(), moved.ID, dossier.PersonSubmitted, peopleEpoch,
		dossier.PersonSubmitting); err != nil {
		t.Fatal(err)
	}
	want[moved.ID] = true
	seen := map[dossier.PersonID]bool{}
	for id, err := range s.Unworded(t.Context()) {
		if err != nil || !want[id] || seen[id] {
			t.Fatalf("Unworded: got %s and error %v; wanted %v, seen %v", id, err, want[id], seen[id])
		}
		seen[id] = true
		w := peopleHasWords(t, "before SetWords", s, id)
		// What is added is not all.
		wants(t, "AddWords", s.AddWords(t.Context(), id, []string{"file"}), nil)
		if w.Version != 0 {
			t.Errorf("who has no words has those of version %d", w.Version)
		}
		w = peopleHasWords(t, "before SetWords", s, id, "file")
		wants(t, "SetWords", s.SetWords(t.Context(), w, []string{"ada", "file"}), nil)
	}
	if len(seen) != len(want) {
		t.Errorf("Unworded: got %d, want %d", len(seen), len(want))
	}
	for id, err := range s.Unworded(t.Context()) {
		t.Errorf("Unworded afterwards: got %s and error %v, want none", id, err)
	}
}

func peopleMostWords(t *testing.T, s dossier.People) {
	p := peopleWorded(t, s, "ada")[0]
	var words []string
	for i := range dossier.MaxPersonWords + 10 {
		words = append(words, fmt.Sprintf("w%06d", i))
	}
	wants(t, "SetWords", s.SetWords(t.Context(), peopleHasWords(t, "at first", s, p.ID, "ada"), words), nil)
	peopleHasWords(t, "after SetWords", s, p.ID, words[:dossier.MaxPersonWords]...)
	wants(t, "AddWords beyond the bound", s.AddWords(t.Context(), p.ID, []string{"x1", "x2"}), nil)
	w := peopleHasWords(t, "after AddWords", s, p.ID, words[:dossier.MaxPersonWords]...)
	wants(t, "SetWords", s.SetWords(t.Context(), w, words[1:dossier.MaxPersonWords]), nil)
	wants(t, "AddWords up to the bound", s.AddWords(t.Context(), p.ID, []string{"x1", "x2"}), nil)
	peopleHasWords(t, "after AddWords", s, p.ID, append(words[1:dossier.MaxPersonWords:dossier.MaxPersonWords],
		"x1")...)
}

func peopleWordsAtOnce(t *testing.T, s dossier.People) {
	p := peopleWorded(t, s, "ada")[0]
	var wg sync.WaitGroup
	want := []string{"ada"}
	for i := range 16 {
		added := fmt.Sprintf("file%02d", i)
		want = append(want, added)
		wg.Go(func() {
			wants(t, "AddWords among others", s.AddWords(t.Context(), p.ID, []string{added, "pdf"}), nil)
		})
		wg.Go(func() { // as reconciliation, which finds nothing to change
			w, err := s.Words(t.Context(), p.ID)
			if err == nil {
				err = s.SetWords(t.Context(), w, w.Words)
			}
			if err != nil && !errors.Is(err, dossier.ErrLost) {
				t.Errorf("SetWords among others: %v", err)
			}
		})
	}
	wg.Wait()
	peopleHasWords(t, "in the end", s, p.ID, append(want, "pdf")...)
}

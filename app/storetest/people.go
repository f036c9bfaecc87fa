package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
)

// People checks that a store does what dossier.People promises. The open function returns an empty store that is closed
// with the test; it is called once for each part.
func People(t *testing.T, open func(t *testing.T) dossier.People) {
	suite(t, open, []part[dossier.People]{
		{"a person comes back as inserted", peopleRoundTrip},
		{"an absent person is not found", peopleAbsent},
		{"an id is inserted once", peopleInsertTwice},
		{"an id is inserted once by many at a time", peopleInsertAtOnce},
		{"a move asks for the state", peopleMove},
		{"one of many moves wins", peopleMoveAtOnce},
		{"a receipt is set by who knows the former", peopleSetReceipt},
		{"one of many receipts wins", peopleSetReceiptAtOnce},
		{"only who is being deleted is deleted", peopleDelete},
		{"the list is newest first", peopleListOrder},
		{"pages show everybody once", peopleListPages},
		{"a list is read backwards, and counted", peopleListBackwards},
		{"pages show everybody once while others come and go", peopleListMeanwhile},
		{"a search finds by words and what begins them", peopleSearch},
		{"a search reads all its pages, either way", peopleSearchPages},
		{"lists are filtered and sorted", peopleLists},
		{"words come with an acknowledgment", peopleAcknowledge},
		{"words are added", peopleAddWords},
		{"words are replaced unless they changed", peopleSetWords},
		{"words go with the person", peopleWordsGo},
		{"words that are not written are named", peopleUnworded},
		{"words have a bound", peopleMostWords},
		{"words of many writers at once", peopleWordsAtOnce},
		{"who comes to the trash", peopleTrash},
		{"who leaves the trash", peopleFromTrash},
		{"the trash is listed", peopleTrashList},
		{"one of many takes out of the trash", peopleTrashAtOnce},
		{"leftovers are the stale and the deleting", peopleLeftovers},
		{"a loop over leftovers may remove them", peopleLeftoversRemoved},
		{"a loop over leftovers may end early", peopleLeftoversBreak},
		{"existing", peopleExisting},
		{"a cancelled call does nothing", peopleCancelled},
		{"a call cancelled on its way is done or not acknowledged", peopleCancelledMeanwhile},
		{"a call past its deadline is unavailable", peopleDeadline},
		{"many at a time", peopleParallel},
	})
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

// peopleDetails returns details of whose fields each is the given text, or number, of its place.
func peopleDetails(t *testing.T, value func(int, dossier.Field) (string, int)) dossier.Details {
	t.Helper()
	typed := map[string]string{}
	for i, f := range dossier.Fields {
		text, number := value(i, f)
		if f.IsNumber() {
			text = strconv.Itoa(number)
		}
		typed[f.Name] = text
	}
	details, err := dossier.ParseDetails(typed)
	if err != nil {
		t.Fatal(err)
	}
	return details
}

func peopleInsert(t *testing.T, s dossier.People, list ...dossier.Person) {
	t.Helper()
	var wg sync.WaitGroup
	const width = 8
	for chunk := range slices.Chunk(list, max(1, (len(list)+width-1)/width)) {
		wg.Go(func() {
			for _, p := range chunk {
				wants(t, "Insert", s.Insert(t.Context(), p), nil)
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
	must(t, fmt.Sprintf("Person(%s)", id), err)
	return p
}

// peopleIs fails the test unless the store has exactly this person.
func peopleIs(t *testing.T, s dossier.People, doing string, want dossier.Person) {
	t.Helper()
	if got := peopleGet(t, s, want.ID); got != want {
		t.Errorf("%s: got %+v, want %+v", doing, got, want)
	}
}

func peopleIDs(list []dossier.Person) []dossier.PersonID {
	ids := make([]dossier.PersonID, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	return ids
}

func peopleRoundTrip(t *testing.T, s dossier.People) {
	for name, change := range map[string]func(*dossier.Person){
		"ordinary": func(*dossier.Person) {},
		"longest": func(p *dossier.Person) {
			p.Details = peopleDetails(t, func(i int, f dossier.Field) (string, int) {
				return strings.Repeat(string(rune(0x20000+i)), f.Most), f.Most // letters of four bytes each
			})
		},
		"longest key": func(p *dossier.Person) {
			p.Name = strings.Repeat("\uFDFA", dossier.MaxNameLength) // folds to 18 code points each
		},
		"shortest": func(p *dossier.Person) {
			p.Details = peopleDetails(t, func(i int, f dossier.Field) (string, int) {
				return string(rune('a' + i)), f.Least
			})
		},
		"upper case":   func(p *dossier.Person) { p.Name, p.Location = "ADA", "LONDON" },
		"lower case":   func(p *dossier.Person) { p.Name, p.Location = "ada", "london" },
		"other script": func(p *dossier.Person) { p.Name, p.Location = "Ἀριστοτέλης", "北京 🏯" },
		"emoji":        func(p *dossier.Person) { p.Name = "Zoë 👩\u200d🔬 🇪🇺" },
		"SQL":          func(p *dossier.Person) { p.Name = `Robert'); DROP TABLE people;-- "\` + "`" },
		"youngest":     func(p *dossier.Person) { p.Age = 0 },
		"oldest":       func(p *dossier.Person) { p.Age = 130 },
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
			peopleIs(t, s, "Person", p)
		})
	}
}

func peopleAbsent(t *testing.T, s dossier.People) {
	peopleInsert(t, s, peopleNew(dossier.PersonSubmitted, peopleEpoch))
	_, err := s.Person(t.Context(), dossier.NewPersonID())
	wants(t, "Person", err, dossier.ErrNotFound)
}

func peopleInsertTwice(t *testing.T, s dossier.People) {
	for _, state := range []dossier.PersonState{dossier.PersonSubmitting, dossier.PersonSubmitted, dossier.PersonDeleting} {
		p := peopleNew(state, peopleEpoch)
		peopleInsert(t, s, p)
		wants(t, "the same person again", s.Insert(t.Context(), p), dossier.ErrExists)
		other := peopleNew(dossier.PersonSubmitting, peopleEpoch.Add(time.Hour))
		other.ID, other.Name = p.ID, "Charles Babbage"
		err := s.Insert(t.Context(), other)
		wants(t, "another person by the same id", err, dossier.ErrExists)
		if err != nil && strings.Contains(err.Error(), "Babbage") {
			t.Errorf("the error tells a detail: %v", err)
		}
		peopleIs(t, s, "after refused inserts", p)
	}
}

func peopleInsertAtOnce(t *testing.T, s dossier.People) {
	for range 5 {
		id := dossier.NewPersonID()
		people := make([]dossier.Person, 24)
		for i := range people {
			people[i] = peopleNew(dossier.PersonSubmitting, peopleEpoch)
			people[i].ID, people[i].Name = id, fmt.Sprintf("Submitter %d", i)
		}
		winner := people[oneWins(t, "Insert of one id", len(people), dossier.ErrExists, func(i int) error {
			return s.Insert(t.Context(), people[i])
		})]
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
				wants(t, doing, s.Move(t.Context(), p.ID, to, at, from...), wantErr)
				peopleIs(t, s, doing, want)
				wants(t, "the absent: "+doing, s.Move(t.Context(), dossier.NewPersonID(), to, at, from...),
					dossier.ErrNotFound)
			}
		}
	}

	p := peopleNew(submitting, peopleEpoch)
	peopleInsert(t, s, p)
	wants(t, "Move that changes nothing", s.Move(t.Context(), p.ID, submitting, p.UpdatedAt, submitting), nil)
	peopleIs(t, s, "Moves changed another person", bystander)
}

func peopleMoveAtOnce(t *testing.T, s dossier.People) {
	for range 5 {
		p := peopleNew(dossier.PersonSubmitting, peopleEpoch)
		peopleInsert(t, s, p)
		to := []dossier.PersonState{dossier.PersonSubmitted, dossier.PersonDeleting}
		winner := to[oneWins(t, "Move from one state", 16, dossier.ErrLost, func(i int) error {
			return s.Move(t.Context(), p.ID, to[i%2], peopleEpoch.Add(time.Second), dossier.PersonSubmitting)
		})%2]
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
		wants(t, "Delete in state "+string(state), s.Delete(t.Context(), p), dossier.ErrLost)
		peopleIs(t, s, "a refused Delete changed the person", p)
	}
	p := peopleNew(dossier.PersonDeleting, peopleEpoch)
	peopleInsert(t, s, p)
	former := p
	former.CreatedAt = former.CreatedAt.Add(-time.Microsecond)
	wants(t, "Delete of a former person with that id", s.Delete(t.Context(), former), dossier.ErrLost)
	peopleGet(t, s, p.ID)
	wants(t, "Delete", s.Delete(t.Context(), p), nil)
	_, err := s.Person(t.Context(), p.ID)
	wants(t, "Person after Delete", err, dossier.ErrNotFound)
	wants(t, "Delete again", s.Delete(t.Context(), p), nil)
	wants(t, "Delete of nobody", s.Delete(t.Context(), peopleNew(dossier.PersonDeleting, peopleEpoch)), nil)
	wants(t, "Insert after Delete", s.Insert(t.Context(), p), nil)
	peopleGet(t, s, bystander.ID)
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
	must(t, "Existing", err)
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

func peopleSetReceipt(t *testing.T, s dossier.People) {
	never, expires := time.Time{}, peopleEpoch.Add(time.Hour+7*time.Microsecond)
	bystander := peopleNew(dossier.PersonSubmitted, peopleEpoch)
	bystander.ReceiptExpires = expires
	peopleInsert(t, s, bystander)
	for _, state := range []dossier.PersonState{dossier.PersonSubmitting, dossier.PersonSubmitted,
		dossier.PersonDeleting} {
		want := peopleNew(state, peopleEpoch)
		peopleInsert(t, s, want)
		other := dossier.NewReceipt().Hash()
		for _, step := range []struct {
			doing   string
			to      [32]byte
			expires time.Time
		}{
			{"another receipt", other, never}, {"the same", other, never}, {"an expiry", other, expires},
			{"the same expiry", other, expires}, {"both", dossier.NewReceipt().Hash(), expires.Add(time.Microsecond)},
			{"never", want.ReceiptHash, never},
		} {
			doing := fmt.Sprintf("SetReceipt of a person in state %s: %s", state, step.doing)
			wants(t, doing, s.SetReceipt(t.Context(), want.ID, want.ReceiptHash, step.to, step.expires), nil)
			want.ReceiptHash, want.ReceiptExpires = step.to, step.expires
			peopleIs(t, s, doing, want)
			wants(t, doing+", by who does not know the former",
				s.SetReceipt(t.Context(), want.ID, [32]byte{1}, [32]byte{2}, expires), dossier.ErrLost)
			wants(t, doing+", of the absent",
				s.SetReceipt(t.Context(), dossier.NewPersonID(), want.ReceiptHash, other, never), dossier.ErrNotFound)
			peopleIs(t, s, doing+", refused", want)
		}
	}
	peopleIs(t, s, "SetReceipt changed another person", bystander)
}

func peopleSetReceiptAtOnce(t *testing.T, s dossier.People) {
	p := peopleNew(dossier.PersonSubmitted, peopleEpoch)
	peopleInsert(t, s, p)
	oneWins(t, "SetReceipt", 10, dossier.ErrLost, func(i int) error {
		return s.SetReceipt(t.Context(), p.ID, p.ReceiptHash, [32]byte{byte(i)}, time.Time{})
	})
}

//go:build unix

package catalog

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// before are the situations in which a Commit may find the claim. Each returns the file to commit, and the other, if
// there is one.
var before = []struct {
	name string
	make func(b *bench, person dossier.PersonID) (own, other dossier.File)
}{
	{"no claim", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		return b.described(person), other
	}},
	{"no claim" + asPut, func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		return b.described(person), other
	}},
	{"described anew" + asPut, func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		own = b.described(person)
		b.describe(own, 0)
		return own, other
	}},
	{"claim of one that commits" + asPut, func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		return b.described(person), b.claimed(person)
	}},
	{"own claim", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		return b.claimed(person), other
	}},
	{"own claim of an earlier revision", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		own = b.claimed(person)
		b.describe(own, 0)
		return own, other
	}},
	{"claim of a stored one", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.described(person)
		b.commit(other)
		return b.described(person), other
	}},
	{"claim of one that commits", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		return b.described(person), b.claimed(person)
	}},
	{"claim of one described anew as something else",
		func(b *bench, person dossier.PersonID) (own, other dossier.File) {
			other = b.claimed(person)
			b.describe(other, 1)
			return b.described(person), other
		}},
	{"claim of one described anew as the same", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.claimed(person)
		b.describe(other, 0)
		return b.described(person), other
	}},
	{"claim of one stored as something else", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.claimed(person)
		b.describe(other, 1)
		b.commit(other)
		return b.described(person), other
	}},
	{"claim of one that is deleting", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.claimed(person)
		b.mark(other)
		return b.described(person), other
	}},
	{"claim of one that is gone", func(b *bench, person dossier.PersonID) (own, other dossier.File) {
		other = b.claimed(person)
		// As if its claim had been written behind Remove's back.
		b.must(b.sound.remove(b.Context(), "test", person.String(), other.ID.String(), inState(dossier.FileUploading)))
		return b.described(person), other
	}},
}

// asPut ends the name of a situation in which records are described by their Put, and the Commit relies on it.
const asPut = ", as put"

// situations runs a test in each of them, each with a table of its own. A combination whose number chosen does not take
// is left out.
func situations(t *testing.T, test func(b *bench, make maker, chosen func(i, of int) bool)) {
	server := sharedDynamoDB(t)
	for nth, s := range before {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, server.Config())
			b.asPut = strings.HasSuffix(s.name, asPut)
			test(b, func() (dossier.PersonID, dossier.File, dossier.File) {
				t.Helper()
				person := dossier.NewPersonID()
				own, other := s.make(b, person)
				return person, own, other
			}, func(i, of int) bool { return *every || (i+nth)%of == 0 })
		})
	}
}

// maker makes the situation anew for another person.
type maker = func() (person dossier.PersonID, own, other dossier.File)

// maxRequests is more than any call here makes; a test that gets there would never end.
const maxRequests = 50

// A Commit that dies at any request leaves nothing that harms: not itself when repeated, not the next of the same
// content, and not the deletion of its file.
func TestDynamoDBCommitDies(t *testing.T) {
	t.Parallel()
	situations(t, func(b *bench, make maker, chosen func(i, of int) bool) {
		then := []struct {
			name string
			do   func(person dossier.PersonID, own dossier.File)
		}{
			{"the same again", func(_ dossier.PersonID, own dossier.File) {
				answer := b.commit(own)
				if again := b.commit(own); again.ID != answer.ID {
					b.Errorf("Commit repeated: answers %v and %v", answer.ID, again.ID)
				}
			}},
			{"the next of the same content", func(person dossier.PersonID, own dossier.File) {
				answer := b.commit(b.described(person))
				if again := b.commit(own); again.ID != answer.ID {
					b.Errorf("Commits of the same content: answers %v and %v", answer.ID, again.ID)
				}
			}},
			{"deletion", func(person dossier.PersonID, own dossier.File) {
				b.remove(own)
				if _, claims := b.items(person); slices.ContainsFunc(claims, func(c *item) bool {
					return c.Owner == own.ID.String()
				}) {
					b.Error("Remove left a claim")
				}
				if answer := b.commit(b.described(person)); answer.ID == own.ID {
					b.Error("Commit answers with a removed file")
				}
			}},
		}
		for n := 1; ; n++ {
			if n == maxRequests {
				b.Fatal("Commit never ends")
			}
			ended := false
			for _, effect := range []bool{false, true} {
				for i, next := range then {
					if i += n; effect {
						i++
					}
					if !chosen(i, len(then)) {
						continue
					}
					person, own, _ := make()
					b.wire.crash(n, effect)
					_, err := b.try(own)
					made := b.wire.mend()
					if ended = made < n; ended == (err != nil) {
						b.Fatalf("Commit that died at request %d of %d: got error %v", n, made, err)
					}
					if err != nil && !errors.Is(err, dossier.ErrUnavailable) {
						b.Fatalf("Commit that died at request %d: got error %v, want ErrUnavailable", n, err)
					}
					b.sane(person)
					next.do(person, own)
					b.sane(person)
					b.empties(person)
					if b.Failed() {
						b.Fatalf("that was: Commit that died at request %d (took effect: %v), then %s", n, effect,
							next.name)
					}
				}
			}
			if ended {
				return
			}
		}
	})
}

// Whatever others do between any two requests of a Commit, at most one file of a name and content is stored, with its
// claim, and the answer is one that is stored or was while the call ran.
func TestDynamoDBCommitInterrupted(t *testing.T) {
	t.Parallel()
	situations(t, func(b *bench, make maker, chosen func(i, of int) bool) {
		var person dossier.PersonID
		var own, other dossier.File
		// gone are the files that were deleted in between.
		gone := map[dossier.FileID]bool{}
		drop := func(f dossier.File, do func(dossier.File)) {
			gone[f.ID] = true
			if _, err := b.sound.File(b.Context(), f.Person, f.ID); err == nil {
				do(f)
			}
		}
		// A step may find the file in another state already.
		perhaps := func(err error) {
			if err != nil && !errors.Is(err, dossier.ErrLost) {
				b.Fatal(err)
			}
		}
		describe := func(f dossier.File, pair int) {
			perhaps(b.sound.Describe(b.Context(), person, f.ID, pairs[pair], f.UpdatedAt))
		}
		commit := func(f dossier.File) {
			_, err := b.sound.Commit(b.Context(), person, f.ID, f.UpdatedAt)
			perhaps(err)
		}
		next := func() dossier.File { return b.commit(b.described(person)) }
		const sameAgain = "other is the same again and is committed"
		between := []struct {
			name string
			do   func()
		}{
			{"own is marked", func() { drop(own, b.mark) }},
			{"own is removed", func() { drop(own, b.remove) }},
			{"own is removed, next is committed", func() { drop(own, b.remove); next() }},
			{"own is committed", func() { b.commit(own) }},
			{"own is committed and removed", func() { drop(b.commit(own), b.remove); drop(own, b.remove) }},
			{"own is described as another", func() { describe(own, 1) }},
			{"own is another for a while", func() { describe(own, 1); describe(own, 0) }},
			{"own is another for a while, next is committed", func() { describe(own, 1); next(); describe(own, 0) }},
			{"next is committed", func() { next() }},
			{"next is committed and removed", func() { drop(next(), b.remove) }},
			{"other is marked", func() { drop(other, b.mark) }},
			{"other is removed", func() { drop(other, b.remove) }},
			{sameAgain, func() { describe(other, 0); commit(other) }},
			{"other is removed, next is committed", func() { drop(other, b.remove); next() }},
		}
		for i, between := range between {
			for n := 1; ; n++ {
				if n == maxRequests {
					b.Fatal("Commit never ends")
				}
				// What happens to the claim in between is found by few combinations, of which a part may have none.
				if between.name != sameAgain && !chosen(i+n, 5) && n < 10 {
					continue
				}
				person, own, other = make()
				if other.ID == (dossier.FileID{}) && strings.HasPrefix(between.name, "other") {
					break
				}
				clear(gone)
				b.wire.stepIn(n, between.do)
				answer, err := b.try(own)
				if made := b.wire.mend(); made < n {
					break
				}
				b.sane(person)
				switch {
				case errors.Is(err, dossier.ErrLost):
					if !gone[own.ID] {
						b.Error("ErrLost, though nobody deleted the file")
					}
					// While the record is there, Remove sees to its claims.
					records, claims := b.items(person)
					if !slices.ContainsFunc(records, func(r *item) bool { return r.File == own.ID.String() }) &&
						slices.ContainsFunc(claims, func(c *item) bool { return c.Owner == own.ID.String() }) {
						b.Error("ErrLost, and a claim without a record is left")
					}
				case err != nil:
					b.Errorf("error %v", err)
				case answer.State != dossier.FileStored || answer.Name != own.Name ||
					*answer.Content != pairs[0] && between.name != "own is described as another":
					b.Errorf("answer %v", answer)
				case !gone[answer.ID]:
					if now, err := b.sound.File(b.Context(), person, answer.ID); err != nil ||
						now.State != dossier.FileStored {
						b.Errorf("answer %v; now it is %v, %v", answer, now, err)
					}
				}
				if b.Failed() {
					b.Fatalf("that was: before request %d of Commit, %s", n, between.name)
				}
			}
		}
	})
}

// A Commit that slept while its record was described anew, and dies when it wrote its claim, takes nothing from the
// Commit of the new revision that is just under way.
func TestDynamoDBCommitLateWriter(t *testing.T) {
	t.Parallel()
	cfg, table := newTable(t, sharedDynamoDB(t).Config())
	b := &bench{T: t}
	b.sound, _ = handle(cfg, table)
	b.tested, b.wire = handle(cfg, table)
	late, lateWire := handle(cfg, table)

	person := dossier.NewPersonID()
	f := b.described(person)
	asleep, wake, dead := make(chan struct{}), make(chan struct{}), make(chan error)
	lateWire.set(func(n int, _ *http.Request) (*http.Response, error) {
		switch {
		case n == 2: // about to write its claim
			close(asleep)
			<-wake
		case n > 2:
			return nil, errCut
		}
		return nil, nil
	}, nil)
	go func() {
		_, err := late.Commit(t.Context(), person, f.ID, f.UpdatedAt)
		dead <- err
	}()
	<-asleep
	b.describe(f, 0)
	b.wire.stepIn(3, func() { // it has its claim and is about to store
		close(wake)
		if err := <-dead; !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("the late Commit: got error %v, want ErrUnavailable", err)
		}
		b.commit(b.described(person))
	})
	if err := commits(b, f, f.ID); err != nil {
		t.Errorf("the Commit under way: %v", err)
	}
	b.sane(person)
	b.empties(person)
}

// An id that is used a second time does not repeat a revision: a Commit that slept through the first file's removal
// neither stores the second one nor leaves a claim that would.
func TestDynamoDBCommitSleepsIntoASecondLife(t *testing.T) {
	t.Parallel()
	b := newBench(t, sharedDynamoDB(t).Config())
	for n := 2; ; n++ {
		person := dossier.NewPersonID()
		first := b.described(person)
		second := first
		second.CreatedAt = first.CreatedAt.Add(time.Millisecond)
		b.wire.stepIn(n, func() {
			if now, err := b.sound.File(t.Context(), person, first.ID); err == nil && now.State != dossier.FileStored {
				b.remove(first)
				b.must(b.sound.Put(t.Context(), second))
				b.must(b.sound.Describe(t.Context(), person, second.ID,
					dossier.Content{Size: 10, SHA256: [32]byte{1}, CRC64: 1}, second.UpdatedAt))
			}
		})
		_, err := b.tested.Commit(t.Context(), person, first.ID, first.UpdatedAt)
		if b.wire.mend() < n {
			return
		}
		if !errors.Is(err, dossier.ErrIncomplete) {
			t.Errorf("Commit that slept before request %d: got error %v, want ErrIncomplete", n, err)
		}
		if now, err := b.sound.File(t.Context(), person, second.ID); err != nil || now.State != dossier.FileUploading {
			t.Errorf("after a Commit that slept before request %d the second file is %v, %v; want it uploading", n, now,
				err)
		}
		// The next of the same content is not stored through what was left.
		next := b.described(person)
		if got := b.commit(next); got.ID != next.ID {
			t.Errorf("Commit of another answers with %v", got)
		}
		if b.Failed() || n == maxRequests {
			t.FailNow()
		}
	}
}

// Commit in every situation, with each answer lost in turn.
func TestDynamoDBCommitLostAnswers(t *testing.T) {
	t.Parallel()
	situations(t, func(b *bench, make maker, _ func(i, of int) bool) {
		_, own, other := make()
		answer := b.commit(own)
		wantOther := answer.ID == other.ID
		b.loses("Commit", func() (func() error, func()) {
			person, own, other := make()
			want := own.ID
			if wantOther {
				want = other.ID
			}
			return func() error { return commits(b, own, want) }, func() { b.sane(person); b.empties(person) }
		}, nil)
	})
}

// commits commits through the tested handle and wants the answer to be a certain file.
func commits(b *bench, f dossier.File, want dossier.FileID) error {
	got, err := b.try(f)
	if err == nil && (got.ID != want || got.State != dossier.FileStored) {
		return fmt.Errorf("answer %v, want file %v", got, want)
	}
	return err
}

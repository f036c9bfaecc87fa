package dossier_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
)

// instance returns a service of its own over the stores, with a budget; f may be nil.
func (s stores) instance(b dossier.Budget, f *faults) *dossier.Service {
	return s.through(f, dossier.Options{Budget: b, Now: s.clock.now, Log: s.log})
}

// recorded is what the records count for.
func (s stores) recorded(t *testing.T) (q dossier.Quota) {
	t.Helper()
	for f, err := range s.catalog.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		q.Files, q.Bytes = q.Files+f.Counted().Files, q.Bytes+f.Counted().Bytes
	}
	return q
}

// used is what the counter of the budget says.
func (s stores) used(t *testing.T, b dossier.Budget) dossier.Quota {
	t.Helper()
	c, err := s.instance(b, nil).Custody(t.Context())
	if err != nil || c.Budget == nil {
		t.Fatalf("the budget of %+v: %+v, %v", b, c.Budget, err)
	}
	return dossier.Quota{Files: c.Budget.Files, Bytes: c.Budget.Bytes}
}

func (s stores) sweepBy(t *testing.T, svc *dossier.Service) {
	t.Helper()
	if _, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: 24 * time.Hour, Sweep: true},
		nil); err != nil {
		t.Fatalf("sweep: %v", err)
	}
}

func closed(t *testing.T, all ...*dossier.Service) {
	t.Helper()
	for _, svc := range all {
		if err := svc.Close(t.Context()); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
}

// person registers somebody new.
func person(t *testing.T, svc *dossier.Service) dossier.PersonID {
	t.Helper()
	p, err := svc.Register(t.Context(), dossier.NewReceipt(), ada)
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// of returns an announcement of a file of so many bytes.
func of(size int64) dossier.Announcement {
	return dossier.Announcement{ID: dossier.NewFileID(), Name: "large", Size: size}
}

// tenGiB is a budget of which an instance takes blocks of 10 MiB.
var tenGiB = dossier.Budget{StoreFiles: 1000, StoreBytes: 10 << 30}

// Several instances compete for a budget. Together they take all of it but what each may hold, and never more; what is
// removed through one can be taken through another.
func TestInstancesShareTheBudget(t *testing.T) {
	const size = 100 << 20
	onEachKind(t, func(t *testing.T, s stores) {
		all := []*dossier.Service{s.instance(tenGiB, nil), s.instance(tenGiB, nil), s.instance(tenGiB, nil)}
		owner := person(t, all[0])
		var mu sync.Mutex
		var taken []dossier.FileID
		atOnce(12, func(i int) {
			for {
				f, err := all[i%len(all)].Announce(t.Context(), owner, of(size))
				if err != nil {
					if !errors.Is(err, dossier.ErrFull) && codeOf(err) != dossier.CodeFull {
						t.Errorf("announce beyond the budget: %v", err)
					}
					return
				}
				mu.Lock()
				taken = append(taken, f.ID)
				mu.Unlock()
			}
		})
		has, held := s.recorded(t), int64(len(all))*2*tenGiB.Block().Bytes
		if has.Bytes > tenGiB.StoreBytes || has.Bytes < tenGiB.StoreBytes-held-size {
			t.Fatalf("%d bytes are recorded, want up to %d, and at least that less %d", has.Bytes, tenGiB.StoreBytes,
				held+size)
		}
		for i, id := range taken[:10] {
			if err := all[i%2].GiveUp(t.Context(), owner, id); err != nil {
				t.Fatal(err)
			}
		}
		again := 0
		for range 10 {
			if _, err := all[2].Announce(t.Context(), owner, of(size)); err == nil {
				again++
			}
		}
		if again < 9 {
			t.Errorf("%d of 10 files fit in the place of 10 that were given up", again)
		}
		closed(t, all...)
		if has, used := s.recorded(t), s.used(t, tenGiB); used != has {
			t.Errorf("the counter says %+v after all instances stopped, the records %+v", used, has)
		}
	})
}

// An instance that is killed leaves its block counted. A sweep mends that, also while others are at work.
func TestASweepMendsTheBudgetOfAKilledInstance(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		killed, other := s.instance(tenGiB, nil), s.instance(tenGiB, nil)
		owner := person(t, killed)
		for _, svc := range []*dossier.Service{killed, other} {
			if _, err := svc.Announce(t.Context(), owner, of(1<<20)); err != nil {
				t.Fatal(err)
			}
		}
		has, used, block := s.recorded(t), s.used(t, tenGiB), tenGiB.Block()
		if want := 2 * block.Bytes; used.Bytes != want {
			t.Fatalf("the counter says %+v, want two blocks: %d bytes", used, want)
		}
		sweeper := s.instance(tenGiB, nil)
		s.sweepBy(t, sweeper)
		closed(t, sweeper)
		if used := s.used(t, tenGiB); used != has {
			t.Fatalf("the counter says %+v after a sweep, the records %+v", used, has)
		}
		// The other instance still holds its block, and may use it; nothing more without the counter.
		if _, err := other.Announce(t.Context(), owner, of(block.Bytes)); err != nil {
			t.Fatal(err)
		}
		closed(t, other)
		has, used = s.recorded(t), s.used(t, tenGiB)
		if missing := has.Bytes - used.Bytes; missing < 0 || missing > 2*block.Bytes {
			t.Errorf("the counter says %+v, the records %+v: want it at most two blocks lower", used, has)
		}
		s.sweepBy(t, sweeper)
		if used := s.used(t, tenGiB); used != has {
			t.Errorf("the counter says %+v after another sweep, the records %+v", used, has)
		}
	})
}

// Stores that were filled before there was a budget are counted from what the last sweep saw.
func TestABudgetForAStoreThatHasFiles(t *testing.T) {
	s := fresh(t)
	before := s.instance(dossier.Budget{}, nil)
	owner := person(t, before)
	for range 3 {
		if _, err := before.Announce(t.Context(), owner, of(1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	s.sweepBy(t, before)
	b := dossier.Budget{StoreFiles: 4}
	svc := s.instance(b, nil)
	if _, err := svc.Announce(t.Context(), owner, of(1)); err != nil {
		t.Errorf("the fourth file: %v", err)
	}
	if _, err := svc.Announce(t.Context(), owner, of(1)); codeOf(err) != dossier.CodeFull {
		t.Errorf("the fifth file of 4: got %v, want code %s", err, dossier.CodeFull)
	}
}

// Whatever call goes wrong, and wherever a process dies: no more than the budget is recorded, and after a sweep the
// counter says what is.
func TestFaultsOfTheBudget(t *testing.T) {
	b := dossier.Budget{StoreFiles: 3, StoreBytes: 1 << 20, DayPersons: 2, DayFiles: 3, DayBytes: 1 << 20}
	run := func(ctx context.Context, svc *dossier.Service) error {
		ctx = dossier.WithSender(ctx, dossier.Sender{Client: "192.0.2.1/32"})
		r := dossier.NewReceipt()
		if _, err := submit(ctx, svc, r, twoFiles); err != nil {
			return err
		}
		f, err := svc.Announce(ctx, r.Person, of(1000))
		if err != nil {
			return err
		}
		if err := svc.GiveUp(ctx, r.Person, f.ID); err != nil {
			return err
		}
		return svc.Close(ctx)
	}
	clean := noFault()
	if err := run(t.Context(), fresh(t).instance(b, clean)); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(clean.Calls(), "catalog.SetNote") {
		t.Fatalf("nothing is counted by %v", clean.Calls())
	}
	first := inMemory()
	faultCases(t, clean.Calls(), func(t *testing.T, f *faults) {
		s := first.copied()
		_ = run(t.Context(), s.instance(b, f))
		if has := s.recorded(t); has.Files > b.StoreFiles || has.Bytes > b.StoreBytes {
			t.Errorf("%+v are recorded, the budget is %+v", has, b)
		}
		s.checkInvariants(t, false)
		s.clock.forward(48 * time.Hour)
		for range 2 {
			sweeper := s.instance(b, nil)
			s.sweepBy(t, sweeper)
			closed(t, sweeper)
		}
		if has, used := s.recorded(t), s.used(t, b); used != has {
			t.Errorf("the counter says %+v after the sweeps, the records %+v", used, has)
		}
	})
}

// from returns a context of what a network sends.
func from(t *testing.T, network string) context.Context {
	return dossier.WithSender(t.Context(), dossier.Sender{Client: network})
}

// A network has its own budget for the day: who has used it up waits for the next, and others go on.
func TestTheDayOfANetwork(t *testing.T) {
	b := dossier.Budget{DayPersons: 2, DayFiles: 3, DayBytes: 1 << 20}
	register := func(ctx context.Context, svc *dossier.Service, r dossier.Receipt) error {
		_, err := svc.Register(ctx, r, ada)
		return err
	}
	onEachKind(t, func(t *testing.T, s stores) {
		// Two instances: the day is counted over both.
		one, two := s.instance(b, nil), s.instance(b, nil)
		here, there := from(t, "192.0.2.1/32"), from(t, "2001:db8::/64")
		r, other := dossier.NewReceipt(), dossier.NewReceipt()
		for i, svc := range []*dossier.Service{one, two} {
			if err := register(here, svc, []dossier.Receipt{r, other}[i]); err != nil {
				t.Fatal(err)
			}
		}
		refused := func(what string, err error) {
			t.Helper()
			if codeOf(err) != dossier.CodeDay {
				t.Errorf("%s: got %v, want code %s", what, err, dossier.CodeDay)
			}
		}
		refused("a third person", register(here, two, dossier.NewReceipt()))
		for _, size := range []int{dossier.SmallBytes, dossier.SmallBytes + 1} {
			// The form of a third person ends with its first file: nothing that follows is to be read.
			sub, err := two.Start(here, dossier.NewReceipt(), ada)
			if err != nil {
				t.Fatal(err)
			}
			refused(fmt.Sprintf("a file of %d bytes of a third person", size),
				sub.AddFile(here, "a.txt", bytes.NewReader(make([]byte, size))))
			sub.Abandon(here)
		}
		if err := register(here, two, r); err != nil {
			t.Errorf("the first person once more: %v", err)
		}
		if err := register(there, two, dossier.NewReceipt()); err != nil {
			t.Errorf("a person of another network: %v", err)
		}

		for range 3 {
			if _, err := one.Announce(here, r.Person, of(1000)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := two.Announce(here, r.Person, of(1000))
		refused("a fourth file", err)
		out, err := submit(here, two, r, []upload{{"form.txt", []byte("bytes")}})
		if err != nil || codeOf(out[0].Err) != dossier.CodeDay {
			t.Errorf("a fourth file by the form: %+v, %v", out, err)
		}
		if room, err := two.Room(here); err != nil || room.Why == nil || room.Why.Code != dossier.CodeDay {
			t.Errorf("the room of a network that used up its day: %+v, %v", room, err)
		}
		if _, err := two.Announce(there, other.Person, of(1000)); err != nil {
			t.Errorf("a file of another network: %v", err)
		}
		s.clock.forward(24 * time.Hour)
		if _, err := two.Announce(here, r.Person, of(1000)); err != nil {
			t.Errorf("the next day: %v", err)
		}
	})
}

// The first form of a network on a day writes its counter once, for the person, the files, and their bytes; another
// form writes nothing. Each write of a note is paid for by its size.
func TestTheDayIsCountedAtOnce(t *testing.T) {
	b := dossier.Budget{DayPersons: 640, DayFiles: 6400, DayBytes: 64 << 20}
	for what, size := range map[string]int{"small": dossier.SmallBytes, "large": dossier.SmallBytes + 1} {
		t.Run(what, func(t *testing.T) {
			s, f := fresh(t), noFault()
			svc, here := s.instance(b, f), from(t, "192.0.2.1/32")
			for i := range 3 {
				files := []upload{{"a.txt", make([]byte, size)}, {"b.txt", bytes.Repeat([]byte("b"), size)}}
				if _, err := submit(here, svc, dossier.NewReceipt(), files); err != nil {
					t.Fatal(err)
				}
				writes := 0
				for _, call := range f.Calls() {
					if call == "catalog.SetNote" {
						writes++
					}
				}
				if writes != 1 {
					t.Fatalf("after %d forms the counter was written %d times, want once", i+1, writes)
				}
			}
			closed(t, svc)
			// What was taken along and not used is given back.
			other := s.instance(dossier.Budget{DayPersons: 4, DayFiles: 7, DayBytes: int64(6*size) + 1}, nil)
			if _, err := submit(here, other, dossier.NewReceipt(), []upload{{"c.txt", []byte("c")}}); err != nil {
				t.Errorf("a fourth person with a seventh file of a byte: %v", err)
			}
			if _, err := other.Register(here, dossier.NewReceipt(), ada); codeOf(err) != dossier.CodeDay {
				t.Errorf("a fifth person: got %v, want code %s", err, dossier.CodeDay)
			}
		})
	}
}

// A form whose bytes are more than is left of the day is cut off at that, and what is stored already is answered.
func TestTheDayEndsInTheMiddleOfAForm(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		file := upload{"a.txt", bytes.Repeat([]byte("alpha"), 2000)}
		svc, here := s.instance(dossier.Budget{DayBytes: 15_000}, nil), from(t, "192.0.2.1/32")
		r := dossier.NewReceipt()
		out, err := submit(here, svc, r, []upload{file, {"b.txt", file.data}, {"c.txt", file.data[:5000]}})
		if err != nil || out[0].Err != nil || codeOf(out[1].Err) != dossier.CodeDay || out[2].Err != nil {
			t.Fatalf("10,000, 10,000 and 5,000 bytes of 15,000: %+v, %v", out, err)
		}
		out, err = submit(here, svc, r, []upload{file})
		if err != nil || out[0].File == nil {
			t.Errorf("a stored file once more, when the day is used up: %+v, %v", out, err)
		}
	})
}

// The same of the budget for all, which also takes a file that replaces a damaged copy.
func TestAFullStoreTakesWhatIsStored(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		svc, r := s.instance(dossier.Budget{StoreFiles: 1}, nil), dossier.NewReceipt()
		if _, err := submit(t.Context(), svc, r, []upload{direct}); err != nil {
			t.Fatal(err)
		}
		if _, err := submit(t.Context(), svc, r, []upload{{"b.txt", []byte("beta")}}); codeOf(err) != dossier.CodeFull {
			t.Errorf("a second file: got %v, want code %s", err, dossier.CodeFull)
		}
		if out, err := submit(t.Context(), svc, r, []upload{direct}); err != nil || out[0].File == nil {
			t.Errorf("the first file once more: %+v, %v", out, err)
		}
		if err := s.objects.Delete(t.Context(), s.records(t, r.Person)[0].Key()); err != nil {
			t.Fatal(err)
		}
		if out, err := submit(t.Context(), svc, r, []upload{direct}); err != nil || out[0].File == nil {
			t.Errorf("the first file once more, whose copy is damaged: %+v, %v", out, err)
		}
		s.checkComplete(t, r, []upload{direct})
	})
}

// However many networks there are, what is kept of them is bounded, and one that sent much is not forgotten for those
// that sent little.
func TestManyNetworksOfOneNote(t *testing.T) {
	s := inMemory()
	b := dossier.Budget{DayPersons: 64, DayFiles: 100}
	svc := s.instance(b, nil)
	var same []string // networks that share a note, by the first byte of their hash
	for i := 0; len(same) < 300; i++ {
		name := fmt.Sprintf("10.%d.%d.%d/32", i>>16&0xff, i>>8&0xff, i&0xff)
		if sum := sha256.Sum256([]byte(name)); sum[0] == 7 {
			same = append(same, name)
		}
	}
	owner := person(t, svc)
	heavy := from(t, same[0])
	for range 100 {
		if _, err := svc.Announce(heavy, owner, of(1)); err != nil {
			t.Fatal(err)
		}
	}
	for _, network := range same[1:] {
		if _, err := svc.Announce(from(t, network), owner, of(1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.instance(b, nil).Announce(heavy, owner, of(1)); codeOf(err) != dossier.CodeDay {
		t.Errorf("the network that sent most: got %v, want code %s", err, dossier.CodeDay)
	}
	note, err := s.catalog.Note(t.Context(), "network-07")
	if err != nil || len(note.Value) == 0 || len(note.Value) > 32<<10 {
		t.Errorf("a note of 300 networks has %d bytes, %v; want up to 32 KiB", len(note.Value), err)
	}
	if bytes.Contains(note.Value, []byte("10.")) {
		t.Errorf("the note holds an address: %.200s", note.Value)
	}
	// The next day it is emptied.
	s.clock.forward(24 * time.Hour)
	s.sweepBy(t, svc)
	if note, err := s.catalog.Note(t.Context(), "network-07"); err != nil || len(note.Value) > 200 {
		t.Errorf("the note of yesterday has %d bytes after a sweep, %v", len(note.Value), err)
	}
}

// Room tells what can be sent before it is.
func TestRoom(t *testing.T) {
	s := fresh(t)
	full := dossier.Errorf(dossier.CodeFull, nil, "No room on the disk.")
	svc := dossier.New(s.people, s.catalog, s.objects, dossier.Options{Now: s.clock.now,
		Fits: func(int64) error { return full }})
	if room, err := svc.Room(t.Context()); err != nil || room.Why != full {
		t.Errorf("on a full disk: %+v, %v", room, err)
	}
	svc = s.instance(dossier.Budget{StoreFiles: 2, StoreBytes: 1 << 20, DayBytes: 1 << 19}, nil)
	here := from(t, "192.0.2.1/32")
	for ctx, want := range map[context.Context]dossier.Room{
		here: {Files: 2, Bytes: 1 << 19}, t.Context(): {Files: 2, Bytes: 1 << 20},
	} {
		if room, err := svc.Room(ctx); err != nil || room != want {
			t.Errorf("room: %+v, %v, want %+v", room, err, want)
		}
	}
	owner := person(t, svc)
	for range 2 {
		if _, err := svc.Announce(here, owner, of(100)); err != nil {
			t.Fatal(err)
		}
	}
	if room, err := svc.Room(here); err != nil || room.Why == nil || room.Why.Code != dossier.CodeFull {
		t.Errorf("of a store that is full: %+v, %v", room, err)
	}
}

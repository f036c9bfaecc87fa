package dossier_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

// kept fills the stores with so many files of as many persons, and returns their receipts.
func (s stores) kept(t *testing.T, n int) []dossier.Receipt {
	t.Helper()
	var receipts []dossier.Receipt
	for i := range n {
		r := dossier.NewReceipt()
		if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r,
			[]upload{{fmt.Sprintf("kept/%d.txt", i), fmt.Append(nil, "file ", i)}}); err != nil {
			t.Fatal(err)
		}
		receipts = append(receipts, r)
	}
	return receipts
}

// readable returns how many of the receipts' files can be read whole.
func (s stores) readable(t *testing.T, receipts []dossier.Receipt) int {
	t.Helper()
	svc, n := s.service(dossier.DefaultLimits()), 0
	for _, r := range receipts {
		for _, f := range s.records(t, r.Person) {
			if f.State != dossier.FileStored {
				continue
			}
			body, err := svc.Open(t.Context(), f, dossier.ToAll, 0, -1)
			if err != nil {
				continue
			}
			if _, err := io.Copy(io.Discard, body); err == nil {
				n++
			}
			_ = body.Close()
		}
	}
	return n
}

const age = 24 * time.Hour

func (s stores) sweep(t *testing.T, o dossier.ReconcileOptions) *dossier.ReconcileReport {
	t.Helper()
	o.OlderThan, o.Sweep = age, true
	report, err := s.service(dossier.DefaultLimits()).Reconcile(t.Context(), o, nil)
	if err != nil {
		t.Errorf("sweep: %v", err)
	}
	return report
}

// A store that is emptied or set back behind the program's back costs nothing, however often the others are compared
// with it, until a person says so; and what went by that word comes back, where it is kept.
func TestAnEmptiedStoreCostsNothing(t *testing.T) {
	const n = 40
	for name, c := range map[string]struct {
		// empty takes the owners of lost files away.
		empty func(t *testing.T, s *stores, receipts []dossier.Receipt)
		lost  int
	}{
		"no people": {func(t *testing.T, s *stores, _ []dossier.Receipt) { s.people = fresh(t).people }, n},
		"an older store of people": {func(t *testing.T, s *stores, receipts []dossier.Receipt) {
			older := fresh(t)
			for _, r := range receipts[:n/2] {
				p, err := s.people.Person(t.Context(), r.Person)
				if err != nil {
					t.Fatal(err)
				}
				if err := older.people.Insert(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
			s.people = older.people
		}, n / 2},
		"no records": {func(t *testing.T, s *stores, _ []dossier.Receipt) { s.catalog = fresh(t).catalog }, n},
		"one of one": {func(t *testing.T, s *stores, receipts []dossier.Receipt) {
			for _, r := range receipts[1:] {
				if err := s.service(dossier.DefaultLimits()).DeletePerson(t.Context(), r.Person); err != nil {
					t.Fatal(err)
				}
			}
			s.people = fresh(t).people
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			full := fresh(t)
			receipts := full.kept(t, n)
			damaged := full
			c.empty(t, &damaged, receipts)
			all := full.readable(t, receipts)
			for day := range 10 {
				report := damaged.sweep(t, dossier.ReconcileOptions{})
				if day > 1 && (report.Held != c.lost || !report.NeedsPerson()) || report.Ownerless != c.lost {
					t.Fatalf("day %d: %+v, want %d held", day, report, c.lost)
				}
				full.clock.forward(23 * time.Hour)
			}
			if got := full.readable(t, receipts); got != all {
				t.Fatalf("%d of %d files are left", got, all)
			}
			if report := damaged.sweep(t, dossier.ReconcileOptions{YesRemove: c.lost - 1}); report.Held != c.lost {
				t.Errorf("with the word for one less: %+v", report)
			}
			dry := damaged.sweep(t, dossier.ReconcileOptions{YesRemove: c.lost, DryRun: true})
			if got := full.readable(t, receipts); got != all ||
				dry.Counts[dossier.RepairRemovedRecord]+dry.Counts[dossier.RepairRemovedObject] != c.lost {
				t.Errorf("a dry run: %+v, and %d of %d files are left", dry, got, all)
			}
			report := damaged.sweep(t, dossier.ReconcileOptions{YesRemove: c.lost})
			if report.Held != 0 || report.Ownerless != 0 ||
				report.Counts[dossier.RepairRemovedRecord]+report.Counts[dossier.RepairRemovedObject] != c.lost {
				t.Errorf("with a person's word: %+v", report)
			}
			if name != "no records" {
				if got := full.readable(t, receipts); got != all-c.lost {
					t.Errorf("%d of %d files are left", got, all)
				}
			}
			// The mend: the store comes back, and what was removed with it.
			back, err := full.service(dossier.DefaultLimits()).PutBack(t.Context(), nil)
			if err != nil || back.Counts[dossier.RepairPutBack] != c.lost {
				t.Errorf("put back: %+v, %v", back, err)
			}
			if got := full.readable(t, receipts); got != all {
				t.Errorf("%d of %d files are there after they were put back", got, all)
			}
			// The next sweep has everybody found by it again.
			full.sweep(t, dossier.ReconcileOptions{})
			full.checkInvariants(t, false)
			if again, err := full.service(dossier.DefaultLimits()).PutBack(t.Context(), nil); err != nil ||
				len(again.Counts) != 0 {
				t.Errorf("put back again: %+v, %v", again, err)
			}
		})
	}
}

// What has no owner goes an age after it was first seen so, whichever instance saw it, if it is little of all.
func TestOwnerlessGoesAnAgeAfterItWasSeen(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		receipts := s.kept(t, 30)
		object := dossier.ObjectKey(dossier.NewPersonID(), dossier.NewFileID())
		if _, err := s.objects.Put(t.Context(), object, strings.NewReader("nobody's")); err != nil {
			t.Fatal(err)
		}
		there := func() bool {
			for range s.objects.List(t.Context(), object, "") {
				return true
			}
			return false
		}
		s.clock.forward(40 * age) // however old it is
		if r := s.sweep(t, dossier.ReconcileOptions{}); r.Ownerless != 1 ||
			r.Counts[dossier.RepairSeenOwnerless] != 1 || !there() {
			t.Fatalf("seen first: %+v", r)
		}
		s.clock.forward(age - time.Minute)
		if r := s.sweep(t, dossier.ReconcileOptions{}); r.Ownerless != 1 || len(r.Counts) != 0 || !there() {
			t.Errorf("seen for less than an age: %+v", r)
		}
		s.clock.forward(2 * time.Minute)
		if r := s.sweep(t, dossier.ReconcileOptions{}); r.Counts[dossier.RepairRemovedObject] != 1 ||
			r.Ownerless != 0 || there() {
			t.Errorf("seen for an age: %+v", r)
		}
		if got := s.readable(t, receipts); got != len(receipts) {
			t.Errorf("%d of %d files are left", got, len(receipts))
		}
		s.checkInvariants(t, true)
	})
}

// What has an owner again is forgotten, so that losing it once more begins anew.
func TestOwnerlessIsForgottenWithItsOwner(t *testing.T) {
	s := fresh(t)
	receipts := s.kept(t, 30)
	lost := s
	lost.people = fresh(t).people
	for _, r := range receipts[1:] {
		p, err := s.people.Person(t.Context(), r.Person)
		if err != nil {
			t.Fatal(err)
		}
		if err := lost.people.Insert(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if r := lost.sweep(t, dossier.ReconcileOptions{}); r.Ownerless != 1 {
		t.Fatalf("%+v", r)
	}
	s.clock.forward(2 * age)
	if r := s.sweep(t, dossier.ReconcileOptions{}); r.Ownerless != 0 || len(r.Counts) != 0 {
		t.Errorf("with the owner back: %+v", r)
	}
	if r := lost.sweep(t, dossier.ReconcileOptions{}); r.Ownerless != 1 || r.Counts[dossier.RepairRemovedRecord] != 0 {
		t.Errorf("lost again: %+v", r)
	}
	if got := s.readable(t, receipts); got != len(receipts) {
		t.Errorf("%d of %d files are left", got, len(receipts))
	}
}

// A store that was emptied and came back leaves nothing held: no alarm goes on for what was mended, and what was seen
// then does not count when the owners are lost once more.
func TestAStoreThatCameBackHoldsNothing(t *testing.T) {
	const n = 40
	s := fresh(t)
	receipts := s.kept(t, n)
	lost := s
	lost.people = fresh(t).people
	for range 3 {
		lost.sweep(t, dossier.ReconcileOptions{})
		s.clock.forward(age)
	}
	if r := s.sweep(t, dossier.ReconcileOptions{}); r.Held != 0 || r.Ownerless != 0 || r.NeedsPerson() {
		t.Errorf("with the store back: %+v", r)
	}
	if r := lost.sweep(t, dossier.ReconcileOptions{YesRemove: n}); r.Counts[dossier.RepairSeenOwnerless] != n ||
		len(r.Counts) != 1 {
		t.Errorf("lost once more: %+v, want all seen anew", r)
	}
	if got := s.readable(t, receipts); got != n {
		t.Errorf("%d of %d files are left", got, n)
	}
}

// Sweeps of many instances share what may go in a day.
func TestRemovalsAreBoundedOverInstances(t *testing.T) {
	s := fresh(t)
	// owned is how many files there are; with a few more, so many may go in a day.
	const owned, most = 60, 3
	receipts := s.kept(t, owned)
	put := func(n int) {
		t.Helper()
		for range n {
			if _, err := s.objects.Put(t.Context(), dossier.ObjectKey(dossier.NewPersonID(), dossier.NewFileID()),
				strings.NewReader("nobody's")); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(2)
	s.sweep(t, dossier.ReconcileOptions{})
	s.clock.forward(age / 2)
	put(2)
	s.sweep(t, dossier.ReconcileOptions{})
	s.clock.forward(age/2 + time.Minute)
	// Four have no owner, more than may go: those that are due are held back.
	if r := s.sweep(t, dossier.ReconcileOptions{}); r.Held != 2 {
		t.Fatalf("%+v, want 2 held", r)
	}
	for _, o := range []int{0, 1} {
		if r := s.sweep(t, dossier.ReconcileOptions{YesRemove: 2}); o == 0 &&
			r.Counts[dossier.RepairRemovedObject] != 2 {
			t.Fatalf("%+v, want 2 removed", r)
		}
	}
	s.clock.forward(age / 2)
	at := make([]*dossier.ReconcileReport, 6)
	atOnce(len(at), func(i int) { at[i] = s.sweep(t, dossier.ReconcileOptions{}) })
	removed := 0
	for _, r := range at {
		removed += r.Counts[dossier.RepairRemovedObject]
	}
	// Two that look at one object at the same moment both count it.
	if removed < 2 || removed > most {
		t.Errorf("%d were removed, there were 2, and %d may go in a day", removed, most)
	}
	// What the next of the same day finds is over the bound, on another day it is not.
	put(2)
	s.sweep(t, dossier.ReconcileOptions{})
	if got := s.readable(t, receipts); got != owned {
		t.Errorf("%d of %d files are left", got, owned)
	}
}

// Counters that were wrong before a reconciliation are right after it, also of whom it removes something; those that
// changed lately are told.
func TestCountersAreRightAfterReconcile(t *testing.T) {
	s := fresh(t)
	r := s.kept(t, 1)[0]
	add := func(q dossier.Quota) {
		t.Helper()
		if _, err := s.catalog.Reserve(t.Context(), r.Person, q, dossier.Quota{Files: 1 << 40, Bytes: 1 << 40},
			s.clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	// Counted and never put; and an upload that was left behind.
	add(dossier.Quota{Files: 3, Bytes: 1000})
	left, err := s.service(dossier.DefaultLimits()).Announce(t.Context(), r.Person,
		dossier.Announcement{ID: dossier.NewFileID(), Name: "left behind", Size: 77})
	if err != nil {
		t.Fatal(err)
	}
	s.clock.forward(2 * age)
	report := s.sweep(t, dossier.ReconcileOptions{})
	if report.Counts[dossier.RepairRemovedUpload] != 1 || report.Counts[dossier.RepairRecounted] != 1 ||
		report.Recounting != 0 {
		t.Errorf("%+v", report)
	}
	want := s.records(t, r.Person)[0].Counted()
	if u, err := s.catalog.Usage(t.Context(), r.Person); err != nil || u.Quota != want {
		t.Errorf("after one reconciliation %+v is counted, %v, want %+v (%s was left)", u.Quota, err, want, left.ID)
	}
	add(dossier.Quota{Files: 1})
	if report := s.sweep(t, dossier.ReconcileOptions{}); report.Recounting != 1 {
		t.Errorf("a counter that changed lately: %+v, want it told", report)
	}
}

// What was never acknowledged goes by itself, and is kept where it can be put back; very much of it does not go at
// once.
func TestUnacknowledgedIsKeptForUndo(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	calls := formCalls(t)
	_, _ = submit(t.Context(), s.faulty(failing(t, calls, dieBefore, "catalog.Commit", 2)), r, twoFiles)
	s.clock.forward(2 * age)
	if report := s.sweep(t, dossier.ReconcileOptions{}); report.Counts[dossier.RepairRemovedSubmission] != 1 {
		t.Fatalf("%+v", report)
	}
	kept := 0
	for _, err := range s.objects.Kept(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		kept++
	}
	if kept != len(twoFiles) {
		t.Errorf("%d objects are kept, want %d", kept, len(twoFiles))
	}
	// Its person is gone, so that it is told and stays.
	if back, err := s.service(dossier.DefaultLimits()).PutBack(t.Context(), nil); err != nil ||
		back.Counts[dossier.LeftWithoutPerson] != kept {
		t.Errorf("put back: %+v, %v", back, err)
	}
	s.clock.forward(time.Duration(31) * age)
	s.sweep(t, dossier.ReconcileOptions{})
	for k := range s.objects.Kept(t.Context()) {
		t.Errorf("%s is still kept", k.Key)
	}
}

// What is put back is what it was: name, author, time, bytes and what is counted. Where the bytes were wrong before, or
// are by now, it is marked as damaged, and a copy that is stored by now stays the one.
func TestPutBackIsWhatItWas(t *testing.T) {
	const n = 40
	for name, c := range map[string]struct {
		wrong bool // the bytes that are put back
		again bool // the same file is sent again before that
		trash bool // it was in the trash
		want  string
	}{
		"whole":              {want: dossier.RepairPutBack},
		"damaged":            {wrong: true, want: dossier.DamageDiffers},
		"in the trash":       {trash: true, want: dossier.RepairPutBack},
		"sent again":         {again: true, want: dossier.RepairTwin},
		"damaged, and again": {wrong: true, again: true, want: dossier.RepairTwin},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			receipts := s.kept(t, n)
			svc, r := s.service(dossier.DefaultLimits()), receipts[0]
			lost := s
			lost.people = fresh(t).people
			for _, r := range receipts[1:] {
				p, err := s.people.Person(t.Context(), r.Person)
				if err != nil {
					t.Fatal(err)
				}
				if err := lost.people.Insert(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
			if c.trash {
				if _, err := svc.TrashFile(t.Context(), r.Person, s.records(t, r.Person)[0].ID, "staff"); err != nil {
					t.Fatal(err)
				}
			}
			was := s.records(t, r.Person)[0]
			if c.wrong {
				s.replace(t, was, flipped(t, s, was))
			}
			lost.sweep(t, dossier.ReconcileOptions{})
			s.clock.forward(age + time.Minute)
			lost.sweep(t, dossier.ReconcileOptions{})
			if left := s.records(t, r.Person); len(left) != 0 {
				t.Fatalf("%d records are left", len(left))
			}
			if c.again {
				if _, err := submit(t.Context(), svc, r, []upload{{"kept/0.txt", []byte("file 0")}}); err != nil {
					t.Fatal(err)
				}
			}
			back, err := svc.PutBack(t.Context(), nil)
			if err != nil || back.Counts[c.want] != 1 || len(back.Counts) != 1 {
				t.Errorf("put back: %+v, %v, want %q", back.Counts, err, c.want)
			}
			files := s.records(t, r.Person)
			if len(files) != 1 {
				t.Fatalf("%d records are there, want one", len(files))
			}
			is := files[0]
			if !c.again && (is.ID != was.ID || is.Path() != was.Path() || is.Author != was.Author ||
				!is.CreatedAt.Equal(was.CreatedAt) || is.Trash != was.Trash) ||
				is.State != dossier.FileStored || *is.Content != *was.Content ||
				(is.Damage != nil) != (c.wrong && !c.again) {
				t.Errorf("it is\n%+v, it was\n%+v", is, was)
			}
			if u, err := s.catalog.Usage(t.Context(), r.Person); err != nil || u.Quota != was.Counted() {
				t.Errorf("counted is %+v, %v", u.Quota, err)
			}
			if got := s.readable(t, receipts); !c.wrong && !c.trash && got != n || c.wrong && !c.again && got != n-1 {
				t.Errorf("%d of %d files can be read", got, n)
			}
		})
	}
}

// What cannot be put back, because another file claims to be the same, stays kept.
func TestPutBackLosesNothingToAFalseTwin(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	svc, right := s.service(dossier.DefaultLimits()), upload{"a.txt", []byte("the true bytes")}
	if _, err := submit(t.Context(), svc, r, []upload{right}); err != nil {
		t.Fatal(err)
	}
	was := s.records(t, r.Person)[0]
	if err := s.catalog.MarkDeleting(t.Context(), was.Person, was.ID, s.clock.now(), dossier.FileStored); err != nil {
		t.Fatal(err)
	}
	s.sweep(t, dossier.ReconcileOptions{}) // takes the deletion for one that was cut off
	claims := dossier.File{Person: r.Person, ID: dossier.NewFileID(), Name: was.Name, Author: was.Author,
		State: dossier.FileUploading, CreatedAt: s.clock.now(), UpdatedAt: s.clock.now()}
	lie := []byte("the other bytes")
	content := dossier.Content{Size: int64(len(right.data)), SHA256: was.Content.SHA256,
		CRC64: crc(lie[:len(right.data)]), Type: "text/plain"}
	_, put := s.objects.Put(t.Context(), claims.Key(), bytes.NewReader(lie[:len(right.data)]))
	if err := errors.Join(put, s.catalog.Put(t.Context(), claims),
		s.catalog.Describe(t.Context(), r.Person, claims.ID, content, s.clock.now())); err != nil {
		t.Fatal(err)
	}
	if _, err := s.catalog.Commit(t.Context(), r.Person, claims.ID, s.clock.now()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if back, err := svc.PutBack(t.Context(), nil); err == nil || back.Failures != 1 || len(back.Counts) != 0 {
			t.Errorf("put back: %+v, %v, want a failure", back, err)
		}
	}
	if err := svc.DeleteFile(t.Context(), r.Person, claims.ID); err != nil {
		t.Fatal(err)
	}
	if back, err := svc.PutBack(t.Context(), nil); err != nil || back.Counts[dossier.RepairPutBack] != 1 {
		t.Errorf("put back when the false one is gone: %+v, %v", back, err)
	}
	s.checkComplete(t, r, []upload{right})
}

// A clock that jumps ahead for a while removes nothing for good that is still to be kept.
func TestAClockThatJumpsRemovesNothingForGood(t *testing.T) {
	s := fresh(t)
	r := s.kept(t, 1)[0]
	f := s.records(t, r.Person)[0]
	if err := s.catalog.MarkDeleting(t.Context(), f.Person, f.ID, s.clock.now(), dossier.FileStored); err != nil {
		t.Fatal(err)
	}
	s.sweep(t, dossier.ReconcileOptions{}) // takes the deletion for one that was cut off
	ahead := s
	ahead.clock = &clock{t: s.clock.now().Add(365 * age)}
	ahead.sweep(t, dossier.ReconcileOptions{})
	if back, err := s.service(dossier.DefaultLimits()).PutBack(t.Context(), nil); err != nil ||
		back.Counts[dossier.RepairPutBack] != 1 {
		t.Errorf("put back after a clock jumped: %+v, %v", back, err)
	}
}

// A submission that was never acknowledged and has more files than go in a day goes alone; the next waits for another
// day.
func TestALargeUnacknowledgedSubmissionGoesAlone(t *testing.T) {
	s := inMemory()
	const files = 1001
	for range 2 {
		p := dossier.Person{ID: dossier.NewPersonID(), Details: ada, State: dossier.PersonSubmitting,
			CreatedAt: s.clock.now().Truncate(time.Microsecond), UpdatedAt: s.clock.now().Truncate(time.Microsecond)}
		if err := s.people.Insert(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		for range files {
			f := dossier.File{Person: p.ID, ID: dossier.NewFileID(), Name: "x", Author: "Ada", State: dossier.FileUploading,
				CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt.Add(100 * age)}
			if err := s.catalog.Put(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if _, err := s.objects.Put(t.Context(), f.Key(), strings.NewReader("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.clock.forward(2 * age)
	for day := range 2 {
		report := s.sweep(t, dossier.ReconcileOptions{})
		held := files * (1 - day)
		if report.Counts[dossier.RepairRemovedSubmission] != 1 || report.HeldUnacknowledged != held {
			t.Errorf("day %d: %+v, want one submission removed and %d files held", day, report, held)
		}
		s.clock.forward(age)
	}
	for p, err := range s.people.Leftovers(t.Context(), s.clock.now()) {
		t.Errorf("person %s is left, %v", p.ID, err)
	}
}

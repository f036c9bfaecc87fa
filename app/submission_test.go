package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

func embedded(t *testing.T) stores {
	s := teststores.Embedded(t, teststores.Migrated(t))
	return stores{people: s.People, catalog: s.Catalog, objects: s.Objects, clock: &clock{t: time.Now().UTC()}}
}

// onEachKind runs a test on the embedded stores, and on the cloud's kinds on real servers.
func onEachKind(t *testing.T, test func(t *testing.T, s stores)) {
	t.Run("embedded", func(t *testing.T) { test(t, embedded(t)) })
	t.Run("cloud", func(t *testing.T) {
		s := teststores.Cloud(t).Stores(t)
		test(t, stores{people: s.People, catalog: s.Catalog, objects: s.Objects, clock: &clock{t: time.Now().UTC()}})
	})
}

func TestSubmission(t *testing.T) {
	s := embedded(t)
	r := dossier.NewReceipt()
	out, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, twoFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if o.File == nil || o.Err != nil {
			t.Errorf("outcome of %s: %v", o.Name, o.Err)
		}
	}
	s.checkComplete(t, r, twoFiles)
	s.checkInvariants(t, true)
	if got := s.reconcileAll(t); len(got.Counts) != 0 || got.Verified != 2 {
		t.Errorf("reconcile found something to do after a clean submission: %+v", got)
	}
	s.checkComplete(t, r, twoFiles)
}

// Every call that a submission makes goes wrong in every way. Whatever was acknowledged must be whole. The same form sent again
// must end with one person and each file once; if it is not sent again, nothing of what was not acknowledged may stay.
func TestFaultAtEveryStepOfASubmission(t *testing.T) {
	s := embedded(t)
	clean := &faults{at: -1}
	if _, err := submit(t.Context(), s.faulty(clean), dossier.NewReceipt(), twoFiles); err != nil {
		t.Fatal(err)
	}
	want := "people.Insert catalog.Reserve catalog.Put people.Person objects.Put objects.Stat catalog.Reserve catalog.Describe " +
		"catalog.Reserve catalog.Put people.Person objects.Put objects.Stat catalog.Reserve catalog.Describe catalog.Commit catalog.Commit people.Move"
	if got := strings.Join(clean.calls, " "); got != want {
		t.Fatalf("the write path makes the calls\n%s\nwant\n%s", got, want)
	}
	for i, call := range clean.calls {
		for m := failBefore; m <= dieAfter; m++ {
			for _, again := range []bool{true, false} {
				t.Run(name(i, call, m)+map[bool]string{true: ", sent again", false: ", given up"}[again], func(t *testing.T) {
					s := embedded(t)
					r := dossier.NewReceipt()
					f := &faults{at: i, mode: m}
					_, err := submit(t.Context(), s.faulty(f), r, twoFiles)
					if err == nil {
						t.Fatal("the submission was acknowledged although a store failed")
					}
					if !errors.Is(err, dossier.ErrUnavailable) {
						t.Errorf("error is %v, want ErrUnavailable", err)
					}
					s.checkInvariants(t, false)
					if again {
						if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, twoFiles); err != nil {
							t.Fatalf("the same form sent again: %v", err)
						}
						s.checkComplete(t, r, twoFiles)
						s.reconcileAll(t)
						s.checkComplete(t, r, twoFiles)
						s.checkInvariants(t, true)
						return
					}
					s.reconcileAll(t)
					s.checkInvariants(t, true)
					// An answer that is lost after the last step cannot be told from success; all else must be gone.
					last := i == len(clean.calls)-1 && (m == failAfter || m == dieAfter)
					people, records, objects := s.count(t)
					if last {
						s.checkComplete(t, r, twoFiles)
					} else if people+records+objects != 0 {
						t.Errorf("left behind: %d people, %d records, %d objects", people, records, objects)
					}
				})
			}
		}
	}
}

// Every call that a deletion makes goes wrong in every way; reconciliation, or deleting again, ends it.
func TestFaultAtEveryStepOfADeletion(t *testing.T) {
	prepare := func(t *testing.T) (stores, dossier.Receipt) {
		s, r := embedded(t), dossier.NewReceipt()
		if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, twoFiles); err != nil {
			t.Fatal(err)
		}
		return s, r
	}
	s, r := prepare(t)
	clean := &faults{at: -1}
	if err := s.faulty(clean).DeletePerson(t.Context(), r.Person); err != nil {
		t.Fatal(err)
	}
	for i, call := range clean.calls {
		for m := failBefore; m <= dieAfter; m++ {
			t.Run(name(i, call, m), func(t *testing.T) {
				s, r := prepare(t)
				err := s.faulty(&faults{at: i, mode: m}).DeletePerson(t.Context(), r.Person)
				if !errors.Is(err, dossier.ErrUnavailable) {
					t.Fatalf("DeletePerson: %v, want ErrUnavailable", err)
				}
				s.checkInvariants(t, false)
				begun := i > 0 || m == failAfter || m == dieAfter
				s.reconcileAll(t)
				s.checkInvariants(t, true)
				if people, records, objects := s.count(t); begun && people+records+objects != 0 {
					t.Errorf("left behind: %d people, %d records, %d objects", people, records, objects)
				} else if !begun {
					s.checkComplete(t, r, twoFiles)
				}
			})
		}
	}
}

// Reconciliation itself is cut off at every call; the next one ends the work.
func TestFaultAtEveryStepOfReconcile(t *testing.T) {
	oneForm, twoForm, sent := anotherFormCalls(t), formCalls(t), directCalls(t)
	prepare := func(t *testing.T) (stores, dossier.Receipt) {
		s, kept := embedded(t), dossier.NewReceipt()
		if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), kept, twoFiles); err != nil {
			t.Fatal(err)
		}
		// A file of an acknowledged person that only lacks its commit; one without bytes; a submission never acknowledged; a
		// deletion half done; an object without record; a record without person.
		_, _ = submit(t.Context(), s.faulty(failing(t, oneForm, dieBefore, "catalog.Commit", 1)), kept, []upload{{"c.txt", []byte("gamma")}})
		_, _ = submit(t.Context(), s.faulty(failing(t, oneForm, dieAfter, "catalog.Put", 1)), kept, []upload{{"d.txt", []byte("delta")}})
		_, _ = submit(t.Context(), s.faulty(failing(t, twoForm, dieBefore, "catalog.Commit", 2)), dossier.NewReceipt(), twoFiles)
		gone := dossier.NewReceipt()
		if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), gone, twoFiles); err != nil {
			t.Fatal(err)
		}
		// Dies when the first record is gone, and still counted.
		_ = s.faulty(&faults{at: 5, mode: dieAfter}).DeletePerson(t.Context(), gone.Person)
		// Files sent directly: one that only lacks its commit; one that lacks its type too; one whose transfer is not finished; one that was never
		// sent; what was counted for one without a record, and its transfer.
		for _, d := range []struct {
			name string
			m    mode
			call string
			nth  int
		}{
			{"e.txt", dieBefore, "catalog.Commit", 1}, {"f.txt", dieAfter, "objects.Finish", 1}, {"g.txt", dieBefore, "objects.Finish", 1},
			{"h.txt", dieAfter, "catalog.Put", 1}, {"i.txt", dieBefore, "catalog.Put", 1},
		} {
			who := kept
			if d.name == "i.txt" {
				// Nothing else happens to this person, so it is counted anew at once.
				who = dossier.NewReceipt()
				if _, err := s.service(dossier.DefaultLimits()).Register(t.Context(), who, ada); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = s.sendDirectly(t, s.faulty(failing(t, sent, d.m, d.call, d.nth)), who, dossier.NewFileID(), upload{d.name, []byte(d.name)})
		}
		orphan := dossier.File{Person: dossier.NewPersonID(), ID: dossier.NewFileID(), Name: "x", Author: "y", State: dossier.FileUploading,
			CreatedAt: s.clock.now().Truncate(time.Microsecond), UpdatedAt: s.clock.now().Truncate(time.Microsecond)}
		if err := s.objects.Put(t.Context(), orphan.Key(), strings.NewReader("orphan")); err != nil {
			t.Fatal(err)
		}
		// As new as can be, so that only the missing person tells.
		orphan.Person, orphan.UpdatedAt = dossier.NewPersonID(), orphan.UpdatedAt.Add(8*24*time.Hour)
		if _, err := s.catalog.Reserve(t.Context(), orphan.Person, orphan.Counted(), dossier.Quota{Files: 9, Bytes: 9}, s.clock.now()); err != nil {
			t.Fatal(err)
		}
		if err := s.catalog.Put(t.Context(), orphan); err != nil {
			t.Fatal(err)
		}
		s.clock.forward(7 * 24 * time.Hour)
		return s, kept
	}
	options := dossier.ReconcileOptions{OlderThan: 24 * time.Hour, Sweep: true, Verify: true}
	s, kept := prepare(t)
	clean := &faults{at: -1}
	report, err := s.faulty(clean).Reconcile(t.Context(), options, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{dossier.RepairFinished, dossier.RepairRemovedUpload, dossier.RepairRemovedRecord, dossier.RepairRemovedSubmission, dossier.RepairRemovedPerson, dossier.RepairRemovedObject, dossier.RepairRecounted} {
		if report.Counts[what] == 0 {
			t.Errorf("nothing was reported as %q: %v", what, report.Counts)
		}
	}
	if report.Counts[dossier.RepairFinished] != 3 || report.AbortedTransfers == 0 {
		t.Errorf("reconcile did %v and gave up %d transfers, want three uploads finished", report.Counts, report.AbortedTransfers)
	}
	s.reconcileAll(t)
	s.checkInvariants(t, true)
	s.checkAcknowledged(t, kept, append([]upload{{name: "c.txt"}, {name: "e.txt"}, {name: "f.txt"}}, twoFiles...))

	t.Run("dry run", func(t *testing.T) {
		s, _ := prepare(t)
		p1, r1, o1 := s.count(t)
		dry := options
		dry.DryRun = true
		told := 0
		report, err := s.service(dossier.DefaultLimits()).Reconcile(t.Context(), dry, func(dossier.Repair) { told++ })
		if err != nil || told == 0 || !report.DryRun {
			t.Errorf("dry run: told %d repairs, report %+v, %v", told, report, err)
		}
		if p2, r2, o2 := s.count(t); p1 != p2 || r1 != r2 || o1 != o2 {
			t.Errorf("a dry run changed something: %d %d %d, then %d %d %d", p1, r1, o1, p2, r2, o2)
		}
	})
	for i, call := range clean.calls {
		for m := failBefore; m <= dieAfter; m++ {
			t.Run(name(i, call, m), func(t *testing.T) {
				s, kept := prepare(t)
				_, err := s.faulty(&faults{at: i, mode: m}).Reconcile(t.Context(), options, nil)
				if !errors.Is(err, dossier.ErrUnavailable) {
					t.Errorf("Reconcile: %v, want ErrUnavailable", err)
				}
				s.checkInvariants(t, false)
				s.checkAcknowledged(t, kept, twoFiles)
				s.reconcileAll(t)
				s.checkInvariants(t, true)
				s.checkAcknowledged(t, kept, twoFiles)
			})
		}
	}
}

// formCalls returns the calls of a submission of two files.
func formCalls(t *testing.T) []string {
	t.Helper()
	s, clean := embedded(t), &faults{at: -1}
	if _, err := submit(t.Context(), s.faulty(clean), dossier.NewReceipt(), twoFiles); err != nil {
		t.Fatal(err)
	}
	return clean.calls
}

// anotherFormCalls returns the calls of a submission of one more file, by a person that is known.
func anotherFormCalls(t *testing.T) []string {
	t.Helper()
	s, r, clean := embedded(t), dossier.NewReceipt(), &faults{at: -1}
	for _, svc := range []*dossier.Service{s.service(dossier.DefaultLimits()), s.faulty(clean)} {
		if _, err := submit(t.Context(), svc, r, []upload{{"one.txt", []byte("one")}}); err != nil {
			t.Fatal(err)
		}
	}
	return clean.calls
}

func TestReconcileFinishesWhatOnlyLacksItsCommit(t *testing.T) {
	s, r := embedded(t), dossier.NewReceipt()
	if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, twoFiles); err != nil {
		t.Fatal(err)
	}
	third := upload{"c.txt", []byte("gamma")}
	_, _ = submit(t.Context(), s.faulty(failing(t, anotherFormCalls(t), dieBefore, "catalog.Commit", 1)), r, []upload{third})
	report := s.reconcileAll(t)
	if report.Counts[dossier.RepairFinished] != 1 {
		t.Errorf("reconcile did %v, want one upload finished", report.Counts)
	}
	s.checkComplete(t, r, append([]upload{third}, twoFiles...))
	s.checkInvariants(t, true)
}

func TestReconcileReportsDamage(t *testing.T) {
	s, r := embedded(t), dossier.NewReceipt()
	out, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, twoFiles)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.objects.Delete(t.Context(), out[0].File.Key()); err != nil {
		t.Fatal(err)
	}
	if err := s.objects.Delete(t.Context(), out[1].File.Key()); err != nil {
		t.Fatal(err)
	}
	if err := s.objects.Put(t.Context(), out[1].File.Key(), strings.NewReader("bent")); err != nil {
		t.Fatal(err)
	}
	report, err := s.service(dossier.DefaultLimits()).Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: 0, Verify: true}, nil)
	if err != nil || !report.Damaged() || report.Counts[dossier.DamageMissing] != 1 || report.Counts[dossier.DamageDiffers] != 1 {
		t.Errorf("report %+v, %v", report, err)
	}
	if _, records, _ := s.count(t); records != 2 {
		t.Errorf("%d records are left, want both", records)
	}
}

func TestSentTwice(t *testing.T) { onEachKind(t, sentTwice) }

func sentTwice(t *testing.T, s stores) {
	svc := s.service(dossier.DefaultLimits())
	r := dossier.NewReceipt()
	t.Run("one after the other, in another order", func(t *testing.T) {
		if _, err := submit(t.Context(), svc, r, twoFiles); err != nil {
			t.Fatal(err)
		}
		if _, err := submit(t.Context(), svc, r, []upload{twoFiles[1], twoFiles[0]}); err != nil {
			t.Fatal(err)
		}
		s.checkComplete(t, r, twoFiles)
	})
	t.Run("at the same time", func(t *testing.T) {
		r := dossier.NewReceipt()
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := submit(t.Context(), svc, r, twoFiles); err != nil {
					t.Errorf("submit: %v", err)
				}
			})
		}
		wg.Wait()
		s.checkComplete(t, r, twoFiles)
	})
	t.Run("the same file twice in one form", func(t *testing.T) {
		r := dossier.NewReceipt()
		out, err := submit(t.Context(), svc, r, []upload{twoFiles[0], twoFiles[0]})
		if err != nil {
			t.Fatal(err)
		}
		if out[0].File == nil || out[1].File == nil || out[0].File.ID != out[1].File.ID {
			t.Errorf("outcomes %+v", out)
		}
		s.checkComplete(t, r, twoFiles[:1])
	})
	t.Run("same name, other content", func(t *testing.T) {
		r := dossier.NewReceipt()
		files := []upload{{"a.txt", []byte("one")}, {"a.txt", []byte("two")}}
		if _, err := submit(t.Context(), svc, r, files); err != nil {
			t.Fatal(err)
		}
		s.checkComplete(t, r, files)
	})
	t.Run("other secret", func(t *testing.T) {
		other := r
		other.Secret[3] ^= 1
		if _, err := submit(t.Context(), svc, other, nil); !errors.Is(err, dossier.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	})
	t.Run("other details", func(t *testing.T) {
		d := ada
		d.Age++
		if _, err := svc.Begin(t.Context(), r, d); !errors.Is(err, dossier.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	})
	s.checkInvariants(t, true)
}

func TestFileFaults(t *testing.T) {
	s := embedded(t)
	svc := s.service(dossier.Limits{FileBytes: 100, Files: 5, PersonFiles: 10, PersonBytes: 500})
	r := dossier.NewReceipt()
	files := []upload{{"empty", nil}, {"fits", make([]byte, 100)}, {"over", make([]byte, 101)}, {"after", []byte("x")}}
	out, err := submit(t.Context(), svc, r, files)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range out {
		over := files[i].name == "over"
		if over != (o.Err != nil && o.Err.Code == dossier.CodeTooLarge) || over == (o.File != nil) {
			t.Errorf("%s: stored %v, error %v", o.Name, o.File != nil, o.Err)
		}
	}
	if !strings.Contains(out[2].Err.Message, "100 B") {
		t.Errorf("the refusal does not tell the limit: %q", out[2].Err.Message)
	}
	s.checkComplete(t, r, []upload{files[0], files[1], files[3]})
	s.checkInvariants(t, true)
}

// corrupting flips a bit of what is stored.
type corrupting struct{ dossier.Objects }

func (c corrupting) Put(ctx context.Context, key string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return c.Objects.Put(ctx, key, bytes.NewReader(data))
}

func TestFlippedBitIsCaught(t *testing.T) {
	s := embedded(t)
	svc := dossier.New(s.people, s.catalog, corrupting{s.objects}, dossier.Options{Now: s.clock.now})
	out, err := submit(t.Context(), svc, dossier.NewReceipt(), twoFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if o.File != nil || o.Err == nil || o.Err.Code != dossier.CodeCorrupt {
			t.Errorf("%s: stored %v, error %v, want ErrCorrupt", o.Name, o.File != nil, o.Err)
		}
	}
	s.checkInvariants(t, true)
	if _, records, objects := s.count(t); records+objects != 0 {
		t.Errorf("left: %d records, %d objects", records, objects)
	}
}

// A body that breaks off is the sender's fault, not the store's; what arrived before it is not kept.
func TestBodyBreaksOff(t *testing.T) {
	s := embedded(t)
	svc := s.service(dossier.DefaultLimits())
	sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.AddFile(t.Context(), "whole", strings.NewReader("whole")); err != nil {
		t.Fatal(err)
	}
	err = sub.AddFile(t.Context(), "half", io.MultiReader(strings.NewReader("half"), broken{}))
	if !errors.Is(err, errInjected) || errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("AddFile: %v, want the reader's own error", err)
	}
	sub.Abandon(t.Context())
	if _, records, objects := s.count(t); records+objects != 0 {
		t.Errorf("left at once: %d records, %d objects", records, objects)
	}
	s.reconcileAll(t)
	s.checkInvariants(t, true)
}

func TestClientVanishes(t *testing.T) {
	s := embedded(t)
	svc := s.service(dossier.DefaultLimits())
	ctx, cancel := context.WithCancel(t.Context())
	sub, err := svc.Begin(ctx, dossier.NewReceipt(), ada)
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write(make([]byte, 100_000))
		cancel()
		_ = w.CloseWithError(context.Canceled)
	}()
	if err := sub.AddFile(ctx, "x", r); !errors.Is(err, context.Canceled) {
		t.Errorf("AddFile: %v, want context.Canceled", err)
	}
	sub.Abandon(ctx)
	if _, records, objects := s.count(t); records+objects != 0 {
		t.Errorf("left at once: %d records, %d objects", records, objects)
	}
}

// hanging takes some bytes and then none, until it is told to stop.
type hanging struct{ dossier.Objects }

func (hanging) Put(ctx context.Context, _ string, r io.Reader) error {
	_, _ = r.Read(make([]byte, 4))
	<-ctx.Done()
	return ctx.Err()
}
func (hanging) Delete(context.Context, string) error { return nil }

// memory stands in for two stores where only time matters.
type memory struct {
	dossier.People
	dossier.Catalog
	person dossier.Person
}

func (m *memory) Insert(_ context.Context, p dossier.Person) error { m.person = p; return nil }
func (m *memory) Person(context.Context, dossier.PersonID) (dossier.Person, error) {
	return m.person, nil
}
func (m *memory) Put(context.Context, dossier.File) error { return nil }
func (m *memory) Remove(context.Context, dossier.PersonID, dossier.FileID) (*dossier.File, error) {
	return nil, nil
}
func (m *memory) Reserve(context.Context, dossier.PersonID, dossier.Quota, dossier.Quota, time.Time) (dossier.Usage, error) {
	return dossier.Usage{}, nil
}
func (m *memory) Usage(context.Context, dossier.PersonID) (dossier.Usage, error) {
	return dossier.Usage{}, nil
}
func (m *memory) MarkDeleting(context.Context, dossier.PersonID, dossier.FileID, time.Time, ...dossier.FileState) error {
	return nil
}

func TestStalledStoreIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		svc := dossier.New(m, m, hanging{}, dossier.Options{Stall: 30 * time.Second})
		sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = sub.AddFile(t.Context(), "x", strings.NewReader("some bytes"))
		if !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("AddFile: %v, want ErrUnavailable", err)
		}
		if waited := time.Since(began); waited != 30*time.Second {
			t.Errorf("gave up after %s, want 30s", waited)
		}
	})
}

// A sender that pauses longer than the store may is not mistaken for a stalled store.
func TestSlowSenderIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		done := make(chan struct{})
		svc := dossier.New(m, m, reading{done: done}, dossier.Options{Stall: 30 * time.Second})
		sub, err := svc.Begin(t.Context(), dossier.NewReceipt(), ada)
		if err != nil {
			t.Fatal(err)
		}
		r, w := io.Pipe()
		go func() {
			for range 5 {
				time.Sleep(10 * time.Minute)
				_, _ = w.Write([]byte("x"))
			}
			_ = w.Close()
		}()
		// reading.Stat does not know the object; getting as far is what counts.
		if err := sub.AddFile(t.Context(), "x", r); errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("AddFile: %v", err)
		}
		<-done
	})
}

type reading struct {
	dossier.Objects
	done chan struct{}
}

func (o reading) Put(_ context.Context, _ string, r io.Reader) error {
	defer close(o.done)
	_, err := io.Copy(io.Discard, r)
	return err
}
func (reading) Stat(context.Context, string) (dossier.Held, error) {
	return dossier.Held{}, &dossier.Error{Code: dossier.CodeNotFound}
}
func (reading) Delete(context.Context, string) error { return nil }

// Submissions of the same form, reconciliation that finds everything old, and deletion of the same person, all at once.
func TestEverythingAtOnce(t *testing.T) { onEachKind(t, everythingAtOnce) }

func everythingAtOnce(t *testing.T, s stores) {
	s.loose = true
	svc := s.service(dossier.DefaultLimits())
	for round := range 15 {
		r := dossier.NewReceipt()
		var acknowledged, deleted bool
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				out, err := submit(t.Context(), svc, r, twoFiles)
				// A transfer that reconciliation gave up under the writer's hands is an outage to the writer.
				if err != nil && !errors.Is(err, dossier.ErrConflict) && !errors.Is(err, dossier.ErrUnavailable) {
					t.Errorf("submit: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				acknowledged = acknowledged || err == nil && len(out) == 2 && out[0].File != nil && out[1].File != nil
			})
		}
		wg.Go(func() {
			if _, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: -time.Hour, Sweep: true}, nil); err != nil {
				t.Errorf("reconcile: %v", err)
			}
		})
		if round%3 != 0 {
			wg.Go(func() {
				err := svc.DeletePerson(t.Context(), r.Person)
				if err != nil && !errors.Is(err, dossier.ErrNotFound) {
					t.Errorf("delete: %v", err)
				}
				deleted = err == nil
			})
		}
		wg.Wait()
		s.checkInvariants(t, false)
		if acknowledged && !deleted {
			s.checkAcknowledged(t, r, twoFiles)
		}
	}
	s.reconcileAll(t)
	s.checkInvariants(t, true)
}

func (s stores) checkAcknowledged(t *testing.T, r dossier.Receipt, files []upload) {
	t.Helper()
	if _, err := s.service(dossier.DefaultLimits()).ByReceipt(t.Context(), r); err != nil {
		t.Errorf("open the receipt of what was acknowledged: %v", err)
	}
	names := map[string]bool{}
	for _, f := range s.records(t, r.Person) {
		if f.State == dossier.FileStored {
			names[f.Name] = true
		}
	}
	for _, f := range files {
		if !names[f.name] {
			t.Errorf("%s was acknowledged and is lost", f.name)
		}
	}
}

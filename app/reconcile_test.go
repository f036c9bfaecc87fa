package dossier_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

// Reconciliation itself is cut off at every call; the next one ends the work.
func TestFaultAtEveryStepOfReconcile(t *testing.T) {
	prepared, kept := unreconciled(t)
	options := dossier.ReconcileOptions{OlderThan: 24 * time.Hour, Sweep: true, Verify: true, YesRemove: 3}
	s := prepared.copied()
	clean := noFault()
	report, err := s.faulty(clean).Reconcile(t.Context(), options, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{dossier.RepairFinished, dossier.RepairRemovedUpload, dossier.RepairRemovedRecord,
		dossier.RepairRemovedSubmission, dossier.RepairRemovedPerson, dossier.RepairRemovedObject,
		dossier.RepairRecounted} {
		if report.Counts[what] == 0 {
			t.Errorf("nothing was reported as %q: %v", what, report.Counts)
		}
	}
	if report.Counts[dossier.RepairFinished] != 3 || report.AbortedMultipartUploads == 0 {
		t.Errorf("reconcile did %v and gave up %d multipart uploads, want three uploads finished", report.Counts,
			report.AbortedMultipartUploads)
	}
	s.reconcileAll(t)
	s.checkInvariants(t, true)
	s.checkAcknowledged(t, kept, append([]upload{{name: "c.txt"}, {name: "e.txt"}, {name: "f.txt"}}, twoFiles...))

	t.Run("dry run", func(t *testing.T) {
		s := prepared.copied()
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
	for i, call := range clean.Calls() {
		for _, m := range modes(call) {
			t.Run(name(i, call, m), func(t *testing.T) {
				t.Parallel()
				s := prepared.copied()
				_, err := s.faulty(fault(i, m)).Reconcile(t.Context(), options, nil)
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

// unreconciled returns stores in which everything is that reconciliation mends, and the receipt of a person who was
// told that twoFiles are stored.
func unreconciled(t *testing.T) (stores, dossier.Receipt) {
	t.Helper()
	oneForm, twoForm, sent := anotherFormCalls(t), formCalls(t), directCalls(t)
	s, kept := inMemory(), dossier.NewReceipt()
	if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), kept, twoFiles); err != nil {
		t.Fatal(err)
	}
	// A file of an acknowledged person that only lacks its commit; one without bytes; a submission never
	// acknowledged; a deletion half done; an object without record; a record without person.
	_, _ = submit(t.Context(), s.faulty(failing(t, oneForm, dieBefore, "catalog.Commit", 1)), kept,
		[]upload{{"c.txt", []byte("gamma")}})
	_, _ = submit(t.Context(), s.faulty(failing(t, oneForm, dieAfter, "catalog.Put", 1)), kept,
		[]upload{{"d.txt", []byte("delta")}})
	_, _ = submit(t.Context(), s.faulty(failing(t, twoForm, dieBefore, "catalog.Commit", 2)), dossier.NewReceipt(),
		twoFiles)
	gone := dossier.NewReceipt()
	if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), gone, twoFiles); err != nil {
		t.Fatal(err)
	}
	// Dies when the first record is gone, and still counted.
	_ = s.faulty(fault(5, dieAfter)).DeletePerson(t.Context(), gone.Person)
	// Files sent directly: one that only lacks its commit; one that lacks its type too; one whose multipart upload
	// is not finished; one that was never sent; what was counted for one without a record, and its multipart
	// upload.
	for _, d := range []struct {
		name string
		m    mode
		call string
		nth  int
	}{
		{"e.txt", dieBefore, "catalog.Commit", 1}, {"f.txt", dieAfter, "objects.Finish", 1},
		{"g.txt", dieBefore, "objects.Finish", 1},
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
		_, _ = s.sendDirectly(t, s.faulty(failing(t, sent, d.m, d.call, d.nth)), who, dossier.NewFileID(),
			upload{d.name, []byte(d.name)})
	}
	orphan := dossier.File{Person: dossier.NewPersonID(), ID: dossier.NewFileID(), Name: "x", Author: "y",
		State:     dossier.FileUploading,
		CreatedAt: s.clock.now().Truncate(time.Microsecond), UpdatedAt: s.clock.now().Truncate(time.Microsecond)}
	if _, err := s.objects.Put(t.Context(), orphan.Key(), strings.NewReader("orphan")); err != nil {
		t.Fatal(err)
	}
	// As new as can be, so that only the missing person tells.
	orphan.Person, orphan.UpdatedAt = dossier.NewPersonID(), orphan.UpdatedAt.Add(8*24*time.Hour)
	if _, err := s.catalog.Reserve(t.Context(), orphan.Person, orphan.Counted(), dossier.Quota{Files: 9, Bytes: 9},
		s.clock.now()); err != nil {
		t.Fatal(err)
	}
	if err := s.catalog.Put(t.Context(), orphan); err != nil {
		t.Fatal(err)
	}
	// Both were seen without an owner before.
	for o := range s.objects.List(t.Context(), "", "") {
		person, file, err := dossier.ParseObjectKey(o.Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.catalog.File(t.Context(), person, file); errors.Is(err, dossier.ErrNotFound) {
			s.see(t, person, file)
		}
	}
	s.see(t, orphan.Person, orphan.ID)
	s.clock.forward(7 * 24 * time.Hour)
	return s, kept
}

func TestReconcileFinishesWhatOnlyLacksItsCommit(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, twoFiles); err != nil {
		t.Fatal(err)
	}
	third := upload{"c.txt", []byte("gamma")}
	_, _ = submit(t.Context(), s.faulty(failing(t, anotherFormCalls(t), dieBefore, "catalog.Commit", 1)), r,
		[]upload{third})
	report := s.reconcileAll(t)
	if report.Counts[dossier.RepairFinished] != 1 {
		t.Errorf("reconcile did %v, want one upload finished", report.Counts)
	}
	s.checkComplete(t, r, append([]upload{third}, twoFiles...))
	s.checkInvariants(t, true)
}

func TestReconcileReportsDamage(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
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
	if _, err := s.objects.Put(t.Context(), out[1].File.Key(), strings.NewReader("bent")); err != nil {
		t.Fatal(err)
	}
	report, err := s.service(dossier.DefaultLimits()).Reconcile(t.Context(),
		dossier.ReconcileOptions{OlderThan: 0, Verify: true}, nil)
	if err != nil || !report.NeedsPerson() || report.Counts[dossier.DamageMissing] != 1 ||
		report.Counts[dossier.DamageDiffers] != 1 {
		t.Errorf("report %+v, %v", report, err)
	}
	if _, records, _ := s.count(t); records != 2 {
		t.Errorf("%d records are left, want both", records)
	}
}

// A slow upload that is resumed is left alone however long ago it began; one that nobody goes on with is removed.
func TestReconcileGoesByProgress(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	svc := s.service(dossier.DefaultLimits())
	slow, left := s.announced(t, r, direct), s.announced(t, r, upload{"left", []byte("left")})
	s.clock.forward(40 * 24 * time.Hour)
	parts, bodies := split(*slow.Multipart, direct.data)
	signed, err := signParts(t.Context(), svc, r.Person, slow.ID, parts, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sendPart(t.Context(), signed[0], bodies[0]); err != nil {
		t.Fatal(err)
	}
	s.clock.forward(23 * time.Hour)
	for _, dry := range []bool{true, false} {
		report, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: 24 * time.Hour, Sweep: true,
			DryRun: dry}, nil)
		if err != nil || report.Counts[dossier.RepairRemovedUpload] != 1 || len(report.Counts) != 1 ||
			report.AbortedMultipartUploads != 0 {
			t.Errorf("reconcile, dry run %v: %+v, %v; want one upload removed", dry, report, err)
		}
	}
	if _, _, err := svc.Status(t.Context(), r.Person, left.ID); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Status of the one left behind: %v, want ErrNotFound", err)
	}
	if got, err := svc.Complete(t.Context(), r.Person, slow.ID, sums(direct.data)); err != nil ||
		got.State != dossier.FileStored {
		t.Errorf("Complete of the slow one: %+v, %v", got, err)
	}
	s.checkComplete(t, r, []upload{direct})
	s.checkInvariants(t, true)
}

// see notes that something has no owner.
func (s stores) see(t *testing.T, person dossier.PersonID, file dossier.FileID) {
	t.Helper()
	if _, err := s.catalog.SeeOwnerless(t.Context(), person, file, s.clock.now()); err != nil {
		t.Fatal(err)
	}
}

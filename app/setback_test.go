package dossier_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"dossier.example/app"
)

// A catalog that was set back to before files were complete takes none of them for an upload that nobody finished.
func TestAnOlderCatalogCostsNoFile(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		const n = 20
		older := s
		older.catalog = fresh(t).catalog
		svc := s.service(dossier.DefaultLimits())
		var receipts []dossier.Receipt
		for i := range n {
			r := dossier.NewReceipt()
			f, err := s.sendDirectly(t, svc, r, dossier.NewFileID(),
				upload{fmt.Sprint(i, ".txt"), fmt.Append(nil, "file ", i)})
			if err != nil {
				t.Fatal(err)
			}
			f.State, f.Content = dossier.FileUploading, nil
			if err := older.catalog.Put(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			receipts = append(receipts, r)
		}
		s.clock.forward(2 * age)
		if r := older.sweep(t, dossier.ReconcileOptions{DryRun: true}); r.Counts[dossier.RepairFound] != n {
			t.Errorf("a dry run: %+v", r)
		}
		if r := older.sweep(t, dossier.ReconcileOptions{}); r.Counts[dossier.RepairFound] != n ||
			r.Counts[dossier.RepairRemovedUpload] != 0 {
			t.Errorf("%+v, want all found", r)
		}
		if got := older.readable(t, receipts); got != n {
			t.Errorf("%d of %d files can be read", got, n)
		}
		for i, r := range receipts {
			older.checkComplete(t, r, []upload{{fmt.Sprint(i, ".txt"), fmt.Append(nil, "file ", i)}})
		}
		older.checkInvariants(t, true)
	})
}

// A store of people that was set back to before a person was acknowledged costs none of the person's files.
func TestAnOlderStoreOfPeopleCostsNoFile(t *testing.T) {
	s := fresh(t)
	older := s
	older.people = fresh(t).people
	r := dossier.NewReceipt()
	if _, err := s.sendDirectly(t, s.service(dossier.DefaultLimits()), r, dossier.NewFileID(), direct); err != nil {
		t.Fatal(err)
	}
	older.unacknowledge(t, s, r.Person)
	s.clock.forward(2 * age)
	if report := older.sweep(t, dossier.ReconcileOptions{}); report.Counts[dossier.RepairConfirmed] != 1 ||
		len(report.Counts) != 1 {
		t.Errorf("%+v, want the person confirmed", report)
	}
	older.checkComplete(t, r, []upload{direct})
	older.checkInvariants(t, true)
}

// unacknowledge puts a person of other stores into these, as it was before it was acknowledged.
func (s stores) unacknowledge(t *testing.T, of stores, person dossier.PersonID) {
	t.Helper()
	p, err := of.people.Person(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	p.State = dossier.PersonSubmitting
	if err := s.people.Insert(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// All files of a submission count for what may be removed in a day, not only those of the first page.
func TestAllFilesOfASubmissionAreCounted(t *testing.T) {
	const n = dossier.MaxFilesPage + 1
	s := inMemory()
	receipts := s.kept(t, 2)
	r := receipts[1]
	for i := range n - 1 {
		data := fmt.Append(nil, "more ", i)
		f := dossier.File{Person: r.Person, ID: dossier.NewFileID(), Name: "more", State: dossier.FileUploading,
			CreatedAt: s.clock.now(), UpdatedAt: s.clock.now()}
		c := dossier.Content{Size: int64(len(data)), CRC64: crc(data), SHA256: sums(data).SHA256, Type: "text/plain"}
		_, put := s.objects.Put(t.Context(), f.Key(), bytes.NewReader(data))
		if err := errors.Join(put, s.catalog.Put(t.Context(), f),
			s.catalog.Describe(t.Context(), f.Person, f.ID, c, s.clock.now())); err != nil {
			t.Fatal(err)
		}
		if _, err := s.catalog.Commit(t.Context(), f.Person, f.ID, s.clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	older := s
	older.people = fresh(t).people
	s.clock.forward(2 * age)
	// The first one of a day may go however large it is.
	older.unacknowledge(t, s, receipts[0].Person)
	if report := older.sweep(t, dossier.ReconcileOptions{}); report.Counts[dossier.RepairRemovedSubmission] != 1 {
		t.Fatalf("%+v, want one removed", report)
	}
	older.unacknowledge(t, s, r.Person)
	if report := older.sweep(t, dossier.ReconcileOptions{}); report.HeldUnacknowledged != n ||
		report.Counts[dossier.RepairRemovedSubmission] != 0 {
		t.Errorf("%+v, want %d held", report, n)
	}
	if _, records, objects := s.count(t); records != n || objects != n {
		t.Errorf("%d records and %d objects are left of %d", records, objects, n)
	}
}

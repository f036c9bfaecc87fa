package dossier_test

import (
	"bytes"
	"testing"
	"time"

	"dossier.example/app"
)

// What broke off is told, whatever else has its name; what a form sent again and stored is not told twice.
func TestSummary(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.Limits{})
	ctx := t.Context()
	receipt := dossier.NewReceipt()
	sub, err := svc.Begin(ctx, receipt, ada)
	if err != nil {
		t.Fatal(err)
	}
	// Three of one path break off, as when the program dies in the middle: two before one is stored, one after.
	broken := func(folder, name string) dossier.File {
		now := s.clock.now()
		f := dossier.File{Person: receipt.Person, ID: dossier.NewFileID(), Folder: folder, Name: name,
			Author: ada.Name, State: dossier.FileUploading, CreatedAt: now, UpdatedAt: now}
		if err := s.catalog.Put(ctx, f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	broken("", "image.jpg")
	second := broken("", "image.jpg")
	elsewhere := broken("day 1", "image.jpg")
	for _, data := range []string{"first", "longer"} {
		if err := sub.AddFile(ctx, map[string]string{"first": "image.jpg", "longer": "b.txt"}[data],
			bytes.NewReader([]byte(data))); err != nil {
			t.Fatal(err)
		}
	}
	if err := sub.Acknowledge(ctx); err != nil {
		t.Fatal(err)
	}
	third := broken("", "image.jpg")
	s.clock.forward(time.Minute)
	// One in parts has the name of a stored file, from before and from after.
	parts, err := svc.Announce(ctx, receipt.Person, dossier.Announcement{ID: dossier.NewFileID(), Name: "b.txt", Size: 9})
	if err != nil {
		t.Fatal(err)
	}
	s.clock.forward(time.Minute)
	if _, err := submit(ctx, svc, receipt, []upload{{"b.txt", []byte("another")}}); err != nil {
		t.Fatal(err)
	}

	sum, err := svc.Summary(ctx, receipt.Person)
	if err != nil {
		t.Fatal(err)
	}
	want := []dossier.FileID{second.ID, elsewhere.ID, third.ID, parts.ID}
	if sum.Stored != (dossier.Quota{Files: 3, Bytes: 5 + 6 + 7}) || sum.UnfinishedCount != len(want) ||
		len(sum.Unfinished) != len(want) || sum.Damaged != 0 || sum.Complete() {
		t.Fatalf("Summary: got %+v, want 3 files of 18 bytes and %d unfinished", sum, len(want))
	}
	for i, f := range sum.Unfinished {
		if f.ID != want[i] {
			t.Errorf("unfinished %d is %s of %s, want %s", i, f.ID, f.Path(), want[i])
		}
	}

	// What is discarded is told no more.
	for _, f := range sum.Unfinished {
		if err := svc.GiveUp(ctx, f.Person, f.ID); err != nil {
			t.Fatal(err)
		}
	}
	if sum, err = svc.Summary(ctx, receipt.Person); err != nil || !sum.Complete() || sum.Stored.Files != 3 {
		t.Errorf("Summary after all was discarded: %+v, %v", sum, err)
	}
}

func TestSummaryOfMany(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.Limits{})
	person := dossier.NewReceipt().Person
	const n = dossier.MaxUnfinished + 5
	var oldest dossier.FileID
	for i := range n {
		at := s.clock.now().Add(-time.Duration(i) * time.Second)
		f := dossier.File{Person: person, ID: dossier.NewFileID(), Name: "a", Author: "Ada", State: dossier.FileUploading,
			CreatedAt: at, UpdatedAt: at}
		if err := s.catalog.Put(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		oldest = f.ID
	}
	sum, err := svc.Summary(t.Context(), person)
	if err != nil || sum.UnfinishedCount != n || len(sum.Unfinished) != dossier.MaxUnfinished ||
		sum.Unfinished[0].ID != oldest {
		t.Errorf("Summary: %d of %d unfinished, first %v, %v; want %d of %d, first %s", len(sum.Unfinished),
			sum.UnfinishedCount, sum.Unfinished[:1], err, dossier.MaxUnfinished, n, oldest)
	}
	s.clock.forward(time.Second)
	for most, want := range map[int]int{n - 1: n - 1, n: n, n + 1: n} {
		files, more, err := svc.AllUnfinished(t.Context(), most)
		if err != nil || len(files) != want || more != (most < n) {
			t.Errorf("AllUnfinished(%d): %d, %v, %v; want %d of %d", most, len(files), more, err, want, n)
		}
	}
}

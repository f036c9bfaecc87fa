package dossier_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
)

// maker makes thumbnails of a test: what it is told to.
type maker struct {
	made   atomic.Int32
	answer func() ([]byte, error)
}

func (m *maker) Make(_ context.Context, r io.Reader) ([]byte, error) {
	m.made.Add(1)
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, err
	}
	return m.answer()
}

var (
	// aPicture begins as a PNG does, by which it counts as one.
	aPicture   = upload{"a.png", []byte("\x89PNG\r\n\x1a\nand so on")}
	aThumbnail = []byte("\xff\xd8\xff and so on \xff\xd9")
)

// pictured has a person with a picture, and a service that makes thumbnails by m.
func pictured(t *testing.T, s stores, m *maker) (*dossier.Service, dossier.File) {
	t.Helper()
	svc := dossier.New(s.people, s.catalog, s.objects, dossier.Options{Now: s.clock.now, Pictures: m})
	out, err := submit(t.Context(), svc, dossier.NewReceipt(), []upload{aPicture})
	if err != nil {
		t.Fatal(err)
	}
	return svc, *out[0].File
}

func thumbnails(t *testing.T, s stores) (n int) {
	t.Helper()
	for _, err := range s.objects.Thumbnails(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestThumbnailIsMadeOnce(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		m := &maker{answer: func() ([]byte, error) { return aThumbnail, nil }}
		svc, f := pictured(t, s, m)
		if _, err := svc.Thumbnail(t.Context(), f, dossier.ToStaff); !errors.Is(err, dossier.ErrUnmade) {
			t.Fatalf("Thumbnail before it is made: %v, want ErrUnmade", err)
		}
		// Who asks may leave: what was begun is brought to its end.
		left, leave := context.WithCancel(t.Context())
		leave()
		for _, ctx := range []context.Context{left, t.Context(), t.Context()} {
			if made, err := svc.MakeThumbnail(ctx, f, dossier.ToStaff); err != nil || !bytes.Equal(made.JPEG, aThumbnail) {
				t.Fatalf("MakeThumbnail: %d bytes, %v", len(made.JPEG), err)
			}
		}
		if made, err := svc.Thumbnail(t.Context(), f, dossier.ToStaff); err != nil || !bytes.Equal(made.JPEG, aThumbnail) {
			t.Errorf("Thumbnail: %d bytes, %v", len(made.JPEG), err)
		}
		if n := m.made.Load(); n != 1 {
			t.Errorf("it was made %d times", n)
		}

		// It is no object, and counts for nobody.
		before, err := svc.Counted(t.Context(), f.Person)
		if err != nil || before.Files != 1 || before.Bytes != f.Content.Size {
			t.Errorf("counted are %+v, %v; want the picture alone", before, err)
		}
		report, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{Sweep: true, Verify: true}, nil)
		if err != nil || len(report.Counts) != 0 || report.Ownerless != 0 {
			t.Errorf("a sweep finds %+v, %v", report, err)
		}
		if err := svc.DeleteFile(t.Context(), f.Person, f.ID); err != nil {
			t.Fatal(err)
		}
		if n := thumbnails(t, s); n != 0 {
			t.Error("the thumbnail outlives its file")
		}
	})
}

func TestThumbnailGoesWithThePerson(t *testing.T) {
	s := fresh(t)
	svc, f := pictured(t, s, &maker{answer: func() ([]byte, error) { return aThumbnail, nil }})
	if _, err := svc.MakeThumbnail(t.Context(), f, dossier.ToStaff); err != nil {
		t.Fatal(err)
	}
	if err := svc.DeletePerson(t.Context(), f.Person); err != nil {
		t.Fatal(err)
	}
	if n := thumbnails(t, s); n != 0 {
		t.Error("the thumbnail outlives its person")
	}
}

// A file that is deleted while its thumbnail is made leaves none.
func TestThumbnailOfAFileThatGoes(t *testing.T) {
	s := fresh(t)
	m := &maker{}
	svc, f := pictured(t, s, m)
	m.answer = func() ([]byte, error) {
		return aThumbnail, svc.DeleteFile(t.Context(), f.Person, f.ID)
	}
	if _, err := svc.MakeThumbnail(t.Context(), f, dossier.ToStaff); err != nil {
		t.Fatal(err)
	}
	if n := thumbnails(t, s); n != 0 {
		t.Error("a thumbnail is left of a file that was deleted meanwhile")
	}
}

func TestSweepRemovesThumbnailsWithoutFile(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		svc, f := pictured(t, s, &maker{answer: func() ([]byte, error) { return aThumbnail, nil }})
		if _, err := svc.MakeThumbnail(t.Context(), f, dossier.ToStaff); err != nil {
			t.Fatal(err)
		}
		// Of the same person, and of one who is gone; more than may go by themselves of what somebody sent.
		for range 30 {
			for _, person := range []dossier.PersonID{f.Person, dossier.NewPersonID()} {
				if err := s.objects.PutThumbnail(t.Context(), person, dossier.NewFileID(), aThumbnail); err != nil {
					t.Fatal(err)
				}
			}
		}
		sweep := func(dry bool) *dossier.ReconcileReport {
			report, err := svc.Reconcile(t.Context(),
				dossier.ReconcileOptions{Sweep: true, OlderThan: time.Hour, DryRun: dry}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return report
		}
		for _, dry := range []bool{true, false} {
			if r := sweep(dry); r.Counts[dossier.RepairRemovedThumbnail] != 60 || len(r.Counts) != 1 || r.NeedsPerson() ||
				r.Ownerless != 0 {
				t.Errorf("dry %v: the sweep finds %+v, want 60 thumbnails without file and nothing else", dry, r)
			}
		}
		if n := thumbnails(t, s); n != 1 {
			t.Errorf("%d thumbnails are left, want that of the file", n)
		}
	})
}

// What cannot be made is not tried again, and what was ended only later.
func TestThumbnailThatCannotBeMade(t *testing.T) {
	s := fresh(t)
	m := &maker{}
	svc, f := pictured(t, s, m)
	ask := func(want error, times int32) {
		t.Helper()
		if made, err := svc.MakeThumbnail(t.Context(), f, dossier.ToStaff); made.JPEG != nil || !errors.Is(err, want) {
			t.Errorf("MakeThumbnail: %d bytes, %v; want none, %v", len(made.JPEG), err, want)
		}
		if n := m.made.Load(); n != times {
			t.Errorf("it was tried %d times, want %d", n, times)
		}
	}
	machine := errors.New("no more processes")
	m.answer = func() ([]byte, error) { return nil, machine }
	ask(machine, 1)
	m.answer = func() ([]byte, error) { return nil, dossier.ErrPictureKilled }
	ask(nil, 2)
	ask(nil, 2)
	s.clock.forward(11 * time.Minute)
	m.answer = func() ([]byte, error) { return nil, dossier.ErrNoPicture }
	ask(nil, 3)
	s.clock.forward(24 * time.Hour)
	ask(nil, 3)
	// What another release left there is tried anew.
	for _, left := range []string{"", "none, thumbnail-0", "\xff\xd8\xff half a JPEG"} {
		if err := s.objects.PutThumbnail(t.Context(), f.Person, f.ID, []byte(left)); err != nil {
			t.Fatal(err)
		}
		if _, err := svc.Thumbnail(t.Context(), f, dossier.ToStaff); !errors.Is(err, dossier.ErrUnmade) {
			t.Errorf("with %q in its place: %v, want ErrUnmade", left, err)
		}
	}
}

func TestThumbnailOfWhatHasNone(t *testing.T) {
	s := fresh(t)
	m := &maker{answer: func() ([]byte, error) { return aThumbnail, nil }}
	svc, f := pictured(t, s, m)
	large, text, unstored := f, f, f
	large.Content = &dossier.Content{Size: dossier.MaxPicture + 1, Type: "image/png"}
	text.Content = &dossier.Content{Size: 1, Type: "image/svg+xml"}
	unstored.State = dossier.FileUploading
	for name, f := range map[string]dossier.File{"large": large, "SVG": text, "not stored": unstored} {
		if _, err := svc.MakeThumbnail(t.Context(), f, dossier.ToStaff); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	// A file whose bytes are not those that were sent has none either.
	if err := s.objects.Delete(t.Context(), f.Key()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.objects.Put(t.Context(), f.Key(),
		bytes.NewReader(append(aPicture.data[:len(aPicture.data)-1:len(aPicture.data)-1], '!'))); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.MakeThumbnail(t.Context(), f, dossier.ToStaff); !errors.Is(err, dossier.ErrDamaged) {
		t.Errorf("damaged: %v, want ErrDamaged", err)
	}
	if n := thumbnails(t, s); n != 0 {
		t.Errorf("%d thumbnails were kept", n)
	}
}

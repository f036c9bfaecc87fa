package dossier_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// Every call that a deletion makes goes wrong in every way; reconciliation, or deleting again, ends it.
func TestFaultAtEveryStepOfADeletion(t *testing.T) {
	prepare := func(t *testing.T) (stores, dossier.Receipt) {
		s, r := fresh(t), dossier.NewReceipt()
		if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, twoFiles); err != nil {
			t.Fatal(err)
		}
		return s, r
	}
	s, r := prepare(t)
	clean := noFault()
	if err := s.faulty(clean).DeletePerson(t.Context(), r.Person); err != nil {
		t.Fatal(err)
	}
	for i, call := range clean.Calls() {
		for _, m := range modes(call) {
			t.Run(name(i, call, m), func(t *testing.T) {
				s, r := prepare(t)
				err := s.faulty(fault(i, m)).DeletePerson(t.Context(), r.Person)
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

func TestFaultAtEveryStepOfGivingUp(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	clean := noFault()
	if err := s.faulty(clean).GiveUp(t.Context(), r.Person, s.sent(t, r, direct).ID); err != nil {
		t.Fatal(err)
	}
	want := "catalog.File catalog.MarkDeleting objects.Drop objects.Delete objects.DeleteThumbnail catalog.Usage " +
		"catalog.Remove catalog.Release"
	if got := strings.Join(clean.Calls(), " "); got != want {
		t.Fatalf("GiveUp makes the calls\n%s\nwant\n%s", got, want)
	}
	s.checkInvariants(t, true)
	for _, then := range []string{"repeated", "left"} {
		t.Run(then, func(t *testing.T) {
			faultCases(t, clean.Calls(), func(t *testing.T, f *faults) {
				s, r := fresh(t), dossier.NewReceipt()
				svc, file := s.service(dossier.DefaultLimits()), s.sent(t, r, direct)
				if err := s.faulty(f).GiveUp(t.Context(), r.Person, file.ID); !errors.Is(err, dossier.ErrUnavailable) {
					t.Fatalf("GiveUp: %v, want ErrUnavailable", err)
				}
				s.checkInvariants(t, false)
				if then == "repeated" {
					if err := svc.GiveUp(t.Context(), r.Person, file.ID); err != nil {
						t.Errorf("GiveUp repeated: %v", err)
					}
					if _, _, err := svc.Status(t.Context(), r.Person, file.ID); !errors.Is(err, dossier.ErrNotFound) {
						t.Errorf("Status afterwards: %v, want ErrNotFound", err)
					}
				}
				s.reconcileAll(t)
				if _, records, objects := s.count(t); records+objects != 0 {
					t.Errorf("left: %d records, %d objects", records, objects)
				}
				s.checkInvariants(t, true)
			})
		})
	}
}

// The deletion of a person takes files on their way with it, and their multipart uploads.
func TestFaultAtEveryStepOfADeletionOfUnfinishedFiles(t *testing.T) {
	prepare := func(t *testing.T) (stores, dossier.Receipt) {
		s, r := fresh(t), dossier.NewReceipt()
		if _, err := s.sendDirectly(t, s.service(dossier.DefaultLimits()), r, dossier.NewFileID(), direct); err != nil {
			t.Fatal(err)
		}
		s.sent(t, r, upload{"b.txt", []byte("beta")})
		return s, r
	}
	s, r := prepare(t)
	clean := noFault()
	if err := s.faulty(clean).DeletePerson(t.Context(), r.Person); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(clean.Calls(), " "), "objects.Drop") {
		t.Errorf("the multipart upload is not dropped: %v", clean.Calls())
	}
	s.checkGone(t)
	faultCases(t, clean.Calls(), func(t *testing.T, f *faults) {
		s, r := prepare(t)
		if err := s.faulty(f).DeletePerson(t.Context(), r.Person); !errors.Is(err, dossier.ErrUnavailable) {
			t.Fatalf("DeletePerson: %v, want ErrUnavailable", err)
		}
		s.checkInvariants(t, false)
		s.reconcileAll(t)
		s.checkInvariants(t, true)
		if begun := f.at > 0 || f.mode == failAfter || f.mode == dieAfter; begun {
			s.checkGone(t)
		} else {
			s.checkAcknowledged(t, r, []upload{direct})
		}
	})
}

// An upload that is discarded while it runs, by whomever, ends as lost and leaves nothing, however far it was.
func TestGivingUpAFormUnderWay(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		ctx, svc := t.Context(), s.service(dossier.Limits{})
		for name, at := range map[string]int{"at the first byte": 0, "in the middle": 1, "behind the last byte": 2} {
			r := dossier.NewReceipt()
			sub, err := svc.Begin(ctx, r, ada)
			if err != nil {
				t.Fatal(err)
			}
			// A small file would be read before there is a record.
			large := strings.NewReader(strings.Repeat("x", dossier.SmallBytes+1))
			discard := readerFunc(func([]byte) (int, error) {
				files, err := svc.Files(ctx, r.Person, dossier.FilesQuery{Limit: 10})
				if err != nil || len(files.Files) != 1 {
					t.Fatalf("%s: %d files, %v", name, len(files.Files), err)
				}
				id := files.Files[0].ID
				if f, err := svc.UnfinishedFile(ctx, r.Person, id); err != nil || f.ID != id {
					t.Errorf("%s: UnfinishedFile: %+v, %v", name, f, err)
				}
				if err := svc.GiveUp(ctx, r.Person, id); err != nil {
					t.Errorf("%s: GiveUp: %v", name, err)
				}
				if _, err := svc.UnfinishedFile(ctx, r.Person, id); !errors.Is(err, dossier.ErrNotFound) {
					t.Errorf("%s: UnfinishedFile after it was given up: %v, want ErrNotFound", name, err)
				}
				return 0, io.EOF
			})
			readers := []io.Reader{strings.NewReader("one "), strings.NewReader("two")}
			readers = slices.Insert(readers, at, io.Reader(discard))
			if err := sub.AddFile(ctx, "a.txt", io.MultiReader(slices.Insert(readers, 0, io.Reader(large))...)); err != nil {
				t.Fatalf("%s: AddFile: %v", name, err)
			}
			if err := sub.Acknowledge(ctx); err != nil {
				t.Fatalf("%s: Acknowledge: %v", name, err)
			}
			if o := sub.Outcomes()[0]; o.File != nil || !errors.Is(o.Err, dossier.ErrLost) {
				t.Errorf("%s: the outcome is %+v, want ErrLost", name, o)
			}
			if sum, err := svc.Summary(ctx, r.Person); err != nil || sum.Stored.Files != 0 || !sum.Complete() {
				t.Errorf("%s: left is %+v, %v", name, sum, err)
			}
		}
		s.checkInvariants(t, true)
		// What is stored is not unfinished.
		r := dossier.NewReceipt()
		if _, err := submit(ctx, svc, r, twoFiles); err != nil {
			t.Fatal(err)
		}
		stored := s.opens(t, r)[0]
		if _, err := svc.UnfinishedFile(ctx, r.Person, stored.ID); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("UnfinishedFile of a stored file: %v, want ErrNotFound", err)
		}
		if err := svc.GiveUp(ctx, r.Person, stored.ID); !errors.Is(err, dossier.ErrLost) {
			t.Errorf("GiveUp of a stored file: %v, want ErrLost", err)
		}
	})
}

// The same, of a file that is read before there is a record, between any two steps.
func TestGivingUpASmallFileUnderWay(t *testing.T) {
	for _, at := range []string{"objects.Put", "catalog.Commit"} {
		s, r := fresh(t), dossier.NewReceipt()
		svc := s.service(dossier.Limits{})
		given := false
		all := teststores.Stores{People: s.people, Catalog: s.catalog, Objects: s.objects}.Intercept(
			func(_ context.Context, call string, do func() error) error {
				if call == at && !given {
					given = true
					files, err := svc.Files(t.Context(), r.Person, dossier.FilesQuery{Limit: 10})
					if err != nil || len(files.Files) != 1 {
						t.Fatalf("before %s: %d files, %v", at, len(files.Files), err)
					}
					if err := svc.GiveUp(t.Context(), r.Person, files.Files[0].ID); err != nil {
						t.Errorf("before %s: GiveUp: %v", at, err)
					}
				}
				return do()
			})
		through := dossier.New(all.People, all.Catalog, all.Objects, dossier.Options{Now: s.clock.now, Log: s.log})
		out, err := submit(t.Context(), through, r, []upload{{"a.txt", []byte("small")}})
		if err != nil || len(out) != 1 || out[0].File != nil || !errors.Is(out[0].Err, dossier.ErrLost) {
			t.Errorf("given up before %s: %+v, %v; want ErrLost", at, out, err)
		}
		s.checkInvariants(t, true)
		if _, records, objects := s.count(t); records+objects != 0 {
			t.Errorf("given up before %s: left are %d records, %d objects", at, records, objects)
		}
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

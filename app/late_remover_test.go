package dossier_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// heldAt returns a service whose call of that number, from 0, waits until it is released; reached is closed when the
// call is made.
func (s stores) heldAt(at int) (svc *dossier.Service, reached <-chan struct{}, release func()) {
	made, free := make(chan struct{}), make(chan struct{})
	var n atomic.Int64
	all := teststores.Stores{People: s.people, Catalog: s.catalog, Objects: s.objects}.Intercept(
		func(_ context.Context, _ string, do func() error) error {
			if n.Add(1)-1 == int64(at) {
				close(made)
				<-free
			}
			return do()
		})
	svc = dossier.New(all.People, all.Catalog, all.Objects, dossier.Options{Now: s.clock.now, Log: s.log})
	return svc, made, func() { close(free) }
}

// lateRemover is one who removes a file and stops in the middle, while somebody else removes the same.
type lateRemover struct {
	name string
	// prepare makes what is to be removed.
	prepare func(t *testing.T, s stores, r dossier.Receipt) dossier.File
	// remove is what stops; other ends meanwhile, and leaves nothing of the file.
	remove, other func(ctx context.Context, svc *dossier.Service, f dossier.File) error
	// begun is the number of the call before which nothing is being removed.
	begun int
}

func lateRemovers() []lateRemover {
	sent := func(t *testing.T, s stores, r dossier.Receipt) dossier.File { return s.sent(t, r, direct) }
	stored := func(t *testing.T, s stores, r dossier.Receipt) dossier.File {
		f, err := s.sendDirectly(t, s.service(dossier.Limits{}), r, dossier.NewFileID(), direct)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	byForm := func(t *testing.T, s stores, r dossier.Receipt) dossier.File {
		out, err := submit(t.Context(), s.service(dossier.Limits{}), r, []upload{direct})
		if err != nil {
			t.Fatal(err)
		}
		return *out[0].File
	}
	broken := func(t *testing.T, s stores, r dossier.Receipt) dossier.File {
		f := stored(t, s, r)
		if err := s.catalog.MarkDeleting(t.Context(), f.Person, f.ID, s.clock.now(), dossier.FileStored); err != nil {
			t.Fatal(err)
		}
		return f
	}
	giveUp := func(ctx context.Context, svc *dossier.Service, f dossier.File) error {
		return svc.GiveUp(ctx, f.Person, f.ID)
	}
	deleteFile := func(ctx context.Context, svc *dossier.Service, f dossier.File) error {
		return svc.DeleteFile(ctx, f.Person, f.ID)
	}
	deletePerson := func(ctx context.Context, svc *dossier.Service, f dossier.File) error {
		return svc.DeletePerson(ctx, f.Person)
	}
	reconcile := func(ctx context.Context, svc *dossier.Service, _ dossier.File) error {
		_, err := svc.Reconcile(ctx, dossier.ReconcileOptions{OlderThan: -time.Hour}, nil)
		return err
	}
	complete := func(ctx context.Context, svc *dossier.Service, f dossier.File) error {
		_, err := svc.Complete(ctx, f.Person, f.ID, sums(direct.data))
		return err
	}
	return []lateRemover{
		{"giving up", sent, giveUp, giveUp, 0},
		{"deletion of a file", stored, deleteFile, deleteFile, 0},
		{"deletion of a file of a form", byForm, deleteFile, deleteFile, 0},
		{"reconciliation of an upload", sent, reconcile, giveUp, 0},
		{"reconciliation of a deletion", broken, reconcile, deleteFile, 0},
		{"completion of what is given up", sent, complete, func(ctx context.Context, svc *dossier.Service,
			f dossier.File) error {
			if err := svc.GiveUp(ctx, f.Person, f.ID); !errors.Is(err, dossier.ErrLost) {
				return err
			}
			return svc.DeleteFile(ctx, f.Person, f.ID)
		}, 0},
		{"completion of a twin", func(t *testing.T, s stores, r dossier.Receipt) dossier.File {
			stored(t, s, r)
			return s.sent(t, r, direct)
		}, complete, giveUp, 0},
		{"deletion of a person", stored, deletePerson, deletePerson, 1},
		{"deletion of a person who sent a form", byForm, deletePerson, deletePerson, 1},
		{"reconciliation of a person", func(t *testing.T, s stores, r dossier.Receipt) dossier.File {
			f := stored(t, s, r)
			if err := s.people.Move(t.Context(), r.Person, dossier.PersonDeleting, s.clock.now(),
				dossier.PersonSubmitted); err != nil {
				t.Fatal(err)
			}
			return f
		}, reconcile, deletePerson, 0},
	}
}

// A remover may stop at any step for as long as removers are allowed, while somebody else removes the same and its
// sender sends it again, also under the same id: what is acknowledged to the sender stays whole.
func TestLateRemovers(t *testing.T) {
	for _, l := range lateRemovers() {
		t.Run(l.name, func(t *testing.T) {
			s, clean := fresh(t), noFault()
			if err := l.remove(t.Context(), s.faulty(clean), l.prepare(t, s, dossier.NewReceipt())); err != nil {
				t.Fatal(err)
			}
			for i, call := range clean.Calls() {
				if i < l.begun {
					continue
				}
				t.Run(name(i, call, teststores.Sound), func(t *testing.T) {
					s, r := fresh(t), dossier.NewReceipt()
					svc, f := s.service(dossier.Limits{}), l.prepare(t, s, r)
					late, reached, release := s.heldAt(i)
					ended := make(chan error)
					go func() { ended <- l.remove(t.Context(), late, f) }()
					<-reached
					if err := l.other(t.Context(), svc, f); err != nil && !errors.Is(err, dossier.ErrNotFound) {
						t.Errorf("the other remover: %v", err)
					}
					got := s.sendAgain(t, svc, r, f.ID)
					release()
					if err := <-ended; err != nil && codeOf(err) != dossier.CodeNotFound &&
						codeOf(err) != dossier.CodeLost {
						t.Errorf("the late remover: %v", err)
					}
					s.checkInvariants(t, false)
					if _, err := svc.File(t.Context(), got.Person, got.ID); err != nil {
						t.Errorf("what was sent again: %v", err)
					}
					s.checkComplete(t, r, []upload{direct})
				})
			}
		})
	}
}

// A remover that sleeps for longer than an id stays unused, as on a machine that was suspended, does not go on.
func TestRemoverThatSleepsLong(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	svc := s.service(dossier.Limits{})
	f, err := s.sendDirectly(t, svc, r, dossier.NewFileID(), direct)
	if err != nil {
		t.Fatal(err)
	}
	late, reached, release := s.heldAt(2) // the file was read and marked
	ended := make(chan error)
	go func() { ended <- late.DeleteFile(t.Context(), r.Person, f.ID) }()
	<-reached
	if err := svc.DeleteFile(t.Context(), r.Person, f.ID); err != nil {
		t.Fatal(err)
	}
	announcement := dossier.Announcement{ID: f.ID, Name: f.Name, Size: f.Content.Size}
	s.clock.forward(dossier.RemovedFor - time.Hour)
	if _, err := svc.Announce(t.Context(), r.Person, announcement); !errors.Is(err, dossier.ErrConflict) {
		t.Errorf("announced a little less than %s later: %v, want ErrConflict", dossier.RemovedFor, err)
	}
	s.clock.forward(2 * time.Hour)
	if again, err := s.sendDirectly(t, svc, r, f.ID, direct); err != nil || again.ID != f.ID {
		t.Fatalf("sent again under the same id: %s, %v", again.ID, err)
	}
	release()
	if err := <-ended; err == nil {
		t.Error("the late remover reports success")
	}
	s.checkInvariants(t, false)
	s.checkComplete(t, r, []upload{direct})
}

// sendAgain sends a file under an id that it had before, and under a new one if the site asks for it, as clients do.
func (s stores) sendAgain(t *testing.T, svc *dossier.Service, r dossier.Receipt, id dossier.FileID) dossier.File {
	t.Helper()
	f, err := s.sendDirectly(t, svc, r, id, direct)
	if errors.Is(err, dossier.ErrConflict) {
		if !strings.Contains(err.Error(), "new file") {
			t.Errorf("the refusal does not ask for a new file: %v", err)
		}
		f, err = s.sendDirectly(t, svc, r, dossier.NewFileID(), direct)
	}
	if err != nil {
		t.Fatalf("send again: %v", err)
	}
	return f
}

package dossier_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
)

func TestDirectAtOnce(t *testing.T) { onEachKind(t, directAtOnce) }

func directAtOnce(t *testing.T, s stores) {
	svc := s.service(dossier.DefaultLimits())
	ctx := t.Context()
	t.Run("announced", func(t *testing.T) {
		r, id := dossier.NewReceipt(), dossier.NewFileID()
		if _, err := svc.Register(ctx, r, ada); err != nil {
			t.Fatal(err)
		}
		got := make([]dossier.File, 6)
		atOnce(len(got), func(i int) {
			var err error
			got[i], err = svc.Announce(ctx, r.Person,
				dossier.Announcement{ID: id, Name: direct.name, Size: int64(len(direct.data))})
			if err != nil {
				t.Errorf("Announce: %v", err)
			}
		})
		uploads := 0
		for tr, err := range s.objects.Unfinished(ctx, time.Now().Add(time.Hour)) {
			if p, _, _ := dossier.ParseObjectKey(tr.Key); err == nil && p == r.Person {
				uploads++
			}
		}
		if uploads != 1 {
			t.Errorf("%d multipart uploads are left of those that were started, want one", uploads)
		}
		if u, err := s.catalog.Usage(ctx, r.Person); err != nil || u.Files != 1 || u.Bytes != int64(len(direct.data)) {
			t.Errorf("counted are %+v, %v; want one file", u, err)
		}
		for _, f := range got {
			if f.Multipart == nil || got[0].Multipart == nil || *f.Multipart != *got[0].Multipart {
				t.Fatalf("announced as %+v and as %+v", f.Multipart, got[0].Multipart)
			}
		}
		if _, err := s.sendDirectly(t, svc, r, id, direct); err != nil {
			t.Error(err)
		}
		s.checkComplete(t, r, []upload{direct})
	})
	t.Run("completed", func(t *testing.T) {
		for range 5 {
			r := dossier.NewReceipt()
			f := s.sent(t, r, direct)
			atOnce(4, func(int) {
				got, err := svc.Complete(ctx, r.Person, f.ID, sums(direct.data))
				if err != nil || got.ID != f.ID || got.State != dossier.FileStored || got.Content.Type != "image/png" {
					t.Errorf("Complete: %+v, %v", got, err)
				}
			})
			s.checkComplete(t, r, []upload{direct})
		}
	})
	t.Run("completed with its twin", func(t *testing.T) {
		for range 5 {
			r := dossier.NewReceipt()
			files := []dossier.File{s.sent(t, r, direct), s.sent(t, r, direct)}
			got := make([]dossier.File, 6)
			atOnce(len(got), func(i int) {
				var err error
				if got[i], err = svc.Complete(ctx, r.Person, files[i%2].ID, sums(direct.data)); err != nil {
					t.Errorf("Complete: %v", err)
				}
			})
			for _, f := range got {
				if f.ID != got[0].ID {
					t.Errorf("Completes of the same file answered %s and %s", f.ID, got[0].ID)
				}
			}
			s.checkComplete(t, r, []upload{direct})
		}
	})
	t.Run("given up while completed", func(t *testing.T) {
		for range 10 {
			r := dossier.NewReceipt()
			f := s.sent(t, r, direct)
			var completeErr, giveUpErr error
			atOnce(2, func(i int) {
				if i == 0 {
					_, completeErr = svc.Complete(ctx, r.Person, f.ID, sums(direct.data))
				} else {
					giveUpErr = svc.GiveUp(ctx, r.Person, f.ID)
				}
			})
			switch {
			case completeErr == nil && codeOf(giveUpErr) == dossier.CodeLost:
				s.checkComplete(t, r, []upload{direct})
			case giveUpErr == nil &&
				(codeOf(completeErr) == dossier.CodeLost || codeOf(completeErr) == dossier.CodeNotFound):
				s.checkComplete(t, r, nil)
			default:
				t.Errorf("Complete: %v; GiveUp: %v", completeErr, giveUpErr)
			}
			s.checkInvariants(t, false)
		}
	})
	t.Run("person deleted while completed", func(t *testing.T) {
		for range 10 {
			r := dossier.NewReceipt()
			f := s.sent(t, r, direct)
			atOnce(3, func(i int) {
				switch i {
				case 0:
					if _, err := svc.Complete(ctx, r.Person, f.ID, sums(direct.data)); err != nil &&
						codeOf(err) != dossier.CodeLost && codeOf(err) != dossier.CodeNotFound {
						t.Errorf("Complete: %v", err)
					}
				case 1:
					if err := svc.DeletePerson(ctx, r.Person); err != nil {
						t.Errorf("DeletePerson: %v", err)
					}
				case 2:
					_, err := svc.Announce(ctx, r.Person,
						dossier.Announcement{ID: dossier.NewFileID(), Name: "late", Size: 1})
					if err != nil && codeOf(err) != dossier.CodeConflict && codeOf(err) != dossier.CodeNotFound {
						t.Errorf("Announce: %v", err)
					}
				}
			})
			s.checkInvariants(t, false)
			if files, err := s.catalog.Files(ctx, r.Person, dossier.FileID{}, 1); err != nil || len(files) != 0 {
				t.Errorf("of the deleted person there are %v, %v", files, err)
			}
			if u, err := s.catalog.Usage(ctx, r.Person); err != nil || u.Epoch != "" {
				t.Errorf("of the deleted person there is counted %+v, %v", u, err)
			}
		}
	})
	t.Run("up to the quota", func(t *testing.T) {
		for _, limits := range []dossier.Limits{{PersonFiles: 7, PersonBytes: 1 << 30},
			{PersonFiles: 100, PersonBytes: 79}} {
			svc, r := s.service(limits), dossier.NewReceipt()
			if _, err := svc.Register(ctx, r, ada); err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			var taken []dossier.File
			atOnce(20, func(i int) {
				f, err := svc.Announce(ctx, r.Person, dossier.Announcement{ID: dossier.NewFileID(), Name: fmt.Sprint(i),
					Size: 11})
				if err != nil && codeOf(err) != dossier.CodeQuota {
					t.Errorf("Announce: %v", err)
				}
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					taken = append(taken, f)
				}
			})
			if len(taken) != 7 {
				t.Errorf("%d of 20 files were taken within %+v, want 7", len(taken), limits)
			}
			// What is given up makes room again.
			for _, f := range taken[:2] {
				if err := svc.GiveUp(ctx, r.Person, f.ID); err != nil {
					t.Error(err)
				}
			}
			room := 0
			for range 4 {
				if _, err := svc.Announce(ctx, r.Person,
					dossier.Announcement{ID: dossier.NewFileID(), Name: "more", Size: 11}); err == nil {
					room++
				}
			}
			if room != 2 {
				t.Errorf("after two were given up %d more were taken, want 2", room)
			}
		}
	})
	s.reconcileAll(t)
	s.checkInvariants(t, true)
}

// Two senders of one file, one who gives up, one who deletes the person, and reconciliation that finds everything old.
func TestDirectEverythingAtOnce(t *testing.T) { onEachKind(t, directEverythingAtOnce) }

func directEverythingAtOnce(t *testing.T, s stores) {
	s.loose = true
	svc := s.service(dossier.DefaultLimits())
	for round := range 12 {
		r, id := dossier.NewReceipt(), dossier.NewFileID()
		var acknowledged, deleted bool
		var mu sync.Mutex
		atOnce(5, func(i int) {
			switch {
			case i < 2:
				_, err := s.sendDirectly(t, svc, r, id, direct)
				mu.Lock()
				defer mu.Unlock()
				acknowledged = acknowledged || err == nil
			case i == 2:
				if _, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: -time.Hour, Sweep: true},
					nil); err != nil {
					t.Errorf("reconcile: %v", err)
				}
			case i == 3 && round%2 == 0:
				if err := svc.GiveUp(t.Context(), r.Person, id); err != nil && codeOf(err) != dossier.CodeLost {
					t.Errorf("GiveUp: %v", err)
				}
			case i == 4 && round%3 == 0:
				err := svc.DeletePerson(t.Context(), r.Person)
				if err != nil && !errors.Is(err, dossier.ErrNotFound) {
					t.Errorf("delete: %v", err)
				}
				deleted = err == nil
			}
		})
		s.checkInvariants(t, false)
		if acknowledged && !deleted {
			s.checkAcknowledged(t, r, []upload{direct})
		}
	}
	s.reconcileAll(t)
	s.checkInvariants(t, true)
}

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
				// A multipart upload that reconciliation gave up under the writer's hands is an outage to the writer.
				if err != nil && !errors.Is(err, dossier.ErrConflict) && !errors.Is(err, dossier.ErrUnavailable) {
					t.Errorf("submit: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				acknowledged = acknowledged || err == nil && len(out) == 2 && out[0].File != nil && out[1].File != nil
			})
		}
		wg.Go(func() {
			if _, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: -time.Hour, Sweep: true},
				nil); err != nil {
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

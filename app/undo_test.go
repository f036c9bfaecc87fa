package dossier_test

import (
	"context"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// Whatever call of PutBack fails or is the last of a process, another PutBack does the rest, also after a
// reconciliation; and what is deleted afterwards stays deleted.
func TestFaultAtEveryStepOfPutBack(t *testing.T) {
	file := upload{"a.txt", []byte("alpha")}
	for kind, remove := range map[string]func(*testing.T, stores, dossier.Receipt) dossier.File{
		"described": func(t *testing.T, s stores, r dossier.Receipt) dossier.File {
			if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, []upload{file}); err != nil {
				t.Fatal(err)
			}
			f := s.records(t, r.Person)[0]
			err := s.catalog.MarkDeleting(t.Context(), f.Person, f.ID, s.clock.now(), dossier.FileStored)
			if err != nil {
				t.Fatal(err)
			}
			s.sweep(t, dossier.ReconcileOptions{}) // takes the deletion for one that was cut off
			return f
		},
		"unknown": func(t *testing.T, s stores, r dossier.Receipt) dossier.File {
			if _, err := s.service(dossier.DefaultLimits()).Register(t.Context(), r, ada); err != nil {
				t.Fatal(err)
			}
			f := dossier.File{Person: r.Person, ID: dossier.NewFileID()}
			if _, err := s.objects.Put(t.Context(), f.Key(), strings.NewReader(string(file.data))); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s.sweep(t, dossier.ReconcileOptions{YesRemove: 1})
				s.clock.forward(2 * age)
			}
			return f
		},
	} {
		t.Run(kind, func(t *testing.T) {
			clean := noFault()
			s, r := fresh(t), dossier.NewReceipt()
			remove(t, s, r)
			if back, err := s.faulty(clean).PutBack(t.Context(), nil); err != nil ||
				back.Counts[dossier.RepairPutBack] != 1 {
				t.Fatalf("put back: %+v, %v", back, err)
			}
			faultCases(t, clean.Calls(), func(t *testing.T, f *faults) {
				for _, later := range []bool{false, true} {
					s, r := fresh(t), dossier.NewReceipt()
					is := remove(t, s, r)
					_, _ = s.faulty(fault(f.at, f.mode)).PutBack(t.Context(), nil)
					s.checkInvariants(t, false)
					if later {
						s.reconcileOnce(t)
					}
					svc := s.service(dossier.DefaultLimits())
					if back, err := svc.PutBack(t.Context(), nil); err != nil || back.NeedsPerson() {
						t.Errorf("put back again: %+v, %v", back, err)
					}
					all := s.records(t, r.Person)
					if len(all) != 1 || all[0].ID != is.ID || all[0].State != dossier.FileStored {
						t.Fatalf("put back again, the records are %+v", all)
					}
					for k := range s.objects.Kept(t.Context()) {
						t.Errorf("put back again, %s is still kept", k.Key)
					}
					s.reconcileOnce(t)
					s.checkInvariants(t, true)
					if err := svc.DeleteFile(t.Context(), is.Person, is.ID); err != nil {
						t.Fatal(err)
					}
					if back, err := svc.PutBack(t.Context(), nil); err != nil || len(back.Counts) != 0 {
						t.Errorf("put back after the deletion: %+v, %v", back, err)
					}
				}
			})
		})
	}
}

// A file that somebody deletes is kept nowhere, also if reconciliation takes the deletion for one that was cut off.
func TestDeletedBesideReconciliation(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	out, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, twoFiles)
	if err != nil {
		t.Fatal(err)
	}
	all := teststores.Stores{People: s.people, Catalog: s.catalog, Objects: s.objects}.Intercept(
		func(_ context.Context, call string, do func() error) error {
			if call == "objects.Delete" {
				s.sweep(t, dossier.ReconcileOptions{})
			}
			return do()
		})
	svc := dossier.New(all.People, all.Catalog, all.Objects, dossier.Options{Now: s.clock.now})
	if err := svc.DeleteFile(t.Context(), r.Person, out[0].File.ID); err != nil {
		t.Fatal(err)
	}
	if back, err := s.service(dossier.DefaultLimits()).PutBack(t.Context(), nil); err != nil || len(back.Counts) != 0 {
		t.Errorf("put back: %+v, %v, want nothing", back.Counts, err)
	}
}

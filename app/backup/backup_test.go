package backup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/backup"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/staff"
)

// add stores files of a new person.
func add(t *testing.T, s teststores.Stores, svc *dossier.Service, files int) []dossier.File {
	t.Helper()
	receipt := dossier.NewReceipt()
	sub, err := svc.Begin(t.Context(), receipt, dossier.Details{Name: "Ada", Location: "London", Age: 36,
		Technology: "Engine"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		if err := sub.AddFile(t.Context(), strconv.Itoa(i), strings.NewReader(strings.Repeat("x", i+1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := sub.Acknowledge(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := s.Catalog.Files(t.Context(), receipt.Person, dossier.FileID{}, files+1)
	if err != nil || len(list) != files {
		t.Fatalf("%d files, want %d: %v", len(list), files, err)
	}
	return list
}

// What people delete after the databases were copied, and before its object is, leaves the copy as well, and with it
// what the person is counted for. The word of a fault comes between two batches of objects.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	data, dir := teststores.Folder(t), filepath.Join(teststores.Folder(t), "backup")
	s := teststores.Embedded(t, data)
	svc := dossier.New(s.People, s.Catalog, s.Objects, dossier.Options{})
	first := add(t, s, svc, 300) // more than one batch
	whole, some := add(t, s, svc, 20), add(t, s, svc, 20)
	signIns, err := staff.NewSessions(s.People.(staff.Store), "secret", staff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := signIns.Begin(t.Context(), staff.AccountID{}, "192.0.2.1", "curl/8", 0); err != nil {
		t.Fatal(err)
	}
	accounts, err := staff.NewAccounts(s.People.(staff.Store), "secret", staff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	invited, link, err := accounts.Invite(t.Context(), staff.Invitation{Name: "Ada", Address: "ada@site.example",
		Role: staff.Editor})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := staff.NewTokens(s.People.(staff.Store), "secret", staff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	owner := staff.Actor{Account: invited}
	owner.Account.State = staff.Active
	_, _, err = tokens.Make(t.Context(), owner, staff.NewToken{Name: "a", Scopes: staff.Scopes[:1], Days: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(data, "objects", first[0].Key())); err != nil {
		t.Fatal(err)
	}
	var faults []backup.Fault
	made, err := backup.Make(t.Context(), backup.Options{
		Data: data, Dir: dir, Keep: 1, Progress: &backup.Progress{}, Notice: func(string) {},
		Fault: func(f backup.Fault) {
			faults = append(faults, f)
			if err := svc.DeletePerson(t.Context(), whole[0].Person); err != nil {
				t.Error(err)
			}
			for _, f := range some[:5] {
				if err := svc.DeleteFile(t.Context(), f.Person, f.ID); err != nil {
					t.Error(err)
				}
			}
			// No upload waits for a backup.
			add(t, s, svc, 2)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) != 1 || faults[0].File != first[0].ID.String() {
		t.Errorf("faults: %+v", faults)
	}
	if made.DeletedFiles != 25 || made.People != 2 || made.Files != 315 || made.FaultyFiles != 1 ||
		made.MissingFiles != 1 {
		t.Errorf("the backup tells %+v", made)
	}
	restored := filepath.Join(teststores.Folder(t), "data")
	back, err := backup.Restore(t.Context(), backup.RestoreOptions{Dir: dir, Data: restored,
		Progress: &backup.Progress{}, Fault: func(f backup.Fault) {
			if f.File != first[0].ID.String() {
				t.Errorf("not restored: %+v", f)
			}
		}})
	if err != nil || back.Files != 314 || back.FaultyFiles != 1 {
		t.Fatalf("the restore tells %+v, %v", back, err)
	}
	r := teststores.Embedded(t, restored)
	if there, err := r.People.Existing(t.Context(), []dossier.PersonID{first[0].Person, whole[0].Person,
		some[0].Person}); err != nil || len(there) != 2 || there[whole[0].Person] {
		t.Errorf("the restored persons are %v, %v", there, err)
	}
	for id, err := range r.People.StrayWords(t.Context()) {
		t.Errorf("person %s is gone and has words: %v", id, err)
	}
	// Who was signed in then, and may have been signed out since, is not signed in by a restore.
	if all, err := r.People.(staff.Store).Sessions(t.Context(), staff.AccountID{}); err != nil || len(all) != 0 {
		t.Errorf("the restored sessions are %v, %v", all, err)
	}
	// Nor does a token open anything that may have been revoked since.
	if all, err := r.People.(staff.Store).Tokens(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("the restored tokens are %v, %v", all, err)
	}
	// Accounts come back, and links do not, which may have been used since.
	if accounts, err = staff.NewAccounts(r.People.(staff.Store), "secret", staff.Options{}); err != nil {
		t.Fatal(err)
	}
	if got, err := accounts.Account(t.Context(), invited.ID); err != nil || got != invited {
		t.Errorf("the restored account is %v, %v, want %v", got, err, invited)
	}
	if _, err := accounts.Open(t.Context(), link); !errors.Is(err, staff.ErrLink) {
		t.Errorf("a link in the backup opens: %v", err)
	}
	for id, err := range r.Catalog.Miscounted(t.Context()) {
		t.Errorf("person %s is miscounted: %v", id, err)
	}
	if u, err := r.Catalog.Usage(t.Context(), some[0].Person); err != nil || u.Files != 15 {
		t.Errorf("%d files are counted, want 15: %v", u.Files, err)
	}
	report, err := dossier.New(r.People, r.Catalog, r.Objects, dossier.Options{}).Inspect(t.Context())
	if err != nil || report.Lost.Count != 1 || report.Abandoned.Count+report.Ownerless.Count != 0 || report.Torn() {
		t.Errorf("the restored folder is %+v, %v", report, err)
	}
}

// A run whose context ends leaves no point, and what it had copied serves the next one.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	data, dir := teststores.Folder(t), filepath.Join(teststores.Folder(t), "backup")
	s := teststores.Embedded(t, data)
	svc := dossier.New(s.People, s.Catalog, s.Objects, dossier.Options{})
	first := add(t, s, svc, 300)
	if err := os.Remove(filepath.Join(data, "objects", first[0].Key())); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := backup.Options{
		Data: data, Dir: dir, Keep: 1, Progress: &backup.Progress{}, Notice: func(string) {},
		Fault: func(backup.Fault) { cancel() },
	}
	if made, err := backup.Make(ctx, o); !errors.Is(err, context.Canceled) || made.Point != "" {
		t.Errorf("a backup that was interrupted: %+v, %v", made, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "points")); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	if made, err := backup.Make(t.Context(), o); err != nil || made.Files != 300 || made.CopiedFiles >= 299 {
		t.Errorf("the next one: %+v, %v", made, err)
	}
	restored := filepath.Join(teststores.Folder(t), "data")
	r := backup.RestoreOptions{Dir: dir, Data: restored, Progress: &backup.Progress{},
		Fault: func(backup.Fault) { cancel() }}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	if _, err := backup.Restore(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("a restore that was interrupted: %v", err)
	}
	if err := backup.Unfinished(restored); err == nil {
		t.Error("a folder whose restore was interrupted passes for whole")
	}
	if back, err := backup.Restore(t.Context(), r); err != nil || !back.Resumed || back.Files != 299 {
		t.Errorf("the next one: %+v, %v", back, err)
	}
	if err := backup.Unfinished(restored); err != nil {
		t.Error(err)
	}
}

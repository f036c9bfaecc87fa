package dossier_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// reconcileAfter reconciles once, when a time has passed.
func (s stores) reconcileAfter(t *testing.T, d time.Duration, o dossier.ReconcileOptions) *dossier.ReconcileReport {
	t.Helper()
	s.clock.forward(d)
	o.OlderThan = 24 * time.Hour
	report, err := s.service(dossier.Limits{}).Reconcile(t.Context(), o, nil)
	if err != nil {
		t.Errorf("reconcile: %v", err)
	}
	return report
}

// unseen wants a person to be seen nowhere but in the trash.
func (s stores) unseen(t *testing.T, r dossier.Receipt) {
	t.Helper()
	ctx, svc := t.Context(), s.service(dossier.Limits{})
	if _, err := svc.Person(ctx, r.Person); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Person: %v, want ErrNotFound", err)
	}
	for _, search := range []string{"", "lovelace", "picture"} {
		page, err := svc.People(ctx, dossier.PeopleQuery{Filter: dossier.Filter{Search: search}, Limit: 10})
		if err != nil || page.Count != len(page.People) || slices.ContainsFunc(page.People,
			func(p dossier.Person) bool { return p.ID == r.Person }) {
			t.Errorf("search for %q: %d people, %d counted, %v", search, len(page.People), page.Count, err)
		}
	}
	if _, err := svc.ByReceipt(ctx, r); !errors.Is(err, dossier.ErrExpired) ||
		!strings.Contains(err.Error(), "deleted by the staff") {
		t.Errorf("ByReceipt: %v, want ErrExpired that tells the truth", err)
	}
	if _, err := svc.Begin(ctx, r, ada); !errors.Is(err, dossier.ErrConflict) {
		t.Errorf("the form sent again: %v, want ErrConflict", err)
	}
	if _, err := svc.Announce(ctx, r.Person, dossier.Announcement{ID: dossier.NewFileID(), Name: "x"}); !errors.Is(err,
		dossier.ErrConflict) {
		t.Errorf("Announce: %v, want ErrConflict", err)
	}
}

func TestTrashOfAPerson(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		ctx, svc, r := t.Context(), s.service(dossier.Limits{}), dossier.NewReceipt()
		if _, err := svc.TrashPerson(ctx, r.Person, "x"); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("TrashPerson of nobody: %v, want ErrNotFound", err)
		}
		stored, err := s.sendDirectly(t, svc, r, dossier.NewFileID(), direct)
		if err != nil {
			t.Fatal(err)
		}
		was, err := svc.Person(ctx, r.Person)
		if err != nil {
			t.Fatal(err)
		}
		usage, _ := svc.Counted(ctx, r.Person)
		trash, err := svc.TrashPerson(ctx, r.Person, "Grace\u202e Hopper")
		if err != nil || trash.By != "Grace Hopper" {
			t.Fatalf("TrashPerson: %+v, %v", trash, err)
		}
		s.unseen(t, r)
		if _, err := svc.TrashPerson(ctx, r.Person, "x"); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("TrashPerson again: %v, want ErrNotFound", err)
		}
		there, err := svc.TrashedPerson(ctx, r.Person)
		if err != nil || there.Trash != trash {
			t.Errorf("TrashedPerson: %+v, %v", there.Trash, err)
		}
		if page, err := svc.TrashedPeople(ctx, dossier.Cursor{}, 10); err != nil || len(page.People) != 1 ||
			page.People[0] != there || !page.Next.IsZero() {
			t.Errorf("TrashedPeople: %+v, %v", page, err)
		}
		if now, _ := svc.Counted(ctx, r.Person); now != usage || now.Files != 1 {
			t.Errorf("in the trash it counts %+v, before %+v", now, usage)
		}
		// Nothing of it looks left over.
		s.reconcileAfter(t, 29*24*time.Hour, dossier.ReconcileOptions{Sweep: true, Verify: true})
		s.unseen(t, r)
		s.checkInvariants(t, true)
		back, err := svc.PutBackPerson(ctx, r.Person)
		if err != nil || back != was {
			t.Errorf("PutBackPerson: %+v, %v; want %+v", back, err, was)
		}
		if _, err := svc.PutBackPerson(ctx, r.Person); err != nil {
			t.Errorf("PutBackPerson again: %v", err)
		}
		for _, search := range []string{"", "lovelace", "picture"} {
			page, err := svc.People(ctx, dossier.PeopleQuery{Filter: dossier.Filter{Search: search}, Limit: 10})
			if err != nil || len(page.People) != 1 {
				t.Errorf("search for %q: %d people, %v", search, len(page.People), err)
			}
		}
		if err := svc.ErasePerson(ctx, r.Person); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("ErasePerson of who is not in the trash: %v, want ErrNotFound", err)
		}
		s.checkComplete(t, r, []upload{direct})
		s.reconcileAfter(t, 40*24*time.Hour, dossier.ReconcileOptions{})
		s.checkComplete(t, r, []upload{direct})

		if _, err := svc.TrashPerson(ctx, r.Person, "x"); err != nil {
			t.Fatal(err)
		}
		if err := svc.ErasePerson(ctx, r.Person); err != nil {
			t.Errorf("ErasePerson: %v", err)
		}
		s.erased(t, stored)
		if _, err := svc.PutBackPerson(ctx, r.Person); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("PutBackPerson of who was erased: %v, want ErrNotFound", err)
		}
	})
}

// erased wants nothing to be left of a file and its person, not even set aside.
func (s stores) erased(t *testing.T, f dossier.File) {
	t.Helper()
	ctx := t.Context()
	if _, err := s.people.Person(ctx, f.Person); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("the person: %v, want ErrNotFound", err)
	}
	if records := s.records(t, f.Person); len(records) > 0 {
		t.Errorf("records: %v", records)
	}
	if _, err := s.objects.Head(ctx, f.Key()); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("the object: %v, want ErrNotFound", err)
	}
	if _, err := s.objects.Thumbnail(ctx, f.Person, f.ID); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("the thumbnail: %v, want ErrNotFound", err)
	}
	for k, err := range s.objects.Kept(ctx) {
		t.Errorf("kept is %s, %v", k.Key, err)
	}
	if u, err := s.catalog.Usage(ctx, f.Person); err != nil || u.Quota != (dossier.Quota{}) {
		t.Errorf("counted is %+v, %v", u, err)
	}
}

// What is due goes, at its time and no sooner, for good; by any number of instances at once.
func TestTrashThatIsDue(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		ctx, svc := t.Context(), s.service(dossier.Limits{})
		r, other := dossier.NewReceipt(), dossier.NewReceipt()
		f, err := s.sendDirectly(t, svc, r, dossier.NewFileID(), direct)
		if err != nil {
			t.Fatal(err)
		}
		out, err := submit(ctx, svc, other, twoFiles)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := svc.TrashPerson(ctx, r.Person, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := svc.TrashFile(ctx, other.Person, out[0].File.ID, "x"); err != nil {
			t.Fatal(err)
		}
		for _, o := range []dossier.ReconcileOptions{{}, {KeepTrash: 20 * 24 * time.Hour},
			{DryRun: true, KeepTrash: 1}} {
			report := s.reconcileAfter(t, 2*24*time.Hour, o)
			n := report.Counts[dossier.RepairErasedPerson] + report.Counts[dossier.RepairErasedFile]
			if n > 0 && !o.DryRun {
				t.Errorf("with %+v %d were erased", o, n)
			} else if o.DryRun && n != 2 {
				t.Errorf("a dry run tells of %d, want 2", n)
			}
		}
		s.unseen(t, r)
		s.clock.forward(25 * 24 * time.Hour)
		var people, files atomic.Int64
		atOnce(4, func(int) {
			report, err := svc.Reconcile(ctx, dossier.ReconcileOptions{OlderThan: 24 * time.Hour}, nil)
			if err != nil {
				t.Errorf("reconcile: %v", err)
			}
			people.Add(int64(report.Counts[dossier.RepairErasedPerson]))
			files.Add(int64(report.Counts[dossier.RepairErasedFile]))
		})
		if people.Load() != 1 || files.Load() != 1 {
			t.Errorf("erased: %d people and %d files, want one of each", people.Load(), files.Load())
		}
		s.erased(t, f)
		s.checkComplete(t, other, twoFiles[1:])
		s.checkInvariants(t, true)
	})
}

// A clock that jumps does not empty the trash.
func TestTrashWhenAClockJumps(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	svc := s.service(dossier.Limits{})
	if _, err := submit(t.Context(), svc, r, twoFiles); err != nil {
		t.Fatal(err)
	}
	s.reconcileAfter(t, 0, dossier.ReconcileOptions{Sweep: true})
	if _, err := svc.TrashPerson(t.Context(), r.Person, "x"); err != nil {
		t.Fatal(err)
	}
	s.reconcileAfter(t, 1000*24*time.Hour, dossier.ReconcileOptions{})
	if _, err := svc.PutBackPerson(t.Context(), r.Person); err != nil {
		t.Errorf("PutBackPerson: %v", err)
	}
	s.checkComplete(t, r, twoFiles)
}

func TestTrashOfAFile(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		ctx, svc, r := t.Context(), s.service(dossier.Limits{}), dossier.NewReceipt()
		if _, err := submit(ctx, svc, r, twoFiles); err != nil {
			t.Fatal(err)
		}
		f, err := s.sendDirectly(t, svc, r, dossier.NewFileID(), direct)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := svc.TrashFile(ctx, r.Person, dossier.NewFileID(), "x"); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("TrashFile of no file: %v, want ErrNotFound", err)
		}
		trashed, err := svc.TrashFile(ctx, r.Person, f.ID, "Grace Hopper")
		if err != nil || trashed.Trash.By != "Grace Hopper" {
			t.Fatalf("TrashFile: %+v, %v", trashed, err)
		}
		s.checkInvariants(t, true)
		gone := func() {
			t.Helper()
			if _, err := svc.File(ctx, r.Person, f.ID); !errors.Is(err, dossier.ErrNotFound) {
				t.Errorf("File: %v, want ErrNotFound", err)
			}
			if _, err := svc.Open(ctx, trashed, dossier.ToStaff, 0, -1); !errors.Is(err, dossier.ErrNotFound) {
				t.Errorf("Open: %v, want ErrNotFound", err)
			}
			if _, err := svc.Link(ctx, trashed, dossier.ToStaff, dossier.ResponseHeader{}, time.Minute); !errors.Is(err,
				dossier.ErrNotFound) {
				t.Errorf("Link: %v, want ErrNotFound", err)
			}
			for limit := range 4 {
				var seen []string
				for after := (dossier.FileID{}); ; {
					page, err := svc.Files(ctx, r.Person, dossier.FilesQuery{After: after, Limit: limit + 1})
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range page.Files {
						seen = append(seen, f.Name)
					}
					if after = page.Next; after == (dossier.FileID{}) {
						break
					}
				}
				if slices.Sort(seen); !slices.Equal(seen, []string{"a.txt", "b.txt"}) {
					t.Errorf("Files, %d at a time: %v", limit+1, seen)
				}
			}
			if sum, err := svc.Summary(ctx, r.Person); err != nil || sum.Stored.Files != 2 {
				t.Errorf("Summary: %+v, %v", sum, err)
			}
			if a, err := svc.Archive(ctx, r.Person, dossier.ToStaff); err != nil || a.Files() != 2 {
				t.Errorf("Archive: %+v, %v", a, err)
			}
			named := dossier.Filter{Search: "picture"}
			if page, err := svc.People(ctx, dossier.PeopleQuery{Filter: named, Limit: 1}); err != nil ||
				len(page.People) > 0 {
				t.Errorf("a search for the file's name finds %d, %v", len(page.People), err)
			}
			if q, err := svc.Counted(ctx, r.Person); err != nil || q.Files != 3 {
				t.Errorf("counted are %+v, %v; want 3 files", q, err)
			}
		}
		gone()
		s.reconcileAfter(t, 20*24*time.Hour, dossier.ReconcileOptions{Sweep: true, Verify: true})
		gone()
		if err := s.list(t, svc, trashed); err != nil {
			t.Error(err)
		}
		for range 2 {
			if back, err := svc.PutBackFile(ctx, r.Person, f.ID); err != nil || back.Trash != (dossier.Trash{}) {
				t.Errorf("PutBackFile: %+v, %v", back.Trash, err)
			}
		}
		s.checkComplete(t, r, append(slices.Clone(twoFiles), direct))
		s.checkInvariants(t, true)
		if err := svc.EraseFile(ctx, r.Person, f.ID); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("EraseFile of what is not in the trash: %v, want ErrNotFound", err)
		}
		if _, err := svc.TrashFile(ctx, r.Person, f.ID, "x"); err != nil {
			t.Error(err)
		}
		if err := svc.EraseFile(ctx, r.Person, f.ID); err != nil {
			t.Errorf("EraseFile: %v", err)
		}
		if _, err := s.objects.Head(ctx, f.Key()); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("the object: %v, want ErrNotFound", err)
		}
		s.checkComplete(t, r, twoFiles)
		s.checkInvariants(t, true)
	})
}

// list looks for a file among those in the trash, for a while: an index may be behind.
func (s stores) list(t *testing.T, svc *dossier.Service, want dossier.File) error {
	t.Helper()
	for range 100 {
		files, next, err := svc.TrashedFiles(t.Context(), dossier.TrashedFile{}, 10)
		if err != nil || next != (dossier.TrashedFile{}) {
			return fmt.Errorf("TrashedFiles: %d files, next: %v, %w", len(files), next, err)
		}
		if len(files) == 1 && files[0].ID == want.ID && files[0].Trash == want.Trash {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("TrashedFiles does not have what is in the trash")
}

// A release that knows no trash takes a file out of the index of the trash: a sweep finds it by its record, lists it
// again, and erases it when its time is over; and people by their rows.
func TestSweepFindsUnlistedTrash(t *testing.T) {
	check := func(t *testing.T, s stores, unlist func(dossier.File)) {
		t.Helper()
		ctx, svc := t.Context(), s.service(dossier.Limits{})
		r, gone := dossier.NewReceipt(), dossier.NewReceipt()
		var out []dossier.Outcome
		for _, receipt := range []dossier.Receipt{gone, r} {
			var err error
			if out, err = submit(ctx, svc, receipt, []upload{direct}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := svc.TrashPerson(ctx, gone.Person, "x"); err != nil {
			t.Fatal(err)
		}
		f, err := svc.TrashFile(ctx, r.Person, out[0].File.ID, "x")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []dossier.ReconcileOptions{{Sweep: true}, {Sweep: true, KeepTrash: 20 * 24 * time.Hour}} {
			unlist(f)
			report := s.reconcileAfter(t, 24*time.Hour, o)
			if n := report.Counts[dossier.RepairErasedFile] + report.Counts[dossier.RepairErasedPerson]; n > 0 {
				t.Errorf("%d were erased before their time", n)
			}
			if err := s.list(t, svc, f); err != nil {
				t.Errorf("after a sweep: %v", err)
			}
		}
		unlist(f)
		s.clock.forward(20 * 24 * time.Hour)
		s.reconcileAfter(t, 0, dossier.ReconcileOptions{Sweep: true, DryRun: true, KeepTrash: 10 * 24 * time.Hour})
		if _, err := svc.TrashedFile(ctx, r.Person, f.ID); err != nil {
			t.Errorf("after a dry run: %v", err)
		}
		report := s.reconcileAfter(t, 0, dossier.ReconcileOptions{Sweep: true, KeepTrash: 10 * 24 * time.Hour})
		if report.Counts[dossier.RepairErasedFile] != 1 || report.Counts[dossier.RepairErasedPerson] != 1 {
			t.Errorf("when the time is over, the report is %v, want a file and a person", report.Counts)
		}
		if n := len(s.records(t, r.Person)); n > 0 {
			t.Errorf("%d records are left", n)
		}
		if _, err := s.objects.Head(ctx, f.Key()); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("the object: %v, want ErrNotFound", err)
		}
		if _, err := svc.TrashedPerson(ctx, gone.Person); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("the person in the trash: %v, want ErrNotFound", err)
		}
		s.reconcileAll(t)
		s.checkInvariants(t, true)
	}
	t.Run("embedded", func(t *testing.T) { check(t, embedded(t), func(dossier.File) {}) })
	t.Run("cloud", func(t *testing.T) {
		t.Parallel()
		c := teststores.Cloud(t)
		client := dynamodb.NewFromConfig(c.DynamoDB.Config())
		check(t, over(c.Stores(t)), func(f dossier.File) {
			_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &c.Table,
				Key: map[string]types.AttributeValue{
					"person_id": &types.AttributeValueMemberS{Value: f.Person.String()},
					"file_id":   &types.AttributeValueMemberS{Value: f.ID.String()}},
				UpdateExpression:    aws.String("REMOVE unfinished"),
				ConditionExpression: aws.String("attribute_exists(unfinished)")})
			if err != nil {
				t.Fatal(err)
			}
		})
	})
}

// Sending a file again takes it out of the trash, whichever way: its sender is told that it is stored.
func TestTrashedFileIsSentAgain(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		full := dossier.Limits{PersonFiles: 1}
		for name, again := range map[string]func(r dossier.Receipt, f dossier.File) error{
			"by a form": func(r dossier.Receipt, _ dossier.File) error {
				out, err := submit(t.Context(), s.service(dossier.Limits{}), r, []upload{direct})
				if err == nil && out[0].File == nil {
					err = out[0].Err
				}
				return err
			},
			"by a form, with no room": func(r dossier.Receipt, _ dossier.File) error {
				out, err := submit(t.Context(), s.service(full), r, []upload{direct})
				if err == nil && out[0].File == nil {
					err = out[0].Err
				}
				return err
			},
			"directly": func(r dossier.Receipt, _ dossier.File) error {
				_, err := s.sendDirectly(t, s.service(dossier.Limits{}), r, dossier.NewFileID(), direct)
				return err
			},
			"directly, under the same id": func(r dossier.Receipt, f dossier.File) error {
				_, err := s.sendDirectly(t, s.service(dossier.Limits{}), r, f.ID, direct)
				return err
			},
		} {
			r := dossier.NewReceipt()
			f, err := s.sendDirectly(t, s.service(dossier.Limits{}), r, dossier.NewFileID(), direct)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.service(dossier.Limits{}).TrashFile(t.Context(), r.Person, f.ID, "x"); err != nil {
				t.Fatal(err)
			}
			if err := again(r, f); err != nil {
				t.Errorf("sent again %s: %v", name, err)
			}
			s.checkComplete(t, r, []upload{direct})
			if n := len(s.records(t, r.Person)); n != 1 {
				t.Errorf("sent again %s: %d records, want one", name, n)
			}
			s.checkInvariants(t, true)
		}
	})
}

// What is under way when a person comes to the trash is not acknowledged, and can be sent again when it is back.
func TestTrashWhileFilesAreSent(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		ctx, svc := t.Context(), s.service(dossier.Limits{})
		t.Run("by a form", func(t *testing.T) {
			r := dossier.NewReceipt()
			if _, err := submit(ctx, svc, r, twoFiles[:1]); err != nil {
				t.Fatal(err)
			}
			sub, err := svc.Begin(ctx, r, ada)
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Abandon(ctx)
			large := strings.Repeat("x", dossier.SmallBytes+1)
			if err := sub.AddFile(ctx, "large", strings.NewReader(large)); err != nil {
				t.Fatal(err)
			}
			if _, err := svc.TrashPerson(ctx, r.Person, "x"); err != nil {
				t.Fatal(err)
			}
			if err := sub.AddFile(ctx, "larger", strings.NewReader(large+large)); !errors.Is(err, dossier.ErrConflict) {
				t.Errorf("AddFile: %v, want ErrConflict", err)
			}
			if err := sub.Acknowledge(ctx); !errors.Is(err, dossier.ErrConflict) {
				t.Errorf("Acknowledge: %v, want ErrConflict", err)
			}
			if _, err := svc.PutBackPerson(ctx, r.Person); err != nil {
				t.Fatal(err)
			}
			if _, err := submit(ctx, svc, r, twoFiles); err != nil {
				t.Errorf("sent again: %v", err)
			}
			s.checkAcknowledged(t, r, twoFiles)
			s.checkInvariants(t, false)
		})
		t.Run("directly", func(t *testing.T) {
			r := dossier.NewReceipt()
			f := s.sent(t, r, direct)
			if _, err := svc.TrashPerson(ctx, r.Person, "x"); err != nil {
				t.Fatal(err)
			}
			s.reconcileAfter(t, 2*24*time.Hour, dossier.ReconcileOptions{})
			if _, err := svc.PutBackPerson(ctx, r.Person); err != nil {
				t.Fatal(err)
			}
			if _, err := s.sendDirectly(t, svc, r, f.ID, direct); errors.Is(err, dossier.ErrConflict) {
				_, err = s.sendDirectly(t, svc, r, dossier.NewFileID(), direct)
				if err != nil {
					t.Error(err)
				}
			} else if err != nil {
				t.Error(err)
			}
			s.checkComplete(t, r, []upload{direct})
		})
		s.reconcileAll(t)
		s.checkInvariants(t, true)
	})
}

// Movers, those who put back, and reconciliation that finds everything due, all at once: in the end somebody is there
// with all files, or nothing is left.
func TestTrashEverythingAtOnce(t *testing.T) {
	onEachKind(t, func(t *testing.T, s stores) {
		ctx, svc := t.Context(), s.service(dossier.Limits{})
		for range 10 {
			r := dossier.NewReceipt()
			if _, err := submit(ctx, svc, r, twoFiles); err != nil {
				t.Fatal(err)
			}
			id := s.records(t, r.Person)[0].ID
			atOnce(7, func(i int) {
				var err error
				switch i {
				case 0, 1:
					_, err = svc.TrashPerson(ctx, r.Person, "x")
				case 2, 3:
					_, err = svc.PutBackPerson(ctx, r.Person)
				case 4:
					_, err = svc.Reconcile(ctx, dossier.ReconcileOptions{OlderThan: 24 * time.Hour, KeepTrash: -1}, nil)
				case 5:
					_, err = svc.TrashFile(ctx, r.Person, id, "x")
				case 6:
					_, err = svc.PutBackFile(ctx, r.Person, id)
				}
				if err != nil && !errors.Is(err, dossier.ErrNotFound) && !errors.Is(err, dossier.ErrLost) {
					t.Errorf("%d: %v", i, err)
				}
			})
			s.checkInvariants(t, false)
			if _, err := svc.PutBackPerson(ctx, r.Person); errors.Is(err, dossier.ErrNotFound) {
				if n := len(s.records(t, r.Person)); n > 0 {
					t.Errorf("of a person who was erased, %d records are left", n)
				}
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			if _, err := svc.PutBackFile(ctx, r.Person, id); errors.Is(err, dossier.ErrNotFound) {
				continue // it was erased
			} else if err != nil {
				t.Fatal(err)
			}
			s.checkComplete(t, r, twoFiles)
		}
		s.reconcileAll(t)
		s.checkInvariants(t, true)
	})
}

// Each call of each change goes wrong in every way: the person is there or in the trash, wholly; and what was begun
// ends by itself or by a repetition.
func TestFaultAtEveryStepOfTheTrash(t *testing.T) {
	trash := func(svc *dossier.Service, r dossier.Receipt, _ dossier.FileID) error {
		_, err := svc.TrashPerson(t.Context(), r.Person, "x")
		return err
	}
	putBack := func(svc *dossier.Service, r dossier.Receipt, _ dossier.FileID) error {
		_, err := svc.PutBackPerson(t.Context(), r.Person)
		return err
	}
	trashFile := func(svc *dossier.Service, r dossier.Receipt, id dossier.FileID) error {
		_, err := svc.TrashFile(t.Context(), r.Person, id, "x")
		return err
	}
	putBackFile := func(svc *dossier.Service, r dossier.Receipt, id dossier.FileID) error {
		_, err := svc.PutBackFile(t.Context(), r.Person, id)
		return err
	}
	for _, c := range []struct {
		name                 string
		before, change, undo func(*dossier.Service, dossier.Receipt, dossier.FileID) error
		erases               bool
	}{
		{"TrashPerson", nil, trash, putBack, false},
		{"PutBackPerson", trash, putBack, putBack, false},
		{"TrashFile", nil, trashFile, putBackFile, false},
		{"PutBackFile", trashFile, putBackFile, putBackFile, false},
		{"ErasePerson", trash, func(svc *dossier.Service, r dossier.Receipt, _ dossier.FileID) error {
			return svc.ErasePerson(t.Context(), r.Person)
		}, putBack, true},
		{"EraseFile", trashFile, func(svc *dossier.Service, r dossier.Receipt, id dossier.FileID) error {
			return svc.EraseFile(t.Context(), r.Person, id)
		}, putBackFile, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			prepare := func(t *testing.T) (stores, dossier.Receipt, dossier.File) {
				s, r := fresh(t), dossier.NewReceipt()
				if _, err := submit(t.Context(), s.service(dossier.Limits{}), r, twoFiles); err != nil {
					t.Fatal(err)
				}
				f := s.records(t, r.Person)[0]
				if c.before != nil {
					if err := c.before(s.service(dossier.Limits{}), r, f.ID); err != nil {
						t.Fatal(err)
					}
				}
				return s, r, f
			}
			s, r, f := prepare(t)
			clean := noFault()
			if err := c.change(s.faulty(clean), r, f.ID); err != nil {
				t.Fatal(err)
			}
			faultCases(t, clean.Calls(), func(t *testing.T, fault *faults) {
				s, r, f := prepare(t)
				err := c.change(s.faulty(fault), r, f.ID)
				if err != nil && !errors.Is(err, dossier.ErrUnavailable) {
					t.Fatalf("%v, want ErrUnavailable or success", err)
				}
				s.checkInvariants(t, false)
				undone := c.undo(s.service(dossier.Limits{}), r, f.ID)
				s.reconcileAll(t)
				s.checkInvariants(t, true)
				switch {
				case undone == nil:
					s.checkComplete(t, r, twoFiles)
				case !c.erases || !errors.Is(undone, dossier.ErrNotFound):
					t.Errorf("put back: %v", undone)
				default:
					if _, err := s.objects.Head(t.Context(), f.Key()); !errors.Is(err, dossier.ErrNotFound) {
						t.Errorf("after an erasure that was interrupted, the object: %v", err)
					}
					for k := range s.objects.Kept(t.Context()) {
						t.Errorf("after an erasure that was interrupted, kept is %s", k.Key)
					}
				}
			})
		})
	}
}

// each yields people of whom only the ids are known.
func each(ids []dossier.PersonID) iter.Seq2[dossier.Person, error] {
	return func(yield func(dossier.Person, error) bool) {
		for _, id := range ids {
			if !yield(dossier.Person{ID: id}, nil) {
				return
			}
		}
	}
}

// A move of many that a crash breaks off at any call has moved whole people, tells how many, and goes on.
func TestTrashOfMany(t *testing.T) {
	const people = 60
	prepare := func(t *testing.T) (stores, []dossier.PersonID) {
		s := fresh(t)
		var ids []dossier.PersonID
		for range people {
			r := dossier.NewReceipt()
			if _, err := s.service(dossier.Limits{}).Register(t.Context(), r, ada); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, r.Person)
		}
		return s, append(ids, dossier.NewPersonID(), ids[0])
	}
	visible := func(t *testing.T, s stores) int {
		t.Helper()
		page, err := s.service(dossier.Limits{}).People(t.Context(), dossier.PeopleQuery{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		named := dossier.Filter{Search: "ada"}
		found, err := s.service(dossier.Limits{}).People(t.Context(), dossier.PeopleQuery{Filter: named, Limit: 100})
		if err != nil || found.Count != page.Count {
			t.Errorf("%d are listed and %d found, %v", page.Count, found.Count, err)
		}
		return page.Count
	}
	s, ids := prepare(t)
	clean := noFault()
	var told []dossier.Bulk
	trash := dossier.Trash{At: time.Now().UTC().Truncate(time.Microsecond), By: "Grace Hopper"}
	sum, err := s.faulty(clean).TrashPeople(t.Context(), each(ids), trash,
		func(b dossier.Bulk) error { told = append(told, b); return nil })
	if want := (dossier.Bulk{Changed: people, Others: 2}); err != nil || sum != want || len(told) != 3 ||
		told[2] != want || visible(t, s) != 0 {
		t.Fatalf("TrashPeople: %+v, %v; told %+v", sum, err, told)
	}
	late := dossier.NewReceipt()
	svc := s.service(dossier.Limits{})
	if _, err := svc.Register(t.Context(), late, ada); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.TrashPerson(t.Context(), late.Person, "x"); err != nil {
		t.Fatal(err)
	}
	if back, err := svc.PutBackPeople(t.Context(), trash.At, nil); err != nil || back.Changed != people ||
		visible(t, s) != people {
		t.Errorf("PutBackPeople: %+v, %v; %d are visible", back, err, visible(t, s))
	}
	if _, err := svc.TrashedPerson(t.Context(), late.Person); err != nil {
		t.Errorf("who came to the trash at another time: %v", err)
	}
	faultCases(t, clean.Calls(), func(t *testing.T, f *faults) {
		s, ids := prepare(t)
		sum, err := s.faulty(f).TrashPeople(t.Context(), each(ids), trash, nil)
		if !errors.Is(err, dossier.ErrUnavailable) {
			t.Fatalf("TrashPeople: %v, want ErrUnavailable", err)
		}
		left := visible(t, s)
		if gone := people - left; gone%25 != 0 && gone != people || gone < sum.Changed {
			t.Errorf("%d of %d are gone, and %d are told", gone, people, sum.Changed)
		}
		again, err := s.service(dossier.Limits{}).TrashPeople(t.Context(), each(ids), trash, nil)
		if err != nil || again.Changed != left || visible(t, s) != 0 {
			t.Errorf("TrashPeople again: %+v, %v; %d were left", again, err, left)
		}
	})
	broken := func(yield func(dossier.Person, error) bool) {
		_ = yield(dossier.Person{ID: ids[0]}, nil) && yield(dossier.Person{}, dossier.ErrUnavailable)
	}
	if _, err := svc.TrashPeople(t.Context(), broken, trash, nil); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("TrashPeople of a selection that breaks off: %v", err)
	}
}

package dossier_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

func TestDirect(t *testing.T) { onEachKind(t, sentDirectly) }

func sentDirectly(t *testing.T, s stores) {
	svc := s.service(dossier.DefaultLimits())
	r := dossier.NewReceipt()
	big := upload{"big.bin", bytes.Repeat([]byte("0123456789abcdef"), (20<<20)/16)}
	files := []upload{direct, big, {"empty", nil}, {`..\dir/name?.txt`, []byte("x")}}
	for _, file := range files {
		id := dossier.NewFileID()
		f, err := s.sendDirectly(t, svc, r, id, file)
		if err != nil {
			t.Fatalf("%s: %v", file.name, err)
		}
		if f.ID != id || f.State != dossier.FileStored || f.Author != ada.Name ||
			f.Name != dossier.CleanFileName(file.name) || f.Content.SHA256 != sums(file.data).SHA256 {
			t.Errorf("%s: stored as %+v, %+v", file.name, f, f.Content)
		}
		if want := map[string]string{"picture.png": "image/png"}[file.name]; want != "" && f.Content.Type != want {
			t.Errorf("%s: is of type %q, want %q", file.name, f.Content.Type, want)
		}
		if f.Content.Type == "" {
			t.Errorf("%s: has no type", file.name)
		}
		// Each call once more changes nothing.
		again, err := s.sendDirectly(t, svc, r, id, file)
		if err != nil || again.ID != id || *again.Content != *f.Content {
			t.Errorf("%s, sent again: %+v, %v", file.name, again, err)
		}
		status, parts, err := svc.Status(t.Context(), r.Person, id)
		if err != nil || len(parts) != 0 || status.State != dossier.FileStored {
			t.Errorf("%s, stored: status %+v, %v, %v", file.name, status, parts, err)
		}
		if _, err := signParts(t.Context(), svc, r.Person, id, []dossier.Part{{Number: 1}},
			time.Minute); !errors.Is(err, dossier.ErrLost) {
			t.Errorf("%s, stored: SignParts: %v, want ErrLost", file.name, err)
		}
		if err := svc.GiveUp(t.Context(), r.Person, id); !errors.Is(err, dossier.ErrLost) {
			t.Errorf("%s, stored: GiveUp: %v, want ErrLost", file.name, err)
		}
		if _, err := svc.Complete(t.Context(), r.Person, id, dossier.Checksums{}); !errors.Is(err, dossier.ErrCorrupt) {
			t.Errorf("%s, stored: Complete with other checksums: %v, want ErrCorrupt", file.name, err)
		}
	}
	files[3].name = "name_.txt"
	s.checkComplete(t, r, files)
	s.checkInvariants(t, true)
	if got := s.reconcileAll(t); len(got.Counts) != 0 || got.Verified != len(files) ||
		got.AbortedMultipartUploads != 0 {
		t.Errorf("reconcile found something to do: %+v", got)
	}
	// A form with the same file finds it, and one deleted can be sent anew.
	out, err := submit(t.Context(), svc, r, []upload{direct})
	if err != nil || out[0].File == nil || out[0].File.Multipart == nil {
		t.Errorf("a form with the same file: %+v, %v", out, err)
	}
	if err := svc.DeleteFile(t.Context(), r.Person, out[0].File.ID); err != nil {
		t.Error(err)
	}
	if _, err := s.sendDirectly(t, svc, r, dossier.NewFileID(), direct); err != nil {
		t.Error(err)
	}
	s.checkComplete(t, r, files)
	s.checkInvariants(t, true)
	if err := svc.DeletePerson(t.Context(), r.Person); err != nil {
		t.Error(err)
	}
	s.checkGone(t)
}

func TestDirectRefusals(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.Limits{FileBytes: 1000, Files: 1, PersonFiles: 2, PersonBytes: 1500})
	ctx, r := t.Context(), dossier.NewReceipt()
	if _, err := svc.Register(ctx, r, dossier.Details{}); !errors.Is(err, dossier.ErrInvalid) {
		t.Errorf("Register without details: %v, want ErrInvalid", err)
	}
	id := dossier.NewFileID()
	file := dossier.Announcement{ID: id, Name: "a.txt", Size: 1000}
	if _, err := svc.Announce(ctx, r.Person, file); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Announce for nobody: %v, want ErrNotFound", err)
	}
	if _, err := svc.Begin(ctx, r, ada); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Announce(ctx, r.Person, file); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Announce for a person who is not acknowledged: %v, want ErrNotFound", err)
	}
	if _, err := svc.Register(ctx, r, ada); err != nil {
		t.Fatal(err)
	}
	f, err := svc.Announce(ctx, r.Person, file)
	if err != nil || f.State != dossier.FileUploading || f.Multipart == nil || f.Multipart.Size != 1000 ||
		f.Multipart.PartSize != dossier.PartSize(1000) {
		t.Fatalf("Announce: %+v, %v", f, err)
	}
	for _, c := range []struct {
		name string
		a    dossier.Announcement
		want error
	}{
		{"the same", file, nil},
		{"the same by a name that is cleaned to it", dossier.Announcement{ID: id, Name: "x/a.txt ", Size: 1000}, nil},
		{"another name", dossier.Announcement{ID: id, Name: "b.txt", Size: 1000}, dossier.ErrConflict},
		{"another size", dossier.Announcement{ID: id, Name: "a.txt", Size: 999}, dossier.ErrConflict},
		{"too large", dossier.Announcement{ID: dossier.NewFileID(), Name: "b.txt", Size: 1001}, dossier.ErrTooLarge},
		{"a negative size", dossier.Announcement{ID: dossier.NewFileID(), Name: "b.txt", Size: -1}, dossier.ErrInvalid},
		{"no id", dossier.Announcement{Name: "b.txt", Size: 1}, dossier.ErrInvalid},
		{"more bytes than the person may have", dossier.Announcement{ID: dossier.NewFileID(), Name: "b.txt", Size: 501},
			dossier.ErrQuota},
		{"the last that fits", dossier.Announcement{ID: dossier.NewFileID(), Name: "b.txt", Size: 500}, nil},
		{"more files than the person may have", dossier.Announcement{ID: dossier.NewFileID(), Name: "c.txt"},
			dossier.ErrQuota},
		{"the same when nothing fits any more", file, nil},
	} {
		got, err := svc.Announce(ctx, r.Person, c.a)
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("Announce, %s: %v, want %v", c.name, err, c.want)
		}
		if c.a.ID == id && err == nil && *got.Multipart != *f.Multipart {
			t.Errorf("Announce, %s: has %+v, want %+v", c.name, got.Multipart, f.Multipart)
		}
	}
	parts := make([]dossier.Part, dossier.MaxSigned+1)
	for i := range parts {
		parts[i] = dossier.Part{Number: 1, Size: 1000}
	}
	for _, c := range []struct {
		name  string
		id    dossier.FileID
		parts []dossier.Part
		want  error
	}{
		{"none", id, nil, dossier.ErrInvalid},
		{"too many", id, parts, dossier.ErrInvalid},
		{"as many as may be", id, parts[1:], nil},
		{"number 0", id, []dossier.Part{{Number: 0, Size: 1000}}, dossier.ErrInvalid},
		{"number 2 of 1", id, []dossier.Part{{Number: 2, Size: 1000}}, dossier.ErrInvalid},
		{"another size", id, []dossier.Part{{Number: 1, Size: 999}}, dossier.ErrInvalid},
		{"another file", dossier.NewFileID(), parts[:1], dossier.ErrNotFound},
	} {
		signed, err := signParts(ctx, svc, r.Person, c.id, c.parts, time.Minute)
		if c.want == nil && (err != nil || len(signed) != len(c.parts)) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("SignParts, %s: %d, %v, want %v", c.name, len(signed), err, c.want)
		}
	}
	if _, _, err := svc.Status(ctx, r.Person, dossier.NewFileID()); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Status of nothing: %v, want ErrNotFound", err)
	}
	if _, err := svc.Complete(ctx, r.Person, dossier.NewFileID(), dossier.Checksums{}); !errors.Is(err,
		dossier.ErrNotFound) {
		t.Errorf("Complete of nothing: %v, want ErrNotFound", err)
	}
	if err := svc.GiveUp(ctx, r.Person, dossier.NewFileID()); err != nil {
		t.Errorf("GiveUp of nothing: %v", err)
	}

	// A form is counted too: its second file does not fit any more.
	if err := svc.GiveUp(ctx, r.Person, id); err != nil {
		t.Fatal(err)
	}
	out, err := submit(ctx, svc, r, []upload{{"form.txt", make([]byte, 900)}, {"over.txt", nil}})
	if err != nil || out[0].File == nil || out[1].File != nil || out[1].Err == nil ||
		out[1].Err.Code != dossier.CodeQuota {
		t.Errorf("a form beyond the quota: %+v, %v", out, err)
	}
	if err := svc.DeleteFile(ctx, r.Person, out[0].File.ID); err != nil {
		t.Fatal(err)
	}
	out, err = submit(ctx, svc, r, []upload{{"form.txt", make([]byte, 1000)}})
	if err != nil || out[0].File == nil {
		t.Errorf("a form that fills the quota: %+v, %v", out, err)
	}
	if err := svc.DeleteFile(ctx, r.Person, out[0].File.ID); err != nil {
		t.Fatal(err)
	}
	// A form's bytes count when they have passed; what is over is cut off there.
	svc = s.service(dossier.Limits{FileBytes: 1000, Files: 1, PersonFiles: 2, PersonBytes: 1499})
	out, err = submit(ctx, svc, r, []upload{{"form.txt", make([]byte, 1000)}})
	if err != nil || out[0].File != nil || out[0].Err == nil || out[0].Err.Code != dossier.CodeQuota ||
		!strings.Contains(out[0].Err.Message, "1.4 kB") {
		t.Errorf("a form with too many bytes: %+v, %v", out, err)
	}
	s.checkInvariants(t, false)
	if u, err := s.catalog.Usage(ctx, r.Person); err != nil || u.Quota != (dossier.Quota{Files: 1, Bytes: 500}) {
		t.Errorf("what is left is counted as %+v, %v; want the one file of 500 bytes", u, err)
	}
}

// However many parts are signed, the record is written once a minute at most.
func TestProgressIsNotedOnceAMinute(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	svc := s.service(dossier.DefaultLimits())
	f := s.announced(t, r, direct)
	parts, _ := split(*f.Multipart, direct.data)
	noted := f.UpdatedAt
	for _, step := range []struct {
		forward time.Duration
		noted   bool
	}{{0, false}, {58 * time.Second, false}, {2 * time.Second, true}, {0, false}, {time.Minute, true}} {
		s.clock.forward(step.forward)
		if _, err := signParts(t.Context(), svc, r.Person, f.ID, parts[:1], time.Minute); err != nil {
			t.Fatal(err)
		}
		now, err := svc.Announced(t.Context(), r.Person, f.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.UpdatedAt.After(noted) != step.noted {
			t.Errorf("%s later, the record was updated from %s to %s", step.forward, noted, now.UpdatedAt)
		}
		noted = now.UpdatedAt
	}
}

// Every call on the way of a file that is sent directly goes wrong in every way. The sender that begins anew with the
// same id ends well; one that gives up, or goes away, leaves nothing but a file that was whole.
func TestFaultAtEveryStepOfADirectUpload(t *testing.T) {
	s := fresh(t)
	s.slow = true
	clean := noFault()
	if _, err := s.sendDirectly(t, s.faulty(clean), dossier.NewReceipt(), dossier.NewFileID(), direct); err != nil {
		t.Fatal(err)
	}
	want := "people.Insert people.Acknowledge " +
		"catalog.File people.Person catalog.Reserve objects.Start catalog.Put people.Person " +
		"catalog.File objects.Parts catalog.File objects.Parts " +
		"catalog.File catalog.Touch objects.Sign " +
		"catalog.File objects.Parts catalog.Describe objects.Finish catalog.File objects.Stat " +
		"people.AddWords objects.Open catalog.Describe catalog.Commit"
	if got := strings.Join(clean.Calls(), " "); got != want {
		t.Fatalf("the direct way makes the calls\n%s\nwant\n%s", got, want)
	}
	for _, then := range []string{"sent again", "sent again after reconciliation", "given up", "left"} {
		t.Run(then, func(t *testing.T) {
			faultCases(t, clean.Calls(), func(t *testing.T, f *faults) {
				s, r, id := fresh(t), dossier.NewReceipt(), dossier.NewFileID()
				s.slow = true
				svc := s.service(dossier.DefaultLimits())
				if _, err := s.sendDirectly(t, s.faulty(f), r, id, direct); !errors.Is(err, dossier.ErrUnavailable) {
					t.Fatalf("the file was acknowledged, or not as ErrUnavailable refused, although a store failed: %v",
						err)
				}
				s.checkInvariants(t, false)
				switch then {
				case "sent again after reconciliation":
					// Not old enough to be touched.
					if _, err := svc.Reconcile(t.Context(),
						dossier.ReconcileOptions{OlderThan: 24 * time.Hour, Sweep: true}, nil); err != nil {
						t.Error(err)
					}
					s.checkInvariants(t, false)
					fallthrough
				case "sent again":
					if got, err := s.sendDirectly(t, svc, r, id, direct); err != nil || got.ID != id {
						t.Fatalf("sent again: %+v, %v", got, err)
					}
					s.checkInvariants(t, false)
					s.checkComplete(t, r, []upload{direct})
					s.reconcileAll(t)
					s.checkComplete(t, r, []upload{direct})
				case "given up":
					err := svc.GiveUp(t.Context(), r.Person, id)
					stored := clean.Calls()[f.at] == "catalog.Commit" && (f.mode == failAfter || f.mode == dieAfter)
					if stored != errors.Is(err, dossier.ErrLost) && err != nil {
						t.Errorf("GiveUp: %v", err)
					}
					s.checkInvariants(t, false)
					if _, records, objects := s.count(t); !stored && records+objects != 0 {
						t.Errorf("left at once: %d records, %d objects", records, objects)
					}
					s.reconcileAll(t)
				case "left":
					s.reconcileAll(t)
					_, records, objects := s.count(t)
					if records != objects {
						t.Errorf("left: %d records, %d objects", records, objects)
					}
					described := f.at >= len(clean.Calls())-5 ||
						clean.Calls()[f.at] == "objects.Finish" && (f.mode == failAfter || f.mode == dieAfter)
					if described && clean.Calls()[f.at] != "objects.Finish" {
						s.checkComplete(t, r, []upload{direct})
					}
				}
				s.checkInvariants(t, true)
				if got := s.reconcileAll(t); len(got.Counts) != 0 || got.AbortedMultipartUploads != 0 {
					t.Errorf("a second reconciliation found something to do: %+v", got)
				}
			})
		})
	}
}

// A file that the person has already gives way, wherever that is interrupted; repeated, the call answers with the other
// again.
func TestFaultAtEveryStepOfADuplicate(t *testing.T) {
	prepare := func(t *testing.T) (stores, dossier.Receipt, dossier.File, dossier.File) {
		s, r := fresh(t), dossier.NewReceipt()
		first, err := s.sendDirectly(t, s.service(dossier.DefaultLimits()), r, dossier.NewFileID(), direct)
		if err != nil {
			t.Fatal(err)
		}
		return s, r, first, s.sent(t, r, direct)
	}
	s, r, first, second := prepare(t)
	clean := noFault()
	if got, err := s.faulty(clean).Complete(t.Context(), r.Person, second.ID, sums(direct.data)); err != nil ||
		got.ID != first.ID {
		t.Fatalf("Complete of the same file: %+v, %v", got, err)
	}
	if u, err := s.catalog.Usage(t.Context(), r.Person); err != nil || u.Files != 1 ||
		u.Bytes != int64(len(direct.data)) {
		t.Errorf("counted are %+v, %v; want one file", u, err)
	}
	s.checkInvariants(t, true)
	faultCases(t, clean.Calls(), func(t *testing.T, f *faults) {
		s, r, first, second := prepare(t)
		got, err := s.faulty(f).Complete(t.Context(), r.Person, second.ID, sums(direct.data))
		if err != nil && !errors.Is(err, dossier.ErrUnavailable) || err == nil && got.ID != first.ID {
			t.Errorf("Complete: %+v, %v", got, err)
		}
		s.checkInvariants(t, false)
		svc := s.service(dossier.DefaultLimits())
		for range 2 {
			if got, err := svc.Complete(t.Context(), r.Person, second.ID, sums(direct.data)); err != nil ||
				got.ID != first.ID {
				t.Errorf("Complete repeated: %+v, %v", got, err)
			}
		}
		s.checkComplete(t, r, []upload{direct})
		s.reconcileAll(t)
		s.checkComplete(t, r, []upload{direct})
		s.checkInvariants(t, true)
	})
}

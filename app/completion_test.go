package dossier_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dossier.example/app"
)

func TestCompleteChecksParts(t *testing.T) { onEachKind(t, completeChecksParts) }

func completeChecksParts(t *testing.T, s stores) {
	svc, ctx, r := s.service(dossier.DefaultLimits()), t.Context(), dossier.NewReceipt()
	data := bytes.Repeat([]byte("part"), (18<<20)/4)
	f := s.announced(t, r, upload{"three parts", data})
	parts, bodies := split(*f.Multipart, data)
	if len(parts) != 3 {
		t.Fatalf("the file has %d parts, meant are 3", len(parts))
	}
	send := func(p dossier.Part, body []byte) {
		t.Helper()
		signed, err := signParts(ctx, svc, r.Person, f.ID, []dossier.Part{p}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.sendPart(ctx, signed[0], body); err != nil {
			t.Fatal(err)
		}
	}
	complete := func(doing string, want error, message string) {
		t.Helper()
		_, err := svc.Complete(ctx, r.Person, f.ID, sums(data))
		var e *dossier.Error
		if !errors.Is(err, want) &&
			(!errors.As(err, &e) || want != nil && !errors.Is(&dossier.Error{Code: e.Code}, want)) ||
			!strings.Contains(fmt.Sprint(err), message) {
			t.Errorf("Complete, %s: %v, want %v with %q", doing, err, want, message)
		}
		if now, err := s.catalog.File(ctx, r.Person, f.ID); err != nil || now.State != dossier.FileUploading {
			t.Errorf("Complete, %s: the record is %+v, %v", doing, now, err)
		}
	}
	complete("no part is there", dossier.ErrIncomplete, "Part 1 of 3")
	send(parts[0], bodies[0])
	send(parts[2], bodies[2])
	complete("the second part is missing", dossier.ErrIncomplete, "Part 2 of 3")
	bent := bytes.Clone(bodies[1])
	bent[100] ^= 1
	send(dossier.Part{Number: 2, Size: parts[1].Size, CRC64: crc(bent)}, bent)
	complete("the second part differs", dossier.ErrCorrupt, "Send it again")
	status, have, err := svc.Status(ctx, r.Person, f.ID)
	if err != nil || status.State != dossier.FileUploading || len(have) != 3 || have[0] != parts[0] ||
		have[1].CRC64 != crc(bent) || have[2] != parts[2] {
		t.Errorf("Status: %+v, %+v, %v", status, have, err)
	}
	send(parts[1], bodies[1])
	if _, err := svc.Complete(ctx, r.Person, f.ID,
		dossier.Checksums{CRC64: 1, SHA256: sums(data).SHA256}); !errors.Is(err, dossier.ErrCorrupt) {
		var e *dossier.Error
		if !errors.As(err, &e) || e.Code != dossier.CodeCorrupt {
			t.Errorf("Complete with another CRC-64: %v, want ErrCorrupt", err)
		}
	}
	if got, err := svc.Complete(ctx, r.Person, f.ID, sums(data)); err != nil || got.ID != f.ID {
		t.Errorf("Complete: %+v, %v", got, err)
	}
	s.checkComplete(t, r, []upload{{"three parts", data}})
	s.checkInvariants(t, true)
}

// A multipart upload that vanished, as a lifecycle rule of the bucket makes it, cannot become a file any more: that is
// told, and the file goes.
func TestMultipartUploadVanishes(t *testing.T) {
	for name, call := range map[string]func(svc *dossier.Service, f dossier.File) error{
		"Complete": func(svc *dossier.Service, f dossier.File) error {
			_, err := svc.Complete(t.Context(), f.Person, f.ID, sums(direct.data))
			if !errors.Is(err, dossier.ErrLost) {
				var e *dossier.Error
				if !errors.As(err, &e) || e.Code != dossier.CodeLost {
					return fmt.Errorf("got %w, want ErrLost", err)
				}
			}
			return nil
		},
		"Status": func(svc *dossier.Service, f dossier.File) error {
			if _, _, err := svc.Status(t.Context(), f.Person, f.ID); !errors.Is(err, dossier.ErrNotFound) {
				return fmt.Errorf("got %w, want ErrNotFound", err)
			}
			return nil
		},
	} {
		s, r := fresh(t), dossier.NewReceipt()
		f := s.sent(t, r, direct)
		if err := s.objects.Drop(t.Context(), f.Key(), f.Multipart.UploadID); err != nil {
			t.Fatal(err)
		}
		if err := call(s.service(dossier.DefaultLimits()), f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, records, objects := s.count(t); records+objects != 0 {
			t.Errorf("%s: left are %d records, %d objects", name, records, objects)
		}
		s.checkInvariants(t, true)
	}
}

// The same where the content was described and nobody made the object: while it is new somebody may be about to, so the
// file stays.
func TestMultipartUploadVanishesWhileFinished(t *testing.T) {
	s, r := inMemory(), dossier.NewReceipt()
	svc := s.service(dossier.DefaultLimits())
	f := s.sent(t, r, direct)
	if _, err := s.faulty(failing(t, []string{"catalog.File", "objects.Parts", "catalog.Describe", "objects.Finish"},
		dieBefore, "objects.Finish", 1)).
		Complete(t.Context(), r.Person, f.ID, sums(direct.data)); !errors.Is(err, dossier.ErrUnavailable) {
		t.Fatal(err)
	}
	if err := s.objects.Drop(t.Context(), f.Key(), f.Multipart.UploadID); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // it looks for the object for some seconds
		if _, err := svc.Complete(t.Context(), r.Person, f.ID,
			sums(direct.data)); codeOf(err) != dossier.CodeUnavailable {
			t.Errorf("Complete at once: %v, want ErrUnavailable", err)
		}
	})
	if _, records, _ := s.count(t); records != 1 {
		t.Errorf("%d records are left, want one", records)
	}
	s.clock.forward(time.Hour)
	if _, err := svc.Complete(t.Context(), r.Person, f.ID, sums(direct.data)); codeOf(err) != dossier.CodeLost {
		t.Errorf("Complete an hour later: %v, want ErrLost", err)
	}
	if _, records, objects := s.count(t); records+objects != 0 {
		t.Errorf("left are %d records, %d objects", records, objects)
	}
	s.checkInvariants(t, true)
}

// A sender whose SHA-256 is wrong makes nobody believe that other bytes are stored, in either order.
func TestWrongSHA256HidesNoFile(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	svc := s.service(dossier.DefaultLimits())
	one, two := upload{"a.txt", []byte("one")}, upload{"a.txt", []byte("two")}
	liar := s.sent(t, r, one)
	if _, err := svc.Complete(t.Context(), r.Person, liar.ID,
		dossier.Checksums{CRC64: crc(one.data), SHA256: sha256.Sum256(two.data)}); err != nil {
		t.Fatal(err)
	}
	out, err := submit(t.Context(), svc, r, []upload{two})
	if err != nil || out[0].File != nil || out[0].Err == nil || out[0].Err.Code != dossier.CodeCorrupt {
		t.Errorf("a form with the bytes that were lied about: %+v, %v", out, err)
	}
	if _, err := s.sendDirectly(t, svc, r, dossier.NewFileID(), two); err == nil {
		t.Error("bytes that are not stored were acknowledged")
	}
	s.checkInvariants(t, true)
}

package dossier_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
)

// sendPart makes a signed request as a client does: to the server, or, with embedded stores, to the program, which hands it on to the store.
func (s stores) sendPart(ctx context.Context, signed dossier.SignedRequest, body []byte) error {
	receiver, embedded := s.objects.(interface {
		Receive(ctx context.Context, u *url.URL, contentLength int64, body io.Reader) error
	})
	if embedded {
		u, err := url.Parse(signed.URL)
		if err != nil {
			return err
		}
		return receiver.Receive(ctx, u, int64(len(body)), bytes.NewReader(body))
	}
	req, err := http.NewRequestWithContext(ctx, signed.Method, signed.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range signed.Header {
		if name != "Content-Length" {
			req.Header.Set(name, value)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	text, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %s", res.StatusCode, text)
	}
	return nil
}

// split returns the parts of a file, and their bytes.
func split(u dossier.Upload, data []byte) (parts []dossier.Part, bodies [][]byte) {
	for n := 1; n <= u.Parts(); n++ {
		size, _ := u.PartBytes(n)
		body := data[int64(n-1)*u.PartSize:][:size]
		bodies = append(bodies, body)
		parts = append(parts, dossier.Part{Number: n, Size: size, CRC64: crc(body)})
	}
	return parts, bodies
}

func crc(data []byte) uint64 {
	h := dossier.NewCRC64()
	_, _ = h.Write(data)
	return h.Sum64()
}

func sums(data []byte) dossier.Checksums {
	return dossier.Checksums{CRC64: crc(data), SHA256: sha256.Sum256(data)}
}

// sendParts sends the parts that the store does not have.
func (s stores) sendParts(ctx context.Context, svc *dossier.Service, f dossier.File, data []byte) error {
	_, have, err := svc.Status(ctx, f.Person, f.ID)
	if err != nil {
		return err
	}
	there := map[dossier.Part]bool{}
	for _, p := range have {
		there[p] = true
	}
	var missing []dossier.Part
	var bodies [][]byte
	parts, all := split(*f.Upload, data)
	for i, p := range parts {
		if !there[p] {
			missing, bodies = append(missing, p), append(bodies, all[i])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	signed, err := svc.SignParts(ctx, f.Person, f.ID, missing, time.Minute)
	if err != nil {
		return err
	}
	for i, req := range signed {
		if err := s.sendPart(ctx, req, bodies[i]); err != nil {
			return fmt.Errorf("send part %d: %w", missing[i].Number, err)
		}
	}
	return nil
}

// sendDirectly hands in a file as a client does that may have begun before.
func (s stores) sendDirectly(t *testing.T, svc *dossier.Service, r dossier.Receipt, id dossier.FileID, file upload) (dossier.File, error) {
	t.Helper()
	ctx := t.Context()
	p, err := svc.Register(ctx, r, ada)
	if err != nil {
		return dossier.File{}, err
	}
	f, err := svc.Announce(ctx, p.ID, dossier.Announcement{ID: id, Name: file.name, Size: int64(len(file.data))})
	if err != nil {
		return dossier.File{}, err
	}
	if f.State == dossier.FileUploading {
		if f, _, err = svc.Status(ctx, p.ID, id); err != nil {
			return dossier.File{}, err
		}
	}
	if f.State == dossier.FileUploading {
		if err := s.sendParts(ctx, svc, f, file.data); err != nil {
			return dossier.File{}, err
		}
	}
	return svc.Complete(ctx, p.ID, id, sums(file.data))
}

// directCalls returns the calls of a file that is sent directly, by a person that is known.
func directCalls(t *testing.T) []string {
	t.Helper()
	s, r := embedded(t), dossier.NewReceipt()
	if _, err := s.service(dossier.DefaultLimits()).Register(t.Context(), r, ada); err != nil {
		t.Fatal(err)
	}
	clean := &faults{at: -1}
	if _, err := s.sendDirectly(t, s.faulty(clean), r, dossier.NewFileID(), direct); err != nil {
		t.Fatal(err)
	}
	return clean.calls
}

var direct = upload{"picture.png", append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"), bytes.Repeat([]byte("pixels "), 1000)...)}

func TestPartSize(t *testing.T) {
	for _, c := range []struct{ size, want int64 }{
		{0, 8 << 20}, {1, 8 << 20}, {5 << 30, 8 << 20}, {10_000 * 8 << 20, 8 << 20}, {10_000*8<<20 + 1, 9 << 20}, {10_000 * 9 << 20, 9 << 20},
		{100 << 30, 11 << 20}, {5 << 40, 525 << 20}, {dossier.MaxParts * dossier.MaxPartSize, dossier.MaxPartSize}, {math.MaxInt64, dossier.MaxPartSize},
	} {
		if got := dossier.PartSize(c.size); got != c.want {
			t.Errorf("PartSize(%d) = %d, want %d", c.size, got, c.want)
		}
	}
	for size := int64(1); size <= dossier.MaxParts*dossier.MaxPartSize; size = size*3/2 + 1 {
		u := dossier.Upload{Size: size, PartSize: dossier.PartSize(size)}
		var sum int64
		for n := 1; n <= u.Parts(); n++ {
			part, ok := u.PartBytes(n)
			if !ok || part < 1 || part > dossier.MaxPartSize || n < u.Parts() && part < dossier.MinPartSize {
				t.Fatalf("a file of %d bytes has part %d of %d bytes", size, n, part)
			}
			sum += part
		}
		if u.Parts() > dossier.MaxParts || u.PartSize%(1<<20) != 0 || sum != size {
			t.Errorf("a file of %d bytes has %d parts of %d bytes, %d together", size, u.Parts(), u.PartSize, sum)
		}
	}
	empty := dossier.Upload{PartSize: dossier.PartSize(0)}
	if n, ok := empty.PartBytes(1); empty.Parts() != 1 || n != 0 || !ok {
		t.Errorf("an empty file has %d parts, the first of %d bytes", empty.Parts(), n)
	}
	for _, n := range []int{math.MinInt, -1, 0, 2, math.MaxInt} {
		if _, ok := empty.PartBytes(n); ok {
			t.Errorf("an empty file has a part %d", n)
		}
	}
}

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
		if f.ID != id || f.State != dossier.FileStored || f.Author != ada.Name || f.Name != dossier.CleanFileName(file.name) || f.Content.SHA256 != sums(file.data).SHA256 {
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
		if _, err := svc.SignParts(t.Context(), r.Person, id, []dossier.Part{{Number: 1}}, time.Minute); !errors.Is(err, dossier.ErrLost) {
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
	if got := s.reconcileAll(t); len(got.Counts) != 0 || got.Verified != len(files) || got.AbortedTransfers != 0 {
		t.Errorf("reconcile found something to do: %+v", got)
	}
	// A form with the same file finds it, and one deleted can be sent anew.
	out, err := submit(t.Context(), svc, r, []upload{direct})
	if err != nil || out[0].File == nil || out[0].File.Upload == nil {
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

// checkGone wants nothing to be left of anybody.
func (s stores) checkGone(t *testing.T) {
	t.Helper()
	if people, records, objects := s.count(t); people+records+objects != 0 {
		t.Errorf("left: %d people, %d records, %d objects", people, records, objects)
	}
	s.checkInvariants(t, true)
}

func TestDirectRefusals(t *testing.T) {
	s := embedded(t)
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
	if err != nil || f.State != dossier.FileUploading || f.Upload == nil || f.Upload.Size != 1000 || f.Upload.PartSize != dossier.PartSize(1000) {
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
		{"more bytes than the person may have", dossier.Announcement{ID: dossier.NewFileID(), Name: "b.txt", Size: 501}, dossier.ErrQuota},
		{"the last that fits", dossier.Announcement{ID: dossier.NewFileID(), Name: "b.txt", Size: 500}, nil},
		{"more files than the person may have", dossier.Announcement{ID: dossier.NewFileID(), Name: "c.txt"}, dossier.ErrQuota},
		{"the same when nothing fits any more", file, nil},
	} {
		got, err := svc.Announce(ctx, r.Person, c.a)
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("Announce, %s: %v, want %v", c.name, err, c.want)
		}
		if c.a.ID == id && err == nil && *got.Upload != *f.Upload {
			t.Errorf("Announce, %s: has %+v, want %+v", c.name, got.Upload, f.Upload)
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
		signed, err := svc.SignParts(ctx, r.Person, c.id, c.parts, time.Minute)
		if c.want == nil && (err != nil || len(signed) != len(c.parts)) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("SignParts, %s: %d, %v, want %v", c.name, len(signed), err, c.want)
		}
	}
	if _, _, err := svc.Status(ctx, r.Person, dossier.NewFileID()); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Status of nothing: %v, want ErrNotFound", err)
	}
	if _, err := svc.Complete(ctx, r.Person, dossier.NewFileID(), dossier.Checksums{}); !errors.Is(err, dossier.ErrNotFound) {
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
	if err != nil || out[0].File == nil || out[1].File != nil || out[1].Err == nil || out[1].Err.Code != dossier.CodeQuota {
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
	if err != nil || out[0].File != nil || out[0].Err == nil || out[0].Err.Code != dossier.CodeQuota || !strings.Contains(out[0].Err.Message, "1.5 KiB") {
		t.Errorf("a form with too many bytes: %+v, %v", out, err)
	}
	s.checkInvariants(t, false)
	if u, err := s.catalog.Usage(ctx, r.Person); err != nil || u.Quota != (dossier.Quota{Files: 1, Bytes: 500}) {
		t.Errorf("what is left is counted as %+v, %v; want the one file of 500 bytes", u, err)
	}
}

// announced registers a person and announces a file.
func (s stores) announced(t *testing.T, r dossier.Receipt, file upload) dossier.File {
	t.Helper()
	svc := s.service(dossier.DefaultLimits())
	if _, err := svc.Register(t.Context(), r, ada); err != nil {
		t.Fatal(err)
	}
	f, err := svc.Announce(t.Context(), r.Person, dossier.Announcement{ID: dossier.NewFileID(), Name: file.name, Size: int64(len(file.data))})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sent is announced, and all parts are there.
func (s stores) sent(t *testing.T, r dossier.Receipt, file upload) dossier.File {
	t.Helper()
	f := s.announced(t, r, file)
	if err := s.sendParts(t.Context(), s.service(dossier.DefaultLimits()), f, file.data); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCompleteChecksParts(t *testing.T) { onEachKind(t, completeChecksParts) }

func completeChecksParts(t *testing.T, s stores) {
	svc, ctx, r := s.service(dossier.DefaultLimits()), t.Context(), dossier.NewReceipt()
	data := bytes.Repeat([]byte("part"), (18<<20)/4)
	f := s.announced(t, r, upload{"three parts", data})
	parts, bodies := split(*f.Upload, data)
	if len(parts) != 3 {
		t.Fatalf("the file has %d parts, meant are 3", len(parts))
	}
	send := func(p dossier.Part, body []byte) {
		t.Helper()
		signed, err := svc.SignParts(ctx, r.Person, f.ID, []dossier.Part{p}, time.Minute)
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
		if !errors.Is(err, want) && (!errors.As(err, &e) || want != nil && !errors.Is(&dossier.Error{Code: e.Code}, want)) || !strings.Contains(fmt.Sprint(err), message) {
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
	if err != nil || status.State != dossier.FileUploading || len(have) != 3 || have[0] != parts[0] || have[1].CRC64 != crc(bent) || have[2] != parts[2] {
		t.Errorf("Status: %+v, %+v, %v", status, have, err)
	}
	send(parts[1], bodies[1])
	if _, err := svc.Complete(ctx, r.Person, f.ID, dossier.Checksums{CRC64: 1, SHA256: sums(data).SHA256}); !errors.Is(err, dossier.ErrCorrupt) {
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

// faultCases runs test with each call of clean going wrong in every way.
func faultCases(t *testing.T, clean []string, test func(t *testing.T, f *faults)) {
	for i, call := range clean {
		for m := failBefore; m <= dieAfter; m++ {
			t.Run(name(i, call, m), func(t *testing.T) { test(t, &faults{at: i, mode: m}) })
		}
	}
}

// Every call on the way of a file that is sent directly goes wrong in every way. The sender that begins anew with the same id ends well; one that
// gives up, or goes away, leaves nothing but a file that was whole.
func TestFaultAtEveryStepOfADirectUpload(t *testing.T) {
	s := embedded(t)
	clean := &faults{at: -1}
	if _, err := s.sendDirectly(t, s.faulty(clean), dossier.NewReceipt(), dossier.NewFileID(), direct); err != nil {
		t.Fatal(err)
	}
	want := "people.Insert people.Move " +
		"catalog.File people.Person catalog.Reserve objects.Start catalog.Put people.Person " +
		"catalog.File objects.Parts catalog.File objects.Parts " +
		"catalog.File catalog.Touch objects.Sign " +
		"catalog.File objects.Parts catalog.Describe objects.Finish catalog.File objects.Stat objects.Open catalog.Describe catalog.Commit"
	if got := strings.Join(clean.calls, " "); got != want {
		t.Fatalf("the direct way makes the calls\n%s\nwant\n%s", got, want)
	}
	for _, then := range []string{"sent again", "sent again after reconciliation", "given up", "left"} {
		t.Run(then, func(t *testing.T) {
			faultCases(t, clean.calls, func(t *testing.T, f *faults) {
				s, r, id := embedded(t), dossier.NewReceipt(), dossier.NewFileID()
				svc := s.service(dossier.DefaultLimits())
				if _, err := s.sendDirectly(t, s.faulty(f), r, id, direct); !errors.Is(err, dossier.ErrUnavailable) {
					t.Fatalf("the file was acknowledged, or not as ErrUnavailable refused, although a store failed: %v", err)
				}
				s.checkInvariants(t, false)
				switch then {
				case "sent again after reconciliation":
					// Not old enough to be touched.
					if _, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: 24 * time.Hour, Sweep: true}, nil); err != nil {
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
					stored := clean.calls[f.at] == "catalog.Commit" && (f.mode == failAfter || f.mode == dieAfter)
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
					described := f.at >= len(clean.calls)-5 || clean.calls[f.at] == "objects.Finish" && (f.mode == failAfter || f.mode == dieAfter)
					if described && clean.calls[f.at] != "objects.Finish" {
						s.checkComplete(t, r, []upload{direct})
					}
				}
				s.checkInvariants(t, true)
				if got := s.reconcileAll(t); len(got.Counts) != 0 || got.AbortedTransfers != 0 {
					t.Errorf("a second reconciliation found something to do: %+v", got)
				}
			})
		})
	}
}

// A file that the person has already gives way, wherever that is interrupted; repeated, the call answers with the other again.
func TestFaultAtEveryStepOfADuplicate(t *testing.T) {
	prepare := func(t *testing.T) (stores, dossier.Receipt, dossier.File, dossier.File) {
		s, r := embedded(t), dossier.NewReceipt()
		first, err := s.sendDirectly(t, s.service(dossier.DefaultLimits()), r, dossier.NewFileID(), direct)
		if err != nil {
			t.Fatal(err)
		}
		return s, r, first, s.sent(t, r, direct)
	}
	s, r, first, second := prepare(t)
	clean := &faults{at: -1}
	if got, err := s.faulty(clean).Complete(t.Context(), r.Person, second.ID, sums(direct.data)); err != nil || got.ID != first.ID {
		t.Fatalf("Complete of the same file: %+v, %v", got, err)
	}
	if u, err := s.catalog.Usage(t.Context(), r.Person); err != nil || u.Files != 1 || u.Bytes != int64(len(direct.data)) {
		t.Errorf("counted are %+v, %v; want one file", u, err)
	}
	s.checkInvariants(t, true)
	faultCases(t, clean.calls, func(t *testing.T, f *faults) {
		s, r, first, second := prepare(t)
		got, err := s.faulty(f).Complete(t.Context(), r.Person, second.ID, sums(direct.data))
		if err != nil && !errors.Is(err, dossier.ErrUnavailable) || err == nil && got.ID != first.ID {
			t.Errorf("Complete: %+v, %v", got, err)
		}
		s.checkInvariants(t, false)
		svc := s.service(dossier.DefaultLimits())
		for range 2 {
			if got, err := svc.Complete(t.Context(), r.Person, second.ID, sums(direct.data)); err != nil || got.ID != first.ID {
				t.Errorf("Complete repeated: %+v, %v", got, err)
			}
		}
		s.checkComplete(t, r, []upload{direct})
		s.reconcileAll(t)
		s.checkComplete(t, r, []upload{direct})
		s.checkInvariants(t, true)
	})
}

func TestFaultAtEveryStepOfGivingUp(t *testing.T) {
	s, r := embedded(t), dossier.NewReceipt()
	clean := &faults{at: -1}
	if err := s.faulty(clean).GiveUp(t.Context(), r.Person, s.sent(t, r, direct).ID); err != nil {
		t.Fatal(err)
	}
	want := "catalog.File catalog.MarkDeleting objects.Drop objects.Delete catalog.Usage catalog.Remove catalog.Release"
	if got := strings.Join(clean.calls, " "); got != want {
		t.Fatalf("GiveUp makes the calls\n%s\nwant\n%s", got, want)
	}
	s.checkInvariants(t, true)
	for _, then := range []string{"repeated", "left"} {
		t.Run(then, func(t *testing.T) {
			faultCases(t, clean.calls, func(t *testing.T, f *faults) {
				s, r := embedded(t), dossier.NewReceipt()
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

// The deletion of a person takes files on their way with it, and their transfers.
func TestFaultAtEveryStepOfADeletionWithTransfers(t *testing.T) {
	prepare := func(t *testing.T) (stores, dossier.Receipt) {
		s, r := embedded(t), dossier.NewReceipt()
		if _, err := s.sendDirectly(t, s.service(dossier.DefaultLimits()), r, dossier.NewFileID(), direct); err != nil {
			t.Fatal(err)
		}
		s.sent(t, r, upload{"b.txt", []byte("beta")})
		return s, r
	}
	s, r := prepare(t)
	clean := &faults{at: -1}
	if err := s.faulty(clean).DeletePerson(t.Context(), r.Person); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(clean.calls, " "), "objects.Drop") {
		t.Errorf("the transfer is not dropped: %v", clean.calls)
	}
	s.checkGone(t)
	faultCases(t, clean.calls, func(t *testing.T, f *faults) {
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

// A slow upload that is resumed is left alone however long ago it began; one that nobody goes on with is removed.
func TestReconcileGoesByProgress(t *testing.T) {
	s, r := embedded(t), dossier.NewReceipt()
	svc := s.service(dossier.DefaultLimits())
	slow, left := s.announced(t, r, direct), s.announced(t, r, upload{"left", []byte("left")})
	s.clock.forward(40 * 24 * time.Hour)
	parts, bodies := split(*slow.Upload, direct.data)
	signed, err := svc.SignParts(t.Context(), r.Person, slow.ID, parts, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sendPart(t.Context(), signed[0], bodies[0]); err != nil {
		t.Fatal(err)
	}
	s.clock.forward(23 * time.Hour)
	for _, dry := range []bool{true, false} {
		report, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: 24 * time.Hour, Sweep: true, DryRun: dry}, nil)
		if err != nil || report.Counts[dossier.RepairRemovedUpload] != 1 || len(report.Counts) != 1 || report.AbortedTransfers != 0 {
			t.Errorf("reconcile, dry run %v: %+v, %v; want one upload removed", dry, report, err)
		}
	}
	if _, _, err := svc.Status(t.Context(), r.Person, left.ID); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Status of the one left behind: %v, want ErrNotFound", err)
	}
	if got, err := svc.Complete(t.Context(), r.Person, slow.ID, sums(direct.data)); err != nil || got.State != dossier.FileStored {
		t.Errorf("Complete of the slow one: %+v, %v", got, err)
	}
	s.checkComplete(t, r, []upload{direct})
	s.checkInvariants(t, true)
}

// A transfer that vanished, as a lifecycle rule of the bucket makes it, cannot become a file any more: that is told, and the file goes.
func TestTransferVanishes(t *testing.T) {
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
		s, r := embedded(t), dossier.NewReceipt()
		f := s.sent(t, r, direct)
		if err := s.objects.Drop(t.Context(), f.Key(), f.Upload.Transfer); err != nil {
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

// The same where the content was described and nobody made the object: while it is new somebody may be about to, so the file stays.
func TestTransferVanishesWhileFinished(t *testing.T) {
	s, r := embedded(t), dossier.NewReceipt()
	svc := s.service(dossier.DefaultLimits())
	f := s.sent(t, r, direct)
	if _, err := s.faulty(failing(t, []string{"catalog.File", "objects.Parts", "catalog.Describe", "objects.Finish"}, dieBefore, "objects.Finish", 1)).
		Complete(t.Context(), r.Person, f.ID, sums(direct.data)); !errors.Is(err, dossier.ErrUnavailable) {
		t.Fatal(err)
	}
	if err := s.objects.Drop(t.Context(), f.Key(), f.Upload.Transfer); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Complete(t.Context(), r.Person, f.ID, sums(direct.data)); codeOf(err) != dossier.CodeUnavailable {
		t.Errorf("Complete at once: %v, want ErrUnavailable", err)
	}
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
	s, r := embedded(t), dossier.NewReceipt()
	svc := s.service(dossier.DefaultLimits())
	one, two := upload{"a.txt", []byte("one")}, upload{"a.txt", []byte("two")}
	liar := s.sent(t, r, one)
	if _, err := svc.Complete(t.Context(), r.Person, liar.ID, dossier.Checksums{CRC64: crc(one.data), SHA256: sha256.Sum256(two.data)}); err != nil {
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

func TestDirectAtOnce(t *testing.T) { onEachKind(t, directAtOnce) }

// atOnce runs do n times at once.
func atOnce(n int, do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}

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
			got[i], err = svc.Announce(ctx, r.Person, dossier.Announcement{ID: id, Name: direct.name, Size: int64(len(direct.data))})
			if err != nil {
				t.Errorf("Announce: %v", err)
			}
		})
		transfers := 0
		for tr, err := range s.objects.Unfinished(ctx, time.Now().Add(time.Hour)) {
			if p, _, _ := dossier.ParseObjectKey(tr.Key); err == nil && p == r.Person {
				transfers++
			}
		}
		if transfers != 1 {
			t.Errorf("%d transfers are left of those that were started, want one", transfers)
		}
		if u, err := s.catalog.Usage(ctx, r.Person); err != nil || u.Files != 1 || u.Bytes != int64(len(direct.data)) {
			t.Errorf("counted are %+v, %v; want one file", u, err)
		}
		for _, f := range got {
			if f.Upload == nil || got[0].Upload == nil || *f.Upload != *got[0].Upload {
				t.Fatalf("announced as %+v and as %+v", f.Upload, got[0].Upload)
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
			case giveUpErr == nil && (codeOf(completeErr) == dossier.CodeLost || codeOf(completeErr) == dossier.CodeNotFound):
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
					if _, err := svc.Complete(ctx, r.Person, f.ID, sums(direct.data)); err != nil && codeOf(err) != dossier.CodeLost && codeOf(err) != dossier.CodeNotFound {
						t.Errorf("Complete: %v", err)
					}
				case 1:
					if err := svc.DeletePerson(ctx, r.Person); err != nil {
						t.Errorf("DeletePerson: %v", err)
					}
				case 2:
					_, err := svc.Announce(ctx, r.Person, dossier.Announcement{ID: dossier.NewFileID(), Name: "late", Size: 1})
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
		for _, limits := range []dossier.Limits{{PersonFiles: 7, PersonBytes: 1 << 30}, {PersonFiles: 100, PersonBytes: 79}} {
			svc, r := s.service(limits), dossier.NewReceipt()
			if _, err := svc.Register(ctx, r, ada); err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			var taken []dossier.File
			atOnce(20, func(i int) {
				f, err := svc.Announce(ctx, r.Person, dossier.Announcement{ID: dossier.NewFileID(), Name: fmt.Sprint(i), Size: 11})
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
				if _, err := svc.Announce(ctx, r.Person, dossier.Announcement{ID: dossier.NewFileID(), Name: "more", Size: 11}); err == nil {
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

// codeOf returns the code of the first Error in err's chain; empty where there is none.
func codeOf(err error) dossier.Code {
	var e *dossier.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
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
				if _, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: -time.Hour, Sweep: true}, nil); err != nil {
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

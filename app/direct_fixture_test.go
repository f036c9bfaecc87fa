package dossier_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"dossier.example/app"
)

// sendPart makes a signed request as a client does: to the server, or, with embedded stores, to the program, which
// hands it on to the store.
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
func split(u dossier.Multipart, data []byte) (parts []dossier.Part, bodies [][]byte) {
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
	parts, all := split(*f.Multipart, data)
	for i, p := range parts {
		if !there[p] {
			missing, bodies = append(missing, p), append(bodies, all[i])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if s.slow {
		s.clock.forward(time.Minute) // after which progress is noted
	}
	signed, err := signParts(ctx, svc, f.Person, f.ID, missing, time.Minute)
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
func (s stores) sendDirectly(t *testing.T, svc *dossier.Service, r dossier.Receipt, id dossier.FileID,
	file upload) (dossier.File, error) {
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
	s, r := fresh(t), dossier.NewReceipt()
	if _, err := s.service(dossier.DefaultLimits()).Register(t.Context(), r, ada); err != nil {
		t.Fatal(err)
	}
	clean := noFault()
	if _, err := s.sendDirectly(t, s.faulty(clean), r, dossier.NewFileID(), direct); err != nil {
		t.Fatal(err)
	}
	return clean.Calls()
}

var direct = upload{"picture.png",
	append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"), bytes.Repeat([]byte("pixels "), 1000)...)}

// checkGone wants nothing to be left of anybody.
func (s stores) checkGone(t *testing.T) {
	t.Helper()
	if people, records, objects := s.count(t); people+records+objects != 0 {
		t.Errorf("left: %d people, %d records, %d objects", people, records, objects)
	}
	s.checkInvariants(t, true)
}

// announced registers a person and announces a file.
func (s stores) announced(t *testing.T, r dossier.Receipt, file upload) dossier.File {
	t.Helper()
	svc := s.service(dossier.DefaultLimits())
	if _, err := svc.Register(t.Context(), r, ada); err != nil {
		t.Fatal(err)
	}
	f, err := svc.Announce(t.Context(), r.Person, dossier.Announcement{ID: dossier.NewFileID(), Name: file.name,
		Size: int64(len(file.data))})
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

// signParts has parts of a file signed, as a client does.
func signParts(ctx context.Context, svc *dossier.Service, person dossier.PersonID, file dossier.FileID,
	parts []dossier.Part, lifetime time.Duration) ([]dossier.SignedRequest, error) {
	f, err := svc.Announced(ctx, person, file)
	if err != nil {
		return nil, err
	}
	return svc.SignParts(ctx, f, parts, lifetime)
}

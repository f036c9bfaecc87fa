package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

// An archive never ends as one that looks whole when it is not.
func TestArchiveWithStoreDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	content := noise(300_000)
	receipt, files := s.submit(t, "Ada", upload{"empty.bin", ""}, upload{"data.bin", content},
		upload{"more.bin", content})
	unavailable := dossier.Unavailable(context.Background(), "read", errors.New(innards))
	page := map[string]string{
		"Content-Disposition": "", "Accept-Ranges": "", "Cache-Control": "no-store",
		"Content-Type":            "text/html; charset=UTF-8",
		"Content-Security-Policy": pagePolicy, "Retry-After": retryAfter,
	}
	for who, way := range map[string]scenario{
		"staff":   {path: "/people/" + receipt.Person.String() + "/files.zip", by: s.signIn(t)},
		"receipt": {path: "/receipt/" + receipt.String() + "/files.zip"},
	} {
		t.Run(who+", objects.Open fails", func(t *testing.T) {
			s.faults.down("objects.Open")
			defer s.faults.set("objects.Open", nil)
			way := way
			way.status, way.want, way.has = 503, page, []string{"Temporarily unavailable"}
			s.play(t, way)
		})
		for name, c := range map[string]struct {
			breaks error
			after  int64
		}{
			"in the first file":                 {unavailable, 100_000},
			"behind the first file":             {unavailable, int64(len(content))},
			"in the last file":                  {unavailable, 500_000},
			"before the last byte":              {unavailable, 599_999},
			"behind the last byte":              {unavailable, 600_000},
			"an object that ends":               {io.EOF, 100_000},
			"an object that ends a byte before": {io.EOF, 599_999},
		} {
			t.Run(who+", fails "+name, func(t *testing.T) {
				s.objects.forget(c.breaks, c.after)
				defer s.objects.forget(nil, 0)
				defer s.acquit(t)
				a := s.ask(t, way)
				if a.status != 200 || !errors.Is(a.err, io.ErrUnexpectedEOF) || strings.Contains(a.body, "PK\x05\x06") {
					t.Errorf("status %d, %d bytes, then %v, want 200 and a body that breaks off", a.status, len(a.body),
						a.err)
				}
			})
		}
		way.status = 200
		if a := s.play(t, way); a.err != nil || !strings.Contains(a.body, "PK\x05\x06") {
			t.Errorf("with the store back: %d bytes, error %v", len(a.body), a.err)
		}
	}

	t.Run("an object that is gone before the first byte", func(t *testing.T) {
		if err := s.stores.Objects.Delete(t.Context(), files[0].Key()); err != nil {
			t.Fatal(err)
		}
		zip := scenario{path: "/receipt/" + receipt.String() + "/files.zip", status: 500,
			has: []string{"This file is damaged"}}
		s.play(t, zip)
		// It is known by now, and left out.
		zip.status, zip.has = 200, []string{"Missing files.txt", "empty.bin", ": missing"}
		s.play(t, zip)
	})
}

// When the client leaves, nothing more is read from the store.
func TestArchiveOfNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const size = 32 << 20 // more than the connection's buffers hold
	receipt, _ := s.submit(t, "Ada", upload{"large.bin", strings.Repeat("x", size)}, upload{"next.bin", "next"})
	s.objects.forget(nil, 0)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		s.url+"/receipt/"+receipt.String()+"/files.zip", nil)
	if err != nil {
		t.Fatal(err)
	}
	HoldReceipt(s.client, req)
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); !strings.Contains(s.log.String(),
		"aborted=true"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the request does not end:\n%s", s.log)
		}
	}
	if opened, read := s.objects.seen(); len(opened) != 1 || read >= size {
		t.Errorf("%d files were opened and %d bytes read; want a part of the first", len(opened), read)
	}
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("a client that left is an error in the log:\n%s", s.log)
	}
}

package web

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// wholePNG returns a picture.
func wholePNG(t *testing.T, w, h int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPicture(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"large.png", wholePNG(t, 1280, 640)},
		upload{"half.png", wholePNG(t, 1280, 640)[:500]}, upload{"note.txt", "text"})
	path := func(i int) string {
		return "/people/" + receipt.Person.String() + "/files/" + files[i].ID.String() + "/picture"
	}
	made := s.play(t, scenario{path: path(0), by: by, status: 200, want: map[string]string{
		"Content-Type": "image/jpeg", "Content-Security-Policy": picturePolicy, "Cache-Control": fileCaching,
		"X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex",
		"Content-Disposition": `inline; filename="large.png.jpg"; filename*=UTF-8''large.png.jpg`,
	}})
	if m, err := jpeg.DecodeConfig(strings.NewReader(made.body)); err != nil || m.Width != 640 || m.Height != 320 {
		t.Errorf("the thumbnail has %d x %d pixels, %v; want 640 x 320", m.Width, m.Height, err)
	}
	t.Run("is made once", func(t *testing.T) {
		s.faults.down("objects.Open")
		defer s.faults.set("objects.Open", nil)
		again := s.play(t, scenario{path: path(0), by: by, status: 200})
		if again.body != made.body {
			t.Error("the thumbnail is another the second time")
		}
		s.play(t, scenario{method: "HEAD", path: path(0), by: by, status: 200,
			want: map[string]string{"Etag": made.header.Get("Etag")}})
		s.play(t, scenario{path: path(0), by: by, status: 304,
			header: map[string]string{"If-None-Match": made.header.Get("Etag")}})
		// That of the file is another.
		s.play(t, scenario{path: path(0), by: by, status: 200,
			header: map[string]string{"If-None-Match": etag(files[0])}})
	})
	t.Run("of what is broken a placeholder stands for it", func(t *testing.T) {
		for range 2 {
			a := s.play(t, scenario{path: path(1), by: by, status: 200, want: map[string]string{
				"Content-Type": "image/svg+xml", "Content-Security-Policy": picturePolicy,
				"Cache-Control": "no-store"}})
			if a.body != placeholder {
				t.Errorf("it is %q", a.body)
			}
			s.faults.down("objects.Open") // the second time nobody tries
		}
		s.faults.set("objects.Open", nil)
	})
	t.Run("of what is no picture there is none", func(t *testing.T) {
		s.play(t, scenario{path: path(2), by: by, status: 404})
	})
	t.Run("only staff see it", func(t *testing.T) {
		s.play(t, scenario{path: path(0), status: 303})
		s.play(t, scenario{path: "/receipt/" + receipt.String() + "/files/" + files[0].ID.String() + "/picture",
			status: 404})
	})
	t.Run("stores that are down", func(t *testing.T) {
		for _, call := range []string{"objects.Thumbnail", "catalog.File"} {
			s.faults.down(call)
			s.play(t, scenario{path: path(0), by: by, status: 503})
			s.faults.set(call, nil)
		}
	})
	t.Run("the last place in the queue is taken", func(t *testing.T) {
		_, more := s.submit(t, "Bob", upload{"b.png", wholePNG(t, 10, 10)})
		s.server.makers = newTurns(0, 0)
		release, _ := s.server.makers.take(t.Context(), netip.Prefix{}, time.Minute)
		bob := "/people/" + more[0].Person.String() + "/files/" + more[0].ID.String() + "/picture"
		a := s.play(t, scenario{path: bob, by: by, status: 503,
			want: map[string]string{"Retry-After": "10", "Content-Type": "image/svg+xml", "Cache-Control": "no-store"}})
		if a.body != placeholder {
			t.Errorf("it is %q", a.body)
		}
		s.play(t, scenario{name: "what is made needs no turn", path: path(0), by: by, status: 200})
		release()
		s.play(t, scenario{path: bob, by: by, status: 200, want: map[string]string{"Content-Type": "image/jpeg"}})
	})
}

func TestTurns(t *testing.T) {
	ada, bob := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	turns := newTurns(10, 5)
	first, ok := turns.take(t.Context(), ada, time.Minute)
	if !ok {
		t.Fatal("nobody waits, and there is no turn")
	}
	got := make(chan string, 10)
	wait := func(who string, client netip.Prefix) {
		t.Helper()
		turns.mu.Lock()
		before := turns.waiting
		turns.mu.Unlock()
		go func() {
			release, ok := turns.take(t.Context(), client, time.Minute)
			if !ok {
				t.Errorf("%s got no turn", who)
				return
			}
			got <- who
			release()
		}()
		for waiting := before; waiting == before; {
			turns.mu.Lock()
			waiting = turns.waiting
			turns.mu.Unlock()
		}
	}
	for _, who := range []string{"ada 1", "ada 2", "ada 3"} {
		wait(who, ada)
	}
	wait("bob 1", bob)
	wait("ada 4", ada)
	wait("ada 5", ada)
	if _, ok := turns.take(t.Context(), ada, time.Minute); ok {
		t.Error("a client has more places than it may")
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, ok := turns.take(left, bob, time.Minute); ok {
		t.Error("who left got a turn")
	}
	if _, ok := turns.take(t.Context(), bob, time.Millisecond); ok {
		t.Error("who lost patience got a turn")
	}
	first()
	var order []string
	for range 6 {
		order = append(order, <-got)
	}
	if all := strings.Join(order, ", "); all != "ada 1, bob 1, ada 2, ada 3, ada 4, ada 5" {
		t.Errorf("the turns went to %s", all)
	}
	release, ok := turns.take(t.Context(), bob, 0)
	if !ok || turns.waiting != 0 || len(turns.queues) != 0 || len(turns.order) != 0 {
		t.Errorf("nobody waits any more; a turn: %v; left are %d, %v, %v", ok, turns.waiting, turns.queues, turns.order)
	}
	release()
}

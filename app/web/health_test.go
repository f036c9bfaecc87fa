package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// keep makes the last answer of the stores good for the whole test, however slow the machine; expire makes it too old.
func (h *health) keep()   { h.date(time.Now().Add(time.Hour)) }
func (h *health) expire() { h.date(time.Now().Add(-readyFor)) }

func (h *health) date(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = at
}

func TestLivez(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) {
		o.Ready = func(context.Context) map[string]error {
			t.Error("livez asks the stores")
			return nil
		}
	})
	s.faults.down("people.Find")
	s.server.Drain()
	for _, method := range []string{"GET", "HEAD"} {
		s.play(t, scenario{method: method, path: "/livez", status: 200,
			want: map[string]string{"Cache-Control": "no-store"}})
	}
}

func TestReadyz(t *testing.T) {
	var asked atomic.Int64
	var mu sync.Mutex
	down := map[string]error{}
	set := func(results map[string]error) {
		mu.Lock()
		defer mu.Unlock()
		down = results
	}
	s := newSite(t, func(o *Options) {
		o.Ready = func(ctx context.Context) map[string]error {
			asked.Add(1)
			if at, ok := ctx.Deadline(); !ok || time.Until(at) > readyTime {
				t.Error("the stores are asked without a deadline, or with too long a one")
			}
			mu.Lock()
			defer mu.Unlock()
			return down
		}
	})
	by := s.signIn(t)

	set(map[string]error{"people": nil, "objects": nil})
	s.play(t, scenario{path: "/readyz", status: 200, has: []string{"ok\n"}, hasNot: []string{"v1.2.3", "people"}})
	s.server.health.keep()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 5 {
				s.play(t, scenario{path: "/readyz", status: 200})
			}
		})
	}
	wg.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("101 requests asked the stores %d times", n)
	}
	s.play(t, scenario{path: "/readyz", by: by, status: 200, has: []string{"ok\n", "version: v1.2.3"}})

	set(map[string]error{"people": errors.New(innards), "catalog": errors.New(innards), "objects": nil})
	s.play(t, scenario{path: "/readyz", status: 200})
	s.server.health.expire()
	s.play(t, scenario{path: "/readyz", status: 503})
	s.server.health.keep()
	for range 2 {
		s.playAll(t, []scenario{
			{name: "public", path: "/readyz", status: 503,
				want:   map[string]string{"Retry-After": retryAfter, "Cache-Control": "no-store"},
				has:    []string{"unavailable\n"},
				hasNot: []string{"people", "catalog", "v1.2.3"}},
			{name: "staff", path: "/readyz", by: by, status: 503,
				has: []string{"down: catalog, people\n", "version: v1.2.3"}, hasNot: []string{"objects"}},
			{name: "HEAD", method: "HEAD", path: "/readyz", status: 503},
		})
	}
	if log := s.log.String(); strings.Count(log, "store is not ready") != 2 || !strings.Contains(log, "store=people") ||
		!strings.Contains(log, innards) {
		t.Errorf("the log does not tell of each store once:\n%s", log)
	}

	set(nil)
	s.server.health.expire()
	s.play(t, scenario{path: "/readyz", status: 200})

	before := asked.Load()
	s.server.Drain()
	s.server.health.expire()
	s.playAll(t, []scenario{
		{name: "draining", path: "/readyz", status: 503, has: []string{"shutting down"}},
		{name: "draining, for staff", path: "/readyz", by: by, status: 503, has: []string{"shutting down"}},
		{name: "what runs goes on", path: "/", status: 200},
	})
	if asked.Load() != before {
		t.Error("a server that is shutting down asks the stores")
	}
}

func TestHealthLook(t *testing.T) {
	// Nothing to ask: always well.
	if down := new(health).look(t.Context(), nil); down != nil {
		t.Errorf("without a check %q are down", down)
	}

	// An asker that leaves does not make the answer of the others wrong.
	h := &health{check: func(ctx context.Context) map[string]error { return map[string]error{"people": ctx.Err()} }}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if down := h.look(ctx, func(name string, err error) { t.Errorf("%s: %v", name, err) }); down != nil {
		t.Errorf("%q are down because the asker left", down)
	}

	// Who comes while somebody asks gets that answer.
	var asked atomic.Int64
	asking, answer := make(chan struct{}), make(chan struct{})
	h = &health{check: func(context.Context) map[string]error {
		if asked.Add(1) == 1 {
			close(asking)
		}
		<-answer
		return map[string]error{"objects": errors.New(innards)}
	}}
	var wg sync.WaitGroup
	look := func() {
		if down := h.look(t.Context(), func(string, error) {}); len(down) != 1 || down[0] != "objects" {
			t.Errorf("%q are down, want objects", down)
		}
	}
	wg.Go(look)
	<-asking
	for range 10 {
		wg.Go(look)
	}
	close(answer)
	wg.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("11 at once asked %d times", n)
	}
}

func TestStaticFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const forever = "public, max-age=31536000, immutable"
	types := map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8",
		"favicon.svg": "image/svg+xml",
		"upload.js":   "text/javascript; charset=utf-8", "upload-worker.js": "text/javascript; charset=utf-8",
		"licences.txt": "text/plain; charset=utf-8"}
	page := s.play(t, scenario{path: "/", status: 200})
	for name, f := range s.server.assets.files {
		sum := sha256.Sum256(f.content)
		hash := fmt.Sprintf("%x", sum[:8])
		etag := `"` + hash + `"`
		// The licences are named by the scripts.
		if name != "licences.txt" && !strings.Contains(page.body, `"/static/`+hash+"/"+name+`"`) {
			t.Errorf("the form's page does not use %s", name)
		}
		for _, c := range []scenario{
			{name: "right hash", path: "/static/" + hash + "/" + name, status: 200, has: []string{string(f.content)},
				want: map[string]string{"Cache-Control": forever, "Etag": etag, "Content-Type": types[name],
					"Content-Security-Policy": pagePolicy, "Content-Encoding": "", "Vary": "Accept-Encoding"}},
			{name: "wrong hash", path: "/static/0000000000000000/" + name, status: 200,
				has:  []string{string(f.content)},
				want: map[string]string{"Cache-Control": "no-cache", "Etag": etag}},
			{name: "known already", path: "/static/" + hash + "/" + name,
				header: map[string]string{"If-None-Match": etag}, status: 304,
				want: map[string]string{"Cache-Control": forever}},
			{name: "another version known", path: "/static/" + hash + "/" + name,
				header: map[string]string{"If-None-Match": `"x"`}, status: 200},
			{name: "HEAD", method: "HEAD", path: "/static/" + hash + "/" + name, status: 200,
				want: map[string]string{"Content-Length": fmt.Sprint(len(f.content))}},
			{name: "a range", path: "/static/" + hash + "/" + name, header: map[string]string{"Range": "bytes=1-2"},
				status: 206, has: []string{string(f.content[1:3])}},
			{name: "last 0 bytes", path: "/static/" + hash + "/" + name, header: map[string]string{"Range": "bytes=-0"},
				status: 416, want: map[string]string{"Cache-Control": "no-store",
					"Content-Range": fmt.Sprintf("bytes */%d", len(f.content))}},
			{name: "range in another unit", path: "/static/" + hash + "/" + name,
				header: map[string]string{"Range": "lines=0-1"}, status: 200, has: []string{string(f.content)}},
			{name: "ends at more than a number holds", path: "/static/" + hash + "/" + name,
				header: map[string]string{"Range": "bytes=2-" + strings.Repeat("9", 30)}, status: 206,
				has: []string{string(f.content[2:])}},
			{name: "unknown name", path: "/static/" + hash + "/x" + name, status: 404,
				want: map[string]string{"Cache-Control": "no-store", "Etag": ""}},
			{name: "template", path: "/static/" + hash + "/layout.html", status: 404},
			{name: "climbing", path: "/static/" + hash + "/..%2f" + name, status: 404},
		} {
			if c.header == nil {
				c.header = map[string]string{}
			}
			c.header["Accept-Encoding"] = "identity" // the client would ask for gzip by itself
			t.Run(name+", "+c.name, func(t *testing.T) { s.play(t, c) })
		}
	}
	s.playAll(t, []scenario{
		{name: "favicon", path: "/favicon.ico", status: 200,
			want: map[string]string{"Content-Type": "image/svg+xml", "Cache-Control": "public, max-age=86400"}},
		{name: "robots", path: "/robots.txt", status: 200,
			want: map[string]string{"Content-Type": "text/plain; charset=UTF-8",
				"Cache-Control": "public, max-age=86400"},
			has: []string{"User-agent: *\n", "Disallow: /receipt/\n", "Disallow: /people\n", "Disallow: /staff/\n"}},
	})
}

// Who takes gzip gets scripts and styles in fewer bytes, as another representation with a tag of its own.
func TestStaticFilesCompressed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.server.assets.files["upload.js"]
	path := "/static/" + f.hash + "/upload.js"
	plain, tag := `"`+f.hash+`"`, `"`+f.hash+`-gzip"`
	asked := func(accept string, more ...string) map[string]string {
		header := map[string]string{"Accept-Encoding": accept}
		for i := 0; i < len(more); i += 2 {
			header[more[i]] = more[i+1]
		}
		return header
	}
	for _, accept := range []string{"gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP ; q = 0.5", "*", "x-gzip",
		"*;q=0, gzip"} {
		a := s.play(t, scenario{path: path, header: asked(accept), status: 200, want: map[string]string{"Etag": tag,
			"Content-Encoding": "gzip", "Vary": "Accept-Encoding", "Content-Type": "text/javascript; charset=utf-8",
			"Content-Length": fmt.Sprint(len(f.gzipped()))}})
		r, err := gzip.NewReader(strings.NewReader(a.body))
		if err != nil {
			t.Fatalf("%q: %v", accept, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, f.content) {
			t.Errorf("%q: what is unpacked is not the file (%v)", accept, err)
		}
		if 2*len(a.body) > len(f.content) {
			t.Errorf("%q: %d bytes of %d were sent", accept, len(a.body), len(f.content))
		}
	}
	for _, accept := range []string{"identity", "br", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "gzip;q=x", "gzipped",
		"deflate"} {
		s.play(t, scenario{path: path, header: asked(accept), status: 200, has: []string{string(f.content)},
			want: map[string]string{"Etag": plain, "Content-Encoding": "", "Vary": "Accept-Encoding"}})
	}
	gzipped := f.gzipped()
	s.playAll(t, []scenario{
		{name: "known already", path: path, header: asked("gzip", "If-None-Match", tag), status: 304,
			want: map[string]string{"Etag": tag, "Content-Encoding": "", "Vary": "Accept-Encoding"}},
		{name: "known plain", path: path, header: asked("gzip", "If-None-Match", plain), status: 200},
		{name: "another is wanted", path: path, header: asked("gzip", "If-Match", plain), status: 412,
			want: map[string]string{"Cache-Control": "no-store"}},
		{name: "a range", path: path, header: asked("gzip", "Range", "bytes=2-5"), status: 206,
			has: []string{string(gzipped[2:6])}, want: map[string]string{"Content-Encoding": "gzip", "Etag": tag,
				"Content-Range": fmt.Sprintf("bytes 2-5/%d", len(gzipped))}},
		{name: "a range of the plain one", path: path, header: asked("gzip", "Range", "bytes=2-5", "If-Range", plain),
			status: 200, has: []string{string(gzipped)}},
		{name: "no range", path: path, header: asked("gzip", "Range", "bytes=9999999-"), status: 416,
			want: map[string]string{"Content-Range": fmt.Sprintf("bytes */%d", len(gzipped)), "Content-Encoding": ""}},
		{name: "HEAD", method: "HEAD", path: path, header: asked("gzip"), status: 200,
			want: map[string]string{"Content-Encoding": "gzip", "Etag": tag,
				"Content-Length": fmt.Sprint(len(gzipped))}},
		{name: "the icon", path: "/favicon.ico", header: asked("gzip"), status: 200,
			want: map[string]string{"Vary": "Accept-Encoding"}},
	})
}

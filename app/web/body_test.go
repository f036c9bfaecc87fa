package web_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

// A body that ends before its form does: at every place of its structure, with and without a Content-Length that says
// so.
func TestBodyCutOff(t *testing.T) {
	t.Parallel()
	s := open(t, setup{})
	f := ada.with(file{"first.txt", strings.Repeat("first ", 20)}, file{"second.txt", strings.Repeat("second ", 20)})
	s.remember(f)
	body := f.body()
	whole := len(body) - len("\r\n") // the last line's end may be missing
	for at := 0; at < len(body); at++ {
		if at%19 != 0 && at < len(body)-len(boundary)-12 {
			continue
		}
		lengths := []int{len(body)}
		if at < whole {
			lengths = append(lengths, at)
		}
		for _, length := range lengths {
			w := s.dial()
			w.postHead(length)
			w.write(body[:at])
			if length > at {
				if err := w.CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			if a, _ := w.answer(); a.status != http.StatusBadRequest {
				t.Fatalf("cut off after %d of %d bytes, with Content-Length %d: %v", at, len(body), length, a)
			}
			_ = w.Close()
		}
	}
	if got := s.holds(); got.people != 0 || got.records != 0 || got.objects != 0 {
		t.Errorf("the stores hold %+v after forms that were cut off", got)
	}
	s.reconcile()
	s.mustHold(held{})
	s.mustAccept(s.submit(f), f)
}

// A chunked body that breaks off, or is no chunked body.
func TestChunkedBody(t *testing.T) {
	t.Parallel()
	f := ada.with(some(2)...)
	body := f.body()
	chunk := func(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }
	tests := []struct {
		name, sent string
		status     int
	}{
		{"whole", chunk(body[:100]) + chunk(body[100:]) + "0\r\n\r\n", http.StatusSeeOther},
		{"byte by byte", func() string {
			var b strings.Builder
			for i := range len(body) {
				b.WriteString(chunk(body[i : i+1]))
			}
			return b.String() + "0\r\n\r\n"
		}(), http.StatusSeeOther},
		{"no last chunk", chunk(body), http.StatusBadRequest},
		{"cut off within a chunk", chunk(body[:100]) + fmt.Sprintf("%x\r\n", len(body)) + body[100:200],
			http.StatusBadRequest},
		{"a chunk's length that is none", chunk(body[:100]) + "zz\r\n", http.StatusBadRequest},
		{"the end of the body within the form", chunk(body[:len(body)-10]) + "0\r\n\r\n", http.StatusBadRequest},
	}
	s := open(t, setup{})
	s.remember(f)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			w := s.dial()
			w.head("POST", "/submissions", "Content-Type: "+formType, "Transfer-Encoding: chunked")
			w.write(test.sent)
			if !strings.HasSuffix(test.sent, "0\r\n\r\n") {
				if err := w.CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			a, _ := w.answer()
			a.must(t, test.status)
		})
	}
	s.mustHave(f, f.files...)
}

// refused is a request and the status that it gets.
type refused struct {
	name, path string
	header     []string
	body       string
	status     int
}

// longFile stands for the bytes of a long file, which go out piece by piece: many times what lies in the buffers
// between the two ends.
const (
	longFile  = "<long file>"
	longBytes = 16 << 20
)

// sendLong sends a request whose body holds longFile, all of it before it looks for an answer.
func (s *site) sendLong(path string, header []string, body string) (*wire, answer) {
	s.t.Helper()
	before, after, ok := strings.Cut(body, longFile)
	if !ok {
		s.t.Fatal("the body is not long")
	}
	w := s.dial()
	w.head("POST", path, append(header, fmt.Sprintf("Content-Length: %d", len(before)+longBytes+len(after)))...)
	w.write(before)
	piece := make([]byte, 1<<20)
	for range longBytes / len(piece) {
		if _, err := w.Write(piece); err != nil {
			s.t.Fatalf("the server does not take what is sent: %v", err)
		}
	}
	w.write(after)
	a, _ := w.answer()
	return w, a
}

// refusals are requests with a long body that are refused, most of them before it is read.
func refusals(s *site) []refused {
	s.t.Helper()
	long := file{"long.bin", longFile}
	taken := ada.with()
	s.mustAccept(s.submit(taken), taken)
	conflicting := taken
	conflicting.age, conflicting.files = "37", []file{long}
	faulty := ada.with(long)
	faulty.age = "x"
	unknown := ada.with(long)
	form := []string{"Content-Type: " + formType}
	return []refused{
		{"faulty field", "/submissions", form, faulty.body(), http.StatusUnprocessableEntity},
		{"receipt of another submission", "/submissions", form, conflicting.body(), http.StatusConflict},
		{"foreign Origin", "/submissions", append([]string{"Origin: https://elsewhere.example"}, form...),
			unknown.body(), http.StatusForbidden},
		{"Origin null", "/submissions", append([]string{"Origin: null"}, form...), unknown.body(),
			http.StatusForbidden},
		{"Sec-Fetch-Site cross-site", "/submissions", append([]string{"Sec-Fetch-Site: cross-site"}, form...),
			unknown.body(), http.StatusForbidden},
		{"unknown path", "/elsewhere", form, unknown.body(), http.StatusNotFound},
		{"path that takes no POST", "/", form, unknown.body(), http.StatusMethodNotAllowed},
		{"not multipart", "/submissions", []string{"Content-Type: application/octet-stream"}, unknown.body(),
			http.StatusBadRequest},
		{"no Content-Type", "/submissions", nil, unknown.body(), http.StatusBadRequest},
		{"damaged form", "/submissions", form, "--" + boundary + "\r\n:::\r\n\r\n" + unknown.body(),
			http.StatusBadRequest},
		{"damaged receipt", "/submissions", form, strings.Replace(unknown.body(), unknown.receipt, "damaged", 1),
			http.StatusBadRequest},
		{"field after the files", "/submissions", form, encode(append(unknown.parts(), field("name", "Ada"))...),
			http.StatusBadRequest},
	}
}

// A client that sends its whole body before it looks for an answer, as browsers do, gets the page of a refusal.
func TestRefusalWhileTheBodyIsOnItsWay(t *testing.T) {
	t.Parallel()
	refuse := func(s *site, r refused) {
		w, a := s.sendLong(r.path, r.header, r.body)
		a.must(s.t, r.status)
		// The connection is in order and serves the next request.
		w.head("GET", "/livez")
		if a, _ := w.answer(); a.status != http.StatusOK {
			s.t.Errorf("the next request on the connection: %v", a)
		}
	}
	s := open(t, setup{})
	for _, r := range refusals(s) {
		t.Run(r.name, func(t *testing.T) { refuse(s.in(t), r) })
	}
	s.reconcile()
	s.mustHold(held{people: 1})

	taken := func(status int) refused {
		return refused{path: "/submissions", header: []string{"Content-Type: " + formType},
			body: ada.with(file{"long.bin", longFile}).body(), status: status}
	}
	t.Run("a file over the limit", func(t *testing.T) {
		s := open(t, setup{domain: dossier.Options{Limits: dossier.Limits{FileBytes: longBytes - 1, Files: 2}}})
		refuse(s, taken(http.StatusRequestEntityTooLarge))
		s.mustHold(held{people: 1})
	})
	t.Run("Content-Length over everything", func(t *testing.T) {
		s := open(t, setup{domain: dossier.Options{Limits: small}})
		refuse(s, taken(http.StatusRequestEntityTooLarge))
		s.mustHold(held{})
	})
	t.Run("too often", func(t *testing.T) {
		s := open(t, setup{web: web.Options{SubmitRate: web.Rate{PerMinute: 0.001, Burst: 1}}})
		f := ada.with()
		s.mustAccept(s.submit(f), f)
		refuse(s, taken(http.StatusTooManyRequests))
	})
	for _, call := range []string{"people.Insert", "catalog.Put", "objects.Put"} {
		t.Run("the store is down at "+call, func(t *testing.T) {
			refuse(open(t, setup{wrap: teststores.Every(call, failBefore).Wrap}), taken(http.StatusServiceUnavailable))
		})
	}
}

// Beyond the bounds of what is dropped, the answer still goes out, and the connection ends in order.
func TestRefusalBeyondTheBounds(t *testing.T) {
	t.Parallel()
	const tooMuch = 64 << 20
	t.Run("a longer body, announced", func(t *testing.T) {
		t.Parallel()
		s := open(t, setup{web: web.Options{DrainBytes: 1 << 20}})
		w := s.dial()
		w.head("POST", "/elsewhere", fmt.Sprintf("Content-Length: %d", tooMuch))
		w.write(strings.Repeat("x", 100_000))
		a, _ := w.answer()
		a.must(t, http.StatusNotFound)
		w.mustEnd()
	})
	t.Run("a longer body, not announced", func(t *testing.T) {
		t.Parallel()
		s := open(t, setup{web: web.Options{DrainBytes: 1 << 20}})
		w := s.dial()
		w.head("POST", "/elsewhere", "Transfer-Encoding: chunked")
		sent := make(chan int)
		go func() {
			chunk := "10000\r\n" + strings.Repeat("x", 0x10000) + "\r\n"
			n := 0
			for {
				m, err := io.WriteString(w.TCPConn, chunk)
				n += m
				if err != nil {
					sent <- n
					return
				}
			}
		}()
		a, _ := w.answer()
		a.must(t, http.StatusNotFound)
		// The sender of an endless body is stopped.
		<-sent
	})
	t.Run("a body that does not come", func(t *testing.T) {
		t.Parallel()
		s := open(t, setup{web: web.Options{DrainTime: 20 * time.Millisecond, IdleTimeout: time.Hour}})
		w := s.dial()
		w.head("POST", "/elsewhere", "Content-Length: 1000")
		w.write("x")
		a, _ := w.answer()
		a.must(t, http.StatusNotFound)
		w.mustEnd()
	})
	t.Run("a body that comes too slowly", func(t *testing.T) {
		t.Parallel()
		s := open(t, setup{web: web.Options{DrainTime: 20 * time.Millisecond, IdleTimeout: time.Hour}})
		w := s.dial()
		w.head("POST", "/elsewhere", "Content-Length: 1000000")
		done := make(chan struct{})
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
					_, _ = io.WriteString(w.TCPConn, "x")
				}
			}
		}()
		a, _ := w.answer()
		close(done)
		<-stopped
		a.must(t, http.StatusNotFound)
	})
}

// A client that asks before it sends is refused without being told to send, where the head alone tells.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	s := open(t, setup{domain: dossier.Options{Limits: small},
		web: web.Options{SubmitRate: web.Rate{PerMinute: 0.001, Burst: 8}}})
	f := ada.with(some(1)...)
	s.remember(f)
	form := "Content-Type: " + formType
	length := fmt.Sprintf("Content-Length: %d", len(f.body()))
	tests := []struct {
		name, path string
		header     []string
		status     int
	}{
		{"foreign Origin", "/submissions", []string{form, length, "Origin: https://elsewhere.example"},
			http.StatusForbidden},
		{"unknown path", "/elsewhere", []string{form, length}, http.StatusNotFound},
		{"not multipart", "/submissions", []string{"Content-Type: text/plain", length}, http.StatusBadRequest},
		{"no boundary", "/submissions", []string{"Content-Type: multipart/form-data", length}, http.StatusBadRequest},
		{"Content-Length over everything", "/submissions", []string{form, "Content-Length: 100000000"},
			http.StatusRequestEntityTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			w := s.dial()
			w.head("POST", test.path, append(test.header, "Expect: 100-continue")...)
			a, interim := w.answer()
			a.must(t, test.status)
			if interim {
				t.Error("the client was told to send")
			}
			w.mustEnd()
		})
	}
	t.Run("a form that is taken", func(t *testing.T) {
		s := s.in(t)
		w := s.dial()
		w.head("POST", "/submissions", form, length, "Expect: 100-continue")
		if res, err := w.r.ReadString('\n'); err != nil || !strings.Contains(res, "100 Continue") {
			t.Fatalf("the client is not told to send: %q, %v", res, err)
		}
		if _, err := w.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		w.write(f.body())
		a, _ := w.answer()
		s.mustAccept(a, f)
	})
	t.Run("too often", func(t *testing.T) {
		s := s.in(t)
		for range 8 {
			s.post("")
		}
		w := s.dial()
		w.head("POST", "/submissions", form, length, "Expect: 100-continue")
		a, interim := w.answer()
		a.must(t, http.StatusTooManyRequests)
		if interim {
			t.Error("the client was told to send")
		}
		w.mustEnd()
	})
}

// A client that stops sending does not hold its connection, and its file is gone when it is told.
func TestClientStopsSending(t *testing.T) {
	t.Parallel()
	f := ada.with(file{"first.txt", "whole"}, file{"second.txt", strings.Repeat("y", 500_000)})
	body := f.body()
	// Long enough for the client to have sent what it sends, also where others take the processors.
	const patience = 500 * time.Millisecond
	tests := []struct {
		name string
		at   int
		o    web.Options
	}{
		{"before the first byte", 0, web.Options{IdleTimeout: patience}},
		{"within a field", strings.Index(body, "Lovelace"), web.Options{IdleTimeout: patience}},
		{"within a part's header", strings.Index(body, "second.txt"), web.Options{IdleTimeout: patience}},
		{"within a file", len(body) - 100_000, web.Options{IdleTimeout: patience}},
		{"before the last boundary", len(body) - len(boundary) - 8, web.Options{IdleTimeout: patience}},
		{"too slow in all", len(body) - 100_000,
			web.Options{IdleTimeout: time.Hour, BodyTimeout: patience}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, setup{web: test.o})
			s.remember(f)
			w := s.dial()
			w.postHead(len(body))
			w.write(body[:test.at])
			a, _ := w.answer()
			a.must(t, http.StatusRequestTimeout, "did not arrive in time", a.id())
			if test.o.BodyTimeout > 0 {
				a.must(t, http.StatusRequestTimeout, "it has less than a second", "turn JavaScript on")
			}
			if got := s.holds(); got.people != 0 || got.records != 0 || got.objects != 0 {
				t.Errorf("the stores hold %+v when the client is told", got)
			}
			w.mustEnd()
			s.reconcile()
			s.mustHold(held{})
		})
	}
}

// What belongs to a client that vanishes in the middle of a file goes at once, without reconciliation.
func TestClientVanishes(t *testing.T) {
	t.Parallel()
	f := ada.with(file{"first.txt", "whole"}, file{"second.txt", strings.Repeat("y", 500_000)})
	body := f.body()
	tests := []struct {
		name   string
		vanish func(w *wire) error
	}{
		{"closes", func(w *wire) error { return w.Close() }},
		{"resets", func(w *wire) error { _ = w.SetLinger(0); return w.Close() }},
		{"closes only its side", func(w *wire) error { return w.CloseWrite() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// Only the end of the connection may end the request.
			s := open(t, setup{web: web.Options{IdleTimeout: time.Hour, BodyTimeout: time.Hour}})
			s.remember(f)
			w := s.dial()
			w.postHead(len(body))
			w.write(body[:len(body)-100_000])
			s.until("the second file is on its way", func() bool { return s.holds().records == 2 })
			if err := test.vanish(w); err != nil {
				t.Fatal(err)
			}
			s.until("records and objects are gone", func() bool { h := s.holds(); return h.records+h.objects == 0 })
			s.mustHold(held{pending: 1})
			s.reconcile()
			s.mustHold(held{})
			// The same form ends well afterwards.
			s.mustAccept(s.submit(f), f)
		})
	}
}

package web_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/bounds"
	"dossier.example/app/web"
)

// bounded opens a site behind a proxy, so that a request comes from the address that from says.
func bounded(t *testing.T, change func(*bounds.Bounds), more ...func(*setup)) *site {
	t.Helper()
	b := bounds.Default()
	change(&b)
	o := setup{web: web.Options{Bounds: b, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	for _, m := range more {
		m(&o)
	}
	return open(t, o)
}

// from is the header of a request of a client.
func from(client int) http.Header {
	return http.Header{"X-Forwarded-For": {fmt.Sprintf("192.0.2.%d", client)}}
}

// fromLine is the same as a line.
func fromLine(client int) string { return "X-Forwarded-For: " + from(client).Get("X-Forwarded-For") }

// saturated checks what /readyz says, which is 200 in any case.
func (s *site) saturated(want bool) {
	s.t.Helper()
	a := s.get("/readyz")
	if a.status != http.StatusOK || strings.Contains(a.body, "saturated\n") != want ||
		strings.Contains(a.body, "full:") {
		s.t.Errorf("/readyz: %v\nwant saturated: %t, and nothing that is for staff", a, want)
	}
}

// openBody sends the beginning of a registration and waits for the rest to be wanted.
func (s *site) openBody(client int) *wire {
	s.t.Helper()
	w := s.dial()
	w.head("POST", api.Prefix+"/people", fromLine(client), "Content-Type: application/json", "Content-Length: 100",
		"Expect: 100-continue")
	line, err := w.r.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		s.t.Fatalf("the body is not wanted: %q, %v", line, err)
	}
	if _, err := w.r.ReadString('\n'); err != nil {
		s.t.Fatal(err)
	}
	w.write(`{"name":`)
	return w
}

func TestJSONBodiesAtOnce(t *testing.T) {
	t.Parallel()
	s := bounded(t, func(b *bounds.Bounds) { b.JSON = bounds.Share{Client: 2, All: 3} })
	register := func(client, status int, code dossier.Code) {
		t.Helper()
		a := s.ask(call{method: http.MethodPost, path: "/people", header: from(client), body: adaRegistration,
			status: status, code: code}, nil)
		if status != http.StatusOK && a.header.Get("Retry-After") == "" {
			t.Errorf("client %d: no Retry-After: %v", client, a)
		}
	}
	s.saturated(false)
	slow := []*wire{s.openBody(1), s.openBody(1)}
	register(1, http.StatusTooManyRequests, "limited")
	register(2, http.StatusOK, "")
	s.saturated(false)
	slow = append(slow, s.openBody(2))
	s.saturated(true)
	// Whoever has more than the newcomer makes room, and one client stays as it is.
	register(3, http.StatusOK, "")
	// The other of the two goes on.
	ended := make(chan answer, 2)
	for _, w := range slow[:2] {
		go func() {
			a, _ := w.answer()
			ended <- a
		}()
	}
	if a := <-ended; a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" ||
		!strings.Contains(a.body, `"busy"`) {
		t.Errorf("who was cut off got %v", a)
	}
	rest := `"Ada"` + strings.Repeat(" ", 85) + "}" // 100 bytes, which lack members
	for _, w := range slow {
		_, _ = w.Write([]byte(rest + " "))
	}
	if a := <-ended; a.status != http.StatusUnprocessableEntity {
		t.Errorf("who was not cut off got %v", a)
	}
	if a, _ := slow[2].answer(); a.status != http.StatusUnprocessableEntity {
		t.Errorf("another client got %v", a)
	}
}

// A body is looked at only after the receipt and the file's id, and no further than its bounds.
func TestJSONBodiesAreBounded(t *testing.T) {
	t.Parallel()
	s := bounded(t, func(*bounds.Bounds) {})
	u := s.announce(s.register(), "a.txt", []byte("a"))
	auth := "Authorization: Bearer " + u.receipt
	for name, c := range map[string]struct {
		method, path, auth, begin string
		length, status            int
	}{
		"no receipt": {"POST", u.path + "/complete", "X-None: 1", "", 1 << 20, 401},
		"another receipt": {"POST", u.path + "/parts", "Authorization: Bearer " + dossier.NewReceipt().String(), "",
			1000, 401},
		"no id":              {"POST", "/files/x/parts", auth, "", 1000, 404},
		"unknown file":       {"POST", "/files/" + dossier.NewFileID().String() + "/parts", auth, "", 1000, 404},
		"large completion":   {"POST", u.path + "/complete", auth, "", bounds.CompletionBytes + 1, 413},
		"large parts":        {"POST", u.path + "/parts", auth, "", bounds.PartsBytes + 1, 413},
		"large registration": {"POST", "/people", "X-None: 1", "", bounds.RegistrationBytes + 1, 413},
		"large announcement": {"PUT", "/files/" + dossier.NewFileID().String(), auth, "", bounds.AnnouncementBytes + 1,
			413},
		"large check":   {"POST", "/checks", auth, "", bounds.ChecksBytes + 1, 413},
		"deep":          {"POST", u.path + "/complete", auth, `{"a":[[[[[[[[[[`, 1000, 400},
		"many elements": {"POST", u.path + "/parts", auth, `{"parts":[` + strings.Repeat("1,", 101), 30_000, 422},
	} {
		t.Run(name, func(t *testing.T) {
			// The rest of the body never comes, so an answer shows that nobody waits for it.
			w := s.in(t).dial()
			header := []string{c.auth, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", c.length)}
			if c.begin == "" {
				header = append(header, "Expect: 100-continue")
			}
			w.head(c.method, api.Prefix+c.path, header...)
			w.write(c.begin)
			if c.begin != "" {
				_ = w.CloseWrite()
			}
			a, read := w.answer()
			if a.status != c.status || read {
				t.Errorf("got %v, body asked for: %t; want %d", a, read, c.status)
			}
		})
	}
	// One that does not say how long it is.
	a := s.do("POST", api.Prefix+u.path+"/complete", http.Header{"Authorization": {"Bearer " + u.receipt},
		"Content-Type": {"application/json"}}, struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", 1<<20))})
	a.must(t, http.StatusRequestEntityTooLarge, "1 kB")
}

// openForm begins to send a form with a file that never ends, and waits until it is taken.
func (s *site) openForm(client int, begin string) *wire {
	s.t.Helper()
	w := s.dial()
	w.head("POST", "/submissions", fromLine(client), "Content-Type: "+formType, "Content-Length: 1000000", "Expect: "+
		"100-continue")
	line, err := w.r.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		s.t.Fatalf("the form is not wanted: %q, %v", line, err)
	}
	if _, err := w.r.ReadString('\n'); err != nil {
		s.t.Fatal(err)
	}
	w.write(begin)
	return w
}

func TestFormsAtOnce(t *testing.T) {
	s := bounded(t, func(b *bounds.Bounds) { b.Forms = bounds.Share{Client: 2, All: 3} })
	send := func(client int) (form, answer) {
		f := ada.with(file{"a.txt", "a"})
		s.remember(f)
		header := from(client)
		header.Set("Content-Type", formType)
		return f, s.do("POST", "/submissions", header, strings.NewReader(f.body()))
	}
	slow := []*wire{s.openForm(1, ""), s.openForm(1, "")}
	if _, a := send(1); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("one more than a client may: %v", a)
	}
	f, a := send(2)
	s.mustAccept(a, f)
	slow = append(slow, s.openForm(2, ""))
	s.saturated(true)
	for client := 3; client < 6; client++ {
		// Once one of the first client's two is cut off, none has more than the newcomer, and there is room.
		f, a = send(client)
		s.mustAccept(a, f)
	}
	ended := make(chan answer, 2)
	for _, w := range slow[:2] {
		go func() {
			a, _ := w.answer()
			ended <- a
		}()
	}
	if a := <-ended; a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("who was cut off got %v", a)
	}
	for _, w := range slow {
		_ = w.CloseWrite()
	}
	if a := <-ended; a.status != http.StatusBadRequest {
		t.Errorf("who was not cut off got %v", a)
	}
}

// Looks at an archive's size and archives themselves count alike; who reads slowly makes room for another client.
func TestArchivesAtOnce(t *testing.T) {
	s := bounded(t, func(b *bounds.Bounds) { b.Archives = bounds.Share{Client: 2, All: 2} })
	f := ada.with(file{"large.bin", strings.Repeat("x", longBytes)}, file{"b.txt", "b"})
	s.mustAccept(s.submit(f), f)
	path := "/receipt/" + f.parsed(t).Person.String() + "/files.zip"
	var slow []*wire
	for range 2 {
		w := s.dial()
		w.head("GET", path, fromLine(1), "Connection: close", "Cookie: dossier_receipt="+f.receipt)
		// The archive is begun, and far larger than what lies in the buffers between the two ends.
		if line, err := w.r.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatal(line, err)
		}
		slow = append(slow, w)
	}
	for _, method := range []string{"GET", "HEAD"} {
		if a := s.do(method, path, from(1), nil); a.status != http.StatusTooManyRequests ||
			a.header.Get("Retry-After") == "" {
			t.Errorf("%s of one more than a client may: %v", method, a)
		}
	}
	s.saturated(true)
	s.do("HEAD", path, from(2), nil).must(t, http.StatusOK)
	if a := s.do("GET", path, from(2), nil); a.status != http.StatusOK || len(a.body) < longBytes {
		t.Errorf("another client got %d bytes, status %d", len(a.body), a.status)
	}
	whole := 0
	for _, w := range slow {
		if n, _ := io.Copy(io.Discard, w.r); n > longBytes {
			whole++
		}
		_ = w.Close()
	}
	if whole > 1 {
		t.Error("none of the slow readers made room")
	}
}

// Of one file one completion runs at a time, and the others find it done.
func TestCompletionsAtOnce(t *testing.T) {
	s := bounded(t, func(b *bounds.Bounds) { b.Completions = bounds.Share{Client: 4, All: 8} })
	u := s.announce(s.register(), "a.txt", []byte("abc"))
	for _, p := range u.sign(1) {
		s.mustSend(p, u.bytesOf(1))
	}
	sum := sha256.Sum256(u.data)
	body := fmt.Sprintf(`{"crc64nvme":%q,"sha256":"%x"}`, crc64Of(u.data), sum)
	statuses := make(chan int, 40)
	for range cap(statuses) {
		go func() {
			req, _ := http.NewRequest("POST", "http://"+s.addr+api.Prefix+u.path+"/complete", strings.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+u.receipt)
			req.Header.Set("Content-Type", "application/json")
			res, err := s.client.Do(req)
			if err != nil {
				statuses <- 0
				return
			}
			res.Body.Close()
			statuses <- res.StatusCode
		}()
	}
	stored := 0
	for range cap(statuses) {
		switch status := <-statuses; status {
		case http.StatusOK:
			stored++
		case http.StatusTooManyRequests:
		default:
			t.Errorf("a completion: %d", status)
		}
	}
	if stored == 0 {
		t.Error("no completion succeeded")
	}
	s.mustBeStored(u.receipt, file{"a.txt", "abc"})
}

// One request at a time writes a part. Others wait, but not for one from which nothing comes.
func TestOnePartAtOnce(t *testing.T) {
	t.Parallel()
	s := bounded(t, func(*bounds.Bounds) {})
	u := s.announce(s.register(), "a.txt", []byte("abc"))
	p := u.sign(1)[0]
	target, _ := url.Parse(p.URL)
	begin := func() *wire {
		w := s.dial()
		w.head(http.MethodPut, target.RequestURI(), "Content-Length: 3", "Expect: 100-continue")
		return w
	}
	stalled := begin()
	if line, err := stalled.r.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatal(line, err)
	}
	_, _ = stalled.r.ReadString('\n')
	stalled.write("a")
	waiting := begin()
	waiting.write("abc")
	s.mustSend(p, u.data)
	if a, _ := stalled.answer(); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("who was stalled got %v", a)
	}
	if a, _ := waiting.answer(); a.status != http.StatusNoContent {
		t.Errorf("who waited got %v", a)
	}
}

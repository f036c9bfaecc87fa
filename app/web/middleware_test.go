package web_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
)

// A request's id stands in its header, on the page of an error and in the log, and is never one that the client chose.
func TestRequestID(t *testing.T) {
	s := open(t, setup{wrap: teststores.Every("people.Person", failBefore).Wrap})
	f := ada.with(some(1)...)
	seen := map[string]bool{}
	tests := []struct {
		name   string
		send   func(s *site) answer
		status int
		route  string
	}{
		{"a page", func(s *site) answer { return s.get("/") }, http.StatusOK, "/"},
		{"not found", func(s *site) answer { return s.get("/nothing/here") }, http.StatusNotFound, "none"},
		{"malformed", func(s *site) answer { return s.post("x") }, http.StatusBadRequest, "/submissions"},
		{"an outage on a page of its own", func(s *site) answer { return s.get("/receipt/" + f.receipt) },
			http.StatusServiceUnavailable, "/receipt/:id"},
		{"an outage while a form is taken", func(s *site) answer { return s.submit(f) }, http.StatusServiceUnavailable,
			"/submissions"},
		{"an id of the client's", func(s *site) answer {
			return s.do(http.MethodGet, "/nothing", http.Header{"X-Request-Id": {"chosen-by-client"}}, nil)
		}, http.StatusNotFound, "none"},
	}
	s.hide(f.receipt, "chosen-by-client")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			a := test.send(s)
			a.must(t, test.status)
			if seen[a.id()] || a.id() == "chosen-by-client" {
				t.Errorf("the id %q is not its own", a.id())
			}
			seen[a.id()] = true
			if test.status >= 400 && !strings.Contains(a.body, a.id()) {
				t.Errorf("the page does not show the id %s:\n%s", a.id(), a.body)
			}
			line := s.line(a.id())
			if line["route"] != test.route || line["status"] != float64(test.status) {
				t.Errorf("the log's line is %v", line)
			}
			if (line["level"] == "ERROR") != (test.status >= 500) {
				t.Errorf("the log's line has the level %v", line["level"])
			}
		})
	}
}

// Nothing that a client chooses makes the log hold a detail, a name of a file, a receipt or an address. The site itself
// checks the log at its end; here everything that may be chosen is hidden.
func TestLogHoldsNothingPrivate(t *testing.T) {
	t.Parallel()
	const private = "private-and-nobodys-business"
	for _, m := range []mode{sound, failBefore, panics} {
		calls := []string{"people.Insert", "catalog.Put", "objects.Put", "catalog.Describe", "catalog.Commit",
			"people.Acknowledge"}
		if m == sound {
			calls = calls[:1]
		}
		for _, call := range calls {
			s := open(t, setup{wrap: teststores.Every(call, m).Wrap, domain: dossier.Options{Limits: small}})
			s.hide(private)
			f := ada.with(file{private + ".txt", private}, file{"x" + private, strings.Repeat("x", 2000)})
			f.name, f.location, f.technology = private, private+" street", private+" lisp"
			s.submit(f)
			f.age = private
			s.submit(f)
			s.get("/receipt/" + f.receipt)
			s.get("/receipt/" + private)
			s.get("/people?q=" + private)
			s.get("/" + private)
			s.do("PRIVATE-AND-NOBODYS-BUSINESS", "/", nil, nil)
			s.do(http.MethodGet, "/", http.Header{
				"X-Request-Id": {private}, "User-Agent": {private},
				"Referer": {"http://" + s.addr + "/receipt/" + f.receipt}, "X-Forwarded-For": {"203.0.113.77"},
				"Cookie": {"dossier_session=" + private},
			}, nil)
			s.hide("203.0.113.77", "PRIVATE-AND-NOBODYS-BUSINESS")
			s.do(http.MethodPost, "/submissions", http.Header{"Content-Type": {"multipart/" + private}},
				strings.NewReader(private))
			s.post("--" + boundary + "\r\n" + private + "\r\n\r\n")
			w := s.dial()
			w.postHead(1000)
			w.write(private)
			_ = w.Close()
			s.until("the log has the request that broke off", func() bool {
				return strings.Count(s.log.String(), `"route":"/submissions"`) >= 5
			})
			if len(s.log.String()) == 0 {
				t.Error("nothing was logged at all")
			}
		}
	}
}

// A fault of the program is a page that shows none of it, and a line in the log that does.
func TestPanic(t *testing.T) {
	t.Parallel()
	f := ada.with(file{"large.bin", strings.Repeat("x", 4<<20)})
	tests := []struct {
		name, call string
		send       func(s *site) answer
	}{
		{"in a page", "people.Person", func(s *site) answer { return s.get("/receipt/" + f.receipt) }},
		{"at the first step of a form", "people.Insert", func(s *site) answer { return s.submit(f) }},
		{"while a file is on its way", "objects.Put", func(s *site) answer { return s.submit(f) }},
		{"after the bytes", "catalog.Describe", func(s *site) answer { return s.submit(f) }},
		{"at the last step", "people.Acknowledge", func(s *site) answer { return s.submit(f) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, setup{wrap: teststores.Every(test.call, panics).Wrap})
			a := test.send(s)
			a.must(t, http.StatusInternalServerError, "This is our fault", a.id())
			a.mustNot(t, "injected", "details of the inside", "goroutine", ".go:", "panic")
			line := s.line(a.id())
			if line["level"] != "ERROR" || !strings.Contains(fmt.Sprint(line["err"]), "injected panic") ||
				!strings.Contains(fmt.Sprint(line["stack"]), "teststores/faults.go") {
				t.Errorf("the log's line is %v", line)
			}
			// The server goes on.
			s.get("/").must(t, http.StatusOK)
			s.reconcile()
			s.mustHold(held{})
		})
	}
}

// What browsers send with the site's own form passes; what they send for another site's page does not, and is told by
// headers alone.
func TestOriginOfTheForm(t *testing.T) {
	s := open(t, setup{})
	tests := []struct {
		name   string
		header http.Header
		status int
	}{
		{"own form", http.Header{"Origin": {"http://" + s.addr}, "Sec-Fetch-Site": {"same-origin"}},
			http.StatusSeeOther},
		{"own form of an older browser", http.Header{"Origin": {"http://" + s.addr}}, http.StatusSeeOther},
		{"address typed by hand", http.Header{"Sec-Fetch-Site": {"none"}}, http.StatusSeeOther},
		{"a program", nil, http.StatusSeeOther},
		{"foreign page", http.Header{"Origin": {"https://elsewhere.example"}, "Sec-Fetch-Site": {"cross-site"}},
			http.StatusForbidden},
		{"sibling site", http.Header{"Origin": {"http://sibling." + s.addr}, "Sec-Fetch-Site": {"same-site"}},
			http.StatusForbidden},
		{"foreign page of an older browser", http.Header{"Origin": {"https://elsewhere.example"}},
			http.StatusForbidden},
		{"a page without origin", http.Header{"Origin": {"null"}}, http.StatusForbidden},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			f := ada.with(some(1)...)
			header := http.Header{"Content-Type": {formType}}
			for k, v := range test.header {
				header[k] = v
			}
			a := s.do(http.MethodPost, "/submissions", header, strings.NewReader(f.body()))
			if test.status == http.StatusSeeOther {
				s.mustAccept(a, f)
				return
			}
			a.must(t, test.status, "did not come from a page of this site")
			if _, err := s.svc.ByReceipt(t.Context(), f.parsed(t)); err == nil {
				t.Error("the form was taken all the same")
			}
		})
	}
}

// Requests that are no HTTP, or go where nothing is, are answered or cut; the server goes on.
func TestOddRequests(t *testing.T) {
	s := open(t, setup{})
	for _, raw := range []string{
		"\x00\x01\x02\r\n\r\n", "GET\r\n\r\n", "POST /submissions HTTP/1.1\r\n\r\n",
		"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
		"POST /submissions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST /submissions HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"POST /submissions HTTP/1.1\r\nHost: x\r\nExpect: something\r\nContent-Length: 5\r\n\r\n",
	} {
		w := s.dial()
		w.write(raw)
		_ = w.CloseWrite()
		if _, err := io.Copy(io.Discard, w.r); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
	s.get("/").must(t, http.StatusOK)
	s.mustHold(held{})
}

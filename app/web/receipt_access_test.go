package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/servers"
	"dossier.example/app/web"
)

// smallForm sends a small form as a browser does.
func (s *site) smallForm(path string, header http.Header, values url.Values) answer {
	s.t.Helper()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(http.MethodPost, path, header, strings.NewReader(values.Encode()))
}

// forget closes all receipts.
func (s *site) forget() { s.client.Jar = web.NewReceiptJar() }

// What people paste of a link opens the receipt, by a cookie of its path alone, and nothing else does.
func TestOpenReceipt(t *testing.T) {
	s := open(t, setup{})
	f := ada.with(some(1)...)
	s.mustAccept(s.submit(f), f)
	person := "/receipt/" + f.parsed(t).Person.String()
	s.forget()
	s.get("/receipt").must(t, http.StatusOK, "Open your receipt", `action="/receipt"`)

	for name, text := range map[string]string{
		"the link": "http://" + s.addr + "/receipt#" + f.receipt, "with spaces": "  " + f.receipt + "\r\n",
		"the last part": f.receipt, "the fragment": "#" + f.receipt, "a link that goes on": "/receipt#" + f.receipt +
			"&add-files",
		"a link of a former release": "https://elsewhere.example/receipt/" + f.receipt,
		"one of a file":              "/receipt/" + f.receipt + "/files/x",
		"broken by a mail's lines":   "http://" + s.addr + "/receipt#" + f.receipt[:30] + "\r\n " + f.receipt[30:],
		"between brackets":           "<http://" + s.addr + "/receipt#" + f.receipt + ">",
		"in front of a full stop":    "http://" + s.addr + "/receipt#" + f.receipt + ".",
		"with what nobody sees":      "\ufeffhttp://" + s.addr + "/receipt#" + f.receipt + "\u200b",
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			s.forget()
			s.get(person).must(t, http.StatusUnauthorized, "does not have this receipt open")
			a := s.smallForm("/receipt", nil, url.Values{"receipt": {text}})
			if a.status != http.StatusSeeOther || a.header.Get("Location") != person {
				t.Fatalf("got %v", a)
			}
			s.get(person).must(t, http.StatusOK, ada.name)
		})
	}
	s.forget()
	other := f.parsed(t)
	other.Secret[7] ^= 1
	for text, status := range map[string]int{
		"": 422, "x": 422, f.receipt[:63]: 422, "https://" + f.receipt: 422, person: 422,
		other.String(): 404, dossier.NewReceipt().String(): 404, strings.Repeat("x", 20_000): 413,
	} {
		a := s.smallForm("/receipt", nil, url.Values{"receipt": {text}})
		a.must(t, status)
		if cookie := a.header.Get("Set-Cookie"); cookie != "" {
			t.Errorf("%.100q sets a cookie", text)
		}
		if len(text) > 9 && strings.Contains(a.body, text) {
			t.Errorf("%.100q stands in the answer", text)
		}
	}
	// Another site's page can neither open one nor read by one that is open.
	s.smallForm("/receipt", http.Header{"Sec-Fetch-Site": {"cross-site"}}, url.Values{"receipt": {f.receipt}}).
		must(t, http.StatusForbidden)
	s.smallForm("/receipt", http.Header{"Origin": {"https://evil.example"}}, url.Values{"receipt": {f.receipt}}).
		must(t, http.StatusForbidden)
	s.do(http.MethodPost, "/receipt", http.Header{"Content-Type": {"text/plain"}},
		strings.NewReader("receipt="+f.receipt)).
		must(t, http.StatusBadRequest)
	s.get(person).must(t, http.StatusUnauthorized)
}

// Receipts that are open at once do not get in each other's way, and a cookie counts for its own person only.
func TestSeveralReceiptsAtOnce(t *testing.T) {
	s := open(t, setup{})
	one, two := ada.with(some(2)...), ada.with(some(1)...)
	two.name = "Grace Hopper"
	for _, f := range []form{one, two} {
		s.mustAccept(s.submit(f), f)
	}
	paths := map[string]string{}
	for _, f := range []form{one, two} {
		paths[f.name] = "/receipt/" + f.parsed(t).Person.String()
	}
	for name, path := range paths {
		s.get(path).must(t, http.StatusOK, name)
	}
	s.get(paths[one.name]+"/files.zip").must(t, http.StatusOK)
	s.forget()
	for _, path := range []string{"", "/files.zip", "/files/" + s.records(one.parsed(t).Person)[0].ID.String()} {
		planted := http.Header{"Cookie": {"dossier_receipt=" + two.receipt}}
		s.do(http.MethodGet, paths[one.name]+path, planted, nil).must(t, http.StatusUnauthorized)
		planted.Add("Cookie", "dossier_receipt="+one.receipt)
		s.do(http.MethodGet, paths[one.name]+path, planted, nil).must(t, http.StatusOK)
	}
}

// A link of a former release opens the same page, whose address holds no secret, and so do those of its files.
func TestFormerReceiptLinks(t *testing.T) {
	s := open(t, setup{})
	f := ada.with(some(2)...)
	s.mustAccept(s.submit(f), f)
	person := f.parsed(t).Person
	file := s.records(person)[0].ID.String()
	former := func(path string) answer {
		s.t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return s.read(res)
	}
	for _, rest := range []string{"", "/files.zip", "/files/" + file, "?after=" + file} {
		s.forget()
		a := former("/receipt/" + f.receipt + rest)
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/receipt/"+person.String()+rest ||
			a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%q is answered %v", rest, a)
		}
		s.get(a.header.Get("Location")).must(t, http.StatusOK)
	}
	s.forget()
	wrong := f.parsed(t)
	wrong.Secret[0] ^= 1
	for _, text := range []string{wrong.String(), f.receipt[:60], "x"} {
		a := former("/receipt/" + text)
		a.must(t, http.StatusNotFound, "This link does not open a receipt", `action="/receipt"`)
		a.mustNot(t, text+`"`, ada.name)
		if policy := a.header.Get("Referrer-Policy"); policy != "strict-origin" || a.header.Get("Set-Cookie") != "" {
			t.Errorf("Referrer-Policy is %q, Set-Cookie %q", policy, a.header.Get("Set-Cookie"))
		}
	}
}

// A small form has little time to arrive, however lively its sender is, and little room.
func TestSmallFormsHaveADeadline(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t) // it waits for ten seconds
	s := open(t, setup{})
	stop := make(chan struct{})
	defer close(stop)
	var sent []*wire // at once, so that the time passes once
	for _, path := range []string{"/receipt", "/staff/sign-in"} {
		w := s.dial()
		w.head("POST", path, "Content-Type: application/x-www-form-urlencoded", "Content-Length: 16000")
		sent = append(sent, w)
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(200 * time.Millisecond):
					// An error is the server's having had enough.
					_, _ = w.TCPConn.Write([]byte("x"))
				}
			}
		}()
	}
	for _, w := range sent {
		a, _ := w.answer()
		a.must(t, http.StatusRequestTimeout, "The form did not arrive in time. Check your connection and send it again.")
	}
}

// Nobody takes the SHA-256 that a sender said for one that was verified.
func TestSendersChecksumIsMarked(t *testing.T) {
	s := open(t, setup{})
	f := ada.with(file{"form.txt", "form"})
	s.mustAccept(s.submit(f), f)
	s.storedDirectly(f.receipt, "direct.txt", []byte("direct"))
	var r api.Receipt
	s.ask(call{path: "/receipt", receipt: f.receipt}, &r)
	got := map[string]api.ContentSha256By{}
	for _, one := range r.Files {
		got[one.Name] = one.Content.Sha256By
	}
	if got["form.txt"] != api.Site || got["direct.txt"] != api.Sender || len(got) != 2 {
		t.Errorf("the SHA-256 is marked as by %v", got)
	}
	page := s.do(http.MethodGet, "/people/"+f.parsed(t).Person.String()+"?view=cards", s.session(), nil)
	if n := strings.Count(page.body, "as the sender computed it; not verified"); n != 1 {
		t.Errorf("the page marks %d files, want the one that came in parts", n)
	}
}

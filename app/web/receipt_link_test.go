package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/web"
)

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]+)">`)

// linkForm returns the hidden fields of the page by which a receipt is replaced.
func (s *site) linkForm(person string) url.Values {
	s.t.Helper()
	page := s.get(person + "/link")
	page.must(s.t, http.StatusOK)
	values := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(page.body, -1) {
		values.Set(m[1], m[2])
	}
	return values
}

// Who holds a receipt replaces it: the old one opens nothing at once, wherever it is open, and the same form again,
// after a lost answer, is no fault.
func TestReplaceReceipt(t *testing.T) {
	s := open(t, setup{})
	f := ada.with(some(1)...)
	s.mustAccept(s.submit(f), f)
	person := "/receipt/" + f.parsed(t).Person.String()
	elsewhere := http.Header{"Cookie": {"dossier_receipt=" + f.receipt}}
	form := s.linkForm(person)
	to := form.Get("receipt")
	s.hide(to)
	s.get(person+"/link").must(t, http.StatusOK, "It does not expire.")

	for name, test := range map[string]struct {
		header http.Header
		values url.Values
	}{
		"no token":         {nil, url.Values{"receipt": {to}}},
		"another's token":  {nil, url.Values{"receipt": {to}, "csrf": {form.Get("csrf") + "x"}}},
		"another site":     {http.Header{"Sec-Fetch-Site": {"cross-site"}}, form},
		"a foreign origin": {http.Header{"Origin": {"https://evil.example"}}, form},
	} {
		for _, what := range []string{"/replace", "/expire", "/close"} {
			values := url.Values{"expires": {"now"}}
			for k, v := range test.values {
				values[k] = v
			}
			if a := s.smallForm(person+what, test.header, values); a.status != http.StatusForbidden {
				t.Errorf("%s, %s: status %d", what, name, a.status)
			}
		}
	}
	// A cookie is needed as well, and a receipt of the same person.
	jar := s.client.Jar
	s.forget()
	s.smallForm(person+"/replace", nil, form).must(t, http.StatusUnauthorized)
	s.smallForm(person+"/expire", nil, form).must(t, http.StatusUnauthorized)
	s.client.Jar = jar
	s.smallForm(person+"/replace", nil, url.Values{"csrf": form["csrf"], "receipt": {dossier.NewReceipt().String()}}).
		must(t, http.StatusBadRequest)
	s.get(person).must(t, http.StatusOK, "/receipt#"+f.receipt)

	if a := s.smallForm(person+"/replace", nil, form); a.status != http.StatusSeeOther ||
		a.header.Get("Location") != person {
		t.Fatalf("replacing is answered %v", a)
	}
	s.get(person).must(t, http.StatusOK, ada.name, "/receipt#"+to)
	s.smallForm(person+"/replace", nil, form).must(t, http.StatusSeeOther)
	s.forget()
	a := s.smallForm(person+"/replace", elsewhere.Clone(), form) // as if the answer had been lost
	a.must(t, http.StatusSeeOther)
	s.forget()
	for _, path := range []string{"", "/files.zip", "/link"} {
		a := s.do(http.MethodGet, person+path, elsewhere, nil)
		a.must(t, http.StatusNotFound, "may have been replaced")
		a.mustNot(t, ada.name)
	}
	s.smallForm("/receipt", nil, url.Values{"receipt": {f.receipt}}).must(t, http.StatusNotFound)
	s.smallForm("/receipt", nil, url.Values{"receipt": {to}}).must(t, http.StatusSeeOther)
	// The old form again is not the same submitter any more.
	s.submit(f).must(t, http.StatusConflict)

	form = s.linkForm(person)
	a = s.smallForm(person+"/close", nil, form)
	if a.status != http.StatusSeeOther || a.header.Get("Clear-Site-Data") != `"cache"` ||
		!strings.Contains(a.header.Get("Set-Cookie"), "Path="+person+"; Max-Age=0") {
		t.Errorf("closing is answered %v", a)
	}
	s.get(person).must(t, http.StatusUnauthorized)
}

// A receipt expires by the site's setting, its holder or staff; only staff prolong it.
func TestExpireReceipt(t *testing.T) {
	begun := time.Now().UTC().Truncate(time.Second)
	now := begun
	clock := func() time.Time { return now }
	in := func(d time.Duration) string { return begun.Add(d).Format("2006-01-02 15:04 UTC") }
	s := open(t, setup{domain: dossier.Options{Now: clock, ReceiptLifetime: 48 * time.Hour},
		web: web.Options{Now: clock}})
	f := ada.with(some(2)...)
	s.mustAccept(s.submit(f), f)
	id := f.parsed(t).Person.String()
	person := "/receipt/" + id
	page := s.get(person + "/link")
	page.must(t, http.StatusOK, "It expires on <time", in(48*time.Hour)+"</time>.", `value="now"`, `value="day"`)
	page.mustNot(t, `value="week"`, `value="never"`)
	form := s.linkForm(person)
	set := func(choice string) answer {
		return s.smallForm(person+"/expire", nil, url.Values{"csrf": form["csrf"], "expires": {choice}})
	}
	for _, later := range []string{"week", "never"} {
		set(later).must(t, http.StatusUnprocessableEntity)
	}
	set("x").must(t, http.StatusBadRequest)
	set("day").must(t, http.StatusSeeOther)
	s.get(person).must(t, http.StatusOK, "It expires on <time", in(24*time.Hour)+"</time>.")

	bearer := http.Header{"Authorization": {"Bearer " + f.receipt}}
	file := s.records(f.parsed(t).Person)[0].ID.String()
	now = now.Add(24 * time.Hour)
	for _, path := range []string{"", "/link", "/files.zip", "/files/" + file} {
		a := s.get(person + path)
		a.must(t, http.StatusGone,
			"This receipt expired on "+begun.Add(24*time.Hour).Format("January 2, 2006, 15:04 UTC")+".")
		a.mustNot(t, ada.name)
	}
	s.smallForm("/receipt", nil, url.Values{"receipt": {f.receipt}}).must(t, http.StatusGone)
	s.submit(f).must(t, http.StatusGone)
	for _, path := range []string{"/receipt", "/files/" + file, "/files/" + file + "/content"} {
		var p api.Problem
		a := s.do(http.MethodGet, api.Prefix+path, bearer, nil)
		if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != http.StatusUnauthorized ||
			p.Code != "expired" ||
			!strings.Contains(p.Detail, "Ask the staff") {
			t.Errorf("%s is answered %v", path, a)
		}
	}

	// Staff open it again.
	session := s.session()
	page = s.do(http.MethodGet, "/people/"+id+"/link", session, nil)
	page.must(t, http.StatusOK, in(24*time.Hour), `value="never"`)
	page.mustNot(t, f.receipt, "/replace")
	token := hiddenField.FindStringSubmatch(page.body[strings.Index(page.body, `action="/people/`):])[2]
	s.smallForm("/people/"+id+"/expire", session.Clone(), url.Values{"expires": {"never"}}).must(t,
		http.StatusForbidden)
	s.smallForm("/people/"+id+"/expire", session.Clone(), url.Values{"csrf": {token}, "expires": {"never"}}).
		must(t, http.StatusSeeOther)
	s.get(person).must(t, http.StatusOK, ada.name)
	s.do(http.MethodGet, "/people/"+id, session, nil).must(t, http.StatusOK, "does not expire")
}

// The API replaces a receipt and has it expire, and both may be sent again.
func TestAPIReceiptChanges(t *testing.T) {
	everywhere(t, setup{}, func(s *site) {
		t := s.t
		receipt := s.register()
		old, err := dossier.ParseReceipt(receipt)
		if err != nil {
			t.Fatal(err)
		}
		to := dossier.NewReceipt()
		to.Person = old.Person
		u := s.announce(receipt, "half.bin", []byte("half"))
		s.ask(call{method: "POST", path: "/receipt/replacement", body: api.Replacement{Receipt: to.String()},
			status: 401,
			code:   "unauthorized"}, nil)
		for _, bad := range []string{"x", receipt, dossier.NewReceipt().String()} {
			s.ask(call{method: "POST", path: "/receipt/replacement", receipt: receipt,
				body:   api.Replacement{Receipt: bad},
				status: 422, code: dossier.CodeInvalid}, nil)
		}
		for range 2 {
			var out api.Registered
			s.ask(call{method: "POST", path: "/receipt/replacement", receipt: receipt,
				body: api.Replacement{Receipt: to.String()}}, &out)
			if out.Receipt != to.String() || !strings.HasSuffix(out.ReceiptURL, "/receipt#"+to.String()) ||
				out.Person.ID != old.Person.String() {
				t.Errorf("replacing answers %+v", out)
			}
		}
		// An upload that runs is told, and goes on by the new one.
		s.ask(call{path: u.path, receipt: receipt, status: 401, code: "unauthorized"}, nil)
		s.ask(call{path: u.path, receipt: to.String()}, nil)

		at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
		expiry := func(receipt string, at *time.Time, status int, code dossier.Code) {
			t.Helper()
			var in api.Expiry
			if at != nil {
				text := at.Format(time.RFC3339)
				in.ExpiresAt = &text
			}
			s.ask(call{method: "PUT", path: "/receipt/expiry", receipt: receipt, body: in, status: status, code: code},
				nil)
		}
		expiry(receipt, &at, 401, "unauthorized")
		expiry(to.String(), &at, 0, "")
		later, wrong, unset := at.Add(time.Second), "tomorrow", time.Time{}
		expiry(to.String(), &unset, 422, dossier.CodeInvalid)
		expiry(to.String(), &later, 422, dossier.CodeInvalid)
		expiry(to.String(), nil, 422, dossier.CodeInvalid)
		s.ask(call{method: "PUT", path: "/receipt/expiry", receipt: to.String(), body: api.Expiry{ExpiresAt: &wrong},
			status: 422, code: dossier.CodeInvalid}, nil)
		var r api.Receipt
		s.ask(call{path: "/receipt", receipt: to.String()}, &r)
		if r.Person.ReceiptExpiresAt == nil || !r.Person.ReceiptExpiresAt.Equal(at) {
			t.Errorf("the person is %+v", r.Person)
		}
		past := time.Now().Add(-time.Second)
		expiry(to.String(), &past, 0, "")
		s.ask(call{path: u.path, receipt: to.String(), status: 401, code: dossier.CodeExpired}, nil)
	})
}

package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// browser goes where redirects lead and keeps the cookies that it is given, as a browser does.
type browser struct {
	*site
	cookies map[string]*http.Cookie
}

func (s *site) browser(by *member) *browser {
	b := &browser{s, map[string]*http.Cookie{}}
	if by != nil {
		b.cookies[by.cookie.Name] = by.cookie
	}
	return b
}

// ask makes a request, a POST where there is a form, and returns the page that it ends at.
func (b *browser) ask(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	for range 5 {
		var cookies []string
		for _, c := range b.cookies {
			cookies = append(cookies, c.Name+"="+c.Value)
		}
		a := b.site.ask(t,
			scenario{path: path, form: form, header: map[string]string{"Cookie": strings.Join(cookies, "; ")}})
		for _, line := range a.header.Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			if err != nil {
				t.Fatalf("cookie %q: %v", line, err)
			}
			if c.MaxAge < 0 {
				delete(b.cookies, c.Name)
			} else if !strings.HasSuffix(c.Name, "dossier_receipt") { // the client's own jar has those
				b.cookies[c.Name] = c
			}
		}
		if a.status != http.StatusSeeOther {
			return a
		}
		path, form = a.header.Get("Location"), nil
	}
	t.Fatal("the redirects do not end")
	return answer{}
}

// said returns what a page says of what was done before it.
func said(t *testing.T, a answer) string {
	t.Helper()
	for n := range parseDocument(t, a.body).all("p") {
		if v, _ := attr(n, "class"); v == "flash" {
			return textOf(n)
		}
	}
	return ""
}

// What somebody did is told by the page that follows, once.
func TestPagesSayWhatWasDone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada <b> Lovelace", upload{"empty.dat", ""}, upload{"b.txt", "b"})
	person, own := "/people/"+receipt.Person.String(), "/receipt/"+receipt.Person.String()
	staff, holder := s.browser(by), s.browser(nil)
	token := url.Values{"csrf": {by.token}}
	step := func(b *browser, path string, form url.Values, want string) {
		t.Helper()
		a := b.ask(t, path, form)
		if got := said(t, a); a.status != http.StatusOK || got != want {
			t.Errorf("after %s the page, status %d, says %q; want %q", path, a.status, got, want)
		}
		if got := said(t, b.ask(t, "/staff/sign-in", nil)); got != "" {
			t.Errorf("after %s the next page but one says %q too", path, got)
		}
	}

	step(staff, person+"/files/"+files[0].ID.String()+"/delete", token, "empty.dat was deleted.")
	step(staff, person+"/expire", url.Values{"csrf": {by.token}, "expires": {"week"}},
		"The private link now expires on "+s.clock.now().Add(7*24*time.Hour).Format("2006-01-02 15:04 UTC")+".")
	step(staff, person+"/expire", url.Values{"csrf": {by.token}, "expires": {"never"}},
		"The private link no longer expires.")

	a := s.play(t, scenario{path: "/receipt/" + receipt.String() + "/link", status: 200})
	form := url.Values{"csrf": {fieldValue(t, a.body, "csrf")}, "receipt": {fieldValue(t, a.body, "receipt")},
		"expires": {"day"}}
	step(holder, own+"/expire", form, "The private link now expires on "+
		s.clock.now().Add(24*time.Hour).Format("2006-01-02 15:04 UTC")+".")
	step(holder, own+"/replace", form, "Your private link was replaced. The old link no longer works.")
	a = holder.ask(t, own+"/link", nil)
	step(holder, own+"/close", url.Values{"csrf": {fieldValue(t, a.body, "csrf")}},
		"The receipt was closed in this browser.")

	step(staff, person+"/delete", token, "Ada <b> Lovelace was deleted.")
	step(staff, "/staff/sign-out", token, "You are signed out.")

	// A session that is over is told, also to who sends a form.
	staff = s.browser(by)
	s.clock.advance(s.server.sessions.all.Idle())
	step(staff, "/people", nil, "Your session has ended. Sign in again.")
	staff = s.browser(by)
	step(staff, person+"/delete", token, "Your session has ended, and nothing was done. Sign in, then do it again.")
	staff = s.browser(by)
	step(staff, "/staff/sign-out", token, "Your session has ended. Sign in again.")
	if got := said(t, s.browser(nil).ask(t, "/people", nil)); got != "" {
		t.Errorf("who was never signed in is told %q", got)
	}
}

// A flash is believed only as this site's servers wrote it, and for a minute.
func TestFlashCookie(t *testing.T) {
	for public, want := range map[string]http.Cookie{
		"http://localhost:8080":   {Name: "dossier_flash", Secure: false},
		"https://dossier.example": {Name: "__Host-dossier_flash", Secure: true},
	} {
		s := newSite(t, func(o *Options) { o.PublicURL = public })
		cookie := s.server.sessions.flashCookie(`<script>alert(1)</script> "was" & deleted`)
		if cookie.Name != want.Name || cookie.Secure != want.Secure || !cookie.HttpOnly ||
			cookie.SameSite != http.SameSiteLaxMode ||
			cookie.Path != "/" || cookie.MaxAge != int(flashTime/time.Second) {
			t.Errorf("the cookie is %v", cookie)
		}
		page := func(value string) answer {
			return s.play(t,
				scenario{path: "/staff/sign-in", status: 200,
					header: map[string]string{"Cookie": want.Name + "=" + value},
					hasNot: []string{"<script>alert"}})
		}
		a := page(cookie.Value)
		if got := said(t, a); got != `<script>alert(1)</script> "was" & deleted` {
			t.Errorf("the page says %q", got)
		}
		for i := 0; i < len(cookie.Value); i += 7 {
			if got := said(t, page(flip(cookie.Value, i))); got != "" {
				t.Errorf("with letter %d changed the page says %q", i, got)
			}
		}
		other := newSite(t, func(o *Options) { o.PublicURL, o.StaffSecret = public, "another secret" })
		for _, value := range []string{"", "x", other.server.sessions.flashCookie("Pay here").Value,
			s.signIn(t).cookie.Value} {
			a := page(value)
			if got := said(t, a); got != "" {
				t.Errorf("for the cookie %q the page says %q", value, got)
			}
			if !strings.Contains(a.header.Get("Set-Cookie"), want.Name+"=; Path=/; Max-Age=0") {
				t.Errorf("the cookie %q stays: %q", value, a.header.Get("Set-Cookie"))
			}
		}
		s.clock.advance(flashTime)
		if got := said(t, page(cookie.Value)); got != "" {
			t.Errorf("after a minute the page says %q", got)
		}
	}

	s := newSite(t)
	long := s.server.sessions.flashCookie(strings.Repeat("é", 3000))
	r := httptest.NewRequest(http.MethodGet, "/people", nil)
	r.AddCookie(long)
	if text, _ := s.server.sessions.flashOf(r); len(long.String()) > 4000 || text != strings.Repeat("é", flashBytes/2) {
		t.Errorf("a long text becomes a cookie of %d bytes that says %d", len(long.String()), len(text))
	}
	// The form may be kept by the browser, and says nothing of what was before it.
	cookie := s.server.sessions.flashCookie("This was deleted.")
	a := s.play(t,
		scenario{path: "/", status: 200, header: map[string]string{"Cookie": cookie.Name + "=" + cookie.Value},
			want: map[string]string{"Set-Cookie": ""}})
	if got := said(t, a); got != "" {
		t.Errorf("the form says %q", got)
	}
}

// Whoever goes back to the page of what was deleted is told so, and led on.
func TestBackAfterDeletion(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "a"})
	person := "/people/" + receipt.Person.String()
	file := person + "/files/" + files[0].ID.String()
	form := url.Values{"csrf": {by.token}}
	s.play(t, scenario{path: file + "/delete", by: by, form: form, status: 303})
	for _, path := range []string{file, file + "/delete", file + "/picture"} {
		s.play(t, scenario{path: path, by: by, status: 404,
			has: []string{"This file is not here", `href="` + person + `"`, "Go to Ada"}})
	}
	s.play(t, scenario{path: file + "/delete", by: by, form: form, status: 404,
		has: []string{"This file is not here", `href="` + person + `"`}})
	s.play(t, scenario{path: person + "/delete", by: by, form: form, status: 303})
	for _, path := range []string{person, person + "/delete", person + "/link", person + "/files.zip", file, file +
		"/delete"} {
		s.play(t, scenario{path: path, by: by, status: 404,
			has: []string{"This person is not here", `href="/people"`, "Go to the directory"}})
	}
	for _, what := range []string{"/delete", "/expire"} {
		s.play(t, scenario{path: person + what, by: by, form: url.Values{"csrf": {by.token}, "expires": {"day"}},
			status: 404,
			has:    []string{"This person is not here"}})
	}
}

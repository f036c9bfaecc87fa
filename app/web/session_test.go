package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// evil are texts that must not lead anybody away from the site.
var evil = []string{
	"//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\\evil.example`, `\/evil.example`, "https://evil.example", "https:evil.example",
	"https:/evil.example", "HTTPS://evil.example/people", "javascript:alert(1)", "javascript://people/%0aalert(1)", "data:text/html,x", "people", "evil.example",
	"/people/../../evil", "/people/../x", "/people/..", "/people/./x", "/people/%2e%2e/x", "/people//evil.example", "/people/%2f%2fevil.example",
	"%2f%2fevil.example", "/%2fevil.example", "%2f%5cevil.example", "/people%2f..%2f..%2fx", `/people/\evil.example`, "/people/%5cevil.example", "/peopleevil",
	"/people.evil.example", "/people@evil.example", "//evil.example/people", "//people/x", "http://[::1]/people", "https://user@evil.example/people",
	"/staff/sign-out", "/staff/sign-in", "/receipt/x", "/", "", "?next=//evil.example", "#x", "/people\r\nLocation: https://evil.example",
	"\t//evil.example", "/\t/evil.example", " //evil.example", "/people\x00", "\x00/people", "/people/\x7f", "/people/%", "/people/%zz", "\ufeff//evil.example",
	"／／evil.example", "/people/", "//\u2028evil.example",
}

func TestSafeNext(t *testing.T) {
	for _, raw := range evil {
		if got := safeNext(raw); got != "/people" {
			t.Errorf("safeNext(%q) = %q, want /people", raw, got)
		}
	}
	for raw, want := range map[string]string{
		"/people":                            "/people",
		"/people?q=a&after=b":                "/people?after=b&q=a",
		"/people?q=//evil.example":           "/people?q=%2F%2Fevil.example",
		"/people?q=%0d%0aX:1":                "/people?q=%0D%0AX%3A1",
		"/people?q=%zz":                      "/people",
		"/people#fragment":                   "/people",
		"/people/x/files/y/delete":           "/people/x/files/y/delete",
		"/people/%0d%0aLocation:%20x":        "/people/%0D%0ALocation:%20x",
		"/people/javascript:alert(1)":        "/people/javascript:alert%281%29",
		"/people/https:%2F%2Fevil.example":   "/people",
		"/people/ü?q=ü":                      "/people/%C3%BC?q=%C3%BC",
		"/people?" + strings.Repeat("x", 40): "/people?" + strings.Repeat("x", 40) + "=",
	} {
		if got := safeNext(raw); got != want {
			t.Errorf("safeNext(%q) = %q, want %q", raw, got, want)
		}
	}
}

// FuzzSafeNext checks the promise itself: the browser stays on this site and on the staff's pages.
func FuzzSafeNext(f *testing.F) {
	for _, raw := range evil {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := safeNext(raw)
		for _, b := range []byte(got) {
			if b <= ' ' || b > '~' || b == '\\' {
				t.Fatalf("safeNext(%q) = %q, which has byte %#x", raw, got, b)
			}
		}
		base := &url.URL{Scheme: "https", Host: "dossier.example", Path: "/staff/sign-in"}
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != "https" || u.User != nil || u.Path != "/people" && !strings.HasPrefix(u.Path, "/people/") {
			t.Fatalf("safeNext(%q) = %q leads to %v, error %v", raw, got, u, err)
		}
		if again := safeNext(got); again != got {
			t.Fatalf("safeNext(%q) = %q, and of that %q", raw, got, again)
		}
	})
}

// fieldValue returns what a field of a page's form is filled in with.
func fieldValue(t *testing.T, page, name string) string {
	t.Helper()
	for n := range parseDocument(t, page).all("input") {
		if v, _ := attr(n, "name"); v == name {
			value, _ := attr(n, "value")
			return value
		}
	}
	t.Fatalf("no field %q in\n%s", name, page)
	return ""
}

func TestSignIn(t *testing.T) {
	s := newSite(t)
	key := url.Values{"key": {siteSecret}, "next": {"/people?q=x"}}

	a := s.play(t, scenario{path: "/staff/sign-in", status: 200, want: map[string]string{"Cache-Control": "no-store"}})
	if fieldValue(t, a.body, "key") != "" || fieldValue(t, a.body, "next") != "/people" {
		t.Errorf("the empty form is filled in:\n%s", a.body)
	}
	a = s.play(t, scenario{path: "/staff/sign-in?" + url.Values{"key": {`from "the" <link>`}, "next": {"/people?q=x"}}.Encode(), status: 200})
	if got := fieldValue(t, a.body, "key"); got != `from "the" <link>` {
		t.Errorf("the link filled in %q", got)
	}
	if got := fieldValue(t, a.body, "next"); got != "/people?q=x" {
		t.Errorf("next is %q", got)
	}

	for _, wrong := range []string{"", "x", siteSecret + " ", " " + siteSecret, siteSecret[1:], strings.ToUpper(siteSecret), siteSecret + "\x00", strings.Repeat("x", 5000)} {
		a := s.play(t, scenario{
			path: "/staff/sign-in", form: url.Values{"key": {wrong}, "next": {"/people?q=x"}}, status: 401, want: map[string]string{"Set-Cookie": ""},
			has: []string{"not the right one"},
		})
		if fieldValue(t, a.body, "next") != "/people?q=x" {
			t.Error("a wrong key loses the way to go on")
		}
		if fieldValue(t, a.body, "key") != "" {
			t.Error("a wrong key is shown again")
		}
	}
	s.playAll(t, []scenario{
		{name: "no key", path: "/staff/sign-in", form: url.Values{"x": {"y"}}, status: 401, want: map[string]string{"Set-Cookie": ""}},
		{name: "key in the query is no key", path: "/staff/sign-in?" + key.Encode(), form: url.Values{"x": {"y"}}, status: 401, want: map[string]string{"Set-Cookie": ""}},
		{name: "not a form", path: "/staff/sign-in", form: key, header: map[string]string{"Content-Type": "text/plain"}, status: 400, want: map[string]string{"Set-Cookie": ""}},
		{name: "too long", path: "/staff/sign-in", form: url.Values{"key": {strings.Repeat("x", maxStaffForm)}}, status: 413},
		// A stranger's page must not sign anybody in either.
		{name: "foreign origin", path: "/staff/sign-in", form: key, header: map[string]string{"Origin": "https://evil.example"}, status: 403, want: map[string]string{"Set-Cookie": ""}},
		{name: "cross-site", path: "/staff/sign-in", form: key, header: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: 403, want: map[string]string{"Set-Cookie": ""}},
	})
	for _, next := range evil {
		s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {siteSecret}, "next": {next}}, status: 303, want: map[string]string{"Location": "/people"}})
		a := s.play(t, scenario{path: "/staff/sign-in?" + url.Values{"next": {next}}.Encode(), status: 200})
		if got := fieldValue(t, a.body, "next"); got != "/people" {
			t.Errorf("the form goes on to %q for %q", got, next)
		}
	}

	a = s.play(t, scenario{path: "/staff/sign-in", form: key, status: 303, want: map[string]string{"Location": "/people?q=x"}})
	session, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatalf("cookie %q: %v", a.header.Get("Set-Cookie"), err)
	}
	by := &member{cookie: session}
	a = s.play(t, scenario{path: "/people", by: by, status: 200, has: []string{"Sign out"}})
	by.token = fieldValue(t, a.body, "csrf")
	s.play(t, scenario{path: "/staff/sign-in?next=%2Fpeople%3Fq%3Dy", by: by, status: 303, want: map[string]string{"Location": "/people?q=y"}})
	for _, next := range evil {
		s.play(t, scenario{path: "/staff/sign-in?" + url.Values{"next": {next}}.Encode(), by: by, status: 303, want: map[string]string{"Location": "/people"}})
	}

	a = s.play(t, scenario{path: "/staff/sign-out", by: by, form: url.Values{"csrf": {by.token}}, status: 303, want: map[string]string{"Location": "/staff/sign-in"}})
	end, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || end.Name != session.Name || end.Value != "" || end.MaxAge != -1 || end.Path != "/" || !end.HttpOnly {
		t.Errorf("signing out sets %q, error %v", a.header.Get("Set-Cookie"), err)
	}
	if strings.Contains(s.log.String(), siteSecret) || strings.Contains(s.log.String(), session.Value) || strings.Contains(s.log.String(), by.token) {
		t.Error("the log holds a secret")
	}
}

func TestSessionCookie(t *testing.T) {
	for public, want := range map[string]http.Cookie{
		"http://localhost:8080":   {Name: "dossier_staff", Secure: false},
		"https://dossier.example": {Name: "__Host-dossier_staff", Secure: true},
	} {
		t.Run(public, func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.PublicURL = public })
			a := s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {siteSecret}}, status: 303})
			got, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != want.Name || got.Secure != want.Secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" ||
				got.MaxAge != int(sessionTime/time.Second) {
				t.Errorf("cookie is %q", a.header.Get("Set-Cookie"))
			}
			s.play(t, scenario{path: "/people", by: &member{cookie: got}, status: 200})
			if hsts := a.header.Get("Strict-Transport-Security"); (hsts != "") != want.Secure {
				t.Errorf("Strict-Transport-Security is %q", hsts)
			}
			if strings.HasPrefix(public, "https") {
				// A sibling domain can plant a cookie without the prefix, and it must count for nothing.
				s.play(t, scenario{path: "/people", by: &member{cookie: &http.Cookie{Name: "dossier_staff", Value: got.Value}}, status: 303})
			}
		})
	}
}

func TestSessions(t *testing.T) {
	c := &clock{at: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	s, err := newSessions("secret", false, c.now)
	if err != nil {
		t.Fatal(err)
	}
	read := func(value string) (session, bool) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", s.cookie+"="+value)
		return s.of(r)
	}
	value := s.begin().Value
	first, ok := read(value)
	if !ok || !first.expires.Equal(c.now().Add(sessionTime)) {
		t.Fatalf("a new session is %v, %t", first, ok)
	}
	for i := range value {
		// The last letter carries bits that must be zero.
		for _, letter := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ " {
			if changed := value[:i] + string(letter) + value[i+1:]; changed != value {
				if _, ok := read(changed); ok {
					t.Fatalf("letter %d as %q is taken", i, letter)
				}
			}
		}
		if _, ok := read(value[:i]); ok {
			t.Fatalf("the first %d letters are taken", i)
		}
	}
	second, ok := read(s.begin().Value)
	if !ok || second.id == first.id || s.token(second) == s.token(first) {
		t.Error("two sessions have something in common")
	}
	if !s.owns(first, s.token(first)) || s.owns(first, s.token(second)) || s.owns(first, "") {
		t.Error("tokens are not told apart")
	}
	if strings.Contains(value, s.token(first)) || slices.Equal(s.sign, s.csrf) {
		t.Error("the token can be read off the cookie")
	}

	// Another instance with the same secret knows the session; one with another does not.
	twin, err := newSessions("secret", false, c.now)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := newSessions("Secret", false, c.now)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", s.cookie+"="+value)
	if one, ok := twin.of(r); !ok || !twin.owns(one, s.token(first)) {
		t.Error("a twin does not know the session")
	}
	if _, ok := stranger.of(r); ok {
		t.Error("another secret knows the session")
	}

	c.advance(sessionTime - time.Second)
	if _, ok := read(value); !ok {
		t.Error("the session ends too early")
	}
	c.advance(time.Second)
	if _, ok := read(value); ok {
		t.Error("the session does not end")
	}
}

package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dossier.example/app/staff"
)

// evil are texts that must not lead anybody away from the site.
var evil = []string{
	"//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\\evil.example`, `\/evil.example`,
	"https://evil.example", "https:evil.example",
	"https:/evil.example", "HTTPS://evil.example/people", "javascript:alert(1)", "javascript://people/%0aalert(1)",
	"data:text/html,x", "people", "evil.example",
	"/people/../../evil", "/people/../x", "/people/..", "/people/./x", "/people/%2e%2e/x", "/people//evil.example",
	"/people/%2f%2fevil.example",
	"%2f%2fevil.example", "/%2fevil.example", "%2f%5cevil.example", "/people%2f..%2f..%2fx", `/people/\evil.example`,
	"/people/%5cevil.example", "/peopleevil",
	"/people.evil.example", "/people@evil.example", "//evil.example/people", "//people/x", "http://[::1]/people",
	"https://user@evil.example/people",
	"/staff/sign-out", "/staff/sign-in", "/receipt/x", "/", "", "?next=//evil.example", "#x",
	"/people\r\nLocation: https://evil.example",
	"\t//evil.example", "/\t/evil.example", " //evil.example", "/people\x00", "\x00/people", "/people/\x7f",
	"/people/%", "/people/%zz", "\ufeff//evil.example",
	"／／evil.example", "/people/", "//\u2028evil.example",
}

func TestSessionCookie(t *testing.T) {
	for public, want := range map[string]http.Cookie{
		"http://localhost:8080":   {Name: "dossier_session", Secure: false},
		"https://dossier.example": {Name: "__Host-dossier_session", Secure: true},
	} {
		t.Run(public, func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.PublicURL = public })
			a := s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {siteSecret}}, status: 303})
			got, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != want.Name || got.Secure != want.Secure || !got.HttpOnly ||
				got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" ||
				got.MaxAge != int((staff.DefaultLifetime+rememberedTime)/time.Second) {
				t.Errorf("cookie is %q", a.header.Get("Set-Cookie"))
			}
			s.play(t, scenario{path: "/people", by: &member{cookie: got}, status: 200})
			for extended, hsts := range map[bool]string{false: "max-age=31536000",
				true: "max-age=31536000; includeSubDomains"} {
				s := newSite(t, func(o *Options) { o.PublicURL, o.HSTSSubdomains = public, extended })
				if !want.Secure {
					hsts = ""
				}
				s.play(t, scenario{path: "/", status: 200, want: map[string]string{"Strict-Transport-Security": hsts}})
			}
			if strings.HasPrefix(public, "https") {
				// A sibling domain can plant a cookie without the prefix, and it must count for nothing.
				s.play(t, scenario{path: "/people",
					by: &member{cookie: &http.Cookie{Name: "dossier_session", Value: got.Value}}, status: 303})
			}
		})
	}
}

// The token is the browser's alone, and every change of it makes it nobody's.
func TestSessions(t *testing.T) {
	site := newSite(t)
	s := site.server.sessions
	read := func(of *sessions, value string) (staff.Session, bool) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(t.Context())
		r.Header.Set("Cookie", s.cookie+"="+value)
		one, ok, err := of.of(r)
		if err != nil {
			t.Fatal(err)
		}
		return one.Session, ok
	}
	by := site.signIn(t)
	value := by.cookie.Value
	first, ok := read(s, value)
	if !ok || !first.BeganAt.Equal(site.clock.now()) {
		t.Fatalf("a new session is %v, %t", first, ok)
	}
	for i := range value {
		// The last letter carries bits that must be zero.
		for _, letter := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ " {
			if changed := value[:i] + string(letter) + value[i+1:]; changed != value {
				if _, ok := read(s, changed); ok {
					t.Fatalf("letter %d as %q is taken", i, letter)
				}
			}
		}
		if _, ok := read(s, value[:i]); ok {
			t.Fatalf("the first %d letters are taken", i)
		}
	}
	second, ok := read(s, site.signIn(t).cookie.Value)
	if !ok || second.ID == first.ID || s.token(second) == s.token(first) {
		t.Error("two sessions have something in common")
	}
	if !s.owns(first, s.token(first)) || s.owns(first, s.token(second)) || s.owns(first, "") {
		t.Error("tokens are not told apart")
	}
	if strings.Contains(value, s.token(first)) {
		t.Error("the token can be read off the cookie")
	}

	// Another instance with the same secret knows the session; one with another does not.
	with := func(secret string) *sessions {
		server, err := New(site.svc, Options{PublicURL: site.url, StaffSecret: secret,
			Staff: site.stores.People.(staff.Store), Trail: site.server.o.Trail, Now: site.clock.now})
		if err != nil {
			t.Fatal(err)
		}
		return server.sessions
	}
	twin := with(siteSecret)
	if one, ok := read(twin, value); !ok || !twin.owns(one, s.token(first)) {
		t.Error("a twin does not know the session")
	}
	if _, ok := read(with("Secret of another"), value); ok {
		t.Error("another secret knows the session")
	}
}

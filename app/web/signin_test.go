package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestSafeNext(t *testing.T) {
	for _, raw := range evil {
		if got := safeNext(raw); got != "/people" {
			t.Errorf("safeNext(%q) = %q, want /people", raw, got)
		}
	}
	const id = "0193a5f2-7c3e-7b1a-9d52-5f2f0a6f1c11"
	const account, trashed = "/staff/accounts/" + id, "/trash/people/" + id
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

		"/staff/accounts":                     "/staff/accounts",
		"/staff/accounts?next=//evil.example": "/staff/accounts",
		"/staff/account/password":             "/people",
		account:                               account,
		account + "/suspend":                  account,
		"/staff/accounts/0193a5f2-7c3e-7b1a-9d52-5f2f0a6f1c1": "/people",
		"/staff/accounts/../../evil":                          "/people",
		"/trash?after=x":                                      "/trash",
		"/staff/sessions/end-others":                          "/staff/sessions",
		"/staff/sessions/" + id + "/end":                      "/staff/sessions",
		trashed + "/erase":                                    trashed + "/erase",
		trashed + "/files/" + id + "/erase":                   trashed + "/files/" + id + "/erase",
		"/trash/people/x/erase":                               "/people",
	} {
		if got := safeNext(raw); got != want {
			t.Errorf("safeNext(%q) = %q, want %q", raw, got, want)
		}
	}
}

// A sign-in leads back to every page of staff, but for the one that asks for proof.
func TestStaffPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, r := range s.server.staffRoutes() {
		if r.method == http.MethodGet && r.path != "/staff/proof" && !strings.Contains(r.path, ":") &&
			!strings.HasPrefix(r.path, "/people") && !slices.Contains(staffPages, r.path) {
			t.Errorf("%s is not in staffPages", r.path)
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
		if err != nil || u.Host != base.Host || u.Scheme != "https" || u.User != nil ||
			u.Path != "/people" && !strings.HasPrefix(u.Path, "/people/") && !slices.Contains(staffPages, u.Path) &&
				!accountPage.MatchString(u.Path) && !erasePage.MatchString(u.Path) {
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
	t.Parallel()
	s := newSite(t)
	key := url.Values{"key": {siteSecret}, "next": {"/people?q=x"}}

	a := s.play(t, scenario{path: "/staff/sign-in", status: 200, want: map[string]string{"Cache-Control": "no-store"}})
	if fieldValue(t, a.body, "key") != "" || fieldValue(t, a.body, "next") != "/people" {
		t.Errorf("the empty form is filled in:\n%s", a.body)
	}
	a = s.play(t, scenario{path: "/staff/sign-in?" +
		url.Values{"key": {`from "the" <link>`}, "next": {"/people?q=x"}}.Encode(), status: 200})
	if policy := a.header.Get("Referrer-Policy"); policy != "strict-origin" {
		t.Errorf("a link with a key has the Referrer-Policy %q", policy)
	}
	if got := fieldValue(t, a.body, "key"); got != `from "the" <link>` {
		t.Errorf("the link filled in %q", got)
	}
	if got := fieldValue(t, a.body, "next"); got != "/people?q=x" {
		t.Errorf("next is %q", got)
	}

	for _, wrong := range []string{"", "x", siteSecret[1:], siteSecret + " x",
		strings.ToUpper(siteSecret), siteSecret + "\x00", strings.Repeat("x", 5000)} {
		a := s.play(t, scenario{
			path: "/staff/sign-in", form: url.Values{"key": {wrong}, "next": {"/people?q=x"}}, status: 401,
			want: map[string]string{"Set-Cookie": ""},
			has:  []string{"not the right key"},
		})
		if fieldValue(t, a.body, "next") != "/people?q=x" {
			t.Error("a wrong key loses the way to go on")
		}
		if fieldValue(t, a.body, "key") != "" {
			t.Error("a wrong key is shown again")
		}
	}
	s.playAll(t, []scenario{
		{name: "no key", path: "/staff/sign-in", form: url.Values{"x": {"y"}}, status: 401,
			want: map[string]string{"Set-Cookie": ""}},
		{name: "key in the query is no key", path: "/staff/sign-in?" + key.Encode(), form: url.Values{"x": {"y"}},
			status: 401, want: map[string]string{"Set-Cookie": ""}},
		{name: "not a form", path: "/staff/sign-in", form: key, header: map[string]string{"Content-Type": "text/plain"},
			status: 400, want: map[string]string{"Set-Cookie": ""}},
		{name: "too long", path: "/staff/sign-in", form: url.Values{"key": {strings.Repeat("x", maxSmallForm)}},
			status: 413},
		// A stranger's page must not sign anybody in either.
		{name: "foreign origin", path: "/staff/sign-in", form: key,
			header: map[string]string{"Origin": "https://evil.example"}, status: 403,
			want: map[string]string{"Set-Cookie": ""}},
		{name: "cross-site", path: "/staff/sign-in", form: key,
			header: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: 403,
			want: map[string]string{"Set-Cookie": ""}},
	})
	for _, next := range evil {
		s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {siteSecret}, "next": {next}}, status: 303,
			want: map[string]string{"Location": "/people"}})
		a := s.play(t, scenario{path: "/staff/sign-in?" + url.Values{"next": {next}}.Encode(), status: 200})
		if got := fieldValue(t, a.body, "next"); got != "/people" {
			t.Errorf("the form goes on to %q for %q", got, next)
		}
	}

	// A pasted key has spaces around it, and what nobody sees.
	for _, pasted := range []string{siteSecret + " ", " " + siteSecret, "\t" + siteSecret + "\r\n",
		"\u00a0" + siteSecret,
		"\ufeff" + siteSecret + "\u200b", "\u202a" + siteSecret + " \u202c"} {
		s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {pasted}}, status: 303,
			want: map[string]string{"Location": "/people"}})
	}
	a = s.play(t, scenario{path: "/staff/sign-in", form: key, status: 303,
		want: map[string]string{"Location": "/people?q=x"}})
	session, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatalf("cookie %q: %v", a.header.Get("Set-Cookie"), err)
	}
	by := &member{cookie: session}
	a = s.play(t, scenario{path: "/people", by: by, status: 200, has: []string{"Sign out"}})
	by.token = fieldValue(t, a.body, "csrf")
	s.play(t, scenario{path: "/staff/sign-in?next=%2Fpeople%3Fq%3Dy", by: by, status: 303,
		want: map[string]string{"Location": "/people?q=y"}})
	for _, next := range evil {
		s.play(t, scenario{path: "/staff/sign-in?" + url.Values{"next": {next}}.Encode(), by: by, status: 303,
			want: map[string]string{"Location": "/people"}})
	}

	a = s.play(t, scenario{path: "/staff/sign-out", by: by, form: url.Values{"csrf": {by.token}}, status: 303,
		want: map[string]string{"Location": "/staff/sign-in", "Clear-Site-Data": `"cache"`}})
	end, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || end.Name != session.Name || end.Value != "" || end.MaxAge != -1 || end.Path != "/" ||
		!end.HttpOnly {
		t.Errorf("signing out sets %q, error %v", a.header.Get("Set-Cookie"), err)
	}
	if strings.Contains(s.log.String(), siteSecret) || strings.Contains(s.log.String(), session.Value) ||
		strings.Contains(s.log.String(), by.token) {
		t.Error("the log holds a secret")
	}
}

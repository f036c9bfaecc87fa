package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app/staff"
)

// innards stands in the cause of every injected failure, and must stand in no answer.
const innards = "dial tcp 10.1.2.3:3306: password hunter2"

const siteSecret = "the staff secret of these tests"

// public are the routes that need no session. Every other must ask for one.
var public = []string{
	"/", "/submissions", "/receipt", "/receipt/:id", "/receipt/:id/files.zip", "/receipt/:id/export.zip",
	"/receipt/:id/files/:file", "/receipt/:id/link", "/receipt/:id/replace", "/receipt/:id/expire",
	"/receipt/:id/close",
	"/staff/sign-in", issuerPath, callbackPath, invitationPath, invitationPath + "/accept", "/livez", "/readyz",
	"/static/:hash/:name",
	"/favicon.ico", "/robots.txt",
}

func TestStaffRoutesNeedASession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "secret content"})
	by := s.signIn(t)
	other := newSite(t, func(o *Options) { o.StaffSecret = "another secret" })
	value := by.cookie.Value
	cookies := map[string]string{
		"none":           "",
		"empty":          by.cookie.Name + "=",
		"garbage":        by.cookie.Name + "=garbage",
		"truncated":      by.cookie.Name + "=" + value[:len(value)-1],
		"longer":         by.cookie.Name + "=" + value + "A",
		"padded":         by.cookie.Name + "=" + value + "==",
		"other secret":   other.signIn(t).cookie.String(),
		"other name":     "dossier=" + value,
		"first changed":  by.cookie.Name + "=" + flip(value, 0),
		"expiry changed": by.cookie.Name + "=" + flip(value, 30),
		"mac changed":    by.cookie.Name + "=" + flip(value, 40),
		"all zero":       by.cookie.Name + "=" + strings.Repeat("A", len(value)),
	}
	routes := s.staffRoutes(files[0])
	if len(routes) < 15 {
		t.Fatalf("only %d staff routes: %v", len(routes), routes)
	}
	for _, name := range slices.Sorted(maps.Keys(cookies)) {
		for _, route := range routes {
			c := scenario{method: route[0], path: route[1], header: map[string]string{"Cookie": cookies[name]},
				status: 303, hasNot: []string{"Ada", "secret content"}}
			if route[0] == http.MethodPost {
				c.form = url.Values{"csrf": {by.token}}
			}
			t.Run(name+" "+route[0]+" "+route[1], func(t *testing.T) {
				a := s.play(t, c)
				to, err := url.Parse(a.header.Get("Location"))
				if err != nil || to.Path != "/staff/sign-in" || to.Host != "" {
					t.Fatalf("leads to %q", a.header.Get("Location"))
				}
				want := safeNext(strings.TrimSuffix(route[1], ".csv"))
				if got := to.Query().Get("next"); got != want {
					t.Errorf("next is %q, want %q", got, want)
				}
			})
		}
	}
	if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 1 {
		t.Error("something was deleted without a session")
	}
	s.play(t, scenario{name: "query is kept", path: "/people?q=a%26b&after=", status: 303,
		want: map[string]string{"Location": "/staff/sign-in?next=%2Fpeople%3Fafter%3D%26q%3Da%2526b"}})
	s.play(t, scenario{name: "query of a list is kept", path: "/people.csv?q=ada", status: 303,
		want: map[string]string{"Location": "/staff/sign-in?next=%2Fpeople%3Fq%3Dada"}})

	t.Run("not used", func(t *testing.T) {
		s.clock.advance(staff.DefaultIdle - time.Second)
		s.play(t, scenario{path: "/people", by: by, status: 200})
		s.clock.advance(staff.DefaultIdle)
		s.play(t, scenario{path: "/people", by: by, status: 303})
	})
	t.Run("used all day", func(t *testing.T) {
		by := s.signIn(t)
		for left := staff.DefaultLifetime - time.Second; left > 0; {
			step := min(left, staff.DefaultIdle-time.Second)
			s.clock.advance(step)
			s.play(t, scenario{path: "/people", by: by, status: 200})
			left -= step
		}
		s.clock.advance(time.Second)
		s.play(t, scenario{path: "/people", by: by, status: 303})
	})
}

func TestStaffFormsNeedTheirToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by, other := s.signIn(t), s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "a"})
	right := url.Values{"csrf": {by.token}}
	const attacker = "https://attacker.example"
	refused := []scenario{
		{name: "missing token", form: url.Values{"other": {"x"}}, status: 403},
		{name: "empty token", form: url.Values{"csrf": {""}}, status: 403},
		{name: "wrong token", form: url.Values{"csrf": {flip(by.token, 3)}}, status: 403},
		{name: "short token", form: url.Values{"csrf": {by.token[:10]}}, status: 403},
		{name: "other session's token", form: url.Values{"csrf": {other.token}}, status: 403},
		{name: "foreign origin", form: right, header: map[string]string{"Origin": attacker}, status: 403},
		{name: "null origin", form: right, header: map[string]string{"Origin": "null"}, status: 403},
		{name: "cross-site", form: right, header: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: 403},
		{name: "same-site", form: right, header: map[string]string{"Sec-Fetch-Site": "same-site"}, status: 403},
		{name: "cross-site with foreign origin", form: right,
			header: map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": attacker}, status: 403},
		{name: "cross-site that forges Host", form: right,
			header: map[string]string{"Origin": attacker, "Host": "attacker.example.evil"}, status: 403},
		{name: "right origin, wrong token", form: url.Values{"csrf": {"x"}},
			header: map[string]string{"Origin": s.url, "Sec-Fetch-Site": "same-origin"}, status: 403},
		{name: "not a form", form: right, header: map[string]string{"Content-Type": "text/plain"}, status: 400},
		{name: "no type", form: right, header: map[string]string{"Content-Type": ""}, status: 400},
		{name: "damaged", form: url.Values{},
			header: map[string]string{"Content-Type": "multipart/form-data; boundary=x"}, status: 400},
		{name: "too long", form: url.Values{"csrf": {by.token}, "x": {strings.Repeat("x", maxSmallForm)}}, status: 413},
	}
	for _, route := range s.staffRoutes(files[0]) {
		if route[0] != http.MethodPost {
			continue
		}
		for _, c := range refused {
			c.method, c.path, c.by = route[0], route[1], by
			c.want = map[string]string{"Set-Cookie": ""}
			t.Run(c.name+" "+c.path, func(t *testing.T) { s.play(t, c) })
		}
		// A token in the query is no token: addresses get into logs and histories.
		s.play(t, scenario{method: route[0], path: route[1] + "?csrf=" + by.token, by: by, form: url.Values{"x": {"y"}},
			status: 403})
	}
	if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 1 {
		t.Fatal("a refused form deleted something")
	}
}

func TestStaffFormsOfThisSite(t *testing.T) {
	for name, c := range map[string]struct {
		public string
		header map[string]string
	}{
		"no headers at all": {"", nil},
		"same origin":       {"", map[string]string{"Sec-Fetch-Site": "same-origin"}},
		"typed in":          {"", map[string]string{"Sec-Fetch-Site": "none"}},
		"origin, proxy changes Host": {"https://dossier.example",
			map[string]string{"Origin": "https://dossier.example", "Host": "10.0.0.7:8080"}},
		"origin, proxy keeps Host": {"https://dossier.example",
			map[string]string{"Origin": "https://dossier.example", "Host": "dossier.example"}},
		"same origin, proxy and Host": {"https://dossier.example",
			map[string]string{"Origin": "https://dossier.example", "Sec-Fetch-Site": "same-origin",
				"Host": "10.0.0.7"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(o *Options) {
				if c.public != "" {
					o.PublicURL = c.public
				}
			})
			by := s.signIn(t)
			receipt, files := s.submit(t, "Ada", upload{"a.txt", "a"})
			person := "/people/" + receipt.Person.String()
			form := url.Values{"csrf": {by.token}}
			s.play(t, scenario{path: person + "/files/" + files[0].ID.String() + "/delete", by: by, form: form,
				header: c.header, status: 303})
			s.play(t, scenario{path: person + "/delete", by: by, form: form, header: c.header, status: 303})
			s.play(t, scenario{path: "/staff/sign-out", by: by, form: form, header: c.header, status: 303})
			if there, _ := s.exists(t, receipt.Person); there {
				t.Error("the person was not deleted")
			}
		})
	}
}

// onePixelPNG is a whole PNG picture.
const onePixelPNG = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\x0bIDATx\x9cc\xf8\x0f\x04\x00\x09\xfb\x03\xfd\xfb^k+\x00\x00\x00\x00IEND\xaeB`\x82"

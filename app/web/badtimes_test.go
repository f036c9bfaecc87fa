package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/internal/testissuer"
	"dossier.example/app/issuer"
	"dossier.example/app/staff"
)

// What goes wrong around staff, through HTTP. The other bad times stand beside what they are about: TestIssuerDown,
// TestIssuerState, TestIssuerRefusals, TestRoleTakenAwayInMidSession, TestSessionStoreDown.

// The issuer replaces its key, and later sends a token that was made for another client.
func TestIssuerTokens(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t)
	// Keys are fetched again as soon as a token names another one, not only after some seconds.
	var err error
	if s.server.o.Issuer, err = issuer.New(issuer.Options{URL: at.URL, Name: "People & Co", KeysEvery: 1,
		ClientID: testissuer.ClientID, ClientSecret: testissuer.ClientSecret, RoleClaim: "groups",
		Roles: []issuer.Grant{{To: "administrators", Role: staff.Administrator}}}); err != nil {
		t.Fatal(err)
	}
	first := s.visitor(t)
	first.get(t, first.leave(t, at, ""), http.StatusSeeOther)
	for _, c := range []struct {
		what   string
		change func(*testissuer.Forged)
	}{
		{"another client", func(f *testissuer.Forged) { f.Claims["aud"] = "another-client" }},
		{"another client, for which this one may ask", func(f *testissuer.Forged) {
			f.Claims["aud"], f.Claims["azp"] = []string{testissuer.ClientID, "another-client"}, "another-client"
		}},
	} {
		at.Forge(t, c.change)
		b := s.visitor(t)
		if a := b.get(t, b.leave(t, at, ""), http.StatusForbidden); b.isIn(t) ||
			!strings.Contains(a.body, "Sign in with People &amp; Co") {
			t.Errorf("a token of %s signs in, or is not explained:\n%s", c.what, a.body)
		}
	}
	at.Forge(t, nil)
	at.Rotate(t)
	rotated := s.visitor(t)
	rotated.get(t, rotated.leave(t, at, ""), http.StatusSeeOther)
	if !rotated.isIn(t) || !first.isIn(t) {
		t.Error("after the key was replaced, somebody is not in")
	}
}

// Of two administrators who remove each other at the same moment one stays.
func TestAdministratorsRemoveEachOther(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for round := range 10 {
		a, b := s.addAccount(t, staff.Administrator), s.addAccount(t, staff.Administrator)
		if all, err := s.server.accounts.List(t.Context()); err != nil || len(all) != 2+round {
			t.Fatalf("%d accounts, %v", len(all), err)
		}
		// Those of the rounds before may not be administrators any more, so that these two are all.
		for _, old := range s.administrators(t) {
			if old != a.ID && old != b.ID {
				if _, err := s.server.accounts.ChangeRole(t.Context(), old, staff.Viewer); err != nil {
					t.Fatal(err)
				}
			}
		}
		byA, byB := s.as(t, a.ID), s.as(t, b.ID)
		var statuses [2]int
		var both sync.WaitGroup
		both.Go(func() { statuses[0] = s.removes(t, byA, b.ID) })
		both.Go(func() { statuses[1] = s.removes(t, byB, a.ID) })
		both.Wait()
		left := s.administrators(t)
		if len(left) != 1 {
			t.Fatalf("round %d: %d administrators are left; the answers were %v", round, len(left), statuses)
		}
		// The other was told that it is the last one, or that the session is over.
		if !slices.Contains(statuses[:], http.StatusSeeOther) || slices.Max(statuses[:]) >= 500 {
			t.Errorf("round %d: the answers are %v", round, statuses)
		}
	}
}

// administrators returns the active ones.
func (s *site) administrators(t *testing.T) (ids []staff.AccountID) {
	t.Helper()
	all, err := s.server.accounts.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Role == staff.Administrator && a.State == staff.Active {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// removes has somebody remove an account, and returns the status.
func (s *site) removes(t *testing.T, by *member, id staff.AccountID) int {
	return s.ask(t, scenario{path: accountPath(id) + "/remove", by: by, form: url.Values{"csrf": {by.token}}}).status
}

// An invitation that is used twice at once makes one account, and tells the other one.
func TestInvitationUsedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, link, err := s.server.accounts.Invite(t.Context(), staff.Invitation{Name: "Grace Hopper",
		Address: "grace@site.example", Role: staff.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	page := s.play(t, scenario{path: invitationPath, form: url.Values{"link": {link}}, status: 200})
	secret := secretOf(t, page.body)
	var in, used atomic.Int64
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			form := url.Values{"link": {link}, "name": {fmt.Sprint("Grace ", n)},
				"enrollment": {fieldValue(t, page.body, "enrollment")}, "password": {goodPassword},
				"code": {codeAt(secret, s.clock.now())}}
			switch a := s.ask(t, scenario{path: invitationPath + "/accept", form: form}); {
			case a.status == http.StatusOK && strings.Contains(a.body, "Recovery codes"):
				in.Add(1)
			case a.status == http.StatusConflict && strings.Contains(a.body, "used already"):
				used.Add(1)
			default:
				t.Errorf("status %d:\n%s", a.status, a.body)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 || used.Load() != 3 {
		t.Errorf("%d used the invitation, %d were told that it was used", in.Load(), used.Load())
	}
}

// Wrong passwords come from a thousand addresses, until the owner has signed in five times: those are not kept out, and
// the trail does not fill up.
func TestGuessesWhileTheOwnerSignsIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) {
		o.TrustedProxies, o.PlainPasswords = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, true
	})
	m := s.joined(t, staff.Administrator)
	from := func(address string) map[string]string {
		return map[string]string{"X-Forwarded-For": address}
	}
	const guesses = 1000
	var next, slowed, other atomic.Int64
	var in atomic.Bool
	var guessing sync.WaitGroup
	for range 16 {
		guessing.Go(func() {
			for n := next.Add(1); n <= guesses || !in.Load(); n = next.Add(1) {
				header := from(fmt.Sprintf("198.51.%d.%d", n%1000/250, n%250))
				form := url.Values{"address": {"grace@site.example"}, "password": {fmt.Sprint("guess ", n)},
					"code": {"123456"}}
				a := s.ask(t, scenario{path: "/staff/sign-in", header: header, form: form})
				switch a.status {
				case http.StatusTooManyRequests:
					slowed.Add(1)
				case http.StatusUnauthorized, http.StatusServiceUnavailable:
					other.Add(1)
				default:
					t.Errorf("a guess is answered with %d", a.status)
				}
			}
		})
	}
	for range 5 {
		header := from("203.0.113.7")
		header["Cookie"] = m.device.Name + "=" + m.device.Value
		form := url.Values{"address": {"grace@site.example"}, "password": {goodPassword}, "code": {m.code(s)}}
		a := s.ask(t, scenario{path: "/staff/sign-in", header: header, form: form})
		if a.status != http.StatusSeeOther {
			t.Errorf("the owner is answered with %d", a.status)
		}
	}
	in.Store(true)
	guessing.Wait()
	if slowed.Load() < guesses-100 || other.Load() > 100 {
		t.Errorf("%d guesses were slowed down, %d checked", slowed.Load(), other.Load())
	}
	recorded := 0
	for _, e := range s.entries(t, audit.Query{}) {
		if e.Action == audit.SessionFail {
			recorded++
		}
	}
	if recorded == 0 || recorded > 150 {
		t.Errorf("the trail has %d entries of failed sign-ins", recorded)
	}
}

// Of stores that only read, staff get a page that says what is wrong and what to do; the form and receipts open, and
// what cannot be kept is refused.
func TestStoreOnlyReads(t *testing.T) {
	t.Parallel()
	s, trail := newAuditSite(t)
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada", upload{"a.txt", "secret content"})
	trail.set(always)
	for _, write := range []string{"people.Insert", "people.Move", "people.Trash", "people.SetReceipt",
		"people.AddWords"} {
		s.faults.set(write, func(int) error { return dossier.Unavailable(t.Context(), write, dossier.ErrUnavailable) })
	}
	for _, path := range []string{"/people", personPath(receipt.Person), "/trash", "/staff/administration"} {
		s.play(t, scenario{path: path, by: by, status: 503, hasNot: []string{"Ada", innards},
			has:  []string{"Nothing was done", "accepts no writes", "replica", "whoever runs this site"},
			want: map[string]string{"Retry-After": retryAfter}})
	}
	s.play(t, scenario{path: "/", status: 200, has: []string{"<form"}})
	s.play(t, scenario{path: receiptPath(receipt.Person), status: 200, has: []string{"Ada", "a.txt"},
		header: map[string]string{"Cookie": s.server.receiptCookieName() + "=" + receipt.String()}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/v1/people",
		strings.NewReader(`{"name":"Bob","location":"Oslo","age":40,"technology":"Go"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+dossier.NewReceipt().String())
	r.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a submission that cannot be kept is answered with %d", res.StatusCode)
	}
	trail.set(func([]audit.Entry) bool { return false })
	s.play(t, scenario{path: "/people", by: by, status: 200, has: []string{"Ada"}})
}

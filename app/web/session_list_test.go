package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// ends returns the paths on a page of sessions that end them, in its order.
func ends(body string) (paths []string) {
	for part := range strings.SplitSeq(body, `action="`) {
		if path, _, found := strings.Cut(part, `"`); found && strings.HasSuffix(path, "/end") {
			paths = append(paths, path)
		}
	}
	return paths
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.signIn(t)
	s.clock.advance(time.Minute)
	a := s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {siteSecret}}, status: 303,
		header: map[string]string{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 " +
			"Firefox/140.0"}})
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	second := &member{cookie: cookie}
	s.clock.advance(time.Minute)
	third := s.signIn(t)

	a = s.play(t, scenario{path: "/staff/sessions", by: third, status: 200,
		has: []string{"Firefox on Linux", "127.0.0.1", "Unknown browser", "192.0.2.1", "This session", "12 hours",
			"1 hour"}})
	list := ends(a.body)
	if len(list) != 3 || strings.Count(a.body, "This session") != 1 {
		t.Fatalf("three sessions are listed as %q", list)
	}
	if strings.Contains(a.body, second.cookie.Value) {
		t.Error("the page holds another session's token")
	}
	form := url.Values{"csrf": {third.token}}
	// The newest is the first: in the middle is the browser's.
	s.play(t, scenario{path: list[1], by: third, form: form, status: 303,
		want: map[string]string{"Location": "/staff/sessions"}})
	s.play(t, scenario{path: "/people", by: second, status: 303})
	s.play(t, scenario{path: "/people", by: first, status: 200})
	s.play(t, scenario{name: "once more", path: list[1], by: third, form: form, status: 303,
		want: map[string]string{"Location": "/staff/sessions"}})
	for _, id := range []string{"x", "00000000-0000-0000-0000-00000000000G", strings.ToUpper(list[1][16:52])} {
		s.play(t, scenario{name: id, path: "/staff/sessions/" + id + "/end", by: third, form: form, status: 404})
	}

	s.play(t, scenario{path: "/staff/sessions/end-others", by: third, form: form, status: 303,
		want: map[string]string{"Location": "/staff/sessions"}})
	s.play(t, scenario{path: "/people", by: first, status: 303})
	a = s.play(t, scenario{path: "/staff/sessions", by: third, status: 200, hasNot: []string{"End all other sessions"}})
	list = ends(a.body)
	if len(list) != 1 {
		t.Fatalf("the sessions that are left: %q", list)
	}
	s.play(t, scenario{name: "its own", path: list[0], by: third, form: form, status: 303,
		want: map[string]string{"Location": "/staff/sign-in", "Clear-Site-Data": `"cache"`}})
	s.play(t, scenario{path: "/people", by: third, status: 303})
}

// A cookie that was copied is worth nothing once its owner has signed out, or signed in anew.
func TestSigningOutEndsCopies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	s.play(t, scenario{path: "/staff/sign-out", by: by, form: url.Values{"csrf": {by.token}}, status: 303})
	s.play(t, scenario{path: "/people", by: by, status: 303})

	by = s.signIn(t)
	a := s.play(t, scenario{path: "/staff/sign-in", by: by, form: url.Values{"key": {siteSecret}}, status: 303})
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || cookie.Value == by.cookie.Value {
		t.Fatalf("a sign-in with a session answers %q, %v", a.header.Get("Set-Cookie"), err)
	}
	s.play(t, scenario{path: "/people", by: by, status: 303})
	s.play(t, scenario{path: "/people", by: &member{cookie: cookie}, status: 200})
	a = s.play(t, scenario{name: "a wrong key", path: "/staff/sign-in", by: &member{cookie: cookie},
		form: url.Values{"key": {"wrong"}}, status: 401})
	s.play(t, scenario{name: "after a wrong key", path: "/people", by: &member{cookie: cookie}, status: 200})
}

// failingSessions is a store that is down as soon as it is told so.
type failingSessions struct {
	staff.Store
	down, readOnly bool
	// accountsDown: it answers for sessions alone.
	accountsDown bool
}

func (f *failingSessions) account(ctx context.Context) error {
	if f.accountsDown {
		return dossier.Unavailable(ctx, "asking for an account", errors.New(innards))
	}
	return f.fault(ctx, false)
}

func (f *failingSessions) AccountAt(ctx context.Context, address string) (staff.Record, error) {
	if err := f.account(ctx); err != nil {
		return staff.Record{}, err
	}
	return f.Store.AccountAt(ctx, address)
}

func (f *failingSessions) AccountByLink(ctx context.Context, link [sha256.Size]byte) (staff.Record, error) {
	if err := f.account(ctx); err != nil {
		return staff.Record{}, err
	}
	return f.Store.AccountByLink(ctx, link)
}

func (f *failingSessions) Accounts(ctx context.Context) ([]staff.Account, error) {
	if err := f.account(ctx); err != nil {
		return nil, err
	}
	return f.Store.Accounts(ctx)
}

func (f *failingSessions) AnyLocal(ctx context.Context) (bool, error) {
	if err := f.account(ctx); err != nil {
		return false, err
	}
	return f.Store.AnyLocal(ctx)
}

func (f *failingSessions) Administered(ctx context.Context) (bool, error) {
	if err := f.account(ctx); err != nil {
		return false, err
	}
	return f.Store.Administered(ctx)
}

func (f *failingSessions) fault(ctx context.Context, write bool) error {
	if f.down || write && f.readOnly {
		return dossier.Unavailable(ctx, "asking for a session", errors.New(innards))
	}
	return nil
}

func (f *failingSessions) AddSession(ctx context.Context, one staff.Session) error {
	if err := f.fault(ctx, true); err != nil {
		return err
	}
	return f.Store.AddSession(ctx, one)
}

func (f *failingSessions) Actor(ctx context.Context, token [sha256.Size]byte) (staff.Actor, error) {
	if err := f.fault(ctx, false); err != nil {
		return staff.Actor{}, err
	}
	return f.Store.Actor(ctx, token)
}

func (f *failingSessions) SeeSession(ctx context.Context, id staff.SessionID, at time.Time) error {
	if err := f.fault(ctx, true); err != nil {
		return err
	}
	return f.Store.SeeSession(ctx, id, at)
}

func (f *failingSessions) Sessions(ctx context.Context, of staff.AccountID) ([]staff.Session, error) {
	if err := f.fault(ctx, false); err != nil {
		return nil, err
	}
	return f.Store.Sessions(ctx, of)
}

func (f *failingSessions) EndSession(ctx context.Context, id staff.SessionID, of staff.AccountID) (bool, error) {
	if err := f.fault(ctx, true); err != nil {
		return false, err
	}
	return f.Store.EndSession(ctx, id, of)
}

func (f *failingSessions) EndOthers(ctx context.Context, except staff.SessionID, of staff.AccountID) (int, error) {
	if err := f.fault(ctx, true); err != nil {
		return 0, err
	}
	return f.Store.EndOthers(ctx, except, of)
}

func (f *failingSessions) ForgetSessions(ctx context.Context, began, seen time.Time) error {
	if err := f.fault(ctx, true); err != nil {
		return err
	}
	return f.Store.ForgetSessions(ctx, began, seen)
}

// With the store of sessions down nobody is in, and nobody is signed out: the same cookie works again afterwards.
func TestSessionStoreDown(t *testing.T) {
	f := &failingSessions{}
	s := newSite(t, func(o *Options) { f.Store, o.Staff = o.Staff, f })
	by := s.signIn(t)
	_, files := s.submit(t, "Ada", upload{"a.txt", "secret content"})
	token := url.Values{"csrf": {by.token}}
	f.down = true
	for _, route := range s.staffRoutes(files[0]) {
		c := scenario{method: route[0], path: route[1], by: by, status: 503,
			hasNot: []string{"Ada", "secret content", innards},
			want:   map[string]string{"Set-Cookie": "", "Retry-After": retryAfter}}
		if route[0] == http.MethodPost {
			c.form = token
		}
		s.play(t, c)
	}
	s.play(t, scenario{name: "sign in", path: "/staff/sign-in", form: url.Values{"key": {siteSecret}}, status: 503})
	s.play(t, scenario{name: "the form", path: "/", by: by, status: 200, has: []string{"Staff sign-in"}})
	s.play(t, scenario{name: "the sign-in", path: "/staff/sign-in", by: by, status: 200})

	// Of a store that only reads, those who are signed in can look, until they have not been seen for too long.
	f.down, f.readOnly = false, true
	s.clock.advance(staff.DefaultIdle / 2)
	s.play(t, scenario{name: "a store that only reads", path: "/people", by: by, status: 200})
	s.play(t, scenario{name: "sign out", path: "/staff/sign-out", by: by, form: token, status: 503,
		want: map[string]string{"Set-Cookie": ""}})
	f.readOnly = false
	s.play(t, scenario{name: "all is well", path: "/people", by: by, status: 200})
	s.play(t, scenario{name: "sign out at last", path: "/staff/sign-out", by: by, form: token, status: 303})
	s.play(t, scenario{name: "signed out", path: "/people", by: by, status: 303})
}

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		"": "Unknown browser",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 " +
			"Safari/537.36": "Chrome on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
			"Version/18.5 Mobile/15E148 Safari/604.1": "Safari on iOS",
		"curl/8.5.0": "curl",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("%q is called %q, want %q", agent, got, want)
		}
	}
}

// Whoever finds a session open ends no other one with it: that takes proof once the sign-in is long ago.
func TestEndingSessionsAsksForProof(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	account := s.addAccount(t, staff.Viewer)
	by, other := s.as(t, account.ID), s.as(t, account.ID)
	all := ends(s.play(t, scenario{path: "/staff/sessions", by: by, status: 200}).body)
	s.clock.advance(proofAge)
	for _, path := range append(all, "/staff/sessions/end-others") {
		s.play(t, scenario{path: path, by: by, form: url.Values{"csrf": {by.token}}, status: 303,
			want: map[string]string{"Location": "/staff/proof?next=%2Fstaff%2Fsessions"}})
	}
	s.play(t, scenario{path: "/people", by: other, status: 200})
	fresh := s.as(t, account.ID)
	s.play(t, scenario{path: "/staff/sessions/end-others", by: fresh, form: url.Values{"csrf": {fresh.token}},
		status: 303})
	s.play(t, scenario{path: "/people", by: other, status: 303})
	s.play(t, scenario{name: "signing out needs none", path: "/staff/sign-out", by: fresh,
		form: url.Values{"csrf": {fresh.token}}, status: 303, want: map[string]string{"Location": "/staff/sign-in"}})
}

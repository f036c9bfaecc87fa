package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/staff"
)

// signInAs signs a member of the staff in with an account.
func (s *site) signInAs(t *testing.T, a staff.Account) *member {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(t.Context())
	cookie, _, err := s.server.sessions.begin(r, a.ID, "192.0.2.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(cookie)
	actor, ok, err := s.server.sessions.of(r)
	if !ok || err != nil || actor.Account.ID != a.ID {
		t.Fatalf("a new session is %+v, %t, %v", actor, ok, err)
	}
	return &member{cookie: cookie, token: s.server.sessions.token(actor.Session)}
}

var tokenOnPage = regexp.MustCompile(`dossier_pat_[a-z2-7]{58}`)

// revokes returns the paths on a page of tokens that revoke them, in its order.
func revokes(body string) (paths []string) {
	for part := range strings.SplitSeq(body, `action="`) {
		if path, _, found := strings.Cut(part, `"`); found && strings.HasSuffix(path, "/revoke") {
			paths = append(paths, path)
		}
	}
	return paths
}

// A token is made on the page, shown once, works, is listed with its last use, and is revoked.
func TestTokenIsMadeAndRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ada, grace := s.account(t, "Ada", staff.Editor), s.account(t, "Grace", staff.Administrator)
	by, other, boss := s.signInAs(t, ada), s.signInAs(t, s.account(t, "Eve", staff.Editor)), s.signInAs(t, grace)
	s.play(t, scenario{path: "/staff/tokens", by: by, status: 200,
		has: []string{"Create a token", `value="90"`, "(trash)"}, hasNot: []string{"(export)", "Owner"}})
	form := func(by *member, name, days string, scopes ...string) url.Values {
		return url.Values{"csrf": {by.token}, "name": {name}, "days": {days}, "scopes": scopes}
	}
	a := s.play(t, scenario{path: "/staff/tokens", by: by, form: form(by, "nightly  <export>", "30", "trash", "read"),
		status: 200, has: []string{"nightly &lt;export&gt;", "read, trash", "Never", "not shown again"},
		want: map[string]string{"Cache-Control": "no-store"}})
	token := tokenOnPage.FindString(a.body)
	if token == "" || strings.Count(a.body, token) != 1 {
		t.Fatalf("the page has no token, or it stands there twice:\n%s", a.body)
	}
	s.play(t, scenario{name: "a reload makes no second one", path: "/staff/tokens", by: by,
		form: form(by, "nightly <export>", "30", "trash", "read"), status: 422, has: []string{"already have a token"}})
	s.clock.advance(20 * time.Minute)
	s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(token), status: 200})
	list := s.play(t, scenario{path: "/staff/tokens", by: by, status: 200,
		has: []string{momentOf(s.clock.now()).Text,
			momentOf(s.clock.now().Add(30*24*time.Hour - 20*time.Minute)).Text},
		hasNot: []string{token, "Never"}})
	paths := revokes(list.body)
	if len(paths) != 1 {
		t.Fatalf("it is listed as %q", paths)
	}
	s.play(t, scenario{name: "others see nothing", path: "/staff/tokens", by: other, status: 200,
		hasNot: []string{"nightly"}})
	s.play(t, scenario{name: "others revoke nothing", path: paths[0], by: other,
		form: url.Values{"csrf": {other.token}}, status: 404})
	s.play(t, scenario{name: "an administrator sees it", path: "/staff/tokens", by: boss, status: 200,
		has: []string{"nightly", "Owner", "Ada"}})
	s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(token), status: 200})

	s.play(t, scenario{path: paths[0], by: by, form: url.Values{"csrf": {by.token}}, status: 303,
		want: map[string]string{"Location": "/staff/tokens"}})
	s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(token), status: 401})
	s.play(t, scenario{name: "again", path: paths[0], by: by, form: url.Values{"csrf": {by.token}}, status: 404,
		has: []string{"This token is not here"}})

	a = s.play(t, scenario{path: "/staff/tokens", by: by, form: form(by, "second", "1", "read"), status: 200})
	second := tokenOnPage.FindString(a.body)
	s.play(t, scenario{name: "an administrator revokes it", path: revokes(a.body)[0], by: boss,
		form: url.Values{"csrf": {boss.token}}, status: 303})
	s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(second), status: 401})
	s.clock.advance(proofAge)
	s.play(t, scenario{name: "whoever signed in long ago proves it again", path: "/staff/tokens", by: by,
		form: form(by, "third", "1", "read"), status: 303,
		want: map[string]string{"Location": "/staff/proof?next=%2Fstaff%2Ftokens"}})
	s.play(t, scenario{path: "/staff/tokens", by: by, status: 200, hasNot: []string{"third"}})
	if strings.Contains(s.log.String(), token) || strings.Contains(s.log.String(), second) {
		t.Error("the log holds a token")
	}
}

// What the form refuses, and that nothing comes of it.
func TestTokenFormRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.account(t, "Ada", staff.Viewer)
	by := s.signInAs(t, a)
	for name, c := range map[string]struct {
		name, days string
		scopes     []string
		status     int
		has        string
	}{
		"no name":                    {" ", "90", []string{"read"}, 422, "Enter a name"},
		"a long name":                {strings.Repeat("é", 101), "90", []string{"read"}, 422, "at most 100"},
		"a name with controls":       {"a\x00b", "90", []string{"read"}, 422, "control characters"},
		"a name that turns around":   {"a\u202eb", "90", []string{"read"}, 422, "that nobody sees"},
		"a name that drives screens": {"a\u009b31mb", "90", []string{"read"}, 422, "control characters"},
		"no scope":                   {"a", "90", nil, 422, "Choose what"},
		"a scope that is none":       {"a", "90", []string{"read", "all"}, 400, "damaged"},
		"another role's scope":       {"a", "90", []string{"read", "trash"}, 422, "does not allow the scope trash"},
		"an export":                  {"a", "90", []string{"export"}, 422, "does not allow the scope export"},
		"no days":                    {"a", "", []string{"read"}, 422, "1 to 365"},
		"0 days":                     {"a", "0", []string{"read"}, 422, "1 to 365"},
		"366 days":                   {"a", "366", []string{"read"}, 422, "1 to 365"},
		"days that are none":         {"a", "ninety", []string{"read"}, 422, `value="ninety"`},
		"fractions":                  {"a", "1.5", []string{"read"}, 422, "1 to 365"},
		"for ever":                   {"a", "9223372036854775807", []string{"read"}, 422, "1 to 365"},
	} {
		s.play(t, scenario{name: name, path: "/staff/tokens", by: by, form: url.Values{"csrf": {by.token},
			"name": {c.name}, "days": {c.days}, "scopes": c.scopes}, status: c.status, has: []string{c.has}})
	}
	list := func() []staff.Token {
		t.Helper()
		all, err := s.server.tokens.List(t.Context(), staff.Actor{Account: a})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if all := list(); len(all) != 0 {
		t.Errorf("a refused form made %v", all)
	}
	for range staff.MaxTokensEach {
		s.tokenOf(t, a, 1, staff.ScopeRead)
	}
	s.play(t, scenario{name: "one too many", path: "/staff/tokens", by: by, form: url.Values{"csrf": {by.token},
		"name": {"a"}, "days": {"1"}, "scopes": {"read"}}, status: 409, has: []string{"20 tokens"}})
	if all := list(); len(all) != staff.MaxTokensEach {
		t.Errorf("there are %d", len(all))
	}
	// What expired a month ago makes room by itself.
	s.clock.advance(32 * 24 * time.Hour)
	by = s.signInAs(t, a)
	s.play(t, scenario{path: "/staff/tokens", by: by, status: 200, has: []string{"Expired"}})
}

// Whoever signed in with the shared key has no account that a token could belong to.
func TestSharedKeyMakesNoToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, one := s.tokenOf(t, s.account(t, "Ada", staff.Viewer), 1, staff.ScopeRead)
	by := s.signIn(t)
	s.play(t, scenario{path: "/staff/tokens", by: by, status: 200, has: []string{"You need an account", one.Name},
		hasNot: []string{"Create token"}})
	s.play(t, scenario{path: "/staff/tokens", by: by, form: url.Values{"csrf": {by.token}, "name": {"a"}, "days": {"1"},
		"scopes": {"read"}}, status: 403, has: []string{"an account of your own"}})
	s.play(t, scenario{name: "revokes", path: "/staff/tokens/" + one.ID.String() + "/revoke", by: by,
		form: url.Values{"csrf": {by.token}}, status: 303})
}

// Of a token that was made, the text is shown also where the list cannot be read any more. Where that is before it is
// known that it may be there, there is none.
func TestTokenIsShownThoughTheListFails(t *testing.T) {
	f := &listsSome{}
	s := newSite(t, func(o *Options) { f.Store, o.Staff = o.Staff, f })
	ada := s.account(t, "Ada", staff.Viewer)
	by := s.signInAs(t, ada)
	f.lists = 1
	s.play(t, scenario{path: "/staff/tokens", by: by, form: url.Values{"csrf": {by.token}, "name": {"a"},
		"days": {"1"}, "scopes": {"read"}}, status: 503, hasNot: []string{innards}})
	if left, err := f.Store.TokensOf(t.Context(), ada.ID); err != nil || len(left) > 0 {
		t.Errorf("a token that nobody was told of: %+v, %v", left, err)
	}
	f.lists = 2
	a := s.play(t, scenario{path: "/staff/tokens", by: by, form: url.Values{"csrf": {by.token}, "name": {"a"},
		"days": {"1"}, "scopes": {"read"}}, status: 200, hasNot: []string{innards}})
	s.play(t, scenario{path: api.Prefix + "/staff/people", header: bearerOf(tokenOnPage.FindString(a.body)),
		status: 200})
}

// listsSome is a store of tokens that lists so many times more, where that is not zero, and then is down.
type listsSome struct {
	staff.Store
	lists int
}

func (f *listsSome) TokensOf(ctx context.Context, a staff.AccountID) ([]staff.Token, error) {
	switch {
	case f.lists > 1:
		f.lists--
	case f.lists == 1:
		f.lists = -1
	case f.lists < 0:
		return nil, dossier.Unavailable(ctx, "listing tokens", errors.New(innards))
	}
	return f.Store.TokensOf(ctx, a)
}

package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"dossier.example/app/staff"
)

const goodPassword = "four words are better than one"

// accountHolder is a member of the staff who has accepted an invitation.
type accountHolder struct {
	staff.Account
	secret   []byte
	recovery []string
	device   *http.Cookie
}

// code returns the code that a member's app shows a minute later, so that it was not used before.
func (m *accountHolder) code(s *site) string {
	s.clock.advance(time.Minute)
	return codeAt(m.secret, s.clock.now())
}

// codeAt returns the code that an authenticator app shows (RFC 6238).
func codeAt(secret []byte, at time.Time) string {
	h := hmac.New(sha1.New, secret)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := h.Sum(nil)
	from := sum[19] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[from:from+4])&(1<<31-1)%1_000_000)
}

// secretOf returns the secret of codes that a page shows.
func secretOf(t *testing.T, page string) []byte {
	t.Helper()
	for n := range parseDocument(t, page).all("code") {
		if attrOf(n, "class") == "secret" {
			secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(textOf(n),
				" ", ""))
			if err != nil {
				t.Fatal(err)
			}
			return secret
		}
	}
	t.Fatalf("no secret in\n%s", page)
	return nil
}

// joined has somebody join by the pages.
func (s *site) joined(t *testing.T, role staff.Role) *accountHolder {
	t.Helper()
	account, link, err := s.server.accounts.Invite(t.Context(), staff.Invitation{Name: "Grace Hopper",
		Address: "grace@site.example", Role: role})
	if err != nil {
		t.Fatal(err)
	}
	m, a := s.accept(t, link, nil)
	if a.status != http.StatusOK {
		t.Fatalf("accepting is answered with %d:\n%s", a.status, a.body)
	}
	m.ID = account.ID
	return m
}

// accept goes the way of a link, and fills in what the form asks for and then what change says.
func (s *site) accept(t *testing.T, link string, change url.Values) (*accountHolder, answer) {
	t.Helper()
	a := s.play(t, scenario{path: invitationPath, form: url.Values{"link": {s.url + invitationPath + "#" + link}},
		status: 200})
	m := &accountHolder{secret: secretOf(t, a.body)}
	form := url.Values{"link": {fieldValue(t, a.body, "link")}, "name": {fieldValue(t, a.body, "name")},
		"enrollment": {fieldValue(t, a.body, "enrollment")}, "password": {goodPassword},
		"code": {codeAt(m.secret, s.clock.now())}}
	for name, values := range change {
		form[name] = values
	}
	b := s.ask(t, scenario{path: invitationPath + "/accept", form: form})
	for n := range parseDocument(t, b.body).all("textarea") {
		m.recovery = strings.Fields(textOf(n))
	}
	for _, text := range b.header.Values("Set-Cookie") {
		if cookie, err := http.ParseSetCookie(text); err == nil && cookie.Name == "dossier_device" {
			m.device = cookie
		}
	}
	m.Address = "grace@site.example"
	return m, b
}

func TestAccountByInvitation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	admin := s.as(t, s.addAccount(t, staff.Administrator).ID)
	invite := scenario{path: "/staff/accounts", by: admin, form: url.Values{"csrf": {admin.token}, "name": {"Grace"},
		"address": {"grace"}, "role": {"editor"}}}
	invite.status, invite.has = 422, []string{"Enter an address such as ada@site.example", `value="Grace"`}
	s.play(t, invite)
	invite.form.Set("role", "owner")
	invite.form.Set("address", "grace@site.example")
	invite.status, invite.has = 422, []string{"A role is one of"}
	s.play(t, invite)
	invite.form.Set("role", "editor")
	invite.status, invite.has = 200, []string{"Link for", s.url + invitationPath + "#", "3 days"}
	a := s.play(t, invite)
	_, link, _ := strings.Cut(a.body, invitationPath+"#")
	link = link[:43]
	s.play(t, scenario{path: invitationPath, status: 200, want: map[string]string{"Cache-Control": "no-store"}})
	for _, bad := range []string{"", "x", link[:42], strings.Repeat("A", 43)} {
		s.play(t, scenario{name: "link " + bad, path: invitationPath, form: url.Values{"link": {bad}}, status: 409,
			has: []string{"used already, replaced by a newer one, or is incomplete"}})
	}
	// What is wrong is said, the secret stays, and the link is not used up.
	_, b := s.accept(t, link, url.Values{"password": {"password1"}, "code": {"000000"}, "name": {" "}})
	if b.status != 422 || !strings.Contains(b.body, "among the first that attackers try") ||
		!strings.Contains(b.body, "not the code that the app shows") || !strings.Contains(b.body, "Enter a name") {
		t.Errorf("bad fields are answered with %d:\n%s", b.status, b.body)
	}
	if strings.Contains(b.body, "password1") {
		t.Error("the page repeats a password")
	}
	m, b := s.accept(t, link, nil)
	if b.status != 200 || len(m.recovery) != staff.RecoveryCodes || m.device == nil {
		t.Fatalf("accepting is answered with %d, %d recovery codes, %v", b.status, len(m.recovery), m.device)
	}
	s.play(t, scenario{name: "used", path: invitationPath, form: url.Values{"link": {link}}, status: 409,
		has: []string{"used already"}})

	// The page signs her in, and she signs in again with what she has.
	form := url.Values{"address": {"Grace@Site.example"}, "password": {goodPassword}, "code": {m.code(s)},
		"next": {"/people?q=x"}}
	a = s.play(t, scenario{path: "/staff/sign-in", form: form, status: 303,
		want: map[string]string{"Location": "/people?q=x"}})
	s.play(t, scenario{name: "the same code", path: "/staff/sign-in", form: form, status: 401,
		has: []string{"The address, the password or the code is wrong", "Grace@Site.example"}})
	form.Set("code", m.recovery[0])
	s.play(t, scenario{name: "a recovery code", path: "/staff/sign-in", form: form, status: 303})
	s.play(t, scenario{name: "the same recovery code", path: "/staff/sign-in", form: form, status: 401})
	for name, change := range map[string]url.Values{"unknown": {"address": {"eve@site.example"}},
		"wrong password": {"password": {"wrong"}}, "nothing": {"address": {""}, "password": {""}, "code": {""}}} {
		with := url.Values{"address": form["address"], "password": form["password"], "code": {m.code(s)}}
		for field, values := range change {
			with[field] = values
		}
		s.play(t, scenario{name: name, path: "/staff/sign-in", form: with, status: 401,
			has: []string{"The address, the password or the code is wrong"}, want: map[string]string{"Set-Cookie": ""}})
	}
	for _, secret := range append(m.recovery, goodPassword, link, string(m.secret)) {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// The shared key makes the first administrator, and then opens nothing.
func TestFirstAdministratorByKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.play(t, scenario{path: "/staff/sign-in", status: 200, has: []string{"Access key"}, hasNot: []string{"Password"}})
	a := s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {siteSecret}, "next": {"/staff/first"}},
		status: 303, want: map[string]string{"Location": "/staff/first"}})
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	by := &member{cookie: cookie}
	s.play(t, scenario{path: "/people", by: by, status: 200, has: []string{"signed in with the shared key",
		"/staff/first"}})
	s.play(t, scenario{path: "/staff/account", by: by, status: 303,
		want: map[string]string{"Location": "/staff/first"}})
	a = s.play(t, scenario{path: "/staff/first", by: by, status: 200})
	secret := secretOf(t, a.body)
	form := url.Values{"csrf": {fieldValue(t, a.body, "csrf")}, "id": {fieldValue(t, a.body, "id")}, "name": {"Ada"},
		"address": {"ada"}, "password": {goodPassword}, "enrollment": {fieldValue(t, a.body, "enrollment")},
		"code": {codeAt(secret, s.clock.now())}}
	a = s.play(t, scenario{path: "/staff/first", by: by, form: form, status: 422,
		has: []string{"Enter an address such as"}})
	if string(secretOf(t, a.body)) != string(secret) {
		t.Error("a fault changes the secret")
	}
	form.Set("id", "x")
	s.play(t, scenario{path: "/staff/first", by: by, form: form, status: 400})
	form.Set("id", fieldValue(t, a.body, "id"))
	form.Set("address", "ada@site.example")
	late := s.as(t, staff.AccountID{})
	s.play(t, scenario{path: "/staff/first", by: by, form: form, status: 200, has: []string{"Your account is ready",
		"My account", "Accounts"}, hasNot: []string{"shared key"}})
	s.play(t, scenario{name: "the session of the key", path: "/people", by: by, status: 303})
	s.play(t, scenario{name: "another one", path: "/people", by: late, status: 303})
	s.play(t, scenario{name: "the key", path: "/staff/sign-in", form: url.Values{"key": {siteSecret}}, status: 409,
		has: []string{"the shared key no longer works"}, want: map[string]string{"Set-Cookie": ""}})
	s.play(t, scenario{name: "the sign-in page", path: "/staff/sign-in", status: 200, has: []string{"Password", "Code"},
		hasNot: []string{"Access key"}})
}

// Over plain HTTP from another machine nothing is said that others could read.
func TestPlainPasswords(t *testing.T) {
	t.Parallel()
	trusted := func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	for _, c := range []struct {
		name    string
		change  func(*Options)
		client  string
		refused bool
	}{
		{"another machine", nil, "192.0.2.7", true},
		{"another machine, IPv6", nil, "2001:db8::7", true},
		{"this machine", nil, "127.0.0.1", false},
		{"this machine, IPv6", nil, "::1", false},
		{"another machine by HTTPS", func(o *Options) { o.PublicURL = "https://dossier.example" }, "192.0.2.7", false},
		{"allowed", func(o *Options) { o.PlainPasswords = true }, "192.0.2.7", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, trusted, func(o *Options) {
				if c.change != nil {
					c.change(o)
				}
			})
			s.addAccount(t, staff.Administrator)
			header := map[string]string{"X-Forwarded-For": c.client}
			_, link, err := s.server.accounts.Invite(t.Context(), staff.Invitation{Name: "Grace",
				Address: "grace@site.example", Role: staff.Viewer})
			if err != nil {
				t.Fatal(err)
			}
			page := s.play(t, scenario{path: "/staff/sign-in", header: header, status: 200})
			if got := strings.Contains(page.body, "not encrypted"); got != c.refused ||
				strings.Contains(page.body, `name="password"`) == c.refused {
				t.Errorf("the sign-in page says so: %v, want %v", got, c.refused)
			}
			want := map[bool]int{true: 403, false: 401}[c.refused]
			s.play(t, scenario{path: "/staff/sign-in", header: header, status: want,
				form: url.Values{"address": {"grace@site.example"}, "password": {"x"}, "code": {"x"}}})
			opened := s.play(t, scenario{path: invitationPath, header: header, form: url.Values{"link": {link}},
				status: 200})
			if strings.Contains(opened.body, `name="password"`) == c.refused {
				t.Error("the page of a link asks for a password where none is taken, or does not where one is")
			}
			want = map[bool]int{true: 403, false: 422}[c.refused]
			s.play(t, scenario{path: invitationPath + "/accept", header: header, form: url.Values{"link": {link}},
				status: want})
		})
	}
}

func TestOwnAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addAccount(t, staff.Administrator)
	m := s.joined(t, staff.Viewer)
	by, other := s.as(t, m.ID), s.as(t, m.ID)
	csrf := by.token
	s.play(t, scenario{path: "/staff/account", by: by, status: 200, has: []string{"Grace Hopper", "grace@site.example"},
		hasNot: []string{"/staff/accounts"}})
	s.play(t, scenario{path: "/staff/account/name", by: by, form: url.Values{"csrf": {csrf}, "name": {" "}},
		status: 422,
		has:    []string{"Enter a name"}})
	s.play(t, scenario{path: "/staff/account/name", by: by, form: url.Values{"csrf": {csrf}, "name": {"Grace H."}},
		status: 303})
	s.play(t, scenario{path: "/staff/account", by: by, status: 200, has: []string{"Grace H."}})

	password := url.Values{"csrf": {csrf}, "current": {"wrong"}, "code": {m.code(s)},
		"password": {"another few good words"}}
	s.play(t, scenario{path: "/staff/account/password", by: by, form: password, status: 401,
		has: []string{"The password was not changed"}})
	password.Set("current", goodPassword)
	password.Set("password", "grace")
	s.play(t, scenario{path: "/staff/account/password", by: by, form: password, status: 422,
		has: []string{"at least 8"}})
	password.Set("password", "another few good words")
	a := s.play(t, scenario{path: "/staff/account/password", by: by, form: password, status: 303,
		want: map[string]string{"Location": "/staff/account"}})
	s.play(t, scenario{name: "another session", path: "/people", by: other, status: 303})
	s.play(t, scenario{name: "the session before", path: "/people", by: by, status: 303})
	var renewed *http.Cookie
	for _, text := range a.header.Values("Set-Cookie") {
		if cookie, err := http.ParseSetCookie(text); err == nil && cookie.Name == by.cookie.Name {
			renewed = cookie
		}
	}
	by = &member{cookie: renewed}
	a = s.play(t, scenario{path: "/staff/account/codes", by: by, status: 200})
	secret := secretOf(t, a.body)
	codes := url.Values{"csrf": {fieldValue(t, a.body, "csrf")}, "enrollment": {fieldValue(t, a.body, "enrollment")},
		"code": {"000000"}}
	s.play(t, scenario{path: "/staff/account/codes", by: by, form: codes, status: 422, has: []string{"not the code"}})
	codes.Set("code", codeAt(secret, s.clock.now()))
	s.play(t, scenario{path: "/staff/account/codes", by: by, form: codes, status: 200,
		has: []string{"New recovery codes"}})
	old := m.code(s)
	form := url.Values{"address": {m.Address}, "password": {"another few good words"}, "code": {old}}
	s.play(t, scenario{name: "a code of the old app", path: "/staff/sign-in", form: form, status: 401})
	form.Set("code", codeAt(secret, s.clock.now()))
	s.play(t, scenario{name: "a code of the new app", path: "/staff/sign-in", form: form, status: 303})
}

// A reset of the password alone asks for the second factor; the one that replaces it says so.
func TestAccountResetThatKeepsCodes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.as(t, s.addAccount(t, staff.Administrator).ID)
	m := s.joined(t, staff.Editor)
	page := accountPath(m.ID)
	s.play(t, scenario{path: page, by: by, status: 200, has: []string{`name="keep" value="codes"`, ">Reset password<",
		"needs no second factor"}})
	a := s.play(t, scenario{path: page + "/link", by: by, form: url.Values{"csrf": {by.token}, "keep": {"codes"}},
		status: 200, has: []string{"Link for", "1 day"}})
	if got := s.recordedBy(t, a); !strings.HasSuffix(got[len(got)-1], ": password") {
		t.Errorf("the trail has %q", got)
	}
	_, link, _ := strings.Cut(a.body, invitationPath+"#")
	link, _, _ = strings.Cut(link, "<")
	open := scenario{path: invitationPath, form: url.Values{"link": {link}}, status: 200,
		has: []string{"Your codes\n      stay", "or a recovery code"}, hasNot: []string{"QR code", `name="name"`}}
	s.play(t, open)
	form := url.Values{"link": {link}, "password": {"another few good words"}, "code": {"000000"}}
	accept := scenario{path: invitationPath + "/accept", form: form, status: 422,
		has: []string{"neither the code that your authenticator app shows now"}, hasNot: []string{"QR code"}}
	s.play(t, accept)
	for range 12 {
		a = s.ask(t, scenario{path: accept.path, form: form})
	}
	if a.status != 429 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "Too many codes were wrong.") {
		t.Errorf("after many wrong codes: %d, %q", a.status, a.body)
	}
	s.clock.advance(time.Hour)
	form.Set("code", m.code(s))
	accept.status, accept.has, accept.want = 303, nil, map[string]string{"Location": "/people"}
	a = s.play(t, accept)
	var cookies []string
	for _, text := range a.header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(text, ";")
		cookies = append(cookies, pair)
	}
	s.play(t, scenario{name: "signed in", path: "/people", status: 200, has: []string{"Your password was changed."},
		header: map[string]string{"Cookie": strings.Join(cookies, "; ")}})
	signIn := url.Values{"address": {m.Address}, "password": {goodPassword}, "code": {m.code(s)}}
	s.play(t, scenario{name: "the former password", path: "/staff/sign-in", form: signIn, status: 401})
	signIn.Set("password", "another few good words")
	signIn.Set("code", m.code(s))
	s.play(t, scenario{name: "the new password", path: "/staff/sign-in", form: signIn, status: 303})
	open.status, open.has = 409, []string{"used already"}
	s.play(t, open)
}

func TestAccountsAreAdministered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	own := s.addAccount(t, staff.Administrator)
	by := s.as(t, own.ID)
	other := s.addAccount(t, staff.Viewer)
	theirs := s.as(t, other.ID)
	page := accountPath(other.ID)
	do := func(what string, form url.Values, status int, has ...string) answer {
		t.Helper()
		form.Set("csrf", by.token)
		return s.play(t, scenario{path: page + what, by: by, form: form, status: status, has: has})
	}
	s.play(t, scenario{path: "/staff/accounts", by: by, status: 200, has: []string{page, other.Address, "Viewer"}})
	do("/role", url.Values{"role": {"owner"}}, 422)
	do("/role", url.Values{"role": {"editor"}}, 303)
	s.play(t, scenario{name: "a session of another role", path: "/people", by: theirs, status: 303})
	s.play(t, scenario{path: page, by: by, status: 200, has: []string{"Editor"}})
	do("/link", url.Values{}, 200, "Link for", "1 day")
	do("/suspend", url.Values{}, 303)
	s.play(t, scenario{path: page, by: by, status: 200, has: []string{"Suspended", "Resume"},
		hasNot: []string{page + "/link"}})
	do("/link", url.Values{}, 409, "Resume it first")
	do("/resume", url.Values{}, 303)
	s.play(t, scenario{path: page + "/remove", by: by, status: 200, has: []string{"Remove the account of The viewer?"}})
	do("/remove", url.Values{}, 303)
	s.play(t, scenario{path: page, by: by, status: 404, has: []string{"Account not found", "/staff/accounts"}})
	do("/suspend", url.Values{}, 404)
	page = accountPath(own.ID)
	for _, what := range []string{"/suspend", "/remove"} {
		do(what, url.Values{}, 409, "last active administrator")
	}
	do("/role", url.Values{"role": {"viewer"}}, 409, "last active administrator")
	s.addAccount(t, staff.Administrator)
	do("/role", url.Values{"role": {"viewer"}}, 303)
	s.play(t, scenario{name: "who took their own role away", path: "/people", by: by, status: 303})
}

// The device that a sign-in leaves is known again, and its cookie opens nothing.
func TestDeviceCookie(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.addAccount(t, staff.Administrator)
	m := s.joined(t, staff.Viewer)
	if !m.device.HttpOnly || m.device.SameSite != http.SameSiteLaxMode || m.device.Path != "/" {
		t.Errorf("the cookie is %v", m.device)
	}
	s.play(t, scenario{path: "/people", by: &member{cookie: m.device}, status: 303})
	wrong := url.Values{"address": {m.Address}, "password": {"wrong"}, "code": {"000000"}}
	var a answer
	for a.status != http.StatusTooManyRequests {
		a = s.ask(t, scenario{path: "/staff/sign-in", form: wrong})
		if a.status != 401 && a.status != 429 {
			t.Fatalf("status %d", a.status)
		}
	}
	if a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "Too many sign-ins") {
		t.Errorf("a guesser is answered with\n%s", a.body)
	}
	right := url.Values{"address": {m.Address}, "password": {goodPassword}, "code": {codeAt(m.secret,
		s.clock.now().Add(30*time.Second))}}
	s.play(t, scenario{name: "a strange device", path: "/staff/sign-in", form: right, status: 429})
	s.play(t, scenario{name: "a known device", path: "/staff/sign-in", by: &member{cookie: m.device}, form: right,
		status: 303})
}

// With the store down nobody signs in, and the page says so.
func TestAccountStoreDown(t *testing.T) {
	f := &failingSessions{}
	s := newSite(t, func(o *Options) { f.Store, o.Staff = o.Staff, f })
	m := s.joined(t, staff.Administrator)
	f.accountsDown = true
	form := url.Values{"address": {m.Address}, "password": {goodPassword}, "code": {m.code(s)}}
	s.play(t, scenario{path: "/staff/sign-in", form: form, status: 503, hasNot: []string{innards},
		want: map[string]string{"Set-Cookie": "", "Retry-After": retryAfter}})
	s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {siteSecret}}, status: 503})
	s.play(t, scenario{path: "/staff/sign-in", status: 200, has: []string{"Password", "Access key"}})
	s.play(t, scenario{path: invitationPath, form: url.Values{"link": {strings.Repeat("A", 43)}}, status: 503})
	f.accountsDown = false
	s.play(t, scenario{name: "up again", path: "/staff/sign-in", form: form, status: 303})
}

// racingSessions is a store in which something happens just before a session is added.
type racingSessions struct {
	staff.Store
	before func()
}

func (r *racingSessions) AddSession(ctx context.Context, one staff.Session) error {
	if before := r.before; before != nil {
		r.before = nil
		before()
	}
	return r.Store.AddSession(ctx, one)
}

// What changes an account ends its sessions, and the one that begins at that moment as well.
func TestSignInWhileTheAccountChanges(t *testing.T) {
	race := &racingSessions{}
	s := newSite(t, func(o *Options) { race.Store, o.Staff = o.Staff, race })
	s.addAccount(t, staff.Administrator)
	m := s.joined(t, staff.Editor)
	in := func() url.Values {
		s.clock.advance(time.Minute)
		return url.Values{"address": {m.Address}, "password": {goodPassword}, "code": {m.code(s)}}
	}
	accounts := s.server.accounts
	for name, change := range map[string]func(context.Context) error{
		"another role": func(ctx context.Context) error { return second(accounts.ChangeRole(ctx, m.ID, staff.Viewer)) },
		"suspended and resumed": func(ctx context.Context) error {
			return errors.Join(second(accounts.Suspend(ctx, m.ID)), second(accounts.Resume(ctx, m.ID)))
		},
		"recovered": func(ctx context.Context) error {
			_, _, err := accounts.Recover(ctx, m.ID)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			race.before = func() {
				s.clock.advance(time.Second)
				if err := change(t.Context()); err != nil {
					t.Error(err)
				}
			}
			a := s.play(t, scenario{path: "/staff/sign-in", form: in(), status: 403,
				has: []string{"changed while you signed in"}})
			for _, text := range a.header.Values("Set-Cookie") {
				if strings.HasPrefix(text, "dossier_session=") {
					t.Errorf("the browser gets %s", text)
				}
			}
			if left, err := s.server.sessions.all.All(t.Context(), m.ID); err != nil || len(left) > 0 {
				t.Errorf("there are the sessions %+v, %v", left, err)
			}
			s.play(t, scenario{name: "afterwards", path: "/staff/sign-in", form: in(), status: 303})
			if _, err := s.server.sessions.all.EndOthers(t.Context(), staff.SessionID{}, m.ID); err != nil {
				t.Fatal(err)
			}
		})
	}
	race.before = func() {
		if _, err := accounts.Remove(t.Context(), m.ID); err != nil {
			t.Error(err)
		}
	}
	s.play(t, scenario{name: "removed", path: "/staff/sign-in", form: in(), status: 403})
}

func second[T any](_ T, err error) error { return err }

// noList is a store that lists no accounts.
type noList struct {
	staff.Store
	t *testing.T
}

func (n noList) Accounts(ctx context.Context) ([]staff.Account, error) {
	n.t.Error("all accounts were read")
	return n.Store.Accounts(ctx)
}

// Strangers ask for the sign-in as often as they like: it costs no list of all accounts.
func TestSignInPageListsNoAccounts(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Staff = noList{o.Staff, t} })
	s.play(t, scenario{path: "/staff/sign-in", status: 200, has: []string{"Access key"}, hasNot: []string{"Password"}})
	s.addAccount(t, staff.Administrator)
	s.play(t, scenario{path: "/staff/sign-in", status: 200, has: []string{"Password"}, hasNot: []string{"Access key"}})
	s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {"wrong"}}, status: 401})
	s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"address": {"a@b.example"}, "password": {"wrong"}},
		status: 401})
}

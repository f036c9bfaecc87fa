package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/internal/testissuer"
	"dossier.example/app/issuer"
	"dossier.example/app/staff"
)

// newIssuerSite is newSite with an issuer that people sign in with.
func newIssuerSite(t *testing.T, change ...func(*Options)) (*site, *testissuer.Issuer) {
	t.Helper()
	var at *testissuer.Issuer
	s := newSite(t, append([]func(*Options){func(o *Options) {
		at = testissuer.Start(t, o.PublicURL+callbackPath)
		var err error
		o.Issuer, err = issuer.New(issuer.Options{
			URL: at.URL, Name: "People & Co", ClientID: testissuer.ClientID, ClientSecret: testissuer.ClientSecret,
			RoleClaim: "groups", Roles: []issuer.Grant{{To: "administrators", Role: staff.Administrator}},
			Allow: []issuer.Grant{{To: "people.example"}}, Log: o.Log,
		})
		if err != nil {
			t.Fatal(err)
		}
	}}, change...)...)
	return s, at
}

// visitor is a browser that keeps cookies and follows nothing by itself.
type visitor struct {
	s      *site
	client *http.Client
}

func (s *site) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *s.client
	client.Jar = jar
	return &visitor{s, &client}
}

// get asks for a path, and checks the status.
func (b *visitor) get(t *testing.T, path string, status int) answer {
	t.Helper()
	s := *b.s
	s.client = b.client
	return s.play(t, scenario{path: path, status: status})
}

// cookies returns the browser's cookies by name.
func (b *visitor) cookies(t *testing.T) map[string]string {
	t.Helper()
	u, err := url.Parse(b.s.url)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, c := range b.client.Jar.Cookies(u) {
		all[c.Name] = c.Value
	}
	return all
}

// leave has the browser sent to the issuer, and returns where it is sent from there.
func (b *visitor) leave(t *testing.T, at *testissuer.Issuer, next string) (back string) {
	t.Helper()
	a := b.get(t, issuerPath+"?"+url.Values{"next": {next}}.Encode(), http.StatusSeeOther)
	return at.Visit(t, a.header.Get("Location")).RequestURI()
}

// isIn reports whether somebody is signed in.
func (b *visitor) isIn(t *testing.T) bool {
	t.Helper()
	s := *b.s
	s.client = b.client
	return s.ask(t, scenario{path: "/people"}).status == http.StatusOK
}

func TestIssuerSignIn(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t)
	b := s.visitor(t)
	a := b.get(t, "/staff/sign-in?next=%2Fpeople%3Fq%3Dx", 200)
	for _, want := range []string{"Sign in with People &amp; " +
		"Co", `href="/staff/sign-in/issuer?next=%2fpeople%3fq%3dx"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page has no %q:\n%s", want, a.body)
		}
	}
	a = b.get(t, issuerPath+"?next=%2Fpeople%3Fq%3Dx", http.StatusSeeOther)
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	q := to.Query()
	if q.Get("redirect_uri") != s.url+"/staff/sign-in/issuer/callback" || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 20 ||
		len(q.Get("nonce")) < 20 || q.Get("scope") != "openid profile email" || to.Host == "" {
		t.Errorf("the browser is sent to %s", to)
	}
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 600 ||
		cookie.Path != "/" || cookie.Secure || strings.Contains(cookie.Value, q.Get("state")) {
		t.Errorf("the cookie is %v, error %v", cookie, err)
	}
	if b.isIn(t) {
		t.Error("signed in without the issuer")
	}
	back := at.Visit(t, to.String())
	a = b.get(t, back.RequestURI(), http.StatusSeeOther)
	if got := a.header.Get("Location"); got != "/people?q=x" || !b.isIn(t) {
		t.Errorf("the sign-in leads to %q", got)
	}
	if left := b.cookies(t); len(left) != 1 || left["dossier_session"] == "" {
		t.Errorf("the browser has the cookies %v", left)
	}
	account, err := s.server.accounts.At(t.Context(), "ada@people.example")
	if err != nil || account.Role != staff.Administrator || account.Issuer != at.URL || account.Subject != "ada-1815" ||
		account.Name != "Ada Lovelace" {
		t.Errorf("the account is %+v, error %v", account, err)
	}

	// Going back, reloading, and beginning again lead on for who is signed in.
	for _, path := range []string{back.RequestURI(), issuerPath + "?next=%2Fpeople%3Fq%3Dy"} {
		if a := b.get(t, path, http.StatusSeeOther); !strings.HasPrefix(a.header.Get("Location"), "/people") {
			t.Errorf("%s leads to %q", path, a.header.Get("Location"))
		}
	}
	for _, secret := range []string{back.Query().Get("code"), q.Get("state"), q.Get("nonce"), cookie.Value,
		testissuer.ClientSecret, "ada@people.example"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	for _, next := range evil {
		fresh := s.visitor(t)
		back := fresh.leave(t, at, next)
		if a := fresh.get(t, back, http.StatusSeeOther); a.header.Get("Location") != "/people" {
			t.Errorf("next %q leads to %q", next, a.header.Get("Location"))
		}
	}
}

// A sign-in belongs to the browser that began it, and to one use.
func TestIssuerState(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t)
	const other = "was begun in another browser"
	refused := func(b *visitor, path string) {
		t.Helper()
		a := b.get(t, path, http.StatusForbidden)
		if !strings.Contains(a.body, other) || b.isIn(t) {
			t.Errorf("%s was not refused:\n%s", path, a.body)
		}
	}
	attacker, victim := s.visitor(t), s.visitor(t)
	lure := attacker.leave(t, at, "")
	refused(victim, lure)
	own := victim.leave(t, at, "")
	refused(victim, lure)
	// The state of one with the code of the other.
	state, err := url.Parse(own)
	if err != nil {
		t.Fatal(err)
	}
	code, err := url.Parse(lure)
	if err != nil {
		t.Fatal(err)
	}
	mixed := url.Values{"state": {state.Query().Get("state")}, "code": {code.Query().Get("code")}}
	a := victim.get(t, callbackPath+"?"+mixed.Encode(), http.StatusForbidden)
	if !strings.Contains(a.body, "already used, or took too long") || victim.isIn(t) {
		t.Errorf("a stranger's code was not refused:\n%s", a.body)
	}
	for _, path := range []string{callbackPath, callbackPath + "?state=", callbackPath + "?code=x",
		callbackPath + "?state=a&state=b&code=x", callbackPath + "?state=%00&code=x", callbackPath + "?%zz",
		callbackPath + "?error=access_denied&error_description=" + url.QueryEscape("<b>stranger</b>")} {
		refused(s.visitor(t), path)
	}

	// Too late, by our clock.
	late := s.visitor(t)
	back := late.leave(t, at, "")
	s.clock.advance(issuerTime)
	refused(late, back)

	// The cookie of one sign-in under the name of another, and cookies that were changed.
	b := s.visitor(t)
	first, second := b.leave(t, at, ""), b.leave(t, at, "")
	var cookies []*http.Cookie
	for name, value := range b.cookies(t) {
		cookies = append(cookies, &http.Cookie{Name: name, Value: value})
	}
	if len(cookies) != 2 {
		t.Fatalf("the browser has %d cookies", len(cookies))
	}
	for _, header := range []string{
		fmt.Sprintf("%s=%s; %s=%s", cookies[0].Name, cookies[1].Value, cookies[1].Name, cookies[0].Value),
		fmt.Sprintf("%s=%s; %s=%s", cookies[0].Name, flip(cookies[0].Value, 20), cookies[1].Name,
			flip(cookies[1].Value, 20)),
		fmt.Sprintf("%s=x; %s=", cookies[0].Name, cookies[1].Name),
	} {
		for _, path := range []string{first, second} {
			s.play(t, scenario{path: path, header: map[string]string{"Cookie": header}, status: 403,
				has: []string{other}})
		}
	}
	// Another site with another secret does not open them.
	elsewhere, _ := newIssuerSite(t, func(o *Options) { o.StaffSecret = "another secret of staff" })
	header := fmt.Sprintf("%s=%s; %s=%s", cookies[0].Name, cookies[0].Value, cookies[1].Name, cookies[1].Value)
	elsewhere.play(t, scenario{path: first, header: map[string]string{"Cookie": header}, status: 403,
		has: []string{other}})
	// They were good all the time.
	b.get(t, first, http.StatusSeeOther)
	if !b.isIn(t) {
		t.Error("not signed in")
	}
}

// Tabs sign in independently of each other, and a browser does not gather cookies without end.
func TestIssuerTabs(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t)
	b := s.visitor(t)
	var backs []string
	for i := range 2 {
		backs = append(backs, b.leave(t, at, fmt.Sprintf("/people?q=%d", i)))
	}
	for i := len(backs) - 1; i >= 0; i-- {
		if got, want := b.get(t, backs[i], http.StatusSeeOther).header.Get("Location"),
			fmt.Sprintf("/people?q=%d", i); got != want {
			t.Errorf("tab %d leads to %q", i, got)
		}
	}
	b = s.visitor(t)
	backs = nil
	for range maxPending + 2 {
		backs = append(backs, b.leave(t, at, ""))
		s.clock.advance(time.Second)
	}
	if n := len(b.cookies(t)); n != maxPending {
		t.Errorf("the browser has %d cookies", n)
	}
	b.get(t, backs[1], http.StatusForbidden)
	b.get(t, backs[2], http.StatusSeeOther)

	// Cookies that are over are removed, and a long path does not make one too long for a browser.
	s.clock.advance(issuerTime)
	b = s.visitor(t)
	for _, length := range []int{8000, maxNext - 20} {
		s.clock.advance(issuerTime)
		b.leave(t, at, "/people?q="+strings.Repeat("x", length))
		all := b.cookies(t)
		if len(all) != 1 {
			t.Errorf("the browser has the cookies %v", all)
		}
		for name, value := range all {
			if n := len(name) + len(value); n > 4096-200 {
				t.Errorf("a cookie has %d bytes", n)
			}
		}
	}
}

// What keeps somebody out is told on the sign-in page, in our words.
func TestIssuerRefusals(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t)
	try := func(p testissuer.Person, status int) (*visitor, answer) {
		t.Helper()
		at.SignsIn(p)
		b := s.visitor(t)
		a := b.get(t, b.leave(t, at, ""), status)
		if b.isIn(t) != (status == http.StatusSeeOther) {
			t.Error("signed in, or not, against the status")
		}
		return b, a
	}
	told := func(a answer, words string) {
		t.Helper()
		if !strings.Contains(a.body, words) || !strings.Contains(a.body, "Sign in with People &amp; Co") {
			t.Errorf("%q is not told:\n%s", words, a.body)
		}
	}
	person := func(subject, address string, verified bool, groups ...string) testissuer.Person {
		return testissuer.Person{Subject: subject, Claims: map[string]any{"name": subject, "email": address,
			"email_verified": verified, "groups": groups}}
	}
	_, a := try(person("eve", "eve@elsewhere.example", true), http.StatusForbidden)
	told(a, "People &amp; Co knows you as eve@elsewhere.example, but you have no access to this site")
	_, a = try(person("eve", "eve@people.example", false), http.StatusForbidden)
	told(a, "has not verified that the address eve@people.example is yours")
	_, a = try(person("eve", "<script>@elsewhere.example", true), http.StatusForbidden)
	if told(a, "no access"); strings.Contains(a.body, "<script>@") {
		t.Error("an address is markup")
	}

	// The role holds at the next sign-in, and who has none any more does not get in.
	b, _ := try(person("bob", "bob@people.example", true, "administrators"), http.StatusSeeOther)
	if a := b.get(t, "/staff/storage", 200); !strings.Contains(a.body, "Storage") {
		t.Error("an administrator does not see the storage")
	}
	try(person("bob", "bob@elsewhere.example", true), http.StatusForbidden)

	// Whoever is given the address of somebody else does not get their account.
	_, a = try(person("another bob", "bob@people.example", true), http.StatusForbidden)
	told(a, "another account with your address")

	// A new account without a role of the issuer is a viewer's.
	b, _ = try(person("carol", "carol@people.example", true), http.StatusSeeOther)
	b.get(t, "/staff/storage", http.StatusForbidden)

	if carol, err := s.server.accounts.At(t.Context(), "carol@people.example"); err != nil {
		t.Error(err)
	} else if _, err := s.server.accounts.Suspend(t.Context(), carol.ID); err != nil {
		t.Error(err)
	}
	_, a = try(person("carol", "carol@people.example", true), http.StatusForbidden)
	told(a, "suspended")

	// Names are text.
	markup := testissuer.Person{Subject: "dave", Claims: map[string]any{"name": `<img src=x onerror="alert(1)">`,
		"email": "dave@people.example", "email_verified": true, "groups": "administrators"}}
	b, _ = try(markup, http.StatusSeeOther)
	for _, path := range []string{"/people", "/staff/sessions"} {
		if a := b.get(t, path, 200); strings.Contains(a.body, "<img src=x") {
			t.Errorf("a name is markup on %s", path)
		}
	}

	// Whoever cancels at the issuer is not shown what its address says.
	b = s.visitor(t)
	to := b.get(t, issuerPath, http.StatusSeeOther).header.Get("Location")
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	a = b.get(t, callbackPath+"?"+url.Values{"state": {u.Query().Get("state")}, "error": {"access_denied"},
		"error_description": {"<b>stranger</b>"}}.Encode(), http.StatusForbidden)
	if told(a, "The sign-in was canceled"); strings.Contains(a.body, "stranger") {
		t.Error("words of strangers are shown")
	}
}

// Who signed in a while ago proves themselves to the issuer again, as nobody else.
func TestIssuerProof(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t)
	b := s.visitor(t)
	b.get(t, b.leave(t, at, ""), http.StatusSeeOther)
	again := func(status int) (answer, string) {
		t.Helper()
		s.clock.advance(proofAge)
		page := b.get(t, "/staff/account/codes", http.StatusSeeOther)
		page = b.get(t, page.header.Get("Location"), http.StatusOK)
		const link = "/staff/sign-in/issuer?again=yes&amp;next=%2fstaff%2faccount%2fcodes"
		if !strings.Contains(page.body, link) || !strings.Contains(page.body, "Confirm with People &amp; Co") {
			t.Errorf("the page does not lead to the issuer:\n%s", page.body)
		}
		to := b.get(t, strings.ReplaceAll(link, "&amp;", "&"), http.StatusSeeOther).header.Get("Location")
		if !strings.Contains(to, "max_age=") || !strings.Contains(to, "prompt=login") {
			t.Errorf("the issuer is not to ask again: %s", to)
		}
		before := b.cookies(t)["dossier_session"]
		return b.get(t, at.Visit(t, to).RequestURI(), status), before
	}
	a, before := again(http.StatusSeeOther)
	if got := a.header.Get("Location"); got != "/staff/account/codes" || b.cookies(t)["dossier_session"] == before {
		t.Errorf("the proof leads to %q", got)
	}
	at.SignsIn(testissuer.Person{Subject: "eve", Claims: map[string]any{"name": "Eve", "email": "eve@people.example",
		"email_verified": true, "groups": "administrators"}})
	a, before = again(http.StatusForbidden)
	if !strings.Contains(a.body, "you are somebody else") || b.cookies(t)["dossier_session"] != before {
		t.Errorf("another person proved it:\n%s", a.body)
	}
	at.SignsIn(testissuer.Ada())
	at.Forge(t, func(f *testissuer.Forged) { f.Claims["auth_time"] = time.Now().Add(-time.Hour).Unix() })
	if a, _ = again(http.StatusForbidden); !strings.Contains(a.body, "has not asked you for proof again") {
		t.Errorf("an old proof is one:\n%s", a.body)
	}
}

// Whom the issuer knows, and lets in without a question, has proven nothing: also not by signing out and in again.
func TestIssuerKnowsThem(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t)
	b := s.visitor(t)
	at.Forge(t, func(f *testissuer.Forged) { f.Claims["auth_time"] = time.Now().Add(-proofAge).Unix() })
	b.get(t, b.leave(t, at, ""), http.StatusSeeOther)
	b.get(t, "/people", http.StatusOK)
	if to := b.get(t, "/staff/account/codes", http.StatusSeeOther).header.Get("Location"); !strings.HasPrefix(to,
		"/staff/proof?") {
		t.Errorf("who has proven nothing is sent to %s", to)
	}
	at.Forge(t, nil)
	to := b.get(t, "/staff/sign-in/issuer?again=yes", http.StatusSeeOther).header.Get("Location")
	b.get(t, at.Visit(t, to).RequestURI(), http.StatusSeeOther)
	if to := b.get(t, "/staff/account/codes", http.StatusSeeOther).header.Get("Location"); strings.HasPrefix(to,
		"/staff/proof?") {
		t.Errorf("who has proven it is sent to %s", to)
	}
}

// What a sign-in with the issuer makes of an account is recorded before it is made, and is not made where it cannot be.
func TestIssuerIsRecorded(t *testing.T) {
	t.Parallel()
	f := &failingTrail{}
	s, at := newIssuerSite(t, func(o *Options) {
		f.Store = o.Staff.(audit.Store)
		trail, err := audit.NewTrail(f, audit.Options{Now: o.Now})
		if err != nil {
			t.Fatal(err)
		}
		o.Trail = trail
	})
	grace := func(name string, groups ...string) {
		at.SignsIn(testissuer.Person{Subject: "grace", Claims: map[string]any{"name": name,
			"email": "grace@people.example", "email_verified": true, "groups": groups}})
	}
	account := func() staff.Account {
		t.Helper()
		a, err := s.server.accounts.At(t.Context(), "grace@people.example")
		if err != nil && !errors.Is(err, dossier.ErrNotFound) {
			t.Fatal(err)
		}
		return a
	}
	enter := func(status int, want ...string) {
		t.Helper()
		b := s.visitor(t)
		a := b.get(t, b.leave(t, at, ""), status)
		got := s.recordedBy(t, a)
		id := account().ID.String()
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], "ID", id)
		}
		if !slices.Equal(got, want) {
			t.Errorf("the trail has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	begun := func(action audit.Action) func([]audit.Entry) bool {
		return func(entries []audit.Entry) bool {
			return slices.ContainsFunc(entries, func(e audit.Entry) bool { return e.Action == action })
		}
	}

	grace("Grace")
	f.set(begun(audit.AccountAccept))
	enter(http.StatusServiceUnavailable)
	if a := account(); a != (staff.Account{}) {
		t.Errorf("an account was made that could not be recorded: %+v", a)
	}
	f.set(nil)
	const in, by = "ID session.begin ", ", by the sign-in service"
	enter(http.StatusSeeOther, "ID account.accept begun account ID: viewer"+by,
		"ID account.accept done account ID: viewer"+by, in+"begun", in+"done")
	enter(http.StatusSeeOther, in+"begun", in+"done")

	grace("Grace", "administrators")
	f.set(begun(audit.AccountRole))
	enter(http.StatusServiceUnavailable)
	if a := account(); a.Role != staff.Viewer {
		t.Errorf("a role was given that could not be recorded: %+v", a)
	}
	f.set(nil)
	enter(http.StatusSeeOther, "ID account.role begun account ID: administrator"+by,
		"ID account.role done account ID: administrator"+by, in+"begun", in+"done")
	grace("Grace Hopper", "administrators")
	enter(http.StatusSeeOther, "ID account.rename begun account ID: by the sign-in service",
		"ID account.rename done account ID: by the sign-in service", in+"begun", in+"done")

	// Whoever proves themselves as somebody else changes nothing of theirs.
	b := s.visitor(t)
	b.get(t, b.leave(t, at, ""), http.StatusSeeOther)
	eve := testissuer.Person{Subject: "eve", Claims: map[string]any{"name": "Eve", "email": "eve@people.example",
		"email_verified": true}}
	at.SignsIn(eve)
	to := b.get(t, issuerPath+"?again=yes", http.StatusSeeOther).header.Get("Location")
	a := b.get(t, at.Visit(t, to).RequestURI(), http.StatusForbidden)
	if got, want := s.recordedBy(t, a), []string{"nobody session.fail refused 1"}; !slices.Equal(got, want) {
		t.Errorf("a proof by another: the trail has %q, want %q", got, want)
	}
	if _, err := s.server.accounts.At(t.Context(), "eve@people.example"); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("a proof by another made an account: %v", err)
	}
}

// While the issuer is down, its sign-in says so, and all else goes on.
func TestIssuerDown(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t)
	in, waiting := s.visitor(t), s.visitor(t)
	in.get(t, in.leave(t, at, ""), http.StatusSeeOther)
	back := waiting.leave(t, at, "/people?q=x")
	for _, path := range []string{testissuer.Metadata, testissuer.Token, testissuer.Keys} {
		at.Fail(path, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}
	down := func(b *visitor, path string) {
		t.Helper()
		a := b.get(t, path, http.StatusServiceUnavailable)
		if !strings.Contains(a.body, "People &amp; Co is not responding") || a.header.Get("Retry-After") == "" {
			t.Errorf("%s does not say that the issuer is down:\n%s", path, a.body)
		}
	}
	down(waiting, back)
	if !in.isIn(t) {
		t.Error("who was signed in no longer is")
	}
	// Another instance, which has never seen the issuer up.
	other, err := issuer.New(issuer.Options{URL: at.URL, Name: "People & Co", ClientID: testissuer.ClientID,
		ClientSecret: testissuer.ClientSecret})
	if err != nil {
		t.Fatal(err)
	}
	first := s.server.o.Issuer
	s.server.o.Issuer = other
	down(s.visitor(t), issuerPath)
	s.server.o.Issuer = first
	s.play(t, scenario{path: "/staff/sign-in", status: 200, has: []string{"Sign in with"}})
	if !strings.Contains(s.log.String(), "ask the issuer") {
		t.Errorf("the log does not say what is wrong:\n%s", s.log.String())
	}
	for _, path := range []string{testissuer.Metadata, testissuer.Token, testissuer.Keys} {
		at.Fail(path, nil)
	}
	// Reloading the page of the failure goes on.
	if a := waiting.get(t, back, http.StatusSeeOther); a.header.Get("Location") != "/people?q=x" {
		t.Errorf("after the failure, the sign-in leads to %q", a.header.Get("Location"))
	}
}

// A store that is down signs nobody in.
func TestIssuerStoreDown(t *testing.T) {
	f := &failingSessions{}
	s, at := newIssuerSite(t, func(o *Options) { f.Store, o.Staff = o.Staff, f })
	b := s.visitor(t)
	back := b.leave(t, at, "")
	f.down = true
	a := b.get(t, back, http.StatusServiceUnavailable)
	if strings.Contains(a.body, "People &amp; Co is not responding") || b.cookies(t)["dossier_session"] != "" {
		t.Errorf("a store that is down is told as\n%s", a.body)
	}
}

// Ten people sign in at once.
func TestIssuerTogether(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			b := s.visitor(t)
			if b.get(t, b.leave(t, at, ""), http.StatusSeeOther); !b.isIn(t) {
				t.Error("not signed in")
			}
		})
	}
	all.Wait()
	if accounts, err := s.server.accounts.List(t.Context()); err != nil || len(accounts) != 1 {
		t.Errorf("there are %d accounts, error %v", len(accounts), err)
	}
}

// Where staff sign in with the issuer alone, nothing else opens the site.
func TestIssuerOnly(t *testing.T) {
	t.Parallel()
	s, at := newIssuerSite(t, func(o *Options) { o.IssuerOnly = true })
	s.play(t, scenario{path: "/staff/sign-in", status: 200, has: []string{"Sign in with People &amp; Co"},
		hasNot: []string{`name="key"`}})
	s.play(t, scenario{path: "/staff/sign-in", form: url.Values{"key": {siteSecret}}, status: 403,
		want: map[string]string{"Set-Cookie": ""}, has: []string{"sign in with People &amp; Co alone"}})
	// An invitation is taken up by signing in with the issuer, not by a password of one's own.
	_, link, err := s.server.accounts.Invite(t.Context(), staff.Invitation{Name: "Eve", Address: "eve@people.example",
		Role: staff.Editor})
	if err != nil {
		t.Fatal(err)
	}
	only := []string{"sign in with People &amp; Co alone"}
	s.playAll(t, []scenario{
		{name: "the page of invitations", path: invitationPath, status: 403, has: only},
		{name: "an invitation", path: invitationPath, form: url.Values{"link": {link}}, status: 403, has: only},
		{name: "a password", path: invitationPath + "/accept", form: url.Values{"link": {link}}, status: 403,
			has: only},
		{name: "somebody's password", path: "/staff/sign-in", form: url.Values{"address": {"eve@people.example"},
			"password": {"x"}}, status: 403, has: only},
	})
	at.SignsIn(testissuer.Person{Subject: "eve", Claims: map[string]any{"name": "Eve", "email": "eve@people.example",
		"email_verified": true}})
	b := s.visitor(t)
	if b.get(t, b.leave(t, at, ""), http.StatusSeeOther); !b.isIn(t) {
		t.Error("not signed in")
	}
	if eve, err := s.server.accounts.At(t.Context(), "eve@people.example"); err != nil || eve.Role != staff.Editor ||
		eve.Subject != "eve" {
		t.Errorf("the invited account is %+v, error %v", eve, err)
	}
	if _, err := New(s.svc, Options{PublicURL: s.url, StaffSecret: siteSecret, Staff: s.server.o.Staff,
		IssuerOnly: true}); err == nil {
		t.Error("a site that nobody can sign in to starts")
	}
}

func TestNoIssuer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.play(t, scenario{path: issuerPath, status: 404})
	s.play(t, scenario{path: callbackPath + "?code=x&state=y", status: 404})
	s.play(t, scenario{path: "/staff/sign-in", status: 200, hasNot: []string{"Sign in with"}})
}

// Another site's link signs nobody in by itself.
func TestIssuerLinkElsewhere(t *testing.T) {
	t.Parallel()
	s, _ := newIssuerSite(t)
	s.play(t, scenario{path: issuerPath + "?next=%2Fpeople%3Fq%3Dx", header: map[string]string{
		"Sec-Fetch-Site": "cross-site"}, status: 303, want: map[string]string{"Set-Cookie": "",
		"Location": "/staff/sign-in?next=%2Fpeople%3Fq%3Dx"}})
}

// Over https, the cookie is one that no other site can set.
func TestIssuerCookieOverHTTPS(t *testing.T) {
	t.Parallel()
	s, _ := newIssuerSite(t, func(o *Options) { o.PublicURL = "https://dossier.example" })
	a := s.play(t, scenario{path: issuerPath, status: 303})
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || !strings.HasPrefix(cookie.Name, "__Host-dossier_sign_in_") || !cookie.Secure ||
		cookie.Domain != "" ||
		cookie.Path != "/" || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie is %v, error %v", cookie, err)
	}
	if to := a.header.Get("Location"); !strings.Contains(to, url.QueryEscape("https://dossier.example"+callbackPath)) {
		t.Errorf("the browser is sent to %s", to)
	}
}

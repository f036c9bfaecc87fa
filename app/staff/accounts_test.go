package staff_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/people"
	"dossier.example/app/staff"
)

const goodPassword = "four words are better than one"

// team is the staff of a test, with a clock that only the test moves.
type team struct {
	*staff.Accounts
	store    *people.Store
	sessions *staff.Sessions
	mu       sync.Mutex
	at       time.Time
}

func newTeam(t *testing.T) *team {
	t.Helper()
	store, err := people.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	tm := &team{store: store, at: time.Date(2026, time.November, 29, 9, 0, 0, 0, time.UTC)}
	tm.Accounts = tm.with(t, "a staff secret of tests")
	if tm.sessions, err = staff.NewSessions(store, "a staff secret of tests", staff.Options{Now: tm.now}); err != nil {
		t.Fatal(err)
	}
	return tm
}

// with returns the accounts as a site with another secret has them.
func (tm *team) with(t *testing.T, secret string) *staff.Accounts {
	t.Helper()
	a, err := staff.NewAccounts(tm.store, secret, staff.Options{Now: tm.now})
	if err != nil {
		t.Fatal(err)
	}
	a.HashQuickly(true)
	return a
}

func (tm *team) now() time.Time {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	return tm.at
}

func (tm *team) advance(d time.Duration) {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	tm.at = tm.at.Add(d)
}

// member is somebody with an account, and what they know and have.
type member struct {
	staff.Account
	password, sealed, device string
	recovery                 []string
}

// code returns the code that a member's app shows a minute later, so that it was not used before.
func (tm *team) code(m member) string {
	tm.advance(time.Minute)
	return tm.CodeAt(m.Account, m.sealed, tm.now())
}

func (tm *team) invite(t *testing.T, n int, role staff.Role) (staff.Account, string) {
	t.Helper()
	account, link, err := tm.Invite(t.Context(), staff.Invitation{Name: fmt.Sprintf("Ada %d", n),
		Address: fmt.Sprintf("ada%d@site.example", n), Role: role})
	if err != nil {
		t.Fatalf("Invite: %v", err)
	}
	return account, link
}

// join invites somebody who accepts.
func (tm *team) join(t *testing.T, n int, role staff.Role) member {
	t.Helper()
	_, link := tm.invite(t, n, role)
	return tm.accept(t, link)
}

func (tm *team) accept(t *testing.T, link string) member {
	t.Helper()
	with, account := tm.acceptance(t, link)
	m := member{password: with.Password, sealed: with.Sealed}
	var err error
	if m.Account, m.recovery, m.device, err = tm.Accept(t.Context(), link, with); err != nil {
		t.Fatalf("Accept for %s: %v", account.Address, err)
	}
	return m
}

func (tm *team) acceptance(t *testing.T, link string) (staff.Acceptance, staff.Account) {
	t.Helper()
	o, err := tm.Open(t.Context(), link)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	sealed := o.Enrollment.Sealed
	return staff.Acceptance{Name: o.Account.Name, Password: goodPassword, Sealed: sealed,
		Code: tm.CodeAt(o.Account, sealed, tm.now())}, o.Account
}

func (m member) attempt(code string) staff.Attempt {
	return staff.Attempt{Address: m.Address, Password: m.password, Code: code, Client: "192.0.2.1"}
}

// wantErr checks an error that errors.Is knows.
func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// wantFields checks that an error names fields, and no others.
func wantFields(t *testing.T, what string, err error, fields ...string) {
	t.Helper()
	var got []string
	if coded := (*dossier.Error)(nil); errors.As(err, &coded) && coded.Code == dossier.CodeInvalid {
		for _, f := range coded.Fields {
			got = append(got, f.Field)
		}
	}
	if strings.Join(got, " ") != strings.Join(fields, " ") {
		t.Errorf("%s: got %v, want faults of %q", what, err, fields)
	}
}

func TestInvitationToSignIn(t *testing.T) {
	tm := newTeam(t)
	invited, link := tm.invite(t, 1, staff.Editor)
	if invited.State != staff.Invited {
		t.Errorf("an invited account is %q", invited.State)
	}
	m := tm.accept(t, link)
	if m.State != staff.Active || m.Role != staff.Editor || len(m.recovery) != staff.RecoveryCodes {
		t.Errorf("who accepted is %+v with %d recovery codes", m.Account, len(m.recovery))
	}
	p, err := tm.SignIn(t.Context(), m.attempt(tm.code(m)))
	if err != nil || p.Account.ID != m.ID || !p.Account.SignedInAt.Equal(tm.now()) || p.RecoveryLeft != -1 {
		t.Fatalf("SignIn: got %+v, %v", p, err)
	}
	// In whatever case an address is written, and a code with what apps put between its digits.
	try := m.attempt("")
	try.Address = strings.ToUpper(m.Address)
	code := tm.code(m)
	try.Code = " " + code[:3] + " " + code[3:] + "\u200b"
	if _, err := tm.SignIn(t.Context(), try); err != nil {
		t.Errorf("SignIn with other letters: %v", err)
	}
}

func TestInvitationIsUsedOnce(t *testing.T) {
	tm := newTeam(t)
	_, link := tm.invite(t, 1, staff.Viewer)
	with, _ := tm.acceptance(t, link)
	var accepted, refused atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			switch _, _, _, err := tm.Accept(t.Context(), link, with); {
			case err == nil:
				accepted.Add(1)
			case errors.Is(err, staff.ErrLink):
				refused.Add(1)
			default:
				t.Errorf("Accept: %v", err)
			}
		})
	}
	wg.Wait()
	if accepted.Load() != 1 || refused.Load() != 7 {
		t.Errorf("%d accepted one invitation, %d were told that it was used", accepted.Load(), refused.Load())
	}
	_, err := tm.Open(t.Context(), link)
	wantErr(t, "Open of a link that was used", err, staff.ErrLink)
}

func TestLinks(t *testing.T) {
	tm := newTeam(t)
	admin := tm.join(t, 1, staff.Administrator)
	account, first := tm.invite(t, 2, staff.Viewer)
	for name, link := range map[string]string{"empty": "", "garbage": "x", "cut": first[:len(first)-1],
		"zero":    strings.Repeat("A", 43),
		"changed": "A" + first[1:] + "A"} {
		_, err := tm.Open(t.Context(), link)
		wantErr(t, "Open of a link that is "+name, err, staff.ErrLink)
	}
	// The second invitation ends the first, and may change the role.
	again, second, err := tm.Invite(t.Context(), staff.Invitation{Name: "Ada", Address: "Ada2@Site.example",
		Role: staff.Editor})
	if err != nil || again.ID != account.ID || again.Role != staff.Editor {
		t.Fatalf("a second invitation: %+v, %v", again, err)
	}
	_, err = tm.Open(t.Context(), first)
	wantErr(t, "the first link", err, staff.ErrLink)
	// A link of another site is none.
	_, err = tm.with(t, "another secret of staff").Open(t.Context(), second)
	wantErr(t, "a link with another secret", err, staff.ErrLink)
	tm.advance(staff.InvitationLifetime - time.Microsecond)
	if _, err := tm.Open(t.Context(), second); err != nil {
		t.Errorf("a link just before its end: %v", err)
	}
	with, _ := tm.acceptance(t, second)
	tm.advance(time.Microsecond)
	_, err = tm.Open(t.Context(), second)
	wantErr(t, "a link at its end", err, staff.ErrLinkExpired)
	_, _, _, err = tm.Accept(t.Context(), second, with)
	wantErr(t, "accepting at its end", err, staff.ErrLinkExpired)
	_, third, err := tm.NewLink(t.Context(), account.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	m := tm.accept(t, third)
	_, _, err = tm.Invite(t.Context(), staff.Invitation{Name: "Ada", Address: m.Address, Role: staff.Viewer})
	wantFields(t, "an invitation of who is there", err, staff.FieldAddress)

	// A reset leaves all as it is until it is used, and then ends the sessions and the former password.
	token, _, err := tm.sessions.Begin(t.Context(), m.ID, "192.0.2.1", "curl/8", 0)
	if err != nil {
		t.Fatal(err)
	}
	_, reset, err := tm.NewLink(t.Context(), m.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Errorf("the former password before a reset: %v", err)
	}
	tm.advance(staff.ResetLifetime - 2*time.Minute)
	o, err := tm.Open(t.Context(), reset)
	if err != nil || !o.Reset {
		t.Fatalf("Open of a reset: %+v, %v", o, err)
	}
	token2, _, err := tm.sessions.Begin(t.Context(), m.ID, "192.0.2.1", "curl/8", 0)
	if err != nil {
		t.Fatal(err)
	}
	with, _ = tm.acceptance(t, reset)
	with.Password = "another four words and more"
	if _, _, _, err := tm.Accept(t.Context(), reset, with); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{token, token2} {
		if _, ok, err := tm.sessions.Of(t.Context(), token); ok || err != nil {
			t.Errorf("a session after a reset: %v, %v", ok, err)
		}
	}
	_, err = tm.SignIn(t.Context(), m.attempt(tm.code(m)))
	wantErr(t, "the former password after a reset", err, staff.ErrRefused)

	// Suspending ends a link, and there is none for who is suspended.
	if _, _, err := tm.NewLink(t.Context(), m.ID, false); err != nil {
		t.Fatal(err)
	}
	_, last, err := tm.NewLink(t.Context(), m.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tm.Suspend(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	_, err = tm.Open(t.Context(), last)
	wantErr(t, "the link of a suspended account", err, staff.ErrLink)
	_, _, err = tm.NewLink(t.Context(), m.ID, false)
	wantErr(t, "a link for a suspended account", err, dossier.ErrConflict)
	if _, _, err := tm.NewLink(t.Context(), admin.ID, false); err != nil {
		t.Errorf("a link for the last administrator: %v", err)
	}
}

// A reset of the password alone needs a code of the account.
func TestResetThatKeepsCodes(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Administrator)
	link := func() string {
		t.Helper()
		_, link, err := tm.NewLink(t.Context(), m.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		return link
	}
	first := link()
	o, err := tm.Open(t.Context(), first)
	if err != nil || !o.KeepsCodes || !o.Reset || o.Enrollment != (staff.Enrollment{}) {
		t.Fatalf("Open: %+v, %v", o, err)
	}
	// It cannot be made into one that replaces the codes, nor the other way round.
	_, full, err := tm.NewLink(t.Context(), m.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, bent := range map[string]string{"cut": first[:43], "replaced": first, "made longer": full + "A",
		"made longer by its own mark": full[:42] + first[42:]} {
		_, err := tm.Open(t.Context(), bent)
		wantErr(t, "a link that was "+name, err, staff.ErrLink)
	}
	second := link()
	const password = "another four words and more"
	enrolled := tm.Enroll(m.Account)
	for name, with := range map[string]staff.Acceptance{
		"no code":    {Password: password},
		"wrong code": {Password: password, Code: "000000"},
		"a code of a new secret": {Name: "Ada", Password: password, Sealed: enrolled.Sealed,
			Code: tm.CodeAt(m.Account, enrolled.Sealed, tm.now())},
		"a recovery code that is none": {Password: password, Code: strings.Repeat("a", 24)},
		"a code that was used":         {Password: password, Code: tm.CodeAt(m.Account, m.sealed, tm.now())},
	} {
		_, _, _, err := tm.Accept(t.Context(), second, with)
		wantFields(t, name, err, staff.FieldCode)
	}
	_, _, _, err = tm.Accept(t.Context(), second, staff.Acceptance{Password: "short", Code: "000000"})
	wantFields(t, "a short password", err, staff.FieldPassword)
	token, _, err := tm.sessions.Begin(t.Context(), m.ID, "192.0.2.1", "curl/8", 0)
	if err != nil {
		t.Fatal(err)
	}
	account, recovery, _, err := tm.Accept(t.Context(), second, staff.Acceptance{Name: "Eve", Password: password,
		Code: tm.code(m)})
	if err != nil || account.Name != m.Name || recovery != nil {
		t.Fatalf("with a code: %+v, %q, %v", account, recovery, err)
	}
	_, err = tm.Open(t.Context(), second)
	wantErr(t, "the link afterwards", err, staff.ErrLink)
	if _, ok, err := tm.sessions.Of(t.Context(), token); ok || err != nil {
		t.Errorf("a session afterwards: %v, %v", ok, err)
	}
	_, err = tm.SignIn(t.Context(), m.attempt(tm.code(m)))
	wantErr(t, "the former password", err, staff.ErrRefused)
	m.password = password
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Errorf("the new password with the codes of before: %v", err)
	}

	// A recovery code does as well, once.
	third := link()
	with := staff.Acceptance{Password: goodPassword, Code: m.recovery[0]}
	if _, _, _, err := tm.Accept(t.Context(), third, with); err != nil {
		t.Errorf("with a recovery code: %v", err)
	}
	_, _, _, err = tm.Accept(t.Context(), link(), with)
	wantFields(t, "with the same recovery code again", err, staff.FieldCode)

	// Whoever guesses is slowed down.
	var retry *staff.RetryError
	last := link()
	for range 20 {
		_, _, _, err = tm.Accept(t.Context(), last, staff.Acceptance{Password: password, Code: "000000"})
	}
	if !errors.As(err, &retry) || retry.Busy {
		t.Errorf("after many wrong codes: %v", err)
	}

	// Who has not accepted yet has no codes to keep.
	account, _ = tm.invite(t, 2, staff.Viewer)
	_, invitation, err := tm.NewLink(t.Context(), account.ID, true)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := tm.Open(t.Context(), invitation); err != nil || o.KeepsCodes || o.Enrollment.Secret == "" {
		t.Errorf("the link of somebody who was invited: %+v, %v", o, err)
	}
}

func TestWhatIsRefusedAtAcceptance(t *testing.T) {
	tm := newTeam(t)
	_, link := tm.invite(t, 1, staff.Viewer)
	good, account := tm.acceptance(t, link)
	other, otherLink := tm.invite(t, 2, staff.Viewer)
	theirs, _ := tm.acceptance(t, otherLink)
	for _, c := range []struct {
		name   string
		change func(*staff.Acceptance)
		fields []string
	}{
		{"no name", func(a *staff.Acceptance) { a.Name = " \u200b" }, []string{staff.FieldName}},
		{"a short password", func(a *staff.Acceptance) { a.Password = "1234567" }, []string{staff.FieldPassword}},
		{"no code", func(a *staff.Acceptance) { a.Code = "" }, []string{staff.FieldCode}},
		{"an old code", func(a *staff.Acceptance) {
			a.Code = tm.CodeAt(account, a.Sealed, tm.now().Add(-time.Minute))
		}, []string{staff.FieldCode}},
		{"a secret of another account", func(a *staff.Acceptance) {
			a.Sealed, a.Code = theirs.Sealed, tm.CodeAt(other, theirs.Sealed, tm.now())
		}, []string{staff.FieldCode}},
		{"nothing", func(a *staff.Acceptance) { *a = staff.Acceptance{} },
			[]string{staff.FieldName, staff.FieldPassword, staff.FieldCode}},
	} {
		with := good
		c.change(&with)
		_, _, _, err := tm.Accept(t.Context(), link, with)
		wantFields(t, c.name, err, c.fields...)
	}
	// None of these used the link up.
	if _, _, _, err := tm.Accept(t.Context(), link, good); err != nil {
		t.Error(err)
	}
}

func TestCodesAreUsedOnce(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Viewer)
	// The code that accepted the invitation is used, too.
	_, err := tm.SignIn(t.Context(), m.attempt(tm.CodeAt(m.Account, m.sealed, tm.now())))
	wantErr(t, "the code of the acceptance", err, staff.ErrRefused)
	for _, kind := range []string{"time-based", "recovery"} {
		code := m.recovery[3]
		if kind == "time-based" {
			code = tm.code(m)
		}
		var in atomic.Int64
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				try := m.attempt(code)
				try.Client = fmt.Sprint(n)
				try.Device = m.device
				if _, err := tm.SignIn(t.Context(), try); err == nil {
					in.Add(1)
				} else if !errors.Is(err, staff.ErrRefused) {
					t.Errorf("SignIn: %v", err)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("one %s code opened %d sign-ins", kind, in.Load())
		}
		tm.advance(time.Hour)
	}
	p, err := tm.SignIn(t.Context(), m.attempt(strings.ToUpper(strings.ReplaceAll(m.recovery[0], "-", " "))))
	if err != nil || p.RecoveryLeft != staff.RecoveryCodes-2 {
		t.Errorf("a recovery code written otherwise: %+v, %v", p, err)
	}
}

// Clocks differ by up to one step.
func TestClockSkew(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Viewer)
	for seconds, want := range map[int]error{-75: staff.ErrRefused, -45: staff.ErrRefused, -30: nil, 0: nil,
		30: nil, 45: nil,
		61: staff.ErrRefused, 90: staff.ErrRefused} {
		tm.advance(10 * time.Minute)
		_, err := tm.SignIn(t.Context(), m.attempt(tm.CodeAt(m.Account, m.sealed,
			tm.now().Add(time.Duration(seconds)*time.Second))))
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("a clock that is off by %d seconds: got %v, want %v", seconds, err, want)
		}
	}
}

func TestWhoIsRefused(t *testing.T) {
	tm := newTeam(t)
	admin := tm.join(t, 1, staff.Administrator)
	m := tm.join(t, 2, staff.Viewer)
	suspended := tm.join(t, 3, staff.Viewer)
	if _, err := tm.Suspend(t.Context(), suspended.ID); err != nil {
		t.Fatal(err)
	}
	invited, _ := tm.invite(t, 4, staff.Viewer)
	_ = admin
	for name, try := range map[string]staff.Attempt{
		"a wrong password":    {Address: m.Address, Password: m.password + " ", Code: tm.code(m)},
		"a wrong code":        {Address: m.Address, Password: m.password, Code: "000000"},
		"no code":             {Address: m.Address, Password: m.password},
		"somebody unknown":    {Address: "eve@site.example", Password: m.password, Code: tm.code(m)},
		"no address":          {Password: m.password, Code: tm.code(m)},
		"a long address":      {Address: strings.Repeat("a", 1<<16), Password: m.password},
		"a long password":     {Address: m.Address, Password: strings.Repeat("a", 1<<16), Code: tm.code(m)},
		"not text":            {Address: m.Address, Password: "\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc", Code: tm.code(m)},
		"a suspended account": {Address: suspended.Address, Password: suspended.password, Code: tm.code(suspended)},
		"an invited account":  {Address: invited.Address, Code: "000000"},
		"another's code":      {Address: m.Address, Password: m.password, Code: tm.code(admin)},
		"another's recovery":  {Address: m.Address, Password: m.password, Code: admin.recovery[0]},
	} {
		_, err := tm.SignIn(t.Context(), try)
		wantErr(t, name, err, staff.ErrRefused)
		tm.advance(time.Hour)
	}
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Errorf("all of it right: %v", err)
	}
}

// With another staff secret, time-based codes cannot be checked, but recovery codes can, and new codes be set.
func TestAnotherSecret(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Administrator)
	code := tm.code(m)
	tm.Accounts = tm.with(t, "a new secret of the staff")
	_, err := tm.SignIn(t.Context(), m.attempt(code))
	wantErr(t, "a time-based code", err, staff.ErrRefused)
	if _, err := tm.SignIn(t.Context(), m.attempt(m.recovery[0])); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
	e := tm.Enroll(m.Account)
	m.sealed = e.Sealed
	if _, err = tm.SetCodes(t.Context(), m.ID, e.Sealed, tm.CodeAt(m.Account, e.Sealed, tm.now())); err != nil {
		t.Fatal(err)
	}
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Errorf("a new time-based code: %v", err)
	}
	_, err = tm.SignIn(t.Context(), m.attempt(m.recovery[1]))
	wantErr(t, "a recovery code of before", err, staff.ErrRefused)
}

// The owner signs in while 1,000 networks guess, 10,000 times: at once on a device that has signed in before, and on
// another as soon as the guessing is over.
func TestGuessesDoNotLockTheOwnerOut(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Administrator)
	p, err := tm.SignIn(t.Context(), m.attempt(tm.code(m)))
	if err != nil {
		t.Fatal(err)
	}
	var refused, slowed, busy, wrong atomic.Int64
	guess := func(n int) {
		_, err := tm.SignIn(t.Context(), staff.Attempt{Address: m.Address, Password: fmt.Sprint("guess ", n),
			Code: "123456", Client: fmt.Sprintf("198.51.%d.%d", n%1000/250, n%250)})
		retry := (*staff.RetryError)(nil)
		switch {
		case errors.Is(err, staff.ErrRefused):
			refused.Add(1)
		case errors.As(err, &retry) && retry.Busy:
			busy.Add(1)
		case errors.As(err, &retry):
			slowed.Add(1)
		default:
			wrong.Add(1)
		}
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 100 {
		wg.Go(func() {
			for n := next.Add(1); n <= 10_000; n = next.Add(1) {
				guess(int(n))
			}
		})
	}
	for range 5 {
		try := m.attempt(tm.code(m))
		try.Device, try.Client = p.Device, "198.51.0.1"
		if _, err := tm.SignIn(t.Context(), try); err != nil {
			t.Errorf("the owner on a known device: %v", err)
		}
	}
	wg.Wait()
	// Five minutes passed for the owner: what is allowed of an address in that time, and no more, was tried.
	if refused.Load()+busy.Load() > 20 || wrong.Load() != 0 || slowed.Load() < 9_900 {
		t.Errorf("%d guesses were checked, %d slowed down, %d waited for others, %d ended otherwise",
			refused.Load(), slowed.Load(), busy.Load(), wrong.Load())
	}
	retry := (*staff.RetryError)(nil)
	for slow := slowed.Load(); slowed.Load() == slow; {
		guess(0)
	}
	if _, err := tm.SignIn(t.Context(), m.attempt("")); !errors.As(err, &retry) || retry.After > 3*time.Minute {
		t.Fatalf("the owner on a strange device: %v", err)
	}
	tm.advance(retry.After)
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Errorf("the owner on a strange device, as soon as told: %v", err)
	}
}

// A device is known by one address, of one site, and fails for itself.
func TestKnownDevices(t *testing.T) {
	tm := newTeam(t)
	a, b := tm.join(t, 1, staff.Viewer), tm.join(t, 2, staff.Viewer)
	exhaust := func(m member, device string) (tries int) {
		for ; tries < 100; tries++ {
			_, err := tm.SignIn(t.Context(), staff.Attempt{Address: m.Address, Password: "wrong",
				Client: fmt.Sprint(tries), Device: device})
			if !errors.Is(err, staff.ErrRefused) {
				return tries
			}
		}
		return tries
	}
	if n := exhaust(a, b.device); n != 10 {
		t.Errorf("with the device of another, %d tries", n)
	}
	other := tm.with(t, "a new secret of the staff")
	_, err := other.SignIn(t.Context(), staff.Attempt{Address: a.Address, Device: a.device})
	wantErr(t, "a device of before another secret", err, staff.ErrRefused)
	// The device's own tries, and then those that strange ones have: none are left.
	if n := exhaust(a, a.device); n != 10 {
		t.Errorf("with its own device, %d tries", n)
	}
	if n := exhaust(b, b.device); n != 20 {
		t.Errorf("with its own device and those of strange ones, %d tries", n)
	}
	// A network that guesses many addresses is slowed down as well, and gets no token of theirs.
	tm.advance(time.Hour)
	for n := range 25 {
		_, err := tm.SignIn(t.Context(), staff.Attempt{Address: fmt.Sprintf("guess%d@site.example", n),
			Client: "192.0.2.9"})
		retry := (*staff.RetryError)(nil)
		if slowed := errors.As(err, &retry); slowed != (n >= 20) {
			t.Errorf("guess %d of one network: %v", n, err)
		}
	}
}

func TestRolesChangeAtTheNextRequest(t *testing.T) {
	tm := newTeam(t)
	tm.join(t, 1, staff.Administrator)
	n := 1
	for name, change := range map[string]func(id staff.AccountID) error{
		"another role": func(id staff.AccountID) error { return second(tm.ChangeRole(t.Context(), id, staff.Viewer)) },
		"suspended":    func(id staff.AccountID) error { return second(tm.Suspend(t.Context(), id)) },
		"removed":      func(id staff.AccountID) error { return second(tm.Remove(t.Context(), id)) },
		"recovered":    func(id staff.AccountID) error { _, _, err := tm.Recover(t.Context(), id); return err },
	} {
		t.Run(name, func(t *testing.T) {
			n++
			m := tm.join(t, n, staff.Editor)
			token, _, err := tm.sessions.Begin(t.Context(), m.ID, "192.0.2.1", "curl/8", 0)
			if err != nil {
				t.Fatal(err)
			}
			if actor, ok, err := tm.sessions.Of(t.Context(), token); !ok || err != nil || actor.Role() != staff.Editor {
				t.Fatalf("before: %+v, %v, %v", actor, ok, err)
			}
			if err := change(m.ID); err != nil {
				t.Fatal(err)
			}
			if actor, ok, err := tm.sessions.Of(t.Context(), token); ok || err != nil {
				t.Errorf("afterwards: %+v, %v, %v", actor, ok, err)
			}
		})
	}
}

// Of many who have the shared secret at the same moment, one becomes the first administrator.
func TestFirstAtOnce(t *testing.T) {
	for range 5 {
		tm := newTeam(t)
		var wg sync.WaitGroup
		var made atomic.Int32
		for n := range 8 {
			id, err := staff.NewAccountID()
			if err != nil {
				t.Fatal(err)
			}
			of := staff.Account{ID: id, Address: fmt.Sprintf("first%d@site.example", n)}
			e := tm.Enroll(of)
			with := staff.Acceptance{Name: "Ada", Password: goodPassword, Sealed: e.Sealed,
				Code: tm.CodeAt(of, e.Sealed, tm.now())}
			wg.Go(func() {
				switch _, _, _, err := tm.First(t.Context(), of, with); {
				case err == nil:
					made.Add(1)
				case !errors.Is(err, staff.ErrAdministered):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		all, err := tm.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 1 || made.Load() != 1 || !all[0].Administers() {
			t.Errorf("%d were told that they are the first, and there are %+v", made.Load(), all)
		}
	}
}

// enter lets an identity in, whatever that makes of its account.
func (tm *team) enter(t *testing.T, i staff.Identity) (staff.Account, error) {
	return tm.Enter(t.Context(), i, func(staff.Entrance) error { return nil })
}

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }

func TestLastAdministrator(t *testing.T) {
	tm := newTeam(t)
	if there, err := tm.Administered(t.Context()); there || err != nil {
		t.Fatalf("a new site is administered: %v, %v", there, err)
	}
	id, err := staff.NewAccountID()
	if err != nil {
		t.Fatal(err)
	}
	of := staff.Account{ID: id, Address: " ada@site.example "}
	e := tm.Enroll(of)
	with := staff.Acceptance{Name: "Ada", Password: goodPassword, Sealed: e.Sealed,
		Code: tm.CodeAt(of, e.Sealed, tm.now())}
	_, _, _, err = tm.First(t.Context(), staff.Account{ID: id, Address: "ada"}, with)
	wantFields(t, "First with a bad address", err, staff.FieldAddress)
	bad := with
	bad.Code = ""
	_, _, _, err = tm.First(t.Context(), staff.Account{ID: id, Address: "ada"}, bad)
	wantFields(t, "First with a bad address and code", err, staff.FieldAddress, staff.FieldCode)
	invited, _ := tm.invite(t, 9, staff.Administrator)
	_, _, _, err = tm.First(t.Context(), staff.Account{ID: id, Address: invited.Address}, with)
	wantFields(t, "First with the address of another", err, staff.FieldAddress)
	first, recovery, device, err := tm.First(t.Context(), of, with)
	if err != nil || first.Role != staff.Administrator || first.State != staff.Active ||
		first.Address != "ada@site.example" || len(recovery) != staff.RecoveryCodes || device == "" {
		t.Fatalf("First: %+v, %v", first, err)
	}
	if there, err := tm.Administered(t.Context()); !there || err != nil {
		t.Errorf("a site with an administrator is administered: %v, %v", there, err)
	}
	_, _, _, err = tm.First(t.Context(), of, with)
	wantErr(t, "First once more", err, staff.ErrAdministered)
	wantErr(t, "ChangeRole", second(tm.ChangeRole(t.Context(), first.ID, staff.Viewer)), staff.ErrLast)
	wantErr(t, "Suspend", second(tm.Suspend(t.Context(), first.ID)), staff.ErrLast)
	wantErr(t, "Remove", second(tm.Remove(t.Context(), first.ID)), staff.ErrLast)

	// Fifty take each other away at once, by the service, which tries again where somebody was faster.
	all := []staff.AccountID{first.ID}
	for n := range 49 {
		m, err := tm.enter(t, staff.Identity{Issuer: "https://issuer.example", Subject: fmt.Sprint(n),
			Name:    "Ada",
			Address: fmt.Sprintf("admin%d@site.example", n), Verified: true, Role: staff.Administrator})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.ID)
	}
	var last atomic.Int64
	var wg sync.WaitGroup
	for n := range all {
		wg.Go(func() {
			take := tm.Suspend
			if n%2 == 0 {
				take = tm.Remove
			}
			if _, err := take(t.Context(), all[(n+1)%len(all)]); errors.Is(err, staff.ErrLast) {
				last.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if last.Load() != 1 {
		t.Errorf("%d administrators stayed, want one", last.Load())
	}
}

func TestSuspendAndResume(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Viewer)
	invited, _ := tm.invite(t, 2, staff.Viewer)
	for id, want := range map[staff.AccountID]staff.State{m.ID: staff.Active, invited.ID: staff.Invited} {
		if a, err := tm.Suspend(t.Context(), id); err != nil || a.State != staff.Suspended {
			t.Errorf("Suspend: %+v, %v", a, err)
		}
		if a, err := tm.Resume(t.Context(), id); err != nil || a.State != want {
			t.Errorf("Resume: %+v, %v, want %q", a, err, want)
		}
	}
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Errorf("after all: %v", err)
	}
	if _, err := tm.Rename(t.Context(), m.ID, ""); err == nil {
		t.Error("an account was renamed to nothing")
	}
	if a, err := tm.Rename(t.Context(), m.ID, "  Grace\u00a0Hopper "); err != nil || a.Name != "Grace Hopper" {
		t.Errorf("Rename: %+v, %v", a, err)
	}
}

func TestEnter(t *testing.T) {
	tm := newTeam(t)
	tm.join(t, 1, staff.Administrator)
	i := staff.Identity{Issuer: "https://issuer.example", Subject: "1", Name: "Grace", Address: "grace@site.example",
		Verified: true, Role: staff.Editor}
	with := func(change func(*staff.Identity)) staff.Identity {
		other := i
		change(&other)
		return other
	}
	for name, bad := range map[string]staff.Identity{
		"no issuer":             with(func(i *staff.Identity) { i.Issuer = "" }),
		"no subject":            with(func(i *staff.Identity) { i.Subject = "" }),
		"a long subject":        with(func(i *staff.Identity) { i.Subject = strings.Repeat("s", 256) }),
		"another role":          with(func(i *staff.Identity) { i.Role = "owner" }),
		"an unverified address": with(func(i *staff.Identity) { i.Verified = false }),
		"no address":            with(func(i *staff.Identity) { i.Address = "" }),
		"who has an account":    with(func(i *staff.Identity) { i.Address = "ADA1@site.example" }),
	} {
		_, err := tm.enter(t, bad)
		wantErr(t, "Enter of "+name, err, dossier.ErrForbidden)
	}
	made, err := tm.enter(t, i)
	if err != nil || made.State != staff.Active || made.Role != staff.Editor || made.Local() {
		t.Fatalf("Enter: %+v, %v", made, err)
	}
	token, _, err := tm.sessions.Begin(t.Context(), made.ID, "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	again, err := tm.enter(t, with(func(i *staff.Identity) {
		i.Name, i.Address = "Grace H", "hopper@site.example"
	}))
	if err != nil || again.ID != made.ID || again.Name != "Grace H" || again.Address != "hopper@site.example" {
		t.Errorf("Enter with another name and address: %+v, %v", again, err)
	}
	if _, ok, _ := tm.sessions.Of(t.Context(), token); !ok {
		t.Error("another sign-in with the same role ended a session")
	}
	// An address that is another's, or not verified, is not taken over.
	again, err = tm.enter(t, with(func(i *staff.Identity) { i.Address = "ada1@site.example" }))
	if err != nil || again.Address != "hopper@site.example" {
		t.Errorf("Enter with another's address: %+v, %v", again, err)
	}
	again, err = tm.enter(t, with(func(i *staff.Identity) { i.Verified, i.Role = false, staff.Viewer }))
	if err != nil || again.Address != "hopper@site.example" || again.Role != staff.Viewer {
		t.Errorf("Enter with an address that is not verified: %+v, %v", again, err)
	}
	if _, ok, _ := tm.sessions.Of(t.Context(), token); ok {
		t.Error("another role did not end a session")
	}
	wantErr(t, "SignIn of an issuer's account", second(tm.SignIn(t.Context(),
		staff.Attempt{Address: again.Address})), staff.ErrRefused)
	if _, err := tm.ChangeRole(t.Context(), made.ID, staff.Editor); err != nil {
		t.Errorf("ChangeRole: %v", err)
	}
	// An identity without a role keeps what the account has, and is a viewer's if there is none.
	again, err = tm.enter(t, with(func(i *staff.Identity) { i.Role = "" }))
	if err != nil || again.Role != staff.Editor {
		t.Errorf("Enter without a role: %+v, %v", again, err)
	}
	// What the issuer gave ends when it gives it no more, and so do the sessions.
	if _, err := tm.enter(t, with(func(i *staff.Identity) { i.Role = staff.Administrator })); err != nil {
		t.Fatal(err)
	}
	token, _, err = tm.sessions.Begin(t.Context(), made.ID, "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again, err = tm.enter(t, with(func(i *staff.Identity) { i.Role = "" }))
		if err != nil || again.Role != staff.Viewer {
			t.Errorf("Enter without the role that was given: %+v, %v", again, err)
		}
	}
	if _, ok, _ := tm.sessions.Of(t.Context(), token); ok {
		t.Error("the end of a given role did not end a session")
	}
	if _, err := tm.ChangeRole(t.Context(), made.ID, staff.Editor); err != nil {
		t.Errorf("ChangeRole: %v", err)
	}
	again, err = tm.enter(t, with(func(i *staff.Identity) { i.Role = "" }))
	if err != nil || again.Role != staff.Editor {
		t.Errorf("Enter without a role, after an administrator gave one: %+v, %v", again, err)
	}
	viewer, err := tm.enter(t, with(func(i *staff.Identity) {
		i.Role, i.Subject, i.Address = "", "2", "new@site.example"
	}))
	if err != nil || viewer.Role != staff.Viewer {
		t.Errorf("Enter of somebody new without a role: %+v, %v", viewer, err)
	}
	if _, err := tm.Suspend(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "Enter of who is suspended", second(tm.enter(t, i)), dossier.ErrForbidden)

	t.Run("an invitation of the address", func(t *testing.T) {
		invited, link := tm.invite(t, 5, staff.Administrator)
		a, err := tm.enter(t, staff.Identity{Issuer: i.Issuer, Subject: "5", Name: "Ada",
			Address:  "Ada5@SITE.example",
			Verified: true, Role: staff.Viewer})
		if err != nil || a.ID != invited.ID || a.State != staff.Active || a.Role != staff.Viewer {
			t.Errorf("Enter: %+v, %v", a, err)
		}
		wantErr(t, "the link", second(tm.Open(t.Context(), link)), staff.ErrLink)
	})
	t.Run("an invitation, and a role that ends", func(t *testing.T) {
		tm.invite(t, 4, staff.Editor)
		who := staff.Identity{Issuer: i.Issuer, Subject: "4", Address: "ada4@site.example", Verified: true,
			Role: staff.Administrator}
		for _, role := range []staff.Role{staff.Administrator, staff.Viewer, staff.Viewer} {
			if a, err := tm.enter(t, who); err != nil || a.Role != role {
				t.Errorf("Enter: %+v, %v, want the role %s", a, err, role)
			}
			who.Role = ""
		}
	})
	// The sign of the unit kelvin folds to a k, but may be another mailbox.
	t.Run("an address that only looks the same", func(t *testing.T) {
		if _, _, err := tm.Invite(t.Context(), staff.Invitation{Name: "K", Address: "k@site.example",
			Role: staff.Viewer}); err != nil {
			t.Fatal(err)
		}
		_, err := tm.enter(t, staff.Identity{Issuer: i.Issuer, Subject: "6", Name: "K",
			Address: "\u212a@site.example", Verified: true, Role: staff.Viewer})
		wantErr(t, "Enter", err, dossier.ErrForbidden)
	})
	t.Run("not admitted", func(t *testing.T) {
		no := errors.New("no")
		before, err := tm.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		invited, _, err := tm.Invite(t.Context(), staff.Invitation{Name: "New", Address: "late@site.example",
			Role: staff.Viewer})
		if err != nil {
			t.Fatal(err)
		}
		for subject, address := range map[string]string{"8": "eight@site.example", "9": "late@site.example",
			"2": "other@site.example"} {
			var asked staff.Entrance
			_, err := tm.Enter(t.Context(), with(func(i *staff.Identity) {
				i.Subject, i.Address, i.Role = subject, address, staff.Administrator
			}), func(e staff.Entrance) error {
				asked = e
				return no
			})
			if !errors.Is(err, no) || asked.Account.Role != staff.Administrator {
				t.Errorf("%s: asked about %+v, and then: %v", address, asked, err)
			}
		}
		after, err := tm.List(t.Context())
		if want := append(before, invited); err != nil || fmt.Sprint(after) != fmt.Sprint(want) {
			t.Errorf("the accounts are\n%+v, want\n%+v; %v", after, want, err)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		ids := make(chan staff.AccountID, 20)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				a, err := tm.enter(t, with(func(i *staff.Identity) {
					i.Subject, i.Address = "7", "many@site.example"
				}))
				if err != nil {
					t.Error(err)
				}
				ids <- a.ID
			})
		}
		wg.Wait()
		close(ids)
		first := <-ids
		for id := range ids {
			if id != first {
				t.Error("one identity has two accounts")
			}
		}
	})
	t.Run("the last administrator", func(t *testing.T) {
		tm := newTeam(t)
		admin := with(func(i *staff.Identity) { i.Role = staff.Administrator })
		if _, err := tm.enter(t, admin); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "Enter with another role", second(tm.enter(t, i)), staff.ErrLast)
		if _, err := tm.enter(t, admin); err != nil {
			t.Error(err)
		}
		// Without any, they keep theirs until there is another administrator.
		none := with(func(i *staff.Identity) { i.Role = "" })
		for range 2 {
			a, err := tm.Enter(t.Context(), none, func(e staff.Entrance) error {
				if e.Role || e.Account.Role != staff.Administrator {
					t.Errorf("asked about %+v", e)
				}
				return nil
			})
			if err != nil || a.Role != staff.Administrator {
				t.Errorf("Enter without a role: %+v, %v", a, err)
			}
		}
		two := with(func(i *staff.Identity) {
			i.Subject, i.Address, i.Role = "2", "two@site.example", staff.Administrator
		})
		if _, err := tm.enter(t, two); err != nil {
			t.Fatal(err)
		}
		if a, err := tm.enter(t, none); err != nil || a.Role != staff.Viewer {
			t.Errorf("Enter without a role, beside an administrator: %+v, %v", a, err)
		}
	})
	t.Run("the last administrators at once", func(t *testing.T) {
		tm := newTeam(t)
		who := func(n int, role staff.Role) staff.Identity {
			return with(func(i *staff.Identity) {
				i.Subject, i.Address, i.Role = fmt.Sprint(n), fmt.Sprintf("%d@site.example", n), role
			})
		}
		const people = 8
		for n := range people {
			if _, err := tm.enter(t, who(n, staff.Administrator)); err != nil {
				t.Fatal(err)
			}
		}
		var stay atomic.Int64
		var wg sync.WaitGroup
		for n := range people {
			wg.Go(func() {
				a, err := tm.enter(t, who(n, ""))
				if err != nil {
					t.Error(err)
				}
				if a.Role == staff.Administrator {
					stay.Add(1)
				}
			})
		}
		wg.Wait()
		if stay.Load() != 1 {
			t.Errorf("%d administrators stayed, want one", stay.Load())
		}
	})
}

func TestRecover(t *testing.T) {
	tm := newTeam(t)
	made, err := tm.enter(t, staff.Identity{Issuer: "https://issuer.example", Subject: "1", Name: "Grace",
		Address: "grace@site.example", Verified: true, Role: staff.Administrator})
	if err != nil {
		t.Fatal(err)
	}
	account, link, err := tm.Recover(t.Context(), made.ID)
	wantErr(t, "recovering an issuer's last administrator, who has no password", err, nil)
	if account.Role != staff.Administrator || !account.Local() {
		t.Errorf("Recover: %+v", account)
	}
	m := tm.accept(t, link)
	if m.ID != made.ID || m.State != staff.Active {
		t.Errorf("who was recovered is %+v", m.Account)
	}
	other := tm.join(t, 2, staff.Viewer)
	if _, err := tm.Suspend(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	if account, _, err := tm.Recover(t.Context(), other.ID); err != nil || account.State != staff.Active ||
		account.Role != staff.Administrator {
		t.Errorf("Recover of who is suspended: %+v, %v", account, err)
	}
}

// An account that is taken away from its issuer is for whoever has the link, also if that was made once more, or after
// the account was suspended.
func TestRecoverFromIssuer(t *testing.T) {
	tm := newTeam(t)
	tm.join(t, 1, staff.Administrator)
	for name, before := range map[string]func(staff.AccountID) error{
		"alone":               func(staff.AccountID) error { return nil },
		"of who is suspended": func(id staff.AccountID) error { return second(tm.Suspend(t.Context(), id)) },
		"twice":               func(id staff.AccountID) error { return third(tm.Recover(t.Context(), id)) },
		"after handing over":  func(id staff.AccountID) error { return second(tm.HandOver(t.Context(), id)) },
		"twice, and suspended": func(id staff.AccountID) error {
			return errors.Join(third(tm.Recover(t.Context(), id)), second(tm.Suspend(t.Context(), id)))
		},
		"twice, and resumed": func(id staff.AccountID) error {
			return errors.Join(third(tm.Recover(t.Context(), id)), second(tm.Suspend(t.Context(), id)),
				second(tm.Resume(t.Context(), id)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			who := staff.Identity{Issuer: "https://issuer.example", Subject: name, Name: "Grace",
				Address: strings.NewReplacer(" ", ".", ",", "").Replace(name) + "@site.example", Verified: true}
			made, err := tm.enter(t, who)
			if err != nil {
				t.Fatal(err)
			}
			if err := before(made.ID); err != nil {
				t.Fatal(err)
			}
			if _, _, err := tm.Recover(t.Context(), made.ID); err != nil {
				t.Fatal(err)
			}
			for _, subject := range []string{who.Subject, "another"} {
				who.Subject = subject
				wantErr(t, "Enter by the subject "+subject, second(tm.enter(t, who)), dossier.ErrForbidden)
			}
			tm.advance(staff.ResetLifetime)
			wantErr(t, "Enter once the link has expired", second(tm.enter(t, who)), dossier.ErrForbidden)
			for range 2 {
				wantErr(t, "Suspend", second(tm.Suspend(t.Context(), made.ID)), nil)
			}
			wantErr(t, "Resume", second(tm.Resume(t.Context(), made.ID)), nil)
			wantErr(t, "Enter after Resume", second(tm.enter(t, who)), dossier.ErrForbidden)
			_, link, err := tm.NewLink(t.Context(), made.ID, false)
			if err != nil {
				t.Fatal(err)
			}
			wantErr(t, "Enter after a new link", second(tm.enter(t, who)), dossier.ErrForbidden)
			if m := tm.accept(t, link); m.ID != made.ID || m.Role != staff.Administrator {
				t.Errorf("the link opened %+v", m.Account)
			}
		})
	}
}

// The only administrator can be recovered once more, whoever had the first link.
func TestRecoverTwice(t *testing.T) {
	tm := newTeam(t)
	made, err := tm.enter(t, staff.Identity{Issuer: "https://issuer.example", Subject: "1", Name: "Grace",
		Address: "grace@site.example", Verified: true, Role: staff.Administrator})
	if err != nil {
		t.Fatal(err)
	}
	_, first, err := tm.Recover(t.Context(), made.ID)
	wantErr(t, "Recover", err, nil)
	_, link, err := tm.Recover(t.Context(), made.ID)
	wantErr(t, "Recover once more", err, nil)
	wantErr(t, "Open by the first link", second(tm.Open(t.Context(), first)), staff.ErrLink)
	if m := tm.accept(t, link); m.ID != made.ID || m.State != staff.Active {
		t.Errorf("who was recovered is %+v", m.Account)
	}
}

// The only administrator, who had an account before the site had an issuer, or whom the issuer knows anew.
func TestHandOver(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Administrator)
	who := staff.Identity{Issuer: "https://issuer.example", Subject: "1", Name: "Ada", Address: m.Address,
		Verified: true, Role: staff.Administrator}
	for _, subject := range []string{"1", "2", "3"} {
		who.Subject = subject
		wantErr(t, "Enter of "+subject, second(tm.enter(t, who)), dossier.ErrForbidden)
		a, err := tm.HandOver(t.Context(), m.ID)
		if err != nil || a.ID != m.ID || a.Role != staff.Administrator || a.State != staff.Active || !a.Local() {
			t.Fatalf("HandOver: %+v, %v", a, err)
		}
		wantErr(t, "the former password", second(tm.SignIn(t.Context(), m.attempt(tm.code(m)))), staff.ErrRefused)
		if there, err := tm.Administered(t.Context()); !there || err != nil {
			t.Errorf("the site is administered: %v, %v", there, err)
		}
		other := who
		other.Verified = false
		wantErr(t, "Enter without a verified address", second(tm.enter(t, other)), dossier.ErrForbidden)
		if a, err := tm.enter(t, who); err != nil || a.ID != m.ID || a.Subject != subject {
			t.Errorf("Enter: %+v, %v", a, err)
		}
	}
	// Who is suspended comes back by whoever has the machine alone.
	other := tm.join(t, 2, staff.Viewer)
	if _, err := tm.HandOver(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := tm.Suspend(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	who.Subject, who.Address = "9", other.Address
	wantErr(t, "Enter of who is suspended", second(tm.enter(t, who)), dossier.ErrForbidden)
}

func TestChangePassword(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Viewer)
	const next = "quite another set of words"
	wantErr(t, "with a wrong password", second(tm.ChangePassword(t.Context(), m.ID, "wrong", tm.code(m), next)),
		staff.ErrRefused)
	wantErr(t, "with a wrong code", second(tm.ChangePassword(t.Context(), m.ID, m.password, "000000", next)),
		staff.ErrRefused)
	wantFields(t, "to a common one", second(tm.ChangePassword(t.Context(), m.ID, m.password, tm.code(m), "password1")),
		staff.FieldPassword)
	token, _, err := tm.sessions.Begin(t.Context(), m.ID, "", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tm.ChangePassword(t.Context(), m.ID, m.password, tm.code(m), next); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := tm.sessions.Of(t.Context(), token); ok {
		t.Error("a session outlived its password")
	}
	wantErr(t, "the former password", second(tm.SignIn(t.Context(), m.attempt(tm.code(m)))), staff.ErrRefused)
	m.password = next
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Errorf("the new password: %v", err)
	}
	retry := (*staff.RetryError)(nil)
	for n := range 11 {
		_, err = tm.Prove(t.Context(), m.ID, "wrong", "")
		if n < 10 {
			wantErr(t, "Prove with a wrong password", err, staff.ErrRefused)
		}
	}
	if !errors.As(err, &retry) {
		t.Errorf("guessing within a session: %v", err)
	}
}

// A hash of weaker parameters is made anew when its owner signs in.
func TestRehash(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Viewer)
	tm.HashQuickly(false)
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Fatal(err)
	}
	now, err := tm.store.Account(t.Context(), m.ID)
	if err != nil || !strings.HasPrefix(now.Password, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash is %q, %v", now.Password, err)
	}
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Error(err)
	}
}

// A store that is down lets nobody in, and counts against nobody.
func TestStoreDown(t *testing.T) {
	tm := newTeam(t)
	m := tm.join(t, 1, staff.Viewer)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 30 {
		if _, err := tm.SignIn(ctx, m.attempt("000000")); err == nil || errors.Is(err, staff.ErrRefused) {
			t.Fatalf("SignIn without a store: %v", err)
		}
	}
	if _, err := tm.SignIn(t.Context(), m.attempt(tm.code(m))); err != nil {
		t.Errorf("SignIn afterwards: %v", err)
	}
}

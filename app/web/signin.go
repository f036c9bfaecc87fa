package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// signInView is the staff sign-in (signin.html).
type signInView struct {
	page
	// Accounts tells that members of the staff sign in with accounts, ByKey that the shared key still opens the site.
	// With both, it is not known which, or there are accounts but no administrator yet.
	Accounts, ByKey bool
	// Key is prefilled from a link of a former release; empty else. Links of this release have it in the fragment, from
	// where a script takes it.
	Key string
	// Address is what was typed before.
	Address string
	// Plain tells that this browser may send no password, because others could read it.
	Plain bool
	// Next is the path to go to afterwards (hidden field "next").
	Next string
	// Fault is why the last try failed, with the field that it is about; empty at first.
	Fault, FaultField string
	// Issuer is the name of the issuer that staff sign in with; empty: there is none. IssuerOnly: there is no other
	// way.
	Issuer     string
	IssuerOnly bool
	// IssuerFault is why the last try to sign in there failed; empty at first.
	IssuerFault string
}

// signInPage asks for what staff sign in with. The link that the server prints at its start fills the key in. One of a
// former release has it in its query, as "key": it signs nobody in, and strict-origin keeps it out of Referer.
func (s *Server) signInPage(c echo.Context) error {
	next := safeNext(c.QueryParam("next"))
	if _, ok, err := s.session(c); ok && err == nil {
		return c.Redirect(http.StatusSeeOther, next)
	}
	if c.QueryParam("key") != "" {
		c.Response().Header().Set("Referrer-Policy", "strict-origin")
	}
	v := s.signInView(c, next)
	v.Key = c.QueryParam("key")
	return s.render(c, http.StatusOK, "signin", v)
}

// signIn begins a session, by an account's password and code, or by the shared key while that works.
func (s *Server) signIn(c echo.Context) error {
	form, err := readSmallForm(c)
	if err != nil {
		return err
	}
	next := safeNext(form.Get("next"))
	if form.Has("key") {
		return s.signInByKey(c, form.Get("key"), next)
	}
	return s.signInByPassword(c, form, next)
}

// signInByPassword signs a member of the staff in who has a local account. Whoever comes with a browser that has signed
// in before is never kept out by those who guess: see staff.Accounts.SignIn.
func (s *Server) signInByPassword(c echo.Context, form url.Values, next string) error {
	if s.plain(c) {
		return s.refuseSignIn(c, next, form.Get("address"), errPlain)
	}
	proven, err := s.accounts.SignIn(c.Request().Context(), staff.Attempt{Address: form.Get("address"),
		Password: form.Get("password"), Code: form.Get("code"), Client: s.client(c).String(), Device: s.device(c)})
	if err != nil {
		return s.refuseSignIn(c, next, form.Get("address"), err)
	}
	c.SetCookie(s.deviceCookie(proven.Device))
	if proven.RecoveryLeft >= 0 {
		s.say(c, fmt.Sprintf("You used a recovery code. %s left: create new ones at \u201cMy account\u201d.",
			counted(proven.RecoveryLeft, "recovery code")))
	}
	return s.admit(c, proven.Account, 0, next)
}

// signInByKey signs in whoever has the shared key, until an administrator is active. Only wrong keys count against a
// client's rate, and the right one is never refused: else whoever shares the staff's address, as everybody in an office
// does, could lock them out. So the rate slows down who guesses by a program that keeps to Retry-After, and the length
// of the key, not the rate, is what makes guessing vain.
func (s *Server) signInByKey(c echo.Context, key, next string) error {
	if !s.sessions.opens(key) {
		if s.guesses != nil {
			if err := s.take(c, s.guesses); err != nil {
				return s.refuseSignIn(c, next, "", err)
			}
		}
		return s.refuseSignIn(c, next, "", errWrongKey)
	}
	administered, err := s.accounts.Administered(c.Request().Context())
	switch {
	case err != nil:
		return err
	case administered:
		return s.refuseSignIn(c, next, "", staff.ErrAdministered)
	}
	return s.admit(c, staff.Account{}, 0, next)
}

// admit begins the session of an account, or with zero of the shared key: every sign-in that succeeds ends here.
func (s *Server) admit(c echo.Context, account staff.Account, proof time.Duration, next string) error {
	if _, err := s.beginSession(c, account, proof); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, next)
}

// errChanged refuses a session of an account that was changed while its owner signed in.
var errChanged = dossier.Errorf(dossier.CodeForbidden, nil,
	"Your account was changed while you signed in. Sign in again.")

// beginSession records that a session begins, and begins it. What changes an account ends its sessions, but not one
// that begins at that moment: so whether the account is still as it was when its owner proved who they are is looked at
// afterwards. Proof is how long ago that was.
func (s *Server) beginSession(c echo.Context, account staff.Account, proof time.Duration) (one staff.Session,
	err error) {
	by := auditActor(staff.Actor{Account: account})
	by.Session = ""
	err = s.record(c, s.entry(c, by, audit.SessionBegin, audit.Subject{}), func() error {
		var cookie *http.Cookie
		if cookie, one, err = s.sessions.begin(c.Request(), account.ID, c.RealIP(), proof); err != nil {
			return err
		}
		tell(c, func(e *audit.Entry) { e.Actor.Session = one.ID.String() })
		if err := s.unchanged(c, account); err != nil {
			_, failed := s.sessions.all.End(context.WithoutCancel(c.Request().Context()), one.ID, account.ID)
			return errors.Join(err, failed)
		}
		c.SetCookie(cookie)
		return nil
	})
	return one, err
}

// unchanged returns errChanged if an account is no longer as it was, or is not in use. Of the shared key there is none.
func (s *Server) unchanged(c echo.Context, account staff.Account) error {
	if account.ID.IsZero() {
		return nil
	}
	now, err := s.accounts.Account(c.Request().Context(), account.ID)
	if errors.Is(err, dossier.ErrNotFound) || err == nil && (now.State != staff.Active ||
		!now.ChangedAt.Equal(account.ChangedAt)) {
		return errChanged
	}
	return err
}

var (
	// errWrongKey refuses what is not the shared key.
	errWrongKey = dossier.Errorf(codeUnauthorized, nil, "This is not the right key.")
	// errPlain refuses a password that others could read on its way.
	errPlain = dossier.Errorf(dossier.CodeForbidden, nil,
		"Passwords are not accepted over plain HTTP from another machine, because others could read them. Open the "+
			"site "+
			"by HTTPS.")
)

// refuseSignIn says why a sign-in failed: every one that does ends here. What is no refusal is returned.
func (s *Server) refuseSignIn(c echo.Context, next, address string, err error) error {
	fault, field, known := s.proofFault(c, err)
	if !known {
		return err
	}
	if err := s.failedSignIn(c); err != nil {
		return err
	}
	v := s.signInView(c, next)
	v.Address, v.Fault, v.FaultField = address, fault.Message, field
	return s.render(c, statusOf(fault), "signin", v)
}

// proofFault returns what to show of an error by which a sign-in, or a proof within a session, was refused, and the
// field to correct. known: it is such an error.
func (s *Server) proofFault(c echo.Context, err error) (fault *dossier.Error, field string, known bool) {
	if retry := (*staff.RetryError)(nil); errors.As(err, &retry) {
		wait := waitOf(retry)
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
		if retry.Busy {
			return dossier.Errorf(codeBusy, err, "Too many people are signing in at the moment. Try again in %s.",
				inWords(wait)), "password", true
		}
		return dossier.Errorf(codeLimited, err, "Too many sign-ins with this address, or from your network, have "+
			"failed. "+
			"Try again in %s, or in a browser that you have signed in with before.", inWords(wait)), "password", true
	}
	if errors.Is(err, staff.ErrRefused) {
		return dossier.Errorf(codeUnauthorized, err, "The address, the password or the code is wrong. A code works "+
			"once: "+
			"wait for the next one."), "password", true
	}
	if !errors.As(err, &fault) {
		return nil, "", false
	}
	switch fault.Code {
	case codeUnauthorized, codeLimited:
		return fault, "key", true
	case dossier.CodeConflict:
		return fault, "key", errors.Is(err, staff.ErrAdministered)
	case dossier.CodeForbidden:
		return fault, "password", err == errPlain
	}
	return nil, "", false
}

// waitOf is how long to wait, in whole seconds.
func waitOf(e *staff.RetryError) time.Duration {
	return (e.After + time.Second - 1).Truncate(time.Second)
}

// plain reports whether a browser may send no password: it is on another machine, and what it sends is not encrypted.
func (s *Server) plain(c echo.Context) bool {
	if s.https || s.o.PlainPasswords {
		return false
	}
	address, err := netip.ParseAddr(c.RealIP())
	return err != nil || !address.Unmap().IsLoopback()
}

// deviceTime is how long a browser is known after its last sign-in: as long as browsers keep a cookie.
const deviceTime = 400 * 24 * time.Hour

// deviceCookie returns the cookie by which a browser is known again that has signed in. It opens nothing.
func (s *Server) deviceCookie(device string) *http.Cookie {
	cookie := &http.Cookie{Name: "dossier_device", Value: device, Path: "/", MaxAge: int(deviceTime / time.Second),
		HttpOnly: true, Secure: s.https, SameSite: http.SameSiteLaxMode}
	if s.https {
		cookie.Name = "__Host-" + cookie.Name
	}
	return cookie
}

// device returns what a browser has of deviceCookie.
func (s *Server) device(c echo.Context) string {
	cookie, err := c.Cookie(s.deviceCookie("").Name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// signOutPath is where sessions are signed out.
const signOutPath = "/staff/sign-out"

// signOut ends the session, for copies of its cookie, too. What the browser keeps of files goes with it; "storage"
// would take along what unfinished uploads resume by.
func (s *Server) signOut(c echo.Context) error {
	one, _, err := s.session(c)
	if err != nil {
		return err
	}
	if _, err := s.sessions.all.End(c.Request().Context(), one.ID, staff.AccountID{}); err != nil {
		return err
	}
	return s.leave(c, "You are signed out.")
}

// leave takes the session from the browser.
func (s *Server) leave(c echo.Context, why string) error {
	c.SetCookie(s.sessions.end())
	s.say(c, why)
	c.Response().Header().Set("Clear-Site-Data", `"cache"`)
	return c.Redirect(http.StatusSeeOther, "/staff/sign-in")
}

// staffPages are the pages of staff, beside those of people, that a sign-in may lead to.
var staffPages = []string{"/staff/account", "/staff/account/codes", "/staff/accounts", "/staff/administration",
	"/staff/audit", "/staff/audit.csv", "/staff/first", sessionsPath, "/staff/storage",
	"/staff/tokens", trashPath, emptyTrashPath}

// erasePage is a page that asks before it erases something in the trash.
var erasePage = regexp.MustCompile(`^/trash/people/[0-9a-f-]{36}(/files/[0-9a-f-]{36})?/erase$`)

// accountPage is the page of an account, and what is done there.
var accountPage = regexp.MustCompile(`^(/staff/accounts/[0-9a-f-]{36})(/.*)?$`)

// sessionsPath is the page of sessions.
const sessionsPath = "/staff/sessions"

// safeNext returns where a sign-in leads: raw if it is a staff page of this site, else the directory. It is built anew
// from its parts, so that nothing that a browser might read as another site gets through.
func safeNext(raw string) string {
	const directory = "/people"
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil {
		return directory
	}
	if slices.Contains(staffPages, u.Path) || erasePage.MatchString(u.Path) {
		return u.Path
	}
	if found := accountPage.FindStringSubmatch(u.Path); found != nil {
		return found[1]
	}
	if strings.HasPrefix(u.Path, sessionsPath+"/") {
		return sessionsPath // where they are ended
	}
	if u.Path != directory && !strings.HasPrefix(u.Path, directory+"/") || path.Clean(u.Path) != u.Path ||
		strings.Contains(u.Path, `\`) {
		return directory
	}
	safe := url.URL{Path: u.Path}
	if q, err := url.ParseQuery(u.RawQuery); err == nil {
		safe.RawQuery = q.Encode()
	}
	return safe.String()
}

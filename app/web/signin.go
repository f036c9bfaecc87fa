package web

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// signInView is the staff sign-in (signin.html).
type signInView struct {
	page
	// Key is prefilled from a link of a former release; empty else. Links of this release have it in the fragment, from
	// where a script takes it.
	Key string
	// Next is the path to go to afterwards (hidden field "next").
	Next string
	// Fault is why the last try failed; empty at first.
	Fault string
	// Issuer is the name of the issuer that staff sign in with; empty: there is none. IssuerOnly: there is no other
	// way.
	Issuer     string
	IssuerOnly bool
	// IssuerFault is why the last try to sign in there failed; empty at first.
	IssuerFault string
}

// signInPage asks for the staff secret. The link that the server prints at its start fills it in. One of a former
// release has it in its query, as "key": it signs nobody in, and strict-origin keeps it out of Referer.
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

// signIn begins a session. Only wrong keys count against a client's rate, and the right one is never refused: else
// whoever shares the staff's address, as everybody in an office does, could lock them out. So the rate slows down who
// guesses by a program that keeps to Retry-After, and the length of the key, not the rate, is what makes guessing vain.
func (s *Server) signIn(c echo.Context) error {
	form, err := readSmallForm(c)
	if err != nil {
		return err
	}
	next := safeNext(form.Get("next"))
	if s.o.IssuerOnly {
		return s.signInFault(c, next, dossier.Errorf(dossier.CodeForbidden, nil, "Staff of this site sign in with %s alone.",
			s.o.Issuer.Name()))
	}
	if !s.sessions.opens(form.Get("key")) {
		v := s.signInView(c, next)
		v.Fault = "This is not the right key."
		if s.guesses != nil {
			err := s.take(c, s.guesses)
			var limited *dossier.Error
			if errors.As(err, &limited) {
				v.Fault = limited.Message
				return s.render(c, statusOf(err), "signin", v)
			}
		}
		return s.render(c, http.StatusUnauthorized, "signin", v)
	}
	cookie, err := s.sessions.begin(c.Request(), staff.AccountID{}, c.RealIP())
	if err != nil {
		return err
	}
	c.SetCookie(cookie)
	return c.Redirect(http.StatusSeeOther, next)
}

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

// safeNext returns where a sign-in leads: raw if it is a staff page of this site, else the directory. It is built anew
// from its parts, so that nothing that a browser might read as another site gets through.
func safeNext(raw string) string {
	const directory = "/people"
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil {
		return directory
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

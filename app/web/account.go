package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app/staff"
)

// ownAccountView is the actor's own account (account.html).
type ownAccountView struct {
	page
	accountView
	Plain       bool
	Least, Most int
	faultView
	// Fault is why a change of the password was refused as a whole.
	Fault string
}

// ownAccount shows the actor's account. Whoever has the shared key has none, and can make one.
func (s *Server) ownAccount(c echo.Context) error {
	return s.showOwnAccount(c, http.StatusOK, faultView{}, "")
}

func (s *Server) showOwnAccount(c echo.Context, status int, faults faultView, fault string) error {
	actor, _, err := s.actor(c)
	switch {
	case err != nil:
		return err
	case actor.Shared():
		return c.Redirect(http.StatusSeeOther, "/staff/first")
	}
	return s.render(c, status, "account", ownAccountView{page: s.page(c, "My account"),
		accountView: accountOf(actor.Account, actor.Account.ID), Plain: s.plain(c), Least: staff.MinPassword,
		Most: staff.MaxPassword, faultView: faults, Fault: fault})
}

// own returns the actor's account for what only its owner does.
func (s *Server) own(c echo.Context) (staff.Account, error) {
	actor, _, err := s.actor(c)
	if err == nil && actor.Shared() {
		err = forbiddenShared
	}
	return actor.Account, err
}

// rename changes the actor's name.
func (s *Server) rename(c echo.Context) error {
	own, err := s.own(c)
	if err != nil {
		return err
	}
	_, err = s.accounts.Rename(c.Request().Context(), own.ID, formOf(c).Get("name"))
	if faults, ok := faultsOf(err); ok {
		return s.showOwnAccount(c, http.StatusUnprocessableEntity, faults, "")
	}
	if err != nil {
		return err
	}
	s.say(c, "Your name was changed.")
	return c.Redirect(http.StatusSeeOther, "/staff/account")
}

// changePassword sets another password, ends all sessions, and begins a new one here.
func (s *Server) changePassword(c echo.Context) error {
	own, err := s.own(c)
	if err != nil {
		return err
	}
	if s.plain(c) {
		return errPlain
	}
	form := formOf(c)
	changed, err := s.accounts.ChangePassword(c.Request().Context(), own.ID, form.Get("current"), form.Get("code"),
		form.Get("password"))
	if faults, ok := faultsOf(err); ok {
		return s.showOwnAccount(c, http.StatusUnprocessableEntity, faults, "")
	}
	if fault, _, known := s.proofFault(c, err); known {
		return s.showOwnAccount(c, statusOf(fault), faultView{}, fault.Message)
	}
	if err != nil {
		return err
	}
	s.say(c, "Your password was changed. All other sessions have ended.")
	return s.admit(c, changed, 0, "/staff/account")
}

// codesView sets new time-based codes (codes.html).
type codesView struct {
	page
	Enrollment enrollmentView
	faultView
}

// codesPage offers a new secret for an authenticator app.
func (s *Server) codesPage(c echo.Context) error {
	actor, _, err := s.actor(c)
	switch {
	case err != nil:
		return err
	case actor.Shared():
		return c.Redirect(http.StatusSeeOther, "/staff/first")
	case !actor.Account.Local():
		return c.Redirect(http.StatusSeeOther, "/staff/account")
	}
	own := actor.Account
	return s.showCodes(c, http.StatusOK, s.accounts.Enroll(own), faultView{})
}

func (s *Server) showCodes(c echo.Context, status int, e staff.Enrollment, faults faultView) error {
	if s.plain(c) {
		return errPlain
	}
	enrollment, err := enrollmentOf(e)
	if err != nil {
		return err
	}
	return s.render(c, status, "codes", codesView{page: s.page(c, "New codes"), Enrollment: enrollment,
		faultView: faults})
}

// setCodes has new time-based codes and recovery codes take the place of the old ones.
func (s *Server) setCodes(c echo.Context) error {
	own, err := s.own(c)
	if err != nil {
		return err
	}
	if s.plain(c) {
		return errPlain
	}
	sealed := formOf(c).Get("enrollment")
	codes, err := s.accounts.SetCodes(c.Request().Context(), own.ID, sealed, formOf(c).Get("code"))
	if faults, ok := faultsOf(err); ok {
		return s.showCodes(c, http.StatusUnprocessableEntity, s.accounts.Reenroll(own, sealed), faults)
	}
	if err != nil {
		return err
	}
	return s.showRecovery(c, codes, false)
}

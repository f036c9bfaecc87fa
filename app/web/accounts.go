package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// accountsView are the accounts of staff, with the form that invites (accounts.html).
type accountsView struct {
	page
	Accounts []accountView
	// Name, Address and Role are what was typed into the form.
	Name, Address, Role string
	faultView
	// Shared tells that the actor has the shared key, which works until an administrator is active.
	Shared bool
	// Days is how long an invitation works.
	Days string
}

// accountView is one account.
type accountView struct {
	// Href is the path of its page.
	Href, Name, Address string
	Role                string
	// State is a staff.State.
	State string
	// Local tells that the owner signs in with a password, and not with an issuer.
	Local bool
	// Own marks the account of the actor.
	Own               bool
	SignedIn, Created moment
}

func accountPath(id staff.AccountID) string { return "/staff/accounts/" + id.String() }

func accountOf(a staff.Account, own staff.AccountID) accountView {
	return accountView{Href: accountPath(a.ID), Name: a.Name, Address: a.Address, Role: string(a.Role),
		State: string(a.State), Local: a.Local(), Own: a.ID == own, SignedIn: momentOf(a.SignedInAt),
		Created: momentOf(a.CreatedAt)}
}

func inDays(d time.Duration) string { return counted(int(d/(24*time.Hour)), "day") }

// accountList shows all accounts.
func (s *Server) accountList(c echo.Context) error {
	return s.showAccounts(c, http.StatusOK, staff.Invitation{Role: staff.Viewer}, faultView{})
}

func (s *Server) showAccounts(c echo.Context, status int, typed staff.Invitation, faults faultView) error {
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	all, err := s.accounts.List(c.Request().Context())
	if err != nil {
		return err
	}
	v := accountsView{page: s.page(c, "Accounts"), Name: typed.Name, Address: typed.Address, Role: string(typed.Role),
		faultView: faults, Shared: actor.Shared(), Days: inDays(staff.InvitationLifetime)}
	for _, a := range all {
		v.Accounts = append(v.Accounts, accountOf(a, actor.Account.ID))
	}
	return s.render(c, status, "accounts", v)
}

// invite makes an account and shows the link for its owner.
func (s *Server) invite(c echo.Context) error {
	form := formOf(c)
	typed := staff.Invitation{Name: form.Get("name"), Address: form.Get("address"), Role: staff.Role(form.Get("role"))}
	account, link, err := s.accounts.Invite(c.Request().Context(), typed)
	if faults, ok := faultsOf(err); ok && faults.Faults != nil && len(faults.Order) > 0 {
		return s.showAccounts(c, http.StatusUnprocessableEntity, typed, faults)
	}
	if err != nil {
		return err
	}
	tell(c, func(e *audit.Entry) { e.Subject, e.Detail = accountSubject(account.ID), string(account.Role) })
	return s.showAccount(c, account, link)
}

// memberView is the page of one account (member.html).
type memberView struct {
	page
	accountView
	// Link is a link for the owner that was just made, which the page shows once, and Lasts how long it works.
	Link, Lasts string
	// Roles are those that the account may be given.
	Roles    []staff.Role
	Sessions []sessionView
	// All tells that the sessions are those of everybody, which they are not here.
	All bool
	// Back is the path of the list.
	Back string
}

// member shows one account.
func (s *Server) member(c echo.Context) error {
	id, err := staff.ParseAccountID(c.Param("id"))
	if err != nil {
		return err
	}
	account, err := s.accounts.Account(c.Request().Context(), id)
	if err != nil {
		return accountAbsent(err)
	}
	return s.showAccount(c, account, "")
}

// accountAbsent says of an account that is absent where its list is.
func accountAbsent(err error) error {
	if statusOf(err) != http.StatusNotFound {
		return err
	}
	return &absent{err: err, heading: "Account not found", message: "It may have been removed.",
		back:     "/staff/accounts",
		backText: "Go to the accounts"}
}

func (s *Server) showAccount(c echo.Context, account staff.Account, link string) error {
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	sessions, err := s.sessions.all.All(c.Request().Context(), account.ID)
	if err != nil {
		return err
	}
	v := memberView{page: s.page(c, account.Name), accountView: accountOf(account, actor.Account.ID),
		Roles: staff.Roles, Back: "/staff/accounts"}
	if link != "" {
		v.Link, v.Lasts = s.accountLink(c, link), inDays(staff.ResetLifetime)
		if account.State == staff.Invited {
			v.Lasts = inDays(staff.InvitationLifetime)
		}
	}
	for _, one := range sessions {
		v.Sessions = append(v.Sessions, sessionOf(one, actor.Session, ""))
	}
	return s.render(c, http.StatusOK, "member", v)
}

// onAccount does something with the account of the path, says so, and goes back to its page.
func (s *Server) onAccount(c echo.Context, do func(id staff.AccountID) (staff.Account, error), done string) error {
	id, err := staff.ParseAccountID(c.Param("id"))
	if err != nil {
		return err
	}
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	account, err := do(id)
	if err != nil {
		return accountAbsent(err)
	}
	if account.ID == actor.Account.ID {
		// Whoever changes themselves has no session any more.
		return s.leave(c, "Your account was changed. Sign in again.")
	}
	s.say(c, account.Name+done)
	return c.Redirect(http.StatusSeeOther, accountPath(id))
}

// changeRole gives an account another role.
func (s *Server) changeRole(c echo.Context) error {
	role, err := staff.ParseRole(formOf(c).Get("role"))
	if err != nil {
		return err
	}
	tell(c, func(e *audit.Entry) { e.Detail = string(role) })
	return s.onAccount(c, func(id staff.AccountID) (staff.Account, error) {
		return s.accounts.ChangeRole(c.Request().Context(), id, role)
	}, " is now "+article(string(role))+".")
}

func article(role string) string {
	if role == string(staff.Viewer) {
		return "a " + role
	}
	return "an " + role
}

// suspend keeps an account out. It needs no proof: it may be urgent, and can be undone.
func (s *Server) suspend(c echo.Context) error {
	return s.onAccount(c, func(id staff.AccountID) (staff.Account, error) {
		return s.accounts.Suspend(c.Request().Context(), id)
	}, " is suspended and signed out everywhere.")
}

// resume lets an account in again.
func (s *Server) resume(c echo.Context) error {
	return s.onAccount(c, func(id staff.AccountID) (staff.Account, error) {
		return s.accounts.Resume(c.Request().Context(), id)
	}, " may sign in again.")
}

// newAccountLink makes a link for an account, and shows it. With a reset of the password alone, whoever gets hold of
// the link still needs the owner's second factor.
func (s *Server) newAccountLink(c echo.Context) error {
	id, err := staff.ParseAccountID(c.Param("id"))
	if err != nil {
		return err
	}
	keep := formOf(c).Get("keep") == "codes"
	tell(c, func(e *audit.Entry) {
		if keep {
			e.Detail = "password"
		}
	})
	account, link, err := s.accounts.NewLink(c.Request().Context(), id, keep)
	if err != nil {
		return accountAbsent(err)
	}
	return s.showAccount(c, account, link)
}

// askRemoveAccount asks whether an account is to be removed.
func (s *Server) askRemoveAccount(c echo.Context) error {
	id, err := staff.ParseAccountID(c.Param("id"))
	if err != nil {
		return err
	}
	account, err := s.accounts.Account(c.Request().Context(), id)
	if err != nil {
		return accountAbsent(err)
	}
	return s.render(c, http.StatusOK, "confirm", confirmView{page: s.page(c, "Remove an account"),
		Question:    "Remove the account of " + account.Name + "?",
		Consequence: "They are signed out everywhere. To let them in again, invite them again.",
		Action:      accountPath(id) + "/remove", Cancel: accountPath(id), Button: "Remove"})
}

// removeAccount removes an account.
func (s *Server) removeAccount(c echo.Context) error {
	id, err := staff.ParseAccountID(c.Param("id"))
	if err != nil {
		return err
	}
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	account, err := s.accounts.Remove(c.Request().Context(), id)
	if err != nil {
		return accountAbsent(err)
	}
	if id == actor.Account.ID {
		return s.leave(c, "Your account was removed.")
	}
	s.say(c, "The account of "+account.Name+" was removed.")
	return c.Redirect(http.StatusSeeOther, "/staff/accounts")
}

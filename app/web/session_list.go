package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/mileusna/useragent"

	"dossier.example/app/staff"
)

// sessionsView are the sessions of staff (sessions.html).
type sessionsView struct {
	page
	Sessions []sessionView
	// All tells that the sessions are those of everybody.
	All bool
	// Others tells that there are more sessions than the one that looks at the page.
	Others bool
	// More tells that there are more than the page shows.
	More bool
	// Lifetime and Idle are how long a session lasts at most, and without use.
	Lifetime, Idle string
}

// sessionView is one session.
type sessionView struct {
	// Here marks the session that looks at the page.
	Here bool
	// Who is the name of the account, in lists of several accounts' sessions.
	Who string
	// Browser is the name of the browser and its system, as far as it says; Client the address that signed in.
	Browser, Client string
	Began, Seen     moment
	// End is the path that ends it.
	End string
}

// sessionList shows the sessions that are not over.
func (s *Server) sessionList(c echo.Context) error {
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	here := actor.Session
	all, err := s.sessions.all.All(c.Request().Context(), mine(actor))
	if err != nil {
		return err
	}
	v := sessionsView{page: s.page(c, "Sessions"), All: mine(actor).IsZero(), More: len(all) == staff.MaxSessions,
		Lifetime: inWords(s.sessions.all.Lifetime()), Idle: inWords(s.sessions.all.Idle())}
	names := map[staff.AccountID]string{{}: staff.Actor{}.Name()}
	if v.All {
		accounts, err := s.accounts.List(c.Request().Context())
		if err != nil {
			return err
		}
		for _, a := range accounts {
			names[a.ID] = a.Name
		}
	}
	for _, one := range all {
		v.Sessions = append(v.Sessions, sessionOf(one, here, names[one.Account]))
		v.Others = v.Others || one.ID != here.ID
	}
	return s.render(c, http.StatusOK, "sessions", v)
}

func sessionOf(one, here staff.Session, who string) sessionView {
	return sessionView{Here: one.ID == here.ID, Who: who, Browser: browserName(one.Agent), Client: one.Client,
		Began: momentOf(one.BeganAt), Seen: momentOf(one.SeenAt), End: "/staff/sessions/" + one.ID.String() + "/end"}
}

// mine is whose sessions an actor sees and ends: an administrator everybody's, and everybody else their own.
func mine(actor staff.Actor) staff.AccountID {
	if actor.Role().May(staff.Administrator) {
		return staff.AccountID{}
	}
	return actor.Account.ID
}

// browserName names a browser and its system from what it calls itself, which may be anything.
func browserName(agent string) string {
	ua := useragent.Parse(agent)
	switch {
	case ua.Name != "" && ua.OS != "":
		return ua.Name + " on " + ua.OS
	case ua.Name != "":
		return ua.Name
	}
	return "Unknown browser"
}

// endSession ends one session. Its own is a way to sign out.
func (s *Server) endSession(c echo.Context) error {
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	id, err := staff.ParseSessionID(c.Param("id"))
	if err != nil {
		return err
	}
	ended, err := s.sessions.all.End(c.Request().Context(), id, mine(actor))
	switch {
	case err != nil:
		return err
	case id == actor.Session.ID:
		return s.leave(c, "You are signed out.")
	case ended:
		s.say(c, "The session was ended.")
	default:
		s.say(c, "The session had ended already.")
	}
	return c.Redirect(http.StatusSeeOther, "/staff/sessions")
}

// endOtherSessions ends all sessions but the one that asks for it.
func (s *Server) endOtherSessions(c echo.Context) error {
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	n, err := s.sessions.all.EndOthers(c.Request().Context(), actor.Session.ID, mine(actor))
	if err != nil {
		return err
	}
	s.say(c, counted(n, "other session")+" ended.")
	return c.Redirect(http.StatusSeeOther, "/staff/sessions")
}

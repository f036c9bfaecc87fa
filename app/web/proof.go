package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// proofAge is how long ago a sign-in may be for what changes accounts.
const proofAge = 30 * time.Minute

// forbiddenShared refuses what only the owner of an account does.
var forbiddenShared = dossier.Errorf(dossier.CodeForbidden, nil,
	"You are signed in with the shared key, which is nobody's account. Make an account first.")

// proved reports whether the actor has signed in, or proved themselves again, within a time. If not, it has answered:
// with the page that asks for proof, from which the actor comes back to the page of the same path. A new proof begins a
// new session, so there is nothing else to keep.
func (s *Server) proved(c echo.Context, within time.Duration) (ok bool, err error) {
	actor, _, err := s.actor(c)
	if err != nil {
		return false, err
	}
	if s.now().Sub(actor.Session.BeganAt) < within {
		return true, nil
	}
	to := c.Request().URL.RequestURI()
	if c.Request().Method == http.MethodPost {
		to = c.Request().URL.EscapedPath()
		s.say(c, "Nothing was changed yet. Confirm that it is you, then do it again.")
	}
	return false, c.Redirect(http.StatusSeeOther, "/staff/proof?"+url.Values{"next": {safeNext(to)}}.Encode())
}

// afterProof has a handler run only if the actor has signed in lately.
func (s *Server) afterProof(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if ok, err := s.proved(c, proofAge); !ok {
			notDone(c)
			return err
		}
		return next(c)
	}
}

// proofView asks who is signed in for proof again (proof.html).
type proofView struct {
	page
	Name string
	// Shared tells that the shared key is asked for, Local that a password and a code are. With neither, an issuer has
	// to be asked.
	Shared, Local bool
	// Issuer is its name; empty: there is none any more.
	Issuer string
	Plain  bool
	Next   string
	Fault  string
}

func (s *Server) showProof(c echo.Context, status int, next, fault string) error {
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	v := proofView{page: s.page(c, "Confirm that it is you"), Name: actor.Name(), Shared: actor.Shared(),
		Local: !actor.Shared() && actor.Account.Local(), Plain: s.plain(c), Next: next, Fault: fault}
	if s.o.Issuer != nil {
		v.Issuer = s.o.Issuer.Name()
	}
	return s.render(c, status, "proof", v)
}

// proofPage asks for proof.
func (s *Server) proofPage(c echo.Context) error {
	return s.showProof(c, http.StatusOK, safeNext(c.QueryParam("next")), "")
}

// proof takes it, and goes on.
func (s *Server) proof(c echo.Context) error {
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	form := formOf(c)
	next := safeNext(form.Get("next"))
	switch {
	case actor.Shared():
		if !s.sessions.opens(form.Get("key")) {
			err = errWrongKey
			if s.guesses != nil {
				if limited := s.take(c, s.guesses); limited != nil {
					err = limited
				}
			}
		}
	case s.plain(c):
		err = errPlain
	default:
		_, err = s.accounts.Prove(c.Request().Context(), actor.Account.ID, form.Get("password"), form.Get("code"))
	}
	if fault, _, known := s.proofFault(c, err); known {
		return s.showProof(c, statusOf(fault), next, fault.Message)
	}
	if err != nil {
		return err
	}
	return s.admit(c, actor.Account, next)
}

package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// proofAge is how long ago a sign-in may be for what changes accounts.
const proofAge = 30 * time.Minute

// forbiddenShared refuses what only the owner of an account does.
var forbiddenShared = dossier.Errorf(dossier.CodeForbidden, nil,
	"You are signed in with the shared key, which is nobody's account. Make an account first.")

// proofRule says when a sign-in that is long ago is not enough for a route.
type proofRule int

const (
	// noProof: it always is.
	noProof proofRule = iota
	// proof: it never is.
	proof
	// proofToErase: it is not where nothing goes to the trash, because then the route erases.
	proofToErase
	// proofByForm: the form says what is done, and that has a rule of its own.
	proofByForm
)

// asks reports whether the rule asks for proof here.
func (s *Server) asks(r proofRule) bool { return r == proof || r == proofToErase && !s.trashing() }

// provedSince reports whether an actor has signed in, or proved themselves again, within a time.
func (s *Server) provedSince(by staff.Actor, within time.Duration) bool {
	return s.now().Sub(by.Session.Proved()) < within
}

// proved reports whether the actor has signed in, or proved themselves again, lately. If not, it has answered: with the
// page that asks for proof, from which the actor comes back to a page: that of a path of this site. A new proof begins
// a new session, so there is nothing else to keep.
func (s *Server) proved(c echo.Context, back string) (ok bool, err error) {
	actor, _, err := s.actor(c)
	if err != nil {
		return false, err
	}
	if s.provedSince(actor, proofAge) {
		return true, nil
	}
	notDone(c)
	s.say(c, "Nothing was done yet. Confirm that it is you, then do it again.")
	return false, c.Redirect(http.StatusSeeOther, "/staff/proof?"+url.Values{"next": {safeNext(back)}}.Encode())
}

// afterProof has a handler run only if its rule asks for no proof, or the actor has signed in lately. It runs inside
// recorded and token.
func (s *Server) afterProof(rule proofRule) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !s.asks(rule) {
				return next(c)
			}
			if ok, err := s.proved(c, pageBefore(c.Request())); !ok {
				return err
			}
			return next(c)
		}
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

// prove takes it, and goes on.
func (s *Server) prove(c echo.Context) error {
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
	return s.admit(c, actor.Account, 0, next)
}

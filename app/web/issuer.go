package web

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// Issuer is an OpenID Connect issuer that staff sign in with. Messages of its errors are for the one who signs in.
type Issuer interface {
	// Name returns what people call it.
	Name() string
	// Begin returns where a browser goes to sign in, and the secret of this sign-in. The issuer sends the browser to
	// redirect, with the state. Again: it is to ask for proof, also of somebody whom it knows.
	Begin(ctx context.Context, redirect, state string, again bool) (address, secret string, err error)
	// Finish returns who signed in, from the query that the issuer sends the browser with.
	Finish(ctx context.Context, redirect, secret string, answer url.Values) (staff.Identity, error)
}

// The paths of a sign-in with the issuer. The second is registered there.
const (
	issuerPath   = "/staff/sign-in/issuer"
	callbackPath = issuerPath + "/callback"
)

const (
	// issuerTime is how long a sign-in with the issuer may take.
	issuerTime = 10 * time.Minute
	// maxPending is how many sign-ins a browser may have under way, one in each tab.
	maxPending = 5
	// maxNext bounds the path that a sign-in leads to, in bytes: browsers keep cookies of up to 4,096.
	maxNext = 1500
)

// pending is a sign-in that is under way. The browser holds it, sealed, in a cookie of its own, so that several tabs
// can sign in at once, and so that any instance finishes what another began.
type pending struct {
	Secret   string    `json:"secret"`
	Redirect string    `json:"redirect"`
	Next     string    `json:"next"`
	BegunAt  time.Time `json:"begun_at"`
	// Of is the account whose owner proves themselves again; empty: somebody signs in.
	Of string `json:"of,omitempty"`
}

// pendings seals and opens them.
type pendings struct {
	aead   cipher.AEAD
	prefix string
	secure bool
	now    func() time.Time
}

func newPendings(secret string, https bool, now func() time.Time) (*pendings, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "dossier pending sign-ins", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of pending sign-ins: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make the cipher of pending sign-ins: %w", err)
	}
	p := &pendings{prefix: "dossier_sign_in_", secure: https, now: now}
	if https {
		p.prefix = "__Host-" + p.prefix
	}
	if p.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, fmt.Errorf("make the cipher of pending sign-ins: %w", err)
	}
	return p, nil
}

// name returns the name of the cookie of a state.
func (p *pendings) name(state string) string {
	hash := sha256.Sum256([]byte(state))
	return p.prefix + base64.RawURLEncoding.EncodeToString(hash[:16])
}

// cookie returns the cookie of a name. SameSite is Lax because the issuer sends the browser here.
func (p *pendings) cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true,
		Secure: p.secure, SameSite: http.SameSiteLaxMode}
}

// seal returns the cookie of a sign-in, which opens under the name of its state alone.
func (p *pendings) seal(one pending, state string) (*http.Cookie, error) {
	text, err := json.Marshal(one)
	if err != nil {
		return nil, fmt.Errorf("seal a sign-in: %w", err)
	}
	name := p.name(state)
	sealed := p.aead.Seal(nil, nil, text, []byte(name))
	return p.cookie(name, base64.RawURLEncoding.EncodeToString(sealed), issuerTime), nil
}

// open returns the sign-in of a cookie, if this site sealed it under this name and it is not over.
func (p *pendings) open(cookie *http.Cookie) (one pending, ok bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value)
	if err != nil {
		return pending{}, false
	}
	text, err := p.aead.Open(nil, nil, sealed, []byte(cookie.Name))
	if err != nil || json.Unmarshal(text, &one) != nil {
		return pending{}, false
	}
	age := p.now().Sub(one.BegunAt)
	return one, age >= 0 && age < issuerTime
}

// of returns the sign-in of a state, if this browser began it.
func (p *pendings) of(r *http.Request, state string) (one pending, ok bool) {
	cookie, err := r.Cookie(p.name(state))
	if err != nil {
		return pending{}, false
	}
	return p.open(cookie)
}

// surplus returns the cookies that take from a browser what keeps it from beginning another sign-in: those that are
// over, and the oldest.
func (p *pendings) surplus(r *http.Request) (ends []*http.Cookie) {
	type other struct {
		name    string
		begunAt time.Time
	}
	var others []other
	for _, cookie := range r.Cookies() {
		if !strings.HasPrefix(cookie.Name, p.prefix) {
			continue
		}
		if one, ok := p.open(cookie); ok {
			others = append(others, other{cookie.Name, one.BegunAt})
		} else {
			ends = append(ends, p.cookie(cookie.Name, "", -time.Second))
		}
	}
	slices.SortFunc(others, func(a, b other) int { return a.begunAt.Compare(b.begunAt) })
	for ; len(others) >= maxPending; others = others[1:] {
		ends = append(ends, p.cookie(others[0].name, "", -time.Second))
	}
	return ends
}

// notIssuerOnly refuses a way in that is another one than the issuer, where there is to be none.
func (s *Server) notIssuerOnly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.o.IssuerOnly {
			return s.signInFault(c, safeNext(""), dossier.Errorf(dossier.CodeForbidden, nil,
				"Staff of this site sign in with "+
					"%s alone. An invitation counts when the owner of its address signs in there.", s.o.Issuer.Name()))
		}
		return next(c)
	}
}

// toIssuer sends the browser to the issuer: to sign in, or, again, to prove that it is still the one who is signed in.
// It is a link, not a form, because the policy of pages lets forms lead nowhere else. A link on another site leads to
// the sign-in page instead, so that nobody is signed in without having asked for it.
func (s *Server) toIssuer(c echo.Context) error {
	next := safeNext(c.QueryParam("next"))
	if len(next) > maxNext {
		next = safeNext("")
	}
	if c.Request().Header.Get("Sec-Fetch-Site") == "cross-site" {
		return c.Redirect(http.StatusSeeOther, "/staff/sign-in?"+url.Values{"next": {next}}.Encode())
	}
	actor, in, err := s.actor(c)
	again := c.QueryParam("again") != "" && in && err == nil && !actor.Shared()
	if in && err == nil && !again {
		return c.Redirect(http.StatusSeeOther, next)
	}
	state := rand.Text()
	one := pending{Redirect: s.origin(c) + callbackPath, Next: next, BegunAt: s.now()}
	if again {
		one.Of = actor.Account.ID.String()
	}
	address, secret, err := s.o.Issuer.Begin(c.Request().Context(), one.Redirect, state, again)
	if err != nil {
		return s.signInFault(c, next, err)
	}
	one.Secret = secret
	cookie, err := s.pendings.seal(one, state)
	if err != nil {
		return err
	}
	for _, end := range s.pendings.surplus(c.Request()) {
		c.SetCookie(end)
	}
	c.SetCookie(cookie)
	return c.Redirect(http.StatusSeeOther, address)
}

// fromIssuer begins the session of whoever the issuer sends back. The state says which of this browser's sign-ins it is
// about: another browser's, which somebody may have been lured to by a link, has no cookie here.
func (s *Server) fromIssuer(c echo.Context) error {
	answer := c.QueryParams()
	var state string
	if states := answer["state"]; len(states) == 1 {
		state = states[0]
	}
	one, ok := s.pendings.of(c.Request(), state)
	if !ok {
		if _, in, err := s.session(c); in && err == nil {
			// Somebody went back in their browser.
			return c.Redirect(http.StatusSeeOther, safeNext(""))
		}
		return s.signInFault(c, safeNext(""), dossier.Errorf(dossier.CodeForbidden, nil,
			"This sign-in was begun in another "+
				"browser, was already used, or took more than %d minutes. Sign in again.", issuerTime/time.Minute))
	}
	identity, err := s.o.Issuer.Finish(c.Request().Context(), one.Redirect, one.Secret, answer)
	if errors.Is(err, dossier.ErrUnavailable) || gone(c, err) {
		// Reloading the page tries again.
		return s.signInFault(c, one.Next, err)
	}
	c.SetCookie(s.pendings.cookie(s.pendings.name(state), "", -time.Second))
	if err != nil {
		return s.signInFault(c, one.Next, err)
	}
	account, err := s.letIn(c, identity, one.Of)
	if err != nil {
		return s.signInFault(c, one.Next, err)
	}
	return s.admit(c, account, identity.Proof, one.Next)
}

// bySignIn is the detail of what a sign-in with the issuer changes in an account.
const bySignIn = ", by the sign-in service"

// letIn returns the account of an identity, and records what that makes of it. Of: it has to be this one; empty: any.
func (s *Server) letIn(c echo.Context, who staff.Identity, of string) (staff.Account, error) {
	var begun []*recording
	end := func(err error) {
		for _, r := range begun {
			r.end(err)
		}
		begun = nil
	}
	defer end(errPanic) // the second of two ends is none
	defer c.Set(recordingKey, c.Get(recordingKey))
	account, err := s.accounts.Enter(c.Request().Context(), who, func(e staff.Entrance) error {
		end(dossier.ErrLost) // a try before this one
		if of != "" && of != e.Account.ID.String() {
			return dossier.Errorf(dossier.CodeForbidden, nil, "You proved to %s that you are somebody else. Sign out "+
				"there, and try again with the account that you are signed in with here.", s.o.Issuer.Name())
		}
		for _, change := range []struct {
			made   bool
			action audit.Action
			detail string
		}{
			{e.Made, audit.AccountAccept, string(e.Account.Role) + bySignIn},
			{e.Role, audit.AccountRole, string(e.Account.Role) + bySignIn},
			{e.Known, audit.AccountRename, strings.TrimPrefix(bySignIn, ", ")},
		} {
			if !change.made {
				continue
			}
			entry := s.entry(c, auditActor(staff.Actor{Account: e.Account}), change.action,
				accountSubject(e.Account.ID))
			entry.Actor.Session, entry.Detail = "", change.detail
			r, err := s.begin(c, entry)
			if err != nil {
				return err
			}
			begun = append(begun, r)
		}
		return nil
	})
	end(err)
	return account, err
}

// signInFault says on the sign-in page why the issuer signed nobody in. What has no message for people is an error like
// any other.
func (s *Server) signInFault(c echo.Context, next string, err error) error {
	var told *dossier.Error
	if !errors.As(err, &told) || told.Message == "" || gone(c, err) {
		return err
	}
	note(c, err)
	if told.Code != dossier.CodeUnavailable {
		if err := s.failedSignIn(c); err != nil {
			return err
		}
	}
	v := s.signInView(c, next)
	v.IssuerFault = told.Message
	return s.render(c, statusOf(err), "signin", v)
}

// signInView returns the view of the sign-in page.
func (s *Server) signInView(c echo.Context, next string) signInView {
	v := signInView{page: s.page(c, "Staff sign-in"), Next: cmp.Or(next, safeNext("")), Plain: s.plain(c),
		IssuerOnly: s.o.IssuerOnly}
	if s.o.Issuer != nil {
		v.Issuer = s.o.Issuer.Name()
	}
	if !s.o.IssuerOnly {
		v.Accounts, v.ByKey = true, true
		// Where the store does not say who there is, the page offers both.
		if local, shared, err := s.accounts.Ways(c.Request().Context()); err == nil {
			v.Accounts, v.ByKey = local, shared
		}
	}
	return v
}

package web

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// rememberedTime is how long a browser keeps the cookie of a session that has ended, so that whoever comes back is told
// why the site asks for the key again.
const rememberedTime = 7 * 24 * time.Hour

// sessions carries staff sessions in cookies, and signs what else goes out and comes back.
type sessions struct {
	all         *staff.Sessions
	secret      [32]byte // hash of the staff secret
	csrf, flash []byte   // keys
	cookie      string
	secure      bool
	now         func() time.Time
}

func newSessions(all *staff.Sessions, secret string, https bool, now func() time.Time) (*sessions, error) {
	// Releases before this one had another cookie, "dossier_staff". While both serve, each finds its own.
	s := &sessions{all: all, secret: sha256.Sum256([]byte(secret)), cookie: "dossier_session", secure: https, now: now}
	if https {
		// A browser takes a __Host- cookie only when it is Secure, for the path / and without a Domain: no sibling
		// domain can plant one (RFC 6265bis).
		s.cookie = "__Host-" + s.cookie
	}
	var err error
	if s.csrf, err = hkdf.Key(sha256.New, []byte(secret), nil, "dossier staff csrf", sha256.Size); err != nil {
		return nil, fmt.Errorf("derive token key: %w", err)
	}
	if s.flash, err = hkdf.Key(sha256.New, []byte(secret), nil, "dossier flash", sha256.Size); err != nil {
		return nil, fmt.Errorf("derive flash key: %w", err)
	}
	return s, nil
}

// opens reports whether key is the staff secret, ignoring spaces and invisible characters around it, which pasted keys
// often have. Hashes are compared, so that not even the length shows in the time it takes.
func (s *sessions) opens(key string) bool {
	same := 0
	pasted := func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }
	for _, k := range []string{key, strings.TrimFunc(key, pasted)} {
		hash := sha256.Sum256([]byte(k))
		same |= subtle.ConstantTimeCompare(hash[:], s.secret[:])
	}
	return same == 1
}

// begin begins a session of an account, or with zero one of the shared secret, for a request, in the place of the one
// that it comes from, and returns it with its cookie. SameSite is Lax, not Strict: a link to a person in a mail must
// find the reader signed in, and everything that changes something is a POST, which Lax keeps the cookie from.
func (s *sessions) begin(r *http.Request, account staff.AccountID, client string, proof time.Duration) (*http.Cookie,
	staff.Session, error) {
	former, there, err := s.of(r)
	if err != nil {
		return nil, staff.Session{}, err
	}
	token, one, err := s.all.Begin(r.Context(), account, client, r.UserAgent(), proof)
	if err != nil {
		return nil, staff.Session{}, err
	}
	if there {
		if _, err := s.all.End(r.Context(), former.Session.ID, staff.AccountID{}); err != nil {
			return nil, staff.Session{}, err
		}
	}
	return s.set(token, int((s.all.Lifetime()+rememberedTime)/time.Second)), one, nil
}

// end returns the cookie that removes a session from the browser.
func (s *sessions) end() *http.Cookie { return s.set("", -1) }

func (s *sessions) set(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookie, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
}

// of returns on whose behalf a request is made, if it has a session that is not over. An error means that this is not
// known.
func (s *sessions) of(r *http.Request) (actor staff.Actor, ok bool, err error) {
	cookie, err := r.Cookie(s.cookie)
	if err != nil {
		return staff.Actor{}, false, nil
	}
	return s.all.Of(r.Context(), cookie.Value)
}

// actorKey is where the actor of a request is kept once it was looked for.
const actorKey = "actor"

// foundActor is what a look for an actor found.
type foundActor struct {
	actor staff.Actor
	ok    bool
	err   error
}

// actor returns on whose behalf a request is made, if it comes with a session that is not over. An error means that
// this is not known, and nobody is signed in then. The store is asked once for each request.
func (s *Server) actor(c echo.Context) (actor staff.Actor, ok bool, err error) {
	found, looked := c.Get(actorKey).(foundActor)
	if !looked {
		found.actor, found.ok, found.err = s.sessions.of(c.Request())
		c.Set(actorKey, found)
	}
	return found.actor, found.ok, found.err
}

// session returns the session that a request comes with, if it comes with one that is not over.
func (s *Server) session(c echo.Context) (one staff.Session, ok bool, err error) {
	actor, ok, err := s.actor(c)
	return actor.Session, ok, err
}

// ended reports whether a request that has no session has a session's cookie: the session is over, or was ended.
func (s *sessions) ended(r *http.Request) bool {
	cookie, err := r.Cookie(s.cookie)
	return err == nil && cookie.Value != ""
}

// token returns the token that the forms of a session carry.
func (s *sessions) token(one staff.Session) string {
	return base64.RawURLEncoding.EncodeToString(mac(s.csrf, one.ID[:]))
}

// owns reports, in constant time, whether the token is the session's.
func (s *sessions) owns(one staff.Session, token string) bool {
	return hmac.Equal([]byte(s.token(one)), []byte(token))
}

// receiptToken returns the token that the forms of a receipt's page carry. What it is made of is longer than the id of
// a session, so neither passes for the other.
func (s *sessions) receiptToken(r dossier.Receipt) string {
	hash := r.Hash()
	return base64.RawURLEncoding.EncodeToString(mac(s.csrf, append(r.Person[:], hash[:]...)))
}

// ownsReceipt reports, in constant time, whether the token is the receipt's.
func (s *sessions) ownsReceipt(r dossier.Receipt, token string) bool {
	return hmac.Equal([]byte(s.receiptToken(r)), []byte(token))
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

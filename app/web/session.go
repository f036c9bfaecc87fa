package web

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"dossier.example/app"
)

// sessionTime is how long a sign-in lasts: a working day. It is not prolonged by use.
const sessionTime = 12 * time.Hour

// rememberedTime is how long a browser keeps the cookie of a session that has ended, so that whoever comes back is told
// why the site asks for the key again.
const rememberedTime = 7 * 24 * time.Hour

// sessions makes and reads staff sessions. A session is a signed cookie and nothing else, so that any instance can read
// what another made. The price: signing out takes the cookie from the browser, but only a new staff secret ends a
// session that was copied.
type sessions struct {
	secret            [32]byte // hash of the staff secret
	sign, csrf, flash []byte   // keys
	cookie            string
	secure            bool
	now               func() time.Time
}

// session is one sign-in.
type session struct {
	id      [16]byte
	expires time.Time
}

func newSessions(secret string, https bool, now func() time.Time) (*sessions, error) {
	s := &sessions{secret: sha256.Sum256([]byte(secret)), cookie: "dossier_staff", secure: https, now: now}
	if https {
		// A browser takes a __Host- cookie only when it is Secure, for the path / and without a Domain: no sibling
		// domain can plant one (RFC 6265bis).
		s.cookie = "__Host-" + s.cookie
	}
	var err error
	if s.sign, err = hkdf.Key(sha256.New, []byte(secret), nil, "dossier staff session", sha256.Size); err != nil {
		return nil, fmt.Errorf("derive session key: %w", err)
	}
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

// begin returns a new session's cookie. SameSite is Lax, not Strict: a link to a person in a mail must find the reader
// signed in, and everything that changes something is a POST, which Lax keeps the cookie from.
func (s *sessions) begin() *http.Cookie {
	var one session
	// Never fails: crypto/rand.Read crashes the program rather than return an error.
	_, _ = rand.Read(one.id[:])
	one.expires = s.now().Add(sessionTime)
	payload := binary.BigEndian.AppendUint64(bytes.Clone(one.id[:]), uint64(one.expires.Unix()))
	value := base64.RawURLEncoding.EncodeToString(append(payload, mac(s.sign, payload)...))
	return s.set(value, int((sessionTime+rememberedTime)/time.Second))
}

// end returns the cookie that removes a session from the browser.
func (s *sessions) end() *http.Cookie { return s.set("", -1) }

func (s *sessions) set(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookie, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
}

// of returns the request's session, if it has one that is whole and not expired.
func (s *sessions) of(r *http.Request) (session, bool) {
	cookie, err := r.Cookie(s.cookie)
	if err != nil {
		return session{}, false
	}
	const payload = 16 + 8
	b, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value)
	if err != nil || len(b) != payload+sha256.Size || !hmac.Equal(mac(s.sign, b[:payload]), b[payload:]) {
		return session{}, false
	}
	one := session{id: [16]byte(b[:16]), expires: time.Unix(int64(binary.BigEndian.Uint64(b[16:payload])), 0)}
	return one, s.now().Before(one.expires)
}

// ended reports whether the request has a session's cookie although it has no session: it expired, or the staff secret
// changed.
func (s *sessions) ended(r *http.Request) bool {
	cookie, err := r.Cookie(s.cookie)
	if err != nil || cookie.Value == "" {
		return false
	}
	_, ok := s.of(r)
	return !ok
}

// token returns the token that the forms of a session carry.
func (s *sessions) token(one session) string {
	return base64.RawURLEncoding.EncodeToString(mac(s.csrf, one.id[:]))
}

// owns reports, in constant time, whether the token is the session's.
func (s *sessions) owns(one session, token string) bool {
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

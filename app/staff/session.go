// Package staff is who works with what people submitted: the sessions by which the site knows them.
//
// It holds the rules. Package people keeps what it stores, in the same database as the people, so that any instance of
// the site knows every session; package web carries a session's token in a cookie. Both import it, and the program that
// wires them.
package staff

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"dossier.example/app"
)

// SessionID names a session in lists and in the address of what ends it. It opens nothing.
type SessionID uuid.UUID

// ParseSessionID reads the text of an ID; dossier.CodeNotFound if it is none.
func ParseSessionID(text string) (SessionID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return SessionID{}, dossier.ErrNotFound
	}
	return SessionID(id), nil
}

// String returns the ID as ParseSessionID reads it.
func (id SessionID) String() string { return uuid.UUID(id).String() }

// The longest texts of a session, in bytes.
const (
	MaxClient = 64
	MaxAgent  = 256
)

// Session is one sign-in, on one browser.
type Session struct {
	ID SessionID
	// Account is whose it is; zero for one that the shared secret opened.
	Account AccountID
	// Token is made of the token that the browser holds and a key that is not stored: whoever reads the table can
	// neither use a session nor test guesses of the staff secret.
	Token [sha256.Size]byte
	// Client is the address that signed in, Agent what the browser calls itself; neither is proof of anything.
	Client, Agent string
	// BeganAt is when it began, SeenAt when it was used last, to about a minute.
	BeganAt, SeenAt time.Time
	// ProvedAt is when somebody last proved who they are, where that was before it began: an issuer lets in whom it
	// knows, without a question. Zero: when it began.
	ProvedAt time.Time
}

// Proved returns when somebody last proved who they are.
func (s Session) Proved() time.Time {
	if s.ProvedAt.IsZero() {
		return s.BeganAt
	}
	return s.ProvedAt
}

// MaxSessions is how many sessions a list shows.
const MaxSessions = 200

// How long sessions last by default: at most a day, and an hour without use, as NIST SP 800-63B-4 has it for AAL2
// (https://pages.nist.gov/800-63-4/sp800-63b.html#sec2). The absolute limit is a working day.
const (
	DefaultLifetime = 12 * time.Hour
	DefaultIdle     = time.Hour
)

// seenAge is how old SeenAt may get before it is written again, as not each page is worth a write; of a short idle time
// it is no more than a quarter.
const seenAge = time.Minute

// Sessions begins, recognizes and ends sessions. It keeps nothing between two calls, so any number of instances may
// serve the same store.
type Sessions struct {
	store          Store
	key            []byte
	lifetime, idle time.Duration
	now            func() time.Time
	log            *slog.Logger
}

// Options are the parts of Sessions that have defaults.
type Options struct {
	// Lifetime is how long a session lasts at most, and Idle how long without use. Default: DefaultLifetime and
	// DefaultIdle.
	Lifetime, Idle time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Log receives what cannot be returned to any caller. Default: discarded.
	Log *slog.Logger
}

// NewSessions returns the sessions that the holders of a secret open. Another secret ends them all.
func NewSessions(store Store, secret string, o Options) (*Sessions, error) {
	if o.Lifetime <= 0 {
		o.Lifetime = DefaultLifetime
	}
	if o.Idle <= 0 {
		o.Idle = DefaultIdle
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "dossier staff sessions in a store", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of sessions: %w", err)
	}
	return &Sessions{store: store, key: key, lifetime: o.Lifetime, idle: min(o.Idle, o.Lifetime), now: o.Now,
		log: o.Log}, nil
}

// Lifetime returns how long a session lasts at most.
func (s *Sessions) Lifetime() time.Duration { return s.lifetime }

// Idle returns how long a session lasts without use.
func (s *Sessions) Idle() time.Duration { return s.idle }

func (s *Sessions) time() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// tokenBytes is how much chance a token holds.
const tokenBytes = 32

// Begin begins a session of an account, or with zero one of whoever has the shared secret, and returns its token, which
// is not stored anywhere. Proof is how long ago they proved who they are.
func (s *Sessions) Begin(ctx context.Context, account AccountID, client, agent string, proof time.Duration) (
	token string, one Session, err error) {
	now := s.time()
	if err := s.store.ForgetSessions(ctx, now.Add(-s.lifetime), now.Add(-s.idle)); err != nil {
		return "", Session{}, fmt.Errorf("forget sessions that are over: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", Session{}, fmt.Errorf("make a session's ID: %w", err)
	}
	raw := make([]byte, tokenBytes)
	_, _ = rand.Read(raw) // never fails
	one = Session{ID: SessionID(id), Account: account, Token: s.stored(raw), Client: dossier.Shown(client, MaxClient),
		Agent: dossier.Shown(agent, MaxAgent), BeganAt: now, SeenAt: now}
	if proof > 0 {
		one.ProvedAt = now.Add(-proof)
	}
	if err := s.store.AddSession(ctx, one); err != nil {
		return "", Session{}, fmt.Errorf("begin a session: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), one, nil
}

// Of returns on whose behalf a token is used, if its session is not over and its account is active. An error means that
// this is not known, and nobody is signed in then. The account is as it is now: what changed since the last request
// holds for this one.
func (s *Sessions) Of(ctx context.Context, token string) (actor Actor, ok bool, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != tokenBytes {
		return Actor{}, false, nil
	}
	actor, err = s.store.Actor(ctx, s.stored(raw))
	if errors.Is(err, dossier.ErrNotFound) {
		return Actor{}, false, nil
	}
	if err != nil {
		return Actor{}, false, fmt.Errorf("look for a session: %w", err)
	}
	now := s.time()
	if !s.lasts(actor.Session, now) || actor.Role() == "" {
		return Actor{}, false, nil
	}
	if now.Sub(actor.Session.SeenAt) >= min(seenAge, s.idle/4) {
		// Where this cannot be written, the session ends a little early.
		if err := s.store.SeeSession(ctx, actor.Session.ID, now); err != nil {
			s.log.DebugContext(ctx, "the last use of a session could not be noted", "err", err)
		} else {
			actor.Session.SeenAt = now
		}
	}
	return actor, true, nil
}

// stored returns what the store has of a token.
func (s *Sessions) stored(token []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, s.key)
	h.Write(token)
	return [sha256.Size]byte(h.Sum(nil))
}

// clockSkew is how far the clocks of instances may be apart. A session that was begun or used later than that from now
// on is over: the clock was wrong then or is now, and nobody knows how old it is.
const clockSkew = 5 * time.Minute

// lasts reports whether a session is not over.
func (s *Sessions) lasts(one Session, now time.Time) bool {
	within := func(since time.Time, most time.Duration) bool {
		age := now.Sub(since)
		return age >= -clockSkew && age < most
	}
	return within(one.BeganAt, s.lifetime) && within(one.SeenAt, s.idle)
}

// All returns the sessions of an account, or with zero all, that are not over, the newest first, up to MaxSessions.
func (s *Sessions) All(ctx context.Context, of AccountID) ([]Session, error) {
	all, err := s.store.Sessions(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	var lasting []Session
	for now := s.time(); len(all) > 0; all = all[1:] {
		if s.lasts(all[0], now) {
			lasting = append(lasting, all[0])
		}
	}
	return lasting, nil
}

// End ends a session, if it is the account's or of is zero, and reports whether there was one.
func (s *Sessions) End(ctx context.Context, id SessionID, of AccountID) (bool, error) {
	ended, err := s.store.EndSession(ctx, id, of)
	if err != nil {
		return false, fmt.Errorf("end a session: %w", err)
	}
	return ended, nil
}

// EndOthers ends all sessions of an account, or with zero all, except one, and returns how many.
func (s *Sessions) EndOthers(ctx context.Context, except SessionID, of AccountID) (int, error) {
	n, err := s.store.EndOthers(ctx, except, of)
	if err != nil {
		return 0, fmt.Errorf("end all other sessions: %w", err)
	}
	return n, nil
}

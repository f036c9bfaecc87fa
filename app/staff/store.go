package staff

import (
	"context"
	"crypto/sha256"
	"time"
)

// Store keeps the accounts, the sessions and the personal tokens of staff. What package dossier demands of every store
// holds for it, too.
type Store interface {
	SessionStore
	AccountStore
	TokenStore
}

// SessionStore keeps the sessions.
type SessionStore interface {
	// AddSession adds a session; dossier.ErrExists if its ID or its token is taken.
	AddSession(ctx context.Context, s Session) error
	// Actor returns the session with a token, and its account, both by one query; dossier.ErrNotFound. A session of an
	// account that no longer exists, or one that the shared secret opened once an administrator is active, is not
	// found.
	Actor(ctx context.Context, token [sha256.Size]byte) (Actor, error)
	// SeeSession sets SeenAt, unless it is later already or the session does not exist.
	SeeSession(ctx context.Context, id SessionID, at time.Time) error
	// Sessions returns the sessions of an account, or with zero all, the newest first, up to MaxSessions.
	Sessions(ctx context.Context, of AccountID) ([]Session, error)
	// EndSession removes a session, if it is the account's or of is zero, and reports whether it did.
	EndSession(ctx context.Context, id SessionID, of AccountID) (bool, error)
	// EndOthers removes all sessions of an account, or with zero all, except one, and returns how many.
	EndOthers(ctx context.Context, except SessionID, of AccountID) (int, error)
	// ForgetSessions removes the sessions that began before one time or were used last before another.
	ForgetSessions(ctx context.Context, began, seen time.Time) error
}

// Record is an account with what its owner proves themselves by.
type Record struct {
	Account
	Credentials
	// RoleGiven tells that the role is what the last sign-in with an issuer brought, and not what an administrator
	// chose: it ends with the first sign-in that brings none.
	RoleGiven bool
	// Revision counts the changes.
	Revision int64
}

// Credentials are what an owner proves themselves by. Nothing of it shows what was typed.
type Credentials struct {
	// Password is a PHC string; empty: nobody signs in with a password.
	Password string
	// Codes is the secret of time-based codes, sealed, and Step the last step of which a code was used.
	Codes string
	Step  int64
	// Recovery are the recovery codes that were not used yet.
	Recovery []RecoveryHash
	// Link is the link that lets the owner in to set all of these, until LinkExpires; zero: there is none.
	Link        [sha256.Size]byte
	LinkExpires time.Time
}

// AccountStore keeps the accounts. A change is made from the record that was read; it fails with dossier.ErrLost if
// that one has been changed since.
//
// As soon as there is an active administrator there always is one: a change that would leave none fails with ErrLast,
// however many are made at once. With the first one, the sessions end that the shared secret opened.
type AccountStore interface {
	// AddAccount adds an account with revision 1; dossier.ErrExists if its ID, address or identity is taken.
	AddAccount(ctx context.Context, r Record) error
	// Account returns the account of an ID, AccountAt that of an address, AccountOf that of an issuer's subject, and
	// AccountByLink that which a link is for; dossier.ErrNotFound.
	Account(ctx context.Context, id AccountID) (Record, error)
	AccountAt(ctx context.Context, address string) (Record, error)
	AccountOf(ctx context.Context, issuer, subject string) (Record, error)
	AccountByLink(ctx context.Context, link [sha256.Size]byte) (Record, error)
	// Accounts returns all, in the order in which they were made, up to MaxAccounts.
	Accounts(ctx context.Context) ([]Account, error)
	// Administered reports whether an administrator is active.
	Administered(ctx context.Context) (bool, error)
	// AnyLocal reports whether there is a local account, in whatever state.
	AnyLocal(ctx context.Context) (bool, error)
	// SetAccount changes an account to another record, but for its ID and the time at which it was made, and counts its
	// revision on. It ends the account's sessions if asked to, and the personal tokens of one that is suspended, or
	// with which nobody can sign in from now on. dossier.ErrExists if the address or the identity is another's,
	// dossier.ErrNotFound if the account no longer exists.
	SetAccount(ctx context.Context, from, to Record, endSessions bool) error
	// RemoveAccount removes an account with its sessions; dossier.ErrNotFound.
	RemoveAccount(ctx context.Context, r Record) error
}

package staff

import (
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"dossier.example/app"
)

// AccountID names an account: a UUIDv7, so that lists are in the order in which accounts were made.
type AccountID uuid.UUID

// NewAccountID returns a new ID.
func NewAccountID() (AccountID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return AccountID{}, fmt.Errorf("make an account's ID: %w", err)
	}
	return AccountID(id), nil
}

// ParseAccountID reads the text of an ID; dossier.CodeNotFound if it is none.
func ParseAccountID(text string) (AccountID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text || id == uuid.Nil {
		return AccountID{}, dossier.ErrNotFound
	}
	return AccountID(id), nil
}

// String returns the ID as ParseAccountID reads it.
func (id AccountID) String() string { return uuid.UUID(id).String() }

// IsZero reports whether the ID names no account.
func (id AccountID) IsZero() bool { return id == AccountID{} }

// Role says what an account may do. Each role may do what those before it may.
type Role string

// The roles.
const (
	// Viewer sees the directory, people and their files, and downloads them.
	Viewer Role = "viewer"
	// Editor deletes as well.
	Editor Role = "editor"
	// Administrator has accounts, sessions, the audit trail, exports of everybody and erasure as well.
	Administrator Role = "administrator"
)

// Roles are all roles, those who may least first.
var Roles = []Role{Viewer, Editor, Administrator}

// ParseRole reads the name of a role; dossier.CodeInvalid if it is none.
func ParseRole(text string) (Role, error) {
	for _, r := range Roles {
		if text == string(r) {
			return r, nil
		}
	}
	return "", dossier.Errorf(dossier.CodeInvalid, nil, "A role is one of viewer, editor and administrator.")
}

// May reports whether a role may do what another is needed for. A role that is none may nothing.
func (r Role) May(need Role) bool {
	has, wants := -1, len(Roles)
	for i, role := range Roles {
		if role == r {
			has = i
		}
		if role == need {
			wants = i
		}
	}
	return has >= wants
}

// State is the state of an account.
type State string

// The states.
const (
	// Invited: the account has been made, and nobody has signed in with it yet.
	Invited State = "invited"
	// Active: its owner signs in.
	Active State = "active"
	// Suspended: nobody signs in with it, and its sessions and tokens open nothing.
	Suspended State = "suspended"
)

// MaxAccounts is how many accounts there may be.
const MaxAccounts = 1000

// Account is one member of the staff.
type Account struct {
	ID AccountID
	// Name and Address (of mail) are what people know its owner by. No two accounts have the same address, in whatever
	// case it is written.
	Name, Address string
	Role          Role
	State         State
	// Issuer and Subject are whom an OpenID Connect issuer says the owner is; both empty for a local account.
	Issuer, Subject string
	// CreatedAt is when it was made, ChangedAt when its role or state was changed last, SignedInAt when its owner
	// signed in last; zero if never.
	CreatedAt, ChangedAt, SignedInAt time.Time
}

// Actor is on whose behalf a request is made.
type Actor struct {
	// Account is the account; its ID is zero for whoever signed in with the shared secret, who is an administrator
	// until the first account is active.
	Account Account
	// Session is the session that the request came with; zero with a token.
	Session Session
	// Token is the personal token that the request came with; nil with a session.
	Token *Token
}

// Shared reports whether the actor signed in with the shared secret, which tells nobody apart.
func (a Actor) Shared() bool { return a.Account.ID.IsZero() }

// Role returns what the actor may do.
func (a Actor) Role() Role {
	switch {
	case a.Shared():
		return Administrator
	case a.Account.State != Active:
		return ""
	}
	return a.Account.Role
}

// Name returns what people read as the actor's name.
func (a Actor) Name() string {
	if a.Shared() {
		return "shared key"
	}
	return a.Account.Name
}

// Local reports whether the account signs in here, with a password, and not with an issuer.
func (a Account) Local() bool { return a.Issuer == "" }

// Administers reports whether the site has an administrator in this account.
func (a Account) Administers() bool { return a.Role == Administrator && a.State == Active }

// The names of the fields that dossier.FieldFault has here.
const (
	FieldName     = "name"
	FieldAddress  = "address"
	FieldPassword = "password"
	FieldCode     = "code"
)

// MaxAddress is the longest address, in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const MaxAddress = 254

// cleanName normalizes a name; fault says what is allowed.
func cleanName(raw string) (name, fault string) {
	return dossier.Field{Noun: "a name", Most: dossier.MaxNameLength}.CleanText(raw)
}

// cleanAddress checks an address of mail; fault says what is allowed. It changes no character: two mailboxes may differ
// by what normalization removes.
func cleanAddress(raw string) (address, fault string) {
	const rule = "Enter an address such as ada@site.example."
	address = strings.TrimSpace(raw)
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > MaxAddress {
		return address, rule
	}
	if _, domain := cutAddress(address); domain == "" || strings.ContainsAny(domain, "[]") {
		return address, rule
	}
	if strings.ContainsFunc(address, dossier.Hidden) {
		return address, "Must not contain characters that nobody sees."
	}
	return address, ""
}

func cutAddress(address string) (local, domain string) {
	at := strings.LastIndexByte(address, '@')
	return address[:max(0, at)], address[at+1:]
}

// AddressKey returns an address without the differences that mail does not make, or that people do not see: case,
// compatibility forms, and the two forms of an international domain. Two accounts never have the same.
func AddressKey(address string) string {
	local, domain := cutAddress(address)
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	fold := cases.Fold()
	return norm.NFKC.String(fold.String(norm.NFKC.String(local))) + "@" + strings.ToLower(domain)
}

// sameMailbox reports whether two addresses are one mailbox for certain. It is stricter than AddressKey: characters
// that only fold to the same ones may be somebody else's mailbox, who must not be handed an account.
func sameMailbox(a, b string) bool {
	localA, domainA := cutAddress(a)
	localB, domainB := cutAddress(b)
	asciiA, errA := idna.Lookup.ToASCII(domainA)
	asciiB, errB := idna.Lookup.ToASCII(domainB)
	return errA == nil && errB == nil && strings.EqualFold(asciiA, asciiB) && lowerASCII(localA) == lowerASCII(localB)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

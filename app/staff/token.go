package staff

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"dossier.example/app"
)

// TokenID names a personal token in lists and in the address of what revokes it. It opens nothing.
type TokenID uuid.UUID

// ParseTokenID reads the text of an ID; dossier.CodeNotFound if it is none.
func ParseTokenID(text string) (TokenID, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text || id == uuid.Nil {
		return TokenID{}, dossier.ErrNotFound
	}
	return TokenID(id), nil
}

// String returns the ID as ParseTokenID reads it.
func (id TokenID) String() string { return uuid.UUID(id).String() }

// IsZero reports whether the ID names no token.
func (id TokenID) IsZero() bool { return id == TokenID{} }

// Scope is a part of what the API offers to staff. A token opens the parts that it was made for, and of these no more
// than the role of its owner does at the moment of a request.
type Scope string

// The scopes.
const (
	// ScopeRead finds people, and reads their details and what is recorded of their files.
	ScopeRead Scope = "read"
	// ScopeDownload reads the bytes of files.
	ScopeDownload Scope = "download"
	// ScopeTrash moves people and files to the trash.
	ScopeTrash Scope = "trash"
	// ScopeExport exports the details of all people.
	ScopeExport Scope = "export"
)

// Scopes are all scopes.
var Scopes = []Scope{ScopeRead, ScopeDownload, ScopeTrash, ScopeExport}

// ParseScope reads the name of a scope; dossier.CodeInvalid if it is none.
func ParseScope(text string) (Scope, error) {
	for _, s := range Scopes {
		if text == string(s) {
			return s, nil
		}
	}
	return "", dossier.Errorf(dossier.CodeInvalid, nil, "A scope is one of read, download, trash and export.")
}

// Needs returns the role without which a scope opens nothing.
func (s Scope) Needs() Role {
	switch s {
	case ScopeRead, ScopeDownload:
		return Viewer
	case ScopeTrash:
		return Editor
	}
	return Administrator
}

// The limits of tokens.
const (
	// MaxTokenName is the length of the longest name of a token, in characters.
	MaxTokenName = 100
	// MaxTokenDays and DefaultTokenDays say for how many days a token is valid.
	MaxTokenDays, DefaultTokenDays = 365, 90
	// MaxTokensEach is how many tokens one account may have.
	MaxTokensEach = 20
	// MaxTokens is how many tokens a list shows.
	MaxTokens = 200
)

// keptExpired is how long a token is listed after it has expired, so that its owner learns why a program stopped.
const keptExpired = 30 * 24 * time.Hour

// Token is a personal token: a program that has it acts on behalf of its owner.
type Token struct {
	ID TokenID
	// Account is its owner's.
	Account AccountID
	// Name is what the owner knows it by.
	Name string
	// Scopes are what it opens, in the order of the list of all; at least one.
	Scopes []Scope
	// Hash is made of the token's secret and a key that is not stored: whoever reads the table cannot use a token, and
	// whoever writes to it cannot make one.
	Hash [sha256.Size]byte
	// UsedAt is when it was used last, to about a minute; zero if never.
	CreatedAt, ExpiresAt, UsedAt time.Time
}

// Opens reports whether a token was made for a scope.
func (t Token) Opens(s Scope) bool { return slices.Contains(t.Scopes, s) }

// Expired reports whether a token is not valid any more at a time.
func (t Token) Expired(at time.Time) bool { return !at.Before(t.ExpiresAt) }

// TokenStore keeps the personal tokens. What suspends or removes an account removes its tokens with it, so that none
// opens anything again if the account is resumed.
type TokenStore interface {
	// AddToken adds a token; dossier.ErrExists if its ID or its hash is taken.
	AddToken(ctx context.Context, t Token) error
	// Token returns the token with a hash; dossier.ErrNotFound.
	Token(ctx context.Context, hash [sha256.Size]byte) (Token, error)
	// TokenByID returns the token with an ID; dossier.ErrNotFound.
	TokenByID(ctx context.Context, id TokenID) (Token, error)
	// UseToken sets UsedAt, unless it is later already or the token does not exist.
	UseToken(ctx context.Context, id TokenID, at time.Time) error
	// TokensOf returns the tokens of an account, the newest first, up to MaxTokens.
	TokensOf(ctx context.Context, account AccountID) ([]Token, error)
	// Tokens returns the tokens of all accounts, the newest first, up to MaxTokens.
	Tokens(ctx context.Context) ([]Token, error)
	// RevokeToken removes a token, and reports whether there was one.
	RevokeToken(ctx context.Context, id TokenID) (bool, error)
	// ForgetTokens removes the tokens that expired before a time.
	ForgetTokens(ctx context.Context, expired time.Time) error
}

// InvalidToken is why a token opens nothing, in words for whoever sent it.
type InvalidToken string

func (e InvalidToken) Error() string { return string(e) }

// Why a token opens nothing.
const (
	TokenMalformed InvalidToken = "This is not a personal token: one begins with dossier_pat_ and has 70 characters."
	TokenMistyped  InvalidToken = "The token's checksum is wrong: a character is mistyped or missing. Copy it again."
	TokenUnknown   InvalidToken = "The token is not known: it was revoked, or is one of another site. Make a new one."
	TokenExpired   InvalidToken = "The token has expired. Make a new one."
	TokenSuspended InvalidToken = "The account of the token's owner is not active. An administrator can activate it."
)

// TokenPrefix begins every token, so that scanners for secrets recognize one that was published.
const TokenPrefix = "dossier_pat_"

// tokenText writes secrets in letters and digits alone: a double click selects all of a token, and none of its
// characters is easily taken for another.
var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// formatToken writes a token: the prefix, the secret, and the CRC-32 of both.
func formatToken(secret [tokenBytes]byte) string {
	return TokenPrefix + tokenText.EncodeToString(binary.BigEndian.AppendUint32(secret[:], tokenSum(secret[:])))
}

func tokenSum(secret []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(TokenPrefix)), crc32.IEEETable, secret)
}

// parseToken is the inverse of formatToken. Its errors are TokenMalformed and TokenMistyped.
func parseToken(text string) (secret [tokenBytes]byte, err error) {
	body, ok := strings.CutPrefix(text, TokenPrefix)
	if !ok {
		return secret, TokenMalformed
	}
	raw, err := tokenText.DecodeString(body)
	// The decoder skips line breaks, and does not look at the bits behind the last byte.
	if err != nil || len(raw) != tokenBytes+crc32.Size || tokenText.EncodeToString(raw) != body ||
		binary.BigEndian.Uint32(raw[tokenBytes:]) != tokenSum(raw[:tokenBytes]) {
		return secret, TokenMistyped
	}
	return [tokenBytes]byte(raw), nil
}

// Tokens makes, recognizes and revokes personal tokens. It keeps nothing between two calls, so any number of instances
// may serve the same store.
type Tokens struct {
	store Store
	key   []byte
	now   func() time.Time
	log   *slog.Logger
}

// NewTokens returns the tokens of a store. Another secret ends them all.
func NewTokens(store Store, secret string, o Options) (*Tokens, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "dossier personal tokens in a store", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of tokens: %w", err)
	}
	return &Tokens{store: store, key: key, now: o.Now, log: o.Log}, nil
}

func (t *Tokens) time() time.Time { return t.now().UTC().Truncate(time.Microsecond) }

// stored returns what the store has of a secret.
func (t *Tokens) stored(secret [tokenBytes]byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, t.key)
	h.Write(secret[:])
	return [sha256.Size]byte(h.Sum(nil))
}

// NewToken is what an owner asks for.
type NewToken struct {
	Name   string
	Scopes []Scope
	// Days is for how long it is valid.
	Days int
}

// Make makes a token of an account, and returns its text, which is not stored anywhere. dossier.CodeInvalid names what
// is faulty: the fields "name", "scopes" and "days"; dossier.CodeForbidden if the account may make none.
func (t *Tokens) Make(ctx context.Context, owner Actor, want NewToken) (text string, one Token, err error) {
	if owner.Shared() {
		return "", Token{}, dossier.Errorf(dossier.CodeForbidden, nil,
			"A token belongs to an account, and the shared key has none. Sign in with an account of your own.")
	}
	want.Name = strings.Join(strings.Fields(strings.ToValidUTF8(want.Name, "\uFFFD")), " ")
	theirs, err := t.store.TokensOf(ctx, owner.Account.ID)
	if err != nil {
		return "", Token{}, fmt.Errorf("list the tokens of an account: %w", err)
	}
	var faults []dossier.FieldFault
	fault := func(field, format string, args ...any) {
		faults = append(faults, dossier.FieldFault{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	switch {
	case want.Name == "":
		fault("name", "Enter a name, such as that of the program which will use it.")
	case utf8.RuneCountInString(want.Name) > MaxTokenName:
		fault("name", "Must be at most %d characters long.", MaxTokenName)
	case strings.ContainsFunc(want.Name, dossier.Hidden):
		fault("name", "Must not contain control characters, or others that nobody sees.")
	case slices.ContainsFunc(theirs, func(o Token) bool { return o.Name == want.Name }):
		fault("name", tokenNamed)
	}
	var scopes []Scope
	for _, s := range Scopes {
		if !slices.Contains(want.Scopes, s) {
			continue
		}
		if scopes = append(scopes, s); !owner.Role().May(s.Needs()) {
			fault("scopes", "Your role, %s, does not allow the scope %s.", owner.Role(), s)
		}
	}
	if len(scopes) == 0 {
		fault("scopes", "Choose what the token may do.")
	}
	if want.Days < 1 || want.Days > MaxTokenDays {
		fault("days", "Must be 1 to %d days.", MaxTokenDays)
	}
	if len(faults) > 0 {
		return "", Token{}, &dossier.Error{Code: dossier.CodeInvalid, Fields: faults}
	}
	if len(theirs) >= MaxTokensEach {
		return "", Token{}, errTokens
	}
	now := t.time()
	if err := t.store.ForgetTokens(ctx, now.Add(-keptExpired)); err != nil {
		return "", Token{}, fmt.Errorf("forget tokens that have expired: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", Token{}, fmt.Errorf("make a token's ID: %w", err)
	}
	var secret [tokenBytes]byte
	_, _ = rand.Read(secret[:]) // never fails
	one = Token{ID: TokenID(id), Account: owner.Account.ID, Name: want.Name, Scopes: scopes, Hash: t.stored(secret),
		CreatedAt: now, ExpiresAt: now.Add(time.Duration(want.Days) * 24 * time.Hour)}
	if err := t.store.AddToken(ctx, one); err != nil {
		return "", Token{}, fmt.Errorf("add a token: %w", err)
	}
	if err := t.onlyOnce(ctx, one); err != nil {
		return "", Token{}, err
	}
	return formatToken(secret), one, nil
}

// tokenNamed refuses a name of which there is a token, and errTokens another token of who has as many as there may be.
const tokenNamed = "You already have a token with this name. Revoke it, or choose another name."

var errTokens = dossier.Errorf(dossier.CodeQuota, nil,
	"You already have %d tokens, the most that one account may have. Revoke one that is not used.", MaxTokensEach)

// onlyOnce takes a new token away again if others of the account were made at the same moment, so that there are too
// many of them, or two of the same name; or if that is not known.
func (t *Tokens) onlyOnce(ctx context.Context, one Token) error {
	var refused error
	switch theirs, err := t.store.TokensOf(ctx, one.Account); {
	case err != nil:
		refused = fmt.Errorf("list the tokens of an account: %w", err)
	case len(theirs) > MaxTokensEach:
		refused = errTokens
	case slices.ContainsFunc(theirs, func(o Token) bool { return o.Name == one.Name && o.ID != one.ID }):
		refused = &dossier.Error{Code: dossier.CodeInvalid, Fields: []dossier.FieldFault{{Field: "name",
			Message: tokenNamed}}}
	default:
		return nil
	}
	if _, err := t.store.RevokeToken(context.WithoutCancel(ctx), one.ID); err != nil {
		refused = errors.Join(refused, fmt.Errorf("take back a token: %w", err))
	}
	return refused
}

// Of returns on whose behalf a request with a token is made. An InvalidToken says why nobody's; every other error means
// that this is not known, and the token opens nothing then.
func (t *Tokens) Of(ctx context.Context, text string) (Actor, error) {
	secret, err := parseToken(text)
	if err != nil {
		return Actor{}, err
	}
	one, err := t.store.Token(ctx, t.stored(secret))
	if errors.Is(err, dossier.ErrNotFound) {
		return Actor{}, TokenUnknown
	}
	if err != nil {
		return Actor{}, fmt.Errorf("look for a token: %w", err)
	}
	now := t.time()
	if one.Expired(now) {
		return Actor{}, TokenExpired
	}
	owner, err := t.store.Account(ctx, one.Account)
	if errors.Is(err, dossier.ErrNotFound) {
		return Actor{}, TokenUnknown
	}
	if err != nil {
		return Actor{}, fmt.Errorf("look for the owner of a token: %w", err)
	}
	by := Actor{Account: owner.Account, Token: &one}
	if by.Role() == "" {
		return Actor{}, TokenSuspended
	}
	if now.Sub(one.UsedAt) >= seenAge {
		if err := t.store.UseToken(ctx, one.ID, now); err != nil {
			t.log.DebugContext(ctx, "the last use of a token could not be noted", "err", err)
		}
	}
	return by, nil
}

// List returns the tokens that an actor sees: their own, and an administrator those of all accounts. The newest come
// first, up to MaxTokens.
func (t *Tokens) List(ctx context.Context, by Actor) (all []Token, err error) {
	if by.Role().May(Administrator) {
		all, err = t.store.Tokens(ctx)
	} else {
		all, err = t.store.TokensOf(ctx, by.Account.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return all, nil
}

// Revoke revokes a token on behalf of its owner or of an administrator, and returns what it was. dossier.ErrNotFound if
// there is none that the actor may revoke.
func (t *Tokens) Revoke(ctx context.Context, by Actor, id TokenID) (Token, error) {
	one, err := t.store.TokenByID(ctx, id)
	if err != nil {
		return Token{}, fmt.Errorf("look for a token: %w", err)
	}
	if !by.Role().May(Administrator) && (by.Shared() || one.Account != by.Account.ID) {
		return Token{}, dossier.ErrNotFound
	}
	if _, err := t.store.RevokeToken(ctx, id); err != nil {
		return Token{}, fmt.Errorf("revoke a token: %w", err)
	}
	return one, nil
}

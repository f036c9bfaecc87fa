package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// Tokens checks that a store does what staff.TokenStore promises. The open function returns an empty store that is
// closed with the test; it is called once for each part.
func Tokens(t *testing.T, open func(t *testing.T) staff.Store) {
	suite(t, open, []part[staff.Store]{
		{"a token comes back as added", tokenRoundTrip},
		{"a hash is one token's", tokenTwice},
		{"the last use only moves on", tokenUsed},
		{"the lists are newest first", tokenLists},
		{"a token is revoked once by many at a time", tokenRevoke},
		{"tokens end with their account", tokenAccount},
		{"what has expired is forgotten", tokenForget},
		{"a cancelled call does nothing", tokenCancelled},
	})
}

// owner returns the nth account of a test.
func owner(n byte) staff.AccountID {
	id := staff.AccountID(uuid.MustParse("0193a5f2-7c3e-7b1a-9d52-5f2f0a6f1c00"))
	id[15] = n
	return id
}

// newToken returns the nth token of a test, a second after the one before.
func newToken(n int, of staff.AccountID) staff.Token {
	at := peopleEpoch.Add(time.Duration(n) * time.Second)
	return staff.Token{ID: staff.TokenID(uuid.Must(uuid.NewV7())), Account: of,
		Name:   fmt.Sprintf("nightly export %d", n),
		Scopes: []staff.Scope{staff.ScopeRead, staff.ScopeExport}, Hash: sha256.Sum256(fmt.Append(nil, "token ", n)),
		CreatedAt: at, ExpiresAt: at.Add(24 * time.Hour)}
}

func addToken(t *testing.T, s staff.Store, n int, of staff.AccountID) staff.Token {
	t.Helper()
	one := newToken(n, of)
	must(t, "AddToken", s.AddToken(t.Context(), one))
	return one
}

// wantTokens are the tokens that a store has to list.
func wantTokens(t *testing.T, s staff.Store, want ...staff.Token) {
	t.Helper()
	got, err := s.Tokens(t.Context())
	must(t, "Tokens", err)
	sameTokens(t, "the tokens", got, want)
}

func sameTokens(t *testing.T, what string, got, want []staff.Token) {
	t.Helper()
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s are\n%v\nwant\n%v", what, got, want)
	}
}

func tokenRoundTrip(t *testing.T, s staff.Store) {
	one := addToken(t, s, 1, owner(1))
	long := newToken(2, owner(2))
	long.Name, long.Scopes = strings.Repeat("😀", staff.MaxTokenName), staff.Scopes
	long.UsedAt = long.CreatedAt.Add(time.Hour)
	must(t, "AddToken of the longest texts", s.AddToken(t.Context(), long))
	for _, want := range []staff.Token{one, long} {
		if got, err := s.Token(t.Context(), want.Hash); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Token: got %v, %v, want %v", got, err, want)
		}
		if got, err := s.TokenByID(t.Context(), want.ID); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("TokenByID: got %v, %v, want %v", got, err, want)
		}
	}
	absent := newToken(3, owner(1))
	for _, hash := range [][sha256.Size]byte{{}, absent.Hash} {
		if got, err := s.Token(t.Context(), hash); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("Token of an absent hash: got %v, %v, want ErrNotFound", got, err)
		}
	}
	if got, err := s.TokenByID(t.Context(), absent.ID); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("TokenByID of an absent token: got %v, %v, want ErrNotFound", got, err)
	}
}

func tokenTwice(t *testing.T, s staff.Store) {
	one := addToken(t, s, 1, owner(1))
	sameID, sameHash := newToken(2, owner(1)), newToken(3, owner(2))
	sameID.ID, sameHash.Hash = one.ID, one.Hash
	for _, other := range []staff.Token{one, sameID, sameHash} {
		wants(t, "AddToken of what is taken", s.AddToken(t.Context(), other), dossier.ErrExists)
	}
	wantTokens(t, s, one)
}

func tokenUsed(t *testing.T, s staff.Store) {
	one, other := addToken(t, s, 1, owner(1)), addToken(t, s, 2, owner(1))
	for _, minutes := range []int{5, 3, 5} {
		must(t, "UseToken", s.UseToken(t.Context(), one.ID, one.CreatedAt.Add(time.Duration(minutes)*time.Minute)))
	}
	one.UsedAt = one.CreatedAt.Add(5 * time.Minute)
	wants(t, "UseToken of an absent token", s.UseToken(t.Context(), newToken(3, owner(1)).ID, one.UsedAt), nil)
	wantTokens(t, s, other, one)
}

func tokenLists(t *testing.T, s staff.Store) {
	wantTokens(t, s)
	var all, theirs []staff.Token
	for n := range staff.MaxTokens + 3 {
		one := addToken(t, s, n, owner(byte(n%3)))
		if all = append(all, one); n%3 == 1 {
			theirs = append(theirs, one)
		}
	}
	slices.Reverse(all)
	slices.Reverse(theirs)
	wantTokens(t, s, all[:staff.MaxTokens]...)
	for of, want := range map[staff.AccountID][]staff.Token{owner(1): theirs, owner(9): nil} {
		got, err := s.TokensOf(t.Context(), of)
		must(t, "TokensOf", err)
		sameTokens(t, "the tokens of an account", got, want)
	}
}

func tokenRevoke(t *testing.T, s staff.Store) {
	one, other := addToken(t, s, 1, owner(1)), addToken(t, s, 2, owner(1))
	oneWins(t, "RevokeToken", 8, errAnother, func(int) error {
		did, err := s.RevokeToken(t.Context(), one.ID)
		if err == nil && !did {
			return errAnother
		}
		return err
	})
	wants(t, "a revoked token", second(s.Token(t.Context(), one.Hash)), dossier.ErrNotFound)
	wants(t, "UseToken of a revoked token", s.UseToken(t.Context(), one.ID, one.CreatedAt.Add(time.Hour)), nil)
	wantTokens(t, s, other)
}

func tokenAccount(t *testing.T, s staff.Store) {
	add := func(n byte) staff.Record {
		t.Helper()
		r := staff.Record{Account: staff.Account{ID: owner(n), Name: "Ada",
			Address: fmt.Sprintf("ada%d@staff.example", n),
			Role:    staff.Editor, State: staff.Active, CreatedAt: peopleEpoch, ChangedAt: peopleEpoch}}
		must(t, "AddAccount", s.AddAccount(t.Context(), r))
		r, err := s.Account(t.Context(), r.ID)
		must(t, "Account", err)
		return r
	}
	stays, suspended, removed, handedOver, recovered := add(1), add(2), add(3), add(4), add(5)
	var want []staff.Token
	for n := range 10 {
		if one := addToken(t, s, n, owner(byte(n%5+1))); one.Account == stays.ID {
			want = append([]staff.Token{one}, want...)
		}
	}
	demoted := stays
	demoted.Role = staff.Viewer
	must(t, "SetAccount", s.SetAccount(t.Context(), stays, demoted, true))
	to := suspended
	to.State = staff.Suspended
	must(t, "SetAccount", s.SetAccount(t.Context(), suspended, to, true))
	must(t, "RemoveAccount", s.RemoveAccount(t.Context(), removed))
	to = handedOver
	to.Password = "a hash"
	must(t, "SetAccount", s.SetAccount(t.Context(), handedOver, to, true))
	to.Revision++
	must(t, "SetAccount", s.SetAccount(t.Context(), to, handedOver, true))
	to = recovered
	to.Issuer, to.Subject = "https://issuer.example", "5"
	must(t, "SetAccount", s.SetAccount(t.Context(), recovered, to, true))
	to.Revision++
	recovered.Link[0], recovered.LinkExpires = 1, peopleEpoch
	must(t, "SetAccount", s.SetAccount(t.Context(), to, recovered, true))
	wantTokens(t, s, want...)
	// Of what is not changed, because somebody else was faster, no token ends.
	to = demoted
	to.State = staff.Suspended
	wants(t, "SetAccount of what was changed since", s.SetAccount(t.Context(), stays, to, true), dossier.ErrLost)
	wantTokens(t, s, want...)
}

func tokenForget(t *testing.T, s staff.Store) {
	addToken(t, s, 1, owner(1))
	edge, good := addToken(t, s, 10, owner(1)), addToken(t, s, 20, owner(2))
	must(t, "ForgetTokens", s.ForgetTokens(t.Context(), edge.ExpiresAt))
	wantTokens(t, s, good, edge)
}

func tokenCancelled(t *testing.T, s staff.Store) {
	one := addToken(t, s, 1, owner(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"AddToken":     func() error { return s.AddToken(ctx, newToken(2, owner(1))) },
		"Token":        func() error { return second(s.Token(ctx, one.Hash)) },
		"TokenByID":    func() error { return second(s.TokenByID(ctx, one.ID)) },
		"UseToken":     func() error { return s.UseToken(ctx, one.ID, one.CreatedAt.Add(time.Hour)) },
		"TokensOf":     func() error { return second(s.TokensOf(ctx, one.Account)) },
		"Tokens":       func() error { return second(s.Tokens(ctx)) },
		"RevokeToken":  func() error { return second(s.RevokeToken(ctx, one.ID)) },
		"ForgetTokens": func() error { return s.ForgetTokens(ctx, one.ExpiresAt.Add(time.Hour)) },
	} {
		wants(t, name, call(), context.Canceled)
	}
	wantTokens(t, s, one)
}

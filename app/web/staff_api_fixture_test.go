package web

import (
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// staffStore is the site's store of staff, without faults.
func (s *site) staffStore() staff.Store { return s.stores.People.(staff.Store) }

// account makes an active account.
func (s *site) account(t *testing.T, name string, role staff.Role) staff.Account {
	t.Helper()
	id, err := staff.NewAccountID()
	if err != nil {
		t.Fatal(err)
	}
	a := staff.Account{ID: id, Name: name, Address: strings.ToLower(name) + "-" + id.String()[24:] + "@staff.example",
		Role: role, State: staff.Active, CreatedAt: s.clock.now(), ChangedAt: s.clock.now()}
	if err := s.staffStore().AddAccount(t.Context(), staff.Record{Account: a}); err != nil {
		t.Fatal(err)
	}
	return a
}

// set gives an account its role and state, and leaves its tokens.
func (s *site) set(t *testing.T, a staff.Account) {
	t.Helper()
	from, err := s.staffStore().Account(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	to := from
	to.Role, to.State = a.Role, a.State
	if err := s.staffStore().SetAccount(t.Context(), from, to, false); err != nil {
		t.Fatal(err)
	}
}

// tokenOf makes a token of an account, valid for so many days.
func (s *site) tokenOf(t *testing.T, a staff.Account, days int, scopes ...staff.Scope) (string, staff.Token) {
	t.Helper()
	text, one, err := s.server.tokens.Make(t.Context(), staff.Actor{Account: a},
		staff.NewToken{Name: dossier.NewFileID().String(), Scopes: scopes, Days: days})
	if err != nil {
		t.Fatal(err)
	}
	return text, one
}

// bearerOf returns the header of a token.
func bearerOf(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

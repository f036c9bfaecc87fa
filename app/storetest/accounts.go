package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// Accounts checks that a store does what staff.AccountStore promises, and staff.SessionStore of sessions with an
// account. The open function returns an empty store that is closed with the test; it is called once for each part.
func Accounts(t *testing.T, open func(t *testing.T) staff.Store) {
	suite(t, open, []part[staff.Store]{
		{"an account comes back as added", accountRoundTrip},
		{"an ID, an address and an identity are one account's", accountTwice},
		{"a change is made from what was read", accountChange},
		{"of many changes from one record one is made", accountChangedAtOnce},
		{"the list is in the order of making", accountList},
		{"a local account is told from an issuer's", accountLocal},
		{"a removed account is gone with its sessions", accountRemove},
		{"the last administrator stays", accountLast},
		{"of administrators who remove each other one stays", accountMutual},
		{"a session has its account as it is", accountSession},
		{"sessions of an account are its own", accountSessions},
		{"the first administrator ends the shared sessions", accountFirst},
		{"a cancelled call changes no account", accountCancelled},
	})
}

// newAccount returns the nth account of a test, an active viewer.
func newAccount(n int, change ...func(*staff.Record)) staff.Record {
	id, err := staff.NewAccountID()
	if err != nil {
		panic(err)
	}
	made := peopleEpoch.Add(time.Duration(n) * time.Second)
	r := staff.Record{Account: staff.Account{ID: id, Name: fmt.Sprintf("Ada %d", n),
		Address: fmt.Sprintf("ada%d@site.example", n), Role: staff.Viewer, State: staff.Active, CreatedAt: made,
		ChangedAt: made}, Revision: 1}
	for _, c := range change {
		c(&r)
	}
	return r
}

func administrator(r *staff.Record) { r.Role = staff.Administrator }

func addAccount(t *testing.T, s staff.Store, n int, change ...func(*staff.Record)) staff.Record {
	t.Helper()
	r := newAccount(n, change...)
	must(t, "AddAccount", s.AddAccount(t.Context(), r))
	return r
}

// wantAccount is what a store has of an account.
func wantAccount(t *testing.T, s staff.Store, want staff.Record) {
	t.Helper()
	got, err := s.Account(t.Context(), want.ID)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Account: got\n%+v, %v, want\n%+v", got, err, want)
	}
}

// longest has the longest texts and all that an account may have.
func longest(r *staff.Record) {
	r.RoleGiven = true
	r.Name = strings.Repeat("😀", dossier.MaxNameLength)
	r.Address = strings.Repeat("a", staff.MaxAddress-len("@Sité.example")) + "@Sité.example"
	r.Role, r.State = staff.Administrator, staff.Suspended
	r.Issuer, r.Subject = "https://"+strings.Repeat("i", 247), strings.Repeat("s", 255)
	r.SignedInAt = r.CreatedAt.Add(time.Hour)
	r.Password, r.Codes, r.Step = strings.Repeat("$", 255), strings.Repeat("c", 255), 1<<40
	for n := range staff.RecoveryCodes {
		r.Recovery = append(r.Recovery, sha256.Sum256([]byte{byte(n)}))
	}
	r.Link, r.LinkExpires = sha256.Sum256([]byte("link")), r.CreatedAt.Add(72*time.Hour)
}

func accountRoundTrip(t *testing.T, s staff.Store) {
	plain, long := addAccount(t, s, 1), addAccount(t, s, 2, longest)
	for _, want := range []staff.Record{plain, long} {
		wantAccount(t, s, want)
		for _, address := range []string{want.Address, strings.ToUpper(want.Address)} {
			if got, err := s.AccountAt(t.Context(), address); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("AccountAt %q: got %+v, %v", address, got, err)
			}
		}
	}
	if got, err := s.AccountOf(t.Context(), long.Issuer, long.Subject); err != nil || !reflect.DeepEqual(got, long) {
		t.Errorf("AccountOf: got %+v, %v", got, err)
	}
	if got, err := s.AccountByLink(t.Context(), long.Link); err != nil || !reflect.DeepEqual(got, long) {
		t.Errorf("AccountByLink: got %+v, %v", got, err)
	}
	absent := newAccount(3)
	for name, err := range map[string]error{
		"Account":                           second(s.Account(t.Context(), absent.ID)),
		"AccountAt":                         second(s.AccountAt(t.Context(), absent.Address)),
		"AccountOf":                         second(s.AccountOf(t.Context(), long.Issuer, long.Subject[1:])),
		"AccountOf local":                   second(s.AccountOf(t.Context(), "", "")),
		"AccountByLink":                     second(s.AccountByLink(t.Context(), sha256.Sum256(nil))),
		"no link":                           second(s.AccountByLink(t.Context(), [sha256.Size]byte{})),
		"SetAccount":                        s.SetAccount(t.Context(), absent, absent, false),
		"RemoveAccount":                     s.RemoveAccount(t.Context(), absent),
		"RemoveAccount of an administrator": s.RemoveAccount(t.Context(), newAccount(4, administrator)),
	} {
		if !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("%s of what is absent: got %v, want ErrNotFound", name, err)
		}
	}
}

func accountTwice(t *testing.T, s staff.Store) {
	identity := func(r *staff.Record) { r.Issuer, r.Subject = "https://issuer.example", "1" }
	one := addAccount(t, s, 1, identity)
	for name, r := range map[string]staff.Record{
		"ID":       newAccount(2, func(r *staff.Record) { r.ID = one.ID }),
		"address":  newAccount(3, func(r *staff.Record) { r.Address = "ADA1@Site.Example" }),
		"identity": newAccount(4, identity),
	} {
		wants(t, "AddAccount with a taken "+name, s.AddAccount(t.Context(), r), dossier.ErrExists)
	}
	// Any number have no identity and no link.
	two := addAccount(t, s, 5)
	addAccount(t, s, 6)
	for name, change := range map[string]func(*staff.Record){
		"address": func(r *staff.Record) { r.Address = one.Address }, "identity": identity,
	} {
		to := two
		change(&to)
		wants(t, "SetAccount to a taken "+name, s.SetAccount(t.Context(), two, to, false),
			dossier.ErrExists)
	}
	wantAccount(t, s, two)
}

func accountChange(t *testing.T, s staff.Store) {
	from := addAccount(t, s, 1, longest)
	other := addAccount(t, s, 2)
	to := newAccount(3)
	must(t, "SetAccount", s.SetAccount(t.Context(), from, to, false))
	to.ID, to.CreatedAt, to.Revision = from.ID, from.CreatedAt, 2
	wantAccount(t, s, to)
	wantAccount(t, s, other)
	wants(t, "a link that was used", second(s.AccountByLink(t.Context(), from.Link)), dossier.ErrNotFound)
	for name, err := range map[string]error{
		"SetAccount":    s.SetAccount(t.Context(), from, newAccount(4), false),
		"RemoveAccount": s.RemoveAccount(t.Context(), from),
	} {
		if !errors.Is(err, dossier.ErrLost) {
			t.Errorf("%s from what was changed since: got %v, want ErrLost", name, err)
		}
	}
	wantAccount(t, s, to)
}

// atOnce is how many do something at once.
const atOnce = 50

func accountChangedAtOnce(t *testing.T, s staff.Store) {
	from := addAccount(t, s, 1)
	oneWins(t, "SetAccount", atOnce, dossier.ErrLost, func(n int) error {
		to := from
		to.Name = fmt.Sprint(n)
		return s.SetAccount(t.Context(), from, to, false)
	})
}

func accountList(t *testing.T, s staff.Store) {
	var want []staff.Account
	for n := range 5 {
		want = append(want, addAccount(t, s, 10-n).Account)
	}
	got, err := s.Accounts(t.Context())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Accounts: got\n%v, %v, want\n%v", got, err, want)
	}
}

// addSessionOf adds the nth session of a test, of an account.
func addSessionOf(t *testing.T, s staff.Store, n int, of staff.AccountID) staff.Session {
	t.Helper()
	one := newSession(n)
	one.Account = of
	must(t, "AddSession", s.AddSession(t.Context(), one))
	return one
}

func accountLocal(t *testing.T, s staff.Store) {
	want := func(what string, want bool) {
		t.Helper()
		if got, err := s.AnyLocal(t.Context()); err != nil || got != want {
			t.Errorf("AnyLocal %s: got %t, %v, want %t", what, got, err, want)
		}
	}
	want("of none", false)
	addAccount(t, s, 1, func(r *staff.Record) { r.Issuer, r.Subject = "https://issuer.example", "1" })
	want("of an issuer's", false)
	local := addAccount(t, s, 2, func(r *staff.Record) { r.State = staff.Suspended })
	want("of both", true)
	if err := s.RemoveAccount(t.Context(), local); err != nil {
		t.Fatal(err)
	}
	want("of the issuer's again", false)
}

func accountRemove(t *testing.T, s staff.Store) {
	r, other := addAccount(t, s, 1), addAccount(t, s, 2)
	mine, theirs := addSessionOf(t, s, 1, r.ID), addSessionOf(t, s, 2, other.ID)
	must(t, "RemoveAccount", s.RemoveAccount(t.Context(), r))
	wants(t, "a removed account", second(s.Account(t.Context(), r.ID)), dossier.ErrNotFound)
	wants(t, "its session", second(s.Actor(t.Context(), mine.Token)), dossier.ErrNotFound)
	// A sign-in may have been under way.
	late := addSessionOf(t, s, 3, r.ID)
	wants(t, "its late session", second(s.Actor(t.Context(), late.Token)), dossier.ErrNotFound)
	wantSessions(t, s, late, theirs)
	wantAccount(t, s, other)
}

// takeAway are the ways to take an administrator away.
var takeAway = map[string]func(context.Context, staff.Store, staff.Record) error{
	"another role": func(ctx context.Context, s staff.Store, r staff.Record) error {
		to := r
		to.Role = staff.Editor
		return s.SetAccount(ctx, r, to, true)
	},
	"suspended": func(ctx context.Context, s staff.Store, r staff.Record) error {
		to := r
		to.State = staff.Suspended
		return s.SetAccount(ctx, r, to, true)
	},
	"removed": func(ctx context.Context, s staff.Store, r staff.Record) error { return s.RemoveAccount(ctx, r) },
}

func accountLast(t *testing.T, s staff.Store) {
	wantAdministered := func(want bool) {
		t.Helper()
		if got, err := s.Administered(t.Context()); err != nil || got != want {
			t.Errorf("Administered: got %v, %v, want %v", got, err, want)
		}
	}
	addAccount(t, s, 1)
	addAccount(t, s, 2, administrator, func(r *staff.Record) { r.State = staff.Suspended })
	addAccount(t, s, 3, administrator, func(r *staff.Record) { r.State = staff.Invited })
	wantAdministered(false)
	last := addAccount(t, s, 4, administrator)
	wantAdministered(true)
	session := addSessionOf(t, s, 1, last.ID)
	for way, take := range takeAway {
		wants(t, "the last administrator is "+way, take(t.Context(), s, last), staff.ErrLast)
	}
	wantAccount(t, s, last)
	if _, err := s.Actor(t.Context(), session.Token); err != nil {
		t.Errorf("the session of who stays: %v", err)
	}
	stale := last
	stale.Revision = 9
	for way, take := range takeAway {
		wants(t, way+" from what was changed since", take(t.Context(), s, stale), dossier.ErrLost)
	}
	n := 5
	for way, take := range takeAway {
		more := addAccount(t, s, n, administrator)
		wants(t, "one of two administrators is "+way, take(t.Context(), s, more), nil)
		n++
	}
	wantAdministered(true)
	renamed := last
	renamed.Name = "Grace"
	wants(t, "the last administrator gets another name", s.SetAccount(t.Context(), last, renamed, false), nil)
}

func accountMutual(t *testing.T, s staff.Store) {
	var all []staff.Record
	for n := range atOnce {
		all = append(all, addAccount(t, s, n, administrator))
	}
	ways := slices.Collect(maps.Values(takeAway))
	taken := len(tried(t, "taking an administrator away", atOnce, staff.ErrLast, func(n int) error {
		return ways[n%len(ways)](t.Context(), s, all[(n+1)%atOnce])
	}))
	if taken != atOnce-1 {
		t.Errorf("%d of %d administrators were taken away; want one to stay", taken, atOnce)
	}
	if there, err := s.Administered(t.Context()); err != nil || !there {
		t.Errorf("Administered: got %v, %v", there, err)
	}
}

func accountSession(t *testing.T, s staff.Store) {
	r := addAccount(t, s, 1, longest, func(r *staff.Record) { r.State = staff.Active })
	one := addSessionOf(t, s, 1, r.ID)
	wantActor := func(account staff.Account) {
		t.Helper()
		got, err := s.Actor(t.Context(), one.Token)
		if want := (staff.Actor{Account: account, Session: one}); err != nil || got != want {
			t.Errorf("Actor: got\n%+v, %v, want\n%+v", got, err, want)
		}
	}
	wantActor(r.Account)
	addAccount(t, s, 2, administrator)
	to := r
	to.Role, to.Name = staff.Viewer, "Ada"
	if err := s.SetAccount(t.Context(), r, to, false); err != nil {
		t.Fatal(err)
	}
	wantActor(to.Account)
	to.Revision = 2
	if err := s.SetAccount(t.Context(), to, to, true); err != nil {
		t.Fatal(err)
	}
	wants(t, "a session that was ended with a change", second(s.Actor(t.Context(), one.Token)), dossier.ErrNotFound)
}

func accountSessions(t *testing.T, s staff.Store) {
	a, b := addAccount(t, s, 1), addAccount(t, s, 2)
	a1, b1, a2 := addSessionOf(t, s, 1, a.ID), addSessionOf(t, s, 2, b.ID), addSessionOf(t, s, 3, a.ID)
	a3, shared := addSessionOf(t, s, 4, a.ID), addSession(t, s, 5)
	if got, err := s.Sessions(t.Context(), a.ID); err != nil || !slices.Equal(got, []staff.Session{a3, a2, a1}) {
		t.Errorf("Sessions of one: got %v, %v", got, err)
	}
	for _, foreign := range []staff.Session{b1, shared} {
		if did, err := s.EndSession(t.Context(), foreign.ID, a.ID); err != nil || did {
			t.Errorf("EndSession of another's: got %v, %v, want false", did, err)
		}
	}
	if did, err := s.EndSession(t.Context(), a1.ID, a.ID); err != nil || !did {
		t.Errorf("EndSession of its own: got %v, %v, want true", did, err)
	}
	if n, err := s.EndOthers(t.Context(), a3.ID, a.ID); err != nil || n != 1 {
		t.Errorf("EndOthers of its own: got %d, %v, want 1", n, err)
	}
	wantSessions(t, s, shared, a3, b1)
}

func accountFirst(t *testing.T, s staff.Store) {
	invited := addAccount(t, s, 1, administrator, func(r *staff.Record) { r.State = staff.Invited })
	viewer := addAccount(t, s, 2)
	shared, named := addSession(t, s, 1), addSessionOf(t, s, 2, viewer.ID)
	if _, err := s.Actor(t.Context(), shared.Token); err != nil {
		t.Fatalf("the shared session before: %v", err)
	}
	to := invited
	to.State = staff.Active
	if err := s.SetAccount(t.Context(), invited, to, false); err != nil {
		t.Fatal(err)
	}
	wantSessions(t, s, named)
	// An instance of an earlier release may begin one during a rollout.
	late := addSession(t, s, 3)
	wants(t, "a shared session beside an administrator", second(s.Actor(t.Context(), late.Token)), dossier.ErrNotFound)
	addAccount(t, s, 4, administrator)
	wantSessions(t, s, named)
}

func accountCancelled(t *testing.T, s staff.Store) {
	r := addAccount(t, s, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	to := r
	to.Name = "Grace"
	for name, err := range map[string]error{
		"AddAccount":    s.AddAccount(ctx, newAccount(2)),
		"Account":       second(s.Account(ctx, r.ID)),
		"AccountAt":     second(s.AccountAt(ctx, r.Address)),
		"AccountOf":     second(s.AccountOf(ctx, "a", "b")),
		"AccountByLink": second(s.AccountByLink(ctx, r.Link)),
		"Accounts":      second(s.Accounts(ctx)),
		"Administered":  second(s.Administered(ctx)),
		"AnyLocal":      second(s.AnyLocal(ctx)),
		"SetAccount":    s.SetAccount(ctx, r, to, true),
		"RemoveAccount": s.RemoveAccount(ctx, r),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", name, err)
		}
	}
	wantAccount(t, s, r)
	if all, err := s.Accounts(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("Accounts: got %v, %v", all, err)
	}
}

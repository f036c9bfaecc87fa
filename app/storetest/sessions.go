package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// Sessions checks that a store does what staff.Store promises. The open function returns an empty store that is closed
// with the test; it is called once for each part.
func Sessions(t *testing.T, open func(t *testing.T) staff.Store) {
	suite(t, open, []part[staff.Store]{
		{"a session comes back as added", sessionRoundTrip},
		{"a token is one session's", sessionTwice},
		{"the last use only moves on", sessionSeen},
		{"the list is newest first", sessionList},
		{"a session is ended once by many at a time", sessionEnd},
		{"others are ended", sessionEndOthers},
		{"what is over is forgotten", sessionForget},
		{"a cancelled call does nothing", sessionCancelled},
	})
}

// newSession returns the nth session of a test, a second after the one before.
func newSession(n int) staff.Session {
	at := peopleEpoch.Add(time.Duration(n) * time.Second)
	return staff.Session{ID: staff.SessionID(uuid.Must(uuid.NewV7())),
		Token:  sha256.Sum256(fmt.Append(nil, "token ", n)),
		Client: fmt.Sprintf("2001:db8::%d", n), Agent: "Mozilla/5.0 (" + strings.Repeat("é", n) + ")", BeganAt: at,
		SeenAt: at}
}

func addSession(t *testing.T, s staff.Store, n int) staff.Session {
	t.Helper()
	one := newSession(n)
	must(t, "AddSession", s.AddSession(t.Context(), one))
	return one
}

// wantSessions are the sessions that a store has to list.
func wantSessions(t *testing.T, s staff.Store, want ...staff.Session) {
	t.Helper()
	got, err := s.Sessions(t.Context(), staff.AccountID{})
	must(t, "Sessions", err)
	if !slices.Equal(got, want) {
		t.Errorf("the sessions are\n%v\nwant\n%v", got, want)
	}
}

func sessionRoundTrip(t *testing.T, s staff.Store) {
	one := addSession(t, s, 1)
	long := newSession(2)
	long.Client, long.Agent = strings.Repeat("f", staff.MaxClient), strings.Repeat("😀", staff.MaxAgent/4)
	must(t, "AddSession of the longest texts", s.AddSession(t.Context(), long))
	proved := newSession(4)
	proved.ProvedAt = proved.BeganAt.Add(-time.Hour)
	must(t, "AddSession after a proof of before", s.AddSession(t.Context(), proved))
	for _, want := range []staff.Session{one, long, proved} {
		if got, err := s.Actor(t.Context(), want.Token); err != nil || got != (staff.Actor{Session: want}) {
			t.Errorf("Actor: got %v, %v, want the session %v", got, err, want)
		}
	}
	for _, token := range [][sha256.Size]byte{{}, newSession(3).Token} {
		if got, err := s.Actor(t.Context(), token); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("Actor of an absent token: got %v, %v, want ErrNotFound", got, err)
		}
	}
}

func sessionTwice(t *testing.T, s staff.Store) {
	one := addSession(t, s, 1)
	sameID, sameToken := newSession(2), newSession(3)
	sameID.ID, sameToken.Token = one.ID, one.Token
	for _, other := range []staff.Session{one, sameID, sameToken} {
		wants(t, "AddSession of what is taken", s.AddSession(t.Context(), other), dossier.ErrExists)
	}
	wantSessions(t, s, one)
}

func sessionSeen(t *testing.T, s staff.Store) {
	one, other := addSession(t, s, 1), addSession(t, s, 2)
	for _, minutes := range []int{5, 3, 5} {
		must(t, "SeeSession", s.SeeSession(t.Context(), one.ID, one.BeganAt.Add(time.Duration(minutes)*time.Minute)))
	}
	one.SeenAt = one.BeganAt.Add(5 * time.Minute)
	wants(t, "SeeSession of an absent session", s.SeeSession(t.Context(), newSession(3).ID, one.SeenAt), nil)
	wantSessions(t, s, other, one)
}

func sessionList(t *testing.T, s staff.Store) {
	wantSessions(t, s)
	var all []staff.Session
	for n := range staff.MaxSessions + 3 {
		all = append(all, addSession(t, s, n))
	}
	slices.Reverse(all)
	wantSessions(t, s, all[:staff.MaxSessions]...)
}

func sessionEnd(t *testing.T, s staff.Store) {
	one, other := addSession(t, s, 1), addSession(t, s, 2)
	oneWins(t, "EndSession", 8, errAnother, func(int) error {
		did, err := s.EndSession(t.Context(), one.ID, staff.AccountID{})
		if err == nil && !did {
			return errAnother
		}
		return err
	})
	wants(t, "an ended session", second(s.Actor(t.Context(), one.Token)), dossier.ErrNotFound)
	wants(t, "SeeSession of an ended session", s.SeeSession(t.Context(), one.ID, one.BeganAt.Add(time.Hour)), nil)
	wantSessions(t, s, other)
}

func sessionEndOthers(t *testing.T, s staff.Store) {
	for n := range 4 {
		addSession(t, s, n)
	}
	here := addSession(t, s, 5)
	for _, want := range []int{4, 0} {
		if n, err := s.EndOthers(t.Context(), here.ID, staff.AccountID{}); err != nil || n != want {
			t.Errorf("EndOthers: got %d, %v, want %d", n, err, want)
		}
	}
	wantSessions(t, s, here)
}

func sessionForget(t *testing.T, s staff.Store) {
	old, unused, good := addSession(t, s, 1), addSession(t, s, 10), addSession(t, s, 20)
	for _, one := range []staff.Session{old, good} {
		if err := s.SeeSession(t.Context(), one.ID, peopleEpoch.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	good.SeenAt = peopleEpoch.Add(time.Hour)
	must(t, "ForgetSessions", s.ForgetSessions(t.Context(), unused.BeganAt, good.SeenAt))
	wantSessions(t, s, good)
}

func sessionCancelled(t *testing.T, s staff.Store) {
	one := addSession(t, s, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"AddSession":     func() error { return s.AddSession(ctx, newSession(2)) },
		"Actor":          func() error { return second(s.Actor(ctx, one.Token)) },
		"SeeSession":     func() error { return s.SeeSession(ctx, one.ID, one.BeganAt.Add(time.Hour)) },
		"Sessions":       func() error { return second(s.Sessions(ctx, staff.AccountID{})) },
		"EndSession":     func() error { return second(s.EndSession(ctx, one.ID, staff.AccountID{})) },
		"EndOthers":      func() error { return second(s.EndOthers(ctx, newSession(2).ID, staff.AccountID{})) },
		"ForgetSessions": func() error { return s.ForgetSessions(ctx, one.BeganAt.Add(time.Hour), time.Time{}) },
	} {
		wants(t, name, call(), context.Canceled)
	}
	wantSessions(t, s, one)
}

package staff_test

import (
	"testing"
	"time"

	"dossier.example/app/staff"
)

// A session ends at its times, and no clock that was wrong for a while makes it last longer.
func TestSessionsAndClocks(t *testing.T) {
	for _, c := range []struct {
		name string
		// ahead is how far the clock is wrong when the session begins, used when it is used; then it is right again.
		ahead, used time.Duration
		// after is how long after that it is used again.
		after time.Duration
		lasts bool
	}{
		{"used at once", 0, 0, 0, true},
		{"just before the idle time", 0, 0, staff.DefaultIdle - time.Second, true},
		{"at the idle time", 0, 0, staff.DefaultIdle, false},
		{"another instance is a little ahead", 4 * time.Minute, 0, 0, true},
		{"begun a day ahead", 24 * time.Hour, 24 * time.Hour, 0, false},
		{"used a day ahead", 0, 11 * time.Hour, 0, false},
		{"begun in the past", -13 * time.Hour, -13 * time.Hour, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tm := newTeam(t)
			m := tm.join(t, 1, staff.Viewer)
			tm.advance(c.ahead)
			token, one, err := tm.sessions.Begin(t.Context(), m.ID, "192.0.2.1", "", 0)
			if err != nil {
				t.Fatal(err)
			}
			tm.advance(c.used - c.ahead)
			// As another request notes it, at the time of its instance.
			if err := tm.store.SeeSession(t.Context(), one.ID, tm.now()); err != nil {
				t.Fatal(err)
			}
			tm.advance(c.after - c.used)
			if _, ok, err := tm.sessions.Of(t.Context(), token); ok != c.lasts || err != nil {
				t.Errorf("the session lasts: %t, %v, want %t", ok, err, c.lasts)
			}
			all, err := tm.sessions.All(t.Context(), m.ID)
			if err != nil || (len(all) == 1) != c.lasts {
				t.Errorf("listed are %d sessions, %v", len(all), err)
			}
		})
	}
}

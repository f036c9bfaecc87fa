package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// Administrators see how the site is, what is unfinished, and what every setting is and where it comes from.
func TestAdministration(t *testing.T) {
	down := map[string]error{}
	s := newSite(t, func(o *Options) {
		o.Ready = func(context.Context) map[string]error { return down }
		o.Settings = []Setting{
			{Name: "DOSSIER_MAX_FILES", Value: "7", Source: "environment", Meaning: "How many `files` a form takes."},
			{Name: "DOSSIER_LISTEN", Value: "localhost:8080", Source: "default", Meaning: "Where.", Default: true}}
	})
	by := s.signIn(t)
	page := s.play(t, scenario{path: "/staff/administration", by: by, status: 200,
		has: []string{"Administration", "v1.2.3", "0 unfinished uploads", "DOSSIER_MAX_FILES", "environment",
			"How many files a form takes.", "At their defaults", "DOSSIER_LISTEN"},
		hasNot: []string{"Not answering", "Limits reached", "to look at"}})
	if chosen, others, ok := strings.Cut(page.body, "At their defaults"); !ok ||
		strings.Contains(chosen, "DOSSIER_LISTEN") || strings.Contains(others, "DOSSIER_MAX_FILES") {
		t.Error("what was set does not stand apart from defaults")
	}

	receipt, _ := s.submit(t, "Ada <b>", upload{"a.txt", "a"})
	for _, name := range []string{"first & last.bin", "second.bin"} {
		if _, err := s.svc.Announce(t.Context(), receipt.Person,
			dossier.Announcement{ID: dossier.NewFileID(), Name: name, Size: 10}); err != nil {
			t.Fatal(err)
		}
		s.clock.advance(time.Second)
	}
	s.play(t, scenario{path: "/staff/administration", by: by, status: 200,
		has: []string{"2 unfinished uploads", "first &amp; last.bin", "second.bin", "/people/" +
			receipt.Person.String()},
		hasNot: []string{"a.txt", "<i>", "Ada <b>"}})

	s.clock.advance(readyFor)
	down["people"] = errors.New(innards)
	s.server.health.at = s.server.health.at.Add(-2 * readyFor)
	s.play(t, scenario{path: "/staff/administration", by: by, status: 200, has: []string{"Not answering: people"},
		hasNot: []string{innards}})

	s.faults.fail["catalog.Unfinished"] = func(int) error { return errors.New(innards) }
	s.play(t, scenario{method: http.MethodGet, path: "/staff/administration", by: by, status: 500,
		hasNot: []string{innards}})
}

// Who may delete is told when there is little space, or none, that the trash takes it up, and who can empty it.
func TestSpaceIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	admin, editor := s.as(t, s.addAccount(t, staff.Administrator).ID), s.as(t, s.addAccount(t, staff.Editor).ID)
	viewer := s.as(t, s.addAccount(t, staff.Viewer).ID)
	const full, nearly = "The storage is full", "The storage is nearly full"
	var free int64
	over := func() {
		t.Helper()
		all := s.stores.Intercept(s.faults.do)
		s.server.svc = dossier.New(all.People, all.Catalog, s.objects, dossier.Options{Now: s.clock.now,
			Fits: func(bytes int64) error {
				if bytes > free {
					return dossier.ErrFull
				}
				return nil
			}})
	}
	over()
	for _, c := range []struct {
		free     int64
		has, not string
	}{{-1, full, nearly}, {0, nearly, full}, {1 << 50, "Directory", "The storage is"}} {
		free = c.free
		for _, path := range []string{"/people", "/trash", "/staff/administration"} {
			s.play(t, scenario{path: path, by: admin, status: 200, has: []string{c.has}, hasNot: []string{c.not}})
		}
		s.play(t, scenario{path: "/trash", by: editor, status: 200, hasNot: []string{c.not, "/trash/empty"}})
		s.play(t, scenario{path: "/people", by: viewer, status: 200, hasNot: []string{"The storage is"}})
	}
	free = -1
	s.play(t, scenario{path: "/trash", by: admin, status: 200, has: []string{`href="/trash/empty"`}})
	s.play(t, scenario{path: "/people", by: editor, status: 200, has: []string{full, "an administrator has to empty"},
		hasNot: []string{"/trash/empty"}})
}

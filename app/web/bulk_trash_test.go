package web

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/bounds"
	"dossier.example/app/staff"
)

// hidden returns the fields of a page's form that asks before something is done with selected people.
func hidden(t *testing.T, a answer) url.Values {
	t.Helper()
	form := url.Values{}
	for n := range parseDocument(t, a.body).all("input") {
		if attrOf(n, "type") == "hidden" {
			form.Add(attrOf(n, "name"), attrOf(n, "value"))
		}
	}
	return form
}

// afterwards returns the page that a redirect leads to, with what it says.
func (s *site) afterwards(t *testing.T, by *member, a answer) answer {
	t.Helper()
	flash, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return s.play(t, scenario{path: a.header.Get("Location"), status: 200,
		header: map[string]string{"Cookie": by.cookie.Name + "=" + by.cookie.Value + "; " + flash}})
}

// undoOf returns where a page's Undo posts to.
func undoOf(t *testing.T, a answer) string {
	t.Helper()
	for n := range parseDocument(t, a.body).all("form") {
		if path := attrOf(n, "action"); strings.HasPrefix(path, "/trash/moves/") {
			return path
		}
	}
	return ""
}

// listed returns how many people the directory has.
func (s *site) listed(t *testing.T) int {
	t.Helper()
	page, err := s.svc.People(t.Context(), dossier.PeopleQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	return page.Count
}

func TestTrashSelected(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	s.submit(t, "Ada <b>", upload{"a.txt", "ada's"})
	s.submit(t, "Ann")
	s.submit(t, "Bob")
	form, ids := bulkForm(t, s.play(t, scenario{path: "/people?sort=name", by: by, status: 200,
		has: []string{`value="trash"`}}))
	chosen := more(form, "do", "trash", "person", ids["Ada <b>"], "person", ids["Bob"], "person", ids["Bob"])

	// First it asks.
	page := s.play(t, scenario{path: "/people/selected", by: by, form: chosen, status: 200, has: []string{
		"Move 2 people to the trash?", "<bdi>Ada &lt;b&gt;</bdi>", "<bdi>Bob</bdi>", "Within 30 days",
		"/people?sort=name"},
		hasNot: []string{"Ann", "cannot be undone", `name="number"`}})
	if s.listed(t) != 3 {
		t.Fatal("asking deleted somebody")
	}
	if got := s.recordedBy(t, page); !slices.Equal(got, []string{"shared people.search allowed 1"}) &&
		!slices.Equal(got, []string{"shared people.search allowed"}) {
		t.Errorf("asking is recorded as %q", got)
	}
	yes := hidden(t, page)
	a := s.play(t, scenario{path: "/people/selected", by: by, form: yes, status: 303,
		want: map[string]string{"Location": "/people?sort=name"}})
	each := " person " + ids["Ada <b>"] + ": trash"
	other := " person " + ids["Bob"] + ": trash"
	if got, want := s.recordedBy(t, a), []string{"shared person.delete begun" + each, "shared person.delete begun" +
		other,
		"shared people.delete begun: trash", "shared people.delete done 2: trash", "shared person.delete done" + each,
		"shared person.delete done" + other}; !slices.Equal(got, want) {
		t.Errorf("the trail has\n%q, want\n%q", got, want)
	}
	next := s.afterwards(t, by, a)
	if got := said(t, next); got != "2 people were moved to the trash." {
		t.Errorf("the page says %q", got)
	}
	// The same form again, as a double click sends it, does nothing, and has the same answer.
	a = s.play(t, scenario{path: "/people/selected", by: by, form: yes, status: 303})
	again := s.afterwards(t, by, a)
	if got := said(t, again); got != "2 people were moved to the trash." || undoOf(t, again) != undoOf(t, next) {
		t.Errorf("of the form sent again, the page says %q, and has the undo %q", got, undoOf(t, again))
	}
	if got, want := s.recordedBy(t, a), []string{"shared person.delete begun" + each, "shared person.delete begun" +
		other, "shared people.delete begun: trash", "shared people.delete refused: trash",
		"shared person.delete refused" + each, "shared person.delete refused" + other}; !slices.Equal(got, want) {
		t.Errorf("of the form sent again, the trail has\n%q, want\n%q", got, want)
	}
	damaged := maps.Clone(yes)
	damaged.Set(formJob, "../x")
	s.play(t, scenario{path: "/people/selected", by: by, form: damaged, status: 400})
	// And asking for them leads back.
	a = s.play(t, scenario{path: "/people/selected", by: by, form: chosen, status: 303})
	if got := said(t, s.afterwards(t, by, a)); got != "Nobody who was selected is in the list any more." {
		t.Errorf("asked for those who are gone, the page says %q", got)
	}
	for range 2 {
		a = s.play(t, scenario{path: undoOf(t, next), by: by, form: url.Values{"csrf": {by.token}}, status: 303})
		if got := said(t, s.afterwards(t, by, a)); got != "2 people were put back." || s.listed(t) != 3 {
			t.Errorf("the undo says %q, and %d are there", got, s.listed(t))
		}
	}
	// After it, the form of before does it anew: somebody went back to its page.
	s.clock.advance(time.Second)
	a = s.play(t, scenario{path: "/people/selected", by: by, form: yes, status: 303})
	anew := s.afterwards(t, by, a)
	if got := said(t, anew); got != "2 people were moved to the trash." || s.listed(t) != 1 ||
		undoOf(t, anew) == undoOf(t, next) {
		t.Errorf("after the undo the form says %q, and %d are there", got, s.listed(t))
	}
	// Of two that came at once, the second has counted everybody before the first has moved them.
	s.play(t, scenario{path: undoOf(t, anew), by: by, form: url.Values{"csrf": {by.token}}, status: 303})
	yes = hidden(t, s.play(t, scenario{path: "/people/selected", by: by, form: chosen, status: 200}))
	var first answer
	s.faults.set("catalog.Note", func(call int) error {
		if call == 1 {
			s.faults.mu.Unlock()
			defer s.faults.mu.Lock()
			first = s.play(t, scenario{path: "/people/selected", by: by, form: yes, status: 303})
		}
		return nil
	})
	a = s.play(t, scenario{path: "/people/selected", by: by, form: yes, status: 303})
	moved, second := s.afterwards(t, by, first), s.afterwards(t, by, a)
	if got := said(t, second); got != "2 people were moved to the trash." || undoOf(t, second) != undoOf(t, moved) {
		t.Errorf("the second of two says %q, and has the undo %q, want that of the first", got, undoOf(t, second))
	}
}

func TestTrashAllThatMatch(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	s.insert(t, numbered(60)...)
	gone, _ := s.submit(t, "Person Gone")
	s.submit(t, "Somebody Else")
	path := "/people?q=person"
	form, _ := bulkForm(t, s.play(t, scenario{path: path, by: by, status: 200,
		has: []string{"All 61 people that match"}}))
	form = more(form, "all", "yes", "do", "trash")
	s.insert(t, "Person Later")
	page := s.play(t, scenario{path: "/people/selected", by: by, form: form, status: 200,
		has: []string{"Move 61 people to the trash?", "Search: <bdi>person</bdi>"}})
	if _, err := s.svc.TrashPerson(t.Context(), gone.Person, "another"); err != nil {
		t.Fatal(err)
	}

	s.clock.advance(time.Second)

	// A store that fails in the middle: how far it is is told, and it goes on by itself.
	s.faults.set("people.Trash", func(call int) error {
		if call == 2 {
			return dossier.Unavailable(t.Context(), "people.Trash", dossier.ErrUnavailable)
		}
		return nil
	})
	a := s.play(t, scenario{path: "/people/selected", by: by, form: hidden(t, page), status: 303})
	at := a.header.Get("Location")
	if !strings.HasPrefix(at, "/people/jobs/") {
		t.Fatalf("the way leads to %s", at)
	}
	s.play(t, scenario{path: at, by: by, status: 200, has: []string{"Moving 60 people to the trash: 25 done.",
		"did not respond", "by itself", at + "/stop"}, hasNot: []string{"/trash/moves/"}})
	begun := []string{"shared people.delete begun: trash"}
	if got := s.recordedBy(t, a); !slices.Equal(got, begun) {
		t.Errorf("the trail has %q", got)
	}
	if n := s.listed(t); n != 60-25+2 {
		t.Errorf("%d are left", n)
	}
	const progress = "Moving 60 people to the trash: 25 done."
	s.play(t, scenario{path: "/people", by: by, status: 200, has: []string{progress, at}})
	s.play(t, scenario{path: "/trash", by: by, status: 200, has: []string{progress}})
	s.faults.set("people.Trash", nil)
	goOn := func() {
		t.Helper()
		s.clock.advance(time.Minute)
		if err := s.svc.ContinueJobs(t.Context(), s.server); err != nil {
			t.Fatal(err)
		}
	}
	goOn()
	if got, want := s.recordedBy(t, a), append(begun, "shared people.delete done 60: trash"); !slices.Equal(got, want) {
		t.Errorf("the trail has %q, want %q", got, want)
	}
	ended := s.play(t, scenario{path: at, by: by, status: 200, has: []string{"60 people were moved to the trash."},
		hasNot: []string{at + "/stop"}})
	s.play(t, scenario{path: "/people", by: by, status: 200, hasNot: []string{at}})
	if n := s.listed(t); n != 2 {
		t.Errorf("%d are left, want the two who were not meant", n)
	}

	// An undo goes on as well. While a move runs, an undo stops it first.
	s.faults.set("people.PutBack", func(call int) error {
		if call == 4 {
			return dossier.Unavailable(t.Context(), "people.PutBack", dossier.ErrUnavailable)
		}
		return nil
	})
	undo := undoOf(t, ended)
	back := s.play(t, scenario{path: undo, by: by, form: url.Values{"csrf": {by.token}}, status: 303})
	s.play(t, scenario{path: back.header.Get("Location"), by: by, status: 200,
		has: []string{"Putting 60 people back from the trash: 3 done."}})
	again := s.play(t, scenario{path: undo, by: by, form: url.Values{"csrf": {by.token}}, status: 303})
	if got := again.header.Get("Location"); got != back.header.Get("Location") {
		t.Errorf("the undo that runs is shown at %s", got)
	}
	s.faults.set("people.PutBack", nil)
	goOn()
	if n := s.listed(t); n != 2+60 {
		t.Errorf("%d are there after the undo", n)
	}
	if got, want := s.recordedBy(t, back), []string{"shared people.put-back begun",
		"shared people.put-back done 60"}; !slices.Equal(got, want) {
		t.Errorf("the trail has %q, want %q", got, want)
	}
}

// beginTrash has somebody move everybody to the trash, by a request whose time ends after the first of them, and
// returns its answer.
func (s *site) beginTrash(t *testing.T, by *member) answer {
	t.Helper()
	form, _ := bulkForm(t, s.play(t, scenario{path: "/people", by: by, status: 200}))
	page := s.play(t, scenario{path: "/people/selected", by: by, form: more(form, "all", "yes", "do", "trash"),
		status: 200})
	s.faults.set("people.Trash", func(call int) error {
		if call == 1 {
			s.clock.advance(bulkTime)
		}
		return nil
	})
	return s.play(t, scenario{path: "/people/selected", by: by, form: hidden(t, page), status: 303})
}

// The time of a request ends before all are moved: the rest is moved afterwards, or stopped.
func TestTrashTakesLong(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	s.insert(t, numbered(60)...)
	a := s.beginTrash(t, by)
	at := a.header.Get("Location")
	job := s.play(t, scenario{path: at, by: by, status: 200, has: []string{"Moving 60 people to the trash: 25 done.",
		"continues by itself"}})
	jobs, err := s.svc.Jobs(t.Context())
	if err != nil || len(jobs) != 1 {
		t.Fatalf("the jobs are %v, %v", jobs, err)
	}
	undo := undoPath(jobs[0].Trash)
	if undoOf(t, job) != "" {
		t.Error("the page offers to undo what runs")
	}
	viewer := s.as(t, s.addAccount(t, staff.Viewer).ID)
	s.play(t, scenario{path: at, by: viewer, status: 200, hasNot: []string{at + "/stop"}})
	stopping := s.play(t, scenario{path: undo, by: by, form: url.Values{"csrf": {by.token}}, status: 303,
		want: map[string]string{"Location": at}})
	if got := said(t, s.afterwards(t, by, stopping)); !strings.Contains(got, "being stopped") {
		t.Errorf("the undo of what runs says %q", got)
	}
	if err := s.svc.ContinueJobs(t.Context(), s.server); err != nil {
		t.Fatal(err)
	}
	ended := s.play(t, scenario{path: at, by: by, status: 200,
		has: []string{"25 people were moved to the trash. Then it was stopped: 35 are left."}})
	if got, want := s.recordedBy(t, a), []string{"shared people.delete begun: trash",
		"shared people.delete failed 25: trash, stopped of 60"}; !slices.Equal(got, want) {
		t.Errorf("the trail has %q, want %q", got, want)
	}
	s.play(t, scenario{path: undoOf(t, ended), by: by, form: url.Values{"csrf": {by.token}}, status: 303})
	if n := s.listed(t); n != 60 {
		t.Errorf("%d are there after the undo", n)
	}
	s.play(t, scenario{path: at + "/stop", by: by, form: url.Values{"csrf": {by.token}}, status: 303})
	s.playAll(t, []scenario{
		{path: "/people/jobs/x", by: by, status: 404, has: []string{"not known any more"}},
		{path: "/people/jobs/x/stop", by: by, form: url.Values{"csrf": {by.token}}, status: 404},
	})
}

// The form of a move that was stopped, sent again when nobody is left, has the answer of that move, with its undo.
func TestStoppedTrashIsSentAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	s.insert(t, numbered(30)...)
	form, _ := bulkForm(t, s.play(t, scenario{path: "/people", by: by, status: 200}))
	yes := hidden(t, s.play(t, scenario{path: "/people/selected", by: by, form: more(form, "all", "yes", "do", "trash"),
		status: 200}))
	s.faults.set("people.Trash", func(call int) error {
		if call == 1 {
			s.clock.advance(bulkTime)
		}
		return nil
	})
	at := s.play(t, scenario{path: "/people/selected", by: by, form: yes, status: 303}).header.Get("Location")
	s.play(t, scenario{path: at + "/stop", by: by, form: url.Values{"csrf": {by.token}}, status: 303})
	if err := s.svc.ContinueJobs(t.Context(), s.server); err != nil {
		t.Fatal(err)
	}
	for p, err := range s.svc.Selected(t.Context(), dossier.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.svc.TrashPerson(t.Context(), p.ID, "somebody else"); err != nil {
			t.Fatal(err)
		}
	}
	again := s.afterwards(t, by, s.play(t, scenario{path: "/people/selected", by: by, form: yes, status: 303}))
	if got := said(t, again); got != "25 people were moved to the trash. Then it was stopped: 5 are left." ||
		undoOf(t, again) == "" {
		t.Errorf("sent again, the form says %q, with the undo %q", got, undoOf(t, again))
	}
	if jobs, err := s.svc.Jobs(t.Context()); err != nil || len(jobs) != 1 {
		t.Errorf("there are the jobs %+v, %v, want one", jobs, err)
	}
}

// What somebody began ends with the right to it.
func TestTrashOfSomebodyWhoMayNoLonger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// as makes who asks, and returns what takes the right away; goesOn: it does not.
		as     func(t *testing.T, s *site) (*member, func(context.Context) error)
		goesOn bool
	}{
		"suspended": {as: editorWho(func(s *site, id staff.AccountID) func(context.Context) error {
			return func(ctx context.Context) error { _, err := s.server.accounts.Suspend(ctx, id); return err }
		})},
		"demoted": {as: editorWho(func(s *site, id staff.AccountID) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := s.server.accounts.ChangeRole(ctx, id, staff.Viewer)
				return err
			}
		})},
		"removed": {as: editorWho(func(s *site, id staff.AccountID) func(context.Context) error {
			return func(ctx context.Context) error { _, err := s.server.accounts.Remove(ctx, id); return err }
		})},
		"promoted": {goesOn: true, as: editorWho(func(s *site, id staff.AccountID) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := s.server.accounts.ChangeRole(ctx, id, staff.Administrator)
				return err
			}
		})},
		"with a shared key that is closed": {as: func(t *testing.T, s *site) (*member, func(context.Context) error) {
			return s.signIn(t), func(context.Context) error { s.addAccount(t, staff.Administrator); return nil }
		}},
		"with a shared key that is open": {goesOn: true,
			as: func(t *testing.T, s *site) (*member, func(context.Context) error) {
				return s.signIn(t), func(context.Context) error { return nil }
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, withTrash)
			s.insert(t, numbered(60)...)
			by, takeAway := c.as(t, s)
			a := s.beginTrash(t, by)
			at := a.header.Get("Location")
			if err := takeAway(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.svc.ContinueJobs(t.Context(), s.server); err != nil {
				t.Fatal(err)
			}
			left, told := 35, "25 people were moved to the trash. Then it was stopped, as whoever asked for it may "+
				"no longer do this: 35 are left."
			end := "people.delete failed 25: trash, revoked of 60"
			if c.goesOn {
				left, told, end = 0, "60 people were moved to the trash.", "people.delete done 60: trash"
			}
			reader := s.as(t, s.addAccount(t, staff.Administrator).ID)
			s.play(t, scenario{path: at, by: reader, status: 200, has: []string{told}})
			shown := s.play(t, scenario{path: "/people", by: reader, status: 200})
			if strings.Contains(shown.body, told) == c.goesOn {
				t.Errorf("the directory shows it: %t", c.goesOn)
			}
			if n := s.listed(t); n != left {
				t.Errorf("%d are left, want %d", n, left)
			}
			if got := s.recordedBy(t, a); len(got) != 2 || !strings.HasSuffix(got[1], end) {
				t.Errorf("the trail has %q, want an end %q", got, end)
			}
		})
	}
}

// editorWho makes an editor, and what becomes of the account.
func editorWho(becomes func(*site, staff.AccountID) func(context.Context) error) func(*testing.T, *site) (*member,
	func(context.Context) error) {
	return func(t *testing.T, s *site) (*member, func(context.Context) error) {
		id := s.addAccount(t, staff.Editor).ID
		return s.as(t, id), becomes(s, id)
	}
}

// Where there is no trash, it asks for the number, and deletes.
func TestDeleteSelectedForGood(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	s.submit(t, "Ada", upload{"a.txt", "ada's"})
	s.submit(t, "Bob")
	form, ids := bulkForm(t, s.play(t, scenario{path: "/people", by: by, status: 200}))
	form = more(form, "do", "trash", "person", ids["Ada"], "person", ids["Bob"])
	page := s.play(t, scenario{path: "/people/selected", by: by, form: form, status: 200,
		has: []string{"Delete 2 people for good?", "cannot be undone", `name="number"`}, hasNot: []string{"trash?"}})
	yes := hidden(t, page)
	for _, typed := range []string{"", "1", "two", "22"} {
		a := s.play(t, scenario{path: "/people/selected", by: by, form: more(yes, "number", typed), status: 422,
			has: []string{"This is not the number", "Delete 2 people for good?"}})
		if got := s.recordedBy(t, a); !slices.Contains(got, "shared people.delete refused: trash") {
			t.Errorf("typed %q, the trail has %q", typed, got)
		}
	}
	if s.listed(t) != 2 {
		t.Fatal("somebody was deleted without the number")
	}
	a := s.play(t, scenario{path: "/people/selected", by: by, form: more(yes, "number", " 2 "), status: 303})
	next := s.afterwards(t, by, a)
	if got := said(t, next); got != "2 people were deleted." || undoOf(t, next) != "" {
		t.Errorf("the page says %q", got)
	}
	if s.listed(t) != 0 || s.objectCount(t) != 0 {
		t.Errorf("%d people and %d objects are left", s.listed(t), s.objectCount(t))
	}
	s.play(t, scenario{path: "/people/selected", by: by, form: more(yes, "number", "2"), status: 303})
	yes.Set("confirmed", "x")
	s.play(t, scenario{path: "/people/selected", by: by, form: yes, status: 400, has: []string{"damaged"}})
}

// More people than one archive takes can be moved at once.
func TestTrashOfMany(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	s.insertMany(t, bounds.BulkPeople+1)
	form, _ := bulkForm(t, s.play(t, scenario{path: "/people", by: by, status: 200}))
	page := s.play(t, scenario{path: "/people/selected", by: by, form: more(form, "all", "yes", "do", "trash"),
		status: 200, has: []string{"Move 10,001 people to the trash?"}})
	a := s.play(t, scenario{path: "/people/selected", by: by, form: hidden(t, page), status: 303})
	if got := said(t, s.afterwards(t, by, a)); got != "10,001 people were moved to the trash." || s.listed(t) != 0 {
		t.Errorf("the page says %q, and %d are left", got, s.listed(t))
	}
}

// What may be done with selected people depends on the role, and of exports on whether it is everybody.
func TestSelectedByRole(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	s.addAccount(t, staff.Administrator)
	s.insert(t, numbered(60)...)
	for _, role := range staff.Roles {
		by := s.as(t, s.addAccount(t, role).ID)
		for _, c := range []struct {
			name, path, do string
			all            bool
			needs          staff.Role
		}{
			{"some as CSV", "/people", "csv", false, staff.Viewer},
			{"some as ZIP", "/people", "zip", false, staff.Viewer},
			{"all that match as CSV", "/people?q=person", "csv", true, staff.Viewer},
			{"all that match as ZIP", "/people?q=person", "zip", true, staff.Viewer},
			{"all that are sorted as CSV", "/people?sort=name", "csv", true, staff.Administrator},
			{"everybody as CSV", "/people", "csv", true, staff.Administrator},
			{"everybody as ZIP", "/people", "zip", true, staff.Administrator},
			{"some to the trash", "/people", "trash", false, staff.Editor},
			{"all that match to the trash", "/people?q=person", "trash", true, staff.Editor},
		} {
			page := s.play(t, scenario{path: c.path, by: by, status: 200})
			form, ids := bulkForm(t, page)
			form = more(form, "do", c.do)
			if c.all {
				form = more(form, "all", "yes")
			} else {
				for _, id := range ids {
					form = more(form, "person", id)
					break
				}
			}
			a := s.ask(t, scenario{name: c.name, path: "/people/selected", by: by, form: form})
			if role.May(c.needs) {
				if a.status != 200 {
					t.Errorf("%s by a %s: status %d", c.name, role, a.status)
				}
				continue
			}
			action := map[string]audit.Action{"trash": audit.PeopleDelete}[c.do]
			if action == "" {
				action = audit.PeopleExport
			}
			got := s.recordedBy(t, a)
			if a.status != 403 || !strings.Contains(a.body, "needs the role "+string(c.needs)) || len(got) != 1 ||
				!strings.Contains(got[0], string(action)+" refused") {
				t.Errorf("%s by a %s: status %d, recorded as %q", c.name, role, a.status, got)
			}
			// The confirmation of the page before is no way around.
			if a := s.ask(t, scenario{path: "/people/selected", by: by,
				form: more(form, "confirmed", "1")}); a.status != 403 {
				t.Errorf("%s by a %s, confirmed: status %d", c.name, role, a.status)
			}
		}
		for path, needs := range map[string]staff.Role{"/people.csv": staff.Administrator,
			"/people.csv?sort=name": staff.Administrator, "/people.csv?zone=UTC": staff.Administrator,
			"/people.csv?q=person": staff.Viewer, "/people.csv?files=without": staff.Viewer} {
			want := 200
			if !role.May(needs) {
				want = 403
			}
			a := s.play(t, scenario{path: path, by: by, status: want})
			if got := s.recordedBy(t, a); want == 403 && (len(got) != 2 ||
				!strings.Contains(got[1], "people.export refused")) {
				t.Errorf("%s by a %s is recorded as %q", path, role, got)
			}
		}

		// Pages offer what the role may.
		all, filtered := s.play(t, scenario{path: "/people", by: by, status: 200}),
			s.play(t, scenario{path: "/people?q=person", by: by, status: 200})
		for what, c := range map[string]struct {
			on    answer
			has   string
			needs staff.Role
		}{
			"deleting":                   {all, `value="trash"`, staff.Editor},
			"everybody's box":            {all, `id="all"`, staff.Editor},
			"everybody's list":           {all, `href="/people.csv"`, staff.Administrator},
			"all that match":             {filtered, `id="all"`, staff.Viewer},
			"the list of all that match": {filtered, `href="/people.csv?q=person"`, staff.Viewer},
		} {
			if got := strings.Contains(c.on.body, c.has); got != role.May(c.needs) {
				t.Errorf("%s is offered to a %s: %t", what, role, got)
			}
		}
		if got, want := strings.Count(all.body, " not-all"), 0; role == staff.Administrator && got != want {
			t.Errorf("administrators see %d buttons that may not be used for everybody", got)
		}
		if got := strings.Count(all.body, " not-all"); role == staff.Editor && got != 2 {
			t.Errorf("of the editors' buttons, %d may not be used for everybody, want 2", got)
		}
	}
	if s.listed(t) != 60 {
		t.Errorf("asking moved somebody: %d are left", s.listed(t))
	}
}

// What cannot be recorded is not done.
func TestTrashSelectedIsRecordedFirst(t *testing.T) {
	t.Parallel()
	s, trail := newAuditSite(t)
	s.server.o.TrashTime = time.Hour
	by := s.signIn(t)
	s.submit(t, "Ada")
	form, ids := bulkForm(t, s.play(t, scenario{path: "/people", by: by, status: 200}))
	form = more(form, "do", "trash", "person", ids["Ada"], "confirmed", "1")
	for _, action := range []audit.Action{audit.PersonDelete, audit.PeopleDelete} {
		trail.set(func(entries []audit.Entry) bool { return entries[0].Action == action })
		s.play(t, scenario{path: "/people/selected", by: by, form: form, status: 503,
			has: []string{"Nothing was done"}})
	}
	if s.listed(t) != 1 {
		t.Error("somebody was deleted who is not in the trail")
	}
}

package web

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// withTrash is a site that keeps for 30 days what is deleted.
func withTrash(o *Options) { o.TrashTime = 30 * 24 * time.Hour }

func TestTrashPerson(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada <b>", upload{"a.png", onePixelPNG}, upload{"b.txt", "b"})
	other, _ := s.submit(t, "Bob", upload{"c.txt", "c"})
	person := personPath(receipt.Person)
	form := url.Values{"csrf": {by.token}}
	there := trashedPersonPath(receipt.Person)

	s.play(t, scenario{path: person + "/delete", by: by, status: 200, has: []string{"Delete Ada &lt;b&gt; and 2 files?",
		"Within 30 days, they can be put back from the trash"}, hasNot: []string{"cannot be undone"}})
	s.faults.down("people.Trash")
	s.play(t, scenario{path: person + "/delete", by: by, form: form, status: 503})
	s.faults.set("people.Trash", nil)
	s.play(t, scenario{path: person, by: by, status: 200})
	a := s.play(t, scenario{path: person + "/delete", by: by, form: form, status: 303,
		want: map[string]string{"Location": "/people"}})

	// The next page says so, and has the way back; without a script, and for who may.
	next := scenario{path: "/people", by: by, status: 200, header: map[string]string{"Cookie": by.cookie.String() +
		"; " +
		strings.Split(a.header.Get("Set-Cookie"), ";")[0]}}
	page := s.play(t, next)
	if got := said(t, page); got != "Ada <b> was moved to the trash." {
		t.Errorf("the page says %q", got)
	}
	if !strings.Contains(page.body, `<form method="post" action="`+there+`/put-back">`) ||
		strings.Contains(page.body, `href="`+person) {
		t.Error("the page has no form that undoes it, or still lists the person")
	}

	gone := []scenario{
		{name: "page", path: person, by: by, status: 404},
		{name: "delete again", path: person + "/delete", by: by, form: form, status: 404},
		{name: "file", path: filePath(person, files[0].ID), by: by, status: 404},
		{name: "picture", path: filePath(person, files[0].ID) + "/picture", by: by, status: 404},
		{name: "delete a file", path: filePath(person, files[0].ID) + "/delete", by: by, form: form, status: 404},
		{name: "archive", path: person + "/files.zip", by: by, status: 404},
		{name: "link", path: person + "/link", by: by, status: 404},
		{name: "API", path: "/api/v1/people/" + receipt.Person.String(), by: by, status: 404},
		{name: "API, file", path: "/api/v1/files/" + files[0].ID.String() + "/content?person=" +
			receipt.Person.String(), by: by, status: 404},
		{name: "search", path: "/people?q=ada", by: by, status: 200, hasNot: []string{person}},
		{name: "CSV", path: "/people.csv", by: by, status: 200, has: []string{"Bob"}, hasNot: []string{"Ada"}},
		{name: "receipt", path: receiptPath(receipt.Person), status: 410,
			header: map[string]string{"Cookie": "dossier_receipt=" + receipt.String()},
			has:    []string{"deleted by the staff of this site", "ask the staff soon to put it back"}},
		{name: "receipt's file", path: filePath(receiptPath(receipt.Person), files[0].ID), status: 410,
			header: map[string]string{"Cookie": "dossier_receipt=" + receipt.String()}},
		{name: "API, receipt", path: "/api/v1/receipt", status: 401,
			header: map[string]string{"Authorization": "Bearer " + receipt.String()},
			has:    []string{"deleted by the staff of this site"}},
	}
	s.playAll(t, gone)
	if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 2 {
		t.Errorf("in the trash: there %t, files %q", there, stored)
	}
	s.play(t, scenario{path: "/trash", by: by, status: 200, has: []string{"Ada &lt;b&gt;", "30 days", "shared key",
		there + "/put-back", there + "/erase"}, hasNot: []string{"Bob"}})

	s.play(t, scenario{path: there + "/put-back", by: by, form: url.Values{}, status: 403})
	s.faults.down("people.PutBack")
	s.play(t, scenario{path: there + "/put-back", by: by, form: form, status: 503})
	s.faults.set("people.PutBack", nil)
	s.playAll(t, gone[:1])
	for range 2 {
		s.play(t, scenario{path: there + "/put-back", by: by, form: form, status: 303,
			want: map[string]string{"Location": person}})
	}
	s.play(t, scenario{path: person, by: by, status: 200, has: []string{"a.png"}})
	s.play(t, scenario{path: "/people?q=ada", by: by, status: 200, has: []string{person}})
	s.play(t, scenario{path: "/trash", by: by, status: 200, has: []string{"The trash is empty"}})
	if there, stored := s.exists(t, other.Person); !there || len(stored) != 1 {
		t.Errorf("the other person: there %t, files %q", there, stored)
	}
}

func TestErasePerson(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada <b>", upload{"a.txt", "a"}, upload{"b.txt", "b"})
	there := trashedPersonPath(receipt.Person)
	typed := func(name string) url.Values { return url.Values{"csrf": {by.token}, "name": {name}} }
	for _, step := range []scenario{
		{name: "ask for who is not in the trash", path: there + "/erase", by: by, status: 404},
		{name: "who is not in the trash", path: there + "/erase", by: by, form: typed("Ada <b>"), status: 404},
		{name: "nobody", path: trashedPersonPath(dossier.NewPersonID()) + "/erase", by: by, form: typed("Ada <b>"),
			status: 404},
		{name: "no ID", path: "/trash/people/x/erase", by: by, form: typed("Ada <b>"), status: 404},
	} {
		s.play(t, step)
	}
	if _, err := s.svc.TrashPerson(t.Context(), receipt.Person, "x"); err != nil {
		t.Fatal(err)
	}
	s.play(t, scenario{path: there + "/erase", by: by, status: 200, has: []string{"Erase Ada &lt;b&gt; and 2 files " +
		"for good?",
		"Backups", `name="name"`}})
	for _, name := range []string{"", "Ada", "Ada <b> Lovelace", "on"} {
		s.play(t, scenario{path: there + "/erase", by: by, form: typed(name), status: 422,
			has: []string{"This is not the name"}})
	}
	if there, stored := s.exists(t, receipt.Person); !there || len(stored) != 2 {
		t.Fatalf("what was not named: there %t, files %q", there, stored)
	}
	s.faults.down("people.MoveTrashed")
	s.play(t, scenario{path: there + "/erase", by: by, form: typed("Ada <b>"), status: 503,
		has: []string{"Nothing was deleted."}})
	s.faults.set("people.MoveTrashed", nil)
	s.faults.down("objects.Delete")
	s.play(t, scenario{path: there + "/erase", by: by, form: typed("Ada <b>"), status: 503,
		has: []string{"will finish by itself"}})
	s.faults.set("objects.Delete", nil)
	if _, err := s.svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: time.Hour}, nil); err != nil {
		t.Error(err)
	}
	if there, stored := s.exists(t, receipt.Person); there || len(stored) != 0 || s.objectCount(t) != 0 {
		t.Errorf("after it was erased: there %t, files %q, %d objects", there, stored, s.objectCount(t))
	}

	again, _ := s.submit(t, "Grace  Hopper")
	if _, err := s.svc.TrashPerson(t.Context(), again.Person, "x"); err != nil {
		t.Fatal(err)
	}
	s.play(t, scenario{path: trashedPersonPath(again.Person) + "/erase", by: by, form: typed(" grace hopper "),
		status: 303, want: map[string]string{"Location": "/trash"}})
	if there, _ := s.exists(t, again.Person); there {
		t.Error("who was named with other capitals is still there")
	}
}

func TestTrashFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a <i>.txt", "a"}, upload{"b.txt", "b"})
	person, form := personPath(receipt.Person), url.Values{"csrf": {by.token}}
	page := filePath(person, files[0].ID) + "/delete"
	there := trashedFilePath(receipt.Person, files[0].ID)

	s.play(t, scenario{path: page, by: by, status: 200, has: []string{"Delete the file a _i_.txt?", "put back"},
		hasNot: []string{"cannot be undone"}})
	s.play(t, scenario{path: page, by: by, form: form, status: 303, want: map[string]string{"Location": person}})
	gone := []scenario{
		{name: "delete again", path: page, by: by, form: form, status: 404},
		{name: "download", path: filePath(person, files[0].ID), by: by, status: 404},
		{name: "person", path: person, by: by, status: 200, has: []string{"b.txt", "1 file"},
			hasNot: []string{"a _i_.txt"}},
		{name: "receipt", path: "/receipt/" + receipt.String(), status: 200, has: []string{"b.txt"},
			hasNot: []string{"a _i_.txt"}},
		{name: "receipt's download", path: filePath(receiptPath(receipt.Person), files[0].ID), status: 404,
			header: map[string]string{"Cookie": "dossier_receipt=" + receipt.String()}},
	}
	s.playAll(t, gone)
	s.play(t, scenario{path: "/trash", by: by, status: 200, has: []string{"a _i_.txt", "of <bdi>Ada</bdi>",
		there + "/put-back"}})
	s.play(t, scenario{path: there + "/put-back", by: by, form: form, status: 303,
		want: map[string]string{"Location": person}})
	s.play(t, scenario{path: filePath(person, files[0].ID), by: by, status: 200})

	s.play(t, scenario{path: page, by: by, form: form, status: 303})
	s.play(t, scenario{path: there + "/erase", by: by, status: 200, has: []string{"Erase the file a _i_.txt of Ada"}})
	s.play(t, scenario{path: there + "/erase", by: by, form: form, status: 422, has: []string{"This is not the name"}})
	s.play(t, scenario{path: there + "/erase", by: by, form: url.Values{"csrf": {by.token}, "name": {"a _i_.txt"}},
		status: 303, want: map[string]string{"Location": "/trash"}})
	if _, stored := s.exists(t, receipt.Person); !slices.Equal(stored, []string{"b.txt"}) || s.objectCount(t) != 1 {
		t.Errorf("after it was erased %q are stored, with %d objects", stored, s.objectCount(t))
	}
	s.playAll(t, []scenario{
		{name: "put back", path: there + "/put-back", by: by, form: form, status: 404},
		{name: "erase again", path: there + "/erase", by: by, form: form, status: 404},
		{name: "no ID", path: "/trash/people/" + receipt.Person.String() + "/files/x/put-back", by: by, form: form,
			status: 404},
	})
}

// Those who were moved at once come back at once.
func TestUndoOfAMove(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	form := url.Values{"csrf": {by.token}}
	var list []dossier.Person
	for range 3 {
		r, _ := s.submit(t, "Ada")
		list = append(list, dossier.Person{ID: r.Person})
	}
	selected := func(yield func(dossier.Person, error) bool) {
		for _, p := range list {
			if !yield(p, nil) {
				return
			}
		}
	}
	trash := dossier.Trash{At: s.clock.now(), By: "x"}
	if _, err := s.svc.TrashPeople(t.Context(), selected, trash, nil); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"x", "-1", "0"} {
		s.play(t, scenario{path: "/trash/moves/" + at + "/put-back", by: by, form: form, status: 404})
	}
	s.play(t, scenario{path: undoPath(trash), by: by, form: form, status: 303,
		want: map[string]string{"Location": "/people"}})
	if page, err := s.svc.People(t.Context(), dossier.PeopleQuery{Limit: 10}); err != nil || page.Count != 3 {
		t.Errorf("%d are back, %v", page.Count, err)
	}
}

// The trash is shown in pages.
func TestTrashPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	for range 101 {
		r, _ := s.submit(t, "Ada")
		if _, err := s.svc.TrashPerson(t.Context(), r.Person, "x"); err != nil {
			t.Fatal(err)
		}
		s.clock.advance(time.Second)
	}
	a := s.play(t, scenario{path: "/trash", by: by, status: 200, has: []string{"/trash?after="}})
	if n := strings.Count(a.body, "/put-back"); n != 100 {
		t.Errorf("the first page has %d people, want 100", n)
	}
	_, next, _ := strings.Cut(a.body, `href="/trash?after=`)
	next, _, _ = strings.Cut(next, `"`)
	a = s.play(t, scenario{path: "/trash?after=" + strings.ReplaceAll(next, "&#43;", "+"), by: by, status: 200})
	if n := strings.Count(a.body, "/put-back"); n != 1 {
		t.Errorf("the second page has %d people, want 1", n)
	}
	s.play(t, scenario{path: "/trash?after=x", by: by, status: 400})
}

// Files are shown in pages of their own, the last first, each once.
func TestTrashPagesOfFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.signIn(t)
	const files = 2*trashedFiles + 1
	for i := range files {
		receipt, stored := s.submit(t, "Ada", upload{fmt.Sprintf("file-%03d.txt", i), fmt.Sprint(i)})
		if _, err := s.svc.TrashFile(t.Context(), receipt.Person, stored[0].ID, "x"); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 { // two have the same time, as the clock stands still
			s.clock.advance(time.Second)
		}
	}
	// group is the place of a file's time among all.
	seen, last := map[int]bool{}, files
	group := func(i int) int { return (i + 1) / 2 }
	name := regexp.MustCompile(`<th role="rowheader" scope="row"><bdi>file-([0-9]{3})\.txt</bdi>`)
	pages, path := 0, "/trash"
	for path != "" {
		if pages++; pages > 3 {
			t.Fatalf("page %d of 3 is %s", pages, path)
		}
		a := s.play(t, scenario{path: path, by: by, status: 200, hasNot: []string{"trash is empty"}})
		path = ""
		for n := range parseDocument(t, a.body).all("a") {
			if href := attrOf(n, "href"); strings.HasPrefix(href, "/trash?files=") {
				path = href
			}
		}
		for _, found := range name.FindAllStringSubmatch(a.body, -1) {
			i, err := strconv.Atoi(found[1])
			if err != nil || seen[i] || group(i) > group(last) {
				t.Errorf("file %d comes after %d, or again, %v", i, last, err)
			}
			seen[i], last = true, i
		}
	}
	if len(seen) != files || pages != 3 {
		t.Errorf("%d files were shown on %d pages, want %d on 3", len(seen), pages, files)
	}
	for _, bad := range []string{"x", "1", "1-x", "-1-" + dossier.NewFileID().String()} {
		s.play(t, scenario{path: "/trash?files=" + bad, by: by, status: 400})
	}
	s.play(t, scenario{path: "/trash?files=1-" + dossier.NewFileID().String(), by: by, status: 200,
		has: []string{"no more files"}})
}

// Administrators empty the trash of what they saw in it, after they typed how much that is.
func TestEmptyTrash(t *testing.T) {
	t.Parallel()
	s := newSite(t, withTrash)
	by := s.as(t, s.addAccount(t, staff.Administrator).ID)
	editor := s.as(t, s.addAccount(t, staff.Editor).ID)
	s.play(t, scenario{path: "/trash/empty", by: by, status: 303, want: map[string]string{"Location": "/trash"}})
	person, _ := s.submit(t, "Ada", upload{"a.txt", "one"})
	kept, files := s.submit(t, "Bob", upload{"b.txt", "two"}, upload{"c.txt", "three"})
	late, _ := s.submit(t, "Cid")
	trash := func(id dossier.PersonID) {
		t.Helper()
		if _, err := s.svc.TrashPerson(t.Context(), id, "x"); err != nil {
			t.Fatal(err)
		}
	}
	trash(person.Person)
	if _, err := s.svc.TrashFile(t.Context(), kept.Person, files[0].ID, "x"); err != nil {
		t.Fatal(err)
	}
	s.play(t, scenario{path: "/trash", by: editor, status: 200, hasNot: []string{"/trash/empty"}})
	s.play(t, scenario{path: "/trash", by: by, status: 200, has: []string{`href="/trash/empty"`}})
	page := s.play(t, scenario{path: "/trash/empty", by: by, status: 200,
		has: []string{"Erase everything in the trash for good?", "2 people and files", "cannot be undone"}})
	s.clock.advance(time.Second)
	trash(late.Person)
	form := hidden(t, page)
	for _, typed := range []string{"", "1", "3"} {
		a := s.play(t, scenario{path: "/trash/empty", by: by, form: more(form, "number", typed), status: 422,
			has: []string{"This is not the number"}})
		if got := s.recordedBy(t, a); len(got) != 2 || !strings.Contains(got[1], "trash.empty refused") {
			t.Errorf("typed %q, the trail has %q", typed, got)
		}
	}
	later := more(form)
	later.Set("asked", "2126-01-01T00:00:00Z")
	s.play(t, scenario{path: "/trash/empty", by: by, form: more(later, "number", "3"), status: 400})
	if s.objectCount(t) != 3 {
		t.Fatalf("%d objects are left before it was confirmed", s.objectCount(t))
	}
	a := s.play(t, scenario{path: "/trash/empty", by: by, form: more(form, "number", "2"), status: 303,
		want: map[string]string{"Location": "/trash"}})
	if got := said(t, s.afterwards(t, by, a)); got != "2 people and files were erased." {
		t.Errorf("the page says %q", got)
	}
	again := s.play(t, scenario{path: "/trash/empty", by: by, form: more(form, "number", "2"), status: 303})
	if got := said(t, s.afterwards(t, by, again)); got != "2 people and files were erased." {
		t.Errorf("of the form sent again, the page says %q", got)
	}
	if got := s.recordedBy(t, a); len(got) != 2 || !strings.HasSuffix(got[0], "trash.empty begun") ||
		!strings.HasSuffix(got[1], "trash.empty done 2") {
		t.Errorf("the trail has %q", got)
	}
	if s.objectCount(t) != 1 {
		t.Errorf("%d objects are left, want the one that was not in the trash", s.objectCount(t))
	}
	if _, err := s.svc.TrashedPerson(t.Context(), late.Person); err != nil {
		t.Errorf("who came to the trash since: %v", err)
	}
}

// Without a trash, what is deleted is deleted, and what is still there can be put back.
func TestNoTrash(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada", upload{"a.txt", "a"})
	s.play(t, scenario{path: "/people", by: by, status: 200, hasNot: []string{`href="/trash"`}})
	s.play(t, scenario{path: personPath(receipt.Person) + "/delete", by: by, form: url.Values{"csrf": {by.token}},
		status: 303})
	if there, _ := s.exists(t, receipt.Person); there || s.objectCount(t) != 0 {
		t.Errorf("after the deletion: there %t, %d objects", there, s.objectCount(t))
	}
	s.play(t, scenario{path: "/trash", by: by, status: 200, has: []string{"erased soon"}})
}

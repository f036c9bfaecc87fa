package web

import (
	"archive/zip"
	"encoding/csv"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// bulkForm returns the form around a page's list, without any box checked, and the ids that its boxes have by name.
func bulkForm(t *testing.T, a answer) (form url.Values, ids map[string]string) {
	t.Helper()
	form, ids = url.Values{}, map[string]string{}
	d := parseDocument(t, a.body)
	for n := range d.all("input") {
		switch attrOf(n, "name") {
		case "csrf", "view", "asked":
			form.Set(attrOf(n, "name"), attrOf(n, "value"))
		case "person":
			for label := range d.all("label") {
				if attrOf(label, "for") == attrOf(n, "id") {
					ids[strings.TrimPrefix(textOf(label), "Select ")] = attrOf(n, "value")
				}
			}
		}
	}
	return form, ids
}

// with returns a form with more fields.
func more(form url.Values, fields ...string) url.Values {
	all := maps.Clone(form)
	for i := 0; i < len(fields); i += 2 {
		all[fields[i]] = append(slices.Clone(all[fields[i]]), fields[i+1])
	}
	return all
}

// zipped returns what an archive has, by name.
func zipped(t *testing.T, body string) map[string]string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = string(data)
	}
	return all
}

// csvNames returns the names of a list as CSV.
func csvNames(t *testing.T, body string) (names []string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		names = append(names, row[1])
	}
	return names
}

func TestSelectedPeople(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	s.submit(t, "Ada", upload{"a.txt", "ada's"})
	s.submit(t, "Bob", upload{"b.txt", "bob's"})
	s.submit(t, "Ann")
	page := s.play(t, scenario{path: "/people?q=a&sort=name", by: by, status: 200})
	form, ids := bulkForm(t, page)
	if len(ids) != 2 {
		t.Fatalf("the boxes are %v", ids)
	}
	act := func(name string, status int, has []string, fields ...string) answer {
		t.Helper()
		return s.play(t, scenario{name: name, path: "/people/selected", by: by, form: more(form, fields...),
			status: status, has: has})
	}
	a := act("some, as ZIP", 200, nil, "do", "zip", "person", ids["Ada"], "person", ids["Ann"])
	got := zipped(t, a.body)
	if got["Ada/a.txt"] != "ada's" || len(got) != 2 || !strings.Contains(got["Contents.txt"], ids["Ann"]) {
		t.Errorf("the archive has %q", got)
	}
	if h := a.header; h.Get("Content-Type") != "application/zip" || h.Get("Cache-Control") != "no-store" ||
		!strings.HasPrefix(h.Get("Content-Disposition"), `attachment; filename="people-`) {
		t.Errorf("the archive has the headers %v", h)
	}
	a = act("some, as CSV", 200, nil, "do", "csv", "person", ids["Ann"])
	if got := csvNames(t, a.body); !slices.Equal(got, []string{"Ann"}) {
		t.Errorf("one as CSV: %q", got)
	}

	// All that the list has, in its order, without who came later.
	s.insert(t, "Abe")
	a = act("all, as CSV", 200, nil, "do", "csv", "all", "yes", "person", ids["Ann"])
	if got := csvNames(t, a.body); !slices.Equal(got, []string{"Ada", "Ann"}) {
		t.Errorf("all as CSV: %q", got)
	}
	a = act("all, as ZIP", 200, nil, "do", "zip", "all", "yes")
	if got := zipped(t, a.body); got["Ada/a.txt"] == "" || strings.Contains(got["Contents.txt"], "Abe") ||
		!strings.Contains(got["Contents.txt"], "2 people") {
		t.Errorf("all as ZIP: %q", got)
	}

	a = act("nobody", 303, nil, "do", "zip")
	if got := a.header.Get("Location"); got != "/people?q=a&sort=name" {
		t.Errorf("with nobody selected, the way leads to %q", got)
	}
	said, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	s.play(t, scenario{path: "/people?q=a&sort=name", status: 200, has: []string{"Nobody is selected"},
		header: map[string]string{"Cookie": by.cookie.Name + "=" + by.cookie.Value + "; " + said}})
	act("gone", 404, []string{"Nobody is there any more"}, "do", "zip", "person", dossier.NewPersonID().String())
	act("no action", 400, []string{"does not say what to do"}, "person", ids["Ada"])
	act("unknown action", 400, []string{"does not say what to do"}, "do", "trash!", "person", ids["Ada"])
	act("no id", 400, []string{"damaged"}, "do", "zip", "person", "x")
	form.Set("asked", "yesterday")
	act("no moment", 400, []string{"damaged"}, "do", "zip", "all", "yes")
	form.Set("view", "location=!")
	act("no view", 400, []string{"damaged"}, "do", "zip", "person", ids["Ada"])
	s.playAll(t, []scenario{
		{name: "reload", path: "/people/selected", by: by, status: 303, want: map[string]string{"Location": "/people"}},
		{name: "without token", path: "/people/selected", by: by, form: url.Values{"do": {"zip"}}, status: 403},
		{name: "without session", path: "/people/selected", form: url.Values{"do": {"zip"}}, status: 303},
	})
}

// More people than one archive takes are refused, before anything is sent.
func TestSelectedPeopleAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	s.insertMany(t, bounds.BulkPeople+1)
	a := s.play(t, scenario{path: "/people", by: by, status: 200,
		has: []string{"More than 10,000 people", "All people, on every page"}})
	form, _ := bulkForm(t, a)
	s.play(t, scenario{path: "/people/selected", by: by, form: more(form, "all", "yes", "do", "zip"), status: 413,
		has: []string{"up to 10,000 people at once", "filters"}, want: map[string]string{"Content-Disposition": ""}})
}

// Who may not do something with many is not offered it, and refused.
func TestBulkActionsNeedTheirRole(t *testing.T) {
	for _, action := range bulkActions() {
		offered := bulkOf(directoryPlace{}, time.Now(), action.needs).Actions
		if !slices.ContainsFunc(offered, func(a bulkAction) bool { return a.Name == action.Name }) {
			t.Errorf("%s is not offered to the role %s", action.Name, action.needs)
		}
		for _, a := range bulkOf(directoryPlace{}, time.Now(), "").Actions {
			t.Errorf("%s is offered to nobody", a.Name)
		}
	}
}

package web

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

// numbered returns n names from "Person 001" on.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("Person %03d", i+1)
	}
	return names
}

// listed returns the names on a page of the directory in their order, and the path of the next page.
func listed(t *testing.T, body string) (names []string, next string) {
	t.Helper()
	d := parseDocument(t, body)
	for n := range d.all("th") {
		if scope, _ := attr(n, "scope"); scope == "row" {
			names = append(names, textOf(n))
		}
	}
	for n := range d.all("a") {
		if rel, _ := attr(n, "rel"); rel == "next" {
			next, _ = attr(n, "href")
		}
	}
	return names, next
}

// linked returns where a page's link of a relation leads to.
func linked(t *testing.T, body, rel string) string {
	t.Helper()
	for n := range parseDocument(t, body).all("a") {
		if v, _ := attr(n, "rel"); v == rel {
			href, _ := attr(n, "href")
			return href
		}
	}
	return ""
}

func TestCountOf(t *testing.T) {
	for _, c := range []struct {
		page dossier.PeoplePage
		want string
	}{
		{dossier.PeoplePage{Count: 1}, "1 person"},
		{dossier.PeoplePage{Count: 2000}, "2,000 people"},
		{dossier.PeoplePage{Count: 10_000}, "10,000 people"},
		{dossier.PeoplePage{Count: 10_000, Capped: true}, "More than 10,000 people"},
	} {
		if got := countOf(c.page); got != c.want {
			t.Errorf("%+v is told as %q, want %q", c.page, got, c.want)
		}
	}
}

func reversed(names []string) []string {
	r := slices.Clone(names)
	slices.Reverse(r)
	return r
}

func TestDirectoryPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	s.play(t, scenario{path: "/people", by: by, status: 200, has: []string{"No one yet"},
		hasNot: []string{`rel="next"`, `rel="first"`}})

	want := numbered(2*peoplePerPage + 1)
	s.insert(t, want...)
	var got []string
	pages := 0
	for next := "/people"; next != ""; pages++ {
		if pages > 10 {
			t.Fatal("the pages do not end")
		}
		a := s.play(t, scenario{path: next, by: by, status: 200})
		if hasFirst := strings.Contains(a.body, `rel="first"`); hasFirst != (pages > 0) {
			t.Errorf("page %d: link to the newest is %t", pages+1, hasFirst)
		}
		if total := 2*peoplePerPage + 1 +
			min(pages, 1); !strings.Contains(a.body, fmt.Sprintf("<caption>%d people, newest first</caption>", total)) {
			t.Errorf("page %d does not say that there are %d people", pages+1, total)
		}
		if pages == 2 {
			// Back from here is the page before, with the same people.
			b := s.play(t, scenario{path: linked(t, a.body, "prev"), by: by, status: 200})
			if names, _ := listed(t, b.body); !slices.Equal(names, got[peoplePerPage:2*peoplePerPage]) ||
				linked(t, b.body, "next") != next ||
				linked(t, b.body, "prev") == "" {
				t.Errorf("the page before the last lists %q, then %q", names, linked(t, b.body, "next"))
			}
		}
		var names []string
		names, next = listed(t, a.body)
		got = append(got, names...)
		if pages == 0 {
			// Who arrives while somebody leafs shifts nobody.
			s.insert(t, "Late Comer")
		}
	}
	if pages != 3 || !slices.Equal(got, reversed(want)) {
		t.Errorf("%d pages list %q, want 3 with everybody once, newest first", pages, got)
	}

	t.Run("exactly one page has no next", func(t *testing.T) {
		s := newSite(t)
		s.insert(t, numbered(peoplePerPage)...)
		a := s.play(t, scenario{path: "/people", by: s.signIn(t), status: 200, hasNot: []string{`rel="next"`}})
		if names, _ := listed(t, a.body); len(names) != peoplePerPage {
			t.Errorf("%d names, want %d", len(names), peoplePerPage)
		}
	})
}

func TestDirectorySearch(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	s.insert(t, "Ångström", "Angela", "Bo 100%", "Bo_b", "Boab", `Back\slash`, "Éva <b>", "ANGUS", "Nobody Angst",
		"日本 太郎", "Ｗｉｄｅ", "Jean Luc", "Jean-Luc", "Jeanluc", "Jean Marie", "Luc")
	for _, c := range []struct {
		search string
		want   []string
	}{
		{"ang", []string{"Nobody Angst", "ANGUS", "Angela", "Ångström"}},
		{"ÅNG", []string{"Nobody Angst", "ANGUS", "Angela", "Ångström"}},
		{"  Angs ", []string{"Nobody Angst", "Ångström"}},
		{"angst nobody", []string{"Nobody Angst"}},
		{"angus oslo GO 40", []string{"ANGUS"}},
		{"angus bergen", nil},
		{"éVA", []string{"Éva <b>"}},
		{"eva <B>", []string{"Éva <b>"}},
		{"bo 100%", []string{"Bo 100%"}},
		{"%", nil},
		{"bo_", []string{"Boab", "Bo_b", "Bo 100%"}},
		{"_", nil},
		{`back\`, []string{`Back\slash`}},
		{`\`, nil},
		{"'; DROP TABLE people; --", nil},
		{"日", []string{"日本 太郎"}},
		{"太郎", []string{"日本 太郎"}},
		{"日本太郎", []string{"日本 太郎"}},
		{"wide", []string{"Ｗｉｄｅ"}},
		{"jean-luc", []string{"Jeanluc", "Jean-Luc", "Jean Luc"}},
		{"jean luc", []string{"Jean-Luc", "Jean Luc"}},
		{"bo\t100\r\n", []string{"Bo 100%"}},
		{"gela", nil},
		{"an\x00gus", []string{"ANGUS"}},
		{"angus\xff", []string{"ANGUS"}},
		{strings.Repeat("é", dossier.MaxNameLength), nil},
	} {
		t.Run(c.search, func(t *testing.T) {
			query := url.Values{"q": {c.search}}.Encode()
			a := s.play(t, scenario{path: "/people?" + query, by: by, status: 200})
			if names, _ := listed(t, a.body); !slices.Equal(names, c.want) {
				t.Errorf("search %q finds %q, want %q", c.search, names, c.want)
			}
			if c.want == nil && !strings.Contains(a.body, "No one found") {
				t.Errorf("search %q does not say that nobody was found", c.search)
			}
			a = s.play(t, scenario{path: "/people.csv?" + query, by: by, status: 200})
			rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
			if err != nil || len(rows) != len(c.want)+1 {
				t.Errorf("search %q as CSV: %d rows, error %v, want %d", c.search, len(rows), err, len(c.want)+1)
			}
		})
	}

	t.Run("next page keeps the search", func(t *testing.T) {
		s := newSite(t)
		s.insert(t, numbered(peoplePerPage+1)...)
		s.insert(t, "Somebody Else")
		by := s.signIn(t)
		a := s.play(t, scenario{path: "/people?q=person", by: by, status: 200})
		_, next := listed(t, a.body)
		a = s.play(t, scenario{path: next, by: by, status: 200})
		if names, next := listed(t, a.body); !slices.Equal(names, []string{"Person 001"}) || next != "" {
			t.Errorf("the second page lists %q, next %q", names, next)
		}
	})
}

func TestDirectoryRefusals(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	for _, query := range []string{"q=100%", "q=a;b", "zzz=%"} {
		for _, path := range []string{"/people?", "/people.csv?", "/staff/audit?", "/staff/audit.csv?"} {
			s.play(t, scenario{path: path + query, by: by, status: 400, has: []string{"%25"}})
		}
		s.play(t, scenario{path: "/?" + query, status: 200})
		s.play(t, scenario{path: "/receipt?" + query, status: 200})
	}
	s.insert(t, "Ada")
	good := dossier.Cursor{CreatedAt: s.clock.now(), ID: dossier.NewPersonID()}.String()
	long := strings.Repeat("é", dossier.MaxNameLength+1)
	var all []scenario
	for _, cursor := range []string{"x", good[1:], good + "A", good[:31] + "!", strings.Repeat("A", 32),
		strings.Repeat("_", 32), good[:31] + "\n", "%00"} {
		all = append(all, scenario{
			name: "cursor " + cursor, path: "/people?after=" + url.QueryEscape(cursor), by: by, status: 400,
			has: []string{"address is invalid"}, hasNot: []string{"Ada"},
		})
	}
	all = append(all,
		scenario{name: "cursor of nobody", path: "/people?after=" + good, by: by, status: 200},
		scenario{name: "page after the last", path: "/people?after=" +
			dossier.Cursor{CreatedAt: time.Unix(0, 0).UTC(), ID: dossier.NewPersonID()}.String(), by: by,
			status: 200, has: []string{"No more people", `href="/people"`}},
		scenario{name: "long search", path: "/people?" + url.Values{"q": {long}}.Encode(), by: by, status: 422,
			has: []string{"at most 200 characters"}},
		scenario{name: "long search as CSV", path: "/people.csv?" + url.Values{"q": {long}}.Encode(), by: by,
			status: 422,
			want:   map[string]string{"Content-Disposition": "", "Content-Type": "text/html; charset=UTF-8"}},
		scenario{name: "many words", path: "/people?q=a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q", by: by, status: 422,
			has: []string{"Search for at most 16 words"}},
		scenario{name: "markup in search", path: "/people?q=%3Cscript%3Ealert(1)%3C/script%3E", by: by, status: 200,
			hasNot: []string{"<script>alert"}},
	)
	s.playAll(t, all)

	s.faults.down("people.Find")
	s.playAll(t, []scenario{
		{name: "store down", path: "/people", by: by, status: 503, want: map[string]string{"Retry-After": retryAfter},
			has: []string{"Temporarily unavailable"}},
		{name: "store down, CSV", path: "/people.csv", by: by, status: 503,
			want: map[string]string{"Content-Disposition": "", "Retry-After": retryAfter}},
	})
}

// Whoever goes from a search to a person and back comes back to the search, and to its page, whatever they did there.
func TestWaysBackKeepThePlace(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Person, oldest", upload{"a.txt", "a"}, upload{"b.txt", "b"})
	s.insert(t, numbered(peoplePerPage)...)
	a := s.play(t, scenario{path: "/people?q=person", by: by, status: 200})
	_, next := listed(t, a.body)
	a = s.play(t, scenario{path: next, by: by, status: 200})
	hrefs := func(a answer) map[string]string {
		all := map[string]string{}
		for n := range parseDocument(t, a.body).all("a", "form") {
			href, ok := attr(n, "href")
			if !ok {
				href, _ = attr(n, "action")
			}
			text := textOf(n)
			if n.Data == "form" {
				text = "form"
			}
			if _, there := all[text]; !there || strings.Contains(href, "/people") {
				all[text] = href
			}
		}
		return all
	}
	person := hrefs(a)["Person, oldest"]
	a = s.play(t, scenario{path: person, by: by, status: 200})
	back := func(a answer) string {
		for n := range parseDocument(t, a.body).all("p") {
			if class, _ := attr(n, "class"); class == "back" {
				for l := range (document{n}).all("a") {
					href, _ := attr(l, "href")
					return href
				}
			}
		}
		return ""
	}
	if got := back(a); got != next {
		t.Errorf("the way back leads to %q, want %q", got, next)
	}
	cards := hrefs(a)["Show as cards, with previews and checksums"]
	a = s.play(t, scenario{path: cards, by: by, status: 200, has: []string{files[0].ID.String()}})
	if got := back(a); got != next {
		t.Errorf("from the cards the way back leads to %q, want %q", got, next)
	}
	expiry := hrefs(a)["Change when it expires"]
	if got := back(s.play(t, scenario{path: expiry, by: by, status: 200})); got != cards {
		t.Errorf("from the private link the way back leads to %q, want %q", got, cards)
	}
	var remove string
	for text, href := range hrefs(a) {
		if strings.HasPrefix(text, "Delete…") {
			remove = href
		}
	}
	a = s.play(t, scenario{path: remove, by: by, status: 200})
	if got := hrefs(a)["Cancel"]; got != cards {
		t.Errorf("cancelling leads to %q, want %q", got, cards)
	}
	form := url.Values{"csrf": {by.token}}
	s.play(t, scenario{path: remove, by: by, form: form, status: 303, want: map[string]string{"Location": cards}})
	a = s.play(t, scenario{path: cards, by: by, status: 200})
	a = s.play(t, scenario{path: hrefs(a)["Delete person…"], by: by, status: 200})
	if got := hrefs(a)["Cancel"]; got != cards {
		t.Errorf("cancelling leads to %q, want %q", got, cards)
	}
	s.play(t, scenario{path: "/people/" + receipt.Person.String() + "/delete" + cards[strings.Index(cards, "?"):],
		by: by, form: form,
		status: 303, want: map[string]string{"Location": next}})

	// What a page of this site did not write leads nowhere but to the directory.
	other, _ := s.submit(t, "Ada")
	for _, from := range append([]string{"q=" + strings.Repeat("x", 300), "after=x", "next=//evil.example", "%zz",
		"q=%22%3E%3Cscript%3E"}, evil...) {
		a := s.play(t,
			scenario{path: "/people/" + other.Person.String() + "?" +
				url.Values{"from": {from}, "view": {"evil"}}.Encode(),
				by: by, status: 200, hasNot: []string{"<script>alert", `"><script>`}})
		if got := back(a); got != "/people" && !strings.HasPrefix(got, "/people?q=") {
			t.Errorf("from %q the way back leads to %q", from, got)
		}
	}
}

// Every filter that cannot be is named beside its control, with what was typed and how to mend it, and lists nobody.
func TestDirectoryFilterFaults(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	s.insert(t, "Ada")
	for query, want := range map[string]string{
		"age_from=x":              "Must be a whole number",
		"age_from=40&age_to=30":   "Must not be less than 40",
		"location=%21":            "Must contain a letter or a digit",
		"submitted_from=1.1.2026": "Enter a day as year-month-day",
		"submitted_to=2026-02-30": "Enter a day as year-month-day",
		"submitted_from=2026-01-01&submitted_to=2025-12-31": "Must not be before the first day",
		"zone=Mars/Olympus": "There is no such time zone",
		"files=few":         "Must be",
		"unfinished=maybe":  "Must be",
		"sort=shoe":         "cannot be sorted by this",
	} {
		values, _ := url.ParseQuery(query)
		a := s.play(t, scenario{name: query, path: "/people?" + query, by: by, status: 422,
			has: []string{"Some filters need your attention", want, "<title>Error: "}})
		d := parseDocument(t, a.body)
		if names, _ := listed(t, a.body); names != nil {
			t.Errorf("%s: lists %q", query, names)
		}
		for n := range d.all("details") {
			if _, open := attr(n, "open"); !open {
				t.Errorf("%s: the filters are folded", query)
			}
		}
		named := 0
		for n := range d.all("a") {
			if id, ok := strings.CutPrefix(attrOf(n, "href"), "#"); ok && id != "main" {
				named++
				if target := d.byID(id); target == nil {
					t.Errorf("%s: the fault leads to %q, which is not there", query, id)
				} else if target.Data == "input" && (attrOf(target, "value") != values.Get(id) ||
					attrOf(target, "aria-invalid") != "true") {
					t.Errorf("%s: %s has %q and is not marked", query, id, attrOf(target, "value"))
				}
			}
		}
		if named != 1 {
			t.Errorf("%s: names %d faults, want 1", query, named)
		}
	}
	// No one sees the field of the zone, so the next try is one in UTC.
	a := s.play(t, scenario{path: "/people?submitted_from=2026-01-01&zone=Mars/Olympus", by: by, status: 422,
		has: []string{"data-zone-name>(UTC)"}})
	form := hidden(t, a)
	if got, there := form["zone"]; !there || got[0] != "" {
		t.Errorf("the form has the zone %q", got)
	}
}

// The address is that of the view: without what a form left empty, with all filters, the order and the page.
func TestDirectoryAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	s.insert(t, numbered(peoplePerPage+1)...)
	s.play(t, scenario{path: "/people?q=&name=person&location=&age_from=&age_to=50&sort=name&files=&zone=", by: by,
		status: 303, want: map[string]string{"Location": "/people?age_to=50&name=person&sort=name"}})
	a := s.play(t, scenario{path: "/people?age_to=50&name=person&sort=name", by: by, status: 200,
		has: []string{"51 people found, by name, A to Z", "All 51 people that match, on every page"}})
	names, next := listed(t, a.body)
	if !slices.Equal(names, numbered(peoplePerPage)) {
		t.Errorf("by name: %q", names)
	}
	hrefs := map[string]string{}
	for n := range parseDocument(t, a.body).all("a") {
		hrefs[textOf(n)] = attrOf(n, "href")
	}
	for text, want := range map[string]string{
		"×Remove the filter Name: person":    "/people?age_to=50&sort=name",
		"×Remove the filter Age: at most 50": "/people?name=person&sort=name",
		"Show everyone":                      "/people?sort=name",
		"Name":                               "/people?age_to=50&name=person&sort=-name",
		"Age":                                "/people?age_to=50&name=person&sort=age",
		"Submitted":                          "/people?age_to=50&name=person",
		"Download all results as CSV":        "/people.csv?age_to=50&name=person&sort=name",
	} {
		if hrefs[text] != want {
			t.Errorf("%q leads to %q, want %q", text, hrefs[text], want)
		}
	}
	b := s.play(t, scenario{path: next, by: by, status: 200, has: []string{"51 people found, by name, A to Z"}})
	if names, further := listed(t, b.body); !slices.Equal(names, []string{"Person 051"}) || further != "" {
		t.Errorf("the second page lists %q, then %q", names, further)
	}
	if names, _ := listed(t, s.play(t, scenario{path: linked(t, b.body, "prev"), by: by,
		status: 200}).body); !slices.Equal(names, numbered(peoplePerPage)) {
		t.Errorf("back from the second page: %q", names)
	}
	got := csvNames(t, s.play(t, scenario{path: hrefs["Download all results as CSV"], by: by, status: 200}).body)
	if !slices.Equal(got, numbered(peoplePerPage+1)) {
		t.Errorf("as CSV: %q", got)
	}
	// The table says by which column it is sorted.
	for n := range parseDocument(t, a.body).all("th") {
		if sorted, want := attrOf(n, "aria-sort"), map[string]string{"Name": "ascending"}[textOf(n)]; sorted != want {
			t.Errorf("column %s is sorted %q, want %q", textOf(n), sorted, want)
		}
	}
}

// Where nobody is found, the page says without which filter somebody would be.
func TestDirectorySaysWhatToLoosen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	s.insert(t, "Ada", "Bob")
	a := s.play(t, scenario{path: "/people?location=bergen&name=ada&age_from=40", by: by, status: 200,
		has:    []string{"No one found", "1 person without Location: <bdi>bergen</bdi>"},
		hasNot: []string{"without Name", "without Age"}})
	var path string
	for n := range parseDocument(t, a.body).all("a") {
		if strings.HasPrefix(textOf(n), "1 person without") {
			path = attrOf(n, "href")
		}
	}
	if names, _ := listed(t, s.play(t, scenario{path: path, by: by, status: 200}).body); !slices.Equal(names,
		[]string{"Ada"}) {
		t.Errorf("without it: %q", names)
	}
	s.play(t, scenario{path: "/people?location=bergen", by: by, status: 200,
		has: []string{"No one found", "No one matches Location: <bdi>bergen</bdi>", "Show everyone"}})
}

package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// peoplePerPage is how many persons a page of the directory shows.
const peoplePerPage = 50

// directoryView is the list of people (directory.html).
type directoryView struct {
	page
	// Search is what was searched for, in field "q".
	Search string
	People []personView
	// Count is how many there are in all: "2,000 people", "More than 10,000 people".
	Count string
	// Export is the path of all that the list has as CSV.
	Export string
	pager
}

// Fields returns the columns of a person's details; the first is the name.
func (directoryView) Fields() []dossier.Field { return dossier.Fields }

// SearchHint says what of a person is searched for.
func (directoryView) SearchHint() string {
	texts, numbers := "", ""
	for _, f := range dossier.Fields {
		if f.IsNumber() {
			numbers += f.Noun + ", "
		} else {
			texts += strings.ToLower(f.Label) + ", "
		}
	}
	return "Words of a " + strings.TrimSuffix(texts, ", ") + " or file name, " + numbers + "or how these begin."
}

// directoryPlace is a page of the directory: what was searched for, and where the page begins or ends.
type directoryPlace struct {
	search        string
	after, before dossier.Cursor
}

// directoryPlaceOf returns the page that a query names.
func directoryPlaceOf(v url.Values) (directoryPlace, error) {
	q, err := searched(v)
	if err != nil {
		return directoryPlace{}, err
	}
	after, err := dossier.ParseCursor(v.Get("after"))
	if err != nil {
		return directoryPlace{}, err
	}
	before, err := dossier.ParseCursor(v.Get("before"))
	if err != nil {
		return directoryPlace{}, err
	}
	return directoryPlace{q, after, before}, nil
}

func (p directoryPlace) values() url.Values {
	v := url.Values{}
	if p.search != "" {
		v.Set("q", p.search)
	}
	if !p.after.IsZero() {
		v.Set("after", p.after.String())
	}
	if !p.before.IsZero() {
		v.Set("before", p.before.String())
	}
	return v
}

func (p directoryPlace) path() string { return withQuery("/people", p.values()) }

// people shows a page of the directory.
func (s *Server) people(c echo.Context) error {
	at, err := directoryPlaceOf(c.QueryParams())
	if err != nil {
		return err
	}
	found, err := s.svc.People(c.Request().Context(),
		dossier.PeopleQuery{Search: at.search, After: at.after, Before: at.before, Limit: peoplePerPage})
	if err != nil {
		return err
	}
	all := directoryPlace{search: at.search}
	v := directoryView{page: s.page(c, "Directory"), Search: at.search, Export: withQuery("/people.csv", all.values()),
		Count: countOf(found),
		pager: pager{FirstText: "Newest", PreviousText: "Previous", NextText: "Older"}}
	for _, p := range found.People {
		v.People = append(v.People, personForStaff(p, place{from: at}))
	}
	if !found.Previous.IsZero() {
		v.First = all.path()
		v.Previous = directoryPlace{search: at.search, before: found.Previous}.path()
	}
	if !found.Next.IsZero() {
		v.Next = directoryPlace{search: at.search, after: found.Next}.path()
	}
	return s.render(c, http.StatusOK, "directory", v)
}

// countOf returns how many people there are on all pages.
func countOf(p dossier.PeoplePage) string {
	n := humanize.Comma(int64(p.Count))
	switch {
	case p.Capped:
		return "More than " + n + " people"
	case p.Count == 1:
		return "1 person"
	}
	return n + " people"
}

// searched returns what a query searches for, fit to be handed on.
func searched(v url.Values) (string, error) {
	q := strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r): // a tab, from a spreadsheet, stands between words
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(v.Get("q"), "")))
	if utf8.RuneCountInString(q) > dossier.MaxNameLength {
		return "", malformed(nil, "Search for at most %d characters.", dossier.MaxNameLength)
	}
	return q, nil
}

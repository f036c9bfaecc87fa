package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

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
	pager
}

// people shows a page of the directory.
func (s *Server) people(c echo.Context) error {
	q, err := search(c)
	if err != nil {
		return err
	}
	after, err := dossier.ParseCursor(c.QueryParam("after"))
	if err != nil {
		return err
	}
	before, err := dossier.ParseCursor(c.QueryParam("before"))
	if err != nil {
		return err
	}
	found, err := s.svc.People(c.Request().Context(),
		dossier.PeopleQuery{Search: q, After: after, Before: before, Limit: peoplePerPage})
	if err != nil {
		return err
	}
	v := directoryView{page: s.page(c, "Directory"), Search: q, pager: pager{FirstText: "Newest", NextText: "Older"}}
	for _, p := range found.People {
		v.People = append(v.People, personForStaff(p))
	}
	if !found.Previous.IsZero() {
		v.First = directoryPath(q, dossier.Cursor{})
	}
	if !found.Next.IsZero() {
		v.Next = directoryPath(q, found.Next)
	}
	return s.render(c, http.StatusOK, "directory", v)
}

// search returns the query's search, fit to be handed on.
func search(c echo.Context) (string, error) {
	q := strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(c.QueryParam("q"), "")))
	if utf8.RuneCountInString(q) > dossier.MaxNameLength {
		return "", malformed(nil, "Search for at most %d characters.", dossier.MaxNameLength)
	}
	return q, nil
}

func directoryPath(q string, after dossier.Cursor) string {
	values := url.Values{}
	if q != "" {
		values.Set("q", q)
	}
	if !after.IsZero() {
		values.Set("after", after.String())
	}
	u := url.URL{Path: "/people", RawQuery: values.Encode()}
	return u.String()
}

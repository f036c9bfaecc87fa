package web

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// place is where on a person's page somebody is, and where they came from: the query that the page's links keep, and
// the pages that they lead to, so that every way back leads there.
type place struct {
	// after is where the page of files begins; zero: the first.
	after dossier.FileID
	// cards: files are shown as cards with their pictures, not as a table.
	cards bool
	// from is the query of the directory's page.
	from directoryPlace
}

// placeOf returns the place that a request's query names. Only a page of files that cannot be is refused: the rest is
// left out where it is not what a page of this site wrote.
func placeOf(c echo.Context) (place, error) {
	after, err := filesAfter(c)
	p := place{after: after, cards: c.QueryParam("view") == "cards"}
	if from, err := url.ParseQuery(c.QueryParam("from")); err == nil {
		p.from, _ = directoryPlaceOf(from)
	}
	return p, err
}

// values are the place as a query.
func (p place) values() url.Values {
	v := url.Values{}
	if p.after != (dossier.FileID{}) {
		v.Set("after", p.after.String())
	}
	if p.cards {
		v.Set("view", "cards")
	}
	if from := p.from.values(); len(from) > 0 {
		v.Set("from", from.Encode())
	}
	return v
}

// on returns a path of this site with the place as its query.
func (p place) on(path string) string { return withQuery(path, p.values()) }

// at returns the place at another page of files.
func (p place) at(after dossier.FileID) place {
	p.after = after
	return p
}

// as returns the place with the other look, on the same page of files.
func (p place) as(cards bool) place {
	p.cards = cards
	return p
}

func withQuery(path string, v url.Values) string {
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

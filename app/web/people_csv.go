package web

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// peopleCSV sends all that the directory would show, as RFC 4180. Without a filter that is everybody, which is for
// administrators.
func (s *Server) peopleCSV(c echo.Context) error {
	at, err := directoryPlaceOf(c.QueryParams())
	if errors.Is(err, dossier.ErrInvalid) {
		return s.faultyFilters(c, at, err)
	}
	if err != nil {
		return err
	}
	all := dossier.Selection{Filter: at.filter, Sort: at.sort}
	if everybody(all) {
		actor, _, err := s.actor(c)
		if err != nil {
			return err
		}
		if !actor.Role().May(staff.Administrator) {
			return forbiddenRole(actor.Role(), staff.Administrator)
		}
	}
	return s.sendCSV(c, all)
}

// rowsPerWrite is how many rows are sent at a time.
const rowsPerWrite = 100

// sendCSV sends a list of people. It is read and sent by pages, so its length does not matter.
func (s *Server) sendCSV(c echo.Context, people dossier.Selection) error {
	next, stop := iter.Pull2(s.svc.Selected(c.Request().Context(), people))
	defer stop()
	p, err, more := next()
	if err != nil {
		return err
	}
	res := c.Response()
	res.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	res.Header().Set("Content-Disposition", contentDisposition("attachment", "people.csv"))
	res.WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	// Without it Excel takes the text for one of the code page of its machine. Errors of both writes show at Flush.
	_, _ = res.Write([]byte("\ufeff"))
	w := csv.NewWriter(res)
	w.UseCRLF = true
	head := []string{"id"}
	for _, f := range dossier.Fields {
		head = append(head, f.Name)
	}
	_ = w.Write(append(head, "submitted_at"))
	for n := 1; more; n++ {
		_ = w.Write(csvRow(p))
		tellRows(c, n)
		if n%rowsPerWrite == 0 {
			if w.Flush(); w.Error() != nil {
				return http.ErrAbortHandler // nobody takes it any more
			}
		}
		if p, err, more = next(); err != nil {
			w.Flush()
			breakOff(res)
			return fmt.Errorf("list more people: %w", err)
		}
	}
	if w.Flush(); w.Error() != nil {
		return http.ErrAbortHandler
	}
	return nil
}

// brokenOff is the last line of a list that ends before its end, so that nobody takes half of it for the whole. The
// connection is cut as well, but some proxies, HAProxy 2.6 and Caddy 2.6 among them, then end the answer to a client of
// HTTP/2 as if it were whole. The line is neither JSON nor a row as long as the others, so a program fails at it.
const brokenOff = "This list breaks off here and is not whole. Download it again."

// breakOff ends a list of which the rest cannot be had. Nothing is to be done about what cannot be written.
func breakOff(res *echo.Response) {
	_, _ = io.WriteString(res, brokenOff+"\r\n")
	// What is not sent when the connection is cut never is.
	_ = http.NewResponseController(res).Flush()
}

// csvRow returns what the file says of a person.
func csvRow(p dossier.Person) []string {
	row := []string{p.ID.String()}
	for _, f := range dossier.Fields {
		value := f.Of(p.Details)
		if !f.IsNumber() {
			value = defuse(value)
		}
		row = append(row, value)
	}
	return append(row, p.CreatedAt.UTC().Format(time.RFC3339Nano))
}

// defuse keeps a spreadsheet from taking a text, or a part of it, for a formula
// (https://owasp.org/www-community/attacks/CSV_Injection): an apostrophe goes before each sign that begins one,
// wherever a cell may begin. That is at the start of the text and, as a spreadsheet separates cells by what its locale
// or its user says, behind each usual separator, quote and line break within it. Spaces and what is invisible may be
// trimmed from a cell, so they do not count.
func defuse(text string) string {
	var b strings.Builder
	begins := true
	for _, r := range text {
		if begins && strings.ContainsRune("=+-@＝＋－＠﹦﹢﹣﹫−", r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		switch {
		case strings.ContainsRune(",;|\"\t\r\n\v\f\u0085\u2028\u2029", r):
			begins = true
		case !unicode.IsSpace(r) && unicode.IsGraphic(r):
			begins = false
		}
	}
	return b.String()
}

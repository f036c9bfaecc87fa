package web

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
)

const (
	// entriesPerPage is how many entries the page of the audit trail shows, entriesPerRead how many its CSV file reads
	// at a time, and historyEntries how many a person's page shows.
	entriesPerPage = 50
	entriesPerRead = 500
	historyEntries = 10
)

// auditView is the audit trail (audit.html).
type auditView struct {
	page
	// From, To, Action, Result, Subject and Actor are what is asked for, as the fields of the form have it.
	From, To, Action, Result, Subject, Actor string
	// Actions and Results are what the form offers.
	Actions []choiceView
	Results []choiceView
	// Filtered tells that something is asked for.
	Filtered bool
	Entries  []entryView
	// Export is the path of all that the list has as CSV.
	Export string
	pager
}

// choiceView is a choice of a form.
type choiceView struct{ Value, Text string }

// entryView is one entry of the trail.
type entryView struct {
	At moment
	// Actor is who, ByActor the path of all entries of the same actor.
	Actor, ByActor string
	// What was done, and More of it: "3 words".
	What, More string
	// Subject is what it was done to, as a kind and the beginning of an ID; SubjectID the whole, SubjectPath the path
	// of its page, and BySubject that of all entries of the same subject. Empty where there is none.
	Subject, SubjectID, SubjectPath, BySubject string
	// File is the ID of the file.
	File string
	// Result is one of the results, ResultText what people read.
	Result, ResultText string
	Client, Request    string
}

// resultTexts are what people read as results.
var resultTexts = map[audit.Result]string{audit.Allowed: "Allowed", audit.Refused: "Refused", audit.Begun: "Begun",
	audit.Done: "Done", audit.Failed: "Failed"}

// actorNames are what people read as actors that are no accounts.
var actorNames = map[string]string{audit.Holder: "Holder of the private link", audit.Nobody: "Nobody",
	audit.Program: "Dossier", audit.Shared: "Shared key"}

// auditFilter is what of the trail is asked for.
type auditFilter struct {
	query audit.Query
	// from and to are the days, as they were asked for.
	from, to string
}

// auditFilterOf returns what a query asks for.
func auditFilterOf(v url.Values) (f auditFilter, err error) {
	wrong := func(field, rule string) error { return malformed(nil, "The filter %q %s.", field, rule) }
	id := func(field string, words ...string) (string, error) {
		text := strings.TrimSpace(v.Get(field))
		for _, word := range append(words, "") {
			if text == word {
				return text, nil
			}
		}
		if parsed, err := uuid.Parse(text); err == nil && parsed.String() == strings.ToLower(text) {
			return parsed.String(), nil
		}
		return "", wrong(field, "must be an ID, such as 01920000-0000-7000-8000-000000000000")
	}
	day := func(field string) (time.Time, string, error) {
		text := strings.TrimSpace(v.Get(field))
		if text == "" {
			return time.Time{}, "", nil
		}
		at, err := time.Parse(time.DateOnly, text)
		if err != nil || at.Year() < 1970 {
			return time.Time{}, "", wrong(field, "must be a day, such as 2026-11-24")
		}
		return at, text, nil
	}
	if f.query.Actor, err = id("actor", audit.Shared, audit.Holder, audit.Nobody, audit.Program); err != nil {
		return f, err
	}
	if f.query.Subject, err = id("subject"); err != nil {
		return f, err
	}
	if f.query.From, f.from, err = day("from"); err != nil {
		return f, err
	}
	if f.query.To, f.to, err = day("to"); err != nil {
		return f, err
	}
	if f.to != "" {
		f.query.To = f.query.To.AddDate(0, 0, 1) // the day is one of those asked for
	}
	f.query.Action = audit.Action(v.Get("action"))
	if f.query.Action != "" && !f.query.Action.Known() {
		return f, wrong("action", "must be one of the actions on the page")
	}
	f.query.Result = audit.Result(v.Get("result"))
	if _, known := resultTexts[f.query.Result]; !known && f.query.Result != "" {
		return f, wrong("result", "must be one of the results on the page")
	}
	f.query.After, err = audit.ParseCursor(v.Get("after"))
	return f, err
}

// values are the filter as a query.
func (f auditFilter) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"actor": f.query.Actor, "subject": f.query.Subject, "from": f.from,
		"to": f.to, "action": string(f.query.Action), "result": string(f.query.Result),
		"after": f.query.After.String()} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// at returns the filter from another place of the list on.
func (f auditFilter) at(after audit.Cursor) auditFilter {
	f.query.After = after
	return f
}

const auditPath = "/staff/audit"

// auditTrail shows a page of the audit trail.
func (s *Server) auditTrail(c echo.Context) error {
	f, err := auditFilterOf(c.QueryParams())
	if err != nil {
		return err
	}
	// One more than is shown tells whether there is another page.
	f.query.Limit = entriesPerPage + 1
	found, err := s.o.Trail.Find(c.Request().Context(), f.query)
	if err != nil {
		return err
	}
	all := f.at(audit.Cursor{})
	v := auditView{page: s.page(c, "Audit trail"), From: f.from, To: f.to, Action: string(f.query.Action),
		Result: string(f.query.Result), Subject: f.query.Subject, Actor: f.query.Actor, Filtered: len(all.values()) > 0,
		Export: withQuery(auditPath+".csv", all.values()), pager: pager{FirstText: "Newest", NextText: "Older"}}
	for _, a := range audit.Actions() {
		v.Actions = append(v.Actions, choiceView{string(a), a.Text()})
	}
	for _, r := range audit.Results {
		v.Results = append(v.Results, choiceView{string(r), resultTexts[r]})
	}
	if !f.query.After.IsZero() {
		v.First = withQuery(auditPath, all.values())
	}
	if len(found) > entriesPerPage {
		found = found[:entriesPerPage]
		v.Next = withQuery(auditPath, f.at(audit.CursorOf(found[entriesPerPage-1])).values())
	}
	for _, e := range found {
		v.Entries = append(v.Entries, entryOf(e))
	}
	return s.render(c, http.StatusOK, "audit", v)
}

// entryOf returns an entry for a page.
func entryOf(e audit.Entry) entryView {
	v := entryView{At: momentOf(e.At), Actor: e.Actor.Name, What: e.Action.Text(), More: moreOf(e),
		ByActor: withQuery(auditPath, url.Values{"actor": {e.Actor.ID}}), Result: string(e.Result),
		ResultText: resultTexts[e.Result], Client: e.Client, Request: e.Request, File: e.Subject.File}
	if name, ok := actorNames[e.Actor.ID]; ok {
		v.Actor = name
	}
	if v.Actor == "" {
		v.Actor = e.Actor.ID
	}
	if id := e.Subject.ID; id != "" {
		v.SubjectID = id
		v.Subject = strings.ToUpper(string(e.Subject.Kind[:1])) + string(e.Subject.Kind[1:]) + " …" +
			id[max(0, len(id)-8):]
		v.BySubject = withQuery(auditPath, url.Values{"subject": {id}})
		if e.Subject.Kind == audit.KindPerson {
			v.SubjectPath = "/people/" + id
		}
	}
	return v
}

// moreOf says what else an entry tells.
func moreOf(e audit.Entry) string {
	switch n := int(e.Count); e.Action {
	case audit.PeopleSearch:
		if n > 0 {
			return counted(n, "search term")
		}
	case audit.SessionFail:
		if n > 1 {
			return humanize.Comma(e.Count) + " times"
		}
	case audit.PeopleExport, audit.AuditExport:
		if e.Result == audit.Done || n > 0 { // one that failed may have sent some
			return counted(n, "row")
		}
	case audit.Seal:
		return counted(n, "chain")
	case audit.SealHead, audit.PruneHead:
		return "up to entry " + humanize.Comma(e.Count)
	case audit.PruneEntries:
		return humanize.Comma(e.Count) + " removed, " + e.Detail
	default:
		return e.Detail
	}
	return ""
}

// history returns the newest entries about a person. Whoever may see the person may see who else did; the addresses are
// for administrators, on the page of the trail.
func (s *Server) history(c echo.Context, person dossier.PersonID) ([]entryView, error) {
	found, err := s.o.Trail.Find(c.Request().Context(), audit.Query{Subject: person.String(), Limit: historyEntries})
	if err != nil {
		return nil, err
	}
	var all []entryView
	for _, e := range found {
		v := entryOf(e)
		v.Client, v.Request = "", ""
		all = append(all, v)
	}
	return all, nil
}

// auditCSV sends all entries that the page would show, as RFC 4180, with all that their hashes are made of.
func (s *Server) auditCSV(c echo.Context) error {
	f, err := auditFilterOf(c.QueryParams())
	if err != nil {
		return err
	}
	q := f.query
	q.Limit = entriesPerRead
	page, err := s.o.Trail.Find(c.Request().Context(), q)
	if err != nil {
		return err
	}
	res := c.Response()
	res.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	res.Header().Set("Content-Disposition", contentDisposition("attachment", "audit.csv"))
	res.WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	w := csv.NewWriter(res)
	w.UseCRLF = true
	_ = w.Write(audit.Columns)
	rows := 0
	for {
		for _, e := range page {
			record := e.Record()
			for i, text := range record {
				record[i] = defuse(text)
			}
			_ = w.Write(record)
			rows++
		}
		w.Flush()
		tellRows(c, rows)
		if err := w.Error(); err != nil {
			return http.ErrAbortHandler // nobody takes it any more
		}
		if len(page) < q.Limit {
			return nil
		}
		q.After = audit.CursorOf(page[len(page)-1])
		if page, err = s.o.Trail.Find(c.Request().Context(), q); err != nil {
			breakOff(res)
			return fmt.Errorf("list more entries: %w", err)
		}
	}
}

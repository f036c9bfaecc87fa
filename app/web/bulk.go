package web

import (
	"bufio"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// bulkAction is what staff can do with the people whom they selected in the directory.
type bulkAction struct {
	// Name is what the form calls it, Label what its button says.
	Name, Label string
	// Danger: it takes something away.
	Danger bool
	// needs is the role without which it is refused, and not offered. Of everybody, by a list without filters, exports
	// need more: see NotAll.
	needs staff.Role
	// NotAll: a role may do it with some, but not with everybody.
	NotAll bool
	// action is what the audit trail calls it, and each what it calls it for one of several people.
	action, each audit.Action
	// proof says when a sign-in that is long ago is not enough.
	proof proofRule
	// ask, if not nil, shows the page that asks first, whose form is the same and has "confirmed".
	ask func(*Server, echo.Context, dossier.Selection) error
	do  func(*Server, echo.Context, dossier.Selection) error
}

// bulkActions are all of them, in the order of their buttons. This is the one place that knows them.
func bulkActions() []bulkAction {
	return []bulkAction{
		{Name: "zip", Label: "Download files", needs: staff.Viewer, action: audit.PeopleExport,
			each: audit.PersonDownload, proof: proof, do: (*Server).selectedArchive},
		{Name: "csv", Label: "Download as CSV", needs: staff.Viewer, action: audit.PeopleExport,
			each: audit.PersonDownload, proof: proof, do: (*Server).sendCSV},
		{Name: "trash", Label: "Delete…", Danger: true, needs: staff.Editor, action: audit.PeopleDelete,
			each: audit.PersonDelete, proof: proofToErase, ask: (*Server).askTrashSelected,
			do: (*Server).trashSelected},
	}
}

// needsFor returns the role that it needs for a selection.
func (a bulkAction) needsFor(sel dossier.Selection) staff.Role {
	if a.action == audit.PeopleExport && everybody(sel) {
		return staff.Administrator
	}
	return a.needs
}

// everybody reports whether a selection is the whole directory, whose export is for administrators.
func everybody(sel dossier.Selection) bool { return sel.IDs == nil && len(sel.Filter.Parts()) == 0 }

// askedFormat is how the form carries the moment of its list.
const askedFormat = time.RFC3339Nano

// bulkView is the form around the directory's list, with which people are selected.
type bulkView struct {
	Actions []bulkAction
	// All is who "all" are: "All 2,318 people that match, on every page". Empty: they are all on the page.
	All string
	// View is the query of the page, and Asked the moment at which it was made. What came later was not seen.
	View, Asked string
}

// bulkOf returns the form of a page of the directory, for who may do what a role may.
func bulkOf(at directoryPlace, asked time.Time, role staff.Role) bulkView {
	v := bulkView{View: at.values().Encode(), Asked: asked.UTC().Format(askedFormat)}
	for _, a := range bulkActions() {
		if role.May(a.needs) {
			a.NotAll = !role.May(a.needsFor(dossier.Selection{Filter: at.filter}))
			v.Actions = append(v.Actions, a)
		}
	}
	return v
}

// mayAll reports whether there is something that may be done with all that the list has.
func (v bulkView) mayAll() bool {
	return slices.ContainsFunc(v.Actions, func(a bulkAction) bool { return !a.NotAll })
}

// actOnSelected does what was asked for with the people who were selected: those whose boxes were checked, or all that
// the list has.
func (s *Server) actOnSelected(c echo.Context) error {
	form := formOf(c)
	at, sel, err := selectionOf(form)
	if err != nil {
		return err
	}
	actor, _, err := s.actor(c)
	if err != nil {
		return err
	}
	for _, action := range bulkActions() {
		if action.Name != form.Get("do") {
			continue
		}
		if needs := action.needsFor(sel); !actor.Role().May(needs) {
			return s.refused(c, actor, needs, action.action, audit.Subject{})
		}
		if sel.IDs != nil && len(sel.IDs) == 0 {
			s.say(c, "Nobody is selected. Check the boxes of the people whom you mean, or the one for all.")
			return c.Redirect(http.StatusSeeOther, at.path())
		}
		if action.ask != nil && form.Get("confirmed") == "" {
			e := s.entry(c, auditActor(actor), audit.PeopleSearch, audit.Subject{})
			e.Count = searchTerms(at.first().values())
			return s.record(c, e, func() error { return action.ask(s, c, sel) })
		}
		e := s.entry(c, auditActor(actor), action.action, audit.Subject{})
		e.Detail = action.Name
		if s.asks(action.proof) && !s.provedSince(actor, proofAge) {
			return s.record(c, e, func() error {
				_, err := s.proved(c, at.path())
				return err
			})
		}
		return s.recordEach(c, actor, sel.IDs, action, func() error {
			return s.record(c, e, func() error { return action.do(s, c, sel) })
		})
	}
	return malformed(nil, "The form does not say what to do. Reload the page.")
}

// selectionOf returns whom a form selects, and the page that it is on.
func selectionOf(form url.Values) (directoryPlace, dossier.Selection, error) {
	damaged := func(err error) (directoryPlace, dossier.Selection, error) {
		return directoryPlace{}, dossier.Selection{}, malformed(err, "The form is damaged. Reload the page.")
	}
	query, err := url.ParseQuery(form.Get("view"))
	if err != nil {
		return damaged(err)
	}
	at, err := directoryPlaceOf(query)
	if err != nil {
		return damaged(err)
	}
	if form.Get("all") != "" {
		asked, err := time.Parse(askedFormat, form.Get("asked"))
		if err != nil {
			return damaged(err)
		}
		return at, dossier.Selection{Filter: at.filter, Sort: at.sort, Asked: asked}, nil
	}
	sel := dossier.Selection{IDs: []dossier.PersonID{}}
	for _, text := range form["person"] {
		id, err := dossier.ParsePersonID(text)
		if err != nil {
			return damaged(err)
		}
		sel.IDs = append(sel.IDs, id)
	}
	return at, sel, nil
}

// selectedPage is what a reload of the answer to actOnSelected, or a sign-in on the way to it, leads to.
func (s *Server) selectedPage(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/people")
}

// selectedArchive sends the stored files of a selection as one ZIP.
func (s *Server) selectedArchive(c echo.Context, sel dossier.Selection) error {
	w := pacedOf(c)
	leave, err := s.enterAs(c, s.gates.archives, &w.pace, w.cut)
	if err != nil {
		return err
	}
	defer leave()
	people, err := s.svc.Select(c.Request().Context(), sel)
	if err != nil {
		return err
	}
	if len(people) == 0 {
		return &absent{&dossier.Error{Code: dossier.CodeNotFound}, "Nobody is there any more",
			"Everybody who was selected has been deleted.", "/people", "Go to the directory"}
	}
	tell(c, func(e *audit.Entry) { e.Count = int64(len(people)) })
	res := c.Response()
	h := res.Header()
	describe(h, "application/zip", "attachment", "people-"+s.now().UTC().Format(time.DateOnly)+".zip")
	h.Set("Accept-Ranges", "none")
	// What fails before the buffer is full becomes an error page; later, observe cuts the connection.
	buffered := bufio.NewWriterSize(clientWriter{res}, archiveBuffer)
	if err := s.svc.ArchiveMany(people, dossier.ToStaff).Write(c.Request().Context(), buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

package web

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
)

// bulkTime bounds how long one request changes people, so that it is answered before whatever is in front of the server
// gives it up. What it has done by then stays done, and the same form continues.
const bulkTime = 20 * time.Second

// selectedView asks before something is done with selected people (selected.html).
type selectedView struct {
	page
	// Question and Consequence: "Move 2,318 people to the trash?"
	Question, Consequence string
	// Names are those of people who were selected one by one; Filters say who all others are.
	Names   []string
	Filters []dossier.FilterPart
	// All: everybody in the list is selected, whatever the filters.
	All bool
	// Fields are the hidden ones of the form.
	Fields []hiddenField
	// Type is what has to be typed; empty: nothing. Fault is why what was typed is not enough.
	Type, Fault string
	Button      string
	// Cancel is the path back.
	Cancel string
}

type hiddenField struct{ Name, Value string }

// askTrashSelected asks before selected people are moved to the trash.
func (s *Server) askTrashSelected(c echo.Context, sel dossier.Selection) error {
	return s.trashSelectedPage(c, http.StatusOK, sel, "")
}

func (s *Server) trashSelectedPage(c echo.Context, status int, sel dossier.Selection, fault string) error {
	form := formOf(c)
	at, _, err := selectionOf(form)
	if err != nil {
		return err
	}
	sel.IDs = once(sel.IDs)
	people, err := s.svc.Select(c.Request().Context(), sel)
	if err != nil {
		return err
	}
	if len(people) == 0 {
		s.say(c, "Nobody who was selected is in the list any more.")
		return c.Redirect(http.StatusSeeOther, at.path())
	}
	all := peopleText(len(people))
	v := selectedView{page: s.page(c, "Delete people"), Question: "Move " + all + " to the trash?",
		Consequence: "Nobody will see them, and uploads to them end. Within " + s.keepText() +
			", they can be put back from the trash; then they are erased.",
		Button: "Move to trash", Fault: fault, Cancel: at.path()}
	if !s.trashing() {
		v.Question, v.Button = "Delete "+all+" for good?", "Delete for good"
		v.Consequence, v.Type = eraseConsequence, humanize.Comma(int64(len(people)))
	}
	if v.All = sel.IDs == nil; v.All {
		v.Filters = sel.Filter.Parts()
	}
	for p, err := range s.svc.Selected(c.Request().Context(), dossier.Selection{IDs: sel.IDs}) {
		if v.All {
			break
		}
		if err != nil {
			return err
		}
		v.Names = append(v.Names, p.Name)
	}
	for _, name := range []string{"view", "asked", "all", "do"} {
		v.Fields = append(v.Fields, hiddenField{name, form.Get(name)})
	}
	for _, id := range sel.IDs {
		v.Fields = append(v.Fields, hiddenField{"person", id.String()})
	}
	v.Fields = append(v.Fields, hiddenField{"confirmed", strconv.Itoa(len(people))})
	return s.render(c, status, "selected", v)
}

// once returns ids without those that are listed twice.
func once(ids []dossier.PersonID) []dossier.PersonID {
	seen := map[dossier.PersonID]bool{}
	return slices.DeleteFunc(slices.Clone(ids), func(id dossier.PersonID) bool {
		twice := seen[id]
		seen[id] = true
		return twice
	})
}

// peopleText counts people: "1 person", "2,318 people".
func peopleText(n int) string {
	if n == 1 {
		return "1 person"
	}
	return humanize.Comma(int64(n)) + " people"
}

// trashSelected moves selected people to the trash, or where there is none deletes them. It may be repeated: those who
// are gone are no longer selected.
func (s *Server) trashSelected(c echo.Context, sel dossier.Selection) error {
	ctx, form := c.Request().Context(), formOf(c)
	at, _, err := selectionOf(form)
	if err != nil {
		return err
	}
	confirmed, err := strconv.Atoi(form.Get("confirmed"))
	if err != nil {
		return malformed(err, "The form is damaged. Reload the page.")
	}
	sel.IDs = once(sel.IDs)
	ids, err := s.svc.Select(ctx, sel) // refuses too many before anything is done
	if err != nil {
		return err
	}
	if len(ids) > 0 && !s.trashing() && !typedNumber(form, len(ids)) {
		notDone(c)
		return s.trashSelectedPage(c, http.StatusUnprocessableEntity, sel,
			"This is not the number. Type it as it is written above.")
	}
	did, err := s.moveSelected(c, sel)
	if err != nil {
		return err
	}
	text := did.text(confirmed, len(ids))
	if did.Changed > 0 && did.trash != (dossier.Trash{}) {
		s.sayUndo(c, text, undoPath(did.trash))
	} else {
		s.say(c, text)
	}
	if sel.IDs == nil {
		at = at.first()
	}
	return c.Redirect(http.StatusSeeOther, at.path())
}

// typedNumber reports whether a form has a number, with or without separators.
func typedNumber(form url.Values, n int) bool {
	typed := strings.NewReplacer(",", "", ".", "", " ", "", "\u00a0", "", "\u202f", "").Replace(form.Get("number"))
	return typed == strconv.Itoa(n)
}

// moved is what was done with selected people.
type moved struct {
	dossier.Bulk
	// trash is that of those who were moved there; zero: they were deleted.
	trash dossier.Trash
	done  string
	// late: the time was over before all were.
	late bool
}

// text says what was done: confirmed is how many the page asked about, and found how many of these were in the list
// when it was begun.
func (m moved) text(confirmed, found int) string {
	text := "Nobody was " + m.done + "."
	if m.Changed > 0 {
		text = bulkText(m.Changed) + " " + m.done + "."
	}
	if m.late {
		return text + " " + peopleText(max(found-m.Changed-m.Others, 0)) +
			" are left, because it takes long. Delete them again to continue."
	}
	switch gone := confirmed - m.Changed; {
	case gone == 1:
		text += " 1 was no longer in the list."
	case gone > 1:
		text += " " + humanize.Comma(int64(gone)) + " were no longer in the list."
	}
	return text
}

// moveSelected moves or deletes people until all are, or the time is over. If it fails in between, the error and the
// next page say what was done.
func (s *Server) moveSelected(c echo.Context, sel dossier.Selection) (moved, error) {
	ctx := c.Request().Context()
	m := moved{done: "deleted"}
	until := s.now().Add(bulkTime)
	people := func(yield func(dossier.Person, error) bool) {
		for p, err := range s.svc.Selected(ctx, sel) {
			if m.late = err == nil && !s.now().Before(until); m.late || !yield(p, err) {
				return
			}
		}
	}
	done := func(b dossier.Bulk) {
		m.Bulk = b
		tell(c, func(e *audit.Entry) { e.Count = int64(b.Changed) })
	}
	var err error
	if s.trashing() {
		m.done = "moved to the trash"
		by, unknown := s.by(c)
		if unknown != nil {
			return m, unknown
		}
		m.trash, m.Bulk, err = s.svc.TrashPeople(ctx, people, by, done)
	} else {
		err = s.deletePeople(ctx, people, done)
	}
	if err == nil || m.Changed == 0 {
		return m, err
	}
	if m.trash != (dossier.Trash{}) {
		s.sayUndo(c, bulkText(m.Changed)+" "+m.done+".", undoPath(m.trash))
	}
	if !errors.Is(err, dossier.ErrUnavailable) {
		return m, err
	}
	return m, dossier.Errorf(dossier.CodeUnavailable, err,
		"%s %s, then the storage did not respond. The others are still in the directory: delete them again in a "+
			"minute.",
		bulkText(m.Changed), m.done)
}

// deletePeople deletes people for good, one after the other.
func (s *Server) deletePeople(ctx context.Context, people iter.Seq2[dossier.Person, error],
	done func(dossier.Bulk)) error {
	var sum dossier.Bulk
	for p, err := range people {
		if err != nil {
			return fmt.Errorf("read the selection: %w", err)
		}
		switch err := s.svc.DeletePerson(ctx, p.ID); {
		case errors.Is(err, dossier.ErrNotFound):
			sum.Others++
		case err != nil:
			return fmt.Errorf("delete person: %w", err)
		default:
			sum.Changed++
		}
		done(sum)
	}
	return nil
}

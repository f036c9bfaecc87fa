package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

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
	// Action is where the form posts to, Fields are its hidden fields.
	Action string
	Fields []hiddenField
	// Type is what has to be typed, the number of what Of says; empty: nothing. Fault is why what was typed is not
	// enough.
	Type, Of, Fault string
	Button          string
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
	people, err := s.svc.CountJob(c.Request().Context(), dossier.JobOrder{Selection: sel})
	if err != nil {
		return err
	}
	if people == 0 {
		s.say(c, "Nobody who was selected is in the list any more.")
		return c.Redirect(http.StatusSeeOther, at.path())
	}
	all := peopleText(people)
	v := selectedView{page: s.page(c, "Delete people"), Question: "Move " + all + " to the trash?",
		Action: "/people/selected", Of: "people",
		Consequence: "Nobody will see them, and uploads to them end. Within " + s.keepText() +
			", they can be put back from the trash; then they are erased.",
		Button: "Move to trash", Fault: fault, Cancel: at.path()}
	if !s.trashing() {
		v.Question, v.Button = "Delete "+all+" for good?", "Delete for good"
		v.Consequence, v.Type = eraseConsequence, humanize.Comma(int64(people))
	}
	if v.All = sel.IDs == nil; v.All {
		v.Filters = sel.Filter.Parts()
	} else {
		for p, err := range s.svc.Selected(c.Request().Context(), dossier.Selection{IDs: sel.IDs}) {
			if err != nil {
				return err
			}
			v.Names = append(v.Names, p.Name)
		}
	}
	for _, name := range []string{"view", "asked", "all", "do"} {
		v.Fields = append(v.Fields, hiddenField{name, form.Get(name)})
	}
	for _, id := range sel.IDs {
		v.Fields = append(v.Fields, hiddenField{"person", id.String()})
	}
	v.Fields = append(v.Fields, hiddenField{"confirmed", strconv.Itoa(people)}, newFormJob())
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

// trashSelected moves selected people to the trash, or where there is none deletes them. It may be repeated.
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
	order := dossier.JobOrder{Kind: dossier.JobTrash, Selection: sel}
	if order.As, err = jobOf(form); err != nil {
		return err
	}
	if order.Found, err = s.svc.CountJob(ctx, order); err != nil {
		return err
	}
	if !s.trashing() {
		order.Kind = dossier.JobDelete
		if order.Found > 0 && !typedNumber(form, order.Found) {
			notDone(c)
			return s.trashSelectedPage(c, http.StatusUnprocessableEntity, sel, notTheNumber)
		}
	}
	if order.Trash.By, err = s.by(c); err != nil {
		return err
	}
	job, err := s.runJob(c, order)
	if err != nil {
		return err
	}
	if job.State == dossier.JobRunning {
		return c.Redirect(http.StatusSeeOther, jobPath(job.ID))
	}
	text := jobEndText(job)
	switch gone := confirmed - job.Changed; {
	case job.State != dossier.JobDone:
	case gone == 1:
		text += " 1 was no longer in the list."
	case gone > 1:
		text += " " + humanize.Comma(int64(gone)) + " were no longer in the list."
	}
	s.sayUndo(c, text, jobUndo(job))
	if sel.IDs == nil {
		at = at.first()
	}
	return c.Redirect(http.StatusSeeOther, at.path())
}

// notTheNumber is the fault of a form that does not say how many it is about.
const notTheNumber = "This is not the number. Type it as it is written above."

// typedNumber reports whether a form has a number, with or without separators.
func typedNumber(form url.Values, n int) bool {
	typed := strings.NewReplacer(",", "", ".", "", " ", "", "\u00a0", "", "\u202f", "").Replace(form.Get("number"))
	return typed == strconv.Itoa(n)
}

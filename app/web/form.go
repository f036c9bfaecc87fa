package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// formView is the submission form (form.html), also after an error.
type formView struct {
	page
	// Receipt goes into the hidden field "receipt": the same value after a fault, so that the next try is the same
	// submission.
	Receipt string
	// Typed is what was typed into the fields of a person's details, unchanged.
	Typed fields
	// Faults has the message for a field by its name; that of the files is "files".
	Faults map[string]string
	// Order lists the faulty fields in the order of the form, for the summary at the top with links to the fields.
	Order []string
	// Notice is what went wrong as a whole, above the form; empty on the first visit.
	Notice string
	// Advice is how to mend it, a sentence; may be empty.
	Advice string
	// RequestID is shown small with a notice of an outage, to quote to support; may be empty.
	RequestID string
	// Limits are for the hints and the HTML attributes.
	Limits dossier.Limits
	// MaxFile is Limits.FileBytes as people read it, by dossier.FormatLimit: "5.3 GB".
	MaxFile string
	// MaxTime is how long the form may take to arrive without JavaScript, as people read it: "4 minutes 30 seconds".
	// Empty where it is too long to matter.
	MaxTime string
	// Anew tells that Receipt is a fresh one after a conflict: the button then offers to send the fields as a new
	// submission.
	Anew bool
	// NotTaking is why no files are taken at the moment; empty where they are.
	NotTaking string
	// FilesLost tells that files had been chosen and must be chosen again, as browsers keep none.
	FilesLost bool
}

// fieldView is a field of a person's details in the form.
type fieldView struct {
	dossier.Field
	// Typed is what was typed into it, and Fault what is wrong with that; may be empty.
	Typed, Fault string
}

// Fields returns the fields of a person's details.
func (v formView) Fields() []fieldView {
	var all []fieldView
	for _, f := range dossier.Fields {
		all = append(all, fieldView{f, v.Typed[f.Name], v.Faults[f.Name]})
	}
	return all
}

// FieldLabel returns what a field of the form is called, by its name.
func (v formView) FieldLabel(name string) string {
	for _, f := range dossier.Fields {
		if f.Name == name {
			return f.Label
		}
	}
	return "Files"
}

// form shows the empty form. Each has a receipt of its own, from the start. Browsers may keep it: after "back" a page
// that is not to be stored is fetched anew, with another receipt, but shown with what was typed before, and sending
// that again would make a second person.
func (s *Server) form(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "private, no-cache")
	return s.renderForm(c, http.StatusOK, s.formView(c, fields{receiptField: dossier.NewReceipt().String()}))
}

// formView returns the form with what was typed.
func (s *Server) formView(c echo.Context, typed fields) formView {
	limits := s.svc.Limits()
	v := formView{
		page: s.page(c, "Submit your details"), Receipt: typed[receiptField], Typed: typed,
		Limits: limits, MaxFile: dossier.FormatLimit(limits.FileBytes),
	}
	if s.o.BodyTimeout < hintTime {
		v.MaxTime = inWords(s.o.BodyTimeout)
	}
	s.room(c, &v)
	v.Path = "/"
	return v
}

// room has the form say what is taken at the moment. What cannot be learned in time is not told: then what is sent
// tells.
func (s *Server) room(c echo.Context, v *formView) {
	ctx, cancel := context.WithTimeout(s.sending(c), roomTime)
	defer cancel()
	room, err := s.svc.Room(ctx)
	switch {
	case err != nil:
	case room.Why != nil:
		v.NotTaking = room.Why.Message
	case room.Bytes < v.Limits.FileBytes:
		v.Limits.FileBytes, v.MaxFile = room.Bytes, dossier.FormatLimit(room.Bytes)
	}
}

// renderForm writes the form, whose script may send files directly.
func (s *Server) renderForm(c echo.Context, status int, v formView) error {
	s.allowUploads(c)
	return s.render(c, status, "form", v)
}

// hintTime is the time to arrive from which on a form says nothing of it: nobody waits so long for a page.
const hintTime = time.Hour

// inWords returns a time as people read it, in hours, minutes and seconds, such as "4 minutes 30 seconds".
func inWords(d time.Duration) string {
	var words []string
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		if n := int(d / unit.of); n > 0 {
			words = append(words, fmt.Sprintf("%d %s%s", n, unit.name, map[bool]string{false: "s"}[n == 1]))
			d -= time.Duration(n) * unit.of
		}
	}
	if len(words) == 0 {
		return "less than a second"
	}
	return strings.Join(words, " ")
}

package web

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// confirmView asks before deleting (confirm.html).
type confirmView struct {
	page
	// Question and Consequence: "Delete Ada Lovelace and 3 files?" "This cannot be undone."
	Question, Consequence string
	// Button is what the button that does it is called.
	Button string
	// Action is where the form posts to; Cancel is the path back.
	Action, Cancel string
}

func (s *Server) askDeletePerson(c echo.Context) error {
	p, err := s.staffPerson(c)
	if err != nil {
		return err
	}
	at, err := placeOf(c)
	if err != nil {
		return err
	}
	has, err := s.svc.Summary(c.Request().Context(), p.ID)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Delete %s?", p.Name)
	if has.Stored.Files > 0 {
		question = fmt.Sprintf("Delete %s and %s?", p.Name, counted(has.Stored.Files, "file"))
	}
	consequence := "This cannot be undone."
	if n := has.UnfinishedCount; n > 0 {
		consequence = "This also discards " + counted(n, "unfinished upload") + ". It cannot be undone."
	}
	if s.trashing() && p.State == dossier.PersonSubmitted {
		consequence = "Nobody will see them, and uploads to them end. Within " + s.keepText() +
			", they can be put back from the trash; then they are erased."
	}
	return s.render(c, http.StatusOK, "confirm", confirmView{
		page: s.page(c, "Delete a person"), Question: question, Consequence: consequence,
		Button: "Delete",
		Action: at.on(personPath(p.ID) + "/delete"), Cancel: at.on(personPath(p.ID)),
	})
}

func (s *Server) deletePerson(c echo.Context) error {
	// A submission that is still on its way is not there for staff, and not theirs to delete.
	p, err := s.staffPerson(c)
	if err != nil {
		return err
	}
	at, err := placeOf(c)
	if err != nil {
		return err
	}
	// A deletion that was interrupted is finished.
	if s.trashing() && p.State == dossier.PersonSubmitted {
		return s.trashPerson(c, p, at.from.path())
	}
	if err := s.svc.DeletePerson(c.Request().Context(), p.ID); err != nil {
		return interrupted(err, func() (dossier.PersonState, error) {
			p, err := s.svc.Person(c.Request().Context(), p.ID)
			return p.State, err
		}, dossier.PersonSubmitted)
	}
	s.say(c, p.Name+" was deleted.")
	return c.Redirect(http.StatusSeeOther, at.from.path())
}

func (s *Server) askDeleteFile(c echo.Context) error {
	at, err := placeOf(c)
	if err != nil {
		return err
	}
	f, err := s.staffRecord(c)
	if err != nil {
		return err
	}
	path := personPath(f.Person)
	v := confirmView{
		page: s.page(c, "Delete a file"), Question: fmt.Sprintf("Delete the file %s?", f.Name),
		Consequence: "This cannot be undone.", Button: "Delete",
		Action: at.on(filePath(path, f.ID) + "/delete"), Cancel: at.on(path),
	}
	if s.trashing() {
		v.Consequence = "Within " + s.keepText() + ", it can be put back from the trash; then it is erased."
	}
	if f.State == dossier.FileUploading {
		v.Title, v.Button = "Discard an unfinished file", "Discard"
		v.Question = fmt.Sprintf("Discard the unfinished file %s?", f.Name)
		v.Consequence = "The part that was uploaded is deleted. The sender can then only upload the file again from the " +
			"beginning."
	}
	return s.render(c, http.StatusOK, "confirm", v)
}

func (s *Server) deleteFile(c echo.Context) error {
	at, err := placeOf(c)
	if err != nil {
		return err
	}
	person, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return personAbsent(err)
	}
	id, err := dossier.ParseFileID(c.Param("file"))
	if err != nil {
		return s.fileAbsent(c, person, err)
	}
	ctx := c.Request().Context()
	back := at.on(personPath(person))
	f, err := s.staffRecord(c)
	switch {
	case err == nil && f.State == dossier.FileUploading:
		if err := s.svc.GiveUp(ctx, person, id); err != nil {
			return err
		}
		s.say(c, "The unfinished file "+f.Name+" was discarded.")
		return c.Redirect(http.StatusSeeOther, back)
	case err != nil && !errors.Is(err, dossier.ErrNotFound):
		return interrupted(err, func() (dossier.FileState, error) { return "", err }, dossier.FileStored)
	}
	if s.trashing() && err == nil {
		return s.trashFile(c, f, back)
	}
	if _, err := s.svc.Person(ctx, person); err != nil {
		return personAbsent(err)
	}
	// Also where it is not found: a deletion that broke off is finished.
	if err := s.svc.DeleteFile(ctx, person, id); err != nil {
		return interrupted(s.fileAbsent(c, person, err), func() (dossier.FileState, error) {
			f, err := s.svc.File(ctx, person, id)
			return f.State, err
		}, dossier.FileStored)
	}
	if f.Name == "" {
		f.Name = "The file"
	}
	s.say(c, f.Name+" was deleted.")
	return c.Redirect(http.StatusSeeOther, back)
}

// interrupted says of a deletion that a store interrupted what becomes of it: that depends on whether what was to be
// deleted was marked, which state tells. It is untouched in the state given.
func interrupted[S comparable](err error, state func() (S, error), untouched S) error {
	if !errors.Is(err, dossier.ErrUnavailable) {
		return err
	}
	_, why := codeOf(err)
	if why == "" {
		why = "The storage did not respond."
	}
	becomes := "The deletion has started and will finish by itself. To make sure, delete again in a minute."
	switch now, look := state(); {
	case look == nil && now == untouched:
		becomes = "Nothing was deleted. Try again in a minute."
	case look != nil && !errors.Is(look, dossier.ErrNotFound):
		becomes = "It is not known whether anything was deleted. Reload the page in a minute: what it still lists was " +
			"not deleted."
	}
	return dossier.Errorf(dossier.CodeUnavailable, err, "%s %s", why, becomes)
}

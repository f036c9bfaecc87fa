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
	has, err := s.svc.Counted(c.Request().Context(), p.ID)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Delete %s?", p.Name)
	if has.Files > 0 {
		question = fmt.Sprintf("Delete %s and %s?", p.Name, counted(has.Files, "file"))
	}
	return s.render(c, http.StatusOK, "confirm", confirmView{
		page: s.page(c, "Delete a person"), Question: question, Consequence: "This cannot be undone.",
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
	f, err := s.staffFile(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "confirm", confirmView{
		page: s.page(c, "Delete a file"), Question: fmt.Sprintf("Delete the file %s?", f.Name),
		Consequence: "This cannot be undone.",
		Action:      at.on(filePath(personPath(f.Person), f.ID) + "/delete"), Cancel: at.on(personPath(f.Person)),
	})
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
	// For its name. What a deletion that broke off has marked is told by what it is.
	name := "The file"
	if f, err := s.svc.File(c.Request().Context(), person, id); err == nil {
		name = f.Name
	}
	if err := s.svc.DeleteFile(c.Request().Context(), person, id); err != nil {
		return interrupted(s.fileAbsent(c, person, err), func() (dossier.FileState, error) {
			f, err := s.svc.File(c.Request().Context(), person, id)
			return f.State, err
		}, dossier.FileStored)
	}
	s.say(c, name+" was deleted.")
	return c.Redirect(http.StatusSeeOther, at.on(personPath(person)))
}

// interrupted says of a deletion that a store interrupted what becomes of it: that depends on whether what was to be
// deleted was marked, which state tells. It is untouched in the state given.
func interrupted[S comparable](err error, state func() (S, error), untouched S) error {
	if !errors.Is(err, dossier.ErrUnavailable) {
		return err
	}
	_, why := codeOf(err)
	if why == "" {
		why = "The storage did not answer."
	}
	becomes := "What was begun is finished later by itself; to be sure, delete again in a minute."
	switch now, look := state(); {
	case look == nil && now == untouched:
		becomes = "Nothing was deleted. Try again in a minute."
	case look != nil && !errors.Is(look, dossier.ErrNotFound):
		becomes = "Whether anything was deleted is not known. Load the page again in a minute: what it still lists was not."
	}
	return dossier.Errorf(dossier.CodeUnavailable, err, "%s %s", why, becomes)
}

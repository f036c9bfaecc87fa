package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// What staff delete is moved to the trash, unless Options.TrashTime is 0: then it is deleted at once.

// trashView lists what is in the trash (trash.html).
type trashView struct {
	page
	// Keep is how long something stays there ("30 days"); empty: it goes with the next reconciliation.
	Keep   string
	People []trashedView
	Files  []trashedView
	pager
	// FilePages are the pages of files.
	FilePages pager
	// Empty is the path of the page that asks before everything is erased; empty for those who may not.
	Empty string
	// Running are the changes of many people that run.
	Running []jobView
	Space   spaceView
}

// trashedView is a person or a file in the trash.
type trashedView struct {
	// Name is the person's or the file's, and Of of whom the file is; empty for a person.
	Name, Of string
	// Deleted is when, and By by whom, it was moved there; Gone is when it is erased.
	Deleted, Gone moment
	By            string
	// PutBack is where the form posts to that puts it back, and Erase the path of the page that asks before erasing;
	// empty for those who may not erase.
	PutBack, Erase string
	// CSRF is the page's.
	CSRF string
}

// trashedFiles is how many files a page of the trash lists.
const trashedFiles = 100

const trashPath = "/trash"

func trashedPersonPath(id dossier.PersonID) string { return trashPath + "/people/" + id.String() }

func trashedFilePath(person dossier.PersonID, file dossier.FileID) string {
	return filePath(trashedPersonPath(person), file)
}

// undoPath is where a form posts to that puts back all people who were moved to the trash at once.
func undoPath(t dossier.Trash) string {
	return trashPath + "/moves/" + strconv.FormatInt(t.At.UnixMicro(), 10) + "/put-back"
}

// trashing reports whether what is deleted goes to the trash.
func (s *Server) trashing() bool { return s.o.TrashTime > 0 }

// keepText says how long the trash keeps something.
func (s *Server) keepText() string {
	if days := int(s.o.TrashTime.Hours() / 24); time.Duration(days)*24*time.Hour == s.o.TrashTime && days > 0 {
		return counted(days, "day")
	}
	return s.o.TrashTime.String()
}

// trash lists what is in the trash: people and files, each by pages of their own. While one of them is read on, the
// other is left out.
func (s *Server) trash(c echo.Context) error {
	ctx := c.Request().Context()
	v := trashView{page: s.page(c, "Trash"), pager: pager{FirstText: "First people", NextText: "Next people"},
		FilePages: pager{FirstText: "First files", NextText: "Next files"}, Running: s.runningJobs(c)}
	v.Space = s.space(c, v.page)
	if s.trashing() {
		v.Keep = s.keepText()
	}
	if v.Administrator {
		v.Empty = emptyTrashPath
	}
	var err error
	if text := c.QueryParam("files"); text != "" {
		err = s.trashedFiles(ctx, &v, text)
	} else if err = s.trashedPeople(ctx, &v, c.QueryParam("after")); err == nil && v.First == "" {
		err = s.trashedFiles(ctx, &v, "")
	}
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "trash", v)
}

// badTrashPage refuses an address that no page of the trash has.
func badTrashPage(err error) error {
	return malformed(err, "This page's address is invalid. Start again from the first page.")
}

// trashedPeople shows the page of people behind a position, which is empty for the first.
func (s *Server) trashedPeople(ctx context.Context, v *trashView, position string) error {
	var after dossier.Cursor
	if position != "" {
		var err error
		if after, err = dossier.ParseCursor(position); err != nil {
			return badTrashPage(err)
		}
		v.First = trashPath
	}
	people, err := s.svc.TrashedPeople(ctx, after, 100)
	if err != nil {
		return err
	}
	if !people.Next.IsZero() {
		v.Next = trashPath + "?after=" + people.Next.String()
	}
	for _, p := range people.People {
		v.People = append(v.People, s.trashedOf(v.page, p.Trash, p.Name, "", trashedPersonPath(p.ID)))
	}
	return nil
}

// trashedFiles shows the page of files behind a position, which is empty for the first.
func (s *Server) trashedFiles(ctx context.Context, v *trashView, position string) error {
	var after dossier.TrashedFile
	if position != "" {
		var err error
		if after, err = dossier.ParseTrashedFile(position); err != nil {
			return badTrashPage(err)
		}
		v.FilePages.First = trashPath
	}
	files, next, err := s.svc.TrashedFiles(ctx, after, trashedFiles)
	if err != nil {
		return err
	}
	if next != (dossier.TrashedFile{}) {
		v.FilePages.Next = trashPath + "?files=" + next.String()
	}
	for _, f := range files {
		v.Files = append(v.Files, s.trashedOf(v.page, f.Trash, f.Name, f.Author, trashedFilePath(f.Person, f.ID)))
	}
	return nil
}

func (s *Server) trashedOf(p page, t dossier.Trash, name, of, path string) trashedView {
	v := trashedView{Name: name, Of: of, Deleted: momentOf(t.At), By: t.By, Gone: momentOf(t.At.Add(s.o.TrashTime)),
		PutBack: path + "/put-back", CSRF: p.CSRF}
	if p.Administrator {
		v.Erase = path + "/erase"
	}
	return v
}

// by is who moves something to the trash, as the trash shows it.
func (s *Server) by(c echo.Context) (string, error) {
	actor, ok, err := s.actor(c)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", &dossier.Error{Code: dossier.CodeForbidden}
	}
	return actor.Name(), nil
}

// trashPerson moves a person to the trash instead of deleting it.
func (s *Server) trashPerson(c echo.Context, p dossier.Person, back string) error {
	by, err := s.by(c)
	if err != nil {
		return err
	}
	if _, err := s.svc.TrashPerson(c.Request().Context(), p.ID, by); err != nil {
		return personAbsent(err)
	}
	s.sayUndo(c, p.Name+" was moved to the trash.", trashedPersonPath(p.ID)+"/put-back")
	return c.Redirect(http.StatusSeeOther, back)
}

// trashFile moves a stored file to the trash instead of deleting it.
func (s *Server) trashFile(c echo.Context, f dossier.File, back string) error {
	by, err := s.by(c)
	if err != nil {
		return err
	}
	if _, err := s.svc.TrashFile(c.Request().Context(), f.Person, f.ID, by); err != nil {
		return s.fileAbsent(c, f.Person, err)
	}
	s.sayUndo(c, f.Name+" was moved to the trash.", trashedFilePath(f.Person, f.ID)+"/put-back")
	return c.Redirect(http.StatusSeeOther, back)
}

// notInTrash has the page of something that is not in the trash lead there.
func notInTrash(err error) error {
	if !errors.Is(err, dossier.ErrNotFound) {
		return err
	}
	return &absent{err, "This is not in the trash", "It may have been put back, or erased.", trashPath,
		"Go to the trash"}
}

// trashedIDs are those that the path names.
func trashedIDs(c echo.Context) (person dossier.PersonID, file dossier.FileID, err error) {
	if person, err = dossier.ParsePersonID(c.Param("id")); err == nil && c.Param("file") != "" {
		file, err = dossier.ParseFileID(c.Param("file"))
	}
	return person, file, notInTrash(err)
}

// putBackPerson puts a person back from the trash.
func (s *Server) putBackPerson(c echo.Context) error {
	id, _, err := trashedIDs(c)
	if err != nil {
		return err
	}
	p, err := s.svc.PutBackPerson(c.Request().Context(), id)
	if err != nil {
		return notInTrash(err)
	}
	s.say(c, p.Name+" was put back.")
	return c.Redirect(http.StatusSeeOther, personPath(id))
}

// putBackFile puts a file back from the trash.
func (s *Server) putBackFile(c echo.Context) error {
	person, id, err := trashedIDs(c)
	if err != nil {
		return err
	}
	f, err := s.svc.PutBackFile(c.Request().Context(), person, id)
	if err != nil {
		return notInTrash(err)
	}
	// The person may be in the trash as well.
	back := personPath(person)
	if _, err := s.svc.Person(c.Request().Context(), person); errors.Is(err, dossier.ErrNotFound) {
		back = trashPath
	}
	s.say(c, f.Name+" was put back.")
	return c.Redirect(http.StatusSeeOther, back)
}

// putBackMove puts back all people who were moved to the trash at once. If they still are being moved, that is stopped
// first.
func (s *Server) putBackMove(c echo.Context) error {
	micros, err := strconv.ParseInt(c.Param("at"), 10, 64)
	if err != nil || micros <= 0 {
		return notInTrash(&dossier.Error{Code: dossier.CodeNotFound, Err: err})
	}
	ctx := c.Request().Context()
	order := dossier.JobOrder{Kind: dossier.JobPutBack, Trash: dossier.Trash{At: time.UnixMicro(micros).UTC()},
		As: fmt.Sprintf("put-back-%d", micros)}
	jobs, err := s.svc.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.State != dossier.JobRunning || !j.Trash.At.Equal(order.Trash.At) {
			continue
		}
		notDone(c)
		if j.Kind == dossier.JobTrash {
			if _, err := s.svc.StopJob(ctx, j.ID); err != nil {
				return err
			}
			s.say(c, "The move is being stopped. Undo it as soon as it has stopped.")
		}
		return c.Redirect(http.StatusSeeOther, jobPath(j.ID))
	}
	if order.Found, err = s.svc.CountJob(ctx, order); err != nil {
		return err
	}
	return s.doJob(c, order, "/people")
}

// eraseView asks for the name of what is to be erased (erase.html).
type eraseView struct {
	page
	// Question and Consequence: "Erase Ada Lovelace and 3 files for good?"
	Question, Consequence string
	// Name has to be typed. What it is: "person", "file".
	Name, What string
	// Fault is why what was typed is not enough; empty at first.
	Fault string
	// Action is where the form posts to; Cancel is the path back.
	Action, Cancel string
}

// eraseConsequence says what erasing does, and what it cannot do.
const eraseConsequence = "This cannot be undone: the details, the files, their records and previews are removed from " +
	"this site. Backups, and earlier versions that the storage keeps, still hold them until they expire."

func (s *Server) askErasePerson(c echo.Context) error { return s.erasePersonPage(c, http.StatusOK, "") }

func (s *Server) erasePersonPage(c echo.Context, status int, fault string) error {
	id, _, err := trashedIDs(c)
	if err != nil {
		return err
	}
	p, err := s.svc.TrashedPerson(c.Request().Context(), id)
	if err != nil {
		return notInTrash(err)
	}
	has, err := s.svc.Counted(c.Request().Context(), id)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Erase %s for good?", p.Name)
	if has.Files > 0 {
		question = fmt.Sprintf("Erase %s and %s for good?", p.Name, counted(has.Files, "file"))
	}
	return s.render(c, status, "erase", eraseView{page: s.page(c, "Erase a person"), Question: question,
		Consequence: eraseConsequence, Name: p.Name, What: "person", Fault: fault,
		Action: trashedPersonPath(id) + "/erase", Cancel: trashPath})
}

// named reports whether what was typed is a name: capitals and spaces around it do not matter.
func named(c echo.Context, name string) bool {
	return strings.EqualFold(strings.TrimSpace(formOf(c).Get("name")), strings.TrimSpace(name))
}

// notNamed is the fault of a form that does not name what it erases.
const notNamed = "This is not the name. Type it as it is written above."

func (s *Server) erasePerson(c echo.Context) error {
	id, _, err := trashedIDs(c)
	if err != nil {
		return err
	}
	p, err := s.svc.TrashedPerson(c.Request().Context(), id)
	if err != nil {
		return notInTrash(err)
	}
	if !named(c, p.Name) {
		return s.erasePersonPage(c, http.StatusUnprocessableEntity, notNamed)
	}
	if err := s.svc.ErasePerson(c.Request().Context(), id); err != nil {
		return interrupted(notInTrash(err), func() (dossier.PersonState, error) {
			p, err := s.svc.TrashedPerson(c.Request().Context(), id)
			return p.State, err
		}, dossier.PersonSubmitted)
	}
	s.say(c, p.Name+" was erased.")
	return c.Redirect(http.StatusSeeOther, trashPath)
}

func (s *Server) askEraseFile(c echo.Context) error { return s.eraseFilePage(c, http.StatusOK, "") }

func (s *Server) eraseFilePage(c echo.Context, status int, fault string) error {
	person, id, err := trashedIDs(c)
	if err != nil {
		return err
	}
	f, err := s.svc.TrashedFile(c.Request().Context(), person, id)
	if err != nil {
		return notInTrash(err)
	}
	return s.render(c, status, "erase", eraseView{page: s.page(c, "Erase a file"),
		Question: fmt.Sprintf("Erase the file %s of %s for good?", f.Name, f.Author), Consequence: "This cannot be " +
			"undone: the file, its record and its preview are removed from this site. Backups, and earlier versions " +
			"that the storage keeps, still hold them until they expire.", Name: f.Name, What: "file", Fault: fault,
		Action: trashedFilePath(person, id) + "/erase", Cancel: trashPath})
}

func (s *Server) eraseFile(c echo.Context) error {
	person, id, err := trashedIDs(c)
	if err != nil {
		return err
	}
	f, err := s.svc.TrashedFile(c.Request().Context(), person, id)
	if err != nil {
		return notInTrash(err)
	}
	if !named(c, f.Name) {
		return s.eraseFilePage(c, http.StatusUnprocessableEntity, notNamed)
	}
	if err := s.svc.EraseFile(c.Request().Context(), person, id); err != nil {
		return interrupted(notInTrash(err), func() (dossier.FileState, error) {
			f, err := s.svc.TrashedFile(c.Request().Context(), person, id)
			return f.State, err
		}, dossier.FileStored)
	}
	s.say(c, f.Name+" was erased.")
	return c.Redirect(http.StatusSeeOther, trashPath)
}

const emptyTrashPath = trashPath + "/empty"

// trashOrder is the order that empties the trash of what is in it up to a time, with how much that is.
func (s *Server) trashOrder(ctx context.Context, until time.Time) (dossier.JobOrder, error) {
	order := dossier.JobOrder{Kind: dossier.JobEmpty, Trash: dossier.Trash{At: until}}
	var err error
	order.Found, err = s.svc.CountJob(ctx, order)
	return order, err
}

func (s *Server) askEmptyTrash(c echo.Context) error {
	// What comes to the trash later was not seen, and stays.
	return s.emptyTrashPage(c, http.StatusOK, s.now().UTC(), "")
}

func (s *Server) emptyTrashPage(c echo.Context, status int, until time.Time, fault string) error {
	order, err := s.trashOrder(c.Request().Context(), until)
	if err != nil {
		return err
	}
	if order.Found == 0 {
		s.say(c, "The trash is empty.")
		return c.Redirect(http.StatusSeeOther, trashPath)
	}
	return s.render(c, status, "selected", selectedView{page: s.page(c, "Empty the trash"),
		Question:    "Erase everything in the trash for good?",
		Consequence: "These are " + thingsText(order.Found) + ". " + eraseConsequence,
		Action:      emptyTrashPath, Fields: []hiddenField{{"asked", until.Format(askedFormat)}, newFormJob()},
		Type: humanize.Comma(int64(order.Found)), Of: "people and files", Fault: fault, Button: "Erase for good",
		Cancel: trashPath})
}

// thingsText counts what is in the trash.
func thingsText(n int) string {
	if n == 1 {
		return "1 person or file"
	}
	return humanize.Comma(int64(n)) + " people and files"
}

// emptyTrash erases what was in the trash when the page asked.
func (s *Server) emptyTrash(c echo.Context) error {
	form := formOf(c)
	until, err := time.Parse(askedFormat, form.Get("asked"))
	if err != nil || until.After(s.now()) {
		return malformed(err, "The form is damaged. Reload the page.")
	}
	order, err := s.trashOrder(c.Request().Context(), until)
	if err == nil {
		order.As, err = jobOf(form)
	}
	if err != nil {
		return err
	}
	if order.Found > 0 && !typedNumber(form, order.Found) {
		notDone(c)
		return s.emptyTrashPage(c, http.StatusUnprocessableEntity, until, notTheNumber)
	}
	return s.doJob(c, order, trashPath)
}

// spaceView says that there is no space, or little, and what to do; empty where there is enough.
type spaceView struct {
	// Text is what is wrong: "The storage is full: no files are accepted."
	Text string
	// Empty is the path of the page that asks before the trash is emptied; empty for those who may not.
	Empty string
}

// space returns what a page of staff says of the space. Pages can be shown without it.
func (s *Server) space(c echo.Context, p page) (v spaceView) {
	short, err := s.svc.Shortage(c.Request().Context())
	switch {
	case err != nil:
		s.log.WarnContext(c.Request().Context(), "it is not known whether there is space", "request_id", requestID(c),
			"err", err)
	case short == dossier.SpaceNone:
		v.Text = "The storage is full: no files are accepted."
	case short == dossier.SpaceShort:
		v.Text = "The storage is nearly full: large files are no longer accepted."
	}
	if p.Administrator {
		v.Empty = emptyTrashPath
	}
	return v
}

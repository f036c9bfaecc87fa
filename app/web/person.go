package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// personView is a person as pages show it.
type personView struct {
	ID string
	dossier.Details
	// At is when the person submitted.
	At moment
	// Deleting: the person is marked and on the way out.
	Deleting bool
	// Path of the person's page for staff, Link of that of the private link, Delete of the page that asks before
	// deleting.
	Path, Link, Delete string
	// Export is the path of everything that is known of the person, as one ZIP.
	Export string
}

// detailView is one of a person's details.
type detailView struct {
	dossier.Field
	Value string
}

// Shown returns the person's details, all of them.
func (v personView) Shown() []detailView {
	var all []detailView
	for _, f := range dossier.Fields {
		all = append(all, detailView{f, f.Of(v.Details)})
	}
	return all
}

// personOf returns a person as the submitter sees it.
func personOf(p dossier.Person) personView {
	return personView{ID: p.ID.String(), Details: p.Details, Deleting: p.State == dossier.PersonDeleting,
		At: momentOf(p.CreatedAt)}
}

// personForStaff adds the ways that staff have, from a place.
func personForStaff(p dossier.Person, from place) personView {
	v, path := personOf(p), personPath(p.ID)
	v.Path, v.Link, v.Delete = from.on(path), from.on(path+"/link"), from.on(path+"/delete")
	v.Export = path + "/export.zip"
	return v
}

func personPath(id dossier.PersonID) string { return "/people/" + id.String() }

// personPageView is one person for staff (person.html).
type personPageView struct {
	page
	Person personView
	// Directory is the path of the directory's page that the person was found on.
	Directory string
	// Files are those of the page, Total is the number and size of all that are stored: "3 files, 12.4 MB".
	Files []fileView
	Total string
	// Unfinished are files that are on their way or broke off, as many as the page names, and MoreUnfinished is how
	// many others there are ("12 more files"); empty: none.
	Unfinished     []fileView
	MoreUnfinished string
	// Cards: files are shown as cards. Look is the path of the other look.
	Cards bool
	Look  string
	// ReceiptExpires is when the person's receipt expires; none: never.
	ReceiptExpires moment
	// Archive is the path of all stored files as one ZIP, empty unless there are several; ArchiveText is what it is
	// called.
	Archive, ArchiveText string
	// History are the newest entries of the audit trail about the person, and AllHistory the path of all, for
	// administrators.
	History    []entryView
	AllHistory string
	// Unscanned: nobody checks files for malware.
	Unscanned bool
	pager
}

// person shows one person with a page of the files.
func (s *Server) person(c echo.Context) error {
	p, err := s.staffPerson(c)
	if err != nil {
		return err
	}
	at, err := placeOf(c)
	if err != nil {
		return err
	}
	path := personPath(p.ID)
	has, err := s.progress(c, p.ID)
	if err != nil {
		return err
	}
	files, err := s.listing(c, p.ID, path, at, has)
	if err != nil {
		return err
	}
	v := personPageView{page: s.page(c, p.Name), Person: personForStaff(p, at), Directory: at.from.path(),
		Total: total(has.Stored), Archive: files.archive, ArchiveText: s.archiveText(has), pager: files.pager,
		Unscanned:      !s.svc.Scanned(),
		ReceiptExpires: momentOf(p.ReceiptExpires), Cards: at.cards, Look: at.as(!at.cards).on(path)}
	if v.Archive != "" && strings.Contains(v.ArchiveText, v.Total) {
		v.Total = "" // the link tells it
	}
	for _, f := range files.files {
		if f.State != dossier.FileUploading {
			v.Files = append(v.Files, s.fileForStaff(f, at))
		}
	}
	if v.History, err = s.history(c, p.ID); err != nil {
		return err
	}
	if v.Administrator {
		v.AllHistory = withQuery(auditPath, url.Values{"subject": {p.ID.String()}})
	}
	v.Unfinished, v.MoreUnfinished = has.unfinished, has.more()
	for i := range v.Unfinished {
		v.Unfinished[i].Delete = at.on(filePath(path, v.Unfinished[i].ID) + "/delete")
	}
	if !v.Editor {
		v.readOnly()
	}
	return s.render(c, http.StatusOK, "person", v)
}

// readOnly takes what only editors may do from the page.
func (v *personPageView) readOnly() {
	v.Person.Link, v.Person.Delete = "", ""
	for _, files := range [][]fileView{v.Files, v.Unfinished} {
		for i := range files {
			files[i].Delete = ""
		}
	}
}

// personArchive downloads all files of a person at once.
func (s *Server) personArchive(c echo.Context) error {
	p, err := s.staffPerson(c)
	if err != nil {
		return err
	}
	return s.archive(c, p, dossier.ToStaff)
}

// personExport downloads everything that is known of a person.
func (s *Server) personExport(c echo.Context) error {
	p, err := s.staffPerson(c)
	if err != nil {
		return err
	}
	return s.export(c, p, dossier.ToStaff)
}

// staffPerson returns the person that the path names.
func (s *Server) staffPerson(c echo.Context) (dossier.Person, error) {
	id, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return dossier.Person{}, personAbsent(err)
	}
	p, err := s.svc.Person(c.Request().Context(), id)
	return p, personAbsent(err)
}

// personAbsent has the page of a person who is not there lead to the directory. Whoever was deleted and whoever never
// was get the same page.
func personAbsent(err error) error {
	if !errors.Is(err, dossier.ErrNotFound) {
		return err
	}
	return &absent{err, "This person is not here",
		"The person may have been deleted. Check the link, or search the directory.", "/people", "Go to the directory"}
}

// fileAbsent has the page of a file that is not there lead to its person, and where there is none to the directory.
func (s *Server) fileAbsent(c echo.Context, person dossier.PersonID, err error) error {
	if !errors.Is(err, dossier.ErrNotFound) {
		return err
	}
	p, look := s.svc.Person(c.Request().Context(), person)
	if look != nil {
		return personAbsent(err)
	}
	return &absent{err, "This file is not here", "The file may have been deleted.", personPath(p.ID), "Go to " + p.Name}
}

// staffFile returns the record that the path names.
func (s *Server) staffFile(c echo.Context) (dossier.File, error) {
	person, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return dossier.File{}, personAbsent(err)
	}
	id, err := dossier.ParseFileID(c.Param("file"))
	if err != nil {
		return dossier.File{}, s.fileAbsent(c, person, err)
	}
	// Nothing is left of a person in the trash.
	if _, err := s.svc.Person(c.Request().Context(), person); err != nil {
		return dossier.File{}, personAbsent(err)
	}
	f, err := s.svc.File(c.Request().Context(), person, id)
	return f, s.fileAbsent(c, person, err)
}

// staffRecord returns the record of the stored or unfinished file that the path names.
func (s *Server) staffRecord(c echo.Context) (dossier.File, error) {
	f, err := s.staffFile(c)
	if !errors.Is(err, dossier.ErrNotFound) {
		return f, err
	}
	person, ofPerson := dossier.ParsePersonID(c.Param("id"))
	id, ofFile := dossier.ParseFileID(c.Param("file"))
	if ofPerson != nil || ofFile != nil {
		return f, err
	}
	if _, gone := s.svc.Person(c.Request().Context(), person); gone != nil {
		return f, err
	}
	f, unfinished := s.svc.UnfinishedFile(c.Request().Context(), person, id)
	if errors.Is(unfinished, dossier.ErrNotFound) {
		return f, err
	}
	return f, unfinished
}

// file downloads a file.
func (s *Server) file(c echo.Context) error {
	f, err := s.staffFile(c)
	if err != nil {
		return err
	}
	return s.save(c, f, dossier.ToStaff)
}

// picture shows a file in a page, by its thumbnail.
func (s *Server) picture(c echo.Context) error {
	f, err := s.staffFile(c)
	if err != nil {
		return err
	}
	return s.thumbnail(c, f, dossier.ToStaff)
}

package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// receiptView is a submitter's receipt (receipt.html), and the answer to a submission that was kept in part.
type receiptView struct {
	page
	// Link is the absolute URL of the receipt: to be kept, and to be told to nobody.
	Link string
	// Manage is the path of the page by which it is replaced.
	Manage string
	// Expires is when it expires; none: never.
	Expires moment
	// Receipt opens the person to the script by which more files are added.
	Receipt string
	// Complete: everything that was sent is stored. Incomplete: something is not. Neither: that stands on several
	// pages. Pending: the submission was never acknowledged (the form has to be sent again).
	Complete, Incomplete, Pending bool
	// Notice and Advice, where something was not kept; empty else.
	Notice, Advice string
	RequestID      string
	Person         personView
	// Files are those of the page. Total is the number and size of all, where there are several pages: "1,234 files,
	// 12 GB".
	Files []fileView
	Total string
	// Archive is the path of all stored files as one ZIP; empty unless there are several.
	Archive string
	pager
}

// receipt shows a submitter what is stored.
func (s *Server) receipt(c echo.Context, receipt dossier.Receipt, person dossier.Person) error {
	after, err := filesAfter(c)
	if err != nil {
		return err
	}
	files, err := s.listing(c, person.ID, receiptPath(person.ID), place{after: after})
	if err != nil {
		return err
	}
	s.allowUploads(c)
	return s.render(c, http.StatusOK, "receipt", s.receiptView(c, receipt, person, files))
}

func (s *Server) receiptView(c echo.Context, receipt dossier.Receipt, person dossier.Person,
	files listing) receiptView {
	path := receiptPath(person.ID)
	v := receiptView{
		page: s.page(c, "Your receipt"), Link: s.receiptLink(receipt), Receipt: receipt.String(),
		Person:  personOf(person),
		Pending: person.State == dossier.PersonSubmitting, pager: files.pager,
	}
	v.Manage = path + "/link"
	v.Expires = momentOf(person.ReceiptExpires)
	stored := map[string]bool{}
	for _, f := range files.files {
		stored[f.Name] = stored[f.Name] || f.State == dossier.FileStored && f.Damage == nil
	}
	// Of what stands on other pages nothing is known here.
	v.Complete = !v.Pending && !v.paged()
	for _, f := range files.files {
		// What is on its way out, and a try that another of the same name made good, are no news to the submitter.
		if f.State == dossier.FileDeleting || f.State == dossier.FileUploading && stored[f.Name] {
			continue
		}
		file := s.fileOf(f, path, dossier.ToAll)
		switch {
		case v.Pending:
			file.State, file.Download = string(dossier.FileUploading), ""
			file.Why = "Is not confirmed. Send the form again."
		case f.State == dossier.FileUploading:
			v.Complete, v.Incomplete = false, true
			file.Why = "Is on its way, or broke off. If it stays like this, send it again."
		case f.Damage != nil:
			v.Complete, v.Incomplete = false, true
			file.Why = "The stored copy is damaged. Send the file again to replace it."
		}
		v.Files = append(v.Files, file)
	}
	if !v.Pending {
		v.Archive = files.archive
	}
	if v.paged() {
		v.Total = files.total
	}
	return v
}

// receiptFile gives a submitter a stored file back.
func (s *Server) receiptFile(c echo.Context, _ dossier.Receipt, person dossier.Person) error {
	id, err := dossier.ParseFileID(c.Param("file"))
	if err != nil {
		return err
	}
	f, err := s.svc.File(c.Request().Context(), person.ID, id)
	if err != nil {
		return err
	}
	return s.save(c, f, dossier.ToAll)
}

// receiptArchive gives a submitter all stored files back at once.
func (s *Server) receiptArchive(c echo.Context, _ dossier.Receipt, person dossier.Person) error {
	return s.archive(c, person, dossier.ToAll)
}

package web

import (
	"net/http"

	"github.com/dustin/go-humanize"
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
	// Limits say what types of files may be added.
	Limits dossier.Limits
	// Pending: the submission was never acknowledged (the form has to be sent again). Complete: everything that was
	// sent is stored. Sending: it is not yet, but on its way. None: something is missing.
	Pending, Complete, Sending bool
	// Total is how many files were sent, Count that number with its noun, and Progress how many of them are stored ("3
	// of 5 files"); empty where nobody knows.
	Total           int64
	Count, Progress string
	// Notice and Advice, where something was not kept; empty else.
	Notice, Advice string
	RequestID      string
	Person         personView
	// Missing are the files that are not stored, as many as the page names, and MoreMissing is how many others there
	// are ("12 more files"); empty: none.
	Missing     []fileView
	MoreMissing string
	// Files are the stored files of the page.
	Files []fileView
	// Archive is the path of all stored files as one ZIP, empty unless there are several; ArchiveText is what it is
	// called.
	Archive, ArchiveText string
	pager
}

// receipt shows a submitter what is stored.
func (s *Server) receipt(c echo.Context, receipt dossier.Receipt, person dossier.Person) error {
	after, err := filesAfter(c)
	if err != nil {
		return err
	}
	has, err := s.progress(c, person.ID)
	if err != nil {
		return err
	}
	files, err := s.listing(c, person.ID, receiptPath(person.ID), place{after: after}, has)
	if err != nil {
		return err
	}
	s.allowUploads(c)
	return s.render(c, http.StatusOK, "receipt", s.receiptView(c, receipt, person, has, files))
}

func (s *Server) receiptView(c echo.Context, receipt dossier.Receipt, person dossier.Person, has progress,
	files listing) receiptView {
	path := receiptPath(person.ID)
	v := receiptView{
		page: s.page(c, "Your receipt"), Link: s.receiptLink(c, receipt), Receipt: receipt.String(),
		Limits: s.svc.Limits(), Person: personOf(person), Manage: path + "/link",
		Expires: momentOf(person.ReceiptExpires),
		Pending: person.State == dossier.PersonSubmitting, pager: files.pager,
	}
	if !v.Pending {
		v.Person.Export = path + "/export.zip"
	}
	if v.Pending {
		for _, f := range files.files {
			if f.State != dossier.FileDeleting {
				file := s.fileOf(f, path, dossier.ToAll)
				file.State, file.Download = string(dossier.FileUploading), ""
				file.Why = "Not confirmed. Send the form again."
				v.Missing = append(v.Missing, file)
			}
		}
		return v
	}
	v.Total = has.stored() + has.missing()
	v.Count = counted(v.Total, "file")
	v.Progress = humanize.Comma(has.stored()) + " of " + v.Count
	v.Complete, v.Sending = has.missing() == 0, has.sending
	v.Missing, v.MoreMissing = has.unfinished, has.more()
	for _, f := range files.files {
		// What is not stored stands in Missing, and what is on its way out is no news to the submitter.
		if f.State != dossier.FileStored {
			continue
		}
		file := s.fileOf(f, path, dossier.ToAll)
		if f.Damage != nil {
			file.Why = "The stored copy is damaged. Send the file again to replace it."
			v.Missing = append(v.Missing, file)
			continue
		}
		v.Files = append(v.Files, file)
	}
	if v.Archive = files.archive; v.Archive != "" {
		v.ArchiveText = s.archiveText(has)
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

// receiptExport gives a submitter everything that is known of them.
func (s *Server) receiptExport(c echo.Context, _ dossier.Receipt, person dossier.Person) error {
	return s.export(c, person, dossier.ToAll)
}

// receiptArchive gives a submitter all stored files back at once.
func (s *Server) receiptArchive(c echo.Context, _ dossier.Receipt, person dossier.Person) error {
	return s.archive(c, person, dossier.ToAll)
}

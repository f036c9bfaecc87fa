package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// receipt shows a submitter what is stored.
func (s *Server) receipt(c echo.Context) error {
	receipt, err := dossier.ParseReceipt(c.Param("receipt"))
	if err != nil {
		return err
	}
	person, files, err := s.svc.ByReceipt(c.Request().Context(), receipt)
	if err != nil {
		return err
	}
	c.Response().Header().Set("X-Robots-Tag", "noindex")
	s.allowUploads(c)
	return s.render(c, http.StatusOK, "receipt", s.receiptView(c, receipt, person, files))
}

func (s *Server) receiptView(c echo.Context, receipt dossier.Receipt, person dossier.Person, files []dossier.File) receiptView {
	path := "/receipt/" + receipt.String()
	v := receiptView{
		page: s.page(c, "Your receipt"), Link: s.o.PublicURL + path, Receipt: receipt.String(), Person: personOf(person),
		Pending: person.State == dossier.PersonSubmitting,
	}
	stored := map[string]bool{}
	for _, f := range files {
		stored[f.Name] = stored[f.Name] || f.State == dossier.FileStored
	}
	v.Complete = !v.Pending
	for _, f := range files {
		// What is on its way out, and a try that another of the same name made good, are no news to the submitter.
		if f.State == dossier.FileDeleting || f.State == dossier.FileUploading && stored[f.Name] {
			continue
		}
		file := fileOf(f, path)
		switch {
		case v.Pending:
			file.State, file.Download = string(dossier.FileUploading), ""
			file.Why = "Is not confirmed. Send the form again."
		case f.State == dossier.FileUploading:
			v.Complete = false
			file.Why = "Is on its way, or broke off. If it stays like this, send it again."
		}
		v.Files = append(v.Files, file)
	}
	if !v.Pending {
		v.Archive = archivePath(path, files)
	}
	return v
}

// receiptFile gives a submitter a stored file back.
func (s *Server) receiptFile(c echo.Context) error {
	receipt, err := dossier.ParseReceipt(c.Param("receipt"))
	if err != nil {
		return err
	}
	id, err := dossier.ParseFileID(c.Param("file"))
	if err != nil {
		return err
	}
	f, err := s.svc.FileByReceipt(c.Request().Context(), receipt, id)
	if err != nil {
		return err
	}
	return s.save(c, f)
}

// receiptArchive gives a submitter all stored files back at once.
func (s *Server) receiptArchive(c echo.Context) error {
	receipt, err := dossier.ParseReceipt(c.Param("receipt"))
	if err != nil {
		return err
	}
	person, files, err := s.svc.ByReceipt(c.Request().Context(), receipt)
	if err != nil {
		return err
	}
	return s.archive(c, person, files)
}

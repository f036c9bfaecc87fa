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
	person, err := s.svc.ByReceipt(c.Request().Context(), receipt)
	if err != nil {
		return err
	}
	files, err := s.listing(c, person.ID, "/receipt/"+receipt.String())
	if err != nil {
		return err
	}
	c.Response().Header().Set("X-Robots-Tag", "noindex")
	s.allowUploads(c)
	return s.render(c, http.StatusOK, "receipt", s.receiptView(c, receipt, person, files))
}

func (s *Server) receiptView(c echo.Context, receipt dossier.Receipt, person dossier.Person, files listing) receiptView {
	path := "/receipt/" + receipt.String()
	v := receiptView{
		page: s.page(c, "Your receipt"), Link: s.o.PublicURL + path, Receipt: receipt.String(), Person: personOf(person),
		Pending: person.State == dossier.PersonSubmitting, pager: files.pager,
	}
	stored := map[string]bool{}
	for _, f := range files.files {
		stored[f.Name] = stored[f.Name] || f.State == dossier.FileStored
	}
	// Of what stands on other pages nothing is known here.
	v.Complete = !v.Pending && !v.paged()
	for _, f := range files.files {
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
			v.Complete, v.Incomplete = false, true
			file.Why = "Is on its way, or broke off. If it stays like this, send it again."
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

// filesPerPage is how many files a page shows.
const filesPerPage = 100

// listing is what a page shows of a person's files.
type listing struct {
	files []dossier.File
	pager pager
	// total is the number and size of all files, as the quota counts them; archive the path of their archive, empty unless there are several.
	total, archive string
}

// listing returns the page of a person's files that the query asks for. Base is the path that their own paths lie under.
func (s *Server) listing(c echo.Context, person dossier.PersonID, base string) (listing, error) {
	ctx := c.Request().Context()
	after, err := filesAfter(c)
	if err != nil {
		return listing{}, err
	}
	page, err := s.svc.Files(ctx, person, dossier.FilesQuery{After: after, Limit: filesPerPage})
	if err != nil {
		return listing{}, err
	}
	counted, err := s.svc.Counted(ctx, person)
	if err != nil {
		return listing{}, err
	}
	l := listing{files: page.Files, pager: pager{FirstText: "First files", NextText: "Next files"}, total: total(counted)}
	if after != (dossier.FileID{}) {
		l.pager.First = base
	}
	if page.Next != (dossier.FileID{}) {
		l.pager.Next = base + behind(page.Next)
	}
	stored := 0
	for _, f := range page.Files {
		if f.State == dossier.FileStored {
			stored++
		}
	}
	if stored > 1 || stored > 0 && l.pager.paged() {
		l.archive = base + "/files.zip"
	}
	return l, nil
}

// filesAfter returns where the page of files begins that the query asks for.
func filesAfter(c echo.Context) (dossier.FileID, error) {
	text := c.QueryParam("after")
	if text == "" {
		return dossier.FileID{}, nil
	}
	id, err := dossier.ParseFileID(text)
	if err != nil {
		return dossier.FileID{}, malformed(err, "This page's address is damaged. Start again from the first page.")
	}
	return id, nil
}

// behind returns the query of the page of files that begins behind a file; empty for the first page.
func behind(after dossier.FileID) string {
	if after == (dossier.FileID{}) {
		return ""
	}
	return "?after=" + after.String()
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
	person, err := s.svc.ByReceipt(c.Request().Context(), receipt)
	if err != nil {
		return err
	}
	return s.archive(c, person)
}

package web

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// archive sends the stored files of a person as one ZIP to whom to says. There is no going on with one that broke off:
// its ranges are not kept anywhere.
func (s *Server) archive(c echo.Context, p dossier.Person, to dossier.Audience) error {
	return s.sendArchive(c, p.Name+".zip", func(ctx context.Context) (*dossier.Archive, error) {
		return s.svc.Archive(ctx, p.ID, to)
	})
}

// export sends everything that is known of a person as one ZIP to whom to says.
func (s *Server) export(c echo.Context, p dossier.Person, to dossier.Audience) error {
	return s.sendArchive(c, p.Name+", everything.zip", func(ctx context.Context) (*dossier.Archive, error) {
		return s.svc.Export(ctx, p, to)
	})
}

// sendArchive sends an archive under a name.
func (s *Server) sendArchive(c echo.Context, name string,
	make func(context.Context) (*dossier.Archive, error)) error {
	// For HEAD as well: its size takes a look at every record.
	w := pacedOf(c)
	leave, err := s.enterAs(c, s.gates.archives, &w.pace, w.cut)
	if err != nil {
		return err
	}
	defer leave()
	a, err := make(c.Request().Context())
	if err != nil {
		return err
	}
	if a.Files() == 0 {
		return &dossier.Error{Code: dossier.CodeNotFound}
	}
	res := c.Response()
	h := res.Header()
	describe(h, "application/zip", "attachment", dossier.TitledFileName(name))
	h.Set("Accept-Ranges", "none")
	h.Set("Content-Length", strconv.FormatInt(a.Size(), 10))
	if c.Request().Method == http.MethodHead {
		res.WriteHeader(http.StatusOK)
		return nil
	}
	// What fails before the buffer is full becomes an error page; later, observe cuts the connection.
	buffered := bufio.NewWriterSize(clientWriter{res}, archiveBuffer)
	if err := a.Write(c.Request().Context(), buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

// clientWriter ends the request when the client takes no more: that is nobody's fault, and nothing for the log.
type clientWriter struct{ io.Writer }

func (w clientWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		err = http.ErrAbortHandler
	}
	return n, err
}

// archiveBuffer is how much of an archive is held back, in bytes.
const archiveBuffer = 32 << 10

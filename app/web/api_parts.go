package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/bounds"
)

const crcRule = "Must be eight bytes in base64: 12 characters."

// signParts hands out the requests by which parts are sent.
func (s *Server) signParts(c echo.Context) error {
	person, id, err := s.callersFile(c)
	if err != nil {
		return err
	}
	// Before the body is read: who knows no file has nothing to say about it.
	file, err := s.svc.Announced(c.Request().Context(), person, id)
	if err != nil {
		return err
	}
	var in api.PartsToSign
	if err := s.readJSON(c, &in, bounds.PartsBytes); err != nil {
		return err
	}
	if len(in.Parts) < 1 || len(in.Parts) > dossier.MaxSigned {
		return invalid("parts", fmt.Sprintf("Name 1 to %d parts.", dossier.MaxSigned))
	}
	var faults faultList
	parts := make([]dossier.Part, len(in.Parts))
	for i, p := range in.Parts {
		crc, err := api.ParseCRC64NVME(p.Crc64Nvme)
		if err != nil {
			faults.add(fmt.Sprintf("parts/%d/crc64nvme", i), crcRule)
		}
		parts[i] = dossier.Part{Number: p.Number, Size: p.Size, CRC64: crc}
	}
	if err := faults.err(); err != nil {
		return err
	}
	signed, err := s.svc.SignParts(c.Request().Context(), file, parts, s.o.SignatureLifetime)
	if err != nil {
		return err
	}
	out := api.SignedParts{Parts: make([]api.SignedPart, len(signed))}
	for i, r := range signed {
		out.Parts[i] = api.SignedPart{
			Number: parts[i].Number, Method: api.SignedPartMethod(r.Method), URL: r.URL, Headers: r.Header,
			ExpiresAt: r.ExpiresAt.UTC(),
		}
	}
	return answerJSON(c, out)
}

// PartReceiver is an object store of this program's own, which takes the parts that clients send by the requests that
// it signed.
type PartReceiver interface {
	// Receive takes one part by a signed request: a PUT of u, of which it reads the path and the query, with a body of
	// contentLength bytes. The request needs no other proof of who sends it. Errors: ErrForbidden where it is not as it
	// was signed; ErrCorrupt where the body has another length or checksum; ErrNotFound where the multipart upload is
	// over; the body's own error, wrapped; ErrUnavailable; or that of ctx.
	Receive(ctx context.Context, u *url.URL, contentLength int64, body io.Reader) error
}

// sendPart takes a part where the store is embedded.
func (s *Server) sendPart(c echo.Context) error {
	if s.o.Parts == nil {
		return &dossier.Error{Code: dossier.CodeNotFound}
	}
	req := c.Request()
	if err := s.o.Parts.Receive(s.sending(c), req.URL, req.ContentLength, req.Body); err != nil {
		return ofBody(err)
	}
	return c.NoContent(http.StatusNoContent)
}

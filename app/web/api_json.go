package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// faultList collects the faulty members of a request, by JSON pointers without the first slash.
type faultList []dossier.FieldFault

// maxFaults is how many are told.
const maxFaults = 20

func (l *faultList) add(pointer, message string) {
	if len(*l) < maxFaults {
		*l = append(*l, dossier.FieldFault{Field: pointer, Message: message})
	}
}

// err returns the refusal, or nil where there is no fault.
func (l faultList) err() error {
	if len(l) == 0 {
		return nil
	}
	return &dossier.Error{Code: dossier.CodeInvalid, Fields: l}
}

// invalid is the refusal of one member.
func invalid(pointer, message string) error {
	return faultList{{Field: pointer, Message: message}}.err()
}

// pointerToken writes a member's name as it stands in a JSON pointer (RFC 6901). What is too long to be a mistake in
// writing is cut.
func pointerToken(name string) string {
	if len(name) > 100 {
		name = strings.ToValidUTF8(name[:100], "") + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// pointerOf writes a field of a fault as a JSON pointer in the form of a URI's fragment.
func pointerOf(field string) string {
	if field == "" {
		return "#"
	}
	u := url.URL{Fragment: "/" + field}
	return u.String()
}

// readJSON reads a request's body, of so many bytes at most, into v as the document says: all members that v's type
// has, and no others. Who may ask, and for what, is looked at before.
func (s *Server) readJSON(c echo.Context, v any, most int64) error {
	req := c.Request()
	mediaType, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" || params["charset"] != "" && !strings.EqualFold(params["charset"],
		"utf-8") {
		return dossier.Errorf(codeMediaType, err, "The body must be sent as application/json.")
	}
	if req.ContentLength > most {
		return longBody(most)
	}
	leave, err := s.enter(c, s.gates.json)
	if err != nil {
		return err
	}
	// Before the refusal, if any: what is left of a body is dropped without cost.
	defer leave()
	if b := bodyOf(c); b != nil {
		b.within(bounds.JSONTime)
	}
	body := &limitedBody{r: req.Body, left: most}
	err = decodeJSON(body, v)
	switch {
	case body.over:
		return longBody(most)
	case body.err != nil:
		return ofBody(body.err)
	}
	return err
}

func longBody(most int64) error {
	return dossier.Errorf(dossier.CodeTooLarge, nil, "The body may be at most %s.", dossier.FormatLimit(most))
}

// limitedBody reads a body up to a bound, and remembers why it ended.
type limitedBody struct {
	r    io.Reader
	left int64
	over bool
	err  error
}

// Read implements io.Reader.
func (l *limitedBody) Read(p []byte) (int, error) {
	if l.over || l.err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left+1)])
	if l.left -= int64(n); l.left < 0 {
		l.over = true
		return 0, io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		l.err = err
	}
	return n, err
}

// ofBody takes the message, which speaks of a form, from an error of reading a body.
func ofBody(err error) error {
	var coded *dossier.Error
	if errors.As(err, &coded) && (coded.Code == codeTimeout || coded.Code == dossier.CodeMalformed) {
		return &dossier.Error{Code: coded.Code, Err: err}
	}
	return err
}

// writeJSON answers with v.
func writeJSON(c echo.Context, status int, mediaType string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return c.Blob(status, mediaType, append(text, '\n'))
}

func answerJSON(c echo.Context, v any) error {
	return writeJSON(c, http.StatusOK, "application/json", v)
}

package web

import (
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// maxStaffForm bounds the body of a staff form in bytes: a token, a key and a path.
const maxStaffForm = 16 << 10

// staff lets only sessions through. Others go to the sign-in, and from there back to where they wanted to go.
func (s *Server) staff(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if _, ok := s.sessions.of(c.Request()); ok {
			return next(c)
		}
		to := c.Request().URL.RequestURI()
		if c.Request().Method == http.MethodPost {
			// The page of the same path asks again.
			to = c.Request().URL.EscapedPath()
		}
		return c.Redirect(http.StatusSeeOther, "/staff/sign-in?"+url.Values{"next": {safeNext(to)}}.Encode())
	}
}

// token lets only forms through that carry their session's token. It runs inside staff. Why there is a token beside the
// check of origin: see sameOrigin.
func (s *Server) token(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		form, err := readStaffForm(c.Request())
		if err != nil {
			return err
		}
		one, ok := s.sessions.of(c.Request())
		if !ok || !s.sessions.owns(one, form.Get("csrf")) {
			return &dossier.Error{Code: dossier.CodeForbidden}
		}
		return next(c)
	}
}

// readStaffForm reads the small form of a staff page.
func readStaffForm(r *http.Request) (url.Values, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, malformed(err, "The form must be sent as application/x-www-form-urlencoded.")
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxStaffForm+1))
	if err != nil {
		return nil, bodyFault(err)
	}
	if len(b) > maxStaffForm {
		return nil, dossier.Errorf(dossier.CodeTooLarge, nil, "This form takes up to %s.", dossier.FormatBytes(maxStaffForm))
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, malformed(err, "The form is damaged. Load the page again.")
	}
	return form, nil
}

package web

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/bounds"
	"dossier.example/app/staff"
)

// maxSmallForm bounds the body of a small form in bytes: a token, a key and a path.
const maxSmallForm = 16 << 10

// staff lets only sessions through whose actor has a role. Who has no session goes to the sign-in, and from there back
// to where they wanted to go.
func (s *Server) staff(r staffRoute) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			actor, ok, err := s.actor(c)
			switch {
			case err != nil:
				return err
			case ok && actor.Role().May(r.needs):
				return next(c)
			case ok:
				return s.refused(c, actor, r.needs, r.action, subjectOf(c))
			}
			if s.sessions.ended(c.Request()) {
				c.SetCookie(s.sessions.end())
				if c.Request().Method == http.MethodPost && r.path != signOutPath {
					s.say(c, "Your session has ended, and nothing was done. Sign in, then do it again.")
				} else {
					s.say(c, "Your session has ended. Sign in again.")
				}
			}
			to := url.Values{"next": {safeNext(pageBefore(c.Request()))}}
			return c.Redirect(http.StatusSeeOther, "/staff/sign-in?"+to.Encode())
		}
	}
}

// pageBefore returns the address of the page from which a member of the staff does again what a request asks for: of a
// form that of the same path, which asks again, and of a list as CSV the list itself.
func pageBefore(r *http.Request) string {
	if r.Method == http.MethodPost {
		return r.URL.EscapedPath()
	}
	if page, ok := strings.CutSuffix(r.URL.EscapedPath(), ".csv"); ok {
		return page + "?" + r.URL.RawQuery
	}
	return r.URL.RequestURI()
}

// forbiddenRole refuses what a role is not enough for.
func forbiddenRole(has, needs staff.Role) error {
	return dossier.Errorf(dossier.CodeForbidden, nil,
		"Your role, %s, does not allow this: it needs the role %s. An administrator can change your role.", has, needs)
}

// token lets only forms through that carry their session's token. It runs inside staff. Why there is a token beside the
// check of origin: see sameOrigin.
func (s *Server) token(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		form, err := readSmallForm(c)
		if err != nil {
			return err
		}
		one, ok, err := s.session(c)
		if err != nil {
			return err
		}
		if !ok || !s.sessions.owns(one, form.Get("csrf")) {
			return &dossier.Error{Code: dossier.CodeForbidden}
		}
		c.Set(formKey, form)
		return next(c)
	}
}

// formKey is where token leaves the form that it has read.
const formKey = "form"

func formOf(c echo.Context) url.Values {
	form, _ := c.Get(formKey).(url.Values)
	return form
}

// readSmallForm reads a form of a few fields: one of a staff page, the sign-in, a receipt.
func readSmallForm(c echo.Context) (url.Values, error) {
	r := c.Request()
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, malformed(err, "The form must be sent as application/x-www-form-urlencoded.")
	}
	tooLarge := dossier.Errorf(dossier.CodeTooLarge, nil, "This form takes up to %s.", dossier.FormatLimit(maxSmallForm))
	if r.ContentLength > maxSmallForm {
		return nil, tooLarge
	}
	if b := bodyOf(c); b != nil {
		b.small(bounds.SmallFormTime)
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxSmallForm+1))
	if err != nil {
		return nil, bodyFault(err)
	}
	if len(b) > maxSmallForm {
		return nil, tooLarge
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, malformed(err, "The form is damaged. Reload the page.")
	}
	return form, nil
}

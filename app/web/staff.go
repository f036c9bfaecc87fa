package web

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

const (
	// peoplePerPage is how many persons a page of the directory shows.
	peoplePerPage = 50
	// peoplePerRead is how many the CSV file reads at a time: the most that the service gives.
	peoplePerRead = 100
	// maxStaffForm bounds the body of a staff form: a token, a key and a path.
	maxStaffForm = 16 << 10
)

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

// token lets only forms through that carry their session's token. It runs inside staff. Why there is a token beside the check of origin:
// see sameOrigin.
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

// signInPage asks for the staff secret. The link that the server prints at its start fills it in.
func (s *Server) signInPage(c echo.Context) error {
	next := safeNext(c.QueryParam("next"))
	if _, ok := s.sessions.of(c.Request()); ok {
		return c.Redirect(http.StatusSeeOther, next)
	}
	return s.render(c, http.StatusOK, "signin", signInView{page: s.page(c, "Staff sign-in"), Key: c.QueryParam("key"), Next: next})
}

func (s *Server) signIn(c echo.Context) error {
	form, err := readStaffForm(c.Request())
	if err != nil {
		return err
	}
	next := safeNext(form.Get("next"))
	if !s.sessions.opens(form.Get("key")) {
		return s.render(c, http.StatusUnauthorized, "signin", signInView{
			page: s.page(c, "Staff sign-in"), Next: next, Fault: "This key is not the right one.",
		})
	}
	c.SetCookie(s.sessions.begin())
	return c.Redirect(http.StatusSeeOther, next)
}

func (s *Server) signOut(c echo.Context) error {
	c.SetCookie(s.sessions.end())
	return c.Redirect(http.StatusSeeOther, "/staff/sign-in")
}

// safeNext returns where a sign-in leads: raw if it is a staff page of this site, else the directory. It is built anew from its
// parts, so that nothing that a browser might read as another site gets through.
func safeNext(raw string) string {
	const directory = "/people"
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil {
		return directory
	}
	if u.Path != directory && !strings.HasPrefix(u.Path, directory+"/") || path.Clean(u.Path) != u.Path || strings.Contains(u.Path, `\`) {
		return directory
	}
	safe := url.URL{Path: u.Path}
	if q, err := url.ParseQuery(u.RawQuery); err == nil {
		safe.RawQuery = q.Encode()
	}
	return safe.String()
}

// search returns the query's search, fit to be handed on.
func search(c echo.Context) (string, error) {
	q := strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(c.QueryParam("q"), "")))
	if utf8.RuneCountInString(q) > dossier.MaxNameLength {
		return "", malformed(nil, "Search for at most %d characters.", dossier.MaxNameLength)
	}
	return q, nil
}

// people shows a page of the directory.
func (s *Server) people(c echo.Context) error {
	q, err := search(c)
	if err != nil {
		return err
	}
	after, err := dossier.ParseCursor(c.QueryParam("after"))
	if err != nil {
		return err
	}
	found, err := s.svc.People(c.Request().Context(), dossier.PeopleQuery{Search: q, After: after, Limit: peoplePerPage})
	if err != nil {
		return err
	}
	v := directoryView{page: s.page(c, "Directory"), Search: q, pager: pager{FirstText: "Newest", NextText: "Older"}}
	for _, p := range found.People {
		v.People = append(v.People, personForStaff(p))
	}
	if !after.IsZero() {
		v.First = directoryPath(q, dossier.Cursor{})
	}
	if !found.Next.IsZero() {
		v.Next = directoryPath(q, found.Next)
	}
	return s.render(c, http.StatusOK, "directory", v)
}

func directoryPath(q string, after dossier.Cursor) string {
	values := url.Values{}
	if q != "" {
		values.Set("q", q)
	}
	if !after.IsZero() {
		values.Set("after", after.String())
	}
	u := url.URL{Path: "/people", RawQuery: values.Encode()}
	return u.String()
}

// peopleCSV sends all that the directory would show, as RFC 4180. It is read and sent by pages, so its length does not matter.
func (s *Server) peopleCSV(c echo.Context) error {
	q, err := search(c)
	if err != nil {
		return err
	}
	query := dossier.PeopleQuery{Search: q, Limit: peoplePerRead}
	page, err := s.svc.People(c.Request().Context(), query)
	if err != nil {
		return err
	}
	res := c.Response()
	res.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	res.Header().Set("Content-Disposition", contentDisposition("attachment", "people.csv"))
	res.WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	w := csv.NewWriter(res)
	w.UseCRLF = true
	// The errors of Write are those of Flush, looked at below.
	_ = w.Write([]string{"id", "name", "location", "age", "technology", "submitted_at"})
	for {
		for _, p := range page.People {
			_ = w.Write([]string{
				p.ID.String(), defuse(p.Name), defuse(p.Location), strconv.Itoa(p.Age), defuse(p.Technology),
				p.CreatedAt.UTC().Format(time.RFC3339Nano),
			})
		}
		w.Flush()
		if err := w.Error(); err != nil {
			return http.ErrAbortHandler // nobody takes it any more
		}
		if page.Next.IsZero() {
			return nil
		}
		query.After = page.Next
		if page, err = s.svc.People(c.Request().Context(), query); err != nil {
			// The answer has begun: the connection is cut, so that nobody takes half a list for the whole.
			return fmt.Errorf("list more people: %w", err)
		}
	}
}

// defuse keeps a spreadsheet from taking a text for a formula (https://owasp.org/www-community/attacks/CSV_Injection).
func defuse(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", firstRune(text)) {
		return "'" + text
	}
	return text
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// person shows one person with a page of the files.
func (s *Server) person(c echo.Context) error {
	id, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return err
	}
	p, err := s.svc.Person(c.Request().Context(), id)
	if err != nil {
		return err
	}
	files, err := s.listing(c, id, personPath(id))
	if err != nil {
		return err
	}
	v := personPageView{page: s.page(c, p.Name), Person: personForStaff(p), Total: files.total, Archive: files.archive, pager: files.pager}
	for _, f := range files.files {
		file := fileForStaff(f)
		if file.Delete != "" && c.QueryParam("after") != "" {
			file.Delete += "?after=" + c.QueryParam("after") // by listing found to be an id
		}
		v.Files = append(v.Files, file)
	}
	return s.render(c, http.StatusOK, "person", v)
}

// staffFile returns the record that the path names.
func (s *Server) staffFile(c echo.Context) (dossier.File, error) {
	person, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return dossier.File{}, err
	}
	id, err := dossier.ParseFileID(c.Param("file"))
	if err != nil {
		return dossier.File{}, err
	}
	return s.svc.File(c.Request().Context(), person, id)
}

// file downloads a file.
func (s *Server) file(c echo.Context) error {
	f, err := s.staffFile(c)
	if err != nil {
		return err
	}
	return s.save(c, f)
}

// personArchive downloads all files of a person at once.
func (s *Server) personArchive(c echo.Context) error {
	id, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return err
	}
	p, err := s.svc.Person(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return s.archive(c, p)
}

// picture shows a file in a page, if it is a picture by its bytes.
func (s *Server) picture(c echo.Context) error {
	f, err := s.staffFile(c)
	if err != nil {
		return err
	}
	if !isPicture(f) {
		return &dossier.Error{Code: dossier.CodeNotFound}
	}
	return s.send(c, f, "inline")
}

func (s *Server) askDeletePerson(c echo.Context) error {
	id, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return err
	}
	p, err := s.svc.Person(c.Request().Context(), id)
	if err != nil {
		return err
	}
	has, err := s.svc.Counted(c.Request().Context(), id)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Delete %s?", p.Name)
	if has.Files > 0 {
		question = fmt.Sprintf("Delete %s and %s?", p.Name, counted(has.Files, "file"))
	}
	return s.render(c, http.StatusOK, "confirm", confirmView{
		page: s.page(c, "Delete a person"), Question: question, Consequence: "This cannot be undone.",
		Action: personPath(id) + "/delete", Cancel: personPath(id),
	})
}

func (s *Server) deletePerson(c echo.Context) error {
	id, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return err
	}
	// A submission that is still on its way is not there for staff, and not theirs to delete.
	if _, err := s.svc.Person(c.Request().Context(), id); err != nil {
		return err
	}
	if err := s.svc.DeletePerson(c.Request().Context(), id); err != nil {
		return halfDeleted(err)
	}
	return c.Redirect(http.StatusSeeOther, "/people")
}

func (s *Server) askDeleteFile(c echo.Context) error {
	after, err := filesAfter(c)
	if err != nil {
		return err
	}
	f, err := s.staffFile(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "confirm", confirmView{
		page: s.page(c, "Delete a file"), Question: fmt.Sprintf("Delete the file %s?", f.Name), Consequence: "This cannot be undone.",
		Action: filePath(personPath(f.Person), f.ID) + "/delete" + behind(after), Cancel: personPath(f.Person) + behind(after),
	})
}

func (s *Server) deleteFile(c echo.Context) error {
	person, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return err
	}
	id, err := dossier.ParseFileID(c.Param("file"))
	if err != nil {
		return err
	}
	after, err := filesAfter(c)
	if err != nil {
		return err
	}
	if err := s.svc.DeleteFile(c.Request().Context(), person, id); err != nil {
		return halfDeleted(err)
	}
	return c.Redirect(http.StatusSeeOther, personPath(person)+behind(after))
}

// halfDeleted says of a deletion that a store interrupted what becomes of it.
func halfDeleted(err error) error {
	if !errors.Is(err, dossier.ErrUnavailable) {
		return err
	}
	return dossier.Errorf(dossier.CodeUnavailable, err, "The storage did not answer. What was begun is finished later by itself; "+
		"to be sure, delete again in a minute.")
}

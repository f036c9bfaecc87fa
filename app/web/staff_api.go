package web

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// The part of the API that is for staff: what they do on pages, for their programs. Who may ask is decided in one place
// (staffAPI), by the table of operations.

// The people and files on a page where the request does not say how many, and the most.
const (
	peoplePage, maxPeoplePage = 50, 100
	filesPage                 = 100
)

// staffOperation is an operation of the API for staff.
type staffOperation struct {
	// The path is that below the API's prefix.
	staffRoute
	// scope is the scope without which a token is refused.
	scope staff.Scope
}

// staffOperations are all of them. The document says the same.
func (s *Server) staffOperations() []staffOperation {
	const (
		get, del = http.MethodGet, http.MethodDelete
		person   = "/staff/people/:id"
		file     = person + "/files/:file"
		viewer   = staff.Viewer
	)
	return []staffOperation{
		{staffRoute{get, "/staff/people", viewer, audit.PeopleSearch, noProof, s.listPeople}, staff.ScopeRead},
		{staffRoute{get, "/staff/people.csv", staff.Administrator, audit.PeopleExport, proof,
			s.exportCSV}, staff.ScopeExport},
		{staffRoute{get, "/staff/people.jsonl", staff.Administrator, audit.PeopleExport, proof,
			s.exportLines}, staff.ScopeExport},
		{staffRoute{get, person, viewer, audit.PersonView, noProof, s.readPerson}, staff.ScopeRead},
		{staffRoute{del, person, staff.Editor, audit.PersonDelete, noProof, s.apiTrashPerson}, staff.ScopeTrash},
		{staffRoute{get, person + "/files.zip", viewer, audit.PersonDownload, noProof, s.personArchive},
			staff.ScopeDownload},
		{staffRoute{get, file, viewer, audit.FileView, noProof, s.readPersonsFile}, staff.ScopeRead},
		{staffRoute{del, file, staff.Editor, audit.FileDelete, noProof, s.apiTrashFile}, staff.ScopeTrash},
		{staffRoute{get, file + "/content", viewer, audit.FileDownload, noProof, s.file}, staff.ScopeDownload},
	}
}

// staffAPIRoutes registers them.
func (s *Server) staffAPIRoutes() {
	for _, o := range s.staffOperations() {
		s.echo.Add(o.method, api.Prefix+o.path, o.handler, s.staffAPI(o))
		if o.method == http.MethodGet {
			s.echo.HEAD(api.Prefix+o.path, o.handler, s.staffAPI(o))
		}
	}
}

// staffAPI lets only those use an operation who may: whoever sends a personal token with its scope, or reads by a
// session on a page of this site, in both cases with the role that it needs at this moment.
func (s *Server) staffAPI(o staffOperation) echo.MiddlewareFunc {
	query := s.document.parts.queryOf(o)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		next = s.recorded(o.action)(next)
		return func(c echo.Context) error {
			by, err := s.memberOf(c)
			if err != nil {
				return err
			}
			c.Set(actorKey, foundActor{by, true, nil})
			if by.Token != nil && !by.Token.Opens(o.scope) {
				if err := s.recordRefusal(c, by, o.action, subjectOf(c)); err != nil {
					return err
				}
				return dossier.Errorf(codeScope, &challenge{fault: "insufficient_scope", scope: o.scope},
					"The token does not have the scope %s. Make one that has it.", o.scope)
			}
			if !by.Role().May(o.needs) {
				return s.refused(c, by, o.needs, o.action, subjectOf(c))
			}
			// A token was made with proof, and for this. A session may be left open on somebody's desk.
			if by.Token == nil && o.proof == proof && !s.provedSince(by, proofAge) {
				if err := s.recordRefusal(c, by, o.action, subjectOf(c)); err != nil {
					return err
				}
				return dossier.Errorf(dossier.CodeForbidden, nil, "The sign-in was more than %d minutes ago. Confirm "+
					"that it is you on the page /staff/proof, or send a personal token.", int(proofAge.Minutes()))
			}
			if err := known(c.QueryParams(), query); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// memberOf returns on whose behalf a request to the API for staff is made. A token goes before a session.
func (s *Server) memberOf(c echo.Context) (staff.Actor, error) {
	req := c.Request()
	if values := req.Header.Values("Authorization"); len(values) > 0 {
		return s.tokenOwner(c, values)
	}
	by, signedIn, err := s.actor(c)
	switch {
	case err != nil:
		return staff.Actor{}, err
	case !signedIn || foreign(c):
		return staff.Actor{}, unauthorized(`Send a personal token as "Authorization: Bearer TOKEN".`)
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		// A session changes nothing here: its forms have a token against other sites' pages, and this has none.
		return staff.Actor{}, unauthorized(
			`A session may only read. Send a personal token as "Authorization: Bearer TOKEN".`)
	}
	// A link on another site must not make a browser download what its user may read, so this is judged as a request
	// that changes something.
	judged := *req
	judged.Method = http.MethodPost
	if err := s.origins.Check(&judged); err != nil {
		return staff.Actor{}, &dossier.Error{Code: dossier.CodeForbidden, Err: err}
	}
	return by, nil
}

// tokenOwner returns on whose behalf a request with an Authorization header is made. Only wrong tokens count against a
// client's rate, and the right one is never refused: else whoever shares its address could lock it out.
func (s *Server) tokenOwner(c echo.Context, values []string) (staff.Actor, error) {
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return staff.Actor{}, unauthorized(`The header must be one "Authorization: Bearer TOKEN".`)
	}
	by, err := s.tokens.Of(c.Request().Context(), strings.TrimLeft(token, " "))
	var invalid staff.InvalidToken
	if !errors.As(err, &invalid) {
		return by, err
	}
	if s.wrongTokens != nil {
		if err := s.take(c, s.wrongTokens); err != nil {
			return staff.Actor{}, err
		}
	}
	if err := s.failed(c, s.tokenFailures, audit.TokenFail); err != nil {
		return staff.Actor{}, err
	}
	return staff.Actor{}, dossier.Errorf(codeUnauthorized, &challenge{fault: "invalid_token"}, "%s", invalid)
}

// challenge is the cause of a refusal that RFC 6750 has a code for (section 3.1).
type challenge struct {
	fault string
	// scope is what is needed; empty where that is not the matter.
	scope staff.Scope
}

func (ch *challenge) Error() string { return ch.fault }

// authenticate returns the WWW-Authenticate of a refusal; empty where there is none.
func authenticate(status int, cause error) string {
	const scheme = `Bearer realm="dossier"`
	var ch *challenge
	switch {
	case errors.As(cause, &ch) && ch.scope != "":
		return fmt.Sprintf(`%s, error="%s", scope="%s"`, scheme, ch.fault, ch.scope)
	case ch != nil:
		return fmt.Sprintf(`%s, error="%s"`, scheme, ch.fault)
	case status == http.StatusUnauthorized:
		return scheme
	}
	return ""
}

// queryOf returns the parameters that an operation takes in its query.
func (d documentParts) queryOf(o staffOperation) []string {
	path := o.path
	for _, name := range []string{"id", "file"} {
		path = strings.Replace(path, ":"+name, "{"+name+"}", 1)
	}
	op, _ := d.operationAt(o.method, path)
	var names []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	return names
}

// known refuses parameters that an operation does not have: an export by one that is mistyped would be one of
// everybody.
func known(query url.Values, names []string) error {
	for name, values := range query {
		switch {
		case !slices.Contains(names, name):
			return malformed(nil, "There is no parameter %q here.", pointerToken(name))
		case len(values) > 1:
			return malformed(nil, "The parameter %q is given twice.", name)
		}
	}
	return nil
}

// listPeople answers a page of the directory.
func (s *Server) listPeople(c echo.Context) error {
	people, err := peopleOf(c)
	if err != nil {
		return err
	}
	query := dossier.PeopleQuery{Filter: people.Filter, Sort: people.Sort}
	if query.After, err = dossier.ParseCursor(c.QueryParam("after")); err != nil {
		return malformed(err, `The parameter "after" must be what "next" of the page before says.`)
	}
	if query.Limit, err = limitOf(c, peoplePage, maxPeoplePage); err != nil {
		return err
	}
	page, err := s.svc.People(c.Request().Context(), query)
	if err != nil {
		return err
	}
	out := api.People{People: make([]api.Person, len(page.People))}
	for i, p := range page.People {
		out.People[i] = apiPerson(p)
	}
	if !page.Next.IsZero() {
		next := page.Next.String()
		out.Next = &next
	}
	if query.After.IsZero() && !page.Capped {
		out.Total = &page.Count
	}
	if page.Incomplete {
		out.Incomplete = &page.Incomplete
	}
	return answerTagged(c, out)
}

// peopleOf returns whom a request of the API is about, by the filters and the order that the directory has.
func peopleOf(c echo.Context) (dossier.Selection, error) {
	query := c.QueryParams()
	filter, err := dossier.ParseFilter(query.Get)
	if err != nil {
		return dossier.Selection{}, err
	}
	sort, err := dossier.ParseSort(query.Get("sort"))
	return dossier.Selection{Filter: filter, Sort: sort}, err
}

// limitOf returns the parameter "limit".
func limitOf(c echo.Context, preset, most int) (int, error) {
	text := c.QueryParam("limit")
	if text == "" {
		return preset, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, malformed(err, `The parameter "limit" must be a whole number from 1 to %d.`, most)
	}
	return n, nil
}

// exportCSV sends people as the directory does.
func (s *Server) exportCSV(c echo.Context) error {
	people, err := peopleOf(c)
	if err != nil {
		return err
	}
	return s.sendCSV(c, people)
}

// exportLines sends people as JSON lines. They are read and sent by pages, so their number does not matter.
func (s *Server) exportLines(c echo.Context) error {
	people, err := peopleOf(c)
	if err != nil {
		return err
	}
	next, stop := iter.Pull2(s.svc.Selected(c.Request().Context(), people))
	defer stop()
	p, err, more := next()
	if err != nil {
		return err
	}
	res := c.Response()
	res.Header().Set("Content-Type", "application/x-ndjson")
	res.Header().Set("Content-Disposition", contentDisposition("attachment", "people.jsonl"))
	res.WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	w := bufio.NewWriterSize(clientWriter{res}, linesBuffer)
	enc := json.NewEncoder(w)
	for n := 1; more; n++ {
		if err := enc.Encode(apiPerson(p)); err != nil {
			return err
		}
		tellRows(c, n)
		if p, err, more = next(); err != nil {
			_ = w.Flush()
			breakOff(res)
			return fmt.Errorf("list more people: %w", err)
		}
	}
	return w.Flush()
}

// linesBuffer is how much of an export is sent at a time, in bytes.
const linesBuffer = 32 << 10

// readPerson answers a person with a page of files.
func (s *Server) readPerson(c echo.Context) error {
	p, err := s.staffPerson(c)
	if err != nil {
		return err
	}
	var query dossier.FilesQuery
	if query.Limit, err = limitOf(c, filesPage, dossier.MaxFilesPage); err != nil {
		return err
	}
	if text := c.QueryParam("after"); text != "" {
		if query.After, err = dossier.ParseFileID(text); err != nil {
			return malformed(err, `The parameter "after" must be what "next" of the page before says.`)
		}
	}
	page, err := s.svc.Files(c.Request().Context(), p.ID, query)
	if err != nil {
		return err
	}
	out := api.PersonWithFiles{Person: apiPerson(p), Files: []api.File{}}
	for _, f := range page.Files {
		if f.State != dossier.FileDeleting {
			out.Files = append(out.Files, apiFile(f))
		}
	}
	if page.Next != (dossier.FileID{}) {
		next := page.Next.String()
		out.Next = &next
	}
	return answerTagged(c, out)
}

// readPersonsFile answers what is recorded of a file.
func (s *Server) readPersonsFile(c echo.Context) error {
	f, err := s.staffRecord(c)
	if err != nil {
		return err
	}
	return answerTagged(c, apiFile(f))
}

// apiTrashPerson moves a person to the trash.
func (s *Server) apiTrashPerson(c echo.Context) error {
	by, err := s.by(c)
	if err != nil {
		return err
	}
	id, err := dossier.ParsePersonID(c.Param("id"))
	if err != nil {
		return err
	}
	if _, err := s.svc.TrashPerson(c.Request().Context(), id, by); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// apiTrashFile moves a file to the trash, or discards one that is not stored.
func (s *Server) apiTrashFile(c echo.Context) error {
	by, err := s.by(c)
	if err != nil {
		return err
	}
	f, err := s.staffRecord(c)
	switch {
	case err != nil:
		return err
	case f.State == dossier.FileUploading:
		err = s.svc.GiveUp(c.Request().Context(), f.Person, f.ID)
	default:
		_, err = s.svc.TrashFile(c.Request().Context(), f.Person, f.ID, by)
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// answerTagged answers with v and a tag of what it says, or 304 if the client has that already. v is one page, so it is
// held in memory.
func answerTagged(c echo.Context, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	sum := sha256.Sum256(text)
	h := c.Response().Header()
	h.Set("Content-Type", "application/json")
	h.Set("Etag", `"`+hex.EncodeToString(sum[:16])+`"`)
	// The tag is all that a request may make a condition of: there are no ranges of what changes with each request.
	for _, name := range []string{"Range", "If-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		c.Request().Header.Del(name)
	}
	return serveBytes(c, time.Time{}, append(text, '\n'))
}

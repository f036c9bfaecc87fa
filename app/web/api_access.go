package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// foreignKey is set for a request that a page of another site made, one of those that may use the API.
const foreignKey = "foreign"

// What pages of other sites may send, and read of an answer, beside what every page may. Signed requests to this server
// need no header of their own.
const (
	corsMethods = "GET, HEAD, POST, PUT, DELETE"
	corsHeaders = "Authorization, Content-Type, If-None-Match, If-Range, Range"
	corsExposed = "Accept-Ranges, Allow, Content-Disposition, Content-Range, ETag, Retry-After, WWW-Authenticate, " +
		"X-Request-Id"
	// corsAge is for how long a browser need not ask again, in seconds: the most that Chromium remembers.
	corsAge = "7200"
)

// cors lets pages of the sites in Options.APIOrigins use the API (https://fetch.spec.whatwg.org/#http-cors-protocol).
// It never allows credentials: such a page proves itself by a receipt, and a session's cookie that comes along all the
// same is not looked at. It runs before sameOrigin, which lets through what this has marked.
func (s *Server) cors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		req, h := c.Request(), c.Response().Header()
		if !ofAPI(req) {
			return next(c)
		}
		h.Add("Vary", "Origin")
		origin := req.Header.Get("Origin")
		if origin == "" || origin == s.o.PublicURL || !slices.Contains(s.o.APIOrigins, origin) {
			return next(c)
		}
		c.Set(foreignKey, true)
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsExposed)
		if req.Method == http.MethodOptions && req.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", corsHeaders)
			h.Set("Access-Control-Max-Age", corsAge)
			return c.NoContent(http.StatusNoContent)
		}
		return next(c)
	}
}

func foreign(c echo.Context) bool {
	yes, _ := c.Get(foreignKey).(bool)
	return yes
}

// unauthorized is the refusal of a request that proves nothing. The message is for whoever writes the client.
func unauthorized(message string) error {
	return dossier.Errorf(codeUnauthorized, nil, "%s", message)
}

// bearer returns the receipt that the request carries; none is no error.
func bearer(c echo.Context) (receipt dossier.Receipt, given bool, err error) {
	values := c.Request().Header.Values("Authorization")
	if len(values) == 0 {
		return dossier.Receipt{}, false, nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return dossier.Receipt{}, true, unauthorized(`The header must be one "Authorization: Bearer RECEIPT".`)
	}
	if strings.HasPrefix(strings.TrimLeft(token, " "), staff.TokenPrefix) {
		return dossier.Receipt{}, true, unauthorized("A personal token opens the operations for staff alone, which " +
			"are " +
			"below /api/v1/staff. Send a receipt.")
	}
	if receipt, err = dossier.ParseReceipt(strings.TrimLeft(token, " ")); err != nil {
		return dossier.Receipt{}, true,
			unauthorized("Not a receipt: a receipt has 64 characters.")
	}
	return receipt, true, nil
}

// caller is who asks, and for whom.
type caller struct {
	person dossier.PersonID
	// receipt is what proves it; nil for staff.
	receipt *dossier.Receipt
}

// caller returns whom the request is for: the receipt's person, or the one whom a member of the staff names. A receipt
// goes before a session. A session needs no token beside the check of origin, unlike the staff's forms: what changes
// something here is PUT, DELETE or JSON, which a page of another site cannot send without asking first, and cors then
// says no.
func (s *Server) caller(c echo.Context) (caller, error) {
	named := c.QueryParam("person")
	receipt, given, err := bearer(c)
	if err != nil {
		return caller{}, err
	}
	if given {
		p, err := s.svc.ByReceipt(c.Request().Context(), receipt)
		if errors.Is(err, dossier.ErrNotFound) {
			return caller{}, unauthorized("The receipt is not valid. If it was replaced, use the new one. Its person may " +
				"also have been deleted.")
		}
		if err != nil {
			return caller{}, err
		}
		if named != "" && named != p.ID.String() {
			return caller{}, &dossier.Error{Code: dossier.CodeNotFound}
		}
		return caller{p.ID, &receipt}, s.recordWithReceipt(c, p.ID)
	}
	actor, signedIn, err := s.actor(c)
	if err != nil {
		return caller{}, err
	}
	if !signedIn || foreign(c) {
		return caller{}, unauthorized(`Send the receipt as "Authorization: Bearer RECEIPT".`)
	}
	needs := staff.Editor
	if m := c.Request().Method; m == http.MethodGet || m == http.MethodHead {
		needs = staff.Viewer
	}
	action, of := actionOf(c), audit.Subject{Kind: audit.KindPerson, ID: onlyID(named), File: onlyID(c.Param("file"))}
	if !actor.Role().May(needs) {
		return caller{}, s.refused(c, actor, needs, action, of)
	}
	if named == "" {
		return caller{}, malformed(nil, `Name the person in the parameter "person".`)
	}
	id, err := dossier.ParsePersonID(named)
	if err != nil {
		return caller{}, err
	}
	_, err = s.begin(c, s.entry(c, auditActor(actor), action, of))
	return caller{person: id}, err
}

// actionOf returns what the audit trail calls the API's route of a request. A route without one is no staff's: the
// trail refuses it.
func actionOf(c echo.Context) audit.Action {
	action, _ := c.Get(actionKey).(audit.Action)
	return action
}

// recordWithReceipt records what a member of the staff looks at with a receipt. What they send with one is the
// holder's.
func (s *Server) recordWithReceipt(c echo.Context, id dossier.PersonID) error {
	action := actionOf(c)
	if foreign(c) || !action.Known() || action.Changes() {
		return nil
	}
	actor, signedIn, err := s.actor(c)
	if err != nil || !signedIn {
		return err
	}
	e := s.entry(c, auditActor(actor), action, personSubject(id, c.Param("file")))
	e.Detail = withReceipt
	_, err = s.begin(c, e)
	return err
}

// callersFile returns whom the request is for and the file that its path names.
func (s *Server) callersFile(c echo.Context) (dossier.PersonID, dossier.FileID, error) {
	by, err := s.caller(c)
	if err != nil {
		return dossier.PersonID{}, dossier.FileID{}, err
	}
	file, err := dossier.ParseFileID(c.Param("file"))
	return by.person, file, err
}

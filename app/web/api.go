package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/api"
)

// The JSON API. Its document is app/api/openapi.yaml; the handlers here read what it says, call the service and write what it says. Who
// asks is decided in one place (Server.caller), and so is what a refusal looks like (Server.problem).

const (
	// maxJSON bounds the body of a request in bytes. A hundred parts take about ten thousand.
	maxJSON = 1 << 20
	// jsonTime bounds how long such a body may take to arrive.
	jsonTime = time.Minute
	// completeTime bounds the completion of a file, which goes on when the client leaves: a store may have to copy all bytes of it.
	completeTime = 10 * time.Minute
	// receiptBuffer is how much of a receipt's answer is held back, in bytes.
	receiptBuffer = 32 << 10
	// maxSentName is the longest name that a file may be announced under, in characters, before it is made fit.
	maxSentName = 4096
)

// apiRoutes registers the API. Its document names exactly these.
func (s *Server) apiRoutes() {
	get := func(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) {
		s.echo.GET(api.Prefix+path, h, m...)
		s.echo.HEAD(api.Prefix+path, h, m...)
	}
	get("", func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, api.Prefix+"/") })
	get("/", s.apiPage)
	get("/openapi.json", s.apiDocument)
	get("/limits", s.apiLimits)

	s.echo.POST(api.Prefix+"/people", s.registerPerson, s.limited(s.o.RegisterRate))
	get("/receipt", s.readReceipt)

	s.echo.PUT(api.Prefix+"/files/:file", s.announceFile, s.limited(s.o.AnnounceRate))
	get("/files/:file", s.readFile)
	get("/files/:file/content", s.readContent)
	s.echo.DELETE(api.Prefix+"/files/:file", s.giveUpFile)
	s.echo.POST(api.Prefix+"/files/:file/parts", s.signParts, s.limited(s.o.SignRate))
	s.echo.POST(api.Prefix+"/files/:file/complete", s.completeFile)
	s.echo.PUT(api.Prefix+"/transfers/:transfer/parts/:number", s.sendPart)
}

// ofAPI tells whether a request is for the API, a route of it or not.
func ofAPI(r *http.Request) bool {
	return r.URL.Path == api.Prefix || strings.HasPrefix(r.URL.Path, api.Prefix+"/")
}

// foreignKey is set for a request that a page of another site made, one of those that may use the API.
const foreignKey = "foreign"

// What pages of other sites may send, and read of an answer, beside what every page may. The checksum is among the headers of a signed
// request where the store is embedded.
const (
	corsMethods = "GET, HEAD, POST, PUT, DELETE"
	corsHeaders = "Authorization, Content-Type, If-None-Match, If-Range, Range, X-Amz-Checksum-Crc64nvme"
	corsExposed = "Accept-Ranges, Allow, Content-Disposition, Content-Range, ETag, Retry-After, WWW-Authenticate, X-Request-Id"
	// corsAge is for how long a browser need not ask again, in seconds: the most that Chromium remembers.
	corsAge = "7200"
)

// cors lets pages of the sites in Options.APIOrigins use the API (https://fetch.spec.whatwg.org/#http-cors-protocol). It never allows
// credentials: such a page proves itself by a receipt, and a session's cookie that comes along all the same is not looked at. It runs before
// sameOrigin, which lets through what this has marked.
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
	if receipt, err = dossier.ParseReceipt(strings.TrimLeft(token, " ")); err != nil {
		return dossier.Receipt{}, true, unauthorized("The receipt in the Authorization header is none: it has 64 characters.")
	}
	return receipt, true, nil
}

// caller is who asks, and for whom.
type caller struct {
	person dossier.PersonID
	// receipt is what proves it; nil for staff.
	receipt *dossier.Receipt
}

// caller returns whom the request is for: the receipt's person, or the one whom a member of the staff names. A receipt goes before a session. A
// session needs no token beside the check of origin, unlike the staff's forms: what changes something here is PUT, DELETE or JSON, which a
// page of another site cannot send without asking first, and cors then says no.
func (s *Server) caller(c echo.Context) (caller, error) {
	named := c.QueryParam("person")
	receipt, given, err := bearer(c)
	if err != nil {
		return caller{}, err
	}
	if given {
		p, err := s.svc.ByReceipt(c.Request().Context(), receipt)
		if errors.Is(err, dossier.ErrNotFound) {
			return caller{}, unauthorized("The receipt opens nothing. Its person may have been deleted.")
		}
		if err != nil {
			return caller{}, err
		}
		if named != "" && named != p.ID.String() {
			return caller{}, &dossier.Error{Code: dossier.CodeNotFound}
		}
		return caller{p.ID, &receipt}, nil
	}
	if _, staff := s.sessions.of(c.Request()); !staff || foreign(c) {
		return caller{}, unauthorized(`Send the receipt as "Authorization: Bearer RECEIPT".`)
	}
	if named == "" {
		return caller{}, malformed(nil, `Name the person by the parameter "person".`)
	}
	id, err := dossier.ParsePersonID(named)
	return caller{person: id}, err
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

// readJSON reads a request's body into v as the document says: all members that v's type has, and no others.
func readJSON(c echo.Context, v any) error {
	req := c.Request()
	mediaType, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return dossier.Errorf(codeMediaType, err, "The body must be sent as application/json.")
	}
	tooLarge := dossier.Errorf(dossier.CodeTooLarge, nil, "The body may have up to %s.", dossier.FormatBytes(maxJSON))
	if req.ContentLength > maxJSON {
		return tooLarge
	}
	if b := bodyOf(c); b != nil {
		b.within(jsonTime)
	}
	text, err := io.ReadAll(io.LimitReader(req.Body, maxJSON+1))
	if err != nil {
		return ofBody(err)
	}
	if len(text) > maxJSON {
		return tooLarge
	}
	return decodeJSON(text, v)
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

// apiLimits tells what is taken.
func (s *Server) apiLimits(c echo.Context) error {
	l := s.svc.Limits()
	return answerJSON(c, api.Limits{
		MaxFileSize: l.FileBytes, MaxFiles: l.PersonFiles, MaxTotalSize: l.PersonBytes,
		MaxParts: dossier.MaxParts, MinPartSize: dossier.MinPartSize, MaxPartSize: dossier.MaxPartSize,
		MaxPartsPerRequest: dossier.MaxSigned, MaxRequestSize: maxJSON,
		SignatureLifetime: int(s.o.SignatureLifetime / time.Second),
	})
}

// registerPerson takes a person's details.
func (s *Server) registerPerson(c echo.Context) error {
	receipt, given, err := bearer(c)
	if err != nil {
		return err
	}
	if !given {
		receipt = dossier.NewReceipt()
	}
	var in api.Registration
	if err := readJSON(c, &in); err != nil {
		return err
	}
	p, err := s.svc.Register(c.Request().Context(), receipt, dossier.Details{
		Name: in.Name, Location: in.Location, Age: in.Age, Technology: in.Technology,
	})
	if err != nil {
		return err
	}
	return answerJSON(c, api.Registered{
		Receipt: receipt.String(), ReceiptURL: s.o.PublicURL + "/receipt/" + receipt.String(), Person: apiPerson(p),
	})
}

// readReceipt shows a person with all files, or a page of them. They are written as they are read, so that their number takes no memory.
func (s *Server) readReceipt(c echo.Context) error {
	by, err := s.caller(c)
	if err != nil {
		return err
	}
	ctx, q, all := c.Request().Context(), dossier.FilesQuery{Limit: dossier.MaxFilesPage}, true
	if text := c.QueryParam("after"); text != "" {
		if q.After, err = dossier.ParseFileID(text); err != nil {
			return malformed(err, `The parameter "after" must be what "next" of the page before says.`)
		}
	}
	if text := c.QueryParam("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > dossier.MaxFilesPage {
			return malformed(err, `The parameter "limit" must be a whole number from 1 to %d.`, dossier.MaxFilesPage)
		}
		all = false
	}
	var p dossier.Person
	if by.receipt != nil {
		p, err = s.svc.ByReceipt(ctx, *by.receipt)
	} else {
		p, err = s.svc.Person(ctx, by.person)
	}
	if err != nil {
		return err
	}
	page, err := s.svc.Files(ctx, p.ID, q)
	if err != nil {
		return err
	}
	res := c.Response()
	res.Header().Set("Content-Type", "application/json")
	if c.Request().Method == http.MethodHead {
		res.WriteHeader(http.StatusOK)
		return nil
	}
	// What fails before the buffer is full becomes a refusal; later, observe cuts the connection, and nobody takes half a list for the whole.
	w := bufio.NewWriterSize(clientWriter{res}, receiptBuffer)
	enc, between := json.NewEncoder(w), ""
	// The errors of the buffer are those of Flush.
	_, _ = w.WriteString(`{"person":`)
	_ = enc.Encode(apiPerson(p))
	_, _ = w.WriteString(`,"files":[`)
	for {
		for _, f := range page.Files {
			if f.State == dossier.FileDeleting {
				continue
			}
			_, _ = w.WriteString(between)
			if err := enc.Encode(apiFile(f)); err != nil {
				return fmt.Errorf("write JSON: %w", err)
			}
			between = ","
		}
		if !all || page.Next == (dossier.FileID{}) {
			break
		}
		q.After = page.Next
		if page, err = s.svc.Files(ctx, p.ID, q); err != nil {
			return fmt.Errorf("list more files: %w", err)
		}
	}
	_, _ = w.WriteString("]")
	if page.Next != (dossier.FileID{}) {
		_, _ = fmt.Fprintf(w, `,"next":"%s"`, page.Next)
	}
	_, _ = w.WriteString("}\n")
	return w.Flush()
}

// announceFile begins a file.
func (s *Server) announceFile(c echo.Context) error {
	by, err := s.caller(c)
	if err != nil {
		return err
	}
	id, err := dossier.ParseFileID(c.Param("file"))
	if err != nil {
		return malformed(err, "The file's id must be a UUID of version 7 in its canonical form, made up anew for each file.")
	}
	var in api.Announcement
	if err := readJSON(c, &in); err != nil {
		return err
	}
	var faults faultList
	if n := utf8.RuneCountInString(in.Name); n < 1 || n > maxSentName {
		faults.add("name", fmt.Sprintf("Must have 1 to %d characters.", maxSentName))
	}
	if in.Size < 0 {
		faults.add("size", "Must be 0 or more.")
	}
	if err := faults.err(); err != nil {
		return err
	}
	f, err := s.svc.Announce(c.Request().Context(), by.person, dossier.Announcement{ID: id, Name: in.Name, Size: in.Size})
	if err != nil {
		return err
	}
	return answerJSON(c, apiFile(f))
}

// readFile tells how far a file is.
func (s *Server) readFile(c echo.Context) error {
	person, id, err := s.callersFile(c)
	if err != nil {
		return err
	}
	f, parts, err := s.svc.Status(c.Request().Context(), person, id)
	if err != nil {
		return err
	}
	out := api.FileStatus{File: apiFile(f), Parts: make([]api.Part, len(parts))}
	for i, p := range parts {
		out.Parts[i] = api.Part{Number: p.Number, Size: p.Size, Crc64Nvme: api.FormatCRC64NVME(p.CRC64)}
	}
	return answerJSON(c, out)
}

// readContent gives a stored file back.
func (s *Server) readContent(c echo.Context) error {
	person, id, err := s.callersFile(c)
	if err != nil {
		return err
	}
	f, err := s.svc.File(c.Request().Context(), person, id)
	if err != nil {
		return err
	}
	return s.save(c, f)
}

// giveUpFile removes a file that is not stored.
func (s *Server) giveUpFile(c echo.Context) error {
	person, id, err := s.callersFile(c)
	if err != nil {
		return err
	}
	err = s.svc.GiveUp(c.Request().Context(), person, id)
	if errors.Is(err, dossier.ErrLost) {
		return dossier.Errorf(dossier.CodeLost, err, "The file is stored. Only staff can delete it.")
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// signParts hands out the requests by which parts are sent.
func (s *Server) signParts(c echo.Context) error {
	person, id, err := s.callersFile(c)
	if err != nil {
		return err
	}
	var in api.PartsToSign
	if err := readJSON(c, &in); err != nil {
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
	signed, err := s.svc.SignParts(c.Request().Context(), person, id, parts, s.o.SignatureLifetime)
	if err != nil {
		return err
	}
	out := api.SignedParts{Parts: make([]api.SignedPart, len(signed))}
	for i, r := range signed {
		out.Parts[i] = api.SignedPart{
			Number: parts[i].Number, Method: api.SignedPartMethod(r.Method), URL: r.URL, Headers: r.Header, ExpiresAt: r.ExpiresAt.UTC(),
		}
	}
	return answerJSON(c, out)
}

// completeFile makes a file of its parts.
func (s *Server) completeFile(c echo.Context) error {
	person, id, err := s.callersFile(c)
	if err != nil {
		return err
	}
	var in api.Completion
	if err := readJSON(c, &in); err != nil {
		return err
	}
	var faults faultList
	var sums dossier.Checksums
	if sums.CRC64, err = api.ParseCRC64NVME(in.Crc64Nvme); err != nil {
		faults.add("crc64nvme", crcRule)
	}
	if sums.SHA256, err = api.ParseSHA256(in.Sha256); err != nil {
		faults.add("sha256", "Must be 64 hexadecimal digits in lower case.")
	}
	if err := faults.err(); err != nil {
		return err
	}
	// All bytes are there by now: what is begun is worth finishing when the client leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), completeTime)
	defer cancel()
	f, err := s.svc.Complete(ctx, person, id, sums)
	if err != nil {
		return err
	}
	return answerJSON(c, apiFile(f))
}

// PartReceiver is an object store of this program's own, which takes the parts that clients send by the requests that it signed.
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
	if err := s.o.Parts.Receive(req.Context(), req.URL, req.ContentLength, req.Body); err != nil {
		return ofBody(err)
	}
	return c.NoContent(http.StatusNoContent)
}

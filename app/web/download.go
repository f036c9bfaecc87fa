package web

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// filePolicy is the Content-Security-Policy of files: should a browser show one in spite of all, it runs nothing, loads
// nothing and has an origin of its own.
const filePolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

// fileCaching lets the reader's own browser keep a file, and ask again each time: whoever signed out or deleted the
// file shall not find it.
const fileCaching = "private, no-cache"

// servedType returns the Content-Type under which a file is sent: its own where a browser can do nothing with it but
// show or play it, and else one that browsers only save.
func servedType(f dossier.File) string {
	base := baseType(f.Content.Type)
	switch {
	case f.Content.Picture(), base == "application/zip",
		strings.HasPrefix(base, "audio/"), strings.HasPrefix(base, "video/"):
		return base
	case base == "text/plain":
		return f.Content.Type
	}
	return "application/octet-stream"
}

// save has a browser save a stored file, for whom to says: from the object store itself where that gives links to what
// it has, else from here. HEAD is answered here. So is a page of another site, as after a redirect from here to
// elsewhere a browser tells the store no origin that it could allow.
func (s *Server) save(c echo.Context, f dossier.File, to dossier.Audience) error {
	req := c.Request()
	// What is known to be damaged passes through here, where it is compared.
	if f.Content == nil || f.Damage != nil || s.o.NoLinks || req.Method != http.MethodGet || foreign(c) {
		return s.send(c, f, to)
	}
	// The store adds no policy to its answer, so nothing must be shown: type and disposition are as from here, and
	// signed.
	link, err := s.svc.Link(req.Context(), f, to, dossier.ResponseHeader{
		ContentType: servedType(f), ContentDisposition: contentDisposition("attachment", f.Name),
		CacheControl: fileCaching,
	}, s.o.LinkLifetime)
	if errors.Is(err, errors.ErrUnsupported) {
		return s.send(c, f, to)
	}
	if err != nil {
		return err
	}
	// These are the store's to look at. It has ETags of its own, which a client that goes on after a break repeats
	// here.
	for _, name := range []string{"Range", "If-Range", "If-Match", "If-Unmodified-Since"} {
		req.Header.Del(name)
	}
	c.Response().Header().Set("Etag", etag(f))
	http.ServeContent(&linkWriter{c.Response(), link.URL}, req, "", f.CreatedAt, strings.NewReader(""))
	return nil
}

// linkWriter makes a redirect of the answer that has the content, and leaves a 304 as it is.
type linkWriter struct {
	*echo.Response
	to string
}

func (w *linkWriter) WriteHeader(status int) {
	h := w.Header()
	switch status {
	case http.StatusOK:
		for _, name := range []string{"Accept-Ranges", "Content-Length", "Content-Type", "Etag", "Last-Modified"} {
			h.Del(name)
		}
		h.Set("Location", w.to)
		status = http.StatusFound
	case http.StatusNotModified:
		h.Set("Cache-Control", fileCaching)
	}
	w.Response.WriteHeader(status)
}

func etag(f dossier.File) string { return `"` + hex.EncodeToString(f.Content.SHA256[:]) + `"` }

// describe sets the headers of everything that people sent and that is sent back.
func describe(h http.Header, mediaType, disposition, name string) {
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", contentDisposition(disposition, name))
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("X-Robots-Tag", "noindex")
	// nginx would take a gigabyte ahead of the client, and then nothing until the client has all of that: pacedWriter
	// would take it for one that has gone.
	h.Set("X-Accel-Buffering", "no")
}

// send sends a stored file: whole, in ranges, only its headers, or nothing where the browser has it already.
func (s *Server) send(c echo.Context, f dossier.File, to dossier.Audience) error {
	if f.Content == nil {
		return fmt.Errorf("stored file %s of person %s has no description", f.ID, f.Person)
	}
	// Before anything is told of the content: of an empty file, or for a HEAD, nothing is opened.
	if err := s.svc.HandOut(f, to); err != nil {
		return err
	}
	req, res := c.Request(), c.Response()
	h := res.Header()
	describe(h, servedType(f), "attachment", f.Name)
	h.Set("Cache-Control", fileCaching)
	h.Set("Etag", etag(f))

	content := &content{ctx: req.Context(), svc: s.svc, file: f, to: to}
	if f.Damage != nil {
		req.Header.Del("Range") // of what is known to be damaged only the whole can be compared
	}
	servableRange(req.Header, f.Content.Size)
	content.from, content.length = askedRange(req.Header.Get("Range"))
	defer content.close()
	w := &primedWriter{Response: res, content: content, head: req.Method == http.MethodHead}
	http.ServeContent(w, req, "", f.CreatedAt, content)
	// Before the first byte this becomes an error page; later, observe cuts the connection.
	return content.err
}

var (
	// oneRange is a Range header that asks for one range of bytes (RFC 9110, section 14.1.2).
	oneRange = regexp.MustCompile(`^bytes=(\d+-\d*|-\d+)$`)
	// closedRange is one that names both ends.
	closedRange = regexp.MustCompile(`^bytes=(\d{1,18})-(\d{1,18})$`)
	// noBytes is one that asks for the last 0 bytes.
	noBytes = regexp.MustCompile(`^bytes=-0+$`)
	// longNumber is more than an int64 is sure to hold.
	longNumber = regexp.MustCompile(`\d{19,}`)
)

// servableRange has http.ServeContent answer a request with a Range as RFC 9110 says (section 14.2). Several ranges
// would be an opening of the store each, and http.ServeContent would read them in a goroutine that may outlive its
// call; a unit that is unknown must be ignored; of nothing http.ServeContent would send a part from byte 0 to byte -1.
// The whole is a right answer each time.
func servableRange(h http.Header, size int64) {
	asked := h.Get("Range")
	if size == 0 || !oneRange.MatchString(asked) {
		h.Del("Range")
		return
	}
	h.Set("Range", servedRange(asked, size))
}

// serveBytes answers with content that is in memory, as its headers describe it.
func serveBytes(c echo.Context, modified time.Time, content []byte) error {
	servableRange(c.Request().Header, int64(len(content)))
	http.ServeContent(&contentWriter{c.Response(), len(content)}, c.Request(), "", modified, bytes.NewReader(content))
	return nil
}

// contentWriter mends headers of http.ServeContent, which gives no length to content with a coding, and lets caches
// keep as they like that it refused a range: one that keeps this instead of the content has nothing for all others.
type contentWriter struct {
	*echo.Response
	length int
}

func (w *contentWriter) WriteHeader(status int) {
	switch {
	case status == http.StatusOK:
		w.Header().Set("Content-Length", strconv.Itoa(w.length))
	case status >= http.StatusBadRequest:
		w.Header().Set("Cache-Control", "no-store")
	}
	w.Response.WriteHeader(status)
}

// servedRange returns a range as http.ServeContent takes it for what RFC 9110 says (section 14.1.2): it would answer
// the last 0 bytes, which cannot be satisfied, with a part that ends before it begins, and refuse a number that it
// cannot hold, which may well lie behind the last byte.
func servedRange(asked string, size int64) string {
	if noBytes.MatchString(asked) {
		return fmt.Sprintf("bytes=%d-", size)
	}
	return longNumber.ReplaceAllStringFunc(asked, func(number string) string {
		digits := strings.TrimLeft(number, "0")
		if len(digits) > 18 {
			return strings.Repeat("9", 18)
		}
		return "0" + digits
	})
}

// askedRange returns the range that a Range header asks for; length -1 where it does not name both ends.
func askedRange(header string) (from, length int64) {
	m := closedRange.FindStringSubmatch(header)
	if m == nil {
		return 0, -1
	}
	first, err1 := strconv.ParseInt(m[1], 10, 64)
	last, err2 := strconv.ParseInt(m[2], 10, 64)
	if err1 != nil || err2 != nil || last < first {
		return 0, -1
	}
	return first, last - first + 1
}

// contentDisposition returns a Content-Disposition with the name for all clients (RFC 6266): in full by RFC 8187, and
// before it what is left of it in ASCII for those that do not know that.
func contentDisposition(disposition, name string) string {
	var plain, full strings.Builder
	for _, r := range name {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%/`, r) {
			r = '_'
		}
		plain.WriteRune(r)
	}
	const hexDigits = "0123456789ABCDEF"
	for _, b := range []byte(name) {
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' ||
			strings.IndexByte("!#$&+-.^_`|~", b) >= 0 {
			full.WriteByte(b)
		} else {
			full.Write([]byte{'%', hexDigits[b>>4], hexDigits[b&15]})
		}
	}
	return fmt.Sprintf(`%s; filename="%s"; filename*=UTF-8''%s`, disposition, plain.String(), full.String())
}

// baseType returns a media type without its parameters.
func baseType(mediaType string) string {
	base, _, _ := strings.Cut(mediaType, ";")
	return strings.ToLower(strings.TrimSpace(base))
}

package web

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// pagePolicy is the Content-Security-Policy of pages: everything comes from this site, nothing is inline, nobody frames
// it.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// uploadPolicy is that of the pages that send files directly: they also start this site's worker, and connect to where
// signed requests lead; empty: to this site.
func uploadPolicy(partsOrigin string) string {
	if partsOrigin == "" {
		return pagePolicy + "; worker-src 'self'"
	}
	return strings.Replace(pagePolicy, "connect-src 'self'", "connect-src 'self' "+partsOrigin, 1) +
		"; worker-src 'self'"
}

// allowUploads lets the page that is about to be answered send files directly.
func (s *Server) allowUploads(c echo.Context) {
	c.Response().Header().Set("Content-Security-Policy", s.uploadPolicy)
}

// statusGone stands in the log for an answer that nobody was there to take. It is never sent; the number is the one
// that nginx uses.
const statusGone = 499

const requestIDKey = "request_id"

// requestID returns what stands in the log, in X-Request-Id and on error pages. It is always made here: one that a
// client sends could be made to collide with another's.
func requestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}

// observe is around everything: it names the request, sets the headers that every answer has, puts the body and the
// answer under deadlines, turns errors and panics into pages, and writes the request's line in the log.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		begun := time.Now()
		res := c.Response()
		// 65 bits: enough to be one of a kind in a log, short enough to be read out.
		c.Set(requestIDKey, rand.Text()[:13])
		paced := &pacedWriter{ResponseWriter: res.Writer, ctl: http.NewResponseController(res.Writer),
			idle: s.o.IdleTimeout}
		// The connection may still have a deadline of the request before.
		_ = paced.ctl.SetWriteDeadline(time.Time{})
		res.Writer = paced
		c.Set(pacedKey, paced)
		defer paced.release()
		s.secure(c)
		b := s.receive(c)
		if b != nil {
			c.Set(bodyKey, b)
			defer b.release()
		}

		err := safely(next, c)
		if b != nil && gone(c, err) && b.fault() != nil {
			// The request ended with its body. The client may have closed only its own direction, and be reading.
			err = b.fault()
		}
		abort := false
		switch {
		case err == nil:
		case errors.Is(err, http.ErrAbortHandler), res.Committed, gone(c, err):
			// Too late for a page: the connection is cut, so that the client sees that the answer is not whole.
			note(c, err)
			abort = true
			if !res.Committed {
				res.Status = statusGone
			}
		default:
			s.handleError(err, c)
		}
		s.logRequest(c, b, time.Since(begun), abort)
		if abort {
			reset(c)
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

// reset cuts the connection of a request of HTTP/1.0 by a reset. There, an answer of unknown length lasts until the
// connection closes, so that any part of it would look like the whole. Proxies may ask by 1.0: nginx before 1.29.7 does
// unless told otherwise.
func reset(c echo.Context) {
	if c.Request().ProtoAtLeast(1, 1) {
		return
	}
	conn, _, err := http.NewResponseController(c.Response().Writer).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// safely calls h and returns a panic as an error.
func safely(h echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		switch v := recover(); {
		case v == nil:
		case v == http.ErrAbortHandler:
			err = http.ErrAbortHandler
		default:
			stack := debug.Stack()
			if elsewhere, ok := v.(*dossier.PanicError); ok {
				stack = elsewhere.Stack
			}
			err = &panicked{v, stack}
		}
	}()
	return h(c)
}

// logRequest writes one line. The route's pattern stands for the path, since paths and queries hold names, and those of
// a former release receipts; there is no address either.
func (s *Server) logRequest(c echo.Context, b *body, took time.Duration, aborted bool) {
	res := c.Response()
	route := c.Path()
	if route == "" {
		route = "none"
	}
	attrs := []slog.Attr{
		slog.String("request_id", requestID(c)), slog.String("method", method(c.Request().Method)),
		slog.String("route", route),
		slog.Int("status", res.Status), slog.Int64("bytes", res.Size), slog.Duration("took", took),
	}
	if b != nil {
		attrs = append(attrs, slog.Int64("bytes_received", b.read))
	}
	level := slog.LevelInfo
	if route == "/livez" || route == "/readyz" {
		level = slog.LevelDebug
	}
	cause, _ := c.Get(causeKey).(error)
	if aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	switch {
	case cause == nil:
	case gone(c, cause) || errors.Is(cause, http.ErrAbortHandler):
	case aborted || res.Status >= 500:
		// Causes of 4xx are what the client sent, and no business of the log.
		level = slog.LevelError
		if code, _ := codeOf(cause); code == dossier.CodeFull || code == codeBusy {
			level = slog.LevelWarn // for each who asks: nothing is wrong, and a full disk is an error of its own, told once
		}
		attrs = append(attrs, slog.String("err", cause.Error()))
		var p *panicked
		if errors.As(cause, &p) {
			attrs = append(attrs, slog.String("stack", string(p.stack)))
		}
	}
	s.log.LogAttrs(c.Request().Context(), level, "request", attrs...)
}

// method returns a method fit for the log: a client may send anything as one.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return m
	}
	return "other"
}

// secure sets the headers that every answer has. Downloads and static files replace some.
func (s *Server) secure(c echo.Context) {
	h := c.Response().Header()
	h.Set("X-Request-Id", requestID(c))
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	// Other sites learn no path, which may hold a person's id. Stricter would be too much: under no-referrer browsers
	// send "Origin: null" with the site's own forms, and sameOrigin would refuse those of browsers that send no
	// Sec-Fetch-Site.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	// Pages hold receipts, tokens and people's details.
	h.Set("Cache-Control", "no-store")
	if s.https {
		hsts := "max-age=31536000"
		if s.o.HSTSSubdomains {
			hsts += "; includeSubDomains"
		}
		h.Set("Strict-Transport-Security", hsts)
	}
}

// sameOrigin refuses what another site's page makes a browser send (Sec-Fetch-Site, else Origin against Host). It holds
// for every method that changes something, the public form included, and works by headers alone, before any body is
// read.
//
// Staff forms have a token too (Server.token). This check relies on headers that very old browsers leave out, and
// passes requests that have neither, as those of programs; the token covers them, and a page of a sibling that shares
// the origin through a proxy. The token alone would leave out the sign-in form, which nobody has a session for yet. The
// public form needs no token: it carries no authority. Nothing happens to whoever is made to send it, and whoever sends
// it could as well send it from home.
func (s *Server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if foreign(c) {
			// A page that may use the API; cors marked it, and nothing in this request is believed but a receipt.
			return next(c)
		}
		if err := s.origins.Check(c.Request()); err != nil {
			return &dossier.Error{Code: dossier.CodeForbidden, Err: err}
		}
		return next(c)
	}
}

// readableQuery refuses a request whose query cannot be read as a whole. Go leaves out what it cannot read, and a list
// or an export by a filter that was left out would be one of everybody. The pages that people are led to from elsewhere
// take what other programs put behind their addresses.
func readableQuery(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch c.Request().URL.Path {
		case "/", "/receipt", callbackPath:
			return next(c)
		}
		if _, err := url.ParseQuery(c.Request().URL.RawQuery); err != nil {
			return malformed(err, `What is behind "?" in the address cannot be read. Write a percent sign as %%25, `+
				`and a semicolon as %%3B.`)
		}
		return next(c)
	}
}

// uncompressed refuses a body in a content coding, which nothing here undoes (RFC 9110, section 15.5.16): read as it
// is, it would look like one that was damaged on its way.
func uncompressed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		for _, coding := range c.Request().Header.Values("Content-Encoding") {
			if coding != "" && !strings.EqualFold(coding, "identity") {
				c.Response().Header().Set("Accept-Encoding", "identity")
				return dossier.Errorf(codeMediaType, nil, "The body must be sent uncompressed, without "+
					"Content-Encoding.")
			}
		}
		return next(c)
	}
}

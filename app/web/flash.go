package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// A flash is what the page after a redirect says of what was done: a sentence in a cookie that only this site's servers
// can write, that the next page takes away, and that lasts a minute where no page follows.

const (
	flashTime = time.Minute
	// flashBytes keeps the cookie well below the 4,096 bytes that browsers store (RFC 6265, section 6.1).
	flashBytes = 2000
)

// flashCookie returns the cookie of a text; the empty text removes it.
func (s *sessions) flashCookie(text string) *http.Cookie {
	cookie := &http.Cookie{Name: "dossier_flash", Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.secure,
		SameSite: http.SameSiteLaxMode}
	if s.secure {
		cookie.Name = "__Host-" + cookie.Name
	}
	if text == "" {
		return cookie
	}
	if len(text) > flashBytes {
		text = text[:flashBytes]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	payload := binary.BigEndian.AppendUint64(nil, uint64(s.now().Add(flashTime).Unix()))
	payload = append(payload, text...)
	cookie.Value = base64.RawURLEncoding.EncodeToString(append(mac(s.flash, payload), payload...))
	cookie.MaxAge = int(flashTime / time.Second)
	return cookie
}

// flashOf returns the text of a request's flash. given: the browser has one, be it good or not.
func (s *sessions) flashOf(r *http.Request) (text string, given bool) {
	cookie, err := r.Cookie(s.flashCookie("").Name)
	if err != nil {
		return "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value)
	if err != nil || len(b) < sha256.Size+8 || !hmac.Equal(mac(s.flash, b[sha256.Size:]), b[:sha256.Size]) {
		return "", true
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(b[sha256.Size:])), 0)
	if !s.now().Before(expires) {
		return "", true
	}
	return string(b[sha256.Size+8:]), true
}

// say has the next page say a sentence.
func (s *Server) say(c echo.Context, text string) { c.SetCookie(s.sessions.flashCookie(text)) }

// sayUndo is say of something that a form that posts to a path undoes; empty: nothing does.
func (s *Server) sayUndo(c echo.Context, text, path string) {
	if path != "" {
		text = undoMark + path + undoMark + text
	}
	s.say(c, text)
}

// undoMark surrounds the path of a flash that can be undone, before its sentence. No name has such a character.
const undoMark = "\x00"

// said takes the sentence that this page is to say, and the path of what undoes it; empty: nothing does.
func (s *Server) said(c echo.Context) (text, undo string) {
	text, given := s.sessions.flashOf(c.Request())
	if given {
		c.SetCookie(s.sessions.flashCookie(""))
	}
	if rest, ok := strings.CutPrefix(text, undoMark); ok {
		undo, text, _ = strings.Cut(rest, undoMark)
	}
	return text, undo
}

package web

import (
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// picturePolicy is that of a picture opened by itself: browsers build a page around it whose own style would count as
// inline.
const picturePolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

// placeholder is shown in place of a picture that has no thumbnail.
const placeholder = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240" width="320" height="240">` +
	`<path fill="none" stroke="#8a8f98" stroke-width="6" stroke-linejoin="round" ` +
	`d="M100 75h120v90h-120zM100 150l35-38 30 32 20-20 35 34"/><circle cx="190" cy="100" r="9" fill="#8a8f98"/></svg>`

// pictureRetry is when a request that waited for its turn in vain may be made again.
const pictureRetry = 10 * time.Second

// thumbnail answers with the thumbnail of a file, and never with the file. It is made where it is not yet, one at a
// time; a placeholder stands for one that cannot be made.
func (s *Server) thumbnail(c echo.Context, f dossier.File, to dossier.Audience) error {
	req, res := c.Request(), c.Response()
	made, err := s.svc.Thumbnail(req.Context(), f, to)
	if errors.Is(err, dossier.ErrUnmade) {
		release, ok := s.makers.take(req.Context(), s.client(c), bounds.PictureWait)
		if !ok {
			res.Header().Set("Retry-After", strconv.Itoa(int(pictureRetry.Seconds())))
			return showPlaceholder(c, http.StatusServiceUnavailable)
		}
		defer release()
		made, err = s.svc.MakeThumbnail(req.Context(), f, to)
	}
	if err != nil {
		return err
	}
	if made.JPEG == nil {
		return showPlaceholder(c, http.StatusOK)
	}
	h := res.Header()
	describe(h, "image/jpeg", "inline", f.Name+".jpg")
	h.Set("Content-Security-Policy", picturePolicy)
	h.Set("Cache-Control", fileCaching)
	h.Set("Etag", `"`+dossier.ThumbnailVersion+"-"+hex.EncodeToString(f.Content.SHA256[:])+`"`)
	return serveBytes(c, f.CreatedAt, made.JPEG)
}

// showPlaceholder answers with the placeholder, which is not to be kept: a thumbnail may be made another time.
func showPlaceholder(c echo.Context, status int) error {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", picturePolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	return c.Blob(status, "image/svg+xml", []byte(placeholder))
}

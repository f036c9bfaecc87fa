package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// The scripts are bundled from the sources in browser.
//
//go:generate node ../../tools/bundle.mjs

//go:embed templates/*.html static/*
var embedded embed.FS

// assets are the static files, each under a path that changes with its content, so that browsers keep them for ever and
// never show a page with last week's style.
type assets struct {
	files map[string]asset
}

type asset struct {
	content []byte
	// gzipped returns the content as gzip has it, compressed when it is first asked for.
	gzipped   func() []byte
	hash      string
	mediaType string
}

// assetTypes are the media types of static files by extension. The system's own table differs from machine to machine.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
}

func loadAssets(fsys fs.FS) (*assets, error) {
	a := &assets{files: map[string]asset{}}
	names, err := fs.Glob(fsys, "static/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read static file: %w", err)
		}
		mediaType := assetTypes[path.Ext(name)]
		if mediaType == "" {
			return nil, fmt.Errorf("static file %s: its extension has no media type", name)
		}
		sum := sha256.Sum256(content)
		gzipped := sync.OnceValue(func() []byte { return compressed(content) })
		a.files[path.Base(name)] = asset{content, gzipped, hex.EncodeToString(sum[:8]), mediaType}
	}
	return a, nil
}

func compressed(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // fails for a level that does not exist, and a buffer never
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}

// acceptsGzip reports whether who sent such an Accept-Encoding header takes gzip (RFC 9110, section 12.5.3). One whose
// weights put other codings before it gets it too, for there is no other here.
func acceptsGzip(header []string) bool {
	accepted := false
	for entry := range strings.SplitSeq(strings.Join(header, ","), ",") {
		coding, weight, _ := strings.Cut(entry, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "x-gzip" && coding != "*" {
			continue
		}
		_, q, weighted := strings.Cut(strings.ReplaceAll(weight, " ", ""), "=")
		v, err := strconv.ParseFloat(q, 64)
		takes := !weighted || err == nil && v > 0
		if coding != "*" {
			return takes
		}
		accepted = takes
	}
	return accepted
}

// path returns where templates find a static file: {{asset "app.css"}}.
func (a *assets) path(name string) (template.URL, error) {
	f, ok := a.files[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return template.URL("/static/" + f.hash + "/" + name), nil
}

func (s *Server) static(c echo.Context) error {
	f, ok := s.assets.files[c.Param("name")]
	if !ok {
		return &dossier.Error{Code: dossier.CodeNotFound}
	}
	// While versions change, a page of the other version may ask here under its own hash. It gets what is there, to be
	// asked for again the next time.
	caching := "no-cache"
	if c.Param("hash") == f.hash {
		caching = "public, max-age=31536000, immutable"
	}
	return s.serveAsset(c, f, caching)
}

// favicon answers browsers that ask without having read a page.
func (s *Server) favicon(c echo.Context) error {
	for _, name := range []string{"favicon.ico", "favicon.svg"} {
		if f, ok := s.assets.files[name]; ok {
			return s.serveAsset(c, f, "public, max-age=86400")
		}
	}
	return &dossier.Error{Code: dossier.CodeNotFound}
}

func (s *Server) serveAsset(c echo.Context, f asset, caching string) error {
	h := c.Response().Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", caching)
	h.Add("Vary", "Accept-Encoding")
	content, tag := f.content, f.hash
	if acceptsGzip(c.Request().Header.Values("Accept-Encoding")) {
		if gzipped := f.gzipped(); len(gzipped) < len(content) {
			// A tag of its own, for a range of one is none of the other.
			content, tag = gzipped, f.hash+"-gzip"
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Etag", `"`+tag+`"`)
	return serveBytes(c, time.Time{}, content)
}

// robots keeps crawlers to the form. Nothing relies on it.
func (s *Server) robots(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return c.String(http.StatusOK, "User-agent: *\nDisallow: /receipt/\nDisallow: /people\nDisallow: /staff/\n")
}

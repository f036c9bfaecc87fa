package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"path"

	"github.com/labstack/echo/v4"

	"dossier.example/app/staff"
)

// pages are the parsed templates by name: "form" is templates/form.html within templates/layout.html.
type pages map[string]*template.Template

// shared templates are part of every page.
var shared = []string{"templates/layout.html", "templates/partials.html"}

// fieldFault is what is wrong with the field of a name.
type fieldFault struct{ Name, Text string }

func faultOf(faults map[string]string, name string) fieldFault { return fieldFault{name, faults[name]} }

func loadPages(fsys fs.FS, a *assets) (pages, error) {
	base, err := template.New("").Funcs(template.FuncMap{"asset": a.path, "fault": faultOf}).ParseFS(fsys, shared...)
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	all := pages{}
	for _, name := range []string{"form", "receipt", "signin", "directory", "person", "confirm", "custody", "error",
		"api", "open", "link", "sessions", "administration", "audit",
		"invitation", "accept", "recovery", "accounts", "member", "account", "codes", "proof",
		"trash", "erase", "selected", "job", "tokens"} {
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(fsys, path.Join("templates", name+".html"))
		}
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		all[name] = t
	}
	return all, nil
}

// render writes a page. It is rendered whole before the first byte goes out, so that a fault in a template is a clean
// 500.
func (s *Server) render(c echo.Context, status int, name string, view any) error {
	var b bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&b, "layout", view); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	if status == 503 {
		c.Response().Header().Set("Retry-After", retryAfter)
	}
	return c.HTMLBlob(status, b.Bytes())
}

// The data of each page, as its template sees it, stands beside the page's handler, which fills it and decides nothing
// about looks; the template shows it and decides nothing else.
//
// Paths that templates write themselves: / (form), POST /submissions, /people (directory, search in q), /people.csv,
// /receipt, /trash, /staff/sign-in, /staff/storage, /staff/sessions, /staff/audit, /staff/tokens,
// /api/v1/, POST /staff/sign-out, POST /staff/sessions/end-others, and POST /staff/tokens. All others come in the
// views.

// page is what every page has. Each view embeds it.
type page struct {
	// Title stands in the browser's tab, before " – Dossier".
	Title string
	// Staff tells that a staff session is there: the navigation shows the directory and the way out. Editor and
	// Administrator tell that its actor may do what these roles may.
	Staff, Editor, Administrator bool
	// Shared tells that the session is one of the shared key, which nobody's account is.
	Shared bool
	// CSRF is the token that every staff form carries in a field named "csrf".
	CSRF string
	// Path is the current path without query, to mark the place in the navigation.
	Path string
	// Flash is what the request before this one did; empty where there is nothing to say.
	Flash string
	// Undo is where the form posts to that undoes that; empty where nothing does. Trash: what is deleted goes to the
	// trash.
	Undo  string
	Trash bool
}

// page returns what every page has. The form does not say what was done before, because browsers keep it for "back".
func (s *Server) page(c echo.Context, title string) page {
	p := page{Title: title, Path: c.Request().URL.Path, Trash: s.trashing()}
	// Where a store does not say who this is, the page is one for everybody.
	if actor, ok, err := s.actor(c); ok && err == nil {
		p.Staff, p.CSRF = true, s.sessions.token(actor.Session)
		p.Shared = actor.Shared()
		p.Editor, p.Administrator = actor.Role().May(staff.Editor), actor.Role().May(staff.Administrator)
	}
	if dest := c.Request().Header.Get("Sec-Fetch-Dest"); p.Path != "/" && p.Path != "/submissions" &&
		(dest == "" || dest == "document") {
		p.Flash, p.Undo = s.said(c)
	}
	return p
}

package web

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
	"dossier.example/app/staff"
)

// codesIn returns the constants of type Code that a source file declares, by name.
func codesIn(t *testing.T, file string) map[string]dossier.Code {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]dossier.Code{}
	ast.Inspect(tree, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		name := ""
		switch kind := spec.Type.(type) {
		case *ast.Ident:
			name = kind.Name
		case *ast.SelectorExpr:
			name = kind.Sel.Name
		}
		if name != "Code" {
			return true
		}
		for i, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes[spec.Names[i].Name] = dossier.Code(text)
		}
		return true
	})
	return codes
}

func TestEveryCodeHasAStatus(t *testing.T) {
	want := map[dossier.Code]int{
		dossier.CodeInvalid: 422, dossier.CodeMalformed: 400, dossier.CodeTooLarge: 413, dossier.CodeType: 415,
		dossier.CodeNotFound: 404,
		dossier.CodeExpired:  410,
		dossier.CodeExists:   409,
		dossier.CodeConflict: 409, dossier.CodeLost: 409, dossier.CodeCorrupt: 503, dossier.CodeUnavailable: 503,
		dossier.CodeFull: 503, dossier.CodeDamaged: 500, dossier.CodeQuota: 409, dossier.CodeIncomplete: 409,
		dossier.CodeForbidden: 403, codeUnauthorized: 401, codeMediaType: 415, codeMethod: 405, codeTimeout: 408,
		codeLimited: 429, codeBusy: 503, codeInternal: 500, dossier.CodeScanning: 409, dossier.CodeWithheld: 403,
		dossier.CodeDay: 409, codeScope: 403,
	}
	declared := map[dossier.Code]bool{}
	for _, file := range []string{"../errors.go", "errors.go"} {
		codes := codesIn(t, file)
		if len(codes) < 5 {
			t.Errorf("%s declares only the codes %v", file, codes)
		}
		for name, code := range codes {
			declared[code] = true
			if _, ok := refusals[code]; !ok {
				t.Errorf("%s (%q) has no row in refusals", name, code)
			}
			if want[code] == 0 {
				t.Errorf("%s (%q) has no row in this test", name, code)
			}
		}
	}
	for code, r := range refusals {
		if !declared[code] {
			t.Errorf("the row of %q is for no code", code)
		}
		if r.status != want[code] || http.StatusText(r.status) == "" {
			t.Errorf("%q becomes %d, want %d", code, r.status, want[code])
		}
		if r.heading == "" || r.message == "" || r.detail == "" {
			t.Errorf("%q has no heading, no message or no detail", code)
		}
		err := fmt.Errorf("doing something: %w", &dossier.Error{Code: code, Err: errors.New(innards)})
		if got := statusOf(err); got != r.status {
			t.Errorf("statusOf a wrapped %q = %d, want %d", code, got, r.status)
		}
	}
}

func TestCodeOf(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		code    dossier.Code
		message string
	}{
		"message for people": {dossier.Errorf(dossier.CodeTooLarge, errors.New(innards), "Up to 5."),
			dossier.CodeTooLarge, "Up to 5."},
		"absence tells nothing": {dossier.Errorf(dossier.CodeNotFound, nil, "Not yours."), dossier.CodeNotFound,
			""},
		"unknown code":                {dossier.Errorf("new", nil, "Something."), codeInternal, ""},
		"plain error":                 {errors.New(innards), codeInternal, ""},
		"deadline":                    {context.DeadlineExceeded, codeInternal, ""},
		"no route":                    {echo.ErrNotFound, dossier.CodeNotFound, ""},
		"wrong method":                {echo.ErrMethodNotAllowed, codeMethod, ""},
		"other refusal of the router": {echo.NewHTTPError(http.StatusTeapot, innards), codeInternal, ""},
		"panic":                       {&panicked{value: innards}, codeInternal, ""},
	} {
		if code, message := codeOf(c.err); code != c.code || message != c.message {
			t.Errorf("%s: %q, %q, want %q, %q", name, code, message, c.code, c.message)
		}
	}
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, _ := s.submit(t, "Ada Secretive", upload{"private.txt", "x"})
	person := "/people/" + receipt.Person.String()
	for name, c := range map[string]struct {
		fail   func(int) error
		status int
		logged string
	}{
		"unavailable": {func(int) error {
			return dossier.Unavailable(context.Background(), "read", errors.New(innards))
		}, 503, innards},
		"plain error": {func(int) error { return errors.New(innards) }, 500, innards},
		"panic":       {func(int) error { panic(innards) }, 500, "errors_test.go"},
		"deadline":    {func(int) error { return context.DeadlineExceeded }, 500, "deadline exceeded"},
		"refusal": {func(int) error { return &dossier.Error{Code: dossier.CodeLost, Err: errors.New(innards)} },
			409, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.faults.set("people.Person", c.fail)
			defer s.faults.set("people.Person", nil)
			for who, ask := range map[string]scenario{
				"staff":  {path: person, by: by, has: []string{`href="/people"`}},
				"public": {path: "/receipt/" + receipt.String(), has: []string{"Go to the form"}},
			} {
				ask.status = c.status
				ask.want = map[string]string{"Cache-Control": "no-store", "Content-Type": "text/html; charset=UTF-8"}
				ask.hasNot = []string{"Ada Secretive", "private.txt", "panic", "goroutine", ".go:"}
				ask.has = append(ask.has, refusalHeading(c.status))
				a := s.play(t, ask)
				id := a.header.Get("X-Request-Id")
				if !strings.Contains(a.body, id) {
					t.Errorf("%s: the page does not tell the request's id", who)
				}
				if (a.header.Get("Retry-After") != "") != (c.status == 503) {
					t.Errorf("%s: Retry-After is %q", who, a.header.Get("Retry-After"))
				}
				log := lineOf(s.log.String(), id)
				if !strings.Contains(log, "status="+strconv.Itoa(c.status)) || !strings.Contains(log, c.logged) {
					t.Errorf("%s: the log has %q", who, log)
				}
				for _, secret := range []string{"Ada", "private.txt", receipt.String(), receipt.Person.String(),
					"127.0.0.1"} {
					if strings.Contains(log, secret) {
						t.Errorf("%s: the log tells %q: %s", who, secret, log)
					}
				}
			}
		})
	}
}

func refusalHeading(status int) string {
	return map[int]string{503: "Temporarily unavailable", 500: "Something went wrong",
		409: "Changed in the meantime"}[status]
}

// lineOf returns the line of a log that tells of a request.
func lineOf(log, id string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "request_id="+id) {
			return line
		}
	}
	return ""
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	var all []scenario
	for _, path := range []string{"/x", "/index.html", "/submissions/x", "/receipt/", "/static",
		"/static/x", "/static/", "/.git/config", "/staff", "/staff/", "/people/x/y",
		"/%00", "/..%2f..%2fetc/passwd", "//", "/debug/pprof/", "/metrics", "/livez/x", "/" +
			strings.Repeat("x", 4000)} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			all = append(all, scenario{name: fmt.Sprintf("%s %.20s", method, path), method: method, path: path, by: by,
				status: 404,
				want:   map[string]string{"Content-Type": "text/html; charset=UTF-8", "Cache-Control": "no-store"}})
		}
	}
	s.playAll(t, all)

	allowed := map[string][]string{}
	for _, r := range s.server.echo.Routes() {
		allowed[r.Path] = append(allowed[r.Path], r.Method)
	}
	for path, methods := range allowed {
		path := strings.NewReplacer(":id", "x", ":file", "y", ":receipt", "z", ":hash", "h", ":name", "n", ":transfer",
			"t", ":number", "1").Replace(path)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} {
			if slices.Contains(methods, method) {
				continue
			}
			t.Run(method+" "+path, func(t *testing.T) {
				c := scenario{method: method, path: path, by: by, status: 405}
				if method != http.MethodHead {
					c.has = []string{"Not possible here"}
				}
				a := s.play(t, c)
				var told []string
				for m := range strings.SplitSeq(a.header.Get("Allow"), ",") {
					told = append(told, strings.TrimSpace(m))
				}
				for _, m := range methods {
					if !slices.Contains(told, m) {
						t.Errorf("Allow is %q, without %s", a.header.Get("Allow"), m)
					}
				}
				if slices.Contains(told, method) {
					t.Errorf("Allow is %q, with the refused %s", a.header.Get("Allow"), method)
				}
			})
		}
	}
	s.play(t, scenario{method: "BREW", path: "/people", by: by, status: 405})
	if log := s.log.String(); strings.Contains(log, "BREW") || strings.Contains(log, "passwd") {
		t.Error("the log repeats what clients send")
	}
}

// Every page is answered to HEAD as to GET, with the same headers and no body.
func TestHead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a.png", onePixelPNG})
	// The API tells of files that were announced to it.
	announced := dossier.Announcement{ID: dossier.NewFileID(), Name: "b.png", Size: 1}
	if _, err := s.svc.Announce(t.Context(), receipt.Person, announced); err != nil {
		t.Fatal(err)
	}
	ofPerson := "?person=" + receipt.Person.String()
	account, _, err := s.server.accounts.Invite(t.Context(), staff.Invitation{Name: "Grace",
		Address: "grace@site.example", Role: staff.Viewer})
	if err != nil {
		t.Fatal(err)
	}
	trashed, itsFiles := s.submit(t, "Bob", upload{"b.txt", "b"})
	if _, err := s.svc.TrashFile(t.Context(), trashed.Person, itsFiles[0].ID, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.svc.TrashPerson(t.Context(), trashed.Person, "x"); err != nil {
		t.Fatal(err)
	}
	job, err := s.svc.StartJob(t.Context(), dossier.JobOrder{Kind: dossier.JobTrash})
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("/people/jobs/:id", jobPath(job.ID),
		"/trash/people/:id/files/:file", trashedFilePath(trashed.Person, itsFiles[0].ID),
		"/trash/people/:id", trashedPersonPath(trashed.Person), "/accounts/:id", "/accounts/"+account.ID.String(),
		"v1/files/:file/content", "v1/files/"+files[0].ID.String()+"/content"+ofPerson,
		"v1/files/:file", "v1/files/"+announced.ID.String()+ofPerson, "v1/receipt", "v1/receipt"+ofPerson,
		":id", receipt.Person.String(), ":file", files[0].ID.String(), ":receipt", receipt.String(), ":hash", "h",
		":name", "app.css")
	for _, r := range s.server.echo.Routes() {
		if r.Method != http.MethodGet {
			continue
		}
		path := fill.Replace(strings.Replace(r.Path, "/receipt/:id", "/receipt/"+receipt.String(), 1))
		t.Run(path, func(t *testing.T) {
			get, head := s.ask(t, scenario{path: path, by: by}), s.ask(t, scenario{method: "HEAD", path: path, by: by})
			if head.status != get.status || head.body != "" || get.status >= 400 {
				t.Errorf("GET is %d, HEAD is %d with %d bytes", get.status, head.status, len(head.body))
			}
			for name := range get.header {
				// Each request has an id. net/http tells the length of an answer that is short or empty, which it does
				// not count for HEAD.
				if name == "X-Request-Id" || name == "Date" || name == "Content-Length" && head.header[name] == nil {
					continue
				}
				if !slices.Equal(head.header[name], get.header[name]) {
					t.Errorf("header %s: GET %q, HEAD %q", name, get.header[name], head.header[name])
				}
			}
		})
	}
}

// The end of a broken answer is told once, in the log's line of that request.
func TestBrokenAnswerIsLogged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a.bin", noise(300_000)})
	s.objects.forget(errors.New(innards), 100_000)
	a := s.ask(t, scenario{path: "/people/" + receipt.Person.String() + "/files/" + files[0].ID.String(), by: by})
	if !errors.Is(a.err, io.ErrUnexpectedEOF) {
		t.Fatalf("reading ends with %v", a.err)
	}
	log := lineOf(s.log.String(), a.header.Get("X-Request-Id"))
	if !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "aborted=true") ||
		!strings.Contains(log, innards) {
		t.Errorf("the log has %q", log)
	}
}

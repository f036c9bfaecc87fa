package web_test

import (
	"archive/zip"
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/web"
)

// idle is a scanner that says nothing by itself.
type idle struct{}

func (idle) Ping(context.Context) error { return nil }

func (idle) Scan(context.Context, string, io.Reader) (dossier.Verdict, error) {
	return dossier.Verdict{}, &dossier.Error{Code: dossier.CodeIncomplete}
}

// found notes of a file what a scanner found.
func (s *site) found(f dossier.File, state dossier.ScanState) dossier.File {
	s.t.Helper()
	f, err := s.stores.Catalog.File(s.t.Context(), f.Person, f.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	revision := ""
	if f.Scan != nil {
		revision = f.Scan.Revision
	}
	scan, err := s.stores.Catalog.SetScan(s.t.Context(), f.Person, f.ID, revision, dossier.Scan{State: state,
		At: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), Detail: "Win.Test.Detail"})
	if err != nil {
		s.t.Fatal(err)
	}
	f.Scan = &scan
	return f
}

// audiences are those to whom a file is handed out, by state: a letter for the submitter, one for staff.
type audiences map[dossier.ScanState]string

// Through every door a file goes to those alone whom its state and the settings name.
func TestWhoGetsAFileByItsScan(t *testing.T) {
	const all, staff, nobody = "submitter staff", "staff", ""
	for name, policy := range map[string]struct {
		scanning dossier.Scanning
		want     audiences
	}{
		"nobody scans": {dossier.Scanning{}, audiences{"waiting": all, "clean": all, "failed": all, "not_scanned": all,
			"infected": nobody}},
		"as it is by default": {dossier.Scanning{Scanner: idle{}}, audiences{"waiting": nobody, "clean": all,
			"failed": nobody, "not_scanned": nobody, "infected": nobody}},
		"staff may": {dossier.Scanning{Scanner: idle{}, Pending: dossier.ToStaff, Unscanned: dossier.ToStaff},
			audiences{"waiting": staff, "clean": all, "failed": staff, "not_scanned": staff, "infected": nobody}},
		"what was not scanned goes to all": {dossier.Scanning{Scanner: idle{}, Unscanned: dossier.ToAll},
			audiences{"waiting": nobody, "clean": all, "failed": nobody, "not_scanned": all, "infected": nobody}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where := onEmbedded
			if name == "staff may" { // has every audience; the stores differ only in how they hand out
				where = everywhere
			}
			where(t, setup{domain: dossier.Options{Scanning: policy.scanning},
				web: web.Options{KeepInfected: 30 * 24 * time.Hour}}, func(s *site) {
				receipt := s.register()
				picture := s.storedDirectly(receipt, "picture.png", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"))
				empty := s.storedDirectly(receipt, "empty.txt", nil)
				for state, want := range policy.want {
					s.t.Run(string(state), func(t *testing.T) {
						s := s.in(t)
						s.checkDoors(receipt, s.found(picture, state), want)
						s.checkDoors(receipt, s.found(empty, state), want)
						s.checkArchives(receipt, picture.Person, want)
						s.checkScanPages(receipt, picture, state, want)
					})
				}
			})
		})
	}
}

// checkDoors asks for a file in every way.
func (s *site) checkDoors(receipt string, f dossier.File, want string) {
	s.t.Helper()
	ways := s.waysTo(form{receipt: receipt}, f)
	ways["staff by the API"] = way{api.Prefix + "/files/" + f.ID.String() + "/content?person=" + f.Person.String(),
		s.session()}
	if strings.HasPrefix(f.Content.Type, "image/") {
		ways["staff in a page"] = way{"/people/" + f.Person.String() + "/files/" + f.ID.String() + "/picture",
			s.session()}
	}
	for who, way := range ways {
		audience := "submitter"
		if strings.HasPrefix(who, "staff") {
			audience = "staff"
		}
		handed := strings.Contains(want, audience)
		for what, ask := range map[string]struct {
			method string
			header http.Header
		}{
			"GET": {http.MethodGet, nil}, "HEAD": {http.MethodHead, nil},
			"a range":            {http.MethodGet, http.Header{"Range": {"bytes=1-2"}}},
			"two ranges":         {http.MethodGet, http.Header{"Range": {"bytes=0-0,2-3"}}},
			"what the cache has": {http.MethodGet, http.Header{"If-None-Match": {"*"}}},
			"HEAD of a range":    {http.MethodHead, http.Header{"Range": {"bytes=1-2"}}},
		} {
			var a answer
			if who == "staff in a page" { // a picture opened by itself has a policy of its own
				req, err := http.NewRequestWithContext(s.t.Context(), ask.method, "http://"+s.addr+way.path, nil)
				if err != nil {
					s.t.Fatal(err)
				}
				maps.Copy(req.Header, way.proof)
				maps.Copy(req.Header, ask.header)
				a = s.plain(req)
			} else {
				a = way.ask(s, ask.method, ask.header)
			}
			if ok := a.status < 400; ok != handed {
				s.t.Errorf("%s, %s, by %s: status %d; handed out to %q only", f.Name, what, who, a.status, want)
			}
			if handed {
				continue
			}
			status := http.StatusForbidden
			if f.ScanState() == dossier.ScanWaiting {
				status = http.StatusConflict
			}
			if a.status != status || (a.header.Get("Retry-After") != "") != (status == http.StatusConflict) ||
				a.header.Get("Location") != "" || a.header.Get("Etag") != "" || strings.Contains(a.body, "\x89PNG") ||
				strings.Contains(a.body, "Win.Test") {
				s.t.Errorf("%s, %s, by %s: %v, want a bare %d", f.Name, what, who, a, status)
			}
		}
	}
}

// checkArchives asks for the archives of a person whose two files have the same state.
func (s *site) checkArchives(receipt string, person dossier.PersonID, want string) {
	s.t.Helper()
	for audience, path := range map[string]string{"submitter": "/receipt/" + receipt + "/files.zip",
		"staff": "/people/" + person.String() + "/files.zip"} {
		a := s.do(http.MethodGet, path, s.session(), nil)
		z, err := zip.NewReader(strings.NewReader(a.body), int64(len(a.body)))
		if err != nil {
			s.t.Fatalf("the archive of the %s: %v", audience, err)
		}
		names := ""
		for _, f := range z.File {
			names += f.Name + " "
		}
		wanted := "Missing files.txt "
		if strings.Contains(want, audience) {
			wanted = "picture.png empty.txt "
		}
		if names != wanted || strings.Contains(a.body, "\x89PNG") != strings.Contains(want, audience) {
			s.t.Errorf("the archive of the %s has %s, want %s", audience, names, wanted)
		}
		if wanted == "Missing files.txt " && (!strings.Contains(a.body, "picture.png (") ||
			strings.Contains(a.body, "Win.Test")) {
			s.t.Errorf("the archive of the %s does not say what is missing, or too much: %s", audience, a.body)
		}
	}
}

// checkScanPages looks at what pages and the API say of a file.
func (s *site) checkScanPages(receipt string, f dossier.File, state dossier.ScanState, want string) {
	s.t.Helper()
	var got api.Receipt
	s.ask(call{path: "/receipt", receipt: receipt}, &got)
	for _, file := range got.Files {
		if file.Scan == nil || string(*file.Scan) != string(state) {
			s.t.Errorf("the API says %v of the scan, want %s", file.Scan, state)
		}
	}
	page := s.get("/receipt/" + receipt).body
	if strings.Contains(page, "Win.Test") || strings.Contains(page, "/files/"+f.ID.String()) !=
		strings.Contains(want, "submitter") {
		s.t.Errorf("the receipt links to what it must not, or does not, or tells too much")
	}
	person := s.do(http.MethodGet, "/people/"+f.Person.String()+"?view=cards", s.session(), nil).body
	list := s.do(http.MethodGet, "/people/"+f.Person.String(), s.session(), nil).body
	if strings.Contains(person, "/files/"+f.ID.String()+`"`) != strings.Contains(want, "staff") ||
		strings.Contains(person, "/picture") != strings.Contains(want, "staff") ||
		!strings.Contains(person, "/files/"+f.ID.String()+"/delete") ||
		strings.Contains(list, "/files/"+f.ID.String()+`"`) != strings.Contains(want, "staff") {
		s.t.Errorf("the person's page links to what it must not, or does not")
	}
	storage := s.do(http.MethodGet, "/staff/storage", s.session(), nil).body
	if strings.Contains(storage, "Files are not scanned for malware") == s.svc.Scanned() {
		s.t.Error("the page about the storage does not say whether files are scanned")
	}
	if state == dossier.ScanInfected {
		if !strings.Contains(page, "did not pass the check for malware. It will be removed after December 1, 2026.") ||
			!strings.Contains(person, "Malware found (Win.Test.Detail)") {
			s.t.Error("of an infected file the pages do not say so")
		}
		s.until("the page about the storage names the infected file", func() bool {
			storage := s.do(http.MethodGet, "/staff/storage", s.session(), nil).body
			return strings.Contains(storage, "Win.Test.Detail") && strings.Contains(storage, "picture.png")
		})
	}
}

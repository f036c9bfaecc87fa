package web_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

// overServers opens a site over the cloud's kinds of stores.
func overServers(t *testing.T, o setup) *site {
	t.Helper()
	stores := cloud(t).Stores(t)
	o.stores = &stores
	return open(t, o)
}

// session signs a member of the staff in, and returns the header that proves it.
func (s *site) session() http.Header {
	s.t.Helper()
	form := url.Values{"key": {staffSecret}, "next": {"/people"}}
	a := s.do(http.MethodPost, "/staff/sign-in", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		strings.NewReader(form.Encode()))
	a.must(s.t, http.StatusSeeOther)
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	return http.Header{"Cookie": {cookie}}
}

// stored submits a form and returns the records of its files, in the form's order.
func (s *site) stored(f form) []dossier.File {
	s.t.Helper()
	s.mustAccept(s.submit(f), f)
	return s.records(f.parsed(s.t).Person)
}

// way is how a file is downloaded: a path, and the header that proves the right to it.
type way struct {
	path  string
	proof http.Header
}

// waysTo returns them all.
func (s *site) waysTo(f form, file dossier.File) map[string]way {
	s.t.Helper()
	return map[string]way{
		"receipt": {"/receipt/" + f.receipt + "/files/" + file.ID.String(), nil},
		"staff":   {"/people/" + file.Person.String() + "/files/" + file.ID.String(), s.session()},
		"API": {api.Prefix + "/files/" + file.ID.String() + "/content",
			http.Header{"Authorization": {"Bearer " + f.receipt}}},
	}
}

// ask makes a request with more headers beside the proof.
func (w way) ask(s *site, method string, more http.Header) answer {
	s.t.Helper()
	header := w.proof.Clone()
	if header == nil {
		header = http.Header{}
	}
	for name, values := range more {
		header[name] = values
	}
	a := s.do(method, w.path, header, nil)
	if path, ofAPI := strings.CutPrefix(w.path, api.Prefix); ofAPI {
		s.mustAgree(w.path, method, path, header, nil, a)
	}
	return a
}

// follow goes where an answer redirects to, as a browser does: without what proved the right to be redirected.
func (s *site) follow(a answer, more http.Header) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, a.header.Get("Location"), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if more != nil {
		req.Header = more.Clone()
	}
	return s.plain(req)
}

// plain makes a request whose answer need not have what those of the site's pages have.
func (s *site) plain(req *http.Request) answer {
	s.t.Helper()
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// mustRedirect checks an answer that leads to the object store.
func (s *site) mustRedirect(a answer) {
	s.t.Helper()
	to, err := url.Parse(a.header.Get("Location"))
	if a.status != http.StatusFound || err != nil || !to.IsAbs() || to.Host == s.addr || a.body != "" {
		s.t.Fatalf("got %v\nwant a redirect to the object store, and nothing more", a)
	}
	s.hide(to.Query().Get("X-Amz-Signature"), to.RawQuery, "X-Amz-")
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		s.t.Errorf("Cache-Control of the redirect is %q", got)
	}
	for _, name := range []string{"Content-Type", "Content-Disposition", "Etag", "Last-Modified", "Accept-Ranges"} {
		if got := a.header.Get(name); got != "" {
			s.t.Errorf("the redirect has %s %q, which is of the file", name, got)
		}
	}
}

func TestDownloadByLink(t *testing.T) {
	s := overServers(t, setup{})
	const html = "<!doctype html><html><body><script>alert(1)</script></body></html>"
	kinds := []struct{ name, data, mediaType string }{
		{"letter of ada.txt", "Dear Charles", "text/plain; charset=utf-8"},
		{"page of ada.html", html, "application/octet-stream"},
		{"drawing of ada.svg",
			`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
			"application/octet-stream"},
		{"notes of ada.json", `{"a": 1}`, "application/octet-stream"},
		{`Ångström "100%"; +日本語 👩🏽‍🚀.txt`, "odd name", "text/plain; charset=utf-8"},
		{"nothing of ada", "", "text/plain"},
	}
	var sent []file
	for _, k := range kinds {
		sent = append(sent, file{k.name, k.data})
	}
	f := ada.with(sent...)
	files := s.stored(f)
	for i, k := range kinds {
		for who, way := range s.waysTo(f, files[i]) {
			t.Run(k.name+" by "+who, func(t *testing.T) {
				s := s.in(t)
				a := way.ask(s, http.MethodGet, nil)
				s.mustRedirect(a)
				got := s.follow(a, nil)
				if got.status != http.StatusOK || got.body != k.data || got.header.Get("Content-Type") != k.mediaType ||
					got.header.Get("Cache-Control") != "private, no-cache" {
					t.Errorf("the store answers %v\nwant %d bytes as %s", got, len(k.data), k.mediaType)
				}
				kind, params, err := mime.ParseMediaType(got.header.Get("Content-Disposition"))
				if err != nil || kind != "attachment" || params["filename"] != dossier.CleanFileName(k.name) {
					t.Errorf("saved as %q %q, %v; want %q", kind, params, err, dossier.CleanFileName(k.name))
				}
				if k.data == "" {
					return
				}
				// After a break: the app's address again, with what is missing.
				ranged := http.Header{"Range": {"bytes=3-"}, "If-Range": {got.header.Get("Etag")},
					"If-Match": {got.header.Get("Etag")}}
				a = way.ask(s, http.MethodGet, ranged)
				s.mustRedirect(a)
				if rest := s.follow(a, ranged); rest.status != http.StatusPartialContent || rest.body != k.data[3:] {
					t.Errorf("going on at byte 3 is answered %v", rest)
				}
			})
		}
	}

	for who, way := range s.waysTo(f, files[0]) {
		t.Run("what the app answers itself by "+who, func(t *testing.T) {
			s := s.in(t)
			etag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(kinds[0].data)))
			a := way.ask(s, http.MethodHead, nil)
			if a.status != http.StatusOK || a.header.Get("Content-Length") != strconv.Itoa(len(kinds[0].data)) ||
				a.header.Get("Etag") != etag || a.header.Get("Location") != "" {
				t.Errorf("HEAD is answered %v", a)
			}
			a = way.ask(s, http.MethodGet, http.Header{"If-None-Match": {etag}})
			if a.status != http.StatusNotModified || a.header.Get("Etag") != etag || a.header.Get("Location") != "" ||
				a.header.Get("Cache-Control") != "private, no-cache" {
				t.Errorf("If-None-Match of the SHA-256 is answered %v", a)
			}
			s.mustRedirect(way.ask(s, http.MethodGet, http.Header{"If-None-Match": {`"x"`}}))
			s.mustRedirect(way.ask(s, http.MethodGet, http.Header{"Range": {"bytes=999-"}}))
		})
	}

	other := ada.with(file{"of another.txt", "theirs"})
	theirs := s.stored(other)[0]
	for name, c := range map[string]struct {
		way    way
		status int
	}{
		"another's by receipt": {way{"/receipt/" + f.receipt + "/files/" + theirs.ID.String(), nil}, 404},
		"another's by the API": {way{api.Prefix + "/files/" + theirs.ID.String() + "/content",
			http.Header{"Authorization": {"Bearer " + f.receipt}}}, 404},
		"no receipt":             {way{"/receipt/x/files/" + files[0].ID.String(), nil}, 404},
		"no receipt for the API": {way{api.Prefix + "/files/" + files[0].ID.String() + "/content", nil}, 401},
		"no session": {way{"/people/" + files[0].Person.String() + "/files/" + files[0].ID.String(),
			nil}, 303},
		"a file that is not there": {way{"/receipt/" + f.receipt + "/files/" + dossier.NewFileID().String(), nil},
			404},
		"another person's, for staff": {way{"/people/" + theirs.Person.String() + "/files/" + files[0].ID.String(),
			s.session()}, 404},
	} {
		t.Run(name, func(t *testing.T) {
			if a := c.way.ask(s.in(t), http.MethodGet, nil); a.status != c.status ||
				strings.Contains(a.header.Get("Location"), "://") {
				t.Errorf("got %v\nwant %d", a, c.status)
			}
		})
	}

	t.Run("deleted", func(t *testing.T) {
		s := s.in(t)
		way := s.waysTo(f, files[0])["receipt"]
		a := way.ask(s, http.MethodGet, nil)
		s.mustRedirect(a)
		if err := s.svc.DeleteFile(t.Context(), files[0].Person, files[0].ID); err != nil {
			t.Fatal(err)
		}
		if again := way.ask(s, http.MethodGet, nil); again.status != http.StatusNotFound {
			t.Errorf("a deleted file is answered %v", again)
		}
		if old := s.follow(a, nil); old.status != http.StatusNotFound {
			t.Errorf("an old link to a deleted file is answered %v", old)
		}
	})
}

// What does not go by a link although the store has them.
func TestDownloadPastLinks(t *testing.T) {
	const friend = "https://friend.example"
	png := pictureOf(t, 480, 360)
	f := ada.with(file{"picture of ada.png", png})
	t.Run("a picture in a page, and a friend's page", func(t *testing.T) {
		s := overServers(t, setup{web: web.Options{APIOrigins: []string{friend}}})
		ways := s.waysTo(f, s.stored(f)[0])
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			"http://"+s.addr+ways["staff"].path+"/picture", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = ways["staff"].proof
		if a := s.plain(req); a.status != http.StatusOK || a.body == png ||
			a.header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("the picture is answered %v", a)
		}
		s.mustRedirect(ways["staff"].ask(s, http.MethodGet, nil))
		cross := http.Header{"Origin": {friend}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"cors"},
			"Range": {"bytes=0-3"}}
		a := ways["API"].ask(s, http.MethodGet, cross)
		if a.status != http.StatusPartialContent || a.body != png[:4] ||
			a.header.Get("Access-Control-Allow-Origin") != friend ||
			!strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Content-Disposition") {
			t.Errorf("a friend's page is answered %v", a)
		}
	})
	t.Run("a store that browsers do not reach", func(t *testing.T) {
		s := overServers(t, setup{web: web.Options{NoLinks: true}})
		f := ada.with(f.files...)
		for who, way := range s.waysTo(f, s.stored(f)[0]) {
			a := way.ask(s, http.MethodGet, nil)
			if a.status != http.StatusOK || a.body != png ||
				!strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
				t.Errorf("%s is answered %v", who, a)
			}
		}
	})
	t.Run("a store that cannot sign", func(t *testing.T) {
		s := open(t, setup{wrap: func(s teststores.Stores) teststores.Stores {
			s.Objects = unsigning{s.Objects}
			return s
		}})
		f := ada.with(f.files...)
		for who, way := range s.waysTo(f, s.stored(f)[0]) {
			if a := way.ask(s, http.MethodGet, nil); a.status != http.StatusServiceUnavailable ||
				a.header.Get("Location") != "" {
				t.Errorf("%s is answered %v; want 503", who, a)
			}
		}
	})
}

// unsigning has no credentials to sign with.
type unsigning struct{ dossier.Objects }

func (unsigning) Link(ctx context.Context, _ string, _ dossier.ResponseHeader, _ time.Duration) (dossier.SignedRequest,
	error) {
	return dossier.SignedRequest{}, dossier.Unavailable(ctx, "sign link", errors.New("no credentials"))
}

// Content by the API where the site keeps the bytes itself.
func TestAPIContent(t *testing.T) {
	s := open(t, setup{})
	f := ada.with(file{"letter of ada.txt", "Dear Charles"})
	way := s.waysTo(f, s.stored(f)[0])["API"]
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte("Dear Charles")))
	for _, c := range []struct {
		method string
		header http.Header
		status int
		body   string
	}{
		{"GET", nil, 200, "Dear Charles"},
		{"HEAD", nil, 200, ""},
		{"GET", http.Header{"Range": {"bytes=5-"}}, 206, "Charles"},
		{"GET", http.Header{"If-None-Match": {etag}}, 304, ""},
	} {
		a := way.ask(s, c.method, c.header)
		if a.status != c.status || a.body != c.body || a.header.Get("Etag") != etag {
			t.Errorf("%s with %v is answered %v\nwant %d %q", c.method, c.header, a, c.status, c.body)
		}
	}
	for _, c := range []struct {
		header http.Header
		status int
	}{{http.Header{"Range": {"bytes=99-"}}, 416}, {http.Header{"If-Match": {`"x"`}}, 412}} {
		if a := way.ask(s, http.MethodGet, c.header); a.status != c.status {
			t.Errorf("%v is answered %v, want %d", c.header, a, c.status)
		}
	}
	staff := s.session()
	path := "/files/" + s.stored(ada.with(file{"other letter.txt", "x"}))[0].ID.String() + "/content"
	a := s.do(http.MethodGet, api.Prefix+path, staff, nil)
	a.must(t, http.StatusBadRequest) // whose file is not said
	u := s.announce(s.register(), "half.txt", []byte("half"))
	s.ask(call{path: u.path + "/content", receipt: u.receipt, status: 404, code: dossier.CodeNotFound}, nil)
}

// An archive has every stored file of a person, for whoever may have them one by one.
func TestArchive(t *testing.T) {
	everywhere(t, setup{}, func(s *site) {
		t := s.t
		f := ada.with(file{"letter.txt", "Dear Charles"}, file{"empty of ada.bin", ""}, file{"letter.txt", "Dear Mary"},
			file{"Ångström.txt", strings.Repeat("large ", 100_000)})
		files := s.stored(f)
		person := "/people/" + files[0].Person.String()
		for who, way := range map[string]way{"receipt": {"/receipt/" + f.receipt + "/files.zip", nil},
			"staff": {person + "/files.zip", s.session()}} {
			page := way
			page.path = strings.TrimSuffix(page.path, "/files.zip")
			page.ask(s, http.MethodGet, nil).must(t, http.StatusOK, `href="`+s.linked(way.path)+`"`)

			head, a := way.ask(s, http.MethodHead, nil), way.ask(s, http.MethodGet, http.Header{"Range": {"bytes=5-9"}})
			for _, one := range []answer{head, a} {
				if one.status != http.StatusOK || one.header.Get("Content-Length") != strconv.Itoa(len(a.body)) ||
					one.header.Get("Content-Type") != "application/zip" ||
					one.header.Get(
						"Content-Disposition") != `attachment; filename="Ada Lovelace.zip"; filename*=UTF-8''Ada%20Lovelace.zip` ||
					one.header.Get("Cache-Control") != "no-store" || one.header.Get("X-Robots-Tag") != "noindex" ||
					one.header.Get("Accept-Ranges") != "none" ||
					!strings.Contains(one.header.Get("Content-Security-Policy"), "sandbox") {
					t.Errorf("%s: got %d %v", who, one.status, one.header)
				}
			}
			z, err := zip.NewReader(strings.NewReader(a.body), int64(len(a.body)))
			if err != nil {
				t.Fatalf("%s: %v", who, err)
			}
			got := map[string]string{}
			for _, entry := range z.File {
				r, err := entry.Open()
				if err != nil {
					t.Fatal(err)
				}
				data, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				got[entry.Name] = string(data)
			}
			want := map[string]string{"letter.txt": "Dear Charles", "empty of ada.bin": "",
				"letter (2).txt": "Dear Mary", "Ångström.txt": strings.Repeat("large ", 100_000)}
			if len(got) != len(want) {
				t.Errorf("%s: the archive has %d files, want %d", who, len(got), len(want))
			}
			for name, data := range want {
				if !bytes.Equal([]byte(got[name]), []byte(data)) {
					t.Errorf("%s: %q has %d bytes, want %d", who, name, len(got[name]), len(data))
				}
			}
		}
		one, none := ada.with(file{"only.txt", "x"}), ada.with()
		s.stored(one)
		s.get("/receipt/"+one.receipt).mustNot(t, "files.zip")
		s.get("/receipt/"+one.receipt+"/files.zip").must(t, http.StatusOK)
		s.stored(none)
		for _, path := range []string{
			"/receipt/" + none.receipt + "/files.zip", "/receipt/x/files.zip", "/receipt/" +
				dossier.NewReceipt().String() + "/files.zip",
		} {
			s.get(path).must(t, http.StatusNotFound)
		}
		if a := s.get(person + "/files.zip"); a.status != http.StatusSeeOther ||
			!strings.HasPrefix(a.header.Get("Location"), "/staff/sign-in") {
			t.Errorf("without a session: %v", a)
		}
	})
}

package web

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"dossier.example/app"
)

// noise returns n bytes that look like no format, the same ones every time.
func noise(n int) string {
	b := make([]byte, 0, n+8)
	for r := rand.New(rand.NewPCG(1, 2)); len(b) < n; {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return "\xfe\xdc" + string(b[2:n])
}

func etagOf(content string) string { return fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(content))) }

// waysTo returns how a file is downloaded: by staff and by the receipt.
func (s *site) waysTo(t *testing.T, receipt dossier.Receipt, f dossier.File) map[string]scenario {
	return map[string]scenario{
		"staff":   {path: "/people/" + receipt.Person.String() + "/files/" + f.ID.String(), by: s.signIn(t)},
		"receipt": {path: "/receipt/" + receipt.String() + "/files/" + f.ID.String()},
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const size = 300_000
	content := noise(size)
	receipt, files := s.submit(t, "Ada", upload{"data.bin", content}, upload{"empty.txt", ""})
	etag := etagOf(content)
	modified := files[0].CreatedAt.UTC().Format(http.TimeFormat)
	past, future := "Mon, 24 Nov 2025 09:00:00 GMT", "Wed, 24 Nov 2027 09:00:00 GMT"
	all := map[string]string{"Content-Length": "300000", "Content-Range": "", "Etag": etag, "Accept-Ranges": "bytes",
		"Last-Modified": modified}

	for who, way := range s.waysTo(t, receipt, files[0]) {
		for _, c := range []struct {
			name   string
			method string
			header map[string]string
			status int
			body   string
			want   map[string]string
			// opened is how the store is opened; nil: not at all. read is how many bytes may be read there at most.
			opened []opening
			read   int64
		}{
			{name: "whole", status: 200, body: content, want: all, opened: []opening{{0, -1}}, read: size},
			{name: "HEAD", method: "HEAD", status: 200, want: all},
			{name: "first byte", header: map[string]string{"Range": "bytes=0-0"}, status: 206, body: content[:1],
				want:   map[string]string{"Content-Range": "bytes 0-0/300000", "Content-Length": "1", "Etag": etag},
				opened: []opening{{0, 1}}, read: 1},
			{name: "some in the middle", header: map[string]string{"Range": "bytes=100000-199999"}, status: 206,
				body:   content[100_000:200_000],
				want:   map[string]string{"Content-Range": "bytes 100000-199999/300000"},
				opened: []opening{{100_000, 100_000}}, read: 100_000},
			{name: "last byte", header: map[string]string{"Range": "bytes=299999-299999"}, status: 206,
				body: content[size-1:],
				want: map[string]string{"Content-Range": "bytes 299999-299999/300000"}, opened: []opening{{299_999, 1}},
				read: 1},
			{name: "beyond the end", header: map[string]string{"Range": "bytes=299000-999999"}, status: 206,
				body:   content[299_000:],
				want:   map[string]string{"Content-Range": "bytes 299000-299999/300000"},
				opened: []opening{{299_000, 701_000}}, read: 1000},
			{name: "open-ended", header: map[string]string{"Range": "bytes=299990-"}, status: 206,
				body:   content[299_990:],
				want:   map[string]string{"Content-Range": "bytes 299990-299999/300000"},
				opened: []opening{{299_990, -1}}, read: 10},
			{name: "suffix", header: map[string]string{"Range": "bytes=-5"}, status: 206, body: content[size-5:],
				want:   map[string]string{"Content-Range": "bytes 299995-299999/300000"},
				opened: []opening{{299_995, -1}}, read: 5},
			{name: "suffix longer than the file", header: map[string]string{"Range": "bytes=-400000"}, status: 206,
				body: content,
				want: map[string]string{"Content-Range": "bytes 0-299999/300000"}, opened: []opening{{0, -1}},
				read: size},
			{name: "HEAD of a range", method: "HEAD", header: map[string]string{"Range": "bytes=0-9"}, status: 206,
				want: map[string]string{"Content-Length": "10"}},
			{name: "several ranges", header: map[string]string{"Range": "bytes=0-9,100-109"}, status: 200,
				body: content, want: all, opened: []opening{{0, -1}}, read: size},
			{name: "very many ranges", header: map[string]string{"Range": "bytes=" + strings.Repeat("0-,", 500) + "0-"},
				status: 200, body: content, want: all,
				opened: []opening{{0, -1}}, read: size},
			{name: "other unit", header: map[string]string{"Range": "items=0-1"}, status: 200, body: content, want: all,
				opened: []opening{{0, -1}}, read: size},
			{name: "nonsense", header: map[string]string{"Range": "bytes=x-y"}, status: 200, body: content, want: all,
				opened: []opening{{0, -1}}, read: size},
			{name: "starts at the end", header: map[string]string{"Range": "bytes=300000-"}, status: 416,
				want: map[string]string{"Content-Range": "bytes */300000", "Cache-Control": fileCaching}},
			{name: "starts far beyond",
				header: map[string]string{"Range": "bytes=900000000000000000-900000000000000001"}, status: 416},
			{name: "more than a number holds", header: map[string]string{"Range": "bytes=99999999999999999999-"},
				status: 416},
			{name: "ends at more than a number holds", header: map[string]string{"Range": "bytes=299990-" +
				strings.Repeat("9", 30)}, status: 206, body: content[size-10:],
				want:   map[string]string{"Content-Range": "bytes 299990-299999/300000"},
				opened: []opening{{299_990, 1e18 - 299_990}}, read: 10},
			{name: "last bytes of more than a number holds", header: map[string]string{"Range": "bytes=-" +
				strings.Repeat("9", 30)}, status: 206, body: content,
				want: map[string]string{"Content-Range": "bytes 0-299999/300000"}, opened: []opening{{0, -1}},
				read: size},
			{name: "leading zeros", header: map[string]string{"Range": "bytes=" + strings.Repeat("0", 30) + "-4"},
				status: 206, body: content[:5], want: map[string]string{"Content-Range": "bytes 0-4/300000"},
				opened: []opening{{0, 5}}, read: 5},
			{name: "last 0 bytes", header: map[string]string{"Range": "bytes=-0"}, status: 416,
				want: map[string]string{"Content-Range": "bytes */300000"}},
			{name: "last 00 bytes", method: "HEAD", header: map[string]string{"Range": "bytes=-00"}, status: 416,
				want: map[string]string{"Content-Range": "bytes */300000"}},
			{name: "backwards", header: map[string]string{"Range": "bytes=10-5"}, status: 416},
			{name: "If-Range holds", header: map[string]string{"Range": "bytes=0-9", "If-Range": etag}, status: 206,
				body:   content[:10],
				opened: []opening{{0, 10}}, read: 10},
			{name: "If-Range holds by time", header: map[string]string{"Range": "bytes=0-9", "If-Range": modified},
				status: 206, body: content[:10],
				opened: []opening{{0, 10}}, read: 10},
			// What was asked for is only the first piece of what is sent.
			{name: "If-Range of another content", header: map[string]string{"Range": "bytes=0-9", "If-Range": `"x"`},
				status: 200, body: content, want: all,
				opened: []opening{{0, 10}, {10, -1}}, read: size},
			{name: "If-Range is weak", header: map[string]string{"Range": "bytes=5-9", "If-Range": "W/" + etag},
				status: 200, body: content, want: all,
				opened: []opening{{0, -1}}, read: size},
			{name: "If-None-Match", header: map[string]string{"If-None-Match": etag}, status: 304,
				want: map[string]string{"Etag": etag, "Cache-Control": fileCaching}},
			{name: "If-None-Match in a list", header: map[string]string{"If-None-Match": `"x", W/` + etag},
				status: 304},
			{name: "If-None-Match, any", header: map[string]string{"If-None-Match": "*"}, status: 304},
			{name: "If-None-Match, HEAD", method: "HEAD", header: map[string]string{"If-None-Match": etag},
				status: 304},
			{name: "If-None-Match of another", header: map[string]string{"If-None-Match": `"x"`}, status: 200,
				body: content, opened: []opening{{0, -1}}, read: size},
			{name: "not modified since", header: map[string]string{"If-Modified-Since": future}, status: 304},
			{name: "modified since", header: map[string]string{"If-Modified-Since": past}, status: 200, body: content,
				opened: []opening{{0, -1}}, read: size},
			{name: "If-Match of another", header: map[string]string{"If-Match": `"x"`}, status: 412},
		} {
			t.Run(who+", "+c.name, func(t *testing.T) {
				s.objects.forget(nil, 0)
				way := way
				way.method, way.header, way.status, way.want = c.method, c.header, c.status, c.want
				a := s.play(t, way)
				if a.err != nil {
					t.Fatalf("reading the body: %v", a.err)
				}
				if c.status < 300 && a.body != c.body {
					t.Errorf("body has %d bytes, or others, want the right %d", len(a.body), len(c.body))
				}
				opened, read := s.objects.seen()
				if !slices.Equal(opened, c.opened) || read > c.read {
					t.Errorf("store was opened at %v and read for %d bytes, want %v and at most %d", opened, read,
						c.opened, c.read)
				}
				if c.status < 300 {
					if got := a.header.Get("Content-Security-Policy"); got != filePolicy {
						t.Errorf("Content-Security-Policy is %q", got)
					}
					if got := a.header.Get("Content-Disposition"); !strings.HasPrefix(got,
						`attachment; filename="data.bin"`) {
						t.Errorf("Content-Disposition is %q", got)
					}
				}
			})
		}
	}

	for who, way := range s.waysTo(t, receipt, files[1]) {
		for _, header := range []map[string]string{nil, {"Range": "bytes=0-"}, {"Range": "bytes=0-0"},
			{"Range": "bytes=-1"}} {
			t.Run(fmt.Sprintf("%s, empty file %v", who, header), func(t *testing.T) {
				s.objects.forget(nil, 0)
				way := way
				way.header, way.status = header, 200
				way.want = map[string]string{"Content-Length": "0", "Etag": etagOf(""), "Content-Range": ""}
				if a := s.play(t, way); a.body != "" || a.err != nil {
					t.Errorf("body %q, error %v", a.body, a.err)
				}
			})
		}
	}
}

func TestDownloadIsHarmless(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	html := "<!doctype html><html><body><script>alert(1)</script></body></html>"
	kinds := []struct {
		name, content, mediaType string
		picture                  bool
	}{
		{"page.html", html, "application/octet-stream", false},
		{"x.png", html, "application/octet-stream", false},
		{"draw.svg", `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
			"application/octet-stream", false},
		{"x.xml", `<?xml version="1.0"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>`,
			"application/octet-stream", false},
		{"x.js", "#!/usr/bin/env node\nalert(1)\n", "application/octet-stream", false},
		{"x.pdf", "%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n", "application/octet-stream", false},
		{"x.swf", "FWS\x09\x00\x00\x00\x00", "application/octet-stream", false},
		{"x.json", `{"a": 1}`, "application/octet-stream", false},
		{"x.bin", noise(100), "application/octet-stream", false},
		{"x.txt", "plain text", "text/plain; charset=utf-8", false},
		{"empty", "", "text/plain", false},
		{"x.html", onePixelPNG, "image/png", true},
		{"x.gif", "GIF89a\x01\x00\x01\x00\x00\x00\x00;", "image/gif", true},
		{"x.jpg", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg", true},
		{"x.webp", "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00", "image/webp", true},
		{"x.bmp", "BM\x1a\x00\x00\x00\x00\x00\x00\x00\x1a\x00\x00\x00", "application/octet-stream", false},
	}
	var uploads []upload
	for _, k := range kinds {
		uploads = append(uploads, upload{k.name, k.content})
	}
	receipt, files := s.submit(t, "Ada", uploads...)
	for i, k := range kinds {
		for who, way := range s.waysTo(t, receipt, files[i]) {
			for _, method := range []string{"GET", "HEAD"} {
				t.Run(k.name+" for "+who+" "+method, func(t *testing.T) {
					way := way
					way.method, way.status = method, 200
					way.want = map[string]string{"Content-Type": k.mediaType, "Content-Security-Policy": filePolicy,
						"X-Robots-Tag": "noindex", "X-Accel-Buffering": "no",
						"Cache-Control": fileCaching}
					a := s.play(t, way)
					if kind, _, err := mime.ParseMediaType(a.header.Get("Content-Disposition")); err != nil ||
						kind != "attachment" {
						t.Errorf("disposition is %q, error %v", kind, err)
					}
				})
			}
		}
		t.Run(k.name+" as a picture", func(t *testing.T) {
			c := scenario{path: "/people/" + receipt.Person.String() + "/files/" + files[i].ID.String() + "/picture",
				by: s.signIn(t), status: 404}
			if k.picture {
				c.status = 200
				c.want = map[string]string{"Content-Type": "image/svg+xml", "Content-Security-Policy": picturePolicy}
			}
			if k.content == onePixelPNG {
				c.want["Content-Type"] = "image/jpeg"
			}
			a := s.play(t, c)
			if k.picture && (strings.Contains(a.body, k.content) || k.content != onePixelPNG && a.body != placeholder) {
				t.Errorf("the answer has %d bytes, want a thumbnail or the placeholder", len(a.body))
			}
		})
		t.Run(k.name+" by receipt has no picture", func(t *testing.T) {
			s.play(t, scenario{path: "/receipt/" + receipt.String() + "/files/" + files[i].ID.String() + "/picture",
				status: 404})
		})
	}
}

func TestFilePolicies(t *testing.T) {
	for _, policy := range []string{filePolicy, picturePolicy} {
		directives := map[string]string{}
		for part := range strings.SplitSeq(policy, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), " ")
			directives[name] = value
		}
		if sandbox, ok := directives["sandbox"]; !ok || sandbox != "" {
			t.Errorf("%q does not keep files in a sandbox without exceptions", policy)
		}
		if _, ok := directives["script-src"]; ok || directives["default-src"] != "'none'" ||
			directives["frame-ancestors"] != "'none'" {
			t.Errorf("%q lets a file run, load or be framed", policy)
		}
	}
}

// The type comes from a record, and records outlive the program that wrote them.
func TestServedType(t *testing.T) {
	for found, want := range map[string]string{
		"image/png": "image/png", "IMAGE/PNG; x=y": "image/png", "image/svg+xml": "application/octet-stream",
		"text/html; charset=utf-8": "application/octet-stream",
		"text/xml":                 "application/octet-stream", "application/xhtml+xml": "application/octet-stream",
		"text/javascript": "application/octet-stream",
		"application/pdf": "application/octet-stream", "text/plain; charset=utf-16le": "text/plain; charset=utf-16le",
		"video/mp4":  "video/mp4",
		"audio/mpeg": "audio/mpeg", "application/zip": "application/zip", "": "application/octet-stream",
		"image/":                    "application/octet-stream",
		"multipart/x-mixed-replace": "application/octet-stream", "text/plain/html": "application/octet-stream",
		" text/html": "application/octet-stream",
	} {
		if got := servedType(dossier.File{Content: &dossier.Content{Type: found}}); got != want {
			t.Errorf("servedType(%q) = %q, want %q", found, got, want)
		}
	}
}

var oddNames = []string{
	"plain.txt", "with space.txt", `quote".txt`, `back\slash.txt`, "semi;colon.txt", "per%20cent.txt", "100%.txt",
	"Ångström Lebenslauf.pdf", "日本語.docx",
	"👩🏽‍🚀.png", "a'b.txt", "a\nb.txt", "a\r\nX-Evil: 1", "nul\x00.txt", "\u202Egpj.exe", strings.Repeat("é", 120) +
		".txt", "=?utf-8?q?x?=", "a/b.txt", "..", "x",
	"tab\t.txt", "*?<>|:.txt", "\x7f.txt", "a,b.txt", "(c).txt", `filename*=UTF-8''x`, " lead and trail ",
}

// checkDisposition checks that a header is one line of ASCII and carries the name unchanged.
func checkDisposition(t *testing.T, header, kind, name string) {
	t.Helper()
	for _, b := range []byte(header) {
		if b < ' ' || b > '~' {
			t.Fatalf("the header for %q has byte %#x: %q", name, b, header)
		}
	}
	got, params, err := mime.ParseMediaType(header)
	if err != nil || got != kind || params["filename"] != name || len(params) != 1 {
		t.Fatalf("%q reads as %q %q, error %v, want %q %q", header, got, params, err, kind, name)
	}
	// What a client sees that does not know RFC 8187.
	old, _, found := strings.Cut(header, "; filename*=")
	_, params, err = mime.ParseMediaType(old)
	if err != nil || !found || utf8.RuneCountInString(params["filename"]) != utf8.RuneCountInString(name) ||
		strings.ContainsAny(params["filename"], `"\/%`) {
		t.Fatalf("%q reads as %q, error %v", old, params, err)
	}
}

func TestContentDisposition(t *testing.T) {
	for _, name := range oddNames {
		for _, kind := range []string{"attachment", "inline"} {
			checkDisposition(t, contentDisposition(kind, name), kind, name)
		}
	}

	s := newSite(t)
	var uploads []upload
	for i, name := range oddNames {
		uploads = append(uploads, upload{name, fmt.Sprint(i)})
	}
	receipt, files := s.submit(t, "Ada", uploads...)
	for i, f := range files {
		for _, way := range s.waysTo(t, receipt, f) {
			way.status, way.want = 200, map[string]string{"X-Evil": ""}
			a := s.play(t, way)
			checkDisposition(t, a.header.Get("Content-Disposition"), "attachment", dossier.CleanFileName(oddNames[i]))
		}
	}
}

func FuzzContentDisposition(f *testing.F) {
	for _, name := range oddNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if raw != "" && utf8.ValidString(raw) {
			checkDisposition(t, contentDisposition("attachment", raw), "attachment", raw)
		}
		name := dossier.CleanFileName(raw)
		checkDisposition(t, contentDisposition("attachment", name), "attachment", name)
	})
}

func TestDownloadOfNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, "Ada", upload{"a.txt", "ada's"}, upload{"b.txt", "marked"},
		upload{"c.txt", "object gone"})
	other, others := s.submit(t, "Bob", upload{"b.txt", "bob's"})
	half := s.uploading(t, receipt.Person, "half.txt")
	if err := s.stores.Catalog.MarkDeleting(t.Context(), receipt.Person, files[1].ID, s.clock.now(),
		dossier.FileStored); err != nil {
		t.Fatal(err)
	}
	if err := s.stores.Objects.Delete(t.Context(), files[2].Key()); err != nil {
		t.Fatal(err)
	}
	forged := receipt
	forged.Secret[7] ^= 1
	mixed := other
	mixed.Person = receipt.Person
	mine, theirs := files[0].ID.String(), others[0].ID.String()
	all := []scenario{
		{name: "another's file by receipt", path: "/receipt/" + receipt.String() + "/files/" + theirs},
		{name: "wrong secret", path: "/receipt/" + forged.String() + "/files/" + mine},
		{name: "another's secret", path: "/receipt/" + mixed.String() + "/files/" + mine},
		{name: "malformed receipt", path: "/receipt/x/files/" + mine},
		{name: "another person's file for staff", path: "/people/" + other.Person.String() + "/files/" + mine, by: by},
		{name: "picture of another's file", path: "/people/" + other.Person.String() + "/files/" + mine + "/picture",
			by: by},
	}
	for name, id := range map[string]string{
		"uploading": half.ID.String(), "being deleted": files[1].ID.String(),
		"unknown":   dossier.NewFileID().String(),
		"malformed": "x", "upper case": strings.ToUpper(mine), "dots": "%2e%2e", "empty": "",
	} {
		all = append(all,
			scenario{name: name + " for staff", path: "/people/" + receipt.Person.String() + "/files/" + id, by: by},
			scenario{name: name + " by receipt", path: "/receipt/" + receipt.String() + "/files/" + id})
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			c.status, c.hasNot = 404, []string{"ada's", "bob's", "marked", "a.txt", "b.txt"}
			c.want = map[string]string{
				"Content-Disposition": "", "Etag": "", "Last-Modified": "", "Accept-Ranges": "",
				"Cache-Control": "no-store", "Content-Security-Policy": pagePolicy,
				"Content-Type": "text/html; charset=UTF-8",
			}
			s.play(t, c)
		})
	}
}

func TestDownloadWithStoreDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	content := noise(300_000)
	receipt, files := s.submit(t, "Ada", upload{"data.bin", content})
	unavailable := dossier.Unavailable(context.Background(), "read", errors.New(innards))
	page := map[string]string{
		"Content-Disposition": "", "Etag": "", "Last-Modified": "", "Accept-Ranges": "", "Content-Range": "",
		"Cache-Control": "no-store",
		"Content-Type":  "text/html; charset=UTF-8", "Content-Security-Policy": pagePolicy, "Retry-After": retryAfter,
	}
	for who, way := range s.waysTo(t, receipt, files[0]) {
		for name, header := range map[string]map[string]string{
			"whole": nil, "range": {"Range": "bytes=5-9"}, "suffix": {"Range": "bytes=-9"},
			"several": {"Range": "bytes=0-1,5-9"},
		} {
			way := way
			way.header = header
			for _, store := range []string{"objects.Open", "catalog.File"} {
				t.Run(who+", "+name+", "+store+" fails", func(t *testing.T) {
					s.faults.down(store)
					defer s.faults.set(store, nil)
					way := way
					way.status, way.want, way.has = 503, page, []string{"Temporarily unavailable"}
					s.play(t, way)
				})
			}
			t.Run(who+", "+name+", first read fails", func(t *testing.T) {
				s.objects.forget(unavailable, 0)
				way := way
				way.status, way.want = 503, page
				s.play(t, way)
			})
		}
		for name, c := range map[string]struct {
			header map[string]string
			breaks error
			after  int64
			status int
		}{
			"in the middle":            {nil, unavailable, 100_000, 200},
			"after the first read":     {nil, unavailable, 4 << 10, 200},
			"before the last byte":     {nil, unavailable, 299_999, 200},
			"in a range":               {map[string]string{"Range": "bytes=1000-200999"}, unavailable, 100_000, 206},
			"an object that ends":      {nil, io.EOF, 100_000, 200},
			"an object a byte shorter": {nil, io.EOF, 299_999, 200},
		} {
			t.Run(who+", fails "+name, func(t *testing.T) {
				s.objects.forget(c.breaks, c.after)
				defer s.acquit(t)
				way := way
				way.header = c.header
				a := s.ask(t, way)
				if a.status != c.status || !errors.Is(a.err, io.ErrUnexpectedEOF) || int64(len(a.body)) > c.after {
					t.Errorf("status %d, %d bytes, then %v, want %d and a body that breaks off", a.status, len(a.body),
						a.err, c.status)
				}
			})
		}
	}
	s.objects.forget(nil, 0)
	for _, way := range s.waysTo(t, receipt, files[0]) {
		way.status = 200
		if a := s.play(t, way); a.body != content || a.err != nil {
			t.Errorf("with the store back: %d bytes, error %v", len(a.body), a.err)
		}
	}
}

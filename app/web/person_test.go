package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"dossier.example/app"
)

func TestPersonPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	by := s.signIn(t)
	receipt, files := s.submit(t, `<script>alert("n")</script> & Söhne`,
		upload{`evil"<img src=x onerror=alert(1)>.png`, "<!doctype html><html><body>x"},
		upload{"real.dat", onePixelPNG}, upload{"empty.png", ""},
		upload{"draw.svg", `<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>`})
	path := "/people/" + receipt.Person.String()
	picture := path + "/files/" + files[1].ID.String() + "/picture"
	a := s.play(t, scenario{
		path: path + "?view=cards", by: by, status: 200,
		has: []string{
			"&lt;script&gt;alert", "Zürich", ">36<", "4 files", picture, fmt.Sprintf("%x", files[0].Content.SHA256),
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "(0 bytes)", "Drawing (SVG)",
			"image/svg+xml",
			"Picture (PNG)", "image/png",
			path + "/delete", path + "/files/" + files[0].ID.String() + "/delete",
		},
		hasNot: []string{"<script>alert", "<img src=x", receipt.String()},
	})
	pictures := 0
	for n := range parseDocument(t, a.body).all("img") {
		if src, _ := attr(n, "src"); src != picture {
			t.Errorf("the page shows the picture %q", src)
		}
		pictures++
	}
	if pictures != 1 {
		t.Errorf("the page shows %d pictures, want the one PNG", pictures)
	}
	s.play(t, scenario{path: "/people", by: by, status: 200, has: []string{"&lt;script&gt;", `href="` + path + `"`},
		hasNot: []string{"<script>alert"}})

	t.Run("unfinished files are told apart, and can be discarded", func(t *testing.T) {
		f := s.uploading(t, receipt.Person, "half.bin")
		file := path + "/files/" + f.ID.String()
		s.play(t, scenario{path: path, by: by, status: 200,
			has:    []string{"half.bin", "Being sent", "Started", "4 files"},
			hasNot: []string{"5 files", `"` + file + `"`}})
		s.clock.advance(sendingTime)
		s.play(t, scenario{path: path, by: by, status: 200,
			has: []string{"half.bin", "Not complete", "Discard…", file + "/delete"}})
		s.play(t, scenario{path: file, by: by, status: 404})
		s.play(t, scenario{path: path + "/delete", by: by, status: 200,
			has: []string{"and 4 files?", "discards 1 unfinished upload"}})
		s.play(t, scenario{path: file + "/delete", by: by, status: 200,
			has: []string{"Discard the unfinished file half.bin?", ">Discard<"}})
		form := url.Values{"csrf": {by.token}}
		s.play(t, scenario{path: file + "/delete", by: by, form: form, status: 303,
			want: map[string]string{"Location": path}})
		s.play(t, scenario{path: path, by: by, status: 200, has: []string{"4 files"},
			hasNot: []string{"half.bin", "Not complete"}})
		s.play(t, scenario{path: file + "/delete", by: by, form: form, status: 404,
			has: []string{"This file is not here"}})
	})

	t.Run("ids of nobody are all the same", func(t *testing.T) {
		pending := dossier.NewReceipt()
		if _, err := s.svc.Begin(t.Context(), pending,
			dossier.Details{Name: "Pending", Location: "x", Technology: "y"}); err != nil {
			t.Fatal(err)
		}
		id := receipt.Person.String()
		var first string
		for _, bad := range []string{
			dossier.NewPersonID().String(), pending.Person.String(), "1", "x", strings.ToUpper(id), "{" + id + "}",
			strings.ReplaceAll(id, "-", ""),
			"00000000-0000-0000-0000-000000000000", "f47ac10b-58cc-4372-a567-0e02b2c3d479", url.PathEscape("../" + id),
			url.PathEscape("' OR 1=1 --"), "%00",
		} {
			for _, tail := range []string{"", "/delete", "/files/" + files[0].ID.String(), "/files/" +
				files[1].ID.String() + "/picture"} {
				a := s.play(t, scenario{path: "/people/" + bad + tail, by: by, status: 404,
					hasNot: []string{"Pending"}})
				text := strings.ReplaceAll(a.body, a.header.Get("X-Request-Id"), "")
				text = strings.ReplaceAll(text, by.token, "")
				if first == "" {
					first = text
				}
				if text != first {
					t.Errorf("the page for %q%s differs from the others:\n%s", bad, tail, text)
				}
			}
		}
	})
}

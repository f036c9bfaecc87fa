package web_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

func TestFileNames(t *testing.T) {
	tests := []struct{ name, fileName string }{
		{"4 KB", strings.Repeat("Wolfeschlegelstein", 230) + ".pdf"},
		{"a path upwards", "../../../../etc/passwd-of-ada"},
		{"a path on Windows", `C:\Users\Ada\secret letters.doc`},
		{"NUL", "before\x00after.txt"},
		{"control characters", "tab\tand\x1bescape\x7f.txt"},
		{"line breaks, as browsers escape them", "first line\r\nsecond line.txt"},
		{"right-to-left override", "invoice\u202Efdp.exe"},
		{"emoji", "👩🏽‍🚀 trip 🇨🇭.png"},
		{"quotes", `"so-called" 'letter'.txt`},
		{"markup", `<img src=x onerror=alert(1)>&amp;.html`},
		{"no UTF-8", "caf\xe9 menu.txt"},
		{"decomposed", "A\u030Angstro\u0308m.txt"},
		{"a dot file", ".hidden-by-ada"},
		{"dots only", "...."},
		{"a name of Windows' own", "con.txt:stream"},
		{"a percent sign", "100%25 sure.txt"},
	}
	folder := teststores.Folder(t)
	stores := teststores.Embedded(t, folder)
	s := open(t, setup{stores: &stores})
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			f := ada.with(file{test.fileName, fmt.Sprintf("content %d", i)})
			a := s.submit(f)
			s.mustAccept(a, f)
			receipt := s.get(a.header.Get("Location"))
			receipt.must(t, http.StatusOK)
			receipt.mustNot(t, "<img src=x", "\u202E", "\x00")
			if stored, _ := receipt.told(t); !slices.Equal(stored, []string{dossier.CleanFileName(test.fileName)}) {
				t.Errorf("the receipt tells %q", stored)
			}
		})
	}
	if got := s.holds(); got.objects != len(tests) || got.records != len(tests) {
		t.Errorf("the stores hold %+v, want %d files", got, len(tests))
	}
	// Nothing that a sender chose is a path in the store.
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		for _, chosen := range []string{"passwd", "Wolfe", "letter", "hidden", "con.txt", "invoice", "trip"} {
			if strings.Contains(strings.TrimPrefix(path, folder), chosen) {
				t.Errorf("the sender's name is the path %s", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestMalformedForms(t *testing.T) {
	f := ada.with(some(2)...)
	fields, files := f.fields(), f.parts()[5:]
	many := make([]part, 10_000)
	for i := range many {
		many[i] = notChosen
	}
	texts := slices.Clone(many)
	for i := range texts {
		texts[i] = field(fmt.Sprintf("field%d", i), "x")
	}
	reversed := slices.Clone(f.parts())
	slices.Reverse(reversed)
	without := func(name string) []part {
		return slices.DeleteFunc(slices.Clone(f.parts()), func(p part) bool {
			return strings.Contains(p.header, `name="`+name+`"`)
		})
	}
	damaged := func(receipt string) string {
		g := f
		g.receipt = receipt
		return g.body()
	}
	join := func(lists ...[]part) string { return encode(slices.Concat(lists...)...) }
	tests := []struct {
		name, contentType, body, says string
	}{
		{"no Content-Type", "", f.body(), "multipart/form-data"},
		{"Content-Type that cannot be read", "multipart/form-data; boundary", f.body(), "multipart/form-data"},
		{"URL-encoded", "application/x-www-form-urlencoded", "name=Ada&age=36", "multipart/form-data"},
		{"JSON", "application/json", `{"name":"Ada"}`, "multipart/form-data"},
		{"another multipart", "multipart/mixed; boundary=" + boundary, f.body(), "multipart/form-data"},
		{"no boundary", "multipart/form-data", f.body(), "boundary"},
		{"empty boundary", `multipart/form-data; boundary=""`, f.body(), "boundary"},
		{"boundary too long", "multipart/form-data; boundary=" + strings.Repeat("b", 71), f.body(), "boundary"},
		{"another boundary", "multipart/form-data; boundary=other", f.body(), "cut off or is damaged"},
		{"no body", formType, "", "cut off or is damaged"},
		{"no form in the body", formType, strings.Repeat("nothing ", 100), "cut off or is damaged"},
		{"a long body without any part", formType, strings.Repeat("nothing ", 100_000), "longer than 65 kB"},
		{"one long line without any part", formType, strings.Repeat("x", 1_000_000), "longer than 65 kB"},
		{"a part's header that never ends", formType, "--" + boundary + "\r\n" +
			strings.Repeat("X-Filler: abcdefghijklmnopqrstuvwxyz\r\n", 10_000), "header is longer than 65 kB"},
		{"a part's header in one endless line", formType, "--" + boundary + "\r\nX-Filler: " +
			strings.Repeat("x", 500_000), "header is longer than 65 kB"},
		{"a header that is none", formType, "--" + boundary + "\r\nthis is no header\r\n\r\nx\r\n--" + boundary +
			"--\r\n", "cut off or is damaged"},
		{"a part without disposition", formType, join([]part{{"X-Other: 1", "x"}}, f.parts()), "which field it is"},
		{"a disposition that cannot be read", formType,
			join([]part{{`Content-Disposition: form-data; name="a"; name="b"`, "x"}}, f.parts()), "which field it is"},
		{"another disposition", formType, join([]part{{`Content-Disposition: attachment; name="name"`, "x"}},
			f.parts()), "which field it is"},
		{"something behind the end", formType, f.body() + strings.Repeat("more ", 20_000), "after its end"},
		{"part order reversed", formType, encode(reversed...), "came after the files"},
		{"the receipt after the files", formType, join(fields[1:], files, fields[:1]), "came after the files"},
		{"a field after the files", formType, join(fields, files, []part{field("technology", "Go")}),
			"came after the files"},
		{"10,000 parts", formType, join(fields, many), "too many parts"},
		{"10,000 fields", formType, join(fields, texts), "too many parts"},
		{"a field twice", formType, join(fields, fields[1:2], files), "was sent twice"},
		{"the receipt twice", formType, join(fields[:1], fields, files), "was sent twice"},
		{"an over-long unknown field", formType, join([]part{field("x", strings.Repeat("x", 64<<10+1))}, fields, files),
			"longer than 65 kB"},
		{"an unnamed file in an unknown field", formType,
			join(fields, []part{{`Content-Disposition: form-data; name="other"; filename=""`, "Go"}}), "unknown field"},
		{"a field as a file", formType,
			join(fields[:4], []part{{`Content-Disposition: form-data; name="technology"; filename="t.txt"`, "Go"}},
				files), "must be text, not a file"},
		{"an unknown file field", formType,
			join(fields, []part{{`Content-Disposition: form-data; name="other"; filename="t.txt"`, "Go"}}),
			"unknown field"},
		{"an over-long field", formType, join(fields[:1], []part{field("name", strings.Repeat("x", 64<<10+1))},
			fields[2:], files), "longer than 65 kB"},
		{"cut off in a file", formType, f.body()[:strings.Index(f.body(), files[1].data)+9], "cut off or is damaged"},
		{"no receipt", formType, encode(without("receipt")...), "is missing"},
		{"an empty receipt", formType, damaged(""), "damaged"},
		{"a receipt too short", formType, damaged(f.receipt[:63]), "damaged"},
		{"a receipt of other characters", formType, damaged(strings.Repeat("!", 64)), "damaged"},
		{"a receipt whose id is none", formType, damaged(strings.Repeat("A", 64)), "damaged"},
	}
	s := open(t, setup{})
	s.remember(f)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			header := http.Header{}
			if test.contentType != "" {
				header.Set("Content-Type", test.contentType)
			}
			a := s.do(http.MethodPost, "/submissions", header, strings.NewReader(test.body))
			a.must(t, http.StatusBadRequest, test.says)
			a.mustNot(t, f.receipt)
			if got := s.holds(); got.people != 0 {
				t.Errorf("the stores hold %+v although nothing was acknowledged", got)
			}
			s.reconcile()
			s.mustHold(held{})
		})
	}
}

// Extensions of browsers, and what filters pages on the way, add fields to forms.
func TestFieldsOfOthers(t *testing.T) {
	f := ada.with(some(2)...)
	fields, files := f.fields(), f.parts()[5:]
	others := []part{field("_charset_", "UTF-8"), field("admin", "1"), field("admin", "2"), field("", ""),
		{`Content-Disposition: form-data; name="scan"; filename=""`, ""}}
	s := open(t, setup{})
	for name, parts := range map[string][][]part{
		"first":                 {others, fields, files},
		"between the fields":    {fields[:2], others, fields[2:], files},
		"between the files":     {fields, files[:1], others, files[1:]},
		"last":                  {fields, files, others},
		"everywhere, and a lot": {others, fields, others, slices.Repeat(others, 50), files, others},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			a := s.do(http.MethodPost, "/submissions", http.Header{"Content-Type": {formType}},
				strings.NewReader(encode(slices.Concat(parts...)...)))
			s.mustAccept(a, f)
			s.mustHold(held{people: 1, records: 2, objects: 2})
		})
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	within, over := file{"within.txt", "few bytes"}, file{"over.bin", strings.Repeat("x", 1001)}
	full := file{"full.bin", strings.Repeat("y", 1000)}
	files := some(6)
	long := make([]file, 200)
	for i := range long {
		long[i] = file{fmt.Sprintf("chosen-%03d.txt", i), strings.Repeat("z", i)}
	}
	tests := []struct {
		name   string
		files  []file
		stored []file
		// missing are the files that are told as not stored, with a part of the reason.
		missing map[string]string
		says    []string
	}{
		{"a file over the limit among others", []file{within, over, full}, []file{within, full},
			map[string]string{over.name: "limit of 1 kB"}, []string{"2 of 3 files", "up to 1 kB each"}},
		{"only a file over the limit", []file{over}, nil, map[string]string{over.name: "limit of 1 kB"},
			[]string{"0 of 1 file"}},
		{"a file far over the limit", []file{{"huge.bin", strings.Repeat("x", 5<<20)}, within}, []file{within},
			map[string]string{"huge.bin": "limit of 1 kB"}, []string{"1 of 2 files"}},
		{"too many files", files, files[:3], map[string]string{
			files[3].name: "limit is 3 files", files[4].name: "limit is 3 files", files[5].name: "limit is 3 files",
		}, []string{"3 of 6 files", "3 files of up to 1 kB each"}},
		{"a whole folder", long, long[:3], nil, []string{"3 of 200 files"}},
	}
	s := open(t, setup{domain: dossier.Options{Limits: small}})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			f := ada.with(test.files...)
			before := s.holds()
			// Chunked, since the Content-Length of some is more than all limits together.
			s.remember(f)
			body := struct{ *strings.Reader }{strings.NewReader(f.body())}
			a := s.do(http.MethodPost, "/submissions", http.Header{"Content-Type": {formType}}, &onlyReader{body})
			a.must(t, http.StatusRequestEntityTooLarge, append(test.says, "/receipt#"+f.receipt, ada.name)...)
			s.mustHave(f, test.stored...)
			stored, missing := a.told(t)
			if len(stored) != len(test.stored) {
				t.Errorf("the page tells %q as stored", stored)
			}
			for _, one := range test.stored {
				if !slices.Contains(stored, one.name) {
					t.Errorf("the page does not tell that %s is stored", one.name)
				}
			}
			if len(missing) != len(test.files)-len(test.stored) {
				t.Errorf("the page tells %d files as missing, want %d", len(missing), len(test.files)-len(test.stored))
			}
			for name, why := range test.missing {
				if !strings.Contains(missing[name], why) {
					t.Errorf("of %s the page says %q, want %q", name, missing[name], why)
				}
			}
			n := len(test.stored)
			want := held{before.people + 1, 0, before.records + n, before.objects + n}
			s.mustHold(want)
			s.reconcile()
			s.mustHold(want)
		})
	}
}

// onlyReader hides a body's length.
type onlyReader struct {
	r interface{ Read([]byte) (int, error) }
}

func (o *onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }

// A file that is so far over the limit that its rest is not even dropped ends the reading. What came before is kept and
// told.
func TestTooLargeToDrop(t *testing.T) {
	t.Parallel()
	s := open(t, setup{domain: dossier.Options{Limits: small}, web: web.Options{DrainBytes: 10_000}})
	kept := file{"kept.txt", "few bytes"}
	f := ada.with(kept, file{"huge.bin", strings.Repeat("x", 300_000)}, file{"never-reached.txt", "x"})
	s.remember(f)
	w := s.dial()
	w.postHead(len(f.body()))
	w.write(f.body())
	a, _ := w.answer()
	a.must(t, http.StatusRequestEntityTooLarge, "A file that is not listed here did not arrive", "limit of 1 kB")
	a.mustNot(t, "never-reached.txt")
	if stored, _ := a.told(t); !slices.Equal(stored, []string{kept.name}) {
		t.Errorf("the page tells %q as stored", stored)
	}
	s.mustHave(f, kept)
	w.mustEnd()
	s.reconcile()
	s.mustHold(held{people: 1, records: 1, objects: 1})
}

// A Content-Length beyond all limits is refused before a byte is read.
func TestContentLengthTooLarge(t *testing.T) {
	t.Parallel()
	s := open(t, setup{domain: dossier.Options{Limits: small}, web: web.Options{DrainBytes: 1000}})
	w := s.dial()
	w.postHead(10 << 20)
	a, _ := w.answer()
	a.must(t, http.StatusRequestEntityTooLarge, "3 files of up to 1 kB each")
	w.mustEnd()
	s.mustHold(held{})
}

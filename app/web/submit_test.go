package web_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

func TestForm(t *testing.T) {
	s := open(t, setup{})
	a := s.get("/")
	a.must(t, http.StatusOK, "50 files", "5.0 GiB")
	f, order := a.pageForm(t)
	if want := []string{"receipt", "name", "location", "age", "technology", "files"}; !slices.Equal(order, want) {
		t.Errorf("the fields come in the order %v, want %v", order, want)
	}
	if f.name+f.location+f.age+f.technology != "" {
		t.Errorf("the first form is filled in: %+v", f)
	}
	f.parsed(t)
	if again, _ := s.get("/").pageForm(t); again.receipt == f.receipt {
		t.Error("two forms have the same receipt")
	}
	if got := a.header.Get("Cache-Control"); got != "private, no-cache" {
		t.Errorf("Cache-Control is %q: a browser that goes back must find the form with its receipt", got)
	}
	if strings.Contains(a.body, "style=") || strings.Contains(a.body, "<style") || strings.Contains(a.body, "<script>") || strings.Contains(a.body, " onclick=") {
		t.Error("the page has something inline, which its policy forbids")
	}
	head := s.do(http.MethodHead, "/", nil, nil)
	if head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %v", head)
	}
	s.mustHold(held{})
}

func TestSubmit(t *testing.T) {
	tests := []struct {
		name  string
		files []file
		// parts are what is sent after the fields, where it is not just the files.
		parts []part
	}{
		{name: "details only, as of a program that sends no file field", parts: []part{}},
		{name: "no file chosen"},
		{name: "one file", files: some(1)},
		{name: "as many files as are taken", files: some(50)},
		{name: "an empty file", files: []file{{"empty.txt", ""}}},
		{name: "a file among places where none was chosen", files: some(1), parts: []part{notChosen, attached(some(1)[0].name, some(1)[0].data), notChosen}},
		{name: "bytes without a name", files: []file{{"", "bytes of nobody"}}},
		{name: "a file as large as many buffers", files: []file{{"large.bin", strings.Repeat("0123456789abcdef", 1<<17)}}},
		{name: "bytes that look like the form's own", files: []file{{"trap.txt", "\r\n--" + boundary[:20] + "\r\n\r\n--\r\n" + "\n--" + boundary + "x"}}},
		{name: "one content under two names", files: []file{{"first.txt", "same"}, {"second.txt", "same"}}},
		{name: "two contents under one name", files: []file{{"draft.txt", "one"}, {"draft.txt", "two"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, setup{})
			f := ada.with(test.files...)
			parts := f.parts()
			if test.parts != nil {
				parts = append(f.fields(), test.parts...)
			}
			s.remember(f)
			a := s.post(encode(parts...))
			s.mustAccept(a, f)
			want := held{people: 1, records: len(f.files), objects: len(f.files)}
			s.mustHold(want)
			s.reconcile()
			s.mustHold(want)
			receipt := s.get(a.header.Get("Location"))
			receipt.must(t, http.StatusOK, "Received, thank you", ada.name)
			if stored, missing := receipt.told(t); len(stored) != len(f.files) || len(missing) != 0 {
				t.Errorf("the receipt tells %q as stored and %q as missing", stored, missing)
			}
		})
	}
}

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

func TestFaultyFields(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	const hint = "choose your files again"
	tests := []struct {
		name   string
		change func(*form)
		// faults are fields with a part of what is told of them.
		faults map[string]string
	}{
		{"no name", func(f *form) { f.name = "" }, map[string]string{"name": "Enter a name"}},
		{"a name of spaces", func(f *form) { f.name = " \t " }, map[string]string{"name": "Enter a name"}},
		{"a name of control characters", func(f *form) { f.name = "\x01\x02" }, map[string]string{"name": "control characters"}},
		{"a name of 10,000 characters", func(f *form) { f.name = long }, map[string]string{"name": "at most 200"}},
		{"a name of 10,000 wide characters", func(f *form) { f.name = strings.Repeat("𝔄", 10_000) }, map[string]string{"name": "at most 200"}},
		{"a name that turns the text around", func(f *form) { f.name = "Ada\u202Eecalevol" }, map[string]string{"name": "control characters"}},
		{"a name that is no UTF-8", func(f *form) { f.name = "Ad\xe4 von Lovelace" }, map[string]string{"name": "UTF-8"}},
		{"a name of markup", func(f *form) { f.name = `"><script>alert(1)</script>` + long }, map[string]string{"name": "at most 200"}},
		{"no location", func(f *form) { f.location = "" }, map[string]string{"location": "Enter a location"}},
		{"a location too long", func(f *form) { f.location = long }, map[string]string{"location": "at most 200"}},
		{"no age", func(f *form) { f.age = "" }, map[string]string{"age": "from 0 to 130"}},
		{"age -1", func(f *form) { f.age = "-1" }, map[string]string{"age": "from 0 to 130"}},
		{"age 200", func(f *form) { f.age = "200" }, map[string]string{"age": "from 0 to 130"}},
		{"age x", func(f *form) { f.age = "x" }, map[string]string{"age": "whole number"}},
		{"age 1e2", func(f *form) { f.age = "1e2" }, map[string]string{"age": "whole number"}},
		{"an age beyond all numbers", func(f *form) { f.age = strings.Repeat("9", 40) }, map[string]string{"age": "whole number"}},
		{"no technology", func(f *form) { f.technology = "" }, map[string]string{"technology": "Enter a technology"}},
		{"a technology of dashes", func(f *form) { f.technology = "---" }, map[string]string{"technology": "a letter or a digit"}},
		{"everything", func(f *form) { f.name, f.location, f.age, f.technology = "", long, "x", "\x00" }, map[string]string{
			"name": "Enter a name", "location": "at most 200", "age": "whole number", "technology": "control characters",
		}},
	}
	s := open(t, setup{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := s.in(t)
			f := ada.with(some(2)...)
			test.change(&f)
			a := s.submit(f)
			a.must(t, http.StatusUnprocessableEntity, hint)
			a.mustNot(t, "<script>alert")
			for name, fault := range test.faults {
				a.must(t, http.StatusUnprocessableEntity, `id="`+name+`-fault"`, fault)
			}
			if n := strings.Count(a.body, `<p class="fault" id="`); n != len(test.faults) {
				t.Errorf("%d fields are told as faulty, want %d", n, len(test.faults))
			}
			if got := a.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control is %q", got)
			}
			page, _ := a.pageForm(t)
			want := f
			// Browsers see U+FFFD for bytes that are no UTF-8, and pages hold no NUL.
			page.name = strings.ToValidUTF8(page.name, "\uFFFD")
			want.name = strings.ToValidUTF8(want.name, "\uFFFD")
			want.technology = strings.ReplaceAll(want.technology, "\x00", "\uFFFD")
			if page.receipt != want.receipt || page.name != want.name || page.location != want.location || page.age != want.age || page.technology != want.technology {
				t.Errorf("the page keeps\n%.300q\nwant\n%.300q", page, want)
			}
			s.mustHold(held{})
		})
	}
	t.Run("without files there is nothing to choose again", func(t *testing.T) {
		s := s.in(t)
		f := ada.with()
		f.age = "x"
		a := s.submit(f)
		a.must(t, http.StatusUnprocessableEntity)
		a.mustNot(t, hint)
	})
	t.Run("the page, mended, is taken", func(t *testing.T) {
		s := s.in(t)
		f := ada.with(some(2)...)
		f.age = "x"
		a := s.submit(f)
		a.must(t, http.StatusUnprocessableEntity)
		page, _ := a.pageForm(t)
		page.age, page.files = "36", f.files
		s.mustAccept(s.submit(page), page)
	})
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
		return slices.DeleteFunc(slices.Clone(f.parts()), func(p part) bool { return strings.Contains(p.header, `name="`+name+`"`) })
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
		{"another boundary", "multipart/form-data; boundary=other", f.body(), "broke off or is damaged"},
		{"no body", formType, "", "broke off or is damaged"},
		{"no form in the body", formType, strings.Repeat("nothing ", 100), "broke off or is damaged"},
		{"a long body without any part", formType, strings.Repeat("nothing ", 100_000), "longer than 64 KiB"},
		{"one long line without any part", formType, strings.Repeat("x", 1_000_000), "longer than 64 KiB"},
		{"a part's header that never ends", formType, "--" + boundary + "\r\n" + strings.Repeat("X-Filler: abcdefghijklmnopqrstuvwxyz\r\n", 10_000), "header is longer than 64 KiB"},
		{"a part's header in one endless line", formType, "--" + boundary + "\r\nX-Filler: " + strings.Repeat("x", 500_000), "header is longer than 64 KiB"},
		{"a header that is none", formType, "--" + boundary + "\r\nthis is no header\r\n\r\nx\r\n--" + boundary + "--\r\n", "broke off or is damaged"},
		{"a part without disposition", formType, join([]part{{"X-Other: 1", "x"}}, f.parts()), "which field it is"},
		{"a disposition that cannot be read", formType, join([]part{{`Content-Disposition: form-data; name="a"; name="b"`, "x"}}, f.parts()), "which field it is"},
		{"another disposition", formType, join([]part{{`Content-Disposition: attachment; name="name"`, "x"}}, f.parts()), "which field it is"},
		{"something behind the end", formType, f.body() + strings.Repeat("more ", 20_000), "after its end"},
		{"part order reversed", formType, encode(reversed...), "came after the files"},
		{"the receipt after the files", formType, join(fields[1:], files, fields[:1]), "came after the files"},
		{"a field after the files", formType, join(fields, files, []part{field("technology", "Go")}), "came after the files"},
		{"10,000 parts", formType, join(fields, many), "too many parts"},
		{"10,000 fields", formType, join(fields, texts), "not known here"},
		{"a field twice", formType, join(fields, fields[1:2], files), "came twice"},
		{"the receipt twice", formType, join(fields[:1], fields, files), "came twice"},
		{"an unknown field", formType, join(fields, []part{field("admin", "1")}, files), "not known here"},
		{"a field as a file", formType, join(fields[:4], []part{{`Content-Disposition: form-data; name="technology"; filename="t.txt"`, "Go"}}, files), "came as a file"},
		{"an unknown file field", formType, join(fields, []part{{`Content-Disposition: form-data; name="other"; filename="t.txt"`, "Go"}}), "not known here"},
		{"an over-long field", formType, join(fields[:1], []part{field("name", strings.Repeat("x", 64<<10+1))}, fields[2:], files), "longer than 64 KiB"},
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
			map[string]string{over.name: "limit of 1000 B"}, []string{"2 of 3 files", "up to 1000 B each"}},
		{"only a file over the limit", []file{over}, nil, map[string]string{over.name: "limit of 1000 B"}, []string{"0 of 1 file"}},
		{"a file far over the limit", []file{{"huge.bin", strings.Repeat("x", 5<<20)}, within}, []file{within},
			map[string]string{"huge.bin": "limit of 1000 B"}, []string{"1 of 2 files"}},
		{"too many files", files, files[:3], map[string]string{
			files[3].name: "limit is 3 files", files[4].name: "limit is 3 files", files[5].name: "limit is 3 files",
		}, []string{"3 of 6 files", "3 files of up to 1000 B each"}},
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
			a.must(t, http.StatusRequestEntityTooLarge, append(test.says, "/receipt/"+f.receipt, ada.name)...)
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

// A file that is so far over the limit that its rest is not even dropped ends the reading. What came before is kept and told.
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
	a.must(t, http.StatusRequestEntityTooLarge, "A file that is not listed here did not arrive", "limit of 1000 B")
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
	a.must(t, http.StatusRequestEntityTooLarge, "3 files of up to 1000 B each")
	w.mustEnd()
	s.mustHold(held{})
}

func TestConflict(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, s *site, f *form)
	}{
		{"another secret", func(t *testing.T, _ *site, f *form) {
			r := f.parsed(t)
			r.Secret[7] ^= 1
			f.receipt = r.String()
		}},
		{"other details", func(_ *testing.T, _ *site, f *form) { f.name = "Grace Hopper" }},
		{"being deleted", func(t *testing.T, s *site, f *form) {
			err := s.stores.People.Move(t.Context(), f.parsed(t).Person, dossier.PersonDeleting, time.Now(), dossier.PersonSubmitted)
			if err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, setup{})
			first := ada.with(some(1)...)
			s.mustAccept(s.submit(first), first)
			f := first
			test.change(t, s, &f)
			f.files = some(2)
			a := s.submit(f)
			a.must(t, http.StatusConflict, "Send as a new submission", "choose your files again")
			page, _ := a.pageForm(t)
			if page.name != f.name || page.location != f.location || page.age != f.age || page.technology != f.technology {
				t.Errorf("the page keeps %+v, want %+v", page, f)
			}
			if page.receipt == f.receipt || page.receipt == first.receipt {
				t.Error("the page has the old receipt")
			}
			if got := s.holds(); got.records != 1 || got.objects != 1 {
				t.Errorf("the stores hold %+v after a conflict", got)
			}
			page.files = f.files
			s.mustAccept(s.submit(page), page)
			if test.name != "being deleted" {
				s.mustHave(first, first.files...)
			}
		})
	}
}

func TestSameFormAgain(t *testing.T) {
	t.Run("one after the other", func(t *testing.T) {
		s := open(t, setup{})
		f := ada.with(some(3)...)
		for range 3 {
			s.mustAccept(s.submit(f), f)
		}
		s.mustHold(held{people: 1, records: 3, objects: 3})
	})
	t.Run("with a file more and one less", func(t *testing.T) {
		s := open(t, setup{})
		f, files := ada.with(), some(4)
		f.files = files[:3]
		s.mustAccept(s.submit(f), f)
		f.files = files[1:]
		a := s.submit(f)
		if a.status != http.StatusSeeOther {
			t.Fatal(a)
		}
		s.mustHave(f, files...)
	})
	t.Run("with spaces around what was typed", func(t *testing.T) {
		s := open(t, setup{})
		f := ada.with(some(1)...)
		s.mustAccept(s.submit(f), f)
		f.name, f.age = "  Ada   Lovelace ", " 36"
		if a := s.submit(f); a.status != http.StatusSeeOther {
			t.Error(a)
		}
		s.mustHold(held{people: 1, records: 1, objects: 1})
	})
	t.Run("eight at once", func(t *testing.T) {
		s := open(t, setup{})
		f := ada.with(some(3)...)
		f.files = append(f.files, file{"large.bin", strings.Repeat("0123456789", 50_000)})
		answers := make([]answer, 8)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = s.submit(f) })
		}
		wg.Wait()
		for _, a := range answers {
			s.mustAccept(a, f)
		}
		want := held{people: 1, records: 4, objects: 4}
		s.mustHold(want)
		s.reconcile()
		s.mustHold(want)
	})
}

// Every call that a submission makes to a store goes wrong in every way. The page says so in time, with what the submitter needs to send the
// same form again; and that gives one person and each file once. Left alone, nothing that was not told as stored stays.
func TestStoreFaultAtEveryStep(t *testing.T) {
	t.Parallel()
	stores := teststores.Embedded(t, teststores.Folder(t))
	healthy := open(t, setup{stores: &stores})
	through := func(t *testing.T, f *faults, m mode) *site {
		return open(t, setup{stores: &stores, wrap: f.wrap, domain: dossier.Options{Stall: stall(m)}})
	}
	clean := &faults{}
	f := ada.with(some(2)...)
	s := through(t, clean, "")
	s.mustAccept(s.submit(f), f)
	calls := clean.taken()
	if len(calls) < 14 || !slices.Contains(calls, "objects.Stat") {
		t.Fatalf("a submission of two files makes only the calls %v", calls)
	}
	for i, call := range calls {
		for _, m := range []mode{failBefore, failAfter, failIn, hang} {
			if (m == failIn || m == hang) && call != "objects.Put" {
				continue // as failBefore
			}
			t.Run(fmt.Sprintf("%02d %s %s", i, call, m), func(t *testing.T) {
				healthy, s := healthy.in(t), through(t, at(i, m), m)
				f := ada.with(some(2)...)
				if m == hang {
					// More than lies in buffers, so that the sender is still at it.
					which := 0
					if i > slices.Index(calls, "objects.Put") {
						which = 1
					}
					f.files[which].data += strings.Repeat("z", 5<<20)
				}
				a := s.submit(f)
				a.must(t, http.StatusServiceUnavailable, f.receipt, f.name, f.location, f.technology, a.id())
				a.mustNot(t, "injected", "objects.Put", call)
				if s.line(a.id())["level"] != "ERROR" {
					t.Error("the log does not tell the outage")
				}
				kept := s.kept(a, f)

				other := f
				other.receipt = dossier.NewReceipt().String()
				abandoned := through(t, at(i, m), m).submit(other)
				abandoned.must(t, http.StatusServiceUnavailable)
				keptToo := s.kept(abandoned, other)

				if len(kept) > 0 {
					s.mustHave(f, kept...)
				}
				healthy.mustAccept(healthy.submit(f), f)
				healthy.reconcile()
				healthy.mustHave(f, f.files...)
				switch _, err := healthy.svc.ByReceipt(t.Context(), other.parsed(t)); {
				case keptToo != nil:
					healthy.mustHave(other, keptToo...)
				case err == nil && !(call == "people.Move" && m == failAfter):
					// An answer that is lost after the last step cannot be told from success.
					t.Error("a submission that was not confirmed stayed")
				}
				for _, done := range []form{f, other} {
					// Else each case would verify the files of all before it.
					if err := healthy.svc.DeletePerson(t.Context(), done.parsed(t).Person); err != nil && !errors.Is(err, dossier.ErrNotFound) {
						t.Error(err)
					}
				}
			})
		}
	}
	healthy.reconcile()
	healthy.mustHold(held{people: 1, records: 2, objects: 2})
}

// stall is how long a store may hang: short where that is what the test is about.
func stall(m mode) time.Duration {
	if m == hang {
		return 100 * time.Millisecond
	}
	return patience
}

// kept reads what the page of an outage promises: nil where nothing is, else the files that are stored.
func (s *site) kept(a answer, f form) []file {
	s.t.Helper()
	if strings.Contains(a.body, `id="submission"`) {
		page, _ := a.pageForm(s.t)
		if page.receipt != f.receipt || page.name != f.name || page.location != f.location || page.age != f.age || page.technology != f.technology {
			s.t.Errorf("the page keeps %+v, want %+v", page, f)
		}
		return nil
	}
	stored, missing := a.told(s.t)
	kept := []file{}
	for _, one := range f.files {
		switch why, no := missing[one.name]; {
		case slices.Contains(stored, one.name):
			kept = append(kept, one)
		case !no || why == "":
			s.t.Errorf("the page says nothing of %s: %v", one.name, a)
		}
	}
	return kept
}

// A fault in the second file of three: the page says which are stored and which are not, also of the one that was still to come.
func TestStoreFaultInOneOfThreeFiles(t *testing.T) {
	t.Parallel()
	for _, m := range []mode{failBefore, failAfter, failIn, hang} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			puts := 0
			f := &faults{wrong: func(_ int, call string) mode {
				if call == "objects.Put" {
					if puts++; puts == 2 {
						return m
					}
				}
				return ""
			}}
			s := open(t, setup{wrap: f.wrap, domain: dossier.Options{Stall: stall(m)}})
			sent := ada.with(some(3)...)
			a := s.submit(sent)
			a.must(t, http.StatusServiceUnavailable, "1 of 3 files", "/receipt/"+sent.receipt, "send the same form again")
			stored, missing := a.told(t)
			if !slices.Equal(stored, []string{sent.files[0].name}) {
				t.Errorf("the page tells %q as stored", stored)
			}
			if names := slices.Sorted(maps.Keys(missing)); !slices.Equal(names, []string{sent.files[1].name, sent.files[2].name}) {
				t.Errorf("the page tells %q as missing", names)
			}
			s.mustHave(sent, sent.files[0])
			s.mustAccept(s.submit(sent), sent)
			s.mustHold(held{people: 1, records: 3, objects: 3})
		})
	}
}

// A store that changes bytes is caught; the file is not acknowledged and the others are.
func TestChangedBytes(t *testing.T) {
	s := open(t, setup{wrap: func(s teststores.Stores) teststores.Stores {
		s.Objects = bending{s.Objects}
		return s
	}})
	f := ada.with(file{"good.txt", "good"}, file{"bent.txt", "bend me"})
	a := s.submit(f)
	a.must(t, http.StatusServiceUnavailable, "1 of 2 files")
	if _, missing := a.told(t); !strings.Contains(missing["bent.txt"], "changed on its way") {
		t.Errorf("the page tells %q as missing", missing)
	}
	s.mustHave(f, f.files[0])
	s.mustHold(held{people: 1, records: 1, objects: 1})
}

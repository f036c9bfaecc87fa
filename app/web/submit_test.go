package web_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier.example/app"
)

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
		{name: "a file among places where none was chosen", files: some(1),
			parts: []part{notChosen, attached(some(1)[0].name, some(1)[0].data), notChosen}},
		{name: "bytes without a name", files: []file{{"", "bytes of nobody"}}},
		{name: "a file as large as many buffers",
			files: []file{{"large.bin", strings.Repeat("0123456789abcdef", 1<<17)}}},
		{name: "bytes that look like the form's own",
			files: []file{{"trap.txt", "\r\n--" + boundary[:20] + "\r\n\r\n--\r\n" + "\n--" + boundary + "x"}}},
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
			err := s.stores.People.Move(t.Context(), f.parsed(t).Person, dossier.PersonDeleting, time.Now(),
				dossier.PersonSubmitted)
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
			a.must(t, http.StatusConflict, "Send as a new submission", "Choose your files again")
			page, _ := a.pageForm(t)
			if page.name != f.name || page.location != f.location || page.age != f.age ||
				page.technology != f.technology {
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

package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/web"
)

func TestForm(t *testing.T) {
	s := open(t, setup{})
	a := s.get("/")
	a.must(t, http.StatusOK, "50 files", dossier.FormatLimit(dossier.DefaultLimits().FileBytes))
	f, order := a.pageForm(t)
	want := []string{"receipt"}
	for _, f := range dossier.Fields {
		want = append(want, f.Name)
	}
	if want = append(want, "files"); !slices.Equal(order, want) {
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
	if strings.Contains(a.body, "style=") || strings.Contains(a.body, "<style") ||
		strings.Contains(a.body, "<script>") || strings.Contains(a.body, " onclick=") {
		t.Error("the page has something inline, which its policy forbids")
	}
	head := s.do(http.MethodHead, "/", nil, nil)
	if head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %v", head)
	}
	s.mustHold(held{})
}

func TestFaultyFields(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10_000)
	const hint = "Choose your files again"
	tests := []struct {
		name   string
		change func(*form)
		// faults are fields with a part of what is told of them.
		faults map[string]string
	}{
		{"no name", func(f *form) { f.name = "" }, map[string]string{"name": "Enter a name"}},
		{"a name of spaces", func(f *form) { f.name = " \t " }, map[string]string{"name": "Enter a name"}},
		{"a name of control characters", func(f *form) { f.name = "\x01\x02" },
			map[string]string{"name": "Enter a name"}},
		{"a name of 10,000 characters", func(f *form) { f.name = long }, map[string]string{"name": "at most 200"}},
		{"a name of 10,000 wide characters", func(f *form) { f.name = strings.Repeat("𝔄", 10_000) },
			map[string]string{"name": "at most 200"}},
		{"a name of invisible characters", func(f *form) { f.name = "\u202A\u200B\u202C" },
			map[string]string{"name": "Enter a name"}},
		{"a name of accents", func(f *form) { f.name = "\u0301\u0308" },
			map[string]string{"name": "a letter or a digit"}},
		{"a name that is no UTF-8", func(f *form) { f.name = "Ad\xe4 von Lovelace" },
			map[string]string{"name": "UTF-8"}},
		{"a name of markup", func(f *form) { f.name = `"><script>alert(1)</script>` + long },
			map[string]string{"name": "at most 200"}},
		{"no location", func(f *form) { f.location = "" }, map[string]string{"location": "Enter a location"}},
		{"a location too long", func(f *form) { f.location = long }, map[string]string{"location": "at most 200"}},
		{"no age", func(f *form) { f.age = "" }, map[string]string{"age": "from 0 to 130"}},
		{"age -1", func(f *form) { f.age = "-1" }, map[string]string{"age": "from 0 to 130"}},
		{"age 200", func(f *form) { f.age = "200" }, map[string]string{"age": "from 0 to 130"}},
		{"age x", func(f *form) { f.age = "x" }, map[string]string{"age": "whole number"}},
		{"age 1e2", func(f *form) { f.age = "1e2" }, map[string]string{"age": "whole number"}},
		{"an age beyond all numbers", func(f *form) { f.age = strings.Repeat("9", 40) },
			map[string]string{"age": "whole number"}},
		{"no technology", func(f *form) { f.technology = "" }, map[string]string{"technology": "Enter a technology"}},
		{"a technology of dashes", func(f *form) { f.technology = "---" },
			map[string]string{"technology": "a letter or a digit"}},
		{"everything", func(f *form) { f.name, f.location, f.age, f.technology = "", long, "x", "\x00" },
			map[string]string{
				"name": "Enter a name", "location": "at most 200", "age": "whole number",
				"technology": "Enter a technology",
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
			if page.receipt != want.receipt || page.name != want.name || page.location != want.location ||
				page.age != want.age || page.technology != want.technology {
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

// Behind a load balancer a form has minutes to arrive, which whoever cannot send in parts has to know beforehand.
func TestFormTellsItsTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		most time.Duration
		want string
	}{
		{4*time.Minute + 30*time.Second, "within 4 minutes 30 seconds."},
		{time.Minute, "within 1 minute."},
		{6 * time.Hour, ""},
	} {
		a := open(t, setup{web: web.Options{BodyTimeout: c.most}}).get("/")
		a.must(t, http.StatusOK)
		if c.want == "" {
			a.mustNot(t, "must arrive within")
			continue
		}
		a.must(t, http.StatusOK, "All of it must arrive "+c.want, "each file is stored once")
	}
}

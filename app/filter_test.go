package dossier_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

// filterOf reads a filter from names and values: "location=Oslo".
func filterOf(t *testing.T, typed ...string) dossier.Filter {
	t.Helper()
	f, err := dossier.ParseFilter(typedIn(typed...))
	if err != nil {
		t.Fatalf("%q: %v", typed, err)
	}
	return f
}

func typedIn(typed ...string) func(string) string {
	values := map[string]string{}
	for _, one := range typed {
		name, value, _ := strings.Cut(one, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}

// Each invalid value is named, with what is allowed, and the rest of the filter holds.
func TestParseFilterRefuses(t *testing.T) {
	for typed, want := range map[string]string{
		"location=" + strings.Repeat("x", 201):   "at most 200 characters",
		"name=a b c d e f g h i j k l m n o p q": "at most 16 words",
		"q=a b c d e f g h i j k l m n o p q":    "at most 16 words",
		"q=" + strings.Repeat("é", 201):          "at most 200 characters",
		"technology=!?":                          "a letter or a digit",
		"q=\u200b":                               "a letter or a digit",
		"location=\xe9":                          "a letter or a digit",
		"name= \u200b\u2060 ":                    "a letter or a digit",
		"age_to=\u200b":                          "whole number",
		"age_from=x":                             "whole number",
		"age_from=-1":                            "from 0 to 130",
		"age_to=131":                             "from 0 to 130",
		"age_to=99999999999999999999":            "whole number",
		"submitted_from=30.11.2026":              "2026-11-30",
		"submitted_from=2026-02-30":              "2026-11-30",
		"submitted_to=1969-12-31":                "2026-11-30",
		"submitted_to=99999-01-01":               "2026-11-30",
		"zone=Europe/Atlantis":                   "Europe/Paris",
		"zone=../../etc/passwd":                  "Europe/Paris",
		"zone=Local":                             "Europe/Paris",
		"files=some":                             `"with", "without" or empty`,
		"unfinished=1":                           `"yes" or empty`,
	} {
		name, _, _ := strings.Cut(typed, "=")
		f, err := dossier.ParseFilter(typedIn(typed, "files_=x"))
		var refused *dossier.Error
		if !errors.As(err, &refused) || refused.Code != dossier.CodeInvalid || len(refused.Fields) != 1 ||
			refused.Fields[0].Field != name || !strings.Contains(refused.Fields[0].Message, want) {
			t.Errorf("%.40q: got %v, want a fault of %s with %q", typed, err, name, want)
		}
		if len(f.Values()) != 0 {
			t.Errorf("%.40q: the filter has %v", typed, f.Values())
		}
	}
	for _, pair := range [][2]string{{"age_from=40", "age_to=39"},
		{"submitted_from=2026-11-30", "submitted_to=2026-11-29"}} {
		f, err := dossier.ParseFilter(typedIn(pair[0], pair[1], "location=Oslo"))
		name, _, _ := strings.Cut(pair[1], "=")
		var refused *dossier.Error
		if !errors.As(err, &refused) || len(refused.Fields) != 1 || refused.Fields[0].Field != name ||
			f.Values()["location"] != "Oslo" || len(f.Values()) != 2 {
			t.Errorf("%q: got %v and %v, want a fault of the second, and the rest", pair, f.Values(), err)
		}
	}
}

// A filter is read again from its values, and its parts take away one thing each.
func TestFilterValues(t *testing.T) {
	typed := []string{"q=ada  report", "name= Lovelace ", "location=Oslo", "age_from=１８", "age_to=65",
		"technology=go", "submitted_from=2026-03-01", "submitted_to=2026-03-31", "zone=Europe/Paris", "files=with",
		"unfinished=yes"}
	f := filterOf(t, typed...)
	values := f.Values()
	if values["age_from"] != "18" || values["name"] != "Lovelace" || len(values) != len(typed) {
		t.Errorf("the values are %v", values)
	}
	again, err := dossier.ParseFilter(func(name string) string { return values[name] })
	if err != nil || !maps.Equal(again.Values(), values) {
		t.Errorf("read again: %v, %v", again.Values(), err)
	}
	var told []string
	for _, part := range f.Parts() {
		told = append(told, part.Label+": "+part.Value)
		if left := part.Without.Values(); len(left) >= len(values) || len(part.Without.Parts()) != len(f.Parts())-1 {
			t.Errorf("without %s: %v", part.Label, left)
		}
	}
	if want := []string{"Search: ada  report", "Name: Lovelace", "Location: Oslo", "Age: 18 to 65", "Technology: go",
		"Submitted: 2026-03-01 to 2026-03-31 (Europe/Paris)", "Files: with", "Uploads: unfinished"}; !slices.Equal(told,
		want) {
		t.Errorf("the parts are %q, want %q", told, want)
	}
	for typed, want := range map[string]string{"age_from=18": "Age: at least 18", "age_to=65": "Age: at most 65",
		"submitted_to=2026-03-31": "Submitted: until 2026-03-31 (UTC)",
		"submitted_from=2026-03-31": "Submitted: from " +
			"2026-03-31 (UTC)"} {
		if part := filterOf(t, typed).Parts()[0]; part.Label+": "+part.Value != want {
			t.Errorf("%s is told as %q, want %q", typed, part.Label+": "+part.Value, want)
		}
	}
	if f := filterOf(t, "zone=Europe/Paris"); len(f.Values()) != 0 || f.Parts() != nil {
		t.Errorf("a zone alone asks for %v", f.Values())
	}
}

// Names under which filters are kept are those of one thing each.
func TestFilterNamesDiffer(t *testing.T) {
	seen := map[string]bool{}
	names := []string{dossier.FilterSearch, dossier.FilterFrom, dossier.FilterTo, dossier.FilterZone,
		dossier.FilterFiles, dossier.FilterUnfinished, "sort", "after", "before", "view", "from"}
	for _, f := range dossier.Fields {
		names = append(names, f.Name)
		if f.IsNumber() {
			names = append(names, f.FromName(), f.ToName())
		}
	}
	for _, name := range names {
		if seen[name] {
			t.Errorf("%q has two meanings", name)
		}
		seen[name] = true
	}
}

// filtered returns the names of whom a filter lets through, in the order of the list.
func filtered(t *testing.T, svc *dossier.Service, f dossier.Filter, order string) (names []string) {
	t.Helper()
	sort, err := dossier.ParseSort(order)
	if err != nil {
		t.Fatal(err)
	}
	page, err := svc.People(t.Context(), dossier.PeopleQuery{Filter: f, Sort: sort, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range page.People {
		names = append(names, p.Name)
	}
	if page.Count != len(names) || page.Capped || page.Incomplete {
		t.Errorf("%v: counted %d, capped %v, incomplete %v, found %d", f.Values(), page.Count, page.Capped,
			page.Incomplete, len(names))
	}
	return names
}

func TestDirectoryFiltersAndSorts(t *testing.T) { onEachKind(t, directoryFilters) }

func directoryFilters(t *testing.T, s stores) {
	svc := s.service(dossier.DefaultLimits())
	for _, d := range []dossier.Details{
		{Name: "Åsa Go", Location: "Oslo", Age: 9, Technology: "PostgreSQL"},
		{Name: "Bo", Location: "New York", Age: 30, Technology: "Go"},
		{Name: "ada Lovelace", Location: "York", Age: 100, Technology: "go kart"},
		{Name: "Ada-Marie", Location: "Go", Age: 30, Technology: "C++"},
	} {
		if _, err := svc.Register(t.Context(), dossier.NewReceipt(), d); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		typed string
		order string
		want  []string
	}{
		{"", "", []string{"Ada-Marie", "ada Lovelace", "Bo", "Åsa Go"}},
		{"", "submitted", []string{"Åsa Go", "Bo", "ada Lovelace", "Ada-Marie"}},
		{"", "name", []string{"ada Lovelace", "Ada-Marie", "Åsa Go", "Bo"}},
		{"", "-name", []string{"Bo", "Åsa Go", "Ada-Marie", "ada Lovelace"}},
		{"", "age", []string{"Åsa Go", "Bo", "Ada-Marie", "ada Lovelace"}},
		{"", "-age", []string{"ada Lovelace", "Ada-Marie", "Bo", "Åsa Go"}},
		{"", "location", []string{"Ada-Marie", "Bo", "Åsa Go", "ada Lovelace"}},
		{"", "technology", []string{"Ada-Marie", "Bo", "ada Lovelace", "Åsa Go"}},
		{"location=york", "name", []string{"ada Lovelace", "Bo"}},
		{"location=new york", "", []string{"Bo"}},
		{"location=go", "", []string{"Ada-Marie"}},
		{"technology=go", "", []string{"ada Lovelace", "Bo"}},
		{"name=go", "", []string{"Åsa Go"}},
		{"name=ada-marie", "", []string{"Ada-Marie"}},
		{"technology=sql", "", []string{"Åsa Go"}},
		{"technology=oslo", "", nil},
		{"q=go", "-age", []string{"ada Lovelace", "Ada-Marie", "Bo", "Åsa Go"}},
		{"age_from=30", "", []string{"Ada-Marie", "ada Lovelace", "Bo"}},
		{"age_to=30", "age", []string{"Åsa Go", "Bo", "Ada-Marie"}},
		{"age_from=10&age_to=99&q=go", "", []string{"Ada-Marie", "Bo"}},
		{"age_from=101", "", nil},
	} {
		if got := filtered(t, svc, filterOf(t, strings.Split(c.typed, "&")...), c.order); !slices.Equal(got, c.want) {
			t.Errorf("%q sorted by %q: got %q, want %q", c.typed, c.order, got, c.want)
		}
	}
}

// stored sends a file of an acknowledged person directly.
func (s stores) stored(t *testing.T, svc *dossier.Service, person dossier.PersonID, file upload) dossier.File {
	t.Helper()
	ctx := t.Context()
	f, err := svc.Announce(ctx, person, dossier.Announcement{ID: dossier.NewFileID(), Name: file.name,
		Size: int64(len(file.data))})
	if err == nil {
		err = s.sendParts(ctx, svc, f, file.data)
	}
	if err == nil {
		f, err = svc.Complete(ctx, person, f.ID, sums(file.data))
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFilterByFiles(t *testing.T) { onEachKind(t, filterByFiles) }

func filterByFiles(t *testing.T, s stores) {
	svc := s.service(dossier.DefaultLimits())
	people := map[string]dossier.Receipt{}
	for _, name := range []string{"stored", "none", "announced", "both"} {
		r, d := dossier.NewReceipt(), ada
		d.Name = name
		if _, err := svc.Register(t.Context(), r, d); err != nil {
			t.Fatal(err)
		}
		people[name] = r
	}
	store := func(name, file string) dossier.FileID {
		t.Helper()
		return s.stored(t, svc, people[name].Person, upload{file, []byte(file)}).ID
	}
	announce := func(name string) dossier.FileID {
		t.Helper()
		id := dossier.NewFileID()
		if _, err := svc.Announce(t.Context(), people[name].Person, dossier.Announcement{ID: id, Name: "half.txt",
			Size: 1}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	check := func(when string, with, without, unfinished []string) {
		t.Helper()
		for typed, want := range map[string][]string{"files=with": with, "files=without": without,
			"unfinished=yes": unfinished} {
			if got := filtered(t, svc, filterOf(t, typed), "name"); !slices.Equal(got, want) {
				t.Errorf("%s: %s finds %q, want %q", when, typed, got, want)
			}
		}
	}
	check("without files", nil, []string{"announced", "both", "none", "stored"}, nil)
	one := store("stored", "a.txt")
	two := store("stored", "b.txt")
	store("both", "a.txt")
	half := announce("announced")
	announce("both")
	check("stored", []string{"both", "stored"}, []string{"announced", "none"}, []string{"announced", "both"})
	if got := filtered(t, svc, filterOf(t, "unfinished=yes", "files=with", "name=both"), ""); !slices.Equal(got,
		[]string{"both"}) {
		t.Errorf("all of it finds %q", got)
	}
	if err := errors.Join(svc.DeleteFile(t.Context(), people["stored"].Person, one),
		svc.GiveUp(t.Context(), people["announced"].Person, half)); err != nil {
		t.Fatal(err)
	}
	check("one of two deleted", []string{"both", "stored"}, []string{"announced", "none"}, []string{"both"})
	if err := svc.DeleteFile(t.Context(), people["stored"].Person, two); err != nil {
		t.Fatal(err)
	}
	check("the last deleted", []string{"both"}, []string{"announced", "none", "stored"}, []string{"both"})
}

// An upload of a form that broke off counts until it is made good, as on the person's own page.
func TestFilterByUnfinishedForms(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.DefaultLimits())
	r := dossier.NewReceipt()
	if _, err := svc.Register(t.Context(), r, ada); err != nil {
		t.Fatal(err)
	}
	// Somebody who is not in the directory yet.
	stranger := dossier.NewReceipt()
	for _, person := range []dossier.PersonID{r.Person, stranger.Person} {
		if err := s.catalog.Put(t.Context(), dossier.File{Person: person, ID: dossier.NewFileID(), Name: "a.txt",
			State: dossier.FileUploading, CreatedAt: s.clock.now(), UpdatedAt: s.clock.now()}); err != nil {
			t.Fatal(err)
		}
	}
	unfinished := filterOf(t, "unfinished=yes")
	if got := filtered(t, svc, unfinished, ""); !slices.Equal(got, []string{ada.Name}) {
		t.Errorf("unfinished: %q", got)
	}
	s.stored(t, svc, r.Person, upload{"a.txt", []byte("a")})
	if got := filtered(t, svc, unfinished, ""); got != nil {
		t.Errorf("made good, and still unfinished: %q", got)
	}
}

// A day is that of its time zone, also where the clock is changed.
func TestFilterByDay(t *testing.T) {
	for _, c := range []struct {
		typed string
		at    string
		want  bool
	}{
		{"submitted_from=2026-03-29&submitted_to=2026-03-29&zone=Europe/Paris", "2026-03-28T23:00:00Z", true},
		{"submitted_from=2026-03-29&submitted_to=2026-03-29&zone=Europe/Paris", "2026-03-28T22:59:59Z", false},
		{"submitted_from=2026-03-29&submitted_to=2026-03-29&zone=Europe/Paris", "2026-03-29T21:59:59Z", true},
		{"submitted_from=2026-03-29&submitted_to=2026-03-29&zone=Europe/Paris", "2026-03-29T22:00:00Z", false},
		{"submitted_to=2026-03-29", "2026-03-29T23:59:59Z", true},
		{"submitted_to=2026-03-29", "2026-03-30T00:00:00Z", false},
		{"submitted_from=2026-03-29", "2026-03-29T00:00:00Z", true},
		{"submitted_from=2026-03-29", "2026-03-28T23:59:59Z", false},
		{"submitted_to=2026-03-29&zone=Pacific/Kiritimati", "2026-03-29T09:59:59Z", true},
		{"submitted_to=2026-03-29&zone=Pacific/Kiritimati", "2026-03-29T10:00:00Z", false},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		s := inMemory()
		s.clock.forward(at.Sub(s.clock.now()))
		svc := s.service(dossier.DefaultLimits())
		if _, err := svc.Register(t.Context(), dossier.NewReceipt(), ada); err != nil {
			t.Fatal(err)
		}
		if got := filtered(t, svc, filterOf(t, strings.Split(c.typed, "&")...), ""); (got != nil) != c.want {
			t.Errorf("%s: who submitted at %s is found: %v, want %v", c.typed, c.at, got != nil, c.want)
		}
	}
}

func TestParseSort(t *testing.T) {
	for text, want := range map[string]string{"": "", "-submitted": "", "submitted": "submitted", "name": "name",
		"-age": "-age"} {
		if got, err := dossier.ParseSort(text); err != nil || got.String() != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"shoe", "--name", "name ", "-", "Name", "receipt_hash"} {
		if _, err := dossier.ParseSort(text); !errors.Is(err, dossier.ErrInvalid) {
			t.Errorf("%q: got error %v", text, err)
		}
	}
}

// People whose words are those of a former release may be missing where words decide, and the page says so.
func TestDirectorySaysWhatItLacks(t *testing.T) {
	s := fresh(t)
	svc := s.service(dossier.DefaultLimits())
	if err := s.people.Insert(t.Context(), dossier.Person{ID: dossier.NewPersonID(), Details: ada,
		State: dossier.PersonSubmitted, CreatedAt: s.clock.now(), UpdatedAt: s.clock.now()}); err != nil {
		t.Fatal(err)
	}
	for order, want := range map[string]bool{"": false, "name": true} {
		sort, _ := dossier.ParseSort(order)
		page, err := svc.People(t.Context(), dossier.PeopleQuery{Sort: sort, Limit: 10})
		if err != nil || page.Incomplete != want {
			t.Errorf("sorted by %q: incomplete %v, %v, want %v", order, page.Incomplete, err, want)
		}
	}
	if _, err := svc.WriteWords(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := filtered(t, svc, dossier.Filter{}, "name"); !slices.Equal(got, []string{ada.Name}) {
		t.Errorf("after the words were written: %q", got)
	}
}

// What is too long is refused by its length, before its words are looked at: their number would cost its square.
func TestLongFiltersAreRefusedFirst(t *testing.T) {
	var long strings.Builder
	for n := range 3000 {
		fmt.Fprintf(&long, "%x%x ", n%16, n)
	}
	for _, name := range []string{dossier.FilterSearch, "location"} {
		typed := typedIn(name + "=" + long.String())
		cost := testing.AllocsPerRun(1, func() {
			if _, err := dossier.ParseFilter(typed); !errors.Is(err, dossier.ErrInvalid) {
				t.Errorf("%s: a text of %d bytes: %v", name, long.Len(), err)
			}
		})
		if cost > 1000 {
			t.Errorf("%s: a text of %d bytes costs %.0f allocations", name, long.Len(), cost)
		}
	}
}

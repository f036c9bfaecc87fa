package web_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/bounds"
	"dossier.example/app/internal/teststores"
)

// Every call that a submission makes to a store goes wrong in every way. The page says so in time, with what the
// submitter needs to send the same form again; and that gives one person and each file once. Left alone, nothing that
// was not told as stored stays.
func TestStoreFaultAtEveryStep(t *testing.T) {
	t.Parallel()
	stores := teststores.Embedded(t, teststores.Migrated(t))
	healthy := open(t, setup{stores: &stores})
	through := func(t *testing.T, f *teststores.Faults, m mode) *site {
		return open(t, setup{stores: &stores, wrap: f.Wrap, domain: dossier.Options{Stall: stall(m)}})
	}
	clean := teststores.NewFaults(nil)
	// The first file is larger than those that are read before anything is done about them.
	two := func() []file {
		files := some(2)
		files[0].data += strings.Repeat("z", dossier.SmallBytes)
		return files
	}
	f := ada.with(two()...)
	s := through(t, clean, sound)
	s.mustAccept(s.submit(f), f)
	calls := clean.Forget()
	if len(calls) < 12 || !slices.Contains(calls, "objects.Put") {
		t.Fatalf("a submission of two files makes only the calls %v", calls)
	}
	for i, call := range calls {
		for _, m := range []mode{failBefore, failAfter, failIn, hang} {
			if (m == failIn || m == hang) && call != "objects.Put" {
				continue // as failBefore
			}
			t.Run(fmt.Sprintf("%02d %s %s", i, call, m), func(t *testing.T) {
				healthy, s := healthy.in(t), through(t, teststores.NthOf(calls, i, m), m)
				f := ada.with(two()...)
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
				abandoned := through(t, teststores.NthOf(calls, i, m), m).submit(other)
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
				case err == nil && !(call == "people.Acknowledge" && m == failAfter):
					// An answer that is lost after the last step cannot be told from success.
					t.Error("a submission that was not confirmed stayed")
				}
				for _, done := range []form{f, other} {
					// Else each case would verify the files of all before it.
					if err := healthy.svc.DeletePerson(t.Context(), done.parsed(t).Person); err != nil &&
						!errors.Is(err, dossier.ErrNotFound) {
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

// Small files are counted together, and share a look at the person, as far as they are held.
func TestSmallFilesTogether(t *testing.T) {
	t.Parallel()
	clean := teststores.NewFaults(nil)
	s := open(t, setup{wrap: clean.Wrap})
	const held = bounds.FormHandful / dossier.SmallBytes
	large := ada.with()
	for i := range held + 2 {
		large.files = append(large.files, file{fmt.Sprintf("%d.txt", i), strings.Repeat("x", dossier.SmallBytes-i)})
	}
	// What is held of empty files is their names.
	named := ada.with()
	for i := range 40 {
		named.files = append(named.files, file{name: fmt.Sprint(i, strings.Repeat("x", bounds.FormHandful/20))})
	}
	for _, test := range []struct {
		form   form
		groups int
	}{{large, 2}, {named, 3}} {
		a := s.submit(test.form)
		calls := clean.Forget()
		a.must(t, http.StatusSeeOther)
		for call, want := range map[string]int{
			"catalog.Reserve": test.groups, "people.Person": test.groups, "catalog.Put": len(test.form.files),
		} {
			if got := callsOf(calls, call); got != want {
				t.Errorf("a form with %d small files makes %d calls of %s, want %d", len(test.form.files), got, call,
					want)
			}
		}
	}
	s.mustHave(large, large.files...)
}

// Where many forms hold small files and do not end, others are taken all the same, and hold none.
func TestSmallFilesOfManyForms(t *testing.T) {
	t.Parallel()
	clean := teststores.NewFaults(nil)
	s := open(t, setup{wrap: clean.Wrap})
	reserved := func() int {
		s.t.Helper()
		f := ada.with(some(3)...)
		a := s.submit(f)
		calls := clean.Forget()
		s.mustAccept(a, f)
		return callsOf(calls, "catalog.Reserve")
	}
	if n := reserved(); n != 1 {
		t.Errorf("small files are counted by %d requests, although no other form holds any", n)
	}
	var wires []*wire
	for range bounds.Handfuls / bounds.FormHandful {
		f := ada.with()
		for i := range bounds.FormHandful/dossier.SmallBytes + 1 {
			name := fmt.Sprint(i)
			f.files = append(f.files, file{name, strings.Repeat("x", dossier.SmallBytes-len(name))})
		}
		w, body := s.dial(), f.body()
		w.postHead(len(body))
		w.write(body[:len(body)-dossier.SmallBytes]) // the last file is on its way
		wires = append(wires, w)
	}
	s.until("other forms hold all that may be held", func() bool { return s.server.Handfuls() == bounds.Handfuls })
	if n := reserved(); n != 3 {
		t.Errorf("of a form that cannot hold small files, 3 are counted by %d requests", n)
	}
	for _, w := range wires {
		_ = w.Close()
	}
	s.until("forms that were broken off hold nothing", func() bool { return s.server.Handfuls() == 0 })
}

// callsOf counts the calls of that name.
func callsOf(calls []string, name string) (n int) {
	for _, call := range calls {
		if call == name {
			n++
		}
	}
	return n
}

// kept reads what the page of an outage promises: nil where nothing is, else the files that are stored.
func (s *site) kept(a answer, f form) []file {
	s.t.Helper()
	if strings.Contains(a.body, `id="submission"`) {
		page, _ := a.pageForm(s.t)
		if page.receipt != f.receipt || page.name != f.name || page.location != f.location || page.age != f.age ||
			page.technology != f.technology {
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

// A fault in the second file of three: the page says which are stored and which are not, also of the one that was still
// to come.
func TestStoreFaultInOneOfThreeFiles(t *testing.T) {
	t.Parallel()
	for _, m := range []mode{failBefore, failAfter, failIn, hang} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			puts := 0
			f := teststores.NewFaults(func(_ int, call string) mode {
				if call == "objects.Put" {
					if puts++; puts == 2 {
						return m
					}
				}
				return sound
			})
			s := open(t, setup{wrap: f.Wrap, domain: dossier.Options{Stall: stall(m)}})
			sent := ada.with(some(3)...)
			a := s.submit(sent)
			a.must(t, http.StatusServiceUnavailable, "1 of 3 files", "/receipt#"+sent.receipt,
				"send the same form again")
			stored, missing := a.told(t)
			if !slices.Equal(stored, []string{sent.files[0].name}) {
				t.Errorf("the page tells %q as stored", stored)
			}
			if names := slices.Sorted(maps.Keys(missing)); !slices.Equal(names,
				[]string{sent.files[1].name, sent.files[2].name}) {
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
	if _, missing := a.told(t); !strings.Contains(missing["bent.txt"], "Damaged on the way") {
		t.Errorf("the page tells %q as missing", missing)
	}
	s.mustHave(f, f.files[0])
	s.mustHold(held{people: 1, records: 1, objects: 1})
}

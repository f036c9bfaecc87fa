package dossier_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"dossier.example/app"
)

// finds returns the ids of those whom a search finds.
func (s stores) finds(t *testing.T, search string) []dossier.PersonID {
	t.Helper()
	page, err := s.service(dossier.DefaultLimits()).People(t.Context(),
		dossier.PeopleQuery{Filter: dossier.Filter{Search: search}, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	ids := []dossier.PersonID{}
	for _, p := range page.People {
		ids = append(ids, p.ID)
	}
	if page.Count != len(ids) || page.Capped {
		t.Errorf("searching %q: counted %d, capped %v, found %d", search, page.Count, page.Capped, len(ids))
	}
	return ids
}

// wantFound checks that each search finds exactly these persons.
func (s stores) wantFound(t *testing.T, when string, want []dossier.PersonID, searches ...string) {
	t.Helper()
	for _, search := range searches {
		if got := s.finds(t, search); !slices.Equal(got, want) {
			t.Errorf("%s: searching %q finds %v, want %v", when, search, got, want)
		}
	}
}

var nobody = []dossier.PersonID{}

func TestSearchFindsAnyWord(t *testing.T) {
	s, svc := fresh(t), dossier.DefaultLimits()
	details := []dossier.Details{
		{Name: "Ada Lovelace", Location: "Marylebone, London", Age: 36, Technology: "Analytical Engine"},
		{Name: "Łukasz O’Brien", Location: "Kraków", Age: 41, Technology: "C++"},
		{Name: "山田太郎", Location: "東京", Age: 52, Technology: "PostgreSQL"},
		{Name: "Jean-Luc Şahin\u200B", Location: "Århus", Age: 29, Technology: "Go"},
	}
	var ids []dossier.PersonID
	for _, d := range details {
		r := dossier.NewReceipt()
		if _, err := s.service(svc).Register(t.Context(), r, d); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.Person)
	}
	for i, searches := range [][]string{
		{"lovelace", "LOVE", "ada lovelace", "lovelace ada", "london engine", "marylebone", "36", "ada 36", "analytic"},
		{"Lukasz", "łukasz", "o'brien", "O’Brien", "obrien", "brien", "o-brien", "krakow", "c++"},
		{"太郎", "山田", "山田 太郎", "東京", "sql", "postgres"},
		{"jean-luc", "jeanluc", "luc", "jean luc", "sahin", "arhus", "ş\u00ADahin", "２９"},
	} {
		s.wantFound(t, "registered", ids[i:i+1], searches...)
	}
	s.wantFound(t, "nobody has that", nobody, "lovelace krakow", "ada brien", "-", "%", "lovelaces", "田中")
	s.wantFound(t, "everybody", []dossier.PersonID{ids[3], ids[2], ids[1], ids[0]}, "", " ")
	_, err := s.service(svc).People(t.Context(), dossier.PeopleQuery{
		Filter: dossier.Filter{Search: "a b c d e f g h i j k l m n o p q"}})
	if codeOf(err) != dossier.CodeMalformed {
		t.Errorf("17 words: got error %v, want malformed", err)
	}
}

func TestFilesAreFoundWhileTheyAreStored(t *testing.T) {
	s := fresh(t)
	svc, r := s.service(dossier.DefaultLimits()), dossier.NewReceipt()
	ada := []dossier.PersonID{r.Person}
	if _, err := submit(t.Context(), svc, r, []upload{{"Final_Report-2025.pdf", []byte("1")}}); err != nil {
		t.Fatal(err)
	}
	s.wantFound(t, "with the form", ada, "report", "2025", "pdf", "report-2025", "final_report", "lovelace report")
	if _, err := submit(t.Context(), svc, r, []upload{{"report.txt", []byte("2")}}); err != nil {
		t.Fatal(err)
	}
	s.wantFound(t, "with another form", ada, "txt", "pdf txt")
	for _, f := range s.records(t, r.Person) {
		if f.Name != "report.txt" {
			if err := svc.DeleteFile(t.Context(), f.Person, f.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.wantFound(t, "the other one has that too", ada, "report", "txt", "lovelace")
	s.wantFound(t, "the deleted one had that", nobody, "pdf", "2025", "final")
	if err := svc.DeletePerson(t.Context(), r.Person); err != nil {
		t.Fatal(err)
	}
	s.wantFound(t, "deleted", nobody, "report", "lovelace", "")
}

// A file that is sent in parts is found once it is complete, and not any more when it is deleted.
func TestFilesInPartsAreFound(t *testing.T) {
	s := fresh(t)
	svc, r := s.service(dossier.DefaultLimits()), dossier.NewReceipt()
	f, err := s.sendDirectly(t, svc, r, dossier.NewFileID(), upload{"Holiday.mov", []byte("moving")})
	if err != nil {
		t.Fatal(err)
	}
	s.wantFound(t, "complete", []dossier.PersonID{r.Person}, "holiday", "mov", "ada")
	if err := svc.DeleteFile(t.Context(), f.Person, f.ID); err != nil {
		t.Fatal(err)
	}
	s.wantFound(t, "deleted", nobody, "holiday", "mov")
}

// What a release without words wrote is found after a reconciliation, and what it removed is not.
func TestReconcileMendsWords(t *testing.T) {
	s := fresh(t)
	svc, r := s.service(dossier.DefaultLimits()), dossier.NewReceipt()
	id := []dossier.PersonID{r.Person}
	if _, err := submit(t.Context(), svc, r, twoFiles); err != nil {
		t.Fatal(err)
	}
	// It added somebody.
	old, err := s.people.Person(t.Context(), r.Person)
	if err != nil {
		t.Fatal(err)
	}
	old.ID, old.Name = dossier.NewPersonID(), "Grace Hopper"
	if err := s.people.Insert(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	s.wantFound(t, "without words", nobody, "hopper")
	if n, err := svc.WriteWords(t.Context()); err != nil || n != 1 {
		t.Errorf("WriteWords: got %d and error %v, want 1", n, err)
	}
	s.wantFound(t, "written", []dossier.PersonID{old.ID}, "hopper")
	if n, err := svc.WriteWords(t.Context()); err != nil || n != 0 {
		t.Errorf("WriteWords again: got %d and error %v, want 0", n, err)
	}
	// It removed a file and added one.
	w, err := s.people.Words(t.Context(), r.Person)
	if err == nil {
		err = s.people.SetWords(t.Context(), w, []string{"ada", "gone", "pdf"})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.wantFound(t, "wrong words", id, "gone")
	report, err := svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: time.Hour, Sweep: true, DryRun: true},
		nil)
	if err != nil || report.Counts[dossier.RepairWords] != 1 {
		t.Errorf("a dry run: got %v and error %v, want one with wrong words", report.Counts, err)
	}
	s.wantFound(t, "after a dry run", id, "gone")
	report, err = svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: time.Hour, Sweep: true}, nil)
	if err != nil || report.Counts[dossier.RepairWords] != 1 {
		t.Errorf("a sweep: got %v and error %v, want one with wrong words", report.Counts, err)
	}
	s.wantFound(t, "after a sweep", nobody, "gone", "pdf")
	s.wantFound(t, "after a sweep", id, "lovelace", "txt", "b")
	report, err = svc.Reconcile(t.Context(), dossier.ReconcileOptions{OlderThan: time.Hour, Sweep: true}, nil)
	if err != nil || len(report.Counts) != 0 {
		t.Errorf("another sweep: got %v and error %v, want nothing to do", report.Counts, err)
	}
}

// Without its words a file is not stored: who sends it is told to send it again.
func TestNoFileWithoutWords(t *testing.T) {
	s := fresh(t)
	svc, r := s.service(dossier.DefaultLimits()), dossier.NewReceipt()
	if _, err := submit(t.Context(), svc, r, twoFiles[:1]); err != nil {
		t.Fatal(err)
	}
	clean := noFault()
	if _, err := submit(t.Context(), s.faulty(clean), r, []upload{{"one.txt", []byte("1")}}); err != nil {
		t.Fatal(err)
	}
	f := failing(t, clean.Calls(), failBefore, "people.AddWords", 1)
	_, err := submit(t.Context(), s.faulty(f), r, []upload{{"two.zip", []byte("2")}})
	if !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("a form whose words are not taken: got error %v, want ErrUnavailable", err)
	}
	s.wantFound(t, "refused", nobody, "zip")
	if len(s.records(t, r.Person)) != 2 {
		t.Errorf("it left %d records, want 2", len(s.records(t, r.Person)))
	}
	if _, err := submit(context.Background(), svc, r, []upload{{"two.zip", []byte("2")}}); err != nil {
		t.Fatal(err)
	}
	s.wantFound(t, "sent again", []dossier.PersonID{r.Person}, "zip")
}

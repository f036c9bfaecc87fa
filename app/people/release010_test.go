package people

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
)

// serves010 has release 0.1.0 serve on a schema of today, as it does during a rollout and after a return to it: its
// statements find and change what they did on its own schema, and each of the two programs sees what the other wrote.
//
// testdata/release010.json has the statements, and what they returned there. They were recorded from gorm's logger in
// the program of 0.1.0, by one call of each method of its store, and then run on another new database of that release,
// MariaDB and SQLite, which returned the same. A later program cannot record them.
func serves010(t *testing.T, s *Store) {
	var statements []struct {
		Call, SQL string
		Columns   []string
		Rows      [][]string
		Affected  *int64
	}
	text, err := os.ReadFile("testdata/release010.json")
	if err == nil {
		err = json.Unmarshal(text, &statements)
	}
	if err != nil {
		t.Fatal(err)
	}
	ask := func(query string, columns []string) [][]string {
		t.Helper()
		var found []map[string]any
		if err := s.gorm.WithContext(t.Context()).Raw(query).Find(&found).Error; err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var rows [][]string
		for _, values := range found {
			row := make([]string, len(columns))
			for i, column := range columns {
				row[i] = toText(values[column])
			}
			rows = append(rows, row)
		}
		return rows
	}
	var list string
	for _, st := range statements {
		if st.Affected == nil {
			if got := ask(st.SQL, st.Columns); !slices.EqualFunc(got, st.Rows, slices.Equal) {
				t.Errorf("%s: %s\nfinds %q\nwant %q", st.Call, st.SQL, got, st.Rows)
			}
			if st.Call == "list" {
				list = st.SQL
			}
			continue
		}
		done := s.gorm.WithContext(t.Context()).Exec(st.SQL)
		if done.Error != nil || done.RowsAffected != *st.Affected {
			t.Errorf("%s: %s\nchanges %d rows, %v; want %d", st.Call, st.SQL, done.RowsAffected, done.Error,
				*st.Affected)
		}
	}

	// What 0.1.0 wrote is found today, and gets its words by a sweep.
	found, err := s.Find(t.Context(), dossier.Search{Limit: 10, Count: 10})
	if err != nil || found.Matches != 2 || len(found.People) != 2 || found.People[0].Name != "Zoë O'Brien 🦉" {
		t.Errorf("today finds %+v, %v", found, err)
	}
	var unworded []dossier.PersonID
	for id, err := range s.Unworded(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		unworded = append(unworded, id)
	}
	if len(unworded) != 2 {
		t.Errorf("%d people get words, want 2", len(unworded))
	}

	// 0.1.0 finds what is written today, also those in a trash that it does not know. Whom it deletes has words that a
	// sweep removes.
	var kept dossier.Person
	for i, name := range []string{"Trashed", "Kept"} {
		p := newPerson(dossier.PersonSubmitting)
		p.Name, p.CreatedAt = name, time.Date(2026, time.March, 2+i, 0, 0, 0, 0, time.UTC)
		kept = p
		if err := s.Insert(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if err := s.Acknowledge(t.Context(), p.ID, p.CreatedAt, []string{"word"}); err != nil {
			t.Fatal(err)
		}
		if name == "Trashed" {
			trash := dossier.Trash{At: p.CreatedAt.Add(time.Hour), By: "Grace Hopper"}
			if n, err := s.Trash(t.Context(), []dossier.PersonID{p.ID}, trash); err != nil || n != 1 {
				t.Fatalf("moved %d to the trash, %v", n, err)
			}
		}
	}
	want := [][]string{{"Kept"}, {"Trashed"}}
	if got := ask(list, []string{"name"}); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("0.1.0 lists %q, want %q", got, want)
	}
	was := "019ca92f-0000-7000-8000-000000000003" // whom the statements delete
	for _, st := range statements {
		if strings.HasPrefix(st.Call, "delete") {
			query := strings.Replace(st.SQL, was, kept.ID.String(), 1)
			if done := s.gorm.WithContext(t.Context()).Exec(query); done.Error != nil || done.RowsAffected != 1 {
				t.Errorf("%s\nchanges %d rows, %v", query, done.RowsAffected, done.Error)
			}
		}
	}
	var stray []dossier.PersonID
	for id, err := range s.StrayWords(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		stray = append(stray, id)
	}
	if !slices.Equal(stray, []dossier.PersonID{kept.ID}) {
		t.Errorf("stray words are those of %v, want %v", stray, kept.ID)
	}
}

func toText(v any) string {
	if raw, ok := v.([]byte); ok {
		return string(raw)
	}
	return fmt.Sprint(v)
}

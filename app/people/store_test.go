package people

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dossier.example/app"
	"gorm.io/gorm"
)

// SQLite's driver reports success for a statement that it did not begin because its context had ended.
func TestSuccessAfterTheContextEndedIsNone(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "people.db"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := s.do(ctx, "testing", func(*gorm.DB) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a call whose context was cancelled: got error %v, want context.Canceled", err)
	}
	s.timeout = time.Nanosecond
	err = s.do(t.Context(), "testing", func(tx *gorm.DB) error { <-tx.Statement.Context.Done(); return nil })
	wantError(t, "a call whose time was up", err, dossier.ErrUnavailable)
}

func TestSuccessor(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"a", "b"},
		{"ann", "ano"},
		{"a\x7f", "a\u0080"},
		{"\u07ff", "\u0800"},
		{"a\uD7FF", "a\uE000"},
		{"\uFFFF", "\U00010000"},
		{"a\U0010FFFF", "b"},
		{"\uD7FF\U0010FFFF\U0010FFFF", "\uE000"},
		{"\U0010FFFF", ""},
	} {
		got := successor(c.in)
		if got != c.want || !utf8.ValidString(got) {
			t.Errorf("successor of %q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"äöü", 3, "äöü"},
		{"äöüß", 3, "äöü"},
		{"𠀀𠀀𠀀", 2, "𠀀𠀀"},
		{"ab", 0, ""},
	} {
		if got := cut(c.in, c.n); got != c.want {
			t.Errorf("the first %d of %q: got %q, want %q", c.n, c.in, got, c.want)
		}
	}
}

// The column takes what a name of the longest kind folds to when every character doubles.
func TestNameKeyLength(t *testing.T) {
	if n := len(dossier.SearchKey(strings.Repeat("ß", dossier.MaxNameLength))); n != nameKeyLength {
		t.Errorf("the key of the longest name of double letters has %d code points, the column %d", n, nameKeyLength)
	}
	r := rowOf(dossier.Person{Details: dossier.Details{Name: strings.Repeat("\uFDFA", dossier.MaxNameLength)}})
	if n := utf8.RuneCountInString(r.NameKey); n != nameKeyLength {
		t.Errorf("the key of the longest name has %d code points, want %d", n, nameKeyLength)
	}
}

// plan is a query that has to find its rows by an index.
type plan struct {
	name  string
	index string
	// ordered queries need no sorting.
	ordered bool
	query   func(*gorm.DB) *gorm.DB
}

// sql returns the query with its values in place.
func (p plan) sql(s *Store) string {
	return s.gorm.ToSQL(func(tx *gorm.DB) *gorm.DB {
		var rows []row
		return p.query(tx).Find(&rows)
	})
}

func plans() []plan {
	after := dossier.Cursor{CreatedAt: time.Date(2026, time.March, 1, 12, 0, 0, 500000, time.UTC), ID: dossier.NewPersonID()}
	middle := "00001388-0000-7000-8000-000000000000" // of the rows of the test with the most
	before := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	return []plan{
		{"first page", "people_newest", true, func(tx *gorm.DB) *gorm.DB { return page(tx, dossier.Search{}, 20) }},
		{"later page", "people_newest", true, func(tx *gorm.DB) *gorm.DB { return page(tx, dossier.Search{After: after}, 20) }},
		{"earlier page", "people_newest", true, func(tx *gorm.DB) *gorm.DB { return page(tx, dossier.Search{Before: after}, 20) }},
		{"search", "people_name_key", false, func(tx *gorm.DB) *gorm.DB { return page(tx, dossier.Search{Prefix: "name 77"}, 20) }},
		{"leftovers being deleted", "people_leftovers", true, func(tx *gorm.DB) *gorm.DB {
			return leftovers(tx, dossier.PersonDeleting, before, "")
		}},
		{"later leftovers being deleted", "people_leftovers", true, func(tx *gorm.DB) *gorm.DB {
			return leftovers(tx, dossier.PersonDeleting, before, middle)
		}},
		{"later leftovers of submissions", "people_leftovers", true, func(tx *gorm.DB) *gorm.DB {
			return leftovers(tx, dossier.PersonSubmitting, before, middle)
		}},
		{"leftovers of submissions", "people_leftovers", true, func(tx *gorm.DB) *gorm.DB {
			return leftovers(tx, dossier.PersonSubmitting, before, "")
		}},
	}
}

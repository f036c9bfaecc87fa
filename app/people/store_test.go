package people

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dossier.example/app"
	"dossier.example/app/staff"
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

// plansMiddle is a time in the middle of those of the rows in the test with the most.
var plansMiddle = time.Date(2026, time.March, 1, 12, 0, 0, 500000, time.UTC).UnixMicro()

// somePeople are the ids of some of those rows, and when they were made.
func somePeople() (ids []string, times []int64) {
	for i := range int64(500) {
		ids = append(ids, fmt.Sprintf("%08X-0000-7000-8000-000000000000", 17*i))
		times = append(times, plansBegin+17*i)
	}
	return ids, times
}

// coveredPlans are the queries that read an index alone. They are most of what a search reads, so a look at the table
// for each row would make it take twice as long.
func coveredPlans() []plan {
	ids, times := somePeople()
	days := window{plansMiddle - 1e6, plansMiddle + 1e6}
	return []plan{
		{"people with a word at some times", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return havingAt(tx, "common", times, 2000).Select("person_id")
		}},
		{"entries of a word", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return entries(tx, spanOf("name77"), window{}, 1000)
		}},
		{"entries of a word that all have", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return entries(tx, spanOf("com"), window{}, 1000)
		}},
		{"entries of a word in some days", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return entries(tx, spanOf("name77"), days, 1000)
		}},
		{"words by which people are sorted", "words_key", false, func(tx *gorm.DB) *gorm.DB {
			return keysOf(tx, spanOf("n"), ids)
		}},
	}
}

func plans() []plan {
	at := place{"name77", plansMiddle, dossier.NewPersonID().String()}
	middle := "00001388-0000-7000-8000-000000000000" // of the rows of the test with the most
	before := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	older, newer := direction{from: &at}, direction{up: true, from: &at}
	days := window{at.Created - 1e6, at.Created + 1e6}
	olderDays, newerDays := direction{from: &at, window: days}, direction{up: true, from: &at, window: days}
	people := func(d direction) func(*gorm.DB) *gorm.DB {
		return func(tx *gorm.DB) *gorm.DB { return newest(tx, d, 20) }
	}
	list := func(d direction, words ...string) func(*gorm.DB) *gorm.DB {
		return func(tx *gorm.DB) *gorm.DB { return merge(tx, words, d, 20) }
	}
	some, _ := somePeople()
	return []plan{
		{"first page", "people_listed", true, people(direction{})},
		{"later page", "people_listed", true, people(older)},
		{"earlier page", "people_listed", true, people(newer)},
		{"first page of some days", "people_listed", true, people(direction{window: days})},
		{"later page of some days", "people_listed", true, people(olderDays)},
		{"earlier page of some days", "people_listed", true, people(newerDays)},
		{"people of a page", "people_key", false, func(tx *gorm.DB) *gorm.DB { return acknowledgedOf(tx, some) }},
		{"count of some days", "people_listed", true, func(tx *gorm.DB) *gorm.DB {
			return days.of(acknowledged(tx).Select("id")).Limit(1001)
		}},
		{"first page of a word in some days", "words_newest", true, list(direction{window: days}, "common")},
		{"later page of a word in some days", "words_newest", true, list(olderDays, "common")},
		{"first page by a word", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return otherWords(tx, spanOf("na"), direction{up: true}, 20)
		}},
		{"first page by a word, backwards", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return otherWords(tx, spanOf("na"), direction{}, 20)
		}},
		{"later page by a word, same word", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return sameWord(tx, newer, 20)
		}},
		{"later page by a word, same word, backwards", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return sameWord(tx, older, 20)
		}},
		{"later page by a word", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return otherWords(tx, spanOf("na"), newer, 20)
		}},
		{"later page by a word, backwards", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return otherWords(tx, spanOf("na"), older, 20)
		}},
		{"count of all", "people_listed", true, func(tx *gorm.DB) *gorm.DB {
			return acknowledged(tx).Select("id").Limit(1001)
		}},
		{"count of a word", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return spanOf("name77").of(tx).Select("person_id").Limit(1001)
		}},
		{"count of a word that all have", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return spanOf("com").of(tx).Select("person_id").Limit(1001)
		}},
		{"some people with a word that all have", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return spanOf("n").of(tx).Select("created_at").Limit(1001)
		}},
		{"people with a word", "words_newest", false, func(tx *gorm.DB) *gorm.DB {
			return spanOf("name77").of(tx).Select("COUNT(DISTINCT person_id)")
		}},
		{"sorted page of a word", "words_newest", false, func(tx *gorm.DB) *gorm.DB {
			return sort(tx, spanOf("name77"), direction{}, 20)
		}},
		{"sorted later page of a word", "words_newest", false, func(tx *gorm.DB) *gorm.DB {
			return sort(tx, spanOf("name77"), older, 20)
		}},
		{"first page of a word", "words_newest", true, list(direction{}, "common")},
		{"later page of a word", "words_newest", true, list(older, "common")},
		{"earlier page of a word", "words_newest", true, list(newer, "common")},
		{"different words", "words_newest", true, func(tx *gorm.DB) *gorm.DB {
			return nextWords(tx, spanOf("na"), "name77", 64).Select("word")
		}},
		{"sessions of an account", "sessions_account", true, func(tx *gorm.DB) *gorm.DB {
			return sessionsOf(tx.Table("sessions"), staff.AccountID{1}).Select("id")
		}},
		{"words of people", "words_key", false, func(tx *gorm.DB) *gorm.DB {
			return having(tx, spanOf("common"), some).Select("person_id")
		}},
		{"words of people, many words", "words_key", false, func(tx *gorm.DB) *gorm.DB {
			return having(tx, spanOf("n"), some).Select("person_id")
		}},
		{"people without words", "people_words", true, func(tx *gorm.DB) *gorm.DB { return unworded(tx, 0, "") }},
		{"more people without words", "people_words", true, func(tx *gorm.DB) *gorm.DB {
			return unworded(tx, 0, middle)
		}},
		{"ids with words", "words_key", true, func(tx *gorm.DB) *gorm.DB {
			return worded(tx, middle).Select("person_id")
		}},
		{"trash", "people_listed", false, func(tx *gorm.DB) *gorm.DB {
			return trashed(tx, before, dossier.Cursor{}, 20)
		}},
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

package web

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// counted returns "1 file", "1,234 files".
func counted[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", humanize.Comma(int64(n)), noun)
}

// day returns a day for people.
func day(t time.Time) string { return t.UTC().Format("January 2, 2006") }

// moment is a time as a page shows it: for everybody in UTC, until the page's script writes it in the reader's own time
// zone. The zero moment is none.
type moment struct {
	// Text is for people, to the minute ("2026-11-24 14:05 UTC"), and Exact to the second. Their form is that of ISO
	// 8601, which is read in the same way everywhere.
	Text, Exact string
	// ISO is for machines.
	ISO string
}

// momentOf returns a time for a page, none of the zero time.
func momentOf(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.UTC()
	return moment{t.Format("2006-01-02 15:04 UTC"), t.Format("2006-01-02 15:04:05 UTC"), t.Format(time.RFC3339)}
}

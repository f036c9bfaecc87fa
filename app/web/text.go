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
func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// times returns a time for people and for machines.
func times(t time.Time) (human, iso string) {
	t = t.UTC()
	return t.Format("2 Jan 2006, 15:04 UTC"), t.Format(time.RFC3339)
}

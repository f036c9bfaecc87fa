package setting

import (
	"errors"
	"testing"
	"time"
)

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", time.Hour: "1h", 90 * time.Minute: "1h30m",
		10 * time.Minute: "10m", 20 * time.Second: "20s", time.Hour + time.Second: "1h0m1s", 100 * time.Hour: "100h"} {
		if got := Short(d); got != want {
			t.Errorf("Short(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	size := Size(0, 1<<60, "a lot")
	for n, want := range map[int64]string{0: "0", 1: "1", 1000: "1000", 1 << 10: "1KiB", 1536: "1536", 5 << 30: "5GiB",
		20 << 30: "20GiB", 2 << 40: "2TiB", 1 << 50: "1024TiB"} {
		got := Bytes(n)
		if again, err := size.Parse(got); got != want || again != n || err != nil {
			t.Errorf("%d is written %s, and read as %d (%v), want %s", n, got, again, err, want)
		}
	}
}

// What a parser says of a value that may not be shown could repeat it.
func TestTakeHidesDetails(t *testing.T) {
	type config struct{ text string }
	field := Bind(Kind[string]{
		Allowed: "nothing",
		Parse:   func(s string) (string, error) { return "", errors.New("it is " + s) },
		Format:  Itself,
	}, func(c *config) *string { return &c.text })
	l := NewLoader(&config{}, func(string) Value { return Value{} })
	l.Given["a"] = Value{Text: "shown", Shown: Quoted("shown"), Source: "here"}
	l.Given["b"] = Value{Text: "secret", Shown: Hidden, Source: "here"}
	l.Take("a", field)
	l.Take("b", field)
	l.Take("c", field)
	got := (&Error{Heading: Count(len(l.Faults), "fault", "faults"), Faults: l.Faults}).Error()
	const want = "2 faults:\n" + `  a = "shown" (here): must be nothing; it is shown` +
		"\n  b = (hidden) (here): must be nothing"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

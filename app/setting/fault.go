package setting

import (
	"fmt"
	"strconv"
	"strings"
)

// Hidden stands for a value that may not be shown.
const Hidden = "(hidden)"

// most is how much of a value or a name is shown.
const most = 120

// Quoted shows a text, shortened.
func Quoted(s string) string {
	if len(s) > most {
		return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "…"
	}
	return strconv.Quote(s)
}

// Shortened shows what needs no quotes.
func Shortened(s string) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// Plain shows a name, without quotes where it needs none.
func Plain(s string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	if s == "" || len(s) > most || strings.ContainsFunc(s, odd) {
		return Quoted(s)
	}
	return s
}

// Fault is one setting that cannot be used.
type Fault struct {
	// Name is that of the setting, wherever its value came from.
	Name string
	// Value is the value as it may be printed; Hidden for a secret and for a name that is no setting; empty when not
	// set.
	Value string
	// Source says where the value came from. Empty when not set.
	Source string
	// Problem says what is wrong, what is allowed and how to mend it.
	Problem string
	// Err is the cause, where another system failed.
	Err error
}

// String returns the fault on one line.
func (f Fault) String() string {
	switch {
	case f.Value == "":
		return fmt.Sprintf("%s is not set: %s", f.Name, f.Problem)
	case f.Source == "":
		return fmt.Sprintf("%s = %s: %s", f.Name, f.Value, f.Problem)
	}
	return fmt.Sprintf("%s = %s (%s): %s", f.Name, f.Value, f.Source, f.Problem)
}

// Error is every fault of some settings.
type Error struct {
	// Heading says what they are the faults of, without a colon.
	Heading string
	Faults  []Fault
}

// Error returns the heading and one line for each fault.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Heading + ":")
	for _, f := range e.Faults {
		b.WriteString("\n  " + f.String())
	}
	return b.String()
}

// Unwrap returns the causes.
func (e *Error) Unwrap() []error {
	var causes []error
	for _, f := range e.Faults {
		if f.Err != nil {
			causes = append(causes, f.Err)
		}
	}
	return causes
}

// Count writes "1 fault" or "2 faults".
func Count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// Alternatives writes "a, b or c".
func Alternatives(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " or " + words[n]
	}
	return strings.Join(words, "")
}

// Nearest returns the known names that a wrong one was most likely meant to be, or nothing: those spelt alike,
// otherwise those whose last part, after a dot, is the same.
func Nearest(name string, known []string) []string {
	folded := fold(name)
	if len(folded) > most {
		return nil
	}
	// A third of the letters, or more than three of them, make another word.
	var best []string
	least := min(len(folded)/3, 3)
	for _, k := range known {
		switch d := distance(folded, fold(k)); {
		case d < least || d == least && best == nil:
			best, least = []string{k}, d
		case d == least:
			best = append(best, k)
		}
	}
	if best != nil {
		return best
	}
	last := func(s string) string { return fold(s[strings.LastIndex(s, ".")+1:]) }
	for _, k := range known {
		if last(k) == last(name) {
			best = append(best, k)
		}
	}
	return best
}

// fold takes away what people write names differently by.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// distance is the Levenshtein distance of two names, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

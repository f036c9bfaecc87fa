package settings

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault is one setting that cannot be used.
type Fault struct {
	// Key is what one types after "dossier:settings."; "stack" and "aws:region" stand for what does not come from
	// there.
	Key string
	// Value is the value as it may be printed; "(hidden)" where the configuration holds a secret and for a key that is
	// unknown; empty when not set.
	Value string
	// Source says where the value came from, such as Pulumi.prod.yaml or preset prod. Empty when not set.
	Source string
	// Problem says what is wrong, what is allowed and how to mend it.
	Problem string
}

// String returns the fault on one line.
func (f Fault) String() string {
	switch {
	case f.Value == "":
		return fmt.Sprintf("%s is not set: %s", f.Key, f.Problem)
	case f.Source == "":
		return fmt.Sprintf("%s = %s: %s", f.Key, f.Value, f.Problem)
	}
	return fmt.Sprintf("%s = %s (%s): %s", f.Key, f.Value, f.Source, f.Problem)
}

// Error is every fault of the settings of a stack: bad values, unknown keys, then values that do not go together.
type Error struct {
	// Stack is the name of the stack.
	Stack  string
	Faults []Fault
}

// Error returns one line for each fault.
func (e *Error) Error() string {
	var b strings.Builder
	count := "1 fault"
	if len(e.Faults) != 1 {
		count = fmt.Sprintf("%d faults", len(e.Faults))
	}
	fmt.Fprintf(&b, "%s in the settings of stack %s; nothing was changed (docs/settings.md lists all keys below %s):",
		count, plain(e.Stack), Key)
	for _, f := range e.Faults {
		b.WriteString("\n  ")
		b.WriteString(f.String())
	}
	return b.String()
}

// hidden stands for a value that may not be printed.
const hidden = "(hidden)"

// most is how much of a value or a name is printed.
const most = 120

// quoted shows a text.
func quoted(s string) string {
	if len(s) > most {
		return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "…"
	}
	return strconv.Quote(s)
}

// plain shows a name without quotes where it needs none.
func plain(s string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	if s == "" || len(s) > most || strings.ContainsFunc(s, odd) {
		return quoted(s)
	}
	return s
}

package config

import (
	"fmt"
	"strings"
)

// Warning is something that an operator should know but that keeps nobody from starting.
type Warning struct {
	// Name is the variable of the setting.
	Name string
	// Message carries no value of a secret.
	Message string
}

// String returns name and message.
func (w Warning) String() string { return w.Name + ": " + w.Message }

// Fault is one setting that cannot be used.
type Fault struct {
	// Name is the variable of the setting, wherever its value came from.
	Name string
	// Value is the value as it may be printed, quoted; "(hidden)" for a secret and for a variable that is no setting;
	// empty when not set.
	Value string
	// Source says where the value came from: "environment", "default", or "Parameter Store" with the full name. Empty
	// when not set.
	Source string
	// Problem says what is wrong and what is allowed.
	Problem string
	// Err is the cause, where another system failed.
	Err error
}

// String returns the fault on one line.
func (f Fault) String() string {
	if f.Value == "" {
		return fmt.Sprintf("%s is not set: %s", f.Name, f.Problem)
	}
	return fmt.Sprintf("%s = %s (%s): %s", f.Name, f.Value, f.Source, f.Problem)
}

// Error is every fault of the settings: what cannot be read, then bad values, contradictions and unknown names.
type Error struct{ Faults []Fault }

// Error returns one line for each fault.
func (e *Error) Error() string {
	var b strings.Builder
	if len(e.Faults) == 1 {
		b.WriteString("1 invalid setting:")
	} else {
		fmt.Fprintf(&b, "%d invalid settings:", len(e.Faults))
	}
	for _, f := range e.Faults {
		b.WriteString("\n  ")
		b.WriteString(f.String())
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

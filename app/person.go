package dossier

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// The rules for a person's details. Lengths are in Unicode code points after normalization; the SQL columns have the
// same width.
const (
	MaxNameLength       = 200
	MaxLocationLength   = 200
	MaxTechnologyLength = 200
	MinAge              = 0
	MaxAge              = 130
)

// PersonState is the state of a person between the first step of a submission and the last step of a deletion.
type PersonState string

const (
	// PersonSubmitting: inserted, not acknowledged. Reconciliation removes the person if nothing happens for a day.
	PersonSubmitting PersonState = "submitting"
	// PersonSubmitted: acknowledged to the submitter; staff see it.
	PersonSubmitted PersonState = "submitted"
	// PersonDeleting: no new file is started; files are removed, then the person.
	PersonDeleting PersonState = "deleting"
)

// Person is one submitter: one row of table people.
type Person struct {
	ID PersonID
	Details
	// ReceiptHash is Receipt.Hash of the secret that the submitter has.
	ReceiptHash [32]byte
	// ReceiptExpires is when the receipt stops being valid, UTC, whole microseconds; zero: never. The files stay.
	ReceiptExpires time.Time
	State          PersonState
	// CreatedAt and UpdatedAt are UTC, whole microseconds.
	CreatedAt, UpdatedAt time.Time
}

// Details is what people say about themselves. It is valid after Clean returned nil.
type Details struct {
	Name       string
	Location   string
	Age        int // years
	Technology string
}

// ParseDetails reads Details from a form's text fields. The age may use the digits of any script. The error is an
// ErrInvalid that lists every invalid field; the returned details then contain what could be read.
func ParseDetails(name, location, age, technology string) (Details, error) {
	d := Details{Name: name, Location: location, Technology: technology}
	age = strings.TrimSpace(shown(age))
	n, err := parseNumber(age)
	var badAge string
	switch {
	case age == "":
		badAge = ageRule
	case err != nil:
		badAge = "Must be a whole number. " + ageRule
	}
	d.Age = n
	return d, d.clean(badAge)
}

// Clean normalizes the texts (invisible characters removed, Unicode NFC, spaces trimmed and folded) and checks every
// rule. The error is an ErrInvalid that lists every invalid field.
func (d *Details) Clean() error { return d.clean("") }

var ageRule = fmt.Sprintf("Enter an age in years from %d to %d.", MinAge, MaxAge)

func (d *Details) clean(badAge string) error {
	var faults []FieldFault
	text := func(field, label string, value *string, most int) {
		clean, fault := cleanText(label, *value, most)
		*value = clean
		if fault != "" {
			faults = append(faults, FieldFault{field, fault})
		}
	}
	text("name", "a name", &d.Name, MaxNameLength)
	text("location", "a location", &d.Location, MaxLocationLength)
	if badAge == "" && (d.Age < MinAge || d.Age > MaxAge) {
		badAge = ageRule
	}
	if badAge != "" {
		faults = append(faults, FieldFault{"age", badAge})
	}
	text("technology", "a technology", &d.Technology, MaxTechnologyLength)
	if faults != nil {
		return &Error{Code: CodeInvalid, Message: "Some fields need your attention.", Fields: faults}
	}
	return nil
}

// cleanText returns the normalized text and, if it breaks a rule, what is allowed.
func cleanText(label, raw string, most int) (clean, fault string) {
	if !utf8.ValidString(raw) {
		return strings.ToValidUTF8(raw, "\uFFFD"), "Must be text in UTF-8."
	}
	clean = strings.Join(strings.Fields(norm.NFC.String(shown(raw))), " ")
	switch {
	case clean == "":
		return clean, fmt.Sprintf("Enter %s, up to %d characters.", label, most)
	case utf8.RuneCountInString(clean) > most:
		return clean, fmt.Sprintf("Must be at most %d characters long.", most)
	case !strings.ContainsFunc(clean, legible):
		return clean, "Must contain a letter or a digit."
	}
	return clean, ""
}

// hidden reports whether a character could make a text read as something else: control characters, line and paragraph
// separators, and the bidirectional overrides, embeddings and isolates (Unicode TR 9), but not the joiners that
// Persian, Hindi and emoji need.
func hidden(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\uFEFF':
		return true
	case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

// SearchKey folds a name in the way that release 0.1.0, which may still serve during a rollout, searches by it. This
// release searches by SearchWords.
func SearchKey(name string) string {
	fold := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), cases.Fold(), norm.NFC)
	key, _, err := transform.String(fold, strings.Join(strings.Fields(name), " "))
	if err != nil {
		// Only a broken transformer fails on a string; the raw name is still a usable key.
		return strings.ToLower(name)
	}
	return key
}

// PersonID identifies a person: a UUIDv7 (RFC 9562).
type PersonID uuid.UUID

// NewPersonID returns a new id.
func NewPersonID() PersonID { return PersonID(newUUID()) }

// ParsePersonID accepts only the canonical form (36 characters, lower case, version 7), so that a person has one URL.
// Anything else is ErrNotFound: no such person can exist.
func ParsePersonID(s string) (PersonID, error) {
	id, err := parseUUID(s)
	return PersonID(id), err
}

// String returns the canonical form.
func (id PersonID) String() string { return uuid.UUID(id).String() }

func newUUID() uuid.UUID {
	// NewV7 fails only when the system's random source does, and that crashes the program since Go 1.24.
	return uuid.Must(uuid.NewV7())
}

func parseUUID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || id.String() != s || id.Version() != 7 || id.Variant() != uuid.RFC4122 {
		return uuid.UUID{}, &Error{Code: CodeNotFound}
	}
	return id, nil
}

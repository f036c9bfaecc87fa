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

// MaxNameLength is the most that a person's name may have, in Unicode code points after normalization.
const MaxNameLength = 200

// PersonState is the state of a person between the first step of a submission and the last step of a deletion.
type PersonState string

const (
	// PersonSubmitting: inserted, not acknowledged. Reconciliation removes the person if nothing happens for a day.
	PersonSubmitting PersonState = "submitting"
	// PersonSubmitted: acknowledged to the submitter; staff see it, unless it is in the trash.
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
	// Trash is when and by whom the person was moved to the trash, if in state PersonSubmitted, or was when the
	// deletion began.
	Trash Trash
	// CreatedAt and UpdatedAt are UTC, whole microseconds.
	CreatedAt, UpdatedAt time.Time
}

// CleanText returns a text of the field normalized and, if it breaks the rule, what is allowed.
func (f Field) CleanText(raw string) (clean, fault string) {
	if !utf8.ValidString(raw) {
		return strings.ToValidUTF8(raw, "\uFFFD"), "Must be text in UTF-8."
	}
	clean = strings.Join(strings.Fields(unstacked(norm.NFC.String(shown(raw)))), " ")
	switch {
	case clean == "" && f.Optional:
		return clean, ""
	case clean == "":
		return clean, fmt.Sprintf("Enter %s, up to %d characters.", f.Noun, f.Most)
	case utf8.RuneCountInString(clean) > f.Most:
		return clean, fmt.Sprintf("Must be at most %d characters long.", f.Most)
	case !strings.ContainsFunc(clean, legible):
		return clean, "Must contain a letter or a digit."
	}
	return clean, ""
}

// Hidden reports whether a character could make a text read as something else: control characters, line and paragraph
// separators, and the bidirectional overrides, embeddings and isolates (Unicode TR 9), but not the joiners that
// Persian, Hindi and emoji need.
func Hidden(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\uFEFF':
		return true
	case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

// Shown returns a text without what is Hidden, up to so many bytes.
func Shown(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if Hidden(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
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

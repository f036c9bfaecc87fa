package dossier

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Receipt is what a submitter keeps: the person's id and a secret that proves it is theirs. The form carries it from
// the start, so a form that is sent twice gets the same receipt. Only the secret's hash is stored.
type Receipt struct {
	Person PersonID
	// Secret is 256 random bits.
	Secret [32]byte
}

// NewReceipt returns a receipt for a submission that is about to begin.
func NewReceipt() Receipt {
	r := Receipt{Person: NewPersonID()}
	// Never fails: crypto/rand.Read crashes the program rather than return an error.
	_, _ = rand.Read(r.Secret[:])
	return r
}

// String returns the 64 characters that are used in forms and links: id and secret in unpadded URL-safe base64. It is a
// secret: it must not be logged.
func (r Receipt) String() string {
	return base64.RawURLEncoding.EncodeToString(append(r.Person[:], r.Secret[:]...))
}

// ParseReceipt is the inverse of Receipt.String. It returns ErrNotFound for anything else, as for a receipt that was
// never issued.
func ParseReceipt(s string) (Receipt, error) {
	var r Receipt
	// The length is checked first because the decoder skips line breaks.
	if len(s) != base64.RawURLEncoding.EncodedLen(len(r.Person)+len(r.Secret)) {
		return Receipt{}, &Error{Code: CodeNotFound}
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(r.Person)+len(r.Secret) {
		return Receipt{}, &Error{Code: CodeNotFound}
	}
	copy(r.Person[:], b)
	copy(r.Secret[:], b[len(r.Person):])
	if _, err := ParsePersonID(r.Person.String()); err != nil {
		return Receipt{}, err
	}
	return r, nil
}

// ParseReceiptLink reads the link of a receipt's page, of this release or an earlier one, or only its last part, as
// people paste it: broken by a mail's lines, in brackets, or followed by a full stop. site is what precedes the page's
// path, empty if nothing does. It returns ErrNotFound as ParseReceipt does.
func ParseReceiptLink(text string) (site string, r Receipt, err error) {
	token := strings.TrimLeft(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text), `<("'“‘«`)
	if at, rest, ok := strings.Cut(token, "/receipt#"); ok {
		site, token = at, rest
	} else if at, rest, ok := strings.Cut(token, "/receipt/"); ok {
		site = at
		token = rest
	}
	token = strings.TrimPrefix(token, "#")
	// A link may end in a section of the page, and a sentence may follow it.
	if end := strings.IndexAny(token, "/&.,;:!?)>]\"'”’»"); end >= 0 {
		token = token[:end]
	}
	r, err = ParseReceipt(token)
	return site, r, err
}

// Hash returns what is stored of the secret. A plain hash is enough: 256 random bits cannot be guessed.
func (r Receipt) Hash() [32]byte { return sha256.Sum256(r.Secret[:]) }

// Opens reports, in constant time, whether the receipt belongs to the person.
func (r Receipt) Opens(p Person) bool {
	hash := r.Hash()
	return subtle.ConstantTimeCompare(hash[:], p.ReceiptHash[:]) == 1
}

// ByReceipt returns the person that a receipt opens. A wrong secret and an unknown person are the same ErrNotFound,
// after the same work.
func (s *Service) ByReceipt(ctx context.Context, r Receipt) (Person, error) {
	p, err := s.people.Person(ctx, r.Person)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Person{}, fmt.Errorf("read person: %w", err)
	}
	// An absent person is zero and opens for no receipt: no secret hashes to zeros.
	if !r.Opens(p) || p.State == PersonDeleting {
		return Person{}, &Error{Code: CodeNotFound}
	}
	if p.receiptExpired(s.time()) {
		return Person{}, p.expired()
	}
	if p.trashed() {
		return Person{}, Errorf(CodeExpired, nil, "What you submitted was deleted by the staff of this site on %s. "+
			"It is not erased yet: if you need it, ask the staff soon to put it back.",
			p.Trash.At.UTC().Format("January 2, 2006, 15:04 UTC"))
	}
	return p, nil
}

func (p Person) receiptExpired(now time.Time) bool {
	return !p.ReceiptExpires.IsZero() && !now.Before(p.ReceiptExpires)
}

func (p Person) expired() error {
	return Errorf(CodeExpired, nil, "This receipt expired on %s. Ask the staff of this site to reopen it, or make "+
		"another submission.", p.ReceiptExpires.UTC().Format("January 2, 2006, 15:04 UTC"))
}

// ReplaceReceipt replaces the receipt old of a person with to, which the holder has made: so a call whose response was
// lost can be repeated, and nobody is left without a receipt. From then on, old opens nothing. The expiry does not
// change.
//
// Errors: ErrInvalid for a receipt of another person, or the same one; otherwise those of ByReceipt.
func (s *Service) ReplaceReceipt(ctx context.Context, old, to Receipt) (Person, error) {
	if old.Person != to.Person || old.Secret == to.Secret {
		return Person{},
			&Error{Code: CodeInvalid,
				Message: "The new receipt must belong to the same person and differ from the old one.",
				Fields: []FieldFault{{"receipt",
					"Must start with the first 16 bytes of the old receipt, followed by 32 new random bytes."}}}
	}
	p, err := s.ByReceipt(ctx, old)
	if err == nil {
		err = s.people.SetReceipt(ctx, p.ID, old.Hash(), to.Hash(), p.ReceiptExpires)
		if err == nil {
			p.ReceiptHash = to.Hash()
			return p, nil
		}
		if !errors.Is(err, ErrLost) && !errors.Is(err, ErrNotFound) {
			return Person{}, fmt.Errorf("replace receipt: %w", err)
		}
		err = &Error{Code: CodeNotFound}
	}
	if !errors.Is(err, ErrNotFound) {
		return Person{}, err
	}
	// It may have been done before, by the same call.
	return s.ByReceipt(ctx, to)
}

// ExpireReceipt makes a receipt expire at a time that its holder chooses, never later than it would anyway.
//
// Errors: ErrInvalid; those of ByReceipt.
func (s *Service) ExpireReceipt(ctx context.Context, r Receipt, at time.Time) (Person, error) {
	p, err := s.ByReceipt(ctx, r)
	if err != nil {
		return Person{}, err
	}
	if !p.ReceiptExpires.IsZero() && (at.IsZero() || at.After(p.ReceiptExpires)) {
		return Person{},
			badExpiry("Must not be later than the current expiry: only the staff of this site can extend a receipt.")
	}
	return s.setExpiry(ctx, p, at)
}

// SetReceiptExpiry sets, for staff, when a person's receipt expires; zero: never.
//
// Errors: ErrInvalid, ErrNotFound.
func (s *Service) SetReceiptExpiry(ctx context.Context, id PersonID, at time.Time) (Person, error) {
	p, err := s.Person(ctx, id)
	if err != nil {
		return Person{}, err
	}
	return s.setExpiry(ctx, p, at)
}

func (s *Service) setExpiry(ctx context.Context, p Person, at time.Time) (Person, error) {
	if !at.IsZero() {
		at = at.UTC().Truncate(time.Microsecond)
		if at.UnixMicro() <= 0 || at.Year() > 9999 {
			return Person{}, badExpiry("Must be a time between the years 1970 and 9999.")
		}
	}
	err := s.people.SetReceipt(ctx, p.ID, p.ReceiptHash, p.ReceiptHash, at)
	if errors.Is(err, ErrLost) {
		return Person{}, Errorf(CodeLost, err, "The receipt was replaced in the meantime. Reload the page.")
	}
	if err != nil {
		return Person{}, fmt.Errorf("set the receipt's expiry: %w", err)
	}
	p.ReceiptExpires = at
	return p, nil
}

func badExpiry(fault string) error {
	return &Error{Code: CodeInvalid, Message: fault, Fields: []FieldFault{{"expires_at", fault}}}
}

package dossier

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
)

// Receipt is what a submitter holds: the person's id and a secret that proves it is theirs. The form carries it from
// the start, so a form that is sent twice gets the same receipt. Only the secret's hash is kept.
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

// String returns the 64 characters that stand in forms and links: id and secret in unpadded URL-safe base64. It is a
// secret: it belongs in no log.
func (r Receipt) String() string {
	return base64.RawURLEncoding.EncodeToString(append(r.Person[:], r.Secret[:]...))
}

// ParseReceipt is the inverse of Receipt.String. ErrNotFound for anything else, as for a receipt that nobody was given.
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

// Hash returns what is kept of the secret. A plain hash is enough: 256 random bits cannot be guessed.
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
	return p, nil
}

// FileByReceipt returns the record of a stored file of the receipt's person. ErrNotFound.
func (s *Service) FileByReceipt(ctx context.Context, r Receipt, file FileID) (File, error) {
	if _, err := s.ByReceipt(ctx, r); err != nil {
		return File{}, err
	}
	return s.File(ctx, r.Person, file)
}

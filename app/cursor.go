package dossier

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Cursor is a position in the directory: a page begins after the person with this creation time and id. The zero Cursor
// is the beginning.
type Cursor struct {
	CreatedAt time.Time // UTC, whole microseconds
	ID        PersonID
}

// place returns a person's position in the directory.
func (p Person) place() Cursor { return Cursor{CreatedAt: p.CreatedAt, ID: p.ID} }

// IsZero reports whether c is the beginning.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// String returns the 32 characters that are used in a page's URL.
func (c Cursor) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.CreatedAt.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID[:]...))
}

// ParseCursor is the inverse of Cursor.String; the empty string is the beginning. It returns ErrMalformed for anything
// else.
func ParseCursor(s string) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	bad := Errorf(CodeMalformed, nil, "This page's address is invalid. Start again from the first page.")
	if len(s) != 32 {
		return Cursor{}, bad
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 24 {
		return Cursor{}, bad
	}
	var id PersonID
	copy(id[:], b[8:])
	if _, err := ParsePersonID(id.String()); err != nil {
		return Cursor{}, bad
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC()
	if y := at.Year(); y < 1970 || y > 9999 {
		return Cursor{}, bad
	}
	return Cursor{CreatedAt: at, ID: id}, nil
}

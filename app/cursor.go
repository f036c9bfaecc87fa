package dossier

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Cursor is a position in a list of people: a page begins after the person with this creation time and id. The zero
// Cursor is the beginning.
type Cursor struct {
	CreatedAt time.Time // UTC, whole microseconds
	ID        PersonID
	// Key is what Order.By is followed by in the person's word; empty in a list by CreatedAt.
	Key string
}

// place returns a person's position in the directory, newest first.
func (p Person) place() Cursor { return Cursor{CreatedAt: p.CreatedAt, ID: p.ID} }

// IsZero reports whether c is the beginning.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// cursorBytes is the length of a Cursor without Key, as String encodes it.
const cursorBytes = 24

// String returns the characters that are used in a page's URL: 32, or more with a Key.
func (c Cursor) String() string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, cursorBytes+len(c.Key)), uint64(c.CreatedAt.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(append(b, c.ID[:]...), c.Key...))
}

// ParseCursor is the inverse of Cursor.String; the empty string is the beginning. It returns ErrMalformed for anything
// else.
func ParseCursor(s string) (Cursor, error) {
	if s == "" {
		return Cursor{}, nil
	}
	bad := Errorf(CodeMalformed, nil, "This page's address is invalid. Start again from the first page.")
	if len(s) > base64.RawURLEncoding.EncodedLen(cursorBytes+MaxWordLength*utf8.UTFMax) {
		return Cursor{}, bad
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) < cursorBytes {
		return Cursor{}, bad
	}
	key := string(b[cursorBytes:])
	if !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl) {
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
	return Cursor{CreatedAt: at, ID: id, Key: key}, nil
}

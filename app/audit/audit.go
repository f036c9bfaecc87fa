// Package audit is the trail of what staff did: who, when, from where, what, to whom, and with what result.
//
// Entries are only appended. Each instance of the program has a chain of its own, in which each entry holds the hash of
// the one before it, so instances do not wait for each other (Trail). Once a day the heads of all chains are entered in
// one more chain, the seals' (Trail.Seal). So a change, a gap, a tail that is missing and a chain that is missing are
// found (Verify), and old entries can be removed in a way that is told apart from tampering (Prune). docs/audit.md says
// what this proves and what it cannot.
//
// The trail holds identifiers and no details of persons: no names of theirs, no file's name, no word that was searched.
//
// It holds the rules. Package people keeps the entries, package web makes them.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"dossier.example/app"
)

// Chain names the entries of one run of one instance: a UUIDv7, so that no two have the same.
type Chain uuid.UUID

// Seals is the chain of the seals, which all instances append to.
var Seals Chain

// NewChain returns a new chain's name.
func NewChain() (Chain, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Chain{}, fmt.Errorf("name a chain of the audit trail: %w", err)
	}
	return Chain(id), nil
}

// ParseChain reads the text of a chain's name; dossier.CodeNotFound if it is none.
func ParseChain(text string) (Chain, error) {
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return Chain{}, dossier.ErrNotFound
	}
	return Chain(id), nil
}

// String returns the name as ParseChain reads it.
func (c Chain) String() string { return uuid.UUID(c).String() }

// Result is how what an entry tells of went.
type Result string

// The results. Of what is only looked at there is one entry, Allowed, before it is shown, and a second one if it was
// not shown after all. Of a change there is one before it, Begun, and one after it, Done, Refused or Failed: a change
// that has only the first was cut off, and may or may not have been made.
const (
	Allowed Result = "allowed"
	Refused Result = "refused"
	Begun   Result = "begun"
	Done    Result = "done"
	Failed  Result = "failed"
)

// Results are all results.
var Results = []Result{Allowed, Refused, Begun, Done, Failed}

// Ends reports whether the result is that of what had begun.
func (r Result) Ends() bool { return r == Done || r == Failed || r == Refused }

// Who is not an account, as Actor.ID.
const (
	// Shared is whoever signed in with the shared key.
	Shared = "shared"
	// Holder is whoever has the receipt of the subject.
	Holder = "holder"
	// Nobody is who could not sign in.
	Nobody = "nobody"
	// Program is Dossier itself.
	Program = "program"
)

// Actor is who did something.
type Actor struct {
	// ID is that of an account, or one of the words above.
	ID string
	// Name is the account's name as it was then.
	Name string
	// Session is the ID of the session, or of the personal token, empty where there is neither. It tells apart those
	// who share a key.
	Session string
}

// Kind is what kind of thing a subject is.
type Kind string

// The kinds.
const (
	KindNone    Kind = ""
	KindPerson  Kind = "person"
	KindAccount Kind = "account"
	KindSession Kind = "session"
	KindToken   Kind = "token"
	KindChain   Kind = "chain"
)

// Subject is to whom, or what, something was done.
type Subject struct {
	Kind Kind
	ID   string
	// File is the ID of the file, where it was one file of a person.
	File string
}

// The longest texts of an entry, in bytes.
const (
	MaxName   = 256
	MaxClient = 64
	MaxID     = 36
	MaxDetail = 128
	// MaxRequest bounds the ID of a request.
	MaxRequest = 32
)

// Place is a place in a chain, and the hash of the entry there.
type Place struct {
	Chain    Chain
	Sequence int64
	Hash     Hash
}

// Hash is the hash of an entry.
type Hash [sha256.Size]byte

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads what String returns.
func ParseHash(text string) (h Hash, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(h) || text != strings.ToLower(text) {
		return h, fmt.Errorf("a hash has %d hexadecimal digits", 2*len(h))
	}
	return Hash(raw), nil
}

// Entry is one entry of the trail.
type Entry struct {
	// Chain and Sequence, from 1, are its place. Trail sets them, and At, Previous and Hash.
	Chain    Chain
	Sequence int64
	// At is when it was entered, in microseconds of UTC. Within a chain it never goes back.
	At    time.Time
	Actor Actor
	// Client is the address that the request came from, as the site knows it.
	Client  string
	Action  Action
	Subject Subject
	Result  Result
	// Request is the ID of the request, which the log and error pages have too.
	Request string
	// Count is how many the action was about, where that is something to count.
	Count int64
	// Detail is what else there is to say, in words of this program.
	Detail string
	// Previous is the hash of the entry before it in the chain, zero for the first.
	Previous Hash
	// Hash is the hash of all of the above.
	Hash Hash
}

// Place returns the place of the entry, with its hash.
func (e Entry) Place() Place { return Place{e.Chain, e.Sequence, e.Hash} }

// hashed begins what is hashed, so that a hash of this kind is none of another.
const hashed = "dossier audit entry 1\n"

// Sum returns the hash that the entry must have. docs/audit.md tells others how to compute it.
func (e Entry) Sum() Hash {
	b := make([]byte, 0, 512)
	b = append(b, hashed...)
	text := func(texts ...string) {
		for _, t := range texts {
			b = binary.BigEndian.AppendUint32(b, uint32(len(t)))
			b = append(b, t...)
		}
	}
	number := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	b = append(b, e.Previous[:]...)
	text(e.Chain.String())
	number(e.Sequence)
	number(e.At.UnixMicro())
	text(e.Actor.ID, e.Actor.Name, e.Actor.Session, e.Client, string(e.Action), string(e.Subject.Kind), e.Subject.ID,
		e.Subject.File, string(e.Result), e.Request)
	number(e.Count)
	text(e.Detail)
	return sha256.Sum256(b)
}

// check returns what is wrong with an entry that is to be appended: a fault of the program.
func (e Entry) check() error {
	var wrong string
	switch {
	case !e.Action.Known():
		wrong = "has an unknown action"
	case !slices.Contains(Results, e.Result):
		wrong = "has an unknown result"
	case e.Actor.ID == "":
		wrong = "has no actor"
	case len(e.Actor.ID) > MaxID || len(e.Actor.Session) > MaxID || len(e.Subject.ID) > MaxID ||
		len(e.Subject.File) > MaxID:
		wrong = "has too long an ID"
	case len(e.Request) > MaxRequest:
		wrong = "has too long a request ID"
	case len(e.Detail) > MaxDetail || !utf8.ValidString(e.Detail):
		wrong = "has an invalid detail"
	}
	if wrong != "" {
		return fmt.Errorf("an entry of the audit trail, %q, %s", e.Action, wrong)
	}
	return nil
}

// Columns are the names of what Record returns.
var Columns = []string{"chain", "sequence", "recorded_at", "actor", "actor_name", "session", "client", "action",
	"subject_kind", "subject", "file", "result", "request", "count", "detail", "previous", "hash"}

// Record returns an entry as a row of a table: all that its hash is made of, and the hash.
func (e Entry) Record() []string {
	return []string{e.Chain.String(), strconv.FormatInt(e.Sequence, 10), e.At.UTC().Format(TimeFormat), e.Actor.ID,
		e.Actor.Name, e.Actor.Session, e.Client, string(e.Action), string(e.Subject.Kind), e.Subject.ID, e.Subject.File,
		string(e.Result), e.Request, strconv.FormatInt(e.Count, 10), e.Detail, e.Previous.String(), e.Hash.String()}
}

// TimeFormat is how a time is written: to the microsecond, as it is hashed.
const TimeFormat = "2006-01-02T15:04:05.000000Z"

// Store keeps the entries. What package dossier demands of every store holds for it, too. It changes and removes
// nothing.
type Store interface {
	// AppendEntries adds entries, all of them or none; dossier.ErrExists if a place is taken.
	AppendEntries(ctx context.Context, entries []Entry) error
	// LastEntry returns the last entry of a chain; dossier.ErrNotFound if it has none.
	LastEntry(ctx context.Context, chain Chain) (Entry, error)
	// Heads returns the place of the last entry of each chain, in the order of their names.
	Heads(ctx context.Context) ([]Place, error)
	// EntriesAfter returns up to limit entries behind a place, in the order of chain and sequence. The zero place is
	// before all.
	EntriesAfter(ctx context.Context, chain Chain, sequence int64, limit int) ([]Entry, error)
	// FindEntries returns what a query asks for, the newest first.
	FindEntries(ctx context.Context, q Query) ([]Entry, error)
}

// Remover removes entries. The program that serves has none, unless its store is a file.
type Remover interface {
	// RemoveEntries removes up to limit entries of a chain, the first ones, as far as the sequence, and returns how
	// many.
	RemoveEntries(ctx context.Context, chain Chain, sequence int64, limit int) (int, error)
}

// Query asks for entries. An empty part asks for all.
type Query struct {
	// Actor and Subject are IDs.
	Actor, Subject string
	Action         Action
	Result         Result
	// From and To bound the time: From is the first that counts, To the first that does not.
	From, To time.Time
	// After is the place behind which to begin: in the list, so they are older.
	After Cursor
	Limit int
}

// Cursor is a place in the list of all entries, the newest first.
type Cursor struct {
	At       time.Time
	Chain    Chain
	Sequence int64
}

// CursorOf returns the place of an entry.
func CursorOf(e Entry) Cursor { return Cursor{e.At, e.Chain, e.Sequence} }

// IsZero reports whether the cursor is that of the list's beginning.
func (c Cursor) IsZero() bool { return c.Sequence == 0 }

// String returns the cursor as ParseCursor reads it.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	return strconv.FormatInt(c.At.UnixMicro(), 10) + "." + strconv.FormatInt(c.Sequence, 10) + "." + c.Chain.String()
}

// ParseCursor reads what String returns; dossier.CodeMalformed if it is something else.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	wrong := dossier.Errorf(dossier.CodeMalformed, nil, "The parameter \"after\" must be what a link of this site "+
		"says.")
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return Cursor{}, wrong
	}
	at, errAt := strconv.ParseInt(parts[0], 10, 64)
	sequence, errSequence := strconv.ParseInt(parts[1], 10, 64)
	chain, errChain := ParseChain(parts[2])
	c := Cursor{time.UnixMicro(at).UTC(), chain, sequence}
	if errAt != nil || errSequence != nil || errChain != nil || sequence < 1 || c.String() != text {
		return Cursor{}, wrong
	}
	return c, nil
}

// walk calls do for all entries behind a place, in the order of chain and sequence.
func walk(ctx context.Context, store Store, chain Chain, sequence int64, do func(Entry) (more bool)) error {
	const page = 1000
	for {
		entries, err := store.EntriesAfter(ctx, chain, sequence, page)
		if err != nil {
			return fmt.Errorf("read the audit trail: %w", err)
		}
		for _, e := range entries {
			if !do(e) {
				return nil
			}
			chain, sequence = e.Chain, e.Sequence
		}
		if len(entries) < page {
			return nil
		}
	}
}

package dossier

import (
	"context"
	"io"
	"iter"
	"time"
)

// What every store promises beside what its methods say:
//
//   - No request to a server is without a deadline; a store has a time limit of its own for each, and a deadline of ctx that is
//     nearer wins. A store that does not answer in time, refuses, or is full returns ErrUnavailable.
//   - When ctx is cancelled the call returns at once, with an error for which errors.Is(err, context.Canceled).
//   - A read sees every write that was finished before it began, whichever instance made it, except where said otherwise.
//   - Errors carry no file name, no detail of a person and no secret.
//   - It is safe for concurrent use.
//
// Package storetest is the definition of done for each.

// People keeps the persons.
type People interface {
	// Insert adds p unless its id is taken: ErrExists, and nothing is changed.
	Insert(ctx context.Context, p Person) error
	// Person returns the person in whatever state; ErrNotFound.
	Person(ctx context.Context, id PersonID) (Person, error)
	// Move sets the state and UpdatedAt if the person is in one of the states from. ErrLost if it is in another state,
	// ErrNotFound if it is absent.
	Move(ctx context.Context, id PersonID, to PersonState, at time.Time, from ...PersonState) error
	// Delete removes the person if it is in state PersonDeleting: ErrLost in another state, nil when absent.
	Delete(ctx context.Context, id PersonID) error
	// List returns up to limit persons in state PersonSubmitted, newest first (CreatedAt, then ID), that come after the cursor (a zero
	// cursor: from the newest) and whose SearchKey(Name) begins with prefix (itself a SearchKey; empty: all).
	List(ctx context.Context, prefix string, after Cursor, limit int) ([]Person, error)
	// Leftovers yields the persons in state PersonSubmitting whose UpdatedAt is before the given time, and all in state PersonDeleting.
	// The loop's body may move and delete what it is given.
	Leftovers(ctx context.Context, before time.Time) iter.Seq2[Person, error]
	// Existing returns those of ids (100 at most) that are there, in whatever state.
	Existing(ctx context.Context, ids []PersonID) (map[PersonID]bool, error)
}

// Catalog keeps the records of files.
type Catalog interface {
	// Put adds a record in state FileUploading without Content: ErrExists if its id is taken.
	Put(ctx context.Context, f File) error
	// File returns a record in whatever state; ErrNotFound.
	File(ctx context.Context, person PersonID, file FileID) (File, error)
	// Files returns all records of a person, in whatever state, in the order of their ids.
	Files(ctx context.Context, person PersonID) ([]File, error)
	// Describe sets Content and UpdatedAt of a record that is in state FileUploading: ErrLost in another state or when absent.
	Describe(ctx context.Context, person PersonID, file FileID, c Content, at time.Time) error
	// Commit moves a described record from FileUploading to FileStored and returns it. Within one person a name and a content (SHA-256,
	// size) are stored once: where another record with the same two is stored, or was committing and only has to be finished,
	// Commit returns that one and leaves the given record as it is, for the caller to remove. This holds for any number of
	// Commits at once. A record already stored is returned as it is. ErrLost if the record is deleting, absent or not described.
	Commit(ctx context.Context, person PersonID, file FileID, at time.Time) (File, error)
	// MarkDeleting sets state FileDeleting and UpdatedAt if the record is in one of the states from, or is deleting
	// already. ErrLost in another state, ErrNotFound when absent.
	MarkDeleting(ctx context.Context, person PersonID, file FileID, at time.Time, from ...FileState) error
	// Remove removes a record in state FileDeleting, and with it all that Commit may have left for it: ErrLost in another state, nil
	// when absent. After it the same name and content may be committed again.
	Remove(ctx context.Context, person PersonID, file FileID) error
	// Unfinished yields the records in state FileUploading whose UpdatedAt is before the given time, and all in state
	// FileDeleting. It may be seconds behind the latest writes. The loop's body may change and remove what it is given.
	Unfinished(ctx context.Context, before time.Time) iter.Seq2[File, error]
	// All yields every record once, those of one person together. Records written meanwhile may or may not be among them. The
	// loop's body may change and remove what it is given.
	All(ctx context.Context) iter.Seq2[File, error]
}

// Objects keeps the bytes of files. Keys are those of ObjectKey; a store makes up none of its own.
type Objects interface {
	// Put streams r under key, in bounded memory and without a copy elsewhere. Nothing is visible under key unless Put
	// returns nil, and then it is durable. When r fails or ctx ends, what was sent so far is given up and the error wraps r's or
	// ctx's. A key is written once.
	Put(ctx context.Context, key string, r io.Reader) error
	// Stat returns what the store itself says that it holds under key, read back from it; ErrNotFound.
	Stat(ctx context.Context, key string) (Held, error)
	// Open returns the bytes from offset on, length of them at most (negative: to the end); ErrNotFound. The ctx governs the
	// reading too; the caller closes.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// Delete removes the object; nil when absent.
	Delete(ctx context.Context, key string) error
	// List yields the objects whose key begins with prefix, in the order of their keys' bytes. The loop's body may delete
	// what it is given.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// AbortUnfinished gives up the transfers that were begun before the given time and never completed, and returns how many there were. With dryRun it
	// only counts.
	AbortUnfinished(ctx context.Context, before time.Time, dryRun bool) (int, error)
}

// Held is what an object store says of an object.
type Held struct {
	// Size in bytes.
	Size int64
	// CRC64 is the CRC-64/NVME of the whole object.
	CRC64 uint64
}

// Object is one object in a listing.
type Object struct {
	Key        string
	Size       int64     // bytes
	ModifiedAt time.Time // when it became visible
}

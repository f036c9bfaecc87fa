package dossier

import (
	"context"
	"io"
	"iter"
	"time"
)

// What every store promises beside what its methods say:
//
//   - No request to a server is without a deadline; a store has a time limit of its own for each, and a deadline of ctx
//     that is nearer wins. A store that does not answer in time, refuses, or is full returns ErrUnavailable.
//   - When ctx is cancelled the call returns at once, with an error for which errors.Is(err, context.Canceled).
//   - A read sees every write that was finished before it began, whichever instance made it, except where said
//     otherwise.
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
	// ErrNotFound if it is absent. A person who comes to PersonDeleting has no words any more.
	Move(ctx context.Context, id PersonID, to PersonState, at time.Time, from ...PersonState) error
	// SetReceipt sets ReceiptHash and ReceiptExpires (zero: never) if ReceiptHash is from; nothing else changes.
	// ErrLost if it is another, ErrNotFound if the person is absent. Of any number of changes at once from one hash to
	// different ones, one wins.
	SetReceipt(ctx context.Context, id PersonID, from, to [32]byte, expires time.Time) error
	// Acknowledge moves a person from PersonSubmitting to PersonSubmitted, as Move does, and gives it these words: both
	// or neither.
	Acknowledge(ctx context.Context, id PersonID, at time.Time, words []string) error
	// Delete removes the person if it is in state PersonDeleting: ErrLost in another state, nil when absent.
	Delete(ctx context.Context, id PersonID) error
	// Find returns persons in state PersonSubmitted, newest first (CreatedAt, then ID).
	Find(ctx context.Context, q Search) (Found, error)
	// Leftovers yields the persons in state PersonSubmitting whose UpdatedAt is before the given time, and all in state
	// PersonDeleting. The loop's body may move and delete what it is given.
	Leftovers(ctx context.Context, before time.Time) iter.Seq2[Person, error]
	// Existing returns those of ids (100 at most) that are there, in whatever state.
	Existing(ctx context.Context, ids []PersonID) (map[PersonID]bool, error)
	Words
}

// Words are those by which Find finds persons in state PersonSubmitted; others have none. Each is one of SearchWords.
type Words interface {
	// AddWords adds words to those of a person, MaxPersonWords in all. ErrLost if the person is in another state than
	// PersonSubmitted, ErrNotFound if it is absent.
	AddWords(ctx context.Context, id PersonID, words []string) error
	// Words returns the words of a person, in order, in whatever state; ErrNotFound.
	Words(ctx context.Context, id PersonID) (Worded, error)
	// SetWords replaces the words of a person, up to MaxPersonWords, and notes that they are of WordsVersion, if nobody
	// changed them since seen was read: ErrLost. ErrLost also in another state than PersonSubmitted, or when absent.
	SetWords(ctx context.Context, seen Worded, words []string) error
	// Unworded yields the persons in state PersonSubmitted whose words are not all those of WordsVersion, because
	// neither Acknowledge nor SetWords of this version wrote them. The loop's body may set them.
	Unworded(ctx context.Context) iter.Seq2[PersonID, error]
	// StrayWords yields the ids that have words and no person in state PersonSubmitted, as a former release may leave
	// them. The loop's body may remove them.
	StrayWords(ctx context.Context) iter.Seq2[PersonID, error]
	// RemoveWords removes the words of an id, unless its person is in state PersonSubmitted: ErrLost.
	RemoveWords(ctx context.Context, id PersonID) error
}

// Worded is a person with the words by which it is found.
type Worded struct {
	Person
	Words []string
	// Version is the WordsVersion of the words; 0 where they are not all there.
	Version int
	// Revision is another after every change of the words.
	Revision int64
}

// Search is what People.Find looks for. Of After and Before one at most is set.
type Search struct {
	// Words are SearchWords: those are found of whose words one begins with each of them. None: everybody.
	Words []string
	// After is where the list begins: with those who come behind it. Zero: with the newest.
	After Cursor
	// Before is where it ends: it has those who stand just in front of it.
	Before Cursor
	Limit  int
	// Count is the number up to which all who match are counted; 0: they are not.
	Count int
}

// Found is what People.Find found.
type Found struct {
	// People are newest first, whichever way they were looked for.
	People []Person
	// Further is where the list goes on, behind the last of People or, with Search.Before, in front of the first. Zero:
	// nobody is there. There may be fewer People than Search.Limit all the same, where finding more takes long.
	Further Cursor
	// Matches is the number of all who match, wherever they stand; where Capped there are more. It is less than
	// Search.Count then where counting more takes long.
	Matches int
	Capped  bool
}

// Catalog keeps the records of files.
type Catalog interface {
	// Put adds a record in state FileUploading without Content: ErrExists if its id is taken. Its Multipart never
	// changes afterwards, and its Scan not until it is stored.
	Put(ctx context.Context, f File) error
	// File returns a record in whatever state; ErrNotFound.
	File(ctx context.Context, person PersonID, file FileID) (File, error)
	// Files returns up to limit (1 at least) records of a person, in whatever state, in the order of their ids: those
	// whose ids come behind after (a zero id: from the first). Fewer than limit are the last.
	Files(ctx context.Context, person PersonID, after FileID, limit int) ([]File, error)
	// Describe sets Content and UpdatedAt of a record that is in state FileUploading: ErrLost in another state or when
	// absent.
	Describe(ctx context.Context, person PersonID, file FileID, c Content, at time.Time) error
	// Touch sets UpdatedAt of a record that is in state FileUploading, so that it shows progress: ErrLost in another
	// state or when absent.
	Touch(ctx context.Context, person PersonID, file FileID, at time.Time) error
	// Commit moves a described record from FileUploading to FileStored and returns it. Within one person a folder, name
	// and content (SHA-256, size) are stored once: where another record with the same ones is stored, or was committing
	// and only has to be finished, Commit returns that one and leaves the given record as it is, for the caller to
	// remove. This holds for any number of Commits at once. A record already stored is returned as it is. ErrLost if
	// the record is deleting, absent or not described; ErrIncomplete if it was described without a Type, last.
	Commit(ctx context.Context, person PersonID, file FileID, at time.Time) (File, error)
	// MarkDeleting sets state FileDeleting and UpdatedAt if the record is in one of the states from, or is deleting
	// already. ErrLost in another state, ErrNotFound when absent.
	MarkDeleting(ctx context.Context, person PersonID, file FileID, at time.Time, from ...FileState) error
	// Remove removes a record in state FileDeleting, and with it all that Commit may have left for it: ErrLost in
	// another state, nil when absent. After it the same path and content may be committed again. Where it was this call
	// that removed the record, for certain, it returns it: of any number of calls one at most, so that what was counted
	// once is uncounted once.
	Remove(ctx context.Context, person PersonID, file FileID) (*File, error)
	// Unfinished yields the records in state FileUploading whose UpdatedAt is before the given time, and all in state
	// FileDeleting. It may be seconds behind the latest writes. The loop's body may change and remove what it is given.
	Unfinished(ctx context.Context, before time.Time) iter.Seq2[File, error]
	// All yields every record once, those of one person together. Records written meanwhile may or may not be among
	// them. The loop's body may change and remove what it is given.
	All(ctx context.Context) iter.Seq2[File, error]
	// Behind returns up to limit (1 at least) records that come behind a place in the order of All, which is always the
	// same; zero ids are the place before the first. There need not be a record at the place. Fewer than limit are the
	// last.
	Behind(ctx context.Context, person PersonID, file FileID, limit int) ([]File, error)
	// SetDamage sets Damage, or with nil takes it away, of a record in state FileStored: ErrLost in another state or
	// when absent. A record that leaves that state has none any more.
	SetDamage(ctx context.Context, person PersonID, file FileID, d *Damage) error
	// Damaged yields the records in state FileStored that have a Damage and are not ScanInfected. It may be seconds
	// behind the latest writes. The loop's body may change and remove what it is given.
	Damaged(ctx context.Context) iter.Seq2[File, error]
	// SetScan sets the Scan of a record in state FileStored if that still has the revision, which is empty where it has
	// none: ErrLost if not, in another state or when absent. It returns the scan with its new revision.
	SetScan(ctx context.Context, person PersonID, file FileID, revision string, scan Scan) (Scan, error)
	// Scans yields the records in state FileStored whose Scan has a state, which is ScanWaiting, ScanFailed or
	// ScanInfected, and that have no Damage; but with ScanInfected also those that have. It may be seconds behind the
	// latest writes. The loop's body may change and remove what it is given.
	Scans(ctx context.Context, state ScanState) iter.Seq2[File, error]
	Counters
	Notes
}

// Counters keep what each person has, so that a quota costs no look at all of the person's records. They stand beside
// the records and share no transaction with them. Service counts a file before its record is put, and uncounts it after
// its record is gone: what ends in between leaves a counter too high, never too low, and Recount mends it.
type Counters interface {
	// Reserve adds to a person's counter and returns it, unless one of the two would be more than most: ErrQuota, and
	// nothing is changed. No number of Reserves at once exceeds most. After ErrUnavailable it may be counted all the
	// same.
	Reserve(ctx context.Context, person PersonID, add, most Quota, at time.Time) (Usage, error)
	// Release takes off a person's counter what Reserve added, once at most. It does nothing where there are less, and
	// where the person was counted anew since epoch (Usage.Epoch) was read, because nobody knows whether that count
	// still saw what is taken off. A counter at zero is removed.
	Release(ctx context.Context, person PersonID, off Quota, epoch string, at time.Time) error
	// Usage returns a person's counter; zero but for Person where there is none.
	Usage(ctx context.Context, person PersonID) (Usage, error)
	// Recount sets the counter of seen.Person to what was counted after seen was read, and begins an epoch. ErrLost if
	// the counter was changed since. A counter set to zero is removed.
	Recount(ctx context.Context, seen Usage, to Quota, at time.Time) error
	// Miscounted yields the persons whose counter is not what File.Counted of their records adds up to, as far as that
	// can be told in passing: what changes meanwhile may be among them, or not. The loop's body may change what it is
	// given.
	Miscounted(ctx context.Context) iter.Seq2[PersonID, error]
}

// Notes are what instances remember for one another of their housekeeping. They stand beside the records, and no
// promise to a submitter rests on them.
type Notes interface {
	// Note returns what was noted last under a name: zero where nothing was.
	Note(ctx context.Context, name string) (Note, error)
	// SetNote notes a value under a name, if what is noted there still has that revision: ErrLost. The returned note is
	// what is noted now.
	SetNote(ctx context.Context, name, revision string, value []byte) (Note, error)
	// SeeOwnerless notes that the object or the record of these ids was seen without an owner, unless that is noted
	// already, and returns when it was noted first.
	SeeOwnerless(ctx context.Context, person PersonID, file FileID, at time.Time) (time.Time, error)
	// ForgetOwnerless takes that back; nil when it was not noted.
	ForgetOwnerless(ctx context.Context, person PersonID, file FileID) error
	// Ownerless yields what is noted. The loop's body may forget what it is given.
	Ownerless(ctx context.Context) iter.Seq2[Ownerless, error]
}

// Note is what is noted under a name.
type Note struct {
	// Value is up to 64 KiB.
	Value []byte
	// Revision is another after every change: opaque, never used twice, empty where nothing is noted.
	Revision string
}

// Ownerless is an object without a record, or a record without a person.
type Ownerless struct {
	Person PersonID
	File   FileID
	// Since is when it was seen so first.
	Since time.Time
}

// Objects keeps the bytes of files. Keys are those of ObjectKey; a store makes up none of its own.
type Objects interface {
	// Put streams r under key, in bounded memory and without a copy elsewhere. Nothing is visible under key unless Put
	// returns nil, and then it is durable. When r fails or ctx ends, what was sent so far is given up and the error
	// wraps r's or ctx's. A key is written once.
	Put(ctx context.Context, key string, r io.Reader) error
	// Stat returns what the store itself says that it holds under key, read back from it; ErrNotFound.
	Stat(ctx context.Context, key string) (Held, error)
	// Head returns what the store says of an object without reading its bytes; ErrNotFound.
	Head(ctx context.Context, key string) (Head, error)
	// Open returns the bytes from offset on, length of them at most (negative: to the end); ErrNotFound. The ctx
	// governs the reading too; the caller closes.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// Link returns the GET by which whoever has it may read the object, whole or in ranges, until it expires; the
	// answer has the headers of as. It asks nothing of a server; whether the object is there is seen when it is read.
	// lifetime is from 1 second to 7 days. errors.ErrUnsupported where bytes are only to be had by Open.
	Link(ctx context.Context, key string, as ResponseHeader, lifetime time.Duration) (SignedRequest, error)
	// Delete removes the object; nil when absent.
	Delete(ctx context.Context, key string) error
	// SetAside is Delete for what no person asked to be removed: where the store itself keeps no former versions, the
	// bytes are kept beside the objects, with about, until Expire. A key that is set aside again replaces what was
	// kept.
	SetAside(ctx context.Context, key string, about []byte) error
	// Kept yields what was set aside and has not expired, in no order: nothing where the store keeps versions.
	Kept(ctx context.Context) iter.Seq2[Kept, error]
	// PutBack makes an object of what was set aside under its key again, which is then no longer kept: ErrNotFound
	// where nothing is, ErrExists where there is an object.
	PutBack(ctx context.Context, key string) error
	// Expire removes what was set aside before the given time for good, and returns how much that was.
	Expire(ctx context.Context, before time.Time) (int, error)
	// List yields the objects whose key begins with prefix, in the order of their keys' bytes. The loop's body may
	// delete what it is given.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	MultipartUploads
	Thumbnails
}

// MultipartUploads bring bytes into the object store in parts, as S3 has it. A client that was given signed requests
// sends them itself: this program sees none of them. A Put may use one too. What a multipart upload holds is invisible
// until Finish, and nothing of it is kept in memory between two calls, so any instance may make the next one.
type MultipartUploads interface {
	// Start opens a multipart upload to key and returns its id, which the store makes up. Two Starts for one key are
	// two multipart uploads.
	Start(ctx context.Context, key string) (uploadID string, err error)
	// Sign returns the request by which whoever has it may, until it expires, send exactly this part: of this number,
	// length and checksum, to this multipart upload, once or again. It asks nothing of a server; whether the multipart
	// upload is there is seen when the part is sent. lifetime is from 1 second to 7 days.
	Sign(ctx context.Context, key, uploadID string, part Part, lifetime time.Duration) (SignedRequest, error)
	// Parts returns what the store says that it holds of a multipart upload, in the order of their numbers; a part sent
	// twice is there once, as it was sent last. ErrNotFound where the store has no such multipart upload, or not any
	// more: finished, or dropped.
	Parts(ctx context.Context, key, uploadID string) ([]Part, error)
	// Finish makes the object of a multipart upload's parts, which are to be exactly these, as whole says; it is then
	// durable and visible under key, and the multipart upload is gone. ErrCorrupt, and nothing is visible, where the
	// store has other parts, or other bytes in them. ErrNotFound as for Parts. After ErrUnavailable nobody knows; Stat
	// tells, and Finish may be repeated.
	Finish(ctx context.Context, key, uploadID string, parts []Part, whole Held) error
	// Drop gives a multipart upload up, with its parts; nil when absent. A part that is being sent at that moment may
	// come to lie after it, and goes with another Drop.
	Drop(ctx context.Context, key, uploadID string) error
	// Unfinished yields the multipart uploads that were started before the given time and neither finished nor dropped,
	// those of Put among them, in no order. The loop's body may drop what it is given.
	Unfinished(ctx context.Context, before time.Time) iter.Seq2[MultipartUpload, error]
}

// ResponseHeader is what the answer to a linked GET says of its content. Whatever the object store may have noted
// itself, it says this.
type ResponseHeader struct {
	ContentType, ContentDisposition, CacheControl string
}

// SignedRequest is a request that a client makes to the object store, or, with embedded stores, to this program. It is
// a secret for as long as it lives.
type SignedRequest struct {
	Method string
	// URL is absolute, or, with embedded stores, a path with a query below the site's own origin.
	URL string
	// Header holds what the client must send as it stands, by canonical name. Content-Length is among it, which
	// browsers set by themselves.
	Header    map[string]string
	ExpiresAt time.Time
}

// MultipartUpload is one multipart upload in a listing.
type MultipartUpload struct {
	Key, ID   string
	StartedAt time.Time
}

// Held is what an object store says of an object.
type Held struct {
	// Size in bytes.
	Size int64
	// CRC64 is the CRC-64/NVME of the whole object.
	CRC64 uint64
}

// Head is what an object store says of an object without reading it.
type Head struct {
	// Size in bytes.
	Size int64
	// CRC64 is the CRC-64/NVME that the store keeps for the whole object; nil where it keeps none.
	CRC64 *uint64
}

// Kept is an object that was set aside.
type Kept struct {
	Key string
	// About is what SetAside was given.
	About []byte
	// At is when.
	At time.Time
}

// Object is one object in a listing.
type Object struct {
	Key        string
	Size       int64     // bytes
	ModifiedAt time.Time // when it became visible
}

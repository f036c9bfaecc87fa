package dossier

import (
	"context"
	"io"
	"iter"
	"time"
)

// What every store promises in addition to what its methods say:
//
//   - No request to a server is without a deadline. A store has its own time limit for each, and an earlier deadline of
//     ctx takes precedence. A store that does not respond in time, refuses, or is full returns ErrUnavailable.
//   - If ctx is cancelled, the call returns at once, with an error for which errors.Is(err, context.Canceled).
//   - A read sees every write that was finished before it began, whichever instance made it, except where stated
//     otherwise.
//   - Errors contain no file name, no detail of a person and no secret.
//   - It is safe for concurrent use.
//
// Package storetest is the definition of done for each.

// People stores people.
type People interface {
	// Insert adds p. If its id is taken, it returns ErrExists, and nothing is changed.
	Insert(ctx context.Context, p Person) error
	// Person returns the person in any state; ErrNotFound.
	Person(ctx context.Context, id PersonID) (Person, error)
	// Move sets the state and UpdatedAt if the person is in one of the states from. ErrLost if it is in another state,
	// ErrNotFound if it does not exist. A person who is moved to PersonDeleting loses all words.
	Move(ctx context.Context, id PersonID, to PersonState, at time.Time, from ...PersonState) error
	// SetReceipt sets ReceiptHash and ReceiptExpires (zero: never) if ReceiptHash is from; nothing else changes.
	// ErrLost if it is another, ErrNotFound if the person does not exist. Of any number of simultaneous changes from
	// one hash to different ones, one wins.
	SetReceipt(ctx context.Context, id PersonID, from, to [32]byte, expires time.Time) error
	// Acknowledge moves a person from PersonSubmitting to PersonSubmitted, as Move does, and sets its words: both or
	// neither.
	Acknowledge(ctx context.Context, id PersonID, at time.Time, words []string) error
	// Delete removes the person if it is in state PersonDeleting, and has the CreatedAt of p: ErrLost otherwise, nil if
	// it does not exist.
	Delete(ctx context.Context, p Person) error
	// Trash moves those of ids (100 at most) to the trash who are in state PersonSubmitted and not in the trash, all of
	// them at once, and returns how many. They lose all words.
	Trash(ctx context.Context, ids []PersonID, t Trash) (int, error)
	// PutBack moves a person out of the trash who is in state PersonSubmitted and has come there at that time: ErrLost
	// otherwise, ErrNotFound if it does not exist. Its words are of version 0 then, so that Unworded yields it.
	PutBack(ctx context.Context, id PersonID, since time.Time) error
	// MoveTrashed moves a person to PersonDeleting under the same conditions, with the same errors.
	MoveTrashed(ctx context.Context, id PersonID, since, at time.Time) error
	// Trashed returns up to limit (at least 1) people who are in state PersonSubmitted and have come to the trash
	// before the given time, the last first (Trash.At, then ID); of these, those behind a position, which has a
	// Trash.At for its CreatedAt. Zero: from the first.
	Trashed(ctx context.Context, before time.Time, after Cursor, limit int) ([]Person, error)
	// Find returns people in state PersonSubmitted who are not in the trash.
	Find(ctx context.Context, q Search) (Found, error)
	// Leftovers yields the people in state PersonSubmitting whose UpdatedAt is before the given time, and all in state
	// PersonDeleting. The loop's body may move and delete what it is given.
	Leftovers(ctx context.Context, before time.Time) iter.Seq2[Person, error]
	// Existing returns those of ids (100 at most) that exist, in any state.
	Existing(ctx context.Context, ids []PersonID) (map[PersonID]bool, error)
	Words
}

// Words are the words by which Find finds people in state PersonSubmitted; others have none, nor have those in the
// trash: for the methods below, these are in another state. Each is one of SearchWords.
type Words interface {
	// AddWords adds words to those of a person, up to MaxPersonWords in all. ErrLost if the person is in another state
	// than PersonSubmitted, ErrNotFound if it does not exist.
	AddWords(ctx context.Context, id PersonID, words []string) error
	// Words returns the words of a person in any state, in order; ErrNotFound.
	Words(ctx context.Context, id PersonID) (Worded, error)
	// SetWords replaces the words of a person, up to MaxPersonWords, and records that they are of WordsVersion. ErrLost
	// if somebody changed them since seen was read, if the person is in another state than PersonSubmitted, or if it
	// does not exist.
	SetWords(ctx context.Context, seen Worded, words []string) error
	// Unworded yields the people in state PersonSubmitted whose words are not all those of WordsVersion, because
	// neither Acknowledge nor SetWords of this version wrote them. The loop's body may set them.
	Unworded(ctx context.Context) iter.Seq2[PersonID, error]
	// StrayWords yields the ids that have words but no person in state PersonSubmitted, as an earlier release may leave
	// them. The loop's body may remove them.
	StrayWords(ctx context.Context) iter.Seq2[PersonID, error]
	// RemoveWords removes the words of an id. ErrLost if its person is in state PersonSubmitted.
	RemoveWords(ctx context.Context, id PersonID) error
}

// Worded is a person with the words by which it is found.
type Worded struct {
	Person
	Words []string
	// Version is the WordsVersion of the words; 0 if they are incomplete.
	Version int
	// Revision changes with every change of the words.
	Revision int64
}

// Search is what People.Find looks for: those for whom all of it is true. At most one of After and Before is set.
type Search struct {
	// Words are SearchWords. Each of them, in any of its spellings, begins one of the person's words. None: everybody.
	Words []SearchWord
	// Not are words of which none, in any of its spellings, begins one of the person's words.
	Not []SearchWord
	// Ranges are those in each of which the person has a word.
	Ranges []WordRange
	// From and Until bound CreatedAt: at or after From, and before Until. Zero: no bound.
	From, Until time.Time
	// Among are the only people that are looked at, MaxAmong at most; nil: everybody.
	Among []PersonID
	Order Order
	// After is the position after which the list begins. Zero: it begins with the first.
	After Cursor
	// Before is the position before which the list ends: it contains the people just before it.
	Before Cursor
	Limit  int
	// Count is the number up to which all matches are counted; 0: they are not counted.
	Count int
}

// MaxAmong is the most people that Search.Among may have.
const MaxAmong = 10_000

// WordRange is what is not before Low and before High, by code points.
type WordRange struct{ Low, High string }

// Order is the order of a list. The zero Order is that of the directory, newest first: by CreatedAt, then ID.
type Order struct {
	// By orders people by the one word of theirs that begins with it, by code points, then by CreatedAt, then ID. Who
	// has no such word is not in the list. Empty: there is no such word.
	By string
	// Ascending: the first is the least.
	Ascending bool
}

// Found is the result of People.Find.
type Found struct {
	// People are in the order of the search, in either direction.
	People []Person
	// Places are the positions of People, one for each.
	Places []Cursor
	// Further is where the list continues, after the last of People or, with Search.Before, before the first. Zero:
	// there is nobody further. There may still be fewer People than Search.Limit, if finding more would take too long.
	Further Cursor
	// Matches is the number of all matches, on all pages; if Capped, there are more. It can then be less than
	// Search.Count, if counting more would take too long.
	Matches int
	Capped  bool
}

// Catalog stores the records of files.
type Catalog interface {
	// Put adds a record in state FileUploading, described if it has a Content. Its Multipart never changes afterwards,
	// and its Scan not until it is stored. ErrExists if its id is taken or, of a file in parts, whose sender chose the
	// id, if Remove was called for that id less than RemovedFor before f.UpdatedAt. A store may find that only in
	// Commit.
	Put(ctx context.Context, f File) error
	// File returns a record in any state; ErrNotFound.
	File(ctx context.Context, person PersonID, file FileID) (File, error)
	// Files returns up to limit (at least 1) records of a person, in any state, in the order of their ids: those with
	// ids after the given one (zero: from the first). Fewer than limit are the last.
	Files(ctx context.Context, person PersonID, after FileID, limit int) ([]File, error)
	// Describe sets Content and UpdatedAt of a record in state FileUploading: ErrLost in another state or if it does
	// not exist.
	Describe(ctx context.Context, person PersonID, file FileID, c Content, at time.Time) error
	// Touch sets UpdatedAt of a record in state FileUploading, so that it shows progress: ErrLost in another state or
	// if it does not exist.
	Touch(ctx context.Context, person PersonID, file FileID, at time.Time) error
	// Commit moves a described record from FileUploading to FileStored and returns it. Within one person, a folder,
	// name and content (SHA-256, size) are stored once: if another record with the same ones is stored, or was
	// committing and only has to be finished, Commit returns that one and leaves the given record unchanged, for the
	// caller to remove. This holds for any number of simultaneous Commits. A record that is already stored is returned
	// unchanged. ErrLost if the record is deleting, does not exist, is not described or must not exist (see Put);
	// ErrIncomplete if it was last described without a Type.
	Commit(ctx context.Context, person PersonID, file FileID, at time.Time) (File, error)
	// CommitAsPut is Commit for a record that is, as far as its caller knows, still as it was put: f, with its Content.
	// A store may then do without a look at the record. If the record has changed, the result is that of Commit.
	CommitAsPut(ctx context.Context, f File, at time.Time) (File, error)
	// MarkDeleting sets state FileDeleting and UpdatedAt if the record is in one of the states from, or is already
	// deleting. ErrLost in another state, ErrNotFound if it does not exist.
	MarkDeleting(ctx context.Context, person PersonID, file FileID, at time.Time, from ...FileState) error
	// Remove removes a record in state FileDeleting, and with it all that Commit may have left for it: ErrLost in
	// another state, nil if it does not exist. Afterwards, the same path and content may be committed again. It returns
	// the record if it is certain that this call removed it: at most one of any number of calls does, so that what was
	// counted once is uncounted once. Whether there was a record or not, Put does not use the id again for a while.
	Remove(ctx context.Context, person PersonID, file FileID, at time.Time) (*File, error)
	// SetTrash sets the Trash of a record in state FileStored, or removes it (zero), if it has come to the trash at the
	// time since (zero: is not there): ErrLost otherwise, or if the record does not exist. To set the Trash that it has
	// lets TrashedFiles yield it, whatever took it out of an index, and writes nothing if it does.
	SetTrash(ctx context.Context, person PersonID, file FileID, since time.Time, t Trash) error
	// MarkTrashed is MarkDeleting of a record in state FileStored that has come to the trash at the time since: ErrLost
	// otherwise, or if the record does not exist.
	MarkTrashed(ctx context.Context, person PersonID, file FileID, since, at time.Time) error
	// TrashedFiles yields the records in state FileStored that have a Trash, in no particular order. It may be seconds
	// behind the latest writes. The loop's body may change and remove what it is given.
	TrashedFiles(ctx context.Context) iter.Seq2[File, error]
	// Unfinished yields the records in state FileUploading whose UpdatedAt is before the given time, and all in state
	// FileDeleting. It may be seconds behind the latest writes. The loop's body may change and remove what it is given.
	Unfinished(ctx context.Context, before time.Time) iter.Seq2[File, error]
	// All yields every record once, with those of one person together. Records written meanwhile may or may not be
	// among them. The loop's body may change and remove what it is given.
	All(ctx context.Context) iter.Seq2[File, error]
	// Behind returns up to limit (at least 1) records that follow a position in the order of All, which is always the
	// same; zero ids are the position before the first. There need not be a record at the position. Fewer than limit
	// are the last.
	Behind(ctx context.Context, person PersonID, file FileID, limit int) ([]File, error)
	// SetDamage sets Damage of a record in state FileStored, or removes it (nil): ErrLost in another state or if the
	// record does not exist. A record that leaves that state loses it.
	SetDamage(ctx context.Context, person PersonID, file FileID, d *Damage) error
	// Damaged yields the records in state FileStored, but not in the trash, that have a Damage and are not
	// ScanInfected. It may be seconds behind the latest writes. The loop's body may change and remove what it is given.
	Damaged(ctx context.Context) iter.Seq2[File, error]
	// SetScan sets the Scan of a record in state FileStored if it still has the given revision, which is empty if it
	// has no Scan. Otherwise, in another state, or if the record does not exist, it returns ErrLost. It returns the
	// scan with its new revision.
	SetScan(ctx context.Context, person PersonID, file FileID, revision string, scan Scan) (Scan, error)
	// Scans yields the records in state FileStored, but not in the trash, without Damage whose Scan has the given
	// state, which is ScanWaiting, ScanFailed or ScanInfected; with ScanInfected, also those with Damage. It may be
	// seconds behind the latest writes. The loop's body may change and remove what it is given.
	Scans(ctx context.Context, state ScanState) iter.Seq2[File, error]
	Counters
	Notes
}

// Counters store what each person has, so that checking a quota does not require reading all of the person's records.
// They are stored beside the records and share no transaction with them. Service counts a file before its record is
// put, and uncounts it after its record is removed: an interruption in between leaves a counter too high, never too
// low, and Recount corrects it.
type Counters interface {
	// Reserve adds to a person's counter and returns it. If either number would exceed most, it returns ErrQuota, and
	// nothing is changed. No number of simultaneous Reserves exceeds most. After ErrUnavailable it may have been
	// counted nevertheless.
	Reserve(ctx context.Context, person PersonID, add, most Quota, at time.Time) (Usage, error)
	// Release subtracts from a person's counter what Reserve added, at most once. It does nothing if the counter has
	// less, or if the person was recounted since epoch (Usage.Epoch) was read, because nobody knows whether the recount
	// still included what is subtracted. A counter at zero is removed.
	Release(ctx context.Context, person PersonID, off Quota, epoch string, at time.Time) error
	// Usage returns a person's counter; zero except for Person if there is none.
	Usage(ctx context.Context, person PersonID) (Usage, error)
	// Recount sets the counter of seen.Person to what was counted after seen was read, and begins an epoch. ErrLost if
	// the counter was changed since. A counter set to zero is removed.
	Recount(ctx context.Context, seen Usage, to Quota, at time.Time) error
	// Miscounted yields the people whose counter differs from the sum of File.Counted over their records, as far as a
	// single pass can tell: what changes meanwhile may or may not be included. The loop's body may change what it is
	// given.
	Miscounted(ctx context.Context) iter.Seq2[PersonID, error]
}

// Notes are what instances remember for each other about their housekeeping. They are stored beside the records, and no
// promise to a submitter depends on them.
type Notes interface {
	// Note returns the latest note under a name: zero if there is none.
	Note(ctx context.Context, name string) (Note, error)
	// SetNote sets the note under a name if it still has the given revision, otherwise it returns ErrLost. It returns
	// the new note.
	SetNote(ctx context.Context, name, revision string, value []byte) (Note, error)
	// SeeOwnerless records that the object or the record of these ids was seen without an owner, unless that is already
	// recorded, and returns when it was first recorded.
	SeeOwnerless(ctx context.Context, person PersonID, file FileID, at time.Time) (time.Time, error)
	// ForgetOwnerless removes that; nil if it was not recorded.
	ForgetOwnerless(ctx context.Context, person PersonID, file FileID) error
	// Ownerless yields what SeeOwnerless recorded. The loop's body may forget what it is given.
	Ownerless(ctx context.Context) iter.Seq2[Ownerless, error]
}

// Note is a value stored under a name.
type Note struct {
	// Value has at most 64 KiB.
	Value []byte
	// Revision changes with every change. It is opaque, never used twice, and empty if there is no note.
	Revision string
}

// Ownerless is an object without a record, or a record without a person.
type Ownerless struct {
	Person PersonID
	File   FileID
	// Since is when it was first seen so.
	Since time.Time
}

// Objects stores the bytes of files. Keys are those of ObjectKey; a store makes up none of its own.
type Objects interface {
	// Put streams r to key, in bounded memory and without a copy elsewhere, and returns what the store itself reports
	// that it holds there, which is not what was read from r. Nothing is visible under key unless Put returns nil, and
	// then it is durable. If r fails or ctx ends, what was sent so far is discarded, and the error wraps r's or ctx's.
	// A key is written once.
	Put(ctx context.Context, key string, r io.Reader) (Held, error)
	// Stat returns what the store itself reports for key, read back from it; ErrNotFound.
	Stat(ctx context.Context, key string) (Held, error)
	// Head returns what the store reports about an object without reading its bytes; ErrNotFound.
	Head(ctx context.Context, key string) (Head, error)
	// Open returns the bytes from offset on, at most length of them (negative: to the end); ErrNotFound. The ctx also
	// applies to reading; the caller closes.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// Link returns the GET request by which whoever has it may read the object, whole or in ranges, until it expires;
	// the response has the headers of as. Link contacts no server; whether the object exists shows only when it is
	// read. lifetime is from 1 second to 7 days. errors.ErrUnsupported if bytes are available only through Open.
	Link(ctx context.Context, key string, as ResponseHeader, lifetime time.Duration) (SignedRequest, error)
	// Delete removes the object, and what was set aside under its key; nil if neither exists.
	Delete(ctx context.Context, key string) error
	// SetAside is Delete for what no person asked to remove: if the store itself keeps no old versions, the bytes are
	// kept beside the objects, with about, until Expire. Setting a key aside again replaces what was kept.
	SetAside(ctx context.Context, key string, about []byte) error
	// Kept yields what was set aside and has not expired, in no particular order; nothing if the store keeps versions.
	Kept(ctx context.Context) iter.Seq2[Kept, error]
	// PutBack makes what was set aside under its key an object again, and keeps it as well until ForgetKept: nil if it
	// is one already, ErrNotFound if nothing was set aside, ErrExists if there is another object.
	PutBack(ctx context.Context, key string) error
	// ForgetKept permanently removes what was set aside under a key; nil if nothing was.
	ForgetKept(ctx context.Context, key string) error
	// Expire permanently removes what was set aside before the given time, and returns how many objects that were.
	Expire(ctx context.Context, before time.Time) (int, error)
	// List yields the objects whose key begins with prefix and comes after the given one, which need not exist, in byte
	// order of their keys. The loop's body may delete what it is given.
	List(ctx context.Context, prefix, after string) iter.Seq2[Object, error]
	MultipartUploads
	Thumbnails
}

// MultipartUploads bring bytes into the object store in parts, as in S3. A client that was given signed requests sends
// them itself: this program sees none of them. A Put may use a multipart upload too. What it holds is invisible until
// Finish, and no state is kept in memory between two calls, so any instance may make the next one.
type MultipartUploads interface {
	// Start opens a multipart upload to key and returns its id, which the store chooses. Two Starts for one key are two
	// multipart uploads.
	Start(ctx context.Context, key string) (uploadID string, err error)
	// Sign returns the request by which whoever has it may, until it expires, send exactly this part: with this number,
	// length and checksum, to this multipart upload, once or repeatedly. Sign contacts no server; whether the multipart
	// upload exists shows only when the part is sent. lifetime is from 1 second to 7 days.
	Sign(ctx context.Context, key, uploadID string, part Part, lifetime time.Duration) (SignedRequest, error)
	// Parts returns the parts that the store reports for a multipart upload, in the order of their numbers; a part sent
	// twice appears once, as it was last sent. ErrNotFound if the store does not have such a multipart upload, or no
	// longer has it: finished, or dropped.
	Parts(ctx context.Context, key, uploadID string) ([]Part, error)
	// Finish makes the object from a multipart upload's parts, which must be exactly these, as whole says; it is then
	// durable and visible under key, and the multipart upload no longer exists. ErrCorrupt, and nothing is visible, if
	// the store has other parts, or other bytes in them. ErrNotFound as for Parts. After ErrUnavailable the result is
	// unknown; Stat tells, and Finish may be repeated.
	Finish(ctx context.Context, key, uploadID string, parts []Part, whole Held) error
	// Drop discards a multipart upload with its parts; nil if it does not exist. A part that is being sent at that
	// moment may arrive after it, and is removed by another Drop.
	Drop(ctx context.Context, key, uploadID string) error
	// Unfinished yields the multipart uploads that were started before the given time and neither finished nor dropped,
	// including those of Put, in no particular order. The loop's body may drop what it is given.
	Unfinished(ctx context.Context, before time.Time) iter.Seq2[MultipartUpload, error]
}

// ResponseHeader is what the response to a linked GET says about its content, whatever the object store has recorded.
type ResponseHeader struct {
	ContentType, ContentDisposition, CacheControl string
}

// SignedRequest is a request that a client makes to the object store or, with embedded stores, to this program. It is a
// secret until it expires.
type SignedRequest struct {
	Method string
	// URL is absolute or, with embedded stores, a path with a query on the site's own origin.
	URL string
	// Header contains what the client must send unchanged, by canonical name. This includes Content-Length, which
	// browsers set by themselves.
	Header    map[string]string
	ExpiresAt time.Time
}

// MultipartUpload is one multipart upload in a listing.
type MultipartUpload struct {
	Key, ID   string
	StartedAt time.Time
}

// Held is what an object store reports about an object.
type Held struct {
	// Size in bytes.
	Size int64
	// CRC64 is the CRC-64/NVME of the whole object.
	CRC64 uint64
}

// Head is what an object store reports about an object without reading it.
type Head struct {
	// Size in bytes.
	Size int64
	// CRC64 is the CRC-64/NVME that the store keeps for the whole object; nil if it keeps none.
	CRC64 *uint64
}

// Kept is an object that was set aside.
type Kept struct {
	Key string
	// About is what was passed to SetAside.
	About []byte
	// At is when it was set aside.
	At time.Time
}

// Object is one object in a listing.
type Object struct {
	Key        string
	Size       int64     // bytes
	ModifiedAt time.Time // when it became visible
}

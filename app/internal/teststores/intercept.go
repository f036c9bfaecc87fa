package teststores

import (
	"context"
	"io"
	"iter"
	"time"

	"dossier.example/app"
)

// Around surrounds a call to a store, which it may make by do, at another time or never. call is the store and the
// method, such as "people.Insert". An error that it returns is the call's, and the call's value is lost. Of a method
// that returns a sequence do does nothing: the sequence is walked afterwards, or yields the error alone.
type Around func(ctx context.Context, call string, do func() error) error

// Intercept returns stores whose every call goes through around.
func (s Stores) Intercept(around Around) Stores {
	return Stores{
		People: interceptedPeople{s.People, around}, Catalog: interceptedCatalog{s.Catalog, around},
		Objects: interceptedObjects{s.Objects, around},
	}
}

func value[T any](ctx context.Context, around Around, call string, do func() (T, error)) (T, error) {
	var v T
	if err := around(ctx, call, func() (err error) { v, err = do(); return err }); err != nil {
		var none T
		return none, err
	}
	return v, nil
}

func sequence[T any](ctx context.Context, around Around, call string, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := around(ctx, call, func() error { return nil }); err != nil {
			var none T
			yield(none, err)
			return
		}
		seq(yield)
	}
}

// The interfaces are not embedded: a method that is added to one is missing here until it is intercepted.

type interceptedPeople struct {
	to     dossier.People
	around Around
}

type interceptedCatalog struct {
	to     dossier.Catalog
	around Around
}

type interceptedObjects struct {
	to     dossier.Objects
	around Around
}

func (s interceptedPeople) Insert(ctx context.Context, p dossier.Person) error {
	return s.around(ctx, "people.Insert", func() error { return s.to.Insert(ctx, p) })
}

func (s interceptedPeople) Person(ctx context.Context, id dossier.PersonID) (dossier.Person, error) {
	return value(ctx, s.around, "people.Person", func() (dossier.Person, error) { return s.to.Person(ctx, id) })
}

func (s interceptedPeople) Move(ctx context.Context, id dossier.PersonID, to dossier.PersonState, at time.Time,
	from ...dossier.PersonState) error {
	return s.around(ctx, "people.Move", func() error { return s.to.Move(ctx, id, to, at, from...) })
}

func (s interceptedPeople) SetReceipt(ctx context.Context, id dossier.PersonID, from, to [32]byte,
	expires time.Time) error {
	return s.around(ctx, "people.SetReceipt", func() error { return s.to.SetReceipt(ctx, id, from, to, expires) })
}

func (s interceptedPeople) Delete(ctx context.Context, p dossier.Person) error {
	return s.around(ctx, "people.Delete", func() error { return s.to.Delete(ctx, p) })
}

func (s interceptedPeople) Acknowledge(ctx context.Context, id dossier.PersonID, at time.Time, words []string) error {
	return s.around(ctx, "people.Acknowledge", func() error { return s.to.Acknowledge(ctx, id, at, words) })
}

func (s interceptedPeople) Trash(ctx context.Context, ids []dossier.PersonID, t dossier.Trash) (int, error) {
	return value(ctx, s.around, "people.Trash", func() (int, error) { return s.to.Trash(ctx, ids, t) })
}

func (s interceptedPeople) PutBack(ctx context.Context, id dossier.PersonID, since time.Time) error {
	return s.around(ctx, "people.PutBack", func() error { return s.to.PutBack(ctx, id, since) })
}

func (s interceptedPeople) MoveTrashed(ctx context.Context, id dossier.PersonID, since, at time.Time) error {
	return s.around(ctx, "people.MoveTrashed", func() error { return s.to.MoveTrashed(ctx, id, since, at) })
}

func (s interceptedPeople) Trashed(ctx context.Context, before time.Time, after dossier.Cursor,
	limit int) ([]dossier.Person, error) {
	return value(ctx, s.around, "people.Trashed", func() ([]dossier.Person, error) {
		return s.to.Trashed(ctx, before, after, limit)
	})
}

func (s interceptedPeople) AddWords(ctx context.Context, id dossier.PersonID, words []string) error {
	return s.around(ctx, "people.AddWords", func() error { return s.to.AddWords(ctx, id, words) })
}

func (s interceptedPeople) Words(ctx context.Context, id dossier.PersonID) (dossier.Worded, error) {
	return value(ctx, s.around, "people.Words", func() (dossier.Worded, error) { return s.to.Words(ctx, id) })
}

func (s interceptedPeople) SetWords(ctx context.Context, seen dossier.Worded, words []string) error {
	return s.around(ctx, "people.SetWords", func() error { return s.to.SetWords(ctx, seen, words) })
}

func (s interceptedPeople) Unworded(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return sequence(ctx, s.around, "people.Unworded", s.to.Unworded(ctx))
}

func (s interceptedPeople) StrayWords(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return sequence(ctx, s.around, "people.StrayWords", s.to.StrayWords(ctx))
}

func (s interceptedPeople) RemoveWords(ctx context.Context, id dossier.PersonID) error {
	return s.around(ctx, "people.RemoveWords", func() error { return s.to.RemoveWords(ctx, id) })
}

func (s interceptedPeople) Find(ctx context.Context, q dossier.Search) (dossier.Found, error) {
	return value(ctx, s.around, "people.Find", func() (dossier.Found, error) { return s.to.Find(ctx, q) })
}

func (s interceptedPeople) Leftovers(ctx context.Context, before time.Time) iter.Seq2[dossier.Person, error] {
	return sequence(ctx, s.around, "people.Leftovers", s.to.Leftovers(ctx, before))
}

func (s interceptedPeople) Existing(ctx context.Context, ids []dossier.PersonID) (map[dossier.PersonID]bool, error) {
	return value(ctx, s.around, "people.Existing", func() (map[dossier.PersonID]bool, error) {
		return s.to.Existing(ctx, ids)
	})
}

func (s interceptedCatalog) Put(ctx context.Context, f dossier.File) error {
	return s.around(ctx, "catalog.Put", func() error { return s.to.Put(ctx, f) })
}

func (s interceptedCatalog) File(ctx context.Context, person dossier.PersonID, file dossier.FileID) (dossier.File,
	error) {
	return value(ctx, s.around, "catalog.File", func() (dossier.File, error) { return s.to.File(ctx, person, file) })
}

func (s interceptedCatalog) Files(ctx context.Context, person dossier.PersonID, after dossier.FileID,
	limit int) ([]dossier.File,
	error) {
	return value(ctx, s.around, "catalog.Files", func() ([]dossier.File, error) {
		return s.to.Files(ctx, person, after, limit)
	})
}

func (s interceptedCatalog) Describe(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	c dossier.Content,
	at time.Time) error {
	return s.around(ctx, "catalog.Describe", func() error { return s.to.Describe(ctx, person, file, c, at) })
}

func (s interceptedCatalog) Touch(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) error {
	return s.around(ctx, "catalog.Touch", func() error { return s.to.Touch(ctx, person, file, at) })
}

func (s interceptedCatalog) Commit(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (dossier.File,
	error) {
	return value(ctx, s.around, "catalog.Commit", func() (dossier.File, error) {
		return s.to.Commit(ctx, person, file, at)
	})
}

func (s interceptedCatalog) CommitAsPut(ctx context.Context, f dossier.File, at time.Time) (dossier.File, error) {
	// By the name of what it is a shorter way for.
	return value(ctx, s.around, "catalog.Commit", func() (dossier.File, error) {
		return s.to.CommitAsPut(ctx, f, at)
	})
}

func (s interceptedCatalog) MarkDeleting(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time,
	from ...dossier.FileState) error {
	return s.around(ctx, "catalog.MarkDeleting", func() error {
		return s.to.MarkDeleting(ctx, person, file, at, from...)
	})
}

func (s interceptedCatalog) Remove(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (*dossier.File, error) {
	return value(ctx, s.around, "catalog.Remove", func() (*dossier.File, error) {
		return s.to.Remove(ctx, person, file, at)
	})
}

func (s interceptedCatalog) SetTrash(ctx context.Context, person dossier.PersonID, file dossier.FileID, since time.Time,
	t dossier.Trash) error {
	return s.around(ctx, "catalog.SetTrash", func() error { return s.to.SetTrash(ctx, person, file, since, t) })
}

func (s interceptedCatalog) MarkTrashed(ctx context.Context, person dossier.PersonID, file dossier.FileID, since,
	at time.Time) error {
	return s.around(ctx, "catalog.MarkTrashed", func() error { return s.to.MarkTrashed(ctx, person, file, since, at) })
}

func (s interceptedCatalog) TrashedFiles(ctx context.Context) iter.Seq2[dossier.File, error] {
	return sequence(ctx, s.around, "catalog.TrashedFiles", s.to.TrashedFiles(ctx))
}

func (s interceptedCatalog) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.File, error] {
	return sequence(ctx, s.around, "catalog.Unfinished", s.to.Unfinished(ctx, before))
}

func (s interceptedCatalog) All(ctx context.Context) iter.Seq2[dossier.File, error] {
	return sequence(ctx, s.around, "catalog.All", s.to.All(ctx))
}

func (s interceptedCatalog) Behind(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	limit int) ([]dossier.File, error) {
	return value(ctx, s.around, "catalog.Behind", func() ([]dossier.File, error) {
		return s.to.Behind(ctx, person, file, limit)
	})
}

func (s interceptedCatalog) SetDamage(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	d *dossier.Damage) error {
	return s.around(ctx, "catalog.SetDamage", func() error { return s.to.SetDamage(ctx, person, file, d) })
}

func (s interceptedCatalog) Damaged(ctx context.Context) iter.Seq2[dossier.File, error] {
	return sequence(ctx, s.around, "catalog.Damaged", s.to.Damaged(ctx))
}

func (s interceptedCatalog) SetScan(ctx context.Context, person dossier.PersonID, file dossier.FileID, revision string,
	scan dossier.Scan) (dossier.Scan, error) {
	return value(ctx, s.around, "catalog.SetScan", func() (dossier.Scan, error) {
		return s.to.SetScan(ctx, person, file, revision, scan)
	})
}

func (s interceptedCatalog) Scans(ctx context.Context, state dossier.ScanState) iter.Seq2[dossier.File, error] {
	return sequence(ctx, s.around, "catalog.Scans", s.to.Scans(ctx, state))
}

func (s interceptedCatalog) Note(ctx context.Context, name string) (dossier.Note, error) {
	return value(ctx, s.around, "catalog.Note", func() (dossier.Note, error) { return s.to.Note(ctx, name) })
}

func (s interceptedCatalog) SetNote(ctx context.Context, name, revision string, v []byte) (dossier.Note, error) {
	return value(ctx, s.around, "catalog.SetNote", func() (dossier.Note, error) {
		return s.to.SetNote(ctx, name, revision, v)
	})
}

func (s interceptedCatalog) SeeOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (time.Time, error) {
	return value(ctx, s.around, "catalog.SeeOwnerless", func() (time.Time, error) {
		return s.to.SeeOwnerless(ctx, person, file, at)
	})
}

func (s interceptedCatalog) ForgetOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID) error {
	return s.around(ctx, "catalog.ForgetOwnerless", func() error { return s.to.ForgetOwnerless(ctx, person, file) })
}

func (s interceptedCatalog) Ownerless(ctx context.Context) iter.Seq2[dossier.Ownerless, error] {
	return sequence(ctx, s.around, "catalog.Ownerless", s.to.Ownerless(ctx))
}

func (s interceptedObjects) Head(ctx context.Context, key string) (dossier.Head, error) {
	return value(ctx, s.around, "objects.Head", func() (dossier.Head, error) { return s.to.Head(ctx, key) })
}

func (s interceptedObjects) SetAside(ctx context.Context, key string, about []byte) error {
	return s.around(ctx, "objects.SetAside", func() error { return s.to.SetAside(ctx, key, about) })
}

func (s interceptedObjects) Kept(ctx context.Context) iter.Seq2[dossier.Kept, error] {
	return sequence(ctx, s.around, "objects.Kept", s.to.Kept(ctx))
}

func (s interceptedObjects) PutBack(ctx context.Context, key string) error {
	return s.around(ctx, "objects.PutBack", func() error { return s.to.PutBack(ctx, key) })
}

func (s interceptedObjects) ForgetKept(ctx context.Context, key string) error {
	return s.around(ctx, "objects.ForgetKept", func() error { return s.to.ForgetKept(ctx, key) })
}

func (s interceptedObjects) Expire(ctx context.Context, before time.Time) (int, error) {
	return value(ctx, s.around, "objects.Expire", func() (int, error) { return s.to.Expire(ctx, before) })
}

func (s interceptedObjects) Put(ctx context.Context, key string, r io.Reader) (dossier.Held, error) {
	return value(ctx, s.around, "objects.Put", func() (dossier.Held, error) { return s.to.Put(ctx, key, r) })
}

func (s interceptedObjects) Stat(ctx context.Context, key string) (dossier.Held, error) {
	return value(ctx, s.around, "objects.Stat", func() (dossier.Held, error) { return s.to.Stat(ctx, key) })
}

func (s interceptedObjects) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return value(ctx, s.around, "objects.Open", func() (io.ReadCloser, error) {
		return s.to.Open(ctx, key, offset, length)
	})
}

func (s interceptedObjects) Link(ctx context.Context, key string, as dossier.ResponseHeader,
	lifetime time.Duration) (dossier.SignedRequest, error) {
	return value(ctx, s.around, "objects.Link", func() (dossier.SignedRequest, error) {
		return s.to.Link(ctx, key, as, lifetime)
	})
}

func (s interceptedObjects) Delete(ctx context.Context, key string) error {
	return s.around(ctx, "objects.Delete", func() error { return s.to.Delete(ctx, key) })
}

func (s interceptedObjects) PutThumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	b []byte) error {
	return s.around(ctx, "objects.PutThumbnail", func() error { return s.to.PutThumbnail(ctx, person, file, b) })
}

func (s interceptedObjects) Thumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID) ([]byte,
	error) {
	return value(ctx, s.around, "objects.Thumbnail",
		func() ([]byte, error) { return s.to.Thumbnail(ctx, person, file) })
}

func (s interceptedObjects) DeleteThumbnail(ctx context.Context, person dossier.PersonID,
	file dossier.FileID) error {
	return s.around(ctx, "objects.DeleteThumbnail", func() error { return s.to.DeleteThumbnail(ctx, person, file) })
}

func (s interceptedObjects) Thumbnails(ctx context.Context, after string) iter.Seq2[dossier.ThumbnailOf, error] {
	return sequence(ctx, s.around, "objects.Thumbnails", s.to.Thumbnails(ctx, after))
}

func (s interceptedObjects) List(ctx context.Context, prefix, after string) iter.Seq2[dossier.Object, error] {
	return sequence(ctx, s.around, "objects.List", s.to.List(ctx, prefix, after))
}

func (s interceptedCatalog) Reserve(ctx context.Context, person dossier.PersonID, add, most dossier.Quota,
	at time.Time) (dossier.Usage, error) {
	return value(ctx, s.around, "catalog.Reserve", func() (dossier.Usage, error) {
		return s.to.Reserve(ctx, person, add, most, at)
	})
}

func (s interceptedCatalog) Release(ctx context.Context, person dossier.PersonID, off dossier.Quota, epoch string,
	at time.Time) error {
	return s.around(ctx, "catalog.Release", func() error { return s.to.Release(ctx, person, off, epoch, at) })
}

func (s interceptedCatalog) Usage(ctx context.Context, person dossier.PersonID) (dossier.Usage, error) {
	return value(ctx, s.around, "catalog.Usage", func() (dossier.Usage, error) { return s.to.Usage(ctx, person) })
}

func (s interceptedCatalog) Recount(ctx context.Context, seen dossier.Usage, to dossier.Quota, at time.Time) error {
	return s.around(ctx, "catalog.Recount", func() error { return s.to.Recount(ctx, seen, to, at) })
}

func (s interceptedCatalog) Miscounted(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return sequence(ctx, s.around, "catalog.Miscounted", s.to.Miscounted(ctx))
}

func (s interceptedObjects) Start(ctx context.Context, key string) (string, error) {
	return value(ctx, s.around, "objects.Start", func() (string, error) { return s.to.Start(ctx, key) })
}

func (s interceptedObjects) Sign(ctx context.Context, key, uploadID string, part dossier.Part,
	lifetime time.Duration) (dossier.SignedRequest, error) {
	return value(ctx, s.around, "objects.Sign", func() (dossier.SignedRequest, error) {
		return s.to.Sign(ctx, key, uploadID, part, lifetime)
	})
}

func (s interceptedObjects) Parts(ctx context.Context, key, uploadID string) ([]dossier.Part, error) {
	return value(ctx, s.around, "objects.Parts", func() ([]dossier.Part, error) {
		return s.to.Parts(ctx, key, uploadID)
	})
}

func (s interceptedObjects) Finish(ctx context.Context, key, uploadID string, parts []dossier.Part,
	whole dossier.Held) error {
	return s.around(ctx, "objects.Finish", func() error { return s.to.Finish(ctx, key, uploadID, parts, whole) })
}

func (s interceptedObjects) Drop(ctx context.Context, key, uploadID string) error {
	return s.around(ctx, "objects.Drop", func() error { return s.to.Drop(ctx, key, uploadID) })
}

func (s interceptedObjects) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.MultipartUpload,
	error] {
	return sequence(ctx, s.around, "objects.Unfinished", s.to.Unfinished(ctx, before))
}

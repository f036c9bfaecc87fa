package space

import (
	"context"
	"io"
	"net/url"
	"time"

	dossier "dossier.example/app"
	"dossier.example/app/audit"
	"dossier.example/app/staff"
)

// The stores as the service has them where they lie in the data folder: what begins something new asks for room first;
// what frees, or belongs to reconciliation, may use the ballast. All other calls go straight through: those that read,
// and the few and small writes by which what has arrived is acknowledged.

// freed is Reserve.Free for what returns a value.
func freed[T any](ctx context.Context, r *Reserve, do func() (T, error)) (v T, err error) {
	err = r.Free(ctx, func() (err error) { v, err = do(); return err })
	return v, err
}

// People returns a store of people with this reserve.
func (r *Reserve) People(store dossier.People) dossier.People { return people{store, r} }

type people struct {
	dossier.People
	r *Reserve
}

func (s people) Insert(ctx context.Context, p dossier.Person) error {
	if err := s.r.Fits(0); err != nil {
		return err
	}
	return s.People.Insert(ctx, p)
}

func (s people) Move(ctx context.Context, id dossier.PersonID, to dossier.PersonState, at time.Time,
	from ...dossier.PersonState) error {
	move := func() error { return s.People.Move(ctx, id, to, at, from...) }
	if to != dossier.PersonDeleting {
		return move()
	}
	return s.r.Free(ctx, move)
}

func (s people) SetReceipt(ctx context.Context, id dossier.PersonID, from, to [32]byte, expires time.Time) error {
	// Whoever ends a receipt that others have must not have to wait for room.
	return s.r.Free(ctx, func() error { return s.People.SetReceipt(ctx, id, from, to, expires) })
}

func (s people) Delete(ctx context.Context, p dossier.Person) error {
	return s.r.Free(ctx, func() error { return s.People.Delete(ctx, p) })
}

func (s people) Trash(ctx context.Context, ids []dossier.PersonID, t dossier.Trash) (moved int, err error) {
	return freed(ctx, s.r, func() (int, error) { return s.People.Trash(ctx, ids, t) })
}

func (s people) MoveTrashed(ctx context.Context, id dossier.PersonID, since, at time.Time) error {
	return s.r.Free(ctx, func() error { return s.People.MoveTrashed(ctx, id, since, at) })
}

// SetWords belongs to deletions and to reconciliation.
func (s people) SetWords(ctx context.Context, seen dossier.Worded, words []string) error {
	return s.r.Free(ctx, func() error { return s.People.SetWords(ctx, seen, words) })
}

func (s people) RemoveWords(ctx context.Context, id dossier.PersonID) error {
	return s.r.Free(ctx, func() error { return s.People.RemoveWords(ctx, id) })
}

// Staff returns a store of accounts and sessions with this reserve. Who deletes what fills the disk has to sign in
// first, and what a sign-in writes is small, as is an account.
func (r *Reserve) Staff(store staff.Store) staff.Store { return staffStore{store, r} }

type staffStore struct {
	staff.Store
	r *Reserve
}

func (s staffStore) AddSession(ctx context.Context, one staff.Session) error {
	return s.r.Free(ctx, func() error { return s.Store.AddSession(ctx, one) })
}

func (s staffStore) EndSession(ctx context.Context, id staff.SessionID, of staff.AccountID) (ended bool, err error) {
	return freed(ctx, s.r, func() (bool, error) { return s.Store.EndSession(ctx, id, of) })
}

func (s staffStore) EndOthers(ctx context.Context, except staff.SessionID, of staff.AccountID) (n int, err error) {
	return freed(ctx, s.r, func() (int, error) { return s.Store.EndOthers(ctx, except, of) })
}

func (s staffStore) ForgetSessions(ctx context.Context, began, seen time.Time) error {
	return s.r.Free(ctx, func() error { return s.Store.ForgetSessions(ctx, began, seen) })
}

func (s staffStore) AddAccount(ctx context.Context, r staff.Record) error {
	return s.r.Free(ctx, func() error { return s.Store.AddAccount(ctx, r) })
}

func (s staffStore) SetAccount(ctx context.Context, from, to staff.Record, endSessions bool) error {
	return s.r.Free(ctx, func() error { return s.Store.SetAccount(ctx, from, to, endSessions) })
}

func (s staffStore) RemoveAccount(ctx context.Context, r staff.Record) error {
	return s.r.Free(ctx, func() error { return s.Store.RemoveAccount(ctx, r) })
}

// AddToken waits for room: a program that gets a token will not delete what fills the disk.
func (s staffStore) AddToken(ctx context.Context, t staff.Token) error {
	if err := s.r.Fits(0); err != nil {
		return err
	}
	return s.Store.AddToken(ctx, t)
}

func (s staffStore) RevokeToken(ctx context.Context, id staff.TokenID) (revoked bool, err error) {
	return freed(ctx, s.r, func() (bool, error) { return s.Store.RevokeToken(ctx, id) })
}

func (s staffStore) ForgetTokens(ctx context.Context, expired time.Time) error {
	return s.r.Free(ctx, func() error { return s.Store.ForgetTokens(ctx, expired) })
}

// Audit returns a store of the audit trail with this reserve: what frees is recorded first.
func (r *Reserve) Audit(store audit.Store) audit.Store { return trail{store, r} }

type trail struct {
	audit.Store
	r *Reserve
}

func (s trail) AppendEntries(ctx context.Context, entries []audit.Entry) error {
	return s.r.Free(ctx, func() error { return s.Store.AppendEntries(ctx, entries) })
}

// Catalog returns a catalog with this reserve.
func (r *Reserve) Catalog(store dossier.Catalog) dossier.Catalog { return catalog{store, r} }

type catalog struct {
	dossier.Catalog
	r *Reserve
}

// Reserve is the first step of every new file. One that comes in parts needs its room twice: the parts lie beside the
// object that is made of them. Bytes that are counted later, alone, have arrived already.
func (s catalog) Reserve(ctx context.Context, person dossier.PersonID, add, most dossier.Quota,
	at time.Time) (dossier.Usage, error) {
	if add.Files > 0 {
		if err := s.r.Fits(2 * add.Bytes); err != nil {
			return dossier.Usage{}, err
		}
	}
	return s.Catalog.Reserve(ctx, person, add, most, at)
}

func (s catalog) MarkDeleting(ctx context.Context, person dossier.PersonID, file dossier.FileID, at time.Time,
	from ...dossier.FileState) error {
	return s.r.Free(ctx, func() error { return s.Catalog.MarkDeleting(ctx, person, file, at, from...) })
}

func (s catalog) SetTrash(ctx context.Context, person dossier.PersonID, file dossier.FileID, since time.Time,
	t dossier.Trash) error {
	return s.r.Free(ctx, func() error { return s.Catalog.SetTrash(ctx, person, file, since, t) })
}

func (s catalog) MarkTrashed(ctx context.Context, person dossier.PersonID, file dossier.FileID, since,
	at time.Time) error {
	return s.r.Free(ctx, func() error { return s.Catalog.MarkTrashed(ctx, person, file, since, at) })
}

func (s catalog) Remove(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (removed *dossier.File, err error) {
	return freed(ctx, s.r, func() (*dossier.File, error) { return s.Catalog.Remove(ctx, person, file, at) })
}

func (s catalog) Release(ctx context.Context, person dossier.PersonID, off dossier.Quota, epoch string,
	at time.Time) error {
	return s.r.Free(ctx, func() error { return s.Catalog.Release(ctx, person, off, epoch, at) })
}

func (s catalog) Recount(ctx context.Context, seen dossier.Usage, to dossier.Quota, at time.Time) error {
	return s.r.Free(ctx, func() error { return s.Catalog.Recount(ctx, seen, to, at) })
}

// SetNote may use the ballast for what reconciliation notes, and for what is given back of a budget, but not for the
// places of the scrub and of the sweep: they are written so often that they would use all of it up while another
// program goes on filling the disk.
func (s catalog) SetNote(ctx context.Context, name, revision string, value []byte) (note dossier.Note, err error) {
	if name == dossier.ScrubNote || name == dossier.SweepProgressNote {
		return s.Catalog.SetNote(ctx, name, revision, value)
	}
	return freed(ctx, s.r, func() (dossier.Note, error) { return s.Catalog.SetNote(ctx, name, revision, value) })
}

func (s catalog) SeeOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (since time.Time, err error) {
	return freed(ctx, s.r, func() (time.Time, error) { return s.Catalog.SeeOwnerless(ctx, person, file, at) })
}

func (s catalog) ForgetOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID) error {
	return s.r.Free(ctx, func() error { return s.Catalog.ForgetOwnerless(ctx, person, file) })
}

// Objects returns a store of objects with this reserve. The bytes that come are counted by the store itself, by Take.
func (r *Reserve) Objects(store dossier.Objects) dossier.Objects { return objects{store, r} }

type objects struct {
	dossier.Objects
	r *Reserve
}

func (s objects) Sign(ctx context.Context, key, uploadID string, part dossier.Part,
	lifetime time.Duration) (dossier.SignedRequest, error) {
	if err := s.r.Fits(part.Size); err != nil {
		return dossier.SignedRequest{}, err
	}
	return s.Objects.Sign(ctx, key, uploadID, part, lifetime)
}

func (s objects) Finish(ctx context.Context, key, uploadID string, parts []dossier.Part, whole dossier.Held) error {
	if err := s.r.Fits(whole.Size); err != nil {
		return err
	}
	return s.Objects.Finish(ctx, key, uploadID, parts, whole)
}

func (s objects) Delete(ctx context.Context, key string) error {
	return s.r.Free(ctx, func() error { return s.Objects.Delete(ctx, key) })
}

func (s objects) Drop(ctx context.Context, key, uploadID string) error {
	return s.r.Free(ctx, func() error { return s.Objects.Drop(ctx, key, uploadID) })
}

func (s objects) SetAside(ctx context.Context, key string, about []byte) error {
	return s.r.Free(ctx, func() error { return s.Objects.SetAside(ctx, key, about) })
}

func (s objects) DeleteThumbnail(ctx context.Context, person dossier.PersonID, file dossier.FileID) error {
	return s.r.Free(ctx, func() error { return s.Objects.DeleteThumbnail(ctx, person, file) })
}

func (s objects) PutBack(ctx context.Context, key string) error {
	return s.r.Free(ctx, func() error { return s.Objects.PutBack(ctx, key) })
}

func (s objects) ForgetKept(ctx context.Context, key string) error {
	return s.r.Free(ctx, func() error { return s.Objects.ForgetKept(ctx, key) })
}

func (s objects) Expire(ctx context.Context, before time.Time) (n int, err error) {
	err = s.r.Free(ctx, func() (err error) {
		more, err := s.Objects.Expire(ctx, before)
		n += more
		return err
	})
	return n, err
}

// Receiver is a store that takes parts itself.
type Receiver interface {
	Receive(ctx context.Context, u *url.URL, contentLength int64, body io.Reader) error
}

// Receiver returns a store that takes parts where there is room for them, and else does not read their bytes.
func (r *Reserve) Receiver(store Receiver) Receiver { return receiver{store, r} }

type receiver struct {
	store Receiver
	r     *Reserve
}

func (s receiver) Receive(ctx context.Context, u *url.URL, contentLength int64, body io.Reader) error {
	if err := s.r.Fits(max(0, contentLength)); err != nil {
		return err
	}
	return s.store.Receive(ctx, u, contentLength, body)
}

package catalog

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	dossier "dossier.example/app"
)

// turns hands each call to the next one of several handles on the same records.
type turns struct {
	all []dossier.Catalog
	n   atomic.Uint32
}

func (t *turns) next() dossier.Catalog { return t.all[int(t.n.Add(1))%len(t.all)] }

func (t *turns) Put(ctx context.Context, f dossier.File) error { return t.next().Put(ctx, f) }

func (t *turns) File(ctx context.Context, p dossier.PersonID, f dossier.FileID) (dossier.File, error) {
	return t.next().File(ctx, p, f)
}

func (t *turns) Files(ctx context.Context, p dossier.PersonID, after dossier.FileID, limit int) ([]dossier.File,
	error) {
	return t.next().Files(ctx, p, after, limit)
}

func (t *turns) Describe(ctx context.Context, p dossier.PersonID, f dossier.FileID, c dossier.Content,
	at time.Time) error {
	return t.next().Describe(ctx, p, f, c, at)
}

func (t *turns) Commit(ctx context.Context, p dossier.PersonID, f dossier.FileID, at time.Time) (dossier.File, error) {
	return t.next().Commit(ctx, p, f, at)
}

func (t *turns) CommitAsPut(ctx context.Context, f dossier.File, at time.Time) (dossier.File, error) {
	return t.next().CommitAsPut(ctx, f, at)
}

func (t *turns) MarkDeleting(ctx context.Context, p dossier.PersonID, f dossier.FileID, at time.Time,
	from ...dossier.FileState) error {
	return t.next().MarkDeleting(ctx, p, f, at, from...)
}

func (t *turns) Touch(ctx context.Context, p dossier.PersonID, f dossier.FileID, at time.Time) error {
	return t.next().Touch(ctx, p, f, at)
}

func (t *turns) Remove(ctx context.Context, p dossier.PersonID, f dossier.FileID, at time.Time) (*dossier.File,
	error) {
	return t.next().Remove(ctx, p, f, at)
}

func (t *turns) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.File, error] {
	return t.next().Unfinished(ctx, before)
}

func (t *turns) All(ctx context.Context) iter.Seq2[dossier.File, error] { return t.next().All(ctx) }

func (t *turns) Behind(ctx context.Context, p dossier.PersonID, f dossier.FileID, limit int) ([]dossier.File, error) {
	return t.next().Behind(ctx, p, f, limit)
}

func (t *turns) SetDamage(ctx context.Context, p dossier.PersonID, f dossier.FileID, d *dossier.Damage) error {
	return t.next().SetDamage(ctx, p, f, d)
}

func (t *turns) SetTrash(ctx context.Context, p dossier.PersonID, f dossier.FileID, since time.Time,
	trash dossier.Trash) error {
	return t.next().SetTrash(ctx, p, f, since, trash)
}

func (t *turns) MarkTrashed(ctx context.Context, p dossier.PersonID, f dossier.FileID, since, at time.Time) error {
	return t.next().MarkTrashed(ctx, p, f, since, at)
}

func (t *turns) TrashedFiles(ctx context.Context) iter.Seq2[dossier.File, error] {
	return t.next().TrashedFiles(ctx)
}

func (t *turns) SetScan(ctx context.Context, p dossier.PersonID, f dossier.FileID, revision string,
	scan dossier.Scan) (dossier.Scan, error) {
	return t.next().SetScan(ctx, p, f, revision, scan)
}

func (t *turns) Scans(ctx context.Context, state dossier.ScanState) iter.Seq2[dossier.File, error] {
	return t.next().Scans(ctx, state)
}

func (t *turns) Damaged(ctx context.Context) iter.Seq2[dossier.File, error] {
	return t.next().Damaged(ctx)
}

func (t *turns) Note(ctx context.Context, name string) (dossier.Note, error) {
	return t.next().Note(ctx, name)
}

func (t *turns) SetNote(ctx context.Context, name, revision string, value []byte) (dossier.Note, error) {
	return t.next().SetNote(ctx, name, revision, value)
}

func (t *turns) SeeOwnerless(ctx context.Context, p dossier.PersonID, f dossier.FileID, at time.Time) (time.Time,
	error) {
	return t.next().SeeOwnerless(ctx, p, f, at)
}

func (t *turns) ForgetOwnerless(ctx context.Context, p dossier.PersonID, f dossier.FileID) error {
	return t.next().ForgetOwnerless(ctx, p, f)
}

func (t *turns) Ownerless(ctx context.Context) iter.Seq2[dossier.Ownerless, error] {
	return t.next().Ownerless(ctx)
}

func (t *turns) Reserve(ctx context.Context, p dossier.PersonID, add, most dossier.Quota, at time.Time) (dossier.Usage,
	error) {
	return t.next().Reserve(ctx, p, add, most, at)
}

func (t *turns) Release(ctx context.Context, p dossier.PersonID, off dossier.Quota, epoch string, at time.Time) error {
	return t.next().Release(ctx, p, off, epoch, at)
}

func (t *turns) Usage(ctx context.Context, p dossier.PersonID) (dossier.Usage, error) {
	return t.next().Usage(ctx, p)
}

func (t *turns) Recount(ctx context.Context, seen dossier.Usage, to dossier.Quota, at time.Time) error {
	return t.next().Recount(ctx, seen, to, at)
}

func (t *turns) Miscounted(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return t.next().Miscounted(ctx)
}

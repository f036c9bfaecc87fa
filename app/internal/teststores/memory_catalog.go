package teststores

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"iter"
	"maps"
	"slices"
	"time"

	"dossier.example/app"
)

// memoryCatalog is a dossier.Catalog in maps.
type memoryCatalog struct {
	guard
	files  map[fileKey]dossier.File
	usages map[dossier.PersonID]dossier.Usage
	notes  map[string]dossier.Note
	// seen is what has no owner, and since when.
	seen map[fileKey]time.Time
	// gone is until when no file in parts is put under an id again.
	gone map[fileKey]time.Time
}

type fileKey struct {
	person dossier.PersonID
	file   dossier.FileID
}

// compare orders as Catalog.All does.
func (k fileKey) compare(other fileKey) int {
	return cmp.Or(bytes.Compare(k.person[:], other.person[:]), bytes.Compare(k.file[:], other.file[:]))
}

func newMemoryCatalog() *memoryCatalog {
	return &memoryCatalog{files: map[fileKey]dossier.File{}, usages: map[dossier.PersonID]dossier.Usage{},
		notes: map[string]dossier.Note{}, seen: map[fileKey]time.Time{}, gone: map[fileKey]time.Time{}}
}

func (m *memoryCatalog) copied() *memoryCatalog {
	return &memoryCatalog{files: maps.Clone(m.files), usages: maps.Clone(m.usages), notes: maps.Clone(m.notes),
		seen: maps.Clone(m.seen), gone: maps.Clone(m.gone)}
}

// apart returns a file that shares nothing with the given one.
func apart(f dossier.File) dossier.File {
	f.Content, f.Multipart, f.Damage, f.Scan = clone(f.Content), clone(f.Multipart), clone(f.Damage), clone(f.Scan)
	return f
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

func (m *memoryCatalog) Put(ctx context.Context, f dossier.File) error {
	return m.do(ctx, "put a file record", func() error {
		key := fileKey{f.Person, f.ID}
		if _, ok := m.files[key]; ok || f.Multipart != nil && m.gone[key].After(f.UpdatedAt) {
			return dossier.ErrExists
		}
		f = apart(f)
		f.State, f.Damage, f.Trash = dossier.FileUploading, nil, dossier.Trash{}
		f.CreatedAt, f.UpdatedAt = micro(f.CreatedAt), micro(f.UpdatedAt)
		m.files[key] = f
		return nil
	})
}

func (m *memoryCatalog) File(ctx context.Context, person dossier.PersonID, file dossier.FileID) (dossier.File, error) {
	return get(ctx, &m.guard, "read a file record", func() (dossier.File, error) {
		f, ok := m.files[fileKey{person, file}]
		if !ok {
			return f, dossier.ErrNotFound
		}
		return apart(f), nil
	})
}

// ordered returns the files that is finds right, in the order of All.
func (m *memoryCatalog) ordered(is func(dossier.File) bool) []dossier.File {
	var found []dossier.File
	for _, f := range m.files {
		if is(f) {
			found = append(found, apart(f))
		}
	}
	slices.SortFunc(found, func(a, b dossier.File) int {
		return fileKey{a.Person, a.ID}.compare(fileKey{b.Person, b.ID})
	})
	return found
}

// some returns the first of the files that is finds right.
func (m *memoryCatalog) some(ctx context.Context, limit int, is func(dossier.File) bool) ([]dossier.File, error) {
	return get(ctx, &m.guard, "list file records", func() ([]dossier.File, error) {
		found := m.ordered(is)
		return found[:min(len(found), limit)], nil
	})
}

// all yields the files that is finds right.
func (m *memoryCatalog) all(ctx context.Context, is func(dossier.File) bool) iter.Seq2[dossier.File, error] {
	return walk(ctx, &m.guard, "walk the file records", func() []dossier.File { return m.ordered(is) })
}

func (m *memoryCatalog) Files(ctx context.Context, person dossier.PersonID, after dossier.FileID,
	limit int) ([]dossier.File, error) {
	return m.some(ctx, limit, func(f dossier.File) bool {
		return f.Person == person && bytes.Compare(f.ID[:], after[:]) > 0
	})
}

// change changes a record that is finds right; ErrLost also where there is none.
func (m *memoryCatalog) change(ctx context.Context, doing string, person dossier.PersonID, file dossier.FileID,
	is func(dossier.File) bool, change func(*dossier.File)) error {
	return m.do(ctx, doing, func() error {
		f, ok := m.files[fileKey{person, file}]
		if !ok || !is(f) {
			return dossier.ErrLost
		}
		change(&f)
		m.files[fileKey{person, file}] = f
		return nil
	})
}

func uploading(f dossier.File) bool { return f.State == dossier.FileUploading }

func stored(f dossier.File) bool { return f.State == dossier.FileStored }

func (m *memoryCatalog) Describe(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	c dossier.Content, at time.Time) error {
	c.Type = dossier.CleanMediaType(c.Type)
	return m.change(ctx, "describe a file", person, file, uploading, func(f *dossier.File) {
		f.Content, f.UpdatedAt = &c, micro(at)
	})
}

func (m *memoryCatalog) Touch(ctx context.Context, person dossier.PersonID, file dossier.FileID, at time.Time) error {
	return m.change(ctx, "touch a file record", person, file, uploading, func(f *dossier.File) {
		f.UpdatedAt = micro(at)
	})
}

func (m *memoryCatalog) CommitAsPut(ctx context.Context, f dossier.File, at time.Time) (dossier.File, error) {
	return m.Commit(ctx, f.Person, f.ID, at)
}

func (m *memoryCatalog) Commit(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (dossier.File, error) {
	return get(ctx, &m.guard, "commit a file", func() (dossier.File, error) {
		f, ok := m.files[fileKey{person, file}]
		switch {
		case ok && stored(f):
			return apart(f), nil
		case !ok || !uploading(f) || f.Content == nil:
			return dossier.File{}, dossier.ErrLost
		case f.Content.Type == "":
			return dossier.File{}, dossier.ErrIncomplete
		}
		for _, twin := range m.files {
			if stored(twin) && twin.Person == person && twin.Path() == f.Path() &&
				twin.Content.SHA256 == f.Content.SHA256 && twin.Content.Size == f.Content.Size {
				return apart(twin), nil
			}
		}
		f.State, f.UpdatedAt = dossier.FileStored, micro(at)
		m.files[fileKey{person, file}] = f
		return apart(f), nil
	})
}

func (m *memoryCatalog) MarkDeleting(ctx context.Context, person dossier.PersonID, file dossier.FileID, at time.Time,
	from ...dossier.FileState) error {
	return m.do(ctx, "mark a file for deletion", func() error {
		f, ok := m.files[fileKey{person, file}]
		switch {
		case !ok:
			return dossier.ErrNotFound
		case f.State != dossier.FileDeleting && !slices.Contains(from, f.State):
			return dossier.ErrLost
		}
		f.State, f.UpdatedAt, f.Damage = dossier.FileDeleting, micro(at), nil
		m.files[fileKey{person, file}] = f
		return nil
	})
}

func (m *memoryCatalog) Remove(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (*dossier.File, error) {
	return get(ctx, &m.guard, "remove a file record", func() (*dossier.File, error) {
		f, ok := m.files[fileKey{person, file}]
		if ok && f.State != dossier.FileDeleting {
			return nil, dossier.ErrLost
		}
		m.gone[fileKey{person, file}] = at.Add(dossier.RemovedFor)
		if !ok {
			return nil, nil
		}
		delete(m.files, fileKey{person, file})
		return &f, nil
	})
}

func (m *memoryCatalog) Unfinished(ctx context.Context, before time.Time) iter.Seq2[dossier.File, error] {
	return walk(ctx, &m.guard, "list unfinished files", func() []dossier.File {
		return append(m.ordered(func(f dossier.File) bool { return f.State == dossier.FileDeleting }),
			m.ordered(func(f dossier.File) bool { return uploading(f) && f.UpdatedAt.Before(before) })...)
	})
}

func (m *memoryCatalog) All(ctx context.Context) iter.Seq2[dossier.File, error] {
	return m.all(ctx, func(dossier.File) bool { return true })
}

func (m *memoryCatalog) Behind(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	limit int) ([]dossier.File, error) {
	return m.some(ctx, limit, func(f dossier.File) bool {
		return fileKey{f.Person, f.ID}.compare(fileKey{person, file}) > 0
	})
}

func (m *memoryCatalog) SetTrash(ctx context.Context, person dossier.PersonID, file dossier.FileID, since time.Time,
	t dossier.Trash) error {
	return m.change(ctx, "move a file to or from the trash", person, file,
		func(f dossier.File) bool { return stored(f) && f.Trash.At.Equal(since) }, func(f *dossier.File) {
			if f.Trash = t; !t.At.IsZero() {
				f.Trash.At = micro(t.At)
			}
		})
}

func (m *memoryCatalog) MarkTrashed(ctx context.Context, person dossier.PersonID, file dossier.FileID, since,
	at time.Time) error {
	return m.change(ctx, "mark a file in the trash for deletion", person, file,
		func(f dossier.File) bool { return stored(f) && inTrash(f) && f.Trash.At.Equal(since) },
		func(f *dossier.File) { f.State, f.UpdatedAt, f.Damage = dossier.FileDeleting, micro(at), nil })
}

func inTrash(f dossier.File) bool { return f.Trash != dossier.Trash{} }

func (m *memoryCatalog) TrashedFiles(ctx context.Context) iter.Seq2[dossier.File, error] {
	return m.all(ctx, func(f dossier.File) bool { return stored(f) && inTrash(f) })
}

func (m *memoryCatalog) SetDamage(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	d *dossier.Damage) error {
	return m.change(ctx, "mark a file's damage", person, file, stored, func(f *dossier.File) {
		if f.Damage = clone(d); d != nil {
			f.Damage.FoundAt = micro(d.FoundAt)
		}
	})
}

func (m *memoryCatalog) Damaged(ctx context.Context) iter.Seq2[dossier.File, error] {
	return m.all(ctx, func(f dossier.File) bool {
		return stored(f) && !inTrash(f) && f.Damage != nil && (f.Scan == nil || f.Scan.State != dossier.ScanInfected)
	})
}

func (m *memoryCatalog) SetScan(ctx context.Context, person dossier.PersonID, file dossier.FileID, revision string,
	scan dossier.Scan) (dossier.Scan, error) {
	scan.Revision = rand.Text()
	err := m.change(ctx, "note the scan of a file", person, file, func(f dossier.File) bool {
		return stored(f) && (f.Scan == nil && revision == "" || f.Scan != nil && f.Scan.Revision == revision)
	}, func(f *dossier.File) { f.Scan = clone(&scan) })
	if err != nil {
		return dossier.Scan{}, err
	}
	return scan, nil
}

func (m *memoryCatalog) Scans(ctx context.Context, state dossier.ScanState) iter.Seq2[dossier.File, error] {
	return m.all(ctx, func(f dossier.File) bool {
		return stored(f) && !inTrash(f) && f.Scan != nil && f.Scan.State == state &&
			(f.Damage == nil || state == dossier.ScanInfected)
	})
}

func (m *memoryCatalog) Reserve(ctx context.Context, person dossier.PersonID, add, most dossier.Quota,
	at time.Time) (dossier.Usage, error) {
	return get(ctx, &m.guard, "count a person's files", func() (dossier.Usage, error) {
		u := m.usage(person)
		if u.Files > most.Files-add.Files || u.Bytes > most.Bytes-add.Bytes {
			return dossier.Usage{}, dossier.ErrQuota
		}
		u.Epoch = cmp.Or(u.Epoch, rand.Text())
		return m.setUsage(u, dossier.Quota{Files: u.Files + add.Files, Bytes: u.Bytes + add.Bytes}, at), nil
	})
}

func (m *memoryCatalog) Release(ctx context.Context, person dossier.PersonID, off dossier.Quota, epoch string,
	at time.Time) error {
	return m.do(ctx, "uncount a person's files", func() error {
		if u := m.usage(person); u.Epoch != "" && u.Epoch == epoch && u.Files >= off.Files && u.Bytes >= off.Bytes {
			m.setUsage(u, dossier.Quota{Files: u.Files - off.Files, Bytes: u.Bytes - off.Bytes}, at)
		}
		return nil
	})
}

func (m *memoryCatalog) Usage(ctx context.Context, person dossier.PersonID) (dossier.Usage, error) {
	return get(ctx, &m.guard, "read what a person has", func() (dossier.Usage, error) { return m.usage(person), nil })
}

func (m *memoryCatalog) Recount(ctx context.Context, seen dossier.Usage, to dossier.Quota, at time.Time) error {
	return m.do(ctx, "count a person's files anew", func() error {
		u := m.usage(seen.Person)
		if u.Revision != seen.Revision {
			return dossier.ErrLost
		}
		u.Epoch = rand.Text()
		m.setUsage(u, to, at)
		return nil
	})
}

func (m *memoryCatalog) usage(person dossier.PersonID) dossier.Usage {
	u := m.usages[person]
	u.Person = person
	return u
}

// setUsage writes a counter as a new revision, or removes it where it counts nothing.
func (m *memoryCatalog) setUsage(u dossier.Usage, to dossier.Quota, at time.Time) dossier.Usage {
	if u.Quota = to; to == (dossier.Quota{}) {
		delete(m.usages, u.Person)
		return u
	}
	u.Revision, u.UpdatedAt = rand.Text(), micro(at)
	m.usages[u.Person] = u
	return u
}

func (m *memoryCatalog) Miscounted(ctx context.Context) iter.Seq2[dossier.PersonID, error] {
	return walk(ctx, &m.guard, "look for miscounted persons", func() (wrong []dossier.PersonID) {
		has := map[dossier.PersonID]dossier.Quota{}
		for p := range m.usages {
			has[p] = dossier.Quota{}
		}
		for _, f := range m.files {
			q := has[f.Person]
			has[f.Person] = dossier.Quota{Files: q.Files + f.Counted().Files, Bytes: q.Bytes + f.Counted().Bytes}
		}
		for p, q := range has {
			if m.usages[p].Quota != q {
				wrong = append(wrong, p)
			}
		}
		slices.SortFunc(wrong, func(a, b dossier.PersonID) int { return bytes.Compare(a[:], b[:]) })
		return wrong
	})
}

func (m *memoryCatalog) Note(ctx context.Context, name string) (dossier.Note, error) {
	return get(ctx, &m.guard, "read a note", func() (dossier.Note, error) {
		n := m.notes[name]
		n.Value = slices.Clone(n.Value)
		return n, nil
	})
}

func (m *memoryCatalog) SetNote(ctx context.Context, name, revision string, value []byte) (dossier.Note, error) {
	return get(ctx, &m.guard, "write a note", func() (dossier.Note, error) {
		if m.notes[name].Revision != revision {
			return dossier.Note{}, dossier.ErrLost
		}
		m.notes[name] = dossier.Note{Value: slices.Clone(value), Revision: rand.Text()}
		return dossier.Note{Value: value, Revision: m.notes[name].Revision}, nil
	})
}

func (m *memoryCatalog) SeeOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID,
	at time.Time) (time.Time, error) {
	return get(ctx, &m.guard, "note what has no owner", func() (time.Time, error) {
		key := fileKey{person, file}
		if _, ok := m.seen[key]; !ok {
			m.seen[key] = micro(at)
		}
		return m.seen[key], nil
	})
}

func (m *memoryCatalog) ForgetOwnerless(ctx context.Context, person dossier.PersonID, file dossier.FileID) error {
	return m.do(ctx, "forget what had no owner", func() error {
		delete(m.seen, fileKey{person, file})
		return nil
	})
}

func (m *memoryCatalog) Ownerless(ctx context.Context) iter.Seq2[dossier.Ownerless, error] {
	return walk(ctx, &m.guard, "list what has no owner", func() (all []dossier.Ownerless) {
		for key, since := range m.seen {
			all = append(all, dossier.Ownerless{Person: key.person, File: key.file, Since: since})
		}
		slices.SortFunc(all, func(a, b dossier.Ownerless) int {
			return fileKey{a.Person, a.File}.compare(fileKey{b.Person, b.File})
		})
		return all
	})
}

package dossier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"dossier.example/app/bounds"
)

// ManyArchive is the stored files of many people as one ZIP, with a folder for each person and a list of contents. It
// is made while it is sent: its size is not known before, and its files are as they are when it comes to them.
//
// Its memory is that of one person's Archive, and the archive's directory, which comes last: bounds.BulkDirectory at
// most. Who does not fit is named in the list, as is what is damaged, withheld, being sent or deleted meanwhile. So
// whoever has the list knows what is not in the archive.
type ManyArchive struct {
	svc    *Service
	people []PersonID
	to     Audience

	z         archiveWriter
	directory bytes.Buffer
	entries   int
	// folders are the names of the people's folders.
	folders map[string]bool
	// contents is the list, and complete means that it names nothing that is not in the archive.
	contents strings.Builder
	complete bool
}

// ArchiveMany returns the archive of people, in their order, for whom to says.
func (s *Service) ArchiveMany(people []PersonID, to Audience) *ManyArchive {
	return &ManyArchive{svc: s, people: people, to: to, folders: map[string]bool{}, complete: true}
}

// The names of the list of contents; the second says at once that something is not there.
const (
	manyContents   = "Contents.txt"
	manyIncomplete = "Contents, incomplete.txt"
)

// Write writes the archive. After an error, what was written has no directory, and no program takes it for an archive:
// ErrDamaged if a file turns out to be damaged in its middle, which the next archive then leaves out; ErrUnavailable;
// errors of w and of ctx.
func (a *ManyArchive) Write(ctx context.Context, w io.Writer) error {
	a.z = archiveWriter{w: w}
	for _, name := range []string{manyContents, manyIncomplete} {
		a.folders[archiveKey(name)] = true
	}
	for i, id := range a.people {
		full, err := a.person(ctx, id)
		if err != nil {
			return err
		}
		if full {
			a.without("%d more people are not in this archive because it would have too many files. "+
				"Download them separately, beginning with this ID: %s", len(a.people)-i, id)
			break
		}
	}
	return a.finish()
}

// without tells of something that is not in the archive.
func (a *ManyArchive) without(format string, args ...any) {
	a.complete = false
	a.tell("  "+format, args...)
}

func (a *ManyArchive) tell(format string, args ...any) {
	fmt.Fprintf(&a.contents, format+"\r\n", args...)
}

// person adds a person. If the archive is full, it adds nothing.
func (a *ManyArchive) person(ctx context.Context, id PersonID) (full bool, err error) {
	p, err := a.svc.people.Person(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && (p.State != PersonSubmitted || p.trashed()):
		a.tell("%s", id)
		a.without("This person was deleted while the archive was made.")
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read person: %w", err)
	}
	files, err := a.svc.Archive(ctx, id, a.to)
	if err != nil {
		return false, err
	}
	folder := a.folder(p.Name)
	if a.directory.Len()+files.directorySize(len(folder)+1) > bounds.BulkDirectory {
		return true, nil
	}
	a.tell("%s (%s): %d of %d files", folder, id, len(files.entries), len(files.entries)+files.left)
	if files.missing != nil {
		e := files.notice
		e.name = JoinPath(folder, e.name)
		if err := a.add(&e, bytes.NewReader(files.missing)); err != nil {
			return false, fmt.Errorf("write the list of missing files of a person: %w", err)
		}
		a.without("%d missing; see the file %s in the folder", files.left, files.notice.name)
	}
	for i := range files.entries {
		if err := a.file(ctx, id, folder, &files.entries[i]); err != nil {
			return false, err
		}
	}
	if files.uploading > 0 {
		has, err := a.svc.Summary(ctx, id)
		if err != nil {
			return false, err
		}
		if has.UnfinishedCount > 0 {
			a.without("%d being sent, or interrupted", has.UnfinishedCount)
		}
	}
	return false, nil
}

// directorySize returns the size that the files have in the directory, when each name has so many bytes more.
func (a *Archive) directorySize(more int) (size int) {
	const wide = 28 // what ZIP64 adds
	var b []byte
	for _, e := range append(a.entries, archived{zipEntry: a.notice}) {
		size += len(e.central(b[:0], 0)) + more + wide
	}
	return size
}

// file adds a file of a person, unless it was deleted, or found damaged, since it was listed.
func (a *ManyArchive) file(ctx context.Context, id PersonID, folder string, f *archived) error {
	r, err := a.svc.open(ctx, File{Person: id, ID: f.id, Content: &Content{Size: f.size, CRC64: f.crc64}}, 0, -1)
	switch {
	case errors.Is(err, ErrNotFound):
		a.without("%s was deleted while the archive was made", f.name)
		return nil
	case errors.Is(err, ErrDamaged):
		a.without("%s is missing: its stored copy is damaged", f.name)
		return nil
	case err != nil:
		return fmt.Errorf("open a file of the archive: %w", err)
	}
	defer r.Close() // only read from
	f.zipEntry.name = JoinPath(folder, f.zipEntry.name)
	if err := a.add(&f.zipEntry, r); err != nil {
		return fmt.Errorf("write a file of the archive: %w", err)
	}
	return nil
}

// add writes an entry, and keeps what the directory says of it.
func (a *ManyArchive) add(e *zipEntry, r io.Reader) error {
	offset := a.z.offset
	if err := a.z.add(e, r); err != nil {
		return err
	}
	a.directory.Write(e.central(a.z.head[:0], offset))
	a.entries++
	return nil
}

// maxFolderName is the length of the longest name of a person's folder, in bytes, without its number: what is left of
// the paths that systems accept is the files'.
const maxFolderName = 100

// folder returns the name of a person's folder, which no other has on any system.
func (a *ManyArchive) folder(name string) string {
	name = archivePath(CleanFileName(trimName(truncate(TitledFileName(name), maxFolderName))))
	distinct := name
	for n := 2; a.folders[archiveKey(distinct)]; n++ {
		distinct = fmt.Sprintf("%s (%d)", name, n)
	}
	a.folders[archiveKey(distinct)] = true
	return distinct
}

// finish writes the list of contents and the directory.
func (a *ManyArchive) finish() error {
	now := a.svc.time()
	name, head := manyContents, "Everything that was stored is here."
	if !a.complete {
		name, head = manyIncomplete, "Some files are not here. Lines that begin with a space say which, and why."
	}
	text := fmt.Sprintf("%s\r\nMade on %s, %d people.\r\n\r\n%s", head, now.Format("2006-01-02 at 15:04 MST"),
		len(a.people), a.contents.String())
	e := zipEntry{name: name, size: int64(len(text)), at: now.Unix()}
	if err := a.add(&e, strings.NewReader(text)); err != nil {
		return fmt.Errorf("write the archive's list of contents: %w", err)
	}
	from, size := a.z.offset, int64(a.directory.Len())
	if err := a.z.write(a.directory.Bytes()); err != nil {
		return fmt.Errorf("write the directory of the archive: %w", err)
	}
	if err := a.z.write(zipTail(nil, a.entries, from, size)); err != nil {
		return fmt.Errorf("finish the archive: %w", err)
	}
	return nil
}

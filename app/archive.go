package dossier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Archive is a person's stored files as one ZIP, in their folders, made while it is sent, with ZIP64 where files, their
// number or the whole need it. It can be read from beginning to end without its directory; see zip.go.
//
// Its files are not compressed. Most files that people send already are (pictures, films, office documents),
// compressing costs an instance more than sending, and only this way is the size known before the first byte.
//
// To know its size and names, every record is read before the first byte. It keeps the path and about 60 bytes of each
// file: with paths of 50 bytes, 1 MB for the 10,000 files of the default quota, and as much again while names are
// assigned.
//
// A stored file that is known to be damaged, or is not handed out, is left out; a text in the archive names it and
// gives the reason.
type Archive struct {
	svc     *Service
	person  PersonID
	entries []archived
	// missing is the text, empty if nothing is left out, and notice its entry, which comes first.
	missing []byte
	notice  zipEntry
	// texts are what an export says about the files. They come first.
	texts []archivedText
	// left is how many files missing names, and uploading how many records are those of unfinished uploads.
	left, uploading int
}

// archivedText is a text in an archive.
type archivedText struct {
	zipEntry
	data []byte
}

// archived is what is kept of a file.
type archived struct {
	zipEntry
	id    FileID
	crc64 uint64
}

// Archive returns the archive of a person's stored files that to may have, in the order of their ids. It returns
// ErrTooLarge if there are more files than a person may have, so that the quota bounds its memory as well.
func (s *Service) Archive(ctx context.Context, person PersonID, to Audience) (*Archive, error) {
	a := &Archive{svc: s, person: person}
	var missing, withheld bytes.Buffer
	for f, err := range allFiles(ctx, s.catalog, person) {
		switch {
		case err != nil:
			return nil, err
		case f.State == FileUploading:
			a.uploading++
			continue
		case f.State != FileStored || f.Content == nil || f.Trash != (Trash{}):
			continue
		case f.Damage != nil:
			a.left++
			if missing.Len() == 0 {
				missing.WriteString("These files are not in this archive because their stored copies are " +
					"damaged.\r\n" +
					"To replace a damaged copy, send the file again.\r\n\r\n")
			}
			fmt.Fprintf(&missing, "%s (%d bytes, SHA-256 %x): %s\r\n", f.Path(), f.Content.Size, f.Content.SHA256,
				map[DamageKind]string{ObjectMissing: "missing",
					ObjectDiffers: "changed since it was stored"}[f.Damage.Kind])
			continue
		case s.HandOut(f, to) != nil:
			a.left++
			if withheld.Len() == 0 {
				withheld.WriteString("These files are not in this archive because they cannot be downloaded.\r\n\r\n")
			}
			fmt.Fprintf(&withheld, "%s (%d bytes, SHA-256 %x): %s\r\n", f.Path(), f.Content.Size, f.Content.SHA256,
				s.Withheld(f, to))
			continue
		case len(a.entries) == s.limits.PersonFiles:
			return nil, Errorf(CodeTooLarge, nil, "An archive holds up to %d files. Download them one by one.",
				s.limits.PersonFiles)
		}
		a.entries = append(a.entries, archived{id: f.ID, crc64: f.Content.CRC64,
			zipEntry: zipEntry{name: archivePath(JoinPath(CleanFolder(f.Folder), CleanFileName(f.Name))),
				size: f.Content.Size, at: f.CreatedAt.Unix()}})
	}
	if missing.Len() > 0 && withheld.Len() > 0 {
		missing.WriteString("\r\n")
	}
	missing.Write(withheld.Bytes())
	if missing.Len() > 0 {
		a.missing = missing.Bytes()
		a.notice = zipEntry{name: "Missing files.txt", size: int64(missing.Len()), at: s.time().Unix()}
	}
	a.name()
	return a, nil
}

// Files returns the number of files in the archive, including the text.
func (a *Archive) Files() int {
	if a.missing != nil {
		return len(a.texts) + len(a.entries) + 1
	}
	return len(a.texts) + len(a.entries)
}

// name gives names to the entries, which already have paths.
func (a *Archive) name() {
	names := newArchiveNames()
	for _, e := range a.entries {
		names.folder(e.name)
	}
	for i := range a.entries {
		a.entries[i].name = names.of(a.entries[i].name)
	}
	if a.missing != nil {
		a.notice.name = names.of(a.notice.name)
	}
}

// Size returns the length of the archive in bytes.
func (a *Archive) Size() int64 {
	var offset, directory int64
	var b []byte
	add := func(e zipEntry) {
		b = e.central(b[:0], offset)
		directory += int64(len(b))
		b = e.local(b[:0])
		b = e.descriptor(b)
		offset += int64(len(b)) + e.packed()
	}
	for _, t := range a.texts {
		add(t.zipEntry)
	}
	if a.missing != nil {
		add(a.notice)
	}
	for _, e := range a.entries {
		add(e.zipEntry)
	}
	return offset + directory + int64(len(zipTail(b[:0], a.Files(), offset, directory)))
}

// Write writes the archive: Size bytes, or an error. Each file is compared with its size and checksum as it passes. The
// directory, without which an archive is not taken for complete, comes last. Errors: ErrLost if a file was deleted
// after it was listed; ErrDamaged if one is damaged, which the next archive then leaves out; ErrUnavailable; errors of
// w and of ctx.
func (a *Archive) Write(ctx context.Context, w io.Writer) error {
	z := archiveWriter{w: w}
	for i := range a.texts {
		if err := z.add(&a.texts[i].zipEntry, bytes.NewReader(a.texts[i].data)); err != nil {
			return fmt.Errorf("write a text of the archive: %w", err)
		}
	}
	if a.missing != nil {
		if err := z.add(&a.notice, bytes.NewReader(a.missing)); err != nil {
			return fmt.Errorf("write the list of missing files of the archive: %w", err)
		}
	}
	if err := a.writeFiles(ctx, &z); err != nil {
		return err
	}
	// The directory, in pieces that are worth a write.
	directory := z.offset
	var b []byte
	offset := int64(0)
	put := func(e zipEntry) error {
		b = e.central(b, offset)
		offset += int64(len(e.local(z.head[:0]))) + e.packed() + int64(len(e.descriptor(z.head[:0])))
		if len(b) < storedBlock {
			return nil
		}
		err := z.write(b)
		b = b[:0]
		return err
	}
	for _, t := range a.texts {
		if err := put(t.zipEntry); err != nil {
			return fmt.Errorf("write the directory of the archive: %w", err)
		}
	}
	if a.missing != nil {
		if err := put(a.notice); err != nil {
			return fmt.Errorf("write the directory of the archive: %w", err)
		}
	}
	for _, e := range a.entries {
		if err := put(e.zipEntry); err != nil {
			return fmt.Errorf("write the directory of the archive: %w", err)
		}
	}
	b = zipTail(b, a.Files(), directory, z.offset+int64(len(b))-directory)
	if err := z.write(b); err != nil {
		return fmt.Errorf("finish the archive: %w", err)
	}
	return nil
}

// archiveWriter writes the entries of an archive.
type archiveWriter struct {
	w      io.Writer
	offset int64
	// head has room for what stands around the bytes of an entry.
	head   [128]byte
	chunks [2]storedChunk
}

// Write implements io.Writer.
func (z *archiveWriter) Write(p []byte) (int, error) {
	n, err := z.w.Write(p)
	z.offset += int64(n)
	return n, err
}

func (z *archiveWriter) write(p []byte) error {
	_, err := z.Write(p)
	return err
}

// add writes an entry with the bytes of r.
func (z *archiveWriter) add(e *zipEntry, r io.Reader) error {
	if err := z.write(e.local(z.head[:0])); err != nil {
		return err
	}
	if err := e.copyStored(z, r, &z.chunks); err != nil {
		return err
	}
	return z.write(e.descriptor(z.head[:0]))
}

// writeFiles writes the stored files, if their bytes match their records. While the end of one is sent, the next one is
// opened, which takes a round trip to some stores.
func (a *Archive) writeFiles(ctx context.Context, z *archiveWriter) error {
	ctx, cancel := context.WithCancel(ctx)
	var next *archiveOpening
	defer func() {
		cancel()
		if next != nil {
			next.drop()
		}
	}()
	for i := range a.entries {
		f := &a.entries[i]
		current := next
		if next = nil; current == nil || !current.fresh() {
			current = a.open(ctx, f)
		}
		err := current.wait()
		if err == nil {
			r := &endReader{r: current.r, ended: func() {
				if i+1 < len(a.entries) {
					next = a.open(ctx, &a.entries[i+1])
				}
			}}
			err = z.add(&f.zipEntry, r)
			_ = current.r.Close() // only read from
		}
		switch {
		case errors.Is(err, ErrNotFound):
			return Errorf(CodeLost, err, "A file was deleted in the meantime. Reload the page.")
		case err != nil:
			return fmt.Errorf("write a file of the archive: %w", err)
		}
	}
	return nil
}

// archiveOpening is a stored file that is being opened.
type archiveOpening struct {
	// wait returns when r is opened, or why it is not.
	wait func() error
	r    io.ReadCloser
	at   time.Time
}

// archiveFresh is how long a file that was opened ahead is kept for its turn: a store may close what nobody reads.
const archiveFresh = 5 * time.Second

func (a *Archive) open(ctx context.Context, f *archived) *archiveOpening {
	o := &archiveOpening{at: time.Now()}
	o.wait = meanwhile(func() (err error) {
		file := File{Person: a.person, ID: f.id, Content: &Content{Size: f.size, CRC64: f.crc64}}
		o.r, err = a.svc.open(ctx, file, 0, -1)
		return err
	})
	return o
}

// fresh reports whether the file can be read now. Else it is closed.
func (o *archiveOpening) fresh() bool {
	if time.Since(o.at) < archiveFresh {
		return true
	}
	o.drop()
	return false
}

func (o *archiveOpening) drop() {
	if o.wait() == nil {
		_ = o.r.Close() // only read from
	}
}

// endReader calls ended once, when r ends.
type endReader struct {
	r     io.Reader
	ended func()
}

func (e *endReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err == io.EOF && e.ended != nil {
		e.ended()
		e.ended = nil
	}
	return n, err
}

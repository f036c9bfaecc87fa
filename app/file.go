package dossier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"
)

// FileState is the state of a file between its first byte and its removal.
type FileState string

const (
	// FileUploading: the record exists, the bytes may or may not.
	FileUploading FileState = "uploading"
	// FileStored: the object exists, with the recorded size and checksum.
	FileStored FileState = "stored"
	// FileDeleting: the object is removed, then the record. This cannot be undone.
	FileDeleting FileState = "deleting"
)

// File is the record of one file. A file that is sent again gets its own record and object key, so no two writers ever
// share a key.
type File struct {
	Person PersonID
	ID     FileID
	// Folder is the path of the folders in which the submitter has the file, after CleanFolder; empty: none. Folder,
	// Name and Content tell the files of a person apart.
	Folder string
	// Name is the name that the submitter gave, after CleanFileName. It is only displayed; nothing is stored under it.
	Name string
	// Author is the person's name at the time.
	Author string
	State  FileState
	// Content is nil until the bytes have arrived and match what the object store holds.
	Content *Content
	// Multipart is how the bytes arrive if the submitter sends them to the object store in parts; nil if they pass
	// through a form.
	Multipart *Multipart
	// CreatedAt and UpdatedAt are UTC, whole microseconds.
	CreatedAt, UpdatedAt time.Time
	// Damage is what is known to be wrong with the object of a file in state FileStored; nil: nothing is known.
	Damage *Damage
	// Trash is when and by whom a file in state FileStored was moved to the trash, or was before its removal began. It
	// is not shown, and handed out to nobody.
	Trash Trash
	// Scan is what a malware scanner reported about the file; nil if none was configured when it arrived, nor since.
	Scan *Scan
}

// SHA256BySender reports whether Content.SHA256 is what the sender computed, which nobody has verified.
func (f File) SHA256BySender() bool { return f.Multipart != nil }

// Path returns the folder and the name, with a slash between them.
func (f File) Path() string { return JoinPath(f.Folder, f.Name) }

// Key returns the key of the file's object.
func (f File) Key() string { return ObjectKey(f.Person, f.ID) }

// ObjectPrefix is the prefix of the key of every file's object.
const ObjectPrefix = "files/"

// ObjectKey returns the key of a file's object. It is generated, so that no name that a user chose reaches a store.
func ObjectKey(person PersonID, file FileID) string {
	return ObjectPrefix + person.String() + "/" + file.String()
}

// ParseObjectKey is the inverse of ObjectKey. It returns ErrNotFound for a key that ObjectKey never makes.
func ParseObjectKey(key string) (PersonID, FileID, error) {
	rest, ok := strings.CutPrefix(key, ObjectPrefix)
	p, f, cut := strings.Cut(rest, "/")
	if !ok || !cut {
		return PersonID{}, FileID{}, &Error{Code: CodeNotFound}
	}
	person, err := ParsePersonID(p)
	if err != nil {
		return PersonID{}, FileID{}, err
	}
	file, err := ParseFileID(f)
	return person, file, err
}

// FileID identifies a file within its person: a UUIDv7 (RFC 9562).
type FileID uuid.UUID

// NewFileID returns a new id.
func NewFileID() FileID { return FileID(newUUID()) }

// ParseFileID accepts only the canonical form; ErrNotFound for anything else.
func ParseFileID(s string) (FileID, error) {
	id, err := parseUUID(s)
	return FileID(id), err
}

// String returns the canonical form.
func (id FileID) String() string { return uuid.UUID(id).String() }

// FilesQuery asks for one page of a person's files.
type FilesQuery struct {
	// After is FilesPage.Next of the previous page; zero: the first file.
	After FileID
	// Limit is the maximum number of files, 1 to MaxFilesPage.
	Limit int
}

// MaxFilesPage is the maximum number of files on a page.
const MaxFilesPage = 1000

// FilesPage is one page of a person's files, in any state but not in the trash, in the order of their ids.
type FilesPage struct {
	Files []File
	// Next is where the next page begins; zero if this is the last.
	Next FileID
}

// Files returns a page of the files of a person whom Person or ByReceipt returned.
func (s *Service) Files(ctx context.Context, person PersonID, q FilesQuery) (FilesPage, error) {
	limit := min(max(q.Limit, 1), MaxFilesPage)
	var page FilesPage
	for after := q.After; ; {
		// One more than is shown indicates that there is a next page.
		files, err := s.catalog.Files(ctx, person, after, limit+1)
		if err != nil {
			return FilesPage{}, fmt.Errorf("list files: %w", err)
		}
		for _, f := range files {
			switch {
			case f.Trash != (Trash{}):
			case len(page.Files) == limit:
				page.Next = page.Files[limit-1].ID
				return page, nil
			default:
				page.Files = append(page.Files, f)
			}
		}
		if len(files) <= limit {
			return page, nil
		}
		after = files[limit].ID
	}
}

// allFiles walks the records of a person in the order of their ids. It holds one page of them, and no connection while
// the loop's body runs.
func allFiles(ctx context.Context, c Catalog, person PersonID) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for after := (FileID{}); ; {
			files, err := c.Files(ctx, person, after, MaxFilesPage)
			if err != nil {
				yield(File{}, fmt.Errorf("list files: %w", err))
				return
			}
			for _, f := range files {
				if !yield(f, nil) {
					return
				}
			}
			if len(files) < MaxFilesPage {
				return
			}
			after = files[len(files)-1].ID
		}
	}
}

// File returns the record of a stored file of a person whom Person or ByReceipt returned. ErrNotFound, also if it is in
// the trash.
func (s *Service) File(ctx context.Context, person PersonID, file FileID) (File, error) {
	f, err := s.storedFile(ctx, person, file)
	if err == nil && f.Trash != (Trash{}) {
		return File{}, &Error{Code: CodeNotFound}
	}
	return f, err
}

// storedFile is File for a file that may be in the trash.
func (s *Service) storedFile(ctx context.Context, person PersonID, file FileID) (File, error) {
	f, err := s.catalog.File(ctx, person, file)
	if err != nil {
		return File{}, fmt.Errorf("read file record: %w", err)
	}
	if f.State != FileStored {
		return File{}, &Error{Code: CodeNotFound}
	}
	return f, nil
}

// UnfinishedFile returns the record of a file that is being sent or was interrupted, for a caller that is about to give
// it up. ErrNotFound if there is none, or it is stored.
func (s *Service) UnfinishedFile(ctx context.Context, person PersonID, file FileID) (File, error) {
	f, err := s.catalog.File(ctx, person, file)
	if err != nil {
		return File{}, fmt.Errorf("read file record: %w", err)
	}
	if f.State != FileUploading {
		return File{}, &Error{Code: CodeNotFound}
	}
	return f, nil
}

// Open returns a stored file's bytes from offset on, at most length of them (negative: to the end), if to may have
// them. The ctx also applies to reading. The whole of a file is compared with its record: if it differs, the last bytes
// are not returned, but ErrDamaged. A part of a file is not compared, because its checksum is unknown.
//
// Errors: those of HandOut; ErrNotFound if the file was deleted meanwhile; ErrDamaged if its object is missing;
// ErrUnavailable.
func (s *Service) Open(ctx context.Context, f File, to Audience, offset, length int64) (io.ReadCloser, error) {
	if err := s.HandOut(f, to); err != nil {
		return nil, err
	}
	return s.open(ctx, f, offset, length)
}

// open is Open for a file that may be handed out.
func (s *Service) open(ctx context.Context, f File, offset, length int64) (io.ReadCloser, error) {
	whole := f.Content != nil && offset == 0 && (length < 0 || length >= f.Content.Size)
	if whole {
		length = -1 // more than the record says is a damage too
	}
	r, err := s.objects.Open(ctx, f.Key(), offset, length)
	if errors.Is(err, ErrNotFound) {
		if err := s.found(ctx, f, ObjectMissing); err != nil {
			return nil, fmt.Errorf("open object: %w", err)
		}
		return nil, damaged(f, ObjectMissing, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	if whole {
		return &verifier{ctx: ctx, svc: s, file: f, r: r, crc: NewCRC64()}, nil
	}
	return r, nil
}

// Link returns the request by which a client reads a stored file from the object store itself, if to may have it. The
// store responds with the headers of as. The request is a secret until it expires: whoever has it needs no other proof,
// and it works until then, whatever is found meanwhile. Errors: those of HandOut; errors.ErrUnsupported if the store
// offers no links, so that Open is the only way.
func (s *Service) Link(ctx context.Context, f File, to Audience, as ResponseHeader,
	lifetime time.Duration) (SignedRequest, error) {
	if err := s.HandOut(f, to); err != nil {
		return SignedRequest{}, err
	}
	link, err := s.objects.Link(ctx, f.Key(), as, lifetime)
	if err != nil {
		return SignedRequest{}, fmt.Errorf("link object: %w", err)
	}
	return link, nil
}

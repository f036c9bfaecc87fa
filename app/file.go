package dossier

import (
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// FileState is where a file stands between its first byte and its removal.
type FileState string

const (
	// FileUploading: the record is there, the bytes may or may not be.
	FileUploading FileState = "uploading"
	// FileStored: the object is there with the recorded size and checksum.
	FileStored FileState = "stored"
	// FileDeleting: the object goes, then the record. No way leads back.
	FileDeleting FileState = "deleting"
)

// File is the record of one file. Each attempt to send a file has a record and an object key of its own, so no two writers
// ever share a key.
type File struct {
	Person PersonID
	ID     FileID
	// Name is the name that the submitter gave, after CleanFileName. It is for showing; nothing is stored under it.
	Name string
	// Author is the person's name at the time.
	Author string
	State  FileState
	// Content is nil until the bytes arrived and agreed with what the object store holds.
	Content *Content
	// Upload is how the bytes come, where the submitter sends them to the object store directly; nil where they pass through a form.
	Upload *Upload
	// CreatedAt and UpdatedAt are UTC, whole microseconds.
	CreatedAt, UpdatedAt time.Time
}

// Content describes bytes that were received whole.
type Content struct {
	// Size in bytes.
	Size int64
	// SHA256 of the bytes: computed here while they passed, or, of a file with an Upload, by the sender. Nobody has verified the sender's,
	// for S3 knows the SHA-256 of an object in parts only as a composite
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html); the bytes are what CRC64 says.
	SHA256 [32]byte
	// CRC64 is the CRC-64/NVME of the bytes: the checksum that S3 keeps for a whole object however many parts it came
	// in (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html), hence the one compared.
	CRC64 uint64
	// Type is the media type found by looking at the bytes. What the sender claimed is not kept.
	Type string
}

// held is what the object store says of an object with this content.
func (c Content) held() Held { return Held{Size: c.Size, CRC64: c.CRC64} }

// Upload is how a file's bytes come directly: announced once, and the same for every instance and every attempt.
type Upload struct {
	// Transfer is the object store's id of it.
	Transfer string
	// Size is what was announced, and PartSize that of every part but the last, in bytes.
	Size, PartSize int64
}

// Counted is what the file counts for in its person's quota, in any state, from before its record is put until after that is gone: one file, and
// its bytes from when their number is known: with an Upload from the beginning, else when they have passed.
func (f File) Counted() Quota {
	switch {
	case f.Upload != nil:
		return Quota{1, f.Upload.Size}
	case f.Content != nil:
		return Quota{1, f.Content.Size}
	}
	return Quota{Files: 1}
}

// Key returns the key of the file's object.
func (f File) Key() string { return ObjectKey(f.Person, f.ID) }

// ObjectPrefix is where every object of a file lies.
const ObjectPrefix = "files/"

// ObjectKey returns the key under which a file's bytes lie: generated, so that no name a user chose reaches a store.
func ObjectKey(person PersonID, file FileID) string {
	return ObjectPrefix + person.String() + "/" + file.String()
}

// ParseObjectKey is the inverse of ObjectKey; ErrNotFound for a key that ObjectKey never makes.
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

// MaxFileNameBytes is the longest file name kept, in bytes of UTF-8: what common file systems take (NAME_MAX).
const MaxFileNameBytes = 255

// maxExtensionBytes is the longest end of a name, with its dot, that is taken for an extension.
const maxExtensionBytes = 32

// CleanFileName makes a name fit to be shown and to be offered for download: the part after the last slash or backslash,
// valid UTF-8 in NFC, no control or direction-changing characters, no characters that Windows refuses, at most MaxFileNameBytes with the
// extension kept. It never returns an empty name, "." or "..", and is idempotent.
func CleanFileName(raw string) string {
	name := norm.NFC.String(strings.ToValidUTF8(raw, "\uFFFD"))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case hidden(r):
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	// Removing a character can bring two together that compose.
	name = norm.NFC.String(name)
	// Windows drops trailing dots and spaces.
	trim := func(s string) string { return strings.TrimRight(strings.TrimLeft(s, " "), " .") }
	name = trim(name)
	if len(name) > MaxFileNameBytes {
		ext := path.Ext(name)
		if len(ext) > maxExtensionBytes {
			ext = ""
		}
		name = trim(truncate(strings.TrimSuffix(name, ext), MaxFileNameBytes-len(ext))) + ext
	}
	if name == "" {
		return "unnamed"
	}
	return name
}

// truncate cuts s to at most n bytes without cutting a character in two.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// FileID identifies a file within its person: a UUIDv7 (RFC 9562).
type FileID uuid.UUID

// NewFileID returns a fresh id.
func NewFileID() FileID { return FileID(newUUID()) }

// ParseFileID reads the canonical form only; ErrNotFound for anything else.
func ParseFileID(s string) (FileID, error) {
	id, err := parseUUID(s)
	return FileID(id), err
}

// String returns the canonical form.
func (id FileID) String() string { return uuid.UUID(id).String() }

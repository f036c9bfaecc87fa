package dossier

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"
)

// DamageKind says what is wrong with a stored file's object.
type DamageKind string

const (
	// ObjectMissing: there is no object.
	ObjectMissing DamageKind = "missing"
	// ObjectDiffers: the object's size or bytes differ from the record.
	ObjectDiffers DamageKind = "differs"
)

// Damage is what is known to be wrong with a stored file. It is a mark for people, and keeps wrong bytes from being
// handed out; whoever finds the object intact again removes it.
type Damage struct {
	Kind DamageKind
	// FoundAt is UTC, whole microseconds.
	FoundAt time.Time
}

// damaged returns the refusal of a stored file whose object is missing or differs. The cause is only for the log: a
// file without an object must not count as "not found".
func damaged(f File, kind DamageKind, cause error) *Error {
	return Errorf(CodeDamaged, fmt.Errorf("file %s of person %s: object %s: %v", f.ID, f.Person, kind, cause),
		"The stored copy of this file is damaged. Send the file again to replace it.")
}

// examine compares a stored file with its object: with what the store reports about it and, with read, with its bytes.
// The kind is empty if nothing is wrong.
func (s *Service) examine(ctx context.Context, f File, read bool) (DamageKind, error) {
	if f.Content == nil {
		return "", fmt.Errorf("stored file %s of person %s has no description", f.ID, f.Person)
	}
	head, err := s.objects.Head(ctx, f.Key())
	switch {
	case errors.Is(err, ErrNotFound):
		return ObjectMissing, nil
	case err != nil:
		return "", fmt.Errorf("look at object: %w", err)
	case head.Size != f.Content.Size || head.CRC64 != nil && *head.CRC64 != f.Content.CRC64:
		return ObjectDiffers, nil
	case !read:
		return "", nil
	}
	crc, kind, err := s.sum(ctx, f, 0, f.Content.Size)
	if err == nil && kind == "" && crc != f.Content.CRC64 {
		kind = ObjectDiffers
	}
	return kind, err
}

// readBuffer is how much of an object is read at once, in bytes.
const readBuffer = 64 << 10

// sum reads length bytes of a file's object from offset on, and returns their CRC-64/NVME. The kind is not empty if
// there are fewer bytes, or none.
func (s *Service) sum(ctx context.Context, f File, offset, length int64) (uint64, DamageKind, error) {
	crc := NewCRC64()
	r, err := s.objects.Open(ctx, f.Key(), offset, length)
	if errors.Is(err, ErrNotFound) {
		return 0, ObjectMissing, nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("open object: %w", err)
	}
	defer r.Close() // only read from
	n, err := io.CopyBuffer(crc, struct{ io.Reader }{r}, make([]byte, readBuffer))
	switch {
	case err != nil:
		return 0, "", fmt.Errorf("read object: %w", err)
	case n != length:
		return 0, ObjectDiffers, nil
	}
	return crc.Sum64(), "", nil
}

// judge marks a stored file with what examine found, or removes its mark, and reports what is new. It returns the
// current record: ErrNotFound if it is no longer stored, so that what was found means nothing.
func (s *Service) judge(ctx context.Context, f File, kind DamageKind) (File, error) {
	now, err := s.storedFile(ctx, f.Person, f.ID)
	if err != nil {
		return File{}, err
	}
	var damage *Damage
	if kind != "" {
		damage = &Damage{Kind: kind, FoundAt: s.time()}
	}
	switch {
	case damage == nil && now.Damage == nil, damage != nil && now.Damage != nil && now.Damage.Kind == kind:
		return now, nil
	}
	if damage != nil {
		// Log it before the mark, because nobody would report it afterwards, not even if this process dies in between.
		s.log.ErrorContext(ctx, "stored file is damaged", "person", f.Person.String(), "file", f.ID.String(), "object",
			string(kind))
	}
	err = s.catalog.SetDamage(ctx, f.Person, f.ID, damage)
	switch {
	case errors.Is(err, ErrLost):
		return File{}, &Error{Code: CodeNotFound, Err: err}
	case err != nil:
		return File{}, fmt.Errorf("mark damage: %w", err)
	}
	now.Damage = damage
	if damage == nil {
		s.log.WarnContext(ctx, "damaged file is whole again", "person", f.Person.String(), "file", f.ID.String())
	}
	return now, nil
}

// found is judge for callers that only know that a read went wrong: it also works when ctx has ended.
func (s *Service) found(ctx context.Context, f File, kind DamageKind) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	_, err := s.judge(ctx, f, kind)
	return err
}

// check examines a stored file and judges it. It reads the bytes if the person's limit allows, so that nobody can make
// the store read for nothing. ErrNotFound if the file is no longer stored.
func (s *Service) check(ctx context.Context, f File) (File, error) {
	kind, err := s.examine(ctx, f, f.Content != nil && s.rereads.take(f.Person, f.Content.Size, s.now()))
	if err != nil {
		return File{}, err
	}
	if kind == "" && f.Damage != nil {
		// Only its bytes clear it, whatever reading them costs.
		if kind, err = s.examine(ctx, f, true); err != nil {
			return File{}, err
		}
	}
	return s.judge(ctx, f, kind)
}

// MaxChecked is the number of files that Check accepts in one call.
const MaxChecked = 100

// Check compares stored files of a person (MaxChecked at most) with their objects: always what the store reports about
// them, and their bytes within a limit per person. It returns the records of those that are stored, with Damage where
// something is wrong; others are left out.
func (s *Service) Check(ctx context.Context, person PersonID, files []FileID) ([]File, error) {
	if len(files) > MaxChecked {
		return nil, Errorf(CodeInvalid, nil, "Request up to %d files at a time, not %d.", MaxChecked, len(files))
	}
	var checked []File
	for _, id := range files {
		f, err := s.File(ctx, person, id)
		if err == nil {
			f, err = s.check(ctx, f)
		}
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		checked = append(checked, f)
	}
	return checked, nil
}

// rereads limits how many stored bytes are read to compare them with a file that somebody sends again: per hour,
// rereadPerson for one person, of whom at least one file is always read, and rereadAll in total, in this instance.
type rereads struct {
	mu     sync.Mutex
	began  time.Time
	all    int64
	person map[PersonID]int64
}

// The limits of rereads, in bytes per hour. What a person has counts as at least rereadLeast. The rereadPeople people
// that are remembered take about 5 MB.
const (
	rereadPerson = 2 << 30
	rereadAll    = 64 << 30
	rereadLeast  = 1 << 10
	rereadPeople = 100_000
)

// take reports whether size bytes may be read for a person, and counts them.
func (r *rereads) take(person PersonID, size int64, now time.Time) bool {
	size = max(size, rereadLeast)
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := now.Sub(r.began); r.person == nil || age < 0 || age >= time.Hour {
		r.began, r.all, r.person = now, 0, map[PersonID]int64{}
	}
	used := r.person[person]
	if used > 0 && used+size > rereadPerson || r.all+size > max(rereadAll, size) || len(r.person) >= rereadPeople {
		return false
	}
	r.person[person], r.all = used+size, r.all+size
	return true
}

// verifier passes on a stored file's bytes if they match its record. Differing or missing bytes are detected before the
// last bytes are passed on, so that nobody takes the file for complete.
type verifier struct {
	ctx  context.Context
	svc  *Service
	file File
	r    io.ReadCloser
	crc  hash.Hash64
	n    int64 // bytes read
	err  error
}

func (v *verifier) Read(p []byte) (int, error) {
	if v.err != nil || len(p) == 0 {
		return 0, v.err
	}
	size := v.file.Content.Size
	p = p[:min(int64(len(p)), size-v.n)]
	n, err := 0, error(nil)
	if len(p) > 0 {
		n, err = v.r.Read(p)
	}
	v.n += int64(n)
	_, _ = v.crc.Write(p[:n]) // a hash never fails
	switch {
	case v.n == size:
		if v.err = v.end(err); v.err != io.EOF {
			return 0, v.err
		}
	case err == io.EOF:
		v.err = v.differs()
	default:
		v.err = err
	}
	return n, v.err
}

// end judges a file of which as many bytes were read as its record has: io.EOF if it is intact.
func (v *verifier) end(err error) error {
	if err == nil {
		var more int
		if more, err = io.ReadAtLeast(v.r, make([]byte, 1), 1); more > 0 {
			v.n++
			return v.differs()
		}
	}
	switch {
	case err != io.EOF:
		return err
	case v.crc.Sum64() != v.file.Content.CRC64:
		return v.differs()
	}
	v.acquit()
	return io.EOF
}

func (v *verifier) differs() error {
	cause := fmt.Errorf("its record has %d bytes, CRC-64 %016x; the store gave %d, %016x", v.file.Content.Size,
		v.file.Content.CRC64, v.n, v.crc.Sum64())
	return damaged(v.file, ObjectDiffers, errors.Join(cause, v.svc.found(v.ctx, v.file, ObjectDiffers)))
}

// acquit removes the mark from a file that was read completely. If that fails, it is left to the next reader.
func (v *verifier) acquit() {
	if v.file.Damage != nil {
		_ = v.svc.found(v.ctx, v.file, "")
	}
}

func (v *verifier) Close() error { return v.r.Close() }

package dossier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync"
	"time"
)

// Content describes bytes that were received completely.
type Content struct {
	// Size in bytes.
	Size int64
	// SHA256 of the bytes: computed here as they passed or, for a file in parts, by the sender. Nobody has verified the
	// sender's, because S3 has the SHA-256 of an object in parts only as a composite
	// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html); the bytes are verified by
	// CRC64.
	SHA256 [32]byte
	// CRC64 is the CRC-64/NVME of the bytes: the checksum that S3 keeps for a whole object, in however many parts it
	// came (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html), and therefore the
	// one that is compared.
	CRC64 uint64
	// Type is the media type detected from the bytes, after CleanMediaType. What the sender claimed is not kept.
	Type string
}

// held returns what the object store reports about an object with this content.
func (c Content) held() Held { return Held{Size: c.Size, CRC64: c.CRC64} }

// same reports whether a stored file that Commit returned really has this content. Commit compares the SHA-256, which
// for a file with a Multipart is only what its sender said.
func (c *Content) same(stored File) bool {
	return stored.Content != nil && c.held() == stored.Content.held()
}

// Checksums are what the sender computed for a whole file.
type Checksums struct {
	CRC64  uint64
	SHA256 [32]byte
}

func (c Checksums) are(content *Content) bool {
	return content != nil && c == Checksums{CRC64: content.CRC64, SHA256: content.SHA256}
}

// stream sends r's bytes to key and returns what was sent. It stops if they exceed the limit for one file, or what is
// left; over then says what is wrong. ErrCorrupt: the store holds something else.
func (s *Service) stream(ctx context.Context, key string, r io.Reader, left int64, over *Error) (Content, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m := &meter{r: r, digest: newDigest(), limit: s.limits.FileBytes, over: s.tooLarge(), refused: s.refusedType,
		stall: s.stall}
	if left < m.limit {
		m.limit, m.over = left, over
	}
	m.timer = time.AfterFunc(s.stall, func() {
		cancel(fmt.Errorf("object store took no byte for %s", s.stall))
	})
	defer m.stop()
	held, err := s.objects.Put(ctx, key, m)
	if readErr := m.failure(); readErr != nil {
		// Whatever the store made of it, the source is the cause.
		return Content{}, readErr
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) &&
			!errors.Is(cause, context.DeadlineExceeded) {
			return Content{}, &Error{Code: CodeUnavailable, Err: cause}
		}
		return Content{}, fmt.Errorf("put object: %w", err)
	}
	content := m.content()
	return content, content.arrivedAs(held)
}

// arrivedAs compares the content with what the object store says that it holds.
func (c Content) arrivedAs(held Held) error {
	if held == c.held() {
		return nil
	}
	return Errorf(CodeCorrupt, fmt.Errorf("sent %d bytes, CRC-64 %016x; store holds %d, %016x", c.Size, c.CRC64,
		held.Size, held.CRC64),
		"Damaged on the way to the store and discarded. Send it again.")
}

// sniffed is how many bytes at the beginning decide a file's type: what mimetype looks at by default.
const sniffed = 3072

// meter reads a file's bytes once and keeps what must be known about them. A timer runs while the store works between
// two reads, but not while the source is being read, because waiting for the sender is not the store's fault. It does
// not run after the last byte either.
type meter struct {
	r io.Reader
	digest
	limit int64
	over  *Error // what is wrong with more bytes than limit
	// refused says what is wrong with a type; nil once it was asked.
	refused func(mediaType string) *Error

	stall   time.Duration
	timer   *time.Timer
	mu      sync.Mutex // the store may read from one goroutine and return from another
	stopped bool
	err     error
	beside  beside
}

func (m *meter) Read(p []byte) (int, error) {
	return m.read(p, func(n int) { m.add(p[:n]) })
}

// WriteTo implements io.WriterTo: what is read is hashed while w writes it, without a copy. All but the first and the
// last Write of a source that fills what it is given are whole blocks, and all of them end where a block of the file
// does: after a write that ended within a page of a file, the next one waits if that page is on its way to the disk.
func (m *meter) WriteTo(w io.Writer) (written int64, err error) {
	for err == nil {
		block := sharedBlocks.Get().(*sharedBlock)
		block.users.Store(2)
		n := 0
		n, err = m.read(block.room[:besideBlock-written%besideBlock], func(n int) {
			block.bytes = block.room[:n]
			m.addShared(block)
		})
		written += int64(n)
		if n > 0 {
			if _, failed := w.Write(block.room[:n]); failed != nil {
				err = failed
			}
		}
		block.release()
	}
	if err == io.EOF {
		err = nil
	}
	return written, err
}

// read reads into p, and has add told of what came.
func (m *meter) read(p []byte, add func(n int)) (int, error) {
	m.timer.Stop()
	n, err := m.r.Read(p)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopped {
		add(n)
	}
	switch known := len(m.head) == sniffed || err == io.EOF; {
	case m.size > m.limit:
		err = m.over
	case known && m.refused != nil:
		if why := m.refused(detectType(m.head)); why != nil {
			err = why
		}
		m.refused = nil
	}
	if err != nil && err != io.EOF {
		if m.err == nil {
			m.err = err
		}
		return 0, err
	}
	// After the last byte, the store has its own time limits: S3 may take minutes to assemble the parts of a large
	// object.
	if !m.stopped && err == nil {
		m.timer.Reset(m.stall)
	}
	return n, err
}

// add has p hashed: of a small file at once, of a large one beside whoever reads. What began beside stays there, even
// if the number of processors changes, as it does with the limit of a container.
func (m *meter) add(p []byte) {
	if m.note(p); m.inTurn() {
		m.hash(p)
		return
	}
	m.beside.hash(&m.digest, p)
}

// addShared is add for a block, which it is then done with.
func (m *meter) addShared(block *sharedBlock) {
	if m.note(block.bytes); m.inTurn() {
		m.hash(block.bytes)
		block.release()
		return
	}
	m.beside.share(&m.digest, block)
}

func (m *meter) inTurn() bool {
	return m.beside.work == nil && (m.size < besideFrom || runtime.GOMAXPROCS(0) == 1)
}

// stop ends the timer for good, even if a Read is still running in a store that was cancelled.
func (m *meter) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
	m.timer.Stop()
	m.beside.end()
}

// failure returns the source's error, if that ended the reading.
func (m *meter) failure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *meter) content() Content {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.beside.end()
	return m.digest.content()
}

// digest keeps what must be known about the bytes that are written to it.
type digest struct {
	sha  hash.Hash
	crc  hash.Hash64
	head []byte
	size int64
}

func newDigest() digest { return digest{sha: sha256.New(), crc: NewCRC64()} }

func (d *digest) Write(p []byte) (int, error) {
	d.hash(p)
	d.note(p)
	return len(p), nil
}

// hash adds p to the checksums.
func (d *digest) hash(p []byte) {
	d.sha.Write(p)
	d.crc.Write(p)
}

// note adds p to all that is not a checksum.
func (d *digest) note(p []byte) {
	if free := sniffed - len(d.head); free > 0 {
		d.head = append(d.head, p[:min(len(p), free)]...)
	}
	d.size += int64(len(p))
}

func (d *digest) content() Content {
	return Content{
		Size: d.size, SHA256: [32]byte(d.sha.Sum(nil)), CRC64: d.crc.Sum64(), Type: detectType(d.head),
	}
}

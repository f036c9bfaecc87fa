package dossier_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math"
	"slices"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
)

// Whoever unpacks an archive while it comes has no directory to look into: each entry has to say by itself where it
// ends. This reader takes nothing that APPNOTE leaves to chance.
func TestArchiveAsStream(t *testing.T) {
	const edge = math.MaxUint32
	for name, sizes := range map[string][]int64{
		"small files":     {0, 1, 1000, 65_535, 65_536, 0, 3 * 65_535, 1 << 20, 7},
		"more than 4 GiB": {3, edge + 1000, 5},
		"4 GiB - 1 with the headers of its blocks": {fullBlocks(edge), 5},
	} {
		t.Run(name, func(t *testing.T) {
			if slices.ContainsFunc(sizes, func(n int64) bool { return n > 1<<30 }) {
				servers.EndToEnd(t)
			}
			t.Parallel()
			svc, files := storedZeros(sizes...)
			for i := range files {
				files[i].Folder = []string{"", "a", "a/\u65e5\u672c"}[i%3]
			}
			a := archiveOf(t, svc, files[0].Person)
			entries, err := readStream(func(w io.Writer) error { return a.Write(t.Context(), w) })
			if err != nil {
				t.Fatalf("after %d entries: %v", len(entries), err)
			}
			if len(entries) != len(sizes) {
				t.Fatalf("the archive has %d files, want %d", len(entries), len(sizes))
			}
			for i, e := range entries {
				if e.size != sizes[i] || e.name != files[i].Path() {
					t.Errorf("file %d is %q of %d bytes, want %q of %d", i, e.name, e.size, files[i].Path(), sizes[i])
				}
			}
		})
	}
}

// streamed is an entry as it was read.
type streamed struct {
	name             string
	offset           int64
	size, compressed int64
	crc              uint32
}

// stream is what a writer writes, as a reader that keeps nothing back. It counts what is read, and is asked for single
// bytes by flate, so that no more is read than is needed.
type stream struct {
	next func() ([]byte, error, bool)
	left []byte // of what was written last
	n    int64
}

// yielding is a writer that yields what is written.
type yielding func(p []byte, err error) bool

func (yield yielding) Write(p []byte) (int, error) {
	if !yield(p, nil) {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// fill makes sure that there is something to read.
func (s *stream) fill() error {
	for len(s.left) == 0 {
		p, err, more := s.next()
		if err != nil {
			return err
		}
		if !more {
			return io.EOF
		}
		s.left = p
	}
	return nil
}

// Read is not watched by the race detector, which would look at each byte: the writer waits until all is read. Of the
// built-in copy, it looks at each even here.
//
//go:norace
func (s *stream) Read(p []byte) (int, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := 0
	for end := min(len(p), len(s.left)); n < end; {
		if n+8 <= end {
			binary.LittleEndian.PutUint64(p[n:], binary.LittleEndian.Uint64(s.left[n:]))
			n += 8
		} else {
			p[n] = s.left[n]
			n++
		}
	}
	s.left = s.left[n:]
	s.n += int64(n)
	return n, nil
}

func (s *stream) ReadByte() (byte, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	b := s.left[0]
	s.left = s.left[1:]
	s.n++
	return b, nil
}

// take reads the next bytes as little-endian numbers of those sizes.
func (s *stream) take(sizes ...int) ([]uint64, error) {
	var out []uint64
	for _, size := range sizes {
		b := make([]byte, 8)
		if _, err := io.ReadFull(s, b[:size]); err != nil {
			return nil, err
		}
		out = append(out, binary.LittleEndian.Uint64(b))
	}
	return out, nil
}

// extras reads the extra fields of a header.
func (s *stream) extras(length uint64) (map[uint64][]byte, error) {
	fields := map[uint64][]byte{}
	for end := s.n + int64(length); s.n < end; {
		head, err := s.take(2, 2)
		if err != nil {
			return nil, err
		}
		if _, twice := fields[head[0]]; twice || s.n+int64(head[1]) > end {
			return nil, fmt.Errorf("the extra field %#x comes twice, or is too long", head[0])
		}
		fields[head[0]] = make([]byte, head[1])
		if _, err := io.ReadFull(s, fields[head[0]]); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// readStream reads what write writes, an archive, from its beginning to its end.
func readStream(write func(io.Writer) error) (entries []streamed, err error) {
	next, stop := iter.Pull2(func(yield func([]byte, error) bool) {
		if err := write(yielding(yield)); err != nil {
			yield(nil, err)
		}
	})
	defer stop()
	s := &stream{next: next}
	for {
		offset := s.n
		signature, err := s.take(4)
		if err != nil {
			return entries, err
		}
		if signature[0] != 0x04034b50 {
			return entries, s.readDirectory(entries, offset, signature[0])
		}
		e, err := s.readEntry()
		if err != nil {
			return entries, fmt.Errorf("%q: %w", e.name, err)
		}
		e.offset = offset
		entries = append(entries, e)
	}
}

// readEntry reads an entry behind the signature of its local header.
func (s *stream) readEntry() (e streamed, err error) {
	h, err := s.take(2, 2, 2, 2, 2, 4, 4, 4, 2, 2)
	if err != nil {
		return e, err
	}
	version, flags, method, crc, packed, size := h[0], h[1], h[2], h[5], h[6], h[7]
	name := make([]byte, h[8])
	if _, err := io.ReadFull(s, name); err != nil {
		return e, err
	}
	e.name = string(name)
	extras, err := s.extras(h[9])
	if err != nil {
		return e, err
	}
	wide := extras[1] != nil
	want := map[bool][3]uint64{true: {45, math.MaxUint32, 16}, false: {20, 0, 0}}[wide]
	if flags&^0x800 != 8 || !isASCII(e.name) && flags&0x800 == 0 || method != 8 || crc != 0 || packed != want[1] ||
		size != want[1] || version != want[0] || uint64(len(extras[1])) != want[2] || len(extras[0x5455]) != 5 {
		return e, fmt.Errorf("the local header has version %d, flags %#x, method %d, CRC-32 %x, sizes %d and %d, extra %x",
			version, flags, method, crc, packed, size, extras)
	}
	begun := s.n
	sum := crc32.NewIEEE()
	if e.size, err = io.Copy(sum, flate.NewReader(s)); err != nil {
		return e, err
	}
	e.compressed, e.crc = s.n-begun, sum.Sum32()
	if java := e.size > math.MaxUint32 || e.compressed > math.MaxUint32; java != wide {
		return e, fmt.Errorf("the header says that the descriptor is of ZIP64: %v; by the sizes %d and %d it is: %v", wide,
			e.size, e.compressed, java)
	}
	width := map[bool]int{true: 8, false: 4}[wide]
	d, err := s.take(4, 4, width, width)
	if err != nil {
		return e, err
	}
	if d[0] != 0x08074b50 || uint32(d[1]) != e.crc || int64(d[2]) != e.compressed || int64(d[3]) != e.size {
		return e, fmt.Errorf("the descriptor is %x; read were %d bytes as %d, CRC-32 %x", d, e.size, e.compressed, e.crc)
	}
	if wide {
		if sizes := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, d[3]), d[2]); !bytes.Equal(
			sizes, extras[1]) {
			return e, fmt.Errorf("the local header has the sizes %x, want %x", extras[1], sizes)
		}
	}
	return e, nil
}

// readDirectory reads what follows the entries, of which the first signature has been read, and compares.
func (s *stream) readDirectory(entries []streamed, begun int64, signature uint64) error {
	for _, want := range entries {
		if signature != 0x02014b50 {
			return fmt.Errorf("a record of the directory begins with %#x", signature)
		}
		h, err := s.take(2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4)
		if err != nil {
			return err
		}
		name := make([]byte, h[9])
		if _, err := io.ReadFull(s, name); err != nil {
			return err
		}
		extras, err := s.extras(h[10])
		if err != nil {
			return err
		}
		got := streamed{string(name), int64(h[15]), int64(h[8]), int64(h[7]), uint32(h[6])}
		if wide := extras[1]; wide != nil {
			if h[15] != math.MaxUint32 || h[8] != math.MaxUint32 || h[7] != math.MaxUint32 || len(wide) != 24 {
				return fmt.Errorf("%q: ZIP64 of %d bytes stands beside the numbers %x", name, len(wide), h)
			}
			n := func(i int) int64 { return int64(binary.LittleEndian.Uint64(wide[8*i:])) }
			got.size, got.compressed, got.offset = n(0), n(1), n(2)
		}
		if got != want {
			return fmt.Errorf("the directory has %+v, want %+v", got, want)
		}
		next, err := s.take(4)
		if err != nil {
			return err
		}
		signature = next[0]
	}
	// What archive/zip, unzip and others read of the end is looked at by the tests that use these.
	switch signature {
	case 0x06064b50, 0x06054b50:
	default:
		return fmt.Errorf("behind the directory stands %#x", signature)
	}
	_, err := io.Copy(io.Discard, s)
	return err
}

// The bytes of a file go to the archive in few writes, and no memory grows with them.
func TestArchiveWrites(t *testing.T) {
	const size = 100 * 65_535
	svc, files := storedZeros(size)
	w := &writes{}
	if err := archiveOf(t, svc, files[0].Person).Write(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if w.n > 100+4 {
		t.Errorf("%d bytes were written in %d writes", size, w.n)
	}
}

// While a client takes the first bytes of a large file, the next ones are read.
func TestArchiveReadsAhead(t *testing.T) {
	s, r := fresh(t), dossier.NewReceipt()
	large := []upload{{"a.txt", bytes.Repeat([]byte("alpha "), 500_000)}}
	if _, err := submit(t.Context(), s.service(dossier.DefaultLimits()), r, large); err != nil {
		t.Fatal(err)
	}
	// More than is read before the first bytes are sent.
	ahead := &passing{left: 300_000, passed: make(chan struct{})}
	objects := bendingReads{s.objects, func(r io.ReadCloser) io.ReadCloser { return reader{io.TeeReader(r, ahead), r} }}
	a := archiveOf(t, dossier.New(s.people, s.catalog, objects, dossier.Options{}), r.Person)
	sent := &passing{left: 1000, passed: make(chan struct{})} // which the names before a file do not have
	err := a.Write(t.Context(), writerFunc(func(p []byte) (int, error) {
		if n, err := sent.Write(p); sent.left > 0 {
			return n, err
		}
		select {
		case <-ahead.passed:
			return len(p), nil
		case <-time.After(time.Minute):
			return 0, errors.New("nothing is read while this is written")
		}
	}))
	if err != nil {
		t.Error(err)
	}
}

// passing closes a channel when so many bytes have come by.
type passing struct {
	left   int
	passed chan struct{}
}

func (p *passing) Write(b []byte) (int, error) {
	if p.left > 0 && p.left <= len(b) {
		close(p.passed)
	}
	p.left -= len(b)
	return len(b), nil
}

type writes struct{ n int }

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	return len(p), nil
}

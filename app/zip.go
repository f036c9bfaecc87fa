package dossier

import (
	"cmp"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"time"
	"unicode/utf8"
)

// The records of a ZIP (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), for an archive that is written in
// one pass.
//
// Files are not compressed, and yet their method is DEFLATE, in stored blocks (RFC 1951, section 3.2.4). The CRC-32 of
// a file is known only after its bytes, where a data descriptor carries it. A reader of the archive as a stream can
// find the end of DEFLATE data by itself, but not that of a stored file: such readers, Java's ZipInputStream among
// them, refuse a data descriptor after a stored file. archive/zip does not write the ZIP64 field into a local header
// that tells them how wide the numbers of the descriptor are (APPNOTE 4.3.9.2); so the records are written here.

// zipEntry is a file of a ZIP.
type zipEntry struct {
	name string
	size int64
	at   int64 // Unix seconds
	crc  uint32
}

// storedBlock is the maximum size of a stored block of DEFLATE, and storedHeader the size of its header, in bytes.
const (
	storedBlock  = math.MaxUint16
	storedHeader = 5
)

// packed returns the size of the entry as DEFLATE. An entry that would have 2³²-1 bytes gets an extra empty block,
// because that number means that the size is stored elsewhere.
func (e zipEntry) packed() int64 {
	n := e.plainPacked()
	if n == math.MaxUint32 {
		n += storedHeader
	}
	return n
}

func (e zipEntry) plainPacked() int64 {
	blocks := max(1, (e.size+storedBlock-1)/storedBlock)
	return e.size + blocks*storedHeader
}

// large reports whether the numbers of the entry need ZIP64. Readers that ignore the ZIP64 field of a local header use
// the same rule to recognize a ZIP64 descriptor.
func (e zipEntry) large() bool { return e.packed() > math.MaxUint32 }

const (
	zipLocal     = 0x04034b50
	zipDescribed = 0x08074b50
	zipCentral   = 0x02014b50
	zipEnd       = 0x06054b50
	zipEnd64     = 0x06064b50
	zipLocator64 = 0x07064b50

	zipExtra64   = 0x0001
	zipExtraTime = 0x5455 // the extended timestamp of Info-ZIP

	zipVersion   = 20
	zipVersion64 = 45
	zipDeflate   = 8

	// zipFlagDescriptor: a data descriptor follows the bytes. zipFlagUTF8: the name is UTF-8.
	zipFlagDescriptor = 1 << 3
	zipFlagUTF8       = 1 << 11
)

var le = binary.LittleEndian

// head appends what the two headers of an entry have in common: from the version that a reader needs to the CRC-32.
func (e zipEntry) head(b []byte, version uint16, crc uint32) []byte {
	flags := uint16(zipFlagDescriptor)
	for i := range len(e.name) {
		if e.name[i] >= utf8.RuneSelf {
			flags |= zipFlagUTF8
			break
		}
	}
	day, clock := dosTime(e.at)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, flags)
	b = le.AppendUint16(b, zipDeflate)
	b = le.AppendUint16(b, clock)
	b = le.AppendUint16(b, day)
	return le.AppendUint32(b, crc)
}

// timeExtra appends the field with the time in seconds UTC, because that of MS-DOS has no time zone.
func (e zipEntry) timeExtra(b []byte) []byte {
	b = le.AppendUint16(b, zipExtraTime)
	b = le.AppendUint16(b, 5)
	b = append(b, 1) // modification
	return le.AppendUint32(b, uint32(e.at))
}

// zipTimeExtra is the length of that field.
const zipTimeExtra = 9

// local appends the entry's local header. Its numbers are in the descriptor.
func (e zipEntry) local(b []byte) []byte {
	version, sizes, extra := uint16(zipVersion), uint32(0), uint16(zipTimeExtra)
	if e.large() {
		version, sizes, extra = zipVersion64, math.MaxUint32, extra+4+16
	}
	b = le.AppendUint32(b, zipLocal)
	b = e.head(b, version, 0)
	b = le.AppendUint32(b, sizes)
	b = le.AppendUint32(b, sizes)
	b = le.AppendUint16(b, uint16(len(e.name)))
	b = le.AppendUint16(b, extra)
	b = append(b, e.name...)
	if e.large() {
		b = le.AppendUint16(b, zipExtra64)
		b = le.AppendUint16(b, 16)
		b = le.AppendUint64(b, uint64(e.size))
		b = le.AppendUint64(b, uint64(e.packed()))
	}
	return e.timeExtra(b)
}

// descriptor appends what follows the entry's bytes.
func (e zipEntry) descriptor(b []byte) []byte {
	b = le.AppendUint32(b, zipDescribed)
	b = le.AppendUint32(b, e.crc)
	if e.large() {
		b = le.AppendUint64(b, uint64(e.packed()))
		return le.AppendUint64(b, uint64(e.size))
	}
	b = le.AppendUint32(b, uint32(e.packed()))
	return le.AppendUint32(b, uint32(e.size))
}

// central appends the entry's header in the directory. Its local header begins at offset.
func (e zipEntry) central(b []byte, offset int64) []byte {
	version, extra := uint16(zipVersion), uint16(zipTimeExtra)
	size, packed, at := uint32(e.size), uint32(e.packed()), uint32(offset)
	wide := e.large() || offset >= math.MaxUint32
	if wide {
		version, extra = zipVersion64, extra+4+24
		size, packed, at = math.MaxUint32, math.MaxUint32, math.MaxUint32
	}
	b = le.AppendUint32(b, zipCentral)
	b = le.AppendUint16(b, version) // made by, on no particular system
	b = e.head(b, version, e.crc)
	b = le.AppendUint32(b, packed)
	b = le.AppendUint32(b, size)
	b = le.AppendUint16(b, uint16(len(e.name)))
	b = le.AppendUint16(b, extra)
	b = append(b, 0, 0, 0, 0, 0, 0) // no comment, the first disk, no attributes of text
	b = le.AppendUint32(b, 0)       // nor of the system
	b = le.AppendUint32(b, at)
	b = append(b, e.name...)
	if wide {
		b = le.AppendUint16(b, zipExtra64)
		b = le.AppendUint16(b, 24)
		b = le.AppendUint64(b, uint64(e.size))
		b = le.AppendUint64(b, uint64(e.packed()))
		b = le.AppendUint64(b, uint64(offset))
	}
	return e.timeExtra(b)
}

// zipTail appends the end of an archive with this number of entries, whose directory of this size begins at offset.
func zipTail(b []byte, entries int, offset, size int64) []byte {
	count, from, length := uint16(entries), uint32(offset), uint32(size)
	if entries >= math.MaxUint16 || offset >= math.MaxUint32 || size >= math.MaxUint32 {
		b = le.AppendUint32(b, zipEnd64)
		b = le.AppendUint64(b, 44) // what follows
		b = le.AppendUint16(b, zipVersion64)
		b = le.AppendUint16(b, zipVersion64)
		b = le.AppendUint64(b, 0) // disks
		b = le.AppendUint64(b, uint64(entries))
		b = le.AppendUint64(b, uint64(entries))
		b = le.AppendUint64(b, uint64(size))
		b = le.AppendUint64(b, uint64(offset))
		b = le.AppendUint32(b, zipLocator64)
		b = le.AppendUint32(b, 0) // disk
		b = le.AppendUint64(b, uint64(offset+size))
		b = le.AppendUint32(b, 1) // disks
		count, from, length = math.MaxUint16, math.MaxUint32, math.MaxUint32
	}
	b = le.AppendUint32(b, zipEnd)
	b = le.AppendUint32(b, 0) // disks
	b = le.AppendUint16(b, count)
	b = le.AppendUint16(b, count)
	b = le.AppendUint32(b, length)
	b = le.AppendUint32(b, from)
	return le.AppendUint16(b, 0) // no comment
}

// dosTime returns a date and time in the format of MS-DOS, in UTC, which covers the years 1980 to 2107.
func dosTime(seconds int64) (date, clock uint16) {
	t := time.Unix(seconds, 0).UTC()
	switch {
	case t.Year() < 1980:
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 2107:
		t = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	}
	return uint16(t.Year()-1980)<<9 | uint16(t.Month())<<5 | uint16(t.Day()),
		uint16(t.Hour())<<11 | uint16(t.Minute())<<5 | uint16(t.Second()/2)
}

// storedChunk holds blocks on their way into an archive.
type storedChunk struct {
	room []byte // made when it is first used
	n    int    // the length of its blocks, with their headers
}

// chunkBlocks is how many blocks are read before they are written.
const chunkBlocks = 4

// read reads the next blocks of an entry of which left bytes are missing, and returns how many are missing then: io.EOF
// after the last. The chunk has the blocks that are whole, also after another error.
func (c *storedChunk) read(r io.Reader, left int64) (int64, error) {
	if c.room == nil {
		c.room = make([]byte, chunkBlocks*(storedHeader+storedBlock))
	}
	c.n = 0
	for range chunkBlocks {
		n := int(min(left, storedBlock))
		last := left == int64(n)
		block := c.room[c.n:][:storedHeader+n]
		if _, err := io.ReadFull(r, block[storedHeader:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return left, err
		}
		if last {
			// This also lets r report on the whole before its last bytes are written.
			var more [1]byte
			switch _, err := io.ReadFull(r, more[:]); err {
			case io.EOF:
			case nil:
				return left, errLonger
			default:
				return left, err
			}
		}
		blockHeader(block, n, last)
		left -= int64(n)
		c.n += len(block)
		if last {
			return 0, io.EOF
		}
	}
	return left, nil
}

// write writes the blocks by one Write, and returns the CRC-32 of all before and them.
func (c *storedChunk) write(w io.Writer, crc uint32) (uint32, error) {
	if c.n == 0 {
		return crc, nil
	}
	for left := c.room[:c.n]; len(left) > 0; {
		block := left[:min(len(left), storedHeader+storedBlock)]
		crc = crc32.Update(crc, crc32.IEEETable, block[storedHeader:])
		left = left[len(block):]
	}
	_, err := w.Write(c.room[:c.n])
	return crc, err
}

// copyStored writes the entry's bytes, which must be exactly the contents of r, to w as stored blocks, and sets the
// entry's CRC-32. Of an entry that needs several chunks, one is read while another is written. io.ErrUnexpectedEOF if
// r has fewer bytes, errLonger if it has more.
func (e *zipEntry) copyStored(w io.Writer, r io.Reader, chunks *[2]storedChunk) error {
	if e.packed() != e.plainPacked() {
		var empty [storedHeader]byte
		if _, err := w.Write(blockHeader(empty[:], 0, false)); err != nil {
			return err
		}
	}
	e.crc = 0
	free, full := make(chan *storedChunk, len(chunks)), make(chan *storedChunk, len(chunks))
	read := func() error {
		defer close(full)
		for left := e.size; ; {
			c, more := <-free
			if !more {
				return nil
			}
			var err error
			left, err = c.read(r, left)
			full <- c
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	if e.size <= chunkBlocks*storedBlock {
		free <- &chunks[0]
		err := read()
		var failed error
		e.crc, failed = (<-full).write(w, 0)
		return cmp.Or(failed, err)
	}
	for i := range chunks {
		free <- &chunks[i]
	}
	done := meanwhile(read)
	var failed error
	for c := range full {
		if failed != nil {
			continue
		}
		if e.crc, failed = c.write(w, e.crc); failed != nil {
			close(free)
			continue
		}
		free <- c
	}
	err := done()
	return cmp.Or(failed, err)
}

var errLonger = errors.New("there are more bytes than there should be")

// blockHeader writes the header of a block of n bytes to the beginning of buf, and returns the header.
func blockHeader(buf []byte, n int, last bool) []byte {
	buf[0] = 0
	if last {
		buf[0] = 1
	}
	le.PutUint16(buf[1:], uint16(n))
	le.PutUint16(buf[3:], ^uint16(n))
	return buf[:storedHeader]
}

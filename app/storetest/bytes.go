package storetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Bytes returns what stands between two offsets of pseudo-random bytes, which are the same for the same seed, without
// holding them.
func Bytes(seed uint64, from, to int64) io.Reader {
	return &stream{seed * 0xD1342543DE82EF95, from, to}
}

type stream struct {
	seed   uint64
	at, to int64
}

// Read is not watched by the race detector, which would look at each byte. The numbers are those of SplitMix64.
//
//go:norace
func (s *stream) Read(p []byte) (int, error) {
	if s.at >= s.to {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), s.to-s.at))
	for i := 0; i < n; {
		word := s.seed + uint64(s.at/8)*0x9E3779B97F4A7C15
		word = (word ^ word>>30) * 0xBF58476D1CE4E5B9
		word = (word ^ word>>27) * 0x94D049BB133111EB
		word ^= word >> 31
		if s.at%8 == 0 && n-i >= 8 {
			binary.LittleEndian.PutUint64(p[i:], word)
			i, s.at = i+8, s.at+8
			continue
		}
		p[i] = byte(word >> (s.at % 8 * 8))
		i, s.at = i+1, s.at+1
	}
	return n, nil
}

// byteStream returns the first bytes of a seed.
func byteStream(seed uint64, size int64) io.Reader { return Bytes(seed, 0, size) }

// sameBytes compares two readers to their ends and returns the offset up to which they agree.
func sameBytes(got, want io.Reader) (int64, error) {
	c := comparison{got: got, room: make([]byte, 64<<10)}
	if _, err := io.Copy(&c, want); err != nil {
		return c.at, err
	}
	if n, err := io.ReadFull(got, c.room[:1]); n > 0 || err != io.EOF {
		return c.at, fmt.Errorf("more bytes, or no end: %v", err)
	}
	return c.at, nil
}

// comparison compares what is written to it with a reader.
type comparison struct {
	got  io.Reader
	room []byte
	at   int64
}

func (c *comparison) Write(p []byte) (written int, err error) {
	for written < len(p) {
		want := p[written:min(len(p), written+len(c.room))]
		n, err := io.ReadFull(c.got, c.room[:len(want)])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return written, err
		}
		if !bytes.Equal(c.room[:n], want) {
			return written, fmt.Errorf("other bytes, or fewer (%d, want %d at least)", c.at+int64(n),
				c.at+int64(len(want)))
		}
		written, c.at = written+n, c.at+int64(n)
	}
	return written, nil
}

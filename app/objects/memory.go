package objects

import (
	"context"
	"errors"
	"hash"
	"io"
	"sync"

	dossier "dossier.example/app"
)

// blockSize is how much memory a Put takes at a time, in bytes. The connection of a form is read in as much.
const blockSize = 64 << 10

// memory is what all Puts together may hold of the parts that they are about to send. Who wants more waits for a part
// to be sent: that is the back-pressure which a client sees as a slow server.
//
// Shared evenly it would end with many parts of which none can become full. So a quarter is set aside for parts that go
// first: when all else is taken, so many as it holds whole parts may be finished from it, and what those give back
// serves the others. A sender that fills such a part slowly holds it up for them; that ends with the time after which a
// silent sender is cut off, and for each that waits with the time after which the domain gives up a store that takes no
// byte.
type memory struct {
	common chan struct{} // one for each block in use
	first  chan struct{} // one for each part that goes first

	mu   sync.Mutex
	free []*[blockSize]byte // not in use, kept for the next
	keep int
}

// newMemory returns memory of most bytes, at least two parts, of which it keeps some when they are not in use:
// collected as garbage and made anew they would cost the process half as much again.
func newMemory(most, partSize, keep int64) *memory {
	first := max(1, most/4/partSize)
	return &memory{
		common: make(chan struct{}, (most-first*partSize)/blockSize), first: make(chan struct{}, first), keep: int(keep / blockSize),
	}
}

// buffer returns an empty buffer for a part of a Put, which holds as many blocks at most as own has room for.
func (m *memory) buffer(own chan struct{}) *buffer {
	return &buffer{memory: m, own: own, crc: dossier.NewCRC64()}
}

func (m *memory) take() *[blockSize]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := len(m.free) - 1
	if last < 0 {
		return new([blockSize]byte)
	}
	b := m.free[last]
	m.free = m.free[:last]
	return b
}

func (m *memory) give(blocks []*[blockSize]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, blocks[:min(len(blocks), max(0, m.keep-len(m.free)))]...)
}

// buffer holds the bytes of one part. It is filled once, read any number of times, and released.
type buffer struct {
	memory *memory
	own    chan struct{}
	// common is how many of the blocks are of the memory's common ones; first tells that the others need no leave.
	common int
	first  bool
	size   int64
	crc    hash.Hash64

	// mu keeps release from whoever still reads: net/http may look into the body of a request whose answer is there
	// already.
	mu       sync.Mutex
	blocks   []*[blockSize]byte
	released bool
}

// grow adds a block, when there is one to be had.
func (b *buffer) grow(ctx context.Context) error {
	select {
	case b.own <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	m := b.memory
	if !b.first {
		select {
		case m.common <- struct{}{}:
			b.common++
		default:
			select {
			case m.common <- struct{}{}:
				b.common++
			case m.first <- struct{}{}:
				b.first = true
			case <-ctx.Done():
				<-b.own
				return context.Cause(ctx)
			}
		}
	}
	b.blocks = append(b.blocks, m.take())
	return nil
}

// release gives the memory back. Readers end.
func (b *buffer) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.memory
	m.give(b.blocks)
	for range b.blocks {
		<-b.own
	}
	for range b.common {
		<-m.common
	}
	if b.first {
		<-m.first
	}
	b.blocks, b.common, b.first, b.released = nil, 0, false, true
}

// fill reads r up to most bytes; end tells that r ended. It looks at ctx before each Read, so that a Put of which a
// part failed takes no more from a sender who is slow.
func (b *buffer) fill(ctx context.Context, r io.Reader, most int64) (end bool, err error) {
	for b.size < most {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		at := b.size % blockSize
		if at == 0 {
			if err := b.grow(ctx); err != nil {
				return false, err
			}
		}
		free := b.blocks[len(b.blocks)-1][at:]
		n, err := r.Read(free[:min(int64(len(free)), most-b.size)])
		b.crc.Write(free[:n])
		b.size += int64(n)
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// sum returns the CRC-64/NVME of the bytes.
func (b *buffer) sum() uint64 { return b.crc.Sum64() }

func (b *buffer) reader() io.ReadSeeker { return &bufferReader{b: b} }

// bufferReader reads a buffer.
type bufferReader struct {
	b  *buffer
	at int64
}

var errReleased = errors.New("the request is over")

func (r *bufferReader) Read(p []byte) (int, error) {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	switch {
	case r.b.released:
		return 0, errReleased
	case r.at >= r.b.size:
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), r.b.size-r.at)], r.b.blocks[r.at/blockSize][r.at%blockSize:])
	r.at += int64(n)
	return n, nil
}

// Seek implements io.Seeker: the SDK goes back to the beginning for each attempt, and to the end for the length.
func (r *bufferReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.b.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	r.at = offset
	return offset, nil
}

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

// memory is what all Puts together, or within it one Put, may hold of the parts that they are about to send. Who wants more waits for a part to be
// sent: that is the back-pressure which a client sees as a slow server. It ends for every Put with its ctx, so that Puts of which none can go
// on do not wait for one another for ever: the domain gives up a store that takes no byte for a while, and what that Put held is free.
type memory struct {
	blocks chan struct{} // one for each block in use
	within *memory       // nil: none

	mu   sync.Mutex
	free []*[blockSize]byte // not in use, kept for the next
	keep int
}

// newMemory returns memory of most bytes, of which it keeps some when they are not in use: collected as garbage and made anew they would cost the
// process half as much again.
func newMemory(most, keep int64) *memory {
	return &memory{blocks: make(chan struct{}, most/blockSize), keep: int(keep / blockSize)}
}

// share returns most bytes of m.
func (m *memory) share(most int64) *memory {
	return &memory{blocks: make(chan struct{}, most/blockSize), within: m}
}

func (m *memory) take(ctx context.Context) (*[blockSize]byte, error) {
	select {
	case m.blocks <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if m.within != nil {
		b, err := m.within.take(ctx)
		if err != nil {
			<-m.blocks
		}
		return b, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	last := len(m.free) - 1
	if last < 0 {
		return new([blockSize]byte), nil
	}
	b := m.free[last]
	m.free = m.free[:last]
	return b, nil
}

func (m *memory) give(b *[blockSize]byte) {
	if m.within != nil {
		m.within.give(b)
	} else {
		m.mu.Lock()
		if len(m.free) < m.keep {
			m.free = append(m.free, b)
		}
		m.mu.Unlock()
	}
	<-m.blocks
}

func (m *memory) buffer() *buffer { return &buffer{memory: m, crc: dossier.NewCRC64()} }

// buffer holds the bytes of one part. It is filled once, read any number of times, and released.
type buffer struct {
	memory *memory
	size   int64
	crc    hash.Hash64

	// mu keeps release from whoever still reads: net/http may look into the body of a request whose answer is there already.
	mu       sync.Mutex
	blocks   []*[blockSize]byte
	released bool
}

// fill reads r up to most bytes; end tells that r ended.
func (b *buffer) fill(ctx context.Context, r io.Reader, most int64) (end bool, err error) {
	for b.size < most {
		at := b.size % blockSize
		if at == 0 {
			block, err := b.memory.take(ctx)
			if err != nil {
				return false, err
			}
			b.blocks = append(b.blocks, block)
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

// release gives the memory back. Readers end.
func (b *buffer) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, block := range b.blocks {
		b.memory.give(block)
	}
	b.blocks, b.released = nil, true
}

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

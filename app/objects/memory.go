package objects

import (
	"context"
	"errors"
	"hash"
	"io"
	"sync"
	"time"

	dossier "dossier.example/app"
)

// blockSize is how much memory a Put takes at a time, in bytes. The connection of a form is read in as much.
const blockSize = 64 << 10

// memory is what all Puts together may hold of the parts that they are about to send. Who wants more waits for a part
// to be sent: that is the back-pressure which a client sees as a slow server.
//
// Shared evenly it would end with many parts of which none can become full. So a quarter is set aside for parts that go
// first: when all else is taken, so many as it holds whole parts may be finished from it, and what those give back
// serves the others.
//
// One client's parts hold half of either at most, so the others' never wait for that client alone. And nobody waits for
// a slow sender: when nothing became free for a while, the slowest of the client that holds most is cut off; of those
// that wait for their own client's half, the slowest of that client.
type memory struct {
	// patience is how long one waits before a sender is cut off, and stretch how long a sender's speed is measured at
	// once: the present stretch and the one before count.
	patience, stretch time.Duration

	mu sync.Mutex
	// common is how many blocks are in use, first how many parts that go first; most of each.
	common, first         int
	mostCommon, mostFirst int
	clients               map[string]*share
	// filling are the buffers that wait for their senders.
	filling map[*buffer]bool
	// freed is closed when something is given back, and made anew.
	freed chan struct{}
	// short is when somebody waited in vain for what all share.
	short time.Time
	free  []*[blockSize]byte // not in use, kept for the next
	keep  int
}

// share is what one client holds.
type share struct{ buffers, common, first int }

const (
	// waitForSlow is how long a Put waits for memory before a slow sender makes room for it. It is far below the time
	// after which the domain gives up a store that takes no byte.
	waitForSlow = time.Second
	// slowSender is what a sender must send, in bytes a second, to be left alone where others wait. 50 that send just
	// that fill a part of 5 MiB every other second, which then is free again.
	slowSender = 64 << 10
)

// newMemory returns memory of most bytes, at least two parts, of which it keeps some when they are not in use:
// collected as garbage and made anew they would cost the process half as much again.
func newMemory(most, partSize, keep int64) *memory {
	first := max(1, most/4/partSize)
	return &memory{
		patience: waitForSlow, stretch: 5 * time.Second, mostCommon: int((most - first*partSize) / blockSize),
		mostFirst: int(first),
		clients:   map[string]*share{}, filling: map[*buffer]bool{}, freed: make(chan struct{}), keep: int(keep / blockSize),
	}
}

// buffer returns an empty buffer for a part of a Put, which holds as many blocks at most as own has room for.
func (m *memory) buffer(own chan struct{}, sender dossier.Sender) *buffer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clients[sender.Client] == nil {
		m.clients[sender.Client] = &share{}
	}
	m.clients[sender.Client].buffers++
	return &buffer{memory: m, own: own, sender: sender, share: m.clients[sender.Client], crc: dossier.NewCRC64()}
}

// room takes a block for b, of the common ones or as one that goes first, or tells what to wait for; crowded tells that
// it is the client's own half that is full.
func (m *memory) room(b *buffer) (taken bool, freed <-chan struct{}, crowded bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	common, first := m.mostCommon, m.mostFirst
	if b.sender.Client != "" {
		common, first = max(1, common/2), max(1, first/2)
	}
	switch {
	case m.common < m.mostCommon && b.share.common < common:
		m.common++
		b.share.common++
		b.common++
	case m.first < m.mostFirst && b.share.first < first:
		m.first++
		b.share.first++
		b.first = true
	default:
		return false, m.freed, b.share.common >= common
	}
	return true, nil, false
}

// shortFor is how long memory counts as full after somebody waited for it.
const shortFor = time.Minute

// full reports whether all have too little, or had just now.
func (m *memory) full() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.short.IsZero() && time.Since(m.short) < shortFor
}

// cut ends the slowest sender for whom b waits, if anybody is waited for.
func (m *memory) cut(b *buffer, crowded bool) {
	m.mu.Lock()
	if !crowded {
		m.short = time.Now()
	}
	var loser *buffer
	var least float64
	// One that goes first is in the way of everybody: with it gone, a part of the crowded client becomes full.
	own := func(other *buffer) bool { return !crowded || other.share == b.share }
	now := time.Now()
	for other := range m.filling {
		if other == b || other.sender.Cut == nil || len(other.blocks) == 0 || other.isCut || !own(other) && !other.first {
			continue
		}
		rate, known := other.rate(now)
		if !known || rate >= slowSender {
			continue
		}
		better := loser == nil
		switch {
		case better:
		case own(other) != own(loser):
			better = own(other)
		case other.share.common != loser.share.common:
			better = other.share.common > loser.share.common
		default:
			better = rate < least
		}
		if better {
			loser, least = other, rate
		}
	}
	if loser != nil {
		loser.isCut = true
	}
	m.mu.Unlock()
	if loser != nil {
		loser.sender.Cut()
	}
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
	sender dossier.Sender
	share  *share
	// common is how many of the blocks are of the memory's common ones; first tells that the others need no leave.
	common int
	first  bool
	size   int64
	crc    hash.Hash64

	// These are the memory's, under its mutex: since when the sender is waited for, how long it was in the present
	// stretch and what came in it, and the same of the stretch before; and whether the sender was cut off.
	since            time.Time
	waited, formerly time.Duration
	came, cameThen   int64
	isCut            bool

	// mu keeps release from whoever still reads: net/http may look into the body of a request whose answer is there
	// already.
	mu       sync.Mutex
	blocks   []*[blockSize]byte
	released bool
}

// rate returns how many bytes a second came of late while the sender was waited for; known is false where that was too
// short a time to say.
func (b *buffer) rate(now time.Time) (rate float64, known bool) {
	idle := now.Sub(b.since)
	if idle >= b.memory.stretch {
		return 0, true
	}
	waited := b.waited + idle
	if waited < b.memory.stretch && b.formerly == 0 {
		return 0, false
	}
	return float64(b.came+b.cameThen) / (waited + b.formerly).Seconds(), true
}

// read is a Read of r, in which the memory knows whom it waits for.
func (b *buffer) read(r io.Reader, p []byte) (int, error) {
	m := b.memory
	m.mu.Lock()
	b.since = time.Now()
	m.filling[b] = true
	m.mu.Unlock()
	n, err := r.Read(p)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.filling, b)
	b.waited += time.Since(b.since)
	b.came += int64(n)
	if b.waited >= m.stretch {
		b.waited, b.formerly, b.came, b.cameThen = 0, b.waited, 0, b.came
	}
	return n, err
}

// grow adds a block, when there is one to be had.
func (b *buffer) grow(ctx context.Context) error {
	select {
	case b.own <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	m := b.memory
	for !b.first {
		taken, freed, crowded := m.room(b)
		if taken {
			break
		}
		timer := time.NewTimer(m.patience)
		select {
		case <-freed:
		case <-timer.C:
			m.cut(b, crowded)
		case <-ctx.Done():
			timer.Stop()
			<-b.own
			return context.Cause(ctx)
		}
		timer.Stop()
	}
	block := m.take()
	m.mu.Lock() // of whoever looks for one to cut off
	defer m.mu.Unlock()
	b.blocks = append(b.blocks, block)
	return nil
}

// release gives the memory back. Readers end.
func (b *buffer) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.released {
		return
	}
	m := b.memory
	m.give(b.blocks)
	for range b.blocks {
		<-b.own
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.common -= b.common
	b.share.common -= b.common
	if b.first {
		m.first--
		b.share.first--
	}
	if b.share.buffers--; b.share.buffers == 0 {
		delete(m.clients, b.sender.Client)
	}
	b.blocks, b.common, b.first, b.released = nil, 0, false, true
	close(m.freed)
	m.freed = make(chan struct{})
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
		n, err := b.read(r, free[:min(int64(len(free)), most-b.size)])
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

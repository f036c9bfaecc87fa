package dossier

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// SHA-256 takes longer than all else that a server does with a byte of a form. In turn with reading and storing, it
// would set the pace of a large file; so it runs beside them: on the blocks that a store is writing, if the store takes
// blocks (meter.WriteTo), else on copies of what it reads.

const (
	// besideFrom is how much of a file is hashed in turn, in bytes: a small file is not worth a goroutine.
	besideFrom = 1 << 20
	// besideBlock is how much is handed over at once, in bytes.
	besideBlock = 128 << 10
	// besideBatch is how many blocks are handed over together. A hash is quicker than receiving and writing, so it
	// waits for each block; to wake it costs as much as a tenth of what it does.
	besideBatch = 4
)

// besideBlocks are the copies that have no bytes to be hashed. All files share them, so they bound the memory: whoever
// wants one waits for a hash, which waits for nobody.
var besideBlocks = func() chan *copied {
	blocks := make(chan *copied, 2*runtime.GOMAXPROCS(0))
	for range cap(blocks) {
		blocks <- new(copied)
	}
	return blocks
}()

// hashed has bytes on their way to a hash, which calls done when it no longer needs them.
type hashed interface {
	content() []byte
	done()
}

// copied is a block of copies.
type copied struct {
	room  []byte // made when it is first used
	bytes []byte
}

func (c *copied) content() []byte { return c.bytes }
func (c *copied) done()           { besideBlocks <- c }

// sharedBlock is a block that is hashed and written at once.
type sharedBlock struct {
	room  [besideBlock]byte
	bytes []byte
	users atomic.Int32
}

var sharedBlocks = sync.Pool{New: func() any { return new(sharedBlock) }}

// sharedLeave has as many as wait for a hash, of all files, which bounds their memory likewise.
var sharedLeave = make(chan struct{}, cap(besideBlocks))

// sharedWait has as many as wait, of all files, until there are enough to be handed over. Nobody waits for it, because
// a sender may be slow.
var sharedWait = make(chan struct{}, cap(besideBlocks))

func (b *sharedBlock) content() []byte { return b.bytes }

func (b *sharedBlock) done() {
	<-sharedLeave
	b.release()
}

// release gives the block back when both of its users are done with it.
func (b *sharedBlock) release() {
	if b.users.Add(-1) == 0 {
		sharedBlocks.Put(b)
	}
}

// beside hashes in a goroutine of its own, from the first hash on until end.
type beside struct {
	work chan hashed
	done chan struct{}
	// batch are the blocks that are not handed over yet.
	batch []*sharedBlock
}

// begin begins the goroutine, which adds what comes to the checksums of d. These are not to be looked at before end.
func (b *beside) begin(d *digest) {
	if b.work != nil {
		return
	}
	b.work, b.done = make(chan hashed, cap(besideBlocks)), make(chan struct{})
	go func(work <-chan hashed, done chan<- struct{}) {
		defer close(done)
		for block := range work {
			d.hash(block.content())
			block.done()
		}
	}(b.work, b.done)
}

// hash has a copy of p added to the checksums of d.
func (b *beside) hash(d *digest, p []byte) {
	b.begin(d)
	for len(p) > 0 {
		block := <-besideBlocks
		if block.room == nil {
			block.room = make([]byte, besideBlock)
		}
		n := copy(block.room, p)
		block.bytes = block.room[:n]
		b.work <- block
		p = p[n:]
	}
}

// share has a block added to the checksums of d, which is then done with it.
func (b *beside) share(d *digest, block *sharedBlock) {
	b.begin(d)
	select {
	case sharedWait <- struct{}{}:
		if b.batch = append(b.batch, block); len(b.batch) == besideBatch {
			b.handOver()
		}
	default:
		b.handOver()
		sharedLeave <- struct{}{}
		b.work <- block
	}
}

// handOver hands over what waits.
func (b *beside) handOver() {
	for _, block := range b.batch {
		<-sharedWait
		sharedLeave <- struct{}{}
		b.work <- block
	}
	b.batch = b.batch[:0]
}

// end waits until all is hashed.
func (b *beside) end() {
	if b.work == nil {
		return
	}
	b.handOver()
	close(b.work)
	<-b.done
	b.work, b.done = nil, nil
}

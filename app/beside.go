package dossier

import "runtime"

// SHA-256 takes longer than all else that a server does with a byte of a form. In turn with reading and storing, it
// would set the pace of a large file; so it runs beside them, on copies of what was read.

const (
	// besideFrom is how much of a file is hashed in turn, in bytes: a small file is not worth a goroutine.
	besideFrom = 1 << 20
	// besideBlock is how much is handed over at once, in bytes.
	besideBlock = 128 << 10
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

// copied has bytes on their way to a hash.
type copied struct {
	room  []byte // made when it is first used
	bytes []byte
}

// beside hashes in a goroutine of its own, from the first hash on until end.
type beside struct {
	work chan *copied
	done chan struct{}
}

// hash has a copy of p added to the checksums of d, which are not to be looked at before end.
func (b *beside) hash(d *digest, p []byte) {
	if b.work == nil {
		b.work, b.done = make(chan *copied, cap(besideBlocks)), make(chan struct{})
		go func(work <-chan *copied, done chan<- struct{}) {
			defer close(done)
			for block := range work {
				d.hash(block.bytes)
				besideBlocks <- block
			}
		}(b.work, b.done)
	}
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

// end waits until all is hashed.
func (b *beside) end() {
	if b.work == nil {
		return
	}
	close(b.work)
	<-b.done
	b.work, b.done = nil, nil
}

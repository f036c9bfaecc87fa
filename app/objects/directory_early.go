package objects

import "os"

// earlyEach is how much of a file is written before the system is told to bring it to the disk, in bytes.
const earlyEach = 8 << 20

// earlyWriter writes a file, of which what was written goes to the disk while the rest is still coming. Else all of it
// would wait in memory for the sync at the end, and the sender with it.
type earlyWriter struct {
	f *os.File
	// written is how much there is of the file, told how much of that the system was told of.
	written, told int64
	telling       chan struct{}
}

// Write implements io.Writer.
func (w *earlyWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.written += int64(n)
	if w.written-w.told >= earlyEach {
		w.tell()
	}
	return n, err
}

// tell tells the system of what is new, unless it is still busy with what was new before.
func (w *earlyWriter) tell() {
	if w.telling != nil {
		select {
		case <-w.telling:
		default:
			return
		}
	}
	telling, from, length := make(chan struct{}), w.told, w.written-w.told
	w.telling, w.told = telling, w.written
	go func() {
		defer close(telling)
		startWriting(w.f, from, length)
	}()
}

// wait waits until the system was told all that it is told. The file may be closed afterwards.
func (w *earlyWriter) wait() {
	if w.telling != nil {
		<-w.telling
	}
}

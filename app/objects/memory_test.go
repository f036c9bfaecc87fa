package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
)

// ownOf is the share of a Put that may hold so many blocks.
func ownOf(blocks int) chan struct{} { return make(chan struct{}, blocks) }

func TestBufferHoldsWhatCame(t *testing.T) {
	m := newMemory(8<<20, 1<<20, 0)
	b := m.buffer(ownOf(100))
	slow := errors.New("no more for now")
	end, err := b.fill(t.Context(), io.MultiReader(byteStream(100_000), failingReader{slow}), 1<<20)
	if end || !errors.Is(err, slow) {
		t.Fatalf("fill = %v, %v", end, err)
	}
	if got := len(m.common); got != 2 {
		t.Errorf("100,000 bytes take %d blocks of %d; want 2", got, blockSize)
	}
	b.release()
	if len(m.common) != 0 || len(m.first) != 0 {
		t.Errorf("after the release %d blocks are in use", len(m.common))
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestBufferReader(t *testing.T) {
	b := newMemory(8<<20, 1<<20, 0).buffer(ownOf(100))
	want, err := io.ReadAll(byteStream(3*blockSize + 5))
	if err != nil {
		t.Fatal(err)
	}
	if end, err := b.fill(t.Context(), bytes.NewReader(want), 1<<20); !end || err != nil {
		t.Fatalf("fill = %v, %v", end, err)
	}
	if got := checksumOf(want); b.sum() != got || b.size != int64(len(want)) {
		t.Errorf("the buffer has %d bytes, CRC-64 %016x; want %d, %016x", b.size, b.sum(), len(want), got)
	}
	r := b.reader()
	for range 2 { // as for a second attempt
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read %d bytes, %v; want %d", len(got), err, len(want))
		}
		if n, err := r.Seek(0, io.SeekStart); n != 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	if n, err := r.Seek(-5, io.SeekEnd); n != int64(len(want)-5) || err != nil {
		t.Errorf("Seek = %d, %v", n, err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want[len(want)-5:]) {
		t.Errorf("the last bytes are %q, %v", got, err)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("a seek before the beginning succeeds")
	}
	b.release()
	if n, err := r.Read(make([]byte, 10)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("a read after the release = %d, %v; want an error", n, err)
	}
}

func TestBufferWaits(t *testing.T) {
	// One part of four blocks goes first, four blocks are for all.
	m := newMemory(8*blockSize, 4*blockSize, 0)
	full := func() *buffer {
		t.Helper()
		b := m.buffer(ownOf(4))
		if _, err := b.fill(t.Context(), byteStream(4*blockSize), 4*blockSize); err != nil {
			t.Fatal(err)
		}
		return b
	}
	common, first := full(), full()
	if !first.first || common.first {
		t.Fatalf("the parts that go first are %v and %v; want the second alone", common.first, first.first)
	}
	left := errors.New("the caller left")
	ctx, leave := context.WithCancelCause(t.Context())
	third := m.buffer(ownOf(4))
	waited := make(chan error)
	go func() {
		_, err := third.fill(ctx, strings.NewReader("x"), 4*blockSize)
		waited <- err
	}()
	leave(left)
	if err := <-waited; !errors.Is(err, left) || len(third.own) != 0 {
		t.Errorf("fill without memory: %v, with %d blocks; want it to end with its context", err, len(third.own))
	}
	go func() {
		_, err := third.fill(t.Context(), strings.NewReader("x"), 4*blockSize)
		waited <- err
	}()
	first.release()
	if err := <-waited; err != nil || third.size != 1 {
		t.Errorf("fill with memory given back: %v, %d bytes", err, third.size)
	}
	common.release()
	third.release()

	own := ownOf(1)
	b := m.buffer(own)
	go func() {
		_, err := b.fill(t.Context(), byteStream(2*blockSize), 2*blockSize)
		waited <- err
	}()
	<-own // as if another part of the same Put were released
	if err := <-waited; err != nil || b.size != 2*blockSize {
		t.Errorf("fill with a block of the Put given back: %v, %d bytes", err, b.size)
	}
}

// A part of a Put that has failed already is not read any further, though there is memory for it.
func TestBufferOfFailedPut(t *testing.T) {
	b := newMemory(8<<20, 1<<20, 0).buffer(ownOf(100))
	failed := errors.New("a part failed")
	ctx, fail := context.WithCancelCause(t.Context())
	reads := 0
	_, err := b.fill(ctx, readFunc(func(p []byte) (int, error) {
		reads++
		fail(failed)
		return 1, nil
	}), 1<<20)
	if !errors.Is(err, failed) || reads != 1 {
		t.Errorf("fill = %v after %d reads; want the failure after the read that was under way", err, reads)
	}
	b.release()
}

// However many parts are filled at once, by however little memory: all become full, and no more memory is in use than
// there is.
func TestMemoryOfMany(t *testing.T) {
	const parts, partSize = 50, 8 * blockSize
	m := newMemory(2*partSize, partSize, partSize)
	var wg sync.WaitGroup
	for range parts {
		wg.Go(func() {
			b := m.buffer(ownOf(8))
			defer b.release()
			if _, err := b.fill(t.Context(), byteStream(partSize), partSize); err != nil {
				t.Errorf("fill: %v", err)
			}
		})
	}
	wg.Wait()
	if len(m.common) != 0 || len(m.first) != 0 || len(m.free) > 8 {
		t.Errorf("at the end %d blocks and %d parts are in use, %d kept; want none, none and 8 at most", len(m.common), len(m.first), len(m.free))
	}
}

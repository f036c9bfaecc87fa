package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	dossier "dossier.example/app"
)

// ownOf is the share of a Put that may hold so many blocks.
func ownOf(blocks int) chan struct{} { return make(chan struct{}, blocks) }

func TestBufferHoldsWhatCame(t *testing.T) {
	m := newMemory(8<<20, 1<<20, 0)
	b := m.buffer(ownOf(100), dossier.Sender{})
	slow := errors.New("no more for now")
	end, err := b.fill(t.Context(), io.MultiReader(byteStream(100_000), failingReader{slow}), 1<<20)
	if end || !errors.Is(err, slow) {
		t.Fatalf("fill = %v, %v", end, err)
	}
	if got := m.common; got != 2 {
		t.Errorf("100,000 bytes take %d blocks of %d; want 2", got, blockSize)
	}
	b.release()
	if m.common != 0 || m.first != 0 {
		t.Errorf("after the release %d blocks are in use", m.common)
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestBufferReader(t *testing.T) {
	b := newMemory(8<<20, 1<<20, 0).buffer(ownOf(100), dossier.Sender{})
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
		b := m.buffer(ownOf(4), dossier.Sender{})
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
	third := m.buffer(ownOf(4), dossier.Sender{})
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
	b := m.buffer(own, dossier.Sender{})
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
	b := newMemory(8<<20, 1<<20, 0).buffer(ownOf(100), dossier.Sender{})
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
			b := m.buffer(ownOf(8), dossier.Sender{})
			defer b.release()
			if _, err := b.fill(t.Context(), byteStream(partSize), partSize); err != nil {
				t.Errorf("fill: %v", err)
			}
		})
	}
	wg.Wait()
	if m.common != 0 || m.first != 0 || len(m.free) > 8 {
		t.Errorf("at the end %d blocks and %d parts are in use, %d kept; want none, none and 8 at most", m.common,
			m.first, len(m.free))
	}
}

// sender is one who sends some blocks and then nothing, until it is cut off.
type sender struct {
	dossier.Sender
	blocks int
	cut    chan struct{}
}

var errCut = errors.New("cut off")

func newSender(client string, blocks int) *sender {
	s := &sender{blocks: blocks, cut: make(chan struct{})}
	// The test cuts off who is left, while one of these may still be cut off for another.
	s.Sender = dossier.Sender{Client: client, Cut: sync.OnceFunc(func() { close(s.cut) })}
	return s
}

func (s *sender) Read(p []byte) (int, error) {
	if s.blocks > 0 {
		s.blocks--
		return len(p), nil
	}
	<-s.cut
	return 0, errCut
}

// impatient is memory of 16 blocks in parts of four, of which one goes first.
func impatient() *memory {
	m := newMemory(16*blockSize, 4*blockSize, 0)
	m.patience, m.stretch = time.Millisecond, time.Millisecond
	return m
}

// fill has a sender fill a part; the result is there when it ends.
func (s *sender) fill(t *testing.T, m *memory, ended chan<- error) {
	b := m.buffer(ownOf(4), s.Sender)
	_, err := b.fill(t.Context(), s, 4*blockSize)
	b.release()
	ended <- err
}

// holding waits until so many blocks are in use.
func (m *memory) holding(t *testing.T, common, first int) {
	t.Helper()
	for range 10_000 {
		m.mu.Lock()
		done := m.common == common && m.first == first
		m.mu.Unlock()
		if done {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d common blocks and %d parts are in use, want %d and %d", m.common, m.first, common, first)
}

// One client's slow senders hold half, whatever their number, so that others need not wait for them.
func TestMemoryOfOneClient(t *testing.T) {
	m := impatient()
	m.patience = time.Hour // nobody is cut off
	ended := make(chan error, 20)
	var slow []*sender
	for range 4 {
		s := newSender("a", 3)
		slow = append(slow, s)
		go s.fill(t, m, ended)
	}
	m.holding(t, 6, 1)
	for range 50 {
		full := newSender("b", 4)
		full.fill(t, m, ended)
		if err := <-ended; err != nil {
			t.Fatalf("another client: %v", err)
		}
	}
	for _, s := range slow {
		s.Cut()
	}
	for range slow {
		<-ended
	}
	m.holding(t, 0, 0)
	if len(m.clients) != 0 || len(m.filling) != 0 {
		t.Errorf("%d clients and %d senders are still known", len(m.clients), len(m.filling))
	}
}

// Slow senders of many clients make room for who needs it, also one of the same client, the client that holds most
// first.
func TestSlowSendersMakeRoom(t *testing.T) {
	for name, c := range map[string]struct {
		slow []string // their clients
		who  string
	}{
		"of many clients":      {[]string{"a", "b", "c", "d"}, "e"},
		"of the same client":   {[]string{"a", "a", "a"}, "a"},
		"of one among others":  {[]string{"a", "b", "b", "c", "d"}, "c"},
		"next to a fast of it": {[]string{"a", "b", "a", "b"}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			m := impatient()
			ended, fine := make(chan error, 20), make(chan error, 20)
			var slow []*sender
			for _, client := range c.slow {
				s := newSender(client, 3)
				slow = append(slow, s)
				go s.fill(t, m, ended)
			}
			for range 50 {
				newSender(c.who, 4).fill(t, m, fine)
				if err := <-fine; err != nil {
					t.Fatalf("who sends well: %v", err)
				}
			}
			for _, s := range slow {
				s.Cut()
			}
			for range slow {
				if err := <-ended; !errors.Is(err, errCut) {
					t.Errorf("a slow sender: %v", err)
				}
			}
			m.holding(t, 0, 0)
		})
	}
}

package web

import (
	"bytes"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// takingConnection takes each write after a pause, and notes the writes and the time that each was given.
type takingConnection struct {
	http.ResponseWriter
	pause    time.Duration
	deadline time.Time
	writes   []int
	given    []time.Duration
	bytes    bytes.Buffer
}

func (c *takingConnection) SetWriteDeadline(t time.Time) error { c.deadline = t; return nil }
func (c *takingConnection) Write(p []byte) (int, error) {
	c.writes, c.given = append(c.writes, len(p)), append(c.given, time.Until(c.deadline))
	time.Sleep(c.pause)
	return c.bytes.Write(p)
}

// Every client has the whole time for each 64 KiB. To one that has long been quick, more is written at once, which has
// as much more time, until it keeps a write waiting.
func TestPacedWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const idle, kib = 30 * time.Second, 1 << 10
		c := &takingConnection{}
		w := &pacedWriter{ResponseWriter: c, ctl: http.NewResponseController(c), idle: idle}
		chunk := make([]byte, 256*kib)
		for i := range chunk {
			chunk[i] = byte(i >> 8)
		}
		send := func(what string, writes ...int) {
			t.Helper()
			c.writes, c.given = nil, nil
			c.bytes.Reset()
			if n, err := w.Write(chunk); n != len(chunk) || err != nil {
				t.Fatalf("%s: wrote %d bytes of %d: %v", what, n, len(chunk), err)
			}
			if !bytes.Equal(c.bytes.Bytes(), chunk) {
				t.Errorf("%s: other bytes were written", what)
			}
			if !slices.Equal(c.writes, writes) {
				t.Errorf("%s: wrote pieces of %d bytes, want %d", what, c.writes, writes)
			}
			for i, given := range c.given {
				if want := idle * time.Duration(c.writes[i]) / (64 * kib); given != want {
					t.Errorf("%s: a piece of %d bytes was given %v, want %v", what, c.writes[i], given, want)
				}
			}
		}
		small := []int{64 * kib, 64 * kib, 64 * kib, 64 * kib}
		for sent := 0; sent < 16<<20; sent += len(chunk) {
			send("what the systems may keep on the way", small...)
		}
		send("a client that is quick", 256*kib)
		chunk = append(chunk, chunk...)
		send("more at once than a piece may have", 256*kib, 256*kib)
		chunk = chunk[:256*kib]
		c.pause = idle / 100
		send("a client that takes its time", 256*kib)
		c.pause = idle - 1
		send("one that keeps a write waiting", 256*kib)
		send("a slow client", small...)
		c.pause = 0
		send("one that is quick again", small...)
	})
}

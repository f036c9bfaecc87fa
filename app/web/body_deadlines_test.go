package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"dossier.example/app"
)

// slowConnection sends a byte after each pause, and keeps the deadline that is set, as a connection does.
type slowConnection struct {
	http.ResponseWriter
	pauses   []time.Duration
	deadline time.Time
}

func (c *slowConnection) SetReadDeadline(t time.Time) error { c.deadline = t; return nil }
func (c *slowConnection) Close() error                      { return nil }
func (c *slowConnection) Read(p []byte) (int, error) {
	if len(c.pauses) == 0 {
		return 0, io.EOF
	}
	ready := time.Now().Add(c.pauses[0])
	if ready.After(c.deadline) {
		time.Sleep(time.Until(c.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(time.Until(ready))
	c.pauses = c.pauses[1:]
	p[0] = 'x'
	return 1, nil
}

// A client may be as slow as it likes while it makes progress, up to the limit of the whole; one that pauses too long
// is told so at that moment.
func TestBodyDeadlines(t *testing.T) {
	const idle, whole = 30 * time.Second, time.Hour
	pauses := func(n int, d time.Duration) []time.Duration {
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = d
		}
		return all
	}
	tests := []struct {
		name   string
		pauses []time.Duration
		// ended is when the reading ends, timeout whether by a deadline.
		ended   time.Duration
		timeout bool
	}{
		{"slow and steady", pauses(100, 29*time.Second), 100 * 29 * time.Second, false},
		{"a pause too long", append(pauses(10, time.Second), 31*time.Second), 10*time.Second + idle, true},
		{"steady, but too slow in all", pauses(1000, 29*time.Second), whole, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				c := &slowConnection{ResponseWriter: httptest.NewRecorder(), pauses: test.pauses}
				b := &body{ctx: t.Context(), rc: c, ctl: http.NewResponseController(c), idle: idle,
					until: begun.Add(whole), length: -1}
				n, err := io.Copy(io.Discard, b)
				if took := time.Since(begun); took != test.ended {
					t.Errorf("the reading ended after %s, want %s", took, test.ended)
				}
				var coded *dossier.Error
				if timeout := errors.As(err, &coded) && coded.Code == codeTimeout; timeout != test.timeout {
					t.Errorf("error %v", err)
				}
				if !test.timeout && (n != int64(len(test.pauses)) || !c.deadline.IsZero()) {
					t.Errorf("read %d bytes, deadline %s afterwards", n, c.deadline)
				}
			})
		})
	}
}

// Whoever ends the request's context ends a read that waits for the client, and that is no timeout of the client's.
func TestBodyEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := &slowConnection{ResponseWriter: httptest.NewRecorder(),
			pauses: []time.Duration{time.Second, 20 * time.Second}}
		b := &body{ctx: ctx, rc: c, ctl: http.NewResponseController(c), idle: time.Minute,
			until: time.Now().Add(time.Hour), length: -1}
		if _, err := b.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		cancel()
		begun := time.Now()
		_, err := b.Read(make([]byte, 1))
		if !errors.Is(err, dossier.ErrMalformed) && !errors.Is(err, context.Canceled) || time.Since(begun) != 0 {
			t.Errorf("the read ended after %s with %v", time.Since(begun), err)
		}
	})
}

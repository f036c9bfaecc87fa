package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// body reads a request's body under deadlines: one for each read, so that a client that sends nothing does not hold a
// connection, and one for the whole. Its errors are coded, so that the sender's fault is never taken for a store's.
type body struct {
	// ctx is the request's. A read that waits for the client ends with it: the server ends it when it stops and its
	// patience is over.
	ctx  context.Context
	rc   io.ReadCloser
	ctl  *http.ResponseController
	idle time.Duration
	// until is when the whole must have arrived, most the time from its beginning to then; 0: not worth telling.
	until time.Time
	most  time.Duration
	// length is the Content-Length, -1 where unknown.
	length int64
	// expects: the client waits for a "100 Continue", which the first read sends.
	expects bool
	read    int64
	err     error // of the last read, for ever
	// pace is how fast it arrives. slow counts the time waited for the client since the last look at the rate, and what
	// came in it; least is how many bytes a second must come, 0 for no such bound.
	pace pace
	slow struct {
		waited time.Duration
		bytes  int64
	}
	least  int
	window time.Duration
	// unwatch ends the watch over ctx.
	unwatch func() bool

	mu sync.Mutex
	// ended: the connection is the server's again, or that of the next request. wanted: the room is needed for others.
	ended, wanted bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	deadline := time.Now().Add(b.idle)
	if deadline.After(b.until) {
		deadline = b.until
	}
	// A writer that has no deadlines is one of a test without a connection.
	_ = b.ctl.SetReadDeadline(deadline)
	if b.ctx.Err() != nil || b.unwanted() {
		// The end may have come before the deadline was put off again.
		b.interrupt()
	}
	begun := time.Now()
	n, err := b.rc.Read(p)
	now := time.Now()
	b.read += int64(n)
	b.pace.add(n, now)
	switch {
	case err == nil && b.tooSlow(n, now.Sub(begun)):
		b.err = dossier.Errorf(codeTimeout, nil,
			"The form arrived too slowly. Send it again over a better connection, or turn JavaScript on: files are then "+
				"sent in parts, and resume.")
	case err == nil:
		return n, nil
	case err == io.EOF:
		b.err = io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded) && b.unwanted():
		b.err = &dossier.Error{Code: codeBusy}
	case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(deadline):
		// By interrupt. The context alone does not tell: net/http ends it after every failed read.
		b.err = malformed(context.Canceled,
			"The form broke off before its end. Nothing of it is confirmed. Send it again.")
	case errors.Is(err, os.ErrDeadlineExceeded) && b.most > 0 && !time.Now().Before(b.until):
		b.err = dossier.Errorf(codeTimeout, err,
			"The form did not arrive in time: it has %s. Send it again with fewer or smaller files, or turn "+
				"JavaScript on: "+
				"files are then sent in parts, and resume.", inWords(b.most))
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.err = dossier.Errorf(codeTimeout, err,
			"The form did not arrive in time. Check your connection and send it again.")
	default:
		b.err = malformed(err, "The form broke off before its end. Nothing of it is confirmed. Send it again.")
	}
	if b.err == io.EOF {
		// From here on the server watches the connection on its own, to notice a client that leaves. The deadline would
		// end that watch and cancel the request.
		b.end()
	}
	return n, b.err
}

// tooSlow reports, once in each window, whether less came than must. Time in which nobody waited for the client does
// not count: the store may be slow as well.
func (b *body) tooSlow(n int, waited time.Duration) bool {
	if b.least == 0 {
		return false
	}
	b.slow.bytes += int64(n)
	if b.slow.waited += waited; b.slow.waited < b.window {
		return false
	}
	slow := float64(b.slow.bytes) < float64(b.least)*b.slow.waited.Seconds()
	b.slow.waited, b.slow.bytes = 0, 0
	return slow
}

// atLeast has the body arrive with so many bytes a second on average over each window.
func (b *body) atLeast(rate int, window time.Duration) { b.least, b.window = rate, window }

// cut ends the body early because its room is needed. Any goroutine may call it, at any time.
func (b *body) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.wanted = true
		b.interrupt()
	}
}

func (b *body) unwanted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wanted
}

// end leaves the connection to the server.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	_ = b.ctl.SetReadDeadline(time.Time{})
}

// release ends what watches over the body. It must be called before the connection serves another request.
func (b *body) release() {
	b.unwatch()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// interrupt ends a read that is under way, and those to come.
func (b *body) interrupt() { _ = b.ctl.SetReadDeadline(time.Unix(1, 0)) }

// fault returns why the body could not be read to its end, if so.
func (b *body) fault() error {
	if b.err == io.EOF {
		return nil
	}
	return b.err
}

// Close implements io.Closer.
func (b *body) Close() error { return b.rc.Close() }

// within brings the end of the whole nearer.
func (b *body) within(d time.Duration) {
	if t := time.Now().Add(d); t.Before(b.until) {
		b.until = t
	}
}

// small brings the end of the whole nearer for a form that has nothing to send in parts.
func (b *body) small(d time.Duration) {
	b.within(d)
	b.most = 0
}

// drain reads and drops what is left, at most limit bytes for at most d, and reports whether the end was reached.
func (b *body) drain(limit int64, d time.Duration) bool {
	switch {
	case b.err != nil:
		return b.err == io.EOF
	case !b.sending():
		// The client has not begun to send, and need not.
		return false
	case b.length >= 0 && b.length-b.read > limit:
		// It would be read in vain.
		return false
	}
	b.within(d)
	_, _ = io.CopyN(io.Discard, b, limit)
	if b.err == nil {
		// Exactly limit bytes may have been the whole.
		var one [1]byte
		_, _ = b.Read(one[:])
	}
	return b.err == io.EOF
}

// sending reports whether the client has begun to send, or will without being asked to.
func (b *body) sending() bool { return !b.expects || b.read > 0 }

// linger has the server close the connection in two steps: first its own direction, and the other half a second later.
// Closed at once while bytes come that nobody reads, it would be reset, and that may take the answer from the client.
// net/http does so for requests that went over a limit of http.MaxBytesReader, and offers no other way to ask for it.
func linger(w http.ResponseWriter) {
	over := http.MaxBytesReader(w, io.NopCloser(strings.NewReader("x")), 0)
	_, _ = over.Read(make([]byte, 1))
}

// receive puts the request's body under deadlines and sees to it that every answer, whoever gives it, waits until the
// body is read: a browser that is still sending when the connection closes shows a connection error, not the page.
func (s *Server) receive(c echo.Context) *body {
	req, res := c.Request(), c.Response()
	connection := res.Writer
	if paced, ok := connection.(*pacedWriter); ok {
		connection = paced.ResponseWriter
	}
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	b := &body{
		ctx: req.Context(),
		rc:  req.Body, ctl: http.NewResponseController(res.Writer), idle: s.o.IdleTimeout,
		until: time.Now().Add(s.o.BodyTimeout), most: s.o.BodyTimeout, length: req.ContentLength,
		expects: strings.EqualFold(req.Header.Get("Expect"), "100-continue"),
	}
	req.Body = b
	b.unwatch = context.AfterFunc(b.ctx, b.interrupt)
	res.Before(func() {
		if b.drain(s.o.DrainBytes, s.o.DrainTime) {
			return
		}
		res.Header().Set("Connection", "close")
		// Else the server would look for the end of the body once more, and wait for a client that sends nothing.
		_ = b.ctl.SetReadDeadline(time.Now())
		if b.sending() {
			linger(connection)
		}
	})
	return b
}

// bodyKey is where a request's *body is found; absent where it has none.
const bodyKey = "body"

func bodyOf(c echo.Context) *body {
	b, _ := c.Get(bodyKey).(*body)
	return b
}

// pacedWriter gives every piece that it writes a deadline of its own, so that a client that takes nothing does not hold
// a connection, and one that takes slowly may. A quick client gets larger pieces, since each wakes the client and takes
// its own call of the system.
type pacedWriter struct {
	http.ResponseWriter
	ctl  *http.ResponseController
	idle time.Duration
	pace pace
	// quick is how many bytes the client took since it last kept a write waiting.
	quick int64

	mu sync.Mutex
	// ended: the connection is the server's again. wanted: the room is needed for others.
	ended, wanted bool
}

const (
	// pacedPiece is how many bytes every client has the whole of Options.IdleTimeout for.
	pacedPiece = 64 << 10
	// pacedMost is how many bytes a quick client gets at once at most: what the writer of an archive has at a time.
	pacedMost = 4 * pacedPiece
	// pacedQuick is how many bytes a client must have taken to count as quick: more than the systems of both sides keep
	// on the way by default on Linux, 4 MiB and 6 MiB (net.ipv4.tcp_wmem and tcp_rmem), which any client seems to take
	// at once.
	pacedQuick = 16 << 20
	// pacedWait is the part of Options.IdleTimeout that a quick client takes at most for a write.
	pacedWait = 64
)

// pacedKey is where a request's *pacedWriter is found.
const pacedKey = "paced"

func pacedOf(c echo.Context) *pacedWriter { return c.Get(pacedKey).(*pacedWriter) }

// deadline is that of the next write, of n bytes. A client that is quick no more has as long for each piece as others.
func (w *pacedWriter) deadline(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.wanted {
		pieces := max(1, (n+pacedPiece-1)/pacedPiece)
		_ = w.ctl.SetWriteDeadline(time.Now().Add(time.Duration(pieces) * w.idle))
	}
}

// cut ends the answer early because its room is needed. Any goroutine may call it, at any time.
func (w *pacedWriter) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.wanted = true
		_ = w.ctl.SetWriteDeadline(time.Unix(1, 0))
	}
}

// release ends what may cut the answer off. It must be called before the connection serves another request.
func (w *pacedWriter) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}

func (w *pacedWriter) WriteHeader(status int) {
	w.deadline(0)
	w.ResponseWriter.WriteHeader(status)
}

func (w *pacedWriter) Write(p []byte) (int, error) {
	for written := 0; ; {
		most := pacedPiece
		if w.quick >= pacedQuick {
			most = pacedMost
		}
		piece := p[written:min(written+most, len(p))]
		begun := time.Now()
		w.deadline(len(piece))
		n, err := w.ResponseWriter.Write(piece)
		now := time.Now()
		w.pace.add(n, now)
		if w.quick += int64(n); now.Sub(begun) > w.idle/pacedWait {
			w.quick = 0
		}
		if written += n; err != nil || written == len(p) {
			return written, err
		}
	}
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

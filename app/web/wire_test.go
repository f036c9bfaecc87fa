package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// wire is a connection on which a test writes and reads what it likes.
type wire struct {
	*net.TCPConn
	s *site
	r *bufio.Reader
}

func (s *site) dial() *wire {
	s.t.Helper()
	c, err := net.DialTimeout("tcp", s.addr, patience)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &wire{c.(*net.TCPConn), s, bufio.NewReader(c)}
}

// head writes a request's head.
func (w *wire) head(method, path string, header ...string) {
	w.s.t.Helper()
	w.write(method + " " + path + " HTTP/1.1\r\nHost: " + w.s.addr + "\r\n" + strings.Join(header, "\r\n") + "\r\n\r\n")
}

// postHead writes the head of a form with a body of that length.
func (w *wire) postHead(length int) {
	w.s.t.Helper()
	w.head("POST", "/submissions", "Content-Type: "+formType, fmt.Sprintf("Content-Length: %d", length))
}

func (w *wire) write(text string) {
	w.s.t.Helper()
	if _, err := io.WriteString(w.TCPConn, text); err != nil {
		w.s.t.Fatalf("the server does not take what is sent: %v", err)
	}
}

// answer reads the answer; interim is whether a "100 Continue" came first.
func (w *wire) answer() (a answer, interim bool) {
	w.s.t.Helper()
	req := &http.Request{Method: http.MethodPost}
	for {
		res, err := http.ReadResponse(w.r, req)
		if err != nil {
			w.s.t.Fatalf("no answer came: %v", err)
		}
		if res.StatusCode != http.StatusContinue {
			return w.s.read(res), interim
		}
		interim = true
	}
}

// mustEnd checks that the server closes the connection, in order and not by a reset, and sends nothing more.
func (w *wire) mustEnd() {
	w.s.t.Helper()
	if n, err := io.Copy(io.Discard, w.r); n != 0 || err != nil {
		w.s.t.Errorf("after the answer came %d bytes and %v, want the end of the connection", n, err)
	}
}

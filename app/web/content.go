package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"dossier.example/app"
)

// content is a stored file as http.ServeContent wants it. The store is opened when the first byte is read, at the place
// where it is read.
type content struct {
	ctx  context.Context
	svc  *dossier.Service
	file dossier.File
	to   dossier.Audience
	// from and length are the one range that the request asks for, so that the store need not send more; length -1
	// where it asks for none, or an open one. Only a hint: the client may yet get another part.
	from, length int64

	pos   int64 // of the next byte for Read
	open  io.ReadCloser
	first []byte // read ahead by prime
	err   error  // of the store, for ever
}

// Seek implements io.Seeker.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.pos
	case io.SeekEnd:
		offset += c.file.Content.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	if offset != c.pos {
		c.close()
		c.pos = offset
	}
	return offset, nil
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		c.pos += int64(n)
		return n, nil
	}
	n, err := c.fetch(p)
	c.pos += int64(n)
	return n, err
}

// fetch reads from the store at pos.
func (c *content) fetch(p []byte) (int, error) {
	size := c.file.Content.Size
	for empty := 0; ; {
		switch {
		case c.err != nil:
			return 0, c.err
		case c.pos >= size:
			return 0, io.EOF
		case c.open == nil:
			length := int64(-1)
			if c.pos == c.from {
				length = c.length
			}
			if c.open, c.err = c.svc.Open(c.ctx, c.file, c.to, c.pos, length); c.err != nil {
				return 0, c.err
			}
		}
		n, err := c.open.Read(p)
		switch {
		case n > 0:
			return n, nil
		case err == io.EOF:
			c.close()
			// The end of a bounded read is no end; of an unbounded one, or of one that gave nothing, it is an end too
			// early.
			c.from, c.length = -1, -1
			if empty++; empty > 1 {
				c.err = fmt.Errorf("file %s of person %s ends at byte %d of %d", c.file.ID, c.file.Person, c.pos, size)
			}
		case err != nil:
			c.err = fmt.Errorf("read object: %w", err)
		}
	}
}

// prime reads the first bytes at pos.
func (c *content) prime() {
	if c.pos >= c.file.Content.Size {
		return
	}
	buf := make([]byte, 4<<10)
	n, _ := c.fetch(buf)
	c.first = buf[:n]
}

func (c *content) close() {
	c.first = nil
	if c.open != nil {
		// Reading only: what Close could say changes nothing.
		_ = c.open.Close()
		c.open = nil
	}
}

// primedWriter reads the first bytes of the content before the status goes out, so that a store that is down is a page
// and not a download that breaks off.
type primedWriter struct {
	*echo.Response
	content *content
	head    bool
}

func (w *primedWriter) WriteHeader(status int) {
	if !w.head && (status == http.StatusOK || status == http.StatusPartialContent) {
		w.content.prime()
		if w.content.err != nil {
			return
		}
	}
	// http.ServeContent takes it off where it refuses a range.
	w.Header().Set("Cache-Control", fileCaching)
	w.Response.WriteHeader(status)
}

func (w *primedWriter) Write(p []byte) (int, error) {
	if w.content.err != nil {
		return 0, w.content.err
	}
	return w.Response.Write(p)
}

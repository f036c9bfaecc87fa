package web

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"dossier.example/app"
)

const (
	// maxPartHeaderBytes bounds what stands outside of the parts' contents: before the first part, behind the last, and
	// each part's header with its file name.
	maxPartHeaderBytes = 64 << 10
	// bodyBuffer is how much is read from the connection at once. It is also the longest line of a part's header.
	bodyBuffer = maxPartHeaderBytes
)

// multipartReader splits a multipart body (RFC 2046, section 5.1.1) into parts, in bounded memory. The standard
// library's reader refuses a body in which a file's name holds a control character; browsers send such a name as it is,
// and one odd name must not lose a submission.
type multipartReader struct {
	r *bufio.Reader
	// src is what r reads from.
	src *returning
	// large tells that the current part is read in large pieces: into these, past r.
	large bool
	// delimiter is the line break, dashes and boundary that end a part's content. As the RFC has it, what begins like
	// that is a delimiter, whatever follows.
	delimiter []byte
	// ready is how many bytes in the buffer are known to be content; last tells that the delimiter follows them.
	ready int
	last  bool
	// bare tells that the delimiter is without its line break.
	bare bool
}

// newMultipartReader returns a reader that stands in the preamble, which reads like a part's content.
func newMultipartReader(r io.Reader, boundary string) *multipartReader {
	// The first delimiter may be the very beginning: it gets the line break that the others have.
	src := &returning{r: io.MultiReader(strings.NewReader("\r\n"), r)}
	return &multipartReader{r: bufio.NewReaderSize(src, bodyBuffer), src: src, delimiter: []byte("\r\n--" + boundary)}
}

// Read reads the content of the current part; io.EOF at its delimiter.
func (m *multipartReader) Read(p []byte) (int, error) {
	m.large = m.large || len(p) >= bodyBuffer
	if m.large && m.ready == 0 && !m.last && m.undecided() < min(len(m.delimiter), len(p)) {
		if n := m.readPast(p); n > 0 {
			return n, nil
		}
	}
	if err := m.scan(); err != nil {
		return 0, err
	}
	if m.ready == 0 {
		return 0, io.EOF
	}
	n, err := m.r.Read(p[:min(len(p), m.ready)])
	m.ready -= n
	return n, err
}

// undecided is how many bytes were read of which it is not known whether they are content.
func (m *multipartReader) undecided() int { return m.r.Buffered() + len(m.src.back) }

// readPast reads content from the connection into p itself, which saves copying it. What may be a delimiter, and what
// comes after it, is given back, and so is an error; where there is nothing else, it returns 0.
func (m *multipartReader) readPast(p []byte) int {
	n := 0
	if m.r.Buffered() > 0 {
		n, _ = m.r.Read(p[:m.r.Buffered()]) // no more than is there
	}
	for {
		more, err := m.src.Read(p[n:])
		n += more
		if i := bytes.Index(p[:n], m.delimiter); i >= 0 {
			m.src.giveBack(p[i:n])
			return i
		}
		sure := n - m.begun(p[:n])
		if sure > 0 || err != nil || n == len(p) {
			m.src.giveBack(p[sure:n])
			return sure
		}
	}
}

// begun returns how many of the last bytes may be the beginning of a delimiter.
func (m *multipartReader) begun(p []byte) int {
	end := p[max(0, len(p)-len(m.delimiter)+1):]
	for {
		i := bytes.IndexByte(end, m.delimiter[0])
		if i < 0 {
			return 0
		}
		if end = end[i:]; bytes.HasPrefix(m.delimiter, end) {
			return len(end)
		}
		end = end[1:]
	}
}

// returning is a reader to which bytes can be given back.
type returning struct {
	r    io.Reader
	back []byte
	err  error // of r, for ever, after back
}

// Read implements io.Reader.
func (r *returning) Read(p []byte) (n int, err error) {
	switch {
	case len(r.back) > 0:
		n = copy(p, r.back)
		if r.back = r.back[n:]; len(r.back) == 0 {
			r.back = nil
		}
		return n, nil
	case r.err != nil:
		return 0, r.err
	}
	n, r.err = r.r.Read(p)
	return n, r.err
}

// giveBack has p, which was read last, read once more. Nothing of what was given back before may be left.
func (r *returning) giveBack(p []byte) {
	r.back = bytes.Clone(p)
}

// scan looks for content in the buffer, and fills it until there is some or the delimiter. The error of a body that
// ends before is io.ErrUnexpectedEOF.
func (m *multipartReader) scan() error {
	for m.ready == 0 && !m.last {
		buffered, _ := m.r.Peek(m.r.Buffered())
		if i := bytes.Index(buffered, m.delimiter); i >= 0 {
			m.ready, m.last = i, true
			break
		}
		// The delimiter may have begun in the last bytes.
		if m.ready = len(buffered) - len(m.delimiter) + 1; m.ready > 0 {
			break
		}
		m.ready = 0
		if _, err := m.r.Peek(len(buffered) + 1); err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// next moves from the end of a part's content to the content of the next part and returns its Content-Disposition;
// io.EOF behind the last.
func (m *multipartReader) next() (disposition string, err error) {
	length := len(m.delimiter)
	if m.bare {
		length -= len("\r\n")
	}
	if _, err := m.r.Discard(length); err != nil {
		return "", unexpected(err)
	}
	m.last, m.bare, m.large = false, false, false
	left := maxPartHeaderBytes
	switch line, err := m.line(&left); {
	case bytes.HasPrefix(line, []byte("--")):
		// The end need not be a whole line.
		return "", io.EOF
	case err != nil:
		return "", err
	case len(bytes.Trim(line, " \t")) != 0:
		return "", errors.New("a boundary is followed by something else")
	}
	last := ""
	for {
		line, err := m.line(&left)
		if err != nil {
			return "", err
		}
		if len(line) == 0 {
			// A part without content may leave out the line break of its delimiter: the RFC takes the header's for it.
			dashes := m.delimiter[len("\r\n"):]
			if start, _ := m.r.Peek(len(dashes)); bytes.Equal(start, dashes) {
				m.last, m.bare = true, true
			}
			return strings.TrimSpace(disposition), nil
		}
		key, value, ok := strings.Cut(string(line), ":")
		switch {
		case line[0] == ' ' || line[0] == '\t': // folded
			value = string(line)
			if last == "" {
				return "", errors.New("a part's header begins with a folded line")
			}
		case !ok:
			return "", errors.New("a line of a part's header is none")
		default:
			last = strings.ToLower(key)
			if last == "content-disposition" && disposition != "" {
				return "", errors.New("a part's header has two dispositions")
			}
		}
		if last == "content-disposition" {
			disposition += value
		}
	}
}

// line reads a line outside of content and returns it without its end, also where the body ends first. It is valid
// until the next read. left is how many bytes more may be read.
func (m *multipartReader) line(left *int) ([]byte, error) {
	line, err := m.r.ReadSlice('\n')
	if *left -= len(line); *left < 0 || errors.Is(err, bufio.ErrBufferFull) {
		return nil, tooLong()
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), unexpected(err)
}

// rest drops what stands behind the last part.
func (m *multipartReader) rest() error {
	switch _, err := io.CopyN(io.Discard, m.r, maxPartHeaderBytes); err {
	case nil:
		return tooLong()
	case io.EOF:
		return nil
	default:
		return err
	}
}

func tooLong() error {
	return malformed(nil, "The form has a part whose header is longer than %s, or something before its beginning or "+
		"after its end.",
		dossier.FormatLimit(maxPartHeaderBytes))
}

// unexpected returns an error of reading in a place where the body may not end.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

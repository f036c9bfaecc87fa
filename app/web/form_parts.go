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
	r = io.MultiReader(strings.NewReader("\r\n"), r)
	return &multipartReader{r: bufio.NewReaderSize(r, bodyBuffer), delimiter: []byte("\r\n--" + boundary)}
}

// Read reads the content of the current part; io.EOF at its delimiter.
func (m *multipartReader) Read(p []byte) (int, error) {
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
	m.last, m.bare = false, false
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

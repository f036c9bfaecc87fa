// Package scanner asks scanners for malware about stored files: dossier.Scanner, over ClamAV's daemon, and over Amazon
// GuardDuty, which reads the bucket by itself.
//
// It stands apart from the domain as stores do. A scanner is given the bytes of a file, or the key of its object, and
// nothing else of it: no name, no person.
package scanner

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	dossier "dossier.example/app"
)

var _ dossier.Scanner = (*Clamd)(nil)

// Clamd is ClamAV's daemon, reached over its socket by the command INSTREAM
// (https://docs.clamav.net/manual/Usage/Scanning.html#clamd).
//
// # How it must be set up
//
// AlertEncrypted and AlertExceedsMax must be on: without them clamd says OK of an archive that it cannot open, and of
// what exceeds its limits. Ping sends such files and refuses a clamd that lets them pass, and one that does not know
// the EICAR test file, whose signatures are therefore not ClamAV's own. HeuristicScanPrecedence must be off, as it is
// by default: else what it cannot open hides what it found.
//
// # What is not promised
//
// clamd looks only so far into HTML, scripts and the like (MaxHTMLNormalize, MaxScriptNormalize, MaxEmbeddedPE and
// others) and says nothing of it.
type Clamd struct {
	network, address string
	config           ClamdConfig

	mu sync.Mutex
	// proven is when clamd last found what it has to find.
	proven time.Time
}

// ClamdConfig says how long clamd may take. Zero values have defaults.
type ClamdConfig struct {
	// Timeout bounds what clamd does at once: to take a connection, some bytes, or to answer a PING. Default 10
	// seconds.
	Timeout time.Duration
	// Scan bounds the wait for a verdict after the last byte, where the context does not. Default 10 minutes.
	Scan time.Duration
	// Prove is how often Ping has clamd find what it has to find. Default 10 minutes.
	Prove time.Duration
}

// NewClamd returns the clamd at a socket: "unix:" and a path, or "tcp:", a host and a port. Nothing is asked of it yet.
func NewClamd(socket string, c ClamdConfig) *Clamd {
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Scan == 0 {
		c.Scan = 10 * time.Minute
	}
	if c.Prove == 0 {
		c.Prove = 10 * time.Minute
	}
	network, address, _ := strings.Cut(socket, ":")
	return &Clamd{network: network, address: address, config: c}
}

const (
	// chunk is how many bytes are sent at once.
	chunk = 64 << 10
	// longestReply is more than any that clamd gives.
	longestReply = 4 << 10
)

// Ping implements dossier.Scanner.
func (c *Clamd) Ping(ctx context.Context) error {
	reply, err := c.command(ctx, "zPING\x00")
	if err == nil && reply != "PONG" {
		err = fmt.Errorf("it answered %q to PING", reply)
	}
	if err != nil {
		return dossier.Unavailable(ctx, "ask clamd", err)
	}
	c.mu.Lock()
	fresh := time.Since(c.proven) < c.config.Prove
	c.mu.Unlock()
	if fresh {
		return nil
	}
	if err := c.prove(ctx); err != nil {
		return dossier.Unavailable(ctx, "have clamd find what it has to find", err)
	}
	c.mu.Lock()
	c.proven = time.Now()
	c.mu.Unlock()
	return nil
}

// prove sends what clamd must not call clean.
func (c *Clamd) prove(ctx context.Context) error {
	encrypted, err := encryptedZIP()
	if err != nil {
		return err
	}
	nested, err := nestedZIP()
	if err != nil {
		return err
	}
	for _, p := range []struct {
		what   string
		bytes  []byte
		want   dossier.ScanState
		remedy string
	}{
		{"the EICAR test file", eicar(), dossier.ScanInfected, "its signatures are missing: run freshclam"},
		{"an encrypted archive", encrypted, dossier.ScanNone, "set AlertEncrypted to yes in clamd.conf"},
		{"an archive that is nested too deeply", nested, dossier.ScanNone, "set AlertExceedsMax to yes in clamd.conf"},
	} {
		v, err := c.scan(ctx, bytes.NewReader(p.bytes))
		if err != nil {
			return fmt.Errorf("send %s: %w", p.what, err)
		}
		if v.State != p.want {
			return fmt.Errorf("it does not report %s; %s", p.what, p.remedy)
		}
	}
	return nil
}

// Scan implements dossier.Scanner. It reads r to its end, unless clamd refuses it before.
func (c *Clamd) Scan(ctx context.Context, _ string, r io.Reader) (dossier.Verdict, error) {
	v, err := c.scan(ctx, r)
	if err != nil {
		return dossier.Verdict{}, dossier.Unavailable(ctx, "have clamd scan a file", err)
	}
	return v, nil
}

func (c *Clamd) scan(ctx context.Context, r io.Reader) (dossier.Verdict, error) {
	conn, done, err := c.dial(ctx)
	if err != nil {
		return dossier.Verdict{}, err
	}
	defer done()
	// Read while bytes are sent: clamd refuses a stream in the middle, and closes it.
	type answer struct {
		text string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		text, err := readReply(conn)
		answered <- answer{text, err}
	}()
	sent := c.stream(conn, r)
	if sent == nil {
		if err := conn.SetReadDeadline(time.Now().Add(c.config.Scan)); err != nil {
			sent = err
		}
	}
	if fault := (*readError)(nil); errors.As(sent, &fault) {
		_ = conn.Close() // the stream has no end, so clamd has no verdict
		<-answered
		return dossier.Verdict{}, fault.error
	}
	if sent != nil {
		// What it said before it hung up, if anything.
		_ = conn.SetReadDeadline(time.Now().Add(c.config.Timeout))
	}
	a := <-answered
	if a.err != nil {
		return dossier.Verdict{}, errors.Join(sent, a.err, ctx.Err())
	}
	v, err := parseReply(a.text)
	if err == nil && sent != nil && v.State == dossier.ScanClean {
		err = fmt.Errorf("it answered %q before the end of the file: %w", a.text, sent)
	}
	return v, err
}

// readError is a failure of what is scanned, not of clamd.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

// stream sends a file in chunks, each after its length; one of no length is the end.
func (c *Clamd) stream(conn net.Conn, r io.Reader) error {
	buf := make([]byte, 4+chunk)
	send := func(b []byte) error {
		if err := conn.SetWriteDeadline(time.Now().Add(c.config.Timeout)); err != nil {
			return err
		}
		_, err := conn.Write(b)
		return err
	}
	if err := send([]byte("zINSTREAM\x00")); err != nil {
		return err
	}
	for {
		n, err := r.Read(buf[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(buf, uint32(n))
			if err := send(buf[:4+n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return send(make([]byte, 4))
		case err != nil:
			return &readError{err}
		}
	}
}

// command sends a command that has a reply of one line.
func (c *Clamd) command(ctx context.Context, command string) (string, error) {
	conn, done, err := c.dial(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	if err := conn.SetDeadline(time.Now().Add(c.config.Timeout)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, command); err != nil {
		return "", err
	}
	return readReply(conn)
}

// dial connects. The connection is closed by done, and at once when ctx ends.
func (c *Clamd) dial(ctx context.Context) (conn net.Conn, done func(), err error) {
	limited, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	if conn, err = new(net.Dialer).DialContext(limited, c.network, c.address); err != nil {
		return nil, nil, fmt.Errorf("connect to clamd: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, func() { stop(); _ = conn.Close() }, nil
}

// readReply reads up to the zero that ends a reply.
func readReply(r io.Reader) (string, error) {
	var reply []byte
	for buf := make([]byte, 512); ; {
		n, err := r.Read(buf)
		if text, _, ended := bytes.Cut(buf[:n], []byte{0}); ended {
			return string(append(reply, text...)), nil
		}
		reply = append(reply, buf[:n]...)
		switch {
		case err == io.EOF:
			return "", fmt.Errorf("clamd hung up: %w", io.ErrUnexpectedEOF)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "", errors.New("clamd did not answer in time")
		case err != nil:
			return "", err
		case len(reply) > longestReply:
			return "", errors.New("clamd's answer is too long")
		}
	}
}

// What begins the name of what clamd found where it did not look at the whole.
var notWhole = []string{"Heuristics.Limits.Exceeded", "Heuristics.Encrypted."}

// parseReply returns what a reply to INSTREAM says. Only the one of a file that was looked at whole is clean.
func parseReply(reply string) (dossier.Verdict, error) {
	said, ofStream := strings.CutPrefix(reply, "stream: ")
	if found, ok := strings.CutSuffix(said, " FOUND"); ok && ofStream && found != "" {
		for _, prefix := range notWhole {
			if strings.HasPrefix(found, prefix) {
				return dossier.Verdict{State: dossier.ScanNone, Detail: found}, nil
			}
		}
		return dossier.Verdict{State: dossier.ScanInfected, Detail: found}, nil
	}
	switch {
	case reply == "stream: OK":
		return dossier.Verdict{State: dossier.ScanClean}, nil
	case strings.TrimRight(said, " ") == "INSTREAM size limit exceeded. ERROR":
		return dossier.Verdict{State: dossier.ScanNone, Detail: "larger than clamd's StreamMaxLength"}, nil
	}
	return dossier.Verdict{}, fmt.Errorf("unknown answer from clamd: %.200q", reply)
}

// eicar returns the test file that every scanner has to report (https://www.eicar.org/download-anti-malware-testfile/).
// It stands here in two pieces, so that none reports this program.
func eicar() []byte {
	return []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`)
}

// encryptedZIP returns an archive whose file is marked as encrypted.
func encryptedZIP() ([]byte, error) {
	b, err := zipOf("secret.txt", bytes.Repeat([]byte("not to be read "), 8))
	if err != nil {
		return nil, err
	}
	// Bit 0 of the flags, in the local header and in the directory (APPNOTE.TXT, 4.4.4).
	b[6] |= 1
	b[bytes.Index(b, []byte("PK\x01\x02"))+8] |= 1
	return b, nil
}

// nestedZIP returns an archive in an archive, again and again: one level more than clamd can be set to look at.
func nestedZIP() ([]byte, error) {
	b := []byte("the innermost")
	for range 101 {
		var err error
		if b, err = zipOf("a", b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func zipOf(name string, content []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = w.Write(content)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("make an archive: %w", err)
	}
	return b.Bytes(), nil
}

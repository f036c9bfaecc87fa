package scanner

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	dossier "dossier.example/app"
	"dossier.example/app/internal/servers"
)

func zipped(t *testing.T, name, content string) string {
	t.Helper()
	b, err := zipOf(name, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestClamd(t *testing.T) {
	server := servers.StartClamd(t, "StreamMaxLength 3M", "MaxFileSize 2M", "MaxScanSize 4M")
	c := NewClamd(server.Socket, ClamdConfig{})
	if err := c.Ping(t.Context()); err != nil {
		t.Fatalf("Ping: %v", err)
	}
	encrypted, err := encryptedZIP()
	if err != nil {
		t.Fatal(err)
	}
	nested, err := nestedZIP()
	if err != nil {
		t.Fatal(err)
	}
	random := strings.Repeat("nothing of interest. ", 1<<20/21)
	for name, test := range map[string]struct {
		bytes  string
		state  dossier.ScanState
		detail string
	}{
		"nothing":                {"", dossier.ScanClean, ""},
		"text":                   {"Dear Sir or Madam", dossier.ScanClean, ""},
		"many chunks":            {random, dossier.ScanClean, ""},
		"a signature":            {"x" + servers.ClamdSignature + "y", dossier.ScanInfected, "TestMarker.UNOFFICIAL"},
		"a signature after many": {random + servers.ClamdSignature, dossier.ScanInfected, "TestMarker.UNOFFICIAL"},
		"EICAR":                  {string(eicar()), dossier.ScanInfected, "Eicar-Test-Signature.UNOFFICIAL"},
		"a signature in an archive": {zipped(t, "a", servers.ClamdSignature), dossier.ScanInfected,
			"TestMarker.UNOFFICIAL"},
		"an encrypted archive":   {string(encrypted), dossier.ScanNone, "Heuristics.Encrypted.Zip"},
		"an archive in archives": {string(nested), dossier.ScanNone, "Heuristics.Limits.Exceeded.MaxRecursion"},
		"more than a file may have": {random + random + random[:1<<19], dossier.ScanNone,
			"Heuristics.Limits.Exceeded.MaxFileSize"},
		"more than a stream may have": {random + random + random + random, dossier.ScanNone,
			"larger than clamd's StreamMaxLength"},
		"more within an archive than it looks at": {zipped(t, "a", random+random+random[:1<<19]), dossier.ScanNone,
			"Heuristics.Limits.Exceeded.MaxFileSize"},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, r := range map[string]io.Reader{"at once": strings.NewReader(test.bytes),
				"by halves":            iotest.HalfReader(strings.NewReader(test.bytes)),
				"to an end with bytes": iotest.DataErrReader(strings.NewReader(test.bytes))} {
				v, err := c.Scan(t.Context(), "files/a/b", r)
				if err != nil || v.State != test.state || v.Detail != test.detail {
					t.Errorf("Scan of what comes %s: %+v, %v; want %s, %q", kind, v, err, test.state, test.detail)
				}
			}
		})
	}

	t.Run("a store that fails is told as that", func(t *testing.T) {
		fault := errors.New("the disk is gone")
		_, err := c.Scan(t.Context(), "", io.MultiReader(strings.NewReader(random), iotest.ErrReader(fault)))
		if !errors.Is(err, fault) {
			t.Errorf("Scan: %v, want the reader's error", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		server.Pause()
		defer server.Resume()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := c.Scan(ctx, "", strings.NewReader("a")); !errors.Is(err, context.Canceled) {
			t.Errorf("Scan: %v, want context.Canceled", err)
		}
	})
	t.Run("it does not answer", func(t *testing.T) {
		server.Pause()
		defer server.Resume()
		hasty := NewClamd(server.Socket, ClamdConfig{Timeout: 50 * time.Millisecond, Scan: 50 * time.Millisecond})
		if err := hasty.Ping(t.Context()); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("Ping: %v, want ErrUnavailable", err)
		}
		for _, text := range []string{"a", strings.Repeat(random, 32)} {
			if v, err := hasty.Scan(t.Context(), "", strings.NewReader(text)); !errors.Is(err, dossier.ErrUnavailable) {
				t.Errorf("Scan of %d bytes: %+v, %v; want ErrUnavailable", len(text), v, err)
			}
		}
	})
	t.Run("it is gone, and back", func(t *testing.T) {
		server.Kill()
		if err := c.Ping(t.Context()); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("Ping: %v, want ErrUnavailable", err)
		}
		if _, err := c.Scan(t.Context(), "", strings.NewReader("a")); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("Scan: %v, want ErrUnavailable", err)
		}
		server.Restart()
		if v, err := c.Scan(t.Context(), "", strings.NewReader("a")); err != nil || v.State != dossier.ScanClean {
			t.Errorf("Scan: %+v, %v", v, err)
		}
	})
}

// A clamd that would call clean what it did not look at is none.
func TestClamdThatIsSetUpWrongly(t *testing.T) {
	for setting, want := range map[string]string{"AlertEncrypted no": "set AlertEncrypted",
		"AlertExceedsMax no": "set AlertExceedsMax"} {
		t.Run(setting, func(t *testing.T) {
			err := NewClamd(servers.StartClamd(t, setting).Socket, ClamdConfig{}).Ping(t.Context())
			if !errors.Is(err, dossier.ErrUnavailable) || !strings.Contains(err.Error(), want) {
				t.Errorf("Ping: %v, want ErrUnavailable with %q", err, want)
			}
		})
	}
}

// TestClamdReplies has a server that says what no clamd says, over a Unix socket.
func TestClamdReplies(t *testing.T) {
	for reply, want := range map[string]string{
		"":                       "hung up",
		"stream: OK":             "hung up", // cut off: it might have been "stream: OK-Trojan FOUND"
		"stream: OK\n\x00":       "unknown answer",
		"stream: FOUND\x00":      "unknown answer",
		"stream:  FOUND\x00":     "unknown answer",
		"other: Eicar FOUND\x00": "unknown answer",
		"OK\x00":                 "unknown answer",
		"\x00":                   "unknown answer",
		"stream: Can't allocate memory ERROR\x00": "unknown answer",
		strings.Repeat("x", longestReply+600):     "too long",
	} {
		path := filepath.Join(t.TempDir(), "clamd.ctl")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.ReadFull(conn, make([]byte, len("zINSTREAM\x00")+4+1+4))
			_, _ = io.WriteString(conn, reply)
		}()
		v, err := NewClamd("unix:"+path, ClamdConfig{}).Scan(t.Context(), "", strings.NewReader("a"))
		if !errors.Is(err, dossier.ErrUnavailable) || !strings.Contains(err.Error(), want) {
			t.Errorf("a reply of %.40q: %+v, %v; want ErrUnavailable with %q", reply, v, err, want)
		}
	}
}

func FuzzParseReply(f *testing.F) {
	for _, reply := range []string{"stream: OK", "stream: Eicar FOUND", "stream: Heuristics.Encrypted.RAR FOUND",
		"stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND", "INSTREAM size limit exceeded. ERROR", "stream: x ERROR"} {
		f.Add([]byte(reply + "\x00"))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		reply, err := readReply(bytes.NewReader(raw))
		if err != nil {
			return
		}
		v, err := parseReply(reply)
		switch {
		case err != nil && v != dossier.Verdict{}:
			t.Errorf("%q: %+v and %v", reply, v, err)
		case v.State == dossier.ScanClean && !bytes.HasPrefix(raw, []byte("stream: OK\x00")):
			t.Errorf("%q is clean", raw)
		case err == nil && v.State != dossier.ScanClean && v.Detail == "":
			t.Errorf("%q: %s without a reason", reply, v.State)
		case strings.HasPrefix(reply, "stream: Heuristics.Encrypted.") && v.State == dossier.ScanInfected:
			t.Errorf("%q is infected", reply)
		}
	})
}

//go:build unix

package servers

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Clamd is ClamAV's daemon.
type Clamd struct {
	// Socket is where it listens, as DOSSIER_SCAN_CLAMD has it.
	Socket string
	*Process
}

// ClamdSignature is text that the servers' clamd finds, as TestMarker, wherever it stands in a file.
const ClamdSignature = "dossier-test-signature-8f1d"

// StartClamd starts clamd with signatures of its own: those of ClamAV cannot be had without its mirrors. It finds the
// EICAR test file and ClamdSignature. Lines of more go before what is set here, which clamd has by default but for
// what the product needs: AlertEncrypted and AlertExceedsMax.
func StartClamd(t T, more ...string) *Clamd {
	t.Helper()
	program := require(t, "ClamAV's daemon", "clamd")
	dir := tempDir(t, "av")
	eicar := `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	sum := md5.Sum([]byte(eicar))
	hashes := fmt.Sprintf("%x:%d:Eicar-Test-Signature\n", sum, len(eicar))
	bodies := fmt.Sprintf("TestMarker:0:*:%s\n", hex.EncodeToString([]byte(ClamdSignature)))
	signatures := filepath.Join(dir, "signatures")
	config := func(port int) string {
		lines := append([]string{
			"Foreground yes", "TCPSocket " + strconv.Itoa(port), "TCPAddr 127.0.0.1", "DatabaseDirectory " + signatures,
			"TemporaryDirectory " + dir, "MaxThreads 4", "SelfCheck 0",
		}, more...)
		for _, line := range []string{"AlertEncrypted yes", "AlertExceedsMax yes"} {
			name, _, _ := strings.Cut(line, " ")
			if !strings.Contains(strings.Join(more, "\n"), name) {
				lines = append(lines, line)
			}
		}
		return strings.Join(lines, "\n") + "\n"
	}
	var err error
	for name, text := range map[string]string{"test.hdb": hashes, "test.ndb": bodies} {
		if err == nil {
			err = os.MkdirAll(signatures, 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(signatures, name), []byte(text), 0o644)
		}
	}
	if err != nil {
		_ = os.RemoveAll(dir) // nothing else removes the folder yet
		t.Fatalf("preparing clamd: %v", err)
	}
	c := &Clamd{}
	c.Process = launch(t, dir, server{
		name: "clamd",
		command: func(dir string, port int) *exec.Cmd {
			path := filepath.Join(dir, "clamd.conf")
			if err := os.WriteFile(path, []byte(config(port)), 0o600); err != nil {
				return exec.Command("/bin/false")
			}
			cmd := exec.Command(program, "--config-file="+path)
			cmd.Dir, cmd.Env = dir, environment(dir)
			return cmd
		},
		ready: clamdReady,
	})
	c.Socket = "tcp:" + address(c.port)
	return c
}

func clamdReady(ctx context.Context, port int) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address(port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, "zPING\x00"); err != nil {
		return err
	}
	reply, err := io.ReadAll(conn)
	if err == nil && string(reply) != "PONG\x00" {
		err = fmt.Errorf("it answers %q", reply)
	}
	return err
}

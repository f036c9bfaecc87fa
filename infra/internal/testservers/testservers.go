//go:build linux

// Package testservers starts the servers that tests of the infrastructure run against: MariaDB in place of RDS, an sshd
// in place of the jump server's, and an HTTP server that answers as Parameter Store does. Only test code may import it;
// every way in wants a testing.TB.
//
// Each is a private instance on loopback, with its data in a temporary folder and random credentials, and ends with the
// test. The Linux kernel ends the processes when the test's own is killed.
package testservers

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// startTime bounds the start of a server: a second is usual, a loaded machine takes several.
	startTime = time.Minute
	// pollEvery is how often a starting server is asked whether it is ready.
	pollEvery = 25 * time.Millisecond
)

// Require returns the path of the first of the programs that is on PATH or where systems keep servers. Without any it
// ends the test: as failed where DOSSIER_TEST_REQUIRE=1 is set, else as skipped.
func Require(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/mysql/bin"} {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path
			}
		}
	}
	Missing(t, strings.Join(names, " or ")+" is not installed")
	return ""
}

// Missing ends the test because of what "make test-tools" would install: as failed where everything has to run, else as
// skipped.
func Missing(t testing.TB, what string) {
	t.Helper()
	what += `; "make test-tools" installs it`
	if os.Getenv("DOSSIER_TEST_REQUIRE") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// folder makes a folder that other users can reach: the database may have to run as another, whom testing's own TempDir
// keeps out. Its name is short, because the path of a socket has 107 bytes at most.
func folder(t testing.TB, kind string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "dossier-"+kind+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing what a server left: %v", err)
		}
	})
	return dir
}

// freePort returns a port on loopback that nobody listens on, from below the range that Linux gives to outgoing
// connections (32768): so none of them takes it while its server is not up.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if l, err := net.Listen("tcp", address(port)); err == nil {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return port
		}
	}
	t.Fatal("no free port was found")
	return 0
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// process is a server that runs.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *output
	done chan struct{}
}

// output collects what a server says.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns all of it so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts a server, waits until ready gives nil, and has it ended with the test. The command must not be bound to
// the test's context, which ends before the test's clean-up.
func start(t testing.TB, cmd *exec.Cmd, ready func(context.Context) error) *process {
	t.Helper()
	p := &process{name: filepath.Base(cmd.Path), cmd: cmd, log: &output{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// An interrupt typed at the terminal ends the test; the kernel then ends the server.
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	cmd.WaitDelay = time.Second // a session's program may outlive the server and keep its output open
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", p.name, err)
	}
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		close(p.done)
	}()
	t.Cleanup(func() {
		select {
		case <-p.done:
			t.Errorf("%s ended during the test; it said:\n%s", p.name, p.log)
		default:
			_ = cmd.Process.Kill() // it may have ended in this moment
			<-p.done
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ready(ctx)
		select {
		case <-p.done: // looked at first: another server may have answered on the port
			t.Fatalf("%s ended at its start; it said:\n%s", p.name, p.log)
		default:
		}
		if err == nil {
			return p
		}
		select {
		case <-tick.C:
		case <-p.done:
		case <-ctx.Done():
			t.Fatalf("%s is not ready after %v (%v); it said:\n%s", p.name, startTime, err, p.log)
		}
	}
}

//go:build unix

package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// startTime bounds a start: a second is usual, a loaded machine takes several.
	startTime = 30 * time.Second
	// pollEvery is how often a starting server is asked whether it is ready.
	pollEvery = 25 * time.Millisecond
	// askTime bounds one such question.
	askTime = 2 * time.Second
	// tailBytes of a server's log are shown when it fails.
	tailBytes = 4 << 10
)

// Process is a server's process, for tests of bad times. Its methods fail the test when they cannot do their work, so
// they belong in the test's own goroutine. They may be called in any order; the process is ended with the test.
type Process struct {
	t      T
	server server
	dir    string
	port   int
	guard  *guard

	mu      sync.Mutex
	cmd     *exec.Cmd
	done    chan struct{} // closed when cmd has ended
	logFrom int64         // where the log of this run begins
	wanted  bool          // whether cmd should be running
}

// server is what the kinds of servers differ in.
type server struct {
	name string
	// command returns what to run; called for each start.
	command func(dir string, port int) *exec.Cmd
	// ready makes a real request.
	ready func(ctx context.Context, port int) error
	// says, unless empty, must stand in the log before ready is asked: for a server that would not notice
	// foreign credentials, it proves that this process, and no other, has the port.
	says string
}

var errInUse = errors.New("its port is taken")

// launch starts a server on a free port, waits until it answers, and has it stopped with the test.
func launch(t T, dir string, s server) *Process {
	t.Helper()
	g, err := newGuard(dir)
	if err != nil {
		t.Fatalf("starting %s: %v", s.name, err)
	}
	p := &Process{t: t, server: s, dir: dir, guard: g}
	// Registered before the start, so that a start that fails leaves nothing either.
	t.Cleanup(p.stop)

	p.mu.Lock()
	defer p.mu.Unlock()
	for range 5 {
		if p.port, err = freePort(); err != nil {
			break
		}
		// Between the look and the server's own bind another process may take the port.
		if err = p.start(); !errors.Is(err, errInUse) {
			break
		}
	}
	if err != nil {
		t.Fatalf("starting %s: %v", s.name, err)
	}
	return p
}

// Pause stops the process (SIGSTOP): it keeps its connections and answers nothing.
func (p *Process) Pause() { p.t.Helper(); p.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on (SIGCONT).
func (p *Process) Resume() { p.t.Helper(); p.signal(syscall.SIGCONT) }

func (p *Process) signal(sig syscall.Signal) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.wanted {
		p.t.Fatalf("sending %v to %s: it is not running", sig, p.server.name)
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatalf("sending %v to %s: %v%s", sig, p.server.name, err, p.tail())
	}
}

// Kill ends the process at once (SIGKILL) and waits until it is gone. It does nothing when the process was killed
// before.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kill()
}

// Restart starts the server again on the same port with the same data, and waits until it answers. A process that still
// runs is killed first.
func (p *Process) Restart() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kill()
	deadline := time.Now().Add(startTime)
	for {
		err := p.start()
		if err == nil {
			return
		}
		if !errors.Is(err, errInUse) || time.Now().After(deadline) {
			p.t.Fatalf("restarting %s: %v", p.server.name, err)
		}
	}
}

// start runs the command and waits until the server is ready. After an error nothing runs.
func (p *Process) start() error {
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the process has a descriptor of its own
	if p.logFrom, err = log.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	cmd := p.server.command(p.dir, p.port)
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// A process group of its own: an interrupt typed at the terminal ends the test, and the guard then ends the server.
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		close(done)
	}()
	p.cmd, p.done, p.wanted = cmd, done, true
	if err := errors.Join(p.guard.watch(cmd.Process.Pid), p.await()); err != nil {
		p.kill()
		return err
	}
	return nil
}

// await returns nil as soon as the server answers.
func (p *Process) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	last := errors.New("it has not said that it listens")
	for {
		if p.server.says == "" || bytes.Contains(p.log(), []byte(p.server.says)) {
			ask, cancel := context.WithTimeout(ctx, askTime)
			last = p.server.ready(ask, p.port)
			cancel()
		}
		select {
		case <-p.done: // looked at first: another server may have answered on the port
			if bytes.Contains(bytes.ToLower(p.log()), []byte("address already in use")) {
				return errInUse
			}
			return fmt.Errorf("it ended%s", p.tail())
		default:
		}
		if last == nil {
			return nil
		}
		select {
		case <-p.done:
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not ready after %v: %w%s", startTime, last, p.tail())
		}
	}
}

func (p *Process) kill() {
	if !p.wanted {
		return
	}
	p.wanted = false
	// An error means that it has ended by itself; waiting is right in both cases.
	_ = p.cmd.Process.Kill()
	<-p.done
	_ = p.guard.watch(0)
}

// stop is the end of the test.
func (p *Process) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted {
		select {
		case <-p.done:
			p.t.Errorf("%s ended during the test%s", p.server.name, p.tail())
		default:
		}
	}
	p.kill()
	if err := os.RemoveAll(p.dir); err != nil {
		p.t.Errorf("removing the data of %s: %v", p.server.name, err)
	}
	p.guard.release()
}

func (p *Process) logFile() string { return filepath.Join(p.dir, "log") }

// log returns what this run of the server has logged.
func (p *Process) log() []byte {
	b, err := os.ReadFile(p.logFile())
	if err != nil || int64(len(b)) < p.logFrom {
		return nil
	}
	return b[p.logFrom:]
}

// tail returns the end of the log, ready to be put behind a message.
func (p *Process) tail() string {
	b := bytes.TrimSpace(p.log())
	if len(b) == 0 {
		return "; its log is empty"
	}
	return "; its log ends:\n" + string(b[max(0, len(b)-tailBytes):])
}

// address returns host:port on loopback.
func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePort returns a port on loopback that nobody listens on. It is taken from below the range that systems give to
// outgoing connections (32768 and up on Linux, 49152 and up elsewhere): there, a connection could take the port while
// its server is down, or a client that keeps on dialling a dead server could end up connected to itself.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 20000 + rand.IntN(12000)
		var l net.Listener
		if l, err = net.Listen("tcp", address(port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("finding a free port: %w", err)
}

// environment is what servers see of the caller's: enough to find programs, and no settings meant for other ones.
func environment(dir string, more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "HOME=" + dir, "TMPDIR=" + dir, "LC_ALL=C"}, more...)
}

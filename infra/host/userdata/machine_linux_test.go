package userdata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dossier.example/infra/internal/testservers"
)

// machine is a host in namespaces of its own: its own disk (an overlay over this one's), processes, network and
// systemd. It stands in for an EC2 instance that just started: what a script writes is real files at their real paths,
// and what it starts is started by a real systemd, with all that a unit restricts. It ends with the test, also when the
// test's process is killed.
type machine struct {
	t *testing.T
	// dir holds the overlay.
	dir string
	pid int
	// ended is closed when process 1 is gone.
	ended chan struct{}
}

// bootTime bounds what a machine needs for itself; it takes about half a second.
const bootTime = 60 * time.Second

// requireMachine ends the test where no machine can be started.
func requireMachine(t *testing.T) {
	t.Helper()
	require(t, "unshare", "nsenter", "ip", "curl", "bash")
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		testservers.Missing(t, "systemd is not installed")
	}
	if os.Getuid() != 0 {
		// Also where everything else has to run: no installation mends it, and the test's report tells what was left
		// out.
		t.Skip("this test starts a machine in namespaces, which takes root")
	}
}

// newMachine starts a machine with kib of memory as far as /proc/meminfo tells.
func newMachine(t *testing.T, kib int) *machine {
	t.Helper()
	requireMachine(t)
	dir, err := os.MkdirTemp("", "dossier-machine-")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, dir: dir}
	t.Cleanup(func() {
		m.stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing the machine's disk: %v", err)
		}
	})
	meminfo := fmt.Sprintf("MemTotal:       %d kB\nMemFree:        %d kB\nMemAvailable:   %d kB\n", kib, kib/2, kib/2)
	if err := os.WriteFile(filepath.Join(dir, "meminfo"), []byte(meminfo), 0o644); err != nil {
		t.Fatal(err)
	}
	m.start()
	return m
}

func (m *machine) name() string { return filepath.Base(m.dir) }

// step runs a part of the machine's test as a subtest of its own, in which the machine's methods report to it.
func (m *machine) step(name string, f func(t *testing.T)) {
	test := m.t
	defer func() { m.t = test }()
	test.Run(name, func(t *testing.T) {
		m.t = t
		f(t)
	})
}

// start boots, and waits until systemd has started all that it wants to.
func (m *machine) start() {
	m.t.Helper()
	console, err := os.Create(filepath.Join(m.dir, "console"))
	if err != nil {
		m.t.Fatal(err)
	}
	defer console.Close()
	cmd := exec.Command("bash", absolute(m.t, "testdata/machine.bash"), "start", m.dir, m.name())
	cmd.Stdout, cmd.Stderr = console, console
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	started := make(chan error)
	m.ended = make(chan struct{})
	go func() {
		// The signal comes when this thread ends, so it must live for as long as the machine.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(m.ended)
	}()
	if err := <-started; err != nil {
		m.t.Fatalf("starting a machine: %v", err)
	}
	m.pid = cmd.Process.Pid
	ctx, cancel := context.WithTimeout(m.t.Context(), bootTime)
	defer cancel()
	var out string
	for {
		select {
		case <-m.ended:
			m.t.Fatalf("the machine did not start:\n%s", m.console())
		case <-ctx.Done():
			m.t.Fatalf("the machine did not start in %v: %s\n%s", bootTime, out, m.console())
		case <-time.After(20 * time.Millisecond):
		}
		// Before systemd is there, the script's own file system would be entered.
		if exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", m.pid)); !strings.HasSuffix(exe, "/systemd") {
			continue
		}
		out, _ = m.try(ctx, "systemctl", "is-active", "multi-user.target")
		if strings.TrimSpace(out) == "active" {
			return
		}
	}
}

// stop ends all of the machine's processes at once, as a power cut does.
func (m *machine) stop() {
	if m.pid == 0 {
		return
	}
	_ = syscall.Kill(m.pid, syscall.SIGKILL)
	<-m.ended
	m.pid = 0
	out, err := exec.Command("unshare", "--mount", "--propagation=private", "bash", absolute(m.t, "testdata/machine.bash"), "clean", m.name()).CombinedOutput()
	if err != nil {
		m.t.Logf("removing the machine's cgroups: %v %s", err, out)
	}
}

func (m *machine) console() string {
	out, _ := os.ReadFile(filepath.Join(m.dir, "console"))
	return string(out)
}

// command prepares a program to run on the machine, with the environment that cloud-init gives: hardly any, not even
// HOME.
func (m *machine) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{
		"--target=" + strconv.Itoa(m.pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root",
		"env", "--chdir=/", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	}, args...)...)
	cmd.WaitDelay = time.Second
	return cmd
}

// try runs a program on the machine and returns all that it printed.
func (m *machine) try(ctx context.Context, args ...string) (string, error) {
	out, err := m.command(ctx, args...).CombinedOutput()
	return string(out), err
}

// run runs a program on the machine that has to succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	out, err := m.try(ctx, args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// result is how a script ended.
type result struct {
	status int
	output string
}

// last is the last line that it printed.
func (r result) last() string {
	lines := strings.Split(strings.TrimSpace(r.output), "\n")
	return lines[len(lines)-1]
}

// boot runs a user-data as cloud-init does, and returns how it ended.
func (m *machine) boot(script string) result {
	m.t.Helper()
	const path = "/var/lib/cloud/instance/scripts/part-001"
	m.write(path, 0o700, script)
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := m.command(ctx, path)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatalf("running the user-data: %v\n%s", err, out.String())
	}
	return result{cmd.ProcessState.ExitCode(), out.String()}
}

// path returns where a file of the machine is found from outside. No folder in it may be an absolute symbolic link.
func (m *machine) path(name string) string { return fmt.Sprintf("/proc/%d/root%s", m.pid, name) }

func (m *machine) write(name string, mode os.FileMode, content string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	// Removed first: it may be a link, or a program that runs.
	if err := os.Remove(m.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(content), mode); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) read(name string) string {
	m.t.Helper()
	out, err := os.ReadFile(m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(out)
}

// itself puts the program of this test onto the machine under another name, by which TestMain knows what to be.
func (m *machine) itself(name string) {
	m.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	in, err := os.Open(exe)
	if err != nil {
		m.t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(m.path(name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		m.t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		m.t.Fatal(err)
	}
}

// inNetwork calls f in the network of a process.
func inNetwork(pid int, f func() error) error {
	done := make(chan error)
	go func() {
		// Never unlocked: a thread in another network must not be used again, and ends with this goroutine.
		runtime.LockOSThread()
		done <- func() error {
			there, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
			if err != nil {
				return err
			}
			defer there.Close()
			if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("entering the network of process %d: %w", pid, err)
			}
			return f()
		}()
	}()
	return <-done
}

// listenIn opens a port in the network of a process, which this process serves.
func listenIn(pid int, address string) (l net.Listener, err error) {
	err = inNetwork(pid, func() error {
		l, err = net.Listen("tcp4", address)
		return err
	})
	return l, err
}

// dialIn connects from the network of a process to a numeric address.
func dialIn(ctx context.Context, pid int, address string) (c net.Conn, err error) {
	err = inNetwork(pid, func() error {
		c, err = (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp4", address)
		return err
	})
	return c, err
}

// within polls until f is nil, and fails the test with its error after a time that only a broken machine needs.
func within(t *testing.T, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

package apart

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	Main(func(net.Listener) {})
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "tries":
			tries()
			return
		case "fails":
			fails(os.Args[2])
		}
	}
	os.Exit(m.Run())
}

// ran runs this executable apart, and returns what it writes.
func ran(t *testing.T, p Program) string {
	t.Helper()
	said, err := tried(t, p)
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return strings.TrimSpace(said)
}

// tried is ran of what may fail.
func tried(t *testing.T, p Program) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	said := new(bytes.Buffer)
	p.Path, p.Dir, p.Output, p.Env = self, t.TempDir(), said, []string{"PATH=" + os.Getenv("PATH")}
	p.Files.Tree = p.Dir
	err = Run(t.Context(), p)
	return said.String(), err
}

// TestClock: a program finds the time that it is given, and as fast a clock.
func TestClock(t *testing.T) {
	if why := ClockMoves(); why != "" {
		t.Skip(why)
	}
	for _, moved := range []time.Duration{0, 400 * 24 * time.Hour, -time.Hour} {
		before := time.Now().Add(moved).Truncate(time.Second)
		told, err := strconv.ParseInt(ran(t, Program{Args: []string{teller}, Clock: moved}), 10, 64)
		after := time.Now().Add(moved)
		if at := time.Unix(told, 0); err != nil || at.Before(before) || at.After(after) {
			t.Errorf("moved by %v: it is %v there, want one from %v to %v (%v)", moved, at, before, after, err)
		}
	}
}

// TestUnbounded: what would take memory that nobody counts is not there.
func TestUnbounded(t *testing.T) {
	if ClockMoves() != "" {
		t.Skip(ClockMoves())
	}
	const want = "memory: function not implemented\nnamespace: operation not permitted\n" +
		"further: function not implemented"
	if got := ran(t, Program{Args: []string{"tries"}}); got != want {
		t.Errorf("it says %s, want %s", got, want)
	}
}

// TestFailsNearItsBound: what fails with most of its memory taken is told to have, whatever it says itself; what fails
// with little is not.
func TestFailsNearItsBound(t *testing.T) {
	const limit = 512 << 20
	said, err := tried(t, Program{Args: []string{"fails", "300"}, Memory: limit})
	exceeded, is := errors.AsType[*ExceededError](err)
	if !is || !strings.HasPrefix(exceeded.What, "it failed with 3") ||
		!strings.HasSuffix(exceeded.What, " MB taken of the 512 MB of memory that it may take") {
		t.Errorf("%v, %s", err, said)
	}
	said, err = tried(t, Program{Args: []string{"fails", "20"}, Memory: limit})
	if failed, is := errors.AsType[*exec.ExitError](err); !is || failed.ExitCode() != 3 {
		t.Errorf("%v, %s", err, said)
	}
}

// fails takes so many MiB and fails without a word.
func fails(size string) {
	n, err := strconv.Atoi(size)
	if err != nil {
		panic(err)
	}
	taken, err := unix.Mmap(-1, 0, n<<20, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		panic(err)
	}
	taken[0] = 1
	os.Exit(3)
}

func say(what string, err error) { fmt.Printf("%s: %v\n", what, err) }

// tries tries to take what is not counted.
func tries() {
	_, err := unix.MemfdCreate("test", 0)
	say("memory", err)
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	_, _, err = syscall.StartProcess(self, []string{self, teller}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}})
	say("namespace", err)
	say("further", unix.Unshare(unix.CLONE_NEWUSER))
}

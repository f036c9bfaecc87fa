package apart

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	Main(func(net.Listener) {})
	if len(os.Args) == 2 && os.Args[1] == "tries" {
		tries()
		return
	}
	os.Exit(m.Run())
}

// ran runs this executable apart, and returns what it writes.
func ran(t *testing.T, p Program) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	said := new(bytes.Buffer)
	p.Path, p.Dir, p.Output, p.Env = self, t.TempDir(), said, []string{"PATH=" + os.Getenv("PATH")}
	p.Files.Tree = p.Dir
	if err := Run(t.Context(), p); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return strings.TrimSpace(said.String())
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

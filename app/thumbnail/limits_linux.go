package thumbnail

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"dossier.example/app/bounds"
)

// confine bounds this process for the rest of its life. late is told when that many seconds of processor time are used
// up; two seconds later the system kills.
func confine(late chan<- os.Signal, seconds uint64) error {
	signal.Notify(late, syscall.SIGXCPU)
	// Should memory run out in spite of all, this process is the one to go. A system that refuses has its reasons.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	// What is mapped already is mostly reserved and empty: the runtime's own tables.
	mapped, err := addressSpace()
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range []struct {
		name       string
		resource   int
		soft, hard uint64
	}{
		{"address space", unix.RLIMIT_AS, mapped + bounds.PictureMemory, mapped + bounds.PictureMemory},
		{"processor time", unix.RLIMIT_CPU, seconds, seconds + 2},
		{"size of files", unix.RLIMIT_FSIZE, 0, 0},
		{"core dumps", unix.RLIMIT_CORE, 0, 0},
		// Those that are open stay so: the three that it was given, and the runtime's own. No other can be opened.
		{"open files", unix.RLIMIT_NOFILE, 0, 0},
	} {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: l.soft, Max: l.hard}); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.name, err))
		}
	}
	return errors.Join(errs...)
}

// addressSpace returns how many bytes this process has mapped.
func addressSpace() (uint64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("read how much is mapped: %w", err)
	}
	pages, _, _ := bytes.Cut(b, []byte(" "))
	n, err := strconv.ParseUint(string(pages), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read how much is mapped: %w", err)
	}
	return n * uint64(os.Getpagesize()), nil
}

// self names the file that this process runs, also where another one has taken its name since.
func self() string { return "/proc/self/exe" }

// attach has the child die with this process, and not by what a terminal sends to this process's group. The system
// watches the thread that starts the child, so the caller must stay on it.
func attach(cmd *exec.Cmd) {
	// Go opens nothing that a child gets, but this process may have been given something. An older system refuses.
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

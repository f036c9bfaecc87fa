//go:build amd64 || arm64

package apart

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A program reads the clock without asking the system: from a page that the kernel maps into it (vDSO). Where its clock
// is to be moved, that page is hidden from it before it runs, and the calls that it makes instead are answered here.

// teller is the argument by which this executable knows that it is to tell the time and no more.
const teller = "plan-tells-the-time"

// ClockMoves returns why programs of this process cannot be given a clock that goes otherwise (Program.Clock); empty:
// they can.
var ClockMoves = sync.OnceValue(func() string {
	self, err := os.Executable()
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "plan-")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	const moved = 1000 * time.Hour
	said := new(strings.Builder)
	if err := Run(ctx, Program{Path: self, Args: []string{teller}, Dir: dir, Output: said, Files: Files{Tree: dir},
		Clock: moved}); err != nil {
		return fmt.Sprintf("this system does not let its clock be moved (%v %s)", err, strings.TrimSpace(said.String()))
	}
	told, err := strconv.ParseInt(strings.TrimSpace(said.String()), 10, 64)
	if off := time.Until(time.Unix(told, 0)); err != nil || off < moved-time.Hour || off > moved+time.Hour {
		return "this system does not let its clock be moved"
	}
	return ""
})

// tell tells the time where this process is to do so: it does not return then.
func tell() {
	if len(os.Args) == 2 && os.Args[1] == teller {
		fmt.Println(time.Now().Unix())
		os.Exit(0)
	}
}

// The conditions and instructions of a filter of calls (classic BPF).
const (
	loadWord  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	ifEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	ifAtLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	ifHas     = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	answer    = unix.BPF_RET | unix.BPF_K
	// Where the number of a call, the architecture and the first argument's lower half are (struct seccomp_data).
	atNumber, atArchitecture, atArgument = 0, 4, 16
	// foreignCalls is where the numbers of another form of calls begin on amd64 (x32).
	foreignCalls = 0x40000000
	absent       = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	refused      = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
)

// unbounded are the calls by which a process takes memory that nothing here counts, as files without a name do and file
// systems of a further namespace. They are absent; those who know them do without.
var unbounded = []uint32{unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_SHMGET, unix.SYS_UNSHARE,
	unix.SYS_CLONE3, unix.SYS_IO_URING_SETUP}

// calls bounds what this thread and all that it starts may call. With a clock, it returns the descriptor at which the
// calls that read one wait for an answer, else -1.
func calls(clock bool) (asked int, err error) {
	filter := []unix.SockFilter{
		{Code: loadWord, K: atArchitecture},
		{Code: ifEqual, K: architecture, Jt: 1},
		{Code: answer, K: absent},
		{Code: loadWord, K: atNumber},
		{Code: ifAtLeast, K: foreignCalls, Jf: 1},
		{Code: answer, K: absent},
	}
	for _, call := range unbounded {
		filter = append(filter, unix.SockFilter{Code: ifEqual, K: call, Jf: 1},
			unix.SockFilter{Code: answer, K: absent})
	}
	filter = append(filter,
		unix.SockFilter{Code: ifEqual, K: unix.SYS_CLONE, Jf: 4},
		unix.SockFilter{Code: loadWord, K: atArgument},
		unix.SockFilter{Code: ifHas, K: unix.CLONE_NEWUSER, Jf: 1},
		unix.SockFilter{Code: answer, K: refused},
		unix.SockFilter{Code: loadWord, K: atNumber})
	flags := 0
	if clock {
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
		filter = append(filter,
			unix.SockFilter{Code: ifEqual, K: unix.SYS_GETTIMEOFDAY, Jf: 1},
			unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_USER_NOTIF},
			unix.SockFilter{Code: ifEqual, K: unix.SYS_CLOCK_GETTIME, Jf: 4},
			unix.SockFilter{Code: loadWord, K: atArgument},
			unix.SockFilter{Code: ifEqual, K: unix.CLOCK_REALTIME, Jt: 1},
			unix.SockFilter{Code: ifEqual, K: unix.CLOCK_REALTIME_COARSE, Jf: 1},
			unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_USER_NOTIF})
	}
	filter = append(filter, unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(flags),
		uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	switch {
	case errno != 0:
		return -1, errno
	case clock:
		return int(fd), nil
	}
	return -1, nil
}

// notice is a call that waits for an answer (struct seccomp_notif), reply is that (struct seccomp_notif_resp).
type notice struct {
	id           uint64
	pid, flags   uint32
	number       int32
	architecture uint32
	instruction  uint64
	arguments    [6]uint64
}

type reply struct {
	id    uint64
	value int64
	err   int32
	flags uint32
}

// answerClock answers calls that read the clock, as if it were later by moved, for as long as the process runs.
func answerClock(asked int, moved time.Duration) {
	for {
		var n notice
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(asked), unix.SECCOMP_IOCTL_NOTIF_RECV,
			uintptr(unsafe.Pointer(&n))); errno == unix.EINTR || errno == unix.ENOENT {
			continue // who asked has ended
		} else if errno != 0 {
			return
		}
		r := reply{id: n.id}
		if err := n.write(time.Now().Add(moved)); err != nil {
			r.flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(asked), unix.SECCOMP_IOCTL_NOTIF_SEND,
			uintptr(unsafe.Pointer(&r)))
	}
}

// write writes a time to where a call wants to have it.
func (n *notice) write(now time.Time) error {
	at, fraction := n.arguments[1], int64(now.Nanosecond())
	if n.number == unix.SYS_GETTIMEOFDAY {
		at, fraction = n.arguments[0], fraction/1000
	}
	if at == 0 {
		return nil
	}
	text := binary.NativeEndian.AppendUint64(nil, uint64(now.Unix()))
	text = binary.NativeEndian.AppendUint64(text, uint64(fraction))
	local := unix.Iovec{Base: &text[0]}
	local.SetLen(len(text))
	_, err := unix.ProcessVMWritev(int(n.pid), []unix.Iovec{local},
		[]unix.RemoteIovec{{Base: uintptr(at), Len: len(text)}}, 0)
	return err
}

// What the kernel tells a program that it starts (getauxval).
const (
	tellsNothing  = 0
	tellsClockAt  = 33 // AT_SYSINFO_EHDR
	mostTold      = 1 << 16
	sizeOfAddress = 8
)

// hideClock takes from a program that this thread traces, and that has not run yet, the page with the clock.
func hideClock(pid int) error {
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return err
	}
	if !status.Stopped() {
		return errors.New("it ended at once")
	}
	at, err := stackOf(pid)
	if err != nil {
		return err
	}
	word := func() (uint64, error) {
		var text [sizeOfAddress]byte
		if _, err := unix.PtracePeekData(pid, at, text[:]); err != nil {
			return 0, err
		}
		at += sizeOfAddress
		return binary.NativeEndian.Uint64(text[:]), nil
	}
	if _, err := word(); err != nil { // how many arguments there are
		return err
	}
	// Arguments and environment end with a nothing each.
	for ends, read := 0, 0; ends < 2; read++ {
		v, err := word()
		if err != nil {
			return err
		}
		if v == 0 {
			ends++
		}
		if read > mostTold {
			return errors.New("its environment has no end")
		}
	}
	for range mostTold {
		kind, err := word()
		if err != nil {
			return err
		}
		if kind == tellsNothing {
			break
		}
		if kind == tellsClockAt {
			if _, err := unix.PtracePokeData(pid, at, make([]byte, sizeOfAddress)); err != nil {
				return err
			}
		}
		at += sizeOfAddress
	}
	return unix.PtraceDetach(pid)
}

package apart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// starter is the name by which this executable knows that it is to start a program, setup the variable that says how.
const (
	starter = "plan-starts-a-program"
	setup   = "PLAN_START"
)

// start is what the starter is told.
type start struct {
	Program  Program
	Sockets  string
	Isolated bool
}

// namespaces are how a program is started that shares with this process no network, no process, no user and no file: it
// reaches nobody but by the socket that it is given, and all that it started ends with it. The starter may make its
// namespaces ready; the program may not.
func namespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC |
			syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP},
		Setpgid:     true,
		Pdeathsig:   syscall.SIGKILL,
	}
}

// MemoryOfSystem is how much memory there is, in bytes; 0: that is not known.
func MemoryOfSystem() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}

// command is how the starter is started.
func command(ctx context.Context, p Program, sockets string) (*exec.Cmd, error) {
	return starting(ctx, start{Program: p, Sockets: sockets, Isolated: Isolated() == ""})
}

func starting(ctx context.Context, s start) (*exec.Cmd, error) {
	env := s.Program.Env
	s.Program.Env, s.Program.Output = nil, nil
	told, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	// What comes first counts: the program's own environment cannot tell the starter anything else.
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = []string{starter}
	cmd.Env = append(slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return strings.HasPrefix(v, setup+"=")
	}), setup+"="+string(told))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if s.Isolated {
		cmd.SysProcAttr = namespaces()
	}
	return cmd, nil
}

// Isolated returns why programs of this process are not apart from the network, the processes and the files of this
// system; empty: they are.
var Isolated = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "plan-")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	fault := filepath.Join(dir, faultFile)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd, err := starting(ctx, start{Program: Program{Files: Files{Tree: dir}}, Sockets: dir, Isolated: true})
	if err == nil {
		err = cmd.Run()
	}
	if said, _ := os.ReadFile(fault); len(said) > 0 {
		return string(said)
	}
	if err != nil {
		return "this system gives processes no namespaces of their own (" + err.Error() + ")"
	}
	return ""
})

// end ends a program with all that it started: within a namespace that follows from the end of its first process.
func end(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// Main is the starter, where this process is one: it does not return then. beside serves what the program's own process
// needs beside it, at a socket that only this system reaches.
func Main(beside func(net.Listener)) {
	tell()
	if len(os.Args) == 0 || os.Args[0] != starter {
		return
	}
	runtime.LockOSThread() // rights are those of a thread
	var s start
	if err := json.Unmarshal([]byte(os.Getenv(setup)), &s); err != nil {
		os.Exit(2)
	}
	_ = os.Unsetenv(setup)
	fault, err := os.OpenFile(filepath.Join(s.Sockets, faultFile), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		os.Exit(2)
	}
	code, err := s.run(fault, beside)
	if err != nil {
		_, _ = fault.WriteString(err.Error())
		code = 2
	}
	os.Exit(code)
}

func (s start) run(fault *os.File, beside func(net.Listener)) (int, error) {
	path := s.Program.Path
	if s.Isolated {
		if err := loopback(); err != nil {
			return 0, fmt.Errorf("bringing up a network of its own: %w", err)
		}
		listener, err := net.Listen("unix", filepath.Join(s.Sockets, Relay))
		if err != nil {
			return 0, err
		}
		if err := s.files(); err != nil {
			return 0, err
		}
		if path != "" {
			path = programPath
		}
		go beside(listener)
	}
	if err := s.limits(); err != nil {
		return 0, fmt.Errorf("bounding what it takes: %w", err)
	}
	if err := powerless(); err != nil {
		return 0, fmt.Errorf("taking rights away: %w", err)
	}
	moves := s.Program.Clock != 0
	asked, err := calls(moves)
	if err != nil {
		return 0, fmt.Errorf("bounding what it may call: %w", err)
	}
	if path == "" {
		return 0, nil
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	process, err := os.StartProcess(path, append([]string{s.Program.Path}, s.Program.Args...), &os.ProcAttr{
		Dir: s.Program.Dir, Env: os.Environ(), Files: []*os.File{nothing, os.Stdout, os.Stderr},
		Sys: &syscall.SysProcAttr{Ptrace: moves, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, fmt.Errorf("starting %s: %w", s.Program.Path, err)
	}
	if moves {
		if err := hideClock(process.Pid); err != nil {
			return 0, errors.Join(fmt.Errorf("moving its clock: %w", err), process.Kill())
		}
		go answerClock(asked, s.Program.Clock)
	}
	if s.Isolated && s.Program.Memory > 0 {
		go s.watch(fault)
	}
	state, err := process.Wait()
	if err != nil {
		return 0, err
	}
	if took, much := s.tookMuch(state); much && !state.Success() {
		_, _ = fmt.Fprintf(fault, "%sit failed with %s taken of the %s of memory that it may take", faultOfProgram,
			Size(took), Size(s.Program.Memory))
	}
	if status, is := state.Sys().(syscall.WaitStatus); is && status.Signaled() {
		fmt.Fprintf(os.Stderr, "it ended by signal %d (%v)\n", status.Signal(), status.Signal())
		return 128 + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}

// tookMuch is how much memory the ended program had at most, in bytes, and whether that may be why it failed: it tells
// in many ways of it, as that there is no thread to be had, or ends by a signal without a word. Go asks for 64 MB at
// once, and as much counts that it has not written to, so that it fails well below the bound.
func (s start) tookMuch(ended *os.ProcessState) (most uint64, much bool) {
	used, is := ended.SysUsage().(*syscall.Rusage)
	var own unix.Rusage
	if !is || s.Program.Memory == 0 || unix.Getrusage(unix.RUSAGE_SELF, &own) != nil {
		return 0, false
	}
	most = uint64(used.Maxrss) << 10 // Linux counts it in KiB, getrusage(2)
	// What this process had when it started the program is counted as the program's.
	return most, used.Maxrss > int64(own.Maxrss) && most > s.Program.Memory/2
}

// loopback lets programs of the namespace reach each other.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}

// limits bounds each process of the program. What is counted as data is what is written to, not the addresses that Go
// keeps free for later.
func (s start) limits() error {
	if s.Program.Memory > 0 {
		limit := &unix.Rlimit{Cur: s.Program.Memory, Max: s.Program.Memory}
		if err := unix.Setrlimit(unix.RLIMIT_DATA, limit); err != nil {
			return err
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return err
	}
	if s.Isolated { // else those of the same user that others started count as well
		if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: mostTasks, Max: mostTasks}); err != nil {
			return err
		}
	}
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: largestFile, Max: largestFile})
}

const (
	// largestFile bounds a file that a program writes; scratchSize all that it keeps in its own folders.
	largestFile = 4 << 30
	scratchSize = 1 << 30
	// mostTasks is how many processes and threads there may be; mostProcesses bounds processes also where it does not,
	// as those of root.
	mostTasks, mostProcesses = 4096, 1024
)

// powerless takes away all rights in the namespace from this thread and what it starts.
func powerless() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	for right := uintptr(0); right < 64; right++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, right, 0, 0, 0); errors.Is(err, unix.EINVAL) {
			break
		} else if err != nil {
			return nil // without namespaces of its own it had no rights to take away
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}

// watch ends all processes of the namespace where they take too much together. It looks often enough for one that
// takes more and more; what one process takes at once is bounded for itself.
func (s start) watch(fault *os.File) {
	page := uint64(os.Getpagesize())
	for range time.Tick(100 * time.Millisecond) {
		var sum uint64
		files, err := filepath.Glob("/proc/[0-9]*/statm")
		if err != nil {
			return
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if fields := strings.Fields(string(text)); err == nil && len(fields) > 2 && file != "/proc/1/statm" {
				resident, _ := strconv.ParseUint(fields[1], 10, 64)
				shared, _ := strconv.ParseUint(fields[2], 10, 64)
				sum += (resident - min(shared, resident)) * page
			}
		}
		exceeded := ""
		switch {
		case sum > s.Program.Memory:
			exceeded = fmt.Sprintf("it took more than %s of memory and was stopped", Size(s.Program.Memory))
		case len(files) > mostProcesses:
			exceeded = fmt.Sprintf("it started more than %d processes and was stopped", mostProcesses)
		default:
			continue
		}
		_, _ = fault.WriteString(faultOfProgram + exceeded)
		os.Exit(2)
	}
}

const programPath = "/run/plan/program"

// systemFiles are what programs need of a system. What is not there is left out.
var systemFiles = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store",
	"/etc/alternatives", "/etc/ca-certificates", "/etc/group", "/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.conf",
	"/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd", "/etc/pki",
	"/etc/protocols", "/etc/services", "/etc/ssl", "/etc/timezone", "/dev/full", "/dev/null", "/dev/random",
	"/dev/urandom", "/dev/zero"}

// files gives the namespace a root folder of its own, in which there is nothing but what the program needs.
func (s start) files() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts its own: %w", err)
	}
	// Both are below a folder that nobody else uses, and are seen in this namespace alone.
	root, scratch := filepath.Join(s.Sockets, "root"), filepath.Join(s.Sockets, "scratch")
	for _, dir := range []string{root, scratch} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV,
			fmt.Sprintf("size=%d,mode=755", scratchSize)); err != nil {
			return fmt.Errorf("making folders of its own: %w", err)
		}
	}
	v := view{root: root}
	for _, path := range systemFiles {
		if err := v.show(path, path, true); err != nil {
			return err
		}
	}
	files := s.Program.Files
	for _, dir := range append([]string{"/tmp", "/proc", "/run/plan"}, files.Empty...) {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(filepath.Join(root, "tmp"), 0o1777); err != nil {
		return err
	}
	// Where the system keeps the processes of others to itself, the namespace has none to look at.
	_ = unix.Mount("proc", filepath.Join(root, "proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err := v.tree(files.Tree, scratch); err != nil {
		return err
	}
	for _, path := range files.Read {
		if err := v.show(path, path, true); err != nil {
			return err
		}
	}
	for _, path := range files.Write {
		// Where it is within what is shown already, that can only be read.
		if err := v.bind(path, filepath.Join(root, path), false); err != nil {
			return err
		}
	}
	if s.Program.Path != "" {
		if err := v.show(s.Program.Path, programPath, true); err != nil {
			return err
		}
	}
	if err := v.show(filepath.Join(s.Sockets, Engine), EnginePath, false); err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("taking a root folder of its own: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving this system's files: %w", err)
	}
	return os.Chdir("/")
}

// view is a root folder in the making.
type view struct{ root string }

// show has a file or folder of this system appear in the namespace; one that is not there does not.
func (v view) show(path, at string, readOnly bool) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	target := filepath.Join(v.root, at)
	if seen, err := os.Lstat(target); err == nil && os.SameFile(seen, info) {
		return nil // it is within what is shown already
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if filepath.IsAbs(to) && !v.has(to) {
			if to, err = filepath.EvalSymlinks(path); err != nil {
				return nil // it leads nowhere
			}
			return v.bind(to, target, readOnly)
		}
		if err := os.Symlink(to, target); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	}
	return v.bind(path, target, readOnly)
}

// has reports whether a path is there already.
func (v view) has(path string) bool {
	_, err := os.Lstat(filepath.Join(v.root, path))
	return err == nil
}

func (v view) bind(path, target string, readOnly bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.MkdirAll(target, 0o755)
	} else {
		var f *os.File
		if f, err = os.OpenFile(target, os.O_CREATE, 0o644); err == nil {
			err = f.Close()
		}
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := unix.Mount(path, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("showing %s: %w", path, err)
	}
	attributes := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID}
	if readOnly {
		attributes.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, target, unix.AT_RECURSIVE, attributes); err != nil {
		return fmt.Errorf("protecting %s: %w", path, err)
	}
	return nil
}

// tree shows a folder, so that what is written to it stays in the namespace; where the system cannot do that, nothing
// can be written to it. Git's own folder is not shown: the token that fetched the repository may stand there.
func (v view) tree(tree, scratch string) error {
	if tree == "" {
		return nil
	}
	target := filepath.Join(v.root, tree)
	upper, work := filepath.Join(scratch, "upper"), filepath.Join(scratch, "work")
	for _, dir := range []string{target, upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	escape := strings.NewReplacer(`\`, `\\`, ",", `\,`, ":", `\:`)
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,userxattr", escape.Replace(tree), escape.Replace(upper),
		escape.Replace(work))
	if err := unix.Mount("overlay", target, "overlay", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		if err := v.bind(tree, target, true); err != nil {
			return err
		}
	}
	git := filepath.Join(target, ".git")
	info, err := os.Lstat(git)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		err = unix.Mount("tmpfs", git, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "size=4096,mode=755")
	case info.Mode().IsRegular():
		err = unix.Mount("/dev/null", git, "", unix.MS_BIND, "")
	}
	if err != nil {
		return fmt.Errorf("hiding git's folder: %w", err)
	}
	return nil
}

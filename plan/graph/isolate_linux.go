package graph

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// isolated is how a program is started that shares with this process no network, no process and no user: it reaches
// nobody but by the socket that it is given, cannot read what other processes were started with, and all that it
// started ends with it.
func isolated() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		Setpgid:     true,
		Pdeathsig:   syscall.SIGKILL,
	}
}

// Isolated reports whether this system lets everybody start programs in namespaces of their own, as Run then does.
var Isolated = sync.OnceValue(func() bool {
	// A file that is not there is looked for only where all else went well.
	cmd := &exec.Cmd{Path: "/dev/null/none", SysProcAttr: isolated()}
	err := cmd.Start()
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENOENT)
})

// apart has a program started apart from this process, as far as the system lets it.
func apart(cmd *exec.Cmd) {
	if Isolated() {
		cmd.SysProcAttr = isolated()
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

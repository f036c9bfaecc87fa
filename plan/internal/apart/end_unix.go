//go:build unix && !linux

package apart

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// together has a program started in a process group of its own, so that what it starts can be ended with it.
func together(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func end(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

//go:build unix

package graph

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// end ends a program with all that it started in its process group.
func end(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

//go:build unix && !linux

package graph

import (
	"os/exec"
	"syscall"
)

// Isolated reports whether programs are started in namespaces of their own, which this system does not have.
func Isolated() bool { return false }

// apart has a program started in a process group of its own.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

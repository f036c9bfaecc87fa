//go:build !unix

package graph

import "os/exec"

// Isolated reports whether programs are started in namespaces of their own, which this system does not have.
func Isolated() bool { return false }

func apart(*exec.Cmd) {}

func end(cmd *exec.Cmd) error { return cmd.Process.Kill() }

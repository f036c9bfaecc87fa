//go:build !unix

package apart

import "os/exec"

func together(*exec.Cmd) {}

func end(cmd *exec.Cmd) error { return cmd.Process.Kill() }

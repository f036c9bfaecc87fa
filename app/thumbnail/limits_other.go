//go:build !linux

package thumbnail

import (
	"os"
	"os/exec"
)

// confine bounds nothing: on systems other than Linux, which the app is not deployed on, pixels and patience are the
// only bounds of a child.
func confine(chan<- os.Signal, uint64) error { return nil }

func self() string {
	program, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return program
}

func attach(*exec.Cmd) {}

//go:build unix

package cli

import (
	"os"
	"syscall"
)

// forget starts this process anew without the variables that it does not need: what a process was started with can be
// read for as long as it runs, by every program of the same user that is not kept apart from it.
func forget() error {
	needed := kept(os.Environ())
	if len(needed) == len(os.Environ()) {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, os.Args, needed)
}

//go:build unix

package cli

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock waits until no other plan of the checkout is being made.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for another plan: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // which lets go of the lock
}

package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// forgetFile has the system forget what it has in memory of a file that is on the disk.
func forgetFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
}

package objects

import (
	"os"

	"golang.org/x/sys/unix"
)

// startWriting has the system begin to bring a range of a file to the disk. It promises nothing, and its failure is
// none: only a sync makes bytes durable.
func startWriting(f *os.File, from, length int64) {
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SyncFileRange(int(fd), from, length, unix.SYNC_FILE_RANGE_WRITE)
		})
	}
}

// readAhead has the system read a file further ahead than it would, because all that follows will be read in turn.
func readAhead(f *os.File) {
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Fadvise(int(fd), 0, 0, unix.FADV_SEQUENTIAL) })
	}
}

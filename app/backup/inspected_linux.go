package backup

import (
	"fmt"
	"io/fs"
	"syscall"
)

// identity tells a file or folder from every other one and from itself before a change: by the time of its last change,
// which no program can set, unlike that of the last write.
func identity(info fs.FileInfo) string {
	is, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("device %d, inode %d, size %d, changed %d.%09d", is.Dev, is.Ino, is.Size, is.Ctim.Sec, is.Ctim.Nsec)
}

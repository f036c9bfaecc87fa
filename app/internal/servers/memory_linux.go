package servers

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// memoryFolder returns a folder whose files are kept in memory; empty where there is none, where it has no room for the
// data of some servers, as in a container, or where it keeps no extended attributes, which versitygw needs and Linux
// has in memory since 6.6.
var memoryFolder = sync.OnceValue(func() string {
	const folder, room = "/dev/shm", 2 << 30
	var disk unix.Statfs_t
	if unix.Statfs(folder, &disk) != nil || int64(disk.Bavail)*disk.Bsize < room {
		return ""
	}
	f, err := os.CreateTemp(folder, "dossier-probe-")
	if err != nil {
		return ""
	}
	err = unix.Fsetxattr(int(f.Fd()), "user.dossier", []byte("probe"), 0)
	if errors.Join(err, f.Close(), os.Remove(f.Name())) != nil {
		return ""
	}
	return folder
})

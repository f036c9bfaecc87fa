package space

import "golang.org/x/sys/unix"

func look(folder string) (disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return disk{}, err
	}
	// Blocks are counted in fragments (statvfs(3)).
	unit := s.Frsize
	if unit == 0 {
		unit = s.Bsize
	}
	return disk{
		total: int64(s.Blocks) * unit, free: int64(s.Bavail) * unit, inodes: int64(s.Files), freeInodes: int64(s.Ffree),
	}, nil
}

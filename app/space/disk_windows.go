package space

import "golang.org/x/sys/windows"

var fullErrors = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED}

func look(folder string) (disk, error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return disk{}, err
	}
	var free, total uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, &total, nil); err != nil {
		return disk{}, err
	}
	return disk{total: int64(total), free: int64(free)}, nil
}

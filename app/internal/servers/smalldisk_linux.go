package servers

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

// SmallDisk mounts a file system of that many bytes, in memory, on a new folder until the test ends. Only root may
// mount one: for any other user it ends the test.
func SmallDisk(t testing.TB, size int64) (folder string) {
	t.Helper()
	folder = t.TempDir()
	err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("mode=0700,size=%d", size))
	if errors.Is(err, fs.ErrPermission) {
		Unable(t, "this user may not mount a file system; run the tests as root")
	}
	if err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return folder
}

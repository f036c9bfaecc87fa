package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// makeFolder makes a folder, those above it too, for this user alone.
func makeFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(folder))
}

// syncFolder makes the entries of a folder durable.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be synced there; NTFS journals its entries
	}
	f, err := os.Open(folder)
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			return nil // not ours to read; the entry becomes durable when the system sees fit
		}
		return err
	}
	defer f.Close() // only read from
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// syncFile makes the bytes of a file durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// writeFile writes a file in one step: it is there with all its bytes, durably, or as it was before.
func writeFile(path string, data []byte) error {
	beside, err := os.CreateTemp(filepath.Dir(path), ".new-*") // for this user alone
	if err != nil {
		return err
	}
	defer os.Remove(beside.Name())
	_, err = beside.Write(data)
	if err == nil {
		err = beside.Sync()
	}
	if err = errors.Join(err, beside.Close()); err != nil {
		return err
	}
	if err := os.Rename(beside.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'))
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Entry is a file of a point.
type Entry struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// entry reads a file.
func entry(path string) (Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return Entry{}, err
	}
	defer f.Close() // only read from
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return Entry{n, hex.EncodeToString(sum.Sum(nil))}, err
}

// place copies a file durably, over what an earlier run may have left in its place, and returns what was copied. After
// an error a part of it may be left.
func place(from, to string) (Entry, error) {
	in, err := os.Open(from)
	if err != nil {
		return Entry{}, err
	}
	defer in.Close() // only read from
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return Entry{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), in)
	if err == nil {
		err = out.Sync()
	}
	return Entry{n, hex.EncodeToString(sum.Sum(nil))}, errors.Join(err, out.Close())
}

// full reports whether the disk has no room.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// mend adds to an error of writing what can be done about it.
func mend(folder string, err error) error {
	switch {
	case err == nil:
		return nil
	case full(err), code(err)&codePrimary == codeFull:
		return fmt.Errorf("no space left in %s: free some space and run the same command again: %w", folder, err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s cannot be written: let the current user write there, or choose another folder: %w",
			folder, err)
	}
	return err
}

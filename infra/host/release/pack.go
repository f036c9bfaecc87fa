package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// keepUnused is how long a release stays in the cache after its last use.
const keepUnused = 30 * 24 * time.Hour

// store packs a program and the authorities into the cache.
func store(program string, authorities []byte) (r Release, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return Release{}, fmt.Errorf("finding the user's cache folder: %w", err)
	}
	dir := filepath.Join(cache, "dossier", "releases")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Release{}, err
	}
	prune(dir, time.Now().Add(-keepUnused))

	// In the same folder, so that it can be renamed into place: whoever looks at the place sees a whole release or
	// none.
	f, err := os.CreateTemp(dir, "new-*.tmp")
	if err != nil {
		return Release{}, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("packing the release into %s: %w", dir, err)
			_ = f.Close()           // its own error, if it was that, is told already
			_ = os.Remove(f.Name()) // prune does where this cannot
		}
	}()
	hash, size := sha256.New(), new(counter)
	if err := pack(io.MultiWriter(f, hash, size), program, authorities); err != nil {
		return Release{}, err
	}
	// CreateTemp gives no rights to others; a release holds nothing secret.
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return Release{}, err
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	r = Release{Path: filepath.Join(dir, sum+".tar.gz"), SHA256: sum, Key: Key(sum), Size: int64(*size)}
	// Also over one that is there: it has the same bytes, or was damaged.
	if err := os.Rename(f.Name(), r.Path); err != nil {
		return Release{}, err
	}
	return r, nil
}

// WithAuthorities packs the program of a release anew, with other certificate authorities (PEM), for tests whose
// database is not RDS.
func WithAuthorities(r Release, authorities []byte) (Release, error) {
	if !authority(authorities) {
		return Release{}, errors.New("the certificate authorities contain no PEM certificate")
	}
	packed, err := os.Open(r.Path)
	if err != nil {
		return Release{}, err
	}
	defer packed.Close()
	zip, err := gzip.NewReader(packed)
	if err != nil {
		return Release{}, fmt.Errorf("reading the release %s: %w", r.Path, err)
	}
	archive := tar.NewReader(zip)
	if h, err := archive.Next(); err != nil || h.Name != Program {
		return Release{}, fmt.Errorf("reading the release %s: it does not begin with the program (%w)", r.Path, err)
	}
	program, err := os.CreateTemp("", "dossier-program-")
	if err != nil {
		return Release{}, err
	}
	defer os.Remove(program.Name())
	_, err = io.Copy(program, archive)
	if err := errors.Join(err, program.Close()); err != nil {
		return Release{}, fmt.Errorf("reading the release %s: %w", r.Path, err)
	}
	return store(program.Name(), authorities)
}

// prune removes what nobody used since a time: releases, and what builds left that were ended in the middle. A release
// is written anew each time that it is used. What cannot be removed today can be another day.
func prune(dir string, before time.Time) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

// pack writes the tar.gz. Nothing in it is taken from the files but their bytes.
func pack(w io.Writer, program string, authorities []byte) error {
	f, err := os.Open(program)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// The level is set so that another default of a later Go does not change releases. The header has neither name nor
	// time.
	zip, err := gzip.NewWriterLevel(w, 6)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zip)
	for _, entry := range []struct {
		name string
		mode fs.FileMode
		size int64
		from io.Reader
	}{
		{Program, 0o755, info.Size(), f},
		{Authorities, 0o644, int64(len(authorities)), bytes.NewReader(authorities)},
	} {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: entry.name, Mode: int64(entry.mode), Size: entry.size,
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(archive, entry.from); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), zip.Close())
}

// counter counts the bytes written to it.
type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

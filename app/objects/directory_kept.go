package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"
	"time"

	dossier "dossier.example/app"
)

// An object that is set aside is moved, not copied, so that setting aside needs next to no space on a disk that is
// full. What it was about is written first: an object without it is not kept anywhere.

const (
	keptDir = ".kept"
	// aboutEnd ends the name of the file that tells of a kept object, and whose time is when it was set aside.
	aboutEnd = ".about"
	// maxAbout is how much of such a file is read, in bytes.
	maxAbout = 64 << 10
)

// keptName returns the name of a kept object, of which keptKey is the inverse.
func keptName(key string) string {
	person, file, _ := strings.Cut(strings.TrimPrefix(key, dossier.ObjectPrefix), "/")
	return keptDir + "/" + person + "." + file
}

func keptKey(name string) (string, bool) {
	person, file, _ := strings.Cut(name, ".")
	key := dossier.ObjectPrefix + person + "/" + file
	return key, checkKey(key) == nil
}

// SetAside implements dossier.Objects. It is durable.
func (d *Directory) SetAside(ctx context.Context, key string, about []byte) error {
	const doing = "set object aside"
	if err := checkKey(key); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	name := keptName(key)
	if _, err := d.root.Lstat(key); err != nil {
		if err = d.failed(ctx, doing, err); errors.Is(err, dossier.ErrNotFound) {
			return nil
		}
		return err
	}
	err := d.root.Remove(name + aboutEnd)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = d.write(name+aboutEnd, func(f io.Writer) error {
			_, err := f.Write(about)
			return err
		})
	}
	if err == nil {
		err = d.sync(keptDir)
	}
	if err == nil {
		err = d.root.Rename(key, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody else was faster
	}
	if err != nil {
		return unavailable(ctx, doing, err)
	}
	changed := path.Dir(key)
	if err := d.root.Remove(changed); err == nil {
		changed = filesDir
	} // else it has other files
	if err := errors.Join(d.sync(keptDir), d.sync(changed)); err != nil {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// Kept implements dossier.Objects.
func (d *Directory) Kept(ctx context.Context) iter.Seq2[dossier.Kept, error] {
	const doing = "list kept objects"
	return func(yield func(dossier.Kept, error) bool) {
		for last := ""; ; {
			names, err := d.names(ctx, keptDir, last)
			if err != nil {
				yield(dossier.Kept{}, unavailable(ctx, doing, err))
				return
			}
			if len(names) == 0 {
				return
			}
			for _, name := range names {
				key, ok := keptKey(strings.TrimSuffix(name, aboutEnd))
				if !ok || !strings.HasSuffix(name, aboutEnd) {
					continue
				}
				k, err := d.kept(key)
				if gone(err) {
					continue // put back or expired since, or not yet set aside
				}
				if err != nil {
					err = unavailable(ctx, doing, err)
				}
				if !yield(k, err) || err != nil {
					return
				}
			}
			last = names[len(names)-1]
		}
	}
}

func (d *Directory) kept(key string) (dossier.Kept, error) {
	name := keptName(key)
	if _, err := d.root.Lstat(name); err != nil {
		return dossier.Kept{}, err
	}
	f, err := d.root.Open(name + aboutEnd)
	if err != nil {
		return dossier.Kept{}, err
	}
	defer f.Close() // only read from
	info, err := f.Stat()
	if err != nil {
		return dossier.Kept{}, err
	}
	about, err := io.ReadAll(io.LimitReader(f, maxAbout))
	return dossier.Kept{Key: key, About: about, At: info.ModTime().UTC()}, err
}

// PutBack implements dossier.Objects.
func (d *Directory) PutBack(ctx context.Context, key string) error {
	const doing = "put object back"
	if err := checkKey(key); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	name := keptName(key)
	if _, err := d.root.Lstat(name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeNotFound, Err: err})
		}
		return unavailable(ctx, doing, err)
	}
	if err := d.publish(ctx, name, key); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeExists, Err: err})
		}
		return unavailable(ctx, doing, err)
	}
	if err := d.forgetKept(name); err != nil {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// Expire implements dossier.Objects.
func (d *Directory) Expire(ctx context.Context, before time.Time) (n int, err error) {
	for k, err := range d.Kept(ctx) {
		if err != nil {
			return n, err
		}
		if !k.At.Before(before) {
			continue
		}
		if err := d.forgetKept(keptName(k.Key)); err != nil {
			return n, unavailable(ctx, "remove a kept object", err)
		}
		n++
	}
	return n, nil
}

// forgetKept removes a kept object: itself before what tells of it, by which it is found again.
func (d *Directory) forgetKept(name string) error {
	for _, name := range []string{name, name + aboutEnd} {
		if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return d.sync(keptDir)
}

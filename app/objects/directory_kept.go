package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
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
	switch {
	case err != nil:
	case d.same(key, name): // PutBack made the key; a rename of a file to another of its names does nothing
		err = d.root.Remove(key)
	default:
		err = d.root.Rename(key, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		// Somebody else was faster, and set it aside or deleted it.
		if _, err := d.root.Lstat(name); gone(err) {
			_ = d.root.Remove(name + aboutEnd) // what stays goes with Expire
		}
		return nil
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
		for key, err := range d.told(ctx) {
			var k dossier.Kept
			if err == nil {
				if k, err = d.kept(key); gone(err) {
					continue // forgotten since, or not yet set aside
				}
			}
			if err != nil {
				err = unavailable(ctx, doing, err)
			}
			if !yield(k, err) || err != nil {
				return
			}
		}
	}
}

// told yields the keys of which there is a file that tells of a kept object, whether that is there or not.
func (d *Directory) told(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for last := ""; ; {
			names, err := d.names(ctx, keptDir, last)
			if err != nil {
				yield("", err)
				return
			}
			if len(names) == 0 {
				return
			}
			for _, name := range names {
				about, tells := strings.CutSuffix(name, aboutEnd)
				if key, ok := keptKey(about); ok && tells && !yield(key, nil) {
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

// PutBack implements dossier.Objects. In a file system without hard links, it is no longer kept from then on.
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
	err := d.publish(ctx, name, key)
	if errors.Is(err, fs.ErrExist) {
		if !d.same(name, key) {
			return fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeExists, Err: err})
		}
		err = errors.Join(d.sync(path.Dir(key)), d.sync(filesDir)) // of a call that may have been killed before
	}
	if err != nil {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// same reports whether two names are those of one file.
func (d *Directory) same(a, b string) bool {
	one, err := d.root.Lstat(a)
	other, otherErr := d.root.Lstat(b)
	return err == nil && otherErr == nil && os.SameFile(one, other)
}

// ForgetKept implements dossier.Objects.
func (d *Directory) ForgetKept(ctx context.Context, key string) error {
	const doing = "forget a kept object"
	if err := checkKey(key); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	if err := d.forgetKept(keptName(key)); err != nil {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// Expire implements dossier.Objects. Whoever was killed while it set an object aside, or forgot one, may have left what
// tells of it alone, which goes as well.
func (d *Directory) Expire(ctx context.Context, before time.Time) (n int, err error) {
	const doing = "remove a kept object"
	for key, err := range d.told(ctx) {
		if err != nil {
			return n, unavailable(ctx, doing, err)
		}
		name := keptName(key)
		info, err := d.root.Lstat(name + aboutEnd)
		if gone(err) || err == nil && !info.ModTime().Before(before) {
			continue
		}
		_, absent := d.root.Lstat(name)
		if err == nil {
			err = d.forgetKept(name)
		}
		if err != nil {
			return n, unavailable(ctx, doing, err)
		}
		if absent == nil {
			n++
		}
	}
	return n, nil
}

// forgetKept removes a kept object: itself before what tells of it, by which it is found again.
func (d *Directory) forgetKept(name string) error {
	was := false
	for _, name := range []string{name, name + aboutEnd} {
		err := d.root.Remove(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		was = was || err == nil
	}
	if !was {
		return nil
	}
	return d.sync(keptDir)
}

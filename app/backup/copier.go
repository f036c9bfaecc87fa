package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"

	"dossier.example/app"
)

// Progress is how far a run is. It may be read while the run is at work.
type Progress struct {
	files, doneFiles, bytes, doneBytes atomic.Int64
}

// Files returns how many files are done, and of how many.
func (p *Progress) Files() (done, all int64) { return p.doneFiles.Load(), p.files.Load() }

// Bytes returns how many bytes are done, and of how many.
func (p *Progress) Bytes() (done, all int64) { return p.doneBytes.Load(), p.bytes.Load() }

func (p *Progress) expect(t totals) { p.files.Store(t.Files); p.bytes.Store(t.Bytes) }

func (p *Progress) add(size int64) { p.doneFiles.Add(1); p.doneBytes.Add(size) }

// objectsFolder holds the objects, in a data folder and in a backup alike: a key is the path of its file below it.
const objectsFolder = "objects"

// copiers is how many objects are copied at once: a copy waits for the disk to sync most of its time.
const copiers = 4

// copier copies objects from one folder to another, each as its record says or not at all.
type copier struct {
	from, to *os.Root
	// temp is the folder below to in which a copy is made before it gets its name.
	temp string
	// verify reads again what is there already.
	verify bool
	// compare looks whether from still has what is there already.
	compare  bool
	progress *Progress
}

// outcome is what became of one object.
type outcome struct {
	record
	// copied: it was not there. repaired: another was there.
	copied, repaired bool
	// fault is what is wrong with the object that was to be copied; empty: nothing. held: it is there all the same,
	// from an earlier time.
	fault string
	held  bool
}

// all copies a batch, and makes what it copied durable.
func (c *copier) all(ctx context.Context, list []record) ([]outcome, error) {
	out := make([]outcome, len(list))
	errs := make([]error, copiers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range copiers {
		wg.Go(func() {
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				out[i], errs[w] = c.one(ctx, list[i])
				c.progress.add(list[i].size)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	for _, o := range out {
		if o.copied || o.repaired {
			changed[path.Dir(o.key())] = true
			changed[path.Clean(dossier.ObjectPrefix)] = true
		}
	}
	for folder := range changed {
		if err := syncFolder(filepath.Join(c.to.Name(), objectsFolder, filepath.FromSlash(folder))); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// one copies one object. Its error is one of the folder that is written to; what is wrong with the other is the
// outcome.
func (c *copier) one(ctx context.Context, r record) (outcome, error) {
	o := outcome{record: r}
	name := path.Join(objectsFolder, r.key())
	info, err := c.to.Lstat(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	there := err == nil
	if there && info.Mode().IsRegular() && info.Size() == r.size {
		o.held = true
		if c.verify {
			fault, err := c.read(ctx, name, r, io.Discard)
			if err != nil {
				return o, err
			}
			o.held = fault == ""
		}
	}
	if o.held {
		if c.compare {
			o.fault = c.glance(name, r)
		}
		return o, nil
	}
	o.fault, err = c.copy(ctx, name, r)
	if err == nil && o.fault == "" {
		o.copied, o.repaired = !there, there
	}
	return o, err
}

// glance looks at the object to copy without reading it.
func (c *copier) glance(name string, r record) (fault string) {
	info, err := c.from.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return FaultMissing
	case err != nil:
		return FaultUnreadable
	case !info.Mode().IsRegular() || info.Size() != r.size:
		return FaultDiffers
	}
	return ""
}

// read reads what is there already, and reports whether it is as its record says.
func (c *copier) read(ctx context.Context, name string, r record, w io.Writer) (fault string, err error) {
	f, err := c.to.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close() // only read from
	return pass(ctx, f, w, r)
}

func (c *copier) copy(ctx context.Context, name string, r record) (fault string, err error) {
	if fault := c.glance(name, r); fault != "" {
		return fault, ctx.Err()
	}
	in, err := c.from.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return FaultMissing, nil
	case err != nil:
		return FaultUnreadable, nil
	}
	defer in.Close() // only read from
	beside := path.Join(c.temp, rand.Text())
	out, err := c.to.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer c.to.Remove(beside)
	fault, err = pass(ctx, in, out, r)
	if err == nil && fault == "" {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil || fault != "" {
		return fault, err
	}
	folder := path.Dir(name)
	if err := c.to.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return "", c.to.Rename(beside, name)
}

// copyBuffer is how much is read before the context is looked at again.
const copyBuffer = 256 << 10

// pass copies an object and reports whether it is as its record says. The error is the writer's, or the context's.
func pass(ctx context.Context, r io.Reader, w io.Writer, want record) (fault string, err error) {
	crc, buf := dossier.NewCRC64(), make([]byte, min(copyBuffer, want.size+1))
	for size := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.Read(buf)
		if size += int64(n); size > want.size {
			return FaultDiffers, nil
		}
		crc.Write(buf[:n])
		if _, err := w.Write(buf[:n]); err != nil {
			return "", fmt.Errorf("copy file %s of person %s: %w", want.file, want.person, err)
		}
		switch {
		case err == io.EOF && size == want.size && crc.Sum64() == want.crc64:
			return "", nil
		case err == io.EOF:
			return FaultDiffers, nil
		case err != nil:
			return FaultUnreadable, nil
		}
	}
}

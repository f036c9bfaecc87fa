package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	dossier "dossier.example/app"
)

// Directory keeps each object as a file of the same name below a folder:
//
//	files/<person>/<file>                 the objects; a person's folder exists only while it has files
//	.partial/<person>.<file>.<upload id>  a Put that is under way, or was when a process was killed: a file;
//	                                      or a multipart upload: a folder (see directory_multipart.go)
//	.kept/<person>.<file>                 an object that was set aside, and beside it, with .about behind the
//	                                      name, what SetAside was told of it
//	thumbs/<person>/<file>                the thumbnails of pictures (see directory_thumbnails.go)
//	.signing-key                          what signed requests are signed with: a secret
//
// What comes is written and synced in .partial, then linked to its key in one step and synced again, so a key is there
// with all its bytes or not at all, also after a power cut (as far as the disk keeps what it was told to sync).
// Unfinished finds what a killed process left in .partial, and Drop removes it.
//
// Several processes may use one folder. Nothing is locked: what is under way has a random name, and steps that race are
// atomic in the file system.
type Directory struct {
	path string // absolute, for messages
	root *os.Root
	now  func() time.Time
	// link makes a second name for a file and never replaces one.
	link func(from, to string) error
	// lot is the number of names that a listing keeps of one folder.
	lot int
	// take is asked before bytes of an object or a part are written; see Bound.
	take func(bytes int64) error
	// receiving are the parts that are arriving.
	receiving receiving
}

const (
	filesDir   = "files" // dossier.ObjectPrefix without its slash: a key is the path of its file
	partialDir = ".partial"

	// copyBuffer is how much is read before ctx is looked at again, in bytes.
	copyBuffer = 128 << 10
)

// OpenDirectory opens the folder and makes it where it is missing. The error of a folder that cannot be written names
// it and what to do.
func OpenDirectory(folder string) (*Directory, error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("data folder %q: %w", folder, err)
	}
	d := &Directory{path: abs, now: time.Now, lot: namesAtOnce,
		take: func(int64) error { return nil }}
	if err := d.open(); err != nil {
		mend := "let the user that runs this program write there, or choose another folder"
		if full(err) {
			mend = "free some space there, or choose another folder"
		}
		return nil, fmt.Errorf("data folder %q cannot be written: %w; %s", abs, err, mend)
	}
	return d, nil
}

func (d *Directory) open() (err error) {
	if err := makeFolder(d.path); err != nil {
		return err
	}
	if d.root, err = os.OpenRoot(d.path); err != nil {
		return err
	}
	d.link = d.root.Link
	for _, dir := range []string{filesDir, partialDir, keptDir, thumbsDir} {
		if err = d.root.MkdirAll(dir, 0o700); err != nil {
			break
		}
	}
	if err == nil {
		err = d.sync(".")
	}
	if err == nil {
		err = d.probe()
	}
	if err == nil {
		// Not needed yet, but what is wrong with it is better told now.
		_, err = d.signingKey()
	}
	if err != nil {
		_ = d.root.Close() // the first error is the one to tell
	}
	return err
}

// Bound has take asked before any bytes are written of what comes to be stored; its error ends the call, wrapped. It is
// to be called before the store is used.
func (d *Directory) Bound(take func(bytes int64) error) { d.take = take }

// Close releases the folder. Calls under way may fail.
func (d *Directory) Close() error { return d.root.Close() }

// Ping reports whether the folder is still there and can be written: ErrUnavailable. A full disk counts as one that
// can: reading and deleting go on there, and whoever takes new files learns of it by itself.
func (d *Directory) Ping(ctx context.Context) error {
	const doing = "check data folder"
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	// A folder that was moved away or unmounted still works for the process that has it open.
	there, err := os.Stat(d.path)
	if err != nil {
		return unavailable(ctx, doing, err)
	}
	held, err := d.root.Stat(".")
	if err != nil {
		return unavailable(ctx, doing, err)
	}
	if !os.SameFile(there, held) {
		return unavailable(ctx, doing, errors.New("the folder was replaced after this program started"))
	}
	if err := d.probe(); err != nil && !full(err) {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// probe writes a byte and removes it. The file is always the same, so that a process that is killed in between leaves
// one, not many; another process may remove it first.
func (d *Directory) probe() error {
	const name = partialDir + "/probe"
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte{0})
	err = errors.Join(err, f.Close())
	if gone := d.root.Remove(name); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// Put implements dossier.Objects. A key that is taken is ErrExists. It waits for a Read of r that blocks. What it
// returns is what Stat would: the bytes are read back, before they become visible.
func (d *Directory) Put(ctx context.Context, key string, r io.Reader) (dossier.Held, error) {
	const doing = "put object"
	if err := checkKey(key); err != nil {
		return dossier.Held{}, fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return dossier.Held{}, unavailable(ctx, doing, nil)
	}
	name, _ := uploadName(key, d.newUploadID())
	src := &source{ctx: ctx, doing: doing, r: r}
	var held dossier.Held
	err := d.writeAnd(name, func(w io.Writer) error {
		if err := d.fill(w, src); err != nil {
			return err
		}
		// The last byte may have come long ago; ModifiedAt is when the object became visible.
		now := time.Now()
		return d.root.Chtimes(name, now, now)
	}, func() error {
		f, err := d.root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close() // only read from
		held, err = sumWritten(ctx, f)
		return err
	})
	defer d.root.Remove(name) // what stays after an error here goes with Drop
	if err != nil {
		return dossier.Held{}, src.failure(unavailable(ctx, doing, err))
	}
	if ctx.Err() != nil {
		return dossier.Held{}, src.failure(nil)
	}
	if err := d.publish(ctx, name, key); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return dossier.Held{}, fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeExists, Err: err})
		}
		return dossier.Held{}, unavailable(ctx, doing, err)
	}
	return held, nil
}

// write makes a file with what fill puts into it, and syncs it. After an error there may be a file or none.
func (d *Directory) write(name string, fill func(io.Writer) error) error {
	return d.writeAnd(name, fill, func() error { return nil })
}

// writeAnd is write, which runs look when the file has all its bytes: while a large file is synced, which waits for the
// disk, and before a small one is.
func (d *Directory) writeAnd(name string, fill func(io.Writer) error, look func() error) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	early := &earlyWriter{f: f}
	err = fill(early)
	early.wait()
	switch {
	case err != nil:
	case early.told == 0:
		if err = look(); err == nil {
			err = f.Sync()
		}
	default:
		synced := make(chan error, 1)
		go func() { synced <- f.Sync() }()
		err = errors.Join(look(), <-synced)
	}
	return errors.Join(err, f.Close())
}

// copyBuffers are the buffers of those that copy or read whole files: made anew for each, they would be most of what a
// small file takes.
var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

// fill copies src to w. A source that is an io.WriterTo has its own buffers. io.Copy is not used: it would hand the
// copying to w too, past the look at ctx between two reads.
func (d *Directory) fill(w io.Writer, src *source) error {
	if from, ok := src.r.(io.WriterTo); ok {
		return src.writeTo(from, &takingWriter{d: d, w: w})
	}
	lent := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(lent)
	buf := lent[:]
	for into := 0; ; { // how far the file reaches into a buffer's length
		// Not beyond the next whole buffer of the file, so that a source that fills what it is given has its bytes
		// written in whole buffers: after a write that ended within a page, the next one waits if that page is on its
		// way to the disk.
		n, err := src.Read(buf[:len(buf)-into])
		into = (into + n) % len(buf)
		if n > 0 {
			if err := d.take(int64(n)); err != nil {
				return err
			}
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// takingWriter asks whether what it writes may be written.
type takingWriter struct {
	d *Directory
	w io.Writer
}

func (w *takingWriter) Write(p []byte) (int, error) {
	if err := w.d.take(int64(len(p))); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}

// publish makes the finished partial file visible under key and durable. fs.ErrExist: the key is taken.
func (d *Directory) publish(ctx context.Context, name, key string) error {
	dir := path.Dir(key)
	err := d.place(ctx, name, key, dir)
	if err != nil {
		_ = d.root.Remove(dir) // succeeds only on a folder that place left empty
		return err
	}
	// The person's folder may have been made by another Put that has not synced its entry yet, hence both, always.
	if err := errors.Join(d.sync(dir), d.sync(filesDir)); err != nil {
		// Not durable, so it must not be visible.
		_ = d.root.Remove(key)
		_ = d.root.Remove(dir)
		return err
	}
	return nil
}

func (d *Directory) place(ctx context.Context, name, key, dir string) error {
	// A Delete may take the folder away, empty as it is, between the two steps. Each turn lost is a Delete of the same
	// person that was won, so the bound is beyond reach unless something else is wrong.
	const turns = 1000
	var err error
	for range turns {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		err = d.link(name, key)
		switch {
		case err == nil, errors.Is(err, fs.ErrExist):
			return err
		case !errors.Is(err, fs.ErrNotExist):
			// Some file systems have no hard links (FAT, some network and phone storage) and say so in various ways. A
			// rename would replace, so the key is looked at first; the gap harms nobody, since a key has one writer.
			if _, lookErr := d.root.Lstat(key); lookErr == nil {
				return fs.ErrExist
			}
			if err = d.root.Rename(name, key); err == nil || !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if _, lookErr := d.root.Lstat(name); errors.Is(lookErr, fs.ErrNotExist) {
			return errors.New("the multipart upload was aborted by another process")
		}
	}
	return err
}

// Stat implements dossier.Objects. It reads the bytes back and computes the checksum from them.
func (d *Directory) Stat(ctx context.Context, key string) (dossier.Held, error) {
	const doing = "stat object"
	if _, _, err := dossier.ParseObjectKey(key); err != nil {
		return dossier.Held{}, fmt.Errorf("%s: %w", doing, err)
	}
	f, err := d.openObject(ctx, doing, key)
	if err != nil {
		return dossier.Held{}, err
	}
	defer f.Close() // only read from
	held, err := sum(ctx, f)
	if err != nil {
		return dossier.Held{}, unavailable(ctx, doing, err)
	}
	return held, nil
}

// sum reads a file to its end.
func sum(ctx context.Context, f io.Reader) (dossier.Held, error) {
	lent := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(lent)
	crc, buf := dossier.NewCRC64(), lent[:]
	var size int64
	for {
		if ctx.Err() != nil {
			return dossier.Held{}, context.Cause(ctx)
		}
		n, err := f.Read(buf)
		crc.Write(buf[:n])
		size += int64(n)
		if err == io.EOF {
			return dossier.Held{Size: size, CRC64: crc.Sum64()}, nil
		}
		if err != nil {
			return dossier.Held{}, err
		}
	}
}

// sumWritten is sum for a file that was just written and is still in memory: a large one is read by all processors at
// once, because whoever sent it waits, and nothing else is left to do.
func sumWritten(ctx context.Context, f *os.File) (dossier.Held, error) {
	info, err := f.Stat()
	if err != nil {
		return dossier.Held{}, err
	}
	pieces := min(int64(runtime.GOMAXPROCS(0)), info.Size()/earlyEach)
	if pieces < 2 {
		return sum(ctx, f)
	}
	held, errs := make([]dossier.Held, pieces), make([]error, pieces)
	var wg sync.WaitGroup
	for i := range pieces {
		from, to := info.Size()*i/pieces, info.Size()*(i+1)/pieces
		if i == pieces-1 {
			to = math.MaxInt64 // what came meanwhile counts too
		}
		wg.Go(func() { held[i], errs[i] = sum(ctx, io.NewSectionReader(f, from, to-from)) })
	}
	wg.Wait()
	var whole dossier.Held
	for _, h := range held {
		whole = dossier.Held{Size: whole.Size + h.Size,
			CRC64: dossier.CombineCRC64(whole.CRC64, h.CRC64, h.Size)}
	}
	return whole, errors.Join(errs...)
}

// Head implements dossier.Objects. A folder keeps no checksums.
func (d *Directory) Head(ctx context.Context, key string) (dossier.Head, error) {
	const doing = "look at object"
	if _, _, err := dossier.ParseObjectKey(key); err != nil {
		return dossier.Head{}, fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return dossier.Head{}, unavailable(ctx, doing, nil)
	}
	info, err := d.root.Stat(key)
	if err != nil {
		return dossier.Head{}, d.failed(ctx, doing, err)
	}
	return dossier.Head{Size: info.Size()}, nil
}

// Open implements dossier.Objects. An offset at the end or beyond it gives a reader without bytes.
func (d *Directory) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const doing = "open object"
	if err := checkRead(key, offset); err != nil {
		return nil, err
	}
	f, err := d.openObject(ctx, doing, key)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		// File systems refuse to seek beyond the largest file that they could hold.
		_, err = f.Seek(min(offset, info.Size()), io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(unavailable(ctx, doing, err), f.Close())
	}
	if length < 0 && info.Size()-offset > earlyEach {
		readAhead(f)
	}
	r := &fileReader{ctx: ctx, r: f, f: f}
	if length >= 0 {
		r.r = io.LimitReader(f, length)
	}
	return r, nil
}

// Link implements dossier.Objects: a folder is reached by no client.
func (d *Directory) Link(context.Context, string, dossier.ResponseHeader, time.Duration) (dossier.SignedRequest,
	error) {
	return dossier.SignedRequest{}, errors.ErrUnsupported
}

// fileReader reads an opened object for as long as ctx lasts.
type fileReader struct {
	ctx context.Context
	r   io.Reader
	f   *os.File
}

func (r *fileReader) Read(p []byte) (int, error) {
	const doing = "read object"
	if r.ctx.Err() != nil {
		return 0, unavailable(r.ctx, doing, nil)
	}
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		err = unavailable(r.ctx, doing, err)
	}
	return n, err
}

func (r *fileReader) Close() error { return r.f.Close() }

func (d *Directory) openObject(ctx context.Context, doing, key string) (*os.File, error) {
	if ctx.Err() != nil {
		return nil, unavailable(ctx, doing, nil)
	}
	f, err := d.root.Open(key)
	if err != nil {
		return nil, d.failed(ctx, doing, err)
	}
	return f, nil
}

// failed gives the error of a call that names a key. That the whole folder of objects is missing says nothing of one of
// them.
func (d *Directory) failed(ctx context.Context, doing string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		if _, dirErr := d.root.Stat(filesDir); dirErr == nil {
			return fmt.Errorf("%s: %w", doing, &dossier.Error{Code: dossier.CodeNotFound, Err: err})
		}
	}
	return unavailable(ctx, doing, err)
}

// Delete implements dossier.Objects. It is durable.
func (d *Directory) Delete(ctx context.Context, key string) error {
	const doing = "delete object"
	if err := checkKey(key); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if ctx.Err() != nil {
		return unavailable(ctx, doing, nil)
	}
	err := d.root.Remove(key)
	if kept := d.forgetKept(keptName(key)); kept != nil {
		return unavailable(ctx, doing, kept)
	}
	if err != nil {
		if err = d.failed(ctx, doing, err); errors.Is(err, dossier.ErrNotFound) {
			return nil
		}
		return err
	}
	changed := path.Dir(key)
	if err := d.root.Remove(changed); err == nil {
		changed = filesDir
	} // else it has other files
	if err := d.sync(changed); err != nil {
		return unavailable(ctx, doing, err)
	}
	return nil
}

// List implements dossier.Objects. It yields every regular file, whoever put it there.
func (d *Directory) List(ctx context.Context, prefix, after string) iter.Seq2[dossier.Object, error] {
	return func(yield func(dossier.Object, error) bool) {
		d.walk(ctx, filesDir, prefix, after, yield)
	}
}

// walk yields the objects below dir whose key begins with prefix and comes after the given one; false when the listing
// is over.
func (d *Directory) walk(ctx context.Context, dir, prefix, after string,
	yield func(dossier.Object, error) bool) bool {
	const doing = "list objects"
	last := ""
	if below, under := strings.CutPrefix(after, dir+"/"); under {
		// The first name that may still have something: after itself, or the folder that it is in.
		if name, _, deeper := strings.Cut(below, "/"); deeper {
			last = name
		} else {
			last = below
		}
	} else if dir+"/" < after {
		return true
	}
	for {
		if ctx.Err() != nil {
			yield(dossier.Object{}, unavailable(ctx, doing, nil))
			return false
		}
		names, err := d.names(ctx, dir, last)
		if dir != filesDir && gone(err) {
			return true
		}
		if err != nil {
			yield(dossier.Object{}, unavailable(ctx, doing, err))
			return false
		}
		if len(names) == 0 {
			return true
		}
		for _, name := range names {
			key := dir + "/" + name
			if sub, isDir := strings.CutSuffix(key, "/"); isDir {
				if (strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key)) &&
					!d.walk(ctx, sub, prefix, after, yield) {
					return false
				}
				continue
			}
			if !strings.HasPrefix(key, prefix) {
				continue
			}
			info, err := d.root.Lstat(key)
			switch {
			case gone(err):
				continue
			case err != nil:
				yield(dossier.Object{}, unavailable(ctx, doing, err))
				return false
			case !info.Mode().IsRegular():
				continue
			}
			if !yield(dossier.Object{Key: key, Size: info.Size(), ModifiedAt: info.ModTime().UTC()}, nil) {
				return false
			}
		}
		last = names[len(names)-1]
	}
}

// gone tells that what was listed a moment ago is not there any more, or is no longer what it was.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }

// namesAtOnce bounds the memory of a listing: twice as many names are held at most, about 4 MiB. A folder of more is
// read again for each further lot.
const namesAtOnce = 1 << 15

// names returns the first entries of dir after the given one, in the order of their keys: a folder counts with a slash
// behind its name, as it stands in the keys below it.
func (d *Directory) names(ctx context.Context, dir, after string) ([]string, error) {
	f, err := d.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	var names []string
	keep := func() {
		slices.Sort(names)
		if len(names) > d.lot {
			clear(names[d.lot:])
			names = names[:d.lot]
		}
	}
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		entries, err := f.ReadDir(1024)
		for _, e := range entries {
			name := e.Name()
			if e.IsDir() {
				name += "/"
			}
			if name > after {
				names = append(names, name)
			}
		}
		if len(names) >= 2*d.lot {
			keep()
		}
		if err == io.EOF {
			keep()
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// makeFolder makes a folder and those above it that are missing, durably: a synced file is worth nothing in a folder
// that a power cut takes away.
func makeFolder(folder string) error {
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above := filepath.Dir(folder)
	if err := makeFolder(above); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(above)
	if errors.Is(err, fs.ErrPermission) {
		return nil // writable but not readable; the entry becomes durable when the system sees fit
	}
	if err != nil {
		return err
	}
	return errors.Join(syncFolder(f), f.Close())
}

// sync makes the entries of a folder durable. A folder that is gone has none.
func (d *Directory) sync(dir string) error {
	f, err := d.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(syncFolder(f), f.Close())
}

func syncFolder(f *os.File) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be synced there; NTFS journals its entries
	}
	err := f.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil // some network file systems cannot sync a folder; there is nothing better to do
	}
	return err
}

// full tells that the disk has no room.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	dossier "dossier.example/app"
	"dossier.example/app/storetest"
)

func openDirectory(t *testing.T, folder string) *Directory {
	t.Helper()
	d, err := OpenDirectory(folder)
	if err != nil {
		t.Fatalf("OpenDirectory: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return d
}

// found returns the paths of all files below folder, with slashes, in order, but for the signing key.
func found(t *testing.T, folder string) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && name != signingKeyFile {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	storetest.Objects(t, func(t *testing.T) (dossier.Objects, storetest.Send) {
		d := openDirectory(t, t.TempDir())
		return d, receive(d)
	})
}

func TestDirectoryHasNoLinks(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	key := newKey()
	if _, err := d.Put(t.Context(), key, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if link, err := d.Link(t.Context(), key, dossier.ResponseHeader{}, time.Minute); !errors.Is(err,
		errors.ErrUnsupported) || link.URL != "" {
		t.Errorf("Link = %+v, %v; want errors.ErrUnsupported", link, err)
	}
}

// filling fills what it is given, as a form's file does, but gives only so many bytes the first time.
type filling struct {
	first int
	r     io.Reader
}

func (f *filling) Read(p []byte) (int, error) {
	if f.first > 0 {
		p = p[:min(len(p), f.first)]
		f.first = 0
	}
	n, err := io.ReadFull(f.r, p)
	if n > 0 {
		err = nil
	}
	return n, err
}

// writes notes how many bytes each Write has.
type writes []int

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, len(p))
	return len(p), nil
}

// A file that begins with an odd number of bytes is written in whole buffers after them.
func TestDirectoryWritesWholeBuffers(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	var got writes
	source := &source{ctx: t.Context(), r: &filling{32<<10 + 1, byteStream(3*copyBuffer + 7)}}
	if err := d.fill(&got, source); err != nil {
		t.Fatal(err)
	}
	if want := (writes{32<<10 + 1, copyBuffer - 32<<10 - 1, copyBuffer, copyBuffer, 7}); !slices.Equal(got, want) {
		t.Errorf("written by %v, want %v", got, want)
	}
}

// writerTo has its own buffers, as a form's file does.
type writerTo struct {
	io.Reader
	to func(io.Writer) error
}

func (w writerTo) WriteTo(to io.Writer) (int64, error) { return 0, w.to(to) }

// A source that writes itself to the file is asked for nothing else, and what ends it is told as what it is.
func TestDirectoryIsWrittenTo(t *testing.T) {
	errSource, errRoom := errors.New("the source broke off"), errors.New("no room")
	for name, c := range map[string]struct {
		room, end error
		cancel    bool
		want      error
		ofSource  bool
	}{
		"to the end":       {},
		"ended by source":  {end: errSource, want: errSource, ofSource: true},
		"ended by room":    {room: errRoom, want: errRoom},
		"ended by context": {cancel: true, want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDirectory(t, t.TempDir())
			taken := int64(0)
			d.Bound(func(n int64) error { taken += n; return c.room })
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.cancel {
				cancel()
			}
			src := &source{ctx: ctx, r: writerTo{failingReader{errors.New("it was read")}, func(w io.Writer) error {
				for range 3 {
					if _, err := w.Write(make([]byte, 1000)); err != nil {
						return err
					}
				}
				return c.end
			}}}
			var got writes
			if err := d.fill(&got, src); !errors.Is(err, c.want) {
				t.Errorf("fill: %v, want %v", err, c.want)
			}
			if (src.err != nil) != c.ofSource {
				t.Errorf("the source's error is %v", src.err)
			}
			if c.room == nil && !c.cancel && (len(got) != 3 || taken != 3000 || src.size != 3000) {
				t.Errorf("%d bytes in %d writes, of which %d were asked for", src.size, len(got), taken)
			}
			if (c.room != nil || c.cancel) && len(got) > 0 {
				t.Errorf("written by %v, want nothing", got)
			}
		})
	}
}

// What Put returns is what is in the file, whatever was written: here another program flips a bit of it before the last
// bytes have come. A large file goes to the disk while it comes, and is read back while it is synced.
func TestDirectoryReadsBack(t *testing.T) {
	for _, size := range []int64{1000, earlyEach - 1, 2*earlyEach + copyBuffer + 1} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			d := openDirectory(t, folder)
			want, err := io.ReadAll(byteStream(size))
			if err != nil {
				t.Fatal(err)
			}
			want[size/3] ^= 1
			crc := dossier.NewCRC64()
			crc.Write(want) // a hash never fails
			flip := readFunc(func([]byte) (int, error) {
				partial := found(t, filepath.Join(folder, partialDir))
				f, err := os.OpenFile(filepath.Join(folder, partialDir, partial[0]), os.O_WRONLY, 0)
				if err == nil {
					_, err = f.WriteAt(want[size/3:size/3+1], size/3)
				}
				if err := errors.Join(err, f.Close()); err != nil {
					return 0, err
				}
				return 0, io.EOF
			})
			key := newKey()
			held, err := d.Put(t.Context(), key, io.MultiReader(byteStream(size), flip))
			if wanted := (dossier.Held{Size: size, CRC64: crc.Sum64()}); err != nil || held != wanted {
				t.Errorf("Put returns %+v, %v; want what the file has, %+v", held, err, wanted)
			}
			if got, err := os.ReadFile(filepath.Join(folder, key)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the object has %d bytes that differ, %v", len(got), err)
			}
		})
	}
}

// receive sends to a Directory, past HTTP.
func receive(d interface {
	Receive(ctx context.Context, u *url.URL, contentLength int64, body io.Reader) error
}) storetest.Send {
	return func(ctx context.Context, r dossier.SignedRequest, body []byte) error {
		u, err := url.Parse(r.URL)
		if err != nil {
			return err
		}
		err = d.Receive(ctx, u, int64(len(body)), bytes.NewReader(body))
		if errors.Is(err, dossier.ErrForbidden) || errors.Is(err, dossier.ErrCorrupt) ||
			errors.Is(err, dossier.ErrNotFound) {
			return errors.Join(storetest.ErrRefused, err)
		}
		return err
	}
}

func TestDirectoryKeyTaken(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	link := d.link
	for name, link := range map[string]func(string, string) error{
		"with hard links": link,
		"without":         func(string, string) error { return syscall.EPERM },
	} {
		d.link = link
		key := newKey()
		if _, err := d.Put(t.Context(), key, strings.NewReader("first")); err != nil {
			t.Fatalf("%s: Put: %v", name, err)
		}
		if _, err := d.Put(t.Context(), key, strings.NewReader("second")); !errors.Is(err, dossier.ErrExists) {
			t.Errorf("%s: Put to a key that is taken: %v; want ErrExists", name, err)
		}
		if b, err := os.ReadFile(filepath.Join(d.path, key)); err != nil || string(b) != "first" {
			t.Errorf("%s: the object is now %q, %v", name, b, err)
		}
	}
	if n := len(found(t, d.path)); n != 2 {
		t.Errorf("%d files below the folder; want the 2 objects", n)
	}
}

// TestDirectoryLeavesNothing looks at the disk itself, beyond what the store tells.
func TestDirectoryLeavesNothing(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	key := newKey()
	if _, err := d.Put(t.Context(), key, byteStream(1<<20)); err != nil {
		t.Fatal(err)
	}
	if got := found(t, d.path); !slices.Equal(got, []string{key}) {
		t.Errorf("after a Put: %v; want only the object", got)
	}
	broken := errors.New("broken")
	if _, err := d.Put(t.Context(), newKey(), io.MultiReader(byteStream(1<<20), readFunc(func([]byte) (int, error) {
		return 0, broken
	}))); !errors.Is(err, broken) {
		t.Errorf("Put of a broken source: %v", err)
	}
	if got := found(t, d.path); !slices.Equal(got, []string{key}) {
		t.Errorf("after a Put that failed: %v; want only the object", got)
	}
	if err := d.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if e, err := os.ReadDir(filepath.Join(d.path, filesDir)); err != nil || len(e) != 0 {
		t.Errorf("after Delete: %v, %v; want the person's folder gone too", e, err)
	}
}

// TestDirectoryAfterKill has what a process leaves that was killed in the middle of a Put, and between the two last
// steps of one.
func TestDirectoryAfterKill(t *testing.T) {
	folder := t.TempDir()
	d := openDirectory(t, folder)
	linked := newKey()
	if _, err := d.Put(t.Context(), linked, strings.NewReader("whole")); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for name, age := range map[string]time.Duration{"old": 25 * time.Hour, "linked": 25 * time.Hour, "young": 0} {
		d.now = func() time.Time { return time.Now().Add(-age) }
		key := newKey()
		if name == "linked" {
			key = linked
		}
		names[name], _ = uploadName(key, d.newUploadID())
		err := os.WriteFile(filepath.Join(folder, names[name]), []byte("half"), 0o600)
		if name == "linked" {
			err = errors.Join(os.Remove(filepath.Join(folder, names[name])),
				os.Link(filepath.Join(folder, linked), filepath.Join(folder, names[name])))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	d = openDirectory(t, folder)
	dropped := 0
	for tr, err := range d.Unfinished(t.Context(), time.Now().Add(-24*time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Drop(t.Context(), tr.Key, tr.ID); err != nil {
			t.Errorf("Drop: %v", err)
		}
		dropped++
	}
	if got, want := found(t, folder), []string{names["young"], linked}; dropped != 2 || !slices.Equal(got, want) {
		t.Errorf("%d dropped, left: %v; want 2, %v", dropped, got, want)
	}
	if h, err := d.Stat(t.Context(), linked); err != nil || h.Size != 5 {
		t.Errorf("Stat of the object = %+v, %v", h, err)
	}
}

// TestDirectoryModifiedAt puts an object whose last byte came long before its end was known.
func TestDirectoryModifiedAt(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	from, yesterday := time.Now().Add(-time.Minute), time.Now().Add(-24*time.Hour)
	key := newKey()
	_, err := d.Put(t.Context(), key, io.MultiReader(byteStream(1000), readFunc(func([]byte) (int, error) {
		for _, name := range found(t, d.path) {
			if err := os.Chtimes(filepath.Join(d.path, name), yesterday, yesterday); err != nil {
				t.Error(err)
			}
		}
		return 0, io.EOF
	})))
	if err != nil {
		t.Fatal(err)
	}
	for o, err := range d.List(t.Context(), key, "") {
		if err != nil || o.ModifiedAt.Before(from) {
			t.Errorf("ModifiedAt = %v, %v; want when it became visible", o.ModifiedAt, err)
		}
	}
}

// TestDirectoryShared uses one folder through two stores, as two processes would, on file systems with hard links and
// without.
func TestDirectoryShared(t *testing.T) {
	for _, links := range []bool{true, false} {
		t.Run(fmt.Sprintf("hard links %v", links), func(t *testing.T) {
			folder := t.TempDir()
			stores := []*Directory{openDirectory(t, folder), openDirectory(t, folder)}
			if !links {
				for _, d := range stores {
					d.link = func(from, to string) error {
						return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
					}
				}
			}
			person := dossier.NewPersonID()
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					a, b := stores[i%2], stores[(i+1)%2]
					for range 30 {
						key := dossier.ObjectKey(person, dossier.NewFileID())
						if _, err := a.Put(t.Context(), key, strings.NewReader("x")); err != nil {
							t.Errorf("Put: %v", err)
						}
						if h, err := b.Stat(t.Context(), key); err != nil || h.Size != 1 {
							t.Errorf("Stat through the other = %+v, %v", h, err)
						}
						if err := b.Delete(t.Context(), key); err != nil {
							t.Errorf("Delete through the other: %v", err)
						}
					}
				})
			}
			wg.Wait()
			if got := found(t, folder); len(got) != 0 {
				t.Errorf("left: %v", got)
			}
		})
	}
}

// TestDirectoryLots lists a folder of more entries than are held at once, with things in it that nobody here made.
func TestDirectoryLots(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	d.lot = 3
	var want []string
	for range 5 {
		person := dossier.NewPersonID()
		for range 7 {
			key := dossier.ObjectKey(person, dossier.NewFileID())
			if _, err := d.Put(t.Context(), key, strings.NewReader("x")); err != nil {
				t.Fatal(err)
			}
			want = append(want, key)
		}
	}
	// "a.b" sorts before "a/…", and so it does among keys.
	for _, stray := range []string{"files/a/b/c", "files/a.b", "files/a/x", "files/zzz"} {
		name := filepath.Join(d.path, stray)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700),
			os.WriteFile(name, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
		want = append(want, stray)
	}
	if err := os.Symlink("zzz", filepath.Join(d.path, "files", "link")); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	slices.Sort(want)
	var got []string
	for o, err := range d.List(t.Context(), dossier.ObjectPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("List = %q\nwant %q", got, want)
	}
}

func TestDirectoryDoesNotEscape(t *testing.T) {
	folder, outside := t.TempDir(), t.TempDir()
	d := openDirectory(t, folder)
	person := dossier.NewPersonID()
	key := dossier.ObjectKey(person, dossier.NewFileID())
	if err := os.Symlink(outside, filepath.Join(folder, "files", person.String())); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Put(t.Context(), key, strings.NewReader("x")); err == nil {
		t.Error("Put through a link out of the folder succeeded")
	}
	if got := found(t, outside); len(got) != 0 {
		t.Errorf("Put wrote outside: %v", got)
	}
	if err := os.WriteFile(filepath.Join(outside, filepath.Base(key)), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), key, 0, -1); err == nil {
		t.Error("Open through a link out of the folder succeeded")
	}
}

func TestDirectoryVanished(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made", "by", "open")
	d := openDirectory(t, folder)
	if err := d.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	moved := folder + "-moved"
	if err := os.Rename(folder, moved); err != nil {
		t.Fatal(err)
	}
	if err := d.Ping(t.Context()); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Ping of a folder that was moved away: %v; want ErrUnavailable", err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Ping(t.Context()); !errors.Is(err, dossier.ErrUnavailable) {
		t.Errorf("Ping of a folder that was replaced: %v; want ErrUnavailable", err)
	}
	if err := os.RemoveAll(moved); err != nil {
		t.Fatal(err)
	}
	// That everything is gone must not look like one object that is gone.
	key, uploadID := newKey(), d.newUploadID()
	for name, call := range map[string]func() error{
		"Put":    func() error { _, err := d.Put(t.Context(), key, strings.NewReader("x")); return err },
		"Stat":   func() error { _, err := d.Stat(t.Context(), key); return err },
		"Open":   func() error { _, err := d.Open(t.Context(), key, 0, -1); return err },
		"Delete": func() error { return d.Delete(t.Context(), key) },
		"List": func() (err error) {
			for _, err = range d.List(t.Context(), "", "") {
				break
			}
			return err
		},
		"Start": func() error { _, err := d.Start(t.Context(), key); return err },
		"Parts": func() error { _, err := d.Parts(t.Context(), key, uploadID); return err },
		"Finish": func() error {
			return d.Finish(t.Context(), key, uploadID, []dossier.Part{{Number: 1}}, dossier.Held{})
		},
		"Drop": func() error { return d.Drop(t.Context(), key, uploadID) },
		"Unfinished": func() (err error) {
			for _, err = range d.Unfinished(t.Context(), time.Now()) {
				break
			}
			return err
		},
	} {
		if err := call(); !errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s in a folder that was removed: %v; want ErrUnavailable", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Ping(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Ping: %v; want context.Canceled", err)
	}
}

func TestOpenDirectoryRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{file, filepath.Join(file, "below")} {
		d, err := OpenDirectory(folder)
		expectMend(t, d, err, folder)
	}
}

func expectMend(t *testing.T, d *Directory, err error, folder string) {
	t.Helper()
	if err == nil {
		_ = d.Close() // the failure is told
		t.Fatalf("OpenDirectory(%s) succeeded", folder)
	}
	for _, part := range []string{fmt.Sprintf("%q", folder), "choose another folder"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("OpenDirectory: %q; want %s in it", err, part)
		}
	}
}

// TestDirectoryForgetsWhatIsToldAlone expires what tells of an object that whoever set it aside, or forgot it, was
// killed with.
func TestDirectoryForgetsWhatIsToldAlone(t *testing.T) {
	folder := t.TempDir()
	d := openDirectory(t, folder)
	about := filepath.Join(folder, keptName(newKey())+aboutEnd)
	if err := os.WriteFile(about, []byte(`{"name":"a secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, before := range []time.Duration{-time.Hour, time.Hour} {
		if n, err := d.Expire(t.Context(), time.Now().Add(before)); n != 0 || err != nil {
			t.Errorf("Expire: %d, %v, want no object", n, err)
		}
		if _, err := os.Lstat(about); (before < 0) != (err == nil) {
			t.Errorf("what is told, after Expire of what is older than %s from now: %v", before, err)
		}
	}
}

package dossier_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
)

// TestArchive makes an archive of real files, and unpacks it by programs that share no code with this one.
func TestArchive(t *testing.T) { onEachKind(t, archive) }

func archive(t *testing.T, s stores) {
	ctx, svc := t.Context(), s.service(dossier.DefaultLimits())
	// What each is called in the archive.
	sent := []struct{ name, want, data string }{
		{"plain.txt", "plain (2).txt", "some text"},
		{"empty", "empty", ""},
		{"Ångström 日本語 👩🏽‍🚀.pdf", "Ångström 日本語 👩🏽‍🚀.pdf", strings.Repeat("large ", 200_000)},
		{"plain.txt", "plain (3).txt", "other text of the same name"},
		{"PLAIN.TXT", "PLAIN (4).TXT", "and in capitals"},
		{"../../etc/passwd", "etc/passwd", "x"},
		{"photos/day 1/a.jpg", "photos/day 1/a.jpg", "one"},
		{"Photos/day 1/a.jpg", "Photos/day 1/a (2).jpg", "and in a folder that Windows takes for the same"},
		{"plain.txt/CON/x", "plain.txt/_CON/x", "in a folder called like a file, and one called like a device"},
		{`C:\Windows\nul.txt`, "_nul.txt", "a device"},
	}
	r := dossier.NewReceipt()
	var files []upload
	for _, f := range sent {
		files = append(files, upload{f.name, []byte(f.data)})
	}
	if _, err := submit(ctx, svc, r, files); err != nil {
		t.Fatal(err)
	}
	records := s.opens(t, r)
	// What is not stored is left out.
	if _, err := svc.Announce(ctx, r.Person, dossier.Announcement{ID: dossier.NewFileID(), Name: "half.txt",
		Size: 1}); err != nil {
		t.Fatal(err)
	}
	a := archiveOf(t, svc, r.Person)
	var b bytes.Buffer
	if err := a.Write(ctx, &b); err != nil {
		t.Fatal(err)
	}
	if a.Files() != len(sent) || a.Size() != int64(b.Len()) {
		t.Errorf("the archive is told to have %d files and %d bytes; it has %d and %d", a.Files(), a.Size(), len(sent),
			b.Len())
	}

	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != len(sent) {
		t.Fatalf("the archive has %d files; want %d", len(z.File), len(sent))
	}
	got := map[string]string{}
	for i, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		got[f.Name] = string(data)
		if f.Method != zip.Deflate || f.CompressedSize64 < f.UncompressedSize64 || f.NonUTF8 ||
			f.Flags&0x800 == 0 && !isASCII(f.Name) {
			t.Errorf("%s is method %d with flags %#x; want blocks that are stored, and its name marked as UTF-8",
				f.Name, f.Method,
				f.Flags)
		}
		if !f.Modified.Equal(records[i].CreatedAt.Truncate(time.Second)) {
			t.Errorf("%s is of %s; want %s", f.Name, f.Modified, records[i].CreatedAt)
		}
	}
	for _, f := range sent {
		if data, found := got[f.want]; !found || data != f.data {
			t.Errorf("%q: found %v with %d bytes; want %d", f.want, found, len(data), len(f.data))
		}
	}

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.zip"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	unpacked := filepath.Join(dir, "unpacked")
	unzip(t, "-q", filepath.Join(dir, "a.zip"), "-d", unpacked)
	for _, f := range sent {
		if data, err := os.ReadFile(filepath.Join(unpacked, f.want)); err != nil || string(data) != f.data {
			t.Errorf("unpacked by unzip, %q has %d bytes, %v; want %d", f.want, len(data), err, len(f.data))
		}
	}
	entries := 0
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			entries++
		}
		return err
	})
	if err != nil || entries != len(sent)+1 {
		t.Errorf("unzip left %d files, %v; want the %d of the archive and the archive", entries, err, len(sent))
	}
}

// unzip runs Info-ZIP's unzip.
func unzip(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("unzip")
	if err != nil {
		servers.Missing(t, "unzip is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("unzip: %v: %s", err, out)
	}
	return string(out)
}

func isASCII(s string) bool { return utf8.RuneCountInString(s) == len(s) }

// zeros is an object store in which every object is as long as its record says, of zeros, and takes no room.
type zeros struct {
	dossier.Objects
	sizes map[string]int64
}

func (z zeros) Open(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	size, found := z.sizes[key]
	if !found {
		return nil, &dossier.Error{Code: dossier.CodeNotFound}
	}
	return io.NopCloser(io.LimitReader(zero{}, size)), nil
}

// zero gives zeros without end.
type zero struct{}

// Read is not watched by the race detector, which would look at each byte.
//
//go:norace
func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// zerosCRC64 returns the checksum of so many zeros, by squaring.
func zerosCRC64(n int64) uint64 {
	if n < 1<<10 {
		return crc64Of(make([]byte, n))
	}
	half := zerosCRC64(n / 2)
	return dossier.CombineCRC64(dossier.CombineCRC64(half, half, n/2), zerosCRC64(n%2), n%2)
}

// archiveOf returns the archive of a person's files.
func archiveOf(t *testing.T, svc *dossier.Service, person dossier.PersonID) *dossier.Archive {
	t.Helper()
	a, err := svc.Archive(t.Context(), person, dossier.ToAll)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// listed is a catalog that has these records of one person.
type listed struct {
	dossier.Catalog
	files []dossier.File // in the order of their ids
}

func (l listed) Files(_ context.Context, _ dossier.PersonID, after dossier.FileID, limit int) ([]dossier.File, error) {
	from, found := slices.BinarySearchFunc(l.files, after, func(f dossier.File, id dossier.FileID) int {
		return bytes.Compare(f.ID[:], id[:])
	})
	if found {
		from++
	}
	return l.files[from:min(len(l.files), from+limit)], nil
}

// storedZeros returns records of stored files of those sizes, and the service that has them.
func storedZeros(sizes ...int64) (*dossier.Service, []dossier.File) {
	z := zeros{sizes: map[string]int64{}}
	person := dossier.NewPersonID()
	files := make([]dossier.File, len(sizes))
	for i, size := range sizes {
		files[i] = dossier.File{
			Person: person, ID: dossier.NewFileID(), Name: fmt.Sprintf("file-%d.bin", i), State: dossier.FileStored,
			CreatedAt: time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC),
			Content:   &dossier.Content{Size: size, CRC64: zerosCRC64(size)},
		}
		z.sizes[files[i].Key()] = size
	}
	return dossier.New(nil, listed{files: files}, z,
		dossier.Options{Limits: dossier.Limits{PersonFiles: max(1, len(files))}}), files
}

// sparse is what was written to it, without the blocks of zeros.
type sparse struct {
	blocks map[int64][]byte
	size   int64
}

// sparseBlock is small, because there is a header of five bytes in every 64 KiB.
const sparseBlock = 64

// sparseRun is how many zeros are looked for at once, by instructions for many bytes.
const sparseRun = 4 << 10

// Write is not watched by the race detector, which would look at each byte: nobody shares what is written. Comparisons
// of slices and arrays are watched even here.
//
//go:norace
func (s *sparse) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		at, within := s.size/sparseBlock, s.size%sparseBlock
		step := min(len(p), int(sparseBlock-within))
		zeros := 0
		for within == 0 && zeros+sparseRun <= len(p) &&
			bytes.Count(p[zeros:zeros+sparseRun], zeroBlock[:1]) == sparseRun {
			zeros += sparseRun
		}
		for within == 0 && zeros+8 <= len(p) && binary.LittleEndian.Uint64(p[zeros:]) == 0 {
			zeros += 8
		}
		if zeros > 0 {
			step = zeros
		} else if block, there := s.blocks[at]; there || !bytes.Equal(p[:step], zeroBlock[:step]) {
			if !there {
				block = make([]byte, sparseBlock)
				s.blocks[at] = block
			}
			copy(block[within:], p[:step])
		}
		s.size += int64(step)
		p = p[step:]
	}
	return n, nil
}

var zeroBlock = make([]byte, sparseBlock)

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off < s.size {
		block, there := s.blocks[off/sparseBlock]
		if !there {
			block = zeroBlock
		}
		step := copy(p[n:min(int64(len(p)), int64(n)+s.size-off)], block[off%sparseBlock:])
		n, off = n+step, off+int64(step)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// fullBlocks returns the size of a file that takes so many bytes with the headers of its blocks, of about 4 GiB.
func fullBlocks(packed int64) int64 { return packed - 5*((packed-1)/(math.MaxUint16+5)+1) }

// TestArchiveSize compares what is told with what is written, around every number at which ZIP64 begins.
func TestArchiveSize(t *testing.T) {
	many := func(n int) []int64 { return make([]int64, n) }
	const edge = math.MaxUint32
	for name, sizes := range map[string][]int64{
		"nothing":                             nil,
		"an empty file":                       {0},
		"small files":                         {1, 1000, 0, 65_536, 1},
		"one entry less than ZIP64 begins at": many(math.MaxUint16 - 1),
		"as many entries as ZIP64 begins at":  many(math.MaxUint16),
		"more entries":                        many(math.MaxUint16 + 10),
		"a byte less than 4 GiB - 1":          {edge - 1, 5},
		"4 GiB - 1, and files behind it":      {1, edge, 0, 5},
		"more than 4 GiB":                     {edge + 1000, 5},
		// A file of so many bytes more takes 4 GiB with the headers of its blocks.
		"4 GiB - 1 with the headers of its blocks":   {fullBlocks(edge), 5},
		"a byte less with the headers of its blocks": {fullBlocks(edge - 1), 5},
		"a byte more with the headers of its blocks": {fullBlocks(edge + 1), 5},
		// The local header and the descriptor of the first file take 65 bytes with its name and time.
		"the directory begins a byte before": {fullBlocks(edge - 65 - 1)},
		"the directory begins at 4 GiB - 1":  {fullBlocks(edge - 65)},
		"a second file begins at 4 GiB - 1":  {fullBlocks(edge - 65), 0},
		"a second file begins a byte before": {fullBlocks(edge - 65 - 1), 0},
	} {
		t.Run(name, func(t *testing.T) {
			long := len(sizes) > 1000 || slices.ContainsFunc(sizes, func(n int64) bool { return n > 1<<30 })
			if long && name != "as many entries as ZIP64 begins at" {
				servers.EndToEnd(t)
			}
			t.Parallel()
			svc, files := storedZeros(sizes...)
			var person dossier.PersonID
			if len(files) > 0 {
				person = files[0].Person
			}
			a, w := archiveOf(t, svc, person), &sparse{blocks: map[int64][]byte{}}
			if err := a.Write(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			if a.Size() != w.size {
				t.Errorf("the archive is told to have %d bytes; it has %d", a.Size(), w.size)
			}
			z, err := zip.NewReader(w, w.size)
			if err != nil {
				t.Fatal(err)
			}
			if len(z.File) != len(sizes) {
				t.Fatalf("the archive has %d files; want %d", len(z.File), len(sizes))
			}
			for i, f := range z.File {
				if f.UncompressedSize64 != uint64(sizes[i]) {
					t.Errorf("file %d has %d bytes; want %d", i, f.UncompressedSize64, sizes[i])
				}
			}
			// A number of ones says that it stands in the end of ZIP64, which some readers then look for (APPNOTE.TXT,
			// section 4.4.1.4).
			if len(files) > 0 {
				const locator, end = 20, 22
				tail := make([]byte, locator+end)
				if _, err := w.ReadAt(tail, w.size-int64(len(tail))); err != nil && err != io.EOF {
					t.Fatal(err)
				}
				number := binary.LittleEndian
				last := tail[locator:]
				ones := number.Uint16(last[10:]) == math.MaxUint16 || number.Uint32(last[12:]) == math.MaxUint32 ||
					number.Uint32(last[16:]) == math.MaxUint32
				if has := number.Uint32(tail) == 0x07064b50; ones && !has {
					t.Error("the end of the directory names an end of ZIP64 that is not there")
				}
			}
			// The last is found behind all that may be too large for a number.
			if len(sizes) > 0 && sizes[len(sizes)-1] < 1<<20 {
				in, err := z.File[len(sizes)-1].Open()
				if err != nil {
					t.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, in); n != sizes[len(sizes)-1] || err != nil {
					t.Errorf("the last file has %d bytes, %v; want %d", n, err, sizes[len(sizes)-1])
				}
			}
		})
	}
}

// TestArchiveBeyond4GiB has unzip read a large archive, from a file that takes little room on the disk.
func TestArchiveBeyond4GiB(t *testing.T) {
	servers.EndToEnd(t)
	const large = math.MaxUint32 + 1_000_000
	svc, files := storedZeros(7, large, 9)
	a, w := archiveOf(t, svc, files[0].Person), &sparse{blocks: map[int64][]byte{}}
	if err := a.Write(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "large.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for at, block := range w.blocks {
		if _, err := f.WriteAt(block, at*sparseBlock); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Truncate(w.size), f.Close()); err != nil {
		t.Fatal(err)
	}
	list := unzip(t, "-l", path)
	for _, want := range []string{fmt.Sprint(int64(large)), "3 files", "file-2.bin"} {
		if !strings.Contains(list, want) {
			t.Errorf("unzip -l does not say %q:\n%s", want, list)
		}
	}
	if said := unzip(t, "-t", path, "file-0.bin", "file-2.bin"); !strings.Contains(said, "No errors detected") {
		t.Errorf("unzip -t: %s", said)
	}
}

// bending gives other bytes than the store has.
type bendingReads struct {
	dossier.Objects
	bend func(io.ReadCloser) io.ReadCloser
}

func (b bendingReads) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.Objects.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	return b.bend(r), nil
}

// reader is what bends: a reader with the closing of another.
type reader struct {
	io.Reader
	io.Closer
}

// No damage, no outage and no loss of a file may end as an archive that looks whole.
func TestArchiveIsWholeOrBroken(t *testing.T) {
	s := fresh(t)
	ctx, svc := t.Context(), s.service(dossier.DefaultLimits())
	r := dossier.NewReceipt()
	if _, err := submit(ctx, svc, r, twoFiles); err != nil {
		t.Fatal(err)
	}
	outage := dossier.Unavailable(ctx, "read object", errInjected)
	full := errors.New("the client left")
	for name, c := range map[string]struct {
		bend func(io.ReadCloser) io.ReadCloser
		// w is of the client, where it does not take all; size is that of the first file.
		w    func(size int) io.Writer
		want error
	}{
		"a flipped bit": {bend: func(r io.ReadCloser) io.ReadCloser {
			data, _ := io.ReadAll(r)
			data[len(data)-1] ^= 1
			return reader{bytes.NewReader(data), r}
		}, want: dossier.ErrDamaged},
		"a byte less": {bend: func(r io.ReadCloser) io.ReadCloser {
			data, _ := io.ReadAll(r)
			return reader{bytes.NewReader(data[:len(data)-1]), r}
		}, want: dossier.ErrDamaged},
		"a byte more": {bend: func(r io.ReadCloser) io.ReadCloser {
			return reader{io.MultiReader(r, strings.NewReader("x")), r}
		}, want: dossier.ErrDamaged},
		"bytes without end": {bend: func(r io.ReadCloser) io.ReadCloser { return reader{io.MultiReader(r, zero{}), r} },
			want: dossier.ErrDamaged},
		"nothing": {bend: func(r io.ReadCloser) io.ReadCloser { return reader{strings.NewReader(""), r} },
			want: dossier.ErrDamaged},
		"an outage in the middle": {bend: func(r io.ReadCloser) io.ReadCloser {
			data, _ := io.ReadAll(r)
			return reader{io.MultiReader(bytes.NewReader(data[:len(data)/2]), failingReader{outage}), r}
		}, want: dossier.ErrUnavailable},
		"an outage behind the last byte": {bend: func(r io.ReadCloser) io.ReadCloser {
			return reader{io.MultiReader(r, failingReader{outage}), r}
		}, want: dossier.ErrUnavailable},
		"a client that leaves": {w: func(int) io.Writer { return &leaving{err: full} }, want: full},
		"a client that leaves in the middle of a file": {
			w: func(size int) io.Writer { return &leaving{room: size / 2, err: full} }, want: full},
	} {
		broken := func(t *testing.T, files ...upload) {
			s, r := fresh(t), dossier.NewReceipt()
			if _, err := submit(ctx, s.service(dossier.DefaultLimits()), r, files); err != nil {
				t.Fatal(err)
			}
			var opened, closed atomic.Int64 // the next file is opened early, in another goroutine
			objects := bendingReads{s.objects, func(r io.ReadCloser) io.ReadCloser {
				opened.Add(1)
				if c.bend != nil {
					r = c.bend(r)
				}
				return closing{r, &closed}
			}}
			a := archiveOf(t, dossier.New(s.people, s.catalog, objects, dossier.Options{}), r.Person)
			var b bytes.Buffer
			w := io.Writer(&b)
			if c.w != nil {
				w = io.MultiWriter(c.w(len(files[0].data)), &b)
			}
			err := a.Write(ctx, w)
			if !errors.Is(err, c.want) {
				t.Errorf("error is %v; want %v", err, c.want)
			}
			if _, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len())); err == nil {
				t.Errorf("what was written of it, %d bytes, reads as a whole archive", b.Len())
			}
			if o, c := opened.Load(), closed.Load(); o < 1 || o > 2 || c != o {
				t.Errorf("%d objects were opened and %d closed; want the first, perhaps the next, and all closed", o, c)
			}
			marked := 0
			for _, f := range s.opens(t, r) {
				if f.Damage != nil && f.Damage.Kind == dossier.ObjectDiffers {
					marked++
				}
			}
			if damaged := codeOf(c.want) == dossier.CodeDamaged; marked != map[bool]int{true: 1}[damaged] {
				t.Errorf("%d files are marked as damaged", marked)
			}
		}
		t.Run(name, func(t *testing.T) { broken(t, twoFiles...) })
		// Of a large file, something is read while something else is written.
		t.Run(name+", large", func(t *testing.T) {
			broken(t, upload{"a.txt", bytes.Repeat([]byte("alpha "), 500_000)}, twoFiles[1])
		})
	}

	t.Run("files that are known to be damaged", func(t *testing.T) {
		s, r := fresh(t), dossier.NewReceipt()
		svc := s.service(dossier.DefaultLimits())
		three := append([]upload{{"c.txt", []byte("gamma")}}, twoFiles...)
		if _, err := submit(ctx, svc, r, three); err != nil {
			t.Fatal(err)
		}
		files := s.opens(t, r)
		if err := s.objects.Delete(ctx, files[0].Key()); err != nil {
			t.Fatal(err)
		}
		if err := archiveOf(t, svc, r.Person).Write(ctx, io.Discard); codeOf(err) != dossier.CodeDamaged {
			t.Errorf("the first archive with a missing file: %v, want ErrDamaged", err)
		}
		a := archiveOf(t, svc, r.Person)
		var b bytes.Buffer
		if err := a.Write(ctx, &b); err != nil || int64(b.Len()) != a.Size() || a.Files() != 3 {
			t.Fatalf("the next archive: %d files, %d bytes of %d, %v", a.Files(), b.Len(), a.Size(), err)
		}
		z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"Missing files.txt", files[1].Name, files[2].Name} {
			if z.File[i].Name != want {
				t.Errorf("file %d is %q, want %q", i, z.File[i].Name, want)
			}
		}
		list, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(list)
		if err != nil || !strings.Contains(string(text), files[0].Name+" (") ||
			!strings.Contains(string(text), ": missing") {
			t.Errorf("the list says %q, %v", text, err)
		}
	})
	files := s.opens(t, r)

	t.Run("a file that was deleted meanwhile", func(t *testing.T) {
		a := archiveOf(t, svc, r.Person)
		if err := svc.DeleteFile(ctx, r.Person, files[1].ID); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := a.Write(ctx, &b); !errors.Is(err, dossier.ErrLost) {
			t.Errorf("error is %v; want ErrLost", err)
		}
	})
	t.Run("a caller that left", func(t *testing.T) {
		a := archiveOf(t, svc, r.Person)
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		if err := a.Write(ctx, io.Discard); !errors.Is(err, context.Canceled) ||
			errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("error is %v; want context.Canceled", err)
		}
	})
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

// leaving takes so many bytes, and then fails once.
type leaving struct {
	room int
	err  error
}

func (l *leaving) Write(p []byte) (int, error) {
	if l.room -= len(p); l.room < 0 {
		l.room = math.MaxInt
		return 0, l.err
	}
	return len(p), nil
}

// closing counts how often it is closed.
type closing struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c closing) Close() error {
	c.n.Add(1)
	return c.ReadCloser.Close()
}

// archivedNames returns what files of those paths are called in an archive.
func archivedNames(t *testing.T, names ...string) []string {
	t.Helper()
	svc, files := storedZeros(make([]int64, len(names))...)
	for i := range files {
		files[i].Folder, files[i].Name = dossier.SplitPath(names[i])
	}
	var b bytes.Buffer
	if err := archiveOf(t, svc, files[0].Person).Write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range z.File {
		got = append(got, f.Name)
	}
	return got
}

func TestArchiveNames(t *testing.T) {
	long := strings.Repeat("x", 251)
	for _, c := range []struct{ names, want []string }{
		{[]string{"a.txt", "a.txt", "a.txt"}, []string{"a.txt", "a (2).txt", "a (3).txt"}},
		{[]string{"a.txt", "A.TXT", "a (2).txt", "a.txt"},
			[]string{"a.txt", "A (2).TXT", "a (2) (2).txt", "a (3).txt"}},
		{[]string{"a (2).txt", "a.txt", "a.txt"}, []string{"a (2).txt", "a.txt", "a (3).txt"}},
		{[]string{"a", "a", ".a", ".a", "a.tar.gz", "a.tar.gz"},
			[]string{"a", "a (2)", ".a", ".a (2)", "a.tar.gz", "a.tar (2).gz"}},
		{[]string{long + ".txt", long + ".txt"}, []string{long + ".txt", long[:247] + " (2).txt"}},
		{[]string{strings.Repeat("é", 127), strings.Repeat("é", 127)},
			[]string{strings.Repeat("é", 127), strings.Repeat("é", 125) + " (2)"}},
		{[]string{"é", "e\u0301"}, []string{"é", "é (2)"}},
		// Records outlive the program that wrote them.
		{[]string{"/etc/passwd", `..\..\x`, "..", ".", "", "C:x", "a/b/", "nul\x00"},
			[]string{"etc/passwd", "x", "unnamed", "unnamed (2)", "unnamed (3)", "C_x", "a/b/unnamed", "_nul"}},
		{[]string{"con", "CON.txt", "aux .x", "com1.tar.gz", "LPT9", "COM¹", "conin$", "cone.txt", "com.txt", "com10",
			"xcon"},
			[]string{"_con", "_CON.txt", "_aux .x", "_com1.tar.gz", "_LPT9", "_COM¹", "_conin$", "cone.txt", "com.txt",
				"com10", "xcon"}},
	} {
		if got := archivedNames(t, c.names...); !slices.Equal(got, c.want) {
			t.Errorf("%q are called %q; want %q", c.names, got, c.want)
		}
	}
	same := make([]string, 3000)
	for i := range same {
		same[i] = "photo.jpg"
	}
	seen := map[string]bool{}
	for _, name := range archivedNames(t, same...) {
		if key := strings.ToLower(name); seen[key] {
			t.Fatalf("two files are called %q", name)
		} else {
			seen[key] = true
		}
	}
}

// Names that some system takes for the same, and folders.
func TestArchivePaths(t *testing.T) {
	for _, c := range []struct{ paths, want []string }{
		{[]string{"ΦΑΚΕΛΟΣ.txt", "φακελος.txt", "φακελοσ.txt"},
			[]string{"ΦΑΚΕΛΟΣ.txt", "φακελος (2).txt", "φακελοσ (3).txt"}},
		{[]string{"Straße", "STRASSE", "strasse"}, []string{"Straße", "STRASSE (2)", "strasse (3)"}},
		{[]string{"İ", "i\u0307", "ı", "I", "K", "k", "ſ", "s"},
			[]string{"İ", "i\u0307 (2)", "ı", "I (2)", "K", "k (2)", "ſ", "s (2)"}},
		{[]string{"É/a", "e\u0301/a"}, []string{"É/a", "é/a (2)"}},
		{[]string{"a", "a/b", "A/c/d", "a/C"}, []string{"a (2)", "a/b", "A/c/d", "a/C (2)"}},
		{[]string{"a/b", "a (2)", "a"}, []string{"a/b", "a (2)", "a (3)"}},
		{[]string{"nul/con.d/x. ", "_nul/_CON.d/x"}, []string{"_nul/_con.d/x", "_nul/_CON.d/x (2)"}},
		{[]string{"../../x", "/y", "a/./../z", "a//b. /c"}, []string{"x", "y", "a/z", "a/b/c"}},
		{[]string{"a/x.txt", "b/x.txt"}, []string{"a/x.txt", "b/x.txt"}},
	} {
		if got := archivedNames(t, c.paths...); !slices.Equal(got, c.want) {
			t.Errorf("%q are called %q; want %q", c.paths, got, c.want)
		}
	}
}

func FuzzArchiveNames(f *testing.F) {
	f.Add("a.txt", "A.txt", "a (2).txt")
	f.Add("..", "/", "nul")
	f.Add("a", "a/b", "A/B")
	f.Add("ΦΑΚΕΛΟΣ/ß", "φακελος/ss", "φακελος")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		names := archivedNames(t, a, b, c, a, b)
		for i, name := range names {
			folder, last := dossier.SplitPath(name)
			if !filepath.IsLocal(name) || strings.Contains(name, `\`) || last != dossier.CleanFileName(last) ||
				folder != dossier.CleanFolder(folder) {
				t.Errorf("of %q %q %q one is called %q", a, b, c, name)
			}
			for j, other := range names {
				if i != j && (strings.EqualFold(name, other) || norm.NFC.String(name) == norm.NFC.String(other) ||
					strings.HasPrefix(strings.ToLower(other), strings.ToLower(name)+"/")) {
					t.Errorf("of %q %q %q two are called %q and %q", a, b, c, name, other)
				}
			}
		}
	})
}

// An archive takes as many files as a person may have, whatever the catalog has.
func TestArchiveQuota(t *testing.T) {
	_, files := storedZeros(1, 2, 3)
	for most, want := range map[int]error{3: nil, 2: dossier.ErrTooLarge} {
		svc := dossier.New(nil, listed{files: files}, nil, dossier.Options{Limits: dossier.Limits{PersonFiles: most}})
		if a, err := svc.Archive(t.Context(), files[0].Person, dossier.ToAll); !errors.Is(err, want) ||
			err == nil && a.Files() != 3 {
			t.Errorf("of a person who may have %d files the archive of 3 is %v; want %v", most, err, want)
		}
	}
}

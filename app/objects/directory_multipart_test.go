package objects

import (
	"bytes"
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	dossier "dossier.example/app"
)

func checksumOf(b []byte) uint64 {
	crc := dossier.NewCRC64()
	crc.Write(b) // a hash never fails
	return crc.Sum64()
}

func partOf(number int, body []byte) dossier.Part {
	return dossier.Part{Number: number, Size: int64(len(body)), CRC64: checksumOf(body)}
}

// signed returns the address for a part.
func signed(t *testing.T, d *Directory, key, uploadID string, part dossier.Part) *url.URL {
	t.Helper()
	r, err := d.Sign(t.Context(), key, uploadID, part, time.Minute)
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// sentParts starts a multipart upload and sends it the bodies, as parts 1 and so on.
func sentParts(t *testing.T, d *Directory, key string, bodies ...[]byte) (uploadID string, parts []dossier.Part,
	whole dossier.Held) {
	t.Helper()
	uploadID, err := d.Start(t.Context(), key)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	for i, body := range bodies {
		part := partOf(i+1, body)
		if err := d.Receive(t.Context(), signed(t, d, key, uploadID, part), part.Size,
			bytes.NewReader(body)); err != nil {
			t.Fatalf("Receive: %v", err)
		}
		parts = append(parts, part)
		whole = dossier.Held{Size: whole.Size + part.Size,
			CRC64: dossier.CombineCRC64(whole.CRC64, part.CRC64, part.Size)}
	}
	return uploadID, parts, whole
}

// readAll returns size bytes.
func readAll(t *testing.T, size int64) []byte {
	t.Helper()
	b, err := io.ReadAll(byteStream(size))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDirectorySigningKey(t *testing.T) {
	for _, links := range []bool{true, false} {
		t.Run(fmt.Sprintf("hard links %v", links), func(t *testing.T) {
			folder := t.TempDir()
			d := openDirectory(t, folder)
			file := filepath.Join(folder, signingKeyFile)
			if info, err := os.Stat(file); err != nil || info.Size() != signingKeySize ||
				runtime.GOOS != "windows" && info.Mode() != 0o600 {
				t.Fatalf("the key's file: %v, %v; want %d bytes for the owner alone", info, err, signingKeySize)
			}
			key := newKey()
			uploadID, _, _ := sentParts(t, d, key)
			body := []byte("body")
			address := signed(t, d, key, uploadID, partOf(1, body))
			send := func(d *Directory) error { return d.Receive(t.Context(), address, 4, bytes.NewReader(body)) }
			// Another process, or the same one after a restart.
			if err := send(openDirectory(t, folder)); err != nil {
				t.Errorf("sending to another process than the one that signed: %v", err)
			}
			// Many that start at once where there is none yet.
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			stores := make([]*Directory, 8)
			for i := range stores {
				stores[i] = &Directory{root: d.root, link: d.link}
				if !links {
					stores[i].link = func(from, to string) error {
						return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
					}
				}
			}
			start := make(chan struct{})
			var wg sync.WaitGroup
			for _, s := range stores {
				wg.Go(func() {
					<-start
					if k, err := s.signingKey(); err != nil || len(k) != signingKeySize {
						t.Errorf("signing key: %d bytes, %v", len(k), err)
					}
				})
			}
			close(start)
			wg.Wait()
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range stores {
				if k, err := s.signingKey(); err != nil || !bytes.Equal(k, want) {
					t.Errorf("a store has another key than the file, %v", err)
				}
			}
			if err := send(d); !errors.Is(err, dossier.ErrForbidden) {
				t.Errorf("sending by what was signed with a key that was removed: %v; want ErrForbidden", err)
			}
			name, _ := uploadName(key, uploadID)
			if got := found(t, folder); !slices.Equal(got, []string{partName(name, 1)}) {
				t.Errorf("left: %v; want only the part", got)
			}
			if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := send(d); !errors.Is(err, dossier.ErrUnavailable) || !strings.Contains(err.Error(), "remove it") {
				t.Errorf("sending where the key is damaged: %v; want ErrUnavailable that says what to do", err)
			}
			if again, err := OpenDirectory(folder); err == nil {
				_ = again.Close() // the failure is told
				t.Error("OpenDirectory with a damaged key succeeded")
			}
		})
	}
}

func TestDirectoryReceiveForbidden(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	now := time.Date(2030, 1, 2, 3, 4, 5, 6_007_008, time.UTC)
	d.now = func() time.Time { return now }
	key, body := newKey(), []byte("some bytes")
	uploadID, _, _ := sentParts(t, d, key)
	part := partOf(7, body)
	r, err := d.Sign(t.Context(), key, uploadID, part, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2030, 1, 2, 3, 5, 5, 6_000_000, time.UTC); !r.ExpiresAt.Equal(want) {
		t.Errorf("expires at %s; want %s", r.ExpiresAt, want)
	}
	path, query, _ := strings.Cut(r.URL, "?")
	for _, c := range []struct {
		name, url string
		at        time.Time
		length    int64
		says      string // empty: it is taken
	}{
		{"as it was signed", r.URL, now, 10, ""},
		{"in the last moment", r.URL, r.ExpiresAt.Add(-1), 10, ""},
		{"in another order", path + "?" + reversed(query), now, 10, ""},
		{"at its end", r.URL, r.ExpiresAt, 10, "expired at 2030-01-02T03:05:05Z"},
		{"long after", r.URL, now.AddDate(1, 0, 0), 10, "expired at"},
		{"a byte less", r.URL, now, 9, "exactly 10 bytes"},
		{"a byte more", r.URL, now, 11, "exactly 10 bytes"},
		{"no length", r.URL, now, -1, "exactly 10 bytes"},
		{"no query", path, now, 10, "not signed by this site"},
		{"no path", "?" + query, now, 10, "not signed by this site"},
		{"another path", "/x" + path + "?" + query, now, 10, "not signed by this site"},
		{"a path that climbs", strings.Replace(path, uploadID, "../"+uploadID, 1) + "?" + query, now, 10,
			"not signed by this site"},
		{"number with a zero", strings.Replace(path, "/7", "/07", 1) + "?" + query, now, 10,
			"not signed by this site"},
		{"number with a sign", strings.Replace(path, "/7", "/+7", 1) + "?" + query, now, 10,
			"not signed by this site"},
		{"number 0", strings.Replace(path, "/7", "/0", 1) + "?" + query, now, 10, "not signed by this site"},
		{"size twice", r.URL + "&size=10", now, 10, "not signed by this site"},
		{"signature twice", r.URL + "&" + query[strings.Index(query, "signature="):], now, 10,
			"not signed by this site"},
		{"half a query", r.URL + "&%", now, 10, "not signed by this site"},
		{"size too large", strings.Replace(r.URL, "size=10", "size=99999999999", 1), now, 99999999999,
			"not signed by this site"},
		{"expires later", strings.Replace(r.URL, "expires=", "expires=1", 1), now, 10, "not signed by this site"},
		{"signature of nothing", r.URL[:strings.Index(r.URL, "signature=")] + "signature=", now, 10,
			"not signed by this site"},
		{"signature cut", r.URL[:len(r.URL)-4], now, 10, "not signed by this site"},
	} {
		now := c.at
		d.now = func() time.Time { return now }
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		err = d.Receive(t.Context(), u, c.length, bytes.NewReader(body))
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if err := os.Remove(filepath.Join(d.path, found(t, d.path)[0])); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var coded *dossier.Error
		if !errors.Is(err, dossier.ErrForbidden) || !errors.As(err, &coded) ||
			!strings.Contains(coded.Message, c.says) {
			t.Errorf("%s: %v; want ErrForbidden whose message has %q", c.name, err, c.says)
		}
		if got := found(t, d.path); len(got) != 0 {
			t.Errorf("%s: left %v", c.name, got)
		}
	}
}

// reversed returns a query with its parameters from the last to the first.
func reversed(query string) string {
	parameters := strings.Split(query, "&")
	slices.Reverse(parameters)
	return strings.Join(parameters, "&")
}

// TestDirectoryReceiveBody has bodies that are not what their length and checksum say, and looks at the disk.
func TestDirectoryReceiveBody(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	key := newKey()
	const size = 3*copyBuffer + 1000
	body := readAll(t, size)
	uploadID, _, _ := sentParts(t, d, key)
	address := signed(t, d, key, uploadID, partOf(1, body))
	broken := errors.New("broken")
	ctx, cancel := context.WithCancel(t.Context())
	for _, c := range []struct {
		name string
		ctx  context.Context
		body io.Reader
		want error // nil: it is taken
	}{
		{"ends early", t.Context(), bytes.NewReader(body[:size-1]), dossier.ErrCorrupt},
		{"goes on", t.Context(), io.MultiReader(bytes.NewReader(body), byteStream(1<<40)), dossier.ErrCorrupt},
		{"without a byte", t.Context(), strings.NewReader(""), dossier.ErrCorrupt},
		{"other bytes", t.Context(), bytes.NewReader(make([]byte, size)), dossier.ErrCorrupt},
		{"breaks", t.Context(), io.MultiReader(bytes.NewReader(body[:200_000]), readFunc(func([]byte) (int, error) {
			return 0, broken
		})), broken},
		{"breaks after the last byte", t.Context(),
			io.MultiReader(bytes.NewReader(body), readFunc(func([]byte) (int, error) { return 0, broken })), broken},
		{"cut off", t.Context(), io.MultiReader(bytes.NewReader(body[:10]), readFunc(func([]byte) (int, error) {
			return 0, io.ErrUnexpectedEOF
		})), io.ErrUnexpectedEOF},
		{"cancelled", ctx, io.MultiReader(bytes.NewReader(body[:200_000]), readFunc(func(p []byte) (int, error) {
			cancel()
			return copy(p, body[200_000:]), nil
		})), context.Canceled},
		{"cancelled before", ctx, bytes.NewReader(body), context.Canceled},
		{"right", t.Context(), bytes.NewReader(body), nil},
		{"wrong where there is a right one", t.Context(), bytes.NewReader(body[1:]), dossier.ErrCorrupt},
	} {
		before := found(t, d.path)
		err := d.Receive(c.ctx, address, size, c.body)
		if !errors.Is(err, c.want) || c.want != nil && errors.Is(err, dossier.ErrUnavailable) {
			t.Errorf("%s: Receive: %v; want %v", c.name, err, c.want)
		}
		if c.want == nil {
			continue
		}
		if got := found(t, d.path); !slices.Equal(got, before) {
			t.Errorf("%s: left %v", c.name, got)
		}
	}
	if parts, err := d.Parts(t.Context(), key, uploadID); err != nil ||
		!slices.Equal(parts, []dossier.Part{partOf(1, body)}) {
		t.Errorf("Parts = %v, %v", parts, err)
	}
}

// TestDirectoryMultipartMemory sends and finishes a part of 256 MiB and counts what is allocated for it.
func TestDirectoryMultipartMemory(t *testing.T) {
	const size, most = 256 << 20, 2 << 20
	d := openDirectory(t, t.TempDir())
	key, crc := newKey(), dossier.NewCRC64()
	if _, err := io.Copy(crc, byteStream(size)); err != nil {
		t.Fatal(err)
	}
	uploadID, _, _ := sentParts(t, d, key)
	part := dossier.Part{Number: 1, Size: size, CRC64: crc.Sum64()}
	whole := dossier.Held{Size: size, CRC64: crc.Sum64()}
	address := signed(t, d, key, uploadID, part)
	measure(t, "Receive", most, func() error { return d.Receive(t.Context(), address, size, byteStream(size)) })
	measure(t, "Finish", most,
		func() error { return d.Finish(t.Context(), key, uploadID, []dossier.Part{part}, whole) })
}

func measure(t *testing.T, name string, most uint64, call func() error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := call(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		t.Errorf("%s allocated %d bytes; want at most %d", name, n, most)
	}
}

// TestDirectoryFinishAgain has what a process leaves that was killed at each step of Finish.
func TestDirectoryFinishAgain(t *testing.T) {
	body, tail := readAll(t, dossier.MinPartSize), []byte("tail")
	all := append(slices.Clone(body), tail...)
	for _, c := range []struct {
		name string
		// left does what was done before the process was killed, to the multipart upload at name.
		left func(d *Directory, key, name string) error
		want error
	}{
		{"half a copy", func(d *Directory, _, name string) error {
			return os.WriteFile(filepath.Join(d.path, name, "whole-HALF"), all[:1000], 0o600)
		}, nil},
		{"a part that was arriving", func(d *Directory, _, name string) error {
			return os.WriteFile(filepath.Join(d.path, name, "part-HALF"), all[:1000], 0o600)
		}, nil},
		{"a whole copy, and the person's folder", func(d *Directory, key, name string) error {
			return errors.Join(os.Mkdir(filepath.Join(d.path, filepath.Dir(key)), 0o700),
				os.WriteFile(filepath.Join(d.path, name, "whole-ALL"), all, 0o600))
		}, nil},
		{"the object, linked", func(d *Directory, key, name string) error {
			whole := filepath.Join(d.path, name, "whole-ALL")
			return errors.Join(os.Mkdir(filepath.Join(d.path, filepath.Dir(key)), 0o700),
				os.WriteFile(whole, all, 0o600), os.Link(whole, filepath.Join(d.path, key)))
		}, nil},
		{"the multipart upload renamed", func(d *Directory, key, name string) error {
			_, err := d.Put(t.Context(), key, bytes.NewReader(all))
			return errors.Join(err, d.root.Rename(name, name+goneSuffix))
		}, dossier.ErrNotFound},
		{"the multipart upload half removed", func(d *Directory, key, name string) error {
			_, err := d.Put(t.Context(), key, bytes.NewReader(all))
			return errors.Join(err, d.root.Rename(name, name+goneSuffix),
				d.root.Remove(partName(name+goneSuffix, 1)))
		}, dossier.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := openDirectory(t, t.TempDir())
			key := newKey()
			uploadID, parts, whole := sentParts(t, d, key, body, tail)
			name, _ := uploadName(key, uploadID)
			if err := c.left(d, key, name); err != nil {
				t.Fatal(err)
			}
			left := 0
			for tr, err := range d.Unfinished(t.Context(), time.Now().Add(time.Hour)) {
				if err != nil || tr.Key != key || tr.ID != uploadID {
					t.Errorf("Unfinished yields %+v, %v", tr, err)
				}
				left++
			}
			if left != 1 {
				t.Errorf("Unfinished yields %d multipart uploads; want 1", left)
			}
			if err := d.Finish(t.Context(), key, uploadID, parts, whole); !errors.Is(err, c.want) {
				t.Errorf("Finish: %v; want %v", err, c.want)
			}
			if h, err := d.Stat(t.Context(), key); err != nil || h != whole {
				t.Errorf("Stat = %+v, %v; want %+v", h, err, whole)
			}
			if err := d.Drop(t.Context(), key, uploadID); err != nil {
				t.Errorf("Drop: %v", err)
			}
			if got := found(t, d.path); !slices.Equal(got, []string{key}) {
				t.Errorf("left: %v; want only the object", got)
			}
			if entries, err := os.ReadDir(filepath.Join(d.path, partialDir)); err != nil || len(entries) != 0 {
				t.Errorf("%s has %v, %v; want nothing", partialDir, entries, err)
			}
		})
	}
}

func TestDirectoryFinishKeyTaken(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	key := newKey()
	if _, err := d.Put(t.Context(), key, strings.NewReader("first")); err != nil {
		t.Fatal(err)
	}
	uploadID, parts, whole := sentParts(t, d, key, []byte("second"))
	if err := d.Finish(t.Context(), key, uploadID, parts, whole); !errors.Is(err, dossier.ErrExists) {
		t.Errorf("Finish to a key that another object has: %v; want ErrExists", err)
	}
	if b, err := os.ReadFile(filepath.Join(d.path, key)); err != nil || string(b) != "first" {
		t.Errorf("the object is now %q, %v", b, err)
	}
	if got, err := d.Parts(t.Context(), key, uploadID); err != nil || !slices.Equal(got, parts) {
		t.Errorf("Parts = %v, %v; want them still there", got, err)
	}
}

func TestDirectoryFinishWithoutHardLinks(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	d.link = func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM} }
	key := newKey()
	uploadID, parts, whole := sentParts(t, d, key, []byte("bytes"))
	if err := d.Finish(t.Context(), key, uploadID, parts, whole); err != nil {
		t.Fatalf("Finish: %v", err)
	}
	if got := found(t, d.path); !slices.Equal(got, []string{key}) {
		t.Errorf("left: %v; want only the object", got)
	}
	if b, err := os.ReadFile(filepath.Join(d.path, key)); err != nil || string(b) != "bytes" {
		t.Errorf("the object is %q, %v", b, err)
	}
}

// TestDirectoryPartDamaged changes a part on the disk, where its checksum was right when it came.
func TestDirectoryPartDamaged(t *testing.T) {
	for name, damage := range map[string]func(b []byte) []byte{
		"a bit flipped":        func(b []byte) []byte { b[3] ^= 1; return b },
		"checksum changed":     func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut off":              func(b []byte) []byte { return b[:len(b)-1] },
		"cut off in the bytes": func(b []byte) []byte { return b[:10] },
		"almost nothing left":  func(b []byte) []byte { return b[:trailerSize-1] },
		"empty":                func([]byte) []byte { return nil },
	} {
		d := openDirectory(t, t.TempDir())
		key := newKey()
		uploadID, parts, whole := sentParts(t, d, key, []byte("the bytes of a part"))
		at, _ := uploadName(key, uploadID)
		file := filepath.Join(d.path, partName(at, 1))
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
		err = d.Finish(t.Context(), key, uploadID, parts, whole)
		if err == nil || errors.Is(err, dossier.ErrNotFound) ||
			!errors.Is(err, dossier.ErrCorrupt) && len(damage(b)) >= trailerSize {
			t.Errorf("%s: Finish: %v; want ErrCorrupt", name, err)
		}
		if _, err := d.Stat(t.Context(), key); !errors.Is(err, dossier.ErrNotFound) {
			t.Errorf("%s: Stat: %v; want ErrNotFound", name, err)
		}
		if got := found(t, d.path); len(got) != 1 {
			t.Errorf("%s: left %v; want only the part", name, got)
		}
	}
}

// killedChild, in the environment, has what the process that is to be killed needs to know: folder, key and multipart
// upload.
const killedChild = "DOSSIER_TEST_FINISH"

// TestDirectoryFinishKilled kills processes in the middle of a Finish, each a little later, until one came to its end
// or had twice the time for it.
func TestDirectoryFinishKilled(t *testing.T) {
	const size = 16 << 20
	if arguments := os.Getenv(killedChild); arguments != "" {
		a := strings.Split(arguments, "\n")
		crc, err := strconv.ParseUint(a[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		d := openDirectory(t, a[0])
		fmt.Println("begins")
		_ = d.Finish(t.Context(), a[1], a[2], []dossier.Part{{Number: 1, Size: size, CRC64: crc}},
			dossier.Held{Size: size, CRC64: crc})
		fmt.Println("ends")
		select {} // until it is killed
	}
	t.Parallel()
	body, folder := readAll(t, size), t.TempDir()
	d := openDirectory(t, folder)
	key := newKey()
	uploadID, parts, whole := sentParts(t, d, key, body)
	begun := time.Now()
	if err := d.Finish(t.Context(), key, uploadID, parts, whole); err != nil {
		t.Fatalf("Finish: %v", err)
	}
	const kills = 12
	step := time.Since(begun) / (kills / 2)
	if err := d.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	uploadID, parts, whole = sentParts(t, d, key, body)
	for i := range kills {
		delay := time.Duration(i) * step
		cmd := exec.Command(os.Args[0], "-test.run=^TestDirectoryFinishKilled$", "-test.timeout=1m")
		cmd.Env = append(os.Environ(),
			killedChild+"="+strings.Join([]string{folder, key, uploadID, strconv.FormatUint(whole.CRC64, 10)}, "\n"))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, len("begins\n"))
		if _, err := io.ReadFull(out, said); err != nil || string(said) != "begins\n" {
			t.Errorf("the process says %q, %v", said, err)
		}
		time.Sleep(delay)
		killErr := cmd.Process.Kill()
		rest, readErr := io.ReadAll(out)
		_ = cmd.Wait() // it was killed
		if killErr != nil || readErr != nil || t.Failed() {
			t.Fatalf("killing the process: %v, %v", killErr, readErr)
		}
		h, err := d.Stat(t.Context(), key)
		if err == nil && h != whole {
			t.Fatalf("killed after %s: Stat = %+v; want all or nothing", delay, h)
		}
		if errors.Is(err, dossier.ErrNotFound) {
			if got, partsErr := d.Parts(t.Context(), key, uploadID); partsErr != nil || !slices.Equal(got, parts) {
				t.Fatalf("killed after %s: Parts = %v, %v; want all, as nothing is visible", delay, got, partsErr)
			}
		}
		if string(rest) == "ends\n" {
			if err != nil {
				t.Errorf("Stat after a Finish that came to its end: %v", err)
			}
			break
		}
		t.Logf("killed after %s: object there %v", delay, err == nil)
	}
	if err := d.Finish(t.Context(), key, uploadID, parts, whole); err != nil && !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Finish once more: %v; want nil or ErrNotFound", err)
	}
	// One that was killed while it cleared away leaves that to reconciliation.
	for left, err := range d.Unfinished(t.Context(), time.Now().Add(time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Drop(t.Context(), left.Key, left.ID); err != nil {
			t.Errorf("Drop: %v", err)
		}
	}
	if got := found(t, folder); !slices.Equal(got, []string{key}) {
		t.Errorf("left: %v; want only the object", got)
	}
}

// TestDirectoryFinishMeanwhileDropped drops the multipart upload in the middle of Finish, by the clock of the copying.
func TestDirectoryFinishMeanwhileDropped(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	key := newKey()
	uploadID, parts, whole := sentParts(t, d, key, []byte("bytes"))
	link := d.link
	d.link = func(from, to string) error {
		if err := d.Drop(t.Context(), key, uploadID); err != nil {
			t.Errorf("Drop: %v", err)
		}
		return link(from, to)
	}
	if err := d.Finish(t.Context(), key, uploadID, parts, whole); !errors.Is(err, dossier.ErrNotFound) {
		t.Errorf("Finish of what is dropped meanwhile: %v; want ErrNotFound", err)
	}
	if got := found(t, d.path); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestDirectoryMultipartDoesNotEscape(t *testing.T) {
	folder, outside := t.TempDir(), t.TempDir()
	d := openDirectory(t, folder)
	key, uploadID, part := newKey(), d.newUploadID(), partOf(1, []byte("x"))
	name, _ := uploadName(key, uploadID)
	if err := os.Symlink(outside, filepath.Join(folder, name)); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(outside, "00001")
	if err := os.WriteFile(secret, []byte("a secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Receive(t.Context(), signed(t, d, key, uploadID, part), 1, strings.NewReader("x")); err == nil {
		t.Error("Receive through a link out of the folder succeeded")
	}
	if parts, err := d.Parts(t.Context(), key, uploadID); err == nil {
		t.Errorf("Parts through a link out of the folder = %v", parts)
	}
	if err := d.Drop(t.Context(), key, uploadID); err != nil {
		t.Errorf("Drop: %v", err)
	}
	if b, err := os.ReadFile(secret); err != nil || string(b) != "a secret" || len(found(t, outside)) != 1 {
		t.Errorf("outside: %q, %v, %v; want what was there", b, err, found(t, outside))
	}
	// Nor does an id lead anywhere else.
	for _, id := range []string{"", ".", "..", "../" + uploadID, uploadID + "/..", strings.ToUpper(uploadID), "{" +
		uploadID + "}", uploadID + ".gone", "urn:uuid:" + uploadID, strings.ReplaceAll(uploadID, "-", "")} {
		if name, ok := uploadName(key, id); ok {
			t.Errorf("uploadName(%q) = %q", id, name)
		}
		if r, err := d.Sign(t.Context(), key, id, part, time.Minute); err == nil {
			t.Errorf("Sign for multipart upload %q = %+v; want an error", id, r)
		}
	}
}

// TestDirectoryUnfinishedStrangers has things beside multipart uploads that are none.
func TestDirectoryUnfinishedStrangers(t *testing.T) {
	d := openDirectory(t, t.TempDir())
	key := newKey()
	uploadID, _, _ := sentParts(t, d, key)
	name, _ := uploadName(key, uploadID)
	for _, stray := range []string{"probe", "KEY", name[len(partialDir)+1:] + "x", "a.b.c", "..",
		strings.Repeat("a.", 40)} {
		if _, ok := parseUploadName(stray); ok {
			t.Errorf("parseUploadName(%q) takes it for a multipart upload", stray)
		}
		if stray == ".." {
			continue
		}
		if err := os.WriteFile(filepath.Join(d.path, partialDir, stray), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	for tr, err := range d.Unfinished(t.Context(), time.Now().Add(time.Hour)) {
		if err != nil || tr.Key != key || tr.ID != uploadID {
			t.Errorf("Unfinished yields %+v, %v", tr, err)
		}
		count++
	}
	if count != 1 {
		t.Errorf("Unfinished yields %d; want 1", count)
	}
}

// TestDirectoryStartedAt reads the time of a multipart upload from its id, as far as ids go.
func TestDirectoryStartedAt(t *testing.T) {
	for _, at := range []time.Time{time.UnixMilli(1), time.Date(2026, 11, 26, 1, 2, 3, 456_000_000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)} {
		d := openDirectory(t, t.TempDir())
		d.now = func() time.Time { return at }
		uploadID, _, _ := sentParts(t, d, newKey())
		for tr, err := range d.Unfinished(t.Context(), at) {
			t.Errorf("Unfinished before the start has %+v, %v", tr, err)
		}
		found := false
		for tr, err := range d.Unfinished(t.Context(), at.Add(time.Millisecond)) {
			found = found || err == nil && tr.ID == uploadID && tr.StartedAt.Equal(at)
		}
		if !found {
			t.Errorf("Unfinished after the start at %s does not have it", at)
		}
	}
}

// FuzzDirectoryPermit feeds addresses to what reads them. Whatever it takes can be written again as the same, and only
// what was signed verifies.
func FuzzDirectoryPermit(f *testing.F) {
	secret := bytes.Repeat([]byte{7}, signingKeySize)
	key := dossier.ObjectPrefix + "01940000-0000-7000-8000-000000000001/01940000-0000-7000-8000-000000000002"
	granted := map[permit]bool{}
	for i, part := range []dossier.Part{{Number: 1},
		{Number: dossier.MaxParts, Size: dossier.MaxPartSize, CRC64: 1<<64 - 1}, {Number: 12, Size: 34, CRC64: 56}} {
		p := permit{
			key: key, uploadID: fmt.Sprintf("01940000-0000-7000-8000-00000000001%d", i), part: part,
			expires: time.UnixMilli(1_800_000_000_000 + int64(i)).UTC(),
		}
		granted[p] = true
		address := p.url(secret)
		f.Add(address)
		f.Add(strings.Replace(address, "parts/1", "parts/2", 1))
		f.Add(strings.Replace(address, "size=", "size=1", 1))
		f.Add(strings.ToUpper(address))
		f.Add(address + "&size=1")
		f.Add(strings.ReplaceAll(address, "%2F", "/"))
	}
	f.Add("")
	f.Add("/api/v1/transfers//parts/?key=&size=&crc64=&expires=&signature=")
	f.Fuzz(func(t *testing.T, address string) {
		u, err := url.Parse(address)
		if err != nil {
			return
		}
		p, signature, ok := parsePermit(u)
		if !ok {
			return
		}
		if err := checkSign(p.key, p.uploadID, p.part, time.Minute); err != nil {
			t.Errorf("%q is read as %+v, which nobody can sign: %v", address, p, err)
		}
		if name, ok := uploadName(p.key, p.uploadID); !ok || !fs.ValidPath(name) || strings.Count(name, "/") != 1 {
			t.Errorf("%q leads to %q", address, name)
		}
		if hmac.Equal(signature, p.sign(secret)) && !granted[p] {
			t.Errorf("%q is read as %+v and verifies, but was never signed", address, p)
		}
		again, err := url.Parse(p.url(secret))
		if err != nil {
			t.Fatal(err)
		}
		if q, signature, ok := parsePermit(again); !ok || q != p || !hmac.Equal(signature, p.sign(secret)) {
			t.Errorf("%q is read as %+v, and what is written of that as %+v, %v", address, p, q, ok)
		}
	})
}

package thumbnail

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/bounds"
)

// TestMain lets the tests' own program be the child of a maker, and the parent of one.
func TestMain(m *testing.M) {
	Main()
	if len(os.Args) == 2 && os.Args[1] == "hasty" {
		os.Exit(child(1))
	}
	if len(os.Args) == 2 && os.Args[1] == "parent" {
		_, err := Self().Make(context.Background(), stuck{})
		fmt.Println(err)
		return
	}
	os.Exit(m.Run())
}

// stuck is a picture that never comes.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { select {} }

// patient returns a maker that a busy machine does not make give up.
func patient() *Maker {
	maker := Self()
	maker.Patience = 10 * time.Minute
	return maker
}

func TestMaker(t *testing.T) {
	colors := [4]color.RGBA{red, green, blue, gray}
	b, err := patient().Make(t.Context(), bytes.NewReader(jpegWith(asJPEG(t, quarters(48, 64,
		[4]color.RGBA{green, gray, red, blue})), exif(6))))
	if err != nil {
		t.Fatalf("Make: %v", err)
	}
	isQuarters(t, b, 64, 48, colors)

	pictures := bombs(t)
	pictures["text"] = []byte("not a picture")
	pictures["nothing"] = nil
	pictures["half a PNG"] = asPNG(t, quarters(640, 480, colors))[:900]
	for name, picture := range pictures {
		t.Run(name, func(t *testing.T) {
			b, err := patient().Make(t.Context(), bytes.NewReader(picture))
			if !errors.Is(err, dossier.ErrNoPicture) {
				t.Errorf("Make: %d bytes, %v; want ErrNoPicture", len(b), err)
			}
		})
	}
}

// What has the pixels of a phone's picture and takes more memory than a child has ends as a picture of which none can
// be made, and takes no more.
func TestMakerBoundsMemory(t *testing.T) {
	const w, h = 8192, 6144
	rows := flatPNG(t, w*64, h) // 64 bits a pixel
	picture := pngHeader(w, h, 16)
	picture[25] = 6 // with colors and transparency
	binary.BigEndian.PutUint32(picture[29:], crcOf(picture[12:29]))
	picture = append(picture, rows[8+25:]...)

	cmd := exec.Command("/proc/self/exe", command)
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.Stdin = bytes.NewReader(picture)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != exitMemory {
		t.Fatalf("the child: %v, %d bytes, %.200s; want it to run out of memory", err, out.Len(), said.String())
	}
	if most := ended.SysUsage().(*syscall.Rusage).Maxrss << 10; most > bounds.PictureMemory+64<<20 {
		t.Errorf("the child took %d MiB", most>>20)
	}
	if _, err := patient().Make(t.Context(), bytes.NewReader(picture)); !errors.Is(err, dossier.ErrNoPicture) {
		t.Errorf("Make: %v; want ErrNoPicture", err)
	}
}

// slowJPEG is a JPEG in gray of many scans, each of a few bytes and a walk over all of the picture.
func slowJPEG(scans int) []byte {
	const w, h = 4096, 4096
	b := jpegOf(0xc2, w, h)
	// Two tables of codes: for the first scan one code, "no difference"; for the others one, "16,384 blocks and as many
	// more as the next 14 bits say have nothing".
	for _, table := range []struct{ class, symbol byte }{{0x00, 0x00}, {0x10, 0xe0}} {
		b = append(b, 0xff, 0xc4, 0, 20, table.class, 1)
		b = append(b, make([]byte, 15)...)
		b = append(b, table.symbol)
	}
	blocks := w / 8 * h / 8
	b = append(b, 0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 0, 0)
	b = append(b, make([]byte, blocks/8)...)
	var run bits
	for left := blocks; left > 0; left -= 1<<15 - 1 {
		run.add(0, 1)
		run.add(min(left, 1<<15-1)-1<<14, 14)
	}
	scan := append([]byte{0xff, 0xda, 0, 8, 1, 1, 0x00, 1, 63, 0x10}, run.bytes()...)
	return append(append(b, bytes.Repeat(scan, scans)...), 0xff, 0xd9)
}

// bits are those of a scan of a JPEG.
type bits struct {
	text strings.Builder
}

func (b *bits) add(v, n int) { fmt.Fprintf(&b.text, "%0*b", n, max(v, 0)) }

func (b *bits) bytes() (out []byte) {
	text := b.text.String()
	text += strings.Repeat("1", (8-len(text)%8)%8)
	for ; text != ""; text = text[8:] {
		n, _ := strconv.ParseUint(text[:8], 2, 8) // of eight digits
		if out = append(out, byte(n)); n == 0xff {
			out = append(out, 0)
		}
	}
	return out
}

// A child that has a second; TestChildIsAlone sees how many Self's children have.
func TestMakerBoundsTime(t *testing.T) {
	t.Parallel()
	picture := slowJPEG(20_000)
	if len(picture) > 2<<20 {
		t.Fatalf("the picture has %d bytes", len(picture))
	}
	maker := patient()
	maker.Args = []string{"hasty"}
	_, err := maker.Make(t.Context(), bytes.NewReader(picture))
	if !errors.Is(err, dossier.ErrNoPicture) || !strings.Contains(err.Error(), "more than 1 seconds of processor time") {
		t.Errorf("Make: %v; want ErrNoPicture for processor time", err)
	}
}

func TestMakerEnds(t *testing.T) {
	t.Run("out of patience", func(t *testing.T) {
		maker := Self()
		maker.Patience = 100 * time.Millisecond
		if _, err := maker.Make(t.Context(), stuck{}); !errors.Is(err, dossier.ErrPictureKilled) {
			t.Errorf("Make: %v, want ErrPictureKilled", err)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		if _, err := Self().Make(ctx, stuck{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Make: %v, want Canceled", err)
		}
	})
	t.Run("the store breaks off", func(t *testing.T) {
		broken := errors.New("broken")
		whole := asPNG(t, quarters(64, 48, [4]color.RGBA{red, green, blue, gray}))
		r := io.MultiReader(bytes.NewReader(whole), failing{broken})
		if _, err := Self().Make(t.Context(), r); !errors.Is(err, broken) || errors.Is(err, dossier.ErrNoPicture) {
			t.Errorf("Make: %v, want the store's error", err)
		}
	})
	t.Run("killed", func(t *testing.T) {
		ended := make(chan error, 1)
		go func() {
			_, err := Self().Make(t.Context(), stuck{})
			ended <- err
		}()
		if err := syscall.Kill(children(t, os.Getpid())[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, dossier.ErrPictureKilled) {
			t.Errorf("Make: %v, want ErrPictureKilled", err)
		}
	})
	t.Run("no program", func(t *testing.T) {
		maker := Maker{Program: filepath.Join(t.TempDir(), "absent")}
		if _, err := maker.Make(t.Context(), stuck{}); err == nil || errors.Is(err, dossier.ErrNoPicture) {
			t.Errorf("Make: %v, want an error of the machine", err)
		}
	})
	t.Run("what is written is no thumbnail", func(t *testing.T) {
		maker := Maker{Program: "/bin/echo", Args: []string{"GIF89a"}}
		if b, err := maker.Make(t.Context(), strings.NewReader("")); !errors.Is(err, dossier.ErrNoPicture) {
			t.Errorf("Make: %q, %v; want ErrNoPicture", b, err)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// children waits for the children of a process that make thumbnails.
func children(t *testing.T, parent int) (pids []int) {
	t.Helper()
	for len(pids) == 0 {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			b, err := os.ReadFile(task)
			if err != nil {
				continue // the thread ended
			}
			for _, field := range strings.Fields(string(b)) {
				pid, err := strconv.Atoi(field)
				if err != nil {
					t.Fatal(err)
				}
				// The runtime forks others, to see what the system can do.
				line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				if err == nil && bytes.HasSuffix(line, []byte("\x00"+command+"\x00")) && bytes.Count(line, []byte("\x00")) == 2 {
					pids = append(pids, pid)
				}
			}
		}
		if t.Context().Err() != nil {
			t.Fatal("there is no child")
		}
		runtime.Gosched()
	}
	return pids
}

// A child has nothing that its parent has but its three pipes, and dies with it.
func TestChildIsAlone(t *testing.T) {
	parent := exec.Command("/proc/self/exe", "parent")
	secret := "a secret of the parent"
	parent.Env = []string{"DOSSIER_STAFF_SECRET=" + secret}
	file, err := os.Open("/etc/hostname")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parent.ExtraFiles = []*os.File{file}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	child := children(t, parent.Process.Pid)[0]
	of := func(name string) string { return fmt.Sprintf("/proc/%d/%s", child, name) }
	// It is bounded before it reads the first byte, and reads for ever: so this is awaited, not timed.
	var limits string
	for !strings.Contains(limits, "Max open files            0 ") {
		b, err := os.ReadFile(of("limits"))
		if err != nil {
			t.Fatal(err)
		}
		limits = string(b)
	}
	for _, line := range []string{"Max file size             0 ", "Max core file size        0 ",
		"Max cpu time              10 "} {
		if !strings.Contains(limits, line) {
			t.Errorf("the limits of the child have no line %q:\n%s", line, limits)
		}
	}
	environ, err := os.ReadFile(of("environ"))
	if err != nil || strings.Contains(string(environ), "DOSSIER") || strings.Contains(string(environ), secret) {
		t.Errorf("the environment of the child is %q, %v", environ, err)
	}
	open, err := os.ReadDir(of("fd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		to, err := os.Readlink(of("fd/" + fd.Name()))
		// The last are the runtime's own, which asks how many processors it may use.
		if err != nil || !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "anon_inode:") &&
			!strings.HasPrefix(to, "/sys/fs/cgroup/") {
			t.Errorf("the child has %s open, %v", to, err)
		}
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	for {
		// As a zombie it waits for whoever inherits it.
		status, err := os.ReadFile(of("status"))
		if err != nil || strings.Contains(string(status), "State:	Z") {
			return
		}
	}
}

func crcOf(b []byte) uint32 {
	return binary.BigEndian.Uint32(pngChunk(string(b[:4]), b[4:])[4+len(b):])
}

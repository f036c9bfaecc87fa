package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"dossier.example/app/api"
	"dossier.example/app/internal/servers"
	"dossier.example/app/upload"
)

// pipe returns the two ends of a pipe that has room for that many bytes.
func pipe(t *testing.T, room int) (read, write *os.File) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	read, write = os.NewFile(uintptr(ends[0]), "read"), os.NewFile(uintptr(ends[1]), "write")
	t.Cleanup(func() {
		_ = read.Close()
		_ = write.Close()
	})
	size, err := unix.FcntlInt(uintptr(ends[1]), unix.F_SETPIPE_SZ, os.Getpagesize())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write.Write([]byte(strings.Repeat("x", size-room))); err != nil {
		t.Fatal(err)
	}
	return read, write
}

// fills waits until nothing more goes into a pipe.
func fills(t *testing.T, read *os.File) {
	t.Helper()
	eventually(t, "the pipe is full", func() bool {
		n, err := unix.IoctlGetInt(int(read.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		return n >= os.Getpagesize()
	})
}

// openFile opens a file, such as a device, to write to it.
func openFile(t *testing.T, path string, flag int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// full returns a standard output on a disk that is full.
func full(t *testing.T) *os.File {
	t.Helper()
	return openFile(t, "/dev/full", os.O_WRONLY)
}

// What stderr says where standard output cannot be written.
const (
	unwritten = "standard output cannot be written"
	again     = "run the same command again"
	show      = "--show-receipt"
)

// ended is what a run of the command for three small files that was not told of leaves.
type ended struct {
	// kept is whether a receipt is kept; unless it is, there is no person.
	kept bool
	// stored is how many files the site has; more than that were not sent.
	stored int
	// printed is the receipt's link, where it was printed.
	printed string
}

// sender is what the ends of a run are made of.
type sender struct {
	*uploader
	s    *gatedSite
	args []string
}

// told waits for the end of a run, which has to be an exit status that stderr explains.
func (x *sender) told(t *testing.T, status int, run *uploading, words ...string) {
	t.Helper()
	if got := run.wait(); got != status {
		t.Errorf("exit status %d, want %d\n%s", got, status, run.stderr.String())
	}
	for _, word := range words {
		if !strings.Contains(run.stderr.String(), word) {
			t.Errorf("stderr does not say %q:\n%s", word, run.stderr.String())
		}
	}
	if strings.Contains(run.stderr.String(), "/receipt#") {
		t.Errorf("stderr tells the receipt:\n%s", run.stderr.String())
	}
}

// redirected runs the command as a shell does with that redirection.
func (x *sender) redirected(to string, stdout *os.File, args ...string) *uploading {
	x.t.Helper()
	bin, err := build()
	if err != nil {
		x.t.Fatal(err)
	}
	run := append([]string{"-c", `exec "$0" upload "$@" ` + to, bin}, args...)
	return x.start(exec.Command("/bin/sh", run...), stdout)
}

// closed runs the command with a standard output that is closed.
func (x *sender) closed(args ...string) *uploading {
	x.t.Helper()
	return x.redirected(">&-", nil, args...)
}

// completed waits until the journal says that this many files are stored.
func (x *sender) completed(t *testing.T, want int) {
	t.Helper()
	eventually(t, "the files are stored", func() bool { return strings.Count(x.journal(t), `"stored":`) == want })
}

// journal returns what the journal has; empty where there is none.
func (x *sender) journal(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(x.journalPath(t))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func (x *sender) journalPath(t *testing.T) string {
	t.Helper()
	for _, path := range x.journals() {
		if strings.HasSuffix(path, ".journal") {
			return path
		}
	}
	return filepath.Join(x.home, "none")
}

// However a run ends before its receipt is handed over, the same command is the same person, sends nothing twice, and
// prints the receipt.
func TestUploadUntold(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	s := embeddedSite(t)
	content := map[string][]byte{"a.txt": []byte("a"), "b.txt": []byte("b"), "c.txt": []byte("c")}
	_, paths := files(t, content)
	unread := func(t *testing.T) *os.File {
		read, write := pipe(t, os.Getpagesize())
		if err := read.Close(); err != nil {
			t.Fatal(err)
		}
		return write
	}
	one := newUploader(t)
	sample := one.begin(append(ada(s), append(paths, "--json")...)...)
	sample.wait()
	line := strings.IndexByte(sample.stdout.String(), '\n') + 1

	for name, end := range map[string]func(t *testing.T, x *sender) ended{
		"the disk is full": func(t *testing.T, x *sender) ended {
			run := x.beginTo(full(t), x.args...)
			x.told(t, exitFailed, run, unwritten, "no space left", again, show, "3 of 3 files are stored")
			return ended{kept: true, stored: 3}
		},
		"the disk is full, quietly": func(t *testing.T, x *sender) ended {
			run := x.beginTo(full(t), append(x.args, "--quiet")...)
			x.told(t, exitFailed, run, unwritten, again, show)
			if strings.Count(run.stderr.String(), "\n") != 1 {
				t.Errorf("stderr is %q, want one line", run.stderr.String())
			}
			return ended{kept: true, stored: 3}
		},
		"the disk is full from the first line of JSON": func(t *testing.T, x *sender) ended {
			run := x.beginTo(full(t), append(x.args, "--json", "--parallel", "1")...)
			x.told(t, exitFailed, run, unwritten, again, show)
			return ended{kept: true, stored: 1}
		},
		"nobody reads": func(t *testing.T, x *sender) ended {
			x.told(t, exitFailed, x.beginTo(unread(t), x.args...), unwritten, "broken pipe", again, show)
			return ended{kept: true, stored: 3}
		},
		"nobody reads, nor the messages": func(t *testing.T, x *sender) ended {
			x.told(t, exitFailed, x.redirected("2>&1", unread(t), x.args...))
			return ended{kept: true, stored: 3}
		},
		"nobody reads from the first line of JSON": func(t *testing.T, x *sender) ended {
			run := x.beginTo(unread(t), append(x.args, "--json", "--parallel", "1")...)
			x.told(t, exitFailed, run, unwritten, again)
			return ended{kept: true, stored: 1}
		},
		"nobody reads behind the first line of JSON": func(t *testing.T, x *sender) ended {
			read, write := pipe(t, os.Getpagesize())
			gone := make(chan struct{})
			x.s.app.with(t, afterFirst(func() { <-gone }))
			run := x.beginTo(write, append(x.args, "--json", "--parallel", "1")...)
			if line, err := bufio.NewReader(read).ReadString('\n'); err != nil || !strings.Contains(line, `"stored"`) {
				t.Fatalf("%q, %v", line, err)
			}
			if err := read.Close(); err != nil {
				t.Fatal(err)
			}
			close(gone)
			x.told(t, exitFailed, run, unwritten, again)
			x.s.app.pass()
			return ended{kept: true, stored: 2}
		},
		"nobody reads the summary": func(t *testing.T, x *sender) ended {
			read, write := pipe(t, 3*line)
			run := x.beginTo(write, append(x.args, "--json")...)
			fills(t, read)
			if err := read.Close(); err != nil {
				t.Fatal(err)
			}
			x.told(t, exitFailed, run, unwritten, again)
			return ended{kept: true, stored: 3}
		},
		"closed": func(t *testing.T, x *sender) ended {
			x.told(t, exitUsage, x.closed(x.args...), "standard output is closed")
			return ended{}
		},
		"closed, with JSON": func(t *testing.T, x *sender) ended {
			x.told(t, exitUsage, x.closed(append(x.args, "--json")...), "standard output is closed")
			return ended{}
		},
		"no file is stored, and the disk is full": func(t *testing.T, x *sender) ended {
			x.s.parts.with(t, ofParts(answer(http.StatusForbidden)))
			x.told(t, exitFailed, x.beginTo(full(t), x.args...), "3 of 3 files are not stored", unwritten, again)
			x.s.parts.pass()
			return ended{kept: true, stored: 0}
		},
		"interrupted, and the disk is full": func(t *testing.T, x *sender) ended {
			came := x.s.parts.trap(t, func(r *http.Request) bool { return partOf(r) > 0 })
			run := x.beginTo(full(t), x.args...)
			<-came
			if err := run.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			x.told(t, exitInterrupted, run, "interrupted", unwritten, again, show)
			x.s.parts.pass()
			return ended{kept: true}
		},
		"killed between the registration and the first file": func(t *testing.T, x *sender) ended {
			came := x.s.app.trap(t, func(r *http.Request) bool {
				return strings.HasPrefix(r.URL.Path, api.Prefix+"/files/")
			})
			run := x.begin(x.args...)
			<-came
			run.kill()
			x.s.app.pass()
			return ended{kept: true, stored: 0}
		},
		"killed between the last file and the receipt": func(t *testing.T, x *sender) ended {
			_, write := pipe(t, 0)
			run := x.beginTo(write, x.args...)
			x.completed(t, 3)
			run.kill()
			return ended{kept: true, stored: 3}
		},
		"killed between the last line of JSON and the summary": func(t *testing.T, x *sender) ended {
			read, write := pipe(t, 3*line)
			run := x.beginTo(write, append(x.args, "--json")...)
			fills(t, read)
			run.kill()
			return ended{kept: true, stored: 3}
		},
		"killed between the receipt and the end of the journal": func(t *testing.T, x *sender) ended {
			// The journal as it was before: whatever the run did of its end was not done.
			read, write := pipe(t, 0)
			run := x.beginTo(write, x.args...)
			x.completed(t, 3)
			path, journal := x.journalPath(t), x.journal(t)
			if err := write.Close(); err != nil {
				t.Fatal(err)
			}
			told, err := io.ReadAll(read)
			if status := run.wait(); err != nil || status != exitOK || x.journal(t) != "" {
				t.Fatalf("%v, exit status %d, the journal is %q\n%s", err, status, x.journal(t), run.stderr.String())
			}
			if err := os.WriteFile(path, []byte(journal), 0o600); err != nil {
				t.Fatal(err)
			}
			return ended{kept: true, stored: 3, printed: strings.TrimSpace(string(told[os.Getpagesize():]))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := &sender{newUploader(t), s, append(ada(s), paths...)}
			before := s.people(t)
			s.parts.take()
			first := end(t, x)
			sent := len(partsStored(s.parts.take()))
			if sent != first.stored {
				t.Errorf("%d files were sent, want %d", sent, first.stored)
			}
			if made := s.people(t) - before; made != map[bool]int{false: 0, true: 1}[first.kept] {
				t.Errorf("%d persons were made", made)
			}
			kept := ""
			if first.kept {
				run := x.begin(append(x.args, show)...)
				if status := run.wait(); status != exitOK {
					t.Errorf("--show-receipt: exit status %d\n%s", status, run.stderr.String())
				}
				kept = strings.TrimSpace(run.stdout.String())
			}
			if first.printed != "" && first.printed != kept {
				t.Errorf("%q was printed, and %q is kept", first.printed, kept)
			}
			_, summary := x.run(exitOK, x.args...)
			if summary.State != "complete" || summary.Stored != 3 || kept != "" && summary.ReceiptURL != kept {
				t.Errorf("kept %q; then %+v", kept, summary)
			}
			if more := len(partsStored(s.parts.take())); sent+more != 3 {
				t.Errorf("%d and %d files were sent, want each once", sent, more)
			}
			s.holds(t, summary.ReceiptURL, content)
			if after := s.people(t); after != before+1 {
				t.Errorf("%d persons were made, want 1", after-before)
			}
			if left := x.journals(); len(left) > 0 {
				t.Errorf("journals stay: %q", left)
			}
			x.told(t, exitFailed, x.begin(append(x.args, show)...), "no receipt is kept")
		})
	}
}

// afterFirst does something when the second file, and each later one, is announced.
func afterFirst(do func()) does {
	var mu sync.Mutex
	first := ""
	return func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		id, ok := strings.CutPrefix(r.URL.Path, api.Prefix+"/files/")
		if id, _, _ = strings.Cut(id, "/"); ok && first == "" {
			first = id
		}
		if ok && first != id {
			do()
		}
		return false
	}
}

// halting is an output that breaks off within its first line, and takes everything afterwards.
type halting struct {
	strings.Builder
	broke bool
}

func (h *halting) Write(p []byte) (int, error) {
	if h.broke {
		return h.Builder.Write(p)
	}
	h.broke = true
	n, _ := h.Builder.Write(p[:len(p)/2]) // never fails
	return n, unix.ENOSPC
}

// Behind a line that broke off stands no other: the two would read as one.
func TestUploadReportBehindBrokenLine(t *testing.T) {
	var out halting
	r := &uploadReport{progress: progress{stderr: io.Discard}, stdout: &out, flags: uploadFlags{json: true}}
	failed := upload.Result{Source: upload.Source{Path: "a.txt", Name: "a.txt"}, Err: &upload.Error{Code: "lost"}}
	file := r.ended(failed)
	summary := r.end(upload.Summary{}, exitOK, nil)
	for what, err := range map[string]error{"a file": file, "the summary": summary} {
		if !errors.Is(err, unix.ENOSPC) {
			t.Errorf("%s: %v, want %v", what, err, unix.ENOSPC)
		}
	}
	if text := out.String(); !strings.HasPrefix(text, `{"type":"file"`) || strings.Contains(text, "summary") {
		t.Errorf("printed %q", text)
	}
}

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dossier.example/app/internal/teststores"
)

// openTerminal returns the two ends of a pseudo-terminal.
func openTerminal(t *testing.T) (control, terminal *os.File) {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = control.Close() })
	if err := unix.IoctlSetPointerInt(int(control.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(control.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return control, terminal
}

// A file that the system makes while it is read has no size, and is not sent as an empty one.
func TestUploadWithoutSize(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"/proc/version", "/proc/self/maps"} {
		status, stdout, stderr := run(t.Context(), []string{"HOME=" + t.TempDir()}, "upload", "--to",
			"http://127.0.0.1:1", "--name", "Ada", "--location", "York", "--age", "36", "--technology", "Go", file)
		if status != exitUsage || !strings.Contains(stderr, file+": has more than the 0 bytes") {
			t.Errorf("%s: exit status %d\n%s%s", file, status, stdout, stderr)
		}
	}
}

// On a terminal the progress is drawn.
func TestUploadOnTerminal(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	_, paths := files(t, map[string][]byte{"drawing.bin": randomBytes(20 << 20)})
	control, terminal := openTerminal(t)
	u := newUploader(t)
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	// The parts wait until the bar was seen.
	seen := make(chan struct{})
	s.parts.with(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if partOf(r) > 0 {
			select {
			case <-seen:
			case <-r.Context().Done():
			}
		}
		return false
	})
	cmd := exec.Command(bin, append([]string{"upload"}, append(ada(s), paths...)...)...)
	cmd.Env = []string{"HOME=" + u.home}
	cmd.Stderr = terminal
	var shown teststores.Journal
	go func() { _, _ = io.Copy(&shown, control) }()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the bar is drawn", func() bool {
		return strings.Contains(shown.String(), "0/1 files") && strings.Contains(shown.String(), "%")
	})
	close(seen)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, shown.String())
	}
	eventually(t, "the end is told", func() bool { return strings.Contains(shown.String(), "1 of 1 file is stored") })
}

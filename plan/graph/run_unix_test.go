//go:build unix

package graph

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dossier.example/plan/internal/apart"
)

// left leaves a process behind, in a session of its own, which holds the lock of a file for as long as it is there.
func left() error {
	file, err := os.Open(os.Getenv("DOSSIER_TEST_LOCK"))
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	cmd := exec.Command("sleep", "600")
	cmd.ExtraFiles = []*os.File{file}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: apart.Isolated() == ""} // else its group is all that keeps it
	return cmd.Start()
}

// TestRunIsBounded: a program that keeps to no bound gives an answer that says so, and leaves nothing behind.
func TestRunIsBounded(t *testing.T) {
	for _, c := range []struct {
		kind string
		time time.Duration
		want string
	}{
		{"hangs", 3 * time.Second, "it had not ended after 3s and was stopped"},
		{"prints", 0, "it wrote more than 64 MB and was stopped\nmuch much"},
		{"registers", 0, "it registered more than 128 MB and was stopped"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			p := self(t, c.kind)
			file := filepath.Join(t.TempDir(), "lock")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			p.Time, p.Env, p.Read = c.time, append(p.Env, "DOSSIER_TEST_LOCK="+file), []string{file}
			_, err := Run(t.Context(), p, Before{}, "test", "dev", nil, nil)
			failed, is := errors.AsType[*ProgramError](err)
			if !is || !strings.HasPrefix(failed.Said, c.want) || len(failed.Said) > 2*mostSaid {
				t.Errorf("got %.300v", err)
			}
			gone(t, file)
		})
	}
}

// TestRunLeaves: what a program leaves behind ends with it, and does not keep the answer.
func TestRunLeaves(t *testing.T) {
	p := self(t, "leaves")
	file := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Env, p.Read = append(p.Env, "DOSSIER_TEST_LOCK="+file), []string{file}
	g, err := Run(t.Context(), p, Before{}, "test", "dev", map[string]string{"test:bucket": "files"}, nil)
	if err != nil || len(g.Resources) < 5 {
		t.Errorf("got %v, %v", g, err)
	}
	gone(t, file)
}

// gone waits until nobody holds the lock of a file.
func gone(t *testing.T, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		select {
		case <-t.Context().Done():
			t.Fatal("what the program started is still there")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// makePipe makes a pipe with a name, and returns what is said where a program uploads it.
func makePipe(t *testing.T, name string) (said string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	return "is not a file"
}

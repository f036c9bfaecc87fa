package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// killed starts the binary and kills it with kill -9 after a while, unless it has ended by then. It returns whether it
// had ended well, and what it printed.
func killed(t *testing.T, after time.Duration, env []string, args ...string) (ended bool, out string) {
	t.Helper()
	ended, _, out = killedSince(t, func() bool { return true }, after, env, args...)
	return ended, out
}

// killedSince is killed, but the while begins when a condition holds: how long the binary takes until then differs most
// on a busy machine. It also returns for how long the condition held.
func killedSince(t *testing.T, begun func() bool, after time.Duration, env []string, args ...string) (ended bool,
	held time.Duration, out string) {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, args...)
	cmd.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() { waited <- cmd.Wait() }()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	var since time.Time
	for {
		if since.IsZero() && begun() {
			since = time.Now()
		}
		if !since.IsZero() {
			held = time.Since(since)
		}
		if !since.IsZero() && held >= after {
			_ = cmd.Process.Kill()
		}
		select {
		case err := <-waited:
			return err == nil, held, b.String()
		case <-again.C:
		}
	}
}

// duration returns how long the binary takes for a command, which has to succeed.
func duration(t *testing.T, env []string, args ...string) time.Duration {
	t.Helper()
	began := time.Now()
	if ended, out := killed(t, 5*time.Minute, env, args...); !ended {
		t.Fatalf("dossier %v:\n%s", args, out)
	}
	return time.Since(began)
}

// points returns those that have a manifest, each of which must be readable and whole.
func points(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "points", "*", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		b, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(b, &struct{}{})
		}
		if err != nil {
			t.Errorf("a manifest in part: %v", err)
		}
	}
	return found
}

// A backup that is killed at whatever moment leaves no point that looks whole and is not, and the next one goes on from
// there.
func TestKillBackup(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	in, _, forms := newFilled(t, 4, 50)
	trial := &installed{t: t, data: in.data, dir: filepath.Join(teststores.Folder(t), "trial")}
	whole := duration(t, in.env(), "backup", trial.dir)
	const rounds = 12
	cut := 0
	for i := range rounds {
		if i%6 == 0 { // anew, so that there are objects to copy again
			remove(t, in.dir)
		}
		before := len(points(t, in.dir))
		ended, out := killed(t, whole*time.Duration(i%6+1)/7, in.env(), "backup", in.dir, "--keep", "50")
		after := points(t, in.dir)
		switch {
		case ended && len(after) != before+1:
			t.Fatalf("a backup that ended well made %d points\n%s", len(after)-before, out)
		case ended:
			whole = whole * 3 / 4 // the machine became faster
		default:
			cut++
		}
		if len(after) == 0 {
			target := filepath.Join(teststores.Folder(t), "data")
			if status, _, stderr := run(t.Context(), []string{"DOSSIER_DATA=" + target}, "restore",
				in.dir); status != exitFailed {
				t.Errorf("something was restored from a backup that was cut off: %s", stderr)
			}
			continue
		}
		data, _, _ := in.restore(exitOK)
		if report := reconcileNow(t, []string{"DOSSIER_DATA=" + data}); report.Verified != 200 ||
			len(report.Counts) > 0 {
			t.Errorf("round %d: the restored folder is not whole: %+v", i, report)
		}
		remove(t, data)
	}
	if cut < rounds/4 {
		t.Errorf("%d of %d backups were cut off", cut, rounds)
	}
	_, o := in.backup(exitOK)
	if o.Files != 200 || o.FaultyFiles > 0 {
		t.Errorf("the backup after all kills tells %+v", o)
	}
	if left, err := os.ReadDir(filepath.Join(in.dir, "points")); err != nil || len(left) != o.Points {
		t.Errorf("%d folders of points, want %d: %v", len(left), o.Points, err)
	}
	if _, err := os.Stat(filepath.Join(in.dir, "tmp")); err == nil {
		t.Error("the folder of what is being written stays")
	}
	data, _, _ := in.restore(exitOK)
	mustBeWhole(t, data, forms...)
	t.Logf("%d of %d backups of %v were cut off", cut, rounds, whole)
}

// restored reports whether a restore into a folder has begun, and whether it has ended: until then, there is a mark.
func restored(data string) (begun, finished bool) {
	entries, _ := os.ReadDir(data)
	unfinished := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "restore-unfinished" })
	return len(entries) > 0, len(entries) > 0 && !unfinished
}

// A restore that is killed at whatever moment leaves a folder that every command refuses, and the same command resumes.
func TestKillRestore(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	in, p, forms := newFilled(t, 4, 50)
	in.backup(exitOK)
	p.kill()
	begun := func(data string) func() bool {
		return func() bool {
			begun, _ := restored(data)
			return begun
		}
	}
	trial := filepath.Join(teststores.Folder(t), "trial")
	started := time.Now()
	ended, whole, out := killedSince(t, begun(trial), 5*time.Minute, []string{"DOSSIER_DATA=" + trial}, "restore",
		in.dir)
	if !ended || whole == 0 {
		t.Fatalf("a restore that is left alone takes %v:\n%s", whole, out)
	}
	before := time.Since(started) - whole
	const rounds = 9
	cut, resumed := 0, 0
	// A busy machine may kill too late to cut any off.
	for i := 0; i < rounds || (cut < rounds/4 || resumed == 0) && i < 4*rounds; i++ {
		data := filepath.Join(teststores.Folder(t), "data")
		env := []string{"DOSSIER_DATA=" + data}
		ended, out := false, ""
		if i == 0 {
			ended, out = killed(t, whole/10, env, "restore", in.dir)
		} else {
			ended, _, out = killedSince(t, begun(data), whole*time.Duration(i%rounds)/10, env, "restore", in.dir)
		}
		switch begun, finished := restored(data); {
		case ended:
			whole = whole * 3 / 4 // the machine became faster
		case finished:
			// It was killed on its way out. That all is there is looked at below.
		default:
			cut++
			if begun {
				refused(t, env, in.dir)
			}
			if i%2 == 0 { // once more, over what is there
				_, out = killed(t, before+whole/3, env, "restore", in.dir)
			}
			if _, finished := restored(data); !finished {
				_, o := copies(t, env, exitOK, "restore", in.dir)
				if o.Resumed {
					resumed++
				}
			}
		}
		if report := reconcileNow(t, env); report.Verified != 200 || len(report.Counts) > 0 {
			t.Fatalf("round %d: the restored folder is not whole: %+v\n%s", i, report, out)
		}
		if i%6 == 0 {
			mustBeWhole(t, data, forms...)
		}
		if _, finished := restored(data); !finished {
			t.Error("the mark stays")
		}
		remove(t, data)
	}
	if cut < rounds/4 || resumed == 0 {
		t.Errorf("%d restores were cut off, %d were resumed", cut, resumed)
	}
	t.Logf("%d restores of %v were cut off, %d resumed", cut, whole, resumed)
}

// refused makes sure that no command takes a folder for whole whose restore did not end.
func refused(t *testing.T, env []string, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // ends a server that would serve it
	defer cancel()
	for _, args := range [][]string{{"serve"}, {"serve", "--despite-losses"}, {"reconcile"},
		{"reconcile", "--at", "2026-11-26T09:00:00Z"}, {"migrate", "up"}, {"backup", filepath.Join(dir, "..", "another")}} {
		status, _, stderr := run(ctx, append(env, "DOSSIER_LISTEN=127.0.0.1:0"), args...)
		if status != exitFailed || !strings.Contains(stderr, "is not finished") || !strings.Contains(stderr,
			"dossier restore ") {
			t.Errorf("dossier %v on an unfinished restore: exit status %d\n%s", args, status, stderr)
		}
	}
}

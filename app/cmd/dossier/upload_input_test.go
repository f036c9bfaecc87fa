package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
)

// The site's limits are told before anything is sent; what the site refuses all the same, each file alone.
func TestUploadLimits(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t, "DOSSIER_MAX_FILE_SIZE=1MiB", "DOSSIER_MAX_PERSON_FILES=3", "DOSSIER_MAX_PERSON_SIZE=2MiB")
	_, paths := files(t, map[string][]byte{
		"1": randomBytes(1), "2": randomBytes(2), "3": randomBytes(3), "4": randomBytes(4),
		"full1": randomBytes(1 << 20), "full2": randomBytes(1 << 20), "large": randomBytes(1<<20 + 1),
	})
	in := func(names ...string) []string {
		args := ada(s)
		for _, path := range paths {
			if slices.Contains(names, filepath.Base(path)) {
				args = append(args, path)
			}
		}
		return args
	}
	for name, tc := range map[string]struct {
		files []string
		want  string
	}{
		"too large":      {[]string{"1", "large"}, "files of up to 1 MB"},
		"too many":       {[]string{"1", "2", "3", "4"}, "one person may have 3"},
		"too many bytes": {[]string{"1", "full1", "full2"}, "one person may have 2 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUploader(t)
			s.app.take()
			told, summary := u.run(exitUsage, in(tc.files...)...)
			if len(told) > 0 || summary.State != "refused" || summary.Error == nil ||
				!strings.Contains(summary.Error.Message, tc.want) || summary.ReceiptURL != "" {
				t.Errorf("told %+v, %+v, %+v", told, summary, summary.Error)
			}
			for _, r := range s.app.take() {
				if r.method != http.MethodGet {
					t.Errorf("%s %s was sent", r.method, r.path)
				}
			}
			if left := u.journals(); len(left) > 0 {
				t.Errorf("the journal stays: %q", left)
			}
		})
	}
	u := newUploader(t)
	_, summary := u.run(exitOK, in("1", "2")...)
	_, refused := u.run(exitUsage, append(in("3", "4")[10:], "--receipt", summary.ReceiptURL)...)
	if !strings.Contains(refused.Error.Message, "in addition to the 2") {
		t.Errorf("%q does not tell of the files that are there", refused.Error.Message)
	}

	// A site that lets more through at first: the quota then refuses file by file.
	s.app.with(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != api.Prefix+"/limits" {
			return false
		}
		l := api.Limits{MaxFileSize: 1 << 30, MaxFiles: 100, MaxTotalSize: 1 << 30, MaxParts: 10_000,
			MaxPartSize: 5 << 30, MaxPartsPerRequest: 100, SignatureLifetime: 900}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(l)
		return true
	})
	told, summary := u.run(exitFailed, in("1", "2", "3", "4", "large")...)
	codes := map[string]int{}
	for _, f := range told {
		if f.Error != nil {
			codes[f.Error.Code]++
		}
	}
	if summary.Stored != 3 || summary.Failed != 2 || codes["quota"] != 1 || codes["too_large"] != 1 {
		t.Errorf("%+v, refused %v", summary, codes)
	}
}

// Requests beyond a site's own rates are made later, and all files arrive.
func TestUploadRates(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t, "DOSSIER_RATE_ANNOUNCEMENTS=600", "DOSSIER_RATE_ANNOUNCEMENTS_BURST=2",
		"DOSSIER_RATE_SIGNATURES=600", "DOSSIER_RATE_SIGNATURES_BURST=2")
	content := map[string][]byte{}
	for i := range 8 {
		content[fmt.Sprint(i)] = []byte(fmt.Sprint(i))
	}
	_, paths := files(t, content)
	_, summary := newUploader(t).run(exitOK, append(ada(s), paths...)...)
	s.holds(t, summary.ReceiptURL, content)
	limited := 0
	for _, r := range s.app.take() {
		if r.status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("no request was limited: the test shows nothing")
	}
}

// What is named wrong is told at once, all of it, and nothing is sent: no site is there to send to.
func TestUploadInput(t *testing.T) {
	t.Parallel()
	folder, _ := files(t, map[string][]byte{"a.txt": []byte("a"), "sub/b.txt": []byte("b"), "empty/.keep": nil})
	if err := os.Remove(filepath.Join(folder, "empty", ".keep")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "a.txt")
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	person := []string{"--to", "http://127.0.0.1:1", "--name", "Ada", "--location", "London", "--age", "36",
		"--technology", "Engine", "--patience", "1ms"}
	receipt := dossier.NewReceipt().String()
	for name, tc := range map[string]struct {
		args []string
		env  []string
		want []string
	}{
		"no file":   {person, nil, []string{"at least one file"}},
		"no person": {[]string{file, "--to", "http://127.0.0.1:1"}, nil, []string{"--receipt-file"}},
		"no site":   {append(person[2:], file), nil, []string{"--to"}},
		"not a site": {append(person, file, "--to", "files.example.org"), nil,
			[]string{"--to", "https://files.example.org"}},
		"site with a path": {append(person, file, "--to", "https://files.example.org/x"), nil,
			[]string{"no path"}},
		"unknown flag": {append(person, file, "--fast"), nil, []string{"--fast", "--help"}},
		"bad age":      {append(person, file, "--age", "old"), nil, []string{"--age", "whole number"}},
		"all faults of a person": {[]string{file, "--to", "http://127.0.0.1:1", "--age", "200"}, nil,
			[]string{"--name", "--location", "--age", "--technology"}},
		"person and receipt": {append(person, file), []string{receiptVariable + "=" + receipt},
			[]string{receiptVariable, "leave one"}},
		"two receipts": {[]string{file, "--receipt", receipt, "--receipt-file", file}, nil,
			[]string{"leave one"}},
		"not a receipt": {[]string{file, "--to", "http://127.0.0.1:1", "--receipt", "secret words"}, nil,
			[]string{"--receipt gives is not a receipt: a receipt has 64 characters"}},
		"receipt of another site": {[]string{file, "--to", "http://127.0.0.1:1", "--receipt",
			"http://127.0.0.2:1/receipt/" + receipt}, nil, []string{"leave --to out"}},
		"no receipt in the file": {[]string{file, "--to", "http://127.0.0.1:1", "--receipt-file", folder + "/none"},
			nil, []string{"none"}},
		"parallel":       {append(person, file, "--parallel", "0"), nil, []string{"--parallel"}},
		"folder":         {append(person, folder), nil, []string{folder, "--recursive"}},
		"empty folder":   {append(person, "-r", folder+"/empty"), nil, []string{"no file"}},
		"standard input": {append(person, "-"), nil, []string{"standard input", "size"}},
		"all that is wrong at once": {append(person, folder+"/none", pipe, file, folder), nil,
			[]string{"3 problems", "none", "a named pipe", "--recursive"}},
		"no home": {append(person, file), []string{"HOME=/proc/none"}, []string{"XDG_STATE_HOME"}},
	} {
		t.Run(name, func(t *testing.T) {
			env := append([]string{"HOME=" + t.TempDir()}, tc.env...)
			if strings.HasPrefix(slices.Concat(tc.env, []string{""})[0], "HOME=") {
				env = tc.env
			}
			status, stdout, stderr := run(t.Context(), env, append([]string{"upload"}, tc.args...)...)
			want := exitUsage
			if name == "no home" {
				want = exitFailed
			}
			if status != want {
				t.Errorf("exit status %d, want %d", status, want)
			}
			for _, want := range tc.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q is not in\n%s", want, stderr)
				}
			}
			if stdout != "" || strings.Contains(stderr, "secret words") || strings.Contains(stderr, receipt) {
				t.Errorf("stdout is %q, stderr %q", stdout, stderr)
			}
		})
	}
}

// Folders, links, and the same file by two names.
func TestUploadSources(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	folder, _ := files(t, map[string][]byte{"a.txt": []byte("a"), "tree/b.txt": []byte("b"),
		"tree/deep/c.txt": []byte("c"), "tree/deep/b.txt": []byte("b")})
	in := func(name string) string { return filepath.Join(folder, name) }
	for link, to := range map[string]string{"link.txt": "a.txt", "tree/link": "../a.txt", "tree/folder": "deep"} {
		if err := os.Symlink(to, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(in("tree/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	u := newUploader(t)
	r := u.begin(append(ada(s), in("link.txt"), in("a.txt"), folder+"/./a.txt", "-r", in("tree"), in("tree/b.txt"),
		"--json")...)
	if status := r.wait(); status != exitOK {
		t.Fatalf("exit status %d\n%s", status, r.stderr.String())
	}
	_, summary := r.lines()
	s.holds(t, summary.ReceiptURL, map[string][]byte{
		"link.txt": []byte("a"), "tree/b.txt": []byte("b"), "tree/deep/b.txt": []byte("b"),
		"tree/deep/c.txt": []byte("c"),
	})
	for _, want := range []string{"tree/link: a symbolic link", "tree/folder: a symbolic link",
		"tree/pipe: a named pipe"} {
		if !strings.Contains(r.stderr.String(), want) {
			t.Errorf("%q is not in\n%s", want, r.stderr.String())
		}
	}
	// Without a terminal, --quiet leaves nothing to be said.
	q := u.begin(append(ada(s), "-r", in("tree"), "--quiet")...)
	if status := q.wait(); status != exitOK || q.stderr.String() != "" {
		t.Errorf("exit status %d, stderr %q", status, q.stderr.String())
	}
}

// What a site has no room for at the moment is told before anything is sent, and nobody is registered for it.
func TestUploadWithoutRoom(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t, "DOSSIER_MAX_STORE_FILES=2", "DOSSIER_MAX_STORE_SIZE=1000")
	_, paths := files(t, map[string][]byte{"1": {1}, "2": {2}, "3": {3}, "large": make([]byte, 1001)})
	in := func(names ...string) []string {
		args := ada(s)
		for _, path := range paths {
			if slices.Contains(names, filepath.Base(path)) {
				args = append(args, path)
			}
		}
		return args
	}
	u := newUploader(t)
	refused := func(says string, args []string) {
		t.Helper()
		s.app.take()
		_, summary := u.run(exitFailed, args...)
		if summary.Error == nil || summary.Error.Code != "full" || !strings.Contains(summary.Error.Message, says) {
			t.Errorf("%q: got %+v, want the code full and %q", args, summary.Error, says)
		}
		for _, r := range s.app.take() {
			if r.method != http.MethodGet {
				t.Errorf("%q: %s %s was sent", args, r.method, r.path)
			}
		}
	}
	refused("the site accepts 1 kB more", in("large"))
	refused("3 files", in("1", "2", "3"))
	u.run(exitOK, in("1", "2")...)
	refused("no files right now", in("3"))
}

package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
)

// uploader is the command on a machine of its own: with a home of its own.
type uploader struct {
	t    *testing.T
	home string
	env  []string
}

func newUploader(t *testing.T) *uploader { return &uploader{t: t, home: t.TempDir()} }

// uploading is one run of the command.
type uploading struct {
	*exec.Cmd
	t              *testing.T
	stdout, stderr output
	ended          chan struct{}
}

// begin starts "dossier upload".
func (u *uploader) begin(args ...string) *uploading {
	u.t.Helper()
	bin, err := build()
	if err != nil {
		u.t.Fatal(err)
	}
	r := &uploading{Cmd: exec.Command(bin, append([]string{"upload"}, args...)...), t: u.t, ended: make(chan struct{})}
	r.Env = append([]string{"HOME=" + u.home, "PATH=" + os.Getenv("PATH")}, u.env...)
	r.Stdout, r.Stderr = &r.stdout, &r.stderr
	if err := r.Start(); err != nil {
		u.t.Fatal(err)
	}
	go func() { _ = r.Wait(); close(r.ended) }()
	u.t.Cleanup(r.kill)
	return r
}

func (r *uploading) kill() {
	_ = r.Process.Kill()
	<-r.ended
}

// wait returns the exit status.
func (r *uploading) wait() int {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(4 * time.Minute):
		r.kill()
		r.t.Fatalf("the command does not end\n%s%s", r.stdout.String(), r.stderr.String())
	}
	return r.ProcessState.ExitCode()
}

// lines returns what --json printed, which has to be as the help says, member by member.
func (r *uploading) lines() (files []uploadedFile, summary uploadSummary) {
	r.t.Helper()
	for line := range strings.Lines(r.stdout.String()) {
		if summary.Type != "" {
			r.t.Errorf("a line after the summary: %s", line)
		}
		var is struct{ Type string }
		var f uploadedFile
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		_ = json.Unmarshal([]byte(line), &is)
		var err error
		if is.Type == "file" {
			err = d.Decode(&f)
			files = append(files, f)
		} else {
			err = d.Decode(&summary)
		}
		if err != nil || is.Type != "file" && is.Type != "summary" {
			r.t.Errorf("a line of another kind (%v): %s", err, line)
		}
	}
	if summary.Type == "" {
		r.t.Errorf("no summary in %q", r.stdout.String())
	}
	return files, summary
}

// run runs the command with --json to its end, which has to be the exit status.
func (u *uploader) run(status int, args ...string) ([]uploadedFile, uploadSummary) {
	u.t.Helper()
	r := u.begin(append(args, "--json")...)
	if got := r.wait(); got != status {
		u.t.Fatalf("exit status %d, want %d\n%s%s", got, status, r.stdout.String(), r.stderr.String())
	}
	return r.lines()
}

// journals returns the paths of the journals that are there.
func (u *uploader) journals() []string {
	u.t.Helper()
	found, err := filepath.Glob(filepath.Join(u.home, ".local", "state", "dossier", "uploads", "*"))
	if err != nil {
		u.t.Fatal(err)
	}
	return found
}

// ada are the flags of a new person at a site.
func ada(s *gatedSite) []string {
	return []string{"--to", s.app.URL, "--name", "Ada Lovelace", "--location", "London", "--age", "36", "--technology", "Analytical Engine"}
}

// files writes files into a new folder and returns their paths in the order of the names.
func files(t *testing.T, content map[string][]byte) (folder string, paths []string) {
	t.Helper()
	folder = t.TempDir()
	for name, data := range content {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return folder, paths
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// received downloads what a receipt's link shows, by name, and checks that nothing is on its way.
func (s *gatedSite) received(t *testing.T, link string) map[string][]byte {
	t.Helper()
	receipt := link[strings.LastIndex(link, "/")+1:]
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.app.URL+api.Prefix+"/receipt", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+receipt)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out api.Receipt
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the receipt answers %s, %v", res.Status, err)
	}
	got := map[string][]byte{}
	for _, f := range out.Files {
		if f.State != api.Stored {
			t.Errorf("%s is %s", f.Name, f.State)
			continue
		}
		status, data := get(t, s.app.URL+"/receipt/"+receipt+"/files/"+f.ID)
		if sum := sha256.Sum256(data); status != http.StatusOK || f.Content.Sha256 != hex.EncodeToString(sum[:]) {
			t.Errorf("the download of %s answers %d, %d bytes with another SHA-256 than recorded", f.Name, status, len(data))
		}
		if _, twice := got[f.Name]; twice {
			t.Errorf("%s is there twice", f.Name)
		}
		got[f.Name] = data
	}
	return got
}

// holds checks that exactly these files are stored.
func (s *gatedSite) holds(t *testing.T, link string, want map[string][]byte) {
	t.Helper()
	got := s.received(t, link)
	for name, data := range want {
		if have, ok := got[name]; !ok || !bytes.Equal(have, data) {
			t.Errorf("%s: there is %t, with %d bytes; want %d bytes", name, ok, len(have), len(data))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files are stored, want %d", len(got), len(want))
	}
}

// people counts the persons of the site.
func (s *gatedSite) people(t *testing.T) int {
	t.Helper()
	n := 0
	list, err := s.stores.People.List(t.Context(), "", dossier.Cursor{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range s.stores.People.Leftovers(t.Context(), time.Now().Add(time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n + len(list)
}

func TestUpload(t *testing.T) {
	t.Parallel()
	for name, site := range map[string]struct {
		open func(*testing.T) *gatedSite
		many int
	}{
		"embedded": {func(t *testing.T) *gatedSite { return embeddedSite(t) }, 1000},
		// Each file takes the servers of the tests ten times as long.
		"servers": {cloudSite, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.open(t)
			t.Run("a new person", func(t *testing.T) { testNewPerson(t, s) })
			t.Run("a receipt", func(t *testing.T) { testReceipt(t, s) })
			t.Run("killed", func(t *testing.T) { testKilled(t, s) })
			t.Run("killed while completing", func(t *testing.T) { testKilledCompleting(t, s) })
			t.Run("faults of the store", func(t *testing.T) { testStoreFaults(t, s) })
			t.Run("many files", func(t *testing.T) { testMany(t, s, site.many) })
			if name == "embedded" { // what the store has no part in
				t.Run("a file that changes", func(t *testing.T) { testChanging(t, s) })
				t.Run("killed while registering", func(t *testing.T) { testKilledRegistering(t, s) })
				t.Run("interrupted", func(t *testing.T) { testInterrupted(t, s) })
				t.Run("given up", func(t *testing.T) { testGivenUp(t, s) })
				t.Run("faults of the site", func(t *testing.T) { testSiteFaults(t, s) })
				t.Run("nobody there", func(t *testing.T) { testNobodyThere(t, s) })
			}
			reconcileNow(t, s.env)
			reconcileNow(t, s.env)
			if last := reconcileNow(t, s.env); len(last.Counts) != 0 || last.AbortedMultipartUploads != 0 || last.Failures != 0 {
				t.Errorf("a third reconcile still finds something: %+v", last)
			}
		})
	}
}

// Several files at once, an empty one and one in parts among them, for a person who is new.
func testNewPerson(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"a.txt": []byte("a"), "empty.txt": nil, "drawing.bin": randomBytes(20<<20 + 1), "ünïcode <1>.txt": []byte("u")}
	_, paths := files(t, content)
	s.parts.take()
	got, summary := u.run(exitOK, append(ada(s), paths...)...)
	if want := []int{1, 1, 1, 1, 2, 3}; !slices.Equal(partsStored(s.parts.take()), want) {
		t.Errorf("other parts than %v were sent", want)
	}
	if summary.State != "complete" || summary.Stored != 4 || summary.Failed+summary.Left != 0 || summary.Resumed || summary.Error != nil ||
		summary.StoredBytes != 20<<20+3 || summary.SentBytes != 20<<20+3 || summary.Person == "" {
		t.Errorf("the summary is %+v", summary)
	}
	if !regexp.MustCompile(`^` + regexp.QuoteMeta(s.app.URL) + `/receipt/[A-Za-z0-9_-]{64}$`).MatchString(summary.ReceiptURL) {
		t.Errorf("the receipt's link is %q", summary.ReceiptURL)
	}
	for _, f := range got {
		data := content[filepath.Base(f.Path)]
		sum := sha256.Sum256(data)
		if f.State != "stored" || f.Size != int64(len(data)) || f.Sent != f.Size || f.SHA256 != hex.EncodeToString(sum[:]) || f.ID == "" || f.CRC64 == "" || f.Error != nil {
			t.Errorf("told of a file: %+v", f)
		}
	}
	content["ünïcode _1_.txt"] = content["ünïcode <1>.txt"]
	delete(content, "ünïcode <1>.txt")
	s.holds(t, summary.ReceiptURL, content)
	if left := u.journals(); len(left) > 0 {
		t.Errorf("the journal stays: %q", left)
	}

	// Without --json: the link alone on stdout, once, and what was done on stderr.
	r := u.begin(append(ada(s), paths...)...)
	if status := r.wait(); status != exitOK {
		t.Fatalf("exit status %d\n%s", status, r.stderr.String())
	}
	if out := r.stdout.String(); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, s.app.URL+"/receipt/") {
		t.Errorf("stdout is %q, want the receipt's link", out)
	}
	if !strings.Contains(r.stderr.String(), "4 of 4 files are stored") {
		t.Errorf("stderr is %q", r.stderr.String())
	}
	// Another command of the same person is another person: two forms are, too.
	if r.stdout.String() == summary.ReceiptURL+"\n" {
		t.Error("a command that was finished before goes on with its person")
	}
}

// A receipt may come in four ways, as a link or bare. What is there already is not sent again.
func testReceipt(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"one.bin": randomBytes(9 << 20), "two.txt": []byte("2"), "three.txt": []byte("3"), "four.txt": []byte("4"), "five.txt": []byte("5")}
	folder, _ := files(t, content)
	in := func(name string) string { return filepath.Join(folder, name) }
	_, summary := u.run(exitOK, append(ada(s), in("one.bin"))...)
	link := summary.ReceiptURL
	bare := link[strings.LastIndex(link, "/")+1:]
	file := filepath.Join(t.TempDir(), "receipt")
	if err := os.WriteFile(file, []byte(link+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u.run(exitOK, in("two.txt"), "--receipt-file", file)
	u.run(exitOK, in("three.txt"), "--to", s.app.URL, "--receipt", bare)
	u.env = []string{"DOSSIER_UPLOAD_RECEIPT=" + bare}
	u.run(exitOK, in("four.txt"), "--to", s.app.URL+"/")
	u.env = nil
	r := newUploader(t)
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "upload", in("five.txt"), "--receipt-file", "-")
	cmd.Env, cmd.Stdin = []string{"HOME=" + r.home}, strings.NewReader(link)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.holds(t, link, content)

	s.parts.take()
	again, summary := u.run(exitOK, in("one.bin"), in("two.txt"), "--receipt-file", file)
	if sent := partsStored(s.parts.take()); len(sent) > 0 || summary.SentBytes != 0 || summary.Stored != 2 || summary.ReceiptURL != link {
		t.Errorf("what is there was sent again: parts %v, %+v", sent, summary)
	}
	for _, f := range again {
		if f.State != "stored" || f.ID == "" || f.Sent != 0 {
			t.Errorf("told of a file that is there: %+v", f)
		}
	}
	s.holds(t, link, content)

	other := bare[:60] + "AAAA"
	_, summary = u.run(exitUsage, in("one.bin"), "--to", s.app.URL, "--receipt", other)
	if summary.State != "refused" || summary.Error == nil || summary.Error.Code != "input" || strings.Contains(summary.Error.Message, other[:30]) {
		t.Errorf("a wrong receipt ends with %+v", summary)
	}
	if left := u.journals(); len(left) > 0 {
		t.Errorf("journals stay: %q", left)
	}
}

// held is a file of five parts, of which some are in the store while the others wait before it.
func held(t *testing.T, s *gatedSite, u *uploader, taken int, args []string) (*uploading, []int) {
	t.Helper()
	s.parts.take()
	var passed atomic.Int64
	waiting := make(chan struct{}, 64)
	s.parts.with(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if partOf(r) > 0 && passed.Add(1) > int64(taken) {
			waiting <- struct{}{}
			s.parts.swallow(r)
			return true
		}
		return false
	})
	run := u.begin(append(args, "--json", "--parallel", "2")...)
	var parts []int
	eventually(t, "the parts are there", func() bool {
		parts = s.parts.stored()
		return len(parts) == taken
	})
	// Both that send wait: so both know of the parts that were taken.
	for range 2 {
		select {
		case <-waiting:
		case <-time.After(time.Minute):
			t.Fatalf("no further part comes\n%s%s", run.stdout.String(), run.stderr.String())
		}
	}
	return run, parts
}

// After kill -9 in the middle the same command sends what is missing, for the same person. A second run beside the first is refused.
func testKilled(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"drawing.bin": randomBytes(33 << 20)}
	_, paths := files(t, content)
	args := append(ada(s), paths...)
	before := s.people(t)
	run, first := held(t, s, u, 3, args)
	_, summary := u.run(exitFailed, args...)
	if summary.Error == nil || summary.Error.Code != "busy" {
		t.Errorf("a second run beside the first ends with %+v", summary)
	}
	run.kill()
	s.parts.pass()
	for _, path := range u.journals() {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
		if !strings.HasSuffix(path, ".journal") {
			continue
		}
		// A crash in the middle of a line.
		journal, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := journal.WriteString(`{"path":"half of`); err != nil {
			t.Fatal(err)
		}
		if err := journal.Close(); err != nil {
			t.Fatal(err)
		}
		// One that nobody went on with.
		old := filepath.Join(filepath.Dir(path), "old.journal")
		if err := os.WriteFile(old, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(old, time.Time{}, time.Now().AddDate(0, 0, -31)); err != nil {
			t.Fatal(err)
		}
	}
	// What the store took, but did not answer any more, is there as well.
	s.parts.take()
	_, summary = u.run(exitOK, args...)
	all := append(first, partsStored(s.parts.take())...)
	slices.Sort(all)
	if !slices.Equal(all, []int{1, 2, 3, 4, 5}) {
		t.Errorf("parts %v were sent in both runs together, want each once", all)
	}
	if !summary.Resumed || summary.SentBytes != 33<<20-3*8<<20 {
		t.Errorf("the summary is %+v", summary)
	}
	s.holds(t, summary.ReceiptURL, content)
	if after := s.people(t); after != before+1 {
		t.Errorf("%d persons were made, want 1", after-before)
	}
	if left := u.journals(); len(left) > 0 {
		t.Errorf("journals stay: %q", left)
	}
}

// The answer to the registration never comes, and the command is killed: the same command is the same person.
func testKilledRegistering(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"a.txt": []byte("a")}
	_, paths := files(t, content)
	args := append(ada(s), paths...)
	before := s.people(t)
	registered := make(chan struct{}, 64)
	s.app.with(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != api.Prefix+"/people" {
			return false
		}
		// Let through, and its answer kept.
		req, err := http.NewRequest(r.Method, s.app.URL+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return true
		}
		req.Header = r.Header.Clone()
		s.app.pass()
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
		}
		registered <- struct{}{}
		s.app.swallow(r)
		return true
	})
	run := u.begin(args...)
	select {
	case <-registered:
	case <-run.ended:
		t.Fatalf("the command ended\n%s", run.stderr.String())
	}
	run.kill()
	_, summary := u.run(exitOK, args...)
	s.holds(t, summary.ReceiptURL, content)
	if after := s.people(t); after != before+1 {
		t.Errorf("%d persons were made, want 1", after-before)
	}
}

// Ctrl-C ends the run at once, with what it did, the receipt and how to go on.
func testInterrupted(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"drawing.bin": randomBytes(33 << 20), "later.txt": []byte("later")}
	_, paths := files(t, content)
	args := append(ada(s), paths[0])
	run, _ := held(t, s, u, 2, args)
	if err := run.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if status := run.wait(); status != exitInterrupted {
		t.Errorf("exit status %d, want %d", status, exitInterrupted)
	}
	s.parts.pass()
	told, summary := run.lines()
	if len(told) != 0 || summary.State != "interrupted" || summary.Left != 1 || summary.ReceiptURL == "" || summary.SentBytes != 2*8<<20 {
		t.Errorf("told %+v, %+v", told, summary)
	}
	if !strings.Contains(run.stderr.String(), "run the same command again") {
		t.Errorf("stderr is %q", run.stderr.String())
	}
	_, again := u.run(exitOK, args...)
	if again.ReceiptURL != summary.ReceiptURL || again.SentBytes != 33<<20-2*8<<20 {
		t.Errorf("first %+v, then %+v", summary, again)
	}
	delete(content, "later.txt")
	s.holds(t, again.ReceiptURL, content)
}

// The site completes the file, the command is killed before it is told: the same command sends nothing.
func testKilledCompleting(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"a.bin": randomBytes(9 << 20)}
	_, paths := files(t, content)
	args := append(ada(s), paths...)
	completed := make(chan int, 64)
	s.app.with(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/complete") {
			return false
		}
		req, err := http.NewRequest(r.Method, s.app.URL+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return true
		}
		req.Header = r.Header.Clone()
		s.app.pass()
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
			completed <- res.StatusCode
		}
		s.app.swallow(r)
		return true
	})
	run := u.begin(args...)
	select {
	case status := <-completed:
		if status != http.StatusOK {
			t.Errorf("complete answers %d", status)
		}
	case <-run.ended:
		t.Fatalf("the command ended\n%s", run.stderr.String())
	}
	run.kill()
	s.parts.take()
	_, summary := u.run(exitOK, args...)
	if sent := partsStored(s.parts.take()); len(sent) > 0 || summary.Stored != 1 {
		t.Errorf("parts %v were sent again, %+v", sent, summary)
	}
	s.holds(t, summary.ReceiptURL, content)
}

// --give-up removes what is half-done, and the journal.
func testGivenUp(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	_, paths := files(t, map[string][]byte{"drawing.bin": randomBytes(33 << 20)})
	args := append(ada(s), paths...)
	run, _ := held(t, s, u, 1, args)
	run.kill()
	s.parts.pass()
	// The file itself is not needed for it.
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
	_, summary := u.run(exitOK, append(args, "--give-up")...)
	s.holds(t, summary.ReceiptURL, nil)
	if left := u.journals(); len(left) > 0 {
		t.Errorf("journals stay: %q", left)
	}
	u.run(exitOK, append(args, "--give-up")...) // nothing is left to do
}

// What the object store does wrong once is tried again; what it always does wrong ends, for this file, and can be gone on with.
func testStoreFaults(t *testing.T, s *gatedSite) {
	content := map[string][]byte{"drawing.bin": randomBytes(9 << 20), "small.txt": []byte("small"), "empty.txt": nil}
	_, paths := files(t, content)
	for name, does := range map[string]does{
		"a signature that is over": answer(http.StatusForbidden),
		"a flipped bit":            flip,
		"slow down":                answer(http.StatusServiceUnavailable),
		"a broken connection":      cut,
	} {
		t.Run(name, func(t *testing.T) {
			s.parts.with(t, ofParts(once(does)))
			_, summary := newUploader(t).run(exitOK, append(ada(s), paths...)...)
			s.parts.pass()
			s.holds(t, summary.ReceiptURL, content)
		})
	}
	for name, tc := range map[string]struct {
		does does
		code string
	}{
		"always a flipped bit":      {flip, "corrupt"},
		"no signature is ever good": {answer(http.StatusForbidden), "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUploader(t)
			s.parts.with(t, ofParts(tc.does))
			got, summary := u.run(exitFailed, append(ada(s), paths[0])...)
			if len(got) != 1 || got[0].State != "failed" || got[0].Error.Code != tc.code || summary.State != "incomplete" || summary.Failed != 1 {
				t.Errorf("told %+v, %+v", got, summary)
			}
			s.parts.pass()
			// The same command goes on, with the same person.
			_, again := u.run(exitOK, append(ada(s), paths[0])...)
			if again.ReceiptURL != summary.ReceiptURL || again.Stored != 1 {
				t.Errorf("first %+v, then %+v", summary, again)
			}
		})
	}
}

// What the site, or what stands before it, does wrong once is tried again, and not before the time that it names.
func testSiteFaults(t *testing.T, s *gatedSite) {
	content := map[string][]byte{"drawing.bin": randomBytes(9 << 20), "small.txt": []byte("small")}
	_, paths := files(t, content)
	page := answer(http.StatusOK, "Content-Type", "text/html")
	for name, does := range map[string]does{
		"a broken connection":  cut,
		"out of order":         answer(http.StatusServiceUnavailable),
		"a proxy out of order": answer(http.StatusBadGateway),
		"too many requests":    answer(http.StatusTooManyRequests, "Retry-After", "1"),
		// Not to the first question: then it is no site at all.
		"a network's own page": func(w http.ResponseWriter, r *http.Request) bool { return r.Method != http.MethodGet && page(w, r) },
	} {
		t.Run(name, func(t *testing.T) {
			first := once(does)
			s.app.with(t, func(w http.ResponseWriter, r *http.Request) bool {
				return partOf(r) == 0 && strings.HasPrefix(r.URL.Path, api.Prefix) && first(w, r)
			})
			_, summary := newUploader(t).run(exitOK, append(ada(s), paths...)...)
			s.app.pass()
			s.holds(t, summary.ReceiptURL, content)
		})
	}
	t.Run("Retry-After", func(t *testing.T) {
		var mu sync.Mutex
		var refused, retried time.Time
		s.app.with(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != api.Prefix+"/people" {
				return false
			}
			mu.Lock()
			defer mu.Unlock()
			if refused.IsZero() {
				refused = time.Now()
				return answer(http.StatusTooManyRequests, "Retry-After", "2")(w, r)
			}
			retried = time.Now()
			return false
		})
		newUploader(t).run(exitOK, append(ada(s), paths[1])...)
		if waited := retried.Sub(refused); waited < 2*time.Second {
			t.Errorf("tried again after %s, was asked to wait 2s", waited)
		}
	})
	t.Run("no site at all", func(t *testing.T) {
		s.app.with(t, page)
		_, summary := newUploader(t).run(exitUsage, append(ada(s), paths[1])...)
		if !strings.Contains(summary.Error.Message, "check the address") {
			t.Errorf("told %+v", summary.Error)
		}
	})
	t.Run("another address", func(t *testing.T) {
		s.app.with(t, answer(http.StatusMovedPermanently, "Location", "https://files.example.org/api/v1/limits"))
		_, summary := newUploader(t).run(exitUsage, append(ada(s), paths[1])...)
		if !strings.Contains(summary.Error.Message, "moved to https://files.example.org:") {
			t.Errorf("told %+v", summary.Error)
		}
	})
}

// A file that changes while it is sent is told, and neither what it was nor what it is nor a mixture is stored. Others are.
func testChanging(t *testing.T, s *gatedSite) {
	for name, change := range map[string]func(path string) error{
		"grows": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.Write([]byte("more"))
			return errors.Join(err, f.Close())
		},
		"shrinks": func(path string) error { return os.Truncate(path, 10<<20) },
		"differs, with the same size and time": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			// The first byte of each part, so also of those that are read a second time.
			for at := int64(0); at < info.Size(); at += 8 << 20 {
				if _, err := f.WriteAt([]byte{0}, at); err != nil {
					return err
				}
			}
			return errors.Join(f.Close(), os.Chtimes(path, time.Time{}, info.ModTime()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUploader(t)
			data := bytes.Repeat([]byte("x"), 20<<20)
			_, paths := files(t, map[string][]byte{"changing.bin": data, "still.txt": []byte("still")})
			var once sync.Once
			s.parts.with(t, func(w http.ResponseWriter, r *http.Request) bool {
				if partOf(r) > 0 && r.ContentLength > 1<<20 {
					once.Do(func() {
						if err := change(paths[0]); err != nil {
							t.Error(err)
						}
					})
					// This one part is sent once more: from the file as it is now.
					w.WriteHeader(http.StatusServiceUnavailable)
					s.parts.pass()
					return true
				}
				return false
			})
			args := append(ada(s), append(paths, "--parallel", "1")...)
			got, summary := u.run(exitFailed, args...)
			if summary.Stored != 1 || summary.Failed != 1 {
				t.Errorf("the summary is %+v", summary)
			}
			for _, f := range got {
				if f.State == "failed" && (f.Error.Code != "changed" || filepath.Base(f.Path) != "changing.bin") {
					t.Errorf("told %+v", f)
				}
			}
			s.holds(t, summary.ReceiptURL, map[string][]byte{"still.txt": []byte("still")})
			now, err := os.ReadFile(paths[0])
			if err != nil {
				t.Fatal(err)
			}
			_, summary = u.run(exitOK, args...)
			s.holds(t, summary.ReceiptURL, map[string][]byte{"still.txt": []byte("still"), "changing.bin": now})
		})
	}
}

// Nobody answers: the run ends, by its patience, and the journal stays for the next one.
func testNobodyThere(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"a.bin": randomBytes(20 << 20), "b.txt": []byte("b")}
	_, paths := files(t, content)
	args := append(ada(s), paths...)
	var parts atomic.Int64
	gone := func(_ http.ResponseWriter, r *http.Request) bool {
		if partOf(r) > 0 {
			parts.Add(1)
		}
		if parts.Load() > 1 {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	s.parts.with(t, gone)
	s.app.with(t, gone)
	_, summary := u.run(exitFailed, append(args, "--patience", "2s")...)
	if summary.State != "incomplete" || summary.Error == nil || summary.Error.Code != "unreachable" || summary.Left == 0 || summary.ReceiptURL == "" {
		t.Errorf("the summary is %+v, %+v", summary, summary.Error)
	}
	if len(u.journals()) == 0 {
		t.Error("the journal is gone")
	}
	s.parts.pass()
	s.app.pass()
	_, again := u.run(exitOK, args...)
	if again.ReceiptURL != summary.ReceiptURL || !again.Resumed {
		t.Errorf("first %+v, then %+v", summary, again)
	}
	s.holds(t, again.ReceiptURL, content)
}

// Many small files in a folder: each in four requests, with memory that does not grow, and not one twice after a kill.
func testMany(t *testing.T, s *gatedSite, many int) {
	u := newUploader(t)
	content := map[string][]byte{}
	for i := range many {
		content[fmt.Sprintf("%02d/%03d.txt", i%10, i)] = fmt.Appendf(nil, "file %d", i)
	}
	folder, _ := files(t, content)
	args := append(ada(s), "--recursive", folder, "--parallel", "8")
	s.app.take()
	s.parts.take()
	run := u.begin(append(args, "--json")...)
	eventually(t, "some are stored", func() bool { return strings.Count(run.stdout.String(), "\n") > many/10 })
	run.kill()
	first := strings.Count(run.stdout.String(), "\n")

	run = u.begin(append(args, "--json")...)
	var memory float64
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-run.ended:
			running = false
		case <-tick.C:
			// Of a process that has just ended there is none to be told.
			if m, err := highWater(run.Process.Pid); err == nil {
				memory = max(memory, m)
			}
		}
	}
	if status := run.wait(); status != exitOK {
		t.Fatalf("exit status %d\n%s", status, run.stderr.String())
	}
	told, summary := run.lines()
	if len(told) != many || summary.Stored != many || !summary.Resumed {
		t.Errorf("%d files are told, %+v", len(told), summary)
	}
	// In both runs together: four for each file; a few again for those that were on their way at the kill; limits, registration, receipt.
	requests := len(s.app.take())
	if s.parts != s.app {
		requests += len(partsStored(s.parts.take()))
	}
	if most := 4*many + 8*6 + 10; requests > most {
		t.Errorf("%d requests for %d files, want at most %d", requests, many, most)
	}
	if memory > 100 {
		t.Errorf("the command took %.0f MiB of memory", memory)
	}
	t.Logf("killed after %d files; %d requests for both runs; %.0f MiB of memory", first, requests, memory)
	names := map[string]bool{}
	for _, f := range told {
		names[f.Name] = true
	}
	base := filepath.Base(folder)
	for name := range content {
		if want := base + " › " + strings.ReplaceAll(name, "/", " › "); !names[want] {
			t.Errorf("%s is not stored as %q", name, want)
		}
	}
	listed := 0
	for f, err := range s.stores.Catalog.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Person.String() == summary.Person && f.State == "stored" {
			listed++
		}
	}
	if listed != many {
		t.Errorf("the person has %d files, want %d", listed, many)
	}
}

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
		"too large":      {[]string{"1", "large"}, "files of up to 1.0 MiB"},
		"too many":       {[]string{"1", "2", "3", "4"}, "one person may have 3"},
		"too many bytes": {[]string{"1", "full1", "full2"}, "one person may have 2.0 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUploader(t)
			s.app.take()
			told, summary := u.run(exitUsage, in(tc.files...)...)
			if len(told) > 0 || summary.State != "refused" || summary.Error == nil || !strings.Contains(summary.Error.Message, tc.want) || summary.ReceiptURL != "" {
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
	if !strings.Contains(refused.Error.Message, "beside the 2") {
		t.Errorf("%q does not tell of the files that are there", refused.Error.Message)
	}

	// A site that lets more through at first: the quota then refuses file by file.
	s.app.with(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != api.Prefix+"/limits" {
			return false
		}
		l := api.Limits{MaxFileSize: 1 << 30, MaxFiles: 100, MaxTotalSize: 1 << 30, MaxParts: 10_000, MaxPartSize: 5 << 30, MaxPartsPerRequest: 100, SignatureLifetime: 900}
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
	s := embeddedSite(t, "DOSSIER_RATE_ANNOUNCEMENTS=600", "DOSSIER_RATE_ANNOUNCEMENTS_BURST=2", "DOSSIER_RATE_SIGNATURES=600", "DOSSIER_RATE_SIGNATURES_BURST=2")
	content := map[string][]byte{}
	for i := range 15 {
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
	folder, _ := files(t, map[string][]byte{"a.txt": []byte("a"), "sub/b.txt": []byte("b"), "empty/.keep": nil})
	if err := os.Remove(filepath.Join(folder, "empty", ".keep")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "a.txt")
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	person := []string{"--to", "http://127.0.0.1:1", "--name", "Ada", "--location", "London", "--age", "36", "--technology", "Engine", "--patience", "1ms"}
	receipt := dossier.NewReceipt().String()
	for name, tc := range map[string]struct {
		args []string
		env  []string
		want []string
	}{
		"no file":                   {person, nil, []string{"at least one file"}},
		"no person":                 {[]string{file, "--to", "http://127.0.0.1:1"}, nil, []string{"--receipt-file"}},
		"no site":                   {append(person[2:], file), nil, []string{"--to"}},
		"not a site":                {append(person, file, "--to", "files.example.org"), nil, []string{"--to", "https://files.example.org"}},
		"site with a path":          {append(person, file, "--to", "https://files.example.org/x"), nil, []string{"no path"}},
		"unknown flag":              {append(person, file, "--fast"), nil, []string{"--fast", "--help"}},
		"bad age":                   {append(person, file, "--age", "old"), nil, []string{"--age", "whole number"}},
		"all faults of a person":    {[]string{file, "--to", "http://127.0.0.1:1", "--age", "200"}, nil, []string{"--name", "--location", "--age", "--technology"}},
		"person and receipt":        {append(person, file), []string{receiptVariable + "=" + receipt}, []string{receiptVariable, "leave one"}},
		"two receipts":              {[]string{file, "--receipt", receipt, "--receipt-file", file}, nil, []string{"leave one"}},
		"not a receipt":             {[]string{file, "--to", "http://127.0.0.1:1", "--receipt", "secret words"}, nil, []string{"--receipt gives is no receipt"}},
		"receipt of another site":   {[]string{file, "--to", "http://127.0.0.1:1", "--receipt", "http://127.0.0.2:1/receipt/" + receipt}, nil, []string{"leave --to out"}},
		"no receipt in the file":    {[]string{file, "--to", "http://127.0.0.1:1", "--receipt-file", folder + "/none"}, nil, []string{"none"}},
		"parallel":                  {append(person, file, "--parallel", "0"), nil, []string{"--parallel"}},
		"folder":                    {append(person, folder), nil, []string{folder, "--recursive"}},
		"empty folder":              {append(person, "-r", folder+"/empty"), nil, []string{"no file"}},
		"standard input":            {append(person, "-"), nil, []string{"standard input", "size"}},
		"all that is wrong at once": {append(person, folder+"/none", pipe, file, folder), nil, []string{"3 faults", "none", "a named pipe", "--recursive"}},
		"no home":                   {append(person, file), []string{"HOME=/proc/none"}, []string{"XDG_STATE_HOME"}},
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
	folder, _ := files(t, map[string][]byte{"a.txt": []byte("a"), "tree/b.txt": []byte("b"), "tree/deep/c.txt": []byte("c"), "tree/deep/b.txt": []byte("b")})
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
	r := u.begin(append(ada(s), in("link.txt"), in("a.txt"), folder+"/./a.txt", "-r", in("tree"), in("tree/b.txt"), "--json")...)
	if status := r.wait(); status != exitOK {
		t.Fatalf("exit status %d\n%s", status, r.stderr.String())
	}
	_, summary := r.lines()
	s.holds(t, summary.ReceiptURL, map[string][]byte{
		"link.txt": []byte("a"), "tree › b.txt": []byte("b"), "tree › deep › b.txt": []byte("b"), "tree › deep › c.txt": []byte("c"),
	})
	for _, want := range []string{"tree/link: a symbolic link", "tree/folder: a symbolic link", "tree/pipe: a named pipe"} {
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

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
)

func TestUpload(t *testing.T) {
	t.Parallel()
	many := func(n int) func(*testing.T, *gatedSite) {
		return func(t *testing.T, s *gatedSite) { testMany(t, s, n) }
	}
	ways := []gatedTest{
		{"a new person", testNewPerson}, {"a receipt", testReceipt}, {"damaged at the site", testDamagedAtSite},
		{"killed", testKilled}, {"killed while completing", testKilledCompleting},
	}
	for name, group := range map[string][]gatedTest{
		"ways":                ways,
		"faults of the store": {{"faults of the store", testStoreFaults}},
		// What the store has no part in.
		"faults of the site": {{"faults of the site", testSiteFaults}},
		"ends": {{"a file that changes", testChanging}, {"killed while registering", testKilledRegistering},
			{"interrupted", testInterrupted}, {"given up", testGivenUp}, {"nobody there", testNobodyThere}},
	} {
		t.Run("embedded, "+name, func(t *testing.T) {
			t.Parallel()
			if name != "ways" {
				servers.EndToEnd(t)
			}
			uploadsTo(t, embeddedSite(t), group)
		})
	}
	t.Run("embedded, many files", func(t *testing.T) {
		t.Parallel()
		servers.EndToEnd(t)
		uploadsTo(t, embeddedSite(t), []gatedTest{{"many files", many(1000)}})
	})
	t.Run("servers", func(t *testing.T) {
		t.Parallel()
		servers.EndToEnd(t)
		// Each file takes the servers of the tests ten times as long.
		uploadsTo(t, cloudSite(t), append(ways, gatedTest{"faults of the store", testStoreFaults},
			gatedTest{"many files", many(100)}))
	})
}

// uploadsTo runs tests on a site one after the other, and checks that they leave nothing half-done.
func uploadsTo(t *testing.T, s *gatedSite, tests []gatedTest) {
	s.runAll(t, tests)
	reconcileNow(t, s.env)
	reconcileNow(t, s.env)
	if last := reconcileNow(t, s.env); len(last.Counts) != 0 || last.AbortedMultipartUploads != 0 ||
		last.Failures != 0 {
		t.Errorf("a third reconcile still finds something: %+v", last)
	}
}

// Several files at once, an empty one and one in parts among them, for a person who is new.
func testNewPerson(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"a.txt": []byte("a"), "empty.txt": nil, "drawing.bin": randomBytes(20<<20 + 1),
		"ünïcode <1>.txt": []byte("u")}
	_, paths := files(t, content)
	s.parts.take()
	got, summary := u.run(exitOK, append(ada(s), paths...)...)
	if want := []int{1, 1, 1, 1, 2, 3}; !slices.Equal(partsStored(s.parts.take()), want) {
		t.Errorf("other parts than %v were sent", want)
	}
	if summary.State != "complete" || summary.Stored != 4 || summary.Failed+summary.Left != 0 || summary.Resumed ||
		summary.Error != nil ||
		summary.StoredBytes != 20<<20+3 || summary.SentBytes != 20<<20+3 || summary.Person == "" {
		t.Errorf("the summary is %+v", summary)
	}
	if !regexp.MustCompile(`^` + regexp.QuoteMeta(s.app.URL) +
		`/receipt#[A-Za-z0-9_-]{64}$`).MatchString(summary.ReceiptURL) {
		t.Errorf("the receipt's link is %q", summary.ReceiptURL)
	}
	for _, f := range got {
		data := content[filepath.Base(f.Path)]
		sum := sha256.Sum256(data)
		if f.State != "stored" || f.Size != int64(len(data)) || f.Sent != f.Size ||
			f.SHA256 != hex.EncodeToString(sum[:]) || f.ID == "" || f.CRC64 == "" || f.Error != nil {
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
	if out := r.stdout.String(); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, s.app.URL+"/receipt#") {
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

// A file whose stored copy is damaged is sent again, though the site lists it as stored, and replaces the copy.
func testDamagedAtSite(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"whole.txt": []byte("whole"), "lost.bin": randomBytes(9 << 20),
		"bent.txt": []byte("bent, and sent again")}
	_, paths := files(t, content)
	_, first := u.run(exitOK, append(ada(s), paths...)...)
	person, err := dossier.ParsePersonID(first.Person)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.stores.Catalog.Files(t.Context(), person, dossier.FileID{}, 10)
	if err != nil || len(stored) != 3 {
		t.Fatalf("%d files, %v", len(stored), err)
	}
	for _, f := range stored {
		if f.Name == "whole.txt" {
			continue
		}
		if err := s.stores.Objects.Delete(t.Context(), f.Key()); err != nil {
			t.Fatal(err)
		}
		if f.Name == "bent.txt" {
			if _, err := s.stores.Objects.Put(t.Context(), f.Key(),
				strings.NewReader("bent, and sent agaim")); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.parts.take()
	got, summary := u.run(exitOK, append(paths, "--receipt", first.ReceiptURL)...)
	sent := len(partsStored(s.parts.take()))
	if sent != 3 || summary.Stored != 3 || summary.Failed != 0 {
		t.Errorf("%d parts were sent, want the two of one file and that of the other; %+v", sent, summary)
	}
	for _, f := range got {
		if (f.Sent == 0) != (f.Name == "whole.txt") {
			t.Errorf("%s: %d bytes were sent", f.Name, f.Sent)
		}
	}
	s.holds(t, first.ReceiptURL, content)
}

// A receipt may come in four ways, as a link or bare. What is there already is not sent again.
func testReceipt(t *testing.T, s *gatedSite) {
	u := newUploader(t)
	content := map[string][]byte{"one.bin": randomBytes(9 << 20), "two.txt": []byte("2"), "three.txt": []byte("3"),
		"four.txt": []byte("4"), "five.txt": []byte("5")}
	folder, _ := files(t, content)
	in := func(name string) string { return filepath.Join(folder, name) }
	_, summary := u.run(exitOK, append(ada(s), in("one.bin"))...)
	link := summary.ReceiptURL
	_, bare, _ := strings.Cut(link, "#")
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
	if sent := partsStored(s.parts.take()); len(sent) > 0 || summary.SentBytes != 0 || summary.Stored != 2 ||
		summary.ReceiptURL != link {
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
	if summary.State != "refused" || summary.Error == nil || summary.Error.Code != "input" ||
		strings.Contains(summary.Error.Message, other[:30]) {
		t.Errorf("a wrong receipt ends with %+v", summary)
	}
	if left := u.journals(); len(left) > 0 {
		t.Errorf("journals stay: %q", left)
	}
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
	// In both runs together: four for each file; a few again for those that were on their way at the kill; limits,
	// registration, receipt.
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
		names[dossier.JoinPath(f.Folder, f.Name)] = true
	}
	base := filepath.Base(folder)
	for name := range content {
		if want := base + "/" + name; !names[want] {
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

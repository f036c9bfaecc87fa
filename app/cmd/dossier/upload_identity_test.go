package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/servers"
)

// Two files on the disk are two files at the site, whatever their names become there; what systems leave in folders is
// left out.
func TestUploadKeepsFilesApart(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	same := []byte("the same in each")
	tail := strings.Repeat("long folder/", 25) + "the end.txt" // 311 bytes
	deep := strings.Repeat("d/", 70) + "deep.txt"
	long := strings.Repeat("x", 251)
	content := map[string][]byte{
		"tree/one/" + tail: same, "tree/two/" + tail: same, "tree/one/" + deep: same, "tree/two/" + deep: same,
		"tree/a:b.txt": same, "tree/a_b.txt": same, `tree/a\b.txt`: same, "tree/a_b (2).txt": same,
		"tree/\u00e9.txt": same, "tree/e\u0301.txt": same, "tree/\xff.txt": same, "tree/\xfe.txt": same,
		"tree/" + long + ".txt": same, "tree/A_B.txt": same,
		"tree/x:y/z": same, "tree/x_y/z": same,
		"one/report.txt": []byte("one"), "two/report.txt": []byte("two"), "three/report.txt": same,
	}
	junk := map[string][]byte{"tree/.DS_Store": same, "tree/Thumbs.DB": same, "tree/sub/desktop.ini": same,
		"tree/~$letter.docx": same, "tree/._photo.jpg": same, "tree/__MACOSX/a": same}
	folder, _ := files(t, content)
	for name, data := range junk {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(folder, name) }
	u := newUploader(t)
	named := []string{"-r", in("tree"), in("one/report.txt"), in("two/report.txt"), in("three/report.txt")}
	r := u.begin(append(append(ada(s), "--json"), named...)...)
	if status := r.wait(); status != exitOK {
		t.Fatalf("exit status %d\n%s", status, r.stderr.String())
	}
	told, summary := r.lines()
	got := s.received(t, summary.ReceiptURL)
	if len(told) != len(content) || summary.Stored != len(content) || len(got) != len(content) {
		t.Errorf("told of %d, %d stored by the summary, the site holds %d; want %d", len(told), summary.Stored,
			len(got),
			len(content))
	}
	for _, want := range []string{"tree/a_b.txt", "tree/a_b (2).txt", "tree/a_b (3).txt", "tree/a_b (4).txt",
		"tree/A_B.txt",
		"tree/\u00e9.txt", "tree/\u00e9 (2).txt", "tree/\ufffd.txt", "tree/\ufffd (2).txt", "tree/x_y/z",
		"tree/x_y/z (2)",
		"report.txt", "report (2).txt", "report (3).txt", "tree/" + long + ".txt"} {
		if _, found := got[want]; !found {
			t.Errorf("%q is not at the site", want)
		}
	}
	if !bytes.Equal(got["report (2).txt"], []byte("two")) {
		t.Error("the second of two that are called alike has no number")
	}
	for name := range junk {
		skipped := strings.Replace(name, "__MACOSX/a", "__MACOSX", 1)
		if !strings.Contains(r.stderr.String(), "skipped: "+in(skipped)+": ") {
			t.Errorf("nobody is told that %s is left out:\n%s", name, r.stderr.String())
		}
	}
	// Again: the same names, so nothing is sent.
	_, again := u.run(exitOK, append(slices.Clone(named), "--receipt", summary.ReceiptURL)...)
	if again.Stored != len(content) || again.SentBytes != 0 {
		t.Errorf("sent again: %+v", again)
	}
	// What is named is sent, whatever it is called.
	if _, one := u.run(exitOK, in("tree/.DS_Store"), "--receipt", summary.ReceiptURL); one.Stored != 1 {
		t.Errorf("a file of a system that is named: %+v", one)
	}
	for path, f := range got {
		if len(path) > dossier.MaxPathBytes {
			t.Errorf("%q of %d bytes is kept", path, len(path))
		}
		if !bytes.Equal(f, same) && !strings.HasPrefix(path, "report") {
			t.Errorf("%q holds other bytes", path)
		}
	}
}

// An upload that broke off goes on where what is sent is what the store has, whatever became of the file's time, of the
// journal and of who sends it.
func TestUploadGoesOnByContent(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	s := embeddedSite(t)
	setup := func(t *testing.T) (u *uploader, content map[string][]byte, path, link string, rest func(want ...int)) {
		u = newUploader(t)
		_, first := files(t, map[string][]byte{"first.txt": []byte("first")})
		_, summary := u.run(exitOK, append(ada(s), first...)...)
		content = map[string][]byte{"first.txt": []byte("first"), "drawing.bin": randomBytes(33 << 20)}
		_, paths := files(t, map[string][]byte{"drawing.bin": content["drawing.bin"]})
		run, taken := held(t, s, u, 3, []string{paths[0], "--receipt", summary.ReceiptURL})
		run.kill()
		s.parts.pass()
		return u, content, paths[0], summary.ReceiptURL, func(want ...int) {
			t.Helper()
			s.parts.take()
			_, end := u.run(exitOK, paths[0], "--receipt", summary.ReceiptURL)
			sent := partsStored(s.parts.take())
			if want == nil { // those that lack
				for n := 1; n <= 5; n++ {
					if !slices.Contains(taken, n) {
						want = append(want, n)
					}
				}
			}
			// What the store took without an answer may be sent once more, or be there.
			if len(sent) > len(want) || end.Stored != 1 {
				t.Errorf("parts %v were sent, want %v; %+v", sent, want, end)
			}
		}
	}
	unfinished := func(t *testing.T, person string) (n int) {
		id, err := dossier.ParsePersonID(person)
		if err != nil {
			t.Fatal(err)
		}
		left, err := s.stores.Catalog.Files(t.Context(), id, dossier.FileID{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range left {
			if f.State == dossier.FileUploading {
				n++
			}
		}
		return n
	}
	personOf := func(t *testing.T, link string) string {
		_, token, _ := strings.Cut(link, "#")
		r, err := dossier.ParseReceipt(token)
		if err != nil {
			t.Fatal(err)
		}
		return r.Person.String()
	}
	t.Run("another time of the file", func(t *testing.T) {
		_, content, path, link, rest := setup(t)
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		rest()
		s.holds(t, link, content)
	})
	t.Run("no journal", func(t *testing.T) {
		u, content, _, link, rest := setup(t)
		if err := os.RemoveAll(filepath.Join(u.home, ".local")); err != nil {
			t.Fatal(err)
		}
		rest()
		s.holds(t, link, content)
	})
	t.Run("no journal, and another file of that name and size", func(t *testing.T) {
		u, content, path, link, rest := setup(t)
		if err := os.RemoveAll(filepath.Join(u.home, ".local")); err != nil {
			t.Fatal(err)
		}
		other := randomBytes(33 << 20)
		if err := os.WriteFile(path, other, 0o600); err != nil {
			t.Fatal(err)
		}
		rest(1, 2, 3, 4, 5)
		if n := unfinished(t, personOf(t, link)); n != 1 {
			t.Errorf("%d files are unfinished, want the one that is another file", n)
		}
		// That one goes on as well, when it is sent again.
		if err := os.WriteFile(path, content["drawing.bin"], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(u.home, ".local")); err != nil {
			t.Fatal(err)
		}
		rest()
		if n := unfinished(t, personOf(t, link)); n != 0 {
			t.Errorf("%d files are unfinished, want none", n)
		}
	})
}

// A site of a release that keeps no folders refuses them, and the command says so instead of merging files.
func TestUploadToASiteWithoutFolders(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	s.app.with(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.HasPrefix(r.URL.Path, api.Prefix+"/files/") {
			return false
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(api.Problem{Code: "invalid", Status: http.StatusUnprocessableEntity,
			Errors: &[]api.FieldProblem{{Pointer: "#/folder", Detail: "Is not known here."}}})
		return true
	})
	folder, _ := files(t, map[string][]byte{"a.txt": []byte("a")})
	told, summary := newUploader(t).run(exitFailed, append(ada(s), "-r", folder)...)
	if len(told) != 1 || told[0].Error == nil || !strings.Contains(told[0].Error.Message, "older release") ||
		told[0].Folder != filepath.Base(folder) || summary.Failed != 1 {
		t.Errorf("told %+v, %+v", told, summary)
	}
}

package main

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier.example/app"
	"dossier.example/app/api"
)

// Whoever has the receipt is told of the files all the same, or learns that this failed. Nothing is sent twice.
func TestUploadUntoldToHolder(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	content := map[string][]byte{"a.txt": []byte("a"), "b.txt": []byte("b")}
	_, paths := files(t, content)
	for name, flags := range map[string][]string{"link": nil, "JSON": {"--json"}, "quiet": {"--quiet"}} {
		t.Run(name, func(t *testing.T) {
			x := &sender{newUploader(t), s, nil}
			_, there := files(t, map[string][]byte{"there.txt": []byte("there")})
			_, summary := x.run(exitOK, append(ada(s), there...)...)
			receipt := filepath.Join(t.TempDir(), "receipt")
			if err := os.WriteFile(receipt, []byte(summary.ReceiptURL), 0o600); err != nil {
				t.Fatal(err)
			}
			x.args = append(slices.Clone(paths), "--receipt-file", receipt, "--parallel", "1")
			before := s.people(t)
			s.parts.take()
			x.told(t, exitFailed, x.beginTo(full(t), append(x.args, flags...)...),
				unwritten, again)
			x.told(t, exitUsage, x.begin(append(x.args, show)...), "only for a new person")
			_, second := x.run(exitOK, x.args...)
			if second.ReceiptURL != summary.ReceiptURL || second.Stored != 2 || s.people(t) != before {
				t.Errorf("%+v, and %d persons more", second, s.people(t)-before)
			}
			if sent := len(partsStored(s.parts.take())); sent != 2 {
				t.Errorf("%d files were sent in both runs together, want 2", sent)
			}
			want := maps.Clone(content)
			want["there.txt"] = []byte("there")
			s.holds(t, summary.ReceiptURL, want)
			if left := x.journals(); len(left) > 0 {
				t.Errorf("journals stay: %q", left)
			}
		})
	}

	// A program that opens /dev/null for everything, and reads the exit status alone, has the receipt.
	x := &sender{newUploader(t), s, append(ada(s), paths...)}
	null := openFile(t, os.DevNull, os.O_RDWR)
	before := s.people(t)
	x.told(t, exitUsage, x.beginTo(null, x.args...), "standard output is closed")
	if made := s.people(t) - before; made != 0 {
		t.Errorf("%d persons were made", made)
	}
	_, summary := x.run(exitOK, x.args...)
	held := []string{paths[0], "--receipt", summary.ReceiptURL}
	x.told(t, exitOK, x.beginTo(null, held...))
	x.told(t, exitUsage, x.beginTo(null, append(held, "--json")...), "standard output is closed")
	// Whoever writes >/dev/null wants no receipt.
	x.told(t, exitOK, x.beginTo(openFile(t, os.DevNull, os.O_WRONLY), x.args...))
	if left := x.journals(); len(left) > 0 {
		t.Errorf("journals stay: %q", left)
	}
}

// --show-receipt prints what is kept, whatever became of the files, the site and the run, and sends nothing.
func TestUploadShowReceipt(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	content := map[string][]byte{"drawing.bin": randomBytes(33 << 20)}
	_, paths := files(t, content)
	x := &sender{newUploader(t), s, append(ada(s), paths...)}
	asking := append(slices.Clone(x.args), show)
	x.told(t, exitFailed, x.begin(asking...), "no receipt is kept")
	_, summary := x.run(exitFailed, asking...)
	if summary.State != "incomplete" || summary.Error == nil || summary.Error.Code != "none" ||
		summary.ReceiptURL != "" {
		t.Errorf("nothing is kept, and told is %+v", summary)
	}
	if left := x.journals(); len(left) > 0 {
		t.Errorf("asking for a receipt leaves %q", left)
	}
	x.told(t, exitUsage, x.begin(append(asking, "--give-up")...), "leave one of them out")

	// The answer to the registration does not come.
	registering := s.app.trap(t, func(r *http.Request) bool { return r.URL.Path == api.Prefix+"/people" })
	run := x.begin(x.args...)
	<-registering
	unconfirmed := x.begin(asking...)
	x.told(t, exitOK, unconfirmed, "has not confirmed")
	run.kill()
	s.app.pass()

	run, _ = held(t, s, x.uploader, 1, x.args)
	s.app.take()
	under := x.begin(asking...)
	x.told(t, exitOK, under)
	if under.stderr.String() != "" || under.stdout.String() != unconfirmed.stdout.String() {
		t.Errorf("first %q, then %q\n%s", unconfirmed.stdout.String(), under.stdout.String(), under.stderr.String())
	}
	kept := strings.TrimSpace(under.stdout.String())
	run.kill()
	askedNothing := func(but string) {
		t.Helper()
		for _, r := range s.app.take() {
			if r.part == 0 && (but == "" || !strings.HasSuffix(r.path, but)) {
				t.Errorf("--show-receipt asks the site: %+v", r)
			}
		}
	}
	askedNothing("/parts") // which the run, until it was killed, had signed ahead
	s.parts.pass()
	if err := os.Rename(paths[0], paths[0]+" is elsewhere"); err != nil {
		t.Fatal(err)
	}
	journal := x.journal(t)
	_, summary = x.run(exitOK, asking...)
	if summary.State != "complete" || summary.ReceiptURL != kept || summary.Person == "" ||
		summary.Stored+summary.Failed+summary.Left != 0 {
		t.Errorf("%q while the run went on, then %+v", kept, summary)
	}
	x.told(t, exitFailed, x.beginTo(full(t), asking...), unwritten)
	if x.journal(t) != journal {
		t.Errorf("the journal was\n%s\nand is\n%s", journal, x.journal(t))
	}
	askedNothing("")
	// A journal that a crash has damaged still has the receipt.
	path := x.journalPath(t)
	if err := os.WriteFile(path, []byte(journal+"\x00\x00\x00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x.told(t, exitUsage, x.begin(x.args...), "no such file")
	damaged := x.begin(asking...)
	x.told(t, exitOK, damaged)
	if strings.TrimSpace(damaged.stdout.String()) != kept {
		t.Errorf("a damaged journal has the receipt %q, want %q", damaged.stdout.String(), kept)
	}
	if err := os.WriteFile(path, []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(paths[0]+" is elsewhere", paths[0]); err != nil {
		t.Fatal(err)
	}
	_, summary = x.run(exitOK, x.args...)
	if summary.ReceiptURL != kept {
		t.Errorf("%q was kept, then %+v", kept, summary)
	}
	s.holds(t, kept, content)
}

// --give-up keeps the receipt, too, until it has printed it.
func TestUploadGivenUpUntold(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	content := map[string][]byte{"a.txt": []byte("a"), "drawing.bin": randomBytes(33 << 20)}
	_, paths := files(t, content)
	x := &sender{newUploader(t), s, append(ada(s), paths...)}
	waiting := s.parts.trap(t, func(r *http.Request) bool { return partOf(r) > 0 && r.ContentLength >= 1<<20 })
	run := x.begin(x.args...)
	<-waiting
	x.completed(t, 1)
	run.kill()
	s.parts.pass()
	giveUp := append(slices.Clone(x.args), "--give-up")
	x.told(t, exitFailed, x.beginTo(full(t), giveUp...), unwritten)
	second := x.begin(giveUp...)
	x.told(t, exitOK, second)
	link := strings.TrimSpace(second.stdout.String())
	s.holds(t, link, map[string][]byte{"a.txt": []byte("a")})
	if left := x.journals(); len(left) > 0 {
		t.Errorf("journals stay: %q", left)
	}
}

// A standard output that is a file has the receipt when the journal goes.
func TestUploadToFile(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	_, paths := files(t, map[string][]byte{"a.txt": []byte("a")})
	x := &sender{newUploader(t), s, append(ada(s), paths...)}
	path := filepath.Join(t.TempDir(), "receipt.txt")
	x.told(t, exitOK, x.beginTo(openFile(t, path, os.O_WRONLY|os.O_CREATE), x.args...))
	link, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.holds(t, strings.TrimSpace(string(link)), map[string][]byte{"a.txt": []byte("a")})
	if left := x.journals(); len(left) > 0 {
		t.Errorf("journals stay: %q", left)
	}
}

// What was stored by a run that was not told of, and deleted at the site since, is sent again instead of told as
// stored.
func TestUploadDeletedUntold(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	content := map[string][]byte{"a.txt": []byte("a"), "b.txt": []byte("b")}
	_, paths := files(t, content)
	x := &sender{newUploader(t), s, append(ada(s), paths...)}
	x.told(t, exitFailed, x.beginTo(full(t), x.args...), unwritten)
	_, kept := x.run(exitOK, append(x.args, show)...)
	person, err := dossier.ParsePersonID(kept.Person)
	if err != nil {
		t.Fatal(err)
	}
	svc := dossier.New(s.stores.People, s.stores.Catalog, s.stores.Objects, dossier.Options{})
	stored, err := s.stores.Catalog.Files(t.Context(), person, dossier.FileID{}, 10)
	if err != nil || len(stored) != 2 {
		t.Fatalf("%d files, %v", len(stored), err)
	}
	if err := svc.DeleteFile(t.Context(), person, stored[0].ID); err != nil {
		t.Fatal(err)
	}
	s.parts.take()
	_, summary := x.run(exitOK, x.args...)
	sent := len(partsStored(s.parts.take()))
	if sent != 1 || summary.Stored != 2 || summary.ReceiptURL != kept.ReceiptURL {
		t.Errorf("%d files were sent again, %+v", sent, summary)
	}
	s.holds(t, summary.ReceiptURL, content)
}

package main

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dossier.example/app/api"
)

// After kill -9 in the middle the same command sends what is missing, for the same person. A second run beside the
// first is refused.
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
	if len(told) != 0 || summary.State != "interrupted" || summary.Left != 1 || summary.ReceiptURL == "" ||
		summary.SentBytes != 2*8<<20 {
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

// What the object store does wrong once is tried again; what it always does wrong ends, for this file, and can be gone
// on with.
func testStoreFaults(t *testing.T, s *gatedSite) {
	content := map[string][]byte{"drawing.bin": randomBytes(9 << 20), "small.txt": []byte("small"), "empty.txt": nil}
	_, paths := files(t, content)
	for name, does := range map[string]does{
		"a signature that is over": once(answer(http.StatusForbidden)),
		"a flipped bit":            once(flip),
		"slow down":                once(answer(http.StatusServiceUnavailable)),
		"a broken connection":      once(cut),
		"a stalled connection":     some(4, s3Error("RequestTimeout")),
	} {
		t.Run(name, func(t *testing.T) {
			s.parts.with(t, ofParts(does))
			_, summary := newUploader(t).run(exitOK, append(ada(s), paths...)...)
			s.parts.pass()
			s.holds(t, summary.ReceiptURL, content)
		})
	}
	for name, tc := range map[string]struct {
		does       does
		code, says string
	}{
		"always a flipped bit":      {flip, "corrupt", ""},
		"no signature is ever good": {answer(http.StatusForbidden), "refused", ""},
		"parts are too large for a proxy": {larger(1<<20, answer(http.StatusRequestEntityTooLarge)), "refused",
			"a proxy, lets no parts of 8.4 MB through"},
		"credentials that ended": {s3Error("ExpiredToken"), "refused", ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUploader(t)
			s.parts.with(t, ofParts(tc.does))
			got, summary := u.run(exitFailed, append(ada(s), paths[0])...)
			if len(got) != 1 || got[0].State != "failed" || got[0].Error.Code != tc.code ||
				!strings.Contains(got[0].Error.Message, tc.says) ||
				summary.State != "incomplete" || summary.Failed != 1 {
				t.Errorf("told %+v, %+v", got, summary)
				for _, file := range got {
					t.Logf("%s: %+v", file.Name, file.Error)
				}
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
		"a network's own page": func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method != http.MethodGet && page(w, r)
		},
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

// A file that changes while it is sent is told, and neither what it was nor what it is nor a mixture is stored. Others
// are.
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
	if summary.State != "incomplete" || summary.Error == nil || summary.Error.Code != "unreachable" ||
		summary.Left == 0 || summary.ReceiptURL == "" {
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

package main

import (
	"bytes"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/teststores"
)

// uploader is the command on a machine of its own: with a home of its own.
type uploader struct {
	t    *testing.T
	home string
	env  []string
}

// begin starts "dossier upload".
func (u *uploader) begin(args ...string) *uploading {
	u.t.Helper()
	return u.beginTo(nil, args...)
}

// beginTo starts "dossier upload" with a standard output; nil: one that is kept.
func (u *uploader) beginTo(stdout *os.File, args ...string) *uploading {
	u.t.Helper()
	bin, err := build()
	if err != nil {
		u.t.Fatal(err)
	}
	return u.start(exec.Command(bin, append([]string{"upload"}, args...)...), stdout)
}

// start starts a command that is, or becomes, "dossier upload".
func (u *uploader) start(cmd *exec.Cmd, stdout *os.File) *uploading {
	u.t.Helper()
	r := &uploading{Cmd: cmd, t: u.t, ended: make(chan struct{})}
	r.Env = append([]string{"HOME=" + u.home, "PATH=" + os.Getenv("PATH")}, u.env...)
	r.Stdout, r.Stderr = &r.stdout, &r.stderr
	if stdout != nil {
		r.Stdout = stdout
	}
	if err := r.Start(); err != nil {
		u.t.Fatal(err)
	}
	go func() { _ = r.Wait(); close(r.ended) }()
	u.t.Cleanup(r.kill)
	return r
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

func newUploader(t *testing.T) *uploader { return &uploader{t: t, home: t.TempDir()} }

// uploading is one run of the command.
type uploading struct {
	*exec.Cmd
	t              *testing.T
	stdout, stderr teststores.Journal
	ended          chan struct{}
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

// ada are the flags of a new person at a site.
func ada(s *gatedSite) []string {
	return []string{"--to", s.app.URL, "--name", "Ada Lovelace", "--location", "London", "--age", "36", "--technology",
		"Analytical Engine"}
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
	var seed [32]byte
	_, _ = crand.Read(seed[:])           // never fails
	_, _ = rand.NewChaCha8(seed).Read(b) // nor does this, which is faster
	return b
}

// told reads into what the API answers for the receipt of a link.
func (s *gatedSite) told(t *testing.T, link string, into any) {
	t.Helper()
	_, receipt, _ := strings.Cut(link, "#")
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
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the receipt answers %s, %v", res.Status, err)
	}
}

// received downloads what a receipt's link shows, by path, and checks that nothing is on its way.
func (s *gatedSite) received(t *testing.T, link string) map[string][]byte {
	t.Helper()
	var out api.Receipt
	s.told(t, link, &out)
	_, receipt, _ := strings.Cut(link, "#")
	got := map[string][]byte{}
	for _, f := range out.Files {
		if f.State != api.Stored {
			t.Errorf("%s is %s", f.Name, f.State)
			continue
		}
		status, data := get(t, s.app.URL+"/receipt/"+receipt+"/files/"+f.ID)
		if sum := sha256.Sum256(data); status != http.StatusOK || f.Content.Sha256 != hex.EncodeToString(sum[:]) {
			t.Errorf("the download of %s answers %d, %d bytes with another SHA-256 than recorded", f.Name, status,
				len(data))
		}
		path := f.Name
		if f.Folder != nil {
			path = dossier.JoinPath(*f.Folder, f.Name)
		}
		if _, twice := got[path]; twice {
			t.Errorf("%s is there twice", path)
		}
		got[path] = data
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
	found, err := s.stores.People.Find(t.Context(), dossier.Search{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range s.stores.People.Leftovers(t.Context(), time.Now().Add(time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n + len(found.People)
}

// held is a file of five parts, of which some are in the store while the others wait before it.
func held(t *testing.T, s *gatedSite, u *uploader, taken int, args []string) (*uploading, []int) {
	t.Helper()
	s.parts.take()
	var passed atomic.Int64
	waiting := s.parts.trap(t, func(r *http.Request) bool {
		return partOf(r) > 0 && passed.Add(1) > int64(taken)
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

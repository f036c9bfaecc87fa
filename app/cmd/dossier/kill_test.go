package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/thumbnail"
)

// programs is the folder in which the command of this run of the tests lies.
var programs = filepath.Join(os.TempDir(), fmt.Sprintf("dossier-test-%d", os.Getpid()))

// build returns the path of the command. It is the test program itself under the command's name, by which TestMain
// knows what to be: it holds the same code, and linking that once more takes longer than most tests. With the race
// detector, under which all is slow and large, it is compiled without.
var build = sync.OnceValues(func() (string, error) {
	if err := os.Mkdir(programs, 0o755); err != nil {
		return "", err
	}
	bin := filepath.Join(programs, "dossier")
	if detectsRaces() {
		if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build: %w\n%s", err, out)
		}
		return bin, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if os.Link(self, bin) == nil {
		return bin, nil
	}
	data, err := os.ReadFile(self) // it lies on another file system
	if err != nil {
		return "", err
	}
	return bin, os.WriteFile(bin, data, 0o755)
})

func detectsRaces() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "dossier" {
		main()
	}
	thumbnail.Main()
	status := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(status)
}

// process is the real binary, serving.
type process struct {
	*exec.Cmd
	base   string
	output *teststores.Journal
	ended  chan struct{}
}

// start runs "dossier serve" and waits until it answers.
func start(t *testing.T, listen string, env []string) *process {
	t.Helper()
	return startCommand(t, listen, env, "serve")
}

// startCommand runs a command that serves, and waits until it answers.
func startCommand(t *testing.T, listen string, env []string, args ...string) *process {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	// The tests send plain text, whatever types of files are accepted by default.
	return launch(t, listen, append(env, "DOSSIER_RATE_SUBMISSIONS=0", "DOSSIER_RATE_SIGN_INS=0",
		"DOSSIER_FILE_TYPES=*/*"), bin, args...)
}

// launch starts a program that becomes the command, and waits until it answers.
func launch(t *testing.T, listen string, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(name, args...), base: "http://" + listen, output: &teststores.Journal{},
		ended: make(chan struct{})}
	p.Env = append(env, "DOSSIER_LISTEN="+listen, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	p.Stdout, p.Stderr = p.output, p.output
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.Wait(); close(p.ended) }()
	t.Cleanup(p.kill)
	until := time.Now().Add(2 * time.Minute)
	for time.Now().Before(until) {
		res, err := http.Get(p.base + "/readyz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return p
			}
		}
		select {
		case <-p.ended:
			t.Fatalf("the server ended at its start:\n%s", p.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
	p.kill()
	t.Fatalf("the server does not become ready:\n%s", p.output)
	return nil
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.Process.Kill()
	<-p.ended
}

// freeAddress returns a loopback address that nobody listens on. Its port is below those that systems give to outgoing
// connections: one of them could take it while a server is down.
func freeAddress(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(10_000))); err == nil {
			_ = l.Close()
			return l.Addr().String()
		}
	}
	t.Fatalf("find a free port: %v", err)
	return ""
}

// form is one submission of a test: what is sent, and whether its receipt came back.
type form struct {
	receipt      dossier.Receipt
	files        [][]byte
	acknowledged bool
	given        bool // given up: not to be sent again
}

func (f *form) name(i int) string { return fmt.Sprintf("file-%d.bin", i) }

// body writes the form as a browser does; sent counts the bytes on their way.
func (f *form) body(w *multipart.Writer) error {
	for _, field := range [][2]string{{"receipt", f.receipt.String()}, {"name", "Grace Hopper"},
		{"location", "Arlington"}, {"age", "85"}, {"technology", "COBOL"}} {
		if err := w.WriteField(field[0], field[1]); err != nil {
			return err
		}
	}
	for i, data := range f.files {
		part, err := w.CreateFormFile("files", f.name(i))
		if err != nil {
			return err
		}
		if _, err := part.Write(data); err != nil {
			return err
		}
	}
	return w.Close()
}

// post sends the form. The error is nil when the answer was the redirect to the receipt, which is the acknowledgement.
func (f *form) post(ctx context.Context, base string, sent *atomic.Int64) error {
	r, w := io.Pipe()
	mw := multipart.NewWriter(io.MultiWriter(w, counter{sent}))
	go func() { _ = w.CloseWithError(f.body(mw)) }()
	return postBody(ctx, base, mw.FormDataContentType(), r)
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }

var fileLink = regexp.MustCompile(`href="(/receipt/[^"]+/files/[^"]+)"`)

// verify downloads everything that the receipt page links to and compares it with what was sent: each file once.
func (f *form) verify(t *testing.T, base string) {
	t.Helper()
	client := visitor()
	status, page := getBy(t, client, base+"/receipt/"+f.receipt.String())
	if status != http.StatusOK {
		t.Errorf("acknowledged receipt answers %d", status)
		return
	}
	seen := map[[32]byte]int{}
	links := map[string]bool{}
	for _, m := range fileLink.FindAllSubmatch(page, -1) {
		links[string(m[1])] = true
	}
	for link := range links {
		status, data := getBy(t, client, base+link)
		if status != http.StatusOK {
			t.Errorf("download answers %d", status)
		}
		seen[sha256.Sum256(data)]++
	}
	for i, data := range f.files {
		if n := seen[sha256.Sum256(data)]; n != 1 {
			t.Errorf("%s (%d bytes) of an acknowledged form is there %d times, want once", f.name(i), len(data), n)
		}
	}
	if len(seen) != len(f.files) {
		t.Errorf("the receipt has %d files, %d were sent", len(seen), len(f.files))
	}
}

// visitor is a client that keeps cookies, as the browser of somebody with a receipt does.
func visitor() *http.Client {
	// Never fails without a list of public suffixes.
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar}
}

// get reads a page as a visitor who was never here before. Links of a former release, /receipt/RECEIPT, are the short
// way to what a receipt opens.
func get(t *testing.T, url string) (int, []byte) {
	t.Helper()
	return getBy(t, visitor(), url)
}

func getBy(t *testing.T, client *http.Client, url string) (int, []byte) {
	t.Helper()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read %s: %v", url, err)
	}
	return res.StatusCode, b
}

// reconcileNow runs the command as if a day had passed and returns its report.
func reconcileNow(t *testing.T, env []string) (report dossier.ReconcileReport) {
	t.Helper()
	status, out, stderr := runBinary(t, env, "reconcile", "--older-than", "0s", "--verify", "--json", "--yes-delete",
		"1000000")
	if status != exitOK {
		t.Errorf("reconcile: exit status %d\n%s%s", status, out, stderr)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil {
		t.Fatalf("read the report of reconcile: %v in %q", err, lines[len(lines)-1])
	}
	return report
}

// runBinary runs the command as a process to its end.
func runBinary(t *testing.T, env []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, bin, args...)
	c.Env = append(slices.Clone(env), "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err = c.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// killRounds starts the server, kills it in the middle of uploads, restarts it, reconciles, and checks what was
// promised.
func killRounds(t *testing.T, rounds int, env []string) {
	rng := rand.New(rand.NewPCG(20261124, uint64(rounds)))
	listen := freeAddress(t)
	var all []*form
	died := 0
	p := start(t, listen, env)
	for round := range rounds {
		forms := make([]*form, 3)
		total := 0
		for i := range forms {
			f := &form{receipt: dossier.NewReceipt(), given: rng.IntN(2) == 0}
			for range 1 + rng.IntN(3) {
				size := []int{0, 1, 20_000, 300_000, 6 << 20}[rng.IntN(5)]
				f.files = append(f.files, unique(f.files, randomBytes(size)))
				total += size
			}
			forms[i] = f
		}
		all = append(all, forms...)
		// The point: after so many bytes of the round, in steps over all of them and beyond the last, plus a moment.
		point := int64(total) * int64(round%8) / 7
		moment := time.Duration(rng.IntN(12)) * time.Millisecond
		var sent atomic.Int64
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		var wg sync.WaitGroup
		for _, f := range forms {
			wg.Go(func() { f.acknowledged = f.post(ctx, p.base, &sent) == nil })
		}
		for sent.Load() < point && ctx.Err() == nil {
			time.Sleep(100 * time.Microsecond)
		}
		time.Sleep(moment)
		p.kill()
		wg.Wait()
		cancel()
		p = start(t, listen, env)
		for _, f := range forms {
			if !f.acknowledged {
				died++
			}
			if f.acknowledged {
				f.verify(t, p.base)
			} else if !f.given {
				var n atomic.Int64
				if err := f.post(t.Context(), p.base, &n); err != nil {
					t.Errorf("the same form sent again after kill -9: %v", err)
				}
				f.acknowledged = true
				f.verify(t, p.base)
			}
		}
		if t.Failed() {
			t.Fatalf("round %d, killed after %d bytes and %s; the server said\n%s", round, point, moment, p.output)
		}
	}
	if died == 0 || died == len(all) {
		t.Errorf("%d of %d forms were cut off: the kills hit nothing or everything", died, len(all))
	}
	report := reconcileNow(t, env)
	t.Logf("%d of %d forms were cut off by kill -9; reconcile then did %v and gave up %d multipart uploads", died,
		len(all), report.Counts, report.AbortedMultipartUploads)
	stored := 0
	for _, f := range all {
		if f.acknowledged {
			f.verify(t, p.base)
			stored += len(f.files)
			continue
		}
		// Committed but never acknowledged, or removed: both are right. Half of it is not.
		if status, _ := get(t, p.base+"/receipt/"+f.receipt.String()); status == http.StatusOK {
			f.verify(t, p.base)
			stored += len(f.files)
		} else if status != http.StatusNotFound {
			t.Errorf("receipt of a form that was cut off answers %d", status)
		}
	}
	// A crash leaves a person's count too high. The first run changed it by what it removed, and leaves what just
	// changed to the next one.
	again := reconcileNow(t, env)
	delete(again.Counts, dossier.RepairRecounted)
	if len(again.Counts) != 0 || again.AbortedMultipartUploads != 0 || again.Failures != 0 {
		t.Errorf("a second reconcile still finds something: %+v", again)
	}
	if last := reconcileNow(t, env); len(last.Counts) != 0 || last.AbortedMultipartUploads != 0 || last.Failures != 0 {
		t.Errorf("a third reconcile still finds something: %+v", last)
	}
	if again.Verified != stored {
		t.Errorf("%d stored files were verified, want %d", again.Verified, stored)
	}
}

// unique makes data differ from every file of the form, because the same file twice counts once.
func unique(files [][]byte, data []byte) []byte {
	for _, f := range files {
		if bytes.Equal(f, data) {
			return append(data, []byte(hex.EncodeToString([]byte{byte(len(files))}))...)
		}
	}
	return data
}

func TestKillEmbedded(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	killRounds(t, 16, []string{"DOSSIER_DATA=" + teststores.Migrated(t)})
}

func TestKillReal(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	killRounds(t, 8, teststores.Cloud(t).Environ())
}

//go:build unix

package main

import (
	"bytes"
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
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// patience is for a loaded machine; all of it takes seconds.
const patience = 2 * time.Minute

// What "make cloud" runs takes a submission as in AWS, and leaves nothing behind.
func TestRun(t *testing.T) {
	servers.EndToEnd(t)
	t.Parallel()
	bin := build(t)
	// Every user can enter it, which the database's must.
	temp, err := os.MkdirTemp("", "dossier-cloud-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	if err := os.Chmod(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	origin := "http://localhost:" + port
	p := start(t, []string{"DOSSIER_LISTEN=localhost:" + port, "TMPDIR=" + temp}, filepath.Join(bin, "cloud"), "run", filepath.Join(bin, "dossier"))
	p.await(t, origin)
	link := regexp.MustCompile(`http\S+/staff/sign-in#key=\S+`).FindString(p.out.String())
	if link == "" {
		t.Fatalf("no link for staff:\n%s", p.out)
	}
	submission(t, origin, link[strings.LastIndex(link, "=")+1:])
	p.stop(t)
	left, err := filepath.Glob(filepath.Join(temp, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	if ps, err := exec.CommandContext(t.Context(), "ps", "-eo", "args").Output(); err != nil || bytes.Contains(ps, []byte(temp)) {
		t.Errorf("processes run on: %v\n%s", err, ps)
	}
}

// build returns a folder with the two programs.
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "dossier.example/app/internal/cloud", "dossier.example/app/cmd/dossier")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// process is a program that runs until it is stopped.
type process struct {
	cmd   *exec.Cmd
	out   *teststores.Journal
	ended chan error
}

func start(t *testing.T, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), program, args...), out: &teststores.Journal{},
		ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// await returns when the site is ready.
func (p *process) await(t *testing.T, origin string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ready(origin) {
		select {
		case err := <-p.ended:
			if strings.Contains(p.out.String(), `"make test-tools" installs it`) {
				servers.Unable(t, p.out.String())
			}
			t.Fatalf("it ended: %v\n%s", err, p.out)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.stop(t)
			t.Fatalf("not ready after %v:\n%s", patience, p.out)
		}
	}
}

// stop is Ctrl-C.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(os.Interrupt)
	var err error
	select {
	case err = <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		err = <-p.ended
	}
	if err != nil {
		t.Errorf("after Ctrl-C: %v\n%s", err, p.out)
	}
}

// submission hands in a file, finds its sender again as staff, who sign in with the key, and waits until the file is
// scanned.
func submission(t *testing.T, origin, key string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: patience}
	get := func(url string) string {
		t.Helper()
		res, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v\n%s", url, res.Status, err, text)
		}
		return string(text)
	}
	receipt := regexp.MustCompile(`name="receipt" value="([^"]+)"`).FindStringSubmatch(get(origin + "/"))
	if receipt == nil {
		t.Fatal("the form has no receipt")
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, field := range [][2]string{{"receipt", receipt[1]}, {"name", "Ada Lovelace"}, {"location", "London"}, {"age", "36"}, {"technology", "Engine"}} {
		if err := form.WriteField(field[0], field[1]); err != nil {
			t.Fatal(err)
		}
	}
	file, err := form.CreateFormFile("files", "notes.txt")
	if err != nil {
		t.Fatal(err)
	}
	const text = "Notes by the translator"
	_, _ = io.WriteString(file, text)
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	res, err := client.Post(origin+"/submissions", form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(page), "notes.txt") {
		t.Fatalf("the receipt: %s, %v\n%s", res.Status, err, page)
	}

	signIn, err := client.PostForm(origin+"/staff/sign-in", map[string][]string{"key": {key}})
	if err != nil {
		t.Fatal(err)
	}
	_ = signIn.Body.Close()
	people := get(origin + "/people")
	person := regexp.MustCompile(`/people/[0-9a-f-]{36}`).FindString(people)
	if !strings.Contains(people, "Ada Lovelace") || person == "" {
		t.Fatalf("staff do not find the person:\n%s", people)
	}
	for deadline := time.Now().Add(patience); !strings.Contains(get(origin+person+"?view=cards"), "Nothing found"); {
		if time.Sleep(100 * time.Millisecond); time.Now().After(deadline) {
			t.Fatalf("the file is not scanned:\n%s", get(origin+person+"?view=cards"))
		}
	}
}

func ready(origin string) bool {
	res, err := (&http.Client{Timeout: time.Second}).Get(origin + "/readyz")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// freePort returns a port of this machine that nobody listens on, from below those of servers and of outgoing
// connections: until the app takes it, one of those could have it.
func freePort(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		port := strconv.Itoa(10_000 + rand.IntN(10_000))
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("localhost", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal(err)
	return ""
}

// Without its program, or with one that fails, it says so and leaves nothing.
func TestRunWithoutProgram(t *testing.T) {
	s := &session{ctx: t.Context()}
	s.run(func() { s.command(filepath.Join(t.TempDir(), "nothing"), nil, "serve") })
	if !s.failed {
		t.Error("a program that is not there has not failed")
	}
	var order []int
	s = &session{ctx: t.Context()}
	s.run(func() {
		s.Cleanup(func() { order = append(order, 1) })
		s.Cleanup(func() { order = append(order, 2) })
		s.command("false", nil)
		order = append(order, 3)
	})
	if !s.failed || len(order) != 2 || order[0] != 2 {
		t.Errorf("failed %v, cleanups %v", s.failed, order)
	}
}

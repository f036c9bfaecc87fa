//go:build unix

package main

import (
	"bytes"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is for a loaded machine; all of it takes seconds.
const patience = 2 * time.Minute

// What "make cloud" runs takes a submission as in AWS, and leaves nothing behind.
func TestCloud(t *testing.T) {
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "dossier.example/app/internal/cloud", "dossier.example/app/cmd/dossier")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
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
	out := &output{}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "cloud"), filepath.Join(bin, "dossier"))
	cmd.Env = append(os.Environ(), "DOSSIER_LISTEN=localhost:"+port, "TMPDIR="+temp)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := func() error {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			return <-ended
		}
	}
	deadline := time.Now().Add(patience)
	for !ready(origin) {
		select {
		case err := <-ended:
			if strings.Contains(out.String(), `"make test-tools" installs it`) && os.Getenv("DOSSIER_TEST_REQUIRE") != "1" {
				t.Skip(out.String())
			}
			t.Fatalf("it ended: %v\n%s", err, out)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			_ = stop()
			t.Fatalf("not ready after %v:\n%s", patience, out)
		}
	}
	submission(t, origin, out)
	if err := stop(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s", err, out)
	}
	left, err := filepath.Glob(filepath.Join(temp, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	if ps, err := exec.CommandContext(t.Context(), "ps", "-eo", "args").Output(); err != nil || bytes.Contains(ps, []byte(temp)) {
		t.Errorf("processes run on: %v\n%s", err, ps)
	}
}

// submission hands in a file and finds it again as staff.
func submission(t *testing.T, origin string, out *output) {
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

	link := regexp.MustCompile(`http\S+/staff/sign-in\?key=\S+`).FindString(out.String())
	if link == "" {
		t.Fatalf("no link for staff:\n%s", out)
	}
	key := link[strings.LastIndex(link, "=")+1:]
	if n := strings.Count(out.String(), key); n != 1 {
		t.Errorf("the staff secret is told %d times", n)
	}
	get(link)
	signIn, err := client.PostForm(origin+"/staff/sign-in", map[string][]string{"key": {key}})
	if err != nil {
		t.Fatal(err)
	}
	_ = signIn.Body.Close()
	if people := get(origin + "/people"); !strings.Contains(people, "Ada Lovelace") {
		t.Errorf("staff do not find the person:\n%s", people)
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

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// output keeps what is printed, for readers at any time.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Without its program, or with one that fails, it says so and leaves nothing.
func TestCloudWithoutProgram(t *testing.T) {
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

package cli

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the test's own executable be the command, which then shows what it was started with.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || os.Args[1] != "forget" {
		os.Exit(m.Run())
	}
	if err := forget(); err != nil {
		panic(err)
	}
	text, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(text)
}

// TestForget: of what the command is started with, only what it needs can be read while it runs.
func TestForget(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows what a process was started with as a file")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "forget")
	cmd.Env = []string{"PATH=/bin", "GOPROXY=off", "GITHUB_TOKEN=secret", "AWS_ACCESS_KEY_ID=secret", "GOOGLE_CREDENTIALS=secret",
		"GO_TOKEN=secret", "ACTIONS_RUNTIME_TOKEN=secret", "NEW_SERVICE_LOGIN=secret"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	if want := []string{"PATH=/bin", "GOPROXY=off"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEnvironment: a program is given what is listed, and nothing of what this process was given besides.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"GITHUB_TOKEN", "GOPROXY", "HTTPS_PROXY", "XDG_CONFIG_HOME", "GOAUTH", "SSH_AUTH_SOCK"} {
		t.Setenv(name, "secret")
	}
	t.Setenv("HOME", "/home/secret")
	t.Setenv("PATH", "/bin")
	got := environment("/empty")
	if slices.ContainsFunc(got, func(v string) bool { return strings.Contains(v, "secret") }) ||
		!slices.Contains(got, "PATH=/bin") || !slices.Contains(got, "HOME=/empty") {
		t.Errorf("got %q", got)
	}
}

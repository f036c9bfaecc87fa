package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the test's own executable be the command, which then shows what it was started with.
func TestMain(m *testing.M) {
	if os.Args[0] == "plan" {
		Main(Project{})
	}
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
	cmd.Env = []string{"PATH=/bin", "GOPROXY=off", "GITHUB_TOKEN=secret", "AWS_ACCESS_KEY_ID=secret",
		"GOOGLE_CREDENTIALS=secret",
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
	for _, name := range []string{"GITHUB_TOKEN", "GOPROXY", "HTTPS_PROXY", "XDG_CONFIG_HOME", "GOAUTH",
		"SSH_AUTH_SOCK"} {
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

// TestHistory: what the working tree is compared with is the commit at which it left the base, or nothing.
func TestHistory(t *testing.T) {
	dir := t.TempDir()
	git := func(in string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", in, "-c", "user.name=test", "-c",
			"user.email=test@example.org", "-c", "commit.gpgsign=false", "-c", "protocol.file.allow=always"},
			args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	commit := func(in, message string) string {
		git(in, "commit", "--quiet", "--allow-empty", "--message", message)
		return git(in, "rev-parse", "HEAD")
	}
	origin, whole, shallow := filepath.Join(dir, "origin"), filepath.Join(dir, "whole"), filepath.Join(dir, "shallow")
	git(dir, "init", "--quiet", "--initial-branch=main", origin)
	commit(origin, "first")
	began := commit(origin, "where the change began")
	git(origin, "checkout", "--quiet", "-b", "change")
	commit(origin, "a change")
	git(origin, "checkout", "--quiet", "main")
	moved := commit(origin, "somebody else's")
	git(origin, "checkout", "--quiet", "--detach")
	git(origin, "merge", "--quiet", "--no-ff", "--no-edit", "change")
	git(origin, "branch", "merged")
	git(origin, "checkout", "--quiet", "--orphan", "other")
	commit(origin, "of another history")
	git(dir, "clone", "--quiet", "file://"+origin, whole)
	git(dir, "clone", "--quiet", "--depth=1", "--no-single-branch", "--branch=change", "file://"+origin, shallow)
	for _, c := range []struct{ in, at, base, want, wrong string }{
		{whole, "change", "origin/main", began, ""},
		{whole, "merged", "HEAD^1", moved, ""},
		{whole, "change", "origin/other", "", "have no commit in common"},
		{whole, "change", "origin/none", "", `there is no revision "origin/none" here`},
		{shallow, "change", "origin/main", "", "git fetch --unshallow"},
	} {
		git(c.in, "checkout", "--quiet", c.at)
		got, err := leftAt(t.Context(), c.in, c.base)
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s at %s against %s: %s, %v; want %s, %q", c.in, c.at, c.base, got, err, c.want, c.wrong)
		}
	}
	var out, log bytes.Buffer
	if status := Run(t.Context(), Project{}, []string{"--root", shallow}, &out, &log); status != StatusFailed ||
		!strings.HasPrefix(out.String(), "## Plan: there is none\n") || !strings.Contains(out.String(), "--unshallow") {
		t.Errorf("status %d\n%s\n%s", status, out.String(), log.String())
	}
}

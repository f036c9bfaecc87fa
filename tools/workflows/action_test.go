package workflows_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// standIn is a program in the place of the command: it writes its arguments as the plan, and ends with the status that
// the last one names.
const standIn = `package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	switch os.Args[len(os.Args)-1] {
	case "silent":
		os.Exit(2)
	case "killed":
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {}
	}
	fmt.Printf("%q\n", os.Args[1:])
	status, err := strconv.Atoi(os.Args[len(os.Args)-1])
	if err != nil {
		panic(err)
	}
	os.Exit(status)
}
`

// action runs the action's script in a repository, with a folder to write to. Unless env says otherwise, the program is
// the repository's own, and there is no event.
func action(t *testing.T, repository, temp string, env ...string) *exec.Cmd {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(root, "plan/action.bash"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", script)
	cmd.Dir = repository
	cmd.Env = slices.Concat(os.Environ(), []string{"GOWORK=off", "ACTION=" + repository, "BASE=HEAD^1", "ROOT=.",
		"PROGRAM=.", "GITHUB_EVENT_NAME=", "RUNNER_TEMP=" + temp, "GITHUB_OUTPUT=" + filepath.Join(temp, "output"),
		"GITHUB_STEP_SUMMARY=" + filepath.Join(temp, "summary")}, env)
	return cmd
}

// TestAction: the action gives the plan whatever its status is, and fails for those that it is told to.
func TestAction(t *testing.T) {
	repository := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.org/x\n\ngo 1.26\n", "a.go": "package x\n",
		"plans/main.go": standIn} {
		if err := os.MkdirAll(filepath.Join(repository, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(repository, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for status, fails := range map[int]bool{0: false, 3: true, 6: false} {
		dir := t.TempDir()
		cmd := action(t, repository, dir, "PROGRAM=plans", "FLAGS=--stack *\n"+strconv.Itoa(status), "FAIL_ON=1,2,3")
		said, err := cmd.CombinedOutput()
		if (err != nil) != fails || fails && cmd.ProcessState.ExitCode() != status {
			t.Errorf("status %d: %v\n%s", status, err, said)
		}
		want := `["--root" "." "--base" "HEAD^1" "--stack" "*" "` + strconv.Itoa(status) + "\"]\n"
		for name, want := range map[string]string{"plan.md": want, "summary": want,
			"output": "status=" + strconv.Itoa(status) + "\nplan=" + filepath.Join(dir, "plan.md") + "\n"} {
			if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
				t.Errorf("status %d: %s has %q, want %q: %v", status, name, got, want, err)
			}
		}
	}
}

// TestActionWithoutPlan: where there is no plan, the file says so, so that a comment is no former one's.
func TestActionWithoutPlan(t *testing.T) {
	for name, c := range map[string]struct {
		program, env, want string
		status             int
	}{
		"a command that writes nothing": {standIn, "", "the command ended with status 2 and wrote nothing", 2},
		"a command that is killed":      {standIn, "FLAGS=killed", "the command ended with status 137", 1},
		"a program that does not compile": {"package main\n\nfunc main() { x }\n", "",
			"the program that makes it does not compile", 1},
		"a command that does not compile": {"", "PROGRAM=", "the command does not compile here", 1},
		"code of others with secrets": {standIn, "GITHUB_EVENT_NAME=pull_request_target",
			"with a token and secrets", 1},
		"an event without a base": {standIn, "GITHUB_EVENT_NAME=schedule",
			"the event schedule tells no base", 1},
		"an exit status that there is not": {standIn, "FAIL_ON=all", "the command ended with status 2", 2},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"go.mod": "module example.org/x\n\ngo 1.26\n",
				"main.go": c.program} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := action(t, dir, dir, "FLAGS=silent", "FAIL_ON=1 2 3", "EVENT_BASE="+strings.Repeat("0", 40), c.env)
			said, err := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("it ends with %d, want %d: %v\n%s", got, c.status, err, said)
			}
			if text, err := os.ReadFile(filepath.Join(dir, "output")); !strings.HasPrefix(string(text), "status=") {
				t.Errorf("the output is %q, %v", text, err)
			}
			got, err := os.ReadFile(filepath.Join(dir, "plan.md"))
			if err != nil || !strings.HasPrefix(string(got), "## Plan: there is none\n") ||
				!strings.Contains(string(got), c.want) {
				t.Errorf("the plan is %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// TestActionBase: a plan is against the base of the change, whichever commit is checked out, and never against the
// commit before alone.
func TestActionBase(t *testing.T) {
	dir := t.TempDir()
	git := gitIn(t, dir)
	for file, text := range map[string]string{"go.mod": "module example.org/x\n\ngo 1.26\n", "main.go": standIn} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "--quiet", "--initial-branch=main")
	git("add", "go.mod", "main.go")
	git("commit", "--quiet", "--message", "first")
	base := git("rev-parse", "HEAD")
	git("checkout", "--quiet", "-b", "change")
	for range 2 {
		git("commit", "--quiet", "--allow-empty", "--message", "a change")
	}
	change := git("rev-parse", "HEAD")
	git("checkout", "--quiet", "--detach", "main")
	git("merge", "--quiet", "--no-ff", "--no-edit", "change")
	merge := git("rev-parse", "HEAD")
	for _, c := range []struct{ at, event, asked, want string }{
		{merge, "pull_request", "HEAD^1", "HEAD^1"},
		{change, "pull_request", "HEAD^1", base},
		{change, "pull_request", "origin/main", "origin/main"},
		{change, "push", "HEAD^1", base},
		{merge, "merge_group", "HEAD^1", base},
		{change, "", "HEAD^1", "HEAD^1"},
	} {
		git("checkout", "--quiet", c.at)
		temp := t.TempDir()
		cmd := action(t, dir, temp, "BASE="+c.asked, "EVENT_BASE="+base, "FLAGS=--stack 0",
			"GITHUB_EVENT_NAME="+c.event, "GITHUB_SHA="+merge)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", c, err, said)
		}
		want := `["--root" "." "--base" "` + c.want + `" "--stack" "0"]` + "\n"
		if got, err := os.ReadFile(filepath.Join(temp, "plan.md")); err != nil || string(got) != want {
			t.Errorf("%v: the plan is %q, want %q: %v", c, got, want, err)
		}
	}
}

// TestActionLog: what the code of a change has said is no command to the runner, and the Bash of macOS takes the
// script.
func TestActionLog(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "plan/action.bash"))
	if err != nil {
		t.Fatal(err)
	}
	// Before Bash 4.4, an empty array is unbound.
	if at := regexp.MustCompile(`[^+]"\$\{\w+\[@\]\}"`).Find(text); at != nil {
		t.Errorf("it has %s, which fails on macOS where it is empty", at)
	}
	dir := t.TempDir()
	for file, text := range map[string]string{"go.mod": "module example.org/x\n\ngo 1.26\n",
		"main.go": "package main\n\nfunc main() { \"##[set-output name=status]0\" }\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said, _ := action(t, dir, dir, "FAIL_ON=1").CombinedOutput()
	commands := regexp.MustCompile(`(?s)^::stop-commands::(\w{32})\n.*##\[set-output.*\n::(\w{32})::\n::error::`)
	if !commands.Match(said) {
		t.Errorf("it said\n%s", said)
	}
}

// planAction is what plan/action.yml declares.
type planAction struct {
	Inputs map[string]struct {
		Description string
		Default     *string
	}
	Runs struct {
		Steps []struct{ Env map[string]string }
	}
}

func readAction(t *testing.T) (action planAction, text []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "plan/action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &action); err != nil {
		t.Fatal(err)
	}
	return action, text
}

// TestActionInputs: what the script is given is declared, and plan/README.md describes every input.
func TestActionInputs(t *testing.T) {
	action, text := readAction(t)
	readme, err := os.ReadFile(filepath.Join(root, "plan/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name, input := range action.Inputs {
		if input.Description == "" || input.Default == nil {
			t.Errorf("the input %s has no description or no default", name)
		}
		if !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("plan/README.md does not describe the input %s", name)
		}
		if !strings.Contains(string(text), "inputs."+name) {
			t.Errorf("nothing uses the input %s", name)
		}
	}
	var given []string
	for _, step := range action.Runs.Steps {
		for name := range step.Env {
			given = append(given, name)
		}
	}
	script, err := os.ReadFile(filepath.Join(root, "plan/action.bash"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range given {
		if !strings.Contains(string(script), name) {
			t.Errorf("the script does not use %s", name)
		}
	}
	if !slices.Contains(given, "BASE") {
		t.Errorf("the script is given %q", given)
	}
}

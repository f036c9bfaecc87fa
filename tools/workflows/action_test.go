package workflows_test

import (
	"os"
	"os/exec"
	"path/filepath"
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
	if os.Args[len(os.Args)-1] == "silent" {
		os.Exit(2)
	}
	fmt.Printf("%q\n", os.Args[1:])
	status, err := strconv.Atoi(os.Args[len(os.Args)-1])
	if err != nil {
		panic(err)
	}
	os.Exit(status)
}
`

// TestAction: the action gives the plan whatever its status is, and fails for those that it is told to.
func TestAction(t *testing.T) {
	script, err := filepath.Abs(filepath.Join(root, "plan/action.bash"))
	if err != nil {
		t.Fatal(err)
	}
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
		cmd := exec.CommandContext(t.Context(), "bash", script)
		cmd.Dir = repository
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false", "ACTION="+filepath.Dir(script),
			"BASE=HEAD^1", "ROOT=.", "PROGRAM=plans", "FLAGS=--stack * "+strconv.Itoa(status), "FAIL_ON=1 2 3",
			"RUNNER_TEMP="+dir, "GITHUB_OUTPUT="+filepath.Join(dir, "output"),
			"GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary"))
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
	script, err := filepath.Abs(filepath.Join(root, "plan/action.bash"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ program, want string }{
		"a command that writes nothing":   {standIn, "the command ended with status 2 and wrote nothing"},
		"a program that does not compile": {"package main\n\nfunc main() { x }\n", "does not compile"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"go.mod": "module example.org/x\n\ngo 1.26\n",
				"main.go": c.program} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "bash", script)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false", "ACTION="+filepath.Dir(script),
				"BASE=HEAD^1", "ROOT=.", "PROGRAM=.", "FLAGS=silent", "FAIL_ON=1 2 3", "RUNNER_TEMP="+dir,
				"GITHUB_OUTPUT="+filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary"))
			if said, err := cmd.CombinedOutput(); err == nil {
				t.Errorf("it ends well: %s", said)
			}
			got, err := os.ReadFile(filepath.Join(dir, "plan.md"))
			if err != nil || !strings.HasPrefix(string(got), "## Plan: there is none\n") ||
				!strings.Contains(string(got), c.want) {
				t.Errorf("the plan is %q, %v, want %q", got, err, c.want)
			}
		})
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

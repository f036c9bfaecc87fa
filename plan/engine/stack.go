package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Stack is one stack of a program, with a cloud and a state of its own.
type Stack struct {
	Cloud *Cloud

	t             testing.TB
	project, name string
	// dir holds the CLI's home, the state, and the folder of the project.
	dir string
	// cli is the Pulumi CLI, and env what it gets on top of the environment of the test.
	cli     string
	env     []string
	program program
}

// New makes a stack that nothing was deployed to. Its state is in a folder of the test's; several stacks run side by
// side. Values of the configuration, by full key, that begin with a brace are objects in JSON.
func New(t testing.TB, project, name string, settings map[string]string, run pulumi.RunFunc) *Stack {
	t.Helper()
	s := &Stack{Cloud: NewCloud(), t: t, project: project, name: name, dir: t.TempDir(), cli: command(t),
		program: inline(run)}
	for _, folder := range []string{"home", "state", "work"} {
		if err := os.Mkdir(filepath.Join(s.dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// Where its folder for them cannot be made, the CLI writes no log of its own: of each call that the engine makes or
	// answers, compressed, a third of its time.
	if err := os.WriteFile(filepath.Join(s.dir, "home", "logs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	backend := "file://" + filepath.ToSlash(filepath.Join(s.dir, "state"))
	keys := httptest.NewServer(&vault{})
	t.Cleanup(keys.Close)
	s.env = []string{
		"PULUMI_HOME=" + filepath.Join(s.dir, "home"),
		"PULUMI_BACKEND_URL=" + backend,
		"VAULT_SERVER_URL=" + keys.URL, "VAULT_SERVER_TOKEN=" + vaultToken,
		"PULUMI_DEBUG_PROVIDERS=" + serve(t, s.Cloud),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		"PULUMI_SKIP_UPDATE_CHECK=true",
		// The state is written at the end of a run, also of one that failed, instead of after each of a hundred
		// resources: a third of the time.
		"PULUMI_EXPERIMENTAL=true", "PULUMI_SKIP_CHECKPOINTS=true",
		// A process that lives for a second need not collect garbage, up to a limit.
		"GOGC=off", "GOMEMLIMIT=256MiB",
		// Without it the CLI does not know the flags for a program that is served, and for events.
		"PULUMI_DEBUG_COMMANDS=true",
	}
	described := workspace.Project{
		Name: tokens.PackageName(project), Runtime: workspace.NewProjectRuntimeInfo("go", nil),
		Backend: &workspace.ProjectBackend{URL: backend},
	}
	if err := described.Save(filepath.Join(s.dir, "work", "Pulumi.yaml")); err != nil {
		t.Fatal(err)
	}
	s.CLI("stack", "init", "--secrets-provider", "hashivault://stacks")
	s.Configure(settings)
	return s
}

func configuration(t testing.TB, settings map[string]string) config.Map {
	t.Helper()
	m := config.Map{}
	for key, value := range settings {
		k, err := config.ParseKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(value, "{") {
			m[k] = config.NewObjectValue(value)
		} else {
			m[k] = config.NewValue(value)
		}
	}
	return m
}

// Configure replaces the configuration.
func (s *Stack) Configure(settings map[string]string) {
	s.t.Helper()
	file, kept := s.settings()
	kept.Config = configuration(s.t, settings)
	if err := kept.Save(file); err != nil {
		s.t.Fatal(err)
	}
}

// settings are the stack's, with the file that they are in.
func (s *Stack) settings() (string, *workspace.ProjectStack) {
	s.t.Helper()
	file := filepath.Join(s.dir, "work", "Pulumi."+s.name+".yaml")
	said := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	kept, err := workspace.LoadProjectStack(said, &workspace.Project{Name: tokens.PackageName(s.project)}, file)
	if err != nil {
		s.t.Fatal(err)
	}
	return file, kept
}

// Program replaces the program.
func (s *Stack) Program(run pulumi.RunFunc) { s.program = inline(run) }

// Result is what became of one run of the engine.
type Result struct {
	// Err is why it failed; nil when it did not. Its text is that of the engine's errors.
	Err error
	// Changes are what it did, in alphabetical order: the operation, the type and the name, with a space between. What
	// stayed as it was is left out, as are the stack itself and the providers.
	Changes []string
	// Same is the number of resources that stayed as they were.
	Same int
	// Said is all that the engine told: what it printed, and its events.
	Said string
}

// run runs one operation of the engine with a program. The CLI is called as the Automation API does, which would call
// it three times more after each deployment, for outputs and the history.
func (s *Stack) run(program program, args ...string) Result {
	s.t.Helper()
	address, stop, err := program.serve()
	if err != nil {
		s.t.Fatalf("serving the program: %v", err)
	}
	defer stop()
	log := filepath.Join(s.t.TempDir(), "events.jsonl")
	args = append(args, "--client="+address, "--exec-kind="+constant.ExecKindAutoInline, "--event-log", log)
	printed, err := s.call(args...)
	told, readErr := os.ReadFile(log)
	if readErr != nil && !errors.Is(readErr, fs.ErrNotExist) { // of arguments that the CLI refuses there is none
		s.t.Fatalf("reading the engine's events: %v", readErr)
	}
	result := Result{Said: printed + string(told)}
	wrong := result.read(s.t, told)
	if err != nil {
		if len(wrong) == 0 {
			wrong = append(wrong, err.Error()+"\n"+printed)
		}
		result.Err = errors.New(strings.Join(wrong, "\n"))
	}
	return result
}

// read takes changes from the engine's events, a line each, and returns the errors that it told.
func (r *Result) read(t testing.TB, told []byte) (wrong []string) {
	t.Helper()
	// A replacement is three operations of the engine, and one change.
	changes := map[string]bool{}
	for line := range bytes.Lines(told) {
		var e apitype.EngineEvent
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("reading the engine's events: %v", err)
		}
		if d := e.DiagnosticEvent; d != nil && d.Severity == "error" && !d.Ephemeral {
			wrong = append(wrong, strings.TrimSpace(d.Prefix+colors.Never.Colorize(d.Message)))
		}
		var step *apitype.StepEventMetadata
		switch {
		case e.ResOutputsEvent != nil:
			step = &e.ResOutputsEvent.Metadata
		case e.ResOpFailedEvent != nil:
			step = &e.ResOpFailedEvent.Metadata
		}
		if step == nil {
			continue
		}
		urn := resource.URN(step.URN)
		if urn.Type() == resource.RootStackType || strings.HasPrefix(string(urn.Type()), "pulumi:providers:") {
			continue
		}
		op := string(step.Op)
		switch step.Op {
		case apitype.OpSame:
			r.Same++
			continue
		case apitype.OpCreateReplacement, apitype.OpReplace, apitype.OpDeleteReplaced, apitype.OpDiscardReplaced:
			op = "replace"
		case apitype.OpRefresh:
			continue
		}
		changes[op+" "+string(urn.Type())+" "+urn.Name()] = true
	}
	r.Changes = slices.Sorted(maps.Keys(changes))
	return wrong
}

// Preview tells what Up would do.
func (s *Stack) Preview() Result {
	s.t.Helper()
	return s.run(s.program, "preview", "--diff")
}

// Up deploys the program.
func (s *Stack) Up() Result {
	s.t.Helper()
	return s.run(s.program, "up", "--yes", "--skip-preview")
}

// UpExecutable is Up of another program, which is an executable.
func (s *Stack) UpExecutable(program Executable) Result {
	s.t.Helper()
	return s.run(program.run, "up", "--yes", "--skip-preview")
}

// Lend links what is in a program's folder into that of the project, where the engine looks for the files and archives
// that the program names by relative paths.
func (s *Stack) Lend(dir string) {
	s.t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "Pulumi.") {
			continue // the project has its own
		}
		if err := os.Symlink(filepath.Join(dir, entry.Name()), filepath.Join(s.dir, "work", entry.Name())); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Refresh brings the state to what there is.
func (s *Stack) Refresh() Result {
	s.t.Helper()
	return s.run(s.program, "refresh", "--yes", "--skip-preview")
}

// Destroy deletes everything. As "pulumi destroy" does, it previews that first, and does nothing where the preview
// fails.
func (s *Stack) Destroy() Result {
	s.t.Helper()
	if preview := s.run(s.program, "destroy", "--preview-only"); preview.Err != nil {
		return preview
	}
	return s.run(s.program, "destroy", "--yes", "--skip-preview")
}

// CLI runs a command of Pulumi's on the stack, such as "state unprotect".
func (s *Stack) CLI(args ...string) {
	s.t.Helper()
	if out, err := s.call(args...); err != nil {
		s.t.Fatalf("pulumi %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// call runs the CLI and returns what it printed.
func (s *Stack) call(args ...string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), s.cli, append(args, "--non-interactive", "--stack", s.name)...)
	cmd.Dir = filepath.Join(s.dir, "work")
	cmd.Env = append(os.Environ(), s.env...)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Kept is all that is kept of the stack: its state, with the copies of earlier ones and the history of runs, and its
// configuration.
func (s *Stack) Kept() string {
	s.t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		s.t.Fatalf("reading the state: %v", err)
	}
	return all.String()
}

// Import replaces the state by one that "pulumi stack export --show-secrets" wrote, here or elsewhere, and has the
// double of AWS hold the resources that it tells of.
func (s *Stack) Import(exported []byte) {
	s.t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(exported, &all); err != nil {
		s.t.Fatalf("reading the state: %v", err)
	}
	// The stack that it came from had a key of its own.
	_, settings := s.settings()
	all["secrets_providers"] = fmt.Appendf(nil, `{"type": "cloud", "state": {"url": %q, "encryptedkey": %q}}`,
		settings.SecretsProvider, settings.EncryptedKey)
	mine, err := json.Marshal(all)
	if err != nil {
		s.t.Fatal(err)
	}
	state, err := json.Marshal(apitype.UntypedDeployment{Version: 3, Deployment: mine})
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(s.t.TempDir(), "state.json")
	if err := os.WriteFile(file, state, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.CLI("stack", "import", "--file", file)
	var deployment apitype.DeploymentV3
	if err := json.Unmarshal(exported, &deployment); err != nil {
		s.t.Fatalf("reading the state: %v", err)
	}
	for _, r := range deployment.Resources {
		if r.Custom && !strings.HasPrefix(string(r.Type), "pulumi:") {
			s.Cloud.adopt(r.URN, string(r.ID), exportedProperties(r.Inputs), exportedProperties(r.Outputs))
		}
	}
}

// exportedProperties reads a resource's properties as an exported state has them.
func exportedProperties(exported map[string]any) resource.PropertyMap {
	return resource.NewPropertyMapFromMapRepl(exported, nil, func(v any) (resource.PropertyValue, bool) {
		object, is := v.(map[string]any)
		if !is || object[resource.SigKey] != resource.SecretSig {
			return resource.PropertyValue{}, false
		}
		var plain any
		if text, is := object["plaintext"].(string); is {
			_ = json.Unmarshal([]byte(text), &plain)
		}
		return resource.MakeSecret(resource.NewPropertyValue(plain)), true
	})
}

// State is a stack's state: what there is, by type and name with a space between, what waited for what, and the stack's
// outputs.
type State struct {
	// Outputs are the stack's, by name.
	Outputs map[string]Output

	urns  map[string]resource.URN
	after map[resource.URN][]resource.URN
}

// Output is an output of a stack. What is secret is encrypted.
type Output struct {
	Value  any
	Secret bool
}

// State reads the state.
func (s *Stack) State() State {
	s.t.Helper()
	file := filepath.Join(s.dir, "state", ".pulumi", "stacks", s.project, s.name+".json")
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatalf("reading the state: %v", err)
	}
	var kept struct {
		Checkpoint struct{ Latest apitype.DeploymentV3 }
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		s.t.Fatalf("reading the state: %v", err)
	}
	state := State{Outputs: map[string]Output{}, urns: map[string]resource.URN{},
		after: map[resource.URN][]resource.URN{}}
	for _, r := range kept.Checkpoint.Latest.Resources {
		state.urns[string(r.URN.Type())+" "+r.URN.Name()] = r.URN
		state.after[r.URN] = append(state.after[r.URN], r.Dependencies...)
		if r.URN.Type() != resource.RootStackType {
			continue
		}
		for name, value := range r.Outputs {
			object, _ := value.(map[string]any)
			state.Outputs[name] = Output{Value: value, Secret: object[resource.SigKey] == resource.SecretSig}
		}
	}
	return state
}

// URN is that of a resource; empty when the state lacks it.
func (s State) URN(name string) string { return string(s.urns[name]) }

// Waits reports whether one resource waited for another to be there, itself or through others. Unlike the order in
// which things happened, it does not hold by luck.
func (s State) Waits(one, other string) (bool, error) {
	from, to := s.urns[one], s.urns[other]
	if from == "" || to == "" {
		return false, fmt.Errorf("the state lacks %s or %s", one, other)
	}
	seen, next := map[resource.URN]bool{}, []resource.URN{from}
	for len(next) > 0 {
		urn := next[0]
		next = next[1:]
		if urn == to {
			return true, nil
		}
		if !seen[urn] {
			seen[urn] = true
			next = append(next, s.after[urn]...)
		}
	}
	return false, nil
}

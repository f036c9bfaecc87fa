package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
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

	t     testing.TB
	dir   string
	stack auto.Stack
}

// New makes a stack that nothing was deployed to. Its state is in a folder of the test's; several stacks run side by
// side. Values of the configuration, by full key, that begin with a brace are objects in JSON.
func New(t testing.TB, project, name string, settings map[string]string, program pulumi.RunFunc) *Stack {
	t.Helper()
	cli := command(t)
	dir := t.TempDir()
	for _, folder := range []string{"home", "state", "work"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s := &Stack{Cloud: NewCloud(), t: t, dir: dir}
	backend := "file://" + filepath.ToSlash(filepath.Join(dir, "state"))
	made, err := auto.UpsertStackInlineSource(t.Context(), name, project, program,
		auto.Pulumi(cli), auto.PulumiHome(filepath.Join(dir, "home")), auto.WorkDir(filepath.Join(dir, "work")),
		auto.Project(workspace.Project{
			Name: tokens.PackageName(project), Runtime: workspace.NewProjectRuntimeInfo("go", nil),
			Backend: &workspace.ProjectBackend{URL: backend},
		}),
		auto.Stacks(map[string]workspace.ProjectStack{name: {Config: configuration(t, settings)}}),
		auto.EnvVars(map[string]string{
			"PULUMI_BACKEND_URL":                          backend,
			"PULUMI_CONFIG_PASSPHRASE":                    "correct horse battery staple",
			"PULUMI_DEBUG_PROVIDERS":                      serve(t, s.Cloud),
			"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
			"PULUMI_SKIP_UPDATE_CHECK":                    "true",
			// The state is written at the end of a run, also of one that failed, instead of after each of a hundred
			// resources: a third of the time.
			"PULUMI_EXPERIMENTAL":     "true",
			"PULUMI_SKIP_CHECKPOINTS": "true",
		}))
	if err != nil {
		t.Fatalf("making the stack %s: %v", name, err)
	}
	s.stack = made
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
	w := s.stack.Workspace()
	stored, err := w.StackSettings(s.t.Context(), s.stack.Name())
	if err != nil {
		s.t.Fatal(err)
	}
	stored.Config = configuration(s.t, settings)
	if err := w.SaveStackSettings(s.t.Context(), s.stack.Name(), stored); err != nil {
		s.t.Fatal(err)
	}
}

// Program replaces the program.
func (s *Stack) Program(program pulumi.RunFunc) { s.stack.Workspace().SetProgram(program) }

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
	// Outputs are the stack's.
	Outputs auto.OutputMap
}

// run runs one operation of the engine. act is given where to print and where to send events.
func (s *Stack) run(act func(said *bytes.Buffer, stream chan<- events.EngineEvent) (auto.OutputMap, error)) Result {
	s.t.Helper()
	var printed bytes.Buffer
	stream := make(chan events.EngineEvent)
	collected := make(chan []apitype.EngineEvent)
	go func() {
		var list []apitype.EngineEvent
		for e := range stream {
			list = append(list, e.EngineEvent)
		}
		collected <- list
	}()
	outputs, err := act(&printed, stream)
	var list []apitype.EngineEvent
	select {
	case list = <-collected:
	case <-s.t.Context().Done():
		s.t.Fatalf("the engine's events did not end: %v", err)
	}
	result := Result{Outputs: outputs}
	// A replacement is three operations of the engine, and one change.
	changes := map[string]bool{}
	var wrong []string
	for _, e := range list {
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
			result.Same++
			continue
		case apitype.OpCreateReplacement, apitype.OpReplace, apitype.OpDeleteReplaced, apitype.OpDiscardReplaced:
			op = "replace"
		case apitype.OpRefresh:
			continue
		}
		changes[op+" "+string(urn.Type())+" "+urn.Name()] = true
	}
	for change := range changes {
		result.Changes = append(result.Changes, change)
	}
	slices.Sort(result.Changes)
	told, jsonErr := json.Marshal(list)
	if jsonErr != nil {
		s.t.Fatal(jsonErr)
	}
	result.Said = printed.String() + string(told)
	if err != nil {
		result.Said += err.Error()
		if len(wrong) == 0 {
			wrong = append(wrong, err.Error())
		}
		result.Err = errors.New(strings.Join(wrong, "\n"))
	}
	return result
}

// Preview tells what Up would do.
func (s *Stack) Preview() Result {
	s.t.Helper()
	return s.run(func(said *bytes.Buffer, stream chan<- events.EngineEvent) (auto.OutputMap, error) {
		_, err := s.stack.Preview(s.t.Context(), optpreview.EventStreams(stream), optpreview.ProgressStreams(said),
			optpreview.ErrorProgressStreams(said), optpreview.Diff())
		return nil, err
	})
}

// Up deploys the program.
func (s *Stack) Up() Result {
	s.t.Helper()
	return s.run(func(said *bytes.Buffer, stream chan<- events.EngineEvent) (auto.OutputMap, error) {
		result, err := s.stack.Up(s.t.Context(), optup.EventStreams(stream), optup.ProgressStreams(said),
			optup.ErrorProgressStreams(said))
		return result.Outputs, err
	})
}

// Refresh brings the state to what there is.
func (s *Stack) Refresh() Result {
	s.t.Helper()
	return s.run(func(said *bytes.Buffer, stream chan<- events.EngineEvent) (auto.OutputMap, error) {
		_, err := s.stack.Refresh(s.t.Context(), optrefresh.EventStreams(stream), optrefresh.ProgressStreams(said),
			optrefresh.ErrorProgressStreams(said))
		return nil, err
	})
}

// Destroy deletes everything. As "pulumi destroy" does, it previews that first, and does nothing where the preview
// fails.
func (s *Stack) Destroy() Result {
	s.t.Helper()
	preview := s.run(func(said *bytes.Buffer, stream chan<- events.EngineEvent) (auto.OutputMap, error) {
		_, err := s.stack.PreviewDestroy(s.t.Context(), optdestroy.EventStreams(stream),
			optdestroy.ProgressStreams(said), optdestroy.ErrorProgressStreams(said))
		return nil, err
	})
	if preview.Err != nil {
		return preview
	}
	return s.run(func(said *bytes.Buffer, stream chan<- events.EngineEvent) (auto.OutputMap, error) {
		_, err := s.stack.Destroy(s.t.Context(), optdestroy.EventStreams(stream), optdestroy.ProgressStreams(said),
			optdestroy.ErrorProgressStreams(said))
		return nil, err
	})
}

// CLI runs a command of Pulumi's on the stack, such as "state unprotect", for which the Automation API has no call.
func (s *Stack) CLI(args ...string) {
	s.t.Helper()
	w := s.stack.Workspace()
	env := []string{"PULUMI_HOME=" + w.PulumiHome()}
	for key, value := range w.GetEnvVars() {
		env = append(env, key+"="+value)
	}
	args = append(args, "--yes", "--stack", s.stack.Name())
	if out, wrong, _, err := w.PulumiCommand().Run(s.t.Context(), w.WorkDir(), nil, nil, nil, env,
		args...); err != nil {
		s.t.Fatalf("pulumi %s: %v\n%s%s", strings.Join(args, " "), err, out, wrong)
	}
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
	err := s.stack.Import(s.t.Context(), apitype.UntypedDeployment{Version: 3, Deployment: exported})
	if err != nil {
		s.t.Fatalf("importing the state: %v", err)
	}
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

// State is a stack's state: what there is, by type and name with a space between, and what waited for what.
type State struct {
	urns  map[string]resource.URN
	after map[resource.URN][]resource.URN
}

// State reads the state.
func (s *Stack) State() State {
	s.t.Helper()
	exported, err := s.stack.Export(s.t.Context())
	if err != nil {
		s.t.Fatalf("exporting the state: %v", err)
	}
	var deployment apitype.DeploymentV3
	if err := json.Unmarshal(exported.Deployment, &deployment); err != nil {
		s.t.Fatalf("reading the state: %v", err)
	}
	state := State{urns: map[string]resource.URN{}, after: map[resource.URN][]resource.URN{}}
	for _, r := range deployment.Resources {
		state.urns[string(r.URN.Type())+" "+r.URN.Name()] = r.URN
		state.after[r.URN] = append(state.after[r.URN], r.Dependencies...)
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

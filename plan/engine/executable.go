package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Executable is a Pulumi program that was built, as pulumi-language-go would run it.
type Executable struct {
	Path, Dir string
	// Env is put to the environment of the test.
	Env []string
}

// UpExecutable is Up of another program, which is an executable.
func (s *Stack) UpExecutable(program Executable) Result {
	s.t.Helper()
	return s.run(func(said *bytes.Buffer, stream chan<- events.EngineEvent) (auto.OutputMap, error) {
		defer close(stream)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		server := grpc.NewServer()
		pulumirpc.RegisterLanguageRuntimeServer(server, &language{program: program})
		go func() { _ = server.Serve(listener) }() // it ends with Stop
		defer server.Stop()

		w, log := s.stack.Workspace(), filepath.Join(s.t.TempDir(), "events.jsonl")
		// Without the second one the CLI does not know the flags for a program that is served, and for events.
		env := []string{"PULUMI_HOME=" + w.PulumiHome(), "PULUMI_DEBUG_COMMANDS=true"}
		for key, value := range w.GetEnvVars() {
			env = append(env, key+"="+value)
		}
		out, wrong, _, err := w.PulumiCommand().Run(s.t.Context(), w.WorkDir(), nil, nil, nil, env,
			"up", "--yes", "--skip-preview", "--stack", s.stack.Name(), "--client", listener.Addr().String(), "--exec-kind", "auto.inline", "--event-log", log)
		said.WriteString(out + wrong)
		if err != nil {
			err = fmt.Errorf("%w\n%s%s", err, out, wrong)
		}
		return nil, errors.Join(err, readEvents(log, stream))
	})
}

func readEvents(log string, stream chan<- events.EngineEvent) error {
	f, err := os.Open(log)
	if err != nil {
		return fmt.Errorf("reading the engine's events: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e apitype.EngineEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("reading the engine's events: %w", err)
		}
		stream <- events.EngineEvent{EngineEvent: e}
	}
	return lines.Err()
}

// language runs an executable for the engine.
type language struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	program Executable
}

// GetRequiredPlugins implements pulumirpc.LanguageRuntimeServer, as do the methods that follow.
func (*language) GetRequiredPlugins(context.Context, *pulumirpc.GetRequiredPluginsRequest) (*pulumirpc.GetRequiredPluginsResponse, error) {
	return &pulumirpc.GetRequiredPluginsResponse{}, nil
}

func (*language) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "1.0.0"}, nil
}

func (l *language) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	config, err := json.Marshal(req.GetConfig())
	if err != nil {
		return nil, err
	}
	secrets, err := json.Marshal(req.GetConfigSecretKeys())
	if err != nil {
		return nil, err
	}
	engine := ""
	if len(req.GetArgs()) > 0 {
		engine = req.GetArgs()[0]
	}
	cmd := exec.CommandContext(ctx, l.program.Path)
	cmd.Dir = l.program.Dir
	cmd.Env = append(append(os.Environ(), l.program.Env...),
		pulumi.EnvProject+"="+req.GetProject(), pulumi.EnvStack+"="+req.GetStack(), pulumi.EnvOrganization+"="+req.GetOrganization(),
		pulumi.EnvConfig+"="+string(config), pulumi.EnvConfigSecretKeys+"="+string(secrets), pulumi.EnvMonitor+"="+req.GetMonitorAddress(),
		pulumi.EnvEngine+"="+engine, pulumi.EnvDryRun+"="+strconv.FormatBool(req.GetDryRun()), pulumi.EnvParallel+"="+strconv.Itoa(int(req.GetParallel())))
	if out, err := cmd.CombinedOutput(); err != nil {
		return &pulumirpc.RunResponse{Error: strings.TrimSpace(string(out) + "\n" + err.Error())}, nil
	}
	return &pulumirpc.RunResponse{}, nil
}

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// program runs a program for the engine, as a language host does. The error is the program's.
type program func(context.Context, *pulumirpc.RunRequest) error

// serve has the engine reach the program until stop is called.
func (p program) serve() (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := grpc.NewServer()
	pulumirpc.RegisterLanguageRuntimeServer(server, &language{program: p})
	go func() { _ = server.Serve(listener) }() // it ends with Stop
	return listener.Addr().String(), server.Stop, nil
}

// inline is a program within this process.
func inline(run pulumi.RunFunc) program {
	return func(ctx context.Context, req *pulumirpc.RunRequest) (err error) {
		in, err := pulumi.NewContext(ctx, pulumi.RunInfo{
			Project: req.GetProject(), Stack: req.GetStack(), Organization: req.GetOrganization(),
			Config: req.GetConfig(), ConfigSecretKeys: req.GetConfigSecretKeys(),
			Parallel: req.GetParallel(), DryRun: req.GetDryRun(),
			MonitorAddr: req.GetMonitorAddress(), EngineAddr: engineAddress(req),
		})
		if err != nil {
			return err
		}
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("the program panics: %v\n%s", r, debug.Stack())
			}
			err = errors.Join(err, in.Close())
		}()
		return pulumi.RunWithContext(in, run)
	}
}

func engineAddress(req *pulumirpc.RunRequest) string {
	if args := req.GetArgs(); len(args) > 0 {
		return args[0]
	}
	return ""
}

// Executable is a Pulumi program that was built, as pulumi-language-go would run it.
type Executable struct {
	Path, Dir string
	// Env is put to the environment of the test.
	Env []string
}

// run is the program of an executable.
func (e Executable) run(ctx context.Context, req *pulumirpc.RunRequest) error {
	config, err := json.Marshal(req.GetConfig())
	if err != nil {
		return err
	}
	secrets, err := json.Marshal(req.GetConfigSecretKeys())
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, e.Path)
	cmd.Dir = e.Dir
	cmd.Env = append(append(os.Environ(), e.Env...),
		pulumi.EnvProject+"="+req.GetProject(), pulumi.EnvStack+"="+req.GetStack(),
		pulumi.EnvOrganization+"="+req.GetOrganization(), pulumi.EnvConfig+"="+string(config),
		pulumi.EnvConfigSecretKeys+"="+string(secrets), pulumi.EnvMonitor+"="+req.GetMonitorAddress(),
		pulumi.EnvEngine+"="+engineAddress(req), pulumi.EnvDryRun+"="+strconv.FormatBool(req.GetDryRun()),
		pulumi.EnvParallel+"="+strconv.Itoa(int(req.GetParallel())))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s\n%w", strings.TrimSpace(string(out)), err)
	}
	return nil
}

// language is the service that the engine calls.
type language struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	program program
}

// GetRequiredPlugins implements pulumirpc.LanguageRuntimeServer, as do the methods that follow.
func (*language) GetRequiredPlugins(context.Context, *pulumirpc.GetRequiredPluginsRequest) (
	*pulumirpc.GetRequiredPluginsResponse, error) {
	return &pulumirpc.GetRequiredPluginsResponse{}, nil
}

func (*language) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "1.0.0"}, nil
}

func (l *language) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	if err := l.program(ctx, req); err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	return &pulumirpc.RunResponse{}, nil
}

package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// Program is a Pulumi program as "go build" left it.
type Program struct {
	// Path is the executable, Dir the folder that it runs in: that of its source, as with Pulumi.
	Path, Dir string
	// Env is the whole environment that it runs with. Run adds what an engine tells a program by it.
	Env []string
}

// ProgramError is what a program said when it failed.
type ProgramError struct {
	Stack string
	// Said is what it told the engine, else what it wrote to its standard error.
	Said string
}

// Error implements error.
func (e *ProgramError) Error() string {
	return fmt.Sprintf("the program of stack %s failed: %s", e.Stack, e.Said)
}

const (
	// runTime bounds a run: it asks nobody, but may build a release.
	runTime = 20 * time.Minute
	// largestMessage is more than all inputs of one resource take in good faith.
	largestMessage = 64 << 20
	// mostSaid is how much of what a program says is kept.
	mostSaid = 32 << 10
)

// Run is RecordAfter of an executable, of whatever revision: it is served as an engine serves it. A program that fails
// gives a *ProgramError.
func Run(ctx context.Context, p Program, before Before, project, stack string, config map[string]string, secretKeys []string) (*Graph, error) {
	fail := func(err error) (*Graph, error) {
		return nil, fmt.Errorf("running the program of stack %s: %w", stack, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, runTime, fmt.Errorf("it took more than %v", runTime))
	defer cancel()
	m := modelOf(config)
	m.before = before
	served := &monitor{rec: &recorder{project: project, stack: stack, model: m}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fail(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(largestMessage), grpc.MaxSendMsgSize(largestMessage))
	pulumirpc.RegisterResourceMonitorServer(server, served)
	told := &engine{}
	pulumirpc.RegisterEngineServer(server, told)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		<-done
	}()

	configured, err := json.Marshal(config)
	if err != nil {
		return fail(err)
	}
	secrets, err := json.Marshal(secretKeys)
	if err != nil {
		return fail(err)
	}
	address := listener.Addr().String()
	cmd := exec.CommandContext(ctx, p.Path)
	cmd.Dir = p.Dir
	cmd.Env = append(slices.Clone(p.Env),
		pulumi.EnvProject+"="+project, pulumi.EnvStack+"="+stack, pulumi.EnvOrganization+"=organization",
		pulumi.EnvConfig+"="+string(configured), pulumi.EnvConfigSecretKeys+"="+string(secrets),
		pulumi.EnvMonitor+"="+address, pulumi.EnvEngine+"="+address, pulumi.EnvDryRun+"=false", pulumi.EnvParallel+"=0",
	)
	wrote := &beginning{left: mostSaid}
	cmd.Stdout, cmd.Stderr = wrote, wrote
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fail(context.Cause(ctx))
		}
		if _, is := errors.AsType[*exec.ExitError](err); !is {
			return fail(err)
		}
		said := told.all()
		if said == "" {
			said = strings.TrimSpace(wrote.String())
		}
		if said == "" {
			said = err.Error()
		}
		return nil, &ProgramError{Stack: stack, Said: said}
	}
	g, err := served.rec.graph()
	if err != nil {
		return fail(err)
	}
	return g, nil
}

// beginning keeps the first bytes that are written to it.
type beginning struct {
	bytes.Buffer
	left int
}

// Write implements io.Writer.
func (b *beginning) Write(p []byte) (int, error) {
	take := p[:min(len(p), b.left)]
	b.left -= len(take)
	b.Buffer.Write(take)
	return len(p), nil
}

// engine hears what a program says of itself.
type engine struct {
	pulumirpc.UnimplementedEngineServer

	mu   sync.Mutex
	said []string
	root string
}

func (e *engine) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.said, "\n")
}

// Log implements pulumirpc.EngineServer, as do the methods that follow.
func (e *engine) Log(_ context.Context, req *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	if req.GetSeverity() == pulumirpc.LogSeverity_ERROR {
		e.mu.Lock()
		defer e.mu.Unlock()
		text := strings.TrimSpace(strings.TrimPrefix(req.GetMessage(), "an unhandled error occurred: program failed:"))
		if len(strings.Join(e.said, "\n"))+len(text) <= mostSaid {
			e.said = append(e.said, text)
		}
	}
	return &emptypb.Empty{}, nil
}

func (e *engine) GetRootResource(context.Context, *pulumirpc.GetRootResourceRequest) (*pulumirpc.GetRootResourceResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return &pulumirpc.GetRootResourceResponse{Urn: e.root}, nil
}

func (e *engine) SetRootResource(_ context.Context, req *pulumirpc.SetRootResourceRequest) (*pulumirpc.SetRootResourceResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.root = req.GetUrn()
	return &pulumirpc.SetRootResourceResponse{}, nil
}

// monitor takes the registrations of a program, as the SDK's own mocks do within a process.
type monitor struct {
	pulumirpc.UnimplementedResourceMonitorServer
	rec *recorder
}

func received(s *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepSecrets: true, KeepResources: true})
}

func sent(m resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(m, plugin.MarshalOptions{KeepSecrets: true, KeepResources: true})
}

// SupportsFeature implements pulumirpc.ResourceMonitorServer, as do the methods that follow. Callbacks into the program
// are not supported, and a program that asks for them is told so by the SDK.
func (m *monitor) SupportsFeature(_ context.Context, req *pulumirpc.SupportsFeatureRequest) (*pulumirpc.SupportsFeatureResponse, error) {
	supported := []string{"secrets", "resourceReferences", "deletedWith", "replaceWith"}
	return &pulumirpc.SupportsFeatureResponse{HasSupport: slices.Contains(supported, req.GetId())}, nil
}

func (m *monitor) Invoke(_ context.Context, req *pulumirpc.ResourceInvokeRequest) (*pulumirpc.InvokeResponse, error) {
	args, err := received(req.GetArgs())
	if err != nil {
		return nil, err
	}
	answer, err := m.rec.Call(pulumi.MockCallArgs{Token: req.GetTok(), Args: args, Provider: req.GetProvider()})
	if err != nil {
		return nil, err
	}
	out, err := sent(answer)
	return &pulumirpc.InvokeResponse{Return: out}, err
}

func (m *monitor) ReadResource(_ context.Context, req *pulumirpc.ReadResourceRequest) (*pulumirpc.ReadResourceResponse, error) {
	properties, err := received(req.GetProperties())
	if err != nil {
		return nil, err
	}
	_, outputs, err := m.rec.NewResource(pulumi.MockResourceArgs{
		TypeToken: req.GetType(), Name: req.GetName(), Inputs: properties, Provider: req.GetProvider(), ID: req.GetId(), ReadRPC: req,
	})
	if err != nil {
		return nil, err
	}
	out, err := sent(outputs)
	return &pulumirpc.ReadResourceResponse{Urn: m.rec.urn(req.GetParent(), req.GetType(), req.GetName()), Properties: out}, err
}

func (m *monitor) RegisterResource(_ context.Context, req *pulumirpc.RegisterResourceRequest) (*pulumirpc.RegisterResourceResponse, error) {
	urn := m.rec.urn(req.GetParent(), req.GetType(), req.GetName())
	if tokens.Type(req.GetType()) == resource.RootStackType {
		return &pulumirpc.RegisterResourceResponse{Urn: urn}, nil
	}
	inputs, err := received(req.GetObject())
	if err != nil {
		return nil, err
	}
	id, outputs, err := m.rec.NewResource(pulumi.MockResourceArgs{
		TypeToken: req.GetType(), Name: req.GetName(), Inputs: inputs, Provider: req.GetProvider(), ID: req.GetImportId(), Custom: req.GetCustom(), RegisterRPC: req,
	})
	if err != nil {
		return nil, err
	}
	out, err := sent(outputs)
	return &pulumirpc.RegisterResourceResponse{Urn: urn, Id: id, Object: out}, err
}

func (m *monitor) RegisterResourceOutputs(_ context.Context, req *pulumirpc.RegisterResourceOutputsRequest) (*emptypb.Empty, error) {
	if resource.URN(req.GetUrn()).QualifiedType() != resource.RootStackType {
		return &emptypb.Empty{}, nil
	}
	outputs, err := received(req.GetOutputs())
	if err != nil {
		return nil, err
	}
	m.rec.mu.Lock()
	defer m.rec.mu.Unlock()
	m.rec.exports = outputs
	return &emptypb.Empty{}, nil
}

func (m *monitor) RegisterPackage(context.Context, *pulumirpc.RegisterPackageRequest) (*pulumirpc.RegisterPackageResponse, error) {
	return &pulumirpc.RegisterPackageResponse{Ref: "recorded"}, nil
}

func (m *monitor) SignalAndWaitForShutdown(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

package graph

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// Program is a Pulumi program as "go build" left it.
type Program struct {
	// Path is the executable, Dir the folder that it runs in: that of its source, as with Pulumi.
	Path, Dir string
	// Root is the folder of the repository that it was built in; empty: no resource gets a Source.
	Root string
	// Files are the folders that assets may be read from; none: any.
	Files []string
	// StandIns are hashes that stand for files which a build would make, by their full names.
	StandIns map[string]string
	// Env is the whole environment that it runs with. Run adds what an engine tells a program by it.
	Env []string
	// Time bounds its run; 0 is some minutes, which is plenty for a program that asks nobody.
	Time time.Duration
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
	// runTime bounds a run.
	runTime = 5 * time.Minute
	// largestMessage is more than all inputs of one resource take in good faith.
	largestMessage = 64 << 20
	// mostSaid is how much of what a program says is kept, mostWritten how much it may write before it is stopped.
	mostSaid    = 32 << 10
	mostWritten = 64 << 20
	// mostRegistered is how much a program may register before it is stopped, in bytes of the protocol.
	mostRegistered = 128 << 20
)

// Run is RecordAfter of an executable, of whatever revision: it is served as an engine serves it. It is code that
// nobody has read yet, so it is bounded in time and in what it writes and registers, it ends with all that it started,
// and where Isolated says so it has no network. A program that fails, or does not keep to its bounds, gives a
// *ProgramError.
func Run(ctx context.Context, p Program, before Before, project, stack string, config map[string]string,
	secretKeys []string) (*Graph, error) {
	fail := func(err error) (*Graph, error) {
		return nil, fmt.Errorf("running the program of stack %s: %w", stack, err)
	}
	outer := ctx
	ctx, stop := context.WithCancelCause(outer)
	defer stop(nil)
	limit := cmp.Or(p.Time, runTime)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it had not ended after %v and was stopped", limit))
	defer cancel()
	m := modelOf(config)
	m.before = before
	rec := &recorder{project: project, stack: stack, model: m, root: p.Root,
		assets: assetFolders{dir: p.Dir, within: p.Files, standIns: p.StandIns, left: mostHashed}}
	served := &monitor{rec: rec, left: mostRegistered, stop: stop}
	told := &engine{}
	address, closed, err := serve(served, told)
	if err != nil {
		return fail(err)
	}
	defer closed()

	configured, err := json.Marshal(config)
	if err != nil {
		return fail(err)
	}
	secrets, err := json.Marshal(secretKeys)
	if err != nil {
		return fail(err)
	}
	cmd := exec.CommandContext(ctx, p.Path)
	cmd.Dir = p.Dir
	cmd.Env = append(slices.Clone(p.Env),
		pulumi.EnvProject+"="+project, pulumi.EnvStack+"="+stack, pulumi.EnvOrganization+"=organization",
		pulumi.EnvConfig+"="+string(configured), pulumi.EnvConfigSecretKeys+"="+string(secrets),
		pulumi.EnvMonitor+"="+address, pulumi.EnvEngine+"="+address, pulumi.EnvDryRun+"=false", pulumi.EnvParallel+"=0",
	)
	wrote := &beginning{left: mostSaid, most: mostWritten, stop: stop}
	cmd.Stdout, cmd.Stderr = wrote, wrote
	apart(cmd)
	cmd.Cancel = func() error { return end(cmd) }
	cmd.WaitDelay = 2 * time.Second
	err = cmd.Run()
	if cmd.Process != nil {
		_ = end(cmd) // what it left behind; most often there is nothing
	}
	if outer.Err() != nil {
		return fail(context.Cause(outer))
	}
	said := told.all()
	if said == "" {
		said = strings.TrimSpace(wrote.kept.String())
	}
	if ctx.Err() != nil {
		return nil, &ProgramError{Stack: stack, Said: strings.TrimSpace(context.Cause(ctx).Error() + "\n" + said)}
	}
	// Where something that the program left behind held its output open, it has ended all the same.
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		if _, is := errors.AsType[*exec.ExitError](err); !is {
			return fail(err)
		}
		return nil, &ProgramError{Stack: stack, Said: cmp.Or(said, err.Error())}
	}
	g, err := served.rec.graph()
	if err != nil {
		return fail(err)
	}
	return g, nil
}

// serve serves a program at an address until it is closed. A socket in the file system is reached from a namespace
// without a network as well.
func serve(served *monitor, told *engine) (address string, closed func(), err error) {
	network, at, dir := "tcp", "127.0.0.1:0", ""
	if Isolated() {
		if dir, err = os.MkdirTemp("", "plan-"); err != nil {
			return "", nil, err
		}
		network, at = "unix", filepath.Join(dir, "engine")
	}
	listener, err := net.Listen(network, at)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(largestMessage), grpc.MaxSendMsgSize(largestMessage))
	pulumirpc.RegisterResourceMonitorServer(server, served)
	pulumirpc.RegisterEngineServer(server, told)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	if address = listener.Addr().String(); network == "unix" {
		address = "unix://" + at
	}
	return address, func() {
		server.Stop()
		<-done
		_ = os.RemoveAll(dir)
	}, nil
}

// beginning keeps the first bytes that are written to it, and calls stop where there are too many.
type beginning struct {
	kept       bytes.Buffer // no embedded one: io.Copy would read into it, past Write
	left, most int
	stop       context.CancelCauseFunc
}

// Write implements io.Writer.
func (b *beginning) Write(p []byte) (int, error) {
	take := p[:min(len(p), b.left)]
	b.left -= len(take)
	b.kept.Write(take)
	if b.most -= len(p); b.most < 0 {
		b.stop(fmt.Errorf("it wrote more than %d MB and was stopped", mostWritten>>20))
	}
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

func (e *engine) GetRootResource(context.Context,
	*pulumirpc.GetRootResourceRequest) (*pulumirpc.GetRootResourceResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return &pulumirpc.GetRootResourceResponse{Urn: e.root}, nil
}

func (e *engine) SetRootResource(_ context.Context,
	req *pulumirpc.SetRootResourceRequest) (*pulumirpc.SetRootResourceResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.root = req.GetUrn()
	return &pulumirpc.SetRootResourceResponse{}, nil
}

// monitor takes the registrations of a program, as the SDK's own mocks do within a process.
type monitor struct {
	pulumirpc.UnimplementedResourceMonitorServer
	rec *recorder

	mu   sync.Mutex
	left int
	stop context.CancelCauseFunc
}

// take counts what is kept of a program, and ends it where that is too much.
func (m *monitor) take(message proto.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left -= proto.Size(message); m.left < 0 {
		err := fmt.Errorf("it registered more than %d MB and was stopped", mostRegistered>>20)
		m.stop(err)
		return err
	}
	return nil
}

func received(s *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepSecrets: true, KeepResources: true})
}

func sent(m resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(m, plugin.MarshalOptions{KeepSecrets: true, KeepResources: true})
}

// SupportsFeature implements pulumirpc.ResourceMonitorServer, as do the methods that follow. Callbacks into the program
// are not supported, and a program that asks for them is told so by the SDK.
func (m *monitor) SupportsFeature(_ context.Context,
	req *pulumirpc.SupportsFeatureRequest) (*pulumirpc.SupportsFeatureResponse, error) {
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

func (m *monitor) ReadResource(_ context.Context, req *pulumirpc.ReadResourceRequest) (*pulumirpc.ReadResourceResponse,
	error) {
	if err := m.take(req); err != nil {
		return nil, err
	}
	properties, err := received(req.GetProperties())
	if err != nil {
		return nil, err
	}
	_, outputs, err := m.rec.NewResource(pulumi.MockResourceArgs{
		TypeToken: req.GetType(), Name: req.GetName(), Inputs: properties, Provider: req.GetProvider(), ID: req.GetId(),
		ReadRPC: req,
	})
	if err != nil {
		return nil, err
	}
	out, err := sent(outputs)
	return &pulumirpc.ReadResourceResponse{Urn: m.rec.urn(req.GetParent(), req.GetType(), req.GetName()),
		Properties: out}, err
}

func (m *monitor) RegisterResource(_ context.Context,
	req *pulumirpc.RegisterResourceRequest) (*pulumirpc.RegisterResourceResponse, error) {
	if err := m.take(req); err != nil {
		return nil, err
	}
	urn := m.rec.urn(req.GetParent(), req.GetType(), req.GetName())
	if tokens.Type(req.GetType()) == resource.RootStackType {
		return &pulumirpc.RegisterResourceResponse{Urn: urn}, nil
	}
	inputs, err := received(req.GetObject())
	if err != nil {
		return nil, err
	}
	id, outputs, err := m.rec.NewResource(pulumi.MockResourceArgs{
		TypeToken: req.GetType(), Name: req.GetName(), Inputs: inputs, Provider: req.GetProvider(),
		ID: req.GetImportId(), Custom: req.GetCustom(), RegisterRPC: req,
	})
	if err != nil {
		return nil, err
	}
	out, err := sent(outputs)
	return &pulumirpc.RegisterResourceResponse{Urn: urn, Id: id, Object: out}, err
}

func (m *monitor) RegisterResourceOutputs(_ context.Context,
	req *pulumirpc.RegisterResourceOutputsRequest) (*emptypb.Empty, error) {
	if err := m.take(req); err != nil {
		return nil, err
	}
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

func (m *monitor) RegisterPackage(context.Context,
	*pulumirpc.RegisterPackageRequest) (*pulumirpc.RegisterPackageResponse, error) {
	return &pulumirpc.RegisterPackageResponse{Ref: "recorded"}, nil
}

func (m *monitor) SignalAndWaitForShutdown(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

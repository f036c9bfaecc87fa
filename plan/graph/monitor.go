package graph

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"dossier.example/plan/internal/apart"
	"dossier.example/plan/internal/awsmodel"
)

const (
	// stackReference is the type by which a program reads the outputs of another stack.
	stackReference = "pulumi:pulumi:StackReference"
	// hashToken asks the relay for the hashes of files. The folders that they may be in follow.
	hashToken = "hash"
)

// serve serves a program at an address until it is closed: at a socket in a folder, which is reached from a namespace
// without a network as well, or where none is given at a port of this host.
func serve(served *monitor, told *engine, dir string) (address string, closed func(), err error) {
	network, at := "tcp", "127.0.0.1:0"
	if dir != "" {
		network, at = "unix", filepath.Join(dir, apart.Engine)
	}
	listener, err := net.Listen(network, at)
	if err != nil {
		return "", nil, err
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
		served.callbacks.close()
	}, nil
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

func (e *engine) RequirePulumiVersion(context.Context, *pulumirpc.RequirePulumiVersionRequest) (
	*pulumirpc.RequirePulumiVersionResponse, error) {
	return &pulumirpc.RequirePulumiVersionResponse{}, nil // there is no CLI whose version could be too old
}

// monitor takes the registrations of a program, as an engine does.
type monitor struct {
	pulumirpc.UnimplementedResourceMonitorServer
	rec       *recorder
	callbacks callbacks
	// assets are where the program's files are; reading guards it.
	reading sync.Mutex
	assets  *assetFolders

	mu   sync.Mutex
	left int
	stop context.CancelCauseFunc
	// begun and ended tell that the program registered its stack and that stack's outputs, which is its last step.
	begun, ended bool
}

// early tells that a program which ended well did so before its end; empty: it did not.
func (m *monitor) early() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.begun:
		return "it ended with status 0 and registered nothing: it does not call pulumi.Run, or exits before " +
			"anything is registered. A deployment would delete all that there is"
	case !m.ended:
		return "it exited with status 0 in the middle, before its function returned to pulumi.Run. A deployment " +
			"would delete all that it had not registered by then"
	}
	return ""
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
	return plugin.UnmarshalProperties(s,
		plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true})
}

func sent(m resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(m,
		plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true})
}

// hashed has every file within properties know its hash, as with an engine.
func hashed(s *structpb.Struct, assets *assetFolders) (*structpb.Struct, error) {
	properties, err := received(s)
	if err != nil {
		return nil, err
	}
	if err := assets.hash(resource.NewProperty(properties)); err != nil {
		return nil, err
	}
	return sent(properties)
}

// holdsFiles reports whether there is a file or an archive within a value.
func holdsFiles(v resource.PropertyValue) bool {
	switch {
	case v.IsAsset(), v.IsArchive():
		return true
	case v.IsSecret():
		return holdsFiles(v.SecretValue().Element)
	case v.IsArray():
		return slices.ContainsFunc(v.ArrayValue(), holdsFiles)
	case v.IsObject():
		for _, e := range v.ObjectValue() {
			if holdsFiles(e) {
				return true
			}
		}
	}
	return false
}

// inputs are those of a registration, with the hashes of files.
func (m *monitor) inputs(ctx context.Context, req *pulumirpc.RegisterResourceRequest) (resource.PropertyMap, error) {
	inputs, err := received(req.GetObject())
	if err != nil || !holdsFiles(resource.NewProperty(inputs)) {
		return inputs, err
	}
	var object *structpb.Struct
	if m.callbacks.relay != "" {
		object = &structpb.Struct{}
		err = m.callbacks.hash(ctx, m.assets, req.GetObject(), object)
	} else {
		m.reading.Lock()
		object, err = hashed(req.GetObject(), m.assets)
		m.reading.Unlock()
	}
	if err != nil {
		return nil, fmt.Errorf("reading what %s %s takes: %w", req.GetType(), req.GetName(), err)
	}
	return received(object)
}

// features are what an engine can do that the recorder does as well. Outputs are no values of their own: of what runs
// elsewhere, to which alone they would be passed, nothing is known.
var features = []string{"secrets", "resourceReferences", "aliasSpecs", "deletedWith", "replaceWith",
	"replacementTrigger", "transforms", "invokeTransforms", "parameterization", "resourceHooks", "errorHooks"}

// SupportsFeature implements pulumirpc.ResourceMonitorServer, as do the methods that follow.
func (m *monitor) SupportsFeature(_ context.Context,
	req *pulumirpc.SupportsFeatureRequest) (*pulumirpc.SupportsFeatureResponse, error) {
	return &pulumirpc.SupportsFeatureResponse{HasSupport: slices.Contains(features, req.GetId())}, nil
}

func (m *monitor) Invoke(ctx context.Context, req *pulumirpc.ResourceInvokeRequest) (*pulumirpc.InvokeResponse,
	error) {
	if err := m.callbacks.transformInvoke(ctx, req); err != nil {
		return nil, err
	}
	args, err := received(req.GetArgs())
	if err != nil {
		return nil, err
	}
	if req.GetTok() == "pulumi:pulumi:getResource" {
		return m.rec.registered(awsmodel.Text(args["urn"]))
	}
	answer, err := m.rec.call(req.GetTok(), req.GetProvider(), args)
	if err != nil {
		return nil, err
	}
	out, err := sent(answer)
	return &pulumirpc.InvokeResponse{Return: out}, err
}

// registered answers what a resource is that the program knows by its URN alone.
func (rec *recorder) registered(urn string) (*pulumirpc.InvokeResponse, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, reg := range rec.registrations {
		parent := reg.register.GetParent() + reg.read.GetParent()
		if rec.urn(parent, reg.token, reg.name) != urn {
			continue
		}
		out, err := sent(resource.PropertyMap{"urn": resource.NewProperty(urn), "id": resource.NewProperty(reg.id),
			"state": resource.NewProperty(reg.outputs)})
		return &pulumirpc.InvokeResponse{Return: out}, err
	}
	return nil, fmt.Errorf("there is no resource %s", urn)
}

func (m *monitor) Call(_ context.Context, req *pulumirpc.ResourceCallRequest) (*pulumirpc.CallResponse, error) {
	args, err := received(req.GetArgs())
	if err != nil {
		return nil, err
	}
	m.rec.gap(Gap{Kind: GapMethod, Name: req.GetTok(), Of: of(args, providerURN(req.GetProvider()))})
	out, err := sent(unknown())
	return &pulumirpc.CallResponse{Return: out}, err
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
	_, outputs, err := m.rec.add(asked{token: req.GetType(), name: req.GetName(), given: properties,
		inputs: m.rec.unknowns(properties), id: req.GetId(), read: req})
	if err != nil {
		return nil, err
	}
	out, err := sent(outputs)
	return &pulumirpc.ReadResourceResponse{Urn: m.rec.urn(req.GetParent(), req.GetType(), req.GetName()),
		Properties: out}, err
}

func (m *monitor) RegisterResource(ctx context.Context,
	req *pulumirpc.RegisterResourceRequest) (*pulumirpc.RegisterResourceResponse, error) {
	if err := m.take(req); err != nil {
		return nil, err
	}
	urn := m.rec.urn(req.GetParent(), req.GetType(), req.GetName())
	if tokens.Type(req.GetType()) == resource.RootStackType {
		m.mu.Lock()
		m.begun = true
		m.mu.Unlock()
		return &pulumirpc.RegisterResourceResponse{Urn: urn}, nil
	}
	m.rec.inherit(req)
	if err := m.callbacks.transform(ctx, m.rec, urn, req); err != nil {
		return nil, err
	}
	inputs, err := m.inputs(ctx, req)
	if err == nil && req.GetCustom() {
		inputs, err = documents(req.GetType(), inputs)
	}
	if err != nil {
		return nil, err
	}
	asking := inputs
	inputs = m.rec.unknowns(inputs)
	aliases := m.rec.aliases(req)
	m.rec.keep(urn, req, aliases)
	id, outputs, err := m.rec.add(asked{token: req.GetType(), name: req.GetName(), given: asking, inputs: inputs,
		id: req.GetImportId(), custom: req.GetCustom(), register: req, aliases: aliases,
		questions: questions(asking, inputs)})
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
	m.mu.Lock()
	m.ended = true
	m.mu.Unlock()
	exports := m.rec.unknowns(outputs)
	m.rec.mu.Lock()
	defer m.rec.mu.Unlock()
	m.rec.exports = exports
	return &emptypb.Empty{}, nil
}

func (m *monitor) RegisterStackTransform(_ context.Context, cb *pulumirpc.Callback) (*emptypb.Empty, error) {
	m.callbacks.mu.Lock()
	defer m.callbacks.mu.Unlock()
	m.callbacks.stack = append(m.callbacks.stack, cb)
	return &emptypb.Empty{}, nil
}

func (m *monitor) RegisterStackInvokeTransform(_ context.Context, cb *pulumirpc.Callback) (*emptypb.Empty, error) {
	m.callbacks.mu.Lock()
	defer m.callbacks.mu.Unlock()
	m.callbacks.invokes = append(m.callbacks.invokes, cb)
	return &emptypb.Empty{}, nil
}

// RegisterResourceHook takes a function that runs beside a step of a deployment. A preview runs those that ask for it;
// here none does, because nothing is made.
func (m *monitor) RegisterResourceHook(context.Context, *pulumirpc.RegisterResourceHookRequest) (*emptypb.Empty,
	error) {
	return &emptypb.Empty{}, nil
}

func (m *monitor) RegisterErrorHook(context.Context, *pulumirpc.RegisterErrorHookRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (m *monitor) RegisterPackage(context.Context,
	*pulumirpc.RegisterPackageRequest) (*pulumirpc.RegisterPackageResponse, error) {
	return &pulumirpc.RegisterPackageResponse{Ref: "recorded"}, nil
}

func (m *monitor) SignalAndWaitForShutdown(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

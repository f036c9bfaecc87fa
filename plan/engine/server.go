package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"dossier.example/plan/internal/awsmodel"
)

// packages are the providers that the double stands in for, with the versions that it answers as.
var packages = map[string]string{"aws": "6.83.2", "command": "1.2.0", "random": "4.18.2", "tls": "5.2.0"}

// provider is the double of one provider, as an engine's gRPC calls see it.
type provider struct {
	pulumirpc.UnimplementedResourceProviderServer

	name  string
	cloud *Cloud

	mu sync.Mutex
	// tags are the provider's default tags.
	tags map[string]string
}

// serve starts a provider for each package and returns the value of PULUMI_DEBUG_PROVIDERS. They end with the test.
func serve(t testing.TB, cloud *Cloud) string {
	t.Helper()
	var attached []string
	for name := range packages {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
		pulumirpc.RegisterResourceProviderServer(server, &provider{name: name, cloud: cloud})
		done := make(chan error, 1)
		go func() { done <- server.Serve(listener) }()
		t.Cleanup(func() {
			server.Stop()
			if err := <-done; err != nil {
				t.Errorf("serving the provider %s: %v", name, err)
			}
		})
		attached = append(attached, fmt.Sprintf("%s:%d", name, listener.Addr().(*net.TCPAddr).Port))
	}
	return strings.Join(attached, ",")
}

// known reads properties, with what is secret and what is not known.
func known(s *structpb.Struct) (resource.PropertyMap, error) {
	if s == nil {
		return resource.PropertyMap{}, nil
	}
	return plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true,
		KeepResources: true, SkipNulls: true, ComputeAssetHashes: true})
}

// both reads the two sides of a comparison.
func both(olds, news *structpb.Struct) (was, is resource.PropertyMap, err error) {
	if was, err = known(olds); err != nil {
		return nil, nil, err
	}
	is, err = known(news)
	return was, is, err
}

func sent(m resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(m, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true,
		ComputeAssetHashes: true})
}

// GetPluginInfo implements pulumirpc.ResourceProviderServer, as do the methods that follow.
func (p *provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: packages[p.name]}, nil
}

func (p *provider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (p *provider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (p *provider) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news, err := known(req.GetNews())
	if err != nil {
		return nil, err
	}
	var faults faults
	allowed := map[string]bool{"version": true, "pluginDownloadURL": true}
	if p.name == "aws" {
		// The last three are what pulumi-aws sets by itself for a provider of the program.
		for _, key := range []string{"region", "defaultTags", "skipCredentialsValidation", "skipMetadataApiCheck",
			"skipRegionValidation"} {
			allowed[key] = true
		}
	}
	for key := range news {
		if !allowed[string(key)] {
			faults.add(string(key),
				"is no configuration of %s that is known here: add it to CheckConfig in plan/engine/server.go", p.name)
		}
	}
	if region := awsmodel.Text(news["region"]); p.name == "aws" && region == "" {
		faults.add("region", "is required: set aws:region")
	}
	return &pulumirpc.CheckResponse{Inputs: req.GetNews(), Failures: faults}, nil
}

func (p *provider) DiffConfig(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news, err := both(req.GetOlds(), req.GetNews())
	if err != nil {
		return nil, err
	}
	if len(changedKeys(olds, news)) == 0 {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_SOME, Diffs: changedKeys(olds, news)}, nil
}

func (p *provider) Configure(_ context.Context, req *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	args, err := known(req.GetArgs())
	if err != nil {
		return nil, err
	}
	if p.name == "aws" {
		if err := p.configure(args); err != nil {
			return nil, err
		}
	}
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true, AcceptResources: true}, nil
}

func (p *provider) configure(args resource.PropertyMap) error {
	p.cloud.mu.Lock()
	if !p.cloud.loose {
		p.cloud.model.Region = awsmodel.Text(args["region"])
	}
	p.cloud.mu.Unlock()
	tags := map[string]string{}
	if v := awsmodel.Plain(args["defaultTags"]); v.IsString() {
		// Within a provider's configuration, objects are JSON.
		var set struct{ Tags map[string]string }
		if err := json.Unmarshal([]byte(v.StringValue()), &set); err != nil {
			return fmt.Errorf("defaultTags: %w", err)
		}
		tags = set.Tags
	} else if v.IsObject() {
		set, _ := look{in: resource.PropertyMap{"defaultTags": v}}.object("defaultTags")
		if given, has := set.object("tags"); has {
			for key := range given.in {
				tags[string(key)] = given.textOr(string(key))
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tags = tags
	return nil
}

func (p *provider) Invoke(_ context.Context, req *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	args, err := known(req.GetArgs())
	if err != nil {
		return nil, err
	}
	answer, err := p.cloud.invoke(req.GetTok(), args)
	if err != nil {
		return nil, err
	}
	out, err := sent(answer)
	return &pulumirpc.InvokeResponse{Return: out}, err
}

func (p *provider) Check(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	urn := resource.URN(req.GetUrn())
	token := string(urn.Type())
	olds, news, err := both(req.GetOlds(), req.GetNews())
	if err != nil {
		return nil, err
	}
	inputs, failures, err := p.check(token, urn.Name(), olds, news, req.GetRandomSeed())
	if err != nil {
		return nil, err
	}
	out, err := sent(inputs)
	return &pulumirpc.CheckResponse{Inputs: out, Failures: failures}, err
}

// check returns the inputs with what the provider fills in, and what is wrong with them.
func (p *provider) check(token, name string, olds, news resource.PropertyMap, seed []byte) (resource.PropertyMap,
	faults, error) {
	k, known := p.cloud.kind(token)
	if !known {
		return nil, nil, fmt.Errorf("the type %s is not known here: add it to kinds in plan/engine/types.go, its "+
			"references to references.go, and its limits", token)
	}
	var found faults
	inputs := news.Copy()
	delete(inputs, defaultsKey)
	if !p.cloud.loose {
		checkTypes(k, inputs, &found)
	}
	if len(found) > 0 {
		return news, found, nil // the other rules would read what is not what it should be
	}
	p.addTags(k, inputs)
	var defaults []resource.PropertyValue
	if property := resource.PropertyKey(awsmodel.Names(token).Property); property != "" && inputs[property].IsNull() {
		made := olds[property]
		if !made.IsString() {
			sum := sha256.Sum256(append(seed, token+name...))
			made = resource.NewProperty(awsmodel.AutoName(token, name, hex.EncodeToString(sum[:])[:7]))
		}
		inputs[property] = made
		defaults = append(defaults, resource.NewProperty(string(property)))
	}
	if !p.cloud.loose {
		checkLimits(token, inputs, &found)
	}
	inputs[defaultsKey] = resource.NewProperty(append([]resource.PropertyValue{}, defaults...))
	if !strings.HasPrefix(token, "aws:") {
		delete(inputs, defaultsKey)
	}
	return inputs, found, nil
}

// addTags puts the provider's default tags below those of the resource, as the provider does before anything else.
func (p *provider) addTags(k kind, inputs resource.PropertyMap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.tags) == 0 || k.args == nil {
		return
	}
	// The tags of a group are a list, which the provider leaves alone.
	if tags, has := properties(argsType(k.args))["tags"]; !has || tags.kind.Kind().String() != "map" {
		return
	}
	merged := resource.PropertyMap{}
	for key, v := range p.tags {
		merged[resource.PropertyKey(key)] = resource.NewProperty(v)
	}
	if own := awsmodel.Plain(inputs["tags"]); own.IsObject() {
		maps.Copy(merged, own.ObjectValue())
	}
	inputs["tags"] = resource.NewProperty(merged)
}

func (p *provider) Diff(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, news, err := both(req.GetOldInputs(), req.GetNews())
	if err != nil {
		return nil, err
	}
	token := string(resource.URN(req.GetUrn()).Type())
	k, _ := p.cloud.kind(token)
	return differ(k, token, olds, news), nil
}

func (p *provider) Create(_ context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	urn := resource.URN(req.GetUrn())
	inputs, err := known(req.GetProperties())
	if err != nil {
		return nil, err
	}
	if req.GetPreview() {
		out, err := sent(p.cloud.foresee(urn, inputs))
		return &pulumirpc.CreateResponse{Properties: out}, err
	}
	id, outputs, err := p.cloud.create(urn, inputs)
	if err != nil {
		return nil, failure(err)
	}
	out, err := sent(outputs)
	return &pulumirpc.CreateResponse{Id: id, Properties: out}, err
}

// foresee are the outputs of a resource that is not there yet: what AWS adds is not known.
func (c *Cloud) foresee(urn resource.URN, inputs resource.PropertyMap) resource.PropertyMap {
	c.mu.Lock()
	defer c.mu.Unlock()
	outputs := inputs.Copy()
	delete(outputs, defaultsKey)
	for _, key := range c.model.Computed(string(urn.Type()), urn.Name(), outputs) {
		outputs[resource.PropertyKey(key)] = resource.MakeComputed(resource.NewProperty(""))
	}
	return outputs
}

// failure tells an engine of an error. Of one after its effect it tells what there is now, so that the state keeps it.
func failure(err error) error {
	var there *partial
	if !errors.As(err, &there) {
		return status.Error(codes.Unknown, err.Error())
	}
	outputs, marshalErr := sent(there.outputs)
	if marshalErr != nil {
		return marshalErr
	}
	inputs, marshalErr := sent(there.inputs)
	if marshalErr != nil {
		return marshalErr
	}
	detailed, detailErr := status.New(codes.Unknown, there.reason).WithDetails(&pulumirpc.ErrorResourceInitFailed{
		Id: there.id, Properties: outputs, Reasons: []string{there.reason}, Inputs: inputs,
	})
	if detailErr != nil {
		return detailErr
	}
	return detailed.Err()
}

func (p *provider) Read(_ context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	inputs, outputs, found := p.cloud.read(resource.URN(req.GetUrn()), req.GetId())
	if !found {
		return &pulumirpc.ReadResponse{}, nil
	}
	in, err := sent(inputs)
	if err != nil {
		return nil, err
	}
	out, err := sent(outputs)
	return &pulumirpc.ReadResponse{Id: req.GetId(), Inputs: in, Properties: out}, err
}

func (p *provider) Update(_ context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	urn := resource.URN(req.GetUrn())
	olds, news, err := both(req.GetOldInputs(), req.GetNews())
	if err != nil {
		return nil, err
	}
	if req.GetPreview() {
		oldOutputs, err := known(req.GetOlds())
		if err != nil {
			return nil, err
		}
		out, err := sent(foresee(string(urn.Type()), olds, oldOutputs, news))
		return &pulumirpc.UpdateResponse{Properties: out}, err
	}
	outputs, err := p.cloud.update(urn, req.GetId(), olds, news)
	if err != nil {
		return nil, failure(err)
	}
	out, err := sent(outputs)
	return &pulumirpc.UpdateResponse{Properties: out}, err
}

func (p *provider) Delete(_ context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	if err := p.cloud.delete(resource.URN(req.GetUrn()), req.GetId(),
		time.Duration(req.GetTimeout()*float64(time.Second))); err != nil {
		return nil, failure(err)
	}
	return &emptypb.Empty{}, nil
}

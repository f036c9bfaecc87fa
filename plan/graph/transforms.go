package graph

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// callbacks are the functions of the program that a registration goes through before it counts.
type callbacks struct {
	// relay is the address of who passes calls on to a program that this process does not reach; empty: it does.
	relay string

	mu       sync.Mutex
	conns    map[string]*grpc.ClientConn
	stack    []*pulumirpc.Callback
	invokes  []*pulumirpc.Callback
	ofParent map[string][]*pulumirpc.Callback
}

// call runs a function of the program.
func (c *callbacks) call(ctx context.Context, cb *pulumirpc.Callback, request, response proto.Message) error {
	raw, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	target, token := cb.GetTarget(), cb.GetToken()
	if c.relay != "" {
		target, token = c.relay, cb.GetTarget()+" "+cb.GetToken()
	}
	conn, err := c.conn(target)
	if err != nil {
		return err
	}
	answer, err := pulumirpc.NewCallbacksClient(conn).Invoke(ctx,
		&pulumirpc.CallbackInvokeRequest{Token: token, Request: raw})
	if err != nil {
		return err
	}
	return proto.Unmarshal(answer.GetResponse(), response)
}

func (c *callbacks) conn(target string) (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn := c.conns[target]; conn != nil {
		return conn, nil
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestMessage), grpc.MaxCallSendMsgSize(largestMessage)))
	if err != nil {
		return nil, fmt.Errorf("reaching the program at %s: %w", target, err)
	}
	if c.conns == nil {
		c.conns = map[string]*grpc.ClientConn{}
	}
	c.conns[target] = conn
	return conn, nil
}

func (c *callbacks) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// of are the transforms of a registration in the order in which the engine runs them: its own, those of the resources
// that it belongs to, those of the stack.
func (c *callbacks) of(rec *recorder, urn string, req *pulumirpc.RegisterResourceRequest) []*pulumirpc.Callback {
	rec.mu.Lock()
	var chain []string
	for parent := req.GetParent(); parent != "" && !slices.Contains(chain, parent); {
		chain = append(chain, parent)
		parent = rec.requests[parent].GetParent()
	}
	rec.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ofParent == nil {
		c.ofParent = map[string][]*pulumirpc.Callback{}
	}
	own := req.GetTransforms()
	c.ofParent[urn] = own
	found := slices.Clone(own)
	for _, parent := range chain {
		found = append(found, c.ofParent[parent]...)
	}
	return append(found, c.stack...)
}

// everything is how properties pass from and to the program with all that is known of them.
var everything = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true,
	KeepOutputValues: true}

// transform puts what the program's transforms make of a registration in its place. What it depends on then is what its
// properties come from.
func (c *callbacks) transform(ctx context.Context, rec *recorder, urn string,
	req *pulumirpc.RegisterResourceRequest) error {
	list := c.of(rec, urn, req)
	if len(list) == 0 {
		return nil
	}
	properties, err := plugin.UnmarshalProperties(req.GetObject(), everything)
	if err != nil {
		return err
	}
	options := transformOptions(req)
	for key, from := range req.GetPropertyDependencies() {
		name := resource.PropertyKey(key)
		if v, has := properties[name]; has && len(from.GetUrns()) > 0 {
			properties[name] = comesFrom(v, from.GetUrns())
		}
	}
	object, err := plugin.MarshalProperties(properties, everything)
	if err != nil {
		return err
	}
	for _, cb := range list {
		var answer pulumirpc.TransformResponse
		if err := c.call(ctx, cb, &pulumirpc.TransformRequest{Type: req.GetType(), Name: req.GetName(),
			Custom: req.GetCustom(), Parent: req.GetParent(), Properties: object, Options: options},
			&answer); err != nil {
			return fmt.Errorf("running a transform of %s: %w", urn, err)
		}
		if answer.GetProperties() != nil {
			object = answer.GetProperties()
		}
		if answer.GetOptions() != nil {
			options = answer.GetOptions()
		}
	}
	return transformed(req, object, options)
}

// transformed is what a registration is after its transforms.
func transformed(req *pulumirpc.RegisterResourceRequest, object *structpb.Struct,
	options *pulumirpc.TransformResourceOptions) error {
	properties, err := plugin.UnmarshalProperties(object, everything)
	if err != nil {
		return err
	}
	all := map[string]bool{}
	for _, urn := range options.GetDependsOn() {
		all[urn] = true
	}
	// The SDK of Go does not send back what properties come from; those that stay come from what they came from.
	before := req.GetPropertyDependencies()
	req.PropertyDependencies = map[string]*pulumirpc.RegisterResourceRequest_PropertyDependencies{}
	for key, v := range properties {
		from := map[string]bool{}
		sources(v, from)
		if len(from) == 0 {
			for _, urn := range before[string(key)].GetUrns() {
				from[urn] = true
			}
		}
		maps.Copy(all, from)
		req.PropertyDependencies[string(key)] = &pulumirpc.RegisterResourceRequest_PropertyDependencies{
			Urns: slices.Sorted(maps.Keys(from))}
		properties[key] = withoutOutputs(v)
	}
	if req.Object, err = sent(properties); err != nil {
		return err
	}
	req.Dependencies = slices.Sorted(maps.Keys(all))
	req.AliasURNs, req.Aliases = nil, options.GetAliases()
	req.ImportId, req.Protect = options.GetImport(), options.Protect
	req.IgnoreChanges, req.ReplaceOnChanges = options.GetIgnoreChanges(), options.GetReplaceOnChanges()
	req.ReplacementTrigger, req.Version = options.GetReplacementTrigger(), options.GetVersion()
	req.Provider, req.Providers = options.GetProvider(), options.GetProviders()
	req.RetainOnDelete, req.DeletedWith = options.RetainOnDelete, options.GetDeletedWith()
	req.ReplaceWith = options.GetReplaceWith()
	req.DeleteBeforeReplace = options.GetDeleteBeforeReplace()
	req.DeleteBeforeReplaceDefined = options.DeleteBeforeReplace != nil
	req.AdditionalSecretOutputs = options.GetAdditionalSecretOutputs()
	return nil
}

// transformOptions are the options of a registration as transforms see them.
func transformOptions(req *pulumirpc.RegisterResourceRequest) *pulumirpc.TransformResourceOptions {
	options := &pulumirpc.TransformResourceOptions{
		DependsOn: req.GetDependencies(), Protect: req.Protect, IgnoreChanges: req.GetIgnoreChanges(),
		ReplaceOnChanges: req.GetReplaceOnChanges(), Version: req.GetVersion(), Aliases: req.GetAliases(),
		Provider: req.GetProvider(), Providers: req.GetProviders(), CustomTimeouts: req.GetCustomTimeouts(),
		PluginDownloadUrl: req.GetPluginDownloadURL(), RetainOnDelete: req.RetainOnDelete,
		DeletedWith: req.GetDeletedWith(), AdditionalSecretOutputs: req.GetAdditionalSecretOutputs(),
		Hooks: req.GetHooks(), Import: req.GetImportId(), HideDiff: req.GetHideDiffs(),
		ReplaceWith: req.GetReplaceWith(), ReplacementTrigger: req.GetReplacementTrigger(),
	}
	for _, urn := range req.GetAliasURNs() {
		options.Aliases = append(options.Aliases, &pulumirpc.Alias{Alias: &pulumirpc.Alias_Urn{Urn: urn}})
	}
	if req.GetDeleteBeforeReplaceDefined() || req.GetDeleteBeforeReplace() {
		options.DeleteBeforeReplace = proto.Bool(req.GetDeleteBeforeReplace())
	}
	return options
}

// comesFrom is a value with what it comes from.
func comesFrom(v resource.PropertyValue, urns []string) resource.PropertyValue {
	out := resource.Output{Element: v, Known: true}
	switch {
	case v.IsOutput():
		out = v.OutputValue()
	case v.IsSecret():
		out = resource.Output{Element: v.SecretValue().Element, Known: true, Secret: true}
	case v.IsComputed():
		out = resource.Output{}
	}
	if out.Element.IsComputed() {
		out.Element, out.Known = resource.NewNullProperty(), false
	}
	for _, urn := range urns {
		if !slices.Contains(out.Dependencies, resource.URN(urn)) {
			out.Dependencies = append(out.Dependencies, resource.URN(urn))
		}
	}
	return resource.NewProperty(out)
}

// sources collects the URNs that a value comes from.
func sources(v resource.PropertyValue, found map[string]bool) {
	switch {
	case v.IsOutput():
		for _, urn := range v.OutputValue().Dependencies {
			found[string(urn)] = true
		}
		sources(v.OutputValue().Element, found)
	case v.IsSecret():
		sources(v.SecretValue().Element, found)
	case v.IsArray():
		for _, e := range v.ArrayValue() {
			sources(e, found)
		}
	case v.IsObject():
		for _, e := range v.ObjectValue() {
			sources(e, found)
		}
	}
}

// withoutOutputs is a value in which secrets and unknown values are marked, and nothing tells where they come from.
func withoutOutputs(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsOutput():
		out, plain := v.OutputValue(), resource.MakeComputed(resource.NewProperty(""))
		if out.Known {
			plain = withoutOutputs(out.Element)
		}
		if out.Secret {
			return resource.MakeSecret(plain)
		}
		return plain
	case v.IsSecret():
		return resource.MakeSecret(withoutOutputs(v.SecretValue().Element))
	case v.IsArray():
		list := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			list[i] = withoutOutputs(e)
		}
		return resource.NewProperty(list)
	case v.IsObject():
		object := make(resource.PropertyMap, len(v.ObjectValue()))
		for key, e := range v.ObjectValue() {
			object[key] = withoutOutputs(e)
		}
		return resource.NewProperty(object)
	}
	return v
}

// transformInvoke puts what the stack's transforms of functions make of a call in its place.
func (c *callbacks) transformInvoke(ctx context.Context, req *pulumirpc.ResourceInvokeRequest) error {
	c.mu.Lock()
	list := slices.Clone(c.invokes)
	c.mu.Unlock()
	for _, cb := range list {
		var answer pulumirpc.TransformInvokeResponse
		if err := c.call(ctx, cb, &pulumirpc.TransformInvokeRequest{Token: req.GetTok(), Args: req.GetArgs(),
			Options: &pulumirpc.TransformInvokeOptions{Provider: req.GetProvider(), Version: req.GetVersion()}},
			&answer); err != nil {
			return fmt.Errorf("running a transform of the function %s: %w", req.GetTok(), err)
		}
		if answer.GetArgs() != nil {
			req.Args = answer.GetArgs()
		}
	}
	return nil
}

package graph

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"dossier.example/plan/internal/awsmodel"
)

// Record runs a Pulumi program without a cloud and makes a graph of what it registers. project and stack are what the
// program finds as its own; config is its configuration by full key, such as aws:region, where a value that is an
// object is JSON, such as that of dossier:settings. What AWS would answer is made up from the inputs alone, so that the
// same program and configuration give the same graph. The error is the program's own, or tells of what an engine would
// refuse: two resources of one name, a file that is not there.
func Record(project, stack string, config map[string]string, program pulumi.RunFunc) (*Graph, error) {
	return RecordAfter(Before{}, project, stack, config, program)
}

// RecordAfter is Record of a program that comes after another one: what is there already keeps its id and what AWS made
// for it, unless before tells that it is made anew.
func RecordAfter(before Before, project, stack string, config map[string]string, program pulumi.RunFunc) (*Graph,
	error) {
	m := modelOf(config)
	m.before = before
	return record(project, stack, config, program, m)
}

// Before is the deployment that a recording comes after. The zero value is an empty account.
type Before struct {
	Graph *Graph
	// Renew tells what becomes of a resource that Graph has, before the program goes on with what it is then; it is
	// needed with Graph. The inputs of now hold no secrets, but what a graph masks for repeating one may still stand
	// there.
	Renew func(old, now *Resource) Renewal
}

// Renewal is what is made anew of a resource that was there.
type Renewal struct {
	// Replaced tells that another resource takes its place, with an id, a name and outputs of its own.
	Replaced bool
	// Outputs are names of outputs that get another value while the resource stays.
	Outputs []string
}

// modelOf is the model in the region of a configuration.
func modelOf(config map[string]string) model {
	aws := awsmodel.Default()
	if region := config["aws:region"]; region != "" {
		aws.Region = region
	}
	return model{compute: aws.Compute, invoke: aws.Invoke}
}

// model stands in for the providers: what they would answer. Its answers depend on nothing but its arguments.
type model struct {
	compute func(token, name string, inputs resource.PropertyMap) (id string, outputs resource.PropertyMap)
	invoke  func(token string, args resource.PropertyMap) (resource.PropertyMap, error)
	before  Before
}

// exportsToken is the type of the component that carries the stack's outputs to the recorder: the engine is told of
// them in a call that mocks do not pass on, while the inputs of a component come with their marks.
const exportsToken = "plan:graph:Exports"

// record runs the program and makes a graph of what it registered.
func record(project, stack string, config map[string]string, program pulumi.RunFunc, m model) (*Graph, error) {
	rec := &recorder{project: project, stack: stack, model: m, assets: assetFolders{left: mostHashed}}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		if err := program(ctx); err != nil {
			return err
		}
		var exports pulumi.ResourceState
		return ctx.RegisterComponentResourceV2(exportsToken, "exports", pulumi.Map(ctx.GetCurrentExportMap()), &exports)
	},
		pulumi.WithMocks(project, stack, rec),
		// What an engine would set in the environment must not leak from the caller's into the graph.
		func(info *pulumi.RunInfo) {
			info.Config, info.ConfigSecretKeys = config, nil
			info.DryRun, info.Parallel, info.Organization = false, 0, "organization"
		},
	)
	if err != nil {
		return nil, fmt.Errorf("recording the resources of stack %s: %w", stack, err)
	}
	g, err := rec.graph()
	if err != nil {
		return nil, fmt.Errorf("recording the resources of stack %s: %w", stack, err)
	}
	return g, nil
}

// recorder answers the program from the model and keeps every registration as it came.
type recorder struct {
	project, stack string
	model          model
	assets         assetFolders
	// root is the folder of the repository, if the lines of it that register resources are to be found.
	root string

	mu            sync.Mutex
	registrations []registration
	exports       resource.PropertyMap
}

type registration struct {
	args    pulumi.MockResourceArgs
	id      string
	outputs resource.PropertyMap
}

// NewResource is called from several goroutines in any order; the graph sorts.
func (rec *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if args.TypeToken == exportsToken {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.exports = args.Inputs
		return "", resource.PropertyMap{}, nil
	}
	rec.mu.Lock()
	err := rec.assets.hash(resource.NewProperty(args.Inputs))
	rec.mu.Unlock()
	if err != nil {
		return "", nil, fmt.Errorf("reading what %s %s takes: %w", args.TypeToken, args.Name, err)
	}
	id, outputs := "", args.Inputs.Copy()
	if custom := args.Custom || args.ReadRPC != nil; custom {
		id, outputs = rec.compute(args)
		if args.ID != "" {
			id = args.ID
		}
		if id == "" {
			return "", nil, fmt.Errorf("the model of the provider gives %s %s no id", args.TypeToken, args.Name)
		}
		outputs = markSecrets(outputs, args)
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.registrations = append(rec.registrations, registration{args: args, id: id, outputs: outputs})
	return id, outputs, nil
}

// compute asks the model what a custom resource becomes, after what was there before.
func (rec *recorder) compute(args pulumi.MockResourceArgs) (string, resource.PropertyMap) {
	token, name := args.TypeToken, args.Name
	id, outputs := rec.model.compute(token, name, args.Inputs)
	before := rec.model.before
	if before.Graph == nil || args.ReadRPC != nil {
		return id, outputs
	}
	reg := registration{args: args, id: id, outputs: outputs}
	now := rec.resource(reg)
	reveal(now, reg)
	old := before.Graph.Was(now)
	if old == nil {
		return id, outputs
	}
	renewal := before.Renew(old, now)
	if renewal.Replaced {
		return rec.model.compute(token, awsmodel.Incarnation(old.Name, 2), args.Inputs)
	}
	if old.Name != name { // by an alias
		_, outputs = rec.model.compute(token, old.Name, args.Inputs)
	}
	for _, name := range renewal.Outputs {
		key := resource.PropertyKey(name)
		switch v := outputs[key]; {
		case v.IsNumber():
			outputs[key] = resource.NewProperty(v.NumberValue() + 1)
		case v.IsString() && v.StringValue() != "":
			outputs[key] = resource.NewProperty(v.StringValue() + "-renewed")
		}
	}
	return old.ID, outputs
}

// markSecrets does to outputs what an engine does: those that the resource declares as secret are, and those that
// repeat a secret input.
func markSecrets(outputs resource.PropertyMap, args pulumi.MockResourceArgs) resource.PropertyMap {
	marked := outputs.Copy()
	secret := func(key resource.PropertyKey) {
		if v, has := marked[key]; has && !v.IsSecret() {
			marked[key] = resource.MakeSecret(v)
		}
	}
	for _, key := range args.RegisterRPC.GetAdditionalSecretOutputs() {
		secret(resource.PropertyKey(key))
	}
	for _, key := range args.ReadRPC.GetAdditionalSecretOutputs() {
		secret(resource.PropertyKey(key))
	}
	for key, v := range args.Inputs {
		if v.ContainsSecrets() {
			secret(key)
		}
	}
	return marked
}

func (rec *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return rec.model.answer(args.Token, args.Args)
}

// answer is what a function of the provider answers: for subnets, those that were there before, else what the model
// says.
func (m model) answer(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
	if m.before.Graph == nil {
		return m.invoke(token, args)
	}
	switch token {
	case "aws:ec2/getSubnets:getSubnets":
		out, err := m.invoke(token, args)
		if err != nil {
			return nil, err
		}
		var ids []resource.PropertyValue
		for _, subnet := range m.before.Graph.ByType(tokenSubnet) {
			if matches(subnet, args["filters"]) {
				ids = append(ids, resource.NewProperty(subnet.ID))
			}
		}
		out["ids"] = resource.NewProperty(ids)
		return out, nil
	case "aws:ec2/getSubnet:getSubnet":
		if subnet := m.before.Graph.ByID(tokenSubnet, awsmodel.Text(args["id"])); subnet != nil {
			out := resource.PropertyMap{"id": args["id"]}
			for _, key := range []string{"arn", "availabilityZone", "cidrBlock", "vpcId"} {
				out[resource.PropertyKey(key)] = resource.NewProperty(Text(subnet.Output(key)))
			}
			return out, nil
		}
	}
	return m.invoke(token, args)
}

// matches reports whether a resource has the tags that filters ask for. Other filters match nothing.
func matches(r *Resource, filters resource.PropertyValue) bool {
	for _, filter := range elements(filters) {
		object := awsmodel.Plain(filter).ObjectValue()
		tag, is := strings.CutPrefix(awsmodel.Text(object["name"]), "tag:")
		if !is || !slices.ContainsFunc(elements(object["values"]), func(v resource.PropertyValue) bool {
			return awsmodel.Text(v) == Text(r.Input("tags."+tag))
		}) {
			return false
		}
	}
	return true
}

func elements(v resource.PropertyValue) []resource.PropertyValue {
	if v = awsmodel.Plain(v); !v.IsArray() {
		return nil
	}
	return v.ArrayValue()
}

func (rec *recorder) graph() (*Graph, error) {
	secrets := rec.secrets()
	var leaks []Leak
	resources := make([]*Resource, 0, len(rec.registrations))
	for _, reg := range rec.registrations {
		r := rec.resource(reg)
		reveal(r, reg)
		for property, v := range r.Inputs {
			Walk(property, v, func(path string, v any) {
				if text, is := v.(string); is && secrets.within(text) {
					leaks = append(leaks, Leak{URN: r.URN, Property: path})
				}
			})
		}
		secrets.mask(r.Inputs)
		secrets.mask(r.Outputs)
		resources = append(resources, r)
	}
	g, err := New(rec.project, rec.stack, resources...)
	if err != nil {
		return nil, err
	}
	g.Exports = plainMap(rec.exports)
	Walk("", g.Exports, func(path string, v any) {
		if text, is := v.(string); is && secrets.within(text) {
			leaks = append(leaks, Leak{Property: path})
		}
	})
	secrets.mask(g.Exports)
	slices.SortFunc(leaks, func(a, b Leak) int {
		return cmp.Or(cmp.Compare(a.URN, b.URN), cmp.Compare(a.Property, b.Property))
	})
	g.Leaks = leaks
	for _, r := range g.Resources {
		for _, urn := range r.Dependencies {
			if g.ByURN(urn) == nil && !strings.Contains(urn, string(resource.RootStackType)+"::") {
				err = errors.Join(err, fmt.Errorf("%s depends on %s, which is not in the graph", r.URN, urn))
			}
		}
	}
	return g, err
}

func (rec *recorder) resource(reg registration) *Resource {
	r := &Resource{
		Token:   reg.args.TypeToken,
		Name:    reg.args.Name,
		Custom:  reg.args.Custom || reg.args.ReadRPC != nil,
		ID:      reg.id,
		Inputs:  plainMap(reg.args.Inputs),
		Outputs: plainMap(reg.outputs),
		digests: digests(reg.args.Inputs),
	}
	if rpc := reg.args.RegisterRPC; rpc != nil {
		r.Parent = rpc.GetParent()
		r.Dependencies = sorted(rpc.GetDependencies())
		r.PropertyDependencies = map[string][]string{}
		for key, deps := range rpc.GetPropertyDependencies() {
			if urns := sorted(deps.GetUrns()); len(urns) > 0 {
				r.PropertyDependencies[key] = urns
			}
		}
		r.Options = Options{
			Protect:                 rpc.GetProtect(),
			RetainOnDelete:          rpc.GetRetainOnDelete(),
			DeleteBeforeReplace:     rpc.GetDeleteBeforeReplace(),
			IgnoreChanges:           sorted(rpc.GetIgnoreChanges()),
			ReplaceOnChanges:        sorted(rpc.GetReplaceOnChanges()),
			AdditionalSecretOutputs: sorted(rpc.GetAdditionalSecretOutputs()),
			Aliases:                 aliases(rpc),
			Provider:                rpc.GetProvider(),
			Version:                 rpc.GetVersion(),
			DeletedWith:             rpc.GetDeletedWith(),
		}
		r.Source = source(rec.root, rpc.GetSourcePosition(), rpc.GetStackTrace())
	}
	if rpc := reg.args.ReadRPC; rpc != nil {
		r.Read = true
		r.Parent = rpc.GetParent()
		r.Dependencies = sorted(rpc.GetDependencies())
		r.Options.Provider = rpc.GetProvider()
	}
	r.URN = rec.urn(r.Parent, r.Token, r.Name)
	if strings.Contains(r.Parent, "::"+string(resource.RootStackType)+"::") {
		r.Parent = ""
	}
	return r
}

// urn is the engine's name of a resource, by the same rule: the type of the parent is part of it, unless that is the
// stack.
func (rec *recorder) urn(parent, token, name string) string {
	var parentType tokens.Type
	if p := resource.URN(parent); p != "" && p.QualifiedType() != resource.RootStackType {
		parentType = p.QualifiedType()
	}
	return string(resource.NewURN(tokens.QName(rec.stack), tokens.PackageName(rec.project), parentType,
		tokens.Type(token), name))
}

func aliases(rpc *pulumirpc.RegisterResourceRequest) []string {
	list := slices.Clone(rpc.GetAliasURNs())
	for _, a := range rpc.GetAliases() {
		if urn := a.GetUrn(); urn != "" {
			list = append(list, urn)
			continue
		}
		spec := a.GetSpec()
		list = append(list, strings.Join([]string{spec.GetType(), spec.GetName(), spec.GetParentUrn()}, " "))
	}
	return sorted(list)
}

func sorted(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// reveal shows what the SDKs mark as secret although it is not: the value of a Parameter Store parameter of type
// String, which is for anyone to read, and of the connection of a remote command all but what signs in. Should a secret
// be among it, the search for leaks finds it there.
func reveal(r *Resource, reg registration) {
	show := func(from resource.PropertyMap, key string, shown map[string]any) {
		v := from[resource.PropertyKey(key)]
		for v.IsSecret() {
			v = v.SecretValue().Element
		}
		if p := plain(v); p != nil {
			shown[key] = p
		}
	}
	for _, to := range []struct {
		from  resource.PropertyMap
		shown map[string]any
	}{{reg.args.Inputs, r.Inputs}, {reg.outputs, r.Outputs}} {
		switch r.Token {
		case "aws:ssm/parameter:Parameter":
			if r.Input("type") == "String" {
				show(to.from, "value", to.shown)
			}
		case "command:remote:Command", "command:remote:CopyToRemote":
			show(to.from, "connection", to.shown)
			maskSignIn(to.shown["connection"])
		}
	}
}

// maskSignIn masks what signs in to a host.
func maskSignIn(connection any) {
	m, is := connection.(map[string]any)
	if !is {
		return
	}
	for _, key := range []string{"password", "privateKey", "privateKeyPassword"} {
		if m[key] != nil {
			m[key] = Secret
		}
	}
	maskSignIn(m["proxy"])
}

// secrets are the texts that must stand nowhere in plain: what packages made to generate secrets give out, and what the
// program hands to a database or to Parameter Store as one.
func (rec *recorder) secrets() secretTexts {
	found := map[string]bool{}
	collect := func(least int, v resource.PropertyValue) {
		inSecrets(v, func(text string) {
			if len(text) >= least {
				found[text] = true
			}
		})
	}
	for _, reg := range rec.registrations {
		token, in := reg.args.TypeToken, reg.args.Inputs
		switch {
		case strings.HasPrefix(token, "random:"), strings.HasPrefix(token, "tls:"):
			for _, v := range reg.outputs {
				collect(8, v)
			}
		case token == "aws:rds/instance:Instance":
			collect(8, in["password"])
		case token == "aws:ssm/parameter:Parameter" && in["type"].IsString() &&
			in["type"].StringValue() == "SecureString":
			// A shorter one may be a word that also stands elsewhere for good reason, such as a user's name.
			collect(20, in["value"])
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// inSecrets visits the texts that a value marks as secret.
func inSecrets(v resource.PropertyValue, visit func(string)) {
	var walk func(v resource.PropertyValue, secret bool)
	walk = func(v resource.PropertyValue, secret bool) {
		switch {
		case v.IsSecret():
			walk(v.SecretValue().Element, true)
		case v.IsOutput():
			walk(v.OutputValue().Element, secret || v.OutputValue().Secret)
		case v.IsString() && secret:
			visit(v.StringValue())
		case v.IsArray():
			for _, e := range v.ArrayValue() {
				walk(e, secret)
			}
		case v.IsObject():
			for _, e := range v.ObjectValue() {
				walk(e, secret)
			}
		}
	}
	walk(v, false)
}

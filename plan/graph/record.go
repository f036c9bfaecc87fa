package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"

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
	// Kept are values that are as they were, whatever the program gives (Kept).
	Kept []Unsettled
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
	return awsIn(cmp.Or(config["aws:region"], awsmodel.Region))
}

// awsIn is the model in a region.
func awsIn(region string) model {
	aws := awsmodel.Default()
	aws.Region = region
	return model{compute: aws.Compute, invoke: aws.Invoke, standIns: aws.StandIns, in: awsIn, region: region}
}

// model stands in for the providers: what they would answer. Its answers depend on nothing but its arguments.
type model struct {
	compute func(qualified, name string, inputs resource.PropertyMap) (id string, outputs resource.PropertyMap)
	invoke  func(token string, args resource.PropertyMap) (resource.PropertyMap, error)
	// standIns are texts for what a function answers that invoke does not know; nil: there are none. in is the model in
	// another region; nil: it has one.
	standIns func(token, of string) (texts map[string]string, lists map[string][]string)
	in       func(region string) model
	region   string
	// anywhere tells that the region is not known.
	anywhere bool
	before   Before
	// sealed are the encrypted values that the program finds in its configuration.
	sealed []string
}

// record runs the program in this process and makes a graph of what it registered.
func record(project, stack string, config map[string]string, program pulumi.RunFunc, m model) (*Graph, error) {
	fail := func(err error) (*Graph, error) {
		return nil, fmt.Errorf("recording the resources of stack %s: %w", stack, err)
	}
	served := &monitor{rec: newRecorder(project, stack, m), left: mostRegistered, stop: func(error) {},
		assets: &assetFolders{left: mostHashed}}
	told := &engine{}
	address, closed, err := serve(served, told, "")
	if err != nil {
		return fail(err)
	}
	defer closed()
	// What an engine would set in the environment must not leak from the caller's into the graph.
	ctx, err := pulumi.NewContext(context.Background(), pulumi.RunInfo{
		Project: project, Stack: stack, Config: config, Organization: "organization", DryRun: true,
		MonitorAddr: address, EngineAddr: address,
	})
	if err != nil {
		return fail(err)
	}
	if err := errors.Join(pulumi.RunWithContext(ctx, program), ctx.Close()); err != nil {
		return fail(err)
	}
	g, err := served.rec.graph()
	if err != nil {
		return fail(err)
	}
	return g, nil
}

// recorder answers the program from the model and keeps every registration as it came.
type recorder struct {
	project, stack string
	model          model
	// root is the folder of the repository, if the lines of it that register resources are to be found.
	root string

	mu            sync.Mutex
	registrations []registration
	exports       resource.PropertyMap
	// requests are the registrations by URN, from which those below them inherit.
	requests map[string]*pulumirpc.RegisterResourceRequest
	// matched are the aliases by which resources continue those that were there, by the URN of now.
	matched map[string]string
	gaps    map[Gap]bool
	// replaced are the URNs of what another resource takes the place of.
	replaced map[string]bool
	// stoodIn are the texts that stand in for answers, listed the lists of them by their first, looked what subnets
	// were looked for.
	stoodIn map[string]bool
	listed  map[string][]string
	looked  []question
}

func newRecorder(project, stack string, m model) *recorder {
	return &recorder{project: project, stack: stack, model: m, matched: map[string]string{}, gaps: map[Gap]bool{},
		replaced: map[string]bool{}, requests: map[string]*pulumirpc.RegisterResourceRequest{},
		stoodIn: map[string]bool{}, listed: map[string][]string{}}
}

// asked is what a program asks for: a resource that it registers, or one that it reads.
type asked struct {
	token, name string
	// id is that of an existing resource, to read or to import.
	id     string
	custom bool
	// given are the inputs with what stands in for answers, which is unknown in inputs.
	given, inputs resource.PropertyMap
	register      *pulumirpc.RegisterResourceRequest
	read          *pulumirpc.ReadResourceRequest
	// aliases are the URNs that the resource may have had, the likeliest first.
	aliases []string
	// questions are hashes of inputs that are unknown for what functions answer, by their names.
	questions map[string]string
}

type registration struct {
	asked
	id      string
	outputs resource.PropertyMap
}

// add keeps a resource and answers what becomes of it. It is called from several goroutines in any order; the graph
// sorts.
func (rec *recorder) add(args asked) (string, resource.PropertyMap, error) {
	id, outputs := "", args.inputs.Copy()
	switch {
	case args.read != nil:
		// What is there is not known here, but for what the program itself tells of it.
		id = args.id
		if args.token == stackReference {
			outputs["name"], outputs["outputs"] = resource.NewProperty(id), resource.NewProperty(resource.PropertyMap{})
			rec.gap(Gap{Kind: GapStack, Name: id})
		}
	case args.custom:
		id, outputs = rec.compute(args)
		if args.id != "" {
			id = args.id
		}
		outputs = markSecrets(outputs, args)
	case args.register.GetRemote():
		outputs = resource.PropertyMap{}
		by := []string{providerURN(args.register.GetProvider())}
		for _, of := range slices.Sorted(maps.Keys(args.register.GetProviders())) {
			by = append(by, of, providerURN(args.register.GetProviders()[of]))
		}
		rec.gap(Gap{Kind: GapComponent, Name: args.token + " " + args.name, Of: of(args.inputs, by...)})
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.registrations = append(rec.registrations, registration{asked: args, id: id, outputs: outputs})
	return id, outputs, nil
}

// compute asks the model what a custom resource becomes, after what was there before.
func (rec *recorder) compute(args asked) (string, resource.PropertyMap) {
	qualified := qualifiedType(rec.urn(args.register.GetParent(), args.token, args.name))
	m := rec.modelIn(args.register.GetProvider(), args.inputs["region"])
	id, outputs := m.become(qualified, args.name, args.inputs)
	before := m.before
	if before.Graph == nil {
		return id, outputs
	}
	reg := registration{asked: args, id: id, outputs: outputs}
	rec.mu.Lock()
	now := rec.resource(reg)
	rec.mu.Unlock()
	reveal(now, reg)
	old := before.Graph.Was(now)
	if old == nil {
		return id, outputs
	}
	now = now.keep(old, before.Kept)
	renewal := before.Renew(old, now)
	if renewal.Replaced {
		rec.mu.Lock()
		rec.replaced[now.URN] = true
		rec.mu.Unlock()
		return m.become(qualified, awsmodel.Incarnation(args.name, 2), args.inputs)
	}
	if old.URN != now.URN && old.Token == now.Token { // by an alias
		_, outputs = m.become(qualifiedType(old.URN), old.Name, args.inputs)
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

// modelIn is the model for what is asked of an explicit provider, by its reference, or asks for a region itself.
func (rec *recorder) modelIn(provider string, own resource.PropertyValue) model {
	m := rec.model
	region := awsmodel.Plain(own)
	if at := strings.LastIndex(provider, "::"); at > 0 && region.IsNull() { // it is a URN and an id
		rec.mu.Lock()
		for _, reg := range rec.registrations {
			if rec.urn(reg.register.GetParent(), reg.token, reg.name) == provider[:at] {
				region = awsmodel.Plain(reg.inputs["region"])
			}
		}
		rec.mu.Unlock()
	}
	switch {
	case m.in == nil:
	case region.IsComputed():
		m = m.in(unknownText)
		m.anywhere = true
	case region.IsString() && region.StringValue() != "":
		m = m.in(region.StringValue())
	}
	m.before, m.sealed = rec.model.before, rec.model.sealed
	return m
}

// markSecrets does to outputs what an engine does: those that the resource declares as secret are, and those that
// repeat a secret input.
func markSecrets(outputs resource.PropertyMap, args asked) resource.PropertyMap {
	marked := outputs.Copy()
	secret := func(key resource.PropertyKey) {
		if v, has := marked[key]; has && !v.IsSecret() {
			marked[key] = resource.MakeSecret(v)
		}
	}
	for _, key := range args.register.GetAdditionalSecretOutputs() {
		secret(resource.PropertyKey(key))
	}
	for key, v := range args.inputs {
		if v.ContainsSecrets() {
			secret(key)
		}
	}
	return marked
}

// answer is what a function of the provider answers: for subnets, those that were there before, else what the model
// says.
func (m model) answer(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
	if m.before.Graph == nil {
		return m.invoke(token, args)
	}
	switch token {
	case tokenGetSubnets:
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
		r.raw = revealed(reg)
		for property, v := range r.Inputs {
			Walk(property, v, func(path string, v any) {
				if text, is := v.(string); is && secrets.within(text) {
					leaks = append(leaks, Leak{URN: r.URN, Property: path})
				}
			})
		}
		secrets.mask(r.Inputs)
		secrets.mask(r.Outputs)
		if before := rec.model.before; len(before.Kept) > 0 {
			if old := before.Graph.Was(r); old != nil {
				r = r.keep(old, before.Kept)
			}
		}
		resources = append(resources, r)
	}
	rec.lookedFor(resources)
	g, err := New(rec.project, rec.stack, resources...)
	if err != nil {
		return nil, err
	}
	g.Exports = plainMap(rec.exports)
	g.raw, g.sealed = rec.exports, rec.model.sealed
	Walk("", g.Exports, func(path string, v any) {
		if text, is := v.(string); is && secrets.within(text) {
			leaks = append(leaks, Leak{Property: path})
		}
	})
	secrets.mask(g.Exports)
	for _, u := range rec.model.before.Kept {
		if u.URN == "" {
			reset(u.path, rec.model.before.Graph.Exports, g.Exports)
		}
	}
	slices.SortFunc(leaks, func(a, b Leak) int {
		return cmp.Or(cmp.Compare(a.URN, b.URN), cmp.Compare(a.Property, b.Property))
	})
	g.Leaks = leaks
	g.Gaps = slices.SortedFunc(maps.Keys(rec.gaps), func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Of, b.Of))
	})
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
		Token:   reg.token,
		Name:    reg.name,
		Custom:  reg.custom || reg.read != nil,
		ID:      reg.id,
		Inputs:  plainMap(reg.inputs),
		Outputs: plainMap(reg.outputs),
		digests: digests(reg.given),
		asked:   reg.questions,
	}
	if rpc := reg.register; rpc != nil {
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
			Aliases:                 reg.aliases,
			Provider:                rpc.GetProvider(),
			Version:                 rpc.GetVersion(),
			DeletedWith:             rpc.GetDeletedWith(),
			Import:                  rpc.GetImportId(),
			ReplaceWith:             sorted(rpc.GetReplaceWith()),
			ReplacementTrigger:      trigger(rpc.GetReplacementTrigger()),
		}
		r.Source = source(rec.root, rpc.GetSourcePosition(), rpc.GetStackTrace())
	}
	if rpc := reg.read; rpc != nil {
		r.Read = true
		r.Parent = rpc.GetParent()
		r.Dependencies = sorted(rpc.GetDependencies())
		r.Options.Provider = rpc.GetProvider()
	}
	r.URN = rec.urn(r.Parent, r.Token, r.Name)
	for _, urn := range r.Options.ReplaceWith {
		if rec.replaced[urn] {
			r.ReplacedWith = append(r.ReplacedWith, urn)
		}
	}
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

// qualifiedType is the type in a URN, after those of the components that the resource belongs to.
func qualifiedType(urn string) string { return string(resource.URN(urn).QualifiedType()) }

// trigger is the value of the option replacementTrigger, as far as it is known and no secret.
func trigger(v *structpb.Value) any {
	if v == nil {
		return nil
	}
	read, err := plugin.UnmarshalPropertyValue("replacementTrigger", v,
		plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true, KeepOutputValues: true})
	if err != nil || read == nil {
		return Unknown
	}
	return plain(*read)
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
	}{{reg.inputs, r.Inputs}, {reg.outputs, r.Outputs}} {
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

// revealed are the inputs of a registration, with marks at what is secret of it: without those that reveal takes away.
func revealed(reg registration) resource.PropertyMap {
	in := reg.inputs
	switch {
	case reg.token == "aws:ssm/parameter:Parameter" && awsmodel.Text(in["type"]) == "String":
		in = in.Copy()
		in["value"], _ = opened(in["value"])
	case reg.token == "command:remote:Command", reg.token == "command:remote:CopyToRemote":
		in = in.Copy()
		delete(in, "connection")
	}
	return in
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

// secrets are the texts that must stand nowhere in plain: what the configuration has encrypted, what packages made to
// generate secrets give out, and what the program hands to a database or to Parameter Store as one.
func (rec *recorder) secrets() secretTexts {
	found := map[string]bool{}
	for _, text := range rec.model.sealed {
		if len(text) >= 8 {
			found[text] = true
		}
	}
	collect := func(least int, v resource.PropertyValue) {
		inSecrets(v, func(text string) {
			if len(text) >= least {
				found[text] = true
			}
		})
	}
	for _, reg := range rec.registrations {
		token, in := reg.token, reg.inputs
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
	eachText(v, false, func(text string, secret bool) {
		if secret {
			visit(text)
		}
	})
}

// inPlain visits the texts that a value does not mark as secret.
func inPlain(v resource.PropertyValue, visit func(string)) {
	eachText(v, false, func(text string, secret bool) {
		if !secret {
			visit(text)
		}
	})
}

// eachText visits the texts within a value, and says of each whether it is marked as secret, or the value is.
func eachText(v resource.PropertyValue, secret bool, visit func(text string, secret bool)) {
	switch {
	case v.IsSecret():
		eachText(v.SecretValue().Element, true, visit)
	case v.IsOutput():
		eachText(v.OutputValue().Element, secret || v.OutputValue().Secret, visit)
	case v.IsString():
		visit(v.StringValue(), secret)
	case v.IsArray():
		for _, e := range v.ArrayValue() {
			eachText(e, secret, visit)
		}
	case v.IsObject():
		for _, e := range v.ObjectValue() {
			eachText(e, secret, visit)
		}
	}
}

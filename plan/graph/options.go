package graph

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/proto"
)

// inherit gives a registration the options that the engine hands down from a parent
// (https://github.com/pulumi/pulumi/blob/v3.250.0/pkg/resource/deploy/source_eval.go, inheritFromParent).
func (rec *recorder) inherit(req *pulumirpc.RegisterResourceRequest) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	parent := rec.requests[req.GetParent()]
	if parent == nil {
		return
	}
	if req.GetDeletedWith() == "" {
		req.DeletedWith = parent.GetDeletedWith()
	}
	if req.Protect == nil && parent.Protect != nil {
		req.Protect = proto.Bool(parent.GetProtect())
	}
	if req.RetainOnDelete == nil && parent.RetainOnDelete != nil {
		req.RetainOnDelete = proto.Bool(parent.GetRetainOnDelete())
	}
	if pkg := resource.URN(providerURN(parent.GetProvider())); req.GetProvider() == "" && pkg != "" &&
		(!req.GetRemote() && !req.GetCustom() ||
			string(pkg.Type()) == "pulumi:providers:"+strings.SplitN(req.GetType(), ":", 2)[0]) {
		req.Provider = parent.GetProvider()
	}
}

// providerURN is the URN within a provider's reference.
func providerURN(reference string) string {
	if i := strings.LastIndex(reference, "::"); i >= 0 {
		return reference[:i]
	}
	return ""
}

// aliases are the URNs that a resource may have had, as the engine finds them: those that the program tells, and those
// that follow from the one by which the parent continues what was there
// (https://github.com/pulumi/pulumi/blob/v3.250.0/pkg/resource/deploy/step_generator.go, generateAliases).
func (rec *recorder) aliases(req *pulumirpc.RegisterResourceRequest) []string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	var found []string
	add := func(urn string) {
		if urn != "" && !slices.Contains(found, urn) {
			found = append(found, urn)
		}
	}
	for _, urn := range req.GetAliasURNs() {
		add(urn)
	}
	for _, alias := range req.GetAliases() {
		add(rec.alias(req, alias))
	}
	if was := rec.matched[req.GetParent()]; was != "" {
		told := slices.Clone(found)
		add(rec.inherited(req.GetType(), req.GetName(), req.GetParent(), was))
		for _, urn := range told {
			if urn := resource.URN(urn); urn.IsValid() {
				add(rec.inherited(string(urn.Type()), urn.Name(), req.GetParent(), was))
			}
		}
	}
	return found
}

// alias is the URN that an alias means.
func (rec *recorder) alias(req *pulumirpc.RegisterResourceRequest, alias *pulumirpc.Alias) string {
	if alias.GetSpec() == nil {
		return alias.GetUrn()
	}
	spec := alias.GetSpec()
	name, token, parent := spec.GetName(), spec.GetType(), spec.GetParentUrn()
	if name == "" {
		name = req.GetName()
	}
	if token == "" {
		token = req.GetType()
	}
	if parent == "" {
		parent = req.GetParent()
	} else if was := rec.matched[parent]; was != "" {
		parent = was
	}
	if spec.GetNoParent() || parent != "" && resource.URN(parent).QualifiedType() == resource.RootStackType {
		parent = ""
	}
	project, stack := spec.GetProject(), spec.GetStack()
	if project == "" {
		project = rec.project
	}
	if stack == "" {
		stack = rec.stack
	}
	return string(resource.CreateURN(name, token, resource.URN(parent), project, stack))
}

// inherited is the URN that a resource had below the URN that its parent had. A name that begins with the parent's
// begins with what the parent was called.
func (rec *recorder) inherited(token, name, parent, was string) string {
	if rest, begins := strings.CutPrefix(name, resource.URN(parent).Name()); begins {
		name = resource.URN(was).Name() + rest
	}
	return string(resource.NewURN(tokens.QName(rec.stack), tokens.PackageName(rec.project),
		resource.URN(was).QualifiedType(), tokens.Type(token), name))
}

// keep remembers a registration for those below it, and the alias by which it continues what was there.
func (rec *recorder) keep(urn string, req *pulumirpc.RegisterResourceRequest, aliases []string) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.requests[urn] = req
	before := rec.model.before.Graph
	if before == nil || before.ByURN(urn) != nil {
		return
	}
	for _, alias := range aliases {
		if before.ByURN(alias) != nil {
			rec.matched[urn] = alias
			return
		}
	}
}

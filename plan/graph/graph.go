// Package graph is the resource graph of a Pulumi program, recorded without a cloud and without an engine: what the
// program would register, with which inputs, options and dependencies, and what follows from it, such as who can reach
// whom. It exists so that rules, tests and plans look at the very program that is deployed instead of at a copy of it.
// Package policy, tests and commands that compare or check environments import it; components do not.
package graph

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Resource is one registration of a program.
type Resource struct {
	// Token is the type, such as aws:ec2/vpc:Vpc.
	Token string
	// Registered is the token by which the program knows the type, where Token is the canonical one instead.
	Registered string
	// Name is the name in the program; together with Token and Parent it makes the URN.
	Name string
	URN  string
	// Custom tells a resource that a provider manages from a component.
	Custom bool
	// Read tells a resource that the program looks up instead of creating it.
	Read bool
	// Parent is the URN of the resource that this one belongs to; the stack has none.
	Parent string
	// Inputs are what the program asks for, as nil, bool, float64, string, []any, map[string]any, Asset or Mark.
	Inputs map[string]any
	// Outputs are what the model of the provider made of the inputs, in the same kinds.
	Outputs map[string]any
	// ID is the physical id, empty for components.
	ID string
	// Dependencies are the URNs of everything that must exist first, sorted: those that inputs come from and those that
	// the program names.
	Dependencies []string
	// PropertyDependencies are the URNs that an input comes from, sorted, by the name of the input.
	PropertyDependencies map[string][]string
	Options              Options
	// ReplacedWith are those of Options.ReplaceWith that the deployment replaces before it comes to this resource.
	ReplacedWith []string
	// Source is the line of the program that registers it, where a program was run and told it.
	Source Source

	// digests are hashes of the inputs as they were before secrets were masked, by name.
	digests map[string]string
	// asked are hashes of those that are unknown for what functions answer, with what stands in for it, by name.
	asked map[string]string
	// raw are the inputs with what is marked as secret, which Seal compares; they leave the package in no form.
	raw resource.PropertyMap
}

// Source is a line of a file.
type Source struct {
	// File is its path in the repository, with slashes; empty: not known.
	File string `json:"file"`
	Line int    `json:"line"`
}

// Same reports whether an input has the same value in another recording of the resource, also where it is a secret, of
// which a graph keeps no more than that.
func (r *Resource) Same(other *Resource, input string) bool {
	if r.digests == nil || other.digests == nil {
		return reflect.DeepEqual(r.Inputs[input], other.Inputs[input])
	}
	return r.digests[input] == other.digests[input]
}

// Options are the resource options that a registration was made with.
type Options struct {
	Protect                 bool
	RetainOnDelete          bool
	DeleteBeforeReplace     bool
	IgnoreChanges           []string
	ReplaceOnChanges        []string
	AdditionalSecretOutputs []string
	// Aliases are the URNs that the resource may have had, in the order in which the engine looks for them.
	Aliases []string
	// Provider is the reference of an explicit provider (URN::id); empty means the default one.
	Provider string
	// Version is the version of the provider's plugin that the program's SDK asks for.
	Version string
	// DeletedWith is the URN of a resource whose deletion deletes this one as well.
	DeletedWith string
	// Import is the id of the existing resource that the program takes over.
	Import string
	// ReplaceWith are the URNs of resources whose replacement replaces this one as well, sorted.
	ReplaceWith []string
	// ReplacementTrigger is the value whose change replaces the resource; nil: there is none.
	ReplacementTrigger any
}

// ExplicitDependencies are the dependencies that no input accounts for: the ones that the program names, sorted.
func (r *Resource) ExplicitDependencies() []string {
	var explicit []string
	for _, urn := range r.Dependencies {
		if !slices.ContainsFunc(slices.Collect(maps.Values(r.PropertyDependencies)), func(of []string) bool { return slices.Contains(of, urn) }) {
			explicit = append(explicit, urn)
		}
	}
	return explicit
}

// Input is the input at a path of names separated by dots, such as metadataOptions.httpTokens; nil when it is absent.
// What stands at a secret or unknown part of the way is that Mark, so that no rule takes it for absent.
func (r *Resource) Input(path string) any { return at(r.Inputs, path) }

// Output is the output at a path of names separated by dots; nil when it is absent.
func (r *Resource) Output(path string) any { return at(r.Outputs, path) }

// Either is the input at path, or the output where the program leaves it to the provider.
func (r *Resource) Either(path string) any {
	if v := r.Input(path); v != nil {
		return v
	}
	return r.Output(path)
}

// String names the resource for people: its kind and its name in the program, such as Vpc network.
func (r *Resource) String() string {
	return r.Kind() + " " + r.Name
}

// Leak is a place where the value of a secret stands without being marked as one.
type Leak struct {
	// URN is that of the resource, empty for an output of the stack.
	URN string
	// Property is the path of the input, or the name of the output of the stack.
	Property string
}

// Graph is what a program registers. It does not change once made, and is safe for use by several goroutines.
type Graph struct {
	Project, Stack string
	// Resources are sorted by URN.
	Resources []*Resource
	// Exports are the outputs of the stack, secrets masked.
	Exports map[string]any
	// Leaks are found while recording, when values of secrets are still at hand; sorted.
	Leaks []Leak
	// Gaps are what the program builds on without that it is known here; sorted.
	Gaps []Gap

	// raw are the outputs with what is marked as secret, sealed the encrypted values of the configuration.
	raw    resource.PropertyMap
	sealed []string
	// marked are the texts that must not be shown.
	marked []string
	// own finds the number of the stack's own account, in whose place inputs and outputs have the model's; nil: none.
	own *regexp.Regexp

	byURN map[string]*Resource
	named map[string][]naming
}

// naming is a way in which a text names a resource; a lower rank is the more certain one.
type naming struct {
	rank     int
	resource *Resource
}

// identities are the outputs by which other resources refer to one, after its id, the most certain first. All are taken
// by AWS to name one resource of its type.
var identities = []string{"arn", "name", "bucket", "identifier", "keyName", "allocationId", "primaryNetworkInterfaceId"}

// New makes a graph of resources, which it sorts by URN. It refuses resources without a token or a name, and two with
// one URN, because an engine would: "duplicate resource URN". A resource without a URN gets the one of a resource
// directly below the stack.
func New(project, stack string, resources ...*Resource) (*Graph, error) {
	g := &Graph{
		Project:   project,
		Stack:     stack,
		Resources: slices.Clone(resources),
		Exports:   map[string]any{},
		byURN:     map[string]*Resource{},
		named:     map[string][]naming{},
	}
	var faults []error
	for _, r := range g.Resources {
		if r.Token == "" || r.Name == "" {
			faults = append(faults, fmt.Errorf("a resource has type %q and name %q: both are needed", r.Token, r.Name))
			continue
		}
		if r.URN == "" {
			r.URN = fmt.Sprintf("urn:pulumi:%s::%s::%s::%s", stack, project, r.Token, r.Name)
		}
		if g.byURN[r.URN] != nil {
			faults = append(faults, fmt.Errorf("two resources have the URN %s: give one another name or parent", r.URN))
		}
		g.byURN[r.URN] = r
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	slices.SortFunc(g.Resources, func(a, b *Resource) int { return cmp.Compare(a.URN, b.URN) })
	for _, r := range g.Resources {
		g.name(r)
	}
	return g, nil
}

func (g *Graph) name(r *Resource) {
	add := func(rank int, v any) {
		if text, is := v.(string); is && text != "" {
			g.named[text] = append(g.named[text], naming{rank, r})
		}
	}
	add(0, r.ID)
	for i, key := range identities {
		add(i+1, r.Either(key))
	}
}

// take gives the graph what another one has beside resources.
func (g *Graph) take(of *Graph) {
	g.Exports, g.Leaks, g.Gaps = of.Exports, of.Leaks, of.Gaps
	g.raw, g.sealed, g.marked, g.own = of.raw, of.sealed, of.marked, of.own
}

// ByURN is the resource with that URN, or nil.
func (g *Graph) ByURN(urn string) *Resource { return g.byURN[urn] }

// Was is the resource of this graph that one of a later graph of the same stack continues, by its URN or by an alias;
// nil for a new one. What the program makes continues nothing that it only read, nor the other way round.
func (g *Graph) Was(now *Resource) *Resource {
	for _, urn := range append([]string{now.URN}, now.Options.Aliases...) {
		if old := g.byURN[urn]; old != nil {
			if old.Read != now.Read {
				return nil
			}
			return old
		}
	}
	return nil
}

// ByType are the resources of any of the types, sorted by URN.
func (g *Graph) ByType(tokens ...string) []*Resource {
	var found []*Resource
	for _, r := range g.Resources {
		if slices.Contains(tokens, r.Token) {
			found = append(found, r)
		}
	}
	return found
}

// ByName is the resource of that type and name, or nil when there is none or more than one (under different parents).
func (g *Graph) ByName(token, name string) *Resource {
	var found *Resource
	for _, r := range g.ByType(token) {
		if r.Name == name {
			if found != nil {
				return nil
			}
			found = r
		}
	}
	return found
}

// ByID is the resource of that type and physical id, or nil.
func (g *Graph) ByID(token, id string) *Resource {
	for _, r := range g.ByType(token) {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Resolve is the resource that a value of an input refers to: the one whose id, ARN, or name it is. Where types are
// given, only those are looked for, since a name may serve several types. It is nil when nothing or, with equal
// certainty, more than one is meant.
func (g *Graph) Resolve(value any, tokens ...string) *Resource {
	text, is := value.(string)
	if !is {
		return nil
	}
	var best naming
	ambiguous := false
	for _, n := range g.named[text] {
		if len(tokens) > 0 && !slices.Contains(tokens, n.resource.Token) {
			continue
		}
		switch {
		case best.resource == nil || n.rank < best.rank:
			best, ambiguous = n, false
		case n.rank == best.rank && n.resource != best.resource:
			ambiguous = true
		}
	}
	if ambiguous {
		return nil
	}
	return best.resource
}

// Refers reports whether a value of an input refers to the resource.
func (g *Graph) Refers(value any, to *Resource) bool {
	return to != nil && g.Resolve(value, to.Token) == to
}

// ParentOf is the resource that another belongs to, or nil for the stack.
func (g *Graph) ParentOf(r *Resource) *Resource { return g.byURN[r.Parent] }

// Ancestors are the components that a resource belongs to, the nearest first, without the stack.
func (g *Graph) Ancestors(r *Resource) []*Resource {
	var chain []*Resource
	for p := g.ParentOf(r); p != nil && len(chain) < len(g.Resources); p = g.ParentOf(p) {
		chain = append(chain, p)
	}
	return chain
}

// Counts is the number of resources of each type, components included.
func (g *Graph) Counts() map[string]int {
	counts := map[string]int{}
	for _, r := range g.Resources {
		counts[r.Token]++
	}
	return counts
}

// DependsOn reports whether r is created only after other: through any chain of dependencies and parents.
func (g *Graph) DependsOn(r, other *Resource) bool {
	seen := map[string]bool{}
	var walk func(r *Resource) bool
	walk = func(r *Resource) bool {
		if r == nil || seen[r.URN] {
			return false
		}
		if r == other {
			return true
		}
		seen[r.URN] = true
		return slices.ContainsFunc(append([]string{r.Parent}, r.Dependencies...), func(urn string) bool { return walk(g.byURN[urn]) })
	}
	return r != other && walk(r)
}

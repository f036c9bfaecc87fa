package moto

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/internal/awsmodel"
)

// kind is a type of resources.
type kind struct {
	// create makes one with these inputs. It returns what AWS calls it: its id, and the outputs that other resources
	// use.
	create func(ctx context.Context, a *Account, in values) (made, error)
	// read returns what AWS has of it.
	read func(ctx context.Context, a *Account, id string, in values) (fields, error)
	// beside tells of what AWS has that belongs to it and is not in the graph; nil where nothing of it can matter.
	beside func(ctx context.Context, a *Account, id string, of related) error
	// unkept are inputs that moto takes and forgets, with the field of the request. Where one is not read back, it has
	// to have been sent.
	unkept map[string]string
	// unread are inputs that AWS keeps nothing of, with the reason.
	unread map[string]string
}

// made is what AWS calls a resource, by the path of the output as graph.Walk has it.
type made map[string]*string

// related are the ids of the resources of the graph of a type that name this one in that input.
type related func(token, input string) []string

// kinds are the types that are built.
func kinds() map[string]kind {
	all := map[string]kind{}
	for _, some := range []map[string]kind{
		balancerKinds, bucketKinds, databaseKinds, domainKinds, groupKinds, instanceKinds, networkKinds, observeKinds, parameterKinds, roleKinds,
		scalingKinds, tableKinds,
	} {
		maps.Copy(all, some)
	}
	return all
}

// NotHere are the types that are not built, with the reason.
var NotHere = map[string]string{
	"command:local:Command":                      "runs on the machine of who deploys, once the stack is there",
	"command:remote:Command":                     "runs on the jump server, which moto does not start",
	"random:index/randomId:RandomId":             "made on the machine of who deploys, not in AWS",
	"random:index/randomPassword:RandomPassword": "made on the machine of who deploys, not in AWS",
	"tls:index/privateKey:PrivateKey":            "made on the machine of who deploys, not in AWS",
	"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": "moto has none of GuardDuty's calls for " +
		"plans of malware protection",
	"aws:wafv2/webAclAssociation:WebAclAssociation": "the web ACL is not the program's but named by a setting; making one for this one call " +
		"would take another large module of the SDK",
}

// built is a resource that is there.
type built struct {
	kind kind
	in   values
	id   string
	// sent are the requests that made it.
	sent []any
}

// Order is one of the orders in which an engine may create resources that do not depend on each other.
type Order int

// The orders: by URN, or by URN from the end. What needs another resource without saying so comes too early in one of
// the two.
const (
	Forward Order = iota
	Backward
)

// Build creates the resources of a graph, each after those that it depends on. The test ends at the first that AWS
// refuses, and fails for a type that is neither built nor in NotHere.
func (a *Account) Build(t testing.TB, g *graph.Graph, order Order) {
	t.Helper()
	known := kinds()
	var resources []*graph.Resource
	for _, r := range inOrder(t, g, order) {
		if !r.Custom {
			continue
		}
		if _, is := known[r.Token]; is {
			resources = append(resources, r)
		} else if NotHere[r.Token] == "" {
			t.Errorf("%s: nothing builds its type %s: add it to package moto, or to its NotHere with the reason", r, r.Token)
		}
	}
	for _, r := range resources {
		k := known[r.Token]
		in, err := a.inputs(r)
		if err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		a.sent = nil
		m, err := k.create(t.Context(), a, in)
		if err != nil {
			t.Fatalf("%s is not created: %v", r, err)
		}
		if m["id"] == nil || *m["id"] == "" {
			t.Fatalf("%s was created without an id", r)
		}
		a.built[r.URN] = &built{kind: k, in: in, id: *m["id"], sent: a.sent}
		a.names.set(r.ID, *m["id"])
		graph.Walk("", r.Outputs, func(path string, v any) {
			if text, is := v.(string); is && m[path] != nil {
				a.names.set(text, *m[path])
			}
		})
		for _, output := range a.untold(g, r, m, known) {
			t.Errorf("%s: its output %s is used, but package moto does not tell what AWS calls it", r, output)
		}
	}
}

// inOrder returns the resources, each after its dependencies.
func inOrder(t testing.TB, g *graph.Graph, order Order) []*graph.Resource {
	t.Helper()
	resources := slices.Clone(g.Resources)
	if order == Backward {
		slices.Reverse(resources)
	}
	var sorted []*graph.Resource
	const begun, done = 1, 2
	state := map[string]int{}
	var visit func(r *graph.Resource)
	visit = func(r *graph.Resource) {
		if r == nil || state[r.URN] == done {
			return
		}
		if state[r.URN] == begun {
			t.Fatalf("%s depends on itself", r)
		}
		state[r.URN] = begun
		before := slices.Clone(r.Dependencies)
		if order == Backward {
			slices.Reverse(before)
		}
		for _, urn := range before {
			visit(g.ByURN(urn))
		}
		state[r.URN] = done
		sorted = append(sorted, r)
	}
	for _, r := range resources {
		visit(r)
	}
	return sorted
}

// inputs are those of the resource as the provider sends them: with real names, and its own name where the program
// leaves that open.
func (a *Account) inputs(r *graph.Resource) (values, error) {
	in := values(a.names.in(r.Name, r.Inputs).(map[string]any))
	if property := awsmodel.Names(r.Token).Property; property != "" && in[property] == nil {
		in[property] = r.Output(property)
	}
	if encoded := in.text("userData"); encoded != nil && r.Token == templateType {
		text, err := a.names.within(*encoded)
		if err != nil {
			return nil, fmt.Errorf("its userData is not in base64: %w", err)
		}
		in["userData"] = text
	}
	return in, nil
}

// untold are the outputs that AWS makes up and another resource's inputs hold, but that were not told.
func (a *Account) untold(g *graph.Graph, r *graph.Resource, m made, known map[string]kind) []string {
	// A shorter text, such as available, may stand elsewhere by chance.
	const least = 8
	given := map[string]bool{}
	graph.Walk("", r.Inputs, func(_ string, v any) { given[graph.Text(v)] = true })
	var outputs []string
	own := graph.Text(r.Output(awsmodel.Names(r.Token).Property))
	graph.Walk("", r.Outputs, func(path string, v any) {
		text, is := v.(string)
		if !is || len(text) < least || given[text] || m[path] != nil || slices.Contains([]string{r.ID, own, a.region, awsmodel.Account}, text) {
			return
		}
		for _, other := range g.Resources {
			used := false
			if _, builds := known[other.Token]; builds && slices.Contains(other.Dependencies, r.URN) {
				graph.Walk("", other.Inputs, func(_ string, v any) { used = used || strings.Contains(graph.Text(v), text) })
			}
			if used {
				outputs = append(outputs, path)
				break
			}
		}
	})
	return outputs
}

// Check reads back what was built and compares it with the graph's inputs; and looks for what nobody asked for where
// that matters: rules of security groups, routes, policies of roles, listeners.
func (a *Account) Check(t testing.TB, g *graph.Graph) {
	t.Helper()
	// What is listed as not read back, by whether it ever was different.
	listed := map[[2]string]bool{}
	for _, r := range g.Resources {
		b := a.built[r.URN]
		if b == nil {
			continue
		}
		got, err := b.kind.read(t.Context(), a, b.id, b.in)
		if err != nil {
			t.Errorf("%s is not read: %v", r, err)
			continue
		}
		compare("", map[string]any(b.in), plain(got), func(d difference, same bool) {
			field, forgotten := b.kind.unkept[d.path]
			_, unsent := b.kind.unread[d.path]
			if at := [2]string{r.Token, d.path}; forgotten || unsent {
				listed[at] = listed[at] || !same
			}
			switch {
			case same, unsent:
			case !forgotten:
				t.Errorf("%s: %v", r, d)
			case !wasSent(b.sent, field, d.want):
				t.Errorf("%s: %s was not sent as %s", r, d.path, field)
			}
		})
		if b.kind.beside == nil {
			continue
		}
		if err := b.kind.beside(t.Context(), a, b.id, a.relatedTo(g, b.id)); err != nil {
			t.Errorf("%s: %v", r, err)
		}
	}
	for at, differs := range listed {
		if !differs {
			t.Errorf("%s: its %s is listed as one that is not read back, but it is: take it from the list", at[0], at[1])
		}
	}
}

func (a *Account) relatedTo(g *graph.Graph, id string) related {
	return func(token, input string) []string {
		var ids []string
		for _, r := range g.ByType(token) {
			if b := a.built[r.URN]; b != nil && b.in.must(input) == id {
				ids = append(ids, b.id)
			}
		}
		return ids
	}
}

// only tells which of what AWS has is not wanted, or the other way round.
func only(what string, got, want []string) error {
	var faults []error
	for _, g := range got {
		if !slices.Contains(want, g) {
			faults = append(faults, fmt.Errorf("it has the %s %s, which the program does not ask for", what, g))
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			faults = append(faults, fmt.Errorf("it has no %s %s", what, w))
		}
	}
	return errors.Join(faults...)
}

// one is the only element of an answer.
func one[T any](list []T) (T, error) {
	if len(list) != 1 {
		var none T
		return none, fmt.Errorf("AWS has %d of it, not one", len(list))
	}
	return list[0], nil
}

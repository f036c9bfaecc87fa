package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/internal/awsmodel"
	"golang.org/x/mod/semver"
)

// Action is what becomes of a resource.
type Action string

// The actions, the gravest first.
const (
	Delete  Action = "delete"
	Replace Action = "replace"
	Update  Action = "update"
	// Import takes over what exists in AWS already.
	Import Action = "import"
	Create Action = "create"
)

// Change is what a deployment makes of one resource.
type Change struct {
	Action Action `json:"action"`
	// Type is the token, one for all names that a type has had, Kind what people call it (EC2 Instance), Name the name
	// in the program; where two of a kind have the same, what tells them apart follows in parentheses.
	Type string `json:"type"`
	Kind string `json:"kind"`
	Name string `json:"name"`
	URN  string `json:"urn"`
	// Properties are the inputs that differ; of what is created or taken over all but texts for people, and none of
	// what is deleted.
	Properties []Property `json:"properties,omitempty"`
	// Unsure tells an update that may be a replacement: its type is not known here, or what of it changes is not, or
	// the provider decides.
	Unsure bool `json:"unsure,omitempty"`
	// Kept tells a resource that Pulumi forgets and AWS keeps; of one that is replaced, the old one.
	Kept bool `json:"kept,omitempty"`
	// First tells a replacement whose old resource is deleted before the new one is made.
	First bool `json:"first,omitempty"`
	// Existing is the id in AWS of what is taken over.
	Existing string `json:"existing,omitempty"`
	// Reads are what it builds on that the program only reads, which others may change: kind and name, sorted.
	Reads []string `json:"reads,omitempty"`
	// Source is the line of head's program that registers it, where that is known.
	Source graph.Source `json:"source,omitzero"`

	// odd are the inputs in which a new resource differs from most others that are created of its type.
	odd []Property
}

func (c Change) String() string { return c.Kind + " " + c.Name }

// Property is one input, or a part of one, that differs.
type Property struct {
	// Path leads to it: names separated by dots, positions in brackets.
	Path string `json:"path"`
	// Before and After are as they are shown: secrets masked, what AWS makes up named after what it is of, long texts
	// cut. Empty: not there.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Replaces tells that this difference needs another resource.
	Replaces bool `json:"replaces,omitempty"`
	// Verdict is what this difference does to a resource that was there, and Source where that is known from.
	Verdict Word   `json:"verdict,omitempty"`
	Source  string `json:"source,omitempty"`
}

// After tells a recording of what is planned what becomes of the resources that are there, so that the program goes on
// with them as it would in a deployment.
func After(base *graph.Graph) graph.Before {
	return graph.Before{Graph: base, Renew: func(old, now *graph.Resource) graph.Renewal {
		leaves := differences(old, now)
		if replaced(old, now, leaves) {
			return graph.Renewal{Replaced: true}
		}
		var keys []string
		for _, l := range leaves {
			keys = append(keys, l.key)
		}
		return graph.Renewal{Outputs: awsmodel.Renewed(now.Token, keys)}
	}}
}

// sameType reports whether the provider goes on with a resource by the type that it has now. Version 7 of the Pulumi
// provider calls Bucket what version 6 calls BucketV2, and updates it in place
// (https://github.com/pulumi/pulumi-aws/issues/5514). Version 6 replaces each of its two by the other
// (https://github.com/pulumi/pulumi-aws/issues/2150).
func sameType(old, now *graph.Resource) bool {
	return graph.Canonical(old.Token) == graph.Canonical(now.Token) || old.Token == bucketV2Type &&
		now.Token == bucketType && semver.Compare("v"+now.Options.Version, "v7") >= 0
}

// replaced reports whether differences need another resource.
func replaced(old, now *graph.Resource, leaves []leaf) bool {
	return !sameType(old, now) ||
		slices.ContainsFunc(leaves, func(l leaf) bool { return verdict(old, now, l).Word == Replaces })
}

// goesFirst reports whether the old resource is deleted before the new one is made: where the program says so, and
// where it gives a name itself, which two cannot have (nameRequiresDeleteBeforeReplace in pkg/tfbridge/schema.go of
// https://github.com/pulumi/pulumi-terraform-bridge; the AWS provider names by "name" what has no other).
func goesFirst(old, now *graph.Resource) bool {
	if now.Options.DeleteBeforeReplace {
		return true
	}
	name := awsmodel.NameInput(now.Token)
	given, is := now.Input(name).(string)
	return is && given != "" && strings.HasPrefix(now.Token, "aws:") && old.Input(name) == now.Input(name)
}

// imports reports whether what exists in AWS takes the place of a resource that is there: the engine takes it over and
// deletes the former one at the end, unless the id in its state is the same (step_generator.go,
// NewImportReplacementStep, in pkg/resource/deploy of https://github.com/pulumi/pulumi). Nobody knows that id here
// where AWS makes it up.
func imports(old, now *graph.Resource) bool {
	id := now.Options.Import
	return id != "" && id != old.Options.Import && id != old.ID
}

// exchanged is the danger of what exists in the place of a resource that is there.
func exchanged(base *graph.Graph, c Change) Danger {
	kind, what := "replaced by another", "the former one is deleted"
	switch holds, data := holding[c.Type]; {
	case c.Kept:
		what = "AWS keeps the former one, and Pulumi forgets it"
	case data:
		kind, what = "data replaced", what+", and "+holds+" with it"
	case addressed[c.Type] != "":
		kind, what = "address replaced", what+", and with it "+addressed[c.Type]
	case founding[c.Type] != "":
		kind, what = "foundation replaced", what+": "+founding[c.Type]
	}
	if !c.Kept {
		what += refusal(base, c)
	}
	unless := ""
	if before(base, c).Options.Import == "" {
		unless = ", unless it is that already"
	}
	return c.danger(kind, " is replaced by what exists as %s (option `import`)%s: %s. The inputs have to agree with "+
		"what exists, or the deployment stops there: nobody can tell without credentials.",
		code(cut(c.Existing, longest)), unless, what)
}

// kept reports whether AWS keeps a resource that Pulumi deletes: by its option, or because its provider is told to
// leave it (skip_destroy in the files of https://github.com/hashicorp/terraform-provider-aws).
func kept(r *graph.Resource) bool {
	return r.Options.RetainOnDelete || strings.HasPrefix(r.Token, "aws:") && graph.Is(r.Input("skipDestroy"), true)
}

// updates reports whether a resource that was there is kept and, at most, updated.
func updates(old, now *graph.Resource) bool { return !replaced(old, now, differences(old, now)) }

// ignored are the resources that stay, with the inputs that differ in vain because the program says to ignore it. What
// base has in vain already is no news.
func ignored(base, head *graph.Graph) []Change {
	shown := namer{before: labels(base, nil), after: labels(head, nil)}
	var found []Change
	for _, now := range head.Resources {
		old := base.Was(now)
		if old == nil || now.Read || len(now.Options.IgnoreChanges) == 0 || !updates(old, now) {
			continue
		}
		c := change(Update, now)
		for _, l := range unlike(now.Ignoring(old), now) {
			if was, _ := counted(base, head, now, l); was != "" {
				continue // nobody wished for it: AWS counts it up
			}
			property := Property{Path: l.path}
			property.Before, property.After = shown.both(l)
			c.Properties = append(c.Properties, property)
		}
		if len(c.Properties) > 0 {
			found = append(found, c)
		}
	}
	return found
}

// leaf is one difference.
type leaf struct {
	// key is the input that path is in.
	key, path     string
	before, after any
	// option tells the option of a resource that replaces it from an input.
	option bool
}

// differences are those between the inputs of two recordings of a resource, without what the program says to ignore, in
// the order of their paths.
func differences(old, now *graph.Resource) []leaf {
	return append(unlike(old, now.Ignoring(old)), replacing(old, now)...)
}

// unlike are the differences between the inputs of two recordings of a resource.
func unlike(old, now *graph.Resource) []leaf {
	keys := maps.Clone(old.Inputs)
	maps.Copy(keys, now.Inputs)
	var found []leaf
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if old.Same(now, key) {
			continue
		}
		d := &differ{key: key, source: now.Token}
		d.walk(key, old.Inputs[key], now.Inputs[key])
		if len(d.found) == 0 && !conceals(old.Inputs[key]) && !conceals(now.Inputs[key]) {
			continue // the same, written otherwise
		}
		if len(d.found) == 0 { // two secrets, or what is masked in one of them
			d.found = []leaf{{key: key, path: key, before: old.Inputs[key], after: now.Inputs[key]}}
		}
		found = append(found, d.found...)
	}
	return found
}

type differ struct {
	key, source string
	// document tells that what is compared stands in a text, whose lists have an order unless it is a policy.
	document bool
	found    []leaf
}

// unordered are the documents in whose lists the order of entries means nothing.
var unordered = []string{"accessPolicies", "accessPolicy", "assumeRolePolicy", "eventPattern", "filterPolicy",
	"inlinePolicies", "policy", "policyDocument", "policyText"}

// inOrder are the lists of which the order counts; the provider has nearly all others as sets.
var inOrder = []string{"actions", "arguments", "authenticationProviders", "command", "commands", "connectionEvents",
	"defaultActions", "domainNameServers", "entryPoint", "entryPoints", "instanceTypes", "interpreter", "layers",
	"netbiosNameServers", "ntpServers", "orderedCacheBehaviors", "orderedPlacementStrategies", "overrides",
	"parameters", "stages", "steps", "terminationPolicies", "triggers", "textTransformations"}

// ordered reports whether the order of a list at a path counts. In what is not of AWS it may.
func (d *differ) ordered(path string) bool {
	path = position.ReplaceAllString(path, "")
	name := path[strings.LastIndexByte(path, '.')+1:]
	if d.document {
		return !slices.Contains(unordered, d.key)
	}
	return !strings.HasPrefix(d.source, "aws:") || slices.Contains(inOrder, name)
}

// permuted reports whether two lists have the same entries, in any order.
func permuted(before, after []any, same func(b, a any) bool) bool {
	if len(before) != len(after) {
		return false
	}
	left := slices.Clone(after)
	for _, b := range before {
		i := slices.IndexFunc(left, func(a any) bool { return same(b, a) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

// spellings are the inputs in which the provider or AWS takes several spellings for one, by type and input, with what
// brings them into one form. Each names its file below internal/service of
// https://github.com/hashicorp/terraform-provider-aws.
var spellings = map[string]func(string) string{
	"aws:route53/record:Record name": hostName, // route53/record.go, StateFunc
	"aws:route53/zone:Zone name":     hostName, // route53/zone.go, normalizeZoneName
}

// listenerActions are the inputs of a balancer that have actions, by type.
var listenerActions = map[string]string{
	"aws:lb/listener:Listener": "defaultActions", "aws:lb/listenerRule:ListenerRule": "actions",
	"aws:alb/listener:Listener": "defaultActions", "aws:alb/listenerRule:ListenerRule": "actions",
}

// plainActions are the actions of a listener, each in the shortest form that means the same: one group of targets is a
// target, and the order that is not given is that of the list (elbv2/listener.go).
func plainActions(actions []any) []any {
	var found []any
	for i, v := range actions {
		action, is := v.(map[string]any)
		if !is {
			return actions
		}
		plain := maps.Clone(action)
		if n, _ := graph.Number(plain["order"]); n == float64(i+1) {
			delete(plain, "order")
		}
		groups := graph.Items(graph.At(plain, "forward.targetGroups"))
		if plain["targetGroupArn"] == nil && len(groups) == 1 &&
			!graph.Is(graph.At(plain, "forward.stickiness.enabled"), true) {
			delete(plain, "forward")
			plain["targetGroupArn"] = graph.At(groups[0], "arn")
		}
		found = append(found, plain)
	}
	return found
}

func hostName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// spelledAlike reports whether two texts are one in different spellings.
func spelledAlike(token, path string, before, after any) bool {
	form := spellings[token+" "+path]
	b, isBefore := before.(string)
	a, isAfter := after.(string)
	return form != nil && isBefore && isAfter && form(b) == form(a)
}

func (d *differ) add(path string, before, after any) {
	d.found = append(d.found, leaf{key: d.key, path: path, before: before, after: after})
}

// same reports whether two values of an input of a type mean the same to AWS.
func same(token, path string, before, after any) bool {
	d := &differ{key: path, source: token}
	d.walk(path, before, after)
	return len(d.found) == 0
}

// conceals reports whether a value has a secret in it, of which nobody sees whether it is another.
func conceals(v any) bool {
	found := false
	graph.Walk("", v, func(_ string, v any) { found = found || v == graph.Secret })
	return found
}

func (d *differ) walk(path string, before, after any) {
	if reflect.DeepEqual(before, after) || before == nil && holdsUnset(d.source, path, after) ||
		after == nil && holdsUnset(d.source, path, before) || spelledAlike(d.source, path, before, after) {
		return
	}
	if before == nil || after == nil {
		d.add(path, before, after)
		return
	}
	switch b := before.(type) {
	case map[string]any:
		if a, is := after.(map[string]any); is {
			keys := maps.Clone(b)
			maps.Copy(keys, a)
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				d.walk(path+"."+key, b[key], a[key])
			}
			return
		}
	case []any:
		if a, is := after.([]any); is {
			if path == listenerActions[d.source] {
				b, a = plainActions(b), plainActions(a)
			}
			d.lists(path, b, a)
			return
		}
	case string:
		if a, is := after.(string); is {
			d.texts(path, b, a)
			return
		}
	}
	d.add(path, before, after)
}

// lists compares elements that have a name by it, plain ones as a set, others by their place.
func (d *differ) lists(path string, before, after []any) {
	scalar := func(v any) bool {
		switch v.(type) {
		case map[string]any, []any:
			return false
		}
		return true
	}
	both := slices.Concat(before, after)
	if !slices.ContainsFunc(both, func(v any) bool { return !scalar(v) }) {
		less := func(from, what []any) []any {
			return slices.DeleteFunc(slices.Clone(from), func(v any) bool { return slices.Contains(what, v) })
		}
		gone, come := less(before, after), less(after, before)
		if len(gone)+len(come) == 0 && len(before) == len(after) && !d.ordered(path) {
			return
		}
		if len(gone)+len(come) == 0 || len(before)+len(after) <= 2 {
			d.add(path, before, after) // another order, or nothing to leave out
			return
		}
		var b, a any
		if len(gone) > 0 {
			b = gone
		}
		if len(come) > 0 {
			a = come
		}
		d.add(path, b, a)
		return
	}
	for _, name := range []string{"Sid", "id", "name", "key", "deviceName"} {
		b, ok := byName(before, name)
		if !ok {
			continue
		}
		a, ok := byName(after, name)
		if !ok {
			continue
		}
		keys := maps.Clone(b)
		maps.Copy(keys, a)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			d.walk(path+"["+key+"]", b[key], a[key])
		}
		return
	}
	if !d.ordered(path) && permuted(before, after, func(b, a any) bool {
		inner := &differ{key: d.key, source: d.source, document: d.document}
		inner.walk(path, b, a)
		return len(inner.found) == 0
	}) {
		return
	}
	for i := range max(len(before), len(after)) {
		var b, a any
		if i < len(before) {
			b = before[i]
		}
		if i < len(after) {
			a = after[i]
		}
		d.walk(fmt.Sprintf("%s[%d]", path, i), b, a)
	}
}

// byName are the elements by a name that each has for itself.
func byName(list []any, name string) (map[string]any, bool) {
	found := map[string]any{}
	for _, e := range list {
		text, is := graph.At(e, name).(string)
		if !is || text == "" || found[text] != nil {
			return nil, false
		}
		found[text] = e
	}
	return found, true
}

// texts compares documents by what is in them, user-data by its lines.
func (d *differ) texts(path, before, after string) {
	if b, ok := parsed(before); ok {
		if a, ok := parsed(after); ok {
			inner := &differ{key: d.key, source: d.source, document: true}
			inner.walk(path, b, a)
			d.found = append(d.found, inner.found...)
			return
		}
	}
	if strings.HasPrefix(d.key, "userData") {
		b, okBefore := script(before)
		a, okAfter := script(after)
		if okBefore && okAfter {
			before, after = b, a
		}
	}
	if strings.Count(before, "\n") < 2 || strings.Count(after, "\n") < 2 {
		d.add(path, before, after)
		return
	}
	for _, h := range hunks(strings.Split(before, "\n"), strings.Split(after, "\n")) {
		d.hunk(path, h)
	}
}

// hunk adds lines that differ, side by side where there are as many of them.
func (d *differ) hunk(path string, h hunk) {
	b, a := strings.Split(h.before, "\n"), strings.Split(h.after, "\n")
	if h.before != "" && h.after != "" && len(b) == len(a) {
		for i := range b {
			d.add(fmt.Sprintf("%s[line %d]", path, h.line+i), b[i], a[i])
		}
		return
	}
	var was, is any
	if h.before != "" {
		was = h.before
	}
	if h.after != "" {
		is = h.after
	}
	d.add(fmt.Sprintf("%s[line %d]", path, h.line), was, is)
}

func parsed(text string) (any, bool) {
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil, false
	}
	var v any
	return v, json.Unmarshal([]byte(text), &v) == nil
}

func script(text string) (string, bool) {
	if decoded, err := graph.Decode(text); err == nil {
		return decoded, true
	}
	return text, strings.Contains(text, "\n")
}

// hunk is a run of lines that differ; line is its place in the new text, from 1.
type hunk struct {
	line          int
	before, after string
}

// mostLines bounds the work of comparing two texts: user-data has a few hundred.
const mostLines = 2000

func hunks(before, after []string) []hunk {
	if len(before) > mostLines || len(after) > mostLines {
		return []hunk{{1, strings.Join(before, "\n"), strings.Join(after, "\n")}}
	}
	// common[i][j] is the length of the longest common run of lines of before[i:] and after[j:].
	common := make([][]int, len(before)+1)
	for i := range common {
		common[i] = make([]int, len(after)+1)
	}
	for i := len(before) - 1; i >= 0; i-- {
		for j := len(after) - 1; j >= 0; j-- {
			if before[i] == after[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var found []hunk
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		if i < len(before) && j < len(after) && before[i] == after[j] {
			i, j = i+1, j+1
			continue
		}
		fromI, fromJ := i, j
		for (i < len(before) || j < len(after)) && !(i < len(before) && j < len(after) && before[i] == after[j]) {
			if j == len(after) || i < len(before) && common[i+1][j] >= common[i][j+1] {
				i++
			} else {
				j++
			}
		}
		found = append(found, hunk{fromJ + 1, strings.Join(before[fromI:i], "\n"), strings.Join(after[fromJ:j], "\n")})
	}
	return found
}

// compare finds the changes between two graphs of a stack; base may be nil, of which all is new.
func compare(base, head *graph.Graph) []Change {
	var changes []Change
	continued, again := map[*graph.Resource]bool{}, map[string]bool{}
	type pair struct{ old, now *graph.Resource }
	var pairs []pair
	var fresh []*graph.Resource
	for _, now := range head.Resources {
		if !now.Custom || now.Read || strings.HasPrefix(now.Token, "pulumi:") {
			continue
		}
		var old *graph.Resource
		if base != nil {
			old = base.Was(now)
		}
		if old == nil {
			c := change(Create, now)
			if now.Options.Import != "" {
				c.Action, c.Existing = Import, now.Options.Import
			}
			changes = append(changes, c)
			fresh = append(fresh, now)
			continue
		}
		continued[old] = true
		pairs = append(pairs, pair{old, now})
		if replaced(old, now, differences(old, now)) {
			again[now.URN] = true
		}
	}
	if base != nil {
		for _, old := range base.Resources {
			if old.Custom && !old.Read && !strings.HasPrefix(old.Token, "pulumi:") && !continued[old] {
				c := change(Delete, old)
				c.Kept = kept(old)
				changes = append(changes, c)
			}
		}
	}
	shown := namer{before: labels(base, nil), after: labels(head, again)}
	odd := oddities(fresh, shown)
	for i, now := range fresh { // the first of changes are these, in the same order
		changes[i].odd = odd[now.URN]
		for _, key := range slices.Sorted(maps.Keys(now.Inputs)) {
			if judgedNew(now.Token) && slices.Contains(neutral[""], key) {
				continue
			}
			_, after := shown.both(leaf{key: key, path: key, after: now.Inputs[key]})
			changes[i].Properties = append(changes[i].Properties, Property{Path: key, After: after})
		}
	}
	for _, p := range pairs {
		leaves := differences(p.old, p.now)
		if len(leaves) == 0 && sameType(p.old, p.now) {
			continue
		}
		action := Update
		if replaced(p.old, p.now, leaves) {
			action = Replace
		}
		c := change(action, p.now)
		c.Kept = action == Replace && kept(p.old)
		if action == Replace && imports(p.old, p.now) {
			c.Existing = p.now.Options.Import
		}
		c.First = action == Replace && c.Existing == "" && goesFirst(p.old, p.now)
		for _, l := range leaves {
			v := verdict(p.old, p.now, l)
			property := Property{Path: l.path, Replaces: v.Word == Replaces, Verdict: v.Word, Source: v.Source}
			c.Unsure = c.Unsure || action == Update && v.Word != InPlace
			if property.Before, property.After = counted(base, head, p.now, l); property.After == "" {
				property.Before, property.After = shown.both(l)
			}
			c.Properties = append(c.Properties, property)
		}
		changes = append(changes, c)
	}
	for i := range changes {
		changes[i].Reads = reads(head, changes[i])
	}
	slices.SortFunc(changes, func(a, b Change) int {
		order := []Action{Delete, Replace, Update, Import, Create}
		return cmp.Or(cmp.Compare(slices.Index(order, a.Action), slices.Index(order, b.Action)), cmp.Compare(weight(b.Type), weight(a.Type)),
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.URN, b.URN))
	})
	return changes
}

// reads are what something that is made or changed builds on, and the program only reads.
func reads(head *graph.Graph, c Change) []string {
	now := head.ByURN(c.URN)
	if now == nil || c.Action == Delete {
		return nil
	}
	var found []string
	for _, urn := range now.Dependencies {
		if r := head.ByURN(urn); r != nil && r.Read && !strings.HasPrefix(r.Token, "pulumi:") {
			found = append(found, r.String())
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// counted are the two sides of a difference that comes from a number which AWS counts up, such as the version of a
// launch template: the numbers of the model say nothing. Empty for anything else.
func counted(base, head *graph.Graph, now *graph.Resource, l leaf) (before, after string) {
	for _, urn := range now.PropertyDependencies[l.key] {
		from := head.ByURN(urn)
		if from == nil {
			continue
		}
		was := base.Was(from)
		if was == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(from.Outputs)) {
			m, isNumber := was.Outputs[name].(float64)
			n, stillNumber := from.Outputs[name].(float64)
			if isNumber && stillNumber && n == m+1 && graph.Text(m) == only(l.before) && graph.Text(n) == only(l.after) {
				return "{" + name + " of " + was.String() + "}", "{next " + name + " of " + from.String() + "}"
			}
		}
	}
	return "", ""
}

// only is a value as a text, or that of the one element of a list.
func only(v any) string {
	if list, is := v.([]any); is && len(list) == 1 {
		return graph.Text(list[0])
	}
	return graph.Text(v)
}

// made reports whether a resource is one that base does not have.
func (c Change) made() bool { return c.Action == Create || c.Action == Import }

// weight puts what holds data first.
func weight(token string) int {
	if _, holds := holding[token]; holds {
		return 1
	}
	return 0
}

func change(action Action, r *graph.Resource) Change {
	return Change{Action: action, Type: r.Token, Kind: r.Kind(), Name: r.Name, URN: r.URN}
}

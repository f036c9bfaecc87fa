// Package plan reports how a change of the repository affects its stacks, without a cloud or credentials: what
// is created, updated, replaced and deleted, who can reach whom, what it costs, which rules it breaks, what roles may
// do, and which migrations run. It compares the resource graphs that the programs of two revisions register (package
// graph). Package cli makes these and imports it, as do tests.
//
// docs/review.md says what a plan knows, and what only a preview of the real stack does.
package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/plan/drawing"
	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
	"dossier.example/plan/prices"
)

// Version is that of the form of Plan as JSON, which schema.json describes. It is raised when a reader of the former
// one would misread it.
const Version = 3

// Stack is one stack at one revision.
type Stack struct {
	// Project is the name of its Pulumi project, which is the namespace of the project's own configuration.
	Project string
	// File is where the repository has its program: the path of the project's file; empty: not known.
	File string
	// Config is its configuration, by full key.
	Config map[string]string
	// Secrets are the keys of configuration that hold secrets.
	Secrets []string
	// Policy is what the stack is held to; nil where its configuration does not tell, which no rule is then asked
	// about.
	Policy *policy.Set
	// Graph is nil where there is none; Fault tells why.
	Graph *graph.Graph
	Fault *Fault
	// Rewritten tells that the program is made of other sources than base's, where it is head's.
	Rewritten bool
	// Again is what another run of its program gave, where it is head's.
	Again Again
}

// Fault is why something of a revision cannot be looked at.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Said is what is wrong, in the words of who found it.
	Said string `json:"said"`
}

// FaultKind tells faults apart.
type FaultKind string

// The kinds.
const (
	// FaultSettings: the settings do not keep their rules.
	FaultSettings FaultKind = "settings"
	// FaultProgram: the program fails.
	FaultProgram FaultKind = "program"
	// FaultBuild: the program does not compile.
	FaultBuild FaultKind = "build"
)

// Revision is what one revision of the repository gives.
type Revision struct {
	// Name is how it is called in the plan.
	Name string
	// Stacks are by name.
	Stacks map[string]Stack
	// Unread are the projects, and stacks of others, that are not looked at.
	Unread []Unread
	// Left are the stacks that are there and not looked at any longer, with why not.
	Left map[string]string
	// Build is why there is no program to run; nil: there is one.
	Build *Fault
	// Migrations are those of the database, in order.
	Migrations []File
	// Release identifies the app that would be deployed.
	Release string
	// Prices are what both revisions are priced by, where this is the head of a plan; nil: prices.Builtin.
	Prices *prices.Table
}

// Unread is a Pulumi project that is not looked at, or some stacks of it.
type Unread struct {
	Project string `json:"project"`
	// Folder is where its Pulumi.yaml is.
	Folder string `json:"folder"`
	// Stacks are those that are not looked at; none: all of the project.
	Stacks []string `json:"stacks,omitempty"`
	// Why says why not.
	Why string `json:"why"`
	// Changed reports whether something in the folder changes.
	Changed bool `json:"changed,omitempty"`
}

// Plan is what changes from one revision to another.
type Plan struct {
	Version int    `json:"version"`
	Base    string `json:"base"`
	Head    string `json:"head"`
	// Notes are what whoever reads the plan has to know about how it was made.
	Notes []string `json:"notes,omitempty"`
	// Unread are the projects, and stacks of others, that are not looked at.
	Unread []Unread `json:"unread,omitempty"`
	// Build is why there is no program at head; the environments are empty then.
	Build *Fault `json:"build,omitempty"`
	// Release tells the app before and after, empty where that is not known.
	Release      Release       `json:"release"`
	Migrations   []Migration   `json:"migrations"`
	Environments []Environment `json:"environments"`
	Prices       PriceTable    `json:"prices"`
	// FailInherited tells that what base has already fails as if the change made it: rules that it breaks, and
	// resources that nothing judges.
	FailInherited bool `json:"failInherited,omitempty"`

	// deploys reports whether the repository has migrations or an app of which something is known.
	deploys bool
}

// Release are the hashes of the app's sources, or of its releases.
type Release struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// Environment is one stack.
type Environment struct {
	Name string `json:"name"`
	// File is the path of the project's file in the repository; empty: not known.
	File string `json:"file,omitempty"`
	// New tells a stack that base does not have, Gone one that head does not have.
	New  bool `json:"new,omitempty"`
	Gone bool `json:"gone,omitempty"`
	// Left is why one that is gone is not looked at although the repository still has it.
	Left string `json:"left,omitempty"`
	// Fault is why head has no graph, BaseFault why nothing is compared.
	Fault     *Fault     `json:"fault,omitempty"`
	BaseFault *Fault     `json:"baseFault,omitempty"`
	Dangers   []Danger   `json:"dangers"`
	Changes   []Change   `json:"changes"`
	Reach     []Reach    `json:"reach"`
	Cost      Cost       `json:"cost"`
	Policy    Policy     `json:"policy"`
	Roles     []Role     `json:"roles"`
	Outputs   []Property `json:"outputs,omitempty"`
	// Ignored are the inputs that the program changes in vain, because it says to ignore changes of them.
	Ignored []Change `json:"ignored,omitempty"`
	// Options are the resource options that differ, which only Pulumi's state keeps.
	Options []Change `json:"options,omitempty"`
	// Unjudged are the resources that stay as they are and of whose type nothing here knows what it is, such as whom it
	// lets in.
	Unjudged []string `json:"unjudged,omitempty"`

	fleet fleet

	// Drawing is the picture, with what changes marked.
	Drawing drawing.Drawing `json:"-"`
}

// Reach is one line of who can open connections to whom.
type Reach struct {
	Change   Difference `json:"change,omitempty"`
	From     string     `json:"from"`
	To       string     `json:"to"`
	Protocol string     `json:"protocol"`
	Ports    string     `json:"ports"`
	Via      string     `json:"via"`
}

// Policy is what came of the rules.
type Policy struct {
	Summary string `json:"summary"`
	// Asked is how many rules were asked.
	Asked int `json:"-"`
	// Fault is why the rules could not be asked; empty: they were.
	Fault string `json:"fault,omitempty"`
	// Dropped are rules that base is held to and head is not.
	Dropped []string `json:"dropped,omitempty"`
	Broken  []Broken `json:"broken"`
	// Mended are rules that base breaks and head does not, at resources that are still there and not excused. Whether
	// such a rule is kept, or has nothing left to hold there, is the rule's to say.
	Mended     []string `json:"mended,omitempty"`
	Exceptions []Except `json:"exceptions"`
	// NotAsked are resources that a rule speaks of and is not asked of, because it does not know their kind, or a value
	// of theirs.
	NotAsked []NotAsked `json:"notAsked,omitempty"`
}

// Inherited is how many places base breaks a rule at as head does.
func (p Policy) Inherited() int {
	n := 0
	for _, b := range p.Broken {
		if b.Before {
			n++
		}
	}
	return n
}

// Broken is one place where a rule is not kept.
type Broken struct {
	Rule     string `json:"rule"`
	Resource string `json:"resource,omitempty"`
	Message  string `json:"message"`
	Mend     string `json:"mend"`
	// Before tells that base breaks it as well.
	Before bool `json:"before,omitempty"`
	// Says is the rule in a sentence.
	Says string `json:"says,omitempty"`
	// Source is the line of head's program that registers the resource, where that is known.
	Source graph.Source `json:"source,omitzero"`
}

// NotAsked is a resource that a rule is not asked of.
type NotAsked struct {
	Rule     string `json:"rule"`
	Resource string `json:"resource"`
	// Why says why not.
	Why string `json:"why"`
}

// Except is a rule that is not kept on purpose.
type Except struct {
	Rule      string   `json:"rule"`
	Resources []string `json:"resources"`
	Reason    string   `json:"reason"`
	// New tells that base needs no such exception.
	New bool `json:"new,omitempty"`
}

// Make makes the plan from base to head. The graphs of head's stacks are recorded after those of base (After).
func Make(base, head Revision, notes ...string) Plan {
	table := cmp.Or(head.Prices, prices.Builtin())
	p := Plan{
		Version: Version, Migrations: []Migration{}, Environments: []Environment{}, Base: base.Name, Head: head.Name,
		Notes: notes, Unread: head.Unread, Build: head.Build, Release: Release{base.Release, head.Release},
		Prices: PriceTable{table.Date, table.Source, table.Names(), prices.NotCounted()},
	}
	for _, r := range []Revision{base, head} {
		p.deploys = p.deploys || len(r.Migrations) > 0 || r.Release != ""
	}
	if head.Build != nil {
		return p
	}
	if base.Build != nil {
		p.Notes = append(p.Notes, fmt.Sprintf("**Nothing is compared:** the program of %s does not compile. What "+
			"follows is what there would be, as if from nothing.", base.Name))
	}
	p.Migrations = append(p.Migrations, migrations(base.Migrations, head.Migrations)...)
	names := map[string]Stack{}
	maps.Copy(names, head.Stacks)
	maps.Copy(names, base.Stacks)
	var builds alikeNotes
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, known := base.Stacks[name]
		is, stays := head.Stacks[name]
		e := environment(name, was, known, is, stays, table)
		if !stays {
			e.dropped(head.Left[name])
		}
		e.whole()
		p.Environments = append(p.Environments, e)
		if is.Graph != nil {
			builds.add(name, unknowns(was.Graph, is.Graph))
		}
	}
	p.referred(base.Stacks, head.Stacks)
	for _, s := range builds {
		build := "builds"
		if len(s.names) > 1 {
			build = "build"
		}
		p.Notes = append(p.Notes, codes(s.names)+" "+build+" on what only a deployment knows"+s.text)
	}
	return p
}

// alikeNotes are texts, each with the stacks that it is about.
type alikeNotes []struct {
	text  string
	names []string
}

// add notes a text about a stack; an empty one says nothing.
func (s *alikeNotes) add(name, text string) {
	if text == "" {
		return
	}
	for i := range *s {
		if (*s)[i].text == text {
			(*s)[i].names = append((*s)[i].names, name)
			return
		}
	}
	*s = append(*s, struct {
		text  string
		names []string
	}{text, []string{name}})
}

func environment(name string, base Stack, known bool, head Stack, stays bool, table *prices.Table) Environment {
	e := Environment{Name: name, File: cmp.Or(head.File, base.File), New: !known, Gone: !stays, Fault: head.Fault,
		Dangers: []Danger{}, Changes: []Change{}}
	if known {
		e.BaseFault = base.Fault
	}
	if head.Graph == nil {
		e.mask(nil)
		return e
	}
	base, head = inAccount(base, head)
	base.Graph, head.Graph = base.Graph.Canonical(), head.Graph.Canonical()
	from := base.Graph
	if from != nil {
		from = from.As(head.Graph)
	}
	from, sealed, dropped := graph.Seal(from, head.Graph,
		append(keyTexts(from, head.Graph), plainTexts(from, head.Graph)...)...)
	head.Graph = sealed
	program := head // as the rules see it, whose exceptions are for names in the program
	distinct := graph.Distinct(from, head.Graph)
	from, head.Graph = distinct[0], distinct[1]
	e.fleet = fleetOf(head.Graph)
	e.Changes = append(e.Changes, compare(from, head.Graph)...)
	if from != nil {
		e.Ignored, e.Options = ignored(from, head.Graph), optional(from, head.Graph)
		// What AWS will have is looked at from here on, not what the program asks for in vain.
		head.Graph = head.Graph.Deployed(from, updates)
		program.Graph = program.Graph.Deployed(from, updates)
	}
	e.Reach = reach(from, head.Graph)
	e.Cost = cost(table, from, head.Graph, base.Config["aws:region"], head.Config["aws:region"])
	e.Policy = policies(base, program, from, head.Graph)
	if len(e.Policy.Dropped) > 0 {
		e.Dangers = append(e.Dangers, Danger{Kind: "rules dropped", What: fmt.Sprintf("It is no longer held to %s.",
			codes(e.Policy.Dropped))})
	}
	if base.Policy != nil && head.Policy != nil && base.Policy.Environment.Production &&
		!head.Policy.Environment.Production {
		e.Dangers = append(e.Dangers, Danger{Kind: "rules dropped",
			What: "It is no longer a stack of production, so the rules that hold in those alone no longer hold in it."})
	}
	e.Unjudged = unlooked(from, head.Graph, e.Changes)
	e.Roles = roles(from, head.Graph)
	e.Outputs = outputs(from, head.Graph)
	e.Dangers = append(e.Dangers, unsettled(head.Again, from, head.Graph)...)
	e.Dangers = append(e.Dangers, unsealed(dropped, from, head.Graph, e.Policy)...)
	if from != nil {
		e.Dangers = append(e.Dangers, decrypted(base, head)...)
		e.Dangers = append(e.Dangers, gaps(from, head.Graph)...)
		if head.Rewritten || !maps.Equal(base.Config, head.Config) {
			e.Dangers = append(e.Dangers, rewritten(from, head.Graph)...)
		}
		e.Dangers = append(e.Dangers, configured(head.Project, base, head)...)
		e.Dangers = append(e.Dangers,
			providers(from, head.Graph, base.Config["aws:region"], head.Config["aws:region"])...)
	}
	e.Dangers = append(e.Dangers, dangers(&e, from, head.Graph)...)
	e.locate(head.Graph)
	e.Drawing = picture(&e, from, head.Graph)
	e.mask(head.Graph.Marked())
	return e
}

// dropped tells of a stack that head does not have, or does not look at for a reason; that one counts with what is
// unread.
func (e *Environment) dropped(left string) {
	if e.Left = left; left != "" {
		return
	}
	e.Dangers = append(e.Dangers, Danger{Kind: "stack dropped", What: "The repository no longer has this stack: " +
		"what is deployed of it stays, is paid and is no longer looked after until `pulumi destroy`."})
}

// whole makes lists of what there is none of, so that the JSON form has them empty and not null.
func (e *Environment) whole() {
	e.Reach, e.Roles = append([]Reach{}, e.Reach...), append([]Role{}, e.Roles...)
	e.Cost.Lines = append([]CostLine{}, e.Cost.Lines...)
	e.Cost.Unpriced = append([]Unpriced{}, e.Cost.Unpriced...)
	e.Cost.Uses = append([]Use{}, e.Cost.Uses...)
	e.Policy.Broken = append([]Broken{}, e.Policy.Broken...)
	e.Policy.Exceptions = append([]Except{}, e.Policy.Exceptions...)
	for i := range e.Policy.Exceptions {
		e.Policy.Exceptions[i].Resources = append([]string{}, e.Policy.Exceptions[i].Resources...)
	}
	for i := range e.Roles {
		e.Roles[i].Grants = append([]Grant{}, e.Roles[i].Grants...)
	}
}

// locate tells where head's program registers what is told of. Of several resources that are called the same it is the
// first.
func (e *Environment) locate(head *graph.Graph) {
	at := map[string]graph.Source{}
	for _, r := range head.Resources {
		if r.Source.File != "" {
			for _, name := range []string{r.URN, r.String()} {
				if _, known := at[name]; !known {
					at[name] = r.Source
				}
			}
		}
	}
	for i, c := range e.Changes {
		e.Changes[i].Source = at[c.URN]
	}
	for i, d := range e.Dangers {
		e.Dangers[i].Source = at[d.Resource]
	}
	for i, b := range e.Policy.Broken {
		e.Policy.Broken[i].Source = at[b.Resource]
	}
}

// configured tells what changes of the providers' own configuration, which stands in no resource.
func configured(project string, base, head Stack) []Danger {
	var found []Danger
	names := map[string]string{}
	maps.Copy(names, base.Config)
	maps.Copy(names, head.Config)
	for _, key := range slices.Sorted(maps.Keys(names)) {
		was, is := base.Config[key], head.Config[key]
		if strings.HasPrefix(key, project+":") || was == is {
			continue
		}
		if slices.Contains(slices.Concat(base.Secrets, head.Secrets), key) || isPlain(key, was) || isPlain(key, is) {
			was, is = namer{}.both(leaf{before: secretUnless(was == ""), after: secretUnless(is == "")})
		}
		kind, what := notJudged, "it is of a provider, and what it changes is not known here"
		switch key {
		case "aws:region":
			kind, what = "everything replaced", otherRegion
		case "aws:defaultTags":
			kind, what = "provider", "every resource that has tags is updated in place"
		}
		found = append(found,
			Danger{Kind: kind, What: fmt.Sprintf("%s changes (%s → %s): %s.", code(key),
				code(orNone(was)), code(orNone(is)), what)})
	}
	return found
}

// codes are texts in code spans.
func codes(texts []string) string {
	shown := make([]string, len(texts))
	for i, text := range texts {
		shown[i] = code(cut(text, longest))
	}
	return strings.Join(shown, ", ")
}

func orNone(text string) string { return cut(cmp.Or(text, "not set"), longest/2) }

// reach compares who can reach whom; without a base nothing is new.
func reach(base, head *graph.Graph) []Reach {
	after := head.Reachability()
	var before []graph.Reach
	if base != nil {
		before = base.Reachability()
	}
	var found []Reach
	line := func(r graph.Reach, change Difference) {
		found = append(found, Reach{Change: change, From: r.From, To: r.To, Protocol: r.Protocol, Ports: r.Ports,
			Via: r.Via})
	}
	// Another way to the same port is no new reach for whoever is inside; from outside each counts, as it names the
	// addresses.
	for _, r := range after {
		if base == nil || slices.Contains(before, r) {
			line(r, Same)
		} else {
			line(r, Added)
		}
	}
	for _, r := range before {
		if !slices.Contains(after, r) {
			line(r, Removed)
		}
	}
	slices.SortStableFunc(found, func(a, b Reach) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Protocol, b.Protocol),
			cmp.Compare(a.Ports, b.Ports))
	})
	return found
}

// policies asks the rules at head, and at base where that can be. In before and after no two resources are called the
// same.
func policies(base, head Stack, before, after *graph.Graph) Policy {
	var p Policy
	if head.Policy == nil {
		return p
	}
	report := head.Policy.Check(head.Graph)
	if report.Fault != "" {
		p.Fault = report.Fault
		return p
	}
	p.Summary = report.Summary()
	for _, r := range report.Results {
		if r.Verdict != policy.NotAsked {
			p.Asked++
		}
	}
	called := func(v policy.Violation, of *graph.Graph) string {
		if r := of.ByURN(v.URN); r != nil && r.String() == v.Resource {
			for _, g := range []*graph.Graph{after, before} {
				if g != nil && g.ByURN(v.URN) != nil {
					return g.ByURN(v.URN).String()
				}
			}
		}
		return v.Resource
	}
	broken, excused := map[brokenAt]policy.Violation{}, map[string]bool{}
	kept, told := map[brokenAt]bool{}, map[brokenAt]bool{}
	compared := base.Graph != nil && base.Policy != nil
	if compared {
		for _, r := range base.Policy.Check(base.Graph).Results {
			if !slices.ContainsFunc(report.Results, func(now policy.Result) bool { return now.Rule.ID == r.Rule.ID }) {
				p.Dropped = append(p.Dropped, r.Rule.ID)
			}
			for _, v := range r.Violations {
				broken[brokenAt{v.Rule, v.URN, v.Message}] = v
			}
			for _, e := range r.Excused {
				excused[r.Rule.ID+e.Exception.Reason] = true
			}
		}
	}
	names := labels(after, nil)
	for _, r := range report.Results {
		for _, v := range r.Violations {
			at := brokenAt{v.Rule, v.URN, v.Message}
			if told[at] {
				continue // such as of two address blocks in one entry of a security group
			}
			told[at] = true
			_, before := broken[at]
			if now := head.Graph.ByURN(v.URN); !before && now != nil && compared && base.Graph.ByURN(v.URN) == nil {
				at, before = inherited(broken, kept, at, base.Graph, head.Graph)
			}
			kept[at] = true
			p.Broken = append(p.Broken, Broken{Rule: v.Rule, Resource: called(v, head.Graph),
				Message: names.Replace(v.Message), Mend: v.Mend, Before: before, Says: r.Rule.Says})
		}
		for _, v := range r.Aside {
			p.NotAsked = append(p.NotAsked, NotAsked{r.Rule.ID, called(v, head.Graph), names.Replace(v.Message)})
		}
		for _, e := range r.Excused {
			i := slices.IndexFunc(p.Exceptions, func(x Except) bool {
				return x.Rule == r.Rule.ID && x.Reason == e.Exception.Reason
			})
			if i < 0 {
				p.Exceptions = append(p.Exceptions, Except{Rule: r.Rule.ID, Reason: e.Exception.Reason, New: compared &&
					!excused[r.Rule.ID+e.Exception.Reason]})
				i = len(p.Exceptions) - 1
			}
			if e.Resource != "" {
				p.Exceptions[i].Resources = append(p.Exceptions[i].Resources, called(e.Violation, head.Graph))
			}
		}
	}
	if compared && base.Policy.Environment.Production != head.Policy.Environment.Production {
		broken = nil // other rules hold
	}
	for at, v := range broken {
		if kept[at] || slices.ContainsFunc(p.Broken, func(b Broken) bool {
			return b.Rule == v.Rule && b.Resource == called(v, base.Graph) // it is still broken, otherwise
		}) {
			continue
		}
		if !stillHeld(head, report, base.Graph, v) || slices.ContainsFunc(p.Exceptions, func(x Except) bool {
			return x.Rule == v.Rule && slices.Contains(x.Resources, called(v, base.Graph))
		}) {
			continue
		}
		p.Mended = append(p.Mended, fmt.Sprintf("%s: %s: %s", v.Rule, cmp.Or(called(v, base.Graph), "the stack"),
			v.Message))
	}
	slices.Sort(p.Mended)
	return p
}

// stillHeld reports whether a stack is still held to a rule that base breaks, and has the resource that broke it.
func stillHeld(head Stack, report policy.Report, base *graph.Graph, v policy.Violation) bool {
	if !slices.ContainsFunc(report.Results, func(r policy.Result) bool {
		return r.Rule.ID == v.Rule && r.Verdict != policy.NotAsked
	}) {
		return false
	}
	return v.URN == "" || slices.ContainsFunc(head.Graph.Resources, func(now *graph.Resource) bool {
		old := base.Was(now)
		return now.URN == v.URN || old != nil && old.URN == v.URN
	})
}

// brokenAt is a place where a rule is not kept.
type brokenAt struct{ rule, urn, message string }

// inherited returns the place at which base breaks a rule as head does at a resource that base does not have: that of
// the resource which it continues by an alias, or of one of its type that it takes the place of. One
// that is taken is another's already.
func inherited(broken map[brokenAt]policy.Violation, taken map[brokenAt]bool, at brokenAt,
	base, head *graph.Graph) (brokenAt, bool) {
	now := head.ByURN(at.urn)
	if old := base.Was(now); old != nil {
		was := brokenAt{at.rule, old.URN, at.message}
		_, before := broken[was]
		return was, before
	}
	for _, old := range base.ByType(now.Token) {
		was := brokenAt{at.rule, old.URN, at.message}
		if _, before := broken[was]; before && !taken[was] && head.ByURN(old.URN) == nil {
			return was, true
		}
	}
	return at, false
}

// outputs are those of the stack that differ.
func outputs(base, head *graph.Graph) []Property {
	if base == nil {
		return nil
	}
	names := maps.Clone(base.Exports)
	maps.Copy(names, head.Exports)
	shown := namer{before: labels(base, nil), after: labels(head, nil)}
	var found []Property
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d := &differ{key: name}
		d.walk(name, base.Exports[name], head.Exports[name])
		for _, l := range d.found {
			property := Property{Path: l.path}
			property.Before, property.After = shown.both(l)
			found = append(found, property)
		}
	}
	return found
}

// picture is the drawing of what there will be, with what changes marked.
func picture(e *Environment, base, head *graph.Graph) drawing.Drawing {
	after := drawing.Of(head)
	if base == nil {
		return after
	}
	before := drawing.Of(base)
	changed := map[string]drawing.Mark{}
	for _, c := range e.Changes {
		changed[c.URN] = map[Action]drawing.Mark{
			Create: drawing.Added, Import: drawing.Added, Update: drawing.Changed, Replace: drawing.Replaced,
			Delete: drawing.Removed,
		}[c.Action]
		// A part that has no place of its own in the picture, such as a bucket's policy, changes what it is a part
		// of. Who merely reads something of it stays as it is.
		for _, side := range []struct {
			*graph.Graph
			drawing.Drawing
		}{{base, before}, {head, after}} {
			r := side.ByURN(c.URN)
			if r == nil || partOf[c.Type] == "" || drawn(side.Drawing, c.URN) {
				continue
			}
			if whole := side.Resolve(r.Input(partOf[c.Type])); whole != nil && changed[whole.URN] == drawing.Unmarked {
				changed[whole.URN] = drawing.Changed
			}
		}
	}
	return drawing.Compare(before, after, changed)
}

func drawn(d drawing.Drawing, urn string) bool {
	return slices.ContainsFunc(d.Nodes, func(n drawing.Node) bool { return slices.Contains(n.URNs, urn) })
}

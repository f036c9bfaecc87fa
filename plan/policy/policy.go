// Package policy checks the infrastructure of a stack against rules, as code over its resource graph: each rule has its
// id in the catalogues of others, a sentence, and, where a repository does not keep it on purpose, exceptions with
// their reason and the condition that they are bound to.
//
// Catalogue holds the rules that fit any stack on AWS. A repository adds rules and exceptions of its own with the
// exported helpers, and hands the whole to Check. Plans and tests import the package; the components of a stack do not.
package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// Environment is what rules need to know beside the graph.
type Environment struct {
	// Name is the stack's.
	Name string
	// Production marks an environment whose data must outlive mistakes.
	Production bool
}

// Set is what one environment is held to.
type Set struct {
	Environment Environment
	Rules       []Rule
	// Complete tells that the stack is meant to have something of all that its rules speak of: a rule without it is
	// broken. Else it is not asked.
	Complete bool
	// Served asks another program for the report; nil: the rules are here.
	Served func(g *graph.Graph) Report
}

// Check checks a graph against every rule of the set.
func (s Set) Check(g *graph.Graph) Report {
	if s.Served != nil {
		return s.Served(g)
	}
	report := Report{Environment: s.Environment}
	for _, rule := range s.Rules {
		report.Results = append(report.Results, rule.check(g, s))
	}
	return report
}

// Violation is one place where a rule is not kept.
type Violation struct {
	// Rule is the id of the rule.
	Rule string
	// Resource is the kind and name of the resource at fault, empty where something is missing altogether.
	Resource string
	// URN is the resource's, empty likewise.
	URN string
	// Message says what is wrong, Mend what to do.
	Message, Mend string
	// NotAsked tells that nothing is wrong: the rule is not asked of the resource, and Message says why.
	NotAsked bool `json:",omitempty"`
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s: %s; %s", v.Rule, cmp.Or(v.Resource, "the graph"), v.Message, v.Mend)
}

// Exception is where a rule is not kept on purpose.
type Exception struct {
	// Reason says why, When under which condition; both are sentences for the document.
	Reason, When string
	// Holds reports whether the condition is met for a violation.
	Holds func(g *graph.Graph, env Environment, v Violation) bool `json:"-"`
}

// Rule is one rule.
type Rule struct {
	// ID is the rule's in AWS Foundational Security Best Practices, in the CIS AWS Foundations Benchmark 5.0 or in
	// checkov. An id of this package's own begins with "Plan."; a repository's begins with a name of its own. Also are
	// ids of others that say the same.
	ID   string
	Also []string
	// Says is the rule in a sentence.
	Says string
	// Production tells a rule that holds in production only; Otherwise says why not elsewhere.
	Production bool
	Otherwise  string
	// Needs are the types of resources that the rule speaks of: with none of them in the graph it is not asked, or
	// counts as broken, as it cannot be shown to be kept (Set.Complete). Empty is for rules about what may be absent.
	Needs []string
	// Optional tells a rule about what even a complete stack (Set.Complete) may lack.
	Optional bool
	// Read tells a rule that is also asked about resources that the program only reads (GetBucket and the like). They
	// are others', who keep rules of their own or do not: nobody can mend them from here.
	Read bool
	// Check finds what breaks the rule.
	Check func(g *graph.Graph, env Environment) []Violation `json:"-"`
	// Mend replaces what violations say about how to mend them, where a repository has a setting for it.
	Mend       string
	Exceptions []Exception
}

// Verdict is what came of a rule.
type Verdict string

// The verdicts.
const (
	Kept     Verdict = "kept"
	Broken   Verdict = "broken"
	Excepted Verdict = "excepted"
	NotAsked Verdict = "not asked"
)

// Excused is a violation to which an exception applies.
type Excused struct {
	Violation
	Exception Exception
}

// Result is what came of one rule.
type Result struct {
	Rule    Rule
	Verdict Verdict
	// Violations are those that no exception excuses.
	Violations []Violation
	Excused    []Excused
	// Aside are the places of which the rule is not asked although it speaks of their types.
	Aside []Violation `json:",omitempty"`
}

// Report is what came of all rules for one environment.
type Report struct {
	Environment Environment
	Results     []Result
	// Fault is why the rules could not be asked; empty: they were.
	Fault string
	// Unknown are the ids of exceptions whose rule there is not.
	Unknown []string
}

// Catalogue returns the rules that fit any stack on AWS, without exceptions, in the order of the document.
func Catalogue() []Rule {
	return slices.Concat(networkRules(), instanceRules(), balancerRules(), groupRules(), databaseRules(), bucketRules(),
		tableRules(), accessRules(), userRules(), otherRules())
}

func (rule Rule) check(g *graph.Graph, set Set) Result {
	env := set.Environment
	result := Result{Rule: rule, Verdict: Kept}
	if rule.Production && !env.Production {
		result.Verdict = NotAsked
		return result
	}
	others := func(r *graph.Resource) bool { return r != nil && r.Read && !rule.Read }
	speaks := slices.DeleteFunc(g.ByType(rule.Needs...), others)
	if absent := len(rule.Needs) > 0 && len(speaks) == 0; absent && (!set.Complete || rule.Optional) {
		result.Verdict = NotAsked
		result.Rule.Otherwise = "The stack has nothing that the rule speaks of."
		return result
	} else if absent {
		// No exception is for this: each excuses how something is, not that it is not there.
		result.Verdict = Broken
		result.Violations = []Violation{{
			Rule: rule.ID,
			Message: "no " + strings.Join(rule.Needs, " or ") +
				" exists in the graph, so the rule cannot be verified",
			Mend: "add what the rule is about, or remove the rule with a reason",
		}}
		return result
	}
	for _, v := range rule.Check(g, env) {
		if others(g.ByURN(v.URN)) {
			continue
		}
		v.Rule = rule.ID
		if v.NotAsked {
			result.Aside = append(result.Aside, v)
			continue
		}
		v.Mend = cmp.Or(rule.Mend, v.Mend)
		i := slices.IndexFunc(rule.Exceptions, func(e Exception) bool { return e.Holds(g, env, v) })
		if i < 0 {
			result.Violations = append(result.Violations, v)
		} else {
			result.Excused = append(result.Excused, Excused{v, rule.Exceptions[i]})
		}
	}
	switch {
	case len(result.Violations) > 0:
		result.Verdict = Broken
	case len(result.Excused) > 0:
		result.Verdict = Excepted
	case len(result.Aside) > 0 && !slices.ContainsFunc(speaks, func(r *graph.Resource) bool {
		return !slices.ContainsFunc(result.Aside, func(v Violation) bool { return v.URN == r.URN })
	}):
		result.Verdict = NotAsked
	}
	return result
}

// Broken are all violations that no exception excuses, in the order of the rules.
func (r Report) Broken() []Violation {
	var broken []Violation
	for _, result := range r.Results {
		broken = append(broken, result.Violations...)
	}
	return broken
}

// At returns a violation at a resource.
func At(r *graph.Resource, mend, message string, args ...any) Violation {
	return Violation{Resource: r.String(), URN: r.URN, Message: fmt.Sprintf(message, args...), Mend: mend}
}

// NotAskedOf tells that a rule is not asked of a resource, and why: of a kind that it does not know, or whose value is
// not known. It breaks nothing, and is told.
func NotAskedOf(r *graph.Resource, why string, args ...any) Violation {
	return Violation{Resource: r.String(), URN: r.URN, Message: fmt.Sprintf(why, args...), NotAsked: true}
}

// Each returns a check that applies a test to every resource of a type and gathers what it finds.
func Each(token string, test func(g *graph.Graph, env Environment, r *graph.Resource) []Violation) func(*graph.Graph,
	Environment) []Violation {
	return func(g *graph.Graph, env Environment) []Violation {
		var found []Violation
		for _, r := range g.ByType(token) {
			found = append(found, test(g, env, r)...)
		}
		return found
	}
}

// Must returns a check that demands an input of every resource of a type to be that boolean, as Held tells.
func Must(token, path string, want bool, mend string) func(*graph.Graph, Environment) []Violation {
	return Each(token, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
		if graph.Is(Held(r, path), want) {
			return nil
		}
		return []Violation{At(r, mend, "%s is %s, not %t", path, Shown(r.Input(path)), want)}
	})
}

// needing has rules need types that do not say which they need.
func needing(rules []Rule, types ...string) []Rule {
	for i := range rules {
		if rules[i].Needs == nil {
			rules[i].Needs = types
		}
	}
	return rules
}

// unless returns a check that demands of every resource of a type what holds of it; inputs are those that the message
// shows.
func unless(token string, holds func(g *graph.Graph, r *graph.Resource) bool, mend, message string,
	inputs ...string) func(*graph.Graph, Environment) []Violation {
	return Each(token, func(g *graph.Graph, _ Environment, r *graph.Resource) []Violation {
		if holds(g, r) {
			return nil
		}
		var shown []any
		for _, path := range inputs {
			shown = append(shown, Shown(r.Input(path)))
		}
		return []Violation{At(r, mend, message, shown...)}
	})
}

// Shown returns a value as messages show it.
func Shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "not set"
	case graph.Mark:
		return v.String()
	}
	return cmp.Or(graph.Text(v), fmt.Sprint(v))
}

// All returns a check that joins several.
func All(checks ...func(*graph.Graph, Environment) []Violation) func(*graph.Graph, Environment) []Violation {
	return func(g *graph.Graph, env Environment) []Violation {
		var found []Violation
		for _, c := range checks {
			found = append(found, c(g, env)...)
		}
		return found
	}
}

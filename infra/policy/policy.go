// Package policy holds the rules that an environment's infrastructure must keep, as code over its resource graph: each with its id in the
// catalogues of others, a sentence, and, where it is not kept on purpose, an exception with its reason and the condition that it is bound
// to. Tests run it over every environment, and plans may. Components do not import it.
package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dossier.example/infra/graph"
	"dossier.example/infra/settings"
)

//go:generate go run ./internal/document ../../docs/policies.md

// Environment is what rules must know beside the graph: what the settings promise.
type Environment struct {
	// Name is the stack's.
	Name string
	// Production tells an environment whose data must outlive mistakes: of the preset prod, or with protection turned on.
	Production bool
	// Domain tells whether the site has a name, without which there is no certificate.
	Domain bool
	// WebACL tells whether the operator chose a web application firewall.
	WebACL bool
	// Operators tells whether there are addresses that may connect to the jump server.
	Operators bool
}

// Of is the environment that settings describe.
func Of(s settings.Settings) Environment {
	return Environment{
		Name:       s.Stack,
		Production: s.Production(),
		Domain:     s.Site.Domain != "",
		WebACL:     s.Site.WebACL != "",
		Operators:  len(s.Jump.OperatorCIDRs) > 0,
	}
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
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s: %s; %s", v.Rule, cmp.Or(v.Resource, "the graph"), v.Message, v.Mend)
}

// Exception is where a rule is not kept on purpose.
type Exception struct {
	// Reason says why, When under which condition; both are sentences for the document.
	Reason, When string
	// Holds tells whether the condition is met for a violation.
	Holds func(g *graph.Graph, env Environment, v Violation) bool
}

// Rule is one rule.
type Rule struct {
	// ID is the rule's in AWS Foundational Security Best Practices, in the CIS AWS Foundations Benchmark 5.0 or in checkov; one of this
	// project's own begins with Dossier. Also are ids of others that say the same.
	ID   string
	Also []string
	// Says is the rule in a sentence.
	Says string
	// Production tells a rule that holds in production only; Otherwise says why not elsewhere.
	Production bool
	Otherwise  string
	// Needs are the types of resources that the rule speaks of: with none of them in the graph it cannot be shown to be kept, and counts as
	// broken. Empty is for rules about what may be absent.
	Needs []string
	// Check finds what breaks the rule.
	Check      func(g *graph.Graph, env Environment) []Violation
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
}

// Report is what came of all rules for one environment.
type Report struct {
	Environment Environment
	Results     []Result
}

// Rules are all rules, in the order of the document.
func Rules() []Rule {
	return slices.Concat(networkRules(), instanceRules(), balancerRules(), groupRules(), databaseRules(), bucketRules(), tableRules(), accessRules(), otherRules())
}

// Check asks every rule of the graph.
func Check(g *graph.Graph, env Environment) Report { return check(Rules(), g, env) }

func check(rules []Rule, g *graph.Graph, env Environment) Report {
	report := Report{Environment: env}
	for _, rule := range rules {
		report.Results = append(report.Results, rule.ask(g, env))
	}
	return report
}

func (rule Rule) ask(g *graph.Graph, env Environment) Result {
	result := Result{Rule: rule, Verdict: Kept}
	if rule.Production && !env.Production {
		result.Verdict = NotAsked
		return result
	}
	if len(rule.Needs) > 0 && len(g.ByType(rule.Needs...)) == 0 {
		// No exception is for this: each excuses how something is, not that it is not there.
		result.Verdict = Broken
		result.Violations = []Violation{{
			Rule:    rule.ID,
			Message: "there is no " + strings.Join(rule.Needs, " or ") + " in the graph, so the rule cannot be shown to be kept",
			Mend:    "add what the rule speaks of, or take the rule out with a reason",
		}}
		return result
	}
	for _, v := range rule.Check(g, env) {
		v.Rule = rule.ID
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

// at makes a violation of a resource.
func at(r *graph.Resource, mend, message string, args ...any) Violation {
	return Violation{Resource: r.String(), URN: r.URN, Message: fmt.Sprintf(message, args...), Mend: mend}
}

// each applies a test to every resource of a type and gathers what it finds.
func each(token string, test func(g *graph.Graph, env Environment, r *graph.Resource) []Violation) func(*graph.Graph, Environment) []Violation {
	return func(g *graph.Graph, env Environment) []Violation {
		var found []Violation
		for _, r := range g.ByType(token) {
			found = append(found, test(g, env, r)...)
		}
		return found
	}
}

// must demands an input of every resource of a type to be that boolean, written out.
func must(token, path string, want bool, mend string) func(*graph.Graph, Environment) []Violation {
	return each(token, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
		if graph.Is(r.Input(path), want) {
			return nil
		}
		return []Violation{at(r, mend, "%s is %s, not %t", path, shown(r.Input(path)), want)}
	})
}

// shown is a value in a message.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "not set"
	case graph.Mark:
		return v.String()
	}
	return cmp.Or(graph.Text(v), fmt.Sprint(v))
}

// all joins checks that make one rule.
func all(checks ...func(*graph.Graph, Environment) []Violation) func(*graph.Graph, Environment) []Violation {
	return func(g *graph.Graph, env Environment) []Violation {
		var found []Violation
		for _, c := range checks {
			found = append(found, c(g, env)...)
		}
		return found
	}
}

// always is the condition of an exception that is bound to nothing but the resource being there.
func always(_ *graph.Graph, _ Environment, v Violation) bool { return v.URN != "" }

package permissions

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Grant is an action on a resource that is needed.
type Grant struct {
	Action string
	// Resource is an ARN, or a pattern of IAM's that stands for all ARNs it matches: all of them are needed.
	Resource string
	// Within is the widest pattern that a policy may name for it, where naming every resource would be too long: what
	// else that matches is then not spare. Empty: Resource alone.
	Within string
	// Meets are the conditions of Allow statements that these requests meet, Avoids those of Deny statements that they
	// do not: each is the statement's Condition as compact JSON with sorted keys. Any other condition is taken for one
	// that is not met, of a Deny for one that is.
	Meets, Avoids []string
}

// Needs returns the grants for the calls. The map says which resources each kind stands for in these calls; holds,
// which conditions hold. The error names the operations that are not in the table and the kinds that the map lacks.
func Needs(calls []Call, resources map[Kind][]string, holds ...Condition) ([]Grant, error) {
	var grants []Grant
	var faults []error
	for _, c := range calls {
		actions, err := Actions(c)
		if err != nil {
			faults = append(faults, err)
		}
		for _, a := range actions {
			if a.If != Always && !slices.Contains(holds, a.If) {
				continue
			}
			arns := resources[a.On]
			if a.On == Any {
				arns = []string{"*"}
			}
			if len(arns) == 0 {
				faults = append(faults, fmt.Errorf("%s needs %s on a %s, and none is told", c, a.Name, a.On))
			}
			for _, arn := range arns {
				grants = append(grants, Grant{Action: a.Name, Resource: arn})
			}
		}
	}
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	slices.SortFunc(grants, func(a, b Grant) int {
		return cmp.Or(strings.Compare(a.Action, b.Action), strings.Compare(a.Resource, b.Resource))
	})
	return slices.CompactFunc(grants, func(a, b Grant) bool { return a.Action == b.Action && a.Resource == b.Resource }), nil
}

// Compare holds an identity policy, as JSON, against what is needed. Missing are the grants that no Allow statement
// covers or that a Deny statement touches, each with the reason. Spare is what the policy allows beyond the need: an
// action on a resource that nothing needs, or that is wider than every resource needed for the action; and every
// wildcard in an action, NotAction and NotResource, for nobody can tell what those allow.
//
// The error tells what in the document is not understood.
func Compare(document string, need []Grant) (missing, spare []string, err error) {
	statements, err := parsePolicy(document)
	if err != nil {
		return nil, nil, err
	}
	for _, g := range need {
		if why := refusal(statements, g); why != "" {
			missing = append(missing, fmt.Sprintf("%s on %s: %s", g.Action, g.Resource, why))
		}
	}
	for _, s := range statements {
		if !s.deny {
			spare = append(spare, s.spare(need)...)
		}
	}
	slices.Sort(missing)
	slices.Sort(spare)
	return slices.Compact(missing), slices.Compact(spare), nil
}

// refusal tells why a grant is not given; empty where it is.
func refusal(statements []statement, g Grant) string {
	allowed, why := false, "no statement allows it"
	for _, s := range statements {
		switch {
		case s.deny:
			if s.touches(g) && !slices.Contains(g.Avoids, s.condition) {
				return "denied by " + s.String()
			}
		case !s.covers(g):
		case s.condition != "" && !slices.Contains(g.Meets, s.condition):
			why = "allowed by " + s.String() + " only"
		default:
			allowed = true
		}
	}
	if allowed {
		return ""
	}
	return why
}

// covers reports whether an Allow statement is about the whole of a grant.
func (s statement) covers(g Grant) bool {
	return s.hasAction(g.Action) && (s.notResources == nil && slices.ContainsFunc(s.resources, func(r string) bool { return covers(r, g.Resource) }) ||
		s.notResources != nil && !slices.ContainsFunc(s.notResources, func(r string) bool { return overlap(r, g.Resource) }))
}

// touches reports whether a Deny statement is about any part of a grant.
func (s statement) touches(g Grant) bool {
	return s.hasAction(g.Action) && (s.notResources == nil && slices.ContainsFunc(s.resources, func(r string) bool { return overlap(r, g.Resource) }) ||
		s.notResources != nil && !slices.ContainsFunc(s.notResources, func(r string) bool { return covers(r, g.Resource) }))
}

func (s statement) hasAction(action string) bool {
	match := func(pattern string) bool { return covers(strings.ToLower(pattern), strings.ToLower(action)) }
	if s.notActions != nil {
		return !slices.ContainsFunc(s.notActions, match)
	}
	return slices.ContainsFunc(s.actions, match)
}

// spare returns what an Allow statement allows beyond the need.
func (s statement) spare(need []Grant) []string {
	var found []string
	tell := func(format string, args ...any) {
		found = append(found, fmt.Sprintf(format, args...)+" ("+s.String()+")")
	}
	if s.notActions != nil {
		tell("NotAction %s: allows everything else", strings.Join(s.notActions, ", "))
	}
	if s.notResources != nil {
		tell("NotResource %s: allows everything else", strings.Join(s.notResources, ", "))
	}
	for _, action := range s.actions {
		if strings.ContainsAny(action, "*?") {
			tell("%s: a wildcard in an action", action)
			continue
		}
		for _, resource := range s.resources {
			var narrower []string
			used := false
			for _, g := range need {
				switch {
				case !strings.EqualFold(g.Action, action), s.condition != "" && !slices.Contains(g.Meets, s.condition):
				case covers(g.Resource, resource), covers(g.Within, resource):
					used = true
				case covers(resource, g.Resource):
					narrower = append(narrower, g.Resource)
				}
			}
			switch {
			case used:
			case narrower != nil:
				tell("%s on %s: wider than what is needed, %s", action, resource, strings.Join(narrower, " and "))
			default:
				tell("%s on %s: nothing needs it", action, resource)
			}
		}
	}
	return found
}

// covers reports whether a pattern of IAM's, with * and ?, matches all that another matches. It may say no where only
// the shape of neighbouring wildcards differs.
func covers(pattern, other string) bool {
	return match(pattern, other, func(p, o byte) bool { return o != '*' && (p == '?' || p == o && o != '?') }, false)
}

// overlap reports whether there is something that both patterns match.
func overlap(a, b string) bool {
	return match(a, b, func(p, o byte) bool { return p == '?' || o == '?' || p == o }, true)
}

// match walks two patterns side by side. A star in the first matches any run of the second; where both is set, also the
// other way.
func match(a, b string, same func(a, b byte) bool, both bool) bool {
	// possible[j]: the rest of a, from the present i, can match b[j:].
	possible := make([]bool, len(b)+1)
	for i := len(a); i >= 0; i-- {
		next := possible // those of i+1
		possible = make([]bool, len(b)+1)
		for j := len(b); j >= 0; j-- {
			star := both && j < len(b) && b[j] == '*'
			switch {
			case i == len(a):
				possible[j] = j == len(b) || star && possible[j+1]
			case a[i] == '*':
				possible[j] = next[j] || j < len(b) && possible[j+1]
			case star:
				possible[j] = possible[j+1] || next[j]
			case j < len(b):
				possible[j] = same(a[i], b[j]) && next[j+1]
			}
		}
	}
	return possible[0]
}

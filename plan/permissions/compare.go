package permissions

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/iam"
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
	return slices.CompactFunc(grants, func(a, b Grant) bool {
		return a.Action == b.Action && a.Resource == b.Resource
	}), nil
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
		if s.Allows() {
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
		case !s.Allows():
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
	return s.hasAction(g.Action) && s.isOn(g, iam.Covers, iam.Overlap)
}

// touches reports whether a Deny statement is about any part of a grant.
func (s statement) touches(g Grant) bool {
	return s.hasAction(g.Action) && s.isOn(g, iam.Overlap, iam.Covers)
}

// isOn reports whether one of the statement's resources has to do with that of a grant, or none of those that it
// leaves out.
func (s statement) isOn(g Grant, named, but func(pattern, resource string) bool) bool {
	if s.NotResource != nil {
		return !slices.ContainsFunc(s.NotResource, func(r string) bool { return but(r, g.Resource) })
	}
	return slices.ContainsFunc(s.Resource, func(r string) bool { return named(r, g.Resource) })
}

func (s statement) hasAction(action string) bool {
	match := func(pattern string) bool { return iam.Covers(strings.ToLower(pattern), strings.ToLower(action)) }
	if s.NotAction != nil {
		return !slices.ContainsFunc(s.NotAction, match)
	}
	return slices.ContainsFunc(s.Action, match)
}

// spare returns what an Allow statement allows beyond the need.
func (s statement) spare(need []Grant) []string {
	var found []string
	tell := func(format string, args ...any) {
		found = append(found, fmt.Sprintf(format, args...)+" ("+s.String()+")")
	}
	if s.NotAction != nil {
		tell("NotAction %s: allows everything else", strings.Join(s.NotAction, ", "))
	}
	if s.NotResource != nil {
		tell("NotResource %s: allows everything else", strings.Join(s.NotResource, ", "))
	}
	for _, action := range s.Action {
		if strings.ContainsAny(action, "*?") {
			tell("%s: a wildcard in an action", action)
			continue
		}
		for _, resource := range s.Resource {
			var narrower []string
			used := false
			for _, g := range need {
				switch {
				case !strings.EqualFold(g.Action, action), s.condition != "" && !slices.Contains(g.Meets, s.condition):
				case iam.Covers(g.Resource, resource), iam.Covers(g.Within, resource):
					used = true
				case iam.Covers(resource, g.Resource):
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

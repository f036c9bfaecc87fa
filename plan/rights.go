package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// granted are the dangers of what roles may do that they might not, and of what they may no longer.
func granted(e *Environment, base, head *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	var found []Danger
	about := func(text string, action Action) bool {
		return slices.ContainsFunc(e.Changes, func(c Change) bool {
			return (c.Action == action || action == Create && c.made()) && strings.Contains(text, " of "+c.String()+"}")
		})
	}
	// What is about something that is deleted with it is not missed.
	moot := func(text string) bool { return about(text, Delete) }
	for _, role := range e.Roles {
		tell := func(kind, format string, args ...any) {
			found = append(found, Danger{Kind: kind, Resource: "Role " + role.Name,
				What: fmt.Sprintf("Role %s ", code(role.Name)) + fmt.Sprintf(format, args...)})
		}
		was, after := map[access]bool{}, map[access]bool{}
		for _, g := range role.Grants {
			a := access{effect: g.Effect, action: g.Action, resource: g.Resource, condition: g.Condition}
			if g.Change != Removed {
				after[a] = true
			}
			if g.Change != Added {
				was[a] = true
			}
		}
		trust, known := map[access]bool{}, map[string]bool{} // who might take it
		for a := range was {
			if a.action == assumed {
				known[a.resource] = true
				trust[access{effect: a.effect, who: a.resource, action: assumed, condition: a.condition}] = true
			}
		}
		var wide, denied, taken, trusted, joined, eased, distrusted []string
		rights := map[string][]access{}
		if slices.ContainsFunc(e.Changes, func(c Change) bool {
			return c.Action == Delete && c.Type == "aws:iam/role:Role" && c.Name == role.Name
		}) {
			continue // that it is deleted is told
		}
		isNew := !slices.ContainsFunc(role.Grants, func(g Grant) bool { return g.Change != Added })
		for _, g := range role.Grants {
			a := access{effect: g.Effect, action: g.Action, resource: g.Resource, condition: g.Condition}
			text := fmt.Sprintf("%s on %s", code(g.Action), code(g.Resource))
			if g.Action == "*" && g.Resource == "*" {
				text = "do **everything** in the account (" + text + ")"
			}
			if g.Condition != "" {
				text += " if " + code(cut(g.Condition, longest))
			}
			switch {
			case g.Change == Added && g.Effect == "Allow" && stillAllowed(a, was):
			case g.Change == Added && g.Action == assumed && g.Effect == "Allow" && taker(g).stranger(trust) != "" &&
				(known[g.Resource] || !familiar(taker(g), e.Roles, head)):
				who := "**" + taker(g).stranger(trust) + "**"
				if g.Condition != "" {
					who += " if " + code(cut(g.Condition, longest))
				}
				trusted = append(trusted, who)
			case g.Change == Added && g.Wide():
				wide = append(wide, text)
			case g.Change == Added && g.Effect == "Allow" && risky(g.Action) != "":
				if risky(g.Action) == deletes && about(g.Resource, Create) {
					continue // it is new itself
				}
				rights[risky(g.Action)] = append(rights[risky(g.Action)], a)
			case g.Change == Added && g.Effect == "Allow" && everything(g.Resource) && keeps(g.Action) != "":
				rights[keeps(g.Action)] = append(rights[keeps(g.Action)], a)
			case g.Change == Added && loosened(a, was):
				if g.Action == assumed {
					text = code(g.Resource)
					if g.Condition != "" {
						text += " if " + code(cut(g.Condition, longest))
					}
					eased = append(eased, text)
					continue
				}
				rights[underLess] = append(rights[underLess], a)
			case g.Change == Added && g.Action == assumed && g.Effect == "Allow":
				if !isNew && !slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(who string) bool {
					return who != g.Resource && samePrincipal(who, g.Resource)
				}) {
					joined = append(joined, code(g.Resource))
				}
			case g.Change == Added && g.Effect != "Allow" && !isNew && !moot(g.Resource) && !stillDenied(a, was):
				denied = append(denied, text)
			case g.Change == Removed && g.Action == assumed && g.Effect == "Allow" && !moot(g.Resource) &&
				!stillAllowed(a, after) && !slices.ContainsFunc(role.Grants, func(other Grant) bool {
				return other.Change != Removed && other.Action == assumed && other.Effect == "Allow" &&
					looser(other.Condition, g.Condition) && samePrincipal(other.Resource, g.Resource)
			}):
				distrusted = append(distrusted, code(g.Resource))
			case g.Change == Removed && g.Effect != "Allow" && !stillDenied(a, after) && !moot(g.Resource):
				taken = append(taken, text)
			}
		}
		if len(trusted) > 0 {
			tell("a foreign principal trusted", "may now be taken by %s.", strings.Join(trusted, ", "))
		}
		if len(joined) > 0 {
			tell(moreRights, "may now be taken by %s as well.", strings.Join(few(joined), ", "))
		}
		if len(eased) > 0 {
			tell(moreRights, "may now be taken under a condition that lets in more: %s.",
				strings.Join(few(eased), ", "))
		}
		if len(wide) > 0 {
			tell("wide permission", "may %s.", strings.Join(wide, ", "))
		}
		for _, why := range slices.Sorted(maps.Keys(rights)) {
			tell(moreRights, "gets rights %s: %s.", why, describe(rights[why]))
		}
		if len(taken) > 0 {
			tell("no longer denied", "is no longer denied %s.", strings.Join(few(taken), ", "))
		}
		if len(distrusted) > 0 {
			tell(stops, "can no longer be taken by %s.", strings.Join(distrusted, ", "))
		}
		if less := lessRights(role, after, moot); len(less) > 0 {
			tell(stops, "may no longer %s.", describe(less))
		}
		if len(denied) > 0 {
			tell(stops, "is newly denied %s.", strings.Join(few(denied), ", "))
		}
	}
	return found
}

// underLess is how a right is given that was given under a condition that held for less.
const underLess = "under a condition that lets in more"

// taker is the grant of a role as the access of whoever may take it.
func taker(g Grant) access {
	return access{effect: g.Effect, who: g.Resource, action: assumed, condition: g.Condition}
}

// every matches an ARN of all resources of a kind.
var every = regexp.MustCompile(`^arn:[a-z-]*:[a-z0-9-]+:[^:]*:[^:]*:(?:[a-z-]+[/:])?\*(?:/\*)?$`)

// someBuckets matches an ARN of buckets of which only a part of the name is given, or of what is in them: their names
// are everybody's.
var someBuckets = regexp.MustCompile(`^arn:[a-z-]*:s3:::[^/]*[*?]`)

// everything reports whether a resource of a statement stands for all of a kind, or for some that nobody named.
func everything(resource string) bool {
	return resource == "*" || strings.HasPrefix(resource, but) || every.MatchString(resource) ||
		someBuckets.MatchString(resource)
}

// reading and writing are the actions that read or change what others keep, by service: those with a resource type in
// the Service Authorization Reference
//
// (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
var reading, writing = map[string][]string{
	"dynamodb":       {"batchgetitem", "getitem", "getrecords", "partiql", "query", "scan"},
	"kinesis":        {"getrecords", "subscribetoshard"},
	"kms":            {"decrypt", "reencryptfrom"},
	"logs":           {"filterlogevents", "getlogevents", "getlogrecord", "startquery", "unmask"},
	"rds-data":       {"batchexecutestatement", "executestatement"},
	"s3":             {"getobject", "getobjectversion"},
	"secretsmanager": {"batchgetsecretvalue", "getsecretvalue"},
	"sqs":            {"receivemessage"},
	"ssm":            {"getparameter", "getparameterhistory", "getparameters", "getparametersbypath"},
}, map[string][]string{
	"dynamodb":       {"batchwriteitem", "putitem", "updateitem"},
	"events":         {"putevents", "putrule", "puttargets"},
	"kinesis":        {"putrecord", "putrecords"},
	"lambda":         {"invokefunction", "updatefunctionconfiguration"},
	"s3":             {"putlifecycleconfiguration", "putobject", "putreplicationconfiguration"},
	"secretsmanager": {"putsecretvalue", "updatesecret"},
	"sns":            {"publish"},
	"sqs":            {"sendmessage"},
	"ssm":            {"putparameter"},
	"states":         {"startexecution"},
}

// keeps tells why a right on all resources of a kind is one that nobody may overlook; empty: it is not.
func keeps(action string) string {
	service, verb, _ := strings.Cut(strings.ToLower(action), ":")
	switch {
	case slices.Contains(reading[service], verb):
		return "to read what others keep"
	case slices.Contains(writing[service], verb):
		return "to change or start what is others'"
	}
	return ""
}

// lessRights are what a role may no longer do, unless another grant allows it.
func lessRights(role Role, after map[access]bool, moot func(string) bool) []access {
	var less []access
	for _, g := range role.Grants {
		a := access{effect: g.Effect, action: g.Action, resource: g.Resource, condition: g.Condition}
		if g.Change != Removed || g.Effect != "Allow" || g.Action == assumed || moot(g.Resource) {
			continue
		}
		still := false
		for b := range after {
			still = still || b.effect == "Allow" && looser(b.condition, a.condition) &&
				coversAction(b.action, a.action) && covers(b.resource, a.resource)
		}
		if !still {
			less = append(less, a)
		}
	}
	return less
}

// few are the first texts of a list, and how many follow.
func few(texts []string) []string {
	if len(texts) <= 2*mostAccess {
		return texts
	}
	return append(slices.Clone(texts[:2*mostAccess]), fmt.Sprintf("%d more", len(texts)-2*mostAccess))
}

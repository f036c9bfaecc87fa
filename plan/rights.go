package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// granted are the dangers of what roles may do that they might not, and of what they may no longer.
func granted(e *Environment, base *graph.Graph) []Danger {
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
		var wide, denied, taken, trusted, distrusted []string
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
			case g.Change == Added && g.Action == assumed && g.Effect == "Allow" && outsider(g.Resource) != "":
				trusted = append(trusted, outsider(g.Resource))
			case g.Change == Added && g.Effect == "Allow" && g.Action != assumed && stillAllowed(a, was):
			case g.Change == Added && g.Wide():
				wide = append(wide, text)
			case g.Change == Added && g.Effect == "Allow" && risky(g.Action) != "":
				if risky(g.Action) == deletes && about(g.Resource, Create) {
					continue // it is new itself
				}
				rights[risky(g.Action)] = append(rights[risky(g.Action)], a)
			case g.Change == Added && g.Effect != "Allow" && !isNew && !moot(g.Resource) && !stillDenied(a, was):
				denied = append(denied, text)
			case g.Change == Removed && g.Action == assumed && g.Effect == "Allow" && !moot(g.Resource) &&
				!after[access{effect: "Allow", action: assumed, resource: g.Resource}]:
				distrusted = append(distrusted, code(g.Resource))
			case g.Change == Removed && g.Effect != "Allow" && !stillDenied(a, after) && !moot(g.Resource):
				taken = append(taken, text)
			}
		}
		if len(trusted) > 0 {
			tell("a foreign principal trusted", "may now be taken by **%s**.", strings.Join(trusted, "**, **"))
		}
		if len(wide) > 0 {
			tell("wide permission", "may %s.", strings.Join(wide, ", "))
		}
		for _, why := range slices.Sorted(maps.Keys(rights)) {
			tell("more rights", "gets rights %s: %s.", why, describe(rights[why]))
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
			still = still || b.effect == "Allow" && (b.condition == "" || b.condition == a.condition) &&
				covers(b.action, a.action) && covers(b.resource, a.resource)
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

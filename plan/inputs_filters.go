package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// keepsOut are what rules of a web ACL do, by how much they keep out. Those of a group of rules keep out what the group
// says (https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-action.html).
var keepsOut = map[string]int{"allow": 0, "count": 1, "challenge": 2, "captcha": 3, "block": 4, "none": 4}

// limitOf is where a rule has the number of requests that it lets through.
const limitOf = "statement.rateBasedStatement.limit"

// does is what a rule of a web ACL does with the requests that it names; of several, which AWS refuses, the first by
// name.
func does(rule any) string {
	for _, path := range []string{"action", "overrideAction"} {
		m, _ := graph.At(rule, path).(map[string]any)
		for _, kind := range slices.Sorted(maps.Keys(m)) {
			if m[kind] != nil {
				return kind
			}
		}
	}
	return "none"
}

// filters judges the rules of a web ACL: those that are gone, that keep out less, that let more through.
func filters(old, now any) string {
	if !named("name", old, now) {
		return "other requests are filtered"
	}
	found := byEach("name", old, now, func(name string, was, is any) []string {
		switch {
		case was == nil && does(is) == "allow":
			return []string{"rule " + name + " lets requests through that no rule after it is asked about"}
		case was == nil:
			return nil
		case is == nil:
			return []string{"rule " + name + " is gone"}
		}
		more := higher(0, "rule "+name+" lets through %s requests instead of %s")(graph.At(was, limitOf),
			graph.At(is, limitOf))
		switch before, after := does(was), does(is); {
		case keepsOut[after] < min(keepsOut[before], 2):
			return []string{fmt.Sprintf("rule %s no longer keeps requests out (%s → %s)", name, before, after)}
		case keepsOut[after] < keepsOut[before]:
			return []string{fmt.Sprintf("rule %s keeps out only who does not pass its test (%s → %s)", name, before,
				after)}
		case more != "":
			return []string{more}
		case lower(0, "%s%s")(graph.At(was, limitOf), graph.At(is, limitOf)) != "":
			// told by newFilters
		case before == after && fmt.Sprint(graph.At(was, "statement")) != fmt.Sprint(graph.At(is, "statement")):
			return []string{"rule " + name + " filters other requests"}
		}
		return nil
	})
	return strings.Join(few(append(found, overtaken(old, now,
		"rule %s is asked only about what rule %s does not let through")...)), "; ")
}

// newFilters judges what a web ACL newly keeps out.
func newFilters(old, now any) string {
	found := byEach("name", old, now, func(name string, was, is any) []string {
		switch {
		case is == nil, was == nil && keepsOut[does(is)] < 2:
			return nil
		case was == nil, keepsOut[does(is)] > max(keepsOut[does(was)], 1):
			return []string{"rule " + name + " may keep out requests that are meant"}
		}
		return []string{lower(0, "rule "+name+" lets through %s requests instead of %s")(graph.At(was, limitOf),
			graph.At(is, limitOf))}
	})
	return strings.Join(few(append(found, overtaken(now, old,
		"rule %s may keep out what rule %s let through before")...)), "; ")
}

// overtaken are the rules that keep requests out and stand, in one list, before one that lets some through, and in
// another after it: the first that fits ends the search
// (https://docs.aws.amazon.com/waf/latest/developerguide/web-acl-processing-order.html).
func overtaken(old, now any, means string) []string {
	before, _ := byName(graph.Items(old), "name")
	after, _ := byName(graph.Items(now), "name")
	first := func(rules map[string]any, one, other string) bool {
		return numberOr(graph.At(rules[one], "priority"), 0) < numberOr(graph.At(rules[other], "priority"), 0)
	}
	var found []string
	for keeps, rule := range after {
		for lets, other := range after {
			if before[keeps] != nil && before[lets] != nil && does(other) == "allow" && keepsOut[does(rule)] > 1 &&
				first(before, keeps, lets) && first(after, lets, keeps) {
				found = append(found, fmt.Sprintf(means, code(keeps), code(lets)))
			}
		}
	}
	slices.Sort(found)
	return found
}

// unseenFilters judges the rules of a web ACL whose requests nobody counts or sees any longer.
func unseenFilters(old, now any) string {
	return told("what rule %s filters is no longer counted, or shown", few(byEach("name", old, now,
		func(name string, was, is any) []string {
			for _, path := range []string{"cloudwatchMetricsEnabled", "sampledRequestsEnabled"} {
				path = "visibilityConfig." + path
				if is != nil && graph.Is(graph.At(was, path), true) && graph.Is(graph.At(is, path), false) {
					return []string{name}
				}
			}
			return nil
		})))
}

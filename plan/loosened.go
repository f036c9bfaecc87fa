package plan

import (
	"maps"
	"slices"
)

// loosened reports whether the same was allowed, or a part or more of it, to the same under a condition that asked for
// more: one that holds for less, or that asked for a key which nothing asks for any longer.
func loosened(x access, was map[access]bool) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(was)), func(y access) bool {
		return x.effect == "Allow" && y.effect == "Allow" && y.condition != "" && y.who == x.who &&
			(coversAction(x.action, y.action) && covers(x.resource, y.resource) ||
				coversAction(y.action, x.action) && covers(y.resource, x.resource)) &&
			(looser(x.condition, y.condition) || forgets(x.condition, y.condition))
	}) && !stillAllowed(x, was)
}

// forgets reports whether conditions no longer ask for a key that former ones asked for.
func forgets(is, was string) bool {
	after, errIs := asked(is)
	before, errWas := asked(was)
	if errIs != nil || errWas != nil {
		return false
	}
	keys := tests(after)
	return slices.ContainsFunc(tests(before), func(old test) bool {
		return !slices.ContainsFunc(keys, func(now test) bool { return now.key == old.key })
	})
}

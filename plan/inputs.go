package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
)

// unwatched judges how often the operating system of a database is looked at; 0, as no word on it, is never.
func unwatched(old, now any) string {
	if numberOr(old, 0) > 0 && numberOr(now, 0) == 0 {
		return "its operating system is no longer watched"
	}
	return ""
}

// aliasElsewhere judges where an alias leads, and aliasUnchecked whether that has to be healthy.
func aliasElsewhere(old, now any) string {
	where := func(v any) string {
		var found []string
		for _, a := range graph.Items(v) {
			found = append(found, fmt.Sprint(graph.At(a, "name"), graph.At(a, "zoneId")))
		}
		return strings.Join(found, " ")
	}
	if old == nil || where(old) == where(now) {
		return ""
	}
	return "the name leads elsewhere"
}

func aliasUnchecked(old, now any) string {
	if now == nil {
		return ""
	}
	return ends("the name leads there whether it is healthy or not", someWith("evaluateTargetHealth", "true"))(old, now)
}

// noRedirect judges the actions of a listener: of those that sent clients to HTTPS, none is left.
var noRedirect = ends("clients are no longer sent to HTTPS, and what they send may pass in the clear",
	someWith("redirect.protocol", "HTTPS"))

// alarmThreshold judges an alarm's threshold by the side on which it goes off.
func alarmThreshold(old, now *graph.Resource) string {
	was, known := graph.Number(old.Input("threshold"))
	is, stays := graph.Number(now.Input("threshold"))
	if !known || !stays || was == is {
		return ""
	}
	above := len(graph.Text(now.Input("comparisonOperator"))) > 0 &&
		graph.Text(now.Input("comparisonOperator"))[0] == 'G'
	if above == (is < was) {
		return "" // it goes off earlier
	}
	return fmt.Sprintf("it goes off later, at %s instead of %s", plainNumber(is), plainNumber(was))
}

// otherSide judges on which side of its threshold an alarm goes off; at the threshold as well is earlier.
func otherSide(old, now any) string {
	if was := graph.Text(old); graph.Text(now) == strings.TrimSuffix(was, "Threshold")+"OrEqualToThreshold" {
		return ""
	}
	return other("it goes off on another condition")(old, now)
}

// leastHealthy judges how many instances of a group serve while it exchanges them, where it does.
func leastHealthy(old, now any) string {
	if now == nil {
		return ""
	}
	const path = "preferences.minHealthyPercentage"
	return lower(90, "at least %s percent of its instances serve while they are exchanged instead of %s")(
		graph.At(old, path), graph.At(now, path))
}

// operations judges the operations a second of a database's storage: gp3 has some by itself, which grow with its size
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage).
func operations(old, now *graph.Resource) string {
	of := func(r *graph.Resource) any {
		const least, most = 3000.0, 12000.0
		v := r.Input("iops")
		if n, is := graph.Number(v); v != nil && (!is || n > 0) || graph.Text(r.Input("storageType")) != "gp3" {
			return v
		}
		size, engine := numberOr(r.Input("allocatedStorage"), 0), graph.Text(r.Input("engine"))
		switch {
		case strings.HasPrefix(engine, "sqlserver"), strings.Contains(engine, "oracle") && size < 200,
			!strings.Contains(engine, "oracle") && size < 400:
			return least
		}
		return most
	}
	if old.Input("iops") == nil && now.Input("iops") == nil {
		return "" // its type or size, of which others tell
	}
	return lower(0, "%s operations of its storage a second instead of %s")(of(old), of(now))
}

// keyTypes judges the types of a table's keys: the provider knows an attribute by its name alone, so that a key that
// stays keeps its type (internal/service/dynamodb/table.go of https://github.com/hashicorp/terraform-provider-aws, its
// issue 23618).
func keyTypes(old, now *graph.Resource) string {
	types := func(r *graph.Resource) map[string]string {
		found := map[string]string{}
		for _, a := range graph.Items(r.Input("attributes")) {
			found[graph.Text(graph.At(a, "name"))] = graph.Text(graph.At(a, "type"))
		}
		return found
	}
	keys := func(r *graph.Resource) map[string]string { // by what they are of
		found := map[string]string{}
		for _, key := range []string{"hashKey", "rangeKey"} {
			found[key] = graph.Text(r.Input(key))
			for _, kind := range []string{"globalSecondaryIndexes", "localSecondaryIndexes"} {
				for _, index := range graph.Items(r.Input(kind)) {
					found[kind+" "+graph.Text(graph.At(index, "name"))+" "+key] = graph.Text(graph.At(index, key))
				}
			}
		}
		return found
	}
	was, is, before := types(old), types(now), keys(old)
	stays := map[string]bool{}
	for of, key := range keys(now) {
		if key != "" && before[of] == key && was[key] != "" && is[key] != "" && was[key] != is[key] {
			stays[fmt.Sprintf("%s stays %s (not %s)", code(key), was[key], is[key])] = true
		}
	}
	return told("a key's type cannot be changed in place, so whoever writes the new one fails: %s",
		few(slices.Sorted(maps.Keys(stays))))
}

// ruleChange is a rule of a bucket's lifecycle, with the one before the change that it continues; nil: there is none.
type ruleChange struct{ old, now any }

// lifecycleRules are the rules of a bucket's lifecycle: the one of the same id, or else of the same objects, continues
// one that was there. An id is optional in a bucket's own rules.
func lifecycleRules(old, now *graph.Resource) []ruleChange {
	of := func(r *graph.Resource) []any {
		if r == nil {
			return nil
		}
		return append(slices.Clone(graph.Items(r.Input("rules"))), graph.Items(r.Input("lifecycleRules"))...)
	}
	left, rules := of(old), of(now)
	found := make([]ruleChange, len(rules))
	take := func(i int, is func(old any) bool) {
		if at := slices.IndexFunc(left, is); found[i].old == nil && at >= 0 {
			found[i].old = left[at]
			left = slices.Delete(left, at, at+1)
		}
	}
	for i, r := range rules {
		found[i].now = r
		id := graph.Text(graph.At(r, "id"))
		take(i, func(old any) bool { return id != "" && graph.Text(graph.At(old, "id")) == id })
	}
	for i, r := range rules {
		take(i, func(old any) bool { return about(old) == about(r) })
	}
	return found
}

// about is which objects a rule of a bucket's lifecycle is about.
func about(rule any) string {
	filter, _ := graph.At(rule, "filter").(map[string]any)
	prefix := graph.Text(graph.At(rule, "prefix")) + graph.Text(filter["prefix"])
	filter = maps.Clone(filter)
	delete(filter, "prefix")
	return fmt.Sprint(prefix, filter, graph.At(rule, "tags"))
}

// ruleName is what a rule of a bucket's lifecycle is called.
func ruleName(rule any) string {
	prefix := graph.Text(graph.At(rule, "prefix")) + graph.Text(graph.At(rule, "filter.prefix"))
	switch id := graph.Text(graph.At(rule, "id")); {
	case id != "":
		return "rule " + code(id)
	case prefix != "":
		return "the rule for " + code(prefix)
	case about(rule) == about(nil):
		return "the rule for all objects"
	}
	return "a rule without an id"
}

// term is when a rule of a bucket acts on an object: after days, or from a date on.
type term struct {
	days float64
	date string
}

func (t term) String() string {
	if t.date != "" {
		return fmt.Sprintf("from %s on", code(t.date))
	}
	return fmt.Sprintf("after %s days", plainNumber(t.days))
}

// termOf is what an action of a rule says of when; false: it does not act.
func termOf(rule, action any) (term, bool) {
	if rule == nil || disabled(rule) {
		return term{}, false
	}
	if date := graph.Text(graph.At(action, "date")); date != "" {
		return term{date: date}, true
	}
	for _, name := range []string{"days", "noncurrentDays"} {
		if n, is := graph.Number(graph.At(action, name)); is {
			return term{days: n}, true
		}
	}
	return term{}, false
}

// sooner reports whether an action comes sooner than it did, or nobody knows.
func (t term) sooner(was term) bool {
	if t.date != "" && was.date != "" {
		return t.date < was.date
	}
	return t.date != was.date || t.days < was.days
}

// lifecycle returns what the rules of a bucket delete that they did not.
func lifecycle(old, now *graph.Resource) []string {
	var found []string
	for _, r := range lifecycleRules(old, now) {
		for _, what := range []struct{ path, of string }{
			{"expiration", "objects"}, {"noncurrentVersionExpiration", "replaced and deleted objects"},
		} {
			after, deletes := termOf(r.now, graph.At(r.now, what.path))
			before, did := termOf(r.old, graph.At(r.old, what.path))
			const newer = ".newerNoncurrentVersions"
			kept, keeps := numberOr(graph.At(r.old, what.path+newer), 0), numberOr(graph.At(r.now, what.path+newer), 0)
			switch {
			case !deletes || after.days == 0 && after.date == "":
			case !did || before.days == 0 && before.date == "":
				found = append(found, singular(fmt.Sprintf("%s deletes %s %s", ruleName(r.now), what.of, after)))
			case after.sooner(before):
				was := before.String()
				if after.date == "" && before.date == "" {
					was = plainNumber(before.days)
				}
				found = append(found, singular(fmt.Sprintf("%s deletes %s %s instead of %s", ruleName(r.now), what.of,
					after,
					was)))
			case keeps < kept:
				found = append(found, singular(fmt.Sprintf("%s keeps %s newer versions instead of %s", ruleName(r.now),
					plainNumber(keeps), plainNumber(kept))))
			case about(r.old) != about(r.now):
				found = append(found, fmt.Sprintf("%s deletes other %s", ruleName(r.now), what.of))
			}
		}
	}
	return found
}

// frozen returns what the rules of a bucket move to where nobody reads it before it is restored, which takes minutes to
// days (https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html).
func frozen(old, now *graph.Resource) []string {
	type move struct{ kind, class string }
	moves := func(rule any) map[move]term {
		moved := map[move]term{}
		for _, kind := range []string{"transitions", "noncurrentVersionTransitions"} {
			for _, t := range graph.Items(graph.At(rule, kind)) {
				class := graph.Text(graph.At(t, "storageClass"))
				when, moves := termOf(rule, t)
				if moves && (class == "GLACIER" || class == "DEEP_ARCHIVE") {
					moved[move{kind, class}] = when
				}
			}
		}
		return moved
	}
	var found []string
	for _, r := range lifecycleRules(old, now) {
		was := moves(r.old)
		for m, when := range moves(r.now) {
			if before, did := was[m]; !did || when.sooner(before) {
				found = append(found, singular(fmt.Sprintf("%s moves objects to %s %s, where they have to be restored "+
					"before anybody reads them", ruleName(r.now), m.class, when)))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func disabled(rule any) bool {
	return graph.Text(graph.At(rule, "status")) == "Disabled" || graph.Is(graph.At(rule, "enabled"), false)
}

// earlier reports whether a version comes before another, as far as both are given and can be compared.
func earlier(old, now any) bool {
	order, known := compareVersions(old, now)
	return known && order < 0
}

// compareVersions compares two versions of an engine: below 0 where now comes before old, above 0 where it comes after,
// and 0 where one is only more exact than the other, as 16.3 than 16. Not known are those that lack a number, that
// differ in letters alone, or that are of different families.
func compareVersions(old, now any) (order int, known bool) {
	was, is := versionOf(old), versionOf(now)
	n := min(len(was.numbers), len(is.numbers))
	if n == 0 {
		return 0, false
	}
	if was.family != is.family {
		i, j := slices.Index(families, was.family), slices.Index(families, is.family)
		return j - i, i >= 0 && j >= 0
	}
	order = slices.Compare(is.numbers[:n], was.numbers[:n])
	return order, order != 0 || was.rest == is.rest
}

// families are those of which one follows another as a later version of a service, the oldest first
// (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/version-migration.html).
var families = []string{"elasticsearch", "opensearch"}

// engineVersion is a version of an engine, such as OpenSearch_2.13 or 8.0.mysql_aurora.3.08.0.
type engineVersion struct {
	// family are the letters in front, small, without what parts them from the numbers.
	family  string
	numbers []int
	// rest is what follows the numbers, without an x that stands for any.
	rest string
}

func versionOf(v any) engineVersion {
	text := strings.ToLower(graph.Text(v))
	at := strings.IndexAny(text, "0123456789")
	if at < 0 {
		return engineVersion{rest: text}
	}
	found := engineVersion{family: strings.TrimRight(text[:at], "_- ")}
	if found.family == "v" {
		found.family = ""
	}
	parts := strings.Split(text[at:], ".")
	for i, part := range parts {
		if part == "mysql_aurora" {
			continue // 8.0.mysql_aurora.3.08.0
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			found.rest = strings.TrimPrefix(strings.Join(parts[i:], "."), "x")
			break
		}
		found.numbers = append(found.numbers, n)
	}
	return found
}

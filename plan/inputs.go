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

// lifecycle returns what the rules of a bucket delete that they did not.
func lifecycle(old, now *graph.Resource) []string {
	var was, is any
	key := func(r *graph.Resource) any {
		if v := r.Input("rules"); v != nil {
			return v
		}
		return r.Input("lifecycleRules")
	}
	if old != nil {
		was = key(old)
	}
	is = key(now)
	days := func(rules any, id, what string) (float64, bool) {
		for _, r := range graph.Items(rules) {
			if graph.Text(graph.At(r, "id")) != id || disabled(r) {
				continue
			}
			for _, name := range []string{"days", "noncurrentDays"} {
				if n, is := graph.Number(graph.At(r, what+"."+name)); is && n > 0 {
					return n, true
				}
			}
			if graph.Text(graph.At(r, what+".date")) != "" {
				return 0, true
			}
		}
		return 0, false
	}
	var found []string
	for _, r := range graph.Items(is) {
		id := graph.Text(graph.At(r, "id"))
		for _, what := range []struct{ path, of string }{
			{"expiration", "objects"}, {"noncurrentVersionExpiration", "replaced and deleted objects"},
		} {
			after, deletes := days(is, id, what.path)
			before, did := days(was, id, what.path)
			switch kept := newer(is, id, what.path); {
			case !deletes:
			case did && after >= before && kept < newer(was, id, what.path):
				found = append(found, singular(fmt.Sprintf("rule %s keeps %s newer versions instead of %s", code(id),
					plainNumber(kept), plainNumber(newer(was, id, what.path)))))
			case !did:
				found = append(found, singular(fmt.Sprintf("rule %s deletes %s after %s days", code(id), what.of,
					plainNumber(after))))
			case after < before:
				found = append(found, singular(fmt.Sprintf("rule %s deletes %s after %s days instead of %s", code(id),
					what.of, plainNumber(after), plainNumber(before))))
			case !sameFilter(was, is, id):
				found = append(found, fmt.Sprintf("rule %s deletes other %s", code(id), what.of))
			}
		}
	}
	return found
}

// newer is how many replaced objects a rule of a bucket keeps, however old they are.
func newer(rules any, id, path string) float64 {
	for _, r := range graph.Items(rules) {
		if graph.Text(graph.At(r, "id")) == id {
			return numberOr(graph.At(r, path+".newerNoncurrentVersions"), 0)
		}
	}
	return 0
}

// frozen returns what the rules of a bucket move to where nobody reads it before it is restored, which takes minutes to
// days (https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html).
func frozen(old, now *graph.Resource) []string {
	of := func(r *graph.Resource) map[string]float64 {
		moved := map[string]float64{}
		if r == nil {
			return moved
		}
		for _, rule := range append(graph.Items(r.Input("rules")), graph.Items(r.Input("lifecycleRules"))...) {
			for _, t := range append(graph.Items(graph.At(rule, "transitions")),
				graph.Items(graph.At(rule, "noncurrentVersionTransitions"))...) {
				class := graph.Text(graph.At(t, "storageClass"))
				if !disabled(rule) && (class == "GLACIER" || class == "DEEP_ARCHIVE") {
					days := numberOr(graph.At(t, "days"), numberOr(graph.At(t, "noncurrentDays"), 0))
					moved[fmt.Sprintf("rule %s moves objects to %s", code(graph.Text(graph.At(rule, "id"))),
						class)] = days
				}
			}
		}
		return moved
	}
	was, is := of(old), of(now)
	var found []string
	for text, days := range is {
		if before, did := was[text]; !did || days < before {
			found = append(found, singular(fmt.Sprintf("%s after %s days, where they have to be restored before "+
				"anybody reads them", text, plainNumber(days))))
		}
	}
	slices.Sort(found)
	return found
}

func disabled(rule any) bool {
	return graph.Text(graph.At(rule, "status")) == "Disabled" || graph.Is(graph.At(rule, "enabled"), false)
}

// sameFilter reports whether a rule of a bucket's lifecycle is about the same objects.
func sameFilter(old, now any, id string) bool {
	about := func(rules any) string {
		for _, r := range graph.Items(rules) {
			if graph.Text(graph.At(r, "id")) == id {
				return fmt.Sprint(graph.At(r, "filter"), graph.At(r, "prefix"), graph.At(r, "tags"))
			}
		}
		return ""
	}
	return about(old) == about(now)
}

// earlier reports whether a version comes before another, as far as both are given and can be compared.
func earlier(old, now any) bool {
	order, known := compareVersions(old, now)
	return known && order < 0
}

// compareVersions compares two versions of an engine: below 0 where now comes before old, above 0 where it comes after, and 0
// where one is only more exact than the other, as 16.3 than 16. Not known are those that lack a number, that differ in
// letters alone, or that are of different families.
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

package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
)

// takenBack is what AWS may do with capacity that nobody else pays more for.
const takenBack = "AWS may take it back at any time, with a notice of two minutes"

// originsOf are the origins of a distribution, by their ids.
func originsOf(v any) (map[string]any, bool) { return byName(graph.Items(v), "originId") }

// askedOtherwise judges how the origins of a distribution are asked.
func askedOtherwise(old, now any) string {
	was, okBefore := originsOf(old)
	is, okAfter := originsOf(now)
	if !okBefore || !okAfter {
		return other("requests go to another origin")(old, now)
	}
	var found []string
	for id, before := range was {
		after := is[id]
		if after == nil {
			found = append(found, "origin "+code(id)+" is gone")
			continue
		}
		differs := func(path string) bool { return !reflect.DeepEqual(graph.At(before, path), graph.At(after, path)) }
		had, has := graph.Text(graph.At(before, "originAccessControlId")),
			graph.Text(graph.At(after, "originAccessControlId"))
		switch {
		case differs("domainName"), differs("originPath"):
			found = append(found, "requests go to another origin in place of "+code(id))
		case had != "" && has == "":
			found = append(found, "requests to origin "+code(id)+" are no longer signed, and it may refuse them")
		case had != has, differs("s3OriginConfig"):
			found = append(found, "requests to origin "+code(id)+" are signed another way")
		case differs("customOriginConfig.httpPort"), differs("customOriginConfig.httpsPort"):
			found = append(found, "origin "+code(id)+" is asked on another port")
		case differs("vpcOriginConfig"):
			found = append(found, "origin "+code(id)+" is reached another way")
		}
		headers, _ := byName(graph.Items(graph.At(before, "customHeaders")), "name")
		still, _ := byName(graph.Items(graph.At(after, "customHeaders")), "name")
		for name, header := range headers {
			if !reflect.DeepEqual(header, still[name]) {
				found = append(found, "origin "+code(id)+" no longer gets header "+code(name)+" as it was, by which "+
					"it may know the distribution")
			}
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}

// askedInTheClear judges whether the origins of a distribution are asked by an encrypted connection.
func askedInTheClear(old, now any) string {
	was, _ := originsOf(old)
	is, _ := originsOf(now)
	var found []string
	for id, before := range was {
		const protocol, versions = "customOriginConfig.originProtocolPolicy", "customOriginConfig.originSslProtocols"
		from, to := graph.Text(graph.At(before, protocol)), graph.Text(graph.At(is[id], protocol))
		if from == "https-only" && to != from && is[id] != nil {
			found = append(found, fmt.Sprintf("origin %s is asked without encryption (%s → %s)", code(id), from,
				orUnset(unset(to))))
		}
		more := without(graph.Texts(graph.At(is[id], versions)), graph.Texts(graph.At(before, versions)))
		for _, of := range more {
			if of != code("TLSv1.2") && of != code("TLSv1.3") {
				found = append(found, "origin "+code(id)+" may be asked by "+of)
			}
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}

// defaultBehavior is where a distribution says how requests are answered, and otherBehaviors where it says so of some
// paths.
const defaultBehavior, otherBehaviors = "defaultCacheBehavior", "orderedCacheBehaviors"

// behaves tells what becomes of the requests for some paths, by the rules for all others: of each path against all that
// answers a part of its requests on the side that does not tell it apart.
func behaves(old, now *graph.Resource, tell func(kind, why, path string)) {
	before, after := old.Input(otherBehaviors), now.Input(otherBehaviors)
	if after == graph.Unknown || reflect.DeepEqual(before, after) {
		return // told by toBeSeen, or nothing
	}
	if before == graph.Unknown {
		tell(notJudged, "how requests for some paths were answered before is not known", otherBehaviors)
		return
	}
	written := map[string]string{}
	before, after = slashed(before, written), slashed(after, written)
	was, oneBefore := byName(graph.Items(before), "pathPattern")
	is, oneAfter := byName(graph.Items(after), "pathPattern")
	if !oneBefore || !oneAfter {
		tell(stops, "requests for some paths are answered another way", otherBehaviors)
		return
	}
	first, then := textsAt("pathPattern")(before), textsAt("pathPattern")(after)
	paths := maps.Clone(is)
	maps.Copy(paths, was)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		from, to := []any{was[path]}, []any{is[path]}
		if was[path] == nil {
			from = answering(path, first, then, was, old.Input(defaultBehavior))
		}
		if is[path] == nil {
			to = answering(path, then, first, is, now.Input(defaultBehavior))
		}
		for _, r := range inputRules {
			rest, is := strings.CutPrefix(r.path, defaultBehavior+".")
			if !is || r.token != distributionType || r.fresh {
				continue
			}
			for _, from := range from {
				for _, to := range to {
					a, b := graph.At(from, rest), graph.At(to, rest)
					if b == graph.Unknown || reflect.DeepEqual(a, b) || same(r.token, r.path, a, b) {
						continue
					}
					if why := r.judge(a, b); why != "" {
						tell(r.kind, "for "+code(written[path])+" "+why, otherBehaviors+"."+rest)
					}
				}
			}
		}
	}
	for i, path := range first {
		for _, other := range first[i+1:] {
			at := slices.Index(then, other)
			if at >= 0 && at < slices.Index(then, path) && iam.Overlap(path, other) {
				tell(stops, "paths are compared in another order, and the first one that fits counts", otherBehaviors)
			}
		}
	}
}

// slashed are behaviors with the slash at the beginning of their paths that CloudFront adds where there is none
// (https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CacheBehavior.html); written gets the paths as they
// are.
func slashed(behaviors any, written map[string]string) []any {
	var found []any
	for _, e := range graph.Items(behaviors) {
		if path, is := graph.At(e, "pathPattern").(string); is && path != "" {
			slash := "/" + strings.TrimPrefix(path, "/")
			written[slash] = path
			one := maps.Clone(e.(map[string]any))
			one["pathPattern"] = slash
			e = one
		}
		found = append(found, e)
	}
	return found
}

// behaviorsToBeSeen are the inputs that say how requests for some paths are answered and are known no longer.
func behaviorsToBeSeen(old, now *graph.Resource) []string {
	before, after := old.Input(otherBehaviors), now.Input(otherBehaviors)
	if after == graph.Unknown && before != after {
		return []string{otherBehaviors}
	}
	var found []string
	for _, r := range inputRules {
		rest, is := strings.CutPrefix(r.path, defaultBehavior+".")
		if !is || r.token != distributionType || r.kind == "" || r.fresh {
			continue
		}
		unknown := textsAt("pathPattern", func(e any) bool { return holdsUnknown("", graph.At(e, rest)) })
		path := otherBehaviors + "." + rest
		if len(without(unknown(after), unknown(before))) > 0 && !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	return found
}

// answering is what answers the requests for a path on a side of a change that does not tell it apart, by the order of
// its paths: those that fit some of the requests, without those that stand before the path on the other side as well,
// and the rest. The first that fits all ends it.
func answering(path string, paths, others []string, of map[string]any, rest any) []any {
	var found []any
	for _, p := range paths {
		if !iam.Overlap(p, path) {
			continue
		}
		if at := slices.Index(others, p); at < 0 || at > slices.Index(others, path) {
			found = append(found, of[p])
		}
		if iam.Covers(p, path) {
			return found
		}
	}
	return append(found, rest)
}

// countries judges which ones are served: those that newly are, or no longer.
func countries(newly bool) judge {
	return func(old, now any) string {
		kind := func(v any) string { return graph.Text(graph.At(v, "geoRestriction.restrictionType")) }
		list := func(v any) []string { return graph.Texts(graph.At(v, "geoRestriction.locations")) }
		// gone reports whether a country that one restriction serves is not served by another.
		gone := func(from, to any) bool {
			switch {
			case kind(to) == "whitelist" && kind(from) == "whitelist":
				return len(without(list(from), list(to))) > 0
			case kind(to) == "whitelist":
				return true
			case kind(to) == "blacklist" && kind(from) == "blacklist":
				return len(without(list(to), list(from))) > 0
			case kind(to) == "blacklist" && kind(from) == "whitelist":
				return len(without(list(from), list(to))) < len(list(from))
			}
			return kind(to) == "blacklist" && len(list(to)) > 0
		}
		switch {
		case newly && gone(now, old):
			return "other countries are served"
		case !newly && gone(old, now):
			return "some countries are no longer served"
		}
		return ""
	}
}

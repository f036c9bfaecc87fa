package plan

import (
	"testing"

	"dossier.example/plan/graph"
)

// TestFilters: what becomes of the rules of a web ACL, by what they do and in which order they are asked.
func TestFilters(t *testing.T) {
	rule := func(name string, priority int, action string) in {
		return in{"name": name, "priority": priority, "action": in{action: in{}}, "statement": in{"geo": name},
			"visibilityConfig": in{"cloudwatchMetricsEnabled": true, "sampledRequestsEnabled": true}}
	}
	unseen := rule("a", 1, "block")
	unseen["visibilityConfig"] = in{"cloudwatchMetricsEnabled": true, "sampledRequestsEnabled": false}
	group := func(override string) in {
		return in{"name": "a", "priority": 1, "overrideAction": in{override: in{}}}
	}
	block, allow := rule("a", 1, "block"), rule("b", 2, "allow")
	for _, c := range []struct {
		name    string
		was, is []any
		want    [][2]string
	}{
		{"only counted", several(block), several(rule("a", 1, "count")), [][2]string{{weakens, "(block → count)"}}},
		{"a test", several(block), several(rule("a", 1, "captcha")), [][2]string{{weakens, "does not pass its test"}}},
		{"an easier test", several(rule("a", 1, "captcha")), several(rule("a", 1, "challenge")),
			[][2]string{{weakens, "(captcha → challenge)"}}},
		{"a harder test", several(rule("a", 1, "challenge")), several(rule("a", 1, "captcha")),
			[][2]string{{stops, "may keep out requests that are meant"}}},
		{"one of two kinds", several(in{"name": "a", "priority": 1, "action": in{"allow": nil, "block": in{}}}),
			several(in{"name": "a", "priority": 1, "action": in{"allow": nil, "count": in{}}}),
			[][2]string{{weakens, "(block → count)"}}},
		{"no test", several(rule("a", 1, "challenge")), several(rule("a", 1, "count")),
			[][2]string{{weakens, "no longer keeps requests out"}}},
		{"a group that is only counted", several(group("none")), several(group("count")),
			[][2]string{{weakens, "(none → count)"}}},
		{"a group that counts", several(group("count")), several(group("none")),
			[][2]string{{stops, "may keep out requests that are meant"}}},
		{"no longer only counted", several(rule("a", 1, "count")), several(block),
			[][2]string{{stops, "may keep out requests that are meant"}}},
		{"a new one that blocks", several(allow), several(allow, rule("c", 9, "block")),
			[][2]string{{stops, "rule `c` may keep out"}}},
		{"a new one that counts", several(block), several(block, rule("c", 9, "count")), nil},
		{"a new one that lets through", several(block), several(block, rule("c", 0, "allow")),
			[][2]string{{weakens, "rule `c` lets requests through"}}},
		{"asked later", several(block, allow), several(rule("a", 3, "block"), allow),
			[][2]string{{weakens, "rule `a` is asked only about what rule `b` does not let through"}}},
		{"asked earlier", several(rule("a", 3, "block"), allow), several(block, allow),
			[][2]string{{stops, "rule `a` may keep out what rule `b` let through before"}}},
		{"numbered anew", several(block, allow), several(rule("a", 10, "block"), rule("b", 20, "allow")), nil},
		{"no longer shown", several(block), several(unseen), [][2]string{{hides, "no longer counted, or shown"}}},
	} {
		for _, kind := range []string{"wafv2/webAcl:WebAcl", "wafv2/ruleGroup:RuleGroup"} {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				tells(t, between(became(t, kind, in{"rules": c.was}, in{"rules": c.is})).Environments[0].Dangers,
					c.want)
			})
		}
	}
}

// TestBehaviors: requests for some paths of a distribution are judged as all others, against how they were answered.
func TestBehaviors(t *testing.T) {
	site := func(others ...any) in {
		return in{"enabled": true, "orderedCacheBehaviors": others,
			"defaultCacheBehavior": in{"targetOriginId": "o", "trustedKeyGroups": []any{"k"}, "defaultTtl": 60}}
	}
	// public is a distribution whose other requests need no signature.
	public := func(others ...any) in {
		return in{"enabled": true, "orderedCacheBehaviors": others, "defaultCacheBehavior": in{"targetOriginId": "o"}}
	}
	path := func(path string, more in) in {
		more["pathPattern"] = path
		return more
	}
	signed := func() in { return path("/a", in{"targetOriginId": "o", "trustedKeyGroups": []any{"k"}}) }
	open := func() in { return path("/a", in{"targetOriginId": "o"}) }
	all := func(pattern string) in { return path(pattern, in{"targetOriginId": "o"}) }
	unsigned := [][2]string{{exposes, "for `/a` it serves requests that are not signed"}}
	for _, c := range []struct {
		name    string
		was, is in
		want    [][2]string
	}{
		{"no longer signed", site(signed()), site(open()), unsigned},
		{"a path that is not signed", site(), site(open()), unsigned},
		{"signed again", site(open()), site(signed()), [][2]string{{stops, "for `/a` requests that are not signed"}}},
		{"no path any longer", site(open()), site(), [][2]string{{stops, "for `/a` requests that are not signed"}}},
		{"a path as all others", site(), site(signed()), nil},
		{"kept for longer", site(signed()), site(path("/a", in{"targetOriginId": "o", "trustedKeyGroups": []any{"k"},
			"defaultTtl": 600})), nil},
		{"another origin", site(signed()), site(path("/a", in{"targetOriginId": "p", "trustedKeyGroups": []any{"k"}})),
			[][2]string{{stops, "for `/a` requests go to another origin"}}},
		{"another order", site(signed(), path("/*", in{"targetOriginId": "o"})),
			site(path("/*", in{"targetOriginId": "o"}), signed()), [][2]string{{stops, "in another order"}}},
		{"another order of what no request fits both", site(signed(), path("/b/*", in{"targetOriginId": "o"})),
			site(path("/b/*", in{"targetOriginId": "o"}), signed()), nil},
		{"a path that takes from one after it", public(signed()), public(all("/*"), signed()),
			[][2]string{{exposes, "for `/*` it serves requests that are not signed"}}},
		{"a path that takes from a part of one", public(signed()), public(all("*a"), signed()),
			[][2]string{{exposes, "for `*a` it serves"}}},
		{"a path that takes what is left", public(signed()), public(signed(), all("/*")), nil},
		{"a path beside one", public(signed()), public(all("/b/*"), signed()), nil},
		{"a part of a path that needed no signature", site(all("/b/*")), site(all("/b/c"), all("/b/*")), nil},
		{"a path that none gets to", site(path("/*", in{"targetOriginId": "o", "trustedKeyGroups": []any{"k"}})),
			site(path("/*", in{"targetOriginId": "o", "trustedKeyGroups": []any{"k"}}), all("/b")), nil},
		{"a path that leaves its requests to one after it", public(signed(), all("/*")), public(all("/*")),
			[][2]string{{exposes, "for `/a` it serves"}}},
		{"a path without its slash", public(signed()), public(path("a", in{"targetOriginId": "o",
			"trustedKeyGroups": []any{"k"}})), nil},
		{"a path without its slash that takes from one after it", public(signed()), public(all("a*"), signed()),
			[][2]string{{exposes, "for `a*` it serves requests that are not signed"}}},
		{"another order of paths without their slash", site(signed(), all("a*")), site(all("a*"), signed()),
			[][2]string{{stops, "in another order"}}},
		{"a path by a wider one", site(signed()), site(path("/a*", in{"targetOriginId": "o",
			"trustedKeyGroups": []any{"k"}})), nil},
		{"paths that nobody knows", site(signed()), in{"enabled": true, "orderedCacheBehaviors": graph.Unknown,
			"defaultCacheBehavior": in{"targetOriginId": "o", "trustedKeyGroups": []any{"k"}, "defaultTtl": 60}},
			[][2]string{{notJudged, "what `orderedCacheBehaviors` will be, only a deployment knows"}}},
		{"paths that nobody knew", in{"enabled": true, "orderedCacheBehaviors": graph.Unknown,
			"defaultCacheBehavior": in{"targetOriginId": "o", "trustedKeyGroups": []any{"k"}, "defaultTtl": 60}},
			site(signed()), [][2]string{{notJudged, "were answered before is not known"}}},
		{"a part that nobody knows", site(signed()), site(path("/a", in{"targetOriginId": "o",
			"trustedKeyGroups": []any{"k"}, "viewerProtocolPolicy": graph.Unknown})),
			[][2]string{{notJudged, "what `orderedCacheBehaviors.viewerProtocolPolicy` will be"}}},
		{"paths that nobody knows, of a site that needs no signature", public(signed()), in{"enabled": true,
			"orderedCacheBehaviors": graph.Unknown, "defaultCacheBehavior": in{"targetOriginId": "o"}},
			[][2]string{{notJudged, "what `orderedCacheBehaviors` will be, only a deployment knows"}}},
		{"paths that nobody knows, nor knew", in{"enabled": true, "orderedCacheBehaviors": graph.Unknown,
			"defaultCacheBehavior": in{"targetOriginId": "o"}}, in{"enabled": true, "defaultCacheBehavior": in{
			"targetOriginId": "o", "defaultTtl": 60}, "orderedCacheBehaviors": graph.Unknown}, nil},
		{"signers that nobody knows", site(signed()), site(path("/a", in{"targetOriginId": "o",
			"trustedKeyGroups": graph.Unknown})),
			[][2]string{{notJudged, "what `orderedCacheBehaviors.trustedKeyGroups` will be"}}},
		{"times that nobody knows", site(signed()), site(path("/a", in{"targetOriginId": "o",
			"trustedKeyGroups": []any{"k"}, "defaultTtl": graph.Unknown})), nil},
		{"a path that goes from behind another", public(signed(), all("/*")), public(signed()), nil},
		{"a path within a wider one", public(signed()), public(all("/a*")),
			[][2]string{{exposes, "for `/a*` it serves"}}},
		{"a path before one that needed no signature, and others that did", site(all("/a/b")),
			site(all("/a/*"), all("/a/b")), [][2]string{{exposes, "for `/a/*` it serves"}}},
		{"one path twice before", site(signed(), signed()), site(signed()),
			[][2]string{{stops, "answered another way"}}},
		{"one path twice, as before", public(signed(), signed()), in{"enabled": true, "defaultCacheBehavior": in{
			"targetOriginId": "o", "defaultTtl": 60}, "orderedCacheBehaviors": []any{signed(), signed()}}, nil},
		{"one path twice", site(signed()), site(signed(), signed()), [][2]string{{stops, "answered another way"}}},
		{"what nothing judges", site(signed()), site(path("/a", in{"targetOriginId": "o",
			"trustedKeyGroups": []any{"k"}, "smoothStreaming": true})), [][2]string{{notJudged, "smoothStreaming"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tells(t, between(became(t, "cloudfront/distribution:Distribution", c.was, c.is)).Environments[0].Dangers,
				c.want)
		})
	}
}

package plan

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
)

// looser reports whether conditions of a statement hold wherever others do, so that the statement holds for all that
// the other one did. Both are as iam.Statement.Conditions writes them. It may say no where only the writing differs.
func looser(a, b string) bool {
	if a == "" || a == b {
		return true
	}
	if b == "" {
		return false
	}
	is, errIs := asked(a)
	was, errWas := asked(b)
	if errIs != nil || errWas != nil {
		return false
	}
	for operator, keys := range is {
		for key, values := range keys {
			// With IfExists it holds for all that it holds for without, and where there is no value.
			bare := strings.TrimSuffix(operator, "IfExists")
			others := append([]string{operator, bare}, narrower[bare]...)
			if bare != operator {
				for _, other := range narrower[bare] {
					others = append(others, other+"IfExists")
				}
			}
			if !slices.ContainsFunc(others, func(other string) bool {
				return covered(bare, list(values), list(was[other][key]))
			}) {
				return false
			}
		}
	}
	return true
}

// asked are conditions by operator and key; keys are the same in any letters
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html).
func asked(text string) (map[string]map[string]any, error) {
	conditions := map[string]map[string]any{}
	if err := json.Unmarshal([]byte(text), &conditions); err != nil {
		return nil, err
	}
	for _, keys := range conditions {
		for key, values := range keys {
			if lower := strings.ToLower(key); lower != key {
				delete(keys, key)
				keys[lower] = values
			}
		}
	}
	return conditions, nil
}

// narrower are the operators that ask for one of the values that another one has as patterns.
var narrower = map[string][]string{"StringLike": {"StringEquals"}}

// covered reports whether each value that fulfills one condition fulfills another.
func covered(operator string, by, values []string) bool {
	if len(values) == 0 {
		return false // it was not asked
	}
	return !slices.ContainsFunc(values, func(v string) bool {
		return !slices.ContainsFunc(by, func(pattern string) bool {
			if pattern == v {
				return true
			}
			switch operator {
			case "StringLike", "ArnEquals":
				return iam.Covers(pattern, v)
			case "IpAddress":
				return holds(pattern, v)
			}
			return false
		})
	}) && (!strings.Contains(operator, "Not") || len(by) == len(values))
}

// holds reports whether a block of addresses is within another.
func holds(outer, inner string) bool {
	o, errOuter := block(outer)
	i, errInner := block(inner)
	return errOuter == nil && errInner == nil && o.Bits() <= i.Bits() && o.Contains(i.Addr())
}

// block is a block of addresses, or the one of an address.
func block(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func list(v any) []string {
	if v == nil {
		return nil
	}
	if _, is := v.([]any); is {
		return graph.Texts(v)
	}
	return []string{graph.Text(v)}
}

func networks(means string, newly bool) judge {
	return oneSided(means+" %s", newly, func(v any) []string {
		if empty(v) {
			return []string{"0.0.0.0/0"}
		}
		return graph.Texts(v)
	}, holds)
}

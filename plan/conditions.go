package plan

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
	"dossier.example/plan/internal/awsmodel"
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

// anyAccount stands for every account of AWS among the accounts of a source.
const anyAccount = "*"

// noAccount stands for a resource whose ARN has none, such as a bucket: it is of whoever another condition says.
const noAccount = "-"

// actsFor are the accounts for which conditions let a service of AWS act, by the keys that AWS recommends against the
// confused deputy (https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html): anyAccount where none of
// them is asked, empty where all are the stack's own, or those of the resource or organization that is named.
func actsFor(conditions string) []string {
	unbound := []string{anyAccount}
	operators, err := asked(conditions)
	if err != nil {
		return unbound
	}
	var found []string
	bound, own := false, false
	for operator, keys := range operators {
		bare := strings.TrimSuffix(operator, "IfExists")
		if _, plain, is := strings.Cut(bare, ":"); is { // ForAnyValue, ForAllValues
			bare = plain
		}
		if !slices.Contains([]string{"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"},
			bare) {
			continue
		}
		for key, values := range keys {
			var accounts []string
			known := false
			for _, v := range list(values) {
				account, is := sourceOf(key, v)
				known = is
				if !is {
					break
				}
				if account != "" && !slices.Contains(accounts, account) {
					accounts = append(accounts, account)
				}
			}
			switch {
			case !known || slices.Contains(accounts, anyAccount):
			case len(accounts) == 0:
				own = true
			default: // each of several conditions has to hold
				accounts = slices.DeleteFunc(accounts, func(account string) bool { return account == noAccount })
				if len(found) == 0 || len(accounts) > 0 && len(accounts) < len(found) {
					found = accounts
				}
				bound = true
			}
		}
	}
	switch {
	case own:
		return nil
	case !bound:
		return unbound
	}
	slices.Sort(found)
	return found
}

// sourceOf is the foreign account, anyAccount or noAccount, that a value of a condition's key stands for; empty: it is
// the stack's own, or an organization. It reports whether the key says for whom a service acts.
func sourceOf(key, value string) (string, bool) {
	arn := strings.HasPrefix(value, "arn:")
	switch {
	case key == "aws:sourceaccount", key == "aws:sourceowner", key == "aws:referer", key == "kms:calleraccount":
		switch {
		case strings.ContainsAny(value, "*?"):
			return anyAccount, true
		case value == awsmodel.Account, strings.Contains(value, "{"):
			return "", true
		}
		return value, true
	case key == "aws:sourceorgid", key == "aws:sourceorgpaths":
		return "", !strings.HasPrefix(value, "*")
	case key == "aws:sourcearn", strings.HasPrefix(key, "kms:encryptioncontext:") && arn:
		parts := strings.SplitN(value, ":", 6)
		if len(parts) < 6 {
			if strings.Contains(value, "*") {
				return anyAccount, true
			}
			return "", true // it is of something that is made, or none of AWS's
		}
		switch account := parts[4]; {
		case account == "" && strings.HasPrefix(parts[5], "*"), strings.ContainsAny(account, "*?"):
			return anyAccount, true
		case account == "":
			return noAccount, true
		case account == awsmodel.Account, strings.Contains(account, "{"):
			return "", true
		default:
			return account, true
		}
	}
	return "", false
}

package plan

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

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
	before := tests(was)
	return !slices.ContainsFunc(tests(is), func(one test) bool {
		return !slices.ContainsFunc(before, func(other test) bool { return one.follows(other) })
	})
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

// test is what a condition asks of one key.
type test struct {
	key string
	// set is ForAllValues or ForAnyValue, empty for a key of one value.
	set string
	// operator is without the words that the other fields say: StringLike, IpAddress, NumericLessThan.
	operator         string
	negated, ifGiven bool
	values           []string
}

// tests are those of conditions.
func tests(conditions map[string]map[string]any) []test {
	var found []test
	for name, keys := range conditions {
		var t test
		if set, rest, is := strings.Cut(name, ":"); is {
			t.set, name = set, rest
		}
		name, t.ifGiven = strings.CutSuffix(name, "IfExists")
		t.operator = strings.Replace(name, "Not", "", 1) // NotIpAddress, StringNotLike
		t.negated = t.operator != name
		for key, values := range keys {
			t.key, t.values = key, list(values)
			found = append(found, t)
		}
	}
	return found
}

// absent tells what it gives for a request that does not have the key.
func (t test) absent() bool {
	switch {
	case t.operator == "Null":
		return slices.Equal(t.values, []string{"true"})
	case t.ifGiven, t.set == "ForAllValues":
		return true
	}
	return t.negated && t.set == ""
}

// follows reports whether it holds wherever another one does.
func (t test) follows(other test) bool {
	switch {
	case t.key != other.key || len(t.values) == 0 || len(other.values) == 0:
		return false
	case t.operator == "Null" && t.absent():
		return other.operator == "Null" && other.absent()
	case t.operator == "Null":
		return !other.absent() // what fails without the key
	case other.operator == "Null":
		return other.absent() && t.absent()
	case other.absent() && !t.absent():
		return false
	case t.set != other.set && (other.set != "" || t.negated && t.set == "ForAnyValue"):
		return false // of keys of several values
	}
	covered := func(by, of test) bool {
		return !slices.ContainsFunc(of.values, func(v string) bool {
			return !slices.ContainsFunc(by.values, func(pattern string) bool {
				return fulfills(by.operator, pattern, of.operator, v)
			})
		})
	}
	switch {
	case t.negated && other.negated: // what is left out here has to be left out there
		return covered(other, t)
	case !t.negated && !other.negated:
		return covered(t, other)
	}
	return false
}

// fulfills reports whether whatever fulfills one operator with v fulfills another with pattern.
func fulfills(operator, pattern, other, v string) bool {
	if operator == other && pattern == v {
		return true
	}
	if kind := ordered.FindString(operator); kind != "" {
		return kind == ordered.FindString(other) && inBounds(strings.TrimPrefix(operator, kind), pattern,
			strings.TrimPrefix(other, kind), v)
	}
	like := func(operator string) bool { return operator == "StringLike" || strings.HasPrefix(operator, "Arn") }
	text := func(operator string) bool {
		return like(operator) || operator == "StringEquals" || operator == "StringEqualsIgnoreCase"
	}
	switch {
	case operator == "IpAddress" && other == operator:
		return holds(pattern, v)
	case operator == "Bool" && other == operator:
		return strings.EqualFold(pattern, v)
	case !text(operator) || !text(other):
		return false
	case like(operator) && other != "StringEqualsIgnoreCase":
		return iam.Covers(pattern, v)
	case operator == "StringEqualsIgnoreCase" && !like(other):
		return strings.EqualFold(pattern, v)
	}
	return pattern == v && (operator == "StringEqualsIgnoreCase" || other == "StringEquals" || like(other) &&
		!strings.ContainsAny(v, "*?$"))
}

// ordered finds what the operators of values that have an order begin with.
var ordered = regexp.MustCompile(`^(?:Numeric|Date)`)

// inBounds is fulfills for values that have an order.
func inBounds(operator, bound, other, v string) bool {
	b, isBound := ordinal(bound)
	n, is := ordinal(v)
	if !isBound || !is {
		return false
	}
	orEqual := operator != strings.TrimSuffix(operator, "Equals") || other == strings.TrimSuffix(other, "Equals")
	switch strings.TrimSuffix(operator, "Equals") {
	case "LessThan":
		return (other == "Equals" || strings.HasPrefix(other, "LessThan")) && (n < b || n == b && orEqual)
	case "GreaterThan":
		return (other == "Equals" || strings.HasPrefix(other, "GreaterThan")) && (n > b || n == b && orEqual)
	}
	return operator == other && n == b
}

// ordinal is a number, or a date in seconds: of the forms of ISO 8601 that IAM takes
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
func ordinal(text string) (float64, bool) {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n, true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return float64(at.Unix()), true
		}
	}
	return 0, false
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

// mergedBlocks are blocks of addresses as few that hold the same: without those within others, and halves put together.
func mergedBlocks(blocks []netip.Prefix) []netip.Prefix {
	blocks = slices.Clone(blocks)
	for i := range blocks {
		blocks[i] = blocks[i].Masked()
	}
	for again := true; again; {
		again = false
		slices.SortFunc(blocks, func(a, b netip.Prefix) int {
			return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
		})
		var left []netip.Prefix
		for _, b := range blocks {
			n := len(left) - 1
			switch {
			case n >= 0 && left[n].Bits() <= b.Bits() && left[n].Contains(b.Addr()):
			case n >= 0 && b.Bits() > 0 && left[n].Bits() == b.Bits() &&
				left[n].Addr().BitLen() == b.Addr().BitLen() &&
				netip.PrefixFrom(b.Addr(), b.Bits()-1).Masked().Addr() == left[n].Addr():
				left[n], again = netip.PrefixFrom(left[n].Addr(), b.Bits()-1), true
			default:
				left = append(left, b)
			}
		}
		blocks = left
	}
	return blocks
}

// mergedTexts is mergedBlocks for texts, of which those that are no blocks stay as they are.
func mergedTexts(texts []string) []string {
	var found []string
	var blocks []netip.Prefix
	for _, text := range texts {
		if b, err := block(text); err == nil {
			blocks = append(blocks, b)
		} else {
			found = append(found, text)
		}
	}
	for _, b := range mergedBlocks(blocks) {
		found = append(found, b.String())
	}
	return found
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

// networks judges blocks of addresses that come or go; none at all are everyone.
func networks(means string, newly bool) judge {
	moved := oneSided(means+" %s", newly, func(v any) []string {
		if empty(v) {
			return []string{everyone[0].String()}
		}
		return mergedTexts(graph.Texts(v))
	}, holds)
	return func(old, now any) string {
		return strings.ReplaceAll(moved(old, now), code(everyone[0].String()), "the whole internet")
	}
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

// variable matches what IAM fills in from the request
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
var variable = regexp.MustCompile(`\$\{[^}]*\}`)

// filledIn is a value of a condition with its variables filled in: those of the resource are the account's own, any
// other may be anything, as it is the caller's.
func filledIn(value string) string {
	return variable.ReplaceAllStringFunc(value, func(name string) string {
		switch strings.ToLower(name) {
		case "${aws:resourceaccount}":
			return awsmodel.Account
		case "${aws:resourceorgid}", "${aws:resourceorgpaths}":
			return "{organization}"
		}
		return "*"
	})
}

// sourceOf is the foreign account, anyAccount or noAccount, that a value of a condition's key stands for; empty: it is
// the stack's own, or an organization. It reports whether the key says for whom a service acts.
func sourceOf(key, value string) (string, bool) {
	value = filledIn(value)
	arn := strings.HasPrefix(value, "arn:")
	org, _, _ := strings.Cut(value, "/")
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
		return "", !strings.ContainsAny(org, "*?")
	case key == "aws:sourcearn", strings.HasPrefix(key, "kms:encryptioncontext:") && arn:
		parts := strings.SplitN(value, ":", 6)
		if len(parts) < 6 {
			if strings.ContainsAny(value, "*?") {
				return anyAccount, true
			}
			return "", true // it is of something that is made, or none of AWS's
		}
		of := parts[5]
		if parts[2] == "s3" {
			of, _, _ = strings.Cut(of, "/") // what is in a bucket is whose the bucket is
		}
		switch account := parts[4]; {
		case account == "" && strings.ContainsAny(of, "*?"), strings.ContainsAny(account, "*?"):
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

// heldTo tells whom conditions hold everyone to, where they do, by the keys that AWS counts when it says which policy
// is public (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html, "The
// meaning of public"); empty: to what is the account's own.
func heldTo(conditions string) (who string, held bool) {
	operators, err := asked(conditions)
	if err != nil {
		return "", false
	}
	var found []string
	for _, t := range tests(operators) {
		textual := strings.HasPrefix(t.operator, "String") || strings.HasPrefix(t.operator, "Arn")
		if !textual || t.negated || t.absent() {
			continue
		}
		var said []string
		for _, v := range t.values {
			who, is := callerBy(t.key, v)
			if !is {
				said = nil
				break
			}
			said = append(said, who)
		}
		if len(said) == 0 {
			continue
		}
		if said = slices.DeleteFunc(said, func(who string) bool { return who == "" }); len(said) == 0 {
			return "", true
		}
		slices.Sort(said)
		found = append(found, strings.Join(few(slices.Compact(said)), ", "))
	}
	if len(found) == 0 {
		return "", false
	}
	return slices.Min(found), true // each has to hold, and the accounts come first
}

// callerBy tells whom the value of a condition's key holds a caller to; empty: to the account's own. What callers say
// of themselves holds nobody.
func callerBy(key, value string) (who string, holds bool) {
	value = filledIn(value)
	org, _, _ := strings.Cut(value, "/")
	switch key {
	case "aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths", "aws:vpceorgid":
		return "the organization " + code(org), !strings.ContainsAny(org, "*?")
	case "aws:sourcevpc", "aws:sourcevpce":
		if strings.HasPrefix(value, "{") {
			return "", true
		}
		return "whoever comes by " + code(value), !strings.ContainsAny(value, "*?")
	case "aws:principalaccount", "aws:vpceaccount", "s3:dataaccesspointaccount":
		key = "aws:sourceaccount"
	case "aws:principalarn", "s3:dataaccesspointarn":
		key = "aws:sourcearn"
	case "kms:calleraccount", "aws:sourceaccount", "aws:sourceowner", "aws:sourcearn":
	default:
		return "", false
	}
	switch account, is := sourceOf(key, value); {
	case !is, account == anyAccount:
		return "", false
	case account == "", account == noAccount:
		return "", true
	default:
		return "the foreign account " + code(account), true
	}
}

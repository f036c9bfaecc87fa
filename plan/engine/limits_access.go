package engine

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// documentKind is what a policy document is attached to.
type documentKind int

const (
	identityPolicy documentKind = iota
	resourcePolicy
	trustPolicy
)

// statement is one statement of a policy document, as far as it is looked at.
type statement struct {
	Sid, Effect  string
	Principal    any
	NotPrincipal any
	Action       any
	NotAction    any
	Resource     any
	NotResource  any
	Condition    map[string]map[string]any
}

type document struct {
	Version   string
	Statement []statement
}

var (
	sid = regexp.MustCompile(`^[A-Za-z0-9]*$`)
	// The form of an action: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html.
	action = regexp.MustCompile(`^([a-z0-9-]+:[A-Za-z0-9*?]+|\*)$`)
	arn    = regexp.MustCompile(`^(\*|arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*-]*:([0-9]{12}|aws|\*)?:.+)$`)
)

// policyDocument refuses what IAM calls a malformed policy document, and one that is too long:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
func policyDocument(l look, key string, kind documentKind, most int) {
	var d document
	if !l.json(key, &d) {
		return
	}
	if text, _ := l.text(key); most > 0 && len(withoutSpace(text)) > most {
		l.refuse(key, "has %d characters that are no spaces, and may have %d", len(withoutSpace(text)), most)
	}
	if d.Version != "2012-10-17" {
		l.refuse(key, "has the version %q, and needs 2012-10-17", d.Version)
	}
	if len(d.Statement) == 0 {
		l.refuse(key, "has no statement")
	}
	seen := map[string]bool{}
	for _, s := range d.Statement {
		malformed := func(format string, args ...any) {
			l.refuse(key, "has a malformed statement %q: "+format, append([]any{s.Sid}, args...)...)
		}
		if s.Effect != "Allow" && s.Effect != "Deny" {
			malformed("the effect is %q", s.Effect)
		}
		if !sid.MatchString(s.Sid) {
			malformed("a Sid has letters and digits only")
		}
		if s.Sid != "" && seen[s.Sid] {
			malformed("another has the same Sid")
		}
		seen[s.Sid] = true
		actions := listOf(s.Action)
		if len(actions)+len(listOf(s.NotAction)) == 0 {
			malformed("there is no action")
		}
		for _, a := range actions {
			if !action.MatchString(a) {
				malformed("%q is no action", a)
			}
		}
		principal := s.Principal != nil || s.NotPrincipal != nil
		if kind == identityPolicy && principal {
			malformed("a policy of a role names no principal")
		}
		if kind != identityPolicy && !principal {
			malformed("there is no principal")
		}
		resources := listOf(s.Resource)
		if kind == trustPolicy && len(resources) > 0 {
			malformed("a trust policy names no resource")
		}
		if kind != trustPolicy && len(resources)+len(listOf(s.NotResource)) == 0 {
			malformed("there is no resource")
		}
		for _, r := range resources {
			if !arn.MatchString(r) {
				malformed("%q is no ARN", r)
			}
		}
	}
}

func withoutSpace(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

// listOf is a text or a list of texts.
func listOf(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, e := range v {
			if text, is := e.(string); is {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}

// servicesOf are the AWS services among the principals.
func (s statement) servicesOf() []string {
	if m, is := s.Principal.(map[string]any); is {
		return listOf(m["Service"])
	}
	return nil
}

// anyone reports whether the statement lets everybody, without a condition.
func (s statement) anyone() bool {
	if s.Effect != "Allow" || len(s.Condition) > 0 {
		return false
	}
	if s.Principal == "*" {
		return true
	}
	m, is := s.Principal.(map[string]any)
	return is && slices.Contains(listOf(m["AWS"]), "*")
}

// covers reports whether the pattern, in which * stands for any text, matches the text.
func covers(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(text)
}

// The numbers are those of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: characters that are no spaces.
const (
	trustPolicyChars = 2048
	// inlinePolicyChars is for all inline policies of a role together.
	inlinePolicyChars = 10240
)

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
func limitRole(l look) {
	policyDocument(l, "assumeRolePolicy", trustPolicy, trustPolicyChars)
	l.length("description", 0, 1000)
	l.match("description", `^[\x{0009}\x{000A}\x{000D}\x{0020}-\x{007E}\x{00A1}-\x{00FF}]*$`, "of Latin-1 characters")
	l.between("maxSessionDuration", 3600, 43200)
	if l.given("inlinePolicies") || l.given("managedPolicyArns") {
		l.refuse("inlinePolicies", "and managedPolicyArns within a role fight with policies that are resources of their own")
	}
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
func limitRolePolicy(l look) {
	l.required("role")
	policyDocument(l, "policy", identityPolicy, inlinePolicyChars)
}

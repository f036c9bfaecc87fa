package engine

import (
	"regexp"
	"strings"
	"unicode"

	"dossier.example/plan/iam"
)

// documentKind is what a policy document is attached to.
type documentKind int

const (
	identityPolicy documentKind = iota
	resourcePolicy
	trustPolicy
)

var (
	sid = regexp.MustCompile(`^[A-Za-z0-9]*$`)
	// The form of an action: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html.
	action = regexp.MustCompile(`^([a-z0-9-]+:[A-Za-z0-9*?]+|\*)$`)
	arn    = regexp.MustCompile(`^(\*|arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*-]*:([0-9]{12}|aws|\*)?:.+)$`)
)

// policyDocument refuses what IAM calls a malformed policy document, and one that is too long:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
func policyDocument(l look, key string, kind documentKind, most int) {
	var d iam.Document
	if !l.json(key, &d) {
		return
	}
	if text, _ := l.text(key); most > 0 && len(withoutSpace(text)) > most {
		l.refuse(key, "has %d characters that are no spaces, and may have %d", len(withoutSpace(text)), most)
	}
	if d.Version != iam.Version {
		l.refuse(key, "has the version %q, and needs %s", d.Version, iam.Version)
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
		actions := s.Action
		if len(actions)+len(s.NotAction) == 0 {
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
		resources := s.Resource
		if kind == trustPolicy && len(resources) > 0 {
			malformed("a trust policy names no resource")
		}
		if kind != trustPolicy && len(resources)+len(s.NotResource) == 0 {
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

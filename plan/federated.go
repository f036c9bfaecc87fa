package plan

import (
	"slices"
	"strings"
)

// federated ends the name of a provider by which people sign in, of which nothing else tells that it is one: a
// reference to one of the program, or a site.
const federated = " (federated)"

// principals are those of a statement of one kind. Who is let in by a provider is never of the account, whatever the
// provider's name looks like
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
func principals(kind string, names []string) []string {
	if kind != "Federated" {
		return names
	}
	var found []string
	for _, name := range names {
		if name != "*" && signsInBy(name) == "" {
			name += federated
		}
		found = append(found, name)
	}
	return found
}

// signsInBy is the provider by which a principal signs in; empty: it does not.
func signsInBy(who string) string {
	if by, is := strings.CutSuffix(who, federated); is {
		return by
	}
	if strings.Contains(who, ":oidc-provider/") || strings.Contains(who, ":saml-provider/") {
		return who
	}
	return ""
}

// bounding are the keys by which providers that everyone shares tell whose people they let in
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif).
var bounding = map[string][]string{
	"cognito-identity.amazonaws.com": {"aud", "sub"},
	"accounts.google.com":            {"aud", "azp", "email", "oaud", "sub"},
	"graph.facebook.com":             {"app_id", "id"},
	"www.amazon.com":                 {"app_id", "user_id"},
	"token.actions.githubusercontent.com": {"sub", "job_workflow_ref", "repository", "repository_id",
		"repository_owner", "repository_owner_id"},
}

// unbounded reports whether a provider that everyone shares lets in the people of anybody under these conditions.
func unbounded(by, condition string) bool {
	site := by[strings.LastIndexByte(by, '/')+1:]
	keys, shared := bounding[site]
	if !shared {
		return false
	}
	conditions, err := asked(condition)
	if err != nil && condition != "" {
		return false
	}
	return !slices.ContainsFunc(tests(conditions), func(t test) bool {
		key, is := strings.CutPrefix(t.key, site+":")
		return is && slices.Contains(keys, key) && t.operator != "Null" && !t.negated && !t.absent() &&
			!slices.ContainsFunc(t.values, everybody)
	})
}

// everybody reports whether a pattern of a subject begins with a wildcard: repo:* are the repositories of everyone.
func everybody(pattern string) bool {
	return strings.HasPrefix(strings.TrimPrefix(pattern, "repo:"), "*")
}

// subjects are those that conditions hold a provider's people to; none where somebody else may be let in.
func (x access) subjects() []string {
	conditions, err := asked(x.condition)
	if err != nil {
		return nil
	}
	var found []string
	for _, t := range tests(conditions) {
		if strings.HasSuffix(t.key, ":sub") && !t.negated && !t.absent() && strings.HasPrefix(t.operator, "String") {
			found = append(found, t.values...)
		}
	}
	return found
}

// repository is the repository that a subject of GitHub's is of; empty: it names none, or several
// (https://docs.github.com/en/actions/reference/security/oidc).
func repository(subject string) string {
	rest, is := strings.CutPrefix(subject, "repo:")
	name, _, _ := strings.Cut(rest, ":")
	if !is || strings.ContainsAny(name, "*?") {
		return ""
	}
	return name
}

// familiar reports whether whoever signs in by a provider is nobody new: a service account of the account's own cluster
// (https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html), or a repository that roles
// let in before.
func familiar(x access, roles []Role) bool {
	if signsInBy(x.who) == "" {
		return false
	}
	known := map[string]bool{}
	for _, role := range roles {
		for _, g := range role.Grants {
			if g.Change == Added || g.Action != assumed || g.Effect != "Allow" || g.Resource != x.who {
				continue
			}
			for _, subject := range taker(g).subjects() {
				known[repository(subject)] = true
			}
		}
	}
	subjects := x.subjects()
	return len(subjects) > 0 && !slices.ContainsFunc(subjects, func(subject string) bool {
		cluster := strings.HasPrefix(subject, "system:serviceaccount:") && !strings.ContainsAny(subject, "*?")
		return !cluster && (repository(subject) == "" || !known[repository(subject)])
	})
}

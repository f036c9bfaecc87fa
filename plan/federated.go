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

package plan

import (
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
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

// serviceAccount begins the subjects of a cluster
// (https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html).
const serviceAccount = "system:serviceaccount:"

// familiar reports whether whoever signs in by a provider is nobody new: a service account of the account's own
// cluster, or of a repository that roles let in before, not more than they did. Everybody can have a provider that
// calls its people service accounts, so a cluster is the account's own where roles trusted it before, or where the
// program makes it.
func familiar(x access, roles []Role, head *graph.Graph) bool {
	by := signsInBy(x.who)
	if by == "" {
		return false
	}
	var known []string
	for _, role := range roles {
		for _, g := range role.Grants {
			if g.Change != Added && g.Action == assumed && g.Effect == "Allow" && g.Resource == x.who {
				known = append(known, taker(g).subjects()...)
			}
		}
	}
	cluster := issues(head, by) || slices.ContainsFunc(known, func(subject string) bool {
		return strings.HasPrefix(subject, serviceAccount)
	})
	subjects := x.subjects()
	return len(subjects) > 0 && !slices.ContainsFunc(subjects, func(subject string) bool {
		if strings.HasPrefix(subject, serviceAccount) {
			return !cluster || strings.ContainsAny(subject, "*?")
		}
		return !slices.ContainsFunc(known, func(pattern string) bool {
			return iam.Covers(pattern, subject) ||
				one(subject) && repository(subject) != "" && repository(subject) == repository(pattern)
		})
	})
}

// one reports whether a subject of GitHub's stands for one branch, tag or environment of a repository, and not for
// whoever opens a pull request there.
func one(subject string) bool {
	_, of, _ := strings.Cut(strings.TrimPrefix(subject, "repo:"), ":")
	return !strings.ContainsAny(of, "*?") && slices.ContainsFunc([]string{"environment:", "ref:refs/heads/",
		"ref:refs/tags/"}, func(kind string) bool { return strings.HasPrefix(of, kind) })
}

// issues reports whether a provider is made from a cluster of the program, whose address only AWS knows.
func issues(head *graph.Graph, by string) bool {
	return slices.ContainsFunc(head.ByType("aws:iam/openIdConnectProvider:OpenIdConnectProvider"),
		func(provider *graph.Resource) bool {
			return strings.HasSuffix(by, " of "+provider.String()+"}") && provider.Input("url") == graph.Unknown &&
				slices.ContainsFunc(provider.PropertyDependencies["url"], func(urn string) bool {
					of := head.ByURN(urn)
					return of != nil && of.Token == "aws:eks/cluster:Cluster"
				})
		})
}

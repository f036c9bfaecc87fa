package plan

import (
	"cmp"
	"regexp"
	"slices"

	"dossier.example/plan/graph"
)

var (
	accountNumbers = regexp.MustCompile(`\b\d{12}\b`)
	accountOfRole  = regexp.MustCompile(`arn:[a-z-]+:iam::(\d{12}):role/`)
)

// credentials are the settings of a provider that say as whom it signs in.
var credentials = []string{"accessKey", "assumeRole", "assumeRoleWithWebIdentity", "assumeRoles", "profile",
	"secretKey", "sharedConfigFiles", "sharedCredentialsFiles", "token"}

// ownAccount is the number of the account that a stack is deployed to, where its configuration or all its providers
// say which: the one that is allowed, or that of the role which is taken
// (https://www.pulumi.com/registry/packages/aws/installation-configuration/). Empty: nothing says; unsure tells that
// there are several, or that a provider signs in otherwise and does not say where.
func ownAccount(s Stack) (number string, unsure bool) {
	said := map[string]bool{}
	add := func(allowed, role string) (any bool) {
		numbers := accountNumbers.FindAllString(allowed, -1)
		for _, m := range accountOfRole.FindAllStringSubmatch(role, -1) {
			if len(numbers) == 0 {
				said[m[1]], any = true, true
			}
		}
		for _, number := range numbers {
			said[number], any = true, true
		}
		return any
	}
	add(s.Config["aws:allowedAccountIds"], s.Config["aws:assumeRole"])
	if s.Graph != nil {
		for _, r := range s.Graph.ByType("pulumi:providers:aws") {
			unsure = !add(orUnset(r.Input("allowedAccountIds")),
				orUnset(cmp.Or(r.Input("assumeRole"), r.Input("assumeRoles")))) &&
				slices.ContainsFunc(credentials, func(key string) bool {
					return graph.Text(r.Input(key)) != s.Config["aws:"+key]
				}) || unsure
		}
	}
	if unsure || len(said) > 1 {
		return "", true
	}
	for n := range said {
		number = n
	}
	return number, false
}

// inAccount are two sides of a stack with their graphs as of its own account. Where one side alone says which that is,
// it is that of the other, too: saying it changes nothing else. That both say another one has to be seen.
func inAccount(base, head Stack) (was, is Stack) {
	before, unsureBefore := ownAccount(base)
	after, unsureAfter := ownAccount(head)
	if !unsureBefore && !unsureAfter && (before == "" || after == "" || before == after) {
		base.Graph = base.Graph.InAccount(cmp.Or(before, after))
		head.Graph = head.Graph.InAccount(cmp.Or(after, before))
	}
	return base, head
}

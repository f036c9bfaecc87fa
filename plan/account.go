package plan

import (
	"cmp"
	"regexp"
)

var (
	accountNumbers = regexp.MustCompile(`\b\d{12}\b`)
	accountOfRole  = regexp.MustCompile(`arn:[a-z-]+:iam::(\d{12}):role/`)
)

// ownAccount is the number of the account that a stack is deployed to, where its configuration or all its providers
// say which: the one that is allowed, or that of the role which is taken
// (https://www.pulumi.com/registry/packages/aws/installation-configuration/). Empty: nothing says, or not one alone.
func ownAccount(s Stack) string {
	said := map[string]bool{}
	add := func(allowed, role string) {
		numbers := accountNumbers.FindAllString(allowed, -1)
		for _, m := range accountOfRole.FindAllStringSubmatch(role, -1) {
			if len(numbers) == 0 {
				said[m[1]] = true
			}
		}
		for _, number := range numbers {
			said[number] = true
		}
	}
	add(s.Config["aws:allowedAccountIds"], s.Config["aws:assumeRole"])
	if s.Graph != nil {
		for _, r := range s.Graph.ByType("pulumi:providers:aws") {
			add(orUnset(r.Input("allowedAccountIds")), orUnset(cmp.Or(r.Input("assumeRole"), r.Input("assumeRoles"))))
		}
	}
	for number := range said {
		if len(said) == 1 {
			return number
		}
	}
	return ""
}

// inAccount is a stack with its graph as of its own account.
func (s Stack) inAccount() Stack {
	s.Graph = s.Graph.InAccount(ownAccount(s))
	return s
}

package policy

import (
	"fmt"
	"strings"
)

// Document is docs/policies.md: all rules and the exceptions to them.
func Document() string {
	var b strings.Builder
	b.WriteString(`# Policies

<!-- Generated from infra/policy by "go generate"; change it there. -->

The rules that every environment's infrastructure keeps. They are code over the resource graph of the program (` + "`infra/policy`" + `), and tests run them
for every preset. Ids are those of AWS Foundational Security Best Practices (EC2.2), of the CIS AWS Foundations Benchmark 5.0 (CIS 5.3) and of checkov
(CKV_AWS_46); those that begin with Dossier are this project's own. A rule is broken also when what it speaks of does not exist at all.

Rules marked "production" hold where the preset is ` + "`prod`" + ` or protection is turned on.

| Rule | Also | Says | Where |
| --- | --- | --- | --- |
`)
	for _, rule := range Rules() {
		where := "everywhere"
		if rule.Production {
			where = "production. " + rule.Otherwise
		}
		if len(rule.Exceptions) > 0 {
			where += ", with exceptions"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(rule.ID), cell(strings.Join(rule.Also, ", ")), cell(rule.Says), cell(where))
	}
	b.WriteString(`
## Exceptions

Where a rule is not kept on purpose. Each exception is bound to a condition that the same code checks: when that no longer holds, the rule is broken.

| Rule | Why it is not kept | Only where |
| --- | --- | --- |
`)
	for _, rule := range Rules() {
		for _, e := range rule.Exceptions {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(rule.ID), cell(e.Reason), cell(e.When))
		}
	}
	return b.String()
}

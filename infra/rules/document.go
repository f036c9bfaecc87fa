package rules

import (
	"strings"

	"dossier.example/infra/settings"
	"dossier.example/plan/markdown"
)

// Document is docs/policies.md: all rules and the exceptions to them.
func Document() string {
	rules := For(settings.Settings{}).Rules
	var b strings.Builder
	b.WriteString(`# Policies

<!-- Generated from infra/rules by "go generate"; change it there. -->

The rules that every environment's infrastructure keeps. They are code over the resource graph of the program: those that fit any stack in ` + "`plan/policy`" + `,
Dossier's own and its exceptions in ` + "`infra/rules`" + `. Tests check every preset against them. Ids are those of AWS Foundational Security Best Practices (EC2.2), of
the CIS AWS Foundations Benchmark 5.0 (CIS 5.3) and of checkov (CKV_AWS_46); those that begin with ` + "`Plan.` or `Dossier.`" + ` are this repository's own. A rule is
also broken when what it speaks of does not exist at all.

An input that is not given counts as what AWS or the Terraform provider makes of it. A rule is not asked of a resource
of a kind, or of a database engine, that it does not know, nor about what a read replica or a restored database has from
its source: reports say of which, and why. Rules about databases hold for MySQL, MariaDB, PostgreSQL, Oracle, SQL Server
and Db2 in RDS, and for clusters of Aurora; where engines differ, the rule says how.

Rules marked "production" hold where the preset is ` + "`prod`" + ` or protection is turned on.

`)
	table := markdown.NewTable("Rule", "Also", "Says", "Where")
	for _, rule := range rules {
		where := "everywhere"
		if rule.Production {
			where = "production. " + rule.Otherwise
		}
		if len(rule.Exceptions) > 0 {
			where += ", with exceptions"
		}
		table.Row(rule.ID, strings.Join(rule.Also, ", "), markdown.Text(rule.Says), markdown.Text(where))
	}
	b.WriteString(table.String() + `
## Exceptions

Where a rule is not kept on purpose. Each exception is bound to a condition that the same code checks: when that no longer holds, the rule is broken.

`)
	table = markdown.NewTable("Rule", "Why it is not kept", "Only where")
	for _, rule := range rules {
		for _, e := range rule.Exceptions {
			table.Row(rule.ID, markdown.Text(e.Reason), markdown.Text(e.When))
		}
	}
	return b.String() + table.String()
}

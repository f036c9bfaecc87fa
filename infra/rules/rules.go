// Package rules contains what Dossier's infrastructure must comply with: the rules of package policy with Dossier's
// exceptions to them, and rules of its own. The plan of a change and tests import it; components do not, so that a rule
// cannot share a component's mistake.
package rules

import (
	"dossier.example/infra/settings"
	"dossier.example/plan/policy"
)

//go:generate go test . -run ^TestDocument$ -update

// promises are what settings say that rules and exceptions ask for.
type promises struct {
	// domain reports whether the site has a name, without which there is no certificate.
	domain bool
	// webACL reports whether the operator chose a web application firewall.
	webACL bool
	// operators reports whether there are addresses that may connect to the jump server.
	operators bool
	// production is as in policy.Environment.
	production bool
}

// For returns what an environment with these settings is held to: the rules in the order of docs/policies.md, with
// Dossier's exceptions.
func For(s settings.Settings) policy.Set { return promised(s).set(s.Stack) }

func promised(s settings.Settings) promises {
	return promises{
		domain: s.Site.Domain != "", webACL: s.Site.WebACL != "", operators: len(s.Jump.OperatorCIDRs) > 0,
		production: s.Production(),
	}
}

func (has promises) set(name string) policy.Set {
	set := policy.Set{
		Environment: policy.Environment{Name: name, Production: has.production},
		Rules:       append(policy.Catalogue(), has.network(), database, signIn),
		Complete:    true,
	}
	exceptions := has.exceptions()
	for i, rule := range set.Rules {
		set.Rules[i].Exceptions = exceptions[rule.ID]
		set.Rules[i].Mend = mends[rule.ID]
	}
	return set
}

// mends name the setting of Pulumi.<stack>.yaml that mends what breaks a rule of the catalogue.
var mends = map[string]string{
	"RDS.5":       "set database.multiAZ to true",
	"RDS.8":       "set protect to true",
	"RDS.11":      "raise database.backupDays",
	"CKV_AWS_353": "set database.performanceInsights to true",
	"DynamoDB.6":  "set protect to true",
	"Cognito.6":   "set protect to true",
	"CKV2_AWS_28": "set site.webAcl to the ARN of a web ACL",
}

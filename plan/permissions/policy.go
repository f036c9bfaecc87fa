package permissions

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/iam"
)

// statement is one statement of an identity policy.
type statement struct {
	iam.Statement
	number int // from 1
	// condition is compact JSON with sorted keys; empty for none.
	condition string
}

// String names the statement, with its condition.
func (s statement) String() string {
	name := fmt.Sprintf("statement %d", s.number)
	if s.Sid != "" {
		name = "statement " + s.Sid
	}
	if s.condition != "" {
		name += " under the condition " + s.condition
	}
	return name
}

// parsePolicy reads an identity policy.
func parsePolicy(document string) ([]statement, error) {
	d, err := iam.Parse(document)
	if err != nil {
		return nil, err
	}
	if d.Version != iam.Version {
		return nil, fmt.Errorf("policy document: Version is %q, not %q", d.Version, iam.Version)
	}
	var statements []statement
	for i, in := range d.Statement {
		s := statement{in, i + 1, in.Conditions()}
		fault := ""
		switch {
		case in.Effect != "Allow" && in.Effect != "Deny":
			fault = fmt.Sprintf("Effect is %q", in.Effect)
		case in.Principal != nil || in.NotPrincipal != nil:
			fault = "Principal: it is a policy of a resource"
		case (len(in.Action) > 0) == (len(in.NotAction) > 0):
			fault = "it needs one of Action and NotAction"
		case (len(in.Resource) > 0) == (len(in.NotResource) > 0):
			fault = "it needs one of Resource and NotResource"
		}
		for _, r := range slices.Concat(in.Resource, in.NotResource) {
			if strings.Contains(r, "${") {
				fault = "the policy variable in " + r + " is not understood here"
			}
		}
		if fault != "" {
			return nil, fmt.Errorf("policy document: %s: %s", s, fault)
		}
		statements = append(statements, s)
	}
	return statements, nil
}

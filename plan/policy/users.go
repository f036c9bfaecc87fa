package policy

import "dossier.example/plan/graph"

const userPoolType = "aws:cognito/userPool:UserPool"

func userRules() []Rule {
	return []Rule{
		{
			ID:    "Cognito.5",
			Says:  "User pools require a second factor of everybody.",
			Needs: []string{userPoolType}, Optional: true,
			Check: unless(userPoolType, func(_ *graph.Graph, r *graph.Resource) bool {
				return graph.Text(r.Input("mfaConfiguration")) == "ON"
			}, "set mfaConfiguration to ON", "mfaConfiguration is %s", "mfaConfiguration"),
		},
		{
			ID:         "Cognito.6",
			Says:       "User pools are protected from deletion.",
			Production: true,
			Otherwise:  "A trial environment is destroyed in one step.",
			Needs:      []string{userPoolType}, Optional: true,
			Check: unless(userPoolType, func(_ *graph.Graph, r *graph.Resource) bool {
				return graph.Text(r.Input("deletionProtection")) == "ACTIVE"
			}, "set deletionProtection to ACTIVE", "deletionProtection is %s", "deletionProtection"),
		},
	}
}

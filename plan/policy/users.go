package policy

import "dossier.example/plan/graph"

const userPoolType = "aws:cognito/userPool:UserPool"

func userRules() []Rule {
	return []Rule{
		{
			ID:    "Cognito.5",
			Says:  "User pools require a second factor of everybody.",
			Needs: []string{userPoolType}, Optional: true,
			Check: Each(userPoolType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				if graph.Text(r.Input("mfaConfiguration")) == "ON" {
					return nil
				}
				return []Violation{At(r, "set mfaConfiguration to ON", "mfaConfiguration is %s",
					Shown(r.Input("mfaConfiguration")))}
			}),
		},
		{
			ID:         "Cognito.6",
			Says:       "User pools are protected from deletion.",
			Production: true,
			Otherwise:  "A trial environment is destroyed in one step.",
			Needs:      []string{userPoolType}, Optional: true,
			Check: Each(userPoolType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				if graph.Text(r.Input("deletionProtection")) == "ACTIVE" {
					return nil
				}
				return []Violation{At(r, "set deletionProtection to ACTIVE", "deletionProtection is %s",
					Shown(r.Input("deletionProtection")))}
			}),
		},
	}
}

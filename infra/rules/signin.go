package rules

import (
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
)

const (
	userPoolType   = "aws:cognito/userPool:UserPool"
	poolClientType = "aws:cognito/userPoolClient:UserPoolClient"
)

// signIn is of the pool that staff sign in with, where there is one.
var signIn = policy.Rule{
	ID: "Dossier.SignIn.1",
	Says: "In a user pool for staff, administrators alone make users, and people prove themselves by a password and " +
		"a code of an app. Its client has a secret, takes codes alone, and sends people to the site only.",
	Needs: []string{userPoolType, poolClientType}, Optional: true,
	Check: policy.All(
		policy.Each(userPoolType, func(_ *graph.Graph, _ policy.Environment, r *graph.Resource) []policy.Violation {
			var found []policy.Violation
			if !graph.Is(r.Input("adminCreateUserConfig.allowAdminCreateUserOnly"), true) {
				found = append(found, policy.At(r, "set adminCreateUserConfig.allowAdminCreateUserOnly",
					"everyone can make an account in it"))
			}
			if r.Input("smsConfiguration") != nil || r.Input("emailMfaConfiguration") != nil ||
				!graph.Is(r.Input("softwareTokenMfaConfiguration.enabled"), true) {
				found = append(found, policy.At(r, "leave softwareTokenMfaConfiguration as the only factor",
					"the second factor is not a code of an app alone"))
			}
			return found
		}),
		policy.Each(poolClientType, func(g *graph.Graph, _ policy.Environment, r *graph.Resource) []policy.Violation {
			var found []policy.Violation
			if !graph.Is(r.Input("generateSecret"), true) {
				found = append(found, policy.At(r, "set generateSecret",
					"it has no secret: whoever knows its ID can pass for it"))
			}
			if flows := graph.Texts(r.Input("allowedOauthFlows")); !slices.Equal(flows, []string{"code"}) {
				found = append(found, policy.At(r, "set allowedOauthFlows to code", "it takes %v", flows))
			}
			for _, address := range slices.Concat(graph.Texts(r.Input("callbackUrls")),
				graph.Texts(r.Input("logoutUrls"))) {
				if !slices.ContainsFunc(g.ByType("aws:acm/certificate:Certificate"), func(c *graph.Resource) bool {
					return strings.HasPrefix(address, "https://"+graph.Text(c.Input("domainName"))+"/")
				}) {
					found = append(found, policy.At(r, "remove it", "it sends people to %s, which is not the site",
						address))
				}
			}
			return found
		}),
	),
}

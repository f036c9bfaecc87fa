package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestServiceRules: what a change of an input of a service means, and for its opposite that it means nothing.
func TestServiceRules(t *testing.T) {
	const users, site = "cognito/userPool:UserPool", "cognito/userPoolClient:UserPoolClient"
	const edge, code, api = "cloudfront/distribution:Distribution", "lambda/function:Function", "apigatewayv2/"
	container := func(rest string) string { return `[{"name":"web","image":"web:1"` + rest + `}]` }
	for _, c := range []struct {
		name, token, path string
		old, now          any
		// kind and what are of the danger of going from old to now, back of going back.
		kind, what, back string
	}{
		{"a name of a distribution goes", edge, "aliases", []any{"a", "b"}, []any{"a"},
			stops, "no longer answers under some of its names (1 of 2)", ""},
		{"another origin", edge, "origins", []any{"a"}, []any{"b"}, stops, "another origin", stops},
		{"older TLS", edge, "viewerCertificate.minimumProtocolVersion", "TLSv1.2_2021", "TLSv1_2016",
			weakens, "older versions of TLS (TLSv1.2_2021 → TLSv1_2016)", ""},
		{"TLS of before the year", edge, "viewerCertificate.minimumProtocolVersion", "TLSv1.1_2016", "TLSv1_2016",
			weakens, "older versions of TLS", ""},
		{"addresses of its own", edge, "viewerCertificate.sslSupportMethod", "sni-only", "vip",
			costs, "$600 a month", ""},
		{"headers", edge, "defaultCacheBehavior.responseHeadersPolicyId", "a", nil,
			weakens, "no longer carry its headers", ""},
		{"fewer places", edge, "priceClass", "PriceClass_All", "PriceClass_100", shrinks, "fewer places", ""},
		{"signed requests", edge, "defaultCacheBehavior.trustedKeyGroups", []any{"a"}, nil, exposes, "not signed",
			stops},
		{"how long pages are kept", edge, "defaultCacheBehavior.defaultTtl", 60.0, 600.0, "", "", ""},
		{"a retired runtime", code, "runtime", "python3.12", "python3.8", refused, "no longer takes", ""},
		{"another processor", code, "architectures", []any{"arm64"}, []any{"x86_64"},
			stops, "another processor", stops},
		{"new variables", code, "environment.variables.A", "a", "b", "", "", ""},
		{"anyone calls a function", "lambda/permission:Permission", "principal", "s3.amazonaws.com", "*",
			exposes, "lets **everyone** use the function", ""},
		{"a function called for anyone", "lambda/permission:Permission", "sourceArn", "arn:a", nil,
			exposes, "whatever it does so for", ""},
		{"a route without a guard", api + "route:Route", "authorizationType", "AWS_IAM", "NONE",
			exposes, "everyone can call it (AWS_IAM → NONE)", stops},
		{"a route that says nothing", api + "route:Route", "authorizationType", "JWT", nil, exposes, "everyone", stops},
		{"every site", api + "api:Api", "corsConfiguration.allowOrigins", []any{"https://a"}, []any{"*"},
			exposes, "pages of every site", stops},
		{"a stage takes less", api + "stage:Stage", "defaultRouteSettings.throttlingRateLimit", 20.0, 10.0,
			shrinks, "10 requests a second instead of 20", weakens},
		{"messages twice", "sqs/queue:Queue", "visibilityTimeoutSeconds", 180.0, 30.0, stops, "handed out again", ""},
		{"a smaller task", "ecs/taskDefinition:TaskDefinition", "cpu", "512", "256", shrinks, "256 units", ""},
		{"a privileged container", "ecs/taskDefinition:TaskDefinition", "containerDefinitions", container(``),
			container(`,"privileged":true`), weakens, "container `web` runs with all rights on its host", ""},
		{"a container without a log", "ecs/taskDefinition:TaskDefinition", "containerDefinitions",
			container(`,"logConfiguration":{"logDriver":"awslogs"}`), container(``), hides, "writes no log", ""},
		{"a container without secrets", "ecs/taskDefinition:TaskDefinition", "containerDefinitions",
			container(`,"secrets":[{"name":"A"}]`), container(`,"secrets":[]`), stops, "gets no secrets", ""},
		{"tasks in the open", "ecs/service:Service", "networkConfiguration.assignPublicIp", false, true,
			exposes, "public addresses", stops},
		{"a shell in containers", "ecs/service:Service", "enableExecuteCommand", nil, true, exposes, "gets into", ""},
		{"another revision of a task", "ecs/service:Service", "taskDefinition", "a", "b", "", "", ""},
		{"images unscanned", "ecr/repository:Repository", "imageScanningConfiguration.scanOnPush", true, false,
			weakens, "no longer scanned", ""},
		{"images deleted with their repository", "ecr/repository:Repository", "forceDelete", false, true,
			weakens, "instead of refusing deletion", ""},
		{"a second factor for who wants one", users, "mfaConfiguration", "ON", "OPTIONAL",
			weakens, "sign in without a second factor (ON → OPTIONAL)", ""},
		{"no second factor", users, "mfaConfiguration", "OPTIONAL", nil, weakens, "(OPTIONAL → OFF)", ""},
		{"no codes of apps", users, "softwareTokenMfaConfiguration.enabled", true, false,
			stops, "no longer accepted", ""},
		{"everyone makes an account", users, "adminCreateUserConfig.allowAdminCreateUserOnly", true, false,
			exposes, "everyone can make an account in it (true → false)", ""},
		{"users can be deleted", users, "deletionProtection", "ACTIVE", "INACTIVE", weakens, "no longer refuses", ""},
		{"short passwords", users, "passwordPolicy.minimumLength", 15.0, 8.0,
			weakens, "8 characters instead of 15", ""},
		{"another plan", users, "userPoolTier", "ESSENTIALS", "LITE", weakens, "another price", weakens},
		{"fewer checks for risks", users, "userPoolAddOns.advancedSecurityMode", "ENFORCED", "AUDIT",
			weakens, "(ENFORCED → AUDIT)", ""},
		{"remembered devices", users, "deviceConfiguration", nil, map[string]any{"challengeRequiredOnNewDevice": true},
			weakens, "without a second factor", weakens},
		{"an invitation's text", users, "adminCreateUserConfig.inviteMessageTemplate.emailSubject", "a", "b",
			"", "", ""},
		{"codes for another site", site, "callbackUrls", []any{"https://a"}, []any{"https://a", "https://b"},
			exposes, "whoever has `https://b` gets what signs people in", stops},
		{"tokens in addresses", site, "allowedOauthFlows", []any{"code"}, []any{"code", "implicit"},
			weakens, "another way as well: `implicit`", ""},
		{"passwords to the API", site, "explicitAuthFlows", nil, []any{"ALLOW_USER_PASSWORD_AUTH"},
			weakens, "ALLOW_USER_PASSWORD_AUTH", ""},
		{"more of people", site, "allowedOauthScopes", []any{"openid"}, []any{"openid", "phone"},
			exposes, "more of people: `phone`", stops},
		{"another way in", site, "supportedIdentityProviders", []any{"COGNITO"}, []any{"COGNITO", "Google"},
			exposes, "let in by `Google` as well", stops},
		{"who has an account", site, "preventUserExistenceErrors", "ENABLED", "LEGACY",
			exposes, "who has an account", ""},
		{"how long tokens live", site, "idTokenValidity", 5.0, 60.0, weakens, "for longer", ""},
		{"other pages", "cognito/userPoolDomain:UserPoolDomain", "managedLoginVersion", 2.0, 1.0,
			stops, "another version", stops},
		{"a group with a role", "cognito/userGroup:UserGroup", "roleArn", nil, "arn:a", exposes, "another role", ""},
		{"another group counts", "cognito/userGroup:UserGroup", "precedence", 1.0, 2.0, weakens, "may count", weakens},
		{"fewer tasks at least", "appautoscaling/target:Target", "minCapacity", 2.0, 1.0, shrinks, "at least 1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(old, now any, kind, what string) {
				t.Helper()
				base, head := two(t, func(b *graphtest.Builder) { b.Add(c.token, "x", at(c.path, old)) },
					func(b *graphtest.Builder) { b.Remove(c.token, "x"); b.Add(c.token, "x", at(c.path, now)) })
				var found []Danger
				for _, d := range between(base, head).Environments[0].Dangers {
					if d.Kind != "not known" { // whether it is replaced is another question
						found = append(found, d)
					}
				}
				switch {
				case kind == "" && len(found) == 0:
				case len(found) != 1 || found[0].Kind != kind || !strings.Contains(found[0].What, what):
					t.Errorf("%v → %v: got %+v, want %s: %s", old, now, found, kind, what)
				}
			}
			check(c.old, c.now, c.kind, c.what)
			check(c.now, c.old, c.back, "")
		})
	}
}

// at are inputs with a value at a path, and nothing there for nil.
func at(path string, value any) in {
	inputs := in{}
	for m := inputs; ; {
		key, rest, deeper := strings.Cut(path, ".")
		if !deeper {
			if value != nil {
				m[key] = value
			}
			return inputs
		}
		inner := map[string]any{}
		m[key], m, path = inner, inner, rest
	}
}

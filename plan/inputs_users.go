package plan

import (
	"encoding/json"
	"slices"

	"dossier.example/plan/graph"
)

// The types of user pools.
const (
	userPoolType     = "aws:cognito/userPool:UserPool"
	poolClientType   = "aws:cognito/userPoolClient:UserPoolClient"
	poolDomainType   = "aws:cognito/userPoolDomain:UserPoolDomain"
	poolGroupType    = "aws:cognito/userGroup:UserGroup"
	cloudControlType = "aws:cloudcontrol/resource:Resource"
)

// userRules judge the inputs of user pools
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPool.html,
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html).
var userRules = []rule{
	{token: userPoolType, path: "mfaConfiguration", kind: weakens,
		judge: rank("people can sign in without a second factor", "OFF", "OFF", "OPTIONAL", "ON")},
	{token: userPoolType, path: "softwareTokenMfaConfiguration.enabled", kind: stops,
		judge: from("true", "codes of authenticator apps are no longer accepted")},
	{token: userPoolType, path: "adminCreateUserConfig.allowAdminCreateUserOnly", kind: exposes,
		judge: from("true", signUp)},
	{token: userPoolType, path: "adminCreateUserConfig.allowAdminCreateUserOnly", kind: exposes, fresh: true,
		judge: whenNew(signUp, func(now any) bool { return !graph.Is(now, true) })},
	{token: userPoolType, path: "adminCreateUserConfig.inviteMessageTemplate", judge: harmless},
	{token: userPoolType, path: "deletionProtection", kind: weakens,
		judge: from("ACTIVE", "AWS no longer refuses to delete it")},
	{token: userPoolType, path: "passwordPolicy.minimumLength", kind: weakens,
		judge: lower(8, "passwords need %s characters instead of %s")},
	{token: userPoolType, path: "passwordPolicy.temporaryPasswordValidityDays", judge: harmless},
	{token: userPoolType, path: "accountRecoverySetting", kind: weakens,
		judge: other("a forgotten password is replaced another way")},
	{token: userPoolType, path: "autoVerifiedAttributes", kind: weakens,
		judge: fewer("some addresses are no longer verified")},
	{token: userPoolType, path: "userAttributeUpdateSettings", kind: weakens,
		judge: fewer("a new address counts before it is verified")},
	{token: userPoolType, path: "deviceConfiguration", kind: weakens,
		judge: always("known devices may be let in without a second factor")},
	{token: userPoolType, path: "lambdaConfig", kind: weakens,
		judge: other("other functions decide about who signs in")},
	{token: userPoolType, path: "signInPolicy", kind: weakens, judge: other("people prove themselves another way")},
	{token: userPoolType, path: "userPoolAddOns.advancedSecurityMode", kind: weakens,
		judge: rank("sign-ins are no longer checked for risks as before", "OFF", "OFF", "AUDIT", "ENFORCED")},
	// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-sign-in-feature-plans.html
	{token: userPoolType, path: "userPoolTier", kind: weakens,
		judge: other("it has other features, at another price for each user")},
	{token: userPoolType, path: "emailConfiguration", judge: harmless},
	{token: userPoolType, path: "verificationMessageTemplate", judge: harmless},

	{token: poolClientType, path: "callbackUrls", kind: exposes,
		judge: further("whoever has %s gets what signs people in")},
	{token: poolClientType, path: "callbackUrls", kind: stops,
		judge: fewer("nobody gets back to some of its addresses")},
	{token: poolClientType, path: "logoutUrls", judge: harmless},
	{token: poolClientType, path: "generateSecret", kind: weakens,
		judge: from("true", "whoever knows its ID can pass for it")},
	{token: poolClientType, path: "allowedOauthFlows", kind: weakens,
		judge: further("tokens are given out another way as well: %s")},
	{token: poolClientType, path: "explicitAuthFlows", kind: weakens,
		judge: further("people can prove themselves another way as well: %s")},
	{token: poolClientType, path: "allowedOauthScopes", kind: exposes, judge: further("it is told more of people: %s")},
	{token: poolClientType, path: "allowedOauthScopes", kind: stops, judge: fewer("it is told less of people")},
	{token: poolClientType, path: "supportedIdentityProviders", kind: exposes,
		judge: further("people are let in by %s as well")},
	{token: poolClientType, path: "supportedIdentityProviders", kind: stops,
		judge: fewer("an identity provider lets nobody in any longer")},
	{token: poolClientType, path: "preventUserExistenceErrors", kind: exposes,
		judge: from("ENABLED", "anyone can find out who has an account")},
	{token: poolClientType, path: "enableTokenRevocation", kind: weakens,
		judge: to("tokens can no longer be revoked", "false")},
	{token: poolClientType, path: "authSessionValidity", judge: harmless},
	{token: poolClientType, path: "accessTokenValidity", judge: harmless},
	{token: poolClientType, path: "idTokenValidity", judge: harmless},
	{token: poolClientType, path: "refreshTokenValidity", judge: harmless},
	{token: poolClientType, path: "tokenValidityUnits", judge: harmless},
	{token: poolClientType, path: "name", judge: harmless},

	{token: poolDomainType, path: "managedLoginVersion", kind: stops,
		judge: other("its pages become those of another version, for which each client may need a style")},
	{token: poolGroupType, path: "roleArn", kind: exposes, made: true,
		judge: func(_, now any) string {
			if now == nil {
				return ""
			}
			return "its members can take another role"
		}},
	{token: poolGroupType, path: "precedence", kind: weakens,
		judge: other("of those who are in several groups, another one's role may count")},
}

const signUp = "everyone can make an account in it"

// rank judges a word that goes down in an order, from the least; an absent one is unset.
func rank(means, unset string, order ...string) judge {
	word := func(v any) string {
		if v == nil {
			return unset
		}
		return graph.Text(v)
	}
	return func(old, now any) string {
		was, is := word(old), word(now)
		if slices.Index(order, is) >= slices.Index(order, was) {
			return ""
		}
		return means + " (" + was + " → " + is + ")"
	}
}

// styles reports whether a resource of Cloud Control, which can be anything, is how the pages of a user pool look: it
// lets nobody in, and nothing is lost with it but its looks.
func styles(r *graph.Resource) bool {
	if r == nil || r.Token != cloudControlType ||
		graph.Text(r.Input("typeName")) != "AWS::Cognito::ManagedLoginBranding" {
		return false
	}
	var state map[string]json.RawMessage
	return json.Unmarshal([]byte(graph.Text(r.Input("desiredState"))), &state) == nil
}

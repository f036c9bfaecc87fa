package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// limitUserPool keeps
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPool.html and, of factors,
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SetUserPoolMfaConfig.html:
// "Invalid MFA configuration given, can't disable all MFAs with a required or optional configuration"
// (anomalyco/sst#5177).
func limitUserPool(l look) {
	l.length("name", 1, 128)
	l.oneOf("mfaConfiguration", "OFF", "ON", "OPTIONAL")
	l.oneOf("deletionProtection", "ACTIVE", "INACTIVE")
	l.oneOf("userPoolTier", "LITE", "ESSENTIALS", "PLUS")
	l.exclusive("usernameAttributes", "aliasAttributes")
	token, given := l.object("softwareTokenMfaConfiguration")
	if mfa, _ := l.text("mfaConfiguration"); (mfa == "ON" || mfa == "OPTIONAL") && (!given || !token.flag("enabled")) &&
		!l.given("smsConfiguration") && !l.given("emailMfaConfiguration") {
		l.refuse("mfaConfiguration", "is %s, and there is no factor: can't disable all MFAs", mfa)
	}
	if policy, given := l.object("passwordPolicy"); given {
		policy.between("minimumLength", 6, 99)
		policy.between("temporaryPasswordValidityDays", 0, 365)
	}
	if recovery, given := l.object("accountRecoverySetting"); given {
		recovery.count("recoveryMechanisms", 1, 2)
	}
	verified := l.texts("autoVerifiedAttributes")
	if updates, given := l.object("userAttributeUpdateSettings"); given {
		for _, name := range updates.texts("attributesRequireVerificationBeforeUpdates") {
			if !slices.Contains(verified, name) {
				updates.refuse("attributesRequireVerificationBeforeUpdates",
					"has %q, which autoVerifiedAttributes lacks", name)
			}
		}
	}
	if users, given := l.object("adminCreateUserConfig"); given {
		if invitation, given := users.object("inviteMessageTemplate"); given {
			invitation.length("emailSubject", 6, 140)
			invitation.length("emailMessage", 6, 20000)
			invitation.length("smsMessage", 6, 140)
			for _, key := range []string{"emailMessage", "smsMessage"} {
				text, known := invitation.text(key)
				if known && (!strings.Contains(text, "{username}") || !strings.Contains(text, "{####}")) {
					invitation.refuse(key, "lacks {username} or {####}")
				}
			}
		}
	}
}

// minutes are those of the units of
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_TokenValidityUnitsType.html.
var minutes = map[string]float64{"seconds": 1. / 60, "minutes": 1, "hours": 60, "days": 24 * 60}

// limitPoolClient keeps
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html.
func limitPoolClient(l look) {
	l.required("userPoolId")
	l.length("name", 1, 128)
	l.between("authSessionValidity", 3, 15)
	l.oneOf("preventUserExistenceErrors", "ENABLED", "LEGACY")
	if !l.flag("allowedOauthFlowsUserPoolClient") {
		for _, key := range []string{"allowedOauthFlows", "allowedOauthScopes", "callbackUrls", "logoutUrls"} {
			if l.given(key) {
				l.refuse(key, "goes with allowedOauthFlowsUserPoolClient")
			}
		}
	}
	flows := l.texts("allowedOauthFlows")
	for _, flow := range flows {
		if flow != "code" && flow != "implicit" && flow != "client_credentials" {
			l.refuse("allowedOauthFlows", "has %q, and may have code, implicit, client_credentials", flow)
		}
	}
	if slices.Contains(flows, "code") && !l.given("callbackUrls") {
		l.refuse("callbackUrls", "is required")
	}
	for _, key := range []string{"callbackUrls", "logoutUrls"} {
		l.count(key, 0, 100)
		for _, url := range l.texts(key) {
			if strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "http://localhost") ||
				strings.Contains(url, "#") {
				l.refuse(key, "has %q: HTTPS is required, and fragments are not taken", url)
			}
		}
	}
	units, _ := l.object("tokenValidityUnits")
	for _, token := range []struct {
		input, unit, preset string
		least, most         float64
	}{
		{"idTokenValidity", "idToken", "hours", 5, 24 * 60},
		{"accessTokenValidity", "accessToken", "hours", 5, 24 * 60},
		{"refreshTokenValidity", "refreshToken", "days", 60, 3650 * 24 * 60},
	} {
		unit := units.textOr(token.unit)
		if unit == "" {
			unit = token.preset
		}
		if n, known := l.number(token.input); known {
			if n *= minutes[unit]; n < token.least || n > token.most {
				l.refuse(token.input, "is %v minutes, and has to be %v to %v", n, token.least, token.most)
			}
		}
	}
}

// limitPoolDomain keeps
// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html.
func limitPoolDomain(l look) {
	l.required("userPoolId", "domain")
	l.between("managedLoginVersion", 1, 2)
	if domain, known := l.text("domain"); known && !l.given("certificateArn") {
		l.match("domain", `^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`, "lower-case letters, digits and hyphens")
		for _, word := range []string{"aws", "amazon", "cognito"} {
			if strings.Contains(domain, word) {
				l.refuse("domain", "has the reserved word %s", word)
			}
		}
	}
}

// limitPoolGroup keeps
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html.
func limitPoolGroup(l look) {
	l.required("userPoolId")
	l.length("name", 1, 128)
	l.length("description", 0, 2048)
	if n, known := l.number("precedence"); known && n < 0 {
		l.refuse("precedence", "is below 0")
	}
}

// limitCloudControl keeps https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_CreateResource.html.
func limitCloudControl(l look) {
	l.match("typeName", `^[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}$`, "a type of CloudFormation")
	var state map[string]any
	l.json("desiredState", &state)
}

// placeUserPool refuses a plan that lacks the pages of the pool's domain
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-sign-in-feature-plans.html).
func (c *Cloud) placeUserPool(r *Resource) error {
	for _, domain := range c.of(poolDomainType, "userPoolId", r.ID) {
		if err := pages(domain, r); err != nil {
			return err
		}
	}
	return nil
}

// placePoolDomain refuses a second prefix of a pool
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html).
func (c *Cloud) placePoolDomain(r *Resource) error {
	for _, other := range c.of(poolDomainType, "userPoolId", r.text("userPoolId")) {
		if other.ID != r.ID {
			return fmt.Errorf("InvalidParameterException: the user pool has the domain %s already", other.ID)
		}
	}
	return pages(r, c.byID(userPoolType, r.text("userPoolId")))
}

// pages refuses those of managed login where the pool's plan lacks them
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-sign-in-feature-plans.html).
func pages(domain, pool *Resource) error {
	if version, _ := (look{in: domain.Inputs}).number("managedLoginVersion"); version == 2 &&
		pool.text("userPoolTier") == "LITE" {
		return fmt.Errorf("FeatureUnavailableInTierException: managed login is not in the plan LITE of %s", pool.ID)
	}
	return nil
}

// placeCloudControl refuses a second style of a client, and one of a client that does not exist
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateManagedLoginBranding.html). Of
// other types nothing is known.
func (c *Cloud) placeCloudControl(r *Resource) error {
	const branding = "AWS::Cognito::ManagedLoginBranding"
	if r.text("typeName") != branding {
		return nil
	}
	client := func(r *Resource) string {
		var state struct {
			Client string `json:"ClientId"`
		}
		_ = json.Unmarshal([]byte(r.text("desiredState")), &state)
		return state.Client
	}
	if c.byID(poolClientType, client(r)) == nil {
		return fmt.Errorf("ResourceNotFoundException: User pool client %s does not exist", client(r))
	}
	for _, other := range c.of(cloudControlType, "typeName", branding) {
		if other.ID != r.ID && client(other) == client(r) {
			return fmt.Errorf("ManagedLoginBrandingExistsException: %s has a style already", client(r))
		}
	}
	return nil
}

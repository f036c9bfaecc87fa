// Package staff builds the Amazon Cognito user pool that staff sign in with: an OpenID Connect issuer of the stack's
// own, in which a second factor is required and administrators alone make users. main.go imports it where the settings
// ask for one.
package staff

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudcontrol"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cognito"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args is what a Pool is built from.
type Args struct {
	// Name is what the pool is called in AWS's console.
	Name string
	// Domain is the prefix of the address of the pool's pages.
	Domain string
	// Origin is the site's, by HTTPS and without a slash at the end.
	Origin pulumi.StringInput
	// Protect turns on deletion protection, and keeps the pool when the stack is destroyed.
	Protect bool
}

// Pool is the issuer with this site as its only client.
type Pool struct {
	pulumi.ResourceState

	// ID is the pool's, by which operators name it.
	ID pulumi.StringOutput
	// Issuer is how the pool names itself, and ClientID and ClientSecret what this site is registered as.
	Issuer, ClientID, ClientSecret pulumi.StringOutput
}

const (
	// RoleClaim is the claim of the ID token that names somebody's groups
	// (https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html).
	RoleClaim = "cognito:groups"
	// Callback is where the app takes the pool's answers, below the site's origin, and SignIn where it lets people in.
	Callback = "/staff/sign-in/issuer/callback"
	SignIn   = "/staff/sign-in"

	// passwordLength is what NIST SP 800-63B-4 asks of passwords that are used alone; with a second factor it asks for
	// 8. As there, no kinds of characters are asked for.
	passwordLength = 15
	// invitationDays is how long the password of an invitation can be used.
	invitationDays = 3
	// managedLogin is the version of the sign-in pages that asks for proof again when the app wants it: the older ones
	// do not know the parameter prompt
	// (https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html). It needs the plan
	// Essentials (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-sign-in-feature-plans.html).
	managedLogin = 2
	plan         = "ESSENTIALS"
)

// roles are the groups, the one that may do most first. They are called as the app calls its roles.
var roles = []struct{ name, says string }{
	{"administrator", "May do everything, also manage accounts"},
	{"editor", "May see and download files, and delete people"},
	{"viewer", "May see and download files"},
}

// New builds a Pool.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Pool, error) {
	p := &Pool{}
	if err := ctx.RegisterComponentResource("dossier:staff:Pool", name, p, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(p)
	pool, err := cognito.NewUserPool(ctx, name, args.pool(), parent, pulumi.Protect(args.Protect))
	if err != nil {
		return nil, err
	}
	_, err = cognito.NewUserPoolDomain(ctx, name, &cognito.UserPoolDomainArgs{
		UserPoolId: pool.ID(), Domain: pulumi.String(args.Domain), ManagedLoginVersion: pulumi.Int(managedLogin),
		// A pool has one prefix at a time.
	}, parent, pulumi.DeleteBeforeReplace(true))
	if err != nil {
		return nil, err
	}
	client, err := cognito.NewUserPoolClient(ctx, name, args.client(pool), parent)
	if err != nil {
		return nil, err
	}
	// A client without a style of its own has no pages: Cognito answers "Login pages unavailable". The provider has a
	// resource for it from version 7 on only.
	_, err = cloudcontrol.NewResource(ctx, name+"-style", &cloudcontrol.ResourceArgs{
		TypeName: pulumi.String("AWS::Cognito::ManagedLoginBranding"),
		DesiredState: pulumi.JSONMarshal(pulumi.Map{
			"UserPoolId": pool.ID(), "ClientId": client.ID(), "UseCognitoProvidedValues": pulumi.Bool(true),
		}),
		// Of this type, all that the program gives needs another one.
	}, parent, pulumi.ReplaceOnChanges([]string{"desiredState"}))
	if err != nil {
		return nil, err
	}
	for i, role := range roles {
		_, err := cognito.NewUserGroup(ctx, name+"-"+role.name, &cognito.UserGroupArgs{
			UserPoolId: pool.ID(), Name: pulumi.String(role.name), Description: pulumi.String(role.says),
			Precedence: pulumi.Int(i + 1),
		}, parent)
		if err != nil {
			return nil, fmt.Errorf("the group %s: %w", role.name, err)
		}
	}
	p.ID = pool.ID().ToStringOutput()
	p.Issuer = pulumi.Sprintf("https://%s", pool.Endpoint)
	p.ClientID = client.ID().ToStringOutput()
	p.ClientSecret = pulumi.ToSecret(client.ClientSecret).(pulumi.StringOutput)
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"id": p.ID, "issuer": p.Issuer})
}

// pool is where people are. It has no schema of its own: attributes cannot be changed or taken away, and those that
// every pool has are enough
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html).
func (a Args) pool() *cognito.UserPoolArgs {
	protection := "INACTIVE"
	if a.Protect {
		protection = "ACTIVE"
	}
	return &cognito.UserPoolArgs{
		Name: pulumi.String(a.Name), UserPoolTier: pulumi.String(plan), DeletionProtection: pulumi.String(protection),
		// Codes of an app alone: text messages cost, and are read on the way.
		MfaConfiguration:              pulumi.String("ON"),
		SoftwareTokenMfaConfiguration: &cognito.UserPoolSoftwareTokenMfaConfigurationArgs{Enabled: pulumi.Bool(true)},
		AdminCreateUserConfig: &cognito.UserPoolAdminCreateUserConfigArgs{
			AllowAdminCreateUserOnly: pulumi.Bool(true),
			InviteMessageTemplate: &cognito.UserPoolAdminCreateUserConfigInviteMessageTemplateArgs{
				EmailSubject: pulumi.String("Your staff account"),
				EmailMessage: pulumi.Sprintf("You can sign in at %s%s as {username} with the password {####}. "+
					"Have an authenticator app at hand. The password works for %d days, and you choose your own.",
					a.Origin, SignIn, invitationDays),
				// Nobody gets one, and Cognito wants the text all the same.
				SmsMessage: pulumi.String("{username} {####}"),
			},
		},
		UsernameAttributes:    pulumi.ToStringArray([]string{"email"}),
		UsernameConfiguration: &cognito.UserPoolUsernameConfigurationArgs{CaseSensitive: pulumi.Bool(false)},
		// Whoever forgot a password gets a code by mail; the second factor is asked for as always.
		AutoVerifiedAttributes: pulumi.ToStringArray([]string{"email"}),
		UserAttributeUpdateSettings: &cognito.UserPoolUserAttributeUpdateSettingsArgs{
			AttributesRequireVerificationBeforeUpdates: pulumi.ToStringArray([]string{"email"}),
		},
		AccountRecoverySetting: &cognito.UserPoolAccountRecoverySettingArgs{
			RecoveryMechanisms: cognito.UserPoolAccountRecoverySettingRecoveryMechanismArray{
				&cognito.UserPoolAccountRecoverySettingRecoveryMechanismArgs{
					Name: pulumi.String("verified_email"), Priority: pulumi.Int(1),
				},
			},
		},
		PasswordPolicy: &cognito.UserPoolPasswordPolicyArgs{
			MinimumLength: pulumi.Int(passwordLength), RequireLowercase: pulumi.Bool(false),
			RequireUppercase: pulumi.Bool(false), RequireNumbers: pulumi.Bool(false),
			RequireSymbols: pulumi.Bool(false), TemporaryPasswordValidityDays: pulumi.Int(invitationDays),
		},
	}
}

// client is this site, as the pool knows it.
func (a Args) client(pool *cognito.UserPool) *cognito.UserPoolClientArgs {
	return &cognito.UserPoolClientArgs{
		UserPoolId: pool.ID(), Name: pulumi.String("Dossier"), GenerateSecret: pulumi.Bool(true),
		SupportedIdentityProviders:      pulumi.ToStringArray([]string{"COGNITO"}),
		AllowedOauthFlowsUserPoolClient: pulumi.Bool(true),
		AllowedOauthFlows:               pulumi.ToStringArray([]string{"code"}),
		AllowedOauthScopes:              pulumi.ToStringArray([]string{"openid", "email", "profile"}),
		CallbackUrls:                    pulumi.StringArray{pulumi.Sprintf("%s%s", a.Origin, Callback)},
		LogoutUrls:                      pulumi.StringArray{pulumi.Sprintf("%s%s", a.Origin, SignIn)},
		// Nobody finds out who has an account, and no password is sent to the pool's API.
		PreventUserExistenceErrors: pulumi.String("ENABLED"),
		ExplicitAuthFlows:          pulumi.ToStringArray([]string{"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}),
		EnableTokenRevocation:      pulumi.Bool(true),
		// Minutes to set up an app for codes, between two pages of a first sign-in.
		AuthSessionValidity: pulumi.Int(15),
		// The app reads the tokens once, and keeps a session of its own: they live as briefly as Cognito allows.
		IdTokenValidity: pulumi.Int(5), AccessTokenValidity: pulumi.Int(5), RefreshTokenValidity: pulumi.Int(60),
		TokenValidityUnits: &cognito.UserPoolClientTokenValidityUnitsArgs{
			IdToken: pulumi.String("minutes"), AccessToken: pulumi.String("minutes"),
			RefreshToken: pulumi.String("minutes"),
		},
	}
}

package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"dossier.example/plan/graph"
)

// The names of the user pool's parts, in the program.
const (
	poolName   = "dossier-staff-pool"
	userPool   = "aws:cognito/userPool:UserPool"
	poolClient = "aws:cognito/userPoolClient:UserPoolClient"
	poolPages  = "aws:cognito/userPoolDomain:UserPoolDomain"
	poolGroup  = "aws:cognito/userGroup:UserGroup"
	poolStyle  = "aws:cloudcontrol/resource:Resource"
)

// poolOf is a stack with a user pool, protected or not.
func poolOf(t *testing.T, protect bool) documented {
	t.Helper()
	d, err := recordStack("dev", map[string]any{"aws:region": "us-east-1", "dossier:settings": map[string]any{
		"protect": protect, "site": map[string]any{"domain": "files.example.org", "zoneId": "Z1"},
		"staff": map[string]any{"pool": true, "poolDomain": "example-files"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestStaffPool: where the settings ask for a user pool, nobody signs in without a second factor, makes an account, or
// is sent to another site. Where they do not, nothing of it is there.
func TestStaffPool(t *testing.T) {
	eachRecorded(t, func(t *testing.T, e documented) {
		if e.settings.Staff.Pool {
			return
		}
		for token, n := range e.graph.Counts() {
			if strings.HasPrefix(token, "aws:cognito/") || strings.HasPrefix(token, "aws:cloudcontrol/") {
				t.Errorf("without the setting there are %d %s", n, token)
			}
		}
		for _, p := range e.graph.ByType("aws:ssm/parameter:Parameter") {
			if name := graph.Text(p.Input("name")); strings.Contains(name, "/staff/") &&
				!strings.HasSuffix(name, "/staff/secret") {
				t.Errorf("without the setting there is the parameter %s", name)
			}
		}
	})
	for _, protect := range []bool{false, true} {
		g := poolOf(t, protect).graph
		pool, of := g.ByName(userPool, poolName), g.ByName(poolClient, poolName)
		if pool == nil || of == nil {
			t.Fatal("there is no pool, or no client")
		}
		protection := map[bool]string{true: "ACTIVE", false: "INACTIVE"}[protect]
		for _, c := range []struct {
			of   *graph.Resource
			path string
			want any
		}{
			{pool, "name", "dossier-dev-staff"},
			{pool, "mfaConfiguration", "ON"},
			{pool, "softwareTokenMfaConfiguration.enabled", true},
			{pool, "smsConfiguration", nil},
			{pool, "emailMfaConfiguration", nil},
			{pool, "deviceConfiguration", nil},
			{pool, "schemas", nil},
			{pool, "adminCreateUserConfig.allowAdminCreateUserOnly", true},
			{pool, "usernameAttributes", []any{"email"}},
			{pool, "usernameConfiguration.caseSensitive", false},
			{pool, "passwordPolicy.minimumLength", 15.0},
			{pool, "userPoolTier", "ESSENTIALS"},
			{pool, "deletionProtection", protection},
			{of, "generateSecret", true},
			{of, "allowedOauthFlowsUserPoolClient", true},
			{of, "allowedOauthFlows", []any{"code"}},
			{of, "callbackUrls", []any{"https://files.example.org/staff/sign-in/issuer/callback"}},
			{of, "logoutUrls", []any{"https://files.example.org/staff/sign-in"}},
			{of, "supportedIdentityProviders", []any{"COGNITO"}},
			{of, "preventUserExistenceErrors", "ENABLED"},
			{of, "enableTokenRevocation", true},
			{of, "userPoolId", pool.ID},
			{g.ByName(poolPages, poolName), "domain", "example-files"},
			{g.ByName(poolPages, poolName), "managedLoginVersion", 2.0},
			{g.ByName(poolPages, poolName), "userPoolId", pool.ID},
		} {
			if got := c.of.Input(c.path); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s has %s %#v, want %#v", c.of, c.path, got, c.want)
			}
		}
		if pool.Options.Protect != protect {
			t.Errorf("protected from Pulumi is %t, want %t", pool.Options.Protect, protect)
		}
		mail := graph.Text(pool.Input("adminCreateUserConfig.inviteMessageTemplate.emailMessage"))
		for _, part := range []string{"https://files.example.org/staff/sign-in ", "{username}", "{####}"} {
			if !strings.Contains(mail, part) {
				t.Errorf("an invitation says %q, without %q", mail, part)
			}
		}
		// Without a style the client has no pages.
		var state map[string]any
		look := g.ByName(poolStyle, poolName+"-style")
		if err := json.Unmarshal([]byte(graph.Text(look.Input("desiredState"))), &state); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"UserPoolId": pool.ID, "ClientId": of.ID, "UseCognitoProvidedValues": true}
		if graph.Text(look.Input("typeName")) != "AWS::Cognito::ManagedLoginBranding" ||
			!reflect.DeepEqual(state, want) {
			t.Errorf("the pages are %v as %v", look.Input("typeName"), state)
		}
	}
}

// TestStaffPoolRoles: the groups are called as the roles that the app gives for them, and the one that may do most
// counts first.
func TestStaffPoolRoles(t *testing.T) {
	g := poolOf(t, false).graph
	for i, role := range []string{"administrator", "editor", "viewer"} {
		r := g.ByName(poolGroup, poolName+"-"+role)
		if r == nil || graph.Text(r.Input("name")) != role || r.Input("precedence") != float64(i+1) ||
			r.Input("roleArn") != nil {
			t.Errorf("the group of the role %s is %+v", role, r)
		}
	}
	if n := len(g.ByType(poolGroup)); n != 3 {
		t.Errorf("there are %d groups, want 3", n)
	}
}

// TestStaffPoolReachesTheApp: the app is told which issuer there is, and what it is registered as; the secret stays
// one.
func TestStaffPoolReachesTheApp(t *testing.T) {
	e := poolOf(t, false)
	pool, of := e.graph.ByName(userPool, poolName), e.graph.ByName(poolClient, poolName)
	for name, want := range map[string]any{
		"issuer":        "https://cognito-idp.us-east-1.amazonaws.com/" + pool.ID,
		"issuer-name":   "Amazon Cognito",
		"issuer-only":   "false",
		"client-id":     of.ID,
		"client-secret": of.Output("clientSecret"),
		"role-claim":    "cognito:groups",
	} {
		p := e.graph.ByName("aws:ssm/parameter:Parameter", "dossier-parameters-staff-"+name)
		if p == nil {
			t.Errorf("there is no parameter %s", name)
			continue
		}
		kind := map[bool]string{true: "SecureString", false: "String"}[name == "client-secret"]
		if p.Input("name") != "/dossier/dev/staff/"+name || p.Input("type") != kind ||
			!reflect.DeepEqual(p.Input("value"), want) {
			t.Errorf("the parameter %v is a %v with %v, want %v", p.Input("name"), p.Input("type"), p.Input("value"),
				want)
		}
	}
	for _, leak := range e.graph.Leaks {
		t.Errorf("a secret stands in plain in %s of %s", leak.Property, leak.URN)
	}
}

// TestEngineStaffPool: a pool comes to a stack with a first deployment or later, its address and its name for this site
// may change, and it goes only where nothing protects it.
func TestEngineStaffPool(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	domain := values{"site.domain": "files.example.org", "site.zoneId": "Z0123456789ABCDEFGHIJ"}
	on := with(domain, values{"staff.pool": true, "staff.poolDomain": "example-files"})
	s := newStack(t, "dev", domain, fixed(t, "first release"))
	succeed(t, s.Up())
	parts := []string{
		userPool + " " + poolName, poolClient + " " + poolName, poolPages + " " + poolName,
		poolStyle + " " + poolName + "-style", poolGroup + " " + poolName + "-administrator",
		poolGroup + " " + poolName + "-editor", poolGroup + " " + poolName + "-viewer",
	}
	for _, name := range []string{"client-id", "client-secret", "issuer", "issuer-name", "issuer-only", "role-claim"} {
		parts = append(parts, "aws:ssm/parameter:Parameter dossier-parameters-staff-"+name)
	}
	change := func(to values, want ...string) {
		t.Helper()
		s.Configure(environment(t, "dev", to))
		s.Cloud.Forget()
		changes(t, s.Up(), want...)
	}
	all := func(verb string) []string {
		lines := []string{verb + " dossier:staff:Pool " + poolName, "update " + templateName, "replace " + rolloutName}
		for _, part := range parts {
			lines = append(lines, verb+" "+part)
		}
		return lines
	}
	change(on, all("create")...)
	order(t, s, "create "+parts[0], "create "+parts[1], "create "+parts[3])
	unchanged(t, "the run after it", s.Up())
	changes(t, s.Refresh(), "update "+groupName) // to the version that the rollout moved it to
	unchanged(t, "the run after a refresh", s.Up())

	change(with(on, values{"staff.poolDomain": "other-files"}), "replace "+poolPages+" "+poolName)
	order(t, s, "delete "+poolPages+" "+poolName, "create "+poolPages+" "+poolName)
	change(with(on, values{"staff.poolOnly": true}), "replace "+poolPages+" "+poolName,
		"update aws:ssm/parameter:Parameter dossier-parameters-staff-issuer-only", "update "+templateName,
		"replace "+rolloutName)
	change(domain, all("delete")...)
	order(t, s, "delete "+poolPages+" "+poolName, "delete "+userPool+" "+poolName)
	destroyed(t, s)
}

// TestEngineStaffPoolProtected: a protected pool is not deleted with its users, neither by a setting that is taken away
// nor by "pulumi destroy".
func TestEngineStaffPoolProtected(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	on := values{"staff.pool": true, "staff.poolDomain": "example-files"}
	s := newStack(t, "prod", on, fixed(t, "first release"))
	succeed(t, s.Up())
	s.Configure(environment(t, "prod", nil))
	if r := s.Up(); r.Err == nil || !strings.Contains(r.Err.Error(), "protected") {
		t.Errorf("without the setting, a protected pool ends with %v", r.Err)
	}
	if _, there := s.Cloud.Get(userPool, poolName); !there {
		t.Fatal("the pool is gone")
	}
	s.Configure(environment(t, "prod", on))
	succeed(t, s.Up())
	refusedToBeDestroyedBut(t, s, on, "update "+userPool+" "+poolName)
}

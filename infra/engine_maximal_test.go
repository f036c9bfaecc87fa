package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"dossier.example/plan/engine"
)

// maximal has everything that can be turned on, with the NAT instance.
var maximal = values{
	"network.zones": 4, "network.nat": "instance",
	"site.domain": "files.example.org", "site.zoneId": "Z0123456789ABCDEFGHIJ",
	"site.webAcl":        "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/dossier/01234567-89ab-cdef-0123-456789abcdef",
	"site.apiOrigins":    []any{"https://www.example.org", "http://localhost:3000"},
	"jump.operatorCIDRs": []any{"203.0.113.0/24", "198.51.100.7/32"},
	"observe.email":      "oncall@example.org",

	"storage.malwareProtection": true,

	"staff.pool": true, "staff.poolDomain": "example-files",
}

// remoteSchemaName is the schema command where operators may connect.
const remoteSchemaName = "command:remote:Command dossier-jump-schema"

// TestEngineMaximal is the life of a stack that has everything.
func TestEngineMaximal(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	s := newStack(t, "dev", maximal, fixed(t, "first release"))
	// What has to be waited for takes its time, so that what does not wait is seen to overtake it.
	for _, name := range []string{
		remoteSchemaName, databaseName, "aws:s3/bucketPolicy:BucketPolicy dossier-logs",
		"aws:ec2/eipAssociation:EipAssociation dossier-network-nat-instance",
	} {
		token, resource, _ := strings.Cut(name, " ")
		s.Cloud.Delay(engine.Create, token, resource, 700*time.Millisecond)
	}
	var said strings.Builder
	note := func(r engine.Result) engine.Result {
		t.Helper()
		said.WriteString(r.Said)
		return succeed(t, r)
	}
	preview, up := begins(t, s)
	said.WriteString(preview.Said + up.Said)
	t.Run("order", func(t *testing.T) { inOrder(t, s) })
	commands := s.Cloud.Commands()
	stays(t, s)

	s.Program(stack(fixed(t, "second release")))
	s.Configure(environment(t, "dev", with(maximal, values{"database.credentials": 2, "service.maxFileSize": "2GiB"})))
	s.Cloud.Forget()
	note(s.Preview())
	note(s.Up())
	note(s.Refresh())
	commands = append(commands, s.Cloud.Commands()...)
	t.Run("secrets", func(t *testing.T) {
		// Two passwords twice and that of the staff, each with its hash, two keys in three forms, two of which may be
		// one, and what the user pool knows this site by.
		keptSecret(t, s, 15, said.String(), commands)
		if !s.State().Outputs["jumpPrivateKey"].Secret {
			t.Error("the output jumpPrivateKey is not marked as secret")
		}
	})
	destroyed(t, s)
}

// inOrder asks the state, in which what waits for what does not depend on which call happened to be quicker; and then
// the calls.
func inOrder(t *testing.T, s *engine.Stack) {
	state := s.State()
	gateway, way := "aws:ec2/internetGateway:InternetGateway dossier-network",
		"aws:ec2/route:Route dossier-network-private-1"
	for _, c := range []struct{ name, waits, why string }{
		{groupName, remoteSchemaName, "an instance reads tables that the schema command makes"},
		{groupName, "aws:lb/listener:Listener dossier-site-https", "without a listener no target gets healthy"},
		{groupName, way, "an instance fetches its release by it"},
		{groupName, "aws:ec2/eipAssociation:EipAssociation dossier-network-nat-instance",
			"without an address the NAT forwards nothing"},
		{groupName, "aws:iam/rolePolicy:RolePolicy dossier-app", "without it the first calls are refused"},
		{groupName, "aws:ssm/parameter:Parameter dossier-parameters-db-password", "an instance reads it at its start"},
		{groupName, "aws:ssm/parameter:Parameter dossier-parameters-release",
			"the template's release is the one that it names"},
		{groupName, "aws:cloudwatch/logGroup:LogGroup dossier-app", "the agent would make one that is kept for ever"},
		{rolloutName, groupName, "there is nothing to roll out before"},
		{rolloutName, "aws:cloudwatch/metricAlarm:MetricAlarm dossier-observe-errors-app", "they send a rollout back"},
		{remoteSchemaName, databaseName, "it makes tables in it"},
		{remoteSchemaName, "aws:s3/bucketObjectv2:BucketObjectv2 dossier-storage-release", "it runs the program in it"},
		{remoteSchemaName, "aws:ssm/parameter:Parameter dossier-parameters-db-admin-password", "it signs in with it"},
		{remoteSchemaName, "aws:iam/rolePolicy:RolePolicy dossier-jump", "it reads with it"},
		{"aws:ec2/instance:Instance dossier-jump", gateway,
			"it has a public address, with which the gateway cannot go"},
		{"aws:ec2/instance:Instance dossier-jump", "aws:ec2/route:Route dossier-network-public",
			"it needs a way out at its start"},
		{"aws:ec2/instance:Instance dossier-jump", "aws:ssm/parameter:Parameter dossier-jump-jump-host-key",
			"it reads its host key at its start"},
		{"aws:ec2/instance:Instance dossier-network-nat-instance", gateway,
			"it has a public address, with which the gateway cannot go"},
		{"aws:ec2/instance:Instance dossier-network-nat-instance", "aws:ec2/route:Route dossier-network-public",
			"it installs packages at its start"},
		{"aws:lb/loadBalancer:LoadBalancer dossier-site", gateway, "a public load balancer needs one"},
		{"aws:lb/loadBalancer:LoadBalancer dossier-site", "aws:s3/bucketPolicy:BucketPolicy dossier-logs",
			"it writes a test object at once"},
		{"aws:lb/listener:Listener dossier-site-https",
			"aws:acm/certificateValidation:CertificateValidation dossier-site",
			"a certificate that is not valid is refused"},
		{"aws:acm/certificateValidation:CertificateValidation dossier-site",
			"aws:route53/record:Record dossier-site-proof", "else it waits for ever"},
		{databaseName, "aws:cloudwatch/logGroup:LogGroup dossier-database-error",
			"RDS would make one that is kept for ever"},
		{scanPlan + " " + scanRole, "aws:iam/rolePolicy:RolePolicy " + scanRole, "GuardDuty tries its role at once"},
		{groupName, scanPlan + " " + scanRole, "a file that comes before is never scanned"},
		{groupName, "aws:ssm/parameter:Parameter dossier-parameters-staff-client-secret",
			"an instance reads it at its start"},
		{"aws:s3/bucketLoggingV2:BucketLoggingV2 dossier-storage-files",
			"aws:s3/bucketPolicy:BucketPolicy dossier-logs", "S3 could not deliver"},
	} {
		waits, err := state.Waits(c.name, c.waits)
		if err != nil {
			t.Error(err)
		} else if !waits {
			t.Errorf("%s does not wait for %s, although %s", c.name, c.waits, c.why)
		}
	}
	order(t, s, "create "+databaseName, "create "+remoteSchemaName, "create "+groupName, "create "+rolloutName)
	order(t, s, "create aws:s3/bucketPolicy:BucketPolicy dossier-logs",
		"create aws:lb/loadBalancer:LoadBalancer dossier-site")
	order(t, s, "create aws:ec2/eipAssociation:EipAssociation dossier-network-nat-instance", "create "+groupName)
}

// keptSecret looks for what was generated as a secret, so many texts at least, in everything that is kept or printed,
// and in what reaches hosts and commands.
func keptSecret(t *testing.T, s *engine.Stack, least int, said string, commands []engine.Command) {
	secrets := s.Cloud.Secrets()
	if len(secrets) < least {
		t.Fatalf("only %d secrets were generated", len(secrets))
	}
	kept := s.Kept()
	if !strings.Contains(kept, "dossier-database") {
		t.Fatal("the state was not found")
	}
	for where, text := range map[string]string{"what is kept on disk": kept, "what the engine told": said} {
		for _, secret := range engine.Leaked(text, secrets) {
			t.Errorf("a secret, %s, stands in %s", secret, where)
		}
	}
	for name, output := range s.State().Outputs {
		text, err := json.Marshal(output.Value)
		if err != nil {
			t.Fatal(err)
		}
		if !output.Secret && len(engine.Leaked(string(text), secrets)) > 0 {
			t.Errorf("the output %s holds a secret and is not marked as one", name)
		}
	}

	// Secrets are where they belong, and nowhere else.
	holders := map[string]bool{}
	for _, r := range s.Cloud.Resources() {
		if len(engine.Leaked(plainText(t, r.Inputs), secrets)) == 0 {
			continue
		}
		kind := r.Inputs["type"]
		if r.Token == "aws:rds/instance:Instance" || r.Token == "aws:ssm/parameter:Parameter" && kind.IsString() &&
			kind.StringValue() == "SecureString" {
			holders[r.Token] = true
			continue
		}
		t.Errorf("%s %s holds a secret", r.Token, r.Name)
	}
	if len(holders) != 2 {
		t.Errorf("secrets should be in the database and in Parameter Store: %v", holders)
	}
	if len(commands) < 2 {
		t.Errorf("the schema and the rollout should have been commands: %+v", commands)
	}
	for _, c := range commands {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if len(engine.Leaked(string(text), secrets)) > 0 {
			t.Errorf("the command %s is given a secret", c.Name)
		}
	}
}

// plainText is all that the inputs hold, user-data decoded.
func plainText(t *testing.T, inputs resource.PropertyMap) string {
	t.Helper()
	text, err := json.Marshal(inputs.MapRepl(nil, func(v resource.PropertyValue) (any, bool) {
		if v.IsSecret() {
			return v.SecretValue().Element.Mappable(), true
		}
		return nil, false
	}))
	if err != nil {
		t.Fatal(err)
	}
	data := inputs["userData"]
	if !data.IsString() {
		return string(text)
	}
	if decoded, err := base64.StdEncoding.DecodeString(data.StringValue()); err == nil {
		return string(text) + string(decoded)
	}
	return string(text)
}

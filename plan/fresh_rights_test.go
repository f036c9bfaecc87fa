package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestFreshRights: statements that say more, or less, by a word that turns them round.
func TestFreshRights(t *testing.T) {
	const (
		bucketPolicy = "s3/bucketPolicy:BucketPolicy"
		who          = `"Principal":{"AWS":"arn:aws:iam::999999999999:root"},`
		rest         = `"Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"`
		trusted      = "a foreign principal trusted"
	)
	policy := func(list ...string) in { return in{"bucket": "a", "policy": statements(list...)} }
	foreign := func(condition string) in {
		return policy(`{"Effect":"Allow",` + who + rest + `,"Condition":` + condition + `}`)
	}
	trust := func(principal, condition string) in {
		return in{"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":` + principal +
			`,"Action":"sts:AssumeRole"` +
			condition + `}`)}
	}
	const service, other = `{"Service":"ec2.amazonaws.com"}`, `{"AWS":"arn:aws:iam::999999999999:root"}`
	for _, c := range []fresh{
		{"a condition only where there is a value", "IAM: condition_operators (IfExists)", bucketPolicy,
			foreign(`{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`),
			foreign(`{"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}`),
			Update, [][2]string{{exposes, "999999999999"}}},
		{"a condition wherever there is a value", "IAM: condition_operators (IfExists)", bucketPolicy,
			foreign(`{"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}`),
			foreign(`{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`),
			Update, [][2]string{{stops, "no longer allows"}}},
		{"all values, also of none", "IAM: multi-value-conditions (ForAllValues)", bucketPolicy,
			foreign(`{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}`),
			foreign(`{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}`),
			Update, [][2]string{{exposes, "999999999999"}, {stops, "no longer allows"}}},
		{"a second factor that need not be", "IAM: condition_operators_null", bucketPolicy,
			foreign(`{"Null":{"aws:MultiFactorAuthAge":"false"}}`), policy(`{"Effect":"Allow",` + who + rest + `}`),
			Update,
			[][2]string{{exposes, "999999999999"}}},
		{"everyone but one", "IAM: elements_notprincipal", bucketPolicy,
			policy(`{"Effect":"Allow",` + who + rest + `}`),
			policy(`{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:root"},` + rest + `}`), Update,
			[][2]string{{exposes, "everyone but"}, {stops, "no longer allows"}}},
		{"a Deny that spares more", "IAM: elements_notresource", bucketPolicy,
			policy(`{"Effect":"Deny","Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::a/public/*"}`),
			policy(`{"Effect":"Deny","Principal":"*","Action":"s3:*","NotResource":["arn:aws:s3:::a/public/*",` +
				`"arn:aws:s3:::a/b/*"]}`),
			Update, [][2]string{{"no longer denied", "everyone"}}},
		{"a Deny that allows", "IAM: elements_effect", bucketPolicy, policy(`{"Effect":"Deny",` + who + rest + `}`),
			policy(`{"Effect":"Allow",` + who + rest + `}`), Update, [][2]string{{exposes, "999999999999"},
				{"no longer denied", "s3:GetObject"}}},
		{"one account more", "IAM: elements_principal", "iam/role:Role", trust(service, ""), trust(
			`{"Service":"ec2.amazonaws.com","AWS":"arn:aws:iam::999999999999:root"}`, ""), Update,
			[][2]string{{trusted, "999999999999"}}},
		{"no external id", "IAM: id_roles_common-scenarios_third-party", "iam/role:Role",
			trust(other, `,"Condition":{"StringEquals":{"sts:ExternalId":"x"}}`), trust(other, ""), Update,
			[][2]string{{trusted, "999999999999"}}},
		{"another service", "IAM: elements_principal (services)", "iam/role:Role", trust(service, ""),
			trust(`{"Service":"lambda.amazonaws.com"}`, ""), Update,
			[][2]string{{stops, "ec2.amazonaws.com"}, {moreRights, "taken by `lambda.amazonaws.com` as well"}}},
		{"no boundary", "IAM: access_policies_boundaries", "iam/role:Role",
			in{"assumeRolePolicy": trust(service, "")["assumeRolePolicy"], "permissionsBoundary": "b"}, trust(service,
				""), Update,
			[][2]string{{weakens, "nothing bounds any longer"}}},
		{"a boundary", "IAM: access_policies_boundaries", "iam/role:Role", trust(service, ""),
			in{"assumeRolePolicy": trust(service, "")["assumeRolePolicy"], "permissionsBoundary": "b"}, Update,
			[][2]string{{stops, "bound"}}},
		{"a boundary in the place of an empty one", "IAM: access_policies_boundaries", "iam/role:Role",
			in{"assumeRolePolicy": trust(service, "")["assumeRolePolicy"], "permissionsBoundary": ""},
			in{"assumeRolePolicy": trust(service, "")["assumeRolePolicy"], "permissionsBoundary": "b"}, Update,
			[][2]string{{stops, "bound"}}},
		{"every branch, and every pull request", "GitHub: OIDC, subject claims", "iam/role:Role",
			trust(`{"Federated":"arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}`,
				`,"Condition":{"StringEquals":{"token.actions.githubusercontent.com:sub":`+
					`"repo:a/b:ref:refs/heads/main"}}`),
			trust(`{"Federated":"arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}`,
				`,"Condition":{"StringEquals":{"token.actions.githubusercontent.com:sub":[`+
					`"repo:a/b:ref:refs/heads/main","repo:a/b:pull_request"]}}`),
			Update, [][2]string{{trusted, "pull_request"}}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}

	allow := func(action, resource string) string {
		return `{"Effect":"Allow","Action":` + action + `,"Resource":` + resource + `}`
	}
	role := func(b *graphtest.Builder) { b.Add("iam/role:Role", "app", trust(service, "")) }
	for _, c := range []struct {
		name, source  string
		build, change func(b *graphtest.Builder)
		want          [][2]string
	}{
		{"all but one action", "IAM: elements_notaction", func(b *graphtest.Builder) {
			role(b)
			b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app", "policy": statements(read)})
		}, func(b *graphtest.Builder) {
			b.Set("aws:iam/rolePolicy:RolePolicy", "x", "policy",
				statements(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`))
		}, [][2]string{{"wide permission", "* but iam:*"}}},
		{"a policy apart, not within", "iam/role_policy_attachment.go", func(b *graphtest.Builder) {
			role(b)
			b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app", "policy": statements(read)})
		}, func(b *graphtest.Builder) {
			b.Remove("iam/rolePolicy:RolePolicy", "x")
			p := b.Add("iam/policy:Policy", "x", in{"policy": statements(read)})
			b.Add("iam/rolePolicyAttachment:RolePolicyAttachment", "x", in{"role": "role-app",
				"policyArn": p.Outputs["arn"]})
		}, nil},
		{"rights in the same words, in other statements", "IAM: elements_statement", func(b *graphtest.Builder) {
			role(b)
			b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app", "policy": statements(
				allow(`["s3:GetObject","iam:PassRole"]`, `["arn:aws:s3:::a/*","arn:aws:iam::123456789012:role/a"]`))})
		}, func(b *graphtest.Builder) {
			b.Set("aws:iam/rolePolicy:RolePolicy", "x", "policy", statements(
				allow(`"s3:GetObject"`, `["arn:aws:iam::123456789012:role/a","arn:aws:s3:::a/*"]`),
				allow(`"iam:PassRole"`, `["arn:aws:iam::123456789012:role/a","arn:aws:s3:::a/*"]`)))
		}, nil},
		{"another policy of AWS's", "IAM: policy PowerUserAccess", func(b *graphtest.Builder) {
			role(b)
			b.Add("iam/rolePolicyAttachment:RolePolicyAttachment", "x", in{"role": "role-app",
				"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"})
		}, func(b *graphtest.Builder) {
			b.Set("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "x", "policyArn",
				"arn:aws:iam::aws:policy/PowerUserAccess")
		}, [][2]string{{"wide permission", "PowerUserAccess"}, {stops, "ReadOnlyAccess"}}},
		{"a role for one, then for all", "IAM: id_roles_use_passrole", func(b *graphtest.Builder) {
			role(b)
			b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app",
				"policy": statements(allow(`"iam:PassRole"`,
					`"arn:aws:iam::123456789012:role/a"`))})
		}, func(b *graphtest.Builder) {
			b.Set("aws:iam/rolePolicy:RolePolicy", "x", "policy", statements(allow(`"iam:PassRole"`, `"*"`)))
		}, [][2]string{{moreRights, "`iam:PassRole` on `*`"}}},
		{"a key that goes while a bucket has it", "s3/bucket_server_side_encryption_configuration.go",
			func(b *graphtest.Builder) {
				k := b.Add("kms/key:Key", "k", in{})
				b.Add("s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "b",
					in{"bucket": "b",
						"rules": several(in{"applyServerSideEncryptionByDefault": in{"sseAlgorithm": "aws:kms",
							"kmsMasterKeyId": k.Outputs["arn"]}})})
			}, func(b *graphtest.Builder) {
				b.Remove("kms/key:Key", "k")
				b.Set("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "b",
					"rules",
					several(in{"applyServerSideEncryptionByDefault": in{"sseAlgorithm": "AES256"}}))
			}, [][2]string{{"data deleted", "only the key decrypts"}, {weakens, "by S3's own key"}}},
		{"the same rules, apart", "ec2/vpc_security_group.go: ingress is Computed; InvalidPermission.Duplicate",
			func(b *graphtest.Builder) {
				b.Add("ec2/securityGroup:SecurityGroup", "web", in{"vpcId": "v",
					"ingress": several(in{"protocol": "tcp",
						"fromPort": 443, "toPort": 443, "cidrBlocks": []string{"10.0.0.0/8"}})})
			}, func(b *graphtest.Builder) {
				b.Set("aws:ec2/securityGroup:SecurityGroup", "web", "ingress", nil)
				b.Add("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "web",
					in{"securityGroupId": "securitygroup-web",
						"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/8"})
			}, [][2]string{{refused, "already"}}},
		{"changes that are ignored from now on", "pulumi: ignoreChanges", func(b *graphtest.Builder) {
			b.Add("sqs/queue:Queue", "q", in{"name": "q"})
		}, func(b *graphtest.Builder) {
			b.Get("aws:sqs/queue:Queue", "q").Options.IgnoreChanges = []string{"policy"}
		}, [][2]string{{"options", "no longer made"}}},
		{"changes that are ignored no longer", "pulumi: ignoreChanges", func(b *graphtest.Builder) {
			b.Add("sqs/queue:Queue", "q", in{"name": "q"}).Options.IgnoreChanges = []string{"policy"}
		}, func(b *graphtest.Builder) {
			b.Get("aws:sqs/queue:Queue", "q").Options.IgnoreChanges = nil
		}, [][2]string{{"options", "by hand"}}},
		{"a queue that is kept", "pulumi: retainOnDelete, protect", func(b *graphtest.Builder) {
			b.Add("sqs/queue:Queue", "q", in{"name": "q"})
		}, func(b *graphtest.Builder) {
			o := &b.Get("aws:sqs/queue:Queue", "q").Options
			o.RetainOnDelete, o.Protect = true, true
		}, nil},
		{"a queue by another name, told", "pulumi: aliases", func(b *graphtest.Builder) {
			b.Add("sqs/queue:Queue", "old", in{"name": "q"})
		}, func(b *graphtest.Builder) {
			old := b.Get("aws:sqs/queue:Queue", "old").URN
			b.Remove("sqs/queue:Queue", "old")
			b.Add("sqs/queue:Queue", "new", in{"name": "q"}).Options.Aliases = []string{old}
		}, nil},
		{"a queue by another name, told wrongly", "pulumi: aliases", func(b *graphtest.Builder) {
			b.Add("sqs/queue:Queue", "old", in{})
		}, func(b *graphtest.Builder) {
			b.Remove("sqs/queue:Queue", "old")
			b.Add("sqs/queue:Queue", "new",
				in{}).Options.Aliases = []string{"urn:pulumi:test::test::aws:sqs/queue:Queue::older"}
		}, [][2]string{{"data deleted", "its messages"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, c.build, c.change)
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

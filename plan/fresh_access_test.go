package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestFreshAccess: changes of who may do what.
func TestFreshAccess(t *testing.T) {
	const provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
	signedIn := func(operator, sub string) string {
		condition := `"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}`
		if sub != "" && operator == "StringEquals" {
			condition = `"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com",` +
				`"token.actions.githubusercontent.com:sub":"` + sub + `"}`
		} else if sub != "" {
			condition += `,"` + operator + `":{"token.actions.githubusercontent.com:sub":"` + sub + `"}`
		}
		return statements(`{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},` +
			`"Action":"sts:AssumeRoleWithWebIdentity","Condition":{` + condition + `}}`)
	}
	everyone := func(action, condition string) string {
		return statements(`{"Effect":"Allow","Principal":"*","Action":"` + action + `","Resource":"*"` + condition +
			`}`)
	}
	const ours = `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`
	for _, c := range []fresh{
		{"any repository signs in", "IAM: id_roles_providers_create_oidc (sub)", "iam/role:Role",
			in{"assumeRolePolicy": signedIn("StringEquals", "repo:a/b:ref:refs/heads/main")},
			in{"assumeRolePolicy": signedIn("", "")}, Update,
			[][2]string{{"a foreign principal trusted", "whoever signs in by"}}},
		{"any branch signs in", "IAM: id_roles_providers_create_oidc (sub)", "iam/role:Role",
			in{"assumeRolePolicy": signedIn("StringEquals", "repo:a/b:ref:refs/heads/main")},
			in{"assumeRolePolicy": signedIn("StringLike", "repo:a/*")},
			Update, [][2]string{{"a foreign principal trusted", "repo:a/*"}}},
		{"another audience", "iam/openid_connect_provider.go", "iam/openIdConnectProvider:OpenIdConnectProvider",
			in{"url": "u", "clientIdLists": []string{"a"}, "thumbprintLists": []string{"1"}},
			in{"url": "u", "clientIdLists": []string{"a", "b"}, "thumbprintLists": []string{"2"}}, Update,
			[][2]string{{exposes, "tokens for `b`"}, {weakens, "certificate"}, {"may be replaced", "`clientIdLists`"}}},
		{"nobody signs in by it", "iam/openid_connect_provider.go", "iam/openIdConnectProvider:OpenIdConnectProvider",
			in{"url": "u"}, nil, Delete,
			[][2]string{{stops, "sign"}}},
		{"a policy of AWS's for a group", "IAM: policy AdministratorAccess",
			"iam/groupPolicyAttachment:GroupPolicyAttachment", nil,
			in{"group": "g", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, Create,
			[][2]string{{"more rights", "AdministratorAccess"}}},
		{"a policy of AWS's for a user", "IAM: policy AdministratorAccess",
			"iam/userPolicyAttachment:UserPolicyAttachment", nil,
			in{"user": "u", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, Create,
			[][2]string{{"more rights", "AdministratorAccess"}}},
		{"a user joins a group", "iam/user_group_membership.go", "iam/userGroupMembership:UserGroupMembership",
			in{"user": "u", "groups": []string{"a"}},
			in{"user": "u", "groups": []string{"a", "admins"}}, Update, [][2]string{{"more rights", "admins"}}},
		{"short passwords", "IAM: API_UpdateAccountPasswordPolicy", "iam/accountPasswordPolicy:AccountPasswordPolicy",
			in{"minimumPasswordLength": 14},
			in{"minimumPasswordLength": 8}, Update, [][2]string{{weakens, "8 characters instead of 14"}}},
		{"a role's order", "iam/role.go: force_detach_policies", "iam/role:Role",
			in{"assumeRolePolicy": signedIn("", "")},
			in{"assumeRolePolicy": signedIn("", ""), "forceDetachPolicies": true}, Update, nil},
		{"everyone, not the organization", "IAM: aws:PrincipalOrgID", "sqs/queue:Queue",
			in{"policy": everyone("sqs:SendMessage", ours)},
			in{"policy": everyone("sqs:SendMessage", "")}, Update, [][2]string{{exposes, "everyone"}}},
		{"events of everyone", "EventBridge: eb-event-bus-perms", "cloudwatch/eventBusPolicy:EventBusPolicy",
			in{"policy": everyone("events:PutEvents", ours)},
			in{"policy": everyone("events:PutEvents", "")}, Update, [][2]string{{exposes, "everyone"}}},
		{"a private API for everyone", "API Gateway: apigateway-resource-policies", "apigateway/restApi:RestApi",
			in{"policy": everyone("execute-api:Invoke", `,"Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`)},
			in{"policy": everyone("execute-api:Invoke", "")}, Update, [][2]string{{exposes, "everyone"}}},
		{"an API that needs no network", "apigateway/rest_api.go: endpoint_configuration", "apigateway/restApi:RestApi",
			in{"endpointConfiguration": in{"types": "PRIVATE"}}, in{"endpointConfiguration": in{"types": "REGIONAL"}},
			Update, [][2]string{{exposes, "internet"}}},
		{"a queue for whoever", "sqs/queue_policy.go", "sqs/queuePolicy:QueuePolicy", nil,
			in{"queueUrl": "theirs", "policy": everyone("sqs:SendMessage", "")}, Create,
			[][2]string{{exposes, "everyone"}}},
		{"a layer for everyone", "lambda/layer_version_permission.go",
			"lambda/layerVersionPermission:LayerVersionPermission", nil,
			in{"layerName": "l", "principal": "*", "action": "lambda:GetLayerVersion"}, Create,
			[][2]string{{exposes, "everyone"}}},
		{"a snapshot for others", "ec2/ebs_snapshot_create_volume_permission.go",
			"ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission", nil,
			in{"snapshotId": "s", "accountId": "999999999999"}, Create, [][2]string{{exposes, "999999999999"}}},
		{"an image for all", "ec2/ec2_ami_launch_permission.go", "ec2/amiLaunchPermission:AmiLaunchPermission", nil,
			in{"imageId": "i", "group": "all"}, Create,
			[][2]string{{exposes, "everyone"}}},
		{"a key by another name", "KMS: kms-alias (UpdateAlias)", "kms/alias:Alias",
			in{"name": "alias/a", "targetKeyId": "k1"}, in{"name": "alias/a", "targetKeyId": "k2"},
			Update, [][2]string{{weakens, "another key"}}},
		{"rotated every seven years", "KMS: RotationPeriodInDays, 365 unless set", "kms/key:Key",
			in{"enableKeyRotation": true},
			in{"enableKeyRotation": true, "rotationPeriodInDays": 2560}, Update,
			[][2]string{{weakens, "2560 days instead of 365"}}},
		{"a key of many regions", "kms/key.go: ForceNew", "kms/key:Key", in{}, in{"multiRegion": true}, Replace,
			[][2]string{{"data replaced", "the key"}}},
		{"a secret that may be opened", "secretsmanager/secret_policy.go", "secretsmanager/secretPolicy:SecretPolicy",
			in{"secretArn": "s", "policy": statements(deny), "blockPublicPolicy": true},
			in{"secretArn": "s", "policy": statements(deny)}, Update,
			[][2]string{{weakens, "everyone"}}},
		{"guests", "Cognito: identity-pools (unauthenticated)", "cognito/identityPool:IdentityPool",
			in{"allowUnauthenticatedIdentities": false},
			in{"allowUnauthenticatedIdentities": true}, Update, [][2]string{{exposes, "sign"}}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}

	// Rights of a role that read or change what others keep.
	role := func(list ...string) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Add("iam/role:Role", "app", in{"assumeRolePolicy": statements(
				`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`)})
			b.Add("iam/rolePolicy:RolePolicy", "x", in{"role": "role-app", "policy": statements(list...)})
		}
	}
	allow := func(action, resource, condition string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"` + condition + `}`
	}
	for _, c := range []struct {
		name, was, is string
		want          [][2]string
	}{
		{"every secret", read, allow("secretsmanager:GetSecretValue", "*", ""),
			[][2]string{{"more rights", "`secretsmanager:GetSecretValue` on `*`"},
				{stops, "`s3:GetObject`"}}},
		{"one secret", read, allow("secretsmanager:GetSecretValue",
			"arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf", ""),
			[][2]string{{stops, "`s3:GetObject`"}}},
		{"every key", allow("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1", ""),
			allow("kms:Decrypt", "*", ""),
			[][2]string{{"more rights", "`kms:Decrypt` on `*`"}}},
		{"every bucket", read, allow("s3:GetObject", "arn:aws:s3:::*", ""),
			[][2]string{{"more rights", "`s3:GetObject` on `arn:aws:s3:::*`"}}},
		{"every table", allow("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:123456789012:table/a", ""),
			allow("dynamodb:PutItem", "*", ""),
			[][2]string{{"more rights", "`dynamodb:PutItem` on `*`"}}},
		{"what knows no resource", read,
			`{"Effect":"Allow","Action":["s3:GetObject","cloudwatch:PutMetricData"],"Resource":"arn:aws:s3:::a/*"},` +
				allow("ec2:DescribeInstances", "*", ""), nil},
		{"a role for any service", allow("iam:PassRole", "arn:aws:iam::123456789012:role/a",
			`,"Condition":{"StringEquals":{"iam:PassedToService":"ecs-tasks.amazonaws.com"}}`),
			allow("iam:PassRole", "arn:aws:iam::123456789012:role/a", ""),
			[][2]string{{"more rights", "`iam:PassRole`"}}},
		{"all resources but one", allow("s3:GetObject", "arn:aws:s3:::a/*", ""),
			`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::b/*"}`,
			[][2]string{{"more rights", "`* but arn:aws:s3:::b/*`"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, role(c.was), func(b *graphtest.Builder) {
				b.Set("aws:iam/rolePolicy:RolePolicy", "x", "policy", statements(c.is))
			})
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

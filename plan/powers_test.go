package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestPowers: rights that run code as somebody else, hand out data or let somebody in are told, also on one resource.
func TestPowers(t *testing.T) {
	for action, why := range map[string]string{
		"ssm:StartAutomationExecution":     "to run programs elsewhere",
		"cloudformation:CreateStack":       "to run programs elsewhere",
		"lambda:CreateFunction":            "to run programs elsewhere",
		"ecr:PutImage":                     "to run programs elsewhere",
		"rds:ModifyDBSnapshotAttribute":    "to hand out what others keep",
		"ebs:GetSnapshotBlock":             "to hand out what others keep",
		"cognito-idp:AdminSetUserPassword": "to let others in",
		"s3:BypassGovernanceRetention":     "to delete or stop",
		"sns:SetTopicAttributes":           "to widen rights",
		"ec2:ModifySecurityGroupRules":     "to let others in",
		"rds-db:connect":                   "to hand out what others keep",
		// by their names
		"ecr:PutRegistryPolicy":                    "to widen rights",
		"kinesis:PutResourcePolicy":                "to widen rights",
		"lakeformation:GrantPermissions":           "to widen rights",
		"lambda:AddLayerVersionPermission":         "to widen rights",
		"s3:PutObjectVersionAcl":                   "to widen rights",
		"s3:PutAccessPointPolicy":                  "to widen rights",
		"events:PutPermission":                     "to widen rights",
		"ssm:ModifyDocumentPermission":             "to widen rights",
		"elasticfilesystem:PutFileSystemPolicy":    "to widen rights",
		"logs:PutDestinationPolicy":                "to widen rights",
		"kafka:PutClusterPolicy":                   "to widen rights",
		"aoss:UpdateSecurityPolicy":                "to widen rights",
		"ram:CreateResourceShare":                  "to let others in",
		"ram:AssociateResourceShare":               "to let others in",
		"rolesanywhere:CreateTrustAnchor":          "to let others in",
		"appsync:CreateApiKey":                     "to let others in",
		"ec2:AcceptVpcPeeringConnection":           "to let others in",
		"cognito-idp:UpdateUserPoolClient":         "to let others in",
		"ram:GetResourceShares":                    "",
		"ram:DisassociateResourceShare":            "", // it takes rights
		"appsync:ListApiKeys":                      "",
		"lambda:RemovePermission":                  "", // it takes rights
		"application-autoscaling:PutScalingPolicy": "",
		"ecr:PutLifecyclePolicy":                   "",
		"cloudfront:CreateCachePolicy":             "",
		"autoscaling:PutScalingPolicy":             "",
		"logs:StopQuery":                           "", // AWS counts it as reading
		"ebs:ListSnapshotBlocks":                   "",
		"rds:DescribeDBInstances":                  "",
		"ecr:BatchGetImage":                        "",
		"cognito-idp:AdminGetUser":                 "",
	} {
		t.Run(action, func(t *testing.T) {
			policy := func(actions string) in {
				return in{"role": "role-app", "policy": statements(`{"Effect":"Allow","Action":[` + actions +
					`"sqs:GetQueueUrl"],"Resource":"arn:aws:x:us-east-1:123456789012:one/a"}`)}
			}
			base, head := two(t, func(b *graphtest.Builder) {
				b.Add("iam/role:Role", "app", in{"assumeRolePolicy": statements(`{"Effect":"Allow","Principal":` +
					`{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`)})
				b.Add("iam/rolePolicy:RolePolicy", "x", policy(""))
			}, func(b *graphtest.Builder) {
				b.Set("iam/rolePolicy:RolePolicy", "x", "policy", policy(`"` + action + `",`)["policy"])
			})
			var want [][2]string
			if why != "" {
				want = [][2]string{{moreRights, why + ": `" + action + "`"}}
			}
			tells(t, between(base, head).Environments[0].Dangers, want)
		})
	}
}

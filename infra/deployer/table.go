package deployer

import "slices"

// What the provider calls for each type of resource, to create, read, change and delete it, with the inputs that the
// program gives. The files are those of https://github.com/hashicorp/terraform-provider-aws, version 5, on which
// Pulumi's provider is built. What no input of the program reaches is left out: to use more of a type may need another
// line here.

// ec2 returns the ARNs of EC2 resources of some types, whatever their ids.
func ec2(types ...string) []string {
	arns := make([]string, len(types))
	for i, t := range types {
		arns[i] = "arn:aws:ec2:{region}:{account}:" + t + "/*"
	}
	return arns
}

func ec2Made(types ...string) place { return made(ec2(types...)...) }
func ec2Ours(types ...string) place { return ours(ec2(types...)...) }

// ec2Creates are the actions that make something with tags. EC2 asks for CreateTags beside each
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html).
var ec2Creates = []string{
	"AllocateAddress", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateFlowLogs",
	"CreateInternetGateway", "CreateLaunchTemplate", "CreateNatGateway", "CreateRouteTable", "CreateSecurityGroup",
	"CreateSubnet", "CreateVpc", "CreateVpcEndpoint", "ImportKeyPair", "RunInstances",
}

// ec2Tags are the tags of a type: those that its creation brings, and later changes.
func ec2Tags(kind string) []grant {
	return []grant{
		on(ec2Made(kind).and("StringEquals", "ec2:CreateAction", ec2Creates...), "ec2:CreateTags"),
		on(ec2Ours(kind), "ec2:CreateTags", "ec2:DeleteTags"),
	}
}

// The names and patterns of what is not EC2's.
const (
	logsBucket     = "arn:aws:s3:::dossier-logs-*"
	filesBucket    = "arn:aws:s3:::dossier-storage-files-*"
	releasesBucket = "arn:aws:s3:::dossier-storage-releases-*"
	table          = "arn:aws:dynamodb:{region}:{account}:table/dossier-storage-files-*"
	database       = "arn:aws:rds:{region}:{account}:db:dossier-{stack}"
	finalSnapshot  = "arn:aws:rds:{region}:{account}:snapshot:dossier-{stack}-final-*"
	subnetGroup    = "arn:aws:rds:{region}:{account}:subgrp:dossier-database-*"
	parameterGroup = "arn:aws:rds:{region}:{account}:pg:dossier-database-*"
	optionGroup    = "arn:aws:rds:{region}:{account}:og:default:mysql-*"
	group          = "arn:aws:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/dossier-{stack}-app"
	balancer       = "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/dossier-site-*"
	targets        = "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/dossier-site-*"
	listeners      = "arn:aws:elasticloadbalancing:{region}:{account}:listener/app/dossier-site-*"
	parameters     = "arn:aws:ssm:{region}:{account}:parameter/dossier/{stack}/*"
	alarms         = "arn:aws:cloudwatch:{region}:{account}:alarm:dossier-observe-*"
	dashboard      = "arn:aws:cloudwatch::{account}:dashboard/dossier-{stack}"
	rule           = "arn:aws:events:{region}:{account}:rule/dossier-observe-*"
	topic          = "arn:aws:sns:{region}:{account}:dossier-observe-*"
	certificates   = "arn:aws:acm:{region}:{account}:certificate/*"
	hostedZone     = "arn:aws:route53:::hostedzone/{zone}"
	userPools      = "arn:aws:cognito-idp:{region}:{account}:userpool/*"
	plans          = "arn:aws:guardduty:{region}:{account}:malware-protection-plan/*"
	// That of package storage.
	scanService = "malware-protection-plan.guardduty.amazonaws.com"
	scanRule    = "arn:aws:events:{region}:{account}:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*"
)

var (
	allBuckets = []string{logsBucket, filesBucket, releasesBucket}
	appLogs    = "arn:aws:logs:{region}:{account}:log-group:/dossier/{stack}/*"
	rdsLogs    = "arn:aws:logs:{region}:{account}:log-group:/aws/rds/instance/dossier-{stack}/*"
	// Of hosts, and of GuardDuty.
	hostNames = []string{"dossier-app-*", "dossier-jump-*", "dossier-network-nat-instance-*"}
	scanRoles = iamARNs("role/", "dossier-storage-malware-*")
	hostRoles = iamARNs("role/", hostNames...)
	roles     = slices.Concat(hostRoles, scanRoles)
	profiles  = iamARNs("instance-profile/", hostNames...)
	bounded   = exactly(roles...).and("StringEquals", "iam:PermissionsBoundary", "{boundary}")
	// passing is what gives a role to instances, by a profile, a launch template or themselves. IAM does not tell the
	// tags of a role that is passed (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html).
	passing = on(exactly(hostRoles...).and("StringEquals", "iam:PassedToService", "ec2.amazonaws.com"), "iam:PassRole")
	// launching is what a launch needs of all that it uses. Volumes and network interfaces get no tags of the stack
	// from every launch; the instance, the subnet and the groups have to have them, and no launch is without these.
	launching = []grant{
		on(ec2Made("instance"), "ec2:RunInstances"),
		on(ec2Ours("subnet", "security-group", "key-pair", "launch-template"), "ec2:RunInstances"),
		on(place{arns: []string{"arn:aws:ec2:{region}::image/*"}}.and("StringEquals", "ec2:Owner", "amazon"),
			"ec2:RunInstances"),
		on(exactly(ec2("volume", "network-interface")...), "ec2:RunInstances"),
		on(exactly(ec2("instance", "volume", "network-interface")...).and("StringEquals", "ec2:CreateAction",
			"RunInstances"), "ec2:CreateTags"),
		passing,
	}
)

func iamARNs(kind string, names ...string) []string {
	arns := make([]string, len(names))
	for i, n := range names {
		arns[i] = "arn:aws:iam::{account}:" + kind + n
	}
	return arns
}

// resources is what each type of resource needs, by its token.
var resources = []need{
	{"aws:acm/certificate:Certificate", "internal/service/acm/certificate.go", []grant{
		on(made("*").and("ForAllValues:StringEquals", "acm:DomainNames", "{domain}"), "acm:RequestCertificate"),
		on(needsZone(notOthers(certificates)), "acm:DescribeCertificate", "acm:ListTagsForCertificate"),
		on(needsZone(made(certificates).and("StringEqualsIfExists", resourceTag("Stack"), "{stack}")),
			"acm:AddTagsToCertificate"),
		on(needsZone(ours(certificates)), "acm:DeleteCertificate", "acm:RemoveTagsFromCertificate"),
	}},
	{"aws:acm/certificateValidation:CertificateValidation", "internal/service/acm/certificate_validation.go", []grant{
		on(needsZone(notOthers(certificates)), "acm:DescribeCertificate"),
	}},
	{"aws:autoscaling/group:Group", "internal/service/autoscaling/group.go", append([]grant{
		on(anywhere, "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities",
			"ec2:DescribeLaunchTemplateVersions"),
		on(exactly(group), "autoscaling:AttachTrafficSources", "autoscaling:CreateAutoScalingGroup",
			"autoscaling:CreateOrUpdateTags",
			"autoscaling:DeleteAutoScalingGroup", "autoscaling:DeleteTags", "autoscaling:DetachTrafficSources",
			"autoscaling:DisableMetricsCollection", "autoscaling:EnableMetricsCollection",
			"autoscaling:PutLifecycleHook",
			"autoscaling:UpdateAutoScalingGroup", "autoscaling:AttachLoadBalancerTargetGroups",
			"autoscaling:DetachLoadBalancerTargetGroups"),
	}, launching...)},
	{"aws:autoscaling/lifecycleHook:LifecycleHook", "internal/service/autoscaling/lifecycle_hook.go", []grant{
		on(anywhere, "autoscaling:DescribeLifecycleHooks"),
		on(exactly(group), "autoscaling:DeleteLifecycleHook", "autoscaling:PutLifecycleHook"),
	}},
	{"aws:autoscaling/policy:Policy", "internal/service/autoscaling/policy.go", []grant{
		on(anywhere, "autoscaling:DescribePolicies"),
		on(exactly(group), "autoscaling:DeletePolicy", "autoscaling:PutScalingPolicy"),
	}},
	{"aws:cloudcontrol/resource:Resource", "internal/service/cloudcontrol/resource.go", []grant{
		on(needsZone(anywhere), "cloudformation:CreateResource", "cloudformation:DeleteResource",
			"cloudformation:DescribeType", "cloudformation:GetResource", "cloudformation:GetResourceRequestStatus",
			"cloudformation:UpdateResource"),
		// What CloudFormation's own handlers of the one type that is made so call, with the caller's rights.
		on(needsZone(ours(userPools)), "cognito-idp:CreateManagedLoginBranding",
			"cognito-idp:DeleteManagedLoginBranding", "cognito-idp:DescribeManagedLoginBranding",
			"cognito-idp:UpdateManagedLoginBranding"),
	}},
	{"aws:cloudwatch/dashboard:Dashboard", "internal/service/cloudwatch/dashboard.go", []grant{
		on(exactly(dashboard), "cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"),
	}},
	{"aws:cloudwatch/eventRule:EventRule", "internal/service/events/rule.go", []grant{
		on(notOthers(rule), "events:DeleteRule", "events:DescribeRule", "events:ListTagsForResource", "events:PutRule",
			"events:TagResource",
			"events:UntagResource", "events:EnableRule", "events:DisableRule"),
	}},
	{"aws:cloudwatch/eventTarget:EventTarget", "internal/service/events/target.go", []grant{
		on(notOthers(rule), "events:ListTargetsByRule", "events:PutTargets", "events:RemoveTargets"),
	}},
	{"aws:cloudwatch/logGroup:LogGroup", "internal/service/logs/group.go", []grant{
		on(anywhere, "logs:DescribeLogGroups"),
		on(exactly(appLogs, rdsLogs), "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy",
			"logs:ListTagsForResource",
			"logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"),
	}},
	{"aws:cloudwatch/logMetricFilter:LogMetricFilter", "internal/service/logs/metric_filter.go", []grant{
		on(exactly(appLogs), "logs:DeleteMetricFilter", "logs:DescribeMetricFilters", "logs:PutMetricFilter"),
	}},
	{"aws:cloudwatch/metricAlarm:MetricAlarm", "internal/service/cloudwatch/metric_alarm.go", []grant{
		on(notOthers(alarms), "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource",
			"cloudwatch:PutMetricAlarm",
			"cloudwatch:TagResource", "cloudwatch:UntagResource"),
	}},
	{"aws:cognito/userGroup:UserGroup", "internal/service/cognitoidp/user_group.go", []grant{
		on(needsZone(ours(userPools)), "cognito-idp:CreateGroup", "cognito-idp:DeleteGroup", "cognito-idp:GetGroup",
			"cognito-idp:UpdateGroup"),
	}},
	{"aws:cognito/userPool:UserPool", "internal/service/cognitoidp/user_pool.go", []grant{
		on(needsZone(made("*")), "cognito-idp:CreateUserPool"),
		on(needsZone(made(userPools)), "cognito-idp:TagResource"),
		on(needsZone(ours(userPools)), "cognito-idp:DeleteUserPool", "cognito-idp:DescribeUserPool",
			"cognito-idp:GetUserPoolMfaConfig", "cognito-idp:ListTagsForResource", "cognito-idp:SetUserPoolMfaConfig",
			"cognito-idp:TagResource", "cognito-idp:UntagResource", "cognito-idp:UpdateUserPool"),
	}},
	{"aws:cognito/userPoolClient:UserPoolClient", "internal/service/cognitoidp/user_pool_client.go", []grant{
		on(needsZone(ours(userPools)), "cognito-idp:CreateUserPoolClient", "cognito-idp:DeleteUserPoolClient",
			"cognito-idp:DescribeUserPoolClient", "cognito-idp:UpdateUserPoolClient"),
	}},
	{"aws:cognito/userPoolDomain:UserPoolDomain", "internal/service/cognitoidp/user_pool_domain.go", []grant{
		on(needsZone(anywhere), "cognito-idp:DescribeUserPoolDomain"),
		on(needsZone(ours(userPools)), "cognito-idp:CreateUserPoolDomain", "cognito-idp:DeleteUserPoolDomain",
			"cognito-idp:UpdateUserPoolDomain"),
	}},
	{"aws:dynamodb/table:Table", "internal/service/dynamodb/table.go", []grant{
		on(notOthers(table), "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:DescribeContinuousBackups",
			"dynamodb:DescribeTable",
			"dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource", "dynamodb:TagResource",
			"dynamodb:UntagResource",
			"dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive"),
	}},
	{"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "internal/service/ec2/vpc_default_security_group.go", []grant{
		on(anywhere, "ec2:DescribeSecurityGroups", "ec2:DescribeSecurityGroupRules"),
		// AWS makes it with the VPC, without tags: the first ones make it the stack's.
		on(ec2Made("security-group").and("Null", resourceTag("Stack"), "true"), "ec2:CreateTags"),
		on(ec2Ours("security-group"), "ec2:CreateTags", "ec2:DeleteTags", "ec2:RevokeSecurityGroupEgress",
			"ec2:RevokeSecurityGroupIngress"),
	}},
	{"aws:ec2/eip:Eip", "internal/service/ec2/ec2_eip.go", append([]grant{
		on(anywhere, "ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute"),
		on(ec2Made("elastic-ip"), "ec2:AllocateAddress"),
		on(ec2Ours("elastic-ip"), "ec2:ReleaseAddress"),
	}, ec2Tags("elastic-ip")...)},
	{"aws:ec2/eipAssociation:EipAssociation", "internal/service/ec2/ec2_eip_association.go", []grant{
		on(anywhere, "ec2:DescribeAddresses"),
		on(ec2Ours("elastic-ip", "instance"), "ec2:AssociateAddress"),
		on(ec2Ours("elastic-ip"), "ec2:DisassociateAddress"),
		// That of an instance has no tags; the address has.
		on(exactly(ec2("network-interface")...), "ec2:AssociateAddress", "ec2:DisassociateAddress"),
	}},
	{"aws:ec2/flowLog:FlowLog", "internal/service/ec2/vpc_flow_log.go", append([]grant{
		on(anywhere, "ec2:DescribeFlowLogs"),
		on(ec2Made("vpc-flow-log"), "ec2:CreateFlowLogs"),
		on(ec2Ours("vpc"), "ec2:CreateFlowLogs"),
		on(ec2Ours("vpc-flow-log"), "ec2:DeleteFlowLogs"),
		// Of who makes one that goes to S3
		// (https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html).
		on(anywhere, "logs:CreateLogDelivery", "logs:DeleteLogDelivery"),
	}, ec2Tags("vpc-flow-log")...)},
	{"aws:ec2/instance:Instance", "internal/service/ec2/ec2_instance.go", append(append([]grant{
		on(anywhere, "ec2:DescribeIamInstanceProfileAssociations", "ec2:DescribeImages",
			"ec2:DescribeInstanceCreditSpecifications",
			"ec2:DescribeInstanceTypes", "ec2:DescribeInstances", "ec2:DescribeLaunchTemplates", "ec2:DescribeSubnets",
			"ec2:DescribeTags",
			"ec2:DescribeVolumes", "ec2:DescribeVpcs"),
		on(ec2Ours("instance"), "ec2:AssociateIamInstanceProfile", "ec2:CreateTags", "ec2:DeleteTags",
			"ec2:DescribeInstanceAttribute",
			"ec2:DisassociateIamInstanceProfile", "ec2:ModifyInstanceAttribute", "ec2:ModifyInstanceMetadataOptions",
			"ec2:ReplaceIamInstanceProfileAssociation", "ec2:StartInstances", "ec2:StopInstances",
			"ec2:TerminateInstances"),
		// A volume from before may have no other tag of the stack.
		on(exactly(ec2("volume")...).and("StringEquals", resourceTag("Name"), "dossier-{stack}-jump",
			"dossier-{stack}-nat-instance"), "ec2:CreateTags", "ec2:DeleteTags"),
	}, launching...), ec2Tags("instance")...)},
	{"aws:ec2/internetGateway:InternetGateway", "internal/service/ec2/vpc_internet_gateway.go", append([]grant{
		on(anywhere, "ec2:DescribeInternetGateways"),
		on(ec2Made("internet-gateway"), "ec2:CreateInternetGateway"),
		on(ec2Ours("internet-gateway", "vpc"), "ec2:AttachInternetGateway", "ec2:DetachInternetGateway"),
		on(ec2Ours("internet-gateway"), "ec2:DeleteInternetGateway"),
	}, ec2Tags("internet-gateway")...)},
	{"aws:ec2/keyPair:KeyPair", "internal/service/ec2/ec2_key_pair.go", append([]grant{
		on(anywhere, "ec2:DescribeKeyPairs"),
		on(ec2Made("key-pair"), "ec2:ImportKeyPair"),
		on(ec2Ours("key-pair"), "ec2:DeleteKeyPair"),
	}, ec2Tags("key-pair")...)},
	{"aws:ec2/launchTemplate:LaunchTemplate", "internal/service/ec2/ec2_launch_template.go", append([]grant{
		on(anywhere, "ec2:DescribeLaunchTemplateVersions", "ec2:DescribeLaunchTemplates"),
		on(ec2Made("launch-template"), "ec2:CreateLaunchTemplate"),
		on(ec2Ours("launch-template"), "ec2:CreateLaunchTemplateVersion", "ec2:DeleteLaunchTemplate",
			"ec2:ModifyLaunchTemplate"),
	}, ec2Tags("launch-template")...)},
	{"aws:ec2/natGateway:NatGateway", "internal/service/ec2/vpc_nat_gateway.go", append([]grant{
		on(anywhere, "ec2:DescribeNatGateways"),
		on(ec2Made("natgateway"), "ec2:CreateNatGateway"),
		on(ec2Ours("elastic-ip", "subnet", "vpc"), "ec2:CreateNatGateway"),
		on(ec2Ours("natgateway"), "ec2:DeleteNatGateway"),
	}, ec2Tags("natgateway")...)},
	{"aws:ec2/route:Route", "internal/service/ec2/vpc_route.go", []grant{
		on(anywhere, "ec2:DescribeRouteTables"),
		on(ec2Ours("route-table"), "ec2:CreateRoute", "ec2:DeleteRoute", "ec2:ReplaceRoute"),
	}},
	{"aws:ec2/routeTable:RouteTable", "internal/service/ec2/vpc_route_table.go", append([]grant{
		on(anywhere, "ec2:DescribeRouteTables"),
		on(ec2Made("route-table"), "ec2:CreateRouteTable"),
		on(ec2Ours("vpc"), "ec2:CreateRouteTable"),
		on(ec2Ours("route-table"), "ec2:DeleteRouteTable", "ec2:DisassociateRouteTable"),
	}, ec2Tags("route-table")...)},
	{"aws:ec2/routeTableAssociation:RouteTableAssociation", "internal/service/ec2/vpc_route_table_association.go",
		[]grant{
			on(anywhere, "ec2:DescribeRouteTables"),
			on(ec2Ours("route-table", "subnet"), "ec2:AssociateRouteTable", "ec2:DisassociateRouteTable",
				"ec2:ReplaceRouteTableAssociation"),
		}},
	{"aws:ec2/securityGroup:SecurityGroup", "internal/service/ec2/vpc_security_group.go", append([]grant{
		on(anywhere, "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups"),
		on(ec2Made("security-group"), "ec2:CreateSecurityGroup"),
		on(ec2Ours("vpc"), "ec2:CreateSecurityGroup"),
		on(ec2Ours("security-group"), "ec2:DeleteSecurityGroup", "ec2:RevokeSecurityGroupEgress",
			"ec2:RevokeSecurityGroupIngress"),
	}, ec2Tags("security-group")...)},
	{"aws:ec2/subnet:Subnet", "internal/service/ec2/vpc_subnet.go", append([]grant{
		on(anywhere, "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
		on(ec2Made("subnet"), "ec2:CreateSubnet"),
		on(ec2Ours("vpc"), "ec2:CreateSubnet"),
		on(ec2Ours("subnet"), "ec2:DeleteSubnet", "ec2:ModifySubnetAttribute"),
	}, ec2Tags("subnet")...)},
	{"aws:ec2/vpc:Vpc", "internal/service/ec2/vpc_.go", append([]grant{
		on(anywhere, "ec2:DescribeNetworkAcls", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups",
			"ec2:DescribeVpcs"),
		on(ec2Made("vpc"), "ec2:CreateVpc"),
		on(ec2Ours("vpc"), "ec2:DeleteVpc", "ec2:DescribeVpcAttribute", "ec2:ModifyVpcAttribute"),
	}, ec2Tags("vpc")...)},
	{"aws:ec2/vpcEndpoint:VpcEndpoint", "internal/service/ec2/vpc_endpoint.go", append([]grant{
		on(anywhere, "ec2:DescribePrefixLists", "ec2:DescribeVpcEndpoints"),
		on(ec2Made("vpc-endpoint"), "ec2:CreateVpcEndpoint"),
		on(ec2Ours("route-table", "vpc"), "ec2:CreateVpcEndpoint"),
		on(ec2Ours("vpc-endpoint"), "ec2:DeleteVpcEndpoints", "ec2:ModifyVpcEndpoint"),
		on(ec2Ours("route-table"), "ec2:ModifyVpcEndpoint"),
	}, ec2Tags("vpc-endpoint")...)},
	{"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan",
		"internal/service/guardduty/malware_protection_plan.go", []grant{
			on(made("*"), "guardduty:CreateMalwareProtectionPlan"),
			on(made(plans), "guardduty:TagResource"),
			on(ours(plans), "guardduty:DeleteMalwareProtectionPlan", "guardduty:GetMalwareProtectionPlan",
				"guardduty:ListTagsForResource", "guardduty:TagResource", "guardduty:UntagResource",
				"guardduty:UpdateMalwareProtectionPlan"),
			// As AWS's own policy has it:
			// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonGuardDutyFullAccess_v2.html.
			on(exactly(scanRoles...).and("StringEquals", "iam:PassedToService", scanService), "iam:PassRole"),
		}},
	{"aws:iam/instanceProfile:InstanceProfile", "internal/service/iam/instance_profile.go", []grant{
		on(exactly(hostRoles...), "iam:GetRole"),
		on(notOthers(profiles...), "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile",
			"iam:DeleteInstanceProfile", "iam:GetInstanceProfile",
			"iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:UntagInstanceProfile"),
		passing,
	}},
	{"aws:iam/role:Role", "internal/service/iam/role.go", []grant{
		on(exactly(roles...), "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
			"iam:ListInstanceProfilesForRole", "iam:ListRolePolicies"),
		on(bounded, "iam:CreateRole", "iam:DeleteRole", "iam:PutRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy"),
		on(notOthers(roles...), "iam:TagRole", "iam:UntagRole", "iam:UpdateRole", "iam:UpdateRoleDescription"),
		on(notOthers(profiles...), "iam:RemoveRoleFromInstanceProfile"),
	}},
	{"aws:iam/rolePolicy:RolePolicy", "internal/service/iam/role_policy.go", []grant{
		on(exactly(roles...), "iam:GetRolePolicy"),
		on(bounded, "iam:DeleteRolePolicy", "iam:PutRolePolicy"),
	}},
	{"aws:lb/listener:Listener", "internal/service/elbv2/listener.go", []grant{
		on(anywhere, "elasticloadbalancing:DescribeListenerAttributes", "elasticloadbalancing:DescribeListeners",
			"elasticloadbalancing:DescribeTags"),
		on(ours(balancer), "elasticloadbalancing:CreateListener"),
		on(made(listeners).and("StringEquals", "elasticloadbalancing:CreateAction", "CreateListener"),
			"elasticloadbalancing:AddTags"),
		on(ours(listeners), "elasticloadbalancing:AddTags", "elasticloadbalancing:DeleteListener",
			"elasticloadbalancing:ModifyListener",
			"elasticloadbalancing:ModifyListenerAttributes", "elasticloadbalancing:RemoveTags"),
	}},
	{"aws:lb/loadBalancer:LoadBalancer", "internal/service/elbv2/load_balancer.go", []grant{
		on(anywhere, "elasticloadbalancing:DescribeCapacityReservation",
			"elasticloadbalancing:DescribeLoadBalancerAttributes",
			"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags",
			"ec2:DescribeNetworkInterfaces"),
		on(made(balancer), "elasticloadbalancing:CreateLoadBalancer"),
		on(made(balancer).and("StringEquals", "elasticloadbalancing:CreateAction", "CreateLoadBalancer"),
			"elasticloadbalancing:AddTags"),
		on(ours(balancer), "elasticloadbalancing:AddTags", "elasticloadbalancing:DeleteLoadBalancer",
			"elasticloadbalancing:ModifyLoadBalancerAttributes",
			"elasticloadbalancing:RemoveTags", "elasticloadbalancing:SetSecurityGroups",
			"elasticloadbalancing:SetSubnets"),
	}},
	{"aws:lb/targetGroup:TargetGroup", "internal/service/elbv2/target_group.go", []grant{
		on(anywhere, "elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTargetGroupAttributes",
			"elasticloadbalancing:DescribeTargetGroups"),
		on(made(targets), "elasticloadbalancing:CreateTargetGroup"),
		on(made(targets).and("StringEquals", "elasticloadbalancing:CreateAction", "CreateTargetGroup"),
			"elasticloadbalancing:AddTags"),
		on(ours(targets), "elasticloadbalancing:AddTags", "elasticloadbalancing:DeleteTargetGroup",
			"elasticloadbalancing:ModifyTargetGroup",
			"elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:RemoveTags"),
	}},
	{"aws:rds/instance:Instance", "internal/service/rds/instance.go", []grant{
		on(exactly(database), "rds:AddTagsToResource", "rds:CreateDBInstance", "rds:DeleteDBInstance",
			"rds:ListTagsForResource", "rds:ModifyDBInstance",
			"rds:RebootDBInstance", "rds:RemoveTagsFromResource"),
		// It is asked for by the id that RDS gives it, with a filter.
		on(exactly("arn:aws:rds:{region}:{account}:db:*"), "rds:DescribeDBInstances"),
		on(notOthers(subnetGroup, parameterGroup), "rds:CreateDBInstance", "rds:ModifyDBInstance"),
		on(exactly(optionGroup), "rds:CreateDBInstance", "rds:ModifyDBInstance"),
		on(exactly(database, finalSnapshot), "rds:CreateDBSnapshot"),
		on(exactly(finalSnapshot), "rds:AddTagsToResource"),
	}},
	{"aws:rds/parameterGroup:ParameterGroup", "internal/service/rds/parameter_group.go", []grant{
		on(notOthers(parameterGroup), "rds:AddTagsToResource", "rds:CreateDBParameterGroup",
			"rds:DeleteDBParameterGroup", "rds:DescribeDBParameterGroups",
			"rds:DescribeDBParameters", "rds:ListTagsForResource", "rds:ModifyDBParameterGroup",
			"rds:RemoveTagsFromResource", "rds:ResetDBParameterGroup"),
	}},
	{"aws:rds/subnetGroup:SubnetGroup", "internal/service/rds/subnet_group.go", []grant{
		on(notOthers(subnetGroup), "rds:AddTagsToResource", "rds:CreateDBSubnetGroup", "rds:DeleteDBSubnetGroup",
			"rds:DescribeDBSubnetGroups",
			"rds:ListTagsForResource", "rds:ModifyDBSubnetGroup", "rds:RemoveTagsFromResource"),
	}},
	{"aws:route53/record:Record", "internal/service/route53/record.go", []grant{
		on(exactly(hostedZone), "route53:GetHostedZone", "route53:ListResourceRecordSets"),
		on(needsZone(exactly("arn:aws:route53:::change/*")), "route53:GetChange"),
		// The site's own name, and below it the one that proves the certificate.
		on(exactly(hostedZone).and("ForAllValues:StringLike", "route53:ChangeResourceRecordSetsNormalizedRecordNames",
			"{domain}", "_*.{domain}").
			and("ForAllValues:StringEquals", "route53:ChangeResourceRecordSetsRecordTypes", "A", "CNAME"),
			"route53:ChangeResourceRecordSets"),
	}},
	{"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2", "internal/service/s3/bucket_cors_configuration.go",
		[]grant{
			on(notOthers(filesBucket), "s3:GetBucketCORS", "s3:PutBucketCORS"),
		}},
	{"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
		"internal/service/s3/bucket_lifecycle_configuration.go", []grant{
			on(notOthers(allBuckets...), "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
		}},
	{"aws:s3/bucketLoggingV2:BucketLoggingV2", "internal/service/s3/bucket_logging.go", []grant{
		on(notOthers(filesBucket, releasesBucket), "s3:GetBucketLogging", "s3:PutBucketLogging"),
	}},
	{"aws:s3/bucketObjectv2:BucketObjectv2", "internal/service/s3/object.go", []grant{
		on(notOthers(releasesBucket), "s3:ListBucket", "s3:ListBucketVersions"),
		on(notOthers(releasesBucket+"/releases/*"), "s3:AbortMultipartUpload", "s3:DeleteObject",
			"s3:DeleteObjectVersion", "s3:GetObject",
			"s3:GetObjectTagging", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectTagging"),
	}},
	{"aws:s3/bucketOwnershipControls:BucketOwnershipControls", "internal/service/s3/bucket_ownership_controls.go",
		[]grant{
			on(notOthers(allBuckets...), "s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
		}},
	{"aws:s3/bucketPolicy:BucketPolicy", "internal/service/s3/bucket_policy.go", []grant{
		on(notOthers(allBuckets...), "s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"),
	}},
	{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "internal/service/s3/bucket_public_access_block.go",
		[]grant{
			on(notOthers(allBuckets...), "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
		}},
	{"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
		"internal/service/s3/bucket_server_side_encryption_configuration.go", []grant{
			on(notOthers(allBuckets...), "s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
		}},
	{"aws:s3/bucketV2:BucketV2", "internal/service/s3/bucket.go", []grant{
		// It is read whole, with what the program leaves alone.
		on(notOthers(allBuckets...), "s3:CreateBucket", "s3:DeleteBucket", "s3:GetAccelerateConfiguration",
			"s3:GetBucketAcl", "s3:GetBucketCORS",
			"s3:GetBucketLocation", "s3:GetBucketLogging", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketPolicy",
			"s3:GetBucketRequestPayment",
			"s3:GetBucketTagging", "s3:GetBucketVersioning", "s3:GetBucketWebsite", "s3:GetEncryptionConfiguration",
			"s3:GetLifecycleConfiguration",
			"s3:GetReplicationConfiguration", "s3:ListBucket", "s3:ListBucketVersions", "s3:PutBucketTagging"),
		// A bucket that may go is emptied first.
		on(notOthers(logsBucket+"/*", filesBucket+"/*", releasesBucket+"/*"), "s3:DeleteObject",
			"s3:DeleteObjectVersion"),
	}},
	{"aws:s3/bucketVersioningV2:BucketVersioningV2", "internal/service/s3/bucket_versioning.go", []grant{
		on(notOthers(filesBucket, releasesBucket), "s3:GetBucketVersioning", "s3:PutBucketVersioning"),
	}},
	{"aws:sns/topic:Topic", "internal/service/sns/topic.go", []grant{
		on(notOthers(topic), "sns:CreateTopic", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListTagsForResource",
			"sns:SetTopicAttributes",
			"sns:TagResource", "sns:UntagResource"),
	}},
	{"aws:sns/topicPolicy:TopicPolicy", "internal/service/sns/topic_policy.go", []grant{
		on(notOthers(topic), "sns:GetTopicAttributes", "sns:SetTopicAttributes"),
	}},
	{"aws:sns/topicSubscription:TopicSubscription", "internal/service/sns/topic_subscription.go", []grant{
		on(notOthers(topic), "sns:GetSubscriptionAttributes", "sns:ListSubscriptionsByTopic",
			"sns:SetSubscriptionAttributes", "sns:Subscribe", "sns:Unsubscribe"),
	}},
	{"aws:ssm/parameter:Parameter", "internal/service/ssm/parameter.go", []grant{
		on(anywhere, "ssm:DescribeParameters"),
		on(exactly(parameters), "ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParameters",
			"ssm:ListTagsForResource",
			"ssm:PutParameter", "ssm:RemoveTagsFromResource"),
	}},
	{"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
		"internal/service/ec2/vpc_security_group_egress_rule.go", append([]grant{
			on(anywhere, "ec2:DescribeSecurityGroupRules"),
			on(ec2Ours("security-group"), "ec2:AuthorizeSecurityGroupEgress", "ec2:ModifySecurityGroupRules",
				"ec2:RevokeSecurityGroupEgress"),
			on(ec2Made("security-group-rule"), "ec2:AuthorizeSecurityGroupEgress"),
			on(ec2Ours("security-group-rule"), "ec2:ModifySecurityGroupRules"),
		}, ec2Tags("security-group-rule")...)},
	{"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
		"internal/service/ec2/vpc_security_group_ingress_rule.go", append([]grant{
			on(anywhere, "ec2:DescribeSecurityGroupRules"),
			on(ec2Ours("security-group"), "ec2:AuthorizeSecurityGroupIngress", "ec2:ModifySecurityGroupRules",
				"ec2:RevokeSecurityGroupIngress"),
			on(ec2Made("security-group-rule"), "ec2:AuthorizeSecurityGroupIngress"),
			on(ec2Ours("security-group-rule"), "ec2:ModifySecurityGroupRules"),
		}, ec2Tags("security-group-rule")...)},
	{"aws:wafv2/webAclAssociation:WebAclAssociation", "internal/service/wafv2/web_acl_association.go", []grant{
		on(exactly("{webacl}"), "wafv2:AssociateWebACL", "wafv2:GetWebACL", "wafv2:GetWebACLForResource"),
		on(needsWebACL(exactly(balancer)), "wafv2:AssociateWebACL", "wafv2:DisassociateWebACL",
			"wafv2:GetWebACLForResource"),
		on(needsWebACL(anywhere), "elasticloadbalancing:SetWebACL"),
	}},
}

// needsZone and needsWebACL leave a place out for stacks that have none.
func needsZone(p place) place   { p.needs = "{zone}"; return p }
func needsWebACL(p place) place { p.needs = "{webacl}"; return p }

// denials hold whatever else the role is given. Who sets a bucket's policy could let itself in, and who may attach
// policies could widen its own.
var denials = []struct {
	sid     string
	on      place
	actions []string
}{
	{"NotPeoplesFiles", exactly(filesBucket + "/*"), []string{"s3:GetObject", "s3:GetObjectVersion"}},
	{"NotTheScansResults", exactly(filesBucket + "/*"), []string{
		"s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging",
	}},
	{"NotTheBoundary", exactly("{boundary}"), []string{
		"iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion",
	}},
	{"NotWithoutTheBoundary", exactly(roles...), []string{"iam:DeleteRolePermissionsBoundary"}},
	{"NotAnotherBoundary", exactly(roles...).and("StringNotEquals", "iam:PermissionsBoundary", "{boundary}"), []string{
		"iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
	}},
}

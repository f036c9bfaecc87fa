package deployer

// functions is what each function of the provider that the program calls needs, by its token.
var functions = []need{
	{"aws:ec2/getAmi:getAmi", "internal/service/ec2/ec2_ami_data_source.go", []grant{on(anywhere,
		"ec2:DescribeImages")}},
	{"aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
		"internal/service/ec2/ec2_instance_type_offerings_data_source.go", []grant{
			on(anywhere, "ec2:DescribeInstanceTypeOfferings"),
		}},
	{"aws:ec2/getSubnet:getSubnet", "internal/service/ec2/vpc_subnet_data_source.go", []grant{on(anywhere,
		"ec2:DescribeSubnets")}},
	{"aws:ec2/getSubnets:getSubnets", "internal/service/ec2/vpc_subnets_data_source.go", []grant{on(anywhere,
		"ec2:DescribeSubnets")}},
	{"aws:index/getAvailabilityZones:getAvailabilityZones",
		"internal/service/ec2/ec2_availability_zones_data_source.go", []grant{
			on(anywhere, "ec2:DescribeAvailabilityZones"),
		}},
	// It asks for the caller, which needs no permission.
	{"aws:index/getCallerIdentity:getCallerIdentity", "internal/service/sts/caller_identity_data_source.go", nil},
	// It asks nobody.
	{"aws:index/getRegion:getRegion", "internal/service/meta/region_data_source.go", nil},
	{"aws:rds/getOrderableDbInstance:getOrderableDbInstance", "internal/service/rds/orderable_instance_data_source.go",
		[]grant{
			on(anywhere, "rds:DescribeOrderableDBInstanceOptions"),
		}},
}

// linked are the roles that services of AWS act by, which the first use of an account makes.
var linked = []string{
	"arn:aws:iam::{account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
	"arn:aws:iam::{account}:role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing",
	"arn:aws:iam::{account}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS",
}

// commands is what each command needs that runs with the deployer's rights, by its folder.
var commands = []need{
	{"infra/cmd/prepare", "infra/prepare", []grant{
		on(exactly(linked...), "iam:GetRole"),
		on(exactly(linked...).and("StringEquals", "iam:AWSServiceName", "autoscaling.amazonaws.com",
			"elasticloadbalancing.amazonaws.com", "rds.amazonaws.com"),
			"iam:CreateServiceLinkedRole"),
		on(exactly(database), "rds:DescribeDBInstances"),
		on(exactly(rdsLogs), "logs:DeleteLogGroup"),
	}},
	{"infra/cmd/rollout", "infra/rollout", append([]grant{
		on(anywhere, "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeInstanceRefreshes",
			"autoscaling:DescribeScalingActivities",
			"elasticloadbalancing:DescribeTargetHealth"),
		on(exactly(group), "autoscaling:CancelInstanceRefresh", "autoscaling:RollbackInstanceRefresh",
			"autoscaling:StartInstanceRefresh",
			"autoscaling:UpdateAutoScalingGroup"),
		on(notOthers(alarms), "cloudwatch:DescribeAlarms"),
		// What is of no more use is deleted at the end.
		on(anywhere, "ec2:DescribeLaunchTemplateVersions"),
		on(ec2Ours("launch-template"), "ec2:DeleteLaunchTemplateVersions"),
		on(notOthers(releasesBucket), "s3:ListBucket"),
		on(notOthers(releasesBucket+"/releases/*"), "s3:DeleteObject"),
	}, launching...)},
	{"infra/cmd/runcommand", "infra/cmd/runcommand", []grant{
		on(anywhere, "ssm:CancelCommand", "ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation"),
		on(exactly("arn:aws:ssm:{region}::document/AWS-RunShellScript"), "ssm:SendCommand"),
		on(place{arns: ec2("instance")}.and("StringEquals", "ssm:resourceTag/Project", "dossier").and("StringEquals",
			"ssm:resourceTag/Stack", "{stack}"), "ssm:SendCommand"),
	}},
	// The program itself, before its first resource.
	{"infra/preflight", "infra/preflight", []grant{
		on(anywhere, "autoscaling:DescribeAutoScalingGroups", "ec2:DescribeAddresses", "ec2:DescribeAvailabilityZones",
			"ec2:DescribeImages", "ec2:DescribeInstanceTypeOfferings",
			"ec2:DescribeInstanceTypes", "ec2:DescribeInstances", "ec2:DescribeNatGateways", "ec2:DescribeRegions",
			"ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:GetEbsDefaultKmsKeyId",
			"freetier:GetAccountPlanState", "logs:DescribeLogGroups", "rds:DescribeOrderableDBInstanceOptions",
			"servicequotas:GetAWSDefaultServiceQuota", "ssm:DescribeParameters"),
		on(exactly("arn:aws:servicequotas:{region}:{account}:ec2/*", "arn:aws:servicequotas:{region}:{account}:vpc/*"),
			"servicequotas:GetServiceQuota"),
		on(exactly(database), "rds:DescribeDBInstances"),
		on(exactly(appLogs, rdsLogs), "logs:ListTagsForResource"),
		on(exactly(parameters), "ssm:GetParameter", "ssm:ListTagsForResource"),
		on(exactly(dashboard), "cloudwatch:GetDashboard"),
		on(exactly(linked...), "iam:GetRole"),
		on(exactly("arn:aws:iam::{account}:role/{role}"), "iam:SimulatePrincipalPolicy"),
		on(exactly(hostedZone), "route53:GetHostedZone", "route53:ListResourceRecordSets"),
	}},
}

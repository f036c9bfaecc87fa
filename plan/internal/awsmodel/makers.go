package awsmodel

import (
	"encoding/json"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// makers sets the id and the outputs of one type each. Outputs that nobody reads are left out. Ids, outputs and
// defaults are those of the provider's reference, on whose pages each type has an "Attribute Reference"; the form of
// ARNs is in AWS's Service Authorization Reference. Before the types of a service stand both.
var makers = map[string]func(*call){
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/vpc
	"aws:ec2/vpc:Vpc": func(c *call) {
		c.id = c.ec2ID("vpc")
		c.ec2("vpc/" + c.id)
		c.set("defaultSecurityGroupId", ec2ID("sg", "default", c.id))
		c.set("defaultNetworkAclId", ec2ID("acl", "default", c.id))
		c.set("defaultRouteTableId", ec2ID("rtb", "default", c.id))
		c.set("mainRouteTableId", ec2ID("rtb", "default", c.id))
		c.set("dhcpOptionsId", ec2ID("dopt", c.Account, c.Region))
		c.missing("instanceTenancy", "default")
		c.missing("enableDnsSupport", true)
		c.missing("enableDnsHostnames", false)
	},
	"aws:ec2/subnet:Subnet": func(c *call) {
		c.id = c.ec2ID("subnet")
		c.ec2("subnet/" + c.id)
		c.missing("mapPublicIpOnLaunch", false)
		c.missing("availabilityZone", c.Region+"a")
	},
	"aws:ec2/internetGateway:InternetGateway": func(c *call) {
		c.id = c.ec2ID("igw")
		c.ec2("internet-gateway/" + c.id)
	},
	"aws:ec2/eip:Eip": func(c *call) {
		c.id = c.ec2ID("eipalloc")
		c.ec2("elastic-ip/" + c.id)
		c.set("allocationId", c.id)
		c.set("publicIp", c.address())
		c.set("publicDns", "ec2-"+strings.ReplaceAll(c.address(), ".", "-")+".compute-1.amazonaws.com")
		c.missing("domain", "vpc")
	},
	"aws:ec2/eipAssociation:EipAssociation": func(c *call) {
		c.id = c.ec2ID("eipassoc")
		c.set("publicIp", c.address())
	},
	"aws:ec2/natGateway:NatGateway": func(c *call) {
		c.id = c.ec2ID("nat")
		c.set("publicIp", c.address())
		c.set("associationId", c.ec2ID("eipassoc"))
		c.set("networkInterfaceId", c.ec2ID("eni"))
		c.missing("connectivityType", "public")
	},
	"aws:ec2/routeTable:RouteTable": func(c *call) {
		c.id = c.ec2ID("rtb")
		c.ec2("route-table/" + c.id)
	},
	"aws:ec2/route:Route": func(c *call) {
		c.id = "r-" + c.get("routeTableId") + c.number("id", 10)
		c.set("origin", "CreateRoute")
		c.set("state", "active")
	},
	"aws:ec2/routeTableAssociation:RouteTableAssociation": func(c *call) { c.id = c.ec2ID("rtbassoc") },
	"aws:ec2/vpcEndpoint:VpcEndpoint": func(c *call) {
		c.id = c.ec2ID("vpce")
		c.ec2("vpc-endpoint/" + c.id)
		c.missing("vpcEndpointType", "Gateway")
		c.set("prefixListId", prefixList(c.Region, c.get("serviceName")))
		c.set("state", "available")
	},
	"aws:ec2/flowLog:FlowLog": func(c *call) {
		c.id = c.ec2ID("fl")
		c.ec2("vpc-flow-log/" + c.id)
		c.missing("maxAggregationInterval", 600)
		c.missing("logDestinationType", "cloud-watch-logs")
	},
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": func(c *call) {
		c.id = ec2ID("sg", "default", c.get("vpcId"))
		c.ec2("security-group/" + c.id)
		c.set("name", "default")
		c.set("description", "default VPC security group")
	},
	"aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": func(c *call) {
		c.id = c.get("defaultNetworkAclId")
		c.ec2("network-acl/" + c.id)
	},
	"aws:ec2/defaultRouteTable:DefaultRouteTable": func(c *call) {
		c.id = c.get("defaultRouteTableId")
		c.ec2("route-table/" + c.id)
	},
	"aws:ec2/securityGroup:SecurityGroup": func(c *call) {
		c.id = c.ec2ID("sg")
		c.ec2("security-group/" + c.id)
		c.missing("description", "Managed by Pulumi")
	},
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": securityGroupRule,
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":   securityGroupRule,
	"aws:ec2/instance:Instance": func(c *call) {
		c.id = c.ec2ID("i")
		c.set("arn", c.arn("ec2", "instance/"+c.id))
		private := "10." + strings.TrimPrefix(c.address(), "198.")
		c.missing("privateIp", private)
		c.set("privateDns", "ip-"+strings.ReplaceAll(c.get("privateIp"), ".", "-")+".ec2.internal")
		public := ""
		if asks := Plain(c.in["associatePublicIpAddress"]); asks.IsBool() && asks.BoolValue() {
			public = c.address()
		}
		c.set("publicIp", public)
		c.set("publicDns", "")
		if public != "" {
			c.set("publicDns", "ec2-"+strings.ReplaceAll(public, ".", "-")+".compute-1.amazonaws.com")
		}
		c.set("primaryNetworkInterfaceId", c.ec2ID("eni"))
		c.set("instanceState", "running")
		c.missing("availabilityZone", c.Region+"a")
		c.missing("sourceDestCheck", true)
	},
	"aws:ec2/launchTemplate:LaunchTemplate": func(c *call) {
		c.id = c.ec2ID("lt")
		c.set("arn", c.arn("ec2", "launch-template/"+c.id))
		c.set("latestVersion", 1)
		c.missing("defaultVersion", 1)
	},
	"aws:ec2/keyPair:KeyPair": func(c *call) {
		c.set("arn", c.arn("ec2", "key-pair/"+c.named("keyName")))
		c.set("keyPairId", c.ec2ID("key"))
		c.set("keyType", "ed25519")
		c.set("fingerprint", c.hex("fingerprint", 43))
	},

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/lb
	"aws:lb/loadBalancer:LoadBalancer": func(c *call) {
		suffix := map[string]string{"network": "net", "gateway": "gwy"}[c.get("loadBalancerType")]
		if suffix == "" {
			suffix = "app"
		}
		suffix += "/" + c.get("name") + "/" + c.hex("id", 16)
		c.id = c.arn("elasticloadbalancing", "loadbalancer/"+suffix)
		c.set("arn", c.id)
		c.set("arnSuffix", suffix)
		internal := ""
		if v := Plain(c.in["internal"]); v.IsBool() && v.BoolValue() {
			internal = "internal-"
		}
		c.set("dnsName", internal+c.get("name")+"-"+c.number("dns", 10)+"."+c.Region+".elb.amazonaws.com")
		c.set("zoneId", "Z35SXDOTRQ7X7K") // that of load balancers in us-east-1
		c.missing("loadBalancerType", "application")
		c.missing("ipAddressType", "ipv4")
		c.missing("idleTimeout", 60)
	},
	"aws:lb/targetGroup:TargetGroup": func(c *call) {
		suffix := "targetgroup/" + c.get("name") + "/" + c.hex("id", 16)
		c.id = c.arn("elasticloadbalancing", suffix)
		c.set("arn", c.id)
		c.set("arnSuffix", suffix)
		c.missing("targetType", "instance")
		c.missing("deregistrationDelay", 300)
	},
	"aws:lb/listener:Listener":         func(c *call) { c.belowARN("loadBalancerArn", ":loadbalancer/", ":listener/") },
	"aws:lb/listenerRule:ListenerRule": func(c *call) { c.belowARN("listenerArn", ":listener/", ":listener-rule/") },

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/autoscaling_group
	"aws:autoscaling/group:Group": func(c *call) {
		name := c.named("name")
		c.set("arn", c.arn("autoscaling", "autoScalingGroup:"+c.uuid("id")+":autoScalingGroupName/"+name))
		c.missing("desiredCapacity", c.out["minSize"])
		c.missing("healthCheckGracePeriod", 300)
		c.missing("healthCheckType", "EC2")
		c.missing("defaultCooldown", 300)
	},
	"aws:autoscaling/policy:Policy": func(c *call) {
		name := c.named("name")
		c.set("arn", c.arn("autoscaling", "scalingPolicy:"+c.uuid("id")+":autoScalingGroupName/"+c.get("autoscalingGroupName")+":policyName/"+name))
	},
	"aws:autoscaling/lifecycleHook:LifecycleHook": func(c *call) { c.named("name") },
	"aws:autoscaling/notification:Notification":   func(c *call) { c.id = c.get("topicArn") },

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/db_instance
	"aws:rds/instance:Instance": func(c *call) {
		c.id = "db-" + c.upper("id", 26)
		c.set("resourceId", c.id)
		c.set("arn", c.arn("rds", "db:"+c.get("identifier")))
		c.missing("port", 3306)
		c.set("address", c.get("identifier")+".c"+c.hex("account", 11)+"."+c.Region+".rds.amazonaws.com")
		if port := Plain(c.out["port"]); port.IsNumber() {
			c.set("endpoint", c.get("address")+":"+port.String())
		}
		c.set("hostedZoneId", "Z2R2ITUGPM61AM") // that of RDS in us-east-1
		c.set("status", "available")
		c.set("engineVersionActual", c.get("engineVersion"))
		c.missing("availabilityZone", c.Region+"a")
	},
	"aws:rds/subnetGroup:SubnetGroup": func(c *call) {
		c.set("arn", c.arn("rds", "subgrp:"+c.named("name")))
		c.missing("description", "Managed by Pulumi")
	},
	"aws:rds/parameterGroup:ParameterGroup": func(c *call) {
		c.set("arn", c.arn("rds", "pg:"+c.named("name")))
		c.missing("description", "Managed by Pulumi")
	},

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/s3_bucket
	"aws:s3/bucketV2:BucketV2": func(c *call) {
		name := c.named("bucket")
		c.set("arn", "arn:"+c.Partition()+":s3:::"+name)
		c.set("bucketDomainName", name+".s3.amazonaws.com")
		c.set("bucketRegionalDomainName", name+".s3."+c.Region+".amazonaws.com")
		c.set("hostedZoneId", "Z3AQBSTGFYJSTF") // that of S3 in us-east-1
		c.set("region", c.Region)
		c.missing("forceDestroy", false)
	},
	"aws:s3/bucketObjectv2:BucketObjectv2": func(c *call) {
		c.id = c.get("key")
		content := contentHash(c.out)
		c.set("arn", "arn:"+c.Partition()+":s3:::"+c.get("bucket")+"/"+c.id)
		c.set("etag", digest(32, content))
		c.set("versionId", digest(32, c.qualified, c.name, c.get("bucket"), c.id, content))
		c.missing("storageClass", "STANDARD")
		c.missing("serverSideEncryption", "AES256")
	},
	// The settings of a bucket are resources of their own, whose id is the bucket's name:
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/s3_bucket_versioning.
	"aws:s3/bucketAccelerateConfigurationV2:BucketAccelerateConfigurationV2":                     ofBucket,
	"aws:s3/bucketAclV2:BucketAclV2":                                                             ofBucket,
	"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2":                                 ofBucket,
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       ofBucket,
	"aws:s3/bucketLoggingV2:BucketLoggingV2":                                                     ofBucket,
	"aws:s3/bucketNotification:BucketNotification":                                               ofBucket,
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     ofBucket,
	"aws:s3/bucketPolicy:BucketPolicy":                                                           ofBucket,
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                                     ofBucket,
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": ofBucket,
	"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               ofBucket,

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/dynamodb_table
	"aws:dynamodb/table:Table": func(c *call) {
		c.set("arn", c.arn("dynamodb", "table/"+c.named("name")))
		c.missing("billingMode", "PROVISIONED")
	},

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonguardduty.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/guardduty_malware_protection_plan
	"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": func(c *call) {
		c.id = c.hex("id", 20)
		c.set("arn", c.arn("guardduty", "malware-protection-plan/"+c.id))
		c.set("createdAt", created)
		c.set("status", "ACTIVE")
	},

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncognitouserpools.html,
	// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserPoolType.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/cognito_user_pool
	"aws:cognito/userPool:UserPool": func(c *call) {
		c.id = c.Region + "_" + c.text(alphanumeric, "id", 9)
		c.set("arn", c.arn("cognito-idp", "userpool/"+c.id))
		c.set("endpoint", "cognito-idp."+c.Region+".amazonaws.com/"+c.id)
		c.set("creationDate", created)
		c.set("lastModifiedDate", created)
		c.missing("mfaConfiguration", "OFF")
		c.missing("deletionProtection", "INACTIVE")
		c.missing("userPoolTier", "ESSENTIALS")
	},
	"aws:cognito/userPoolClient:UserPoolClient": func(c *call) {
		c.id = c.text("abcdefghijklmnopqrstuvwxyz0123456789", "id", 26)
		if v := Plain(c.in["generateSecret"]); v.IsBool() && v.BoolValue() {
			secret := c.text("abcdefghijklmnopqrstuvwxyz0123456789", "secret", 52)
			c.out["clientSecret"] = resource.MakeSecret(resource.NewProperty(secret))
		}
	},
	"aws:cognito/userPoolDomain:UserPoolDomain": func(c *call) {
		c.named("domain")
		c.set("cloudfrontDistribution", "d"+c.hex("distribution", 13)+".cloudfront.net")
		c.missing("managedLoginVersion", 1)
	},
	"aws:cognito/userGroup:UserGroup": func(c *call) { c.id = c.get("userPoolId") + "/" + c.get("name") },
	// https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/cloudcontrolapi_resource
	"aws:cloudcontrol/resource:Resource": func(c *call) {
		var state struct {
			Pool string `json:"UserPoolId"`
		}
		_ = json.Unmarshal([]byte(c.get("desiredState")), &state) // other types have other identifiers
		c.id = state.Pool + "|" + c.uuid("id")
		c.set("properties", c.get("desiredState"))
	},

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html,
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/iam_role
	"aws:iam/role:Role": func(c *call) {
		c.set("arn", c.globalARN("iam", "role"+path(c)+c.named("name")))
		c.set("uniqueId", "AROA"+c.upper("unique", 17))
		c.set("createDate", created)
		c.missing("maxSessionDuration", 3600)
	},
	"aws:iam/rolePolicy:RolePolicy": func(c *call) { c.id = c.get("role") + ":" + c.get("name") },
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment": func(c *call) {
		c.id = c.get("role") + "-" + c.number("id", 20)
	},
	"aws:iam/policy:Policy": func(c *call) {
		c.id = c.globalARN("iam", "policy"+path(c)+c.get("name"))
		c.set("arn", c.id)
		c.set("policyId", "ANPA"+c.upper("unique", 17))
	},
	"aws:iam/instanceProfile:InstanceProfile": func(c *call) {
		c.set("arn", c.globalARN("iam", "instance-profile"+path(c)+c.named("name")))
		c.set("uniqueId", "AIPA"+c.upper("unique", 17))
		c.set("createDate", created)
	},

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/ssm_parameter
	"aws:ssm/parameter:Parameter": func(c *call) {
		name := c.named("name")
		c.set("arn", c.arn("ssm", "parameter/"+strings.TrimPrefix(name, "/")))
		c.set("version", 1)
		c.missing("tier", "Standard")
		c.missing("dataType", "text")
	},

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/route53_zone
	"aws:route53/zone:Zone": func(c *call) {
		c.id = "Z" + c.upper("id", 20)
		c.set("zoneId", c.id)
		c.set("arn", "arn:"+c.Partition()+":route53:::hostedzone/"+c.id)
		c.set("nameServers", []string{"ns-1.awsdns-00.com", "ns-2.awsdns-00.net", "ns-3.awsdns-00.org", "ns-4.awsdns-00.co.uk"})
	},
	"aws:route53/record:Record": func(c *call) {
		name := strings.TrimSuffix(c.get("name"), ".")
		c.id = c.get("zoneId") + "_" + name + "_" + c.get("type")
		c.set("fqdn", name)
	},

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscertificatemanager.html,
	// https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/acm_certificate
	"aws:acm/certificate:Certificate": func(c *call) {
		c.id = c.arn("acm", "certificate/"+c.uuid("id"))
		c.set("arn", c.id)
		c.set("status", "PENDING_VALIDATION")
		c.set("type", "AMAZON_ISSUED")
		domains := []string{c.get("domainName")}
		if more := Plain(c.in["subjectAlternativeNames"]); more.IsArray() {
			for _, v := range more.ArrayValue() {
				if domain := Text(v); domain != domains[0] {
					domains = append(domains, domain)
				}
			}
		}
		var options []any
		for _, domain := range domains {
			bare := strings.TrimPrefix(domain, "*.")
			options = append(options, map[string]any{
				"domainName":          domain,
				"resourceRecordName":  "_" + digest(32, "record", c.Account, bare) + "." + bare + ".",
				"resourceRecordType":  "CNAME",
				"resourceRecordValue": "_" + digest(32, "value", c.Account, bare) + "." + digest(10, bare) + ".acm-validations.aws.",
			})
		}
		c.set("domainValidationOptions", options)
	},
	"aws:acm/certificateValidation:CertificateValidation": func(c *call) { c.id = "2025-01-01 00:00:00 +0000 UTC" },

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html,
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html,
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/cloudwatch_log_group
	"aws:cloudwatch/logGroup:LogGroup": func(c *call) {
		c.set("arn", c.arn("logs", "log-group:"+c.named("name")))
		c.missing("retentionInDays", 0)
		c.missing("skipDestroy", false)
	},
	"aws:cloudwatch/logMetricFilter:LogMetricFilter": func(c *call) { c.named("name") },
	"aws:cloudwatch/queryDefinition:QueryDefinition": func(c *call) {
		c.id = c.uuid("id")
		c.set("queryDefinitionId", c.id)
	},
	"aws:cloudwatch/metricAlarm:MetricAlarm": func(c *call) {
		c.set("arn", c.arn("cloudwatch", "alarm:"+c.named("name")))
		c.missing("actionsEnabled", true)
		c.missing("treatMissingData", "missing")
	},
	"aws:cloudwatch/compositeAlarm:CompositeAlarm": func(c *call) {
		c.set("arn", c.arn("cloudwatch", "alarm:"+c.named("alarmName")))
	},
	"aws:cloudwatch/dashboard:Dashboard": func(c *call) {
		c.set("dashboardArn", c.globalARN("cloudwatch", "dashboard/"+c.named("dashboardName")))
	},
	"aws:cloudwatch/eventRule:EventRule": func(c *call) {
		c.set("arn", c.arn("events", "rule/"+c.named("name")))
		c.missing("eventBusName", "default")
	},
	"aws:cloudwatch/eventTarget:EventTarget": func(c *call) {
		c.missing("targetId", "terraform-"+c.number("id", 26))
		c.id = c.get("rule") + "-" + c.get("targetId")
	},

	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html,
	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/sns_topic
	"aws:sns/topic:Topic": func(c *call) {
		c.id = c.arn("sns", c.get("name"))
		c.set("arn", c.id)
		c.set("owner", c.Account)
	},
	"aws:sns/topicPolicy:TopicPolicy": func(c *call) {
		c.id = c.get("arn")
		c.set("owner", c.Account)
	},
	"aws:sns/topicSubscription:TopicSubscription": func(c *call) {
		c.id = c.get("topic") + ":" + c.uuid("id")
		c.set("arn", c.id)
		c.set("ownerId", c.Account)
		c.set("pendingConfirmation", c.get("protocol") == "email")
	},

	// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/wafv2_web_acl_association
	"aws:wafv2/webAclAssociation:WebAclAssociation": func(c *call) { c.id = c.get("webAclArn") + "," + c.get("resourceArn") },

	"command:local:Command":  command,
	"command:remote:Command": command,

	"random:index/randomPassword:RandomPassword": randomText,
	"random:index/randomString:RandomString":     randomText,
	"random:index/randomId:RandomId":             randomID,
	"tls:index/privateKey:PrivateKey":            privateKey,
}

// created is when everything was made.
const created = "2025-01-01T00:00:00Z"

// ec2 sets what most resources of a VPC have.
func (c *call) ec2(rest string) {
	c.set("arn", c.arn("ec2", rest))
	c.set("ownerId", c.Account)
}

// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/vpc_security_group_ingress_rule
func securityGroupRule(c *call) {
	c.id = c.ec2ID("sgr")
	c.set("securityGroupRuleId", c.id)
	c.set("arn", c.arn("ec2", "security-group-rule/"+c.id))
}

// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/s3_bucket_versioning: the id is the
// bucket's name.
func ofBucket(c *call) { c.named("bucket") }

// belowARN makes an ARN of the parent's, as Elastic Load Balancing does.
func (c *call) belowARN(parent, from, to string) {
	c.id = strings.Replace(c.get(parent), from, to, 1) + "/" + c.hex("id", 16)
	c.set("arn", c.id)
}

func path(c *call) string {
	c.missing("path", "/")
	return c.get("path")
}

// command answers for a command that prints nothing:
// https://www.pulumi.com/registry/packages/command/api-docs/local/command/.
func command(c *call) {
	c.id = "command" + c.hex("id", 20)
	c.set("stdout", "")
	c.set("stderr", "")
}

// contentHash stands for the bytes of an object.
func contentHash(out resource.PropertyMap) string {
	for _, key := range []resource.PropertyKey{"content", "contentBase64"} {
		if text := Text(out[key]); text != "" {
			return text
		}
	}
	switch source := Plain(out["source"]); {
	case source.IsAsset():
		return source.AssetValue().Hash
	case source.IsArchive():
		return source.ArchiveValue().Hash
	default:
		return Text(out["sourceHash"])
	}
}

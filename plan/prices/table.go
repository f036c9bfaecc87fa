// Package prices computes what an idle stack costs, line by line from list prices, and what usage adds.
// It works on the recorded resource graph, so the sum is of what the program really creates. Tests, the documentation's
// cost table and the plan import it.
//
// Nothing is free by default: a resource of a type that no rule knows, or one that is paid for by something that the
// table has no price for, is named in the bill beside the sum.
package prices

import "dossier.example/plan/graph"

// What the table below was taken from. It is no copy of AWS's price list: public pages that agreed with each other.
const (
	// Date is the month in which the prices were gathered.
	Date = "2026-11"
	// Region is the AWS region that they hold for, on demand, Linux, in US dollars without tax.
	Region = "us-east-1"
	// Hours is how many hours a month counts.
	Hours = 730
)

// instances and databases are per hour, by type and class.
func instances() map[string]float64 {
	return map[string]float64{"t4g.nano": 0.0042, "t4g.micro": 0.0084, "t4g.small": 0.0168, "t4g.medium": 0.0336}
}

func databases() map[string]float64 {
	return map[string]float64{"db.t4g.micro": 0.016, "db.t4g.small": 0.032, "db.t4g.medium": 0.065,
		"db.t4g.large": 0.129}
}

// Instance returns what an hour of an EC2 instance type costs; 0 if the table does not have it.
func Instance(of string) float64 { return instances()[of] }

// Database returns what an hour of an RDS class in one zone costs; 0 if the table does not have it.
func Database(class string) float64 { return databases()[class] }

const (
	gp3               = 0.08 // a GB and month, with 3,000 operations and 125 MB a second
	publicIPv4        = 0.005
	natGateway        = 0.045
	loadBalancer      = 0.0225
	interfaceEndpoint = 0.01  // in each zone
	databaseStorage   = 0.115 // a GB and month, of gp3
	hostedZone        = 0.50  // a month
	alarm             = 0.10  // a month
	freeAlarms        = 10    // of an account
	customMetric      = 0.30  // a month
	freeMetrics       = 10    // of an account
	// that detailed monitoring of an instance counts as:
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-detailed-monitoring.html
	instanceMetrics  = 7
	dashboard        = 3.00 // a month
	freeDashboards   = 3    // of an account
	customerKey      = 1.00 // a month, of KMS
	standbyInstances = 2    // Multi-AZ pays for two of everything
	trackingAlarms   = 2    // Auto Scaling makes two for each policy of target tracking, one for each direction
	freeInsights     = 7    // days that Performance Insights keeps for nothing
)

// Use is what one unit of use costs on top.
type Use struct {
	What  string
	Price float64
	Unit  string
	// of are the types that it is a use of; none: of any stack.
	of []string
}

// Applies reports whether a stack has what it is a use of.
func (u Use) Applies(g *graph.Graph) bool { return len(u.of) == 0 || len(g.ByType(u.of...)) > 0 }

// Uses is what costs by use, in the order of what a busy month usually spends.
func Uses() []Use {
	var (
		buckets  = []string{"aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"}
		balancer = []string{"aws:lb/loadBalancer:LoadBalancer"}
		nat      = []string{"aws:ec2/natGateway:NatGateway"}
		table    = []string{"aws:dynamodb/table:Table"}
		logs     = []string{"aws:cloudwatch/logGroup:LogGroup"}
		database = []string{"aws:rds/instance:Instance"}
		names    = []string{"aws:route53/record:Record"}
		scans    = []string{"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan"}
	)
	return []Use{
		{"Data out to the internet, beyond the account's 100 GB a month", 0.09, "GB", nil},
		{"Files in S3, old versions included", 0.023, "GB and month", buckets},
		{"Writing to S3: a file up to 5 MiB is one request, a larger one is one request per 5 MiB plus two", 0.005,
			"1,000 requests", buckets},
		{"Reading from S3", 0.0004, "1,000 requests", buckets},
		// https://aws.amazon.com/guardduty/pricing/, in its example of Malware Protection for S3
		{"With `storage.malwareProtection`: files that GuardDuty scans, beyond a new account's 1 GB a month", 0.09,
			"GB",
			scans},
		{"With `storage.malwareProtection`: files that GuardDuty scans, beyond a new account's 1,000 a month", 0.215,
			"1,000 files", scans},
		{"Load balancer capacity units", 0.008, "LCU-hour", balancer},
		{"NAT gateway, except for S3 and DynamoDB", 0.045, "GB", nat},
		{"DynamoDB writes: a file is eight, four to the table and four to its index", 0.625, "million of 1 KB", table},
		{"DynamoDB reads, strongly consistent", 0.125, "million of 4 KB", table},
		{"DynamoDB storage, after 25 GB", 0.25, "GB and month", table},
		{"DynamoDB point-in-time recovery", 0.20, "GB and month", table},
		{"Log ingestion", 0.50, "GB", logs},
		{"Log storage", 0.03, "GB and month", logs},
		{"Database storage that RDS adds automatically (Multi-AZ: twice)", databaseStorage, "GB and month", database},
		{"Database backups beyond the size of the database", 0.095, "GB and month", database},
		{"Route 53 queries for other than alias records", 0.40, "million", names},
		{"Data between zones, each way", 0.01, "GB", nil},
	}
}

// NotCounted is what the sums leave out.
func NotCounted() []string {
	return []string{
		"tax, support plans, savings plans, reserved capacity, and a new account's free tier",
		"CPU credits of t4g instances and classes beyond their baseline (they run in unlimited mode)",
		"the Route 53 hosted zone ($0.50 a month), which exists before the stack",
		"an AWS WAF web ACL ($5 a month, $1 for each rule, $0.60 for a million requests), which exists before the " +
			"stack",
		"instances beyond the group's minimum: those added under load, and the extra one during a rollout",
		"alarm emails",
		"usage, by the table below",
	}
}

// Free are the types of resources that nobody pays for by time, by the reason.
func Free() map[string][]string {
	return map[string][]string{
		"free of charge": {
			"aws:acm/certificate:Certificate", "aws:acm/certificateValidation:CertificateValidation",
			"aws:autoscaling/lifecycleHook:LifecycleHook",
			"aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget",
			"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "aws:ec2/eipAssociation:EipAssociation",
			"aws:ec2/internetGateway:InternetGateway", "aws:ec2/keyPair:KeyPair", "aws:ec2/route:Route",
			"aws:ec2/routeTable:RouteTable",
			"aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/securityGroup:SecurityGroup",
			"aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc",
			"aws:iam/instanceProfile:InstanceProfile", "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy",
			"aws:rds/parameterGroup:ParameterGroup", "aws:rds/subnetGroup:SubnetGroup", "aws:route53/record:Record",
			"aws:sns/topicPolicy:TopicPolicy",
			"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
			"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
			"aws:wafv2/webAclAssociation:WebAclAssociation",
		},
		"charged with what they belong to": {
			"aws:ec2/launchTemplate:LaunchTemplate", "aws:lb/listener:Listener", "aws:lb/targetGroup:TargetGroup",
			"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2",
			"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
			"aws:s3/bucketOwnershipControls:BucketOwnershipControls", "aws:s3/bucketPolicy:BucketPolicy",
			"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
			"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
			"aws:s3/bucketVersioningV2:BucketVersioningV2",
		},
		"billed by usage": {
			"aws:cloudwatch/logGroup:LogGroup", "aws:ec2/flowLog:FlowLog",
			"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan",
			"aws:s3/bucketLoggingV2:BucketLoggingV2", "aws:s3/bucketObjectv2:BucketObjectv2",
			"aws:s3/bucketV2:BucketV2",
			"aws:sns/topic:Topic", "aws:sns/topicSubscription:TopicSubscription",
		},
		"not in AWS": {
			"command:local:Command", "command:remote:Command",
			"random:index/randomId:RandomId", "random:index/randomPassword:RandomPassword",
			"tls:index/privateKey:PrivateKey",
		},
	}
}

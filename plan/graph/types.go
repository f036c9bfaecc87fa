package graph

import (
	"cmp"
	"slices"
	"strings"
)

// shared are the names of types that several services of AWS have, sorted. A test of package plan compares them with
// all types that it knows.
var shared = []string{
	"AccessPoint", "Account", "Alias", "ApiKey", "App", "Application", "Association", "Attachment", "Authorizer",
	"Bucket", "BucketPolicy", "ByteMatchSet", "CapacityReservation", "Certificate", "Channel", "Cluster",
	"ClusterEndpoint", "ClusterInstance", "ClusterParameterGroup", "ClusterSnapshot", "Configuration",
	"ConfigurationSet", "ConnectPeer", "Connection", "Connector", "CustomDomainAssociation", "Dashboard", "DataSet",
	"DataSource", "Database", "Deployment", "Device", "Directory", "Distribution", "Domain", "DomainName",
	"DomainPolicy", "DomainSamlOptions", "EmailIdentity", "Endpoint", "EndpointAccess", "Environment", "EventRule",
	"EventSubscription", "Fleet", "Framework", "Function", "Gateway", "GeoMatchSet", "GlobalCluster", "Graph",
	"Group", "GroupMembership", "Host", "Image", "Index", "Instance", "InstanceProfile", "Integration",
	"IntegrationResponse", "InvitationAccepter", "InviteAccepter", "IpSet", "Key", "KeyPair", "LifecyclePolicy",
	"Link", "Listener", "ListenerRule", "LoadBalancer", "LoggingConfiguration", "Member", "Model", "Namespace",
	"OrganizationAdminAccount", "OrganizationConfiguration", "ParameterGroup", "Permission", "Pipeline", "Plan",
	"Policy", "PolicyAttachment", "Profile", "Project", "Queue", "RateBasedRule", "RegexMatchSet", "RegexPatternSet",
	"Registry", "RegistryPolicy", "ReplicationConfiguration", "Repository", "RepositoryPolicy", "Resource",
	"ResourcePolicy", "ResourceSet", "RoleAssociation", "Route", "RouteTable", "RouteTableAssociation", "Rule",
	"RuleGroup", "Schedule", "ScheduledAction", "Schema", "SecurityConfiguration", "Service", "SizeConstraintSet",
	"Snapshot", "SnapshotCopy", "SqlInjectionMatchSet", "SshKey", "Stack", "Stage", "Stream", "SubnetGroup", "Table",
	"Tag", "TargetGroup", "TargetGroupAttachment", "Template", "Trigger", "UsageLimit", "User", "UserGroup",
	"UserProfile", "Vault", "Vocabulary", "VpcAttachment", "VpcConnection", "VpcEndpoint", "VpcLink", "WebAcl",
	"WebAclAssociation", "Webhook", "Workflow", "Workgroup", "Workspace", "XssMatchSet",
}

// Shared reports whether several services of AWS have a type of a name, so that it takes the service's to know which.
func Shared(name string) bool {
	_, is := slices.BinarySearch(shared, name)
	return is
}

// services are the names of services by the modules of types, as AWS writes them; of others the module stands for it.
var services = map[string]string{
	"acm": "ACM", "acmpca": "Private CA", "alb": "ELB", "amp": "Managed Prometheus", "amplify": "Amplify",
	"apigateway": "API Gateway", "apigatewayv2": "API Gateway v2", "appautoscaling": "Application Auto Scaling",
	"appconfig": "AppConfig", "appmesh": "App Mesh", "apprunner": "App Runner", "appstream": "AppStream",
	"appsync": "AppSync", "athena": "Athena", "autoscaling": "Auto Scaling", "backup": "Backup", "cfg": "Config",
	"cloudcontrol": "Cloud Control", "cloudformation": "CloudFormation", "cloudfront": "CloudFront",
	"cloudhsmv2": "CloudHSM", "cloudsearch": "CloudSearch", "cloudwatch": "CloudWatch",
	"codeartifact": "CodeArtifact", "codebuild": "CodeBuild", "codecommit": "CodeCommit", "codedeploy": "CodeDeploy",
	"codepipeline": "CodePipeline", "cognito": "Cognito", "connect": "Connect", "dax": "DAX",
	"detective": "Detective", "directconnect": "Direct Connect", "directoryservice": "Directory Service",
	"dlm": "DLM", "dms": "DMS", "docdb": "DocumentDB", "dsql": "Aurora DSQL", "dynamodb": "DynamoDB", "ebs": "EBS",
	"ec2": "EC2", "ec2clientvpn": "Client VPN", "ec2transitgateway": "Transit Gateway", "ecr": "ECR",
	"ecrpublic": "ECR Public", "ecs": "ECS", "efs": "EFS", "eks": "EKS", "elasticache": "ElastiCache",
	"elasticbeanstalk": "Elastic Beanstalk", "elasticsearch": "Elasticsearch", "elb": "Classic ELB", "emr": "EMR",
	"emrserverless": "EMR Serverless", "fms": "Firewall Manager", "gamelift": "GameLift", "glacier": "Glacier",
	"globalaccelerator": "Global Accelerator", "glue": "Glue", "grafana": "Managed Grafana",
	"guardduty": "GuardDuty", "iam": "IAM", "identitystore": "Identity Store", "imagebuilder": "Image Builder",
	"inspector2": "Inspector", "iot": "IoT", "kendra": "Kendra", "keyspaces": "Keyspaces", "kinesis": "Kinesis",
	"kinesisanalyticsv2": "Managed Flink", "kms": "KMS", "lakeformation": "Lake Formation", "lambda": "Lambda",
	"lb": "ELB", "licensemanager": "License Manager", "lightsail": "Lightsail", "macie2": "Macie",
	"memorydb": "MemoryDB", "mq": "MQ", "msk": "MSK", "mskconnect": "MSK Connect", "mwaa": "MWAA",
	"neptune": "Neptune", "networkfirewall": "Network Firewall", "networkmanager": "Network Manager",
	"opensearch": "OpenSearch", "opensearchingest": "OpenSearch Ingestion", "opsworks": "OpsWorks",
	"organizations": "Organizations", "pinpoint": "Pinpoint", "qldb": "QLDB", "quicksight": "QuickSight",
	"rds": "RDS", "redshift": "Redshift", "redshiftserverless": "Redshift Serverless",
	"resourceexplorer": "Resource Explorer", "resourcegroups": "Resource Groups", "rolesanywhere": "Roles Anywhere",
	"route53domains": "Route 53 Domains", "s3": "S3", "s3control": "S3 Control", "s3outposts": "S3 on Outposts",
	"s3tables": "S3 Tables", "sagemaker": "SageMaker", "scheduler": "EventBridge Scheduler",
	"schemas": "EventBridge Schemas", "securityhub": "Security Hub", "servicediscovery": "Cloud Map",
	"servicequotas": "Service Quotas", "ses": "SES", "sesv2": "SES v2", "sfn": "Step Functions", "sqs": "SQS",
	"ssm": "Systems Manager", "ssoadmin": "IAM Identity Center", "storagegateway": "Storage Gateway",
	"synthetics": "CloudWatch Synthetics", "timestreamwrite": "Timestream", "transfer": "Transfer Family",
	"verifiedaccess": "Verified Access", "verifiedpermissions": "Verified Permissions", "vpclattice": "VPC Lattice",
	"waf": "WAF Classic", "wafregional": "WAF Classic (regional)", "wafv2": "WAF", "workspaces": "WorkSpaces",
	"xray": "X-Ray",
}

// Type names a type for people: the last part of its token, after the service where several have one of that name, such
// as EC2 Instance.
func Type(token string) string {
	name := token[strings.LastIndexByte(token, ':')+1:]
	module, isAWS := strings.CutPrefix(token, "aws:")
	if !isAWS || !Shared(name) {
		return name
	}
	module = module[:strings.IndexAny(module+"/", "/:")]
	return cmp.Or(services[module], module) + " " + name
}

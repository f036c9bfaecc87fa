package permissions

import "fmt"

// Kind is what an action is on. It stands for the ARNs that the caller of Needs knows.
type Kind string

// The kinds, with the form of their ARNs.
const (
	// Bucket is arn:aws:s3:::BUCKET.
	Bucket Kind = "bucket"
	// Object is arn:aws:s3:::BUCKET/KEY.
	Object Kind = "object"
	// Source is the object that a copy is made of.
	Source Kind = "source object"
	// Table is arn:aws:dynamodb:REGION:ACCOUNT:table/NAME.
	Table Kind = "table"
	// Index is the ARN of its table with /index/NAME.
	Index Kind = "index"
	// Parameter is arn:aws:ssm:REGION:ACCOUNT:parameter/PATH.
	Parameter Kind = "parameter"
	// Document is arn:aws:ssm:REGION:ACCOUNT:document/NAME, without an account for those of AWS.
	Document Kind = "document"
	// Instance is arn:aws:ec2:REGION:ACCOUNT:instance/ID.
	Instance Kind = "instance"
	// LaunchTemplate is arn:aws:ec2:REGION:ACCOUNT:launch-template/ID.
	LaunchTemplate Kind = "launch template"
	// Key is a customer managed key, arn:aws:kms:REGION:ACCOUNT:key/ID.
	Key Kind = "key"
	// Group is arn:aws:autoscaling:REGION:ACCOUNT:autoScalingGroup:ID:autoScalingGroupName/NAME.
	Group Kind = "group"
	// LogGroup is arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*, with the colon and the star, whatever the reference's
	// table says (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html).
	LogGroup Kind = "log group"
	// LogStream is arn:aws:logs:REGION:ACCOUNT:log-group:NAME:log-stream:STREAM.
	LogStream Kind = "log stream"
	// Role is arn:aws:iam::ACCOUNT:role/NAME.
	Role Kind = "role"
	// Database is arn:aws:rds:REGION:ACCOUNT:db:NAME.
	Database Kind = "database"
	// Alarm is arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME.
	Alarm Kind = "alarm"
	// Dashboard is arn:aws:cloudwatch::ACCOUNT:dashboard/NAME.
	Dashboard Kind = "dashboard"
	// HostedZone is arn:aws:route53:::hostedzone/ID.
	HostedZone Kind = "hosted zone"
	// Quota is arn:aws:servicequotas:REGION:ACCOUNT:SERVICE/CODE.
	Quota Kind = "quota"
	// Any is "*": the action has no resource to name.
	Any Kind = "*"
)

// Condition is a circumstance under which an action is needed beside others. The caller of Needs says which hold.
type Condition string

const (
	// Always: no circumstance.
	Always Condition = ""
	// CustomerKey: what is read or written is encrypted with a customer managed key of KMS. The keys of AWS ask no
	// identity policy.
	CustomerKey Condition = "customer key"
	// TellAbsent: the program must know an absent object from one that it may not read: S3 answers 404 only to who may
	// list the bucket, and else 403 (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
	TellAbsent Condition = "tell absent"
)

// Action is an IAM action on a kind of resource.
type Action struct {
	Name string
	On   Kind
	If   Condition
}

// Actions returns what a call needs. The error names an operation that is not in the table: it is to be looked up in
// the Service Authorization Reference and added.
func Actions(c Call) ([]Action, error) {
	op, ok := operations[c.Service+"."+c.Operation]
	if !ok {
		return nil, fmt.Errorf("%s.%s is not in the table of operations: look up what it needs and add it", c.Service,
			c.Operation)
	}
	need := op.actions
	for _, r := range op.rules {
		if has(c.With, r.field) && r.instead != nil {
			need = r.instead
		}
	}
	need = append([]Action(nil), need...)
	for _, r := range op.rules {
		if has(c.With, r.field) {
			need = append(need, r.also...)
		}
	}
	return need, nil
}

// operationNeeds is what one operation needs.
type operationNeeds struct {
	actions []Action
	rules   []rule
}

// rule is what a field of the input changes.
type rule struct {
	field string
	// instead replaces the operation's actions; also is added to them.
	instead, also []Action
}

// The actions that several operations need.
var (
	listBucket = Action{"s3:ListBucket", Bucket, TellAbsent}
	decrypt    = Action{"kms:Decrypt", Key, CustomerKey}
	dataKey    = Action{"kms:GenerateDataKey", Key, CustomerKey}
)

// What an operation that creates an object needs for what it says of the object.
var objectRules = []rule{
	{field: "ACL", also: on(Object, "s3:PutObjectAcl")},
	{field: "GrantFullControl", also: on(Object, "s3:PutObjectAcl")},
	{field: "GrantRead", also: on(Object, "s3:PutObjectAcl")},
	{field: "GrantReadACP", also: on(Object, "s3:PutObjectAcl")},
	{field: "GrantWriteACP", also: on(Object, "s3:PutObjectAcl")},
	{field: "Tagging", also: on(Object, "s3:PutObjectTagging")},
	{field: "ObjectLockMode", also: on(Object, "s3:PutObjectRetention")},
	{field: "ObjectLockRetainUntilDate", also: on(Object, "s3:PutObjectRetention")},
	{field: "ObjectLockLegalHoldStatus", also: on(Object, "s3:PutObjectLegalHold")},
}

// A launch template brings these, for Auto Scaling checks that who chooses a version could launch it
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html).
var launch = append(on(Any, "ec2:RunInstances", "ec2:CreateTags"), Action{Name: "iam:PassRole", On: Role})

// operations is what each operation needs, by service and name. The sources are, for the actions and their resources,
// the Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html),
// and for what S3 needs under a condition "Required permissions for Amazon S3 API operations"
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html); for multipart uploads
// under a key of KMS https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions.
// Operations whose need depends on the parts of a list in their input (TransactWriteItems, DeleteObjects with versions)
// are left out until somebody uses one.
var operations = map[string]operationNeeds{
	"s3.AbortMultipartUpload": {actions: on(Object, "s3:AbortMultipartUpload")},
	// A checksum needs nothing: it is part of the object.
	"s3.CompleteMultipartUpload": {actions: plus(on(Object, "s3:PutObject"), decrypt)},
	"s3.CopyObject": {
		actions: plus(on(Object, "s3:PutObject"), Action{Name: "s3:GetObject", On: Source},
			Action{Name: "s3:GetObjectTagging", On: Source}, decrypt, dataKey),
		// A directive is said where the source's tags are not to be copied, which is what happens without one. Of a
		// version it is s3:GetObjectVersion that is needed; the source's text says so, and not a field.
		rules: append([]rule{{field: "TaggingDirective", instead: plus(on(Object, "s3:PutObject"),
			Action{Name: "s3:GetObject", On: Source}, decrypt, dataKey)}}, objectRules...),
	},
	"s3.CreateMultipartUpload": {actions: plus(on(Object, "s3:PutObject"), dataKey, decrypt), rules: objectRules},
	"s3.DeleteObject": {
		actions: on(Object, "s3:DeleteObject"),
		rules: []rule{
			{field: "VersionId", instead: on(Object, "s3:DeleteObjectVersion")},
			{field: "BypassGovernanceRetention", also: on(Object, "s3:BypassGovernanceRetention")},
		},
	},
	"s3.GetObject": {
		actions: plus(on(Object, "s3:GetObject"), listBucket, decrypt),
		rules:   []rule{{field: "VersionId", instead: plus(on(Object, "s3:GetObjectVersion"), listBucket, decrypt)}},
	},
	"s3.GetObjectTagging": {
		actions: on(Object, "s3:GetObjectTagging"),
		rules:   []rule{{field: "VersionId", instead: on(Object, "s3:GetObjectVersionTagging")}},
	},
	"s3.HeadBucket": {actions: on(Bucket, "s3:ListBucket")},
	"s3.HeadObject": {
		actions: plus(on(Object, "s3:GetObject"), listBucket),
		rules: []rule{
			{field: "VersionId", instead: plus(on(Object, "s3:GetObjectVersion"), listBucket)},
			{field: "ChecksumMode", also: []Action{decrypt}},
		},
	},
	"s3.ListMultipartUploads": {actions: on(Bucket, "s3:ListBucketMultipartUploads")},
	"s3.ListObjectVersions":   {actions: on(Bucket, "s3:ListBucketVersions")},
	"s3.ListObjectsV2":        {actions: on(Bucket, "s3:ListBucket")},
	"s3.ListParts":            {actions: on(Object, "s3:ListMultipartUploadParts")},
	"s3.PutObject":            {actions: plus(on(Object, "s3:PutObject"), dataKey), rules: objectRules},
	"s3.UploadPart":           {actions: plus(on(Object, "s3:PutObject"), decrypt, dataKey)},
	"s3.UploadPartCopy": {actions: plus(on(Object, "s3:PutObject"), Action{Name: "s3:GetObject", On: Source},
		decrypt, dataKey)},

	"dynamodb.DeleteItem": {actions: plus(on(Table, "dynamodb:DeleteItem"), decrypt)},
	"dynamodb.GetItem":    {actions: plus(on(Table, "dynamodb:GetItem"), decrypt)},
	"dynamodb.PutItem":    {actions: plus(on(Table, "dynamodb:PutItem"), decrypt)},
	"dynamodb.Query": {
		actions: plus(on(Table, "dynamodb:Query"), decrypt),
		rules:   []rule{{field: "IndexName", instead: plus(on(Index, "dynamodb:Query"), decrypt)}},
	},
	"dynamodb.Scan": {
		actions: plus(on(Table, "dynamodb:Scan"), decrypt),
		rules:   []rule{{field: "IndexName", instead: plus(on(Index, "dynamodb:Scan"), decrypt)}},
	},
	"dynamodb.UpdateItem": {actions: plus(on(Table, "dynamodb:UpdateItem"), decrypt)},

	"ssm.CancelCommand":               {actions: on(Any, "ssm:CancelCommand")},
	"ssm.DescribeInstanceInformation": {actions: on(Any, "ssm:DescribeInstanceInformation")},
	"ssm.DescribeParameters":          {actions: on(Any, "ssm:DescribeParameters")},
	"ssm.GetCommandInvocation":        {actions: on(Any, "ssm:GetCommandInvocation")},
	// Without decryption a SecureString comes as it is stored.
	"ssm.GetParameter":        {actions: on(Parameter, "ssm:GetParameter"), rules: decryption},
	"ssm.GetParameters":       {actions: on(Parameter, "ssm:GetParameters"), rules: decryption},
	"ssm.ListTagsForResource": {actions: on(Parameter, "ssm:ListTagsForResource")},
	"ssm.SendCommand": {actions: append(on(Document, "ssm:SendCommand"),
		on(Instance, "ssm:SendCommand")...)},
	"ssm.UpdateInstanceInformation": {actions: on(Any, "ssm:UpdateInstanceInformation")},

	// Its caller is asked for nothing, and no policy can keep it from anybody.
	"sts.GetCallerIdentity": {},

	"autoscaling.CancelInstanceRefresh":     {actions: on(Group, "autoscaling:CancelInstanceRefresh")},
	"autoscaling.CompleteLifecycleAction":   {actions: on(Group, "autoscaling:CompleteLifecycleAction")},
	"autoscaling.DescribeAutoScalingGroups": {actions: on(Any, "autoscaling:DescribeAutoScalingGroups")},
	"autoscaling.DescribeInstanceRefreshes": {actions: on(Any, "autoscaling:DescribeInstanceRefreshes")},
	"autoscaling.DescribeScalingActivities": {actions: on(Any, "autoscaling:DescribeScalingActivities")},
	"autoscaling.RollbackInstanceRefresh":   {actions: on(Group, "autoscaling:RollbackInstanceRefresh")},
	"autoscaling.StartInstanceRefresh": {
		actions: on(Group, "autoscaling:StartInstanceRefresh"),
		rules:   []rule{{field: "DesiredConfiguration", also: launch}},
	},
	"autoscaling.UpdateAutoScalingGroup": {
		actions: on(Group, "autoscaling:UpdateAutoScalingGroup"),
		rules:   []rule{{field: "LaunchTemplate", also: launch}, {field: "MixedInstancesPolicy", also: launch}},
	},

	"cloudwatch.DescribeAlarms": {actions: on(Alarm, "cloudwatch:DescribeAlarms")},
	"cloudwatch.GetDashboard":   {actions: on(Dashboard, "cloudwatch:GetDashboard")},

	"cloudwatchlogs.CreateLogStream":     {actions: on(LogGroup, "logs:CreateLogStream")},
	"cloudwatchlogs.DeleteLogGroup":      {actions: on(LogGroup, "logs:DeleteLogGroup")},
	"cloudwatchlogs.DescribeLogGroups":   {actions: on(Any, "logs:DescribeLogGroups")},
	"cloudwatchlogs.ListTagsForResource": {actions: on(LogGroup, "logs:ListTagsForResource")},
	"cloudwatchlogs.PutLogEvents":        {actions: on(LogStream, "logs:PutLogEvents")},

	"ec2.DeleteLaunchTemplateVersions":   {actions: on(LaunchTemplate, "ec2:DeleteLaunchTemplateVersions")},
	"ec2.DescribeAddresses":              {actions: on(Any, "ec2:DescribeAddresses")},
	"ec2.DescribeAvailabilityZones":      {actions: on(Any, "ec2:DescribeAvailabilityZones")},
	"ec2.DescribeImages":                 {actions: on(Any, "ec2:DescribeImages")},
	"ec2.DescribeInstances":              {actions: on(Any, "ec2:DescribeInstances")},
	"ec2.DescribeInstanceTypeOfferings":  {actions: on(Any, "ec2:DescribeInstanceTypeOfferings")},
	"ec2.DescribeInstanceTypes":          {actions: on(Any, "ec2:DescribeInstanceTypes")},
	"ec2.DescribeNatGateways":            {actions: on(Any, "ec2:DescribeNatGateways")},
	"ec2.DescribeRegions":                {actions: on(Any, "ec2:DescribeRegions")},
	"ec2.DescribeSubnets":                {actions: on(Any, "ec2:DescribeSubnets")},
	"ec2.DescribeVpcs":                   {actions: on(Any, "ec2:DescribeVpcs")},
	"ec2.GetEbsDefaultKmsKeyId":          {actions: on(Any, "ec2:GetEbsDefaultKmsKeyId")},
	"ec2.DescribeLaunchTemplateVersions": {actions: on(Any, "ec2:DescribeLaunchTemplateVersions")},

	"elasticloadbalancingv2.DescribeTargetHealth": {actions: on(Any, "elasticloadbalancing:DescribeTargetHealth")},

	"iam.CreateServiceLinkedRole": {actions: on(Role, "iam:CreateServiceLinkedRole")},
	"iam.GetRole":                 {actions: on(Role, "iam:GetRole")},
	"iam.SimulatePrincipalPolicy": {actions: on(Role, "iam:SimulatePrincipalPolicy")},

	"rds.DescribeDBInstances":                {actions: on(Database, "rds:DescribeDBInstances")},
	"rds.DescribeOrderableDBInstanceOptions": {actions: on(Any, "rds:DescribeOrderableDBInstanceOptions")},

	"route53.GetHostedZone":          {actions: on(HostedZone, "route53:GetHostedZone")},
	"route53.ListResourceRecordSets": {actions: on(HostedZone, "route53:ListResourceRecordSets")},

	"servicequotas.GetAWSDefaultServiceQuota": {actions: on(Any, "servicequotas:GetAWSDefaultServiceQuota")},
	"servicequotas.GetServiceQuota":           {actions: on(Quota, "servicequotas:GetServiceQuota")},

	// The channels of the Systems Manager agent; the SDK has no client for them.
	"ssmmessages.CreateControlChannel": {actions: on(Any, "ssmmessages:CreateControlChannel")},
	"ssmmessages.CreateDataChannel":    {actions: on(Any, "ssmmessages:CreateDataChannel")},
	"ssmmessages.OpenControlChannel":   {actions: on(Any, "ssmmessages:OpenControlChannel")},
	"ssmmessages.OpenDataChannel":      {actions: on(Any, "ssmmessages:OpenDataChannel")},
	"ec2messages.AcknowledgeMessage":   {actions: on(Any, "ec2messages:AcknowledgeMessage")},
	"ec2messages.DeleteMessage":        {actions: on(Any, "ec2messages:DeleteMessage")},
	"ec2messages.FailMessage":          {actions: on(Any, "ec2messages:FailMessage")},
	"ec2messages.GetEndpoint":          {actions: on(Any, "ec2messages:GetEndpoint")},
	"ec2messages.GetMessages":          {actions: on(Any, "ec2messages:GetMessages")},
	"ec2messages.SendReply":            {actions: on(Any, "ec2messages:SendReply")},
}

var decryption = []rule{{field: "WithDecryption", also: []Action{decrypt}}}

// on returns actions on one kind, needed always.
func on(kind Kind, names ...string) []Action {
	var actions []Action
	for _, name := range names {
		actions = append(actions, Action{Name: name, On: kind})
	}
	return actions
}

func plus(actions []Action, more ...Action) []Action { return append(actions, more...) }

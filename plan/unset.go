package plan

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dossier.example/plan/graph"
)

// defaults is written from the comments of the SDK; its first lines say from which, and internal/replacements how.
//
//go:generate go run ./internal/replacements -defaults defaults.txt
//go:embed defaults.txt
var defaults string

// unsaid is what holds where nothing is given, beside defaults, by type: a path alone is false, and one with * stands
// for a whole block that says no more than holds without it. It is from the schemas (Default) below internal/service of
// https://github.com/hashicorp/terraform-provider-aws, and for what the provider reads from AWS (Computed) from the
// reference of the call that makes the resource.
var unsaid = map[string]string{
	"aws:autoscaling/group:Group": "capacityRebalance forceDelete forceDeleteWarmPool healthCheckGracePeriod=300 " +
		"healthCheckType=EC2 ignoreFailedScalingActivities maxInstanceLifetime=0 protectFromScaleIn " +
		"terminationPolicies=Default",
	"aws:cloudfront/distribution:Distribution": "isIpv6Enabled priceClass=PriceClass_All staging " +
		"waitForDeployment=true",
	"aws:cloudtrail/trail:Trail": "enableLogFileValidation enableLogging=true includeGlobalServiceEvents=true " +
		"isMultiRegionTrail isOrganizationTrail",
	"aws:cloudwatch/logGroup:LogGroup":       "logGroupClass=STANDARD retentionInDays=0 skipDestroy",
	"aws:cloudwatch/metricAlarm:MetricAlarm": "actionsEnabled=true treatMissingData=missing",
	userPoolType:                             "deletionProtection=INACTIVE mfaConfiguration=OFF",
	tableType: "pointInTimeRecovery.*enabled:false serverSideEncryption.*enabled:false streamEnabled " +
		"ttl.*enabled:false",
	"aws:ec2/instance:Instance": "disableApiStop disableApiTermination ebsOptimized getPasswordData hibernation " +
		"instanceInitiatedShutdownBehavior=stop monitoring sourceDestCheck=true tenancy=default",
	"aws:ec2/subnet:Subnet": "assignIpv6AddressOnCreation enableDns64 enableResourceNameDnsAaaaRecordOnLaunch " +
		"enableResourceNameDnsARecordOnLaunch ipv6Native mapPublicIpOnLaunch",
	"aws:ec2/vpc:Vpc": "assignGeneratedIpv6CidrBlock enableDnsHostnames enableDnsSupport=true " +
		"instanceTenancy=default",
	repositoryType: "encryptionConfigurations.*encryptionType:AES256 forceDelete imageTagMutability=MUTABLE",
	serviceType: "deploymentController.*type:ECS deploymentMaximumPercent=200 deploymentMinimumHealthyPercent=100 " +
		"enableEcsManagedTags enableExecuteCommand launchType=EC2 schedulingStrategy=REPLICA waitForSteadyState",
	filesType:           "encrypted performanceMode=generalPurpose throughputMode=bursting",
	"aws:iam/role:Role": "forceDetachPolicies maxSessionDuration=3600 path=/",
	"aws:kinesis/stream:Stream": "encryptionType=NONE enforceConsumerDeletion retentionPeriod=24 " +
		"streamModeDetails.*streamMode:PROVISIONED",
	keyType: "deletionWindowInDays=30",
	functionType: "architectures=x86_64 reservedConcurrentExecutions=-1 skipDestroy " +
		"ephemeralStorage.*size:512 tracingConfig.*mode:PassThrough",
	"aws:lb/loadBalancer:LoadBalancer": "ipAddressType=ipv4 xffHeaderProcessingMode=append",
	"aws:lb/targetGroup:TargetGroup":   "ipAddressType=ipv4 protocolVersion=HTTP1 targetType=instance",
	databaseType: "applyImmediately allowMajorVersionUpgrade customerOwnedIpEnabled dedicatedLogVolume " +
		"iamDatabaseAuthenticationEnabled multiAz networkType=IPV4 skipFinalSnapshot",
	auroraType: "applyImmediately backtrackWindow=0 backupRetentionPeriod=1 copyTagsToSnapshot deletionProtection " +
		"enableHttpEndpoint engineMode=provisioned iamDatabaseAuthenticationEnabled skipFinalSnapshot " +
		"storageEncrypted",
	"aws:s3/bucketV2:BucketV2":         "forceDestroy objectLockEnabled",
	bucketType:                         "acl=private forceDestroy objectLockEnabled",
	"aws:secretsmanager/secret:Secret": "forceOverwriteReplicaSecret recoveryWindowInDays=30",
	queueType:                          "contentBasedDeduplication fifoQueue receiveWaitTimeSeconds=0",
	"aws:sns/topic:Topic":              "contentBasedDeduplication fifoTopic",
	"aws:ssm/parameter:Parameter":      "dataType=text tier=Standard",
}

// doubted are defaults of the reference that do not hold for all: what is behind them differs by another input.
var doubted = []string{
	// The network's own balancers ask by TCP.
	"aws:lb/targetGroup:TargetGroup healthCheck.protocol", "aws:alb/targetGroup:TargetGroup healthCheck.protocol",
	// A disk is encrypted where the account asks for it (EC2: encryption-by-default).
	"aws:ec2/instance:Instance rootBlockDevice.encrypted", "aws:ec2/instance:Instance ebsBlockDevices.encrypted",
	"aws:ebs/volume:Volume encrypted",
}

// unsetValues are what holds where nothing is given, by type and path.
var unsetValues = sync.OnceValue(func() map[string]string {
	table := map[string]string{}
	add := func(token string, entries []string) {
		for _, entry := range entries {
			path, value, given := strings.Cut(entry, "=")
			if block, what, is := strings.Cut(entry, ".*"); is {
				path, value = block, "*"+what
			} else if !given {
				value = "false"
			}
			if key := token + " " + path; !slices.Contains(doubted, key) {
				table[key] = value
			}
		}
	}
	for line := range strings.Lines(defaults) {
		if fields := strings.Fields(line); !strings.HasPrefix(line, "#") {
			add(fields[0], fields[1:])
		}
	}
	for token, entries := range unsaid {
		add(token, strings.Fields(entries))
	}
	return table
})

// holdsUnset reports whether a value at a path of a type is what holds where nothing is given.
func holdsUnset(token, path string, v any) bool {
	value, known := unsetValues()[token+" "+position.ReplaceAllString(path, "")]
	if !known {
		return false
	}
	if list, is := v.([]any); is && len(list) == 1 {
		v = list[0]
	}
	if block, is := v.(map[string]any); is {
		key, want, _ := strings.Cut(strings.TrimPrefix(value, "*"), ":")
		return strings.HasPrefix(value, "*") && len(block) == 1 && block[key] != nil && alikeText(block[key], want)
	}
	return !strings.HasPrefix(value, "*") && alikeText(v, value)
}

// alikeText compares a value with a text of a table, in which the reference may write a name of AWS's as one of its
// own: roundRobin.
func alikeText(v any, want string) bool {
	switch v.(type) {
	case string, bool, float64:
	default:
		return false
	}
	fold := strings.NewReplacer("_", "", "-", "")
	if _, is := graph.Number(v); is {
		return fmt.Sprint(v) == want || graph.Text(v) == want
	}
	return strings.EqualFold(fold.Replace(fmt.Sprint(v)), fold.Replace(want))
}

// unsetBy are the inputs that say what holds where another one is not given, by type and path
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html).
var unsetBy = map[string]string{
	"aws:cloudwatch/metricAlarm:MetricAlarm datapointsToAlarm": "evaluationPeriods",
}

func orInput(v any, r *graph.Resource, path string) any {
	if v != nil || r == nil {
		return v
	}
	return r.Input(path)
}

// given is a value, or what holds where it is not given in a resource.
func given(token, path string, v any, r *graph.Resource) any {
	if v != nil || r == nil {
		return v
	}
	text, known := unsetValues()[token+" "+path]
	if !known || strings.HasPrefix(text, "*") {
		return nil
	}
	if outer := path[:max(0, strings.LastIndexByte(path, '.'))]; outer != "" && r.Input(outer) == nil {
		return nil // nothing holds inside what is not there
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil {
		return b
	}
	return text
}

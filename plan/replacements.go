package plan

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ./internal/replacements replacements.txt

// generated is written from the provider's source; internal/replacements tells how, and its first lines from which.
//
//go:embed replacements.txt
var generated string

// since is what the generated table lacks, because the source that it comes from is older than the provider that
// deploys: by type, the inputs that were added (+) or may change in place by now (-). It is taken from the reference of
// version 5.100 (https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs), on which v6 of the Pulumi
// provider is built, and for the other providers from theirs. A test compares the whole with the double of package
// engine, whose table somebody else wrote from that reference.
var since = map[string]string{
	"aws:acm/certificate:Certificate":             "+certificateAuthorityArn +keyAlgorithm +validationOptions",
	"aws:autoscaling/lifecycleHook:LifecycleHook": "+autoscalingGroupName",
	"aws:cloudwatch/dashboard:Dashboard":          "+dashboardName",
	"aws:cloudwatch/eventRule:EventRule":          "+eventBusName",
	"aws:cloudwatch/eventTarget:EventTarget":      "+eventBusName",
	"aws:cloudwatch/logGroup:LogGroup":            "+logGroupClass",
	// Encryption is turned on and off in place since 2.24.
	"aws:dynamodb/table:Table": "-serverSideEncryption.enabled",
	"aws:ec2/eip:Eip":          "+domain +networkBorderGroup +customerOwnedIpv4Pool +address +ipamPoolId",
	"aws:ec2/flowLog:FlowLog":  "+deliverCrossAccountRole +destinationOptions +logFormat +maxAggregationInterval",
	// Volumes are changed in place since 2.68 and 3.0, what an instance stops for (ebsOptimized, user-data) since 3.23.
	"aws:ec2/instance:Instance": "-rootBlockDevice.deleteOnTermination -rootBlockDevice.iops -rootBlockDevice.volumeSize -rootBlockDevice.volumeType " +
		"-ebsOptimized -userData -userDataBase64 -ipv6AddressCount -ipv6Addresses " +
		"+hibernation +rootBlockDevice.encrypted +rootBlockDevice.kmsKeyId +ebsBlockDevices +networkInterfaces +launchTemplate +enclaveOptions",
	"aws:ec2/natGateway:NatGateway":                       "+connectivityType +privateIp +secondaryPrivateIpAddressCount",
	"aws:ec2/route:Route":                                 "+destinationPrefixListId",
	"aws:ec2/routeTableAssociation:RouteTableAssociation": "+gatewayId",
	"aws:ec2/subnet:Subnet":                               "+ipv6Native +outpostArn",
	"aws:ec2/vpc:Vpc":                                     "+ipv4IpamPoolId +ipv4NetmaskLength",
	"aws:ec2/vpcEndpoint:VpcEndpoint":                     "+serviceRegion",
	"aws:lb/loadBalancer:LoadBalancer":                    "+customerOwnedIpv4Pool",
	"aws:lb/targetGroup:TargetGroup":                      "+protocolVersion +ipAddressType",
	// An instance gets another identifier by a restart since 3.0.
	"aws:rds/instance:Instance": "-identifier -identifierPrefix +backupTarget +ncharCharacterSetName +restoreToPointInTime +s3Import",
	"aws:s3/bucketV2:BucketV2":  "+objectLockEnabled",
	"aws:sns/topic:Topic":       "+fifoTopic",

	// Types that came after the source.
	"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": "+protectedResource.s3Bucket" +
		".bucketName",
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":                                          "+vpcId",
	"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2":                                 "+bucket +expectedBucketOwner",
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":                       "+bucket +expectedBucketOwner",
	"aws:s3/bucketLoggingV2:BucketLoggingV2":                                                     "+bucket +expectedBucketOwner",
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                                     "+bucket",
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": "+bucket +expectedBucketOwner",
	"aws:s3/bucketVersioningV2:BucketVersioningV2":                                               "+bucket +expectedBucketOwner",
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":                                    "+securityGroupId",
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":                                  "+securityGroupId",
	"aws:wafv2/webAclAssociation:WebAclAssociation":                                              "+*",

	// The other providers. What a command runs again for, its SDK tells with each registration.
	"command:local:Command":                      "",
	"command:remote:Command":                     "",
	"random:index/randomId:RandomId":             "+*",
	"random:index/randomPassword:RandomPassword": "+*",
	"tls:index/privateKey:PrivateKey":            "+*",
}

// replacements are, by type, the inputs whose change needs another resource; * stands for all, a dot leads into an
// object. A type that is not there is one that nothing is known of.
var replacements = sync.OnceValue(func() map[string][]string {
	table := map[string][]string{}
	for line := range strings.Lines(generated) {
		if fields := strings.Fields(line); len(fields) > 0 && !strings.HasPrefix(line, "#") {
			table[fields[0]] = fields[1:]
		}
	}
	for token, changes := range since {
		list := slices.Clone(table[token])
		for change := range strings.FieldsSeq(changes) {
			if name := change[1:]; change[0] == '+' {
				list = append(list, name)
			} else {
				list = slices.DeleteFunc(list, func(n string) bool { return n == name })
			}
		}
		slices.Sort(list)
		table[token] = slices.Compact(list)
	}
	return table
})

// Replacements are the inputs of a type whose change needs another resource; * stands for all, a dot leads into an
// object. known is false for a type of which that is not known here.
func Replacements(token string) (inputs []string, known bool) {
	inputs, known = replacements()[token]
	return inputs, known
}

var position = regexp.MustCompile(`\[[^\]]*\]`)

// within reports whether one of the inputs is at the path, leads to it, or is a part of what changed as a whole there.
func within(path string, inputs []string) bool {
	path = position.ReplaceAllString(path, "")
	return slices.ContainsFunc(inputs, func(input string) bool {
		input = position.ReplaceAllString(input, "")
		return input == "*" || path == input || strings.HasPrefix(path, input+".") || strings.HasPrefix(input, path+".")
	})
}

package offers

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"dossier.example/plan/prices"
)

// selector tells the product that a key's price is of. What the products are called is from AWS's own list, as tools
// that read it have it: https://github.com/infracost/infracost/tree/master/internal/resources/aws, and for the units
// https://docs.aws.amazon.com/cur/latest/userguide/Lineitem-columns.html.
type selector struct {
	// service is the code of the service.
	service string
	// usage is the usage type without the region before it. A * at its end stands for a type or class.
	usage string
	// attributes have to be so, by name in lower case. The product family is one.
	attributes map[string]string
	// key is what the price is called in a table, with the * of usage, and {attribute} in lower case.
	key string
	// units are those that the price may be of, in lower case, with what brings it to the key's; none: any.
	units map[string]float64
	// global products belong to no region.
	global bool
}

func unit(names ...string) map[string]float64 {
	units := map[string]float64{}
	for _, name := range names {
		units[name] = 1
	}
	return units
}

// usagePrefix is what stands for the region in a usage type. That of us-east-1 has none, or USE1.
var usagePrefix = regexp.MustCompile(`^(EU|[A-Z]{3}\d{1,2}|[a-z]{2,3}(-[a-z]+)+-\d{1,2})-`)

// selectors are by service.
func selectors() map[string][]selector {
	var (
		hour    = unit("hrs", "hours", "hour", "gb-hours", "vcpu-hours", "acu-hr", "acu-hrs", "shardhour", "streamhr")
		gb      = unit("gb")
		gbMonth = unit("gb-mo", "gb-month", "gbmonth")
		iops    = unit("iops-mo", "iops-month")
		request = unit("requests", "request", "api requests")
		shared  = map[string]string{"operatingsystem": "Linux", "tenancy": "Shared", "preinstalledsw": "NA",
			"capacitystatus": "Used", "operation": "RunInstances"}
		perSpeed = map[string]float64{"mibps-mo": 1, "gibps-mo": 1. / 1024}
	)
	all := []selector{
		{"AmazonEC2", "BoxUsage:*", shared, "ec2/*", hour, false},
		{"AmazonEC2", "EBS:VolumeUsage.gp2", nil, "ebs/gp2", gbMonth, false},
		{"AmazonEC2", "EBS:VolumeUsage.gp3", nil, "ebs/gp3", gbMonth, false},
		{"AmazonEC2", "EBS:VolumeUsage.piops", nil, "ebs/io1", gbMonth, false},
		{"AmazonEC2", "EBS:VolumeUsage.io2", nil, "ebs/io2", gbMonth, false},
		{"AmazonEC2", "EBS:VolumeUsage.st1", nil, "ebs/st1", gbMonth, false},
		{"AmazonEC2", "EBS:VolumeUsage.sc1", nil, "ebs/sc1", gbMonth, false},
		{"AmazonEC2", "EBS:VolumeP-IOPS.gp3", nil, "ebs/gp3/iops", iops, false},
		{"AmazonEC2", "EBS:VolumeP-IOPS.piops", nil, "ebs/io1/iops", iops, false},
		{"AmazonEC2", "EBS:VolumeP-IOPS.io2", nil, "ebs/io2/iops", iops, false},
		{"AmazonEC2", "EBS:VolumeP-Throughput.gp3", nil, "ebs/gp3/throughput", perSpeed, false},
		{"AmazonEC2", "NatGateway-Hours", nil, "nat", hour, false},
		{"AmazonEC2", "NatGateway-Bytes", nil, "nat/data", gb, false},
		{"AmazonVPC", "PublicIPv4:InUseAddress", nil, "ipv4", hour, false},
		{"AmazonVPC", "VpcEndpoint-Hours", nil, "endpoint/interface", hour, false},
		{"AmazonVPC", "VpcEndpoint-GWLBE-Hours", nil, "endpoint/gatewayloadbalancer", hour, false},
		{"AmazonVPC", "TransitGateway-Hours", operation("TransitGatewayVPC"), "tgw/attachment", hour, false},
		{"AmazonVPC", "TransitGateway-Hours", operation("TransitGatewayVPN"), "tgw/vpn", hour, false},
		{"AmazonVPC", "VPN-Usage-Hours:ipsec.1", nil, "vpn/connection", hour, false},
		{"AWSELB", "LoadBalancerUsage", family("Load Balancer-Application"), "lb/application", hour, false},
		{"AWSELB", "LCUUsage", family("Load Balancer-Application"), "lb/application/lcu", unit("lcu-hrs", "lcu-hr"),
			false},
		{"AWSELB", "LoadBalancerUsage", family("Load Balancer-Network"), "lb/network", hour, false},
		{"AWSELB", "LoadBalancerUsage", family("Load Balancer-Gateway"), "lb/gateway", hour, false},
		{"AWSELB", "LoadBalancerUsage", family("Load Balancer"), "lb/classic", hour, false},
		{"AmazonECS", "Fargate-vCPU-Hours:perCPU", nil, "fargate/vcpu", hour, false},
		{"AmazonECS", "Fargate-GB-Hours", nil, "fargate/memory", hour, false},
		{"AmazonECS", "Fargate-ARM-vCPU-Hours:perCPU", nil, "fargate/arm/vcpu", hour, false},
		{"AmazonECS", "Fargate-ARM-GB-Hours", nil, "fargate/arm/memory", hour, false},
		{"AmazonECS", "Fargate-EphemeralStorage-GB-Hours", nil, "fargate/disk", hour, false},
		{"AmazonEKS", "AmazonEKS-Hours:perCluster", nil, "eks/cluster", hour, false},
		{"AmazonElastiCache", "NodeUsage:*", nil, "cache/{cacheengine}/*", hour, false},
		{"AmazonES", "ESInstance:*", nil, "opensearch/{instancetype}", hour, false},
		{"AmazonES", "ES:GP2-Storage", nil, "opensearch/storage/gp2", gbMonth, false},
		{"AmazonES", "ES:GP3-Storage", nil, "opensearch/storage/gp3", gbMonth, false},
		{"AmazonDocDB", "InstanceUsage:*", nil, "docdb/*", hour, false},
		{"AmazonNeptune", "InstanceUsage:*", nil, "neptune/*", hour, false},
		{"AmazonRedshift", "Node:*", nil, "redshift/*", hour, false},
		{"AmazonKinesis", "Storage-ShardHour", nil, "kinesis/shard", nil, false},
		{"AmazonKinesis", "OnDemand-StreamHour", nil, "kinesis/ondemand", nil, false},
		{"AmazonDynamoDB", "ReadCapacityUnit-Hrs", nil, "dynamodb/rcu", unit("readcapacityunit-hrs"), false},
		{"AmazonDynamoDB", "WriteCapacityUnit-Hrs", nil, "dynamodb/wcu", unit("writecapacityunit-hrs"), false},
		{"AmazonDynamoDB", "ReadRequestUnits", nil, "dynamodb/read", unit("readrequestunits"), false},
		{"AmazonDynamoDB", "WriteRequestUnits", nil, "dynamodb/write", unit("writerequestunits"), false},
		{"AmazonDynamoDB", "TimedStorage-ByteHrs", nil, "dynamodb/storage", gbMonth, false},
		{"AmazonDynamoDB", "TimedPITRStorage-ByteHrs", nil, "dynamodb/pitr", gbMonth, false},
		{"AmazonS3", "TimedStorage-ByteHrs", nil, "s3/storage", gbMonth, false},
		{"AmazonS3", "Requests-Tier1", nil, "s3/write", request, false},
		{"AmazonS3", "Requests-Tier2", nil, "s3/read", request, false},
		{"AmazonCloudWatch", "CW:AlarmMonitorUsage", nil, "cloudwatch/alarm", nil, false},
		{"AmazonCloudWatch", "CW:MetricMonitorUsage", nil, "cloudwatch/metric", nil, false},
		{"AmazonCloudWatch", "DashboardsUsageHour", nil, "cloudwatch/dashboard", nil, true},
		{"AmazonCloudWatch", "DataProcessing-Bytes", nil, "logs/ingest", gb, false},
		{"AmazonCloudWatch", "TimedStorage-ByteHrs", nil, "logs/storage", gbMonth, false},
		{"AWSLambda", "Request", nil, "lambda/request", request, false},
		{"AWSLambda", "Lambda-GB-Second", nil, "lambda/second", nil, false},
		{"AWSLambda", "Lambda-GB-Second-ARM", nil, "lambda/arm/second", nil, false},
		{"AWSQueueService", "Requests-Tier1", nil, "sqs/request", request, false},
		{"awskms", "KMS-Keys", nil, "kms/key", nil, false},
		{"AWSSecretsManager", "AWSSecretsManager-Secrets", nil, "secret", nil, false},
		{"awswaf", "WebACLV2", nil, "waf/acl", nil, false},
		{"awswaf", "RuleV2", nil, "waf/rule", nil, false},
		{"AmazonRoute53", "HostedZone", nil, "route53/zone", nil, true},
		{"AmazonRoute53", "DNS-Queries", nil, "route53/query", nil, true},
		{"AWSDataTransfer", "DataTransfer-Out-Bytes", map[string]string{"transfertype": "AWS Outbound"}, "data/out", gb,
			false},
		{"AWSDataTransfer", "DataTransfer-Regional-Bytes", map[string]string{"transfertype": "IntraRegion"},
			"data/zones",
			gb, false},
	}
	for name, engine := range map[string]string{"MySQL": "mysql", "MariaDB": "mariadb", "PostgreSQL": "postgres"} {
		of := map[string]string{"databaseengine": name}
		all = append(all, selector{"AmazonRDS", "InstanceUsage:*", of, "rds/" + engine + "/*", hour, false},
			selector{"AmazonRDS", "Multi-AZUsage:*", of, "rds/" + engine + "/*/multi-az", hour, false})
	}
	aurora := map[string]string{"Aurora MySQL": "aurora-mysql", "Aurora PostgreSQL": "aurora-postgresql"}
	for name, engine := range aurora {
		of := map[string]string{"databaseengine": name}
		all = append(all, selector{"AmazonRDS", "InstanceUsage:*", of, "rds/" + engine + "/*", hour, false},
			selector{"AmazonRDS", "InstanceUsageIOOptimized:*", of, "rds/" + engine + "/*/io-optimized", hour, false},
			selector{"AmazonRDS", "Aurora:ServerlessV2Usage", of, "rds/" + engine + "/acu", hour, false},
			selector{"AmazonRDS", "Aurora:ServerlessV2IOOptimizedUsage", of, "rds/" + engine + "/acu/io-optimized",
				hour,
				false})
	}
	for usage, kind := range map[string]string{"GP2": "gp2", "GP3": "gp3", "PIOPS": "io1"} {
		all = append(all, selector{"AmazonRDS", "RDS:" + usage + "-Storage", map[string]string{"databaseengine": "Any"},
			"rds/storage/" + kind, gbMonth, false})
	}
	all = append(all,
		selector{"AmazonRDS", "RDS:PIOPS", map[string]string{"databaseengine": "Any"}, "rds/iops", iops, false},
		selector{"AmazonRDS", "RDS:ChargedBackupUsage", map[string]string{"databaseengine": "MySQL"}, "rds/backup",
			gbMonth, false})
	by := map[string][]selector{}
	for _, s := range all {
		by[s.service] = append(by[s.service], s)
	}
	return by
}

func family(name string) map[string]string { return map[string]string{"productfamily": name} }

func operation(name string) map[string]string { return map[string]string{"operation": name} }

// Services are the codes of the services that have what a table can hold, sorted: the names of the files to get.
func Services() []string { return slices.Sorted(maps.Keys(selectors())) }

// key returns the key that a product's price has in a table, and the region; empty where there is none. Products of
// local zones, outposts and carriers are none of the region's.
func (s selector) match(attributes map[string]string) (region, key string) {
	usage := usagePrefix.ReplaceAllString(attributes["usagetype"], "")
	kind := ""
	if prefix, whole := strings.CutSuffix(s.usage, "*"); whole {
		if kind, whole = strings.CutPrefix(usage, prefix); !whole || kind == "" {
			return "", ""
		}
	} else if usage != s.usage {
		return "", ""
	}
	for name, value := range s.attributes {
		if attributes[name] != value {
			return "", ""
		}
	}
	region = attributes["regioncode"]
	place := attributes["locationtype"]
	if region == "" {
		region, place = attributes["fromregioncode"], attributes["fromlocationtype"]
	}
	switch {
	case s.global:
		region = ""
	case !prices.IsRegion(region) || place != "" && place != "AWS Region":
		return "", ""
	}
	key = strings.ReplaceAll(s.key, "*", kind)
	for _, name := range []string{"cacheengine", "instancetype"} {
		if mark := "{" + name + "}"; strings.Contains(key, mark) {
			if attributes[name] == "" {
				return "", ""
			}
			key = strings.ReplaceAll(key, mark, strings.ToLower(attributes[name]))
		}
	}
	return region, key
}

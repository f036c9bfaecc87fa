package prove_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"dossier.example/infra/internal/awsfake"
	"dossier.example/infra/prove"
)

// wrong is one answer that is not as it should be, and the point that it is about.
type wrong struct {
	point string
	// stack is the one in which it is wrong; empty means prod.
	stack  string
	change func(w *world)
}

// change changes an answer of AWS.
func change[In, Out any](f func(in *In, out *Out)) func(*world) {
	return func(w *world) { awsfake.Change(w.Cloud, f) }
}

// base changes what AWS says of the database.
func base(f func(d *rdstypes.DBInstance)) func(*world) {
	return change(func(_ *rds.DescribeDBInstancesInput, out *rds.DescribeDBInstancesOutput) { f(&out.DBInstances[0]) })
}

// group changes what AWS says of the group, the way the SDK's values are: anew for each question.
func group(f func(g *scalingtypes.AutoScalingGroup)) func(*world) {
	return change(func(_ *autoscaling.DescribeAutoScalingGroupsInput,
		out *autoscaling.DescribeAutoScalingGroupsOutput) {
		f(&out.AutoScalingGroups[0])
	})
}

// host changes what AWS says of one instance.
func host(id string, f func(i *types.Instance)) func(*world) {
	return change(func(_ *ec2.DescribeInstancesInput, out *ec2.DescribeInstancesOutput) {
		for i := range out.Reservations[0].Instances {
			if h := &out.Reservations[0].Instances[i]; *h.InstanceId == id {
				f(h)
			}
		}
	})
}

// guard changes what AWS says of one security group.
func guard(id string, f func(g *types.SecurityGroup)) func(*world) {
	return change(func(_ *ec2.DescribeSecurityGroupsInput, out *ec2.DescribeSecurityGroupsOutput) {
		for i := range out.SecurityGroups {
			if g := &out.SecurityGroups[i]; aws.ToString(g.GroupId) == id {
				f(g)
			}
		}
	})
}

// answers changes what the site answers.
func answers(path string, f func(p *page)) func(*world) {
	return func(w *world) {
		address := path
		if strings.HasPrefix(path, "/") {
			address = w.stack.Outputs.URL + path
		}
		p := w.answers[address]
		f(&p)
		w.answers[address] = p
	}
}

// attribute changes one attribute of the load balancer or of the target group.
func attribute(key, value string) func(*world) {
	return func(w *world) {
		change(func(_ *elb.DescribeLoadBalancerAttributesInput, out *elb.DescribeLoadBalancerAttributesOutput) {
			for i := range out.Attributes {
				if *out.Attributes[i].Key == key {
					out.Attributes[i].Value = &value
				}
			}
		})(w)
		change(func(_ *elb.DescribeTargetGroupAttributesInput, out *elb.DescribeTargetGroupAttributesOutput) {
			for i := range out.Attributes {
				if *out.Attributes[i].Key == key {
					out.Attributes[i].Value = &value
				}
			}
		})(w)
	}
}

func parameter(name string, f func(p *ssmtypes.Parameter)) func(*world) {
	return change(func(_ *ssm.GetParametersByPathInput, out *ssm.GetParametersByPathOutput) {
		for i := range out.Parameters {
			if strings.HasSuffix(*out.Parameters[i].Name, "/"+name) {
				f(&out.Parameters[i])
			}
		}
	})
}

func alarm(f func(a *watchtypes.MetricAlarm)) func(*world) {
	return change(func(_ *cloudwatch.DescribeAlarmsInput, out *cloudwatch.DescribeAlarmsOutput) {
		f(&out.MetricAlarms[1])
	})
}

func logStreams(group string, f func(out *cloudwatchlogs.DescribeLogStreamsOutput)) func(*world) {
	return change(func(in *cloudwatchlogs.DescribeLogStreamsInput, out *cloudwatchlogs.DescribeLogStreamsOutput) {
		if strings.HasSuffix(*in.LogGroupName, group) {
			f(out)
		}
	})
}

const files, logs = "dossier-storage-files-1", "dossier-logs-1"

// wrongs has one for each point at least; each is wrong in that point alone.
var wrongs = []wrong{
	{"account/credentials", "", change(func(_ *sts.GetCallerIdentityInput, out *sts.GetCallerIdentityOutput) {
		out.Arn = aws.String("arn:aws-cn:iam::123456789012:user/me")
	})},
	{"account/next-up", "", func(w *world) { w.quotas["L-1216C47A"] = 4 }},
	{"account/next-up", "", func(w *world) { w.servers = []string{"ns.registrar.example."} }},
	{"network/vpc", "", change(func(_ *ec2.DescribeVpcsInput, out *ec2.DescribeVpcsOutput) {
		out.Vpcs[0].CidrBlock = aws.String("172.16.0.0/16")
	})},
	{"network/default-group", "",
		change(func(_ *ec2.DescribeSecurityGroupsInput, out *ec2.DescribeSecurityGroupsOutput) {
			out.SecurityGroups[0].IpPermissionsEgress = []types.IpPermission{from("0.0.0.0/0", 0)}
		})},
	{"network/open", "", guard("sg-db", func(g *types.SecurityGroup) {
		g.IpPermissions = []types.IpPermission{from("0.0.0.0/0", 3306)}
	})},
	{"network/open", "lab", guard("sg-jump", func(g *types.SecurityGroup) {
		g.IpPermissions = []types.IpPermission{from("203.0.113.0/24", 22),
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22),
				Ipv6Ranges: []types.Ipv6Range{{CidrIpv6: aws.String("::/0")}}}}
	})},
	{"network/ssh", "lab", guard("sg-jump", func(g *types.SecurityGroup) { g.IpPermissions = nil })},
	{"network/ssh", "dev", guard("sg-jump", func(g *types.SecurityGroup) {
		g.IpPermissions = []types.IpPermission{from("203.0.113.0/24", 22)}
	})},
	{"network/ssh-closed", "dev", func(w *world) { w.open["198.51.100.22:22"] = true }},
	{"network/subnets", "", change(func(_ *ec2.DescribeSubnetsInput, out *ec2.DescribeSubnetsOutput) {
		out.Subnets[0].MapPublicIpOnLaunch = aws.Bool(true)
	})},
	{"network/subnets", "dev", change(func(_ *ec2.DescribeSubnetsInput, out *ec2.DescribeSubnetsOutput) {
		for i := range out.Subnets {
			out.Subnets[i].AvailabilityZone = aws.String("us-east-1a")
		}
	})},
	{"network/private-routes", "", change(func(_ *ec2.DescribeRouteTablesInput, out *ec2.DescribeRouteTablesOutput) {
		out.RouteTables[2].Routes[1].State = types.RouteStateBlackhole
	})},
	{"network/private-routes", "", change(func(_ *ec2.DescribeRouteTablesInput, out *ec2.DescribeRouteTablesOutput) {
		out.RouteTables[3].Routes[1] = types.Route{DestinationCidrBlock: aws.String("0.0.0.0/0"),
			GatewayId: aws.String("igw-1"), State: types.RouteStateActive}
	})},
	{"network/public-routes", "", change(func(_ *ec2.DescribeRouteTablesInput, out *ec2.DescribeRouteTablesOutput) {
		out.RouteTables[1].Routes = nil
	})},
	{"network/public-routes", "", change(func(_ *ec2.DescribeRouteTablesInput, out *ec2.DescribeRouteTablesOutput) {
		out.RouteTables[1].Associations = nil
	})},
	{"network/nat-gateways", "", change(func(_ *ec2.DescribeNatGatewaysInput, out *ec2.DescribeNatGatewaysOutput) {
		out.NatGateways[1].State = types.NatGatewayStateFailed
	})},
	{"network/nat-instance", "lab", host("i-nat", func(i *types.Instance) { i.SourceDestCheck = aws.Bool(true) })},
	{"network/nat-instance", "lab", host("i-nat", func(i *types.Instance) {
		i.State = &types.InstanceState{Name: types.InstanceStateNameStopped}
	})},
	{"network/endpoints", "", change(func(_ *ec2.DescribeVpcEndpointsInput, out *ec2.DescribeVpcEndpointsOutput) {
		out.VpcEndpoints[1].RouteTableIds = out.VpcEndpoints[1].RouteTableIds[:1]
	})},
	{"network/endpoints", "", change(func(_ *ec2.DescribeVpcEndpointsInput, out *ec2.DescribeVpcEndpointsOutput) {
		out.VpcEndpoints[0].State = types.StateDeleting
	})},
	{"network/endpoints", "", change(func(_ *ec2.DescribeVpcEndpointsInput, out *ec2.DescribeVpcEndpointsOutput) {
		out.VpcEndpoints[0].ServiceName = aws.String("com.amazonaws.us-east-1.sqs")
	})},
	{"network/flow-log", "", change(func(_ *ec2.DescribeFlowLogsInput, out *ec2.DescribeFlowLogsOutput) {
		out.FlowLogs[0].DeliverLogsStatus, out.FlowLogs[0].DeliverLogsErrorMessage = aws.String("FAILED"),
			aws.String("Access error")
	})},
	{"network/flow-log", "", change(func(_ *ec2.DescribeFlowLogsInput, out *ec2.DescribeFlowLogsOutput) {
		out.FlowLogs = nil
	})},
	{"network/flow-records", "", nothing("flow/")},

	{"site/live", "", answers("/livez", func(p *page) { p.status = 502 })},
	{"site/ready", "", answers("/readyz", func(p *page) { p.status = 503 })},
	{"site/sign-in", "", answers("/staff/sign-in", func(p *page) { p.status = 500 })},
	{"site/sign-in", "dev", func(w *world) { delete(w.answers, w.stack.Outputs.URL+"/staff/sign-in") }},
	{"site/headers", "", answers("/", func(p *page) { p.header.Del("X-Content-Type-Options") })},
	{"site/headers", "dev", answers("/", func(p *page) {
		p.header.Set("Content-Security-Policy", "upgrade-insecure-requests")
	})},
	{"site/hsts", "", answers("/livez", func(p *page) { p.header.Del("Strict-Transport-Security") })},
	{"site/redirect", "", answers("http://files.example.org/people?x=1", func(p *page) { p.status = 200 })},
	{"site/redirect", "", answers("http://files.example.org/people?x=1", func(p *page) {
		p.header.Set("Location", "https://files.example.com/people?x=1")
	})},
	{"site/tls-new", "", func(w *world) { w.newest = tls.VersionTLS12 }},
	{"site/tls-old", "", func(w *world) { w.oldest = tls.VersionTLS10 }},
	{"site/dns", "", func(w *world) { w.hosts["files.example.org"] = []string{"203.0.113.80"} }},
	{"site/dns", "", func(w *world) { delete(w.hosts, "files.example.org") }},
	{"site/certificate", "", change(func(_ *acm.DescribeCertificateInput, out *acm.DescribeCertificateOutput) {
		out.Certificate.Status = acmtypes.CertificateStatusPendingValidation
	})},
	{"site/renewal", "", change(func(_ *acm.DescribeCertificateInput, out *acm.DescribeCertificateOutput) {
		out.Certificate.RenewalEligibility = acmtypes.RenewalEligibilityIneligible
	})},
	{"site/proof", "", change(func(_ *route53.ListResourceRecordSetsInput, out *route53.ListResourceRecordSetsOutput) {
		// Route 53 answers with the next record there is
		out.ResourceRecordSets[0].Name = aws.String("_c.files.example.org.")
	})},
	{"site/proof", "", change(func(_ *route53.ListResourceRecordSetsInput, out *route53.ListResourceRecordSetsOutput) {
		out.ResourceRecordSets[0].ResourceRecords[0].Value = aws.String("_other.acm-validations.aws.")
	})},

	{"balancer/listeners", "", change(func(_ *elb.DescribeListenersInput, out *elb.DescribeListenersOutput) {
		out.Listeners[1].SslPolicy = aws.String("ELBSecurityPolicy-2016-08")
	})},
	{"balancer/listeners", "dev", change(func(_ *elb.DescribeListenersInput, out *elb.DescribeListenersOutput) {
		out.Listeners = nil
	})},
	{"balancer/attributes", "", attribute("deletion_protection.enabled", "false")},
	{"balancer/attributes", "dev", attribute("routing.http.drop_invalid_header_fields.enabled", "false")},
	{"balancer/attributes", "dev", attribute("access_logs.s3.enabled", "false")},
	{"balancer/delay", "", attribute("deregistration_delay.timeout_seconds", "17")},
	{"balancer/delay", "", attribute("load_balancing.algorithm.type", "round_robin")},
	{"balancer/targets", "", change(func(_ *elb.DescribeTargetHealthInput, out *elb.DescribeTargetHealthOutput) {
		out.TargetHealthDescriptions[0].TargetHealth.State = elbtypes.TargetHealthStateEnumUnhealthy
	})},
	{"balancer/targets", "", change(func(_ *elb.DescribeTargetHealthInput, out *elb.DescribeTargetHealthOutput) {
		out.TargetHealthDescriptions[0].TargetHealth.State = elbtypes.TargetHealthStateEnumDraining
	})},

	{"hosts/metadata", "", host("i-jump", func(i *types.Instance) {
		i.MetadataOptions.HttpTokens = types.HttpTokensStateOptional
	})},
	{"hosts/metadata", "", host("i-app1", func(i *types.Instance) {
		i.MetadataOptions.HttpPutResponseHopLimit = aws.Int32(2)
	})},
	{"hosts/addresses", "",
		host("i-app1", func(i *types.Instance) { i.PublicIpAddress = aws.String("198.51.100.77") })},
	{"hosts/volumes", "", change(func(_ *ec2.DescribeVolumesInput, out *ec2.DescribeVolumesOutput) {
		out.Volumes[0].Encrypted = aws.Bool(false)
	})},
	{"hosts/managed", "",
		change(func(_ *ssm.DescribeInstanceInformationInput, out *ssm.DescribeInstanceInformationOutput) {
			out.InstanceInformationList[0].PingStatus = ssmtypes.PingStatusConnectionLost
		})},
	{"hosts/tags", "", host("i-app2", func(i *types.Instance) { i.Tags = i.Tags[:3] })},
	{"hosts/tags", "", func(w *world) { w.stack.Settings.Tags = map[string]string{"Cost": "17"} }},
	{"hosts/jump", "", host("i-jump", func(i *types.Instance) { i.InstanceType = "m7g.large" })},
	{"hosts/jump", "dev", func(w *world) { w.stack.Outputs.JumpInstance = "i-old" }},

	{"group/version", "", group(func(g *scalingtypes.AutoScalingGroup) {
		g.LaunchTemplate = &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: aws.String(templateID),
			Version: aws.String("$Latest")}
	})},
	{"group/size", "", group(func(g *scalingtypes.AutoScalingGroup) { g.MaxSize = aws.Int32(99) })},
	{"group/instances", "", group(func(g *scalingtypes.AutoScalingGroup) { g.DesiredCapacity = aws.Int32(3) })},
	{"group/instances", "", group(func(g *scalingtypes.AutoScalingGroup) {
		g.Instances[0].HealthStatus = aws.String("Unhealthy")
	})},
	{"group/instances", "", group(func(g *scalingtypes.AutoScalingGroup) {
		g.Instances[1].LaunchTemplate.Version = aws.String("6")
	})},
	{"group/health", "", group(func(g *scalingtypes.AutoScalingGroup) { g.HealthCheckType = aws.String("EC2") })},
	{"group/processes", "", group(func(g *scalingtypes.AutoScalingGroup) {
		g.SuspendedProcesses = []scalingtypes.SuspendedProcess{{ProcessName: aws.String("ReplaceUnhealthy")}}
	})},
	{"group/hook", "",
		change(func(_ *autoscaling.DescribeLifecycleHooksInput, out *autoscaling.DescribeLifecycleHooksOutput) {
			out.LifecycleHooks[0].DefaultResult = aws.String("CONTINUE")
		})},
	{"group/scaling", "", change(func(_ *autoscaling.DescribePoliciesInput, out *autoscaling.DescribePoliciesOutput) {
		out.ScalingPolicies[0].Enabled = aws.Bool(false)
	})},
	{"group/refresh", "",
		change(func(_ *autoscaling.DescribeInstanceRefreshesInput, out *autoscaling.DescribeInstanceRefreshesOutput) {
			out.InstanceRefreshes[0].Status = scalingtypes.InstanceRefreshStatusRollbackSuccessful
		})},
	{"group/launches", "",
		change(func(_ *autoscaling.DescribeScalingActivitiesInput, out *autoscaling.DescribeScalingActivitiesOutput) {
			out.Activities[0].StatusCode = scalingtypes.ScalingActivityStatusCodeFailed
		})},
	{"group/logs", "", logStreams("/app", func(out *cloudwatchlogs.DescribeLogStreamsOutput) {
		out.LogStreams = out.LogStreams[:1]
	})},
	{"group/logs", "", logStreams("/app", func(out *cloudwatchlogs.DescribeLogStreamsOutput) {
		out.LogStreams[0].LastEventTimestamp = aws.Int64(0)
	})},
	{"group/refusals", "",
		change(func(_ *cloudwatchlogs.FilterLogEventsInput, out *cloudwatchlogs.FilterLogEventsOutput) {
			out.Events = []logstypes.FilteredLogEvent{{Message: aws.String("AccessDenied: dynamodb:Scan")}}
		})},

	{"database/status", "", base(func(d *rdstypes.DBInstance) { d.DBInstanceStatus = aws.String("storage-full") })},
	{"database/class", "", base(func(d *rdstypes.DBInstance) { d.DBInstanceClass = aws.String("db.r7g.large") })},
	{"database/version", "", base(func(d *rdstypes.DBInstance) { d.EngineVersion = aws.String("8.40.1") })},
	{"database/support", "", base(func(d *rdstypes.DBInstance) {
		d.EngineLifecycleSupport = aws.String("open-source-rds-extended-support")
	})},
	{"database/encrypted", "", base(func(d *rdstypes.DBInstance) { d.StorageEncrypted = aws.Bool(false) })},
	{"database/private", "", base(func(d *rdstypes.DBInstance) { d.PubliclyAccessible = aws.Bool(true) })},
	{"database/address", "", func(w *world) { w.hosts["db.internal"] = []string{"10.0.4.9", "198.51.100.3"} }},
	{"database/standby", "", base(func(d *rdstypes.DBInstance) { d.MultiAZ = aws.Bool(false) })},
	{"database/protection", "", base(func(d *rdstypes.DBInstance) { d.DeletionProtection = aws.Bool(false) })},
	{"database/backups", "", base(func(d *rdstypes.DBInstance) { d.BackupRetentionPeriod = aws.Int32(0) })},
	{"database/restorable", "", func(w *world) {
		base(func(d *rdstypes.DBInstance) { d.LatestRestorableTime = aws.Time(w.now.Add(-2 * time.Hour)) })(w)
	}},
	{"database/authority", "", base(func(d *rdstypes.DBInstance) {
		d.CACertificateIdentifier = aws.String("rds-ca-2019")
	})},
	{"database/parameters-in-force", "", base(func(d *rdstypes.DBInstance) {
		d.DBParameterGroups = []rdstypes.DBParameterGroupStatus{{DBParameterGroupName: aws.String("dossier-database-1"),
			ParameterApplyStatus: aws.String("pending-reboot")}}
	})},
	{"database/pending", "", base(func(d *rdstypes.DBInstance) {
		d.PendingModifiedValues = &rdstypes.PendingModifiedValues{DBInstanceClass: aws.String("db.r7g.large")}
	})},
	{"database/logs", "", base(func(d *rdstypes.DBInstance) { d.EnabledCloudwatchLogsExports = []string{"error"} })},
	{"database/insights", "", base(func(d *rdstypes.DBInstance) { d.PerformanceInsightsEnabled = aws.Bool(false) })},
	{"database/storage", "", base(func(d *rdstypes.DBInstance) { d.MaxAllocatedStorage = nil })},
	{"database/upgrades", "", base(func(d *rdstypes.DBInstance) { d.AutoMinorVersionUpgrade = aws.Bool(false) })},
	{"database/tls", "", change(func(_ *rds.DescribeDBParametersInput, out *rds.DescribeDBParametersOutput) {
		out.Parameters[0].ParameterValue = aws.String("0")
	})},
	{"database/log-streams", "", logStreams("/error", func(out *cloudwatchlogs.DescribeLogStreamsOutput) {
		out.LogStreams = nil
	})},

	{"storage/public", "", change(func(in *s3.GetPublicAccessBlockInput, out *s3.GetPublicAccessBlockOutput) {
		out.PublicAccessBlockConfiguration.RestrictPublicBuckets = aws.Bool(false)
	})},
	{"storage/public", "", func(w *world) {
		awsfake.Fail[s3.GetPublicAccessBlockInput](w.Cloud,
			awsfake.Refuse("NoSuchPublicAccessBlockConfiguration", "was not found"))
	}},
	{"storage/owner", "", change(func(_ *s3.GetBucketOwnershipControlsInput, out *s3.GetBucketOwnershipControlsOutput) {
		out.OwnershipControls.Rules[0].ObjectOwnership = s3types.ObjectOwnershipObjectWriter
	})},
	{"storage/encrypted", "", change(func(in *s3.GetBucketEncryptionInput, out *s3.GetBucketEncryptionOutput) {
		if *in.Bucket == files {
			out.ServerSideEncryptionConfiguration = nil
		}
	})},
	{"storage/policy", "", change(func(in *s3.GetBucketPolicyInput, out *s3.GetBucketPolicyOutput) {
		if *in.Bucket == logs {
			out.Policy = aws.String(
				`{"Statement":[{"Effect":"Allow","Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)
		}
	})},
	{"storage/plain", "", func(w *world) { w.plain = true }},
	{"storage/versions", "", change(func(in *s3.GetBucketVersioningInput, out *s3.GetBucketVersioningOutput) {
		if *in.Bucket == files {
			out.Status = s3types.BucketVersioningStatusSuspended
		}
	})},
	{"storage/deleted", "",
		change(func(in *s3.GetBucketLifecycleConfigurationInput, out *s3.GetBucketLifecycleConfigurationOutput) {
			if *in.Bucket == files {
				out.Rules[1].Status = s3types.ExpirationStatusDisabled
			}
		})},
	{"storage/deleted", "",
		change(func(in *s3.GetBucketLifecycleConfigurationInput, out *s3.GetBucketLifecycleConfigurationOutput) {
			if *in.Bucket == files {
				out.Rules = out.Rules[1:]
			}
		})},
	{"storage/old-logs", "",
		change(func(in *s3.GetBucketLifecycleConfigurationInput, out *s3.GetBucketLifecycleConfigurationOutput) {
			if *in.Bucket == logs {
				out.Rules[1].Expiration.Days = aws.Int32(1)
			}
		})},
	{"storage/cors", "", change(func(_ *s3.GetBucketCorsInput, out *s3.GetBucketCorsOutput) {
		out.CORSRules[0].AllowedOrigins = []string{"*"}
	})},
	{"storage/cors", "dev", func(w *world) {
		awsfake.Fail[s3.GetBucketCorsInput](w.Cloud,
			awsfake.Refuse("NoSuchCORSConfiguration", "The CORS configuration does not exist"))
	}},
	{"storage/logging", "", change(func(in *s3.GetBucketLoggingInput, out *s3.GetBucketLoggingOutput) {
		if *in.Bucket == files {
			out.LoggingEnabled = nil
		}
	})},
	{"storage/balancer-logs", "", nothing("load-balancer/")},
	{"storage/bucket-logs", "", nothing("s3/")},
	{"storage/release", "", func(w *world) {
		awsfake.Fail[s3.GetObjectInput](w.Cloud,
			awsfake.Refuse("NoSuchVersion", "The specified version does not exist."))
	}},
	{"storage/release", "", change(func(_ *s3.GetObjectInput, out *s3.GetObjectOutput) {
		out.Body = io.NopCloser(strings.NewReader("another release"))
	})},
	{"storage/release", "", func(w *world) { w.stack.Outputs.Release = strings.Repeat("0", 64) }},

	{"table/form", "", change(func(_ *dynamodb.DescribeTableInput, out *dynamodb.DescribeTableOutput) {
		out.Table.GlobalSecondaryIndexes[0].IndexStatus = tabletypes.IndexStatusCreating
	})},
	{"table/protection", "", change(func(_ *dynamodb.DescribeTableInput, out *dynamodb.DescribeTableOutput) {
		out.Table.DeletionProtectionEnabled = aws.Bool(false)
	})},
	{"table/expiry", "", change(func(_ *dynamodb.DescribeTimeToLiveInput, out *dynamodb.DescribeTimeToLiveOutput) {
		out.TimeToLiveDescription.TimeToLiveStatus = tabletypes.TimeToLiveStatusDisabled
	})},
	{"table/recovery", "",
		change(func(_ *dynamodb.DescribeContinuousBackupsInput, out *dynamodb.DescribeContinuousBackupsOutput) {
			d := out.ContinuousBackupsDescription.PointInTimeRecoveryDescription
			d.PointInTimeRecoveryStatus = tabletypes.PointInTimeRecoveryStatusDisabled
		})},

	{"parameters/complete", "", parameter("timeout/upload", func(p *ssmtypes.Parameter) {
		p.Name = aws.String("/dossier/prod/timeout/down")
	})},
	{"parameters/complete", "lab", parameter("jump/host-key", func(p *ssmtypes.Parameter) {
		p.Name = aws.String("/dossier/lab/jump/key")
	})},
	{"parameters/secret", "", parameter("db/password", func(p *ssmtypes.Parameter) {
		p.Type = ssmtypes.ParameterTypeString
	})},
	{"parameters/release", "", parameter("release", func(p *ssmtypes.Parameter) {
		p.Value = aws.String("releases/old.tar.gz 0")
	})},
	{"parameters/url", "", parameter("public-url", func(p *ssmtypes.Parameter) {
		p.Value = aws.String("http://localhost")
	})},

	{"watch/alarms", "", alarm(func(a *watchtypes.MetricAlarm) { a.Namespace = aws.String("AWS/ApplicationELB") })},
	{"watch/alarms", "", change(func(_ *cloudwatch.DescribeAlarmsInput, out *cloudwatch.DescribeAlarmsOutput) {
		out.MetricAlarms = slices.DeleteFunc(out.MetricAlarms, func(a watchtypes.MetricAlarm) bool {
			return strings.HasPrefix(*a.Namespace, "dossier-")
		})
	})},
	{"watch/quiet", "", alarm(func(a *watchtypes.MetricAlarm) { a.StateValue = watchtypes.StateValueAlarm })},
	{"watch/data", "", alarm(func(a *watchtypes.MetricAlarm) { a.StateValue = watchtypes.StateValueInsufficientData })},
	{"watch/actions", "", alarm(func(a *watchtypes.MetricAlarm) { a.ActionsEnabled = aws.Bool(false) })},
	{"watch/subscription", "",
		change(func(_ *sns.ListSubscriptionsByTopicInput, out *sns.ListSubscriptionsByTopicOutput) {
			out.Subscriptions[0].SubscriptionArn = aws.String("PendingConfirmation")
		})},
	{"watch/subscription", "",
		change(func(_ *sns.ListSubscriptionsByTopicInput, out *sns.ListSubscriptionsByTopicOutput) {
			out.Subscriptions = nil
		})},
	{"watch/events", "", change(func(_ *eventbridge.DescribeRuleInput, out *eventbridge.DescribeRuleOutput) {
		out.State = eventtypes.RuleStateDisabled
	})},
	{"watch/events", "",
		change(func(_ *eventbridge.ListRuleNamesByTargetInput, out *eventbridge.ListRuleNamesByTargetOutput) {
			out.RuleNames = nil
		})},
	{"watch/dashboard", "", change(func(_ *cloudwatch.GetDashboardInput, out *cloudwatch.GetDashboardOutput) {
		out.DashboardBody = aws.String(`{}`)
	})},
	{"watch/retention", "",
		change(func(in *cloudwatchlogs.DescribeLogGroupsInput, out *cloudwatchlogs.DescribeLogGroupsOutput) {
			if strings.HasPrefix(*in.LogGroupNamePrefix, "/aws/rds/") {
				out.LogGroups[0].RetentionInDays = nil
			}
		})},
}

func nothing(prefix string) func(*world) {
	return change(func(in *s3.ListObjectsV2Input, out *s3.ListObjectsV2Output) {
		if *in.Prefix == prefix {
			out.Contents = nil
		}
	})
}

// TestGoodStacks: of a stack that is as it should be every point is proven, or does not apply.
func TestGoodStacks(t *testing.T) {
	applies := map[string]bool{}
	for stack := range stacks {
		t.Run(stack, func(t *testing.T) {
			w := deployed(t, stack)
			for _, p := range w.prove() {
				switch p.Result {
				case prove.Proven:
					applies[p.ID] = true
					if p.Mend != "" || p.Expected == "" {
						t.Errorf("%+v", p)
					}
				case prove.Skipped:
				default:
					t.Errorf("%s is %s: seen %s, expected %s", p.ID, p.Result, p.Seen, p.Expected)
				}
			}
			if err := w.Unanswered(); err != nil {
				t.Error(err)
			}
		})
	}
	for _, p := range prove.Points() {
		if !applies[p.ID] {
			t.Errorf("%s is proven of no stack", p.ID)
		}
	}
}

// TestOnlyReads: without drills nothing is changed.
func TestOnlyReads(t *testing.T) {
	w := deployed(t, "prod")
	w.prove()
	for _, call := range w.Calls() {
		_, operation, _ := strings.Cut(call, ".")
		if !slices.ContainsFunc([]string{"Get", "Describe", "List", "Head", "Filter"}, func(p string) bool {
			return strings.HasPrefix(operation, p)
		}) {
			t.Errorf("%s does not only read", call)
		}
	}
}

// TestWrong: an answer that is wrong in one point makes that point wrong, and no other. There is one for each point.
func TestWrong(t *testing.T) {
	shown := map[string]bool{}
	for i, c := range wrongs {
		t.Run(fmt.Sprintf("%s-%d", c.point, i), func(t *testing.T) {
			stack := c.stack
			if stack == "" {
				stack = "prod"
			}
			w := deployed(t, stack)
			c.change(w)
			for _, p := range w.prove() {
				switch {
				case p.ID == c.point:
					if p.Result != prove.Wrong || p.Seen == "" || p.Mend == "" {
						t.Errorf("%+v", p)
					}
					shown[c.point] = true
				case c.point == "network/vpc" && p.ID == "account/next-up" && p.Result == prove.Wrong:
					// No run can change the block.
				case p.Result != prove.Proven && p.Result != prove.Skipped:
					t.Errorf("%s is %s, too: seen %s, expected %s", p.ID, p.Result, p.Seen, p.Expected)
				}
			}
		})
	}
	for _, p := range prove.Points() {
		if !shown[p.ID] {
			t.Errorf("no answer shows that %s can be wrong", p.ID)
		}
	}
}

// TestDenied: what may not be asked is not seen, neither proven nor wrong, and names the action that is missing.
func TestDenied(t *testing.T) {
	w := deployed(t, "prod")
	w.prove()
	calls := slices.Compact(slices.Sorted(slices.Values(w.Calls())))
	if len(calls) < 40 {
		t.Fatalf("only %q are called", calls)
	}
	for _, call := range calls {
		if call == "sts.GetCallerIdentity" { // needs no right
			continue
		}
		t.Run(call, func(t *testing.T) {
			w := deployed(t, "prod")
			w.Deny(call)
			unseen := 0
			for _, p := range w.prove() {
				switch p.Result {
				case prove.Unseen:
					unseen++
					if !strings.Contains(p.Seen, "denied, needs ") || !strings.Contains(p.Seen, ":") {
						t.Errorf("%s: %s", p.ID, p.Seen)
					}
				case prove.Wrong:
					// The preflight warns, and so says the point that has its findings.
					if p.ID != "account/next-up" {
						t.Errorf("%s is wrong: %s", p.ID, p.Seen)
					}
					unseen++
				}
			}
			if unseen == 0 {
				t.Error("nobody noticed")
			}
		})
	}
}

// TestNoCredentials: without an answer to who is asking, nothing else is asked.
func TestNoCredentials(t *testing.T) {
	w := deployed(t, "prod")
	awsfake.Fail[sts.GetCallerIdentityInput](w.Cloud,
		awsfake.Refuse("ExpiredToken", "The security token included in the request is expired"))
	points := w.prove()
	for i, p := range points {
		if p.Result != prove.Unseen ||
			i == 0 && p.Seen != "not checked: The security token included in the request is "+
				"expired" || i > 0 && p.Seen != "not checked: see account/credentials" {
			t.Errorf("%+v", p)
		}
	}
	if len(points) != len(prove.Points()) || len(w.Calls()) != 1 {
		t.Errorf("%d points, called %q", len(points), w.Calls())
	}
}

func TestYoungStackWaitsForLogs(t *testing.T) {
	w := deployed(t, "dev")
	nothing("s3/")(w)
	change(func(_ *elb.DescribeLoadBalancersInput, out *elb.DescribeLoadBalancersOutput) {
		out.LoadBalancers[0].CreatedTime = aws.Time(w.now.Add(-time.Hour))
	})(w)
	for _, p := range w.prove() {
		if p.ID == "storage/bucket-logs" &&
			(p.Result != prove.Unseen || !strings.Contains(p.Seen, "younger than 24h")) {
			t.Errorf("%+v", p)
		}
	}
}

// TestInternet: the real way to a site tells old TLS from new, follows no redirect, and tells an open port from a
// closed one.
func TestInternet(t *testing.T) {
	server := httptest.NewUnstartedServer(http.RedirectHandler("/elsewhere", http.StatusMovedPermanently))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	address := server.Listener.Addr().String()
	n := prove.Internet(server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs)
	if version, err := n.Handshake(t.Context(), address, tls.VersionTLS13); err != nil || version != tls.VersionTLS12 {
		t.Errorf("with 1.3: %s, %v", tls.VersionName(version), err)
	}
	if version, err := n.Handshake(t.Context(), address, tls.VersionTLS11); err == nil {
		t.Errorf("with 1.1: %s", tls.VersionName(version))
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	response, err := n.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusMovedPermanently {
		t.Error(response.Status)
	}
	if err := n.Dial(t.Context(), address); err != nil {
		t.Error(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	_ = listener.Close()
	if err := n.Dial(t.Context(), closed); err == nil {
		t.Error("a closed port is open")
	}
}

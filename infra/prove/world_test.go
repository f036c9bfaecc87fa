package prove_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
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
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"dossier.example/infra/host/userdata"
	"dossier.example/infra/internal/awsfake"
	"dossier.example/infra/prove"
	"dossier.example/infra/settings"
)

const (
	region      = "us-east-1"
	targetGroup = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/dossier/0123456789abcdef"
	templateID  = "lt-0123456789abcdef0"
	balancerDNS = "dossier-1.us-east-1.elb.amazonaws.com"
	topicARN    = "arn:aws:sns:us-east-1:123456789012:dossier-observe"
)

// The stacks that are proven here: the smallest, one with all there is, and one with a NAT instance and operators.
var stacks = map[string]string{
	"dev":  `{"preset": "dev"}`,
	"prod": `{"preset": "prod", "site": {"domain": "files.example.org", "zoneId": "Z0123456789ABCDEFGHIJ", "apiOrigins": ["https://www.example.org"]}, "observe": {"email": "oncall@example.org"}}`,
	"lab":  `{"preset": "dev", "network": {"nat": "instance"}, "jump": {"operatorCIDRs": ["203.0.113.0/24"]}}`,
}

// world is an account with one stack in it that is as its settings say, and the way to it.
type world struct {
	*awsfake.Cloud
	t       *testing.T
	stack   prove.Stack
	now     time.Time
	release string

	// answers are the site's, by address; open are the ports that answer; tls is the oldest and newest version that the
	// site speaks.
	answers map[string]page
	open    map[string]bool
	oldest  uint16
	newest  uint16
	hosts   map[string][]string
	servers []string
	plain   bool
	quotas  map[string]float64

	// executed are the programs that were run, executeError how they end.
	executed     []string
	executeError error
	mu           sync.Mutex

	describeDatabase func(*rds.DescribeDBInstancesInput) (*rds.DescribeDBInstancesOutput, error)
}

func (w *world) execute(_ context.Context, program string, args ...string) error {
	w.executed = append(w.executed, strings.Join(append([]string{program}, args...), " "))
	return w.executeError
}

type page struct {
	status int
	header http.Header
}

func (w *world) prove() []prove.Point {
	return prove.Prover{Config: w.Config(region), Stack: w.stack, Network: w, DNS: w, Now: func() time.Time {
		return w.now
	}}.Prove(context.Background())
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	p, ok := w.answers[r.URL.String()]
	w.mu.Unlock()
	if !ok {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: p.status, Header: p.header, Body: io.NopCloser(strings.NewReader("")),
		Request: r}, nil
}

func (w *world) LookupHost(_ context.Context, name string) ([]string, error) {
	if found := w.hosts[name]; found != nil {
		return found, nil
	}
	return nil, &net.DNSError{Name: name, IsNotFound: true, Err: "no such host"}
}

func (w *world) LookupNS(context.Context, string) (list []*net.NS, _ error) {
	for _, s := range w.servers {
		list = append(list, &net.NS{Host: s})
	}
	return list, nil
}

func (w *world) Dial(_ context.Context, address string) error {
	if w.open[address] {
		return nil
	}
	return errors.New("i/o timeout")
}

func (w *world) Handshake(_ context.Context, address string, newest uint16) (uint16, error) {
	if address != w.stack.Settings.Site.Domain+":443" || newest < w.oldest {
		return 0, errors.New("remote error: tls: protocol version not supported")
	}
	return min(newest, w.newest), nil
}

func (w *world) settings() settings.Settings { return w.stack.Settings }

func (w *world) prefix() string { return "dossier-" + w.settings().Stack }

func name(of string) []types.Tag {
	return []types.Tag{{Key: aws.String("Name"), Value: aws.String(of)}}
}

// deployed returns the world of one of the stacks.
func deployed(t *testing.T, stack string) *world {
	t.Helper()
	sum := sha256.Sum256([]byte("the release"))
	w := &world{
		Cloud: &awsfake.Cloud{}, t: t, now: time.Now(), release: hex.EncodeToString(sum[:]),
		open: map[string]bool{}, oldest: tls.VersionTLS12, newest: tls.VersionTLS13,
		servers: []string{"ns-1.awsdns-01.com."}, quotas: map[string]float64{"L-1216C47A": 64, "L-0263D0A3": 5,
			"L-F678F1CE": 5, "L-FE5A380F": 5},
	}
	parsed, err := settings.Parse(stack, region, stacks[stack])
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + balancerDNS
	if parsed.Site.Domain != "" {
		address = "https://" + parsed.Site.Domain
	}
	w.stack = prove.Stack{Settings: parsed, Outputs: prove.Outputs{
		URL: address, Group: "dossier-" + stack + "-app", JumpInstance: "i-jump", JumpAddress: "198.51.100.22",
		Parameters: "/dossier/" + stack, Release: w.release,
		Rollout: map[string]string{"DOSSIER_ROLLOUT_TEMPLATE": templateID, "DOSSIER_ROLLOUT_VERSION": "7",
			"DOSSIER_ROLLOUT_TARGET_GROUP": targetGroup},
	}}
	w.network()
	w.compute()
	w.site()
	w.database()
	w.stores()
	w.watching()
	w.account()
	return w
}

func (w *world) network() {
	c, s := w.Cloud, w.settings()
	awsfake.On(c, func(_ context.Context, in *ec2.DescribeVpcsInput) (*ec2.DescribeVpcsOutput, error) {
		own := types.Vpc{VpcId: aws.String("vpc-1"), CidrBlock: aws.String(s.Network.CIDR.String()),
			Tags: name(w.prefix() + "-vpc")}
		return &ec2.DescribeVpcsOutput{Vpcs: []types.Vpc{own}}, nil
	})
	lb := types.SecurityGroup{GroupId: aws.String("sg-lb"), GroupName: aws.String("dossier-network-lb-1"),
		Tags: name(w.prefix() + "-lb"), IpPermissions: []types.IpPermission{from("0.0.0.0/0", 80)}}
	jump := types.SecurityGroup{GroupId: aws.String("sg-jump"), GroupName: aws.String("dossier-network-jump-1"),
		Tags: name(w.prefix() + "-jump")}
	for _, block := range s.Jump.OperatorCIDRs {
		jump.IpPermissions = append(jump.IpPermissions, from(block.String(), 22))
	}
	db := types.SecurityGroup{GroupId: aws.String("sg-db"), GroupName: aws.String("dossier-network-db-1"),
		Tags: name(w.prefix() + "-db"), IpPermissions: []types.IpPermission{
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(3306), ToPort: aws.Int32(3306),
				UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-app")}}},
		}}
	awsfake.Give(c,
		&ec2.DescribeSecurityGroupsOutput{SecurityGroups: []types.SecurityGroup{{GroupName: aws.String("default")}, lb,
			jump, db}})
	subnets := &ec2.DescribeSubnetsOutput{}
	tables := &ec2.DescribeRouteTablesOutput{RouteTables: []types.RouteTable{
		{Associations: []types.RouteTableAssociation{{Main: aws.Bool(true)}}}, // AWS's own, which nothing uses
		{Tags: name(w.prefix() + "-public"),
			Routes: []types.Route{{DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: aws.String("igw-1"),
				State: types.RouteStateActive}}},
	}}
	var ids []string
	for i := range s.Network.Zones {
		zone := "us-east-1" + string(rune('a'+i))
		for _, kind := range []string{"public", "private"} {
			subnets.Subnets = append(subnets.Subnets,
				types.Subnet{SubnetId: aws.String(fmt.Sprintf("subnet-%s-%d", kind, i+1)),
					AvailabilityZone: aws.String(zone), MapPublicIpOnLaunch: aws.Bool(false)})
		}
		tables.RouteTables[1].Associations = append(tables.RouteTables[1].Associations,
			types.RouteTableAssociation{SubnetId: aws.String(fmt.Sprintf("subnet-public-%d", i+1))})
		out := types.Route{DestinationCidrBlock: aws.String("0.0.0.0/0"), NatGatewayId: aws.String("nat-1"),
			State: types.RouteStateActive}
		if s.Network.NAT == settings.NATInstance {
			out.NatGatewayId, out.NetworkInterfaceId = nil, aws.String("eni-nat")
		}
		tables.RouteTables = append(tables.RouteTables, types.RouteTable{
			Tags: name(fmt.Sprintf("%s-private-%d", w.prefix(), i+1)),
			Associations: []types.RouteTableAssociation{{SubnetId: aws.String(fmt.Sprintf("subnet-private-%d",
				i+1))}},
			Routes: []types.Route{{DestinationCidrBlock: aws.String(s.Network.CIDR.String()),
				GatewayId: aws.String("local")}, out},
		})
		ids = append(ids, fmt.Sprintf("rtb-private-%d", i+1))
	}
	awsfake.Give(c, subnets)
	awsfake.Give(c, tables)
	gateways := &ec2.DescribeNatGatewaysOutput{NatGateways: []types.NatGateway{{State: types.NatGatewayStateDeleted}}}
	number := map[settings.NAT]int{settings.NATSingle: 1, settings.NATPerZone: s.Network.Zones}[s.Network.NAT]
	for i := range number {
		gateways.NatGateways = append(gateways.NatGateways, types.NatGateway{
			State: types.NatGatewayStateAvailable, Tags: name(fmt.Sprintf("%s-nat-%d", w.prefix(), i+1)),
			NatGatewayAddresses: []types.NatGatewayAddress{{AvailabilityZone: aws.String("us-east-1a")}},
		})
	}
	awsfake.Give(c, gateways)
	endpoint := func(service string) types.VpcEndpoint {
		return types.VpcEndpoint{ServiceName: aws.String("com.amazonaws." + region + "." + service), State: "available",
			RouteTableIds: append(ids[:len(ids):len(ids)], "rtb-public")}
	}
	awsfake.Give(c,
		&ec2.DescribeVpcEndpointsOutput{VpcEndpoints: []types.VpcEndpoint{endpoint("s3"), endpoint("dynamodb")}})
	awsfake.Give(c,
		&ec2.DescribeFlowLogsOutput{FlowLogs: []types.FlowLog{{FlowLogStatus: aws.String("ACTIVE"),
			DeliverLogsStatus: aws.String("SUCCESS")}}})
}

func from(block string, port int32) types.IpPermission {
	return types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port,
		IpRanges: []types.IpRange{{CidrIp: &block}}}
}

func (w *world) compute() {
	c, s := w.Cloud, w.settings()
	host := func(id, of, kind string, more ...types.Tag) types.Instance {
		return types.Instance{
			InstanceId: &id, InstanceType: types.InstanceType(kind), Tags: append(name(w.prefix()+"-"+of), more...),
			State: &types.InstanceState{Name: types.InstanceStateNameRunning},
			MetadataOptions: &types.InstanceMetadataOptionsResponse{HttpTokens: types.HttpTokensStateRequired,
				HttpPutResponseHopLimit: aws.Int32(1)},
			BlockDeviceMappings: []types.InstanceBlockDeviceMapping{{Ebs: &types.EbsInstanceBlockDevice{
				VolumeId: aws.String("vol-" + id)}}},
			CpuOptions:      &types.CpuOptions{CoreCount: aws.Int32(2), ThreadsPerCore: aws.Int32(1)},
			SourceDestCheck: aws.Bool(true),
		}
	}
	var hosts []types.Instance
	group := scalingtypes.AutoScalingGroup{
		AutoScalingGroupName: &w.stack.Outputs.Group, MinSize: aws.Int32(int32(s.Service.Min)),
		MaxSize: aws.Int32(int32(s.Service.Max)), DesiredCapacity: aws.Int32(int32(s.Service.Min)),
		HealthCheckType: aws.String("ELB"),
		LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: aws.String(templateID),
			Version: aws.String("7")},
		Tags: []scalingtypes.TagDescription{{Key: aws.String("Project"), Value: aws.String("dossier")},
			{Key: aws.String("Stack"), Value: &s.Stack}},
	}
	health := &elb.DescribeTargetHealthOutput{}
	streams := map[string][]logstypes.LogStream{
		"/aws/rds/instance/" + w.prefix() + "/error":     {{LogStreamName: aws.String(w.prefix())}},
		"/aws/rds/instance/" + w.prefix() + "/slowquery": {{LogStreamName: aws.String(w.prefix())}},
	}
	managed := &ssm.DescribeInstanceInformationOutput{}
	for i := range s.Service.Min {
		id := fmt.Sprintf("i-app%d", i+1)
		hosts = append(hosts,
			host(id, "app", s.Service.InstanceType,
				types.Tag{Key: aws.String("aws:autoscaling:groupName"), Value: &w.stack.Outputs.Group},
				types.Tag{Key: aws.String("Project"), Value: aws.String("dossier")},
				types.Tag{Key: aws.String("Stack"), Value: &s.Stack}))
		group.Instances = append(group.Instances, scalingtypes.Instance{
			InstanceId: &id, LifecycleState: scalingtypes.LifecycleStateInService, HealthStatus: aws.String("Healthy"),
			LaunchTemplate: &scalingtypes.LaunchTemplateSpecification{LaunchTemplateId: aws.String(templateID),
				Version: aws.String("7")},
		})
		health.TargetHealthDescriptions = append(health.TargetHealthDescriptions, elbtypes.TargetHealthDescription{
			Target:       &elbtypes.TargetDescription{Id: &id},
			TargetHealth: &elbtypes.TargetHealth{State: elbtypes.TargetHealthStateEnumHealthy},
		})
		app := "/dossier/" + s.Stack + "/app"
		streams[app] = append(streams[app],
			logstypes.LogStream{LogStreamName: &id, LastEventTimestamp: aws.Int64(w.now.Add(-time.Minute).UnixMilli())})
	}
	jump := host("i-jump", "jump", s.Jump.InstanceType)
	jump.PublicIpAddress = &w.stack.Outputs.JumpAddress
	hosts = append(hosts, jump)
	if s.Network.NAT == settings.NATInstance {
		nat := host("i-nat", "nat-instance", s.Network.NATInstanceType)
		nat.SourceDestCheck = aws.Bool(false)
		hosts = append(hosts, nat)
	}
	volumes := &ec2.DescribeVolumesOutput{}
	for _, h := range hosts {
		managed.InstanceInformationList = append(managed.InstanceInformationList,
			ssmtypes.InstanceInformation{InstanceId: h.InstanceId, PingStatus: ssmtypes.PingStatusOnline})
		volumes.Volumes = append(volumes.Volumes, types.Volume{VolumeId: h.BlockDeviceMappings[0].Ebs.VolumeId,
			Encrypted: aws.Bool(true)})
	}
	awsfake.Give(c, &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: hosts}}})
	awsfake.Give(c, volumes)
	awsfake.Give(c, managed)
	awsfake.Give(c,
		&autoscaling.DescribeAutoScalingGroupsOutput{AutoScalingGroups: []scalingtypes.AutoScalingGroup{group}})
	awsfake.Give(c, health)
	awsfake.On(c, func(_ context.Context,
		in *cloudwatchlogs.DescribeLogStreamsInput) (*cloudwatchlogs.DescribeLogStreamsOutput, error) {
		return &cloudwatchlogs.DescribeLogStreamsOutput{LogStreams: streams[*in.LogGroupName]}, nil
	})
	awsfake.Give(c, &cloudwatchlogs.FilterLogEventsOutput{})
	awsfake.Give(c, &autoscaling.DescribeLifecycleHooksOutput{LifecycleHooks: []scalingtypes.LifecycleHook{{
		LifecycleHookName: aws.String("ready"), HeartbeatTimeout: aws.Int32(int32(s.Service.BootTimeout.Seconds())),
		DefaultResult: aws.String("ABANDON"),
	}}})
	policy := func(metric scalingtypes.MetricType, target int) scalingtypes.ScalingPolicy {
		return scalingtypes.ScalingPolicy{TargetTrackingConfiguration: &scalingtypes.TargetTrackingConfiguration{
			TargetValue: aws.Float64(float64(target)),
			PredefinedMetricSpecification: &scalingtypes.PredefinedMetricSpecification{
				PredefinedMetricType: metric},
		}}
	}
	awsfake.Give(c, &autoscaling.DescribePoliciesOutput{ScalingPolicies: []scalingtypes.ScalingPolicy{
		policy(scalingtypes.MetricTypeASGAverageCPUUtilization, s.Service.CPUTarget),
		policy(scalingtypes.MetricTypeALBRequestCountPerTarget, s.Service.RequestsTarget),
	}})
	awsfake.Give(c,
		&autoscaling.DescribeInstanceRefreshesOutput{InstanceRefreshes: []scalingtypes.InstanceRefresh{
			{Status: scalingtypes.InstanceRefreshStatusSuccessful}}})
	awsfake.Give(c,
		&autoscaling.DescribeScalingActivitiesOutput{Activities: []scalingtypes.Activity{
			{StatusCode: scalingtypes.ScalingActivityStatusCodeSuccessful}}})
	script, err := userdata.App{
		Region: region, Bucket: "dossier-storage-releases-1", Key: "releases/" + w.release + ".tar.gz",
		SHA256: w.release, Parameters: "/dossier/" + s.Stack,
		Group: w.stack.Outputs.Group, Hook: "ready", LogGroup: "/dossier/" + s.Stack + "/app", Port: 8080,
		ShutdownTimeout: s.Service.ShutdownTimeout, StopTimeout: s.Service.StopTimeout,
		BootTimeout: s.Service.BootTimeout,
	}.UserData()
	if err != nil {
		w.t.Fatal(err)
	}
	awsfake.On(c, func(_ context.Context,
		in *ec2.DescribeLaunchTemplateVersionsInput) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
		if *in.LaunchTemplateId != templateID || in.Versions[0] != "7" {
			return nil, awsfake.Refuse("InvalidLaunchTemplateId.VersionNotFound",
				"Could not find launch template version")
		}
		return &ec2.DescribeLaunchTemplateVersionsOutput{LaunchTemplateVersions: []types.LaunchTemplateVersion{{
			LaunchTemplateData: &types.ResponseLaunchTemplateData{UserData: aws.String(
				base64.StdEncoding.EncodeToString([]byte(script)))},
		}}}, nil
	})
}

func (w *world) site() {
	c, s := w.Cloud, w.settings()
	header := http.Header{
		"X-Content-Type-Options": {"nosniff"}, "Referrer-Policy": {"same-origin"},
		"Cross-Origin-Opener-Policy": {"same-origin"}, "Cache-Control": {"no-store"},
		"Content-Security-Policy": {"default-src 'self'"},
	}
	w.hosts = map[string][]string{balancerDNS: {"198.51.100.1", "198.51.100.2"}, "db.internal": {"10.0.4.9"}}
	listeners := &elb.DescribeListenersOutput{Listeners: []elbtypes.Listener{{Protocol: elbtypes.ProtocolEnumHttp,
		Port: aws.Int32(80), DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward}}}}}
	if s.Site.Domain != "" {
		header.Set("Strict-Transport-Security", "max-age=31536000")
		w.hosts[s.Site.Domain] = []string{"198.51.100.2", "198.51.100.1"}
		listeners.Listeners[0].DefaultActions[0].Type = elbtypes.ActionTypeEnumRedirect
		listeners.Listeners = append(listeners.Listeners, elbtypes.Listener{
			Protocol: elbtypes.ProtocolEnumHttps, Port: aws.Int32(443),
			SslPolicy:      aws.String("ELBSecurityPolicy-TLS13-1-2-2021-06"),
			DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward}},
			Certificates: []elbtypes.Certificate{{CertificateArn: aws.String(
				"arn:aws:acm:us-east-1:123456789012:certificate/1")}},
		})
	}
	w.answers = map[string]page{}
	for _, path := range []string{"/", "/livez", "/readyz", "/staff/sign-in"} {
		w.answers[w.stack.Outputs.URL+path] = page{200, header.Clone()}
	}
	if s.Site.Domain != "" {
		w.answers["http://"+s.Site.Domain+"/people?x=1"] = page{301,
			http.Header{"Location": {"https://" + s.Site.Domain + ":443/people?x=1"}}}
	}
	awsfake.Give(c, listeners)
	awsfake.Give(c,
		&elb.DescribeTargetGroupsOutput{TargetGroups: []elbtypes.TargetGroup{{LoadBalancerArns: []string{
			"arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/dossier/1"}}}})
	awsfake.Give(c, &elb.DescribeLoadBalancersOutput{LoadBalancers: []elbtypes.LoadBalancer{{
		LoadBalancerArn: aws.String("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/dossier/1"),
		DNSName:         aws.String(balancerDNS), CreatedTime: aws.Time(w.now.Add(-48 * time.Hour)),
	}}})
	awsfake.Give(c, &elb.DescribeLoadBalancerAttributesOutput{Attributes: attributes(map[string]string{
		"routing.http.drop_invalid_header_fields.enabled": "true", "routing.http.desync_mitigation_mode": "defensive",
		"access_logs.s3.enabled": "true",
		"access_logs.s3.bucket":  "dossier-logs-1", "deletion_protection.enabled": strconv.FormatBool(s.Protect),
		"idle_timeout.timeout_seconds": "60",
	}, func(k, v string) elbtypes.LoadBalancerAttribute {
		return elbtypes.LoadBalancerAttribute{Key: &k, Value: &v}
	})})
	awsfake.Give(c, &elb.DescribeTargetGroupAttributesOutput{Attributes: attributes(map[string]string{
		"deregistration_delay.timeout_seconds": strconv.Itoa(int(s.Service.DeregistrationDelay.Seconds())),
		"load_balancing.algorithm.type":        "least_outstanding_requests",
	}, func(k, v string) elbtypes.TargetGroupAttribute {
		return elbtypes.TargetGroupAttribute{Key: &k, Value: &v}
	})})
	record := &acmtypes.ResourceRecord{Name: aws.String("_a.files.example.org."),
		Value: aws.String("_b.acm-validations.aws."), Type: acmtypes.RecordTypeCname}
	awsfake.Give(c, &acm.DescribeCertificateOutput{Certificate: &acmtypes.CertificateDetail{
		Status: acmtypes.CertificateStatusIssued, DomainName: &s.Site.Domain,
		RenewalEligibility:      acmtypes.RenewalEligibilityEligible,
		DomainValidationOptions: []acmtypes.DomainValidation{{ResourceRecord: record}},
	}})
	awsfake.Give(c,
		&route53.ListResourceRecordSetsOutput{ResourceRecordSets: []route53types.ResourceRecordSet{{Name: record.Name,
			ResourceRecords: []route53types.ResourceRecord{{Value: aws.String("_b.acm-validations.aws.")}}}}})
	awsfake.Give(c, &route53.GetHostedZoneOutput{
		HostedZone:    &route53types.HostedZone{Name: aws.String("example.org.")},
		DelegationSet: &route53types.DelegationSet{NameServers: []string{"ns-1.awsdns-01.com"}},
	})
}

func attributes[T any](values map[string]string, of func(k, v string) T) (list []T) {
	for k, v := range values {
		list = append(list, of(k, v))
	}
	return list
}

func (w *world) database() {
	c, s := w.Cloud, w.settings()
	d := rdstypes.DBInstance{
		DBInstanceIdentifier: aws.String(w.prefix()), DBInstanceStatus: aws.String("available"),
		DBInstanceClass: &s.Database.Class, Engine: aws.String("mysql"),
		EngineVersion:          aws.String(s.Database.Version + ".7"),
		EngineLifecycleSupport: aws.String("open-source-rds-extended-support-disabled"),
		StorageEncrypted:       aws.Bool(true), PubliclyAccessible: aws.Bool(false), MultiAZ: &s.Database.MultiAZ,
		DeletionProtection:         &s.Protect,
		BackupRetentionPeriod:      aws.Int32(int32(s.Database.BackupDays)),
		PreferredBackupWindow:      aws.String("02:00-03:00"),
		PreferredMaintenanceWindow: aws.String("sun:03:30-sun:04:30"),
		LatestRestorableTime:       aws.Time(w.now.Add(-5 * time.Minute)),
		CACertificateIdentifier:    aws.String("rds-ca-rsa2048-g1"),
		DBParameterGroups: []rdstypes.DBParameterGroupStatus{{DBParameterGroupName: aws.String(
			"dossier-database-1"), ParameterApplyStatus: aws.String("in-sync")}},
		PendingModifiedValues:        &rdstypes.PendingModifiedValues{},
		EnabledCloudwatchLogsExports: []string{"slowquery", "error"},
		PerformanceInsightsEnabled:   &s.Database.PerformanceInsights, StorageType: aws.String("gp3"),
		MaxAllocatedStorage:     aws.Int32(int32(s.Database.MaxStorageGiB)),
		AutoMinorVersionUpgrade: aws.Bool(true),
		DBSubnetGroup:           &rdstypes.DBSubnetGroup{DBSubnetGroupName: aws.String("dossier-database-1")},
		VpcSecurityGroups:       []rdstypes.VpcSecurityGroupMembership{{VpcSecurityGroupId: aws.String("sg-db")}},
		TagList: []rdstypes.Tag{{Key: aws.String("Project"), Value: aws.String("dossier")},
			{Key: aws.String("Stack"), Value: &s.Stack}},
	}
	w.describeDatabase = func(in *rds.DescribeDBInstancesInput) (*rds.DescribeDBInstancesOutput, error) {
		if *in.DBInstanceIdentifier != w.prefix() {
			return nil, awsfake.Refuse("DBInstanceNotFound", "DBInstance "+*in.DBInstanceIdentifier+" not found.")
		}
		return &rds.DescribeDBInstancesOutput{DBInstances: []rdstypes.DBInstance{d}}, nil
	}
	awsfake.On(c, func(_ context.Context, in *rds.DescribeDBInstancesInput) (*rds.DescribeDBInstancesOutput, error) {
		return w.describeDatabase(in)
	})
	parameter := func(k, v string) rdstypes.Parameter {
		return rdstypes.Parameter{ParameterName: &k, ParameterValue: &v}
	}
	awsfake.Give(c,
		&rds.DescribeDBParametersOutput{Parameters: []rdstypes.Parameter{parameter("require_secure_transport", "1"),
			parameter("max_connections", strconv.Itoa(s.Database.Connections))}})
}

func (w *world) stores() {
	c, s := w.Cloud, w.settings()
	awsfake.Give(c,
		&s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), IgnorePublicAcls: aws.Bool(true),
			RestrictPublicBuckets: aws.Bool(true),
		}})
	awsfake.Give(c,
		&s3.GetBucketOwnershipControlsOutput{OwnershipControls: &s3types.OwnershipControls{
			Rules: []s3types.OwnershipControlsRule{{ObjectOwnership: s3types.ObjectOwnershipBucketOwnerEnforced}}}})
	awsfake.On(c, func(context.Context, *s3.GetBucketEncryptionInput) (*s3.GetBucketEncryptionOutput, error) {
		return &s3.GetBucketEncryptionOutput{
			ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{
				Rules: []s3types.ServerSideEncryptionRule{
					{ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{
						SSEAlgorithm: s3types.ServerSideEncryptionAes256}}},
			}}, nil
	})
	awsfake.On(c, func(context.Context, *s3.GetBucketPolicyInput) (*s3.GetBucketPolicyOutput, error) {
		return &s3.GetBucketPolicyOutput{Policy: aws.String(
			`{"Statement":[{"Effect":"Deny","Principal":"*","Action":["s3:*"],` +
				`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)}, nil
	})
	awsfake.On(c, func(ctx context.Context, _ *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
		if awsfake.Plain(ctx) && !w.plain {
			return nil, awsfake.Refuse("Forbidden", "Forbidden")
		}
		return &s3.HeadBucketOutput{}, nil
	})
	awsfake.On(c, func(context.Context, *s3.GetBucketVersioningInput) (*s3.GetBucketVersioningOutput, error) {
		return &s3.GetBucketVersioningOutput{Status: s3types.BucketVersioningStatusEnabled}, nil
	})
	awsfake.On(c, func(_ context.Context,
		in *s3.GetBucketLifecycleConfigurationInput) (*s3.GetBucketLifecycleConfigurationOutput, error) {
		rules := []s3types.LifecycleRule{{Status: s3types.ExpirationStatusEnabled,
			AbortIncompleteMultipartUpload: &s3types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)}}}
		if *in.Bucket == "dossier-logs-1" {
			rules = append(rules, s3types.LifecycleRule{Status: s3types.ExpirationStatusEnabled,
				Expiration: &s3types.LifecycleExpiration{Days: aws.Int32(int32(s.Storage.AccessLogDays))}})
		} else {
			rules = append(rules, s3types.LifecycleRule{Status: s3types.ExpirationStatusEnabled,
				NoncurrentVersionExpiration: &s3types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(
					int32(s.Storage.DeletedDays))}})
		}
		return &s3.GetBucketLifecycleConfigurationOutput{Rules: rules}, nil
	})
	awsfake.Give(c,
		&s3.GetBucketCorsOutput{CORSRules: []s3types.CORSRule{{AllowedMethods: []string{"PUT"},
			AllowedOrigins: append([]string{w.stack.Outputs.URL}, s.Site.APIOrigins...)}}})
	awsfake.On(c, func(context.Context, *s3.GetBucketLoggingInput) (*s3.GetBucketLoggingOutput, error) {
		return &s3.GetBucketLoggingOutput{LoggingEnabled: &s3types.LoggingEnabled{TargetBucket: aws.String(
			"dossier-logs-1")}}, nil
	})
	awsfake.On(c, func(_ context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
		return &s3.ListObjectsV2Output{Contents: []s3types.Object{{Key: aws.String(*in.Prefix + "x")}}}, nil
	})
	awsfake.On(c, func(_ context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
		if *in.Bucket != "dossier-storage-releases-1" || *in.Key != "releases/"+w.release+".tar.gz" {
			return nil, awsfake.Refuse("NoSuchKey", "The specified key does not exist.")
		}
		return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader("the release"))}, nil
	})
	awsfake.On(c, func(_ context.Context, in *dynamodb.DescribeTableInput) (*dynamodb.DescribeTableOutput, error) {
		return &dynamodb.DescribeTableOutput{Table: &tabletypes.TableDescription{
			TableName: in.TableName, TableStatus: tabletypes.TableStatusActive,
			BillingModeSummary: &tabletypes.BillingModeSummary{BillingMode: tabletypes.BillingModePayPerRequest},
			GlobalSecondaryIndexes: []tabletypes.GlobalSecondaryIndexDescription{{IndexName: aws.String(
				"unfinished"), IndexStatus: tabletypes.IndexStatusActive}},
			DeletionProtectionEnabled: &s.Protect,
		}}, nil
	})
	awsfake.Give(c,
		&dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: &tabletypes.TimeToLiveDescription{
			TimeToLiveStatus: tabletypes.TimeToLiveStatusEnabled, AttributeName: aws.String("expires_at")}})
	awsfake.Give(c,
		&dynamodb.DescribeContinuousBackupsOutput{
			ContinuousBackupsDescription: &tabletypes.ContinuousBackupsDescription{
				PointInTimeRecoveryDescription: &tabletypes.PointInTimeRecoveryDescription{
					PointInTimeRecoveryStatus: tabletypes.PointInTimeRecoveryStatusEnabled},
			}})
	values := map[string]string{
		"bucket": "dossier-storage-files-1", "table": "dossier-storage-files-1", "db/admin/user": "dossier_admin",
		"db/host": "db.internal", "db/max-connections": "10",
		"db/name": "dossier", "db/user": "dossier_1", "max-file-size": "1", "max-store-size": "1",
		"public-url":       w.stack.Outputs.URL,
		"timeout/shutdown": "30s", "timeout/upload": "30m", "trusted-proxies": "10.0.0.0/20",
		"release": "releases/" + w.release + ".tar.gz " + w.release,
	}
	if len(s.Site.APIOrigins) > 0 {
		values["api-origins"] = "https://www.example.org"
	}
	secret := []string{"db/admin/password", "db/password", "staff/secret"}
	if len(s.Jump.OperatorCIDRs) > 0 {
		secret = append(secret, "jump/host-key")
	}
	out := &ssm.GetParametersByPathOutput{}
	for k, v := range values {
		out.Parameters = append(out.Parameters, ssmtypes.Parameter{Name: aws.String("/dossier/" + s.Stack + "/" + k),
			Value: &v, Type: ssmtypes.ParameterTypeString})
	}
	for _, k := range secret {
		out.Parameters = append(out.Parameters, ssmtypes.Parameter{Name: aws.String("/dossier/" + s.Stack + "/" + k),
			Value: aws.String("AQICAHh"), Type: ssmtypes.ParameterTypeSecureString})
	}
	awsfake.Give(c, out)
}

func (w *world) watching() {
	c, s := w.Cloud, w.settings()
	alarm := func(label, namespace string) watchtypes.MetricAlarm {
		return watchtypes.MetricAlarm{
			AlarmName:        aws.String("dossier-observe-" + label + "-1"),
			AlarmDescription: aws.String(w.prefix() + ": something"), Namespace: &namespace,
			ActionsEnabled: aws.Bool(true),
			AlarmActions:   []string{topicARN}, StateValue: watchtypes.StateValueOk,
			AlarmConfigurationUpdatedTimestamp: aws.Time(w.now.Add(-48 * time.Hour)),
		}
	}
	other := alarm("other", "AWS/RDS") // of another stack in the account, and raised
	other.AlarmDescription, other.StateValue = aws.String("dossier-else: something"), watchtypes.StateValueAlarm
	awsfake.Give(c, &cloudwatch.DescribeAlarmsOutput{MetricAlarms: []watchtypes.MetricAlarm{
		alarm("errors", "AWS/ApplicationELB"), alarm("cpu", "AWS/RDS"), alarm("table", "AWS/DynamoDB"),
		alarm("damaged", w.prefix()), other,
	}})
	awsfake.Give(c,
		&sns.ListSubscriptionsByTopicOutput{Subscriptions: []snstypes.Subscription{{Endpoint: &s.Observe.Email,
			SubscriptionArn: aws.String(topicARN + ":1")}}})
	awsfake.Give(c, &eventbridge.ListRuleNamesByTargetOutput{RuleNames: []string{"dossier-observe-group-1"}})
	pattern, _ := json.Marshal(map[string]any{"detail": map[string]any{"AutoScalingGroupName": []string{
		w.stack.Outputs.Group}}})
	awsfake.Give(c, &eventbridge.DescribeRuleOutput{State: eventtypes.RuleStateEnabled,
		EventPattern: aws.String(string(pattern))})
	awsfake.Give(c,
		&cloudwatch.GetDashboardOutput{DashboardBody: aws.String(`{"metrics": ["` + w.stack.Outputs.Group + `"]}`)})
	groups := map[string][]string{"/dossier/" + s.Stack + "/": {"app", "flow"}, "/aws/rds/instance/" + w.prefix() +
		"/": {"error", "slowquery"}}
	awsfake.On(c, func(_ context.Context,
		in *cloudwatchlogs.DescribeLogGroupsInput) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
		out := &cloudwatchlogs.DescribeLogGroupsOutput{}
		for _, of := range groups[*in.LogGroupNamePrefix] {
			out.LogGroups = append(out.LogGroups, logstypes.LogGroup{
				LogGroupName:    aws.String(*in.LogGroupNamePrefix + of),
				RetentionInDays: aws.Int32(int32(s.Observe.LogDays)),
				Arn:             aws.String("arn:aws:logs:us-east-1:123456789012:log-group:x:*"),
			})
		}
		return out, nil
	})
}

// account is what the preflight asks beside.
func (w *world) account() {
	c, s := w.Cloud, w.settings()
	w.HTTP = func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(`{"accountPlanType": "PAID"}`))}, nil
	}
	awsfake.Give(c, &sts.GetCallerIdentityOutput{Account: aws.String("123456789012"),
		Arn: aws.String("arn:aws:iam::123456789012:user/me")})
	awsfake.Give(c, &ec2.DescribeRegionsOutput{Regions: []types.Region{{}}})
	awsfake.On(c, func(_ context.Context, in *ec2.DescribeInstanceTypesInput) (*ec2.DescribeInstanceTypesOutput,
		error) {
		return &ec2.DescribeInstanceTypesOutput{InstanceTypes: []types.InstanceTypeInfo{
			{InstanceType: in.InstanceTypes[0], VCpuInfo: &types.VCpuInfo{DefaultVCpus: aws.Int32(2)}}}}, nil
	})
	awsfake.On(c, func(_ context.Context, in *servicequotas.GetServiceQuotaInput) (*servicequotas.GetServiceQuotaOutput,
		error) {
		return &servicequotas.GetServiceQuotaOutput{Quota: &quotatypes.ServiceQuota{Value: aws.Float64(
			w.quotas[*in.QuotaCode])}}, nil
	})
	awsfake.Give(c, &ec2.DescribeAddressesOutput{})
	zones := &ec2.DescribeAvailabilityZonesOutput{}
	offered := &ec2.DescribeInstanceTypeOfferingsOutput{}
	option := rdstypes.OrderableDBInstanceOption{EngineVersion: aws.String(s.Database.Version + ".7"),
		StorageType: aws.String("gp3"), SupportsStorageEncryption: aws.Bool(true), MultiAZCapable: aws.Bool(true)}
	for _, z := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} {
		zones.AvailabilityZones = append(zones.AvailabilityZones, types.AvailabilityZone{ZoneName: &z})
		offered.InstanceTypeOfferings = append(offered.InstanceTypeOfferings, types.InstanceTypeOffering{Location: &z})
		option.AvailabilityZones = append(option.AvailabilityZones, rdstypes.AvailabilityZone{Name: &z})
	}
	awsfake.Give(c, zones)
	awsfake.Give(c, offered)
	awsfake.Give(c,
		&rds.DescribeOrderableDBInstanceOptionsOutput{OrderableDBInstanceOptions: []rdstypes.OrderableDBInstanceOption{
			option}})
	awsfake.Give(c, &iam.GetRoleOutput{Role: &iamtypes.Role{}})
	awsfake.Give(c, &cloudwatchlogs.ListTagsForResourceOutput{})
	awsfake.Give(c,
		&ssm.DescribeParametersOutput{Parameters: []ssmtypes.ParameterMetadata{{Name: aws.String("/dossier/" + s.Stack +
			"/bucket")}}})
	awsfake.Give(c, &ssm.ListTagsForResourceOutput{})
}

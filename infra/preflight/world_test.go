package preflight_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"dossier.example/infra/internal/awsfake"
	"dossier.example/infra/preflight"
	"dossier.example/infra/settings"
)

const region = "us-east-1"

// world is an account, the DNS, and the settings that a stack is to be made with.
type world struct {
	*awsfake.Cloud
	settings settings.Settings
	servers  []string
	dnsError error
	plan     string
	planCode int
	// parameters are the names of those that exist.
	parameters []string
	// records is what the hosted zone lists from a name on.
	records map[string][]route53types.ResourceRecordSet
	// quota returns what the account has of a quota, where it has a value of its own.
	quota func(code string) (float64, bool)
}

// LookupNS is the DNS.
func (w *world) LookupNS(context.Context, string) ([]*net.NS, error) {
	var list []*net.NS
	for _, s := range w.servers {
		list = append(list, &net.NS{Host: s})
	}
	return list, w.dnsError
}

func (w *world) check() (faults, warnings []preflight.Finding) {
	return preflight.Preflight{Config: w.Config(region), Settings: w.settings, DNS: w}.Check(context.Background())
}

// parse returns settings as Pulumi.<stack>.yaml would give them.
func parse(t *testing.T, stack, raw string) settings.Settings {
	t.Helper()
	s, err := settings.Parse(stack, region, raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const prod = `{"preset": "prod", "site": {"domain": "files.example.org", "zoneId": "Z0123456789ABCDEFGHIJ"}}`

// young is an account of this morning that has been given the quotas of a company: with it a stack of prod can be made.
func young(t *testing.T) *world {
	w := &world{
		Cloud: &awsfake.Cloud{}, settings: parse(t, "prod", prod),
		servers: []string{"ns-1.awsdns-01.com.", "NS-2.awsdns-02.net."}, plan: `{"accountPlanType": "PAID"}`,
		planCode: http.StatusOK,
	}
	w.HTTP = func(r *http.Request) (*http.Response, error) {
		if r.URL.String() != "https://freetier.us-east-1.api.aws/" ||
			r.Header.Get("X-Amz-Target") != "AWSFreeTierService.GetAccountPlanState" ||
			!strings.Contains(r.Header.Get("Authorization"), "/us-east-1/freetier/aws4_request") {
			t.Errorf("%s %s, target %q, signed %q", r.Method, r.URL, r.Header.Get("X-Amz-Target"),
				r.Header.Get("Authorization"))
		}
		return &http.Response{StatusCode: w.planCode, Status: "as set", Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(w.plan))}, nil
	}
	w.quota = func(code string) (float64, bool) {
		value, ok := map[string]float64{"L-1216C47A": 64, "L-0263D0A3": 5, "L-F678F1CE": 5}[code]
		return value, ok
	}
	c := w.Cloud
	awsfake.Give(c, &sts.GetCallerIdentityOutput{Account: aws.String("123456789012"),
		Arn: aws.String("arn:aws:sts::123456789012:assumed-role/deploy/me")})
	awsfake.On(c, func(_ context.Context, in *ec2.DescribeVpcsInput) (*ec2.DescribeVpcsOutput, error) {
		if len(in.Filters) > 0 {
			return &ec2.DescribeVpcsOutput{}, nil
		}
		return &ec2.DescribeVpcsOutput{Vpcs: []types.Vpc{{VpcId: aws.String("vpc-default")}}}, nil
	})
	awsfake.Give(c,
		&ec2.DescribeRegionsOutput{Regions: []types.Region{{RegionName: aws.String(region),
			OptInStatus: aws.String("opt-in-not-required")}}})
	awsfake.On(c, func(_ context.Context, in *ec2.DescribeInstanceTypesInput) (*ec2.DescribeInstanceTypesOutput,
		error) {
		return &ec2.DescribeInstanceTypesOutput{InstanceTypes: []types.InstanceTypeInfo{{
			InstanceType: in.InstanceTypes[0], VCpuInfo: &types.VCpuInfo{DefaultVCpus: aws.Int32(2)},
			FreeTierEligible: aws.Bool(true),
		}}}, nil
	})
	awsfake.On(c, func(_ context.Context, in *servicequotas.GetServiceQuotaInput) (*servicequotas.GetServiceQuotaOutput,
		error) {
		value, ok := w.quota(*in.QuotaCode)
		if !ok { // the account never asked for another value
			return nil, awsfake.Refuse("NoSuchResourceException",
				"The request failed because the specified resource does not exist.")
		}
		return &servicequotas.GetServiceQuotaOutput{Quota: &quotatypes.ServiceQuota{Value: &value}}, nil
	})
	awsfake.Give(c,
		&servicequotas.GetAWSDefaultServiceQuotaOutput{Quota: &quotatypes.ServiceQuota{Value: aws.Float64(5)}})
	awsfake.Give(c, &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: []types.Instance{
		{InstanceType: "m7g.large",
			CpuOptions: &types.CpuOptions{CoreCount: aws.Int32(2), ThreadsPerCore: aws.Int32(1)}},
		// has a quota of its own
		{InstanceType: "g5.48xlarge",
			CpuOptions: &types.CpuOptions{CoreCount: aws.Int32(96), ThreadsPerCore: aws.Int32(2)}},
		{InstanceType: "m7g.large", InstanceLifecycle: "spot",
			CpuOptions: &types.CpuOptions{CoreCount: aws.Int32(200), ThreadsPerCore: aws.Int32(1)}},
	}}}})
	awsfake.Give(c, &ec2.DescribeAddressesOutput{Addresses: []types.Address{{PublicIp: aws.String("198.51.100.9")}}})
	awsfake.Give(c,
		&ec2.DescribeNatGatewaysOutput{NatGateways: []types.NatGateway{gateway("us-east-1a"), gateway("us-east-1a"),
			gateway("us-east-1b")}})
	awsfake.Give(c, &ec2.DescribeAvailabilityZonesOutput{AvailabilityZones: []types.AvailabilityZone{
		{ZoneName: aws.String("us-east-1a")}, {ZoneName: aws.String("us-east-1b")},
		{ZoneName: aws.String("us-east-1c")}, {ZoneName: aws.String("us-east-1e")},
	}})
	awsfake.On(c, func(_ context.Context,
		in *ec2.DescribeInstanceTypeOfferingsInput) (*ec2.DescribeInstanceTypeOfferingsOutput, error) {
		out := &ec2.DescribeInstanceTypeOfferingsOutput{}
		for _, zone := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} { // not us-east-1e, which is use1-az3
			out.InstanceTypeOfferings = append(out.InstanceTypeOfferings, types.InstanceTypeOffering{
				InstanceType: types.InstanceType(in.Filters[0].Values[0]), Location: aws.String(zone),
				LocationType: in.LocationType,
			})
		}
		return out, nil
	})
	awsfake.On(c, func(_ context.Context,
		in *rds.DescribeOrderableDBInstanceOptionsInput) (*rds.DescribeOrderableDBInstanceOptionsOutput, error) {
		option := func(version, storage string, zones ...string) rdstypes.OrderableDBInstanceOption {
			o := rdstypes.OrderableDBInstanceOption{
				EngineVersion: &version, StorageType: &storage, SupportsStorageEncryption: aws.Bool(true),
				MultiAZCapable: aws.Bool(true), DBInstanceClass: in.DBInstanceClass,
			}
			for _, z := range zones {
				o.AvailabilityZones = append(o.AvailabilityZones, rdstypes.AvailabilityZone{Name: aws.String(z)})
			}
			return o
		}
		return &rds.DescribeOrderableDBInstanceOptionsOutput{
			OrderableDBInstanceOptions: []rdstypes.OrderableDBInstanceOption{
				option("8.0.43", "gp3", "us-east-1e"), option("8.4.7", "standard", "us-east-1e"),
				option("8.4.7", "gp3", "us-east-1a", "us-east-1b", "us-east-1c", "us-east-1e"),
			}}, nil
	})
	awsfake.Give(c, &iam.GetRoleOutput{Role: &iamtypes.Role{}})
	awsfake.On(c, func(_ context.Context, in *iam.SimulatePrincipalPolicyInput) (*iam.SimulatePrincipalPolicyOutput,
		error) {
		if *in.PolicySourceArn != "arn:aws:iam::123456789012:role/deploy" {
			t.Errorf("asked about %s", *in.PolicySourceArn)
		}
		return &iam.SimulatePrincipalPolicyOutput{EvaluationResults: []iamtypes.EvaluationResult{
			{EvalDecision: iamtypes.PolicyEvaluationDecisionTypeAllowed}}}, nil
	})
	awsfake.Give(c, &route53.GetHostedZoneOutput{
		HostedZone: &route53types.HostedZone{Name: aws.String("example.org."),
			Config: &route53types.HostedZoneConfig{}},
		DelegationSet: &route53types.DelegationSet{NameServers: []string{"ns-1.awsdns-01.com", "ns-2.awsdns-02.net"}},
	})
	awsfake.On(c, func(_ context.Context,
		in *route53.ListResourceRecordSetsInput) (*route53.ListResourceRecordSetsOutput, error) {
		return &route53.ListResourceRecordSetsOutput{ResourceRecordSets: w.records[*in.StartRecordName]}, nil
	})
	awsfake.Give(c, &ec2.GetEbsDefaultKmsKeyIdOutput{KmsKeyId: aws.String("alias/aws/ebs")})
	awsfake.On(c, func(_ context.Context, in *ec2.DescribeImagesInput) (*ec2.DescribeImagesOutput, error) {
		return &ec2.DescribeImagesOutput{Images: []types.Image{{
			ImageId: &in.ImageIds[0], State: types.ImageStateAvailable, Architecture: types.ArchitectureValuesArm64,
			RootDeviceName: aws.String("/dev/xvda"),
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"),
				Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8)}}},
		}}}, nil
	})
	awsfake.Fail[rds.DescribeDBInstancesInput](c,
		awsfake.Refuse("DBInstanceNotFound", "DBInstance dossier-prod not found."))
	awsfake.Give(c, &autoscaling.DescribeAutoScalingGroupsOutput{})
	awsfake.Give(c, &cloudwatchlogs.DescribeLogGroupsOutput{})
	awsfake.Give(c, &cloudwatchlogs.ListTagsForResourceOutput{})
	// The first page may be empty although there is another.
	awsfake.On(c, func(_ context.Context, in *ssm.DescribeParametersInput) (*ssm.DescribeParametersOutput, error) {
		if in.NextToken == nil {
			return &ssm.DescribeParametersOutput{NextToken: aws.String("more")}, nil
		}
		out := &ssm.DescribeParametersOutput{}
		for _, name := range w.parameters {
			out.Parameters = append(out.Parameters, ssmtypes.ParameterMetadata{Name: &name})
		}
		return out, nil
	})
	awsfake.Give(c, &ssm.ListTagsForResourceOutput{})
	awsfake.Fail[ssm.GetParameterInput](c, awsfake.Refuse("ParameterNotFound", ""))
	awsfake.Fail[cloudwatch.GetDashboardInput](c,
		awsfake.Refuse("ResourceNotFound", "Dashboard dossier-prod does not exist"))
	return w
}

func gateway(zone string) types.NatGateway {
	return types.NatGateway{State: types.NatGatewayStateAvailable,
		NatGatewayAddresses: []types.NatGatewayAddress{{AvailabilityZone: &zone}}}
}

// deployed has the stack in the account, with these tags on what takes tags, beside what is there anyway.
func (w *world) deployed(tags map[string]string) {
	c := w.Cloud
	name := func(of string) []types.Tag {
		list := []types.Tag{{Key: aws.String("Name"), Value: aws.String("dossier-prod-" + of)}}
		for k, v := range tags {
			list = append(list, types.Tag{Key: &k, Value: &v})
		}
		return list
	}
	awsfake.On(c, func(_ context.Context, in *ec2.DescribeVpcsInput) (*ec2.DescribeVpcsOutput, error) {
		vpc := types.Vpc{VpcId: aws.String("vpc-prod"), CidrBlock: aws.String("10.1.0.0/16"), Tags: name("vpc")}
		return &ec2.DescribeVpcsOutput{Vpcs: []types.Vpc{vpc}}, nil
	})
	awsfake.On(c, func(_ context.Context, in *ec2.DescribeSubnetsInput) (*ec2.DescribeSubnetsOutput, error) {
		zone, has := map[string]string{"dossier-prod-private-1": "us-east-1a", "dossier-prod-private-2": "us-east-1b",
			"dossier-prod-private-3": "us-east-1c"}[in.Filters[0].Values[0]]
		if !has {
			return &ec2.DescribeSubnetsOutput{}, nil
		}
		return &ec2.DescribeSubnetsOutput{Subnets: []types.Subnet{{AvailabilityZone: &zone}}}, nil
	})
	awsfake.Change(c, func(_ *ec2.DescribeInstancesInput, out *ec2.DescribeInstancesOutput) {
		for _, of := range []string{"app", "app", "jump"} {
			kind := types.InstanceType("t4g.small")
			if of == "jump" {
				kind = "t4g.micro"
			}
			out.Reservations[0].Instances = append(out.Reservations[0].Instances, types.Instance{
				InstanceType: kind, Tags: name(of),
				CpuOptions: &types.CpuOptions{CoreCount: aws.Int32(2), ThreadsPerCore: aws.Int32(1)},
			})
		}
	})
	awsfake.Change(c, func(_ *ec2.DescribeAddressesInput, out *ec2.DescribeAddressesOutput) {
		out.Addresses = append(out.Addresses, types.Address{Tags: name("nat-1")}, types.Address{Tags: name("nat-2")},
			types.Address{Tags: name("nat-3")})
	})
	awsfake.Change(c, func(_ *ec2.DescribeNatGatewaysInput, out *ec2.DescribeNatGatewaysOutput) {
		own := gateway("us-east-1a")
		own.Tags = name("nat-1")
		out.NatGateways = append(out.NatGateways, own)
	})
	w.named(tags)
}

// named has all fixed names taken by things with these tags.
func (w *world) named(tags map[string]string) {
	var (
		databaseTags  []rdstypes.Tag
		groupTags     []scalingtypes.TagDescription
		parameterTags []ssmtypes.Tag
	)
	for k, v := range tags {
		databaseTags = append(databaseTags, rdstypes.Tag{Key: &k, Value: &v})
		groupTags = append(groupTags, scalingtypes.TagDescription{Key: &k, Value: &v})
		parameterTags = append(parameterTags, ssmtypes.Tag{Key: &k, Value: &v})
	}
	awsfake.Give(w.Cloud, &rds.DescribeDBInstancesOutput{DBInstances: []rdstypes.DBInstance{{TagList: databaseTags,
		DBInstanceClass: aws.String("db.t4g.medium"), EngineVersion: aws.String("8.4.7"), MultiAZ: aws.Bool(true),
		AllocatedStorage: aws.Int32(50), MaxAllocatedStorage: aws.Int32(500),
		AvailabilityZone: aws.String("us-east-1a"), SecondaryAvailabilityZone: aws.String("us-east-1b")}}})
	awsfake.Give(w.Cloud,
		&autoscaling.DescribeAutoScalingGroupsOutput{AutoScalingGroups: []scalingtypes.AutoScalingGroup{
			{Tags: groupTags}}})
	awsfake.Give(w.Cloud, &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: []logstypes.LogGroup{
		{LogGroupName: aws.String("/dossier/prod/app"),
			Arn: aws.String("arn:aws:logs:us-east-1:123456789012:log-group:/dossier/prod/app:*")},
	}})
	awsfake.Give(w.Cloud, &cloudwatchlogs.ListTagsForResourceOutput{Tags: tags})
	w.parameters = []string{"/dossier/prod/audit-retention", "/dossier/prod/bucket", "/dossier/prod/table"}
	awsfake.Give(w.Cloud, &ssm.ListTagsForResourceOutput{TagList: parameterTags})
	awsfake.Give(w.Cloud, &cloudwatch.GetDashboardOutput{})
}

// issuer has staff sign in with an issuer, in a parameter with these tags, and the settings ask for a pool.
func (w *world) issuer(url string, tags map[string]string) {
	w.settings.Staff = settings.Staff{Pool: true, PoolDomain: "example-files"}
	name := "/dossier/prod/staff/issuer"
	awsfake.On(w.Cloud, func(_ context.Context, in *ssm.GetParameterInput) (*ssm.GetParameterOutput, error) {
		if *in.Name != name {
			return nil, awsfake.Refuse("ParameterNotFound", "")
		}
		return &ssm.GetParameterOutput{Parameter: &ssmtypes.Parameter{Value: &url}}, nil
	})
	var list []ssmtypes.Tag
	for k, v := range tags {
		list = append(list, ssmtypes.Tag{Key: &k, Value: &v})
	}
	awsfake.Give(w.Cloud, &ssm.ListTagsForResourceOutput{TagList: list})
}

// withoutRole has the account never used a service.
func (w *world) withoutRole(name string) {
	awsfake.On(w.Cloud, func(_ context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
		if *in.RoleName == name {
			return nil, awsfake.Refuse("NoSuchEntity", "The role with name "+name+" cannot be found.")
		}
		return &iam.GetRoleOutput{Role: &iamtypes.Role{}}, nil
	})
}

// everything has the stack in the account, with settings for which everything is asked.
func (w *world) everything() {
	w.deployed(map[string]string{"Project": "dossier", "Stack": "prod"})
	w.settings.Staff.Pool = true
	w.settings.Service.Image, w.settings.Access.Boundary = image, boundary
	w.settings.Network.ZoneNames = []string{"us-east-1a", "us-east-1b", "us-east-1c"}
}

const (
	image    = "ami-0123456789abcdef0"
	boundary = "arn:aws:iam::123456789012:policy/dossier-prod-boundary"
)

// volume has the database's volume of this size, and RDS enlarge it up to a limit.
func (w *world) volume(size, limit int32) {
	awsfake.Change(w.Cloud, func(_ *rds.DescribeDBInstancesInput, out *rds.DescribeDBInstancesOutput) {
		out.DBInstances[0].AllocatedStorage, out.DBInstances[0].MaxAllocatedStorage = &size, &limit
	})
}

// in has the database in a VPC.
func (w *world) in(vpc string) {
	awsfake.Change(w.Cloud, func(_ *rds.DescribeDBInstancesInput, out *rds.DescribeDBInstancesOutput) {
		out.DBInstances[0].DBSubnetGroup = &rdstypes.DBSubnetGroup{VpcId: &vpc}
	})
}

// record is a set of records as Route 53 lists it.
func record(name string, kind route53types.RRType, values ...string) route53types.ResourceRecordSet {
	set := route53types.ResourceRecordSet{Name: &name, Type: kind}
	for _, v := range values {
		set.ResourceRecords = append(set.ResourceRecords, route53types.ResourceRecord{Value: &v})
	}
	return set
}

// alias is the record of the site that leads to another name.
// running has the stack's domain lead to its site.
func (w *world) running() {
	w.records = map[string][]route53types.ResourceRecordSet{"files.example.org": {
		alias("dossier-site-1a2b3c4-12345.us-east-1.elb.amazonaws.com.")}}
}

func alias(to string) route53types.ResourceRecordSet {
	set := record("files.example.org.", route53types.RRTypeA)
	set.AliasTarget = &route53types.AliasTarget{DNSName: &to}
	return set
}

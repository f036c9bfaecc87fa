package preflight

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"dossier.example/infra/internal/pages"
	"dossier.example/infra/internal/refusal"
	"dossier.example/infra/settings"
)

// quota is one of Service Quotas. The codes are those of
// https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html and
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html.
type quota struct{ point, service, code, name string }

var (
	vcpuQuota = quota{"quota/vcpu", "ec2", "L-1216C47A",
		"Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"}
	addressQuota = quota{"quota/addresses", "ec2", "L-0263D0A3", "EC2-VPC Elastic IPs"}
	vpcQuota     = quota{"quota/vpcs", "vpc", "L-F678F1CE", "VPCs per Region"}
	gatewayQuota = quota{"quota/nat-gateways", "vpc", "L-FE5A380F", "NAT gateways per Availability Zone"}
)

// families are the first letters of the instance types that vcpuQuota counts.
const families = "acdhimrtz"

// typeInfo is what is known of an instance type.
type typeInfo struct {
	vcpus int
	free  bool
}

// host is one kind of instance that the stack runs.
type host struct {
	// name ends its tag Name.
	setting, name, kind string
	// least is how many there are after "pulumi up" and while it rolls out, most how many there can be.
	least, most int
}

// hosts are the instances that the settings ask for, with one more of the app's during a rollout.
func (l *look) hosts() []host {
	s := l.Settings
	smallest := s.Service
	smallest.Max = smallest.Min
	list := []host{
		{"service.instanceType", "app", s.Service.InstanceType, smallest.Largest(), s.Service.Largest()},
		{"jump.instanceType", "jump", s.Jump.InstanceType, 1, 1},
	}
	if s.Network.NAT == settings.NATInstance {
		list = append(list, host{"network.natInstanceType", "nat-instance", s.Network.NATInstanceType, 1, 1})
	}
	return list
}

// describeTypes asks for the types of the hosts, one by one so that an unknown one is told by its name.
func (l *look) describeTypes(ctx context.Context) (map[string]typeInfo, error) {
	known := map[string]typeInfo{}
	for _, h := range l.hosts() {
		if _, done := known[h.kind]; done {
			continue
		}
		out, err := l.ec2.DescribeInstanceTypes(ctx,
			&ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{types.InstanceType(h.kind)}})
		if err != nil {
			return nil, err
		}
		for _, t := range out.InstanceTypes {
			info := typeInfo{free: aws.ToBool(t.FreeTierEligible)}
			if t.VCpuInfo != nil {
				info.vcpus = int(aws.ToInt32(t.VCpuInfo.DefaultVCpus))
			}
			known[string(t.InstanceType)] = info
		}
	}
	return known, nil
}

// describeInstances asks for the instances that run. A stopped jump server is started again, and counts for no quota.
func (l *look) describeInstances(ctx context.Context) ([]types.Instance, error) {
	reservations, err := pages.All(ctx, ec2.NewDescribeInstancesPaginator(l.ec2, &ec2.DescribeInstancesInput{
		Filters: named("instance-state-name", "pending", "running", "stopping", "stopped"),
	}), func(page *ec2.DescribeInstancesOutput) []types.Reservation { return page.Reservations })
	var all []types.Instance
	for _, r := range reservations {
		all = append(all, r.Instances...)
	}
	return all, err
}

// limit asks for the quota as it is for this account, or as it is for all where the account has no value of its own.
func (l *look) limit(ctx context.Context, q quota) (int, error) {
	out, err := l.quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &q.service,
		QuotaCode: &q.code})
	if err == nil && out.Quota != nil && out.Quota.Value != nil {
		return int(*out.Quota.Value), nil
	}
	if err != nil && !refusal.Absent(err) {
		return 0, err
	}
	initial, err := l.quotas.GetAWSDefaultServiceQuota(ctx,
		&servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: &q.service, QuotaCode: &q.code})
	if err != nil {
		return 0, err
	}
	if initial.Quota == nil || initial.Quota.Value == nil {
		return 0, fmt.Errorf("no value for %s in the answer of Service Quotas", q.code)
	}
	return int(*initial.Quota.Value), nil
}

// compare notes that what others use and what the stack needs exceed a quota. Where the stack exists already, most of
// it is there, and what it lacks stops a rollout and not the rest: a warning.
func (l *look) compare(q quota, others, need, have int, what string) {
	if others+need <= have {
		return
	}
	tell := l.fault
	if l.mayExist() {
		tell = l.warn
	}
	tell(q.point, fmt.Sprintf("request at least %d: aws service-quotas request-service-quota-increase "+
		"--service-code %s --quota-code %s --desired-value %d --region %s",
		others+need, q.service, q.code, others+need, l.Settings.Region),
		"the stack needs %d (%s) and others in the account use %d, but the quota %q is %d", need, what, others, q.name,
		have)
}

// vcpus compares the vCPUs of the hosts with their quota: a young account has so few that a rollout of "dev" can exceed
// them.
func (l *look) vcpus(ctx context.Context) {
	have, err := l.limit(ctx, vcpuQuota)
	if err != nil {
		l.unseen(ctx, vcpuQuota.point, err)
		return
	}
	known, err := l.types(ctx)
	if err != nil {
		l.unseen(ctx, vcpuQuota.point, err)
		return
	}
	instances, err := l.instances(ctx)
	if err != nil {
		l.unseen(ctx, vcpuQuota.point, err)
		return
	}
	others := 0
	for _, i := range instances {
		if counted(i) && !l.owned(tagsOf(i.Tags)) {
			others += int(aws.ToInt32(i.CpuOptions.CoreCount) * aws.ToInt32(i.CpuOptions.ThreadsPerCore))
		}
	}
	least, most := 0, 0
	for _, h := range l.hosts() {
		least += h.least * known[h.kind].vcpus
		most += h.most * known[h.kind].vcpus
	}
	if others+least > have {
		l.compare(vcpuQuota, others, least, have,
			"vCPUs of the smallest group, one instance more during a rollout, and the other hosts")
	} else if others+most > have {
		l.warn(vcpuQuota.point, fmt.Sprintf("request %d: aws service-quotas request-service-quota-increase "+
			"--service-code ec2 --quota-code %s --desired-value %d --region %s, or lower service.max",
			others+most, vcpuQuota.code, others+most, l.Settings.Region),
			"the group cannot grow to service.max: that needs %d vCPUs with one instance more during a rollout, "+
				"others in the account use %d, but the quota is %d", most, others, have)
	}
}

// counted reports whether vcpuQuota counts an instance.
func counted(i types.Instance) bool {
	kind := string(i.InstanceType)
	stops := i.State != nil && slices.Contains(
		[]types.InstanceStateName{types.InstanceStateNameStopping, types.InstanceStateNameStopped}, i.State.Name)
	return !stops && i.InstanceLifecycle == "" && i.CpuOptions != nil && kind != "" &&
		slices.Contains([]byte(families), kind[0])
}

// addresses compares the Elastic IPs: one for each NAT, and one for a jump server that operators connect to.
func (l *look) addresses(ctx context.Context) {
	have, err := l.limit(ctx, addressQuota)
	if err != nil {
		l.unseen(ctx, addressQuota.point, err)
		return
	}
	out, err := l.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		l.unseen(ctx, addressQuota.point, err)
		return
	}
	others := 0
	for _, a := range out.Addresses {
		if !l.owned(tagsOf(a.Tags)) {
			others++
		}
	}
	need, what := l.nats(), "one for each NAT"
	if len(l.Settings.Jump.OperatorCIDRs) > 0 {
		need, what = need+1, what+", and one for the jump server"
	}
	l.compare(addressQuota, others, need, have, what)
}

// nats is how many NATs the settings ask for.
func (l *look) nats() int {
	if l.Settings.Network.NAT == settings.NATPerZone {
		return l.Settings.Network.Zones
	}
	return 1
}

func (l *look) vpcs(ctx context.Context) {
	have, err := l.limit(ctx, vpcQuota)
	if err != nil {
		l.unseen(ctx, vpcQuota.point, err)
		return
	}
	all, err := pages.All(ctx, ec2.NewDescribeVpcsPaginator(l.ec2, &ec2.DescribeVpcsInput{}),
		func(page *ec2.DescribeVpcsOutput) []types.Vpc { return page.Vpcs })
	if err != nil {
		l.unseen(ctx, vpcQuota.point, err)
		return
	}
	others := 0
	for _, v := range all {
		if !l.owned(tagsOf(v.Tags)) {
			others++
		}
	}
	l.compare(vpcQuota, others, 1, have, "a VPC")
}

// gateways compares the zone that has the most NAT gateways of others.
func (l *look) gateways(ctx context.Context) {
	if l.Settings.Network.NAT == settings.NATInstance {
		return
	}
	have, err := l.limit(ctx, gatewayQuota)
	if err != nil {
		l.unseen(ctx, gatewayQuota.point, err)
		return
	}
	all, err := pages.All(ctx, ec2.NewDescribeNatGatewaysPaginator(l.ec2,
		&ec2.DescribeNatGatewaysInput{Filter: named("state", "pending", "available")}),
		func(page *ec2.DescribeNatGatewaysOutput) []types.NatGateway { return page.NatGateways })
	if err != nil {
		l.unseen(ctx, gatewayQuota.point, err)
		return
	}
	zones := map[string]int{}
	for _, g := range all {
		if !l.owned(tagsOf(g.Tags)) && len(g.NatGatewayAddresses) > 0 {
			zones[aws.ToString(g.NatGatewayAddresses[0].AvailabilityZone)]++
		}
	}
	others := 0
	for _, n := range zones {
		others = max(others, n)
	}
	l.compare(gatewayQuota, others, 1, have, "a NAT gateway in a zone")
}

func named(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: &name, Values: values}}
}

func tagsOf(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
}

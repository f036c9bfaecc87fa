package prove

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"dossier.example/infra/preflight"
	"dossier.example/infra/settings"
)

const refresh = `"pulumi up --refresh" sets it again`

var accountChecks = []check{
	{"account/credentials", "AWS accepts the credentials in use.", "sign in again",
		func(ctx context.Context, l *look) (answer, error) {
			out, err := l.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				return answer{}, err
			}
			arn := aws.ToString(out.Arn)
			return holds(strings.HasPrefix(arn, "arn:aws:"), arn, "an identity in AWS's standard partition")
		}},
	{"account/next-up", "The preflight finds nothing that would stop the next \"pulumi up\" or a rollout: quotas, " +
		"roles, zones, names.", "each finding names its mend", func(ctx context.Context, l *look) (answer, error) {
		faults, warnings := preflight.Preflight{Config: l.Config, Settings: l.Stack.Settings, DNS: l.DNS}.Check(ctx)
		var problems []string
		for _, f := range append(faults, warnings...) {
			problems = append(problems, f.String())
		}
		return without(problems, "no finding")
	}},
}

var networkChecks = []check{
	{"network/vpc", "The VPC has the block of network.cidr.",
		"the block of a VPC cannot be changed: find out who made this one",
		about((*look).vpc, func(ctx context.Context, l *look, vpc types.Vpc) (answer, error) {
			return equal(aws.ToString(vpc.CidrBlock), l.Stack.Settings.Network.CIDR.String())
		})},
	{"network/default-group", "The VPC's default security group allows nothing (EC2.2).", refresh,
		about((*look).securityGroups, func(ctx context.Context, l *look, groups []types.SecurityGroup) (answer, error) {
			for _, g := range groups {
				if aws.ToString(g.GroupName) == "default" {
					return equal(fmt.Sprintf("%d rules", len(g.IpPermissions)+len(g.IpPermissionsEgress)), "0 rules")
				}
			}
			return answer{}, absent("default security group")
		})},
	{"network/open", "Only the load balancer's group accepts connections from any address.", refresh,
		about((*look).securityGroups, func(ctx context.Context, l *look, groups []types.SecurityGroup) (answer, error) {
			var problems []string
			for _, g := range groups {
				name := tagsOf(g.Tags)["Name"]
				for _, p := range g.IpPermissions {
					if name != l.Stack.prefix()+"-lb" && aws.ToString(g.GroupName) != "default" && open(p) {
						problems = append(problems, fmt.Sprintf("%s takes %s from everywhere", name, ports(p)))
					}
				}
			}
			return without(problems, "no other group")
		})},
	{"network/ssh", "Port 22 of the jump server is open only to jump.operatorCIDRs (EC2.18).", refresh,
		about((*look).securityGroups, func(ctx context.Context, l *look, groups []types.SecurityGroup) (answer, error) {
			var seen, want []string
			for _, g := range groups {
				if tagsOf(g.Tags)["Name"] != l.Stack.prefix()+"-jump" {
					continue
				}
				for _, p := range g.IpPermissions {
					for _, r := range p.IpRanges {
						if !open(p) { // what is open to all is another point
							seen = append(seen, aws.ToString(r.CidrIp)+" "+ports(p))
						}
					}
				}
			}
			for _, c := range l.Stack.Settings.Jump.OperatorCIDRs {
				want = append(want, c.String()+" tcp 22")
			}
			slices.Sort(seen)
			slices.Sort(want)
			return equal(list(seen), list(want))
		})},
	{"network/ssh-closed", "Without operators, port 22 of the jump server cannot be reached from here.",
		"look at the rules of the jump server's security group", func(ctx context.Context, l *look) (answer, error) {
			if len(l.Stack.Settings.Jump.OperatorCIDRs) > 0 {
				return skip("jump.operatorCIDRs names operators")
			}
			if l.Stack.Outputs.JumpAddress == "" {
				return skip("the jump server has no address: it is stopped")
			}
			err := l.Network.Dial(ctx, l.Stack.Outputs.JumpAddress+":22")
			return holds(err != nil, map[bool]string{true: "no connection", false: "a connection"}[err != nil],
				"no connection")
		}},
	{"network/subnets", "There are a public and a private subnet in each of network.zones zones, which give no " +
		"public address by themselves (EC2.15).", refresh,
		about((*look).subnets, func(ctx context.Context, l *look, subnets []types.Subnet) (answer, error) {
			zones := map[string]int{}
			var problems []string
			for _, s := range subnets {
				zones[aws.ToString(s.AvailabilityZone)]++
				if aws.ToBool(s.MapPublicIpOnLaunch) {
					problems = append(problems, aws.ToString(s.SubnetId)+" gives public addresses")
				}
			}
			for _, zone := range slices.Sorted(maps.Keys(zones)) {
				if zones[zone] != 2 {
					problems = append(problems, fmt.Sprintf("%d in %s", zones[zone], zone))
				}
			}
			if len(zones) != l.Stack.Settings.Network.Zones {
				problems = append(problems, fmt.Sprintf("in %d zones", len(zones)))
			}
			return without(problems,
				fmt.Sprintf("2 in each of %d zones, without addresses", l.Stack.Settings.Network.Zones))
		})},
	{"network/private-routes", "The private subnets have a way out through a NAT that works.", "look at the NAT; " +
		refresh, func(ctx context.Context, l *look) (answer, error) {
		return l.routes(ctx, "private", func(r types.Route) bool {
			return aws.ToString(r.NatGatewayId) != "" ||
				aws.ToString(r.NetworkInterfaceId) != "" && aws.ToString(r.GatewayId) == ""
		})
	}},
	{"network/public-routes", "The public subnets reach the internet through the internet gateway.", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			return l.routes(ctx, "public", func(r types.Route) bool {
				return strings.HasPrefix(aws.ToString(r.GatewayId), "igw-")
			})
		}},
	{"network/nat-gateways", "The NAT gateways of network.nat are available.",
		"a gateway that failed says why in the console; delete it and run \"pulumi up --refresh\"",
		func(ctx context.Context, l *look) (answer, error) {
			want := 1
			switch l.Stack.Settings.Network.NAT {
			case settings.NATInstance:
				return skip("network.nat is instance")
			case settings.NATPerZone:
				want = l.Stack.Settings.Network.Zones
			}
			within, err := l.within(ctx)
			if err != nil {
				return answer{}, err
			}
			out, err := l.ec2.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{Filter: within})
			if err != nil {
				return answer{}, err
			}
			available, other := 0, 0
			for _, g := range out.NatGateways {
				switch g.State {
				case types.NatGatewayStateAvailable:
					available++
				case types.NatGatewayStateDeleted, types.NatGatewayStateDeleting: // AWS lists them for an hour
				default:
					other++
				}
			}
			return equal(fmt.Sprintf("%d available, %d not", available, other),
				fmt.Sprintf("%d available, 0 not", want))
		}},
	{"network/nat-instance", "The NAT instance runs and forwards: its source/destination check is off.", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			if l.Stack.Settings.Network.NAT != settings.NATInstance {
				return skip("network.nat is " + string(l.Stack.Settings.Network.NAT))
			}
			hosts, err := l.hosts(ctx)
			if err != nil {
				return answer{}, err
			}
			for _, h := range hosts {
				if tagsOf(h.Tags)["Name"] == l.Stack.prefix()+"-nat-instance" {
					return equal(fmt.Sprintf("%s, check %t", state(h), aws.ToBool(h.SourceDestCheck)),
						"running, check false")
				}
			}
			return answer{}, absent("instance %s-nat-instance", l.Stack.prefix())
		}},
	{"network/endpoints", "Every subnet reaches S3 and DynamoDB through gateway endpoints, bypassing the NAT.", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			within, err := l.within(ctx)
			if err != nil {
				return answer{}, err
			}
			out, err := l.ec2.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{Filters: within})
			if err != nil {
				return answer{}, err
			}
			tables := 0
			all, err := l.routeTables(ctx)
			if err != nil {
				return answer{}, err
			}
			for _, t := range all {
				if !isMain(t) {
					tables++
				}
			}
			var problems []string
			for _, service := range []string{"s3", "dynamodb"} {
				at := slices.IndexFunc(out.VpcEndpoints, func(e types.VpcEndpoint) bool {
					return aws.ToString(e.ServiceName) == "com.amazonaws."+l.Stack.Settings.Region+"."+service
				})
				switch {
				case at < 0:
					problems = append(problems, "none for "+service)
				case !strings.EqualFold(string(out.VpcEndpoints[at].State), "available"):
					problems = append(problems, service+" is "+string(out.VpcEndpoints[at].State))
				case len(out.VpcEndpoints[at].RouteTableIds) != tables:
					problems = append(problems,
						fmt.Sprintf("%s is in %d of %d route tables", service, len(out.VpcEndpoints[at].RouteTableIds),
							tables))
				}
			}
			return without(problems, "both available, in all route tables")
		}},
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html: ACTIVE is what it is even while nothing
	// can be delivered.
	{"network/flow-log", "The flow log is active and its records are delivered.",
		`look at the policy of the bucket of logs; then "pulumi up --replace" with the URN of the flow log makes it again`,
		about((*look).flowLog, func(ctx context.Context, l *look, log types.FlowLog) (answer, error) {
			seen := aws.ToString(log.FlowLogStatus) + ", " + aws.ToString(log.DeliverLogsStatus)
			if why := aws.ToString(log.DeliverLogsErrorMessage); why != "" {
				seen += " (" + why + ")"
			}
			return equal(seen, "ACTIVE, SUCCESS")
		})},
	{"network/flow-records", "Flow logs arrive.",
		"wait for a quarter of an hour after the first \"pulumi up\": only refused connections are recorded",
		func(ctx context.Context, l *look) (answer, error) {
			return l.arrived(ctx, "flow/", 0)
		}},
}

// streams proves that something arrives in a log group.
func (l *look) streams(ctx context.Context, group string) (answer, error) {
	out, err := l.logs.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &group})
	if err != nil {
		return answer{}, err
	}
	return holds(len(out.LogStreams) > 0, fmt.Sprintf("%d streams", len(out.LogStreams)), "a stream at least")
}

// routes proves the way out of the subnets of one kind.
func (l *look) routes(ctx context.Context, kind string, good func(types.Route) bool) (answer, error) {
	tables, err := l.routeTables(ctx)
	if err != nil {
		return answer{}, err
	}
	var problems []string
	found := 0
	for _, t := range tables {
		name := tagsOf(t.Tags)["Name"]
		if !strings.HasPrefix(name, l.Stack.prefix()+"-"+kind) {
			continue
		}
		found += len(t.Associations)
		at := slices.IndexFunc(t.Routes, func(r types.Route) bool {
			return aws.ToString(r.DestinationCidrBlock) == "0.0.0.0/0"
		})
		switch {
		case at < 0:
			problems = append(problems, name+" has no way out")
		case t.Routes[at].State != types.RouteStateActive:
			problems = append(problems, fmt.Sprintf("the way out of %s is a %s", name, t.Routes[at].State))
		case !good(t.Routes[at]):
			problems = append(problems, "the way out of "+name+" leads elsewhere")
		}
	}
	if found != l.Stack.Settings.Network.Zones {
		problems = append(problems, fmt.Sprintf("%d subnets have a route table for %s subnets", found, kind))
	}
	return without(problems, fmt.Sprintf("a way out of %d subnets", l.Stack.Settings.Network.Zones))
}

func isMain(t types.RouteTable) bool {
	return slices.ContainsFunc(t.Associations, func(a types.RouteTableAssociation) bool { return aws.ToBool(a.Main) })
}

func open(p types.IpPermission) bool {
	return slices.ContainsFunc(p.IpRanges,
		func(r types.IpRange) bool { return aws.ToString(r.CidrIp) == "0.0.0.0/0" }) ||
		slices.ContainsFunc(p.Ipv6Ranges, func(r types.Ipv6Range) bool { return aws.ToString(r.CidrIpv6) == "::/0" })
}

func ports(p types.IpPermission) string {
	from, to := aws.ToInt32(p.FromPort), aws.ToInt32(p.ToPort)
	if from == to {
		return fmt.Sprintf("%s %d", aws.ToString(p.IpProtocol), from)
	}
	return fmt.Sprintf("%s %d-%d", aws.ToString(p.IpProtocol), from, to)
}

func list(items []string) string {
	if len(items) == 0 {
		return "nobody"
	}
	return strings.Join(items, ", ")
}

func state(i types.Instance) string {
	if i.State == nil {
		return "unknown"
	}
	return string(i.State.Name)
}

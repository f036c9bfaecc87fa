package network

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/settings"
)

// MySQLPort is the database's TCP port.
const MySQLPort = 3306

// Groups are the security groups. Each tier has one, and a rule names the other tier's group, never its addresses.
type Groups struct {
	LoadBalancer, App, Database, Jump *ec2.SecurityGroup
	// NAT is nil where the NAT is no instance.
	NAT *ec2.SecurityGroup
}

// rule allows one way from one end to the other. An end that is a group gets a rule of its own: out of the one, into
// the other.
type rule struct {
	from, to end
	port     int
	why      string
}

// end is a group or a block of addresses.
type end struct {
	name  string
	group *ec2.SecurityGroup
	cidr  string
}

// newGroups is the one table of who may reach whom; what it does not list cannot pass.
func newGroups(ctx *pulumi.Context, name string, within *ec2.Vpc, args Args, parent pulumi.ResourceOption) (Groups, error) {
	var g Groups
	for _, group := range []struct {
		at    **ec2.SecurityGroup
		label string
		what  string
		need  bool
	}{
		{&g.LoadBalancer, "lb", "Load balancer", true},
		{&g.App, "app", "Instances of the app", true},
		{&g.Database, "db", "Database", true},
		{&g.Jump, "jump", "Jump server", true},
		{&g.NAT, "nat", "NAT instance", args.NAT == settings.NATInstance},
	} {
		if !group.need {
			continue
		}
		made, err := ec2.NewSecurityGroup(ctx, name+"-"+group.label, &ec2.SecurityGroupArgs{
			VpcId: within.ID(), Description: pulumi.String(group.what + " of " + args.Prefix),
			Tags: pulumi.StringMap{"Name": pulumi.String(args.Prefix + "-" + group.label)},
		}, parent)
		if err != nil {
			return g, err
		}
		*group.at = made
	}
	internet := end{name: "internet", cidr: "0.0.0.0/0"}
	lb, app, db := end{name: "lb", group: g.LoadBalancer}, end{name: "app", group: g.App},
		end{name: "db", group: g.Database}
	jump, nat := end{name: "jump", group: g.Jump}, end{name: "nat", group: g.NAT}

	rules := []rule{
		{internet, lb, 80, "Browsers by HTTP"},
		{lb, app, args.AppPort, "Requests and health checks"},
		{app, db, MySQLPort, "Queries of the app"},
		{jump, db, MySQLPort, "The schema command and operators"},
		// There are gateway endpoints for S3 and DynamoDB only; the addresses of the other AWS services and of the
		// package repository change.
		{app, internet, 443, "AWS services"},
		{jump, internet, 443, "AWS services and packages"},
	}
	if args.HTTPS {
		rules = append(rules, rule{internet, lb, 443, "Browsers by HTTPS"})
	}
	for _, block := range args.Operators {
		rules = append(rules, rule{end{name: block.String(), cidr: block.String()}, jump, 22, "Operators by SSH"})
	}
	if g.NAT != nil {
		rules = append(rules, rule{app, nat, 443, "The way to AWS services"}, rule{nat, internet, 443, "What it forwards, and packages"})
	}
	for _, r := range rules {
		if err := r.apply(ctx, name, parent); err != nil {
			return g, err
		}
	}
	return g, nil
}

func (r rule) apply(ctx *pulumi.Context, name string, parent pulumi.ResourceOption) error {
	port := pulumi.Int(r.port)
	label := func(direction string) string {
		return fmt.Sprintf("%s-%s-%s-%s-%s", name, r.from.name, direction, r.to.name, strconv.Itoa(r.port))
	}
	if to := r.to.group; to != nil {
		args := &vpc.SecurityGroupIngressRuleArgs{
			SecurityGroupId: to.ID(), IpProtocol: pulumi.String("tcp"), FromPort: port, ToPort: port, Description: pulumi.String(r.why),
		}
		if r.from.group != nil {
			args.ReferencedSecurityGroupId = r.from.group.ID()
		} else {
			args.CidrIpv4 = pulumi.String(r.from.cidr)
		}
		if _, err := vpc.NewSecurityGroupIngressRule(ctx, label("into"), args, parent); err != nil {
			return err
		}
	}
	if from := r.from.group; from != nil {
		args := &vpc.SecurityGroupEgressRuleArgs{
			SecurityGroupId: from.ID(), IpProtocol: pulumi.String("tcp"), FromPort: port, ToPort: port, Description: pulumi.String(r.why),
		}
		if r.to.group != nil {
			args.ReferencedSecurityGroupId = r.to.group.ID()
		} else {
			args.CidrIpv4 = pulumi.String(r.to.cidr)
		}
		if _, err := vpc.NewSecurityGroupEgressRule(ctx, label("to"), args, parent); err != nil {
			return err
		}
	}
	return nil
}

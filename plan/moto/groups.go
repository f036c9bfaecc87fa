package moto

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	ingressType = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	egressType  = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
)

// groupKinds are security groups and their rules.
var groupKinds = map[string]kind{
	"aws:ec2/securityGroup:SecurityGroup": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
				GroupName: in.text("name"), Description: in.text("description"), VpcId: in.text("vpcId"),
				TagSpecifications: tagged(types.ResourceTypeSecurityGroup, in),
			})
			if err != nil {
				return nil, err
			}
			// The provider takes away what AWS allows a new group: to reach everything.
			return made{"id": out.GroupId}, a.closeGroup(ctx, aws.ToString(out.GroupId))
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
			if err != nil {
				return nil, err
			}
			group, err := one(out.SecurityGroups)
			return fields{"name": group.GroupName, "description": group.Description, "vpcId": group.VpcId, "tags": tags(group.Tags)}, err
		},
		beside: func(ctx context.Context, a *Account, id string, of related) error {
			rules, err := a.groupRules(ctx, id)
			if err != nil {
				return err
			}
			var into, out []string
			for _, rule := range rules {
				if aws.ToBool(rule.IsEgress) {
					out = append(out, aws.ToString(rule.SecurityGroupRuleId))
				} else {
					into = append(into, aws.ToString(rule.SecurityGroupRuleId))
				}
			}
			return errors.Join(
				only("rule inwards", into, of(ingressType, "securityGroupId")), only("rule outwards", out, of(egressType, "securityGroupId")),
			)
		},
	},
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			group, err := a.defaultGroup(ctx, in)
			if err != nil {
				return nil, err
			}
			if _, err := a.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{aws.ToString(group.GroupId)}, Tags: pairs(in.object("tags"), ec2Tag)}); err != nil {
				return nil, err
			}
			return made{"id": group.GroupId}, a.closeGroup(ctx, aws.ToString(group.GroupId))
		},
		read: func(ctx context.Context, a *Account, _ string, in values) (fields, error) {
			group, err := a.defaultGroup(ctx, in)
			return fields{"vpcId": group.VpcId, "tags": tags(group.Tags)}, err
		},
		beside: func(ctx context.Context, a *Account, id string, _ related) error {
			rules, err := a.groupRules(ctx, id)
			if err == nil && len(rules) > 0 {
				err = fmt.Errorf("it has %d rules, and should have none", len(rules))
			}
			return err
		},
	},
	ingressType: {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
				GroupId: in.text("securityGroupId"), IpPermissions: permissions(in),
			})
			if err != nil {
				return nil, err
			}
			rule, err := one(out.SecurityGroupRules)
			return made{"id": rule.SecurityGroupRuleId}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			return a.groupRule(ctx, id, false)
		},
		unkept: map[string]string{"description": "Description"}, // of a rule that names a group
	},
	egressType: {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{
				GroupId: in.text("securityGroupId"), IpPermissions: permissions(in),
			})
			if err != nil {
				return nil, err
			}
			rule, err := one(out.SecurityGroupRules)
			return made{"id": rule.SecurityGroupRuleId}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			return a.groupRule(ctx, id, true)
		},
		unkept: map[string]string{"description": "Description"}, // of a rule that names a group
	},
}

func permissions(in values) []types.IpPermission {
	p := types.IpPermission{IpProtocol: in.text("ipProtocol"), FromPort: in.number("fromPort"), ToPort: in.number("toPort")}
	if cidr := in.text("cidrIpv4"); cidr != nil {
		p.IpRanges = []types.IpRange{{CidrIp: cidr, Description: in.text("description")}}
	}
	if group := in.text("referencedSecurityGroupId"); group != nil {
		p.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: group, Description: in.text("description")}}
	}
	return []types.IpPermission{p}
}

func (a *Account) groupRules(ctx context.Context, group string) ([]types.SecurityGroupRule, error) {
	out, err := a.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{group}}},
	})
	if err != nil {
		return nil, err
	}
	return out.SecurityGroupRules, nil
}

func (a *Account) groupRule(ctx context.Context, id string, egress bool) (fields, error) {
	out, err := a.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{id}})
	if err != nil {
		return nil, err
	}
	rule, err := one(out.SecurityGroupRules)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(rule.IsEgress) != egress {
		return nil, fmt.Errorf("%s is a rule for the other direction", id)
	}
	f := fields{
		"securityGroupId": rule.GroupId, "ipProtocol": rule.IpProtocol, "fromPort": rule.FromPort, "toPort": rule.ToPort, "cidrIpv4": rule.CidrIpv4,
		"description": rule.Description,
	}
	if rule.ReferencedGroupInfo != nil {
		f["referencedSecurityGroupId"] = rule.ReferencedGroupInfo.GroupId
	}
	return f, nil
}

func (a *Account) defaultGroup(ctx context.Context, in values) (types.SecurityGroup, error) {
	out, err := a.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{in.must("vpcId")}}, {Name: aws.String("group-name"), Values: []string{"default"}},
	}})
	if err != nil {
		return types.SecurityGroup{}, err
	}
	return one(out.SecurityGroups)
}

// closeGroup takes all rules from a group.
func (a *Account) closeGroup(ctx context.Context, id string) error {
	out, err := a.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
	if err != nil {
		return err
	}
	group, err := one(out.SecurityGroups)
	if err != nil {
		return err
	}
	if len(group.IpPermissions) > 0 {
		if _, err := a.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &id, IpPermissions: group.IpPermissions}); err != nil {
			return err
		}
	}
	if len(group.IpPermissionsEgress) > 0 {
		if _, err := a.ec2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &id, IpPermissions: group.IpPermissionsEgress}); err != nil {
			return err
		}
	}
	return nil
}

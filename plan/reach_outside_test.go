package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestPrivateNeighbor: a private block beside one outside, of which a group knew before, lets nobody outside in.
func TestPrivateNeighbor(t *testing.T) {
	rule := func(b *graphtest.Builder, name, cidr string) {
		b.Add("vpc/securityGroupIngressRule:SecurityGroupIngressRule", name, in{"securityGroupId": "securitygroup-g",
			"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": cidr})
	}
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("ec2/securityGroup:SecurityGroup", "g", in{"vpcId": "v"})
		rule(b, "outside", "11.0.0.0/8")
	}, func(b *graphtest.Builder) { rule(b, "private", "10.0.0.0/8") })
	tells(t, between(base, head).Environments[0].Dangers, nil)
}

// TestOutside: of a group whose place is not known, it is told whom it lets in that is not of the network.
func TestOutside(t *testing.T) {
	for _, c := range []struct {
		name string
		rule in
		want [][2]string
	}{
		{"a group of another account", in{"referencedSecurityGroupId": "999988887777/sg-0aa"},
			[][2]string{{exposes, "`group 999988887777/sg-0aa`"}}},
		{"a group of the account", in{"referencedSecurityGroupId": "sg-0aa"}, nil},
		{"a list", in{"prefixListId": "pl-1"}, [][2]string{{exposes, "`prefix list pl-1`"}}},
		{"more than what is private", in{"cidrIpv4": "10.0.0.0/7"}, [][2]string{{exposes, "`10.0.0.0/7`"}}},
		{"what is private", in{"cidrIpv4": "10.0.0.0/8"}, nil},
		{"more than what is private in between", in{"cidrIpv4": "172.16.0.0/11"},
			[][2]string{{exposes, "`172.0.0.0/11`"}}},
		{"what is private of version 6", in{"cidrIpv6": "fd00::/8"}, nil},
		{"what is public", in{"cidrIpv4": "192.0.2.0/24"}, [][2]string{{exposes, "`192.0.2.0/24`"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				b.Add("ec2/vpc:Vpc", "v", in{"cidrBlock": "10.0.0.0/16"})
				b.Add("ec2/securityGroup:SecurityGroup", "g", in{"vpcId": "vpc-v"})
			}, func(b *graphtest.Builder) {
				c.rule["securityGroupId"], c.rule["ipProtocol"] = "securitygroup-g", "tcp"
				c.rule["fromPort"], c.rule["toPort"] = 5432, 5432
				b.Add("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "r", c.rule)
			})
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestFurtherOut: a group that let what has it reach some newly lets it reach everyone; one that did so already, or
// that is new, is no news.
func TestFurtherOut(t *testing.T) {
	out := func(blocks ...string) in {
		return in{"vpcId": "v", "egress": several(in{"protocol": "tcp", "fromPort": 443, "toPort": 443,
			"cidrBlocks": blocks})}
	}
	const group = "ec2/securityGroup:SecurityGroup"
	for _, c := range []struct {
		name    string
		was, is in
		want    [][2]string
	}{
		{"everyone", out("10.0.0.0/16"), out("0.0.0.0/0"), [][2]string{{exposes, "reach the internet on tcp 443"}}},
		{"in halves", out("10.0.0.0/16"), out("0.0.0.0/1", "128.0.0.0/1"),
			[][2]string{{exposes, "reach the internet on tcp 443"}}},
		{"some more", out("10.0.0.0/16"), out("10.0.0.0/8"), nil},
		{"the same in halves", out("0.0.0.0/0"), out("0.0.0.0/1", "128.0.0.0/1"), nil},
		{"what reached nobody", in{"vpcId": "v"}, out("0.0.0.0/0"),
			[][2]string{{exposes, "reach the internet on tcp 443"}}},
		{"a new one", nil, out("0.0.0.0/0"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tells(t, between(became(t, group, c.was, c.is)).Environments[0].Dangers, c.want)
		})
	}
}

// TestDefaultGroup: who takes over the default group of a network that is there takes out its rules.
func TestDefaultGroup(t *testing.T) {
	const network, group = "ec2/vpc:Vpc", "ec2/defaultSecurityGroup:DefaultSecurityGroup"
	add := func(b *graphtest.Builder) { b.Add(network, "v", in{"cidrBlock": "10.0.0.0/16"}) }
	take := func(b *graphtest.Builder) { b.Add(group, "x", in{"vpcId": "vpc-v"}) }
	base, head := two(t, add, take)
	tells(t, between(base, head).Environments[0].Dangers, [][2]string{{stops, "takes out all of its rules"}})
	base, head = two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) { add(b); take(b) })
	tells(t, between(base, head).Environments[0].Dangers, nil)
	// That of the region's own network.
	base, head = two(t, add, func(b *graphtest.Builder) { b.Add(group, "x", in{}) })
	tells(t, between(base, head).Environments[0].Dangers, [][2]string{{stops, "takes out all of its rules"}})
}

// TestBehindTheirs: whom the groups of others let in to something new is not known.
func TestBehindTheirs(t *testing.T) {
	for _, groups := range []struct {
		of   string
		want [][2]string
	}{{"sg-theirs", [][2]string{{notJudged, "created behind `sg-theirs`"}}}, {"securitygroup-g", nil}} {
		base, head := two(t, func(b *graphtest.Builder) {
			b.Add("ec2/securityGroup:SecurityGroup", "g", in{"vpcId": "v"})
		}, func(b *graphtest.Builder) {
			b.Add("lb/loadBalancer:LoadBalancer", "x", in{"internal": true, "securityGroups": []string{groups.of}})
		})
		tells(t, between(base, head).Environments[0].Dangers, groups.want)
	}
}

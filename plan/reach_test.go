package plan

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

const (
	groupType   = "ec2/securityGroup:SecurityGroup"
	ingressType = "vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	oldRuleType = "ec2/securityGroupRule:SecurityGroupRule"
)

// door adds an instance in a public subnet, with one group, and another in the same network.
func door(rules ...in) func(b *graphtest.Builder) {
	return func(b *graphtest.Builder) {
		vpc := b.Add("ec2/vpc:Vpc", "net", in{"cidrBlock": "10.0.0.0/16"})
		gateway := b.Add("ec2/internetGateway:InternetGateway", "net", in{"vpcId": vpc.ID})
		subnet := b.Add("ec2/subnet:Subnet", "public", in{"vpcId": vpc.ID, "cidrBlock": "10.0.1.0/24",
			"ipv6CidrBlock": "2001:db8:1::/64"})
		table := b.Add("ec2/routeTable:RouteTable", "public", in{"vpcId": vpc.ID})
		b.Add("ec2/routeTableAssociation:RouteTableAssociation", "public",
			in{"subnetId": subnet.ID, "routeTableId": table.ID})
		b.Add("ec2/route:Route", "public", in{"routeTableId": table.ID, "destinationCidrBlock": "0.0.0.0/0",
			"gatewayId": gateway.ID})
		b.Add("ec2/route:Route", "public6", in{"routeTableId": table.ID, "destinationIpv6CidrBlock": "::/0",
			"gatewayId": gateway.ID})
		b.Add(groupType, "inside", in{"vpcId": vpc.ID, "egress": []any{in{"protocol": "-1", "fromPort": 0, "toPort": 0,
			"cidrBlocks": []string{"0.0.0.0/0"}}}})
		b.Add(groupType, "door", in{"vpcId": vpc.ID})
		for _, name := range []string{"door", "inside"} {
			b.Add("ec2/instance:Instance", name, in{"subnetId": subnet.ID, "instanceType": "t4g.nano",
				"associatePublicIpAddress": name == "door", "vpcSecurityGroupIds": []string{"securitygroup-" + name}})
		}
		admit(b, rules...)
	}
}

// admit writes the rules of the group door, inline.
func admit(b *graphtest.Builder, rules ...in) {
	list := []any{}
	for _, r := range rules {
		entry := in{"protocol": "tcp", "fromPort": 22, "toPort": 22}
		for key, value := range r {
			entry[key] = value
		}
		list = append(list, entry)
	}
	b.Set("aws:"+groupType, "door", "ingress", list)
}

// TestReached: who reaches whom that did not, and who no longer does, of each kind of peer and each way to write rules;
// what is only written otherwise is neither.
func TestReached(t *testing.T) {
	cidr := func(blocks ...string) in { return in{"cidrBlocks": blocks} }
	six := func(blocks ...string) in { return in{"ipv6CidrBlocks": blocks} }
	ports := func(r in, from, to int) in { r["fromPort"], r["toPort"] = from, to; return r }
	for _, c := range []struct {
		name     string
		was, is  []in
		new, old []string // parts of the sentences, in order
	}{
		{"a block becomes the internet", []in{cidr("198.51.100.0/24")}, []in{cidr("0.0.0.0/0")},
			[]string{"Anyone on the **internet** can now reach **door** on tcp 22; before, only `198.51.100.0/24` " +
				"could."}, nil},
		{"the internet becomes a block", []in{cidr("0.0.0.0/0")}, []in{cidr("198.51.100.0/24")}, nil,
			[]string{"the internet → `door` on tcp 22 (still: `198.51.100.0/24`)"}},
		{"one block more", []in{cidr("198.51.100.0/24")}, []in{cidr("198.51.100.0/24", "203.0.113.0/24")},
			[]string{"**Addresses outside** (`203.0.113.0/24`) can now reach **door** on tcp 22."}, nil},
		{"another block", []in{cidr("198.51.100.0/24")}, []in{cidr("203.0.113.0/24")},
			[]string{"(`203.0.113.0/24`) can now reach"}, []string{"`198.51.100.0/24` → `door` on tcp 22."}},
		{"a part of a block", []in{cidr("198.51.100.0/24")}, []in{cidr("198.51.100.0/28")}, nil,
			[]string{"`198.51.100.0/24` → `door` on tcp 22 (still: `198.51.100.0/28`)"}},
		{"a block in a larger one", []in{cidr("198.51.100.0/28")}, []in{cidr("198.51.100.0/24")},
			[]string{"(`198.51.100.0/24`) can now reach"}, nil},
		{"a list of blocks becomes the internet", []in{{"prefixListIds": []string{"pl-1"}}}, []in{cidr("0.0.0.0/0")},
			[]string{"Anyone on the **internet**"}, nil},
		{"a list of blocks", nil, []in{{"prefixListIds": []string{"pl-1"}}},
			[]string{"(`prefix list pl-1`) can now reach **door** on tcp 22."}, nil},
		{"the internet becomes a list of blocks", []in{cidr("0.0.0.0/0")}, []in{{"prefixListIds": []string{"pl-1"}}},
			nil, []string{"the internet → `door` on tcp 22"}},
		{"a group becomes the internet", []in{{"securityGroups": []string{"securitygroup-inside"}}},
			[]in{cidr("0.0.0.0/0")}, []string{"Anyone on the **internet**"}, nil},
		{"the internet becomes a group", []in{cidr("0.0.0.0/0")},
			[]in{{"securityGroups": []string{"securitygroup-inside"}}}, nil,
			[]string{"the internet → `door` on tcp 22."}},
		{"itself becomes a group", []in{{"self": true}}, []in{{"securityGroups": []string{"securitygroup-inside"}}},
			nil, nil},
		{"itself becomes the internet", []in{{"self": true}}, []in{cidr("0.0.0.0/0")},
			[]string{"Anyone on the **internet** can now reach **door** on tcp 22."}, nil},
		{"IPv6 beside IPv4", []in{cidr("0.0.0.0/0")}, []in{cidr("0.0.0.0/0"), six("::/0")},
			[]string{"Anyone on the **internet** can now, over IPv6, reach **door** on tcp 22."}, nil},
		{"IPv4 beside IPv6", []in{six("::/0")}, []in{cidr("0.0.0.0/0"), six("::/0")},
			[]string{"Anyone on the **internet** can now reach **door** on tcp 22."}, nil},
		{"IPv6 instead of IPv4", []in{cidr("0.0.0.0/0")}, []in{six("::/0")}, []string{"over IPv6, reach"},
			[]string{"the internet → `door` on tcp 22"}},
		{"ports around one", []in{cidr("0.0.0.0/0")}, []in{ports(cidr("0.0.0.0/0"), 20, 25)},
			[]string{"on tcp 20-21, 23-25."}, nil},
		{"ports within others", []in{ports(cidr("0.0.0.0/0"), 20, 25)}, []in{cidr("0.0.0.0/0")}, nil,
			[]string{"the internet → `door` on tcp 20-21, 23-25."}},
		{"ports in two that touch", []in{ports(cidr("0.0.0.0/0"), 20, 25)},
			[]in{ports(cidr("0.0.0.0/0"), 20, 22), ports(cidr("0.0.0.0/0"), 23, 25)}, nil, nil},
		{"everything instead of a port", []in{cidr("0.0.0.0/0")},
			[]in{{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": []string{"0.0.0.0/0"}}},
			[]string{"on everything."}, nil},
		{"a port instead of everything",
			[]in{{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": []string{"0.0.0.0/0"}}},
			[]in{cidr("0.0.0.0/0")}, nil, []string{"the internet → `door` on everything (still: tcp 22)"}},
		{"another protocol", []in{cidr("0.0.0.0/0")}, []in{{"protocol": "udp", "cidrBlocks": []string{"0.0.0.0/0"}}},
			[]string{"on udp 22."}, []string{"the internet → `door` on tcp 22"}},
		{"two blocks in one entry instead of two entries", []in{cidr("198.51.100.0/24"), cidr("203.0.113.0/24")},
			[]in{cidr("198.51.100.0/24", "203.0.113.0/24")}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(base, head func(*graphtest.Builder)) {
				t.Helper()
				before, after := graphtest.New(t), graphtest.New(t)
				base(before)
				head(after)
				var opened, lost []string
				for _, d := range between(before.Graph(), after.Graph()).Environments[0].Dangers {
					switch {
					case strings.HasPrefix(d.What, "No longer reached: "):
						lost = append(lost, d.What)
					case d.Kind == "open to the outside", d.Kind == exposes:
						opened = append(opened, d.What)
					default:
						t.Errorf("it also says %+v", d)
					}
				}
				match := func(got, want []string) bool {
					return slices.EqualFunc(got, want, func(g, w string) bool { return strings.Contains(g, w) })
				}
				if !match(opened, c.new) || !match(lost, c.old) {
					t.Errorf("got\n%s\n%s\nwant\n%s\n%s", strings.Join(opened, "\n"), strings.Join(lost, "\n"),
						strings.Join(c.new, "\n"), strings.Join(c.old, "\n"))
				}
			}
			check(door(c.was...), door(c.is...))
			// The same by rules of their own, of both kinds, and from one way to write them to the other.
			apart := func(kind string, rules []in) func(b *graphtest.Builder) {
				return func(b *graphtest.Builder) {
					door()(b)
					for i, r := range rules {
						separate(b, kind, string(rune('a'+i)), r)
					}
				}
			}
			check(apart(ingressType, c.was), apart(ingressType, c.is))
			check(apart(oldRuleType, c.was), apart(oldRuleType, c.is))
			check(door(c.was...), apart(ingressType, c.is))
			check(apart(oldRuleType, c.was), door(c.is...))
		})
	}
}

// separate writes a rule of the group door as resources of their own: one for each peer.
func separate(b *graphtest.Builder, kind, name string, r in) {
	rule := in{"protocol": "tcp", "fromPort": 22, "toPort": 22}
	for key, value := range r {
		rule[key] = value
	}
	rule["securityGroupId"], rule["type"] = "securitygroup-door", "ingress"
	if kind == oldRuleType {
		for i, of := range graphTexts(rule["securityGroups"]) {
			one := in{"sourceSecurityGroupId": of}
			for _, key := range []string{"protocol", "fromPort", "toPort", "securityGroupId", "type"} {
				one[key] = rule[key]
			}
			b.Add(kind, name+string(rune('0'+i)), one)
		}
		if rule["securityGroups"] == nil {
			b.Add(kind, name, rule)
		}
		return
	}
	n := 0
	for _, peer := range [][2]string{{"cidrBlocks", "cidrIpv4"}, {"ipv6CidrBlocks", "cidrIpv6"},
		{"prefixListIds", "prefixListId"}, {"securityGroups", "referencedSecurityGroupId"}, {"self", ""}} {
		of := graphTexts(rule[peer[0]])
		key := peer[1]
		if peer[0] == "self" && rule["self"] == true {
			key, of = "referencedSecurityGroupId", []string{"securitygroup-door"}
		}
		for _, value := range of {
			one := in{"securityGroupId": "securitygroup-door", "ipProtocol": rule["protocol"], key: value}
			if rule["protocol"] != "-1" {
				one["fromPort"], one["toPort"] = rule["fromPort"], rule["toPort"]
			}
			b.Add(kind, name+string(rune('0'+n)), one)
			n++
		}
	}
}

func graphTexts(v any) []string {
	texts, _ := v.([]string)
	return texts
}

// TestGroupsOfNothing: of a group that no place of the stack is known to have, its rules tell what opens and closes.
func TestGroupsOfNothing(t *testing.T) {
	group := func(direction string, rules ...in) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			list := []any{}
			for _, r := range rules {
				list = append(list, r)
			}
			b.Add(groupType, "front", in{})
			b.Add(groupType, "tasks", in{direction: list})
		}
	}
	tcp := func(from, to int, key string, peers ...string) in {
		return in{"protocol": "tcp", "fromPort": from, "toPort": to, key: peers}
	}
	for _, c := range []struct {
		name, direction string
		was, is         []in
		want            [][2]string
	}{
		{"a group becomes the internet", "ingress", []in{tcp(80, 80, "securityGroups", "securitygroup-front")},
			[]in{tcp(80, 80, "cidrBlocks", "0.0.0.0/0")},
			[][2]string{{exposes, "lets the whole internet in on tcp 80"}}},
		{"the internet becomes a group", "ingress", []in{tcp(80, 80, "cidrBlocks", "0.0.0.0/0")},
			[]in{tcp(80, 80, "securityGroups", "securitygroup-front")},
			[][2]string{{stops, "no longer lets the internet on tcp 80 in"}}},
		{"another group", "ingress", []in{tcp(80, 80, "securityGroups", "securitygroup-front")},
			[]in{tcp(80, 80, "securityGroups", "securitygroup-tasks")},
			[][2]string{{stops, "no longer lets `SecurityGroup front` on tcp 80 in"}}},
		{"a block", "ingress", nil, []in{tcp(80, 81, "cidrBlocks", "203.0.113.0/24")},
			[][2]string{{exposes, "lets `203.0.113.0/24` in on tcp 80-81"}}},
		{"a block of the network", "ingress", nil, []in{tcp(80, 81, "cidrBlocks", "10.0.0.0/8")}, nil},
		{"nothing but the network", "egress", []in{tcp(0, 65535, "cidrBlocks", "0.0.0.0/0")},
			[]in{tcp(0, 65535, "cidrBlocks", "10.0.0.0/8")},
			[][2]string{{stops, "no longer lets what has it reach out to the internet on tcp all"}}},
		{"IPv6", "ingress", []in{tcp(80, 80, "cidrBlocks", "0.0.0.0/0")},
			[]in{tcp(80, 80, "cidrBlocks", "0.0.0.0/0"), tcp(80, 80, "ipv6CidrBlocks", "::/0")},
			[][2]string{{exposes, "lets the whole internet over IPv6 in on tcp 80"}}},
		{"the order of rules", "ingress", []in{tcp(80, 80, "cidrBlocks", "0.0.0.0/0"), tcp(81, 81, "cidrBlocks",
			"0.0.0.0/0")},
			[]in{tcp(81, 81, "cidrBlocks", "0.0.0.0/0"), tcp(80, 80, "cidrBlocks", "0.0.0.0/0")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after := graphtest.New(t), graphtest.New(t)
			group(c.direction, c.was...)(before)
			group(c.direction, c.is...)(after)
			tells(t, between(before.Graph(), after.Graph()).Environments[0].Dangers, c.want)
		})
	}
}

// tells compares dangers with those that are wanted, each by its kind and a part of its sentence, in any order.
func tells(t *testing.T, got []Danger, want [][2]string) {
	t.Helper()
	left := slices.Clone(want)
	for _, d := range got {
		i := slices.IndexFunc(left, func(w [2]string) bool { return d.Kind == w[0] && strings.Contains(d.What, w[1]) })
		if i < 0 {
			t.Errorf("it says %s: %s", d.Kind, d.What)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		t.Errorf("it does not say %q", left)
	}
}

// TestRouted: what a table of routes no longer leads to, or another way.
func TestRouted(t *testing.T) {
	table := func(b *graphtest.Builder) {
		b.Add("ec2/internetGateway:InternetGateway", "out", in{})
		for _, name := range []string{"a", "b"} {
			b.Add("ec2/natGateway:NatGateway", name, in{"subnetId": "subnet-x"})
		}
		b.Add("ec2/routeTable:RouteTable", "t", in{})
		b.Add("ec2/route:Route", "out", in{"routeTableId": "routetable-t", "destinationCidrBlock": "0.0.0.0/0",
			"natGatewayId": "natgateway-a"})
	}
	inline := func(to string) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Remove("ec2/route:Route", "out")
			b.Set("aws:ec2/routeTable:RouteTable", "t", "routes",
				[]any{in{"cidrBlock": "0.0.0.0/0", "natGatewayId": "natgateway-" + to}})
		}
	}
	route := func(path string, value any) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Set("aws:ec2/route:Route", "out", "natGatewayId", nil)
			b.Set("aws:ec2/route:Route", "out", path, value)
		}
	}
	for _, c := range []struct {
		name   string
		change func(b *graphtest.Builder)
		want   [][2]string
	}{
		{"gone", func(b *graphtest.Builder) { b.Remove("ec2/route:Route", "out") },
			[][2]string{{stops, "nothing leads to `0.0.0.0/0` any longer, which `NatGateway a` did"}}},
		{"gone with its table", func(b *graphtest.Builder) {
			b.Remove("ec2/route:Route", "out").Remove("ec2/routeTable:RouteTable", "t")
		}, nil},
		{"another gateway", route("natGatewayId", "natgateway-b"),
			[][2]string{{stops, "is reached by `NatGateway b` instead of `NatGateway a`"}}},
		{"the internet's", route("gatewayId", "internetgateway-out"),
			[][2]string{{exposes, "leads to an internet gateway (`InternetGateway out`)"}}},
		{"written in the table", inline("a"), nil},
		{"written in the table, another one", inline("b"), [][2]string{{stops, "instead of `NatGateway a`"}}},
		{"more", func(b *graphtest.Builder) {
			b.Add("ec2/route:Route", "far", in{"routeTableId": "routetable-t", "destinationCidrBlock": "10.9.0.0/16",
				"transitGatewayId": "tgw-1"})
		}, [][2]string{{exposes, "reaches `10.9.0.0/16` by way of `tgw-1`"}}},
		{"a table of its own", func(b *graphtest.Builder) {
			b.Add("ec2/routeTable:RouteTable", "u", in{"routes": []any{in{"cidrBlock": "0.0.0.0/0",
				"gatewayId": "internetgateway-out"}}})
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, table, c.change)
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

package drawing

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

type in = graphtest.In

// network adds a VPC with a public and a private subnet.
func network(b *graphtest.Builder) {
	vpc := b.Add("ec2/vpc:Vpc", "network", in{"cidrBlock": "10.0.0.0/16"})
	gateway := b.Add("ec2/internetGateway:InternetGateway", "network", in{"vpcId": vpc.ID})
	for _, name := range []string{"public", "private"} {
		subnet := b.Add("ec2/subnet:Subnet", name,
			in{"vpcId": vpc.ID, "cidrBlock": map[string]string{"public": "10.0.1.0/24", "private": "10.0.2.0/24"}[name],
				"availabilityZone": "a"})
		table := b.Add("ec2/routeTable:RouteTable", name, in{"vpcId": vpc.ID})
		b.Add("ec2/routeTableAssociation:RouteTableAssociation", name,
			in{"subnetId": subnet.ID, "routeTableId": table.ID})
	}
	b.Add("ec2/route:Route", "public", in{"routeTableId": b.Get("ec2/routeTable:RouteTable", "public").ID,
		"destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.ID})
}

func groups(b *graphtest.Builder, names ...string) {
	for _, name := range names {
		b.Add("ec2/securityGroup:SecurityGroup", name, in{"vpcId": "vpc-network"})
	}
}

func allow(b *graphtest.Builder, name, from, to string, port int) {
	rule := func(kind, of, key, peer string) {
		b.Add("vpc/securityGroup"+kind+":SecurityGroup"+kind, name+kind, in{
			"securityGroupId": "securitygroup-" + of, key: peer, "ipProtocol": "tcp", "fromPort": port, "toPort": port,
		})
	}
	block := func(end string) bool { return strings.Contains(end, "/") }
	if !block(from) && !block(to) {
		rule("IngressRule", to, "referencedSecurityGroupId", "securitygroup-"+from)
		rule("EgressRule", from, "referencedSecurityGroupId", "securitygroup-"+to)
		return
	}
	if block(from) {
		rule("IngressRule", to, "cidrIpv4", from)
	} else {
		rule("EgressRule", from, "cidrIpv4", to)
	}
}

// tiers adds a load balancer, a group and a database.
func tiers(b *graphtest.Builder) {
	groups(b, "lb", "app", "db")
	balancer := b.Add("lb/loadBalancer:LoadBalancer", "site",
		in{"subnets": []string{"subnet-public"}, "securityGroups": []string{"securitygroup-lb"},
			"accessLogs": in{"bucket": "bucketv2-logs"}})
	b.Add("s3/bucketV2:BucketV2", "logs", in{})
	targets := b.Add("lb/targetGroup:TargetGroup", "site", in{"port": 8080, "protocol": "HTTP"})
	b.Add("lb/listener:Listener", "https", in{
		"loadBalancerArn": balancer.Output("arn"), "port": 443, "protocol": "HTTPS",
		"defaultActions": []any{in{"targetGroupArn": targets.Output("arn")}},
	})
	template := b.Add("ec2/launchTemplate:LaunchTemplate", "app",
		in{"instanceType": "t4g.small", "vpcSecurityGroupIds": []string{"securitygroup-app"}})
	b.Add("autoscaling/group:Group", "app", in{
		"minSize": 2, "maxSize": 6, "launchTemplate": in{"id": template.ID},
		"vpcZoneIdentifiers": []string{"subnet-private"}, "targetGroupArns": []any{targets.Output("arn")},
	})
	subnets := b.Add("rds/subnetGroup:SubnetGroup", "db",
		in{"name": "db-subnets", "subnetIds": []string{"subnet-private"}})
	b.Add("rds/instance:Instance", "db", in{
		"engine": "mysql", "engineVersion": "8.4", "instanceClass": "db.t4g.medium", "multiAz": true,
		"dbSubnetGroupName":   subnets.Input("name"),
		"vpcSecurityGroupIds": []string{"securitygroup-db"}, "enabledCloudwatchLogsExports": []string{"error"},
	})
	allow(b, "browsers", "0.0.0.0/0", "lb", 443)
	allow(b, "requests", "lb", "app", 8080)
	allow(b, "queries", "app", "db", 3306)
}

// role gives a launch template or an instance a role that allows the actions.
func role(b *graphtest.Builder, kind, name string, statements string) {
	r := b.Add("iam/role:Role", name, in{})
	b.Add("iam/rolePolicy:RolePolicy", name, in{"role": r.ID, "policy": `{"Statement":[` + statements + `]}`})
	p := b.Add("iam/instanceProfile:InstanceProfile", name, in{"role": r.ID})
	if kind == "ec2/launchTemplate:LaunchTemplate" {
		b.Set(kind, name, "iamInstanceProfile", in{"arn": p.Output("arn")})
		return
	}
	b.Set(kind, name, "iamInstanceProfile", p.ID)
}

func edges(d Drawing) []string {
	var all []string
	for _, e := range d.Edges {
		arrow := " > "
		if e.Reference {
			arrow = " ~ "
		}
		all = append(all, e.From+arrow+e.To+": "+strings.Join(e.Labels, ", "))
	}
	return all
}

func TestEdges(t *testing.T) {
	tests := []struct {
		name  string
		build func(b *graphtest.Builder)
		want  []string
	}{
		{"nothing", func(*graphtest.Builder) {}, nil},
		{"a network in which nothing stands", network, nil},
		{"three tiers", func(b *graphtest.Builder) { network(b); tiers(b) }, []string{
			"app > database: 3306", "internet > load_balancer: HTTPS 443", "load_balancer > app: HTTP 8080",
			"load_balancer ~ s3: access logs",
		}},
		{"a rule that is wider than what is served shows", func(b *graphtest.Builder) {
			network(b)
			tiers(b)
			allow(b, "more", "0.0.0.0/0", "lb", 8443)
		}, []string{
			"app > database: 3306", "internet > load_balancer: 8443, HTTPS 443", "load_balancer > app: HTTP 8080",
			"load_balancer ~ s3: access logs",
		}},
		{"a way that a rule does not open is not there", func(b *graphtest.Builder) {
			network(b)
			tiers(b)
			b.Remove("vpc/securityGroupEgressRule:SecurityGroupEgressRule", "queriesEgressRule")
		}, []string{"internet > load_balancer: HTTPS 443", "load_balancer > app: HTTP 8080",
			"load_balancer ~ s3: access logs"}},
		{"operators, and a server in the public subnet that goes out by itself", func(b *graphtest.Builder) {
			network(b)
			groups(b, "jump")
			b.Add("ec2/instance:Instance", "jump", in{
				"subnetId": "subnet-public", "vpcSecurityGroupIds": []string{"securitygroup-jump"},
				"associatePublicIpAddress": true, "instanceType": "t4g.nano",
			})
			allow(b, "office", "203.0.113.0/24", "jump", 22)
			allow(b, "home", "198.51.100.7/32", "jump", 22)
			allow(b, "out", "jump", "0.0.0.0/0", 443)
		}, []string{"jump > outgoing: 443", "operators > jump: 22"}},
		{"out of the private subnet through a NAT gateway", func(b *graphtest.Builder) {
			network(b)
			tiers(b)
			b.Remove("s3/bucketV2:BucketV2", "logs")
			address := b.Add("ec2/eip:Eip", "nat", in{})
			nat := b.Add("ec2/natGateway:NatGateway", "nat",
				in{"subnetId": "subnet-public", "allocationId": address.ID, "connectivityType": "public"})
			b.Add("ec2/route:Route", "private",
				in{"routeTableId": "routetable-private", "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat.ID})
			allow(b, "out", "app", "0.0.0.0/0", 443)
		}, []string{
			"app > database: 3306", "app > nat: 443", "internet > load_balancer: HTTPS 443",
			"load_balancer > app: HTTP 8080", "nat > outgoing: all",
		}},
		{"gateway endpoints", func(b *graphtest.Builder) {
			network(b)
			tiers(b)
			for _, service := range []string{"s3", "dynamodb"} {
				b.Add("ec2/vpcEndpoint:VpcEndpoint", service, in{
					"vpcEndpointType": "Gateway", "serviceName": "com.amazonaws.eu-central-1." + service,
					"routeTableIds": []string{"routetable-private"},
				})
			}
			allow(b, "out", "app", "0.0.0.0/0", 443)
		}, []string{
			// The app's rule would let it reach the site; no route leads it to the internet, of which the site else is
			// a part.
			"app > database: 3306", "app > dynamodb: 443 by gateway endpoint", "app > load_balancer: HTTPS 443",
			"app > s3: 443 by gateway endpoint",
			"internet > load_balancer: HTTPS 443", "load_balancer > app: HTTP 8080", "load_balancer ~ s3: access logs",
		}},
		{"parameters and logs, by the roles", func(b *graphtest.Builder) {
			network(b)
			tiers(b)
			b.Remove("s3/bucketV2:BucketV2", "logs")
			groups(b, "jump", "other")
			for _, name := range []string{"jump", "other"} {
				b.Add("ec2/instance:Instance", name,
					in{"subnetId": "subnet-private", "vpcSecurityGroupIds": []string{"securitygroup-" + name}})
			}
			b.Add("ssm/parameter:Parameter", "password", in{"type": "SecureString"})
			b.Add("ssm/parameter:Parameter", "host", in{"type": "String"})
			b.Add("cloudwatch/logGroup:LogGroup", "app", in{"name": "/app"})
			role(b, "ec2/launchTemplate:LaunchTemplate", "app",
				`{"Effect":"Allow","Action":["ssm:GetParameters","logs:PutLogEvents"],"Resource":"*"}`)
			role(b, "ec2/instance:Instance", "jump", `{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"*"}`)
			role(b, "ec2/instance:Instance", "other",
				`{"Effect":"Deny","Action":["ssm:GetParameters","logs:PutLogEvents"],"Resource":"*"}`)
		}, []string{
			"app > database: 3306", "app ~ parameters: reads", "app ~ watching: logs", "database ~ watching: logs",
			"internet > load_balancer: HTTPS 443",
			"jump ~ parameters: reads", "load_balancer > app: HTTP 8080",
		}},
		{"alarms, events and whom they tell", func(b *graphtest.Builder) {
			network(b)
			tiers(b)
			b.Remove("s3/bucketV2:BucketV2", "logs")
			topic := b.Add("sns/topic:Topic", "alarms", in{})
			b.Add("sns/topicSubscription:TopicSubscription", "alarms",
				in{"topic": topic.Output("arn"), "protocol": "email"})
			a := b.Add("cloudwatch/metricAlarm:MetricAlarm", "errors", in{"alarmActions": []any{topic.Output("arn")}})
			a.PropertyDependencies = map[string][]string{"dimensions": {
				b.Get("lb/targetGroup:TargetGroup", "site").URN, b.Get("rds/instance:Instance", "db").URN,
				b.Get("ec2/vpc:Vpc", "network").URN,
			}}
			b.Add("cloudwatch/eventTarget:EventTarget", "group", in{"arn": topic.Output("arn")})
		}, []string{
			"app > database: 3306", "database ~ watching: metrics", "internet > load_balancer: HTTPS 443",
			"load_balancer > app: HTTP 8080",
			"load_balancer ~ watching: metrics", "watching ~ told: alarms, events",
		}},
		{"a name", func(b *graphtest.Builder) {
			network(b)
			tiers(b)
			b.Remove("s3/bucketV2:BucketV2", "logs")
			r := b.Add("route53/record:Record", "site", in{"name": "files.example.org"})
			r.PropertyDependencies = map[string][]string{"aliases": {b.Get("lb/loadBalancer:LoadBalancer", "site").URN}}
			b.Add("route53/record:Record", "proof", in{"name": "_proof.files.example.org"})
		}, []string{
			"app > database: 3306", "internet > load_balancer: HTTPS 443", "load_balancer > app: HTTP 8080",
			"names ~ load_balancer: name",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := graphtest.New(t)
			test.build(b)
			d := Of(b.Graph())
			if got := edges(d); !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			for _, e := range d.Edges {
				for _, end := range []string{e.From, e.To} {
					if !slices.ContainsFunc(d.Nodes, func(n Node) bool { return n.ID == end }) {
						t.Errorf("the edge %v has an end that is no node", e)
					}
				}
			}
		})
	}
}

func TestNodes(t *testing.T) {
	b := graphtest.New(t)
	network(b)
	tiers(b)
	b.Add("wafv2/webAclAssociation:WebAclAssociation", "site",
		in{"resourceArn": b.Get("lb/loadBalancer:LoadBalancer", "site").Output("arn")})
	for _, n := range []string{"1", "2"} {
		b.Add("ec2/natGateway:NatGateway", "nat-"+n, in{"subnetId": "subnet-public"})
	}
	want := []Node{
		{ID: "internet", Area: Outside, Lines: []string{"Internet"}, URNs: nil},
		{ID: "load_balancer", Area: Public, Lines: []string{"Load balancer", "behind AWS WAF"},
			URNs: []string{"ELB Listener https", "ELB LoadBalancer site", "ELB TargetGroup site",
				"WAF WebAclAssociation site"}},
		{ID: "nat", Area: Public, Lines: []string{"2 × NAT gateway"},
			URNs: []string{"NatGateway nat-1", "NatGateway nat-2"}},
		{ID: "app", Area: Private, Lines: []string{"App", "2 to 6 instances", "t4g.small"},
			URNs: []string{"Auto Scaling Group app", "LaunchTemplate app"}},
		{ID: "database", Area: Private,
			Lines: []string{"Database", "mysql 8.4", "db.t4g.medium", "with a standby in another zone"},
			URNs:  []string{"RDS Instance db", "RDS SubnetGroup db"}},
		{ID: "s3", Area: Services, Lines: []string{"S3", "logs"}, URNs: []string{"BucketV2 logs"}},
	}
	g := b.Graph()
	d := Of(g)
	for _, n := range d.Nodes {
		var resources []string
		for _, urn := range n.URNs {
			resources = append(resources, g.ByURN(urn).String())
		}
		slices.Sort(resources)
		i := slices.IndexFunc(want, func(w Node) bool { return w.ID == n.ID })
		if i < 0 {
			t.Errorf("there is a node %+v", n)
			continue
		}
		if w := want[i]; n.Area != w.Area || !slices.Equal(n.Lines, w.Lines) || !slices.Equal(resources, w.URNs) {
			t.Errorf("got %s %s %q of %q, want %+v", n.ID, n.Area, n.Lines, resources, w)
		}
	}
	if len(d.Nodes) != len(want) {
		t.Errorf("there are %d nodes, want %d", len(d.Nodes), len(want))
	}
}

func TestMermaid(t *testing.T) {
	d := Drawing{
		Ground: `VPC "a"`,
		Titles: map[Area]string{Public: "Public subnets in 1 zone", Private: "Private subnets in 1 zone"},
		Nodes: []Node{
			{ID: "end", Area: Outside, Lines: []string{"The <end>"}},
			{ID: "app", Area: Private, Lines: []string{"App", "2 × `a` #1"}},
			{ID: "s3", Area: Services, Lines: []string{"S3"}},
		},
		Edges: []Edge{{From: "end", To: "app", Labels: []string{"443", "80"}},
			{From: "app", To: "s3", Reference: true, Labels: []string{"logs"}}},
	}
	want := `flowchart TD
  n_end(["The #60;end#62;"])
  subgraph ground["VPC #34;a#34;"]
    subgraph private["Private subnets in 1 zone"]
      n_app["App<br/>2 × #96;a#96; #35;1"]
    end
  end
  subgraph services["AWS services"]
    n_s3[("S3")]
  end
  n_end -->|"443, 80"| n_app
  n_app -.->|"logs"| n_s3
`
	if got := d.Mermaid(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := (Drawing{}).Mermaid(); got != "flowchart TD\n" {
		t.Errorf("an empty drawing is %q", got)
	}
}

// TestStrangers: a name is nothing but a text, whatever it says.
func TestStrangers(t *testing.T) {
	for text, want := range map[string]string{
		"a b_c-1 (×2)": "a b_c-1 (×2)", "%%{init: {}}%%": "#37;#37;#123;init: #123;#125;#125;#37;#37;",
		"&lt;img&gt;": "#38;lt#59;img#38;gt#59;", "a\n  click a\r\nend": "a click a end", "$$x$$": "#36;#36;x#36;#36;",
		"\u202ea\x00": "\ufffda\ufffd", "a\"]": "a#34;#93;", strings.Repeat("é", 90): strings.Repeat("é", 79) + "…",
		"#quot;": "#35;quot#59;", "<br/>": "#60;br/#62;", "`a`": "#96;a#96;",
	} {
		if got := escape(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := id("A b-é/`\"[x]\n"); got != "a_b__e9____x__" {
		t.Errorf("got %q", got)
	}
}

// TestDeterministic: the same resources in another order are the same drawing.
func TestDeterministic(t *testing.T) {
	b := graphtest.New(t)
	network(b)
	tiers(b)
	g := b.Graph()
	want := Of(g).Mermaid()
	for range 20 {
		resources := slices.Clone(g.Resources)
		slices.Reverse(resources)
		again, err := graph.New(g.Project, g.Stack, resources...)
		if err != nil {
			t.Fatal(err)
		}
		if got := Of(again).Mermaid(); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// TestCrowds: many parts of a kind are one node with a few lines, in every stack of whatever size.
func TestCrowds(t *testing.T) {
	b := graphtest.New(t)
	network(b)
	groups(b, "web")
	for i := range 100 {
		name := fmt.Sprint("a-long-name-of-something-", i)
		b.Add("s3/bucketV2:BucketV2", name, in{})
		b.Add("ec2/instance:Instance", name,
			in{"subnetId": "subnet-private", "vpcSecurityGroupIds": []string{"securitygroup-web"}})
		b.Add("sns/topicSubscription:TopicSubscription", name,
			in{"topic": b.Get("ec2/vpc:Vpc", "network").Output("arn"), "protocol": "email"})
	}
	allow(b, "each other", "web", "web", 80)
	d := Of(b.Graph())
	if got, want := edges(d), []string{"instance_private_ALL > instance_private_ALL: 80"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	text := d.Mermaid()
	for _, want := range []string{`"100 instances"`, `"S3<br/>100 buckets"`} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	if len(text) > 500 {
		t.Errorf("the drawing of what is alike takes %d characters:\n%s", len(text), text)
	}
}

// TestApart: places whose names are alike, or those of what is no place, have nodes of their own.
func TestApart(t *testing.T) {
	tests := []struct {
		name  string
		names []string
	}{
		{"one id", []string{"a-b", "a_b", "a.b", "a b", "A-b"}},
		{"what stands outside", []string{"internet", "operators", "s3", "dynamodb", "nat", "prefix list x"}},
		{"what the drawing calls its parts", []string{"names", "outgoing", "parameters", "watching", "told"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := graphtest.New(t)
			network(b)
			groups(b, "web")
			b.Add("s3/bucketV2:BucketV2", "files", in{})
			b.Add("ec2/natGateway:NatGateway", "gateway", in{"subnetId": "subnet-public"})
			for _, name := range test.names {
				b.Add("ec2/instance:Instance", name, in{"subnetId": "subnet-public", "associatePublicIpAddress": true,
					"vpcSecurityGroupIds": []string{"securitygroup-web"}})
			}
			allow(b, "site", "0.0.0.0/0", "web", 443)
			d := Of(b.Graph())
			seen := map[string]bool{}
			for _, n := range d.Nodes {
				instances := 0
				for _, urn := range n.URNs {
					if strings.Contains(urn, ":Instance::") {
						instances++
					}
				}
				if instances > 1 || instances == 1 && len(n.URNs) > 1 || seen[n.ID] {
					t.Errorf("%s stands for %q", n.ID, n.URNs)
				}
				seen[n.ID] = true
			}
			reached := 0
			for _, e := range d.Edges {
				if e.From == internet && e.To != "nat" {
					reached++
				}
			}
			if reached != len(test.names) {
				t.Errorf("the internet reaches %d of %d:\n%s", reached, len(test.names), d.Mermaid())
			}
		})
	}
	t.Run("the same name in two components", func(t *testing.T) {
		b := graphtest.New(t)
		network(b)
		for i, urn := range []string{"urn:b", "urn:a"} {
			r := b.Add("ec2/instance:Instance", fmt.Sprint("web", i), in{"subnetId": "subnet-public"}, "c")
			r.Name, r.URN = "web", urn
		}
		if d := Of(b.Graph()); len(d.Nodes) != 2 {
			t.Errorf("got %+v", d.Nodes)
		}
	})
}

// TestZones: what chooses a zone may not be known, and is then not counted as one.
func TestZones(t *testing.T) {
	for _, test := range []struct {
		name string
		zone any
		want string
	}{
		{"known", "b", "Public subnets in 1 zone"}, {"unknown", graph.Unknown, "Public subnets"},
		{"AWS's choice", nil, "Public subnets"},
	} {
		b := graphtest.New(t)
		network(b)
		b.Get("ec2/subnet:Subnet", "public").Inputs["availabilityZone"] = test.zone
		if got := Of(b.Graph()).Titles[Public]; got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

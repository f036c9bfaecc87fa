package prices

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

type in = graphtest.In

const (
	instance = "ec2/instance:Instance"
	database = "rds/instance:Instance"
	balancer = "lb/loadBalancer:LoadBalancer"
	group    = "autoscaling/group:Group"
	template = "ec2/launchTemplate:LaunchTemplate"
	endpoint = "ec2/vpcEndpoint:VpcEndpoint"
	metric   = "cloudwatch/metricAlarm:MetricAlarm"
	filter   = "cloudwatch/logMetricFilter:LogMetricFilter"
	eip      = "ec2/eip:Eip"
)

func volume(size int) in { return in{"volumeType": "gp3", "volumeSize": size} }

func mysql(change in) in {
	d := in{
		"engine": "mysql", "instanceClass": "db.t4g.medium", "storageType": "gp3", "allocatedStorage": 50,
		"engineLifecycleSupport": "open-source-rds-extended-support-disabled",
	}
	for k, v := range change {
		d[k] = v
	}
	return d
}

// app adds a group with its template.
func app(b *graphtest.Builder, groupChange, templateChange in) {
	t := in{"instanceType": "t4g.small", "blockDeviceMappings": []any{in{"deviceName": "/dev/xvda", "ebs": volume(10)}}}
	for k, v := range templateChange {
		t[k] = v
	}
	g := in{"minSize": 2, "maxSize": 6, "launchTemplate": in{"id": b.Add(template, "app", t).ID}}
	for k, v := range groupChange {
		g[k] = v
	}
	b.Add(group, "app", g)
}

// TestIdle: one rule of the bill in each case. A line is "<resource> <dollars a month>"; what is not priced is named.
func TestIdle(t *testing.T) {
	tests := []struct {
		name     string
		build    func(b *graphtest.Builder)
		lines    []string
		unpriced []string
	}{
		{"nothing", func(*graphtest.Builder) {}, nil, nil},
		{"instance with its volume", func(b *graphtest.Builder) {
			b.Add(instance, "jump", in{"instanceType": "t4g.nano", "rootBlockDevice": volume(8)})
		}, []string{"jump 3.066", "jump 0.64"}, nil},
		{"instance with a public address", func(b *graphtest.Builder) {
			b.Add(instance, "jump", in{"instanceType": "t4g.micro", "rootBlockDevice": volume(8),
				"associatePublicIpAddress": true})
		}, []string{"jump 6.132", "jump 3.65", "jump 0.64"}, nil},
		{"instance with an Elastic IP has one address, not two", func(b *graphtest.Builder) {
			i := b.Add(instance, "nat", in{"instanceType": "t4g.nano", "rootBlockDevice": volume(8),
				"associatePublicIpAddress": true})
			e := b.Add(eip, "address", in{})
			b.Add("ec2/eipAssociation:EipAssociation", "nat", in{"instanceId": i.ID, "allocationId": e.ID})
		}, []string{"address 3.65", "nat 3.066", "nat 0.64"}, nil},
		{"instance of a type without a price", func(b *graphtest.Builder) {
			b.Add(instance, "jump", in{"instanceType": "c7g.large", "rootBlockDevice": volume(8)})
		}, []string{"jump 0.64"}, []string{`EC2 Instance jump: instance type "c7g.large"`}},
		{"instance without a word on its volume", func(b *graphtest.Builder) {
			b.Add(instance, "jump", in{"instanceType": "t4g.nano"})
		}, []string{"jump 3.066"},
			[]string{"EC2 Instance jump: volume that is not a gp3 of known size and usual speed"}},
		{"second volume, another kind, more speed", func(b *graphtest.Builder) {
			b.Add(instance, "jump", in{"instanceType": "t4g.nano", "rootBlockDevice": volume(8),
				"ebsBlockDevices": []any{
					volume(100), in{"volumeType": "io2", "volumeSize": 10},
					in{"volumeType": "gp3", "volumeSize": 10, "iops": 6000},
				}})
		}, []string{"jump 8", "jump 3.066", "jump 0.64"}, []string{
			"EC2 Instance jump: volume that is not a gp3 of known size and usual speed",
			"EC2 Instance jump: volume that is not a gp3 of known size and usual speed",
		}},
		{"group counts its least size", func(b *graphtest.Builder) { app(b, nil, nil) },
			[]string{"app 24.528", "app 1.6"}, nil},
		{"group whose type has no price counts its volumes", func(b *graphtest.Builder) {
			app(b, nil, in{"instanceType": "m7g.large"})
		},
			[]string{"app 1.6"}, []string{`Auto Scaling Group app: 2 × instance type "m7g.large"`}},
		{"group at zero costs nothing", func(b *graphtest.Builder) { app(b, in{"minSize": 0}, nil) }, nil, nil},
		{"group with the image's own volume",
			func(b *graphtest.Builder) { app(b, nil, in{"blockDeviceMappings": nil}) },
			[]string{"app 24.528"},
			[]string{"Auto Scaling Group app: 2 × volume that is not a gp3 of known size and usual speed"}},
		{"group with public addresses", func(b *graphtest.Builder) {
			app(b, nil, in{"networkInterfaces": []any{in{"associatePublicIpAddress": "true"}}})
		}, []string{"app 24.528", "app 7.3", "app 1.6"}, nil},
		{"group of several types", func(b *graphtest.Builder) {
			app(b, in{"launchTemplate": nil, "mixedInstancesPolicy": in{"launchTemplate": in{}}}, nil)
		}, nil, []string{"Auto Scaling Group app: a group of unknown size or template, or of several types"}},
		{"a NAT gateway for each of two zones", func(b *graphtest.Builder) {
			for _, n := range []string{"1", "2"} {
				e := b.Add(eip, "nat-"+n, in{})
				b.Add("ec2/natGateway:NatGateway", "nat-"+n, in{"allocationId": e.ID})
			}
		}, []string{"nat-1 32.85", "nat-2 32.85", "nat-1 3.65", "nat-2 3.65"}, nil},
		{"load balancer with an address in each zone", func(b *graphtest.Builder) {
			b.Add(balancer, "site", in{"subnets": []string{"a", "b", "c"}})
		}, []string{"site 16.425", "site 10.95"}, nil},
		{"load balancer within the VPC", func(b *graphtest.Builder) {
			b.Add(balancer, "site", in{"subnets": []string{"a", "b"}, "internal": true})
		}, []string{"site 16.425"}, nil},
		{"load balancer of another kind", func(b *graphtest.Builder) {
			b.Add(balancer, "site", in{"loadBalancerType": "gateway"})
		}, nil, []string{"ELB LoadBalancer site: Gateway Load Balancer"}},
		{"endpoints", func(b *graphtest.Builder) {
			b.Add(endpoint, "s3", in{"vpcEndpointType": "Gateway"})
			b.Add(endpoint, "dynamodb", in{})
			b.Add(endpoint, "ssm", in{"vpcEndpointType": "Interface", "subnetIds": []string{"a", "b"}})
			b.Add(endpoint, "other", in{"vpcEndpointType": "Resource"})
		}, []string{"ssm 14.6"}, []string{"EC2 VpcEndpoint other: an endpoint of kind Resource"}},
		{"database", func(b *graphtest.Builder) { b.Add(database, "db", mysql(nil)) }, []string{"db 47.45", "db 5.75"},
			nil},
		{"database with a standby pays for two of everything", func(b *graphtest.Builder) {
			b.Add(database, "db", mysql(in{"multiAz": true}))
		}, []string{"db 94.9", "db 11.5"}, nil},
		{"database of a class without a price", func(b *graphtest.Builder) {
			b.Add(database, "db", mysql(in{"instanceClass": "db.m7g.large", "multiAz": true}))
		}, []string{"db 11.5"}, []string{`RDS Instance db: 2 × database class "db.m7g.large" of engine "mysql"`}},
		{"another engine, another kind of storage", func(b *graphtest.Builder) {
			b.Add(database, "db", mysql(in{"engine": "postgres", "storageType": "io1"}))
		}, nil, []string{
			`RDS Instance db: database class "db.t4g.medium" of engine "postgres"`,
			"RDS Instance db: database storage that is not gp3 of known size and usual speed",
		}},
		{"Extended Support and Performance Insights", func(b *graphtest.Builder) {
			b.Add(database, "db", mysql(in{"engineLifecycleSupport": nil, "performanceInsightsRetentionPeriod": 31}))
			b.Add(database, "other", mysql(in{"performanceInsightsRetentionPeriod": 7}))
		}, []string{"db 47.45", "other 47.45", "db 5.75", "other 5.75"}, []string{
			"RDS Instance db: Extended Support, by the hour, from the day on which the version leaves standard support",
			"RDS Instance db: Performance Insights kept for 31 days",
		}},
		{"tables", func(b *graphtest.Builder) {
			b.Add("dynamodb/table:Table", "files", in{"billingMode": "PAY_PER_REQUEST"})
			b.Add("dynamodb/table:Table", "other", in{})
		}, nil, []string{"DynamoDB Table other: capacity by PROVISIONED"}},
		{"parameters", func(b *graphtest.Builder) {
			b.Add("ssm/parameter:Parameter", "host", in{"tier": "Standard"})
			b.Add("ssm/parameter:Parameter", "long", in{"tier": "Advanced"})
		}, nil, []string{"Parameter long: a parameter of tier Advanced"}},
		{"as many alarms as are free", func(b *graphtest.Builder) { alarms(b, 10) }, nil, nil},
		{"alarms after those that are free, and those that policies bring", func(b *graphtest.Builder) {
			alarms(b, 9)
			b.Add("autoscaling/policy:Policy", "cpu", in{"policyType": "TargetTrackingScaling"})
			b.Add("autoscaling/policy:Policy", "step", in{"policyType": "SimpleScaling"})
		}, []string{"alarms 0.1"}, nil},
		{"alarms that cost more", func(b *graphtest.Builder) {
			b.Add(metric, "quick", in{"period": 10})
			alarms(b, 9)
			query := func(period int) in { return in{"metric": in{"period": period}} }
			b.Add(metric, "sum",
				in{"metricQueries": []any{query(60), query(300), query(300), in{"expression": "IF(a >= b, c, 0)"}}})
			b.Add(metric, "quick sum", in{"metricQueries": []any{query(10)}})
		}, []string{"alarms 0.2"},
			[]string{"MetricAlarm quick sum: an alarm within a minute", "MetricAlarm quick: an alarm within a minute"}},
		{"detailed monitoring", func(b *graphtest.Builder) {
			template := b.Add("ec2/launchTemplate:LaunchTemplate", "app",
				in{"instanceType": "t4g.nano", "monitoring": in{"enabled": true}, "blockDeviceMappings": []any{
					in{"ebs": in{"volumeSize": 10, "volumeType": "gp3"}}}})
			b.Add("autoscaling/group:Group", "app",
				in{"minSize": 2, "launchTemplate": in{"id": template.ID, "version": "1"}})
		}, []string{"app 6.132", "app 1.6", "custom metrics 1.2"}, nil},
		{"metrics that are made of logs", func(b *graphtest.Builder) {
			for n := range 12 {
				b.Add(filter, fmt.Sprint(n),
					in{"metricTransformation": in{"namespace": "app", "name": fmt.Sprint("m", n)}})
			}
			b.Add(filter, "again", in{"metricTransformation": in{"namespace": "app", "name": "m1"}})
			b.Add(filter, "by user",
				in{"metricTransformation": in{"name": "logins", "dimensions": in{"user": "$.user"}}})
		}, []string{"custom metrics 0.6"},
			[]string{"LogMetricFilter by user: a metric for each value of its dimensions"}},
		{"dashboards after those that are free", func(b *graphtest.Builder) {
			for n := range 5 {
				b.Add("cloudwatch/dashboard:Dashboard", fmt.Sprint(n), in{})
			}
		}, []string{"dashboards 6"}, nil},
		{"zone and key", func(b *graphtest.Builder) {
			b.Add("route53/zone:Zone", "zone", in{})
			b.Add("kms/key:Key", "key", in{})
		}, []string{"key 1", "zone 0.5"}, nil},
		{"what is unknown is not free", func(b *graphtest.Builder) {
			b.Add("eks/addon:Addon", "dns", in{})
			b.Add("ec2/vpc:Vpc", "network", in{}, "component")
		}, nil, []string{"Addon dns: type aws:eks/addon:Addon"}},
		{"what is only looked up is paid by others", func(b *graphtest.Builder) {
			b.Add(balancer, "site", in{"subnets": []string{"a"}}).Read = true
		}, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := graphtest.New(t)
			test.build(b)
			bill := Builtin().Idle(b.Graph(), "us-east-1")
			var lines []string
			var sum float64
			for _, l := range bill.Lines {
				lines = append(lines, fmt.Sprintf("%s %g", l.Resource, math.Round(l.Monthly*1e6)/1e6))
				sum += l.Monthly
			}
			if !slices.Equal(lines, test.lines) {
				t.Errorf("lines\n%q, want\n%q", lines, test.lines)
			}
			if got := unpriced(bill); !slices.Equal(got, test.unpriced) {
				t.Errorf("without a price\n%q, want\n%q", got, test.unpriced)
			}
			if math.Abs(bill.Total()-sum) > 1e-9 {
				t.Errorf("the total is %g, the lines are %g together", bill.Total(), sum)
			}
		})
	}
}

func alarms(b *graphtest.Builder, n int) {
	for i := range n {
		b.Add(metric, fmt.Sprint(i), in{"period": 300})
	}
}

// TestFree: nothing is free for two reasons, or free and priced as well.
func TestFree(t *testing.T) {
	known := rules()
	for token, reason := range free() {
		if strings.Count(freeText, "\n"+token+"\n") != 1 {
			t.Errorf("%s is free because %q and because of something else", token, reason)
		}
		if reason == "" || known[token] != nil {
			t.Errorf("%s is free because %q, and has a rule: %t", token, reason, known[token] != nil)
		}
		g, err := graph.New("test", "test", &graph.Resource{Token: token, Name: "r", Custom: true})
		if err != nil {
			t.Fatal(err)
		}
		if bill := Builtin().Idle(g, "us-east-1"); len(bill.Lines)+len(bill.Unpriced) > 0 {
			t.Errorf("%s is free because %q, and its bill is %+v", token, reason, bill)
		}
	}
	if len(free()) < 150 {
		t.Errorf("%d types are free", len(free()))
	}
}

func unpriced(b Bill) []string {
	var all []string
	for _, u := range b.Unpriced {
		all = append(all, u.String())
	}
	return all
}

func TestMarkdown(t *testing.T) {
	bill := Bill{Lines: []Line{
		{Resource: "site", What: "load balancer, $0.0225 per hour", Monthly: 16.425},
		{Resource: "a", What: "b|c", Monthly: 1},
	}, Unpriced: []Unpriced{{Resource: "EC2 Instance jump", Why: "instance type \"c7g.large\""}}}
	want := `| What | Resource | $ a month |
| --- | --- | ---: |
| load balancer, $0.0225 per hour | ` + "`site`" + ` | 16.43 |
| b\|c | ` + "`a`" + ` | 1.00 |
| **Sum** | | **17.43** |

**Not in the sum, because no price is known:**

- EC2 Instance jump: instance type "c7g.large"
`
	if got := bill.Markdown(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := (Bill{}).Markdown(); strings.Contains(got, "Not in the sum") || !strings.Contains(got, "**0.00**") {
		t.Errorf("an empty bill is\n%s", got)
	}
}

// TestDocument: what the table knows of uses all stands in the document.
func TestDocument(t *testing.T) {
	got := Builtin().Document("us-east-1",
		Environment{"dev", Bill{Lines: []Line{{Resource: "a", What: "b", Monthly: 20}}}}, Environment{"prod", Bill{}})
	wants := []string{Builtin().Date, "us-east-1", "`dev` while idle: **$20.00 a month**",
		"`prod` while idle: **$0.00 a month**"}
	uses := Builtin().AllUses("us-east-1")
	if len(uses) < 15 {
		t.Errorf("%d uses have a price", len(uses))
	}
	for _, u := range uses {
		wants = append(wants, fmt.Sprintf("| %s | %g | %s |", u.What, u.Price, u.Unit))
	}
	for _, want := range append(wants, NotCounted()...) {
		if !strings.Contains(got, want) {
			t.Errorf("the document does not hold %q:\n%s", want, got)
		}
	}
}

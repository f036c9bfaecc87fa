package prices

import (
	"bytes"
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// frankfurt is a table of two regions.
func frankfurt() *Table {
	return &Table{Form: Form, Date: "2026-11-29", Source: "a test", Global: map[string]float64{"route53/zone": 0.5},
		Regions: map[string]map[string]float64{
			"eu-central-1": {
				"ec2/c7g.large": 0.08, "ec2/t3.medium": 0.05, "ebs/gp2": 0.1, "ebs/gp3": 0.1, "ebs/gp3/iops": 0.006,
				"ebs/gp3/throughput": 0.05, "ebs/io2": 0.15, "ebs/io2/iops": 0.07, "ipv4": 0.005, "nat": 0.05,
				"fargate/vcpu": 0.05, "fargate/memory": 0.005, "fargate/arm/vcpu": 0.04, "fargate/arm/memory": 0.004,
				"fargate/disk": 0.0001, "eks/cluster": 0.1, "lb/application": 0.03, "lb/network": 0.03,
				"lb/gateway": 0.0125, "lb/classic": 0.03, "endpoint/interface": 0.012, "rds/mysql/db.m7g.large": 0.2,
				"rds/mysql/db.m7g.large/multi-az": 0.41, "rds/postgres/db.m7g.large": 0.21, "rds/storage/gp3": 0.14,
				"rds/storage/gp2": 0.14, "rds/storage/io1": 0.15, "rds/iops": 0.1, "rds/aurora-mysql/db.r7g.large": 0.3,
				"rds/aurora-mysql/acu": 0.14, "rds/aurora-postgresql/db.r7g.large/io-optimized": 0.4,
				"cache/redis/cache.t4g.small": 0.04, "cache/valkey/cache.t4g.small": 0.03, "dynamodb/rcu": 0.0002,
				"dynamodb/wcu": 0.0008, "opensearch/t3.small.search": 0.04, "opensearch/storage/gp3": 0.15,
				"secret": 0.4, "kms/key": 1, "kinesis/shard": 0.02, "tgw/attachment": 0.06, "waf/acl": 5, "waf/rule": 1,
				"cloudwatch/alarm": 0.1, "docdb/db.t3.medium": 0.1, "redshift/ra3.large": 0.6,
			},
			"us-east-1": {"nat": 0.045, "cloudwatch/alarm": 0.2},
		}}
}

// TestRead: a table that a plan could not rely on is refused.
func TestRead(t *testing.T) {
	var text bytes.Buffer
	if err := frankfurt().Write(&text); err != nil {
		t.Fatal(err)
	}
	good := text.String()
	if _, err := Read(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"another form", `"form": 1`, `"form": 2`, "of form 2, not 1"},
		{"no date", "2026-11-29", "yesterday", "neither a month nor a day"},
		{"no source", "a test", "", "the source is missing"},
		{"a long source", "a test", strings.Repeat("x", 300), "longer than 200"},
		{"no region", `"eu-central-1"`, `"Frankfurt"`, "not the name of a region"},
		{"a negative price", "0.08,", "-0.08,", "prices are positive"},
		{"a price of nothing", "0.08,", "0,", "prices are positive"},
		{"a price in words", "0.08,", `"cheap",`, "cannot unmarshal string"},
		{"something else", `"form"`, `"color": "red", "form"`, `unknown field "color"`},
		{"something after it", "\n}\n", "\n}\n{}", "something follows"},
		{"half of it", "\n}\n", "", "unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(strings.Replace(good, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Read(strings.NewReader(`{"form": 1, "date": "2026-11", "source": "x", "regions": {}}`)); err == nil {
		t.Error("a table without a region is read")
	}
}

// TestRegions: every resource is priced in its own region, and none as if it were in another one.
func TestRegions(t *testing.T) {
	b := graphtest.New(t)
	provider := func(name string, region any) string {
		p := b.Add("pulumi:providers:aws", name, in{"region": region})
		p.URN = "urn:pulumi:test::test::pulumi:providers:aws::" + name
		return p.URN + "::id"
	}
	const nat = "ec2/natGateway:NatGateway"
	b.Add(nat, "own", in{})
	b.Add(nat, "by-provider", in{}).Options.Provider = provider("virginia", "us-east-1")
	b.Add(nat, "by-itself", in{"region": "us-east-1"})
	b.Add(nat, "nowhere", in{}).Options.Provider = provider("tokyo", "ap-northeast-1")
	b.Add(nat, "unknown", in{}).Options.Provider = provider("made", "{region of Something x}")
	b.Add("route53/zone:Zone", "zone", in{})
	b.Add("ec2/subnet:Subnet", "free", in{}).Options.Provider = provider("sydney", "ap-southeast-2")
	got := frankfurt().Idle(b.Graph(), "eu-central-1")
	want := []string{"own: NAT gateway, $0.05 per hour = 36.5",
		"by-itself: NAT gateway, $0.045 per hour, in us-east-1 = 32.85",
		"by-provider: NAT gateway, $0.045 per hour, in us-east-1 = 32.85", "zone: hosted zone, $0.50 per month = 0.5"}
	compare(t, got, want, []string{"NatGateway nowhere: no prices of ap-northeast-1",
		"NatGateway unknown: its region is not known"})

	// The same stack in a region that the table lacks, and in none.
	compare(t, frankfurt().Idle(b.Graph(), "ap-south-1"), []string{
		"by-itself: NAT gateway, $0.045 per hour, in us-east-1 = 32.85",
		"by-provider: NAT gateway, $0.045 per hour, in us-east-1 = 32.85", "zone: hosted zone, $0.50 per month = 0.5"},
		[]string{"NatGateway nowhere: no prices of ap-northeast-1", "NatGateway own: no prices of ap-south-1",
			"NatGateway unknown: its region is not known"})
	compare(t, frankfurt().Idle(b.Graph(), ""), []string{
		"by-itself: NAT gateway, $0.045 per hour, in us-east-1 = 32.85",
		"by-provider: NAT gateway, $0.045 per hour, in us-east-1 = 32.85", "zone: hosted zone, $0.50 per month = 0.5"},
		[]string{"NatGateway nowhere: no prices of ap-northeast-1", "NatGateway own: its region is not known",
			"NatGateway unknown: its region is not known"})

	// What an account has for nothing, it has once, whatever the region.
	b = graphtest.New(t)
	alarms(b, 8)
	for _, name := range []string{"a", "b", "c", "d"} {
		b.Add(metric, name, in{"period": 300, "region": "us-east-1"})
	}
	compare(t, frankfurt().Idle(b.Graph(), "eu-central-1"),
		[]string{"alarms in us-east-1: 4 alarms, 0 of them by Auto " +
			"Scaling for its policies; $0.20 per month each after the 10 that an account has free = 0.4"}, nil)

	var uses []string
	b = graphtest.New(t)
	b.Add(nat, "own", in{})
	b.Add(nat, "other", in{"region": "us-east-1"})
	for _, u := range frankfurt().Uses(b.Graph(), "eu-central-1") {
		if strings.HasPrefix(u.What, "NAT") {
			uses = append(uses, u.Region)
		}
	}
	if len(uses) != 2 || uses[0] != "" || uses[1] != "us-east-1" {
		t.Errorf("NAT gateways are used in %q", uses)
	}
}

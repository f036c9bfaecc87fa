package plan

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// TestEverywhere: inputs that mean the same in every type are judged by their names, also where nothing else of a type
// is, and their counterparts mean nothing.
func TestEverywhere(t *testing.T) {
	const unknown = "aws:newservice/thing:Thing"
	for _, c := range []struct {
		path     string
		old, now any
		kind     string
		what     string
	}{
		{"publiclyAccessible", false, true, exposes, "public address"},
		{"networkConfiguration.ingressConfiguration.isPubliclyAccessible", nil, true, exposes, "public address"},
		{"environment.privilegedMode", false, true, weakens, "all rights on its host"},
		{"allowExternalPrincipals", false, true, exposes, "outside the organization"},
		{"sharedAccounts", []any{}, []any{"all"}, exposes, "everyone is given it"},
		{"allowedPrincipals", []any{}, []any{"arn:aws:iam::123456789012:root"}, exposes, "root` is given it"},
		{"backupRetentionPeriod", 30.0, 1.0, weakens, "1 day instead of 30"},
		{"deletionProtection", true, false, weakens, undeletable},
		{"terminationProtection", true, false, weakens, undeletable},
		{"skipFinalSnapshot", false, true, weakens, "no snapshot is left"},
		{"forceDestroy", false, true, weakens, "where its deletion was refused"},
		{"multiAz", true, false, weakens, "no standby"},
		{"enabledCloudwatchLogsExports", []any{"a", "b"}, []any{"a"}, hides, "no longer kept"},
		{"rule", "203.0.113.0/24", "0.0.0.0/0", exposes, "names the whole internet (`rule`)"},
		{"rules", []any{"0.0.0.0/1"}, []any{"0.0.0.0/1", "128.0.0.0/1"}, exposes, "names the whole internet"},
		{"policy", statements(`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"x:A","Resource":"*"}`),
			statements(`{"Effect":"Allow","Principal":"*","Action":"x:A","Resource":"*"}`), exposes,
			"newly allows **everyone** `x:A`"},
		{"content", statements(`{"Effect":"Allow","Action":"x:A","Resource":"a"}`),
			statements(`{"Effect":"Allow","Action":"x:*","Resource":"a"}`), moreRights, "newly allows `x:*`"},
	} {
		t.Run(c.path, func(t *testing.T) {
			told := func(old, now any) []Danger {
				base, head := became(t, unknown, at(c.path, old), at(c.path, now))
				return slices.DeleteFunc(between(base, head).Environments[0].Dangers, func(d Danger) bool {
					return d.Kind == notJudged || d.Kind == stops // nothing judges the type; what no longer is let in
				})
			}
			tells(t, told(c.old, c.now), [][2]string{{c.kind, c.what}})
			tells(t, told(c.now, c.old), nil)
		})
	}
}

// TestWhoRefuses: what refuses to delete something is AWS only where it is AWS's, and only what has contents is
// emptied.
func TestWhoRefuses(t *testing.T) {
	for _, c := range []struct {
		kind, path string
		old, now   any
		what       string
	}{
		{"aws:newservice/thing:Thing", "deletionProtection", true, false, "AWS no longer refuses"},
		{"gcp:sql/databaseInstance:DatabaseInstance", "deletionProtection", true, false,
			"its deletion is no longer refused"},
		{"aws:s3/bucketV2:BucketV2", "forceDestroy", false, true, "it is emptied and deleted"},
		{"aws:ecs/service:Service", "forceDelete", false, true, "where its deletion was refused"},
		{"aws:rds/clusterInstance:ClusterInstance", "forceDestroy", false, true, "where its deletion was refused"},
	} {
		found := between(became(t, c.kind, at(c.path, c.old), at(c.path, c.now))).Environments[0].Dangers
		if !slices.ContainsFunc(found, func(d Danger) bool {
			return d.Kind == weakens && strings.Contains(d.What, c.what)
		}) {
			t.Errorf("%s %s: got %v, want %q", c.kind, c.path, found, c.what)
		}
	}
}

// TestSettledEverywhere: what the rules for all types do not know, as what holds where an input is not given, is told
// as what nothing judges.
func TestSettledEverywhere(t *testing.T) {
	for _, c := range []struct {
		kind, path string
		old, now   any
		want       [][2]string
	}{
		{"fsx/ontapFileSystem:OntapFileSystem", "automaticBackupRetentionDays", 30.0, nil,
			[][2]string{{notJudged, "`automaticBackupRetentionDays`"}}},
		{"fsx/ontapFileSystem:OntapFileSystem", "automaticBackupRetentionDays", 1.0, 30.0, nil},
		{"mq/broker:Broker", "autoMinorVersionUpgrade", true, nil,
			[][2]string{{notJudged, "`autoMinorVersionUpgrade`"}}},
		{"mq/broker:Broker", "autoMinorVersionUpgrade", false, true, nil},
		{"rds/instance:Instance", "backupRetentionPeriod", nil, 30.0, nil},
		{"pipes/pipe:Pipe", "targetParameters.ecsTaskParameters.networkConfiguration.awsVpcConfiguration." +
			"assignPublicIp", "DISABLED", "ENABLED",
			[][2]string{{exposes, "public address"}}},
	} {
		base, head := became(t, c.kind, at(c.path, c.old), at(c.path, c.now))
		t.Run(c.kind+" "+c.path, func(t *testing.T) {
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

// TestToBeSeen: what something here judges and only a deployment knows is not taken for what it was, nor for nothing.
func TestToBeSeen(t *testing.T) {
	for _, c := range []struct {
		kind, path string
		old        any
	}{
		{"lambda/functionUrl:FunctionUrl", "authorizationType", "AWS_IAM"},
		{"lambda/functionUrl:FunctionUrl", "authorizationType", nil},
		{"lambda/permission:Permission", "principal", nil},
		{"rds/instance:Instance", "publiclyAccessible", false},
		{"rds/instance:Instance", "deletionProtection", true},
		{"eks/cluster:Cluster", "vpcConfig.publicAccessCidrs", []any{"203.0.113.0/24"}},
		{"wafv2/webAcl:WebAcl", "rules", []any{in{"name": "a", "action": in{"block": in{}}}}},
		{"kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "serverSideEncryption.enabled", true},
	} {
		for _, whole := range []any{graph.Unknown, []any{"203.0.113.0/24", graph.Unknown}} {
			if _, list := c.old.([]any); !list && whole != graph.Unknown {
				continue // it is no list
			}
			t.Run(c.path, func(t *testing.T) {
				was := at(c.path, c.old)
				if c.old == nil {
					was = nil
				}
				var told []Danger
				for _, d := range between(became(t, c.kind, was, at(c.path, whole))).Environments[0].Dangers {
					if d.Kind != stops { // of a list that is known in part
						told = append(told, d)
					}
				}
				if len(told) == 0 || told[len(told)-1].Kind != notJudged {
					t.Errorf("got %v, want that only a deployment knows `%s`", told, c.path)
				}
				tells(t, between(became(t, c.kind, at(c.path, whole), at(c.path, whole))).Environments[0].Dangers, nil)
			})
		}
	}
	// What means nothing does so whatever it is.
	tells(t, between(became(t, "lambda/function:Function", in{"publish": true}, in{"publish": graph.Unknown})).
		Environments[0].Dangers, nil)
}

// TestMergedBlocks: blocks of addresses are what they hold together.
func TestMergedBlocks(t *testing.T) {
	for _, c := range []struct{ of, want []string }{
		{[]string{"0.0.0.0/1", "128.0.0.0/1"}, []string{"0.0.0.0/0"}},
		{[]string{"128.0.0.0/2", "0.0.0.0/1", "192.0.0.0/2"}, []string{"0.0.0.0/0"}},
		{[]string{"::/1", "8000::/1", "10.0.0.0/8"}, []string{"10.0.0.0/8", "::/0"}},
		{[]string{"10.0.0.0/8", "10.1.0.0/16"}, []string{"10.0.0.0/8"}},
		{[]string{"10.1.0.0/16", "10.2.0.0/16"}, []string{"10.1.0.0/16", "10.2.0.0/16"}}, // no halves of one
		{[]string{"0.0.0.0/0", "0.0.0.0/0"}, []string{"0.0.0.0/0"}},
		{nil, nil},
	} {
		var blocks []netip.Prefix
		for _, text := range c.of {
			blocks = append(blocks, netip.MustParsePrefix(text))
		}
		var got []string
		for _, b := range mergedBlocks(blocks) {
			got = append(got, b.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v are %v, want %v", c.of, got, c.want)
		}
	}
}

// TestHalves: two halves of the internet are the internet, for an API and for a security group, also in two rules.
func TestHalves(t *testing.T) {
	halves := []any{"0.0.0.0/1", "128.0.0.0/1"}
	tells(t, between(became(t, "eks/cluster:Cluster", at("vpcConfig.publicAccessCidrs", []any{"203.0.113.0/24"}),
		at("vpcConfig.publicAccessCidrs", halves))).Environments[0].Dangers,
		[][2]string{{exposes, "reached from the whole internet"}})
	tells(t, between(became(t, "eks/cluster:Cluster", at("vpcConfig.publicAccessCidrs", halves),
		at("vpcConfig.publicAccessCidrs", nil))).Environments[0].Dangers, nil)

	rule := func(b *graphtest.Builder, name, cidr string) {
		b.Add("vpc/securityGroupIngressRule:SecurityGroupIngressRule", name, in{"securityGroupId": "securitygroup-g",
			"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": cidr})
	}
	base, head := two(t, func(b *graphtest.Builder) {
		b.Add("ec2/securityGroup:SecurityGroup", "g", in{"vpcId": "v"})
		rule(b, "low", "0.0.0.0/1")
	}, func(b *graphtest.Builder) { rule(b, "high", "128.0.0.0/1") })
	tells(t, between(base, head).Environments[0].Dangers,
		[][2]string{{exposes, "lets the whole internet in on tcp 22"}})
	// The rule that lets everyone in is named, not one within it.
	base, head = two(t, func(b *graphtest.Builder) {
		b.Add("ec2/securityGroup:SecurityGroup", "g", in{"vpcId": "v"})
		rule(b, "some", "10.0.0.0/8")
	}, func(b *graphtest.Builder) { rule(b, "all", "0.0.0.0/0") })
	tells(t, between(base, head).Environments[0].Dangers,
		[][2]string{{exposes, "`all` lets the whole internet in on tcp 22"}})
}

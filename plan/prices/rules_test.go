package prices

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// compare compares a bill with lines, as "<resource>: <what> = <dollars a month>", and with what is not priced.
func compare(t *testing.T, got Bill, lines, lacks []string) {
	t.Helper()
	var is []string
	for _, l := range got.Lines {
		is = append(is, fmt.Sprintf("%s: %s = %g", l.Resource, l.What, math.Round(l.Monthly*1e6)/1e6))
	}
	if !slices.Equal(is, lines) {
		t.Errorf("lines\n%q, want\n%q", is, lines)
	}
	if !slices.Equal(unpriced(got), lacks) {
		t.Errorf("without a price\n%q, want\n%q", unpriced(got), lacks)
	}
}

// TestRules: what others use, with a table that has its prices.
func TestRules(t *testing.T) {
	task := func(b *graphtest.Builder, change in) string {
		d := in{"cpu": "512", "memory": "1024"}
		for k, v := range change {
			d[k] = v
		}
		return b.Add("ecs/taskDefinition:TaskDefinition", "task", d).ID
	}
	service := func(change, definition in) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			s := in{"launchType": "FARGATE", "desiredCount": 2, "taskDefinition": task(b, definition)}
			for k, v := range change {
				s[k] = v
			}
			b.Add("ecs/service:Service", "web", s)
		}
	}
	add := func(kind string, inputs in) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Add(kind, "x", inputs) }
	}
	member := func(engine, class string, cluster in) func(b *graphtest.Builder) {
		return func(b *graphtest.Builder) {
			cluster["engine"] = engine
			c := b.Add("rds/cluster:Cluster", "c", cluster)
			b.Add("rds/clusterInstance:ClusterInstance", "x", in{"clusterIdentifier": c.ID, "engine": engine,
				"instanceClass": class})
		}
	}
	for _, c := range []struct {
		name         string
		build        func(b *graphtest.Builder)
		lines, lacks []string
	}{
		{"tasks of Fargate", service(nil, nil), []string{"web: vCPU of Fargate, $0.05 per hour = 36.5",
			"web: 2 × GB of memory of Fargate, $0.005 per hour = 7.3"}, nil},
		{"on Graviton, with a disk and addresses", service(
			in{"networkConfiguration": in{"assignPublicIp": true}},
			in{"cpu": "1 vCPU", "memory": "2 GB", "ephemeralStorage": in{"sizeInGib": 30},
				"runtimePlatform": in{"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}}),
			[]string{"web: 2 × vCPU of Fargate on Graviton, $0.04 per hour = 58.4",
				"web: 4 × GB of memory of Fargate on Graviton, $0.004 per hour = 11.68",
				"web: 2 × public IPv4 address, $0.005 per hour = 7.3",
				"web: 20 × GB of disk of Fargate, $0.0001 per hour = 1.46"}, nil},
		{"by a strategy", service(in{"launchType": nil,
			"capacityProviderStrategies": []any{in{"capacityProvider": "FARGATE", "weight": 1}}}, nil),
			[]string{"web: vCPU of Fargate, $0.05 per hour = 36.5",
				"web: 2 × GB of memory of Fargate, $0.005 per hour = 7.3"}, nil},
		{"on spot capacity", service(in{"launchType": nil,
			"capacityProviderStrategies": []any{in{"capacityProvider": "FARGATE_SPOT", "weight": 1}}}, nil),
			nil, []string{
				"ECS Service web: tasks of which it is not known what they run on, and whether on spot capacity"}},
		{"on instances", service(in{"launchType": "EC2"}, nil), nil, nil},
		{"tasks of Windows",
			service(nil, in{"runtimePlatform": in{"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}),
			nil, []string{"ECS Service web: 2 × task of WINDOWS_SERVER_2022_CORE"}},
		{"tasks without a size", service(nil, in{"cpu": nil}), nil,
			[]string{"ECS Service web: 2 × task of unknown size"}},
		{"a cluster of EKS and its nodes", func(b *graphtest.Builder) {
			b.Add("eks/cluster:Cluster", "c", in{})
			b.Add("eks/nodeGroup:NodeGroup", "n", in{"scalingConfig": in{"minSize": 3}})
			b.Add("eks/nodeGroup:NodeGroup", "s", in{"scalingConfig": in{"minSize": 1}, "capacityType": "SPOT"})
		}, []string{"n: 3 × instance t3.medium, $0.05 per hour = 109.5", "c: EKS cluster, $0.1 per hour = 73"},
			[]string{"NodeGroup n: 3 × volume of 20 GB, of the kind that EKS chooses", "NodeGroup s: spot instance"}},
		{"volumes of more kinds and speed", func(b *graphtest.Builder) {
			b.Add("ebs/volume:Volume", "fast", in{"type": "gp3", "size": 100, "iops": 4000, "throughput": 225})
			b.Add("ebs/volume:Volume", "usual", in{"type": "gp3", "size": 10, "iops": 3000, "throughput": 125})
			b.Add("ebs/volume:Volume", "io", in{"type": "io2", "size": 10, "iops": 1000})
			b.Add("ebs/volume:Volume", "faster", in{"type": "io2", "size": 10, "iops": 40000})
			b.Add("ebs/volume:Volume", "old", in{"type": "gp2", "size": 10})
			b.Add("ebs/volume:Volume", "none", in{"size": 10})
		}, []string{"io: 1000 IOPS of io2 volumes, $0.07 per IOPS and month = 70",
			"fast: 100 GB of gp3 volumes, $0.1 per GB and month = 10",
			"fast: 1000 IOPS of gp3 volumes, $0.006 per IOPS and month = 6",
			"fast: 100 MiB a second of gp3 volumes, $0.05 per MiB a second and month = 5",
			"io: 10 GB of io2 volumes, $0.15 per GB and month = 1.5",
			"old: 10 GB of gp2 volumes, $0.1 per GB and month = 1",
			"usual: 10 GB of gp3 volumes, $0.1 per GB and month = 1"},
			[]string{"Volume faster: volume that is not a gp3 of known size and usual speed",
				"Volume none: volume that is not a gp3 of known size and usual speed"}},
		{"an instance of its own host, and a spot one", func(b *graphtest.Builder) {
			b.Add(instance, "alone",
				in{"instanceType": "c7g.large", "tenancy": "dedicated", "rootBlockDevice": volume(1)})
			b.Add(instance, "spot", in{"instanceType": "c7g.large", "rootBlockDevice": volume(1),
				"instanceMarketOptions": in{"marketType": "spot"}})
		}, []string{"alone: 1 GB of gp3 volumes, $0.1 per GB and month = 0.1",
			"spot: 1 GB of gp3 volumes, $0.1 per GB and month = 0.1"},
			[]string{`EC2 Instance alone: instance type "c7g.large" of tenancy dedicated`,
				`EC2 Instance spot: instance type "c7g.large" as a spot instance`}},
		{"load balancers of each kind", func(b *graphtest.Builder) {
			b.Add(balancer, "n", in{"loadBalancerType": "network", "subnetMappings": []any{
				in{"subnetId": "a", "allocationId": "e"}, in{"subnetId": "b"}}})
			b.Add(balancer, "g", in{"loadBalancerType": "gateway", "subnets": []string{"a"}})
			b.Add("elb/loadBalancer:LoadBalancer", "c", in{"internal": true, "subnets": []string{"a"}})
		}, []string{"c: Classic Load Balancer, $0.03 per hour = 21.9",
			"n: Network Load Balancer, $0.03 per hour = 21.9",
			"g: Gateway Load Balancer, $0.0125 per hour = 9.125",
			"n: public IPv4 address, at least one in each zone, $0.005 per hour = 3.65"}, nil},
		{"a database whose list has the pair",
			add(database, mysql(in{"instanceClass": "db.m7g.large", "multiAz": true})),
			[]string{"x: database db.m7g.large (Multi-AZ) with its standby, $0.41 per hour = 299.3",
				"x: 100 GB of database storage (Multi-AZ), $0.14 per GB and month = 14"}, nil},
		{"a database of another engine and storage", add(database, mysql(in{"instanceClass": "db.m7g.large",
			"engine": "postgres", "storageType": "io1", "iops": 1000})),
			[]string{"x: database db.m7g.large, $0.21 per hour = 153.3",
				"x: 1000 IOPS of io1 database storage, $0.1 per IOPS and month = 100",
				"x: 50 GB of io1 database storage, $0.15 per GB and month = 7.5"}, nil},
		{"an instance of Aurora", member("aurora-mysql", "db.r7g.large", in{}),
			[]string{"x: database db.r7g.large, $0.3 per hour = 219"}, nil},
		{"without a price for its I/O", member("aurora-postgresql", "db.r7g.large", in{"storageType": "aurora-iopt1"}),
			[]string{"x: I/O-Optimized database db.r7g.large, $0.4 per hour = 292"}, nil},
		{"serverless", member("aurora-mysql", "db.serverless",
			in{"serverlessv2ScalingConfiguration": in{"minCapacity": 0.5}}),
			[]string{"x: 0.5 × ACU of a serverless database, $0.14 per hour = 51.1"}, nil},
		{"a cluster that has its own instances", add("rds/cluster:Cluster", in{"engine": "mysql"}), nil,
			[]string{`RDS Cluster x: a cluster of engine "mysql", its instances and its storage`}},
		{"a group of caches", add("elasticache/replicationGroup:ReplicationGroup", in{"nodeType": "cache.t4g.small",
			"engine": "valkey", "numNodeGroups": 2, "replicasPerNodeGroup": 1}),
			[]string{"x: 4 × cache node cache.t4g.small, $0.03 per hour = 87.6"}, nil},
		{"a cache", add("elasticache/cluster:Cluster", in{"nodeType": "cache.t4g.small", "engine": "redis",
			"numCacheNodes": 1}), []string{"x: cache node cache.t4g.small, $0.04 per hour = 29.2"}, nil},
		{"a cache without a price", add("elasticache/cluster:Cluster", in{"nodeType": "cache.m7g.large",
			"engine": "memcached", "numCacheNodes": 2}), nil,
			[]string{`ElastiCache Cluster x: 2 × cache node type "cache.m7g.large" of engine "memcached"`}},
		{"a table with capacity", add("dynamodb/table:Table", in{"readCapacity": 10, "writeCapacity": 5,
			"globalSecondaryIndexes": []any{in{"readCapacity": 10, "writeCapacity": 5}}}),
			[]string{"x: 10 × write capacity unit, $0.0008 per hour = 5.84",
				"x: 20 × read capacity unit, $0.0002 per hour = 2.92"}, nil},
		{"a domain of OpenSearch", add("opensearch/domain:Domain", in{"clusterConfig": in{"instanceCount": 2,
			"instanceType": "t3.small.search"},
			"ebsOptions": in{"ebsEnabled": true, "volumeType": "gp3", "volumeSize": 10}}),
			[]string{"x: 2 × OpenSearch t3.small.search, $0.04 per hour = 58.4",
				"x: 20 GB of gp3 volumes of OpenSearch, $0.15 per GB and month = 3"}, nil},
		{"a web ACL", add("wafv2/webAcl:WebAcl", in{"scope": "REGIONAL", "rules": []any{in{}, in{}}}),
			[]string{"x: web ACL, $5.00 per month = 5", "x: 2 × rule of a web ACL, $1.00 per month = 2"}, nil},
		{"the rest", func(b *graphtest.Builder) {
			b.Add("secretsmanager/secret:Secret", "secret", in{})
			b.Add("kinesis/stream:Stream", "stream", in{"shardCount": 2})
			b.Add("ec2transitgateway/vpcAttachment:VpcAttachment", "attachment", in{})
			b.Add("docdb/clusterInstance:ClusterInstance", "documents", in{"instanceClass": "db.t3.medium"})
			b.Add("redshift/cluster:Cluster", "warehouse", in{"nodeType": "ra3.large", "numberOfNodes": 2})
		}, []string{"warehouse: 2 × Redshift ra3.large, $0.6 per hour = 876",
			"documents: DocumentDB db.t3.medium, $0.1 per hour = 73",
			"attachment: attachment of a transit gateway, $0.06 per hour = 43.8",
			"stream: 2 × shard, $0.02 per hour = 29.2", "secret: secret, $0.40 per month = 0.4"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := graphtest.New(t)
			c.build(b)
			compare(t, frankfurt().Idle(b.Graph(), "eu-central-1"), c.lines, c.lacks)
		})
	}
}

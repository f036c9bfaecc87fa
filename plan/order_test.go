package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestOrder: where the program gives the name that the provider would make, the old resource goes before the new one is
// made; with another name, or one that the provider makes, it goes after.
func TestOrder(t *testing.T) {
	for kind, c := range map[string]struct {
		name, replaces string
		old, now       any
	}{
		"opensearch/domain:Domain": {"domainName", "engineVersion", "OpenSearch_2.13",
			"OpenSearch_2.11"},
		"elasticsearch/domain:Domain":                   {"domainName", "elasticsearchVersion", "7.10", "7.9"},
		"elasticache/cluster:Cluster":                   {"clusterId", "port", 6379, 6380},
		"elasticache/replicationGroup:ReplicationGroup": {"replicationGroupId", "port", 6379, 6380},
		"mq/broker:Broker": {"brokerName", "deploymentMode", "SINGLE_INSTANCE",
			"CLUSTER_MULTI_AZ"},
		"eks/nodeGroup:NodeGroup": {"nodeGroupName", "capacityType", "SPOT", "ON_DEMAND"},
		"rds/instance:Instance":   {"identifier", "kmsKeyId", "a", "b"},
	} {
		for _, named := range []struct {
			old, now any
			first    bool
		}{{"a", "a", true}, {"a", "b", false}, {nil, nil, false}} {
			before, after := graphtest.New(t), graphtest.New(t)
			before.Add(kind, "x", in{c.replaces: c.old, c.name: named.old})
			after.Add(kind, "x", in{c.replaces: c.now, c.name: named.now})
			changes := compare(before.Graph(), after.Graph())
			if len(changes) != 1 || changes[0].Action != Replace || changes[0].First != named.first {
				t.Errorf("%s, %v → %v: %+v, want first %t", kind, named.old, named.now, changes, named.first)
			}
		}
	}
}

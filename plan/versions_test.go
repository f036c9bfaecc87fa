package plan

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// TestVersionsCompared: versions are compared by their numbers, whatever letters the service puts in front; what cannot
// be compared is not taken for the same.
func TestVersionsCompared(t *testing.T) {
	for _, c := range []struct {
		old, now any
		order    int
		known    bool
	}{
		{"5.0.0", "4.0.0", -1, true},
		{"1.2.1.0", "1.3.2.1", 1, true},
		{"16.3", "16", 0, true},
		{"16.9", "16.10", 1, true},
		{"OpenSearch_2.13", "OpenSearch_2.11", -1, true},
		{"OpenSearch_2.9", "OpenSearch_2.11", 1, true},
		{"Elasticsearch_7.10", "OpenSearch_1.0", 1, true},
		{"OpenSearch_1.3", "Elasticsearch_7.10", -1, true},
		{"Elasticsearch_7.9", "Elasticsearch_7.10", 1, true},
		{"v1.30", "1.31", 1, true},
		{"8.0.mysql_aurora.3.08.0", "8.0.mysql_aurora.3.04.0", -1, true},
		{"6.x", "6.2", 0, true},
		{"6.x", "7.0", 1, true},
		{"3.7.x", "3.7.x.kraft", 0, false},
		{"5.6.10a", "5.6.10b", 0, false},
		{"5.6.10a", "5.7.12", 1, true},
		{"ActiveMQ_5.17", "RabbitMQ_3.13", 0, false},
		{"5.0.0", "latest", 0, false},
		{nil, "5.0.0", 0, false},
		{"5.0.0", graph.Unknown, 0, false},
	} {
		order, known := compareVersions(c.old, c.now)
		if order = max(-1, min(1, order)); known != c.known || known && order != c.order {
			t.Errorf("%v → %v: %d, %t", c.old, c.now, order, known)
		}
		back, knownBack := compareVersions(c.now, c.old)
		if knownBack != known || known && max(-1, min(1, back)) != -order {
			t.Errorf("%v → %v is not the way back: %d, %t", c.now, c.old, back, knownBack)
		}
	}
}

// TestBothDirections: each version that is told as an upgrade is told as refused, or replaced, on its way back.
func TestBothDirections(t *testing.T) {
	versioned := regexp.MustCompile(`^(engineVersion|kafkaVersion|elasticsearchVersion|version)$`)
	tokens := map[string]string{databaseType: "engineVersion",
		"aws:elasticsearch/domain:Domain": "elasticsearchVersion"}
	for _, r := range inputRules {
		// Nodes follow their cluster, in both directions.
		if versioned.MatchString(r.path) && r.token != "aws:eks/nodeGroup:NodeGroup" {
			tokens[r.token] = r.path
		}
	}
	if len(tokens) < 9 {
		t.Fatalf("there are %v", tokens)
	}
	for token, path := range tokens {
		one := func(version string) *graph.Resource {
			return &graph.Resource{Token: token, Name: "x", URN: "urn:x", Custom: true,
				Inputs: map[string]any{path: version, "engine": "postgres"}}
		}
		earlier, later := "1.2.1", "1.3.1"
		kinds := func(old, now *graph.Resource) []string {
			base, err := graph.New("p", "e", old)
			if err != nil {
				t.Fatal(err)
			}
			head, err := graph.New("p", "e", now)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, d := range between(base, head).Environments[0].Dangers {
				kinds = append(kinds, d.Kind)
				if strings.Contains(d.What, "upgraded") != (now.Input(path) == later) && d.Kind == stops {
					t.Errorf("%s, %s → %s: %s", token, old.Input(path), now.Input(path), d.What)
				}
			}
			return kinds
		}
		if on := kinds(one(earlier), one(later)); !slices.Contains(on, stops) &&
			token != "aws:elasticsearch/domain:Domain" { // none of its inputs is judged
			t.Errorf("%s: a newer version is %q", token, on)
		}
		if back := kinds(one(later), one(earlier)); !slices.Contains(back, refused) &&
			!slices.Contains(back, "data replaced") && verdict(one(later), one(earlier), leaf{key: path, path: path,
			before: later, after: earlier}).Word != Replaces {
			t.Errorf("%s: the way back is %q", token, back)
		}
	}
}

// TestVersions: what is told of versions, by type.
func TestVersions(t *testing.T) {
	const (
		eks      = "eks/cluster:Cluster"
		search   = "opensearch/domain:Domain"
		database = "rds/instance:Instance"
	)
	for _, c := range []struct {
		kind, input, from, to string
		want                  [][2]string
	}{
		{"docdb/cluster:Cluster", "engineVersion", "5.0.0", "4.0.0", [][2]string{{refused,
			"DocumentDB does not go back"}}},
		{"docdb/cluster:Cluster", "engineVersion", "4.0.0", "5.0.0", [][2]string{{stops, "is upgraded"}}},
		{"docdb/cluster:Cluster", "engineVersion", "5.0.0", "5.0", nil},
		{"docdb/cluster:Cluster", "engineVersion", "5.0.0", "newest", [][2]string{{stops, "cannot be compared here"}}},
		{"docdb/cluster:Cluster", "engineVersion", "5.0.0", "", nil},
		{"neptune/cluster:Cluster", "engineVersion", "1.3.2.1", "1.2.1.0",
			[][2]string{{refused, "Neptune does not go back"}}},
		{eks, "version", "1.30", "1.31", [][2]string{{stops, "within 7 days only (1.30 → 1.31)"}}},
		{eks, "version", "1.30", "1.33", [][2]string{{refused, "one minor version at a time (1.30 → 1.33)"}}},
		{eks, "version", "1.30", "1.29", [][2]string{{refused, "only within 7 days"}}},
		{eks, "version", "1.30", "1.28", [][2]string{{refused, "by one minor version at most"}}},
		{eks, "version", "1.30", "", nil},
		{search, "engineVersion", "OpenSearch_2.13", "OpenSearch_2.11",
			[][2]string{{"data replaced", "its documents"}}},
		{search, "engineVersion", "OpenSearch_2.11", "OpenSearch_2.13",
			[][2]string{{"may be replaced", "engineVersion"}, {stops, "is upgraded"}}},
		{search, "engineVersion", "Elasticsearch_7.10", "OpenSearch_1.3",
			[][2]string{{"may be replaced", "engineVersion"}, {stops, "is upgraded"}}},
		{database, "engineVersion", "16.3", "15.7", [][2]string{{refused, "earlier major version"}}},
		{database, "engineVersion", "16.3", "16.1", [][2]string{{refused, "earlier version"}}},
		{database, "engineVersion", "16.3", "16.4", [][2]string{{stops, "is upgraded"}}},
		{"elasticache/replicationGroup:ReplicationGroup", "engineVersion", "7.1", "6.2",
			[][2]string{{"data replaced", "its data"}}},
		{"elasticache/replicationGroup:ReplicationGroup", "engineVersion", "6.2", "7.1",
			[][2]string{{stops, "is upgraded"}}},
	} {
		set := func(version string) in {
			inputs := in{"engine": map[bool]string{true: "postgres", false: "redis"}[c.kind == database]}
			if version != "" {
				inputs[c.input] = version
			}
			return inputs
		}
		t.Run(c.kind+" "+c.from+" "+c.to, func(t *testing.T) {
			before, after := graphtest.New(t), graphtest.New(t)
			before.Add(c.kind, "x", set(c.from))
			after.Add(c.kind, "x", set(c.to))
			tells(t, between(before.Graph(), after.Graph()).Environments[0].Dangers, c.want)
		})
	}
}

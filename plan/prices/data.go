package prices

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

const (
	standbyInstances = 2 // Multi-AZ pays for two of everything
	freeInsights     = 7 // days that Performance Insights keeps for nothing
)

var dataRules = map[string]func(*biller, *graph.Resource){
	"aws:rds/instance:Instance":                         (*biller).database,
	"aws:rds/clusterInstance:ClusterInstance":           (*biller).member,
	"aws:rds/cluster:Cluster":                           (*biller).cluster,
	"aws:dynamodb/table:Table":                          (*biller).table_,
	"aws:elasticache/cluster:Cluster":                   (*biller).cache,
	"aws:elasticache/replicationGroup:ReplicationGroup": (*biller).replicas,
	"aws:docdb/clusterInstance:ClusterInstance": func(b *biller, r *graph.Resource) {
		class := graph.Text(r.Input("instanceClass"))
		b.hourly(r, "DocumentDB "+class, 1, "docdb/"+class)
	},
	"aws:neptune/clusterInstance:ClusterInstance": func(b *biller, r *graph.Resource) {
		class := graph.Text(r.Input("instanceClass"))
		b.hourly(r, "Neptune "+class, 1, "neptune/"+class)
	},
	"aws:redshift/cluster:Cluster": func(b *biller, r *graph.Resource) {
		if nodes, ok := number(r, "numberOfNodes", 1); ok {
			kind := graph.Text(r.Input("nodeType"))
			b.hourly(r, "Redshift "+kind, nodes, "redshift/"+kind)
		} else {
			b.unpriced(r, "an unknown number of nodes")
		}
	},
	"aws:opensearch/domain:Domain": (*biller).search,
	"aws:kinesis/stream:Stream": func(b *biller, r *graph.Resource) {
		if graph.Text(r.Input("streamModeDetails.streamMode")) == "ON_DEMAND" {
			b.hourly(r, "stream on demand", 1, "kinesis/ondemand")
		} else if shards, ok := number(r, "shardCount", 0); ok && shards > 0 {
			b.hourly(r, "shard", shards, "kinesis/shard")
		} else {
			b.unpriced(r, "an unknown number of shards")
		}
		if hours, ok := number(r, "retentionPeriod", 24); !ok || hours > 24 {
			b.unpriced(r, "data that is kept for more than a day")
		}
	},
}

// engines are those whose classes cost the same whoever has the license, so that the engine and the class tell the
// price.
var engines = []string{"mysql", "mariadb", "postgres"}

func (b *biller) database(r *graph.Resource) {
	number, zones, standby := 1.0, "", graph.Is(r.Input("multiAz"), true)
	if standby {
		number, zones = standbyInstances, " (Multi-AZ)"
	}
	class, engine := graph.Text(r.Input("instanceClass")), graph.Text(r.Input("engine"))
	unpriced := fmt.Sprintf("%sdatabase class %q of engine %q", times(number), class, engine)
	key, region := "rds/"+engine+"/"+class, b.graph.Region(r, b.region)
	switch {
	case r.Input("replicateSourceDb") != nil && engine == "":
		b.unpriced(r, fmt.Sprintf("%sdatabase class %q of the engine that it is a copy of", times(number), class))
	case !slices.Contains(engines, engine):
		b.unpriced(r, unpriced)
	case standby && b.table.Price(region, key+"/multi-az") > 0:
		// A list that has the price of both together is more exact than twice the price of one.
		b.hourly(r, "database "+class+zones+" with its standby", 1, key+"/multi-az")
	default:
		if price, ok := b.price(r, key, unpriced); ok {
			b.add(r, fmt.Sprintf("%sdatabase %s%s, $%g per hour", times(number), class, zones, price),
				number*price*Hours)
		}
	}
	b.databaseStorage(r, number, zones)
	if r.Input("engineLifecycleSupport") != "open-source-rds-extended-support-disabled" &&
		(engine == "mysql" || engine == "postgres") {
		b.unpriced(r, "Extended Support, by the hour, from the day on which the version leaves standard support")
		b.Unpriced[len(b.Unpriced)-1].Later = true
	}
	b.insights(r)
}

func (b *biller) insights(r *graph.Resource) {
	if days, _ := graph.Number(r.Input("performanceInsightsRetentionPeriod")); days > freeInsights {
		b.unpriced(r, fmt.Sprintf("Performance Insights kept for %g days", days))
	}
}

// What RDS includes in the price of gp3 up to the size at which it stripes a volume is the usual speed, which iops and
// storageThroughput may not exceed: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html
func (b *biller) databaseStorage(r *graph.Resource, number float64, zones string) {
	gb, ok := graph.Number(r.Input("allocatedStorage"))
	kind := graph.Text(r.Input("storageType"))
	iops, known := graph.Number(r.Input("iops"))
	usual := r.Input("iops") == nil && r.Input("storageThroughput") == nil
	switch {
	case ok && (kind == "gp3" || kind == "gp2") && usual:
		key := "rds/storage/" + kind
		if b.table.Price(b.graph.Region(r, b.region), key) > 0 {
			what := "database storage" + zones
			if kind != "gp3" {
				what = kind + " " + what
			}
			b.stored(r, number*gb, "GB", what, key)
			return
		}
	case ok && kind == "io1" && known:
		if region := b.graph.Region(r, b.region); b.table.Price(region, "rds/storage/io1") > 0 &&
			b.table.Price(region, "rds/iops") > 0 {
			b.stored(r, number*gb, "GB", "io1 database storage"+zones, "rds/storage/io1")
			b.stored(r, number*iops, "IOPS", "io1 database storage"+zones, "rds/iops")
			return
		}
	}
	b.lacks(r, fmt.Sprintf("%sdatabase storage that is not gp3 of known size and usual speed", times(number)))
}

// member is an instance of an Aurora cluster, or of a Multi-AZ cluster, whose storage belongs to the cluster.
func (b *biller) member(r *graph.Resource) {
	class, engine := graph.Text(r.Input("instanceClass")), graph.Text(r.Input("engine"))
	unpriced := fmt.Sprintf("database class %q of engine %q", class, engine)
	cluster := b.graph.Resolve(r.Input("clusterIdentifier"), "aws:rds/cluster:Cluster")
	switch {
	case engine != "aurora-mysql" && engine != "aurora-postgresql", cluster == nil:
		b.unpriced(r, unpriced)
	case class == "db.serverless":
		// The least that it scales to is paid for, unless that is nothing.
		least, ok := graph.Number(cluster.Input("serverlessv2ScalingConfiguration.minCapacity"))
		if !ok {
			b.unpriced(r, "a serverless database of unknown capacity")
			return
		}
		b.hourly(r, "ACU of a serverless database", least, acu(engine, cluster))
	case graph.Text(cluster.Input("storageType")) == "aurora-iopt1":
		b.hourly(r, "I/O-Optimized database "+class, 1, "rds/"+engine+"/"+class+"/io-optimized")
	default:
		if price, ok := b.price(r, "rds/"+engine+"/"+class, unpriced); ok {
			b.add(r, fmt.Sprintf("database %s, $%g per hour", class, price), price*Hours)
		}
	}
	b.insights(r)
}

func acu(engine string, cluster *graph.Resource) string {
	key := "rds/" + engine + "/acu"
	if graph.Text(cluster.Input("storageType")) == "aurora-iopt1" {
		key += "/io-optimized"
	}
	return key
}

// cluster: that of Aurora pays for storage by use, and for its instances, which are resources of their own.
func (b *biller) cluster(r *graph.Resource) {
	engine := graph.Text(r.Input("engine"))
	if strings.HasPrefix(engine, "aurora") && graph.Text(r.Input("engineMode")) != "serverless" {
		return
	}
	b.unpriced(r, fmt.Sprintf("a cluster of engine %q, its instances and its storage", engine))
}

// table_ is a table of DynamoDB with its indexes, which have a capacity of their own.
func (b *biller) table_(r *graph.Resource) {
	mode := cmp.Or(graph.Text(r.Input("billingMode")), "PROVISIONED")
	if len(graph.Items(r.Input("replicas"))) > 0 {
		b.unpriced(r, "replicas in other regions")
	}
	if mode == "PAY_PER_REQUEST" {
		return
	}
	region := b.graph.Region(r, b.region)
	reads, ok := graph.Number(r.Input("readCapacity"))
	writes, both := graph.Number(r.Input("writeCapacity"))
	for _, index := range graph.Items(r.Input("globalSecondaryIndexes")) {
		n, known := graph.Number(graph.At(index, "readCapacity"))
		m, too := graph.Number(graph.At(index, "writeCapacity"))
		reads, writes, ok, both = reads+n, writes+m, ok && known, both && too
	}
	if mode != "PROVISIONED" || !ok || !both || b.table.Price(region, "dynamodb/rcu") == 0 ||
		b.table.Price(region, "dynamodb/wcu") == 0 {
		b.lacks(r, "capacity by "+mode)
		return
	}
	b.hourly(r, "read capacity unit", reads, "dynamodb/rcu")
	b.hourly(r, "write capacity unit", writes, "dynamodb/wcu")
}

func (b *biller) nodesOf(r *graph.Resource, nodes float64) {
	kind, engine := graph.Text(r.Input("nodeType")), cmp.Or(graph.Text(r.Input("engine")), "redis")
	what := fmt.Sprintf("%scache node type %q of engine %q", times(nodes), kind, engine)
	if price, ok := b.price(r, "cache/"+engine+"/"+kind, what); ok {
		b.add(r, fmt.Sprintf("%scache node %s, $%g per hour", times(nodes), kind, price), nodes*price*Hours)
	}
}

// cache is a cluster of ElastiCache. One that belongs to a group has what the group says.
func (b *biller) cache(r *graph.Resource) {
	nodes, ok := number(r, "numCacheNodes", 1)
	switch {
	case r.Input("replicationGroupId") != nil:
		group := b.graph.Resolve(r.Input("replicationGroupId"), "aws:elasticache/replicationGroup:ReplicationGroup")
		if group == nil || r.Input("nodeType") != nil {
			b.unpriced(r, "a node of a group that is not known")
			return
		}
		b.nodesOf(group, 1)
	case !ok || r.Input("nodeType") == nil:
		b.unpriced(r, "an unknown number or type of cache nodes")
	default:
		b.nodesOf(r, nodes)
	}
}

// replicas is a group of ElastiCache: of shards, each with replicas, or of so many clusters.
func (b *biller) replicas(r *graph.Resource) {
	shards, known := number(r, "numNodeGroups", 1)
	copies, too := number(r, "replicasPerNodeGroup", 0)
	nodes := shards * (1 + copies)
	if r.Input("numCacheClusters") != nil {
		nodes, known = number(r, "numCacheClusters", 1)
	}
	if !known || !too || r.Input("nodeType") == nil {
		b.unpriced(r, "an unknown number or type of cache nodes")
		return
	}
	b.nodesOf(r, nodes)
}

// search is a domain of OpenSearch. Defaults are the provider's:
// https://www.pulumi.com/registry/packages/aws/api-docs/opensearch/domain/
func (b *biller) search(r *graph.Resource) {
	add := func(count float64, known bool, kind string) {
		if !known {
			b.unpriced(r, "an unknown number of OpenSearch nodes")
			return
		}
		b.hourly(r, "OpenSearch "+kind, count, "opensearch/"+kind)
	}
	nodes, known := number(r, "clusterConfig.instanceCount", 1)
	add(nodes, known, cmp.Or(graph.Text(r.Input("clusterConfig.instanceType")), "m4.large.search"))
	if graph.Is(r.Input("clusterConfig.dedicatedMasterEnabled"), true) {
		masters, known := number(r, "clusterConfig.dedicatedMasterCount", 3)
		add(masters, known, graph.Text(r.Input("clusterConfig.dedicatedMasterType")))
	}
	if graph.Is(r.Input("clusterConfig.warmEnabled"), true) {
		b.unpriced(r, "warm nodes")
	}
	if graph.Is(r.Input("ebsOptions.ebsEnabled"), true) {
		gb, ok := graph.Number(r.Input("ebsOptions.volumeSize"))
		kind := graph.Text(r.Input("ebsOptions.volumeType"))
		if !ok || !known || kind != "gp2" && kind != "gp3" || r.Input("ebsOptions.iops") != nil ||
			r.Input("ebsOptions.throughput") != nil {
			b.unpriced(r, times(nodes)+"volume of OpenSearch that is not a gp2 or gp3 of known size and usual speed")
			return
		}
		b.stored(r, nodes*gb, "GB", kind+" volumes of OpenSearch", "opensearch/storage/"+kind)
	}
}

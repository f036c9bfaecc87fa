package plan

import (
	"fmt"

	"dossier.example/plan/graph"
)

// unique are the inputs by which AWS tells resources of a type apart, within an account and region at least: a second
// one is refused. A topic or a queue of a name that is taken is not refused but found, and then deleted with the old
// resource (https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html,
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html).
var unique = map[string]string{
	"aws:cloudwatch/logGroup:LogGroup": "name",
	"aws:dynamodb/table:Table":         "name",
	"aws:ecr/repository:Repository":    "name",
	"aws:elasticache/cluster:Cluster":  "clusterId",

	"aws:docdb/cluster:Cluster":                         "clusterIdentifier",
	"aws:docdb/clusterInstance:ClusterInstance":         "identifier",
	"aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
	"aws:memorydb/cluster:Cluster":                      "name",
	"aws:neptune/cluster:Cluster":                       "clusterIdentifier",
	"aws:neptune/clusterInstance:ClusterInstance":       "identifier",
	"aws:rds/clusterInstance:ClusterInstance":           "identifier",
	"aws:redshift/cluster:Cluster":                      "clusterIdentifier",
	"aws:iam/group:Group":                               "name",
	"aws:iam/policy:Policy":                             "name",
	"aws:iam/user:User":                                 "name",

	"aws:iam/role:Role":                       "name",
	"aws:lb/loadBalancer:LoadBalancer":        "name",
	"aws:lb/targetGroup:TargetGroup":          "name",
	"aws:rds/cluster:Cluster":                 "clusterIdentifier",
	"aws:rds/instance:Instance":               "identifier",
	"aws:s3/bucket:Bucket":                    "bucket",
	"aws:s3/bucketV2:BucketV2":                "bucket",
	"aws:secretsmanager/secret:Secret":        "name",
	"aws:sns/topic:Topic":                     "name",
	"aws:sqs/queue:Queue":                     "name",
	"aws:ssm/parameter:Parameter":             "name",
	functionType:                              "name",
	"aws:opensearch/domain:Domain":            "domainName",
	"aws:kinesis/stream:Stream":               "name",
	"aws:ec2/keyPair:KeyPair":                 "keyName",
	"aws:autoscaling/group:Group":             "name",
	"aws:iam/instanceProfile:InstanceProfile": "name",
	"aws:rds/subnetGroup:SubnetGroup":         "name",
	"aws:cloudwatch/metricAlarm:MetricAlarm":  "name",
	"aws:rds/parameterGroup:ParameterGroup":   "name",
	"aws:elasticache/subnetGroup:SubnetGroup": "name",
	"aws:ecs/cluster:Cluster":                 "name",
	"aws:eks/cluster:Cluster":                 "name",
	"aws:cloudwatch/dashboard:Dashboard":      "dashboardName",
	"aws:cloudwatch/eventRule:EventRule":      "name",
	"aws:ec2/launchTemplate:LaunchTemplate":   "name",
	"aws:sfn/stateMachine:StateMachine":       "name",
}

// adopted are the types of unique whose creation takes what is there by that name, or overwrites it.
var adopted = map[string]bool{
	"aws:sns/topic:Topic": true, "aws:sqs/queue:Queue": true, "aws:cloudwatch/metricAlarm:MetricAlarm": true,
	"aws:cloudwatch/dashboard:Dashboard": true, "aws:cloudwatch/eventRule:EventRule": true,
	"aws:ecs/cluster:Cluster": true,
}

// taken are the dangers of what is made under a name that a resource has which is deleted only afterwards: most
// often one that got another name in the program, without an alias.
func taken(e *Environment, base, head *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	holders := map[string]*graph.Resource{}
	for _, c := range e.Changes {
		old := base.ByURN(c.URN)
		if property := unique[c.Type]; (c.Action == Delete || c.Action == Replace) && old != nil && property != "" {
			if name := graph.Text(old.Input(property)); name != "" {
				holders[c.Type+" "+name] = old
			}
		}
	}
	var found []Danger
	for _, c := range e.Changes {
		now := head.ByURN(c.URN)
		if c.Action != Create && c.Action != Replace || c.Existing != "" || now == nil || unique[c.Type] == "" {
			continue
		}
		name := graph.Text(now.Input(unique[c.Type]))
		old := holders[c.Type+" "+name]
		if old != nil && old.URN == now.URN && !c.First && !c.Kept && !adopted[c.Type] {
			found = append(found, c.danger(refused, " is made before the former one is deleted, under the same name "+
				"%s: AWS refuses, and the deployment stops there. Give the new one another name, or say "+
				"`deleteBeforeReplace`.", code(name)))
		}
		if old == nil || old.URN == now.URN {
			continue
		}
		kind, what := refused, "AWS refuses, and the deployment stops halfway"
		if adopted[c.Type] {
			kind, what = stops, "AWS takes that one for the new one, and it is deleted at the end"
		}
		found = append(found, Danger{Kind: kind, Resource: c.String(), What: fmt.Sprintf("**%s** %s is %sd under "+
			"the name %s, which %s still has: %s. If it is the same under another name in the program, give it an "+
			"alias.",
			c.Kind, code(c.Name), c.Action, code(name), code(old.String()), what)})
	}
	return found
}

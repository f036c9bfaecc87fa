package plan

import (
	"dossier.example/plan/graph"
)

// https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_UpdateDomainConfig.html,
// https://docs.aws.amazon.com/msk/1.0/apireference/clusters-clusterarn-security.html,
// https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyCluster.html
var clusterRules = []rule{
	{token: searchType, path: "clusterConfig.instanceCount", kind: shrinks, judge: lower(1, "%s nodes instead of %s")},
	{token: searchType, path: "clusterConfig.instanceType", kind: shrinks, judge: smaller},
	{token: searchType, path: "clusterConfig.dedicatedMasterEnabled", kind: weakens,
		judge: from("true", "no nodes of their own hold it together")},
	{token: searchType, path: "clusterConfig.dedicatedMasterCount", kind: weakens,
		judge: lower(0, "%s nodes hold it together instead of %s")},
	{token: searchType, path: "clusterConfig.zoneAwarenessEnabled", kind: weakens,
		judge: from("true", "it does not survive that its zone fails")},
	{token: searchType, path: "clusterConfig.multiAzWithStandbyEnabled", kind: weakens,
		judge: from("true", "no nodes stand by in another zone")},
	{token: searchType, path: "clusterConfig.warmEnabled", kind: weakens, judge: from("true", "nothing is kept warm")},
	{token: searchType, path: "ebsOptions.volumeSize", kind: shrinks,
		judge: lower(0, "%s GB for each node instead of %s")},
	{token: searchType, path: "ebsOptions.iops", kind: shrinks, judge: lower(0,
		"%s operations a second instead of %s")},
	{token: searchType, path: "domainEndpointOptions.enforceHttps", kind: weakens,
		judge: from("true", "connections need no encryption")},
	{token: searchType, path: "domainEndpointOptions.tlsSecurityPolicy", kind: weakens,
		judge: to("clients may use older versions of TLS", "Policy-Min-TLS-1-0-2019-07")},
	{token: searchType, path: "domainEndpointOptions.customEndpoint", kind: stops,
		judge: other("it no longer answers under its name")},
	{token: searchType, path: "advancedSecurityOptions.anonymousAuthEnabled", kind: exposes,
		judge: to("everyone who reaches it may use it", "true")},
	{token: searchType, path: "logPublishingOptions", kind: hides, judge: func(old, now any) string {
		if len(graph.Items(now)) < len(graph.Items(old)) {
			return "some of its logs are no longer kept"
		}
		return ""
	}},
	{token: searchType, path: "autoTuneOptions", judge: harmless},
	{token: searchType, path: "engineVersion", kind: stops, judge: newerEngine},

	{token: kafkaType, path: "encryptionInfo.encryptionInTransit.clientBroker", kind: weakens,
		judge: to("connections need not be encrypted", "TLS_PLAINTEXT", "PLAINTEXT")},
	{token: kafkaType, path: "encryptionInfo.encryptionInTransit.clientBroker", kind: stops,
		judge: to("clients that do not encrypt are refused", "TLS")},
	{token: kafkaType, path: "brokerNodeGroupInfo.connectivityInfo.publicAccess.type", kind: exposes, made: true,
		judge: to("its brokers get public addresses", "SERVICE_PROVIDED_EIPS")},
	{token: kafkaType, path: "clientAuthentication.unauthenticated", kind: exposes, made: true,
		judge: to("everyone who reaches it may use it", "true")},
	{token: kafkaType, path: "clientAuthentication.sasl", kind: stops,
		judge: other("clients sign in another way")},
	{token: kafkaType, path: "clientAuthentication.tls", kind: stops, judge: other("clients sign in another way")},
	{token: kafkaType, path: "kafkaVersion", kind: stops, judge: newerEngine},
	{token: kafkaType, path: "numberOfBrokerNodes", kind: refused,
		judge: lower(0, "MSK does not take out brokers that hold partitions: %s instead of %s")},
	{token: kafkaType, path: "brokerNodeGroupInfo.instanceType", kind: shrinks, judge: smaller},
	{token: kafkaType, path: "configurationInfo", kind: stops, judge: other("its brokers work otherwise")},
	{token: kafkaType, path: "loggingInfo", kind: hides, judge: fewer("its logs are no longer kept")},
	{token: kafkaType, path: "enhancedMonitoring", kind: hides, judge: rank("less of it is counted",
		"DEFAULT", "DEFAULT", "PER_BROKER", "PER_TOPIC_PER_BROKER", "PER_TOPIC_PER_PARTITION")},

	{token: warehouseType, path: "publiclyAccessible", kind: exposes, made: true,
		judge: to("it gets a public address", "true")},
	{token: warehouseType, path: "encrypted", kind: weakens, judge: from("true", "its data is not encrypted")},
	{token: warehouseType, path: "numberOfNodes", kind: shrinks, judge: lower(1, "%s nodes instead of %s")},
	{token: warehouseType, path: "nodeType", kind: shrinks, judge: smaller},
	{token: warehouseType, path: "automatedSnapshotRetentionPeriod", kind: weakens,
		judge: lower(1, "backups are kept for %s days instead of %s")},
	{token: warehouseType, path: "enhancedVpcRouting", kind: weakens,
		judge: from("true", "what it loads and unloads no longer stays in its network")},
	{token: warehouseType, path: "clusterParameterGroupName", kind: stops,
		judge: other("it works otherwise from its next restart")},
}

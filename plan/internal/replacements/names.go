package main

import "strings"

// prefixes are what the provider's names of a service's types begin with, where it is not the name of the SDK's module.
var prefixes = map[string][]string{
	"alb": {"lb"}, "elb": {"loadbalancer", "lb"}, "amp": {"prometheus"}, "cfg": {"config"},
	"cloudwatch":          {"cloudwatchlog", "cloudwatchevent", "internetmonitor"},
	"codestarconnections": {"codestarconnection"}, "codeconnections": {"codestarconnection"}, "costexplorer": {"ce"},
	"directconnect": {"dx"}, "ebs": {"snapshot"}, "ec2": {"", "vpc", "ebs", "default"}, "ec2transitgateway": {"ec2"},
	"rds": {"db"}, "resourceexplorer": {"resourceexplorer2"}, "route53": {"route53resolver"},
	"route53recoverycontrol": {"route53recoverycontrolconfig"}, "servicecatalog": {"servicecatalogappregistry"},
	"bedrockfoundation": {"bedrock"}, "chime": {"chimesdkvoice"}, "opensearchingest": {"osis"}, "s3control": {"s3"},
}

// resourceNames are the provider's names of types that are not found by theirs; - is for what the source does not have.
var resourceNames = pairs(`
aws:alb/listener:Listener aws_lb_listener
aws:alb/loadBalancer:LoadBalancer aws_lb
aws:cloudformation/stackInstances:StackInstances aws_cloudformation_stack_instances
aws:cloudwatch/internetMonitor:InternetMonitor aws_internetmonitor_monitor
aws:codeartifact/domainPermissions:DomainPermissions aws_codeartifact_domain_permissions_policy
aws:codedeploy/application:Application aws_codedeploy_app
aws:cognito/identityPoolRoleAttachment:IdentityPoolRoleAttachment aws_cognito_identity_pool_roles_attachment
aws:datasync/efsLocation:EfsLocation aws_datasync_location_efs
aws:datasync/locationFsxLustre:LocationFsxLustre aws_datasync_location_fsx_lustre_file_system
aws:datasync/locationFsxWindows:LocationFsxWindows aws_datasync_location_fsx_windows_file_system
aws:datasync/nfsLocation:NfsLocation aws_datasync_location_nfs
aws:datasync/s3Location:S3Location aws_datasync_location_s3
aws:directconnect/hostedTransitVirtualInterfaceAcceptor:HostedTransitVirtualInterfaceAcceptor aws_dx_hosted_transit_virtual_interface_accepter
aws:directconnect/linkAggregationGroup:LinkAggregationGroup aws_dx_lag
aws:directoryservice/conditionalForwader:ConditionalForwader aws_directory_service_conditional_forwarder
aws:directoryservice/logService:LogService aws_directory_service_log_subscription
aws:dms/s3Endpoint:S3Endpoint aws_dms_s3_endpoint
aws:ec2/carrierGateway:CarrierGateway aws_ec2_carrier_gateway
aws:ec2/dedicatedHost:DedicatedHost aws_ec2_host
aws:ec2/networkInterfaceSecurityGroupAttachment:NetworkInterfaceSecurityGroupAttachment aws_network_interface_sg_attachment
aws:ec2/spotInstanceRequest:SpotInstanceRequest aws_spot_instance_request
aws:ec2/vpcEndpointServiceAllowedPrinciple:VpcEndpointServiceAllowedPrinciple aws_vpc_endpoint_service_allowed_principal
aws:elb/appCookieStickinessPolicy:AppCookieStickinessPolicy aws_app_cookie_stickiness_policy
aws:elb/loadBalancer:LoadBalancer aws_elb
aws:elb/loadBalancerCookieStickinessPolicy:LoadBalancerCookieStickinessPolicy aws_lb_cookie_stickiness_policy
aws:glue/mLTransform:MLTransform aws_glue_ml_transform
aws:guardduty/iPSet:IPSet aws_guardduty_ipset
aws:iam/sshKey:SshKey aws_iam_user_ssh_key
aws:inspector2/filter:Filter -
aws:kms/customKeyStore:CustomKeyStore aws_kms_custom_key_store
aws:lb/listener:Listener aws_lb_listener
aws:lb/loadBalancer:LoadBalancer aws_lb
aws:licensemanager/licenseGrant:LicenseGrant aws_licensemanager_grant
aws:licensemanager/licenseGrantAccepter:LicenseGrantAccepter aws_licensemanager_grant_accepter
aws:location/routeCalculation:RouteCalculation aws_location_route_calculator
aws:opensearch/outboundConnection:OutboundConnection aws_opensearch_outbound_connection
aws:rds/clusterParameterGroup:ClusterParameterGroup aws_rds_cluster_parameter_group
aws:rds/instance:Instance aws_db_instance
aws:rds/parameterGroup:ParameterGroup aws_db_parameter_group
aws:rds/subnetGroup:SubnetGroup aws_db_subnet_group
aws:s3/bucket:Bucket aws_s3_bucket
aws:s3/bucketObject:BucketObject aws_s3_bucket_object
aws:s3/bucketObjectv2:BucketObjectv2 aws_s3_object
aws:s3/bucketReplicationConfig:BucketReplicationConfig aws_s3_bucket_replication_configuration
aws:sagemaker/imageVersion:ImageVersion aws_sagemaker_image_version
aws:securityhub/account:Account aws_securityhub_account
aws:serverlessrepository/cloudFormationStack:CloudFormationStack aws_serverlessapplicationrepository_cloudformation_stack
aws:storagegateway/cachesIscsiVolume:CachesIscsiVolume aws_storagegateway_cached_iscsi_volume
aws:verifiedpermissions/policy:Policy aws_verifiedpermissions_policy
aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule aws_vpc_security_group_egress_rule
aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule aws_vpc_security_group_ingress_rule
`)

// shortened are the provider's names of inputs that the SDK names otherwise in several types.
var shortened = map[string]string{
	"aliases": "alias", "code": "filename", "deployment": "deployment_id", "function": "function_name",
	"logGroup": "log_group_name",
	"restApi":  "rest_api_id", "topic": "topic_arn", "rule": "rule_name", "application": "application_id",
	"layer": "layer_name",
}

// renamed are the provider's names of inputs that are not found by theirs, by token and path.
var renamed = map[string]string{
	"aws:cloudwatch/metricAlarm:MetricAlarm name":       "alarm_name",
	"aws:lambda/function:Function name":                 "function_name",
	"aws:lambda/function:Function code":                 "filename",
	"aws:rds/instance:Instance dbName":                  "db_name",
	"aws:sns/topicSubscription:TopicSubscription topic": "topic_arn",
}

// services are CloudFormation's names of a module's services, where it is not the module's.
var services = map[string][]string{
	"alb": {"elasticloadbalancingv2"}, "amp": {"aps"}, "cfg": {"config"}, "cloudwatch": {"logs", "events"},
	"costexplorer": {"ce"}, "ebs": {"ec2"}, "ec2clientvpn": {"ec2"}, "ec2transitgateway": {"ec2"},
	"elb": {"elasticloadbalancing"}, "kinesis": {"kinesisfirehose"}, "lb": {"elasticloadbalancingv2"},
	"mq": {"amazonmq"}, "mskconnect": {"kafkaconnect"}, "opensearch": {"opensearchservice"},
	"opensearchingest": {"osis"}, "pinpoint": {"smsvoice"}, "rds": {"docdb"},
	"route53": {"route53resolver", "route53profiles"}, "s3control": {"s3"},
	"servicecatalog": {"servicecatalogappregistry"}, "sesv2": {"ses"}, "sfn": {"stepfunctions"},
	"timestreamwrite": {"timestream"}, "timestreaminfluxdb": {"timestream"}, "timestreamquery": {"timestream"},
	"vpc": {"ec2"}, "workspaces": {"workspacesweb"}, "notifications": {"notificationscontacts"},
	"appconfig": {"appintegrations"}, "bcmdata": {"bcmdataexports"},
}

// cfnPrefixes are what the SDK puts before the names of some types.
var cfnPrefixes = []string{"Log", "Event", "Agent", "Web", "Profiles", "Appregistry", "Contacts", "Smsvoicev2"}

// cfnNames are CloudFormation's names of types that are not found by theirs; empty: none.
var cfnNames = map[string]string{
	"aws:alb/loadBalancer:LoadBalancer":                         "AWS::ElasticLoadBalancingV2::LoadBalancer",
	"aws:lb/loadBalancer:LoadBalancer":                          "AWS::ElasticLoadBalancingV2::LoadBalancer",
	"aws:rds/instance:Instance":                                 "AWS::RDS::DBInstance",
	"aws:rds/cluster:Cluster":                                   "AWS::RDS::DBCluster",
	"aws:rds/clusterInstance:ClusterInstance":                   "AWS::RDS::DBInstance",
	"aws:rds/shardGroup:ShardGroup":                             "AWS::RDS::DBShardGroup",
	"aws:dynamodb/globalTable:GlobalTable":                      "",
	"aws:bedrock/agentKnowledgeBase:AgentKnowledgeBase":         "AWS::Bedrock::KnowledgeBase",
	"aws:autoscaling/group:Group":                               "AWS::AutoScaling::AutoScalingGroup",
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "AWS::EC2::SecurityGroupIngress",
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":   "AWS::EC2::SecurityGroupEgress",
	"aws:cognito/userPoolClient:UserPoolClient":                 "AWS::Cognito::UserPoolClient",
	"aws:dsql/cluster:Cluster":                                  "AWS::DSQL::Cluster",
	"aws:elasticache/serverlessCache:ServerlessCache":           "AWS::ElastiCache::ServerlessCache",
}

// pairs are the names and values of a text's lines.
func pairs(text string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) == 2 {
			found[fields[0]] = fields[1]
		}
	}
	return found
}

package plan

import (
	"testing"
)

// TestFreshServing: changes of what serves, and of networks.
func TestFreshServing(t *testing.T) {
	const (
		edge, balancer = "cloudfront/distribution:Distribution", "lb/loadBalancer:LoadBalancer"
		template, task = "ec2/launchTemplate:LaunchTemplate", "ecs/taskDefinition:TaskDefinition"
	)
	custom := func(more in) in {
		origin := in{"originId": "o", "domainName": "a.example",
			"customOriginConfig": in{"originProtocolPolicy": "https-only"}}
		for key, value := range more {
			if value == nil {
				delete(origin, key)
			} else {
				origin[key] = value
			}
		}
		return in{"origins": several(origin)}
	}
	container := func(rest string) in {
		return in{"containerDefinitions": `[{"name":"web","image":"a.example/web:1"` + rest + `}]`}
	}
	countries := func(kind string, list ...string) in {
		return in{"restrictions": in{"geoRestriction": in{"restrictionType": kind, "locations": list}}}
	}
	for _, c := range []fresh{
		// CloudFront.
		{"an origin that is asked unsigned", "CloudFront: private-content-restricting-access-to-s3", edge,
			custom(in{"originAccessControlId": "oac"}),
			custom(nil), Update, [][2]string{{stops, "no longer signed"}}},
		{"an origin in the clear", "CloudFront: distribution-web-values-specify (protocol, custom origins only)", edge,
			custom(nil),
			custom(in{"customOriginConfig": in{"originProtocolPolicy": "http-only"}}), Update,
			[][2]string{{weakens, "origin `o`"}}},
		{"more attempts", "CloudFront: ConnectionAttempts", edge, custom(nil), custom(in{"connectionAttempts": 2}),
			Update, nil},
		{"a header less", "CloudFront: add-origin-custom-headers", edge,
			custom(in{"customHeaders": several(in{"name": "X-Secret", "value": "a"})}), custom(nil),
			Update, [][2]string{{stops, "`X-Secret`"}}},
		{"fewer countries", "CloudFront: georestrictions", edge, countries("whitelist", "DE", "FR"),
			countries("whitelist", "DE"), Update,
			[][2]string{{stops, "countries"}}},
		{"every country", "CloudFront: georestrictions", edge, countries("whitelist", "DE", "FR"), countries("none"),
			Update,
			[][2]string{{exposes, "other countries"}}},

		// Load balancers.
		{"no filter when it fails", "ELB: waf.fail_open.enabled", balancer, in{}, in{"enableWafFailOpen": true}, Update,
			[][2]string{{weakens, "filter"}}},
		{"connections are not recorded", "ELB: load-balancer-connection-logs", balancer,
			in{"connectionLogs": in{"enabled": true, "bucket": "b"}}, in{}, Update,
			[][2]string{{hides, "connections"}}},
		{"no ties", "ELB: sticky-sessions", "lb/targetGroup:TargetGroup",
			in{"stickiness": in{"enabled": true, "type": "lb_cookie"}},
			in{"stickiness": in{"enabled": false, "type": "lb_cookie"}}, Update,
			[][2]string{{stops, "another target"}}},
		{"a slow start", "ELB: slow-start-mode", "lb/targetGroup:TargetGroup", in{}, in{"slowStart": 30}, Update, nil},
		{"clients without certificates", "ELB: mutual-authentication", "lb/listener:Listener",
			in{"mutualAuthentication": in{"mode": "verify", "trustStoreArn": "t"}},
			in{"mutualAuthentication": in{"mode": "off"}}, Update, [][2]string{{exposes, "certificate"}}},
		{"a certificate less", "elbv2/listener_certificate.go", "lb/listenerCertificate:ListenerCertificate",
			in{"listenerArn": "l", "certificateArn": "c"}, nil, Delete,
			[][2]string{{stops, "certificate"}}},
		{"a listener in the clear by its old name", "pulumi-aws: provider/resources.go (alb is an alias of lb)",
			"alb/listener:Listener",
			in{"protocol": "HTTPS"}, in{"protocol": "HTTP"}, Update, [][2]string{{weakens, "no longer encrypted"}}},

		// Names.
		{"a name of another type", "route53/record.go: deleted and made in one batch", "route53/record:Record",
			in{"name": "a.example", "type": "A", "records": []string{"192.0.2.1"}},
			in{"name": "a.example", "type": "CNAME", "records": []string{"b.example"}},
			Update, [][2]string{{stops, "another type"}}},
		{"a zone that goes with its names", "route53/zone.go", "route53/zone:Zone", in{}, in{"forceDestroy": true},
			Update, [][2]string{{weakens, "with all its names"}}},
		{"unsigned names", "Route 53: dns-configuring-dnssec-disable", "route53/hostedZoneDnsSec:HostedZoneDnsSec",
			in{"hostedZoneId": "z"}, nil, Delete,
			[][2]string{{stops, "signed"}}},
		{"a check that checks nothing", "Route 53: API_UpdateHealthCheck, Disabled", "route53/healthCheck:HealthCheck",
			in{"fqdn": "a", "type": "HTTPS"},
			in{"fqdn": "a", "type": "HTTPS", "disabled": true}, Update, [][2]string{{hides, "always healthy"}}},
		{"a check that waits", "Route 53: FailureThreshold", "route53/healthCheck:HealthCheck",
			in{"fqdn": "a", "type": "HTTPS", "failureThreshold": 2},
			in{"fqdn": "a", "type": "HTTPS", "failureThreshold": 10}, Update,
			[][2]string{{weakens, "10 failures instead of 2"}}},
		{"a certificate for fewer names", "acm/certificate.go: ForceNew", "acm/certificate:Certificate",
			in{"domainName": "a.example",
				"subjectAlternativeNames": []string{"b.example"}}, in{"domainName": "a.example"}, Replace,
			[][2]string{{stops, "needs another one"}}},

		// Instances.
		{"instances that AWS may take", "EC2: spot-interruptions", template, in{},
			in{"instanceMarketOptions": in{"marketType": "spot"}}, Update,
			[][2]string{{stops, "AWS may take"}}},
		{"public instances", "EC2: LaunchTemplateInstanceNetworkInterfaceSpecificationRequest", template,
			in{"networkInterfaces": several(in{"associatePublicIpAddress": "false"})},
			in{"networkInterfaces": several(in{"associatePublicIpAddress": "true"})}, Update,
			[][2]string{{exposes, "public address"}}},
		{"zones less", "autoscaling/group.go", "autoscaling/group:Group", in{"availabilityZones": []string{"a", "b"}},
			in{"availabilityZones": []string{"a"}}, Update,
			[][2]string{{shrinks, "zone"}}},
		{"none on demand", "Auto Scaling: API_InstancesDistribution", "autoscaling/group:Group",
			in{"mixedInstancesPolicy": in{"instancesDistribution": in{"onDemandBaseCapacity": 2}}},
			in{"mixedInstancesPolicy": in{"instancesDistribution": in{"onDemandBaseCapacity": 0}}}, Update,
			[][2]string{{stops, "AWS may take"}}},
		{"a group that is not counted", "autoscaling/group.go", "autoscaling/group:Group",
			in{"enabledMetrics": []string{"GroupInServiceInstances"}}, in{}, Update,
			[][2]string{{hides, "counted"}}},
		{"a disk that goes", "EC2: preserving-volumes-on-termination", "ec2/instance:Instance",
			in{"rootBlockDevice": in{"deleteOnTermination": false}},
			in{"rootBlockDevice": in{"deleteOnTermination": true}}, Update,
			[][2]string{{weakens, "its disk goes with it"}}},
		{"an instance that ends itself", "EC2: InstanceInitiatedShutdownBehavior", "ec2/instance:Instance", in{},
			in{"instanceInitiatedShutdownBehavior": "terminate"},
			Update, [][2]string{{weakens, "is deleted when it is shut down"}}},
		{"a router", "EC2: SourceDestCheck", "ec2/instance:Instance", in{}, in{"sourceDestCheck": false}, Update,
			[][2]string{{weakens, "not its own"}}},
		{"credits without end", "EC2: burstable-performance-instances-unlimited-mode", "ec2/instance:Instance",
			in{"creditSpecification": in{"cpuCredits": "standard"}},
			in{"creditSpecification": in{"cpuCredits": "unlimited"}}, Update, [][2]string{{costs, "beyond"}}},
		{"a slower volume", "EC2: ebs-modify-volume", "ebs/volume:Volume",
			in{"type": "gp3", "iops": 6000, "throughput": 250}, in{"type": "gp3", "iops": 3000, "throughput": 125},
			Update, [][2]string{{shrinks, "3000 operations a second instead of 6000"}}},
		{"a volume of another type", "EC2: ebs-modify-volume", "ebs/volume:Volume", in{"type": "gp3"},
			in{"type": "sc1"}, Update, [][2]string{{shrinks, "another type"}}},
		{"a volume that leaves", "ec2/ebs_volume_attachment.go", "ec2/volumeAttachment:VolumeAttachment",
			in{"volumeId": "v", "instanceId": "i"}, nil, Delete,
			[][2]string{{stops, "no longer has"}}},

		// Networks.
		{"another block of addresses", "ec2/vpc_.go: ForceNew", "ec2/vpc:Vpc", in{"cidrBlock": "10.0.0.0/16"},
			in{"cidrBlock": "10.1.0.0/16"}, Replace,
			[][2]string{{"foundation replaced", "has to move"}}},
		{"a subnet's block", "ec2/vpc_subnet.go: ForceNew", "ec2/subnet:Subnet",
			in{"vpcId": "v", "cidrBlock": "10.0.1.0/24"}, in{"vpcId": "v", "cidrBlock": "10.0.2.0/24"},
			Replace, [][2]string{{stops, "what is in it"}}},
		{"a rule of a wall", "ec2/vpc_network_acl_rule.go", "ec2/networkAclRule:NetworkAclRule",
			in{"networkAclId": "a", "ruleNumber": 90, "ruleAction": "deny",
				"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlock": "0.0.0.0/0"}, nil, Delete,
			[][2]string{{weakens, "no longer keeps out"}}},
		{"a hole in a wall", "ec2/vpc_network_acl_rule.go", "ec2/networkAclRule:NetworkAclRule", nil,
			in{"networkAclId": "a", "ruleNumber": 90, "ruleAction": "allow",
				"protocol": "-1", "cidrBlock": "0.0.0.0/0"}, Create, [][2]string{{exposes,
				"lets in everything of `0.0.0.0/0`"}}},
		{"an endpoint without its name", "VPC: privatelink private DNS", "ec2/vpcEndpoint:VpcEndpoint",
			in{"vpcEndpointType": "Interface", "privateDnsEnabled": true},
			in{"vpcEndpointType": "Interface", "privateDnsEnabled": false}, Update, [][2]string{{stops, "name"}}},
		{"addresses of IPv6", "ec2/vpc_subnet.go", "ec2/subnet:Subnet", in{"vpcId": "v"},
			in{"vpcId": "v", "assignIpv6AddressOnCreation": true}, Update,
			[][2]string{{exposes, "IPv6"}}},

		// Containers.
		{"a port that nobody asks", "ECS: API_PortMapping", task, container(`,"portMappings":[{"containerPort":8080}]`),
			container(`,"portMappings":[{"containerPort":9090}]`),
			Replace, [][2]string{{stops, "port 8080"}}},
		{"a container that nobody checks", "ECS: API_HealthCheck", task,
			container(`,"healthCheck":{"command":["CMD","a"]}`), container(``), Replace,
			[][2]string{{weakens, "is no longer checked"}}},
		{"rights of the host", "ECS: API_KernelCapabilities", task, container(``),
			container(`,"linuxParameters":{"capabilities":{"add":["SYS_ADMIN"]}}`), Replace,
			[][2]string{{weakens, "SYS_ADMIN"}}},
		{"another command", "ECS: API_ContainerDefinition", task, container(`,"command":["a"]`),
			container(`,"command":["b"]`), Replace, nil},
		{"the host's processes", "ECS: pidMode", task, in{"containerDefinitions": "[]"},
			in{"containerDefinitions": "[]", "pidMode": "host"}, Replace,
			[][2]string{{weakens, "host"}}},
		{"the host's files", "ECS: API_HostVolumeProperties", task, in{"containerDefinitions": "[]"},
			in{"containerDefinitions": "[]",
				"volumes": several(in{"name": "docker", "hostPath": "/var/run/docker.sock"})}, Replace,
			[][2]string{{weakens, "/var/run/docker.sock"}}},
		{"another role to start with", "ECS: task_execution_IAM_role", task,
			in{"containerDefinitions": "[]", "executionRoleArn": "a"},
			in{"containerDefinitions": "[]", "executionRoleArn": "b"}, Replace, [][2]string{{weakens, "another role"}}},
		{"less room of its own", "ECS: API_EphemeralStorage", task, in{"containerDefinitions": "[]",
			"ephemeralStorage": in{"sizeInGib": 100}}, in{"containerDefinitions": "[]",
			"ephemeralStorage": in{"sizeInGib": 30}}, Replace, [][2]string{{shrinks, "30 GB"}}},
		{"something of a task that nobody knows", "ecs/task_definition.go", task, in{"containerDefinitions": "[]"},
			in{"containerDefinitions": "[]", "ipcMode": "task",
				"proxyConfiguration": in{"containerName": "envoy"}}, Replace,
			[][2]string{{notJudged, "`proxyConfiguration`"}}},
		{"tasks that AWS may take", "ECS: fargate-capacity-providers", "ecs/service:Service",
			in{"forceNewDeployment": true,
				"capacityProviderStrategies": several(in{"capacityProvider": "FARGATE", "weight": 1})},
			in{"forceNewDeployment": true,
				"capacityProviderStrategies": several(in{"capacityProvider": "FARGATE_SPOT", "weight": 1})}, Update,
			[][2]string{{stops, "AWS may take"}}},

		// Functions and APIs.
		{"code of anybody", "Lambda: configuration-codesigning", "lambda/function:Function",
			in{"codeSigningConfigArn": "a"}, in{}, Update, [][2]string{{weakens, "signed"}}},
		{"tried once", "Lambda: " +
			"API_PutFunctionEventInvokeConfig", "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
			in{"functionName": "f", "maximumRetryAttempts": 2,
				"destinationConfig": in{"onFailure": in{"destination": "q"}}},
			in{"functionName": "f", "maximumRetryAttempts": 0},
			Update, [][2]string{{weakens, "0 times instead of 2"}}},
		{"cold starts", "lambda/provisioned_concurrency_config.go",
			"lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig", in{"functionName": "f",
				"provisionedConcurrentExecutions": 5}, nil, Delete, [][2]string{{shrinks, "start"}}},
		{"another log", "Lambda: monitoring-cloudwatchlogs-loggroups", "lambda/function:Function",
			in{"loggingConfig": in{"logGroup": "a", "logFormat": "JSON"}},
			in{"loggingConfig": in{"logGroup": "b", "logFormat": "JSON"}}, Update, [][2]string{{hides, "elsewhere"}}},
		{"failed batches are dropped", "Lambda: API_UpdateEventSourceMapping, DestinationConfig",
			"lambda/eventSourceMapping:EventSourceMapping",
			in{"functionName": "f", "destinationConfig": in{"onFailure": in{"destinationArn": "q"}}},
			in{"functionName": "f"}, Update, [][2]string{{weakens, "no longer kept"}}},
		{"an old TLS of an API", "API Gateway: apigateway-custom-domain-tls-version",
			"apigateway/domainName:DomainName", in{"domainName": "a", "securityPolicy": "TLS_1_2"},
			in{"domainName": "a", "securityPolicy": "TLS_1_0"}, Update, [][2]string{{weakens, "TLS"}}},
		{"callers without certificates", "apigatewayv2/domain_name.go", "apigatewayv2/domainName:DomainName",
			in{"domainName": "a",
				"mutualTlsAuthentication": in{"truststoreUri": "s3://a/b"}}, in{"domainName": "a"}, Update,
			[][2]string{{exposes, "certificate"}}},
		{"tokens for somebody else", "apigatewayv2/authorizer.go", "apigatewayv2/authorizer:Authorizer",
			in{"apiId": "a", "jwtConfiguration": in{"audiences": []string{"a"}}},
			in{"apiId": "a", "jwtConfiguration": in{"audiences": []string{"a", "b"}}}, Update,
			[][2]string{{exposes, "`b`"}}},
		{"a plan without a limit", "API Gateway: API_UsagePlan", "apigateway/usagePlan:UsagePlan",
			in{"quotaSettings": in{"limit": 1000, "period": "DAY"}}, in{}, Update,
			[][2]string{{weakens, "without end instead of 1000"}}},
		{"a stage that records nothing", "apigateway/stage.go", "apigateway/stage:Stage",
			in{"accessLogSettings": in{"destinationArn": "a"}}, in{}, Update,
			[][2]string{{hides, "recorded"}}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
}

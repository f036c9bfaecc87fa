package programs

func site() program {
	return program{
		stack: "www", region: "eu-central-1", project: "handbook",
		config: map[string]string{"handbook:domain": "www.handbook.example", "handbook:zone": "handbook.example",
			"handbook:ttl": "600"},
		replaces: map[string]string{
			"aws:cloudfront/distribution:Distribution":                   "staging",
			"aws:cloudfront/originAccessControl:OriginAccessControl":     "",
			"aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": "",
			"aws:acm/certificateValidation:CertificateValidation":        "certificateArn validationRecordFqdns",
		},
		changes: []change{
			{name: "a page", edits: []edit{{"public/index.html", "Welcome.", "Welcome, all."}},
				does: []string{"update aws:s3/bucketObjectv2:BucketObjectv2 index.html"}},
			{name: "older TLS, and headers dropped", edits: []edit{{"main.go", "TLSv1.2_2021", "TLSv1"},
				{"main.go", "redirect-to-https", "allow-all"},
				{"main.go", "			ResponseHeadersPolicyId: headers.ID(),\n", ""}, {"main.go", "headers, err :=",
					"_, err ="}},
				dangers: [][2]string{{"protection off",
					"clients may use older versions of TLS (TLSv1.2_2021 → TLSv1)"}},
				does: []string{"update aws:cloudfront/distribution:Distribution site"}},
		},
	}
}

func events() program {
	return program{
		stack: "live", region: "us-west-2", project: "orders",
		config: map[string]string{"orders:mailTo": "orders@shop.example"},
		replaces: map[string]string{
			"aws:lambda/function:Function":                      "name packageType",
			"aws:lambda/permission:Permission":                  "*",
			"aws:lambda/eventSourceMapping:EventSourceMapping":  "eventSourceArn startingPosition topics",
			"aws:sqs/queue:Queue":                               "fifoQueue name namePrefix",
			"aws:sqs/queuePolicy:QueuePolicy":                   "queueUrl",
			"aws:apigatewayv2/api:Api":                          "protocolType",
			"aws:apigatewayv2/integration:Integration":          "apiId integrationType",
			"aws:apigatewayv2/route:Route":                      "apiId",
			"aws:apigatewayv2/stage:Stage":                      "apiId name",
			"aws:iam/rolePolicyAttachment:RolePolicyAttachment": "*",
		},
		changes: []change{
			{name: "code", edits: []edit{{"functions/mail/index.js", "messageId", "body"}},
				does: []string{"update aws:lambda/function:Function mail"}},
			{name: "another key of the table, and a route for everyone", edits: []edit{
				{"main.go", `HashKey:     pulumi.String("customer")`, `HashKey:     pulumi.String("account")`},
				{"main.go", `pulumi.String("customer"), Type`, `pulumi.String("account"), Type`},
				{"main.go", `"AWS_IAM"`, `"NONE"`},
			}, dangers: [][2]string{
				{"data replaced",
					"`orders` is replaced by a new, empty one (because of `hashKey`), and its records with it; " +
						"AWS refuses, because of its deletion protection"},
				{"access opened", "everyone can call it (AWS_IAM → NONE)"},
			}, does: []string{"replace aws:dynamodb/table:Table orders", "update aws:apigatewayv2/route:Route take",
				"update aws:iam/rolePolicy:RolePolicy take", "update aws:lambda/function:Function take"}},
		},
	}
}

func fargate() program {
	return program{
		stack: "test", region: "us-east-1", project: "shop",
		config: map[string]string{"shop:image": "1.4.2", "shop:tasks": "2", "shop:signingKey": "secret",
			"shop:certificate": "arn:aws:acm:us-east-1:123456789012:certificate/6f1f3f3c-1111-4222-8333-444455556666"},
		replaces: map[string]string{
			"aws:appautoscaling/policy:Policy":        "name resourceId scalableDimension serviceNamespace",
			"aws:appautoscaling/target:Target":        "resourceId scalableDimension serviceNamespace",
			"aws:ecr/lifecyclePolicy:LifecyclePolicy": "repository",
			"aws:ecr/repository:Repository":           "name encryptionConfigurations",
			"aws:ecs/cluster:Cluster":                 "name",
			"aws:ecs/service:Service":                 "cluster name launchType schedulingStrategy iamRole",
			"aws:ecs/taskDefinition:TaskDefinition": "containerDefinitions cpu memory family executionRoleArn " +
				"taskRoleArn " +
				"networkMode requiresCompatibilities volumes runtimePlatform ephemeralStorage",
			"aws:iam/rolePolicyAttachment:RolePolicyAttachment": "*",
			"aws:secretsmanager/secret:Secret":                  "name namePrefix",
			"aws:secretsmanager/secretVersion:SecretVersion":    "secretId secretString secretBinary",
		},
		changes: []change{
			{name: "an image, and a number that is ignored", edits: []edit{{"Pulumi.test.yaml", "1.4.2", "1.5.0"},
				{"Pulumi.test.yaml", `tasks: "2"`, `tasks: "4"`}},
				does: []string{"replace aws:ecs/taskDefinition:TaskDefinition web",
					"update aws:ecs/service:Service web"}},
			{name: "another port of the targets, and tasks in the open", edits: []edit{
				{"main.go", `Port: pulumi.Int(8080), Protocol: pulumi.String("HTTP"), TargetType`,
					`Port: pulumi.Int(9090), Protocol: pulumi.String("HTTP"), TargetType`},
				{"main.go", "Subnets:        net.private,", "Subnets: net.public, AssignPublicIp: pulumi.Bool(true),"},
			}, dangers: [][2]string{{"interruption", "a new one has no healthy target"},
				{"access opened", "its tasks get public addresses"},
				{"interruption", "its tasks move to other subnets"}},
				does: []string{"replace aws:lb/targetGroup:TargetGroup web", "update aws:ecs/service:Service web",
					"update aws:lb/listener:Listener https"}},
		},
	}
}

func network() program {
	return program{
		stack: "shared", region: "eu-west-1", project: "landing", main: "cmd/infra",
		config: map[string]string{"landing:zones": "2", "landing:natPerZone": "false",
			"landing:offices": `["198.51.100.0/24"]`},
		changes: []change{
			{name: "a NAT gateway for each zone", edits: []edit{{"stacks/Pulumi.shared.yaml", "natPerZone: false",
				"natPerZone: true"}},
				dangers: [][2]string{{"interruption", "`0.0.0.0/0` is reached by `NatGateway landing-2` instead of " +
					"`NatGateway landing-1`"}},
				does: []string{"create aws:ec2/eip:Eip landing-nat-2", "create aws:ec2/natGateway:NatGateway landing-2",
					"update aws:ec2/route:Route landing-private-2"}},
		},
	}
}

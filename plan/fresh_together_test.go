package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestFreshTogether: changes that mean something by what else there is.
func TestFreshTogether(t *testing.T) {
	const group, bucket = "ec2/securityGroup:SecurityGroup", "s3/bucketV2:BucketV2"
	for _, c := range []struct {
		name, source  string
		build, change func(b *graphtest.Builder)
		want          [][2]string
	}{
		{"a group with a name of its own, in use", "ec2/vpc_security_group.go: ForceNew; DependencyViolation",
			func(b *graphtest.Builder) {
				g := b.Add(group, "web", in{"name": "web", "description": "a"})
				b.Add("ec2/instance:Instance", "web", in{"instanceType": "t4g.nano",
					"vpcSecurityGroupIds": []string{g.ID}})
			}, func(b *graphtest.Builder) { b.Set("aws:"+group, "web", "description", "b") },
			[][2]string{{refused, "in use"}}},
		{"targets with a name of their own, in use", "elbv2/target_group.go: ForceNew; ResourceInUse",
			func(b *graphtest.Builder) {
				g := b.Add("lb/targetGroup:TargetGroup", "web", in{"name": "web", "port": 80})
				b.Add("lb/listener:Listener", "web", in{"defaultActions": several(in{"type": "forward",
					"targetGroupArn": g.ID})})
			}, func(b *graphtest.Builder) { b.Set("aws:lb/targetGroup:TargetGroup", "web", "port", 81) },
			[][2]string{{stops, "no healthy target"}, {refused, "in use"}}},
		{"rules inline and apart", "docs/r/security_group: NOTE on security groups and rules",
			func(b *graphtest.Builder) {
				b.Add(group, "web", in{"ingress": several(in{"protocol": "tcp", "fromPort": 80, "toPort": 80,
					"cidrBlocks": []string{"10.0.0.0/8"}})})
			}, func(b *graphtest.Builder) {
				b.Add("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "web",
					in{"securityGroupId": "securitygroup-web", "ipProtocol": "tcp",
						"fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/8"})
			}, [][2]string{{stops, "take each other's"}}},
		{"rules inline for one side and apart for the other",
			"ec2/vpc_security_group.go: ingress and egress by themselves",
			func(b *graphtest.Builder) {
				b.Add(group, "web", in{"ingress": several(in{"protocol": "tcp", "fromPort": 80, "toPort": 80,
					"cidrBlocks": []string{"10.0.0.0/8"}})})
			}, func(b *graphtest.Builder) {
				b.Add("vpc/securityGroupEgressRule:SecurityGroupEgressRule", "web",
					in{"securityGroupId": "securitygroup-web", "ipProtocol": "tcp",
						"fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/8"})
			}, nil},
		{"two notifications that there were", "docs/r/s3_bucket_notification: only one per bucket",
			func(b *graphtest.Builder) {
				b.Add(bucket, "files", in{})
				for _, name := range []string{"a", "b"} {
					b.Add("s3/bucketNotification:BucketNotification", name, in{"bucket": "bucketv2-files",
						"queues": several(in{"queueArn": "q"})})
				}
			}, func(b *graphtest.Builder) { b.Set("aws:"+bucket, "files", "tags", in{"a": "b"}) }, nil},
		{"a group that a new instance has", "ec2/vpc_security_group.go: ForceNew",
			func(b *graphtest.Builder) { b.Add(group, "web", in{"name": "web", "description": "a"}) },
			func(b *graphtest.Builder) {
				b.Set("aws:"+group, "web", "description", "b")
				b.Add("ec2/instance:Instance", "web", in{"vpcSecurityGroupIds": []string{"securitygroup-web"}})
			}, nil},
		{"a group of an instance that is replaced",
			"ec2/vpc_security_group.go: ForceNew; pulumi: the old instance goes last",
			func(b *graphtest.Builder) {
				b.Add(group, "web", in{"name": "web", "description": "a"})
				b.Add("ec2/instance:Instance", "web", in{"ami": "ami-1",
					"vpcSecurityGroupIds": []string{"securitygroup-web"}})
			}, func(b *graphtest.Builder) {
				b.Set("aws:"+group, "web", "description", "b")
				b.Set("aws:ec2/instance:Instance", "web", "ami", "ami-2")
			}, [][2]string{{stops, "what runs on it stops"}, {refused, "in use"}}},
		{"a role in use", "iam/role.go: ForceNew; policies are detached",
			func(b *graphtest.Builder) {
				b.Add("iam/role:Role", "app", in{"name": "app", "path": "/a/", "assumeRolePolicy": statements(
					`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`)})
				b.Add("iam/instanceProfile:InstanceProfile", "app", in{"role": "role-app"})
			}, func(b *graphtest.Builder) { b.Set("aws:iam/role:Role", "app", "path", "/b/") },
			[][2]string{{stops, "whoever takes it"}}},
		{"a subnet with its table goes", "ec2/vpc_route_table_association.go", func(b *graphtest.Builder) {
			b.Add("ec2/subnet:Subnet", "a", in{"vpcId": "v"})
			b.Add("ec2/routeTable:RouteTable", "t", in{"vpcId": "v"})
			b.Add("ec2/routeTableAssociation:RouteTableAssociation", "a", in{"subnetId": "subnet-a",
				"routeTableId": "routetable-t"})
		}, func(b *graphtest.Builder) {
			b.Remove("ec2/routeTableAssociation:RouteTableAssociation", "a")
			b.Remove("ec2/subnet:Subnet", "a")
			b.Remove("ec2/routeTable:RouteTable", "t")
		}, [][2]string{{stops, "what is in it has to go first"}}},
		{"a wall goes, and its subnet stays", "ec2/vpc_network_acl.go: the default one is left",
			func(b *graphtest.Builder) {
				b.Add("ec2/subnet:Subnet", "a", in{"vpcId": "v"})
				b.Add("ec2/subnet:Subnet", "b", in{"vpcId": "v"})
				b.Add("ec2/networkAcl:NetworkAcl", "a", in{"vpcId": "v", "subnetIds": []string{"subnet-a"}})
				b.Add("ec2/networkAcl:NetworkAcl", "b", in{"vpcId": "v"})
				b.Add("ec2/networkAclAssociation:NetworkAclAssociation", "b", in{"subnetId": "subnet-b",
					"networkAclId": "networkacl-b"})
			}, func(b *graphtest.Builder) {
				b.Remove("ec2/networkAcl:NetworkAcl", "a")
				b.Remove("ec2/networkAclAssociation:NetworkAclAssociation", "b")
				b.Remove("ec2/networkAcl:NetworkAcl", "b")
			}, [][2]string{{weakens, "`a` is deleted: its subnets are left to the default one"},
				{weakens, "`b` is deleted: its subnets are left to the default one"}}},
		{"a wall goes with its rules", "ec2/vpc_network_acl_rule.go", func(b *graphtest.Builder) {
			b.Add("ec2/networkAcl:NetworkAcl", "a", in{"vpcId": "v"})
			b.Add("ec2/networkAclRule:NetworkAclRule", "a", in{"networkAclId": "networkacl-a", "ruleNumber": 90,
				"ruleAction": "deny", "protocol": "-1", "cidrBlock": "0.0.0.0/0"})
		}, func(b *graphtest.Builder) {
			b.Remove("ec2/networkAclRule:NetworkAclRule", "a")
			b.Remove("ec2/networkAcl:NetworkAcl", "a")
		}, nil},
		{"two notifications of a bucket", "docs/r/s3_bucket_notification: only one per bucket",
			func(b *graphtest.Builder) {
				b.Add(bucket, "files", in{})
				b.Add("s3/bucketNotification:BucketNotification", "a", in{"bucket": "bucketv2-files",
					"queues": several(in{"queueArn": "q"})})
			}, func(b *graphtest.Builder) {
				b.Add("s3/bucketNotification:BucketNotification", "b", in{"bucket": "bucketv2-files",
					"lambdaFunctions": several(in{"lambdaFunctionArn": "f"})})
			}, [][2]string{{stops, "take each other's"}}},
		{"policies of a role that takes no others", "docs/r/iam_role: managed_policy_arns is exclusive",
			func(b *graphtest.Builder) {
				b.Add("iam/role:Role", "app",
					in{"assumeRolePolicy": statements(
						`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`),
						"managedPolicyArns": []string{
							"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}})
			}, func(b *graphtest.Builder) {
				b.Add("iam/rolePolicyAttachment:RolePolicyAttachment", "app", in{"role": "role-app",
					"policyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"})
			}, [][2]string{{stops, "take each other's"}, {moreRights, "`sqs:DeleteMessage`"},
				{moreRights, "`sqs:ReceiveMessage`"}}},
		{"two associations of one subnet", "docs/r/route_table_association", func(b *graphtest.Builder) {
			b.Add("ec2/routeTable:RouteTable", "a", in{})
			b.Add("ec2/routeTable:RouteTable", "b", in{})
			b.Add("ec2/routeTableAssociation:RouteTableAssociation", "a",
				in{"subnetId": "s", "routeTableId": "routetable-a"})
		}, func(b *graphtest.Builder) {
			b.Add("ec2/routeTableAssociation:RouteTableAssociation", "b",
				in{"subnetId": "s", "routeTableId": "routetable-b"})
		}, [][2]string{{refused, "one"}}},
		{"a subnet with another table", "ec2/vpc_route_table_association.go: replaced in place",
			func(b *graphtest.Builder) {
				b.Add("ec2/internetGateway:InternetGateway", "out", in{"vpcId": "v"})
				b.Add("ec2/routeTable:RouteTable", "in", in{"vpcId": "v"})
				b.Add("ec2/routeTable:RouteTable", "out", in{"vpcId": "v",
					"routes": several(in{"cidrBlock": "0.0.0.0/0",
						"gatewayId": "internetgateway-out"})})
				b.Add("ec2/routeTableAssociation:RouteTableAssociation", "a", in{"subnetId": "s",
					"routeTableId": "routetable-in"})
			}, func(b *graphtest.Builder) {
				b.Set("aws:ec2/routeTableAssociation:RouteTableAssociation", "a", "routeTableId", "routetable-out")
			}, [][2]string{{exposes, "internet gateway"}}},
		{"a subnet without its table", "VPC: VPC_Route_Tables (the main one is left)", func(b *graphtest.Builder) {
			b.Add("ec2/routeTable:RouteTable", "out", in{"vpcId": "v", "routes": several(in{"cidrBlock": "0.0.0.0/0",
				"natGatewayId": "nat-1"})})
			b.Add("ec2/routeTableAssociation:RouteTableAssociation", "a", in{"subnetId": "s",
				"routeTableId": "routetable-out"})
		}, func(b *graphtest.Builder) {
			b.Remove("ec2/routeTableAssociation:RouteTableAssociation", "a")
		}, [][2]string{{stops, "main route table"}}},
		{"the first of a numbered list goes", "pulumi: names of a loop", func(b *graphtest.Builder) {
			for i, name := range []string{"in", "out", "log"} {
				b.Add(bucket, "files-"+string(rune('0'+i)), in{"bucket": name + ".example"})
			}
		}, func(b *graphtest.Builder) {
			b.Remove(bucket, "files-2")
			b.Set("aws:"+bucket, "files-0", "bucket", "out.example").Set("aws:"+bucket, "files-1", "bucket",
				"log.example")
		}, [][2]string{{"data deleted", "`files-2`"}, {"data replaced", "`files-0`"}, {"data replaced", "`files-1`"},
			{refused, "`out.example`"},
			{refused, "`log.example`"}}},
		{"a lock that nobody gives back", "logs/group.go: retain with its class", func(b *graphtest.Builder) {
			b.Add("cloudwatch/logGroup:LogGroup", "x", in{"name": "a", "skipDestroy": true,
				"logGroupClass": "STANDARD"})
		}, func(b *graphtest.Builder) {
			b.Set("aws:cloudwatch/logGroup:LogGroup", "x", "logGroupClass", "INFREQUENT_ACCESS")
		},
			[][2]string{{refused, "name"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, c.build, c.change)
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

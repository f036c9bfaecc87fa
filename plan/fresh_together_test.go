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

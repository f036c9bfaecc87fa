// The shop is a container service on Fargate behind a load balancer.
package main

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/appautoscaling"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecs"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() { pulumi.Run(shop) }

func shop(ctx *pulumi.Context) error {
	conf := config.New(ctx, "")
	net, err := newNetwork(ctx, "shop")
	if err != nil {
		return err
	}

	repository, err := ecr.NewRepository(ctx, "shop", &ecr.RepositoryArgs{
		ImageTagMutability:         pulumi.String("IMMUTABLE"),
		ImageScanningConfiguration: &ecr.RepositoryImageScanningConfigurationArgs{ScanOnPush: pulumi.Bool(true)},
	})
	if err != nil {
		return err
	}
	_, err = ecr.NewLifecyclePolicy(ctx, "shop", &ecr.LifecyclePolicyArgs{
		Repository: repository.Name,
		Policy: pulumi.String(`{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":` +
			`"sinceImagePushed","countUnit":"days","countNumber":14},"action":{"type":"expire"}}]}`),
	})
	if err != nil {
		return err
	}

	secret, err := secretsmanager.NewSecret(ctx, "session", &secretsmanager.SecretArgs{
		RecoveryWindowInDays: pulumi.Int(7),
	})
	if err != nil {
		return err
	}
	password, err := random.NewRandomPassword(ctx, "session", &random.RandomPasswordArgs{Length: pulumi.Int(40)})
	if err != nil {
		return err
	}
	_, err = secretsmanager.NewSecretVersion(ctx, "session", &secretsmanager.SecretVersionArgs{
		SecretId: secret.ID(),
		SecretString: pulumi.All(password.Result, conf.RequireSecret("signingKey")).ApplyT(
			func(args []any) (string, error) {
				text, err := json.Marshal(map[string]any{"session": args[0], "signing": args[1]})
				return string(text), err
			}).(pulumi.StringOutput),
	})
	if err != nil {
		return err
	}

	balancer, targets, listener, err := front(ctx, net, conf.Require("certificate"))
	if err != nil {
		return err
	}

	logs, err := cloudwatch.NewLogGroup(ctx, "shop", &cloudwatch.LogGroupArgs{
		Name: pulumi.String("/shop/web"), RetentionInDays: pulumi.Int(90),
	})
	if err != nil {
		return err
	}
	execution, task, err := roles(ctx, secret)
	if err != nil {
		return err
	}
	cluster, err := ecs.NewCluster(ctx, "shop", &ecs.ClusterArgs{
		Settings: ecs.ClusterSettingArray{&ecs.ClusterSettingArgs{
			Name: pulumi.String("containerInsights"), Value: pulumi.String("enabled"),
		}},
	})
	if err != nil {
		return err
	}
	containers := pulumi.All(repository.RepositoryUrl, logs.Name, secret.Arn).ApplyT(func(args []any) (string, error) {
		text, err := json.Marshal([]map[string]any{{
			"name":         "web",
			"image":        fmt.Sprintf("%s:%s", args[0], conf.Require("image")),
			"essential":    true,
			"portMappings": []map[string]any{{"containerPort": 8080}},
			"secrets":      []map[string]any{{"name": "SESSION", "valueFrom": args[2]}},
			"logConfiguration": map[string]any{"logDriver": "awslogs", "options": map[string]any{
				"awslogs-group": args[1], "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web",
			}},
		}})
		return string(text), err
	}).(pulumi.StringOutput)
	definition, err := ecs.NewTaskDefinition(ctx, "web", &ecs.TaskDefinitionArgs{
		Family:                  pulumi.String("shop-web"),
		Cpu:                     pulumi.String("512"),
		Memory:                  pulumi.String("1024"),
		NetworkMode:             pulumi.String("awsvpc"),
		RequiresCompatibilities: pulumi.ToStringArray([]string{"FARGATE"}),
		ExecutionRoleArn:        execution.Arn,
		TaskRoleArn:             task.Arn,
		ContainerDefinitions:    containers,
	})
	if err != nil {
		return err
	}
	service, err := ecs.NewService(ctx, "web", &ecs.ServiceArgs{
		Cluster:        cluster.Arn,
		TaskDefinition: definition.Arn,
		DesiredCount:   pulumi.Int(conf.RequireInt("tasks")),
		LaunchType:     pulumi.String("FARGATE"),
		NetworkConfiguration: &ecs.ServiceNetworkConfigurationArgs{
			Subnets:        net.private,
			SecurityGroups: pulumi.StringArray{net.tasks.ID()},
		},
		LoadBalancers: ecs.ServiceLoadBalancerArray{&ecs.ServiceLoadBalancerArgs{
			TargetGroupArn: targets.Arn, ContainerName: pulumi.String("web"), ContainerPort: pulumi.Int(8080),
		}},
		DeploymentCircuitBreaker: &ecs.ServiceDeploymentCircuitBreakerArgs{
			Enable: pulumi.Bool(true), Rollback: pulumi.Bool(true),
		},
	}, pulumi.DependsOn([]pulumi.Resource{listener}), pulumi.IgnoreChanges([]string{"desiredCount"}))
	if err != nil {
		return err
	}
	if err := scale(ctx, cluster, service); err != nil {
		return err
	}
	ctx.Export("url", pulumi.Sprintf("https://%s", balancer.DnsName))
	return nil
}

type network struct {
	vpc             *ec2.Vpc
	public, private pulumi.StringArray
	front, tasks    *ec2.SecurityGroup
}

// newNetwork makes a network with public and private subnets in two zones, and one NAT gateway.
func newNetwork(ctx *pulumi.Context, name string) (*network, error) {
	vpc, err := ec2.NewVpc(ctx, name, &ec2.VpcArgs{
		CidrBlock: pulumi.String("10.20.0.0/16"), EnableDnsHostnames: pulumi.Bool(true),
		Tags: pulumi.StringMap{"Name": pulumi.String(name)},
	})
	if err != nil {
		return nil, err
	}
	net := &network{vpc: vpc}
	gateway, err := ec2.NewInternetGateway(ctx, name, &ec2.InternetGatewayArgs{VpcId: vpc.ID()})
	if err != nil {
		return nil, err
	}
	zones, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{State: pulumi.StringRef("available")})
	if err != nil {
		return nil, err
	}
	out, err := ec2.NewRouteTable(ctx, "public", &ec2.RouteTableArgs{
		VpcId: vpc.ID(),
		Routes: ec2.RouteTableRouteArray{&ec2.RouteTableRouteArgs{
			CidrBlock: pulumi.String("0.0.0.0/0"), GatewayId: gateway.ID(),
		}},
	})
	if err != nil {
		return nil, err
	}
	address, err := ec2.NewEip(ctx, "nat", &ec2.EipArgs{Domain: pulumi.String("vpc")})
	if err != nil {
		return nil, err
	}
	var inside *ec2.RouteTable
	for i := range 2 {
		public, err := ec2.NewSubnet(ctx, fmt.Sprintf("public-%d", i), &ec2.SubnetArgs{
			VpcId: vpc.ID(), CidrBlock: pulumi.Sprintf("10.20.%d.0/24", i),
			AvailabilityZone:    pulumi.String(zones.Names[i]),
			MapPublicIpOnLaunch: pulumi.Bool(true),
		})
		if err != nil {
			return nil, err
		}
		net.public = append(net.public, public.ID())
		_, err = ec2.NewRouteTableAssociation(ctx, fmt.Sprintf("public-%d", i), &ec2.RouteTableAssociationArgs{
			SubnetId: public.ID(), RouteTableId: out.ID(),
		})
		if err != nil {
			return nil, err
		}
		if i == 0 {
			nat, err := ec2.NewNatGateway(ctx, name, &ec2.NatGatewayArgs{
				SubnetId: public.ID(), AllocationId: address.ID(),
			}, pulumi.DependsOn([]pulumi.Resource{gateway}))
			if err != nil {
				return nil, err
			}
			inside, err = ec2.NewRouteTable(ctx, "private", &ec2.RouteTableArgs{
				VpcId: vpc.ID(),
				Routes: ec2.RouteTableRouteArray{&ec2.RouteTableRouteArgs{
					CidrBlock: pulumi.String("0.0.0.0/0"), NatGatewayId: nat.ID(),
				}},
			})
			if err != nil {
				return nil, err
			}
		}
		private, err := ec2.NewSubnet(ctx, fmt.Sprintf("private-%d", i), &ec2.SubnetArgs{
			VpcId: vpc.ID(), CidrBlock: pulumi.Sprintf("10.20.%d.0/24", 128+i),
			AvailabilityZone: pulumi.String(zones.Names[i]),
		})
		if err != nil {
			return nil, err
		}
		net.private = append(net.private, private.ID())
		_, err = ec2.NewRouteTableAssociation(ctx, fmt.Sprintf("private-%d", i), &ec2.RouteTableAssociationArgs{
			SubnetId: private.ID(), RouteTableId: inside.ID(),
		})
		if err != nil {
			return nil, err
		}
	}
	net.front, err = ec2.NewSecurityGroup(ctx, "front", &ec2.SecurityGroupArgs{
		VpcId: vpc.ID(), Description: pulumi.String("The load balancer"),
		Ingress: ec2.SecurityGroupIngressArray{
			&ec2.SecurityGroupIngressArgs{
				Protocol: pulumi.String("tcp"), FromPort: pulumi.Int(443), ToPort: pulumi.Int(443),
				CidrBlocks: pulumi.ToStringArray([]string{"0.0.0.0/0"}),
			},
			&ec2.SecurityGroupIngressArgs{
				Protocol: pulumi.String("tcp"), FromPort: pulumi.Int(80), ToPort: pulumi.Int(80),
				CidrBlocks: pulumi.ToStringArray([]string{"0.0.0.0/0"}),
			},
		},
		Egress: everywhere(),
	})
	if err != nil {
		return nil, err
	}
	net.tasks, err = ec2.NewSecurityGroup(ctx, "tasks", &ec2.SecurityGroupArgs{
		VpcId: vpc.ID(), Description: pulumi.String("The containers"),
		Ingress: ec2.SecurityGroupIngressArray{&ec2.SecurityGroupIngressArgs{
			Protocol: pulumi.String("tcp"), FromPort: pulumi.Int(8080), ToPort: pulumi.Int(8080),
			SecurityGroups: pulumi.StringArray{net.front.ID()},
		}},
		Egress: everywhere(),
	})
	return net, err
}

func everywhere() ec2.SecurityGroupEgressArray {
	return ec2.SecurityGroupEgressArray{&ec2.SecurityGroupEgressArgs{
		Protocol: pulumi.String("-1"), FromPort: pulumi.Int(0), ToPort: pulumi.Int(0),
		CidrBlocks: pulumi.ToStringArray([]string{"0.0.0.0/0"}),
	}}
}

// front makes the load balancer.
func front(ctx *pulumi.Context, net *network, certificate string) (*lb.LoadBalancer, *lb.TargetGroup, *lb.Listener,
	error) {
	fail := func(err error) (*lb.LoadBalancer, *lb.TargetGroup, *lb.Listener, error) { return nil, nil, nil, err }
	balancer, err := lb.NewLoadBalancer(ctx, "shop", &lb.LoadBalancerArgs{
		LoadBalancerType: pulumi.String("application"), SecurityGroups: pulumi.StringArray{net.front.ID()},
		Subnets: net.public, EnableDeletionProtection: pulumi.Bool(true),
	})
	if err != nil {
		return fail(err)
	}
	targets, err := lb.NewTargetGroup(ctx, "web", &lb.TargetGroupArgs{
		Port: pulumi.Int(8080), Protocol: pulumi.String("HTTP"), TargetType: pulumi.String("ip"), VpcId: net.vpc.ID(),
		HealthCheck:         &lb.TargetGroupHealthCheckArgs{Path: pulumi.String("/healthz"), Interval: pulumi.Int(15)},
		DeregistrationDelay: pulumi.Int(30),
	})
	if err != nil {
		return fail(err)
	}
	listener, err := lb.NewListener(ctx, "https", &lb.ListenerArgs{
		LoadBalancerArn: balancer.Arn, Port: pulumi.Int(443), Protocol: pulumi.String("HTTPS"),
		CertificateArn: pulumi.String(certificate), SslPolicy: pulumi.String("ELBSecurityPolicy-TLS13-1-2-2021-06"),
		DefaultActions: lb.ListenerDefaultActionArray{&lb.ListenerDefaultActionArgs{
			Type: pulumi.String("forward"), TargetGroupArn: targets.Arn,
		}},
	})
	if err != nil {
		return fail(err)
	}
	_, err = lb.NewListener(ctx, "http", &lb.ListenerArgs{
		LoadBalancerArn: balancer.Arn, Port: pulumi.Int(80), Protocol: pulumi.String("HTTP"),
		DefaultActions: lb.ListenerDefaultActionArray{&lb.ListenerDefaultActionArgs{
			Type: pulumi.String("redirect"),
			Redirect: &lb.ListenerDefaultActionRedirectArgs{
				Port: pulumi.String("443"), Protocol: pulumi.String("HTTPS"), StatusCode: pulumi.String("HTTP_301"),
			},
		}},
	})
	return balancer, targets, listener, err
}

// roles makes the role that starts containers, and the one that they run with.
func roles(ctx *pulumi.Context, secret *secretsmanager.Secret) (execution, task *iam.Role, err error) {
	trust := pulumi.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	execution, err = iam.NewRole(ctx, "execution", &iam.RoleArgs{AssumeRolePolicy: trust})
	if err != nil {
		return nil, nil, err
	}
	_, err = iam.NewRolePolicyAttachment(ctx, "execution", &iam.RolePolicyAttachmentArgs{
		Role:      execution.Name,
		PolicyArn: pulumi.String("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"),
	})
	if err != nil {
		return nil, nil, err
	}
	_, err = iam.NewRolePolicy(ctx, "secrets", &iam.RolePolicyArgs{
		Role: execution.Name,
		Policy: secret.Arn.ApplyT(func(arn string) (string, error) {
			text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn,
			}}})
			return string(text), err
		}).(pulumi.StringOutput),
	})
	if err != nil {
		return nil, nil, err
	}
	task, err = iam.NewRole(ctx, "task", &iam.RoleArgs{AssumeRolePolicy: trust})
	return execution, task, err
}

// scale lets the number of containers follow the load.
func scale(ctx *pulumi.Context, cluster *ecs.Cluster, service *ecs.Service) error {
	target, err := appautoscaling.NewTarget(ctx, "web", &appautoscaling.TargetArgs{
		ServiceNamespace: pulumi.String("ecs"), ScalableDimension: pulumi.String("ecs:service:DesiredCount"),
		ResourceId:  pulumi.Sprintf("service/%s/%s", cluster.Name, service.Name),
		MinCapacity: pulumi.Int(2), MaxCapacity: pulumi.Int(8),
	})
	if err != nil {
		return err
	}
	_, err = appautoscaling.NewPolicy(ctx, "cpu", &appautoscaling.PolicyArgs{
		PolicyType: pulumi.String("TargetTrackingScaling"), ServiceNamespace: target.ServiceNamespace,
		ScalableDimension: target.ScalableDimension, ResourceId: target.ResourceId,
		TargetTrackingScalingPolicyConfiguration: &appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs{
			TargetValue: pulumi.Float64(60),
			PredefinedMetricSpecification: &appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs{
				PredefinedMetricType: pulumi.String("ECSServiceAverageCPUUtilization"),
			},
		},
	})
	return err
}

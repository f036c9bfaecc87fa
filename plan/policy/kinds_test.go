package policy

import (
	"maps"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
	"dossier.example/plan/policy/policytest"
)

// TestKinds: rules hold for the kinds of a resource that they are about, by the inputs that AWS has for each, and by
// what holds where an input is not given. at is the resource of which a verdict is wanted; of others nothing is.
func TestKinds(t *testing.T) {
	const lb, listener, targets = "ELB LoadBalancer other", "ELB Listener other", "ELB TargetGroup other"
	certificates := map[string]any{"TLS": "arn:aws:acm:eu-west-1:123456789012:certificate/a"}
	balancer := func(kind string, more in, protocols ...string) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			inputs := in{"loadBalancerType": kind, "subnets": []string{"subnet-public-a", "subnet-public-b"}}
			maps.Copy(inputs, more)
			of := b.Add(balancerType, "other", inputs)
			for _, protocol := range protocols {
				b.Add(listenerType, "other", in{"loadBalancerArn": of.Output("arn"), "protocol": protocol,
					"certificateArn": certificates[protocol],
					"sslPolicy":      "ELBSecurityPolicy-TLS13-1-2-2021-06",
					"defaultActions": []any{in{"type": "forward"}}})
			}
		}
	}
	group := func(inputs in) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Add(targetGroupType, "other", inputs) }
	}
	set := func(kind, name, path string, value any) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) { b.Set(kind, name, path, value) }
	}
	without := func(kind, name string, paths ...string) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			for _, path := range paths {
				b.Set(kind, name, path, nil)
			}
		}
	}
	rights := func(actions ...string) func(*graphtest.Builder) {
		return set(rolePolicyType, "app", "policy", policytest.PolicyText(in{"Effect": "Allow", "Action": actions,
			"Resource": "*"}))
	}
	attach := func(arn string) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			b.Remove(rolePolicyType, "app")
			b.Add(rolePolicyAttachment, "agent", in{"role": "role-app", "policyArn": arn})
		}
	}
	workers := func(inputs in) func(*graphtest.Builder) {
		return func(b *graphtest.Builder) {
			all := in{"vpcZoneIdentifiers": []string{"subnet-private-a", "subnet-private-b"},
				"launchTemplate": in{"id": "lt-0", "version": "3"}}
			maps.Copy(all, inputs)
			b.Add(groupType, "workers", all)
		}
	}
	const workersAt, template = "Auto Scaling Group workers", "LaunchTemplate app"
	for _, c := range []struct {
		name   string
		change func(*graphtest.Builder)
		rule   string
		at     string
		want   Verdict
	}{
		{"a network load balancer", balancer("network", nil, "TLS"), "ELB.1", listener, NotAsked},
		{"a network load balancer", balancer("network", nil, "TLS"), "ELB.4", lb, NotAsked},
		{"a network load balancer", balancer("network", nil, "TLS"), "ELB.5", lb, Broken},
		{"a network load balancer", balancer("network", nil, "TCP"), "ELB.5", lb, NotAsked},
		{"a network load balancer", balancer("network", nil, "TLS"), "ELB.6", lb, Broken},
		{"a network load balancer", balancer("network", nil, "TLS"), "ELB.12", lb, NotAsked},
		{"a network load balancer", balancer("network", nil, "TLS"), "ELB.17", listener, Kept},
		{"a network load balancer", balancer("network", nil, "TCP"), "ELB.17", listener, NotAsked},
		{"a network load balancer", balancer("network", nil, "TLS"), "ELB.18", lb, Kept},
		{"a network load balancer", balancer("network", nil, "TCP"), "ELB.18", listener, Broken},
		{"a network load balancer", balancer("network", nil, "UDP"), "ELB.18", listener, NotAsked},
		{"a network load balancer", balancer("network", nil, "TLS"), "CKV2_AWS_28", lb, NotAsked},
		{"a gateway load balancer", balancer("gateway", nil), "ELB.4", lb, NotAsked},
		{"a gateway load balancer", balancer("gateway", nil), "ELB.18", lb, NotAsked},
		{"an application load balancer", balancer("application", nil, "HTTP"), "ELB.1", listener, Broken},
		{"an application load balancer", balancer("application", nil, "HTTP"), "ELB.4", lb, Broken},
		{"an application load balancer", balancer("application", nil, "HTTP"), "ELB.12", lb, Kept},
		{"an application load balancer", balancer("application", nil, "HTTP"), "CKV2_AWS_28", lb, Broken},
		{"subnets of another stack", balancer("application", in{"subnets": []string{"subnet-1", "subnet-2"}}), "ELB.13",
			lb, NotAsked},
		{"a subnet of another stack", balancer("application", in{"subnets": []string{"subnet-1"}}), "ELB.13", lb,
			Broken},
		{"subnets that are not known", balancer("application", in{"subnets": graph.Unknown}), "ELB.13", lb, NotAsked},

		{"targets by TCP", group(in{"protocol": "TCP"}), "CKV_AWS_261", targets, NotAsked},
		{"targets by TCP", group(in{"protocol": "TCP"}), "CKV_AWS_378", targets, NotAsked},
		{"functions", group(in{"targetType": "lambda"}), "CKV_AWS_261", targets, NotAsked},
		{"functions", group(in{"targetType": "lambda"}), "CKV_AWS_378", targets, NotAsked},
		{"targets by HTTP", group(in{"protocol": "HTTP"}), "CKV_AWS_261", targets, Broken},
		{"targets by HTTP", group(in{"protocol": "HTTP"}), "CKV_AWS_378", targets, Broken},
		{"targets by TCP without checks", group(in{"protocol": "TCP", "healthCheck": in{"enabled": false}}),
			"CKV_AWS_261", targets, Broken},
		{"targets by an unknown protocol", group(in{"protocol": graph.Unknown}), "CKV_AWS_378", targets,
			Broken},

		{"workers", workers(nil), "AutoScaling.1", workersAt, NotAsked},
		{"a group behind targets of another stack", workers(in{"targetGroupArns": []string{"arn"}}), "AutoScaling.1",
			workersAt, Broken},
		{"a group behind a classic load balancer", workers(in{"loadBalancers": []string{"old"}}), "AutoScaling.1",
			workersAt, Broken},
		{"two kinds of checks", workers(in{"loadBalancers": []string{"old"}, "healthCheckType": "EBS,ELB"}),
			"AutoScaling.1", workersAt, Kept},
		{"zones without subnets", workers(in{"vpcZoneIdentifiers": nil, "availabilityZones": []string{"a", "b"}}),
			"AutoScaling.2", workersAt, Kept},
		{"one zone without subnets", workers(in{"vpcZoneIdentifiers": nil, "availabilityZones": []string{"a"}}),
			"AutoScaling.2", workersAt, Broken},
		{"a template of another stack", workers(nil), "AutoScaling.9", workersAt, Kept},
		{"no template", workers(in{"launchTemplate": nil}), "AutoScaling.9", workersAt, Broken},

		{"no metadata", set(templateType, "app", "metadataOptions", in{"httpEndpoint": "disabled"}), "EC2.170",
			template, Kept},
		{"no metadata", set(templateType, "app", "metadataOptions", in{"httpEndpoint": "disabled",
			"httpPutResponseHopLimit": 3}), "CKV_AWS_341", template, Kept},
		{"hops not given", without(templateType, "app", "metadataOptions.httpPutResponseHopLimit"), "CKV_AWS_341",
			template, Kept},
		{"hops not known", set(templateType, "app", "metadataOptions.httpPutResponseHopLimit", graph.Unknown),
			"CKV_AWS_341", template, Broken},
		{"tokens not given", without(templateType, "app", "metadataOptions.httpTokens"), "EC2.170", template, Broken},
		{"a disk of the host", set(templateType, "app", "blockDeviceMappings", []any{in{"ebs": in{"encrypted": "true"}},
			in{"deviceName": "/dev/sdb", "virtualName": "ephemeral0"}}), "EC2.181", template, Kept},
		{"a disk without a word", set(templateType, "app", "blockDeviceMappings", []any{in{"deviceName": "/dev/sdb"}}),
			"EC2.181", template, Broken},

		{"AWS's policy for the agent", attach("arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"), "SSM.1",
			template, Kept},
		{"one that is called the same", attach("arn:aws:iam::123456789012:policy/AmazonSSMManagedInstanceCore"),
			"SSM.1", template, Broken},
		{"another one of AWS's", attach("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"), "SSM.1", template, Broken},
		{"wildcards", rights("ssm:Update*", "ssmmessages:*"), "SSM.1", template, Kept},
		{"one wildcard too few", rights("ssmmessages:*"), "SSM.1", template, Broken},
		{"a profile of another stack", set(templateType, "app", "iamInstanceProfile", in{"name": "shared"}), "SSM.1",
			template, NotAsked},
		{"a role of another stack", set(profileType, "app", "role", "shared"), "SSM.1", template, NotAsked},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			b := policytest.Stack(t)
			c.change(b)
			result, got := ruled(t, b.Graph(), c.rule), Kept
			for _, v := range result.Violations {
				if v.Resource == c.at {
					got = Broken
				}
			}
			for _, v := range result.Aside {
				if v.Resource == c.at {
					got = NotAsked
				}
			}
			if got != c.want {
				t.Errorf("%s is %s, want %s: %v, %v", c.at, got, c.want, result.Violations, result.Aside)
			}
		})
	}
}

// TestScaledByCPU: launch configurations measure every minute unless they say otherwise, launch templates do not.
func TestScaledByCPU(t *testing.T) {
	for _, c := range []struct {
		name   string
		inputs in
		old    in
		want   int
	}{
		{"a configuration", in{"launchConfiguration": "old"}, in{"name": "old"}, 0},
		{"a configuration that does not", in{"launchConfiguration": "old"},
			in{"name": "old", "enableMonitoring": false}, 1},
		{"a template of another stack", in{"launchTemplate": in{"id": "lt-0"}}, in{}, 0},
		{"a template that does not say", in{"launchTemplate": in{"id": "launchtemplate-app"}}, in{}, 1},
	} {
		b := policytest.Stack(t)
		b.Add(configurationType, "old", c.old)
		of := b.Add(groupType, "workers", c.inputs)
		b.Add("aws:autoscaling/policy:Policy", "cpu", in{"autoscalingGroupName": of.ID,
			"targetTrackingConfiguration": in{"predefinedMetricSpecification": in{
				"predefinedMetricType": "ASGAverageCPUUtilization"}}})
		if v := ruled(t, b.Graph(), "Plan.AutoScaling.3").Violations; len(v) != c.want {
			t.Errorf("%s: %v", c.name, v)
		}
	}
}

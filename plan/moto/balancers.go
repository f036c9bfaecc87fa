package moto

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const listenerType = "aws:lb/listener:Listener"

// The attributes that Elastic Load Balancing keeps as texts, by the input that each comes from.
var (
	balancerAttributes = map[string]string{
		"accessLogs.bucket":        "access_logs.s3.bucket",
		"accessLogs.enabled":       "access_logs.s3.enabled",
		"accessLogs.prefix":        "access_logs.s3.prefix",
		"desyncMitigationMode":     "routing.http.desync_mitigation_mode",
		"dropInvalidHeaderFields":  "routing.http.drop_invalid_header_fields.enabled",
		"enableDeletionProtection": "deletion_protection.enabled",
		"enableHttp2":              "routing.http2.enabled",
		"idleTimeout":              "idle_timeout.timeout_seconds",
		"xffHeaderProcessingMode":  "routing.http.xff_header_processing.mode",
	}
	targetAttributes = map[string]string{
		"deregistrationDelay":        "deregistration_delay.timeout_seconds",
		"loadBalancingAlgorithmType": "load_balancing.algorithm.type",
	}
	listenerAttributes = map[string]string{
		"routingHttpResponseStrictTransportSecurityHeaderValue": "routing.http.response.strict_transport_security.header_value",
	}
)

// balancerKinds are load balancers, and where they send requests.
var balancerKinds = map[string]kind{
	"aws:lb/loadBalancer:LoadBalancer": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			scheme := types.LoadBalancerSchemeEnumInternetFacing
			if aws.ToBool(in.flag("internal")) {
				scheme = types.LoadBalancerSchemeEnumInternal
			}
			out, err := a.elb.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
				Name: in.text("name"), Type: types.LoadBalancerTypeEnum(in.must("loadBalancerType")), Scheme: scheme, Subnets: in.texts("subnets"),
				SecurityGroups: in.texts("securityGroups"),
			})
			if err != nil {
				return nil, err
			}
			balancer, err := one(out.LoadBalancers)
			if err != nil {
				return nil, err
			}
			_, err = a.elb.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{
				LoadBalancerArn: balancer.LoadBalancerArn,
				Attributes: attributes(in, balancerAttributes, func(key string, value *string) types.LoadBalancerAttribute {
					return types.LoadBalancerAttribute{Key: &key, Value: value}
				}),
			})
			return made{
				"id": balancer.LoadBalancerArn, "arn": balancer.LoadBalancerArn, "dnsName": balancer.DNSName, "zoneId": balancer.CanonicalHostedZoneId,
				"arnSuffix": aws.String(last(aws.ToString(balancer.LoadBalancerArn), ":loadbalancer/")),
			}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.elb.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{id}})
			if err != nil {
				return nil, err
			}
			balancer, err := one(out.LoadBalancers)
			if err != nil {
				return nil, err
			}
			kept, err := a.elb.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &id})
			if err != nil {
				return nil, err
			}
			f := readAttributes(balancerAttributes, byKey(kept.Attributes, func(t types.LoadBalancerAttribute) (key, value *string) { return t.Key, t.Value }))
			var subnets []*string
			for _, zone := range balancer.AvailabilityZones {
				subnets = append(subnets, zone.SubnetId)
			}
			f["name"], f["loadBalancerType"], f["internal"] = balancer.LoadBalancerName, balancer.Type, balancer.Scheme == types.LoadBalancerSchemeEnumInternal
			f["subnets"], f["securityGroups"] = subnets, balancer.SecurityGroups
			return f, nil
		},
		beside: func(ctx context.Context, a *Account, id string, of related) error {
			out, err := a.elb.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &id})
			if err != nil {
				return err
			}
			var got []string
			for _, listener := range out.Listeners {
				got = append(got, aws.ToString(listener.ListenerArn))
			}
			return only("listener", got, of(listenerType, "loadBalancerArn"))
		},
	},
	"aws:lb/targetGroup:TargetGroup": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			check := in.object("healthCheck")
			out, err := a.elb.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
				Name: in.text("name"), VpcId: in.text("vpcId"), Port: in.number("port"), Protocol: types.ProtocolEnum(in.must("protocol")),
				TargetType: types.TargetTypeEnum(in.must("targetType")), HealthCheckEnabled: check.flag("enabled"),
				HealthCheckProtocol: types.ProtocolEnum(check.must("protocol")), HealthCheckPath: check.text("path"), HealthCheckPort: check.text("port"),
				Matcher: &types.Matcher{HttpCode: check.text("matcher")}, HealthCheckIntervalSeconds: check.number("interval"),
				HealthCheckTimeoutSeconds: check.number("timeout"), HealthyThresholdCount: check.number("healthyThreshold"),
				UnhealthyThresholdCount: check.number("unhealthyThreshold"),
			})
			if err != nil {
				return nil, err
			}
			group, err := one(out.TargetGroups)
			if err != nil {
				return nil, err
			}
			_, err = a.elb.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{
				TargetGroupArn: group.TargetGroupArn,
				Attributes: attributes(in, targetAttributes, func(key string, value *string) types.TargetGroupAttribute {
					return types.TargetGroupAttribute{Key: &key, Value: value}
				}),
			})
			return made{
				"id": group.TargetGroupArn, "arn": group.TargetGroupArn, "arnSuffix": aws.String("targetgroup/" + last(aws.ToString(group.TargetGroupArn), ":targetgroup/")),
			}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.elb.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{id}})
			if err != nil {
				return nil, err
			}
			group, err := one(out.TargetGroups)
			if err != nil {
				return nil, err
			}
			kept, err := a.elb.DescribeTargetGroupAttributes(ctx, &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: &id})
			if err != nil {
				return nil, err
			}
			f := readAttributes(targetAttributes, byKey(kept.Attributes, func(t types.TargetGroupAttribute) (key, value *string) { return t.Key, t.Value }))
			check := fields{
				"enabled": group.HealthCheckEnabled, "protocol": group.HealthCheckProtocol, "path": group.HealthCheckPath, "port": group.HealthCheckPort,
				"interval": group.HealthCheckIntervalSeconds, "timeout": group.HealthCheckTimeoutSeconds, "healthyThreshold": group.HealthyThresholdCount,
				"unhealthyThreshold": group.UnhealthyThresholdCount,
			}
			if group.Matcher != nil {
				check["matcher"] = group.Matcher.HttpCode
			}
			f["name"], f["vpcId"], f["port"], f["protocol"] = group.TargetGroupName, group.VpcId, group.Port, group.Protocol
			f["targetType"], f["healthCheck"] = group.TargetType, check
			return f, nil
		},
	},
	listenerType: {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			request := &elb.CreateListenerInput{
				LoadBalancerArn: in.text("loadBalancerArn"), Port: in.number("port"), Protocol: types.ProtocolEnum(in.must("protocol")), SslPolicy: in.text("sslPolicy"),
				DefaultActions: each(in.list("defaultActions"), func(action values) types.Action {
					made := types.Action{Type: types.ActionTypeEnum(action.must("type")), TargetGroupArn: action.text("targetGroupArn")}
					if to := action.object("redirect"); to != nil {
						made.RedirectConfig = &types.RedirectActionConfig{
							Protocol: to.text("protocol"), Port: to.text("port"), StatusCode: types.RedirectActionStatusCodeEnum(to.must("statusCode")),
						}
					}
					return made
				}),
			}
			if certificate := in.text("certificateArn"); certificate != nil {
				request.Certificates = []types.Certificate{{CertificateArn: certificate}}
			}
			out, err := a.elb.CreateListener(ctx, request)
			if err != nil {
				return nil, err
			}
			listener, err := one(out.Listeners)
			if err != nil {
				return nil, err
			}
			if more := attributes(in, listenerAttributes, func(key string, value *string) types.ListenerAttribute {
				return types.ListenerAttribute{Key: &key, Value: value}
			}); more != nil {
				_, err = a.elb.ModifyListenerAttributes(ctx, &elb.ModifyListenerAttributesInput{ListenerArn: listener.ListenerArn, Attributes: more})
			}
			return made{"id": listener.ListenerArn, "arn": listener.ListenerArn}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.elb.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{id}})
			if err != nil {
				return nil, err
			}
			listener, err := one(out.Listeners)
			if err != nil {
				return nil, err
			}
			kept, err := a.elb.DescribeListenerAttributes(ctx, &elb.DescribeListenerAttributesInput{ListenerArn: &id})
			if err != nil {
				return nil, err
			}
			f := readAttributes(listenerAttributes, byKey(kept.Attributes, func(t types.ListenerAttribute) (key, value *string) { return t.Key, t.Value }))
			f["loadBalancerArn"], f["port"], f["protocol"], f["sslPolicy"] = listener.LoadBalancerArn, listener.Port, listener.Protocol, listener.SslPolicy
			for _, certificate := range listener.Certificates {
				f["certificateArn"] = certificate.CertificateArn
			}
			var actions []fields
			for _, action := range listener.DefaultActions {
				read := fields{"type": action.Type, "targetGroupArn": action.TargetGroupArn}
				if to := action.RedirectConfig; to != nil {
					read["redirect"] = fields{"protocol": to.Protocol, "port": to.Port, "statusCode": to.StatusCode}
				}
				actions = append(actions, read)
			}
			f["defaultActions"] = actions
			return f, nil
		},
	},
}

// attributes are those of the inputs that are given.
func attributes[T any](in values, keys map[string]string, of func(key string, value *string) T) []T {
	var list []T
	for _, path := range slices.Sorted(maps.Keys(keys)) {
		if value := in.text(path); value != nil {
			list = append(list, of(keys[path], value))
		}
	}
	return list
}

// readAttributes puts attributes where the inputs have them.
func readAttributes(keys map[string]string, kept fields) fields {
	f := fields{}
	for path, key := range keys {
		if value, has := kept[key]; has {
			f.put(path, value)
		}
	}
	return f
}

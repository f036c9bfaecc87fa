package moto

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

// scalingKinds are groups of instances, what happens when one starts, and what changes their size.
var scalingKinds = map[string]kind{
	"aws:autoscaling/group:Group": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			name := in.text("name")
			request := &autoscaling.CreateAutoScalingGroupInput{
				AutoScalingGroupName: name, MinSize: in.number("minSize"), MaxSize: in.number("maxSize"), DesiredCapacity: in.number("desiredCapacity"),
				VPCZoneIdentifier: aws.String(strings.Join(in.texts("vpcZoneIdentifiers"), ",")), TargetGroupARNs: in.texts("targetGroupArns"),
				LaunchTemplate:  &types.LaunchTemplateSpecification{LaunchTemplateId: in.text("launchTemplate.id"), Version: in.text("launchTemplate.version")},
				HealthCheckType: in.text("healthCheckType"), HealthCheckGracePeriod: in.number("healthCheckGracePeriod"),
				DefaultInstanceWarmup: in.number("defaultInstanceWarmup"),
				LifecycleHookSpecificationList: each(in.list("initialLifecycleHooks"), func(hook values) types.LifecycleHookSpecification {
					return types.LifecycleHookSpecification{
						LifecycleHookName: hook.text("name"), LifecycleTransition: hook.text("lifecycleTransition"),
						HeartbeatTimeout: hook.number("heartbeatTimeout"), DefaultResult: hook.text("defaultResult"),
					}
				}),
				Tags: each(in.list("tags"), func(tag values) types.Tag {
					return types.Tag{
						ResourceId: name, ResourceType: aws.String("auto-scaling-group"),
						Key: tag.text("key"), Value: tag.text("value"), PropagateAtLaunch: tag.flag("propagateAtLaunch"),
					}
				}),
			}
			if policy := in.object("instanceMaintenancePolicy"); policy != nil {
				request.InstanceMaintenancePolicy = &types.InstanceMaintenancePolicy{
					MinHealthyPercentage: policy.number("minHealthyPercentage"), MaxHealthyPercentage: policy.number("maxHealthyPercentage"),
				}
			}
			if _, err := a.groups.CreateAutoScalingGroup(ctx, request); err != nil {
				return nil, err
			}
			if metrics := in.texts("enabledMetrics"); metrics != nil {
				if _, err := a.groups.EnableMetricsCollection(ctx, &autoscaling.EnableMetricsCollectionInput{
					AutoScalingGroupName: name, Metrics: metrics, Granularity: in.text("metricsGranularity"),
				}); err != nil {
					return nil, err
				}
			}
			out, err := a.groups.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{*name}})
			if err != nil {
				return nil, err
			}
			group, err := one(out.AutoScalingGroups)
			return made{"id": group.AutoScalingGroupName, "arn": group.AutoScalingGroupARN}, err
		},
		read: readGroup,
		unkept: map[string]string{
			"defaultInstanceWarmup":                          "DefaultInstanceWarmup",
			"instanceMaintenancePolicy.maxHealthyPercentage": "MaxHealthyPercentage",
			"instanceMaintenancePolicy.minHealthyPercentage": "MinHealthyPercentage",
		},
		unread: map[string]string{
			"waitForCapacityTimeout": "the provider's own: for how long it waits",
		},
	},
	"aws:autoscaling/lifecycleHook:LifecycleHook": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.groups.PutLifecycleHook(ctx, &autoscaling.PutLifecycleHookInput{
				AutoScalingGroupName: in.text("autoscalingGroupName"), LifecycleHookName: in.text("name"), LifecycleTransition: in.text("lifecycleTransition"),
				HeartbeatTimeout: in.number("heartbeatTimeout"), DefaultResult: in.text("defaultResult"),
			})
			return made{"id": in.text("name")}, err
		},
		read: func(ctx context.Context, a *Account, _ string, in values) (fields, error) {
			hooks, err := a.hooks(ctx, in.must("autoscalingGroupName"))
			if err != nil {
				return nil, err
			}
			// One: that of the group's inputs is the same.
			return one(hooks)
		},
	},
	"aws:autoscaling/policy:Policy": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			track := in.object("targetTrackingConfiguration")
			out, err := a.groups.PutScalingPolicy(ctx, &autoscaling.PutScalingPolicyInput{
				AutoScalingGroupName: in.text("autoscalingGroupName"), PolicyName: in.text("name"), PolicyType: in.text("policyType"),
				TargetTrackingConfiguration: &types.TargetTrackingConfiguration{
					TargetValue: track.float("targetValue"),
					PredefinedMetricSpecification: &types.PredefinedMetricSpecification{
						PredefinedMetricType: types.MetricType(track.must("predefinedMetricSpecification.predefinedMetricType")),
						ResourceLabel:        track.text("predefinedMetricSpecification.resourceLabel"),
					},
				},
			})
			if err != nil {
				return nil, err
			}
			return made{"id": in.text("name"), "arn": out.PolicyARN}, nil
		},
		read: func(ctx context.Context, a *Account, id string, in values) (fields, error) {
			out, err := a.groups.DescribePolicies(ctx, &autoscaling.DescribePoliciesInput{
				AutoScalingGroupName: in.text("autoscalingGroupName"), PolicyNames: []string{id},
			})
			if err != nil {
				return nil, err
			}
			policy, err := one(out.ScalingPolicies)
			if err != nil {
				return nil, err
			}
			f := fields{"autoscalingGroupName": policy.AutoScalingGroupName, "name": policy.PolicyName, "policyType": policy.PolicyType}
			if track := policy.TargetTrackingConfiguration; track != nil {
				f.put("targetTrackingConfiguration.targetValue", track.TargetValue)
				if metric := track.PredefinedMetricSpecification; metric != nil {
					f.put("targetTrackingConfiguration.predefinedMetricSpecification", fields{
						"predefinedMetricType": metric.PredefinedMetricType, "resourceLabel": metric.ResourceLabel,
					})
				}
			}
			return f, nil
		},
	},
}

func readGroup(ctx context.Context, a *Account, id string, _ values) (fields, error) {
	out, err := a.groups.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{id}})
	if err != nil {
		return nil, err
	}
	group, err := one(out.AutoScalingGroups)
	if err != nil {
		return nil, err
	}
	hooks, err := a.hooks(ctx, id)
	if err != nil {
		return nil, err
	}
	f := fields{
		"name": group.AutoScalingGroupName, "minSize": group.MinSize, "maxSize": group.MaxSize, "desiredCapacity": group.DesiredCapacity,
		"vpcZoneIdentifiers": strings.Split(aws.ToString(group.VPCZoneIdentifier), ","), "targetGroupArns": group.TargetGroupARNs,
		"healthCheckType": group.HealthCheckType, "healthCheckGracePeriod": group.HealthCheckGracePeriod,
		"defaultInstanceWarmup": group.DefaultInstanceWarmup, "initialLifecycleHooks": hooks,
	}
	if template := group.LaunchTemplate; template != nil {
		f["launchTemplate"] = fields{"id": template.LaunchTemplateId, "version": template.Version}
	}
	if policy := group.InstanceMaintenancePolicy; policy != nil {
		f["instanceMaintenancePolicy"] = fields{"minHealthyPercentage": policy.MinHealthyPercentage, "maxHealthyPercentage": policy.MaxHealthyPercentage}
	}
	var metrics []*string
	for _, metric := range group.EnabledMetrics {
		metrics = append(metrics, metric.Metric)
		f["metricsGranularity"] = metric.Granularity
	}
	var tags []fields
	for _, tag := range group.Tags {
		tags = append(tags, fields{"key": tag.Key, "value": tag.Value, "propagateAtLaunch": tag.PropagateAtLaunch})
	}
	f["enabledMetrics"], f["tags"] = metrics, tags
	return f, nil
}

func (a *Account) hooks(ctx context.Context, group string) ([]fields, error) {
	out, err := a.groups.DescribeLifecycleHooks(ctx, &autoscaling.DescribeLifecycleHooksInput{AutoScalingGroupName: &group})
	if err != nil {
		return nil, err
	}
	var hooks []fields
	for _, hook := range out.LifecycleHooks {
		hooks = append(hooks, fields{
			"autoscalingGroupName": hook.AutoScalingGroupName, "name": hook.LifecycleHookName, "lifecycleTransition": hook.LifecycleTransition,
			"heartbeatTimeout": hook.HeartbeatTimeout, "defaultResult": hook.DefaultResult,
		})
	}
	return hooks, nil
}

// Package rollout brings a numbered version of the launch template onto the instances of the app's Auto Scaling group,
// waits, and verifies that this version serves. It is the last step of `pulumi up` and a command for CI and operators;
// cmd/rollout is its only caller, and the Pulumi program takes the names of the environment variables from it.
//
// # Why not the provider's instance refresh
//
// The provider moves the group to the new version first and starts the refresh then, so that a rollback goes "back" to
// the version that fails, and it does not wait for the end. Here the group keeps its version until the refresh
// succeeded: StartInstanceRefresh is given the version as desired configuration, and Auto Scaling itself changes the
// group's settings once the refresh has succeeded
// (https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html, DesiredConfiguration). A
// group that scales out in the meantime launches the desired configuration. The Pulumi program therefore ignores
// changes of the group's version.
//
// # Rollback
//
// AutoRollback needs a desired configuration, a group whose settings name a numbered version (not $Latest or $Default),
// and a launch template whose image is an AMI id, not a Systems Manager parameter
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html). It goes back to the
// configuration that the group has when the refresh starts. So it is left off, and this is said, where the group
// follows $Latest or $Default, and where the group is already pinned to the version to roll out: going "back" would
// replace failing instances with failing instances. A refresh that has ended cannot be rolled back; deploy the earlier
// revision instead.
//
// # Alarms
//
// An alarm that goes off ends the refresh
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html). What becomes of one that is
// in ALARM when the refresh starts is not documented. If it ended the refresh, no version could be rolled out that
// mends the alarm's cause; so such an alarm is left out, and this is said.
//
// # Preferences
//
// Instances that already match are not replaced (SkipMatching), so a repeated command continues where the earlier one
// ended. Instances protected from scale-in are replaced (Refresh): the protection is against scaling, and an old
// version must not go on serving; Wait would block for an hour and then fail. Instances in Standby are left alone
// (Ignore): they take no traffic and somebody put them aside to look at them; they are named at the end, since they
// would return with their old version.
//
// # Size of the group during a refresh
//
// MinHealthyPercentage and MaxHealthyPercentage are percentages of the group's desired capacity, not of its maximum
// size (https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html). With 100 and 110 a new
// instance is launched before an old one is terminated, so a group at its maximum size goes above it for a while. AWS
// documents no lower bound for refreshes: the limit of 10 percent above the maximum size that it documents is that of
// rebalancing
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-maintenance-policy-overview-and-considerations.html).
// What is sized by the number of instances, such as database connections, must reckon with the larger number.
//
// # A group scaled to zero
//
// What a refresh does with no instance is not documented. With a desired capacity of 0 the group is pinned to the
// version by UpdateAutoScalingGroup (nothing runs, so there is nothing to replace and nothing to lose), and the command
// fails, because nothing serves and so nothing was verified.
//
// # What is deleted afterwards
//
// Where a bucket of releases is named, a rollout that was verified ends with deleting what is of no more use; see
// Pruner. Nothing else does: Pulumi keeps the objects of former releases, because the provider deletes every version of
// a key, and S3's lifecycle knows ages but not what is in use. These versions of the launch template stay: the one
// rolled out; the newest and the default one; those that the group, an instance or a running refresh names; those that
// are younger than --keep; and the newest few of the older ones. A release stays as long as one of them names it in its
// user-data, and while it is younger than --keep. Whatever cannot be read, all stays, with a warning: the rollout has
// succeeded.
//
// # IAM actions
//
// Always, on all resources, because these have no resource-level permissions:
//
//   - autoscaling:DescribeAutoScalingGroups
//   - autoscaling:DescribeInstanceRefreshes
//   - autoscaling:DescribeScalingActivities
//   - elasticloadbalancing:DescribeTargetHealth
//
// To roll out with --alarms, on the alarms:
//
//   - cloudwatch:DescribeAlarms
//
// To roll out (not for --check), on the group:
//
//   - autoscaling:StartInstanceRefresh
//   - autoscaling:UpdateAutoScalingGroup, for a group scaled to zero
//   - autoscaling:CancelInstanceRefresh, for --cancel-running
//
// To delete what is of no more use:
//
//   - ec2:DescribeLaunchTemplateVersions, on all resources
//   - ec2:DeleteLaunchTemplateVersions, on the launch template
//   - s3:ListBucket, on the bucket of releases
//   - s3:DeleteObject, on its objects below releases/
//
// For the subcommand rollback, on the group, beside DescribeAutoScalingGroups, DescribeInstanceRefreshes and
// DescribeScalingActivities:
//
//   - autoscaling:RollbackInstanceRefresh
//
// Auto Scaling also checks that whoever starts a refresh or changes the version could launch the template:
// ec2:RunInstances on what the template names, ec2:CreateTags where it tags instances or volumes, and iam:PassRole on
// the role of its instance profile
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html); without
// one of them StartInstanceRefresh says "You are not authorized to use launch template". The alarms are read by Auto
// Scaling's own service-linked role.
package rollout

// Package prepare prepares an account for its first environment, and an environment to be created again. "pulumi
// up" runs it by infra/cmd/prepare before everything that needs it.
//
// What it does may be done any number of times, and nothing of it is undone by "pulumi destroy": service-linked roles
// are the account's.
//
//   - The first load balancer, group or database of an account makes AWS create the service's own role, and the
//     creation of the database, say, fails when the role is not known everywhere in time. So the roles are made
//     beforehand. The provider's resource for them fails where they exist.
//   - RDS makes the log groups of a database anew when a last line arrives after they were deleted, and the next
//     environment of that name finds them taken (https://github.com/hashicorp/terraform-provider-aws/issues/42858). So
//     they are deleted, but only while no database has the name.
package prepare

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"dossier.example/infra/internal/refusal"
	"dossier.example/infra/internal/wait"
)

// Role is a service-linked role.
type Role struct {
	// Service is the principal, such as rds.amazonaws.com; Name is the name that AWS gives the role.
	Service, Name string
}

// Roles are the service-linked roles that the stack's services need
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html,
// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html,
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html).
func Roles() []Role {
	return []Role{
		{"autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"},
		{"elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"},
		{"rds.amazonaws.com", "AWSServiceRoleForRDS"},
	}
}

// LogGroups are the names of the log groups that RDS makes of a database's exported logs.
func LogGroups(database string) []string {
	return []string{"/aws/rds/instance/" + database + "/error", "/aws/rds/instance/" + database + "/slowquery"}
}

// The times of a run. IAM tells a new role to the services within seconds as a rule
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency).
const (
	// Settle is how long a role that was just made gets to be known everywhere.
	Settle = 15 * time.Second
	// Limit bounds all of it.
	Limit = 5 * time.Minute
)

// Run prepares an account for a database of that identifier. It writes a line for each thing that it does to log. pause
// waits for so long, or for the context; nil is by the clock.
//
// The error names the call that AWS refused, and the mend.
func Run(ctx context.Context, cfg aws.Config, database string, log io.Writer,
	pause func(context.Context, time.Duration) error) error {
	if pause == nil {
		pause = wait.For
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Limit, fmt.Errorf("it took more than %v", Limit))
	defer cancel()
	if err := makeRoles(ctx, iam.NewFromConfig(cfg), log, pause); err != nil {
		return err
	}
	return clearLogGroups(ctx, cfg, database, log)
}

// makeRoles makes the roles that the account lacks.
func makeRoles(ctx context.Context, client *iam.Client, log io.Writer,
	pause func(context.Context, time.Duration) error) error {
	made := false
	for _, role := range Roles() {
		_, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(role.Name)})
		if err == nil {
			continue
		}
		// A role that may not be looked at is tried all the same: to make one that exists is refused in a way of its
		// own.
		if _, denied := refusal.Denied(err); !denied && refusal.Code(err) != "NoSuchEntity" {
			return fmt.Errorf("looking for the service-linked role %s: %w", role.Name, err)
		}
		_, err = client.CreateServiceLinkedRole(ctx,
			&iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String(role.Service)})
		_, denied := refusal.Denied(err)
		switch {
		case err == nil:
			made = true
			_, _ = fmt.Fprintf(log, "created the service-linked role %s\n", role.Name)
		case refusal.Code(err) == "InvalidInput" && strings.Contains(err.Error(), "has been taken"):
			// Another deployment was quicker, or GetRole was denied.
		case denied:
			return fmt.Errorf("creating the service-linked role %s: allow iam:CreateServiceLinkedRole for %s, or have "+
				"an administrator run \"aws iam create-service-linked-role --aws-service-name %s\" once in this "+
				"account: %w",
				role.Name, role.Service, role.Service, err)
		default:
			return fmt.Errorf("creating the service-linked role %s: %w", role.Name, err)
		}
	}
	if !made {
		return nil
	}
	return pause(ctx, Settle)
}

// clearLogGroups deletes what is left of the logs of a database that is gone.
func clearLogGroups(ctx context.Context, cfg aws.Config, database string, log io.Writer) error {
	_, err := rds.NewFromConfig(cfg).DescribeDBInstances(ctx,
		&rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(database)})
	if err == nil {
		return nil // its log groups are its own
	}
	if refusal.Code(err) != "DBInstanceNotFound" {
		return fmt.Errorf("looking for the database %s: %w", database, err)
	}
	client := cloudwatchlogs.NewFromConfig(cfg)
	for _, name := range LogGroups(database) {
		_, err := client.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String(name)})
		switch {
		case err == nil:
			_, _ = fmt.Fprintf(log, "deleted the log group %s, left over from a deleted database\n", name)
		case refusal.Code(err) == "ResourceNotFoundException":
		default:
			return fmt.Errorf("deleting the log group %s, left over from a deleted database: %w", name, err)
		}
	}
	return nil
}

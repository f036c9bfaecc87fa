package service

import (
	"maps"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/settings"
	"dossier.example/infra/site"
)

// RolloutArgs is what a rollout is made from.
type RolloutArgs struct {
	Region string
	// Environment is what the command needs to find the credentials, beside what is in Pulumi's own.
	Environment pulumi.StringMap
	settings.Service
	Site *site.Site
	// Releases is the bucket of releases, in which one is kept for ReleaseDays at least.
	Releases    *s3.BucketV2
	ReleaseDays int
	// Alarms are the names of the alarms that send a rollout back.
	Alarms pulumi.StringArray
}

// Rollout brings all instances to the template's version, waits, verifies that they serve, and deletes the releases and
// the versions of the template that nothing names any more: "pulumi up" ends when they serve, or fails and tells why.
// The provider's own instance refresh does neither, and can not go back: it changes the group first
// (https://github.com/hashicorp/terraform-provider-aws/issues/34189).
//
// What it returns are the command, and the variables of cmd/rollout that name the group and the version, from which it
// can verify again at any time.
func (s *Service) Rollout(ctx *pulumi.Context, name string, args RolloutArgs) (pulumi.Resource, pulumi.StringMap,
	error) {
	// Instances are replaced one after the other: each boots, and the one that it replaces lets its requests finish.
	timeout := 15*time.Minute + time.Duration(args.Max)*(args.BootTimeout+args.DeregistrationDelay)
	version := pulumi.Sprintf("%d", s.Template.LatestVersion)
	alarms := args.Alarms.ToStringArrayOutput().ApplyT(func(names []string) string {
		return strings.Join(names, ",")
	}).(pulumi.StringOutput)
	what := pulumi.StringMap{
		"DOSSIER_ROLLOUT_REGION": pulumi.String(args.Region), "DOSSIER_ROLLOUT_GROUP": s.Group.Name,
		"DOSSIER_ROLLOUT_TEMPLATE": s.Template.ID(), "DOSSIER_ROLLOUT_VERSION": version,
		"DOSSIER_ROLLOUT_TARGET_GROUP": args.Site.Targets.Arn, "DOSSIER_ROLLOUT_URL": args.Site.URL,
	}
	environment := maps.Clone(what)
	maps.Copy(environment, args.Environment)
	maps.Copy(environment, pulumi.StringMap{
		"DOSSIER_ROLLOUT_ALARMS": alarms, "DOSSIER_ROLLOUT_TIMEOUT": pulumi.String(timeout.String()),
		"DOSSIER_ROLLOUT_MIN_HEALTHY": pulumi.Sprintf("%d", MinHealthy),
		"DOSSIER_ROLLOUT_MAX_HEALTHY": pulumi.Sprintf("%d", MaxHealthy),
		"DOSSIER_ROLLOUT_RELEASES":    args.Releases.ID(),
		"DOSSIER_ROLLOUT_KEEP":        pulumi.Sprintf("%dh", 24*args.ReleaseDays),
	})
	command, err := local.NewCommand(ctx, name, &local.CommandArgs{
		Create: pulumi.String("go run dossier.example/infra/cmd/rollout"), Environment: environment,
		Triggers: pulumi.Array{s.Template.ID(), version}, AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(s), pulumi.DependsOn([]pulumi.Resource{s.Group}),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: (timeout + 5*time.Minute).String(),
			Update: (timeout + 5*time.Minute).String()}))
	return command, what, err
}

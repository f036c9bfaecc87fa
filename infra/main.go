// Dossier's stack: everything that an environment runs on, from an empty AWS account. Settings come from
// Pulumi.<stack>.yaml; see docs/settings.md for all of them and docs/deploy.md for how to use this.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/database"
	"dossier.example/infra/host/release"
	"dossier.example/infra/host/userdata"
	"dossier.example/infra/jump"
	"dossier.example/infra/network"
	"dossier.example/infra/observe"
	"dossier.example/infra/parameters"
	"dossier.example/infra/preflight"
	"dossier.example/infra/service"
	"dossier.example/infra/settings"
	"dossier.example/infra/site"
	"dossier.example/infra/staff"
	"dossier.example/infra/storage"
)

// appPort is where the app listens on its instances.
const appPort = 8080

func main() { pulumi.Run(stack(builder{root: ".."})) }

// source is what a deployment stands on beside its settings: the account, and the checkout that the release and the
// migrations come from. Tests put something else in its place.
type source interface {
	// Preflight asks the account what would stop the deployment, with a profile of the AWS configuration where one is
	// named, and returns what it warns of.
	Preflight(ctx context.Context, s settings.Settings, profile string) (warnings []string, err error)
	// Release builds the app.
	Release(ctx context.Context) (release.Release, error)
	// Migrations returns the hash of what the schema command applies.
	Migrations() (string, error)
}

// builder is the checkout that the program stands in.
type builder struct{ root string }

// Preflight asks the account, unless it runs for a plan, which has none.
func (b builder) Preflight(ctx context.Context, s settings.Settings, profile string) (warnings []string, err error) {
	if os.Getenv(release.StandIn) != "" {
		return nil, nil
	}
	found, err := preflight.Run(ctx, os.LookupEnv, profile, s)
	for _, f := range found {
		warnings = append(warnings, f.String())
	}
	return warnings, err
}

// Release builds the app, unless it runs for a plan that compares sources instead.
func (b builder) Release(ctx context.Context) (release.Release, error) {
	if file := os.Getenv(release.StandIn); file != "" {
		return release.Open(file)
	}
	return release.Build(ctx, b.root, "arm64")
}
func (b builder) Migrations() (string, error) { return release.Migrations(b.root) }

// stack is the whole program, from the settings to the last step of a deployment.
func stack(from source) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		env, err := settings.Load(ctx, settings.Names(os.Getenv(pulumi.EnvConfig)))
		if err != nil {
			return err
		}
		// The provider takes the profile from the configuration; the commands of a deployment take it from here.
		profile, _ := ctx.GetConfig("aws:profile")
		credentials := pulumi.StringMap{}
		if profile != "" {
			credentials["AWS_PROFILE"] = pulumi.String(profile)
		}
		warnings, err := from.Preflight(ctx.Context(), env, profile)
		for _, warning := range warnings {
			if err := ctx.Log.Warn("preflight: "+warning, nil); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		rel, err := from.Release(ctx.Context())
		if err != nil {
			return err
		}
		migrations, err := from.Migrations()
		if err != nil {
			return err
		}
		account, newest, err := lookUp(ctx)
		if err != nil {
			return err
		}
		image, named := cmp.Or(env.Service.Image, newest), env.Service.Image != ""
		prefix, path := "dossier-"+env.Stack, "/dossier/"+env.Stack
		nat, err := userdata.NAT{CIDR: env.Network.CIDR}.UserData()
		if err != nil {
			return err
		}

		prepared, err := prepareAccount(ctx, "dossier-prepare", env.Region, prefix, credentials)
		if err != nil {
			return err
		}
		logs, err := storage.NewLogs(ctx, "dossier-logs",
			storage.LogsArgs{Region: env.Region, Account: account, Days: env.Storage.AccessLogDays})
		if err != nil {
			return err
		}
		net, err := network.New(ctx, "dossier-network", network.Args{
			Prefix: prefix, CIDR: env.Network.CIDR, Zones: env.Network.Zones, ZoneNames: env.Network.ZoneNames,
			InstanceTypes: env.Types(), DatabaseClass: env.Database.Class,
			NAT: env.Network.NAT, NATInstanceType: env.Network.NATInstanceType, NATUserData: nat,
			Boundary: env.Access.Boundary, Image: image, Newest: !named, VolumeTags: env.HostTags(),
			Logs: logs, AppPort: appPort, HTTPS: env.Site.Domain != "", Operators: env.Jump.OperatorCIDRs,
		})
		if err != nil {
			return err
		}
		web, err := site.New(ctx, "dossier-site", site.Args{
			Network: net, Logs: logs, Site: env.Site, Protect: env.Protect, AppPort: appPort, Prepared: prepared,
			IdleTimeout: env.Service.IdleTimeout, DeregistrationDelay: env.Service.DeregistrationDelay,
		})
		if err != nil {
			return err
		}
		store, err := storage.New(ctx, "dossier-storage", storage.Args{
			Logs: logs, Origin: web.URL, Others: env.Site.APIOrigins, DeletedDays: env.Storage.DeletedDays,
			ReleaseDays: env.Storage.ReleaseDays, Release: rel, Protect: env.Protect,
			MalwareProtection: env.Storage.MalwareProtection, Region: env.Region, Account: account,
			Boundary: env.Access.Boundary,
		})
		if err != nil {
			return err
		}
		db, err := database.New(ctx, "dossier-database", database.Args{
			Identifier: prefix, Subnets: net.Private, Group: net.Groups.Database, Database: env.Database,
			Protect: env.Protect, LogDays: env.Observe.LogDays,
			Prepared: prepared,
		})
		if err != nil {
			return err
		}
		var pool *staff.Pool
		if env.Staff.Pool {
			pool, err = staff.New(ctx, "dossier-staff-pool", staff.Args{
				Name: prefix + "-staff", Domain: env.Staff.PoolDomain, Origin: web.URL, Protect: env.Protect,
			})
			if err != nil {
				return err
			}
		}
		params, err := write(ctx, path, account, env, net, web, store, db, pool, rel)
		if err != nil {
			return err
		}
		bastion, err := jump.New(ctx, "dossier-jump", jump.Args{
			Prefix: prefix, Region: env.Region, Environment: credentials, Jump: env.Jump, Image: image, Newest: !named,
			Network: net, Parameters: params, Storage: store, Database: db, Migrations: migrations,
			Credentials: env.Database.Credentials, Boundary: env.Access.Boundary, VolumeTags: env.HostTags(),
		})
		if err != nil {
			return err
		}
		app, err := service.New(ctx, "dossier-app", service.Args{
			Prefix: prefix, Path: path, Tags: env.HostTags(),
			Region: env.Region, Account: account,
			Service: env.Service, Image: image, Newest: !named, Port: appPort, Network: net, Site: web, Storage: store,
			Parameters: params, Release: rel,
			Schema: bastion.Schema, Prepared: prepared, LogDays: env.Observe.LogDays, Boundary: env.Access.Boundary,
		})
		if err != nil {
			return err
		}
		watched := observe.Args{
			Prefix: prefix, Region: env.Region, Account: account, Observe: env.Observe,
			Connections: env.Database.Connections, Site: web,
			Group: app.Group, Database: db.Instance, Table: store.Table, Logs: app.Logs.Name,
		}
		watch, err := observe.New(ctx, "dossier-observe", watched)
		if err != nil {
			return err
		}
		rollout, rolledOut, err := app.Rollout(ctx, "dossier-rollout", service.RolloutArgs{
			Region: env.Region, Environment: credentials, Service: env.Service, Site: web, Alarms: watch.Rollback,
			Releases: store.Releases, ReleaseDays: env.Storage.ReleaseDays,
		})
		if err != nil {
			return err
		}

		if err := watch.Watch(ctx, "dossier-observe", watched, rollout); err != nil {
			return err
		}

		ctx.Export("url", web.URL)
		ctx.Export("dashboard", watch.DashboardURL)
		ctx.Export("group", app.Group.Name)
		ctx.Export("jumpInstance", bastion.Instance.ID())
		ctx.Export("jumpAddress", bastion.Address)
		ctx.Export("jumpHostKey", bastion.HostKey)
		ctx.Export("jumpPrivateKey", bastion.PrivateKey)
		ctx.Export("parameters", pulumi.String(path))
		ctx.Export("rollout", rolledOut)
		ctx.Export("release", pulumi.String(rel.SHA256))
		if pool != nil {
			ctx.Export("staffPool", pool.ID)
		}
		return nil
	}
}

// prepareAccount runs what an account needs before its first environment, and an environment before it is made again;
// see package prepare.
func prepareAccount(ctx *pulumi.Context, name, region, database string,
	environment pulumi.StringMap) (pulumi.Resource, error) {
	return local.NewCommand(ctx, name, &local.CommandArgs{
		Create: pulumi.Sprintf("go run dossier.example/infra/cmd/prepare --region %s --database %s",
			region, database),
		Environment: environment, AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "10m", Update: "10m"}))
}

// lookUp asks AWS for the account's id and for the newest Amazon Linux 2023 for arm64.
func lookUp(ctx *pulumi.Context) (account, image string, err error) {
	identity, err := aws.GetCallerIdentity(ctx, nil)
	if err != nil {
		return "", "", fmt.Errorf("asking AWS for the account: %w", err)
	}
	ami, err := ec2.LookupAmi(ctx, &ec2.LookupAmiArgs{
		MostRecent: pulumi.BoolRef(true), Owners: []string{"amazon"},
		Filters: []ec2.GetAmiFilter{
			{Name: "name", Values: []string{"al2023-ami-2023.*-kernel-6.1-arm64"}},
			{Name: "architecture", Values: []string{"arm64"}},
		},
	})
	if err != nil {
		return "", "", fmt.Errorf("asking AWS for the newest Amazon Linux 2023: %w", err)
	}
	return identity.AccountId, ami.Id, nil
}

// write puts the app's settings and secrets into Parameter Store.
func write(ctx *pulumi.Context, path, account string, env settings.Settings, net *network.Network, web *site.Site,
	store *storage.Storage, db *database.Database, pool *staff.Pool, rel release.Release) (*parameters.Parameters,
	error) {
	key, err := random.NewRandomPassword(ctx, "dossier-staff",
		&random.RandomPasswordArgs{Length: pulumi.Int(32), Special: pulumi.Bool(false)})
	if err != nil {
		return nil, err
	}
	proxies := make([]string, len(net.PublicBlocks))
	for i, block := range net.PublicBlocks {
		proxies[i] = block.String()
	}
	text := func(s string) pulumi.StringInput { return pulumi.String(s) }
	values := map[string]pulumi.StringInput{
		"bucket":             store.Files.ID().ToStringOutput(),
		"db/admin/user":      text(database.AdminUser),
		"db/host":            db.Address,
		"db/max-connections": text(strconv.Itoa(env.Service.Connections)),
		"db/name":            text(database.Name),
		"db/user":            text(db.User),
		"max-file-size":      text(strconv.FormatInt(env.Service.MaxFileBytes, 10)),
		"max-store-size":     text(strconv.FormatInt(env.Service.MaxStoreBytes, 10)),
		"public-url":         web.URL,
		"table":              store.Table.Name,
		"timeout/shutdown":   text(env.Service.ShutdownTimeout.String()),
		"timeout/upload":     text(env.Service.UploadTimeout.String()),
		"trusted-proxies":    text(strings.Join(proxies, ",")),
	}
	if len(env.Site.APIOrigins) > 0 { // Parameter Store takes no empty value
		values["api-origins"] = text(strings.Join(env.Site.APIOrigins, ","))
	}
	if store.Scanned {
		values["scanner"] = text("guardduty")
	}
	secrets := map[string]pulumi.StringInput{
		"db/admin/password": db.AdminPassword,
		"db/password":       db.Password,
		"staff/secret":      key.Result,
	}
	if pool != nil {
		values["staff/issuer"], values["staff/client-id"] = pool.Issuer, pool.ClientID
		values["staff/issuer-name"], values["staff/role-claim"] = text("Amazon Cognito"), text(staff.RoleClaim)
		values["staff/issuer-only"] = text(strconv.FormatBool(env.Staff.PoolOnly))
		secrets["staff/client-secret"] = pool.ClientSecret
	}
	params, err := parameters.New(ctx, "dossier-parameters", parameters.Args{
		Path: path, Region: env.Region, Account: account, Values: values, Secrets: secrets,
	})
	if err != nil {
		return nil, err
	}
	return params,
		params.Add(ctx, "dossier-parameters", parameters.Release,
			pulumi.Sprintf("%s %s", store.Release.Key, rel.SHA256), false)
}

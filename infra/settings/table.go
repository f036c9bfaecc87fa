package settings

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dossier.example/app/bounds"
	"dossier.example/app/setting"
	"dossier.example/infra/host/userdata"
)

// key is one row of the table of what can be set.
type key struct {
	// name is what one types after "dossier:settings.".
	name string
	// dev and prod are the defaults of the presets as one would write them; empty means not set.
	dev, prod string
	// otherwise says for the document what the value is where it is not set, if the presets do not.
	otherwise string
	// doc says in a sentence what it is, with the unit where the value shows none.
	doc string

	setting.Field[Settings]
}

// preset returns the default.
func (k key) preset(p Preset) string {
	if p == Prod {
		return k.prod
	}
	return k.dev
}

// define completes a row by the kind of its value and the field that it fills.
func define[T any](k key, of setting.Kind[T], field func(*Settings) *T) key {
	k.Field = setting.Bind(of, field)
	return k
}

// The limits of others that bound single values.
const (
	// maxDeregistrationDelay is far below the hour of Elastic Load Balancing
	// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html), because
	// each instance that is replaced, rolled back or destroyed takes the whole delay, idle or not. It bounds
	// UploadTimeout too.
	maxDeregistrationDelay = 15 * time.Minute
	// maxInstances keeps the longest possible rollout, one instance after the other with the longest boot and the
	// longest deregistration, within the 14 days after which Auto Scaling gives it up.
	maxInstances = 100
	// maxDays is ten years.
	maxDays = 3650
)

// logDays are the retentions that CloudWatch Logs allows
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html).
var logDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
	3653}

// keys returns the table. Its order is that of the document and of the faults.
func keys() []key {
	return []key{
		define(key{
			name: "preset", dev: string(Dev), prod: string(Prod), otherwise: "`dev`",
			doc: "Source of the defaults: `dev` is cheap, `prod` is safe.",
		}, setting.OneOf(Dev, Prod), func(s *Settings) *Preset { return &s.Preset }),
		define(key{
			name: "protect", dev: "false", prod: "true",
			doc: "Whether the load balancer, the database and the table are protected from deletion, the database " +
				"leaves a final snapshot, and the bucket of files is kept when the stack is destroyed.",
		}, setting.Boolean(), func(s *Settings) *bool { return &s.Protect }),

		define(key{
			name: "network.cidr", dev: "10.0.0.0/16", prod: "10.1.0.0/16",
			doc: "Address block of the VPC, which cannot be changed later. Each subnet is a sixteenth of it. AWS " +
				"advises a /27 or larger for a load balancer's subnets, which is a /23 here.",
		}, privateBlock(), func(s *Settings) *netip.Prefix { return &s.Network.CIDR }),
		define(key{
			name: "network.zones", dev: "2", prod: "3",
			doc: "Number of availability zones, each with a public and a private subnet. A zone that the database or " +
				"its standby is in cannot be left.",
		}, setting.Number(2, MaxZones), func(s *Settings) *int { return &s.Network.Zones }),
		define(key{
			name: "network.zoneNames",
			otherwise: "those that the stack has; for a new stack, the first that offer the instance types and the " +
				"database's class",
			doc: "Names of the availability zones, as many as `network.zones`. A subnet that exists cannot move to " +
				"another zone.",
		}, zoneNames(), func(s *Settings) *[]string { return &s.Network.ZoneNames }),
		define(key{
			name: "network.nat", dev: string(NATSingle), prod: string(NATPerZone),
			doc: "How private subnets reach the internet: one NAT gateway for all zones, one per zone, or a small " +
				"instance, which is the cheapest and the least reliable.",
		}, setting.OneOf(NATSingle, NATPerZone, NATInstance), func(s *Settings) *NAT { return &s.Network.NAT }),
		define(key{
			name: "network.natInstanceType", dev: "t4g.micro", prod: "t4g.nano",
			doc: "EC2 type of the NAT instance; only with `network.nat: instance`.",
		}, instanceType(), func(s *Settings) *string { return &s.Network.NATInstanceType }),

		define(key{
			name: "site.domain", otherwise: "none",
			doc: "Domain at which browsers reach the site, over HTTPS; required with `preset: prod` and with " +
				"`protect: true`. If not set, the site uses the load balancer's own name, over plain HTTP.",
		}, optional(domain()), func(s *Settings) *string { return &s.Site.Domain }),
		define(key{
			name: "site.zoneId", otherwise: "none",
			doc: "ID of the public Route 53 hosted zone that contains `site.domain`.",
		}, optional(setting.Text("the ID of a Route 53 hosted zone, a Z and up to 31 capital letters and digits, "+
			"such as "+
			"Z0123456789ABCDEFGHIJ, without /hostedzone/", `Z[A-Z0-9]{1,31}`)),
			func(s *Settings) *string { return &s.Site.ZoneID }),
		define(key{
			name: "site.webAcl", otherwise: "none",
			doc: "ARN of the AWS WAF web ACL to attach to the load balancer.",
		}, optional(setting.Text("the ARN of a regional web ACL, "+
			"arn:aws:wafv2:<region>:<account>:regional/webacl/<name>/<id> (not one of CloudFront, "+
			"global/webacl/…)",
			`arn:aws:wafv2:`+regionForm+`:[0-9]{12}:regional/webacl/[A-Za-z0-9_-]+/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)),
			func(s *Settings) *string { return &s.Site.WebACL }),
		define(key{
			name: "site.apiOrigins", otherwise: "none",
			doc: "Origins of other sites whose pages may use the API. The bucket of files accepts uploads from " +
				"them, too.",
		}, origins(), func(s *Settings) *[]string { return &s.Site.APIOrigins }),

		define(key{
			name: "service.instanceType", dev: "t4g.micro", prod: "t4g.small",
			doc: "EC2 type of the app's instances.",
		}, instanceType(), func(s *Settings) *string { return &s.Service.InstanceType }),
		define(key{
			name: "service.image", otherwise: "the newest when the stack is created, kept from then on",
			doc: "Amazon Linux 2023 AMI for arm64, for the app's instances, the jump server and a NAT instance. Set " +
				"a newer one to update them: the group is rolled, the other two are replaced.",
		}, optional(setting.Text("the ID of an AMI such as ami-0123456789abcdef0", `ami-([0-9a-f]{8}|[0-9a-f]{17})`)),
			func(s *Settings) *string { return &s.Service.Image }),
		define(key{
			name: "service.min", dev: "1", prod: "2",
			doc: "Smallest number of instances.",
		}, setting.Number(1, maxInstances), func(s *Settings) *int { return &s.Service.Min }),
		define(key{
			name: "service.max", dev: "2", prod: "6",
			doc: "Largest number of instances; a rollout exceeds it by a tenth, at least by one.",
		}, setting.Number(1, maxInstances), func(s *Settings) *int { return &s.Service.Max }),
		define(key{
			name: "service.diskGiB", dev: "8", prod: "10",
			doc: "Size of an instance's root volume (gp3), in GiB. Uploads do not pass through it.",
		}, setting.Number(8, 16384), func(s *Settings) *int { return &s.Service.DiskGiB }),
		define(key{
			name: "service.cpuTarget", dev: "60", prod: "50",
			doc: "Average CPU utilization that scaling aims for, in percent; 90 raises an alarm.",
		}, setting.Number(10, 85), func(s *Settings) *int { return &s.Service.CPUTarget }),
		define(key{
			name: "service.requestsTarget", dev: "1000", prod: "1000",
			doc: "Requests per instance and minute that scaling aims for.",
		}, setting.Number(1, 1_000_000), func(s *Settings) *int { return &s.Service.RequestsTarget }),
		define(key{
			name: "service.connections", dev: "10", prod: "20",
			doc: "Largest number of open database connections per instance.",
		}, setting.Number(1, 1000), func(s *Settings) *int { return &s.Service.Connections }),
		define(key{
			name: "service.maxFileSize", dev: "1GiB", prod: setting.Bytes(bounds.FileBytes),
			doc: "Size of the largest file accepted. Browsers with JavaScript and the command send it in parts, " +
				"directly to S3, without a time limit; with the plain form, it must arrive within " +
				"`service.uploadTimeout`.",
		}, setting.Size(1, bounds.MaxFileBytes, bounds.MaxFileSays), func(s *Settings) *int64 {
			return &s.Service.MaxFileBytes
		}),
		define(key{
			name: "service.maxStoreSize", dev: "100GiB", prod: setting.Bytes(bounds.StoreBytes),
			doc: "Total size of all files of all people, which limits what strangers can cost you. Beyond it, no " +
				"files are accepted; an alarm goes off at 80 %.",
		}, setting.Size(1, 1<<60, "1024 PiB"), func(s *Settings) *int64 { return &s.Service.MaxStoreBytes }),
		define(key{
			name: "service.uploadTimeout", dev: "1m45s", prod: "4m30s",
			doc: "Time limit for one whole submission by the plain form, without JavaScript. Files that do not " +
				"arrive in time must be sent again; each file is stored once.",
		}, duration(time.Second, maxDeregistrationDelay-time.Second), func(s *Settings) *time.Duration {
			return &s.Service.UploadTimeout
		}),
		define(key{
			name: "service.deregistrationDelay", dev: "2m", prod: "5m",
			doc: "How long an instance that leaves stays for its running requests. Each instance that is replaced, " +
				"rolled back or destroyed takes all of this time, idle or not.",
		}, duration(time.Second, maxDeregistrationDelay), func(s *Settings) *time.Duration {
			return &s.Service.DeregistrationDelay
		}),
		define(key{
			name: "service.idleTimeout", dev: "60s", prod: "60s",
			doc: fmt.Sprintf("How long the load balancer keeps an idle connection. Must be shorter than the app's "+
				"keep-alive of %s; otherwise the app would close connections that the load balancer is about to use, "+
				"and clients would see a 502.", setting.Short(AppKeepAlive)),
		}, duration(time.Second, AppKeepAlive-time.Second), func(s *Settings) *time.Duration {
			return &s.Service.IdleTimeout
		}),
		define(key{
			name: "service.shutdownTimeout", dev: "30s", prod: "30s",
			doc: "How long running requests may take after the stop signal.",
		}, duration(time.Second, time.Hour), func(s *Settings) *time.Duration { return &s.Service.ShutdownTimeout }),
		define(key{
			name: "service.stopTimeout", dev: "60s", prod: "60s",
			doc: "Time after which systemd kills an app that does not stop.",
		}, duration(time.Second, 2*time.Hour), func(s *Settings) *time.Duration { return &s.Service.StopTimeout }),
		define(key{
			name: "service.bootTimeout", dev: "15m", prod: "15m",
			doc: "Time from the launch of an instance until it must be ready. After that it is abandoned and " +
				"another one is launched.",
		}, duration(2*userdata.BootMargin, userdata.MaxBootTimeout), func(s *Settings) *time.Duration {
			return &s.Service.BootTimeout
		}),

		define(key{
			name: "database.class", dev: "db.t4g.micro", prod: "db.t4g.medium",
			doc: "RDS instance class.",
		}, databaseClass(), func(s *Settings) *string { return &s.Database.Class }),
		define(key{
			name: "database.version", dev: "8.4", prod: "8.4",
			doc: "Major version of MySQL; minor upgrades are automatic. To change it on an existing database, see " +
				"`database.allowMajorUpgrade`.",
		}, databaseVersion(), func(s *Settings) *string { return &s.Database.Version }),
		define(key{
			name: "database.allowMajorUpgrade", dev: "false", prod: "false",
			doc: "Whether the database may be upgraded to another major version. This takes it down for many " +
				"minutes and can only be undone with a snapshot. Set it together with the new `database.version`, " +
				"and unset it afterwards.",
		}, setting.Boolean(), func(s *Settings) *bool { return &s.Database.AllowMajorUpgrade }),
		define(key{
			name: "database.storageGiB", dev: "20", prod: "50",
			doc: "Initial size of the database's volume (gp3), in GiB.",
		}, setting.Number(20, 65536), func(s *Settings) *int { return &s.Database.StorageGiB }),
		define(key{
			name: "database.maxStorageGiB", dev: "50", prod: "500",
			doc: "Size up to which RDS enlarges the volume automatically, in GiB. Set it to `database.storageGiB` " +
				"to turn this off; both to the volume's present size, if it has grown, because it cannot shrink.",
		}, setting.Number(20, 65536), func(s *Settings) *int { return &s.Database.MaxStorageGiB }),
		define(key{
			name: "database.connections", dev: "50", prod: "200",
			doc: "Connections that the server accepts (max_connections).",
		}, setting.Number(1, maxConnections), func(s *Settings) *int { return &s.Database.Connections }),
		define(key{
			name: "database.multiAZ", dev: "false", prod: "true",
			doc: "Whether the database has a standby in another zone, at twice the price.",
		}, setting.Boolean(), func(s *Settings) *bool { return &s.Database.MultiAZ }),
		define(key{
			name: "database.credentials", dev: "1", prod: "1",
			doc: "Generation of the database's passwords: increase it by one to generate new ones, and a new user " +
				"for the app.",
		}, setting.Number(1, 9999), func(s *Settings) *int { return &s.Database.Credentials }),
		define(key{
			name: "database.backupDays", dev: "1", prod: "14",
			doc: "Number of days covered by point-in-time recovery. AWS's Free plan allows 1.",
		}, setting.Number(1, 35), func(s *Settings) *int { return &s.Database.BackupDays }),
		define(key{
			name: "database.performanceInsights", otherwise: "`true` if the class supports it",
			doc: "Whether Performance Insights records the database's load, for 7 days, which is free. The console " +
				"shows it in CloudWatch, as Database Insights.",
		}, setting.Boolean(), func(s *Settings) *bool { return &s.Database.PerformanceInsights }),

		define(key{
			name: "jump.operatorCIDRs", otherwise: "nobody; port 22 is closed",
			doc: "Addresses that may connect to the jump server by SSH. If any is set, the schema command uses SSH " +
				"too, so the addresses must include the one from which `pulumi up` is run.",
		}, operators(), func(s *Settings) *[]netip.Prefix { return &s.Jump.OperatorCIDRs }),
		define(key{
			name: "jump.instanceType", dev: "t4g.micro", prod: "t4g.micro",
			doc: "EC2 type of the jump server.",
		}, instanceType(), func(s *Settings) *string { return &s.Jump.InstanceType }),

		define(key{
			name: "storage.deletedDays", dev: "7", prod: "30",
			doc: "Days after which the bytes of a deleted file are removed; until then they can be restored.",
		}, setting.Number(1, maxDays), func(s *Settings) *int { return &s.Storage.DeletedDays }),
		define(key{
			name: "storage.releaseDays", dev: "30", prod: "90",
			doc: "Minimum number of days for which a release and its version of the launch template are kept. The " +
				"next rollout after that deletes them, unless they are in use or among the last few. The deleted " +
				"bytes can be restored for the same number of days.",
		}, setting.Number(1, maxDays), func(s *Settings) *int { return &s.Storage.ReleaseDays }),
		define(key{
			name: "storage.accessLogDays", dev: "30", prod: "365",
			doc: "Days for which the access logs of the load balancer and the buckets are kept.",
		}, setting.Number(1, maxDays), func(s *Settings) *int { return &s.Storage.AccessLogDays }),
		define(key{
			name: "storage.malwareProtection", dev: "false", prod: "false",
			doc: "Whether GuardDuty scans every stored file, and its results decide which files can be downloaded; " +
				"see [malware.md](malware.md#on-aws). Billed per GB and per file, so it is off by default.",
		}, setting.Boolean(), func(s *Settings) *bool { return &s.Storage.MalwareProtection }),

		define(key{
			name: "observe.logDays", dev: "30", prod: "365",
			doc: "Days for which CloudWatch keeps the logs of the app, the database and the network.",
		}, numberOf("one of the retentions that CloudWatch Logs allows: "+numbers(logDays), logDays...),
			func(s *Settings) *int { return &s.Observe.LogDays }),
		define(key{
			name: "observe.email", otherwise: "nobody",
			doc: "Address that receives alarms, once its owner has confirmed the subscription email from AWS.",
		}, optional(email()), func(s *Settings) *string { return &s.Observe.Email }),
		define(key{
			name: "observe.errors5xx", dev: "20", prod: "10",
			doc: "Number of 5xx responses in five minutes above which an alarm goes off.",
		}, setting.Number(0, 1_000_000), func(s *Settings) *int { return &s.Observe.Errors5xx }),
		define(key{
			name: "observe.latencySeconds", dev: "30", prod: "10",
			doc: "Response time of the slowest twentieth of requests above which an alarm goes off, in seconds. " +
				"Uploads count until their last byte.",
		}, fraction(0.1, 3600), func(s *Settings) *float64 { return &s.Observe.LatencySeconds }),
		define(key{
			name: "observe.databaseCPU", dev: "90", prod: "80",
			doc: "The database's CPU utilization above which an alarm goes off, in percent.",
		}, setting.Number(1, 99), func(s *Settings) *int { return &s.Observe.DatabaseCPU }),
		define(key{
			name: "observe.databaseFreeGiB", dev: "1", prod: "4",
			doc: "Free database storage below which an alarm goes off, in GiB. RDS enlarges the volume when a tenth " +
				"is left.",
		}, setting.Number(1, 65536), func(s *Settings) *int { return &s.Observe.DatabaseFreeGiB }),
		define(key{
			name: "observe.databaseConnectionsPercent", dev: "90", prod: "80",
			doc: "Connections in use above which an alarm goes off, in percent of `database.connections`.",
		}, setting.Number(1, 99), func(s *Settings) *int { return &s.Observe.DatabaseConnectionsPercent }),
		define(key{
			name: "observe.scrubDays", dev: "45", prod: "45",
			doc: "Days since the last complete read of all stored files above which an alarm goes off. It must be " +
				"longer than the least time between two reads (DOSSIER_SCRUB_INTERVAL), and than one read takes: " +
				"the stored bytes divided by the bytes read per day (DOSSIER_SCRUB_BYTES).",
		}, setting.Number(1, maxDays), func(s *Settings) *int { return &s.Observe.ScrubDays }),

		define(key{
			name: "access.boundary", otherwise: "none",
			doc: "ARN of the permissions boundary for the roles that the program creates; required if deployments " +
				"have limited permissions. `make deploy-policy` writes it.",
		}, optional(setting.Text("the ARN of a managed policy of the account, arn:aws:iam::<account>:policy/<name>",
			`arn:aws:iam::[0-9]{12}:policy/([!-~]{1,510}/)?[A-Za-z0-9+=,.@_-]{1,128}`)),
			func(s *Settings) *string { return &s.Access.Boundary }),

		define(key{
			name: "staff.pool", dev: "false", prod: "false",
			doc: "Whether the stack makes an Amazon Cognito user pool that staff sign in with, with a code of an app " +
				"as the second factor; see [sign-in.md](sign-in.md#make-a-cognito-user-pool). It needs `site.domain`.",
		}, setting.Boolean(), func(s *Settings) *bool { return &s.Staff.Pool }),
		define(key{
			name: "staff.poolDomain", otherwise: "none",
			doc: "First part of the address of the pool's pages, as in " +
				"`example-files-staff.auth.eu-central-1.amazoncognito.com`, which nobody else may have in the " +
				"region; required with `staff.pool`. Another one changes the address, and keeps the people.",
		}, optional(poolDomain()), func(s *Settings) *string { return &s.Staff.PoolDomain }),
		define(key{
			name: "staff.poolOnly", dev: "false", prod: "false",
			doc: "Whether the pool is the only way in for staff. Set it once an administrator has signed in with it.",
		}, setting.Boolean(), func(s *Settings) *bool { return &s.Staff.PoolOnly }),
	}
}

func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, ", ")
}

// groups returns the names of the structs that keys belong to, in the order of the table.
func groups(table []key) []string {
	var list []string
	for _, k := range table {
		if group, _, ok := strings.Cut(k.name, "."); ok && !slices.Contains(list, group) {
			list = append(list, group)
		}
	}
	return list
}

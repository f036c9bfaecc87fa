package prove

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"dossier.example/infra/internal/pages"
)

// restorable is how far the point that the database can be restored to may lag behind: RDS uploads the transaction logs
// every five minutes (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html).
const restorable = time.Hour

// of is a point about the database alone.
func of(id, says, mend string, f func(d rdstypes.DBInstance, l *look) (seen, expected any)) check {
	return check{id, says, mend, about((*look).database,
		func(ctx context.Context, l *look, d rdstypes.DBInstance) (answer, error) {
			seen, expected := f(d, l)
			return equal(seen, expected)
		})}
}

var databaseChecks = []check{
	of("database/status", "The database is available.", "RDS's events say what it does",
		func(d rdstypes.DBInstance, _ *look) (any, any) {
			return aws.ToString(d.DBInstanceStatus), "available"
		}),
	of("database/class", "It is of database.class.", refresh, func(d rdstypes.DBInstance, l *look) (any, any) {
		return aws.ToString(d.DBInstanceClass), l.Stack.Settings.Database.Class
	}),
	{"database/version", "It runs a release of database.version.", refresh,
		about((*look).database, func(ctx context.Context, l *look, d rdstypes.DBInstance) (answer, error) {
			seen, want := aws.ToString(d.EngineVersion), l.Stack.Settings.Database.Version
			return holds(aws.ToString(d.Engine) == "mysql" && (seen == want || strings.HasPrefix(seen, want+".")),
				aws.ToString(d.Engine)+" "+seen, "mysql "+want)
		})},
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/extended-support.html
	of("database/support", "AWS's Extended Support, which is billed, is off.",
		"it can be turned off only when the database is made or restored",
		func(d rdstypes.DBInstance, _ *look) (any, any) {
			return aws.ToString(d.EngineLifecycleSupport), "open-source-rds-extended-support-disabled"
		}),
	of("database/encrypted", "Its volume is encrypted (RDS.3).", "restore it from an encrypted copy of a snapshot",
		func(d rdstypes.DBInstance, _ *look) (any, any) {
			return aws.ToBool(d.StorageEncrypted), true
		}),
	of("database/private", "It has no public address (RDS.2).", refresh,
		func(d rdstypes.DBInstance, _ *look) (any, any) {
			return aws.ToBool(d.PubliclyAccessible), false
		}),
	{"database/address", "Its name resolves to private addresses.", "see database/private",
		func(ctx context.Context, l *look) (answer, error) {
			host, err := l.value(ctx, "db/host")
			if err != nil {
				return answer{}, err
			}
			addresses, err := l.Network.LookupHost(ctx, host)
			if err != nil {
				return answer{}, err
			}
			var problems []string
			for _, a := range addresses {
				if parsed, err := netip.ParseAddr(a); err != nil || !parsed.IsPrivate() {
					problems = append(problems, a+" is public")
				}
			}
			return without(problems, "private")
		}},
	of("database/standby", "It has a standby as database.multiAZ says (RDS.5).", refresh,
		func(d rdstypes.DBInstance, l *look) (any, any) {
			return aws.ToBool(d.MultiAZ), l.Stack.Settings.Database.MultiAZ
		}),
	of("database/protection", "It is protected from deletion as `protect` says (RDS.8).", refresh,
		func(d rdstypes.DBInstance, l *look) (any, any) {
			return aws.ToBool(d.DeletionProtection), l.Stack.Settings.Protect
		}),
	of("database/backups", "Backups are kept for database.backupDays, and made in the window of the program.", refresh,
		func(d rdstypes.DBInstance, l *look) (any, any) {
			return fmt.Sprintf("%d days, %s", aws.ToInt32(d.BackupRetentionPeriod),
					aws.ToString(d.PreferredBackupWindow)),
				fmt.Sprintf("%d days, 02:00-03:00", l.Stack.Settings.Database.BackupDays)
		}),
	{"database/restorable", "It can be restored to a point within the last hour.", "RDS's events say why backups fail",
		about((*look).database, func(ctx context.Context, l *look, d rdstypes.DBInstance) (answer, error) {
			if d.LatestRestorableTime == nil {
				return holds(false, "no point", "within an hour")
			}
			return holds(l.Now().Sub(*d.LatestRestorableTime) <= restorable,
				d.LatestRestorableTime.UTC().Format(time.DateTime), "within an hour")
		})},
	of("database/authority", "Its certificate is from the authority that the release trusts.", refresh,
		func(d rdstypes.DBInstance, _ *look) (any, any) {
			return aws.ToString(d.CACertificateIdentifier), "rds-ca-rsa2048-g1"
		}),
	of("database/parameters-in-force", "Its parameters are in effect, without a pending restart.",
		"restart it: aws rds reboot-db-instance", func(d rdstypes.DBInstance, _ *look) (any, any) {
			var seen []string
			for _, g := range d.DBParameterGroups {
				seen = append(seen, aws.ToString(g.ParameterApplyStatus))
			}
			return list(seen), "in-sync"
		}),
	of("database/pending", "No change is waiting for the maintenance window.",
		"apply it now: aws rds modify-db-instance --apply-immediately, or wait for the window",
		func(d rdstypes.DBInstance, _ *look) (any, any) {
			if p := d.PendingModifiedValues; p != nil && !reflect.ValueOf(*p).IsZero() {
				return "a change waits", "none"
			}
			return "none", "none"
		}),
	of("database/logs", "Its logs go to CloudWatch (RDS.9).", refresh, func(d rdstypes.DBInstance, _ *look) (any, any) {
		seen := slices.Sorted(slices.Values(d.EnabledCloudwatchLogsExports))
		return list(seen), "error, slowquery"
	}),
	of("database/insights", "Performance Insights is on as database.performanceInsights says.", refresh,
		func(d rdstypes.DBInstance, l *look) (any, any) {
			return aws.ToBool(d.PerformanceInsightsEnabled), l.Stack.Settings.Database.PerformanceInsights
		}),
	of("database/storage", "Its volume is gp3, and grows up to database.maxStorageGiB.", refresh,
		func(d rdstypes.DBInstance, l *look) (any, any) {
			want := 0
			if s := l.Stack.Settings.Database; s.MaxStorageGiB > s.StorageGiB {
				want = s.MaxStorageGiB
			}
			return fmt.Sprintf("%s up to %d GiB", aws.ToString(d.StorageType), aws.ToInt32(d.MaxAllocatedStorage)),
				fmt.Sprintf("gp3 up to %d GiB", want)
		}),
	of("database/upgrades", "Minor upgrades are automatic (RDS.13), in the program's maintenance window.", refresh,
		func(d rdstypes.DBInstance, _ *look) (any, any) {
			return fmt.Sprintf("%t, %s", aws.ToBool(d.AutoMinorVersionUpgrade),
					aws.ToString(d.PreferredMaintenanceWindow)),
				"true, sun:03:30-sun:04:30"
		}),
	{"database/tls", "It accepts no connection without TLS, and up to database.connections in total.", refresh,
		about((*look).database, func(ctx context.Context, l *look, d rdstypes.DBInstance) (answer, error) {
			if len(d.DBParameterGroups) != 1 {
				return holds(false, fmt.Sprintf("%d parameter groups", len(d.DBParameterGroups)), "one")
			}
			all, err := pages.All(ctx, rds.NewDescribeDBParametersPaginator(l.rds, &rds.DescribeDBParametersInput{
				DBParameterGroupName: d.DBParameterGroups[0].DBParameterGroupName, Source: aws.String("user")}),
				func(page *rds.DescribeDBParametersOutput) []rdstypes.Parameter { return page.Parameters })
			if err != nil {
				return answer{}, err
			}
			seen := map[string]string{}
			for _, p := range all {
				seen[aws.ToString(p.ParameterName)] = aws.ToString(p.ParameterValue)
			}
			return equal(fmt.Sprintf("require_secure_transport %s, max_connections %s",
				seen["require_secure_transport"], seen["max_connections"]),
				fmt.Sprintf("require_secure_transport 1, max_connections %d", l.Stack.Settings.Database.Connections))
		})},
	{"database/log-streams", "Its error log arrives in the program's log group.", "see database/logs",
		func(ctx context.Context, l *look) (answer, error) {
			return l.streams(ctx, "/aws/rds/instance/"+l.Stack.prefix()+"/error")
		}},
}

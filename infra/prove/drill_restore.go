package prove

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/smithy-go"

	"dossier.example/infra/internal/refusal"
)

var restoreDrill = drill{
	name: "restore", does: "Restores the database and the table to new ones, compares them, and deletes the new ones.",
	costs: "a second database for an hour, and 0.15 $ for each GB of the table", takes: "half an hour to an hour",
	changes: true, limit: 2 * time.Hour,
	says: "The database and the table can be restored to their current state.",
	mend: "look at RDS's events, and at the table's backups",
	run:  restore,
}

// countPages bounds how much of a table is read to count its records: DynamoDB itself counts every six hours only.
const countPages = 200

func restore(ctx context.Context, d *drilling) (answer, error) {
	suffix := "-drill-" + d.started.UTC().Format("20060102150405")
	if err := d.restoreDatabase(ctx, d.Stack.prefix()+suffix); err != nil {
		return answer{}, err
	}
	before, after, err := d.restoreTable(ctx, suffix)
	if err != nil {
		return answer{}, err
	}
	return equal(fmt.Sprintf("the database is available, the table has %d records", after),
		fmt.Sprintf("the database is available, the table has %d records", before))
}

// restoreDatabase restores to an instance of the same class, in the same network, without a standby and without
// protection.
func (d *drilling) restoreDatabase(ctx context.Context, name string) error {
	source, err := d.look.findDatabase(ctx)
	if err != nil {
		return err
	}
	if source.DBSubnetGroup == nil {
		return errors.New("the database has no subnet group")
	}
	var groups []string
	for _, g := range source.VpcSecurityGroups {
		groups = append(groups, aws.ToString(g.VpcSecurityGroupId))
	}
	// Noted before it is asked for: an interrupted request may have been heard.
	d.later("delete the restored database: aws rds delete-db-instance --skip-final-snapshot "+
		"--delete-automated-backups --db-instance-identifier "+name,
		func(ctx context.Context) error { return d.deleteDatabase(ctx, name) })
	d.progress("restoring the database to %s", name)
	if _, err := d.look.rds.RestoreDBInstanceToPointInTime(ctx, &rds.RestoreDBInstanceToPointInTimeInput{
		SourceDBInstanceIdentifier: source.DBInstanceIdentifier, TargetDBInstanceIdentifier: &name,
		UseLatestRestorableTime: aws.Bool(true),
		DBInstanceClass:         source.DBInstanceClass, DBSubnetGroupName: source.DBSubnetGroup.DBSubnetGroupName,
		VpcSecurityGroupIds: groups,
		MultiAZ:             aws.Bool(false), PubliclyAccessible: aws.Bool(false), DeletionProtection: aws.Bool(false),
		EngineLifecycleSupport: source.EngineLifecycleSupport,
	}); err != nil {
		return fmt.Errorf("restoring the database: %w", err)
	}
	return until(ctx, func() (bool, error) {
		out, err := d.look.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
		if err != nil || len(out.DBInstances) != 1 {
			return false, err
		}
		status := aws.ToString(out.DBInstances[0].DBInstanceStatus)
		d.progress("%s is %s", name, status)
		if status == "failed" || status == "incompatible-restore" {
			return false, fmt.Errorf("the restored database is %s", status)
		}
		return status == "available", nil
	})
}

// deleteDatabase asks until RDS hears it: while it makes an instance it refuses to delete that.
func (d *drilling) deleteDatabase(ctx context.Context, name string) error {
	return until(ctx, func() (bool, error) {
		_, err := d.look.rds.DeleteDBInstance(ctx,
			&rds.DeleteDBInstanceInput{DBInstanceIdentifier: &name, SkipFinalSnapshot: aws.Bool(true),
				DeleteAutomatedBackups: aws.Bool(true)})
		return busy(err, "InvalidDBInstanceState")
	})
}

// restoreTable returns how many records the table has, and the restored one.
func (d *drilling) restoreTable(ctx context.Context, suffix string) (before, after int, err error) {
	source, err := d.look.findTable(ctx)
	if err != nil {
		return 0, 0, err
	}
	if before, err = d.records(ctx, aws.ToString(source.TableName)); err != nil {
		return 0, 0, err
	}
	name, err := d.restoreTableTo(ctx, aws.ToString(source.TableName), suffix, nil)
	if err != nil {
		return 0, 0, err
	}
	after, err = d.records(ctx, name)
	return before, after, err
}

// restoreTableTo restores a table to a new one, as it was at a time (nil: as late as can be), and returns its name.
func (d *drilling) restoreTableTo(ctx context.Context, source, suffix string, at *time.Time) (name string, err error) {
	name = source + suffix
	d.later("delete the restored table: aws dynamodb delete-table --table-name "+name, func(ctx context.Context) error {
		return until(ctx, func() (bool, error) {
			_, err := d.look.dynamo.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
			return busy(err, "ResourceInUseException")
		})
	})
	d.progress("restoring the table to %s", name)
	if _, err := d.look.dynamo.RestoreTableToPointInTime(ctx, &dynamodb.RestoreTableToPointInTimeInput{
		SourceTableName: &source, TargetTableName: &name, RestoreDateTime: at,
		UseLatestRestorableTime: aws.Bool(at == nil),
	}); err != nil {
		return "", fmt.Errorf("restoring the table: %w", err)
	}
	return name, until(ctx, func() (bool, error) {
		out, err := d.look.dynamo.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil || out.Table == nil {
			return false, err
		}
		d.progress("%s is %s", name, out.Table.TableStatus)
		return out.Table.TableStatus == tabletypes.TableStatusActive, nil
	})
}

// records counts the records of a table.
func (d *drilling) records(ctx context.Context, table string) (n int, err error) {
	pages := dynamodb.NewScanPaginator(d.look.dynamo,
		&dynamodb.ScanInput{TableName: &table, Select: tabletypes.SelectCount})
	for read := 0; pages.HasMorePages(); read++ {
		if read == countPages {
			return 0, fmt.Errorf("the table %s has more than %d MB, too many to count here: compare them by hand",
				table, countPages)
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("counting the records of %s: %w", table, err)
		}
		n += int(page.Count)
	}
	return n, nil
}

// busy reports whether a deletion was heard: not while the thing is still being made, and there is nothing to do where
// it never was.
func busy(err error, code string) (done bool, _ error) {
	if err == nil || refusal.Absent(err) {
		return true, nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok &&
		(api.ErrorCode() == code || api.ErrorCode() == code+"Fault") {
		return false, nil
	}
	return false, err
}

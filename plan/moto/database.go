package moto

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// databaseKinds are RDS's.
var databaseKinds = map[string]kind{
	"aws:rds/subnetGroup:SubnetGroup": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.db.CreateDBSubnetGroup(ctx, &rds.CreateDBSubnetGroupInput{
				DBSubnetGroupName: in.text("name"), DBSubnetGroupDescription: in.text("description"), SubnetIds: in.texts("subnetIds"),
			})
			if err != nil {
				return nil, err
			}
			return made{"id": out.DBSubnetGroup.DBSubnetGroupName}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.db.DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: &id})
			if err != nil {
				return nil, err
			}
			group, err := one(out.DBSubnetGroups)
			var subnets []*string
			for _, subnet := range group.Subnets {
				subnets = append(subnets, subnet.SubnetIdentifier)
			}
			return fields{"name": group.DBSubnetGroupName, "description": group.DBSubnetGroupDescription, "subnetIds": subnets}, err
		},
	},
	"aws:rds/parameterGroup:ParameterGroup": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.db.CreateDBParameterGroup(ctx, &rds.CreateDBParameterGroupInput{
				DBParameterGroupName: in.text("name"), DBParameterGroupFamily: in.text("family"), Description: in.text("description"),
			})
			if err != nil {
				return nil, err
			}
			_, err = a.db.ModifyDBParameterGroup(ctx, &rds.ModifyDBParameterGroupInput{
				DBParameterGroupName: in.text("name"), Parameters: each(in.list("parameters"), func(p values) types.Parameter {
					return types.Parameter{ParameterName: p.text("name"), ParameterValue: p.text("value"), ApplyMethod: types.ApplyMethod(p.must("applyMethod"))}
				}),
			})
			return made{"id": out.DBParameterGroup.DBParameterGroupName}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.db.DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: &id})
			if err != nil {
				return nil, err
			}
			group, err := one(out.DBParameterGroups)
			if err != nil {
				return nil, err
			}
			var parameters []fields
			pages := rds.NewDescribeDBParametersPaginator(a.db, &rds.DescribeDBParametersInput{DBParameterGroupName: &id, Source: aws.String("user")})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, err
				}
				for _, p := range page.Parameters {
					parameters = append(parameters, fields{"name": p.ParameterName, "value": p.ParameterValue, "applyMethod": p.ApplyMethod})
				}
			}
			return fields{
				"name": group.DBParameterGroupName, "family": group.DBParameterGroupFamily, "description": group.Description, "parameters": parameters,
			}, nil
		},
	},
	"aws:rds/instance:Instance": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.db.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
				DBInstanceIdentifier: in.text("identifier"), Engine: in.text("engine"), EngineVersion: in.text("engineVersion"),
				EngineLifecycleSupport: in.text("engineLifecycleSupport"), DBInstanceClass: in.text("instanceClass"), StorageType: in.text("storageType"),
				AllocatedStorage: in.number("allocatedStorage"), MaxAllocatedStorage: in.number("maxAllocatedStorage"),
				StorageEncrypted: in.flag("storageEncrypted"), DBSubnetGroupName: in.text("dbSubnetGroupName"), VpcSecurityGroupIds: in.texts("vpcSecurityGroupIds"),
				PubliclyAccessible: in.flag("publiclyAccessible"), MultiAZ: in.flag("multiAz"), MasterUsername: in.text("username"),
				MasterUserPassword: in.text("password"), DBParameterGroupName: in.text("parameterGroupName"), CACertificateIdentifier: in.text("caCertIdentifier"),
				BackupRetentionPeriod: in.number("backupRetentionPeriod"), PreferredBackupWindow: in.text("backupWindow"),
				PreferredMaintenanceWindow: in.text("maintenanceWindow"), AutoMinorVersionUpgrade: in.flag("autoMinorVersionUpgrade"),
				CopyTagsToSnapshot: in.flag("copyTagsToSnapshot"), EnableCloudwatchLogsExports: in.texts("enabledCloudwatchLogsExports"),
				EnablePerformanceInsights: in.flag("performanceInsightsEnabled"), PerformanceInsightsRetentionPeriod: in.number("performanceInsightsRetentionPeriod"),
				DeletionProtection: in.flag("deletionProtection"),
			})
			if err != nil {
				return nil, err
			}
			return made{
				"id": out.DBInstance.DbiResourceId, "resourceId": out.DBInstance.DbiResourceId, "address": out.DBInstance.Endpoint.Address,
				"arn": out.DBInstance.DBInstanceArn,
			}, nil
		},
		read: func(ctx context.Context, a *Account, _ string, in values) (fields, error) {
			out, err := a.db.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: in.text("identifier")})
			if err != nil {
				return nil, err
			}
			db, err := one(out.DBInstances)
			if err != nil {
				return nil, err
			}
			var groups []*string
			for _, group := range db.VpcSecurityGroups {
				groups = append(groups, group.VpcSecurityGroupId)
			}
			f := fields{
				"identifier": db.DBInstanceIdentifier, "engine": db.Engine, "engineVersion": db.EngineVersion, "engineLifecycleSupport": db.EngineLifecycleSupport,
				"instanceClass": db.DBInstanceClass, "storageType": db.StorageType, "allocatedStorage": db.AllocatedStorage,
				"maxAllocatedStorage": db.MaxAllocatedStorage, "storageEncrypted": db.StorageEncrypted, "vpcSecurityGroupIds": groups,
				"publiclyAccessible": db.PubliclyAccessible, "multiAz": db.MultiAZ, "username": db.MasterUsername, "caCertIdentifier": db.CACertificateIdentifier,
				"backupRetentionPeriod": db.BackupRetentionPeriod, "backupWindow": db.PreferredBackupWindow, "maintenanceWindow": db.PreferredMaintenanceWindow,
				"autoMinorVersionUpgrade": db.AutoMinorVersionUpgrade, "copyTagsToSnapshot": db.CopyTagsToSnapshot,
				"enabledCloudwatchLogsExports": db.EnabledCloudwatchLogsExports, "performanceInsightsEnabled": db.PerformanceInsightsEnabled,
				"performanceInsightsRetentionPeriod": db.PerformanceInsightsRetentionPeriod, "deletionProtection": db.DeletionProtection,
			}
			if db.DBSubnetGroup != nil {
				f["dbSubnetGroupName"] = db.DBSubnetGroup.DBSubnetGroupName
			}
			for _, group := range db.DBParameterGroups {
				f["parameterGroupName"] = group.DBParameterGroupName
			}
			return f, nil
		},
		unkept: map[string]string{
			"engineLifecycleSupport":             "EngineLifecycleSupport",
			"password":                           "MasterUserPassword", // nor does AWS show it
			"performanceInsightsEnabled":         "EnablePerformanceInsights",
			"performanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
		},
		unread: map[string]string{
			"allowMajorVersionUpgrade": "the provider's own: what a later change may do",
			"applyImmediately":         "the provider's own: when a later change is made",
			"skipFinalSnapshot":        "of the deletion",
			"finalSnapshotIdentifier":  "of the deletion",
			"deleteAutomatedBackups":   "of the deletion",
		},
	},
}

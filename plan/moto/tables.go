package moto

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// tableKinds are DynamoDB's.
var tableKinds = map[string]kind{
	"aws:dynamodb/table:Table": {create: createTable, read: readTable},
}

func createTable(ctx context.Context, a *Account, in values) (made, error) {
	name := in.text("name")
	out, err := a.tables.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: name, BillingMode: types.BillingMode(in.must("billingMode")), KeySchema: keySchema(in), DeletionProtectionEnabled: in.flag("deletionProtectionEnabled"),
		AttributeDefinitions: each(in.list("attributes"), func(of values) types.AttributeDefinition {
			return types.AttributeDefinition{AttributeName: of.text("name"), AttributeType: types.ScalarAttributeType(of.must("type"))}
		}),
		GlobalSecondaryIndexes: each(in.list("globalSecondaryIndexes"), func(index values) types.GlobalSecondaryIndex {
			return types.GlobalSecondaryIndex{
				IndexName: index.text("name"), KeySchema: keySchema(index), Projection: &types.Projection{ProjectionType: types.ProjectionType(index.must("projectionType"))},
			}
		}),
	})
	if err != nil {
		return nil, err
	}
	if ttl := in.object("ttl"); ttl != nil {
		if _, err := a.tables.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: name, TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: ttl.text("attributeName"), Enabled: ttl.flag("enabled"),
		}}); err != nil {
			return nil, err
		}
	}
	if recovery := in.object("pointInTimeRecovery"); recovery != nil {
		if _, err := a.tables.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName: name, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: recovery.flag("enabled")},
		}); err != nil {
			return nil, err
		}
	}
	return made{"id": out.TableDescription.TableName, "arn": out.TableDescription.TableArn}, nil
}

func readTable(ctx context.Context, a *Account, id string, _ values) (fields, error) {
	out, err := a.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &id})
	if err != nil {
		return nil, err
	}
	ttl, err := a.tables.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &id})
	if err != nil {
		return nil, err
	}
	backups, err := a.tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &id})
	if err != nil {
		return nil, err
	}
	f := readKeys(out.Table.KeySchema)
	f["name"], f["deletionProtectionEnabled"] = out.Table.TableName, out.Table.DeletionProtectionEnabled
	if out.Table.BillingModeSummary != nil {
		f["billingMode"] = out.Table.BillingModeSummary.BillingMode
	}
	var attributes, indexes []fields
	for _, attribute := range out.Table.AttributeDefinitions {
		attributes = append(attributes, fields{"name": attribute.AttributeName, "type": attribute.AttributeType})
	}
	for _, index := range out.Table.GlobalSecondaryIndexes {
		read := readKeys(index.KeySchema)
		read["name"], read["projectionType"] = index.IndexName, index.Projection.ProjectionType
		indexes = append(indexes, read)
	}
	f["attributes"], f["globalSecondaryIndexes"] = attributes, indexes
	f["ttl"] = fields{
		"attributeName": ttl.TimeToLiveDescription.AttributeName, "enabled": ttl.TimeToLiveDescription.TimeToLiveStatus == types.TimeToLiveStatusEnabled,
	}
	if recovery := backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription; recovery != nil {
		f["pointInTimeRecovery"] = fields{"enabled": recovery.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled}
	}
	return f, nil
}

func keySchema(in values) []types.KeySchemaElement {
	keys := []types.KeySchemaElement{{AttributeName: in.text("hashKey"), KeyType: types.KeyTypeHash}}
	if sort := in.text("rangeKey"); sort != nil {
		keys = append(keys, types.KeySchemaElement{AttributeName: sort, KeyType: types.KeyTypeRange})
	}
	return keys
}

func readKeys(keys []types.KeySchemaElement) fields {
	f := fields{}
	for _, key := range keys {
		name := map[types.KeyType]string{types.KeyTypeHash: "hashKey", types.KeyTypeRange: "rangeKey"}[key.KeyType]
		f[name] = aws.ToString(key.AttributeName)
	}
	return f
}

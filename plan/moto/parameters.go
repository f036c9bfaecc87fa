package moto

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// parameterKinds are Parameter Store's.
var parameterKinds = map[string]kind{
	"aws:ssm/parameter:Parameter": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.ssm.PutParameter(ctx, &ssm.PutParameterInput{
				Name: in.text("name"), Type: types.ParameterType(in.must("type")), Value: in.text("value"), Tier: types.ParameterTier(in.must("tier")),
			})
			return made{"id": in.text("name")}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &id, WithDecryption: aws.Bool(true)})
			if err != nil {
				return nil, err
			}
			about, err := a.ssm.DescribeParameters(ctx, &ssm.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{
				{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{id}},
			}})
			if err != nil {
				return nil, err
			}
			metadata, err := one(about.Parameters)
			return fields{"name": out.Parameter.Name, "type": out.Parameter.Type, "value": out.Parameter.Value, "tier": metadata.Tier}, err
		},
	},
}

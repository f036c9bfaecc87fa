package moto

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

const rolePolicyType = "aws:iam/rolePolicy:RolePolicy"

// roleKinds are IAM's.
var roleKinds = map[string]kind{
	"aws:iam/role:Role": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.iam.CreateRole(ctx, &iam.CreateRoleInput{
				RoleName: in.text("name"), AssumeRolePolicyDocument: in.text("assumeRolePolicy"), Description: in.text("description"),
			})
			if err != nil {
				return nil, err
			}
			return made{"id": out.Role.RoleName, "arn": out.Role.Arn}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &id})
			if err != nil {
				return nil, err
			}
			trust, err := url.QueryUnescape(aws.ToString(out.Role.AssumeRolePolicyDocument))
			return fields{"name": out.Role.RoleName, "assumeRolePolicy": trust, "description": out.Role.Description}, err
		},
		beside: func(ctx context.Context, a *Account, id string, of related) error {
			inline, err := a.iam.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &id})
			if err != nil {
				return err
			}
			attached, err := a.iam.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &id})
			if err != nil {
				return err
			}
			var faults []error
			for _, policy := range attached.AttachedPolicies {
				faults = append(faults, fmt.Errorf("it has the managed policy %s, which the program does not ask for", aws.ToString(policy.PolicyName)))
			}
			var got []string
			for _, name := range inline.PolicyNames {
				got = append(got, id+":"+name)
			}
			return errors.Join(append(faults, only("policy", got, of(rolePolicyType, "role")))...)
		},
	},
	rolePolicyType: {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: in.text("role"), PolicyName: in.text("name"), PolicyDocument: in.text("policy")})
			return made{"id": aws.String(in.must("role") + ":" + in.must("name"))}, err
		},
		read: func(ctx context.Context, a *Account, _ string, in values) (fields, error) {
			out, err := a.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: in.text("role"), PolicyName: in.text("name")})
			if err != nil {
				return nil, err
			}
			policy, err := url.QueryUnescape(aws.ToString(out.PolicyDocument))
			return fields{"role": out.RoleName, "name": out.PolicyName, "policy": policy}, err
		},
	},
	"aws:iam/instanceProfile:InstanceProfile": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.iam.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: in.text("name")})
			if err != nil {
				return nil, err
			}
			_, err = a.iam.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: in.text("name"), RoleName: in.text("role")})
			return made{"id": out.InstanceProfile.InstanceProfileName, "arn": out.InstanceProfile.Arn}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.iam.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &id})
			if err != nil {
				return nil, err
			}
			role, err := one(out.InstanceProfile.Roles)
			return fields{"name": out.InstanceProfile.InstanceProfileName, "role": role.RoleName}, err
		},
	},
}

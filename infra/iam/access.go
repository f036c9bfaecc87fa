// Package iam writes IAM documents: who may assume a role, and what a role or a resource allows. The components import
// it, so that a policy is a list of statements with outputs in it and never a text with holes.
package iam

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Statement is one statement of a policy document. Actions and Resources are never wildcards where a name can stand.
type Statement struct {
	// Sid names the statement: letters and digits only.
	Sid string
	// Deny turns the statement around.
	Deny bool
	// Principal is set in policies of resources only: {"Service": …} or {"AWS": …}, or "*" in the form of
	// pulumi.String.
	Principal pulumi.Input
	Actions   []string
	Resources []pulumi.StringInput
	// Conditions is operator → key → value, as IAM writes it.
	Conditions pulumi.Map
}

// version is that of IAM's policy language, not a date of this program.
const version = "2012-10-17"

// Document returns the statements as a policy document in JSON.
func Document(statements ...Statement) pulumi.StringOutput {
	list := pulumi.Array{}
	for _, s := range statements {
		effect := "Allow"
		if s.Deny {
			effect = "Deny"
		}
		m := pulumi.Map{
			"Sid": pulumi.String(s.Sid), "Effect": pulumi.String(effect), "Action": pulumi.ToStringArray(s.Actions),
			"Resource": pulumi.StringArray(s.Resources),
		}
		if s.Principal != nil {
			m["Principal"] = s.Principal
		}
		if s.Conditions != nil {
			m["Condition"] = s.Conditions
		}
		list = append(list, m)
	}
	return pulumi.JSONMarshal(pulumi.Map{"Version": pulumi.String(version), "Statement": list})
}

// Service returns the principal of an AWS service, such as events.amazonaws.com.
func Service(name string) pulumi.Input { return pulumi.Map{"Service": pulumi.String(name)} }

// TLSOnly refuses every request to a bucket that does not come over TLS 1.2 or newer.
func TLSOnly(bucket pulumi.StringInput) []Statement {
	all := []pulumi.StringInput{bucket, pulumi.Sprintf("%s/*", bucket)}
	return []Statement{
		{
			Sid: "TLSOnly", Deny: true, Principal: pulumi.String("*"), Actions: []string{"s3:*"}, Resources: all,
			Conditions: pulumi.Map{"Bool": pulumi.StringMap{"aws:SecureTransport": pulumi.String("false")}},
		},
		{
			Sid: "TLS12", Deny: true, Principal: pulumi.String("*"), Actions: []string{"s3:*"}, Resources: all,
			Conditions: pulumi.Map{"NumericLessThan": pulumi.StringMap{"s3:TlsVersion": pulumi.String("1.2")}},
		},
	}
}

// RoleArgs is what a role is made from.
type RoleArgs struct {
	// Service may assume the role, where Conditions hold; nil means always.
	Service     string
	Conditions  pulumi.Map
	Description string
	// Boundary is the ARN of a managed policy, or empty: the role may do nothing that this does not allow too.
	Boundary string
}

// NewRole makes a role of a service.
func NewRole(ctx *pulumi.Context, name string, args RoleArgs, opts ...pulumi.ResourceOption) (*iam.Role, error) {
	trust := pulumi.Map{
		"Effect": pulumi.String("Allow"), "Principal": Service(args.Service), "Action": pulumi.String("sts:AssumeRole"),
	}
	if args.Conditions != nil {
		trust["Condition"] = args.Conditions
	}
	made := &iam.RoleArgs{
		AssumeRolePolicy: pulumi.JSONMarshal(pulumi.Map{"Version": pulumi.String(version),
			"Statement": pulumi.Array{trust}}),
		Description: pulumi.String(args.Description),
	}
	if args.Boundary != "" {
		made.PermissionsBoundary = pulumi.String(args.Boundary)
	}
	return iam.NewRole(ctx, name, made, opts...)
}

// NewPolicy gives a role its policy.
func NewPolicy(ctx *pulumi.Context, name string, role *iam.Role, statements []Statement,
	opts ...pulumi.ResourceOption) (pulumi.Resource, error) {
	return iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{Role: role.Name, Policy: Document(statements...)}, opts...)
}

// Instance is what an EC2 instance runs as.
type Instance struct {
	Role    *iam.Role
	Profile *iam.InstanceProfile
	// Ready is what an instance has to wait for: without its policy its first calls are refused.
	Ready []pulumi.Resource
}

// InstanceRole makes the role and profile of instances, which may do what the statements say and be managed by Systems
// Manager.
//
// The managed policy AmazonSSMManagedInstanceCore is not used: it allows ssm:GetParameter and ssm:GetParameters on
// every parameter of the account, so also the database administrator's password. What the agent needs beside that has
// no resource to name (https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html,
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html).
//
// With a boundary, the ARN of a managed policy, the role may do nothing that this does not allow too.
func InstanceRole(ctx *pulumi.Context, name, description, boundary string, statements []Statement,
	opts ...pulumi.ResourceOption) (*Instance, error) {
	role, err := NewRole(ctx, name,
		RoleArgs{Service: "ec2.amazonaws.com", Description: description, Boundary: boundary}, opts...)
	if err != nil {
		return nil, err
	}
	statements = append(statements, Statement{
		Sid: "SystemsManagerAgent",
		Actions: []string{
			"ssm:UpdateInstanceInformation",
			"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
			"ssmmessages:OpenDataChannel",
			"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage",
			"ec2messages:GetEndpoint",
			"ec2messages:GetMessages", "ec2messages:SendReply",
		},
		Resources: []pulumi.StringInput{pulumi.String("*")},
	})
	policy, err := NewPolicy(ctx, name, role, statements, opts...)
	if err != nil {
		return nil, err
	}
	profile, err := iam.NewInstanceProfile(ctx, name, &iam.InstanceProfileArgs{Role: role.Name}, opts...)
	if err != nil {
		return nil, err
	}
	return &Instance{Role: role, Profile: profile, Ready: []pulumi.Resource{policy, profile}}, nil
}

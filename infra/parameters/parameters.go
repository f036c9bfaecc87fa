// Package parameters writes the parameters that hosts read: the app's settings and secrets, below one path of Parameter
// Store. It is the only place that knows the parameters' names on this side; on the other it is the app's config
// package, and a test compares the two. main.go imports it.
package parameters

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The names, below the path, of those that a role may read and another not.
const (
	// Admin is where the database administrator's name and password are.
	Admin = "db/admin"
	// JumpHostKey is the private half of the jump server's host key.
	JumpHostKey = "jump/host-key"
	// Release says which release is the present one: its key in the bucket, the version of that object, and its
	// SHA-256, with a space between.
	Release = "release"
)

// Args is what Parameters are built from.
type Args struct {
	// Path is the path that all names are below, such as /dossier/dev.
	Path string
	// Region and Account stand in the parameters' ARNs.
	Region, Account string
	// Values are the parameters by name; Secrets those kept as SecureString.
	Values, Secrets map[string]pulumi.StringInput
}

// Parameters are the parameters of a stack.
type Parameters struct {
	pulumi.ResourceState

	// Configuration changes with every value that is not secret, so that instances that read the old ones can be
	// replaced.
	Configuration pulumi.StringOutput
	// All are the parameters, to be waited for.
	All []pulumi.Resource

	args Args
}

// New builds Parameters.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Parameters, error) {
	p := &Parameters{args: args}
	if err := ctx.RegisterComponentResource("dossier:parameters:Parameters", name, p, opts...); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(args.Values))
	var values []any
	for _, key := range names {
		if err := p.Add(ctx, name, key, args.Values[key], false); err != nil {
			return nil, err
		}
		values = append(values, args.Values[key])
	}
	for _, key := range slices.Sorted(maps.Keys(args.Secrets)) {
		if err := p.Add(ctx, name, key, args.Secrets[key], true); err != nil {
			return nil, err
		}
	}
	p.Configuration = pulumi.All(values...).ApplyT(func(values []any) string {
		h := sha256.New()
		for i, v := range values {
			fmt.Fprintf(h, "%s=%d:%v\n", names[i], len(fmt.Sprint(v)), v)
		}
		return hex.EncodeToString(h.Sum(nil))[:12]
	}).(pulumi.StringOutput)
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"path": pulumi.String(args.Path)})
}

// Add adds one parameter below the path.
func (p *Parameters) Add(ctx *pulumi.Context, name, key string, value pulumi.StringInput, secret bool) error {
	kind := "String"
	if secret {
		kind, value = "SecureString", pulumi.ToSecret(value).(pulumi.StringOutput)
	}
	parameter, err := ssm.NewParameter(ctx, name+"-"+strings.ReplaceAll(key, "/", "-"), &ssm.ParameterArgs{
		Name: pulumi.String(p.args.Path + "/" + key), Type: pulumi.String(kind), Value: value,
		Tier: pulumi.String("Standard"),
	}, pulumi.Parent(p))
	if err != nil {
		return fmt.Errorf("parameter %s: %w", key, err)
	}
	p.All = append(p.All, parameter)
	return nil
}

// Path is the path that all parameters are below.
func (p *Parameters) Path() string { return p.args.Path }

// ARN returns the ARN of a parameter below the path, or of several by a pattern.
func (p *Parameters) ARN(key string) pulumi.StringInput {
	return pulumi.String(fmt.Sprintf("arn:aws:ssm:%s:%s:parameter%s/%s", p.args.Region, p.args.Account, p.args.Path,
		key))
}

// Package preflight reports, within seconds and by calls that only read, what would stop a "pulumi up" halfway:
// credentials, the account's plan, its quotas, zones without an instance type, roles that nobody may make, a hosted
// zone that nobody asks, names that are taken. main.go asks it before the first resource, and infra/prove asks it again
// on a stack that exists.
//
// What the stack itself holds already is no fault, so a second "pulumi up" passes. What the caller may not ask is a
// warning: a deployment that works with fewer rights is not stopped for them.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"dossier.example/infra/internal/refusal"
	"dossier.example/infra/settings"
)

// Switch is the environment variable that turns the preflight off, with the value Off.
const (
	Switch = "DOSSIER_PREFLIGHT"
	Off    = "off"
)

// timeout bounds all questions together.
const timeout = 20 * time.Second

// Finding is one thing that will fail, or that could not be found out.
type Finding struct {
	// Point names what was asked, such as "quota/vcpu".
	Point string
	// Problem is what is wrong, Mend what to do about it.
	Problem, Mend string
}

func (f Finding) String() string { return f.Point + ": " + f.Problem + "; " + f.Mend }

// Error is what stops a deployment: every finding that is an error.
type Error struct{ Findings []Finding }

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the preflight found %d problems that would stop the deployment (%s=%s skips it):", len(e.Findings),
		Switch, Off)
	for _, f := range e.Findings {
		b.WriteString("\n  " + f.String())
	}
	return b.String()
}

// Resolver asks the DNS. *net.Resolver is one.
type Resolver interface {
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
}

// Preflight is one check of an account for a stack.
type Preflight struct {
	Config   aws.Config
	Settings settings.Settings
	// DNS is nil for the system's resolver.
	DNS Resolver
}

// Run checks the account that the SDK's own configuration leads to, with a profile of it where one is named. It returns
// the warnings, and as an *Error what has to be mended first. environment is os.LookupEnv, by which Switch turns all of
// it off.
func Run(ctx context.Context, environment func(string) (string, bool), profile string, s settings.Settings) ([]Finding,
	error) {
	switch value, _ := environment(Switch); value {
	case Off:
		return nil, nil
	case "":
	default:
		return nil, fmt.Errorf("%s is %q: set it to %q, or unset it", Switch, value, Off)
	}
	options := []func(*config.LoadOptions) error{config.WithRegion(s.Region)}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("loading the AWS configuration for the preflight: %w", err)
	}
	faults, warnings := Check(ctx, cfg, s)
	if len(faults) > 0 {
		return warnings, &Error{faults}
	}
	return warnings, nil
}

// Check asks an account whether a stack with these settings can be made or changed in it.
func Check(ctx context.Context, cfg aws.Config, s settings.Settings) (faults, warnings []Finding) {
	return Preflight{Config: cfg, Settings: s}.Check(ctx)
}

// Check asks all questions at once, after those that the others depend on, and returns what was found, in the order of
// the questions.
func (p Preflight) Check(ctx context.Context) (faults, warnings []Finding) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	l := newLook(p)
	if !l.credentials(ctx) {
		return l.sorted()
	}
	l.existing(ctx)
	var all sync.WaitGroup
	for _, ask := range []func(context.Context){
		l.region, l.plan, l.vcpus, l.addresses, l.vpcs, l.gateways, l.zones, l.roles, l.hostedZone, l.image, l.volumes,
		l.accounts, l.network, l.database, l.groupName, l.logGroups, l.parameters, l.issuer, l.dashboard,
	} {
		all.Go(func() { ask(ctx) })
	}
	all.Wait()
	return l.sorted()
}

// look is one check with what it found.
type look struct {
	Preflight
	ec2     *ec2.Client
	rds     *rds.Client
	iam     *iam.Client
	quotas  *servicequotas.Client
	scaling *autoscaling.Client
	logs    *cloudwatchlogs.Client
	watch   *cloudwatch.Client
	ssm     *ssm.Client
	route53 *route53.Client
	sts     *sts.Client

	// Several questions need the instance types, the account's instances, and the database of the stack's name.
	types     answer[map[string]typeInfo]
	instances answer[[]ec2types.Instance]
	databases answer[[]rdstypes.DBInstance]

	// account and caller are set by credentials.
	account, caller string
	// exists tells that the stack's VPC is in the account; vpc, block and vpcTags are that VPC's. unknown tells that
	// the question for it got no answer.
	exists, unknown bool
	vpc, block      string
	vpcTags         map[string]string

	mu               sync.Mutex
	faults, warnings []Finding
}

func newLook(p Preflight) *look {
	if p.DNS == nil {
		p.DNS = net.DefaultResolver
	}
	l := &look{
		Preflight: p, ec2: ec2.NewFromConfig(p.Config), rds: rds.NewFromConfig(p.Config),
		iam:    iam.NewFromConfig(p.Config),
		quotas: servicequotas.NewFromConfig(p.Config), scaling: autoscaling.NewFromConfig(p.Config),
		logs:  cloudwatchlogs.NewFromConfig(p.Config),
		watch: cloudwatch.NewFromConfig(p.Config), ssm: ssm.NewFromConfig(p.Config),
		route53: route53.NewFromConfig(p.Config),
		sts:     sts.NewFromConfig(p.Config),
	}
	l.types, l.instances, l.databases = once(l.describeTypes), once(l.describeInstances), once(l.describeDatabases)
	return l
}

// answer is what AWS answers to one question.
type answer[T any] func(context.Context) (T, error)

// once asks once for all who call.
func once[T any](ask answer[T]) answer[T] {
	var (
		asked sync.Once
		value T
		err   error
	)
	return func(ctx context.Context) (T, error) {
		asked.Do(func() { value, err = ask(ctx) })
		return value, err
	}
}

// note is fault or warn.
type note func(point, mend, problem string, args ...any)

// fault notes what will fail.
func (l *look) fault(point, mend, problem string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, Finding{point, fmt.Sprintf(problem, args...), mend})
}

// warn notes what may fail, or what is not known.
func (l *look) warn(point, mend, problem string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.warnings = append(l.warnings, Finding{point, fmt.Sprintf(problem, args...), mend})
}

// unseen notes that a question got no answer.
func (l *look) unseen(ctx context.Context, point string, err error) {
	if action, denied := refusal.Denied(err); denied {
		l.warn(point, "grant "+action+" to the deploying role to have this checked", "not checked: access denied")
		return
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	l.warn(point, "run the command again, or check it by hand", "not checked: %v", err)
}

// sorted returns the findings in an order that does not depend on which answer came first.
func (l *look) sorted() (faults, warnings []Finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	order := func(a, b Finding) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(l.faults, order)
	slices.SortFunc(l.warnings, order)
	return l.faults, slices.Compact(l.warnings)
}

// prefix begins the names of what the stack is made of.
func (l *look) prefix() string { return "dossier-" + l.Settings.Stack }

// owned reports whether something with these tags is the stack's: by the tags of the checked-in files, or by a name
// that the program itself gives.
func (l *look) owned(tags map[string]string) bool {
	if tags["Project"] == project && tags["Stack"] == l.Settings.Stack {
		return true
	}
	names := []string{"vpc", "jump", "app"}
	for i := range l.Settings.Network.Zones {
		names = append(names, fmt.Sprintf("nat-%d", i+1))
	}
	names = append(names, "nat-instance")
	return slices.ContainsFunc(names, func(name string) bool { return tags["Name"] == l.prefix()+"-"+name })
}

// project is the tag Project of the checked-in files.
const project = "dossier"

// mayExist reports whether the stack exists, or nobody knows: what is no fault of a stack that exists is none then.
func (l *look) mayExist() bool { return l.exists || l.unknown }

// ours reports whether a name that is taken is taken by this very stack. Where the configuration gives other tags than
// the checked-in files, or none, that the stack's VPC exists has to do, or that all these tags are there; but what says
// that it is another stack's is not this one's, unless the stack's VPC says the same: then the stack was made under
// that tag.
func (l *look) ours(tags map[string]string) bool {
	if l.owned(tags) {
		return true
	}
	if tags["Project"] == project && tags["Stack"] != "" {
		return l.vpcTags["Project"] == project && l.vpcTags["Stack"] == tags["Stack"]
	}
	if l.mayExist() {
		return true
	}
	for key, value := range l.Settings.Tags {
		if tags[key] != value {
			return false
		}
	}
	return len(l.Settings.Tags) > 0
}

// credentials asks who the caller is: without an answer there is nothing else to ask.
func (l *look) credentials(ctx context.Context) bool {
	out, err := l.sts.GetCallerIdentity(ctx, nil)
	switch {
	case err == nil:
		l.account, l.caller = aws.ToString(out.Account), aws.ToString(out.Arn)
		return true
	case ctx.Err() != nil:
		l.unseen(ctx, "credentials", err)
	default:
		l.fault("credentials",
			`sign in again until "aws sts get-caller-identity" succeeds, or set AWS_PROFILE; `+
				"a region that is not enabled in the account also rejects all credentials",
			"AWS does not accept the credentials in %s: %v", l.Settings.Region, shortened(err))
	}
	return false
}

// existing finds out whether the stack is in the account already.
func (l *look) existing(ctx context.Context) {
	out, err := l.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: named("tag:Name", l.prefix()+"-vpc")})
	if err != nil {
		l.unknown = true
		l.unseen(ctx, "stack", err)
		return
	}
	for _, v := range out.Vpcs {
		l.exists, l.vpc, l.block, l.vpcTags = true, aws.ToString(v.VpcId), aws.ToString(v.CidrBlock), tagsOf(v.Tags)
	}
}

// region asks whether the account has the region enabled
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Region.html).
func (l *look) region(ctx context.Context) {
	out, err := l.ec2.DescribeRegions(ctx,
		&ec2.DescribeRegionsInput{AllRegions: aws.Bool(true), RegionNames: []string{l.Settings.Region}})
	switch {
	case refusal.Absent(err) || err == nil && len(out.Regions) == 0:
		l.fault("region", "set aws:region to one of \"aws ec2 describe-regions\"", "unknown region %s",
			l.Settings.Region)
	case err != nil:
		l.unseen(ctx, "region", err)
	case aws.ToString(out.Regions[0].OptInStatus) == "not-opted-in":
		l.fault("region", "enable it in the account's settings, or set aws:region to another",
			"%s is not enabled in the account", l.Settings.Region)
	}
}

// shortened is the last part of an error of the SDK, which begins with the names of the operation and the request.
func shortened(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"dossier.example/infra/internal/pages"
	"dossier.example/infra/internal/refusal"
)

// zones counts the availability zones that have every instance type and the database's class. A region's zones differ:
// use1-az3 of us-east-1 has no t4g (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-discovery.html).
func (l *look) zones(ctx context.Context) {
	const point = "zones"
	out, err := l.ec2.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
		Filters: append(named("opt-in-status", "opt-in-not-required"), named("state", "available")...),
	})
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	fit := map[string]bool{}
	for _, z := range out.AvailabilityZones {
		fit[aws.ToString(z.ZoneName)] = true
	}
	var kinds []string
	for _, h := range l.hosts() {
		if !slices.Contains(kinds, h.kind) {
			kinds = append(kinds, h.kind)
		}
	}
	for _, kind := range kinds {
		has, err := l.offered(ctx, kind)
		if err != nil {
			l.unseen(ctx, point, err)
			return
		}
		if len(has) == 0 {
			l.unsold(l.run(ctx, kind))(point, "choose another instance type, or another region", "%s has no %s",
				l.Settings.Region, kind)
		}
		keep(fit, has)
	}
	has, err := l.orderable(ctx)
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	if len(has) == 0 {
		l.unsold(l.runsDatabase(ctx))(point, "choose another database.class, or another region",
			"RDS in %s has no %s for MySQL %s in a VPC with encrypted gp3 storage",
			l.Settings.Region, l.Settings.Database.Class, l.Settings.Database.Version)
	}
	keep(fit, has)
	if l.exists {
		return
	}
	lacks := l.unsold(l.unknown)
	for _, zone := range l.Settings.Network.ZoneNames {
		if !fit[zone] {
			lacks("network.zoneNames", "name others, or remove network.zoneNames", "%s lacks one of %s and %s",
				zone, strings.Join(kinds, ", "), l.Settings.Database.Class)
		}
	}
	if len(fit) < l.Settings.Network.Zones && len(l.Settings.Network.ZoneNames) == 0 {
		lacks(point, "lower network.zones, choose other types, or another region",
			"network.zones is %d, but only %d zones of %s have all of %s and %s",
			l.Settings.Network.Zones, len(fit), l.Settings.Region, strings.Join(kinds, ", "), l.Settings.Database.Class)
	}
}

// unsold returns how to tell that AWS does not sell something: what stands keeps running, and only what would be made
// anew or changed fails.
func (l *look) unsold(stands bool) note {
	if stands {
		return l.warn
	}
	return l.fault
}

// run reports whether every host that is to have this type has it, or that nobody knows.
func (l *look) run(ctx context.Context, kind string) bool {
	if !l.exists {
		return l.unknown
	}
	instances, err := l.instances(ctx)
	if err != nil {
		l.unseen(ctx, "zones", err)
		return true
	}
	for _, h := range l.hosts() {
		if h.kind == kind && !slices.ContainsFunc(instances, func(i types.Instance) bool {
			return string(i.InstanceType) == kind && tagsOf(i.Tags)["Name"] == l.prefix()+"-"+h.name
		}) {
			return false
		}
	}
	return true
}

// runsDatabase reports whether the database is what is to be ordered, or that nobody knows.
func (l *look) runsDatabase(ctx context.Context) bool {
	if !l.exists {
		return l.unknown
	}
	databases, err := l.databases(ctx)
	if err != nil && !refusal.Absent(err) {
		l.unseen(ctx, "zones", err)
		return true
	}
	return slices.ContainsFunc(databases, func(d rdstypes.DBInstance) bool {
		return aws.ToString(d.DBInstanceClass) == l.Settings.Database.Class && l.version(d.EngineVersion) &&
			(aws.ToBool(d.MultiAZ) || !l.Settings.Database.MultiAZ)
	})
}

// version reports whether a version of MySQL is the one that the settings name, or one of its minor versions.
func (l *look) version(of *string) bool {
	want := l.Settings.Database.Version
	return aws.ToString(of) == want || strings.HasPrefix(aws.ToString(of), want+".")
}

func keep(all, some map[string]bool) {
	for name := range all {
		if !some[name] {
			delete(all, name)
		}
	}
}

// offered returns the zones that have an instance type.
func (l *look) offered(ctx context.Context, kind string) (map[string]bool, error) {
	all, err := pages.All(ctx, ec2.NewDescribeInstanceTypeOfferingsPaginator(l.ec2,
		&ec2.DescribeInstanceTypeOfferingsInput{
			LocationType: types.LocationTypeAvailabilityZone, Filters: named("instance-type", kind),
		}), func(page *ec2.DescribeInstanceTypeOfferingsOutput) []types.InstanceTypeOffering {
		return page.InstanceTypeOfferings
	})
	has := map[string]bool{}
	for _, o := range all {
		has[aws.ToString(o.Location)] = true
	}
	return has, err
}

// orderable returns the zones that have the database's class for its version.
func (l *look) orderable(ctx context.Context) (map[string]bool, error) {
	all, err := pages.All(ctx, rds.NewDescribeOrderableDBInstanceOptionsPaginator(l.rds,
		&rds.DescribeOrderableDBInstanceOptionsInput{
			Engine: aws.String("mysql"), DBInstanceClass: &l.Settings.Database.Class, Vpc: aws.Bool(true),
		}), func(page *rds.DescribeOrderableDBInstanceOptionsOutput) []rdstypes.OrderableDBInstanceOption {
		return page.OrderableDBInstanceOptions
	})
	has := map[string]bool{}
	for _, o := range all {
		if !l.version(o.EngineVersion) || aws.ToString(o.StorageType) != "gp3" ||
			!aws.ToBool(o.SupportsStorageEncryption) || l.Settings.Database.MultiAZ && !aws.ToBool(o.MultiAZCapable) {
			continue
		}
		for _, z := range o.AvailabilityZones {
			has[aws.ToString(z.Name)] = true
		}
	}
	return has, err
}

// linked are the service-linked roles that the stack's services need. Each service makes its own at its first use, and
// needs the caller's right to.
var linked = []struct{ role, service string }{
	{"AWSServiceRoleForRDS", "rds.amazonaws.com"},
	{"AWSServiceRoleForAutoScaling", "autoscaling.amazonaws.com"},
	{"AWSServiceRoleForElasticLoadBalancing", "elasticloadbalancing.amazonaws.com"},
}

// roles asks whether the service-linked roles exist, and whether the caller may make those that do not.
func (l *look) roles(ctx context.Context) {
	for _, r := range linked {
		point := "role/" + r.role
		_, err := l.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &r.role})
		switch {
		case err == nil:
			continue
		case !refusal.Absent(err):
			l.unseen(ctx, point, err)
			continue
		}
		// The mend is the operator's: whoever may make roles makes it once for the account.
		mend := "have an administrator create it once: aws iam create-service-linked-role --aws-service-name " +
			r.service
		allowed, err := l.mayLink(ctx, r.role, r.service)
		if err != nil {
			l.warn(point, mend+", or allow iam:SimulatePrincipalPolicy",
				"the account does not have it yet, and your permission to create it could not be checked: %v",
				shortened(err))
		} else if !allowed {
			l.fault(point, mend+", or allow iam:CreateServiceLinkedRole",
				"the account does not have it yet, and %s may not create it", l.caller)
		}
	}
}

// mayLink asks IAM whether the caller may make a service-linked role. The root user may do everything and cannot be
// asked about.
func (l *look) mayLink(ctx context.Context, role, service string) (bool, error) {
	source := l.caller
	if strings.HasSuffix(source, ":root") {
		return true, nil
	}
	// Of an assumed role, IAM wants the role, of which the session tells all but the path
	// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html).
	if before, after, ok := strings.Cut(source, ":assumed-role/"); ok {
		name, _, _ := strings.Cut(after, "/")
		source = strings.Replace(before, ":sts:", ":iam:", 1) + ":role/" + name
	}
	out, err := l.iam.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &source, ActionNames: []string{"iam:CreateServiceLinkedRole"},
		ResourceArns: []string{fmt.Sprintf("arn:aws:iam::%s:role/aws-service-role/%s/%s", l.account, service, role)},
		ContextEntries: []iamtypes.ContextEntry{{
			ContextKeyName: aws.String("iam:AWSServiceName"), ContextKeyType: iamtypes.ContextKeyTypeEnumString,
			ContextKeyValues: []string{service},
		}},
	})
	if err != nil {
		return false, err
	}
	for _, r := range out.EvaluationResults {
		if r.EvalDecision == iamtypes.PolicyEvaluationDecisionTypeAllowed {
			return true, nil
		}
	}
	return false, nil
}

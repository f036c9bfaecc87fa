package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"dossier.example/plan/internal/awsmodel"
)

// account is what an AWS account brings along, beside what a stack makes in it. A new one has none of it.
type account struct {
	// freePlan is whether the account is on AWS's Free plan.
	freePlan bool
	// serviceRoles are the services whose service-linked role exists.
	serviceRoles map[string]bool
	// lacking are the types that a zone does not offer, beside those of the model: "zone type".
	lacking map[string]bool
	// leftovers are log groups that a service made again after they were deleted.
	leftovers map[string]bool
	// shared are the names of records by which certificates that no stack here knows are renewed.
	shared map[string]bool
	// broken is what exists and does not work, with the reason.
	broken []string
	// alarmed are the alarms that began in the state ALARM.
	alarmed []string
}

// FreePlan puts the account on AWS's Free plan.
func (c *Cloud) FreePlan() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account.freePlan = true
}

// MakeServiceRole makes the service-linked role of a service, such as rds.amazonaws.com.
func (c *Cloud) MakeServiceRole(service string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account.serviceRoles[service] = true
}

// Lack takes an instance type or a class of databases out of a zone, as of now.
func (c *Cloud) Lack(zone, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account.lacking[zone+" "+kind] = true
}

// DeleteLogGroup deletes a log group that no resource stands for.
func (c *Cloud) DeleteLogGroup(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.account.leftovers, name)
}

// Share says that a certificate of somebody else's is renewed by a record of that name.
func (c *Cloud) Share(record string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account.shared[strings.TrimSuffix(record, ".")] = true
}

// Broken returns what exists and does not work, each with the reason, in the order in which it came about.
func (c *Cloud) Broken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.account.broken)
}

// Alarmed returns the names of the alarms that began in the state ALARM.
func (c *Cloud) Alarmed() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.account.alarmed)
}

// Stop stops an instance. The provider then reads no public address of it, and takes that for the setting
// (https://github.com/hashicorp/terraform-provider-aws/issues/33775); an Elastic IP stays
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html).
func (c *Cloud) Stop(name string) error {
	if err := c.Change(instanceType, name, "associatePublicIpAddress", false); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.resources {
		if r.Token == instanceType && r.Name == name {
			out := r.Outputs.Copy()
			out["publicIp"], out["instanceState"] = resource.NewProperty(""), resource.NewProperty("stopped")
			r.Outputs = out
		}
	}
	return nil
}

// freeTypes are the instance types that an account on the Free plan may start: those that describe-instance-types
// returns with the filter free-tier-eligible=true (https://github.com/RhinoSecurityLabs/cloudgoat/issues/375).
var freeTypes = []string{"t3.micro", "t3.small", "t4g.micro", "t4g.small", "c7i-flex.large", "m7i-flex.large"}

// freeInstance refuses what the Free plan does not allow
// (https://github.com/LinkedInLearning/learning-terraform-3087701/issues/345).
func (c *Cloud) freeInstance(kind string) error {
	if c.account.freePlan && kind != "" && !slices.Contains(freeTypes, kind) {
		return fmt.Errorf("InvalidParameterCombination: The specified instance type is not eligible for Free Tier: %s",
			kind)
	}
	return nil
}

// freeDatabase refuses what the Free plan does not allow: both messages are quoted in
// https://github.com/yc-software/qm/issues/352.
func (c *Cloud) freeDatabase(r *Resource) error {
	if !c.account.freePlan {
		return nil
	}
	if days, _ := (look{in: r.Inputs}).number("backupRetentionPeriod"); days > 1 {
		return fmt.Errorf("FreeTierRestrictionError: The specified backup retention period exceeds the maximum "+
			"available to free tier customers: %v days", days)
	}
	if class := r.text("instanceClass"); !strings.HasSuffix(class, ".micro") || (look{in: r.Inputs}).flag("multiAz") {
		return fmt.Errorf("FreeTierRestrictionError: This instance size isn't available with free plan accounts: %s",
			class)
	}
	return nil
}

// serviceRole refuses the first resource of a service whose role is not there yet: the service makes it then, and the
// request races the role. RDS's message is that of its first creation in a new account
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html#UsingWithRDS.IAM.ServiceLinkedRoles.Troubleshooting).
func (c *Cloud) serviceRole(service string) error {
	if c.account.serviceRoles[service] {
		return nil
	}
	return fmt.Errorf("InvalidParameterValue: Unable to create the resource. Verify that you have permission to "+
		"create service linked role of %s. Otherwise wait and try again later", service)
}

// offered refuses a type in a zone that does not have it
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html#troubleshooting-instance-configuration).
func (c *Cloud) offered(kind, zone string) error {
	if kind == "" || zone == "" || c.offers(zone, kind) {
		return nil
	}
	return fmt.Errorf("requesting an instance: Unsupported: Your requested instance type (%s) is not supported in "+
		"your requested Availability Zone (%s)", kind, zone)
}

func (c *Cloud) offers(zone, kind string) bool {
	return c.model.Offers(zone, kind) && !c.account.lacking[zone+" "+kind]
}

// invoke answers a function of the provider: what depends on what exists here, all else by the model.
func (c *Cloud) invoke(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := look{in: args}
	answer, err := c.model.Invoke(token, args)
	if err != nil && token != "aws:ec2/getSubnet:getSubnet" {
		return nil, err
	}
	switch token {
	case "aws:ec2/getSubnets:getSubnets":
		var ids []resource.PropertyValue
		for _, filter := range in.objects("filters") {
			tag, _ := strings.CutPrefix(filter.textOr("name"), "tag:")
			for _, r := range c.resources {
				tags, given := (look{in: r.Inputs}).object("tags")
				if r.Token == subnetType && given && slices.Contains(filter.texts("values"), tags.textOr(tag)) {
					ids = append(ids, resource.NewProperty(r.ID))
				}
			}
		}
		answer["ids"] = resource.NewProperty(ids)
	case "aws:ec2/getSubnet:getSubnet":
		r := c.byID(subnetType, in.textOr("id"))
		if r == nil {
			return nil, fmt.Errorf("no matching EC2 Subnet found: %s", in.textOr("id"))
		}
		answer = r.Outputs.Copy()
		answer["id"] = resource.NewProperty(r.ID)
	case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
		"aws:rds/getOrderableDbInstance:getOrderableDbInstance":
		key, kind := resource.PropertyKey("locations"), ""
		if token == "aws:rds/getOrderableDbInstance:getOrderableDbInstance" {
			key, kind = "availabilityZones", strings.Join(in.texts("preferredInstanceClasses"), "")
		} else {
			for _, filter := range in.objects("filters") {
				kind = strings.Join(filter.texts("values"), "")
			}
		}
		var zones []resource.PropertyValue
		for _, zone := range answer[key].ArrayValue() {
			if c.offers(zone.StringValue(), kind) {
				zones = append(zones, zone)
			}
		}
		answer[key] = resource.NewProperty(zones)
	}
	return answer, nil
}

// major is the major version of MySQL: its first two numbers
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MySQL.Concepts.VersionMgmt.html).
func major(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// upgrade refuses another major version that is not allowed by name
// (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html, AllowMajorVersionUpgrade).
func upgrade(before, now *Resource) error {
	from, to := major(before.text("engineVersion")), major(now.text("engineVersion"))
	if from == "" || from == to {
		return nil
	}
	// Nor does any go back
	// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Upgrading.html).
	if from > to {
		return fmt.Errorf("InvalidParameterCombination: Cannot upgrade mysql from %s to %s", from, to)
	}
	if (look{in: now.Inputs}).flag("allowMajorVersionUpgrade") {
		return nil
	}
	return fmt.Errorf("InvalidParameterCombination: The AllowMajorVersionUpgrade flag must be present when "+
		"upgrading to a new major version: %s to %s", from, to)
}

// shrink refuses a smaller volume, which RDS does not make
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.ModifyingExisting.html).
func shrink(before, now *Resource) error {
	had, one := (look{in: before.Inputs}).number("allocatedStorage")
	has, two := (look{in: now.Inputs}).number("allocatedStorage")
	if one && two && has < had {
		return fmt.Errorf("InvalidParameterCombination: Requested storage size (%v) cannot be less than the current "+
			"storage size (%v)", has, had)
	}
	return nil
}

// fixed refuses what the provider sends as an update and AWS does not change: an older or another major version and a
// smaller volume of a database, and other subnets that are in another VPC
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSubnets.html,
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSubnetGroup.html).
func (c *Cloud) fixed(before, now *Resource) error {
	key := ""
	switch now.Token {
	case databaseType:
		return errors.Join(upgrade(before, now), shrink(before, now))
	case balancerType:
		key = "subnets[]"
	case subnetGroupType:
		key = "subnetIds[]"
	default:
		return nil
	}
	vpc := func(r *Resource) string {
		for _, id := range textsAt(r.Inputs, key) {
			if subnet := c.byID(subnetType, id); subnet != nil {
				return subnet.text("vpcId")
			}
		}
		return ""
	}
	if from, to := vpc(before), vpc(now); from != "" && to != "" && from != to {
		return fmt.Errorf("InvalidSubnet: the new subnets are in %s, and not as the present ones in %s", to, from)
	}
	return nil
}

// access notes a flow log that cannot deliver. Its role's policy was made in the same run, and IAM tells it to the
// service only later: the flow log stays in "Access error" until it is made again, whatever waited for what
// (https://github.com/hashicorp/terraform-provider-aws/issues/29323,
// https://github.com/terraform-aws-modules/terraform-aws-vpc/issues/1262). To S3 the bucket's policy lets it
// (https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html).
func (c *Cloud) access(r *Resource) {
	if r.text("logDestinationType") == "s3" {
		bucket, path, _ := strings.Cut(strings.TrimPrefix(r.text("logDestination"), "arn:aws:s3:::"), "/")
		key := "arn:aws:s3:::" + bucket + "/" + path + "AWSLogs/" + c.model.Account + "/vpcflowlogs/" + c.model.Region +
			"/log.gz"
		if !c.serviceMay(bucket, "delivery.logs.amazonaws.com", "s3:PutObject", key) ||
			!c.serviceMay(bucket, "delivery.logs.amazonaws.com", "s3:GetBucketAcl", "arn:aws:s3:::"+bucket) {
			c.account.broken = append(c.account.broken,
				r.ID+": Access error: the policy of the bucket "+bucket+" does not let the flow log deliver")
		}
		return
	}
	if role := c.named(reference{to: roleType, output: "arn"}, r.text("iamRoleArn")); role != nil {
		c.account.broken = append(c.account.broken,
			r.ID+": Access error: the role "+role.ID+" is not visible to the flow log yet")
	}
}

// silent notes an alarm that takes missing data for a fault and begins before there is any: its first state is ALARM
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html). Data of what is
// watched come minutes after it is there: here, once a command has run that waited for it.
func (c *Cloud) silent(r *Resource) {
	if r.text("treatMissingData") != "breaching" {
		return
	}
	dimensions, _ := (look{in: r.Inputs}).object("dimensions")
	of := reference{to: groupType, output: "name"}
	name := dimensions.textOr("AutoScalingGroupName")
	switch {
	case dimensions.given("DBInstanceIdentifier"):
		of, name = reference{to: databaseType, output: "identifier"}, dimensions.textOr("DBInstanceIdentifier")
	case dimensions.given("TargetGroup"):
		// The metric is of the group's instances.
		for _, group := range c.resources {
			if group.Token == groupType {
				name = awsmodel.Text(group.Outputs["name"])
			}
		}
	}
	watched := c.named(of, name)
	if watched == nil || !slices.ContainsFunc(c.commands, func(command Command) bool {
		return command.clock > watched.made
	}) {
		c.account.alarmed = append(c.account.alarmed, r.Name)
	}
}

// drained is how long a group takes to go: each target stays for the whole delay of its target group, idle or not, and
// Auto Scaling waits for that
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#deregistration-delay,
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/attach-load-balancer-asg.html).
func (c *Cloud) drained(group *Resource) time.Duration {
	longest := 0.0
	for _, arn := range textsAt(group.Inputs, "targetGroupArns[]") {
		if target := c.named(reference{to: targetGroupType, output: "arn"}, arn); target != nil {
			if delay := awsmodel.Plain(target.Outputs["deregistrationDelay"]); delay.IsNumber() {
				longest = max(longest, delay.NumberValue())
			}
		}
	}
	return time.Duration(longest) * time.Second
}

// terminates is how long an instance takes to end after it was drained.
const terminates = 2 * time.Minute

// groupDelete is how long the provider waits for a group to go where the program does not say
// (https://github.com/hashicorp/terraform-provider-aws/blob/v5.100.0/internal/service/autoscaling/group.go).
const groupDelete = 10 * time.Minute

// takes is how long a deletion takes, and whether the provider waits for it. timeout is the program's, 0 where it says
// none. The group waits for its instances, and they for the target groups
// (https://github.com/hashicorp/terraform-provider-aws/blob/v5.100.0/internal/service/autoscaling/group.go).
func (c *Cloud) takes(r *Resource, timeout time.Duration) (time.Duration, error) {
	if r.Token != groupType {
		return 0, nil
	}
	need := c.drained(r) + terminates
	if timeout == 0 {
		timeout = groupDelete
	}
	if need > timeout {
		return need, fmt.Errorf("waiting for Auto Scaling Group (%s) drain: timeout while waiting for state: its "+
			"instances take %v, and the time is %v", r.ID, need, timeout)
	}
	return need, nil
}

// after does what AWS does by itself when a resource is gone.
func (c *Cloud) after(r *Resource) {
	switch r.Token {
	case logGroupType:
		// A line that was on its way makes the group again, with no retention
		// (https://github.com/hashicorp/terraform-provider-aws/issues/42858).
		if name := r.text("name"); strings.HasPrefix(name, "/aws/rds/instance/") {
			c.account.leftovers[name] = true
		}
	case recordType:
		if name := strings.TrimSuffix(r.text("name"), "."); c.account.shared[name] {
			// https://docs.aws.amazon.com/acm/latest/userguide/dns-renewal-validation.html: the record has to stay in
			// place.
			c.account.broken = append(c.account.broken, "a certificate cannot be renewed: the record "+name+" is gone")
		}
	}
}

package engine

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/iam"
	"dossier.example/plan/internal/awsmodel"
)

// places are the rules of AWS that depend on what else there is, by type. They are asked when a resource is created or
// changed.
var places = map[string]func(*Cloud, *Resource) error{
	subnetType:         (*Cloud).placeSubnet,
	associationType:    (*Cloud).placeAssociation,
	routeType:          (*Cloud).placeRoute,
	natType:            (*Cloud).placeNAT,
	eipAssociationType: (*Cloud).placeEIPAssociation,
	endpointType:       (*Cloud).placeEndpoint,
	ingressType:        (*Cloud).placeGroupRule,
	egressType:         (*Cloud).placeGroupRule,
	instanceType:       (*Cloud).placeInstance,
	templateType:       (*Cloud).placeTemplate,
	balancerType:       (*Cloud).placeBalancer,
	listenerType:       (*Cloud).placeListener,
	groupType:          (*Cloud).placeGroup,
	scalingPolicyType:  (*Cloud).placeScalingPolicy,
	subnetGroupType:    (*Cloud).placeSubnetGroup,
	databaseType:       (*Cloud).placeDatabase,
	bucketPolicyType:   (*Cloud).placeBucketPolicy,
	rolePolicyType:     (*Cloud).placeRolePolicy,
	malwarePlanType:    (*Cloud).placeMalwarePlan,
	userPoolType:       (*Cloud).placeUserPool,
	poolDomainType:     (*Cloud).placePoolDomain,
	cloudControlType:   (*Cloud).placeCloudControl,
	logGroupType:       (*Cloud).placeLogGroup,
	validationType:     (*Cloud).placeValidation,
}

// text is an input's text.
func (r *Resource) text(key string) string { return (look{in: r.Inputs}).textOr(key) }

func (l look) textOr(key string) string {
	v, _ := l.text(key)
	return v
}

// of are the resources of a type whose input has the value.
func (c *Cloud) of(token, key, value string) []*Resource {
	var found []*Resource
	for _, r := range c.resources {
		if r.Token == token && r.text(key) == value {
			found = append(found, r)
		}
	}
	return found
}

func (c *Cloud) byID(token, id string) *Resource {
	return c.named(reference{to: token}, id)
}

// vpcOf is the VPC of subnets and security groups; an error when they are not all in one.
func (c *Cloud) vpcOf(subnets, groups []string) (string, error) {
	vpc := ""
	for _, list := range []struct {
		token string
		ids   []string
	}{{subnetType, subnets}, {securityGroupType, groups}} {
		for _, id := range list.ids {
			r := c.byID(list.token, id)
			switch in := r.text("vpcId"); {
			case vpc == "":
				vpc = in
			case vpc != in:
				return "", fmt.Errorf("%s is in %s and not, as the others, in %s", id, in, vpc)
			}
		}
	}
	return vpc, nil
}

// attached reports whether the VPC has an internet gateway:
// https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html.
func (c *Cloud) attached(vpc string) error {
	if len(c.of(gatewayType, "vpcId", vpc)) == 0 {
		return fmt.Errorf("the VPC %s has no internet gateway", vpc)
	}
	return nil
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html
func (c *Cloud) placeSubnet(r *Resource) error {
	own, err := netip.ParsePrefix(r.text("cidrBlock"))
	if err != nil {
		return err
	}
	vpc, err := netip.ParsePrefix(c.byID(vpcType, r.text("vpcId")).text("cidrBlock"))
	if err != nil {
		return err
	}
	if !vpc.Contains(own.Addr()) || own.Bits() < vpc.Bits() {
		return fmt.Errorf("InvalidSubnet.Range: %s is not within the VPC's block %s", own, vpc)
	}
	for _, other := range c.of(subnetType, "vpcId", r.text("vpcId")) {
		if b, err := netip.ParsePrefix(other.text("cidrBlock")); other != r && err == nil && b.Overlaps(own) {
			return fmt.Errorf("InvalidSubnet.Conflict: %s overlaps %s of %s", own, b, other.ID)
		}
	}
	return nil
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html: in the same VPC.
func (c *Cloud) placeAssociation(r *Resource) error {
	if subnet, table := c.byID(subnetType, r.text("subnetId")),
		c.byID(routeTableType, r.text("routeTableId")); subnet != nil && subnet.text("vpcId") != table.text("vpcId") {
		return errors.New("the route table and the subnet belong to different VPCs")
	}
	return nil
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html and, of what forwards,
// https://docs.aws.amazon.com/vpc/latest/userguide/work-with-nat-instances.html#EIP_Disable_SrcDestCheck.
func (c *Cloud) placeRoute(r *Resource) error {
	vpc := c.byID(routeTableType, r.text("routeTableId")).text("vpcId")
	if gateway := c.byID(gatewayType, r.text("gatewayId")); gateway != nil && gateway.text("vpcId") != vpc {
		return fmt.Errorf("the route table and the internet gateway %s belong to different VPCs", gateway.ID)
	}
	if nat := c.byID(natType, r.text("natGatewayId")); nat != nil &&
		c.byID(subnetType, nat.text("subnetId")).text("vpcId") != vpc {
		return fmt.Errorf("the route table and the NAT gateway %s belong to different VPCs", nat.ID)
	}
	if eni := r.text("networkInterfaceId"); eni != "" {
		instance := c.named(reference{to: instanceType, output: "primaryNetworkInterfaceId"}, eni)
		if c.byID(subnetType, instance.text("subnetId")).text("vpcId") != vpc {
			return fmt.Errorf("the route table and the interface %s belong to different VPCs", eni)
		}
		if check := (look{in: instance.Inputs}).value("sourceDestCheck"); !check.IsBool() || check.BoolValue() {
			return fmt.Errorf("%s drops what it should forward: its sourceDestCheck is on", instance.ID)
		}
	}
	return nil
}

// https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html
func (c *Cloud) placeNAT(r *Resource) error {
	if err := c.free(r); err != nil {
		return err
	}
	if err := c.attached(c.byID(subnetType, r.text("subnetId")).text("vpcId")); err != nil {
		return fmt.Errorf("Gateway.NotAttached: %w", err)
	}
	return nil
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html: Gateway.NotAttached.
func (c *Cloud) placeEIPAssociation(r *Resource) error {
	if err := c.free(r); err != nil {
		return err
	}
	if err := c.attached(c.byID(subnetType,
		c.byID(instanceType, r.text("instanceId")).text("subnetId")).text("vpcId")); err != nil {
		return fmt.Errorf("Gateway.NotAttached: %w", err)
	}
	return nil
}

// free reports whether the Elastic IP that a resource asks for has no other use: hashicorp/terraform-provider-aws#709,
// hashicorp/terraform-provider-aws#3572.
func (c *Cloud) free(r *Resource) error {
	for _, token := range []string{natType, eipAssociationType} {
		for _, user := range c.of(token, "allocationId", r.text("allocationId")) {
			if user != r {
				return fmt.Errorf("Resource.AlreadyAssociated: %s is in use by %s", r.text("allocationId"), user.ID)
			}
		}
	}
	return nil
}

// https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html: route tables of its own VPC.
func (c *Cloud) placeEndpoint(r *Resource) error {
	for _, id := range textsAt(r.Inputs, "routeTableIds[]") {
		if c.byID(routeTableType, id).text("vpcId") != r.text("vpcId") {
			return fmt.Errorf("the route table %s is not in %s", id, r.text("vpcId"))
		}
	}
	return nil
}

// rulesPerGroup is for each direction:
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups.
const rulesPerGroup = 60

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html: InvalidPermission.Duplicate,
// RulesPerSecurityGroupLimitExceeded.
func (c *Cloud) placeGroupRule(r *Resource) error {
	if _, err := c.vpcOf(nil,
		append(textsAt(r.Inputs, "securityGroupId"), textsAt(r.Inputs, "referencedSecurityGroupId")...)); err != nil {
		return err
	}
	what := func(r *Resource) string {
		return fmt.Sprint(r.text("ipProtocol"), r.Inputs["fromPort"], r.Inputs["toPort"], r.text("cidrIpv4"),
			r.text("cidrIpv6"), r.text("prefixListId"),
			r.text("referencedSecurityGroupId"))
	}
	others := c.of(r.Token, "securityGroupId", r.text("securityGroupId"))
	for _, other := range others {
		if other != r && what(other) == what(r) {
			return fmt.Errorf("InvalidPermission.Duplicate: %s says the same", other.ID)
		}
	}
	if len(others) > rulesPerGroup {
		return fmt.Errorf("RulesPerSecurityGroupLimitExceeded: %s has %d rules", r.text("securityGroupId"), len(others))
	}
	return nil
}

// ansible/ansible-modules-core#347: "Security group … and subnet … belong to different networks". A profile gets its
// role by a call of its own (https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html).
func (c *Cloud) placeInstance(r *Resource) error {
	if _, err := c.vpcOf(textsAt(r.Inputs, "subnetId"), textsAt(r.Inputs, "vpcSecurityGroupIds[]")); err != nil {
		return fmt.Errorf("InvalidParameter: %w", err)
	}
	if err := c.freeInstance(r.text("instanceType")); err != nil {
		return err
	}
	if err := c.offered(r.text("instanceType"),
		awsmodel.Text(c.byID(subnetType, r.text("subnetId")).Outputs["availabilityZone"])); err != nil {
		return err
	}
	if profile := c.byID(profileType, r.text("iamInstanceProfile")); profile != nil && profile.text("role") == "" {
		return fmt.Errorf("InvalidParameterValue: the instance profile %s has no role", profile.ID)
	}
	return nil
}

// ansible/ansible-modules-core#347: groups of one VPC, or no instance starts.
func (c *Cloud) placeTemplate(r *Resource) error {
	_, err := c.vpcOf(nil, textsAt(r.Inputs, "networkInterfaces[].securityGroups[]"))
	return err
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#subnets-load-balancer
func (c *Cloud) placeBalancer(r *Resource) error {
	if err := c.serviceRole("elasticloadbalancing.amazonaws.com"); err != nil {
		return err
	}
	subnets := textsAt(r.Inputs, "subnets[]")
	vpc, err := c.vpcOf(subnets, textsAt(r.Inputs, "securityGroups[]"))
	if err != nil {
		return fmt.Errorf("InvalidConfigurationRequest: %w", err)
	}
	zones := map[string]string{}
	for _, id := range subnets {
		subnet := c.byID(subnetType, id)
		zone := awsmodel.Text(subnet.Outputs["availabilityZone"])
		if other, taken := zones[zone]; taken {
			return fmt.Errorf("InvalidConfigurationRequest: %s and %s are both in %s", other, id, zone)
		}
		zones[zone] = id
		if free := c.freeAddresses(subnet); free < balancerAddresses {
			return fmt.Errorf("InvalidSubnet: not enough IP space available in %s: %d addresses are free, and a "+
				"load balancer needs %d", id, free, balancerAddresses)
		}
	}
	if !(look{in: r.Inputs}).flag("internal") {
		if err := c.attached(vpc); err != nil {
			return fmt.Errorf("InvalidSubnet: %w", err)
		}
	}
	logs, given := (look{in: r.Inputs}).object("accessLogs")
	if !given || !logs.flag("enabled") {
		return nil
	}
	// AWS writes a test object when logs are turned on.
	bucket, prefix := logs.textOr("bucket"), logs.textOr("prefix")
	if prefix != "" {
		prefix += "/"
	}
	key := "arn:aws:s3:::" + bucket + "/" + prefix + "AWSLogs/" + c.model.Account + "/ELBAccessLogTestFile"
	if !c.serviceMay(bucket, "logdelivery.elasticloadbalancing.amazonaws.com", "s3:PutObject", key) {
		return fmt.Errorf("InvalidConfigurationRequest: Access Denied for bucket: %s. Please check S3bucket permission",
			bucket)
	}
	c.put(bucket, prefix+"AWSLogs/"+c.model.Account+"/ELBAccessLogTestFile")
	return nil
}

// balancerAddresses have to be free in each subnet of a load balancer.
const balancerAddresses = 8

// freeAddresses counts the addresses of a subnet that nothing has: EC2 keeps five
// (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
func (c *Cloud) freeAddresses(subnet *Resource) int {
	block, err := netip.ParsePrefix(subnet.text("cidrBlock"))
	if err != nil {
		return 0
	}
	return 1<<(32-block.Bits()) - 5 - len(c.of(instanceType, "subnetId", subnet.ID)) - len(c.of(natType, "subnetId",
		subnet.ID))
}

// serviceMay reports whether the bucket's policy allows an AWS service an action.
func (c *Cloud) serviceMay(bucket, service, action, resource string) bool {
	for _, policy := range c.of(bucketPolicyType, "bucket", bucket) {
		d, err := iam.Parse(policy.text("policy"))
		if err != nil {
			continue
		}
		for _, s := range d.Statement {
			if slices.Contains(s.Principal["Service"], service) && s.MayAllow(action, resource) {
				return true
			}
		}
	}
	return false
}

// kubernetes-sigs/aws-load-balancer-controller#1045: "is in a different VPC than load balancer";
// hashicorp/terraform-provider-aws#41789: what a certificate that is not issued yet is called.
func (c *Cloud) placeListener(r *Resource) error {
	balancer := c.named(reference{to: balancerType, output: "arn"}, r.text("loadBalancerArn"))
	vpc := c.byID(subnetType, textsAt(balancer.Inputs, "subnets[]")[0]).text("vpcId")
	for _, target := range textsAt(r.Inputs, "defaultActions[].targetGroupArn") {
		if group := c.named(reference{to: targetGroupType, output: "arn"}, target); group.text("vpcId") != vpc {
			return fmt.Errorf("the target group %s is not in the load balancer's VPC", target)
		}
	}
	if certificate := r.text("certificateArn"); certificate != "" && !c.issued[certificate] {
		return fmt.Errorf("UnsupportedCertificate: the certificate %s is not validated", certificate)
	}
	return nil
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchTemplateSpecification.html and, of a target group
// that nothing forwards to, Target.NotInUse in
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html.
func (c *Cloud) placeGroup(r *Resource) error {
	template, _ := (look{in: r.Inputs}).object("launchTemplate")
	made := c.byID(templateType, template.textOr("id"))
	if made == nil {
		return errors.New("ValidationError: a launch template has to be named by its id")
	}
	if err := c.serviceRole("autoscaling.amazonaws.com"); err != nil {
		return err
	}
	// A group is made all the same, and its launches fail: here that is its failure.
	kind := made.text("instanceType")
	if err := c.freeInstance(kind); err != nil {
		return err
	}
	for _, id := range textsAt(r.Inputs, "vpcZoneIdentifiers[]") {
		if err := c.offered(kind, awsmodel.Text(c.byID(subnetType, id).Outputs["availabilityZone"])); err != nil {
			return err
		}
	}
	latest := awsmodel.Plain(made.Outputs["latestVersion"]).NumberValue()
	if n, err := strconv.Atoi(template.textOr("version")); err != nil || n < 1 || float64(n) > latest {
		return fmt.Errorf("ValidationError: %s has no version %q; the latest is %v", made.ID,
			template.textOr("version"), latest)
	}
	vpc, err := c.vpcOf(textsAt(r.Inputs, "vpcZoneIdentifiers[]"),
		textsAt(made.Inputs, "networkInterfaces[].securityGroups[]"))
	if err != nil {
		return fmt.Errorf("ValidationError: %w", err)
	}
	for _, target := range textsAt(r.Inputs, "targetGroupArns[]") {
		group := c.named(reference{to: targetGroupType, output: "arn"}, target)
		if group.text("vpcId") != vpc {
			return fmt.Errorf("ValidationError: the target group %s is not in %s", target, vpc)
		}
		if r.text("healthCheckType") == "ELB" && !c.forwards(target) {
			return fmt.Errorf("the target group %s has no listener: its targets would never be healthy", target)
		}
	}
	return nil
}

// forwards reports whether a listener forwards to the target group.
func (c *Cloud) forwards(target string) bool {
	for _, r := range c.resources {
		if r.Token == listenerType && slices.Contains(textsAt(r.Inputs, "defaultActions[].targetGroupArn"), target) {
			return true
		}
	}
	return false
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html
func (c *Cloud) placeScalingPolicy(r *Resource) error {
	for _, label := range textsAt(r.Inputs, "targetTrackingConfiguration.predefinedMetricSpecification.resourceLabel") {
		balancer, target, _ := strings.Cut(label, "/targetgroup/")
		group := c.named(reference{to: targetGroupType, output: "arnSuffix"}, "targetgroup/"+target)
		if c.named(reference{to: balancerType, output: "arnSuffix"}, balancer) == nil || group == nil {
			return fmt.Errorf("ValidationError: %s names no load balancer and target group", label)
		}
		of := c.byID(groupType, r.text("autoscalingGroupName"))
		if !slices.Contains(textsAt(of.Inputs, "targetGroupArns[]"), awsmodel.Text(group.Outputs["arn"])) {
			return fmt.Errorf("ValidationError: %s is not a target group of %s", group.ID, of.ID)
		}
	}
	return nil
}

// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
func (c *Cloud) placeSubnetGroup(r *Resource) error {
	zones := map[string]bool{}
	ids := textsAt(r.Inputs, "subnetIds[]")
	for _, id := range ids {
		zones[awsmodel.Text(c.byID(subnetType, id).Outputs["availabilityZone"])] = true
	}
	if len(zones) < 2 {
		return errors.New("DBSubnetGroupDoesNotCoverEnoughAZs: two zones at least")
	}
	_, err := c.vpcOf(ids, nil)
	return err
}

// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html: the subnet group, and the
// parameter group's family; terraform-aws-modules/terraform-aws-rds#451: what groups of another VPC are called;
// hashicorp/terraform-provider-aws#5348: the log groups.
func (c *Cloud) placeDatabase(r *Resource) error {
	if err := c.serviceRole("rds.amazonaws.com"); err != nil {
		return err
	}
	if err := c.freeDatabase(r); err != nil {
		return err
	}
	subnets := c.byID(subnetGroupType, r.text("dbSubnetGroupName"))
	if subnets == nil {
		return errors.New("without a subnet group the database would be in the default VPC, which new accounts may " +
			"lack")
	}
	if _, err := c.vpcOf(textsAt(subnets.Inputs, "subnetIds[]"),
		textsAt(r.Inputs, "vpcSecurityGroupIds[]")); err != nil {
		return fmt.Errorf("InvalidParameterCombination: %w", err)
	}
	if group := c.byID(parameterGroupType, r.text("parameterGroupName")); group != nil {
		version := r.text("engineVersion")
		if family := r.text("engine") + version; group.text("family") != family && !strings.HasPrefix(family,
			group.text("family")+".") {
			return fmt.Errorf("InvalidParameterCombination: the parameter group's family is %s, and the engine %s %s",
				group.text("family"), r.text("engine"), version)
		}
	}
	// RDS makes the groups that it needs, with no retention, and Pulumi then finds theirs taken.
	for _, kind := range textsAt(r.Inputs, "enabledCloudwatchLogsExports[]") {
		name := "/aws/rds/instance/" + r.text("identifier") + "/" + kind
		if c.byID(logGroupType, name) == nil {
			return fmt.Errorf("RDS would make the log group %s itself: it has to be there before", name)
		}
	}
	return nil
}

// placeLogGroup refuses a name that is taken
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html).
func (c *Cloud) placeLogGroup(r *Resource) error {
	if c.account.leftovers[r.text("name")] {
		return fmt.Errorf("ResourceAlreadyExistsException: The specified log group already exists: %s", r.text("name"))
	}
	return nil
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func (c *Cloud) placeBucketPolicy(r *Resource) error {
	d, err := iam.Parse(r.text("policy"))
	if err != nil {
		return err
	}
	bucket := "arn:aws:s3:::" + r.text("bucket")
	for _, s := range d.Statement {
		for _, resource := range s.Resource {
			if resource != bucket && !strings.HasPrefix(resource, bucket+"/") {
				return fmt.Errorf("MalformedPolicy: %s is not of the bucket %s", resource, r.text("bucket"))
			}
		}
		for _, block := range c.of(bucketBlockType, "bucket", r.text("bucket")) {
			if (look{in: block.Inputs}).flag("blockPublicPolicy") && s.Allows() && len(s.Condition) == 0 &&
				s.Principal.Everyone() {
				return fmt.Errorf("AccessDenied: the policy is public, which the bucket's public access block "+
					"forbids: %s", s.Sid)
			}
		}
	}
	return nil
}

// placeRolePolicy adds up what a role has: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
func (c *Cloud) placeRolePolicy(r *Resource) error {
	sum := 0
	for _, policy := range c.of(rolePolicyType, "role", r.text("role")) {
		if policy != r {
			sum += len(withoutSpace(policy.text("policy")))
		}
	}
	if sum += len(withoutSpace(r.text("policy"))); sum > inlinePolicyChars {
		return fmt.Errorf("LimitExceeded: the inline policies of %s have %d characters together, and may have %d",
			r.text("role"), sum, inlinePolicyChars)
	}
	return nil
}

// placeValidation waits for the records, as the provider does (internal/service/acm/certificate_validation.go): without
// one it waits until its time is over (https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html).
func (c *Cloud) placeValidation(r *Resource) error {
	certificate := c.named(reference{to: certificateType, output: "arn"}, r.text("certificateArn"))
	for _, option := range (look{in: certificate.Outputs}).objects("domainValidationOptions") {
		name, value := option.textOr("resourceRecordName"), option.textOr("resourceRecordValue")
		there := false
		for _, record := range c.resources {
			there = there || record.Token == recordType && strings.TrimSuffix(record.text("name"),
				".") == strings.TrimSuffix(name, ".") &&
				record.text("type") == option.textOr("resourceRecordType") &&
				slices.Contains(textsAt(record.Inputs, "records[]"), value)
		}
		if !there {
			return fmt.Errorf("the certificate stays PENDING_VALIDATION: there is no record %s %s", name, value)
		}
		if fqdns := textsAt(r.Inputs, "validationRecordFqdns[]"); len(fqdns) > 0 &&
			!slices.Contains(fqdns, strings.TrimSuffix(name, ".")) {
			return fmt.Errorf("%s is not among the names of records, %v", name, fqdns)
		}
	}
	c.issued[certificate.ID] = true
	return nil
}

// leaving are the rules of AWS for what is to be deleted, beside that nothing uses it.
func (c *Cloud) leaving(r *Resource) error {
	in := look{in: r.Inputs}
	switch r.Token {
	case gatewayType:
		// https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html: "some mapped public address(es)".
		for _, other := range c.resources {
			if c.public(other) == r.text("vpcId") {
				return fmt.Errorf("DependencyViolation: the VPC %s has mapped public addresses: %s %s", r.text("vpcId"),
					other.Token, other.ID)
			}
		}
	case balancerType:
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
		if in.flag("enableDeletionProtection") {
			return fmt.Errorf("OperationNotPermitted: deletion protection of %s is on", r.ID)
		}
	case databaseType:
		// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html; the provider's
		// internal/service/rds/instance.go.
		if in.flag("deletionProtection") {
			return fmt.Errorf("InvalidParameterCombination: deletion protection of %s is on", r.text("identifier"))
		}
		if !in.flag("skipFinalSnapshot") && !in.given("finalSnapshotIdentifier") {
			return errors.New("finalSnapshotIdentifier is required when skipFinalSnapshot is false")
		}
	case userPoolType:
		// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-deletion-protection.html
		if r.text("deletionProtection") == "ACTIVE" {
			return fmt.Errorf("InvalidParameterException: The user pool cannot be deleted because deletion protection "+
				"is activated: %s", r.ID)
		}
	case tableType:
		// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
		if in.flag("deletionProtectionEnabled") {
			return fmt.Errorf("ValidationException: deletion protection of %s is on", r.ID)
		}
	case bucketType:
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html; forceDestroy is the provider's
		// internal/service/s3/bucket.go.
		if n := c.stored(r.ID); n > 0 && !in.flag("forceDestroy") {
			return fmt.Errorf("BucketNotEmpty: %s holds %d versions of objects, or markers", r.ID, n)
		}
	}
	return nil
}

// public is the VPC in which a resource holds a public address; empty when it holds none. What has some:
// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-ip-addressing.html#vpc-public-ipv4-addresses.
func (c *Cloud) public(r *Resource) string {
	in := look{in: r.Inputs}
	subnet := ""
	switch r.Token {
	case natType:
		subnet = r.text("subnetId")
	case instanceType:
		if in.flag("associatePublicIpAddress") {
			subnet = r.text("subnetId")
		}
	case eipAssociationType:
		if instance := c.byID(instanceType, r.text("instanceId")); instance != nil {
			subnet = instance.text("subnetId")
		}
	case balancerType:
		if ids := textsAt(r.Inputs, "subnets[]"); !in.flag("internal") && len(ids) > 0 {
			subnet = ids[0]
		}
	}
	if s := c.byID(subnetType, subnet); s != nil {
		return s.text("vpcId")
	}
	return ""
}

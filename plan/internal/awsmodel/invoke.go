package awsmodel

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// ErrUnknown tells that it is not known here what a function answers.
var ErrUnknown = errors.New("what the function answers is not known here")

// Invoke answers a function of the AWS provider. What is refused here has to be added here: an answer that nobody
// thought about would make a test say what AWS does not.
func (m Model) Invoke(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
	text := func(key string) string { return Text(args[resource.PropertyKey(key)]) }
	arn := func(rest string) string { return "arn:" + m.Partition() + ":" + rest }
	answer := func(v map[string]any) (resource.PropertyMap, error) {
		out := value(v).ObjectValue()
		// The provider's answers repeat the question.
		for key, arg := range args {
			if _, has := out[key]; !has {
				out[key] = arg
			}
		}
		return out, nil
	}
	switch token {
	case "aws:index/getAvailabilityZones:getAvailabilityZones":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/availability_zones
		zones, ids := m.zones()
		return answer(map[string]any{"id": m.Region, "names": zones, "zoneIds": ids, "groupNames": []string{m.Region}})
	case "aws:ec2/getSubnets:getSubnets":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/subnets
		return answer(map[string]any{"id": m.Region, "ids": []any{}}) // none exists before the program runs
	case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/ec2_instance_type_offerings
		kind := ""
		for _, filter := range args["filters"].ArrayValue() {
			for _, v := range Plain(filter).ObjectValue()["values"].ArrayValue() {
				kind = Text(v)
			}
		}
		zones := m.offering(kind)
		types := make([]string, len(zones))
		for i := range types {
			types[i] = kind
		}
		return answer(map[string]any{"id": m.Region, "instanceTypes": types, "locations": zones,
			"locationTypes": types})
	case "aws:rds/getOrderableDbInstance:getOrderableDbInstance":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/rds_orderable_db_instance
		class := ""
		for _, v := range args["preferredInstanceClasses"].ArrayValue() {
			class = Text(v)
		}
		return answer(map[string]any{"id": class, "instanceClass": class, "engineVersion": "8.4.7",
			"availabilityZones": m.offering(class)})
	case "aws:index/getCallerIdentity:getCallerIdentity":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/caller_identity
		return answer(map[string]any{
			"id": m.Account, "accountId": m.Account, "userId": "AIDACKCEVSQ6C2EXAMPLE",
			"arn": arn("iam::" + m.Account + ":user/deployer"),
		})
	case "aws:index/getPartition:getPartition":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/partition
		suffix := m.partition().suffix
		parts := strings.Split(suffix, ".")
		slices.Reverse(parts)
		return answer(map[string]any{"id": m.Partition(), "partition": m.Partition(), "dnsSuffix": suffix,
			"reverseDnsPrefix": strings.Join(parts, ".")})
	case "aws:index/getRegion:getRegion":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/region
		if asked := text("name"); asked != "" && asked != m.Region {
			return nil, fmt.Errorf("%w: %s of %s, where the region is %s", ErrUnknown, token, asked, m.Region)
		}
		// Since 7.0 of the Pulumi provider the region is called so: https://www.pulumi.com/registry/packages/aws/
		return answer(map[string]any{"id": m.Region, "name": m.Region, "region": m.Region, "description": m.Region,
			"endpoint": "ec2." + m.Region + ".amazonaws.com"})
	case "aws:ec2/getAmi:getAmi":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/ami
		id := ec2ID("ami", m.Region, fmt.Sprint(args.Mappable()))
		architecture := architectureOf(args)
		return answer(map[string]any{
			"id": id, "imageId": id, "arn": arn("ec2:" + m.Region + "::image/" + id), "architecture": architecture,
			"state": "available",
			"name":  "al2023-ami-2023.6.20250101.0-kernel-6.1-" + architecture, "ownerId": "137112412989",
			"imageOwnerAlias": "amazon",
			"rootDeviceName":  "/dev/xvda", "rootDeviceType": "ebs", "virtualizationType": "hvm",
			"creationDate": created,
		})
	case "aws:ssm/getParameter:getParameter":
		name := text("name")
		// Only the parameters that AWS itself publishes are there before the program runs:
		// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html.
		if !strings.HasPrefix(name, "/aws/service/ami-") {
			return nil, fmt.Errorf("%w: %s: the parameter %q is not one of AWS's own", ErrUnknown, token, name)
		}
		return answer(map[string]any{
			"id": name, "arn": arn("ssm:" + m.Region + "::parameter" + name), "type": "String", "version": 1,
			"value": ec2ID("ami", m.Region, name), "insecureValue": ec2ID("ami", m.Region, name),
		})
	case "aws:ec2/getManagedPrefixList:getManagedPrefixList":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/ec2_managed_prefix_list
		id := prefixList(m.Region, text("name"))
		return answer(map[string]any{
			"id": id, "arn": arn("ec2:" + m.Region + ":aws:prefix-list/" + id), "ownerId": "AWS",
			"addressFamily": "IPv4", "maxEntries": 0,
			"version": 0, "entries": []any{},
		})
	case "aws:elb/getServiceAccount:getServiceAccount":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/elb_service_account
		account, known := balancers[m.Region]
		if !known {
			return nil, fmt.Errorf("%w: %s in %s", ErrUnknown, token, m.Region)
		}
		return answer(map[string]any{"id": account, "arn": arn("iam::" + account + ":root")})
	case "aws:route53/getZone:getZone":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/route53_zone
		id := text("zoneId")
		if id == "" {
			id = "Z" + strings.ToUpper(digest(20, "zone", text("name")))
		}
		return answer(map[string]any{"id": id, "zoneId": id, "arn": arn("route53:::hostedzone/" + id),
			"nameServers": []any{}})
	case "aws:iam/getPolicyDocument:getPolicyDocument":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/iam_policy_document
		return policyDocument(args)
	}
	return nil, fmt.Errorf("%w: add the answer of %s to Invoke in "+
		"plan/internal/awsmodel/invoke.go", ErrUnknown, token)
}

// architectureOf is that of the image which a question is about: the one that a filter names, or that stands in a name;
// arm64 where nothing tells.
func architectureOf(args resource.PropertyMap) string {
	names := []string{Text(args["nameRegex"])}
	if filters := Plain(args["filters"]); filters.IsArray() {
		for _, filter := range filters.ArrayValue() {
			f := Plain(filter)
			if !f.IsObject() || !Plain(f.ObjectValue()["values"]).IsArray() {
				continue
			}
			for _, v := range Plain(f.ObjectValue()["values"]).ArrayValue() {
				if text := Text(v); Text(f.ObjectValue()["name"]) == "architecture" && text != "" {
					return text
				} else if text != "" {
					names = append(names, text)
				}
			}
		}
	}
	if all := strings.Join(names, " "); strings.Contains(all, "x86_64") || strings.Contains(all, "amd64") {
		return "x86_64"
	}
	return "arm64"
}

// balancers are the accounts by which load balancers write their access logs, by region, as the provider has them:
// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/data-sources/elb_service_account.
var balancers = map[string]string{
	"af-south-1": "098369216593", "ap-east-1": "754344448648", "ap-northeast-1": "582318560864",
	"ap-northeast-2": "600734575887", "ap-northeast-3": "383597477331", "ap-south-1": "718504428378",
	"ap-southeast-1": "114774131450", "ap-southeast-2": "783225319266", "ap-southeast-3": "589379963580",
	"ca-central-1": "985666609251", "cn-north-1": "638102146993", "cn-northwest-1": "037604701340",
	"eu-central-1": "054676820928", "eu-north-1": "897822967062", "eu-south-1": "635631232127",
	"eu-west-1": "156460612806", "eu-west-2": "652711504416", "eu-west-3": "009996457667",
	"me-south-1": "076674570225", "sa-east-1": "507241528517", "us-east-1": "127311923021",
	"us-east-2": "033677994240", "us-gov-east-1": "190560391635", "us-gov-west-1": "048591011584",
	"us-west-1": "027434742980", "us-west-2": "797873946194",
}

// zones are the names and ids of the availability zones that need no opt-in:
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html.
func (m Model) zones() (names, ids []string) {
	letters := "abc"
	switch m.Region {
	case "us-east-1":
		letters = "abcdef"
	case "us-west-2":
		letters = "abcd"
	}
	parts := strings.Split(m.Region, "-")
	short := parts[0]
	if len(parts) == 3 {
		short += parts[1][:1] + parts[2]
	}
	for i, letter := range letters {
		names = append(names, m.Region+string(letter))
		ids = append(ids, fmt.Sprintf("%s-az%d", short, i+1))
	}
	return names, ids
}

// Offers reports whether a zone has an instance type, or a class of databases. Not every zone has every type, and the
// letters of zones differ by account (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-discovery.html; one
// that was met: https://github.com/ned1313/Getting-Started-Terraform/issues/44). Here the zone use1-az3, the third, has
// no t4g.
func (m Model) Offers(zone, kind string) bool {
	names, ids := m.zones()
	i := slices.Index(names, zone)
	return i >= 0 && !(ids[i] == "use1-az3" && strings.HasPrefix(strings.TrimPrefix(kind, "db."), "t4g."))
}

// offering are the zones that offer a type or class.
func (m Model) offering(kind string) []string {
	names, _ := m.zones()
	return slices.DeleteFunc(names, func(zone string) bool { return !m.Offers(zone, kind) })
}

func prefixList(region, service string) string {
	return "pl-" + digest(8, "prefix list", region, service)
}

package preflight_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"dossier.example/infra/internal/awsfake"
	"dossier.example/infra/preflight"
)

func lines(findings []preflight.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

func expect(t *testing.T, w *world, faults, warnings []string) {
	t.Helper()
	gotFaults, gotWarnings := w.check()
	for _, c := range []struct {
		what string
		got  []preflight.Finding
		want []string
	}{{"errors", gotFaults, faults}, {"warnings", gotWarnings, warnings}} {
		if len(c.got) != len(c.want) {
			t.Errorf("%d %s, expected %d:\n%s", len(c.got), c.what, len(c.want), lines(c.got))
			continue
		}
		for i, want := range c.want {
			if got := c.got[i].String(); !strings.Contains(got, want) {
				t.Errorf("%s: %q does not say %q", c.what, got, want)
			}
			if c.got[i].Mend == "" {
				t.Errorf("%s: %q has no mend", c.what, c.got[i])
			}
		}
	}
	if err := w.Unanswered(); err != nil {
		t.Error(err)
	}
	for _, call := range w.Calls() {
		_, operation, _ := strings.Cut(call, ".")
		if !slices.ContainsFunc([]string{"Get", "Describe", "List", "Simulate"}, func(p string) bool {
			return strings.HasPrefix(operation, p)
		}) {
			t.Errorf("%s does not only read", call)
		}
	}
}

func TestYoungAccountPasses(t *testing.T) { expect(t, young(t), nil, nil) }

func TestSecondUpPasses(t *testing.T) {
	for name, tags := range map[string]map[string]string{
		"default tags": {"Project": "dossier", "Stack": "prod"},
		"no tags":      nil, // who removed aws:defaultTags: the stack's VPC tells
		"own tags":     {"Project": "webshop", "Stack": "production"},
	} {
		t.Run(name, func(t *testing.T) {
			w := young(t)
			w.deployed(tags)
			// With what the stack holds itself, each quota is used up.
			set(w, "L-1216C47A", 2+2*7+2)
			set(w, "L-0263D0A3", 4)
			set(w, "L-F678F1CE", 1)
			expect(t, w, nil, nil)
		})
	}
}

// set has one quota of another value.
func set(w *world, code string, value float64) {
	before := w.quota
	w.quota = func(of string) (float64, bool) {
		if of == code {
			return value, true
		}
		return before(of)
	}
}

func TestFindings(t *testing.T) {
	stranger := map[string]string{"Project": "dossier", "Stack": "other"}
	own := map[string]string{"Project": "dossier", "Stack": "prod"}
	for _, c := range []struct {
		name             string
		change           func(w *world)
		faults, warnings []string
	}{
		{"credentials", func(w *world) {
			awsfake.Fail[sts.GetCallerIdentityInput](w.Cloud,
				awsfake.Refuse("ExpiredToken", "The security token included in the request is expired"))
		}, []string{"credentials: AWS does not accept the credentials in us-east-1: api error ExpiredToken: The " +
			"security token"}, nil},
		{"region off", func(w *world) {
			awsfake.Change(w.Cloud, func(_ *ec2.DescribeRegionsInput, out *ec2.DescribeRegionsOutput) {
				out.Regions[0].OptInStatus = aws.String("not-opted-in")
			})
		}, []string{"region: us-east-1 is not enabled in the account"}, nil},
		{"no region", func(w *world) {
			awsfake.Fail[ec2.DescribeRegionsInput](w.Cloud,
				awsfake.Refuse("InvalidParameterValue.NotFound", "no such region"))
		}, []string{"region: unknown region us-east-1"}, nil},
		{"vcpu", func(w *world) { set(w, "L-1216C47A", 2+2*3+2-1) },
			[]string{
				"quota/vcpu: the stack needs 8 (vCPUs of the smallest group, one instance more during a rollout, " +
					`and the other hosts) and others in the account use 2, but the quota "Running On-Demand Standard`},
			nil},
		{"vcpu of the largest group", func(w *world) { set(w, "L-1216C47A", 2+2*7+2-1) }, nil,
			[]string{"quota/vcpu: the group cannot grow to service.max: that needs 16 vCPUs"}},
		{"addresses", func(w *world) { set(w, "L-0263D0A3", 3) },
			[]string{"quota/addresses: the stack needs 3 (one for each NAT) and others in the account use 1"}, nil},
		{"addresses with operators", func(w *world) {
			w.settings = parse(t, "prod", strings.Replace(prod, "{", `{"jump": {"operatorCIDRs": "203.0.113.7"}, `, 1))
			set(w, "L-0263D0A3", 4)
		}, []string{"quota/addresses: the stack needs 4 (one for each NAT, and one for the jump server) and others " +
			"in the account use 1"}, nil},
		{"vpcs", func(w *world) { set(w, "L-F678F1CE", 1) },
			[]string{"quota/vpcs: the stack needs 1 (a VPC) and others in the account use 1"}, nil},
		{"gateways", func(w *world) { set(w, "L-FE5A380F", 2) },
			[]string{"quota/nat-gateways: the stack needs 1 (a NAT gateway in a zone) and others in the account use 2"},
			nil},
		{"a zone too few", func(w *world) {
			awsfake.Change(w.Cloud,
				func(in *ec2.DescribeInstanceTypeOfferingsInput, out *ec2.DescribeInstanceTypeOfferingsOutput) {
					if in.Filters[0].Values[0] == w.settings.Service.InstanceType {
						out.InstanceTypeOfferings = out.InstanceTypeOfferings[1:]
					}
				})
		}, []string{"zones: network.zones is 3, but only 2 zones of us-east-1 have all of t4g.small, t4g.micro and " +
			"db.t4g.medium"}, nil},
		{"no such type", func(w *world) {
			awsfake.Change(w.Cloud,
				func(in *ec2.DescribeInstanceTypeOfferingsInput, out *ec2.DescribeInstanceTypeOfferingsOutput) {
					if in.Filters[0].Values[0] == w.settings.Service.InstanceType {
						out.InstanceTypeOfferings = nil
					}
				})
		}, []string{"zones: network.zones is 3, but only 0", "zones: us-east-1 has no t4g.small"}, nil},
		{"a named zone without a type", func(w *world) {
			w.settings.Network.ZoneNames = []string{"us-east-1a", "us-east-1e", "us-east-1c"}
		}, []string{"network.zoneNames: us-east-1e lacks one of t4g.small, t4g.micro and db.t4g.medium"}, nil},
		{"no such image", func(w *world) {
			w.settings.Service.Image = image
			awsfake.Fail[ec2.DescribeImagesInput](w.Cloud, awsfake.Refuse("InvalidAMIID.NotFound", "does not exist"))
		}, []string{"service.image: " + image + " does not exist in us-east-1, or this account may not"}, nil},
		{"an image of another region's account", func(w *world) {
			w.settings.Service.Image = image
			awsfake.Give(w.Cloud, &ec2.DescribeImagesOutput{})
		}, []string{"service.image: " + image + " does not exist in us-east-1, or this account may not"}, nil},
		{"an image that fits", func(w *world) { w.settings.Service.Image = image }, nil, nil},
		{"an image for other processors, too large", func(w *world) {
			w.settings.Service.Image = image
			awsfake.Change(w.Cloud, func(_ *ec2.DescribeImagesInput, out *ec2.DescribeImagesOutput) {
				out.Images[0].Architecture, out.Images[0].State = "x86_64", "pending"
				out.Images[0].BlockDeviceMappings[0].Ebs.VolumeSize = aws.Int32(30)
			})
		}, []string{"service.image: the image " + image + " has 30 GiB, and the jump server's volume 8",
			"service.image: the image " + image + " is for x86_64, and the hosts are Graviton (arm64)",
			"service.image: the image " + image + " is pending"}, nil},
		{"an image of another system", func(w *world) {
			w.settings.Service.Image = image
			awsfake.Change(w.Cloud, func(_ *ec2.DescribeImagesInput, out *ec2.DescribeImagesOutput) {
				out.Images[0].RootDeviceName = aws.String("/dev/sda1")
			})
		}, []string{"the root volume of the image " + image + " is /dev/sda1 instead of /dev/xvda"}, nil},
		{"volumes under a key of one's own", func(w *world) {
			awsfake.Give(w.Cloud, &ec2.GetEbsDefaultKmsKeyIdOutput{
				KmsKeyId: aws.String("arn:aws:kms:us-east-1:123456789012:key/a")})
		}, nil, []string{"volumes: the account encrypts volumes with its own key arn:aws:kms:us-east-1:" +
			"123456789012:key/a: unless Auto Scaling may use it, no instance starts"}},
		{"a boundary", func(w *world) { w.settings.Access.Boundary = boundary }, nil, nil},
		{"a boundary and a web ACL of another account", func(w *world) {
			w.settings.Access.Boundary = strings.Replace(boundary, "123456789012", "210987654321", 1)
			w.settings.Site.WebACL = "arn:aws:wafv2:us-east-1:210987654321:regional/webacl/a/b"
		}, []string{"access.boundary: it is in the account 210987654321",
			"site.webAcl: it is in the account 210987654321, but AWS_PROFILE or the credentials lead to " +
				"123456789012"}, nil},
		{"another block for the stack's VPC", func(w *world) {
			w.deployed(own)
			w.settings.Network.CIDR = netip.MustParsePrefix("10.9.0.0/16")
		}, []string{"network.cidr: it is 10.9.0.0/16, but the stack's VPC has 10.1.0.0/16, which cannot be changed; " +
			"set network.cidr to 10.1.0.0/16"}, nil},
		{"a subnet that is to move", func(w *world) {
			w.deployed(own)
			w.settings.Network.ZoneNames = []string{"us-east-1a", "us-east-1d", "us-east-1c"}
		}, []string{"network.zoneNames: item 2 is us-east-1d, but the stack's subnets number 2 are in us-east-1b"},
			nil},
		{"the stack's own zones and one more", func(w *world) {
			w.deployed(own)
			w.settings.Network.Zones = 4
			w.settings.Network.ZoneNames = []string{"us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"}
		}, nil, nil},
		{"fewer zones than the database is in", func(w *world) {
			w.deployed(own)
			w.settings.Network.Zones = 2
			awsfake.Change(w.Cloud, func(_ *rds.DescribeDBInstancesInput, out *rds.DescribeDBInstancesOutput) {
				out.DBInstances[0].SecondaryAvailabilityZone = aws.String("us-east-1c")
			})
		}, []string{"network.zones: the database's standby is in us-east-1c, whose subnet"}, nil},
		{"a zone less, without the database", func(w *world) {
			w.deployed(own)
			w.settings.Network.Zones = 2
		}, nil, nil},
		{"a volume that has grown, and is not to grow any more", func(w *world) {
			w.deployed(own)
			w.settings.Database.MaxStorageGiB = w.settings.Database.StorageGiB
			w.volume(61, 500)
		}, []string{"database.storageGiB: it is 50 like database.maxStorageGiB, but the database's volume has grown " +
			"to 61 GiB and cannot shrink; set database.storageGiB and database.maxStorageGiB to 61"}, nil},
		{"a volume that has grown to the limit that is set", func(w *world) {
			w.deployed(own)
			w.volume(490, 500)
		}, nil, nil},
		{"a volume that has grown to another limit", func(w *world) {
			w.deployed(own)
			w.settings.Database.MaxStorageGiB = 66
			w.volume(61, 500)
		}, []string{"database.maxStorageGiB: it is 66, but the database's volume has 61 GiB, which RDS wants to be " +
			"exceeded by a tenth; raise it to 68"}, nil},
		{"a volume that is enlarged by hand", func(w *world) {
			w.deployed(own)
			w.settings.Database.StorageGiB, w.settings.Database.MaxStorageGiB = 70, 70
			w.volume(61, 500)
		}, nil, nil},
		{"database without gp3", func(w *world) {
			awsfake.Change(w.Cloud,
				func(_ *rds.DescribeOrderableDBInstanceOptionsInput,
					out *rds.DescribeOrderableDBInstanceOptionsOutput) {
					out.OrderableDBInstanceOptions = out.OrderableDBInstanceOptions[:2]
				})
		}, []string{"zones: RDS in us-east-1 has no db.t4g.medium for MySQL 8.4",
			"zones: network.zones is 3, but only 0"},
			nil},
		{"a class and a type that are not sold any more, of a stack that has them", func(w *world) {
			w.deployed(own)
			awsfake.Give(w.Cloud, &rds.DescribeOrderableDBInstanceOptionsOutput{})
			awsfake.Give(w.Cloud, &ec2.DescribeInstanceTypeOfferingsOutput{})
		}, nil, []string{"zones: RDS in us-east-1 has no db.t4g.medium for MySQL 8.4",
			"zones: us-east-1 has no t4g.micro", "zones: us-east-1 has no t4g.small"}},
		{"a class and a type that are not sold any more, for a stack that has others", func(w *world) {
			w.deployed(own)
			w.settings.Database.Class, w.settings.Service.InstanceType = "db.m6g.large", "m6g.large"
			awsfake.Give(w.Cloud, &rds.DescribeOrderableDBInstanceOptionsOutput{})
			awsfake.Give(w.Cloud, &ec2.DescribeInstanceTypeOfferingsOutput{})
		}, []string{"zones: RDS in us-east-1 has no db.m6g.large for MySQL 8.4", "zones: us-east-1 has no m6g.large"},
			[]string{"zones: us-east-1 has no t4g.micro"}},
		{"a type that another host of the stack has, and is not sold any more", func(w *world) {
			w.deployed(own)
			w.settings.Service.InstanceType = "t4g.micro"
			awsfake.Give(w.Cloud, &ec2.DescribeInstanceTypeOfferingsOutput{})
		}, []string{"zones: us-east-1 has no t4g.micro"}, nil},
		{"a class that is not sold with a standby, for a database without one", func(w *world) {
			w.deployed(own)
			awsfake.Change(w.Cloud, func(_ *rds.DescribeDBInstancesInput, out *rds.DescribeDBInstancesOutput) {
				out.DBInstances[0].MultiAZ = aws.Bool(false)
			})
			awsfake.Give(w.Cloud, &rds.DescribeOrderableDBInstanceOptionsOutput{})
		}, []string{"zones: RDS in us-east-1 has no db.t4g.medium for MySQL 8.4"}, nil},
		{"a class that is not sold for another version, for a database of that one", func(w *world) {
			w.deployed(own)
			awsfake.Change(w.Cloud, func(_ *rds.DescribeDBInstancesInput, out *rds.DescribeDBInstancesOutput) {
				out.DBInstances[0].EngineVersion = aws.String("8.0.43")
			})
			awsfake.Give(w.Cloud, &rds.DescribeOrderableDBInstanceOptionsOutput{})
		}, []string{"zones: RDS in us-east-1 has no db.t4g.medium for MySQL 8.4"}, nil},
		{"what is not sold any more, of a stack of which nobody may see the hosts and the database", func(w *world) {
			w.deployed(own)
			awsfake.Give(w.Cloud, &rds.DescribeOrderableDBInstanceOptionsOutput{})
			awsfake.Give(w.Cloud, &ec2.DescribeInstanceTypeOfferingsOutput{})
			w.Deny("ec2.DescribeInstances")
			w.Deny("rds.DescribeDBInstances")
		}, nil, []string{"name/database: not checked", "quota/vcpu: not checked",
			"zones: RDS in us-east-1 has no db.t4g.medium for MySQL 8.4",
			"zones: not checked: access denied; grant ec2:DescribeInstances",
			"zones: not checked: access denied; grant rds:DescribeDBInstances",
			"zones: us-east-1 has no t4g.micro", "zones: us-east-1 has no t4g.small"}},
		{"a stopped instance of others", func(w *world) {
			awsfake.Change(w.Cloud, func(_ *ec2.DescribeInstancesInput, out *ec2.DescribeInstancesOutput) {
				stopped := out.Reservations[0].Instances[0]
				stopped.State = &ec2types.InstanceState{Name: ec2types.InstanceStateNameStopped}
				out.Reservations[0].Instances = append(out.Reservations[0].Instances, stopped)
			})
			set(w, "L-1216C47A", 2+2*7+2)
		}, nil, nil},
		{"role that may be made", func(w *world) { w.withoutRole("AWSServiceRoleForRDS") }, nil, nil},
		{"role that may not be made", func(w *world) {
			w.withoutRole("AWSServiceRoleForRDS")
			awsfake.Give(w.Cloud,
				&iam.SimulatePrincipalPolicyOutput{EvaluationResults: []iamtypes.EvaluationResult{
					{EvalDecision: iamtypes.PolicyEvaluationDecisionTypeImplicitDeny}}})
		}, []string{"role/AWSServiceRoleForRDS: the account does not have it yet, and " +
			"arn:aws:sts::123456789012:assumed-role/deploy/me may not create it; have an administrator create it " +
			"once: " +
			"aws iam create-service-linked-role --aws-service-name rds.amazonaws.com"}, nil},
		{"role that nobody may ask about", func(w *world) {
			w.withoutRole("AWSServiceRoleForAutoScaling")
			w.Deny("iam.SimulatePrincipalPolicy")
		}, nil, []string{"role/AWSServiceRoleForAutoScaling: the account does not have it yet, and your permission " +
			"to " +
			"create it could not be checked"}},
		{"no hosted zone", func(w *world) {
			awsfake.Fail[route53.GetHostedZoneInput](w.Cloud,
				awsfake.Refuse("NoSuchHostedZone", "No hosted zone found with ID"))
		}, []string{"hosted-zone: the account has no hosted zone Z0123456789ABCDEFGHIJ"}, nil},
		{"private zone", func(w *world) {
			awsfake.Change(w.Cloud, func(_ *route53.GetHostedZoneInput, out *route53.GetHostedZoneOutput) {
				out.HostedZone.Config.PrivateZone = true
			})
		}, []string{"hosted-zone: Z0123456789ABCDEFGHIJ (example.org) is private"}, nil},
		{"zone of another domain", func(w *world) {
			awsfake.Change(w.Cloud, func(_ *route53.GetHostedZoneInput, out *route53.GetHostedZoneOutput) {
				out.HostedZone.Name = aws.String("ample.org.")
			})
		}, []string{"hosted-zone: Z0123456789ABCDEFGHIJ is the zone of ample.org, which does not contain " +
			"files.example.org"}, nil},
		{"delegated elsewhere", func(w *world) { w.servers = []string{"ns.registrar.example."} },
			[]string{"hosted-zone: the zone example.org is delegated to other name servers: ns.registrar.example; " +
				"at the " +
				"registrar of example.org, or in its parent zone, set these name servers: ns-1.awsdns-01.com, " +
				"ns-2.awsdns-02.net"}, nil},
		{"not delegated", func(w *world) { w.servers, w.dnsError = nil, &net.DNSError{IsNotFound: true} },
			[]string{"hosted-zone: the zone example.org is not delegated"}, nil},
		{"not delegated, for a new domain of a stack", func(w *world) {
			w.deployed(own)
			w.servers, w.dnsError = nil, &net.DNSError{IsNotFound: true}
		}, []string{"hosted-zone: the zone example.org is not delegated"}, nil},
		{"not delegated, for a running site", func(w *world) {
			w.deployed(own)
			w.running()
			w.servers, w.dnsError = nil, &net.DNSError{IsNotFound: true}
		}, nil, []string{"hosted-zone: the zone example.org is not delegated"}},
		{"delegated elsewhere, for a running site", func(w *world) {
			w.deployed(own)
			w.running()
			w.servers = []string{"ns.registrar.example."}
		}, nil, []string{"hosted-zone: the zone example.org is delegated to other name servers"}},
		{"delegated elsewhere, and records unread", func(w *world) {
			w.servers = []string{"ns.registrar.example."}
			w.Deny("route53.ListResourceRecordSets")
		}, []string{"hosted-zone: the zone example.org is delegated to other name servers"},
			[]string{"site.domain: not checked"}},
		{"DNS out of reach", func(w *world) { w.servers, w.dnsError = nil, &net.DNSError{Err: "connection refused"} },
			nil, []string{"hosted-zone: not checked: asking the DNS for the name servers of example.org"}},
		{"a domain that leads elsewhere", func(w *world) {
			w.records = map[string][]route53types.ResourceRecordSet{"files.example.org": {
				record("files.example.org.", "CNAME"), record("files.example.org.", "MX"),
				record("www.example.org.", "A")}}
		}, []string{"site.domain: files.example.org already has a record of type CNAME in its hosted zone"}, nil},
		{"a domain of another site", func(w *world) {
			w.records = map[string][]route53types.ResourceRecordSet{"files.example.org": {
				alias("dualstack.dossier-site-1a2b3c4-12345.us-east-1.elb.amazonaws.com."),
				record("files.example.org.", "AAAA")}}
		}, []string{"site.domain: files.example.org already has a record of type A"},
			[]string{"site.domain: files.example.org has a record of type AAAA"}},
		{"a new domain that leads elsewhere", func(w *world) {
			w.deployed(own)
			w.records = map[string][]route53types.ResourceRecordSet{"files.example.org": {
				alias("old-1.us-east-1.elb.amazonaws.com.")}}
		}, []string{"site.domain: files.example.org already has a record of type A"}, nil},
		{"the stack's own domain", func(w *world) {
			w.deployed(own)
			w.records = map[string][]route53types.ResourceRecordSet{"files.example.org": {
				alias("Dossier-site-1a2b3c4-12345.us-east-1.elb.amazonaws.com.")}}
		}, nil, nil},
		{"a domain that may be the stack's own", func(w *world) {
			w.deployed(own)
			w.records = map[string][]route53types.ResourceRecordSet{"files.example.org": {
				alias("dossier-site-1a2b3c4-12345.us-east-1.elb.amazonaws.com."),
				record("files.example.org.", "CAA", `0 issue "letsencrypt.org"`)}}
			w.Deny("ec2.DescribeVpcs")
		}, nil, []string{"name/dashboard: ", "quota/vpcs: not checked",
			"site.domain: files.example.org already has a record of type A in its hosted zone, which may belong to",
			"site.domain: the CAA records of files.example.org", "stack: not checked"}},
		{"what may be the stack's, without tags", func(w *world) {
			w.deployed(nil)
			set(w, "L-0263D0A3", 3)
			w.Deny("ec2.DescribeVpcs")
			awsfake.Change(w.Cloud, func(_ *ec2.DescribeAddressesInput, out *ec2.DescribeAddressesOutput) {
				out.Addresses = out.Addresses[:1] // which is not the stack's
			})
			awsfake.Give(w.Cloud, &ec2.DescribeInstanceTypeOfferingsOutput{})
		}, nil, []string{"name/dashboard: ", "quota/addresses: ", "quota/vpcs: not checked", "stack: not checked",
			"zones: network.zones is 3, but only 0", "zones: us-east-1 has no t4g.micro",
			"zones: us-east-1 has no t4g.small"}},
		{"what is another stack's in any case", func(w *world) {
			w.named(stranger)
			w.Deny("ec2.DescribeVpcs")
		}, []string{"name/database: ", "name/group: ", "name/log-groups: ", "name/parameters: "},
			[]string{"name/dashboard: ", "quota/vpcs: not checked", "stack: not checked"}},
		{"other authorities alone", func(w *world) {
			w.records = map[string][]route53types.ResourceRecordSet{"example.org": {
				record("example.org.", "CAA", `0 issue "letsencrypt.org"`, `0 iodef "mailto:a@example.org"`)}}
		}, []string{"site.domain: the CAA records of example.org do not let Amazon issue or renew the certificate; " +
			`add the value 0 issue "amazon.com" to them`}, nil},
		{"other authorities alone, for a running site", func(w *world) {
			w.deployed(own)
			w.records = map[string][]route53types.ResourceRecordSet{
				"files.example.org": {alias("dossier-site-1a2b3c4-12345.us-east-1.elb.amazonaws.com.")},
				"example.org":       {record("example.org.", "CAA", `0 issue "letsencrypt.org"`)}}
		}, nil, []string{"site.domain: the CAA records of example.org do not let Amazon issue or renew"}},
		{"other authorities alone, for a new domain of a stack", func(w *world) {
			w.deployed(own)
			w.records = map[string][]route53types.ResourceRecordSet{
				"example.org": {record("example.org.", "CAA", `0 issue "letsencrypt.org"`)}}
		}, []string{"site.domain: the CAA records of example.org"}, nil},
		{"no authority", func(w *world) {
			w.records = map[string][]route53types.ResourceRecordSet{"files.example.org": {
				record("files.example.org.", "CAA", `0 issue ";"`)}, "example.org": {
				record("example.org.", "CAA", `0 issue "amazon.com"`)}}
		}, []string{"site.domain: the CAA records of files.example.org"}, nil},
		{"Amazon among the authorities", func(w *world) {
			w.records = map[string][]route53types.ResourceRecordSet{"example.org": {
				record("example.org.", "CAA", `0 issue "letsencrypt.org"`, `0 issue "amazontrust.com; a=b"`)}}
		}, nil, nil},
		{"authorities for wildcards alone", func(w *world) {
			w.records = map[string][]route53types.ResourceRecordSet{"example.org": {
				record("example.org.", "CAA", `0 issuewild ";"`)}}
		}, nil, nil},
		{"parameters that are set by hand", func(w *world) {
			w.parameters = []string{"/dossier/prod/staff/issuer", "/dossier/prod/audit-retention",
				"/dossier/prod/staff/client-id"}
		}, nil, nil},
		{"a parameter of another stack, beside those of this one", func(w *world) {
			w.deployed(own)
			w.settings.Site.APIOrigins = []string{"https://app.example"}
			w.parameters = append(w.parameters, "/dossier/prod/api-origins")
			awsfake.Change(w.Cloud, func(in *ssm.ListTagsForResourceInput, out *ssm.ListTagsForResourceOutput) {
				if *in.ResourceId == "/dossier/prod/api-origins" {
					out.TagList = []ssmtypes.Tag{{Key: aws.String("Project"), Value: aws.String("dossier")},
						{Key: aws.String("Stack"), Value: aws.String("other")}}
				}
			})
		}, []string{"name/parameters: the parameter /dossier/prod/api-origins already exists"}, nil},
		{"what a first run left, with tags of one's own", func(w *world) {
			w.settings.Tags = map[string]string{"Project": "webshop"}
			w.named(map[string]string{"Project": "webshop", "Cost": "17"})
		}, nil, []string{"name/dashboard: "}},
		{"names of another stack", func(w *world) { w.named(stranger) },
			[]string{"name/database: the database dossier-prod already exists",
				"name/group: the Auto Scaling group dossier-prod-app already exists",
				"name/log-groups: the log group /dossier/prod/app already exists",
				"name/parameters: the parameter /dossier/prod/bucket, /dossier/prod/table already exists"},
			[]string{"name/dashboard: the dashboard dossier-prod exists and will be overwritten"}},
		{"names of another stack in an account that has this one", func(w *world) {
			w.deployed(own)
			w.named(stranger)
		}, []string{"name/database: ", "name/group: ", "name/log-groups: ", "name/parameters: "}, nil},
		{"a stack that was made under another tag Stack", func(w *world) {
			w.deployed(stranger)
			w.issuer("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A1b2C3d4E", stranger)
		}, nil, nil},
		{"a stack of which the VPC alone has a new tag Stack", func(w *world) {
			w.deployed(own)
			w.named(stranger)
			w.in("vpc-prod")
		}, []string{"name/group: ", "name/log-groups: ", "name/parameters: the parameter /dossier/prod/bucket, " +
			"/dossier/prod/table already exists and does not belong to this stack; delete or import it, or rename " +
			"the stack (\"pulumi stack rename\"); if this stack made it under another tag Stack, run once with " +
			"DOSSIER_PREFLIGHT=off"}, nil},
		{"a database of another stack in a VPC of its own", func(w *world) {
			w.deployed(own)
			awsfake.Change(w.Cloud, func(_ *rds.DescribeDBInstancesInput, out *rds.DescribeDBInstancesOutput) {
				out.DBInstances[0].TagList = []rdstypes.Tag{{Key: aws.String("Project"), Value: aws.String("dossier")},
					{Key: aws.String("Stack"), Value: aws.String("other")}}
			})
			w.in("vpc-other")
		}, []string{"name/database: the database dossier-prod already exists"}, nil},
		{"names of nobody", func(w *world) { w.named(nil) },
			[]string{"name/database: ", "name/group: ", "name/log-groups: ", "name/parameters: "},
			[]string{"name/dashboard: "}},
		{"a pool beside an issuer set by hand", func(w *world) {
			w.deployed(map[string]string{"Project": "dossier", "Stack": "prod"})
			w.issuer("https://login.example/realms/staff", nil)
		}, []string{"staff.pool: staff sign in with another issuer, which the parameter " +
			"/dossier/prod/staff/issuer names; remove staff.pool from the settings, or delete the parameters"}, nil},
		{"a pool beside that of another stack", func(w *world) {
			w.issuer("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A1b2C3d4E", stranger)
		}, []string{"staff.pool: staff sign in with another issuer"}, nil},
		{"the stack's own pool", func(w *world) {
			w.issuer("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A1b2C3d4E",
				map[string]string{"Project": "dossier", "Stack": "prod"})
		}, nil, nil},
		{"an issuer set by hand", func(w *world) {
			w.issuer("https://login.example/realms/staff", nil)
			w.settings.Staff.Pool = false
		}, nil, nil},
		{"free plan", func(w *world) {
			w.plan = `{"accountPlanType": "FREE"}`
			awsfake.Change(w.Cloud, func(in *ec2.DescribeInstanceTypesInput, out *ec2.DescribeInstanceTypesOutput) {
				out.InstanceTypes[0].FreeTierEligible = aws.Bool(in.InstanceTypes[0] != "t4g.small")
			})
		},
			[]string{
				"plan: the account is on the Free plan, where RDS has only the size micro, but database.class is " +
					"db.t4g.medium",
				"plan: the account is on the Free plan, where RDS keeps backups for 1 day, but database.backupDays " +
					"is 14",
				"plan: the account is on the Free plan, which has no t4g.small (service.instanceType)",
			}, nil},
		{"account without a plan", func(w *world) {
			w.plan, w.planCode = `{"__type": "ResourceNotFoundException"}`, http.StatusBadRequest
		}, nil, nil},
		{"plan denied", func(w *world) {
			w.plan, w.planCode = `{"__type": "com.amazon.coral.service#AccessDeniedException", "message": "no"}`,
				http.StatusBadRequest
		}, nil, []string{"plan: not checked: access denied; grant freetier:GetAccountPlanState"}},
		{"plan of next year", func(w *world) { w.plan = `{"accountPlanType": "LEASED"}` }, nil,
			[]string{`plan: not checked: the account's plan is "LEASED"`}},
		{"plan that is no answer", func(w *world) { w.plan = `<html>` }, nil,
			[]string{"plan: not checked: reading the account's plan"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := young(t)
			c.change(w)
			expect(t, w, c.faults, c.warnings)
		})
	}
}

// TestDenied: whatever the caller may not ask is a warning that names the action, and nothing else.
func TestDenied(t *testing.T) {
	w := young(t)
	w.everything()
	w.check()
	calls := slices.Compact(slices.Sorted(slices.Values(w.Calls())))
	if len(calls) < 15 {
		t.Fatalf("only %q are called", calls)
	}
	for _, call := range calls {
		if call == "sts.GetCallerIdentity" { // needs no right
			continue
		}
		t.Run(call, func(t *testing.T) {
			w := young(t)
			w.withoutRole("AWSServiceRoleForRDS")
			w.everything()
			w.Deny(call)
			faults, warnings := w.check()
			_, operation, _ := strings.Cut(call, ".")
			if len(faults) > 0 {
				t.Errorf("errors:\n%s", lines(faults))
			}
			if !strings.Contains(lines(warnings), ":"+operation) {
				t.Errorf("no warning names the action of %s:\n%s", call, lines(warnings))
			}
		})
	}
}

// TestTimeout: what does not answer is given up after twenty seconds, and the rest is told.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := young(t)
		awsfake.Hang[rds.DescribeDBInstancesInput](w.Cloud)
		set(w, "L-0263D0A3", 3)
		expect(t, w, []string{"quota/addresses: "},
			[]string{"name/database: not checked: no answer within 20s"})
	})
}

func TestRun(t *testing.T) {
	environment := func(value string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			if name != preflight.Switch {
				t.Errorf("asked for %s", name)
			}
			return value, value != ""
		}
	}
	s := young(t).settings
	if warnings, err := preflight.Run(context.Background(), environment("off"), "", s); warnings != nil || err != nil {
		t.Errorf("switched off: %v, %v", warnings, err)
	}
	if _, err := preflight.Run(context.Background(), environment("no"), "", s); err == nil ||
		!strings.Contains(err.Error(), `"no"`) {
		t.Errorf("a value that is none: %v", err)
	}
	// No credentials: the preflight says so, and what turns it off.
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/credentials")
	_, err := preflight.Run(context.Background(), environment(""), "", s)
	if found, ok := errors.AsType[*preflight.Error](err); !ok || len(found.Findings) != 1 ||
		found.Findings[0].Point != "credentials" || !strings.Contains(err.Error(), "DOSSIER_PREFLIGHT=off") {
		t.Errorf("without credentials: %v", err)
	}
}

package servicespec

import (
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/graph"
)

// TestMappings holds what is written by hand against the data: a property that an input is mapped to exists, and one
// that CloudFormation is said to lack does not.
func TestMappings(t *testing.T) {
	spec := Load(t)
	if spec.Resources < 1500 {
		t.Errorf("the package has %d resource types", spec.Resources)
	}
	for token, m := range mappings {
		if unknownToCloudFormation[token] != "" {
			t.Errorf("%s has a mapping, and is said to have no type", token)
		}
		for path := range m.names {
			in, err := spec.parent(m, path)
			if err == nil {
				_, err = spec.locate(m, path, path, in.inside)
			}
			if err != nil {
				t.Errorf("%s %s: %v", token, path, err)
			}
		}
		for path := range m.absent {
			in, err := spec.parent(m, path)
			if err != nil {
				continue // what it belongs to is absent as well
			}
			if name, p := property(in.inside, path[strings.LastIndexByte(path, '.')+1:]); p != nil {
				t.Errorf("%s %s is said to be absent, and %s has %s", token, path, in.inside.Name, name)
			}
		}
		for name := range m.made {
			in, err := spec.start(m)
			if err != nil {
				t.Fatalf("%s: %v", token, err)
			}
			if p := in.Properties[name]; p == nil || !p.Required {
				t.Errorf("%s: %s of %s is said to be made, and is not required", token, name, in.Name)
			}
		}
	}
}

// TestFindings shows that each kind of fault is found.
func TestFindings(t *testing.T) {
	spec := Load(t)
	const vpc, balancer, target = "aws:ec2/vpc:Vpc", "aws:lb/loadBalancer:LoadBalancer",
		"aws:lb/targetGroup:TargetGroup"
	for _, c := range []struct {
		name, token string
		inputs      map[string]any
		want        []string
	}{
		{"nothing", vpc, map[string]any{"cidrBlock": "10.0.0.0/16", "enableDnsSupport": true,
			"tags": map[string]any{"Name": "x"}}, nil},
		{"another name", vpc, map[string]any{"cidr": "10.0.0.0/16"},
			[]string{"aws:ec2/vpc:Vpc cidr: AWS::EC2::VPC has no such property"}},
		{"a name in a list", "aws:autoscaling/group:Group", map[string]any{
			"minSize": 1.0, "maxSize": 2.0,
			"tags": []any{map[string]any{"key": "a", "value": "b", "propagateAtLaunch": true, "colour": "c"}},
		}, []string{"aws:autoscaling/group:Group tags.colour: TagProperty has no such property"}},
		{"a text for a switch", vpc, map[string]any{"enableDnsSupport": "yes"},
			[]string{`aws:ec2/vpc:Vpc enableDnsSupport: "yes" is no boolean`}},
		{"half a number", "aws:rds/instance:Instance", map[string]any{"backupRetentionPeriod": 1.5},
			[]string{`aws:rds/instance:Instance backupRetentionPeriod: "1.5" is no integer`}},
		{"a list for a text", vpc, map[string]any{"cidrBlock": []any{"10.0.0.0/16"}},
			[]string{"aws:ec2/vpc:Vpc cidrBlock: is a list, and should be a string"}},
		{"a text for a list", "aws:rds/subnetGroup:SubnetGroup",
			map[string]any{"description": "x", "subnetIds": "subnet-1"},
			[]string{"aws:rds/subnetGroup:SubnetGroup subnetIds: is a text, and should be a list"}},
		{"a text for an object", "aws:autoscaling/group:Group",
			map[string]any{"minSize": 1.0, "maxSize": 2.0, "launchTemplate": "lt-1"},
			[]string{"aws:autoscaling/group:Group launchTemplate: is a text, and should be an object"}},
		{"two of one", "aws:route53/record:Record", map[string]any{"name": "x", "type": "A", "aliases": []any{
			map[string]any{"name": "a", "zoneId": "Z1"}, map[string]any{"name": "b", "zoneId": "Z2"},
		}}, []string{"aws:route53/record:Record aliases: has 2 elements, and AliasTarget is one"}},
		{"a value that is not listed", "aws:ec2/vpcEndpoint:VpcEndpoint",
			map[string]any{"vpcId": "vpc-1", "vpcEndpointType": "Door"},
			[]string{
				`aws:ec2/vpcEndpoint:VpcEndpoint vpcEndpointType: "Door" is none of [Interface Gateway GatewayLoadBalancer ` +
					`ServiceNetwork Resource Tunnel]`}},
		{"a number that is not listed", "aws:cloudwatch/logGroup:LogGroup", map[string]any{"retentionInDays": 31.0},
			[]string{
				`aws:cloudwatch/logGroup:LogGroup retentionInDays: "31" is none of [1 3 5 7 14 30 60 90 120 150 180 365 ` +
					`400 545 731 1096 1827 2192 2557 2922 3288 3653]`}},
		{"a value that the documentation does not list", "aws:rds/instance:Instance",
			map[string]any{"storageType": "gp4"},
			[]string{
				`aws:rds/instance:Instance storageType: "gp4" is none of the documented values [gp2 gp3 io1 io2 standard]`}},
		{"a number outside of the documented range", "aws:rds/instance:Instance",
			map[string]any{"backupRetentionPeriod": 36.0},
			[]string{"aws:rds/instance:Instance backupRetentionPeriod: 36 is outside the documented range, 0 to 35"}},
		{"an element that the documentation does not list",
			"aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2", map[string]any{
				"bucket":    "x",
				"corsRules": []any{map[string]any{"allowedMethods": []any{"PATCH"}, "allowedOrigins": []any{"*"}}},
			}, []string{
				`aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2 corsRules.allowedMethods: "PATCH" is none of ` +
					`the documented values [GET PUT HEAD POST DELETE]`}},
		{"a value of a key", balancer, map[string]any{"desyncMitigationMode": "lax"},
			[]string{
				`aws:lb/loadBalancer:LoadBalancer desyncMitigationMode: "lax" is none of the documented values ` +
					`[monitor defensive strictest]`}},
		{"a range of a key", target, map[string]any{"deregistrationDelay": 3601.0},
			[]string{"aws:lb/targetGroup:TargetGroup deregistrationDelay: 3601 is outside the documented range, 0 " +
				"to 3600"}},
		{"nothing required", "aws:ec2/subnet:Subnet", map[string]any{"cidrBlock": "10.0.0.0/24"},
			[]string{"aws:ec2/subnet:Subnet *: AWS::EC2::Subnet requires VpcId"}},
		{"nothing required in an object", "aws:s3/bucketVersioningV2:BucketVersioningV2",
			map[string]any{"bucket": "x", "versioningConfiguration": map[string]any{}},
			[]string{"aws:s3/bucketVersioningV2:BucketVersioningV2 *: VersioningConfiguration requires Status"}},
		{"half a document", "aws:iam/rolePolicy:RolePolicy", map[string]any{"role": "x", "policy": "{"},
			[]string{"aws:iam/rolePolicy:RolePolicy policy: is no JSON"}},
		{"half a document where a text is allowed", "aws:iam/role:Role", map[string]any{"assumeRolePolicy": "{"},
			[]string{"aws:iam/role:Role assumeRolePolicy: is no JSON"}},
		{"another type", "aws:sqs/queue:Queue", map[string]any{"name": "x"},
			[]string{"aws:sqs/queue:Queue *: no CloudFormation type is given for it in mappings of plan/servicespec"}},
		{"a secret", "aws:rds/instance:Instance", map[string]any{"password": graph.Secret}, nil},
		{"another provider", "random:index/randomId:RandomId", map[string]any{"byteLength": "x"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := graph.New("project", "stack",
				&graph.Resource{Token: c.token, Name: "x", Custom: true, Inputs: c.inputs})
			if err != nil {
				t.Fatal(err)
			}
			report := spec.Check(g)
			if !slices.Equal(report.Findings, c.want) {
				t.Errorf("found %q, want %q", report.Findings, c.want)
			}
			if report.Inputs.All() != len(c.inputs) {
				t.Errorf("%d inputs are counted, want %d", report.Inputs.All(), len(c.inputs))
			}
		})
	}
}

func TestReplaces(t *testing.T) {
	spec := Load(t)
	for _, c := range []struct {
		token, input, want string
		known              bool
	}{
		{"aws:ec2/vpc:Vpc", "cidrBlock", "yes", true},
		{"aws:ec2/vpc:Vpc", "enableDnsSupport", "", true},
		{"aws:ec2/vpc:Vpc", "instanceTenancy", "maybe", true},
		{"aws:ec2/vpc:Vpc", "colour", "", false},
		{"aws:ec2/instance:Instance", "rootBlockDevice.encrypted", "maybe", true},
		{"aws:ec2/instance:Instance", "userDataReplaceOnChange", "", false},
		{"aws:s3/bucketVersioningV2:BucketVersioningV2", "bucket", "yes", true},
		{"aws:s3/bucketVersioningV2:BucketVersioningV2", "versioningConfiguration.status", "", true},
		{"aws:lb/targetGroup:TargetGroup", "healthCheck.port", "", true},
		{"random:index/randomId:RandomId", "byteLength", "", false},
	} {
		if got, known := spec.Replaces(c.token, c.input); got != c.want || known != c.known {
			t.Errorf("%s %s: %q, %v, want %q, %v", c.token, c.input, got, known, c.want, c.known)
		}
	}
}

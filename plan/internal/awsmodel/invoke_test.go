package awsmodel

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// TestPartitions: ARNs and addresses are those of the partition that a region is in
// (https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json).
func TestPartitions(t *testing.T) {
	for region, want := range map[string][3]string{
		"eu-central-1":   {"aws", "amazonaws.com", "com.amazonaws"},
		"us-gov-west-1":  {"aws-us-gov", "amazonaws.com", "com.amazonaws"},
		"cn-north-1":     {"aws-cn", "amazonaws.com.cn", "cn.com.amazonaws"},
		"us-iso-east-1":  {"aws-iso", "c2s.ic.gov", "gov.ic.c2s"},
		"us-isob-east-1": {"aws-iso-b", "sc2s.sgov.gov", "gov.sgov.sc2s"},
		"eu-isoe-west-1": {"aws-iso-e", "cloud.adc-e.uk", "uk.adc-e.cloud"},
		"us-isof-east-1": {"aws-iso-f", "csp.hci.ic.gov", "gov.ic.hci.csp"},
		"eusc-de-east-1": {"aws-eusc", "amazonaws.eu", "eu.amazonaws"},
	} {
		answer, err := Model{Region: region, Account: Account}.Invoke("aws:index/getPartition:getPartition", nil)
		got := [3]string{Text(answer["partition"]), Text(answer["dnsSuffix"]), Text(answer["reverseDnsPrefix"])}
		if err != nil || got != want {
			t.Errorf("%s is in %q (%v), want %q", region, got, err, want)
		}
		if who := "ec2." + want[1]; !IsService(who) {
			t.Errorf("%s is no service", who)
		}
	}
	if IsService("amazonaws.com.example") || IsService("arn:aws:iam::123456789012:root") {
		t.Error("a stranger is a service")
	}
}

// TestArchitecture: an image is of the architecture that is asked for.
func TestArchitecture(t *testing.T) {
	filter := func(name, value string) resource.PropertyMap {
		return asMap(map[string]any{"filters": []any{map[string]any{"name": name, "values": []any{value}}}})
	}
	for _, c := range []struct {
		args resource.PropertyMap
		want string
	}{
		{filter("architecture", "x86_64"), "x86_64"},
		{filter("architecture", "arm64"), "arm64"},
		{filter("name", "al2023-ami-2023.*-x86_64"), "x86_64"},
		{filter("name", "ubuntu/images/*-amd64-server-*"), "x86_64"},
		{filter("name", "al2023-ami-2023.*-arm64"), "arm64"},
		{asMap(map[string]any{"nameRegex": "x86_64$"}), "x86_64"},
		{resource.PropertyMap{}, "arm64"},
	} {
		answer, err := Default().Invoke("aws:ec2/getAmi:getAmi", c.args)
		if err != nil || Text(answer["architecture"]) != c.want {
			t.Errorf("of %v it is %s (%v), want %s", c.args, Text(answer["architecture"]), err, c.want)
		}
	}
}

func asMap(v map[string]any) resource.PropertyMap { return value(v).ObjectValue() }

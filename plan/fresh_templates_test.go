package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestFreshTemplates: changes of what instances start from, of objects, keys and commands, of which the table of
// instances tells nothing.
func TestFreshTemplates(t *testing.T) {
	network := func(more in) in { more["deviceIndex"] = 0; return in{"networkInterfaces": several(more)} }
	disk := func(ebs in) in {
		return in{"blockDeviceMappings": several(in{"deviceName": "/dev/xvda", "ebs": ebs})}
	}
	const image = "EC2: instance-types (Graviton), an image has one architecture"
	for _, c := range []fresh{
		{"another script", "EC2: user-data", templateType, in{"userData": "IyEvYmluL3NoCmEK"},
			in{"userData": "IyEvYmluL3NoCmIK"}, Update, [][2]string{{notJudged, "at their start"}}},
		{"another release", "EC2: user-data", templateType, in{"userData": "get 0123456789abcdef"},
			in{"userData": "get fedcba9876543210"}, Update, nil},
		{"hardware of its own", "EC2: dedicated-instance", templateType, in{},
			in{"placement": in{"tenancy": "dedicated"}},
			Update, [][2]string{{costs, "hardware of its own"}}},
		{"IPv6", "EC2: using-instance-addressing", templateType, network(in{}), network(in{"ipv6AddressCount": 1}),
			Update,
			[][2]string{{exposes, "IPv6"}}},
		{"IPv6 by an address", "EC2: using-instance-addressing", templateType, network(in{}),
			network(in{"ipv6Addresses": []string{"2001:db8::1"}}), Update, [][2]string{{exposes, "IPv6"}}},
		{"another subnet", "EC2: API_LaunchTemplateInstanceNetworkInterfaceSpecificationRequest", templateType,
			network(in{}), network(in{"subnetId": "s"}), Update, [][2]string{{notJudged, "`networkInterfaces`"}}},
		{"another image", "the table of instances tells", templateType, in{"imageId": "a"}, in{"imageId": "b"},
			Update, nil},
		{"disks that stay", "EC2: preserving-volumes-on-termination", templateType,
			disk(in{"deleteOnTermination": "true"}), disk(in{"deleteOnTermination": "false"}), Update,
			[][2]string{{costs, "stay"}}},
		{"a disk with something on it", "EC2: API_LaunchTemplateEbsBlockDeviceRequest", templateType, disk(in{}),
			disk(in{"snapshotId": "snap-1"}), Update, [][2]string{{notJudged, "`blockDeviceMappings`"}}},
		{"a larger disk", "the bill tells", templateType, disk(in{"volumeSize": 8}), disk(in{"volumeSize": 9}),
			Update, nil},
		{"credits", "EC2: burstable-performance-instances-unlimited-mode", templateType, in{},
			in{"creditSpecification": in{"cpuCredits": "unlimited"}}, Update, [][2]string{{costs, "share"}}},
		{"no more credits", "EC2: burstable-performance-instances-standard-mode", templateType,
			in{"creditSpecification": in{"cpuCredits": "unlimited"}},
			in{"creditSpecification": in{"cpuCredits": "standard"}}, Update, [][2]string{{shrinks, "share"}}},
		{"shut down is deleted", "EC2: terminating-instances", templateType, in{},
			in{"instanceInitiatedShutdownBehavior": "terminate"}, Update, [][2]string{{weakens, "shut down"}}},
		{"no guard", "EC2: Using_ChangingDisableAPITermination", templateType,
			in{"disableApiTermination": true, "disableApiStop": true}, in{}, Update,
			[][2]string{{weakens, "(`disableApiTermination`); AWS no longer refuses to stop"}}},
		{"whatever fits", "EC2: attribute-based instance types", templateType, in{},
			in{"instanceRequirements": in{"memoryMib": in{"min": 1}}}, Update,
			[][2]string{{notJudged, "`instanceRequirements`"}}},
		{"an object with what nobody knows", "EC2: API_LaunchTemplatePlacementRequest", templateType, in{},
			in{"placement": in{"groupName": "a"}}, Update, [][2]string{{notJudged, "`placement`"}}},
		{"an object with what is known and what is not", "EC2: API_LaunchTemplatePlacementRequest", templateType,
			in{"placement": in{"tenancy": "default", "groupName": "a"}}, in{}, Update,
			[][2]string{{notJudged, "`placement.groupName`"}}},
		{"another processor", image, templateType, in{"imageId": "a", "instanceType": "t4g.small"},
			in{"imageId": "a", "instanceType": "t3.small"}, Update, [][2]string{{refused, "arm64"}}},
		{"another processor with its image", image, templateType, in{"imageId": "a", "instanceType": "t3.small"},
			in{"imageId": "b", "instanceType": "t4g.small"}, Update, nil},
		{"another processor of one instance", image, serverType, in{"ami": "a", "instanceType": "t3.small"},
			in{"ami": "a", "instanceType": "t4g.small"}, Replace,
			[][2]string{{stops, "replaced"}, {refused, "x86_64"}}},
		{"a type that nobody knows", image, templateType, in{"instanceType": "{a}"}, in{"instanceType": "t4g.small"},
			Update,
			[][2]string{{shrinks, "another size"}}},
		{"another key", "EC2: ec2-key-pairs", "ec2/keyPair:KeyPair", in{"keyName": "a", "publicKey": "b"},
			in{"keyName": "a", "publicKey": "c"}, Replace, [][2]string{{exposes, "whoever has the new key"}}},
		{"a shorter password", "random: RandomPassword, length", "random:index/randomPassword:RandomPassword",
			in{"length": 32}, in{"length": 8}, Replace, [][2]string{{weakens, "8 characters instead of 32"}}},
		{"a weaker key", "tls: PrivateKey, rsaBits", "tls:index/privateKey:PrivateKey",
			in{"algorithm": "RSA", "rsaBits": 4096},
			in{"algorithm": "RSA", "rsaBits": 1024}, Replace, [][2]string{{weakens, "1024 bits instead of 4096"}}},

		{"an object goes", "s3/object.go, resourceObjectDelete", objectType, in{"bucket": "a", "key": "b"}, nil, Delete,
			[][2]string{{deletedNow, "whoever asks for it"}}},
		{"an object by its older type goes", "s3/bucket_object.go", "s3/bucketObject:BucketObject",
			in{"bucket": "a", "key": "b"}, nil, Delete, [][2]string{{deletedNow, "BucketObject"}}},
		{"an object is kept no longer", "S3: object-lock", objectType,
			in{"bucket": "a", "key": "b", "objectLockMode": "COMPLIANCE"},
			in{"bucket": "a", "key": "b"}, Update, [][2]string{{weakens, "at any time"}}},
		{"an object held no longer", "S3: object-lock, legal holds", objectType,
			in{"bucket": "a", "key": "b", "objectLockLegalHoldStatus": "ON"}, in{"bucket": "a", "key": "b"}, Update,
			[][2]string{{weakens, "may be deleted"}}},
		{"an object leads elsewhere", "S3: how-to-page-redirect", objectType, in{"bucket": "a", "key": "b"},
			in{"bucket": "a", "key": "b", "websiteRedirect": "https://a.example"}, Update,
			[][2]string{{stops, "elsewhere"}}},

		{"a new command", "command: local.Command, create", commandHere, nil,
			in{"create": "aws s3 rm s3://a --recursive"},
			Create, [][2]string{{notJudged, "`create`"}}},
		{"a command elsewhere", "command: remote.Command, connection", commandThere,
			in{"create": "a", "connection": in{"host": "b"}}, in{"create": "a", "connection": in{"host": "c"}}, Update,
			[][2]string{{notJudged, "another machine"}}},
		{"a command that stands", "command: local.Command, triggers", commandHere,
			in{"create": "a", "triggers": []string{"b", "c"}}, in{"create": "a", "triggers": []string{"b"}}, Update,
			[][2]string{{weakens, "(1 of 2)"}}},
	} {
		t.Run(c.name, c.test)
	}
}

// TestNewProvider: what a new provider makes may be in another account; of another region alone, the bill tells.
func TestNewProvider(t *testing.T) {
	for _, c := range []struct {
		name string
		in   in
		want [][2]string
	}{
		{"another region", in{"region": "us-west-2"}, nil},
		{"another role", in{"assumeRole": in{"roleArn": "arn:aws:iam::444455556666:role/a"}},
			[][2]string{{notJudged, "(`assumeRole`)"}}},
		{"another place to call", in{"endpoints": several(in{"s3": "https://a.example"})},
			[][2]string{{notJudged, "(`endpoints`)"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(*graphtest.Builder) {}, func(b *graphtest.Builder) {
				b.Add("pulumi:providers:aws", "p", c.in)
			})
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}

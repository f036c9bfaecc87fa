package moto

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const templateType = "aws:ec2/launchTemplate:LaunchTemplate"

// instanceKinds are single instances, and what instances are started from.
var instanceKinds = map[string]kind{
	"aws:ec2/keyPair:KeyPair": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.ec2.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: in.text("keyName"), PublicKeyMaterial: []byte(in.must("publicKey"))})
			if err != nil {
				return nil, err
			}
			return made{"id": out.KeyName}, nil
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.ec2.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{id}, IncludePublicKey: aws.Bool(true)})
			if err != nil {
				return nil, err
			}
			key, err := one(out.KeyPairs)
			return fields{"keyName": key.KeyName, "publicKey": key.PublicKey}, err
		},
	},
	"aws:ec2/instance:Instance": {
		create: createInstance,
		read:   readInstance,
		unread: map[string]string{
			"userDataReplaceOnChange": "the provider's own: what a change does",
		},
	},
	templateType: {
		create: createTemplate,
		read:   readTemplate,
		unread: map[string]string{
			"updateDefaultVersion": "the provider's own: what a new version does",
		},
	},
}

func createInstance(ctx context.Context, a *Account, in values) (made, error) {
	image, err := a.image(ctx, in.must("ami"))
	if err != nil {
		return nil, err
	}
	request := &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		ImageId: in.text("ami"), InstanceType: types.InstanceType(in.must("instanceType")), KeyName: in.text("keyName"),
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: in.text("iamInstanceProfile")},
		// A request to give or to refuse a public address is one of the interface, which then takes the subnet and the
		// groups as well.
		NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{
			DeviceIndex: aws.Int32(0), SubnetId: in.text("subnetId"), Groups: in.texts("vpcSecurityGroupIds"),
			AssociatePublicIpAddress: in.flag("associatePublicIpAddress"),
		}},
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: image.RootDeviceName, Ebs: &types.EbsBlockDevice{
			Encrypted: in.flag("rootBlockDevice.encrypted"), VolumeType: types.VolumeType(in.must("rootBlockDevice.volumeType")),
			VolumeSize: in.number("rootBlockDevice.volumeSize"), DeleteOnTermination: in.flag("rootBlockDevice.deleteOnTermination"),
		}}},
		MetadataOptions: &types.InstanceMetadataOptionsRequest{
			HttpEndpoint: types.InstanceMetadataEndpointState(in.must("metadataOptions.httpEndpoint")),
			HttpTokens:   types.HttpTokensState(in.must("metadataOptions.httpTokens")), HttpPutResponseHopLimit: in.number("metadataOptions.httpPutResponseHopLimit"),
		},
		TagSpecifications: append(tagged(types.ResourceTypeInstance, in), taggedBy(types.ResourceTypeVolume, in.object("volumeTags"))...),
	}
	if script := in.text("userData"); script != nil {
		request.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(*script)))
	}
	out, err := a.ec2.RunInstances(ctx, request)
	if err != nil {
		return nil, err
	}
	instance, err := one(out.Instances)
	if err != nil {
		return nil, err
	}
	if check := in.flag("sourceDestCheck"); check != nil {
		if _, err := a.ec2.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: instance.InstanceId, SourceDestCheck: attribute(check)}); err != nil {
			return nil, err
		}
	}
	m := made{"id": instance.InstanceId, "publicIp": instance.PublicIpAddress, "privateIp": instance.PrivateIpAddress}
	nic, err := one(instance.NetworkInterfaces)
	m["primaryNetworkInterfaceId"] = nic.NetworkInterfaceId
	return m, err
}

func readInstance(ctx context.Context, a *Account, id string, in values) (fields, error) {
	out, err := a.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return nil, err
	}
	reservation, err := one(out.Reservations)
	if err != nil {
		return nil, err
	}
	instance, err := one(reservation.Instances)
	if err != nil {
		return nil, err
	}
	attribute, err := a.ec2.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: &id, Attribute: types.InstanceAttributeNameUserData})
	if err != nil {
		return nil, err
	}
	script, err := base64.StdEncoding.DecodeString(aws.ToString(attribute.UserData.Value))
	if err != nil {
		return nil, err
	}
	var groups []*string
	for _, nic := range instance.NetworkInterfaces {
		for _, group := range nic.Groups {
			groups = append(groups, group.GroupId)
		}
	}
	f := fields{
		"ami": instance.ImageId, "instanceType": instance.InstanceType, "keyName": instance.KeyName, "subnetId": instance.SubnetId,
		"vpcSecurityGroupIds": groups, "associatePublicIpAddress": instance.PublicIpAddress != nil, "sourceDestCheck": instance.SourceDestCheck,
		"userData": string(script), "tags": tags(instance.Tags),
	}
	if profile := instance.IamInstanceProfile; profile != nil {
		f["iamInstanceProfile"] = last(aws.ToString(profile.Arn), "/")
	}
	if options := instance.MetadataOptions; options != nil {
		f["metadataOptions"] = fields{
			"httpEndpoint": options.HttpEndpoint, "httpTokens": options.HttpTokens, "httpPutResponseHopLimit": options.HttpPutResponseHopLimit,
		}
	}
	for _, device := range instance.BlockDeviceMappings {
		if aws.ToString(device.DeviceName) != aws.ToString(instance.RootDeviceName) {
			continue
		}
		volumes, err := a.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{aws.ToString(device.Ebs.VolumeId)}})
		if err != nil {
			return nil, err
		}
		volume, err := one(volumes.Volumes)
		if err != nil {
			return nil, err
		}
		f["rootBlockDevice"] = fields{
			"encrypted": volume.Encrypted, "volumeType": volume.VolumeType, "volumeSize": volume.Size, "deleteOnTermination": device.Ebs.DeleteOnTermination,
		}
		f["volumeTags"] = tags(volume.Tags)
	}
	return f, nil
}

func (a *Account) image(ctx context.Context, id string) (types.Image, error) {
	out, err := a.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
	if err != nil {
		return types.Image{}, err
	}
	return one(out.Images)
}

func createTemplate(ctx context.Context, a *Account, in values) (made, error) {
	data := &types.RequestLaunchTemplateData{
		ImageId: in.text("imageId"), InstanceType: types.InstanceType(in.must("instanceType")), UserData: in.text("userData"),
		IamInstanceProfile: &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Arn: in.text("iamInstanceProfile.arn")},
		MetadataOptions: &types.LaunchTemplateInstanceMetadataOptionsRequest{
			HttpEndpoint: types.LaunchTemplateInstanceMetadataEndpointState(in.must("metadataOptions.httpEndpoint")),
			HttpTokens:   types.LaunchTemplateHttpTokensState(in.must("metadataOptions.httpTokens")), HttpPutResponseHopLimit: in.number("metadataOptions.httpPutResponseHopLimit"),
		},
		NetworkInterfaces: each(in.list("networkInterfaces"), func(nic values) types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest {
			return types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{
				DeviceIndex: nic.number("deviceIndex"), AssociatePublicIpAddress: nic.flag("associatePublicIpAddress"),
				DeleteOnTermination: nic.flag("deleteOnTermination"), Groups: nic.texts("securityGroups"),
			}
		}),
		BlockDeviceMappings: each(in.list("blockDeviceMappings"), func(device values) types.LaunchTemplateBlockDeviceMappingRequest {
			return types.LaunchTemplateBlockDeviceMappingRequest{DeviceName: device.text("deviceName"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{
				VolumeType: types.VolumeType(device.must("ebs.volumeType")), VolumeSize: device.number("ebs.volumeSize"),
				Encrypted: device.flag("ebs.encrypted"), DeleteOnTermination: device.flag("ebs.deleteOnTermination"),
			}}
		}),
		TagSpecifications: each(in.list("tagSpecifications"), func(of values) types.LaunchTemplateTagSpecificationRequest {
			return types.LaunchTemplateTagSpecificationRequest{ResourceType: types.ResourceType(of.must("resourceType")), Tags: pairs(of.object("tags"), ec2Tag)}
		}),
	}
	if credits := in.text("creditSpecification.cpuCredits"); credits != nil {
		data.CreditSpecification = &types.CreditSpecificationRequest{CpuCredits: credits}
	}
	if enabled := in.flag("monitoring.enabled"); enabled != nil {
		data.Monitoring = &types.LaunchTemplatesMonitoringRequest{Enabled: enabled}
	}
	out, err := a.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: in.text("name"), VersionDescription: in.text("description"), LaunchTemplateData: data,
		TagSpecifications: tagged(types.ResourceTypeLaunchTemplate, in),
	})
	if err != nil {
		return nil, err
	}
	return made{"id": out.LaunchTemplate.LaunchTemplateId}, nil
}

func readTemplate(ctx context.Context, a *Account, id string, _ values) (fields, error) {
	out, err := a.ec2.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id})
	if err != nil {
		return nil, err
	}
	version, err := one(out.LaunchTemplateVersions)
	if err != nil {
		return nil, err
	}
	data := version.LaunchTemplateData
	f := fields{
		"name": version.LaunchTemplateName, "description": version.VersionDescription, "imageId": data.ImageId, "instanceType": data.InstanceType,
		"userData": data.UserData,
	}
	if data.IamInstanceProfile != nil {
		f["iamInstanceProfile"] = fields{"arn": data.IamInstanceProfile.Arn}
	}
	if options := data.MetadataOptions; options != nil {
		f["metadataOptions"] = fields{
			"httpEndpoint": options.HttpEndpoint, "httpTokens": options.HttpTokens, "httpPutResponseHopLimit": options.HttpPutResponseHopLimit,
		}
	}
	if data.Monitoring != nil {
		f["monitoring"] = fields{"enabled": data.Monitoring.Enabled}
	}
	if data.CreditSpecification != nil {
		f["creditSpecification"] = fields{"cpuCredits": data.CreditSpecification.CpuCredits}
	}
	var nics, devices, of []fields
	for _, nic := range data.NetworkInterfaces {
		nics = append(nics, fields{
			"deviceIndex": nic.DeviceIndex, "associatePublicIpAddress": nic.AssociatePublicIpAddress, "deleteOnTermination": nic.DeleteOnTermination,
			"securityGroups": nic.Groups,
		})
	}
	for _, device := range data.BlockDeviceMappings {
		devices = append(devices, fields{"deviceName": device.DeviceName, "ebs": fields{
			"volumeType": device.Ebs.VolumeType, "volumeSize": device.Ebs.VolumeSize, "encrypted": device.Ebs.Encrypted,
			"deleteOnTermination": device.Ebs.DeleteOnTermination,
		}})
	}
	for _, t := range data.TagSpecifications {
		of = append(of, fields{"resourceType": t.ResourceType, "tags": tags(t.Tags)})
	}
	f["networkInterfaces"], f["blockDeviceMappings"], f["tagSpecifications"] = nics, devices, of
	return f, nil
}

// last is what follows the last separator, as the name in an ARN.
func last(text, separator string) string { return text[strings.LastIndex(text, separator)+1:] }

package preflight

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"dossier.example/infra/internal/refusal"
)

const (
	// rootDevice is the root volume of Amazon Linux, for which the hosts' sizes and encryption are set.
	rootDevice = "/dev/xvda"
	// smallestDisk is the size, in GiB, of the volume of a jump server and a NAT instance.
	smallestDisk = 8
)

// image asks whether the hosts can be started from service.image.
func (l *look) image(ctx context.Context) {
	const point = "service.image"
	id := l.Settings.Service.Image
	if id == "" {
		return
	}
	const mend = "set service.image to an Amazon Linux 2023 AMI for arm64 of the region: aws ssm get-parameter " +
		"--name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-arm64"
	out, err := l.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
	switch {
	case refusal.Absent(err) || refusal.Code(err) == "InvalidAMIID.Unavailable" || err == nil && len(out.Images) == 0:
		l.fault(point, mend, "%s does not exist in %s, or this account may not use it", id, l.Settings.Region)
		return
	case err != nil:
		l.unseen(ctx, point, err)
		return
	}
	image := out.Images[0]
	if image.State != types.ImageStateAvailable {
		l.fault(point, mend, "the image %s is %s", id, image.State)
	}
	if image.Architecture != types.ArchitectureValuesArm64 {
		l.fault(point, mend, "the image %s is for %s, and the hosts are Graviton (arm64)", id, image.Architecture)
	}
	if root := aws.ToString(image.RootDeviceName); root != rootDevice {
		l.fault(point, mend, "the root volume of the image %s is %s instead of %s", id, root, rootDevice)
	}
	for _, m := range image.BlockDeviceMappings {
		if m.Ebs == nil || aws.ToString(m.DeviceName) != rootDevice {
			continue
		}
		if size := int(aws.ToInt32(m.Ebs.VolumeSize)); size > smallestDisk {
			l.fault(point, mend, "the image %s has %d GiB, and the jump server's volume %d", id, size, smallestDisk)
		}
	}
}

// volumes asks which key encrypts volumes for which none is named. With a key of the account's own, Auto Scaling may
// start no instance until that key's policy lets it
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html).
func (l *look) volumes(ctx context.Context) {
	const point = "volumes"
	if l.exists {
		return // its instances have started
	}
	out, err := l.ec2.GetEbsDefaultKmsKeyId(ctx, &ec2.GetEbsDefaultKmsKeyIdInput{})
	if err != nil {
		l.unseen(ctx, point, err)
		return
	}
	if key := aws.ToString(out.KmsKeyId); key != "" && !strings.HasSuffix(key, "alias/aws/ebs") {
		l.warn(point, "let arn:aws:iam::"+l.account+":role/aws-service-role/autoscaling.amazonaws.com/"+
			"AWSServiceRoleForAutoScaling use that key by its policy, with kms:CreateGrant",
			"the account encrypts volumes with its own key %s: unless Auto Scaling may use it, no instance starts", key)
	}
}

// accounts asks whether what the settings name by its ARN is the account's.
func (l *look) accounts(context.Context) {
	for point, arn := range map[string]string{
		"access.boundary": l.Settings.Access.Boundary, "site.webAcl": l.Settings.Site.WebACL,
	} {
		if arn == "" {
			continue
		}
		parts := strings.SplitN(arn, ":", 6) // The settings' rules have checked that there are six.
		if account := parts[4]; account != l.account {
			l.fault(point, "deploy with credentials of that account, or name one of "+l.account,
				"it is in the account %s, but AWS_PROFILE or the credentials lead to %s", account, l.account)
		}
	}
}

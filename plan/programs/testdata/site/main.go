// The handbook is a static site: pages in S3, behind CloudFront, at a domain of Route 53.
package main

import (
	"encoding/json"
	"mime"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() { pulumi.Run(site) }

func site(ctx *pulumi.Context) error {
	conf := config.New(ctx, "")
	domain := conf.Require("domain")
	ttl := conf.GetInt("ttl")
	if ttl == 0 {
		ttl = 600
	}

	bucket, err := s3.NewBucketV2(ctx, "pages", &s3.BucketV2Args{
		Bucket: pulumi.String("handbook-pages"),
		Tags:   pulumi.StringMap{"Project": pulumi.String("handbook")},
	})
	if err != nil {
		return err
	}
	block, err := s3.NewBucketPublicAccessBlock(ctx, "pages", &s3.BucketPublicAccessBlockArgs{
		Bucket:                bucket.ID(),
		BlockPublicAcls:       pulumi.Bool(true),
		BlockPublicPolicy:     pulumi.Bool(true),
		IgnorePublicAcls:      pulumi.Bool(true),
		RestrictPublicBuckets: pulumi.Bool(true),
	})
	if err != nil {
		return err
	}
	_, err = s3.NewBucketVersioningV2(ctx, "pages", &s3.BucketVersioningV2Args{
		Bucket: bucket.ID(),
		VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{
			Status: pulumi.String("Enabled"),
		},
	})
	if err != nil {
		return err
	}
	if err := upload(ctx, bucket, "public"); err != nil {
		return err
	}

	certificate, err := certificate(ctx, domain, conf.Require("zone"))
	if err != nil {
		return err
	}
	control, err := cloudfront.NewOriginAccessControl(ctx, "pages", &cloudfront.OriginAccessControlArgs{
		OriginAccessControlOriginType: pulumi.String("s3"),
		SigningBehavior:               pulumi.String("always"),
		SigningProtocol:               pulumi.String("sigv4"),
	})
	if err != nil {
		return err
	}
	headers, err := cloudfront.NewResponseHeadersPolicy(ctx, "security", &cloudfront.ResponseHeadersPolicyArgs{
		Name: pulumi.String("handbook-security"),
		SecurityHeadersConfig: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs{
			StrictTransportSecurity: &cloudfront.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs{
				AccessControlMaxAgeSec: pulumi.Int(31536000),
				IncludeSubdomains:      pulumi.Bool(true),
				Override:               pulumi.Bool(true),
			},
		},
	})
	if err != nil {
		return err
	}
	distribution, err := cloudfront.NewDistribution(ctx, "site", &cloudfront.DistributionArgs{
		Enabled:           pulumi.Bool(true),
		Aliases:           pulumi.StringArray{pulumi.String(domain)},
		DefaultRootObject: pulumi.String("index.html"),
		PriceClass:        pulumi.String("PriceClass_100"),
		Origins: cloudfront.DistributionOriginArray{&cloudfront.DistributionOriginArgs{
			OriginId:              pulumi.String("pages"),
			DomainName:            bucket.BucketRegionalDomainName,
			OriginAccessControlId: control.ID(),
		}},
		DefaultCacheBehavior: &cloudfront.DistributionDefaultCacheBehaviorArgs{
			TargetOriginId:          pulumi.String("pages"),
			ViewerProtocolPolicy:    pulumi.String("redirect-to-https"),
			AllowedMethods:          pulumi.ToStringArray([]string{"GET", "HEAD"}),
			CachedMethods:           pulumi.ToStringArray([]string{"GET", "HEAD"}),
			Compress:                pulumi.Bool(true),
			DefaultTtl:              pulumi.Int(ttl),
			ResponseHeadersPolicyId: headers.ID(),
			ForwardedValues: &cloudfront.DistributionDefaultCacheBehaviorForwardedValuesArgs{
				QueryString: pulumi.Bool(false),
				Cookies: &cloudfront.DistributionDefaultCacheBehaviorForwardedValuesCookiesArgs{
					Forward: pulumi.String("none"),
				},
			},
		},
		CustomErrorResponses: cloudfront.DistributionCustomErrorResponseArray{
			&cloudfront.DistributionCustomErrorResponseArgs{
				ErrorCode: pulumi.Int(404), ResponseCode: pulumi.Int(404), ResponsePagePath: pulumi.String("/404.html"),
			},
		},
		Restrictions: &cloudfront.DistributionRestrictionsArgs{
			GeoRestriction: &cloudfront.DistributionRestrictionsGeoRestrictionArgs{
				RestrictionType: pulumi.String("none"),
			},
		},
		ViewerCertificate: &cloudfront.DistributionViewerCertificateArgs{
			AcmCertificateArn:      certificate,
			SslSupportMethod:       pulumi.String("sni-only"),
			MinimumProtocolVersion: pulumi.String("TLSv1.2_2021"),
		},
	})
	if err != nil {
		return err
	}

	policy := pulumi.All(bucket.Arn, distribution.Arn).ApplyT(func(args []any) (string, error) {
		text, err := json.Marshal(map[string]any{
			"Version": "2012-10-17",
			"Statement": []map[string]any{{
				"Effect":    "Allow",
				"Principal": map[string]any{"Service": "cloudfront.amazonaws.com"},
				"Action":    "s3:GetObject",
				"Resource":  args[0].(string) + "/*",
				"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceArn": args[1]}},
			}},
		})
		return string(text), err
	}).(pulumi.StringOutput)
	_, err = s3.NewBucketPolicy(ctx, "pages", &s3.BucketPolicyArgs{Bucket: bucket.ID(), Policy: policy},
		pulumi.DependsOn([]pulumi.Resource{block}))
	if err != nil {
		return err
	}

	zone, err := route53.LookupZone(ctx, &route53.LookupZoneArgs{Name: pulumi.StringRef(conf.Require("zone"))})
	if err != nil {
		return err
	}
	for _, kind := range []string{"A", "AAAA"} {
		_, err = route53.NewRecord(ctx, domain+"-"+kind, &route53.RecordArgs{
			ZoneId: pulumi.String(zone.ZoneId),
			Name:   pulumi.String(domain),
			Type:   pulumi.String(kind),
			Aliases: route53.RecordAliasArray{&route53.RecordAliasArgs{
				Name:                 distribution.DomainName,
				ZoneId:               distribution.HostedZoneId,
				EvaluateTargetHealth: pulumi.Bool(false),
			}},
		})
		if err != nil {
			return err
		}
	}
	ctx.Export("url", pulumi.String("https://"+domain))
	ctx.Export("distribution", distribution.ID())
	return nil
}

// certificate makes one for a domain, where CloudFront looks for it, and waits until it is issued.
func certificate(ctx *pulumi.Context, domain, zone string) (pulumi.StringOutput, error) {
	var none pulumi.StringOutput
	east, err := aws.NewProvider(ctx, "east", &aws.ProviderArgs{Region: pulumi.String("us-east-1")})
	if err != nil {
		return none, err
	}
	made, err := acm.NewCertificate(ctx, "site", &acm.CertificateArgs{
		DomainName:       pulumi.String(domain),
		ValidationMethod: pulumi.String("DNS"),
	}, pulumi.Provider(east))
	if err != nil {
		return none, err
	}
	hosted, err := route53.LookupZone(ctx, &route53.LookupZoneArgs{Name: pulumi.StringRef(zone)})
	if err != nil {
		return none, err
	}
	option := made.DomainValidationOptions.Index(pulumi.Int(0))
	record, err := route53.NewRecord(ctx, "validation", &route53.RecordArgs{
		ZoneId:  pulumi.String(hosted.ZoneId),
		Name:    option.ResourceRecordName().Elem(),
		Type:    option.ResourceRecordType().Elem(),
		Records: pulumi.StringArray{option.ResourceRecordValue().Elem()},
		Ttl:     pulumi.Int(60),
	})
	if err != nil {
		return none, err
	}
	issued, err := acm.NewCertificateValidation(ctx, "site", &acm.CertificateValidationArgs{
		CertificateArn:        made.Arn,
		ValidationRecordFqdns: pulumi.StringArray{record.Fqdn},
	}, pulumi.Provider(east))
	if err != nil {
		return none, err
	}
	return issued.CertificateArn, nil
}

// upload puts the files of a folder into the bucket.
func upload(ctx *pulumi.Context, bucket *s3.BucketV2, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		_, err := s3.NewBucketObjectv2(ctx, entry.Name(), &s3.BucketObjectv2Args{
			Bucket:      bucket.ID(),
			Key:         pulumi.String(entry.Name()),
			Source:      pulumi.NewFileAsset(filepath.Join(dir, entry.Name())),
			ContentType: pulumi.String(mime.TypeByExtension(filepath.Ext(entry.Name()))),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

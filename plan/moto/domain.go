package moto

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	certificates "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// issueTime is for how long to wait for a certificate.
const issueTime = 30 * time.Second

// domainKinds are names and the certificates for them.
var domainKinds = map[string]kind{
	"aws:acm/certificate:Certificate": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			out, err := a.acm.RequestCertificate(ctx, &acm.RequestCertificateInput{
				DomainName: in.text("domainName"), ValidationMethod: certificates.ValidationMethod(in.must("validationMethod")),
				KeyAlgorithm: certificates.KeyAlgorithm(in.must("keyAlgorithm")),
			})
			if err != nil {
				return nil, err
			}
			// The record that proves the domain is there a moment later.
			m := made{"id": out.CertificateArn, "arn": out.CertificateArn}
			_, err = a.certificate(ctx, *out.CertificateArn, func(c *certificates.CertificateDetail) bool {
				for i, option := range c.DomainValidationOptions {
					if option.ResourceRecord == nil {
						return false
					}
					at := fmt.Sprintf("domainValidationOptions[%d].resourceRecord", i)
					m[at+"Name"], m[at+"Value"] = option.ResourceRecord.Name, option.ResourceRecord.Value
				}
				return len(c.DomainValidationOptions) > 0
			})
			return m, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			out, err := a.acm.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &id})
			if err != nil {
				return nil, err
			}
			f := fields{"domainName": out.Certificate.DomainName, "keyAlgorithm": out.Certificate.KeyAlgorithm}
			option, err := one(out.Certificate.DomainValidationOptions)
			f["validationMethod"] = option.ValidationMethod
			return f, err
		},
		unkept: map[string]string{"keyAlgorithm": "KeyAlgorithm"},
	},
	// It creates nothing: it waits until the certificate is issued.
	"aws:acm/certificateValidation:CertificateValidation": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			_, err := a.certificate(ctx, in.must("certificateArn"), isIssued)
			return made{"id": in.text("certificateArn")}, err
		},
		read: func(ctx context.Context, a *Account, id string, _ values) (fields, error) {
			certificate, err := a.certificate(ctx, id, isIssued)
			if err != nil {
				return nil, err
			}
			var proofs []string
			for _, option := range certificate.DomainValidationOptions {
				proofs = append(proofs, strings.TrimSuffix(aws.ToString(option.ResourceRecord.Name), "."))
			}
			return fields{"certificateArn": certificate.CertificateArn, "validationRecordFqdns": proofs}, nil
		},
	},
	"aws:route53/record:Record": {
		create: func(ctx context.Context, a *Account, in values) (made, error) {
			set := &types.ResourceRecordSet{Name: in.text("name"), Type: types.RRType(in.must("type"))}
			if ttl := in.number("ttl"); ttl != nil {
				set.TTL = aws.Int64(int64(*ttl))
			}
			for _, record := range in.texts("records") {
				set.ResourceRecords = append(set.ResourceRecords, types.ResourceRecord{Value: &record})
			}
			for _, alias := range in.list("aliases") {
				set.AliasTarget = &types.AliasTarget{
					DNSName: alias.text("name"), HostedZoneId: alias.text("zoneId"), EvaluateTargetHealth: aws.ToBool(alias.flag("evaluateTargetHealth")),
				}
			}
			action := types.ChangeActionCreate
			if aws.ToBool(in.flag("allowOverwrite")) {
				action = types.ChangeActionUpsert
			}
			_, err := a.route53.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
				HostedZoneId: in.text("zoneId"), ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: action, ResourceRecordSet: set}}},
			})
			return made{
				"id": aws.String(strings.Join([]string{in.must("zoneId"), in.must("name"), in.must("type")}, "_")), "fqdn": aws.String(strings.TrimSuffix(in.must("name"), ".")),
			}, err
		},
		read: func(ctx context.Context, a *Account, _ string, in values) (fields, error) {
			out, err := a.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
				HostedZoneId: in.text("zoneId"), StartRecordName: in.text("name"), StartRecordType: types.RRType(in.must("type")), MaxItems: aws.Int32(1),
			})
			if err != nil {
				return nil, err
			}
			set, err := one(out.ResourceRecordSets)
			if err != nil {
				return nil, err
			}
			f := fields{"zoneId": in.text("zoneId"), "name": set.Name, "type": set.Type, "ttl": set.TTL}
			// AWS ends names with a dot, which a program may leave out.
			if !strings.HasSuffix(in.must("name"), ".") {
				f["name"] = strings.TrimSuffix(aws.ToString(set.Name), ".")
			}
			var records []*string
			for _, record := range set.ResourceRecords {
				records = append(records, record.Value)
			}
			f["records"] = records
			if to := set.AliasTarget; to != nil {
				f["aliases"] = []fields{{
					"name": strings.TrimSuffix(aws.ToString(to.DNSName), "."), "zoneId": to.HostedZoneId, "evaluateTargetHealth": to.EvaluateTargetHealth,
				}}
			}
			return f, nil
		},
		unread: map[string]string{
			"allowOverwrite": "of the request: how it is written, not what",
		},
	},
}

func isIssued(c *certificates.CertificateDetail) bool {
	return c.Status == certificates.CertificateStatusIssued
}

// certificate waits until a certificate is as wanted.
func (a *Account) certificate(ctx context.Context, arn string, wanted func(*certificates.CertificateDetail) bool) (*certificates.CertificateDetail, error) {
	ctx, cancel := context.WithTimeout(ctx, issueTime)
	defer cancel()
	for {
		out, err := a.acm.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &arn})
		if err != nil {
			return nil, err
		}
		if wanted(out.Certificate) {
			return out.Certificate, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the certificate is %s after %v, and not as it is waited for", out.Certificate.Status, issueTime)
		case <-time.After(pollEvery):
		}
	}
}

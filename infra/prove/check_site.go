package prove

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// noDomain is why points about HTTPS do not apply.
const noDomain = "site.domain is not set: the site is the load balancer's own name, by plain HTTP"

// securityHeaders are what every page has; package web of the app sets them.
var securityHeaders = map[string]string{
	"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
	"Cache-Control": "no-store",
}

var siteChecks = []check{
	{"site/live", "/livez returns 200: a process serves.", "look at the app's log group and at the group's activities",
		func(ctx context.Context, l *look) (answer, error) {
			return l.status(ctx, l.Stack.Outputs.URL+"/livez", "200")
		}},
	{"site/ready", "/readyz returns 200: the database, the bucket and the table can be reached.",
		"look at the app's log group for lines of level error", func(ctx context.Context, l *look) (answer, error) {
			return l.status(ctx, l.Stack.Outputs.URL+"/readyz", "200")
		}},
	{"site/sign-in", "The sign-in page for staff is served.", "look at the app's log group",
		func(ctx context.Context, l *look) (answer, error) {
			return l.status(ctx, l.Stack.Outputs.URL+"/staff/sign-in", "200")
		}},
	{"site/headers", "Pages have the security headers.",
		"something between the app and the browser removes them", func(ctx context.Context, l *look) (answer, error) {
			got, err := l.get(ctx, l.Stack.Outputs.URL+"/")
			if err != nil {
				return unreachable(err, "all headers")
			}
			var problems []string
			for name, value := range securityHeaders {
				if got.header.Get(name) != value {
					problems = append(problems, fmt.Sprintf("%s is %q, not %q", name, got.header.Get(name), value))
				}
			}
			if !strings.Contains(got.header.Get("Content-Security-Policy"), "default-src") {
				problems = append(problems, "no Content-Security-Policy")
			}
			return without(problems, "all headers")
		}},
	{"site/hsts", "Browsers are told to use HTTPS only.", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			if l.Stack.Settings.Site.Domain == "" {
				return skip(noDomain)
			}
			got, err := l.get(ctx, l.Stack.Outputs.URL+"/livez")
			if err != nil {
				return unreachable(err, "max-age=31536000")
			}
			return equal(got.header.Get("Strict-Transport-Security"), "max-age=31536000")
		}},
	{"site/redirect", "Plain HTTP is refused: it redirects to HTTPS (ELB.1).", refresh,
		func(ctx context.Context, l *look) (answer, error) {
			domain := l.Stack.Settings.Site.Domain
			if domain == "" {
				return skip(noDomain)
			}
			got, err := l.get(ctx, "http://"+domain+"/people?x=1")
			const want = "301 to "
			if err != nil {
				return unreachable(err, want+"https")
			}
			to, _ := url.Parse(got.header.Get("Location"))
			ok := got.status == http.StatusMovedPermanently && to != nil && to.Scheme == "https" &&
				to.Hostname() == domain && to.Path == "/people"
			return holds(ok, fmt.Sprintf("%d to %s", got.status, cmp.Or(got.header.Get("Location"), "nowhere")),
				want+"https://"+domain+"/people?x=1")
		}},
	{"site/tls-new", "TLS 1.3 is supported (ELB.17).", refresh, func(ctx context.Context, l *look) (answer, error) {
		if l.Stack.Settings.Site.Domain == "" {
			return skip(noDomain)
		}
		version, err := l.Network.Handshake(ctx, l.Stack.Settings.Site.Domain+":443", tls.VersionTLS13)
		if err != nil {
			return unreachable(err, "TLS 1.3")
		}
		return equal(tls.VersionName(version), "TLS 1.3")
	}},
	{"site/tls-old", "TLS 1.1 and older are refused.", refresh, func(ctx context.Context, l *look) (answer, error) {
		if l.Stack.Settings.Site.Domain == "" {
			return skip(noDomain)
		}
		version, err := l.Network.Handshake(ctx, l.Stack.Settings.Site.Domain+":443", tls.VersionTLS11)
		seen := "refused"
		if err == nil {
			seen = tls.VersionName(version) + " is spoken"
		}
		return equal(seen, "refused")
	}},
	{"site/dns", "The domain resolves to the load balancer.",
		"look at the record of the domain, and whether the zone is delegated",
		func(ctx context.Context, l *look) (answer, error) {
			domain := l.Stack.Settings.Site.Domain
			if domain == "" {
				return skip(noDomain)
			}
			balancer, err := l.balancer(ctx)
			if err != nil {
				return answer{}, err
			}
			own, err := l.Network.LookupHost(ctx, aws.ToString(balancer.DNSName))
			if err != nil {
				return answer{}, err
			}
			named, err := l.Network.LookupHost(ctx, domain)
			if err != nil {
				return unreachable(err, "an address of "+aws.ToString(balancer.DNSName))
			}
			ok := slices.ContainsFunc(named, func(a string) bool { return slices.Contains(own, a) })
			return holds(ok, strings.Join(named, ", "),
				"an address of "+aws.ToString(balancer.DNSName)+": "+strings.Join(own, ", "))
		}},
	{"site/certificate", "The certificate is issued for the domain.",
		"ACM waits for the record of the domain: see site/proof", func(ctx context.Context, l *look) (answer, error) {
			if l.Stack.Settings.Site.Domain == "" {
				return skip(noDomain)
			}
			c, err := l.certificate(ctx)
			if err != nil {
				return answer{}, err
			}
			return equal(fmt.Sprintf("%s for %s", c.Status, aws.ToString(c.DomainName)),
				fmt.Sprintf("%s for %s", acmtypes.CertificateStatusIssued, l.Stack.Settings.Site.Domain))
		}},
	// https://docs.aws.amazon.com/acm/latest/userguide/managed-renewal.html
	{"site/renewal", "ACM can renew the certificate automatically.",
		"a certificate is eligible while it is in use and its record exists",
		func(ctx context.Context, l *look) (answer, error) {
			if l.Stack.Settings.Site.Domain == "" {
				return skip(noDomain)
			}
			c, err := l.certificate(ctx)
			if err != nil {
				return answer{}, err
			}
			return equal(c.RenewalEligibility, acmtypes.RenewalEligibilityEligible)
		}},
	{"site/proof", "The zone has the record that validates the domain for ACM; without it, the certificate expires.",
		refresh, func(ctx context.Context, l *look) (answer, error) {
			if l.Stack.Settings.Site.Domain == "" {
				return skip(noDomain)
			}
			c, err := l.certificate(ctx)
			if err != nil {
				return answer{}, err
			}
			if len(c.DomainValidationOptions) == 0 || c.DomainValidationOptions[0].ResourceRecord == nil {
				return answer{}, absent("record that ACM asks for")
			}
			want := c.DomainValidationOptions[0].ResourceRecord
			out, err := l.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
				HostedZoneId: &l.Stack.Settings.Site.ZoneID, StartRecordName: want.Name,
				StartRecordType: types.RRTypeCname,
				MaxItems:        aws.Int32(1),
			})
			if err != nil {
				return answer{}, err
			}
			seen := "none"
			if len(out.ResourceRecordSets) > 0 && len(out.ResourceRecordSets[0].ResourceRecords) > 0 &&
				sameName(aws.ToString(out.ResourceRecordSets[0].Name), aws.ToString(want.Name)) {
				seen = aws.ToString(out.ResourceRecordSets[0].ResourceRecords[0].Value)
			}
			return holds(sameName(seen, aws.ToString(want.Value)), seen, aws.ToString(want.Value))
		}},
}

func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

var balancerChecks = []check{
	{"balancer/listeners", "The load balancer listens as configured: HTTPS with the policy for TLS 1.3, or " +
		"HTTP without a domain.", refresh,
		about((*look).listeners, func(ctx context.Context, l *look, listeners []elbtypes.Listener) (answer, error) {
			var seen []string
			for _, i := range listeners {
				does := ""
				if len(i.DefaultActions) > 0 {
					does = string(i.DefaultActions[0].Type)
				}
				if i.Protocol == elbtypes.ProtocolEnumHttps { // others have none, whatever they show
					does += " " + aws.ToString(i.SslPolicy)
				}
				seen = append(seen, fmt.Sprintf("%s %d %s", i.Protocol, aws.ToInt32(i.Port), does))
			}
			slices.Sort(seen)
			want := "HTTP 80 forward"
			if l.Stack.Settings.Site.Domain != "" {
				want = "HTTP 80 redirect, HTTPS 443 forward ELBSecurityPolicy-TLS13-1-2-2021-06"
			}
			return equal(strings.Join(seen, ", "), want)
		})},
	{"balancer/attributes", "The load balancer drops invalid headers (ELB.4), refuses desynchronized requests " +
		"(ELB.12), writes access logs (ELB.5) and is protected as `protect` says (ELB.6).", refresh,
		about((*look).balancerAttributes,
			func(ctx context.Context, l *look, attributes map[string]string) (answer, error) {
				var problems []string
				for name, want := range map[string]string{
					"routing.http.drop_invalid_header_fields.enabled": "true",
					"routing.http.desync_mitigation_mode":             "defensive",
					"access_logs.s3.enabled":                          "true",
					"deletion_protection.enabled":                     fmt.Sprint(l.Stack.Settings.Protect),
					"idle_timeout.timeout_seconds": fmt.Sprint(
						int(l.Stack.Settings.Service.IdleTimeout.Seconds())),
				} {
					if attributes[name] != want {
						problems = append(problems, fmt.Sprintf("%s is %q, not %q", name, attributes[name], want))
					}
				}
				return without(problems, "as set")
			})},
	{"balancer/delay",
		"An instance that leaves gets service.deregistrationDelay, and new connections go to the instance with the " +
			"fewest.", refresh, func(ctx context.Context, l *look) (answer, error) {
			arn := l.targetGroup()
			out, err := l.elb.DescribeTargetGroupAttributes(ctx,
				&elb.DescribeTargetGroupAttributesInput{TargetGroupArn: &arn})
			if err != nil {
				return answer{}, err
			}
			m := map[string]string{}
			for _, a := range out.Attributes {
				m[aws.ToString(a.Key)] = aws.ToString(a.Value)
			}
			return equal(m["deregistration_delay.timeout_seconds"]+" s, "+m["load_balancing.algorithm.type"],
				fmt.Sprintf("%d s, least_outstanding_requests",
					int(l.Stack.Settings.Service.DeregistrationDelay.Seconds())))
		}},
	{"balancer/targets", "Every instance in service is healthy in the target group.",
		"look at the reason that the load balancer gives, and at the app's log group",
		func(ctx context.Context, l *look) (answer, error) {
			arn := l.targetGroup()
			out, err := l.elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &arn})
			if err != nil {
				return answer{}, err
			}
			var problems []string
			healthy := 0
			for _, t := range out.TargetHealthDescriptions {
				if t.Target == nil || t.TargetHealth == nil {
					continue
				}
				switch t.TargetHealth.State {
				case elbtypes.TargetHealthStateEnumHealthy:
					healthy++
				case elbtypes.TargetHealthStateEnumDraining: // it leaves
				default:
					problems = append(problems,
						fmt.Sprintf("%s is %s: %s", aws.ToString(t.Target.Id), t.TargetHealth.State,
							aws.ToString(t.TargetHealth.Description)))
				}
			}
			if least := l.Stack.Settings.Service.Min; healthy < least {
				problems = append(problems, fmt.Sprintf("%d healthy", healthy))
			}
			return without(problems, fmt.Sprintf("%d healthy at least, none unhealthy", l.Stack.Settings.Service.Min))
		}},
}

// got is the answer of the site, without its body.
type got struct {
	status int
	header http.Header
}

func (l *look) get(ctx context.Context, address string) (got, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return got{}, err
	}
	response, err := l.Network.RoundTrip(request)
	if err != nil {
		return got{}, err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	return got{response.StatusCode, response.Header}, nil
}

func (l *look) status(ctx context.Context, address, want string) (answer, error) {
	got, err := l.get(ctx, address)
	if err != nil {
		return unreachable(err, want)
	}
	return equal(fmt.Sprint(got.status), want)
}

// unreachable is the answer where the site does not answer: that is a fault of the stack and not of the question.
func unreachable(err error, want string) (answer, error) {
	return answer{seen: err.Error(), expected: want, wrong: true}, nil
}

// Package site builds what browsers reach: the load balancer with its target group and listeners and, where there is a
// domain, its certificate and names. main.go imports it.
package site

import (
	"slices"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"dossier.example/infra/network"
	"dossier.example/infra/settings"
	"dossier.example/infra/storage"
)

// Args is what a Site is built from.
type Args struct {
	Network *network.Network
	// Logs receives the load balancer's access logs.
	Logs *storage.Logs
	settings.Site
	// Protect turns on deletion protection.
	Protect bool
	// AppPort is where the app listens.
	AppPort int
	// Prepared is when the account has the service-linked role of Elastic Load Balancing.
	Prepared pulumi.Resource
	// IdleTimeout is how long a connection on which nothing moves is kept; DeregistrationDelay how long the requests of
	// an instance that leaves may go on.
	IdleTimeout, DeregistrationDelay time.Duration
}

// Site is the load balancer and the names that lead to it.
type Site struct {
	pulumi.ResourceState

	Balancer *lb.LoadBalancer
	Targets  *lb.TargetGroup
	// URL is the site's origin, without a slash at the end.
	URL pulumi.StringOutput
	// Ready is there when requests are forwarded.
	Ready []pulumi.Resource
}

// tlsPolicy takes TLS 1.3, and 1.2 with forward secrecy for browsers that have no 1.3
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html).
const tlsPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

// New builds a Site.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Site, error) {
	s := &Site{}
	if err := ctx.RegisterComponentResource("dossier:site:Site", name, s, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(s)
	subnets := pulumi.StringArray{}
	for _, subnet := range args.Network.Public {
		subnets = append(subnets, subnet.ID())
	}
	var err error
	s.Balancer, err = lb.NewLoadBalancer(ctx, name, &lb.LoadBalancerArgs{
		LoadBalancerType: pulumi.String("application"), Internal: pulumi.Bool(false), Subnets: subnets,
		SecurityGroups: pulumi.StringArray{args.Network.Groups.LoadBalancer.ID()},
		IdleTimeout:    seconds(args.IdleTimeout), EnableHttp2: pulumi.Bool(true),
		DropInvalidHeaderFields: pulumi.Bool(true),
		DesyncMitigationMode:    pulumi.String("defensive"), XffHeaderProcessingMode: pulumi.String("append"),
		EnableDeletionProtection: pulumi.Bool(args.Protect),
		AccessLogs: &lb.LoadBalancerAccessLogsArgs{
			Bucket: args.Logs.Bucket.ID(), Prefix: pulumi.String(storage.BalancerLogs), Enabled: pulumi.Bool(true),
		},
	}, parent, pulumi.DependsOn(append(slices.Clone(args.Network.Ready), args.Logs.Ready, args.Prepared)))
	if err != nil {
		return nil, err
	}
	// Liveness only: an outage of the database would fail every instance's readiness at once, and the group, which
	// believes the target group, would replace all of them for nothing. That an instance is ready is asked before it
	// gets its first request.
	s.Targets, err = lb.NewTargetGroup(ctx, name, &lb.TargetGroupArgs{
		VpcId: args.Network.VPC.ID(), Port: pulumi.Int(args.AppPort), Protocol: pulumi.String("HTTP"),
		TargetType:          pulumi.String("instance"),
		DeregistrationDelay: seconds(args.DeregistrationDelay),
		// An upload takes a connection for long: new ones go where the fewest are.
		LoadBalancingAlgorithmType: pulumi.String("least_outstanding_requests"),
		HealthCheck: &lb.TargetGroupHealthCheckArgs{
			Enabled: pulumi.Bool(true), Protocol: pulumi.String("HTTP"), Path: pulumi.String("/livez"),
			Matcher:  pulumi.String("200"),
			Interval: pulumi.Int(10), Timeout: pulumi.Int(5), HealthyThreshold: pulumi.Int(2),
			UnhealthyThreshold: pulumi.Int(3),
		},
	}, parent)
	if err != nil {
		return nil, err
	}
	forward := lb.ListenerDefaultActionArray{&lb.ListenerDefaultActionArgs{Type: pulumi.String("forward"),
		TargetGroupArn: s.Targets.Arn}}
	if args.Domain == "" {
		s.URL = pulumi.Sprintf("http://%s", s.Balancer.DnsName)
		listener, err := lb.NewListener(ctx, name+"-http", &lb.ListenerArgs{
			LoadBalancerArn: s.Balancer.Arn, Port: pulumi.Int(80), Protocol: pulumi.String("HTTP"),
			DefaultActions: forward,
		}, parent)
		if err != nil {
			return nil, err
		}
		s.Ready = append(s.Ready, listener)
	} else if err := s.addDomain(ctx, name, args, forward, parent); err != nil {
		return nil, err
	}
	if args.WebACL != "" {
		// Not by the SDK's package for WAF, which is larger than all the others together and takes as long to compile.
		var association pulumi.CustomResourceState
		if err := ctx.RegisterResource("aws:wafv2/webAclAssociation:WebAclAssociation", name, pulumi.Map{
			"resourceArn": s.Balancer.Arn, "webAclArn": pulumi.String(args.WebACL),
		}, &association, parent); err != nil {
			return nil, err
		}
	}
	return s, ctx.RegisterResourceOutputs(s, pulumi.Map{"url": s.URL})
}

// addDomain proves the domain by a record, serves HTTPS with the certificate, redirects HTTP and points the names at
// the load balancer.
func (s *Site) addDomain(ctx *pulumi.Context, name string, args Args, forward lb.ListenerDefaultActionArray,
	parent pulumi.ResourceOption) error {
	s.URL = pulumi.String("https://" + args.Domain).ToStringOutput()
	zone := pulumi.String(args.ZoneID)
	certificate, err := acm.NewCertificate(ctx, name, &acm.CertificateArgs{
		DomainName: pulumi.String(args.Domain), ValidationMethod: pulumi.String("DNS"),
		KeyAlgorithm: pulumi.String("EC_prime256v1"),
	}, parent)
	if err != nil {
		return err
	}
	option := certificate.DomainValidationOptions.Index(pulumi.Int(0))
	proof, err := route53.NewRecord(ctx, name+"-proof", &route53.RecordArgs{
		ZoneId: zone, Name: option.ResourceRecordName().Elem(), Type: option.ResourceRecordType().Elem(),
		Records: pulumi.StringArray{option.ResourceRecordValue().Elem()}, Ttl: pulumi.Int(300),
		// Every certificate for the domain in this account asks for the very same record, to be issued and to be
		// renewed: another stack's too. So it may be there already, and it stays when this stack goes.
		AllowOverwrite: pulumi.Bool(true),
	}, parent, pulumi.RetainOnDelete(true))
	if err != nil {
		return err
	}
	valid, err := acm.NewCertificateValidation(ctx, name, &acm.CertificateValidationArgs{
		CertificateArn: certificate.Arn, ValidationRecordFqdns: pulumi.StringArray{proof.Fqdn},
	}, parent)
	if err != nil {
		return err
	}
	https, err := lb.NewListener(ctx, name+"-https", &lb.ListenerArgs{
		LoadBalancerArn: s.Balancer.Arn, Port: pulumi.Int(443), Protocol: pulumi.String("HTTPS"),
		SslPolicy:      pulumi.String(tlsPolicy),
		CertificateArn: valid.CertificateArn, DefaultActions: forward,
		RoutingHttpResponseStrictTransportSecurityHeaderValue: pulumi.String("max-age=31536000"),
	}, parent)
	if err != nil {
		return err
	}
	http, err := lb.NewListener(ctx, name+"-http", &lb.ListenerArgs{
		LoadBalancerArn: s.Balancer.Arn, Port: pulumi.Int(80), Protocol: pulumi.String("HTTP"),
		DefaultActions: lb.ListenerDefaultActionArray{&lb.ListenerDefaultActionArgs{
			Type: pulumi.String("redirect"),
			Redirect: &lb.ListenerDefaultActionRedirectArgs{
				Protocol: pulumi.String("HTTPS"), Port: pulumi.String("443"), StatusCode: pulumi.String("HTTP_301"),
			},
		}},
	}, parent)
	if err != nil {
		return err
	}
	s.Ready = append(s.Ready, https, http)
	record, err := route53.NewRecord(ctx, name, &route53.RecordArgs{
		ZoneId: zone, Name: pulumi.String(args.Domain), Type: pulumi.String("A"),
		Aliases: route53.RecordAliasArray{&route53.RecordAliasArgs{
			Name: s.Balancer.DnsName, ZoneId: s.Balancer.ZoneId, EvaluateTargetHealth: pulumi.Bool(false),
		}},
	}, parent)
	if err != nil {
		return err
	}
	s.Ready = append(s.Ready, record)
	return nil
}

func seconds(d time.Duration) pulumi.Int { return pulumi.Int(int(d / time.Second)) }

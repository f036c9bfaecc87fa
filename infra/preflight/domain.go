package preflight

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"dossier.example/infra/internal/refusal"
)

// hostedZone asks whether the zone is public, holds the domain, and is the one that the world asks: a certificate is
// proven by a record in it, for which ACM waits in vain where nobody looks there.
func (l *look) hostedZone(ctx context.Context) {
	const point = "hosted-zone"
	id := l.Settings.Site.ZoneID
	if id == "" {
		return
	}
	out, err := l.route53.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &id})
	switch {
	case refusal.Absent(err):
		l.fault(point, "set site.zoneId to one of \"aws route53 list-hosted-zones\"",
			"the account has no hosted zone %s", id)
		return
	case err != nil:
		l.unseen(ctx, point, err)
		return
	case out.HostedZone == nil:
		l.unseen(ctx, point, errors.New("no hosted zone in the answer of Route 53"))
		return
	}
	zone := strings.TrimSuffix(aws.ToString(out.HostedZone.Name), ".")
	if config := out.HostedZone.Config; config != nil && config.PrivateZone {
		l.fault(point, "set site.zoneId to the public zone of the domain",
			"%s (%s) is private: browsers and ACM cannot see it", id, zone)
		return
	}
	if domain := l.Settings.Site.Domain; domain != zone && !strings.HasSuffix(domain, "."+zone) {
		l.fault(point, "set site.zoneId to the zone that contains the domain",
			"%s is the zone of %s, which does not contain %s", id, zone, domain)
		return
	}
	found, unread := l.recordsAt(ctx, l.Settings.Site.Domain)
	if unread != nil {
		l.unseen(ctx, "site.domain", unread)
	}
	// Without the certificate of a new domain, no site is made. That of a running one serves until it expires.
	refused := l.fault
	if slices.ContainsFunc(found, l.leadsHere) {
		refused = l.warn
	}
	var own []string
	if out.DelegationSet != nil {
		own = out.DelegationSet.NameServers
	}
	answered, err := l.DNS.LookupNS(ctx, zone+".")
	if gone, ok := errors.AsType[*net.DNSError](err); ok && gone.IsNotFound {
		refused(point, delegate(zone, own), "the zone %s is not delegated, so the internet cannot find it", zone)
		return
	}
	if err != nil {
		l.unseen(ctx, point, fmt.Errorf("asking the DNS for the name servers of %s: %w", zone, err))
		return
	}
	same := func(a, b string) bool {
		return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
	}
	for _, ns := range answered {
		if slices.ContainsFunc(own, func(name string) bool { return same(name, ns.Host) }) {
			if unread == nil {
				l.records(ctx, zone, found, refused)
			}
			return
		}
	}
	var others []string
	for _, ns := range answered {
		others = append(others, strings.TrimSuffix(ns.Host, "."))
	}
	refused(point, delegate(zone, own), "the zone %s is delegated to other name servers: %s", zone,
		strings.Join(others, ", "))
}

func delegate(zone string, servers []string) string {
	return fmt.Sprintf("at the registrar of %s, or in its parent zone, set these name servers: %s", zone,
		strings.Join(servers, ", "))
}

// leadsHere reports whether a record of the domain leads to the site of this stack, as far as its name tells.
func (l *look) leadsHere(r types.ResourceRecordSet) bool {
	return l.mayExist() && (r.Type == types.RRTypeA || r.Type == types.RRTypeCname) && r.AliasTarget != nil &&
		strings.Contains(strings.ToLower(aws.ToString(r.AliasTarget.DNSName)), "dossier-site-")
}

// records looks at what the zone has at the domain, found, and asks for what is above it. Where a record is there
// already, that of the site is refused, and so is the certificate where a CAA record names other authorities.
func (l *look) records(ctx context.Context, zone string, found []types.ResourceRecordSet, refused note) {
	const point = "site.domain"
	domain := l.Settings.Site.Domain
	for _, r := range found {
		switch r.Type {
		case types.RRTypeCname, types.RRTypeA:
			if l.leadsHere(r) {
				if l.unknown {
					l.warn(point, "keep it if it does; otherwise delete it, or choose another site.domain",
						"%s already has a record of type %s in its hosted zone, which may belong to this stack", domain,
						r.Type)
				}
				continue // its own
			}
			l.fault(point, "delete that record when the site may take its place, or choose another site.domain",
				"%s already has a record of type %s in its hosted zone", domain, r.Type)
		case types.RRTypeAaaa:
			l.warn(point, "delete that record", "%s has a record of type AAAA, which leads browsers with IPv6 "+
				"elsewhere: the load balancer has IPv4 only", domain)
		}
	}
	// The nearest CAA records hold (RFC 8659). Those above the zone are not seen here.
	for name := domain; ; {
		for _, r := range found {
			if r.Type == types.RRTypeCaa {
				l.authorities(refused, name, r)
				return
			}
		}
		if name == zone {
			return
		}
		_, name, _ = strings.Cut(name, ".")
		var err error
		if found, err = l.recordsAt(ctx, name); err != nil {
			l.unseen(ctx, point, err)
			return
		}
	}
}

// recordsAt returns the records of one name: Route 53 lists them in the order of names.
func (l *look) recordsAt(ctx context.Context, name string) ([]types.ResourceRecordSet, error) {
	out, err := l.route53.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: &l.Settings.Site.ZoneID, StartRecordName: &name,
	})
	if err != nil {
		return nil, err
	}
	var found []types.ResourceRecordSet
	for _, r := range out.ResourceRecordSets {
		if strings.EqualFold(strings.TrimSuffix(aws.ToString(r.Name), "."), name) {
			found = append(found, r)
		}
	}
	return found, nil
}

// amazon are the authorities of which a CAA record has to name one
// (https://docs.aws.amazon.com/acm/latest/userguide/setup-caa.html).
var amazon = []string{"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"}

// authorities reads the CAA records of one name: without one with the tag issue, anybody may issue. What refuses the
// certificate, and its renewal, goes to refused.
func (l *look) authorities(refused note, name string, caa types.ResourceRecordSet) {
	restricted := false
	for _, r := range caa.ResourceRecords {
		// 0 issue "amazon.com; parameters"
		_, rest, _ := strings.Cut(aws.ToString(r.Value), " ")
		tag, value, _ := strings.Cut(rest, " ")
		if !strings.EqualFold(tag, "issue") {
			continue
		}
		restricted = true
		issuer, _, _ := strings.Cut(strings.Trim(value, `" `), ";")
		if slices.Contains(amazon, strings.ToLower(strings.TrimSpace(issuer))) {
			return
		}
	}
	if restricted {
		refused("site.domain", fmt.Sprintf("add the value 0 issue %q to them", amazon[0]),
			"the CAA records of %s do not let Amazon issue or renew the certificate", name)
	}
}

package policy

import (
	"regexp"
	"slices"

	"dossier.example/plan/graph"
)

// tlsPolicy is the form of the policies that take TLS 1.3, and at least 1.2 with forward secrecy: the "Ext" ones and
// those for 1.0 and 1.1 are left out
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html).
var tlsPolicy = regexp.MustCompile(`^ELBSecurityPolicy-TLS13-1-[23](-Res)?(-FIPS)?(-PQ)?-[0-9]{4}-[0-9]{2}$`)

func balancerRules() []Rule {
	return needing([]Rule{
		{
			ID: "ELB.1", Also: []string{"CKV2_AWS_20"},
			Says:  "What comes by HTTP is redirected to HTTPS, and nothing else done with it.",
			Needs: []string{listenerType},
			Check: unless(listenerType, func(g *graph.Graph, r *graph.Resource) bool {
				return graph.Text(r.Input("protocol")) == "HTTPS" || redirects(r)
			}, "let its only default action be a redirect to HTTPS",
				"it takes %s and does not redirect to HTTPS", "protocol"),
		},
		{
			ID: "ELB.4", Also: []string{"CKV_AWS_131"},
			Says:  "Headers that HTTP does not allow are dropped.",
			Check: Must(balancerType, "dropInvalidHeaderFields", true, "set dropInvalidHeaderFields to true"),
		},
		{
			ID: "ELB.5", Also: []string{"CKV_AWS_91"},
			Says: "Load balancers write access logs to a bucket of the stack.",
			Check: unless(balancerType, func(g *graph.Graph, r *graph.Resource) bool {
				return graph.Is(r.Input("accessLogs.enabled"), true) &&
					g.Resolve(r.Input("accessLogs.bucket"), bucketType) != nil
			}, "set accessLogs with a bucket and enabled",
				"accessLogs.enabled is %s, accessLogs.bucket is %s", "accessLogs.enabled", "accessLogs.bucket"),
		},
		{
			ID: "ELB.6", Also: []string{"CKV_AWS_150"},
			Says:       "Load balancers cannot be deleted by mistake.",
			Production: true, Otherwise: "A trial environment is destroyed in one step.",
			Check: Must(balancerType, "enableDeletionProtection", true, "set enableDeletionProtection to true"),
		},
		{
			ID: "ELB.12", Also: []string{"CKV_AWS_328"},
			Says: "Requests that two servers could read differently are refused or made safe.",
			Check: unless(balancerType, func(_ *graph.Graph, r *graph.Resource) bool {
				return slices.Contains([]string{"defensive", "strictest"}, graph.Text(r.Input("desyncMitigationMode")))
			}, "set desyncMitigationMode to defensive or strictest",
				"desyncMitigationMode is %s", "desyncMitigationMode"),
		},
		{
			ID:    "ELB.13",
			Says:  "Load balancers stand in two availability zones at least.",
			Check: inZones(graph.KindLoadBalancer),
		},
		{
			ID: "ELB.17", Also: []string{"CKV_AWS_103"},
			Says:  "HTTPS listeners take TLS 1.3, and nothing older than TLS 1.2 with forward secrecy.",
			Needs: []string{listenerType},
			Check: func(g *graph.Graph, _ Environment) []Violation {
				const mend = "set sslPolicy to ELBSecurityPolicy-TLS13-1-2-2021-06 or a newer one of its kind"
				var found []Violation
				n := 0
				for _, r := range g.ByType(listenerType) {
					if graph.Text(r.Input("protocol")) != "HTTPS" {
						continue
					}
					n++
					if !tlsPolicy.MatchString(graph.Text(r.Input("sslPolicy"))) {
						found = append(found, At(r, mend, "sslPolicy is %s", Shown(r.Input("sslPolicy"))))
					}
				}
				if n == 0 {
					found = append(found,
						Violation{Message: "no listener takes HTTPS", Mend: "add a listener with a certificate"})
				}
				return found
			},
		},
		{
			ID: "ELB.18", Also: []string{"CKV_AWS_2"},
			Says: "Every load balancer serves by HTTPS with a certificate, and by nothing else.",
			Check: Each(balancerType, func(g *graph.Graph, _ Environment, balancer *graph.Resource) []Violation {
				var found []Violation
				served := false
				for _, r := range g.ByType(listenerType) {
					if !g.Refers(r.Input("loadBalancerArn"), balancer) {
						continue
					}
					switch {
					case graph.Text(r.Input("protocol")) == "HTTPS" && r.Input("certificateArn") != nil:
						served = true
					case !redirects(r):
						found = append(found,
							At(r, "set protocol to HTTPS and certificateArn", "it serves by %s, with certificateArn %s",
								Shown(r.Input("protocol")), Shown(r.Input("certificateArn"))))
					}
				}
				if !served && len(found) == 0 {
					found = append(found,
						At(balancer, "add a listener with a certificate", "none of its listeners serves by HTTPS"))
				}
				return found
			}),
		},
		{
			ID:    "CKV_AWS_261",
			Says:  "Target groups say how the health of their targets is asked for.",
			Needs: []string{targetGroupType},
			Check: unless(targetGroupType, func(_ *graph.Graph, r *graph.Resource) bool {
				return graph.Text(r.Input("healthCheck.path")) != "" && !graph.Is(r.Input("healthCheck.enabled"), false)
			}, "set healthCheck with a path",
				"healthCheck.path is %s, healthCheck.enabled is %s", "healthCheck.path", "healthCheck.enabled"),
		},
		{
			ID:    "CKV_AWS_378",
			Says:  "Load balancers speak to their targets by HTTPS.",
			Needs: []string{targetGroupType},
			Check: unless(targetGroupType, func(_ *graph.Graph, r *graph.Resource) bool {
				return graph.Text(r.Input("protocol")) == "HTTPS"
			}, "set protocol to HTTPS", "protocol is %s", "protocol"),
		},
		{
			ID: "CKV2_AWS_28", Also: []string{"ELB.16"},
			Says: "A web application firewall stands before every load balancer that the internet reaches.",
			Check: Each(balancerType, func(g *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				if graph.Is(r.Input("internal"), true) {
					return nil
				}
				for _, a := range g.ByType(webACLAssociationType) {
					if g.Refers(a.Input("resourceArn"), r) && graph.Text(a.Input("webAclArn")) != "" {
						return nil
					}
				}
				return []Violation{At(r, "associate a web ACL with it", "no web ACL is associated with it")}
			}),
		},
	}, balancerType)
}

// redirects reports whether a listener does nothing but send to HTTPS.
func redirects(listener *graph.Resource) bool {
	actions := graph.Items(listener.Input("defaultActions"))
	if len(actions) == 0 {
		return false
	}
	for _, a := range actions {
		if graph.Text(graph.At(a, "type")) != "redirect" || graph.Text(graph.At(a, "redirect.protocol")) != "HTTPS" {
			return false
		}
	}
	return true
}

// inZones demands two availability zones of every place of a kind.
func inZones(kind graph.Kind) func(*graph.Graph, Environment) []Violation {
	return func(g *graph.Graph, _ Environment) []Violation {
		var found []Violation
		for _, p := range g.Places() {
			if p.Kind != kind {
				continue
			}
			zones := map[string]bool{}
			for _, s := range p.Subnets {
				if zone := graph.Text(s.Either("availabilityZone")); zone != "" {
					zones[zone] = true
				}
			}
			if len(zones) < 2 {
				found = append(found, At(p.Resource, "give it a subnet in each of two zones or more",
					"it stands in %d availability zones that are known", len(zones)))
			}
		}
		return found
	}
}

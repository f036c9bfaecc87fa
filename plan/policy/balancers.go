package policy

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

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
			Check: Each(listenerType, func(g *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				switch kind := listens(g, r); {
				case kind != application:
					return withoutHTTP(r, kind)
				case graph.Text(r.Input("protocol")) == "HTTPS" || redirects(r):
					return nil
				}
				return []Violation{At(r, "let its only default action be a redirect to HTTPS",
					"it takes %s and does not redirect to HTTPS", Shown(r.Input("protocol")))}
			}),
		},
		{
			ID: "ELB.4", Also: []string{"CKV_AWS_131"},
			Says: "Headers that HTTP does not allow are dropped.",
			Check: eachApplication(Must(balancerType, "dropInvalidHeaderFields", true,
				"set dropInvalidHeaderFields to true")),
		},
		{
			ID: "ELB.5", Also: []string{"CKV_AWS_91"},
			Says: "Load balancers write access logs to a bucket of the stack: those of the network if they serve by " +
				"TLS, as AWS has logs of that alone.",
			Check: Each(balancerType, func(g *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				logged := kindOf(r) == application || kindOf(r) == "network" &&
					slices.ContainsFunc(g.ByType(listenerType), func(l *graph.Resource) bool {
						return g.Refers(l.Input("loadBalancerArn"), r) && graph.Text(l.Input("protocol")) == "TLS"
					})
				switch {
				case !logged:
					return []Violation{NotAskedOf(r, "AWS writes no access logs of a %s load balancer without TLS",
						kindOf(r))}
				case graph.Is(r.Input("accessLogs.enabled"), true) && Bucket(g, r.Input("accessLogs.bucket")) != nil:
					return nil
				}
				return []Violation{At(r, "set accessLogs with a bucket and enabled",
					"accessLogs.enabled is %s, accessLogs.bucket is %s", Shown(r.Input("accessLogs.enabled")),
					Shown(r.Input("accessLogs.bucket")))}
			}),
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
			Check: eachApplication(unless(balancerType, func(_ *graph.Graph, r *graph.Resource) bool {
				return slices.Contains([]string{"defensive", "strictest"},
					graph.Text(Held(r, "desyncMitigationMode")))
			}, "set desyncMitigationMode to defensive or strictest",
				"desyncMitigationMode is %s", "desyncMitigationMode")),
		},
		{
			ID:    "ELB.13",
			Says:  "Load balancers stand in two availability zones at least.",
			Check: inZones(graph.KindLoadBalancer),
		},
		{
			ID: "ELB.17", Also: []string{"CKV_AWS_103"},
			Says: "Listeners for HTTPS, and for TLS of the network's load balancers, take TLS 1.3, and nothing older " +
				"than TLS 1.2 with forward secrecy.",
			Needs: []string{listenerType},
			Check: func(g *graph.Graph, _ Environment) []Violation {
				const mend = "set sslPolicy to ELBSecurityPolicy-TLS13-1-2-2021-06 or a newer one of its kind"
				var found []Violation
				n, asked := 0, 0
				for _, r := range g.ByType(listenerType) {
					if !slices.Contains([]string{"HTTPS", "TLS"}, graph.Text(r.Input("protocol"))) {
						if kind := listens(g, r); kind != application {
							found = append(found, NotAskedOf(r, "it takes no TLS, being of a %s load balancer", kind))
						} else {
							asked++
						}
						continue
					}
					n++
					if !tlsPolicy.MatchString(graph.Text(r.Input("sslPolicy"))) {
						found = append(found, At(r, mend, "sslPolicy is %s", Shown(r.Input("sslPolicy"))))
					}
				}
				if n == 0 && asked > 0 {
					found = append(found,
						Violation{Message: "no listener takes HTTPS", Mend: "add a listener with a certificate"})
				}
				return found
			},
		},
		{
			ID: "ELB.18", Also: []string{"CKV_AWS_2"},
			Says: "Every load balancer serves by HTTPS with a certificate, and by nothing else; those of the network " +
				"by TLS, but for UDP.",
			Check: Each(balancerType, func(g *graph.Graph, _ Environment, balancer *graph.Resource) []Violation {
				kind := kindOf(balancer)
				if kind == "gateway" {
					return withoutHTTP(balancer, kind)
				}
				protocol := map[string]string{application: "HTTPS", "network": "TLS"}[kind]
				var found []Violation
				served := false
				for _, r := range g.ByType(listenerType) {
					if !g.Refers(r.Input("loadBalancerArn"), balancer) {
						continue
					}
					switch {
					case graph.Text(r.Input("protocol")) == protocol && r.Input("certificateArn") != nil:
						served = true
					case kind == "network" && strings.Contains(graph.Text(r.Input("protocol")), "UDP"):
						served = true
						found = append(found, NotAskedOf(r, "it takes %s, which has no TLS",
							Shown(r.Input("protocol"))))
					case !redirects(r):
						found = append(found,
							At(r, "set protocol to "+protocol+" and certificateArn",
								"it serves by %s, with certificateArn %s", Shown(r.Input("protocol")),
								Shown(r.Input("certificateArn"))))
					}
				}
				if !served && len(found) == 0 {
					found = append(found,
						At(balancer, "add a listener with a certificate", "none of its listeners serves by %s",
							protocol))
				}
				return found
			}),
		},
		{
			ID: "CKV_AWS_261",
			Says: "Target groups that are spoken to by HTTP or HTTPS say how the health of their targets is asked " +
				"for.",
			Needs: []string{targetGroupType},
			Check: Each(targetGroupType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				enabled := !graph.Is(r.Input("healthCheck.enabled"), false)
				switch protocol := spoken(r); {
				case protocol != "" && (enabled || protocol == "Lambda"):
					return []Violation{NotAskedOf(r, "it is spoken to by %s", protocol)}
				case enabled && graph.Text(r.Input("healthCheck.path")) != "":
					return nil
				}
				return []Violation{At(r, "set healthCheck with a path",
					"healthCheck.path is %s, healthCheck.enabled is %s", Shown(r.Input("healthCheck.path")),
					Shown(r.Input("healthCheck.enabled")))}
			}),
		},
		{
			ID:    "CKV_AWS_378",
			Says:  "Load balancers speak to their targets by HTTPS, not by HTTP.",
			Needs: []string{targetGroupType},
			Check: Each(targetGroupType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				if protocol := spoken(r); protocol != "" {
					return []Violation{NotAskedOf(r, "it is spoken to by %s", protocol)}
				} else if graph.Text(r.Input("protocol")) == "HTTPS" {
					return nil
				}
				return []Violation{At(r, "set protocol to HTTPS", "protocol is %s", Shown(r.Input("protocol")))}
			}),
		},
		{
			ID: "CKV2_AWS_28", Also: []string{"ELB.16"},
			Says: "A web application firewall stands before every load balancer that the internet reaches.",
			Check: eachApplication(Each(balancerType, func(g *graph.Graph, _ Environment,
				r *graph.Resource) []Violation {
				if graph.Is(r.Input("internal"), true) {
					return nil
				}
				for _, a := range g.ByType(webACLAssociationType) {
					if g.Refers(a.Input("resourceArn"), r) && graph.Text(a.Input("webAclArn")) != "" {
						return nil
					}
				}
				return []Violation{At(r, "associate a web ACL with it", "no web ACL is associated with it")}
			})),
		},
	}, balancerType)
}

// application is the kind of load balancer that AWS makes where no other is asked for. It alone speaks HTTP.
const application = "application"

func kindOf(balancer *graph.Resource) string {
	return cmp.Or(graph.Text(balancer.Input("loadBalancerType")), application)
}

// listens returns the kind of the load balancer that a listener is of.
func listens(g *graph.Graph, listener *graph.Resource) string {
	if balancer := g.Resolve(listener.Input("loadBalancerArn"), balancerType); balancer != nil {
		return kindOf(balancer)
	}
	if slices.Contains([]string{"TCP", "UDP", "TCP_UDP", "TLS"}, graph.Text(listener.Input("protocol"))) {
		return "network"
	}
	return application
}

// withoutHTTP tells that a rule about HTTP is not asked of a load balancer of another kind.
func withoutHTTP(r *graph.Resource, kind string) []Violation {
	return []Violation{NotAskedOf(r, "a %s load balancer does not speak HTTP", kind)}
}

// eachApplication asks a check about load balancers for those that speak HTTP alone.
func eachApplication(check func(*graph.Graph, Environment) []Violation) func(*graph.Graph, Environment) []Violation {
	return func(g *graph.Graph, env Environment) []Violation {
		var found []Violation
		for _, r := range g.ByType(balancerType) {
			if kind := kindOf(r); kind != application {
				found = append(found, withoutHTTP(r, kind)...)
			}
		}
		for _, v := range check(g, env) {
			if r := g.ByURN(v.URN); r == nil || kindOf(r) == application {
				found = append(found, v)
			}
		}
		return found
	}
}

// spoken is what the targets of a group are spoken to by, where that is not HTTP.
func spoken(group *graph.Resource) string {
	protocol := graph.Text(group.Input("protocol"))
	switch {
	case graph.Text(group.Input("targetType")) == "lambda":
		return "Lambda"
	case protocol == "HTTP" || protocol == "HTTPS":
		return ""
	}
	return protocol
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
			given := 0
			for _, path := range []string{"subnets", "subnetMappings", "vpcZoneIdentifiers"} {
				given += len(graph.Items(p.Resource.Input(path)))
			}
			for _, zone := range graph.Texts(p.Resource.Input("availabilityZones")) {
				zones[zone] = true
			}
			unknown := slices.ContainsFunc([]string{"subnets", "vpcZoneIdentifiers"}, func(path string) bool {
				return isMark(p.Resource.Input(path))
			})
			if len(zones) < 2 && (unknown || given >= 2 && given > len(p.Subnets)) {
				found = append(found, NotAskedOf(p.Resource, "not all of its subnets are of the stack, so that their "+
					"zones are not known"))
			} else if len(zones) < 2 {
				found = append(found, At(p.Resource, "give it a subnet in each of two zones or more",
					"it stands in %d availability zones that are known", len(zones)))
			}
		}
		return found
	}
}

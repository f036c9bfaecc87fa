package policy

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// ports that AWS counts as of high risk when open to the world
// (https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19).
var riskyPorts = []int{20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432, 5500,
	5601, 8080, 8088, 8888, 9200, 9300}

func networkRules() []Rule {
	return needing([]Rule{
		{
			ID: "EC2.2", Also: []string{"CIS 5.5"},
			Says:  "The default security group of every VPC is taken charge of and allows nothing.",
			Needs: []string{vpcType},
			Check: Each(vpcType, func(g *graph.Graph, _ Environment, vpc *graph.Resource) []Violation {
				const mend = "add a DefaultSecurityGroup without ingress and egress"
				for _, group := range g.ByType(defaultGroupType) {
					if !g.Refers(group.Input("vpcId"), vpc) {
						continue
					}
					var found []Violation
					for _, key := range []string{"ingress", "egress"} {
						if v := group.Input(key); v != nil && len(graph.Items(v)) > 0 || isMark(group.Input(key)) {
							found = append(found, At(group, mend, "it has rules for %s", key))
						}
					}
					for _, rule := range g.SecurityRules() {
						if rule.Resource != group &&
							(rule.Of == group.ID || rule.Of == graph.Text(vpc.Output("defaultSecurityGroupId"))) {
							found = append(found, At(rule.Resource, mend, "it adds a rule to the default group"))
						}
					}
					return found
				}
				return []Violation{At(vpc, mend,
					"nothing takes charge of its default security group, which lets its members reach each other "+
						"and the internet")}
			}),
		},
		{
			ID: "EC2.6", Also: []string{"CIS 3.7"},
			Says:  "Every VPC has a flow log that records at least what was refused.",
			Needs: []string{vpcType},
			Check: Each(vpcType, func(g *graph.Graph, _ Environment, vpc *graph.Resource) []Violation {
				for _, log := range g.ByType(flowLogType) {
					if g.Refers(log.Input("vpcId"), vpc) &&
						slices.Contains([]string{"ALL", "REJECT"}, graph.Text(log.Input("trafficType"))) {
						return nil
					}
				}
				return []Violation{At(vpc, "add a FlowLog with trafficType REJECT or ALL",
					"there is no flow log for it")}
			}),
		},
		{
			ID:    "EC2.15",
			Says:  "Subnets give no public address by themselves.",
			Needs: []string{subnetType},
			Check: Each(subnetType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				if v := r.Input("mapPublicIpOnLaunch"); v != nil && !graph.Is(v, false) {
					return []Violation{At(r, "set mapPublicIpOnLaunch to false", "mapPublicIpOnLaunch is %s", Shown(v))}
				}
				return nil
			}),
		},
		{
			ID:   "EC2.18",
			Says: "The whole internet may come in to load balancers on TCP ports 80 and 443 alone.",
			Check: func(g *graph.Graph, _ Environment) []Violation {
				var balancers []string
				for _, p := range g.Places() {
					if p.Kind == graph.KindLoadBalancer {
						balancers = append(balancers, p.Groups...)
					}
				}
				for _, p := range g.Places() {
					if p.Kind != graph.KindLoadBalancer {
						balancers = slices.DeleteFunc(balancers, func(id string) bool {
							return slices.Contains(p.Groups, id)
						})
					}
				}
				return fromWorld(g, func(rule graph.SecurityRule) bool {
					single := rule.Protocol == "tcp" &&
						(rule.Ports == graph.Ports{From: 80, To: 80} || rule.Ports == graph.Ports{From: 443, To: 443})
					return !rule.Opaque && single && slices.Contains(balancers, rule.Of)
				})
			},
		},
		{
			ID: "EC2.19",
			Says: "No port of high risk (SSH, databases, remote desktops and others of AWS's list) is open to the " +
				"internet.",
			Check: func(g *graph.Graph, _ Environment) []Violation {
				return fromWorld(g, func(rule graph.SecurityRule) bool {
					return !slices.ContainsFunc(riskyPorts, rule.Allows)
				})
			},
		},
		{
			ID: "CIS 5.3", Also: []string{"CIS 5.4", "CKV_AWS_24", "CKV_AWS_25"},
			Says: "No port for the administration of servers (22, 3389) is open to the internet, over IPv4 or IPv6.",
			Check: func(g *graph.Graph, _ Environment) []Violation {
				return fromWorld(g, func(rule graph.SecurityRule) bool {
					return !rule.Allows(22) &&
						!rule.Allows(3389)
				})
			},
		},
		{
			ID:   "CKV_AWS_23",
			Says: "Every security group and every rule of one is described.",
			Check: func(g *graph.Graph, _ Environment) []Violation {
				const mend = "say in description what it is for"
				var found []Violation
				for _, r := range g.ByType(securityGroupType) {
					// The provider writes this where the program does not say anything.
					if d := graph.Text(r.Input("description")); strings.TrimSpace(d) == "" || d == "Managed by Pulumi" {
						found = append(found, At(r, mend, "it has no description"))
					}
				}
				for _, rule := range g.SecurityRules() {
					if strings.TrimSpace(rule.Description) == "" {
						found = append(found, At(rule.Resource, mend, "its %s rule for %s %s has no description",
							rule.Direction, rule.Protocol, rule.Ports))
					}
				}
				return found
			},
		},
		{
			ID: "CKV_AWS_382",
			Says: "Nothing may go out to the whole internet but TCP port 443, and that not from load balancers and " +
				"databases.",
			Check: func(g *graph.Graph, _ Environment) []Violation {
				var closed []string
				for _, p := range g.Places() {
					if p.Kind == graph.KindLoadBalancer || p.Kind == graph.KindDatabase {
						closed = append(closed, p.Groups...)
					}
				}
				var found []Violation
				for _, rule := range g.SecurityRules() {
					if rule.Direction != graph.Egress || !rule.World() {
						continue
					}
					switch {
					case rule.Opaque || rule.Protocol != "tcp" || rule.Ports != graph.Ports{From: 443, To: 443}:
						found = append(found, At(rule.Resource, "name the port, and a group or prefix list where "+
							"there is one", "it lets %s %s out to everywhere", rule.Protocol, rule.Ports))
					case slices.Contains(closed, rule.Of):
						found = append(found,
							At(rule.Resource, "name the group that it talks to",
								"it lets a load balancer or a database out to everywhere"))
					}
				}
				return found
			},
		},
	}, securityGroupType)
}

func isMark(v any) bool {
	_, is := v.(graph.Mark)
	return is
}

// fromWorld finds the ingress rules for everyone that are not fine.
func fromWorld(g *graph.Graph, fine func(graph.SecurityRule) bool) []Violation {
	var found []Violation
	for _, rule := range g.SecurityRules() {
		if rule.Direction == graph.Ingress && rule.World() && !fine(rule) {
			message := fmt.Sprintf("it lets the whole internet in on %s %s", rule.Protocol, rule.Ports)
			if rule.Opaque {
				message = "it may let the whole internet in: its peer, protocol or ports are not known"
			}
			found = append(found, At(rule.Resource, "let in a security group, or the addresses that need it", "%s",
				message))
		}
	}
	return found
}

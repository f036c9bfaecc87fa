package policy

import (
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

func groupRules() []Rule {
	return needing([]Rule{
		{
			ID:   "AutoScaling.1",
			Says: "A group behind a load balancer believes its health checks.",
			Check: Each(groupType, func(g *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				groups := g.ByType(targetGroupType)
				behind := slices.ContainsFunc(groups, func(tg *graph.Resource) bool { return g.Targets(tg, r) }) ||
					len(graph.Items(r.Input("targetGroupArns"))) > 0 || len(graph.Items(r.Input("loadBalancers"))) > 0
				if !behind {
					if slices.ContainsFunc(groups, func(tg *graph.Resource) bool { return idle(g, tg) }) {
						return []Violation{At(r, "set targetGroupArns", "no target group sends to it")}
					}
					return []Violation{NotAskedOf(r, "it is behind no load balancer")}
				}
				if !slices.Contains(strings.Split(graph.Text(r.Input("healthCheckType")), ","), "ELB") {
					return []Violation{At(r, "set healthCheckType to ELB", "healthCheckType is %s",
						Shown(r.Input("healthCheckType")))}
				}
				return nil
			}),
		},
		{
			ID:    "AutoScaling.2",
			Says:  "Groups stand in two availability zones at least.",
			Check: inZones(graph.KindGroup),
		},
		{
			ID: "AutoScaling.9", Also: []string{"CKV_AWS_315"},
			Says: "Groups start instances from launch templates: launch configurations cannot be made in new " +
				"accounts.",
			Check: func(g *graph.Graph, _ Environment) []Violation {
				const mend = "use a launch template"
				var found []Violation
				for _, r := range g.ByType(groupType) {
					if r.Input("launchConfiguration") != nil || g.LaunchTemplate(r) == nil &&
						r.Input("launchTemplate") == nil && r.Input("mixedInstancesPolicy.launchTemplate") == nil {
						found = append(found, At(r, mend, "it names no launch template"))
					}
				}
				for _, r := range g.ByType(configurationType) {
					found = append(found, At(r, mend, "it is a launch configuration"))
				}
				return found
			},
		},
		{
			ID: "Plan.AutoScaling.1",
			Says: "A group names the number of its template's version, never $Latest or $Default, of whose changes " +
				"nobody is told.",
			Check: Each(groupType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				version := r.Input("launchTemplate.version")
				if version == nil {
					version = r.Input("mixedInstancesPolicy.launchTemplate.launchTemplateSpecification.version")
				}
				if n, ok := graph.Number(version); !ok || n < 1 {
					return []Violation{At(r, "set launchTemplate.version to the template's latestVersion",
						"launchTemplate.version is %s", Shown(version))}
				}
				return nil
			}),
		},
		{
			ID: "Plan.AutoScaling.3",
			Says: "A group that is scaled by its instances' CPU has detailed monitoring: by the five minutes of " +
				"the basic one it is scaled too late.",
			Check: Each(groupType, func(g *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				template := g.LaunchTemplate(r)
				if template == nil && (r.Input("launchTemplate") != nil || r.Input("mixedInstancesPolicy") != nil) {
					return []Violation{NotAskedOf(r, "its launch template is not of the stack")}
				}
				// Launch configurations have it unless they say otherwise.
				old := g.Resolve(r.Input("launchConfiguration"), configurationType)
				if old != nil && !graph.Is(old.Input("enableMonitoring"), false) {
					return nil
				}
				for _, policy := range g.ByType("aws:autoscaling/policy:Policy") {
					metric := graph.Text(policy.Input(
						"targetTrackingConfiguration.predefinedMetricSpecification.predefinedMetricType"))
					if metric == "ASGAverageCPUUtilization" &&
						g.Resolve(policy.Input("autoscalingGroupName"), groupType) == r &&
						(template == nil || !template.Read && !graph.Is(template.Input("monitoring.enabled"), true)) {
						return []Violation{At(r, "set monitoring.enabled of the launch template to true",
							"%s scales it by CPU, which is measured every five minutes", policy)}
					}
				}
				return nil
			}),
		},
		{
			ID:   "Plan.AutoScaling.2",
			Says: "What scaling owns, a group's desired capacity, is left alone by deployments.",
			Check: Each(groupType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				if r.Input("desiredCapacity") == nil ||
					slices.ContainsFunc(r.Options.IgnoreChanges, func(p string) bool {
						return strings.EqualFold(p, "desiredCapacity")
					}) {
					return nil
				}
				return []Violation{At(r, "add desiredCapacity to the option ignoreChanges",
					"desiredCapacity would be set back by every deployment")}
			}),
		},
	}, groupType)
}

// idle reports whether a group of targets is for instances and sends to none that the stack has, nor to tasks.
func idle(g *graph.Graph, group *graph.Resource) bool {
	if v := graph.Text(group.Input("targetType")); v != "" && v != "instance" {
		return false
	}
	for _, r := range g.Resources {
		if g.Targets(group, r) {
			return false
		}
		for _, of := range graph.Items(r.Input("loadBalancers")) {
			if g.Refers(graph.At(of, "targetGroupArn"), group) {
				return false
			}
		}
		if g.Refers(r.Input("targetGroupArn"), group) && strings.Contains(r.Token, "ttachment") {
			return false
		}
	}
	return true
}

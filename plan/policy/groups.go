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
				behind := slices.ContainsFunc(g.ByType(targetGroupType), func(tg *graph.Resource) bool {
					return g.Targets(tg, r)
				})
				if !behind {
					return []Violation{At(r, "set targetGroupArns", "no target group sends to it")}
				}
				if graph.Text(r.Input("healthCheckType")) != "ELB" {
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
					if r.Input("launchConfiguration") != nil || g.LaunchTemplate(r) == nil {
						found = append(found, At(r, mend, "it names no launch template of the stack"))
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

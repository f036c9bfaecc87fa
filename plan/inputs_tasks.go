package plan

import (
	"reflect"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
var taskRules = []rule{
	{token: taskType, path: "containerDefinitions", kind: stops, judge: ports},
	{token: taskType, path: "containerDefinitions", kind: weakens,
		judge: containers("is no longer checked", false,
			func(c map[string]any) bool { return c["healthCheck"] != nil })},
	{token: taskType, path: "containerDefinitions", kind: weakens, judge: capabilities},
	{token: taskType, path: "containerDefinitions", kind: stops,
		judge: containers("no longer ends its task when it ends", false,
			func(c map[string]any) bool { return c["essential"] != false })},
	{token: taskType, path: "pidMode", kind: weakens,
		judge: to("its containers see the processes of the host", "host")},
	{token: taskType, path: "ipcMode", kind: weakens, judge: to("its containers share memory with the host", "host")},
	{token: taskType, path: "networkMode", kind: stops, judge: always("its containers are reached another way")},
	{token: taskType, path: "volumes", kind: weakens, judge: hostPaths},
	{token: taskType, path: "volumes", kind: stops, judge: otherVolumes},
	{token: taskType, path: "executionRoleArn", kind: weakens,
		judge: other("images, logs and secrets are got by another role, or by none")},
	{token: taskType, path: "ephemeralStorage.sizeInGib", kind: shrinks,
		judge: lower(20, "%s GB of its own instead of %s")},
	{token: taskType, path: "runtimePlatform", kind: stops,
		judge: always("its images have to be for another platform")},
	{token: taskType, path: "placementConstraints", kind: stops, judge: always("it runs on other instances")},
	{token: taskType, path: "requiresCompatibilities", judge: harmless},
	{token: taskType, path: "family", judge: harmless},
	{token: taskType, path: "skipDestroy", judge: harmless},
	{token: taskType, path: "trackLatest", judge: harmless},
	{token: serviceType, path: "capacityProviderStrategies", kind: stops, judge: spotStrategies},
	{token: serviceType, path: "serviceRegistries", kind: stops,
		judge: other("its tasks are no longer found by their name, or by another one")},
	{token: serviceType, path: "serviceConnectConfiguration", kind: stops,
		judge: other("it reaches others, and is reached, another way")},
	{token: serviceType, path: "availabilityZoneRebalancing", judge: harmless},
	{token: serviceType, path: "propagateTags", judge: harmless},
	{token: serviceType, path: "enableEcsManagedTags", judge: harmless},
	{token: serviceType, path: "waitForSteadyState", judge: harmless},
	{token: serviceType, path: "triggers", judge: harmless},
	{token: "aws:ecs/cluster:Cluster", path: "configuration", kind: hides,
		judge: always("what is done in its containers is recorded another way, or not")},
}

// ports judges the ports of a task's containers.
func ports(old, now any) string {
	was, is := containersOf(old), containersOf(now)
	of := func(c map[string]any) []string {
		var found []string
		for _, m := range graph.Items(c["portMappings"]) {
			found = append(found, graph.Text(graph.At(m, "containerPort")))
		}
		return found
	}
	var found []string
	for name, before := range was {
		after, stays := is[name]
		if !stays {
			found = append(found, "container "+code(name)+" is gone")
			continue
		}
		still := of(after)
		for _, port := range of(before) {
			if !slices.Contains(still, port) {
				found = append(found, "container "+code(name)+" no longer answers on port "+port)
			}
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}

// capabilities judges what the containers of a task may ask of the kernel.
func capabilities(old, now any) string {
	was, is := containersOf(old), containersOf(now)
	var found []string
	for name, c := range is {
		const path = "linuxParameters.capabilities.add"
		for _, come := range without(graph.Texts(graph.At(c, path)), graph.Texts(graph.At(any(was[name]), path))) {
			found = append(found, "container "+code(name)+" gets "+come+" of its host's kernel")
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}

// hostPaths judges the files of their host that the containers of a task see.
func hostPaths(old, now any) string {
	of := func(v any) []string {
		var found []string
		for _, volume := range graph.Items(v) {
			if path := graph.Text(graph.At(volume, "hostPath")); path != "" {
				found = append(found, path)
			}
		}
		return found
	}
	come := without(of(now), of(old))
	if len(come) == 0 {
		return ""
	}
	return "its containers see files of the host: " + strings.Join(few(come), ", ")
}

// otherVolumes judges the volumes of a task that are gone, or others.
func otherVolumes(old, now any) string {
	was, _ := byName(graph.Items(old), "name")
	is, _ := byName(graph.Items(now), "name")
	var found []string
	for name, before := range was {
		if !reflect.DeepEqual(before, is[name]) {
			found = append(found, code(name))
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	return "volume " + strings.Join(few(found), ", ") + " is another one, or gone"
}

// spotStrategies judges on what the tasks of a service run.
func spotStrategies(old, now any) string {
	spot := func(v any) bool {
		return slices.ContainsFunc(graph.Items(v), func(s any) bool {
			return graph.Text(graph.At(s, "capacityProvider")) == "FARGATE_SPOT"
		})
	}
	if spot(now) && !spot(old) {
		return takenBack
	}
	return "its tasks run on other capacity"
}

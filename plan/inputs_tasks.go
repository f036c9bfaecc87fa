package plan

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// ports judges the ports of a task's containers.
func ports(old, now any) string {
	was, is := containersOf(old), containersOf(now)
	of := func(c map[string]any) []string { return textsAt("containerPort")(c["portMappings"]) }
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

// otherVolumes judges the volumes of a task that are gone, or others; how what they read passes is plainVolumes' to
// say.
func otherVolumes(old, now any) string {
	return told("volume %s is another one, or gone", few(byEach("name", old, now,
		func(name string, was, is any) []string {
			if was == nil || reflect.DeepEqual(withoutTransit(was), withoutTransit(is)) {
				return nil
			}
			return []string{name}
		})))
}

// plainVolumes judges the volumes of a task whose files no longer pass encrypted.
func plainVolumes(old, now any) string {
	const path = "efsVolumeConfiguration.transitEncryption"
	return told("what passes to and from volume %s is no longer encrypted", few(byEach("name", old, now,
		func(name string, was, is any) []string {
			if is == nil || graph.Text(graph.At(was, path)) != "ENABLED" ||
				graph.At(is, "efsVolumeConfiguration") == nil ||
				graph.Text(graph.At(is, path)) == "ENABLED" {
				return nil
			}
			return []string{name}
		})))
}

// withoutTransit is a volume without how its files pass.
func withoutTransit(volume any) any {
	v, is := volume.(map[string]any)
	files, has := graph.At(volume, "efsVolumeConfiguration").(map[string]any)
	if !is || !has {
		return volume
	}
	v, files = maps.Clone(v), maps.Clone(files)
	delete(files, "transitEncryption")
	delete(files, "transitEncryptionPort")
	v["efsVolumeConfiguration"] = files
	return v
}

// spotStrategies judges on what the tasks of a service run.
func spotStrategies(old, now any) string {
	return cmp.Or(begins(takenBack, someWith("capacityProvider", "FARGATE_SPOT"))(old, now),
		"its tasks run on other capacity")
}

package plan

import (
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// newerEngine judges another version of a cluster's engine, unless one is only more exact than the other, or it goes
// back: of that, another rule or the replacement tells. Without a version AWS keeps the one that it has.
func newerEngine(old, now any) string {
	order, known := compareVersions(old, now)
	switch {
	case now == nil || known && order <= 0:
		return ""
	case !known:
		return fmt.Sprintf("the cluster may be upgraded, which takes it down for a while and cannot be undone except "+
			"with a snapshot, or go back, which AWS refuses: the two versions cannot be compared here (%s → %s)",
			orUnset(old), orUnset(now))
	}
	return fmt.Sprintf("the cluster is upgraded, which takes it down for a while and cannot be undone except with a "+
		"snapshot (%s → %s)", orUnset(old), orUnset(now))
}

// eviction is the parameter of a cache that tells what it takes out when its memory is full, and evictsFirst what it is
// where a group does not set it
// (https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html).
const (
	eviction    = "maxmemory-policy"
	evictsFirst = "volatile-lru"
)

// evicts judges parameters of a cache by what it takes out when its memory is full: nothing, some of the entries that
// have an end, or some of all.
func evicts(old, now any) string {
	of := func(v any) (policy string, takes int) {
		policy = evictsFirst
		for _, p := range graph.Items(v) {
			if graph.Text(graph.At(p, "name")) == eviction {
				policy = graph.Text(graph.At(p, "value"))
			}
		}
		switch {
		case policy == "noeviction":
			return policy, 0
		case strings.HasPrefix(policy, "volatile"):
			return policy, 1
		}
		return policy, 2
	}
	was, took := of(old)
	is, takes := of(now)
	if takes <= took {
		return ""
	}
	return fmt.Sprintf("it may evict entries when its memory is full (%s → %s)", was, is)
}

// without are texts that others do not have, as code.
func without(texts, others []string) []string {
	var found []string
	for _, text := range texts {
		if !slices.Contains(others, text) {
			found = append(found, code(cut(text, longest)))
		}
	}
	return found
}

// fewerRegions and moreRegions judge the regions of a table's replicas.
func fewerRegions(old, now any) string {
	return told("its replica in %s is deleted, and whoever reads it there fails", without(regions(old), regions(now)))
}

func moreRegions(old, now any) string {
	return told("its records are copied to %s", without(regions(now), regions(old)))
}

var regions = textsAt("regionName")

// indexCapacity judges what the indexes of a table can read and write.
func indexCapacity(old, now any) string {
	return strings.Join(byEach("name", old, now, func(name string, was, is any) []string {
		less := func(path, what string) string {
			return lower(0, "index "+name+": %s "+what+" a second instead of %s")(graph.At(was, path),
				graph.At(is, path))
		}
		if is == nil {
			return nil
		}
		return []string{less("readCapacity", "reads"), less("writeCapacity", "writes")}
	}), ", ")
}

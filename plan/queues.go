package plan

import (
	"fmt"

	"dossier.example/plan/graph"
)

// handedOutAgain are the dangers of queues that hand out a message again while the function that got it may still work
// on it. AWS refuses to connect the two, but not always what makes them so later
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html,
// https://github.com/github-aws-runners/terraform-aws-github-runner/pull/467).
func handedOutAgain(base, head *graph.Graph) []Danger {
	var found []Danger
	for _, now := range head.ByType(sourceMappingType) {
		if now.Read {
			continue
		}
		text := outlasted(head, now)
		if text == "" {
			continue
		}
		kind, what := refused, "AWS refuses to connect it to the function, and the deployment stops halfway"
		if base != nil {
			if old := base.Was(now); old != nil {
				if outlasted(base, old) != "" {
					continue
				}
				kind, what = stops,
					"AWS refuses that, or hands out a message again while the function still works on it"
			}
		}
		found = append(found, Danger{Kind: kind, Resource: now.String(), What: fmt.Sprintf("%s: %s.", text, what)})
	}
	return found
}

// outlasted tells how long a function may work on a message and how long the queue waits for it, where that is shorter;
// else it is empty.
func outlasted(g *graph.Graph, mapping *graph.Resource) string {
	queue := g.Resolve(mapping.Input("eventSourceArn"), queueType)
	function := g.Resolve(mapping.Input("functionName"), functionType)
	if queue == nil || function == nil || queue.Read || function.Read {
		return ""
	}
	waits, runs := numberOr(queue.Input("visibilityTimeoutSeconds"), 30), numberOr(function.Input("timeout"), 3)
	if runs <= waits {
		return ""
	}
	return fmt.Sprintf("**%s** %s may work for %s seconds on a message, for which **%s** %s waits %s",
		graph.Type(functionType),
		code(function.Name), plainNumber(runs), graph.Type(queueType), code(queue.Name), plainNumber(waits))
}

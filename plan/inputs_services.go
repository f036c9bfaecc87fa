package plan

import (
	"fmt"
	"slices"

	"dossier.example/plan/graph"
)

// costs is the kind of what makes a bill much higher, whatever else has a price.
const costs = "expensive"

// securityPolicies are those of CloudFront, the weakest first
//
// (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html).
var securityPolicies = []string{"SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019",
	"TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"}

// olderTLS judges the oldest version of TLS that is taken; that of a distribution which does not say is TLSv1.
func olderTLS(old, now any) string {
	was, is := max(1, slices.Index(securityPolicies, graph.Text(old))), slices.Index(securityPolicies, graph.Text(now))
	if now == nil {
		is = 1
	}
	if is >= 0 && is < was {
		return fmt.Sprintf("clients may use older versions of TLS (%s → %s)", orUnset(old), orUnset(now))
	}
	return ""
}

// retiredRuntimes are those for which functions can no longer be created
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated).
var retiredRuntimes = []string{
	"dotnet6", "dotnet5.0", "dotnetcore3.1", "dotnetcore2.1", "dotnetcore2.0", "dotnetcore1.0", "go1.x", "java8",
	"nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x",
	"nodejs16.x", "provided", "python2.7", "python3.6", "python3.7", "python3.8", "ruby2.5", "ruby2.7",
}

// unauthorized judges how callers of a route are known: with no word on it they are not.
func unauthorized(old, now any) string {
	was, is := graph.Text(old), graph.Text(now)
	if was != "" && was != "NONE" && (is == "" || is == "NONE") {
		return fmt.Sprintf("everyone can call it (%s → %s)", was, orUnset(now))
	}
	return ""
}

// empty reports whether nothing is given. To most of the provider's resources, an empty text is nothing
// (https://github.com/hashicorp/terraform-plugin-sdk/issues/741).
func empty(v any) bool {
	list, is := v.([]any)
	return v == nil || v == "" || is && len(list) == 0
}

// containers judges the containers of a task: those of which something holds that did not, or no longer does.
func containers(means string, becomes bool, holds func(map[string]any) bool) judge {
	return func(old, now any) string {
		was, is := containersOf(old), containersOf(now)
		var found []string
		for name, c := range is {
			before := was[name]
			did := before != nil && holds(before)
			if holds(c) == becomes && did != becomes && (before != nil || becomes) {
				found = append(found, code(name))
			}
		}
		slices.Sort(found)
		return told("container %s "+means, found)
	}
}

// Package permissions finds out what the project asks of AWS, and compares it with what its policies allow. It exists
// for tests: they refuse a role that may not do what its programs do, and one that may do more. What the programs do is
// read from their source and from the text of their scripts, never from a list that somebody keeps. Only tests import
// this package.
//
// The way from a program to a comparison has three steps:
//
//   - Calls gives the operations that a Go program mentions in a function that it can reach, ScriptCalls those of a
//     shell script, and SystemsManagerAgent those of the agent that hosts run anyway;
//   - Needs turns operations into pairs of an IAM action and the resource that it is on;
//   - Compare holds these against a policy document, in both directions.
//
// # What is not seen
//
//   - Requests that an operation makes by itself where a setting asks for it: sessions of S3 directory buckets,
//     endpoint discovery.
//   - How a program gets its credentials. On a host of this stack they come from the instance's metadata service, which
//     asks no policy. A provider of credentials that calls AWS is refused where it is imported.
//   - Calls that are made by reflection: what they call is reported as reached by nothing.
//   - Which values a field has: where code sets one, the call counts with it, and without it only where an input is
//     made without.
//
// # What is seen though it does not happen
//
// Every function counts whose name is mentioned in one that counts, and of an interface's method every implementation,
// whatever the values: the app's commands share a package, so they are one program here. They run with one role each
// host, which the comparison is about.
package permissions

import (
	"cmp"
	"slices"
	"strings"
)

// Call is one operation of an AWS service.
type Call struct {
	// Service is the package of the service in the AWS SDK for Go, such as s3 or cloudwatchlogs.
	Service string
	// Operation is as the service's API reference writes it, such as GetObject.
	Operation string
	// With names those fields of the input that are set and that change what permission is needed, sorted, with commas
	// between. An operation that is called with and without one is two calls.
	With string
}

// String returns the call in words, for example "dynamodb.Query with IndexName".
func (c Call) String() string {
	s := c.Service + "." + c.Operation
	if c.With != "" {
		s += " with " + c.With
	}
	return s
}

// sorted returns the calls in order, each once.
func sorted(calls []Call) []Call {
	slices.SortFunc(calls, func(a, b Call) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Operation, b.Operation),
			strings.Compare(a.With, b.With))
	})
	return slices.Compact(calls)
}

// fields returns a set of fields in the form of Call.With.
func fields(set map[string]bool) string {
	var names []string
	for name, in := range set {
		if in {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// has reports whether a set of fields, in the form of Call.With, has one.
func has(with, field string) bool { return slices.Contains(strings.Split(with, ","), field) }

// Package permissions finds out what the project asks of AWS, and compares it with what its policies allow. It exists
// for tests: they refuse a role that may not do what its programs do, and one that may do more. What the programs do is
// read from their source and from the text of their scripts, never from a list that somebody keeps. Only tests import
// this package.
//
// The way from a program to a comparison has three steps:
//
//   - Calls gives the operations that each command of a Go program can reach, ScriptCalls those of a shell script, and
//     SystemsManagerAgent those of the agent that hosts run anyway;
//   - Needs turns operations into pairs of an IAM action and the resource that it is on;
//   - Compare holds these against a policy document, in both directions.
//
// # What is not seen
//
//   - Requests that an operation makes by itself where a setting asks for it: sessions of S3 directory buckets,
//     endpoint discovery.
//   - How a program gets its credentials: LoadDefaultConfig is not followed. On a host of this stack they come from the
//     instance's metadata service, which asks no policy. A provider of credentials that the program makes itself is
//     followed.
//   - Calls that are made by reflection. Of the project's own source, every mention of an operation that no command
//     reaches is an error, so that such a call cannot hide.
//
// # What is seen though it does not happen
//
// Every branch counts, whatever the values: the app's healthcheck is said to read parameters, because all commands
// share the code that does, though it has none to ask for. All commands of a program run with one role, so this changes
// no comparison.
package permissions

import (
	"cmp"
	"slices"
	"strings"
)

// Command is one command of a program, with the operations of AWS that it can call.
type Command struct {
	// Program is the import path of the program.
	Program string
	// Name is the first word of the command's Use. It is empty in a program without commands.
	Name string
	// Calls are sorted, each once. They may be none.
	Calls []Call
}

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
		return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Operation, b.Operation), strings.Compare(a.With, b.With))
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

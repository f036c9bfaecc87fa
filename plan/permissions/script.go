package permissions

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ScriptCalls returns the operations that a shell script calls by the AWS CLI, and those of the CloudWatch agent where
// it starts that. They are sorted.
//
// It reads text, not shell: wherever the word "aws" stands outside of comments, a service and an operation in plain
// words must follow, unless the script only asks where the program is. So what stands in a here-document, a trap or a
// quoted text counts, too. What could call AWS without that word is an error, as is a call whose operation or options
// are not written out. Not seen are a program that timeout or the like runs by a name from a variable, and what a
// package manager or curl does with credentials of its own.
func ScriptCalls(script string) ([]Call, error) {
	var calls []Call
	var faults []error
	script = comment.ReplaceAllString(script, "")
	for number, line := range logicalLines(script) {
		for _, words := range []string{hidden.FindString(line), expansion.FindString(test.ReplaceAllString(line, ""))} {
			if words != "" {
				faults = append(faults, fmt.Errorf("script, line %d: %q can run what is not known here", number,
					strings.TrimSpace(words)))
			}
		}
		if strings.Contains(line, "amazon-cloudwatch-agent-ctl") {
			calls = append(calls, cloudWatchAgent...)
		}
		line = asking.ReplaceAllString(line, "")
		if loop := plainLoop.FindStringSubmatch(line); loop != nil && !runs(script, loop[1]) {
			line = strings.Replace(line, loop[0], "", 1)
		}
		starts := cli.FindAllStringIndex(line, -1)
		for i, at := range starts {
			end := len(line)
			if i+1 < len(starts) {
				end = starts[i+1][0]
			}
			call, err := cliCall(line[at[1]:end])
			if err != nil {
				faults = append(faults, fmt.Errorf("script, line %d: %w", number, err))
				continue
			}
			calls = append(calls, call)
		}
	}
	return sorted(calls), errors.Join(faults...)
}

// inCommand is what stands before the name of a program.
const inCommand = `(?:^|[;&|{!]|\b(?:do|then|else|if|while|until|exec)\s)\s*`

var (
	// comment is a line that is one, or that names a shell for a script.
	comment = regexp.MustCompile(`(?m)^[\t ]*#(?:[^!\n].*|!.*\b(?:ba|da)?sh[\t ]*)?$`)
	// hidden is what runs text or programs that are not in the script, or calls AWS by itself.
	hidden = regexp.MustCompile(inCommand + `\.\s|--aws-sigv4|--cli-input-(?:json|yaml)|\b(?:eval|source|alias|` +
		`(?:ba|da|z|k|fi)?sh|python[23]?|perl|ruby|node|lua|cfn-init|cfn-signal|cfn-hup|s5cmd|s3cmd|rclone|awscurl)` +
		`(?:["';]?\s|["';]?$)`)
	// expansion is a program whose name is one; test is what only compares.
	expansion = regexp.MustCompile(inCommand + `"?\$[A-Za-z_{(]+`)
	test      = regexp.MustCompile(`\[\[ .*? \]\]`)
	// cli is the name of the AWS CLI. The word may also be a part of a path, or of an address.
	cli = regexp.MustCompile(`(?:^|[^\w./-]|/usr/bin/|/usr/local/bin/)aws(?:$|[^\w./-])`)
	// asking is a command that only asks where a program is.
	asking = regexp.MustCompile(`\b(?:type|hash|which|command -[vV])(?: -P)? +aws\b`)
	// plainLoop is the head of a loop over plain words.
	plainLoop = regexp.MustCompile(`^\s*for (\w+) in [\w\s-]+;`)
	// operation is what follows the name of the CLI.
	operation = regexp.MustCompile(`^\s*([a-z][a-z0-9-]*) +([a-z][a-z0-9-]*)(?:$|[^\w-](.*)$)`)
	option    = regexp.MustCompile(`--[a-z0-9-]+`)
	several   = regexp.MustCompile(`\$[@*]|\[[@*]\]`)
)

// logicalLines yields each line, with those that continue it, after its number.
func logicalLines(script string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		first, joined := 0, ""
		for i, line := range strings.Split(script, "\n") {
			if joined == "" {
				first = i + 1
			}
			if rest, continues := strings.CutSuffix(line, `\`); continues {
				joined += rest
				continue
			}
			if !yield(first, joined+line) {
				return
			}
			joined = ""
		}
	}
}

// runs reports whether a variable stands where a program is named: at the beginning of a command, or among the
// arguments of what runs them.
func runs(script, variable string) bool {
	return regexp.MustCompile(`(?m)(?:` + inCommand + `|\b(?:timeout|within|retry|flock|env|nohup|sudo|xargs)\s.*)` +
		`"?\$\{?` + variable + `\b`).MatchString(script)
}

// The names that the AWS CLI gives to services otherwise than the SDK.
var cliServices = map[string]string{"s3api": "s3", "logs": "cloudwatchlogs", "elbv2": "elasticloadbalancingv2"}

// cliCall returns the operation that the words after the CLI's name call.
func cliCall(line string) (Call, error) {
	m := operation.FindStringSubmatch(line)
	switch {
	case m == nil:
		return Call{}, errors.New("which operation of the AWS CLI this is cannot be told: " +
			`write "aws SERVICE OPERATION" in plain words, with the options after it`)
	case m[1] == "s3" || m[2] == "wait":
		return Call{}, fmt.Errorf("aws %s %s is no operation: call the one that it makes use of", m[1], m[2])
	case severalWords(m[3]):
		return Call{}, fmt.Errorf("options of aws %s %s are not known: write them out", m[1], m[2])
	}
	service := m[1]
	if as, other := cliServices[service]; other {
		service = as
	}
	for name, needs := range operations {
		if !strings.EqualFold(name, service+"."+strings.ReplaceAll(m[2], "-", "")) {
			continue
		}
		set := map[string]bool{}
		for _, o := range option.FindAllString(m[3], -1) {
			for _, r := range needs.rules {
				if strings.EqualFold(strings.ReplaceAll(o, "-", ""), r.field) {
					set[r.field] = true
				}
			}
		}
		return Call{service, strings.TrimPrefix(name, service+"."), fields(set)}, nil
	}
	return Call{}, fmt.Errorf("aws %s %s is not in the table of operations: look up what it needs and add it", m[1],
		m[2])
}

// severalWords reports whether one of the arguments may become an option, or several: an expansion that is not quoted,
// or that is the whole of a word and not the value of the option before it.
func severalWords(arguments string) bool {
	words := strings.Fields(arguments)
	for i, w := range words {
		if strings.HasPrefix(w, "$") || strings.HasPrefix(w, `"$`) && !strings.Contains(w, "/") &&
			(i == 0 || !strings.HasPrefix(words[i-1], "--") || strings.Contains(words[i-1], "=")) {
			return true
		}
	}
	return several.MatchString(arguments)
}

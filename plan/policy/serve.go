package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"dossier.example/plan/graph"
)

// RequestVariable is the variable of the environment that names the file with a request.
const RequestVariable = "STACKPLAN_RULES_REQUEST"

// begin stands before an answer, so that what else a program writes is told from it.
const begin = "\x1e"

// Request asks a program about one stack.
type Request struct {
	Stack string
	// Production reports whether the stack's data must outlive mistakes.
	Production bool
	// Config is the stack's configuration, by full key.
	Config map[string]string
	// Graph is what Graph.Wire wrote.
	Graph json.RawMessage
	// Exceptions are those that the repository's configuration has for the stack.
	Exceptions []ExceptionAt
}

// Stack is what rules may depend on beside the graph.
type Stack struct {
	Environment
	// Config is its configuration, by full key.
	Config map[string]string
}

// Main is the main function of a program with the rules of a repository. rules returns what a stack is held to, most
// often Catalogue with rules of its own; an error is for configuration that cannot be used, and then nothing is asked.
//
// A plan builds the program of each revision and asks it about that revision, apart from everything else, because a
// change may have rewritten it.
func Main(rules func(stack Stack) (Set, error)) {
	if err := serve(os.Getenv(RequestVariable), os.Stdout, rules); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(file string, out io.Writer, rules func(stack Stack) (Set, error)) error {
	if file == "" {
		return fmt.Errorf("this program holds rules for a plan, which names its request in %s: name its folder as "+
			"rules in "+
			"stackplan.yaml", RequestVariable)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	var asked Request
	if err := json.Unmarshal(text, &asked); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	g, err := graph.FromWire(asked.Graph)
	if err != nil {
		return err
	}
	env := Environment{Name: asked.Stack, Production: asked.Production}
	set, err := rules(Stack{env, asked.Config})
	report := Report{Environment: env}
	if err != nil {
		report.Fault = err.Error()
	} else {
		if set.Environment.Name == "" {
			set.Environment = env
		}
		unknown := set.Except(asked.Exceptions)
		report = set.Check(g)
		report.Unknown = unknown
	}
	answer, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s%s\n", begin, answer)
	return err
}

// ReadAnswer reads what Main wrote.
func ReadAnswer(wrote string) (Report, error) {
	var report Report
	_, answer, found := strings.Cut(wrote, begin)
	if !found {
		return report, errors.New("the program of the rules gave no answer: does it call policy.Main?")
	}
	if err := json.NewDecoder(strings.NewReader(answer)).Decode(&report); err != nil {
		return report, fmt.Errorf("reading the answer of the program of the rules: %w", err)
	}
	for _, r := range report.Results {
		switch r.Verdict {
		case Kept, NotAsked:
		case Broken, Excepted:
			if len(r.Violations)+len(r.Excused) == 0 {
				return report, fmt.Errorf("the program of the rules calls %q %s, and says not where", r.Rule.ID,
					r.Verdict)
			}
		default:
			return report, fmt.Errorf("the program of the rules gives %q as the verdict of %q", r.Verdict, r.Rule.ID)
		}
	}
	return report, nil
}

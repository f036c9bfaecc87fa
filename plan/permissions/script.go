package permissions

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// ScriptCalls returns the operations that a shell script calls by the AWS CLI, and those of the CloudWatch agent where
// it starts that. They are sorted. Scripts that it writes, in here-documents that begin with "#!", and code in the
// arguments of trap, "sh -c" and "bash -c" are part of it. The credentials that dnf, curl or another program uses by
// itself are not seen.
//
// A call may stand anywhere: "aws", then the options of the CLI itself, a service and an operation, all three without
// expansions, after any words that run it ("timeout 30 aws …"). What could hide a call is an error that tells the line:
// eval, source, an interpreter of another language, a command whose name is not known, a text with a command line of
// the CLI in it, options that come from an expansion, the CLI's own commands that are no operations (aws s3 cp).
func ScriptCalls(script string) ([]Call, error) {
	s := &scripts{}
	s.read("script", script)
	if s.faults != nil {
		return nil, errors.Join(s.faults...)
	}
	return sorted(s.calls), nil
}

// scripts collects from a script and those within it.
type scripts struct {
	calls  []Call
	faults []error
}

// shell is one script.
type shell struct {
	*scripts
	name string
	// values are the words that each variable is set to; a nil word is a value that the text does not tell.
	values map[string][]*syntax.Word
	// bodies are the functions.
	bodies map[string]*syntax.Stmt
	// skip are words that were dealt with.
	skip map[syntax.Node]bool
}

// read takes in one script.
func (s *scripts) read(name, text string) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), name)
	if err != nil {
		s.faults = append(s.faults, fmt.Errorf("parse: %w", err))
		return
	}
	sh := &shell{s, name, map[string][]*syntax.Word{}, map[string]*syntax.Stmt{}, map[syntax.Node]bool{}}
	sh.collect(file)
	sh.walk(file, false)
}

func (sh *shell) refuse(n syntax.Node, format string, args ...any) {
	sh.faults = append(sh.faults, fmt.Errorf("%s, line %d: %s", sh.name, n.Pos().Line(), fmt.Sprintf(format, args...)))
}

// collect notes what variables may hold, and the functions.
func (sh *shell) collect(file *syntax.File) {
	set := func(name string, w *syntax.Word) { sh.values[name] = append(sh.values[name], w) }
	for n := range syntax.Preorder(file) {
		switch n := n.(type) {
		case *syntax.Assign:
			switch {
			case n.Name == nil:
			case n.Append, n.Array != nil:
				set(n.Name.Value, nil)
				if n.Value != nil && literalIs(n.Value, "aws") {
					set(n.Name.Value, n.Value)
				}
			case n.Value == nil && n.Naked:
			case n.Value == nil: // set to nothing
			default:
				set(n.Name.Value, n.Value)
			}
		case *syntax.WordIter:
			for _, w := range n.Items {
				set(n.Name.Value, w)
			}
			if len(n.Items) == 0 {
				set(n.Name.Value, nil)
			}
		case *syntax.ParamExp:
			if n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) && n.Param != nil {
				set(n.Param.Value, n.Exp.Word)
			}
		case *syntax.CallExpr:
			if len(n.Args) == 0 {
				continue
			}
			if command, _ := literal(n.Args[0]); slices.Contains([]string{"read", "mapfile", "readarray", "getopts", "printf"}, command) {
				for _, w := range n.Args[1:] {
					if name, ok := literal(w); ok {
						set(name, nil)
					}
				}
			}
		case *syntax.FuncDecl:
			sh.bodies[n.Name.Value] = n.Body
		}
	}
}

// walk looks at every command and every text.
func (sh *shell) walk(root syntax.Node, inFunction bool) {
	syntax.Walk(root, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			if n.Name.Value == "aws" {
				sh.refuse(n, "a function with the name of the AWS CLI")
			}
			sh.walk(n.Body, true)
			return false
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				sh.command(n, inFunction)
			}
		case *syntax.Redirect:
			if n.Hdoc != nil && len(n.Hdoc.Parts) > 0 {
				sh.hereDocument(n.Hdoc)
				sh.walk(n.Word, inFunction)
				// What an unquoted one expands is a part of this script.
				for _, part := range n.Hdoc.Parts {
					if _, ok := part.(*syntax.Lit); !ok {
						sh.walk(part, inFunction)
					}
				}
				return false
			}
		case *syntax.ArrayElem:
			if n.Value != nil && literalIs(n.Value, "aws") {
				sh.refuse(n, "a command line of the AWS CLI in an array")
			}
		case *syntax.Word:
			if sh.skip[n] || len(n.Parts) == 0 {
				return true
			}
			sh.text(n, plain(n))
			if name, ok := variable(n); ok && sh.maybe(name) {
				sh.refuse(n, "$%s may be the AWS CLI here", name)
			}
		}
		return true
	})
}

// commandLine is a command line of the AWS CLI within a text.
var commandLine = regexp.MustCompile("(^|[\\s;&|(`'\"!{=/])aws\\s+[-a-z$\"'{]")

// text refuses a text that hides a call, and takes in programs that are known to make calls.
func (sh *shell) text(n syntax.Node, text string) {
	if commandLine.MatchString(text) {
		sh.refuse(n, "a command line of the AWS CLI within a text: %q", shorten(text))
	}
	if strings.Contains(text, "aws-sigv4") {
		sh.refuse(n, "a request that is signed without the AWS CLI: %q", shorten(text))
	}
	if strings.Contains(text, "amazon-cloudwatch-agent-ctl") {
		sh.calls = append(sh.calls, cloudWatchAgent...)
	}
}

// hereDocument takes in a file that the script writes.
func (sh *shell) hereDocument(doc *syntax.Word) {
	text := plain(doc)
	first, _, _ := strings.Cut(text, "\n")
	interpreter, isScript := strings.CutPrefix(first, "#!")
	words := strings.Fields(interpreter)
	switch {
	case !isScript:
		sh.text(doc, text)
	case len(words) > 0 && slices.Contains(shells, path.Base(words[len(words)-1])):
		if _, ok := literal(doc); !ok {
			sh.refuse(doc, "a script with expansions in it: quote the here-document's end")
			return
		}
		sh.read(fmt.Sprintf("%s, the script at line %d", sh.name, doc.Pos().Line()), text)
	default:
		sh.refuse(doc, "a script for %q", interpreter)
	}
}

// What runs what it is given.
var (
	runners      = []string{"timeout", "flock", "env", "exec", "command", "builtin", "nohup", "setsid", "sudo", "nice", "ionice", "time", "stdbuf", "xargs"}
	shells       = []string{"sh", "bash", "dash"}
	interpreters = []string{"python", "python2", "python3", "perl", "ruby", "node", "lua", "zsh", "ksh", "fish"}
	// callers are programs that make calls of their own.
	callers = []string{"cfn-init", "cfn-signal", "cfn-hup", "s5cmd", "s3cmd", "rclone", "awscurl", "session-manager-plugin", "chamber", "kubectl", "terraform", "pulumi"}
	// inquirers only ask where a program is.
	inquirers = []string{"type", "hash", "which"}
)

// command looks at one simple command.
func (sh *shell) command(c *syntax.CallExpr, inFunction bool) {
	name, ok := sh.program(c, 0, inFunction)
	if !ok {
		return
	}
	switch {
	case name == "eval" || name == "alias" || name == "source" || name == ".":
		sh.refuse(c, "%s runs what is not here", name)
		return
	case slices.Contains(inquirers, name) || name == "command" && len(c.Args) > 1 && (literalIs(c.Args[1], "-v") || literalIs(c.Args[1], "-V")):
		for _, w := range c.Args {
			sh.skip[w] = true
		}
		return
	case name == "trap":
		sh.trap(c)
		return
	}
	sh.runner(c, name, inFunction)
	for i, w := range c.Args {
		text, ok := literal(w)
		if !ok {
			continue
		}
		switch base := path.Base(text); {
		case base == "aws":
			sh.cli(c, i)
			return
		case slices.Contains(shells, base):
			sh.code(c, i)
			return
		case slices.Contains(interpreters, base):
			sh.refuse(c, "%s runs what is not understood here", base)
		case slices.Contains(callers, base):
			sh.refuse(c, "%s makes calls that are not known here", base)
		}
	}
}

// program returns the base name of the program that a word of a command names. It refuses one that it cannot tell,
// except the arguments of a function, which are looked at where the function is called.
func (sh *shell) program(c *syntax.CallExpr, i int, inFunction bool) (string, bool) {
	w := c.Args[i]
	if text, ok := literal(w); ok {
		return path.Base(text), true
	}
	// "$dir/program" ends in its name.
	if tail, ok := w.Parts[len(w.Parts)-1].(*syntax.Lit); ok && strings.Contains(tail.Value, "/") {
		return path.Base(tail.Value), true
	}
	if q, ok := w.Parts[0].(*syntax.DblQuoted); ok && len(w.Parts) == 1 && len(q.Parts) > 0 {
		if tail, ok := q.Parts[len(q.Parts)-1].(*syntax.Lit); ok && strings.Contains(tail.Value, "/") {
			return path.Base(tail.Value), true
		}
	}
	if positional(w) {
		if !inFunction {
			sh.refuse(c, "the script runs its own arguments")
		}
		return "", inFunction
	}
	if name, ok := variable(w); ok {
		values := sh.values[name]
		known := len(values) > 0
		for _, v := range values {
			if v == nil {
				known = false
			} else if text, ok := literal(v); !ok || slices.Contains(shells, path.Base(text)) || slices.Contains(interpreters, path.Base(text)) || slices.Contains(callers, path.Base(text)) {
				known = false
			}
		}
		if known {
			if sh.maybe(name) {
				return "", false // walk refuses the word
			}
			return "", true
		}
	}
	sh.refuse(c, "the program that is run here is not known")
	return "", false
}

// maybe reports whether a variable may hold the name of the AWS CLI.
func (sh *shell) maybe(name string) bool {
	return slices.ContainsFunc(sh.values[name], func(w *syntax.Word) bool {
		text, ok := "", false
		if w != nil {
			text, ok = literal(w)
		}
		return ok && path.Base(text) == "aws"
	})
}

// runner checks the program that another program is told to run.
func (sh *shell) runner(c *syntax.CallExpr, name string, inFunction bool) {
	own := 0 // the arguments of the runner itself
	switch {
	case name == "timeout" || name == "flock":
		own = 1
	case slices.Contains(runners, name):
	case sh.runsArguments(name):
		sh.argumentsOf(c)
		return
	default:
		return
	}
	for i, w := range c.Args[1:] {
		text, ok := literal(w)
		if ok && (strings.HasPrefix(text, "-") || name == "env" && strings.Contains(text, "=")) || optionWithValue(w) {
			continue
		}
		if own > 0 {
			own--
			continue
		}
		sh.program(c, i+1, inFunction)
		return
	}
}

// optionWithValue reports whether a word begins as an option or an assignment does: --name=$value, NAME=$value.
func optionWithValue(w *syntax.Word) bool {
	first, ok := w.Parts[0].(*syntax.Lit)
	return ok && (strings.HasPrefix(first.Value, "-") || strings.Contains(first.Value, "="))
}

// argumentsOf checks what a function that runs its arguments is given: before its first plain word each variable must
// be known.
func (sh *shell) argumentsOf(c *syntax.CallExpr) {
	for _, w := range c.Args[1:] {
		text, ok := literal(w)
		if ok && strings.Trim(text, "0123456789.smh") != "" {
			return
		}
		name, isVariable := variable(w)
		if !ok && !isVariable && !positional(w) && spreads(w) {
			sh.refuse(w, "the program that is run here is not known")
			return
		}
		if ok || !isVariable {
			continue
		}
		values := sh.values[name]
		for _, v := range values {
			if v != nil {
				if _, ok := literal(v); ok || arithmetic(v) {
					continue
				}
			}
			sh.refuse(w, "$%s may be a program that is not known", name)
			return
		}
		if len(values) == 0 {
			sh.refuse(w, "$%s may be a program that is not known", name)
			return
		}
	}
}

// runsArguments reports whether a function runs its arguments: by themselves, or by something that runs what it is
// given.
func (sh *shell) runsArguments(function string, within ...string) bool {
	body, ok := sh.bodies[function]
	if !ok || slices.Contains(within, function) {
		return false
	}
	within = append(slices.Clone(within), function)
	for n := range syntax.Preorder(body) {
		c, ok := n.(*syntax.CallExpr)
		if !ok || len(c.Args) == 0 || !slices.ContainsFunc(c.Args, positional) {
			continue
		}
		name, ok := literal(c.Args[0])
		if !ok || slices.Contains(runners, name) || sh.runsArguments(name, within...) {
			return true
		}
	}
	return false
}

// trap takes in the code that a trap runs.
func (sh *shell) trap(c *syntax.CallExpr) {
	for i, w := range c.Args[1:] {
		text, ok := literal(w)
		switch {
		case ok && strings.HasPrefix(text, "-"):
			continue
		case !ok:
			sh.refuse(c, "the code of trap is not known")
		case i < len(c.Args)-2: // else it names a signal alone
			sh.embedded(w, text)
		}
		return
	}
}

// code takes in what "sh -c" runs. The word at i names the shell.
func (sh *shell) code(c *syntax.CallExpr, i int) {
	rest := c.Args[i+1:]
	if len(rest) >= 2 && literalIs(rest[0], "-c") {
		if text, ok := literal(rest[1]); ok {
			sh.embedded(rest[1], text)
			return
		}
	}
	sh.refuse(c, "a shell runs what is not here")
}

// embedded takes in code within a word. It shares the variables and functions of the script around it.
func (sh *shell) embedded(w *syntax.Word, text string) {
	name := fmt.Sprintf("%s, the code at line %d", sh.name, w.Pos().Line())
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), name)
	if err != nil {
		sh.refuse(w, "parse: %v", err)
		return
	}
	sh.skip[w] = true
	inner := &shell{sh.scripts, name, sh.values, sh.bodies, map[syntax.Node]bool{}}
	inner.collect(file)
	inner.walk(file, false)
}

// The names that the AWS CLI gives to services otherwise than the SDK.
var cliServices = map[string]string{
	"s3api": "s3", "logs": "cloudwatchlogs", "elbv2": "elasticloadbalancingv2", "elb": "elasticloadbalancing", "deploy": "codedeploy",
}

// The options of the CLI itself that come with a value, and those that do not
// (https://docs.aws.amazon.com/cli/latest/reference/index.html#global-options).
var (
	cliValues   = []string{"--region", "--output", "--query", "--profile", "--endpoint-url", "--ca-bundle", "--color", "--cli-read-timeout", "--cli-connect-timeout", "--cli-binary-format"}
	cliSwitches = []string{"--debug", "--no-verify-ssl", "--no-paginate", "--no-sign-request", "--no-cli-pager", "--cli-auto-prompt", "--no-cli-auto-prompt"}
)

var cliName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// cli takes in a call. The word at i is the CLI's name.
func (sh *shell) cli(c *syntax.CallExpr, i int) {
	for _, w := range c.Args[i:] {
		sh.skip[w] = true // what is said of texts does not hold for these
	}
	var names []string
	rest := c.Args[i+1:]
	for len(rest) > 0 && len(names) < 2 {
		text, ok := literal(rest[0])
		option, _, hasValue := strings.Cut(text, "=")
		if !ok {
			option, hasValue = optionOf(rest[0])
		}
		switch {
		case option == "--version" || text == "configure" && names == nil || text == "help":
			return // asks nobody
		case slices.Contains(cliValues, option) && hasValue, ok && slices.Contains(cliSwitches, text):
			rest = rest[1:]
		case slices.Contains(cliValues, option) && len(rest) > 1:
			rest = rest[2:]
		case ok && cliName.MatchString(text):
			names = append(names, text)
			rest = rest[1:]
		default:
			sh.refuse(c, "which operation of the AWS CLI this is cannot be told")
			return
		}
	}
	switch {
	case len(names) < 2:
		sh.refuse(c, "which operation of the AWS CLI this is cannot be told")
		return
	case names[0] == "s3":
		sh.refuse(c, "aws s3 %s is no operation; aws s3api has those", names[1])
		return
	case names[1] == "wait":
		sh.refuse(c, "aws %s wait is no operation; call the one that it repeats", names[0])
		return
	}
	service := names[0]
	if as, ok := cliServices[service]; ok {
		service = as
	}
	call := Call{Service: service, Operation: operationOf(service, names[1])}
	set := map[string]bool{}
	taken := false // the word before is an option without its value
	for _, w := range rest {
		text, ok := literal(w)
		option, _, hasValue := strings.Cut(text, "=")
		if !ok {
			option, hasValue = optionOf(w)
		}
		switch {
		case strings.HasPrefix(option, "--"):
			for _, r := range operations[call.Service+"."+call.Operation].rules {
				if strings.EqualFold(strings.ReplaceAll(option, "-", ""), r.field) {
					set[r.field] = true
				}
			}
			if option == "--cli-input-json" || option == "--cli-input-yaml" {
				sh.refuse(c, "%s hides what is asked", option)
			}
			taken = !hasValue
			continue
		case !ok && (spreads(w) || !taken && optional(w)):
			sh.refuse(c, "options of the AWS CLI that are not known")
		}
		taken = false
	}
	call.With = fields(set)
	sh.calls = append(sh.calls, call)
}

// operationOf returns the operation of a CLI command, get-object, as the table of operations writes it, or else in
// plain camel case.
func operationOf(service, command string) string {
	want := service + "." + strings.ReplaceAll(command, "-", "")
	for name := range operations {
		if strings.EqualFold(name, want) {
			return strings.TrimPrefix(name, service+".")
		}
	}
	var b strings.Builder
	for part := range strings.SplitSeq(command, "-") {
		b.WriteString(strings.ToUpper(part[:min(1, len(part))]) + part[min(1, len(part)):])
	}
	return b.String()
}

// optionOf returns the option that a word with expansions begins with, --name="$value".
func optionOf(w *syntax.Word) (option string, hasValue bool) {
	first, ok := w.Parts[0].(*syntax.Lit)
	if !ok || !strings.HasPrefix(first.Value, "--") {
		return "", false
	}
	option, _, hasValue = strings.Cut(first.Value, "=")
	if !hasValue {
		return "", false
	}
	return option, true
}

// spreads reports whether a word may become several.
func spreads(w *syntax.Word) bool {
	several := func(p *syntax.ParamExp) bool {
		if p.Param != nil && (p.Param.Value == "@" || p.Param.Value == "*") {
			return true
		}
		index, ok := p.Index.(*syntax.Word)
		return ok && (index.Lit() == "@" || index.Lit() == "*")
	}
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.ParamExp, *syntax.CmdSubst, *syntax.ExtGlob, *syntax.BraceExp:
			return true // not quoted
		case *syntax.DblQuoted:
			for _, inner := range part.Parts {
				if p, ok := inner.(*syntax.ParamExp); ok && several(p) {
					return true
				}
			}
		}
	}
	return false
}

// optional reports whether a word may be an option: nothing but an expansion.
func optional(w *syntax.Word) bool {
	q, ok := w.Parts[0].(*syntax.DblQuoted)
	return ok && len(w.Parts) == 1 && len(q.Parts) == 1
}

// literal returns what a word without expansions says.
func literal(w *syntax.Word) (string, bool) {
	for n := range syntax.Preorder(w) {
		switch n := n.(type) {
		case *syntax.Word, *syntax.Lit, *syntax.DblQuoted:
		case *syntax.SglQuoted:
			if n.Dollar {
				return "", false // with escapes of its own
			}
		default:
			return "", false
		}
	}
	return plain(w), true
}

func literalIs(w *syntax.Word, text string) bool {
	got, ok := literal(w)
	return ok && got == text
}

// plain returns a word's own text, without its expansions.
func plain(w *syntax.Word) string {
	var b strings.Builder
	var add func(parts []syntax.WordPart, quoted bool)
	add = func(parts []syntax.WordPart, quoted bool) {
		for _, part := range parts {
			switch part := part.(type) {
			case *syntax.Lit:
				if quoted {
					b.WriteString(part.Value)
				} else {
					b.WriteString(strings.NewReplacer("\\\n", "", `\\`, `\`, `\`, "").Replace(part.Value))
				}
			case *syntax.SglQuoted:
				b.WriteString(part.Value)
			case *syntax.DblQuoted:
				add(part.Parts, true)
			default:
				b.WriteString("$") // something stands here
			}
		}
	}
	_, document := w.Parts[0].(*syntax.Lit)
	add(w.Parts, document && strings.Contains(w.Parts[0].(*syntax.Lit).Value, "\n"))
	return b.String()
}

// variable returns the name of the variable that a word is nothing but.
func variable(w *syntax.Word) (string, bool) {
	name := parameter(w)
	return name, name != "" && !strings.ContainsAny(name[:1], "0123456789@*#?!$-")
}

// positional reports whether a word is nothing but arguments of the function or script.
func positional(w *syntax.Word) bool {
	name := parameter(w)
	return name != "" && strings.ContainsAny(name[:1], "123456789@*")
}

// parameter returns what a word that is one plain expansion expands.
func parameter(w *syntax.Word) string {
	parts := w.Parts
	if q, ok := parts[0].(*syntax.DblQuoted); ok && len(parts) == 1 {
		parts = q.Parts
	}
	if len(parts) != 1 {
		return ""
	}
	p, ok := parts[0].(*syntax.ParamExp)
	if !ok || p.Param == nil || p.Excl || p.Length || p.Width || p.Index != nil || p.Repl != nil || p.Exp != nil {
		return ""
	}
	return p.Param.Value
}

func arithmetic(w *syntax.Word) bool {
	_, ok := w.Parts[0].(*syntax.ArithmExp)
	return ok && len(w.Parts) == 1
}

func shorten(text string) string {
	if len(text) > 80 {
		return text[:80] + "…"
	}
	return text
}

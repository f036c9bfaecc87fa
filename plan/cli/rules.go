package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"dossier.example/plan"
	"dossier.example/plan/graph"
	"dossier.example/plan/policy"
)

// policyOf returns what a stack is held to; nil where its configuration cannot be used, and where base's rules are not
// known.
func (p Project) policyOf(ctx context.Context, of *program, stack string, settings map[string]string) *policy.Set {
	var exceptions []policy.ExceptionAt
	for _, e := range of.tree.config.Exceptions {
		if len(e.Stacks) == 0 || slices.Contains(e.Stacks, stack) {
			exceptions = append(exceptions, policy.ExceptionAt{Rule: e.Rule, Resource: e.Resource, Type: e.Type,
				Reason: e.Reason})
		}
	}
	env := policy.Environment{Name: stack, Production: of.config.production(stack)}
	switch {
	case p.Policy != nil:
		set := p.Policy(stack, settings)
		if set != nil {
			set.Except(exceptions)
		}
		return set
	case of.tree.rules != nil && of.tree.rules.tree != of.tree:
		return of.borrowed(ctx, env, stack, settings, exceptions)
	case of.tree.config.Rules == "":
		set := &policy.Set{Environment: env, Rules: policy.Catalogue()}
		if unknown := set.Except(exceptions); len(unknown) > 0 {
			set.Served = refused(env, "exceptions name rules that there are not: "+strings.Join(unknown, ", "))
		}
		return set
	case of.tree.rules == nil:
		return nil
	case of.tree.rules.fault != nil:
		return &policy.Set{Environment: env, Served: refused(env, "they do not compile: "+of.tree.rules.fault.Said)}
	}
	asked := policy.Request{Stack: stack, Production: env.Production, Config: settings, Exceptions: exceptions}
	return &policy.Set{Environment: env, Served: func(g *graph.Graph) policy.Report {
		report, err := of.tree.ask(ctx, asked, g)
		if err != nil {
			return refused(env, err.Error())(g)
		}
		if len(report.Unknown) > 0 {
			return refused(env, "exceptions name rules that there are not: "+strings.Join(report.Unknown, ", "))(g)
		}
		return report
	}}
}

// borrowed asks the rules of head about a stack of base, which has no program with rules: so what base breaks already
// is known as such. What excuses is base's own configuration alone, so that exceptions in the program count as new.
func (of *program) borrowed(ctx context.Context, env policy.Environment, stack string, settings map[string]string,
	exceptions []policy.ExceptionAt) *policy.Set {
	catalogue := policy.Set{Environment: env, Rules: policy.Catalogue()}
	catalogue.Except(exceptions)
	asked := policy.Request{Stack: stack, Production: env.Production, Config: settings, Exceptions: exceptions}
	return &policy.Set{Environment: env, Served: func(g *graph.Graph) policy.Report {
		report, err := of.tree.rules.tree.ask(ctx, asked, g)
		if err != nil || report.Fault != "" {
			return catalogue.Check(g)
		}
		for i, r := range report.Results {
			report.Results[i].Excused = slices.DeleteFunc(r.Excused, func(e policy.Excused) bool {
				return !slices.ContainsFunc(exceptions, func(own policy.ExceptionAt) bool {
					return own.Rule == r.Rule.ID && own.Reason == e.Exception.Reason
				})
			})
		}
		if of.tree.config.Rules != "" {
			return report // what base is held to is not known
		}
		for _, rule := range catalogue.Rules {
			if !slices.ContainsFunc(report.Results, func(r policy.Result) bool { return r.Rule.ID == rule.ID }) {
				report.Results = append(report.Results, policy.Result{Rule: rule, Verdict: policy.NotAsked})
			}
		}
		return report
	}}
}

func refused(env policy.Environment, why string) func(*graph.Graph) policy.Report {
	return func(*graph.Graph) policy.Report { return policy.Report{Environment: env, Fault: why} }
}

// ask asks the rules of a revision about a stack.
func (t *tree) ask(ctx context.Context, asked policy.Request, g *graph.Graph) (policy.Report, error) {
	fail := func(err error) (policy.Report, error) {
		return policy.Report{}, fmt.Errorf("asking the rules of %s: %w", t.name, err)
	}
	var err error
	if asked.Graph, err = g.Wire(); err != nil {
		return fail(err)
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return fail(err)
	}
	home, err := os.MkdirTemp("", "plan-home-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(home)
	request := filepath.Join(home, "request.json")
	if err := os.WriteFile(request, text, 0o600); err != nil {
		return fail(err)
	}
	answer, err := graph.Ask(ctx, graph.Program{Path: t.rules.file, Dir: t.rules.dir(), Tree: t.dir,
		Read: []string{request}, Empty: []string{home},
		Env: append(environment(home), policy.RequestVariable+"="+request)})
	if failed, is := errors.AsType[*graph.ProgramError](err); is {
		return policy.Report{}, errors.New(failed.Said)
	}
	if err != nil {
		return fail(err)
	}
	return policy.ReadAnswer(answer)
}

// buildRules builds the programs with the rules of both trees. Those of base are only to compare with: where it has
// none, head's are asked about it, and where they do not compile, nothing is compared.
func buildRules(ctx context.Context, before, head *tree, work string) error {
	borrow := func() {
		if head.rules != nil && head.rules.fault == nil {
			before.rules = head.rules
			before.notes = append(before.notes, fmt.Sprintf("%s has no program with rules, so it was asked by those "+
				"of the change: what it breaks already counts as inherited.", before.name))
		}
	}
	for _, t := range []*tree{head, before} {
		folder := t.config.Rules
		if folder == "" {
			if t == before {
				borrow()
			}
			continue
		}
		if _, err := os.Stat(filepath.Join(t.dir, filepath.FromSlash(folder))); err != nil {
			if t == before && errors.Is(err, fs.ErrNotExist) {
				borrow()
				continue
			}
			return fmt.Errorf("looking for the rules of %s in %s: %w", t.name, folder, unplaced(err))
		}
		t.rules = &program{tree: t, key: "rules", main: folder}
		if _, has := above(t.files(), folder, "go.mod"); !has {
			return fmt.Errorf("looking for the rules of %s: there is no go.mod in %s or above", t.name, where(folder))
		}
		if t == before && head.rules != nil {
			if same, err := sameProgram(before.rules, head.rules); err != nil {
				return err
			} else if same {
				before.rules.file, before.rules.fault = head.rules.file, head.rules.fault
				continue
			}
		}
		var err error
		if t.rules.work,
			err = workspaceOf(t.rules, filepath.Join(work, map[bool]string{true: "base", false: "head"}[t == before]+
			"-rules-work")); err != nil {
			return err
		}
		file := filepath.Join(work, "head-rules")
		if t == before {
			file = filepath.Join(work, "base-rules")
		}
		if err := build(ctx, t.rules, file); err != nil {
			return fmt.Errorf("building the rules: %w", err)
		}
		if t == before && t.rules.fault != nil {
			t.notes = append(t.notes,
				fmt.Sprintf("The rules of %s do not compile, so nothing is compared with them: %s",
					t.name, quoted(t.rules.fault.Said)))
			t.rules = nil
		}
	}
	return nil
}

// ownModule is the folder of this module where it was built from a checkout; empty where that is not known.
func ownModule() string {
	_, here, _, known := runtime.Caller(0)
	if !known || !filepath.IsAbs(here) {
		return ""
	}
	return filepath.Dir(filepath.Dir(here))
}

// workspaceOf writes a Go workspace into a folder in which a program finds this module where it was built from a
// checkout, and returns its file; empty where the program's own module finds it.
func workspaceOf(of *program, folder string) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("making a workspace for the rules: %w", err) }
	own := ownModule()
	text, err := os.ReadFile(filepath.Join(own, "go.mod"))
	if own == "" || err != nil {
		return "", nil // built from the module cache, or without paths: the program's go.mod has the version
	}
	module, version := modfile.ModulePath(text), ""
	modules, err := of.modules()
	if err != nil {
		return "", err
	}
	var uses []string
	// Only what the program is made of, and what shares its workspace.
	for _, dir := range modules.all {
		at := filepath.Join(of.tree.dir, filepath.FromSlash(dir))
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err != nil {
			continue
		}
		if modfile.ModulePath(text) == module {
			return "", nil
		}
		uses = append(uses, at)
	}
	uses = append(uses, own)
	for _, at := range uses {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err != nil {
			return fail(err)
		}
		if mod, err := modfile.ParseLax("go.mod", text, nil); err == nil && mod.Go != nil &&
			semver.Compare("v"+mod.Go.Version, "v"+version) > 0 {
			version = mod.Go.Version
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "go %s\n", version)
	for _, at := range uses {
		fmt.Fprintf(&b, "use %s\n", modfile.AutoQuote(at))
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fail(err)
	}
	file := filepath.Join(folder, "go.work")
	return file, os.WriteFile(file, []byte(b.String()), 0o644)
}

// unasked reports whether rules of a plan could not be asked.
func unasked(p plan.Plan) bool {
	return slices.ContainsFunc(p.Environments, func(e plan.Environment) bool { return e.Policy.Fault != "" })
}

package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/markdown"
)

// The parts of SARIF 2.1.0 that a plan uses (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), and
// that code scanning shows (https://docs.github.com/en/code-security/reference/code-scanning/sarif-files).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		ColumnKind  string            `json:"columnKind"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string       `json:"id"`
		Short   sarifMessage `json:"shortDescription"`
		Full    sarifMessage `json:"fullDescription"`
		Help    sarifMessage `json:"help"`
		Default sarifDefault `json:"defaultConfiguration"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
	}
	sarifMessage struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifMessage      `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Baseline     string            `json:"baselineState,omitempty"`
		Properties   sarifProperties   `json:"properties"`
	}
	sarifProperties struct {
		Stacks   []string `json:"stacks,omitempty"`
		Resource string   `json:"resource,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI    string `json:"uri"`
		BaseID string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)

// mostResults is how many results code scanning takes of a run.
const mostResults = 5000

// finding is one result before it is written: those of several stacks are one.
type finding struct {
	rule                        sarifRule
	message, resource, baseline string
	source                      graph.Source
	stacks                      []string
}

// SARIF is the plan in the form in which GitHub's code scanning and other tools take findings: rules that are broken,
// dangers, migrations that are not safe, and what nothing judges, each at the line of head's program that registers the
// resource, or at the file of its project where no line is known.
func (p Plan) SARIF() ([]byte, error) {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "stackplan", Rules: []sarifRule{}}}, Results: []sarifResult{},
		ColumnKind: "utf16CodeUnits"}
	invocation := sarifInvocation{Successful: p.Build == nil}
	notify := func(level, text string) {
		invocation.Notifications = append(invocation.Notifications, sarifNotification{level, sarifText(text)})
	}
	if p.Build != nil {
		notify("error", "The program does not compile: "+p.Build.Said)
	}
	for _, e := range p.Environments {
		if e.Fault != nil {
			invocation.Successful = false
			notify("error", fmt.Sprintf("%s is not looked at: %s", e.Name, e.Fault.Said))
		}
		if e.Policy.Fault != "" {
			invocation.Successful = false
			notify("error", fmt.Sprintf("The rules of %s could not be asked: %s", e.Name, e.Policy.Fault))
		}
	}
	for _, u := range p.Unread {
		notify("note", u.sentence())
	}
	for _, note := range p.Notes {
		notify("note", note)
	}
	findings := p.findings()
	if len(findings) > mostResults {
		notify("warning", fmt.Sprintf("%d findings are left out: a run has %d at most.", len(findings)-mostResults,
			mostResults))
		findings = findings[:mostResults]
	}
	for _, f := range findings {
		index := slices.IndexFunc(run.Tool.Driver.Rules, func(r sarifRule) bool { return r.ID == f.rule.ID })
		if index < 0 {
			index = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, f.rule)
		}
		run.Results = append(run.Results, f.result(index))
	}
	run.Invocations = []sarifInvocation{invocation}
	log := sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run}}
	raw, err := json.MarshalIndent(log, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the plan as SARIF: %w", err)
	}
	return append(raw, '\n'), nil
}

// findings are all results, what is worst first, each once.
func (p Plan) findings() []finding {
	var found []finding
	type same struct {
		rule, message, resource string
		source                  graph.Source
	}
	known := map[same]int{}
	add := func(f finding) {
		key := same{f.rule.ID, f.message, f.resource, f.source}
		if i, is := known[key]; is {
			found[i].stacks = append(found[i].stacks, f.stacks...)
			return
		}
		known[key] = len(found)
		found = append(found, f)
	}
	unjudged := descriptor("plan/not-judged", "Nothing here judges this change",
		"No table of the plan knows the type or the input, or nothing looks at the project, so it says neither that "+
			"it is dangerous nor that it is not. Look at it, and at a preview of the stack.", "warning")
	for _, u := range p.Unread {
		if u.Changed {
			add(finding{rule: unjudged, message: u.sentence() + " The change touches it.", baseline: "new",
				source: graph.Source{File: path.Join(u.Folder, "Pulumi.yaml"), Line: 1},
				stacks: slices.Clone(u.Stacks)})
		}
	}
	for _, e := range p.Environments {
		at := func(s graph.Source) graph.Source {
			return cmp.Or(s, graph.Source{File: cmp.Or(e.File, "Pulumi.yaml"), Line: 1})
		}
		for _, b := range e.Policy.Broken {
			state := "new"
			if b.Before {
				state = "unchanged"
			}
			add(finding{rule: descriptor(b.Rule, cmp.Or(b.Says, b.Message), "To keep it: "+b.Mend+".", "error"),
				message:  fmt.Sprintf("%s: %s. Fix: %s.", cmp.Or(b.Resource, "The stack"), b.Message, b.Mend),
				resource: b.Resource, baseline: state, source: at(b.Source), stacks: []string{e.Name}})
		}
		for _, d := range e.Dangers {
			if d.Kind == rulesBroken {
				continue // each is a result of its own rule
			}
			rule := unjudged
			if d.Kind != notJudged {
				rule = descriptor("plan/"+strings.ReplaceAll(d.Kind, " ", "-"),
					"Of a deployment of this change: "+d.Kind,
					"Look at what the change asks for, and whether it is meant. A finding that is right may be merged.",
					"error")
			}
			add(finding{rule: rule, message: d.What, resource: d.Resource, baseline: "new", source: at(d.Source),
				stacks: []string{e.Name}})
		}
	}
	for _, m := range p.Migrations {
		if m.Unsafe != "" {
			add(finding{rule: descriptor("plan/migration-not-safe",
				"A migration is not safe while the old version of the app still serves",
				"Both versions serve for some minutes. Split the change into two releases.", "error"),
				message: m.Unsafe, baseline: "new", source: graph.Source{File: m.Path, Line: 1}})
		}
	}
	slices.SortStableFunc(found, func(a, b finding) int {
		return cmp.Compare(a.rule.Default.Level, b.rule.Default.Level) // an error is before a warning
	})
	return found
}

func descriptor(id, short, help, level string) sarifRule {
	return sarifRule{ID: id, Short: sarifText(short), Full: sarifText(short), Help: sarifText(help),
		Default: sarifDefault{level}}
}

// result is a finding as SARIF has it. What it is known by is what it is about, and not its line.
func (f finding) result(rule int) sarifResult {
	known := sha256.Sum256([]byte(strings.Join([]string{f.rule.ID, f.resource, f.source.File, f.message}, "\x00")))
	return sarifResult{RuleID: f.rule.ID, RuleIndex: rule, Level: f.rule.Default.Level, Message: sarifText(f.message),
		Locations: []sarifLocation{{sarifPhysical{sarifArtifact{(&url.URL{Path: f.source.File}).String(),
			"%SRCROOT%"},
			sarifRegion{f.source.Line}}}},
		Fingerprints: map[string]string{"plan/v1": hex.EncodeToString(known[:])}, Baseline: f.baseline,
		Properties: sarifProperties{f.stacks, f.resource}}
}

// sarifText is a sentence as a message: as text without marks, in which brackets would be links and braces
// placeholders, and as Markdown that has no marks but its own.
func sarifText(sentence string) sarifMessage {
	sentence = cut(markdown.Visible(sentence), 6*longest)
	text := strings.NewReplacer("[", `\[`, "]", `\]`, `\`, `\\`, "{", "{{", "}", "}}").Replace(plainText(sentence))
	return sarifMessage{Text: strings.Join(strings.Fields(text), " "),
		Markdown: strings.NewReplacer("{", "{{", "}", "}}").Replace(strings.TrimSpace(markdown.Inline(sentence)))}
}

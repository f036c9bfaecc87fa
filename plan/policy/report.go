package policy

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"dossier.example/plan/markdown"
)

// line is one row of a report: a rule, what came of it, where and why.
type line struct {
	rule     string
	verdict  Verdict
	resource string
	reason   string
}

func (r Report) lines() []line {
	var lines []line
	for _, result := range r.Results {
		id := result.Rule.ID
		for _, v := range result.Violations {
			lines = append(lines, line{id, Broken, v.Resource, v.Message + "; " + v.Mend})
		}
		for _, e := range result.Excused {
			lines = append(lines, line{id, Excepted, e.Resource, e.Exception.Reason})
		}
		switch {
		case result.Verdict == Kept:
			lines = append(lines, line{id, Kept, "", result.Rule.Says})
		case result.Verdict == NotAsked && len(result.Aside) == 0:
			lines = append(lines, line{id, NotAsked, "", result.Rule.Otherwise})
		}
		for _, v := range result.Aside {
			lines = append(lines, line{id, NotAsked, v.Resource, v.Message})
		}
	}
	return lines
}

// Summary counts the verdicts, in one line.
func (r Report) Summary() string {
	counts := map[Verdict]int{}
	for _, result := range r.Results {
		counts[result.Verdict]++
	}
	return fmt.Sprintf("%s: %d rules, %d kept, %d excepted, %d not asked, %d broken",
		cmp.Or(r.Environment.Name, "environment"), len(r.Results), counts[Kept], counts[Excepted], counts[NotAsked], counts[Broken])
}

// Text is the report for a terminal: the summary, then a line for each rule, or for each place where one is broken or
// excepted.
func (r Report) Text() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.Summary())
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RULE\tVERDICT\tRESOURCE\tREASON")
	for _, l := range r.lines() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.rule, l.verdict, cmp.Or(l.resource, "-"), l.reason)
	}
	w.Flush()
	return b.String()
}

// Markdown is the report for a page or a comment: the summary and a table.
func (r Report) Markdown() string {
	table := markdown.NewTable("Rule", "Verdict", "Resource", "Reason")
	for _, l := range r.lines() {
		verdict := string(l.verdict)
		if l.verdict == Broken {
			verdict = "**" + verdict + "**"
		}
		table.Row(l.rule, verdict, markdown.Text(l.resource), markdown.Text(l.reason))
	}
	return r.Summary() + "\n\n" + table.String()
}

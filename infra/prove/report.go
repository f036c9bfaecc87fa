package prove

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"dossier.example/plan/markdown"
)

// Version is that of the report as JSON. It changes when a field is renamed or removed, not when one is added.
const Version = 1

// Report is what was found.
type Report struct {
	Version int    `json:"version"`
	Stack   string `json:"stack"`
	Region  string `json:"region"`
	// Points are those of the stack, Drills those of the drills that were done.
	Points []Point `json:"points"`
	Drills []Point `json:"drills"`
}

func (r Report) all() []Point { return slices.Concat(r.Points, r.Drills) }

// Count returns how many points have a result.
func (r Report) Count(result string) (n int) {
	for _, p := range r.all() {
		if p.Result == result {
			n++
		}
	}
	return n
}

// Summary is the report in a sentence.
func (r Report) Summary() string {
	return fmt.Sprintf("Stack %s in %s: %d points proven, %d wrong, %d not seen, %d do not apply.",
		r.Stack, r.Region, r.Count(Proven), r.Count(Wrong), r.Count(Unseen), r.Count(Skipped))
}

// JSON writes all of it.
func (r Report) JSON(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// Markdown writes it for an issue: what needs a person first, the rest folded away.
func (r Report) Markdown(to io.Writer) error {
	var b strings.Builder
	b.WriteString(r.Summary() + "\n")
	section := func(heading string, results ...string) {
		points := slices.DeleteFunc(r.all(), func(p Point) bool { return !slices.Contains(results, p.Result) })
		if len(points) == 0 {
			return
		}
		folded := !slices.Contains(results, Wrong) && !slices.Contains(results, Unseen)
		if folded {
			fmt.Fprintf(&b, "\n<details><summary>%s: %d</summary>\n", heading, len(points))
		} else {
			fmt.Fprintf(&b, "\n### %s\n", heading)
		}
		table := markdown.NewTable("Point", "Seen", "Expected", "Fix")
		for _, p := range points {
			table.Row("`"+p.ID+"`: "+markdown.Text(p.Says), markdown.Text(p.Seen), markdown.Text(p.Expected),
				markdown.Text(p.Mend))
		}
		b.WriteString("\n" + table.String())
		if folded {
			b.WriteString("\n</details>\n")
		}
	}
	section("Wrong", Wrong)
	section("Not seen", Unseen)
	section("Proven", Proven)
	section("Do not apply", Skipped)
	_, err := io.WriteString(to, b.String())
	return err
}

// Table writes it for a terminal: a line for each point, and below each that is not proven what to do.
func (r Report) Table(to io.Writer) error {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "POINT\tRESULT\tSEEN\tEXPECTED")
	for _, p := range r.all() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.ID, p.Result, line(p.Seen), line(p.Expected))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	for _, p := range r.all() {
		if p.Mend != "" {
			fmt.Fprintf(&b, "\n%s: %s\n  %s\n  fix: %s\n", p.ID, p.Says, p.Seen, p.Mend)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", r.Summary())
	_, err := io.WriteString(to, b.String())
	return err
}

// line cuts a text to what a terminal shows in a column.
func line(s string) string {
	const most = 60
	s = strings.Join(strings.Fields(s), " ")
	if letters := []rune(s); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return s
}

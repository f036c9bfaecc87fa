package drawing

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Mermaid is the drawing as a flowchart in Mermaid's language (https://mermaid.js.org/syntax/flowchart.html), which
// GitHub shows as a picture. Full lines are connections with their ports, dotted ones references.
func (d Drawing) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	d.nodes(&b, "  ", Outside)
	var ground strings.Builder
	for _, area := range []Area{Public, Private} {
		d.area(&ground, "    ", area, d.Titles[area])
	}
	if ground.Len() > 0 {
		fmt.Fprintf(&b, "  subgraph ground[%s]\n%s  end\n", quote(d.Ground), ground.String())
	}
	d.area(&b, "  ", Services, "AWS services")
	for _, e := range d.Edges {
		arrow := "-->"
		if e.Reference {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "  %s %s|%s| %s\n", safe(e.From), arrow, quote(e.label()), safe(e.To))
	}
	d.styles(&b)
	return b.String()
}

// styles colors what is marked.
func (d Drawing) styles(b *strings.Builder) {
	for _, mark := range marks {
		var nodes, edges []string
		for _, n := range d.Nodes {
			if n.Mark == mark {
				nodes = append(nodes, safe(n.ID))
			}
		}
		for i, e := range d.Edges {
			if e.Mark == mark {
				edges = append(edges, strconv.Itoa(i))
			}
		}
		c := mark.colors()
		if len(nodes) > 0 {
			dash := ""
			if mark == Removed {
				dash = ",stroke-dasharray:5 3"
			}
			fmt.Fprintf(b, "  classDef %s fill:%s,stroke:%s,color:#1f2328,stroke-width:2px%s\n  class %s %s\n", mark,
				c.fill, c.line, dash, strings.Join(nodes, ","), mark)
		}
		if len(edges) > 0 {
			fmt.Fprintf(b, "  linkStyle %s stroke:%s,stroke-width:2px\n", strings.Join(edges, ","), c.line)
		}
	}
}

// area draws a frame around the nodes of an area, where there are any: Mermaid takes no empty one.
func (d Drawing) area(b *strings.Builder, indent string, area Area, title string) {
	var inner strings.Builder
	if d.nodes(&inner, indent+"  ", area); inner.Len() == 0 {
		return
	}
	fmt.Fprintf(b, "%ssubgraph %s[%s]\n%s%send\n", indent, area, quote(title), inner.String(), indent)
}

func (d Drawing) nodes(b *strings.Builder, indent string, area Area) {
	for _, n := range d.Nodes {
		if n.Area != area {
			continue
		}
		left, right := "[", "]"
		switch area {
		case Outside:
			left, right = "([", "])"
		case Services:
			left, right = "[(", ")]"
		}
		var lines []string
		for _, l := range n.shown() {
			lines = append(lines, escape(l))
		}
		fmt.Fprintf(b, "%s%s%s\"%s\"%s\n", indent, safe(n.ID), left, strings.Join(lines, "<br/>"), right)
	}
}

// safe keeps an id apart from the words of Mermaid's language, such as end.
func safe(id string) string { return "n_" + id }

func quote(text string) string { return `"` + escape(text) + `"` }

// longest is how many characters a line has at most.
const longest = 80

// escape writes everything that could end a text, or be taken for markup, a directive or a formula, as its code point
// (https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters).
func escape(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > longest {
		runes = append(runes[:longest-1], '…')
	}
	var b strings.Builder
	for _, r := range runes {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune(" .,:/()-_+×→–…", r):
			b.WriteRune(r)
		case unicode.In(r, unicode.Cc, unicode.Cf):
			b.WriteRune(unicode.ReplacementChar)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}

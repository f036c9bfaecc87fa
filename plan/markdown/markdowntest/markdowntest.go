// Package markdowntest reads Markdown as GitHub shows it, for tests of comments and documents: its structure, its text,
// and what that text would do.
package markdowntest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	dom "golang.org/x/net/html"
)

// reader reads GitHub's Markdown, with the footnotes that GitHub has beside its specification, and lets HTML through.
var reader = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote),
	goldmark.WithRendererOptions(html.WithUnsafe()))

// Document is Markdown as it is shown.
type Document struct {
	// Outline are its blocks as elements of HTML, in order, each indented by what it stands in. Quotes that GitHub
	// makes alerts of are named so.
	Outline []string
	// Text is what is shown, blocks apart.
	Text string
	// Live is what is more than text in it: links, images, elements of HTML that are none of Markdown's, attributes of
	// them, and what GitHub makes of text outside of code, each with what it is of.
	Live []string
}

var (
	blocks = []string{"h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "blockquote", "table", "thead",
		"tbody",
		"tr", "th", "td", "pre", "hr", "details", "summary"}
	inline = []string{"html", "head", "body", "code", "strong", "em", "del", "br"}
	// attributes are those that goldmark gives to cells and fences.
	attributes = regexp.MustCompile(`^(style text-align:(left|right|center)|class language-[a-z]+|start [0-9]+)$`)
	alert      = regexp.MustCompile(`^\[![A-Za-z]+\]`)
)

// noticed is what GitHub looks for in what is shown outside of code
// (https://docs.github.com/en/get-started/writing-on-github).
var noticed = map[string]*regexp.Regexp{
	"a mention":   regexp.MustCompile(`@[0-9A-Za-z]`),
	"an issue":    regexp.MustCompile(`#[0-9]|(?i)\bgh-[0-9]`),
	"a commit":    regexp.MustCompile(`(?i)\b[0-9a-f]{7,40}\b`),
	"an address":  regexp.MustCompile(`(?i)://|\bwww\.`),
	"an emoji":    regexp.MustCompile(`:[0-9A-Za-z_+-]+:`),
	"a formula":   regexp.MustCompile(`\$[^\s0-9]|[0-9]\$`),
	"an advisory": regexp.MustCompile(`(?i)\b(cve|ghsa)-[0-9a-z]`),
	"a direction": regexp.MustCompile(`[\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`),
}

// Read reads Markdown.
func Read(source string) (Document, error) {
	var out bytes.Buffer
	if err := reader.Convert([]byte(source), &out); err != nil {
		return Document{}, fmt.Errorf("reading Markdown: %w", err)
	}
	root, err := dom.Parse(&out)
	if err != nil {
		return Document{}, fmt.Errorf("reading the HTML of Markdown: %w", err)
	}
	var d Document
	var shown strings.Builder
	d.walk(root, 0, false, &shown)
	d.Text = shown.String()
	slices.Sort(d.Live)
	return d, nil
}

func (d *Document) walk(n *dom.Node, depth int, code bool, shown *strings.Builder) {
	block := false
	switch n.Type {
	case dom.CommentNode:
		d.Live = append(d.Live, "a comment: "+n.Data)
	case dom.TextNode:
		shown.WriteString(n.Data)
		for name, pattern := range noticed {
			if found := pattern.FindString(n.Data); found != "" && !code {
				d.Live = append(d.Live, fmt.Sprintf("%s: %q in %q", name, found, n.Data))
			}
		}
	case dom.ElementNode:
		code = code || n.Data == "code" || n.Data == "pre"
		if block = slices.Contains(blocks, n.Data); block {
			name := n.Data
			if name == "blockquote" {
				name += alert.FindString(first(n))
			}
			d.Outline = append(d.Outline, strings.Repeat("  ", depth)+name)
			depth++
		} else if !slices.Contains(inline, n.Data) {
			d.Live = append(d.Live, fmt.Sprintf("an element: %s %v", n.Data, n.Attr))
		}
		for _, a := range n.Attr {
			if !attributes.MatchString(a.Key+" "+a.Val) && n.Data != "a" && n.Data != "img" {
				d.Live = append(d.Live, fmt.Sprintf("an attribute: %s of %s", a.Key, n.Data))
			}
		}
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		d.walk(child, depth, code, shown)
	}
	if block {
		shown.WriteByte('\n')
	}
}

// first is the text that a quote begins with, if that stands in a paragraph of its own.
func first(quote *dom.Node) string {
	for p := quote.FirstChild; p != nil; p = p.NextSibling {
		if p.Type == dom.ElementNode {
			if text := p.FirstChild; p.Data == "p" && text != nil && text.Type == dom.TextNode {
				return text.Data
			}
			return ""
		}
	}
	return ""
}

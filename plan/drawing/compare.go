package drawing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mark is what a comparison found of a part.
type Mark string

// The marks. Of a node, Added and Removed mean all of it; where a part of what it stands for came or went, it is
// Changed.
const (
	Unmarked Mark = ""
	Added    Mark = "added"
	Changed  Mark = "changed"
	Replaced Mark = "replaced"
	Removed  Mark = "removed"
	// Read and Unread are of what the program begins or ceases to read: nothing happens to it.
	Read   Mark = "read"
	Unread Mark = "no longer read"
)

// marks are those that have colors, in the order in which they are shown.
var marks = []Mark{Added, Changed, Replaced, Removed}

// colors of a mark: those that GitHub has for what is added, attended to and removed.
type colors struct{ fill, line string }

func (m Mark) colors() colors {
	switch m {
	case Added:
		return colors{"#dafbe1", "#1a7f37"}
	case Changed:
		return colors{"#fff8c5", "#9a6700"}
	case Replaced, Removed:
		return colors{"#ffebe9", "#cf222e"}
	}
	return colors{"#ffffff", "#59636e"}
}

// shown are the lines of a node, the first with its mark in words: colors alone do not reach everyone.
func (n Node) shown() []string {
	if n.Mark == Unmarked || len(n.Lines) == 0 {
		return n.Lines
	}
	lines := slices.Clone(n.Lines)
	lines[0] += " (" + string(n.Mark) + ")"
	return lines
}

// label is the text of an edge, with its mark in words.
func (e Edge) label() string {
	labels := e.Labels
	if rest := len(labels) - mostLines; rest > 1 {
		labels = append(slices.Clone(labels[:mostLines]), fmt.Sprintf("%d more", rest))
	}
	text := strings.Join(labels, ", ")
	if e.Mark != Unmarked {
		text += " (" + string(e.Mark) + ")"
	}
	return text
}

// Compare returns after with marks, and with what only before has. changed are the marks of resources, by URN; a node
// has the gravest of those that it stands for.
func Compare(before, after Drawing, changed map[string]Mark) Drawing {
	out := Drawing{Ground: after.Ground, Titles: after.Titles, Nodes: slices.Clone(after.Nodes), Edges: slices.Clone(after.Edges)}
	node := func(d Drawing, id string) *Node {
		i := slices.IndexFunc(d.Nodes, func(n Node) bool { return n.ID == id })
		if i < 0 {
			return nil
		}
		return &d.Nodes[i]
	}
	for i := range out.Nodes {
		n := &out.Nodes[i]
		was := node(before, n.ID)
		if was == nil {
			n.Mark = Added
			if n.Read {
				n.Mark = Read
			}
			continue
		}
		for _, urn := range slices.Concat(was.URNs, n.URNs) {
			switch changed[urn] {
			case Unmarked:
			case Replaced:
				n.Mark = Replaced
			default:
				if n.Mark != Replaced {
					n.Mark = Changed
				}
			}
		}
		if n.Mark == Unmarked && !slices.Equal(was.Lines, n.Lines) {
			n.Mark = Changed
		}
	}
	for _, n := range before.Nodes {
		if node(after, n.ID) == nil {
			n.Mark = Removed
			if n.Read {
				n.Mark = Unread
			}
			out.Nodes = append(out.Nodes, n)
		}
	}
	same := func(a Edge) func(Edge) bool {
		return func(b Edge) bool {
			return a.From == b.From && a.To == b.To && a.Reference == b.Reference && slices.Equal(a.Labels, b.Labels)
		}
	}
	for i, e := range out.Edges {
		if !slices.ContainsFunc(before.Edges, same(e)) {
			out.Edges[i].Mark = Added
		}
	}
	for _, e := range before.Edges {
		if !slices.ContainsFunc(after.Edges, same(e)) {
			e.Mark = Removed
			out.Edges = append(out.Edges, e)
		}
	}
	slices.SortStableFunc(out.Nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(slices.Index(areas, a.Area), slices.Index(areas, b.Area)), cmp.Compare(a.ID, b.ID))
	})
	slices.SortStableFunc(out.Edges, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out
}

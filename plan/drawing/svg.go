package drawing

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf8"
)

// Measures of the picture, in pixels. Text is set in a system font, whose width is not known here: letter is more than
// it takes.
const (
	margin  = 24
	letter  = 7.2
	line    = 17
	padding = 12
	gapX    = 110 // between nodes of a row
	gapY    = 96  // between rows
	gapNode = 30  // between services, one above the other
	head    = 30  // for the title of a frame
)

// box is a node with its place.
type box struct {
	Node
	lines      []string
	x, y, w, h float64
}

func (b *box) centre() (x, y float64) { return b.x + b.w/2, b.y + b.h/2 }

// SVG is the drawing as a picture of its own: the network in rows from outside inwards, the services beside it, and
// what a mark means where there is one.
func (d Drawing) SVG() string {
	l := d.layout()
	var body strings.Builder
	titles, labels := &strings.Builder{}, &strings.Builder{}
	for _, f := range l.frames {
		fmt.Fprintf(&body,
			`<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="8" fill="%s" stroke="#d1d9e0"/>`+"\n", f.x, f.y,
			f.w, f.h, f.fill)
		fmt.Fprintf(titles, `<text x="%.0f" y="%.0f" class="title">%s</text>`+"\n", f.x+padding, f.y+20,
			html.EscapeString(f.title))
	}
	for _, e := range d.Edges {
		l.edge(&body, labels, e)
	}
	for _, b := range l.order {
		c := b.Mark.colours()
		dash := ""
		if b.Mark == Removed {
			dash = ` stroke-dasharray="5 3"`
		}
		fmt.Fprintf(&body,
			`<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="6" fill="%s" stroke="%s" stroke-width="%g"%s/>`+"\n",
			b.x, b.y, b.w, b.h, c.fill, c.line, map[bool]float64{true: 1, false: 2.5}[b.Mark == Unmarked], dash)
		x, _ := b.centre()
		for i, text := range b.lines {
			class := "line"
			if i == 0 {
				class = "name"
			}
			fmt.Fprintf(&body, `<text x="%.0f" y="%.0f" class="%s">%s</text>`+"\n", x, b.y+padding+line*float64(i)+12,
				class, html.EscapeString(text))
		}
	}
	body.WriteString(labels.String() + titles.String())
	height := d.legend(&body, l.height)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="%s">
<style>text{font:12px -apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}.name{font-weight:600;text-anchor:middle}.line{text-anchor:middle;fill:#59636e}.title{fill:#59636e;font-weight:600;paint-order:stroke;stroke:#fff;stroke-width:4px}.label{font-size:11px;text-anchor:middle}</style>
<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="context-stroke"/></marker></defs>
<rect width="100%%" height="100%%" fill="#ffffff"/>
%s</svg>
`, l.width, height, l.width, height,
		html.EscapeString("The parts of the stack and their connections: "+d.Ground), body.String())
}

// frame is a rectangle with a title.
type frame struct {
	title, fill string
	x, y, w, h  float64
}

type layout struct {
	boxes         map[string]*box
	order         []*box
	frames        []frame
	width, height float64
	// taken are the places of labels.
	taken []frame
}

var areas = []Area{Outside, Public, Private, Services}

// layout gives every node its place. Nodes of a row stand near those of the next one that they are connected to.
func (d Drawing) layout() *layout {
	l := &layout{boxes: map[string]*box{}}
	rows := map[Area][]*box{}
	for _, n := range d.Nodes {
		b := &box{Node: n, lines: n.shown()}
		longest := 0
		for _, text := range b.lines {
			longest = max(longest, utf8.RuneCountInString(text))
		}
		b.w, b.h = max(110, float64(longest)*letter+2*padding), float64(len(b.lines))*line+2*padding-4
		l.boxes[n.ID] = b
		l.order = append(l.order, b)
		rows[n.Area] = append(rows[n.Area], b)
	}
	place := map[string]float64{}
	number := func(row []*box) {
		for i, b := range row {
			place[b.ID] = float64(i) - float64(len(row)-1)/2
		}
	}
	near := func(row, other []*box) {
		mean := map[string]float64{}
		for _, b := range row {
			sum, n := 0.0, 0.0
			for _, e := range d.Edges {
				for _, ends := range [][2]string{{e.From, e.To}, {e.To, e.From}} {
					if ends[0] == b.ID && !e.Reference && slices.ContainsFunc(other, func(o *box) bool {
						return o.ID == ends[1]
					}) {
						sum, n = sum+place[ends[1]], n+1
					}
				}
			}
			if n > 0 {
				mean[b.ID] = sum / n
			}
		}
		slices.SortStableFunc(row, func(a, b *box) int { return cmp.Compare(mean[a.ID], mean[b.ID]) })
		number(row)
	}
	number(rows[Private])
	near(rows[Public], rows[Private])
	near(rows[Outside], rows[Public])

	widest := 0.0
	width := func(row []*box) (w float64) {
		for i, b := range row {
			if i > 0 {
				w += gapX
			}
			w += b.w
		}
		return w
	}
	for _, area := range areas[:3] {
		widest = max(widest, width(rows[area]))
	}
	left := margin + 2*padding + 6.0
	y := float64(margin)
	var inner []frame
	top := 0.0
	for _, area := range areas[:3] {
		row := rows[area]
		if len(row) == 0 {
			continue
		}
		tallest := 0.0
		for _, b := range row {
			tallest = max(tallest, b.h)
		}
		from := y
		if area != Outside {
			if top == 0 {
				top = y
				y += head
				from = y
			}
			y += head
		}
		x := left + (widest-width(row))/2
		for _, b := range row {
			b.x, b.y = x, y+(tallest-b.h)/2
			x += b.w + gapX
		}
		y += tallest
		if area != Outside {
			y += padding
			inner = append(inner, frame{d.Titles[area], "#ffffff", left - padding - 2, from, widest + 2*padding + 4,
				y - from})
		}
		y += gapY
	}
	y -= gapY
	right := left + widest + 2*padding
	if top > 0 {
		y += padding
		l.frames = append(l.frames, frame{d.Ground, "#f6f8fa", margin, top, right - margin, y - top})
		l.frames = append(l.frames, inner...)
	}
	if services := rows[Services]; len(services) > 0 {
		mean := map[string]float64{}
		for _, s := range services {
			sum, n := 0.0, 0.0
			for _, e := range d.Edges {
				for _, ends := range [][2]string{{e.From, e.To}, {e.To, e.From}} {
					if other := l.boxes[ends[1]]; ends[0] == s.ID && other != nil && other.Area != Services {
						_, cy := other.centre()
						sum, n = sum+cy, n+1
					}
				}
			}
			mean[s.ID] = y
			if n > 0 {
				mean[s.ID] = sum / n
			}
		}
		slices.SortStableFunc(services, func(a, b *box) int { return cmp.Compare(mean[a.ID], mean[b.ID]) })
		broad, tall := 0.0, 0.0
		for _, s := range services {
			broad, tall = max(broad, s.w), tall+s.h+gapNode
		}
		x, from := right+190, float64(margin)
		spare := max(0, (y-margin-head-tall)/float64(len(services)))
		at := from + head
		for _, s := range services {
			s.x, s.y, s.w = x+padding, at+spare/2, broad
			at += s.h + gapNode + spare
		}
		bottom := max(at-gapNode+padding, y)
		l.frames = append(l.frames, frame{"AWS services", "#f6f8fa", x, from, broad + 2*padding, bottom - from})
		right, y = x+broad+2*padding, max(y, bottom)
	}
	l.width, l.height = right+margin, y+margin
	return l
}

// edge draws a line from the border of one node to that of another, and its label where there is room.
func (l *layout) edge(lines, labels *strings.Builder, e Edge) {
	a, b := l.boxes[e.From], l.boxes[e.To]
	if a == nil || b == nil || a == b {
		return
	}
	colour, stroke, dash := e.Mark.colours().line, 1.4, ""
	if e.Reference {
		colour, stroke, dash = "#afb8c1", 1, ` stroke-dasharray="2 4"`
	}
	if e.Mark != Unmarked {
		colour, stroke = e.Mark.colours().line, 2.5
		if e.Mark == Removed {
			dash = ` stroke-dasharray="6 4"`
		}
	}
	x1, y1, x2, y2 := ends(a, b)
	// A bend that leaves both ends straight keeps lines of one node apart.
	dx, dy := (x2-x1)*0.4, 0.0
	if a.Area != b.Area && a.Area != Services && b.Area != Services || a.Area == Services && b.Area == Services {
		dx, dy = 0, (y2-y1)*0.4
	}
	fmt.Fprintf(lines,
		`<path d="M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f" fill="none" stroke="%s" `+
			`stroke-width="%g"%s marker-end="url(#end)"/>`+"\n",
		x1, y1, x1+dx, y1+dy, x2-dx, y2-dy, x2, y2, colour, stroke, dash)
	text := e.label()
	if e.Reference && e.Mark == Unmarked {
		return // the line says that there is one; what it is stands in the text of the plan
	}
	w := float64(utf8.RuneCountInString(text))*6.2 + 8
	for _, t := range []float64{0.5, 0.35, 0.65, 0.25, 0.75, 0.15, 0.85} {
		x := bezier(t, x1, x1+dx, x2-dx, x2)
		y := bezier(t, y1, y1+dy, y2-dy, y2)
		f := frame{x: x - w/2, y: y - 9, w: w, h: 18}
		if t != 0.85 && l.crowded(f) {
			continue
		}
		l.taken = append(l.taken, f)
		fmt.Fprintf(labels,
			`<rect x="%.0f" y="%.0f" width="%.0f" height="16" rx="3" fill="#ffffff" fill-opacity="0.92"/>`+
				`<text x="%.0f" y="%.0f" class="label">%s</text>`+"\n",
			f.x, f.y+1, w, x, y+4, html.EscapeString(text))
		return
	}
}

// crowded reports whether a label would lie on another one or on a node.
func (l *layout) crowded(f frame) bool {
	hits := func(x, y, w, h float64) bool { return f.x < x+w && x < f.x+f.w && f.y < y+h && y < f.y+f.h }
	return slices.ContainsFunc(l.taken, func(t frame) bool { return hits(t.x, t.y, t.w, t.h) }) ||
		slices.ContainsFunc(l.order, func(b *box) bool { return hits(b.x, b.y, b.w, b.h) })
}

func bezier(t, p0, p1, p2, p3 float64) float64 {
	u := 1 - t
	return u*u*u*p0 + 3*u*u*t*p1 + 3*u*t*t*p2 + t*t*t*p3
}

// ends are the points on the borders of two nodes that a line leads between.
func ends(a, b *box) (x1, y1, x2, y2 float64) {
	ax, ay := a.centre()
	bx, by := b.centre()
	switch {
	case a.Area == Services && b.Area == Services:
		if ay < by {
			return ax, a.y + a.h, bx, b.y
		}
		return ax, a.y, bx, b.y + b.h
	case a.Area == b.Area || a.Area == Services || b.Area == Services:
		if ax < bx {
			return a.x + a.w, ay, b.x, by
		}
		return a.x, ay, b.x + b.w, by
	case ay < by:
		return ax + shift(ax, bx, a.w), a.y + a.h, bx + shift(bx, ax, b.w), b.y
	default:
		return ax + shift(ax, bx, a.w), a.y, bx + shift(bx, ax, b.w), b.y + b.h
	}
}

// shift moves the end of a line from the middle of a border towards the other end, within the border.
func shift(from, to, width float64) float64 { return max(-width/3, min(width/3, (to-from)/8)) }

// legend says what the marks mean, and returns the height with it.
func (d Drawing) legend(body *strings.Builder, y float64) float64 {
	x, some := float64(margin), false
	for _, mark := range marks {
		if !slices.ContainsFunc(d.Nodes, func(n Node) bool { return n.Mark == mark }) &&
			!slices.ContainsFunc(d.Edges, func(e Edge) bool { return e.Mark == mark }) {
			continue
		}
		some = true
		c := mark.colours()
		fmt.Fprintf(body,
			`<rect x="%.0f" y="%.0f" width="16" height="12" rx="2" fill="%s" stroke="%s" stroke-width="2"/>`+
				`<text x="%.0f" y="%.0f">%s</text>`+"\n",
			x, y, c.fill, c.line, x+24, y+11, mark)
		x += 110
	}
	if !some {
		return y
	}
	return y + 12 + margin
}

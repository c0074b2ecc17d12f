package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The picture: panels side by side, each with axes of its own, both logarithmic.
const (
	panelsAcross           = 3
	panelWide, panelHigh   = 330, 240
	plotLeft, plotTop      = 58, 40 // of a panel: where its axes are
	plotWide, plotHigh     = 190, 158
	legendHigh, labelApart = 92, 13
	pictureWide            = panelsAcross*panelWide + 10
	engineColours          = 2
	leastDecades           = 1
)

// panel is a cost to be drawn.
type panel struct {
	title string
	unit  string
	of    func(s *Size, cold bool) (v [3]float64, ok bool) // the least, the median and the 99th percentile, in the unit
}

// costPanel draws a cost; per is how many microseconds the unit has.
func costPanel(title, name, unit string, per float64) panel {
	return panel{title, unit, func(s *Size, cold bool) (v [3]float64, ok bool) {
		c := s.cost(name, cold)
		if c == nil {
			return v, false
		}
		return [3]float64{c.Best / per, c.P50 / per, c.P99 / per}, true
	}}
}

var panels = []panel{
	costPanel("look up one fragment", "lookup", "ms", 1000),
	costPanel("page of 1,000, from the middle", "page", "ms", 1000),
	costPanel("head of a stream", "head", "ms", 1000),
	costPanel("newest 5 live rows", "live5", "ms", 1000),
	costPanel("newest 1,000 live rows", "live1000", "ms", 1000),
	costPanel("open the index", "open", "ms", 1000),
	costPanel("append 1 row, durable", "append1", "ms", 1000),
	costPanel("append 64 rows, durable", "append64", "ms", 1000),
	{"size of the index", "bytes a row", func(s *Size, cold bool) ([3]float64, bool) {
		v := float64(s.Bytes) / float64(s.Rows)
		return [3]float64{v, v, v}, !cold && s.Rows > 0
	}},
	costPanel("drop the bytes of a row", "drop", "µs a row", 1),
	costPanel("remove a row", "remove", "µs a row", 1),
}

// style has the colours, which are legible on a light and on a dark page.
const style = `  <style>
    :root { color-scheme: light dark; --page: #ffffff; --ink: #1f2933; --soft: #5b6770; --line: #d5dbe1; --e0: #1d6fb8; --e1: #b45309 }
    @media (prefers-color-scheme: dark) { :root { --page: #151b21; --ink: #e4e9ee; --soft: #a3b0bc; --line: #333f4a; --e0: #6db3f2; --e1: #f0a95b } }
    .page { fill: var(--page) }
    text { fill: var(--ink) } .tick { fill: var(--soft); font-size: 11px } .title { font-weight: 600 } .e0 text, text.e0 { fill: var(--e0) } .e1 text, text.e1 { fill: var(--e1) }
    .right { text-anchor: end } .middle { text-anchor: middle }
    path { fill: none } .grid { stroke: var(--line) } .e0 path { stroke: var(--e0) } .e1 path { stroke: var(--e1) }
    .p50 { stroke-width: 2.5 } .least { stroke-width: 1 } .p99 { stroke-width: 1.2; stroke-dasharray: 2 3 } .cold { stroke-width: 1.5; stroke-dasharray: 7 4 }
    .e0 rect, .e0 circle { stroke: var(--e0); fill: var(--e0) } .e1 rect, .e1 circle { stroke: var(--e1); fill: var(--e1) } .many { stroke-width: 2 }
    .e0 .many, .e1 .many { fill: var(--page) }
  </style>
`

// axis places numbers from low to high, both powers of ten, on a length.
type axis struct{ low, high, length float64 }

// axisOf covers numbers, and at least one decade.
func axisOf(all []float64, length float64) axis {
	a := axis{math.Floor(math.Log10(slices.Min(all)) + 1e-9), math.Ceil(math.Log10(slices.Max(all)) - 1e-9), length}
	a.high = max(a.high, a.low+leastDecades)
	return a
}

func (a axis) at(v float64) float64 {
	return (math.Log10(v) - a.low) / (a.high - a.low) * a.length
}

// number writes a power of ten as people do.
func number(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', -1, 64) + " M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'f', -1, 64) + " k"
	default:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
}

// picture draws a report.
func picture(r *Report) []byte {
	var b bytes.Buffer
	high := legendHigh + (len(panels)+panelsAcross-1)/panelsAcross*panelHigh
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13" role="img"`+"\n"+
		`  aria-label="What an archive's index costs, by its rows, in SQLite and PostgreSQL">`+"\n", pictureWide, high)
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect class="page" width="%d" height="%d"/>`+"\n", pictureWide, high)
	legend(&b, r)
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%panelsAcross*panelWide+10, legendHigh+i/panelsAcross*panelHigh)
		p.draw(&b, r)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func legend(b *bytes.Buffer, r *Report) {
	fmt.Fprintf(b, `<text class="title" x="20" y="26">What the index of an archive costs, by how many rows it has; both axes are logarithmic</text>`+"\n")
	for i, e := range r.Engines {
		fmt.Fprintf(b, `<g class="e%d"><path class="p50" d="M%d 46h28"/><text x="%d" y="50">%s</text></g>`+"\n", i%engineColours, 20+i*130, 54+i*130, escape(e.Name))
	}
	x := 20
	for _, m := range []struct{ mark, text string }{
		{`<path class="p50" d="M%d 70h28"/>`, "median"}, {`<path class="least" d="M%d 70h28"/>`, "least"}, {`<path class="p99" d="M%d 70h28"/>`, "99 of 100 times"},
		{`<path class="cold" d="M%d 70h28"/>`, "median with cold caches"}, {`<rect class="many" x="%d" y="66" width="8" height="8"/>`, "median, over many streams"},
	} {
		fmt.Fprintf(b, `<g class="e0">`+m.mark+`</g><text x="%d" y="74">%s</text>`+"\n", x, x+34, m.text)
		x += 34 + 7*len(m.text) + 24
	}
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// line is what is drawn of an engine in a panel: of one stream, by rows, and a point of many.
type line struct {
	x           []float64
	y           [3][]float64 // as a panel gives them
	coldX, cold []float64
	manyX, many []float64
}

func (p *panel) lineOf(r *Report, engine string) (l line) {
	for i := range r.Sizes {
		s := &r.Sizes[i]
		if s.Engine != engine {
			continue
		}
		v, ok := p.of(s, false)
		ok = ok && v[0] > 0
		switch {
		case ok && s.Streams > 1:
			l.manyX, l.many = append(l.manyX, float64(s.Rows)), append(l.many, v[1])
		case ok:
			l.x = append(l.x, float64(s.Rows))
			for i := range v {
				l.y[i] = append(l.y[i], v[i])
			}
		}
		if v, ok := p.of(s, true); ok && v[0] > 0 && s.Streams == 1 {
			l.coldX, l.cold = append(l.coldX, float64(s.Rows)), append(l.cold, v[1])
		}
	}
	return l
}

func (p *panel) draw(b *bytes.Buffer, r *Report) {
	fmt.Fprintf(b, `<text class="title" x="%d" y="22">%s</text><text class="tick" x="%d" y="%d">%s</text>`+"\n", plotLeft, escape(p.title), plotLeft+3, plotTop-6, escape(p.unit))
	lines := make([]line, len(r.Engines))
	var xs, ys []float64
	for i, e := range r.Engines {
		l := p.lineOf(r, e.Name)
		lines[i] = l
		xs = slices.Concat(xs, l.x, l.coldX, l.manyX)
		ys = slices.Concat(ys, l.y[0], l.y[1], l.y[2], l.cold, l.many)
	}
	if len(xs) == 0 {
		return
	}
	ax, ay := axisOf(xs, plotWide), axisOf(ys, plotHigh)
	x := func(v float64) float64 { return plotLeft + ax.at(v) }
	y := func(v float64) float64 { return plotTop + plotHigh - ay.at(v) }
	for e := ax.low; e <= ax.high; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(b, `<path class="grid" d="M%.1f %dv%d"/><text class="tick middle" x="%.1f" y="%d">%s</text>`+"\n",
			x(v), plotTop, plotHigh, x(v), plotTop+plotHigh+16, number(v))
	}
	for e := ay.low; e <= ay.high; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fh%d"/><text class="tick right" x="%d" y="%.1f">%s</text>`+"\n",
			plotLeft, y(v), plotWide, plotLeft-6, y(v)+4, number(v))
	}
	ends := make([]float64, len(lines)) // where the names of the engines stand
	for i, l := range lines {
		fmt.Fprintf(b, `<g class="e%d">`, i%engineColours)
		path := func(class string, xs, ys []float64) {
			var d strings.Builder
			op := "M"
			for i := range xs {
				fmt.Fprintf(&d, "%s%.1f %.1f", op, x(xs[i]), y(ys[i]))
				op = "L"
			}
			if d.Len() > 0 {
				fmt.Fprintf(b, `<path class="%s" d="%s"/>`, class, d.String())
			}
		}
		path("cold", l.coldX, l.cold)
		if !slices.Equal(l.y[0], l.y[2]) {
			path("least", l.x, l.y[0])
			path("p99", l.x, l.y[2])
		}
		path("p50", l.x, l.y[1])
		for i := range l.x {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3"/>`, x(l.x[i]), y(l.y[1][i]))
		}
		for i := range l.manyX {
			fmt.Fprintf(b, `<rect class="many" x="%.1f" y="%.1f" width="8" height="8"/>`, x(l.manyX[i])-4, y(l.many[i])-4)
		}
		b.WriteString("</g>\n")
		if n := len(l.x); n > 0 {
			ends[i] = y(l.y[1][n-1])
		}
	}
	apart(ends)
	for i, at := range ends {
		fmt.Fprintf(b, `<text class="tick e%d" x="%d" y="%.1f">%s</text>`+"\n", i%engineColours, plotLeft+plotWide+8, at+4, escape(r.Engines[i].Name))
	}
}

// apart moves two labels from each other.
func apart(at []float64) {
	if len(at) != 2 {
		return
	}
	if d := at[1] - at[0]; math.Abs(d) < labelApart {
		by := (labelApart - math.Abs(d)) / 2
		if d < 0 {
			by = -by
		}
		at[0] -= by
		at[1] += by
	}
}

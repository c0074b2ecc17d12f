package check

import (
	"fmt"
	"math"
)

// media reads the segments of a Representation. Those of a dynamic MPD may go on: their reader stays open.
func (x *representationWalk) media(m *movie) (played, bool) {
	x.reader = newMediaReader(x, m)
	for i, s := range x.segments {
		if !x.reader.take(s, i == len(x.segments)-1) {
			break
		}
	}
	if x.dynamic {
		x.open = append(x.open, x)
		return x.reader.span, false
	}
	return x.reader.end()
}

// mediaReader goes over the segments of a Representation in order.
type mediaReader struct {
	x     *representationWalk
	m     *movie
	main  *track // of pictures, else the first
	run   []*fragment
	span  played
	peak  float64 // bits a second
	sap   bool    // @startWithSAP promises a stream access point
	begun bool
	ended bool
	live  bool // it began with a dynamic MPD, maybe in the middle of the Period
}

func newMediaReader(x *representationWalk, m *movie) *mediaReader {
	r := &mediaReader{x: x, m: m, live: x.dynamic, main: m.tracks[0], span: played{place: x.place, start: math.Inf(1), end: math.Inf(-1)}}
	for _, t := range m.tracks {
		if t.video() {
			r.main = t
			break
		}
	}
	r.sap = x.StartWithSAP == "1" || x.StartWithSAP == "2" || x.StartWithSAP == "3"
	return r
}

// take judges the next segment, unless there were too many. last is for that of a Period that ends with it.
func (r *mediaReader) take(s mediaSegment, last bool) bool {
	x, c, main := r.x, r.x.c, r.main
	at := whole(x.name, "%s, %s", x.place.Detail, s.name)
	if !c.takeSegment(at) {
		return false
	}
	first := !r.begun
	r.begun = true
	b := c.fetch(dashHTTP, x.base, s.ref, s.part, at, segmentTypes)
	if x.arriving && c.ctx.Err() == nil {
		c.ok(ruleD45, b != nil, at, "nothing", "the segment")
	}
	if b == nil {
		c.joints(r.run, false)
		r.run = nil
		return true
	}
	list, size := x.read(b, r.m), b.size
	b.close()
	r.run = append(r.run, list...)
	var own []*fragment
	for _, f := range list {
		if f.track == main {
			own = append(own, f)
		}
	}
	if len(own) == 0 {
		return true
	}
	c.startsWithSync(own[0], r.sap || first)
	if first := own[0]; main.video() && first.samples > 0 && main.nal > 0 {
		holds := first.idr || first.opened
		if r.sap {
			c.ok(ruleD28, holds, at, "another picture", "IDR or IRAP")
		} else {
			c.milder(ruleD28, holds, at, "another picture", "IDR or IRAP")
		}
	}
	real := x.segment(s, own, at, last)
	if real > 0.3 {
		r.peak = max(r.peak, float64(size)*8/real)
	}
	offset := float64(x.info.offset()) / x.scale
	for _, f := range own {
		r.span.start = min(r.span.start, main.seconds(f.first-main.mediaTime)-offset)
		r.span.end = max(r.span.end, main.seconds(f.last-main.mediaTime)-offset)
	}
	return true
}

// end judges what all segments have shown.
func (r *mediaReader) end() (played, bool) {
	x, c := r.x, r.x.c
	if r.ended {
		return r.span, false
	}
	r.ended = true
	c.joints(r.run, false)
	buffer, _ := xsDuration(x.m.MinBufferTime)
	c.ok(ruleD34, r.peak <= x.bandwidth*1.5 || buffer >= 2, x.place, fmt.Sprintf("@bandwidth %.0f", x.bandwidth), fmt.Sprintf("a peak of %.0f", r.peak))
	if math.IsInf(r.span.start, 1) {
		return r.span, false
	}
	if !r.live {
		c.ok(ruleD32, math.Abs(r.span.start) < 0.5, x.place, seconds(r.span.start), seconds(0))
	}
	return r.span, true
}

func (x *representationWalk) read(b *blob, m *movie) []*fragment {
	boxes, ok := x.c.topBoxes(b)
	if !ok {
		return nil
	}
	return x.c.segment(b, boxes, m)
}

// segment judges D26 and D27, and returns how long the media of a segment lasts, in seconds.
func (x *representationWalk) segment(s mediaSegment, own []*fragment, at Place, last bool) float64 {
	c, tr := x.c, own[0].track
	f, l := own[0], own[len(own)-1]
	start, real := tr.seconds(f.start), tr.seconds(l.end()-f.start)
	shown, over := math.Inf(1), math.Inf(-1)
	for _, f := range own {
		shown, over = min(shown, tr.seconds(f.first-tr.mediaTime)), max(over, tr.seconds(f.last-tr.mediaTime))
	}
	t, d := float64(s.t)/x.scale, float64(s.d)/x.scale
	tolerance := jointTolerance
	if s.nominal {
		tolerance = d / 2
	}
	near := math.Abs(shown-t) <= tolerance || math.Abs(start-t) <= tolerance
	c.ok(ruleD26, near, at, "S@t "+seconds(t).String(), fmt.Sprintf("%v, decoded at %v", seconds(shown), seconds(start)))
	if !last || !s.nominal {
		// The time that is seen, or the time that is decoded: pictures that are reordered over the end make them differ.
		near := math.Abs(real-d) <= tolerance || math.Abs(over-shown-d) <= tolerance
		c.ok(ruleD27, near, at, "S@d "+seconds(d).String(), seconds(real))
	}
	return real
}

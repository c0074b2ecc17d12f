package check

import (
	"fmt"
	"math"
)

// media reads the segments of a Representation.
func (x *representationWalk) media(m *movie) (played, bool) {
	c := x.c
	main := m.tracks[0]
	for _, t := range m.tracks {
		if t.video() {
			main = t
			break
		}
	}
	offset := float64(x.info.offset()) / x.scale
	var run []*fragment
	span := played{place: x.place, start: math.Inf(1), end: math.Inf(-1)}
	peak := 0.0
	sap := x.StartWithSAP == "1" || x.StartWithSAP == "2" || x.StartWithSAP == "3"
	for i, s := range x.segments {
		at := whole(x.name, "%s, %s", x.place.Detail, s.name)
		if !c.takeSegment(at) {
			break
		}
		b := c.fetch(dashHTTP, x.base, s.ref, s.part, at, segmentTypes)
		if b == nil {
			c.joints(run, false)
			run = nil
			continue
		}
		list, size := x.read(b, m), b.size
		b.close()
		run = append(run, list...)
		var own []*fragment
		for _, f := range list {
			if f.track == main {
				own = append(own, f)
			}
		}
		if len(own) == 0 {
			continue
		}
		c.startsWithSync(own[0], sap || i == 0)
		if first := own[0]; main.video() && first.samples > 0 && main.nal > 0 {
			holds := first.idr || first.opened
			if sap {
				c.ok(ruleD28, holds, at, "another picture", "IDR or IRAP")
			} else {
				c.milder(ruleD28, holds, at, "another picture", "IDR or IRAP")
			}
		}
		real := x.segment(s, own, at, i == len(x.segments)-1)
		if real > 0.3 {
			peak = max(peak, float64(size)*8/real)
		}
		for _, f := range own {
			span.start = min(span.start, main.seconds(f.first-main.mediaTime)-offset)
			span.end = max(span.end, main.seconds(f.last-main.mediaTime)-offset)
		}
	}
	c.joints(run, false)
	buffer, _ := xsDuration(x.m.MinBufferTime)
	c.ok(ruleD34, peak <= x.bandwidth*1.5 || buffer >= 2, x.place, fmt.Sprintf("@bandwidth %.0f", x.bandwidth), fmt.Sprintf("a peak of %.0f", peak))
	if math.IsInf(span.start, 1) {
		return span, false
	}
	if !x.dynamic {
		c.ok(ruleD32, math.Abs(span.start) < 0.5, x.place, seconds(span.start), seconds(0))
	}
	return span, true
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

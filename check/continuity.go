package check

import (
	"fmt"
	"math"
)

var (
	ruleM12 = must("M12", "tfdt increases", "ISO/IEC 23000-19, 7.3.2.2")
	ruleM13 = must("M13", "tfdt continues where the fragment before ended (50 ms)", "ISO/IEC 23000-19, 7.3.2.2")
	ruleM14 = should("M14", "mfhd sequence numbers increase", "ISO/IEC 14496-12, 8.8.5")
)

// jointTolerance is the gap or overlap, in seconds, up to which media goes on without a mark.
const jointTolerance = 0.05

// joints judges M12 to M14 over fragments of one timeline: nothing between them marks a discontinuity. In a lone file a gap is only
// warned about, since the last sample before it lasts until the next (14496-12, 8.8.12).
func (c *checker) joints(list []*fragment, file bool) {
	before := map[*track]*fragment{}
	byID := map[uint32]*fragment{}
	for _, f := range list {
		p := before[f.track]
		if p == nil {
			p = byID[f.track.id] // the same track behind another init segment
		}
		if p != nil && p.track.timescale == f.track.timescale {
			c.joint(p, f, file)
		}
		before[f.track], byID[f.track.id] = f, f
	}
}

func (c *checker) joint(p, f *fragment, file bool) {
	if p.samples > 0 { // an empty fragment may stand at the time of the next
		c.ok(ruleM12, f.start > p.start, f.place(), fmt.Sprintf("%d after %d", f.start, p.start), "more")
	}
	gap := f.track.seconds(f.start - p.end())
	got := fmt.Sprintf("%d: a gap of %v", f.start, seconds(gap))
	if gap < 0 {
		got = fmt.Sprintf("%d: an overlap of %v", f.start, seconds(-gap))
	}
	if holds := math.Abs(gap) <= jointTolerance; file && gap > 0 {
		c.milder(ruleM13, holds, f.place(), got, p.end())
	} else {
		c.ok(ruleM13, holds, f.place(), got, p.end())
	}
	if p.at != f.at || p.name != f.name {
		c.ok(ruleM14, f.sequence > p.sequence, f.place(), fmt.Sprintf("%d after %d", f.sequence, p.sequence), "more")
	}
}

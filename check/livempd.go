package check

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

var (
	ruleD12 = must("D12", "a live MPD is dynamic", "ISO/IEC 23009-1, 5.3.1.2")
	ruleD40 = must("D40", "a dynamic MPD gets new segments", "ISO/IEC 23009-1, 5.4.1")
	ruleD41 = must("D41", "dynamic: @availabilityStartTime does not change", "ISO/IEC 23009-1, 5.4.1")
	ruleD42 = must("D42", "dynamic: @publishTime never goes back", "ISO/IEC 23009-1, 5.3.1.2")
	ruleD43 = must("D43", "dynamic: Periods keep @id and start, leave at the head and come at the end", "ISO/IEC 23009-1, 5.4.1")
	ruleD44 = must("D44", "dynamic: a segment keeps its number, time, duration and URL", "ISO/IEC 23009-1, 5.4.1")
	ruleD45 = must("D45", "dynamic: a segment that is named can be had at once", "ISO/IEC 23009-1, 5.3.9.5.3")
)

// liveMPD is a dynamic MPD that is polled.
type liveMPD struct {
	c    *checker
	walk *mpdWalk // of the newest version
	raw  []byte
	// known are the Representations by their keys, as their newest version has them. Their readers go on.
	known   map[string]*representationWalk
	open    *[]*representationWalk // of the first version, where readers are ended
	longest float64                // the longest segment, in seconds
	arrived int
	ended   bool
}

// watchMPD watches an MPD that is dynamic. What it begins with has been judged.
func (c *checker) watchMPD(w *mpdWalk) {
	if c.opts.Live < 0 || !isURL(w.name) {
		return
	}
	if c.opts.Live > 0 {
		c.ok(ruleD12, w.dynamic, whole(w.name, "MPD"), text(&w.m.Type), "dynamic")
	}
	if !w.dynamic || len(w.open) == 0 || w.m.ended() {
		return
	}
	l := &liveMPD{c: c, walk: w, known: map[string]*representationWalk{}, open: &w.open}
	for _, x := range w.open {
		l.keep(x.key, x)
	}
	c.watch([]feed{l})
}

// ended tells whether no update is to come.
func (m *mpd) ended() bool {
	return m.Type != "dynamic" || m.MinimumUpdatePeriod == nil && m.Duration != nil
}

// keep remembers a Representation.
func (l *liveMPD) keep(key string, x *representationWalk) {
	l.known[key] = x
	for _, s := range x.segments {
		x.last = max(x.last, s.key)
		l.longest = max(l.longest, float64(s.d)/x.scale)
	}
}

func (l *liveMPD) pace() float64 { return max(l.longest, 1) }

func (l *liveMPD) over() bool { return l.ended }

func (l *liveMPD) poll() {
	c, old := l.c, l.walk
	b, err := c.open(old.name, nil)
	var data []byte
	if err == nil {
		c.httpRules(dashHTTP, b, mpdTypes)
		data, err = b.bytes(c.opts.MaxText)
	}
	if c.ctx.Err() != nil || !c.ok(ruleDHTTP, err == nil, whole(old.name, "MPD"), err, "the MPD") || bytes.Equal(data, l.raw) {
		return
	}
	l.raw = data
	m := c.parseMPD(old.name, data)
	if m == nil {
		return
	}
	w := newMPDWalk(c, old.name, m)
	w.arriving, w.visit = true, l.representation
	w.attributes()
	l.attributes(m)
	w.periods()
	l.periods(w)
	l.walk, l.ended = w, m.ended()
}

// attributes judges D41 and D42.
func (l *liveMPD) attributes(m *mpd) {
	c, old, at := l.c, l.walk.m, whole(l.walk.name, "MPD")
	if m.Type == "dynamic" { // a static one has ended, and has neither
		a, b := dateTime(old.AvailabilityStartTime), dateTime(m.AvailabilityStartTime)
		c.ok(ruleD41, a.Equal(b), at, text(m.AvailabilityStartTime), text(old.AvailabilityStartTime))
	}
	if a, b := dateTime(old.PublishTime), dateTime(m.PublishTime); !a.IsZero() && !b.IsZero() {
		c.ok(ruleD42, !b.Before(a), at, text(m.PublishTime), text(old.PublishTime)+" or later")
	}
}

// periods judges D43.
func (l *liveMPD) periods(w *mpdWalk) {
	id := func(p *period) string {
		if p.ID == nil {
			return ""
		}
		return *p.ID
	}
	old := l.walk
	shift := 0 // how many have left at the head
	for shift < len(old.m.Periods) && len(w.m.Periods) > 0 && id(&old.m.Periods[shift]) != id(&w.m.Periods[0]) {
		shift++
	}
	at := whole(w.name, "MPD")
	if shift > 0 && shift == len(old.m.Periods) && len(w.starts) > 0 { // all are new, and so is their time
		a, b := old.starts[shift-1], w.starts[0]
		l.c.ok(ruleD43, b > a, at, fmt.Sprintf("Period %s at %v, and not those before", id(&w.m.Periods[0]), seconds(b)), "a later one")
	}
	for i := shift; i < len(old.m.Periods); i++ {
		name := id(&old.m.Periods[i])
		if !l.c.ok(ruleD43, i-shift < len(w.m.Periods) && id(&w.m.Periods[i-shift]) == name, at, "no Period "+name, "one in its place") {
			return
		}
		a, b := old.starts[i], w.starts[i-shift]
		l.c.ok(ruleD43, math.Abs(a-b) < 0.0005, at, fmt.Sprintf("Period %s at %v", name, seconds(b)), seconds(a))
	}
}

// representation compares a Representation of a new version, and judges the segments that are new.
func (l *liveMPD) representation(key string, x *representationWalk) {
	old := l.known[key]
	if old == nil {
		x.key = key
		x.judge()
		if x.reader != nil {
			l.count(len(x.segments))
			*l.open = append(*l.open, x)
			l.keep(key, x)
		}
		return
	}
	x.bandwidth = old.bandwidth
	if !x.locate() {
		return
	}
	c, at := l.c, x.place
	holds := x.init.ref == old.init.ref && x.scale == old.scale && x.info.offset() == old.info.offset()
	c.ok(ruleD44, holds, at, fmt.Sprintf("%s, timescale %.0f, offset %d", x.init.ref, x.scale, x.info.offset()),
		fmt.Sprintf("%s, timescale %.0f, offset %d", old.init.ref, old.scale, old.info.offset()))
	had := map[int64]mediaSegment{}
	for _, s := range old.segments {
		had[s.key] = s
	}
	first, fresh := int64(math.MaxInt64), 0
	for i, s := range x.segments {
		first = min(first, s.key)
		if a, known := had[s.key]; known {
			c.ok(ruleD44, a.t == s.t && a.d == s.d && a.ref == s.ref, at, s, a)
			delete(had, s.key)
			continue
		}
		if !c.ok(ruleD44, s.key > old.last, at, fmt.Sprintf("%v, which was not there", s), "segments at the end only") {
			continue
		}
		fresh++
		old.reader.x = x // which has the base URL of this version
		old.reader.take(s, i == len(x.segments)-1)
	}
	for _, s := range old.segments {
		_, left := had[s.key]
		c.ok(ruleD44, !left || s.key < first, at, fmt.Sprintf("%v is not there", s), "segments leave at the head only")
	}
	l.count(fresh)
	x.key, x.reader, x.last = key, old.reader, old.last
	l.keep(key, x)
}

func (l *liveMPD) count(segments int) {
	l.arrived += segments
	l.c.report.Arrived += segments
}

// String tells what identifies a segment.
func (s mediaSegment) String() string {
	return fmt.Sprintf("%s: t %d, d %d, %s", s.name, s.t, s.d, s.ref)
}

func (l *liveMPD) finish(watched time.Duration) {
	c, at := l.c, whole(l.walk.name, "MPD")
	switch {
	case l.arrived > 0 || l.ended:
		c.pass(ruleD40)
	case watched > toDuration(1.5*l.pace()):
		c.fail(ruleD40, at, fmt.Sprintf("none in %v", seconds(watched.Seconds())), "new segments")
	default:
		c.note("%s: %v is too short a time to see new segments come", l.walk.name, seconds(watched.Seconds()))
	}
}

package check

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var (
	ruleD04 = must("D04", "MPD@profiles", "ISO/IEC 23009-1, 5.3.1.2")
	ruleD05 = must("D05", "MPD@minBufferTime", "ISO/IEC 23009-1, 5.3.1.2")
	ruleD06 = must("D06", "dynamic: @availabilityStartTime", "ISO/IEC 23009-1, 5.3.1.2")
	ruleD07 = must("D07", "dynamic: @publishTime", "ISO/IEC 23009-1, 5.3.1.2")
	ruleD08 = should("D08", "dynamic: @minimumUpdatePeriod or an end", "ISO/IEC 23009-1, 5.3.1.2")
	ruleD09 = should("D09", "dynamic: UTCTiming", "DASH-IF IOP, 4.7")
	ruleD10 = must("D10", "static: @mediaPresentationDuration or a duration of the last Period", "ISO/IEC 23009-1, 5.3.1.2")
	ruleD11 = should("D11", "static: no attribute of a dynamic MPD", "ISO/IEC 23009-1, 5.3.1.2")
	ruleD13 = must("D13", "there is a Period", "ISO/IEC 23009-1, 5.3.2")
	ruleD14 = must("D14", "Period@id is unique, and there when dynamic", "ISO/IEC 23009-1, 5.3.2.2")
	ruleD15 = must("D15", "Representation@id is there, without white space, unique in its Period", "ISO/IEC 23009-1, 5.3.5.2")
	ruleD16 = must("D16", "Representation@bandwidth", "ISO/IEC 23009-1, 5.3.5.2")
	ruleD17 = must("D17", "@mimeType", "ISO/IEC 23009-1, 5.3.7.2")
	ruleD18 = must("D18", "@codecs", "ISO/IEC 23009-1, 5.3.7.2; RFC 6381")
	ruleD24 = must("D24", "@codecs is what the init segment says", "RFC 6381, 3.3")
	ruleD25 = must("D25", "@width and @height are those of the init segment", "ISO/IEC 23009-1, 5.3.7.2")
	ruleD29 = must("D29", "Periods follow each other and last as long as @mediaPresentationDuration (0.5 s)", "ISO/IEC 23009-1, 5.3.2.1")
	ruleD35 = must("D35", "tracks begin together (0.5 s)", "ISO/IEC 23009-1, 7.2.1")
	ruleD36 = must("D36", "tracks end together (1 s)", "ISO/IEC 23009-1, 7.2.1")
)

// dash judges an MPD and all it refers to.
func (c *checker) dash(b *blob) error {
	c.httpRules(dashHTTP, b, mpdTypes)
	data, err := b.bytes(c.opts.MaxText)
	if err != nil {
		return err
	}
	m := c.parseMPD(b.name, data)
	if m == nil {
		return nil
	}
	w := newMPDWalk(c, b.name, m)
	w.attributes()
	w.periods()
	c.watchMPD(w)
	for _, x := range w.open {
		x.reader.end()
	}
	return nil
}

func newMPDWalk(c *checker, name string, m *mpd) *mpdWalk {
	w := &mpdWalk{c: c, m: m, name: name, dynamic: m.Type == "dynamic", ids: map[string]bool{}}
	w.total, w.bounded = xsDuration(m.Duration)
	return w
}

// mpdWalk goes over an MPD.
type mpdWalk struct {
	c        *checker
	m        *mpd
	name     string
	dynamic  bool
	total    float64 // @mediaPresentationDuration, in seconds
	bounded  bool    // it is there
	ids      map[string]bool
	starts   []float64             // of the Periods, in seconds
	open     []*representationWalk // of a dynamic MPD: their media may go on
	arriving bool                  // what is read now has just been named (D45)
	// visit takes a Representation of a later version, which is called key; nil: it is judged alone.
	visit func(key string, x *representationWalk)
}

func (w *mpdWalk) attributes() {
	c, m, at := w.c, w.m, whole(w.name, "MPD")
	c.ok(ruleD04, strings.TrimSpace(m.Profiles) != "", at, "none", "@profiles")
	_, ok := xsDuration(m.MinBufferTime)
	c.ok(ruleD05, ok, at, text(m.MinBufferTime), "an xs:duration")
	c.ok(ruleD13, len(m.Periods) > 0, at, "none", "a Period")
	if w.dynamic {
		c.ok(ruleD06, isDateTime(m.AvailabilityStartTime), at, text(m.AvailabilityStartTime), "an xs:dateTime")
		c.ok(ruleD07, isDateTime(m.PublishTime), at, text(m.PublishTime), "an xs:dateTime")
		c.ok(ruleD08, m.MinimumUpdatePeriod != nil || w.bounded, at, "absent", "@minimumUpdatePeriod")
		c.ok(ruleD09, len(m.UTCTiming) > 0, at, "none", "UTCTiming")
		return
	}
	if n := len(m.Periods); n > 0 {
		_, has := xsDuration(m.Periods[n-1].Duration)
		c.ok(ruleD10, w.bounded || has, at, text(m.Duration), "an xs:duration")
	}
	c.ok(ruleD11, m.MinimumUpdatePeriod == nil && m.TimeShiftBufferDepth == nil, at, "@minimumUpdatePeriod or @timeShiftBufferDepth", "neither")
}

// periods goes over the Periods, and reckons where each begins and how long it lasts (23009-1, 5.3.2.1).
func (w *mpdWalk) periods() {
	c, next := w.c, 0.0
	base := w.name
	for i := range w.m.Periods {
		p := &w.m.Periods[i]
		at := whole(w.name, "Period %d", i+1)
		if p.ID != nil {
			c.ok(ruleD14, !w.ids[*p.ID], at, *p.ID+" twice", "an @id of its own")
			w.ids[*p.ID] = true
		} else {
			c.ok(ruleD14, !w.dynamic, at, "absent", "@id")
		}
		start, has := xsDuration(p.Start)
		if !has {
			start = next
		} else if i > 0 && !math.IsInf(next, 1) {
			c.ok(ruleD29, math.Abs(start-next) <= 0.5, at, seconds(start), seconds(next))
		}
		length, has := xsDuration(p.Duration)
		if !has {
			length = math.Inf(1)
			if i+1 < len(w.m.Periods) {
				if s, ok := xsDuration(w.m.Periods[i+1].Start); ok {
					length = s - start
				}
			} else if w.bounded {
				length = w.total - start
			}
		}
		next = start + length
		w.starts = append(w.starts, start)
		w.period(p, at, w.join(base, w.m.BaseURL, at), length)
	}
	if w.bounded && len(w.m.Periods) > 0 && !math.IsInf(next, 1) {
		c.ok(ruleD29, math.Abs(next-w.total) <= 0.5, whole(w.name, "MPD"), seconds(w.total), seconds(next))
	}
}

// join resolves the first BaseURL.
func (w *mpdWalk) join(base string, refs []string, at Place) string {
	if len(refs) == 0 {
		return base
	}
	ref := strings.TrimSpace(refs[0])
	s, err := resolve(base, ref)
	if err != nil {
		w.c.fail(ruleDHTTP, at, err, "a BaseURL")
		return base
	}
	if strings.HasSuffix(ref, "/") && !strings.HasSuffix(s, "/") {
		s += "/" // which a path has lost
	}
	return s
}

// played is what a Representation has shown of a Period, in seconds on the Period's clock.
type played struct {
	place      Place
	start, end float64
}

func (w *mpdWalk) period(p *period, at Place, base string, length float64) {
	if p.Href != nil {
		w.c.note("%v: xlink is not followed", at)
		return
	}
	base = w.join(base, p.BaseURL, at)
	ids := map[string]bool{}
	var all []played
	for i := range p.Sets {
		set := &p.Sets[i]
		at := whole(w.name, "%s, AdaptationSet %d", at.Detail, i+1)
		if set.Href != nil {
			w.c.note("%v: xlink is not followed", at)
			continue
		}
		base := w.join(base, set.BaseURL, at)
		for j := range set.Representations {
			if w.c.ctx.Err() != nil {
				return
			}
			r := &set.Representations[j]
			at := whole(w.name, "%s, Representation %q", at.Detail, clip(r.ID))
			w.c.ok(ruleD15, r.ID != "" && !strings.ContainsAny(r.ID, " \t\r\n") && !ids[r.ID], at, fmt.Sprintf("%q", r.ID), "an @id of its own")
			ids[r.ID] = true
			x := &representationWalk{mpdWalk: w, r: r, common: r.common.over(set.common), place: at, length: length,
				base: w.join(base, r.BaseURL, at)}
			x.template = r.Template.over(set.Template.over(p.Template))
			x.list = r.List.over(set.List.over(p.List))
			x.single = r.Base.over(set.Base.over(p.Base))
			if w.visit != nil {
				w.visit(key(p, i, r), x)
				continue
			}
			x.key = key(p, i, r)
			if s, ok := x.judge(); ok {
				all = append(all, s)
			}
		}
	}
	w.together(all, length)
}

// key tells a Representation apart from all others of any version of the MPD.
func key(p *period, set int, r *representation) string {
	id := ""
	if p.ID != nil {
		id = *p.ID
	}
	return fmt.Sprintf("%q %d %q", id, set, r.ID)
}

// together judges D33, D35 and D36. The longest track must fill the Period; how much shorter another may be is D36.
func (w *mpdWalk) together(all []played, length float64) {
	if len(all) == 0 || w.dynamic {
		return
	}
	early, late := all[0], all[0]
	first, last := all[0], all[0]
	for _, s := range all[1:] {
		if s.start < early.start {
			early = s
		}
		if s.start > late.start {
			late = s
		}
		if s.end < first.end {
			first = s
		}
		if s.end > last.end {
			last = s
		}
	}
	for _, s := range all {
		if s == last || s.end > length {
			w.c.ok(ruleD33, math.Abs(s.end-length) <= 0.5, s.place, seconds(s.end), seconds(length))
		}
	}
	if len(all) < 2 {
		return
	}
	w.c.ok(ruleD35, late.start-early.start < 0.5, late.place, seconds(late.start), seconds(early.start))
	w.c.ok(ruleD36, last.end-first.end < 1, first.place, seconds(first.end), seconds(last.end))
}

// attributes judges what a Representation says of itself.
func (x *representationWalk) attributes() {
	c, at := x.c, x.place
	v, err := strconv.ParseUint(x.r.Bandwidth, 10, 63)
	c.ok(ruleD16, err == nil && v > 0, at, fmt.Sprintf("%q", x.r.Bandwidth), "an integer")
	x.bandwidth = float64(v)
	kind, _, _ := strings.Cut(x.MimeType, "/")
	c.ok(ruleD17, kind == "video" || kind == "audio" || kind == "text" || kind == "application" || kind == "image", at, fmt.Sprintf("%q", x.MimeType), "a media type")
	if kind == "video" || kind == "audio" {
		c.ok(ruleD18, x.Codecs != "", at, "none", "@codecs")
	}
}

// against judges the attributes by the init segment.
func (x *representationWalk) against(m *movie) {
	c, at := x.c, x.place
	for _, t := range m.tracks {
		if x.Codecs != "" && t.codec != "" {
			c.ok(ruleD24, listsCodec(splitCodecs(x.Codecs), t.codec, false), at, x.Codecs, t.codec)
		}
		if t.video() && t.width > 0 {
			w, h := strconv.Itoa(t.width), strconv.Itoa(t.height)
			sizes := map[string]bool{}
			t.addSizes(sizes)
			said := x.Width + "x" + x.Height
			holds := (x.Width == "" || x.Width == w) && (x.Height == "" || x.Height == h) || sizes[said]
			c.ok(ruleD25, holds, at, said, w+"x"+h)
		}
	}
}

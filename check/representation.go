package check

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/Eyevinn/mp4ff/mp4"
)

var (
	ruleD19 = must("D19", "an initialization segment is named", "ISO/IEC 23009-1, 5.3.9.2")
	ruleD20 = must("D20", "S@t is where the S before ended", "ISO/IEC 23009-1, 5.3.9.6")
	ruleD21 = must("D21", "S@d is above 0, S@r not below -1", "ISO/IEC 23009-1, 5.3.9.6")
	ruleD22 = must("D22", "SegmentTemplate@media has $Number$ or $Time$, not both, and known identifiers", "ISO/IEC 23009-1, 5.3.9.4.4")
	ruleD23 = must("D23", "@duration or SegmentTimeline, not both", "ISO/IEC 23009-1, 5.3.9.2")
	ruleD26 = must("D26", "S@t is the time of the media (50 ms; half a segment with @duration)", "ISO/IEC 23009-1, 7.2.1")
	ruleD27 = must("D27", "S@d is the duration of the media (50 ms; half a segment with @duration)", "ISO/IEC 23009-1, 5.3.9.6")
	ruleD28 = must("D28", "a segment begins with the stream access point that @startWithSAP promises", "ISO/IEC 23009-1, 5.3.7.2")
	ruleD30 = must("D30", "@indexRange is the sidx", "ISO/IEC 23009-1, 5.3.9.2; 14496-12, 8.16.3")
	ruleD31 = must("D31", "references of the sidx end on box ends", "ISO/IEC 14496-12, 8.16.3; 23000-19, 7.3.3.3")
	ruleD32 = must("D32", "media begins with its Period, at @presentationTimeOffset (0.5 s)", "ISO/IEC 23009-1, 5.3.9.2")
	ruleD33 = must("D33", "the longest media lasts as long as its Period (0.5 s)", "ISO/IEC 23009-1, 5.3.2.1")
	ruleD34 = should("D34", "@bandwidth and @minBufferTime bound the segments", "ISO/IEC 23009-1, 5.3.5.2")
)

// representationWalk goes over the segments of a Representation.
type representationWalk struct {
	*mpdWalk
	common
	r        *representation
	key      string
	place    Place
	base     string
	length   float64 // of the Period, in seconds; +Inf when it is not known
	template *segmentInfo
	list     *segmentInfo
	single   *segmentInfo

	bandwidth float64
	info      *segmentInfo // the one in use
	scale     float64
	init      segmentRef
	segments  []mediaSegment
	reader    *mediaReader
	last      int64 // the largest key that any version had
}

// segmentRef is a URL or path as it stands in the MPD, with a part of it.
type segmentRef struct {
	ref  string
	part *byteRange
}

// mediaSegment is a segment that the MPD names; times are in ticks of the timescale.
type mediaSegment struct {
	segmentRef
	name    string
	key     int64 // by which $Number$ or $Time$ tells it apart, else its place in a SegmentList
	t, d    int64
	nominal bool // from @duration: the media may be half a segment away
}

// judge reads the segments, and returns the time they cover.
func (x *representationWalk) judge() (played, bool) {
	x.attributes()
	if !x.locate() {
		return played{}, false
	}
	b := x.c.fetch(dashHTTP, x.base, x.init.ref, x.init.part, x.place, segmentTypes)
	if b == nil {
		return played{}, false
	}
	m := x.c.loadInit(b)
	b.close()
	if m == nil || len(m.tracks) == 0 {
		return played{}, false
	}
	x.against(m)
	return x.media(m)
}

// locate finds out where the segments are.
func (x *representationWalk) locate() bool {
	switch {
	case x.template != nil:
		x.info = x.template
		x.templated()
	case x.list != nil:
		x.info = x.list
		x.listed()
	case x.single != nil || strings.HasSuffix(x.MimeType, "/mp4"):
		x.info = x.single
		if x.info == nil {
			x.info = &segmentInfo{}
		}
		x.indexed()
	default:
		x.c.note("%v: no segments that are known", x.place)
		return false
	}
	if !x.c.ok(ruleD19, x.init.ref != "" || x.init.part != nil, x.place, "none", "initialization") {
		return false
	}
	if x.scale == 0 {
		x.scale = x.info.scale()
	}
	return true
}

// fill replaces the identifiers of a template (23009-1, 5.3.9.4.4).
func (x *representationWalk) fill(template string, number uint64, t int64) (string, error) {
	var b strings.Builder
	for rest := template; ; {
		if b.Len() > maxURL || len(rest) > maxURL {
			return "", fmt.Errorf("more than %d bytes", maxURL)
		}
		before, after, has := strings.Cut(rest, "$")
		b.WriteString(before)
		if !has {
			return b.String(), nil
		}
		id, behind, closed := strings.Cut(after, "$")
		if !closed {
			return "", fmt.Errorf("%q is not closed", clip("$"+after))
		}
		rest = behind
		name, format, formatted := strings.Cut(id, "%")
		width := 1
		if formatted {
			digits, ok := strings.CutSuffix(format, "d")
			n, err := strconv.Atoi(strings.TrimPrefix(digits, "0"))
			if !ok || err != nil || n < 1 || n > 20 || digits[0] != '0' {
				return "", fmt.Errorf("format of $%s$", clip(id))
			}
			width = n
		}
		switch name {
		case "":
			b.WriteByte('$')
		case "RepresentationID":
			b.WriteString(x.r.ID)
		case "Number":
			fmt.Fprintf(&b, "%0*d", width, number)
		case "Time":
			fmt.Fprintf(&b, "%0*d", width, t)
		case "Bandwidth":
			fmt.Fprintf(&b, "%0*.0f", width, x.bandwidth)
		default:
			return "", fmt.Errorf("identifier $%s$", clip(id))
		}
	}
}

func (x *representationWalk) templated() {
	c, at, info := x.c, x.place, x.info
	switch {
	case info.Init != nil:
		ref, err := x.fill(*info.Init, 0, 0)
		c.ok(ruleD22, err == nil, at, err, "known identifiers")
		x.init.ref = ref
	case info.Initialization != nil:
		x.init = info.Initialization.ref()
	}
	media := ""
	if info.Media != nil {
		media = *info.Media
	}
	number, time := strings.Contains(media, "$Number"), strings.Contains(media, "$Time")
	if !c.ok(ruleD22, number != time, at, text(info.Media), "$Number$ or $Time$") {
		return
	}
	c.ok(ruleD23, (info.Timeline != nil) != (info.Duration != nil && *info.Duration > 0), at, "both or neither", "one of them")
	n := uint64(1)
	if info.StartNumber != nil {
		n = *info.StartNumber
	}
	for _, s := range x.times(int(n)) {
		ref, err := x.fill(media, n, s.t-s.shift(info))
		if !c.ok(ruleD22, err == nil, at, err, "known identifiers") {
			return
		}
		s.ref, s.name, s.key = ref, fmt.Sprintf("segment %d", n), int64(n)
		if time {
			s.key = s.t
		}
		x.segments = append(x.segments, s)
		n++
	}
}

// shift is what $Time$ leaves out with @duration: there it counts from the start of the Period.
func (s mediaSegment) shift(info *segmentInfo) int64 {
	if s.nominal {
		return info.offset()
	}
	return 0
}

func (u *urlType) ref() segmentRef {
	var r segmentRef
	if u.SourceURL != nil {
		r.ref = *u.SourceURL
	}
	r.part = parseParts(u.Range)
	return r
}

// parseParts reads "first-last".
func parseParts(s *string) *byteRange {
	if s == nil {
		return nil
	}
	a, b, ok := strings.Cut(*s, "-")
	first, err := strconv.ParseInt(a, 10, 62)
	last, err2 := strconv.ParseInt(b, 10, 62)
	if !ok || err != nil || err2 != nil || first < 0 || last < first {
		return nil
	}
	return &byteRange{first, last}
}

// times returns when the segments are, by SegmentTimeline or @duration.
func (x *representationWalk) times(start int) []mediaSegment {
	info, scale := x.info, x.info.scale()
	if info.Timeline != nil {
		return x.timeline()
	}
	if info.Duration == nil || *info.Duration == 0 {
		return nil
	}
	if x.dynamic {
		x.c.note("%v: segments of a dynamic MPD with @duration were not judged", x.place)
		return nil
	}
	d := float64(*info.Duration)
	n := math.Ceil(x.length*scale/d - 1e-6)
	if info.EndNumber != nil {
		n = float64(*info.EndNumber) - float64(start) + 1
	}
	var list []mediaSegment
	for i := range int(min(max(n, 0), float64(x.c.segmentsLeft()))) {
		list = append(list, mediaSegment{t: int64(float64(i)*d) + info.offset(), d: int64(d), nominal: true})
	}
	return list
}

func (x *representationWalk) timeline() []mediaSegment {
	c, at, info := x.c, x.place, x.info
	var list []mediaSegment
	t := int64(0)
	entries := info.Timeline.S
	for i, s := range entries {
		if s.T != nil {
			if i > 0 {
				got, want := fmt.Sprintf("S@t %d", *s.T), t
				if off := math.Abs(float64(*s.T-t)) / info.scale(); off >= 0.5 {
					c.fail(ruleD20, at, got, want)
				} else {
					c.milder(ruleD20, *s.T == t, at, got, want)
				}
			}
			t = *s.T
		}
		if !c.ok(ruleD21, s.D > 0 && s.R >= -1 && t >= 0 && s.D < 1<<60 && t < 1<<61, at, fmt.Sprintf("S %d: d %d, r %d", i+1, s.D, s.R), "d above 0, r not below -1") {
			return list
		}
		r := s.R
		if r < 0 { // as many as there is time for
			end := x.length*info.scale() + float64(info.offset())
			if i+1 < len(entries) && entries[i+1].T != nil {
				end = float64(*entries[i+1].T)
			}
			if !c.ok(ruleD21, !math.IsInf(end, 1), at, "r -1 without an end", "a Period that ends") {
				return list
			}
			r = int64(max(math.Ceil((end-float64(t))/float64(s.D)-1e-6)-1, 0))
		}
		for range r + 1 {
			if len(list) > c.segmentsLeft() || t > 1<<61 {
				return list
			}
			list = append(list, mediaSegment{t: t, d: s.D})
			t += s.D
		}
	}
	return list
}

func (x *representationWalk) listed() {
	info := x.info
	if info.Initialization != nil {
		x.init = info.Initialization.ref()
	}
	var times []mediaSegment
	if info.Timeline != nil {
		times = x.timeline()
	}
	for i, u := range info.URLs {
		s := mediaSegment{name: fmt.Sprintf("segment %d", i+1)}
		switch {
		case i < len(times):
			s = times[i]
			s.name, s.key = fmt.Sprintf("segment %d", i+1), s.t
		case info.Duration != nil && *info.Duration < 1<<40:
			s.t, s.d, s.nominal = int64(i)*int64(*info.Duration)+info.offset(), int64(*info.Duration), true
		}
		if u.Media != nil {
			s.ref = *u.Media
		}
		s.part = parseParts(u.Range)
		x.segments = append(x.segments, s)
	}
}

// indexed takes the segments from the sidx of a single file.
func (x *representationWalk) indexed() {
	c, at := x.c, x.place
	b := c.fetch(dashHTTP, x.base, "", nil, at, segmentTypes)
	if b == nil {
		return
	}
	defer b.close()
	boxes, ok := c.topBoxes(b)
	if !ok {
		return
	}
	index := box{at: -1}
	ends := map[int64]bool{}
	for _, y := range boxes {
		ends[y.end()] = true
		if y.typ == "sidx" && index.at < 0 {
			index = y
		}
	}
	said := parseParts(x.info.IndexRange)
	fits := x.info.IndexRange == nil || said != nil && said.first == index.at && said.last == index.end()-1
	if c.ok(ruleD30, index.at >= 0 && fits, at, text(x.info.IndexRange), fmt.Sprintf("the sidx at %d-%d", index.at, index.end()-1)); index.at < 0 {
		return
	}
	decoded, _, ok := c.loadTree(b, index)
	if !ok {
		return
	}
	sidx, ok := decoded.(*mp4.SidxBox)
	if !ok || sidx.Timescale == 0 {
		c.fail(ruleD30, at, "timescale 0", "a sidx")
		return
	}
	x.scale = float64(sidx.Timescale)
	x.init.part = &byteRange{0, index.at - 1}
	if x.info.Initialization != nil {
		if p := parseParts(x.info.Initialization.Range); p != nil {
			x.init.part = p
		}
	}
	pos, t := index.end()+int64(min(sidx.FirstOffset, 1<<60)), int64(min(sidx.EarliestPresentationTime, 1<<60))
	for i, r := range sidx.SidxRefs {
		size := int64(r.ReferencedSize)
		s := mediaSegment{name: fmt.Sprintf("subsegment %d", i+1), t: t, d: int64(r.SubSegmentDuration)}
		s.part = &byteRange{pos, pos + size - 1}
		pos, t = pos+size, t+s.d
		if !c.ok(ruleD31, size > 0 && r.ReferenceType == 0 && ends[pos], at, fmt.Sprintf("reference %d ends at %d", i+1, pos), "the end of a box") {
			return
		}
		x.segments = append(x.segments, s)
	}
	c.ok(ruleD31, pos == b.size || len(boxes) > 0 && boxes[len(boxes)-1].typ == "mfra", at, pos, b.size)
}

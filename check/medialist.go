package check

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

var (
	ruleH10 = must("H10", "one EXT-X-TARGETDURATION, an integer", "RFC 8216, 4.3.3.1")
	ruleH11 = must("H11", "each segment has an EXTINF with a duration and a comma", "RFC 8216, 4.3.2.1")
	ruleH12 = must("H12", "EXTINF, rounded, is not above TARGETDURATION", "RFC 8216, 4.3.3.1")
	ruleH13 = must("H13", "EXT-X-PROGRAM-DATE-TIME is ISO 8601 with a zone", "RFC 8216, 4.3.2.6")
	ruleH14 = must("H14", "EXT-X-VERSION is high enough", "RFC 8216, 7")
	ruleH16 = must("H16", "a VOD playlist has EXT-X-ENDLIST", "RFC 8216, 4.3.3.5, 6.2.1")
	ruleH17 = must("H17", "EXT-X-MEDIA-SEQUENCE comes before the first segment", "RFC 8216, 4.3.3.2")
	ruleH18 = should("H18", "EXT-X-PROGRAM-DATE-TIME advances by EXTINF (0.5 s)", "RFC 8216, 4.3.2.6")
	ruleH19 = should("H19", "a live playlist is at least three target durations long", "RFC 8216, 6.2.2")
	ruleH20 = must("H20", "EXTINF is the duration of the media (0.1 s)", "RFC 8216, 4.3.2.1")
	ruleH21 = must("H21", "EXT-X-DISCONTINUITY where timestamps or tracks do not go on", "RFC 8216, 4.3.2.3")
	ruleH22 = should("H22", "no gap or overlap over 50 ms without EXT-X-DISCONTINUITY", "RFC 8216, 4.3.2.3")
	ruleH30 = must("H30", "each fMP4 segment has an EXT-X-MAP, which changes at a discontinuity only", "RFC 8216, 3.3, 4.3.2.5")
	ruleH37 = must("H37", "EXT-X-DISCONTINUITY-SEQUENCE comes before the first segment and mark", "RFC 8216, 4.3.3.3")
)

// listMedia is what the segments of a media playlist have shown.
type listMedia struct {
	codecs     map[string]bool
	sizes      map[string]bool // "WIDTHxHEIGHT" that may be said of the pictures
	video      bool
	transport  bool
	strange    bool // some segments were not looked into
	timed      bool
	start, end float64 // presentation time of the first segment, and where the last joined segment ends
	listed     float64 // the sum of EXTINF
	peak       float64 // bits a second
	marks      []int   // the segments with EXT-X-DISCONTINUITY
	count      int     // of the segments
}

func (m *listMedia) known() bool { return !m.strange && len(m.codecs) > 0 }

// mediaPlaylist judges a media playlist and its segments. independent is what the multivariant playlist says. What is only known when
// all segments have been seen is left to finish.
func (c *checker) mediaPlaylist(p *playlist, independent bool) *segmentWalk {
	w := &segmentWalk{c: c, p: p, m: &listMedia{codecs: map[string]bool{}, sizes: map[string]bool{}}, independent: independent || p.independent}
	c.lines(p)
	if p.iframes {
		c.note("%s: an I-frame playlist, its segments were not judged", p.name)
		w.m.strange = true
		return w
	}
	for _, s := range p.segments {
		if !w.take(s) {
			break
		}
	}
	return w
}

// take judges the next segment, unless there were too many.
func (w *segmentWalk) take(s *listed) bool {
	m, i := w.m, w.m.count
	m.listed += max(s.duration, 0)
	if s.mark && i > 0 {
		m.marks = append(m.marks, i)
	}
	m.count++
	if !w.c.takeSegment(Place{w.p.name, -1, s.line, ""}) {
		m.strange = true
		return false
	}
	w.segment(s, i)
	return true
}

// lines judges what the lines alone tell.
func (c *checker) lines(p *playlist) {
	at := whole(p.name, "")
	c.ok(ruleH10, len(p.targets) == 1 && p.target >= 0, at, fmt.Sprint(p.targets), "one integer")
	c.ok(ruleH14, p.version >= p.needs, at, p.version, fmt.Sprintf("%d: %s", p.needs, p.why))
	c.ok(ruleH16, p.kind == "" || p.kind == "EVENT" || p.kind == "VOD" && p.end, at, p.kind, "EVENT, or VOD with EXT-X-ENDLIST")
	c.ok(ruleH17, !p.sequenceLate, at, "behind a segment", "before")
	c.ok(ruleH37, !p.marksLate, at, "behind a segment or mark", "before")
	sum := 0.0
	for i, s := range p.segments {
		at := Place{p.name, -1, s.line, s.uri}
		sum += max(s.duration, 0)
		c.ok(ruleH11, s.duration >= 0 && s.extinf != "" && s.comma, at, fmt.Sprintf("%q", s.extinf), "#EXTINF:<duration>,")
		if s.extinf != "" && p.target >= 0 {
			c.ok(ruleH12, math.Floor(s.duration+0.5) <= p.target, at, seconds(s.duration), seconds(p.target))
		}
		if s.rawDate != "" {
			c.ok(ruleH13, !s.date.IsZero(), at, s.rawDate, "2006-01-02T15:04:05.000Z")
		}
		if i == 0 {
			continue
		}
		if q := p.segments[i-1]; !q.date.IsZero() && !s.date.IsZero() && !s.mark {
			d := s.date.Sub(q.date).Seconds()
			c.ok(ruleH18, math.Abs(d-q.duration) <= 0.5, at, seconds(d), seconds(q.duration))
		}
	}
	if !p.end && p.kind == "" && len(p.segments) > 0 {
		c.ok(ruleH19, sum >= 3*p.target-0.5, at, seconds(sum), seconds(3*p.target))
	}
}

// segmentWalk goes over the segments of a media playlist in order.
type segmentWalk struct {
	c           *checker
	p           *playlist
	m           *listMedia
	independent bool

	key    string // of the EXT-X-MAP that init comes from
	init   *movie
	tracks string // what tracks the segment before had; "" at first
	t      *transport
	run    []*fragment // since the last discontinuity
	joined bool        // end is known: the segment before was read
	end    float64
	first  bool
	rates  []rate
}

// rate is the size of a segment and how long it is said to last.
type rate struct{ bits, duration float64 }

func (w *segmentWalk) segment(s *listed, i int) {
	c, at := w.c, Place{w.p.name, -1, s.line, s.uri}
	w.first = i == 0 || s.mark
	if s.mark {
		w.breakOff()
	}
	if s.gap {
		w.joined = false
		return
	}
	if s.encrypted {
		c.note("%s: encrypted segments were not judged", w.p.name)
		w.m.strange, w.joined = true, false
		return
	}
	b := c.fetch(hlsHTTP, w.p.name, s.uri, s.part, at, segmentTypes)
	if b == nil {
		w.joined, w.tracks = false, ""
		w.cut()
		return
	}
	defer b.close()
	if s.duration > 0 {
		w.rates = append(w.rates, rate{float64(b.size) * 8, s.duration})
	}
	head := make([]byte, 16)
	n, _ := b.ReadAt(head, 0)
	head = head[:n]
	box := isBox(head)
	switch {
	case s.init != nil || box:
		if c.ok(ruleH30, s.init != nil, at, "an fMP4 segment without", "EXT-X-MAP") && w.load(s, at) {
			w.fragments(b, s, at)
			return
		}
		w.joined = false
	case bytes.HasPrefix(head, []byte("ID3")), n > 1 && head[0] == 0xFF && head[1]&0xF6 == 0xF0, bytes.HasPrefix(head, []byte("WEBVTT")):
		c.note("%s: packed audio and subtitles were not judged", w.p.name)
		w.m.strange, w.joined = true, false
	default:
		w.transport(b, s, at)
	}
}

// breakOff begins a new timeline: EXT-X-DISCONTINUITY.
func (w *segmentWalk) breakOff() {
	w.cut()
	w.joined, w.tracks = false, ""
	if w.t != nil {
		w.t.restart()
	}
}

// cut judges the fragments that go on from each other.
func (w *segmentWalk) cut() {
	w.c.joints(w.run, false)
	w.run = nil
}

// load reads the EXT-X-MAP of a segment, when it is another one than before.
func (w *segmentWalk) load(s *listed, at Place) bool {
	key := fmt.Sprint(s.init.uri, s.init.part)
	if key == w.key {
		return w.init != nil
	}
	before := w.init
	w.key, w.init = key, nil
	b := w.c.fetch(hlsHTTP, w.p.name, s.init.uri, s.init.part, at, segmentTypes)
	if b == nil {
		return false
	}
	defer b.close()
	w.init = w.c.loadInit(b)
	if w.init == nil {
		return false
	}
	if before != nil && !w.first {
		w.c.milder(ruleH30, bytes.Equal(before.raw, w.init.raw), at, "another EXT-X-MAP", "EXT-X-DISCONTINUITY before it")
	} else {
		w.c.pass(ruleH30)
	}
	for _, t := range w.init.tracks {
		if t.codec != "" {
			w.m.codecs[t.codec] = true
		}
		if t.video() {
			w.m.video = true
			t.addSizes(w.m.sizes)
		}
	}
	return true
}

// addSizes adds the sizes that may be said of the pictures: coded, and as they are to be shown.
func (t *track) addSizes(sizes map[string]bool) {
	add := func(w, h int) {
		if w > 0 && h > 0 {
			sizes[fmt.Sprintf("%dx%d", w, h)] = true
		}
	}
	add(t.width, t.height)
	w, h := int(t.trak.Tkhd.Width>>16), int(t.trak.Tkhd.Height>>16)
	add(w, h)
	w, h = int(math.Round(float64(t.trak.Tkhd.Width)/65536)), int(math.Round(float64(t.trak.Tkhd.Height)/65536))
	add(w, h)
	if m := t.trak.Tkhd.Matrix; m[0] == 0 && m[1] != 0 { // turned by a quarter
		add(h, w)
	}
}

func (w *segmentWalk) fragments(b *blob, s *listed, at Place) {
	c := w.c
	boxes, ok := c.topBoxes(b)
	if !ok { // what comes after the damage has another time than the media says
		w.joined = false
		w.cut()
		return
	}
	list := c.segment(b, boxes, w.init)
	w.run = append(w.run, list...)
	main := mainFragments(list)
	if len(main) == 0 {
		w.joined = false
		return
	}
	w.sameTracks(at, signature(w.init))
	c.startsWithSync(main[0], w.independent || w.first)
	f, l, tr := main[0], main[len(main)-1], main[0].track
	start, end := tr.seconds(f.start), tr.seconds(l.end())
	tolerance := 0.1
	if !tr.video() { // segments of sound are cut at whole frames
		tolerance += tr.seconds(l.longest)
	}
	if f.samples > 0 {
		w.times(at, s, start, end, tr.seconds(f.first-tr.mediaTime), tr.seconds(l.last-f.first), tolerance)
	}
}

// mainFragments returns those of the first track of pictures, else of the first track.
func mainFragments(list []*fragment) []*fragment {
	var main *track
	for _, f := range list {
		if main == nil || f.track.video() && !main.video() {
			main = f.track
		}
	}
	var out []*fragment
	for _, f := range list {
		if f.track == main {
			out = append(out, f)
		}
	}
	return out
}

// signature tells apart what H21 demands a mark for: number, type and identifiers of tracks.
func signature(m *movie) string {
	var parts []string
	for _, t := range m.tracks {
		parts = append(parts, fmt.Sprintf("%d %s %s", t.id, t.handler, t.entry))
	}
	return "fMP4: " + strings.Join(parts, ", ")
}

func (w *segmentWalk) sameTracks(at Place, tracks string) {
	w.c.ok(ruleH21, w.tracks == "" || w.tracks == tracks, at, tracks, w.tracks)
	w.tracks = tracks
}

func (w *segmentWalk) transport(b *blob, s *listed, at Place) {
	c := w.c
	w.m.transport = true
	if w.t == nil {
		w.t = newTransport()
	}
	seg := c.transportSegment(b, w.t)
	var main *elementary
	var tracks []string
	for _, e := range seg.streams {
		w.add(e)
		if len(e.pts) > 0 && (main == nil || e.stream.video() && !main.stream.video()) {
			main = e
		}
		c.startsWithPicture(b, e, w.independent || w.first)
	}
	for _, pid := range slices.Sorted(maps.Keys(w.t.streams)) {
		tracks = append(tracks, fmt.Sprintf("PID %d type %#x", pid, w.t.streams[pid].typ))
	}
	if main == nil {
		w.joined = false
		return
	}
	w.sameTracks(at, "TS: "+strings.Join(tracks, ", "))
	start, end := main.span()
	tolerance := 0.1
	if !main.stream.video() {
		tolerance += float64(main.frame) / clock
	}
	w.times(at, s, start, end, start, end-start, tolerance)
}

func (w *segmentWalk) add(e *elementary) {
	if e.stream.video() {
		w.m.video = true
	}
	switch {
	case e.codec != "":
		w.m.codecs[e.codec] = true
	case e.stream.typ != typeADTS && !e.stream.video() && e.stream.typ != 0x15: // 0x15 is timed ID3
		w.m.strange = true
	}
}

// times judges H20 to H22 of a segment whose media goes from start to end and is first seen at shown, for length, in seconds. Pictures that are
// decoded later than they might be, behind a mark, take less time to decode than they are shown for.
func (w *segmentWalk) times(at Place, s *listed, start, end, shown, length, tolerance float64) {
	c, m := w.c, w.m
	if s.duration >= 0 {
		c.ok(ruleH20, math.Abs(end-start-s.duration) <= tolerance || math.Abs(length-s.duration) <= tolerance, at, "EXTINF "+seconds(s.duration).String(), seconds(end-start))
	}
	if w.joined {
		gap := start - w.end
		got := fmt.Sprintf("a gap of %v", seconds(gap))
		if gap < 0 {
			got = fmt.Sprintf("an overlap of %v", seconds(-gap))
		}
		c.ok(ruleH21, math.Abs(gap) <= 0.5, at, got, "EXT-X-DISCONTINUITY")
		c.ok(ruleH22, math.Abs(gap) <= jointTolerance, at, got, "EXT-X-DISCONTINUITY")
	}
	if !m.timed {
		m.timed, m.start = true, shown
	}
	w.joined, w.end, m.end = true, end, end
}

func (w *segmentWalk) finish() {
	w.cut()
	w.m.peak = peakRate(w.rates, w.p.target)
}

// peakRate returns the largest bit rate of any row of segments that lasts between half and one and a half target durations.
func peakRate(rates []rate, target float64) (peak float64) {
	if target <= 0 {
		return 0
	}
	const most = 64 // segments of a row; there are a few
	for i := range rates {
		bits, duration := 0.0, 0.0
		for _, r := range rates[i:min(i+most, len(rates))] {
			bits, duration = bits+r.bits, duration+r.duration
			if duration > 1.5*target {
				break
			}
			if duration >= 0.5*target {
				peak = max(peak, bits/duration)
			}
		}
	}
	return peak
}

package check

import (
	"fmt"
	"math"

	"github.com/Eyevinn/mp4ff/mp4"
)

var (
	ruleM03 = must("M03", "a segment has a moof", "ISO/IEC 23000-19, 7.3.2.3")
	ruleM04 = must("M04", "each moof is followed by its mdat", "ISO/IEC 23000-19, 7.3.2.3")
	ruleM05 = must("M05", "track_ID of tfhd is in the moov", "ISO/IEC 14496-12, 8.8.7")
	ruleM06 = must("M06", "each traf has tfdt", "ISO/IEC 23000-19, 7.5.17")
	ruleM07 = should("M07", "default-base-is-moof is set, base-data-offset absent", "ISO/IEC 23000-19, 7.5.16; RFC 8216, 3.3")
	ruleM08 = must("M08", "samples lie in the mdat and hold whole NAL units", "ISO/IEC 23000-19, 7.3.2.3; 14496-15, 4.3.3")
	ruleM09 = must("M09", "samples have durations", "ISO/IEC 14496-12, 8.8.8")
	ruleM10 = must("M10", "a fragment of pictures starts with a sync sample", "ISO/IEC 23000-19, 7.3.2.4; RFC 8216, 4.3.5.1")
	ruleM11 = must("M11", "sync flags agree with the NAL unit types", "ISO/IEC 14496-12, 8.8.3.1")
)

// Sample flags of ISO/IEC 14496-12, 8.8.3.1.
const nonSync = 0x10000

// fragment is one traf with its times.
type fragment struct {
	name     string
	at       int64 // of the moof
	track    *track
	sequence uint32
	start    int64 // decode time of the first sample, in ticks
	duration int64 // of all samples
	first    int64 // smallest presentation time
	last     int64 // largest presentation time and its duration
	longest  int64 // the longest sample's duration
	samples  int
	bytes    int64
	sync     bool // the first sample is marked as sync
	idr      bool // its NAL units say so
	opened   bool // a recovery point stands in for an IDR picture
}

func (f *fragment) end() int64 { return f.start + f.duration }

// place returns where the fragment is.
func (f *fragment) place() Place { return spot(f.name, f.at, "track %d", f.track.id) }

// segment reads the fragments of a media segment, or of a whole file whose moov is m.
func (c *checker) segment(b *blob, boxes []box, m *movie) []*fragment {
	var list []*fragment
	moofs := 0
	for i, x := range boxes {
		if x.typ != "moof" || c.ctx.Err() != nil {
			continue
		}
		moofs++
		decoded, t, ok := c.loadTree(b, x)
		if !ok {
			continue
		}
		moof, ok := decoded.(*mp4.MoofBox)
		if !ok {
			continue
		}
		next := "nothing"
		if i+1 < len(boxes) {
			next = boxes[i+1].typ
		}
		if !c.ok(ruleM04, next == "mdat", spot(b.name, b.base+x.at, "moof"), next, "mdat") {
			continue
		}
		list = append(list, c.moof(b, x, boxes[i+1], moof, t.repeat, m)...)
	}
	c.ok(ruleM03, moofs > 0, whole(b.name, ""), firstType(boxes), "moof")
	return list
}

// moof reads the fragments of a moof. repeat is what the tree of its boxes has.
func (c *checker) moof(b *blob, x, mdat box, moof *mp4.MoofBox, repeat map[int]int, m *movie) []*fragment {
	var list []*fragment
	runs := 0             // of all trafs before
	budget := mdat.size   // bytes that samples may have: none lies in two
	previous := int64(-1) // the end of the run before, where a run without data offset goes on
	for _, traf := range moof.Trafs {
		first := runs
		runs += len(traf.Truns)
		if traf.Tfhd == nil {
			c.fail(ruleM05, spot(b.name, b.base+x.at, "moof"), "no tfhd", "tfhd")
			continue
		}
		h := traf.Tfhd
		at := spot(b.name, b.base+x.at, "track %d", h.TrackID)
		tr := m.byID[h.TrackID]
		if !c.ok(ruleM05, tr != nil, at, h.TrackID, "a track of the moov") {
			continue
		}
		c.ok(ruleM06, traf.Tfdt != nil, at, "no tfdt", "tfdt")
		c.ok(ruleM07, h.DefaultBaseIfMoof() && !h.HasBaseDataOffset(), at, fmt.Sprintf("tfhd flags %06x", h.Flags), "020000 without 000001")
		f := &fragment{name: b.name, at: b.base + x.at, track: tr, first: math.MaxInt64, last: math.MinInt64}
		if moof.Mfhd != nil {
			f.sequence = moof.Mfhd.SequenceNumber
		}
		if traf.Tfdt != nil {
			f.start = int64(min(traf.Tfdt.BaseMediaDecodeTime(), math.MaxInt64/4))
		}
		w := &sampleWalk{c: c, b: b, f: f, mdat: mdat, budget: &budget, base: x.at, at: previous}
		switch {
		case h.HasBaseDataOffset():
			w.base = int64(min(h.BaseDataOffset, math.MaxInt64/4)) - b.base
		case !h.DefaultBaseIfMoof() && previous >= 0:
			w.base = previous
		}
		for i, trun := range traf.Truns {
			w.run(trun, h, repeat[first+i])
		}
		previous = w.at
		w.judge(len(traf.Truns))
		list = append(list, f)
	}
	return list
}

// sampleWalk goes over the samples of a traf.
type sampleWalk struct {
	c          *checker
	b          *blob
	f          *fragment
	mdat       box
	budget     *int64
	base       int64 // what data offsets count from
	at         int64 // of the next sample; -1 at the first
	zero       int
	bad, flags *fault
	buf        []byte
}

// fault is the first thing that was wrong, told once per fragment.
type fault struct {
	at        int64
	sample    int
	got, want string
}

// run goes over the samples of a trun; repeat is how many they are when the trun says nothing of each, else 0.
func (w *sampleWalk) run(trun *mp4.TrunBox, h *mp4.TfhdBox, repeat int) {
	f, tr := w.f, w.f.track
	switch {
	case trun.HasDataOffset():
		w.at = w.base + int64(trun.DataOffset)
	case w.at < 0:
		w.at = w.base
	}
	count := max(len(trun.Samples), repeat)
	most := min(int64(w.c.opts.MaxSamples), w.mdat.size+1024) // a sample without bytes is rare
	if n := int64(f.samples) + int64(count); n > most || len(trun.Samples) == 0 {
		w.c.ok(ruleM09, count == 0, f.place(), fmt.Sprintf("%d samples", n), fmt.Sprintf("at most %d", most))
		return
	}
	var dur, size, flags uint32
	if tr.trex != nil {
		dur, size, flags = tr.trex.DefaultSampleDuration, tr.trex.DefaultSampleSize, tr.trex.DefaultSampleFlags
	}
	if h.HasDefaultSampleDuration() {
		dur = h.DefaultSampleDuration
	}
	if h.HasDefaultSampleSize() {
		size = h.DefaultSampleSize
	}
	if h.HasDefaultSampleFlags() {
		flags = h.DefaultSampleFlags
	}
	firstFlags, hasFirst := trun.FirstSampleFlags()
	for i := range count {
		s := trun.Samples[min(i, len(trun.Samples)-1)]
		if !trun.HasSampleDuration() {
			s.Dur = dur
		}
		if !trun.HasSampleSize() {
			s.Size = size
		}
		switch {
		case trun.HasSampleFlags():
		case i == 0 && hasFirst:
			s.Flags = firstFlags
		default:
			s.Flags = flags
		}
		w.sample(s)
	}
}

func (w *sampleWalk) sample(s mp4.Sample) {
	f, tr := w.f, w.f.track
	pts := f.end() + int64(s.CompositionTimeOffset)
	f.first, f.last = min(f.first, pts), max(f.last, pts+int64(s.Dur))
	f.longest = max(f.longest, int64(s.Dur))
	if s.Dur == 0 {
		w.zero++
	}
	sync := s.Flags&nonSync == 0
	if f.samples == 0 {
		f.sync, f.idr = sync, true
	}
	*w.budget -= int64(s.Size)
	inside := *w.budget >= 0 && w.at >= w.mdat.at+w.mdat.header && w.at+int64(s.Size) <= w.mdat.end()
	switch {
	case !inside:
		if w.bad == nil {
			w.bad = &fault{f.at, f.samples, fmt.Sprintf("%d bytes at %d", s.Size, w.b.base+w.at),
				fmt.Sprintf("inside the mdat, %d to %d, and no byte twice", w.b.base+w.mdat.at+w.mdat.header, w.b.base+w.mdat.end())}
		}
	case tr.nal > 0 && w.bad == nil:
		w.pictures(s.Size, sync)
	}
	f.duration += int64(s.Dur)
	f.samples++
	f.bytes += int64(s.Size)
	w.at += int64(s.Size)
}

func (w *sampleWalk) pictures(size uint32, sync bool) {
	f, tr := w.f, w.f.track
	p, err := w.c.readPicture(w.b, w.at, size, tr, &w.buf)
	if err != nil {
		w.bad = &fault{w.b.base + w.at, f.samples, err.Error(), "whole NAL units"}
		return
	}
	if f.samples == 0 {
		f.idr, f.opened = p.idr, p.recovery
	}
	if p.vcl && tr.video() && w.flags == nil && !p.agrees(sync, tr.hevc) {
		w.flags = &fault{w.b.base + w.at, f.samples, fmt.Sprintf("sync %v, IDR or IRAP %v", sync, p.idr), "the same"}
	}
}

// readPicture reads the sample at a place of b, with *buf for its bytes.
func (c *checker) readPicture(b *blob, at int64, size uint32, tr *track, buf *[]byte) (picture, error) {
	if int64(size) > c.opts.MaxResource {
		return picture{}, fmt.Errorf("a sample of %d bytes", size)
	}
	if uint32(cap(*buf)) < size {
		*buf = make([]byte, size, size+size/4)
	}
	data := (*buf)[:size]
	if _, err := b.ReadAt(data, at); err != nil {
		return picture{}, err
	}
	return splitLengths(data, tr.nal, tr.hevc)
}

// judge tells what the samples have shown. A traf without runs is empty and right (14496-12, 8.8.6).
func (w *sampleWalk) judge(runs int) {
	c, f := w.c, w.f
	if f.samples == 0 {
		f.first, f.last = f.start, f.start
		c.milder(ruleM09, runs == 0, f.place(), "runs without samples", "samples, or no run")
		return
	}
	c.judgeFault(ruleM08, f, w.bad)
	c.ok(ruleM09, w.zero <= 1, f.place(), fmt.Sprintf("%d of %d samples last 0", w.zero, f.samples), "durations")
	if f.track.video() && f.track.nal > 0 {
		c.judgeFault(ruleM11, f, w.flags)
	}
}

func (c *checker) judgeFault(r *Rule, f *fragment, x *fault) {
	if x == nil {
		c.pass(r)
		return
	}
	c.fail(r, spot(f.name, x.at, "track %d, sample %d", f.track.id, x.sample), x.got, x.want)
}

// startsWithSync judges M10. Only the first fragment, and those that are said to be independent, must.
func (c *checker) startsWithSync(f *fragment, required bool) {
	if !f.track.video() || f.samples == 0 {
		return
	}
	got := fmt.Sprintf("sync %v, IDR or IRAP %v", f.sync, f.idr)
	if holds := f.sync && (f.idr || f.opened || f.track.nal == 0); required {
		c.ok(ruleM10, holds, f.place(), got, "a sync sample")
	} else {
		c.milder(ruleM10, holds, f.place(), got, "a sync sample")
	}
}

package check

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/Eyevinn/mp4ff/mp4"
)

var (
	ruleM30 = should("M30", "moov comes before mdat", "ISO/IEC 14496-12, 8.1.1 (progressive download)")
	ruleM31 = must("M31", "there are tracks", "ISO/IEC 14496-12, 8.3.1")
	ruleM32 = must("M32", "tracks have samples, and the tables agree on how many", "ISO/IEC 14496-12, 8.6.1, 8.7.3, 8.7.4")
	ruleM33 = must("M33", "samples lie in an mdat and hold whole NAL units", "ISO/IEC 14496-12, 8.7.5; 14496-15, 4.3.3")
	ruleM34 = must("M34", "mdhd duration is the sum of stts", "ISO/IEC 14496-12, 8.4.2")
	ruleM35 = should("M35", "tkhd duration is that of the edit list or the media", "ISO/IEC 14496-12, 8.3.2")
	ruleM36 = must("M36", "the sample entry tells a codec", "RFC 6381, 3.3")
	ruleM37 = must("M37", "the first picture is a sync sample, and stss names sync samples only", "ISO/IEC 14496-12, 8.6.2")
	ruleM38 = must("M38", "mvhd duration is that of the longest track", "ISO/IEC 14496-12, 8.2.2")
)

// movieFile judges a file of ISO/IEC 14496-12 and returns which of the two forms it has.
func (c *checker) movieFile(b *blob) Form {
	boxes, ok := c.topBoxes(b)
	for _, x := range boxes {
		if x.typ == "moof" {
			c.fragmentedFile(b, boxes)
			return FMP4
		}
	}
	if !ok {
		return MP4
	}
	mdat := slices.ContainsFunc(boxes, func(x box) bool { return x.typ == "mdat" })
	if !mdat { // an init segment, or nothing
		c.judgeInit(b, boxes)
		return FMP4
	}
	m := c.loadMovie(b, boxes, false)
	if m == nil {
		return MP4
	}
	c.progressive(b, boxes, m)
	return MP4
}

func (c *checker) fragmentedFile(b *blob, boxes []box) {
	m := c.loadMovie(b, boxes, true)
	if m == nil {
		return
	}
	list := c.segment(b, boxes, m)
	seen := map[*track]bool{}
	for _, f := range list {
		c.startsWithSync(f, !seen[f.track])
		seen[f.track] = true
	}
	c.joints(list, true)
}

func (c *checker) progressive(b *blob, boxes []box, m *movie) {
	var mdats []box
	moov, mdat := -1, -1
	for i, x := range boxes {
		switch x.typ {
		case "moov":
			moov = i
		case "mdat":
			mdats = append(mdats, x)
			if mdat < 0 {
				mdat = i
			}
		}
	}
	c.ok(ruleM30, moov < mdat, whole(b.name, ""), "mdat first", "moov first")
	c.ok(ruleM31, len(m.tracks) > 0, whole(b.name, ""), "no track", "tracks")
	longest, scale := uint64(0), float64(max(m.moov.Mvhd.Timescale, 1))
	for _, tr := range m.tracks {
		at := whole(b.name, "track %d", tr.id)
		c.ok(ruleM36, tr.codec != "", at, fmt.Sprintf("entry %q", tr.entry), "a configuration")
		sum, ok := c.samples(b, mdats, tr)
		if !ok {
			continue
		}
		mdhd := tr.trak.Mdia.Mdhd.Duration
		c.ok(ruleM34, math.Abs(tr.seconds(int64(mdhd)-sum)) <= jointTolerance, at, mdhd, sum)
		length := tr.seconds(sum)
		if edits, has := editLength(tr.trak); has {
			length = float64(edits) / scale
		}
		tkhd := float64(tr.trak.Tkhd.Duration) / scale
		c.ok(ruleM35, math.Abs(tkhd-length) < 0.1, at, seconds(tkhd), seconds(length))
		longest = max(longest, tr.trak.Tkhd.Duration)
	}
	mvhd := m.moov.Mvhd.Duration
	c.ok(ruleM38, math.Abs(float64(mvhd)-float64(longest)) <= 0.1*scale, whole(b.name, ""), mvhd, longest)
}

// editLength returns the sum of the edits, in the movie's timescale.
func editLength(trak *mp4.TrakBox) (sum uint64, has bool) {
	if trak.Edts == nil {
		return 0, false
	}
	for _, list := range trak.Edts.Elst {
		for _, e := range list.Entries {
			sum, has = sum+e.SegmentDuration, true
		}
	}
	return sum, has
}

// chunks goes over the chunks of a track as stsc and stco or co64 have them.
type chunks struct {
	stsc  *mp4.StscBox
	stco  *mp4.StcoBox
	co64  *mp4.Co64Box
	entry int
	n     int // chunks that were given
}

func (k *chunks) count() int {
	if k.co64 != nil {
		return len(k.co64.ChunkOffset)
	}
	return len(k.stco.ChunkOffset)
}

// next returns the offset of the next chunk and how many samples it has.
func (k *chunks) next() (offset uint64, samples uint32, ok bool) {
	if k.n == k.count() || len(k.stsc.Entries) == 0 {
		return 0, 0, false
	}
	if k.co64 != nil {
		offset = k.co64.ChunkOffset[k.n]
	} else {
		offset = uint64(k.stco.ChunkOffset[k.n])
	}
	k.n++
	for k.entry+1 < len(k.stsc.Entries) && uint32(k.n) >= k.stsc.Entries[k.entry+1].FirstChunk {
		k.entry++
	}
	return offset, k.stsc.Entries[k.entry].SamplesPerChunk, true
}

// samples judges M32, M33 and M37 of a track, and returns the sum of its durations.
func (c *checker) samples(b *blob, mdats []box, tr *track) (sum int64, ok bool) {
	at := whole(b.name, "track %d", tr.id)
	stbl := tr.trak.Mdia.Minf.Stbl
	if stbl.Stts == nil || stbl.Stsz == nil || stbl.Stsc == nil || stbl.Stco == nil && stbl.Co64 == nil {
		c.fail(ruleM32, at, "a table is missing", "stts, stsz, stsc, stco or co64")
		return 0, false
	}
	total := uint64(0)
	for i, n := range stbl.Stts.SampleCount {
		total += uint64(n)
		if d := uint64(n) * uint64(stbl.Stts.SampleTimeDelta[i]); d < math.MaxInt64/4 && sum < math.MaxInt64/4 {
			sum += int64(d)
		}
	}
	k := &chunks{stsc: stbl.Stsc, stco: stbl.Stco, co64: stbl.Co64}
	size := stbl.Stsz
	if size.SampleNumber > uint32(c.opts.MaxSamples) || size.SampleNumber == 0 {
		c.fail(ruleM32, at, fmt.Sprintf("%d samples", size.SampleNumber), fmt.Sprintf("1 to %d", c.opts.MaxSamples))
		return sum, false
	}
	w := &tableWalk{c: c, b: b, mdats: mdats, tr: tr, size: size, budget: b.size, all: stbl.Stss == nil}
	if stbl.Stss != nil {
		w.sync = stbl.Stss.SampleNumber
	}
	for c.ctx.Err() == nil {
		offset, n, more := k.next()
		if !more || !w.chunk(offset, n) {
			break
		}
	}
	counts := fmt.Sprintf("stts %d, stsz %d, chunks %d", total, size.SampleNumber, w.n)
	c.ok(ruleM32, total == uint64(size.SampleNumber) && w.n == size.SampleNumber, at, counts, "the same count")
	c.judgeTable(ruleM33, b, tr, w.bad)
	if tr.video() {
		if !w.isSync(1) && w.flags == nil {
			w.flags = &fault{-1, 0, "sample 1 is not in stss", "sample 1"}
		}
		c.judgeTable(ruleM37, b, tr, w.flags)
	}
	return sum, true
}

func (c *checker) judgeTable(r *Rule, b *blob, tr *track, x *fault) {
	if x == nil {
		c.pass(r)
		return
	}
	c.fail(r, spot(b.name, x.at, "track %d, sample %d", tr.id, x.sample+1), x.got, x.want)
}

// tableWalk goes over the samples of a progressive track.
type tableWalk struct {
	c          *checker
	b          *blob
	mdats      []box
	tr         *track
	size       *mp4.StszBox
	sync       []uint32 // in ascending order
	all        bool     // no stss: every sample is sync
	budget     int64    // bytes that samples may have: none lies in two
	n          uint32
	bad, flags *fault
	buf        []byte
}

func (w *tableWalk) chunk(offset uint64, samples uint32) bool {
	at := int64(min(offset, math.MaxInt64/4))
	for range samples {
		if w.n == w.size.SampleNumber {
			w.n++ // more than there are: M32
			return false
		}
		size := w.size.SampleUniformSize
		if size == 0 {
			size = w.size.SampleSize[w.n]
		}
		if w.bad == nil {
			w.look(at, size)
		}
		at += int64(size)
		w.n++
	}
	return true
}

func (w *tableWalk) isSync(n uint32) bool {
	_, found := slices.BinarySearch(w.sync, n)
	return found || w.all
}

func (w *tableWalk) look(at int64, size uint32) {
	w.budget -= int64(size)
	next := sort.Search(len(w.mdats), func(i int) bool { return w.mdats[i].at > at })
	inside := next > 0 && w.budget >= 0
	if inside {
		x := w.mdats[next-1]
		inside = at >= x.at+x.header && at+int64(size) <= x.end()
	}
	if !inside {
		w.bad = &fault{at, int(w.n), fmt.Sprintf("%d bytes at %d", size, at), "inside an mdat, and no byte twice"}
		return
	}
	if w.tr.nal == 0 {
		return
	}
	p, err := w.c.readPicture(w.b, at, size, w.tr, &w.buf)
	if err != nil {
		w.bad = &fault{at, int(w.n), err.Error(), "whole NAL units"}
		return
	}
	sync := w.isSync(w.n + 1)
	if p.vcl && w.tr.video() && w.flags == nil && !p.agrees(sync, w.tr.hevc) {
		w.flags = &fault{at, int(w.n), fmt.Sprintf("sync %v, IDR or IRAP %v", sync, p.idr), "the same"}
	}
}

package check

import (
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

var (
	ruleM00 = must("M00", "another reader (mp4ff) reads the boxes", "ISO/IEC 14496-12")
	ruleM20 = must("M20", "ftyp comes first", "ISO/IEC 14496-12, 4.3; 23000-19, 7.3.2.1")
	ruleM21 = must("M21", "one moov, with mvex where fragments follow", "ISO/IEC 14496-12, 8.2.1, 8.8.1; 23000-19, 7.3.1")
	ruleM22 = must("M22", "each track has a timescale, a sample entry, and trex where fragments follow", "ISO/IEC 14496-12, 8.4.2, 8.5.2, 8.8.3")
	ruleM23 = must("M23", "an init segment holds no media", "ISO/IEC 23000-19, 7.3.2.1")
	ruleM24 = must("M24", "an init segment has empty sample tables", "ISO/IEC 23000-19, 7.5.12")
)

// movie is what a moov says.
type movie struct {
	name   string
	raw    []byte
	moov   *mp4.MoovBox
	tracks []*track
	byID   map[uint32]*track
}

// track is a trak and what its fragments need to be known by.
type track struct {
	trak      *mp4.TrakBox
	trex      *mp4.TrexBox
	id        uint32
	timescale uint32
	handler   string
	entry     string // type of the first sample entry
	codec     string // RFC 6381; "" when not known
	width     int
	height    int
	nal       int // bytes of a NAL unit's length; 0 when samples are no NAL units
	hevc      bool
	rate      uint32
	// mediaTime is where the edit list begins, in ticks: presentation time 0 is there.
	mediaTime int64
}

func (t *track) video() bool { return t.handler == "vide" }

// seconds turns ticks into seconds.
func (t *track) seconds(ticks int64) float64 { return float64(ticks) / float64(max(t.timescale, 1)) }

// loadTree takes one top-level box into memory, walks it, and has mp4ff read it. The damage of the walk is M02.
func (c *checker) loadTree(b *blob, x box) (mp4.Box, *tree, bool) {
	at := spot(b.name, b.base+x.at, "%s", x.typ)
	if x.size > c.opts.MaxBoxes {
		c.fail(ruleM02, at, fmt.Sprintf("%d bytes", x.size), fmt.Sprintf("at most %d", c.opts.MaxBoxes))
		return nil, nil, false
	}
	data := make([]byte, x.size)
	if _, err := b.ReadAt(data, x.at); err != nil {
		c.fail(ruleM02, at, err, "the box")
		return nil, nil, false
	}
	t := &tree{data: data, base: b.base + x.at, entries: map[int]string{}, records: map[int][]byte{}, repeat: map[int]int{}}
	if _, has := children[x.typ]; has {
		if d := t.walk(int(x.header), len(data), 0, x.typ); d != nil {
			c.fail(ruleM02, spot(b.name, d.at, "%s", d.path), d.text, "children that fill their parent")
			return nil, nil, false
		}
	}
	c.pass(ruleM02)
	decoded, err := decodeBox(data, uint64(x.at))
	if !c.ok(ruleM00, err == nil, at, err, "no error") {
		return nil, nil, false
	}
	return decoded, t, true
}

// decodeBox has mp4ff read a box whose sizes and counts have been looked at.
func decodeBox(data []byte, at uint64) (b mp4.Box, err error) {
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("mp4ff panics: %v", r)
		}
	}()
	b, err = mp4.DecodeBoxSR(at, bits.NewFixedSliceReader(data))
	if err == nil && b == nil {
		err = errors.New("no box")
	}
	return b, err
}

// loadMovie reads the moov among boxes. fragmented demands what an init segment has.
func (c *checker) loadMovie(b *blob, boxes []box, fragmented bool) *movie {
	c.ok(ruleM20, len(boxes) > 0 && boxes[0].typ == "ftyp", spot(b.name, b.base, ""), firstType(boxes), "ftyp")
	var found []box
	for _, x := range boxes {
		if x.typ == "moov" {
			found = append(found, x)
		}
	}
	if !c.ok(ruleM21, len(found) == 1, whole(b.name, ""), fmt.Sprintf("%d moov", len(found)), "1") {
		return nil
	}
	decoded, t, ok := c.loadTree(b, found[0])
	if !ok {
		return nil
	}
	moov, ok := decoded.(*mp4.MoovBox)
	if !c.ok(ruleM00, ok && moov.Mvhd != nil, spot(b.name, b.base+found[0].at, "moov"), "no mvhd", "mvhd") {
		return nil
	}
	m := &movie{name: b.name, moov: moov, byID: map[uint32]*track{}}
	if fragmented {
		c.ok(ruleM21, moov.Mvex != nil, spot(b.name, b.base+found[0].at, "moov"), "no mvex", "mvex")
	}
	if n := len(moov.Traks); !c.ok(ruleM22, n <= maxTracks, whole(b.name, ""), fmt.Sprintf("%d tracks", n), fmt.Sprintf("at most %d", maxTracks)) {
		return nil
	}
	for i, trak := range moov.Traks {
		if tr := c.newTrack(b, m, trak, t, i+1, fragmented); tr != nil {
			m.tracks = append(m.tracks, tr)
			m.byID[tr.id] = tr
		}
	}
	c.ok(ruleM22, len(m.tracks) > 0, whole(b.name, ""), "no track", "tracks")
	return m
}

func firstType(boxes []box) string {
	if len(boxes) == 0 {
		return "nothing"
	}
	return boxes[0].typ
}

func (c *checker) newTrack(b *blob, m *movie, trak *mp4.TrakBox, t *tree, n int, fragmented bool) *track {
	at := whole(b.name, "track %d of moov", n)
	mdia := trak.Mdia
	if trak.Tkhd == nil || mdia == nil || mdia.Mdhd == nil || mdia.Hdlr == nil || mdia.Minf == nil || mdia.Minf.Stbl == nil {
		c.fail(ruleM22, at, "a box is missing", "tkhd, mdhd, hdlr, stbl")
		return nil
	}
	tr := &track{trak: trak, id: trak.Tkhd.TrackID, timescale: mdia.Mdhd.Timescale, handler: mdia.Hdlr.HandlerType, entry: t.entries[n]}
	at = whole(b.name, "track %d", tr.id)
	c.ok(ruleM22, tr.timescale > 0 && tr.entry != "" && tr.id > 0 && m.byID[tr.id] == nil, at,
		fmt.Sprintf("ID %d, timescale %d, entry %q", tr.id, tr.timescale, tr.entry), "an ID of its own, a timescale and a sample entry")
	tr.describe(t.records[n])
	if trak.Edts != nil {
		for _, list := range trak.Edts.Elst {
			for _, e := range list.Entries {
				if e.MediaTime > 0 && tr.mediaTime == 0 {
					tr.mediaTime = e.MediaTime
				}
			}
		}
	}
	if !fragmented {
		return tr
	}
	if mvex := m.moov.Mvex; mvex != nil {
		for _, x := range mvex.Trexs {
			if x.TrackID == tr.id {
				tr.trex = x
			}
		}
	}
	c.ok(ruleM22, tr.trex != nil, at, "no trex", "trex")
	stbl := mdia.Minf.Stbl
	empty := (stbl.Stts == nil || len(stbl.Stts.SampleCount) == 0) && (stbl.Stsz == nil || stbl.Stsz.SampleNumber == 0)
	c.ok(ruleM24, empty, at, "samples in stts or stsz", "none")
	return tr
}

// loadInit reads an init segment.
func (c *checker) loadInit(b *blob) *movie {
	boxes, ok := c.topBoxes(b)
	if !ok {
		return nil
	}
	m := c.judgeInit(b, boxes)
	if m != nil {
		if data, err := b.bytes(c.opts.MaxBoxes); err == nil {
			m.raw = data
		}
	}
	return m
}

func (c *checker) judgeInit(b *blob, boxes []box) *movie {
	m := c.loadMovie(b, boxes, true)
	media := ""
	for _, x := range boxes {
		if x.typ == "mdat" || x.typ == "moof" {
			media = x.typ
		}
	}
	c.ok(ruleM23, media == "", whole(b.name, ""), media, "no mdat, no moof")
	return m
}

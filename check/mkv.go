package check

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

var (
	ruleK01 = must("K01", "an EBML header of Matroska, a Segment and its Tracks", "RFC 8794, 8; RFC 9559, 5.1")
	ruleK02 = must("K02", "elements have their place, values that are allowed, and sizes that fill their parents", "RFC 8794, 6; RFC 9559, 5.1")
	ruleK03 = must("K03", "the last element is whole", "RFC 8794, 6.2")
	ruleK04 = must("K04", "CRC-32 elements fit what they cover", "RFC 8794, 11.3.1")
	ruleK05 = must("K05", "Blocks name a track of the Segment", "RFC 9559, 10.1")
	ruleK06 = must("K06", "CodecPrivate follows its format", "RFC 9559, 5.1.4.1.22; Matroska Codec Specifications")
	ruleK07 = must("K07", "frames hold whole NAL units, or whole frames of sound", "Matroska Codec Specifications; ISO/IEC 14496-15, 4.3.3")
	ruleK08 = must("K08", "key frame marks agree with the NAL unit types", "RFC 9559, 10.2, 10.3")
	ruleK09 = must("K09", "pictures begin with a key frame", "RFC 9559, 10.2")
	ruleK10 = should("K10", "Clusters and the sound in them are in the order of their times", "RFC 9559, 5.1.3.1")
	ruleK11 = should("K11", "Duration is that of the frames (0.5 s)", "RFC 9559, 5.1.2.10")
)

// matroskaWalk goes over the tokens of a Matroska file.
type matroskaWalk struct {
	c      *checker
	b      *blob
	r      *mkv.Reader
	tracks map[uint64]*matroskaTrack
	told   map[string]bool // what was found once for a track
	start  time.Duration   // the smallest and the largest time of the document
	end    time.Duration
	clus   time.Duration
	any    bool
	buf    []byte
}

// matroskaTrack is a TrackEntry whose frames can be looked into.
type matroskaTrack struct {
	entry  mkv.TrackEntry
	config codec.Config
	nal    int
	hevc   bool
	frames int
	last   time.Duration
}

// matroska judges a Matroska file by the engine's own reader: the one of others takes as much memory as an element claims.
func (c *checker) matroska(b *blob) {
	w := &matroskaWalk{c: c, b: b, r: mkv.NewReader(c.stream(b), nil), told: map[string]bool{}}
	documents := 0
	for {
		token, err := w.r.Read()
		if err != nil {
			w.ended(err)
			break
		}
		switch token {
		case mkv.TokenDocument:
			w.document()
			documents++
		case mkv.TokenTracks:
			w.entries()
		case mkv.TokenCluster:
			w.cluster(w.r.Cluster())
		case mkv.TokenBlock:
			w.block(w.r.Block())
		}
	}
	w.document()
	if c.ctx.Err() != nil {
		return
	}
	c.ok(ruleK01, documents > 0 && w.tracks != nil, whole(b.name, ""), fmt.Sprintf("%d documents", documents), "a Segment with Tracks")
	n := w.r.UnknownBlocks()
	c.ok(ruleK05, n == 0, whole(b.name, ""), fmt.Sprintf("%d Blocks of other tracks", n), "none")
}

// ended tells why reading stopped.
func (w *matroskaWalk) ended(err error) {
	c := w.c
	for _, r := range []*Rule{ruleK02, ruleK03, ruleK04} {
		c.pass(r)
	}
	if errors.Is(err, io.EOF) || c.ctx.Err() != nil {
		return
	}
	at := spot(w.b.name, w.r.Offset(), "")
	if e, ok := errors.AsType[*mkv.Error](err); ok {
		at = spot(w.b.name, e.Offset, "%s", e.Path)
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.fail(ruleK03, at, err, "the rest of the element")
	case errors.Is(err, mkv.ErrChecksum):
		c.fail(ruleK04, at, err, "the CRC-32")
	default:
		c.fail(ruleK02, at, err, "well-formed elements")
	}
}

// document closes the one before.
func (w *matroskaWalk) document() {
	if d := w.r.Info().Duration; d > 0 && w.any && w.r.Document() == 0 {
		// Some count from 0, and some from the first frame.
		holds := math.Abs((w.end-d).Seconds()) <= 0.5 || math.Abs((w.end-w.start-d).Seconds()) <= 0.5
		w.c.ok(ruleK11, holds, whole(w.b.name, "Info"), d, w.end)
	}
	w.any, w.start, w.end, w.clus = false, 0, 0, math.MinInt64
}

// entries takes the tracks of a Segment.
func (w *matroskaWalk) entries() {
	c := w.c
	w.tracks = map[uint64]*matroskaTrack{}
	for _, e := range w.r.Tracks() {
		at := spot(w.b.name, e.Offset, "track %d", e.Number)
		t := &matroskaTrack{entry: e, last: math.MinInt64}
		w.tracks[e.Number] = t
		if e.Unsupported != nil || !codec.Known(e.CodecID, e.CodecPrivate) {
			c.note("%v: frames of %s were not judged", at, e.CodecID)
			continue
		}
		config, err := codec.Parse(e.CodecID, e.CodecPrivate)
		if !c.ok(ruleK06, err == nil, at, err, "a configuration") {
			continue
		}
		t.config = config
		switch config.(type) {
		case *codec.AVC:
			t.nal = int(e.CodecPrivate[4]&3) + 1
		case *codec.HEVC:
			t.nal, t.hevc = int(e.CodecPrivate[21]&3)+1, true
		}
	}
}

func (w *matroskaWalk) cluster(k mkv.Cluster) {
	w.c.ok(ruleK10, k.Timestamp >= w.clus, spot(w.b.name, k.Offset, "Cluster %d", k.Index), k.Timestamp, fmt.Sprintf("at least %v", w.clus))
	w.clus = k.Timestamp
}

func (w *matroskaWalk) block(k mkv.Block) {
	t := w.tracks[k.Track]
	if t == nil {
		return
	}
	t.frames++
	w.end = max(w.end, k.PTS+k.Duration)
	if !w.any {
		w.any, w.start = true, k.PTS
	}
	w.start = min(w.start, k.PTS)
	if t.config == nil {
		return
	}
	at := spot(w.b.name, k.Offset, "track %d, frame %d", k.Track, t.frames)
	if t.nal == 0 {
		w.ok(ruleK07, k.Track, k.Size+len(k.Prefix) > 0, at, "no bytes", "a frame")
		w.ok(ruleK10, k.Track, k.PTS >= t.last, at, k.PTS, fmt.Sprintf("at least %v", t.last))
		t.last = k.PTS
		return
	}
	w.buf = append(append(w.buf[:0], k.Prefix...), w.r.Data(&k)...)
	p, err := splitLengths(w.buf, t.nal, t.hevc)
	if !w.ok(ruleK07, k.Track, err == nil && p.vcl, at, err, "whole NAL units of a picture") {
		return
	}
	w.ok(ruleK08, k.Track, p.agrees(k.Key, t.hevc), at, fmt.Sprintf("key %v, IDR or IRAP %v", k.Key, p.idr), "the same")
	if t.frames == 1 {
		w.c.ok(ruleK09, k.Key && (p.idr || p.recovery), at, fmt.Sprintf("key %v, IDR or IRAP %v", k.Key, p.idr), "a key frame")
	}
}

// ok judges a rule of each frame: what breaks it is told once for a track.
func (w *matroskaWalk) ok(r *Rule, track uint64, holds bool, at Place, got, want any) bool {
	if holds {
		w.c.pass(r)
	} else if key := fmt.Sprint(r.ID, track); !w.told[key] {
		w.told[key] = true
		w.c.fail(r, at, got, want)
	}
	return holds
}

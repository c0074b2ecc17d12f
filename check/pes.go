package check

import (
	"fmt"
	"math"
	"slices"
)

var (
	ruleT07 = must("T07", "PES packets have a start code, a stream_id and the length that they say", "ISO/IEC 13818-1, 2.4.3.7")
	ruleT08 = must("T08", "PTS in each PES packet, DTS not after it", "ISO/IEC 13818-1, 2.7.4, 2.7.5")
	ruleT12 = must("T12", "DTS increases", "ISO/IEC 13818-1, 2.7.5")
	ruleT13 = must("T13", "DTS is not before the PCR", "ISO/IEC 13818-1, 2.4.2")
	ruleT14 = must("T14", "each access unit begins with a delimiter", "ISO/IEC 13818-1, 2.14.1, 2.17.1")
	ruleT15 = must("T15", "parameter sets come with each IDR or IRAP picture", "RFC 8216, 3.2; ITU-T H.264, 7.4.1.2.1")
	ruleT16 = must("T16", "PES packets hold whole ADTS frames", "ISO/IEC 13818-7, 6.2; 13818-1, 2.11")
	ruleT17 = must("T17", "PTS at least each 700 ms", "ISO/IEC 13818-1, 2.7.4; ETSI TR 101 290, 2.5")
	ruleT18 = must("T18", "video begins with an IDR or IRAP picture", "RFC 8216, 3, 4.3.5.1")
)

// Stream types of ISO/IEC 13818-1, Table 2-34, that are looked into.
const (
	typeADTS = 0x0F
	typeAVC  = 0x1B
	typeHEVC = 0x24
)

// stream is an elementary stream over all segments of a timeline.
type stream struct {
	typ     byte
	lastDTS int64
	hasDTS  bool
}

func (s *stream) video() bool { return s.typ == typeAVC || s.typ == typeHEVC }

// elementary is what a segment holds of an elementary stream. Times are unwrapped ticks of 90 kHz.
type elementary struct {
	pid    uint16
	stream *stream
	units  int
	pts    []int64
	marks  []int64 // PTS behind a discontinuity_indicator
	first  *picture
	codec  string
	frame  int64 // duration of the last PES packet's sound, in ticks

	// The PES packet that is being gathered.
	open   bool
	at     int64
	data   []byte
	clock  int64 // the last PCR before it
	timed  bool  // there was one
	marked bool
}

func (e *elementary) begin(at int64, pcr pcrWalk, mark bool) {
	e.open, e.at, e.data = true, at, e.data[:0]
	e.clock, e.timed, e.marked = pcr.last, pcr.n > 0, mark
}

// pes judges the PES packet that was gathered.
func (e *elementary) pes(c *checker, t *transport, name string) {
	b, at := e.data, spot(name, e.at, "PID %d, PES packet %d", e.pid, e.units)
	e.open = false
	e.units++
	if len(b) < 9 || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[3] < 0xBC {
		c.fail(ruleT07, at, fmt.Sprintf("% X", b[:min(len(b), 9)]), "00 00 01 and a stream_id")
		return
	}
	said, got := int(b[4])<<8|int(b[5]), len(b)-6
	c.ok(ruleT07, said == got || said == 0 && e.stream.video(), at, fmt.Sprintf("PES_packet_length %d", said), got)
	payload := 9 + int(b[8])
	flags := b[7] >> 6
	need := 9
	switch flags {
	case 2:
		need = 14
	case 3:
		need = 19
	}
	if payload > len(b) || payload < need {
		c.fail(ruleT07, at, fmt.Sprintf("PES_header_data_length %d in %d bytes", b[8], len(b)), fmt.Sprintf("at least %d", need-9))
		return
	}
	if !c.ok(ruleT08, flags >= 2, at, "none", "PTS") {
		return
	}
	e.times(c, t, at, b, flags)
	switch {
	case e.stream.video():
		e.picture(c, at, b[payload:])
	case e.stream.typ == typeADTS:
		e.adts(c, at, b[payload:])
	}
}

// timestamp reads the 33 bits of a PTS or DTS.
func timestamp(b []byte) int64 {
	return int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
}

func (e *elementary) times(c *checker, t *transport, at Place, b []byte, flags byte) {
	if e.marked {
		e.stream.hasDTS = false
	}
	pts := timestamp(b[9:])
	dts := pts
	if flags == 3 {
		dts = timestamp(b[14:])
	}
	// The distance counts modulo 2^33, from the one that is unwrapped.
	ahead := (pts - dts + wrap) % wrap
	dts = t.unwrap(dts)
	c.ok(ruleT08, ahead < wrap/2, at, fmt.Sprintf("DTS %v after PTS", seconds(float64(wrap-ahead)/clock)), "DTS not after PTS")
	if ahead >= wrap/2 {
		ahead -= wrap
	}
	pts = dts + ahead
	if s := e.stream; s.hasDTS {
		c.ok(ruleT12, dts > s.lastDTS, at, fmt.Sprintf("%v after %v", seconds(float64(dts)/clock), seconds(float64(s.lastDTS)/clock)), "more")
	} else {
		c.pass(ruleT12)
	}
	if e.timed {
		c.ok(ruleT13, dts >= e.clock-clock/1000, at, seconds(float64(dts-e.clock)/clock), "at least 0")
	}
	e.stream.lastDTS, e.stream.hasDTS = dts, true
	e.pts = append(e.pts, pts)
	if e.marked {
		e.marks = append(e.marks, pts)
	}
}

func (e *elementary) picture(c *checker, at Place, data []byte) {
	hevc := e.stream.typ == typeHEVC
	p := splitStartCodes(data, hevc)
	delimiter := 9
	if hevc {
		delimiter = 35
	}
	c.ok(ruleT14, p.first == delimiter, at, fmt.Sprintf("NAL unit type %d", p.first), delimiter)
	if p.idr {
		c.ok(ruleT15, p.sps && p.pps && (p.vps || !hevc), at, fmt.Sprintf("VPS %v, SPS %v, PPS %v", p.vps, p.sps, p.pps), "all of them")
	}
	if p.spsUnit != nil && e.codec == "" {
		e.codec = spsCodec(p.spsUnit, hevc)
	}
	if e.first == nil {
		p.spsUnit = nil // it is a part of a buffer that is used again
		e.first = &p
	}
}

// adtsRates are the sampling frequencies of ISO/IEC 14496-3, 1.6.3.4.
var adtsRates = [16]int64{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

func (e *elementary) adts(c *checker, at Place, b []byte) {
	e.frame = 0
	for i := 0; i < len(b); {
		if len(b)-i < 7 || b[i] != 0xFF || b[i+1]&0xF6 != 0xF0 {
			c.fail(ruleT16, at, fmt.Sprintf("% X at %d of %d", b[i:min(i+7, len(b))], i, len(b)), "an ADTS header")
			return
		}
		size := int(b[i+3]&3)<<11 | int(b[i+4])<<3 | int(b[i+5])>>5
		rate := adtsRates[b[i+2]>>2&15]
		if size < 7 || size > len(b)-i || rate == 0 {
			c.fail(ruleT16, at, fmt.Sprintf("a frame of %d bytes with %d left, rate %d", size, len(b)-i, rate), "whole frames")
			return
		}
		if e.codec == "" {
			e.codec = fmt.Sprintf("mp4a.40.%d", b[i+2]>>6+1)
		}
		e.frame += 1024 * clock / rate
		i += size
	}
	c.ok(ruleT16, len(b) > 0, at, "no bytes", "ADTS frames")
}

// finish judges what can be told when a segment is over.
func (e *elementary) finish(c *checker, name string) {
	if len(e.pts) == 0 {
		return
	}
	slices.Sort(e.pts)
	slices.Sort(e.marks)
	gap, behind := int64(0), int64(0)
	for i := 1; i < len(e.pts); i++ {
		d := e.pts[i] - e.pts[i-1]
		if _, marked := slices.BinarySearch(e.marks, e.pts[i]); d > gap && !marked {
			gap, behind = d, e.pts[i-1]
		}
	}
	c.ok(ruleT17, gap <= clock*7/10, whole(name, "PID %d, after %v", e.pid, seconds(float64(behind)/clock)), seconds(float64(gap)/clock), "0.700 s")
	if e.stream.video() && len(e.pts) > 1 {
		e.frame = (e.pts[len(e.pts)-1] - e.pts[0]) / int64(len(e.pts)-1)
	}
}

// span returns the time that the stream covers, in seconds; the last picture is taken to last as long as the mean.
func (e *elementary) span() (start, end float64) {
	if len(e.pts) == 0 {
		return math.NaN(), math.NaN()
	}
	return float64(e.pts[0]) / clock, float64(e.pts[len(e.pts)-1]+e.frame) / clock
}

// startsWithPicture judges T18.
func (c *checker) startsWithPicture(b *blob, e *elementary, required bool) {
	if e.first == nil || !e.stream.video() {
		return
	}
	holds, at := e.first.idr || e.first.recovery, whole(b.name, "PID %d", e.pid)
	if required {
		c.ok(ruleT18, holds, at, "another picture", "IDR or IRAP")
	} else {
		c.milder(ruleT18, holds, at, "another picture", "IDR or IRAP")
	}
}

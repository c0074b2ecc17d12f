package ts_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// unit is a PES packet as the reader of these tests found it. Times are as they are written.
type unit struct {
	pid          int
	id           byte
	pts, dts     int64
	data         []byte
	random       bool // random_access_indicator
	pcr          int64
	hasPCR       bool  // in the first packet
	packets      int   // with payload
	pcrs         int   // in later packets
	clock        int64 // the last clock reference before its first byte or with it
	hasClock     bool
	declared     int // PES_packet_length
	firstPacket  int
	discontinued bool // in the first packet
}

// elementary is a stream of the PMT.
type elementary struct {
	typ, pid int
	language string
}

// chunkInfo is what the reader found in a chunk.
type chunkInfo struct {
	streams  []elementary
	pcrPID   int
	units    []unit
	packets  int
	clockOwn int // packets with a clock reference and no payload
}

// wrapDiff returns a − b of times modulo 2^33.
func wrapDiff(a, b int64) int64 {
	d := (a - b) & (1<<33 - 1)
	if d >= 1<<32 {
		d -= 1 << 33
	}
	return d
}

// crc computes CRC_32 bit by bit.
func crc(b []byte) uint32 {
	v := uint32(0xFFFFFFFF)
	for _, c := range b {
		for i := 7; i >= 0; i-- {
			bit := v>>31 ^ uint32(c>>i&1)
			v <<= 1
			if bit == 1 {
				v ^= 0x04C11DB7
			}
		}
	}
	return v
}

func stamp(b []byte, prefix byte) (int64, error) {
	if b[0]>>4 != prefix || b[0]&1 != 1 || b[2]&1 != 1 || b[4]&1 != 1 {
		return 0, fmt.Errorf("time stamp % x", b[:5])
	}
	return int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1), nil
}

// readChunk reads a chunk byte by byte and holds every rule that can be seen there: T is ISO/IEC 13818-1.
func readChunk(b []byte) (*chunkInfo, error) {
	c := &chunkInfo{packets: len(b) / ts.PacketSize, pcrPID: -1}
	if len(b)%ts.PacketSize != 0 {
		return nil, fmt.Errorf("%d bytes are no whole packets", len(b))
	}
	counters := map[int]int{}
	open := map[int]*unit{}
	var order []*unit
	var section []byte
	var clock int64
	hasClock := false
	for n := range c.packets {
		p := b[n*ts.PacketSize:][:ts.PacketSize]
		fail := func(format string, args ...any) error {
			return fmt.Errorf("packet %d (% x ...): %s", n, p[:16], fmt.Sprintf(format, args...))
		}
		if p[0] != 0x47 || p[1]&0xA0 != 0 || p[3]&0xC0 != 0 {
			return nil, fail("header")
		}
		start, pid, control, counter := p[1]&0x40 != 0, int(p[1]&0x1F)<<8|int(p[2]), p[3]>>4&3, int(p[3]&15)
		body := p[4:]
		if pid == 0x1FFF { // filling a chunk that would be too short, behind all else
			if start || control != 1 || c.packets > 11 || n+1 < c.packets && b[(n+1)*ts.PacketSize+1] != 0x1F {
				return nil, fail("null packet in its way")
			}
			continue
		}
		discontinuity, random, pcr, hasPCR := false, false, int64(0), false
		if control == 0 {
			return nil, fail("neither adaptation field nor payload")
		}
		if control&2 != 0 {
			size := int(body[0])
			if control == 2 && size != 183 || control == 3 && size > 182 {
				return nil, fail("adaptation field of %d bytes, control %d", size, control)
			}
			field := body[1 : 1+size]
			body = body[1+size:]
			if size > 0 {
				flags := field[0]
				field = field[1:]
				if flags&^0xD0 != 0 {
					return nil, fail("flags %#x", flags)
				}
				discontinuity, random = flags&0x80 != 0, flags&0x40 != 0
				if hasPCR = flags&0x10 != 0; hasPCR {
					pcr = int64(binary.BigEndian.Uint32(field))<<1 | int64(field[4]>>7)
					if field[4]&0x7E != 0x7E || field[4]&1 != 0 || field[5] != 0 {
						return nil, fail("clock reference % x", field[:6])
					}
					field = field[6:]
				}
				if len(bytes.Trim(field, "\xFF")) != 0 {
					return nil, fail("stuffing")
				}
			}
		}
		payload := control&1 != 0
		last, seen := counters[pid]
		switch {
		case !seen && (counter != 0 || !discontinuity):
			return nil, fail("first of its PID with counter %d, discontinuity %v", counter, discontinuity)
		case seen && payload && counter != (last+1)&15, seen && !payload && counter != last:
			return nil, fail("counter %d after %d", counter, last)
		}
		counters[pid] = counter
		if !payload && (start || !hasPCR) {
			return nil, fail("neither payload nor clock reference")
		}
		if hasPCR {
			if pid != c.pcrPID {
				return nil, fail("clock reference")
			}
			if d := wrapDiff(pcr, clock); hasClock && !discontinuity && (d <= 0 || d > 9000) {
				return nil, fail("clock reference %d after %d", pcr, clock)
			}
			clock, hasClock = pcr, true
			if !payload {
				c.clockOwn++
			}
		}
		switch {
		case pid == 0:
			if n != 0 || !start {
				return nil, fail("PAT")
			}
			s := body[1:]
			want := []byte{0, 0xB0, 13, 0, 1, 0xC1, 0, 0, 0, 1, 0xF0, 0x00}
			if body[0] != 0 || !bytes.Equal(s[:12], want) || crc(s[:16]) != 0 || len(bytes.Trim(s[16:], "\xFF")) != 0 {
				return nil, fail("PAT % x", body)
			}
		case pid == 0x1000:
			if n == 0 || start != (n == 1) || len(order) > 0 {
				return nil, fail("PMT")
			}
			if start {
				body = body[1:]
			}
			section = append(section, body...)
			if size := 3 + int(section[1]&15)<<8 + int(section[2]); len(section) >= size {
				if len(bytes.Trim(section[size:], "\xFF")) != 0 || crc(section[:size]) != 0 {
					return nil, fail("PMT: CRC or stuffing")
				}
				if err := c.readPMT(section[:size]); err != nil {
					return nil, fail("%v", err)
				}
			}
		case len(c.streams) == 0:
			return nil, fail("PID %#x before the PMT", pid)
		default:
			if c.streamOf(pid) == nil {
				return nil, fail("PID %#x is not in the PMT", pid)
			}
			if !payload {
				continue
			}
			if start {
				u := &unit{pid: pid, random: random, pcr: pcr, hasPCR: hasPCR, firstPacket: n, clock: clock, hasClock: hasClock, discontinued: discontinuity}
				open[pid] = u
				order = append(order, u)
			} else if hasPCR {
				open[pid].pcrs++
			}
			u := open[pid]
			if u == nil {
				return nil, fail("PES packet without a beginning")
			}
			if len(body) == 0 {
				return nil, fail("no payload")
			}
			u.data = append(u.data, body...)
			u.packets++
		}
	}
	if c.packets < 2 || len(c.streams) == 0 {
		return nil, fmt.Errorf("no tables")
	}
	for _, u := range order {
		if err := u.parse(); err != nil {
			return nil, fmt.Errorf("PES packet at packet %d: %w", u.firstPacket, err)
		}
		c.units = append(c.units, *u)
	}
	return c, c.checkUnits()
}

func (c *chunkInfo) streamOf(pid int) *elementary {
	for i := range c.streams {
		if c.streams[i].pid == pid {
			return &c.streams[i]
		}
	}
	return nil
}

func (c *chunkInfo) readPMT(s []byte) error {
	if s[0] != 2 || s[1]>>4 != 0xB || binary.BigEndian.Uint16(s[3:]) != 1 || s[5] != 0xC1 || s[6] != 0 || s[7] != 0 || s[8]>>5 != 7 || s[10] != 0xF0 || s[11] != 0 {
		return fmt.Errorf("PMT % x", s)
	}
	c.pcrPID = int(s[8]&0x1F)<<8 | int(s[9])
	for s = s[12 : len(s)-4]; len(s) > 0; {
		e := elementary{typ: int(s[0]), pid: int(s[1]&0x1F)<<8 | int(s[2])}
		n := int(s[3]&15)<<8 | int(s[4])
		if s[1]>>5 != 7 || s[3]>>4 != 15 {
			return fmt.Errorf("reserved bits % x", s)
		}
		if d := s[5 : 5+n]; n > 0 {
			if n != 6 || d[0] != 10 || d[1] != 4 || d[5] != 0 {
				return fmt.Errorf("descriptor % x", d)
			}
			e.language = string(d[2:5])
		}
		c.streams = append(c.streams, e)
		s = s[5+n:]
	}
	if c.streamOf(c.pcrPID) == nil {
		return fmt.Errorf("PCR_PID %#x has no stream", c.pcrPID)
	}
	return nil
}

// parse takes the header of the PES packet off its data.
func (u *unit) parse() error {
	b := u.data
	if len(b) < 14 || !bytes.Equal(b[:3], []byte{0, 0, 1}) || b[6] != 0x84 {
		return fmt.Errorf("header % x", b[:min(len(b), 14)])
	}
	u.id, u.declared = b[3], int(binary.BigEndian.Uint16(b[4:]))
	if u.declared != 0 && u.declared+6 != len(b) || u.declared == 0 && (u.id != 0xE0 || len(b)-6 < 1<<16) {
		return fmt.Errorf("PES_packet_length %d of %d bytes", u.declared, len(b)-6)
	}
	var err error
	switch {
	case b[7] == 0x80 && b[8] == 5:
		u.pts, err = stamp(b[9:], 2)
		u.dts, u.data = u.pts, b[14:]
	case b[7] == 0xC0 && b[8] == 10:
		if u.pts, err = stamp(b[9:], 3); err == nil {
			u.dts, err = stamp(b[14:], 1)
		}
		if u.pts == u.dts {
			return fmt.Errorf("DTS and PTS are %d", u.pts)
		}
		u.data = b[19:]
	default:
		return fmt.Errorf("header % x", b[:14])
	}
	return err
}

// checkUnits holds what concerns PES packets against each other and the clock (rules 77, 78 and 81).
func (c *chunkInfo) checkUnits() error {
	last := map[int]int64{}
	for i := range c.units {
		u := &c.units[i]
		e := c.streamOf(u.pid)
		fail := func(format string, args ...any) error {
			return fmt.Errorf("PES packet %d, PID %#x, PTS %d, DTS %d: %s", i, u.pid, u.pts, u.dts, fmt.Sprintf(format, args...))
		}
		wantID := byte(0xC0)
		if e.typ != 0x0F {
			wantID = 0xE0
		}
		if u.id != wantID {
			return fail("stream_id %#x of stream_type %#x", u.id, e.typ)
		}
		if u.hasPCR != (u.pid == c.pcrPID) {
			return fail("clock reference %v", u.hasPCR)
		}
		if u.hasPCR && wrapDiff(u.dts, u.pcr) != ts.Lead {
			return fail("clock reference %d", u.pcr)
		}
		if u.hasClock && wrapDiff(u.dts, u.clock) < 9000 {
			return fail("decoded less than 100 ms after %d", u.clock)
		}
		if wrapDiff(u.pts, u.dts) < 0 {
			return fail("PTS before DTS")
		}
		if t, ok := last[u.pid]; ok && wrapDiff(u.dts, t) <= 0 && !u.discontinued {
			return fail("not after %d", t)
		}
		last[u.pid] = u.dts
	}
	return nil
}

// expectPicture returns what a sample of pictures has to become: written from the rules, the slow way.
func expectPicture(config codec.Config, s ts.Sample) []byte {
	type nal struct {
		kind string
		data []byte
	}
	kindOf := func(b []byte) string {
		if _, ok := config.(*codec.HEVC); ok {
			switch t := b[0] >> 1 & 63; {
			case t < 32:
				return "slice"
			case t <= 35:
				return []string{"vps", "sps", "pps", "aud"}[t-32]
			}
			return ""
		}
		switch t := b[0] & 31; t {
		case 1, 2, 3, 4, 5:
			return "slice"
		case 7, 13:
			return "sps"
		case 8:
			return "pps"
		case 9:
			return "aud"
		}
		return ""
	}
	var sets, rest []nal
	sliced := false
	for b := s.Data; len(b) > 0; {
		n := int(binary.BigEndian.Uint32(b))
		x := nal{kindOf(b[4:]), b[4 : 4+n]}
		b = b[4+n:]
		sliced = sliced || x.kind == "slice"
		switch {
		case x.kind == "aud":
		case s.Key && !sliced && len(x.kind) == 3:
			sets = append(sets, x)
		default:
			rest = append(rest, x)
		}
	}
	out := []byte{0, 0, 0, 1, 9, 0xF0}
	if _, ok := config.(*codec.HEVC); ok {
		out = []byte{0, 0, 0, 1, 0x46, 1, 0x50}
	}
	add := func(b []byte) { out = append(append(out, 0, 0, 0, 1), b...) }
	for _, kind := range []string{"vps", "sps", "pps"} {
		for _, set := range config.(codec.VideoConfig).ParameterSets() {
			repeated := slices.ContainsFunc(sets, func(x nal) bool { return bytes.Equal(x.data, set) })
			if s.Key && kindOf(set) == kind && !repeated {
				add(set)
			}
		}
		for _, x := range sets {
			if x.kind == kind {
				add(x.data)
			}
		}
	}
	for _, x := range rest {
		add(x.data)
	}
	return out
}

// splitADTS returns the raw frames of a PES packet's payload.
func splitADTS(b []byte, config *codec.AAC) ([][]byte, error) {
	front, err := config.AppendADTS(nil, 1, true)
	if err != nil {
		return nil, err
	}
	var frames [][]byte
	for len(b) > 0 {
		if len(b) < 7 || b[0] != 0xFF || b[1] != 0xF1 {
			return nil, fmt.Errorf("ADTS header % x", b[:min(len(b), 7)])
		}
		n := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5]>>5)
		if n < 8 || n > len(b) || b[6]&3 != 0 {
			return nil, fmt.Errorf("ADTS frame of %d bytes, %d are there", n, len(b))
		}
		rates := []uint32{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
		if rates[b[2]>>2&15] != config.SampleRate {
			return nil, fmt.Errorf("rate index %d", b[2]>>2&15)
		}
		at := 7
		if element := front[7:]; bytes.HasPrefix(b[7:], element) {
			at = len(front) // in the first frame of a chunk: compareChunk
		}
		frames = append(frames, b[at:n])
		b = b[n:]
	}
	return frames, nil
}

// compareChunk holds a chunk that was read against what it was made of.
func compareChunk(c *chunkInfo, runs []ts.Run) error {
	if len(c.streams) != len(runs) {
		return fmt.Errorf("%d streams of %d runs", len(c.streams), len(runs))
	}
	const wrap = 1<<33 - 1
	for i, r := range runs {
		pid := 0x100 + i
		if c.streams[i].pid != pid {
			return fmt.Errorf("stream %d has PID %#x", i, c.streams[i].pid)
		}
		next := 0
		for k := range c.units {
			u := &c.units[k]
			if u.pid != pid {
				continue
			}
			if next >= len(r.Samples) {
				return fmt.Errorf("run %d: more than its %d samples", i, len(r.Samples))
			}
			s := r.Samples[next]
			config, audio := r.Track.Config.(*codec.AAC)
			if !audio {
				if u.pts != s.PTS&wrap || u.dts != s.DTS&wrap || u.random != s.Key {
					return fmt.Errorf("run %d sample %d: PTS %d, DTS %d, random access %v, want %d, %d, %v", i, next, u.pts, u.dts, u.random, s.PTS&wrap, s.DTS&wrap, s.Key)
				}
				if want := expectPicture(r.Track.Config, s); !bytes.Equal(u.data, want) {
					return fmt.Errorf("run %d sample %d: %d bytes, want %d, or others", i, next, len(u.data), len(want))
				}
				next++
				continue
			}
			frames, err := splitADTS(u.data, config)
			if err != nil {
				return fmt.Errorf("run %d sample %d: %w", i, next, err)
			}
			if front, err := config.AppendADTS(nil, 1, true); next == 0 && (err != nil || !bytes.HasPrefix(u.data[7:], front[7:])) {
				return fmt.Errorf("run %d: no program config element in the first frame, %v", i, err)
			}
			for n, f := range frames {
				if next >= len(r.Samples) || !bytes.Equal(f, r.Samples[next].Data) {
					return fmt.Errorf("run %d sample %d: %d bytes of sound", i, next, len(f))
				}
				// A reader knows the first time only and counts on.
				at := u.pts + int64(n)*1024*90_000/int64(config.SampleRate)
				if d := wrapDiff(at, r.Samples[next].PTS); d < -1 || d > 1 {
					return fmt.Errorf("run %d sample %d: read at %d, want %d", i, next, at, r.Samples[next].PTS)
				}
				next++
			}
		}
		if next != len(r.Samples) {
			return fmt.Errorf("run %d: %d of %d samples", i, next, len(r.Samples))
		}
	}
	return nil
}

// check makes a chunk, reads it and compares it with the runs.
func check(tb testing.TB, runs []ts.Run) ([]byte, *chunkInfo) {
	tb.Helper()
	b, err := ts.AppendChunk(nil, runs)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := readChunk(b)
	if err != nil {
		tb.Fatal(err)
	}
	if err := compareChunk(c, runs); err != nil {
		tb.Fatal(err)
	}
	return b, c
}

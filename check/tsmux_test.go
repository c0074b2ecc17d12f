package check_test

import (
	"slices"
	"testing"

	"github.com/seed63bb8431/weir/codec"
)

// tsMux writes transport streams for the tests: program 1 with its PMT in PID 0x1000, pictures in 0x100 and ADTS in 0x101.
type tsMux struct {
	counters map[uint16]byte
	out      []byte
	hevc     bool
	silent   bool // no sound
	nopcr    bool
}

const (
	pidPMT   = 0x1000
	pidVideo = 0x100
	pidAudio = 0x101
)

// packet writes one packet; it takes as much of payload as fits, and returns the rest. field is the adaptation field without its length.
func (m *tsMux) packet(pid uint16, start bool, field, payload []byte) (rest []byte) {
	p := []byte{0x47, byte(pid >> 8), byte(pid), 0x10 | m.counters[pid]}
	m.counters[pid] = (m.counters[pid] + 1) & 15
	if start {
		p[1] |= 0x40
	}
	room := 184
	if field != nil {
		room -= 1 + len(field)
	}
	if room > len(payload) { // stuffing
		if field == nil && room-len(payload) == 1 {
			field, room = []byte{}, 183
		} else if field == nil {
			field, room = []byte{0}, 182
		}
		for room > len(payload) {
			if len(field) == 0 {
				field = append(field, 0)
			} else {
				field = append(field, 0xFF)
			}
			room--
		}
	}
	if field != nil {
		p[3] |= 0x20
		p = append(append(p, byte(len(field))), field...)
	}
	n := min(room, len(payload))
	m.out = append(m.out, append(p, payload[:n]...)...)
	return payload[n:]
}

func crc(b []byte) uint32 {
	sum := ^uint32(0)
	for _, x := range b {
		sum ^= uint32(x) << 24
		for range 8 {
			if sum>>31 != 0 {
				sum = sum<<1 ^ 0x04C11DB7
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

// section writes PSI.
func (m *tsMux) section(pid uint16, table byte, body []byte) {
	s := []byte{table, 0xB0, byte(len(body) + 9), 0, 1, 0xC1, 0, 0}
	s = append(s, body...)
	s = be.AppendUint32(s, crc(s))
	s = append([]byte{0}, s...)
	for len(s) < 184 {
		s = append(s, 0xFF)
	}
	m.packet(pid, true, nil, s)
}

func (m *tsMux) tables() {
	m.section(0, 0, []byte{0, 1, 0xE0 | pidPMT>>8, 0})
	video := byte(0x1B)
	if m.hevc {
		video = 0x24
	}
	b := []byte{0xE0 | pidVideo>>8, pidVideo & 255, 0xF0, 0, video, 0xE0 | pidVideo>>8, pidVideo & 255, 0xF0, 0}
	if !m.silent {
		b = append(b, 0x0F, 0xE0|pidAudio>>8, pidAudio&255, 0xF0, 0)
	}
	m.section(pidPMT, 2, b)
}

func appendTime(dst []byte, mark byte, v int64) []byte {
	v &= 1<<33 - 1
	return append(dst, mark<<4|byte(v>>30)<<1|1, byte(v>>22), byte(v>>15)<<1|1, byte(v>>7), byte(v)<<1|1)
}

// pes writes a PES packet, with a PCR in front of pictures.
func (m *tsMux) pes(pid uint16, pts, dts int64, data []byte) {
	id, flags := byte(0xE0), byte(0x80)
	times := appendTime(nil, 2, pts)
	if pts != dts {
		flags, times = 0xC0, appendTime(appendTime(nil, 3, pts), 1, dts)
	}
	b := []byte{0, 0, 1, id, 0, 0, 0x84, flags, byte(len(times))}
	b = append(append(b, times...), data...)
	var field []byte
	if pid == pidAudio {
		b[3] = 0xC0
		b[4], b[5] = byte((len(b)-6)>>8), byte(len(b)-6)
	} else if !m.nopcr {
		pcr := (dts - 9000) & (1<<33 - 1)
		field = []byte{0x50, byte(pcr >> 25), byte(pcr >> 17), byte(pcr >> 9), byte(pcr >> 1), byte(pcr<<7) | 0x7E, 0}
	}
	for start := true; start || len(b) > 0; start = false {
		b = m.packet(pid, start, field, b)
		field = nil
	}
}

// unit is a frame on its way into a transport stream, in ticks of 90 kHz.
type unit struct {
	pid      uint16
	pts, dts int64
	data     []byte
}

// units returns the frames of a fragment in the order in which they are sent.
func (r *recording) units(tb testing.TB, k int, shift int64) []unit {
	tb.Helper()
	var list []unit
	for i, run := range r.fragments[k].runs {
		dts := run.DTS
		for _, s := range run.Samples {
			to90 := func(v int64) int64 { return v*90_000/int64(run.Timescale) + shift }
			u := unit{pid: pidVideo, dts: to90(dts), pts: to90(dts + int64(s.CompositionOffset))}
			switch c := r.tracks[i].Config.(type) {
			case *codec.AVC:
				u.data = []byte{0, 0, 0, 1, 9, 0xF0}
				if s.Sync {
					u.data = appendUnits(u.data, c.SPS, c.PPS)
				}
				u.data = codec.AppendAnnexB(u.data, s.Data)
			case *codec.HEVC:
				u.data = []byte{0, 0, 0, 1, 35 << 1, 1, 0x50}
				if s.Sync {
					u.data = appendUnits(u.data, c.VPS, c.SPS, c.PPS)
				}
				u.data = codec.AppendAnnexB(u.data, s.Data)
			case *codec.AAC:
				u.pid = pidAudio
				b, err := c.AppendADTS(nil, len(s.Data), true)
				if err != nil {
					tb.Fatal(err)
				}
				u.data = append(b, s.Data...)
			}
			list = append(list, u)
			dts += int64(s.Duration)
		}
	}
	slices.SortStableFunc(list, func(a, b unit) int { return int(a.dts - b.dts) })
	return list
}

func appendUnits(dst []byte, sets ...[][]byte) []byte {
	for _, set := range sets {
		for _, u := range set {
			dst = append(append(dst, 0, 0, 0, 1), u...)
		}
	}
	return dst
}

// newMux returns a muxer for the recording.
func (r *recording) newMux() *tsMux {
	m := &tsMux{counters: map[uint16]byte{}, silent: len(r.tracks) == 1}
	_, m.hevc = r.tracks[0].Config.(*codec.HEVC)
	return m
}

// transport returns the recording as one transport stream per fragment. change may be nil.
func (r *recording) transport(tb testing.TB, shift int64, change func(k int, list []unit) []unit) [][]byte {
	tb.Helper()
	m := r.newMux()
	var segments [][]byte
	for k := range r.fragments {
		list := r.units(tb, k, shift)
		if change != nil {
			list = change(k, list)
		}
		m.out = nil
		m.tables()
		for _, u := range list {
			m.pes(u.pid, u.pts, u.dts, u.data)
		}
		segments = append(segments, m.out)
	}
	return segments
}

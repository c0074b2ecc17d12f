package check_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// tenSeconds is where the streams of the tests begin.
const tenSeconds = 900_000

// streams has the sample as a transport stream.
func streams(tb testing.TB) site {
	s := site{}
	s.set("file.ts", bytes.Join(record(tb, "sample.mkv").transport(tb, tenSeconds, nil), nil))
	return s
}

var goodTS = []goodCase{
	{"transport stream", streams, "file.ts"},
	{"times wrap", func(tb testing.TB) site {
		s := site{}
		s.set("file.ts", bytes.Join(record(tb, "sample.mkv").transport(tb, 1<<33-180_000, nil), nil))
		return s
	}, "file.ts"},
	{"HEVC in a transport stream", func(tb testing.TB) site {
		s := site{}
		s.set("file.ts", bytes.Join(record(tb, "hevc-aac.mkv").transport(tb, tenSeconds, nil), nil))
		return s
	}, "file.ts"},
}

// packets is an edit of the packets in place.
func packets(change func(b []byte)) func(*testing.T, site) {
	return func(_ *testing.T, s site) { change(s["file.ts"].body) }
}

// nth returns the nth packet of a PID with a payload, or with start, the nth that begins something.
func nth(b []byte, pid uint16, n int, start bool) []byte {
	for ; len(b) >= 188; b = b[188:] {
		if be.Uint16(b[1:])&0x1FFF == pid && (!start || b[1]&0x40 != 0) {
			if n == 0 {
				return b[:188]
			}
			n--
		}
	}
	return nil
}

// payload returns the payload of a packet.
func payload(p []byte) []byte {
	if p[3]&0x20 != 0 {
		return p[5+p[4]:]
	}
	return p[4:]
}

// units is an edit of the frames before they are written.
func units(change func(k int, list []unit) []unit) func(*testing.T, site) {
	return func(t *testing.T, s site) {
		s.set("file.ts", bytes.Join(record(t, "sample.mkv").transport(t, tenSeconds, change), nil))
	}
}

// frame changes the nth picture or frame of sound of the first fragment.
func frame(pid uint16, n int, change func(u *unit)) func(*testing.T, site) {
	return units(func(k int, list []unit) []unit {
		i := 0
		for j := range list {
			if k == 0 && list[j].pid == pid {
				if i == n {
					list[j].data = bytes.Clone(list[j].data)
					change(&list[j])
				}
				i++
			}
		}
		return list
	})
}

var badTS = []ruleCase{
	{"half a packet", streams, "file.ts", func(_ *testing.T, s site) { s.set("file.ts", s["file.ts"].body[:188*20+100]) }, "T01"},
	{"sync byte", streams, "file.ts", packets(func(b []byte) { nth(b, pidVideo, 3, false)[0] = 0x48 }), "T02 T03"},
	{"counter", streams, "file.ts", packets(func(b []byte) { nth(b, pidVideo, 3, false)[3] ^= 4 }), "T03"},
	{"packet lost", streams, "file.ts", func(_ *testing.T, s site) {
		b := s["file.ts"].body
		s.set("file.ts", slices.Concat(b[:188*5], b[188*6:]))
	}, "T03"},
	{"transport error", streams, "file.ts", packets(func(b []byte) { nth(b, pidVideo, 3, false)[1] |= 0x80 }), "T04 T03"},
	{"scrambled", streams, "file.ts", packets(func(b []byte) { nth(b, pidVideo, 3, false)[3] |= 0x80 }), "T04 T03"},
	{"CRC of the PMT", streams, "file.ts", packets(func(b []byte) { payload(nth(b, pidPMT, 1, false))[20] ^= 1 }), "T05"},
	{"no PMT", streams, "file.ts", func(_ *testing.T, s site) {
		b := s["file.ts"].body
		for p := nth(b, pidPMT, 0, false); p != nil; p = nth(b, pidPMT, 0, false) {
			p[1], p[2] = 0x1F, 0xFF
		}
	}, "T06 T09"},
	{"two programs", streams, "file.ts", packets(func(b []byte) {
		p := payload(nth(b, 0, 0, true))[1:]
		p[2] += 4
		copy(p[12:], []byte{0, 2, 0xF0, 2})
		be.PutUint32(p[16:], crc(p[:16]))
	}), "T06"},
	{"start code", streams, "file.ts", packets(func(b []byte) { payload(nth(b, pidVideo, 2, true))[2] = 2 }), "T07"},
	{"PES length", streams, "file.ts", packets(func(b []byte) { payload(nth(b, pidAudio, 2, true))[5]++ }), "T07"},
	{"no PTS", streams, "file.ts", packets(func(b []byte) { payload(nth(b, pidAudio, 2, true))[7] = 0 }), "T08"},
	{"DTS after PTS", streams, "file.ts", frame(pidVideo, 1, func(u *unit) { u.pts = u.dts - 10 }), "T08"},
	{"no PCR", streams, "file.ts", func(t *testing.T, s site) {
		r := record(t, "sample.mkv")
		m := r.newMux()
		m.nopcr = true
		m.tables()
		for _, u := range r.units(t, 0, tenSeconds) {
			m.pes(u.pid, u.pts, u.dts, u.data)
		}
		s.set("file.ts", m.out)
	}, "T09"},
	{"PCR goes back", streams, "file.ts", packets(func(b []byte) { nth(b, pidVideo, 4, true)[8] -= 16 }), "T10 T11"},
	{"PCR is rare", streams, "file.ts", packets(func(b []byte) {
		for i := range 3 {
			p := nth(b, pidVideo, 2+i, true)
			p[5] = 0
			copy(p[6:], bytes.Repeat([]byte{0xFF}, 6))
		}
	}), "T11"},
	{"DTS goes back", streams, "file.ts", frame(pidAudio, 5, func(u *unit) { u.dts, u.pts = u.dts-5000, u.pts-5000 }), "T12"},
	{"DTS before PCR", streams, "file.ts", frame(pidAudio, 0, func(u *unit) { u.dts, u.pts = u.dts-20_000, u.pts-20_000 }), "T13"},
	{"no delimiter", streams, "file.ts", frame(pidVideo, 3, func(u *unit) { u.data = u.data[6:] }), "T14"},
	{"no parameter sets", streams, "file.ts", frame(pidVideo, 0, func(u *unit) {
		at := bytes.Index(u.data, []byte{0, 0, 0, 1, 0x68})
		u.data[at+4] = 0x6C
	}), "T15"},
	{"ADTS frame cut", streams, "file.ts", frame(pidAudio, 4, func(u *unit) { u.data = u.data[:len(u.data)-3] }), "T16"},
	{"ADTS sync word", streams, "file.ts", frame(pidAudio, 4, func(u *unit) { u.data[0] = 0 }), "T16"},
	{"PTS is rare", streams, "file.ts", units(func(k int, list []unit) []unit {
		if k != 1 {
			return list
		}
		return slices.DeleteFunc(list, func(u unit) bool { return u.pid == pidAudio })
	}), "T17"},
	{"begins with another picture", streams, "file.ts", units(func(k int, list []unit) []unit {
		if k == 0 {
			return slices.DeleteFunc(list, func(u unit) bool { return u.dts < list[0].dts+9_000 })
		}
		return list
	}), "T18"},
	{"adaptation field", streams, "file.ts", packets(func(b []byte) { nth(b, pidVideo, 2, true)[4] = 183 }), "T19 T03"},
	{"stuffing", streams, "file.ts", func(t *testing.T, s site) {
		b := s["file.ts"].body
		for n := 0; ; n++ {
			p := nth(b, pidVideo, n, false)
			if p[3]&0x20 != 0 && p[4] > 20 && p[1]&0x40 == 0 {
				p[20] = 0
				return
			}
		}
	}, "T19 T03"},
}

// hlsTransport has the sample as HLS in transport streams: master.m3u8, media.m3u8.
func hlsTransport(tb testing.TB) site {
	r, s := record(tb, "sample.mkv"), site{}
	var list strings.Builder
	list.WriteString("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n")
	for k, b := range r.transport(tb, 1<<33-180_000, nil) {
		name := fmt.Sprintf("%d.ts", k+1)
		s.set(name, b)
		fmt.Fprintf(&list, "#EXTINF:%.3f,\n%s\n", r.fragments[k].length.Seconds(), name)
	}
	s.set("media.m3u8", []byte(list.String()+"#EXT-X-ENDLIST\n"))
	s.set("master.m3u8", fmt.Appendf(nil, "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS=\"%s,mp4a.40.2\",RESOLUTION=160x90,FRAME-RATE=25\nmedia.m3u8\n",
		r.tracks[0].Config.CodecString()))
	return s
}

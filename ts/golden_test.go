package ts_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// dump writes a line for each packet, and below the first one of each table and PES packet the bytes that it begins with.
func dump(b []byte) string {
	var out strings.Builder
	for n := 0; n*ts.PacketSize < len(b); n++ {
		p := b[n*ts.PacketSize:][:ts.PacketSize]
		fmt.Fprintf(&out, "%3d PID %04x counter %2d", n, int(p[1]&0x1F)<<8|int(p[2]), p[3]&15)
		body := p[4:]
		if p[3]&0x20 != 0 {
			field := body[1:][:body[0]]
			body = body[1+len(field):]
			fmt.Fprintf(&out, "  adaptation %d", len(field))
			if len(field) > 0 {
				for i, name := range []string{"discontinuity", "random-access", "", "PCR"} {
					if field[0]<<i&0x80 != 0 {
						fmt.Fprintf(&out, " %s", name)
					}
				}
				if field[0]&0x10 != 0 {
					fmt.Fprintf(&out, " %d", int64(binary.BigEndian.Uint32(field[1:]))<<1|int64(field[5]>>7))
				}
			}
		}
		if p[3]&0x10 != 0 {
			fmt.Fprintf(&out, "  payload %d", len(body))
		}
		out.WriteByte('\n')
		if p[1]&0x40 != 0 {
			for head := body[:min(len(body), 96)]; len(head) > 0; {
				k := min(len(head), 32)
				fmt.Fprintf(&out, "      | %x\n", head[:k])
				head = head[k:]
			}
		}
	}
	return out.String()
}

func TestAppendChunkGolden(t *testing.T) {
	english := sound(aac(t, 3), 5, 60, 907_200)
	english.Track.Language = "eng"
	german := sound(aac(t, 4), 4, 90, 907_200)
	german.Track.Language = "ger"
	tests := []struct {
		name string
		runs []ts.Run
	}{
		{"avc-aac", []ts.Run{pictures(avc(t), 5, 150, 900_000, 3600), sound(aac(t, 3), 8, 60, 907_200)}},
		{"hevc", []ts.Run{pictures(hevc(t), 4, 150, 1<<33-3600, 3600)}},
		{"aac", []ts.Run{sound(aac(t, 3), 30, 100, 900_000)}},
		{"two-languages", []ts.Run{pictures(avc(t), 1, 40, 900_000, 3600), english, german}},
		{"slow-pictures", []ts.Run{pictures(avc(t), 3, 300, 900_000, 45_000), sound(aac(t, 3), 40, 60, 907_200)}},
		{"no-pictures", []ts.Run{{Track: track(avc(t))}, sound(aac(t, 3), 20, 60, 907_200)}},
		{"nothing", []ts.Run{{Track: track(avc(t))}, {Track: track(aac(t, 3))}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, _ := check(t, tt.runs)
			golden(t, tt.name+".txt", dump(b))
		})
	}
}

// TestManyStreams has a PMT that does not fit one packet.
func TestManyStreams(t *testing.T) {
	runs := []ts.Run{pictures(avc(t), 3, 500, 900_000, 3600)}
	for i := range 31 {
		r := sound(aac(t, 3), 4, 60, 900_000)
		r.Track.Language = fmt.Sprintf("a%c%c", 'a'+i/26, 'a'+i%26)
		runs = append(runs, r)
	}
	_, c := check(t, runs)
	for i, e := range c.streams[1:] {
		if want := runs[i+1].Track.Language; e.language != want {
			t.Errorf("stream %d has the language %q, want %q", i, e.language, want)
		}
	}
	if first := c.units[0].firstPacket; first != 3 {
		t.Errorf("the first frame is in packet %d, want 3", first)
	}
}

func TestLanguage(t *testing.T) {
	for language, want := range map[string]string{
		"": "", "en": "", "eng": "eng", "GER": "ger", "fra-CA": "fra", "und": "", "e1g": "", "english": "", "é1": "", "@`[": "",
	} {
		r := sound(aac(t, 3), 1, 60, 900_000)
		r.Track.Language = language
		if _, c := check(t, []ts.Run{r}); c.streams[0].language != want {
			t.Errorf("%q became %q, want %q", language, c.streams[0].language, want)
		}
	}
}

// TestParameterSets holds rules 45 and 46: one delimiter, sets in order and none twice.
func TestParameterSets(t *testing.T) {
	a, h := avc(t), hevc(t)
	sps, pps := nal(a, 7, 20), nal(a, 8, 9)
	x := func(parts ...any) []byte { // a number: an H.264 NAL unit of that type; bytes: a NAL unit
		var b []byte
		for _, p := range parts {
			b = append(b, 0, 0, 0, 1)
			switch p := p.(type) {
			case int:
				b = append(b, nal(a, p, 12)...)
			case []byte:
				b = append(b, p...)
			}
		}
		return b
	}
	aud, haud := []byte{9, 0xF0}, []byte{0x46, 1, 0x50}
	n := func(typ int) []byte { return nal(a, typ, 12) }
	hn := func(typ int) []byte { return nal(h, typ, 12) }
	tests := []struct {
		name   string
		config codec.Config
		key    bool
		data   []byte
		want   []byte
	}{
		{"key", a, true, units(n(6), n(5)), x(aud, a.SPS[0], a.PPS[0], 6, 5)},
		{"not key", a, false, units(n(6), n(1)), x(aud, 6, 1)},
		{"delimiter", a, false, units([]byte{9, 0x10}, n(1)), x(aud, 1)},
		{"delimiters", a, true, units(n(9), n(6), n(9), n(5), n(9)), x(aud, a.SPS[0], a.PPS[0], 6, 5)},
		{"delimiter alone", a, false, units([]byte{9, 0x10}), x(aud)},
		{"own sets", a, true, units(sps, pps, n(5)), x(aud, a.SPS[0], sps, a.PPS[0], pps, 5)},
		{"own sets after others", a, true, units([]byte{9, 0x10}, n(6), pps, sps, n(5)), x(aud, a.SPS[0], sps, a.PPS[0], pps, 6, 5)},
		{"own SPS", a, true, units(sps, n(6), n(5)), x(aud, a.SPS[0], sps, a.PPS[0], 6, 5)},
		{"own PPS", a, true, units(pps, n(5)), x(aud, a.SPS[0], a.PPS[0], pps, 5)},
		{"the record's sets", a, true, units(a.SPS[0], a.PPS[0], n(5)), x(aud, a.SPS[0], a.PPS[0], 5)},
		{"the record's PPS and another", a, true, units(pps, a.PPS[0], n(5)), x(aud, a.SPS[0], pps, a.PPS[0], 5)},
		{"two PPS", a, true, units(pps, nal(a, 8, 10), n(5)), x(aud, a.SPS[0], a.PPS[0], pps, nal(a, 8, 10), 5)},
		{"extension", a, true, units(sps, n(13), pps, n(5)), x(aud, a.SPS[0], sps, n(13), a.PPS[0], pps, 5)},
		{"PPS between slices", a, true, units(n(5), pps, n(1)), x(aud, a.SPS[0], a.PPS[0], 5, pps, 1)},
		{"sets in another picture", a, false, units(n(6), sps, pps, n(1)), x(aud, 6, sps, pps, 1)},
		{"hevc key", h, true, units(hn(39), hn(19)), x(haud, h.VPS[0], h.SPS[0], h.PPS[0], hn(39), hn(19))},
		{"hevc own SPS and PPS", h, true, units(hn(35), hn(33), hn(34), hn(21)), x(haud, h.VPS[0], h.SPS[0], hn(33), h.PPS[0], hn(34), hn(21))},
		{"hevc own VPS", h, true, units(hn(32), hn(20)), x(haud, h.VPS[0], hn(32), h.SPS[0], h.PPS[0], hn(20))},
		{"hevc not key", h, false, units(hn(35), hn(1), hn(40)), x(haud, hn(1), hn(40))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runs := []ts.Run{{Track: track(tt.config), Samples: []ts.Sample{{PTS: 900_000, DTS: 900_000, Key: tt.key, Data: tt.data}}}}
			_, c := check(t, runs)
			if got := c.units[0].data; string(got) != string(tt.want) {
				t.Errorf("% x\nwant\n% x", got, tt.want)
			}
		})
	}
}

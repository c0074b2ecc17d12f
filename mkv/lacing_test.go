package mkv_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/mkv"
)

// sizes returns the lacing head for frames of these sizes: their count less one, then all but the last.
func sizes(lacing byte, all ...int) string {
	b := []byte{byte(len(all) - 1)}
	for i, n := range all[:len(all)-1] {
		switch lacing {
		case xiph:
			b = append(append(b, slices.Repeat([]byte{255}, n/255)...), byte(n%255))
		case laced:
			v, width := n, 1
			if i == 0 {
				for v >= 1<<(7*width)-1 {
					width++
				}
			} else {
				for v = n - all[i-1]; v <= -1<<(7*width-1) || v >= 1<<(7*width-1); {
					width++
				}
				v += 1<<(7*width-1) - 1
			}
			b = append(b, vint(uint64(v), width)...)
		}
	}
	return string(b)
}

// laces returns a document with one laced SimpleBlock at 1 s of a track with 20 ms frames.
func laces(lacing byte, data ...string) []byte {
	return doc(el(idTracks, entry(1, num(idDefaultDuration, 20e6))), cluster(1000, el(idSimpleBlock, block(1, 0, key|lacing, data...))))
}

// TestLacing has rules 25 and 26.
func TestLacing(t *testing.T) {
	head := []string{"document 0", "tracks 1", "cluster 0"}
	three := append(head[:3:3], "1@1s a key", "1@1.02s bb key laced", "1@1.04s c key laced")
	equal := append(head[:3:3], "1@1s aa key", "1@1.02s bb key laced", "1@1.04s cc key laced")
	var cases []readCase
	for name, lacing := range map[string]byte{"Xiph": xiph, "EBML": laced} {
		add := func(what string, want []string, data ...string) {
			cases = append(cases, readCase{name: "rule 25: " + name + what, data: laces(lacing, data...), want: want})
		}
		refuse := func(what string, data ...string) {
			b := block(1, 0, key|lacing, data...)
			cases = append(cases, readCase{name: "rule 25: " + name + what, data: laces(lacing, data...), want: head, is: mkv.ErrSyntax, at: b, path: "Segment/Cluster[0]/Block[0]"})
		}
		add(", three frames", three, sizes(lacing, 1, 2, 1), "abbc")
		add(", one frame", append(head[:3:3], "1@1s abc key"), sizes(lacing, 3), "abc")
		add(", frames of no bytes are left out", append(head[:3:3], "1@1.02s bb key laced"), sizes(lacing, 0, 2, 0), "bb")
		add(", no frame has bytes", head, sizes(lacing, 0, 0))
		for _, n := range []int{62, 63, 64, 65, 126, 127, 128, 254, 255, 256, 510, 8190, 8191, 8192, 8193, 16383, 70000} {
			long := strings.Repeat("x", n)
			add(fmt.Sprintf(", up and down by %d bytes", n), append(head[:3:3], "1@1s "+long+" key", "1@1.02s a key laced", "1@1.04s "+long+" key laced", "1@1.06s b key laced"), sizes(lacing, n, 1, n, 1), long, "a", long, "b")
		}
		refuse(", no count")
		refuse(", count alone", "\x01")
		refuse(", sizes end early", sizes(lacing, 1, 2, 1)[:2])
		refuse(", frames larger than the block", sizes(lacing, 1, 5, 1), "abbc")
	}
	many := append(head[:3:3], "1@1s x key")
	for i := 1; i < 256; i++ {
		many = append(many, fmt.Sprintf("1@%v x key laced", time.Second+time.Duration(i)*20*time.Millisecond))
	}
	ones := slices.Repeat([]int{1}, 256)
	for name, lacing := range map[string]byte{"Xiph": xiph, "fixed": fixed, "EBML": laced} {
		cases = append(cases, readCase{name: "rule 25: 256 frames, " + name, data: laces(lacing, sizes(lacing, ones...), strings.Repeat("x", 256)), want: many})
	}
	grouped := func(parts ...[]byte) []byte {
		return doc(tracks(), cluster(1000, el(idBlockGroup, append([][]byte{el(idBlock, block(1, 0, fixed, "\x02aabbcc"))}, parts...)...)))
	}
	cases = append(cases,
		readCase{name: "rule 25: fixed", data: laces(fixed, sizes(fixed, 2, 2, 2), "aabbcc"), want: equal},
		readCase{name: "rule 25: fixed, one frame", data: laces(fixed, "\x00abc"), want: append(head[:3:3], "1@1s abc key")},
		readCase{name: "rule 25: fixed, not divisible", data: laces(fixed, "\x01abc"), want: head, is: mkv.ErrSyntax},
		readCase{name: "rule 25: fixed, no count", data: laces(fixed), want: head, is: mkv.ErrSyntax},
		readCase{name: "rule 25: EBML, a size goes below 0", data: laces(laced, "\x02\x81\x80", "abc"), want: head, is: mkv.ErrSyntax},
		readCase{name: "rule 25: EBML, sizes near 2^56", data: laces(laced, "\x02\x01\xff\xff\xff\xff\xff\xff\xff\x01\xff\xff\xff\xff\xff\xff\xff", "abc"), want: head, is: mkv.ErrSyntax},
		readCase{name: "rule 25: no lacing, no bytes", data: laces(0), want: head, is: mkv.ErrSyntax},
		readCase{name: "rule 26: neither DefaultDuration nor BlockDuration", data: grouped(), want: append(head[:3:3], "1@1s aa key", "1@1s bb key laced", "1@1s cc key laced")},
		readCase{name: "rule 26: BlockDuration is that of the lace", data: grouped(num(idBlockDuration, 90)), want: append(head[:3:3], "1@1s aa key", "1@1.03s bb key laced", "1@1.06s cc key laced")},
		readCase{name: "rule 26: BlockDuration is past all reckoning", data: grouped(el(idBlockDuration, []byte{0, 0, 0x08, 0, 0, 0, 0, 0})), want: append(head[:3:3], "1@1s aa key", "1@1s bb key laced", "1@1s cc key laced")},
	)
	runCases(t, cases)
}

// TestFrameLength has rule 26 where the caller knows how long frames are.
func TestFrameLength(t *testing.T) {
	data := laces(xiph, sizes(xiph, 80, 160, 8), strings.Repeat("x", 248))
	for _, tt := range []struct {
		name     string
		num, den int64
		perByte  bool
		want     []time.Duration
	}{
		{"frames of 1024 samples", 1024e9, 48000, false, []time.Duration{time.Second, 1021333333, 1042666666}},
		{"bytes of 8 kHz", 1e9, 8000, true, []time.Duration{time.Second, 1010 * time.Millisecond, 1030 * time.Millisecond}},
		{"no length", 0, 0, false, []time.Duration{time.Second, 1020 * time.Millisecond, 1040 * time.Millisecond}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := mkv.NewBytesReader(data, nil)
			var got []time.Duration
			for {
				token, err := r.Read()
				if err != nil {
					break
				}
				if token == mkv.TokenTracks {
					r.SetFrameLength(1, tt.num, tt.den, tt.perByte)
					r.SetFrameLength(9, 1, 1, false)
				}
				if token == mkv.TokenBlock {
					got = append(got, r.Block().PTS)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
		})
	}
}

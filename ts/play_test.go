package ts_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// packet is what ffprobe says of a packet.
type packet struct {
	Stream int    `json:"stream_index"`
	PTS    *int64 `json:"pts"`
	DTS    *int64 `json:"dts"`
	Size   string `json:"size"`
}

// probe writes b to a file and returns the packets that ffprobe finds in each stream.
func probe(tb testing.TB, b []byte) (string, map[int][]packet) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "out.ts")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		tb.Fatal(err)
	}
	var out struct{ Packets []packet }
	text := run(tb, "ffprobe", "-v", "warning", "-show_packets", "-of", "json", path)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		tb.Fatal(err)
	}
	streams := map[int][]packet{}
	for _, p := range out.Packets {
		streams[p.Stream] = append(streams[p.Stream], p)
	}
	return path, streams
}

// decode has ffmpeg decode the tracks of a file and stop at the first complaint. What it decodes gets new times: those of chunks in
// another order go back, which ffmpeg's muxers take amiss.
func decode(tb testing.TB, path string, runs []ts.Run) {
	tb.Helper()
	args := []string{"-nostdin", "-y", "-v", "warning", "-xerror", "-err_detect", "crccheck+bitstream+buffer+explode", "-i", path}
	for i, r := range runs {
		args = append(args, "-map", "0:"+strconv.Itoa(i))
		if r.Track.Kind == codec.Video {
			args = append(args, "-vf", "setpts=N/TB", "-fps_mode", "passthrough", "-f", "rawvideo", os.DevNull)
		} else {
			args = append(args, "-af", "asetpts=N/SR/TB", "-f", "s16le", os.DevNull)
		}
	}
	run(tb, "ffmpeg", args...)
}

// TestPlay has ffmpeg decode the chunks of real files without a complaint, and compares the time of every packet.
func TestPlay(t *testing.T) {
	const wrap = 1 << 33
	tests := []struct {
		name  string
		first int64
	}{
		{"sample.mkv", 0}, // the clock begins before the wrap
		{"sample.mkv", ts.Lead},
		{"sample.mkv", wrap - 2*ts.Clock90k},
		{"h264-nob.mkv", ts.Lead},
		{"hevc-aac.mkv", ts.Lead},
		{"hevc-aac.mkv", 1_700_000_000 * ts.Clock90k},
		{"audio-only.mkv", ts.Lead},
		{"audio-only.mkv", wrap - 2*ts.Clock90k},
		{"two-audio.mkv", ts.Lead},
		{"opengop.mkv", ts.Lead},
		{"interlaced.mkv", ts.Lead},
		{"vfr.mkv", ts.Lead},
	}
	for _, tt := range tests {
		t.Run(tt.name+"/"+strconv.FormatInt(tt.first, 10), func(t *testing.T) {
			var all []byte
			want := map[int][]ts.Sample{}
			var last []ts.Run
			for _, runs := range fragments(t, tt.name, tt.first) {
				b, _ := check(t, runs)
				all = append(all, b...)
				last = runs
				for i, r := range runs {
					want[i] = append(want[i], r.Samples...)
				}
			}
			path, got := probe(t, all)
			decode(t, path, last)
			for i, samples := range want {
				if len(got[i]) != len(samples) {
					t.Fatalf("stream %d: %d packets, want %d", i, len(got[i]), len(samples))
				}
				for k, s := range samples {
					p := got[i][k]
					dts := s.DTS
					if last[i].Track.Kind == codec.Audio {
						dts = s.PTS
					}
					if p.PTS == nil || p.DTS == nil {
						t.Fatalf("stream %d packet %d has no times", i, k)
					}
					// ffprobe undoes the wrap by the first time it sees.
					if a, b := wrapDiff(*p.PTS, s.PTS), wrapDiff(*p.DTS, dts); a < -1 || a > 1 || b < -1 || b > 1 {
						t.Fatalf("stream %d packet %d: PTS %d, DTS %d, want %d, %d", i, k, *p.PTS, *p.DTS, s.PTS, dts)
					}
				}
			}
		})
	}
}

// TestPlayAnyOrder has ffmpeg read chunks in any order: no counter, clock or table of one contradicts another.
func TestPlayAnyOrder(t *testing.T) {
	for _, name := range []string{"sample.mkv", "hevc-aac.mkv", "audio-only.mkv"} {
		t.Run(name, func(t *testing.T) {
			var chunks [][]byte
			var samples []int
			var last []ts.Run
			for _, runs := range fragments(t, name, 10*ts.Clock90k) {
				b, _ := check(t, runs)
				chunks = append(chunks, b)
				n := 0
				last = runs
				for _, r := range runs {
					n += len(r.Samples)
				}
				samples = append(samples, n)
			}
			rnd := rand.New(rand.NewPCG(5, 6))
			for range 3 {
				var all []byte
				want := 0
				for range 4 {
					i := rnd.IntN(len(chunks))
					all, want = append(all, chunks[i]...), want+samples[i]
				}
				path, got := probe(t, all)
				n := 0
				for _, p := range got {
					n += len(p)
				}
				if n != want {
					t.Errorf("%d packets, want %d", n, want)
				}
				decode(t, path, last)
			}
		})
	}
}

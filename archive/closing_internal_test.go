package archive

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
)

// TestClosed puts sound in front of a fragment behind a gap, on a clock of milliseconds: the pictures before ended at 1000 and go on at
// 3000. All that is said of times is on the document's clock.
func TestClosed(t *testing.T) {
	const frame = 20
	span := func(from, to int64) (pts []int64) {
		for ; from < to; from += frame {
			pts = append(pts, from)
		}
		return pts
	}
	cat := func(lists ...[]int64) (all []int64) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	tests := []struct {
		name   string
		sound  []int64
		before int64 // where the sound before ended
		begin  time.Duration
		want   []int64
	}{
		{"none early", span(2980, 4000), 980, 3 * time.Second, span(2980, 4000)},
		{"from before the gap", cat(span(960, 1000), span(3000, 4000)), 960, 3 * time.Second, span(2960, 4000)},
		{"through the gap", span(980, 4000), 980, 3 * time.Second, cat([]int64{2980}, span(3000, 4000))},
		{"from within the gap", cat(span(1500, 1600), span(3000, 4000)), 1000, 3 * time.Second, span(3000, 4000)},
		{"soon before the pictures, when it had ended long before", cat(span(2900, 4000)), 800, 3 * time.Second, span(2900, 4000)},
		{"only before the gap", span(940, 1000), 940, 3 * time.Second, span(2940, 3000)},
		{"only within the gap", span(1200, 1400), 1000, 3 * time.Second, nil},
		{"the sound before was longer", span(3000, 4000), 1070, 3 * time.Second, span(3060, 4000)},
		{"it was longer by less than half a frame", span(3000, 4000), 1009, 3 * time.Second, span(3000, 4000)},
		{"it was longer by far", span(3000, 4000), 1600, 3 * time.Second, span(3000, 4000)},
		{"no gap", cat(span(500, 980), span(1040, 2000)), 500, 1040 * time.Millisecond, cat(span(500, 980), span(1040, 2000))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, shift := range []time.Duration{0, time.Hour} {
				moved := shift.Milliseconds()
				run := weir.Run{Track: &codec.Track{Kind: codec.Audio}, Timescale: 1000, DTS: tt.sound[0] + moved}
				for i, p := range tt.sound {
					s := weir.Sample{PTS: p + moved, Duration: frame, Data: make([]byte, 7)}
					if i+1 < len(tt.sound) {
						s.Duration = uint32(tt.sound[i+1] - p)
					}
					run.Samples = append(run.Samples, s)
				}
				run.Bytes = int64(7 * len(run.Samples))
				f := &weir.Fragment{Begin: tt.begin + shift, Runs: []weir.Run{run}}
				state := &weir.State{Started: true, End: time.Second, Tracks: []weir.TrackState{{Started: true, End: tt.before}}}
				got := closed(f, 0, state, shift)
				var pts []int64
				for _, s := range got.Samples {
					pts = append(pts, s.PTS-moved)
				}
				if diff := cmp.Diff(tt.want, pts); diff != "" {
					t.Errorf("shift %v (-want +got):\n%s", shift, diff)
				}
				if got.Bytes != int64(7*len(pts)) {
					t.Errorf("%d bytes of %d samples", got.Bytes, len(pts))
				}
				last := got.DTS
				for i, s := range got.Samples {
					if s.PTS != last || s.Duration == 0 {
						t.Errorf("sample %d at %d, want %d; it lasts %d", i, s.PTS, last, s.Duration)
					}
					last = s.PTS + int64(s.Duration)
				}
				if want := tt.sound[0] + moved; f.Runs[0].Samples[0].PTS != want {
					t.Errorf("the fragment's own first sample is at %d, want %d", f.Runs[0].Samples[0].PTS, want)
				}
			}
		})
	}
}

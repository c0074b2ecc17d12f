package weir

import (
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// AppendFrames appends f's frames in the order in which they are decoded, all tracks together, with times on the timeline's
// clock and CodecDelay added again: what a Matroska Cluster of the same tracks has.
func AppendFrames(dst []codec.Frame, f *Fragment) []codec.Frame {
	next := make([]int, len(f.Runs))
	at := make([]int64, len(f.Runs))
	for i := range f.Runs {
		at[i] = f.Runs[i].DTS
	}
	for {
		best := -1
		var first time.Duration
		for i := range f.Runs {
			if next[i] == len(f.Runs[i].Samples) {
				continue
			}
			if t := duration(at[i], f.Runs[i].Timescale); best < 0 || t < first {
				best, first = i, t
			}
		}
		if best < 0 {
			return dst
		}
		r := &f.Runs[best]
		s := &r.Samples[next[best]]
		dst = append(dst, codec.Frame{Track: r.Track.Number, PTS: duration(s.PTS, r.Timescale) + r.Track.CodecDelay, DTS: first, Key: s.Sync, Data: s.Data})
		at[best] += int64(s.Duration)
		next[best]++
	}
}

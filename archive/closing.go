package archive

import (
	"slices"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
)

// closed returns a track's run of f for a timeline on which fragments follow each other without gaps (timeline.md, 8). Where pictures
// are missing before a fragment, its Cluster may begin with sound from before or from within the gap. The former goes on from the
// fragment before; the latter has no place on such a timeline, and is left out. before is the state that the fragment was settled from,
// and shift what was added to the fragment's times since.
func closed(f *weir.Fragment, track int, before *weir.State, shift time.Duration) weir.Run {
	r := f.Runs[track]
	first := f.Begin - shift // on the clock that the fragment was settled by, on which rounding is the same each time
	if r.Track.Kind != codec.Audio || !before.Started || first-before.End <= store.Tolerance || track >= len(before.Tracks) || !before.Tracks[track].Started {
		return r
	}
	at := func(d time.Duration) int64 { return mediaTicks(d, r.Timescale) }
	base := at(shift)
	if len(r.Samples) == 0 || r.Samples[0].PTS >= base+at(first-store.Tolerance) {
		return r
	}
	begin, end := base+at(first), base+at(before.End)
	early := 1
	for early < len(r.Samples) && r.Samples[early].PTS < begin {
		early++
	}
	gap := at(first) - at(before.End)
	free := base + before.Tracks[track].End + gap // where the sound before ends when the gap is closed
	var kept []weir.Sample
	for _, s := range r.Samples[:early] {
		switch {
		case s.PTS >= free:
		case s.PTS < end:
			s.PTS += gap
		default:
			continue
		}
		behind := len(kept) == 0 && s.PTS >= free || len(kept) > 0 && s.PTS > kept[len(kept)-1].PTS
		if behind && (early == len(r.Samples) || s.PTS < r.Samples[early].PTS) {
			kept = append(kept, s)
		}
	}
	r.Samples = slices.Concat(kept, r.Samples[early:])
	r.Bytes, r.DTS = 0, free
	for i := range r.Samples {
		s := &r.Samples[i]
		r.Bytes += int64(len(s.Data))
		if i == 0 {
			r.DTS = s.PTS
		}
		if i+1 < len(r.Samples) {
			s.Duration = uint32(r.Samples[i+1].PTS - s.PTS)
		}
	}
	return r
}

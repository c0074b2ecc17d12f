package archive

import (
	"slices"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
)

// outlast is how much longer than its pictures sound may be before a gap.
const outlast = 500 * time.Millisecond

// closed returns a track's run of f for a timeline on which fragments follow each other without gaps (timeline.md, 8). Where pictures
// are missing before a fragment, its Cluster may begin with sound from before or from within the gap. The former goes on from the
// fragment before; the latter has no place on such a timeline, and is left out. Where the sound before was longer than its pictures, by
// no more than outlast, the frames that it covers are left out too. before is the state that the fragment was settled from,
// and shift what was added to the fragment's times since.
//
// Sound that outlasts its pictures for longer stays where it is: in players what comes later covers it, and keeps with its pictures.
func closed(f *weir.Fragment, track int, before *weir.State, shift time.Duration) weir.Run {
	r := f.Runs[track]
	first := f.Begin - shift // on the clock that the fragment was settled by, on which rounding is the same each time
	if r.Track.Kind != codec.Audio || !before.Started || first-before.End <= store.Tolerance || track >= len(before.Tracks) || !before.Tracks[track].Started {
		return r
	}
	at := func(d time.Duration) int64 { return mediaTicks(d, r.Timescale) }
	base := at(shift)
	begin, end := base+at(first), base+at(before.End)
	early := 0
	if len(r.Samples) > 0 && r.Samples[0].PTS < base+at(first-store.Tolerance) {
		for early < len(r.Samples) && r.Samples[early].PTS < begin {
			early++
		}
	}
	gap := at(first) - at(before.End)
	free := base + before.Tracks[track].End + gap // where the sound before ends when the gap is closed
	if early == 0 && (len(r.Samples) == 0 || r.Samples[0].PTS >= free || r.Samples[0].PTS < free-at(outlast)) {
		return r
	}
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
	if late := free - begin; late <= at(outlast) {
		for early < len(r.Samples) && r.Samples[early].PTS+int64(r.Samples[early].Duration)/2 < free {
			early++
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

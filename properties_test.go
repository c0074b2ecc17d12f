package weir

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
)

// recording is a random stream: the frames of each fragment, track by track, with their containers' times.
type recording struct {
	tracks    []*codec.Track
	fragments [][][]timed
}

// randomRecording makes pictures (constant or variable rate, closed and open groups with pyramids of any depth) and sound, with
// gaps, overlaps and clocks that start again between fragments. Times are exact or rounded to milliseconds.
func randomRecording(tb testing.TB, r *rand.Rand) recording {
	rec := recording{tracks: []*codec.Track{videoTrack(tb), aacTrack(tb)}}
	frame := []time.Duration{time.Second * 1001 / 30000, 40 * time.Millisecond, time.Second / 60, 100 * time.Millisecond}[r.IntN(4)]
	variable, rounded, open := r.IntN(4) == 0, r.IntN(2) == 0, r.IntN(3) == 0
	pyramid := r.IntN(5)
	clock := []time.Duration{0, time.Hour, 1_700_000_000 * time.Second}[r.IntN(3)]
	round := func(d time.Duration) time.Duration {
		if rounded {
			return d.Round(time.Millisecond)
		}
		return d
	}
	var sound int64 // frames of sound since clock
	for range 1 + r.IntN(6) {
		count := 1 + r.IntN(40)
		times := make([]time.Duration, count)
		at := clock
		for i := range times {
			times[i] = at
			at += frame
			if variable {
				at += time.Duration(r.Int64N(int64(2 * frame)))
			}
		}
		var video, audio []timed
		for _, i := range decodingOrder(count, pyramid, open) {
			video = append(video, timed{pts: round(times[i])})
		}
		if r.IntN(10) == 0 {
			video[len(video)-1].duration = frame
		}
		const length = 1024 * int64(time.Second) / 48000
		for t := clock + time.Duration(sound*length); t < at; t = clock + time.Duration(sound*length) {
			audio = append(audio, timed{pts: round(t)})
			sound++
		}
		if r.IntN(12) == 0 {
			audio = nil
		}
		rec.fragments = append(rec.fragments, [][]timed{video, audio})
		sound -= int64(at-clock) / length
		clock = at
		switch r.IntN(12) {
		case 0:
			clock += time.Duration(r.Int64N(int64(5 * time.Second)))
		case 1:
			clock = max(clock-time.Duration(r.Int64N(int64(5*time.Second))), 0)
		case 2:
			clock = 0
		case 3:
			clock += time.Duration(r.Int64N(int64(100*time.Millisecond))) - 50*time.Millisecond
			clock = max(clock, 0)
		default:
			continue
		}
		sound = 0
	}
	return rec
}

// decodingOrder returns count places in order of presentation, in the order of decoding: mini-groups of 2^depth pictures, whose
// last is decoded first and the others by halves. In an open group the first mini-group's others are presented before its key picture.
func decodingOrder(count, depth int, open bool) []int {
	var order []int
	var halves func(from, to int)
	halves = func(from, to int) {
		if from >= to {
			return
		}
		mid := (from + to) / 2
		order = append(order, mid)
		halves(from, mid)
		halves(mid+1, to)
	}
	group := 1 << depth
	at := 0
	if !open {
		order, at = append(order, 0), 1
	}
	for at < count {
		last := min(at+group, count) - 1
		order = append(order, last)
		halves(at, last)
		at = last + 1
	}
	return order
}

// TestSettledTimes holds the properties that every settled fragment has, whatever the times of its frames.
func TestSettledTimes(t *testing.T) {
	each(t, cases(t, 10_000), func(t *testing.T, i int, r *rand.Rand) {
		rec := randomRecording(t, r)
		var timeline Timeline
		var before *Fragment
		var total, contiguousFrom time.Duration
		for k, frames := range rec.fragments {
			overlaps := 0
			if timeline.tracks != nil {
				overlaps = timeline.tracks[0].overlap
			}
			f := settle(t, &timeline, rec.tracks, frames)
			joined := timeline.tracks[0].overlap == overlaps
			checkBounds(t, f, before, frames)
			checkPictures(t, &f.Runs[0], frames[0], f.Moved)
			checkSound(t, &f.Runs[1], frames[1], f.Moved)
			if before != nil && !f.Discontinuity && len(before.Runs[0].Samples) > 0 && joined {
				if gap := f.Runs[0].DTS - before.Runs[0].End(); gap != 0 && gap <= 4_500 {
					t.Errorf("fragment %d: decoding begins %d ticks after the end of that before", k, gap)
				}
			}
			if f.Discontinuity || before == nil {
				total, contiguousFrom = 0, f.Begin
			}
			if total += f.Length; contiguousFrom+total != f.End {
				t.Errorf("fragment %d: lengths add up to %v, it ends %v after the first's begin", k, total, f.End-contiguousFrom)
			}
			before = f
			if t.Failed() {
				return
			}
		}
	})
}

// checkBounds holds what a fragment says of itself against its frames and the fragment before.
func checkBounds(t *testing.T, f, before *Fragment, frames [][]timed) {
	t.Helper()
	start, last := frames[0][0].pts, frames[0][0].pts
	for _, fr := range frames[0] {
		start, last = min(start, fr.pts), max(last, fr.pts)
	}
	if f.Start != start+f.Moved || f.End <= f.Start || f.End <= last+f.Moved && f.Length > time.Millisecond {
		t.Errorf("fragment [%v, %v) of pictures [%v, %v] moved by %v", f.Start, f.End, start, last, f.Moved)
	}
	if f.Length <= 0 || f.Begin+f.Length != f.End {
		t.Errorf("fragment begins at %v, ends at %v, length %v", f.Begin, f.End, f.Length)
	}
	if before == nil {
		if f.Discontinuity || f.Begin != f.Start || f.Moved != 0 {
			t.Errorf("first fragment: discontinuity %t, begin %v, start %v, moved %v", f.Discontinuity, f.Begin, f.Start, f.Moved)
		}
		return
	}
	const tolerance = 50 * time.Millisecond
	gap := f.Start - before.End
	if gap < -tolerance {
		t.Errorf("fragment begins %v before the one before ends", -gap)
	}
	if want := gap > tolerance || f.Moved != before.Moved; f.Discontinuity != want {
		t.Errorf("gap of %v, moved by %v after %v: discontinuity %t", gap, f.Moved, before.Moved, f.Discontinuity)
	}
	if want := before.End; !f.Discontinuity && f.Begin != want {
		t.Errorf("contiguous fragment begins at %v, the one before ends at %v", f.Begin, want)
	}
}

// checkPictures holds correctness 3.1: presentation times unmoved, decoding times increasing and never later.
func checkPictures(t *testing.T, run *Run, frames []timed, moved time.Duration) {
	t.Helper()
	if len(run.Samples) != len(frames) {
		t.Fatalf("%d samples of %d pictures", len(run.Samples), len(frames))
	}
	dts := decodeTimesOf(run)
	for i, s := range run.Samples {
		switch {
		case s.PTS != ticks(frames[i].pts+moved, run.Timescale):
			t.Errorf("picture %d at %v has PTS %d", i, frames[i].pts+moved, s.PTS)
		case s.Duration == 0:
			t.Errorf("picture %d has no duration", i)
		case dts[i] > s.PTS, dts[i]+int64(s.CompositionOffset) != s.PTS:
			t.Errorf("picture %d is decoded at %d with offset %d, presented at %d", i, dts[i], s.CompositionOffset, s.PTS)
		}
	}
}

// checkSound holds the sample grid: frames follow each other by their length, or are where the container says.
func checkSound(t *testing.T, run *Run, frames []timed, moved time.Duration) {
	t.Helper()
	if len(run.Samples) != len(frames) {
		t.Fatalf("%d samples of %d frames of sound", len(run.Samples), len(frames))
	}
	const tolerance = 1500*time.Microsecond + time.Second/48000
	for i, s := range run.Samples {
		said := frames[i].pts + moved
		if d := duration(s.PTS, run.Timescale) - said; d > tolerance || d < -tolerance {
			t.Errorf("sound %d at %v was put at %v", i, said, duration(s.PTS, run.Timescale))
		}
		if i+1 < len(run.Samples) {
			next := run.Samples[i+1].PTS
			if s.PTS+int64(s.Duration) != next || s.Duration != 1024 && next != ticks(frames[i+1].pts+moved, run.Timescale) {
				t.Errorf("sound %d at %d lasts %d, the next is at %d", i, s.PTS, s.Duration, next)
			}
		}
	}
}

// TestSettledOnce holds that a fragment's times depend on nothing behind it: a timeline that ends earlier gave the same.
func TestSettledOnce(t *testing.T) {
	each(t, cases(t, 2_000), func(t *testing.T, i int, r *rand.Rand) {
		rec := randomRecording(t, r)
		var whole, again []*Fragment
		var timeline Timeline
		for _, frames := range rec.fragments {
			whole = append(whole, settle(t, &timeline, rec.tracks, frames))
		}
		stop := 1 + r.IntN(len(rec.fragments))
		timeline = Timeline{}
		for _, frames := range rec.fragments[:stop] {
			again = append(again, settle(t, &timeline, rec.tracks, frames))
		}
		for k, f := range again {
			if d := cmp.Diff(times(whole[k]), times(f)); d != "" {
				t.Errorf("fragment %d of %d (-whole +prefix):\n%s", k, stop, d)
			}
		}
	})
}

// times is what a fragment settles, without its tracks.
func times(f *Fragment) any {
	type run struct {
		DTS     int64
		Samples []Sample
	}
	out := struct {
		Start, End, Moved, Begin, Length time.Duration
		Discontinuity                    bool
		Runs                             []run
	}{f.Start, f.End, f.Moved, f.Begin, f.Length, f.Discontinuity, nil}
	for _, r := range f.Runs {
		out.Runs = append(out.Runs, run{r.DTS, r.Samples})
	}
	return out
}

// TestDecodeTimesOfGarbage holds the decoding times of any numbers at all: equal, descending, far apart.
func TestDecodeTimesOfGarbage(t *testing.T) {
	var dts, sorted []int64
	each(t, cases(t, 10_000), func(t *testing.T, i int, r *rand.Rand) {
		pts := make([]int64, 1+r.IntN(60))
		spread := int64(1) << r.IntN(40)
		for i := range pts {
			pts[i] = r.Int64N(spread)
		}
		switch r.IntN(4) {
		case 0:
			slices.Sort(pts)
			slices.Reverse(pts)
		case 1:
			for i := range pts {
				pts[i] = pts[0]
			}
		}
		delay := r.Int64N(4 * 90_000)
		dts = decodeTimes(dts, slices.Clone(pts), delay, &sorted)
		check := func(what string) {
			for i := range pts {
				if dts[i] > pts[i] || i > 0 && dts[i] <= dts[i-1] {
					t.Fatalf("%s: dts[%d] = %d after %v, pts %d", what, i, dts[i], dts[max(i-1, 0)], pts[i])
				}
			}
		}
		check("natural")
		end := dts[0] - 4_500 + r.Int64N(9_000)
		natural := slices.Clone(dts)
		if joinDecodeTimes(dts, pts, end, 4_500) {
			check("joined")
			if d := natural[0] - end; d <= 4_500 && dts[0] != end {
				t.Errorf("joined at %d, decoding begins at %d, naturally at %d", end, dts[0], natural[0])
			}
		} else if !slices.Equal(dts, natural) {
			t.Error("times moved without joining")
		}
	})
}

// TestConstantRate holds that regular pictures are decoded at regular times, reordered or not.
func TestConstantRate(t *testing.T) {
	for depth := range 5 {
		var frames []timed
		for _, i := range decodingOrder(1+3<<depth, depth, false) {
			frames = append(frames, timed{pts: time.Duration(i) * 40 * time.Millisecond})
		}
		var timeline Timeline
		f := settle(t, &timeline, []*codec.Track{videoTrack(t)}, [][]timed{frames})
		for i, s := range f.Runs[0].Samples {
			if s.Duration != 3600 {
				t.Errorf("depth %d: picture %d lasts %d ticks, want 3600", depth, i, s.Duration)
			}
		}
	}
}

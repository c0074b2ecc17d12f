package weir

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

const (
	// discontinuityTolerance is the gap or overlap between fragments that passes as none; more is a discontinuity.
	discontinuityTolerance = 50 * time.Millisecond
	// assumedFrame is how long a lone picture lasts when nothing tells.
	assumedFrame = 40 * time.Millisecond
)

// Timeline settles the times of fragments one after the other. What it gives a fragment depends on the fragment's own frames
// and on the fragments settled before, never on a later one.
type Timeline struct {
	tracks  []trackTime
	started bool
	end     time.Duration // of the fragment before, on the timeline's clock
	moved   time.Duration // how far that one was moved
	rawEnd  time.Duration // the largest end on the source's clock so far

	pts, diff []time.Duration
	p, d, s   []int64
}

// trackTime is what is known of a track after the last settled fragment.
type trackTime struct {
	settled bool          // delay is
	delay   time.Duration // D of pictures
	started bool
	end     int64 // ticks: decode end of pictures, presentation end of sound
	last    time.Duration
	dense   int // fragments whose pictures needed more than delay
	overlap int // fragments that could not be joined
}

// timed is a frame with the times that its container gave it, less its CodecDelay.
type timed struct {
	pts      time.Duration
	duration time.Duration // 0: not known
	sample   Sample        // without times
}

// Delay returns how far decoding runs ahead of presentation in the track, 0 for sound. It is settled by the track's first fragment.
func (t *Timeline) Delay(track int) time.Duration {
	if track >= len(t.tracks) {
		return 0
	}
	return t.tracks[track].delay
}

// Dense returns how many fragments had pictures further out of order than the delay allows for; their decoding times are valid but dense.
func (t *Timeline) Dense(track int) int { return t.tracks[track].dense }

// settle gives f its times. frames has the fragment's frames track by track, in f.Runs' order.
func (t *Timeline) settle(f *Fragment, frames [][]timed) error {
	if t.tracks == nil {
		t.tracks = make([]trackTime, len(frames))
	}
	start, end := t.span(f, frames)
	f.Moved = t.place(start, end)
	f.Start, f.End = start+f.Moved, end+f.Moved
	f.Begin, f.Discontinuity = f.Start, false
	gap := false
	if t.started {
		if d := f.Start - t.end; d >= -discontinuityTolerance && d <= discontinuityTolerance {
			f.Begin = t.end
		} else {
			gap = true
		}
		f.Discontinuity = gap || f.Moved != t.moved
	}
	f.Length = f.End - f.Begin
	if f.Length <= 0 { // all pictures lie before the end of the fragment before, by less than the tolerance
		f.End = f.Begin + time.Millisecond
		f.Length = time.Millisecond
	}
	t.started, t.end, t.moved, t.rawEnd = true, f.End, f.Moved, max(t.rawEnd, end)
	for i := range frames {
		run := &f.Runs[i]
		if tt := &t.tracks[i]; !tt.started {
			tt.end = ticks(f.Begin, run.Timescale)
		}
		var err error
		if run.Track.Kind == codec.Video {
			err = t.settleVideo(&t.tracks[i], run, frames[i], f.Moved, gap)
		} else {
			err = t.settleAudio(&t.tracks[i], run, frames[i], f.Moved)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// place returns how far a fragment has to be moved so that it does not begin before the one before ends.
func (t *Timeline) place(start, end time.Duration) time.Duration {
	const tol = discontinuityTolerance
	switch d := start + t.moved - t.end; {
	case !t.started:
		return 0
	case d >= -tol && d <= tol:
		return t.moved // goes on where the one before ended
	case t.moved != 0 && d > 0 && start < t.rawEnd:
		return t.moved // a gap in a clock that was started again
	case start-t.end >= -tol:
		return 0
	}
	return t.end - start
}

// span returns the fragment's smallest presentation time and its end: of the pictures if there are any.
func (t *Timeline) span(f *Fragment, frames [][]timed) (start, end time.Duration) {
	lead := -1
	for i := range frames {
		if len(frames[i]) > 0 && (lead < 0 || f.Runs[lead].Track.Kind == codec.Audio && f.Runs[i].Track.Kind == codec.Video) {
			lead = i
		}
	}
	if lead < 0 {
		return t.end, t.end
	}
	at := 0
	for i, fr := range frames[lead] {
		if fr.pts > frames[lead][at].pts {
			at = i
		}
	}
	start = frames[lead][0].pts
	for _, fr := range frames[lead] {
		start = min(start, fr.pts)
	}
	fr := frames[lead][at]
	last := t.lastDuration(&t.tracks[lead], f.Runs[lead].Track, frames[lead])
	return start, fr.pts + last
}

// lastDuration settles how long the sample that is presented last lasts: BlockDuration, else the fragment's median distance,
// else DefaultDuration, else what the fragment before had, else a guess. It is never 0.
func (t *Timeline) lastDuration(tt *trackTime, track *codec.Track, frames []timed) time.Duration {
	if track.Kind == codec.Audio {
		return frameDuration(track.Config, len(frames[len(frames)-1].sample.Data))
	}
	at := 0
	t.pts = t.pts[:0]
	for i, fr := range frames {
		t.pts = append(t.pts, fr.pts)
		if fr.pts > frames[at].pts {
			at = i
		}
	}
	d := frames[at].duration
	if d <= 0 || d > time.Hour {
		d = medianOf(&t.pts, &t.diff)
	}
	if d <= 0 {
		switch dd := track.DefaultDuration; {
		case dd >= time.Second/240 && dd <= time.Second:
			d = dd
		case tt.last > 0:
			d = tt.last
		default:
			d = assumedFrame
		}
	}
	tt.last = d
	return d
}

// medianOf sorts pts and returns its median distance.
func medianOf(pts, scratch *[]time.Duration) time.Duration {
	if !slices.IsSorted(*pts) {
		slices.Sort(*pts)
	}
	return medianDistance(*pts, scratch)
}

// frameDuration returns how long a frame of sound lasts, rounded to the nanosecond.
func frameDuration(c codec.Config, size int) time.Duration {
	n, rate := frameSamples(c, size)
	return duration(n, rate)
}

// frameSamples returns how many samples (ticks) a frame of sound of so many bytes has, and their rate.
func frameSamples(c codec.Config, size int) (n int64, rate uint32) {
	switch c := c.(type) {
	case *codec.AAC:
		return int64(c.FrameLength), c.SampleRate
	case *codec.G711:
		return max(int64(size)/int64(c.Channels), 1), c.SampleRate
	}
	return 1, 1
}

// settleVideo gives a run of pictures its decoding times and durations.
func (t *Timeline) settleVideo(tt *trackTime, run *Run, frames []timed, moved time.Duration, gap bool) error {
	run.DTS = tt.end
	if len(frames) == 0 {
		return nil
	}
	last := t.lastDuration(tt, run.Track, frames)
	if !tt.settled {
		t.pts = t.pts[:0]
		for _, fr := range frames {
			t.pts = append(t.pts, fr.pts)
		}
		stored := t.pts
		sorted := slices.Clone(stored)
		frame := medianOf(&sorted, &t.diff)
		if frame == 0 {
			frame = assumedFrame
			if dd := run.Track.DefaultDuration; dd >= time.Second/240 && dd <= time.Second {
				frame = dd
			}
		}
		vc, ok := run.Track.Config.(codec.VideoConfig)
		if !ok {
			return fmt.Errorf("weir: track %d has no configuration for pictures", run.Track.Number)
		}
		tt.delay = decodeDelay(vc.PictureInfo(), stored, frame, run.Track.TimestampUnit)
		tt.settled = true
	}
	t.p = t.p[:0]
	for _, fr := range frames {
		t.p = append(t.p, ticks(fr.pts+moved, run.Timescale))
	}
	delay := ticks(tt.delay, run.Timescale)
	t.d = decodeTimes(t.d, t.p, delay, &t.s)
	for i, p := range t.p {
		if p-t.d[i] > 0 && i+1 < len(t.p) && t.d[i+1] == t.d[i]+1 {
			tt.dense++
			break
		}
	}
	if tt.started && !gap && !joinDecodeTimes(t.d, t.p, tt.end, ticks(discontinuityTolerance, run.Timescale)) {
		tt.overlap++
	}
	run.DTS = t.d[0]
	n := len(frames)
	for i := range frames {
		s := frames[i].sample
		s.PTS = t.p[i]
		offset := t.p[i] - t.d[i]
		length := max(ticks(last, run.Timescale), 1)
		if i+1 < n {
			length = t.d[i+1] - t.d[i]
		}
		if offset > math.MaxInt32 || length > math.MaxUint32 {
			return &codec.Error{Track: run.Track.Number, CodecID: run.Track.CodecID, Offset: -1, Err: codec.ErrInvalidFrame,
				Detail: fmt.Sprintf("picture times %v apart", duration(max(offset, length), run.Timescale))}
		}
		s.CompositionOffset, s.Duration = uint32(offset), uint32(length)
		run.Samples = append(run.Samples, s)
	}
	tt.started = true
	tt.end = t.d[n-1] + int64(run.Samples[len(run.Samples)-1].Duration)
	return nil
}

// settleAudio puts a run of sound on the sample grid: it goes on exactly where the run before ended while the
// container's times say so within their own precision, and is anchored anew where they do not.
func (t *Timeline) settleAudio(tt *trackTime, run *Run, frames []timed, moved time.Duration) error {
	run.DTS = tt.end
	tolerance := max(run.Track.TimestampUnit+500*time.Microsecond, 1500*time.Microsecond)
	for i := range frames {
		fr := &frames[i]
		at := fr.pts + moved
		n, _ := frameSamples(run.Track.Config, len(fr.sample.Data))
		pts := tt.end
		if d := at - duration(tt.end, run.Timescale); !tt.started || d > tolerance || d < -tolerance {
			pts = ticks(at, run.Timescale)
		}
		if k := len(run.Samples); k > 0 {
			length := pts - run.Samples[k-1].PTS
			if length <= 0 || length > math.MaxUint32 {
				return &codec.Error{Track: run.Track.Number, CodecID: run.Track.CodecID, Offset: -1, Err: codec.ErrInvalidFrame,
					Detail: fmt.Sprintf("sound at %v follows sound at %v", at, duration(run.Samples[k-1].PTS, run.Timescale))}
			}
			run.Samples[k-1].Duration = uint32(length)
		} else {
			run.DTS = pts
		}
		s := fr.sample
		s.PTS, s.Duration, s.CompositionOffset, s.Sync = pts, uint32(n), 0, true
		run.Samples = append(run.Samples, s)
		tt.started, tt.end = true, pts+n
	}
	return nil
}

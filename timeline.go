package weir

import (
	"crypto/sha256"
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
	state  State
	before State // what the last settled fragment was settled from
	tracks []trackTime
	delays map[[sha256.Size]byte]time.Duration // by codec record

	pts, diff []time.Duration
	p, d, s   []int64
}

// State is what a fragment's times depend on beside its own frames: where the fragments before it ended. An archive keeps it with
// each fragment, so that the fragment can be packaged by itself, with the same times, at any time (Options.State).
type State struct {
	Started bool          // a fragment was settled before
	End     time.Duration // of the fragment before, on the timeline's clock
	Moved   time.Duration // how far that one was moved
	RawEnd  time.Duration // the largest end on the source's clock so far
	Tracks  []TrackState  // in the order of Source.Tracks
}

// TrackState is the part of a State that concerns one track.
type TrackState struct {
	Settled bool          // Delay is
	Delay   time.Duration // D of pictures, of the codec record that the fragment has
	Changed bool          // the fragment's codec record is not that of the samples before
	Started bool          // the track had samples before
	// End is where the samples before end, in ticks: decoding of pictures, presentation of sound.
	End int64
	// LastDuration is how long the last picture of the fragment before lasted.
	LastDuration time.Duration
}

// trackTime is what else is known of a track after the last settled fragment.
type trackTime struct {
	config    codec.Config // nil: none yet, or not known
	timescale uint32       // of TrackState.End
	dense     int          // fragments whose pictures needed more than the delay
	overlap   int          // fragments that could not be joined
}

// timed is a frame with the times that its container gave it, less its CodecDelay.
type timed struct {
	pts      time.Duration
	duration time.Duration // 0: not known
	sample   Sample        // without times
}

// Delay returns how far decoding runs ahead of presentation in the track, 0 for sound. It is settled by the first fragment of each
// codec record.
func (t *Timeline) Delay(track int) time.Duration {
	if track >= len(t.state.Tracks) {
		return 0
	}
	return t.state.Tracks[track].Delay
}

// Dense returns how many fragments had pictures further out of order than the delay allows for; their decoding times are valid but dense.
func (t *Timeline) Dense(track int) int { return t.tracks[track].dense }

// State returns what the last settled fragment was settled from, with the delay that it has. The caller may keep it.
func (t *Timeline) State() State {
	s := t.before
	s.Tracks = slices.Clone(s.Tracks)
	return s
}

// Next returns what the next fragment is settled from when it is read by a Source of its own (Options.State). Where it has another
// codec record in a track, the caller sets that track's Changed, and its Settled and Delay to what is known of that record.
func (t *Timeline) Next() State {
	s := t.state
	s.Tracks = slices.Clone(s.Tracks)
	for i := range s.Tracks {
		s.Tracks[i].Changed = false
	}
	return s
}

// start makes room for the tracks, and goes on from state when there is one.
func (t *Timeline) start(runs []Run, state *State) error {
	if state != nil {
		if len(state.Tracks) != len(runs) {
			return fmt.Errorf("weir: state of %d tracks for a source of %d", len(state.Tracks), len(runs))
		}
		t.state = *state
		t.state.Tracks = slices.Clone(state.Tracks)
	} else {
		t.state.Tracks = make([]TrackState, len(runs))
	}
	t.tracks = make([]trackTime, len(runs))
	for i := range runs {
		t.tracks[i].timescale = runs[i].Timescale
	}
	t.delays = map[[sha256.Size]byte]time.Duration{}
	return nil
}

// settle gives f its times. frames has the fragment's frames track by track, in f.Runs' order.
func (t *Timeline) settle(f *Fragment, frames [][]timed) error {
	if t.tracks == nil {
		if err := t.start(f.Runs, nil); err != nil {
			return err
		}
	}
	st := &t.state
	f.CodecChange = false
	for i := range frames {
		st.Tracks[i].Changed = len(frames[i]) > 0 && t.changes(i, &f.Runs[i])
		f.CodecChange = f.CodecChange || st.Tracks[i].Changed
	}
	kept := t.before.Tracks[:0]
	t.before = *st
	t.before.Tracks = append(kept, st.Tracks...)
	start, end := t.span(f, frames)
	f.Moved = t.place(start)
	f.Start, f.End = start+f.Moved, end+f.Moved
	f.Begin, f.Discontinuity = f.Start, false
	gap := false
	if st.Started {
		if d := f.Start - st.End; d >= -discontinuityTolerance && d <= discontinuityTolerance {
			f.Begin = st.End
		} else {
			gap = true
		}
		f.Discontinuity = gap || f.Moved != st.Moved
	}
	f.Length = f.End - f.Begin
	if f.Length <= 0 { // all pictures lie before the end of the fragment before, by less than the tolerance
		f.End = f.Begin + time.Millisecond
		f.Length = time.Millisecond
	}
	st.Started, st.End, st.Moved, st.RawEnd = true, f.End, f.Moved, max(st.RawEnd, end)
	for i := range frames {
		run := &f.Runs[i]
		if tt := &st.Tracks[i]; !tt.Started {
			tt.End = ticks(f.Begin, run.Timescale)
		}
		var err error
		if run.Track.Kind == codec.Video {
			err = t.settleVideo(i, run, frames[i], f.Moved, gap)
		} else {
			err = t.settleAudio(i, run, frames[i], f.Moved)
		}
		if err != nil {
			return err
		}
		t.before.Tracks[i].Settled, t.before.Tracks[i].Delay = st.Tracks[i].Settled, st.Tracks[i].Delay
	}
	return nil
}

// changes takes over the run's codec record and reports whether it is another one than that of the track's samples before.
func (t *Timeline) changes(i int, run *Run) bool {
	tt, st := &t.tracks[i], &t.state.Tracks[i]
	if st.End != 0 && tt.timescale != run.Timescale {
		st.End = ticks(duration(st.End, tt.timescale), run.Timescale)
	}
	tt.timescale = run.Timescale
	before := tt.config
	tt.config = run.Track.Config
	switch {
	case before == nil:
		return st.Changed // as the State says that was given
	case sameConfig(before, tt.config):
		return false
	}
	st.Delay, st.Settled = t.delays[sha256.Sum256(tt.config.Private())]
	return true
}

// place returns how far a fragment has to be moved so that it does not begin before the one before ends.
func (t *Timeline) place(start time.Duration) time.Duration {
	const tol = discontinuityTolerance
	st := &t.state
	switch d := start + st.Moved - st.End; {
	case !st.Started:
		return 0
	case d >= -tol && d <= tol:
		return st.Moved // goes on where the one before ended
	case st.Moved != 0 && d > 0 && start < st.RawEnd:
		return st.Moved // a gap in a clock that was started again
	case start-st.End >= -tol:
		return 0
	}
	return st.End - start
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
		return t.state.End, t.state.End
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
	last := t.lastDuration(&t.state.Tracks[lead], f.Runs[lead].Track, frames[lead])
	return start, fr.pts + last
}

// lastDuration settles how long the sample that is presented last lasts: BlockDuration, else the fragment's median distance,
// else DefaultDuration, else what the fragment before had, else a guess. It is never 0.
func (t *Timeline) lastDuration(tt *TrackState, track *codec.Track, frames []timed) time.Duration {
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
		case tt.LastDuration > 0:
			d = tt.LastDuration
		default:
			d = assumedFrame
		}
	}
	tt.LastDuration = d
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
func (t *Timeline) settleVideo(i int, run *Run, frames []timed, moved time.Duration, gap bool) error {
	tt := &t.state.Tracks[i]
	run.DTS = tt.End
	if len(frames) == 0 {
		return nil
	}
	last := t.lastDuration(tt, run.Track, frames)
	if !tt.Settled {
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
		tt.Delay = decodeDelay(vc.PictureInfo(), stored, frame, run.Track.TimestampUnit)
		tt.Settled = true
		t.delays[sha256.Sum256(run.Track.Config.Private())] = tt.Delay
	}
	t.p = t.p[:0]
	for _, fr := range frames {
		t.p = append(t.p, ticks(fr.pts+moved, run.Timescale))
	}
	delay := ticks(tt.Delay, run.Timescale)
	t.d = decodeTimes(t.d, t.p, delay, &t.s)
	for j, p := range t.p {
		if p-t.d[j] > 0 && j+1 < len(t.p) && t.d[j+1] == t.d[j]+1 {
			t.tracks[i].dense++
			break
		}
	}
	if tt.Started && !gap && !joinDecodeTimes(t.d, t.p, tt.End, ticks(discontinuityTolerance, run.Timescale)) {
		t.tracks[i].overlap++
	}
	run.DTS = t.d[0]
	n := len(frames)
	for j := range frames {
		s := frames[j].sample
		s.PTS = t.p[j]
		offset := t.p[j] - t.d[j]
		length := max(ticks(last, run.Timescale), 1)
		if j+1 < n {
			length = t.d[j+1] - t.d[j]
		}
		if offset > math.MaxInt32 || length > math.MaxUint32 {
			return &codec.Error{Track: run.Track.Number, CodecID: run.Track.CodecID, Offset: -1, Err: codec.ErrInvalidFrame,
				Detail: fmt.Sprintf("picture times %v apart", duration(max(offset, length), run.Timescale))}
		}
		s.CompositionOffset, s.Duration = uint32(offset), uint32(length)
		run.Samples = append(run.Samples, s)
	}
	tt.Started = true
	tt.End = t.d[n-1] + int64(run.Samples[len(run.Samples)-1].Duration)
	return nil
}

// settleAudio puts a run of sound on the sample grid: it goes on exactly where the run before ended while the
// container's times say so within their own precision, and is anchored anew where they do not.
func (t *Timeline) settleAudio(i int, run *Run, frames []timed, moved time.Duration) error {
	tt := &t.state.Tracks[i]
	run.DTS = tt.End
	tolerance := max(run.Track.TimestampUnit+500*time.Microsecond, 1500*time.Microsecond)
	for j := range frames {
		fr := &frames[j]
		at := fr.pts + moved
		n, _ := frameSamples(run.Track.Config, len(fr.sample.Data))
		pts := tt.End
		if d := at - duration(tt.End, run.Timescale); !tt.Started || d > tolerance || d < -tolerance {
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
		tt.Started, tt.End = true, pts+n
	}
	return nil
}

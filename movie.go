package weir

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/fmp4"
)

// ErrCodecChange means that a fragment has codec private data which the init segment or the header written before does not describe.
var ErrCodecChange = errors.New("weir: codec private data is not that of the output's header")

// Clock maps the timeline's clock to an output's: media time = time − Origin + Delay. With the smallest presentation time as
// Origin and the decode delay as Delay no time is negative.
type Clock struct {
	Origin, Delay time.Duration
}

// Media returns where a tick of a run lies on the output's media timeline.
func (c Clock) Media(tick int64, timescale uint32) int64 { return tick + c.base(timescale) }

// base returns what has to be added to the ticks of a timescale.
func (c Clock) base(timescale uint32) int64 {
	return ticks(c.Delay, timescale) - ticks(c.Origin, timescale)
}

// movie is what the packagers of MP4 share: the tracks with their sample descriptions, and samples as fmp4 takes them.
type movie struct {
	runs    []int // which of the Source's tracks are packaged
	tracks  []fmp4.TrackInit
	samples []fmp4.Sample
	gather  gather
	rising  bool    // decoding times must not go back from one fragment to the next
	floors  []int64 // by track: where decoding may go on, in its ticks
	dts     []int64 // scratch
	pts     []int64
}

// newMovie takes the given tracks (indexes of all), all of them when none is given. Track IDs are 1, 2, … in their order.
func newMovie(all []*codec.Track, tracks []int) movie {
	if len(tracks) == 0 {
		for i := range all {
			tracks = append(tracks, i)
		}
	}
	m := movie{runs: tracks, floors: make([]int64, len(tracks))}
	for k := range m.floors {
		m.floors[k] = math.MinInt64
	}
	for n, i := range tracks {
		m.tracks = append(m.tracks, fmp4.TrackInit{ID: uint32(n + 1), Track: all[i]})
	}
	return m
}

// description returns the number of the sample description that r's samples have in track k, 0 when it is not there.
func (m *movie) description(k int, r *Run) uint32 {
	t := &m.tracks[k]
	if t.Track == r.Track || sameConfig(t.Track.Config, r.Track.Config) {
		return 1
	}
	for n, u := range t.Further {
		if u == r.Track || sameConfig(u.Config, r.Track.Config) {
			return uint32(n + 2)
		}
	}
	return 0
}

// changed is the error of a run without a description.
func changed(f *Fragment, r *Run) error {
	return &codec.Error{Track: r.Track.Number, CodecID: r.Track.CodecID, Offset: f.Offset, Err: fmt.Errorf("%w: %w", codec.ErrInvalidPrivate, ErrCodecChange)}
}

// append appends r's samples behind the movie's, in the timescale of track k, and returns them with their first decoding time.
// lastMayShrink: what comes behind may begin within the last sample, which then lasts shorter.
func (m *movie) append(k int, r *Run, lastMayShrink bool) ([]fmp4.Sample, int64) {
	from, timescale := len(m.samples), m.tracks[k].Track.Timescale()
	at := r.DTS
	if timescale == r.Timescale {
		for j := range r.Samples {
			s := &r.Samples[j]
			m.samples = append(m.samples, fmp4.Sample{Duration: s.Duration, Size: uint32(len(s.Data)), CompositionOffset: int32(s.CompositionOffset), Sync: s.Sync})
		}
	} else {
		at = m.appendRescaled(r, timescale)
	}
	samples := m.samples[from:len(m.samples):len(m.samples)]
	if m.rising && len(samples) > 0 {
		at = rise(samples, at, m.floors[k])
		end := at
		for j := range samples {
			end += int64(samples[j].Duration)
		}
		if lastMayShrink {
			end -= int64(samples[len(samples)-1].Duration) - 1
		}
		m.floors[k] = end
	}
	return samples, at
}

// appendRescaled appends the samples of sound whose sampling rate is no longer the track's. Durations are differences of absolute times.
func (m *movie) appendRescaled(r *Run, timescale uint32) int64 {
	at := r.DTS
	first := rescale(at, r.Timescale, timescale)
	last := first
	for j := range r.Samples {
		s := &r.Samples[j]
		at += int64(s.Duration)
		end := max(rescale(at, r.Timescale, timescale), last+1)
		m.samples = append(m.samples, fmp4.Sample{Duration: uint32(end - last), Size: uint32(len(s.Data)), Sync: s.Sync})
		last = end
	}
	return first
}

// rise is for fragments that share a file, whose decoding times have to rise: what would be decoded before floor is moved there,
// as densely as it must, and is presented no earlier than it is decoded. It returns the first decoding time.
func rise(samples []fmp4.Sample, at, floor int64) int64 {
	if at >= floor {
		return at
	}
	begin, next := floor, at
	for j := range samples {
		s := &samples[j]
		presented := next + int64(s.CompositionOffset)
		next += int64(s.Duration)
		end := max(next, floor+int64(j)+1)
		s.CompositionOffset, s.Duration = int32(max(presented-begin, 0)), uint32(end-begin)
		if begin = end; end == next {
			break
		}
	}
	return floor
}

// startLate moves the decoding times of the first samples as late as they can be, and returns the first.
func (m *movie) startLate(samples []fmp4.Sample, at int64) int64 {
	m.dts, m.pts = m.dts[:0], m.pts[:0]
	end := at
	for j := range samples {
		m.dts, m.pts = append(m.dts, end), append(m.pts, end+int64(samples[j].CompositionOffset))
		end += int64(samples[j].Duration)
	}
	latest := int64(math.MaxInt64)
	for j := len(m.pts) - 1; j >= 0; j-- {
		latest = min(latest-1, m.pts[j])
	}
	if len(samples) == 0 || !joinDecodeTimes(m.dts, m.pts, latest, 0) {
		return at
	}
	for j := range samples {
		next := end
		if j+1 < len(samples) {
			next = m.dts[j+1]
		}
		samples[j].CompositionOffset, samples[j].Duration = int32(m.pts[j]-m.dts[j]), uint32(max(next-m.dts[j], 1))
	}
	return m.dts[0]
}

// room makes room for f's samples, so that append keeps what it returned before.
func (m *movie) room(f *Fragment) {
	n := 0
	for _, i := range m.runs {
		n += len(f.Runs[i].Samples)
	}
	if cap(m.samples) < n {
		m.samples = make([]fmp4.Sample, 0, n+n/4)
	}
	m.samples = m.samples[:0]
}

// payload gathers f's samples, track by track.
func (m *movie) payload(f *Fragment) {
	for _, i := range m.runs {
		for j := range f.Runs[i].Samples {
			m.gather.add(f.Runs[i].Samples[j].Data)
		}
	}
}

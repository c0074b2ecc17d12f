package weir

import (
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// A Fragment is a stretch of the source that is packaged as one: a media segment, a TS chunk, a Cluster.
// It and everything it refers to is valid until the next call of the Source's Next.
type Fragment struct {
	Index    int   // from 0
	Document int   // the Matroska document that its first frame comes from, from 0
	Offset   int64 // of its first frame in the input
	Tags     []Tag // of the input since the fragment before

	// Number is the fragment's number: the AWS_KINESISVIDEO_FRAGMENT_NUMBER tag, else 1, 2, …
	Number string
	// Time is the wall-clock time of Start: the producer timestamp tag, else DateUTC + time, else 1970 + time.
	Time time.Time

	// Start is the smallest presentation time, End the largest plus its duration: of the pictures, or of the sound where there
	// are no pictures. Both are on the timeline's clock: the source's, moved by Moved.
	Start, End time.Duration
	// Moved is how far the fragment was moved because the source's clock went back.
	Moved time.Duration
	// Begin joins the fragment to the one before; Length is End − Begin. Lengths add up without drift.
	Begin, Length time.Duration
	// Discontinuity is true when more than 50 ms are missing or doubled before the fragment on the source's clock. Where they are
	// missing Begin is later than the end of the fragment before; where they were doubled Moved has mended it.
	Discontinuity bool
	// CodecChange is true when the codec private data of a track differs from that of the track's samples before: a decoder has to
	// be set up anew, from the Runs' Tracks.
	CodecChange bool

	// Runs has one entry for each track of the Source, in its order; one without Samples where the track has no frame here.
	Runs []Run

	// Blocks has the fragment's frames as the input has them, of all tracks, in stored order; nil without Options.Stored.
	Blocks []Block
}

// A Block is one frame as the input has it.
type Block struct {
	Run      int           // of Fragment.Runs
	PTS      time.Duration // on the source's clock, CodecDelay not taken off; that of a frame out of a lace is reckoned
	Duration time.Duration // BlockDuration, 0 when there is none
	Key      bool          // the input's key frame mark
	Data     []byte        // what header stripping took is in front again; nothing else is changed
}

// A Run is what a Fragment holds of one track. Times are in ticks of the track's timescale, on the timeline's clock.
type Run struct {
	// Track is the one that the samples are of. It is another one, of the same kind, where the codec private data has changed.
	Track *codec.Track
	// CodecPrivate is what the input has for the Track, nil when it has none. It may be broken, or of another form than the frames.
	CodecPrivate []byte
	Timescale    uint32
	// DTS is the decoding time of the first sample: where the run before ends if nothing is missing. In a run without samples it is where that one
	// ended, and the fragment's Begin before the track's first sample.
	DTS     int64
	Samples []Sample
	// Bytes is the sum of the samples' sizes.
	Bytes int64
}

// Sample is one frame with its settled times.
type Sample struct {
	Data     []byte
	PTS      int64 // ticks
	Duration uint32
	// CompositionOffset is PTS − DTS; it is never negative.
	CompositionOffset uint32
	// Sync is true where decoding can begin.
	Sync bool
	// Access says how.
	Access codec.RandomAccess
}

// use makes r one of the record's samples.
func (r *Run) use(in *record) {
	r.Track, r.CodecPrivate, r.Timescale = in.track, in.private, in.track.Timescale()
}

// Time returns a time of the run, in ticks, as a duration on the timeline's clock, rounded to the nanosecond.
func (r *Run) Time(tick int64) time.Duration { return duration(tick, r.Timescale) }

// End returns the decoding time after the last sample.
func (r *Run) End() int64 {
	end := r.DTS
	for i := range r.Samples {
		end += int64(r.Samples[i].Duration)
	}
	return end
}

// First returns the smallest presentation time of the run, and that of its DTS when it is empty.
func (r *Run) First() int64 {
	first := r.DTS
	for i := range r.Samples {
		if p := r.Samples[i].PTS; i == 0 || p < first {
			first = p
		}
	}
	return first
}

// Move adds d to all times of f: to put it on another clock than the source's.
func (f *Fragment) Move(d time.Duration) {
	f.Start, f.End, f.Begin, f.Moved = f.Start+d, f.End+d, f.Begin+d, f.Moved+d
	for i := range f.Runs {
		r := &f.Runs[i]
		by := ticks(d, r.Timescale)
		r.DTS += by
		for j := range r.Samples {
			r.Samples[j].PTS += by
		}
	}
}

// Keyless reports whether the fragment has pictures and does not begin with one that decoding can start at.
func (f *Fragment) Keyless() bool {
	for i := range f.Runs {
		if r := &f.Runs[i]; r.Track.Kind == codec.Video && len(r.Samples) > 0 {
			return !r.Samples[0].Sync
		}
	}
	return false
}

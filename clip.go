package weir

import (
	"io"
	"time"

	"github.com/seed63bb8431/weir/fmp4"
)

// Clip packages fragments as one progressive MP4 with its moov first. The fragments are gone through twice: Add takes the
// times and sizes of each, AppendHeader makes everything before the payload, WritePayload writes the payload of each in the same order.
type Clip struct {
	runs    []int
	tracks  []fmp4.TrackInit
	clip    *fmp4.Clip
	samples []fmp4.Sample
	gather  gather
}

// NewClip returns a packager of the given tracks (indexes of s.Tracks), of all when none is given.
func NewClip(s *Source, created time.Time, tracks ...int) (*Clip, error) {
	c := &Clip{}
	c.runs, c.tracks = s.inits(tracks)
	clip, err := fmp4.NewClip(c.tracks, created)
	c.clip = clip
	return c, err
}

// Add takes f's samples into the tables.
func (c *Clip) Add(f *Fragment) error {
	for k, i := range c.runs {
		r := &f.Runs[i]
		if len(r.Samples) == 0 {
			continue
		}
		c.samples = c.samples[:0]
		for j := range r.Samples {
			s := &r.Samples[j]
			c.samples = append(c.samples, fmp4.Sample{Duration: s.Duration, Size: uint32(len(s.Data)), CompositionOffset: int32(s.CompositionOffset), Sync: s.Sync})
		}
		run := fmp4.ClipRun{TrackID: c.tracks[k].ID, FirstDecodeTime: r.DTS, Samples: c.samples}
		if err := c.clip.Add(run); err != nil {
			return err
		}
	}
	return nil
}

// AppendHeader appends ftyp, moov and the header of the mdat. The payload follows it.
func (c *Clip) AppendHeader(dst []byte) ([]byte, error) { return c.clip.AppendHeader(dst) }

// WritePayload writes f's part of the payload.
func (c *Clip) WritePayload(w io.Writer, f *Fragment) error {
	c.gather.reset(w)
	for _, i := range c.runs {
		for j := range f.Runs[i].Samples {
			c.gather.add(f.Runs[i].Samples[j].Data)
		}
	}
	return c.gather.flush()
}

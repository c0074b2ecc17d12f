package weir

import (
	"io"
	"time"

	"github.com/seed63bb8431/weir/fmp4"
)

// Clip packages fragments as one progressive MP4 with its moov first. The fragments are gone through twice: Add takes the
// times and sizes of each, AppendHeader makes everything before the payload, WritePayload writes the payload of each in the same order.
// Codec private data that changes becomes a further sample description.
type Clip struct {
	movie
	clip *fmp4.Clip
}

// NewClip returns a packager of the given tracks (indexes of s.Tracks), of all when none is given.
func NewClip(s *Source, created time.Time, tracks ...int) (*Clip, error) {
	c := &Clip{movie: newMovie(s.tracks, tracks)}
	c.rising = true
	clip, err := fmp4.NewClip(c.tracks, created)
	c.clip = clip
	return c, err
}

// Add takes f's samples into the tables.
func (c *Clip) Add(f *Fragment) error {
	c.room(f)
	for k, i := range c.runs {
		r := &f.Runs[i]
		if len(r.Samples) == 0 {
			continue
		}
		description := c.description(k, r)
		if description == 0 {
			var err error
			if description, err = c.clip.AddDescription(c.tracks[k].ID, r.Track); err != nil {
				return err
			}
			if int(description) == len(c.tracks[k].Further)+2 {
				c.tracks[k].Further = append(c.tracks[k].Further, r.Track)
			}
		}
		samples, at := c.append(k, r, true)
		if err := c.clip.Add(fmp4.ClipRun{TrackID: c.tracks[k].ID, FirstDecodeTime: at, Description: description, Samples: samples}); err != nil {
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
	c.payload(f)
	return c.gather.flush()
}

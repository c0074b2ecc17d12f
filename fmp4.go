package weir

import (
	"fmt"
	"io"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/fmp4"
)

// FMP4 packages fragments as fragmented MP4: an init segment, then a media fragment for each Fragment.
// A media fragment depends on the Fragment, the Clock and the sample descriptions only.
//
// Where codec private data changes (Fragment.CodecChange), a set of segments begins a new init segment with Use. A single file,
// whose init segment comes once and first, has to know all descriptions before: Describe takes them in.
type FMP4 struct {
	movie
	clock  Clock
	late   bool // the next fragment starts late
	header []byte
	moof   []fmp4.Run
}

// NewFMP4 returns a packager of the given tracks (indexes of s.Tracks), of all when none is given, on the clock s.Clock.
// Track IDs are 1, 2, … in their order.
func NewFMP4(s *Source, tracks ...int) *FMP4 {
	return &FMP4{movie: newMovie(s.tracks, tracks), clock: s.Clock()}
}

// SetClock sets the clock of the output.
func (p *FMP4) SetClock(c Clock) { p.clock = c }

// OneFile says that the fragments go one behind the other into one file, whose decoding times have to rise: where a fragment's
// would go back behind the end of the one before, by less than a discontinuity, they are moved there. Without it the bytes of a
// fragment do not depend on the ones before.
func (p *FMP4) OneFile() { p.rising = true }

// StartLate says that the next fragment starts a timeline of its own, as behind a discontinuity: its pictures are decoded as late as
// their presentation allows, until the settled decoding times are met. A player that places such a fragment by its first decoding
// time would otherwise leave a hole as long as the decode delay before the first picture.
func (p *FMP4) StartLate() { p.late = true }

// Use makes the tracks of f's runs those of the init segment that AppendInit appends next, and reports whether it has to be written
// because the one before does not describe them. A track without samples in f stays as it is.
func (p *FMP4) Use(f *Fragment) bool {
	fresh := false
	for k, i := range p.runs {
		if r := &f.Runs[i]; len(r.Samples) > 0 && p.description(k, r) != 1 {
			p.tracks[k].Track, p.tracks[k].Further = r.Track, nil
			fresh = true
		}
	}
	return fresh
}

// Describe adds the tracks of f's runs to those that the init segment describes, for a file whose fragments are gone through before
// it is written.
func (p *FMP4) Describe(f *Fragment) {
	for k, i := range p.runs {
		if r := &f.Runs[i]; len(r.Samples) > 0 && p.description(k, r) == 0 {
			p.tracks[k].Further = append(p.tracks[k].Further, r.Track)
		}
	}
}

// AppendInit appends the init segment: ftyp and moov. created is its creation time; the zero time leaves it unset.
func (p *FMP4) AppendInit(dst []byte, created time.Time) ([]byte, error) {
	return fmp4.AppendInit(dst, p.tracks, created)
}

// AppendHeader appends f's moof and the header of its mdat. The payload that must follow, as WritePayload writes it, has
// size bytes: the samples of the packager's first track, then those of the second, and so on. ErrCodecChange means that the init
// segment does not describe f.
func (p *FMP4) AppendHeader(dst []byte, f *Fragment) (header []byte, size int64, err error) {
	p.room(f)
	p.moof = p.moof[:0]
	for k, i := range p.runs {
		r := &f.Runs[i]
		description := p.description(k, r)
		if description == 0 && len(r.Samples) > 0 {
			return dst, 0, changed(f, r)
		}
		samples, at := p.append(k, r, false)
		if p.late && r.Track.Kind == codec.Video {
			at = p.startLate(samples, at)
		}
		at += p.clock.base(p.tracks[k].Track.Timescale())
		if at < 0 {
			return dst, 0, &codec.Error{Track: r.Track.Number, CodecID: r.Track.CodecID, Offset: f.Offset, Err: codec.ErrInvalidFrame,
				Detail: fmt.Sprintf("time %v lies before the first frame", duration(at, r.Timescale))}
		}
		p.moof = append(p.moof, fmp4.Run{TrackID: p.tracks[k].ID, Description: description, BaseMediaDecodeTime: uint64(at), Samples: samples, Video: r.Track.Kind == codec.Video})
		size += r.Bytes
	}
	p.late = false
	header, err = fmp4.AppendFragmentHeader(dst, uint32(f.Index)%(1<<31)+1, p.moof)
	return header, size, err
}

// WriteFragment writes f as one media fragment and returns its size.
func (p *FMP4) WriteFragment(w io.Writer, f *Fragment) (int64, error) {
	header, size, err := p.AppendHeader(p.header[:0], f)
	if err != nil {
		return 0, err
	}
	p.header = header
	p.gather.reset(w)
	p.gather.add(header)
	p.payload(f)
	return int64(len(header)) + size, p.gather.flush()
}

// WritePayload writes what follows the header that AppendHeader appends for f.
func (p *FMP4) WritePayload(w io.Writer, f *Fragment) error {
	p.gather.reset(w)
	p.payload(f)
	return p.gather.flush()
}

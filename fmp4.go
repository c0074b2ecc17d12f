package weir

import (
	"fmt"
	"io"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/fmp4"
)

// FMP4 packages fragments as fragmented MP4: an init segment once, then a media fragment for each Fragment.
// A media fragment depends on the Fragment and on the Source's origin and delay only.
type FMP4 struct {
	clock  clock
	runs   []int // which of the Source's tracks are packaged
	tracks []fmp4.TrackInit

	header  []byte
	moof    []fmp4.Run
	samples []fmp4.Sample
	gather  gather
}

// clock moves a Source's times to those of an output: by −origin + delay.
type clock struct {
	origin, delay time.Duration
	moved         time.Duration
}

// base returns what has to be added to the ticks of a timescale.
func (c clock) base(timescale uint32) int64 {
	return ticks(c.delay, timescale) - ticks(c.origin, timescale) + ticks(c.moved, timescale)
}

// NewFMP4 returns a packager of the given tracks (indexes of s.Tracks), of all when none is given.
// Track IDs are 1, 2, … in their order.
func NewFMP4(s *Source, tracks ...int) *FMP4 {
	p := &FMP4{clock: s.clock()}
	p.runs, p.tracks = s.inits(tracks)
	return p
}

// inits returns the tracks to package with their IDs.
func (s *Source) inits(tracks []int) ([]int, []fmp4.TrackInit) {
	if len(tracks) == 0 {
		for i := range s.tracks {
			tracks = append(tracks, i)
		}
	}
	inits := make([]fmp4.TrackInit, 0, len(tracks))
	for n, i := range tracks {
		inits = append(inits, fmp4.TrackInit{ID: uint32(n + 1), Track: s.tracks[i]})
	}
	return tracks, inits
}

// AppendInit appends the init segment: ftyp and moov. created is its creation time; the zero time leaves it unset.
func (p *FMP4) AppendInit(dst []byte, created time.Time) ([]byte, error) {
	return fmp4.AppendInit(dst, p.tracks, created)
}

// MediaTime returns where a tick of a run lies on the output's media timeline.
func (p *FMP4) MediaTime(tick int64, timescale uint32) int64 { return tick + p.clock.base(timescale) }

// Move shifts the fragments that follow by d on the media timeline: an output that closes gaps moves what comes behind one.
func (p *FMP4) Move(d time.Duration) { p.clock.moved = d }

// AppendHeader appends f's moof and the header of its mdat. The payload that must follow, as WritePayload writes it, has
// size bytes: the samples of the packager's first track, then those of the second, and so on.
func (p *FMP4) AppendHeader(dst []byte, f *Fragment) (header []byte, size int64, err error) {
	n := 0
	for _, i := range p.runs {
		n += len(f.Runs[i].Samples)
	}
	if cap(p.samples) < n {
		p.samples = make([]fmp4.Sample, 0, n+n/4)
	}
	p.moof, p.samples = p.moof[:0], p.samples[:0]
	for k, i := range p.runs {
		r := &f.Runs[i]
		from := len(p.samples)
		for j := range r.Samples {
			s := &r.Samples[j]
			p.samples = append(p.samples, fmp4.Sample{Duration: s.Duration, Size: uint32(len(s.Data)), CompositionOffset: int32(s.CompositionOffset), Sync: s.Sync})
		}
		at := r.DTS + p.clock.base(r.Timescale)
		if at < 0 {
			return dst, 0, &codec.Error{Track: r.Track.Number, CodecID: r.Track.CodecID, Offset: f.Offset, Err: codec.ErrInvalidFrame,
				Detail: fmt.Sprintf("time %v lies before the first frame", duration(at, r.Timescale))}
		}
		p.moof = append(p.moof, fmp4.Run{TrackID: p.tracks[k].ID, BaseMediaDecodeTime: uint64(at), Samples: p.samples[from:len(p.samples):len(p.samples)], Video: r.Track.Kind == codec.Video})
		size += r.Bytes
	}
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

func (p *FMP4) payload(f *Fragment) {
	for _, i := range p.runs {
		for j := range f.Runs[i].Samples {
			p.gather.add(f.Runs[i].Samples[j].Data)
		}
	}
}

package weir

import (
	"io"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// TS packages fragments as MPEG-TS, each as a chunk that stands by itself. A chunk depends on the Fragment and the Clock only.
//
// Parameter sets are in band, so that codec private data may change; where another codec takes over, only segments of their own,
// with a discontinuity between them, can carry it.
type TS struct {
	runs    []int // which of the Source's tracks are packaged
	clock   Clock
	chunk   []ts.Run
	samples []ts.Sample
	buf     []byte
	rising  bool
	floors  []int64 // by track: where decoding may go on
	first   []*codec.Track
}

// NewTS returns a packager of the given tracks (indexes of s.Tracks), of all when none is given: one of pictures at most, and AAC.
// Its clock is s.Clock, later by the ts.Lead that clock references run ahead.
func NewTS(s *Source, tracks ...int) *TS {
	m := newMovie(s.tracks, tracks)
	p := &TS{runs: m.runs, floors: m.floors, clock: s.Clock()}
	p.clock.Delay += duration(ts.Lead, ts.Clock90k)
	for _, i := range p.runs {
		p.first = append(p.first, s.tracks[i])
	}
	return p
}

// SetClock sets the clock of the output. Times are written modulo 2^33 ticks of 90 kHz.
func (p *TS) SetClock(c Clock) { p.clock = c }

// OneFile says that the chunks go one behind the other into one file, whose decoding times have to rise; see FMP4.OneFile.
// A change to another codec gives ErrCodecChange then.
func (p *TS) OneFile() { p.rising = true }

// AppendChunk appends f's chunk. Errors are those of ts.AppendChunk.
func (p *TS) AppendChunk(dst []byte, f *Fragment) ([]byte, error) {
	runs, err := p.take(f)
	if err != nil {
		return dst, err
	}
	return ts.AppendChunk(dst, runs)
}

// WriteFragment writes f's chunk and returns how many bytes it wrote. Errors are those of AppendChunk and of w.
func (p *TS) WriteFragment(w io.Writer, f *Fragment) (int64, error) {
	runs, err := p.take(f)
	if err != nil {
		return 0, err
	}
	n, buf, err := ts.WriteChunk(w, p.buf, runs)
	p.buf = buf
	return n, err
}

// take makes f's runs those of a chunk.
func (p *TS) take(f *Fragment) ([]ts.Run, error) {
	n := 0
	for _, i := range p.runs {
		n += len(f.Runs[i].Samples)
	}
	if cap(p.samples) < n {
		p.samples = make([]ts.Sample, 0, n+n/4)
	}
	p.samples, p.chunk = p.samples[:0], p.chunk[:0]
	for k, i := range p.runs {
		r := &f.Runs[i]
		if p.rising && r.Track != p.first[k] && !sameCodec(r.Track, p.first[k]) {
			return nil, changed(f, r)
		}
		p.chunk = append(p.chunk, ts.Run{Track: r.Track, Samples: p.append(k, r)})
	}
	return p.chunk, nil
}

// append appends r's samples with times in ticks of 90 kHz.
func (p *TS) append(k int, r *Run) []ts.Sample {
	from, base := len(p.samples), p.clock.base(ts.Clock90k)
	at := r.DTS
	for j := range r.Samples {
		s := &r.Samples[j]
		out := ts.Sample{PTS: rescale(s.PTS, r.Timescale, ts.Clock90k) + base, DTS: rescale(at, r.Timescale, ts.Clock90k) + base, Key: s.Sync, Data: s.Data}
		at += int64(s.Duration)
		if p.rising {
			out.DTS = max(out.DTS, p.floors[k])
			out.PTS = max(out.PTS, out.DTS)
			p.floors[k] = out.DTS + 1
		}
		p.samples = append(p.samples, out)
	}
	return p.samples[from:len(p.samples):len(p.samples)]
}

// sameCodec reports whether two tracks are of one codec, whatever their private data.
func sameCodec(a, b *codec.Track) bool {
	switch a.Config.(type) {
	case *codec.AVC:
		_, ok := b.Config.(*codec.AVC)
		return ok
	case *codec.HEVC:
		_, ok := b.Config.(*codec.HEVC)
		return ok
	}
	return a.Kind == b.Kind
}

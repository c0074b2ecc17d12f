package bench

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
)

// each calls visit for every fragment of data, which is read as a stream.
func each(tb testing.TB, data []byte, begin func(*weir.Source), visit func(*weir.Fragment) error) {
	src, err := weir.NewSource(onlyReader{bytes.NewReader(data)}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if begin != nil {
		begin(src)
	}
	for {
		f, err := src.Next()
		if err == io.EOF {
			return
		}
		if err == nil {
			err = visit(f)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkRemux goes from a stream of Matroska to the payloads of outputs, which nobody takes.
func BenchmarkRemux(b *testing.B) {
	for _, s := range []shape{stream, small} {
		data, _ := sample(b, s)
		run := func(name string, pass func()) {
			b.Run(name+"/"+s.name+"/weir", func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					pass()
				}
			})
		}
		run("FMP4", func() { remuxFMP4(b, data) })
		run("TS", func() {
			var p *weir.TS
			each(b, data, func(src *weir.Source) { p = weir.NewTS(src) }, func(f *weir.Fragment) error {
				_, err := p.WriteFragment(io.Discard, f)
				return err
			})
		})
		run("Clip", func() {
			var p *weir.Clip
			each(b, data, func(src *weir.Source) {
				var err error
				if p, err = weir.NewClip(src, time.Time{}); err != nil {
					b.Fatal(err)
				}
			}, func(f *weir.Fragment) error { return p.Add(f) })
			if _, err := p.AppendHeader(nil); err != nil {
				b.Fatal(err)
			}
			each(b, data, nil, func(f *weir.Fragment) error { return p.WritePayload(io.Discard, f) })
		})
	}
}

// remuxFMP4 packages all of data as fragmented MP4.
func remuxFMP4(tb testing.TB, data []byte) {
	var p *weir.FMP4
	each(tb, data, func(src *weir.Source) { p = weir.NewFMP4(src) }, func(f *weir.Fragment) error {
		_, err := p.WriteFragment(io.Discard, f)
		return err
	})
}

// sink takes bytes as a socket or a file does: by copying them.
type sink struct{ buf [256 << 10]byte }

func (s *sink) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		rest = rest[copy(s.buf[:], rest):]
	}
	return len(b), nil
}

// BenchmarkFragment makes moof and mdat of one settled fragment and writes them.
func BenchmarkFragment(b *testing.B) {
	for _, s := range []shape{stream, small} {
		s.size = 0
		data, _ := sample(b, s)
		src, err := weir.NewBytesSource(data, nil)
		if err != nil {
			b.Fatal(err)
		}
		f, err := src.Next()
		if err != nil {
			b.Fatal(err)
		}
		out := new(sink)
		b.Run(s.name+"/weir", func(b *testing.B) {
			p := weir.NewFMP4(src)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.WriteFragment(out, f); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(s.name+"/mp4ff", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := fragmentMP4FF(out, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fragmentMP4FF writes what weir.FMP4 writes of f, with mp4ff.
func fragmentMP4FF(w io.Writer, f *weir.Fragment) error {
	ids := make([]uint32, len(f.Runs))
	for i := range ids {
		ids[i] = uint32(i + 1)
	}
	out, err := mp4.CreateMultiTrackFragment(1, ids)
	if err != nil {
		return err
	}
	for i := range f.Runs {
		r := &f.Runs[i]
		at := uint64(max(r.DTS, 0))
		for j := range r.Samples {
			s := &r.Samples[j]
			flags := mp4.NonSyncSampleFlags
			if s.Sync || r.Track.Kind == codec.Audio {
				flags = mp4.SyncSampleFlags
			}
			sample := mp4.FullSample{Sample: mp4.NewSample(flags, s.Duration, uint32(len(s.Data)), int32(s.CompositionOffset)), DecodeTime: at, Data: s.Data}
			if err := out.AddFullSampleToTrack(sample, ids[i]); err != nil {
				return err
			}
			at += uint64(s.Duration)
		}
	}
	return out.Encode(w)
}

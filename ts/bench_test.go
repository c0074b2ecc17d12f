package ts_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/asticode/go-astits"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// rated returns two seconds of 25 pictures each and sound, of so many bits a second together.
func rated(tb testing.TB, rate int) []ts.Run {
	tb.Helper()
	audio := min(rate/8, 128_000) // bits a second
	runs := []ts.Run{
		pictures(avc(tb), 50, (rate-audio)/8/25, 900_000, 3600),
		sound(aac(tb, 3), 94, audio/8*1024/48_000, 900_000+7200),
	}
	return runs
}

// elementaryBytes returns the bytes of the frames alone.
func elementaryBytes(runs []ts.Run) int {
	n := 0
	for _, r := range runs {
		for _, s := range r.Samples {
			n += len(s.Data)
		}
	}
	return n
}

// TestOverhead holds rule 84.
func TestOverhead(t *testing.T) {
	for _, tt := range []struct {
		rate  int
		limit float64 // percent
	}{{266_000, 20}, {1_000_000, 10}, {8_000_000, 5}} {
		t.Run(fmt.Sprint(tt.rate), func(t *testing.T) {
			runs := rated(t, tt.rate)
			b, _ := check(t, runs)
			n := elementaryBytes(runs)
			overhead := 100 * float64(len(b)-n) / float64(n)
			t.Logf("%d bit/s: %d bytes for %d, %.2f %% more", n*4, len(b), n, overhead)
			if overhead > tt.limit {
				t.Errorf("%.2f %% more than the frames, want at most %v", overhead, tt.limit)
			}
		})
	}
}

// rates are those of the benchmarks.
var rates = []int{266_000, 1_000_000, 8_000_000}

func BenchmarkAppendChunk(b *testing.B) {
	for _, rate := range rates {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			runs := rated(b, rate)
			buf, err := ts.AppendChunk(nil, runs)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(elementaryBytes(runs)))
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = ts.AppendChunk(buf[:0], runs)
			}
		})
	}
}

// BenchmarkCopy is the least that there is to do.
func BenchmarkCopy(b *testing.B) {
	for _, rate := range rates {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			runs := rated(b, rate)
			buf := make([]byte, 0, elementaryBytes(runs))
			b.SetBytes(int64(cap(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = buf[:0]
				for _, r := range runs {
					for _, s := range r.Samples {
						buf = append(buf, s.Data...)
					}
				}
			}
		})
	}
}

// BenchmarkAstits has the muxer of go-astits write the same frames, which are in the form of its input already but for the start codes.
func BenchmarkAstits(b *testing.B) {
	for _, rate := range rates {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			runs := rated(b, rate)
			_, c := check(b, runs)
			var out, es bytes.Buffer
			b.SetBytes(int64(elementaryBytes(runs)))
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				m := astits.NewMuxer(context.Background(), &out)
				_ = m.AddElementaryStream(astits.PMTElementaryStream{ElementaryPID: 0x100, StreamType: astits.StreamTypeH264Video})
				_ = m.AddElementaryStream(astits.PMTElementaryStream{ElementaryPID: 0x101, StreamType: astits.StreamTypeAACAudio})
				m.SetPCRPID(0x100)
				next := [2]int{}
				for i := range c.units {
					u := &c.units[i]
					r := &runs[u.pid-0x100]
					d := astits.MuxerData{PID: uint16(u.pid), PES: &astits.PESData{Header: &astits.PESHeader{OptionalHeader: &astits.PESOptionalHeader{
						MarkerBits: 2, PTSDTSIndicator: astits.PTSDTSIndicatorOnlyPTS, PTS: &astits.ClockReference{Base: u.pts}}}}}
					es.Reset()
					if u.pid == 0x100 {
						s := &r.Samples[next[0]]
						next[0]++
						d.AdaptationField = &astits.PacketAdaptationField{HasPCR: true, PCR: &astits.ClockReference{Base: u.pcr}, RandomAccessIndicator: s.Key}
						if u.dts != u.pts {
							h := d.PES.Header.OptionalHeader
							h.PTSDTSIndicator, h.DTS = astits.PTSDTSIndicatorBothPresent, &astits.ClockReference{Base: u.dts}
						}
						es.Write([]byte{0, 0, 0, 1, 9, 0xF0})
						if s.Key {
							for _, set := range r.Track.Config.(codec.VideoConfig).ParameterSets() {
								es.Write([]byte{0, 0, 0, 1})
								es.Write(set)
							}
						}
						from := es.Len()
						es.Write(s.Data)
						copy(es.Bytes()[from:], []byte{0, 0, 0, 1}) // these samples are one NAL unit
					} else {
						es.Write(u.data)
					}
					d.PES.Data = es.Bytes()
					if _, err := m.WriteData(&d); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

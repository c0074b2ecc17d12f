package ts_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// TestAppendChunkFiles reads back the chunks of real files.
func TestAppendChunkFiles(t *testing.T) {
	for _, name := range []string{"sample.mkv", "hevc-aac.mkv", "audio-only.mkv", "two-audio.mkv", "h264-nob.mkv", "opengop.mkv", "vfr.mkv", "gap.mkv", "interlaced.mkv", "annexb-noprivate.mkv", "hdr.mkv"} {
		t.Run(name, func(t *testing.T) {
			for _, runs := range fragments(t, name, 10*ts.Clock90k) {
				_, c := check(t, runs)
				if len(c.units) == 0 {
					t.Fatal("empty chunk")
				}
				first := c.units[0]
				if first.firstPacket != 2 || !first.random || !first.discontinued {
					t.Errorf("the first PES packet is at packet %d, random access %v, discontinuity %v", first.firstPacket, first.random, first.discontinued)
				}
			}
		})
	}
}

// TestAppendChunkAllocs holds that a chunk costs no allocation once the buffer is there.
func TestAppendChunkAllocs(t *testing.T) {
	for _, c := range []codec.Config{avc(t), hevc(t)} {
		runs := []ts.Run{pictures(c, 60, 4000, 900_000, 3600), sound(aac(t, 3), 94, 341, 900_000), sound(aac(t, 4), 86, 100, 900_000)}
		buf, err := ts.AppendChunk(nil, runs)
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Clone(buf)
		if n := testing.AllocsPerRun(100, func() { buf, _ = ts.AppendChunk(buf[:0], runs) }); n != 0 {
			t.Errorf("%v allocations, want 0", n)
		}
		if !bytes.Equal(buf, want) {
			t.Error("the same runs gave other bytes")
		}
	}
}

// cutWriter is a writer that fails behind limit bytes.
type cutWriter struct {
	bytes.Buffer
	limit int
}

var errCut = errors.New("cut")

func (w *cutWriter) Write(b []byte) (int, error) {
	n, _ := w.Buffer.Write(b[:min(len(b), w.limit-w.Len())])
	if n < len(b) {
		return n, errCut
	}
	return n, nil
}

// TestWriteChunk holds that a chunk is the same in parts, and that nothing is allocated once the buffer is there.
func TestWriteChunk(t *testing.T) {
	var buf []byte
	for _, size := range []int{100, 4000, 60_000} {
		runs := []ts.Run{pictures(avc(t), 60, size, 900_000, 3600), sound(aac(t, 3), 94, 341, 900_000)}
		want, err := ts.AppendChunk(nil, runs)
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{len(want), len(want) - 1, len(want) / 2, 0} {
			w := &cutWriter{limit: limit}
			var n int64
			n, buf, err = ts.WriteChunk(w, buf, runs)
			if n != int64(limit) || !bytes.Equal(w.Bytes(), want[:limit]) {
				t.Errorf("pictures of %d bytes: %d bytes of the chunk and %d others, want %d", size, n, w.Len(), limit)
			}
			if wrong := limit < len(want); wrong != errors.Is(err, errCut) || !wrong && err != nil {
				t.Errorf("pictures of %d bytes, %d of %d fit: %v", size, limit, len(want), err)
			}
		}
		if n := testing.AllocsPerRun(10, func() { _, buf, _ = ts.WriteChunk(io.Discard, buf, runs) }); n != 0 {
			t.Errorf("%v allocations, want 0", n)
		}
		if cap(buf) > 1<<20 {
			t.Errorf("a buffer of %d bytes for a chunk of %d", cap(buf), len(want))
		}
		runs[0].Samples[30].Data = []byte{0, 0, 0, 9, 1}
		if _, buf, err = ts.WriteChunk(io.Discard, buf, runs); !errors.Is(err, codec.ErrInvalidFrame) {
			t.Errorf("a frame that ends early: %v", err)
		}
	}
}

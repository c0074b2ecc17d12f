package ts_test

import (
	"bytes"
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

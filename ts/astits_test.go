package ts_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/asticode/go-astits"
	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// pes is what go-astits says of a PES packet.
type pes struct {
	PTS, DTS int64
	Data     string
}

// demux has go-astits read chunks, and returns the PES packets of each PID and the stream types of the last PMT.
func demux(tb testing.TB, b []byte) (map[uint16][]pes, map[uint16]int) {
	tb.Helper()
	got, types := map[uint16][]pes{}, map[uint16]int{}
	d := astits.NewDemuxer(context.Background(), bytes.NewReader(b), astits.DemuxerOptPacketSize(ts.PacketSize))
	for {
		data, err := d.NextData()
		if errors.Is(err, astits.ErrNoMorePackets) {
			return got, types
		}
		if err != nil {
			tb.Fatal(err)
		}
		if data.PMT != nil {
			clear(types)
			for _, es := range data.PMT.ElementaryStreams {
				types[es.ElementaryPID] = int(es.StreamType)
			}
		}
		if data.PES != nil {
			h := data.PES.Header.OptionalHeader
			p := pes{PTS: h.PTS.Base, DTS: h.PTS.Base, Data: string(data.PES.Data)}
			if h.DTS != nil {
				p.DTS = h.DTS.Base
			}
			got[data.PID] = append(got[data.PID], p)
		}
	}
}

// TestAstits has go-astits read the chunks of real files, all of a file one after the other.
func TestAstits(t *testing.T) {
	for _, name := range []string{"sample.mkv", "hevc-aac.mkv", "audio-only.mkv", "two-audio.mkv", "vfr.mkv"} {
		t.Run(name, func(t *testing.T) {
			var all []byte
			want, types := map[uint16][]pes{}, map[uint16]int{}
			for _, runs := range fragments(t, name, 10*ts.Clock90k) {
				b, c := check(t, runs)
				all = append(all, b...)
				sound := map[int]int{} // frames before the PES packet
				for _, u := range c.units {
					i := u.pid - 0x100
					r, pid := runs[i], uint16(u.pid)
					p := pes{PTS: u.pts, DTS: u.dts, Data: string(u.data)}
					if config, ok := r.Track.Config.(*codec.AAC); ok {
						types[pid] = 0x0F
						frames, err := splitADTS(u.data, config)
						if err != nil {
							t.Fatal(err)
						}
						if first := r.Samples[sound[i]].PTS; p.PTS != first {
							t.Fatalf("PTS %d of frame %d, want %d", p.PTS, sound[i], first)
						}
						sound[i] += len(frames)
					} else {
						types[pid] = 0x1B
						if _, ok := r.Track.Config.(*codec.HEVC); ok {
							types[pid] = 0x24
						}
					}
					want[pid] = append(want[pid], p)
				}
			}
			got, gotTypes := demux(t, all)
			if diff := cmp.Diff(types, gotTypes); diff != "" {
				t.Errorf("stream types (-want +got):\n%s", diff)
			}
			for pid, w := range want {
				g := got[pid]
				if len(g) != len(w) {
					t.Fatalf("PID %#x: %d PES packets, want %d", pid, len(g), len(w))
				}
				for i := range w {
					if w[i] != g[i] {
						t.Fatalf("PID %#x, PES packet %d: PTS %d, DTS %d, %d bytes, want %d, %d, %d, or other bytes", pid, i, g[i].PTS, g[i].DTS, len(g[i].Data), w[i].PTS, w[i].DTS, len(w[i].Data))
					}
				}
			}
		})
	}
}

package archive

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
)

// TestSettledForm has what a row keeps read back as it was, and refused when it is cut off or longer.
func TestSettledForm(t *testing.T) {
	for _, s := range []settled{
		{},
		{Cluster: 412, Shift: -time.Hour, Fault: faultInvalidPrivate, FaultTrack: 3},
		{Cluster: 1 << 40, Shift: 1_600_000_000 * time.Second, Tracks: []trackRef{
			{Number: 1, Kind: codec.Video, Timescale: 90000, Count: 50, First: -7, Ticks: 180000, Bytes: 1 << 33, Access: codec.IDR},
			{Number: 1 << 50, Kind: codec.Audio, Timescale: 48000}},
			State: weir.State{Started: true, End: time.Second, Moved: -1, RawEnd: 5, Tracks: []weir.TrackState{
				{Settled: true, Delay: 80 * time.Millisecond, Changed: true, Started: true, End: -1 << 62, LastDuration: 40 * time.Millisecond}, {}}}},
	} {
		b := s.append(nil)
		got, err := parseSettled(b)
		if d := cmp.Diff(s, got); err != nil || d != "" {
			t.Errorf("%v\n%s", err, d)
		}
		for n := range b {
			if _, err := parseSettled(b[:n]); err == nil {
				t.Errorf("%d of %d bytes are taken for a row", n, len(b))
			}
		}
		if _, err := parseSettled(append(b, 0)); err == nil {
			t.Error("a byte too many is taken for a row")
		}
	}
}

func FuzzSettled(f *testing.F) {
	f.Add((&settled{Cluster: 412, Tracks: []trackRef{{Number: 1, Kind: codec.Video}}, State: weir.State{Tracks: []weir.TrackState{{}}}}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseSettled(b); err == nil {
			if again, err := parseSettled(s.append(nil)); err != nil || !cmp.Equal(s, again) {
				t.Errorf("%+v is read back as %+v, %v", s, again, err)
			}
		}
	})
}

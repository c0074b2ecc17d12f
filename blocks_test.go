package weir_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// storedFrame is a frame of the input and its place in it.
type storedFrame struct {
	codec.Frame
	place int
}

// storedFrames returns the frames of a source's tracks as the reader finds them, track by track.
func storedFrames(t *testing.T, data []byte, src *weir.Source) map[codec.Kind][]storedFrame {
	t.Helper()
	kinds, stored, place := map[uint64]codec.Kind{}, map[codec.Kind][]storedFrame{}, 0
	for _, track := range src.Tracks() {
		kinds[track.Number] = track.Kind
	}
	for f, err := range mkv.NewBytesReader(data, &mkv.Options{Resync: true}).Frames() {
		if err != nil {
			t.Fatal(err)
		}
		if kind, ok := kinds[f.Track]; ok {
			f.Data = bytes.Clone(f.Data)
			stored[kind] = append(stored[kind], storedFrame{f, place})
		}
		place++
	}
	return stored
}

// TestBlocks holds a fragment's blocks against what the reader finds: each frame once, with the bytes, the time (that of a frame
// out of a lace is reckoned from the codec's frame length, which the reader alone does not know) and the mark that the input has,
// and those of a fragment in stored order.
func TestBlocks(t *testing.T) {
	for name, data := range carried(t) {
		if name == "two-audio.mkv" {
			continue // the frames are told apart by their kind here
		}
		for _, opts := range []weir.Options{{Stored: true}, {Stored: true, ByCluster: true}, {Stored: true, MaxDuration: 300 * time.Millisecond}} {
			src := open(t, data, &opts)
			rest := storedFrames(t, data, src)
			for {
				f, err := src.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				place := -1
				for i, b := range f.Blocks {
					kind := f.Runs[b.Run].Track.Kind
					if len(rest[kind]) == 0 {
						t.Fatalf("%s: more blocks of %v than stored", name, kind)
					}
					want := rest[kind][0]
					rest[kind] = rest[kind][1:]
					if (b.PTS-want.PTS).Abs() > time.Microsecond || b.Duration != want.Duration || b.Key != want.Key || !bytes.Equal(b.Data, want.Data) {
						t.Fatalf("%s: block %d of fragment %d at %v, key %v, %d bytes; stored: %v, %v, %d bytes", name, i, f.Index, b.PTS, b.Key, len(b.Data), want.PTS, want.Key, len(want.Data))
					}
					if want.place <= place {
						t.Errorf("%s: block %d of fragment %d is not in stored order", name, i, f.Index)
					}
					place = want.place
				}
			}
			for kind, left := range rest {
				if len(left) > 0 {
					t.Errorf("%s: %d frames of %v are in no fragment", name, len(left), kind)
				}
			}
		}
	}
}

// TestBlocksOnlyWhenAskedFor keeps the cost from those who do not want it.
func TestBlocksOnlyWhenAskedFor(t *testing.T) {
	if f, err := open(t, read(t, "sample.mkv"), nil).Next(); err != nil || f.Blocks != nil {
		t.Errorf("%d blocks, error %v", len(f.Blocks), err)
	}
}

// TestStoredSound cuts sound by its stored times, so that none of a fragment is later than the start of the next.
func TestStoredSound(t *testing.T) {
	tracks, frames := delayed(t)
	data, err := mkv.AppendHeader(nil, tracks, time.Millisecond, mkv.HeaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if data, err = mkv.AppendCluster(data, 0, time.Millisecond, frames); err != nil {
		t.Fatal(err)
	}
	for _, stored := range []bool{false, true} {
		src := open(t, data, &weir.Options{Stored: stored})
		var last, start []time.Duration
		for {
			f, err := src.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			start = append(start, f.Start)
			r := f.Runs[1]
			last = append(last, r.Time(r.Samples[len(r.Samples)-1].PTS)+tracks[1].CodecDelay)
		}
		if len(start) != 2 || (last[0] < start[1]) != stored {
			t.Errorf("stored %v: sound of the first fragment goes up to %v, the second starts at %v", stored, last, start)
		}
	}
}

// delayed returns the tracks and frames of sample.mkv with a CodecDelay of 90 ms.
func delayed(t *testing.T) ([]*codec.Track, []codec.Frame) {
	t.Helper()
	src := open(t, read(t, "sample.mkv"), nil)
	var tracks []*codec.Track
	for _, track := range src.Tracks() {
		c := *track
		if c.Kind == codec.Audio {
			c.CodecDelay = 90 * time.Millisecond
		}
		tracks = append(tracks, &c)
	}
	var frames []codec.Frame
	for {
		f, err := src.Next()
		if err == io.EOF {
			return tracks, frames
		}
		if err != nil {
			t.Fatal(err)
		}
		c := clone(f)
		from := len(frames)
		frames = weir.AppendFrames(frames, &c)
		for i := range frames[from:] {
			if g := &frames[from+i]; g.Track == tracks[1].Number {
				g.PTS += tracks[1].CodecDelay
			}
		}
	}
}

// TestMaxDuration cuts where there is no key frame, and where no picture is presented across the cut.
func TestMaxDuration(t *testing.T) {
	const most = 700 * time.Millisecond
	for _, name := range []string{"sample.mkv", "h264-nob.mkv", "hevc-aac.mkv", "audio-only.mkv", "unknown-size.mkv"} {
		for _, opts := range []weir.Options{{MaxDuration: most}, {MaxDuration: most, ByCluster: true}} {
			src := open(t, read(t, name), &opts)
			all := fragments(t, src)
			if len(all) < 3 {
				t.Errorf("%s: %d fragments", name, len(all))
			}
			for i, f := range all {
				if f.Length > most+50*time.Millisecond || f.Moved != 0 || f.Discontinuity {
					t.Errorf("%s: fragment %d of %v, moved by %v, discontinuity %v", name, i, f.Length, f.Moved, f.Discontinuity)
				}
			}
		}
	}
}

package mkv_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// TestOtherLibrary has a Matroska library of another make read what the writer made: its tracks and blocks are those of this reader.
func TestOtherLibrary(t *testing.T) {
	for _, name := range writerFiles {
		t.Run(name, func(t *testing.T) {
			all, frames := writerInput(t, name)
			data := writerDocument(t, all, frames, nil)
			var d struct {
				Header  webm.EBMLHeader `ebml:"EBML"`
				Segment struct {
					Info    webm.Info
					Tracks  webm.Tracks
					Cluster []struct {
						Timecode    uint64
						SimpleBlock []ebml.Block
						BlockGroup  []struct {
							Block          ebml.Block
							ReferenceBlock []int64
						}
					}
				} `ebml:"Segment,size=unknown"`
			}
			if err := ebml.Unmarshal(bytes.NewReader(data), &d); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			r := mkv.NewBytesReader(data, nil)
			var want, got []codec.Frame
			for f, err := range r.Frames() {
				if err != nil {
					t.Fatal(err)
				}
				f.Duration = 0
				want = append(want, f)
			}
			tick := time.Duration(d.Segment.Info.TimecodeScale)
			for _, c := range d.Segment.Cluster {
				add := func(b ebml.Block, key bool) {
					got = append(got, codec.Frame{Track: b.TrackNumber, PTS: time.Duration(int64(c.Timecode)+int64(b.Timecode)) * tick, Key: key, Data: b.Data[0]})
				}
				for _, b := range c.SimpleBlock {
					add(b, b.Keyframe)
				}
				for _, g := range c.BlockGroup {
					add(g.Block, len(g.ReferenceBlock) == 0)
				}
			}
			// The library tells a Cluster's SimpleBlocks and BlockGroups apart, and so not the order between them.
			order := func(a, b codec.Frame) int {
				return cmp.Or(cmp.Compare(a.Track, b.Track), cmp.Compare(a.PTS, b.PTS), bytes.Compare(a.Data, b.Data))
			}
			slices.SortStableFunc(want, order)
			slices.SortStableFunc(got, order)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("frames (-want +got):\n%.3000s", diff)
			}
			var entries, theirs []string
			for _, e := range r.Tracks() {
				entries = append(entries, fmt.Sprintf("%d %d %d %s %x %s %s", e.Number, e.UID, e.Type, e.CodecID, e.CodecPrivate, e.DefaultDuration, e.CodecDelay))
			}
			for _, e := range d.Segment.Tracks.TrackEntry {
				theirs = append(theirs, fmt.Sprintf("%d %d %d %s %x %s %s", e.TrackNumber, e.TrackUID, e.TrackType, e.CodecID, e.CodecPrivate, time.Duration(e.DefaultDuration), time.Duration(e.CodecDelay)))
			}
			if diff := gocmp.Diff(entries, theirs); diff != "" {
				t.Errorf("tracks (-want +got):\n%s", diff)
			}
		})
	}
}

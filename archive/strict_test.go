package archive_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// soundFirst is a fragment of the sample with the sound as track 1 and the pictures as track 2.
func soundFirst(t *testing.T) film {
	t.Helper()
	source, err := weir.NewBytesSource(read(t, "sample.mkv"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var tracks []*codec.Track
	for _, track := range source.Tracks() {
		other := *track
		other.Number = 3 - track.Number
		tracks = append(tracks, &other)
	}
	slices.Reverse(tracks)
	f := films(t, "sample.mkv")[0]
	if f.header, err = mkv.AppendHeader(nil, tracks, f.scale, mkv.HeaderOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, frames := range [][]codec.Frame{f.video, f.audio} {
		for i := range frames {
			frames[i].Track = 3 - frames[i].Track
		}
	}
	return f
}

// TestStrictTrackOrder has pictures asked of track 1 with Strict, and of any track without.
func TestStrictTrackOrder(t *testing.T) {
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	f := soundFirst(t)
	newCamera(s, c, "cam").shoot(times(2, &f)...)
	sel := selector("PRODUCER", begin, c.ms())
	for _, strict := range []bool{false, true} {
		a := archive.New(s.store, &archive.Options{Now: c.now, Strict: strict})
		want := ""
		if strict {
			want = archive.UnsupportedStreamMedia
		}
		ctx := context.Background()
		for _, container := range []string{"FRAGMENTED_MP4", "MPEG_TS"} {
			out, err := a.GetHLSStreamingSessionURL(ctx, &archive.GetHLSStreamingSessionURLInput{StreamRef: ref("cam"), PlaybackMode: "ON_DEMAND", HLSFragmentSelector: sel,
				ContainerFormat: container}, base)
			if typeOf(err) != want {
				t.Errorf("strict %v, %s: %v", strict, container, err)
			}
			if err != nil {
				continue
			}
			p := newPlayer(t, a, out.HLSStreamingSessionURL)
			for _, link := range p.lists() {
				for _, g := range p.list(link).Segments {
					p.must(g.Link)
				}
			}
		}
		if _, err := a.GetDASHStreamingSessionURL(ctx, &archive.GetDASHStreamingSessionURLInput{StreamRef: ref("cam"), PlaybackMode: "ON_DEMAND", DASHFragmentSelector: sel}, base); typeOf(err) != want {
			t.Errorf("strict %v, DASH: %v", strict, err)
		}
		if _, err := a.GetClip(ctx, &archive.GetClipInput{StreamRef: ref("cam"), ClipFragmentSelector: sel}); typeOf(err) != want {
			t.Errorf("strict %v, GetClip: %v", strict, err)
		}
	}
}

// TestDASHMaximum has 5,000 fragments in a manifest, and 1,000 with Strict.
func TestDASHMaximum(t *testing.T) {
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	newCamera(s, c, "cam").shoot(times(2, &films(t, "sample.mkv")[0])...)
	c.sleep(time.Second)
	for _, strict := range []bool{false, true} {
		a := archive.New(s.store, &archive.Options{Now: c.now, Strict: strict})
		for _, most := range []int64{0, 1, 1000, 1001, 5000, 5001} {
			want := ""
			if most < 1 || most > 5000 || strict && most > 1000 {
				want = archive.InvalidArgument
			}
			_, err := a.GetDASHStreamingSessionURL(context.Background(), &archive.GetDASHStreamingSessionURLInput{StreamRef: ref("cam"), MaxManifestFragmentResults: &most}, base)
			if typeOf(err) != want {
				t.Errorf("strict %v, %d fragments: %v", strict, most, err)
			}
			// The text has 5,000 for HLS.
			if most > 1000 && most <= 5000 {
				_, err := a.GetHLSStreamingSessionURL(context.Background(), &archive.GetHLSStreamingSessionURLInput{StreamRef: ref("cam"), MaxMediaPlaylistFragmentResults: &most}, base)
				if err != nil {
					t.Errorf("strict %v, %d fragments of HLS: %v", strict, most, err)
				}
			}
		}
	}
}

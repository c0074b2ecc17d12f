package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
	"github.com/grafov/m3u8"

	"github.com/seed63bb8431/weir/dash"
	"github.com/seed63bb8431/weir/hls"
)

var start = time.Date(2023, 5, 17, 22, 48, 35, 994e6, time.UTC)

// BenchmarkPlaylist writes an on-demand playlist of 5,000 segments with their dates. Values of m3u8 are made anew each time, because
// it keeps the text of a playlist that did not change.
func BenchmarkPlaylist(b *testing.B) {
	const n = 5000
	p := &hls.MediaPlaylist{PlaylistType: hls.VOD, EndList: true, IndependentSegments: true, Map: "init.mp4", Segments: make([]hls.Segment, n)}
	for i := range p.Segments {
		p.Segments[i] = hls.Segment{URI: fmt.Sprintf("video-%d.m4s", i+1), Duration: 1999 * time.Millisecond, ProgramDateTime: start.Add(time.Duration(i) * 1999 * time.Millisecond)}
	}
	b.Run("5000/weir", func(b *testing.B) {
		var buf []byte
		b.ReportAllocs()
		for b.Loop() {
			buf = p.Append(buf[:0])
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("5000/m3u8", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m, err := m3u8.NewMediaPlaylist(0, n)
			if err != nil {
				b.Fatal(err)
			}
			for i := range p.Segments {
				s := &p.Segments[i]
				if err := m.AppendSegment(&m3u8.MediaSegment{URI: s.URI, Duration: s.Duration.Seconds(), ProgramDateTime: s.ProgramDateTime}); err != nil {
					b.Fatal(err)
				}
			}
			m.Close()
			b.SetBytes(int64(m.Encode().Len()))
		}
	})
}

// BenchmarkManifest writes an MPD with a timeline of 1,000 segments, no two neighbours of which last equally long.
func BenchmarkManifest(b *testing.B) {
	timeline := make([]dash.S, 1000)
	at := uint64(start.UnixMilli()) * 90
	for i := range timeline {
		timeline[i] = dash.S{T: at, D: 180000 + uint64(i%2)}
		at += timeline[i].D
	}
	m := &dash.MPD{MinBufferTime: time.Second, MediaPresentationDuration: time.Hour, Periods: []dash.Period{{ID: "1", AdaptationSets: []dash.AdaptationSet{{
		ContentType: "video", MimeType: "video/mp4",
		Representations: []dash.Representation{{
			ID: "video", Bandwidth: 1000000, Codecs: "avc1.64001f",
			SegmentTemplate: dash.SegmentTemplate{Timescale: 90000, StartNumber: 1, Initialization: "init.mp4", Media: "$Number$.m4s", Timeline: timeline},
		}},
	}}}}}
	if err := m.Validate(); err != nil {
		b.Fatal(err)
	}
	b.Run("1000/weir", func(b *testing.B) {
		var buf []byte
		b.ReportAllocs()
		for b.Loop() {
			buf = m.Append(buf[:0])
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("1000/dash-mpd", func(b *testing.B) {
		m, err := mpd.ReadFromString(m.String())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			text, err := m.WriteToString("  ", true)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
		}
	})
}

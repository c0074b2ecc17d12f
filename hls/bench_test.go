package hls_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/grafov/m3u8"

	"github.com/seed63bb8431/weir/hls"
)

var benchStart = time.Date(2023, 5, 17, 22, 48, 35, 994e6, time.UTC)

// longPlaylist is an on-demand playlist of n segments that crosses midnight.
func longPlaylist(n int, dates bool) *hls.MediaPlaylist {
	p := &hls.MediaPlaylist{
		PlaylistType:        hls.VOD,
		EndList:             true,
		IndependentSegments: true,
		Map:                 "init.mp4",
		Segments:            make([]hls.Segment, n),
		AppendURI: func(dst []byte, i int) []byte {
			return append(strconv.AppendInt(dst, int64(i), 10), ".m4s"...)
		},
	}
	for i := range p.Segments {
		p.Segments[i].Duration = 1999 * time.Millisecond
		if dates {
			p.Segments[i].ProgramDateTime = benchStart.Add(time.Duration(i) * 1999 * time.Millisecond)
		}
	}
	return p
}

func BenchmarkMediaPlaylist(b *testing.B) {
	const n = 5000
	run := func(name string, p *hls.MediaPlaylist) {
		b.Run(name, func(b *testing.B) {
			buf := p.Append(nil)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = p.Append(buf[:0])
			}
		})
	}
	run("AppendURI", longPlaylist(n, false))
	run("AppendURI+dates", longPlaylist(n, true))

	named := longPlaylist(n, true)
	for i := range named.Segments {
		named.Segments[i].URI = strconv.Itoa(i) + ".m4s"
	}
	run("URI+dates", named)

	session := longPlaylist(n, true)
	for i := range session.Segments {
		session.Segments[i].URI = "getMP4MediaFragment.mp4?FragmentNumber=91343852333181432392682062607743920146159" + strconv.Itoa(100000+i) +
			"&SessionToken=CiAhYmFzZTY0IG9mIGEgdG9rZW4gdGhhdCBpcyBhIGh1bmRyZWQgYnl0ZXM&TrackNumber=1"
	}
	run("longURI+dates", session)

	b.Run("grafov", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m, err := m3u8.NewMediaPlaylist(0, n)
			if err != nil {
				b.Fatal(err)
			}
			for i := range named.Segments {
				s := &named.Segments[i]
				err := m.AppendSegment(&m3u8.MediaSegment{URI: s.URI, Duration: s.Duration.Seconds(), ProgramDateTime: s.ProgramDateTime})
				if err != nil {
					b.Fatal(err)
				}
			}
			m.Close()
			b.SetBytes(int64(m.Encode().Len()))
		}
	})
	b.Run("grafov-encode-only", func(b *testing.B) {
		m, err := m3u8.NewMediaPlaylist(0, n)
		if err != nil {
			b.Fatal(err)
		}
		for i := range named.Segments {
			s := &named.Segments[i]
			if err := m.AppendSegment(&m3u8.MediaSegment{URI: s.URI, Duration: s.Duration.Seconds(), ProgramDateTime: s.ProgramDateTime}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportAllocs()
		for b.Loop() {
			m.ResetCache()
			m.Encode()
		}
	})
}

package hls_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/grafov/m3u8"

	"github.com/seed63bb8431/weir/hls"
)

// listed is what grafov/m3u8 reads of a segment.
type listed struct {
	URI           string
	Duration      time.Duration
	Discontinuity bool
	Date          time.Time
	Map           string
}

// grafov/m3u8, written by others, reads the values that were written.
func TestReadMediaPlaylist(t *testing.T) {
	long := longPlaylist(5000, true)
	for i := range long.Segments {
		long.Segments[i].Duration += time.Duration(i) * time.Microsecond
		long.Segments[i].Discontinuity = i%7 == 3
	}
	playlists := map[string]*hls.MediaPlaylist{"long": long}
	for name, p := range cases {
		if p, ok := p.(*hls.MediaPlaylist); ok && len(p.Segments) > 0 {
			playlists[name] = p
		}
	}
	for name, p := range playlists {
		t.Run(name, func(t *testing.T) {
			read, kind, err := m3u8.DecodeFrom(bytes.NewReader(p.Append(nil)), true)
			if err != nil || kind != m3u8.MEDIA {
				t.Fatalf("DecodeFrom: kind %v, error %v", kind, err)
			}
			m := read.(*m3u8.MediaPlaylist)
			if m.SeqNo != p.MediaSequence || m.DiscontinuitySeq != p.DiscontinuitySequence || m.Closed != p.EndList {
				t.Errorf("media sequence %d, discontinuity sequence %d, closed %v", m.SeqNo, m.DiscontinuitySeq, m.Closed)
			}
			if p.TargetDuration > 0 && m.TargetDuration != float64(p.TargetDuration) {
				t.Errorf("target duration %v, want %v", m.TargetDuration, p.TargetDuration)
			}

			var want, got []listed
			for i, s := range p.Segments {
				l := listed{URI: s.URI, Duration: s.Duration.Round(time.Microsecond), Discontinuity: s.Discontinuity}
				if s.URI == "" {
					l.URI = string(p.AppendURI(nil, i))
				}
				if !s.ProgramDateTime.IsZero() {
					l.Date = s.ProgramDateTime.UTC().Truncate(time.Millisecond)
				}
				if i == 0 {
					l.Map = p.Map
				}
				if s.Map != "" && (i == 0 || p.Segments[i-1].Map != s.Map) {
					l.Map = s.Map
				}
				want = append(want, l)
			}
			for _, s := range m.Segments[:m.Count()] {
				l := listed{URI: s.URI, Discontinuity: s.Discontinuity, Date: s.ProgramDateTime}
				l.Duration = time.Duration(s.Duration * 1e9).Round(time.Microsecond)
				if s.Map != nil {
					l.Map = s.Map.URI
				}
				got = append(got, l)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("segments (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadMultivariantPlaylist(t *testing.T) {
	p := cases["multivariant"].(*hls.MultivariantPlaylist)
	read, kind, err := m3u8.DecodeFrom(bytes.NewReader(p.Append(nil)), true)
	if err != nil || kind != m3u8.MASTER {
		t.Fatalf("DecodeFrom: kind %v, error %v", kind, err)
	}
	m := read.(*m3u8.MasterPlaylist)
	if int(m.Version()) != p.Version || m.IndependentSegments() != p.IndependentSegments {
		t.Errorf("version %d, independent segments %v", m.Version(), m.IndependentSegments())
	}
	type variant struct {
		URI, Codecs, Resolution, Audio string
		Bandwidth, Average             int
		FrameRate                      float64
	}
	want := []variant{
		{"media.m3u8?SessionToken=T&TrackNumber=1", "avc1.42c032,mp4a.40.2", "2592x1944", "audio", 2583047, 2100000, 29.97},
		{"audio%20only.m3u8", "mp4a.40.2", "", "", 64000, 0, 0},
	}
	var got []variant
	for _, v := range m.Variants {
		got = append(got, variant{v.URI, v.Codecs, v.Resolution, v.Audio, int(v.Bandwidth), int(v.AverageBandwidth), v.FrameRate})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variants (-want +got):\n%s", diff)
	}

	var renditions []hls.Rendition
	all := m.Variants[0].Alternatives // the group again for each line read
	for _, a := range all[len(all)-len(p.Renditions):] {
		renditions = append(renditions, hls.Rendition{
			Type: hls.MediaType(a.Type), GroupID: a.GroupId, Name: a.Name, Language: a.Language,
			Default: a.Default, Autoselect: a.Autoselect == "YES", URI: a.URI,
		})
	}
	wantRenditions := []hls.Rendition{p.Renditions[0], p.Renditions[1]}
	wantRenditions[0].Type = hls.Audio
	wantRenditions[0].Autoselect = true
	wantRenditions[0].Channels = 0 // not read by grafov/m3u8
	wantRenditions[1].Name = strings.ReplaceAll(wantRenditions[1].Name, `"`, "'")
	if diff := cmp.Diff(wantRenditions, renditions); diff != "" {
		t.Errorf("renditions (-want +got):\n%s", diff)
	}
}

// When durations are differences of absolute times in microseconds, their printed sum is the last of these times.
func TestSumDoesNotDrift(t *testing.T) {
	const ticks, timescale = 3003 * 61, 90000 // not a whole number of microseconds
	at := func(i int) time.Duration {
		return (time.Duration(i) * ticks * time.Second / timescale).Round(time.Microsecond)
	}
	var p hls.MediaPlaylist
	const n = 5000
	for i := range n {
		p.Segments = append(p.Segments, hls.Segment{URI: "a", Duration: at(i+1) - at(i)})
	}
	var sum time.Duration
	for line := range strings.Lines(p.String()) {
		if value, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			d, err := time.ParseDuration(strings.TrimSuffix(value, ",\n") + "s")
			if err != nil {
				t.Fatal(err)
			}
			sum += d
		}
	}
	if sum != at(n) {
		t.Errorf("sum %v, want %v", sum, at(n))
	}
}

package archive_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/archive"
)

// TestSessionChanges has what becomes of codec private data that changes within a session: a further init segment, a further Period;
// with Strict the fragment is refused by the service's words.
func TestSessionChanges(t *testing.T) {
	a, b := changing(t)
	c := newClock()
	ring, err := archive.ParseKeyring(archive.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	opts := archive.Options{Now: c.now, Keys: func() *archive.Keyring { return ring }}
	s := serve(t, opts)
	newCamera(s, c, "cam").shoot(shot{film: a}, shot{film: a}, shot{film: b}, shot{film: a})
	opts.Strict = true
	strict := archive.New(s.store, &opts)
	const refusal = "The requested fragment does not have the same codec private data as the rest of the session."
	for _, mode := range []string{"LIVE", "ON_DEMAND"} {
		sel := selector("PRODUCER", begin, c.ms())
		if mode == "LIVE" {
			sel = nil
		}
		for _, container := range []string{"FRAGMENTED_MP4", "MPEG_TS"} {
			p := s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: mode, HLSFragmentSelector: sel, ContainerFormat: container, DiscontinuityMode: "NEVER"})
			for _, link := range p.lists() {
				var marks []bool
				inits := map[string]string{}
				for i, g := range p.list(link).Segments {
					marks = append(marks, g.Mark)
					p.must(g.Link)
					if g.Map != "" {
						inits[g.Map] = string(p.must(g.Map))
					}
					_, err := (&player{t, strict, p.url}).get(g.Link)
					if changed := i >= 2; changed != (typeOf(err) == archive.InvalidCodecPrivateData && strings.Contains(err.Error(), refusal)) || !changed && err != nil {
						t.Errorf("%s, %s, strict, fragment %d: %v", mode, container, i, err)
					}
				}
				if len(marks) != 4 || marks[0] || marks[1] || !marks[2] || !marks[3] {
					t.Errorf("%s, %s: marks %v", mode, container, marks)
				}
				var first, second string
				for m, init := range inits {
					switch {
					case strings.HasSuffix(m, "SequenceNumber=1"):
						second = init
					case strings.HasSuffix(m, "SequenceNumber=0"):
						first = init
					}
				}
				if want := map[string]int{"FRAGMENTED_MP4": 3}[container]; len(inits) != want || want > 0 && first == second {
					t.Errorf("%s, %s: %d init segments, the second like the first: %v", mode, container, len(inits), first == second)
				}
			}
		}
		p := s.dash(archive.GetDASHStreamingSessionURLInput{PlaybackMode: mode, DASHFragmentSelector: sel})
		m := p.manifest()
		if len(m.Period) != 3 || m.Period[0].Start != "PT0S" || m.Period[1].Start != "PT2S" || m.Period[2].Start != "PT3S" {
			t.Fatalf("%s: %+v", mode, m.Period)
		}
		for i, period := range m.Period {
			for _, set := range period.AdaptationSet {
				tmpl := set.Representation.SegmentTemplate
				p.must(tmpl.Initialization)
				for j := range tmpl.S {
					p.must(tmpl.segment(j))
				}
				_, err := (&player{t, strict, p.url}).get(tmpl.segment(0))
				if (i > 0) != (typeOf(err) == archive.InvalidCodecPrivateData) {
					t.Errorf("%s, strict, Period %d: %v", mode, i, err)
				}
			}
		}
	}
}

// TestSessionTrackChanges refuses fragments whose tracks or codecs are not those that the session began with, and nothing else.
func TestSessionTrackChanges(t *testing.T) {
	a, _ := changing(t)
	for name, other := range map[string]film{"no sound": films(t, "h264-nob.mkv")[0], "sound alone": films(t, "audio-only.mkv")[0], "H.265": films(t, "hevc-aac.mkv")[0],
		"G.711": films(t, "alaw.mkv")[0]} {
		c := newClock()
		s := serve(t, archive.Options{Now: c.now})
		cam := newCamera(s, c, "cam")
		cam.shoot(times(2, a)...)
		live := s.hls(archive.GetHLSStreamingSessionURLInput{})
		cam.shoot(times(1, &other)...)
		cam.shoot(times(1, a)...)
		for _, p := range []*player{live, s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("PRODUCER", begin, c.ms())}),
			s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("PRODUCER", begin, c.ms()), ContainerFormat: "MPEG_TS"})} {
			for _, link := range p.lists() {
				l := p.list(link)
				if len(l.Segments) != 4 {
					t.Errorf("%s: %d segments", name, len(l.Segments))
				}
				for i, g := range l.Segments {
					want := ""
					if i == 2 {
						want = archive.UnsupportedStreamMedia
					}
					if _, err := p.get(g.Link); typeOf(err) != want {
						t.Errorf("%s, fragment %d: %v", name, i, err)
					}
				}
			}
		}
		d := s.dash(archive.GetDASHStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", DASHFragmentSelector: selector("PRODUCER", begin, c.ms())})
		if _, err := d.get(""); typeOf(err) != archive.UnsupportedStreamMedia {
			t.Errorf("%s, DASH: %v", name, err)
		}
	}
}

// TestSessionFaults leaves a fragment that cannot be packaged out of an ON_DEMAND session, and tells why when it is the first.
func TestSessionFaults(t *testing.T) {
	a, _ := changing(t)
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	cam := newCamera(s, c, "cam")
	cam.shoot(times(2, a)...)
	bad := *a
	bad.video = append(bad.video[:0:0], bad.video...)
	bad.video[3].Data = []byte{0xFF, 0xFF, 0xFF, 0xFF, 1}
	cam.shoot(shot{film: &bad})
	cam.shoot(times(1, a)...)
	rows := s.rows("cam")
	all := selector("PRODUCER", begin, c.ms())
	p := s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: all, DiscontinuityMode: "ON_DISCONTINUITY"})
	l := p.list(p.lists()[0])
	if len(l.Segments) != 3 || !l.Segments[2].Mark {
		t.Errorf("%+v", l)
	}
	for _, g := range l.Segments {
		p.must(g.Link)
		p.must(g.Map)
	}
	m := s.dash(archive.GetDASHStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", DASHFragmentSelector: all}).manifest()
	if len(m.Period) != 1 || m.MediaPresentationDuration != "PT3S" {
		t.Errorf("%+v", m)
	}
	if m := s.dash(archive.GetDASHStreamingSessionURLInput{}).manifest(); len(m.Period) != 2 || m.Period[1].Start != "PT3S" {
		t.Errorf("live: %+v", m)
	}
	_, err := s.GetHLSStreamingSessionURL(context.Background(), &archive.GetHLSStreamingSessionURLInput{StreamRef: ref("cam"), PlaybackMode: "ON_DEMAND",
		HLSFragmentSelector: selector("PRODUCER", rows[2].Producer/1000, c.ms())}, base)
	if typeOf(err) != archive.InvalidMediaFrame {
		t.Errorf("a session that begins with it: %v", err)
	}
}

// TestSameBytes has two archives over one store give the same bytes at the same moment, in sessions of all modes.
func TestSameBytes(t *testing.T) {
	a, b := changing(t)
	c := newClock()
	ring, err := archive.ParseKeyring(archive.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	opts := archive.Options{Now: c.now, Keys: func() *archive.Keyring { return ring }}
	s := serve(t, opts)
	cam := newCamera(s, c, "cam")
	cam.shoot(times(4, a)...)
	sessions := []*player{
		s.hls(archive.GetHLSStreamingSessionURLInput{}),
		s.hls(archive.GetHLSStreamingSessionURLInput{ContainerFormat: "MPEG_TS", DiscontinuityMode: "ON_DISCONTINUITY"}),
		s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: selector("PRODUCER", begin, c.ms()+5000), DisplayFragmentTimestamp: "ALWAYS"}),
		s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("SERVER", begin, c.ms()-1)}),
		s.dash(archive.GetDASHStreamingSessionURLInput{DisplayFragmentNumber: "ALWAYS"}),
		s.dash(archive.GetDASHStreamingSessionURLInput{PlaybackMode: "LIVE_REPLAY", DASHFragmentSelector: selector("SERVER", begin, 0)}),
	}
	seen := map[string][]byte{}
	for n := range 12 {
		f := a
		if n%5 == 4 {
			f = b
		}
		cam.shoot(shot{film: f})
		other := archive.New(s.store, &opts)
		for _, p := range sessions {
			q := &player{t, other, p.url}
			links := []string{""}
			if strings.HasPrefix(p.url.Path, "/hls/") {
				for _, link := range p.lists() {
					links = append(links, link)
					for _, g := range p.list(link).Segments {
						links = append(links, g.Link)
						if g.Map != "" {
							links = append(links, g.Map)
						}
					}
				}
			} else {
				for _, period := range p.manifest().Period {
					for _, set := range period.AdaptationSet {
						tmpl := set.Representation.SegmentTemplate
						links = append(links, tmpl.Initialization, tmpl.segment(0), tmpl.segment(len(tmpl.S)-1))
					}
				}
			}
			for _, link := range links {
				one, two := p.must(link), q.must(link)
				if !bytes.Equal(one, two) {
					t.Errorf("%s has other bytes from another archive", link)
				}
				if r, _ := p.get(link); r.Fixed {
					if before := seen[p.url.String()+link]; before != nil && !bytes.Equal(before, one) {
						t.Errorf("%s was said not to change, and has", link)
					}
					seen[p.url.String()+link] = one
				}
			}
		}
	}
}

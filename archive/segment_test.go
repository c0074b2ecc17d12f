package archive_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/store"
)

// run is what mp4ff reads of a track's media fragment, in ticks.
type run struct {
	dts, duration int64
	first         int64 // the smallest presentation time
	count         int
}

func readRun(t *testing.T, b []byte) run {
	t.Helper()
	file, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil || len(file.Segments) != 1 || len(file.Segments[0].Fragments) != 1 || len(file.Segments[0].Fragments[0].Moof.Trafs) != 1 {
		t.Fatalf("mp4ff: %v", err)
	}
	traf := file.Segments[0].Fragments[0].Moof.Traf
	r := run{dts: int64(traf.Tfdt.BaseMediaDecodeTime()), first: math.MaxInt64}
	for _, trun := range traf.Truns {
		for _, s := range trun.Samples {
			r.first = min(r.first, r.dts+r.duration+int64(s.CompositionTimeOffset))
			d := int64(s.Dur)
			if d == 0 {
				d = int64(traf.Tfhd.DefaultSampleDuration)
			}
			r.duration += d
			r.count++
		}
	}
	return r
}

func timescale(t *testing.T, b []byte) int64 {
	t.Helper()
	file, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil || file.Init == nil || len(file.Init.Moov.Traks) != 1 {
		t.Fatalf("mp4ff: %v", err)
	}
	return int64(file.Init.Moov.Trak.Mdia.Mdhd.Timescale)
}

// ticks returns an absolute time in ticks, rounded.
func ticks(ns, timescale int64) int64 {
	q, r := ns/int64(time.Second), ns%int64(time.Second)
	return q*timescale + (r*timescale+int64(time.Second)/2)/int64(time.Second)
}

// footage are files for the times of segments: of several fragments, some with gaps, open groups, uneven times or sound alone.
var footage = []string{"sample.mkv", "h264-nob.mkv", "hevc-aac.mkv", "opengop.mkv", "vfr.mkv", "gap.mkv", "audio-gap.mkv", "audio-only.mkv", "change.mkv", "getmedia.mkv"}

const slack = 10 * time.Second // what media time is ahead (timeline.md, 7)

// TestHLSTimes has the media of HLS sessions begin when their fragments do, by the session's clock, and playlists tell how long they last.
func TestHLSTimes(t *testing.T) {
	for _, file := range footage {
		gaps := strings.Contains(file, "gap") // sound is missing within fragments
		for _, clockName := range []string{"SERVER", "PRODUCER"} {
			c := newClock()
			s := serve(t, archive.Options{Now: c.now})
			if _, err := s.put("cam", archive.PutMediaInput{}, live(t, file, c)); err != nil {
				t.Fatal(err)
			}
			rows := s.rows("cam")
			sel := selector("SERVER", begin, c.ms())
			if clockName == "PRODUCER" {
				sel = selector("PRODUCER", rows[0].Producer/1000, rows[0].Producer/1000+3600_000)
			}
			p := s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: sel, DiscontinuityMode: "ON_DISCONTINUITY", DisplayFragmentTimestamp: "ALWAYS"})
			for track, link := range p.lists() {
				l := p.list(link)
				if len(l.Segments) != len(rows) {
					t.Errorf("%s, %s: %d segments of %d fragments", file, clockName, len(l.Segments), len(rows))
					continue
				}
				byNumber := map[string]*store.Row{}
				for i := range rows {
					byNumber[rows[i].Number.String()] = &rows[i]
				}
				end := int64(0)
				for i, number := range l.numbers(t) {
					g, r := &l.Segments[i], byNumber[number]
					scale := timescale(t, p.must(g.Map))
					got := readRun(t, p.must(g.Link))
					start := r.Start
					if clockName == "SERVER" {
						start = r.ServerStart
					}
					at := ticks(start+int64(slack), scale)
					if scale == 90_000 && (got.first < at-1 || got.first > at+1) {
						t.Errorf("%s, %s, track %d, fragment %d: presentation begins at %d, want %d", file, clockName, track+1, i, got.first, at)
					}
					if scale != 90_000 && (got.first < at-scale/4 || got.first > at+scale/4) && !gaps {
						t.Errorf("%s, %s, track %d, fragment %d: sound begins at %d, want about %d", file, clockName, track+1, i, got.first, at)
					}
					if got.dts > got.first || got.count == 0 {
						t.Errorf("%s, %s, track %d, fragment %d: decoding begins at %d, presentation at %d, %d samples", file, clockName, track+1, i, got.dts, got.first, got.count)
					}
					if i > 0 && !g.Mark && got.dts != end && (scale == 90_000 || !gaps) {
						t.Errorf("%s, %s, track %d, fragment %d: decoding begins at %d, and ended at %d before it", file, clockName, track+1, i, got.dts, end)
					}
					end = got.dts + got.duration
					if d := g.Length - time.Duration(r.Length); d < -time.Microsecond || d > time.Microsecond {
						t.Errorf("%s, %s, fragment %d: EXTINF %v, want %v", file, clockName, i, g.Length, time.Duration(r.Length))
					}
					if g.At != time.Unix(0, start).UTC().Format("2006-01-02T15:04:05.000Z") {
						t.Errorf("%s, %s, fragment %d: EXT-X-PROGRAM-DATE-TIME %s", file, clockName, i, g.At)
					}
					if float64(l.Target)+0.5 < g.Length.Seconds() {
						t.Errorf("%s: TARGETDURATION %d, EXTINF %v", file, l.Target, g.Length)
					}
				}
			}
		}
	}
}

// mpd is a manifest as a player reads it.
type mpd struct {
	Type                      string `xml:"type,attr"`
	MediaPresentationDuration string `xml:"mediaPresentationDuration,attr"`
	AvailabilityStartTime     string `xml:"availabilityStartTime,attr"`
	Period                    []struct {
		Start         string `xml:"start,attr"`
		Duration      string `xml:"duration,attr"`
		AdaptationSet []struct {
			ContentType    string `xml:"contentType,attr"`
			Representation struct {
				SegmentTemplate template
			}
		}
	}
}

type template struct {
	Timescale              int64  `xml:"timescale,attr"`
	PresentationTimeOffset int64  `xml:"presentationTimeOffset,attr"`
	StartNumber            int64  `xml:"startNumber,attr"`
	Initialization         string `xml:"initialization,attr"`
	Media                  string `xml:"media,attr"`
	S                      []struct {
		T  *int64 `xml:"t,attr"` // without it the segment goes on where the one before ended
		D  int64  `xml:"d,attr"`
		TS string `xml:"ts,attr"`
		FN string `xml:"fn,attr"`
	} `xml:"SegmentTimeline>S"`
}

func (p *player) manifest() mpd {
	p.t.Helper()
	var m mpd
	if err := xml.Unmarshal(p.must(""), &m); err != nil {
		p.t.Fatal(err)
	}
	return m
}

// segment returns the link of the i-th segment of a template.
func (s *template) segment(i int) string {
	return strings.ReplaceAll(s.Media, "$Number$", fmt.Sprint(s.StartNumber+int64(i)))
}

// TestDASHTimes has manifests tell the times of the media that is served, on a timeline without gaps.
func TestDASHTimes(t *testing.T) {
	for _, file := range footage {
		for _, clockName := range []string{"SERVER", "PRODUCER"} {
			for _, mode := range []string{"ON_DEMAND", "LIVE_REPLAY", "LIVE"} {
				c := newClock()
				s := serve(t, archive.Options{Now: c.now})
				if _, err := s.put("cam", archive.PutMediaInput{}, live(t, file, c)); err != nil {
					t.Fatal(err)
				}
				rows := s.rows("cam")
				sel := selector("SERVER", begin, c.ms())
				if clockName == "PRODUCER" {
					sel = selector("PRODUCER", rows[0].Producer/1000, rows[0].Producer/1000+3600_000)
				}
				if mode == "LIVE" {
					sel.TimestampRange = nil
				}
				p := s.dash(archive.GetDASHStreamingSessionURLInput{PlaybackMode: mode, DASHFragmentSelector: sel, DisplayFragmentTimestamp: "ALWAYS", DisplayFragmentNumber: "ALWAYS"})
				c.sleep(time.Minute)
				m := p.manifest()
				total := int64(0)
				byNumber := map[string]*store.Row{}
				for i := range rows {
					byNumber[rows[i].Number.String()] = &rows[i]
				}
				for _, period := range m.Period {
					for track, set := range period.AdaptationSet {
						tmpl := set.Representation.SegmentTemplate
						name := fmt.Sprintf("%s, %s, %s, %s, track %d", file, clockName, mode, period.Start, track+1)
						if scale := timescale(t, p.must(tmpl.Initialization)); scale != tmpl.Timescale {
							t.Errorf("%s: timescale %d, the media has %d", name, tmpl.Timescale, scale)
						}
						end := int64(-1)
						for i, e := range tmpl.S {
							at := end
							if e.T != nil {
								at = *e.T
							}
							r := byNumber[e.FN]
							if r == nil {
								t.Fatalf("%s: kvs:fn %q", name, e.FN)
							}
							start := r.Start
							if clockName == "SERVER" {
								start = r.ServerStart
							}
							if want := time.Unix(0, start).UTC(); e.TS != fmt.Sprintf("%d.%03d", want.Unix(), want.Nanosecond()/1_000_000) {
								t.Errorf("%s, segment %d: kvs:ts %s, want %v", name, i, e.TS, want)
							}
							got := readRun(t, p.must(tmpl.segment(i)))
							half := tmpl.Timescale / 50 // of a picture
							if set.ContentType == "audio" {
								half = 0
							}
							overlaps := i > 0 && got.first < end // it is listed from where the one before ended: a list has no overlaps
							if d := got.first - at; (d < -half || d > half) && (!overlaps || at != end) {
								t.Errorf("%s, segment %d: S@t %d, presentation begins at %d", name, i, at, got.first)
							}
							if d := got.first + got.duration - at - e.D; set.ContentType == "audio" && (d < -1 || d > tmpl.Timescale/20) {
								t.Errorf("%s, segment %d: S@d %d, the media has %d", name, i, e.D, got.duration)
							}
							if end >= 0 && (at < end || set.ContentType == "video" && at != end) {
								t.Errorf("%s, segment %d: begins at %d, the one before ended at %d", name, i, at, end)
							}
							end = at + e.D
							if i == 0 && set.ContentType == "video" && at != tmpl.PresentationTimeOffset && mode == "ON_DEMAND" {
								t.Errorf("%s: presentationTimeOffset %d, the first segment is at %d", name, tmpl.PresentationTimeOffset, at)
							}
							if track == 0 {
								total++
							}
						}
					}
				}
				if want := int64(len(rows)); total != want && mode == "ON_DEMAND" || mode != "ON_DEMAND" && total != min(want, 5) {
					t.Errorf("%s, %s, %s: %d segments of %d fragments", file, clockName, mode, total, want)
				}
			}
		}
	}
}

// TestBandwidth holds BANDWIDTH to what it bounds: the sum of each rendition's peak segment bit rate (RFC 8216, 4.3.4.2). Of media as small
// as this it may be a good deal more.
func TestBandwidth(t *testing.T) {
	for _, file := range footage {
		for _, container := range []string{"FRAGMENTED_MP4", "MPEG_TS"} {
			c := newClock()
			s := serve(t, archive.Options{Now: c.now})
			if _, err := s.put("cam", archive.PutMediaInput{}, live(t, file, c)); err != nil {
				t.Fatal(err)
			}
			p := s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("SERVER", begin, c.ms()), ContainerFormat: container})
			_, text, _ := strings.Cut(string(p.must("")), ":BANDWIDTH=")
			text, _, _ = strings.Cut(text, ",")
			said, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for _, link := range p.lists() {
				peak := 0.0
				for _, g := range p.list(link).Segments {
					peak = max(peak, float64(8*len(p.must(g.Link)))/g.Length.Seconds())
				}
				sum += peak
			}
			if said < sum || said > 1.2*sum+30_000 {
				t.Errorf("%s, %s: BANDWIDTH %.0f, the peaks have %.0f", file, container, said, sum)
			}
		}
	}
}

// TestDASHTimesStay has a segment keep number, time and duration while the list moves on (ISO/IEC 23009-1, 5.4.1), also where its sound
// overlaps that of a segment which has left the list: behind each gap, which is closed, by what the sound before was longer than its pictures.
func TestDASHTimesStay(t *testing.T) {
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	cam := newCamera(s, c, "cam")
	all := films(t, "sample.mkv")
	shoot := func(i int) { cam.shoot(shot{film: &all[i%len(all)], gap: time.Duration(i%3) * time.Second}) }
	for i := range 3 {
		shoot(i)
	}
	p := s.dash(archive.GetDASHStreamingSessionURLInput{PlaybackMode: "LIVE", DASHFragmentSelector: &archive.FragmentSelector{FragmentSelectorType: "PRODUCER_TIMESTAMP"},
		MaxManifestFragmentResults: new(int64(3)), DisplayFragmentNumber: "ALWAYS"})
	known := map[string]string{}
	overlaps := 0
	for i := range 12 {
		for track, set := range p.manifest().Period[0].AdaptationSet {
			tmpl := set.Representation.SegmentTemplate
			at := int64(0)
			for k, e := range tmpl.S {
				if e.T != nil {
					at = *e.T
				}
				id, times := fmt.Sprintf("track %d, segment %d", track+1, tmpl.StartNumber+int64(k)), fmt.Sprintf("t %d, d %d", at, e.D)
				if was, ok := known[id]; ok && was != times {
					t.Errorf("after %d fragments %s has %s, and had %s", i, id, times, was)
				}
				known[id] = times
				if got := readRun(t, p.must(tmpl.segment(k))); got.first < at {
					overlaps++
				}
				at += e.D
			}
		}
		shoot(i)
	}
	if overlaps == 0 || len(known) != 2*14 {
		t.Errorf("%d overlaps, %d segments", overlaps, len(known))
	}
}

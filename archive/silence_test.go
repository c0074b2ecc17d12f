package archive_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// TestTimeShiftBuffer has the time shift buffer of a dynamic MPD reach the first segment that is listed, though the producer is silent
// for 40 s, four times: players drop what lies before it. While media comes it is what is listed.
func TestTimeShiftBuffer(t *testing.T) {
	film, _ := changing(t)
	attribute := func(b []byte, name string) string {
		t.Helper()
		m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindSubmatch(b)
		if m == nil {
			t.Fatalf("no %s in %s", name, b)
		}
		return string(m[1])
	}
	at := func(b []byte, name string) time.Time {
		t.Helper()
		v, err := time.Parse(time.RFC3339Nano, attribute(b, name))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// An MPD writes its durations in hours, minutes and seconds.
	duration := func(b []byte, name string) time.Duration {
		t.Helper()
		m := regexp.MustCompile(`^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$`).FindStringSubmatch(attribute(b, name))
		if m == nil {
			t.Fatalf("%s is no duration", name)
		}
		var d time.Duration
		for i, unit := range []string{"h", "m", "s"} {
			if m[i+1] == "" {
				continue
			}
			v, err := time.ParseDuration(m[i+1] + unit)
			if err != nil {
				t.Fatal(err)
			}
			d += v
		}
		return d
	}
	for _, mode := range []string{"LIVE", "LIVE_REPLAY"} {
		c := newClock()
		s := serve(t, archive.Options{Now: c.now})
		cam := newCamera(s, c, "cam")
		for range 6 {
			cam.send(shot{film: film}, false)
		}
		in := archive.GetDASHStreamingSessionURLInput{PlaybackMode: mode, Expires: new(int64(3600))}
		if mode == "LIVE_REPLAY" {
			in.DASHFragmentSelector = selector("PRODUCER", begin, 0)
		}
		p := s.dash(in)
		mpd := p.must("")
		if got, most := duration(mpd, "timeShiftBufferDepth"), 6*film.length; got > most {
			t.Errorf("%s: the time shift buffer is %v, of at most %v", mode, got, most)
		}
		published := at(mpd, "publishTime")
		origin := func(b []byte) time.Duration { // of the first segment that is listed
			m := p.manifest().Period[0].AdaptationSet[0].Representation.SegmentTemplate
			return time.Duration(*m.S[0].T-m.PresentationTimeOffset) * time.Second / time.Duration(m.Timescale)
		}
		check := func(when string) {
			t.Helper()
			mpd := p.must("")
			age := c.now().Sub(at(mpd, "availabilityStartTime")) - origin(mpd)
			if got := duration(mpd, "timeShiftBufferDepth"); got < age-3*film.length-5*film.length {
				t.Errorf("%s, %s: the time shift buffer is %v, the first segment lies %v back", mode, when, got, age)
			}
			if got := at(mpd, "publishTime"); got.Before(published) {
				t.Errorf("%s, %s: publishTime went back from %v to %v", mode, when, published, got)
			} else {
				published = got
			}
		}
		for range 4 {
			for range 20 {
				c.sleep(2 * time.Second)
				check("in a silence")
			}
			for range 6 {
				cam.send(shot{film: film, gap: max(c.now().Sub(time.Unix(0, int64(cam.at))), 0)}, false)
				check("behind a silence")
			}
		}
	}
}

package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

// changing returns two films of one camera with other codec private data.
func changing(t *testing.T) (a, b *film) {
	t.Helper()
	all := films(t, "change.mkv")
	for i := range all {
		if !bytes.Equal(all[i].header, all[0].header) {
			return &all[0], &all[i]
		}
	}
	t.Fatal("change.mkv does not change")
	return nil, nil
}

// sent is a fragment as the model of a stream has it.
type sent struct {
	number     string
	gap        bool
	change     bool
	at, length time.Duration
}

// send uploads one fragment and returns what the model has of it.
func (c *camera) send(s shot, change bool) sent {
	c.t.Helper()
	c.shoot(s)
	m := sent{gap: s.gap > 50*time.Millisecond, change: change, length: s.film.length, at: c.at - s.film.length}
	rows := c.rows(c.stream)
	m.number = rows[len(rows)-1].Number.String()
	return m
}

// want is the playlist that a session has which begins with the fragment first and lists those up to last, at most most of them:
// every mark is counted one by one.
func want(all []sent, first, last, most int, mode string) (sequence, discontinuities int64, segments []segment) {
	from := max(first, last-most+1)
	codec := 0
	for i := first; i <= last; i++ {
		m := &all[i]
		mark := i > first && (mode == "ALWAYS" || m.change || mode == "ON_DISCONTINUITY" && m.gap)
		if i > first && m.change {
			codec++
		}
		if i < from {
			if mark {
				discontinuities++
			}
			continue
		}
		segments = append(segments, segment{Link: m.number, Map: fmt.Sprint(codec), Length: m.length, Mark: mark, At: time.Unix(0, int64(m.at)).UTC().Format("2006-01-02T15:04:05.000Z")})
	}
	return int64(from - first), discontinuities, segments
}

// reduced has of links what the model knows: the fragment's number, and the number of the init segment.
func (l *playlist) reduced(t *testing.T) []segment {
	t.Helper()
	all := slices.Clone(l.Segments)
	for i, n := range l.numbers(t) {
		all[i].Link = n
		if _, n, ok := strings.Cut(all[i].Map, "SequenceNumber="); ok {
			all[i].Map = n
		}
	}
	return all
}

// TestLiveWindow watches live sessions of each DiscontinuityMode and selector over a stream with gaps and changes of codec private data.
func TestLiveWindow(t *testing.T) {
	a, b := changing(t)
	for _, clockName := range []string{"SERVER", "PRODUCER"} {
		c := newClock()
		s := serve(t, archive.Options{Now: c.now})
		cam := newCamera(s, c, "cam")
		random := rand.New(rand.NewPCG(1, 2))
		var all []sent
		var last *film
		next := func() {
			f := last
			if f == nil {
				f = a
			} else if random.IntN(6) == 0 {
				if f = a; last == a {
					f = b
				}
			}
			gaps := []time.Duration{0, 0, 0, 0, 0, 30 * time.Millisecond, 50 * time.Millisecond, 51 * time.Millisecond, 3 * time.Second, 25 * time.Second}
			all = append(all, cam.send(shot{film: f, gap: gaps[random.IntN(len(gaps))]}, last != nil && f != last))
			last = f
		}
		for range 3 {
			next()
		}
		type watched struct {
			p           *player
			links       []string
			first, most int
			mode        string
			target      int
		}
		var sessions []*watched
		open := func(mode string, most int) {
			in := archive.GetHLSStreamingSessionURLInput{DiscontinuityMode: mode, DisplayFragmentTimestamp: "ALWAYS", Expires: new(int64(43_200)),
				MaxMediaPlaylistFragmentResults: new(int64(most)), HLSFragmentSelector: &archive.FragmentSelector{FragmentSelectorType: clockName + "_TIMESTAMP"}}
			p := s.hls(in)
			if mode == "" {
				mode = map[string]string{"SERVER": "ALWAYS", "PRODUCER": "NEVER"}[clockName]
			}
			sessions = append(sessions, &watched{p: p, links: p.lists(), first: max(0, len(all)-most), most: most, mode: mode})
		}
		for n := range 40 {
			if n%13 == 0 {
				for _, mode := range []string{"", "ALWAYS", "NEVER", "ON_DISCONTINUITY"} {
					open(mode, 1+n/13*2)
					open(mode, 5)
				}
			}
			for _, w := range sessions {
				sequence, discontinuities, segments := want(all, w.first, len(all)-1, w.most, w.mode)
				for _, link := range w.links {
					l := w.p.list(link)
					if d := cmp.Diff(segments, l.reduced(t)); d != "" || l.Sequence != sequence || l.Discontinuities != discontinuities || l.End || l.VOD {
						t.Fatalf("%s, %s, %d fragments of %d, the session began with %d: sequences %d and %d, want %d and %d\n%s", clockName, w.mode, w.most, len(all), w.first,
							l.Sequence, l.Discontinuities, sequence, discontinuities, d)
					}
					if w.target == 0 {
						w.target = l.Target
					}
					if l.Target != w.target {
						t.Errorf("TARGETDURATION %d, %d before", l.Target, w.target)
					}
				}
			}
			next()
		}
		for _, w := range sessions {
			for i, m := range all {
				link := "getMP4MediaFragment.mp4?FragmentNumber=" + m.number + "&TrackNumber=1&" + w.p.url.RawQuery
				if _, err := w.p.get(link); (err == nil) != (i >= w.first) || err != nil && typeOf(err) != archive.ResourceNotFound {
					t.Errorf("fragment %d of a session that began with %d: %v", i, w.first, err)
				}
			}
		}
	}
}

// TestLiveLate has a fragment that comes late, and one that comes twice, never listed in a live session.
func TestLiveLate(t *testing.T) {
	a, _ := changing(t)
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	cam := newCamera(s, c, "cam")
	cam.shoot(shot{film: a}, shot{film: a, gap: 4 * time.Second})
	p := s.hls(archive.GetHLSStreamingSessionURLInput{})
	link := p.lists()[0]
	before := p.must(link)
	twice := newCamera(s, c, "cam")
	twice.at = time.Duration(begin) * time.Millisecond
	twice.shoot(shot{film: a})
	if after := p.must(link); !bytes.Equal(before, after) {
		t.Errorf("a fragment that came twice changes the playlist:\n%s\n%s", before, after)
	}
	if rows := s.rows("cam"); len(rows) != 3 || rows[2].Live {
		t.Errorf("%d rows", len(rows))
	}
}

// TestReplay follows a replay of a recording with a gap of ten minutes by a stepped clock: fragments come one by one, as long after
// the session's beginning as they lie behind its first, and the gap holds nothing up.
func TestReplay(t *testing.T) {
	a, b := changing(t)
	for _, clockName := range []string{"SERVER", "PRODUCER"} {
		for _, most := range []int{1, 2, 5} {
			c := newClock()
			s := serve(t, archive.Options{Now: c.now})
			cam := newCamera(s, c, "cam")
			var all []sent
			for i := range 14 {
				shots := shot{film: a}
				if i == 6 {
					shots.gap = 10 * time.Minute
				}
				if i >= 9 {
					shots.film = b
				}
				all = append(all, cam.send(shots, i == 9))
			}
			from, to := all[2].at.Milliseconds(), all[11].at.Milliseconds()
			if clockName == "PRODUCER" {
				from-- // between two
			}
			in := archive.GetHLSStreamingSessionURLInput{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: selector(clockName, from, to), DisplayFragmentTimestamp: "ALWAYS",
				DiscontinuityMode: "ON_DISCONTINUITY", MaxMediaPlaylistFragmentResults: new(int64(most)), Expires: new(int64(3600))}
			ended := s.hls(in)
			in.HLSFragmentSelector = selector(clockName, from, 0)
			open := s.hls(in)
			began := c.now()
			lead := min(3, most)
			for range 40 {
				elapsed := c.now().Sub(began)
				newest, behind := 1, time.Duration(0)
				for i := 2; i < len(all); i++ {
					if behind += all[i].length; behind <= elapsed+time.Duration(lead)*a.length {
						newest = i
					}
				}
				for name, p := range map[string]*player{"with an end": ended, "without": open} {
					last, end := newest, false
					if p == ended && newest >= 11 {
						last, end = 11, true
					}
					sequence, discontinuities, segments := want(all, 2, last, most, "ON_DISCONTINUITY")
					l := p.list(p.lists()[0])
					if d := cmp.Diff(segments, l.reduced(t)); d != "" || l.Sequence != sequence || l.Discontinuities != discontinuities || l.End != end {
						t.Fatalf("%s, at most %d, %s, after %v: sequences %d and %d, want %d and %d; ended %v, want %v\n%s", clockName, most, name, elapsed,
							l.Sequence, l.Discontinuities, sequence, discontinuities, l.End, end, d)
					}
					for i, m := range all {
						if i != 1 && i != 2 && i != last && i != last+1 {
							continue
						}
						link := "getMP4MediaFragment.mp4?FragmentNumber=" + m.number + "&TrackNumber=1&" + p.url.RawQuery
						if _, err := p.get(link); (err == nil) != (i >= 2 && i <= last) {
							t.Errorf("%s, %s, after %v: fragment %d: %v", clockName, name, elapsed, i, err)
						}
					}
				}
				c.sleep(500 * time.Millisecond)
			}
			all = append(all, cam.send(shot{film: b, gap: c.now().Sub(time.Unix(0, int64(cam.at)))}, false))
			c.sleep(time.Minute)
			l := open.list(open.lists()[0])
			if got := l.numbers(t); got[len(got)-1] != all[14].number {
				t.Errorf("%s: a replay without an end does not go on into live", clockName)
			}
		}
	}
}

// TestOnDemandSnapshot has an ON_DEMAND session be the same bytes for ever, whatever is uploaded later, from any archive over the
// store, and give nothing but its own range.
func TestOnDemandSnapshot(t *testing.T) {
	a, b := changing(t)
	for _, clockName := range []string{"SERVER", "PRODUCER"} {
		c := newClock()
		opts := archive.Options{Now: c.now}
		ring, err := archive.ParseKeyring(archive.NewKeyringText())
		if err != nil {
			t.Fatal(err)
		}
		opts.Keys = func() *archive.Keyring { return ring }
		s := serve(t, opts)
		cam := newCamera(s, c, "cam")
		shots := append(append(times(3, a), shot{film: b, gap: time.Minute}), times(2, a)...)
		cam.shoot(shots...)
		rows := s.rows("cam")
		from, to := rows[1].Producer/1000, rows[4].Producer/1000
		s.create("door", 24)
		other := newCamera(s, c, "door")
		other.shoot(times(2, a)...)
		foreign := s.rows("door")[0].Number.String()
		c.sleep(time.Second)
		plain := s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector(clockName, from, to), Expires: new(int64(43_200))})
		ts := s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector(clockName, from, to), Expires: new(int64(43_200)), ContainerFormat: "MPEG_TS"})
		mpd := s.dash(archive.GetDASHStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", DASHFragmentSelector: selector(clockName, from, to), Expires: new(int64(43_200)),
			DisplayFragmentNumber: "ALWAYS", DisplayFragmentTimestamp: "ALWAYS"})
		all := func(a *archive.Archive) map[string]string {
			got := map[string]string{}
			for _, p := range []*player{plain, ts} {
				p := &player{t, a, p.url}
				got[p.url.String()] = string(p.must(""))
				for _, link := range p.lists() {
					l := p.list(link)
					got[link] = string(p.must(link))
					if !l.VOD || !l.End || len(l.Segments) != 4 || l.Sequence != 0 {
						t.Errorf("%s: %+v", link, l)
					}
					for i, g := range l.Segments {
						if row := &rows[i+1]; !strings.Contains(g.Link, "FragmentNumber="+row.Number.String()+"&") {
							t.Errorf("segment %d: %s", i, g.Link)
						}
						got[g.Link] = string(p.must(g.Link))
						if g.Map != "" {
							got[g.Map] = string(p.must(g.Map))
						}
					}
				}
			}
			p := &player{t, a, mpd.url}
			got[p.url.String()] = string(p.must(""))
			for n := 1; n <= 4; n++ {
				for track := 1; track <= 2; track++ {
					link := fmt.Sprintf("getMP4MediaFragment.mp4?FragmentNumber=%d&TrackNumber=%d&%s", n, track, p.url.RawQuery)
					got[link] = string(p.must(link))
				}
			}
			return got
		}
		first := all(s.Archive)
		check := func(when string) {
			t.Helper()
			for name, a := range map[string]*archive.Archive{"the archive": s.Archive, "another one": archive.New(s.store, &opts)} {
				for link, body := range all(a) {
					if first[link] != body {
						t.Errorf("%s, %s: %s has other bytes", when, name, link)
					}
				}
			}
		}
		check("at once")
		// One in the range by its producer's time, one that replaces another, and one behind.
		late := newCamera(s, c, "cam")
		late.at = time.Duration(rows[2].Start) + 10*time.Second
		late.shoot(shot{film: a})
		late.at = time.Duration(rows[1].Start)
		late.shoot(shot{film: b})
		cam.at = time.Duration(c.now().UnixNano())
		cam.shoot(times(2, b)...)
		check("after more uploads")
		for _, p := range []*player{plain, ts, mpd} {
			refused := map[string]string{foreign: archive.ResourceNotFound, "1": archive.ResourceNotFound, "x": archive.InvalidArgument, "": archive.InvalidArgument,
				"-1": archive.InvalidArgument, strings.Repeat("9", 128): archive.ResourceNotFound, strings.Repeat("9", 129): archive.InvalidArgument}
			for i, r := range s.rows("cam") {
				if i == 0 || i > 4 {
					refused[r.Number.String()] = archive.ResourceNotFound
				}
			}
			if p == mpd {
				refused = map[string]string{"5": archive.ResourceNotFound, "0": archive.InvalidArgument, "-1": archive.InvalidArgument, "x": archive.InvalidArgument, "": archive.InvalidArgument,
					"9223372036854775807": archive.ResourceNotFound, "9223372036854775808": archive.InvalidArgument}
			}
			for number, want := range refused {
				link := "getMP4MediaFragment.mp4?TrackNumber=1&FragmentNumber=" + number + "&" + p.url.RawQuery
				if p == ts {
					link = "getTSFragment.ts?FragmentNumber=" + number + "&" + p.url.RawQuery
				}
				if _, err := p.get(link); typeOf(err) != want {
					t.Errorf("%s: %v, want %s", link, err, want)
				}
			}
		}
		own := rows[1].Number.String()
		for name, tt := range map[string]struct {
			p    *player
			link string
			want string
		}{
			"MPEG-TS of fragmented MP4":          {plain, "getTSFragment.ts?FragmentNumber=" + own, archive.InvalidArgument},
			"fragmented MP4 of MPEG-TS":          {ts, "getMP4MediaFragment.mp4?TrackNumber=1&FragmentNumber=" + own, archive.InvalidArgument},
			"an init segment of MPEG-TS":         {ts, "getMP4InitFragment.mp4?TrackNumber=1&SequenceNumber=0", archive.InvalidArgument},
			"a third track":                      {plain, "getMP4MediaFragment.mp4?TrackNumber=3&FragmentNumber=" + own, archive.InvalidArgument},
			"track 0":                            {plain, "getHLSMediaPlaylist.m3u8?TrackNumber=0", archive.InvalidArgument},
			"no track":                           {plain, "getHLSMediaPlaylist.m3u8?", archive.InvalidArgument},
			"a track with a sign":                {plain, "getHLSMediaPlaylist.m3u8?TrackNumber=%2B1", archive.InvalidArgument},
			"the second track of MPEG-TS":        {ts, "getHLSMediaPlaylist.m3u8?TrackNumber=2", archive.InvalidArgument},
			"an init segment that there is none": {plain, "getMP4InitFragment.mp4?TrackNumber=1&SequenceNumber=3", archive.ResourceNotFound},
			"an init segment without a number":   {plain, "getMP4InitFragment.mp4?TrackNumber=1", ""},
			"an init segment before the first":   {plain, "getMP4InitFragment.mp4?TrackNumber=1&SequenceNumber=-1", archive.InvalidArgument},
			"an init segment of no number":       {mpd, "getMP4InitFragment.mp4?TrackNumber=1&SequenceNumber=x", archive.InvalidArgument},
		} {
			if _, err := tt.p.get(tt.link + "&" + tt.p.url.RawQuery); typeOf(err) != tt.want {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
		}
		if _, err := s.DeleteStream(context.Background(), &archive.DeleteStreamInput{StreamARN: s.arn}); err != nil {
			t.Fatal(err)
		}
		s.create("cam", 24)
		newCamera(s, c, "cam").shoot(times(6, a)...)
		for _, p := range []*player{plain, ts, mpd} {
			if _, err := p.get(""); typeOf(err) != archive.ResourceNotFound {
				t.Errorf("a stream that was deleted and made again: %v", err)
			}
		}
	}
}

// TestSessionRetention has sessions see what there was when they began, also when its bytes are gone.
func TestSessionRetention(t *testing.T) {
	a, _ := changing(t)
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	if _, err := s.DeleteStream(context.Background(), &archive.DeleteStreamInput{StreamARN: s.arn}); err != nil {
		t.Fatal(err)
	}
	s.create("cam", 1)
	cam := newCamera(s, c, "cam")
	cam.shoot(times(3, a)...)
	c.sleep(30 * time.Minute)
	cam.at = time.Duration(c.now().UnixNano())
	cam.shoot(times(3, a)...)
	in := archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("PRODUCER", begin, c.ms()), Expires: new(int64(43_200))}
	p := s.hls(in)
	link := p.lists()[0]
	before := string(p.must(link))
	l := p.list(link)
	if len(l.Segments) != 6 {
		t.Fatalf("%d segments", len(l.Segments))
	}
	c.sleep(31 * time.Minute) // the first three have expired
	if younger := s.hls(in); len(younger.list(younger.lists()[0]).Segments) != 3 {
		t.Error("a new session lists what has expired")
	}
	if _, err := s.store.Collect(context.Background(), c.now(), 12*time.Hour+10*time.Minute); err != nil {
		t.Fatal(err)
	}
	for name, ar := range map[string]*archive.Archive{"the archive": s.Archive} {
		p := &player{t, ar, p.url}
		if after := string(p.must(link)); after != before {
			t.Errorf("%s: the list has changed:\n%s", name, after)
		}
		for i, g := range l.Segments {
			if _, err := p.get(g.Link); i < 3 && typeOf(err) != archive.ResourceNotFound || i >= 3 && err != nil {
				t.Errorf("%s: fragment %d: %v", name, i, err)
			}
			p.must(g.Map)
		}
		p.must("")
	}
	if rows := s.rows("cam"); len(rows) != 6 || rows[0].Seq != 1 {
		t.Errorf("%d rows", len(rows))
	}
}

package archive_test

import (
	"context"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

const base = "http://weir.test"

// player plays a session from an archive.
type player struct {
	t   *testing.T
	a   *archive.Archive
	url *url.URL
}

func newPlayer(t *testing.T, a *archive.Archive, address string) *player {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &player{t, a, u}
}

// hls opens a session of the stream cam.
func (s *service) hls(in archive.GetHLSStreamingSessionURLInput) *player {
	s.t.Helper()
	in.StreamRef = ref("cam")
	out, err := s.GetHLSStreamingSessionURL(context.Background(), &in, base)
	if err != nil {
		s.t.Fatal(err)
	}
	return newPlayer(s.t, s.Archive, out.HLSStreamingSessionURL)
}

func (s *service) dash(in archive.GetDASHStreamingSessionURLInput) *player {
	s.t.Helper()
	in.StreamRef = ref("cam")
	out, err := s.GetDASHStreamingSessionURL(context.Background(), &in, base)
	if err != nil {
		s.t.Fatal(err)
	}
	return newPlayer(s.t, s.Archive, out.DASHStreamingSessionURL)
}

// get asks for what a link of the session's resources leads to; "" is the session's own URL.
func (p *player) get(link string) (*archive.Resource, error) {
	p.t.Helper()
	u, err := p.url.Parse(link)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	token, dash := q.Get("SessionToken"), strings.HasPrefix(u.Path, "/dash/")
	ctx := context.Background()
	switch path.Base(u.Path) {
	case "getHLSMasterPlaylist.m3u8":
		return p.a.HLSMasterPlaylist(ctx, token)
	case "getHLSMediaPlaylist.m3u8":
		return p.a.HLSMediaPlaylist(ctx, token, q.Get("TrackNumber"))
	case "getMP4InitFragment.mp4":
		return p.a.InitFragment(ctx, dash, token, q.Get("TrackNumber"), q.Get("SequenceNumber"))
	case "getMP4MediaFragment.mp4":
		return p.a.MediaFragment(ctx, dash, token, q.Get("FragmentNumber"), q.Get("TrackNumber"))
	case "getTSFragment.ts":
		return p.a.TSFragment(ctx, token, q.Get("FragmentNumber"))
	case "getDASHManifest.mpd":
		return p.a.DASHManifest(ctx, token, base)
	}
	p.t.Fatalf("no such resource: %s", link)
	return nil, nil
}

func (p *player) must(link string) []byte {
	p.t.Helper()
	r, err := p.get(link)
	if err != nil {
		p.t.Fatalf("%s: %v", link, err)
	}
	return r.Body
}

// lists are the links of the media playlists that the multivariant playlist has.
func (p *player) lists() []string {
	p.t.Helper()
	var all []string
	for line := range strings.Lines(string(p.must(""))) {
		line = strings.TrimSpace(line)
		if _, uri, ok := strings.Cut(line, `URI="`); ok {
			uri, _, _ = strings.Cut(uri, `"`)
			all = append(all, uri)
		} else if line != "" && line[0] != '#' {
			all = slices.Insert(all, 0, line)
		}
	}
	return all
}

// playlist is a media playlist as a player reads it.
type playlist struct {
	Sequence, Discontinuities int64
	Target                    int
	VOD, End, Independent     bool
	Segments                  []segment
}

type segment struct {
	Link, Map string
	Length    time.Duration
	Mark      bool
	At        string
}

// list reads a media playlist.
func (p *player) list(link string) playlist {
	p.t.Helper()
	var l playlist
	var g segment
	m := ""
	for line := range strings.Lines(string(p.must(link))) {
		tag, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		var err error
		switch tag {
		case "#EXT-X-MEDIA-SEQUENCE":
			l.Sequence, err = strconv.ParseInt(value, 10, 64)
		case "#EXT-X-DISCONTINUITY-SEQUENCE":
			l.Discontinuities, err = strconv.ParseInt(value, 10, 64)
		case "#EXT-X-TARGETDURATION":
			l.Target, err = strconv.Atoi(value)
		case "#EXT-X-PLAYLIST-TYPE":
			l.VOD = value == "VOD"
		case "#EXT-X-ENDLIST":
			l.End = true
		case "#EXT-X-INDEPENDENT-SEGMENTS":
			l.Independent = true
		case "#EXT-X-DISCONTINUITY":
			g.Mark = true
		case "#EXT-X-MAP":
			m = strings.TrimSuffix(strings.TrimPrefix(value, `URI="`), `"`)
		case "#EXT-X-PROGRAM-DATE-TIME":
			g.At = value
		case "#EXTINF":
			var seconds float64
			seconds, err = strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
			g.Length = time.Duration(seconds*1e6+0.5) * time.Microsecond
		case "#EXTM3U", "#EXT-X-VERSION":
		default:
			if strings.HasPrefix(tag, "#") || tag == "" {
				p.t.Errorf("the playlist has %q", line)
				continue
			}
			g.Link, g.Map = strings.TrimSpace(line), m
			l.Segments = append(l.Segments, g)
			g = segment{}
		}
		if err != nil {
			p.t.Fatalf("%s: %v", line, err)
		}
	}
	return l
}

// numbers are the fragment numbers of a playlist's segments.
func (l *playlist) numbers(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, g := range l.Segments {
		u, err := url.Parse(g.Link)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u.Query().Get("FragmentNumber"))
	}
	return all
}

func selector(clock string, from, to int64) *archive.FragmentSelector {
	sel := &archive.FragmentSelector{FragmentSelectorType: clock + "_TIMESTAMP", TimestampRange: &archive.TimestampRange{StartTimestamp: new(archive.Timestamp(from))}}
	if to > 0 {
		sel.TimestampRange.EndTimestamp = new(archive.Timestamp(to))
	}
	return sel
}

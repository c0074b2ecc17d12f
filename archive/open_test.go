package archive_test

import (
	"context"
	"errors"
	"math"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// TestOpenSessions has what each parameter may be, and what each is refused with.
func TestOpenSessions(t *testing.T) {
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	cam := newCamera(s, c, "cam")
	cam.shoot(times(5, &films(t, "sample.mkv")[0])...)
	end := c.ms()
	i := func(n int64) *int64 { return &n }
	type hls = archive.GetHLSStreamingSessionURLInput
	all := selector("SERVER", begin, end)
	for name, tt := range map[string]struct {
		in   hls
		want string // the error's type, and a part of its text
		text string
	}{
		"nothing but the stream":         {in: hls{}},
		"live":                           {in: hls{PlaybackMode: "LIVE"}},
		"live by producer":               {in: hls{HLSFragmentSelector: &archive.FragmentSelector{FragmentSelectorType: "PRODUCER_TIMESTAMP"}}},
		"live with a range":              {in: hls{HLSFragmentSelector: all}, want: archive.InvalidArgument, text: "TimestampRange has no place"},
		"a mode that is none":            {in: hls{PlaybackMode: "live"}, want: archive.InvalidArgument, text: "PlaybackMode"},
		"a selector that is none":        {in: hls{HLSFragmentSelector: &archive.FragmentSelector{FragmentSelectorType: "SERVER"}}, want: archive.InvalidArgument, text: "FragmentSelectorType"},
		"replay":                         {in: hls{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: all}},
		"replay without a selector":      {in: hls{PlaybackMode: "LIVE_REPLAY"}, want: archive.InvalidArgument, text: "HLSFragmentSelector is needed"},
		"replay without a range":         {in: hls{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: &archive.FragmentSelector{}}, want: archive.InvalidArgument, text: "StartTimestamp"},
		"replay without a start":         {in: hls{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: &archive.FragmentSelector{TimestampRange: &archive.TimestampRange{EndTimestamp: new(archive.Timestamp(end))}}}, want: archive.InvalidArgument, text: "StartTimestamp"},
		"replay without an end":          {in: hls{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: selector("PRODUCER", begin, 0)}},
		"replay of the future":           {in: hls{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: selector("SERVER", begin, end+1)}, want: archive.InvalidArgument, text: "future"},
		"replay of a producer's future":  {in: hls{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: selector("PRODUCER", begin, end+3600_000)}},
		"replay before the first":        {in: hls{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: selector("SERVER", begin-1000, end)}, want: archive.InvalidArgument, text: "oldest"},
		"replay of nothing":              {in: hls{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: selector("PRODUCER", begin-9000, begin-1)}, want: archive.ResourceNotFound, text: "No fragments found in the stream for the streaming request."},
		"on demand":                      {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: all}},
		"on demand, the type left out":   {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: &archive.FragmentSelector{TimestampRange: all.TimestampRange}}},
		"on demand without a selector":   {in: hls{PlaybackMode: "ON_DEMAND"}, want: archive.InvalidArgument, text: "HLSFragmentSelector is needed"},
		"on demand without an end":       {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("SERVER", begin, 0)}, want: archive.InvalidArgument, text: "EndTimestamp"},
		"on demand, the end first":       {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("SERVER", begin+1, begin)}, want: archive.InvalidArgument, text: "after StartTimestamp"},
		"on demand of no time":           {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("SERVER", begin, begin)}, want: archive.InvalidArgument, text: "after StartTimestamp"},
		"on demand of a day":             {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("PRODUCER", begin, begin+86_400_000)}},
		"on demand of more than a day":   {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("PRODUCER", begin, begin+86_400_001)}, want: archive.InvalidArgument, text: "24 hours"},
		"replay of more than a day":      {in: hls{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: selector("PRODUCER", begin, begin+86_400_001)}, want: archive.InvalidArgument, text: "24 hours"},
		"on demand of the future":        {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("SERVER", begin, end+1)}, want: archive.InvalidArgument, text: "future"},
		"on demand before the first":     {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("SERVER", begin-1000, end)}, want: archive.InvalidArgument, text: "oldest"},
		"on demand of what has expired":  {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("SERVER", begin-90_000_000, begin-89_000_000)}, want: archive.InvalidArgument, text: "is outside of the stream retention period."},
		"on demand, expired by producer": {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("PRODUCER", begin-90_000_000, begin-89_000_000)}, want: archive.ResourceNotFound},
		"on demand of nothing":           {in: hls{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("SERVER", begin+1, begin+2)}, want: archive.ResourceNotFound, text: "No fragments found"},
		"fragmented MP4":                 {in: hls{ContainerFormat: "FRAGMENTED_MP4"}},
		"MPEG-TS":                        {in: hls{ContainerFormat: "MPEG_TS"}},
		"a container that is none":       {in: hls{ContainerFormat: "MP4"}, want: archive.InvalidArgument, text: "ContainerFormat"},
		"always":                         {in: hls{DiscontinuityMode: "ALWAYS", DisplayFragmentTimestamp: "ALWAYS"}},
		"never":                          {in: hls{DiscontinuityMode: "NEVER", DisplayFragmentTimestamp: "NEVER"}},
		"on discontinuity":               {in: hls{DiscontinuityMode: "ON_DISCONTINUITY"}},
		"a marking that is none":         {in: hls{DiscontinuityMode: "SOMETIMES"}, want: archive.InvalidArgument, text: "DiscontinuityMode"},
		"a display that is none":         {in: hls{DisplayFragmentTimestamp: "ON_DISCONTINUITY"}, want: archive.InvalidArgument, text: "DisplayFragmentTimestamp"},
		"five minutes":                   {in: hls{Expires: i(300)}},
		"twelve hours":                   {in: hls{Expires: i(43_200)}},
		"too short":                      {in: hls{Expires: i(299)}, want: archive.InvalidArgument, text: "Expires"},
		"too long":                       {in: hls{Expires: i(43_201)}, want: archive.InvalidArgument, text: "Expires"},
		"a time that overflows":          {in: hls{Expires: i(math.MinInt64)}, want: archive.InvalidArgument, text: "Expires"},
		"one fragment":                   {in: hls{MaxMediaPlaylistFragmentResults: i(1)}},
		"5000 fragments":                 {in: hls{MaxMediaPlaylistFragmentResults: i(5000)}},
		"no fragment":                    {in: hls{MaxMediaPlaylistFragmentResults: i(0)}, want: archive.InvalidArgument, text: "MaxMediaPlaylistFragmentResults"},
		"5001 fragments":                 {in: hls{MaxMediaPlaylistFragmentResults: i(5001)}, want: archive.InvalidArgument, text: "MaxMediaPlaylistFragmentResults"},
		"no such stream":                 {in: hls{StreamRef: ref("door")}, want: archive.ResourceNotFound, text: "The requested stream is not found or not active."},
		"no retention":                   {in: hls{StreamRef: ref("bare")}, want: archive.NoDataRetention},
		"an empty stream":                {in: hls{StreamRef: ref("empty")}, want: archive.ResourceNotFound, text: "No fragments found in the stream for the streaming request."},
		"no stream":                      {in: hls{StreamRef: ref("-")}, want: archive.InvalidArgument, text: "Name the stream"},
	} {
		if name == "no retention" {
			s.create("bare", 0)
		}
		if name == "an empty stream" {
			s.create("empty", 24)
		}
		in := tt.in
		switch in.StreamName {
		case "":
			in.StreamName = "cam"
		case "-":
			in.StreamName = ""
		}
		out, err := s.GetHLSStreamingSessionURL(context.Background(), &in, base)
		check := func(kind string, err error) {
			t.Helper()
			if tt.want == "" && err != nil || tt.want != "" && (typeOf(err) != tt.want || !strings.Contains(err.Error(), tt.text)) {
				t.Errorf("%s, %s: %v, want %s %q", kind, name, err, tt.want, tt.text)
			}
		}
		check("HLS", err)
		if err == nil {
			p := newPlayer(t, s.Archive, out.HLSStreamingSessionURL)
			for _, link := range p.lists() {
				if l := p.list(link); len(l.Segments) == 0 {
					t.Errorf("%s: an empty list", name)
				}
			}
		}
		if in.ContainerFormat != "" || in.DiscontinuityMode != "" {
			continue
		}
		// DASH has the same rules under its own names.
		tt.text = strings.NewReplacer("HLSFragmentSelector", "DASHFragmentSelector", "MaxMediaPlaylist", "MaxManifest").Replace(tt.text)
		d, err := s.GetDASHStreamingSessionURL(context.Background(), &archive.GetDASHStreamingSessionURLInput{StreamRef: in.StreamRef, PlaybackMode: in.PlaybackMode,
			DASHFragmentSelector: in.HLSFragmentSelector, DisplayFragmentTimestamp: in.DisplayFragmentTimestamp, Expires: in.Expires,
			MaxManifestFragmentResults: in.MaxMediaPlaylistFragmentResults}, base)
		check("DASH", err)
		if err == nil {
			newPlayer(t, s.Archive, d.DASHStreamingSessionURL).must("")
		}
	}
	_, err := s.GetDASHStreamingSessionURL(context.Background(), &archive.GetDASHStreamingSessionURLInput{StreamRef: ref("cam"), DisplayFragmentNumber: "x"}, base)
	if typeOf(err) != archive.InvalidArgument || !strings.Contains(err.Error(), "DisplayFragmentNumber") {
		t.Errorf("a display that is none: %v", err)
	}
	strict := archive.New(s.store, &archive.Options{Now: c.now, Strict: true})
	for most, want := range map[int64]string{1000: "", 1001: archive.InvalidArgument} {
		_, err := strict.GetDASHStreamingSessionURL(context.Background(), &archive.GetDASHStreamingSessionURLInput{StreamRef: ref("cam"), MaxManifestFragmentResults: &most}, base)
		if typeOf(err) != want {
			t.Errorf("strict, %d fragments in a manifest: %v", most, err)
		}
	}
	c.sleep(29 * time.Second) // the newest began a second before
	if _, err := s.GetHLSStreamingSessionURL(context.Background(), &hls{StreamRef: ref("cam")}, base); err != nil {
		t.Errorf("live, 30 s after the last fragment: %v", err)
	}
	c.sleep(time.Millisecond)
	if _, err := s.GetHLSStreamingSessionURL(context.Background(), &hls{StreamRef: ref("cam")}, base); typeOf(err) != archive.ResourceNotFound {
		t.Errorf("live, more than 30 s after the last fragment: %v", err)
	}
}

// TestOpenTracks has what formats carry of which tracks.
func TestOpenTracks(t *testing.T) {
	for _, tt := range []struct {
		file                string
		mp4, ts, dash       string
		mp4S, tsS, dashS    string // with Strict
		lists, links, kinds int
	}{
		{file: "sample.mkv", lists: 2, kinds: 2},
		{file: "h264-nob.mkv", lists: 1, kinds: 1},
		{file: "hevc-aac.mkv", lists: 2, kinds: 2},
		{file: "opengop.mkv", lists: 1, kinds: 1},
		{file: "audio-only.mkv", lists: 1, kinds: 1, mp4S: archive.UnsupportedStreamMedia, tsS: archive.UnsupportedStreamMedia, dashS: archive.UnsupportedStreamMedia},
		{file: "alaw.mkv", mp4: archive.UnsupportedStreamMedia, ts: archive.UnsupportedStreamMedia, mp4S: archive.UnsupportedStreamMedia, tsS: archive.UnsupportedStreamMedia, kinds: 2},
		{file: "ulaw.mkv", mp4: archive.UnsupportedStreamMedia, ts: archive.UnsupportedStreamMedia, mp4S: archive.UnsupportedStreamMedia, tsS: archive.UnsupportedStreamMedia, kinds: 2},
		{file: "hevc-alaw.mkv", mp4: archive.UnsupportedStreamMedia, ts: archive.UnsupportedStreamMedia, mp4S: archive.UnsupportedStreamMedia, tsS: archive.UnsupportedStreamMedia, kinds: 2},
		{file: "bad-avcc.mkv", mp4: archive.InvalidCodecPrivateData, ts: archive.InvalidCodecPrivateData, dash: archive.InvalidCodecPrivateData,
			mp4S: archive.InvalidCodecPrivateData, tsS: archive.InvalidCodecPrivateData, dashS: archive.InvalidCodecPrivateData},
		{file: "opus-only.mkv", mp4: archive.UnsupportedStreamMedia, ts: archive.UnsupportedStreamMedia, dash: archive.UnsupportedStreamMedia,
			mp4S: archive.UnsupportedStreamMedia, tsS: archive.UnsupportedStreamMedia, dashS: archive.UnsupportedStreamMedia},
	} {
		s := serve(t, archive.Options{})
		if _, err := s.put("cam", archive.PutMediaInput{}, strings.NewReader(string(read(t, tt.file)))); err != nil {
			t.Fatal(err)
		}
		for _, strict := range []bool{false, true} {
			a := archive.New(s.store, &archive.Options{Strict: strict})
			want := [3]string{tt.mp4, tt.ts, tt.dash}
			if strict {
				want = [3]string{tt.mp4S, tt.tsS, tt.dashS}
			}
			for i, container := range []string{"FRAGMENTED_MP4", "MPEG_TS"} {
				for _, mode := range []string{"LIVE", "LIVE_REPLAY", "ON_DEMAND"} {
					in := &archive.GetHLSStreamingSessionURLInput{StreamRef: ref("cam"), PlaybackMode: mode, ContainerFormat: container}
					if mode != "LIVE" {
						in.HLSFragmentSelector = producer(begin, begin+60_000)
					}
					out, err := a.GetHLSStreamingSessionURL(context.Background(), in, base)
					if typeOf(err) != want[i] {
						t.Errorf("%s, strict %v, %s, %s: %v", tt.file, strict, container, mode, err)
					}
					if err != nil {
						continue
					}
					p := newPlayer(t, a, out.HLSStreamingSessionURL)
					lists := p.lists()
					if n := tt.lists; len(lists) != n && (container != "MPEG_TS" || len(lists) != 1) {
						t.Errorf("%s, %s: %d lists", tt.file, container, len(lists))
					}
					for _, list := range lists {
						for _, g := range p.list(list).Segments {
							p.must(g.Link)
							if g.Map != "" {
								p.must(g.Map)
							}
						}
					}
				}
			}
			in := &archive.GetDASHStreamingSessionURLInput{StreamRef: ref("cam"), PlaybackMode: "ON_DEMAND", DASHFragmentSelector: producer(begin, begin+60_000)}
			out, err := a.GetDASHStreamingSessionURL(context.Background(), in, base)
			if typeOf(err) != want[2] {
				t.Errorf("%s, strict %v, DASH: %v", tt.file, strict, err)
			}
			if err == nil {
				p := newPlayer(t, a, out.DASHStreamingSessionURL)
				if n := strings.Count(string(p.must("")), "<AdaptationSet "); n != tt.kinds {
					t.Errorf("%s, DASH: %d tracks", tt.file, n)
				}
			}
		}
	}
}

var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]+~$`)

// TestTokens has tokens in their alphabet, and all but those of a session that lasts refused.
func TestTokens(t *testing.T) {
	c := newClock()
	ring := func(text string) func() *archive.Keyring {
		k, err := archive.ParseKeyring(text)
		if err != nil {
			t.Fatal(err)
		}
		return func() *archive.Keyring { return k }
	}
	one, two := "1 "+strings.Repeat("11", 32)+"\n", "2 "+strings.Repeat("22", 32)+"\n"
	s := serve(t, archive.Options{Now: c.now, Keys: ring(one)})
	newCamera(s, c, "cam").shoot(times(2, &films(t, "sample.mkv")[0])...)
	p := s.hls(archive.GetHLSStreamingSessionURLInput{Expires: new(int64(600))})
	token := p.url.Query().Get("SessionToken")
	if !tokenForm.MatchString(token) || len(token) > 256 || strings.Contains(p.url.RawQuery, "%") {
		t.Errorf("token %s", token)
	}
	d := s.dash(archive.GetDASHStreamingSessionURLInput{})
	ask := func(a *archive.Archive, token string) error {
		_, err := a.HLSMasterPlaylist(context.Background(), token)
		return err
	}
	with := func(text string) *archive.Archive {
		return archive.New(s.store, &archive.Options{Now: c.now, Keys: ring(text)})
	}
	swapped := []byte(token)
	swapped[40], swapped[41] = swapped[41], swapped[40]
	for name, tt := range map[string]struct {
		a     *archive.Archive
		token string
		valid bool
	}{
		"as it is":             {s.Archive, token, true},
		"another server":       {with(one), token, true},
		"the key is second":    {with(two + one), token, true},
		"the key is gone":      {with(two), token, false},
		"another key, same id": {with(strings.ReplaceAll(one, "11", "12")), token, false},
		"missing":              {s.Archive, "", false},
		"~":                    {s.Archive, "~", false},
		"cut":                  {s.Archive, token[:len(token)-1], false},
		"cut more":             {s.Archive, token[:len(token)/2] + "~", false},
		"longer":               {s.Archive, token + "~", false},
		"longer inside":        {s.Archive, token[:len(token)-1] + "AAAA~", false},
		"forged":               {s.Archive, string(swapped), false},
		"very long":            {s.Archive, strings.Repeat("A", 10_000), false},
		"of a DASH session":    {s.Archive, d.url.Query().Get("SessionToken"), false},
		"standard base64":      {s.Archive, strings.NewReplacer("-", "+", "_", "/").Replace(token) + "+", false},
	} {
		err := ask(tt.a, tt.token)
		e, _ := errors.AsType[*archive.Error](err)
		if tt.valid != (err == nil) || err != nil && (e.Type != archive.NotAuthorized || e.Message != "Streaming session token is invalid") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.DASHManifest(context.Background(), token, base); typeOf(err) != archive.NotAuthorized {
		t.Errorf("an HLS token for DASH: %v", err)
	}
	if _, err := s.MediaFragment(context.Background(), true, token, "1", "1"); typeOf(err) != archive.NotAuthorized {
		t.Errorf("an HLS token for a fragment of DASH: %v", err)
	}
	c.sleep(600*time.Second - time.Millisecond)
	if err := ask(s.Archive, token); err != nil {
		t.Errorf("a millisecond before the end: %v", err)
	}
	c.sleep(time.Millisecond)
	if err := ask(s.Archive, token); typeOf(err) != archive.NotAuthorized || !strings.Contains(err.Error(), "Streaming session token is expired") {
		t.Errorf("after the end: %v", err)
	}
	if err := ask(s.Archive, string(swapped)); !strings.Contains(err.Error(), "is invalid") {
		t.Errorf("forged, after the end: %v", err)
	}
	for _, link := range []string{"getHLSMediaPlaylist.m3u8?TrackNumber=1", "getMP4InitFragment.mp4?TrackNumber=1", "getMP4MediaFragment.mp4?FragmentNumber=1&TrackNumber=1",
		"getTSFragment.ts?FragmentNumber=1", "/dash/v1/getDASHManifest.mpd?", "/dash/v1/getMP4InitFragment.mp4?TrackNumber=1", "/dash/v1/getMP4MediaFragment.mp4?FragmentNumber=1&TrackNumber=1"} {
		for _, token := range []string{"", "&SessionToken=" + url.QueryEscape(token), "&SessionToken=abc~"} {
			if _, err := p.get(link + token); typeOf(err) != archive.NotAuthorized {
				t.Errorf("%s%s: %v", link, token, err)
			}
		}
	}
}

package check_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed63bb8431/weir/check"
)

// The live stream of the tests: a segment each second, of which the newest liveWindow are listed. One has an EXT-X-DISCONTINUITY, and
// one begins a Period.
const (
	liveWindow = 5
	liveMark   = 7
	livePeriod = 9
	liveSpan   = 12 * time.Second
)

// liveServer is a server in memory whose playlist and MPD change with time, and which may do wrong.
type liveServer struct {
	segments [][]byte
	init     []byte
	offset   int64
	codec    string
	begin    time.Time

	// clock says which moment the lists show; nil: the true one.
	clock func(at time.Duration) time.Duration
	// edit changes the text of a list.
	edit func(at time.Duration, list string) string
	// refuse says whether a segment is not there, although it should be.
	refuse func(at time.Duration, segment int) bool
	// keep says how long a removed segment stays; 0: as long as it has to.
	keep time.Duration
	// end, above 0, is when the stream ends.
	end time.Duration
	// event lists grow only.
	event bool
}

// newLiveServer loops the pictures of the sample.
func newLiveServer(tb testing.TB) *liveServer {
	tb.Helper()
	r := record(tb, "sample.mkv")
	s := &liveServer{init: r.init[0], offset: r.first[0], codec: r.tracks[0].Config.CodecString()}
	for k := range 24 {
		b := bytes.Clone(r.segments[0][k%4])
		moveTfdt(tb, b, int64(k/4)*4*90_000)
		at := bytes.Index(b, []byte("mfhd"))
		binary.BigEndian.PutUint32(b[at+8:], uint32(k+1))
		s.segments = append(s.segments, b)
	}
	return s
}

// window returns the segments that are listed: from first up to, but not with, next.
func (s *liveServer) window(at time.Duration) (first, next int, ended bool) {
	if s.end > 0 && at >= s.end {
		at, ended = s.end, true
	}
	first = int(at / time.Second)
	next = first + liveWindow
	if s.event {
		first = 0
	}
	return first, next, ended
}

func (s *liveServer) playlist(at time.Duration) string {
	first, next, ended := s.window(at)
	var b strings.Builder
	marks := 0
	if first > liveMark {
		marks = 1
	}
	kind := ""
	if s.event {
		kind = "#EXT-X-PLAYLIST-TYPE:EVENT\n"
	}
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n%s#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n#EXT-X-MAP:URI=\"init.mp4\"\n", kind, first, marks)
	for k := first; k < next; k++ {
		if k == liveMark {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:1.000000,\nsegment-%d.m4s\n", created.Add(time.Duration(k)*time.Second).Format("2006-01-02T15:04:05.000Z"), k)
	}
	if ended {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.String()
}

func (s *liveServer) manifest(at time.Duration) string {
	first, next, ended := s.window(at)
	var b strings.Builder
	end := `minimumUpdatePeriod="PT1S"`
	if ended {
		end = fmt.Sprintf(`mediaPresentationDuration="PT%dS"`, next)
	}
	fmt.Fprintf(&b, `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="%s" publishTime="%s" minBufferTime="PT2S" %s>`,
		created.Format(time.RFC3339), created.Add(time.Duration(next)*time.Second).Format(time.RFC3339), end)
	for k := first; k < next; {
		to, start, id := next, 0, "p1"
		if k >= livePeriod {
			start, id = livePeriod, "p2"
		} else {
			to = min(next, livePeriod)
		}
		fmt.Fprintf(&b, `<Period id="%s" start="PT%dS"><AdaptationSet contentType="video" mimeType="video/mp4" startWithSAP="1"><Representation id="v" bandwidth="100000" codecs="%s" width="160" height="90">`, id, start, s.codec)
		fmt.Fprintf(&b, `<SegmentTemplate timescale="90000" presentationTimeOffset="%d" startNumber="%d" initialization="init.mp4" media="segment-$Number$.m4s"><SegmentTimeline>`, s.offset+int64(start)*90_000, k)
		for from := k; k < to; k++ {
			if k == from {
				fmt.Fprintf(&b, `<S t="%d" d="90000"/>`, s.offset+int64(k)*90_000)
			} else {
				b.WriteString(`<S d="90000"/>`)
			}
		}
		b.WriteString("</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period>")
	}
	b.WriteString(`<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="time"/></MPD>`)
	return b.String()
}

// Do makes a liveServer a check.Doer.
func (s *liveServer) Do(req *http.Request) (*http.Response, error) {
	if s.begin.IsZero() {
		s.begin = time.Now()
	}
	at := time.Since(s.begin)
	shown := at
	if s.clock != nil {
		shown = s.clock(at)
	}
	name := strings.TrimPrefix(req.URL.Path, "/")
	var body []byte
	segment := 0
	switch n, _ := fmt.Sscanf(name, "segment-%d.m4s", &segment); {
	case n == 1 && s.has(at, segment):
		body = s.segments[segment]
	case name == "init.mp4":
		body = s.init
	case name == "live.m3u8":
		body = []byte(s.edited(at, s.playlist(shown)))
	case name == "master.m3u8":
		body = fmt.Appendf(nil, "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:BANDWIDTH=200000,CODECS=%q,RESOLUTION=160x90,FRAME-RATE=25.000\nlive.m3u8\n", s.codec)
	case name == "live.mpd":
		body = []byte(s.edited(at, s.manifest(shown)))
	}
	return site{name: {body: body}, "missing": {}}.answer(req, body != nil)
}

// answer is the answer of a site, or that there is nothing.
func (s site) answer(req *http.Request, there bool) (*http.Response, error) {
	if there {
		return s.Do(req)
	}
	return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{"Access-Control-Allow-Origin": {"*"}}, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

func (s *liveServer) edited(at time.Duration, list string) string {
	if s.edit == nil {
		return list
	}
	return s.edit(at, list)
}

func (s *liveServer) has(at time.Duration, segment int) bool {
	keep := s.keep
	if keep == 0 {
		keep = (1 + liveWindow) * time.Second
	}
	_, next, _ := s.window(at)
	return segment < next && at < time.Duration(segment+1)*time.Second+keep && (s.refuse == nil || !s.refuse(at, segment))
}

// liveCase is a live stream; a good one when want is empty.
type liveCase struct {
	name, target string
	serve        func(*liveServer)
	watch        time.Duration // 0: liveSpan; -1: the default
	want         string        // all rules that are broken, the one that the case is for first
}

// from edits the lists from a moment on.
func from(begin time.Duration, old, text string) func(*liveServer) {
	return between(begin, time.Hour, old, text)
}

func between(begin, end time.Duration, old, text string) func(*liveServer) {
	return func(s *liveServer) {
		s.edit = func(at time.Duration, list string) string {
			if at < begin || at >= end {
				return list
			}
			return strings.ReplaceAll(list, old, text)
		}
	}
}

// frozen shows no news for a while.
func frozen(begin, end time.Duration) func(*liveServer) {
	return func(s *liveServer) {
		s.keep = time.Hour
		s.clock = func(at time.Duration) time.Duration {
			if at >= begin && at < end {
				return begin
			}
			return at
		}
	}
}

// back shows an older moment once.
func back(s *liveServer) {
	s.keep = time.Hour
	s.clock = func(at time.Duration) time.Duration {
		if at >= 4*time.Second && at < 4500*time.Millisecond {
			return at - 2*time.Second
		}
		return at
	}
}

var liveCases = []liveCase{
	{"playlist", "live.m3u8", func(*liveServer) {}, 0, ""},
	{"multivariant playlist", "master.m3u8", func(*liveServer) {}, 0, ""},
	{"playlist that ends", "live.m3u8", func(s *liveServer) { s.end = 6 * time.Second }, 0, ""},
	{"EVENT playlist", "live.m3u8", func(s *liveServer) { s.event, s.keep = true, time.Hour }, 0, ""},
	{"as long as nobody says", "live.m3u8", func(*liveServer) {}, -1, ""},
	{"too short a time", "live.m3u8", frozen(0, time.Hour), time.Second, ""},
	{"MPD", "live.mpd", func(*liveServer) {}, 0, ""},
	{"MPD that ends", "live.mpd", func(s *liveServer) { s.end = 6 * time.Second }, 0, ""},
	{"MPD, too short a time", "live.mpd", frozen(0, time.Hour), time.Second, ""},

	{"no new segments", "live.m3u8", frozen(0, time.Hour), 0, "H40 H45"},
	{"target duration", "live.m3u8", from(4*time.Second, "TARGETDURATION:1", "TARGETDURATION:2"), 6 * time.Second, "H41 H19"},
	{"sequence goes back", "live.m3u8", back, 0, "H42 H43"},
	{"EXTINF changes", "live.m3u8", from(4*time.Second, "#EXTINF:1.000000,\nsegment-6.m4s", "#EXTINF:1.000001,\nsegment-6.m4s"), 0, "H43"},
	{"a mark comes later", "live.m3u8", func(s *liveServer) {
		between(0, 4*time.Second, "#EXT-X-DISCONTINUITY\n", "")(s)
	}, 6 * time.Second, "H43"},
	{"EVENT playlist loses its head", "live.m3u8", from(0, "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQUENCE"), 6 * time.Second, "H43"},
	{"a mark is not counted", "live.m3u8", from(0, "DISCONTINUITY-SEQUENCE:1", "DISCONTINUITY-SEQUENCE:0"), 0, "H44"},
	{"late segment", "live.m3u8", frozen(3*time.Second, 6*time.Second), 0, "H45"},
	{"segments removed at once", "live.m3u8", func(s *liveServer) { s.keep = time.Millisecond }, 0, "H46"},
	{"segments removed early", "live.m3u8", func(s *liveServer) { s.keep = 4 * time.Second }, 0, "H46"},
	{"EXT-X-ENDLIST comes and goes", "live.m3u8", func(s *liveServer) {
		s.edit = func(at time.Duration, list string) string {
			if at >= 4*time.Second && at < 5*time.Second {
				list += "#EXT-X-ENDLIST\n"
			}
			return list
		}
	}, 0, "H47"},
	{"it has ended", "live.m3u8", from(0, "#EXT-X-PROGRAM-DATE-TIME:2026-02-03T04:05:06.000Z", "#EXT-X-ENDLIST\n#EXT-X-PROGRAM-DATE-TIME:2026-02-03T04:05:06.000Z"), 0, "H47"},
	{"playlist is refused once", "live.m3u8", between(4*time.Second, 4500*time.Millisecond, "#EXTM3U", "#EXTM3U8"), 0, "H01 H03 H05"},
	{"segment is not there yet", "live.m3u8", func(s *liveServer) {
		s.refuse = func(at time.Duration, segment int) bool {
			return at < time.Duration(segment-liveWindow+2)*time.Second && at > time.Second
		}
	}, 0, "H-HTTP"},

	{"static", "live.mpd", from(0, `type="dynamic"`, `mediaPresentationDuration="PT5S" type="static"`), 0, "D12 D11"},
	{"MPD without new segments", "live.mpd", frozen(0, time.Hour), 0, "D40"},
	{"availabilityStartTime", "live.mpd", from(4*time.Second, `availabilityStartTime="2026-02-03T04:05:06Z"`, `availabilityStartTime="2026-02-03T04:05:07Z"`), 0, "D41"},
	{"publishTime goes back", "live.mpd", from(4*time.Second, `publishTime="2026-02-03T04:05:1`, `publishTime="2026-02-03T04:04:1`), 0, "D42"},
	{"Period moves", "live.mpd", from(6*time.Second, `id="p2" start="PT9S"`, `id="p2" start="PT9.2S"`), 0, "D43"},
	{"Period with another id", "live.mpd", from(2*time.Second, `id="p1"`, `id="p3"`), 4 * time.Second, "D43"},
	{"S@d changes", "live.mpd", from(3*time.Second, `<S d="90000"/></SegmentTimeline>`, `<S d="90001"/></SegmentTimeline>`), 4 * time.Second, "D44"},
	{"the last segment leaves", "live.mpd", back, 0, "D44 D42"},
	{"timescale changes", "live.mpd", from(2*time.Second, `presentationTimeOffset="7290"`, `presentationTimeOffset="7291"`), 4 * time.Second, "D44"},
	{"segment is named early", "live.mpd", func(s *liveServer) {
		s.refuse = func(at time.Duration, segment int) bool {
			return at < time.Duration(segment-liveWindow+2)*time.Second && at > time.Second
		}
	}, 0, "D45 D-HTTP"},
}

// run watches the stream, in no time.
func (tt *liveCase) run(t *testing.T) (report *check.Report) {
	s := newLiveServer(t)
	tt.serve(s)
	synctest.Test(t, func(t *testing.T) {
		watch, steps := tt.watch, 0
		switch watch {
		case 0:
			watch = liveSpan
		case -1:
			watch = 0
		}
		r, err := check.Run(t.Context(), host+tt.target, &check.Options{Client: s, Live: watch, Progress: func(watched, whole time.Duration, _ int) {
			if steps++; watched > whole || whole <= 0 {
				t.Errorf("watched %v of %v", watched, whole)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if (steps > 0) != (r.Watched > 0) {
			t.Errorf("%d steps of progress, %v s", steps, r.Watched)
		}
		report = r
	})
	return report
}

// judge compares what is broken with what should be, and notes what held and what was broken.
func (tt *liveCase) judge(t *testing.T, r *check.Report, held, broken map[string]bool) {
	var got []string
	want := strings.Fields(tt.want)
	for _, x := range r.Results {
		if x.Verdict != check.Pass {
			got = append(got, x.ID)
		} else if len(want) == 0 {
			held[x.ID] = true
		}
		if len(want) > 0 && x.ID == want[0] {
			broken[x.ID] = broken[x.ID] || x.Severity == check.Should || x.Verdict == check.Fail
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("broken rules %v, want %v", got, want)
	}
	if t.Failed() {
		for _, f := range r.Findings {
			t.Logf("%s %s %v: got %s, want %s", f.Verdict, f.Rule, f.Place, f.Got, f.Want)
		}
	}
}

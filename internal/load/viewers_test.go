package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// slides is a live session whose playlist of 3 segments has moved on by step segments each time that it is asked for.
type slides struct {
	step, asked atomic.Int64
	broken      string // the number of the segment that is not there
	vary        bool   // segments are another each time
	init        atomic.Int64
}

func (s *slides) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch number := r.FormValue("FragmentNumber"); r.URL.Path {
	case "/hls/master":
		fmt.Fprint(w, "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmedia?a=b\n")
	case "/hls/media":
		first := (s.asked.Add(1) - 1) * s.step.Load()
		fmt.Fprintf(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-MAP:URI=\"init\"\n", first)
		for i := first; i < first+3; i++ {
			fmt.Fprintf(w, "#EXTINF:0.002,\nsegment?FragmentNumber=%d\n", i)
		}
	case "/hls/init":
		s.init.Add(1)
	case "/hls/segment":
		if number == s.broken {
			http.NotFound(w, r)
			return
		}
		if s.vary {
			number = fmt.Sprint(time.Now().UnixNano())
		}
		fmt.Fprint(w, number)
	}
}

// TestViewer has a viewer watch what is well, and what is not.
func TestViewer(t *testing.T) {
	for name, test := range map[string]struct {
		step         int64
		broken       string
		vary, misses bool
	}{
		"well":    {step: 1},
		"fast":    {step: 5, misses: true},
		"missing": {step: 1, broken: "4"},
		"differ":  {step: 1, vary: true},
	} {
		s := &slides{broken: test.broken, vary: test.vary}
		s.step.Store(test.step)
		server := httptest.NewServer(s)
		all := newTally()
		var failure error
		for range 2 {
			s.asked.Store(0) // the second sees the same
			v := newViewer(all)
			failure = v.watch(t.Context(), server.URL+"/hls/master", time.Now().Add(400*time.Millisecond))
			v.close()
		}
		server.Close()
		if (failure != nil) != (test.broken != "") || (all.misses > 0) != test.misses || (all.differ > 0) != test.vary {
			t.Errorf("%s: %d misses, %d differ, %v", name, all.misses, all.differ, failure)
		}
		if all.playlists < 4 || len(all.segmentTook) < 6 || len(all.playlistTook) != all.playlists || all.bytes == 0 || s.init.Load() != 2 {
			t.Errorf("%s: %d playlists, %d segments, %d bytes, %d times init", name, all.playlists, len(all.segmentTook), all.bytes, s.init.Load())
		}
	}
}

// TestStalls has a viewer notice that a segment came after the one before was over.
func TestStalls(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "media") }))
	t.Cleanup(server.Close)
	v := newViewer(newTally())
	t.Cleanup(v.close)
	for i, test := range []struct {
		number string
		behind time.Duration
		stalls int
	}{{"1", 0, 0}, {"2", 0, 0}, {"3", 9 * time.Hour, 1}, {"4", 0, 1}} {
		v.begun = v.begun.Add(-test.behind)
		if err := v.take(t.Context(), &segment{url: server.URL, number: test.number, duration: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if v.stalls != test.stalls {
			t.Errorf("segment %d: %d stalls, not %d", i, v.stalls, test.stalls)
		}
	}
}

func TestParseList(t *testing.T) {
	const text = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:12\n#EXT-X-MAP:URI=\"i?x=1\"\n#EXTINF:2.500,\ns?FragmentNumber=7&T=a\n\n#EXTINF:2,\n/t\n"
	got, err := parseList(text, "http://host/a/b?c")
	if err != nil {
		t.Fatal(err)
	}
	want := &list{target: 3 * time.Second, first: 12, init: "http://host/a/i?x=1", segments: []segment{
		{"http://host/a/s?FragmentNumber=7&T=a", "7", 2500 * time.Millisecond}, {"http://host/t", "", 2 * time.Second}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(list{}, segment{})); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "#EXTM3U\n", "#EXT-X-TARGETDURATION:x\n", strings.Replace(text, "12", "-1", 1), strings.Replace(text, "/t", ":", 1)} {
		if got, err := parseList(bad, "http://host/"); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestParseLoad(t *testing.T) {
	got, err := parseLoad("Running\n  2 threads\nweir-wrk 300 1500000 2\n")
	if err != nil || *got != (load{300, 2, 1500 * time.Millisecond}) || got.perSecond() != 200 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "300 1500000 2", "weir-wrk 300 15", "weir-wrk 300 0 0", "weir-wrk a b c"} {
		if got, err := parseLoad(bad); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestMedian(t *testing.T) {
	if got := median([]turn{{3, 30}, {1, 10}, {2, 20}}); got != (turn{2, 20}) {
		t.Errorf("%+v", got)
	}
	if got := median([]turn{{4, 40}, {1, 10}}); got != (turn{1, 10}) {
		t.Errorf("%+v", got)
	}
}

func TestCounts(t *testing.T) {
	var c counts
	for text, want := range map[string]string{"50": "50", "1,2,3": "1,2,3", "": "", "0": "", "1,x": "", "-1": ""} {
		if err := c.Set(text); (err == nil) != (want != "") || err == nil && c.String() != want {
			t.Errorf("%q: %s, %v", text, c.String(), err)
		}
	}
}

func TestEngine(t *testing.T) {
	r := &report{progress: io.Discard}
	if err := r.engine(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.table) != 2 || !strings.HasSuffix(r.table[0].measured, " ms") || r.table[1].reach != "≤ 0.06 ms" {
		t.Errorf("%+v", r.table)
	}
}

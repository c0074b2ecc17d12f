package check_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/check"
)

// fuzz runs a resource of a site whose bytes are anyone's. It must end, soon, with a report or an error.
func fuzz(t *testing.T, s site, target string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	opts := &check.Options{Client: s, Live: -1, MaxResource: 4 << 20, MaxBoxes: 1 << 20, MaxText: 1 << 20, MaxSegments: 50, MaxSamples: 1 << 16}
	r, err := check.Run(ctx, host+target, opts)
	if ctx.Err() != nil {
		t.Fatal("it takes too long")
	}
	if err != nil {
		return
	}
	for _, x := range r.Results {
		if (x.Found == 0) != (x.Verdict == check.Pass) || x.Found > x.Judged {
			t.Errorf("%s: %d of %d broken, verdict %s", x.ID, x.Found, x.Judged, x.Verdict)
		}
	}
	for _, f := range r.Findings {
		if f.Rule == "" || f.Place.Resource == "" || f.Place.Offset < -1 {
			t.Errorf("finding %+v", f)
		}
	}
}

func FuzzCheckMP4(f *testing.F) {
	r := record(f, "sample.mkv")
	for i := range r.tracks { // small ones: the time goes into the bytes that matter
		f.Add(append(bytes.Clone(r.init[i]), r.segments[i][0]...))
		f.Add(r.init[i])
	}
	clip := bytes.Clone(r.clip)
	from, _ := find(f, clip, "mdat")
	be.PutUint32(clip[from-8:], 2008)
	f.Add(clip[:from+2000])
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzz(t, site{"x.mp4": {body: data}}, "x.mp4")
	})
}

func FuzzCheckTS(f *testing.F) {
	b := streams(f)["file.ts"].body
	f.Add(b[:188*24])
	f.Add(bytes.Join(record(f, "hevc-aac.mkv").transport(f, tenSeconds, nil), nil)[:188*24])
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzz(t, site{"x.ts": {body: data}}, "x.ts")
	})
}

func FuzzCheckM3U8(f *testing.F) {
	s, ts := lists(f), hlsTransport(f)
	for name, a := range ts {
		if name != "master.m3u8" {
			s[name] = a
		}
	}
	for _, name := range []string{"master.m3u8", "v.m3u8", "media.m3u8"} {
		f.Add(s[name].body)
	}
	f.Add(ts["master.m3u8"].body)
	f.Fuzz(func(t *testing.T, data []byte) {
		with := maps.Clone(s)
		with.set("x.m3u8", data)
		fuzz(t, with, "x.m3u8")
	})
}

func FuzzCheckMPD(f *testing.F) {
	s := manifests(f)
	for _, name := range []string{"timeline.mpd", "number.mpd", "list.mpd", "single.mpd"} {
		f.Add(s[name].body)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		with := maps.Clone(s)
		with.set("x.mpd", data)
		fuzz(t, with, "x.mpd")
	})
}

// FuzzWatch has two versions of anything at the URL of a live list, by turns.
func FuzzWatch(f *testing.F) {
	s := newLiveServer(f)
	for _, at := range []time.Duration{time.Second, 4 * time.Second, 9 * time.Second} {
		f.Add([]byte(s.playlist(0)), []byte(s.playlist(at)))
		f.Add([]byte(s.manifest(0)), []byte(s.manifest(at)))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		turns := &turns{lists: [][]byte{a, b}, site: site{"init.mp4": {body: s.init}, "segment-0.m4s": {body: s.segments[0]}, "segment-5.m4s": {body: s.segments[5]}}}
		opts := &check.Options{Client: turns, Live: time.Millisecond, MaxText: 1 << 16, MaxSegments: 50, MaxSamples: 1 << 16}
		r, err := check.Run(t.Context(), host+"live", opts)
		if err != nil {
			return
		}
		if r.Watched == 0 && turns.n > 1 || r.Watched > 20 {
			t.Errorf("watched for %v s, %d requests", r.Watched, turns.n)
		}
	})
}

// turns is a site whose list is another one at each request.
type turns struct {
	site
	lists [][]byte
	n     int
}

func (s *turns) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Path == "/live" {
		s.n++
		return site{"live": {body: s.lists[s.n%len(s.lists)]}}.Do(req)
	}
	return s.site.Do(req)
}

func FuzzCheckMatroska(f *testing.F) {
	for _, name := range []string{"sample.mkv", "hevc-alaw.mkv", "header-stripped.mkv"} {
		f.Add(testdata(f, name)[:9000])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzz(t, site{"x.mkv": {body: data}}, "x.mkv")
	})
}

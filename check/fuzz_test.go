package check_test

import (
	"bytes"
	"context"
	"maps"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/check"
)

// fuzz runs a resource of a site whose bytes are anyone's. It must end, soon, with a report or an error.
func fuzz(t *testing.T, s site, target string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	opts := &check.Options{Client: s, MaxResource: 4 << 20, MaxBoxes: 1 << 20, MaxText: 1 << 20, MaxSegments: 50, MaxSamples: 1 << 16}
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

func FuzzCheckMatroska(f *testing.F) {
	for _, name := range []string{"sample.mkv", "hevc-alaw.mkv", "header-stripped.mkv"} {
		f.Add(testdata(f, name)[:9000])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzz(t, site{"x.mkv": {body: data}}, "x.mkv")
	})
}

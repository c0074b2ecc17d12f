package check_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
)

// recording is a file of testdata, remuxed into fragments of a second.
type recording struct {
	tracks    []*codec.Track
	init      [][]byte   // of each track
	segments  [][][]byte // by track and fragment
	first     []int64    // presentation time of each track's first sample in them, in ticks
	fragments []copied
	file      []byte // one fragmented MP4
	clip      []byte // one progressive MP4
}

// copied is a fragment that outlives the Source's buffer.
type copied struct {
	start, length time.Duration
	runs          []weir.Run
}

var created = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func testdata(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// records are the recordings that were made; tests do not change them.
var records sync.Map

// record remuxes a file of testdata into every form that MP4 has.
func record(tb testing.TB, name string) *recording {
	tb.Helper()
	if r, ok := records.Load(name); ok {
		return r.(*recording)
	}
	r := newRecording(tb, testdata(tb, name))
	records.Store(name, r)
	return r
}

func newRecording(tb testing.TB, data []byte) *recording {
	tb.Helper()
	open := func() *weir.Source {
		src, err := weir.NewBytesSource(data, &weir.Options{FragmentDuration: time.Second})
		if err != nil {
			tb.Fatal(err)
		}
		return src
	}
	each := func(src *weir.Source, visit func(*weir.Fragment) error) {
		for {
			f, err := src.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = visit(f)
			}
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
	r := &recording{tracks: open().Tracks()}
	src := open()
	packagers := []*weir.FMP4{weir.NewFMP4(src)}
	for i := range r.tracks {
		packagers = append(packagers, weir.NewFMP4(src, i))
		r.segments = append(r.segments, nil)
	}
	for i, p := range packagers {
		b, err := p.AppendInit(nil, created)
		if err != nil {
			tb.Fatal(err)
		}
		if i == 0 {
			r.file = b
		} else {
			r.init = append(r.init, b)
		}
	}
	each(src, func(f *weir.Fragment) error {
		if f.Index == 0 {
			for i := range f.Runs {
				r.first = append(r.first, src.Clock().Media(f.Runs[i].First(), f.Runs[i].Timescale))
			}
		}
		r.fragments = append(r.fragments, copyFragment(f))
		for i, p := range packagers {
			var b bytes.Buffer
			if _, err := p.WriteFragment(&b, f); err != nil {
				return err
			}
			if i == 0 {
				r.file = append(r.file, b.Bytes()...)
			} else {
				r.segments[i-1] = append(r.segments[i-1], b.Bytes())
			}
		}
		return nil
	})
	src = open()
	clip, err := weir.NewClip(src, created)
	if err != nil {
		tb.Fatal(err)
	}
	each(src, clip.Add)
	if r.clip, err = clip.AppendHeader(nil); err != nil {
		tb.Fatal(err)
	}
	out := bytes.NewBuffer(r.clip)
	each(open(), func(f *weir.Fragment) error { return clip.WritePayload(out, f) })
	r.clip = out.Bytes()
	return r
}

func copyFragment(f *weir.Fragment) copied {
	c := copied{start: f.Start, length: f.Length}
	for _, run := range f.Runs {
		run.Samples = append([]weir.Sample(nil), run.Samples...)
		for i := range run.Samples {
			run.Samples[i].Data = bytes.Clone(run.Samples[i].Data)
		}
		c.runs = append(c.runs, run)
	}
	return c
}

// hlsSite has the recording as HLS in fMP4: master.m3u8, v.m3u8, a.m3u8.
func (r *recording) hlsSite() site {
	s := site{}
	var list [2]bytes.Buffer
	for i, name := range []string{"v", "a"} {
		b := &list[i]
		fmt.Fprintf(b, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-MAP:URI=\"%s-init.mp4\"\n", name)
		s.set(name+"-init.mp4", r.init[i])
		for k, f := range r.fragments {
			date := created.Add(f.start).Format("2006-01-02T15:04:05.000Z")
			fmt.Fprintf(b, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:%.6f,\n%s-%d.m4s\n", date, f.length.Seconds(), name, k+1)
			s.set(fmt.Sprintf("%s-%d.m4s", name, k+1), r.segments[i][k])
		}
		b.WriteString("#EXT-X-ENDLIST\n")
		s.set(name+".m3u8", b.Bytes())
	}
	s.set("master.m3u8", fmt.Appendf(nil, `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,URI="a.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=200000,CODECS="%s,%s",RESOLUTION=160x90,FRAME-RATE=25.000,AUDIO="audio"
v.m3u8
`, r.tracks[0].Config.CodecString(), r.tracks[1].Config.CodecString()))
	return s
}

// dashSite has the recording as DASH: timeline.mpd with a SegmentTimeline, number.mpd with @duration, list.mpd with a SegmentList, and
// single.mpd with a file for each track that has a sidx.
func (r *recording) dashSite() site {
	s := site{}
	head := func(profile string) string {
		return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:%s" type="static" mediaPresentationDuration="PT4S" minBufferTime="PT2S">
  <Period id="1" duration="PT4S">
`, profile)
	}
	texts := map[string]string{}
	for i, kind := range []string{"video", "audio"} {
		name := kind[:1]
		scale := r.fragments[0].runs[i].Timescale
		offset := r.first[i]
		s.set(name+"-init.mp4", r.init[i])
		var times, urls bytes.Buffer
		t := offset
		for k, f := range r.fragments {
			next := t
			for _, x := range f.runs[i].Samples {
				next += int64(x.Duration)
			}
			if k == 0 {
				fmt.Fprintf(&times, `<S t="%d" d="%d"/>`, t, next-t)
			} else {
				fmt.Fprintf(&times, `<S d="%d"/>`, next-t)
			}
			t = next
			fmt.Fprintf(&urls, `<SegmentURL media="%s-%d.m4s"/>`, name, k+1)
			s.set(fmt.Sprintf("%s-%d.m4s", name, k+1), r.segments[i][k])
		}
		size := ""
		if kind == "video" {
			size = ` width="160" height="90"`
		}
		open := fmt.Sprintf(`    <AdaptationSet contentType="%s" mimeType="%s/mp4" startWithSAP="1">
      <Representation id="%s" bandwidth="100000" codecs="%s"%s>
`, kind, kind, name, r.tracks[i].Config.CodecString(), size)
		const end = "\n      </Representation>\n    </AdaptationSet>\n"
		texts["timeline"] += open + fmt.Sprintf(`        <SegmentTemplate timescale="%d" presentationTimeOffset="%d" startNumber="1" initialization="$RepresentationID$-init.mp4" media="$RepresentationID$-$Number%%01d$.m4s"><SegmentTimeline>%s</SegmentTimeline></SegmentTemplate>`, scale, offset, times.String()) + end
		texts["number"] += open + fmt.Sprintf(`        <SegmentTemplate timescale="%d" presentationTimeOffset="%d" startNumber="1" duration="%d" initialization="$RepresentationID$-init.mp4" media="$RepresentationID$-$Number$.m4s"/>`, scale, offset, scale) + end
		texts["list"] += open + fmt.Sprintf(`        <SegmentList timescale="%d" presentationTimeOffset="%d"><Initialization sourceURL="%s-init.mp4"/><SegmentTimeline>%s</SegmentTimeline>%s</SegmentList>`, scale, offset, name, times.String(), urls.String()) + end
		file, first, last := r.single(i, scale, offset)
		s.set(name+".mp4", file)
		texts["single"] += open + fmt.Sprintf(`        <BaseURL>%s.mp4</BaseURL><SegmentBase timescale="%d" presentationTimeOffset="%d" indexRange="%d-%d"><Initialization range="0-%d"/></SegmentBase>`, name, scale, offset, first, last, first-1) + end
	}
	for name, text := range texts {
		profile := "isoff-live:2011"
		if name == "single" {
			profile = "isoff-on-demand:2011"
		}
		s.set(name+".mpd", []byte(head(profile)+text+"  </Period>\n</MPD>\n"))
	}
	return s
}

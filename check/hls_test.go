package check_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir"
)

// lists has the sample as HLS in fMP4.
func lists(tb testing.TB) site { return record(tb, "sample.mkv").hlsSite() }

// lateSite has the sample's pictures with a mark at each segment. They take 0.08 s less to decode than they are shown for, and EXTINF is longer
// than that again.
func lateSite(tb testing.TB) site {
	s := lists(tb).clone()
	src, err := weir.NewBytesSource(testdata(tb, "sample.mkv"), &weir.Options{FragmentDuration: time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	mp4 := weir.NewFMP4(src, 0)
	for k := 1; ; k++ {
		f, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			tb.Fatal(err)
		}
		mp4.StartLate()
		var b bytes.Buffer
		if _, err := mp4.WriteFragment(&b, f); err != nil {
			tb.Fatal(err)
		}
		s.set(fmt.Sprintf("v-%d.m4s", k), b.Bytes())
	}
	list := strings.ReplaceAll(string(s["v.m3u8"].body), "#EXTINF:1.000000,", "#EXT-X-DISCONTINUITY\n#EXTINF:1.030000,")
	s.set("v.m3u8", []byte(list))
	return s
}

var goodHLS = []goodCase{
	{"HLS in fMP4", lists, "master.m3u8"},
	{"media playlist", lists, "v.m3u8"},
	{"HLS in transport streams", hlsTransport, "master.m3u8"},
	{"marked discontinuity", func(tb testing.TB) site {
		s := lists(tb).clone()
		for _, name := range []string{"v", "a"} {
			for k := 3; k <= 4; k++ {
				moveTfdt(tb, s[fmt.Sprintf("%s-%d.m4s", name, k)].body, 1_000_000)
			}
			list := string(s[name+".m3u8"].body)
			s.set(name+".m3u8", []byte(strings.Replace(list, "#EXTINF:1.000000,\n"+name+"-3.m4s", "#EXT-X-DISCONTINUITY\n#EXTINF:1.000000,\n"+name+"-3.m4s", 1)))
		}
		return s
	}, "master.m3u8"},
	{"marked discontinuity of transport streams", func(tb testing.TB) site {
		s := hlsTransport(tb).clone()
		parts := record(tb, "sample.mkv").transport(tb, 5*tenSeconds, nil)
		s.set("3.ts", parts[0])
		s.set("4.ts", parts[1])
		list := string(s["media.m3u8"].body)
		s.set("media.m3u8", []byte(strings.Replace(list, "2.ts\n", "2.ts\n#EXT-X-DISCONTINUITY\n", 1)))
		return s
	}, "master.m3u8"},
	{"pictures behind marks that are decoded late", lateSite, "v.m3u8"},
	{"byte ranges", func(tb testing.TB) site {
		r, s := record(tb, "sample.mkv"), lists(tb).clone()
		file := bytes.Clone(r.init[0])
		var list strings.Builder
		fmt.Fprintf(&list, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"v.mp4\",BYTERANGE=\"%d@0\"\n", len(file))
		for k, b := range r.segments[0] {
			offset := ""
			if k == 0 {
				offset = fmt.Sprintf("@%d", len(file))
			}
			fmt.Fprintf(&list, "#EXT-X-BYTERANGE:%d%s\n#EXTINF:1.0,\nv.mp4\n", len(b), offset)
			file = append(file, b...)
		}
		s.set("v.mp4", file)
		s.set("v.m3u8", []byte(list.String()+"#EXT-X-ENDLIST\n"))
		return s
	}, "v.m3u8"},
	{"live playlist", func(tb testing.TB) site {
		s := lists(tb).clone()
		list := string(s["v.m3u8"].body)
		list = strings.Replace(list, "#EXT-X-MEDIA-SEQUENCE:0\n", "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n", 1)
		s.set("v.m3u8", []byte(strings.NewReplacer("#EXT-X-PLAYLIST-TYPE:VOD\n", "", "#EXT-X-ENDLIST\n", "").Replace(list)))
		return s
	}, "v.m3u8"},
}

// text is an edit of a playlist.
func text(name, old, text string) func(*testing.T, site) {
	return func(t *testing.T, s site) { s.replace(t, name, old, text) }
}

// change is an edit of an answer of the site.
func change(name string, edit func(a *answer)) func(*testing.T, site) {
	return func(t *testing.T, s site) {
		a, ok := s[name]
		if !ok {
			t.Fatalf("no %s", name)
		}
		edit(&a)
		s[name] = a
	}
}

func shift(ticks int64, names ...string) func(*testing.T, site) {
	return func(t *testing.T, s site) {
		for _, name := range names {
			moveTfdt(t, s[name].body, ticks)
		}
	}
}

const thirdInf = "#EXTINF:1.000000,\nv-3.m4s"

var badHLS = []ruleCase{
	{"segment missing", lists, "master.m3u8", func(_ *testing.T, s site) { delete(s, "v-2.m4s") }, "H-HTTP"},
	{"scheme", lists, "master.m3u8", text("v.m3u8", "v-2.m4s", "file:///v-2.m4s"), "H-HTTP"},
	{"playlist missing", lists, "master.m3u8", func(_ *testing.T, s site) { delete(s, "a.m3u8") }, "H-HTTP H28"},
	{"no CORS", lists, "master.m3u8", change("v-2.m4s", func(a *answer) { a.noCORS = true }), "H-CORS"},
	{"content type", lists, "master.m3u8", change("v-2.m4s", func(a *answer) { a.contentType = "text/plain" }), "H-TYPE"},
	{"first line", lists, "v.m3u8", text("v.m3u8", "#EXTM3U\n", "#EXTM3U8\n"), "H01 H03 H05"},
	{"byte order mark", lists, "v.m3u8", text("v.m3u8", "#EXTM3U\n", "\xEF\xBB\xBF#EXTM3U\n"), "H02 H05"},
	{"control character", lists, "v.m3u8", text("v.m3u8", "#EXT-X-MEDIA-SEQUENCE", "# \x01\n#EXT-X-MEDIA-SEQUENCE"), "H02"},
	{"strange tag", lists, "v.m3u8", text("v.m3u8", "#EXT-X-MEDIA-SEQUENCE", "#EXT_X_FOO\n#EXT-X-MEDIA-SEQUENCE"), "H03"},
	{"two versions", lists, "v.m3u8", text("v.m3u8", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-VERSION:7\n#EXT-X-MEDIA-SEQUENCE"), "H04"},
	{"what grafov refuses", lists, "v.m3u8", text("v.m3u8", "#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-MEDIA-SEQUENCE:x"), "H05"},
	{"no URI", lists, "master.m3u8", text("master.m3u8", "v.m3u8", "#v.m3u8"), "H07"},
	{"no BANDWIDTH", lists, "master.m3u8", text("master.m3u8", "BANDWIDTH=200000,", ""), "H08"},
	{"no CODECS", lists, "master.m3u8", text("master.m3u8", `CODECS="avc1.64000b,mp4a.40.2",`, ""), "H09"},
	{"two target durations", lists, "v.m3u8", text("v.m3u8", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE"), "H10"},
	{"target duration of 1.5", lists, "v.m3u8", text("v.m3u8", "TARGETDURATION:1", "TARGETDURATION:1.5"), "H10"},
	{"no comma", lists, "v.m3u8", text("v.m3u8", "EXTINF:1.000000,", "EXTINF:1.000000"), "H11 H05"},
	{"target duration too small", lists, "v.m3u8", text("v.m3u8", "TARGETDURATION:1", "TARGETDURATION:0"), "H12"},
	{"date", lists, "v.m3u8", text("v.m3u8", "2026-02-03T04:05:07.000Z", "2026-02-03 04:05:07"), "H13 H05"},
	{"version", lists, "v.m3u8", text("v.m3u8", "VERSION:7", "VERSION:3"), "H14"},
	{"multivariant tag in a media playlist", lists, "v.m3u8", text("v.m3u8", "#EXT-X-ENDLIST", "#EXT-X-SESSION-DATA:DATA-ID=\"x\",VALUE=\"y\"\n#EXT-X-ENDLIST"), "H15"},
	{"media tag in a multivariant playlist", lists, "master.m3u8", text("master.m3u8", "#EXT-X-MEDIA:", "#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA:"), "H15"},
	{"variant is a multivariant playlist", lists, "master.m3u8", text("master.m3u8", "\nv.m3u8", "\nmaster.m3u8"), "H15"},
	{"VOD without end", lists, "v.m3u8", text("v.m3u8", "#EXT-X-ENDLIST\n", ""), "H16"},
	{"media sequence late", lists, "v.m3u8", text("v.m3u8", thirdInf, "#EXT-X-MEDIA-SEQUENCE:0\n"+thirdInf), "H17"},
	{"date stands still", lists, "v.m3u8", text("v.m3u8", "04:05:08.000Z", "04:05:07.000Z"), "H18"},
	{"short live playlist", lists, "v.m3u8", func(_ *testing.T, s site) {
		s.set("v.m3u8", []byte("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"v-init.mp4\"\n#EXTINF:1.0,\nv-1.m4s\n"))
	}, "H19"},
	{"EXTINF", lists, "v.m3u8", text("v.m3u8", thirdInf, strings.Replace(thirdInf, "1.0", "1.3", 1)), "H20"},
	{"EXTINF of a transport stream", hlsTransport, "media.m3u8", text("media.m3u8", "EXTINF:1.000", "EXTINF:0.700"), "H20"},
	{"gap without a mark", lists, "v.m3u8", shift(270_000, "v-3.m4s", "v-4.m4s"), "H21 H22 M13"},
	{"gap in transport streams", hlsTransport, "media.m3u8", func(t *testing.T, s site) {
		parts := record(t, "sample.mkv").transport(t, 5*tenSeconds, nil)
		s.set("3.ts", parts[2])
		s.set("4.ts", parts[3])
	}, "H21 H22"},
	{"other tracks without a mark", lists, "v.m3u8", func(_ *testing.T, s site) {
		var list strings.Builder
		list.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n")
		for k := 1; k <= 4; k++ {
			name := "v"
			if k > 2 {
				name = "a"
			}
			fmt.Fprintf(&list, "#EXT-X-MAP:URI=\"%s-init.mp4\"\n#EXTINF:1.0,\n%s-%d.m4s\n", name, name, k)
		}
		s.set("v.m3u8", []byte(list.String()+"#EXT-X-ENDLIST\n"))
	}, "H21 H30 H22"},
	{"small gap", hlsTransport, "media.m3u8", func(t *testing.T, s site) {
		parts := record(t, "sample.mkv").transport(t, 1<<33-180_000+9_000, nil)
		s.set("3.ts", parts[2])
		s.set("4.ts", parts[3])
	}, "H22"},
	{"no RESOLUTION", lists, "master.m3u8", text("master.m3u8", "RESOLUTION=160x90,", ""), "H23"},
	{"no FRAME-RATE", lists, "master.m3u8", text("master.m3u8", "FRAME-RATE=25.000,", ""), "H24"},
	{"no NAME", lists, "master.m3u8", text("master.m3u8", `NAME="Audio",`, ""), "H25"},
	{"no group", lists, "master.m3u8", text("master.m3u8", `AUDIO="audio"`, `AUDIO="sound"`), "H26 H28"},
	{"nothing about independence", lists, "master.m3u8", text("master.m3u8", "#EXT-X-INDEPENDENT-SEGMENTS\n", ""), "H27"},
	{"another codec", lists, "master.m3u8", text("master.m3u8", "avc1.64000b", "hvc1.1.6.L60.90"), "H28"},
	{"another level", lists, "master.m3u8", text("master.m3u8", "avc1.64000b", "avc1.640028"), "H28"},
	{"one codec too few", lists, "master.m3u8", text("master.m3u8", ",mp4a.40.2", ""), "H28"},
	{"one codec too many", lists, "master.m3u8", text("master.m3u8", "mp4a.40.2", "mp4a.40.2,alaw"), "H28"},
	{"another profile in transport streams", hlsTransport, "master.m3u8", text("master.m3u8", "avc1.64000b", "avc1.64000c"), "H28"},
	{"RESOLUTION", lists, "master.m3u8", text("master.m3u8", "160x90", "320x180"), "H29"},
	{"no EXT-X-MAP", lists, "v.m3u8", text("v.m3u8", "#EXT-X-MAP:URI=\"v-init.mp4\"\n", ""), "H30"},
	{"BANDWIDTH", lists, "master.m3u8", text("master.m3u8", "BANDWIDTH=200000", "BANDWIDTH=50000"), "H31"},
	{"shorter sound", lists, "master.m3u8", func(_ *testing.T, s site) {
		list := string(s["a.m3u8"].body)
		s.set("a.m3u8", []byte(list[:strings.Index(list, "a-2.m4s")]+"a-2.m4s\n#EXT-X-ENDLIST\n"))
	}, "H32"},
	{"mark in one rendition", lists, "master.m3u8", text("v.m3u8", thirdInf, "#EXT-X-DISCONTINUITY\n"+thirdInf), "H33"},
	{"sound begins later", lists, "master.m3u8", shift(96_000, "a-1.m4s", "a-2.m4s", "a-3.m4s", "a-4.m4s"), "H34"},
	{"attribute without value", lists, "master.m3u8", text("master.m3u8", "DEFAULT=YES", "DEFAULT"), "H35 H28"},
	{"attribute twice", lists, "master.m3u8", text("master.m3u8", "DEFAULT=YES", "DEFAULT=YES,DEFAULT=YES"), "H35"},
	{"NAME twice", lists, "master.m3u8", text("master.m3u8", "#EXT-X-STREAM-INF", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio\",URI=\"a.m3u8\"\n#EXT-X-STREAM-INF"), "H36"},
	{"two defaults", lists, "master.m3u8", text("master.m3u8", "#EXT-X-STREAM-INF", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"B\",DEFAULT=YES,URI=\"a.m3u8\"\n#EXT-X-STREAM-INF"), "H36"},
	{"discontinuity sequence late", lists, "v.m3u8", text("v.m3u8", thirdInf, "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"+thirdInf), "H37"},
	{"segment without moof", lists, "v.m3u8", func(t *testing.T, s site) { rename(t, s["v-2.m4s"].body, "moof", "free") }, "M03 M13"},
	{"init segment with media", lists, "v.m3u8", change("v-init.mp4", func(a *answer) { a.body = append(a.body, box("mdat", []byte{1})...) }), "M23"},
	{"damaged transport stream", hlsTransport, "media.m3u8", change("2.ts", func(a *answer) { nth(a.body, pidVideo, 9, false)[3] ^= 1 }), "T03"},
	{"segment without tables", hlsTransport, "media.m3u8", change("2.ts", func(a *answer) { a.body = a.body[2*188:] }), "T06 T03"},
}

package check_test

import (
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
)

// manifests has the sample as DASH.
func manifests(tb testing.TB) site { return record(tb, "sample.mkv").dashSite() }

var goodDASH = []goodCase{
	{"SegmentTimeline", manifests, "timeline.mpd"},
	{"SegmentTemplate with @duration", manifests, "number.mpd"},
	{"SegmentList", manifests, "list.mpd"},
	{"SegmentBase", manifests, "single.mpd"},
	{"@r of -1 and $Time$", func(tb testing.TB) site {
		s := manifests(tb).clone()
		mpd := string(s["timeline.mpd"].body)
		mpd = strings.Replace(mpd, `<S t="7290" d="90000"/><S d="90000"/><S d="90000"/><S d="90000"/>`, `<S t="7290" d="90000" r="-1"/>`, 1)
		mpd = strings.Replace(mpd, "$Number%01d$", "t$Time$", 1)
		s.set("timeline.mpd", []byte(mpd))
		for k, name := range []string{"v-t7290.m4s", "v-t97290.m4s", "v-t187290.m4s", "v-t277290.m4s"} {
			s.set(name, record(tb, "sample.mkv").segments[0][k])
		}
		return s
	}, "timeline.mpd"},
	{"dynamic", func(tb testing.TB) site {
		s := manifests(tb).clone()
		mpd := strings.Replace(string(s["timeline.mpd"].body), `<S d="90000"/>`, `<S t="97290" d="90000"/>`, 1)
		s.set("timeline.mpd", []byte(dynamic(mpd)))
		return s
	}, "timeline.mpd"},
	{"two Periods", func(tb testing.TB) site {
		s := manifests(tb).clone()
		s.set("timeline.mpd", []byte(twoPeriods(string(s["timeline.mpd"].body))))
		return s
	}, "timeline.mpd"},
}

func dynamic(mpd string) string {
	return strings.NewReplacer(`type="static" mediaPresentationDuration="PT4S"`,
		`type="dynamic" availabilityStartTime="2026-02-03T04:05:06Z" publishTime="2026-02-03T04:05:06Z" minimumUpdatePeriod="PT2S"`,
		"</MPD>", `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="time"/></MPD>`).Replace(mpd)
}

// twoPeriods repeats the Period of an MPD.
func twoPeriods(mpd string) string {
	at, end := strings.Index(mpd, "<Period"), strings.Index(mpd, "</MPD>")
	p := mpd[at:end]
	mpd = mpd[:end] + strings.Replace(p, `id="1"`, `id="2"`, 1) + mpd[end:]
	return strings.Replace(mpd, "PT4S", "PT8S", 1)
}

// all is an edit that replaces every place in an MPD.
func all(name string, pairs ...string) func(*testing.T, site) {
	return func(t *testing.T, s site) {
		before := string(s[name].body)
		after := strings.NewReplacer(pairs...).Replace(before)
		if before == after {
			t.Fatalf("%s has none of %q", name, pairs)
		}
		s.set(name, []byte(after))
	}
}

func manifest(edit func(string) string, then func(*testing.T, site)) func(*testing.T, site) {
	return func(t *testing.T, s site) {
		s.set("timeline.mpd", []byte(edit(string(s["timeline.mpd"].body))))
		then(t, s)
	}
}

const mpd = "timeline.mpd"

var badDASH = []ruleCase{
	{"segment missing", manifests, mpd, func(_ *testing.T, s site) { delete(s, "v-2.m4s") }, "D-HTTP"},
	{"no CORS", manifests, mpd, change("v-2.m4s", func(a *answer) { a.noCORS = true }), "D-CORS"},
	{"content type", manifests, mpd, change("v-2.m4s", func(a *answer) { a.contentType = "text/plain" }), "D-TYPE"},
	{"not well-formed", manifests, mpd, text(mpd, "</Period>", ""), "D01"},
	{"deep", manifests, mpd, text(mpd, "</Period>", "</Period>"+strings.Repeat("<a>", 40)+strings.Repeat("</a>", 40)), "D01"},
	{"namespace", manifests, mpd, text(mpd, "mpd:2011", "mpd:2012"), "D02"},
	{"no profiles", manifests, mpd, text(mpd, `profiles="urn:mpeg:dash:profile:isoff-live:2011" `, ""), "D04"},
	{"no minBufferTime", manifests, mpd, text(mpd, ` minBufferTime="PT2S"`, ""), "D05"},
	{"minBufferTime in months", manifests, mpd, text(mpd, `minBufferTime="PT2S"`, `minBufferTime="P1M"`), "D05"},
	{"no availabilityStartTime", manifests, mpd, manifest(dynamic, text(mpd, `availabilityStartTime="2026-02-03T04:05:06Z" `, "")), "D06"},
	{"no publishTime", manifests, mpd, manifest(dynamic, text(mpd, `publishTime="2026-02-03T04:05:06Z" `, "")), "D07"},
	{"no minimumUpdatePeriod", manifests, mpd, manifest(dynamic, text(mpd, ` minimumUpdatePeriod="PT2S"`, "")), "D08"},
	{"no UTCTiming", manifests, mpd, manifest(dynamic, text(mpd, `UTCTiming`, "UtcTiming")), "D09"},
	{"no duration", manifests, mpd, all(mpd, ` mediaPresentationDuration="PT4S"`, "", ` duration="PT4S"`, ""), "D10 D33"},
	{"attribute of dynamic", manifests, mpd, text(mpd, `type="static"`, `type="static" timeShiftBufferDepth="PT4S"`), "D11"},
	{"no Period", manifests, mpd, func(_ *testing.T, s site) {
		s.set(mpd, []byte(`<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="x" minBufferTime="PT1S"/>`))
	}, "D13"},
	{"Period id twice", manifests, mpd, manifest(twoPeriods, text(mpd, `id="2"`, `id="1"`)), "D14"},
	{"dynamic Period without id", manifests, mpd, manifest(dynamic, text(mpd, `Period id="1"`, "Period")), "D14"},
	{"Representation id twice", manifests, mpd, all(mpd, `id="a"`, `id="v"`, `$RepresentationID$-`, "v-"), "D15 D24"},
	{"no bandwidth", manifests, mpd, text(mpd, ` bandwidth="100000"`, ""), "D16"},
	{"no mimeType", manifests, mpd, text(mpd, ` mimeType="video/mp4"`, ""), "D17"},
	{"no codecs", manifests, mpd, text(mpd, ` codecs="avc1.64000b"`, ""), "D18"},
	{"no initialization", manifests, mpd, text(mpd, ` initialization="$RepresentationID$-init.mp4"`, ""), "D19"},
	{"hole", manifests, mpd, text(mpd, `<S d="90000"/>`, `<S t="187290" d="90000"/>`), "D20 D26"},
	{"S@d of 0", manifests, mpd, text(mpd, `<S d="90000"/>`, `<S d="0"/>`), "D21 D36"},
	{"$Number$ and $Time$", manifests, mpd, text(mpd, "$Number%01d$", "$Number$-$Time$"), "D22"},
	{"unknown identifier", manifests, mpd, text(mpd, "$Number%01d$", "$Number$$Nummer$"), "D22"},
	{"@duration and SegmentTimeline", manifests, mpd, text(mpd, `startNumber="1"`, `startNumber="1" duration="90000"`), "D23"},
	{"another codec", manifests, mpd, text(mpd, "avc1.64000b", "hvc1.1.6.L60.90"), "D24"},
	{"width", manifests, mpd, text(mpd, `width="160"`, `width="320"`), "D25"},
	{"S@t", manifests, mpd, all(mpd, `<S t="7290"`, `<S t="16290"`, `presentationTimeOffset="7290"`, `presentationTimeOffset="16290"`), "D26"},
	{"S@d", manifests, mpd, text(mpd, `<S d="90000"/></SegmentTimeline>`, `<S d="110000"/></SegmentTimeline>`), "D27"},
	{"no stream access point", manifests, mpd, change("v-2.m4s", func(a *answer) {
		from, _ := find(&testing.T{}, a.body, "mdat")
		unit := a.body[from+4:]
		for n := be.Uint32(a.body[from:]); unit[0]&31 != 5; n = be.Uint32(unit[n:]) {
			unit = unit[n+4:]
		}
		unit[0] = unit[0]&^31 | 1
	}), "D28 M10 M11"},
	{"Periods do not add up", manifests, mpd, manifest(twoPeriods, text(mpd, "PT8S", "PT9S")), "D29"},
	{"indexRange", manifests, "single.mpd", all("single.mpd", `indexRange="`, `indexRange="1`), "D30"},
	{"reference of the sidx", manifests, "single.mpd", func(t *testing.T, s site) {
		b := body(t, s["v.mp4"].body, "sidx")
		be.PutUint32(b[24:], be.Uint32(b[24:])+4)
	}, "D31"},
	{"presentationTimeOffset", manifests, mpd, text(mpd, `presentationTimeOffset="7290"`, `presentationTimeOffset="97290"`), "D32 D35 D36"},
	{"mediaPresentationDuration", manifests, mpd, all(mpd, "PT4S", "PT30S"), "D33"},
	{"bandwidth", manifests, mpd, all(mpd, `bandwidth="100000"`, `bandwidth="1000"`, `minBufferTime="PT2S"`, `minBufferTime="PT1S"`), "D34"},
	{"a track begins late", manifests, mpd, all(mpd, `presentationTimeOffset="7290"`, `presentationTimeOffset="47790"`,
		`presentationTimeOffset="3888"`, `presentationTimeOffset="0"`), "D35"},
	{"a track ends early", manifests, mpd, text(mpd, `<S d="90000"/><S d="90000"/><S d="90000"/></SegmentTimeline>`, "</SegmentTimeline>"), "D36"},
	{"startNumber", manifests, mpd, text(mpd, `startNumber="1"`, `startNumber="2"`), "D-HTTP D26 D32 D35"},
	{"damage in a segment", manifests, mpd, func(t *testing.T, s site) {
		s.set("v-2.m4s", edit(t, s["v-2.m4s"].body, "moof", func(m *mp4.MoofBox) { m.Traf.Trun.Samples[3].Size += 1 << 20 }))
	}, "M08"},
	{"tfdt goes back", manifests, mpd, shift(-180_000, "v-3.m4s"), "M12 M13 D26"},
}

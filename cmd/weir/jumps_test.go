package main

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// jump is a row of docs/jumps.md.
type jump struct {
	file            string
	pictures, sound int
	// steps are the distances above half a second between pictures, and between sound, where times are kept.
	steps, quiet []float64
	// jumps counts the places at which the source's clock jumps, changes those at which codec private data does; places in all.
	jumps, changes, places int
	holes                  int // jumps at which media is missing
	widths                 []string
	inits                  []int // init segments of pictures and of sound
}

// TestJumps holds every cell of docs/jumps.md: what each form of output does where time jumps and where codec private data changes.
func TestJumps(t *testing.T) {
	one := []string{"160"}
	three := []string{"160", "128", "160"}
	for _, tt := range []jump{
		{file: "sample.mkv", pictures: 100, sound: 189, widths: one, inits: []int{1, 1}},
		{file: "gap.mkv", pictures: 50, sound: 95, steps: []float64{2.04}, quiet: []float64{2}, jumps: 1, places: 1, holes: 1, widths: one, inits: []int{1, 1}},
		{file: "audio-gap.mkv", pictures: 100, sound: 95, quiet: []float64{2}, widths: one, inits: []int{1, 1}},
		{file: "clock-back.mkv", pictures: 100, sound: 189, jumps: 1, places: 1, widths: one, inits: []int{1, 1}},
		{file: "swapped.mkv", pictures: 100, sound: 189, steps: []float64{1.04}, quiet: []float64{1}, jumps: 2, places: 2, holes: 1, widths: one, inits: []int{1, 1}},
		{file: "ts-wrap.mkv", pictures: 100, sound: 189, widths: one, inits: []int{1, 1}},
		{file: "change.mkv", pictures: 150, sound: 278, jumps: 1, changes: 2, places: 2, widths: three, inits: []int{2, 2}},
		{file: "inband-change.mkv", pictures: 150, changes: 2, places: 2, widths: three, inits: []int{2}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			for _, form := range []string{"x.mp4", "fragmented.mp4", "x.ts", "x.mkv"} {
				t.Run(form, func(t *testing.T) { tt.single(t, form) })
			}
			t.Run("directory", func(t *testing.T) { tt.directory(t) })
			t.Run("hls-ts", func(t *testing.T) { tt.transportStreams(t) })
			t.Run("dash", func(t *testing.T) { tt.dash(t) })
		})
	}
}

// single holds a form that is a single file: every frame, true distances over gaps, decoding times that rise, pictures in their sizes.
func (tt *jump) single(t *testing.T, form string) {
	out := filepath.Join(t.TempDir(), form)
	args := []string{"remux", sample(tt.file), out}
	if form == "fragmented.mp4" {
		args = append(args, "--fragmented")
	}
	weirRun(t, args...)
	v := packetsOf(t, out, "v:0")
	guessed := form == "x.mkv" // Matroska has no decoding times
	if v.count != tt.pictures || !v.rising && !guessed {
		t.Errorf("%d pictures, decoding times rise: %t; want %d", v.count, v.rising, tt.pictures)
	}
	near(t, "pictures", v.steps, tt.steps)
	// The common reader of Matroska keeps the first document's sound, which it then fails to read at another rate.
	if changesSound := len(tt.inits) > 1 && tt.inits[1] > 1; tt.sound > 0 && !(form == "x.mkv" && changesSound) {
		a := packetsOf(t, out, "a:0")
		if a.count != tt.sound || !a.rising && !guessed {
			t.Errorf("%d frames of sound, decoding times rise: %t; want %d", a.count, a.rising, tt.sound)
		}
		near(t, "sound", a.steps, tt.quiet)
		decode(t, out)
	}
	if got := widths(t, out); !slices.Equal(got, tt.widths) {
		t.Errorf("pictures of the widths %v, want %v", got, tt.widths)
	}
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	ok := len(got) == len(want)
	for i := range got {
		ok = ok && math.Abs(got[i]-want[i]) < 0.05
	}
	if !ok {
		t.Errorf("%s: steps of %.3f s, want %.3f", what, got, want)
	}
}

// directory holds HLS and DASH over one set of segments: marks at the same places in both renditions, a Period at each, true times.
func (tt *jump) directory(t *testing.T) {
	dir := t.TempDir()
	weirRun(t, "remux", sample(tt.file), dir+"/")
	kinds := []string{"video", "audio"}[:len(tt.inits)]
	var before []int
	for i, kind := range kinds {
		text := readFile(t, filepath.Join(dir, kind+".m3u8"))
		at := marks(text)
		if len(at) != tt.places {
			t.Errorf("%s.m3u8: %d discontinuities, want %d", kind, len(at), tt.places)
		}
		if i > 0 && !slices.Equal(at, before) {
			t.Errorf("discontinuities before segments %v of sound, %v of pictures", at, before)
		}
		before = at
		if inits, _ := filepath.Glob(filepath.Join(dir, kind+"-init*.mp4")); len(inits) != tt.inits[i] {
			t.Errorf("%s: init segments %v, want %d", kind, inits, tt.inits[i])
		}
		if n, want := strings.Count(text, "#EXT-X-MAP:"), 1; tt.changes == 0 && n != want || tt.changes > 0 && n != 1+tt.changes {
			t.Errorf("%s.m3u8: %d EXT-X-MAP", kind, n)
		}
	}
	if n := strings.Count(readFile(t, filepath.Join(dir, "manifest.mpd")), "<Period "); n != 1+tt.places {
		t.Errorf("%d Periods, want %d", n, 1+tt.places)
	}
	segments, _ := filepath.Glob(filepath.Join(dir, "video-[0-9]*.m4s"))
	files := []string{filepath.Join(dir, "video-init.mp4")}
	for k := range segments {
		files = append(files, filepath.Join(dir, fmt.Sprintf("video-%d.m4s", k+1)))
	}
	v := packetsOf(t, join(t, filepath.Join(dir, "joined.mp4"), files...), "v:0")
	if v.count != tt.pictures {
		t.Errorf("%d pictures, want %d", v.count, tt.pictures)
	}
	near(t, "pictures", v.steps, tt.steps)
}

// marks returns before which segments a playlist has a discontinuity.
func marks(text string) []int {
	var at []int
	n := 0
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "#EXT-X-DISCONTINUITY\n"):
			at = append(at, n)
		case strings.HasPrefix(line, "#EXTINF"):
			n++
		}
	}
	return at
}

// transportStreams holds HLS of MPEG-TS.
func (tt *jump) transportStreams(t *testing.T) {
	dir := t.TempDir()
	weirRun(t, "remux", "--container", "ts", sample(tt.file), filepath.Join(dir, "x.m3u8"))
	text := readFile(t, filepath.Join(dir, "x-video.m3u8"))
	if n := len(marks(text)); n != tt.places {
		t.Errorf("%d discontinuities, want %d", n, tt.places)
	}
	if strings.Contains(text, "EXT-X-MAP") || !strings.Contains(text, "#EXT-X-VERSION:3\n") {
		t.Errorf("not a playlist of MPEG-TS:\n%s", text)
	}
	var files []string
	for _, uri := range regexp.MustCompile(`(?m)^x-.*\.ts$`).FindAllString(text, -1) {
		files = append(files, filepath.Join(dir, uri))
	}
	joined := join(t, filepath.Join(dir, "joined.ts"), files...)
	if v := packetsOf(t, joined, "v:0"); v.count != tt.pictures {
		t.Errorf("%d pictures, want %d", v.count, tt.pictures)
	}
	if got := widths(t, joined); !slices.Equal(got, tt.widths) {
		t.Errorf("pictures of the widths %v, want %v", got, tt.widths)
	}
}

// dash holds DASH alone: gaps are closed, and with --periods they are not.
func (tt *jump) dash(t *testing.T) {
	for _, periods := range []bool{false, true} {
		dir := t.TempDir()
		args := []string{"remux", sample(tt.file), filepath.Join(dir, "x.mpd")}
		want := 1 + tt.changes
		if periods {
			args, want = append(args, "--periods"), 1+tt.changes+tt.holes
		}
		weirRun(t, args...)
		if n := strings.Count(readFile(t, filepath.Join(dir, "x.mpd")), "<Period "); n != want {
			t.Errorf("%v: %d Periods, want %d", args, n, want)
		}
	}
}

// TestPeriodBegins holds that each track is listed from the very beginning of its Period, though sound begins a little later, and that
// a last Period of a second is longer than one.
func TestPeriodBegins(t *testing.T) {
	for _, tt := range []struct {
		file string
		want []string
	}{
		{"gap.mkv", []string{`presentationTimeOffset="147888"`, `<S t="147888" d="49456"/>`, `duration="PT1.030333333S"`, `mediaPresentationDuration="PT2.033S"`}},
		{"swapped.mkv", []string{`<Period id="p3" start="PT3.031666667S" duration="PT1.001S">`, `mediaPresentationDuration="PT4.032666667S"`}},
	} {
		out := filepath.Join(t.TempDir(), "manifest.mpd")
		weirRun(t, "remux", sample(tt.file), filepath.Dir(out)+"/")
		mpd := readFile(t, out)
		for _, want := range tt.want {
			if !strings.Contains(mpd, want) {
				t.Errorf("%s: no %s in\n%s", tt.file, want, mpd)
			}
		}
		template := regexp.MustCompile(`presentationTimeOffset="(\d+)"[^>]*>\s*<SegmentTimeline>\s*<S t="(\d+)"`)
		for _, m := range template.FindAllStringSubmatch(mpd, -1) {
			offset, _ := strconv.Atoi(m[1])
			if first, _ := strconv.Atoi(m[2]); first > offset {
				t.Errorf("%s: a Period from %d lists its first segment at %d", tt.file, offset, first)
			}
		}
	}
}

// TestLastPeriod holds which durations are changed.
func TestLastPeriod(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		time.Second: 1001 * time.Millisecond, 999_999_999: 1001 * time.Millisecond, 1_000_000_001: 1001 * time.Millisecond,
		1_001_000_000: 1_001_000_000, 999_000_000: 999_000_000, 2 * time.Second: 2 * time.Second, 0: 0,
	} {
		if got := lastPeriod(d); got != want {
			t.Errorf("lastPeriod(%v) = %v, want %v", d, got, want)
		}
	}
}

// forms are the ways to call remux, by the last argument.
func forms(dir string) map[string][]string {
	return map[string][]string{
		"x.mp4": {filepath.Join(dir, "x.mp4")}, "fragmented": {"--fragmented", filepath.Join(dir, "f.mp4")}, "x.ts": {filepath.Join(dir, "x.ts")},
		"x.mkv": {filepath.Join(dir, "x.mkv")}, "directory": {filepath.Join(dir, "d") + "/"}, "hls": {filepath.Join(dir, "h", "x.m3u8")},
		"hls-ts": {"--container", "ts", filepath.Join(dir, "t", "x.m3u8")}, "dash": {filepath.Join(dir, "m", "x.mpd")},
	}
}

// TestCodecTakesOver has HEVC go on where H.264 ends: every form but one MPEG-TS file carries it.
func TestCodecTakesOver(t *testing.T) {
	dir := t.TempDir()
	in := join(t, filepath.Join(dir, "in.mkv"), sample("h264-nob.mkv"), sample("opengop.mkv"))
	for form, args := range forms(dir) {
		r := weirWith(nil, append([]string{"remux", in}, args...)...)
		switch {
		case form == "x.ts" && (r.code != exitRefused || !strings.Contains(r.errors, "InvalidCodecPrivateData") || !strings.Contains(r.errors, "--container ts")):
			t.Errorf("%s: exit %d, %s", form, r.code, r.errors)
		case form != "x.ts" && r.code != exitDone:
			t.Errorf("%s: exit %d, %s", form, r.code, r.errors)
		}
	}
	mpd := readFile(t, filepath.Join(dir, "d", "manifest.mpd"))
	for _, want := range []string{`codecs="avc1.`, `codecs="hvc1.`} {
		if strings.Count(mpd, want) != 1 || strings.Count(mpd, "<Period ") != 2 {
			t.Errorf("%s is not once in an MPD of two Periods:\n%s", want, mpd)
		}
	}
	for _, playlist := range []string{"d/video.m3u8", "h/x-video.m3u8", "t/x-video.m3u8"} {
		if at := marks(readFile(t, filepath.Join(dir, playlist))); len(at) != 1 || at[0] != 2 {
			t.Errorf("%s: discontinuities before the segments %v, want before segment 2", playlist, at)
		}
	}
}

// TestTrackAppears refuses by name what no form can go on with.
func TestTrackAppears(t *testing.T) {
	dir := t.TempDir()
	for name, files := range map[string][]string{"begins": {sample("h264-nob.mkv"), sample("sample.mkv")}, "ends": {sample("sample.mkv"), sample("h264-nob.mkv")}} {
		in := join(t, filepath.Join(dir, "in.mkv"), files...)
		for form, args := range forms(dir) {
			r := weirWith(nil, append([]string{"remux", in}, args...)...)
			if r.code != exitRefused || !strings.Contains(r.errors, "UnsupportedStreamMediaType") || !strings.Contains(r.errors, "the tracks change: audio track") {
				t.Errorf("%s, %s: exit %d, %s", name, form, r.code, r.errors)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(left) > 0 {
				t.Fatalf("%s, %s: left %v", name, form, left)
			}
		}
	}
}

// TestMarkGaps lists missing media.
func TestMarkGaps(t *testing.T) {
	dir := t.TempDir()
	weirRun(t, "remux", "--mark-gaps", "--timestamps", sample("gap.mkv"), dir+"/")
	for _, name := range []string{"video.m3u8", "audio.m3u8"} {
		text := readFile(t, filepath.Join(dir, name))
		if strings.Count(text, "#EXT-X-GAP\n") != 2 || !strings.Contains(text, "#EXT-X-VERSION:8\n") {
			t.Errorf("%s:\n%s", name, text)
		}
		for _, want := range []string{"1970-01-01T00:00:01.000Z\n#EXT-X-GAP\n#EXTINF:1.000000,\n", "1970-01-01T00:00:03.000Z\n#EXTINF:1."} {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %q:\n%s", name, want, text)
			}
		}
	}
}

// TestDiscontinuityFlag counts marks.
func TestDiscontinuityFlag(t *testing.T) {
	for mode, want := range map[string][2]int{"always": {1, 2}, "on-discontinuity": {1, 2}, "never": {0, 2}} {
		for i, name := range []string{"gap.mkv", "change.mkv"} {
			dir := t.TempDir()
			weirRun(t, "remux", "--discontinuity", mode, sample(name), dir+"/")
			if got := len(marks(readFile(t, filepath.Join(dir, "audio.m3u8")))); got != want[i] {
				t.Errorf("%s, %s: %d discontinuities, want %d", mode, name, got, want[i])
			}
		}
	}
}

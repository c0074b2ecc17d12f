package mkv_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// encoding returns a ContentEncoding that compresses by algo, or strips settings from the front when algo is 3.
func encoding(algo uint64, settings string, parts ...[]byte) []byte {
	return el(idContentEncoding, append(parts, el(idContentCompression, num(idContentCompAlgo, algo), str(idContentCompSettings, settings)))...)
}

// TestRepeated has rule 20: what a Segment may say once is the same the second time, or it is damage.
func TestRepeated(t *testing.T) {
	private := func(a, b string) []byte { return tracks(entry(2, str(idCodecPrivate, a), str(idCodecPrivate, b))) }
	scale := func(n uint64) []byte { return num(idTimestampScale, n) }
	info := el(idInfo, str(idTitle, "x"))
	both := []string{"document 0", "tracks 1 2"}
	resync := mkv.Options{Resync: true}
	runCases(t, []readCase{
		{name: "rule 20: Tracks, the same", data: doc(tracks(), tracks(), first, tracks()), want: one},
		{name: "rule 20: Tracks, different", data: doc(tracks(), tracks(entry(2)), first), want: start, is: mkv.ErrSyntax, path: "Segment"},
		{name: "rule 20: Tracks, different, going on with the first", opts: resync, data: doc(tracks(), tracks(entry(2)), first), want: one},
		{name: "rule 20: Info, the same", data: doc(info, info, tracks(), first, info), want: one},
		{name: "rule 20: Info, different", data: doc(info, el(idInfo, str(idTitle, "y"))), want: start[:1], is: mkv.ErrSyntax},
		{name: "rule 20: Info, different, going on with the first", opts: resync, data: doc(el(idInfo, scale(1e6)), tracks(), el(idInfo, scale(1e9)), cluster(1, simple(0, "a"))), want: append(start[:2:2], "cluster 0", "1@1ms a key")},
		{name: "rule 20: TimestampScale, the same", data: doc(el(idInfo, scale(1000), scale(1000)), tracks(), cluster(1, simple(0, "a"))), want: append(start[:2:2], "cluster 0", "1@1µs a key")},
		{name: "rule 20: TimestampScale, different", data: doc(el(idInfo, scale(1000), scale(1001))), want: start[:1], is: mkv.ErrSyntax, at: scale(1001)},
		{name: "rule 20: CodecPrivate, the same", data: doc(private("x", "x")), want: both},
		{name: "rule 20: CodecPrivate, both empty", data: doc(private("", "")), want: both},
		{name: "rule 20: CodecPrivate, different", data: doc(private("x", "y")), want: start[:1], is: mkv.ErrSyntax, at: str(idCodecPrivate, "y")},
		{name: "rule 20: CodecPrivate, one empty", data: doc(private("", "y")), want: start[:1], is: mkv.ErrSyntax, at: str(idCodecPrivate, "y")},
		{name: "rule 20: a new Segment says it anew", data: join(doc(el(idInfo, scale(1000)), tracks(), first), doc(tracks(entry(2)), cluster(1, simple(0, "b")))), want: after("document 1", "tracks 1 2", "cluster 1", "1@1ms b key")},
	})
}

// TestEncodings has rule 28.
func TestEncodings(t *testing.T) {
	frames := func(parts ...[]byte) []byte {
		return doc(el(idTracks, entry(1, num(idDefaultDuration, 1e6), el(idContentEncodings, parts...))),
			cluster(0, simple(0, "a"), el(idSimpleBlock, block(1, 5, key|xiph, sizes(xiph, 1, 0, 2), "bcc"))))
	}
	told := func(prefix string) []string {
		return append(start[:2:2], "cluster 0", "1@0s "+prefix+"a key", "1@5ms "+prefix+"b key", "1@6ms "+prefix+" key laced", "1@7ms "+prefix+"cc key laced")
	}
	plain := append(start[:2:2], "cluster 0", "1@0s a key", "1@5ms b key", "1@7ms cc key laced")
	runCases(t, []readCase{
		{name: "rule 28: header stripping is put back in front of each frame", data: frames(encoding(3, "HEAD")), want: told("HEAD")},
		{name: "rule 28: stripped twice", data: frames(encoding(3, "2"), encoding(3, "1")), want: told("12")},
		{name: "rule 28: scope of all frames", data: frames(encoding(3, "H", num(idContentScope, 3))), want: told("H")},
		{name: "rule 28: scope of the private data alone", data: frames(encoding(3, "H", num(idContentScope, 2))), want: plain},
		{name: "rule 28: nothing stripped", data: frames(encoding(3, "")), want: plain},
		{name: "rule 28: a frame that is its header", data: doc(el(idTracks, entry(1, el(idContentEncodings, encoding(3, "HEAD")))), cluster(0, simple(0, ""))), want: append(start[:2:2], "cluster 0", "1@0s HEAD key")},
		{name: "rule 28: more than 4096 bytes", data: frames(encoding(3, string(make([]byte, 4097)))), want: start[:1], is: mkv.ErrLimit},
	})
	for name, b := range map[string][]byte{
		"zlib": encoding(0, ""), "bzlib": encoding(1, ""), "lzo1x": encoding(2, ""), "an unknown algorithm": encoding(99, ""),
		"no algorithm": el(idContentEncoding), "encryption": el(idContentEncoding, num(idContentType, 1), el(idContentEncryption)),
	} {
		t.Run("rule 28: "+name, func(t *testing.T) {
			data := frames(b)
			r := mkv.NewBytesReader(data, nil)
			if _, err := tokens(r); err != nil {
				t.Fatal(err)
			}
			e := r.Tracks()[0]
			checkError(t, "bytes", &readCase{data: data, is: mkv.ErrUnsupported, at: b, path: "Segment"}, e.Unsupported)
		})
	}
}

// TestNextPutsHeadersBack has rule 28 for Next and Frames.
func TestNextPutsHeadersBack(t *testing.T) {
	data := doc(el(idTracks, entry(1, el(idContentEncodings, encoding(3, "HEAD")))), cluster(3, simple(0, "a"), simple(1, "b")))
	var got []codec.Frame
	for f, err := range mkv.NewBytesReader(data, nil).Frames() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f)
	}
	want := []codec.Frame{{Track: 1, PTS: 3 * time.Millisecond, Key: true, Data: []byte("HEADa")}, {Track: 1, PTS: 4 * time.Millisecond, Key: true, Data: []byte("HEADb")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}

func TestInfo(t *testing.T) {
	date := el(0x4461, []byte{0, 0, 0, 0, 0x3B, 0x9A, 0xCA, 0})
	r := mkv.NewBytesReader(doc(el(idInfo, num(idTimestampScale, 1e6), f64(idDuration, 1500.5), date, str(idTitle, "tïtle\x00x"), str(idMuxingApp, "m"), str(0x5741, "w")), tracks()), nil)
	if _, err := tokens(r); err != nil {
		t.Fatal(err)
	}
	want := mkv.Info{TimestampScale: time.Millisecond, Duration: 1500500 * time.Microsecond, Date: time.Date(2001, 1, 1, 0, 0, 1, 0, time.UTC), Title: "tïtle", MuxingApp: "m", WritingApp: "w"}
	if diff := cmp.Diff(want, r.Info()); diff != "" {
		t.Errorf("Info (-want +got):\n%s", diff)
	}
}

func TestTrackEntries(t *testing.T) {
	colour := func(parts ...[]byte) []byte { return el(idVideo, el(idColour, parts...)) }
	pose := func(yaw, pitch, roll float64) []byte {
		return el(idVideo, el(0x7670, f64(0x7673, yaw), f64(0x7674, pitch), f64(0x7675, roll)))
	}
	base := mkv.TrackEntry{Track: codec.Track{Number: 1, Kind: codec.Audio, CodecID: "A_TEST", Default: true, Language: "eng", TimestampUnit: time.Millisecond}, Type: 2}
	for _, tt := range []struct {
		name  string
		parts [][]byte
		want  func(*mkv.TrackEntry)
	}{
		{"defaults", nil, func(*mkv.TrackEntry) {}},
		{"scalars", [][]byte{num(0x73C5, 1<<63), el(0x88, []byte{0}), num(idDefaultDuration, 20e6), num(0x56AA, 6.5e6), str(idName, "n"), str(0x22B59C, "ger"), str(idCodecPrivate, "p")}, func(e *mkv.TrackEntry) {
			e.UID, e.Default, e.DefaultDuration, e.CodecDelay, e.Name, e.Language, e.CodecPrivate = 1<<63, false, 20*time.Millisecond, 6500*time.Microsecond, "n", "ger", []byte("p")
		}},
		{"empty ones have their defaults", [][]byte{el(0x88), el(0x22B59C), el(idTrackTimestampScale)}, func(*mkv.TrackEntry) {}},
		{"LanguageBCP47 is stronger", [][]byte{str(0x22B59D, "de-AT"), str(0x22B59C, "ger")}, func(e *mkv.TrackEntry) { e.Language = "de-AT" }},
		{"absurd durations", [][]byte{num(idDefaultDuration, 1<<63), num(0x56AA, 1<<63)}, func(*mkv.TrackEntry) {}},
		{"subtitles", [][]byte{num(idTrackType, 17)}, func(e *mkv.TrackEntry) { e.Type, e.Kind = 17, 0 }},
		{"sound", [][]byte{el(idAudio, f64(idSamplingFrequency, 44100), num(idChannels, 2))}, func(e *mkv.TrackEntry) { e.SampleRate, e.Channels = 44100, 2 }},
		{"sound, defaults", [][]byte{el(idAudio)}, func(e *mkv.TrackEntry) { e.SampleRate, e.Channels = 8000, 1 }},
		{"BlockAdditionMapping", [][]byte{el(0x41E4), el(0x41E4)}, func(e *mkv.TrackEntry) { e.Dropped = []string{"BlockAdditionMapping"} }},
		{"picture", [][]byte{el(idVideo, num(0xB0, 160), num(0xBA, 120), num(0x54B0, 4), num(0x54BA, 3), num(0x54B2, 3))}, func(e *mkv.TrackEntry) {
			e.Display = &codec.Display{PixelWidth: 160, PixelHeight: 120, DisplayWidth: 4, DisplayHeight: 3, DisplayUnit: 3}
		}},
		{"colour", [][]byte{colour(num(idPrimaries, 9), num(0x55BA, 16), num(0x55B1, 9), num(idRange, 2), num(idMaxCLL, 1000), num(0x55BD, 400))}, func(e *mkv.TrackEntry) {
			e.Display = &codec.Display{Colour: &codec.Colour{Primaries: 9, Transfer: 16, Matrix: 9, FullRange: true}, MaxCLL: 1000, MaxFALL: 400}
		}},
		{"rule 17: empty Range and MaxCLL say nothing", [][]byte{colour(num(idPrimaries, 9), el(idRange), el(idMaxCLL))}, func(e *mkv.TrackEntry) {
			e.Display = &codec.Display{Colour: &codec.Colour{Primaries: 9, Transfer: 2, Matrix: 2}}
		}},
		{"colour not said", [][]byte{colour(el(idPrimaries), num(idRange, 1))}, func(e *mkv.TrackEntry) { e.Display = &codec.Display{} }},
		{"turned", [][]byte{pose(0, 0, 90)}, func(e *mkv.TrackEntry) { e.Display = &codec.Display{Rotation: 270} }},
		{"mirrored", [][]byte{pose(180, 0, -90)}, func(e *mkv.TrackEntry) { e.Display = &codec.Display{Rotation: 90, Mirror: true} }},
		{"a pose of no right angle", [][]byte{pose(0, 0, 45)}, func(e *mkv.TrackEntry) {
			e.Display, e.Dropped = &codec.Display{}, []string{"pose of yaw 0, pitch 0, roll 45 degrees"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := doc(el(idTracks, entry(1, tt.parts...)))
			want := base
			want.Offset = int64(bytes.Index(data, entry(1, tt.parts...)))
			tt.want(&want)
			r := mkv.NewBytesReader(data, nil)
			if _, err := tokens(r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]mkv.TrackEntry{want}, r.Tracks(), cmpopts.IgnoreUnexported(mkv.TrackEntry{})); diff != "" {
				t.Errorf("Tracks (-want +got):\n%s", diff)
			}
		})
	}
}

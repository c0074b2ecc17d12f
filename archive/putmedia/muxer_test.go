package putmedia_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/putmedia"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

func testdata(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// playable returns the files of testdata that a Source takes.
func playable(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "*.mkv"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no testdata: %v", err)
	}
	var names []string
	for _, path := range paths {
		switch name := filepath.Base(path); name {
		case "bad-avcc.mkv", "zlib.mkv", "opus-only.mkv":
		default:
			names = append(names, name)
		}
	}
	return names
}

func source(tb testing.TB, data []byte, opts *weir.Options) *weir.Source {
	tb.Helper()
	src, err := weir.NewBytesSource(data, putmedia.SourceOptions(opts))
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

// mux returns the fragments of sources, one after the other.
func mux(tb testing.TB, m *putmedia.Muxer, opts *weir.Options, inputs ...[]byte) []*putmedia.Fragment {
	tb.Helper()
	var all []*putmedia.Fragment
	for _, data := range inputs {
		for f, err := range m.Fragments(source(tb, data, opts)) {
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, f)
		}
	}
	return all
}

// bodies lays fragments out as a Session does over a service that takes further headers: one body for each run of the same tracks.
func bodies(fragments []*putmedia.Fragment, oneHeader bool) [][]byte {
	var all [][]byte
	var header []byte
	tracks := ""
	for _, f := range fragments {
		if same := bytes.Equal(header, f.Header); f.Tracks != tracks || oneHeader && !same {
			all = append(all, nil)
			header = nil
		}
		body := &all[len(all)-1]
		if !bytes.Equal(header, f.Header) {
			*body = append(*body, f.Header...)
		}
		*body = append(*body, f.Data...)
		header, tracks = f.Header, f.Tracks
	}
	return all
}

// received has the service judge bodies and returns what it takes.
func received(tb testing.TB, all [][]byte, strict bool) []*arrived {
	tb.Helper()
	var got []*arrived
	for i, body := range all {
		j := &judge{strict: strict, begin: func(*arrived) error { return nil }}
		j.end = func(f *arrived) error {
			if f.bad != 0 {
				tb.Errorf("body %d: fragment %d at %v is refused with %d", i, len(got), f.timecode, f.bad)
			}
			f.conn = i
			got = append(got, f)
			return nil
		}
		if err := j.run(bytes.NewReader(body)); err != nil {
			tb.Errorf("body %d: %v", i, err)
		}
	}
	return got
}

// truth is what an input has of one kind of track.
type truth struct {
	number uint64
	frames []codec.Frame
}

// truths reads the frames of the tracks that are sent, with another reader than the Source's way.
func truths(tb testing.TB, data []byte, tracks []*codec.Track) map[uint64]*truth {
	tb.Helper()
	all := map[uint64]*truth{}
	for _, t := range tracks[:min(len(tracks), 3)] {
		all[t.Number] = &truth{number: t.Number}
	}
	for f, err := range mkv.NewBytesReader(data, &mkv.Options{Resync: true}).Frames() {
		if err != nil {
			tb.Fatal(err)
		}
		if t := all[f.Track]; t != nil {
			f.Data = bytes.Clone(f.Data)
			t.frames = append(t.frames, f)
		}
	}
	return all
}

// jumps are the files whose clock goes back; their times are moved as a whole.
var jumps = map[string]bool{"change.mkv": true, "clock-back.mkv": true, "getmedia-relative.mkv": true, "swapped.mkv": true}

// TestMuxer holds what is written against what each file has: every frame once, in order, with its bytes, its mark and its time, in
// fragments that break no rule of the service.
func TestMuxer(t *testing.T) {
	for _, name := range playable(t) {
		for _, opts := range []weir.Options{{}, {ByCluster: true}, {FragmentDuration: 500 * time.Millisecond}} {
			t.Run(fmt.Sprint(name, opts.ByCluster, opts.FragmentDuration), func(t *testing.T) {
				data := testdata(t, name)
				for _, hold := range []time.Duration{0, time.Minute} {
					m := putmedia.NewMuxer(&putmedia.MuxerOptions{HoldFor: hold, Start: time.Unix(1_700_000_000, 0)})
					fragments := mux(t, m, &opts, data)
					got := received(t, bodies(fragments, false), false)
					if len(got) != len(fragments) {
						t.Fatalf("%d fragments arrive of %d", len(got), len(fragments))
					}
					compare(t, name, truths(t, data, source(t, data, &opts).Tracks()), got)
					received(t, bodies(fragments, true), true)
				}
			})
		}
	}
}

func compare(t *testing.T, name string, want map[uint64]*truth, got []*arrived) {
	t.Helper()
	at := map[uint64]int{}
	for i, f := range got {
		for j := range f.frames {
			g := &f.frames[j]
			w := want[g.Track]
			if w == nil || at[g.Track] == len(w.frames) {
				t.Fatalf("fragment %d: a frame of track %d more than there are", i, g.Track)
			}
			frame := w.frames[at[g.Track]]
			at[g.Track]++
			if !bytes.Equal(g.Data, frame.Data) || g.Key != frame.Key {
				t.Fatalf("fragment %d, frame %d: %d bytes, key %v; want %d bytes, key %v", i, j, len(g.Data), g.Key, len(frame.Data), frame.Key)
			}
			if d := (g.Duration - frame.Duration).Abs(); d > f.scale/2 {
				t.Errorf("fragment %d, frame %d: lasts %v, want %v", i, j, g.Duration, frame.Duration)
			}
			// Frames out of a lace lie between ticks, and sound may be written in coarser ones than a file of its own has.
			if d := (g.PTS - frame.PTS).Abs(); d > f.scale/2+time.Microsecond && !jumps[name] {
				t.Errorf("fragment %d, frame %d of track %d: at %v, want %v", i, j, g.Track, g.PTS, frame.PTS)
			}
		}
	}
	for number, w := range want {
		if at[number] != len(w.frames) {
			t.Errorf("track %d: %d frames arrive of %d", number, at[number], len(w.frames))
		}
	}
}

// TestMuxerJumps holds that times go on where the clock of a file goes back.
func TestMuxerJumps(t *testing.T) {
	for name := range jumps {
		data := testdata(t, name)
		got := received(t, bodies(mux(t, putmedia.NewMuxer(nil), nil, data), false), false)
		last := time.Duration(-1)
		for i, f := range got {
			for j := range f.frames {
				if f.frames[j].Track != 1 {
					continue
				}
				if f.frames[j].Key && f.frames[j].PTS <= last {
					t.Errorf("%s: fragment %d, frame %d at %v follows %v", name, i, j, f.frames[j].PTS, last)
				}
				last = max(last, f.frames[j].PTS)
			}
		}
		src := source(t, data, nil)
		for i := range got {
			f, err := src.Next()
			if err != nil {
				t.Fatal(err)
			}
			first := time.Duration(1 << 62)
			for j := range got[i].frames {
				if g := &got[i].frames[j]; g.Track == src.Tracks()[0].Number {
					first = min(first, g.PTS)
				}
			}
			// Sound that outlasts the pictures of the document before moves what follows on.
			if d := first - f.Start; d < 0 || d > time.Duration(i)*100*time.Millisecond {
				t.Errorf("%s: fragment %d begins at %v, the Source settles it at %v", name, i, first, f.Start)
			}
		}
	}
}

// TestMuxerTurns has files follow each other: times go on from the end of the last fragment.
func TestMuxerTurns(t *testing.T) {
	one := testdata(t, "sample.mkv")
	m := putmedia.NewMuxer(nil)
	fragments := mux(t, m, nil, one, one, one)
	if all := bodies(fragments, true); len(all) != 1 {
		t.Errorf("%d bodies, want one Segment", len(all))
	}
	got := received(t, bodies(fragments, true), true)
	n := len(got) / 3
	if n*3 != len(got) || n == 0 {
		t.Fatalf("%d fragments of three turns", len(got))
	}
	const pictures, sound = 4 * time.Second, 4032 * time.Millisecond // what a turn lasts
	for i := n; i < len(got); i++ {
		before, now := got[i-n], got[i]
		for j := range now.frames {
			if d := now.frames[j].PTS - before.frames[j].PTS; d != sound {
				t.Fatalf("turn %d, fragment %d: frame %d is %v later than in the turn before, want %v", i/n, i%n, j, d, sound)
			}
		}
	}
	fragments = mux(t, putmedia.NewMuxer(nil), nil, testdata(t, "h264-nob.mkv"), testdata(t, "h264-nob.mkv"))
	if n := len(fragments) / 2; fragments[n].Timecode != pictures.Milliseconds() {
		t.Errorf("the second turn of pictures alone begins at %d ms", fragments[n].Timecode)
	}
}

// TestMuxerTracks puts files of other tracks into bodies of their own, and tracks of other numbers under the numbers before.
func TestMuxerTracks(t *testing.T) {
	var names []string
	m := putmedia.NewMuxer(nil)
	fragments := mux(t, m, nil, testdata(t, "h264-nob.mkv"), testdata(t, "sample.mkv"), testdata(t, "hevc-aac.mkv"), testdata(t, "alaw.mkv"))
	received(t, bodies(fragments, false), false)
	for _, f := range fragments {
		if len(names) == 0 || names[len(names)-1] != f.Tracks {
			names = append(names, f.Tracks)
		}
	}
	if d := cmp.Diff([]string{"1:avc", "1:avc 2:aac", "1:hevc 2:aac", "1:avc 2:g711"}, names); d != "" {
		t.Errorf("tracks (-want +got):\n%s", d)
	}
	last := time.Time{}
	for i, f := range fragments {
		if !f.Time.After(last) {
			t.Errorf("fragment %d at %v follows %v", i, f.Time, last)
		}
		last = f.Time
	}
}

// TestMuxerDocuments puts documents of other tracks inside one input into bodies of their own.
func TestMuxerDocuments(t *testing.T) {
	input := slices.Concat(testdata(t, "h264-nob.mkv"), testdata(t, "sample.mkv"), testdata(t, "sample.mkv"))
	fragments := mux(t, putmedia.NewMuxer(nil), nil, input)
	all := bodies(fragments, false)
	received(t, all, false)
	if len(all) != 2 {
		t.Errorf("%d bodies, want 2", len(all))
	}
}

// TestMuxerCodecChange begins another header where codec private data changes.
func TestMuxerCodecChange(t *testing.T) {
	for name, want := range map[string]int{"change.mkv": 3, "inband-change.mkv": 3, "getmedia.mkv": 1, "getmedia-relative.mkv": 1, "sample.mkv": 1} {
		fragments := mux(t, putmedia.NewMuxer(nil), nil, testdata(t, name))
		if n := len(bodies(fragments, true)); n != want {
			t.Errorf("%s: %d headers, want %d", name, n, want)
		}
		if n := len(bodies(fragments, false)); n != 1 {
			t.Errorf("%s: %d bodies, want 1", name, n)
		}
	}
}

// TestMuxerPrivate sends the source's codec private data as it is, and what the Source has mended where it had to.
func TestMuxerPrivate(t *testing.T) {
	for _, name := range []string{"sample.mkv", "hevc-alaw.mkv", "ulaw.mkv", "audio-only.mkv", "annexb-noprivate.mkv"} {
		data := testdata(t, name)
		r := mkv.NewBytesReader(data, nil)
		for token := mkv.Token(0); token != mkv.TokenTracks; {
			var err error
			if token, err = r.Read(); err != nil {
				t.Fatal(err)
			}
		}
		got := received(t, bodies(mux(t, putmedia.NewMuxer(nil), nil, data), false), false)
		for i, e := range r.Tracks() {
			sent := got[0].tracks[i]
			if len(e.CodecPrivate) > 0 && !bytes.Equal(e.CodecPrivate, sent.CodecPrivate) {
				t.Errorf("%s: track %d: % x, want % x", name, e.Number, sent.CodecPrivate, e.CodecPrivate)
			}
			if _, err := codec.Parse(sent.CodecID, sent.CodecPrivate); err != nil {
				t.Errorf("%s: track %d: %v", name, e.Number, err)
			}
			if e.CodecDelay != sent.CodecDelay || e.DefaultDuration != sent.DefaultDuration || e.UID != sent.UID {
				t.Errorf("%s: track %d: %+v, want %+v", name, e.Number, sent.Track, e.Track)
			}
		}
	}
}

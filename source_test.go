package weir_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// carried returns the files of testdata that are carried whole, with their bytes.
func carried(tb testing.TB) map[string][]byte {
	tb.Helper()
	names, err := filepath.Glob("testdata/*.mkv")
	if err != nil || len(names) == 0 {
		tb.Fatalf("no testdata: %v", err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		switch filepath.Base(name) {
		case "bad-avcc.mkv", "zlib.mkv", "opus-only.mkv":
			continue
		}
		files[filepath.Base(name)] = read(tb, filepath.Base(name))
	}
	return files
}

func read(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// fragments returns copies of all fragments of a source.
func fragments(tb testing.TB, src *weir.Source) []weir.Fragment {
	tb.Helper()
	var all []weir.Fragment
	for {
		f, err := src.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, clone(f))
	}
}

func clone(f *weir.Fragment) weir.Fragment {
	c := *f
	c.Tags = append([]weir.Tag(nil), f.Tags...)
	c.Runs = append([]weir.Run(nil), f.Runs...)
	for i := range c.Runs {
		c.Runs[i].Samples = append([]weir.Sample(nil), c.Runs[i].Samples...)
		for j := range c.Runs[i].Samples {
			c.Runs[i].Samples[j].Data = bytes.Clone(c.Runs[i].Samples[j].Data)
		}
	}
	return c
}

func open(tb testing.TB, data []byte, opts *weir.Options) *weir.Source {
	tb.Helper()
	src, err := weir.NewBytesSource(data, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

// TestEveryFrameOnce holds the fragments' frames against those that the reader finds: each one once, in order, with its bytes
// and its time.
func TestEveryFrameOnce(t *testing.T) {
	for name, data := range carried(t) {
		t.Run(name, func(t *testing.T) {
			type frame struct {
				PTS  time.Duration
				Size int
				Sum  string
			}
			src := open(t, data, nil)
			want, got := map[uint64][]frame{}, map[uint64][]frame{}
			known := map[uint64]*codec.Track{}
			for _, track := range src.Tracks() {
				known[track.Number] = track
			}
			for f, err := range mkv.NewBytesReader(data, &mkv.Options{Resync: true}).Frames() {
				if err != nil {
					t.Fatal(err)
				}
				if track := known[f.Track]; track != nil {
					want[f.Track] = append(want[f.Track], frame{f.PTS - track.CodecDelay, len(f.Data), string(f.Data)})
				}
			}
			for _, f := range fragments(t, src) {
				for _, r := range f.Runs {
					for _, s := range r.Samples {
						pts := r.Time(s.PTS) - f.Moved
						got[r.Track.Number] = append(got[r.Track.Number], frame{pts, len(s.Data), string(s.Data)})
					}
				}
			}
			for number := range known {
				w, g := want[number], got[number]
				if len(w) != len(g) {
					t.Fatalf("track %d: %d frames in fragments, %d in the file", number, len(g), len(w))
				}
				for i := range w {
					if d := (w[i].PTS - g[i].PTS).Abs(); d > 2*time.Millisecond {
						t.Errorf("track %d, frame %d: at %v, in the file at %v", number, i, g[i].PTS, w[i].PTS)
					}
					if w[i].Sum != g[i].Sum && !cmp.Equal(pictureUnits(known[number], w[i].Sum, name == "annexb-noprivate.mkv"), pictureUnits(known[number], g[i].Sum, false)) {
						t.Errorf("track %d, frame %d: %d bytes differ from the file's %d", number, i, g[i].Size, w[i].Size)
					}
				}
			}
		})
	}
}

// pictureUnits returns the NAL units of a frame but for its parameter sets, which an output has in its private data.
func pictureUnits(track *codec.Track, frame string, annexB bool) [][]byte {
	data := []byte(frame)
	if !annexB {
		data = codec.AppendAnnexB(nil, data)
	}
	var units [][]byte
	for nal := range codec.SplitAnnexB(data) {
		if _, hevc := track.Config.(*codec.HEVC); hevc {
			if t := nal[0] >> 1 & 63; t >= 32 && t <= 34 {
				continue
			}
		} else if t := nal[0] & 31; t == 7 || t == 8 {
			continue
		}
		units = append(units, nal)
	}
	return units
}

// TestDoors holds that streams give the fragments that memory does, however their bytes arrive.
func TestDoors(t *testing.T) {
	for name, data := range carried(t) {
		t.Run(name, func(t *testing.T) {
			want := digests(fragments(t, open(t, data, nil)))
			for door, r := range map[string]io.Reader{
				"reader": bytes.NewReader(data), "one byte": iotest.OneByteReader(bytes.NewReader(data)),
				"half": iotest.HalfReader(bytes.NewReader(data)), "data and error": iotest.DataErrReader(bytes.NewReader(data)),
			} {
				src, err := weir.NewSource(r, nil)
				if err != nil {
					t.Fatalf("%s: %v", door, err)
				}
				if d := cmp.Diff(want, digests(fragments(t, src))); d != "" {
					t.Fatalf("%s (-memory +stream):\n%s", door, d)
				}
			}
		})
	}
}

// digests tells all that fragments say, their frames' bytes by a checksum.
func digests(all []weir.Fragment) []string {
	var out []string
	for _, f := range all {
		sum := crc32.NewIEEE()
		var text strings.Builder
		fmt.Fprintf(&text, "%d: document %d, byte %d, [%v, %v) moved %v, %v from %v, discontinuity %t, number %s at %v, tags %v",
			f.Index, f.Document, f.Offset, f.Start, f.End, f.Moved, f.Length, f.Begin, f.Discontinuity, f.Number, f.Time, f.Tags)
		for _, r := range f.Runs {
			fmt.Fprintf(&text, "; track %d from %d, %d bytes", r.Track.Number, r.DTS, r.Bytes)
			for _, s := range r.Samples {
				fmt.Fprint(sum, s.PTS, s.Duration, s.CompositionOffset, s.Sync, s.Access, len(s.Data))
				sum.Write(s.Data)
			}
		}
		fmt.Fprintf(&text, ", %08x", sum.Sum32())
		out = append(out, text.String())
	}
	return out
}

// TestSourceError passes on what the stream itself reports.
func TestSourceError(t *testing.T) {
	broken := errors.New("cable pulled")
	data := read(t, "sample.mkv")
	src, err := weir.NewSource(io.MultiReader(bytes.NewReader(data[:len(data)/2]), iotest.ErrReader(broken)), nil)
	for err == nil {
		_, err = src.Next()
	}
	var e *mkv.Error
	if !errors.Is(err, broken) || !errors.As(err, &e) || e.Offset != int64(len(data)/2) {
		t.Errorf("got %v, want %v at byte %d", err, broken, len(data)/2)
	}
	if _, again := src.Next(); again != err {
		t.Errorf("then %v", again)
	}
}

// TestTruncation cuts small files at every byte: what comes out begins as the whole file does, and nothing is lost silently. With
// WEIR_CUTS=1 it does so with every file of testdata, some of which have damage of their own.
func TestTruncation(t *testing.T) {
	names, every := []string{"unknown-size.mkv", "audio-only.mkv", "blockgroups.mkv"}, os.Getenv("WEIR_CUTS") == "1"
	if every {
		files, err := filepath.Glob(filepath.Join("testdata", "*.mkv"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no testdata: %v", err)
		}
		names = names[:0]
		for _, file := range files {
			names = append(names, filepath.Base(file))
		}
	}
	step := 1
	if testing.Short() || raceEnabled { // the tests on 32 bits try every byte
		step = 37
	}
	cuts, different, panics := 0, 0, 0
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			data := read(t, name)
			whole, _, err := payload(data)
			if err != io.EOF && !every {
				t.Fatal(err)
			}
			// A Segment of unknown size may end between any two elements.
			told := !every && name != "unknown-size.mkv"
			for n := 0; n < len(data); n += step {
				cuts++
				err := cut(whole, data[:n], told)
				if err == nil {
					continue
				}
				if errors.Is(err, errPanic) {
					panics++
				} else {
					different++
				}
				if t.Errorf("%d bytes: %v", n, err); different+panics > 20 {
					t.Fatal("enough")
				}
			}
		})
	}
	t.Logf("reliability: cuts cuts=%d files=%d different=%d panics=%d", cuts, len(names), different, panics)
}

// payload returns the bytes of each track's frames.
func payload(data []byte) (tracks map[uint64][]byte, src *weir.Source, err error) {
	tracks = map[uint64][]byte{}
	src, err = weir.NewBytesSource(data, nil)
	for err == nil {
		var f *weir.Fragment
		if f, err = src.Next(); err == nil {
			for _, r := range f.Runs {
				for _, s := range r.Samples {
					tracks[r.Track.Number] = append(tracks[r.Track.Number], s.Data...)
				}
			}
		}
	}
	return tracks, src, err
}

var errPanic = errors.New("panic")

// cut compares what comes of the beginning of a file with what comes of the whole. told says that something has to be said of frames that are missing.
func cut(whole map[uint64][]byte, data []byte, told bool) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	tracks, src, err := payload(data)
	lost := 0
	for i := range whole {
		if !bytes.HasPrefix(whole[i], tracks[i]) {
			return fmt.Errorf("track %d is not the beginning of the whole one", i)
		}
		lost += len(whole[i]) - len(tracks[i])
	}
	for i := range tracks {
		if whole[i] == nil {
			return fmt.Errorf("there is no track %d in the whole", i)
		}
	}
	if err != io.EOF {
		var a *mkv.Error
		var b *codec.Error
		if told && len(tracks) > 0 || !errors.As(err, &a) && !errors.As(err, &b) && !errors.Is(err, weir.ErrNoTracks) {
			return err
		}
		return nil
	}
	if told && lost > 0 && len(src.Warnings()) == 0 {
		return fmt.Errorf("%d bytes of frames are missing without a word", lost)
	}
	return nil
}

// TestRefusals names the error, the track and the place.
func TestRefusals(t *testing.T) {
	strict := &weir.Options{Strict: true}
	for _, tt := range []struct {
		name  string
		data  []byte
		opts  *weir.Options
		is    error
		track uint64
	}{
		{"nothing", nil, nil, mkv.ErrSyntax, 0},
		{"text", []byte(strings.Repeat("no media at all\n", 100)), nil, mkv.ErrSyntax, 0},
		{"header alone", read(t, "sample.mkv")[:40], nil, mkv.ErrSyntax, 0},
		{"no codec of ours", read(t, "opus-only.mkv"), nil, weir.ErrNoTracks, 0},
		{"no codec of ours, as the API has it", read(t, "opus-only.mkv"), nil, codec.ErrUnsupportedMedia, 0},
		{"compressed frames", read(t, "zlib.mkv"), nil, codec.ErrUnsupportedMedia, 1},
		{"compressed frames, the reader's error", read(t, "zlib.mkv"), nil, mkv.ErrUnsupported, 1},
		{"avcC that ends early", read(t, "bad-avcc.mkv"), strict, codec.ErrInvalidPrivate, 1},
		{"private data missing, strict", read(t, "annexb-noprivate.mkv"), strict, codec.ErrMissingPrivate, 1},
		{"junk, strict", read(t, "garbage.mkv"), strict, mkv.ErrSyntax, 0},
		{"cut off, strict", read(t, "truncated.mkv"), strict, io.ErrUnexpectedEOF, 0},
		{"tracks that are not there", read(t, "sample.mkv"), &weir.Options{Tracks: []uint64{9}}, weir.ErrNoTracks, 0},
		{"all tracks excluded", read(t, "h264-nob.mkv"), &weir.Options{Exclude: []uint64{1}}, weir.ErrNoTracks, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src, err := weir.NewBytesSource(tt.data, tt.opts)
			for err == nil {
				_, err = src.Next()
			}
			if !errors.Is(err, tt.is) {
				t.Fatalf("got %v, want %v", err, tt.is)
			}
			if e, ok := errors.AsType[*codec.Error](err); tt.track != 0 && (!ok || e.Track != tt.track || e.Offset <= 0) {
				t.Errorf("%v: track %d at byte %d, want track %d and a place", err, e.Track, e.Offset, tt.track)
			}
		})
	}
}

// TestChoice carries what is asked for.
func TestChoice(t *testing.T) {
	data := read(t, "two-audio.mkv")
	for _, tt := range []struct {
		opts weir.Options
		want []uint64
	}{
		{weir.Options{}, []uint64{1, 2, 3}},
		{weir.Options{Tracks: []uint64{3, 1}}, []uint64{1, 3}},
		{weir.Options{Exclude: []uint64{1}}, []uint64{2, 3}},
		{weir.Options{Tracks: []uint64{1, 2}, Exclude: []uint64{1}}, []uint64{2}},
	} {
		var got []uint64
		for _, track := range open(t, data, &tt.opts).Tracks() {
			got = append(got, track.Number)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.opts, d)
		}
	}
}

// TestWarnings says what was left out or mended.
func TestWarnings(t *testing.T) {
	for name, want := range map[string]string{
		"subtitles.mkv":        "track left out: codec",
		"annexb-noprivate.mkv": "codec private data rebuilt from the frames",
		"garbage.mkv":          "bytes left out",
		"truncated.mkv":        "unexpected EOF",
	} {
		src := open(t, read(t, name), nil)
		fragments(t, src)
		found := false
		for _, w := range src.Warnings() {
			found = found || strings.Contains(w.Text, want) && w.Count > 0
		}
		if !found {
			t.Errorf("%s: no warning says %q: %+v", name, want, src.Warnings())
		}
	}
	src := open(t, read(t, "sample.mkv"), nil)
	fragments(t, src)
	if w := src.Warnings(); len(w) > 0 {
		t.Errorf("a sound file: %+v", w)
	}
}

// TestRest goes on where a document has other tracks than those before.
func TestRest(t *testing.T) {
	data := append(append(append([]byte(nil), read(t, "h264-nob.mkv")...), read(t, "sample.mkv")...), read(t, "audio-only.mkv")...)
	want := []int{
		len(fragments(t, open(t, read(t, "h264-nob.mkv"), nil))), len(fragments(t, open(t, read(t, "sample.mkv"), nil))),
		len(fragments(t, open(t, read(t, "audio-only.mkv"), nil))),
	}
	var got []int
	for src, err := open(t, data, nil), error(nil); src != nil; src, err = src.Rest() {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := src.Rest(); err != io.EOF {
			t.Errorf("a rest before the end: %v", err)
		}
		n := 0
		for ; ; n++ {
			f, err := src.Next()
			if err == io.EOF || errors.Is(err, codec.ErrUnsupportedMedia) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if f.Document != len(got) {
				t.Errorf("fragment %d of document %d, want %d", n, f.Document, len(got))
			}
		}
		got = append(got, n)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("fragments of each document (-want +got):\n%s", d)
	}
}

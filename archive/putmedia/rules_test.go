package putmedia_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/putmedia"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// reel is media to make inputs of: a file's tracks, and its frames as often as wanted.
type reel struct {
	tracks []*codec.Track
	frames []codec.Frame
	scale  time.Duration
}

// wind repeats a file for a while.
func wind(t *testing.T, name string, length time.Duration) *reel {
	t.Helper()
	r := &reel{scale: time.Millisecond}
	for at := time.Duration(0); at < length; {
		src, err := weir.NewBytesSource(testdata(t, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.tracks = src.Tracks()
		end, turn := time.Duration(0), len(r.frames)
		for {
			f, err := src.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			from := len(r.frames)
			r.frames = weir.AppendFrames(r.frames, f)
			for i := range r.frames[from:] {
				g := &r.frames[from+i]
				g.PTS += at
				g.Data = slices.Clone(g.Data)
			}
			end = f.End
		}
		at += end
		r.frames = append(r.frames[:turn], slices.DeleteFunc(r.frames[turn:], func(f codec.Frame) bool { // what would overlap the next turn
			return r.kind(&f) == codec.Audio && f.PTS > at-22*time.Millisecond
		})...)
	}
	r.keep(func(f *codec.Frame) bool { return f.PTS < length })
	return r
}

func (r *reel) keep(want func(f *codec.Frame) bool) *reel {
	r.frames = slices.DeleteFunc(r.frames, func(f codec.Frame) bool { return !want(&f) })
	return r
}

// sound keeps sound where want says.
func (r *reel) sound(want func(at time.Duration) bool) *reel {
	return r.keep(func(f *codec.Frame) bool { return r.kind(f) != codec.Audio || want(f.PTS) })
}

func (r *reel) kind(f *codec.Frame) codec.Kind {
	for _, t := range r.tracks {
		if t.Number == f.Track {
			return t.Kind
		}
	}
	return 0
}

func (r *reel) shift(d time.Duration) *reel {
	for i := range r.frames {
		r.frames[i].PTS += d
	}
	return r
}

// file writes the reel with a Cluster for each second of its pictures.
func (r *reel) file(t *testing.T, opts mkv.HeaderOptions, tags ...mkv.Tag) []byte {
	t.Helper()
	out, err := mkv.AppendHeader(nil, r.tracks, r.scale, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(tags) > 0 {
		out = mkv.AppendTags(out, tags)
	}
	length := min(time.Second, 30_000*r.scale)
	for from := 0; from < len(r.frames); {
		to := from
		for to < len(r.frames) && (r.frames[to].PTS-r.frames[from].PTS).Abs() < length {
			to++
		}
		if out, err = mkv.AppendCluster(out, r.frames[from].PTS, r.scale, r.frames[from:to]); err != nil {
			t.Fatal(err)
		}
		from = to
	}
	return out
}

// header is one that says nothing.
var header mkv.HeaderOptions

// shape says what became of fragments: the tracks of each body, and how many fragments it has.
func shape(got []*arrived) []string {
	var all []string
	conn, n := -1, 0
	for _, f := range got {
		if f.conn != conn {
			conn, n = f.conn, 0
			all = append(all, "")
		}
		n++
		var kinds strings.Builder
		for _, t := range f.tracks {
			kinds.WriteString(t.Kind.String()[:1])
		}
		all[len(all)-1] = fmt.Sprint(kinds.String(), n)
	}
	return all
}

// TestMuxerTracksMissing holds what becomes of media in which a track is missing for a while.
func TestMuxerTracksMissing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		length time.Duration
		sound  func(at time.Duration) bool
		want   []string
	}{
		{"whole", 20 * time.Second, func(time.Duration) bool { return true }, []string{"va10"}},
		{"from 5 s on", 20 * time.Second, func(at time.Duration) bool { return at >= 5*time.Second }, []string{"va8"}},
		{"3 s missing", 20 * time.Second, func(at time.Duration) bool { return at < 6*time.Second || at > 9*time.Second }, []string{"va9"}},
		{"the last 3 s missing", 20 * time.Second, func(at time.Duration) bool { return at < 17*time.Second }, []string{"va9"}},
		{"30 s missing", 60 * time.Second, func(at time.Duration) bool { return at < 10*time.Second || at > 40*time.Second }, []string{"va5", "v15", "va10"}},
		{"only for a moment", 60 * time.Second, func(at time.Duration) bool { return at > 30*time.Second && at < 30500*time.Millisecond }, []string{"v15", "va1", "v14"}},
		{"none at all", 30 * time.Second, func(time.Duration) bool { return false }, []string{"v15"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := wind(t, "sample.mkv", tt.length).sound(tt.sound).file(t, mkv.HeaderOptions{})
			fragments := mux(t, putmedia.NewMuxer(nil), nil, data)
			got := received(t, bodies(fragments, false), false)
			if d := cmp.Diff(tt.want, shape(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			compare(t, "", truths(t, data, source(t, data, nil).Tracks()), got)
		})
	}
}

// TestMuxerMinDuration joins what is too short for the service with its neighbour, but not over a gap.
func TestMuxerMinDuration(t *testing.T) {
	gap := func(f *codec.Frame) bool { return f.PTS < 2400*time.Millisecond || f.PTS >= 4*time.Second }
	for _, tt := range []struct {
		length time.Duration
		keep   func(*codec.Frame) bool
		least  time.Duration
		want   []string
	}{
		{8500 * time.Millisecond, nil, 0, []string{"va5"}},
		{8500 * time.Millisecond, nil, time.Second, []string{"va4"}},
		{9500 * time.Millisecond, nil, time.Second, []string{"va5"}},
		{8 * time.Second, gap, time.Second, []string{"va3"}}, // the 0.4 s before the gap join what is before
		{8 * time.Second, func(f *codec.Frame) bool { return f.PTS < 400*time.Millisecond || f.PTS >= 2*time.Second }, time.Second, []string{"va4"}},
	} {
		r := wind(t, "sample.mkv", tt.length)
		if tt.keep != nil {
			r.keep(tt.keep)
		}
		data := r.file(t, mkv.HeaderOptions{})
		got := received(t, bodies(mux(t, putmedia.NewMuxer(&putmedia.MuxerOptions{MinDuration: tt.least}), nil, data), false), false)
		if d := cmp.Diff(tt.want, shape(got)); d != "" {
			t.Errorf("%v, at least %v (-want +got):\n%s", tt.length, tt.least, d)
		}
		compare(t, "", truths(t, data, source(t, data, nil).Tracks()), got)
	}
}

// camera gives a file as a camera would: each Cluster, which has a second, when it is over.
type camera struct {
	rest []byte
	next time.Time
}

func (c *camera) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	cluster := []byte{0x1F, 0x43, 0xB6, 0x75}
	if bytes.HasPrefix(c.rest, cluster) {
		time.Sleep(time.Until(c.next))
		c.next = c.next.Add(time.Second)
	}
	end := len(c.rest)
	if i := bytes.Index(c.rest[1:], cluster); i >= 0 {
		end = 1 + i
	}
	n := copy(p, c.rest[:end])
	c.rest = c.rest[n:]
	return n, nil
}

// TestMuxerLive gives fragments of live media without waiting for the length of the next, and joins a moment at the end in which a
// track is missing with the fragment before.
func TestMuxerLive(t *testing.T) {
	for _, tt := range []struct {
		name   string
		length time.Duration
		sound  func(at time.Duration) bool
		want   []string
	}{
		{"whole", 20 * time.Second, func(time.Duration) bool { return true }, []string{"va10"}},
		{"the last moment missing", 18480 * time.Millisecond, func(at time.Duration) bool { return at < 17*time.Second }, []string{"va9"}},
		{"the last 5 s missing", 20 * time.Second, func(at time.Duration) bool { return at < 15*time.Second }, []string{"va8", "v2"}},
		{"3 s missing", 20 * time.Second, func(at time.Duration) bool { return at < 6*time.Second || at > 9*time.Second }, []string{"va9"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				data := wind(t, "sample.mkv", tt.length).sound(tt.sound).file(t, mkv.HeaderOptions{})
				began := time.Now()
				src, err := weir.NewSource(&camera{data, began.Add(time.Second)}, putmedia.SourceOptions(nil))
				if err != nil {
					t.Fatal(err)
				}
				m := putmedia.NewMuxer(&putmedia.MuxerOptions{HoldFor: 500 * time.Millisecond})
				var fragments []*putmedia.Fragment
				for f, err := range m.Fragments(src) {
					if err != nil {
						t.Fatal(err)
					}
					fragments = append(fragments, f)
					end := f.Time.Add(f.Duration).Sub(fragments[0].Time)
					// The key frame of the next fragment comes with its Cluster, a second later.
					if late := time.Since(began) - end; late > 1600*time.Millisecond && tt.name == "whole" {
						t.Errorf("fragment %d comes %v after its end", f.Index, late)
					}
				}
				got := received(t, bodies(fragments, false), false)
				if d := cmp.Diff(tt.want, shape(got)); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		})
	}
}

// TestMuxerLeftEarly ends the iteration while the source waits for its input.
func TestMuxerLeftEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		go func() {
			_, _ = w.Write(testdata(t, "sample.mkv"))
			_, _ = w.Write(testdata(t, "sample.mkv"))
		}()
		src, err := weir.NewSource(r, putmedia.SourceOptions(nil))
		if err != nil {
			t.Fatal(err)
		}
		for f, err := range putmedia.NewMuxer(&putmedia.MuxerOptions{HoldFor: time.Second}).Fragments(src) {
			if err != nil {
				t.Fatal(err)
			}
			if f.Index == 1 {
				break
			}
		}
		w.Close()
		r.Close()
		synctest.Wait() // a goroutine that is left would fail the bubble
	})
}

// TestMuxerSoundGoesOn cuts sound that is left when the pictures have ended.
func TestMuxerSoundGoesOn(t *testing.T) {
	r := wind(t, "sample.mkv", 70*time.Second)
	data := r.keep(func(f *codec.Frame) bool { return r.kind(f) == codec.Audio || f.PTS < 10*time.Second }).file(t, mkv.HeaderOptions{})
	got := received(t, bodies(mux(t, putmedia.NewMuxer(nil), nil, data), false), false)
	compare(t, "", truths(t, data, source(t, data, nil).Tracks()), got)
	if s := shape(got); len(s) != 2 || !strings.HasPrefix(s[0], "va") || !strings.HasPrefix(s[1], "a") {
		t.Errorf("%v, want a body of both tracks and one of sound", s)
	}
}

// TestMuxerLongGroups cuts between key frames where these are too far apart, and not where pictures are out of order.
func TestMuxerLongGroups(t *testing.T) {
	for _, name := range []string{"sample.mkv", "h264-nob.mkv", "hevc-aac.mkv"} {
		r := wind(t, name, 70*time.Second)
		r.keep(func(f *codec.Frame) bool { return r.kind(f) == codec.Audio || !f.Key || f.PTS < time.Second })
		data := r.file(t, mkv.HeaderOptions{})
		fragments := mux(t, putmedia.NewMuxer(nil), nil, data)
		got := received(t, bodies(fragments, false), false)
		compare(t, "", truths(t, data, source(t, data, nil).Tracks()), got)
		if s := shape(got); len(s) != 1 || len(got) < 4 {
			t.Errorf("%s: %v, want at least 4 fragments in a body", name, s)
		}
		for i, f := range got {
			for j := range f.frames {
				if g := &f.frames[j]; r.kind(g) == codec.Video && g.PTS < f.timecode {
					t.Errorf("%s: fragment %d at %v has a picture at %v", name, i, f.timecode, g.PTS)
				}
			}
		}
	}
}

// TestMuxerCodecDelay begins Clusters at their pictures although stored times of sound run ahead of what they are the times of.
func TestMuxerCodecDelay(t *testing.T) {
	r := wind(t, "sample.mkv", 20*time.Second)
	for _, track := range r.tracks {
		if track.Kind == codec.Audio {
			track.CodecDelay = 90 * time.Millisecond
		}
	}
	for i := range r.frames {
		if f := &r.frames[i]; r.kind(f) == codec.Audio {
			f.PTS += 90 * time.Millisecond
		}
	}
	data := r.file(t, mkv.HeaderOptions{})
	got := received(t, bodies(mux(t, putmedia.NewMuxer(nil), nil, data), false), false)
	compare(t, "", truths(t, data, source(t, data, nil).Tracks()), got)
	for i, f := range got {
		first := time.Duration(1 << 62)
		for j := range f.frames {
			if g := &f.frames[j]; r.kind(g) == codec.Video {
				first = min(first, g.PTS)
			}
		}
		if f.timecode != first {
			t.Errorf("fragment %d begins at %v, its pictures at %v", i, f.timecode, first)
		}
	}
}

// TestMuxerPrecision keeps times finer than a millisecond where a fragment is short enough, or none is lost in coarser ticks.
func TestMuxerPrecision(t *testing.T) {
	uneven := func(r *reel) {
		for i := range r.frames {
			r.frames[i].PTS += time.Duration(i%7) * 100 * time.Microsecond
		}
	}
	for _, tt := range []struct {
		name      string
		scale     time.Duration
		group     time.Duration // distance of key frames
		edit      func(*reel)
		want      time.Duration
		tolerance time.Duration
	}{
		{"short", 100 * time.Microsecond, 2 * time.Second, uneven, 100 * time.Microsecond, 0},
		{"long, of whole milliseconds", 100 * time.Microsecond, 10 * time.Second, func(*reel) {}, 500 * time.Microsecond, 0},
		{"long and uneven", 100 * time.Microsecond, 10 * time.Second, uneven, 400 * time.Microsecond, 200 * time.Microsecond},
		{"very fine", 10 * time.Microsecond, 2 * time.Second, func(*reel) {}, 100 * time.Microsecond, 0},
		{"coarse", 10 * time.Millisecond, 2 * time.Second, func(*reel) {}, 10 * time.Millisecond, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := wind(t, "h264-nob.mkv", 20*time.Second)
			r.scale = tt.scale
			r.keep(func(f *codec.Frame) bool { return !f.Key || f.PTS%tt.group < 40*time.Millisecond })
			tt.edit(r)
			data := r.file(t, mkv.HeaderOptions{})
			m := putmedia.NewMuxer(nil)
			got := received(t, bodies(mux(t, m, nil, data), false), false)
			want := truths(t, data, r.tracks)
			n := 0
			for i, f := range got {
				if f.scale != tt.want && i < len(got)-1 {
					t.Errorf("fragment %d: TimestampScale %v, want %v", i, f.scale, tt.want)
				}
				for j := range f.frames {
					if d := (f.frames[j].PTS - want[1].frames[n].PTS).Abs(); d > tt.tolerance {
						t.Errorf("fragment %d, frame %d: at %v, want %v", i, j, f.frames[j].PTS, want[1].frames[n].PTS)
					}
					n++
				}
			}
			if rounded := len(m.Warnings()) > 0; rounded != (tt.tolerance > 0) {
				t.Errorf("warnings: %v", m.Warnings())
			}
		})
	}
}

// TestMuxerTags keeps the source's tags with their fragment, but for the service's own and those that it refuses.
func TestMuxerTags(t *testing.T) {
	many := []mkv.Tag{{Name: "AWS_KINESISVIDEO_FRAGMENT_NUMBER", Value: "17"}, {Name: "AWSOME", Value: "1"}, {Name: strings.Repeat("N", 129), Value: "1"}, {Name: "LONG", Value: strings.Repeat("v", 257)}}
	var want []mkv.Tag
	for i := range 12 {
		many = append(many, mkv.Tag{Name: fmt.Sprint("KEY_", i), Value: fmt.Sprint(i)})
	}
	want = many[4:14]
	m := putmedia.NewMuxer(nil)
	got := received(t, bodies(mux(t, m, nil, wind(t, "sample.mkv", 8*time.Second).file(t, mkv.HeaderOptions{}, many...)), false), false)
	if d := cmp.Diff(want, got[0].tags); d != "" {
		t.Errorf("tags (-want +got):\n%s", d)
	}
	for i, f := range got[1:] {
		if len(f.tags) > 0 {
			t.Errorf("fragment %d has tags: %v", i+1, f.tags)
		}
	}
	if len(m.Warnings()) != 2 {
		t.Errorf("warnings: %v", m.Warnings())
	}
	// what GetMedia gave: each document's tags are the archive's
	for _, f := range received(t, bodies(mux(t, putmedia.NewMuxer(nil), nil, testdata(t, "getmedia.mkv")), false), false) {
		if len(f.tags) > 0 {
			t.Errorf("tags of an archive: %v", f.tags)
		}
	}
}

// TestMuxerManyTracks sends the first of pictures, the first of sound and one more.
func TestMuxerManyTracks(t *testing.T) {
	r := wind(t, "two-audio.mkv", 2*time.Second)
	third := *r.tracks[2]
	third.Number, third.UID = 9, 9
	r.tracks = append(slices.Clone(r.tracks), &third)
	for _, f := range slices.Clone(r.frames) {
		if f.Track == r.tracks[2].Number {
			f.Track = 9
			r.frames = append(r.frames, f)
		}
	}
	slices.SortStableFunc(r.frames, func(a, b codec.Frame) int { return int(a.DTS - b.DTS) })
	m := putmedia.NewMuxer(nil)
	fragments := mux(t, m, nil, r.file(t, mkv.HeaderOptions{}))
	received(t, bodies(fragments, false), false)
	if fragments[0].Tracks != "1:avc 2:aac 3:aac" || len(m.Warnings()) != 1 || m.Warnings()[0].Track != 9 {
		t.Errorf("%q is sent, warnings %v", fragments[0].Tracks, m.Warnings())
	}
}

// TestMuxerStart holds where on the producer's clock an upload begins.
func TestMuxerStart(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
	date := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	given := time.Date(2025, 6, 7, 8, 9, 10, 500_000_000, time.UTC)
	sample := testdata(t, "sample.mkv")
	late := wind(t, "sample.mkv", 4*time.Second).shift(30 * time.Second)
	dated := late.file(t, mkv.HeaderOptions{Date: date})
	plain := late.file(t, mkv.HeaderOptions{})
	tagged := late.file(t, mkv.HeaderOptions{Date: date}, mkv.Tag{Name: "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", Value: "1600000000.250"})
	for _, tt := range []struct {
		name  string
		data  []byte
		opts  putmedia.MuxerOptions
		start time.Time // that timecodes count from
		first time.Time
		code  int64
	}{
		{"nothing known", sample, putmedia.MuxerOptions{}, now.Round(time.Millisecond), now.Round(time.Millisecond), 0},
		{"nothing known, late", plain, putmedia.MuxerOptions{}, now.Add(-30 * time.Second).Round(time.Millisecond), now.Round(time.Millisecond), 30_000},
		{"given", sample, putmedia.MuxerOptions{Start: given}, given, given, 0},
		{"given, late", plain, putmedia.MuxerOptions{Start: given}, given.Add(-30 * time.Second), given, 30_000},
		{"date", dated, putmedia.MuxerOptions{}, date, date.Add(30 * time.Second), 30_000},
		{"given beside a date", dated, putmedia.MuxerOptions{Start: given}, given.Add(-30 * time.Second), given, 30_000},
		{"producer's timestamp", tagged, putmedia.MuxerOptions{}, time.UnixMilli(1_599_999_970_250), time.UnixMilli(1_600_000_000_250), 30_000},
		{"times since 1970", testdata(t, "epoch.mkv"), putmedia.MuxerOptions{}, time.Unix(0, 0), time.Unix(1_690_000_000, 0), 1_690_000_000_000},
		{"times since 1970, given", testdata(t, "epoch.mkv"), putmedia.MuxerOptions{Start: given}, given.Add(-1_690_000_000 * time.Second), given, 1_690_000_000_000},
		{"given before what the times count", testdata(t, "epoch.mkv"), putmedia.MuxerOptions{Start: time.Unix(5, 0)}, time.Unix(5, 0), time.Unix(5, 0), 0},
		{"absolute", plain, putmedia.MuxerOptions{Start: given, TimecodeType: putmedia.Absolute}, given.Add(-30 * time.Second), given, given.UnixMilli()},
		{"absolute, date", dated, putmedia.MuxerOptions{TimecodeType: putmedia.Absolute}, date, date.Add(30 * time.Second), date.UnixMilli() + 30_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.opts.Now = func() time.Time { return now }
			m := putmedia.NewMuxer(&tt.opts)
			fragments := mux(t, m, nil, tt.data, tt.data)
			got := received(t, bodies(fragments, false), false)
			f := fragments[0]
			if !m.Start().Equal(tt.start) || !f.Time.Equal(tt.first) || f.Timecode != tt.code {
				t.Errorf("timecodes count from %v, the first is %d at %v; want %v, %d, %v", m.Start(), f.Timecode, f.Time, tt.start.UTC(), tt.code, tt.first.UTC())
			}
			for i, f := range fragments {
				at := m.Start().Add(got[i].timecode)
				if tt.opts.TimecodeType == putmedia.Absolute {
					at = time.Unix(0, int64(got[i].timecode))
				}
				if got[i].timecode.Milliseconds() != f.Timecode || !at.Equal(f.Time) {
					t.Errorf("fragment %d: timecode %v, said to be %d at %v", i, got[i].timecode, f.Timecode, f.Time)
				}
			}
		})
	}
}

// TestMuxerClockGoesOn keeps the times of a further source that goes on from the one before, and gaps of less than a day.
func TestMuxerClockGoesOn(t *testing.T) {
	sample := wind(t, "sample.mkv", 4*time.Second).file(t, mkv.HeaderOptions{})
	for _, tt := range []struct{ at, want time.Duration }{
		{4 * time.Second, 4 * time.Second}, {10 * time.Second, 10 * time.Second}, {0, 4 * time.Second}, {3 * time.Second, 4 * time.Second}, {40 * time.Hour, 4 * time.Second},
	} {
		next := wind(t, "sample.mkv", 4*time.Second).shift(tt.at).file(t, mkv.HeaderOptions{})
		fragments := mux(t, putmedia.NewMuxer(&putmedia.MuxerOptions{Start: time.Unix(1e9, 0)}), nil, sample, next)
		got := received(t, bodies(fragments, false), false)
		first := time.Duration(1 << 62)
		for i := range got[2].frames {
			if f := &got[2].frames[i]; f.Track == 1 {
				first = min(first, f.PTS)
			}
		}
		if d := first - tt.want; d < 0 || d > 50*time.Millisecond { // the sample's sound lasts a little longer than its pictures
			t.Errorf("a source that begins at %v is placed at %v, want %v", tt.at, first, tt.want)
		}
	}
}

// TestMuxerRefusals says what cannot be sent.
func TestMuxerRefusals(t *testing.T) {
	src, err := weir.NewBytesSource(testdata(t, "sample.mkv"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range putmedia.NewMuxer(nil).Fragments(src) {
		if err == nil || !strings.Contains(err.Error(), "SourceOptions") {
			t.Errorf("a Source without Blocks: %v", err)
		}
	}
	r := wind(t, "h264-nob.mkv", 4*time.Second)
	big := &r.frames[len(r.frames)/2]
	big.Data = binary.BigEndian.AppendUint32(slices.Clone(big.Data), 49_500_000) // a NAL unit more
	big.Data = append(big.Data, 0x0C)                                            // filler data
	big.Data = append(big.Data, bytes.Repeat([]byte{0xFF}, 49_499_999)...)
	src = source(t, r.file(t, mkv.HeaderOptions{}), nil)
	err = nil
	for _, e := range putmedia.NewMuxer(nil).Fragments(src) {
		err = e
	}
	if !errors.Is(err, putmedia.ErrLimit) {
		t.Errorf("a frame too large: %v", err)
	}
}

// TestMuxerTrackComesBack keeps the times of a track going forward though it is another one of its source.
func TestMuxerTrackComesBack(t *testing.T) {
	both := wind(t, "sample.mkv", 4*time.Second)
	sound := wind(t, "sample.mkv", 500*time.Millisecond)
	alone := *wind(t, "sample.mkv", 500*time.Millisecond)
	alone.tracks = alone.tracks[1:]
	onlySound := func(f *codec.Frame) bool { return f.Track == sound.tracks[1].Number }
	m := putmedia.NewMuxer(nil)
	fragments := mux(t, m, nil, both.file(t, header), alone.keep(func(f *codec.Frame) bool { return onlySound(f) && f.PTS < 40*time.Millisecond }).file(t, header), sound.keep(onlySound).file(t, header))
	got := received(t, bodies(fragments, false), false)
	if d := cmp.Diff([]string{"va2", "a2"}, shape(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

package weir_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// TestCodecChange finds where codec private data changes, between documents and in band, and never mixes two records in a fragment.
func TestCodecChange(t *testing.T) {
	type fragment struct {
		Change bool
		Width  uint32
		Codecs []string
		Frames []int
	}
	wide, narrow := "avc1.64000b", "avc1.64000a"
	for _, tt := range []struct {
		name string
		want []fragment
	}{
		{"change.mkv", []fragment{
			{false, 160, []string{wide, "mp4a.40.2"}, []int{50, 95}},
			{true, 128, []string{narrow, "mp4a.40.2"}, []int{50, 88}},
			{true, 160, []string{wide, "mp4a.40.2"}, []int{50, 95}},
		}},
		{"inband-change.mkv", []fragment{{false, 160, []string{wide}, []int{50}}, {true, 128, []string{narrow}, []int{50}}, {true, 160, []string{wide}, []int{50}}}},
		{"getmedia.mkv", []fragment{{false, 160, []string{wide, "mp4a.40.2"}, []int{50, 94}}, {false, 160, []string{wide, "mp4a.40.2"}, []int{50, 95}}}},
	} {
		var got []fragment
		for _, f := range fragments(t, open(t, read(t, tt.name), nil)) {
			g := fragment{Change: f.CodecChange}
			for _, r := range f.Runs {
				if v, ok := r.Track.Config.(codec.VideoConfig); ok {
					g.Width = v.PictureInfo().Width
				}
				g.Codecs, g.Frames = append(g.Codecs, r.Track.Config.CodecString()), append(g.Frames, len(r.Samples))
			}
			got = append(got, g)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// TestStrictRefusesCodecChange names the track and the fragment, after giving what stands before.
func TestStrictRefusesCodecChange(t *testing.T) {
	for _, name := range []string{"change.mkv", "inband-change.mkv"} {
		src := open(t, read(t, name), &weir.Options{Strict: true})
		if _, err := src.Next(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err := src.Next()
		e, ok := errors.AsType[*codec.Error](err)
		if !errors.Is(err, codec.ErrInvalidPrivate) || !ok || e.Track != 1 || e.Offset <= 0 || e.Detail != "codec private data changes in fragment 2" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCodecChangeHasToBeDescribed refuses a fragment that the init segment before does not describe, and takes it after Use and after Describe.
func TestCodecChangeHasToBeDescribed(t *testing.T) {
	data := read(t, "change.mkv")
	src := open(t, data, nil)
	mp4, described := weir.NewFMP4(src), weir.NewFMP4(src)
	var inits int
	for f, err := src.Next(); err != io.EOF; f, err = src.Next() {
		if err != nil {
			t.Fatal(err)
		}
		described.Describe(f)
		_, err = mp4.WriteFragment(io.Discard, f)
		if changed := errors.Is(err, weir.ErrCodecChange); changed != f.CodecChange || !changed && err != nil {
			t.Fatalf("fragment %d, codec change %t: %v", f.Index, f.CodecChange, err)
		}
		if mp4.Use(f) {
			inits++
		}
		if _, err := mp4.WriteFragment(io.Discard, f); err != nil {
			t.Fatal(err)
		}
	}
	if inits != 2 {
		t.Errorf("%d further init segments, want 2", inits)
	}
	init, err := described.AppendInit(nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for entry, want := range map[string]int{"avc1\x00\x00\x00\x00\x00\x00": 2, "mp4a\x00\x00\x00\x00\x00\x00": 2} {
		if got := bytes.Count(init, []byte(entry)); got != want {
			t.Errorf("%d sample entries %.4s, want %d", got, entry, want)
		}
	}
	again := open(t, data, nil)
	for f, err := again.Next(); err != io.EOF; f, err = again.Next() {
		if _, err := described.WriteFragment(io.Discard, f); err != nil {
			t.Fatalf("fragment %d: %v", f.Index, err)
		}
	}
}

// TestSetsBetweenKeyFrames keeps parameter sets in band that come where decoding cannot begin.
func TestSetsBetweenKeyFrames(t *testing.T) {
	src := open(t, read(t, "inband-change.mkv"), nil)
	data, err := mkv.AppendHeader(nil, src.Tracks(), time.Millisecond, mkv.HeaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	frames := slices.Collect(func(yield func(codec.Frame) bool) {
		for _, f := range fragments(t, src) {
			for _, frame := range weir.AppendFrames(nil, &f) {
				if !yield(frame) {
					return
				}
			}
		}
	})
	const at = 10
	sets := frames[50].Data[:len(frames[50].Data)-len(behindSets(frames[50].Data))]
	frames[at].Data = append(bytes.Clone(sets), frames[at].Data...)
	if data, err = mkv.AppendCluster(data, 0, time.Millisecond, frames[:50]); err != nil {
		t.Fatal(err)
	}
	src = open(t, data, nil)
	all := fragments(t, src)
	if len(all) != 1 || all[0].CodecChange || !bytes.HasPrefix(all[0].Runs[0].Samples[at].Data, sets) {
		t.Errorf("%d fragments, or the sets are gone", len(all))
	}
	if w := src.Warnings(); len(w) != 1 || !strings.Contains(w[0].Text, "stay in band") || w[0].Track != 1 {
		t.Errorf("warnings %+v", w)
	}
}

// behindSets returns what stands behind the parameter sets of a frame with 4-byte lengths.
func behindSets(data []byte) []byte {
	for data[4]&0x1F == 7 || data[4]&0x1F == 8 {
		data = data[4+binary.BigEndian.Uint32(data):]
	}
	return data
}

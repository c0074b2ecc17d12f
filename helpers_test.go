package weir

import (
	"encoding/hex"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// videoTrack returns an H.264 track whose header says nothing of reordering.
func videoTrack(tb testing.TB) *codec.Track {
	tb.Helper()
	sps, _ := hex.DecodeString("6742c00ada0a0fe4f0110000030001000003003c8f122a")
	pps, _ := hex.DecodeString("68ce3c80")
	c, err := codec.NewAVC([][]byte{sps}, [][]byte{pps}, nil, 4)
	if err != nil {
		tb.Fatal(err)
	}
	return &codec.Track{Number: 1, Kind: codec.Video, CodecID: "V_MPEG4/ISO/AVC", Config: silentConfig{c}, TimestampUnit: time.Millisecond}
}

// silentConfig is a configuration whose header does not say how far pictures are out of order.
type silentConfig struct{ *codec.AVC }

func (c silentConfig) PictureInfo() *codec.Picture {
	p := *c.AVC.PictureInfo()
	p.Reorder, p.NoReorder = -1, false
	return &p
}

// aacTrack returns AAC-LC of two channels at 48 kHz.
func aacTrack(tb testing.TB) *codec.Track {
	tb.Helper()
	c, err := codec.Parse("A_AAC", []byte{0x11, 0x90})
	if err != nil {
		tb.Fatal(err)
	}
	return &codec.Track{Number: 2, Kind: codec.Audio, CodecID: "A_AAC", Config: c, TimestampUnit: time.Millisecond}
}

// settle gives frames (one slice for each track) a fragment of their own.
func settle(tb testing.TB, t *Timeline, tracks []*codec.Track, frames [][]timed) *Fragment {
	tb.Helper()
	f := &Fragment{Runs: make([]Run, len(tracks))}
	for i, track := range tracks {
		f.Runs[i].Track, f.Runs[i].Timescale = track, track.Timescale()
	}
	if err := t.settle(f, frames); err != nil {
		tb.Fatal(err)
	}
	return f
}

// decodeTimesOf returns the decoding time of each sample of a run.
func decodeTimesOf(r *Run) []int64 {
	out, at := make([]int64, 0, len(r.Samples)), r.DTS
	for i := range r.Samples {
		out = append(out, at)
		at += int64(r.Samples[i].Duration)
	}
	return out
}

// cases returns how many random cases a property is tried with: WEIR_CASES, or the default, a tenth of it with -short.
func cases(tb testing.TB, def int) int {
	tb.Helper()
	text := os.Getenv("WEIR_CASES")
	if text == "" {
		if testing.Short() {
			def /= 10
		}
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatalf("WEIR_CASES: %v", err)
	}
	return n
}

// each calls check with count random sources; case i depends on i alone, and a failure names it.
func each(t *testing.T, count int, check func(t *testing.T, i int, r *rand.Rand)) {
	t.Helper()
	first := 0
	if text := os.Getenv("WEIR_SEED"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("WEIR_SEED: %v", err)
		}
		first, count = n, 1
	}
	for i := first; i < first+count; i++ {
		check(t, i, rand.New(rand.NewPCG(uint64(i), 60)))
		if t.Failed() {
			t.Fatalf("case %d: run it alone with WEIR_SEED=%d", i, i)
		}
	}
}

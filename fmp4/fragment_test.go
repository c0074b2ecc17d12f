package fmp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/fmp4"
)

// gop returns a run of n pictures, seen in the order 0 2 1 4 3 and so on, one after the other: sizes differ, durations
// do not.
func gop(n int) []fmp4.Sample {
	samples := make([]fmp4.Sample, n)
	for i := range samples {
		pictures := 2 * (i % 2) // from decoding to presentation
		if i == 0 || i == n-1 && i%2 == 1 {
			pictures = 1
		}
		samples[i] = fmp4.Sample{Duration: 3600, Size: uint32(10 + 7*i%31), CompositionOffset: int32(3600 * pictures), Sync: i == 0}
	}
	return samples
}

// sound returns n frames of AAC.
func sound(n int) []fmp4.Sample {
	samples := make([]fmp4.Sample, n)
	for i := range samples {
		samples[i] = fmp4.Sample{Duration: 1024, Size: uint32(20 + i%3)}
	}
	return samples
}

// fragment returns the header of a fragment and its payload, in which each sample is filled with its own number.
func fragment(tb testing.TB, sequence uint32, runs []fmp4.Run) []byte {
	tb.Helper()
	b, err := fmp4.AppendFragmentHeader(nil, sequence, runs)
	if err != nil {
		tb.Fatal(err)
	}
	for k, r := range runs {
		b = append(b, payload(k, 0, r.Samples)...)
	}
	return b
}

// payload returns bytes that tell the run and the sample they are of.
func payload(run, first int, samples []fmp4.Sample) []byte {
	var b []byte
	for i, s := range samples {
		b = append(b, bytes.Repeat([]byte{byte(17*run + first + i)}, int(s.Size))...)
	}
	return b
}

// checkFragment has mp4ff read a fragment and compares every sample.
func checkFragment(t *testing.T, sequence uint32, runs []fmp4.Run, b []byte) {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Segments) != 1 || len(f.Segments[0].Fragments) != 1 {
		t.Fatalf("mp4ff sees %d segments", len(f.Segments))
	}
	frag := f.Segments[0].Fragments[0]
	if frag.Moof.Mfhd.SequenceNumber != sequence || len(frag.Moof.Trafs) != len(runs) {
		t.Fatalf("sequence number %d, %d trafs", frag.Moof.Mfhd.SequenceNumber, len(frag.Moof.Trafs))
	}
	for k, r := range runs {
		traf := frag.Moof.Trafs[k]
		if traf.Tfhd.TrackID != r.TrackID || !traf.Tfhd.DefaultBaseIfMoof() || traf.Tfhd.HasBaseDataOffset() {
			t.Errorf("tfhd %+v", traf.Tfhd)
		}
		if traf.Tfdt.Version != 1 || traf.Tfdt.BaseMediaDecodeTime() != r.BaseMediaDecodeTime {
			t.Errorf("tfdt version %d, %d, want %d", traf.Tfdt.Version, traf.Tfdt.BaseMediaDecodeTime(), r.BaseMediaDecodeTime)
		}
		if len(r.Samples) == 0 {
			if len(traf.Truns) != 0 {
				t.Errorf("trun in a traf without samples")
			}
			continue
		}
		got, err := frag.GetFullSamples(&mp4.TrexBox{TrackID: r.TrackID, DefaultSampleFlags: 0xDEAD, DefaultSampleSize: 0xBAD, DefaultSampleDuration: 0xBAD})
		if len(frag.Moof.Trafs) > 1 { // mp4ff reads the samples of its first traf only
			traf.Trun.AddSampleDefaultValues(traf.Tfhd, nil)
			base := uint32(traf.Trun.DataOffset) - uint32(frag.Moof.Size()+frag.Mdat.HeaderSize())
			got, err = traf.Trun.GetFullSamples(base, traf.Tfdt.BaseMediaDecodeTime(), frag.Mdat), nil
		}
		if err != nil || len(got) != len(r.Samples) {
			t.Fatalf("run %d: %d samples, error %v, want %d", k, len(got), err, len(r.Samples))
		}
		dts := r.BaseMediaDecodeTime
		for i, s := range r.Samples {
			want := mp4.FullSample{
				Sample:     mp4.Sample{Flags: 0x02000000, Dur: s.Duration, Size: s.Size, CompositionTimeOffset: s.CompositionOffset},
				DecodeTime: dts, Data: payload(k, i, r.Samples[i:i+1]),
			}
			if r.Video && !s.Sync {
				want.Flags = 0x01010000
			}
			if want.Data == nil {
				want.Data = []byte{}
			}
			if diff := cmp.Diff(want, got[i]); diff != "" {
				t.Fatalf("run %d sample %d (-want +got):\n%s", k, i, diff)
			}
			dts += uint64(s.Duration)
		}
	}
}

func TestAppendFragmentHeaderGolden(t *testing.T) {
	keyless := gop(4)
	keyless[0].Sync = false
	mixed := gop(4)
	mixed[2].Sync = true
	uneven := gop(4)
	uneven[3].Duration = 3601
	equal := []fmp4.Sample{{Duration: 160, Size: 160}, {Duration: 160, Size: 160}}
	tests := []struct {
		name       string
		sequence   uint32
		runs       []fmp4.Run
		tfhd, trun uint32 // the flags of the first traf
	}{
		{"moof-video", 1, []fmp4.Run{{TrackID: 1, BaseMediaDecodeTime: 900_000, Samples: gop(4), Video: true}}, 0x020028, 0xA05},
		{"moof-two-tracks", 7, []fmp4.Run{
			{TrackID: 1, BaseMediaDecodeTime: 1 << 33, Samples: gop(4), Video: true},
			{TrackID: 2, BaseMediaDecodeTime: 1 << 32, Samples: sound(6)}}, 0x020028, 0xA05},
		{"moof-keyless", 2, []fmp4.Run{{TrackID: 1, Samples: keyless, Video: true}}, 0x020028, 0xA01},
		{"moof-mixed-flags", 3, []fmp4.Run{{TrackID: 1, Samples: mixed, Video: true}}, 0x020008, 0xE01},
		{"moof-uneven", 4, []fmp4.Run{{TrackID: 1, Samples: uneven, Video: true}}, 0x020020, 0xB05},
		{"moof-one-sample", 5, []fmp4.Run{{TrackID: 1, Samples: gop(1), Video: true}}, 0x020038, 0x801},
		{"moof-g711", 6, []fmp4.Run{{TrackID: 2, Samples: equal}}, 0x020038, 0x001},
		{"moof-empty-track", 8, []fmp4.Run{{TrackID: 2, BaseMediaDecodeTime: 48_000}}, 0x020000, 0},
		{"moof-one-empty-of-two", 9, []fmp4.Run{{TrackID: 2, BaseMediaDecodeTime: 48_000}, {TrackID: 1, Samples: gop(2), Video: true}}, 0x020000, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := fragment(t, tt.sequence, tt.runs)
			golden(t, tt.name, b)
			checkFragment(t, tt.sequence, tt.runs, b)
			if got := binary.BigEndian.Uint32(find(t, b, "moof/traf/tfhd").body); got != tt.tfhd {
				t.Errorf("flags of tfhd %#x, want %#x", got, tt.tfhd)
			}
			if tt.trun != 0 {
				if got := binary.BigEndian.Uint32(find(t, b, "moof/traf/trun").body); got != tt.trun {
					t.Errorf("flags of trun %#x, want %#x", got, tt.trun)
				}
			}
		})
	}
}

// TestFragmentLayout holds rules 87 and 91 on the bytes themselves.
func TestFragmentLayout(t *testing.T) {
	runs := []fmp4.Run{
		{TrackID: 1, Samples: gop(5), Video: true},
		{TrackID: 3},
		{TrackID: 2, Samples: sound(9)},
	}
	b := fragment(t, 1, runs)
	top := boxes(t, b, 0)
	if len(top) != 2 || top[0].typ != "moof" || top[1].typ != "mdat" {
		t.Fatalf("boxes %v", top)
	}
	if first := boxes(t, top[0].body, 8)[0]; first.typ != "mfhd" {
		t.Errorf("moof begins with %s", first.typ)
	}
	if got := len(findAll(t, b, "moof/traf/trun")); got != 2 {
		t.Errorf("%d truns, want 2", got)
	}
	at := top[1].at + 8
	for i, trun := range findAll(t, b, "moof/traf/trun") {
		if got := int(binary.BigEndian.Uint32(trun.body[8:])); got != at {
			t.Errorf("trun %d: data offset %d, want %d", i, got, at)
		}
		for _, s := range runs[2*i].Samples {
			at += int(s.Size)
		}
	}
	if at != len(b) {
		t.Errorf("samples end at %d of %d", at, len(b))
	}
	// The offset counts from the moof, wherever dst has it.
	moved, err := fmp4.AppendFragmentHeader(fmp4.AppendSegmentType(nil), 1, runs)
	if err != nil || !bytes.HasSuffix(moved, b[:top[1].at+8]) {
		t.Errorf("the fragment depends on what comes before it (error %v)", err)
	}
}

// TestFragmentRandom has mp4ff read fragments of all combinations of columns.
func TestFragmentRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		runs := make([]fmp4.Run, 1+rnd.IntN(3))
		few := func(n int) int { return rnd.IntN(n) * rnd.IntN(2) }
		for k := range runs {
			samples := make([]fmp4.Sample, rnd.IntN(6))
			size, duration, spread := 1+rnd.IntN(9), 1+rnd.IntN(9), few(9)
			for i := range samples {
				samples[i] = fmp4.Sample{
					Duration: uint32(duration + few(1+spread)), Size: uint32(size + few(1+spread)),
					CompositionOffset: int32(few(1 + spread)), Sync: rnd.IntN(2) == 0}
			}
			runs[k] = fmp4.Run{TrackID: uint32(k + 1), BaseMediaDecodeTime: rnd.Uint64() >> 1, Samples: samples, Video: rnd.IntN(2) == 0}
		}
		sequence := 1 + rnd.Uint32N(9)
		checkFragment(t, sequence, runs, fragment(t, sequence, runs))
	}
}

func TestAppendFragmentHeaderRefused(t *testing.T) {
	run := func(id uint32, s ...fmp4.Sample) fmp4.Run { return fmp4.Run{TrackID: id, Samples: s, Video: true} }
	good := fmp4.Sample{Duration: 1, Size: 1}
	tests := []struct {
		name     string
		sequence uint32
		runs     []fmp4.Run
		want     error
	}{
		{"sequence 0", 0, []fmp4.Run{run(1, good)}, fmp4.ErrInvalid},
		{"track 0", 1, []fmp4.Run{run(0, good)}, fmp4.ErrInvalid},
		{"empty track 0", 1, []fmp4.Run{run(0)}, fmp4.ErrInvalid},
		{"duration 0", 1, []fmp4.Run{run(1, good), run(2, good, fmp4.Sample{Size: 1})}, fmp4.ErrInvalid},
		{"negative offset", 1, []fmp4.Run{run(1, good, fmp4.Sample{Duration: 1, CompositionOffset: -1})}, fmp4.ErrInvalid},
		{"mdat", 1, []fmp4.Run{run(1, fmp4.Sample{Duration: 1, Size: math.MaxUint32})}, fmp4.ErrLimit},
		{"data offset", 1, []fmp4.Run{run(1, fmp4.Sample{Duration: 1, Size: math.MaxInt32}), run(2, good)}, fmp4.ErrLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fmp4.AppendFragmentHeader([]byte("kept"), tt.sequence, tt.runs)
			if !errors.Is(err, tt.want) || string(got) != "kept" {
				t.Errorf("%q, error %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestAppendFragmentHeaderAllocs(t *testing.T) {
	runs := []fmp4.Run{{TrackID: 1, Samples: gop(60), Video: true}, {TrackID: 2, Samples: sound(94)}}
	var buf []byte
	n := testing.AllocsPerRun(100, func() {
		var err error
		if buf, err = fmp4.AppendFragmentHeader(buf[:0], 1, runs); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestAppendSegmentType(t *testing.T) {
	golden(t, "styp", fmp4.AppendSegmentType(nil))
}

func BenchmarkAppendFragmentHeader(b *testing.B) {
	runs := []fmp4.Run{{TrackID: 1, Samples: gop(60), Video: true}, {TrackID: 2, Samples: sound(94)}}
	buf, err := fmp4.AppendFragmentHeader(nil, 1, runs)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = fmp4.AppendFragmentHeader(buf[:0], 1, runs)
	}
}

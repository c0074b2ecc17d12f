package codec_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
)

// frameCase is a frame as NAL units, what it is, and which NAL units AppendFrame keeps.
type frameCase struct {
	name string
	nals [][]byte
	want codec.FrameInfo
	keep [][]byte // nil means all
}

func avcFrames(tb testing.TB) []frameCase {
	sps, pps := avcSets(tb)
	aud, idr, slice := []byte{9, 0xf0}, []byte{0x65, 0x88, 0x84}, []byte{0x41, 0x9a, 0x01}
	sei := []byte{6, 5, 1, 0x80, 0x80}
	recovery := []byte{6, 5, 3, 0, 0, 3, 0, 6, 1, 0xc4, 0x80} // user data with an escape, then recovery_point
	newSPS, newPPS := bytes.Clone(sps), append(bytes.Clone(pps), 0x80)
	newSPS[3]++
	refIDC := append([]byte{sps[0] ^ 0x40}, sps[1:]...)
	return []frameCase{
		{"IDR", [][]byte{idr}, codec.FrameInfo{Access: codec.IDR}, nil},
		{"P", [][]byte{slice, slice}, codec.FrameInfo{}, nil},
		{"1-byte NAL unit first", [][]byte{{0x0a}, slice}, codec.FrameInfo{}, nil},
		{"AUD and SEI stay", [][]byte{aud, sei, slice}, codec.FrameInfo{}, nil},
		{"recovery point", [][]byte{aud, sei, recovery, slice}, codec.FrameInfo{Access: codec.RecoveryPoint}, nil},
		{"recovery point of an IDR", [][]byte{recovery, idr}, codec.FrameInfo{Access: codec.IDR}, nil},
		{"SEI that ends too early", [][]byte{{6, 5, 200, 6, 6, 6, 6}, slice}, codec.FrameInfo{}, nil},
		{"SEI with an endless type", [][]byte{append([]byte{6}, bytes.Repeat([]byte{0xff}, 200)...), slice}, codec.FrameInfo{}, nil},
		{"known sets", [][]byte{aud, sps, pps, idr},
			codec.FrameInfo{Access: codec.IDR, ParameterSets: true, Rewrite: true}, [][]byte{aud, idr}},
		{"known SPS with another nal_ref_idc", [][]byte{refIDC, idr},
			codec.FrameInfo{Access: codec.IDR, ParameterSets: true, Rewrite: true}, [][]byte{idr}},
		{"new SPS", [][]byte{newSPS, pps, idr},
			codec.FrameInfo{Access: codec.IDR, ParameterSets: true, Changed: true, NewSets: true, Rewrite: true}, [][]byte{newSPS, idr}},
		{"new PPS", [][]byte{sps, newPPS, idr},
			codec.FrameInfo{Access: codec.IDR, ParameterSets: true, NewSets: true, Rewrite: true}, [][]byte{newPPS, idr}},
		{"new sets only", [][]byte{newPPS}, codec.FrameInfo{ParameterSets: true, NewSets: true}, nil},
		{"known sets only", [][]byte{sps, pps}, codec.FrameInfo{ParameterSets: true}, nil},
	}
}

func hevcFrames(tb testing.TB) []frameCase {
	vps, sps, pps := hevcSets(tb)
	nal := func(typ byte, layer byte) []byte { return []byte{typ << 1, layer<<3 | 1, 0xaf, 0x09} }
	recovery := []byte{39 << 1, 1, 6, 1, 0x80, 0x80}
	newVPS, newSPS, newPPS := bytes.Clone(vps), bytes.Clone(sps), append(bytes.Clone(pps), 0x80)
	newVPS[5]++
	newSPS[5]++
	layer1 := append([]byte{0x42, 0x09}, sps[2:]...)
	return []frameCase{
		{"IDR_W_RADL", [][]byte{nal(19, 0)}, codec.FrameInfo{Access: codec.IDR}, nil},
		{"IDR_N_LP", [][]byte{nal(20, 0)}, codec.FrameInfo{Access: codec.IDR}, nil},
		{"CRA", [][]byte{nal(21, 0)}, codec.FrameInfo{Access: codec.CRA}, nil},
		{"BLA", [][]byte{nal(16, 0)}, codec.FrameInfo{Access: codec.BLA}, nil},
		{"BLA_N_LP", [][]byte{nal(18, 0)}, codec.FrameInfo{Access: codec.BLA}, nil},
		{"reserved IRAP", [][]byte{nal(22, 0)}, codec.FrameInfo{}, nil},
		{"TRAIL_R", [][]byte{nal(1, 0)}, codec.FrameInfo{}, nil},
		{"RADL_N", [][]byte{nal(6, 0)}, codec.FrameInfo{}, nil},
		{"RASL_N", [][]byte{nal(8, 0)}, codec.FrameInfo{LeadingSkipped: true}, nil},
		{"RASL_R", [][]byte{nal(9, 0)}, codec.FrameInfo{LeadingSkipped: true}, nil},
		{"IDR of another layer", [][]byte{nal(1, 0), nal(19, 1)}, codec.FrameInfo{}, nil},
		{"recovery point", [][]byte{recovery, nal(1, 0)}, codec.FrameInfo{Access: codec.RecoveryPoint}, nil},
		{"known sets", [][]byte{nal(35, 0), vps, sps, pps, nal(19, 0)},
			codec.FrameInfo{Access: codec.IDR, ParameterSets: true, Rewrite: true}, [][]byte{nal(35, 0), nal(19, 0)}},
		{"new VPS", [][]byte{newVPS, nal(19, 0)},
			codec.FrameInfo{Access: codec.IDR, ParameterSets: true, Changed: true, NewSets: true}, nil},
		{"new SPS", [][]byte{vps, newSPS, nal(21, 0)},
			codec.FrameInfo{Access: codec.CRA, ParameterSets: true, Changed: true, NewSets: true, Rewrite: true}, [][]byte{newSPS, nal(21, 0)}},
		{"new PPS", [][]byte{newPPS, nal(1, 0)}, codec.FrameInfo{ParameterSets: true, NewSets: true}, nil},
		{"SPS of another layer", [][]byte{layer1, nal(1, 0)}, codec.FrameInfo{ParameterSets: true, NewSets: true}, nil},
		{"known sets only", [][]byte{vps, sps, pps}, codec.FrameInfo{ParameterSets: true}, nil},
	}
}

// TestInspectAppendFrame writes every frame in every form; what AppendFrame makes walks clean (rules 33, 38, 44, 47, 48).
func TestInspectAppendFrame(t *testing.T) {
	check := func(t *testing.T, c codec.VideoConfig, size int, tt frameCase) {
		c = c.WithLengthSize(size)
		data := framed(size, tt.nals...)
		before := bytes.Clone(data)
		want := tt.want
		if size != 4 {
			want.Rewrite = true
		}
		got, err := c.Inspect(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Inspect (-want +got):\n%s", diff)
		}
		keep := tt.keep
		if keep == nil {
			keep = tt.nals
		}
		out, err := c.AppendFrame([]byte("dst"), data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([]byte("dst"), prefixed(4, keep...)...), out); diff != "" {
			t.Errorf("AppendFrame (-want +got):\n%s", diff)
		}
		if !bytes.Equal(before, data) {
			t.Error("AppendFrame changed its input")
		}
		if !want.Rewrite && !bytes.Equal(out[3:], data) {
			t.Error("Rewrite is false, but the bytes differ")
		}
		again, err := c.WithLengthSize(4).Inspect(out[3:])
		if err != nil || again.Rewrite || again.Access != got.Access || again.NewSets != got.NewSets {
			t.Errorf("what was written: %+v, %v", again, err)
		}
		if diff := cmp.Diff(keep, slices.Collect(codec.SplitAnnexB(codec.AppendAnnexB(nil, out[3:])))); diff != "" {
			t.Errorf("AppendAnnexB, SplitAnnexB (-want +got):\n%s", diff)
		}
	}
	for _, size := range []int{0, 1, 2, 4} {
		for _, tt := range avcFrames(t) {
			t.Run(fmt.Sprintf("AVC %d %s", size, tt.name), func(t *testing.T) { check(t, newAVC(t, 4), size, tt) })
		}
		for _, tt := range hevcFrames(t) {
			t.Run(fmt.Sprintf("HEVC %d %s", size, tt.name), func(t *testing.T) { check(t, newHEVC(t, 4), size, tt) })
		}
	}
}

// TestInspectRefused has what rules 37 and 38 call invalid.
func TestInspectRefused(t *testing.T) {
	slice, idr := []byte{0x41, 0x9a, 0x01, 0x02}, []byte{0x65, 0x88, 0x84}
	tests := []struct {
		name   string
		size   int
		data   []byte
		annexB bool
	}{
		{"nothing", 4, nil, false},
		{"nothing", 0, nil, false},
		{"length cut", 4, []byte{0, 0, 0}, false},
		{"length without bytes", 4, []byte{0, 0, 0, 1}, false},
		{"length 0", 4, []byte{0, 0, 0, 0, 0x41}, false},
		{"length 0 at the end", 4, append(prefixed(4, slice), 0, 0, 0, 0), false},
		{"beyond the end", 4, []byte{0, 0, 0, 3, 0x41, 1}, false},
		{"far beyond the end", 4, []byte{0xff, 0xff, 0xff, 0xff, 0x41, 1}, false},
		{"byte behind the end", 4, append(prefixed(4, slice), 7), false},
		{"length 0", 1, []byte{0}, false},
		{"length 0", 2, []byte{0, 0, 1}, false},
		{"start codes for 4", 4, annexB(slice, idr), true},
		{"start codes for 2", 2, annexB(slice, idr), true},
		{"start codes for 1", 1, annexB(slice, idr), true},
		{"3-byte start code for 4", 4, append([]byte{0, 0, 1}, slice...), true},
		{"lengths for start codes", 0, prefixed(4, slice, idr), false},
		{"zeros for start codes", 0, make([]byte, 20), false},
		{"empty NAL units", 0, []byte{0, 0, 1, 0, 0, 1}, false},
		{"bytes before the start code", 0, append([]byte{1}, annexB(slice)...), false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.name, " ", tt.size), func(t *testing.T) {
			c := newAVC(t, tt.size)
			info, err := c.Inspect(tt.data)
			if !errors.Is(err, codec.ErrInvalidFrame) || info != (codec.FrameInfo{}) {
				t.Errorf("Inspect = %+v, %v", info, err)
			}
			if errors.Is(err, codec.ErrAnnexB) != tt.annexB {
				t.Errorf("ErrAnnexB in %v, want %v", err, tt.annexB)
			}
			out, err := c.AppendFrame([]byte("dst"), tt.data)
			if !errors.Is(err, codec.ErrInvalidFrame) || string(out) != "dst" {
				t.Errorf("AppendFrame = %q, %v", out, err)
			}
		})
	}
	if _, err := newHEVC(t, 4).Inspect([]byte{0, 0, 0, 1, 0x26}); !errors.Is(err, codec.ErrInvalidFrame) {
		t.Errorf("HEVC NAL unit of 1 byte: %v", err)
	}
}

// TestInspectManySets refuses more parameter sets than any stream has, which would take long to compare.
func TestInspectManySets(t *testing.T) {
	data := bytes.Repeat(prefixed(4, []byte{0x68, 1}), 100_000)
	if _, err := newAVC(t, 4).Inspect(data); !errors.Is(err, codec.ErrInvalidFrame) {
		t.Error(err)
	}
}

// TestInspectCut cuts a frame everywhere: an error, or the NAL units before the cut.
func TestInspectCut(t *testing.T) {
	for _, size := range []int{0, 1, 2, 4} {
		for _, f := range avcFrames(t) {
			data := framed(size, f.nals...)
			c := newAVC(t, size)
			for i := range data {
				out, err := c.AppendFrame(nil, data[:i])
				if err != nil {
					if !errors.Is(err, codec.ErrInvalidFrame) {
						t.Fatal(err)
					}
					continue
				}
				if _, err := c.WithLengthSize(4).Inspect(out); err != nil {
					t.Errorf("%s cut at %d: %v", f.name, i, err)
				}
			}
		}
	}
}

// TestInspectAllocations holds the promise that looking at a frame costs no memory.
func TestInspectAllocations(t *testing.T) {
	for _, size := range []int{0, 1, 2, 4} {
		avc, hevc := newAVC(t, size), newHEVC(t, size)
		buf := make([]byte, 0, 4096)
		for i, f := range slices.Concat(avcFrames(t), hevcFrames(t)) {
			var c codec.VideoConfig = avc
			if i >= len(avcFrames(t)) {
				c = hevc
			}
			data := framed(size, f.nals...)
			if n := testing.AllocsPerRun(20, func() {
				c.Inspect(data)
				c.AppendFrame(buf, data)
			}); n != 0 {
				t.Errorf("%s, length size %d: %v allocations", f.name, size, n)
			}
		}
	}
}

func TestIsAnnexB(t *testing.T) {
	for in, want := range map[string]bool{
		"\x00\x00\x01\x09": true, "\x00\x00\x00\x01\x09": true, "\x00\x00\x01": true,
		"": false, "\x00\x00": false, "\x00\x00\x00": false, "\x01\x00\x00\x01": false, "\x00\x00\x02\x01": false,
	} {
		if got := codec.IsAnnexB([]byte(in)); got != want {
			t.Errorf("IsAnnexB(% x) = %v", in, got)
		}
	}
}

func TestSplitAnnexB(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
	}{
		{"none", "", nil},
		{"no start code", "\x65\x01", nil},
		{"one", "\x00\x00\x01\x65\x01", []string{"\x65\x01"}},
		{"zeros around", "\x00\x00\x00\x00\x00\x01\x65\x01\x00\x00\x00\x00\x00\x00\x01\x41\x00", []string{"\x65\x01", "\x41"}},
		{"junk before", "junk\x00\x00\x01\x65", []string{"\x65"}},
		{"empty between", "\x00\x00\x01\x00\x00\x01\x65", []string{"\x65"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for nal := range codec.SplitAnnexB([]byte(tt.in)) {
				got = append(got, string(nal))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("SplitAnnexB (-want +got):\n%s", diff)
			}
		})
	}
	for range codec.SplitAnnexB(annexB([]byte{1}, []byte{2})) {
		break // an iterator must take it
	}
}

func TestDetectLengthSize(t *testing.T) {
	long := append([]byte{0x41, 0x9a}, bytes.Repeat([]byte{7}, 300)...)
	for _, size := range []int{4, 0, 2} {
		if n, ok := codec.DetectLengthSize(framed(size, long, []byte{0x41, 0x9a})); n != size || !ok {
			t.Errorf("size %d: %d, %v", size, n, ok)
		}
	}
	if n, ok := codec.DetectLengthSize(prefixed(1, []byte{0x41, 0x9a, 0x02})); n != 1 || !ok {
		t.Errorf("size 1: %d, %v", n, ok)
	}
	for _, bad := range [][]byte{nil, {0}, {0, 0, 0, 0}, {9, 9, 9}} {
		if n, ok := codec.DetectLengthSize(bad); ok {
			t.Errorf("% x: %d", bad, n)
		}
	}
}

func TestRandomAccessString(t *testing.T) {
	for a := codec.None; a <= codec.IDR+1; a++ {
		if a.String() == "" {
			t.Errorf("%d has no name", a)
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	data := prefixed(4, append([]byte{0x41}, make([]byte, 40_000)...), append([]byte{0x41}, make([]byte, 40_000)...))
	c := newAVC(b, 4)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Inspect(data); err != nil {
			b.Fatal(err)
		}
	}
}

package codec_test

import (
	"errors"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
)

func TestParseAVCSPS(t *testing.T) {
	for _, tt := range avcSPSVectors {
		t.Run(tt.name, func(t *testing.T) {
			got, err := codec.ParseAVCSPS(unhex(t, tt.hex))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseAVCSPS (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseHEVCSPS(t *testing.T) {
	for _, tt := range hevcSPSVectors {
		t.Run(tt.name, func(t *testing.T) {
			got, err := codec.ParseHEVCSPS(unhex(t, tt.hex))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseHEVCSPS (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAVCSPSAgainstMediacommon lets another implementation read the same bytes.
func TestAVCSPSAgainstMediacommon(t *testing.T) {
	for _, tt := range avcSPSVectors {
		t.Run(tt.name, func(t *testing.T) {
			nal := unhex(t, tt.hex)
			var s h264.SPS
			if err := s.Unmarshal(nal); err != nil {
				t.Skipf("mediacommon: %v", err)
			}
			got, err := codec.ParseAVCSPS(nal)
			if err != nil {
				t.Fatal(err)
			}
			want := codec.Picture{
				Width: uint32(s.Width()), Height: uint32(s.Height()), SARWidth: got.SARWidth, SARHeight: got.SARHeight, Reorder: -1,
				NoReorder: s.PicOrderCntType == 2, Interlaced: !s.FrameMbsOnlyFlag,
				ChromaFormat: uint8(s.ChromaFormatIdc), BitDepth: 8 + uint8(s.BitDepthLumaMinus8),
			}
			switch s.ProfileIdc {
			case 66, 77, 88: // no chroma_format_idc
				want.ChromaFormat = 1
			}
			if v := s.VUI; v != nil {
				if v.ColourDescriptionPresentFlag {
					want.Colour = &codec.Colour{Primaries: uint16(v.ColourPrimaries), Transfer: uint16(v.TransferCharacteristics),
						Matrix: uint16(v.MatrixCoefficients), FullRange: v.VideoFullRangeFlag}
				}
				if v.BitstreamRestriction != nil {
					want.Reorder = int(v.BitstreamRestriction.MaxNumReorderFrames)
				}
				if v.AspectRatioIdc == 255 {
					want.SARWidth, want.SARHeight = uint32(v.SarWidth), uint32(v.SarHeight)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("mediacommon and ParseAVCSPS (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHEVCSPSAgainstMediacommon lets another implementation read the same bytes.
func TestHEVCSPSAgainstMediacommon(t *testing.T) {
	for _, tt := range hevcSPSVectors {
		t.Run(tt.name, func(t *testing.T) {
			nal := unhex(t, tt.hex)
			var s h265.SPS
			if err := s.Unmarshal(nal); err != nil {
				t.Skipf("mediacommon: %v", err)
			}
			got, err := codec.ParseHEVCSPS(nal)
			if err != nil {
				t.Fatal(err)
			}
			want := got // without the fields that mediacommon does not say
			want.Width, want.Height = uint32(s.Width()), uint32(s.Height())
			want.Reorder = int(s.MaxNumReorderPics[len(s.MaxNumReorderPics)-1])
			want.ChromaFormat, want.BitDepth = uint8(s.ChromaFormatIdc), 8+uint8(s.BitDepthLumaMinus8)
			want.Colour = nil
			if v := s.VUI; v != nil {
				if v.ColourDescriptionPresentFlag {
					want.Colour = &codec.Colour{Primaries: uint16(v.ColourPrimaries), Transfer: uint16(v.TransferCharacteristics),
						Matrix: uint16(v.MatrixCoefficients), FullRange: v.VideoFullRangeFlag}
				}
				if v.AspectRatioIdc == 255 {
					want.SARWidth, want.SARHeight = uint32(v.SarWidth), uint32(v.SarHeight)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("mediacommon and ParseHEVCSPS (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSPSRefused has the sequence parameter sets that must be refused.
func TestSPSRefused(t *testing.T) {
	tests := []struct {
		name, hex string
	}{
		{"empty", ""},
		{"header only", "67"},
		{"not an SPS", "68ebe3cb22c0"},
		{"cpb_cnt that hangs another library", "6742001eda0a3e820000030003fffffffffc"},
		{"ue of more than 32 bits", "6742000a 000000000000000000ffff"},
		{"truncated core", "6764000cacd9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := codec.ParseAVCSPS(unhex(t, tt.hex))
			if !errors.Is(err, codec.ErrInvalidPrivate) {
				t.Fatalf("ParseAVCSPS = %+v, %v; want ErrInvalidPrivate", p, err)
			}
			if p != (codec.Picture{}) {
				t.Errorf("ParseAVCSPS left %+v", p)
			}
		})
	}
}

// TestSPSRefusedQuickly holds rule 39's figures: under a millisecond and 64 KiB.
func TestSPSRefusedQuickly(t *testing.T) {
	nal := unhex(t, "6742001eda0a3e820000030003fffffffffc")
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.ParseAVCSPS(nal); err == nil {
				b.Fatal("no error")
			}
		}
	})
	if r.NsPerOp() > int64(time.Millisecond) || r.AllocedBytesPerOp() > 64<<10 {
		t.Errorf("%d ns, %d bytes", r.NsPerOp(), r.AllocedBytesPerOp())
	}
}

// TestSPSCutEverywhere wants an error, or the same picture as far as its core goes, for every prefix.
func TestSPSCutEverywhere(t *testing.T) {
	check := func(t *testing.T, nal []byte, parse func([]byte) (codec.Picture, error)) {
		whole, err := parse(nal)
		if err != nil {
			t.Fatal(err)
		}
		for i := range nal {
			p, err := parse(nal[:i])
			if err != nil {
				if !errors.Is(err, codec.ErrInvalidPrivate) {
					t.Fatalf("cut at %d: %v", i, err)
				}
				continue
			}
			if p.Width != whole.Width || p.Height != whole.Height || p.ChromaFormat != whole.ChromaFormat {
				t.Errorf("cut at %d: %+v, whole %+v", i, p, whole)
			}
		}
	}
	for _, tt := range avcSPSVectors {
		t.Run(tt.name, func(t *testing.T) { check(t, unhex(t, tt.hex), codec.ParseAVCSPS) })
	}
	for _, tt := range hevcSPSVectors {
		t.Run(tt.name, func(t *testing.T) { check(t, unhex(t, tt.hex), codec.ParseHEVCSPS) })
	}
}

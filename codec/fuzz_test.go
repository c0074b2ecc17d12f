package codec_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/seed63bb8431/weir/codec"
)

// maxFuzzInput keeps the engine from wasting time on sizes that say nothing new.
const maxFuzzInput = 1 << 16

// checkParsed holds what is true of every result: an error has a name, and a configuration can be read again from
// what it hands out, without a change.
func checkParsed[C codec.Config](t *testing.T, parse func([]byte) (C, error), private []byte) {
	if len(private) > maxFuzzInput {
		return
	}
	before := bytes.Clone(private)
	c, err := parse(private)
	if !bytes.Equal(before, private) {
		t.Fatal("the input was changed")
	}
	if err != nil {
		if codec.Name(err) == "" {
			t.Fatalf("error without a name: %v", err)
		}
		return
	}
	again, err := parse(c.Private())
	if err != nil {
		t.Fatalf("Private is refused: %v", err)
	}
	if !bytes.Equal(again.Private(), c.Private()) || again.CodecString() != c.CodecString() {
		t.Fatalf("read again: %+v, want %+v", again, c)
	}
}

func FuzzParseAVC(f *testing.F) {
	for _, v := range avcSPSVectors {
		if c, err := codec.NewAVC([][]byte{unhex(f, v.hex)}, [][]byte{unhex(f, avcPPSHex)}, [][]byte{{0x6d, 0x80}}, 4); err == nil {
			f.Add(c.Private())
		}
	}
	sps, pps := avcSets(f)
	f.Add(annexB(sps, pps))
	f.Fuzz(func(t *testing.T, private []byte) {
		checkParsed(t, codec.ParseAVC, private)
		checkRebuild(t, "V_MPEG4/ISO/AVC", private)
	})
}

func FuzzParseHEVC(f *testing.F) {
	vps, sps, pps := hevcSets(f)
	for _, v := range hevcSPSVectors {
		if c, err := codec.NewHEVC([][]byte{vps}, [][]byte{unhex(f, v.hex)}, [][]byte{pps}, 4); err == nil {
			f.Add(c.Private())
		}
	}
	f.Add(annexB(vps, sps, pps))
	f.Fuzz(func(t *testing.T, private []byte) {
		checkParsed(t, codec.ParseHEVC, private)
		checkRebuild(t, "V_MPEGH/ISO/HEVC", private)
	})
}

// checkRebuild uses the bytes as private data and as a frame.
func checkRebuild(t *testing.T, codecID string, data []byte) {
	if len(data) > maxFuzzInput {
		return
	}
	for _, private := range [][]byte{data, nil} {
		c, err := codec.Rebuild(codecID, private, slices.Values([][]byte{data}))
		if err != nil {
			if codec.Name(err) == "" {
				t.Fatalf("error without a name: %v", err)
			}
			continue
		}
		if _, err := codec.Parse(codecID, c.Private()); err != nil {
			t.Fatalf("what was rebuilt is refused: %v", err)
		}
	}
}

// checkSPS holds the bounds of a picture.
func checkSPS(t *testing.T, parse func([]byte) (codec.Picture, error), nal []byte) {
	if len(nal) > maxFuzzInput {
		return
	}
	p, err := parse(nal)
	if err != nil {
		if !errors.Is(err, codec.ErrInvalidPrivate) || p != (codec.Picture{}) {
			t.Fatalf("%+v, %v", p, err)
		}
		return
	}
	if p.Width < 1 || p.Width > 65535 || p.Height < 1 || p.Height > 65535 || p.SARWidth < 1 || p.SARHeight < 1 ||
		p.Reorder < -1 || p.Reorder > 16 || p.ChromaFormat > 3 || p.BitDepth < 8 || p.BitDepth > 16 {
		t.Fatalf("%+v", p)
	}
}

func FuzzAVCSPS(f *testing.F) {
	for _, v := range avcSPSVectors {
		f.Add(unhex(f, v.hex))
	}
	f.Add(unhex(f, "6742001eda0a3e820000030003fffffffffc"))
	f.Fuzz(func(t *testing.T, nal []byte) { checkSPS(t, codec.ParseAVCSPS, nal) })
}

func FuzzHEVCSPS(f *testing.F) {
	for _, v := range hevcSPSVectors {
		f.Add(unhex(f, v.hex))
	}
	f.Fuzz(func(t *testing.T, nal []byte) { checkSPS(t, codec.ParseHEVCSPS, nal) })
}

func FuzzParseAAC(f *testing.F) {
	for _, tt := range aacCases {
		f.Add(unhex(f, tt.hex))
	}
	f.Fuzz(func(t *testing.T, private []byte) {
		checkParsed(t, codec.ParseAAC, private)
		if c, err := codec.ParseAAC(private); err == nil {
			if c.SampleRate == 0 || c.OutputRate == 0 || c.Channels == 0 || c.FrameLength == 0 {
				t.Fatalf("%+v", c)
			}
			if b, err := c.AppendADTS(nil, 100, true); err == nil && (len(b) < 7 || b[0] != 0xff || b[1] != 0xf1) {
				t.Fatalf("ADTS % x", b)
			}
		}
	})
}

func FuzzWAVEFORMATEX(f *testing.F) {
	for _, tt := range waveCases {
		f.Add(unhex(f, tt.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkParsed(t, codec.ParseWAVEFORMATEX, b) })
}

// FuzzInspect looks at a frame in all forms. What AppendFrame writes must be a frame with 4-byte lengths in which
// nothing is left to rewrite, and Inspect and AppendFrame must agree about what is bad.
func FuzzInspect(f *testing.F) {
	for _, tt := range slices.Concat(avcFrames(f), hevcFrames(f)) {
		for _, size := range []int{0, 1, 2, 4} {
			f.Add(framed(size, tt.nals...))
		}
	}
	avc, hevc := newAVC(f, 4), newHEVC(f, 4)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxFuzzInput {
			return
		}
		codec.DetectLengthSize(data)
		for _, config := range []codec.VideoConfig{avc, hevc} {
			for _, size := range []int{0, 1, 2, 4} {
				c := config.WithLengthSize(size)
				info, err := c.Inspect(data)
				out, appendErr := c.AppendFrame(nil, data)
				if (err == nil) != (appendErr == nil) {
					t.Fatalf("Inspect: %v, AppendFrame: %v", err, appendErr)
				}
				if err != nil {
					if !errors.Is(err, codec.ErrInvalidFrame) || out != nil {
						t.Fatalf("%v, %d bytes", err, len(out))
					}
					continue
				}
				if !info.Rewrite && !bytes.Equal(out, data) {
					t.Fatal("Rewrite is false, but the bytes differ")
				}
				again, err := config.Inspect(out)
				if err != nil || again.Rewrite || again.Access != info.Access || again.Changed != info.Changed {
					t.Fatalf("%+v became %+v, %v", info, again, err)
				}
			}
		}
	})
}

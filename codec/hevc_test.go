package codec_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
)

// hvcc writes a record with the given arrays: each is its first byte and NAL units.
type hvccArray struct {
	head byte
	nals [][]byte
}

func hvcc(tb testing.TB, lengthSizeMinusOne byte, arrays ...hvccArray) []byte {
	b := bytes.Clone(newHEVC(tb, 4).Private()[:23])
	b[21] = b[21]&^3 | lengthSizeMinusOne
	b[22] = byte(len(arrays))
	for _, a := range arrays {
		b = append(b, a.head, byte(len(a.nals)>>8), byte(len(a.nals)))
		for _, n := range a.nals {
			b = append(b, byte(len(n)>>8), byte(len(n)))
			b = append(b, n...)
		}
	}
	return b
}

// TestNewHEVC builds a record of every vector and reads it back.
func TestNewHEVC(t *testing.T) {
	vps, _, pps := hevcSets(t)
	for _, tt := range hevcSPSVectors {
		t.Run(tt.name, func(t *testing.T) {
			sps := unhex(t, tt.hex)
			c, err := codec.NewHEVC([][]byte{vps}, [][]byte{sps}, [][]byte{pps}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, c.PictureInfo()); diff != "" {
				t.Errorf("picture (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([][]byte{vps, sps, pps}, c.ParameterSets()); diff != "" {
				t.Errorf("parameter sets (-want +got):\n%s", diff)
			}
			again, err := codec.ParseHEVC(c.Private())
			if err != nil {
				t.Fatal(err)
			}
			if again.LengthSize != 4 || again.CodecString() != c.CodecString() || !bytes.Equal(again.Private(), c.Private()) {
				t.Errorf("read back: %+v, want %+v", again, c)
			}
		})
	}
}

// TestParseHEVC has the order of arrays, completeness and length sizes (rules 33 and 35).
func TestParseHEVC(t *testing.T) {
	vps, sps, pps := hevcSets(t)
	sei := []byte{0x4e, 0x01, 0x05, 0x01, 0x00, 0x80}
	layer1 := append([]byte{0x42, 0x09}, sps[2:]...) // nuh_layer_id 1
	one := func(n ...[]byte) [][]byte { return n }
	v, s, p := hvccArray{32, one(vps)}, hvccArray{33, one(sps)}, hvccArray{34, one(pps)}
	tests := []struct {
		name    string
		private []byte
		size    int
		want    []byte // Private
		wantErr error
	}{
		{"incomplete arrays", hvcc(t, 3, v, s, p), 4,
			hvcc(t, 3, hvccArray{0xa0, v.nals}, hvccArray{0xa1, s.nals}, hvccArray{0xa2, p.nals}), nil},
		{"reversed, with SEI", hvcc(t, 1, p, hvccArray{39, one(sei)}, s, v), 2,
			hvcc(t, 3, hvccArray{0xa0, v.nals}, hvccArray{0xa1, s.nals}, hvccArray{0xa2, p.nals}, hvccArray{39, one(sei)}), nil},
		{"1-byte lengths", hvcc(t, 0, v, s, p), 1,
			hvcc(t, 3, hvccArray{0xa0, v.nals}, hvccArray{0xa1, s.nals}, hvccArray{0xa2, p.nals}), nil},
		{"layer 1 first", hvcc(t, 1, v, hvccArray{33, one(layer1, sps)}, p), 2,
			hvcc(t, 3, hvccArray{0xa0, v.nals}, hvccArray{0xa1, one(layer1, sps)}, hvccArray{0xa2, p.nals}), nil},
		{"trailing bytes", append(hvcc(t, 3, v, s, p), 1, 2), 4,
			append(hvcc(t, 3, hvccArray{0xa0, v.nals}, hvccArray{0xa1, s.nals}, hvccArray{0xa2, p.nals}), 1, 2), nil},
		{"3-byte lengths", hvcc(t, 2, v, s, p), 0, nil, codec.ErrInvalidPrivate},
		{"no arrays", hvcc(t, 3), 0, nil, codec.ErrMissingPrivate},
		{"no VPS", hvcc(t, 3, s, p), 0, nil, codec.ErrMissingPrivate},
		{"no SPS", hvcc(t, 3, v, p), 0, nil, codec.ErrMissingPrivate},
		{"no PPS", hvcc(t, 3, v, s), 0, nil, codec.ErrMissingPrivate},
		{"layer 1 only", hvcc(t, 3, v, hvccArray{33, one(layer1)}, p), 0, nil, codec.ErrMissingPrivate},
		{"wrong array", hvcc(t, 3, v, hvccArray{33, one(pps)}, p), 0, nil, codec.ErrInvalidPrivate},
		{"empty NAL unit", hvcc(t, 3, v, hvccArray{33, one(nil, sps)}, p), 0, nil, codec.ErrInvalidPrivate},
		{"header only", hvcc(t, 3, v, hvccArray{33, one(sps[:2])}, p), 0, nil, codec.ErrInvalidPrivate},
		{"numNalus", append(hvcc(t, 3)[:22], 1, 33, 0xff, 0xff), 0, nil, codec.ErrInvalidPrivate},
		{"nalUnitLength", append(hvcc(t, 3)[:22], 1, 33, 0, 1, 0xff, 0xff, 1), 0, nil, codec.ErrInvalidPrivate},
		{"version 0", append([]byte{0}, hvcc(t, 3, v, s, p)[1:]...), 0, nil, codec.ErrInvalidPrivate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := codec.ParseHEVC(tt.private)
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("ParseHEVC: %v, want %v", err, tt.wantErr)
			}
			if err != nil {
				return
			}
			if c.LengthSize != tt.size {
				t.Errorf("LengthSize %d, want %d", c.LengthSize, tt.size)
			}
			if diff := cmp.Diff(tt.want, c.Private()); diff != "" {
				t.Errorf("Private (-want +got):\n%s", diff)
			}
			if c.Picture.Width != hevcSPSVectors[0].want.Width {
				t.Errorf("picture %+v", c.Picture)
			}
		})
	}
}

// TestParseHEVCCut refuses every prefix of a record.
func TestParseHEVCCut(t *testing.T) {
	record := newHEVC(t, 4).Private()
	for i := range record {
		if c, err := codec.ParseHEVC(record[:i]); err == nil || codec.Name(err) == "" {
			t.Errorf("%d bytes: %v, %v", i, c, err)
		}
	}
}

// TestHEVCCodecString has the forms of Annex E.3 (rule 43).
func TestHEVCCodecString(t *testing.T) {
	tests := []struct {
		name string
		ptl  string // profile to level, 12 bytes
		want string
	}{
		{"main", "01 60000000 b00000000000 5d", "hvc1.1.6.L93.B0"},
		{"main 10, high tier", "22 20000000 900000000000 99", "hvc1.2.4.H153.90"},
		{"no constraints", "01 60000000 000000000000 96", "hvc1.1.6.L150"},
		{"profile space", "41 01000000 b00000000000 5d", "hvc1.A1.80.L93.B0"},
		{"zero in the middle", "04 08000000 900001000000 3c", "hvc1.4.10.L60.90.0.1"},
		{"range extensions", "04 08000000 9e0800000000 3c", "hvc1.4.10.L60.9E.8"},
		{"empty, so that of the SPS", "00 00000000 000000000000 00", "hvc1.1.6.L123.B0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := bytes.Clone(newHEVC(t, 4).Private())
			copy(b[1:], unhex(t, tt.ptl))
			c, err := codec.ParseHEVC(b)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.CodecString(); got != tt.want {
				t.Errorf("CodecString %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNewHEVCRefused(t *testing.T) {
	vps, sps, pps := hevcSets(t)
	one := func(n ...[]byte) [][]byte { return n }
	tests := []struct {
		name          string
		vps, sps, pps [][]byte
		wantErr       error
	}{
		{"nothing", nil, nil, nil, codec.ErrMissingPrivate},
		{"no VPS", nil, one(sps), one(pps), codec.ErrMissingPrivate},
		{"short PPS", one(vps), one(sps), one([]byte{0x44}), codec.ErrInvalidPrivate},
		{"swapped", one(sps), one(vps), one(pps), codec.ErrInvalidPrivate},
		{"cut SPS", one(vps), one(sps[:16]), one(pps), codec.ErrInvalidPrivate},
		{"many PPS", one(vps), one(sps), slices.Repeat(one(pps), 256), codec.ErrInvalidPrivate},
	}
	for _, tt := range tests {
		if _, err := codec.NewHEVC(tt.vps, tt.sps, tt.pps, 4); !errors.Is(err, tt.wantErr) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.wantErr)
		}
	}
}

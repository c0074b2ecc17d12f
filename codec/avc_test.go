package codec_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
)

// TestNewAVC writes the record byte by byte, for Baseline and for a High profile (rule 34).
func TestNewAVC(t *testing.T) {
	pps := unhex(t, avcPPSHex)
	for _, tt := range avcSPSVectors {
		t.Run(tt.name, func(t *testing.T) {
			sps := unhex(t, tt.hex)
			c, err := codec.NewAVC([][]byte{sps}, [][]byte{pps}, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Concat([]byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1, 0, byte(len(sps))}, sps,
				[]byte{1, 0, byte(len(pps))}, pps)
			if p := sps[1]; p != 66 && p != 77 && p != 88 {
				want = append(want, 0xfc|tt.want.ChromaFormat, 0xf8|(tt.want.BitDepth-8), 0xf8|(tt.want.BitDepth-8), 0)
			}
			if diff := cmp.Diff(want, c.Private()); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if c.LengthSize != 0 || c.Kind() != codec.Video {
				t.Errorf("LengthSize %d, Kind %v", c.LengthSize, c.Kind())
			}
			if diff := cmp.Diff(&tt.want, c.PictureInfo()); diff != "" {
				t.Errorf("picture (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([][]byte{sps, pps}, c.ParameterSets()); diff != "" {
				t.Errorf("parameter sets (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseAVCLengthSize has the four values of lengthSizeMinusOne (rule 33).
func TestParseAVCLengthSize(t *testing.T) {
	record := newAVC(t, 4).Private()
	for minusOne, ok := range []bool{true, true, false, true} {
		b := bytes.Clone(record)
		b[4] = 0xfc | byte(minusOne)
		c, err := codec.ParseAVC(b)
		if !ok {
			if !errors.Is(err, codec.ErrInvalidPrivate) {
				t.Errorf("lengthSizeMinusOne %d: %v", minusOne, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if c.LengthSize != minusOne+1 {
			t.Errorf("LengthSize %d, want %d", c.LengthSize, minusOne+1)
		}
		if diff := cmp.Diff(record, c.Private()); diff != "" {
			t.Errorf("record with 4-byte lengths (-want +got):\n%s", diff)
		}
	}
}

// TestParseAVCTail accepts a High record with and without its last fields, and keeps unknown bytes (rule 34).
func TestParseAVCTail(t *testing.T) {
	sps := unhex(t, avcSPSVectors[slices.IndexFunc(avcSPSVectors, func(v spsVector) bool { return v.hex[2:4] == "64" })].hex)
	c, err := codec.NewAVC([][]byte{sps}, [][]byte{unhex(t, avcPPSHex)}, [][]byte{{0x6d, 0x80}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	whole := c.Private()
	short := whole[:len(whole)-8]
	tests := []struct {
		name    string
		private []byte
		ext     [][]byte
		wantErr error
	}{
		{"with extension", whole, [][]byte{{0x6d, 0x80}}, nil},
		{"no tail", short, nil, nil},
		{"tail without extension", append(bytes.Clone(short), 0xfd, 0xf8, 0xf8, 0), nil, nil},
		{"unknown bytes", append(bytes.Clone(short), 1, 2, 3, 4, 5), nil, nil},
		{"bytes after the tail", append(bytes.Clone(whole), 9, 9), [][]byte{{0x6d, 0x80}}, nil},
		{"extension cut", whole[:len(whole)-1], nil, codec.ErrInvalidPrivate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := codec.ParseAVC(tt.private)
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("ParseAVC: %v, want %v", err, tt.wantErr)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.ext, c.SPSExt); diff != "" {
				t.Errorf("SPSExt (-want +got):\n%s", diff)
			}
			if !bytes.Equal(c.Private(), tt.private) {
				t.Errorf("Private lost bytes")
			}
		})
	}
}

// TestParseAVCRefused has malformed records, and every prefix of a good one.
func TestParseAVCRefused(t *testing.T) {
	record := newAVC(t, 4).Private()
	change := func(at int, v byte) []byte {
		b := bytes.Clone(record)
		b[at] = v
		return b
	}
	ppsCount := len(record) - 3 - len(unhex(t, avcPPSHex))
	if record[1] != 66 {
		t.Fatal("the record has a tail")
	}
	tests := []struct {
		name    string
		private []byte
		wantErr error
	}{
		{"version 0", change(0, 0), codec.ErrInvalidPrivate},
		{"version 2", change(0, 2), codec.ErrInvalidPrivate},
		{"no SPS", []byte{1, 66, 0, 30, 0xff, 0xe0, 0}, codec.ErrMissingPrivate},
		{"no PPS", append(bytes.Clone(record[:ppsCount]), 0), codec.ErrMissingPrivate},
		{"SPS length beyond the end", change(6, 0xff), codec.ErrInvalidPrivate},
		{"too many SPS", change(5, 0xff), codec.ErrInvalidPrivate},
		{"too many PPS", change(ppsCount, 2), codec.ErrInvalidPrivate},
		{"SPS of another type", change(8, 0x68), codec.ErrInvalidPrivate},
		{"empty SPS", []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 0, 0}, codec.ErrInvalidPrivate},
	}
	for i := range record {
		tests = append(tests, struct {
			name    string
			private []byte
			wantErr error
		}{"cut", record[:i], nil})
	}
	for _, tt := range tests {
		c, err := codec.ParseAVC(tt.private)
		if err == nil || tt.wantErr != nil && !errors.Is(err, tt.wantErr) || codec.Name(err) == "" {
			t.Errorf("%s (%d bytes): %v, %v; want %v", tt.name, len(tt.private), c, err, tt.wantErr)
		}
	}
}

func TestNewAVCRefused(t *testing.T) {
	sps, pps := avcSets(t)
	tests := []struct {
		name     string
		sps, pps [][]byte
		wantErr  error
	}{
		{"nothing", nil, nil, codec.ErrMissingPrivate},
		{"no PPS", [][]byte{sps}, nil, codec.ErrMissingPrivate},
		{"empty SPS", [][]byte{{}}, [][]byte{pps}, codec.ErrInvalidPrivate},
		{"empty PPS", [][]byte{sps}, [][]byte{{}}, codec.ErrInvalidPrivate},
		{"swapped", [][]byte{pps}, [][]byte{sps}, codec.ErrInvalidPrivate},
		{"large PPS", [][]byte{sps}, [][]byte{append([]byte{0x68}, make([]byte, 1<<16)...)}, codec.ErrInvalidPrivate},
		{"many SPS", slices.Repeat([][]byte{sps}, 32), [][]byte{pps}, codec.ErrInvalidPrivate},
	}
	for _, tt := range tests {
		if _, err := codec.NewAVC(tt.sps, tt.pps, nil, 4); !errors.Is(err, tt.wantErr) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.wantErr)
		}
	}
}

// TestAVCManySets counts to the limits of the record.
func TestAVCManySets(t *testing.T) {
	sps, pps := avcSets(t)
	var all [][]byte
	for i := range 255 {
		all = append(all, binary.BigEndian.AppendUint16(bytes.Clone(pps), uint16(i+1)|1<<15))
	}
	c, err := codec.NewAVC(slices.Repeat([][]byte{sps}, 31), all, nil, 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.SPS) != 31 || len(c.PPS) != 255 {
		t.Errorf("%d SPS, %d PPS", len(c.SPS), len(c.PPS))
	}
}
